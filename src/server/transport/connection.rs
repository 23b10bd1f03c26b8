//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tonic::body::Body;
use tonic::codegen::{Bytes, Service, http};
use tonic::transport::server::{Connected as _, TcpConnectInfo};

use crate::limits;
use crate::server::access::Access;
use crate::server::transport::call::{self, Call};
use crate::server::transport::registry::{Peer, Registration, Shutdown};

/// Bytes with which HTTP/2 begins.
pub(super) const PREFACE_BYTES: u64 = 24;
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
    stream: TcpStream,
    registration: Registration,
    service: S,
    access: Arc<Access>,
) where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    // Without it an answer waits 40 ms for the caller's acknowledgement of its first packet.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection without nodelay");
    }
    // With it, those who answer can tell where a call comes from.
    let info = stream.connect_info();
    let mut shutdown = registration.0.subscribe_shutdown();
    tokio::select! {
        () = serve_http2(stream, info, &registration.0, service, &access) => {}
        // An error means that the server is gone, which is as good.
        _ = shutdown.wait_for(|&asked| asked == Shutdown::Immediate) => {}
    }
}

async fn serve_http2<S>(
    stream: TcpStream,
    info: TcpConnectInfo,
    peer: &Arc<Peer>,
    service: S,
    access: &Arc<Access>,
) where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let handshake = h2::server::Builder::new()
        .initial_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES)
        .max_header_list_size(HEADERS_BYTES)
        .max_concurrent_streams(limits::STREAMS_PER_CONNECTION_MAX)
        .max_send_buffer_size(call::PIECE_BYTES)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_local_error_reset_streams(Some(RESETS_MAX))
        .handshake::<_, Bytes>(Wire { stream, peer: Arc::clone(peer) })
        .await;
    let Ok(mut connection) = handshake else { return };
    let mut shutdown = peer.subscribe_shutdown();
    let mut pings = std::pin::pin!(keep_alive(connection.ping_pong()));
    let mut is_shutting_down = false;
    loop {
        tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(Ok((mut request, respond))) => {
                    request.extensions_mut().insert(info.clone());
                    let path = request.uri().path();
                    let call = Call::begin(Arc::clone(peer), path, request.headers(), access);
                    tokio::spawn(call::answer(call, request, respond, service.clone()));
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

/// A connection's bytes, of which account is kept.
struct Wire {
    stream: TcpStream,
    peer: Arc<Peer>,
}

impl Wire {
    fn account(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => self.peer.record_written(*bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.peer.record_blocked(),
        }
        written
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.peer.record_read(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.account(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.account(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            // Nothing waits for the system: what was counted beyond belonged to streams that are gone.
            self.peer.record_written(usize::MAX);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
