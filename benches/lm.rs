//! Language models on one thread: counts, probabilities, the file, and questions to it, in seconds of CPU time; then
//! sentences scored over gRPC by one connection.
//!
//! `WORDSPACE_LM=TRAIN,TEST cargo bench --bench lm` takes two files of text, a sentence each line and spaces between
//! words; without it there is nothing to measure, which is said.
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be taken stops")]

#[expect(dead_code, reason = "no index is waited for here, and no vectors are read")]
mod support;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::sync::Arc;

use wordspace::budget::Budget;
use wordspace::client::{ScoreRequest, SentenceScore, TrainModelHeader};
use wordspace::container::Writer;
use wordspace::error::{Error, Result};
use wordspace::lm::{
    Counts, END, Estimation, KIND, Known, Model, Perplexity, Reader, Reading, Room, Smoothing,
    estimate, plain,
};

const ORDER: usize = 5;
/// Times that the test text is scored; the last one counts, when its pages are in memory.
const ROUNDS: usize = 3;
/// Sentences of a message.
const SENTENCES: usize = 500;

fn main() -> Result<()> {
    let files = std::env::var("WORDSPACE_LM").unwrap_or_default();
    let Some((train, test)) = files.split_once(',') else {
        say(&serde_json::json!({"bench": "lm", "skipped": "WORDSPACE_LM=TRAIN,TEST is not set"}));
        return Ok(());
    };
    let folder = tempfile::tempdir().map_err(Error::disk)?;
    let path = folder.path().join("model");
    make(&std::fs::read(train).map_err(Error::disk)?, &path)?;
    let test = std::fs::read(test).map_err(Error::disk)?;
    ask(&test, &path)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(Error::disk)?.block_on(stream(train.to_owned(), &test));
    Ok(())
}

/// Counts a text and writes its model.
fn make(text: &[u8], path: &std::path::Path) -> Result<()> {
    let go = || Ok(());
    let budget = Arc::new(Budget::new("job-memory", u64::MAX));
    let spill = || tempfile::tempfile().map_err(Error::disk);
    let room = Room::new(&budget, u64::MAX, &budget, Box::new(spill));
    let began = cpu();
    let mut reader = Reader::new(Reading::default(), &room)?;
    for line in lines(text) {
        reader.sentence(plain(line))?;
    }
    let corpus = reader.finish(&Known::default(), &go)?;
    let (tokens, read) = (corpus.totals.tokens, cpu() - began);
    let mut counts = Counts::new(corpus, ORDER, &room, &go)?;
    let counted = cpu() - began;
    let smoothing = Smoothing::ModifiedKneserNey;
    let estimation = Estimation { smoothing, order: ORDER, prune: Vec::new(), weights: Vec::new() };
    let (grams, _) = estimate(&mut counts, &estimation, false, &go)?;
    drop(counts);
    let estimated = cpu() - began;
    let ngrams: u64 = grams.sizes().iter().sum();
    let file = BufWriter::with_capacity(1 << 20, File::create(path).map_err(Error::disk)?);
    let mut out = Writer::new(file, KIND, 0)?;
    grams.write(&mut out, &room, &go)?;
    let (mut file, sealed) = out.finish()?;
    file.flush().map_err(Error::disk)?;
    say(&serde_json::json!({
        "bench": "lm make", "order": ORDER, "tokens": tokens, "ngrams": ngrams,
        "read_cpu_s": read, "counted_cpu_s": counted, "in_memory_cpu_s": estimated,
        "file_cpu_s": cpu() - began, "bytes_per_ngram": sealed.bytes as f64 / ngrams as f64,
        "memory_bytes_per_token": room.peak() as f64 / tokens as f64,
    }));
    Ok(())
}

/// Scores a text in batches and word by word, from the mapped file and from one in large pages.
fn ask(text: &[u8], path: &std::path::Path) -> Result<()> {
    let go = || Ok(());
    for kind in ["mapped", "resident"] {
        let began = std::time::Instant::now();
        let model = if kind == "mapped" {
            Model::open(&File::open(path).map_err(Error::disk)?, "model".to_owned())?
        } else {
            Model::resident(&std::fs::read(path).map_err(Error::disk)?, "model".to_owned())?
        };
        let begin = model.begin_state();
        model.next(&begin, model.number(b"the"))?;
        let opened = began.elapsed().as_secs_f64();
        let mut told = serde_json::Value::Null;
        for _ in 0..ROUNDS {
            let began = cpu();
            let (mut ids, mut ends) = (Vec::new(), Vec::new());
            for line in lines(text) {
                model.add_numbers(line, &mut ids);
                ids.push(END);
                ends.push(ids.len());
            }
            let numbered = cpu();
            let mut scored = Vec::new();
            model.score((&ids, &ends), &begin, &mut scored, &go)?;
            let together = cpu();
            let mut at = 0;
            for &end in &ends {
                let mut state = begin;
                for &id in &ids[at..end] {
                    state = model.next(&state, id)?.1;
                }
                at = end;
            }
            let alone = cpu() - together;
            let mut perplexity = Perplexity::default();
            perplexity.add(&ids, &scored, ends.len() as u64);
            let rate = |seconds: f64| ids.len() as f64 / seconds / 1e6;
            told = serde_json::json!({
                "bench": "lm ask", "kind": kind, "words": ids.len(), "open_s": opened,
                "together_million_per_cpu_s": rate(together - numbered),
                "text_million_per_cpu_s": rate(together - began),
                "numbered_million_per_cpu_s": rate(numbered - began),
                "one_by_one_million_per_cpu_s": rate(alone),
                "perplexity": perplexity.perplexity(),
                "perplexity_without_unknown": perplexity.without_unknown(),
            });
        }
        say(&told);
    }
    Ok(())
}

/// Trains a model by the program itself, and scores the sentences of a text by one connection: sums alone, then each
/// word.
async fn stream(train: String, text: &[u8]) {
    let data = tempfile::tempdir().unwrap();
    let server = support::Server::start(data.path()).await;
    let model = "en".to_owned();
    let header = TrainModelHeader { model: model.clone(), ..TrainModelHeader::default() };
    let texts = std::iter::once_with(move || {
        let file = File::open(train)?;
        Ok(Box::new(file) as Box<dyn std::io::Read + Send>)
    });
    let began = std::time::Instant::now();
    let report = server.client.train_model(header, texts, |_| {}).await.unwrap();
    say(&serde_json::json!({
        "bench": "lm train", "seconds": began.elapsed().as_secs_f64(),
        "process_peak_bytes": peak(server.child.id()), "lists_peak_bytes": report.memory_bytes,
    }));
    let sentences: Vec<String> =
        lines(text).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    for totals_only in [true, false] {
        for round in 0..ROUNDS {
            let model = model.clone();
            let parts: Vec<Vec<String>> =
                sentences.chunks(SENTENCES).map(<[String]>::to_vec).collect();
            let messages = parts.into_iter().map(move |sentences| ScoreRequest {
                model: model.clone(),
                sentences,
                totals_only,
                ..ScoreRequest::default()
            });
            let began = std::time::Instant::now();
            let messages = tokio_stream::iter(messages);
            let mut answers = server.client.score_stream(messages).await.unwrap();
            let mut words = 0_u64;
            while let Some(answer) = answers.next_answer().await.unwrap() {
                let count = |sentence: &SentenceScore| u64::from(sentence.token_count);
                words += answer.sentences.iter().map(count).sum::<u64>();
            }
            let million = words as f64 / began.elapsed().as_secs_f64() / 1e6;
            if round + 1 == ROUNDS {
                say(&serde_json::json!({
                    "bench": "lm stream", "totals_only": totals_only, "words": words,
                    "million_per_s": million,
                }));
            }
        }
    }
}

/// The most memory that a process had, in bytes; 0 where the system does not tell.
fn peak(process: u32) -> u64 {
    let told = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1_024
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.strip_suffix(b"\n").unwrap_or(text).split(|&byte| byte == b'\n')
}

/// Seconds that this thread has run; 0 where the system does not tell.
fn cpu() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanoseconds.map_or(0.0, |nanoseconds| nanoseconds / 1e9)
}

fn say(line: &serde_json::Value) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
