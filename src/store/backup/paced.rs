//! A target that copies at most so many bytes a second, in both directions together, and leaves the rest of the
//! network to those who ask.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::error::Result;
use crate::store::backup::target::{Held, Target, Version};

/// Pieces that are copied in a second, about: whoever copies looks between two of them whether it is to go on.
const PIECES_A_SECOND: u64 = 10;
/// Bytes of a piece, at most.
const PIECE_BYTES_MAX: u64 = 1 << 20;

/// Of what is swapped, some hundred bytes, nothing is counted.
#[derive(Debug)]
struct Paced {
    inner: Box<dyn Target>,
    pace: Arc<Pace>,
}

/// A target of which at most so many bytes a second are read and written.
pub fn paced(inner: Box<dyn Target>, bytes_a_second: NonZeroU64) -> Box<dyn Target> {
    let pace = Arc::new(Pace { bytes_a_second, free: Mutex::new(Instant::now()) });
    Box::new(Paced { inner, pace })
}

#[derive(Debug)]
struct Pace {
    bytes_a_second: NonZeroU64,
    /// When what was copied so far is paid for.
    free: Mutex<Instant>,
}

impl Pace {
    fn piece(&self) -> usize {
        let piece = (self.bytes_a_second.get() / PIECES_A_SECOND).clamp(1, PIECE_BYTES_MAX);
        usize::try_from(piece).unwrap_or(usize::MAX)
    }

    /// Waits until bytes that were copied are paid for.
    fn pay(&self, bytes: usize) {
        let nanos = (bytes as u64).saturating_mul(1_000_000_000) / self.bytes_a_second;
        let until = {
            let mut free = self.free.lock();
            *free = Instant::now().max(*free) + Duration::from_nanos(nanos);
            *free
        };
        thread::sleep(until.saturating_duration_since(Instant::now()));
    }
}

struct PacedRead<R> {
    inner: R,
    pace: Arc<Pace>,
}

impl<R: Read> Read for PacedRead<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = buffer.len().min(self.pace.piece());
        let count = self.inner.read(&mut buffer[..piece])?;
        self.pace.pay(count);
        Ok(count)
    }
}

impl Target for Paced {
    fn put(&self, name: &str, source: &mut dyn Read) -> Result<()> {
        let pace = Arc::clone(&self.pace);
        self.inner.put(name, &mut PacedRead { inner: source, pace })
    }

    fn get(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>> {
        let pace = &self.pace;
        let paced = |inner| Box::new(PacedRead { inner, pace: Arc::clone(pace) });
        Ok(self.inner.get(name)?.map(|inner| paced(inner) as Box<dyn Read + Send>))
    }

    fn list(&self, prefix: &str) -> Result<BTreeMap<String, u64>> {
        self.inner.list(prefix)
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.inner.remove(name)
    }

    fn held(&self, name: &str) -> Result<Option<Held>> {
        self.inner.held(name)
    }

    fn swap(&self, name: &str, before: Option<&Version>, bytes: &[u8]) -> Result<Option<Version>> {
        self.inner.swap(name, before, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::backup::open;

    #[test]
    fn what_is_copied_takes_its_time_in_both_directions_and_arrives_whole() {
        let folder = tempfile::tempdir().unwrap();
        let open = || open(folder.path().to_str().unwrap()).unwrap();
        let bytes: Vec<u8> = (0..=255).cycle().take(60_000).collect();
        let target = paced(open(), NonZeroU64::new(600_000).unwrap());
        let began = Instant::now();
        target.put("a", &mut &bytes[..]).unwrap();
        assert!(began.elapsed() >= Duration::from_millis(99), "a tenth of a second's bytes");
        let mut read = Vec::new();
        target.get("a").unwrap().unwrap().read_to_end(&mut read).unwrap();
        assert!(began.elapsed() >= Duration::from_millis(198));
        assert!(read == bytes);
        assert!(target.get("b").unwrap().is_none());
        // One byte a second still goes on byte by byte, so that whoever copies hears when it is to end.
        let pace = Pace { bytes_a_second: NonZeroU64::MIN, free: Mutex::new(Instant::now()) };
        assert_eq!(pace.piece(), 1);
        let fast = Pace { bytes_a_second: NonZeroU64::MAX, ..pace };
        assert_eq!(fast.piece(), 1 << 20);
    }
}
