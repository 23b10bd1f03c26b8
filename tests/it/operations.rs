//! What operators run beside a server: load, a live view, probes.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tonic::codegen::http;
use wordspace::client::{Client, chunks};
use wordspace::server::ServerConfig;
use wordspace::server::access::{KeyFile, NewKey, Role};

use crate::replicas::{follow, publish};
use crate::support::{SMALL, Server, header, import, wordspace};

async fn bench(server: &Server, options: &[&str]) -> Value {
    let common = ["bench", "--server", &server.url, "--table", "en", "--warm-up", "0.1", "--json"];
    let (code, told, error) = wordspace(&[&common, options].concat()).await;
    assert_eq!(code, Some(0), "{error}");
    serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}"))
}

fn number(told: &Value, name: &str) -> f64 {
    told[name].as_f64().unwrap_or_else(|| panic!("{name} in {told}"))
}

#[tokio::test]
async fn load_is_measured_from_when_it_was_to_be_sent() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    client.import(header("en"), chunks(SMALL.as_bytes()), |_| {}).await.unwrap();
    let all = ["--ask", "lookup,nearest,vector,analogy", "--duration", "0.4", "--connections", "2"];
    let told = bench(&server, &all).await;
    let answers = number(&told, "answers");
    assert!(answers > 20.0 && told["errors"] == serde_json::json!({}), "{told}");
    assert_eq!(told["answered_by"]["exact"], told["answers"]);
    let parts = told["histogram"].as_array().unwrap();
    let counted: u64 = parts.iter().map(|part| part["count"].as_u64().unwrap()).sum();
    assert_eq!(Some(counted), told["answers"].as_u64());
    let times = ["p50", "p90", "p99", "p99.9", "max"].map(|name| number(&told["latency_us"], name));
    assert!(times.is_sorted() && times[0] > 0.0, "{told}");
    assert!(number(&told["latency_us"], "mean") <= times[4]);

    // Calls are sent when they are planned: two before the others, which do not count.
    let told = bench(&server, &["--rate", "20", "--duration", "0.5"]).await;
    assert_eq!((number(&told, "answers"), number(&told, "not_sent")), (10.0, 0.0), "{told}");
    // More are planned than one caller can send, who waits for each answer: the wait counts.
    let flood = ["--rate", "100000", "--in-flight", "1", "--duration", "0.5"];
    let told = bench(&server, &flood).await;
    assert!(number(&told, "not_sent") > 1_000.0, "{told}");
    assert!(number(&told["latency_us"], "p50") > 50_000.0, "{told}");
    // The same caller without a plan sees none of it.
    let told = bench(&server, &["--in-flight", "1", "--duration", "0.3"]).await;
    assert!(number(&told["latency_us"], "p50") < 50_000.0, "{told}");

    // The same questions as browsers and scripts ask them.
    for (over, name) in [("grpc-web", "gRPC-Web"), ("json", "JSON")] {
        let told = bench(&server, &[&all[..4], &["--over", over]].concat()).await;
        assert!(number(&told, "answers") > 20.0 && told["over"] == name, "{told}");
        assert_eq!(told["errors"], serde_json::json!({}), "{told}");
    }

    let line = ["bench", "--server", &server.url, "--table", "en", "--duration", "0.2"];
    let (code, text, error) = wordspace(&line).await;
    assert_eq!(code, Some(0), "{error}");
    for part in ["answers", "p99.9", "up to ms", "answered by"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    server.stop().await;
}

/// Answers that nobody can, as a proxy does that has no reader.
async fn unavailable(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut calls = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((_, mut respond))) = calls.accept().await {
                let answer = http::Response::builder()
                    .header("content-type", "application/grpc")
                    .header("grpc-status", "14")
                    .body(())
                    .unwrap();
                respond.send_response(answer, true).unwrap();
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_ready_is_waited_for_and_not_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let proxy = tokio::spawn(unavailable(listener));
    let bench = ["bench", "--table", "en", "--duration", "0.2", "--server"];
    let (code, _, told) = wordspace(&[&bench[..], &[&url, "--wait", "0.3"]].concat()).await;
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("waiting up to 0.3 s"), "{told}");
    proxy.abort();

    let writer = Server::start().await;
    import(&writer.channel().await, header("en"), SMALL.as_bytes()).await.unwrap();
    let data = writer.stop().await;
    let place = tempfile::tempdir().unwrap();
    let location = place.path().to_str().unwrap();
    let follow = follow(location);
    let reader =
        Server::start_with(|config| ServerConfig { replication: Some(follow), ..config }).await;
    let mut child = Command::new(env!("CARGO_BIN_EXE_wordspace"))
        .args(bench)
        .arg(&reader.url)
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = tokio::task::spawn_blocking(move || (lines.next(), lines)).await.unwrap();
    let (first, rest) = (first.0.unwrap().unwrap(), first.1);
    assert!(first.contains("waiting up to 30 s"), "{first}");
    let publish = publish(location, Duration::from_millis(10), 0);
    let config = ServerConfig { replication: Some(publish), ..ServerConfig::new(data.path()) };
    let writer = Server::start_as(data, config).await;
    let done = tokio::task::spawn_blocking(move || (rest.count(), child.wait_with_output()));
    let done = done.await.unwrap().1.unwrap();
    let told = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success() && told.contains("answered by"), "{told}");
    // What will never be there is not waited for.
    let none = ["bench", "--table", "none", "--server", &reader.url];
    let (code, _, told) = wordspace(&none).await;
    assert!(code == Some(1) && !told.contains("waiting"), "{code:?} {told}");
    reader.stop().await;
    writer.stop().await;
}

#[tokio::test]
async fn errors_are_counted_by_reason_and_probes_need_no_key() {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let keys = KeyFile::of_folder(data.path());
    let new = |name: &str, role, calls_per_second| NewKey {
        name: name.to_owned(),
        role,
        tables: Vec::new(),
        lifetime: None,
        calls_per_second,
        jobs: None,
        certificate: None,
    };
    let writer = keys.make(new("writer", Role::Admin, None)).unwrap().0.unwrap();
    // Each has calls left to find out what to ask.
    let slow = ["slow", "slow-json", "slow-web"]
        .map(|name| keys.make(new(name, Role::Read, Some(20))).unwrap().0.unwrap());
    let config = ServerConfig { index_threads: 1, ..ServerConfig::new(data.path()) };
    let server = Server::start_as(data, config).await;
    let client = Client::builder(&server.url).api_key(&writer).connect().await.unwrap();
    client.import(header("en"), chunks(SMALL.as_bytes()), |_| {}).await.unwrap();
    let ways = [("grpc", "RATE_LIMITED"), ("json", "RATE_LIMITED"), ("grpc-web", "grpc-status 8")];
    for (slow, (over, reason)) in slow.iter().zip(ways) {
        let options = ["--api-key", slow, "--over", over, "--duration", "0.3"];
        let told = bench(&server, &options).await;
        assert!(number(&told["errors"], reason) > 0.0, "{told}");
    }

    let top = ["top", "--server", &server.url, "--api-key", &writer, "--once"];
    let (code, told, error) = wordspace(&top).await;
    assert_eq!(code, Some(0), "{error}");
    assert!(told.contains("SearchService/Nearest") && told.contains("p99 ms"), "{told}");
    let (_, told, _) = wordspace(&[&top[..], &["--json"]].concat()).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let calls = told["calls"].as_array().unwrap();
    let nearest =
        calls.iter().find(|calls| calls["method"] == "wordspace.v1.SearchService/Nearest");
    let nearest = nearest.unwrap_or_else(|| panic!("{told}"));
    let counts = nearest["counts"].as_array().unwrap();
    assert_eq!(counts.len(), told["part_seconds"].as_array().unwrap().len() + 1);
    let status = ["status", "--server", &server.url, "--api-key", &writer];
    let (_, told, _) = wordspace(&status).await;
    assert!(told.contains("callers") && told.contains("with errors"), "{told}");

    let url = server.url.clone();
    let ready = ["ready", "--server", &url];
    assert_eq!(wordspace(&ready).await.0, Some(0));
    let service = |name| [&ready[..], &["--service", name]].concat();
    assert_eq!(wordspace(&service("wordspace.v1.SearchService")).await.0, Some(0));
    assert_eq!(wordspace(&service("wordspace.v1.NoService")).await.0, Some(1));
    server.stop().await;
    assert_eq!(wordspace(&ready).await.0, Some(3));
}
