//! What the stories share: the project's files, a server on a free port, a client.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use wordspace::error::Result;
use wordspace::proto as pb;
use wordspace::proto::import_request::Part;
use wordspace::proto::import_response::Part as Reply;
use wordspace::proto::transfer_service_client::TransferServiceClient;
use wordspace::server::ServerConfig;

/// The project's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files of this part of the generations in a data folder, the oldest generation first.
pub(crate) fn part_files(data: &Path, part: &str) -> Vec<PathBuf> {
    let folders = fs::read_dir(data.join("generations")).unwrap();
    let mut folders: Vec<_> = folders.map(|folder| folder.unwrap().path()).collect();
    folders.sort_by_key(|folder| {
        folder.file_name().unwrap().to_str().unwrap().parse::<u64>().unwrap()
    });
    folders.iter().map(|folder| folder.join(part)).filter(|file| file.exists()).collect()
}

/// Every file of ours under `src`: its path below that, and its text.
pub(crate) fn source_files() -> Vec<(String, String)> {
    fn walk(folder: &Path, below: &str, files: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{below}{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                walk(&entry.path(), &format!("{name}/"), files);
            } else if Path::new(&name).extension().is_some_and(|extension| extension == "rs") {
                files.push((name, fs::read_to_string(entry.path()).unwrap()));
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join("src"), "", &mut files);
    files.sort();
    files
}

/// A real server on a free port of this machine, on a data folder of its own.
pub(crate) struct Server {
    pub(crate) data: Arc<TempDir>,
    pub(crate) url: String,
    stop: Arc<Notify>,
    served: JoinHandle<Result<()>>,
}

impl Server {
    /// On a new folder.
    pub(crate) async fn start() -> Self {
        Self::start_on(Arc::new(tempfile::tempdir().unwrap())).await
    }

    /// On a new folder, served in another way.
    pub(crate) async fn start_with(change: impl FnOnce(ServerConfig) -> ServerConfig) -> Self {
        Self::serve(Arc::new(tempfile::tempdir().unwrap()), change).await
    }

    /// On a folder that is there.
    pub(crate) async fn start_on(data: Arc<TempDir>) -> Self {
        Self::serve(data, |config| config).await
    }

    /// On a folder, served as told.
    pub(crate) async fn start_as(data: Arc<TempDir>, config: ServerConfig) -> Self {
        Self::serve(data, |_| config).await
    }

    async fn serve(data: Arc<TempDir>, change: impl FnOnce(ServerConfig) -> ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let config = change(ServerConfig { index_threads: 1, ..ServerConfig::new(data.path()) });
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            wordspace::server::serve(config, listener, async move { stopped.notified().await })
                .await
        });
        Self { data, url, stop, served }
    }

    pub(crate) async fn channel(&self) -> Channel {
        let endpoint = Channel::from_shared(self.url.clone()).unwrap();
        if self.url.starts_with("http://") {
            return endpoint.connect().await.unwrap();
        }
        let ca = Certificate::from_pem(fs::read(root().join("tests/data/tls/ca.pem")).unwrap());
        let trust = ClientTlsConfig::new().ca_certificate(ca);
        endpoint.tls_config(trust).unwrap().connect().await.unwrap()
    }

    /// Stops it as a signal would, and waits.
    pub(crate) async fn stop(self) -> Arc<TempDir> {
        self.stop.notify_one();
        self.served.await.unwrap().unwrap();
        self.data
    }
}

/// `wordspace serve` as a process of its own.
pub(crate) struct Process {
    child: Child,
    pub(crate) channel: Channel,
    pub(crate) url: String,
}

impl Process {
    pub(crate) async fn start(data: &Path) -> Self {
        Self::start_with(data, &[]).await
    }

    /// With further options.
    pub(crate) async fn start_with(data: &Path, options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wordspace"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(options)
            .env("WORDSPACE_LOG", "warn")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines
            .find_map(|line| Some(line.unwrap().split_once("http://")?.1.trim().to_owned()))
            .expect("it says where it listens");
        // Keep reading, or it would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let url = format!("http://{url}");
        let channel = Channel::from_shared(url.clone()).unwrap().connect().await.unwrap();
        Self { child, channel, url }
    }

    /// As a service manager stops it; returns when it has ended.
    #[cfg(unix)]
    pub(crate) fn terminate(mut self) {
        use rustix::process::{Pid, Signal, kill_process};
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }

    /// As kill -9: nothing is flushed, nothing is closed.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// One that a test left when it failed would go on, and keep what waits for the end of the tests' output.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// The command line without anything of the environment: its exit code, and what it prints.
pub(crate) async fn wordspace(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wordspace"));
    command.args(arguments);
    for variable in ["SERVER", "KEY", "TABLE", "TLS_CA", "TLS_CERT", "TLS_KEY"] {
        command.env_remove(format!("WORDSPACE_{variable}"));
    }
    let told = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (told.status.code(), text(told.stdout), text(told.stderr))
}

/// Words whose geometry can be told by eye: royalty along the first axis, gender along the second,
/// fruit along the third.
pub(crate) const SMALL: &str = "\
king 2.0 1.0 0.0
queen 2.0 -1.0 0.0
man 0.2 1.0 0.0
woman 0.2 -1.0 0.0
prince 1.9 1.1 0.1
apple 0.0 0.1 3.0
pear 0.1 0.0 2.0
Paris 1.0 0.0 1.0
";

/// The header of an import that looks for the format and replaces what is there.
pub(crate) fn header(table: &str) -> pb::ImportHeader {
    pb::ImportHeader {
        table: table.to_owned(),
        source: "test".to_owned(),
        if_exists: pb::IfExists::Replace.into(),
        ..pb::ImportHeader::default()
    }
}

/// Imports a file in chunks of a few bytes, or what went wrong.
pub(crate) async fn import(
    channel: &Channel,
    header: pb::ImportHeader,
    file: &[u8],
) -> Result<pb::ImportReport, Status> {
    let chunks = file.chunks(1_000).map(|chunk| Part::Chunk(chunk.to_vec()));
    send(channel, std::iter::once(Part::Header(header)).chain(chunks).collect()).await
}

/// Sends the messages of an import and takes the report.
pub(crate) async fn send(channel: &Channel, parts: Vec<Part>) -> Result<pb::ImportReport, Status> {
    let requests = parts.into_iter().map(|part| pb::ImportRequest { part: Some(part) });
    let requests = tokio_stream::iter(requests.collect::<Vec<_>>());
    let mut client = TransferServiceClient::new(channel.clone());
    let mut replies = client.import(requests).await?.into_inner();
    while let Some(reply) = replies.message().await? {
        if let Some(Reply::Report(report)) = reply.part {
            return Ok(report);
        }
    }
    panic!("an import ends with its report or with an error");
}

/// Whether something holds within the time in which a server looks at its files.
pub(crate) async fn within_seconds(mut holds: impl AsyncFnMut() -> bool) -> bool {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while std::time::Instant::now() < end {
        if holds().await {
            return true;
        }
    }
    false
}

/// Waits until the server has read some of a source.
pub(crate) async fn until_progress(replies: &mut tonic::Streaming<pb::ImportResponse>) {
    while !matches!(replies.message().await.unwrap().unwrap().part, Some(Reply::Progress(_))) {}
}

/// The code of an error and the stable reason in its details.
pub(crate) fn reason(status: &Status) -> (Code, String) {
    let info = status.get_details_error_info().expect("every error has its ErrorInfo");
    assert_eq!(info.domain, "wordspace");
    (status.code(), info.reason)
}

/// A word of the question.
pub(crate) fn word(word: &str) -> pb::WordOrVector {
    let query = Some(pb::word_or_vector::Query::Word(word.to_owned()));
    pb::WordOrVector { query, weight: None }
}

/// Holds a file of the project against what it should say now, line by line; writes it where `WORDSPACE_ACCEPT` is set.
pub(crate) fn is_on_file(path: &str, now: &str) {
    let file = root().join(path);
    if std::env::var_os("WORDSPACE_ACCEPT").is_some() {
        fs::File::create(&file).unwrap();
        let mut out = fs::OpenOptions::new().write(true).open(&file).unwrap();
        std::io::Write::write_all(&mut out, now.as_bytes()).unwrap();
    }
    let before = fs::read_to_string(&file).unwrap_or_default();
    for (line, (now, before)) in now.lines().zip(before.lines()).enumerate() {
        assert_eq!(now, before, "{}:{}", file.display(), line + 1);
    }
    assert_eq!(now.lines().count(), before.lines().count(), "{}", file.display());
}
