//! A connection's bytes, in the clear or above TLS, of which account is kept.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_rustls::server::TlsStream;

use crate::server::transport::registry::Peer;

/// With which HTTP/2 begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What bytes come over.
pub(super) enum Stream {
    Plain(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Does the same with either of them.
macro_rules! with_stream {
    ($wire:expr, $stream:ident => $done:expr) => {
        match &mut $wire.stream {
            Stream::Plain(stream) => {
                let $stream = Pin::new(stream);
                $done
            }
            #[cfg(unix)]
            Stream::Unix(stream) => {
                let $stream = Pin::new(stream);
                $done
            }
            Stream::Tls(stream) => {
                let $stream = Pin::new(stream.as_mut());
                $done
            }
        }
    };
}

/// A connection's bytes, of which account is kept.
pub(super) struct Wire {
    stream: Stream,
    pub(super) peer: Arc<Peer>,
    /// What was read to see what the caller speaks, and is to be read again; how much of it was.
    first: [u8; PREFACE.len()],
    first_bytes: usize,
    again: usize,
    is_heard: bool,
}

/// What a caller speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    Http2,
}

impl Wire {
    /// Reads as much as tells what the caller speaks.
    pub(super) async fn listen(stream: Stream, peer: Arc<Peer>) -> io::Result<(Self, Spoken)> {
        let first = [0; PREFACE.len()];
        let mut wire = Self { stream, peer, first, first_bytes: 0, again: 0, is_heard: false };
        let mut first = [0; PREFACE.len()];
        let spoken = loop {
            let read = wire.read(&mut first[wire.first_bytes..]).await?;
            wire.first_bytes += read;
            if first[..wire.first_bytes] != PREFACE[..wire.first_bytes] {
                break Spoken::Http1;
            }
            if wire.first_bytes == PREFACE.len() {
                wire.peer.mark_begun();
                break Spoken::Http2;
            }
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        (wire.first, wire.is_heard) = (first, true);
        Ok((wire, spoken))
    }

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
        let this = &mut *self;
        // Nothing while `listen` reads.
        let first = &this.first[this.again..this.first_bytes];
        if this.is_heard && !first.is_empty() {
            let first = &first[..first.len().min(buffer.remaining())];
            buffer.put_slice(first);
            this.again += first.len();
            return Poll::Ready(Ok(()));
        }
        with_stream!(this, stream => stream.poll_read(context, buffer))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = with_stream!(self, stream => stream.poll_write(context, bytes));
        self.account(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = with_stream!(self, stream => stream.poll_write_vectored(context, parts));
        self.account(written)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            #[cfg(unix)]
            Stream::Unix(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = with_stream!(self, stream => stream.poll_flush(context));
        if flushed.is_ready() {
            // Nothing waits for the system: what was counted beyond belonged to streams that are gone.
            self.peer.record_written(usize::MAX);
        } else {
            // Under TLS some is kept until the system takes it.
            self.peer.record_blocked();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_stream!(self, stream => stream.poll_shutdown(context))
    }
}
