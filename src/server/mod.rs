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
mod cutting;
mod debias;
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
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tonic::{Request, Response, Status};
use tonic_health::server::HealthReporter;

use crate::engine::config::EngineConfig;
use crate::engine::slots::Slot;
use crate::engine::{Acknowledged, Ask, Engine, Pace, Stop, Written};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::proto as pb;
use crate::query::filter::Filter;
use crate::server::access::{Access, Grant, KeyFile};
use crate::server::follow::follow;
use crate::server::front::Front;
use crate::server::guard::Guard;
use crate::server::json::Origins;
use crate::server::metrics::{Metrics, Sources};
use crate::server::pool::{Lane, Pool};
use crate::server::slow::SlowLog;
use crate::server::spans::Spans;
use crate::server::status::status;
use crate::server::transport::{Call, Doors, Encoded, Registry, Reservation, Tls};
use crate::table::meta::TableName;

pub use crate::server::replica::Replication;
pub use crate::server::transport::{
    ConnectionLimits, Listener, Listeners, Listening, SOCKET_MODE, TlsFiles,
};

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
    fn engine(&self) -> EngineConfig {
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
    let followed = replica::start(&engine, &config, &first).await?;
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

/// Looks at what a server would be given, without starting it: its keys, certificates and addresses.
///
/// # Errors
///
/// As [`serve`], but for the data folder.
pub fn check(config: &ServerConfig) -> Result<()> {
    key_file(config).read()?;
    config.tls.clone().map(Tls::open).transpose()?;
    spans::check(config.traces.as_deref())?;
    check_metrics(config)
}

/// Who may call, and who the server says it is; refused where that is not enough for those who can reach it.
fn prove(config: &ServerConfig, listeners: &[Listener]) -> Result<(Arc<Access>, Option<Arc<Tls>>)> {
    let access = Access::open(key_file(config), config.audit_log.clone())?;
    let tls = config.tls.clone().map(Tls::open).transpose()?;
    if !config.insecure_listen {
        for listener in listeners {
            check_reach(listener, &access, tls.as_deref())?;
        }
    }
    Ok((access, tls))
}

fn key_file(config: &ServerConfig) -> KeyFile {
    config.keys.as_ref().map_or_else(|| KeyFile::of_folder(&config.data), KeyFile::at)
}

/// Metrics are asked for on this machine, as they need no key.
fn check_metrics(config: &ServerConfig) -> Result<()> {
    let Some(address) = config.metrics_listen else { return Ok(()) };
    let may = config.insecure_metrics_listen || config.insecure_listen;
    if !address.ip().to_canonical().is_loopback() && !may {
        let problem = "they need no key and travel in the clear; take an address of this machine, \
                       such as 127.0.0.1:9464, or say --insecure-metrics-listen";
        return Err(Error::invalid(format!("metrics at {address}"), problem));
    }
    Ok(())
}

async fn metrics_listener(config: &ServerConfig) -> Result<Option<TcpListener>> {
    check_metrics(config)?;
    let Some(address) = config.metrics_listen else { return Ok(None) };
    let wrong =
        |error: std::io::Error| Error::invalid(format!("metrics at {address}"), error.to_string());
    TcpListener::bind(address).await.map(Some).map_err(wrong)
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

/// Refuses to serve other machines where everybody on the network could read and write, or listen.
fn check_reach(listener: &Listener, access: &Access, tls: Option<&Tls>) -> Result<()> {
    let address = match listener.listening().map_err(Error::disk)? {
        Listening::Tcp(address) => address,
        // The mode of its file says who may call.
        Listening::Unix(_) => return Ok(()),
    };
    if address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    let problem = if access.is_open() && !tls.is_some_and(Tls::proves_callers) {
        "everybody who reaches it could read and write; make a key with `wordspace key make`"
    } else if tls.is_none() {
        "keys and answers would travel in the clear; say --tls-cert and --tls-key"
    } else {
        return Ok(());
    };
    let problem = format!("{problem}, or say --insecure-listen");
    Err(Error::invalid(format!("listening at {address}"), problem))
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

/// Where calls come in: every service is implemented on it, one file a service.
#[derive(Clone, Debug)]
struct Desk {
    engine: Engine,
    guard: Guard,
    pool: Arc<Pool>,
    registry: Arc<Registry>,
    metrics: Arc<Metrics>,
    is_closing: watch::Receiver<bool>,
    /// Tells that a job changed its state, or that a slot is free.
    news: watch::Receiver<()>,
    /// Tells that what is followed was looked at.
    followed: replica::News,
    /// How long a stream may keep the server waiting.
    idle: Duration,
    began: Instant,
}

impl Desk {
    fn routes(self) -> Result<tonic::service::Routes> {
        let reflection_error = |error| Error::caused(ErrorKind::Internal, error);
        let described = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(pb::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let mut routes = tonic::service::Routes::builder();
        macro_rules! add {
            ($($service:ident::$server:ident),*) => {$(
                routes.add_service(
                    pb::$service::$server::new(self.clone())
                        .max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
                        .max_encoding_message_size(limits::MESSAGE_BYTES_MAX),
                );
            )*};
        }
        add!(
            search_service_server::SearchServiceServer,
            table_service_server::TableServiceServer,
            transfer_service_server::TransferServiceServer,
            text_service_server::TextServiceServer,
            training_service_server::TrainingServiceServer,
            bias_service_server::BiasServiceServer,
            evaluation_service_server::EvaluationServiceServer,
            language_model_service_server::LanguageModelServiceServer,
            admin_service_server::AdminServiceServer,
            job_service_server::JobServiceServer,
            batch_service_server::BatchServiceServer
        );
        routes
            .add_service(described().build_v1().map_err(reflection_error)?)
            .add_service(described().build_v1alpha().map_err(reflection_error)?);
        Ok(routes.routes())
    }

    /// Every unary call: the question from its message (all bad fields at once), the answer and its
    /// message on a thread of the pool, and errors as statuses; within the caller's deadline.
    async fn answer<P, Q, A, M>(
        &self,
        request: Request<P>,
        ask: impl FnOnce(&Engine, &Q) -> Result<A> + Send + 'static,
    ) -> Result<Response<M>, Status>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error> + Send + 'static,
        A: Send + 'static,
        M: From<A> + prost::Message + Default + 'static,
    {
        self.answer_at_pace(request, |_, _| Pace::Slow, ask).await
    }

    /// As `answer`, for questions that are short unless their table has to be read first.
    async fn answer_short<P, Q, A, M>(
        &self,
        request: Request<P>,
        ask: impl FnOnce(&Engine, &Ask<Q>) -> Result<A> + Send + 'static,
    ) -> Result<Response<M>, Status>
    where
        P: Send + 'static,
        Ask<Q>: TryFrom<P, Error = Error> + Send + 'static,
        A: Send + 'static,
        M: From<A> + prost::Message + Default + 'static,
    {
        let pace = |engine: &Engine, ask: &Ask<Q>| engine.pace_of_short(&ask.table);
        self.answer_at_pace(request, pace, ask).await
    }

    /// As `answer`, for questions that take a core for seconds: few at once, and none is waited for
    /// when the server closes.
    async fn answer_long<P, Q, A, M>(
        &self,
        request: Request<P>,
        ask: impl FnOnce(&Engine, &Q) -> Result<A> + Send + 'static,
    ) -> Result<Response<M>, Status>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error> + Send + 'static,
        A: Send + 'static,
        M: From<A> + prost::Message + Default + 'static,
    {
        let permit = self.engine.jobs().slots().take(Slot::Long).map_err(|error| status(&error))?;
        let mut is_closing = self.is_closing.clone();
        let ask = move |engine: &Engine, query: &Q| {
            let _permit = permit;
            ask(engine, query)
        };
        let (call, timeout, message) = opened(request)?;
        let made = encoded::<A, M>(&call);
        let answer = self.work(&call, Lane::Long, timeout, message, |_, _| Pace::Slow, ask, made);
        tokio::select! {
            answer = answer => response(answer),
            // An error means that the server is gone, which is as good.
            _ = is_closing.wait_for(|&closing| closing) => {
                Err(status(&Error::new(ErrorKind::Closing)))
            }
        }
    }

    /// As `answer`, for questions that may be quick: those are answered where they are read, which
    /// saves waking another thread, and that takes longer than the answer.
    async fn answer_at_pace<P, Q, A, M>(
        &self,
        request: Request<P>,
        pace: impl FnOnce(&Engine, &Q) -> Pace,
        ask: impl FnOnce(&Engine, &Q) -> Result<A> + Send + 'static,
    ) -> Result<Response<M>, Status>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error> + Send + 'static,
        A: Send + 'static,
        M: From<A> + prost::Message + Default + 'static,
    {
        let (call, timeout, message) = opened(request)?;
        let made = encoded::<A, M>(&call);
        let lane = call.method().lane;
        response(self.work(&call, lane, timeout, message, pace, ask, made).await)
    }

    /// The answer to one message of a stream, with its bytes reserved.
    async fn answer_in_stream<P, Q, A, M>(
        &self,
        call: &Arc<Call>,
        message: P,
        ask: impl FnOnce(&Engine, &Q) -> Result<A> + Send + 'static,
    ) -> Result<(M, Reservation)>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error> + Send + 'static,
        A: Send + 'static,
        M: From<A> + prost::Message + 'static,
    {
        self.answer_in_stream_at_pace(call, message, |_, _| Pace::Slow, ask).await
    }

    /// The same, for questions that may have to wait for the disk first.
    async fn answer_in_stream_at_pace<P, Q, A, M>(
        &self,
        call: &Arc<Call>,
        message: P,
        pace: impl FnOnce(&Engine, &Q) -> Pace,
        ask: impl FnOnce(&Engine, &Q) -> Result<A> + Send + 'static,
    ) -> Result<(M, Reservation)>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error> + Send + 'static,
        A: Send + 'static,
        M: From<A> + prost::Message + 'static,
    {
        let (reserving, began) = (Arc::clone(call), Instant::now());
        let made = move |answer: A| {
            let (message, noted) = plan::noted(|| M::from(answer));
            reserving.answered(&noted, began.elapsed());
            let reservation = reserving.reserve(&message)?;
            Ok((message, reservation))
        };
        let lane = call.method().lane;
        self.work(call, lane, None, message, pace, ask, made).await
    }

    #[expect(clippy::too_many_arguments, reason = "each is one step of the way")]
    async fn work<P, Q, A, T>(
        &self,
        call: &Call,
        lane: Lane,
        timeout: Option<Duration>,
        message: P,
        pace: impl FnOnce(&Engine, &Q) -> Pace,
        ask: impl FnOnce(&Engine, &Q) -> Result<A> + Send + 'static,
        made: impl FnOnce(A) -> Result<T> + Send + 'static,
    ) -> Result<T>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error> + Send + 'static,
        T: Send + 'static,
    {
        let answered = async {
            let stop = Stop::new(timeout.map(|timeout| Instant::now() + timeout));
            let least = call.least()?;
            self.reached(call, least, timeout).await;
            let engine = self.engine.until(stop.clone()).at_least(least);
            let _raised_when_the_caller_leaves = Raised(stop);
            let caller = call.peer().id();
            if call.received_bytes() > limits::READ_AT_ONCE_BYTES {
                let lane = if lane == Lane::Short { Lane::Heavy } else { lane };
                let work = move || ask(&engine, &Q::try_from(message)?).and_then(made);
                return self.pool.run(lane, caller, work).await;
            }
            let query = Q::try_from(message)?;
            let lane = match pace(&self.engine, &query) {
                Pace::Quick => {
                    let work = || caught(|| ask(&engine, &query).and_then(made));
                    return self.pool.quick(work);
                }
                Pace::Short => Lane::Short,
                Pace::Slow => lane,
                Pace::Unread => Lane::Disk,
            };
            self.pool.run(lane, caller, move || ask(&engine, &query).and_then(made)).await
        };
        within(timeout, answered).await
    }

    /// Answers a write to the table that `table` finds in the request.
    async fn answer_write<P, Q, A, M>(
        &self,
        request: Request<P>,
        table: fn(&P) -> &String,
        begin: impl FnOnce(&Engine, &Q) -> Result<Written<A>> + Send + 'static,
    ) -> Result<Response<M>, Status>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error>,
        A: Send + 'static,
        M: From<Acknowledged<A>> + prost::Message + Default + 'static,
    {
        let (call, timeout, message) = opened(request)?;
        let made = encoded::<Acknowledged<A>, M>(&call);
        let answered = async {
            let table = TableName::try_from(table(&message).clone())?;
            self.read_for(&call, table).await?;
            self.write(&call, timeout, message, begin, made).await
        };
        response(within(timeout, answered).await)
    }

    /// Reads a table that was not read yet.
    async fn read_for(&self, call: &Call, table: TableName) -> Result<()> {
        if self.engine.pace_of_short(&table) != Pace::Unread {
            return Ok(());
        }
        let engine = self.engine.clone();
        self.pool.run(Lane::Disk, call.peer().id(), move || engine.table(&table).map(drop)).await
    }

    /// Finds words as a question does, and deletes them by a write.
    async fn delete_by_filter(
        &self,
        request: Request<pb::DeleteWordsRequest>,
    ) -> Result<Response<pb::DeleteWordsResponse>, Status> {
        let (call, timeout, message) = opened(request)?;
        let made = encoded::<_, pb::DeleteWordsResponse>(&call);
        let answered = async {
            let stop = Stop::new(timeout.map(|timeout| Instant::now() + timeout));
            let engine = self.engine.until(stop.clone()).at_least(call.least()?);
            let _raised_when_the_caller_leaves = Raised(stop);
            let caller = call.peer().id();
            let ask = Ask::<Filter>::try_from(message)?;
            let searching = engine.clone();
            let selected =
                self.pool.run(Lane::Heavy, caller, move || searching.select(&ask)).await?;
            let begin = move || {
                let written = engine.begin_delete_selected(&selected)?;
                Ok(move || written.wait().and_then(made))
            };
            self.pool.write(caller, begin).await
        };
        response(within(timeout, answered).await)
    }

    /// Makes a write to a table that was read.
    async fn write<P, Q, A, T>(
        &self,
        call: &Call,
        timeout: Option<Duration>,
        message: P,
        begin: impl FnOnce(&Engine, &Q) -> Result<Written<A>> + Send + 'static,
        made: impl FnOnce(Acknowledged<A>) -> Result<T> + Send + 'static,
    ) -> Result<T>
    where
        P: Send + 'static,
        Q: TryFrom<P, Error = Error>,
        A: Send + 'static,
        T: Send + 'static,
    {
        let stop = Stop::new(timeout.map(|timeout| Instant::now() + timeout));
        let engine = self.engine.until(stop.clone());
        let _raised_when_the_caller_leaves = Raised(stop);
        let begin = move || {
            let written = begin(&engine, &Q::try_from(message)?)?;
            Ok(move || written.wait().and_then(made))
        };
        self.pool.write(call.peer().id(), begin).await
    }
}

/// Waits for an answer as long as its caller does.
async fn within<T>(
    timeout: Option<Duration>,
    answered: impl Future<Output = Result<T>>,
) -> Result<T> {
    match timeout {
        Some(timeout) => tokio::time::timeout(timeout, answered)
            .await
            .unwrap_or_else(|_| Err(Error::new(ErrorKind::Deadline))),
        None => answered.await,
    }
}

/// A request's call, its deadline, and its message.
fn opened<P>(request: Request<P>) -> Result<(Arc<Call>, Option<Duration>, P), Status> {
    let timeout = guard::timeout(request.metadata());
    let call = call_of(&request)?;
    Ok((call, timeout, request.into_inner()))
}

/// What the caller of a request may do.
fn grant_of<P>(request: &Request<P>) -> Result<Grant, Status> {
    Ok(call_of(request)?.grant().clone())
}

/// The call that a request came on.
fn call_of<P>(request: &Request<P>) -> Result<Arc<Call>, Status> {
    let call = request.extensions().get::<Arc<Call>>();
    call.cloned().ok_or_else(|| status(&Error::new(ErrorKind::Internal)))
}

/// Makes of an answer what is sent.
fn encoded<A, M>(call: &Arc<Call>) -> impl FnOnce(A) -> Result<Encoded> + Send + use<A, M>
where
    M: From<A> + prost::Message,
{
    let call = Arc::clone(call);
    move |answer| {
        let (message, noted) = plan::noted(|| M::from(answer));
        call.note(noted);
        call.encoded(&message)
    }
}

/// The transport sends what is encoded, and never looks at the message.
fn response<M: Default>(answer: Result<Encoded>) -> Result<Response<M>, Status> {
    let encoded = answer.map_err(|error| status(&error))?;
    let mut response = Response::new(M::default());
    response.extensions_mut().insert(encoded);
    Ok(response)
}

/// Raises a stop when nobody waits any more.
struct Raised(Stop);

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.raise();
    }
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
