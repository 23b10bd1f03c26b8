//! How fast vectors are learned from text, in process and over gRPC, and how good they are.
//! `cargo bench --bench training` prints one line of JSON for each model; `-- cbow` is those alone whose name has that.
//!
//! The text is the beginning of `corpus/en-large.tok.txt` in `$WORDSPACE_DATA` (default `~/.cache/wordspace-data`), or
//! else words from a fixed seed; `WORDSPACE_TRAIN_TOKENS` sets how many tokens (7,000,000), `WORDSPACE_TRAIN_SEEDS` from
//! how many seeds (1). The test sets of gensim in `$WORDSPACE_DATA/gensim` judge the vectors, if they are there.
//! `benches/training_peers.py` measures other tools on the same text. `WORDSPACE_BENCH_QUICK` is over in seconds.
#![expect(clippy::print_stdout, reason = "measurements are told on standard output")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be taken stops")]

#[expect(dead_code, reason = "no index is waited for here, and no vectors are read")]
mod support;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};
use wordspace::client::{TrainLoss, TrainModel, TrainSubwords, TrainTableHeader};
use wordspace::error::{Error, Result};
use wordspace::evaluation::Lookup;
use wordspace::evaluation::test_set::{TestSet, TestSetKind};
use wordspace::table::builder::TableBuilder;
use wordspace::table::view::View;
use wordspace::training::corpus::{Bounds, Corpus, Encoder, Keep};
use wordspace::training::glove::{self, GloveSettings};
use wordspace::training::progress::Go;
use wordspace::training::settings::{Loss, Model, Ngrams, Settings};
use wordspace::training::train::{Start, train};
use wordspace::training::{Kind, Spill};
use wordspace::vector::RowId;

use support::Server;

const TOKENS: usize = 7_000_000;
/// Words among which analogies are answered.
const ANALOGY_WORDS: usize = 30_000;

#[tokio::main]
async fn main() {
    let quick = std::env::var_os("WORDSPACE_BENCH_QUICK").is_some();
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse().ok());
    let tokens = number("WORDSPACE_TRAIN_TOKENS").unwrap_or(if quick { 20_000 } else { TOKENS });
    let seeds = number("WORDSPACE_TRAIN_SEEDS").unwrap_or(1) as u64;
    // `cargo bench` adds `--bench`.
    let wanted = std::env::args().skip(1).find(|argument| argument != "--bench");
    let text: Arc<[u8]> = text(tokens).into();
    let corpus = read(&text);
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    for name in CASES {
        if wanted.as_ref().is_some_and(|wanted| !name.contains(wanted.as_str())) {
            continue;
        }
        for seed in 1..=seeds {
            let mut told = alone(&corpus, name, seed, quick);
            // A server takes the best kernel of its machine.
            if seed == 1 && !name.ends_with("avx2") {
                told.extend(served(&server, &text, name, quick).await);
            }
            println!("{}", Value::Object(told));
        }
    }
}

const CASES: [&str; 8] = [
    "skip-gram",
    "skip-gram-avx2",
    "skip-gram-2-threads",
    "cbow",
    "cbow-position-weights",
    "hierarchical",
    "subwords",
    "glove",
];

fn settings(name: &str, seed: u64, quick: bool) -> Settings {
    let model = if name.starts_with("cbow") { Model::Cbow } else { Model::SkipGram };
    let mut settings = Settings { seed, ..Settings::new(model) };
    if quick {
        settings.epochs = 1;
    }
    match name {
        "skip-gram-avx2" => settings.kernel = Some(Kind::Avx2),
        "skip-gram-2-threads" => settings.threads = 2,
        "cbow-position-weights" => settings.position_weights = true,
        "hierarchical" => settings.loss = Loss::Hierarchical,
        "subwords" => {
            let buckets = if quick { 10_000 } else { 2_000_000 };
            settings.ngrams = Some(Ngrams { min_n: 3, max_n: 6, buckets });
        }
        _ => {}
    }
    settings
}

/// Learns in this process.
fn alone(corpus: &Corpus, name: &str, seed: u64, quick: bool) -> Map<String, Value> {
    let (mut began, mut cpu) = (Instant::now(), cpu_seconds());
    let words = corpus.words().len();
    let (vectors, count, unit): (Vec<Vec<f32>>, f64, &str);
    let rows = || (0..words).map(|row| RowId::try_from(row).unwrap());
    if name == "glove" {
        let epochs = if quick { 1 } else { 15 };
        let settings = GloveSettings { seed, epochs, x_max: 10.0, ..GloveSettings::default() };
        let learned = glove::train(corpus, &settings, (spill(), None), &mut |now| {
            if now.epoch == 0 {
                (began, cpu) = (Instant::now(), cpu_seconds());
            }
            Ok(Go::On)
        });
        let learned = learned.unwrap();
        (count, unit) = (learned.cells as f64 * epochs as f64, "cells");
        vectors = rows().map(|row| learned.vector(row)).collect();
    } else {
        let settings = settings(name, seed, quick);
        let learned = train(corpus, &settings, Start::default(), &mut |_| Ok(Go::On)).unwrap();
        (count, unit) = (corpus.totals().tokens as f64 * settings.epochs as f64, "tokens");
        vectors = rows().map(|row| learned.vector(row)).collect();
    }
    let (seconds, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let told = json!({"measured": "training", "model": name, "seed": seed, "words": words,
        "counted": unit, "seconds": seconds, "cpu_seconds": cpu, "a_second": count / seconds,
        "a_cpu_second": count / cpu});
    let Value::Object(mut told) = told else { return Map::new() };
    told.extend(quality(corpus, &vectors));
    told
}

/// Learns in a server.
async fn served(server: &Server, text: &Arc<[u8]>, name: &str, quick: bool) -> Map<String, Value> {
    let mut header = TrainTableHeader { table: name.to_owned(), ..TrainTableHeader::default() };
    let settings = settings(name, 1, quick);
    if name == "glove" {
        header.model = TrainModel::Glove.into();
        (header.x_max, header.epochs) = (Some(10.0), quick.then_some(1));
    } else {
        let is_cbow = settings.model == Model::Cbow;
        let model = if is_cbow { TrainModel::Cbow } else { TrainModel::SkipGram };
        header.model = model.into();
        header.threads = u32::try_from(settings.threads).ok();
        header.position_weights = settings.position_weights;
        header.epochs = quick.then_some(1);
        header.subwords = settings.ngrams.map(|ngrams| TrainSubwords {
            buckets: Some(ngrams.buckets),
            ..TrainSubwords::default()
        });
        if settings.loss == Loss::Hierarchical {
            header.loss = TrainLoss::Hierarchical.into();
        }
    }
    let text: Box<dyn Read + Send> = Box::new(Cursor::new(Arc::clone(text)));
    let report =
        server.client.train_table(header, std::iter::once(Ok(text)), |_| {}).await.unwrap();
    let told = json!({"served_a_second": report.tokens_per_second,
        "served_read_tokens_a_second": report.token_count as f64 / report.read_seconds,
        "served_memory_bytes": report.memory_bytes});
    let Value::Object(told) = told else { return Map::new() };
    told
}

fn spill() -> Spill {
    Box::new(|| tempfile::tempfile().map_err(Error::disk))
}

fn read(text: &[u8]) -> Corpus {
    let bounds = Bounds { ids_bytes: 1 << 30, words_bytes: 1 << 30, spill: spill() };
    let began = Instant::now();
    let mut encoder = Encoder::new(bounds);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(2);
    encoder.text(&mut &text[..], threads, &|| Ok(())).unwrap();
    let corpus = encoder.finish(Keep::default()).unwrap();
    let (tokens, seconds) = (corpus.totals().tokens, began.elapsed().as_secs_f64());
    println!(
        "{}",
        json!({"measured": "reading", "threads": threads, "tokens": tokens,
            "words": corpus.words().len(), "a_second": tokens as f64 / seconds})
    );
    corpus
}

/// The first tokens of the large corpus, to the end of a line; or words as frequent as words are.
fn text(tokens: usize) -> Vec<u8> {
    let Some(file) = folder().map(|folder| folder.join("corpus/en-large.tok.txt")) else {
        return seeded(tokens);
    };
    let Ok(file) = File::open(file) else { return seeded(tokens) };
    let (mut lines, mut text, mut count) = (BufReader::new(file), Vec::new(), 0);
    while count < tokens {
        let before = text.len();
        if lines.read_until(b'\n', &mut text).unwrap() == 0 {
            break;
        }
        count += text[before..].split(|&byte| byte == b' ').count();
    }
    text
}

fn seeded(tokens: usize) -> Vec<u8> {
    println!("{}", json!({"note": "no corpus is here: words are drawn from a fixed seed"}));
    let (mut state, mut text) = (0x9e37_79b9_7f4a_7c15_u64, String::new());
    for i in 1..=tokens {
        // Knuth's MMIX generator.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let share = (state >> 40) as f64 / f64::from(1 << 24);
        write!(text, "w{:.0}", (50_000_f64.ln() * share).exp()).unwrap();
        text.push(if i % 20 == 0 { '\n' } else { ' ' });
    }
    text.into_bytes()
}

fn folder() -> Option<PathBuf> {
    let own = std::env::var_os("WORDSPACE_DATA").map(PathBuf::from);
    own.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/wordspace-data")))
}

/// What the test sets say, as far as they are there.
fn quality(corpus: &Corpus, vectors: &[Vec<f32>]) -> Map<String, Value> {
    let mut told = Map::new();
    let Some(folder) = folder().map(|folder| folder.join("gensim")) else { return told };
    let view = view(corpus, vectors).unwrap();
    for (name, file, kind, words) in [
        ("wordsim", "wordsim353.tsv", TestSetKind::WordPairs, vectors.len()),
        ("simlex", "simlex999.txt", TestSetKind::WordPairs, vectors.len()),
        ("analogies", "questions-words.txt", TestSetKind::Analogies, ANALOGY_WORDS),
    ] {
        let Ok(file) = std::fs::read(folder.join(file)) else { continue };
        let lookup = Lookup { restrict_vocab: words, ..Lookup::default() };
        let set = TestSet::read(kind, &file, lookup).unwrap();
        let figures = set.figures(&view, &|| Ok(())).unwrap();
        told.insert(name.to_owned(), figures.first().map_or(Value::Null, |(_, v)| json!(v)));
    }
    told
}

fn view(corpus: &Corpus, vectors: &[Vec<f32>]) -> Result<View> {
    let mut builder = TableBuilder::new(vectors[0].len())?;
    for (row, vector) in (0..).map(RowId).zip(vectors) {
        builder.push(corpus.words().word(row), vector)?;
    }
    Ok(View::new(Arc::new(builder.build()), 0))
}

/// What this process has taken of all cores; 0 where the system does not tell.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which may have spaces, in hundredths: user and system.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
