//! `Standing`: how far publishing or following is, and the threads that do it.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::{Condvar, Mutex};

use crate::error::{Error, ErrorKind, Result};

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
    /// Whether all of one publication was made, or brought.
    pub is_ready: bool,
    /// Why the last attempt did not do all, if so.
    pub problem: Option<String>,
}

/// Something to do when a reader has brought something.
type News = Box<dyn Fn() + Send + Sync>;

#[derive(Default)]
pub(super) struct Standing {
    known: Mutex<Option<Known>>,
    news: OnceLock<News>,
    is_closed: Mutex<bool>,
    closed: Condvar,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Clone, Debug)]
struct Known {
    role: Role,
    at: Option<(u64, u64)>,
    /// When the location was looked at last and nothing was left to do.
    fresh: Option<Fresh>,
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

/// Does one step; a panic in it is an error, and the next step is tried.
pub(super) fn caught<T>(step: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(step))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal).context("a panic")))
}

impl Standing {
    /// From here on it is told. `before`: the last publication that was brought by an earlier process, and when
    /// that was.
    pub(super) fn begin(&self, role: Role, before: Option<((u64, u64), u64)>) {
        *self.known.lock() = Some(Known {
            role,
            at: before.map(|(at, _)| at),
            fresh: before.map(|(_, time)| Fresh::Before(time)),
            is_ready: before.is_some(),
            problem: None,
        });
    }

    /// The location was looked at, and nothing is left to do.
    pub(super) fn is_done(&self, at: (u64, u64), now: Instant) {
        if let Some(known) = &mut *self.known.lock() {
            known.at = Some(at);
            known.fresh = Some(Fresh::At(now));
            (known.is_ready, known.problem) = (true, None);
        }
    }

    /// Something is left, though what is there may answer.
    pub(super) fn failed(&self, problem: String, is_ready: bool) {
        if let Some(known) = &mut *self.known.lock() {
            known.is_ready |= is_ready;
            known.problem = Some(problem);
        }
    }

    pub(super) fn status(&self, now: Instant) -> Option<ReplicaStatus> {
        let known = self.known.lock().clone()?;
        let age = known.fresh.map(|fresh| match fresh {
            Fresh::At(then) => now.saturating_duration_since(then),
            Fresh::Before(seconds) => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                since.saturating_sub(Duration::from_secs(seconds))
            }
        });
        let Known { role, at, is_ready, problem, .. } = known;
        Some(ReplicaStatus { role, at, age, is_ready, problem })
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
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        self.threads.lock().push(thread.map_err(Error::disk)?);
        Ok(())
    }

    /// Waits, longer after failures; false once the engine closes.
    pub(super) fn pause(&self, every: Duration, failures: u32) -> bool {
        let until = Instant::now() + every.saturating_mul(1 << failures.min(LONGER_MAX));
        let mut is_closed = self.is_closed.lock();
        while !*is_closed && !self.closed.wait_until(&mut is_closed, until).timed_out() {}
        !*is_closed
    }

    /// Ends the threads, and waits for them.
    pub(super) fn close(&self) {
        *self.is_closed.lock() = true;
        self.closed.notify_all();
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
