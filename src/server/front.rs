//! `Front`: where every call comes in. It refuses calls when the server closes, and hands the calls of
//! SearchService straight to it, and all others to the router, whose way is long beside that of a quick
//! question.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::watch;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;

use crate::error::{Error, ErrorKind};
use crate::server::requests;
use crate::server::status::status;

/// The service that is asked most, and the router with all services.
#[derive(Clone, Debug)]
pub(super) struct Front<H, R> {
    hot: H,
    rest: R,
    is_closing: watch::Receiver<bool>,
}

impl<H, R> Front<H, R> {
    pub(super) fn new(hot: H, rest: R, is_closing: watch::Receiver<bool>) -> Self {
        Self { hot, rest, is_closing }
    }
}

type Never = std::convert::Infallible;

impl<H, R> Service<http::Request<Body>> for Front<H, R>
where
    H: NamedService,
    H: Service<
            http::Request<Body>,
            Response = http::Response<Body>,
            Error = Never,
            Future = BoxFuture<http::Response<Body>, Never>,
        >,
    R: Service<http::Request<Body>, Response = http::Response<Body>, Error = Never>,
{
    type Response = http::Response<Body>;
    type Error = Never;
    type Future = Answering<R::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Never>> {
        ready!(self.hot.poll_ready(context))?;
        self.rest.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let path = request.uri().path();
        if *self.is_closing.borrow() && !requests::method(path).is_watching {
            return Answering::Refused;
        }
        let method = path.strip_prefix('/').and_then(|path| path.strip_prefix(H::NAME));
        if method.is_some_and(|method| method.starts_with('/')) {
            Answering::Hot(self.hot.call(request))
        } else {
            Answering::Rest(Box::pin(self.rest.call(request)))
        }
    }
}

/// The answer of one of the two.
pub(super) enum Answering<F> {
    Hot(BoxFuture<http::Response<Body>, Never>),
    Rest(Pin<Box<F>>),
    Refused,
}

impl<F> Future for Answering<F>
where
    F: Future<Output = Result<http::Response<Body>, Never>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.get_mut() {
            Self::Hot(answer) => answer.as_mut().poll(context),
            Self::Rest(answer) => answer.as_mut().poll(context),
            Self::Refused => Poll::Ready(Ok(status(&Error::new(ErrorKind::Closing)).into_http())),
        }
    }
}
