//! `SlowLog`: calls that took long are told in the log, with how they were answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::server::access::Throttle;
use crate::server::plan::Plan;
use crate::server::request_id::RequestId;

/// Slow calls that are told in a second; of the others only their number is.
const TOLD_PER_SECOND: u64 = 20;

/// Where slow calls are told.
#[derive(Debug)]
pub(super) struct SlowLog {
    /// A call that takes longer is slow; none: no call is.
    limit: Option<Duration>,
    throttle: Throttle,
    left_out: AtomicU64,
}

/// A call that ended.
#[derive(Debug)]
pub(super) struct Ended<'a> {
    pub(super) request: &'a RequestId,
    pub(super) method: &'a str,
    /// The first tables that it named.
    pub(super) tables: &'a [String],
    /// The key's name; none if no key was needed.
    pub(super) key: Option<&'a str>,
    pub(super) code: &'a str,
    pub(super) took: Duration,
    pub(super) plan: Plan,
    /// Bytes of its longest message.
    pub(super) received_bytes: usize,
}

impl SlowLog {
    pub(super) fn new(limit: Option<Duration>) -> Self {
        let throttle = Throttle::new(TOLD_PER_SECOND);
        Self { limit, throttle, left_out: AtomicU64::new(0) }
    }

    /// Whether a call is to be told.
    pub(super) fn is_slow(&self, took: Duration) -> bool {
        self.limit.is_some_and(|limit| took > limit)
    }

    pub(super) fn tell(&self, ended: &Ended<'_>) {
        // Only counts: nothing else is read or written by their order.
        if !self.throttle.admits() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let Ended { request, method, tables, key, code, took, plan, received_bytes } = ended;
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let left_out = self.left_out.swap(0, Ordering::Relaxed);
        let tables = tables.join(",");
        tracing::warn!(
            target: "wordspace::slow", %request, method, tables, key, code, milliseconds,
            answered_by = %plan, received_bytes, left_out, "a slow call"
        );
    }
}
