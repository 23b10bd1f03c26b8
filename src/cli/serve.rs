//! `wordspace serve`: the server in this process.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};

use crate::cli::failure::{Failure, Result};
use crate::cli::log::LogFormat;
use crate::cli::output::{Output, count};
use crate::cli::reach::LISTEN;
use crate::cli::systemd::{notify, sockets};
use crate::client::{CallError, Client, GetStatusRequest, GetStatusResponse};
use crate::limits::{
    self, FOLLOW_MILLISECONDS, PUBLISH_MILLISECONDS, PUBLISH_WRITES, STREAM_IDLE_SECONDS,
};
use crate::server::{
    ConnectionLimits, Listener, Listening, Opened, Replication, SOCKET_MODE, ServerConfig,
    TlsFiles, serve_and_tell,
};

/// Pause before asking once more whether the server answers.
const RETRY: Duration = Duration::from_millis(100);

/// Serve the tables of a data folder over gRPC
///
/// SIGINT (Ctrl-C) and SIGTERM end it when the calls under way have their answers, at the latest after
/// the grace; a second signal ends it at once. Nothing that was acknowledged is lost either way. SIGHUP
/// has keys and certificates read again, as any change of their files has within a second.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// File of settings, in TOML with the names of these options; they stand above the file, and between them variables
    /// such as `WORDSPACE_SERVE_LISTEN`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the tables; made if it is not there
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Address to listen at, whose port 0 takes a free one, or `unix:/path` for a socket in the file system; may be said
    /// more than once. Sockets that a service manager hands over (`LISTEN_FDS`) are taken instead
    #[arg(long, value_name = "ADDRESS", default_value = LISTEN, value_delimiter = ',')]
    listen: Vec<String>,
    /// Who may call over `unix:/path`, as the mode of its file: 600 is its owner, 660 its group as well
    #[arg(long, value_name = "MODE", default_value_t = format!("{SOCKET_MODE:o}"), value_parser = mode)]
    socket_mode: String,
    /// Threads that build an index; 0 takes every core
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    index_threads: usize,
    /// Seconds that calls under way may go on when the server is told to end
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    grace: u64,
    /// Connections at once; fewer if the system allows the process few descriptors
    #[arg(long, value_name = "COUNT", default_value_t = limits::CONNECTIONS_MAX)]
    connections: usize,
    /// Connections at once from one address
    #[arg(long, value_name = "COUNT", default_value_t = limits::CONNECTIONS_PER_ADDRESS_MAX)]
    connections_per_address: usize,
    /// Seconds that the stream of a job may keep the server waiting for a message, or for its reader
    #[arg(long, value_name = "SECONDS", default_value_t = STREAM_IDLE_SECONDS,
          value_parser = clap::value_parser!(u64).range(1..))]
    stream_idle: u64,
    /// Memory that imports and other jobs may take together, such as 800M or 4G; half of the machine's
    /// if it is not given
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    job_memory: Option<u64>,
    /// Disk that temporary files, uploads and checkpoints of trainings may take together; half of what is
    /// free if it is not given
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    spool_max: Option<u64>,
    /// Where `wordspace backup` keeps backups: a folder, or a URL such as <s3://bucket/prefix>
    #[arg(long, value_name = "PLACE")]
    backups: Option<String>,
    /// Publish the tables at this place, a folder or a URL such as <s3://bucket/prefix>, where any number of servers
    /// follow it; a place belongs to one data folder
    #[arg(long, value_name = "PLACE", conflicts_with = "follow")]
    publish: Option<String>,
    /// Follow the tables that another server publishes at this place: they are copied to the data folder, answer here,
    /// and are written to there
    #[arg(long, value_name = "PLACE")]
    follow: Option<String>,
    /// Milliseconds between two looks at what changed, here to publish it or there to bring it [default: 1000 to
    /// publish, 500 to follow]
    #[arg(long, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    replica_interval: Option<u64>,
    /// Publish as soon as so many words were written since the last time; 0 waits for the interval in any case
    #[arg(long, value_name = "COUNT", default_value_t = PUBLISH_WRITES)]
    publish_writes: u64,
    /// Bytes a second that are copied to the place or from there, at most, such as 20M; 0 is as fast as it goes
    #[arg(long, value_name = "BYTES", default_value = "0", value_parser = bytes)]
    replica_rate: u64,
    /// Bytes on the disk that followed tables may take, such as 20G: each comes when it is asked, and those asked the
    /// longest ago leave [default: all come at once, and stay]
    #[arg(long, value_name = "BYTES", value_parser = bytes, requires = "follow")]
    follow_cache: Option<u64>,
    /// URL that followers tell to those who want to write [default: the first address of --listen]
    #[arg(long, value_name = "URL", requires = "publish")]
    advertise: Option<String>,
    /// File of the keys that calls need, which `wordspace key` makes [default: keys.json in the data folder]
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// File to which writes and refusals are told, as JSON Lines; at 256 MiB it is put aside as FILE.1 [default:
    /// the log, once calls need a key]
    #[arg(long, value_name = "FILE")]
    audit_log: Option<PathBuf>,
    /// File of the server's certificate, in PEM, with those that lead to its authority behind it: calls come
    /// over TLS then
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// File of the certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// File of the authorities of clients, in PEM: whoever has no certificate of theirs is refused
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
    /// Origin of pages that browsers may let ask, such as <https://app.example.org>, or * for every one; may be
    /// said more than once
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    cors_origin: Vec<String>,
    /// Address of this machine at which Prometheus asks for metrics, such as 127.0.0.1:9464: /metrics there
    #[arg(long, value_name = "ADDRESS")]
    metrics_listen: Option<SocketAddr>,
    /// Tell metrics to other machines, though everybody who reaches their port may read them
    #[arg(long, requires = "metrics_listen")]
    insecure_metrics_listen: bool,
    /// Tables that metrics tell by name; those beyond are told together
    #[arg(long, value_name = "COUNT", default_value_t = limits::METRICS_TABLES, value_parser = tables)]
    metrics_tables: usize,
    /// One in so many nearest questions that an index answered is answered exactly as well, in the background, and
    /// metrics tell its recall; 0 is none
    #[arg(long, value_name = "ONE_IN", default_value_t = limits::RECALL_SAMPLE)]
    recall_sample: u32,
    /// Milliseconds after which a call is told in the log, with how it was answered; 0 tells of none
    #[arg(long, value_name = "MILLISECONDS", default_value_t = limits::SLOW_CALL_MILLISECONDS)]
    slow_call: u64,
    /// URL of an OpenTelemetry collector that takes OTLP over gRPC, such as <http://127.0.0.1:4317>, which is told of each
    /// call as a span; needs a program that is built with the feature `otel`
    #[arg(long, value_name = "URL")]
    traces: Option<String>,
    /// One in so many calls is told, of those whose callers bring no `traceparent`, which says whether theirs are; 0 is none
    #[arg(long, value_name = "ONE_IN", default_value_t = limits::TRACE_SAMPLE)]
    trace_sample: u32,
    /// How to log
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(super) log_format: LogFormat,
    /// Listen for other machines though calls need no key, or travel in the clear
    #[arg(long)]
    insecure_listen: bool,
}

/// The mode of a file, in octal digits.
fn mode(text: &str) -> std::result::Result<String, String> {
    match u32::from_str_radix(text, 8) {
        Ok(0..=0o777) => Ok(text.to_owned()),
        _ => Err("a mode in octal digits is needed, such as 660".to_owned()),
    }
}

/// A number of tables that metrics may tell by name.
fn tables(text: &str) -> std::result::Result<usize, String> {
    let count = text.parse().ok().filter(|count| *count <= limits::METRICS_TABLES_MAX);
    count.ok_or_else(|| format!("a number from 0 to {} is needed", limits::METRICS_TABLES_MAX))
}

/// A number of bytes, perhaps with K, M, G or T behind it, which may be written as `KB` or `KiB`: all are powers
/// of 1,024.
fn bytes(text: &str) -> std::result::Result<u64, String> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[number.len()..].to_ascii_uppercase();
    let unit = unit.strip_suffix("IB").or(unit.strip_suffix('B')).unwrap_or(&unit);
    let units = [("", 0), ("K", 10), ("M", 20), ("G", 30), ("T", 40)];
    let shift = units.iter().find(|(name, _)| *name == unit).map(|(_, shift)| shift);
    let bytes = number.trim_end().parse::<u64>().ok().zip(shift);
    bytes.and_then(|(number, shift)| number.checked_mul(1 << shift)).ok_or_else(|| {
        "a number of bytes is needed, perhaps with K, M, G or T behind it".to_owned()
    })
}

impl Serve {
    pub(super) async fn run(&self) -> Result<()> {
        let listeners = self.listeners().await?;
        let config = self.config();
        let urls = urls(&listeners, config.tls.is_some())?;
        if let Some(path) = &self.config {
            self.say(&format!("settings of {}", path.display()));
        }
        self.say(&format!("opening {}", self.data.display()));
        let (first, second) = signals()?;
        let mut second = std::pin::pin!(second);
        reload_on_hangup(Arc::clone(&config.reload))?;
        let (tell, told) = oneshot::channel();
        let opened = |opened| {
            // Nobody waits for it if the server is to end already.
            let _ = tell.send(opened);
        };
        let mut server = std::pin::pin!(serve_and_tell(config, listeners, first, opened));
        let opened = tokio::select! {
            ended = &mut server => return Ok(ended?),
            () = &mut second => return Err(Failure::Interrupted),
            opened = told => opened.map_err(|_| Failure::Interrupted)?,
        };
        self.say(&opened_line(&opened));
        if !opened.is_open {
            self.say("calls need a key");
        }
        if let Some(address) = opened.metrics {
            self.say(&format!("metrics at http://{address}/metrics"));
        }
        for url in urls {
            self.say(&format!("listening on {url}"));
        }
        notify("READY=1");
        tokio::select! {
            ended = &mut server => ended?,
            () = &mut second => return Err(Failure::Interrupted),
        }
        self.say("closed");
        Ok(())
    }

    /// Tells how far the server is, as it logs.
    fn say(&self, text: &str) {
        match self.log_format {
            LogFormat::Text => Output::standard(false).say(text),
            LogFormat::Json => tracing::info!("{text}"),
        }
    }

    /// What it listens at: what a service manager handed over, or else what it is told.
    async fn listeners(&self) -> Result<Vec<Listener>> {
        let mut listeners = sockets()?;
        if listeners.is_empty() {
            let mode = u32::from_str_radix(&self.socket_mode, 8).unwrap_or(SOCKET_MODE);
            for address in &self.listen {
                let bound = Listener::bind(address, mode).await;
                listeners.push(bound.map_err(|error| not_bound(address, &error))?);
            }
        }
        Ok(listeners)
    }

    /// How to serve.
    pub(super) fn config(&self) -> ServerConfig {
        ServerConfig {
            index_threads: self.index_threads,
            grace: Duration::from_secs(self.grace),
            stream_idle: Duration::from_secs(self.stream_idle),
            connections: ConnectionLimits {
                connections: self.connections,
                per_address: self.connections_per_address,
                ..ConnectionLimits::default()
            },
            job_memory: self.job_memory,
            spool_max: self.spool_max,
            backups: self.backups.clone(),
            replication: self.replication(),
            keys: self.keys.clone(),
            audit_log: self.audit_log.clone(),
            tls: self.tls(),
            cors_origins: self.cors_origin.clone(),
            metrics_listen: self.metrics_listen,
            insecure_metrics_listen: self.insecure_metrics_listen,
            metrics_tables: self.metrics_tables,
            recall_sample: self.recall_sample,
            slow_call: (self.slow_call > 0).then(|| Duration::from_millis(self.slow_call)),
            traces: self.traces.clone(),
            trace_sample: self.trace_sample,
            insecure_listen: self.insecure_listen,
            ..ServerConfig::new(&self.data)
        }
    }

    fn replication(&self) -> Option<Replication> {
        let every = |usual| Duration::from_millis(self.replica_interval.unwrap_or(usual));
        let rate = NonZeroU64::new(self.replica_rate);
        let follow = |location: &String| Replication::Follow {
            location: location.clone(),
            every: every(FOLLOW_MILLISECONDS),
            rate,
            cache: self.follow_cache,
        };
        let publish = |location: &String| Replication::Publish {
            location: location.clone(),
            address: self.advertise.clone(),
            every: every(PUBLISH_MILLISECONDS),
            at_once: self.publish_writes,
            rate,
        };
        self.publish.as_ref().map(publish).or_else(|| self.follow.as_ref().map(follow))
    }

    fn tls(&self) -> Option<TlsFiles> {
        // Clap asks for both or none.
        let (certificate, key) = (self.tls_cert.clone()?, self.tls_key.clone()?);
        Some(TlsFiles { certificate, key, client_ca: self.client_ca.clone() })
    }
}

/// Listens, or says how to choose another address.
pub(super) async fn bind(address: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| not_bound(address, &error))
}

fn not_bound(address: &str, error: &io::Error) -> Failure {
    Failure::Local(if error.kind() == io::ErrorKind::AddrInUse {
        format!(
            "{address} is in use, perhaps by another wordspace; choose another with --listen \
             127.0.0.1:PORT (port 0 takes a free one)"
        )
    } else {
        format!("cannot listen at {address}: {error}")
    })
}

/// By what the command line, and others, reach each of them.
fn urls(listeners: &[Listener], is_tls: bool) -> Result<Vec<String>> {
    let url = |listener: &Listener| match listener.listening() {
        Ok(Listening::Tcp(address)) => {
            Ok(format!("{}://{address}", if is_tls { "https" } else { "http" }))
        }
        Ok(unix @ Listening::Unix(_)) => Ok(unix.to_string()),
        Err(error) => Err(Failure::Local(error.to_string())),
    };
    listeners.iter().map(url).collect()
}

/// Asks a server that is starting in this process until it answers.
pub(super) async fn answering(address: SocketAddr) -> Result<(Client, GetStatusResponse)> {
    let mut reachable = address;
    if address.ip().is_unspecified() {
        reachable.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    let url = format!("http://{reachable}");
    loop {
        let answer = async {
            let client = Client::connect(&url).await?;
            let status = client.get_status(GetStatusRequest {}).await?;
            Ok((client, status))
        };
        match answer.await {
            Ok(answer) => return Ok(answer),
            // A large folder takes longer to open than a connection waits.
            Err(CallError::Unreachable { .. } | CallError::Lost { .. }) => {
                tokio::time::sleep(RETRY).await;
            }
            Err(other) => return Err(other.into()),
        }
    }
}

/// What the server found in its folder.
fn opened_line(opened: &Opened) -> String {
    let tables = if opened.table_count == 1 { "table" } else { "tables" };
    let (number, rows) = (opened.table_count, count(opened.row_count));
    format!("opened {number} {tables} with {rows} rows")
}

/// Has keys and certificates read again at each SIGHUP, which would end the process otherwise.
#[cfg(unix)]
fn reload_on_hangup(reload: Arc<Notify>) -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangups = signal(SignalKind::hangup())
        .map_err(|error| Failure::Local(format!("signals cannot be heard: {error}")))?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            reload.notify_one();
        }
    });
    Ok(())
}

/// There is no such signal.
#[cfg(not(unix))]
fn reload_on_hangup(_: Arc<Notify>) -> Result<()> {
    Ok(())
}

/// Two futures: the first SIGINT or SIGTERM, and the second.
pub(super) fn signals() -> Result<(impl Future<Output = ()>, impl Future<Output = ()>)> {
    let (first_sender, first) = oneshot::channel::<()>();
    let (second_sender, second) = oneshot::channel::<()>();
    let mut stops = Stops::listen()
        .map_err(|error| Failure::Local(format!("signals cannot be heard: {error}")))?;
    tokio::spawn(async move {
        stops.next().await;
        notify("STOPPING=1");
        let _ = first_sender.send(());
        stops.next().await;
        let _ = second_sender.send(());
    });
    Ok((
        async {
            let _ = first.await;
        },
        async {
            let _ = second.await;
        },
    ))
}

/// Requests to stop, from the terminal or the system.
#[cfg(unix)]
struct Stops {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stops {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Requests to stop, from the terminal.
#[cfg(not(unix))]
struct Stops;

#[cfg(not(unix))]
impl Stops {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_units_as_people_write_them() {
        for text in
            ["524288K", "512M", "512m", "512MB", "512MiB", "512 MiB", "536870912", "536870912B"]
        {
            assert_eq!(bytes(text), Ok(512 << 20), "{text}");
        }
        for text in ["", "M", "1.5G", "-1", "512X", "512MBB", "16777216T", "99999999999999999999"] {
            bytes(text).unwrap_err();
        }
    }
}
