//! How many questions a server answers over loopback, and how fast: one at a time, many calls in
//! flight, the same in JSON and gRPC-Web, batches, streams; and how many writes it makes durable. `cargo bench --bench load` prints one
//! line of JSON for each measurement.
//!
//! Questions are stored words with k = 10. Two tables are asked: one of 32 rows of 8 components
//! from a fixed seed, where the exact answer costs about what reading a stored list would, so that
//! what is measured is the way to it and back; and one with a graph: the first rows of
//! `glove.6B.100d.txt` in `$WORDSPACE_DATA` (default `~/.cache/wordspace-data`), or else rows from a
//! fixed seed. `WORDSPACE_BENCH_QUICK` asks the small table a little; `WORDSPACE_LOAD_ROWS` sets the
//! rows of the large one, 0 for none of it. Puts, of 100 components each, overwrite
//! words of a third table, of 30,000 rows.
//!
//! Beside the rate stand the microseconds of processor time that the server and this client took for
//! a question: they hold on a busy machine as well. Of several rounds the median is told.
#![expect(clippy::print_stdout, reason = "measurements are told on standard output")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be taken stops")]

mod support;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use prost::Message as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use wordspace::client::attribute_value::Value;
use wordspace::client::put_vectors_request::WordToPut;
use wordspace::client::word_or_vector::Query;
use wordspace::client::{
    AttributeValue, Client, CreateTableRequest, ImportHeader, ListWordsRequest,
    NearestBatchRequest, NearestRequest, NearestStreamRequest, PutVectorsRequest, Vector, chunks,
    nearest_result,
};

use support::Server;

const K: u32 = 10;
const ROUNDS: usize = 5;
const IN_FLIGHT: usize = 64;
const BATCH: usize = 100;
/// Questions of a stream that wait for their answers at most.
const STREAM_WINDOW: usize = 2_048;
const SMALL_ROWS: usize = 32;
const WRITERS: usize = 32;
const WRITTEN_DIM: usize = 100;
const WRITTEN_ROWS: usize = 30_000;
/// Few enough that no rebuild begins.
const WRITTEN_WORDS: usize = 1_000;
const LARGE_ROWS: usize = 30_000;
/// Rows that an empty table is filled with.
const FILLED_ROWS: usize = 100_000;
const FILLED_AT_ONCE: usize = 1_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let quick = std::env::var_os("WORDSPACE_BENCH_QUICK").is_some();
    let rows = std::env::var("WORDSPACE_LOAD_ROWS").ok().and_then(|rows| rows.parse().ok());
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    import(&server, "small", Cursor::new(seeded(SMALL_ROWS, 8)), SMALL_ROWS).await;
    let questions = if quick { 200 } else { 100_000 };
    load(&server, "small", "32 seeded rows, exact", questions).await;
    let written = if quick { 1 } else { WRITTEN_ROWS };
    import(&server, "written", Cursor::new(seeded(written, WRITTEN_DIM)), written).await;
    let writes = if quick { 64 } else { 8_000 };
    for (way, in_flight, words, calls) in [
        ("puts of one word, 32 in flight", WRITERS, 1, writes),
        ("puts of 1,000 words, one at a time", 1, 1_000, (writes / 400).max(1)),
    ] {
        let mut all = Vec::new();
        for _ in 0..ROUNDS {
            all.push(measure(&server, puts(&server.client, in_flight, words, calls)).await);
        }
        tell("durable writes", way, all);
    }
    let filled = if quick { 2_000 } else { FILLED_ROWS };
    let mut all = Vec::new();
    for round in 0..if quick { 1 } else { 3 } {
        all.push(measure(&server, fill(&server.client, &format!("filled{round}"), filled)).await);
    }
    tell("an empty table", "stream of puts, 1,000 words with 3 attributes a message", all);
    let rows = if quick { 0 } else { rows.unwrap_or(LARGE_ROWS) };
    if rows > 0 {
        let what = if let Some(path) = support::glove() {
            import(&server, "large", File::open(path).unwrap(), rows).await;
            format!("{rows} rows of GloVe 6B 100d")
        } else {
            import(&server, "large", Cursor::new(seeded(rows, 100)), rows).await;
            format!("{rows} seeded rows")
        };
        load(&server, "large", &what, 10_000).await;
    }
}

/// Rows in `GloVe`'s text format, the same ones every time.
fn seeded(rows: usize, dim: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut text = String::new();
    for row in 0..rows {
        write!(text, "word{row}").unwrap();
        for _ in 0..dim {
            // Knuth's MMIX generator.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            write!(text, " {:.4}", (state >> 40) as f64 / f64::from(1 << 24) - 0.5).unwrap();
        }
        text.push('\n');
    }
    text.into_bytes()
}

/// Imports a file and waits for its graph.
async fn import(server: &Server, table: &str, file: impl Read + Send + 'static, rows: usize) {
    let limit = Some(rows as u64);
    let header = ImportHeader { table: table.to_owned(), limit, ..ImportHeader::default() };
    server.client.import(header, chunks(file), |_| {}).await.unwrap();
    server.wait_for_index(table).await;
}

async fn load(server: &Server, table: &str, what: &str, questions: usize) {
    let asked = Arc::new(questions_of(&server.client, table).await);
    let one = (questions / 20).max(10);
    let rounds = [("one at a time", 1, one), ("unary, 64 in flight", IN_FLIGHT, questions / 2)];
    for (way, in_flight, questions) in rounds {
        let mut all = Vec::new();
        for _ in 0..ROUNDS {
            all.push(measure(server, unary(&server.client, &asked, in_flight, questions)).await);
        }
        tell(what, way, all);
    }
    for (way, form) in [
        ("JSON, 64 connections of HTTP/1.1", Form::Json),
        ("gRPC-Web, 64 connections of HTTP/1.1", Form::Web),
    ] {
        let sent: Arc<Vec<_>> = Arc::new(asked.iter().map(|one| form.sent(one)).collect());
        let mut all = Vec::new();
        for _ in 0..ROUNDS {
            let url = server.client.url();
            all.push(measure(server, over_http1(url, &sent, IN_FLIGHT, questions / 2)).await);
        }
        tell(what, way, all);
    }
    let mut all = Vec::new();
    for _ in 0..ROUNDS {
        all.push(measure(server, batches(&server.client, table, &asked, questions)).await);
    }
    tell(what, "batches of 100, 2 in flight", all);
    for (way, size) in [("stream, 1 a message", 1), ("stream, 16 a message", 16)] {
        let mut all = Vec::new();
        for _ in 0..ROUNDS {
            all.push(measure(server, stream(&server.client, table, &asked, size, questions)).await);
        }
        tell(what, way, all);
    }
}

/// Up to 10,000 questions, one a word.
async fn questions_of(client: &Client, table: &str) -> Vec<NearestRequest> {
    let table = table.to_owned();
    let page_size = Some(10_000);
    let ask = ListWordsRequest { table: table.clone(), page_size, ..Default::default() };
    let words = client.list_words(ask).await.unwrap().words;
    let question = |word: String| NearestRequest {
        table: table.clone(),
        positive: vec![word.into()],
        k: Some(K),
        ..NearestRequest::default()
    };
    words.into_iter().map(|word| question(word.word)).collect()
}

/// What one round took.
struct Round {
    questions: usize,
    seconds: f64,
    server_seconds: f64,
    client_seconds: f64,
    /// Of each call, ascending; empty where calls overlap on purpose.
    micros: Vec<u128>,
}

async fn measure(server: &Server, round: impl Future<Output = (usize, Vec<u128>)>) -> Round {
    let cpu = || (cpu_seconds(&server.child.id().to_string()), cpu_seconds("self"));
    let (before, began) = (cpu(), Instant::now());
    let (questions, mut micros) = round.await;
    let (seconds, after) = (began.elapsed().as_secs_f64(), cpu());
    micros.sort_unstable();
    Round {
        questions,
        seconds,
        server_seconds: after.0 - before.0,
        client_seconds: after.1 - before.1,
        micros,
    }
}

fn tell(what: &str, way: &str, mut rounds: Vec<Round>) {
    rounds.sort_by(|a, b| {
        let rate = |round: &Round| round.questions as f64 / round.seconds;
        rate(a).total_cmp(&rate(b))
    });
    let round = &rounds[rounds.len() / 2];
    let questions = round.questions as f64;
    let tenths = |value: f64| (value * 10.0).round() / 10.0;
    let percentile = |percent: usize| round.micros.get(round.micros.len() * percent / 100);
    println!(
        "{}",
        json!({"measured": "load", "table": what, "way": way,
            "per_second": (questions / round.seconds).round(),
            "server_cpu_us": tenths(round.server_seconds * 1e6 / questions),
            "client_cpu_us": tenths(round.client_seconds * 1e6 / questions),
            "p50_us": percentile(50), "p99_us": percentile(99)})
    );
}

/// Processor time of a process so far; 0 where the system does not tell.
fn cpu_seconds(process: &str) -> f64 {
    // Clock ticks are hundredths of a second on every Linux.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}

async fn unary(
    client: &Client,
    asked: &Arc<Vec<NearestRequest>>,
    in_flight: usize,
    questions: usize,
) -> (usize, Vec<u128>) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = Vec::new();
    for _ in 0..in_flight {
        let (client, asked, next) = (client.clone(), Arc::clone(asked), Arc::clone(&next));
        callers.push(tokio::spawn(async move {
            let mut micros = Vec::new();
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= questions {
                    return micros;
                }
                let question = asked[i % asked.len()].clone();
                let began = Instant::now();
                let answer = client.nearest(question).await.unwrap();
                micros.push(began.elapsed().as_micros());
                assert_eq!(answer.neighbors.len(), K as usize);
            }
        }));
    }
    let mut micros = Vec::new();
    for caller in callers {
        micros.extend(caller.await.unwrap());
    }
    (questions, micros)
}

/// How a question is asked over HTTP/1.1.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Web,
}

impl Form {
    /// A question as it is sent.
    fn sent(self, question: &NearestRequest) -> Vec<u8> {
        // Every question is a word.
        let Some(Query::Word(word)) = &question.positive[0].query else { return Vec::new() };
        let (path, kind, body) = match self {
            Self::Json => {
                let body = json!({ "positive": [{ "word": word }], "k": K }).to_string();
                (format!("/v1/tables/{}/nearest", question.table), "json", body.into_bytes())
            }
            Self::Web => {
                let message = question.encode_to_vec();
                let length = u32::try_from(message.len()).unwrap().to_be_bytes();
                let path = "/wordspace.v1.SearchService/Nearest".to_owned();
                (path, "grpc-web", [&[0], &length[..], &message].concat())
            }
        };
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/{kind}\r\n\
             content-length: {length}\r\n\r\n"
        );
        [head.as_bytes(), &body].concat()
    }
}

/// Asks on so many connections, one question after the other on each.
async fn over_http1(
    url: &str,
    sent: &Arc<Vec<Vec<u8>>>,
    connections: usize,
    questions: usize,
) -> (usize, Vec<u128>) {
    let address = url.split("://").nth(1).unwrap();
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = Vec::new();
    for _ in 0..connections {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sent, next) = (Arc::clone(sent), Arc::clone(&next));
        callers.push(tokio::spawn(async move {
            let (mut micros, mut answer) = (Vec::new(), Vec::new());
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= questions {
                    return micros;
                }
                let began = Instant::now();
                stream.write_all(&sent[i % sent.len()]).await.unwrap();
                answer.clear();
                while !is_whole(&answer) {
                    assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
                }
                micros.push(began.elapsed().as_micros());
                assert!(answer.starts_with(b"HTTP/1.1 200"));
            }
        }));
    }
    let mut micros = Vec::new();
    for caller in callers {
        micros.extend(caller.await.unwrap());
    }
    (questions, micros)
}

/// Whether an answer of HTTP/1.1 is there to its end.
fn is_whole(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let (head, body) = answer.split_at(head + 4);
    let head = std::str::from_utf8(head).unwrap();
    match head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()) {
        Some(length) => body.len() == length.parse::<usize>().unwrap(),
        // The last chunk is empty; trailers of gRPC-Web end alike.
        None => body.ends_with(b"\r\n0\r\n\r\n"),
    }
}

/// Calls that put so many words each, of the same ten thousand again and again.
async fn puts(client: &Client, in_flight: usize, words: usize, calls: usize) -> (usize, Vec<u128>) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = Vec::new();
    for _ in 0..in_flight {
        let (client, next) = (client.clone(), Arc::clone(&next));
        callers.push(tokio::spawn(async move {
            let mut micros = Vec::new();
            loop {
                let call = next.fetch_add(1, Ordering::Relaxed);
                if call >= calls {
                    return micros;
                }
                let values: Vec<f32> =
                    (0..WRITTEN_DIM).map(|i| ((call + i) as f32).sin()).collect();
                let word = |i: usize| WordToPut {
                    word: format!("word{}", (call * words + i) % WRITTEN_WORDS),
                    vector: Some(Vector { values: values.clone(), ..Default::default() }),
                    ..WordToPut::default()
                };
                let request = PutVectorsRequest {
                    table: "written".to_owned(),
                    words: (0..words).map(word).collect(),
                    ..PutVectorsRequest::default()
                };
                let began = Instant::now();
                client.put_vectors(request).await.unwrap();
                micros.push(began.elapsed().as_micros());
            }
        }));
    }
    let mut micros = Vec::new();
    for caller in callers {
        micros.extend(caller.await.unwrap());
    }
    (calls, micros)
}

/// Fills an empty table with rows that have attributes; how many, and the times from one answer to the
/// next.
async fn fill(client: &Client, table: &str, rows: usize) -> (usize, Vec<u128>) {
    let create = CreateTableRequest {
        table: table.to_owned(),
        dim: u32::try_from(WRITTEN_DIM).unwrap(),
        ..CreateTableRequest::default()
    };
    client.create_table(create).await.unwrap();
    let (sender, messages) = mpsc::channel(2);
    let name = table.to_owned();
    tokio::task::spawn_blocking(move || {
        let value = |value| AttributeValue { value: Some(value) };
        for from in (0..rows).step_by(FILLED_AT_ONCE) {
            let word = |i: usize| {
                let values: Vec<u8> = (0..WRITTEN_DIM)
                    .flat_map(|at| (((i * 31 + at * 7) % 1_013) as f32 - 506.0).to_le_bytes())
                    .collect();
                let attributes = [
                    ("count".to_owned(), value(Value::Number(i as f64))),
                    ("lang".to_owned(), value(Value::Text(["en", "fr", "de"][i % 3].to_owned()))),
                    ("seen".to_owned(), value(Value::Flag(i.is_multiple_of(2)))),
                ];
                WordToPut {
                    word: format!("word{i}"),
                    vector: Some(Vector { packed: values, ..Default::default() }),
                    attributes: attributes.into(),
                    ..WordToPut::default()
                }
            };
            let words = (from..(from + FILLED_AT_ONCE).min(rows)).map(word).collect();
            let message =
                PutVectorsRequest { table: name.clone(), words, ..PutVectorsRequest::default() };
            if sender.blocking_send(message).is_err() {
                return;
            }
        }
    });
    let mut answers = client.put_vectors_stream(ReceiverStream::new(messages)).await.unwrap();
    let (mut added, mut micros) = (0, Vec::new());
    let mut began = Instant::now();
    while let Some(answer) = answers.next_answer().await.unwrap() {
        added += answer.added_count as usize;
        micros.push(began.elapsed().as_micros());
        began = Instant::now();
    }
    assert_eq!(added, rows);
    (rows, micros)
}

async fn batches(
    client: &Client,
    table: &str,
    asked: &[NearestRequest],
    questions: usize,
) -> (usize, Vec<u128>) {
    let batches = questions.div_ceil(BATCH);
    let one = |i: usize| {
        let queries = (i * BATCH..(i + 1) * BATCH).map(|i| {
            let question = asked[i % asked.len()].clone();
            NearestRequest { table: String::new(), ..question }
        });
        let ask = NearestBatchRequest { table: table.to_owned(), queries: queries.collect() };
        async move {
            let began = Instant::now();
            let answers = client.nearest_batch(ask).await.unwrap().answers;
            assert_eq!(answers.len(), BATCH);
            began.elapsed().as_micros()
        }
    };
    let half = async |first: usize| {
        let mut micros = Vec::new();
        for i in (first..batches).step_by(2) {
            micros.push(one(i).await);
        }
        micros
    };
    let (mut micros, odd) = tokio::join!(half(0), half(1));
    micros.extend(odd);
    (batches * BATCH, micros)
}

async fn stream(
    client: &Client,
    table: &str,
    asked: &Arc<Vec<NearestRequest>>,
    size: usize,
    questions: usize,
) -> (usize, Vec<u128>) {
    let messages = questions / size;
    let (sender, questions) = mpsc::channel(64);
    let window = Arc::new(Semaphore::new(STREAM_WINDOW / size));
    let (open, asked, table) = (Arc::clone(&window), Arc::clone(asked), table.to_owned());
    tokio::spawn(async move {
        for i in 0..messages {
            open.acquire().await.unwrap().forget();
            let query = |i: usize| {
                let question = asked[i % asked.len()].clone();
                NearestRequest { table: String::new(), ..question }
            };
            let queries = (i * size..(i + 1) * size).map(query).collect();
            let table = if i == 0 { table.clone() } else { String::new() };
            let message = NearestStreamRequest { id: i as u64, table, queries };
            sender.send(message).await.unwrap();
        }
    });
    let mut answers = client.nearest_stream(ReceiverStream::new(questions)).await.unwrap();
    let mut count = 0;
    while let Some(message) = answers.next_answer().await.unwrap() {
        window.add_permits(1);
        for result in message.results {
            assert!(matches!(result.result, Some(nearest_result::Result::Answer(_))));
            count += 1;
        }
    }
    assert_eq!(count, messages * size);
    (count, Vec::new())
}
