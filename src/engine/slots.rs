//! How many jobs and long calls work at once. A slot is taken when the work begins, goes with the thread
//! that works, and is free when that has ended, not when the caller leaves.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::engine::Stop;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// How often a thread that waits for a slot looks whether it should stop.
const LOOK: Duration = Duration::from_millis(50);

/// What there is a bounded number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Rows read from a stream.
    Import,
    /// A table written to a stream.
    Export,
    /// Text read to train a tokenizer or a table.
    Training,
    /// A core or more for seconds.
    Long,
    /// The thread of a job that reads a stream.
    Thread,
    /// A pass over all that is stored.
    Sweep,
    /// A core for minutes, for a picture.
    Arrange,
}

impl Slot {
    const COUNT: usize = 7;

    fn max(self) -> usize {
        match self {
            Self::Import => limits::IMPORTS_MAX,
            Self::Export => limits::EXPORTS_MAX,
            Self::Training => limits::TRAININGS_MAX,
            Self::Long => limits::LONG_CALLS_MAX,
            Self::Thread => limits::JOB_THREADS_MAX,
            // Two backups at once would copy the same parts, and whoever wants many pictures holds up other pictures
            // alone.
            Self::Sweep | Self::Arrange => 1,
        }
    }
}

/// How many slots of a kind are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotLoad {
    /// Which.
    pub slot: Slot,
    /// Those that work.
    pub taken: usize,
    /// Those who wait for one.
    pub waiting: usize,
    /// How many there are.
    pub max: usize,
}

/// All slots. Every clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Slots(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    pools: Mutex<Pools>,
    freed: Condvar,
    news: News,
}

#[derive(Debug, Default)]
struct Pools {
    pools: [Pool; Slot::COUNT],
    last_ticket: u64,
}

#[derive(Debug, Default)]
struct Pool {
    taken: usize,
    /// Tickets of those who wait, first come first served.
    queue: VecDeque<u64>,
}

/// Whom to tell that a slot is free, or that a job changed its state.
#[derive(Clone, Default)]
pub(super) struct News(Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>);

impl News {
    pub(super) fn tell(&self) {
        if let Some(hear) = self.0.get() {
            hear();
        }
    }

    pub(super) fn tell_to(&self, hear: Box<dyn Fn() + Send + Sync>) {
        // The first one is told: an engine has one server.
        let _ = self.0.set(hear);
    }
}

impl fmt::Debug for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("News").field(&self.0.get().is_some()).finish()
    }
}

/// A slot, taken until this is dropped.
#[derive(Debug)]
pub struct Permit {
    slots: Slots,
    slot: Slot,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.slots.0.pools.lock().pools[self.slot as usize].taken -= 1;
        self.slots.tell();
    }
}

/// A place in the queue for a slot, given up when this is dropped.
#[derive(Debug)]
pub struct Place {
    slots: Slots,
    slot: Slot,
    ticket: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let ticket = self.ticket;
        self.slots.0.pools.lock().pools[self.slot as usize].queue.retain(|&one| one != ticket);
        self.slots.tell();
    }
}

impl Place {
    /// The slot, once those before have theirs.
    pub fn enter(&self) -> Option<Permit> {
        let mut pools = self.slots.0.pools.lock();
        self.enter_one(&mut pools)
    }

    /// The slot and one of another kind, if both are free: whoever waits for the one does not hold the other.
    pub fn enter_with(&self, other: Slot) -> Option<[Permit; 2]> {
        let mut pools = self.slots.0.pools.lock();
        if pools.pools[other as usize].taken >= other.max() {
            return None;
        }
        let own = self.enter_one(&mut pools)?;
        pools.pools[other as usize].taken += 1;
        Some([own, Permit { slots: self.slots.clone(), slot: other }])
    }

    fn enter_one(&self, pools: &mut Pools) -> Option<Permit> {
        let pool = &mut pools.pools[self.slot as usize];
        let at = pool.queue.iter().position(|&ticket| ticket == self.ticket)?;
        if at >= self.slot.max().saturating_sub(pool.taken) {
            return None;
        }
        pool.queue.remove(at);
        pool.taken += 1;
        Some(Permit { slots: self.slots.clone(), slot: self.slot })
    }
}

impl Slots {
    pub(super) fn new(news: News) -> Self {
        Self(Arc::new(Shared { news, ..Shared::default() }))
    }

    /// A slot, if one is free and nobody waits for it.
    ///
    /// # Errors
    ///
    /// `Overloaded` if none is.
    pub fn take(&self, slot: Slot) -> Result<Permit> {
        let mut pools = self.0.pools.lock();
        let pool = &mut pools.pools[slot as usize];
        if pool.taken + pool.queue.len() >= slot.max() {
            return Err(Error::new(ErrorKind::Overloaded));
        }
        pool.taken += 1;
        Ok(Permit { slots: self.clone(), slot })
    }

    /// A place in the queue; whoever has it asks for the slot when there is news.
    ///
    /// # Errors
    ///
    /// `Overloaded` if [`limits::JOBS_WAITING_MAX`] wait already.
    pub fn queue(&self, slot: Slot) -> Result<Place> {
        let mut pools = self.0.pools.lock();
        pools.last_ticket += 1;
        let ticket = pools.last_ticket;
        let pool = &mut pools.pools[slot as usize];
        if pool.queue.len() >= limits::JOBS_WAITING_MAX {
            return Err(Error::new(ErrorKind::Overloaded));
        }
        pool.queue.push_back(ticket);
        Ok(Place { slots: self.clone(), slot, ticket })
    }

    /// A slot for this thread, which waits for it.
    ///
    /// # Errors
    ///
    /// As [`Slots::queue`]; if it was stopped while it waited.
    pub fn wait(&self, slot: Slot, stop: &Stop) -> Result<Permit> {
        let place = self.queue(slot)?;
        loop {
            let mut pools = self.0.pools.lock();
            if let Some(permit) = place.enter_one(&mut pools) {
                drop(pools);
                return Ok(permit);
            }
            self.0.freed.wait_for(&mut pools, LOOK);
            drop(pools);
            stop.check()?;
        }
    }

    /// How many of each kind are taken, and waited for.
    pub fn load(&self) -> [SlotLoad; Slot::COUNT] {
        let pools = self.0.pools.lock();
        let all = [
            Slot::Import,
            Slot::Export,
            Slot::Training,
            Slot::Long,
            Slot::Thread,
            Slot::Sweep,
            Slot::Arrange,
        ];
        all.map(|slot| {
            let pool = &pools.pools[slot as usize];
            SlotLoad { slot, taken: pool.taken, waiting: pool.queue.len(), max: slot.max() }
        })
    }

    /// Whether anybody waits for such a slot.
    pub fn is_wanted(&self, slot: Slot) -> bool {
        !self.0.pools.lock().pools[slot as usize].queue.is_empty()
    }

    fn tell(&self) {
        self.0.freed.notify_all();
        self.0.news.tell();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_refused_or_waited_for_in_order_and_come_back() {
        let slots = Slots::default();
        let taken: Vec<_> =
            (0..limits::LONG_CALLS_MAX).map(|_| slots.take(Slot::Long).unwrap()).collect();
        assert_eq!(*slots.take(Slot::Long).unwrap_err().kind(), ErrorKind::Overloaded);
        assert!(slots.take(Slot::Import).is_ok(), "others are not concerned");
        let (first, second) = (slots.queue(Slot::Long).unwrap(), slots.queue(Slot::Long).unwrap());
        assert!(first.enter().is_none() && slots.is_wanted(Slot::Long));
        let mut taken = taken.into_iter();
        drop(taken.next());
        assert!(second.enter().is_none(), "the first one comes first");
        assert!(slots.take(Slot::Long).is_err(), "whoever waits comes first");
        let permit = first.enter().unwrap();
        drop((first, permit));
        assert!(second.enter().is_some());
        drop(second);
        assert!(!slots.is_wanted(Slot::Long));
        let stop = Stop::new(None);
        stop.raise_for(ErrorKind::Closing);
        let _last = slots.take(Slot::Long).unwrap();
        assert_eq!(*slots.wait(Slot::Long, &stop).unwrap_err().kind(), ErrorKind::Closing);
        // Who waits for the one slot leaves the other to those that can begin.
        let imports: Vec<_> =
            (0..limits::IMPORTS_MAX).map(|_| slots.take(Slot::Import).unwrap()).collect();
        let waiting = slots.queue(Slot::Import).unwrap();
        assert!(waiting.enter_with(Slot::Thread).is_none());
        let threads: Vec<_> =
            (0..limits::JOB_THREADS_MAX).map(|_| slots.take(Slot::Thread).unwrap()).collect();
        drop(imports);
        assert!(waiting.enter_with(Slot::Thread).is_none(), "no thread is free");
        drop(threads);
        assert!(waiting.enter_with(Slot::Thread).is_some());
        let places: Vec<_> = std::iter::from_fn(|| slots.queue(Slot::Long).ok()).collect();
        assert_eq!(places.len(), limits::JOBS_WAITING_MAX);
    }
}
