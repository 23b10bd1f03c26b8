//! The messages of a call as they come in: each within its limits, counted while it is incomplete, and
//! not waited for without an end.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep};
use tonic::Status;
use tonic::codegen::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::server::access::Named;
use crate::server::requests::Method;
use crate::server::status::{left, status};
use crate::server::transport::call::{Call, PREFIX_BYTES};
use crate::server::transport::entries::Entries;
use crate::server::transport::exchange::Source;

/// Bytes of a message that are not counted.
const SMALL_BYTES: usize = 16 << 10;
/// Bytes that must have moved in every wait.
const LEAST_BYTES: usize = 64 << 10;
/// Pause before asking once more whether there is room.
const ROOM_EVERY: Duration = Duration::from_millis(20);

/// What a caller sends on a call.
pub(super) struct Incoming {
    source: Source,
    call: Arc<Call>,
    frame: Framing,
    /// Whether it is a text, of which a message is made later.
    is_text: bool,
    stall_timer: StallTimer,
    /// Data that found no room, since when, and when to try again.
    waiting: Option<(Bytes, Instant)>,
    /// When its caller's key allows the next message.
    not_before: Option<Instant>,
    has_ended: bool,
}

impl Incoming {
    /// Messages, each with its length before it.
    pub(super) fn new(source: Source, call: Arc<Call>) -> Self {
        let stall_timer = StallTimer::default();
        let frame = Framing::default();
        let (waiting, not_before) = (None, None);
        let (is_text, has_ended) = (false, false);
        Self { source, call, frame, is_text, stall_timer, waiting, not_before, has_ended }
    }

    /// A text of which a message is to be made, no longer than that may be.
    pub(super) fn text(source: Source, call: Arc<Call>) -> Self {
        Self { is_text: true, ..Self::new(source, call) }
    }

    /// Counts messages of a stream of questions: the next is not read before its time. The first was paid for
    /// by the call, and parts of files are no questions.
    fn pay(&mut self, messages: u64, is_first: bool) {
        if self.call.method().is_stream && !self.call.method().is_job {
            let wait = self.call.grant().owe(messages - u64::from(is_first));
            self.not_before = (!wait.is_zero()).then(|| Instant::now() + wait);
        }
    }

    fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Status>>> {
        if self.call.method().is_stream && self.frame.is_between() {
            // The message before is done with if the next is asked for.
            self.call.release_message();
        }
        if let Some(time) = self.not_before {
            ready!(self.stall_timer.poll_sleep(time, context));
            self.not_before = None;
            self.stall_timer.restart();
        }
        let (data, since) = match self.waiting.take() {
            Some(waiting) => waiting,
            None => match ready!(self.poll_stream(context)) {
                Some(Ok(data)) => (data, Instant::now()),
                ended => return Poll::Ready(ended),
            },
        };
        if !self.call.reserve_message(self.frame.counted.saturating_sub(SMALL_BYTES)) {
            if since.elapsed() > self.call.peer().limits().stall {
                return Poll::Ready(Some(Err(status(&Error::new(ErrorKind::Overloaded)))));
            }
            self.waiting = Some((data, since));
            ready!(self.stall_timer.poll_sleep(Instant::now() + ROOM_EVERY, context));
            // The sleep was over at once.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        // The caller may send so much more.
        if self.source.release().is_err() {
            return Poll::Ready(Some(Err(left())));
        }
        Poll::Ready(Some(Ok(data)))
    }

    fn poll_stream(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Status>>> {
        match self.source.poll_data(context) {
            Poll::Ready(Some(Ok(data))) if self.is_text => {
                if let Err(error) = self.frame.count(data.len(), self.call.method()) {
                    return Poll::Ready(Some(Err(status(&error))));
                }
                self.stall_timer.record(data.len());
                Poll::Ready(Some(Ok(data)))
            }
            Poll::Ready(Some(Ok(data))) => {
                let messages = self.frame.messages;
                let call = &self.call;
                let check = |named: &Named| call.check_named(named);
                if let Err(error) = self.frame.read(&data, call.method(), check) {
                    return Poll::Ready(Some(Err(status(&error))));
                }
                self.call.record_received(self.frame.largest);
                if self.frame.messages > messages {
                    self.pay(self.frame.messages - messages, messages == 0);
                    self.call.peer().mark_message(self.call.method().is_watching);
                    self.stall_timer.restart();
                } else {
                    self.stall_timer.record(data.len());
                }
                Poll::Ready(Some(Ok(data)))
            }
            // A stream that its caller reset is an error, as it should be: tonic takes `RST_STREAM(CANCEL)` for
            // the proper end of the caller's messages, and so half a file for a whole one.
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(left()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let limits = self.call.peer().limits();
                let waits_for_next = self.call.method().is_stream
                    && self.frame.messages > 0
                    && self.frame.is_between();
                let limit = if waits_for_next { limits.stream_idle } else { limits.stall };
                ready!(self.stall_timer.poll_stalled(limit, context));
                self.call.mark_stalled();
                let kind = ErrorKind::Idle { seconds: limit.as_secs_f64() };
                Poll::Ready(Some(Err(status(&Error::new(kind)))))
            }
        }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.has_ended {
            return Poll::Ready(None);
        }
        let data = ready!(this.poll_data(context));
        this.has_ended = !matches!(data, Some(Ok(_)));
        Poll::Ready(data.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended || self.waiting.is_none() && self.source.is_end()
    }
}

/// How long the other side has let the server wait.
#[derive(Debug, Default)]
pub(super) struct StallTimer {
    /// Of the wait that goes on, and bytes moved since.
    since: Option<Instant>,
    moved: usize,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl StallTimer {
    /// Begins again: something new is waited for.
    pub(super) fn restart(&mut self) {
        self.since = None;
        self.moved = 0;
    }

    pub(super) fn record(&mut self, bytes: usize) {
        self.moved = self.moved.saturating_add(bytes);
        if self.moved >= LEAST_BYTES {
            self.restart();
        }
    }

    /// Completes when the wait has taken this long.
    pub(super) fn poll_stalled(&mut self, limit: Duration, context: &mut Context<'_>) -> Poll<()> {
        let since = *self.since.get_or_insert_with(Instant::now);
        self.poll_sleep(since + limit, context)
    }

    fn poll_sleep(&mut self, until: Instant, context: &mut Context<'_>) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        sleep.as_mut().poll(context)
    }
}

/// Reads how long messages are, and how many entries they have, before anybody takes them apart.
#[derive(Debug, Default)]
struct Framing {
    prefix: [u8; PREFIX_BYTES],
    prefix_bytes: usize,
    /// Bytes of the message that are to come.
    left: usize,
    /// Bytes of the message that came, as far as they are counted.
    counted: usize,
    entries: Entries,
    /// Whole messages so far, and the length of the longest of all.
    messages: u64,
    largest: usize,
}

impl Framing {
    fn is_between(&self) -> bool {
        self.prefix_bytes == 0
    }

    /// Counts bytes of a text.
    fn count(&mut self, bytes: usize, method: &Method) -> Result<()> {
        self.counted += bytes;
        method.check(self.counted)
    }

    /// Reads data; `check` looks at the tables of each message at its end.
    fn read(
        &mut self,
        mut data: &[u8],
        method: &Method,
        mut check: impl FnMut(&Named) -> Result<()>,
    ) -> Result<()> {
        while let Some(&byte) = data.first() {
            if self.prefix_bytes < PREFIX_BYTES {
                self.prefix[self.prefix_bytes] = byte;
                self.prefix_bytes += 1;
                data = &data[1..];
                if self.prefix_bytes == PREFIX_BYTES {
                    self.begin(method)?;
                    self.end_if_whole(&mut check)?;
                }
                continue;
            }
            let (now, rest) = data.split_at(self.left.min(data.len()));
            self.left -= now.len();
            self.counted += now.len();
            // What is packed is refused later.
            if self.prefix[0] == 0 {
                self.entries.read(now)?;
            }
            data = rest;
            self.end_if_whole(&mut check)?;
        }
        Ok(())
    }

    fn begin(&mut self, method: &Method) -> Result<()> {
        let [_, length @ ..] = self.prefix;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        method.check(length)?;
        self.left = length;
        self.largest = self.largest.max(length);
        self.counted = 0;
        self.entries = Entries::of(method.shape, length);
        Ok(())
    }

    fn end_if_whole(&mut self, check: &mut impl FnMut(&Named) -> Result<()>) -> Result<()> {
        if self.left == 0 && self.prefix_bytes == PREFIX_BYTES {
            self.prefix_bytes = 0;
            self.messages += 1;
            // What is packed was not looked at.
            self.entries.named.is_unreadable |= self.prefix[0] != 0 || self.entries.is_lost();
            check(&self.entries.named)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::limits;
    use crate::proto as pb;
    use crate::server::requests::method;

    fn framed(message: &impl prost::Message) -> Vec<u8> {
        let message = message.encode_to_vec();
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[0], &length[..], &message].concat()
    }

    fn read(data: &[u8], piece: usize) -> Result<Framing> {
        let mut frame = Framing::default();
        for piece in data.chunks(piece) {
            frame.read(piece, &method("/wordspace.v1.SearchService/NearestBatch"), |_| Ok(()))?;
        }
        Ok(frame)
    }

    fn word(word: &str) -> pb::WordOrVector {
        word.to_owned().into()
    }

    #[test]
    fn messages_are_counted_however_they_are_cut() {
        let (k, min_similarity) = (Some(300), Some(0.5));
        let positive = vec![word("king"), word("")];
        let query = pb::NearestRequest { k, min_similarity, positive, ..Default::default() };
        let batch = pb::NearestBatchRequest { table: "t".to_owned(), queries: vec![query; 70] };
        let data = [framed(&batch), framed(&pb::NearestBatchRequest::default()), framed(&batch)];
        let data = data.concat();
        for piece in [1, 2, 5, 7, 1_000, data.len()] {
            let frame = read(&data, piece).unwrap();
            assert_eq!((frame.messages, frame.is_between()), (3, true), "{piece}");
            // A table and 70 queries, each with two words that are messages with a text.
            let counts = (frame.entries.count, frame.entries.nested);
            assert_eq!(counts, (71, 1 + 70 * 5), "{piece}");
            assert_eq!(frame.largest, batch.encoded_len());
            let frame = read(&data[..data.len() - 1], piece).unwrap();
            assert_eq!((frame.messages, frame.is_between()), (2, false), "{piece}");
        }
    }

    #[test]
    fn a_message_that_is_too_much_is_refused_by_its_beginning() {
        let limit = |result: Result<Framing>| {
            let error = result.unwrap_err();
            let ErrorKind::TooLarge { limit, .. } = *error.kind() else { panic!("{error}") };
            limit
        };
        assert_eq!(limit(read(&[0, 2, 0, 0, 1], 1)), "BATCH_BYTES_MAX");
        let queries = vec![pb::NearestRequest::default(); limits::MESSAGE_ENTRIES_MAX + 1];
        let batch = pb::NearestBatchRequest { table: String::new(), queries };
        assert_eq!(limit(read(&framed(&batch), 999)), "MESSAGE_ENTRIES_MAX");
        let positive = vec![pb::WordOrVector::default(); limits::NESTED_ENTRIES_MAX];
        let query = pb::NearestRequest { positive, ..pb::NearestRequest::default() };
        let batch = pb::NearestBatchRequest { table: String::new(), queries: vec![query] };
        assert_eq!(limit(read(&framed(&batch), 999)), "NESTED_ENTRIES_MAX");
        // Behind a group, which proto3 has not, nothing is counted but bytes.
        let mut hidden = framed(&batch);
        hidden.splice(5..5, [0x0b, 0x0c]);
        let length = u32::try_from(hidden.len() - 5).unwrap().to_be_bytes();
        hidden[1..5].copy_from_slice(&length);
        assert_eq!(limit(read(&hidden, 999)), "NESTED_ENTRIES_MAX");
        // Nonsense is left to whoever takes it apart.
        assert!(read(&[0, 0, 0, 0, 3, 0xff, 0xff, 0xff], 1).is_ok());
    }
}
