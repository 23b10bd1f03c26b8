//! `ByteBudget`: how many bytes may wait to be read or sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts bytes up to a maximum. A request larger than the whole budget is granted while nothing else is
/// reserved.
#[derive(Clone, Debug)]
pub(super) struct ByteBudget {
    bytes: Arc<AtomicUsize>,
    max: usize,
}

impl ByteBudget {
    pub(super) fn new(max: usize) -> Self {
        Self { bytes: Arc::new(AtomicUsize::new(0)), max }
    }

    pub(super) fn used(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn reserve(&self, count: usize) -> bool {
        // Only a count: nothing else is read or written by its order.
        let room = |bytes: usize| {
            let sum = bytes.checked_add(count)?;
            (bytes == 0 || sum <= self.max).then_some(sum)
        };
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
    }

    fn release(&self, count: usize) {
        self.bytes.fetch_sub(count, Ordering::Relaxed);
    }
}

/// Bytes reserved of a connection's budget and of the budget that all connections share, until it is dropped.
#[derive(Debug)]
pub(super) struct Reserved {
    budgets: [ByteBudget; 2],
    bytes: usize,
}

impl Reserved {
    /// Nothing yet.
    pub(super) fn of(budgets: [ByteBudget; 2]) -> Self {
        Self { budgets, bytes: 0 }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reserves more; false if the budget is exhausted.
    pub(super) fn reserve(&mut self, count: usize) -> bool {
        let [own, shared] = &self.budgets;
        if !own.reserve(count) {
            return false;
        }
        if !shared.reserve(count) {
            own.release(count);
            return false;
        }
        self.bytes += count;
        true
    }

    /// Releases all.
    pub(super) fn release_all(&mut self) {
        for budget in &self.budgets {
            budget.release(self.bytes);
        }
        self.bytes = 0;
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.release_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_refused_until_something_leaves() {
        let shared = ByteBudget::new(100);
        let reserved = || Reserved::of([ByteBudget::new(60), shared.clone()]);
        let (mut first, mut second, mut third) = (reserved(), reserved(), reserved());
        assert!(first.reserve(50) && !first.reserve(20) && first.reserve(10));
        assert!(second.reserve(40) && !second.reserve(1));
        drop(first);
        assert!(second.reserve(20) && third.reserve(40) && !third.reserve(1));
        second.release_all();
        third.release_all();
        assert!(third.reserve(1_000), "whatever comes alone");
        assert!(!second.reserve(1));
    }
}
