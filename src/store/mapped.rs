//! The vectors of a table that stay on the disk: a section of a generation's file, mapped. Its checksums are
//! verified by reading the file when the table is opened, so a sector that cannot be read is an error then;
//! what the system drops and reads again later is not verified twice.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

use crate::container::{Container, Section};
use crate::error::{Error, Result};
use crate::vector::rows::Bytes;

struct Mapped {
    map: Mmap,
    section: Range<usize>,
}

impl Bytes for Mapped {
    fn bytes(&self) -> &[u8] {
        &self.map[self.section.clone()]
    }
}

/// Maps a section of the container that lies in a file.
pub(super) fn section(
    path: &Path,
    part: &Container,
    section: &Section<'_>,
) -> Result<Arc<dyn Bytes>> {
    let file = File::open(path).map_err(Error::disk)?;
    // SAFETY: files of generations are never changed, and are removed by their names only.
    let map = unsafe { Mmap::map(&file) }.map_err(Error::disk)?;
    let Range { start, end } = section.range();
    let place = |at: u64| usize::try_from(at).ok().filter(|&at| at <= map.len());
    match place(start).zip(place(end)) {
        Some((start, end)) if start <= end => Ok(Arc::new(Mapped { map, section: start..end })),
        Some(_) | None => Err(part.senseless()),
    }
}
