//! A disk that fills up while vectors are learned: whoever asked is told, and what was learned is not lost.

use std::fmt::Write as _;

use wordspace::engine::import::IfExists;
use wordspace::engine::slots::Slot;
use wordspace::engine::train_table::{
    Along, Method, TrainTableJob, TrainTableProgress, TrainTableReport,
};
use wordspace::engine::{Ask, Engine};
use wordspace::error::{ErrorKind, Result};
use wordspace::query::lookup::{Layout, LookupQuery};
use wordspace::query::{WordOptions, WordOrVector};
use wordspace::training::corpus::Keep;
use wordspace::training::settings::{Model, Settings};

use crate::disk::Watched;
use crate::steps::{Dice, name, open};

/// Lines of words of four kinds, each beside its own.
fn text() -> Vec<u8> {
    let mut dice = Dice::new(3);
    let mut text = String::new();
    for _ in 0..400 {
        let kind = dice.below(4);
        for _ in 0..8 {
            write!(text, "k{kind}w{} ", dice.below(6)).unwrap();
        }
        text.push('\n');
    }
    text.into_bytes()
}

fn job(table: &str) -> TrainTableJob {
    TrainTableJob {
        table: name(table),
        if_exists: IfExists::Error,
        source_name: "a trial".to_owned(),
        trained_at: 1_700_000_000,
        method: Method::Words(Settings {
            dim: 8,
            window: 3,
            sample: 0.0,
            epochs: 12,
            ..Settings::new(Model::SkipGram)
        }),
        keep: Keep { min_count: 1, ..Keep::default() },
        phrases: None,
        cutting: None,
        from: None,
        outputs: None,
        resume_offset: None,
        along: Along { checkpoint_seconds: 1e-6, ..Along::default() },
    }
}

fn learn(
    engine: &Engine,
    table: &str,
    text: &[u8],
    on_progress: &mut dyn FnMut(&TrainTableProgress),
) -> Result<TrainTableReport> {
    let mut parts = text.chunks(100_000).map(<[u8]>::to_vec).collect::<Vec<_>>().into_iter();
    let mut slot = || engine.jobs().slots().take(Slot::Long);
    engine.train_table(
        &job(table),
        &mut || Ok(parts.next()),
        &mut |now| on_progress(&now),
        &mut slot,
    )
}

fn vectors(engine: &Engine, table: &str) -> Vec<Vec<f32>> {
    let word = |i: usize| WordOrVector::Word(format!("k{}w{}", i / 6, i % 6));
    let query = LookupQuery {
        queries: (0..24).map(word).collect(),
        unit: false,
        layout: Layout::default(),
        words: WordOptions::default(),
    };
    let found = engine.lookup(&Ask { table: name(table), query }).unwrap();
    found.answer.vectors.into_iter().map(|found| found.unwrap().vector).collect()
}

#[test]
fn a_training_whose_checkpoints_find_no_room_is_told_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::new(folder.path());
    let engine = open(folder.path()).unwrap();
    learn(&engine, "plain", &text(), &mut |_| {}).unwrap();
    let mut problems = 0;
    let report = learn(&engine, "full", &text(), &mut |now| {
        let checkpoint = now.learning.as_ref().and_then(|now| now.checkpoint.clone());
        let problem = checkpoint.and_then(|one| one.problem);
        problems += usize::from(problem.is_some_and(|told| told.contains("disk")));
        // Room for nothing while it learns, and for the table then.
        watched.leave_room(if now.phase == "writing" { None } else { Some(0) });
    });
    assert!(report.is_ok() && problems > 0, "{report:?} {problems}");
    assert_eq!(vectors(&engine, "full"), vectors(&engine, "plain"));
    assert_eq!(engine.status().spool.0, 0, "nothing is left of it");
    engine.close();
}

#[test]
fn a_table_that_finds_no_room_is_made_of_its_checkpoint_once_there_is_some() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::new(folder.path());
    let engine = open(folder.path()).unwrap();
    learn(&engine, "plain", &text(), &mut |_| {}).unwrap();
    let full = |now: &TrainTableProgress| {
        if now.phase == "writing" {
            watched.leave_room(Some(0));
        }
    };
    let error = learn(&engine, "full", &text(), &mut |now| full(now)).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::DiskFull, "{error}");
    assert!(engine.dim_of(&name("full")).is_err(), "no table is half there");
    watched.leave_room(None);
    let table = name("full");
    engine.check_resuming(&table).unwrap();
    let mut slot = || engine.jobs().slots().take(Slot::Long);
    let report = engine.resume_training(&table, &mut |_| {}, &mut slot).unwrap();
    assert!(report.is_resumed);
    assert_eq!(vectors(&engine, "full"), vectors(&engine, "plain"));
    assert!(engine.check_resuming(&table).is_err(), "its checkpoint is gone");
    engine.close();
}
