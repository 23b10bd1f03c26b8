//! Places of rows that were arranged by their neighbors, as they are kept beside the rows.
//!
//! As a part of their own they have these sections:
//!
//! | section | holds |
//! | --- | --- |
//! | `head` | seed, sequence, milliseconds that it took, u64 |
//! | `places` | for each row from the first on its two coordinates, f32; no numbers for a row without a place |
//! | `written` | rows that had been written since the table was built, ascending, and a checksum of each one's vector, u32 |

use std::io::Write;

use crate::container::{CHUNK_BYTES, Container, Kind, Writer};
use crate::error::Result;
use crate::limits;
use crate::table::view::View;
use crate::vector::RowId;

/// A container of places.
pub const KIND: Kind = Kind {
    name: "places",
    version: 1,
    advice: "`wordspace map --layout neighbors` arranges the table again",
};
/// Rows converted at once.
const ROWS_AT_ONCE: usize = 4_096;

/// Places of a table's rows, which hold for each row as long as its vector is the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arranged {
    /// By which others were drawn.
    pub seed: u64,
    /// The last write that it has seen.
    pub sequence: u64,
    /// How long it took.
    pub milliseconds: u64,
    /// No numbers where a row has no place.
    pub places: Vec<[f32; 2]>,
    /// Rows that had been written since the table was built, ascending, and checksums of their vectors.
    pub written: Vec<(u32, u32)>,
}

impl Arranged {
    /// Of these places, which rows had been written.
    pub(super) fn new(table: &View, seed: u64, places: Vec<[f32; 2]>) -> Self {
        let mut written: Vec<(u32, u32)> = table
            .written()
            .filter(|(row, ..)| row.index() < places.len())
            .map(|(row, vector, _)| (row.0, checksum(&vector)))
            .collect();
        written.sort_unstable();
        Self { seed, sequence: table.sequence(), milliseconds: 0, places, written }
    }

    /// The place of a row, if it was there with this vector.
    pub(super) fn place(&self, table: &View, row: RowId) -> Option<[f32; 2]> {
        let place = *self.places.get(row.index())?;
        if !place.iter().all(|x| x.is_finite()) {
            return None;
        }
        // What is as it was built was so then.
        if row.index() < table.base().len() && table.intact().has(row) {
            return Some(place);
        }
        let at = self.written.binary_search_by_key(&row.0, |&(row, _)| row).ok()?;
        (self.written[at].1 == checksum(&table.vector(row))).then_some(place)
    }

    /// Rows that have a place.
    pub fn placed_count(&self) -> usize {
        self.places.iter().filter(|place| place[0].is_finite()).count()
    }

    /// Bytes of memory that it takes.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(self.places.as_slice()) + size_of_val(self.written.as_slice())
    }
}

fn checksum(vector: &[f32]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for value in vector {
        hasher.update(&value.to_le_bytes());
    }
    hasher.finalize()
}

/// Writes places.
///
/// # Errors
///
/// If the output fails.
pub fn write<W: Write>(arranged: &Arranged, out: &mut Writer<W>) -> Result<()> {
    out.section("head", CHUNK_BYTES)?;
    for number in [arranged.seed, arranged.sequence, arranged.milliseconds] {
        out.write(&number.to_le_bytes())?;
    }
    out.section("places", CHUNK_BYTES)?;
    for places in arranged.places.chunks(ROWS_AT_ONCE) {
        let bytes: Vec<u8> = places.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
        out.write(&bytes)?;
    }
    out.section("written", CHUNK_BYTES)?;
    for written in arranged.written.chunks(ROWS_AT_ONCE) {
        let numbers = written.iter().flat_map(|&(row, checksum)| [row, checksum]);
        let bytes: Vec<u8> = numbers.flat_map(u32::to_le_bytes).collect();
        out.write(&bytes)?;
    }
    Ok(())
}

/// The places of a part.
///
/// # Errors
///
/// If the container is damaged.
pub fn read(from: &Container) -> Result<Arranged> {
    let most = limits::MAP_ROWS_MAX as u64 * 8;
    let sections = ["places", "written"].map(|name| from.section(name));
    for section in sections {
        if section?.length() > most {
            return Err(from.senseless());
        }
    }
    let head = from.section("head")?.numbers(u64::from_le_bytes)?;
    let &[seed, sequence, milliseconds] = head.as_slice() else { return Err(from.senseless()) };
    let numbers = from.section("places")?.numbers(f32::from_le_bytes)?;
    let (places, rest) = numbers.as_chunks();
    let checksums = from.section("written")?.numbers(u32::from_le_bytes)?;
    let (written, rest_of_written) = checksums.as_chunks();
    let written: Vec<(u32, u32)> = written.iter().map(|&[row, sum]| (row, sum)).collect();
    let is_right = rest.is_empty()
        && rest_of_written.is_empty()
        && written.is_sorted_by(|(a, _), (b, _)| a < b);
    if !is_right {
        return Err(from.senseless());
    }
    Ok(Arranged { seed, sequence, milliseconds, places: places.to_vec(), written })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn places_are_read_as_they_were_written_and_senseless_ones_refused() {
        let written = Arranged {
            seed: 9,
            sequence: 4,
            milliseconds: 1_250,
            places: (0..9_000_u16).map(|i| [f32::from(i), -f32::from(i) / 7.0]).collect(),
            written: vec![(3, 77), (8_999, 1)],
        };
        let file = |arranged: &Arranged| {
            let mut out = Writer::new(Vec::new(), KIND, 5).unwrap();
            write(arranged, &mut out).unwrap();
            let bytes = out.finish().unwrap().0;
            Container::open(Arc::new(bytes), "places".to_owned(), KIND).unwrap()
        };
        assert_eq!(read(&file(&written)).unwrap(), written);
        assert_eq!((written.placed_count(), written.memory_bytes()), (9_000, 72_016));
        let unsorted = Arranged { written: vec![(8, 1), (3, 77)], ..written };
        let error = read(&file(&unsorted)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error}");
    }
}
