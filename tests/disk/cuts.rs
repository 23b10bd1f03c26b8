//! The power goes at any moment: what was acknowledged is there, the rest whole or not at all.

use std::path::Path;

use crate::disk::{Change, Watched};
use crate::power::{Cut, Luck, Names};
use crate::steps::{Dice, Model, User, check_search, open, take, wait};

/// What a user did, and what it did to the disk.
struct Recorded {
    changes: Vec<Change>,
    /// After so many steps of each user.
    models: Vec<Vec<Model>>,
}

/// Users take steps at once, each on tables of his own.
fn record(users: usize, steps: usize, reopens: bool, seed: u64) -> Recorded {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::record(folder.path());
    let mut engine = open(folder.path()).unwrap();
    let mut each: Vec<_> = (0..users)
        .map(|number| {
            let user = User::new(number, seed + number as u64);
            (user, vec![Model::default()])
        })
        .collect();
    for part in 0..4 {
        std::thread::scope(|scope| {
            for (number, (user, models)) in each.iter_mut().enumerate() {
                let (engine, watched) = (&engine, &watched);
                scope.spawn(move || {
                    for _ in 0..steps / 4 {
                        let step = user.step();
                        take(engine, &step).unwrap();
                        models.push(user.model.clone());
                        watched.mark(number, models.len() - 1);
                    }
                });
            }
        });
        if reopens && part < 3 {
            engine.close();
            engine = open(folder.path()).unwrap();
        }
    }
    wait(&engine);
    engine.close();
    let models = each.into_iter().map(|(_, models)| models).collect();
    Recorded { changes: watched.recorded(), models }
}

impl Recorded {
    /// Opens what a cut leaves, and compares it with what must be there.
    fn try_cut(&self, cut: Cut, goes_on: bool) {
        let folder = tempfile::tempdir().unwrap();
        cut.leaves(&self.changes).put(folder.path());
        let tried = std::panic::catch_unwind(|| self.check(cut, goes_on, folder.path()));
        if tried.is_err() {
            cut_is_kept(folder, &self.changes, cut);
            panic!("{cut:?} of {} changes lost something, or more", self.changes.len());
        }
    }

    fn check(&self, cut: Cut, goes_on: bool, folder: &Path) {
        let _watched = Watched::new(folder);
        let engine = open(folder).unwrap_or_else(|error| panic!("{error}"));
        let mut found = Vec::new();
        for (user, models) in self.models.iter().enumerate() {
            let told = self.changes[..cut.at].iter().rev().find_map(|change| {
                let Change::Mark { writer, steps } = change else { return None };
                (*writer == user).then_some(*steps)
            });
            let told = told.unwrap_or(0);
            let model = Model::of(&engine, user).unwrap_or_else(|error| panic!("{error}"));
            let may_be = &models[told..models.len().min(told + 2)];
            if !may_be.contains(&model) {
                let differences: Vec<_> =
                    may_be.iter().map(|known| known.difference(&model)).collect();
                panic!("user {user} after {told} steps: {differences:#?}");
            }
            check_search(&engine, &model, cut.seed);
            found.push(model);
        }
        // What is there now can be written to, and is there when it is opened again.
        if goes_on {
            for (number, model) in found.iter_mut().enumerate() {
                let mut user = User::new(number, cut.seed);
                user.model = model.clone();
                for _ in 0..8 {
                    let step = user.step();
                    take(&engine, &step).unwrap_or_else(|error| panic!("{step:?}: {error}"));
                }
                *model = user.model;
            }
            wait(&engine);
        }
        engine.close();
        if goes_on {
            let engine = open(folder).unwrap_or_else(|error| panic!("again: {error}"));
            for (user, model) in found.iter().enumerate() {
                let again = Model::of(&engine, user).unwrap_or_else(|error| panic!("{error}"));
                assert!(again == *model, "user {user}: {}", model.difference(&again));
            }
            engine.close();
        }
    }
}

/// Keeps what a cut left, as it was before it was opened, for whoever looks into it.
fn cut_is_kept(opened: tempfile::TempDir, changes: &[Change], cut: Cut) {
    drop(opened);
    let folder = tempfile::tempdir().unwrap().keep();
    cut.leaves(changes).put(&folder);
    eprintln!("{cut:?} leaves {}", folder.display());
    for change in changes[..cut.at].iter().rev().take(40).rev() {
        let text = format!("{change:?}");
        eprintln!("  {}", &text[..text.len().min(100)]);
    }
}

/// `WORDSPACE_POWER_CUTS=10000 cargo test --release --test disk power` is the long form.
#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let cuts = std::env::var("WORDSPACE_POWER_CUTS").map_or(150, |cuts| cuts.parse().unwrap());
    // One alone, one who stops and goes on, three at once.
    let traces = [(1, 120, false), (1, 120, true), (3, 40, false)];
    for (trace, (users, steps, reopens)) in traces.into_iter().enumerate() {
        let recorded = record(users, steps, reopens, trace as u64);
        let mut dice = Dice::new(trace as u64);
        let changes = recorded.changes.len();
        println!("trace {trace}: {changes} changes by {users} users in {steps} steps");
        for number in 0..cuts / traces.len() {
            let names = if dice.below(2) == 0 { Names::InOrder } else { Names::BySync };
            let luck = match dice.below(5) {
                0 => Luck::All,
                1 => Luck::None,
                _ => Luck::Some(10 + dice.below(81)),
            };
            let cut = Cut { at: dice.below(changes + 1), names, luck, seed: dice.next() };
            recorded.try_cut(cut, number % 8 == 0);
        }
    }
}
