//! Metrics: what is counted, under names that no caller makes up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use wordspace::proto as pb;
use wordspace::proto::search_service_client::SearchServiceClient;
use wordspace::proto::table_service_client::TableServiceClient;
use wordspace::proto::word_or_vector::Query;
use wordspace::server::{ServerConfig, serve_and_tell};

use crate::access::call;
use crate::packages::{OF_INDEXES, check_dashboard};
use crate::support::{SMALL, header, import, within_seconds, word};

/// A series: its name with its labels, and its value as it is told.
type Series = BTreeMap<String, String>;

pub(crate) async fn ask(address: SocketAddr, path: &str) -> String {
    ask_with(address, path, "host: x\r\n").await
}

/// With these headers.
async fn ask_with(address: SocketAddr, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
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

/// A server that tells metrics.
struct Metered {
    metrics: SocketAddr,
    channel: Channel,
    stop: Arc<Notify>,
    served: JoinHandle<wordspace::error::Result<()>>,
}

impl Metered {
    async fn start(data: &Path, change: impl FnOnce(ServerConfig) -> ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, (tell, told)) = (Arc::new(Notify::new()), oneshot::channel());
        let stopped = Arc::clone(&stop);
        let config = change(ServerConfig {
            metrics_listen: Some("127.0.0.1:0".parse().unwrap()),
            index_threads: 1,
            ..ServerConfig::new(data)
        });
        let served = tokio::spawn(async move {
            let opened = |opened: wordspace::server::Opened| tell.send(opened.metrics).unwrap();
            serve_and_tell(config, listener, async move { stopped.notified().await }, opened).await
        });
        let metrics = told.await.unwrap().unwrap();
        let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
        Self { metrics, channel, stop, served }
    }

    async fn stop(self) {
        self.stop.notify_one();
        self.served.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn calls_and_state_are_told_in_bounded_names() {
    let data: Arc<TempDir> = Arc::new(tempfile::tempdir().unwrap());
    let metered = Metered::start(data.path(), |config| config).await;
    let (metrics, channel) = (metered.metrics, metered.channel.clone());
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
        ("table_seconds_count{table=\"some-table\",answered_by=\"exact\"}", "3"),
        ("table_rows{table=\"some-table\"}", "8"),
        ("table_written_rows{table=\"some-table\"}", "0"),
        ("pool_working{lane=\"heavy\"}", "0"),
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
    for text in ["secret", "\"king\"", "127.0.0.1"] {
        assert!(!told.to_lowercase().contains(text), "a caller's text is a label");
    }

    // A page of a browser on this machine reads none of it, by whatever name it calls the server; its user does.
    let own = format!("host: {metrics}\r\n");
    for (headers, status) in [
        ("host: evil.example\r\norigin: http://evil.example\r\n".to_owned(), "403"),
        ("host: evil.example\r\nsec-fetch-site: same-origin\r\n".to_owned(), "403"),
        (format!("{own}origin: http://evil.example\r\n"), "403"),
        (format!("{own}sec-fetch-site: cross-site\r\n"), "403"),
        (format!("{own}sec-fetch-site: none\r\nuser-agent: Mozilla/5.0\r\n"), "200"),
    ] {
        let answer = ask_with(metrics, "/metrics", &headers).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{headers}: {answer}");
    }

    // It answers nothing else, and whoever holds its connections holds up nobody.
    assert!(ask(metrics, "/v1/tables").await.starts_with("HTTP/1.1 404"));
    let mut idle = Vec::new();
    for _ in 0..30 {
        idle.push(TcpStream::connect(metrics).await.unwrap());
    }
    search.nearest(nearest("some-table", "king")).await.unwrap();
    let began = std::time::Instant::now();
    metered.stop().await;
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

/// Rows without a pattern, of which an index finds most neighbors.
fn large() -> String {
    let value = |row: u32, at: u32| {
        let mixed = row.wrapping_mul(2_654_435_761).rotate_left(7 * at).wrapping_mul(2_246_822_519);
        f64::from(mixed >> 8) / f64::from(1 << 24) - 0.5
    };
    let row = |row: u32| {
        let values: String = (0..8).map(|at| format!(" {:.4}", value(row, at))).collect();
        format!("w{row}{values}\n")
    };
    (1..=10_100).map(row).collect()
}

#[tokio::test]
async fn few_tables_are_told_by_name_and_the_recall_of_their_indexes_is_measured() {
    let data = tempfile::tempdir().unwrap();
    let change = |config| ServerConfig { metrics_tables: 2, recall_sample: 1, ..config };
    let metered = Metered::start(data.path(), change).await;
    let (metrics, channel) = (metered.metrics, &metered.channel);
    let mut tables = TableServiceClient::new(channel.clone());
    let mut search = SearchServiceClient::new(channel.clone());
    import(channel, header("large"), large().as_bytes()).await.unwrap();
    let ready = async || {
        let ask = pb::GetTableRequest { table: "large".to_owned() };
        let table = tables.clone().get_table(ask).await.unwrap().into_inner().table.unwrap();
        table.index.unwrap().state() == pb::IndexState::Ready
    };
    while !ready().await {}
    for table in ["small", "third"] {
        import(channel, header(table), SMALL.as_bytes()).await.unwrap();
    }
    let nearest = |table: &str, query: Query| pb::NearestRequest {
        table: table.to_owned(),
        positive: vec![pb::WordOrVector { query: Some(query), weight: None }],
        ..Default::default()
    };
    let vector = |values: &[f32]| {
        let values = values.to_vec();
        Query::Vector(pb::Vector { values, ..Default::default() })
    };
    let between = vector(&[0.1, 0.2, -0.3, 0.4, 0.0, -0.1, 0.3, 0.2]);

    // What an index found is compared with every row, behind the answer.
    let after = within_seconds(async || {
        search.clone().nearest(nearest("large", between.clone())).await.unwrap();
        let count = scrape(metrics).await;
        count.contains_key("wordspace_recall_count{table=\"large\",k_up_to=\"10\"}")
    });
    assert!(after.await, "{:?}", scrape(metrics).await);
    for table in ["small", "third"] {
        search.nearest(nearest(table, Query::Word("king".to_owned()))).await.unwrap();
    }
    search.nearest(nearest("secret", Query::Word("king".to_owned()))).await.unwrap_err();
    // Each message of a stream is an answer.
    let message = |id| pb::NearestStreamRequest {
        id,
        table: "small".to_owned(),
        queries: vec![nearest("", Query::Word("king".to_owned()))],
    };
    let messages = tokio_stream::iter((0..5).map(message).collect::<Vec<_>>());
    let mut answers = search.nearest_stream(messages).await.unwrap().into_inner();
    while answers.message().await.unwrap().is_some() {}
    assert!(
        check_dashboard(&ask(metrics, "/metrics").await, |name| OF_INDEXES.contains(&name)) > 1
    );
    let told = scrape(metrics).await;
    let sum = |begin: &str| -> f64 {
        let of = told.iter().filter(|(name, _)| name.starts_with(begin));
        of.map(|(_, value)| value.parse::<f64>().unwrap()).sum()
    };
    let recall = "wordspace_recall_sum{table=\"large\",k_up_to=\"10\"}";
    let share = sum(recall) / sum(&recall.replace("sum", "count"));
    assert!((0.5..=1.0).contains(&share), "{share}");
    let counts = |table: &str| sum(&format!("wordspace_table_seconds_count{{table=\"{table}\""));
    assert!(counts("large") >= 1.0);
    assert!((counts("small") - 6.0).abs() < 0.1 && (counts("(other)") - 1.0).abs() < 0.1);
    assert!(told.contains_key("wordspace_index_age_seconds{table=\"large\"}"));
    assert!(!told.contains_key("wordspace_index_age_seconds{table=\"small\"}"));
    assert_eq!(told["wordspace_table_rows{table=\"large\"}"], "10100");
    assert_eq!(told["wordspace_table_rows{table=\"(other)\"}"], "8");
    assert!(told.keys().all(|name| !name.contains("third") && !name.contains("secret")));

    // A table that is gone takes its series along, and leaves its place.
    let ask = pb::DeleteTableRequest { table: "small".to_owned() };
    tables.delete_table(ask).await.unwrap();
    let told = scrape(metrics).await;
    assert!(told.keys().all(|name| !name.contains("\"small\"")), "{told:?}");
    search.nearest(nearest("third", Query::Word("king".to_owned()))).await.unwrap();
    let told = scrape(metrics).await;
    assert_eq!(told["wordspace_table_seconds_count{table=\"third\",answered_by=\"exact\"}"], "1");
    metered.stop().await;
}
