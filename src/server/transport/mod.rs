//! Connections: who may hold one, what each may hold, and when it is closed.
//!
//! tonic's own server waits for its callers without an end: for the first byte of a connection, for
//! the rest of a message, for the reading of an answer. Here each of these has a time, and all that
//! waits is counted, so that a caller can hold up nobody but itself.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `listener.rs` | where connections come from: ports and sockets |
//! | `registry.rs` | all connections: admits them, and shuts down those that are overdue |
//! | `tls.rs` | the certificates that prove who the server is, and who its callers are |
//! | `certificate.rs` | what a certificate says of its holder |
//! | `connection.rs` | one connection, from its first byte to its last |
//! | `wire.rs` | its bytes, in the clear or above TLS, and what its caller speaks |
//! | `http1.rs` | one that speaks HTTP/1.1 |
//! | `exchange.rs` | what a call is sent over: a stream of HTTP/2, or HTTP/1.1 |
//! | `call.rs` | one call: who makes it, and what it may take |
//! | `answer.rs` | its answer: as gRPC, gRPC-Web or JSON |
//! | `sending.rs` | an answer is sent as fast as it is read, and not later |
//! | `message.rs` | the messages of a call as they come in, within their limits |
//! | `entries.rs` | what is in a message, counted before it is taken apart |
//! | `byte_budget.rs` | bytes counted for a connection and for all |

mod answer;
mod byte_budget;
mod call;
mod certificate;
mod connection;
mod entries;
mod exchange;
mod http1;
mod listener;
mod message;
mod registry;
mod sending;
mod tls;
mod wire;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tonic::body::Body;
use tonic::codegen::{Service, http};

pub(super) use call::{Call, Composed, Encoded, Reservation};
pub use listener::{Listener, Listeners, Listening, SOCKET_MODE};
pub(super) use registry::{Load, Registry};
pub(super) use tls::Tls;
pub use tls::TlsFiles;

use crate::limits;
use crate::server::access::Access;
use crate::server::json::Origins;
use crate::server::metrics::Metrics;
use crate::server::pool::Pool;
use crate::server::slow::SlowLog;
use crate::server::spans::Spans;

/// What connections may take, and how long each may let the server wait.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Connections at once. The process keeps file descriptors for its own work: if the system allows
    /// few, fewer connections are taken.
    pub connections: usize,
    /// Of those, from one address; a network of 64 bits counts as one address.
    pub per_address: usize,
    /// Until the beginning of HTTP/2, or a request of HTTP/1.1, has arrived, behind the greeting of TLS.
    pub handshake: Duration,
    /// Until the first message has arrived, or none is on its way.
    pub first_call: Duration,
    /// In which something of a message that has begun must arrive, and something of an answer must be
    /// taken: 64 KiB, or all that is left.
    pub stall: Duration,
    /// Between two messages of a stream, while the server waits for one.
    pub stream_idle: Duration,
    /// Of a connection without a call.
    pub idle: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: limits::CONNECTIONS_MAX,
            per_address: limits::CONNECTIONS_PER_ADDRESS_MAX,
            handshake: Duration::from_secs(5),
            first_call: Duration::from_secs(10),
            stall: Duration::from_secs(10),
            stream_idle: Duration::from_mins(5),
            idle: Duration::from_mins(5),
        }
    }
}

/// Pause after the system refused a connection, which it does when descriptors are short.
const PAUSE: Duration = Duration::from_millis(50);

/// What every connection passes.
#[derive(Debug)]
pub(super) struct Doors {
    pub(super) registry: Arc<Registry>,
    pub(super) access: Arc<Access>,
    /// None where calls travel in the clear.
    pub(super) tls: Option<Arc<Tls>>,
    /// The pages of browsers that may ask.
    pub(super) origins: Origins,
    /// Where long requests in JSON are read.
    pub(super) pool: Arc<Pool>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) slow: Arc<SlowLog>,
    pub(super) spans: Arc<Spans>,
}

/// Takes connections from all listeners and serves them, until it is dropped. No other clone of the service, which holds
/// the engine, is left then.
pub(super) fn start<S>(listeners: Vec<Listener>, service: S, doors: &Arc<Doors>) -> JoinSet<()>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let mut accepting = JoinSet::new();
    accepting.spawn(close_overdue(Arc::clone(&doors.registry)));
    for listener in listeners {
        accepting.spawn(accept(listener, service.clone(), Arc::clone(doors)));
    }
    drop(service);
    accepting
}

/// Shuts down connections that let the server wait for too long, until it is dropped.
async fn close_overdue(registry: Arc<Registry>) {
    let mut look = tokio::time::interval(registry.limits().check_interval());
    loop {
        look.tick().await;
        registry.close_overdue();
    }
}

/// Takes connections and serves them, until it is dropped.
async fn accept<S>(listener: Listener, service: S, doors: Arc<Doors>)
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                if let Some(registration) = doors.registry.admit(address) {
                    let (service, doors) = (service.clone(), Arc::clone(&doors));
                    // The greeting of TLS is waited for there, and not here.
                    tokio::spawn(connection::serve(stream, registration, service, doors));
                } else {
                    tracing::debug!(%address, "no room for another connection");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

impl ConnectionLimits {
    /// How often connections are looked at: several times in the shortest wait.
    fn check_interval(&self) -> Duration {
        let shortest = self.handshake.min(self.first_call).min(self.stall).min(self.idle);
        (shortest / 8).clamp(Duration::from_millis(5), Duration::from_millis(500))
    }

    /// As many connections as there are descriptors for.
    pub(super) fn within(mut self, descriptors: Option<usize>) -> Self {
        if let Some(descriptors) = descriptors {
            // The store, imports and the log need descriptors too, and fail without.
            let kept = (descriptors / 2).min(limits::DESCRIPTORS_KEPT);
            self.connections = self.connections.min(descriptors - kept).max(1);
        }
        // One address leaves room for others.
        let most = (self.connections - self.connections / 4).max(1);
        self.per_address = self.per_address.clamp(1, most);
        self
    }
}

/// Files and connections that the process may have open, after it asked for as many as it may ask for;
/// none if nothing is known.
#[cfg(unix)]
pub(super) fn descriptors() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    // Some systems refuse to raise it to a number without an end.
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(_) => current,
    };
    usize::try_from(current?).ok()
}

/// Nothing is known.
#[cfg(not(unix))]
pub(super) fn descriptors() -> Option<usize> {
    None
}
