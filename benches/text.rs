//! Texts through a server over loopback: a tokenizer learned, texts cut, texts made vectors and rows.
//! `cargo bench --bench text` prints one line of JSON for each measurement.
//!
//! Texts are the lines of `text.txt` in `$WORDSPACE_TEXT`, and the tokenizers are what else stands there:
//! `python benches/text_peers.py make FOLDER FILE...` makes such a folder, and
//! `python benches/text_peers.py measure FOLDER` measures the libraries on the same lines. Without it the
//! texts are the sources of this repository. Vectors are `glove.6B.100d.txt` in `$WORDSPACE_DATA`
//! (default `~/.cache/wordspace-data`), or else random ones for the learned tokens.
//! `WORDSPACE_BENCH_QUICK` does a little of everything.
//!
//! Beside a server's rate stands that of the crate tokenizers itself in this process, on one thread. Of
//! several rounds the best is told: other work on the machine only takes away.
#![expect(clippy::print_stdout, reason = "measurements are told on standard output")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be taken stops")]

mod support;

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;
use tokenizers::Tokenizer;
use wordspace::client::{
    CancelBuildRequest, Client, Cutting, EmbedRequest, GetTokenizerRequest, ImportHeader,
    ImportTextsHeader, PutTokenizerRequest, SeedTableRequest, TokenizeRequest, TokenizerFile,
    TokenizerSpec, TrainHeader,
};

use support::Server;

const ROUNDS: usize = 3;
/// Texts of a call.
const BATCH: usize = 500;
const VOCAB: u32 = 30_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let quick = std::env::var_os("WORDSPACE_BENCH_QUICK").is_some();
    let folder = std::env::var_os("WORDSPACE_TEXT").map(PathBuf::from);
    let text = folder
        .as_ref()
        .map_or_else(sources, |folder| fs::read_to_string(folder.join("text.txt")).unwrap());
    let count = if quick { 1_000 } else { 40_000 };
    let lines: Vec<String> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(count)
        .map(str::to_owned)
        .collect();
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let client = &server.client;
    train(client, &text, if quick { 1_000 } else { VOCAB }).await;
    let ask = GetTokenizerRequest { name: "learned".to_owned(), with_spec: true };
    let spec = client.get_tokenizer(ask).await.unwrap().spec.unwrap();
    by_the_crate(&spec.files[0].content, &lines);
    tokenize(client, "learned", &lines).await;
    for name in ["unigram.model", "bpe.model", "ranks.tiktoken"] {
        let Some(content) = folder.as_ref().and_then(|folder| fs::read(folder.join(name)).ok())
        else {
            continue;
        };
        put(client, name, content).await;
        tokenize(client, name, &lines).await;
    }
    for name in ["unicode-words", "rules"] {
        count_tokens(client, name, &lines).await;
    }
    if let Some(chinese) = folder.map(|folder| folder.join("chinese.txt")).filter(|it| it.exists())
    {
        let lines: Vec<String> =
            fs::read_to_string(chinese).unwrap().lines().take(count).map(str::to_owned).collect();
        count_tokens(client, "jieba", &lines).await;
    }
    vectors(&server, quick).await;
    let sentences = short(&text, if quick { 1_000 } else { 100_000 });
    embed(client, &sentences).await;
    rows(client, &sentences).await;
}

/// Every source of this repository, as one text.
fn sources() -> String {
    fn walk(folder: &Path, all: &mut String) {
        let mut paths: Vec<_> =
            fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                walk(&path, all);
            } else if let Ok(text) = fs::read_to_string(&path) {
                all.push_str(&text);
            }
        }
    }
    let mut all = String::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    all
}

/// Short sentences: up to 12 words in lower case.
fn short(text: &str, count: usize) -> Vec<String> {
    let words = text.split_whitespace().map(str::to_lowercase);
    let words: Vec<String> = words.take(12 * count).collect();
    words.chunks(12).map(|words| words.join(" ")).collect()
}

fn reader(text: &str) -> impl Iterator<Item = std::io::Result<Box<dyn Read + Send>>> + use<> {
    let reader: Box<dyn Read + Send> = Box::new(Cursor::new(text.to_owned()));
    std::iter::once(Ok(reader))
}

async fn train(client: &Client, text: &str, vocab_size: u32) {
    let header = TrainHeader {
        name: "learned".to_owned(),
        vocab_size: Some(vocab_size),
        ..TrainHeader::default()
    };
    let began = Instant::now();
    let report = client.train_tokenizer(header, reader(text), |_| {}).await.unwrap();
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({"bench": "train byte-level BPE", "vocab": vocab_size, "bytes": report.bytes_read,
            "words": report.word_count, "seconds": seconds, "read": report.read_seconds,
            "learn": report.learn_seconds})
    );
}

async fn put(client: &Client, name: &str, content: Vec<u8>) {
    let pattern = if name.ends_with("tiktoken") { "cl100k_base" } else { "" };
    let spec = TokenizerSpec {
        files: vec![TokenizerFile { name: name.to_owned(), content }],
        tiktoken: Some(wordspace::client::tokenizer_spec::Tiktoken {
            pattern: pattern.to_owned(),
            ..Default::default()
        }),
        ..TokenizerSpec::default()
    };
    let put = PutTokenizerRequest { name: name.to_owned(), spec: Some(spec), replace: false };
    client.put_tokenizer(put).await.unwrap();
}

/// The best of several rounds, in seconds.
fn best(mut rounds: impl FnMut()) -> f64 {
    let timed = (0..ROUNDS).map(|_| {
        let began = Instant::now();
        rounds();
        began.elapsed().as_secs_f64()
    });
    timed.fold(f64::INFINITY, f64::min)
}

fn tell(what: &str, way: &str, lines: &[String], seconds: f64) {
    let bytes: usize = lines.iter().map(String::len).sum();
    println!(
        "{}",
        json!({"bench": what, "way": way, "texts": lines.len(), "texts_per_s": lines.len() as f64 / seconds,
            "MB_per_s": bytes as f64 / seconds / 1e6})
    );
}

fn by_the_crate(json: &[u8], lines: &[String]) {
    let tokenizer = Tokenizer::from_bytes(json).unwrap();
    let fast = best(|| {
        for line in lines {
            std::hint::black_box(tokenizer.encode_fast(line.as_str(), true).unwrap());
        }
    });
    tell("tokenize learned", "the crate itself, one thread, without places", lines, fast);
    let whole = best(|| {
        for line in lines {
            std::hint::black_box(tokenizer.encode(line.as_str(), true).unwrap());
        }
    });
    tell("tokenize learned", "the crate itself, one thread, with places", lines, whole);
}

/// Batches, so many in flight, several rounds.
async fn batches<F>(lines: &[String], in_flight: usize, call: impl Fn(Vec<String>) -> F) -> f64
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut calls = tokio::task::JoinSet::new();
        for batch in lines.chunks(BATCH) {
            if calls.len() >= in_flight {
                calls.join_next().await.unwrap().unwrap();
            }
            calls.spawn(call(batch.to_vec()));
        }
        while let Some(done) = calls.join_next().await {
            done.unwrap();
        }
        least = least.min(began.elapsed().as_secs_f64());
    }
    least
}

async fn tokenize(client: &Client, name: &str, lines: &[String]) {
    for in_flight in [1, 2] {
        let seconds = batches(lines, in_flight, |texts| {
            let (client, tokenizer) = (client.clone(), name.to_owned());
            async move {
                let cutting = Some(Cutting { tokenizer, ..Cutting::default() });
                let ask = TokenizeRequest { texts, cutting, ids_only: true, ..Default::default() };
                client.tokenize(ask).await.unwrap();
            }
        });
        let way = format!("gRPC, batches of {BATCH}, numbers only, {in_flight} in flight");
        tell(&format!("tokenize {name}"), &way, lines, seconds.await);
    }
}

async fn count_tokens(client: &Client, name: &str, lines: &[String]) {
    let seconds = batches(lines, 1, |texts| {
        let (client, tokenizer) = (client.clone(), name.to_owned());
        async move {
            let cutting = Some(Cutting { tokenizer, ..Cutting::default() });
            let ask =
                wordspace::client::CountTokensRequest { texts, cutting, table: String::new() };
            client.count_tokens(ask).await.unwrap();
        }
    });
    tell(&format!("count {name}"), &format!("gRPC, batches of {BATCH}"), lines, seconds.await);
}

/// The table whose words make vectors.
async fn vectors(server: &Server, quick: bool) {
    let client = &server.client;
    let limit = quick.then_some(5_000);
    let header = ImportHeader { table: "words".to_owned(), limit, ..ImportHeader::default() };
    if let Some(path) = support::glove() {
        client.import_file(header, &path, |_| {}).await.unwrap();
    } else {
        let (tokenizer, table) = ("learned".to_owned(), "words".to_owned());
        let ask = SeedTableRequest { tokenizer, table, dim: 100, ..Default::default() };
        client.seed_table(ask).await.unwrap();
    }
    // A graph that is being built would take a core.
    let ask = CancelBuildRequest { table: "words".to_owned() };
    drop(client.cancel_build(ask).await);
    server.wait_for_index("words").await;
}

async fn embed(client: &Client, lines: &[String]) {
    for in_flight in [1, 2] {
        let seconds = batches(lines, in_flight, |texts| {
            let client = client.clone();
            async move {
                let table = "words".to_owned();
                let ask = EmbedRequest { table, texts, ..EmbedRequest::default() };
                client.embed(ask).await.unwrap();
            }
        });
        let way = format!("gRPC, batches of {BATCH}, mean, {in_flight} in flight");
        tell("embed", &way, lines, seconds.await);
    }
}

async fn rows(client: &Client, lines: &[String]) {
    let header = ImportTextsHeader {
        table: "words".to_owned(),
        target: "texts".to_owned(),
        ..ImportTextsHeader::default()
    };
    let began = Instant::now();
    client.import_texts(header, reader(&lines.join("\n")), |_| {}).await.unwrap();
    tell("import-texts", "until all rows are on disk", lines, began.elapsed().as_secs_f64());
}
