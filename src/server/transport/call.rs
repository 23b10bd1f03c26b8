//! One call: who makes it, what it may take, and what it wants to see.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tonic::codegen::{Bytes, http};

use crate::engine::Least;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::server::access::{Access, Called, Done, Grant, Named, Refused, Told};
use crate::server::json::answers_stream;
use crate::server::metrics::Metrics;
use crate::server::plan::{Noted, Plans};
use crate::server::request_id::RequestId;
use crate::server::requests::{self, Method};
use crate::server::slow::{self, SlowLog};
use crate::server::spans::{self, Spans, Trace};
use crate::server::status::End;
use crate::server::transport::Doors;
use crate::server::transport::byte_budget::Reserved;
use crate::server::transport::entries::named;
use crate::server::transport::registry::Peer;

/// Bytes before a message: whether it is packed, and its length.
pub(super) const PREFIX_BYTES: usize = 5;
/// Bytes of an answer that are handed over at once.
pub(super) const PIECE_BYTES: usize = 64 << 10;
/// Of a call whose caller left before its end.
pub(super) const LEFT: End = ("LEFT", "");
/// Bytes of a path that are told. No method has as many.
const PATH_TOLD_BYTES: usize = 128;
/// Bytes of an answer that are not counted.
const SMALL_BYTES: usize = 16 << 10;

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
    id: RequestId,
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
    metrics: Arc<Metrics>,
    /// Where it is counted.
    counted: usize,
    /// What came of it.
    end: OnceLock<End>,
    /// What found its answers.
    plans: Plans,
    slow: Arc<SlowLog>,
    spans: Arc<Spans>,
    /// None if it is not told as a span.
    trace: Option<Box<Trace>>,
    /// The call that asks this among other questions.
    whole: Option<Whole>,
}

#[derive(Debug)]
struct Whole {
    call: Arc<Call>,
    /// Until when all its questions wait for what it wants to see.
    waits_until: Instant,
}

impl Call {
    pub(super) fn begin(
        peer: Arc<Peer>,
        path: String,
        headers: &http::HeaderMap,
        doors: &Doors,
    ) -> Arc<Self> {
        let Doors { access, metrics, slow, spans, .. } = doors;
        let (id, slow) = (RequestId::of(headers), Arc::clone(slow));
        let (spans, trace) = (Arc::clone(spans), spans.begin(headers));
        let (counted, end) = (metrics.begin(&path), OnceLock::new());
        let metrics = Arc::clone(metrics);
        let admission = access.admit(&path, headers, peer.certificates());
        let method = requests::method(&path);
        // Those who watch a server watch it to its end.
        peer.begin_call(!method.is_watching);
        let (has_stalled, received_bytes) = (AtomicBool::new(false), AtomicUsize::new(0));
        let received = Mutex::new(Reserved::of(peer.receiving()));
        let least = least(headers);
        let (access, path, began) = (Arc::clone(access), path.into(), Instant::now());
        Arc::new(Self {
            peer,
            id,
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
            metrics,
            counted,
            end,
            plans: Plans::default(),
            slow,
            spans,
            trace,
            whole: None,
        })
    }

    /// One of the many questions of this call, as a call of its own to the method at this path. All of them wait
    /// until the same moment for what the call wants to see.
    pub(in crate::server) fn of_question(
        self: &Arc<Self>,
        path: &str,
        message: &impl prost::Message,
        waits_until: Instant,
        waits_for_tables: bool,
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
        let metrics = Arc::clone(&self.metrics);
        let question = Arc::new(Self {
            peer,
            id: self.id.clone(),
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
            counted: metrics.begin(path),
            metrics,
            end: OnceLock::new(),
            plans: Plans::default(),
            slow: Arc::clone(&self.slow),
            spans: Arc::clone(&self.spans),
            trace: None,
            whole: Some(Whole { call: Arc::clone(self), waits_until }),
        });
        let wants = question.least.is_some_and(|least| least != Least::default());
        if question.grant().is_limited() || wants || waits_for_tables {
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

    /// Why its caller is refused, if it is.
    pub(super) fn admission(&self) -> &Result<Grant, Refused> {
        &self.admission
    }

    /// Its path, as gRPC has it.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Looks at the tables that a message names, before anybody takes it apart.
    pub(super) fn check_named(&self, named: &Named) -> Result<()> {
        self.named.add(named);
        let checked = self.grant().check(named);
        checked.inspect_err(|error| self.tell_refusal(error))
    }

    /// The tables that it named so far, or the first few of them.
    pub(in crate::server) fn named(&self) -> Vec<String> {
        self.named.all()
    }

    pub(super) fn tell_refusal(&self, error: &Error) {
        self.access.refused(&self.called(), self.grant(), error);
    }

    /// What came of it, as it is counted when all is over.
    pub(in crate::server) fn set_end(&self, end: End) {
        // What it was answered with first is what its caller heard.
        let _ = self.end.set(end);
    }

    /// Tells the account what came of it.
    pub(super) fn tell_end(&self, code: &str) {
        let took = self.began.elapsed();
        // Its span tells them once more.
        let tables = if self.trace.is_some() { self.named.all() } else { self.named.take() };
        self.access.written(&self.called(), self.grant(), &Done { took, code, tables: &tables });
        // What a stream takes is its caller's affair.
        if self.slow.is_slow(took) && !self.method.is_stream && !answers_stream(&self.path) {
            self.slow.tell(&slow::Ended {
                request: &self.id,
                method: self.told_path(),
                tables: &tables,
                key: self.grant().holder(),
                code,
                took,
                plan: self.plans.all(),
                received_bytes: self.received_bytes(),
            });
        }
    }

    fn called(&self) -> Called<'_> {
        Called { path: self.told_path(), address: self.peer.address(), request: &self.id }
    }

    /// Its path as logs and accounts tell it: a method's whole, and of what a caller made up only the beginning.
    fn told_path(&self) -> &str {
        &self.path[..self.path.floor_char_boundary(PATH_TOLD_BYTES)]
    }

    /// What it is called in the log.
    pub(super) fn id(&self) -> &RequestId {
        &self.id
    }

    /// Where it is counted, with what comes of it.
    pub(in crate::server) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What found its answer.
    pub(in crate::server) fn note(&self, noted: Noted) {
        self.plans.note(noted);
    }

    /// What found one of its answers, and how long after its question that was: each of a stream counts by itself.
    pub(in crate::server) fn answered(&self, noted: &Noted, took: Duration) {
        self.plans.add(noted.plan);
        self.metrics.answered(&noted.tables, took);
    }

    /// The state of its table that it wants to see.
    pub(in crate::server) fn least(&self) -> Result<Least> {
        let problem = "a whole number in decimal digits";
        self.least.ok_or_else(|| {
            Error::invalid(format!("metadata {MIN_GENERATION}, {MIN_SEQUENCE}"), problem)
        })
    }

    /// Until when it waits for that, if that is not its own affair.
    pub(in crate::server) fn waits_until(&self) -> Option<Instant> {
        self.whole.as_ref().map(|whole| whole.waits_until)
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
        self.reserve_bytes(bytes)
    }

    /// Reserves bytes of an answer until they are read; an error if the budget is exhausted.
    pub(super) fn reserve_bytes(&self, bytes: usize) -> Result<Reservation> {
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
        let (code, reason) = self.end.get().copied().unwrap_or(LEFT);
        let (took, plan) = (self.began.elapsed(), self.plans.all());
        self.metrics.end(self.counted, took, (code, reason), plan);
        self.metrics.answered(&self.plans.take_tables(), took);
        if let Some(trace) = &self.trace {
            self.spans.end(
                trace,
                &spans::Ended {
                    request: &self.id,
                    method: self.metrics.path(self.counted),
                    tables: &self.named.take(),
                    code,
                    reason,
                    took,
                    plan,
                    received_bytes: self.received_bytes(),
                },
            );
        }
        if let Some(whole) = &self.whole {
            // Its tables are counted here, and not once more with all questions.
            whole.call.plans.add(plan);
        }
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
    pub(super) bytes: Bytes,
    pub(super) reservation: Arc<Reservation>,
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
