//! The main job as a user meets it: import, index, answers over loopback, restart; with memory and
//! disk. `cargo bench --bench serve` prints one line of JSON for each measurement.
//!
//! Imports `glove.6B.100d.txt` from `$WORDSPACE_DATA` (default `~/.cache/wordspace-data`), or else
//! the bundled vectors, and says which. The server is the real program in a process of its own.
//! `WORDSPACE_BENCH_QUICK` takes the bundled vectors in any case.
#![expect(clippy::print_stdout, reason = "measurements are told on standard output")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be taken stops")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use wordspace::client::{
    AnsweredBy, Client, GetStatusRequest, GetStatusResponse, GetTableRequest, ImportHeader,
    IndexState, ListWordsRequest, NearestBatchRequest, NearestRequest, NearestResponse,
};

const TABLE: &str = "bench";
const QUERIES: usize = 2_000;
const K: u32 = 10;
/// Pause between two looks at a build or a start.
const POLL: Duration = Duration::from_millis(5);

// One thread, as most clients have: waking a second one takes as long as a question.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let file = vectors();
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;

    let began = Instant::now();
    let header = ImportHeader { table: TABLE.to_owned(), ..ImportHeader::default() };
    let report = server.client.import_file(header, &file, |_| {}).await.unwrap();
    let vector_bytes = report.rows_kept * u64::from(report.dim) * 4;
    let status = server.status().await;
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
    unary(&server.client, &queries[..queries.len().min(200)], "exact").await;
    server.wait_for_graph().await;
    let index = server.index().await;
    let status = server.status().await;
    println!(
        "{}",
        json!({"measured": "index", "build_s": index, "server_peak_bytes": status.resident_bytes_max,
            "server_bytes": status.resident_bytes, "index_bytes": status.index_bytes,
            "disk_per_vectors": share(status.store_bytes + status.index_bytes)})
    );
    recall(&server.client, &queries).await;
    unary(&server.client, &queries, "graph").await;
    batches(&server.client, &queries).await;

    server.kill();
    restart(data.path(), "kill -9").await;
    restart(data.path(), "SIGTERM").await;
    restart(data.path(), "SIGTERM").await;
}

fn vectors() -> PathBuf {
    let folder = std::env::var_os("WORDSPACE_DATA").map(PathBuf::from).or_else(|| {
        std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/wordspace-data"))
    });
    let real = folder.map(|folder| folder.join("glove.6B.100d.txt")).filter(|file| file.exists());
    match real {
        Some(real) if std::env::var_os("WORDSPACE_BENCH_QUICK").is_none() => real,
        Some(_) | None => {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/glove.6B.50d.20k.txt.gz")
        }
    }
}

/// `wordspace serve` in a process of its own.
struct Server {
    child: Child,
    client: Client,
    /// From its start to its first answer.
    seconds: f64,
}

impl Server {
    async fn start(data: &Path) -> Self {
        let began = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_wordspace"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url =
            lines.find_map(|line| line.unwrap().strip_prefix("listening on ").map(str::to_owned));
        // Keep reading, or it would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let client = Client::connect(&url.unwrap()).await.unwrap();
        Self { child, client, seconds: began.elapsed().as_secs_f64() }
    }

    async fn status(&self) -> GetStatusResponse {
        self.client.get_status(GetStatusRequest {}).await.unwrap()
    }

    /// Seconds that the build took, once the graph answers.
    async fn index(&self) -> f32 {
        let ask = GetTableRequest { table: TABLE.to_owned() };
        let table = self.client.get_table(ask).await.unwrap().table.unwrap();
        table.index.unwrap().build_seconds
    }

    async fn wait_for_graph(&self) {
        loop {
            let ask = GetTableRequest { table: TABLE.to_owned() };
            let table = self.client.get_table(ask).await.unwrap().table.unwrap();
            match table.index.unwrap().state() {
                IndexState::Ready | IndexState::NotNeeded => return,
                IndexState::Queued | IndexState::Building => tokio::time::sleep(POLL).await,
                state @ (IndexState::Failed | IndexState::Stopped | IndexState::Unspecified) => {
                    println!("{}", json!({"measured": "index", "state": state.as_str_name()}));
                    return;
                }
            }
        }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Starts the server on what is there, and ends it.
async fn restart(data: &Path, end: &str) {
    let began = Instant::now();
    let server = Server::start(data).await;
    let first = nearest(&server.client, "the", false).await;
    let (start_s, first_answer_s) = (server.seconds, began.elapsed().as_secs_f64());
    server.wait_for_graph().await;
    let with_graph_s = began.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({"measured": "start", "start_s": start_s, "first_answer_s": first_answer_s,
            "first_answered_by": first.answer.unwrap().answered_by().as_str_name(),
            "with_graph_s": with_graph_s, "server_bytes": server.status().await.resident_bytes,
            "then": end})
    );
    if end == "SIGTERM" {
        let pid = server.child.id().to_string();
        Command::new("kill").arg(pid).status().unwrap();
        let mut server = server;
        server.child.wait().unwrap();
    } else {
        server.kill();
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

fn question(word: &str, exact: bool) -> NearestRequest {
    let table = TABLE.to_owned();
    let (positive, exact) = (vec![word.into()], Some(exact));
    NearestRequest { table, positive, k: Some(K), exact, ..NearestRequest::default() }
}

async fn nearest(client: &Client, word: &str, exact: bool) -> NearestResponse {
    client.nearest(question(word, exact)).await.unwrap()
}

async fn unary(client: &Client, words: &[String], by: &str) {
    let mut micros = Vec::new();
    let mut answered_by = AnsweredBy::Unspecified;
    for word in words {
        let began = Instant::now();
        let answer = nearest(client, word, by == "exact").await;
        micros.push(began.elapsed().as_micros());
        answered_by = answer.answer.unwrap().answered_by();
    }
    micros.sort_unstable();
    let at = |percent: usize| micros[micros.len() * percent / 100];
    println!(
        "{}",
        json!({"measured": "unary nearest", "answered_by": answered_by.as_str_name(),
            "queries": words.len(), "p50_us": at(50), "p99_us": at(99)})
    );
}

async fn batch(client: &Client, words: &[String], exact: bool) -> Vec<NearestResponse> {
    let queries = words.iter().map(|word| question(word, exact)).collect();
    let ask = NearestBatchRequest { table: TABLE.to_owned(), queries };
    client.nearest_batch(ask).await.unwrap().answers
}

async fn recall(client: &Client, words: &[String]) {
    let (mut found, mut wanted) = (0, 0);
    for words in words.chunks(100) {
        let truth = batch(client, words, true).await;
        for (truth, answer) in truth.iter().zip(batch(client, words, false).await) {
            let rows = |answer: &NearestResponse| {
                answer.neighbors.iter().map(|near| near.row).collect::<Vec<_>>()
            };
            let truth = rows(truth);
            wanted += truth.len();
            found += rows(&answer).iter().filter(|row| truth.contains(row)).count();
        }
    }
    let recall = f64::from(u32::try_from(found).unwrap()) / wanted as f64;
    println!("{}", json!({"measured": "recall", "queries": words.len(), "k": K, "recall": recall}));
}

async fn batches(client: &Client, words: &[String]) {
    let began = Instant::now();
    for words in words.chunks(100) {
        batch(client, words, false).await;
    }
    let qps = words.len() as f64 / began.elapsed().as_secs_f64();
    println!("{}", json!({"measured": "batches of 100", "qps": qps.round()}));
}
