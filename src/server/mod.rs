//! The gRPC server: requests to plain questions, answers to messages, errors to statuses.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `status.rs` | the only place where an error becomes a status |
//! | `wire.rs` | shared messages, and the collector of bad fields |
//! | `write.rs` | the conversions of TableService's writes |
//! | `job.rs` | the one runner of jobs: streams in, slots, deadlines, replies |
//! | `job_service.rs` | JobService: jobs listed, watched, cancelled |
//! | `debias.rs` | the conversions of BiasService's debiasing, a job with progress |
//! | `front.rs` | the short way to SearchService |
//! | `guard.rs` | deadlines and permits |
//! | `relations.rs` | the conversions of SearchService's questions about given words |
//! | `senses.rs` | the conversions of SearchService's questions about senses |
//! | `stream.rs` | `NearestStream`: questions answered as they come |
//! | `cutting.rs` `tokens.rs` `tokenizers.rs` `embed.rs` | TextService's conversions: how texts are cut, tokens, tokenizers, vectors |
//! | `test_sets.rs` | EvaluationService's stored test sets |
//! | `train.rs` | tokenizers learned from a stream |
//! | `texts.rs` | texts made rows from a stream, tokens made rows |
//! | `search.rs` `table.rs` `transfer.rs` `text.rs` `bias.rs` `evaluation.rs` `admin.rs` | one service each, with its own conversions |

mod admin;
mod bias;
mod cutting;
mod debias;
mod embed;
mod evaluation;
mod files;
mod front;
mod guard;
mod job;
mod job_service;
mod relations;
mod search;
mod senses;
mod status;
mod stream;
mod table;
mod test_sets;
mod text;
mod texts;
mod tokenizers;
mod tokens;
mod train;
mod transfer;
mod uploads;
mod wire;
mod write;

use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::body::Body;
use tonic::codegen::http;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};

use crate::engine::config::EngineConfig;
use crate::engine::slots::Slot;
use crate::engine::{Engine, Pace, Stop};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::proto as pb;
use crate::server::front::FrontLayer;
use crate::server::guard::Guard;
use crate::server::status::status;

/// Bytes of a stream that a caller may send ahead: a few messages of an import.
const WINDOW_BYTES: u32 = 4 << 20;
/// Bytes of a frame that callers may send: a chunk of an import comes in a few, and not in dozens.
const FRAME_BYTES: u32 = 256 << 10;

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The data folder; made if missing.
    pub data: PathBuf,
    /// Threads that build a graph; 0 for one a core.
    pub index_threads: usize,
    /// How long a stream may keep the server waiting for a message, or for its reader:
    /// [`limits::STREAM_IDLE_SECONDS`] by default.
    pub stream_idle: Duration,
}

impl ServerConfig {
    /// This data folder, and defaults.
    pub fn new(data: PathBuf) -> Self {
        let stream_idle = Duration::from_secs(limits::STREAM_IDLE_SECONDS);
        Self { data, index_threads: 0, stream_idle }
    }
}

/// Opens the data folder and answers on the listener until `shutdown` completes; then finishes the
/// calls that are under way, stops imports, and closes.
///
/// # Errors
///
/// If the data folder cannot be opened, or if the listener fails.
pub async fn serve(
    config: ServerConfig,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let engine_config = EngineConfig { data: config.data, index_threads: config.index_threads };
    let engine = blocking(move || Engine::open(&engine_config)).await?;
    let (closing, is_closing) = watch::channel(false);
    let (tell, news) = watch::channel(());
    engine.jobs().on_news(Box::new(move || tell.send_modify(|()| {})));
    let desk = Desk {
        engine: engine.clone(),
        guard: Guard::default(),
        is_closing,
        news,
        idle: config.stream_idle,
        began: Instant::now(),
    };

    let (health_reporter, health) = tonic_health::server::health_reporter();
    for name in service_names() {
        health_reporter.set_service_status(name, tonic_health::ServingStatus::Serving).await;
    }
    let until_closing = async {
        shutdown.await;
        tracing::info!("closing: calls under way are finished, jobs are stopped");
        for name in service_names() {
            health_reporter.set_service_status(name, tonic_health::ServingStatus::NotServing).await;
        }
        closing.send_replace(true);
        engine.jobs().close();
    };
    let hot = pb::search_service_server::SearchServiceServer::new(desk.clone())
        .max_decoding_message_size(limits::MESSAGE_BYTES_MAX)
        .max_encoding_message_size(limits::MESSAGE_BYTES_MAX);
    let routes = desk.routes()?.add_service(health);
    // Without `nodelay` an answer waits 40 ms for the caller's acknowledgement of its first packet.
    let incoming = TcpIncoming::from(listener)
        .with_nodelay(Some(true))
        .with_keepalive(Some(Duration::from_mins(1)));
    let served = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(15)))
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(2 * WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES)
        .layer(tower::util::MapRequestLayer::new(with_resets_told))
        .layer(FrontLayer(hot))
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, until_closing)
        .await;
    blocking(move || {
        engine.close();
        Ok(())
    })
    .await?;
    served.map_err(|error| Error::caused(ErrorKind::Internal, error).context("serving"))
}

/// Names of the services, for health; the empty name stands for the whole server.
fn service_names() -> [&'static str; 9] {
    use tonic::server::NamedService;
    [
        "",
        <pb::search_service_server::SearchServiceServer<Desk> as NamedService>::NAME,
        <pb::table_service_server::TableServiceServer<Desk> as NamedService>::NAME,
        <pb::transfer_service_server::TransferServiceServer<Desk> as NamedService>::NAME,
        <pb::text_service_server::TextServiceServer<Desk> as NamedService>::NAME,
        <pb::bias_service_server::BiasServiceServer<Desk> as NamedService>::NAME,
        <pb::evaluation_service_server::EvaluationServiceServer<Desk> as NamedService>::NAME,
        <pb::admin_service_server::AdminServiceServer<Desk> as NamedService>::NAME,
        <pb::job_service_server::JobServiceServer<Desk> as NamedService>::NAME,
    ]
}

/// Where calls come in: every service is implemented on it, one file a service.
#[derive(Clone, Debug)]
struct Desk {
    engine: Engine,
    guard: Guard,
    is_closing: watch::Receiver<bool>,
    /// Tells that a job changed its state, or that a slot is free.
    news: watch::Receiver<()>,
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
            bias_service_server::BiasServiceServer,
            evaluation_service_server::EvaluationServiceServer,
            admin_service_server::AdminServiceServer,
            job_service_server::JobServiceServer
        );
        routes
            .add_service(described().build_v1().map_err(reflection_error)?)
            .add_service(described().build_v1alpha().map_err(reflection_error)?);
        Ok(routes.routes())
    }

    /// Every unary call: a permit, the question from its message (all bad fields at once), the
    /// answer on a thread that may block, the message from it, and errors as statuses; within the
    /// caller's deadline.
    async fn answer<P, Q, A, M>(
        &self,
        request: Request<P>,
        ask: impl FnOnce(&Engine, &Q) -> Result<A> + Send + 'static,
    ) -> Result<Response<M>, Status>
    where
        Q: TryFrom<P, Error = Error> + Send + 'static,
        A: Send + 'static,
        M: From<A> + Send + 'static,
    {
        self.answer_at_pace(request, |_, _| Pace::Slow, ask).await
    }

    /// As `answer`, for questions that take a core for seconds: few at once, and none is waited for
    /// when the server closes.
    async fn answer_long<P, Q, A, M>(
        &self,
        request: Request<P>,
        ask: impl FnOnce(&Engine, &Q) -> Result<A> + Send + 'static,
    ) -> Result<Response<M>, Status>
    where
        Q: TryFrom<P, Error = Error> + Send + 'static,
        A: Send + 'static,
        M: From<A> + Send + 'static,
    {
        let permit = self.engine.jobs().slots().take(Slot::Long).map_err(|error| status(&error))?;
        let mut is_closing = self.is_closing.clone();
        let ask = move |engine: &Engine, query: &Q| {
            let _permit = permit;
            ask(engine, query)
        };
        tokio::select! {
            answer = self.answer(request, ask) => answer,
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
        Q: TryFrom<P, Error = Error> + Send + 'static,
        A: Send + 'static,
        M: From<A> + Send + 'static,
    {
        let timeout = guard::timeout(request.metadata());
        let answered = async {
            let permit = self.guard.permit()?;
            let query = Q::try_from(request.into_inner())?;
            if pace(&self.engine, &query) == Pace::Quick {
                return caught(|| ask(&self.engine, &query).map(M::from));
            }
            let stop = Stop::new(timeout.map(|timeout| Instant::now() + timeout));
            let engine = self.engine.until(stop.clone());
            let _raised_when_the_caller_leaves = Raised(stop);
            blocking(move || {
                // The permit goes with the work, not with the caller, who may leave earlier.
                let _permit = permit;
                ask(&engine, &query).map(M::from)
            })
            .await
        };
        let answer = match timeout {
            Some(timeout) => tokio::time::timeout(timeout, answered)
                .await
                .unwrap_or_else(|_| Err(Error::new(ErrorKind::Deadline))),
            None => answered.await,
        };
        answer.map(Response::new).map_err(|error| status(&error))
    }
}

/// Raises a stop when nobody waits any more.
struct Raised(Stop);

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.raise();
    }
}

/// Makes a stream that its caller reset an error, as it should be: tonic takes `RST_STREAM(CANCEL)`
/// for the proper end of the caller's messages, and so half a file for a whole one.
fn with_resets_told<B>(request: http::Request<B>) -> http::Request<Body>
where
    B: tonic::codegen::Body<Data = tonic::codegen::Bytes, Error = Status> + Send + 'static,
{
    request.map(|body| {
        Body::new(body.map_err(|status: Status| {
            if status.code() == Code::Cancelled {
                Status::aborted("the caller left before the end of its stream")
            } else {
                status
            }
        }))
    })
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
