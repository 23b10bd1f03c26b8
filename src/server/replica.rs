//! Publishing and following, as a server does them: what it is told to, when its health says that it serves, and
//! calls that wait for what is on its way.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::engine::{Engine, Least};
use crate::error::Result;
use crate::limits;
use crate::server::transport::{Call, Listener, Listening};
use crate::server::{Desk, ServerConfig, blocking, service_names};
use crate::store::backup;
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
    },
    /// It follows what another server publishes there.
    Follow {
        /// A folder, or with the feature `cloud` a URL.
        location: String,
        /// The pause between two looks.
        every: Duration,
    },
}

impl Replication {
    pub(super) fn follows(&self) -> bool {
        matches!(self, Self::Follow { .. })
    }
}

/// Tells that what is followed was looked at; none if nothing is.
pub(super) type News = Option<watch::Receiver<()>>;

/// Begins with what a server is told to.
pub(super) async fn start(engine: &Engine, config: &ServerConfig, first: &str) -> Result<News> {
    let Some(replication) = config.replication.clone() else { return Ok(None) };
    let (engine, first) = (engine.clone(), first.to_owned());
    blocking(move || match replication {
        Replication::Publish { location, address, every } => {
            let target = backup::open(&location)?;
            let publishing = engine.publishing(target, &address.unwrap_or(first))?;
            engine.keep_publishing(publishing, every)?;
            Ok(None)
        }
        Replication::Follow { location, every } => {
            let (tell, news) = watch::channel(());
            engine.on_followed(Box::new(move || tell.send_modify(|()| {})));
            let following = engine.following(backup::open(&location)?)?;
            engine.keep_following(following, every)?;
            Ok(Some(news))
        }
    })
    .await
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

impl Desk {
    /// Where tables are followed, waits until those that a call names show what it wants to see; not longer than
    /// a moment, nor half of the time that the caller has. Whoever asks in vain is told how far the table is.
    pub(super) async fn reached(&self, call: &Call, least: Least, timeout: Option<Duration>) {
        let Some(mut news) = self.followed.clone() else { return };
        if least == Least::default() {
            return;
        }
        let tables = call.named().into_iter().filter_map(|name| TableName::try_from(name).ok());
        let tables: Vec<TableName> = tables.collect();
        let waited = async {
            loop {
                news.mark_unchanged();
                if tables.iter().all(|table| self.engine.has_reached(table, least)) {
                    return;
                }
                if news.changed().await.is_err() {
                    return;
                }
            }
        };
        let most =
            timeout.map_or(limits::LEAST_WAIT, |timeout| limits::LEAST_WAIT.min(timeout / 2));
        // Ignore: what was not reached is told by the question.
        let _ = tokio::time::timeout(most, waited).await;
    }
}
