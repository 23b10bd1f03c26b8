//! Publishing and following, as a server does them: what it is told to, when its health says that it serves, and
//! calls that wait for what is on its way.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use tokio::sync::{SemaphorePermit, watch};
use tokio::time::timeout_at;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::engine::{Engine, Least};
use crate::error::Result;
use crate::limits;
use crate::server::desk::Desk;
use crate::server::transport::{Call, Listener, Listening};
use crate::server::{blocking, service_names};
use crate::store::backup::{self, Target};
use crate::table::meta::TableName;

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
        Self::Follow { location: location.into(), every, rate: None }
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
) -> Result<News> {
    let Some(replication) = replication else { return Ok(None) };
    let (engine, first) = (engine.clone(), first.to_owned());
    blocking(move || match replication {
        Replication::Publish { location, address, every, at_once, rate } => {
            let target = opened(&location, rate)?;
            let publishing = engine.publishing(target, &address.unwrap_or(first))?;
            engine.keep_publishing(publishing, every, at_once)?;
            Ok(None)
        }
        Replication::Follow { location, every, rate } => {
            let (tell, news) = watch::channel(());
            engine.on_followed(Box::new(move || tell.send_modify(|()| {})));
            let following = engine.following(opened(&location, rate)?)?;
            engine.keep_following(following, every)?;
            Ok(Some(news))
        }
    })
    .await
}

fn opened(location: &str, rate: Option<NonZeroU64>) -> Result<Box<dyn Target>> {
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
    /// Where tables are followed, waits until those that a call names show what it wants to see. Whoever asks in
    /// vain is told how far the table is. What many wait for comes to all of them at once, when there is no room for
    /// all: those who waited come in a few at a time, in their order, each until it leaves go of its permit.
    pub(super) async fn reached(
        &self,
        call: &Call,
        least: Least,
        timeout: Option<Duration>,
    ) -> Option<SemaphorePermit<'_>> {
        let mut news = self.followed.clone()?;
        if least == Least::default() {
            return None;
        }
        let tables = call.named().into_iter().filter_map(|name| TableName::try_from(name).ok());
        let tables: Vec<TableName> = tables.collect();
        let is_reached = || tables.iter().all(|table| self.engine.has_reached(table, least));
        news.mark_unchanged();
        if is_reached() {
            return None;
        }
        let until = call.waits_until().unwrap_or_else(|| Instant::now() + wait_max(timeout));
        let waited = async { while news.changed().await.is_ok() && !is_reached() {} };
        // Ignore: what was not reached is told by the question.
        let _ = timeout_at(until.into(), waited).await;
        // Whoever would wait for longer takes the chance that there is no room.
        tokio::time::timeout(limits::LEAST_WAIT, self.entering.acquire()).await.ok()?.ok()
    }
}
