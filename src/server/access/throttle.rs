//! `Throttle`: so many entries of a log in a second, and no more.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Lets through as many as are allowed in a second.
#[derive(Debug)]
pub(in crate::server) struct Throttle {
    per_second: u64,
    second: Mutex<(Instant, u64)>,
}

impl Throttle {
    pub(in crate::server) fn new(per_second: u64) -> Self {
        Self { per_second, second: Mutex::new((Instant::now(), 0)) }
    }

    /// Whether one more may be told.
    pub(in crate::server) fn admits(&self) -> bool {
        let mut second = self.second.lock();
        if second.0.elapsed() > Duration::from_secs(1) {
            *second = (Instant::now(), 0);
        }
        second.1 += 1;
        second.1 <= self.per_second
    }
}
