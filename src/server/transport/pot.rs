//! `Pot`: bytes that wait to be read or sent, counted, with an end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts bytes up to a number. What is larger than the whole pot finds room while nothing else is in it.
#[derive(Clone, Debug)]
pub(super) struct Pot {
    bytes: Arc<AtomicUsize>,
    max: usize,
}

impl Pot {
    pub(super) fn new(max: usize) -> Self {
        Self { bytes: Arc::new(AtomicUsize::new(0)), max }
    }

    fn take(&self, count: usize) -> bool {
        // Only a count: nothing else is read or written by its order.
        let room = |bytes: usize| {
            let sum = bytes.checked_add(count)?;
            (bytes == 0 || sum <= self.max).then_some(sum)
        };
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
    }

    fn give_back(&self, count: usize) {
        self.bytes.fetch_sub(count, Ordering::Relaxed);
    }
}

/// Bytes taken of a connection's pot and of everybody's, until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    pots: [Pot; 2],
    bytes: usize,
}

impl Held {
    /// Nothing yet.
    pub(super) fn of(pots: [Pot; 2]) -> Self {
        Self { pots, bytes: 0 }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes more; false if there is no room.
    pub(super) fn take(&mut self, count: usize) -> bool {
        let [own, everybody] = &self.pots;
        if !own.take(count) {
            return false;
        }
        if !everybody.take(count) {
            own.give_back(count);
            return false;
        }
        self.bytes += count;
        true
    }

    /// Gives all back.
    pub(super) fn clear(&mut self) {
        for pot in &self.pots {
            pot.give_back(self.bytes);
        }
        self.bytes = 0;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_refused_until_something_leaves() {
        let everybody = Pot::new(100);
        let held = || Held::of([Pot::new(60), everybody.clone()]);
        let (mut first, mut second, mut third) = (held(), held(), held());
        assert!(first.take(50) && !first.take(20) && first.take(10));
        assert!(second.take(40) && !second.take(1));
        drop(first);
        assert!(second.take(20) && third.take(40) && !third.take(1));
        second.clear();
        third.clear();
        assert!(third.take(1_000), "whatever comes alone");
        assert!(!second.take(1));
    }
}
