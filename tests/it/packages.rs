//! What is packaged names settings that there are, and metrics that are told.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use wordspace::client::{Client, chunks};
use wordspace::proto as pb;
use wordspace::server::{Opened, ServerConfig, serve_and_tell};

use crate::metrics::ask;
use crate::support::{SMALL, header, root, word, wordspace};
use crate::tls;

fn package(name: &str) -> String {
    fs::read_to_string(root().join("packages").join(name)).unwrap()
}

/// Words of these characters that begin so.
fn words<'t>(text: &'t str, begin: &str) -> BTreeSet<&'t str> {
    let split = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    split.filter(|word| word.starts_with(begin)).collect()
}

#[tokio::test]
async fn settings_of_packages_are_settings() {
    let folder = tempfile::tempdir().unwrap();
    let manifests = package("kubernetes/wordspace.yaml");
    let (_, settings) = manifests.split_once("server.toml: |\n").unwrap();
    let settings = settings.split("---").next().unwrap();
    let settings: String = settings.lines().map(|line| format!("{}\n", line.trim())).collect();
    let file = folder.path().join("server.toml");
    std::io::Write::write_all(&mut fs::File::create(&file).unwrap(), settings.as_bytes()).unwrap();
    let show = ["config", "show", "--config", file.to_str().unwrap(), "--json"];
    let (code, told, error) = wordspace(&show).await;
    assert_eq!(code, Some(0), "{error}");
    let known: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let known: BTreeSet<String> = known
        .iter()
        .map(|setting| setting["name"].as_str().unwrap().replace('-', "_").to_uppercase())
        .collect();
    for name in ["Dockerfile", "compose.yaml", "kubernetes/wordspace.yaml"] {
        let text = package(name);
        let variables = words(&text, "WORDSPACE_SERVE_");
        assert!(!variables.is_empty(), "{name}");
        for variable in variables {
            let setting = variable.strip_prefix("WORDSPACE_SERVE_").unwrap();
            assert!(known.contains(setting), "{name} sets {variable}");
        }
    }
}

#[tokio::test]
async fn the_dashboard_asks_for_what_is_told() {
    let data = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (stop, (tell, told)) = (Arc::new(Notify::new()), oneshot::channel());
    let stopped = Arc::clone(&stop);
    let config = tls::secure(ServerConfig {
        metrics_listen: Some("127.0.0.1:0".parse().unwrap()),
        ..ServerConfig::new(data.path())
    });
    let served = tokio::spawn(async move {
        let opened = |opened: Opened| tell.send(opened.metrics).unwrap();
        serve_and_tell(config, listener, async move { stopped.notified().await }, opened).await
    });
    let metrics = told.await.unwrap().unwrap();
    let client = Client::builder(&url).ca_file(tls::file("ca.pem")).connect().await.unwrap();
    client.import(header("en"), chunks(SMALL.as_bytes()), |_| {}).await.unwrap();
    for asked in ["king", "xyzzy"] {
        let positive = vec![word(asked)];
        let nearest = pb::NearestRequest { table: "en".to_owned(), positive, ..Default::default() };
        let answer = client.nearest(nearest).await;
        assert_eq!(answer.is_ok(), asked == "king");
    }
    let page = ask(metrics, "/metrics").await;
    assert!(check_dashboard(&page, |name| !OF_INDEXES.contains(&name)) > 20);
    stop.notify_one();
    served.await.unwrap().unwrap();
}

/// What is told of tables with an index alone; the story of those looks at it.
pub(crate) const OF_INDEXES: [&str; 4] = [
    "wordspace_index_age_seconds",
    "wordspace_recall_bucket",
    "wordspace_recall_count",
    "wordspace_recall_sum",
];

/// Whether a page tells what those queries of the dashboard ask for whose metrics are meant; how many there are.
pub(crate) fn check_dashboard(page: &str, is_meant: impl Fn(&str) -> bool) -> usize {
    let dashboard: Value = serde_json::from_str(&package("grafana/wordspace.json")).unwrap();
    let mut asked = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().unwrap();
            let names = words(query, "wordspace_");
            assert!(!names.is_empty(), "{query}");
            if !names.iter().all(|name| is_meant(name)) {
                continue;
            }
            let legend = target["legendFormat"].as_str().unwrap();
            let mut labels: Vec<&str> =
                legend.split("{{").skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
            if let Some((_, by)) = query.split_once(" by (") {
                labels.extend(by.split(')').next().unwrap().split(", "));
            }
            for name in names {
                let mut series =
                    page.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
                let series = series.next().unwrap_or_else(|| panic!("{name} is not told"));
                for label in &labels {
                    assert!(series.contains(&format!("{label}=\"")), "{label} of {series}");
                }
            }
            asked += 1;
        }
    }
    asked
}
