//! `Pool`: the threads that compute answers, a fixed number, in lanes of their own, so that short questions do
//! not wait behind heavy ones.
//!
//! In each lane the caller that has used the least time is next (start-time fair queuing: Goyal, Vin and Cheng,
//! 1996). A caller's time begins at that of whoever was served last, so that nobody saves up by being idle.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::priority;
use crate::server::caught;

/// Where work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Microseconds, a millisecond at most.
    Short,
    /// What compares rows or cuts texts: milliseconds to seconds. Leaves a core to the others while they come.
    Heavy,
    /// Seconds and more: few at once, for which permits are taken before.
    Long,
    /// What waits for the disk.
    Disk,
    /// Writes to tables.
    Write,
}

/// Threads that compute answers; they end when it is dropped.
#[derive(Debug)]
pub(super) struct Pool {
    short: Arc<Line>,
    heavy: Arc<Line>,
    long: Arc<Line>,
    disk: Arc<Line>,
    write: Arc<Line>,
    short_came: Arc<Recent>,
}

/// How much a lane has to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) threads: usize,
    /// Those that work.
    pub(super) working: usize,
    /// Pieces of work that wait, and how many may.
    pub(super) waiting: usize,
    pub(super) waiting_max: usize,
}

/// The work of one lane.
struct Line {
    threads: usize,
    /// Threads that work. Only a count: nothing else is read or written by its order.
    working: AtomicUsize,
    waiting: Mutex<Waiting>,
    filled: Condvar,
    /// Pieces of work that wait.
    max: usize,
    /// What they are expected to take together.
    time_max: Duration,
}

#[derive(Default)]
struct Waiting {
    /// Who has work that waits, or has used more time than others.
    callers: HashMap<u64, Caller>,
    /// Those with work that waits, by the time that they have used.
    turns: BTreeSet<(Duration, u64)>,
    count: usize,
    /// What the work that waits is expected to take.
    expected: Duration,
    /// What the caller had used whose work began last.
    now: Duration,
    /// What a piece of work takes, on average over the last ones.
    cost: Duration,
    is_closed: bool,
}

struct Caller {
    works: VecDeque<Piece>,
    /// The time of work that was begun, with what it is expected to take.
    used: Duration,
    /// What a piece of its work takes, on average over the last ones.
    cost: Duration,
}

/// How far a caller's time can be ahead of that of others: it waits no longer for work that is done.
const AHEAD_MAX: Duration = Duration::from_secs(1);

/// How long a core is left to short questions after one came. Threads that compute on every core would have them
/// wait for the system's next tick, whatever the priorities are.
const CORE_LEFT: Duration = Duration::from_millis(100);

/// Whether something happened within the last time.
#[derive(Debug)]
struct Recent {
    within: Duration,
    began: Instant,
    /// Microseconds from the beginning to the last time; 0 is never.
    last: AtomicU64,
}

type Work = Box<dyn FnOnce() -> Option<End> + Send>;
/// The end of work that waits for the disk: its thread may begin other work before, so that they wait together.
type End = Box<dyn FnOnce() + Send>;

/// A piece of work that waits.
struct Piece {
    work: Work,
    /// What it is expected to take.
    expected: Duration,
}

impl Pool {
    pub(super) fn start() -> Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let short_max = limits::SHORT_WAITING_PER_CORE_MAX * cores;
        let heavy_max = (limits::WAITING_PER_CORE_MAX * cores).max(limits::WAITING_MIN);
        let any = Duration::MAX;
        let short_came = Arc::new(Recent::new(CORE_LEFT));
        let start =
            |lane, threads, max, wait_max| Line::start(lane, threads, max, wait_max, &short_came);
        Ok(Self {
            short: start(Lane::Short, cores, short_max, limits::SHORT_WAIT_MAX)?,
            heavy: start(Lane::Heavy, cores, heavy_max, any)?,
            long: start(Lane::Long, limits::LONG_CALLS_MAX, limits::LONG_CALLS_MAX, any)?,
            disk: start(Lane::Disk, limits::DISK_WORK_AT_ONCE, limits::CALLS_MAX, any)?,
            write: start(Lane::Write, limits::WRITERS, limits::CALLS_MAX, any)?,
            short_came,
        })
    }

    /// How much each lane has to do, by its name.
    pub(super) fn load(&self) -> [(&'static str, Load); 5] {
        let lines = [
            ("short", &self.short),
            ("heavy", &self.heavy),
            ("long", &self.long),
            ("disk", &self.disk),
            ("write", &self.write),
        ];
        lines.map(|(name, line)| {
            let (threads, waiting_max) = (line.threads, line.max);
            let working = line.working.load(Ordering::Relaxed);
            let waiting = line.waiting.lock().count;
            (name, Load { threads, working, waiting, waiting_max })
        })
    }

    /// Whether callers wait, or half of the cores compute what takes long.
    pub(super) fn is_busy(&self) -> bool {
        let waits = |line: &Arc<Line>| line.waiting.lock().count > 0;
        let long = [&self.heavy, &self.long].map(|line| line.working.load(Ordering::Relaxed));
        2 * long.iter().sum::<usize>() >= self.heavy.threads.max(2)
            || [&self.short, &self.heavy, &self.long, &self.disk].into_iter().any(waits)
    }

    /// Does work at once on this thread, which takes less than handing it to another one.
    pub(super) fn quick<T>(&self, work: impl FnOnce() -> T) -> T {
        self.short_came.mark();
        work()
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
                // Ignore: the receiver is gone.
                let _ = done.send(caught(work));
            }
            None
        };
        self.answered(lane, caller, Box::new(work), answer).await
    }

    /// Does work in two parts: many begin, and then end together.
    pub(super) async fn write<T: Send + 'static, E>(
        &self,
        caller: u64,
        begin: impl FnOnce() -> Result<E> + Send + 'static,
    ) -> Result<T>
    where
        E: FnOnce() -> Result<T> + Send + 'static,
    {
        let (done, answer) = oneshot::channel();
        let work = move || {
            if done.is_closed() {
                return None;
            }
            let end: End = match caught(begin) {
                // Ignore, here and below: the receiver is gone.
                Ok(end) => Box::new(move || drop(done.send(caught(end)))),
                Err(error) => Box::new(move || drop(done.send(Err(error)))),
            };
            Some(end)
        };
        self.answered(Lane::Write, caller, Box::new(work), answer).await
    }

    async fn answered<T>(
        &self,
        lane: Lane,
        caller: u64,
        work: Work,
        answer: oneshot::Receiver<Result<T>>,
    ) -> Result<T> {
        let line = match lane {
            Lane::Short => {
                self.short_came.mark();
                &self.short
            }
            Lane::Heavy => &self.heavy,
            Lane::Long => &self.long,
            Lane::Disk => &self.disk,
            Lane::Write => &self.write,
        };
        if !line.put(caller, work) {
            return Err(Error::new(ErrorKind::Overloaded));
        }
        // Work that is dropped undone made room for that of callers with less.
        answer.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Overloaded)))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for line in [&self.short, &self.heavy, &self.long, &self.disk, &self.write] {
            let mut waiting = line.waiting.lock();
            waiting.is_closed = true;
            waiting.turns.clear();
            let left = std::mem::take(&mut waiting.callers);
            drop(waiting);
            drop(left);
            line.filled.notify_all();
        }
    }
}

impl Line {
    fn start(
        lane: Lane,
        threads: usize,
        max: usize,
        wait_max: Duration,
        short_came: &Arc<Recent>,
    ) -> Result<Arc<Self>> {
        let time_max = wait_max.saturating_mul(u32::try_from(threads).unwrap_or(u32::MAX));
        let (waiting, filled) = (Mutex::default(), Condvar::new());
        let working = AtomicUsize::new(0);
        let line = Arc::new(Self { threads, working, waiting, filled, max, time_max });
        for number in 0..threads {
            let line = Arc::clone(&line);
            let is_last = number > 0 && number + 1 == threads;
            let rests = (lane == Lane::Heavy && is_last).then(|| Arc::clone(short_came));
            thread::Builder::new()
                .name(format!("{lane:?} {number}").to_lowercase())
                .spawn(move || {
                    if matches!(lane, Lane::Heavy | Lane::Long) {
                        priority::give_way();
                    }
                    line.work(rests.as_deref());
                })
                .map_err(|error| Error::caused(ErrorKind::Internal, error))?;
        }
        Ok(line)
    }

    /// Works until the line is closed, and rests while something is recent.
    fn work(&self, rests: Option<&Recent>) {
        let mut begun: Vec<End> = Vec::new();
        loop {
            match self.next(begun.is_empty(), rests) {
                Some((caller, Piece { work, expected })) => {
                    let began = Instant::now();
                    self.working.fetch_add(1, Ordering::Relaxed);
                    begun.extend(work());
                    self.working.fetch_sub(1, Ordering::Relaxed);
                    self.waiting.lock().charge(caller, expected, began.elapsed());
                    if begun.len() < limits::WRITES_TOGETHER {
                        continue;
                    }
                }
                None if begun.is_empty() => return,
                None => {}
            }
            begun.drain(..).for_each(|end| end());
        }
    }

    /// The next work, which may be waited for; none when the line is closed.
    fn next(&self, may_wait: bool, rests: Option<&Recent>) -> Option<(u64, Piece)> {
        let mut waiting = self.waiting.lock();
        loop {
            if !waiting.is_closed && rests.is_some_and(Recent::is_recent) {
                // For another thread, if it was for this one that there is work.
                self.filled.notify_one();
                self.filled.wait_for(&mut waiting, CORE_LEFT);
                continue;
            }
            let next = waiting.next();
            if next.is_some() || waiting.is_closed || !may_wait {
                return next;
            }
            self.filled.wait(&mut waiting);
        }
    }

    /// Whether there is room for it, or for it in place of work of a caller who takes more time.
    fn put(&self, caller: u64, work: Work) -> bool {
        let mut waiting = self.waiting.lock();
        if waiting.is_closed {
            return false;
        }
        let mut displaced = None;
        if waiting.count >= self.max || waiting.expected >= self.time_max {
            let Some(greedy) = waiting.greedier_than(caller) else { return false };
            displaced = waiting.take(greedy, VecDeque::pop_back);
        }
        waiting.put(caller, work);
        drop(waiting);
        drop(displaced);
        self.filled.notify_one();
        true
    }
}

impl Recent {
    fn new(within: Duration) -> Self {
        Self { within, began: Instant::now(), last: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn mark(&self) {
        self.last.store(self.now().max(1), Ordering::Relaxed);
    }

    fn is_recent(&self) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        let ago = Duration::from_micros(self.now().saturating_sub(last));
        last > 0 && ago < self.within
    }
}

impl Waiting {
    fn put(&mut self, id: u64, work: Work) {
        // As many can be connected; what their work takes is worth remembering.
        if self.callers.len() > limits::CONNECTIONS_MAX {
            let now = self.now;
            self.callers.retain(|_, caller| !caller.works.is_empty() || caller.used > now);
        }
        let new = Caller { works: VecDeque::new(), used: self.now, cost: self.cost };
        let caller = self.callers.entry(id).or_insert(new);
        if caller.works.is_empty() {
            caller.used = caller.used.clamp(self.now, self.now + AHEAD_MAX);
            self.turns.insert((caller.used, id));
        }
        let expected = caller.cost;
        caller.works.push_back(Piece { work, expected });
        self.count += 1;
        self.expected += expected;
    }

    /// Of the caller whose turn it is.
    fn next(&mut self) -> Option<(u64, Piece)> {
        let &(used, id) = self.turns.first()?;
        self.now = used;
        let piece = self.take(id, VecDeque::pop_front)?;
        self.shift(id, |used| used + piece.expected);
        Some((id, piece))
    }

    /// After a piece of work that was expected to take less or more.
    fn charge(&mut self, id: u64, expected: Duration, took: Duration) {
        self.cost = (self.cost * 7 + took) / 8;
        self.shift(id, |used| (used + took).saturating_sub(expected));
        if let Some(caller) = self.callers.get_mut(&id) {
            caller.cost = (caller.cost * 3 + took) / 4;
        }
    }

    fn shift(&mut self, id: u64, by: impl FnOnce(Duration) -> Duration) {
        let Some(caller) = self.callers.get_mut(&id) else { return };
        let was_waiting = self.turns.remove(&(caller.used, id));
        caller.used = by(caller.used).clamp(self.now, self.now + AHEAD_MAX);
        if was_waiting {
            self.turns.insert((caller.used, id));
        }
    }

    /// The caller whose waiting work ends last, if another piece of this one's ends before.
    fn greedier_than(&self, id: u64) -> Option<u64> {
        let end = |caller: &Caller, more: usize| {
            let count = u32::try_from(caller.works.len() + more).unwrap_or(u32::MAX);
            caller.used.max(self.now) + caller.cost.saturating_mul(count)
        };
        let own = self.callers.get(&id).map_or(self.now + self.cost, |caller| end(caller, 1));
        let all =
            self.turns.iter().filter_map(|(_, id)| Some((end(self.callers.get(id)?, 0), *id)));
        all.max().filter(|&(last, greedy)| last > own && greedy != id).map(|(_, greedy)| greedy)
    }

    fn take(&mut self, id: u64, take: fn(&mut VecDeque<Piece>) -> Option<Piece>) -> Option<Piece> {
        let caller = self.callers.get_mut(&id)?;
        let piece = take(&mut caller.works);
        if caller.works.is_empty() {
            self.turns.remove(&(caller.used, id));
        }
        if let Some(piece) = &piece {
            self.count -= 1;
            self.expected -= piece.expected;
        }
        piece
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
    fn turns_go_by_the_time_that_callers_used_and_the_greedy_make_room() {
        let line = Line {
            threads: 1,
            working: AtomicUsize::new(0),
            waiting: Mutex::default(),
            filled: Condvar::new(),
            max: 4,
            time_max: Duration::from_millis(50),
        };
        line.waiting.lock().cost = Duration::from_millis(1);
        let (told, order) = mpsc::channel();
        let put = |caller: u64, number: u32| {
            let told = told.clone();
            let work = move || {
                told.send((caller, number)).unwrap();
                None
            };
            line.put(caller, Box::new(work))
        };
        // One piece of work after the other; those of caller 9 take 40 ms, and those of others 1 ms.
        let run = |count: usize| {
            for _ in 0..count {
                let Some((caller, piece)) = line.waiting.lock().next() else { break };
                let Piece { work, expected } = piece;
                work();
                let took = Duration::from_millis(if caller == 9 { 40 } else { 1 });
                line.waiting.lock().charge(caller, expected, took);
            }
            order.try_iter().collect::<Vec<_>>()
        };
        assert!((0..4).all(|number| put(1, number)) && !put(1, 4));
        assert!(put(2, 0) && put(3, 0), "in place of the last of the greedy");
        assert!(!put(2, 1), "nobody has more by far");
        assert_eq!(run(9), [(1, 0), (2, 0), (3, 0), (1, 1)]);

        assert!(put(9, 0) && put(9, 1) && put(1, 5));
        assert_eq!(run(1), [(9, 0)]);
        assert!((6..8).all(|number| put(1, number)));
        assert_eq!(run(2), [(1, 5), (1, 6)], "it has used less");
        assert!(put(4, 0) && put(1, 8) && put(1, 9), "one takes the place of the costly work");
        assert_eq!(run(9), [(4, 0), (1, 7), (1, 8), (1, 9)]);
        // Nobody waits for ever for what was once costly, and nobody saves time up.
        assert!(put(9, 2));
        assert_eq!(run(9), [(9, 2)]);
        assert!((3..6).all(|number| put(9, number)) && !put(9, 6), "they would wait too long");
        assert_eq!(run(9), [(9, 3), (9, 4), (9, 5)]);
        assert_eq!(line.waiting.lock().expected, Duration::ZERO);
        assert!(line.waiting.lock().turns.is_empty());
    }

    #[test]
    fn one_core_is_left_to_short_questions_while_they_come() {
        let short_came = Arc::new(Recent::new(Duration::MAX));
        let line = Line::start(Lane::Heavy, 2, 64, Duration::MAX, &short_came).unwrap();
        let (begun, all) = mpsc::channel();
        let together = Arc::new(std::sync::Barrier::new(2));
        let put = |waits: bool| {
            let (begun, together) = (begun.clone(), Arc::clone(&together));
            let work = move || {
                if waits {
                    together.wait();
                }
                begun.send(thread::current().id()).unwrap();
                None
            };
            assert!(line.put(1, Box::new(work)));
        };
        // These end only if two threads do them.
        put(true);
        put(true);
        assert_ne!(all.recv().unwrap(), all.recv().unwrap());
        short_came.mark();
        let threads: Vec<_> = (0..32)
            .map(|_| {
                put(false);
                all.recv().unwrap()
            })
            .collect();
        let last = threads[31];
        assert!(threads.iter().all(|thread| *thread == last));
        line.waiting.lock().is_closed = true;
        line.filled.notify_all();
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
        assert!(pool.is_busy());
        *gate.0.lock() = true;
        gate.1.notify_all();
        for run in running {
            run.await.unwrap();
        }
        // A thread that has handed its answer over is about to be free.
        while pool.is_busy() {
            thread::yield_now();
        }
    }
}
