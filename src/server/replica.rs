//! Publishing and following, as a server does them: what it is told to, when its health says that it serves, and
//! calls that wait for what is on its way.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use tokio::sync::{SemaphorePermit, watch};
use tokio::time::timeout_at;
use tonic::{Request, Response, Status, async_trait};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{self, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::{HealthReporter, HealthService};

use crate::engine::{Engine, Least, Role};
use crate::error;
use crate::limits;
use crate::server::desk::Desk;
use crate::server::pool::Lane;
use crate::server::transport::{Call, Listener, Listening};
use crate::server::{blocking, service_names};
use crate::store::backup::{self, Target};
use crate::table::meta::TableName;

/// The header of an answer of `Health/Check` that tells how old copies may be.
const AGE: &str = "wordspace-age-seconds";

/// What a server does with a location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replication {
    /// It publishes there, each time after a pause, and tells readers this address of its own; without one, the
    /// first at which it listens.
    Publish {
        /// A folder, or with the feature `cloud` a URL.
        location: String,
        /// Where clients reach this server.
        address: Option<String>,
        /// The pause.
        every: Duration,
        /// So many words that are written end the pause; 0: none do.
        at_once: u64,
        /// Bytes a second that are copied, at most; none: as fast as it goes.
        rate: Option<NonZeroU64>,
    },
    /// It follows what another server publishes there.
    Follow {
        /// A folder, or with the feature `cloud` a URL.
        location: String,
        /// The pause between two looks.
        every: Duration,
        /// Bytes a second that are copied, at most; none: as fast as it goes.
        rate: Option<NonZeroU64>,
        /// Bytes that the copies may take: tables come when they are asked, and others leave. None: all of them come
        /// at once, and stay.
        cache: Option<u64>,
    },
}

impl Replication {
    /// The usual way to publish at a location.
    pub fn publish(location: impl Into<String>) -> Self {
        Self::Publish {
            location: location.into(),
            address: None,
            every: Duration::from_millis(limits::PUBLISH_MILLISECONDS),
            at_once: limits::PUBLISH_WRITES,
            rate: None,
        }
    }

    /// The usual way to follow a location.
    pub fn follow(location: impl Into<String>) -> Self {
        let every = Duration::from_millis(limits::FOLLOW_MILLISECONDS);
        Self::Follow { location: location.into(), every, rate: None, cache: None }
    }

    pub(super) fn cache(&self) -> Option<u64> {
        match self {
            Self::Follow { cache, .. } => *cache,
            Self::Publish { .. } => None,
        }
    }

    pub(super) fn follows(&self) -> bool {
        matches!(self, Self::Follow { .. })
    }
}

/// Tells that what is followed was looked at; none if nothing is.
pub(super) type News = Option<watch::Receiver<()>>;

/// Begins with what a server is told to.
pub(super) async fn start(
    engine: &Engine,
    replication: Option<Replication>,
    first: &str,
) -> error::Result<News> {
    let Some(replication) = replication else { return Ok(None) };
    let (engine, first) = (engine.clone(), first.to_owned());
    blocking(move || match replication {
        Replication::Publish { location, address, every, at_once, rate } => {
            let target = opened(&location, rate)?;
            let publishing = engine.publishing(target, &address.unwrap_or(first))?;
            engine.keep_publishing(publishing, every, at_once)?;
            Ok(None)
        }
        Replication::Follow { location, every, rate, cache: _ } => {
            let (tell, news) = watch::channel(());
            engine.on_followed(Box::new(move || tell.send_modify(|()| {})));
            let following = engine.following(opened(&location, rate)?)?;
            engine.keep_following(following, every)?;
            Ok(Some(news))
        }
    })
    .await
}

fn opened(location: &str, rate: Option<NonZeroU64>) -> error::Result<Box<dyn Target>> {
    let target = backup::open(location)?;
    Ok(match rate {
        Some(rate) => backup::paced(target, rate),
        None => target,
    })
}

/// Where a server listens first, as clients name it.
pub(super) fn first_address(listeners: &[Listener], is_tls: bool) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    match listeners.first().map(Listener::listening) {
        Some(Ok(Listening::Tcp(address))) => format!("{scheme}://{address}"),
        Some(Ok(unix @ Listening::Unix(_))) => unix.to_string(),
        Some(Err(_)) | None => String::new(),
    }
}

/// Health as the standard has it; where tables are followed the headers of an answer tell how old they are.
#[derive(Debug)]
pub(super) struct Health {
    inner: HealthService,
    engine: Engine,
}

impl Health {
    pub(super) fn new(reporter: &HealthReporter, engine: &Engine) -> HealthServer<Self> {
        let inner = HealthService::from_health_reporter(reporter.clone());
        HealthServer::new(Self { inner, engine: engine.clone() })
    }
}

#[async_trait]
impl health_server::Health for Health {
    type WatchStream = <HealthService as health_server::Health>::WatchStream;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let mut answer = self.inner.check(request).await?;
        let replica = self.engine.replica(Instant::now());
        let age = replica.filter(|replica| replica.role == Role::Reader).and_then(|it| it.age);
        if let Some(age) = age
            && let Ok(seconds) = format!("{:.3}", age.as_secs_f64()).parse()
        {
            answer.metadata_mut().insert(AGE, seconds);
        }
        Ok(answer)
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.inner.watch(request).await
    }
}

fn is_ready(engine: &Engine) -> bool {
    engine.replica(Instant::now()).is_none_or(|replica| replica.is_ready)
}

async fn set_health(reporter: &HealthReporter, status: ServingStatus) {
    for name in service_names() {
        reporter.set_service_status(name, status).await;
    }
}

/// Health as it is when the server begins: one that follows does not serve before it has brought something.
pub(super) async fn begin_health(reporter: &HealthReporter, engine: &Engine, news: &News) {
    let is_waiting = news.is_some() && !is_ready(engine);
    let status = if is_waiting { ServingStatus::NotServing } else { ServingStatus::Serving };
    set_health(reporter, status).await;
}

/// Lets health say that the server serves once it does, and never ends.
pub(super) async fn become_ready(reporter: &HealthReporter, engine: &Engine, news: &News) {
    if let Some(mut news) = news.clone() {
        while !is_ready(engine) && news.changed().await.is_ok() {}
        if is_ready(engine) {
            set_health(reporter, ServingStatus::Serving).await;
        }
    }
    std::future::pending::<()>().await;
}

/// Health says no more that the server serves.
pub(super) async fn end_health(reporter: &HealthReporter) {
    set_health(reporter, ServingStatus::NotServing).await;
}

/// How long a call waits for what it wants to see: a moment, and no more than half of the time that its caller has.
pub(super) fn wait_max(timeout: Option<Duration>) -> Duration {
    timeout.map_or(limits::LEAST_WAIT, |timeout| limits::LEAST_WAIT.min(timeout / 2))
}

impl Desk {
    /// Where tables are followed, waits until those that a call names are here and show what it wants to see. Whoever
    /// asks in vain is told how far the table is. What many wait for comes to all of them at once, when there is no
    /// room for all: those who waited come in a few at a time, in their order, each until it leaves go of its permit.
    pub(super) async fn reached(
        &self,
        call: &Call,
        least: Least,
        timeout: Option<Duration>,
    ) -> Option<SemaphorePermit<'_>> {
        // What is told of a table takes none of its rows.
        let asks_rows = self.engine.has_cache() && call.method().lane != Lane::Disk;
        let wants_more = least != Least::default();
        if !asks_rows && !wants_more {
            return None;
        }
        let tables = call.named().into_iter().filter_map(|name| TableName::try_from(name).ok());
        let tables: Vec<TableName> = tables.collect();
        let shows = |table: &TableName| {
            !(asks_rows && self.engine.is_on_its_way(table))
                && (!wants_more || self.engine.has_reached(table, least))
        };
        let until = call.waits_until().unwrap_or_else(|| Instant::now() + wait_max(timeout));
        self.followed_until(until, || tables.iter().all(&shows)).await
    }

    /// The same, for a table that a question on a stream names.
    pub(super) async fn comes(&self, table: &TableName) -> Option<SemaphorePermit<'_>> {
        let until = Instant::now() + limits::LEAST_WAIT;
        self.followed_until(until, || !self.engine.is_on_its_way(table)).await
    }

    async fn followed_until(
        &self,
        until: Instant,
        is_so: impl Fn() -> bool,
    ) -> Option<SemaphorePermit<'_>> {
        let mut news = self.followed.clone()?;
        news.mark_unchanged();
        if is_so() {
            return None;
        }
        let waited = async { while news.changed().await.is_ok() && !is_so() {} };
        // Ignore: what was not reached is told by the question.
        let _ = timeout_at(until.into(), waited).await;
        // Whoever would wait for longer takes the chance that there is no room.
        tokio::time::timeout(limits::LEAST_WAIT, self.entering.acquire()).await.ok()?.ok()
    }
}
