//! The answer to one call, in the form in which it was asked: gRPC, gRPC-Web or JSON.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http_body::Body as _;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, HeaderValue, Response, StatusCode, header, request};
use tonic::codegen::{Bytes, Service, http};
use tonic::{Code, Status};

use crate::error::{Error, ErrorKind};
use crate::limits;
use crate::server::access::Refused;
use crate::server::explorer::{Asset, Places, places_alone};
use crate::server::json::{
    self, Asked, Bound, Form, Printer, Wrong, allow, allow_requests, document, problem, route,
};
use crate::server::pool::Lane;
use crate::server::request_id::RequestId;
use crate::server::status::{self, ANSWERED, End, end_of, status};
use crate::server::transport::Doors;
use crate::server::transport::call::{Call, Encoded, LEFT, PIECE_BYTES, PREFIX_BYTES};
use crate::server::transport::exchange::{Gone, Respond, Source};
use crate::server::transport::message::Incoming;
use crate::server::transport::registry::Peer;
use crate::server::transport::sending::{Face, Sending, Unsent};

/// How long the caller of a stream that is refused may take to hear so.
const REFUSED_WAIT: Duration = Duration::from_secs(1);
/// Bytes that a caller of HTTP/1.1 may still send before it hears that it is refused.
const REFUSED_BYTES: usize = 1 << 20;
/// The first byte of the last message of gRPC-Web, which has the trailers.
const TRAILERS: u8 = 0x80;

/// What keeps an answer from being taken for something else, and from pages of other origins that do not ask as such.
const ALONE: [(header::HeaderName, &str); 2] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// A call that has begun: it counts from its head on.
#[derive(Debug)]
pub(super) struct Begun {
    call: Arc<Call>,
    form: Form,
    /// The page of a browser that asks, or one that may not.
    origin: Result<Option<HeaderValue>, String>,
}

impl Begun {
    /// What the call is called.
    pub(super) fn id(&self) -> &RequestId {
        self.call.id()
    }
}

/// Begins a call, by its head.
pub(super) fn begin(doors: &Doors, peer: &Arc<Peer>, parts: &request::Parts) -> Begun {
    let Asked { path, form } = route(parts);
    let is_guarded = doors.tls.is_some() || !doors.access.is_open();
    let origin = doors.origins.of(parts, is_guarded);
    let call = Call::begin(Arc::clone(peer), path, &parts.headers, doors);
    Begun { call, form, origin }
}

/// Answers a call. Dropping it, or an early return, resets the stream.
pub(super) async fn answer<S>(
    doors: Arc<Doors>,
    begun: Begun,
    request: http::Request<Source>,
    respond: Respond,
    service: S,
) where
    S: Service<http::Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let Begun { call, form, origin } = begun;
    let (parts, mut source) = request.into_parts();
    let face = match form {
        Form::Grpc => Face::Grpc,
        Form::Web { is_text } => Face::Web { is_text },
        Form::Json(_) | Form::Contract | Form::Page(_) | Form::Preflight | Form::Wrong(_) => {
            Face::Json
        }
    };
    let mut reply = Reply { call: &call, face, respond, origin: None };
    if let Form::Page(asset) = form {
        // Wherever the link stands that leads here; what the page asks for is looked at.
        call.set_end(ANSWERED);
        reply.page(asset, &parts.headers).await;
        return;
    }
    match origin {
        Ok(origin) => reply.origin = origin,
        Err(told) => {
            let because =
                format!("pages of {told} may not ask: `serve --cors-origin` names those that may");
            let error = Error::new(ErrorKind::Forbidden { because });
            call.tell_refusal(&error);
            refuse(&call, &error, reply, source).await;
            return;
        }
    }
    if matches!(form, Form::Preflight) {
        call.set_end(ANSWERED);
        reply.preflight().await;
        return;
    }
    if let Err(Refused { error, .. }) = call.admission() {
        call.tell_refusal(error);
        refuse(&call, error, reply, source).await;
        return;
    }
    match form {
        Form::Grpc | Form::Web { .. } => relay(&call, parts, source, reply, service).await,
        Form::Json(bound) => {
            let told = Told { doors: &doors, call: &call, bound };
            told.converse(parts, source, reply, service).await;
        }
        Form::Contract => {
            call.set_end(ANSWERED);
            reply.send(StatusCode::OK, kind("application/json"), document()).await;
        }
        Form::Wrong(wrong) => {
            hear_request(&mut source).await;
            reply.wrong(&wrong).await;
        }
        Form::Page(_) | Form::Preflight => {}
    }
}

/// Answers a call of which nothing was read. A stream that is reset while its caller sends may lose the answer,
/// so its caller has a moment to end it; it may send no more than the window that it has.
async fn refuse(call: &Call, error: &Error, reply: Reply<'_>, mut source: Source) {
    let error = status(error);
    call.set_end(end_of(&error));
    hear_request(&mut source).await;
    reply.error(&error, None).await;
    if call.method().is_stream && !source.is_http1() {
        // However it ends, the stream goes.
        hear(&mut source, usize::MAX).await;
    }
}

/// Reads a request of HTTP/1.1 that is refused. An answer closes the connection where something of the request is
/// left to read, and a caller that still sends hears of that alone.
async fn hear_request(source: &mut Source) {
    if source.is_http1() {
        hear(source, REFUSED_BYTES).await;
    }
}

/// Passes over what a caller still sends, for a moment.
async fn hear(source: &mut Source, most: usize) {
    let mut left = most;
    let ended = async {
        while let Some(Ok(data)) = poll_fn(|context| source.poll_data(context)).await {
            let Some(rest) = left.checked_sub(data.len()) else { return };
            left = rest;
        }
    };
    let _ = tokio::time::timeout(REFUSED_WAIT, ended).await;
}

/// Has the service answer, unless the caller leaves before.
async fn ask<S>(
    call: &Arc<Call>,
    mut parts: request::Parts,
    incoming: Incoming,
    respond: &mut Respond,
    mut service: S,
) -> Option<Response<Body>>
where
    S: Service<http::Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    parts.extensions.insert(Arc::clone(call));
    let request = http::Request::from_parts(parts, Body::new(incoming));
    let mut answer = pin!(async move {
        poll_fn(|context| service.poll_ready(context)).await?;
        service.call(request).await
    });
    let answered = poll_fn(|context| {
        if let Poll::Ready(answer) = answer.as_mut().poll(context) {
            return Poll::Ready(Some(answer));
        }
        // The caller left: whatever works for it stops when this is dropped.
        respond.poll_gone(context).map(|()| None)
    });
    match answered.await? {
        Ok(mut response) => {
            status::complete(response.headers_mut());
            Some(response)
        }
        Err(never) => match never {},
    }
}

/// Makes the head of any request one of gRPC.
fn as_grpc(parts: &mut request::Parts, call: &Call) {
    let headers = &mut parts.headers;
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::ACCEPT_ENCODING);
    parts.method = http::Method::POST;
    parts.version = http::Version::HTTP_2;
    // Every path of gRPC is one of HTTP.
    parts.uri = call.path().parse().unwrap_or_default();
}

/// Answers a call of gRPC, or of gRPC-Web.
async fn relay<S>(
    call: &Arc<Call>,
    mut parts: request::Parts,
    source: Source,
    mut reply: Reply<'_>,
    service: S,
) where
    S: Service<http::Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let mut account = Account { call, end: None };
    let source = match reply.face {
        Face::Grpc => source,
        Face::Web { is_text } => {
            as_grpc(&mut parts, call);
            if is_text { source.in_base64() } else { source }
        }
        Face::Json => return,
    };
    let incoming = Incoming::new(source, Arc::clone(call));
    let Some(response) = ask(call, parts, incoming, &mut reply.respond, service).await else {
        return;
    };
    let (mut parts, body) = response.into_parts();
    let encoded = parts.extensions.remove::<Encoded>();
    account.end = end_in(&parts.headers).or(encoded.is_some().then_some(ANSWERED));
    let mut ending = reply.face.ending(&mut parts.headers);
    if let (Some(Encoded { bytes, .. }), Face::Web { is_text: false }) = (&encoded, reply.face)
        && bytes.len() <= PIECE_BYTES
    {
        // Together, and behind its length: nothing of it is waited for, and HTTP/1.1 needs no chunks.
        let whole = [&bytes[..], &framed(&answered())].concat();
        reply.send(parts.status, parts.headers, whole.into()).await;
        return;
    }
    let is_end = encoded.is_none() && body.is_end_stream();
    let bytes = (is_end && ending.is_none()).then_some(0);
    let Ok(mut sending) = reply.begin(parts.status, parts.headers, bytes) else { return };
    let sent = match encoded {
        Some(Encoded { bytes, reservation: _reserved }) => {
            ending = Some(answered());
            sending.data(bytes).await
        }
        None if is_end => Ok(()),
        None => sending.body(body, &mut ending).await,
    };
    if let Some(end) = ending.as_ref().and_then(end_in) {
        account.end = Some(end);
    }
    finish(call, sending, sent, ending).await;
}

/// Ends an answer, or gives up on whoever does not read it.
async fn finish(
    call: &Call,
    mut sending: Sending<'_>,
    mut sent: Result<(), Unsent>,
    ending: Option<HeaderMap>,
) {
    let mut trailers = ending;
    if let (Ok(()), Face::Web { .. }) = (&sent, sending.face()) {
        let frame = trailers.take().map(|trailers| framed(&trailers));
        if let Some(frame) = frame {
            sent = sending.data(frame).await;
        }
    }
    match sent {
        Ok(()) => {
            let _ = sending.end(trailers).await;
        }
        Err(Unsent::Gone) => {}
        Err(Unsent::Stalled) => {
            tracing::debug!("an answer was not read");
            call.mark_stalled();
            sending.reset();
        }
    }
}

/// The trailers of a call that is answered.
fn answered() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
    trailers
}

/// Trailers as the last message of gRPC-Web.
fn framed(trailers: &HeaderMap) -> Bytes {
    let mut frame = vec![TRAILERS, 0, 0, 0, 0];
    for (name, value) in trailers {
        frame.extend_from_slice(name.as_str().as_bytes());
        frame.extend_from_slice(b": ");
        frame.extend_from_slice(value.as_bytes());
        frame.extend_from_slice(b"\r\n");
    }
    set_length(&mut frame);
    frame.into()
}

/// Writes the length of a message into the bytes before it.
fn set_length(frame: &mut [u8]) {
    let length = u32::try_from(frame.len() - PREFIX_BYTES).unwrap_or(u32::MAX);
    frame[1..PREFIX_BYTES].copy_from_slice(&length.to_be_bytes());
}

/// Tells the account of a call, however it ends.
struct Account<'a> {
    call: &'a Call,
    /// What it was answered with; none while it was not.
    end: Option<End>,
}

impl Drop for Account<'_> {
    fn drop(&mut self) {
        let end = self.end.unwrap_or(LEFT);
        self.call.tell_end(end.0);
        self.call.set_end(end);
    }
}

/// What headers or trailers tell of the end of a call.
fn end_in(headers: &HeaderMap) -> Option<End> {
    let code = headers.get(Status::GRPC_STATUS)?;
    if code == "0" {
        return Some(ANSWERED);
    }
    Status::from_header_map(headers).as_ref().map(end_of)
}

/// How a caller is answered.
#[derive(Debug)]
struct Reply<'a> {
    call: &'a Arc<Call>,
    respond: Respond,
    face: Face,
    /// The page of a browser that asks.
    origin: Option<HeaderValue>,
}

impl<'a> Reply<'a> {
    /// Sends the head; `bytes` that are known to follow are told to the caller.
    fn begin(
        self,
        status: StatusCode,
        mut headers: HeaderMap,
        bytes: Option<usize>,
    ) -> Result<Sending<'a>, Gone> {
        if let Some(origin) = &self.origin {
            allow(origin, &mut headers);
        }
        if self.face == Face::Json {
            // No page of another origin may have it as a script, a picture or a style.
            for (name, value) in ALONE {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        let mut head = Response::new(());
        *head.status_mut() = status;
        *head.headers_mut() = headers;
        let sink = self.respond.send(head, bytes)?;
        Ok(Sending::new(sink, self.face, self.call.peer()))
    }

    /// Sends all of an answer.
    async fn send(self, status: StatusCode, headers: HeaderMap, body: Bytes) {
        let call = self.call;
        // Nobody is left to hear of it if it fails, here and elsewhere.
        let Ok(mut sending) = self.begin(status, headers, Some(body.len())) else { return };
        if !body.is_empty() {
            let sent = sending.data(body).await;
            finish(call, sending, sent, None).await;
        }
    }

    async fn page(self, asset: &Asset, asked: &HeaderMap) {
        let (headers, body) = asset.answer(asked);
        self.send_unless_known(headers, body).await;
    }

    /// Sends all of an answer, or that its caller has it.
    async fn send_unless_known(self, headers: HeaderMap, body: Option<Bytes>) {
        match body {
            Some(body) => self.send(StatusCode::OK, headers, body).await,
            None => self.send(StatusCode::NOT_MODIFIED, headers, Bytes::new()).await,
        }
    }

    async fn preflight(self) {
        let mut headers = HeaderMap::new();
        allow_requests(&mut headers);
        self.send(StatusCode::NO_CONTENT, headers, Bytes::new()).await;
    }

    async fn wrong(self, wrong: &Wrong) {
        let (code, reason) = match wrong.status {
            StatusCode::NOT_FOUND => (Code::NotFound, "NOT_FOUND"),
            StatusCode::BAD_REQUEST => (Code::InvalidArgument, "INVALID_FIELD"),
            _ => (Code::Unimplemented, "UNSUPPORTED"),
        };
        let error = status::refusal(code, reason, &wrong.problem);
        self.call.set_end(end_of(&error));
        let told = problem(&error, Some(wrong.status));
        let mut headers = kind(PROBLEM);
        if let Some(allowed) = wrong.allowed {
            headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
        }
        self.send(wrong.status, headers, told.text.into()).await;
    }

    /// Sends an error; `http` is its status over HTTP where that is not the usual one.
    async fn error(self, error: &Status, http: Option<StatusCode>) {
        match self.face {
            Face::Grpc => {
                let headers = error.clone().into_http::<()>().into_parts().0.headers;
                self.send(StatusCode::OK, headers, Bytes::new()).await;
            }
            Face::Web { .. } => {
                let mut trailers = HeaderMap::new();
                // One that cannot be told in full is told by its code.
                let _ = error.add_header(&mut trailers);
                let (call, headers) = (self.call, kind(self.face.content_type()));
                let Ok(sending) = self.begin(StatusCode::OK, headers, None) else { return };
                finish(call, sending, Ok(()), Some(trailers)).await;
            }
            Face::Json => {
                let told = problem(error, http);
                let mut headers = kind(PROBLEM);
                if let Some(seconds) = told.retry_after {
                    headers.insert(header::RETRY_AFTER, seconds.into());
                }
                if told.status == StatusCode::UNAUTHORIZED {
                    headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                }
                self.send(told.status, headers, told.text.into()).await;
            }
        }
    }
}

const PROBLEM: &str = "application/problem+json";

/// A call in JSON.
struct Told<'a> {
    doors: &'a Doors,
    call: &'a Arc<Call>,
    bound: Bound,
}

/// An error, and its status over HTTP where that is not the usual one.
type Failed = (Status, Option<StatusCode>);

impl Told<'_> {
    async fn converse<S>(
        self,
        mut parts: request::Parts,
        source: Source,
        mut reply: Reply<'_>,
        service: S,
    ) where
        S: Service<http::Request<Body>, Response = Response<Body>, Error = Infallible>,
    {
        let mut account = Account { call: self.call, end: None };
        let asked = tokio::select! {
            asked = self.message(&parts.headers, source) => asked,
            () = poll_fn(|context| reply.respond.poll_gone(context)) => return,
        };
        let message = match asked {
            Ok(message) => message,
            Err((error, http)) => {
                account.end = Some(end_of(&error));
                reply.error(&error, http).await;
                return;
            }
        };
        let asked = parts.headers.clone();
        as_grpc(&mut parts, self.call);
        let incoming = Incoming::new(Source::whole(message), Arc::clone(self.call));
        let answered = ask(self.call, parts, incoming, &mut reply.respond, service).await;
        let Some(response) = answered else { return };
        let (mut parts, body) = response.into_parts();
        if let Some(Encoded { bytes, reservation: _reserved }) =
            parts.extensions.remove::<Encoded>()
        {
            account.end = Some(ANSWERED);
            let message = bytes.slice(PREFIX_BYTES..);
            if self.bound.is_places {
                match places_alone(&message, &asked) {
                    Ok(Places { headers, body }) => reply.send_unless_known(headers, body).await,
                    Err(error) => reply.error(&status(&error), None).await,
                }
            } else {
                self.print(message, reply).await;
            }
            return;
        }
        if let Some(error) = error_in(&parts.headers) {
            account.end = Some(end_of(&error));
            reply.error(&error, None).await;
            return;
        }
        account.end = self.messages(Messages::new(body), reply).await.or(account.end);
    }

    /// The message, behind its length as gRPC has it.
    async fn message(&self, headers: &HeaderMap, source: Source) -> Result<Bytes, Failed> {
        let json = match &self.bound.query {
            Some(query) => Vec::from(query.as_str()),
            None => self.body(headers, source).await?,
        };
        let Bound { input, given, .. } = self.bound.clone();
        let bytes = json.len();
        // A number takes twice as many bytes as it has digits, at most, while its text is still there.
        if bytes > limits::READ_AT_ONCE_BYTES && !self.call.reserve_message(3 * bytes) {
            return Err((status(&Error::new(ErrorKind::Overloaded)), None));
        }
        let read = move || {
            let mut frame = vec![0; PREFIX_BYTES];
            let read = json::read(input, &given, &json, &mut frame);
            set_length(&mut frame);
            read.map(|()| frame)
        };
        let read = if bytes > limits::READ_AT_ONCE_BYTES {
            let caller = self.call.peer().id();
            let read = self.doors.pool.run(Lane::Heavy, caller, move || Ok(read())).await;
            read.map_err(|error| (status(&error), None))?
        } else {
            read()
        };
        let frame = read.map_err(|problem| {
            let text = format!("the request is not understood: {problem}");
            (status::refusal(Code::InvalidArgument, "MALFORMED_MESSAGE", &text), None)
        })?;
        Ok(frame.into())
    }

    /// The body, within the limits of the message that it is to become.
    async fn body(&self, headers: &HeaderMap, source: Source) -> Result<Vec<u8>, Failed> {
        let told = headers.get(header::CONTENT_LENGTH).and_then(|bytes| bytes.to_str().ok());
        let bytes = told.and_then(|bytes| bytes.parse().ok()).unwrap_or(0);
        // Who tells so much before it comes need not send it.
        if let Err(error) = self.call.method().check(bytes) {
            return Err((status(&error), Some(StatusCode::PAYLOAD_TOO_LARGE)));
        }
        let mut incoming = pin!(Incoming::text(source, Arc::clone(self.call)));
        let mut body = Vec::new();
        while let Some(frame) = poll_fn(|context| incoming.as_mut().poll_frame(context)).await {
            let frame = frame.map_err(|error| {
                let is_large = error.code() == Code::InvalidArgument;
                (error, is_large.then_some(StatusCode::PAYLOAD_TOO_LARGE))
            })?;
            if let Ok(data) = frame.into_data() {
                body.extend_from_slice(&data);
            }
        }
        Ok(body)
    }

    /// Sends one message.
    async fn print(&self, message: Bytes, reply: Reply<'_>) {
        let mut printer = Printer::new(self.bound.output, message);
        let mut text = Vec::new();
        let printed = printer.print(PIECE_BYTES, &mut text);
        let Ok(is_whole) = printed else {
            let error = Error::new(ErrorKind::Internal).context("an answer that cannot be told");
            reply.error(&status(&error), None).await;
            return;
        };
        // Beside the message, which has its own.
        let _reservation = match self.call.reserve_bytes(text.len()) {
            Ok(reservation) => reservation,
            Err(error) => return reply.error(&status(&error), None).await,
        };
        let headers = kind("application/json");
        if is_whole {
            text.push(b'\n');
            reply.send(StatusCode::OK, headers, text.into()).await;
            return;
        }
        let Ok(mut sending) = reply.begin(StatusCode::OK, headers, None) else { return };
        let sent = send_rest(&mut sending, printer, text).await;
        finish(self.call, sending, sent, None).await;
    }

    /// Sends the messages of a stream, a line each; or the only one there is. Tells what came of it.
    async fn messages(&self, mut messages: Messages, mut reply: Reply<'_>) -> Option<End> {
        let first = tokio::select! {
            first = messages.next() => first,
            () = poll_fn(|context| reply.respond.poll_gone(context)) => return None,
        };
        let mut next = match first {
            Ok(Some(first)) if !self.bound.answers_stream => {
                self.print(first, reply).await;
                return Some(ANSWERED);
            }
            Ok(next) => next,
            Err(error) => {
                let end = end_of(&error);
                reply.error(&error, None).await;
                return Some(end);
            }
        };
        let headers = kind("application/x-ndjson");
        let mut sending = reply.begin(StatusCode::OK, headers, None).ok()?;
        let mut end = ANSWERED;
        let sent = loop {
            let Some(message) = next else { break Ok(()) };
            let printer = Printer::new(self.bound.output, message);
            if let Err(unsent) = send_rest(&mut sending, printer, Vec::new()).await {
                break Err(unsent);
            }
            let read = tokio::select! {
                read = messages.next() => read,
                () = sending.gone() => break Err(Unsent::Gone),
            };
            next = match read {
                Ok(next) => next,
                Err(error) => {
                    end = end_of(&error);
                    break sending.data(json::line(&error).into()).await;
                }
            };
        };
        finish(self.call, sending, sent, None).await;
        Some(end)
    }
}

/// Sends what was printed, and the rest of the message as there is room for it.
async fn send_rest(
    sending: &mut Sending<'_>,
    mut printer: Printer,
    mut text: Vec<u8>,
) -> Result<(), Unsent> {
    loop {
        // A message that cannot be printed ends before its end, which its reader sees.
        let is_whole = printer.print(PIECE_BYTES, &mut text).map_err(|_| Unsent::Gone)?;
        if is_whole {
            text.push(b'\n');
        }
        sending.data(std::mem::take(&mut text).into()).await?;
        if is_whole {
            return Ok(());
        }
        // Others of this thread have their turn, however fast the caller reads.
        tokio::task::yield_now().await;
    }
}

fn kind(kind: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers
}

/// The error that headers or trailers tell.
fn error_in(headers: &HeaderMap) -> Option<Status> {
    Status::from_header_map(headers).filter(|found| found.code() != Code::Ok)
}

/// The messages of an answer.
struct Messages {
    body: Body,
    /// Of the message that comes next.
    begun: Vec<u8>,
}

impl Messages {
    fn new(body: Body) -> Self {
        Self { body, begun: Vec::new() }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            if let Some(&[_, a, b, c, d]) = self.begun.first_chunk() {
                let length =
                    usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
                if self.begun.len() - PREFIX_BYTES >= length {
                    let rest = self.begun.split_off(PREFIX_BYTES + length);
                    let message = std::mem::replace(&mut self.begun, rest);
                    return Ok(Some(Bytes::from(message).slice(PREFIX_BYTES..)));
                }
            }
            let mut body = pin!(&mut self.body);
            let frame = poll_fn(|context| body.as_mut().poll_frame(context)).await;
            let Some(frame) = frame else { return Ok(None) };
            match frame?.into_data() {
                Ok(data) => self.begun.extend_from_slice(&data),
                Err(frame) => {
                    let mut trailers = frame.into_trailers().unwrap_or_default();
                    status::complete(&mut trailers);
                    return error_in(&trailers).map_or(Ok(None), Err);
                }
            }
        }
    }
}
