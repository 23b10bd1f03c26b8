//! `ServerConfig`: how to serve.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::engine::config::EngineConfig;
use crate::limits;
use crate::server::replica::Replication;
use crate::server::transport::{ConnectionLimits, TlsFiles};

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The data folder; made if missing.
    pub data: PathBuf,
    /// Threads that build a graph; 0 for one a core.
    pub index_threads: usize,
    /// How long the stream of a job may keep the server waiting for a message, or for its reader:
    /// [`limits::STREAM_IDLE_SECONDS`] by default.
    pub stream_idle: Duration,
    /// How long calls under way may go on when the server closes.
    pub grace: Duration,
    /// What connections may take.
    pub connections: ConnectionLimits,
    /// Bytes of memory that imports and other jobs may take together; none: half of the machine's.
    pub job_memory: Option<u64>,
    /// Bytes of disk that temporary files, uploads and checkpoints of trainings may take together; none: half of what is free.
    pub spool_max: Option<u64>,
    /// Where backups are kept: a folder, or with the feature `cloud` a URL; none: nowhere.
    pub backups: Option<String>,
    /// Whether it publishes its tables, or follows those that another server publishes; none: neither.
    pub replication: Option<Replication>,
    /// The file of keys; none: `keys.json` in the data folder. Calls need a key as soon as there is one.
    pub keys: Option<PathBuf>,
    /// Where writes and refusals are told, as JSON Lines; none: in the log, once calls need a key.
    pub audit_log: Option<PathBuf>,
    /// The certificates of TLS; none: calls travel in the clear.
    pub tls: Option<TlsFiles>,
    /// The origins of pages that browsers may let ask, such as `https://app.example.org`; `*` is every one.
    pub cors_origins: Vec<String>,
    /// Where Prometheus asks for metrics, on a port of its own without keys or TLS; none: nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// Whether other machines may ask for them, too.
    pub insecure_metrics_listen: bool,
    /// Tables that metrics tell by name; the others are told together.
    pub metrics_tables: usize,
    /// One in so many nearest questions that an index answered is answered exactly as well, later, to tell the recall;
    /// 0: none. Only where metrics are asked for.
    pub recall_sample: u32,
    /// Calls that take longer are told in the log; none: no call is.
    pub slow_call: Option<Duration>,
    /// The URL of a collector of OpenTelemetry, which is told of calls over OTLP; none: nobody is. Needs the feature
    /// `otel`.
    pub traces: Option<String>,
    /// One in so many calls is told, of those whose callers do not say themselves whether they are; 0: none of these.
    pub trace_sample: u32,
    /// Whether to listen for other machines though calls need no key, or travel in the clear.
    pub insecure_listen: bool,
    /// Has keys and certificates read again when it is notified; they are also when their files change.
    pub reload: Arc<Notify>,
}

impl ServerConfig {
    /// The usual way, with the tables of this folder.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            index_threads: 0,
            stream_idle: Duration::from_secs(limits::STREAM_IDLE_SECONDS),
            grace: Duration::from_secs(20),
            connections: ConnectionLimits::default(),
            job_memory: None,
            spool_max: None,
            backups: None,
            replication: None,
            keys: None,
            audit_log: None,
            tls: None,
            cors_origins: Vec::new(),
            metrics_listen: None,
            insecure_metrics_listen: false,
            metrics_tables: limits::METRICS_TABLES,
            recall_sample: limits::RECALL_SAMPLE,
            slow_call: Some(Duration::from_millis(limits::SLOW_CALL_MILLISECONDS)),
            traces: None,
            trace_sample: limits::TRACE_SAMPLE,
            insecure_listen: false,
            reload: Arc::default(),
        }
    }

    /// What the engine needs of it.
    pub(super) fn engine(&self) -> EngineConfig {
        EngineConfig {
            data: self.data.clone(),
            index_threads: self.index_threads,
            job_memory: self.job_memory,
            spool_max: self.spool_max,
            backups: self.backups.clone(),
            follows: self.replication.as_ref().is_some_and(Replication::follows),
            follow_cache: self.replication.as_ref().and_then(Replication::cache),
        }
    }
}
