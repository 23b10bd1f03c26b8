//! What a call may take: its deadline, one of a bounded number of permits, and its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tonic::metadata::MetadataMap;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// Hands out permits; a call without one is refused at once, so that the others stay fast.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    streams: Arc<AtomicUsize>,
}

/// Counts as one until it is dropped.
#[derive(Debug)]
pub(super) struct Permit(Arc<AtomicUsize>);

impl Guard {
    /// For a stream that only watches.
    pub(super) fn stream(&self) -> Result<Permit> {
        Permit::of(&self.streams, limits::STREAMS_MAX)
    }
}

impl Permit {
    fn of(counter: &Arc<AtomicUsize>, max: usize) -> Result<Self> {
        // Only a count: nothing else is read or written by its order.
        let permit = Self(Arc::clone(counter));
        if counter.fetch_add(1, Ordering::Relaxed) < max {
            return Ok(permit);
        }
        Err(Error::new(ErrorKind::Overloaded))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long the caller will wait, if the call says so. A little less than it says, so that
/// the answer arrives before the caller gives up.
pub(super) fn timeout(metadata: &MetadataMap) -> Option<Duration> {
    let header = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    // So many digits the protocol allows; no clock overflows by them.
    if digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    let timeout = match unit {
        "H" => Duration::from_secs(count * 3_600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    };
    Some(timeout.saturating_sub((timeout / 10).min(Duration::from_millis(5))))
}

/// Waits until nobody waits for the answers to a stream, and tells why.
pub(super) async fn end(
    timeout: Option<Duration>,
    mut is_closing: watch::Receiver<bool>,
) -> ErrorKind {
    let deadline = async {
        match timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = deadline => ErrorKind::Deadline,
        // An error means that the server is gone, which is as good.
        _ = is_closing.wait_for(|&closing| closing) => ErrorKind::Closing,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn what_is_over_the_number_is_refused_until_a_permit_is_back() {
        let guard = Guard::default();
        let permits: Vec<_> = (0..limits::STREAMS_MAX).map(|_| guard.stream().unwrap()).collect();
        for _ in 0..3 {
            assert_eq!(*guard.stream().unwrap_err().kind(), ErrorKind::Overloaded);
        }
        drop(permits);
        assert!(guard.stream().is_ok());
    }

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
        for longest in ["99999999H", "99999999S", "99999999n"] {
            assert!(Instant::now().checked_add(timeout(longest).unwrap()).is_some());
        }
        for nonsense in ["", "S", "1x", "-1S", "+1S", "100000000S", "9999999999999999999S"] {
            assert_eq!(timeout(nonsense), None, "{nonsense}");
        }
    }
}
