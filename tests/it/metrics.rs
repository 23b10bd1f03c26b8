//! Metrics: what is counted, under names that no caller makes up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tonic::transport::Channel;
use wordspace::proto as pb;
use wordspace::proto::search_service_client::SearchServiceClient;
use wordspace::server::{ServerConfig, serve_and_tell};

use crate::access::call;
use crate::support::{SMALL, header, import, word};

/// A series: its name with its labels, and its value as it is told.
type Series = BTreeMap<String, String>;

pub(crate) async fn ask(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The page, every line of which is looked at.
async fn scrape(address: SocketAddr) -> Series {
    let answer = ask(address, "/metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("content-type: text/plain; version=0.0.4"), "{answer}");
    let page = answer.split_once("\r\n\r\n").unwrap().1;
    let (mut series, mut described) = (Series::new(), BTreeSet::new());
    for line in page.lines() {
        if let Some(told) = line.strip_prefix("# TYPE ") {
            assert!(described.insert(told.split(' ').next().unwrap().to_owned()), "{line}");
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        let base = name.split('{').next().unwrap();
        let ends = ["_bucket", "_sum", "_count"];
        let base = ends.iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base);
        assert!(base.starts_with("wordspace_") && described.contains(base), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let is_new = series.insert(name.to_owned(), value.to_owned()).is_none();
        assert!(is_new, "twice: {line}");
    }
    series
}

#[tokio::test]
async fn calls_and_state_are_told_in_bounded_names() {
    let data: Arc<TempDir> = Arc::new(tempfile::tempdir().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, (tell, told)) = (Arc::new(Notify::new()), oneshot::channel());
    let stopped = Arc::clone(&stop);
    let config = ServerConfig {
        metrics_listen: Some("127.0.0.1:0".parse().unwrap()),
        ..ServerConfig::new(data.path())
    };
    let served = tokio::spawn(async move {
        let opened = |opened: wordspace::server::Opened| tell.send(opened.metrics).unwrap();
        serve_and_tell(config, listener, async move { stopped.notified().await }, opened).await
    });
    let metrics = told.await.unwrap().unwrap();
    let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
    let before = scrape(metrics).await;
    import(&channel, header("some-table"), SMALL.as_bytes()).await.unwrap();
    let mut search = SearchServiceClient::new(channel.clone());
    let nearest = |table: &str, asked: &str| pb::NearestRequest {
        table: table.to_owned(),
        positive: vec![word(asked)],
        ..Default::default()
    };
    for _ in 0..3 {
        search.nearest(nearest("some-table", "king")).await.unwrap();
    }
    for unknown in ["secret-word", "other-secret"] {
        search.nearest(nearest("some-table", unknown)).await.unwrap_err();
    }
    search.nearest(nearest("secret-table", "king")).await.unwrap_err();
    for path in ["/secret.Service/Secret", "/wordspace.v1.SearchService/Secret"] {
        call(&channel, path, "", Vec::new()).await.unwrap_err();
    }
    let after = scrape(metrics).await;

    let method = "method=\"wordspace.v1.SearchService/Nearest\"";
    let count = format!("wordspace_call_seconds_count{{{method}}}");
    assert!(!before.contains_key(&count));
    assert_eq!(after[&count], "6");
    let is_bucket = |name: &&String| name.contains("call_seconds_bucket") && name.contains(method);
    assert_eq!(after.keys().filter(is_bucket).count(), 17);
    assert_eq!(after[&format!("wordspace_call_seconds_bucket{{{method},le=\"+Inf\"}}")], "6");
    assert_ne!(after[&format!("wordspace_call_seconds_sum{{{method}}}")], "0");
    let errors = |code: &str, reason: &str| {
        let labels = format!("{{{method},code=\"{code}\",reason=\"{reason}\"}}");
        after[&format!("wordspace_call_errors_total{labels}")].as_str()
    };
    assert_eq!(errors("NOT_FOUND", "UNKNOWN_WORDS"), "2");
    assert_eq!(errors("NOT_FOUND", "TABLE_NOT_FOUND"), "1");
    for (name, value) in [
        ("call_seconds_count{method=\"other\"}", "2"),
        ("answer_seconds_count{answered_by=\"exact\"}", "3"),
        ("rows", "8"),
        ("tables{index=\"not-needed\"}", "1"),
        ("jobs{state=\"done\"}", "1"),
        ("calls_in_flight", "0"),
        ("connections", "1"),
    ] {
        assert_eq!(after[&format!("wordspace_{name}")], value, "{name}");
    }
    assert_ne!(after["wordspace_memory_bytes{part=\"tables\"}"], "0");
    for lane in ["short", "heavy", "long", "disk", "write"] {
        assert_ne!(after[&format!("wordspace_pool_threads{{lane=\"{lane}\"}}")], "0");
    }
    let told = after.keys().cloned().collect::<String>();
    for text in ["secret", "some-table", "king", "127.0.0.1"] {
        assert!(!told.to_lowercase().contains(text), "a caller's text is a label");
    }

    // It answers nothing else, and whoever holds its connections holds up nobody.
    assert!(ask(metrics, "/v1/tables").await.starts_with("HTTP/1.1 404"));
    let mut idle = Vec::new();
    for _ in 0..30 {
        idle.push(TcpStream::connect(metrics).await.unwrap());
    }
    search.nearest(nearest("some-table", "king")).await.unwrap();
    let began = std::time::Instant::now();
    stop.notify_one();
    served.await.unwrap().unwrap();
    // Less than the grace: nothing of it holds the engine.
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    drop(idle);

    let elsewhere = ServerConfig {
        metrics_listen: Some("0.0.0.0:0".parse().unwrap()),
        ..ServerConfig::new(data.path())
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = wordspace::server::serve(elsewhere, listener, async {}).await.unwrap_err();
    assert!(refused.to_string().contains("--insecure-metrics-listen"), "{refused}");
}
