//! Where the page of metrics is asked for: a port of its own, which answers nothing else.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tonic::codegen::{Bytes, http};

use crate::server::blocking;
use crate::server::json::Origins;
use crate::server::metrics::page::Sources;

/// Connections at once: few have anything to ask here.
const CONNECTIONS_MAX: usize = 16;
/// How long a connection may take, whatever it does: a scrape is short, and comes again.
const CONNECTION_TIME: Duration = Duration::from_secs(10);
/// Bytes of a request, and of an answer that waits.
const BUFFER_BYTES: usize = 16 << 10;
/// Pause after the system refused a connection.
const PAUSE: Duration = Duration::from_millis(50);
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers those who ask for the page, until this is dropped.
#[derive(Debug)]
pub(in crate::server) struct Listening(JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Answers those who ask for the page.
pub(in crate::server) fn start(listener: TcpListener, sources: Sources) -> Listening {
    Listening(tokio::spawn(listen(listener, sources)))
}

async fn listen(listener: TcpListener, sources: Sources) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < CONNECTIONS_MAX => {
                    connections.spawn(timeout(CONNECTION_TIME, serve(stream, sources.clone())));
                }
                // There is no room, and it goes.
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "a connection for metrics was not accepted");
                    sleep(PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, sources: Sources) {
    let page = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let sources = sources.clone();
        let (head, _) = request.into_parts();
        async move {
            let (status, text) = answer(&head, sources).await;
            let mut response = http::Response::new(Whole(Some(text.into())));
            *response.status_mut() = status;
            let kind = http::HeaderValue::from_static(TEXT);
            response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
            Ok::<_, Infallible>(response)
        }
    });
    let served = Builder::new()
        // Its time is that of the connection.
        .header_read_timeout(None)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), page);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection for metrics broke off");
    }
}

async fn answer(head: &http::request::Parts, sources: Sources) -> (http::StatusCode, String) {
    // Whoever's page a browser of this machine shows must not read here what the machine alone should know.
    if let Err(page) = Origins::default().of(head, false) {
        return (http::StatusCode::FORBIDDEN, format!("{page} may not read this\n"));
    }
    if head.uri.path() != "/metrics" || head.method != http::Method::GET {
        return (http::StatusCode::NOT_FOUND, "the page is at /metrics\n".to_owned());
    }
    match blocking(move || Ok(sources.page())).await {
        Ok(page) => (http::StatusCode::OK, page),
        Err(error) => (http::StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

/// A body that is at hand.
struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
