//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use h2::{Ping, PingPong};
use tonic::body::Body;
use tonic::codegen::{Bytes, Service, http};
use tonic::transport::server::{Connected as _, TcpConnectInfo};

use crate::limits;
use crate::server::transport::answer::{answer, begin};
use crate::server::transport::call::PIECE_BYTES;
use crate::server::transport::exchange::{Respond, Source};
use crate::server::transport::registry::{Registration, Shutdown};
use crate::server::transport::tls::Proven;
use crate::server::transport::wire::{Spoken, Stream, Wire};
use crate::server::transport::{Doors, http1};

/// Bytes of a stream that a caller may send ahead.
const STREAM_WINDOW_BYTES: u32 = 512 << 10;
/// Likewise of a connection: a stream that waits for the disk leaves room for the others.
const WINDOW_BYTES: u32 = 4 * STREAM_WINDOW_BYTES;
/// Bytes of a frame that callers may send: a chunk of an import comes in a few, and not in dozens.
const FRAME_BYTES: u32 = 256 << 10;
/// Bytes of all headers of one call; also bounds the frames that go on with them.
const HEADERS_BYTES: u32 = 16 << 10;
/// Streams that a caller opened and reset while the server had no time to look at them; one more ends
/// the connection. Likewise for those that the server reset because the caller broke the protocol.
const RESETS_MAX: usize = 50;
/// Time between two pings, and for the answer to one.
const PING_EVERY: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(15);

/// Serves a connection until its caller closes it or it is shut down.
pub(super) async fn serve<S>(
    stream: Stream,
    registration: Registration,
    service: S,
    doors: Arc<Doors>,
) where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let info = info(&stream);
    let peer = &registration.0;
    let served = async {
        let stream = match (stream, &doors.tls) {
            (Stream::Plain(stream), Some(tls)) => {
                let Some(Proven { stream, names }) = tls.greet(stream).await else { return };
                peer.prove(names);
                Stream::Tls(Box::new(stream))
            }
            // Nobody listens between the two ends of a socket on this machine.
            (stream, _) => stream,
        };
        match Wire::listen(stream, Arc::clone(peer)).await {
            Ok((wire, Spoken::Http2)) => serve_http2(wire, info, service, &doors).await,
            Ok((wire, Spoken::Http1)) => http1::serve(wire, info, service, &doors).await,
            // It went before it said anything.
            Err(_) => {}
        }
    };
    let mut shutdown = peer.subscribe_shutdown();
    tokio::select! {
        () = served => {}
        // An error means that the server is gone, which is as good.
        _ = shutdown.wait_for(|&asked| asked == Shutdown::Immediate) => {}
    }
}

/// With it, those who answer can tell where a call comes from.
fn info(stream: &Stream) -> Option<TcpConnectInfo> {
    let Stream::Plain(stream) = stream else { return None };
    // Without it an answer waits 40 ms for the caller's acknowledgement of its first packet.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection without nodelay");
    }
    Some(stream.connect_info())
}

async fn serve_http2<S>(wire: Wire, info: Option<TcpConnectInfo>, service: S, doors: &Arc<Doors>)
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let peer = Arc::clone(&wire.peer);
    let handshake = h2::server::Builder::new()
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES)
        .max_header_list_size(HEADERS_BYTES)
        .max_concurrent_streams(limits::STREAMS_PER_CONNECTION_MAX)
        .max_send_buffer_size(PIECE_BYTES)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_local_error_reset_streams(Some(RESETS_MAX))
        .handshake::<_, Bytes>(wire)
        .await;
    let Ok(mut connection) = handshake else { return };
    let mut shutdown = peer.subscribe_shutdown();
    let mut pings = std::pin::pin!(keep_alive(connection.ping_pong()));
    let mut is_shutting_down = false;
    loop {
        tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    let (mut parts, stream) = request.into_parts();
                    if let Some(info) = &info {
                        parts.extensions.insert(info.clone());
                    }
                    let begun = begin(doors, &peer, &parts);
                    let request = http::Request::from_parts(parts, Source::http2(stream));
                    let respond = Respond::Http2(respond);
                    let doors = Arc::clone(doors);
                    let id = begun.id().clone();
                    let answer = answer(doors, begun, request, respond, service.clone());
                    tokio::spawn(id.scope(answer));
                }
                Some(Err(_)) | None => return,
            },
            _ = shutdown.changed(), if !is_shutting_down => {
                connection.graceful_shutdown();
                is_shutting_down = true;
            }
            () = &mut pings => return,
        }
    }
}

/// Ends when the caller no longer answers pings.
async fn keep_alive(pings: Option<PingPong>) {
    let Some(mut pings) = pings else { return std::future::pending().await };
    loop {
        tokio::time::sleep(PING_EVERY).await;
        let answered = tokio::time::timeout(PONG_WITHIN, pings.ping(Ping::opaque())).await;
        if !matches!(answered, Ok(Ok(_))) {
            return;
        }
    }
}
