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
    kept: Mutex<VecDeque<(Scan, Arc<RowSet>)>>,
}

impl Scans {
    /// The rows of a filter: kept, or found now.
    pub(super) fn rows(
        &self,
        scan: &Scan,
        find: impl FnOnce() -> Result<RowSet>,
    ) -> Result<Arc<RowSet>> {
        if scan.is_quick() {
            return find().map(Arc::new);
        }
        if let Some(rows) = self.kept(scan) {
            return Ok(rows);
        }
        let rows = Arc::new(find()?);
        let mut kept = self.kept.lock();
        kept.truncate(KEPT_MAX - 1);
        kept.push_front((scan.clone(), Arc::clone(&rows)));
        Ok(rows)
    }

    fn kept(&self, scan: &Scan) -> Option<Arc<RowSet>> {
        let mut kept = self.kept.lock();
        let place = kept.iter().position(|(other, _)| other == scan)?;
        let found = kept.remove(place)?;
        let rows = Arc::clone(&found.1);
        kept.push_front(found);
        Some(rows)
    }

    /// Bytes of memory that the rows take.
    pub(super) fn memory_bytes(&self) -> usize {
        self.kept.lock().iter().map(|(_, rows)| rows.memory_bytes()).sum()
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
            assert!(scans.rows(&scan(i), none).is_err());
            assert_eq!(scans.rows(&scan(i), || Ok(RowSet::all(i))).unwrap().len(), i);
            assert_eq!(scans.rows(&scan(0), none).unwrap().len(), 0, "the one used last stays");
        }
        let kept = (0..KEPT_MAX + 4).filter(|&i| scans.rows(&scan(i), none).is_ok()).count();
        assert_eq!(kept, KEPT_MAX);
        let all = Scan::default();
        assert_eq!(scans.rows(&all, || Ok(RowSet::all(9))).unwrap().len(), 9);
        assert!(scans.rows(&all, none).is_err(), "quicker found than kept");
    }
}
