//! The log: lines of JSON, slow calls with how they were answered, and the name by which a caller finds its call.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Request;
use tonic::transport::Channel;
use tonic_types::StatusExt as _;
use wordspace::client::{CallError, Client};
use wordspace::proto as pb;
use wordspace::proto::batch_service_client::BatchServiceClient;
use wordspace::proto::search_service_client::SearchServiceClient;

use crate::support::{SMALL, header, import, part_files, reason, word};

/// A server that logs JSON.
struct Logged {
    child: Child,
    url: String,
    lines: Receiver<Value>,
}

impl Logged {
    fn start(data: &Path, options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wordspace"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--data"])
            .arg(data)
            .args(options)
            .env_remove("WORDSPACE_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines() {
                // Every line is one of JSON.
                let line = line.unwrap();
                let line = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut logged = Self { child, url: String::new(), lines };
        let line = logged.line(|line| text(line, "message").starts_with("listening on http://"));
        text(&line, "message").split_once(" on ").unwrap().1.clone_into(&mut logged.url);
        logged
    }

    /// The next line that is looked for.
    fn line(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(20)).expect("it is logged");
            for member in ["at", "level", "target", "message"] {
                assert!(line[member].is_string(), "{member}: {line}");
            }
            if is_it(&line) {
                return line;
            }
        }
    }

    fn stop(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap();
        while let Ok(line) = self.lines.recv() {
            assert_eq!(line["message"].as_str().map(str::is_empty), Some(false));
        }
    }
}

fn text<'v>(line: &'v Value, member: &str) -> &'v str {
    line[member].as_str().unwrap_or_default()
}

fn named<M>(message: M, id: &'static str) -> Request<M> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-request-id", id.parse().unwrap());
    request
}

fn nearest(table: &str) -> pb::NearestRequest {
    pb::NearestRequest {
        table: table.to_owned(),
        positive: vec![word("king")],
        exact: Some(true),
        ..Default::default()
    }
}

#[tokio::test]
async fn slow_calls_are_told_with_their_plan_and_found_by_their_name() {
    let data = tempfile::tempdir().unwrap();
    // Milliseconds: far less than a thousand questions take.
    let server = Logged::start(data.path(), &["--slow-call", "2"]);
    let channel = Channel::from_shared(server.url.clone()).unwrap().connect().await.unwrap();
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let many =
        pb::NearestBatchRequest { table: "en".to_owned(), queries: vec![nearest(""); 1_000] };
    let mut search = SearchServiceClient::new(channel.clone());
    search.nearest_batch(named(many, "slow-batch/1")).await.unwrap();
    let line = server.line(|line| text(line, "request") == "slow-batch/1");
    assert_eq!((text(&line, "level"), text(&line, "target")), ("WARN", "wordspace::slow"));
    assert_eq!(text(&line, "method"), "/wordspace.v1.SearchService/NearestBatch");
    assert_eq!((text(&line, "answered_by"), text(&line, "code")), ("exact", "OK"));
    assert!(text(&line, "tables").contains("en") && line["milliseconds"].as_u64() >= Some(2));
    assert!(line["received_bytes"].as_u64() > Some(1_000), "{line}");

    // Of questions of several kinds, the plan of all.
    let question = pb::question::Question::Nearest(nearest("en"));
    let questions = vec![pb::Question { question: Some(question) }; 1_000];
    let mut batches = BatchServiceClient::new(channel.clone());
    batches.batch(named(pb::BatchRequest { questions }, "slow-batch/2")).await.unwrap();
    let line = server.line(|line| text(line, "request") == "slow-batch/2");
    assert_eq!(text(&line, "answered_by"), "exact");

    // An error carries the name of its call, whoever gave it, in each form.
    let request_id = |status: &tonic::Status| {
        status.get_error_details().request_info().map(|info| info.request_id.clone())
    };
    let error = search.nearest(named(nearest("none"), "mine")).await.unwrap_err();
    assert_eq!(request_id(&error).as_deref(), Some("mine"));
    let first = request_id(&search.nearest(nearest("none")).await.unwrap_err()).unwrap();
    let second = request_id(&search.nearest(nearest("none")).await.unwrap_err()).unwrap();
    assert!(!first.is_empty() && first != second, "{first} {second}");
    let error = search.nearest(named(nearest("none"), "two words")).await.unwrap_err();
    assert_ne!(request_id(&error).as_deref(), Some("two words"));
    let address = server.url.strip_prefix("http://").unwrap();
    for path in ["/v1/tables/none", "/v1/none"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nx-request-id: web-1\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).await.unwrap();
        assert!(told.contains("\"request_id\":\"web-1\""), "{told}");
    }
    let client = Client::connect(&server.url).await.unwrap();
    let CallError::Refused(refusal) = client.nearest(nearest("none")).await.unwrap_err() else {
        panic!("it is refused");
    };
    assert!(!refusal.request_id.is_empty());
    server.stop();
}

#[tokio::test]
async fn a_fault_of_the_server_is_logged_by_the_name_that_its_caller_has() {
    let data = tempfile::tempdir().unwrap();
    let server = Logged::start(data.path(), &[]);
    let channel = Channel::from_shared(server.url.clone()).unwrap().connect().await.unwrap();
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    server.stop();
    let rows = part_files(data.path(), "vectors").remove(0);
    let mut bytes = fs::read(&rows).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    std::io::Write::write_all(&mut fs::File::create(&rows).unwrap(), &bytes).unwrap();
    let server = Logged::start(data.path(), &[]);
    let channel = Channel::from_shared(server.url.clone()).unwrap().connect().await.unwrap();
    let mut search = SearchServiceClient::new(channel);
    let error = search.nearest(named(nearest("en"), "damaged")).await.unwrap_err();
    assert_eq!(reason(&error).1, "CORRUPT");
    let line = server.line(|line| text(line, "request") == "damaged");
    assert_eq!(text(&line, "level"), "ERROR");
    assert!(text(&line, "error").contains("is damaged"), "{line}");
    server.stop();
}
