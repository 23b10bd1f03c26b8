//! Places of a table's words by their neighbors, as they are kept with a generation.

use std::sync::Arc;

use crate::engine::Shared;
use crate::engine::generation::Generation;
use crate::error::{Error, ErrorKind, Result};
use crate::query::places::{self, Arranged};

/// The places that are kept with a generation, which damage takes from nobody but the map.
pub(super) fn kept(shared: &Shared, generation: &Generation) -> Option<Arc<Arranged>> {
    if let Some(arranged) = generation.arranged() {
        return Some(arranged);
    }
    let read = || {
        let part = shared.store.part(generation.number(), places::KIND)?;
        part.map(|part| places::read(&part)).transpose()
    };
    match read() {
        Ok(read) => {
            let arranged = Arc::new(read?);
            generation.set_arranged(Some(Arc::clone(&arranged)));
            Some(arranged)
        }
        Err(error) => {
            let table = &generation.name();
            tracing::warn!(%table, ?error, "the places of the map are not used");
            None
        }
    }
}

/// The places that are kept with a generation.
///
/// # Errors
///
/// `Unsuited` if there are none.
pub(super) fn arranged(shared: &Shared, generation: &Generation) -> Result<Arc<Arranged>> {
    kept(shared, generation).ok_or_else(|| {
        let because = "nobody has arranged its words by their neighbors yet: ArrangeMap does, and \
                       `wordspace map --layout neighbors`";
        Error::new(ErrorKind::Unsuited { operation: "the map", because: because.to_owned() })
    })
}
