//! An index is damaged, while its folder is closed or while it answers: exact answers stay, and so does
//! the process. A graph of an earlier version answers.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wordspace::engine::import::{IfExists, ImportOptions, Source, TokenizerPolicy, WholeRow};
use wordspace::engine::{Engine, IndexState};
use wordspace::error::Result;
use wordspace::format::intake::Policies;
use wordspace::index::built::BuiltKind;
use wordspace::index::hnsw::{self, BuildParams};
use wordspace::index::{self, EXACT_ROWS_MAX, Watch};
use wordspace::query::WordOrVector;
use wordspace::store::{Store, TokenizerOf};
use wordspace::table::attributes::Attributes;
use wordspace::table::builder::TableBuilder;
use wordspace::table::columns::Collected;
use wordspace::table::meta::{Meta, Residence};
use wordspace::vector::Dtype;

use crate::disk::Watched;
use crate::power::put_file;
use crate::steps::{Dice, name, open, wait};
use crate::told::nearest;

/// An index of vectors of so many components, and the parts that it has.
struct Trial {
    name: &'static str,
    dim: usize,
    parts: &'static [&'static str],
}

const GRAPH: Trial =
    Trial { name: "graph::a_damaged_graph_costs_no_answer", dim: 3, parts: &["graph"] };
const PARTITION: Trial = Trial {
    name: "graph::a_damaged_partition_costs_no_answer",
    dim: 8,
    parts: &["partition", "lists"],
};

const QUESTIONS: [[f32; 3]; 3] = [[1.0, 2.0, -1.0], [-3.0, 0.5, 0.25], [0.1, 0.1, 5.0]];

/// The questions, each over and over up to so many components.
fn questions(dim: usize) -> impl Iterator<Item = Vec<f32>> {
    QUESTIONS.into_iter().map(move |question| question.into_iter().cycle().take(dim).collect())
}

fn vector(row: usize, dim: usize) -> Vec<f32> {
    let mut dice = Dice::new(row as u64);
    (0..dim).map(|_| dice.below(2_001) as f32 / 100.0 - 10.0).collect()
}

fn make(folder: &Path, dim: usize) {
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
        dtype: None,
        residence: Residence::Memory,
    };
    let row = move |row| -> Result<WholeRow> {
        Ok((format!("w{row}").into_bytes(), vector(row, dim), Attributes::new()))
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

fn ask(engine: &Engine, dim: usize, exact: bool) -> Vec<Near> {
    let near = |question: Vec<f32>| {
        let to = WordOrVector::Vector(question);
        let near = nearest(engine, &name("big"), to, 10, exact).unwrap();
        near.into_iter().map(|(word, _, similarity)| (word, similarity)).collect()
    };
    questions(dim).map(near).collect()
}

/// An index may miss some, and never tells what is not so.
fn check(engine: &Engine, dim: usize, exact: &[Near], told: &str) {
    assert_eq!(ask(engine, dim, true), exact, "{told}");
    for ((near, exact), question) in ask(engine, dim, false).iter().zip(exact).zip(questions(dim)) {
        let cosine = |word: &str| {
            let row = vector(word[1..].parse().unwrap(), dim);
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

/// The file of this name.
fn part_of(folder: &Path, part: &str) -> PathBuf {
    fn find(folder: &Path, part: &str) -> Option<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find_map(|path| {
            let is_part = path.file_name().unwrap().to_str().unwrap() == part;
            if path.is_dir() { find(&path, part) } else { is_part.then_some(path) }
        })
    }
    find(folder, part).unwrap()
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

/// The child's part: the index is cut while it answers.
fn be_cut(trial: &Trial, folder: &Path) {
    let engine = open(folder).unwrap();
    let exact = ask(&engine, trial.dim, true);
    wait(&engine);
    assert_eq!(state(&engine), IndexState::Ready);
    for part in trial.parts {
        File::options().write(true).open(part_of(folder, part)).unwrap().set_len(4096).unwrap();
        check(&engine, trial.dim, &exact, "cut while it answers");
    }
    engine.close();
}

/// `WORDSPACE_GRAPHS=1000 cargo test --release --test disk graph` is the long form.
#[test]
fn a_damaged_graph_costs_no_answer() {
    damage(&GRAPH);
}

#[test]
fn a_damaged_partition_costs_no_answer() {
    damage(&PARTITION);
}

fn damage(trial: &Trial) {
    if let Some(folder) = std::env::var_os("WORDSPACE_CUT_FOLDER") {
        return be_cut(trial, Path::new(&folder));
    }
    let &Trial { dim, parts, .. } = trial;
    let damages = std::env::var("WORDSPACE_GRAPHS").map_or(6, |damages| damages.parse().unwrap());
    let good = tempfile::tempdir().unwrap();
    let watched = Watched::new(good.path());
    make(good.path(), dim);
    let engine = open(good.path()).unwrap();
    let exact = ask(&engine, dim, true);
    wait(&engine);
    check(&engine, dim, &exact, "as it was made");
    engine.close();
    drop(watched);
    let mut dice = Dice::new(13);
    for number in 0..damages {
        let part = parts[number % parts.len()];
        let bytes = fs::read(part_of(good.path(), part)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        copy(good.path(), folder.path());
        let mut damaged = bytes.clone();
        let told = if number % 3 == 2 {
            damaged.truncate(dice.below(bytes.len()));
            format!("{part} cut at {}", damaged.len())
        } else {
            let (at, bit) = (dice.below(bytes.len()), dice.below(8));
            damaged[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} of {part}")
        };
        put_file(&part_of(folder.path(), part), &damaged);
        let files = || parts.iter().map(|part| fs::metadata(part_of(folder.path(), part)).unwrap());
        let before: Vec<u64> = files().map(|file| file.ino()).collect();
        let _watched = Watched::new(folder.path());
        let engine = open(folder.path()).unwrap_or_else(|error| panic!("{told}: {error}"));
        check(&engine, dim, &exact, &told);
        if number < parts.len() {
            wait(&engine);
            assert_eq!(state(&engine), IndexState::Ready, "{told}: it is built again");
            assert_eq!(
                fs::read(part_of(folder.path(), part)).unwrap().len(),
                bytes.len(),
                "{told}"
            );
            for ((file, before), _) in files().zip(before).zip(parts).filter(|(_, of)| **of != part)
            {
                assert_eq!(file.ino(), before, "{told}: what is whole is not written again");
            }
            check(&engine, dim, &exact, &told);
        }
        engine.close();
    }
    let cut = tempfile::tempdir().unwrap();
    copy(good.path(), cut.path());
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args([trial.name, "--exact"])
        .env("WORDSPACE_CUT_FOLDER", cut.path())
        .status()
        .unwrap();
    assert!(status.success(), "an index that is cut while it answers: {status}");
}

struct Unwatched;

impl Watch for Unwatched {
    fn progress(&self, _share: f32) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Before there were partitions, every table had a graph.
#[test]
fn a_graph_of_an_earlier_version_answers_and_no_partition_is_built() {
    let dim = PARTITION.dim;
    let folder = tempfile::tempdir().unwrap();
    let mut rows = TableBuilder::new(dim).unwrap();
    for row in 0..=EXACT_ROWS_MAX {
        rows.push(format!("w{row}").as_bytes(), &vector(row, dim)).unwrap();
    }
    let (store, _) = Store::open(folder.path()).unwrap();
    let mut staging = store.stage(Dtype::F32, dim).unwrap();
    staging.push(&rows).unwrap();
    staging.end(&rows).unwrap();
    staging.complete(&Collected::default()).unwrap();
    let table = Arc::new(rows.build());
    let params = BuildParams { threads: 1, ..BuildParams::default() };
    let graph = hnsw::build(&table, params, &Unwatched).unwrap();
    staging.write_part(index::file::KIND, |out| index::file::write(&graph, out)).unwrap();
    let meta = Meta {
        row_count: table.len() as u64,
        dim: u32::try_from(dim).unwrap(),
        ..Meta::unknown(name("big"), staging.generation())
    };
    staging.switch(&meta, TokenizerOf::Same).unwrap().remove();
    drop(store);
    let engine = open(folder.path()).unwrap();
    let exact = ask(&engine, dim, true);
    wait(&engine);
    let status = engine.table(&name("big")).unwrap().index;
    assert_eq!((status.state, status.kind), (IndexState::Ready, Some(BuiltKind::Hnsw)));
    check(&engine, dim, &exact, "a graph of an earlier version");
    engine.close();
}
