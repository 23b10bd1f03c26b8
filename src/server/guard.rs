//! What a call may take: its deadline, and one of a bounded number of permits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::metadata::MetadataMap;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// Hands out permits; a call without one is refused at once, so that the others stay fast.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    permits: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    long: Arc<Semaphore>,
}

impl Guard {
    pub(super) fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(limits::CALLS_MAX)),
            streams: Arc::new(Semaphore::new(limits::STREAMS_MAX)),
            long: Arc::new(Semaphore::new(limits::LONG_CALLS_MAX)),
        }
    }

    /// For a call that takes a core for seconds, beside its permit.
    pub(super) fn long(&self) -> Result<OwnedSemaphorePermit> {
        let long = Arc::clone(&self.long);
        long.try_acquire_owned().map_err(|_| Error::new(ErrorKind::Overloaded))
    }

    /// For a stream of questions, which waits for its caller most of the time: its messages take
    /// permits of their own.
    pub(super) fn stream(&self) -> Result<OwnedSemaphorePermit> {
        let streams = Arc::clone(&self.streams);
        streams.try_acquire_owned().map_err(|_| Error::new(ErrorKind::Overloaded))
    }

    pub(super) fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let permits = Arc::clone(&self.permits);
        permits.try_acquire_owned().map_err(|_| Error::new(ErrorKind::Overloaded))
    }
}

/// How long the caller will wait, if the call says so. A little less than it says: tonic watches the
/// same header and would answer CANCELLED.
pub(super) fn timeout(metadata: &MetadataMap) -> Option<Duration> {
    let header = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok()?;
    let timeout = match unit {
        "H" => Duration::from_secs(count.checked_mul(3_600)?),
        "M" => Duration::from_secs(count.checked_mul(60)?),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    };
    Some(timeout.saturating_sub((timeout / 10).min(Duration::from_millis(5))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_read_and_shortened() {
        let timeout = |header: &'static str| {
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-timeout", header.parse().unwrap());
            timeout(&metadata)
        };
        assert_eq!(timeout("2S"), Some(Duration::from_millis(1_995)));
        assert_eq!(timeout("10m"), Some(Duration::from_millis(9)));
        assert_eq!(timeout("0n"), Some(Duration::ZERO));
        for nonsense in ["", "S", "1x", "-1S", "99999999999999999999H", "5124095576030432H"] {
            assert_eq!(timeout(nonsense), None, "{nonsense}");
        }
    }
}
