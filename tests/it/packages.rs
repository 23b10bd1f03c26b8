//! What is packaged names settings, options and metrics that there are, and meets at the same ports.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use wordspace::client::{Client, chunks};
use wordspace::proto as pb;
use wordspace::server::{Opened, ServerConfig, serve_and_tell};

use crate::metrics::ask;
use crate::support::{SMALL, Server, header, root, word, wordspace};
use crate::{http, tls};

fn package(name: &str) -> String {
    fs::read_to_string(root().join("packages").join(name)).unwrap()
}

/// Words of these characters that begin so.
fn words<'t>(text: &'t str, begin: &str) -> BTreeSet<&'t str> {
    let split = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    split.filter(|word| word.starts_with(begin)).collect()
}

/// Behind each of these what stands up to one of those that end it.
fn behind<'t>(text: &'t str, begin: &str, end: &[char]) -> Vec<&'t str> {
    text.split(begin).skip(1).map(|rest| rest.split(end).next().unwrap()).collect()
}

/// The file of settings that a manifest has under this name.
fn settings(manifests: &str, name: &str) -> String {
    let (_, rest) = manifests.split_once(&format!("  {name}: |\n")).unwrap();
    let lines = rest.lines().map_while(|line| line.strip_prefix("    "));
    lines.map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn settings_of_packages_are_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.toml");
    let mut known = BTreeSet::new();
    for (manifests, name) in [
        ("kubernetes/wordspace.yaml", "server.toml"),
        ("kubernetes/replicas.yaml", "writer.toml"),
        ("kubernetes/replicas.yaml", "reader.toml"),
    ] {
        let settings = settings(&package(manifests), name);
        assert!(settings.contains("listen = "), "{settings}");
        let mut out = fs::File::create(&file).unwrap();
        std::io::Write::write_all(&mut out, settings.as_bytes()).unwrap();
        let show = ["config", "show", "--config", file.to_str().unwrap(), "--json"];
        let (code, told, error) = wordspace(&show).await;
        assert_eq!(code, Some(0), "{manifests}, {name}: {error}");
        let told = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let name = |setting: Value| setting["name"].as_str().unwrap().replace('-', "_");
        known.extend(told.map(|setting| name(setting).to_uppercase()));
    }
    for name in [
        "Dockerfile",
        "compose.yaml",
        "compose.replicas.yaml",
        "kubernetes/wordspace.yaml",
        "kubernetes/replicas.yaml",
    ] {
        let text = package(name);
        let variables = words(&text, "WORDSPACE_SERVE_");
        assert!(!variables.is_empty(), "{name}");
        for variable in variables {
            let setting = variable.strip_prefix("WORDSPACE_SERVE_").unwrap();
            assert!(known.contains(setting), "{name} sets {variable}");
        }
        let mut commands = 0;
        for line in text.lines().filter_map(|line| Some(&line[line.find("[\"")?..])) {
            let end = line.rfind(']').unwrap();
            let words: Vec<String> = serde_json::from_str(&line[..=end]).unwrap();
            let Some(command) = words.iter().find(|word| ["serve", "ready"].contains(&&***word))
            else {
                continue;
            };
            let (_, help, _) = wordspace(&[command, "--help"]).await;
            let known: BTreeSet<&str> = help.split([' ', ',', '\n']).collect();
            for option in words.iter().filter(|word| word.starts_with("--")) {
                assert!(known.contains(option.as_str()), "{name}: wordspace {command} {option}");
            }
            commands += 1;
        }
        assert!(commands > 0, "{name}");
    }
}

#[test]
fn what_is_packaged_meets_at_the_same_ports_under_the_same_names() {
    let port = |address: &str| address.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let (haproxy, nginx) = (package("haproxy.cfg"), package("nginx.conf"));
    let (compose, image) = (package("compose.replicas.yaml"), package("Dockerfile"));
    let manifests = package("kubernetes/replicas.yaml");

    // Of the proxy's variables each has what it is where nobody sets it.
    let variables = behind(&haproxy, "${", &['}']).into_iter();
    let variables: BTreeMap<&str, &str> =
        variables.map(|variable| variable.split_once('-').unwrap()).collect();
    let servers = |name: &str| {
        let (_, rest) = nginx.split_once(&format!("upstream {name} {{")).unwrap();
        behind(rest.split('}').next().unwrap(), "server ", &[' ', ';'])
    };
    let readers: Vec<&str> =
        ["READER1", "READER2", "READER3"].map(|reader| variables[reader]).into();
    for (name, wanted) in [("readers", &readers), ("writer", &vec![variables["WRITER"]])] {
        assert_eq!(servers(name), *wanted);
        assert_eq!(servers(&format!("{name}_json")), *wanted);
    }
    assert_eq!(port(variables["LISTEN"]), 50_050);
    assert!(behind(&nginx, " listen ", &[' ', ';']).contains(&"50050"));

    // In containers all of them listen at the image's port.
    let own = port(behind(&image, "\nENV WORDSPACE_SERVE_LISTEN=", &['\n'])[0]);
    let own = own.to_string();
    assert_eq!(behind(&image, "\nEXPOSE ", &['\n']), [own.as_str()]);
    for variable in ["WRITER", "READER1", "READER2"] {
        assert!(variables.contains_key(variable));
        let address = behind(&compose, &format!("      {variable}: "), &['\n'])[0];
        let (service, port) = address.split_once(':').unwrap();
        assert!(compose.contains(&format!("\n  {service}:")) && port == own, "{address}");
    }
    assert_eq!(behind(&compose, "\"--advertise\", \"http://", &['"']), [format!("writer:{own}")]);
    let published = format!("127.0.0.1:50050:{}", port(variables["LISTEN"]));
    assert!(compose.contains(&published), "{published}");

    let (mut listens, mut metrics) = (Vec::new(), Vec::new());
    for name in ["writer.toml", "reader.toml"] {
        let settings = settings(&manifests, name);
        listens.push(port(behind(&settings, "\nlisten = [\"", &['"'])[0]).to_string());
        metrics.push(port(behind(&settings, "\nmetrics-listen = \"", &['"'])[0]).to_string());
    }
    assert_eq!(listens, [own.as_str(); 2]);
    let of_pods = behind(&manifests, "containerPort: ", &['\n']);
    assert_eq!(of_pods, [&listens[0], &metrics[0], &listens[1], &metrics[1]]);
    assert_eq!(behind(&manifests, "prometheus.io/port: \"", &['"']), metrics);
    // Of two services, three probes, and the policy.
    let (own, of_metrics) = (own.as_str(), metrics[0].as_str());
    let wanted = [own, own, "metrics", "metrics", "metrics", own, of_metrics];
    assert_eq!(behind(&manifests, " port: ", &['\n']), wanted);
    let advertised = behind(&manifests, "advertise = \"https://", &['"']);
    assert_eq!(advertised, [format!("wordspace-writer:{own}")]);
    assert!(manifests.contains("kind: Service\nmetadata:\n  name: wordspace-writer\n"));

    // The images are of this version, and those that need a bucket have what it takes.
    let version = env!("CARGO_PKG_VERSION");
    let of = |text: &str| behind(text, "image: wordspace", &['\n']).join(" ");
    assert_eq!(of(&package("kubernetes/wordspace.yaml")), format!(":{version}"));
    assert_eq!(of(&manifests), format!(":{version}-cloud :{version}-cloud"));
    assert_eq!((of(&package("compose.yaml")).as_str(), of(&compose).as_str()), ("", ":cloud"));
    assert!(compose.contains("FEATURES: cloud") && image.contains("\nARG FEATURES="));
    let weed: BTreeSet<&str> = behind(&compose, "image: chrislusf/", &['\n']).into_iter().collect();
    assert_eq!(weed.len(), 1, "{weed:?}");
}

#[tokio::test]
async fn proxies_ask_for_health_as_it_is_told() {
    let server = Server::start().await;
    let haproxy = package("haproxy.cfg");
    let checks = behind(&haproxy, "http-check send meth POST uri ", &['\n']);
    assert_eq!(checks.len(), 2, "readers and the writer");
    let expected = behind(&haproxy, "http-check expect rstring ^", &['\n']);
    for (check, expected) in checks.iter().zip(expected) {
        let words: Vec<&str> = check.split(' ').collect();
        let [path, "hdr", "content-type", kind, "hdr", "x-grpc-web", one, "body", body] = words[..]
        else {
            panic!("{check}");
        };
        let headers = [format!("content-type: {kind}"), format!("x-grpc-web: {one}")];
        let headers = [headers[0].as_str(), &headers[1]];
        let answer = http::ask(&server, &format!("POST {path}"), &headers, body.as_bytes()).await;
        let told = String::from_utf8(answer.body).unwrap();
        assert!(answer.status == 200 && told.starts_with(expected), "{told}");
    }
    server.stop().await;
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
    // Probes and the autoscaler ask for it, too.
    let manifests = package("kubernetes/replicas.yaml");
    assert_eq!(behind(&manifests, "\n              path: ", &['\n']), ["/metrics"; 3]);
    for name in words(&manifests, "wordspace_") {
        assert!(page.contains(&format!("\n{name}")), "{name} is not told");
    }
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
