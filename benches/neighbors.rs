//! What callers do to each other: how fast a stored word's neighbors come while others stall, hoard or ask for much.
//! `cargo bench --bench neighbors` prints one line of JSON for each kind of attack: the good callers' latency before and
//! meanwhile, when the last of the others was sent away, and the server's memory. `-- overload` is one of them alone.
//!
//! The table is the first rows of `glove.6B.100d.txt` in `$WORDSPACE_DATA` (default `~/.cache/wordspace-data`), or else
//! rows from a fixed seed; `WORDSPACE_LOAD_ROWS` sets how many. `WORDSPACE_SOAK=600` has 64 callers read and write for
//! so many seconds instead, while the graph is rebuilt every minute; the two halves of that time should be alike.
//! `WORDSPACE_BENCH_QUICK` is over in seconds, and measures nothing.
#![expect(clippy::print_stdout, reason = "measurements are told on standard output")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be taken stops")]

mod support;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::codegen::http;
use wordspace::client::put_vectors_request::WordToPut;
use wordspace::client::{
    AnalogyRequest, BuildIndexRequest, Client, ExportRequest, Format, ImportHeader, ImportRequest,
    ListWordsRequest, LookupRequest, NearestBatchRequest, NearestRequest, NearestStreamRequest,
    PutVectorsRequest, TrainHeader, TrainTableHeader, TrainTokenizerRequest, Vector, WordOrVector,
    chunks, import_request, train_tokenizer_request, word_or_vector,
};

use support::Server;

const ROWS: usize = 30_000;
const DIM: usize = 100;
/// Callers of each kind of attack.
const CALLERS: usize = 50;
const GOOD_CALLERS: usize = 2;
/// Between two questions of a good caller.
const PAUSE: Duration = Duration::from_millis(5);
const SOAKING: usize = 64;

#[tokio::main]
async fn main() {
    let quick = std::env::var_os("WORDSPACE_BENCH_QUICK").is_some();
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse().ok());
    let rows = number("WORDSPACE_LOAD_ROWS").unwrap_or(if quick { 200 } else { ROWS });
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    match support::glove().filter(|_| !quick) {
        Some(path) => import(&server, File::open(path).unwrap(), rows).await,
        None => import(&server, Cursor::new(seeded(rows)), rows).await,
    }
    let words = words(&server.client).await;
    if let Some(seconds) = number("WORDSPACE_SOAK") {
        soak(&server, &words, Duration::from_secs(seconds as u64)).await;
        return;
    }
    let (time, callers) =
        if quick { (Duration::from_millis(50), 2) } else { (Duration::from_secs(18), CALLERS) };
    let elsewhere = elsewhere();
    // `cargo bench` adds `--bench`.
    let wanted = std::env::args().skip(1).find(|argument| argument != "--bench");
    let is_wanted =
        |name: &str| wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str()));
    for kind in Kind::ALL {
        let name = format!("{kind:?}");
        if is_wanted(&name) {
            let callers = if kind == Kind::TrainingLearns { 1 } else { callers };
            beside(&server, &words, (&name, &[kind]), (callers, elsewhere.handle()), time).await;
        }
    }
    let six = ("six kinds at once", &Kind::ALL[..6]);
    if is_wanted(six.0) {
        beside(&server, &words, six, (6 * callers, elsewhere.handle()), time).await;
    }
    for each in [1, 10] {
        if is_wanted("overload") {
            overload(&server, &words, callers, each, time / 2).await;
        }
    }
    elsewhere.shutdown_background();
}

/// Threads of other callers. Those have machines of their own, so here they take only what the server and
/// the good callers leave.
fn elsewhere() -> Runtime {
    #[cfg(target_os = "linux")]
    let give_way = || {
        let none = libc::sched_param { sched_priority: 0 };
        // SAFETY: the parameters live as long as the call.
        let code = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const none) };
        assert_eq!(code, 0, "any thread may become one that uses idle cores");
    };
    #[cfg(not(target_os = "linux"))]
    let give_way = || {};
    let threads = &mut tokio::runtime::Builder::new_multi_thread();
    threads.enable_all().on_thread_start(give_way).build().unwrap()
}

/// Rows in `GloVe`'s text format, the same ones every time.
fn seeded(rows: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut text = String::new();
    for row in 0..rows {
        write!(text, "word{row}").unwrap();
        for _ in 0..DIM {
            // Knuth's MMIX generator.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            write!(text, " {:.4}", (state >> 40) as f64 / f64::from(1 << 24) - 0.5).unwrap();
        }
        text.push('\n');
    }
    text.into_bytes()
}

async fn import(server: &Server, file: impl Read + Send + 'static, rows: usize) {
    let limit = Some(rows as u64);
    let header = ImportHeader { table: "t".to_owned(), limit, ..ImportHeader::default() };
    server.client.import(header, chunks(file), |_| {}).await.unwrap();
    server.wait_for_index("t").await;
}

async fn words(client: &Client) -> Arc<Vec<String>> {
    let page_size = Some(2_000);
    let ask = ListWordsRequest { table: "t".to_owned(), page_size, ..ListWordsRequest::default() };
    let words = client.list_words(ask).await.unwrap().words;
    Arc::new(words.into_iter().map(|word| word.word).collect())
}

fn nearest(word: &str) -> NearestRequest {
    let positive = vec![word.into()];
    NearestRequest { table: "t".to_owned(), positive, k: Some(10), ..NearestRequest::default() }
}

/// Compares every row, and wants the most neighbors.
fn costly(seed: usize) -> NearestRequest {
    let values = (0..DIM).map(|i| ((i * 31 + seed * 17) % 101) as f32 - 50.0).collect();
    let vector = word_or_vector::Query::Vector(Vector { values, ..Default::default() });
    NearestRequest {
        table: "t".to_owned(),
        positive: vec![WordOrVector { query: Some(vector), ..WordOrVector::default() }],
        k: Some(10_000),
        exact: Some(true),
        ..NearestRequest::default()
    }
}

/// What other callers do. The first six let the server wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Silent,
    HalfPreface,
    PrefaceOnly,
    HalfHeaders,
    NoMessage,
    ImportStalls,
    ImportWithoutHeader,
    TrainingStalls,
    ExportUnread,
    BatchesUnread,
    StreamIdle,
    CostlyQuestions,
    CostlyBatches,
    /// One caller whose training learns all the time.
    TrainingLearns,
}

impl Kind {
    const ALL: [Self; 14] = [
        Self::Silent,
        Self::HalfPreface,
        Self::PrefaceOnly,
        Self::HalfHeaders,
        Self::NoMessage,
        Self::ImportStalls,
        Self::ImportWithoutHeader,
        Self::TrainingStalls,
        Self::ExportUnread,
        Self::BatchesUnread,
        Self::StreamIdle,
        Self::CostlyQuestions,
        Self::CostlyBatches,
        Self::TrainingLearns,
    ];

    /// One caller, until the server sends it away.
    async fn call(self, address: &str, seed: usize) {
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        let begun = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &settings].concat();
        let half_headers = [&begun[..], &[0, 0, 1, 1, 0, 0, 0, 0, 1, 0x83]].concat();
        let table = "t".to_owned();
        match self {
            Self::Silent => stay(address, b"").await,
            Self::HalfPreface => stay(address, b"PRI * HTTP/2.0\r\n\r").await,
            Self::PrefaceOnly => stay(address, &begun).await,
            Self::HalfHeaders => stay(address, &half_headers).await,
            Self::NoMessage => ask(address, "SearchService/Nearest", None, 1).await,
            Self::ImportWithoutHeader => ask(address, "TransferService/Import", None, 1).await,
            Self::ImportStalls => {
                let (table, format) = (format!("i{seed}"), Format::Rows.into());
                let header = ImportHeader { table, format, ..ImportHeader::default() };
                let part = Some(import_request::Part::Header(header));
                let first = framed(&ImportRequest { part });
                ask(address, "TransferService/Import", Some((first, false)), 1).await;
            }
            Self::TrainingStalls => {
                let header = TrainHeader { name: format!("t{seed}"), ..TrainHeader::default() };
                let part = Some(train_tokenizer_request::Part::Header(header));
                let first = framed(&TrainTokenizerRequest { part });
                ask(address, "TextService/TrainTokenizer", Some((first, false)), 1).await;
            }
            Self::TrainingLearns => {
                let client = Client::connect(&format!("http://{address}")).await.unwrap();
                let header = TrainTableHeader {
                    table: format!("learned{seed}"),
                    epochs: Some(10_000),
                    ..TrainTableHeader::default()
                };
                let text: Box<dyn Read + Send> = Box::new(Cursor::new(text()));
                // Ignore: it learns for longer than this measures.
                let _ = client.train_table(header, std::iter::once(Ok(text)), |_| {}).await;
            }
            Self::ExportUnread => {
                let format = Format::Glove.into();
                let whole = framed(&ExportRequest { table, format, ..ExportRequest::default() });
                ask(address, "TransferService/Export", Some((whole, true)), 1).await;
            }
            Self::BatchesUnread => {
                let queries = vec![NearestRequest { table: String::new(), ..nearest("the") }; 100];
                let whole = framed(&NearestBatchRequest { table, queries });
                ask(address, "SearchService/NearestBatch", Some((whole, true)), 20).await;
            }
            Self::StreamIdle => {
                let queries = vec![NearestRequest { table: String::new(), ..nearest("the") }];
                let first = framed(&NearestStreamRequest { id: 1, table, queries });
                ask(address, "SearchService/NearestStream", Some((first, false)), 1).await;
            }
            Self::CostlyQuestions | Self::CostlyBatches => {
                let client = Client::connect(&format!("http://{address}")).await.unwrap();
                for i in 0.. {
                    // Ignore: what is too much is refused.
                    if self == Self::CostlyQuestions {
                        let _ = client.nearest(costly(seed + i)).await;
                    } else {
                        let query = NearestRequest { table: String::new(), ..costly(seed + i) };
                        let batch =
                            NearestBatchRequest { table: table.clone(), queries: vec![query; 10] };
                        let _ = client.nearest_batch(batch).await;
                    }
                    sleep(Duration::from_millis(1)).await;
                }
            }
        }
    }
}

/// Half a million words, the same ones every time, as frequent as words are.
fn text() -> Vec<u8> {
    let (mut state, mut text) = (0x9e37_79b9_7f4a_7c15_u64, String::new());
    for i in 1..=500_000 {
        // Knuth's MMIX generator.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let share = (state >> 40) as f64 / f64::from(1 << 24);
        write!(text, "w{:.0}", (30_000_f64.ln() * share).exp()).unwrap();
        text.push(if i % 20 == 0 { '\n' } else { ' ' });
    }
    text.into_bytes()
}

/// Sends so much and no more.
async fn stay(address: &str, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    // A reset is as good as an end.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// Opens calls on a connection of its own that answers pings, and reads nothing of what comes. With a
/// message, and whether that is all.
async fn ask(address: &str, path: &str, message: Option<(Bytes, bool)>, calls: usize) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut requests, connection) = h2::client::Builder::new()
        .initial_window_size(0)
        .handshake::<_, Bytes>(stream)
        .await
        .unwrap();
    let ended = tokio::spawn(connection);
    let mut open = Vec::new();
    for _ in 0..calls {
        let request = http::Request::post(format!("http://server/wordspace.v1.{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .unwrap();
        let Ok(ready) = requests.ready().await else { break };
        requests = ready;
        let Ok((response, mut body)) = requests.send_request(request, false) else { break };
        if let Some((message, is_all)) = &message {
            // Ignore: the connection has ended.
            let _ = body.send_data(message.clone(), *is_all);
        }
        open.push((response, body));
    }
    // Ignore: a reset is as good as an end.
    let _ = ended.await;
}

fn framed(message: &impl Message) -> Bytes {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], &message].concat().into()
}

/// How long good callers wait before others come and meanwhile; and when those are sent away.
async fn beside(
    server: &Server,
    words: &Arc<Vec<String>>,
    (name, kinds): (&str, &[Kind]),
    (callers, elsewhere): (usize, &Handle),
    time: Duration,
) {
    let address: Arc<str> = server.client.url().trim_start_matches("http://").into();
    let before = good(server, words, time / 2).await;
    let rss = memory_mb(server, "VmRSS");
    let began = Instant::now();
    let mut others = JoinSet::new();
    for seed in 0..callers {
        let (address, kind) = (Arc::clone(&address), kinds[seed % kinds.len()]);
        others.spawn_on(async move { kind.call(&address, seed).await }, elsewhere);
    }
    let goods = good(server, words, time);
    let gone = async {
        let all = async { while others.join_next().await.is_some() {} };
        timeout(time, all).await.ok().map(|()| began.elapsed().as_secs_f64())
    };
    let (meanwhile, gone) = tokio::join!(goods, gone);
    let most = memory_mb(server, "VmRSS");
    others.shutdown().await;
    sleep(time / 9).await;
    println!(
        "{}",
        json!({"measured": "neighbors", "others": name, "callers": callers,
            "before_p50_us": percentile(&before, 50), "before_p99_us": percentile(&before, 99),
            "meanwhile_p50_us": percentile(&meanwhile, 50),
            "meanwhile_p99_us": percentile(&meanwhile, 99),
            "gone_after_s": gone, "rss_before_mb": rss, "rss_meanwhile_mb": most,
            "rss_after_mb": memory_mb(server, "VmRSS")})
    );
}

/// How long costly questions take whose callers have so many of them in flight, and how soon the excess is refused.
async fn overload(
    server: &Server,
    words: &Arc<Vec<String>>,
    callers: usize,
    each: usize,
    time: Duration,
) {
    let mut calls = JoinSet::new();
    for caller in 0..callers {
        let client = Client::connect(server.client.url()).await.unwrap();
        for seed in 0..each {
            let client = client.clone();
            calls.spawn(async move {
                let (end, mut accepted, mut refused) =
                    (Instant::now() + time, Vec::new(), Vec::new());
                while Instant::now() < end {
                    let question = NearestRequest { k: Some(10), ..costly(caller + seed) };
                    let began = Instant::now();
                    let told = client.nearest(question).await;
                    let into = if told.is_ok() { &mut accepted } else { &mut refused };
                    into.push(began.elapsed().as_micros());
                    if told.is_err() {
                        sleep(Duration::from_millis(100)).await;
                    }
                }
                (accepted, refused)
            });
        }
    }
    let (accepted, refused): (Vec<_>, Vec<_>) = calls.join_all().await.into_iter().unzip();
    let [accepted, refused] = [accepted, refused].map(|micros| {
        let mut micros = micros.concat();
        micros.sort_unstable();
        micros
    });
    let after = good(server, words, time / 2).await;
    println!(
        "{}",
        json!({"measured": "overload", "callers": callers, "in_flight_each": each,
            "accepted": accepted.len(), "accepted_p50_us": percentile(&accepted, 50),
            "accepted_p99_us": percentile(&accepted, 99), "refused": refused.len(),
            "refused_p99_us": percentile(&refused, 99), "good_after_p99_us": percentile(&after, 99)})
    );
}

/// The microseconds of each question of good callers.
async fn good(server: &Server, words: &Arc<Vec<String>>, time: Duration) -> Vec<u128> {
    let mut callers = JoinSet::new();
    for caller in 0..GOOD_CALLERS {
        let (url, words) = (server.client.url().to_owned(), Arc::clone(words));
        callers.spawn(async move {
            let client = Client::connect(&url).await.unwrap();
            let (end, mut micros) = (Instant::now() + time, Vec::new());
            let mut next = caller;
            while Instant::now() < end {
                next = (next + 7) % words.len();
                let began = Instant::now();
                client.nearest(nearest(&words[next])).await.unwrap();
                micros.push(began.elapsed().as_micros());
                sleep(PAUSE).await;
            }
            micros
        });
    }
    let mut all: Vec<u128> = callers.join_all().await.concat();
    all.sort_unstable();
    all
}

fn percentile(micros: &[u128], percent: usize) -> Option<u128> {
    micros.get(micros.len() * percent / 100).copied()
}

/// Memory of the server; 0 where the system does not tell.
fn memory_mb(server: &Server, field: &str) -> u64 {
    let path = format!("/proc/{}/status", server.child.id());
    let status = std::fs::read_to_string(path).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    let kilobytes = line.split_whitespace().nth(1).and_then(|number| number.parse().ok());
    kilobytes.unwrap_or(0_u64) / 1_000
}

/// Many callers for long, of whom each twentieth question is a write.
async fn soak(server: &Server, words: &Arc<Vec<String>>, time: Duration) {
    let began = Instant::now();
    let is_over = Arc::new(AtomicBool::new(false));
    let errors = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for caller in 0..SOAKING {
        let (url, words) = (server.client.url().to_owned(), Arc::clone(words));
        let (is_over, errors) = (Arc::clone(&is_over), Arc::clone(&errors));
        callers.spawn(async move {
            let client = Client::connect(&url).await.unwrap();
            let mut micros = Vec::new();
            for i in 0.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                let asked = Instant::now();
                if let Err(error) = mixed(&client, &words, caller, i).await {
                    println!("{}", json!({"measured": "soak", "error": error.to_string()}));
                    errors.fetch_add(1, Ordering::Relaxed);
                }
                micros.push((asked - began, asked.elapsed().as_micros()));
            }
            micros
        });
    }
    let step = time / 20;
    let mut rebuilt = Instant::now();
    let mut memory = Vec::new();
    while began.elapsed() < time {
        sleep(step).await;
        memory.push(memory_mb(server, "VmRSS"));
        if rebuilt.elapsed() > Duration::from_mins(1) {
            let build = BuildIndexRequest { table: "t".to_owned(), index: None };
            server.client.build_index(build).await.unwrap();
            rebuilt = Instant::now();
        }
    }
    is_over.store(true, Ordering::Relaxed);
    let all = callers.join_all().await.concat();
    let half = |first: bool| {
        let of_it = all.iter().filter(|(asked, _)| (*asked < time / 2) == first);
        let mut micros: Vec<u128> = of_it.map(|(_, micros)| *micros).collect();
        micros.sort_unstable();
        json!({"p50_us": percentile(&micros, 50), "p99_us": percentile(&micros, 99)})
    };
    println!(
        "{}",
        json!({"measured": "soak", "callers": SOAKING, "calls": all.len(),
            "errors": errors.load(Ordering::Relaxed), "first_half": half(true),
            "second_half": half(false), "rss_mb": memory})
    );
}

async fn mixed(
    client: &Client,
    words: &[String],
    caller: usize,
    i: usize,
) -> wordspace::client::Result<()> {
    let word = |step: usize| words[(caller * 37 + i * step) % words.len()].as_str();
    match i % 20 {
        0 => {
            let words = vec![WordToPut {
                word: format!("soak{caller}_{}", i / 20 % 50),
                vector: Some(Vector { values: vec![i as f32 + 1.0; DIM], ..Default::default() }),
                ..WordToPut::default()
            }];
            let request =
                PutVectorsRequest { table: "t".to_owned(), words, ..PutVectorsRequest::default() };
            client.put_vectors(request).await?;
        }
        1..=12 => drop(client.nearest(nearest(word(7))).await?),
        13..=16 => {
            let [a, b, c] = [11, 13, 17].map(|step| Some(word(step).into()));
            let table = "t".to_owned();
            let request =
                AnalogyRequest { table, a, b, c, k: Some(5), ..AnalogyRequest::default() };
            client.analogy(request).await?;
        }
        _ => {
            let queries = (1..11).map(|step| word(step).into()).collect();
            let request =
                LookupRequest { table: "t".to_owned(), queries, ..LookupRequest::default() };
            client.lookup(request).await?;
        }
    }
    Ok(())
}
