//! An answer as it is sent: as fast as its caller reads it, and not kept for one who does not.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use h2::SendStream;
use http_body::Body as _;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::codegen::http::{HeaderMap, HeaderValue, header};

use crate::limits;
use crate::server::status;
use crate::server::transport::call::PIECE_BYTES;
use crate::server::transport::exchange::{Gone, Piece, Sink};
use crate::server::transport::message::StallTimer;
use crate::server::transport::registry::Peer;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    Grpc,
    /// In base64 or not.
    Web {
        is_text: bool,
    },
    Json,
}

impl Face {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Grpc => "application/grpc",
            Self::Web { is_text: false } => "application/grpc-web+proto",
            Self::Web { is_text: true } => "application/grpc-web-text+proto",
            Self::Json => "application/json",
        }
    }

    /// What the head of an answer of gRPC says of its end, where that stands in the body.
    pub(super) fn ending(self, headers: &mut HeaderMap) -> Option<HeaderMap> {
        if !matches!(self, Self::Web { .. }) {
            return None;
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type()));
        let names = [Status::GRPC_STATUS, Status::GRPC_MESSAGE, Status::GRPC_STATUS_DETAILS];
        let moved: HeaderMap = names
            .into_iter()
            .filter_map(|name| headers.remove(&name).map(|value| (name, value)))
            .collect();
        (!moved.is_empty()).then_some(moved)
    }
}

/// An answer that is being sent.
#[derive(Debug)]
pub(super) struct Sending<'p> {
    peer: &'p Peer,
    sink: Sink,
    face: Face,
    stall_timer: StallTimer,
}

/// Why an answer is not sent to its end.
#[derive(Debug)]
pub(super) enum Unsent {
    Gone,
    /// Its caller does not read it.
    Stalled,
}

impl From<Gone> for Unsent {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl<'p> Sending<'p> {
    pub(super) fn new(sink: Sink, face: Face, peer: &'p Peer) -> Self {
        Self { peer, sink, face, stall_timer: StallTimer::default() }
    }

    pub(super) fn face(&self) -> Face {
        self.face
    }

    /// Completes when the caller left.
    pub(super) async fn gone(&mut self) {
        self.sink.gone().await;
    }

    pub(super) async fn end(self, trailers: Option<HeaderMap>) -> Result<(), Gone> {
        self.sink.end(trailers).await
    }

    pub(super) fn reset(self) {
        self.sink.reset();
    }

    /// Sends a body to its end; `ending` becomes its trailers.
    pub(super) async fn body(
        &mut self,
        body: Body,
        ending: &mut Option<HeaderMap>,
    ) -> Result<(), Unsent> {
        let mut body = pin!(body);
        loop {
            let frame = tokio::select! {
                biased;
                frame = poll_fn(|context| body.as_mut().poll_frame(context)) => frame,
                () = self.sink.gone() => return Err(Unsent::Gone),
            };
            let Some(frame) = frame else { return Ok(()) };
            // tonic tells errors in trailers: a body has none.
            let frame = frame.map_err(|_| Unsent::Gone)?;
            match frame.into_data() {
                Ok(data) => self.data(data).await?,
                Err(frame) => {
                    let mut trailers = frame.into_trailers().unwrap_or_default();
                    status::complete(&mut trailers);
                    *ending = Some(trailers);
                    return Ok(());
                }
            }
        }
    }

    /// Hands data over piece by piece, as the caller makes room.
    pub(super) async fn data(&mut self, mut data: Bytes) -> Result<(), Unsent> {
        if self.face == (Face::Web { is_text: true }) {
            data = STANDARD.encode(&data).into();
        }
        self.stall_timer.restart();
        while !data.is_empty() {
            match &mut self.sink {
                Sink::Http2(stream) => {
                    wait_for_send_buffer(self.peer, stream).await?;
                    stream.reserve_capacity(data.len().min(PIECE_BYTES));
                    let timer = &mut self.stall_timer;
                    let room =
                        poll_fn(|context| poll_room(self.peer, stream, timer, context)).await?;
                    let piece = data.split_to(room.min(data.len()));
                    timer.record(piece.len());
                    self.peer.queued.fetch_add(piece.len(), Ordering::Relaxed);
                    stream.send_data(piece, false).map_err(|_| Unsent::Gone)?;
                }
                // A connection that takes nothing is closed, and has nothing else to send.
                Sink::Http1(sender) => {
                    let piece = data.split_to(PIECE_BYTES.min(data.len()));
                    sender.send(Piece::Data(piece)).await.map_err(|_| Unsent::Gone)?;
                }
                Sink::Ended => return Err(Unsent::Gone),
            }
        }
        Ok(())
    }
}

/// Waits while the connection has much to send that the system has not taken. It is closed if that
/// takes long.
async fn wait_for_send_buffer(peer: &Peer, stream: &mut SendStream<Bytes>) -> Result<(), Unsent> {
    loop {
        let room = peer.has_room.notified();
        if peer.queued.load(Ordering::Relaxed) < limits::SEND_BYTES_MAX {
            return Ok(());
        }
        tokio::select! {
            () = room => {}
            _ = poll_fn(|context| stream.poll_reset(context)) => return Err(Unsent::Gone),
        }
    }
}

/// Bytes that the caller has room for.
fn poll_room(
    peer: &Peer,
    stream: &mut SendStream<Bytes>,
    timer: &mut StallTimer,
    context: &mut Context<'_>,
) -> Poll<Result<usize, Unsent>> {
    loop {
        let room = stream.capacity();
        if room > 0 {
            return Poll::Ready(Ok(room));
        }
        match stream.poll_capacity(context) {
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(Err(Unsent::Gone)),
            Poll::Pending => {
                ready!(timer.poll_stalled(peer.limits().stall, context));
                return Poll::Ready(Err(Unsent::Stalled));
            }
        }
    }
}
