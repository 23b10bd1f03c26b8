//! What a call is sent over, one way and the other: a stream of HTTP/2, or a connection of HTTP/1.1.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{mpsc, oneshot};
use tonic::codegen::{Bytes, http};

/// Why nothing more comes, or can be sent.
#[derive(Debug)]
pub(super) struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the exchange broke off")
    }
}

impl std::error::Error for Gone {}

/// What a caller sends.
#[derive(Debug)]
pub(super) struct Source {
    from: From,
    /// Of a caller that sends base64: what is not decoded yet, three characters at most.
    text: Option<Vec<u8>>,
    /// Bytes that the caller may send once more.
    unreleased: usize,
}

#[derive(Debug)]
enum From {
    Http2(RecvStream),
    Http1(hyper::body::Incoming),
    /// All of it is here.
    Whole(Bytes),
}

impl Source {
    pub(super) fn http2(stream: RecvStream) -> Self {
        Self { from: From::Http2(stream), text: None, unreleased: 0 }
    }

    pub(super) fn http1(body: hyper::body::Incoming) -> Self {
        Self { from: From::Http1(body), text: None, unreleased: 0 }
    }

    pub(super) fn whole(bytes: Bytes) -> Self {
        Self { from: From::Whole(bytes), text: None, unreleased: 0 }
    }

    pub(super) fn is_http1(&self) -> bool {
        matches!(self.from, From::Http1(_))
    }

    /// The same, of a caller that sends base64.
    pub(super) fn in_base64(self) -> Self {
        Self { text: Some(Vec::new()), ..self }
    }

    /// Some of what was sent; none at its end.
    pub(super) fn poll_data(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Gone>>> {
        loop {
            let Some(data) = ready!(self.poll_sent(context)) else {
                let is_whole = self.text.as_ref().is_none_or(Vec::is_empty);
                return Poll::Ready((!is_whole).then_some(Err(Gone)));
            };
            let data = data?;
            self.unreleased += data.len();
            let Some(left) = &mut self.text else { return Poll::Ready(Some(Ok(data))) };
            let decoded = decoded(left, &data)?;
            if !decoded.is_empty() {
                return Poll::Ready(Some(Ok(decoded.into())));
            }
            if self.release().is_err() {
                return Poll::Ready(Some(Err(Gone)));
            }
        }
    }

    fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Gone>>> {
        match &mut self.from {
            From::Http2(stream) => stream.poll_data(context).map_err(|error| {
                tracing::debug!(%error, "a stream broke off");
                Gone
            }),
            From::Http1(body) => loop {
                let Some(frame) = ready!(Pin::new(&mut *body).poll_frame(context)) else {
                    return Poll::Ready(None);
                };
                match frame.map(Frame::into_data) {
                    Ok(Ok(data)) => return Poll::Ready(Some(Ok(data))),
                    // Trailers say nothing here.
                    Ok(Err(_)) => {}
                    Err(error) => {
                        tracing::debug!(%error, "a body broke off");
                        return Poll::Ready(Some(Err(Gone)));
                    }
                }
            },
            From::Whole(bytes) => {
                let all = std::mem::take(bytes);
                Poll::Ready((!all.is_empty()).then_some(Ok(all)))
            }
        }
    }

    /// The caller may send as much again as came.
    pub(super) fn release(&mut self) -> Result<(), Gone> {
        let bytes = std::mem::take(&mut self.unreleased);
        match &mut self.from {
            From::Http2(stream) => stream.flow_control().release_capacity(bytes).map_err(|_| Gone),
            From::Http1(_) | From::Whole(_) => Ok(()),
        }
    }

    pub(super) fn is_end(&self) -> bool {
        match &self.from {
            From::Http2(stream) => stream.is_end_stream(),
            From::Http1(body) => body.is_end_stream(),
            From::Whole(bytes) => bytes.is_empty(),
        }
    }
}

/// Bytes of base64, which comes in pieces that may each have their padding; keeps what is not a whole group.
fn decoded(left: &mut Vec<u8>, data: &[u8]) -> Result<Vec<u8>, Gone> {
    left.extend_from_slice(data);
    let whole = left.len() / 4 * 4;
    let mut decoded = Vec::with_capacity(whole / 4 * 3);
    let mut rest = &left[..whole];
    while !rest.is_empty() {
        let padded = rest.chunks(4).position(|group| group.contains(&b'='));
        let end = padded.map_or(rest.len(), |group| 4 * (group + 1));
        STANDARD.decode_vec(&rest[..end], &mut decoded).map_err(|_| Gone)?;
        rest = &rest[end..];
    }
    left.drain(..whole);
    Ok(decoded)
}

/// Where a caller waits for an answer.
#[derive(Debug)]
pub(super) enum Respond {
    Http2(SendResponse<Bytes>),
    Http1(oneshot::Sender<http::Response<Outgoing>>),
}

impl Respond {
    /// Ready when the caller left.
    pub(super) fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Http2(respond) => respond.poll_reset(context).map(drop),
            Self::Http1(respond) => respond.poll_closed(context),
        }
    }

    /// Sends the head of an answer; where the rest goes. `bytes` that are known to follow are told to the caller.
    pub(super) fn send(
        self,
        mut head: http::Response<()>,
        bytes: Option<usize>,
    ) -> Result<Sink, Gone> {
        match self {
            Self::Http2(mut respond) => {
                let is_end = bytes == Some(0);
                if let Some(bytes) = bytes.filter(|&bytes| bytes > 0) {
                    head.headers_mut().insert(http::header::CONTENT_LENGTH, bytes.into());
                }
                let stream = respond.send_response(head, is_end).map_err(|_| Gone)?;
                Ok(if is_end { Sink::Ended } else { Sink::Http2(stream) })
            }
            Self::Http1(respond) => {
                let (sender, pieces) = mpsc::channel(1);
                let left = bytes.map(|bytes| bytes as u64);
                let response = head.map(|()| Outgoing { pieces, left });
                respond.send(response).map_err(|_| Gone)?;
                Ok(Sink::Http1(sender))
            }
        }
    }
}

/// Where the rest of an answer goes.
#[derive(Debug)]
pub(super) enum Sink {
    Http2(SendStream<Bytes>),
    Http1(mpsc::Sender<Piece>),
    Ended,
}

/// A piece of an answer over HTTP/1.1.
#[derive(Debug)]
pub(super) enum Piece {
    Data(Bytes),
    /// All was sent; without it the answer broke off.
    End,
}

impl Sink {
    /// Completes when the caller left.
    pub(super) async fn gone(&mut self) {
        match self {
            Self::Http2(stream) => {
                let _ = poll_fn(|context| stream.poll_reset(context)).await;
            }
            Self::Http1(sender) => sender.closed().await,
            Self::Ended => std::future::pending().await,
        }
    }

    /// Ends the answer, with trailers where there are any and the caller can have them.
    pub(super) async fn end(self, trailers: Option<http::HeaderMap>) -> Result<(), Gone> {
        match self {
            Self::Http2(mut stream) => match trailers {
                Some(trailers) => stream.send_trailers(trailers),
                None => stream.send_data(Bytes::new(), true),
            }
            .map_err(|_| Gone),
            Self::Http1(sender) => sender.send(Piece::End).await.map_err(|_| Gone),
            Self::Ended => Ok(()),
        }
    }

    /// Gives up on a caller that does not read.
    pub(super) fn reset(self) {
        match self {
            Self::Http2(mut stream) => stream.send_reset(Reason::ENHANCE_YOUR_CALM),
            // Without an end the connection goes.
            Self::Http1(_) | Self::Ended => {}
        }
    }
}

/// The body of an answer over HTTP/1.1.
#[derive(Debug)]
pub(super) struct Outgoing {
    pieces: mpsc::Receiver<Piece>,
    /// Bytes that are known to follow.
    left: Option<u64>,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Gone;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Gone>>> {
        Poll::Ready(match ready!(self.pieces.poll_recv(context)) {
            Some(Piece::Data(data)) => {
                let bytes = data.len() as u64;
                self.left = self.left.map(|left| left.saturating_sub(bytes));
                Some(Ok(Frame::data(data)))
            }
            Some(Piece::End) => None,
            None => Some(Err(Gone)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_however_it_is_cut() {
        let parts = [&b"a"[..], b"bc", b"def", b"", b"ghijk"];
        let text: String = parts.iter().map(|part| STANDARD.encode(part)).collect();
        for size in 1..=text.len() {
            let (mut left, mut all) = (Vec::new(), Vec::new());
            for piece in text.as_bytes().chunks(size) {
                all.extend(decoded(&mut left, piece).unwrap());
            }
            assert_eq!(
                (all.as_slice(), left.as_slice()),
                (&b"abcdefghijk"[..], &b""[..]),
                "{size}"
            );
        }
        assert!(decoded(&mut Vec::new(), b"a*bc").is_err());
        assert!(decoded(&mut Vec::new(), b"=abc").is_err());
    }
}
