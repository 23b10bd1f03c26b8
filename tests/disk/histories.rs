//! Random histories: steps, searches, restarts, kills and power cuts, against a model.

use tempfile::TempDir;
use wordspace::engine::Engine;

use crate::disk::Watched;
use crate::power::{Cut, Luck, Names};
use crate::steps::{Dice, Model, User, check_search, open, take, wait};

/// An engine on a folder of its own.
struct Live {
    engine: Engine,
    watched: Watched,
    folder: TempDir,
}

impl Live {
    fn on(folder: TempDir) -> Self {
        let watched = Watched::record(folder.path());
        let engine = open(folder.path()).unwrap_or_else(|error| panic!("{error}"));
        Self { engine, watched, folder }
    }

    fn reopened(self) -> Self {
        self.engine.close();
        drop(self.watched);
        Self::on(self.folder)
    }

    /// On what a cut leaves now.
    fn cut(self, luck: Luck, dice: &mut Dice) -> Self {
        let changes = self.watched.recorded();
        let names = if dice.below(2) == 0 { Names::InOrder } else { Names::BySync };
        let cut = Cut { at: changes.len(), names, luck, seed: dice.next() };
        self.engine.close();
        let folder = tempfile::tempdir().unwrap();
        cut.leaves(&changes).put(folder.path());
        Self::on(folder)
    }
}

fn check(live: &Live, model: &Model, seed: u64) {
    let found = Model::of(&live.engine, 0).unwrap_or_else(|error| panic!("{error}"));
    assert!(found == *model, "{}", found.difference(model));
    check_search(&live.engine, model, seed);
}

fn history(seed: u64, told: &mut Vec<String>) {
    let mut dice = Dice::new(seed);
    let mut user = User::new(0, dice.next());
    let mut live = Live::on(tempfile::tempdir().unwrap());
    for _ in 0..10 + dice.below(30) {
        match dice.below(20) {
            0 => {
                told.push("reopened".to_owned());
                live = live.reopened();
            }
            1 => {
                told.push("killed".to_owned());
                live = live.cut(Luck::All, &mut dice);
            }
            2 => {
                told.push("cut".to_owned());
                let luck = [Luck::None, Luck::Some(20), Luck::Some(70)][dice.below(3)];
                live = live.cut(luck, &mut dice);
            }
            3 => wait(&live.engine),
            _ => {
                let step = user.step();
                let text = format!("{step:?}");
                told.push(text[..text.len().min(120)].to_owned());
                take(&live.engine, &step).unwrap_or_else(|error| panic!("{error}"));
            }
        }
        check(&live, &user.model, dice.next());
    }
    wait(&live.engine);
    live = live.reopened();
    check(&live, &user.model, dice.next());
    live.engine.close();
}

/// `WORDSPACE_HISTORIES=10000 cargo test --release --test disk histories` is the long form; with
/// `WORDSPACE_SEED=7` it begins with that seed.
#[test]
fn random_histories_end_as_the_model_says() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let first = number("WORDSPACE_SEED").unwrap_or(0);
    let histories = number("WORDSPACE_HISTORIES").unwrap_or(12);
    for seed in first..first + histories {
        let mut told = Vec::new();
        let tried =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| history(seed, &mut told)));
        assert!(tried.is_ok(), "WORDSPACE_SEED={seed}: {told:#?}");
    }
    println!("{histories} histories from seed {first}");
}
