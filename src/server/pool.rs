//! `Pool`: the threads that compute answers, a fixed number, in lanes of their own, so that short questions do
//! not wait behind heavy ones. In each lane callers have their turns.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::thread;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::server::caught;

/// Where work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Microseconds, a millisecond at most.
    Short,
    /// What compares rows or cuts texts: milliseconds to seconds.
    Heavy,
    /// Seconds and more: few at once, for which permits are taken before.
    Long,
    /// What waits for the disk.
    Disk,
}

/// Threads that compute answers; they end when it is dropped.
#[derive(Debug)]
pub(super) struct Pool {
    short: Arc<Line>,
    heavy: Arc<Line>,
    long: Arc<Line>,
    disk: Arc<Line>,
}

/// The work of one lane.
struct Line {
    waiting: Mutex<Waiting>,
    filled: Condvar,
    max: usize,
}

#[derive(Default)]
struct Waiting {
    /// By caller; none is empty.
    of: BTreeMap<u64, VecDeque<Work>>,
    count: usize,
    /// Who had a turn last.
    last: u64,
    is_closed: bool,
}

type Work = Box<dyn FnOnce() + Send>;

impl Pool {
    pub(super) fn start() -> Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let heavy_max = (limits::WAITING_PER_CORE_MAX * cores).max(limits::WAITING_MIN);
        Ok(Self {
            short: Line::start("short", cores, limits::CALLS_MAX)?,
            heavy: Line::start("heavy", cores, heavy_max)?,
            long: Line::start("long", limits::LONG_CALLS_MAX, limits::LONG_CALLS_MAX)?,
            disk: Line::start("disk", limits::WRITES_AT_ONCE, limits::CALLS_MAX)?,
        })
    }

    /// Does work for a caller when it is its turn. A panic in it becomes an error. Nobody does it if
    /// this is dropped before.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        caller: u64,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (done, answer) = oneshot::channel();
        let work = move || {
            if !done.is_closed() {
                // Nobody waits any more if this fails.
                let _ = done.send(caught(work));
            }
        };
        let line = match lane {
            Lane::Short => &self.short,
            Lane::Heavy => &self.heavy,
            Lane::Long => &self.long,
            Lane::Disk => &self.disk,
        };
        if !line.put(caller, Box::new(work)) {
            return Err(Error::new(ErrorKind::Overloaded));
        }
        // Work that is dropped undone made room for that of callers with less.
        answer.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Overloaded)))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for line in [&self.short, &self.heavy, &self.long, &self.disk] {
            let mut waiting = line.waiting.lock();
            waiting.is_closed = true;
            let left = std::mem::take(&mut waiting.of);
            drop(waiting);
            drop(left);
            line.filled.notify_all();
        }
    }
}

impl Line {
    fn start(name: &str, threads: usize, max: usize) -> Result<Arc<Self>> {
        let line = Arc::new(Self { waiting: Mutex::default(), filled: Condvar::new(), max });
        for number in 0..threads {
            let line = Arc::clone(&line);
            thread::Builder::new()
                .name(format!("{name} {number}"))
                .spawn(move || line.work())
                .map_err(|error| Error::caused(ErrorKind::Internal, error))?;
        }
        Ok(line)
    }

    fn work(&self) {
        loop {
            let work = {
                let mut waiting = self.waiting.lock();
                loop {
                    if let Some(work) = waiting.next() {
                        break work;
                    }
                    if waiting.is_closed {
                        return;
                    }
                    self.filled.wait(&mut waiting);
                }
            };
            work();
        }
    }

    /// Whether there is room for it, or for it in place of work of a caller who has more waiting.
    fn put(&self, caller: u64, work: Work) -> bool {
        let mut waiting = self.waiting.lock();
        if waiting.is_closed {
            return false;
        }
        let mut displaced = None;
        if waiting.count >= self.max {
            let own = waiting.of.get(&caller).map_or(0, VecDeque::len);
            let most = waiting.of.iter().max_by_key(|(_, works)| works.len());
            let Some(most) = most.filter(|(_, works)| works.len() > own + 1).map(|(&of, _)| of)
            else {
                return false;
            };
            displaced = waiting.take(most, VecDeque::pop_back);
        }
        waiting.of.entry(caller).or_default().push_back(work);
        waiting.count += 1;
        drop(waiting);
        drop(displaced);
        self.filled.notify_one();
        true
    }
}

impl Waiting {
    /// Of the caller whose turn it is.
    fn next(&mut self) -> Option<Work> {
        let after = self.of.range(self.last.saturating_add(1)..).next();
        let (&caller, _) = after.or_else(|| self.of.first_key_value())?;
        self.last = caller;
        self.take(caller, VecDeque::pop_front)
    }

    fn take(&mut self, caller: u64, take: fn(&mut VecDeque<Work>) -> Option<Work>) -> Option<Work> {
        let works = self.of.get_mut(&caller)?;
        let work = take(works);
        if works.is_empty() {
            self.of.remove(&caller);
        }
        self.count -= usize::from(work.is_some());
        work
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("max", &self.max).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn callers_have_their_turns_and_who_waits_most_makes_room() {
        let line = Line { waiting: Mutex::default(), filled: Condvar::new(), max: 4 };
        let (told, order) = mpsc::channel();
        let put = |caller: u64, number: u32| {
            let told = told.clone();
            line.put(caller, Box::new(move || told.send((caller, number)).unwrap()))
        };
        assert!((0..4).all(|number| put(1, number)) && !put(1, 4));
        assert!(put(2, 0) && put(3, 0), "in place of the last of the greedy");
        assert!(!put(2, 1), "nobody has more by far");
        while let Some(work) = { line.waiting.lock().next() } {
            work();
        }
        let order: Vec<_> = order.try_iter().collect();
        assert_eq!(order, [(1, 0), (2, 0), (3, 0), (1, 1)]);
    }

    #[tokio::test]
    async fn a_short_question_passes_heavy_ones_and_the_excess_is_refused_at_once() {
        let pool = Pool::start().unwrap();
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        let heavy = || {
            let gate = Arc::clone(&gate);
            move || {
                let mut open = gate.0.lock();
                gate.1.wait_while(&mut open, |open| !*open);
                Ok(())
            }
        };
        let pool = &pool;
        let all = pool.heavy.max + 64;
        let mut running: Vec<_> =
            (0..all).map(|_| Box::pin(pool.run(Lane::Heavy, 1, heavy()))).collect();
        let mut refused = 0;
        let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
        running.retain_mut(|run| match run.as_mut().poll(context) {
            std::task::Poll::Ready(Err(error)) => {
                assert_eq!(*error.kind(), ErrorKind::Overloaded);
                refused += 1;
                false
            }
            std::task::Poll::Ready(Ok(())) | std::task::Poll::Pending => true,
        });
        assert!(refused > 0);
        assert_eq!(pool.run(Lane::Short, 2, || Ok(7)).await.unwrap(), 7);
        let panicked = pool.run(Lane::Short, 2, || -> Result<()> { panic!("a fault") }).await;
        assert_eq!(*panicked.unwrap_err().kind(), ErrorKind::Internal);
        *gate.0.lock() = true;
        gate.1.notify_all();
        for run in running {
            run.await.unwrap();
        }
    }
}
