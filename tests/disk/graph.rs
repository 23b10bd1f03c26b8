//! A graph is damaged, while its folder is closed or while it answers: exact answers stay, and so does
//! the process.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use wordspace::engine::import::{IfExists, ImportOptions, Source, TokenizerPolicy, WholeRow};
use wordspace::engine::{Engine, IndexState};
use wordspace::error::Result;
use wordspace::format::intake::Policies;
use wordspace::index::EXACT_ROWS_MAX;
use wordspace::query::WordOrVector;
use wordspace::table::attributes::Attributes;

use crate::disk::Watched;
use crate::power::put_file;
use crate::steps::{Dice, name, open, wait};
use crate::told::nearest;

const QUESTIONS: [[f32; 3]; 3] = [[1.0, 2.0, -1.0], [-3.0, 0.5, 0.25], [0.1, 0.1, 5.0]];

fn vector(row: usize) -> Vec<f32> {
    let mut dice = Dice::new(row as u64);
    (0..3).map(|_| dice.below(2_001) as f32 / 100.0 - 10.0).collect()
}

fn make(folder: &Path) {
    let engine = open(folder).unwrap();
    let options = ImportOptions {
        table: name("big"),
        source_name: "a trial".to_owned(),
        policies: Policies::default(),
        if_exists: IfExists::Error,
        limit: None,
        total_bytes: None,
        imported_at: 1_700_000_000,
        counts: None,
        license: String::new(),
        told: String::new(),
        dry_run: false,
        tokenizer: TokenizerPolicy::Leave,
        index: wordspace::table::meta::IndexChoice::Auto,
    };
    let row = |row| -> Result<WholeRow> {
        Ok((format!("w{row}").into_bytes(), vector(row), Attributes::new()))
    };
    let rows = (0..=EXACT_ROWS_MAX).map(row);
    engine.import(&options, Source::Rows(Box::new(rows)), &mut |_| {}).unwrap();
    wait(&engine);
    assert_eq!(state(&engine), IndexState::Ready);
    engine.close();
}

fn state(engine: &Engine) -> IndexState {
    engine.table(&name("big")).unwrap().index.state
}

type Near = Vec<(String, f32)>;

fn ask(engine: &Engine, exact: bool) -> Vec<Near> {
    let near = |question: &[f32; 3]| {
        let to = WordOrVector::Vector(question.to_vec());
        let near = nearest(engine, &name("big"), to, 10, exact).unwrap();
        near.into_iter().map(|(word, _, similarity)| (word, similarity)).collect()
    };
    QUESTIONS.iter().map(near).collect()
}

/// A graph may miss some, and never tells what is not so.
fn check(engine: &Engine, exact: &[Near], told: &str) {
    assert_eq!(ask(engine, true), exact, "{told}");
    for ((near, exact), question) in ask(engine, false).iter().zip(exact).zip(QUESTIONS) {
        let cosine = |word: &str| {
            let row = vector(word[1..].parse().unwrap());
            let dot = |a: &[f32], b: &[f32]| -> f64 {
                a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
            };
            dot(&row, &question) / (dot(&row, &row) * dot(&question, &question)).sqrt()
        };
        let is_right = |(word, similarity): &(String, f32)| {
            (cosine(word) - f64::from(*similarity)).abs() < 1e-6
        };
        assert!(near.len() == exact.len() && near.iter().all(is_right), "{told}: {near:?}");
        let found = near.iter().filter(|near| exact.contains(near)).count();
        assert!(found > exact.len() / 2, "{told}: {found} of {}", exact.len());
    }
}

/// The file whose name says that it is the graph.
fn graph_of(folder: &Path) -> PathBuf {
    fn find(folder: &Path) -> Option<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find_map(|path| {
            let is_graph = path.file_name().unwrap().to_str().unwrap().contains("graph");
            if path.is_dir() { find(&path) } else { is_graph.then_some(path) }
        })
    }
    find(folder).unwrap()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copied = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&copied).unwrap();
            copy(&path, &copied);
        } else {
            put_file(&copied, &fs::read(&path).unwrap());
        }
    }
}

/// The child's part: the graph is cut while it answers.
fn be_cut(folder: &Path) {
    let engine = open(folder).unwrap();
    let exact = ask(&engine, true);
    wait(&engine);
    assert_eq!(state(&engine), IndexState::Ready);
    File::options().write(true).open(graph_of(folder)).unwrap().set_len(4096).unwrap();
    check(&engine, &exact, "cut while it answers");
    engine.close();
}

/// `WORDSPACE_GRAPHS=1000 cargo test --release --test disk graph` is the long form.
#[test]
fn a_damaged_graph_costs_no_answer() {
    const THIS: &str = "graph::a_damaged_graph_costs_no_answer";
    if let Some(folder) = std::env::var_os("WORDSPACE_CUT_FOLDER") {
        return be_cut(Path::new(&folder));
    }
    let damages = std::env::var("WORDSPACE_GRAPHS").map_or(6, |damages| damages.parse().unwrap());
    let good = tempfile::tempdir().unwrap();
    let watched = Watched::new(good.path());
    make(good.path());
    let engine = open(good.path()).unwrap();
    let exact = ask(&engine, true);
    wait(&engine);
    check(&engine, &exact, "as it was made");
    engine.close();
    drop(watched);
    let bytes = fs::read(graph_of(good.path())).unwrap();
    let mut dice = Dice::new(13);
    for number in 0..damages {
        let folder = tempfile::tempdir().unwrap();
        copy(good.path(), folder.path());
        let mut damaged = bytes.clone();
        let told = if number % 3 == 2 {
            damaged.truncate(dice.below(bytes.len()));
            format!("cut at {}", damaged.len())
        } else {
            let (at, bit) = (dice.below(bytes.len()), dice.below(8));
            damaged[at] ^= 1 << bit;
            format!("bit {bit} of byte {at}")
        };
        put_file(&graph_of(folder.path()), &damaged);
        let _watched = Watched::new(folder.path());
        let engine = open(folder.path()).unwrap_or_else(|error| panic!("{told}: {error}"));
        check(&engine, &exact, &told);
        if number == 0 {
            wait(&engine);
            assert_eq!(state(&engine), IndexState::Ready, "{told}: it is built again");
            assert_eq!(fs::read(graph_of(folder.path())).unwrap().len(), bytes.len(), "{told}");
            check(&engine, &exact, &told);
        }
        engine.close();
    }
    let cut = tempfile::tempdir().unwrap();
    copy(good.path(), cut.path());
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args([THIS, "--exact"])
        .env("WORDSPACE_CUT_FOLDER", cut.path())
        .status()
        .unwrap();
    assert!(status.success(), "a graph that is cut while it answers: {status}");
}
