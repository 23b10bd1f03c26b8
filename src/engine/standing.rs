//! `Standing`: how far publishing or following is, and the threads that do it.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use parking_lot::{Condvar, Mutex};

use crate::error::{Error, ErrorKind, Result};
use crate::priority;

/// What an engine does with a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It publishes what it has.
    Writer,
    /// It follows what another one publishes.
    Reader,
}

/// How far it is with that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// What it does.
    pub role: Role,
    /// The epoch and the number of the last publication that it made, or brought whole; none before the first one.
    pub at: Option<(u64, u64)>,
    /// How long ago the location was looked at last with everything there published, or brought; none before.
    pub age: Option<Duration>,
    /// Whether all of one publication was made, or every table of one answers.
    pub is_ready: bool,
    /// Why the last attempt did not do all, if so.
    pub problem: Option<String>,
    /// Bytes that the tables here take, and may take, where not all of them are here.
    pub cache: Option<(u64, u64)>,
}

/// Something to do when a reader has brought something.
type News = Box<dyn Fn() + Send + Sync>;

#[derive(Default)]
pub(super) struct Standing {
    known: Mutex<Option<Known>>,
    /// When the location was looked at last and nothing was left to do. Every answer of a reader looks here.
    fresh: ArcSwapOption<Fresh>,
    news: OnceLock<News>,
    turn: Mutex<Turn>,
    changed: Condvar,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Words that were written since the last step, and how many bring the next one at once; 0: none do. Only
    /// counts: nothing else is read or written by their order.
    written: AtomicU64,
    written_max: AtomicU64,
}

#[derive(Debug, Default)]
struct Turn {
    is_closed: bool,
    /// The next step is not to wait for the end of the pause.
    is_hurried: bool,
}

#[derive(Clone, Debug)]
struct Known {
    role: Role,
    at: Option<(u64, u64)>,
    is_ready: bool,
    problem: Option<String>,
}

#[derive(Clone, Copy, Debug)]
enum Fresh {
    At(Instant),
    /// By the clock of another process, in seconds since 1970: this one has not reached the location yet.
    Before(u64),
}

/// How often a pause is doubled after failures, at most.
const LONGER_MAX: u32 = 3;
/// The pause before a step that is hurried: who writes without end costs the location so many steps a second.
const SOONEST: Duration = Duration::from_millis(100);
/// A pause that nobody waits the end of.
const PAUSE_MAX: Duration = Duration::from_hours(24);

/// Does one step; a panic in it is an error, and the next step is tried.
pub(super) fn caught<T>(step: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(step))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal).context("a panic")))
}

impl Standing {
    /// From here on it is told. `before`: the last publication that was brought by an earlier process, and when
    /// that was.
    pub(super) fn begin(&self, role: Role, before: Option<((u64, u64), u64)>) {
        self.fresh.store(before.map(|(_, time)| Arc::new(Fresh::Before(time))));
        *self.known.lock() = Some(Known {
            role,
            at: before.map(|(at, _)| at),
            is_ready: before.is_some(),
            problem: None,
        });
    }

    /// The location was looked at, and nothing is left to do.
    pub(super) fn is_done(&self, at: (u64, u64), now: Instant) {
        if let Some(known) = &mut *self.known.lock() {
            known.at = Some(at);
            (known.is_ready, known.problem) = (true, None);
            self.fresh.store(Some(Arc::new(Fresh::At(now))));
        }
    }

    /// Something is left, though what is there may answer. `doing` stands before the problem.
    pub(super) fn failed(&self, doing: &str, problem: &str, is_ready: bool) {
        if let Some(known) = &mut *self.known.lock() {
            known.is_ready |= is_ready;
            // What was unsuited says itself for what.
            let is_told = problem.starts_with(&format!("{doing}: "));
            let problem = if is_told { problem.to_owned() } else { format!("{doing}: {problem}") };
            known.problem = Some(problem);
        }
    }

    /// How old what is here may be; none before all of a publication was made, or brought.
    pub(super) fn age(&self, now: Instant) -> Option<Duration> {
        Some(match **self.fresh.load().as_ref()? {
            Fresh::At(then) => now.saturating_duration_since(then),
            Fresh::Before(seconds) => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                since.saturating_sub(Duration::from_secs(seconds))
            }
        })
    }

    pub(super) fn status(&self, now: Instant) -> Option<ReplicaStatus> {
        let known = self.known.lock().clone()?;
        let Known { role, at, is_ready, problem } = known;
        Some(ReplicaStatus { role, at, age: self.age(now), is_ready, problem, cache: None })
    }

    pub(super) fn on_news(&self, tell: News) {
        // Only the first one is told.
        let _ = self.news.set(tell);
    }

    pub(super) fn tell_news(&self) {
        if let Some(tell) = self.news.get() {
            tell();
        }
    }

    /// Starts a thread that ends when the engine closes: see [`Standing::pause`].
    pub(super) fn start(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let work = move || {
            // A copy takes seconds of a core, and callers ask meanwhile.
            priority::give_way();
            work();
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        self.threads.lock().push(thread.map_err(Error::disk)?);
        Ok(())
    }

    /// Waits, longer after failures, and shorter if somebody hurries it; false once the engine closes.
    pub(super) fn pause(&self, every: Duration, failures: u32) -> bool {
        let pause = every.saturating_mul(1 << failures.min(LONGER_MAX)).min(PAUSE_MAX);
        let began = Instant::now();
        let mut turn = self.turn.lock();
        while !turn.is_closed {
            let is_hurried = turn.is_hurried && failures == 0;
            let until = began + if is_hurried { pause.min(SOONEST) } else { pause };
            if Instant::now() >= until {
                break;
            }
            self.changed.wait_until(&mut turn, until);
        }
        turn.is_hurried = false;
        !turn.is_closed
    }

    /// Lets the next step begin soon.
    pub(super) fn hurry(&self) {
        self.turn.lock().is_hurried = true;
        self.changed.notify_all();
    }

    /// From now on so many words that are written bring the next step at once.
    pub(super) fn hurry_after(&self, written: u64) {
        self.written_max.store(written, Ordering::Relaxed);
    }

    /// A step begins, which sees all that was written by now.
    pub(super) fn begin_step(&self) {
        self.written.store(0, Ordering::Relaxed);
    }

    /// So many words were written, durably.
    pub(super) fn wrote(&self, words: usize) {
        let (max, words) = (self.written_max.load(Ordering::Relaxed), words as u64);
        if max > 0 {
            let before = self.written.fetch_add(words, Ordering::Relaxed);
            if before < max && before.saturating_add(words) >= max {
                self.hurry();
            }
        }
    }

    /// Ends the threads, and waits for them.
    pub(super) fn close(&self) {
        self.turn.lock().is_closed = true;
        self.changed.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread that published or followed had panicked");
            }
        }
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing").field("known", &self.known).finish_non_exhaustive()
    }
}
