//! How a server is asked: with so many calls in flight, or so many a second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout, timeout_at};

use crate::cli::bench::histogram::Histogram;
use crate::cli::bench::http1::{Failed, Http1};
use crate::cli::bench::questions::Question;
use crate::client::{AnsweredBy, CallError, Client};

/// Planned calls that wait to be sent: more of them change nothing but memory.
const PLANNED: usize = 1 << 16;
/// Pause after a call that was not answered at all: the next one would fail as fast.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a sleep takes at most.
const ONE_SECOND: Duration = Duration::from_secs(1);

/// What is asked, and how.
pub(super) struct Load {
    pub(super) asked: Asked,
    /// Calls in flight at most.
    pub(super) in_flight: u32,
    /// Calls a second; none: the next call comes when one is answered.
    pub(super) rate: Option<f64>,
    pub(super) warm_up: Duration,
    pub(super) duration: Duration,
    /// How long a call may take.
    pub(super) give_up: Duration,
}

/// What is asked, over what.
pub(super) enum Asked {
    /// Questions in turn, over connections in turn.
    Grpc(Vec<Client>, Vec<Question>),
    Http1(Http1),
}

impl Asked {
    /// Asks the question whose turn it is, and tells what found the answer.
    async fn ask(&self, turn: usize) -> Result<Option<AnsweredBy>, Failed> {
        match self {
            Self::Grpc(connections, questions) => {
                let question = questions[turn % questions.len()].clone();
                let answer = question.ask(&connections[turn % connections.len()]).await;
                let failed =
                    |error: CallError| Failed { reason: reason(&error), is_lost: error.is_lost() };
                Ok(answer.map_err(failed)?.map(|info| info.answered_by()))
            }
            Self::Http1(questions) => questions.ask(turn).await.map(|()| None),
        }
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Measured {
    /// Of calls that were answered.
    pub(super) latency: Histogram,
    /// Calls that failed, by reason.
    pub(super) errors: BTreeMap<String, u64>,
    /// Answers by what found them, where they tell.
    pub(super) answered_by: BTreeMap<&'static str, u64>,
    /// Calls that were planned, and not sent before the end.
    pub(super) unsent: u64,
    /// Over which they are counted.
    pub(super) took: Duration,
}

impl Measured {
    pub(super) fn error_count(&self) -> u64 {
        self.errors.values().sum()
    }
}

/// What all callers share.
struct Shared {
    load: Load,
    /// When calls begin to count, and when none begins any more.
    counted_from: Instant,
    end: Instant,
    next: AtomicUsize,
    measured: Mutex<Measured>,
}

impl Load {
    /// Asks until the time is over.
    pub(super) async fn run(self) -> Measured {
        let rate = self.rate;
        let (in_flight, counted_from) = (self.in_flight, Instant::now() + self.warm_up);
        let shared = Arc::new(Shared {
            end: counted_from + self.duration,
            load: self,
            counted_from,
            next: AtomicUsize::new(0),
            measured: Mutex::default(),
        });
        match rate {
            None => closed(&shared, in_flight).await,
            Some(rate) => open(&shared, rate, in_flight).await,
        }
        let mut measured = std::mem::take(&mut *shared.measured.lock());
        measured.took = shared.load.duration;
        measured
    }
}

/// Each caller asks when it is answered.
async fn closed(shared: &Arc<Shared>, in_flight: u32) {
    let mut callers = JoinSet::new();
    for _ in 0..in_flight {
        let shared = Arc::clone(shared);
        callers.spawn(async move {
            loop {
                let now = Instant::now();
                if now >= shared.end {
                    return;
                }
                if !shared.call(now).await {
                    sleep(PAUSE).await;
                }
            }
        });
    }
    callers.join_all().await;
}

/// Calls are sent when they are planned, whatever became of those before.
async fn open(shared: &Arc<Shared>, rate: f64, in_flight: u32) {
    let (planned, mut due) = mpsc::channel::<Instant>(PLANNED);
    let plan = Plan { begin: Instant::now(), from: shared.counted_from, end: shared.end, rate };
    let (end, planner) = (shared.end, thread::spawn(move || plan.follow(&planned)));
    let room = Arc::new(Semaphore::new(in_flight as usize));
    let mut calls = JoinSet::new();
    let until = tokio::time::Instant::from_std(end);
    while let Ok(Some(planned)) = timeout_at(until, due.recv()).await {
        // What waits for room waits on the server, and its time runs.
        let Ok(Ok(permit)) = timeout_at(until, Arc::clone(&room).acquire_owned()).await else {
            shared.unsent(planned);
            break;
        };
        // The warm-up leaves no queue to those that count.
        if planned < shared.counted_from && Instant::now() >= shared.counted_from {
            continue;
        }
        let shared = Arc::clone(shared);
        calls.spawn(async move {
            shared.call(planned).await;
            drop(permit);
        });
        // Those that ended are forgotten.
        while calls.try_join_next().is_some() {}
    }
    due.close();
    while let Some(planned) = due.recv().await {
        shared.unsent(planned);
    }
    // Those that the channel had no room for.
    if let Ok(rest) = tokio::task::spawn_blocking(move || planner.join()).await {
        shared.measured.lock().unsent += rest.unwrap_or(0);
    }
    calls.join_all().await;
}

/// When calls are to be sent.
struct Plan {
    begin: Instant,
    /// From when on they count.
    from: Instant,
    end: Instant,
    rate: f64,
}

impl Plan {
    /// Hands over the time of each call when it has come, by the system's clock: the runtime's ticks in milliseconds. How
    /// many were not handed over.
    fn follow(&self, planned: &mpsc::Sender<Instant>) -> u64 {
        for call in 0_u64.. {
            let Ok(after) = Duration::try_from_secs_f64(call as f64 / self.rate) else { break };
            let time = self.begin + after;
            if time >= self.end {
                break;
            }
            // In pieces, to end when the receiver has.
            while Instant::now() < time && !planned.is_closed() {
                thread::sleep(time.saturating_duration_since(Instant::now()).min(ONE_SECOND));
            }
            if planned.blocking_send(time).is_err() {
                return self.left(time);
            }
        }
        0
    }

    /// Calls that count from a time on.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of calls, which is positive"
    )]
    fn left(&self, time: Instant) -> u64 {
        let rest = self.end.saturating_duration_since(time.max(self.from));
        (rest.as_secs_f64() * self.rate).ceil() as u64
    }
}

impl Shared {
    /// Makes one call, which was to be sent at this time; false if nobody answered.
    async fn call(&self, planned: Instant) -> bool {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let answer = timeout(self.load.give_up, self.load.asked.ask(turn)).await;
        let took = planned.elapsed();
        let is_lost = matches!(&answer, Ok(Err(failed)) if failed.is_lost);
        if planned < self.counted_from {
            return !is_lost;
        }
        let mut measured = self.measured.lock();
        let reason = match answer {
            Ok(Ok(by)) => {
                measured.latency.add(took);
                if let Some(by) = by {
                    *measured.answered_by.entry(name(by)).or_default() += 1;
                }
                return true;
            }
            Ok(Err(failed)) => failed.reason,
            Err(_) => "no answer in time".to_owned(),
        };
        *measured.errors.entry(reason).or_default() += 1;
        !is_lost
    }

    fn unsent(&self, planned: Instant) {
        if planned >= self.counted_from {
            self.measured.lock().unsent += 1;
        }
    }
}

fn name(by: AnsweredBy) -> &'static str {
    match by {
        AnsweredBy::Unspecified => "unknown",
        AnsweredBy::Exact => "exact",
        AnsweredBy::Graph => "graph",
        AnsweredBy::List => "list",
        AnsweredBy::Partition => "partition",
    }
}

/// What a failure is counted as.
fn reason(error: &CallError) -> String {
    match error {
        CallError::Refused(refusal) if refusal.reason.is_empty() => format!("{:?}", refusal.code),
        CallError::Refused(refusal) => refusal.reason.clone(),
        CallError::Lost { .. } => "connection lost".to_owned(),
        CallError::Unreachable { .. } => "not reached".to_owned(),
        CallError::Address { .. }
        | CallError::Key
        | CallError::Certificate { .. }
        | CallError::Source(_)
        | CallError::Detached(_) => "not sent".to_owned(),
    }
}
