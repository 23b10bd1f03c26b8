//! The main job as a user meets it: import, index, answers over loopback, restart; with memory and
//! disk. `cargo bench --bench serve` prints one line of JSON for each measurement.
//!
//! Imports `glove.6B.100d.txt` from `$WORDSPACE_DATA` (default `~/.cache/wordspace-data`), or else
//! the bundled vectors, and says which. The server is the real program in a process of its own.
//! `WORDSPACE_BENCH_QUICK` takes the first 12,000 of the bundled vectors in any case.
#![expect(clippy::print_stdout, reason = "measurements are told on standard output")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be taken stops")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::json;
use wordspace::client::{
    AnsweredBy, BuildIndexRequest, Client, GetStatusRequest, GetStatusResponse, ImportHeader,
    ListWordsRequest, LookupRequest, NearestBatchRequest, NearestRequest, NearestResponse,
    PutVectorsRequest, RebuildPhase, put_vectors_request::WordToPut,
};

use support::Server;

/// More than a table has that needs no graph.
const QUICK_ROWS: u64 = 12_000;
const TABLE: &str = "bench";
const QUERIES: usize = 2_000;
const K: u32 = 10;

// One thread, as most clients have: waking a second one takes as long as a question.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let file = vectors();
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;

    let began = Instant::now();
    let limit = is_quick().then_some(QUICK_ROWS);
    let header = ImportHeader { table: TABLE.to_owned(), limit, ..ImportHeader::default() };
    let report = server.client.import_file(header, &file, |_| {}).await.unwrap();
    let vector_bytes = report.rows_kept * u64::from(report.dim) * 4;
    let status = resources(&server).await;
    let share = |bytes: u64| (bytes as f64 / vector_bytes as f64 * 100.0).round() / 100.0;
    println!(
        "{}",
        json!({"measured": "import", "file": file.file_name().unwrap().to_str(),
            "rows": report.rows_kept, "dim": report.dim, "vector_bytes": vector_bytes,
            "read_s": report.read_seconds, "durable_s": report.durable_seconds,
            "acknowledged_s": began.elapsed().as_secs_f64(),
            "server_peak_bytes": status.resident_bytes_max,
            "store_bytes": status.store_bytes, "store_per_vectors": share(status.store_bytes)})
    );

    let queries = words(&server.client, report.rows_kept).await;
    let single: Vec<Vec<&str>> = queries.iter().map(|word| vec![word.as_str()]).collect();
    // No list answers for two words.
    let others = queries.iter().rev();
    let pairs: Vec<Vec<&str>> =
        queries.iter().zip(others).map(|(a, b)| vec![a.as_str(), b.as_str()]).collect();
    unary(&server.client, &pairs[..pairs.len().min(200)], "while the index is built").await;
    let index = server.wait_for_index(TABLE).await.build_seconds;
    let status = resources(&server).await;
    println!(
        "{}",
        json!({"measured": "index", "build_s": index, "server_peak_bytes": status.resident_bytes_max,
            "server_bytes": status.resident_bytes, "index_bytes": status.index_bytes,
            "disk_per_vectors": share(status.store_bytes + status.index_bytes)})
    );
    recall(&server.client, &pairs).await;
    unary(&server.client, &single, "stored words").await;
    unary(&server.client, &pairs, "two words each").await;
    batches(&server.client, &single, "stored words, batches of 100").await;
    batches(&server.client, &pairs, "two words each, batches of 100").await;
    rebuild(&server, &pairs).await;

    drop(server);
    restart(data.path(), "kill -9").await;
    restart(data.path(), "SIGTERM").await;
    restart(data.path(), "SIGTERM").await;
}

fn vectors() -> PathBuf {
    match support::glove() {
        Some(real) if !is_quick() => real,
        Some(_) | None => {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/glove.6B.50d.20k.txt.gz")
        }
    }
}

fn is_quick() -> bool {
    std::env::var_os("WORDSPACE_BENCH_QUICK").is_some()
}

async fn resources(server: &Server) -> GetStatusResponse {
    server.client.get_status(GetStatusRequest {}).await.unwrap()
}

/// Writes a word and has the index built again, while single questions go on.
async fn rebuild(server: &Server, pairs: &[Vec<&str>]) {
    let known = LookupRequest {
        table: TABLE.to_owned(),
        queries: vec![pairs[0][0].into()],
        ..LookupRequest::default()
    };
    let vector = server.client.lookup(known).await.unwrap().vectors.remove(0).vector;
    let word = "a word written later".to_owned();
    let put = PutVectorsRequest {
        table: TABLE.to_owned(),
        words: vec![WordToPut { word, vector, ..WordToPut::default() }],
        ..PutVectorsRequest::default()
    };
    server.client.put_vectors(put).await.unwrap();
    unary(&server.client, pairs, "after a write").await;
    let build = BuildIndexRequest { table: TABLE.to_owned(), index: None };
    server.client.build_index(build).await.unwrap();
    let (began, mut micros) = (Instant::now(), Vec::new());
    loop {
        for words in pairs.iter().take(100) {
            micros.push(timed(&server.client, words).await.0);
        }
        let rebuild = server.index(TABLE).await.rebuild.unwrap_or_default();
        match rebuild.phase() {
            RebuildPhase::Queued | RebuildPhase::Copying | RebuildPhase::Building => {}
            RebuildPhase::Unspecified | RebuildPhase::Idle | RebuildPhase::Failed => break,
        }
    }
    tell_micros("while the index is built again", "", micros);
    println!("{}", json!({"measured": "rebuild", "build_s": began.elapsed().as_secs_f64()}));
}

/// Starts the server on what is there, and ends it.
async fn restart(data: &Path, end: &str) {
    let began = Instant::now();
    let mut server = Server::start(data).await;
    let start_s = began.elapsed().as_secs_f64();
    let first = server.client.nearest(question(&["the"], false)).await.unwrap();
    let first_answer_s = began.elapsed().as_secs_f64();
    server.wait_for_index(TABLE).await;
    let with_graph_s = began.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({"measured": "start", "start_s": start_s, "first_answer_s": first_answer_s,
            "first_answered_by": first.answer.unwrap().answered_by().as_str_name(),
            "with_graph_s": with_graph_s, "server_bytes": resources(&server).await.resident_bytes,
            "then": end})
    );
    if end == "SIGTERM" {
        let pid = server.child.id().to_string();
        Command::new("kill").arg(pid).status().unwrap();
        server.child.wait().unwrap();
    }
}

/// Words spread evenly over the table, as questions.
async fn words(client: &Client, rows: u64) -> Vec<String> {
    let step = usize::try_from(rows).unwrap() / QUERIES;
    let mut words = Vec::new();
    let mut page_token = String::new();
    loop {
        let table = TABLE.to_owned();
        let ask =
            ListWordsRequest { table, page_size: Some(10_000), page_token, ..Default::default() };
        let page = client.list_words(ask).await.unwrap();
        words.extend(page.words.into_iter().map(|word| word.word));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return words.into_iter().step_by(step.max(1)).take(QUERIES).collect();
        }
    }
}

fn question(words: &[&str], exact: bool) -> NearestRequest {
    NearestRequest {
        table: TABLE.to_owned(),
        positive: words.iter().map(|&word| word.into()).collect(),
        k: Some(K),
        exact: Some(exact),
        ..NearestRequest::default()
    }
}

/// Asks one question after the other.
async fn unary(client: &Client, questions: &[Vec<&str>], when: &str) {
    let mut micros = Vec::new();
    let mut answered_by = AnsweredBy::Unspecified;
    for words in questions {
        let (took, by) = timed(client, words).await;
        micros.push(took);
        answered_by = by;
    }
    tell_micros(when, answered_by.as_str_name(), micros);
}

async fn timed(client: &Client, words: &[&str]) -> (u128, AnsweredBy) {
    let began = Instant::now();
    let answer = client.nearest(question(words, false)).await.unwrap();
    (began.elapsed().as_micros(), answer.answer.unwrap().answered_by())
}

fn tell_micros(when: &str, answered_by: &str, mut micros: Vec<u128>) {
    micros.sort_unstable();
    let at = |percent: usize| micros[micros.len() * percent / 100];
    println!(
        "{}",
        json!({"measured": "unary nearest", "when": when, "answered_by": answered_by,
            "queries": micros.len(), "p50_us": at(50), "p99_us": at(99)})
    );
}

async fn batch(client: &Client, questions: &[Vec<&str>], exact: bool) -> Vec<NearestResponse> {
    let queries = questions.iter().map(|words| question(words, exact)).collect();
    let ask = NearestBatchRequest { table: TABLE.to_owned(), queries };
    client.nearest_batch(ask).await.unwrap().answers
}

async fn recall(client: &Client, questions: &[Vec<&str>]) {
    let (mut found, mut wanted) = (0, 0);
    for questions in questions.chunks(100) {
        let truth = batch(client, questions, true).await;
        for (truth, answer) in truth.iter().zip(batch(client, questions, false).await) {
            let rows = |answer: &NearestResponse| {
                answer.neighbors.iter().map(|near| near.row).collect::<Vec<_>>()
            };
            let truth = rows(truth);
            wanted += truth.len();
            found += rows(&answer).iter().filter(|row| truth.contains(row)).count();
        }
    }
    let recall = f64::from(u32::try_from(found).unwrap()) / wanted as f64;
    println!(
        "{}",
        json!({"measured": "recall", "queries": questions.len(), "k": K, "recall": recall})
    );
}

async fn batches(client: &Client, questions: &[Vec<&str>], what: &str) {
    let began = Instant::now();
    for questions in questions.chunks(100) {
        batch(client, questions, false).await;
    }
    let qps = questions.len() as f64 / began.elapsed().as_secs_f64();
    println!("{}", json!({"measured": what, "qps": qps.round()}));
}
