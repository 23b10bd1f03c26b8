//! One call: its answer is sent as fast as its caller reads it, and not kept for one who does not.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http_body::Body as _;
use parking_lot::Mutex;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Bytes, Service, http};

use crate::engine::Least;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::server::access::{Access, Done, Grant, Named, Refused, Told};
use crate::server::requests::{self, Method};
use crate::server::status;
use crate::server::transport::byte_budget::Reserved;
use crate::server::transport::message::{Incoming, PREFIX_BYTES, StallTimer, named};
use crate::server::transport::registry::Peer;

/// Bytes of an answer that are handed over at once.
pub(super) const PIECE_BYTES: usize = 64 << 10;
/// Bytes of an answer that are not counted.
const SMALL_BYTES: usize = 16 << 10;

/// How long the caller of a stream that is refused may take to hear so.
const REFUSED_WAIT: Duration = Duration::from_secs(1);

/// The metadata that tell which state of its table a call wants to see.
const MIN_GENERATION: &str = "wordspace-min-generation";
const MIN_SEQUENCE: &str = "wordspace-min-sequence";

fn least(headers: &http::HeaderMap) -> Option<Least> {
    let number = |name| match headers.get(name) {
        Some(value) => value.to_str().ok()?.parse().ok(),
        None => Some(0),
    };
    Some(Least { generation: number(MIN_GENERATION)?, sequence: number(MIN_SEQUENCE)? })
}

/// A call, from its headers to the last byte of its answer. It is found in the extensions of its
/// request.
#[derive(Debug)]
pub(in crate::server) struct Call {
    peer: Arc<Peer>,
    method: Method,
    has_stalled: AtomicBool,
    /// Length of the longest message so far.
    received_bytes: AtomicUsize,
    /// Of the message that comes in or is worked on.
    received: Mutex<Reserved>,
    /// What it wants to see; none if that cannot be read.
    least: Option<Least>,
    /// What its caller may do, or why it is refused.
    admission: Result<Grant, Refused>,
    access: Arc<Access>,
    path: Box<str>,
    began: Instant,
    /// The tables that it named.
    named: Told,
}

impl Call {
    pub(super) fn begin(
        peer: Arc<Peer>,
        path: &str,
        headers: &http::HeaderMap,
        access: &Arc<Access>,
    ) -> Arc<Self> {
        let admission = access.admit(path, headers, peer.certificates());
        let method = requests::method(path);
        // Those who watch a server watch it to its end.
        peer.begin_call(!method.is_watching);
        let (has_stalled, received_bytes) = (AtomicBool::new(false), AtomicUsize::new(0));
        let received = Mutex::new(Reserved::of(peer.receiving()));
        let least = least(headers);
        let (access, path, began) = (Arc::clone(access), path.into(), Instant::now());
        Arc::new(Self {
            peer,
            method,
            has_stalled,
            received_bytes,
            received,
            least,
            admission,
            access,
            path,
            began,
            named: Told::default(),
        })
    }

    /// One of the many questions of this call, as a call of its own to the method at this path.
    pub(in crate::server) fn of_question(
        &self,
        path: &str,
        message: &impl prost::Message,
    ) -> Result<Arc<Self>> {
        let (method, bytes) = (requests::method(path), message.encoded_len());
        if bytes > method.bytes {
            let (max, got) = (method.bytes as u64, bytes as u64);
            return Err(Error::new(ErrorKind::TooLarge { limit: method.limit, max, got }));
        }
        let grant = self.grant().of_question(path).inspect_err(|error| self.tell_refusal(error))?;
        let (peer, access) = (Arc::clone(&self.peer), Arc::clone(&self.access));
        peer.begin_call(!method.is_watching);
        let received = Mutex::new(Reserved::of(peer.receiving()));
        let question = Arc::new(Self {
            peer,
            method,
            has_stalled: AtomicBool::new(false),
            received_bytes: AtomicUsize::new(bytes),
            received,
            least: self.least,
            admission: Ok(grant),
            access,
            path: path.into(),
            began: Instant::now(),
            named: Told::default(),
        });
        if question.grant().is_limited() {
            question.check_named(&named(method.shape, &message.encode_to_vec())?)?;
        }
        Ok(question)
    }

    /// What its caller may do.
    pub(in crate::server) fn grant(&self) -> &Grant {
        match &self.admission {
            Ok(grant) => grant,
            Err(refused) => &refused.grant,
        }
    }

    /// Looks at the tables that a message names, before anybody takes it apart.
    pub(super) fn check_named(&self, named: &Named) -> Result<()> {
        self.named.add(named);
        let checked = self.grant().check(named);
        checked.inspect_err(|error| self.tell_refusal(error))
    }

    fn tell_refusal(&self, error: &Error) {
        self.access.refused(&self.path, self.peer.address(), self.grant(), error);
    }

    /// Tells the account what came of it.
    fn tell_end(&self, code: &str) {
        let tables = self.named.take();
        let done = Done { began: self.began, code, tables: &tables };
        self.access.written(&self.path, self.peer.address(), self.grant(), &done);
    }

    /// The state of its table that it wants to see.
    pub(in crate::server) fn least(&self) -> Result<Least> {
        let problem = "a whole number in decimal digits";
        self.least.ok_or_else(|| {
            Error::invalid(format!("metadata {MIN_GENERATION}, {MIN_SEQUENCE}"), problem)
        })
    }

    pub(in crate::server) fn method(&self) -> &Method {
        &self.method
    }

    pub(in crate::server) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Bytes of the longest message that came.
    pub(in crate::server) fn received_bytes(&self) -> usize {
        self.received_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn record_received(&self, bytes: usize) {
        self.received_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Reserves so many bytes of the message that comes in; false if the budget is exhausted.
    pub(super) fn reserve_message(&self, bytes: usize) -> bool {
        let mut received = self.received.lock();
        let more = bytes.saturating_sub(received.bytes());
        more == 0 || received.reserve(more)
    }

    /// Releases the message that was worked on.
    pub(super) fn release_message(&self) {
        self.received.lock().release_all();
    }

    /// The caller let it wait for too long: its connection goes once it has no other call.
    pub(in crate::server) fn mark_stalled(&self) {
        self.has_stalled.store(true, Ordering::Relaxed);
    }

    /// Reserves the bytes of an answer until it is read; an error if the budget is exhausted, or if the answer
    /// is too long.
    pub(in crate::server) fn reserve(&self, answer: &impl prost::Message) -> Result<Reservation> {
        let bytes = answer.encoded_len();
        if bytes > limits::MESSAGE_BYTES_MAX {
            let (max, got) = (limits::MESSAGE_BYTES_MAX as u64, bytes as u64);
            let kind = ErrorKind::TooLarge { limit: "MESSAGE_BYTES_MAX", max, got };
            return Err(Error::new(kind).context("the answer"));
        }
        let mut reserved = Reserved::of(self.peer.answering());
        if bytes > SMALL_BYTES && !reserved.reserve(bytes) {
            return Err(Error::new(ErrorKind::Overloaded));
        }
        Ok(Reservation { _reserved: reserved, _parts: Vec::new() })
    }

    /// An answer ready to be sent, with its bytes reserved.
    pub(in crate::server) fn encoded(&self, answer: &impl prost::Message) -> Result<Encoded> {
        let reservation = self.reserve(answer)?;
        let length = answer.encoded_len();
        let mut bytes = Vec::with_capacity(PREFIX_BYTES + length);
        bytes.push(0);
        bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        let encoded = answer.encode(&mut bytes);
        encoded.map_err(|error| Error::caused(ErrorKind::Internal, error))?;
        Ok(Encoded { bytes: bytes.into(), reservation: Arc::new(reservation) })
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.peer.end_call(!self.method.is_watching, self.has_stalled.load(Ordering::Relaxed));
    }
}

/// The bytes of an answer, reserved until it is dropped.
#[derive(Debug)]
pub(in crate::server) struct Reservation {
    _reserved: Reserved,
    /// Those of answers that it is made of.
    _parts: Vec<Arc<Reservation>>,
}

/// An answer ready to be sent, in the extensions of a response in place of its message.
#[derive(Clone, Debug)]
pub(in crate::server) struct Encoded {
    /// With its length before it.
    bytes: Bytes,
    reservation: Arc<Reservation>,
}

impl Encoded {
    /// Its message.
    pub(in crate::server) fn message(&self) -> &[u8] {
        &self.bytes[PREFIX_BYTES..]
    }
}

/// An answer that is put together of others, with their bytes reserved.
#[derive(Debug)]
pub(in crate::server) struct Composed {
    /// Behind room for what stands before a message.
    bytes: Vec<u8>,
    reserved: Reserved,
    parts: Vec<Arc<Reservation>>,
}

impl Composed {
    /// Nothing yet.
    pub(in crate::server) fn new(call: &Call) -> Self {
        let reserved = Reserved::of(call.peer.answering());
        Self { bytes: vec![0; PREFIX_BYTES], reserved, parts: Vec::new() }
    }

    /// Adds an answer behind its head, if there is room.
    pub(in crate::server) fn push(&mut self, head: &[u8], answer: &Encoded) -> Result<()> {
        let (message, max) = (answer.message(), limits::QUESTIONS_ANSWERS_BYTES_MAX);
        let bytes = self.bytes.len() - PREFIX_BYTES + head.len() + message.len();
        if bytes > max {
            let (limit, max, got) = ("QUESTIONS_ANSWERS_BYTES_MAX", max as u64, bytes as u64);
            let kind = ErrorKind::TooLarge { limit, max, got };
            return Err(Error::new(kind).context("the answers together"));
        }
        if message.len() > SMALL_BYTES {
            // It is reserved already.
            self.parts.push(Arc::clone(&answer.reservation));
        } else if !self.reserved.reserve(message.len()) {
            return Err(Error::new(ErrorKind::Overloaded));
        }
        self.bytes.extend_from_slice(head);
        self.bytes.extend_from_slice(message);
        Ok(())
    }

    /// Adds what is short.
    pub(in crate::server) fn push_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        if !self.reserved.reserve(bytes.len()) {
            return Err(Error::new(ErrorKind::Overloaded));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The whole, ready to be sent.
    pub(in crate::server) fn finish(mut self) -> Encoded {
        let length = u32::try_from(self.bytes.len() - PREFIX_BYTES).unwrap_or(u32::MAX);
        self.bytes[1..PREFIX_BYTES].copy_from_slice(&length.to_be_bytes());
        let reservation = Reservation { _reserved: self.reserved, _parts: self.parts };
        Encoded { bytes: self.bytes.into(), reservation: Arc::new(reservation) }
    }
}

/// Answers a call. Dropping it, or an early return, resets the stream.
pub(super) async fn answer<S>(
    call: Arc<Call>,
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    mut service: S,
) where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
{
    let (parts, stream) = request.into_parts();
    if let Err(Refused { error, .. }) = &call.admission {
        call.tell_refusal(error);
        refuse(&call, error, respond, stream).await;
        return;
    }
    let mut account = Account { call: &call, code: None };
    let incoming = Incoming::new(stream, Arc::clone(&call));
    let mut request = http::Request::from_parts(parts, Body::new(incoming));
    request.extensions_mut().insert(Arc::clone(&call));
    let answered = {
        let mut answer = pin!(async move {
            poll_fn(|context| service.poll_ready(context)).await?;
            service.call(request).await
        });
        poll_fn(|context| {
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(Some(answer));
            }
            // The caller left: whatever works for it stops when this is dropped.
            respond.poll_reset(context).map(|_| None)
        })
        .await
    };
    let response = match answered {
        Some(Ok(response)) => response,
        Some(Err(never)) => match never {},
        None => return,
    };
    let (mut parts, body) = response.into_parts();
    status::complete(&mut parts.headers);
    let encoded = parts.extensions.remove::<Encoded>();
    account.code = code_in(&parts.headers).or(encoded.is_some().then_some("OK"));
    let is_end = encoded.is_none() && body.is_end_stream();
    let head = http::Response::from_parts(parts, ());
    let Ok(stream) = respond.send_response(head, is_end) else { return };
    if is_end {
        return;
    }
    let mut sending = Sending { peer: &call.peer, stream, stall_timer: StallTimer::default() };
    let sent = match encoded {
        Some(Encoded { bytes, reservation: _reserved }) => sending.whole(bytes).await,
        None => sending.body(body, &mut account.code).await,
    };
    if let Err(Unsent::Stalled) = sent {
        tracing::debug!("an answer was not read");
        call.mark_stalled();
        sending.stream.send_reset(Reason::ENHANCE_YOUR_CALM);
    }
}

/// Tells the account of a call, however it ends.
struct Account<'a> {
    call: &'a Call,
    /// What it was answered with; none while it was not.
    code: Option<&'static str>,
}

impl Drop for Account<'_> {
    fn drop(&mut self) {
        self.call.tell_end(self.code.unwrap_or("LEFT"));
    }
}

/// The name of the code in headers or trailers.
fn code_in(headers: &http::HeaderMap) -> Option<&'static str> {
    let code = headers.get(Status::GRPC_STATUS)?;
    Some(status::code_name(tonic::Code::from_bytes(code.as_bytes())))
}

/// Answers a call of which nothing was read. A stream that is reset while its caller sends may lose the answer,
/// so its caller has a moment to end it; it may send no more than the window that it has.
async fn refuse(
    call: &Call,
    error: &Error,
    mut respond: SendResponse<Bytes>,
    mut stream: RecvStream,
) {
    let (parts, ()) = status(error).into_http::<()>().into_parts();
    let sent = respond.send_response(http::Response::from_parts(parts, ()), true);
    if sent.is_err() || !call.method.is_stream {
        return;
    }
    let ended = async { while let Some(Ok(_)) = stream.data().await {} };
    // However it ends, the stream goes.
    let _ = tokio::time::timeout(REFUSED_WAIT, ended).await;
}

struct Sending<'a> {
    peer: &'a Peer,
    stream: SendStream<Bytes>,
    stall_timer: StallTimer,
}

/// Why an answer is not sent to its end.
enum Unsent {
    Gone,
    /// Its caller does not read it.
    Stalled,
}

impl Sending<'_> {
    async fn whole(&mut self, bytes: Bytes) -> Result<(), Unsent> {
        self.data(bytes).await?;
        let mut trailers = http::HeaderMap::with_capacity(1);
        trailers.insert(Status::GRPC_STATUS, http::HeaderValue::from_static("0"));
        self.stream.send_trailers(trailers).map_err(|_| Unsent::Gone)
    }

    async fn body(&mut self, body: Body, code: &mut Option<&'static str>) -> Result<(), Unsent> {
        let mut body = pin!(body);
        loop {
            let frame = poll_fn(|context| {
                if let Poll::Ready(frame) = body.as_mut().poll_frame(context) {
                    return Poll::Ready(Ok(frame));
                }
                self.stream.poll_reset(context).map(|_| Err(Unsent::Gone))
            });
            let Some(frame) = frame.await? else {
                return self.stream.send_data(Bytes::new(), true).map_err(|_| Unsent::Gone);
            };
            // tonic tells errors in trailers: a body has none.
            let frame = frame.map_err(|_| Unsent::Gone)?;
            match frame.into_data() {
                Ok(data) => self.data(data).await?,
                Err(frame) => {
                    let mut trailers = frame.into_trailers().unwrap_or_default();
                    status::complete(&mut trailers);
                    *code = code_in(&trailers);
                    return self.stream.send_trailers(trailers).map_err(|_| Unsent::Gone);
                }
            }
        }
    }

    /// Hands data over piece by piece, as the caller makes room.
    async fn data(&mut self, mut data: Bytes) -> Result<(), Unsent> {
        self.stall_timer.restart();
        while !data.is_empty() {
            self.wait_for_send_buffer().await?;
            self.stream.reserve_capacity(data.len().min(PIECE_BYTES));
            let room = poll_fn(|context| self.poll_room(context)).await?;
            let piece = data.split_to(room.min(data.len()));
            self.stall_timer.record(piece.len());
            self.peer.queued.fetch_add(piece.len(), Ordering::Relaxed);
            self.stream.send_data(piece, false).map_err(|_| Unsent::Gone)?;
        }
        Ok(())
    }

    /// Waits while the connection has much to send that the system has not taken. It is closed if that
    /// takes long.
    async fn wait_for_send_buffer(&mut self) -> Result<(), Unsent> {
        loop {
            let room = self.peer.has_room.notified();
            if self.peer.queued.load(Ordering::Relaxed) < limits::SEND_BYTES_MAX {
                return Ok(());
            }
            tokio::select! {
                () = room => {}
                _ = poll_fn(|context| self.stream.poll_reset(context)) => return Err(Unsent::Gone),
            }
        }
    }

    /// Bytes that the caller has room for.
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Result<usize, Unsent>> {
        loop {
            let room = self.stream.capacity();
            if room > 0 {
                return Poll::Ready(Ok(room));
            }
            match self.stream.poll_capacity(context) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(Err(Unsent::Gone)),
                Poll::Pending => {
                    ready!(self.stall_timer.poll_stalled(self.peer.limits().stall, context));
                    return Poll::Ready(Err(Unsent::Stalled));
                }
            }
        }
    }
}
