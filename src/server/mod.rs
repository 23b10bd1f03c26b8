//! The gRPC server: requests to plain questions, answers to messages, errors to statuses.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `status.rs` | the only place where an error becomes a status |
//! | `wire.rs` | shared messages, and the collector of bad fields |
//! | `write.rs` `life.rs` | the conversions of TableService's writes; of tables made, copied, renamed, deleted, and aliases |
//! | `job.rs` | the one runner of jobs: streams in, slots, deadlines, replies |
//! | `job_service.rs` | JobService: jobs listed, watched, cancelled |
//! | `batch.rs` | BatchService: questions of any kind in one call |
//! | `arrange.rs` | the conversions of TableService's arranging of words, a job with progress |
//! | `backup.rs` | the conversions of AdminService's jobs: backups, everything read again |
//! | `debias.rs` | the conversions of BiasService's debiasing, a job with progress |
//! | `access/` | who may call, and what each key allows |
//! | `request_id.rs` | what a call is called in the log and in errors |
//! | `plan.rs` | what found the rows of an answer |
//! | `one_in.rs` | one in so many, drawn |
//! | `slow.rs` | calls that took long, told in the log |
//! | `spans/` | calls told to a collector |
//! | `config.rs` | how to serve |
//! | `reach.rs` | who can reach the server, and whether keys and certificates are enough for them |
//! | `desk.rs` | the way of a call from its message to its answer |
//! | `front.rs` | where calls come in; the short way to SearchService |
//! | `transport/` | connections, and the calls on them |
//! | `json/` | calls as JSON over HTTP |
//! | `explorer/` | the page for browsers |
//! | `metrics/` | what is counted, and the page that tells it |
//! | `requests.rs` | what each method's requests may have |
//! | `shapes.rs` | which of their fields are messages |
//! | `pool.rs` | the threads that compute answers |
//! | `follow.rs` | files that are read again when they change |
//! | `guard.rs` | deadlines, permits, and the end of a stream |
//! | `relations.rs` | the conversions of SearchService's questions about given words |
//! | `senses.rs` | the conversions of SearchService's questions about senses |
//! | `stream.rs` | `NearestStream`: questions answered as they come |
//! | `cutting.rs` `tokens.rs` `tokenizers.rs` `embed.rs` | TextService's conversions: how texts are cut, tokens, tokenizers, vectors |
//! | `test_sets.rs` | EvaluationService's stored test sets |
//! | `train.rs` | tokenizers learned from a stream |
//! | `training.rs` | TrainingService: vectors learned from a stream |
//! | `texts.rs` | texts made rows from a stream, tokens made rows |
//! | `replica.rs` | publishing and following; calls that wait for what is on its way |
//! | `files.rs` `uploads.rs` | the files of an import's stream; those that are kept until they are whole |
//! | `search.rs` `table.rs` `transfer.rs` `text.rs` `bias.rs` `evaluation.rs` `admin.rs` | one service each, with its own conversions |

pub mod access;
mod admin;
mod arrange;
mod backup;
mod batch;
mod bias;
mod config;
mod cutting;
mod debias;
mod desk;
mod embed;
mod evaluation;
mod explorer;
mod files;
mod follow;
mod front;
mod guard;
mod job;
mod job_service;
mod json;
mod language_model;
mod life;
mod metrics;
mod models;
mod one_in;
mod plan;
mod pool;
mod reach;
mod relations;
mod replica;
mod request_id;
mod requests;
mod search;
mod senses;
mod shapes;
mod slow;
mod spans;
mod status;
mod stream;
mod table;
mod test_sets;
mod text;
mod texts;
mod tokenizers;
mod tokens;
mod train;
mod training;
mod transfer;
mod transport;
mod uploads;
mod wire;
mod write;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tonic_health::server::HealthReporter;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::proto as pb;
use crate::server::desk::Desk;
use crate::server::follow::follow;
use crate::server::front::Front;
use crate::server::guard::Guard;
use crate::server::json::Origins;
use crate::server::metrics::{Metrics, Sources};
use crate::server::pool::Pool;
use crate::server::reach::{metrics_listener, prove};
use crate::server::slow::SlowLog;
use crate::server::spans::Spans;
use crate::server::transport::{Doors, Registry};

pub use crate::server::config::ServerConfig;
pub use crate::server::reach::check;
pub use crate::server::replica::Replication;
pub use crate::server::transport::{
    ConnectionLimits, Listener, Listeners, Listening, SOCKET_MODE, TlsFiles,
};

/// What a server found when it opened its folder.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    /// Tables.
    pub table_count: usize,
    /// Rows of all of them.
    pub row_count: u64,
    /// Whether calls need no key.
    pub is_open: bool,
    /// Where metrics are asked for.
    pub metrics: Option<SocketAddr>,
}

/// How long callers may take to hear that the server ends, after the grace.
const FAREWELL: Duration = Duration::from_millis(300);
/// How long the engine may take to close, when the grace is over.
const CLOSING: Duration = Duration::from_millis(500);

/// Opens the data folder and answers on the listeners until `shutdown` completes. Then health says so,
/// new calls are refused, and those under way may go on for the grace; at its end they are dropped,
/// whatever they do. Nothing that was acknowledged is lost by that.
///
/// # Errors
///
/// If the data folder, the file of keys or a certificate cannot be opened, or if others than this machine
/// would be served without keys, or in the clear.
pub async fn serve(
    config: ServerConfig,
    listeners: impl Into<Listeners>,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    serve_and_tell(config, listeners, shutdown, |_| {}).await
}

/// The same; `opened` is called when the server answers.
///
/// # Errors
///
/// As [`serve`].
pub async fn serve_and_tell(
    config: ServerConfig,
    listeners: impl Into<Listeners>,
    shutdown: impl Future<Output = ()>,
    opened: impl FnOnce(Opened) + Send,
) -> Result<()> {
    let Listeners(listeners) = listeners.into();
    let (access, tls) = prove(&config, &listeners)?;
    let metered = metrics_listener(&config).await?;
    let spans = Spans::open(config.traces.as_deref(), config.trace_sample)?;
    let engine_config = config.engine();
    let engine = blocking(move || Engine::open(&engine_config)).await?;
    access.set_fence(engine.fence_of_writes());
    let first = replica::first_address(&listeners, tls.is_some());
    let followed = replica::start(&engine, config.replication.clone(), &first).await?;
    let (closing, is_closing) = watch::channel(false);
    let (tell, news) = watch::channel(());
    engine.jobs().on_news(Box::new(move || tell.send_modify(|()| {})));
    let (pool, began) = (Arc::new(Pool::start()?), Instant::now());
    let metrics = Arc::new(counting(&config, &pool)?);
    let registry = Registry::new(config.connections.within(transport::descriptors()));
    let desk = Desk {
        engine: engine.clone(),
        guard: Guard::default(),
        pool: Arc::clone(&pool),
        registry: Arc::clone(&registry),
        metrics: Arc::clone(&metrics),
        is_closing: is_closing.clone(),
        news,
        followed: followed.clone(),
        entering: Arc::new(Semaphore::new(limits::ENTERING_MAX)),
        idle: config.stream_idle,
        began,
    };

    let health_reporter = HealthReporter::new();
    let health = replica::Health::new(&health_reporter, &engine);
    replica::begin_health(&health_reporter, &engine, &followed).await;
    let hot = pb::search_service_server::SearchServiceServer::new(desk.clone())
        .max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
        .max_encoding_message_size(limits::MESSAGE_BYTES_MAX);
    let front = Front::new(hot, desk.routes()?.add_service(health).prepare(), is_closing);
    let doors = Arc::new(Doors {
        registry: Arc::clone(&registry),
        access: Arc::clone(&access),
        tls,
        origins: Origins::new(config.cors_origins.clone()),
        pool,
        metrics,
        slow: Arc::new(SlowLog::new(config.slow_call)),
        spans: Arc::new(spans),
    });
    let accepting = transport::start(listeners, front, &doors);
    let measured = engine.clone();
    let status = blocking(move || Ok(measured.status())).await?;
    let (table_count, row_count) = (status.table_count, status.row_count);
    let metrics = metered.as_ref().and_then(|listener| listener.local_addr().ok());
    opened(Opened { table_count, row_count, is_open: access.is_open(), metrics });
    let sources = Sources { engine: engine.clone(), doors: Arc::clone(&doors), began };
    let metering = metered.map(|listener| metrics::start(listener, sources));
    tokio::select! {
        () = shutdown => {}
        () = follow_files(&doors, &config.reload) => {}
        () = replica::become_ready(&health_reporter, &engine, &followed) => {}
    }

    replica::end_health(&health_reporter).await;
    closing.send_replace(true);
    leave(engine, doors, accepting, metering, config.grace).await
}

/// Ends a server: calls under way get so much time, and jobs what is left of it.
async fn leave(
    engine: Engine,
    doors: Arc<Doors>,
    mut accepting: JoinSet<()>,
    metering: Option<metrics::Listening>,
    grace: Duration,
) -> Result<()> {
    let end = Instant::now() + grace;
    tracing::info!(
        grace = grace.as_secs(),
        "closing: calls under way may go on, new ones are refused"
    );
    if tokio::time::timeout(grace, doors.registry.drained()).await.is_err() {
        tracing::warn!("the grace is over: calls under way are dropped");
    }
    engine.jobs().close();
    doors.registry.close(FAREWELL).await;
    accepting.shutdown().await;
    // It holds the engine, whose files are not closed before.
    drop(metering);
    blocking(move || {
        doors.metrics.close();
        doors.spans.close();
        Ok(())
    })
    .await?;
    close(engine, end).await
}

/// What counts calls, as the server is told to.
fn counting(config: &ServerConfig, pool: &Arc<Pool>) -> Result<Metrics> {
    // Where nobody asks for it no recall is measured.
    let recall_sample = config.metrics_listen.map_or(0, |_| config.recall_sample);
    Metrics::new(config.metrics_tables).sampling(recall_sample, pool)
}

/// Closes the engine; leaves it when the time is over.
async fn close(engine: Engine, end: Instant) -> Result<()> {
    let closed = blocking(move || {
        engine.close();
        Ok(())
    });
    let rest = end.saturating_duration_since(Instant::now()) + CLOSING;
    if let Ok(closed) = tokio::time::timeout(rest, closed).await {
        return closed;
    }
    tracing::warn!("the engine did not close in time: the process ends while it works");
    Ok(())
}

/// Reads what may change while the server runs, when it changes and when somebody asks for it.
async fn follow_files(doors: &Doors, reload: &Notify) {
    let certificates = || {
        if let Some(tls) = &doors.tls {
            tls.reload();
        }
    };
    let asked = async {
        loop {
            reload.notified().await;
            doors.access.reload();
            certificates();
        }
    };
    let paths = doors.tls.as_ref().map(|tls| tls.paths()).unwrap_or_default();
    tokio::select! {
        () = follow(vec![doors.access.path().to_owned()], || doors.access.reload()) => {}
        () = follow(paths, certificates) => {}
        () = asked => {}
    }
}

/// Names of the services, for health; the empty name stands for the whole server.
fn service_names() -> [&'static str; 12] {
    use tonic::server::NamedService;
    [
        "",
        <pb::search_service_server::SearchServiceServer<Desk> as NamedService>::NAME,
        <pb::table_service_server::TableServiceServer<Desk> as NamedService>::NAME,
        <pb::transfer_service_server::TransferServiceServer<Desk> as NamedService>::NAME,
        <pb::text_service_server::TextServiceServer<Desk> as NamedService>::NAME,
        <pb::training_service_server::TrainingServiceServer<Desk> as NamedService>::NAME,
        <pb::bias_service_server::BiasServiceServer<Desk> as NamedService>::NAME,
        <pb::evaluation_service_server::EvaluationServiceServer<Desk> as NamedService>::NAME,
        <pb::language_model_service_server::LanguageModelServiceServer<Desk> as NamedService>::NAME,
        <pb::admin_service_server::AdminServiceServer<Desk> as NamedService>::NAME,
        <pb::job_service_server::JobServiceServer<Desk> as NamedService>::NAME,
        <pb::batch_service_server::BatchServiceServer<Desk> as NamedService>::NAME,
    ]
}

/// Runs work here. A panic in it becomes an error.
fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal).context("a panic")))
}

/// Runs work on a thread that may block. A panic there becomes an error here.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::caused(ErrorKind::Internal, error)),
    }
}
