//! A connection of HTTP/1.1: one call after the other.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::transport::server::TcpConnectInfo;

use crate::server::transport::Doors;
use crate::server::transport::answer::{answer, begin};
use crate::server::transport::call::PIECE_BYTES;
use crate::server::transport::exchange::{Respond, Source};
use crate::server::transport::wire::Wire;

/// Bytes of the head of a request.
const HEAD_BYTES: usize = 16 << 10;
/// Headers of a request.
const HEADERS_MAX: usize = 64;

/// Serves a connection until its caller closes it or it is to end.
pub(super) async fn serve<S>(
    wire: Wire,
    info: Option<TcpConnectInfo>,
    service: S,
    doors: &Arc<Doors>,
) where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let peer = Arc::clone(&wire.peer);
    let mut shutdown = peer.subscribe_shutdown();
    let doors = Arc::clone(doors);
    let calls = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        peer.mark_begun();
        let (mut parts, body) = request.into_parts();
        if let Some(info) = &info {
            parts.extensions.insert(info.clone());
        }
        let begun = begin(&doors, &peer, &parts);
        let (respond, answered) = oneshot::channel();
        let (source, respond) = (Source::http1(body), Respond::Http1(respond));
        let request = http::Request::from_parts(parts, source);
        let id = begun.id().clone();
        let answer = answer(Arc::clone(&doors), begun, request, respond, service.clone());
        tokio::spawn(id.scope(answer));
        // Where nothing is answered the connection ends.
        answered
    });
    let connection = Builder::new()
        // Times are those of the registry.
        .header_read_timeout(None)
        .max_buf_size(PIECE_BYTES.max(2 * HEAD_BYTES))
        .max_header_size(HEAD_BYTES)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(wire), calls);
    let mut connection = pin!(connection);
    let mut is_shutting_down = false;
    loop {
        tokio::select! {
            // What went wrong is the caller's affair.
            _ = connection.as_mut() => return,
            _ = shutdown.changed(), if !is_shutting_down => {
                connection.as_mut().graceful_shutdown();
                is_shutting_down = true;
            }
        }
    }
}
