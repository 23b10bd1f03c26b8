//! `Turns`: one sync for all callers that wait for one, which databases call group commit.

use parking_lot::{Condvar, Mutex};

/// Who syncs, and who waits for it. A caller that comes while one is at it belongs to the next group,
/// one of which syncs for all.
#[derive(Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    /// Where a group waits, by the last bit of its number: when one is done all of it go on, and of the
    /// next one a single caller.
    ended: [Condvar; 2],
}

#[derive(Default)]
struct State {
    /// The group that a caller joins.
    group: usize,
    /// Whether one is at it.
    is_taken: bool,
    /// The last group whose writes are durable, counted over all epochs, and the epoch of those writes.
    durable: Option<(u64, usize)>,
}

/// The turn to sync; the next one begins when it is dropped.
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    group: usize,
    is_durable: bool,
}

impl Turns {
    /// Waits until everything that this caller wrote in an epoch is durable, or until it is the caller's
    /// turn to make it so, with all that was written until now.
    pub(super) fn wait(&self, epoch: u64) -> Option<Turn<'_>> {
        let mut state = self.state.lock();
        let own = state.group;
        loop {
            if state.durable.is_some_and(|(of, group)| of == epoch && group >= own) {
                return None;
            }
            if !state.is_taken {
                return Some(self.begin(&mut state));
            }
            self.ended[own % 2].wait(&mut state);
        }
    }

    /// Waits until nobody is at it, and keeps others from it.
    pub(super) fn take(&self) -> Turn<'_> {
        let mut state = self.state.lock();
        while state.is_taken {
            let own = state.group;
            self.ended[own % 2].wait(&mut state);
        }
        self.begin(&mut state)
    }

    fn begin(&self, state: &mut State) -> Turn<'_> {
        let group = state.group;
        state.group += 1;
        state.is_taken = true;
        Turn { turns: self, group, is_durable: false }
    }
}

impl Turn<'_> {
    /// Everything that was written in this epoch before the turn began is durable.
    pub(super) fn done(mut self, epoch: u64) {
        self.is_durable = true;
        self.turns.state.lock().durable = Some((epoch, self.group));
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.state.lock().is_taken = false;
        let [own, next] = [self.group, self.group + 1].map(|group| &self.turns.ended[group % 2]);
        own.notify_all();
        if self.is_durable {
            next.notify_one();
        } else {
            // Whoever is left of an earlier group waits there too.
            next.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn callers_share_turns_and_each_is_covered_by_one_that_began_after_its_write() {
        let turns = Turns::default();
        let (written, synced, syncs) =
            (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for round in 0..200 {
                        let own = written.fetch_add(1, Ordering::SeqCst) + 1;
                        if let Some(turn) = turns.wait(1) {
                            let all = written.load(Ordering::SeqCst);
                            syncs.fetch_add(1, Ordering::SeqCst);
                            thread::yield_now();
                            // Every tenth fails, and says nothing of what is durable.
                            if round % 10 > 0 {
                                synced.fetch_max(all, Ordering::SeqCst);
                                turn.done(1);
                            }
                        } else {
                            assert!(synced.load(Ordering::SeqCst) >= own);
                        }
                    }
                });
            }
        });
        assert!(syncs.load(Ordering::SeqCst) <= 1_600);
        assert!(turns.wait(2).is_some(), "another epoch knows nothing of this one");
        drop(turns.take());
    }
}
