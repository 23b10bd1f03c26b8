//! TLS: who is proven, what holds when certificates change, and those who never finish their greeting.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use wordspace::client::{CallError, Client};
use wordspace::proto as pb;
use wordspace::server::access::{KeyFile, NewKey, Role};
use wordspace::server::{ConnectionLimits, ServerConfig, TlsFiles};

use crate::support::{SMALL, Server, header, within_seconds, word, wordspace};
use crate::tls::{file, files, greet, secure};

/// Far more than any wait of these stories, for a machine with much else to do.
const LONG: Duration = Duration::from_secs(20);

async fn trusting(server: &Server) -> Client {
    Client::builder(&server.url).ca_file(file("ca.pem")).connect().await.unwrap()
}

fn nearest() -> pb::NearestRequest {
    pb::NearestRequest {
        table: "en".to_owned(),
        positive: vec![word("king")],
        ..Default::default()
    }
}

fn small() -> impl Iterator<Item = std::io::Result<pb::import_request::Part>> {
    wordspace::client::chunks(SMALL.as_bytes())
}

fn address(server: &Server) -> &str {
    server.url.strip_prefix("https://").unwrap()
}

#[tokio::test]
async fn certificates_change_and_no_call_breaks() {
    let folder = tempfile::tempdir().unwrap();
    let own = |name: &str| folder.path().join(name);
    let put = |name: &str, parts: [&str; 2]| {
        for part in parts {
            // As whoever renews certificates does: there whole, or as it was.
            fs::copy(file(&format!("{name}.{part}")), own("new")).unwrap();
            fs::rename(own("new"), own(part)).unwrap();
        }
    };
    put("server", ["pem", "key"]);
    let tls = TlsFiles { certificate: own("pem"), key: own("key"), client_ca: None };
    let reload = Arc::default();
    let asked = Arc::clone(&reload);
    let server =
        Server::start_with(|config| ServerConfig { tls: Some(tls), reload, ..config }).await;
    let client = trusting(&server).await;
    client.import(header("en"), small(), |_| {}).await.unwrap();

    // Whoever speaks HTTP/1.1 above TLS is answered, too.
    let mut stream = greet(address(&server)).await.unwrap();
    let request = b"GET /v1/tables/en HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).await.unwrap();
    assert!(told.starts_with("HTTP/1.1 200") && told.contains("\"name\":\"en\""), "{told}");

    // Who the server says it is; every greeting succeeds, whatever the files hold at the time.
    let shown = async || {
        let stream = greet(address(&server)).await.unwrap();
        let shown = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
        client.nearest(nearest()).await.unwrap();
        shown
    };
    let of = |name: &str| CertificateDer::from_pem_file(file(&format!("{name}.pem"))).unwrap();
    assert_eq!(shown().await, *of("server"));
    put("renewed", ["pem", "key"]);
    assert!(within_seconds(async || shown().await == *of("renewed")).await, "the file is seen");

    // A key that does not fit, a file that is cut, one that is gone: nothing changes, and what follows does.
    put("server", ["key", "key"]);
    asked.notify_one();
    assert_eq!(shown().await, *of("renewed"));
    fs::rename(own("key"), own("gone")).unwrap();
    asked.notify_one();
    assert_eq!(shown().await, *of("renewed"));
    let whole = fs::read(file("server.pem")).unwrap();
    fs::File::create(own("pem")).unwrap();
    asked.notify_one();
    std::io::Write::write_all(&mut fs::File::create(own("pem")).unwrap(), &whole[..200]).unwrap();
    asked.notify_one();
    assert_eq!(shown().await, *of("renewed"));
    put("server", ["pem", "key"]);
    asked.notify_one();
    assert!(within_seconds(async || shown().await == *of("server")).await);
    // The connection from before is as it was.
    client.nearest(nearest()).await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_change_under_load_and_no_call_fails() {
    let folder = tempfile::tempdir().unwrap();
    let own = |name: &str| folder.path().join(name);
    let put = |name: &str| {
        for part in ["pem", "key"] {
            fs::copy(file(&format!("{name}.{part}")), own("new")).unwrap();
            fs::rename(own("new"), own(part)).unwrap();
        }
    };
    put("server");
    let tls = TlsFiles { certificate: own("pem"), key: own("key"), client_ca: None };
    let reload: Arc<tokio::sync::Notify> = Arc::default();
    let asked = Arc::clone(&reload);
    let server =
        Server::start_with(|config| ServerConfig { tls: Some(tls), reload, ..config }).await;
    let client = trusting(&server).await;
    client.import(header("en"), small(), |_| {}).await.unwrap();
    let (stop, ended) = tokio::sync::watch::channel(false);
    let mut callers = Vec::new();
    for caller in 0..8 {
        let (ended, client) = (ended.clone(), client.another().await.unwrap());
        callers.push(tokio::spawn(async move {
            let (mut calls, mut failed) = (0_u64, Vec::new());
            while !*ended.borrow() {
                // Half of them come by a new connection each time.
                let answer = if caller % 2 == 0 {
                    client.nearest(nearest()).await
                } else {
                    match client.another().await {
                        Ok(client) => client.nearest(nearest()).await,
                        Err(error) => Err(error),
                    }
                };
                calls += 1;
                failed.extend(answer.err().map(|error| error.to_string()));
            }
            (calls, failed)
        }));
    }
    let of = |name: &str| CertificateDer::from_pem_file(file(&format!("{name}.pem"))).unwrap();
    let mut changes = 0;
    for name in ["renewed", "server"].into_iter().cycle().take(20) {
        put(name);
        asked.notify_one();
        let certificate = of(name);
        let shown = async || {
            let stream = greet(address(&server)).await.unwrap();
            stream.get_ref().1.peer_certificates().unwrap()[0] == certificate
        };
        assert!(within_seconds(shown).await, "{name}");
        changes += 1;
    }
    stop.send_replace(true);
    let (mut calls, mut failed) = (0, Vec::new());
    for caller in callers {
        let (made, wrong) = caller.await.unwrap();
        calls += made;
        failed.extend(wrong);
    }
    println!("{changes} changes of the certificate, {calls} calls, {} failed", failed.len());
    assert!(failed.is_empty(), "{failed:?}");
    assert!(calls > 100, "{calls}");
    server.stop().await;
}

fn new(name: &str, certificate: Option<&str>) -> NewKey {
    NewKey {
        name: name.to_owned(),
        role: Role::Read,
        tables: vec!["en*".to_owned()],
        lifetime: None,
        calls_per_second: None,
        jobs: None,
        certificate: certificate.map(str::to_owned),
    }
}

#[tokio::test]
async fn a_certificate_stands_for_a_key() {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let keys = KeyFile::of_folder(data.path());
    keys.make(new("application", Some("spiffe://wordspace/app"))).unwrap();
    let key = keys.make(new("person", None)).unwrap().0.unwrap();
    let writer = NewKey { role: Role::Write, tables: Vec::new(), ..new("writer", None) };
    let writer = keys.make(writer).unwrap().0.unwrap();
    let tls = TlsFiles { client_ca: Some(file("ca.pem")), ..files("server") };
    let config = ServerConfig { tls: Some(tls), ..ServerConfig::new(data.path()) };
    let server = Server::start_as(Arc::clone(&data), config).await;
    let builder = |name: &str| {
        let (certificate, key) = (file(&format!("{name}.pem")), file(&format!("{name}.key")));
        Client::builder(&server.url).ca_file(file("ca.pem")).identity_files(certificate, key)
    };
    let refused = |error: CallError| {
        let CallError::Refused(refusal) = error else { panic!("{error}") };
        refusal.reason
    };
    let loader = builder("guest").api_key(&writer).connect().await.unwrap();
    for table in ["en", "de"] {
        loader.import(header(table), small(), |_| {}).await.unwrap();
    }

    let app = builder("app").connect().await.unwrap();
    assert_eq!(app.nearest(nearest()).await.unwrap().neighbors[0].word, "prince");
    let other = pb::NearestRequest { table: "de".to_owned(), ..nearest() };
    assert_eq!(refused(app.nearest(other).await.unwrap_err()), "FORBIDDEN");
    let delete = pb::DeleteTableRequest { table: "en".to_owned() };
    assert_eq!(refused(app.delete_table(delete).await.unwrap_err()), "FORBIDDEN");
    // A key says more than a certificate.
    let both = builder("app").api_key(&writer).connect().await.unwrap();
    both.delete_table(pb::DeleteTableRequest { table: "de".to_owned() }).await.unwrap();

    let guest = builder("guest").connect().await.unwrap();
    assert_eq!(refused(guest.nearest(nearest()).await.unwrap_err()), "UNAUTHENTICATED");
    builder("guest").api_key(&key).connect().await.unwrap().nearest(nearest()).await.unwrap();

    // The same name of another authority, and none: these are not even listened to, whatever key they have.
    let stranger =
        async { builder("stranger").api_key(&writer).connect().await?.nearest(nearest()).await };
    assert!(stranger.await.unwrap_err().is_lost());
    let nobody = async {
        let builder = Client::builder(&server.url).ca_file(file("ca.pem")).api_key(&writer);
        builder.connect().await?.nearest(nearest()).await
    };
    assert!(nobody.await.unwrap_err().is_lost());
    server.stop().await;
}

#[tokio::test]
async fn whoever_does_not_finish_the_greeting_is_sent_away() {
    let short = Duration::from_millis(300);
    let server = Server::start_with(|config| {
        let connections = ConnectionLimits {
            handshake: short,
            first_call: short,
            connections: 40,
            per_address: 30,
            ..config.connections
        };
        ServerConfig { connections, ..secure(config) }
    })
    .await;
    let client = trusting(&server).await;
    client.import(header("en"), small(), |_| {}).await.unwrap();
    let hello = hello(&server).await;
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let begun = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &settings].concat();
    let half_headers = [&begun[..], &[0, 0, 1, 1, 0, 0, 0, 0, 1, 0x83]].concat();
    let mut silent = Vec::new();
    // In the clear: nothing, a part of a greeting, all of it without a word more, and no greeting at all.
    for bytes in [&b""[..], &hello[..hello.len() / 2], &hello, &begun] {
        for _ in 0..10 {
            let mut stream = TcpStream::connect(address(&server)).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            silent.push(tokio::spawn(closed(stream)));
        }
    }
    // There were more of them than the server has room for, and it answers all the same.
    client.nearest(nearest()).await.unwrap();
    trusting(&server).await.nearest(nearest()).await.unwrap();
    // Proven, and then nothing, or not enough.
    for bytes in [&b""[..], &begun[..20], &half_headers] {
        for _ in 0..5 {
            let Ok(mut stream) = greet(address(&server)).await else { continue };
            stream.write_all(bytes).await.unwrap();
            stream.flush().await.unwrap();
            silent.push(tokio::spawn(closed(stream)));
        }
    }
    for ended in silent {
        tokio::time::timeout(LONG, ended).await.expect("it is closed").unwrap();
    }
    client.nearest(nearest()).await.unwrap();
    server.stop().await;
}

/// What a client says first.
async fn hello(server: &Server) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let caught = listener.local_addr().unwrap().to_string();
    assert_ne!(caught, address(server));
    let caller = tokio::spawn(async move { greet(&caught).await.is_ok() });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut hello = vec![0; 64];
    stream.read_exact(&mut hello).await.unwrap();
    let mut rest = vec![0; 4_096];
    let more = stream.read(&mut rest).await.unwrap();
    hello.extend_from_slice(&rest[..more]);
    drop(stream);
    assert!(!caller.await.unwrap());
    hello
}

/// Completes when the server has closed it.
async fn closed(mut stream: impl tokio::io::AsyncRead + Unpin) {
    let mut rest = Vec::new();
    // A reset is as good as an end.
    let _ = stream.read_to_end(&mut rest).await;
}

#[tokio::test]
async fn other_machines_are_served_with_keys_and_tls_alone() {
    let data = tempfile::tempdir().unwrap();
    let serve = async |data: &TempDir, tls: Option<TlsFiles>| {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let config = ServerConfig { tls, index_threads: 1, ..ServerConfig::new(data.path()) };
        wordspace::server::serve(config, listener, async {}).await
    };
    let told = |served: wordspace::error::Result<()>| served.unwrap_err().to_string();
    let open = told(serve(&data, Some(files("server"))).await);
    assert!(open.contains("key make") && open.contains("--insecure-listen"), "{open}");
    let proven = TlsFiles { client_ca: Some(file("ca.pem")), ..files("server") };
    serve(&data, Some(proven)).await.unwrap();
    KeyFile::of_folder(data.path()).make(new("app", None)).unwrap();
    let clear = told(serve(&data, None).await);
    assert!(clear.contains("in the clear") && clear.contains("--tls-cert"), "{clear}");
    serve(&data, Some(files("server"))).await.unwrap();
    for (tls, named) in [
        (TlsFiles { key: file("renewed.key"), ..files("server") }, "renewed.key"),
        (TlsFiles { key: file("ca.pem"), ..files("server") }, "no private key"),
        (TlsFiles { certificate: file("server.key"), ..files("server") }, "no certificate"),
        (TlsFiles { client_ca: Some(file("none.pem")), ..files("server") }, "none.pem"),
    ] {
        let told = told(serve(&data, Some(tls)).await);
        assert!(told.contains(named), "{told}");
    }
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn the_command_line_says_what_tls_lacks() {
    let server = Server::start_with(|config| {
        let tls = TlsFiles { client_ca: Some(file("ca.pem")), ..files("server") };
        ServerConfig { tls: Some(tls), ..config }
    })
    .await;
    let (ca, app, key) = (file("ca.pem"), file("app.pem"), file("app.key"));
    let trust = ["--ca", shown(&ca)];
    let identity = ["--cert", shown(&app), "--key", shown(&key)];
    let status = async |server: &str, options: &[&str]| {
        wordspace(&[&["status", "--server", server], options].concat()).await
    };
    let (code, _, told) =
        status(&server.url, &[trust, identity[..2].try_into().unwrap()].concat()).await;
    assert!(code == Some(2) && told.contains("--cert and --key"), "{told}");
    let all = [&trust[..], &identity].concat();
    let (code, told, error) = status(&server.url, &all).await;
    assert!(code == Some(0) && told.contains("tables"), "{told} {error}");
    // Without a scheme https:// is meant, as certificates are given; and http:// is a mistake.
    assert_eq!(status(address(&server), &all).await.0, Some(0));
    let (code, _, told) = status(&server.url.replace("https", "http"), &all).await;
    assert!(code == Some(2) && told.contains("https://"), "{told}");
    let (code, _, told) = status(&server.url, &identity).await;
    assert!(code == Some(3) && told.contains("--ca FILE"), "{told}");
    let (code, _, told) = status(&server.url, &trust).await;
    assert!(code == Some(3) && told.contains("--cert"), "{told}");
    let (code, _, told) = status(&server.url, &["--ca", shown(&key)]).await;
    assert!(code == Some(2) && told.contains("app.key"), "{told}");
    server.stop().await;
}
