//! The graph as a file, both ways.
//!
//! Everything is little-endian. The first two sections are used where they lie in the mapped file, so
//! they begin with a cache line. Codes are not stored: they follow from the table and the rotation.
//!
//! ```text
//! +------------------------------------------------------------+  0
//! | magic: "WSGRAPH" and a zero                         8 bytes |
//! | format version: 3                                       u32 |
//! | crc32 of the rest of the header                         u32 |
//! +------------------------------------------------------------+  16
//! | generation of the table                                 u64 |
//! | rows of the table                                       u64 |
//! | components of each vector                               u32 |
//! | m, ef_construction                                  2 x u32 |
//! | links of a row in the bottom layer                      u32 |
//! | head of the rotation                                    u32 |
//! | for each section: length in bytes u64, crc32            u32 |
//! | zeros                                              28 bytes |
//! +------------------------------------------------------------+  128
//! | bottom section: for each row its links, u32 each;           |
//! | 2^32 - 1 in the slots behind the last link                  |
//! +------------------------------------------------------------+
//! | list section: for each row its 32 nearest, nearest first,   |
//! | or 2^32 - 1; empty if they are not known                    |
//! +------------------------------------------------------------+
//! | upper section: number of layers u32, then from the lowest:  |
//! |   number of rows u32                                        |
//! |   the rows, ascending, u32 each                             |
//! |   for each row 2 m links, as places in this list, u32 each  |
//! +------------------------------------------------------------+
//! | calibration section: a spread for each ef_search measured,  |
//! | then a recall for each, f32                                 |
//! | rotation: for each component its part in each axis, f32;    |
//! | none for more than 512 components                           |
//! +------------------------------------------------------------+  the file's length
//! ```

use std::io::Write;
use std::sync::Arc;

use crc32fast::Hasher;

use crate::error::{Error, ErrorKind, Result};
use crate::index::calibrate::{Calibration, EFS};
use crate::index::codes::Codes;
use crate::index::graph::Graph;
use crate::index::hnsw::{BuildParams, LIST};
use crate::index::image::Image;
use crate::index::links::{Hierarchy, Layer, Links, NONE};
use crate::table::Table;
use crate::vector::rotation::Rotation;

/// The version of the format that this build writes and reads.
pub const VERSION: u32 = 3;

const MAGIC: [u8; 8] = *b"WSGRAPH\0";
/// What stands before the checksum's range.
const PREFIX_BYTES: usize = 16;
const SECTIONS: usize = 4;
const HEADER_BYTES: usize = 128;
const WORD: usize = size_of::<u32>();
/// Words converted at once.
const WORDS_AT_ONCE: usize = 16_384;

/// Writes a graph of this generation of its table.
///
/// # Errors
///
/// If `out` fails.
pub fn write(graph: &Graph, generation: u64, out: &mut dyn Write) -> Result<()> {
    let hierarchy = graph.hierarchy();
    let rotation = graph.codes().rotation();
    let calibration = graph.calibration();
    let measured = calibration.spreads.iter().chain(&calibration.recalls).chain(rotation.values());
    let measured: Vec<u32> = measured.map(|value| value.to_bits()).collect();
    let upper = upper_words(&hierarchy.upper);
    let lists = graph.lists().map_or(&[][..], Links::values);
    let sections = [hierarchy.bottom.values(), lists, &upper, &measured];
    let params = graph.params();
    let header = Header {
        generation,
        rows: graph.table().len() as u64,
        dim: word(graph.table().dim()),
        m: word(params.m),
        ef_construction: word(params.ef_construction),
        stride: word(hierarchy.bottom.stride()),
        head: word(rotation.head()),
        sections: sections.map(Section::of),
    };
    out.write_all(&header.to_bytes()).map_err(Error::disk)?;
    for section in sections {
        for words in section.chunks(WORDS_AT_ONCE) {
            out.write_all(&bytes_of(words)).map_err(Error::disk)?;
        }
    }
    Ok(())
}

/// The graph of this generation of the table, which goes on to use the file.
///
/// # Errors
///
/// If the file is damaged, belongs to other rows, or was written by another version.
pub fn read(table: Arc<Table>, generation: u64, image: &Image) -> Result<Graph> {
    let bytes = image.bytes();
    let header = bytes.first_chunk().ok_or_else(|| damaged("it ends early"))?;
    let header = Header::from_bytes(header)?;
    header.check(&table, generation, bytes.len() as u64)?;
    let mut end = HEADER_BYTES;
    let mut sections = Vec::with_capacity(SECTIONS);
    for section in &header.sections {
        // The header was checked: all sections together are as long as the file.
        let length = usize::try_from(section.length).unwrap_or(usize::MAX);
        let range = end..end.saturating_add(length);
        let section_bytes = bytes.get(range.clone()).ok_or_else(|| damaged("it ends early"))?;
        if crc32fast::hash(section_bytes) != section.checksum {
            return Err(damaged("wrong checksum of a section"));
        }
        end = range.end;
        sections.push(image.words(range));
    }
    let Ok([bottom, lists, upper, measured]) = <[_; SECTIONS]>::try_from(sections) else {
        return Err(damaged("it ends early"));
    };
    let measured: Vec<f32> = measured.iter().copied().map(f32::from_bits).collect();
    check_lists(&bottom, header.stride, header.rows)?;
    check_lists(&lists, word(LIST), header.rows)?;
    let bottom = Links::from_values(header.stride as usize, bottom);
    let lists = (!lists.is_empty()).then(|| Links::from_values(LIST, lists));
    let upper = layers_of(&upper, &header)?;
    let params = BuildParams {
        m: header.m as usize,
        ef_construction: header.ef_construction as usize,
        threads: 0,
    };
    let (calibration, rotation) = measures_of(&measured, &header)?;
    let codes = Codes::turned(&table, rotation)?;
    let mut graph = Graph::new(table, params, codes, Hierarchy { bottom, upper }, lists);
    graph.set_calibration(calibration);
    Ok(graph)
}

fn measures_of(values: &[f32], header: &Header) -> Result<(Calibration, Rotation)> {
    let wrong = || damaged("its measures are not numbers");
    let (spreads, rest) = values.split_first_chunk::<{ EFS.len() }>().ok_or_else(wrong)?;
    let (recalls, rotation) = rest.split_first_chunk::<{ EFS.len() }>().ok_or_else(wrong)?;
    let is_right = !spreads.iter().chain(recalls).any(|value| value.is_nan())
        && rotation.iter().all(|value| value.abs() <= 1.001);
    let calibration = Calibration { spreads: *spreads, recalls: *recalls };
    let (dim, head) = (header.dim as usize, header.head as usize);
    let rotation = Rotation::from_parts(dim, head, rotation.to_vec());
    rotation.filter(|_| is_right).map(|rotation| (calibration, rotation)).ok_or_else(wrong)
}

struct Header {
    generation: u64,
    rows: u64,
    dim: u32,
    m: u32,
    ef_construction: u32,
    stride: u32,
    head: u32,
    sections: [Section; SECTIONS],
}

impl Header {
    fn to_bytes(&self) -> Vec<u8> {
        let mut rest = Vec::new();
        rest.extend(self.generation.to_le_bytes());
        rest.extend(self.rows.to_le_bytes());
        for word in [self.dim, self.m, self.ef_construction, self.stride, self.head] {
            rest.extend(word.to_le_bytes());
        }
        for section in &self.sections {
            rest.extend(section.length.to_le_bytes());
            rest.extend(section.checksum.to_le_bytes());
        }
        rest.resize(HEADER_BYTES - PREFIX_BYTES, 0);
        let checksum = crc32fast::hash(&rest);
        [&MAGIC[..], &VERSION.to_le_bytes(), &checksum.to_le_bytes(), &rest].concat()
    }

    fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Result<Self> {
        let mut rest = &bytes[..];
        if take(&mut rest) != MAGIC {
            return Err(damaged("it does not begin as one"));
        }
        let version = u32::from_le_bytes(take(&mut rest));
        if version != VERSION {
            let what = WHAT.to_owned();
            let kind = ErrorKind::ForeignVersion { what, expected: VERSION, got: version };
            return Err(Error::new(kind));
        }
        let checksum = u32::from_le_bytes(take(&mut rest));
        if checksum != crc32fast::hash(&bytes[PREFIX_BYTES..]) {
            return Err(damaged("wrong checksum of the header"));
        }
        let header = Self {
            generation: u64::from_le_bytes(take(&mut rest)),
            rows: u64::from_le_bytes(take(&mut rest)),
            dim: u32::from_le_bytes(take(&mut rest)),
            m: u32::from_le_bytes(take(&mut rest)),
            ef_construction: u32::from_le_bytes(take(&mut rest)),
            stride: u32::from_le_bytes(take(&mut rest)),
            head: u32::from_le_bytes(take(&mut rest)),
            sections: std::array::from_fn(|_| Section::take(&mut rest)),
        };
        if rest.iter().any(|&byte| byte != 0) {
            return Err(damaged("its header does not end with zeros"));
        }
        Ok(header)
    }

    /// Whether it fits the table and the file's length, so that no number in it claims more memory
    /// than the file has bytes.
    fn check(&self, table: &Table, generation: u64, length: u64) -> Result<()> {
        if self.generation != generation {
            return Err(damaged("it is of another generation of the table"));
        }
        if self.rows != table.len() as u64 || self.dim as usize != table.dim() {
            return Err(damaged("the table has other rows or another dimension"));
        }
        let lists = |stride: usize| self.rows.checked_mul(stride as u64 * WORD as u64);
        let measures = (2 * EFS.len() + Rotation::values_count(table.dim())) * WORD;
        let [bottom, nearest, upper, measured] =
            self.sections.each_ref().map(|section| section.length);
        let is_right = self.stride > 0
            && self.m > 0
            && lists(self.stride as usize) == Some(bottom)
            && (nearest == 0 || lists(LIST) == Some(nearest))
            && measured == measures as u64;
        if !is_right {
            return Err(damaged("the header contradicts itself"));
        }
        let sections = [bottom, nearest, upper, measured];
        let whole =
            sections.iter().try_fold(HEADER_BYTES as u64, |sum, length| sum.checked_add(*length));
        if whole != Some(length) || !upper.is_multiple_of(WORD as u64) {
            return Err(damaged("it is longer or shorter than it says"));
        }
        Ok(())
    }
}

/// A run of words in the file.
struct Section {
    length: u64,
    checksum: u32,
}

impl Section {
    fn of(words: &[u32]) -> Self {
        let mut hasher = Hasher::new();
        for words in words.chunks(WORDS_AT_ONCE) {
            hasher.update(&bytes_of(words));
        }
        Self { length: size_of_val(words) as u64, checksum: hasher.finalize() }
    }

    fn take(rest: &mut &[u8]) -> Self {
        Self { length: u64::from_le_bytes(take(rest)), checksum: u32::from_le_bytes(take(rest)) }
    }
}

fn upper_words(layers: &[Layer]) -> Vec<u32> {
    let mut words = vec![word(layers.len())];
    for layer in layers {
        words.push(word(layer.rows.len()));
        words.extend(&layer.rows);
        words.extend(layer.links.values());
    }
    words
}

fn layers_of(words: &[u32], header: &Header) -> Result<Vec<Layer>> {
    let mut rest = words;
    let mut layers: Vec<Layer> = Vec::new();
    for _ in 0..take_words(&mut rest, 1)?[0] {
        let count = take_words(&mut rest, 1)?[0];
        let rows = take_words(&mut rest, count as usize)?.to_vec();
        let stride = header.m.saturating_mul(2);
        let links = take_words(&mut rest, (count as usize).saturating_mul(stride as usize))?;
        check_lists(links, stride, u64::from(count))?;
        let is_ascending = rows.is_sorted_by(|a, b| a < b);
        let is_inside = rows.last().is_some_and(|&last| u64::from(last) < header.rows);
        if !is_ascending || !is_inside {
            return Err(damaged("a layer has no rows, or rows out of order"));
        }
        let links = Links::from_values(stride as usize, links.to_vec().into());
        let layer = Layer::new(rows, links, layers.last());
        layers.push(layer.ok_or_else(|| damaged("a layer has rows that the one below has not"))?);
    }
    if rest.is_empty() { Ok(layers) } else { Err(damaged("it does not end with its layers")) }
}

/// Whether every link leads somewhere, and free slots stand at the end of lists only.
fn check_lists(values: &[u32], stride: u32, rows: u64) -> Result<()> {
    let is_right = |list: &[u32]| {
        let used = list.iter().take_while(|&&link| link != NONE).count();
        list[..used].iter().all(|&link| u64::from(link) < rows)
            && list[used..].iter().all(|&link| link == NONE)
    };
    if values.chunks(stride as usize).all(is_right) {
        return Ok(());
    }
    Err(damaged("a link leads nowhere"))
}

const WHAT: &str = "the graph file";

fn damaged(problem: &str) -> Error {
    Error::new(ErrorKind::Corrupt {
        what: format!("{WHAT} ({problem})"),
        advice: "remove it: the graph is built again from the table",
    })
}

fn take_words<'a>(rest: &mut &'a [u32], count: usize) -> Result<&'a [u32]> {
    let (words, after) = rest.split_at_checked(count).ok_or_else(|| damaged("it ends early"))?;
    *rest = after;
    Ok(words)
}

/// The next bytes of a header, which is long enough for all that is taken from it.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let mut taken = [0; N];
    taken.copy_from_slice(&rest[..N]);
    *rest = &rest[N..];
    taken
}

fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn word(count: usize) -> u32 {
    u32::try_from(count).expect("rows, dimensions and widths are below 2^32: limits.rs")
}
