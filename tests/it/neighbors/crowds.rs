//! Many who ask for as much as they may, or for what they may not, all at once: what they take is bounded, and
//! whoever asks for little is answered.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::Code;
use tonic::transport::Channel;
use wordspace::proto as pb;
use wordspace::proto::admin_service_client::AdminServiceClient;
use wordspace::proto::search_service_client::SearchServiceClient;
use wordspace::proto::table_service_client::TableServiceClient;

use crate::support::{Process, header, import, reason, word};

const CALLERS: usize = 50;
const ROWS: usize = 1_000;
const DIM: usize = 200;
/// Words of a question: there is no room for all answers at once.
const WORDS: usize = 2_000;
/// What all callers together may take beside the table: the budgets of messages and answers, and what the threads
/// that answer work on.
const MEMORY_MAX: u64 = 256 << 20;
/// For a machine with much else to do.
const LONG: Duration = Duration::from_secs(20);

async fn start(data: &std::path::Path) -> Process {
    let process = Process::start(data).await;
    let row = |row: usize| format!("word{row}{}\n", format!(" 0.{row}").repeat(DIM));
    let file: String = (0..ROWS).map(row).collect();
    import(&process.channel, header("t"), file.as_bytes()).await.unwrap();
    process
}

/// Has callers do what they do, and somebody ask little meanwhile, who is always answered.
async fn beside(process: &Process, mut callers: JoinSet<()>) {
    let mut admin = AdminServiceClient::new(process.channel.clone());
    let mut status = async || admin.get_status(pb::GetStatusRequest {}).await.unwrap().into_inner();
    let before = status().await.resident_bytes;
    let mut search = SearchServiceClient::new(process.channel.clone());
    let mut asked = 0;
    while !callers.is_empty() || asked < 20 {
        let (table, positive) = ("t".to_owned(), vec![word("word7")]);
        let nearest = pb::NearestRequest { table, positive, ..Default::default() };
        tokio::time::timeout(LONG, search.nearest(nearest)).await.expect("in time").unwrap();
        asked += 1;
        while let Some(ended) = callers.try_join_next() {
            ended.unwrap();
        }
    }
    // Nothing of theirs is left: this is the one call.
    let began = Instant::now();
    let mut told = status().await;
    while told.call_count > 1 || told.connection_count > 1 {
        assert!(began.elapsed() < LONG, "{told:?}");
        told = status().await;
    }
    let took = told.resident_bytes_max.saturating_sub(before);
    assert!(took < MEMORY_MAX, "{} MiB", took >> 20);
}

async fn ask_much(channel: Channel, matrix: bool) {
    let mut tables = TableServiceClient::new(channel).max_decoding_message_size(64 << 20);
    let lookup = pb::LookupRequest {
        table: "t".to_owned(),
        keys: (0..WORDS).map(|word| format!("word{}", word % ROWS)).collect(),
        packed: true,
        matrix,
        ..Default::default()
    };
    match tables.lookup(lookup).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            let bytes = answer.matrix.map(|matrix| matrix.packed.len());
            assert_eq!(bytes, matrix.then_some(WORDS * DIM * 4));
            assert_eq!(answer.vectors.len(), if matrix { 0 } else { WORDS });
        }
        Err(refused) => {
            assert_eq!(reason(&refused), (Code::ResourceExhausted, "OVERLOADED".to_owned()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_who_look_up_thousands_of_words_take_no_more_than_their_budget() {
    let data = tempfile::tempdir().unwrap();
    let process = start(data.path()).await;
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let channel = Channel::from_shared(process.url.clone()).unwrap();
        let channel = channel.initial_stream_window_size(1 << 20).connect().await.unwrap();
        callers.spawn(ask_much(channel, caller % 2 == 0));
    }
    beside(&process, callers).await;
    process.kill();
}

/// Asks over HTTP/1.1 for what is refused, again and again, on one connection after the other.
async fn ask_wrong(address: String, caller: usize) {
    let head = |line: &str, length: usize| {
        format!(
            "{line} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n"
        )
    };
    let refusals = [
        (head("GET /v1/nothing", 0), "404"),
        (head("PUT /v1/SearchService/Nearest", 0), "405"),
        (head("POST /v1/SearchService/Nearest", 1) + "[", "400"),
        (head("POST /v1/tables/none/nearest", 21) + "{\"positive\":[\"word\"]}", "4"),
        (head("POST /v1/tables/t/nearest", 1 << 40), "413"),
    ];
    for round in 0..20 {
        let (request, status) = &refusals[(caller + round) % refusals.len()];
        let mut stream = TcpStream::connect(&address).await.unwrap();
        // Many at once, whose answers are not waited for; those behind a body that is too long go with it.
        stream.write_all(request.repeat(10).as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        let told = String::from_utf8_lossy(&answer);
        assert!(told.starts_with(&format!("HTTP/1.1 {status}")), "{told} to {request}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_who_are_refused_over_http1_again_and_again_keep_nobody() {
    let data = tempfile::tempdir().unwrap();
    let process = start(data.path()).await;
    let address = process.url.split_once("://").unwrap().1.to_owned();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(ask_wrong(address.clone(), caller));
    }
    beside(&process, callers).await;
    process.kill();
}
