//! The last map of a kind of a generation: making it takes up to seconds, and pages ask for it again and again.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::error::Result;
use crate::query::GoOn;
use crate::query::map::TableMap;

/// How long one who waits for a map does not look whether somebody still waits for it.
const LOOK: Duration = Duration::from_millis(20);

/// The last map: 8 bytes a row.
#[derive(Debug, Default)]
pub(super) struct Maps {
    /// With the last write that it has seen.
    kept: Mutex<Option<(u64, Arc<TableMap>)>>,
    /// Held while one is made: who asks meanwhile waits for it.
    making: Mutex<()>,
}

impl Maps {
    /// The map after the write `sequence`: kept, or made now.
    pub(super) fn map(
        &self,
        sequence: u64,
        go_on: GoOn<'_>,
        make: impl FnOnce() -> Result<TableMap>,
    ) -> Result<Arc<TableMap>> {
        if let Some(map) = self.kept(sequence) {
            return Ok(map);
        }
        let _making = loop {
            if let Some(making) = self.making.try_lock_for(LOOK) {
                break making;
            }
            go_on()?;
        };
        if let Some(map) = self.kept(sequence) {
            return Ok(map);
        }
        let map = Arc::new(make()?);
        *self.kept.lock() = Some((sequence, Arc::clone(&map)));
        Ok(map)
    }

    fn kept(&self, sequence: u64) -> Option<Arc<TableMap>> {
        let kept = self.kept.lock();
        let (_, map) = kept.as_ref().filter(|(seen, _)| *seen == sequence)?;
        Some(Arc::clone(map))
    }

    /// Bytes of memory that it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.kept.lock().as_ref().map_or(0, |(_, map)| map.places.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn a_map_is_made_once_for_a_state_and_a_failure_is_not_kept() {
        let maps = Maps::default();
        let go: GoOn<'_> = &|| Ok(());
        let none = || Err(Error::new(ErrorKind::Cancelled));
        let of = |count| TableMap { places: vec![0; count], ..TableMap::default() };
        assert!(maps.map(3, go, none).is_err());
        assert_eq!(maps.map(3, go, || Ok(of(16))).unwrap().places.len(), 16);
        assert_eq!(maps.map(3, go, none).unwrap().places.len(), 16);
        assert_eq!(maps.memory_bytes(), 16);
        assert!(maps.map(4, go, none).is_err(), "a write may change it");
        assert_eq!(maps.map(4, go, || Ok(of(24))).unwrap().places.len(), 24);
        // Who waits for another's map, and is no longer waited for, gives up.
        let making = maps.making.lock();
        assert!(maps.map(5, &|| Err(Error::new(ErrorKind::Cancelled)), || Ok(of(8))).is_err());
        drop(making);
        assert_eq!(maps.memory_bytes(), 24, "one is kept");
    }
}
