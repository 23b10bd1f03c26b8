//! Recoveries that are killed at any call: the next one ends as one would have that was left alone.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;

use wordspace::store::recover::{Recovered, recover};

use crate::disk::{Fault, How, Watched};
use crate::power::put_file;
use crate::steps::{Dice, Model, User, open, take, wait};

/// A folder with writes in its journal, whose ledger is damaged, and a part that a table can do without.
fn make(folder: &Path) {
    let engine = open(folder).unwrap();
    let mut user = User::new(0, 14);
    for _ in 0..60 {
        take(&engine, &user.step()).unwrap();
    }
    wait(&engine);
    engine.close();
    let mut generations: Vec<_> = fs::read_dir(folder.join("generations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    generations.sort();
    let mut attributes = generations.iter().map(|generation| generation.join("attributes"));
    let attributes = attributes.rfind(|path| path.exists()).unwrap();
    for path in [attributes, folder.join("ledger")] {
        let mut bytes = fs::read(&path).unwrap();
        bytes[40] ^= 4;
        put_file(&path, &bytes);
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        if from.is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

/// What a recovery told, wherever the folder is.
fn recovered(folder: &Path) -> Recovered {
    let told = recover(folder, &|| Ok(())).unwrap();
    let anywhere = |text: String| text.replace(folder.to_str().unwrap(), "");
    Recovered {
        losses: told.losses.into_iter().map(anywhere).collect(),
        moved: told.moved.into_iter().map(anywhere).collect(),
        ..told
    }
}

/// What a recovered folder has.
fn model(folder: &Path) -> Model {
    let engine = open(folder).unwrap();
    assert_eq!(engine.problems(), Vec::<String>::new());
    let model = Model::of(&engine, 0).unwrap();
    engine.close();
    model
}

fn be_killed(folder: &Path) {
    let nth = std::env::var("WORDSPACE_KILLED_CALL").unwrap().parse().unwrap();
    let watched = Watched::new(folder);
    watched.refuse(Some(Fault { call: None, nth, how: How::Kill, lasts: false }));
    recover(folder, &|| Ok(())).unwrap();
    println!("ended after {} calls", watched.calls());
}

/// `WORDSPACE_RECOVER_KILLS=1000 cargo test --release --test disk recover` is the long form.
#[test]
fn a_recovery_that_is_killed_loses_nothing_and_is_told_in_full_by_the_next() {
    const THIS: &str =
        "recovers::a_recovery_that_is_killed_loses_nothing_and_is_told_in_full_by_the_next";
    if let Some(folder) = std::env::var_os("WORDSPACE_KILLED_FOLDER") {
        return be_killed(Path::new(&folder));
    }
    let kills = std::env::var("WORDSPACE_RECOVER_KILLS").map_or(12, |kills| kills.parse().unwrap());
    let damaged = tempfile::tempdir().unwrap();
    make(damaged.path());
    let again = || {
        let folder = tempfile::tempdir().unwrap();
        copy(damaged.path(), folder.path());
        folder
    };
    let left_alone = again();
    let watched = Watched::new(left_alone.path());
    watched.refuse(Some(Fault { call: None, nth: usize::MAX, how: How::Kill, lasts: false }));
    let told = recovered(left_alone.path());
    let calls = watched.calls();
    drop(watched);
    let expected = model(left_alone.path());
    assert_eq!(told.losses.len(), 1, "{told:?}");
    assert!(told.losses[0].contains("attributes") && !expected.tables.is_empty(), "{told:?}");

    let mut dice = Dice::new(15);
    let mut in_the_middle = 0;
    for kill in 0..kills {
        let folder = again();
        // Names change at the end, in few calls.
        let nth = if kill % 2 == 0 { calls - dice.below(40) } else { 1 + dice.below(calls) };
        let status = Command::new(std::env::current_exe().unwrap())
            .args([THIS, "--exact", "--nocapture"])
            .env("WORDSPACE_KILLED_FOLDER", folder.path())
            .env("WORDSPACE_KILLED_CALL", nth.to_string())
            .output()
            .unwrap()
            .status;
        if status.success() {
            continue;
        }
        assert_eq!(status.signal(), Some(libc::SIGKILL), "kill {kill} at call {nth}");
        let is_without_store = !folder.path().join("store").exists();
        in_the_middle += usize::from(is_without_store);
        let is_started = dice.below(2) == 0;
        if is_started {
            // A server that is started first changes nothing of that, but moves the damaged ledger away if
            // there is a key-value store.
            let engine = open(folder.path()).unwrap();
            assert!(is_without_store <= !engine.problems().is_empty());
            engine.close();
        }
        let _watched = Watched::new(folder.path());
        let at = format!("kill {kill} at call {nth}");
        let is_done = !is_without_store && folder.path().join("lost/store.1").exists();
        let now = recovered(folder.path());
        if !is_done {
            assert_eq!((&now.tables, &now.losses), (&told.tables, &told.losses), "{at}");
            assert!(now.moved == told.moved || is_started, "{at}: {:?}", now.moved);
        }
        let found = model(folder.path());
        assert!(found == expected, "{at}: {}", found.difference(&expected));
    }
    println!("{in_the_middle} of {kills} killed while there was no key-value store");
    assert!(in_the_middle > 0);
}
