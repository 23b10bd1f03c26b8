//! `Front`: hands the calls of SearchService straight to it, and all others to the router, whose way
//! is long beside that of a quick question.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;

/// Puts a [`Front`] before a router.
#[derive(Clone, Debug)]
pub(super) struct FrontLayer<H>(pub(super) H);

impl<H: Clone, R> tower::Layer<R> for FrontLayer<H> {
    type Service = Front<H, R>;

    fn layer(&self, rest: R) -> Front<H, R> {
        Front { hot: self.0.clone(), rest }
    }
}

/// The service that is asked most, and the router with all services.
#[derive(Clone, Debug)]
pub(super) struct Front<H, R> {
    hot: H,
    rest: R,
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
    R: Service<http::Request<Body>, Response = http::Response<Body>>,
{
    type Response = http::Response<Body>;
    type Error = R::Error;
    type Future = Answering<R::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), R::Error>> {
        // The other is always ready: its error says so.
        self.rest.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = request.uri().path().strip_prefix('/');
        let method = method.and_then(|path| path.strip_prefix(H::NAME));
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
}

impl<F, E> Future for Answering<F>
where
    F: Future<Output = Result<http::Response<Body>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.get_mut() {
            Self::Hot(answer) => answer.as_mut().poll(context).map(|answer| match answer {
                Ok(answer) => Ok(answer),
                Err(never) => match never {},
            }),
            Self::Rest(answer) => answer.as_mut().poll(context),
        }
    }
}
