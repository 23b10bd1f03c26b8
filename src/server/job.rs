//! The one runner of long work: every stream that starts a job, and every job without one.
//!
//! A task keeps the job: it reads the caller's messages, waits for a slot, starts the thread that works,
//! hands the messages over as fast as they are taken, and stops the work when the caller may not have it any
//! more. Another task makes replies of what the job tells; it only looks on, so a caller that does not read
//! holds up nothing. Before a stream has sent enough to work on it has neither a slot nor a thread, and a slot
//! that waits for its caller is lent to others.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use crate::arenas;
use crate::engine::Engine;
use crate::engine::job::{Job, JobKind, JobReport, JobStatus, NewJob, Unit};
use crate::engine::slots::{Permit, Slot};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::priority;
use crate::proto as pb;
use crate::server::access::JobPlace;
use crate::server::desk::Desk;
use crate::server::request_id::{carried, current};
use crate::server::status::status;
use crate::server::{caught, guard, transport};

/// Time between two looks at a job whose progress is told.
const LOOK: Duration = Duration::from_millis(100);
/// Messages that wait between a stream and the thread that works on them.
const MESSAGES_WAITING: usize = 4;
/// Bytes that a stream sends before a slot and a thread are taken for it, unless it ends before.
const ENOUGH_BYTES: u64 = 64 << 10;
/// How long a thread waits for its caller before others may have its slot.
const LENT_AFTER: Duration = Duration::from_secs(1);

/// The replies of a stream that starts a job.
pub(super) type Replies<R> = ReceiverStream<Result<R, Status>>;

/// A kind of job, from its caller's messages to its replies.
pub(super) trait Work: Send + Sized + 'static {
    /// What it does.
    const KIND: JobKind;
    /// What the caller sends after the first message; `()` if nothing.
    type Part: Send + 'static;
    /// What the caller is told.
    type Reply: Send + 'static;

    /// The table, or the tokenizer, that it is about.
    fn table(&self) -> String;

    /// Whether the caller asked it to go on alone.
    fn is_detached(&self) -> bool {
        false
    }

    /// Whether what arrives is kept, so that another call can go on behind it.
    fn is_kept(&self) -> bool {
        false
    }

    /// Does the work, on a thread that may block.
    fn run(self, run: Run<Self::Part>) -> Result<JobReport>;

    /// What the caller is told, if anything.
    fn reply(told: Told<'_>) -> Option<Self::Reply>;
}

/// What a caller is told of its job.
pub(super) enum Told<'a> {
    /// Its number; again when it goes on alone.
    Started(pb::JobStarted),
    /// How far it is.
    Progress(&'a JobStatus),
    /// What came of it.
    Report(&'a JobReport),
}

/// How far a job is.
pub(super) fn progress(status: &JobStatus) -> pb::JobProgress {
    pb::JobProgress {
        unit: match status.progress.unit {
            Unit::Bytes => pb::JobUnit::Bytes,
            Unit::Rows => pb::JobUnit::Rows,
            Unit::Tokens => pb::JobUnit::Tokens,
        }
        .into(),
        done: status.progress.done,
        total: status.progress.total,
        rate: status.rate(),
        seconds_left: status.seconds_left(),
        seconds: status.run_time.as_secs_f64(),
        phase: status.progress.phase.to_owned(),
        learning: status.progress.learning.as_deref().map(pb::LearningProgress::from),
    }
}

/// What the thread of a job has.
pub(super) struct Run<P> {
    /// Stops with the job.
    pub(super) engine: Engine,
    pub(super) job: Job,
    pub(super) input: Input<P>,
    permit: Slotted,
}

impl<P> Run<P> {
    /// Waits for a slot of another kind, which goes to whoever works on; that of the job is given back.
    pub(super) fn other_slot(&self, slot: Slot) -> impl FnMut() -> Result<Permit> + use<P> {
        let (job, permit) = (self.job.clone(), Arc::clone(&self.permit));
        move || {
            let other = job.slots().wait(slot, job.stop())?;
            drop(permit.lock().take());
            Ok(other)
        }
    }
}

/// The slot of a job that works; none while it is lent.
type Slotted = Arc<Mutex<Option<Permit>>>;

/// The caller's messages, for the thread that works on them.
pub(super) struct Input<P> {
    /// Those that came before the work began.
    first: VecDeque<Result<P>>,
    rest: mpsc::Receiver<Result<P>>,
    /// Whether the thread waits for the caller.
    is_hungry: Arc<AtomicBool>,
}

impl<P> Input<P> {
    /// These, and no other.
    #[cfg(test)]
    pub(super) fn of(parts: Vec<Result<P>>) -> Self {
        let (_, rest) = mpsc::channel(1);
        Self { first: parts.into(), rest, is_hungry: Arc::default() }
    }

    /// Waits for the next message; none at the end. A stream that broke is an error.
    pub(super) fn next(&mut self) -> Option<Result<P>> {
        if let Some(first) = self.first.pop_front() {
            return Some(first);
        }
        // Only a hint for the task that lends the slot.
        self.is_hungry.store(true, Ordering::Relaxed);
        let next = self.rest.blocking_recv();
        self.is_hungry.store(false, Ordering::Relaxed);
        next
    }
}

/// What is known of the call that starts a job.
pub(super) struct Call {
    owner: String,
    deadline: Option<Instant>,
    /// None in tests.
    transport: Option<Arc<transport::Call>>,
}

impl Call {
    pub(super) fn of<T>(request: &Request<T>) -> Self {
        let metadata: &MetadataMap = request.metadata();
        let named = metadata.get("wordspace-owner").and_then(|owner| owner.to_str().ok());
        let transport: Option<Arc<transport::Call>> = request.extensions().get().cloned();
        let holder = transport.as_ref().and_then(|call| call.grant().holder()).map(str::to_owned);
        let named = named
            .filter(|owner| !owner.is_empty())
            .map(|owner| owner.chars().take(limits::OWNER_CHARS_MAX).collect::<String>());
        let address = || request.remote_addr().map(|address| address.to_string());
        let timeout = guard::timeout(metadata);
        Self {
            owner: named.or(holder).or_else(address).unwrap_or_default(),
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            transport,
        }
    }

    /// Waits for the tables that it names, where they are followed.
    pub(super) async fn reached(&self, desk: &Desk) {
        let left = self.deadline.map(|end| end.saturating_duration_since(Instant::now()));
        if let Some(call) = &self.transport
            && let Ok(least) = call.least()
        {
            // A job has a slot of its own: it does not crowd in.
            drop(desk.reached(call, least, left).await);
        }
    }
}

/// The messages of a call, and what each of them holds.
pub(super) struct Messages<M, P> {
    pub(super) stream: Streaming<M>,
    pub(super) part: fn(M) -> Result<P>,
}

impl<M: prost::Message + Default, P> Messages<M, P> {
    /// The next message with its bytes; none at the end.
    async fn next(&mut self) -> Option<(Result<P>, u64)> {
        match self.stream.message().await {
            Ok(Some(message)) => {
                let bytes = message.encoded_len() as u64;
                Some(((self.part)(message), bytes))
            }
            Ok(None) => None,
            Err(broken) => {
                let error = Error::caused(ErrorKind::Cancelled, broken);
                Some((Err(error.context("the stream broke off before its end")), 0))
            }
        }
    }
}

/// How long a caller may keep the server waiting. Every byte gives it some more.
struct Patience {
    most: Duration,
    left: Duration,
}

impl Patience {
    fn new(most: Duration) -> Self {
        Self { most, left: most }
    }

    fn spend(&mut self, waited: Duration) -> Result<()> {
        self.left = self.left.saturating_sub(waited);
        if self.left.is_zero() {
            return Err(Error::new(ErrorKind::Idle { seconds: self.most.as_secs_f64() }));
        }
        Ok(())
    }

    fn regain(&mut self, bytes: u64) {
        let gained = Duration::from_secs_f64(bytes as f64 / limits::STREAM_RATE_MIN as f64);
        self.left = self.left.saturating_add(gained).min(self.most);
    }
}

impl Desk {
    /// The first message of a stream, for which the caller has as long as for any other.
    pub(super) async fn first<M: prost::Message + Default>(
        &self,
        stream: &mut Streaming<M>,
        call: &Call,
    ) -> Result<Option<M>, Status> {
        let mut is_closing = self.is_closing.clone();
        let kind = tokio::select! {
            message = stream.message() => return message,
            () = sleep(self.idle) => {
                call.transport.iter().for_each(|call| call.mark_stalled());
                ErrorKind::Idle { seconds: self.idle.as_secs_f64() }
            }
            () = until(call.deadline) => ErrorKind::Deadline,
            // An error means that the server is gone, which is as good.
            _ = is_closing.wait_for(|&closing| closing) => ErrorKind::Closing,
        };
        Err(status(&Error::new(kind)))
    }

    /// Starts a job that works on the messages of a stream.
    pub(super) fn start_with<W, M>(
        &self,
        work: W,
        call: Call,
        messages: Messages<M, W::Part>,
    ) -> Result<Followed<W>>
    where
        W: Work,
        M: prost::Message + Default + 'static,
    {
        self.begin(work, call, Some(messages))
    }

    /// Starts a job that has all it needs.
    pub(super) fn start<W: Work<Part = ()>>(&self, work: W, call: Call) -> Result<Followed<W>> {
        self.begin::<W, pb::GetJobRequest>(work, call, None)
    }

    fn begin<W, M>(
        &self,
        work: W,
        call: Call,
        messages: Option<Messages<M, W::Part>>,
    ) -> Result<Followed<W>>
    where
        W: Work,
        M: prost::Message + Default + 'static,
    {
        let least = call.transport.as_ref().map(|call| call.least()).transpose()?;
        let place = call.transport.as_ref().map(|call| call.grant().job()).transpose()?;
        let job = self.engine.jobs().register(NewJob {
            kind: W::KIND,
            table: work.table(),
            owner: call.owner,
            is_detached: work.is_detached(),
        })?;
        let deadline = call.deadline;
        let transport = call.transport.filter(|_| messages.is_some());
        let engine = self.engine.at_least(least.unwrap_or_default());
        let desk = Self { engine, ..self.clone() };
        let keeper = Keeper { desk, job: job.clone(), deadline, transport, _place: place };
        tokio::spawn(keeper.keep(work, messages));
        Ok(Followed { desk: self.clone(), job, deadline, work: PhantomData })
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Waits for news of jobs until there is something.
async fn when<T>(mut news: watch::Receiver<()>, mut look: impl FnMut() -> Option<T>) -> T {
    loop {
        news.mark_unchanged();
        if let Some(found) = look() {
            return found;
        }
        // An error means that the server is gone; then there is no news either.
        if news.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// What keeps a job: one task.
struct Keeper {
    desk: Desk,
    job: Job,
    deadline: Option<Instant>,
    /// The call whose messages it reads.
    transport: Option<Arc<transport::Call>>,
    /// Of those that its caller's key allows.
    _place: Option<JobPlace>,
}

impl Keeper {
    async fn keep<W, M>(self, work: W, mut messages: Option<Messages<M, W::Part>>)
    where
        W: Work,
        M: prost::Message + Default + 'static,
    {
        let has_stream = messages.is_some();
        // The work begins with the first byte of what is kept: only the work keeps it.
        let enough = if work.is_kept() { 1 } else { ENOUGH_BYTES };
        let mut patience = Patience::new(self.desk.idle);
        let begun = async {
            let first = match &mut messages {
                Some(messages) => self.gather(messages, &mut patience, enough).await?,
                None => First { parts: VecDeque::new(), is_all: true },
            };
            let (permit, thread) = if has_stream {
                let place = self.job.slots().queue(W::KIND.slot())?;
                let news = self.desk.news.clone();
                let [permit, thread] = when(news, || place.enter_with(Slot::Thread)).await;
                (permit, Some(thread))
            } else {
                (self.permit(W::KIND.slot()).await?, None)
            };
            Ok::<_, Error>((first, thread, permit))
        };
        let begun = tokio::select! {
            begun = begun => begun,
            why = self.stopped() => Err(why),
        };
        match begun {
            Ok((first, thread, permit)) => {
                let is_all = first.is_all;
                let permit = Arc::new(Mutex::new(Some(permit)));
                let feed = self.work(work, first, thread, &permit);
                match &mut messages {
                    Some(messages) if !is_all => {
                        self.feed(messages, feed, &mut patience, &permit).await;
                    }
                    _ => {
                        drop(feed);
                        self.job.has_all();
                    }
                }
                // The deadline is watched until the end.
                tokio::select! {
                    () = self.ended() => {}
                    _ = self.stopped() => {}
                }
                self.ended().await;
            }
            Err(error) => self.job.end(Err(error)),
        }
        // What is left of a stream that was refused early is read and dropped until its caller has the
        // answer: a stream that is reset while its caller sends may lose it.
        // One that sent nothing for too long sends nothing now.
        let outcome = self.job.status().outcome;
        let is_idle = outcome.is_some_and(|outcome| {
            matches!(outcome.as_ref().as_ref().map_err(Error::kind), Err(ErrorKind::Idle { .. }))
        });
        let idle = if is_idle { Duration::ZERO } else { self.desk.idle };
        // The engine is not kept open by a caller that sends on.
        drop(self);
        if let Some(Messages { mut stream, .. }) = messages {
            let rest = async { while let Ok(Some(_)) = stream.message().await {} };
            tokio::select! {
                () = rest => {}
                () = sleep(idle) => {}
            }
        }
    }

    /// The messages with which the work begins.
    async fn gather<M: prost::Message + Default, P>(
        &self,
        messages: &mut Messages<M, P>,
        patience: &mut Patience,
        enough: u64,
    ) -> Result<First<P>> {
        let (mut parts, mut bytes) = (VecDeque::new(), 0);
        loop {
            let asked = Instant::now();
            let next = tokio::time::timeout(patience.left, messages.next()).await;
            self.spend(patience, asked.elapsed())?;
            let Ok(next) = next else { continue };
            let Some((part, more)) = next else { return Ok(First { parts, is_all: true }) };
            patience.regain(more);
            bytes += more;
            parts.push_back(Ok(part?));
            if bytes >= enough {
                return Ok(First { parts, is_all: false });
            }
        }
    }

    fn spend(&self, patience: &mut Patience, waited: Duration) -> Result<()> {
        let stalls = |_: &Error| self.transport.iter().for_each(|call| call.mark_stalled());
        patience.spend(waited).inspect_err(stalls)
    }

    async fn permit(&self, slot: Slot) -> Result<Permit> {
        let place = self.job.slots().queue(slot)?;
        Ok(when(self.desk.news.clone(), || place.enter()).await)
    }

    /// Starts the thread that works.
    fn work<W: Work>(
        &self,
        work: W,
        first: First<W::Part>,
        thread: Option<Permit>,
        permit: &Slotted,
    ) -> Feed<W::Part> {
        let (parts, rest) = mpsc::channel(MESSAGES_WAITING);
        let is_hungry = Arc::new(AtomicBool::new(false));
        let run = Run {
            engine: self.desk.engine.until(self.job.stop().clone()),
            job: self.job.clone(),
            input: Input { first: first.parts, rest, is_hungry: Arc::clone(&is_hungry) },
            permit: Arc::clone(permit),
        };
        let (job, permit) = (self.job.clone(), Arc::clone(permit));
        let works = move || {
            priority::give_way();
            job.begin();
            let outcome = caught(|| work.run(run));
            // Whoever sees that it ended finds its slots free.
            drop((permit.lock().take(), thread));
            job.end(outcome);
            arenas::give_back();
        };
        let named = std::thread::Builder::new().name(format!("job-{}", self.job.id()));
        if let Err(cause) = named.spawn(works) {
            let error = Error::caused(ErrorKind::Overloaded, cause);
            self.job.end(Err(error.context("starting a thread")));
        }
        Feed { parts, is_hungry }
    }

    /// Hands the messages over until the stream ends or breaks, or the job is stopped or ends.
    async fn feed<M: prost::Message + Default, P>(
        &self,
        messages: &mut Messages<M, P>,
        feed: Feed<P>,
        patience: &mut Patience,
        permit: &Slotted,
    ) {
        let parts = feed.parts.clone();
        let all = async {
            loop {
                let next = self.next(messages, &feed, patience, permit).await;
                let Some(part) = next.transpose() else { return true };
                let was_last = part.is_err();
                if feed.parts.send(part).await.is_err() || was_last {
                    return false;
                }
            }
        };
        tokio::select! {
            is_all = all => if is_all { self.job.has_all() },
            why = self.stopped() => {
                tokio::select! {
                    // An error means that the thread is gone, which is as good.
                    _ = parts.send(Err(why)) => {}
                    () = self.ended() => {}
                }
            }
            () = self.ended() => {}
        }
    }

    /// The next message. While the thread waits for it too, the caller's time runs, and others may have
    /// the slot.
    async fn next<M: prost::Message + Default, P>(
        &self,
        messages: &mut Messages<M, P>,
        feed: &Feed<P>,
        patience: &mut Patience,
        permit: &Slotted,
    ) -> Result<Option<P>> {
        let next = messages.next();
        tokio::pin!(next);
        let mut hungry = Duration::ZERO;
        let look = LOOK.min(patience.most / 4);
        let next = loop {
            let asked = Instant::now();
            tokio::select! {
                next = &mut next => break next,
                () = sleep(look) => {
                    if feed.is_hungry() {
                        hungry += asked.elapsed();
                        self.spend(patience, asked.elapsed())?;
                    }
                    if hungry >= LENT_AFTER {
                        drop(permit.lock().take());
                    }
                }
            }
        };
        if hungry >= LENT_AFTER {
            let again = self.permit(self.job.asked().kind.slot()).await?;
            *permit.lock() = Some(again);
        }
        let Some((part, bytes)) = next else { return Ok(None) };
        patience.regain(bytes);
        part.map(Some)
    }

    /// Why the job is stopped, once it is. The deadline of a call does not concern a job that went on
    /// without it.
    async fn stopped(&self) -> Error {
        let mut deadline = self.deadline;
        loop {
            let stop = self.job.stop();
            tokio::select! {
                why = when(self.desk.news.clone(), || stop.check().err()) => return why,
                () = until(deadline) => {
                    deadline = None;
                    if !self.job.status().may_leave {
                        self.job.stop_for(ErrorKind::Deadline);
                    }
                }
            }
        }
    }

    async fn ended(&self) {
        when(self.desk.news.clone(), || self.job.has_ended().then_some(())).await;
    }
}

/// What came of a stream before its work began.
struct First<P> {
    parts: VecDeque<Result<P>>,
    /// Whether the stream has ended.
    is_all: bool,
}

/// The way to the thread that works.
struct Feed<P> {
    parts: mpsc::Sender<Result<P>>,
    is_hungry: Arc<AtomicBool>,
}

impl<P> Feed<P> {
    /// Whether the thread has nothing to do.
    fn is_hungry(&self) -> bool {
        self.is_hungry.load(Ordering::Relaxed) && self.parts.capacity() == MESSAGES_WAITING
    }
}

/// A job with the caller that started it.
pub(super) struct Followed<W> {
    desk: Desk,
    job: Job,
    deadline: Option<Instant>,
    work: PhantomData<fn() -> W>,
}

impl<W: Work> Followed<W> {
    /// What the job tells, as replies.
    pub(super) fn replies(self) -> Response<Replies<W::Reply>> {
        self.replies_with(None)
    }

    /// The same, with replies that its work makes before the last one.
    pub(super) fn replies_with(
        self,
        chunks: Option<mpsc::Receiver<W::Reply>>,
    ) -> Response<Replies<W::Reply>> {
        // The task is a reply ahead of the caller, and no more.
        let (replies, answer) = mpsc::channel(1);
        tokio::spawn(carried(current(), async move {
            let last = tokio::select! {
                last = self.tell(chunks, &replies) => last,
                () = replies.closed() => None,
                () = until(self.deadline) => Some(Err(Error::new(ErrorKind::Deadline))),
            };
            match last {
                // Ignore: the caller is gone.
                Some(last) => {
                    drop(replies.send(last.map_err(|error| status(&error))).await);
                }
                None => self.left(),
            }
        }));
        Response::new(ReceiverStream::new(answer))
    }

    /// What came of it, for a call with one reply.
    pub(super) async fn outcome(self) -> Result<Arc<Result<JobReport>>> {
        struct Left(Job);
        impl Drop for Left {
            fn drop(&mut self) {
                self.0.cancel();
            }
        }
        let _left = Left(self.job.clone());
        tokio::select! {
            outcome = when(self.desk.news.clone(), || self.job.status().outcome) => Ok(outcome),
            () = until(self.deadline) => Err(Error::new(ErrorKind::Deadline)),
        }
    }

    /// The caller does not listen any more. What is detached ends with its stream, if that breaks.
    fn left(&self) {
        if !self.job.asked().is_detached {
            self.job.cancel();
        }
    }

    /// Tells everything but the last reply; none if the caller left. An ended export has no last one.
    async fn tell(
        &self,
        chunks: Option<mpsc::Receiver<W::Reply>>,
        replies: &mpsc::Sender<Result<W::Reply, Status>>,
    ) -> Option<Result<W::Reply>> {
        let number = |may_leave| {
            W::reply(Told::Started(pb::JobStarted { id: self.job.id(), may_leave })).map(Ok)
        };
        let mut may_leave = self.job.status().may_leave;
        if let Some(number) = number(may_leave) {
            replies.send(number).await.ok()?;
        }
        if let Some(mut chunks) = chunks {
            while let Some(chunk) = chunks.recv().await {
                self.give(chunk, replies).await?;
            }
        }
        let mut progress = self.job.status().progress;
        loop {
            let now = self.job.status();
            if now.may_leave != may_leave
                && let Some(number) = number(now.may_leave)
            {
                may_leave = now.may_leave;
                replies.send(number).await.ok()?;
            }
            if let Some(outcome) = &now.outcome {
                return match &**outcome {
                    Ok(report) => W::reply(Told::Report(report)).map(Ok),
                    Err(error) => {
                        // Ignore: the caller is gone.
                        drop(replies.send(Err(status(error))).await);
                        None
                    }
                };
            }
            if now.progress != progress
                && let Some(reply) = W::reply(Told::Progress(&now))
            {
                progress = now.progress.clone();
                replies.send(Ok(reply)).await.ok()?;
            }
            let changed = when(self.desk.news.clone(), || {
                let status = self.job.status();
                (status.outcome.is_some() || status.may_leave != may_leave).then_some(())
            });
            tokio::select! {
                () = changed => {}
                () = sleep(LOOK) => {}
            }
        }
    }

    /// Hands a chunk to a caller who reads; one who does not is let go, sooner if others wait.
    async fn give(
        &self,
        chunk: W::Reply,
        replies: &mpsc::Sender<Result<W::Reply, Status>>,
    ) -> Option<()> {
        let sent = replies.send(Ok(chunk));
        tokio::pin!(sent);
        let began = Instant::now();
        loop {
            tokio::select! {
                sent = &mut sent => return sent.ok(),
                () = sleep(LOOK.min(self.desk.idle / 4)) => {
                    let is_wanted = self.job.slots().is_wanted(W::KIND.slot());
                    if began.elapsed() >= self.desk.idle || (is_wanted && began.elapsed() >= LENT_AFTER) {
                        let seconds = self.desk.idle.as_secs_f64();
                        self.job.stop_for(ErrorKind::Idle { seconds });
                        return None;
                    }
                }
            }
        }
    }
}

impl Desk {
    /// Tells of a job while it changes, to anybody.
    pub(super) async fn watch(
        &self,
        job: &Job,
        replies: &mpsc::Sender<Result<pb::WatchJobResponse, Status>>,
    ) {
        let mut shown = None;
        loop {
            let now = job.status();
            let seen = Some((now.state, now.progress.clone()));
            let has_ended = now.state.has_ended();
            if shown != seen {
                shown = seen;
                let reply = pb::WatchJobResponse { job: Some(now.into()) };
                if replies.send(Ok(reply)).await.is_err() || has_ended {
                    return;
                }
            }
            tokio::select! {
                () = sleep(LOOK) => {}
                () = when(self.news.clone(), || job.has_ended().then_some(())) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as std_mpsc;

    use tempfile::TempDir;
    use tokio::sync::oneshot;
    use tokio_stream::StreamExt as _;
    use tonic::Code;

    use super::*;
    use crate::engine::config::EngineConfig;
    use crate::engine::job::{JobState, Progress};
    use crate::server::metrics::Metrics;
    use crate::server::transport::Registry;

    type Task = Box<dyn FnOnce(Run<()>) -> Result<JobReport> + Send>;

    /// Whatever a test wants to be done, as a long call or as an export.
    struct Fake<const IS_EXPORT: bool> {
        task: Task,
        is_detached: bool,
    }

    impl<const IS_EXPORT: bool> Work for Fake<IS_EXPORT> {
        const KIND: JobKind = if IS_EXPORT { JobKind::Export } else { JobKind::SeedTable };
        type Part = ();
        type Reply = u64;

        fn table(&self) -> String {
            "fake".to_owned()
        }

        fn is_detached(&self) -> bool {
            self.is_detached
        }

        fn run(self, run: Run<()>) -> Result<JobReport> {
            (self.task)(run)
        }

        fn reply(told: Told<'_>) -> Option<u64> {
            match told {
                Told::Started(job) => Some(job.id),
                Told::Progress(status) => Some(status.progress.done),
                Told::Report(_) => Some(u64::MAX),
            }
        }
    }

    struct Office {
        desk: Desk,
        _folder: TempDir,
        _closing: watch::Sender<bool>,
    }

    fn office(idle: Duration) -> Office {
        let folder = tempfile::tempdir().unwrap();
        let config = EngineConfig { index_threads: 1, ..EngineConfig::new(folder.path()) };
        let engine = Engine::open(&config).unwrap();
        let (tell, news) = watch::channel(());
        engine.jobs().on_news(Box::new(move || tell.send_modify(|()| {})));
        let (closing, is_closing) = watch::channel(false);
        let guard = guard::Guard::default();
        let began = std::time::Instant::now();
        let pool = Arc::new(crate::server::pool::Pool::start().unwrap());
        let limits = transport::ConnectionLimits::default();
        let (registry, metrics) = (Registry::new(limits), Arc::new(Metrics::new(0)));
        let (followed, entering) = (None, Arc::new(tokio::sync::Semaphore::new(1)));
        let desk = Desk {
            engine,
            guard,
            pool,
            registry,
            metrics,
            is_closing,
            news,
            followed,
            entering,
            idle,
            began,
        };
        Office { desk, _folder: folder, _closing: closing }
    }

    impl Office {
        fn start(
            &self,
            is_detached: bool,
            deadline: Option<Duration>,
            task: impl FnOnce(Run<()>) -> Result<JobReport> + Send + 'static,
        ) -> Followed<Fake<false>> {
            let deadline = deadline.map(|after| Instant::now() + after);
            let call = Call { owner: "test".to_owned(), deadline, transport: None };
            self.desk.start(Fake { task: Box::new(task), is_detached }, call).unwrap()
        }

        async fn ended(&self, job: &Job) -> JobState {
            when(self.desk.news.clone(), || job.has_ended().then_some(())).await;
            job.status().state
        }
    }

    fn until_stopped(run: &Run<()>) -> Error {
        loop {
            if let Err(why) = run.job.stop().check() {
                return why;
            }
            // Not yielding: one who yields again and again takes the core from the one who works.
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    const PATIENT: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_panic_fails_its_job_and_no_other() {
        let office = office(PATIENT);
        let other = office.start(false, None, |_| Ok(JobReport::Export(7)));
        let broken = office.start(false, None, |_| panic!("a test's panic"));
        let job = broken.job.clone();
        let outcome = broken.outcome().await.unwrap();
        assert_eq!(*outcome.as_ref().as_ref().unwrap_err().kind(), ErrorKind::Internal);
        assert_eq!(job.status().state, JobState::Failed);
        assert!(other.outcome().await.unwrap().is_ok());
        for _ in 0..=limits::LONG_CALLS_MAX {
            let next = office.start(false, None, |_| Ok(JobReport::Export(7)));
            assert!(next.outcome().await.unwrap().is_ok(), "its slot came back");
        }
    }

    #[tokio::test]
    async fn a_caller_that_leaves_ends_its_job_unless_that_is_detached() {
        let office = office(PATIENT);
        let (go, goes) = std_mpsc::channel::<()>();
        let lonely = office.start(false, None, |run| Err(until_stopped(&run)));
        let detached = office.start(true, None, move |run| {
            goes.recv().unwrap();
            run.job.stop().check()?;
            Ok(JobReport::Export(7))
        });
        let jobs = [lonely.job.clone(), detached.job.clone()];
        let (mut lonely, mut detached) =
            (lonely.replies().into_inner(), detached.replies().into_inner());
        assert_eq!(lonely.next().await.unwrap().unwrap(), jobs[0].id(), "the number comes first");
        assert_eq!(detached.next().await.unwrap().unwrap(), jobs[1].id());
        drop((lonely, detached));
        assert_eq!(office.ended(&jobs[0]).await, JobState::Cancelled);
        go.send(()).unwrap();
        assert_eq!(office.ended(&jobs[1]).await, JobState::Done);
    }

    #[tokio::test]
    async fn a_caller_that_does_not_read_holds_nothing_up() {
        let office = office(PATIENT);
        let started = office.start(false, None, |run| {
            for done in 0..10_000 {
                run.job.progress(Progress { done, ..Progress::default() });
            }
            Ok(JobReport::Export(7))
        });
        let job = started.job.clone();
        let mut replies = started.replies().into_inner();
        assert_eq!(office.ended(&job).await, JobState::Done, "nobody has read a reply");
        let mut last = 0;
        while let Some(reply) = replies.next().await {
            last = reply.unwrap();
        }
        assert_eq!(last, u64::MAX, "the report is still there");
    }

    #[tokio::test]
    async fn stopped_work_keeps_its_slot_until_it_has_ended() {
        let office = office(PATIENT);
        let deaf = || {
            let (go, goes) = std_mpsc::channel::<()>();
            let (begins, has_begun) = oneshot::channel();
            let started = office.start(false, None, move |run| {
                begins.send(()).unwrap();
                goes.recv().unwrap();
                run.job.stop().check().map(|()| JobReport::Export(7))
            });
            (started, go, has_begun)
        };
        let mut working = Vec::new();
        for _ in 0..limits::LONG_CALLS_MAX {
            let (started, go, has_begun) = deaf();
            has_begun.await.unwrap();
            started.job.cancel();
            working.push((started, go));
        }
        let (next, go, mut has_begun) = deaf();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(has_begun.try_recv().is_err(), "two threads work, though nobody waits for them");
        assert_eq!(next.job.status().state, JobState::Waiting);
        assert!(office.desk.engine.jobs().slots().take(Slot::Long).is_err());
        let (first, goes) = working.pop().unwrap();
        goes.send(()).unwrap();
        assert_eq!(office.ended(&first.job).await, JobState::Cancelled);
        has_begun.await.unwrap();
        go.send(()).unwrap();
        assert_eq!(office.ended(&next.job).await, JobState::Done);
        for (_, go) in working {
            go.send(()).unwrap();
        }
    }

    #[tokio::test]
    async fn a_deadline_ends_the_job_and_of_a_detached_one_only_the_replies() {
        let office = office(PATIENT);
        let soon = Some(Duration::from_millis(20));
        let late = office.start(false, soon, |run| Err(until_stopped(&run)));
        let job = late.job.clone();
        let mut replies = late.replies().into_inner();
        let last = loop {
            match replies.next().await.unwrap() {
                Ok(_) => {}
                Err(status) => break status,
            }
        };
        assert_eq!(last.code(), Code::DeadlineExceeded);
        assert_eq!(office.ended(&job).await, JobState::Failed);

        let (go, goes) = std_mpsc::channel::<()>();
        let detached = office.start(true, soon, move |run| {
            goes.recv().unwrap();
            run.job.stop().check().map(|()| JobReport::Export(7))
        });
        let job = detached.job.clone();
        let mut replies = detached.replies().into_inner();
        while let Some(Ok(_)) = replies.next().await {}
        go.send(()).unwrap();
        assert_eq!(office.ended(&job).await, JobState::Done);
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_is_let_go() {
        let office = office(Duration::from_millis(50));
        let (sender, chunks) = mpsc::channel(1);
        let task = move |_| {
            while sender.blocking_send(1).is_ok() {}
            Err(Error::new(ErrorKind::Cancelled))
        };
        let call = Call { owner: String::new(), deadline: None, transport: None };
        let work: Fake<true> = Fake { task: Box::new(task), is_detached: false };
        let started = office.desk.start(work, call).unwrap();
        let job = started.job.clone();
        let _unread = started.replies_with(Some(chunks));
        assert_eq!(office.ended(&job).await, JobState::Failed);
        let outcome = job.status().outcome.unwrap();
        let error = outcome.as_ref().as_ref().unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Idle { seconds: 0.05 });
    }

    #[test]
    fn bytes_buy_patience_and_a_trickle_does_not() {
        let mut patience = Patience::new(Duration::from_secs(10));
        patience.spend(Duration::from_secs(9)).unwrap();
        patience.regain(1 << 20);
        patience.spend(Duration::from_secs(9)).unwrap();
        patience.regain(1);
        assert!(patience.spend(Duration::from_secs(9)).is_err(), "a byte in 9 seconds");
    }
}
