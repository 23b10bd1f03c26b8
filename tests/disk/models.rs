//! A disk that fills up while language models are made: whoever asked is told, and what was there stays.

use std::fmt::Write as _;

use wordspace::engine::Engine;
use wordspace::engine::config::EngineConfig;
use wordspace::engine::models::{
    Asked, ImportModelJob, MixQuery, NeuralJob, PerplexityQuery, TrainModelJob,
};
use wordspace::error::{ErrorKind, Result};
use wordspace::lm::arpa::{ArpaForm, ArpaOptions};
use wordspace::lm::{Known, Smoothing, neural::Settings};

use crate::disk::{Call, Fault, How, Watched};
use crate::steps::{Dice, name};

/// Memory of jobs that is too little for the lists of n-grams: they go to files.
const JOB_MEMORY: u64 = 8 << 20;

fn text(seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut text = String::new();
    for _ in 0..3_000 {
        for _ in 0..8 {
            write!(text, "w{} ", dice.below(400)).unwrap();
        }
        text.push('\n');
    }
    text.into_bytes()
}

fn job(model: &str, neural: bool) -> TrainModelJob {
    let settings = Settings {
        order: 3,
        dim: 4,
        hidden: 4,
        epochs: 1,
        samples: Some(8),
        ..Settings::default()
    };
    TrainModelJob {
        name: name(model),
        replace: true,
        source: "a trial".to_owned(),
        order: 3,
        smoothing: Smoothing::ModifiedKneserNey,
        known: Known::default(),
        prune: Vec::new(),
        tokenizer: String::new(),
        skips_special: false,
        held_out: None,
        made_at: 1_700_000_000,
        compact: false,
        neural: neural.then(|| NeuralJob {
            settings,
            from: None,
            table: Some(name("vectors")),
            has_dim: true,
        }),
    }
}

/// Makes a model; no room is left on the disk once it is in the phase `full`.
fn train(engine: &Engine, job: &TrainModelJob, watched: &Watched, full: &str) -> Result<()> {
    let mut parts = vec![text(3)].into_iter();
    let made = engine.train_model(job, &mut || Ok(parts.next()), &mut |now| {
        if now.phase == full {
            watched.leave_room(Some(0));
        }
    });
    watched.leave_room(None);
    made.map(drop)
}

fn open(folder: &std::path::Path) -> Engine {
    let config = EngineConfig {
        index_threads: 1,
        job_memory: Some(JOB_MEMORY),
        ..EngineConfig::new(folder)
    };
    Engine::open(&config).unwrap()
}

#[test]
fn a_model_that_finds_no_room_is_told_and_the_old_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::new(folder.path());
    let engine = open(folder.path());
    let perplexity = |model: &str| {
        let query = PerplexityQuery { text: text(4) };
        engine.perplexity(&Asked { model: name(model), query }).unwrap()
    };
    let (ngrams, network, packed) = (
        job("ngrams", false),
        job("network", true),
        TrainModelJob { compact: true, ..job("packed", false) },
    );
    for job in [&ngrams, &network, &packed] {
        train(&engine, job, &watched, "").unwrap();
        let before = perplexity(job.name.as_str());
        let mut told = 0;
        for phase in ["reading", "counting", "estimating", "learning", "writing"] {
            let Err(error) = train(&engine, job, &watched, phase) else { continue };
            assert_eq!(*error.kind(), ErrorKind::DiskFull, "{phase}: {error}");
            told += 1;
            assert_eq!(perplexity(job.name.as_str()), before, "{phase}");
            assert_eq!((engine.status().spool.0, engine.status().job_memory.0), (0, 0), "{phase}");
        }
        assert!(told > 0, "{}", job.name);
    }
    let mut arpa = Vec::new();
    engine.export_model(&name("ngrams"), ArpaForm::default(), &mut arpa).unwrap();
    let import = ImportModelJob {
        name: name("packed"),
        replace: true,
        source: String::new(),
        tokenizer: String::new(),
        options: ArpaOptions::default(),
        compact: false,
        made_at: 1_700_000_000,
    };
    let before = perplexity("packed");
    for phase in ["reading", "writing"] {
        let source = Box::new(std::io::Cursor::new(arpa.clone()));
        let error = engine.import_model(&import, source, &mut |now| {
            if now.phase == phase {
                watched.leave_room(Some(0));
            }
        });
        assert_eq!(*error.unwrap_err().kind(), ErrorKind::DiskFull, "{phase}");
        // A mixture needs no disk.
        let models = vec![name("ngrams"), name("network")];
        engine.mix_models(&MixQuery { models, weights: Vec::new(), text: text(5) }).unwrap();
        watched.leave_room(None);
        assert_eq!(perplexity("packed"), before, "{phase}");
    }
    let names: Vec<_> =
        engine.models().unwrap().into_iter().map(|model| model.name.to_string()).collect();
    assert_eq!(names, ["network", "ngrams", "packed"]);
    engine.close();
}

#[test]
fn a_table_of_vectors_never_stands_without_its_model() {
    let job = job("network", true);
    for nth in 1.. {
        let folder = tempfile::tempdir().unwrap();
        let watched = Watched::new(folder.path());
        let engine = open(folder.path());
        let how = How::Error(libc::EIO);
        let mut parts = vec![text(3)].into_iter();
        let made = engine.train_model(&job, &mut || Ok(parts.next()), &mut |now| {
            if now.phase == "writing" {
                watched.refuse(Some(Fault { call: Some(Call::Sync), nth, how, lasts: false }));
            }
        });
        let came = watched.refused() > 0;
        watched.refuse(None);
        let stands = |engine: &Engine| {
            let has_model = engine.models().unwrap().iter().any(|model| model.name == job.name);
            (has_model, engine.table(&name("vectors")).is_ok())
        };
        // What failed may be the last step of what is done nevertheless.
        let here = stands(&engine);
        assert!(here.0 || !here.1, "sync {nth}: {here:?}");
        assert!(made.is_err() || here == (true, true), "sync {nth}: {here:?}");
        engine.close();
        let engine = open(folder.path());
        let after = stands(&engine);
        assert!(after.0 || !after.1, "sync {nth}, after a restart: {after:?}");
        engine.close();
        if !came {
            assert!(nth > 4, "files, folders and the catalog are synced");
            break;
        }
    }
}
