//! `Pace`: how many calls a second a key may make.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Calls come in at a rate; those of one second may come at once.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Calls that may come now; below zero, those that came ahead of their time.
    left: f64,
    at: Instant,
}

impl Pace {
    pub(super) fn new(per_second: u32) -> Self {
        let per_second = f64::from(per_second.max(1));
        Self { per_second, state: Mutex::new(State { left: per_second, at: Instant::now() }) }
    }

    /// Takes one call, or tells how long until the next may come.
    pub(super) fn take(&self) -> Result<(), Duration> {
        self.take_at(Instant::now())
    }

    /// Takes calls that have come already; how long until the next may come.
    pub(super) fn owe(&self, calls: u64) -> Duration {
        let mut state = self.state.lock();
        self.refill(&mut state, Instant::now());
        state.left -= calls as f64;
        self.wait(-state.left)
    }

    fn take_at(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.state.lock();
        self.refill(&mut state, now);
        if state.left < 1.0 {
            return Err(self.wait(1.0 - state.left));
        }
        state.left -= 1.0;
        Ok(())
    }

    fn refill(&self, state: &mut State, now: Instant) {
        let passed = now.saturating_duration_since(state.at).as_secs_f64();
        state.left = (state.left + passed * self.per_second).min(self.per_second);
        state.at = now;
    }

    fn wait(&self, missing: f64) -> Duration {
        Duration::try_from_secs_f64(missing / self.per_second).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_calls_may_come_at_once_and_then_at_their_rate() {
        let pace = Pace::new(10);
        let begin = Instant::now();
        let taken = |at: Instant| (0..100).take_while(|_| pace.take_at(at).is_ok()).count();
        assert_eq!(taken(begin), 10);
        let wait = pace.take_at(begin).unwrap_err();
        assert!(wait > Duration::from_millis(90) && wait <= Duration::from_millis(101), "{wait:?}");
        assert_eq!(taken(begin + Duration::from_millis(250)), 2);
        assert_eq!(taken(begin + Duration::from_mins(1)), 10, "no more is saved up");
        assert!(pace.owe(30) > Duration::from_secs(2), "what came ahead is paid for");
    }
}
