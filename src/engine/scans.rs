//! The last filters of a generation and the rows that each let through: looking at every word takes
//! milliseconds, and filters come again.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::Result;
use crate::query::filter::Scan;
use crate::vector::row_set::RowSet;

/// Filters that are kept.
const KEPT_MAX: usize = 16;

/// The last filters, the latest first.
#[derive(Debug, Default)]
pub(super) struct Scans {
    kept: Mutex<VecDeque<Kept>>,
}

#[derive(Debug)]
struct Kept {
    /// The last write that was seen.
    sequence: u64,
    scan: Scan,
    rows: Arc<RowSet>,
}

impl Scans {
    /// The rows of a filter after the write `sequence`: kept, or found now.
    pub(super) fn rows(
        &self,
        sequence: u64,
        scan: &Scan,
        find: impl FnOnce() -> Result<RowSet>,
    ) -> Result<Arc<RowSet>> {
        if scan.is_quick() {
            return find().map(Arc::new);
        }
        if let Some(rows) = self.kept(sequence, scan) {
            return Ok(rows);
        }
        let rows = Arc::new(find()?);
        let mut kept = self.kept.lock();
        kept.truncate(KEPT_MAX - 1);
        kept.push_front(Kept { sequence, scan: scan.clone(), rows: Arc::clone(&rows) });
        Ok(rows)
    }

    fn kept(&self, sequence: u64, scan: &Scan) -> Option<Arc<RowSet>> {
        let mut kept = self.kept.lock();
        let place = kept.iter().position(|kept| kept.sequence == sequence && kept.scan == *scan)?;
        let found = kept.remove(place)?;
        let rows = Arc::clone(&found.rows);
        kept.push_front(found);
        Some(rows)
    }

    /// Bytes of memory that the rows take.
    pub(super) fn memory_bytes(&self) -> usize {
        self.kept.lock().iter().map(|kept| kept.rows.memory_bytes()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn the_last_filters_are_kept_and_failures_are_not() {
        let scans = Scans::default();
        let scan = |i: usize| Scan { prefix: i.to_string(), ..Scan::default() };
        let none = || Err(Error::new(ErrorKind::Cancelled));
        for i in 0..KEPT_MAX + 4 {
            assert!(scans.rows(7, &scan(i), none).is_err());
            assert_eq!(scans.rows(7, &scan(i), || Ok(RowSet::all(i))).unwrap().len(), i);
            assert_eq!(scans.rows(7, &scan(0), none).unwrap().len(), 0, "the one used last stays");
        }
        let kept = (0..KEPT_MAX + 4).filter(|&i| scans.rows(7, &scan(i), none).is_ok()).count();
        assert_eq!(kept, KEPT_MAX);
        assert!(scans.rows(8, &scan(0), none).is_err(), "a write may change it");
        let all = Scan::default();
        assert_eq!(scans.rows(7, &all, || Ok(RowSet::all(9))).unwrap().len(), 9);
        assert!(scans.rows(7, &all, none).is_err(), "quicker found than kept");
    }
}
