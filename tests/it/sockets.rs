//! Sockets in the file system: who may call over them, what is left of them, and those that systemd hands over.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use wordspace::client::{CallError, Client};
use wordspace::proto as pb;

use crate::support::{SMALL, header, word, wordspace};

/// A server that listens where its options say.
struct Serving(Child);

impl Serving {
    /// Waits until it listens.
    fn start(data: &Path, options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wordspace"));
        command.args(["serve", "--data"]).arg(data).args(options);
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let told = lines.find(|line| line.as_ref().unwrap().contains("listening on unix:"));
        told.expect("it says where it listens").unwrap();
        // Keep reading, or it would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self(child)
    }

    fn end(mut self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
        self.0.wait().unwrap();
    }
}

async fn nearest(client: &Client) -> Vec<String> {
    let request = pb::NearestRequest {
        table: "en".to_owned(),
        positive: vec![word("king")],
        ..Default::default()
    };
    let answer = client.nearest(request).await.unwrap();
    answer.neighbors.into_iter().map(|neighbor| neighbor.word).collect()
}

#[tokio::test]
async fn a_socket_is_spoken_to_as_a_port_is() {
    let folder = tempfile::tempdir().unwrap();
    let (data, path) = (folder.path().join("data"), folder.path().join("words.sock"));
    let url = format!("unix:{}", path.display());
    let options = ["--listen", &url, "--listen", "127.0.0.1:0", "--socket-mode", "660"];
    let server = Serving::start(&data, &options);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let client = Client::connect(&url).await.unwrap();
    let small = wordspace::client::chunks(SMALL.as_bytes());
    client.import(header("en"), small, |_| {}).await.unwrap();
    let answer = nearest(&client).await;
    assert_eq!(answer[0], "prince");
    assert_eq!(nearest(&client.another().await.unwrap()).await, answer);
    let (code, told, error) = wordspace(&["nearest", "en", "king", "--server", &url]).await;
    assert!(code == Some(0) && told.contains("prince"), "{told} {error}");
    let slashes = format!("unix://{}", path.display());
    assert_eq!(wordspace(&["status", "--server", &slashes]).await.0, Some(0));
    let trust = ["status", "--server", &url, "--ca", "ca.pem"];
    let (code, _, told) = wordspace(&trust).await;
    assert!(code == Some(2) && told.contains("socket"), "{told}");

    // JSON over HTTP/1.1.
    let mut stream = UnixStream::connect(&path).unwrap();
    let request =
        b"GET /v1/tables/en/nearest?word=king&k=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    assert!(told.starts_with("HTTP/1.1 200") && told.contains("prince"), "{told}");

    // One that listens is not displaced.
    let other = folder.path().join("other");
    let arguments = ["serve", "--data", other.to_str().unwrap(), "--listen", &url];
    let (code, _, told) = wordspace(&arguments).await;
    assert!(code == Some(1) && told.contains("in use"), "{told}");

    // What a killed one leaves is replaced, and a stopped one leaves nothing.
    server.end(Signal::KILL);
    assert!(path.exists());
    let lost = Client::connect(&url).await.unwrap_err();
    assert!(matches!(&lost, CallError::Unreachable { .. }), "{lost}");
    let server = Serving::start(&data, &["--listen", &url]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(nearest(&Client::connect(&url).await.unwrap()).await, answer);
    server.end(Signal::TERM);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_service_manager_hands_over_its_socket_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let (manager, notified) = (folder.path().join("notify"), folder.path().join("data"));
    let told = UnixDatagram::bind(&manager).unwrap();
    told.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let state = || {
        let mut text = [0; 64];
        let bytes = told.recv(&mut text).unwrap();
        String::from_utf8(text[..bytes].to_vec()).unwrap()
    };
    // As the manager does: the socket is the descriptor 3, and the process is named.
    let mut command = Command::new("sh");
    let script = "exec 3<&0; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" serve --data \"$1\"";
    command.args(["-c", script, env!("CARGO_BIN_EXE_wordspace")]).arg(&notified);
    command.env("NOTIFY_SOCKET", &manager).stdin(OwnedFd::from(listener));
    let server = Serving::of(command);
    assert_eq!(state(), "READY=1");
    let client = Client::connect(&format!("unix:{}", path.display())).await.unwrap();
    assert!(client.is_ready("").await.unwrap());
    server.end(Signal::TERM);
    assert_eq!(state(), "STOPPING=1");
    assert!(path.exists(), "it is the manager's");
}
