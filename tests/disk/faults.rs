//! A call on the disk fails: whoever asked is told, nothing is half done, and it goes on when it can.

use wordspace::engine::Engine;
use wordspace::error::ErrorKind;

use crate::disk::{Call, Fault, How, Watched};
use crate::power::{Cut, Luck, Names};
use crate::steps::{Dice, Model, Step, User, check_search, name, open, take, wait};

/// Steps before a call may fail, and at most until one does.
const BEFORE: usize = 12;
const STEPS: usize = 40;

fn found(engine: &Engine) -> Model {
    Model::of(engine, 0).unwrap_or_else(|error| panic!("{error}"))
}

/// Takes steps with a fault; how many calls there were that the fault is for, and whether it came.
fn try_fault(fault: Fault, seed: u64) -> (usize, bool) {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::record(folder.path());
    let engine = open(folder.path()).unwrap();
    let mut user = User::new(0, seed);
    for _ in 0..BEFORE {
        take(&engine, &user.step()).unwrap();
    }
    watched.refuse(Some(fault));
    let told = format!("{fault:?}, seed {seed}");
    let mut is_told = false;
    for _ in 0..STEPS {
        let before = user.model.clone();
        let step = user.step();
        let Err(error) = take(&engine, &step) else { continue };
        is_told = true;
        assert!(watched.refused() > 0, "{told}: {step:?} fails by itself: {error}");
        let is_full = fault.how == How::Error(libc::ENOSPC);
        let expected = if is_full { ErrorKind::DiskFull } else { ErrorKind::Storage };
        assert_eq!(*error.kind(), expected, "{told}: {step:?}: {error}");
        // It may have failed behind the point from which on it is done.
        let model = found(&engine);
        let either = model == before || model == user.model;
        assert!(either, "{told}: {step:?} is half done: {}", model.difference(&before));
        user.model = model;
        break;
    }
    let (calls, came) = (watched.calls(), watched.refused() > 0);
    watched.refuse(None);
    // Once the disk works, so does everything. What sled's own threads met before is told to the next
    // writer, once.
    let mut may_fail = came && (fault.lasts || !is_told);
    for _ in 0..6 {
        let before = user.model.clone();
        let step = user.step();
        let Err(error) = take(&engine, &step) else { continue };
        assert!(std::mem::take(&mut may_fail), "{told}: then {step:?}: {error}");
        user.model = found(&engine);
        assert!(user.model == before, "{told}: then {step:?}: {error}");
    }
    wait(&engine);
    let model = found(&engine);
    assert!(model == user.model, "{told}: {}", model.difference(&user.model));
    check_search(&engine, &model, seed);
    let recorded = watched.recorded();
    engine.close();
    // Rebuilds of tables that were replaced have ended, too.
    if !fault.lasts && fault.call != Some(Call::Remove) {
        let generations = std::fs::read_dir(folder.path().join("generations")).unwrap().count();
        assert_eq!(generations, model.tables.len(), "{told}: a generation that nobody names stays");
    }
    let engine = open(folder.path()).unwrap_or_else(|error| panic!("{told}: again: {error}"));
    let model = found(&engine);
    assert!(model == user.model, "{told}: again: {}", model.difference(&user.model));
    engine.close();
    drop(watched);

    // What a failed sync was to make durable, a later one does not.
    for names in [Names::InOrder, Names::BySync] {
        let folder = tempfile::tempdir().unwrap();
        Cut { at: recorded.len(), names, luck: Luck::None, seed }
            .leaves(&recorded)
            .put(folder.path());
        let _watched = Watched::new(folder.path());
        let engine = open(folder.path()).unwrap_or_else(|error| panic!("{told}: cut: {error}"));
        let model = found(&engine);
        assert!(model == user.model, "{told}: cut, {names:?}: {}", model.difference(&user.model));
        engine.close();
    }
    (calls, came)
}

/// `WORDSPACE_FAULTS=500 cargo test --release --test disk fail` makes each of the first 500 calls of
/// each kind fail.
#[test]
fn a_call_that_fails_is_told_and_the_next_one_works() {
    let all = std::env::var("WORDSPACE_FAULTS").ok().map(|most| most.parse::<usize>().unwrap());
    let mut dice = Dice::new(5);
    let (mut tried, mut failed) = (0, Vec::new());
    for call in Call::ALL {
        // How many there are.
        let seed = dice.next();
        let fault = |nth, number, lasts| {
            let how = How::Error(number);
            Fault { call: Some(call), nth, how, lasts }
        };
        let (calls, _) = try_fault(fault(usize::MAX, libc::EIO, false), seed);
        for number in [libc::ENOSPC, libc::EIO] {
            let nths: Vec<_> = match all {
                Some(most) => (1..=calls.min(most)).collect(),
                None => vec![1 + dice.below(calls.max(1))],
            };
            for nth in nths {
                let lasts = dice.below(2) == 0;
                let fault = fault(nth, number, lasts);
                if let Ok((_, came)) = std::panic::catch_unwind(|| try_fault(fault, seed)) {
                    tried += usize::from(came);
                } else {
                    eprintln!("{fault:?}, seed {seed}: went wrong");
                    failed.push(fault);
                }
            }
        }
    }
    println!("{tried} faults came");
    assert!(failed.is_empty(), "{} went wrong: {failed:?}", failed.len());
    assert!(tried > 5);
}

/// What replaces something, and is refused, is not there after a restart either.
#[test]
fn a_tokenizer_whose_last_sync_fails_is_the_old_one_then_and_after_a_restart() {
    let vocabulary = |engine: &Engine| {
        let spec = engine.tokenizer_spec("u0-k").ok()?;
        Some(String::from_utf8(spec.files[0].bytes.clone()).unwrap())
    };
    let put = |text: &str| Step::PutTokenizer("u0-k".to_owned(), format!("[UNK]\n{text}\n"));
    let mut refused = 0;
    for (nth, is_there) in [(1, false), (2, false), (3, false), (1, true), (2, true), (3, true)] {
        let folder = tempfile::tempdir().unwrap();
        let watched = Watched::new(folder.path());
        let engine = open(folder.path()).unwrap();
        // The shelf is made.
        take(&engine, &Step::PutTokenizer("u0-other".to_owned(), "[UNK]\n".to_owned())).unwrap();
        if is_there {
            take(&engine, &put("old")).unwrap();
        }
        let before = vocabulary(&engine);
        let how = How::Error(libc::EIO);
        watched.refuse(Some(Fault { call: Some(Call::Sync), nth, how, lasts: false }));
        let is_refused = take(&engine, &put("new")).is_err();
        watched.refuse(None);
        refused += usize::from(is_refused);
        let expected = if is_refused { before } else { Some("[UNK]\nnew\n".to_owned()) };
        assert_eq!(vocabulary(&engine), expected, "sync {nth}");
        engine.close();
        let engine = open(folder.path()).unwrap();
        assert_eq!(vocabulary(&engine), expected, "sync {nth}, after a restart");
        engine.close();
    }
    assert_eq!(refused, 4, "a file and its folder are synced");
}

#[test]
fn an_upload_counts_what_it_has_when_the_disk_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::new(folder.path());
    let engine = open(folder.path()).unwrap();
    let upload = engine.upload(&name("t"));
    let mut writer = upload.write_from(0).unwrap();
    writer.push(b"123").unwrap();
    watched.leave_room(Some(4));
    let error = writer.push(b"1234567890").unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::DiskFull);
    watched.leave_room(None);
    assert_eq!(engine.status().spool.0, 7);
    assert_eq!(engine.delete_upload(&name("t")).unwrap(), 7);
    assert_eq!(engine.status().spool.0, 0);
    engine.close();
}

/// A full disk is made empty with what fills it.
#[test]
fn tables_are_deleted_from_a_full_disk_and_then_there_is_room() {
    let rounds = std::env::var("WORDSPACE_FULL_DISKS").map_or(4, |rounds| rounds.parse().unwrap());
    let (mut dice, mut full) = (Dice::new(6), 0);
    for round in 0..rounds {
        let folder = tempfile::tempdir().unwrap();
        let watched = Watched::new(folder.path());
        let engine = open(folder.path()).unwrap();
        let mut user = User::new(0, dice.next());
        for _ in 0..30 {
            take(&engine, &user.step()).unwrap();
        }
        wait(&engine);
        watched.leave_room(Some(dice.below(20_000) as u64));
        let mut failed = 0;
        for _ in 0..400 {
            let before = user.model.clone();
            let step = user.step();
            if let Err(error) = take(&engine, &step) {
                assert_eq!(*error.kind(), ErrorKind::DiskFull, "round {round}: {step:?}: {error}");
                let model = found(&engine);
                assert!(model == before || model == user.model, "round {round}: {step:?}");
                user.model = model;
                failed += 1;
                if failed == 3 {
                    break;
                }
            }
        }
        // What is deleted makes room, so a disk may not get full.
        full += usize::from(failed > 0);
        let aliases = user.model.aliases.keys().cloned().map(Step::RemoveAlias);
        let tables = user.model.tables.keys().cloned().map(Step::DeleteTable);
        for step in aliases.chain(tables) {
            take(&engine, &step).unwrap_or_else(|error| panic!("round {round}: {step:?}: {error}"));
        }
        watched.leave_room(None);
        let mut again = User::new(1, dice.next());
        for _ in 0..8 {
            let step = again.step();
            take(&engine, &step).unwrap_or_else(|error| panic!("round {round}: {step:?}: {error}"));
        }
        wait(&engine);
        engine.close();
        let engine = open(folder.path()).unwrap();
        let (first, second) = (found(&engine), Model::of(&engine, 1).unwrap());
        assert!(first.tables.is_empty(), "round {round}: {:?}", first.tables.keys());
        assert!(second == again.model, "round {round}: {}", second.difference(&again.model));
        engine.close();
    }
    assert!(full * 10 >= rounds * 9, "{full} of {rounds} disks were full");
}
