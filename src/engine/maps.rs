//! The last map of a kind of a generation: making it takes up to seconds, and pages ask for it again and again.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::error::Result;
use crate::query::GoOn;
use crate::query::map::TableMap;

/// How long one who waits for a map does not look whether somebody still waits for it.
const LOOK: Duration = Duration::from_millis(20);

/// What a map shows: the last write that it has seen, and where its rows were arranged by neighbors, the seed and
/// the last write that that has seen.
pub(super) type MapState = (u64, Option<(u64, u64)>);

/// The last map: 8 bytes a row.
#[derive(Debug, Default)]
pub(super) struct Maps {
    /// With the state of the table that it shows.
    kept: Mutex<Option<(MapState, Arc<TableMap>)>>,
    /// Held while one is made: who asks meanwhile waits for it.
    making: Mutex<()>,
}

impl Maps {
    /// The map of a state: kept, or made now.
    pub(super) fn map(
        &self,
        state: MapState,
        go_on: GoOn<'_>,
        make: impl FnOnce() -> Result<TableMap>,
    ) -> Result<Arc<TableMap>> {
        if let Some(map) = self.kept(state) {
            return Ok(map);
        }
        let _making = loop {
            if let Some(making) = self.making.try_lock_for(LOOK) {
                break making;
            }
            go_on()?;
        };
        if let Some(map) = self.kept(state) {
            return Ok(map);
        }
        let map = Arc::new(make()?);
        *self.kept.lock() = Some((state, Arc::clone(&map)));
        Ok(map)
    }

    fn kept(&self, state: MapState) -> Option<Arc<TableMap>> {
        let kept = self.kept.lock();
        let (_, map) = kept.as_ref().filter(|(shown, _)| *shown == state)?;
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
        assert!(maps.map((3, None), go, none).is_err());
        assert_eq!(maps.map((3, None), go, || Ok(of(16))).unwrap().places.len(), 16);
        assert_eq!(maps.map((3, None), go, none).unwrap().places.len(), 16);
        assert_eq!(maps.memory_bytes(), 16);
        assert!(maps.map((4, None), go, none).is_err(), "a write may change it");
        assert_eq!(maps.map((4, None), go, || Ok(of(24))).unwrap().places.len(), 24);
        assert!(maps.map((4, Some((1, 4))), go, none).is_err(), "another seed has arranged it");
        // Who waits for another's map, and is no longer waited for, gives up.
        let making = maps.making.lock();
        assert!(
            maps.map((5, None), &|| Err(Error::new(ErrorKind::Cancelled)), || Ok(of(8))).is_err()
        );
        drop(making);
        assert_eq!(maps.memory_bytes(), 24, "one is kept");
    }
}
