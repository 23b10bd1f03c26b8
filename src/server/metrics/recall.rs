//! How much of what comparing every row finds the answers of indexes have, of those that callers get: a few are
//! answered once more, exactly, when nobody waits for them any more.
//!
//! What this takes is bounded: one question at a time, on a thread that gives way, none while callers wait for theirs,
//! and after one that took long none for a hundred times as long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::engine::{Ask, Engine, Stop, TableState};
use crate::error::{Error, ErrorKind, Result};
use crate::index::IndexKind;
use crate::limits;
use crate::priority;
use crate::query::nearest::{NearestAnswer, NearestQuery};
use crate::query::recall::found_share;
use crate::query::{Effort, Include};
use crate::server::caught;
use crate::server::metrics::tables::{ASKED, Tables};
use crate::server::one_in::OneIn;
use crate::server::pool::Pool;

/// So many times as long as one took, none is answered again.
const REST: u32 = 99;
/// How long the exact answer may wait for what it needs.
const TIME_MAX: Duration = Duration::from_secs(1);

/// Why an answer that was drawn was not looked at.
const REASONS: [(Skip, &str); 5] = [
    (Skip::Budget, "budget"),
    (Skip::Busy, "busy"),
    (Skip::Changed, "changed"),
    (Skip::Failed, "failed"),
    (Skip::Large, "large"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Skip {
    /// Another one is looked at, or was a moment ago.
    Budget,
    /// Callers wait, or half of the cores compute.
    Busy,
    /// The table was written to meanwhile.
    Changed,
    Failed,
    /// The table is too large to be compared beside callers' questions.
    Large,
}

/// Draws answers of indexes, and has them looked at.
#[derive(Debug)]
pub(super) struct Sampler {
    drawn: OneIn,
    /// The thread that looks at them, and the way to it; none once it was closed.
    looking: Mutex<Option<(SyncSender<Sample>, JoinHandle<()>)>>,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    tables: Arc<Tables>,
    pool: Arc<Pool>,
    began: Instant,
    /// Whether one is looked at. Only a flag: the sample itself goes through the channel.
    is_taken: AtomicBool,
    /// Raised when the server closes.
    closing: Stop,
    /// Microseconds from the beginning until the next may be looked at.
    next: AtomicU64,
    skipped: [AtomicU64; REASONS.len()],
}

/// An answer that is looked at.
#[derive(Debug)]
struct Sample {
    engine: Engine,
    of: TableState,
    query: NearestQuery,
    /// The similarities of its neighbors.
    found: Vec<f32>,
}

/// The place of the one that is looked at, until it is dropped.
struct Place<'a>(&'a State);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.is_taken.store(false, Ordering::Release);
    }
}

impl Sampler {
    /// Draws one in so many.
    pub(super) fn start(one_in: u32, tables: Arc<Tables>, pool: Arc<Pool>) -> Result<Self> {
        let (samples, received) = sync_channel(1);
        let state = Arc::new(State {
            tables,
            pool,
            began: Instant::now(),
            is_taken: AtomicBool::new(false),
            closing: Stop::new(None),
            next: AtomicU64::new(0),
            skipped: Default::default(),
        });
        let of_thread = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name("recall".to_owned())
            .spawn(move || look_at_all(&of_thread, &received))
            .map_err(|error| Error::caused(ErrorKind::Internal, error))?;
        let looking = Mutex::new(Some((samples, thread)));
        Ok(Self { drawn: OneIn::new(one_in), looking, state })
    }

    /// An answer was given; it may be looked at, later and elsewhere.
    pub(super) fn offer(
        &self,
        engine: &Engine,
        query: &NearestQuery,
        of: &TableState,
        answer: &NearestAnswer,
    ) {
        let is_of_index = match answer.answered_by.kind {
            IndexKind::Graph | IndexKind::Partition => true,
            IndexKind::Exact | IndexKind::List => false,
        };
        if !is_of_index || !is_plain(query) || !self.drawn.hits() {
            return;
        }
        if self.state.now() < self.state.next.load(Ordering::Relaxed)
            || self.state.is_taken.swap(true, Ordering::Acquire)
        {
            return self.state.skip(Skip::Budget);
        }
        let found = answer.neighbors.iter().map(|neighbor| neighbor.similarity).collect();
        let query = NearestQuery {
            effort: Effort { exact: true, ..Effort::default() },
            include: Include::default(),
            ..query.clone()
        };
        let sample = Sample { engine: engine.clone(), of: of.clone(), query, found };
        // There is room for the only one.
        let is_sent = match &*self.looking.lock() {
            Some((samples, _)) => samples.try_send(sample).is_ok(),
            None => false,
        };
        if !is_sent {
            drop(Place(&self.state));
            self.state.skip(Skip::Failed);
        }
    }

    /// Stops the one that is looked at, which holds the engine, and waits for its end; no other follows.
    pub(super) fn close(&self) {
        self.state.closing.raise();
        let looking = self.looking.lock().take();
        if let Some((samples, thread)) = looking {
            drop(samples);
            // Ignore: a thread that panicked has ended, too.
            let _ = thread.join();
        }
    }

    /// How many that were drawn were not looked at, by why.
    pub(super) fn skipped(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.state.skipped.iter().map(|count| count.load(Ordering::Relaxed));
        REASONS.iter().map(|(_, name)| *name).zip(counts)
    }
}

/// Whether the server chose how far to look, and the answer is what was found, in order and no less.
fn is_plain(query: &NearestQuery) -> bool {
    let most = ASKED[ASKED.len() - 1];
    query.effort.ef_search.is_none()
        && query.effort.min_recall.is_none()
        && query.min_similarity.is_none()
        && query.group_by.is_none()
        && query.diversity <= 0.0
        && query.k <= most
        && !query.is_cut()
}

fn look_at_all(state: &State, samples: &Receiver<Sample>) {
    priority::give_way();
    for sample in samples {
        let _place = Place(state);
        let began = Instant::now();
        match caught(|| Ok(look_at(state, sample))) {
            Ok(Ok(())) => {}
            Ok(Err(skip)) => state.skip(skip),
            Err(_) => state.skip(Skip::Failed),
        }
        let rest = began.elapsed().saturating_mul(REST);
        let rest = u64::try_from(rest.as_micros()).unwrap_or(u64::MAX);
        state.next.store(state.now().saturating_add(rest), Ordering::Relaxed);
    }
}

fn look_at(state: &State, sample: Sample) -> std::result::Result<(), Skip> {
    let Sample { engine, of, query, found } = sample;
    if state.closing.check().is_err() || state.pool.is_busy() {
        return Err(Skip::Busy);
    }
    match engine.compared(&of.table) {
        Ok(Some(components)) if components <= limits::RECALL_SAMPLE_COMPONENTS_MAX => {}
        Ok(_) => return Err(Skip::Large),
        Err(_) => return Err(Skip::Changed),
    }
    let asked = query.k;
    let ask = Ask { table: of.table.clone(), query };
    let engine = engine.until(state.closing.until(Instant::now() + TIME_MAX));
    let exact = engine.nearest(&ask).map_err(|_| Skip::Failed)?;
    if !exact.of.is_same(&of) {
        return Err(Skip::Changed);
    }
    let truth: Vec<f32> =
        exact.answer.neighbors.iter().map(|neighbor| neighbor.similarity).collect();
    state.tables.recalled(&of.table, asked, found_share(&truth, &found));
    Ok(())
}

impl State {
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn skip(&self, skip: Skip) {
        if let Some(place) = REASONS.iter().position(|(reason, _)| *reason == skip) {
            self.skipped[place].fetch_add(1, Ordering::Relaxed);
        }
    }
}
