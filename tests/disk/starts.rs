//! Starts that are killed at any call, or find a full disk: the folder opens again, with everything.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::disk::{Fault, How, Watched};
use crate::steps::{Dice, Model, User, check_search, open, take, wait};

fn check(folder: &Path, models: &[&Model], told: &str) -> Model {
    let _watched = Watched::new(folder);
    let engine = open(folder).unwrap_or_else(|error| panic!("{told}: {error}"));
    let found = Model::of(&engine, 0).unwrap_or_else(|error| panic!("{told}: {error}"));
    let differences: Vec<_> = models.iter().map(|model| found.difference(model)).collect();
    assert!(models.contains(&&found), "{told}: {differences:?}");
    check_search(&engine, &found, 1);
    engine.close();
    found
}

/// The child's part: opens the folder, takes steps, and is killed at some call.
fn be_killed(folder: &Path) {
    let number = |name: &str| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let watched = Watched::new(folder);
    let nth = usize::try_from(number("WORDSPACE_KILLED_CALL")).unwrap();
    watched.refuse(Some(Fault { call: None, nth, how: How::Kill, lasts: false }));
    let engine = open(folder).unwrap();
    println!("opened after {} calls", watched.calls());
    let mut user = User::new(0, number("WORDSPACE_KILLED_SEED"));
    user.model = Model::of(&engine, 0).unwrap();
    for step in 1..=number("WORDSPACE_KILLED_STEPS") {
        take(&engine, &user.step()).unwrap();
        println!("acknowledged {step}");
    }
    engine.close();
}

/// Starts this test as a child that kills itself in the middle of a start, or a little later.
///
/// `WORDSPACE_START_KILLS=3000 cargo test --release --test disk start` is the long form.
#[test]
fn a_start_that_is_killed_leaves_a_folder_that_opens() {
    const THIS: &str = "starts::a_start_that_is_killed_leaves_a_folder_that_opens";
    const STEPS: usize = 6;
    if let Some(folder) = std::env::var_os("WORDSPACE_KILLED_FOLDER") {
        return be_killed(Path::new(&folder));
    }
    let kills = std::env::var("WORDSPACE_START_KILLS").map_or(25, |kills| kills.parse().unwrap());
    let mut dice = Dice::new(9);
    let mut folder = tempfile::tempdir().unwrap();
    let mut model = Model::default();
    let (mut calls, mut killed, mut in_start) = (60, 0, 0);
    for kill in 0..kills {
        if kill % 50 == 49 {
            // From an empty folder again.
            folder = tempfile::tempdir().unwrap();
            model = Model::default();
        }
        let seed = dice.next();
        let nth = 1 + if dice.below(3) == 0 { dice.below(4 * calls) } else { dice.below(calls) };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([THIS, "--exact", "--nocapture"])
            .env("WORDSPACE_KILLED_FOLDER", folder.path())
            .env("WORDSPACE_KILLED_CALL", nth.to_string())
            .env("WORDSPACE_KILLED_SEED", seed.to_string())
            .env("WORDSPACE_KILLED_STEPS", STEPS.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut acknowledged, mut is_open) = (0, false);
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            // The harness writes to the same line.
            if let Some((_, told)) = line.split_once("opened after ") {
                calls = told.split(' ').next().unwrap().parse::<usize>().unwrap().max(10);
                is_open = true;
            } else if let Some((_, told)) = line.split_once("acknowledged ") {
                acknowledged = told.parse().unwrap();
            }
        }
        let status = child.wait().unwrap();
        let told = format!("kill {kill} at call {nth}, seed {seed}, {status}");
        killed += usize::from(!status.success());
        in_start += usize::from(!is_open);
        // Steps follow from the seed and what was there.
        let mut user = User::new(0, seed);
        user.model = model;
        (0..acknowledged).for_each(|_| _ = user.step());
        let mut next = user.clone();
        next.step();
        // Every third of those killed in a start is killed again before it is looked at.
        let is_looked_at = is_open || dice.below(3) > 0;
        model = if is_looked_at {
            check(folder.path(), &[&user.model, &next.model], &told)
        } else {
            user.model
        };
    }
    println!("{killed} of {kills} killed, {in_start} of them in the start; all opened again");
    assert!(killed > kills / 2);
}

/// `WORDSPACE_FULL_STARTS=1000 cargo test --release --test disk start` is the long form.
#[test]
fn a_start_on_a_full_disk_leaves_a_folder_that_opens() {
    let starts =
        std::env::var("WORDSPACE_FULL_STARTS").map_or(12, |starts| starts.parse().unwrap());
    let mut dice = Dice::new(10);
    let folder = tempfile::tempdir().unwrap();
    let mut user = User::new(0, 10);
    let mut refused = 0;
    for start in 0..starts {
        let watched = Watched::new(folder.path());
        let room = [0, 100, 5_000, 100_000, 1_200_000][dice.below(5)];
        watched.leave_room(Some(dice.below(room + 1) as u64));
        match open(folder.path()) {
            // It may do without room.
            Ok(engine) => engine.close(),
            Err(error) => {
                let told = error.to_string();
                assert!(told.contains("full"), "start {start}: {told}");
                refused += 1;
            }
        }
        drop(watched);
        check(folder.path(), &[&user.model], &format!("start {start}"));
        let _watched = Watched::new(folder.path());
        let engine = open(folder.path()).unwrap();
        for _ in 0..4 {
            take(&engine, &user.step()).unwrap();
        }
        wait(&engine);
        engine.close();
    }
    println!("{refused} of {starts} starts refused; all opened again");
}
