//! Group commit: one sync for all callers that wait for one.

use std::collections::BTreeMap;

use parking_lot::{Condvar, Mutex};

/// Epochs whose durable groups are remembered: a caller that was covered may look a little later.
const EPOCHS: usize = 2;

/// While one caller syncs, those that come form the next group; when it is done, one of that group syncs
/// for all of it.
#[derive(Default)]
pub(super) struct GroupCommit {
    state: Mutex<State>,
    /// Where callers wait, by the parity of their group: all of a group are woken when its sync is done,
    /// and one of the next group to begin it.
    ended: [Condvar; 2],
}

#[derive(Default)]
struct State {
    /// The group that a caller joins.
    group: usize,
    /// Whether a caller syncs.
    is_taken: bool,
    /// The last durable group of each epoch; groups are counted over all epochs.
    durable: BTreeMap<u64, usize>,
}

/// The right to sync; dropped, it goes to one of the next group.
pub(super) struct Commit<'a> {
    of: &'a GroupCommit,
    group: usize,
    is_durable: bool,
}

impl GroupCommit {
    /// Waits until everything that this caller wrote in an epoch is durable, or until it is the caller's
    /// turn to make it so, with all that was written until now.
    pub(super) fn wait(&self, epoch: u64) -> Option<Commit<'_>> {
        let mut state = self.state.lock();
        let own = state.group;
        loop {
            if state.durable.get(&epoch).is_some_and(|&group| group >= own) {
                // Woken in place of one that has to begin: groups of the same parity wait together.
                if !state.is_taken {
                    self.ended[own % 2].notify_one();
                }
                return None;
            }
            if !state.is_taken {
                return Some(self.begin(&mut state));
            }
            self.ended[own % 2].wait(&mut state);
        }
    }

    /// Waits until nobody syncs, and keeps others from it.
    pub(super) fn take(&self) -> Commit<'_> {
        let mut state = self.state.lock();
        let own = state.group;
        while state.is_taken {
            self.ended[own % 2].wait(&mut state);
        }
        self.begin(&mut state)
    }

    fn begin(&self, state: &mut State) -> Commit<'_> {
        let group = state.group;
        state.group += 1;
        state.is_taken = true;
        Commit { of: self, group, is_durable: false }
    }
}

impl Commit<'_> {
    /// Everything that was written in this epoch before the turn began is durable.
    pub(super) fn done(mut self, epoch: u64) {
        self.is_durable = true;
        let durable = &mut self.of.state.lock().durable;
        durable.insert(epoch, self.group);
        while durable.len() > EPOCHS {
            durable.pop_first();
        }
    }
}

impl Drop for Commit<'_> {
    fn drop(&mut self) {
        self.of.state.lock().is_taken = false;
        let [own, next] = [self.group, self.group + 1].map(|group| &self.of.ended[group % 2]);
        own.notify_all();
        if self.is_durable {
            next.notify_one();
        } else {
            // Its own group has to sync again, and waits with the next one but one.
            next.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    /// Every caller is covered by a sync that began after its write, or syncs; none is left asleep, also
    /// where syncs fail and epochs end.
    #[test]
    fn callers_are_covered_or_sync_also_where_syncs_fail() {
        let commits = GroupCommit::default();
        let (written, synced) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for caller in 0..8 {
                let (commits, written, synced) = (&commits, &written, &synced);
                scope.spawn(move || {
                    for round in 0..300_usize {
                        let own = written.fetch_add(1, Ordering::SeqCst) + 1;
                        if (caller, round % 16) == (0, 0) {
                            drop(commits.take());
                        }
                        if let Some(commit) = commits.wait(1) {
                            let all = written.load(Ordering::SeqCst);
                            thread::yield_now();
                            if (round + caller) % 3 > 0 {
                                synced.fetch_max(all, Ordering::SeqCst);
                                commit.done(1);
                            }
                        } else {
                            assert!(synced.load(Ordering::SeqCst) >= own);
                        }
                    }
                });
            }
        });
        assert!(commits.wait(2).is_some(), "another epoch knows nothing of this one");
    }
}
