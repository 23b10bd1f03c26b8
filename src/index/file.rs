//! The graph as a file, both ways.
//!
//! Everything is little-endian. Codes are not stored: they follow from the table.
//!
//! ```text
//! +------------------------------------------------------------+  0
//! | magic: "WSGRAPH" and a zero                         8 bytes |
//! | format version: 1                                       u32 |
//! | crc32 of the rest of the header                         u32 |
//! +------------------------------------------------------------+  16
//! | generation of the table                                 u64 |
//! | rows of the table                                       u64 |
//! | components of each vector                               u32 |
//! | m, ef_construction                                  2 x u32 |
//! | links of a row in the bottom layer                      u32 |
//! | bottom section: length in bytes u64, crc32              u32 |
//! | upper section: length in bytes u64, crc32               u32 |
//! +------------------------------------------------------------+  72
//! | bottom section: for each row its links, u32 each;           |
//! | 2^32 - 1 in the slots behind the last link                  |
//! +------------------------------------------------------------+
//! | upper section: number of layers u32, then from the lowest:  |
//! |   number of rows u32                                        |
//! |   the rows, ascending, u32 each                             |
//! |   for each row m links, as places in this list, u32 each    |
//! +------------------------------------------------------------+  the file's length
//! ```

use std::io::{ErrorKind as IoErrorKind, Read, Write};
use std::sync::Arc;

use crc32fast::Hasher;

use crate::error::{Error, ErrorKind, Result};
use crate::index::codes::Codes;
use crate::index::graph::Graph;
use crate::index::hnsw::BuildParams;
use crate::index::links::{Hierarchy, Layer, Links, NONE};
use crate::table::Table;

/// The version of the format that this build writes and reads.
pub const VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"WSGRAPH\0";
/// What stands before the checksum's range.
const PREFIX_BYTES: usize = 16;
const HEADER_BYTES: usize = 72;
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
    let bottom = hierarchy.bottom.values();
    let upper = upper_words(&hierarchy.upper);
    let params = graph.params();
    let header = Header {
        generation,
        rows: graph.table().len() as u64,
        dim: word(graph.table().dim()),
        m: word(params.m),
        ef_construction: word(params.ef_construction),
        stride: word(hierarchy.bottom.stride()),
        bottom: Section::of(bottom),
        upper: Section::of(&upper),
    };
    out.write_all(&header.to_bytes()).map_err(Error::disk)?;
    for section in [bottom, &upper] {
        for words in section.chunks(WORDS_AT_ONCE) {
            out.write_all(&bytes_of(words)).map_err(Error::disk)?;
        }
    }
    Ok(())
}

/// Reads the graph of this generation of the table from a file of `length` bytes.
///
/// # Errors
///
/// If the file is damaged, belongs to other rows, was written by another version, or cannot be read.
pub fn read(
    table: Arc<Table>,
    generation: u64,
    file: &mut impl Read,
    length: u64,
) -> Result<Graph> {
    let mut bytes = [0; HEADER_BYTES];
    read_exact(file, &mut bytes)?;
    let header = Header::from_bytes(&bytes)?;
    header.check(&table, generation, length)?;
    let bottom = header.bottom.read(file)?;
    let upper = header.upper.read(file)?;
    check_lists(&bottom, header.stride, header.rows)?;
    let bottom = Links::from_values(header.stride as usize, bottom);
    let upper = layers_of(&upper, &header)?;
    let params = BuildParams {
        m: header.m as usize,
        ef_construction: header.ef_construction as usize,
        threads: 0,
    };
    let codes = Codes::new(&table);
    Ok(Graph::new(table, params, codes, Hierarchy { bottom, upper }))
}

struct Header {
    generation: u64,
    rows: u64,
    dim: u32,
    m: u32,
    ef_construction: u32,
    stride: u32,
    bottom: Section,
    upper: Section,
}

impl Header {
    fn to_bytes(&self) -> Vec<u8> {
        let mut rest = Vec::new();
        rest.extend(self.generation.to_le_bytes());
        rest.extend(self.rows.to_le_bytes());
        for word in [self.dim, self.m, self.ef_construction, self.stride] {
            rest.extend(word.to_le_bytes());
        }
        for section in [&self.bottom, &self.upper] {
            rest.extend(section.length.to_le_bytes());
            rest.extend(section.checksum.to_le_bytes());
        }
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
        Ok(Self {
            generation: u64::from_le_bytes(take(&mut rest)),
            rows: u64::from_le_bytes(take(&mut rest)),
            dim: u32::from_le_bytes(take(&mut rest)),
            m: u32::from_le_bytes(take(&mut rest)),
            ef_construction: u32::from_le_bytes(take(&mut rest)),
            stride: u32::from_le_bytes(take(&mut rest)),
            bottom: Section::take(&mut rest),
            upper: Section::take(&mut rest),
        })
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
        let bottom = self.rows.checked_mul(u64::from(self.stride) * WORD as u64);
        if self.stride == 0 || self.m == 0 || bottom != Some(self.bottom.length) {
            return Err(damaged("the header contradicts itself"));
        }
        let whole = (HEADER_BYTES as u64)
            .checked_add(self.bottom.length)
            .and_then(|sum| sum.checked_add(self.upper.length));
        if whole != Some(length) || !self.upper.length.is_multiple_of(WORD as u64) {
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

    /// The words, whose number the caller has checked against the file's length.
    fn read(&self, file: &mut impl Read) -> Result<Vec<u32>> {
        let count = usize::try_from(self.length / WORD as u64);
        let count = count.map_err(|_| damaged("it is longer than this machine's memory"))?;
        let mut words = Vec::with_capacity(count);
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; WORDS_AT_ONCE * WORD];
        while words.len() < count {
            let bytes = &mut buffer[..(count - words.len()).min(WORDS_AT_ONCE) * WORD];
            read_exact(file, bytes)?;
            hasher.update(bytes);
            let (chunks, _) = bytes.as_chunks::<WORD>();
            words.extend(chunks.iter().map(|&chunk| u32::from_le_bytes(chunk)));
        }
        if hasher.finalize() != self.checksum {
            return Err(damaged("wrong checksum of the links"));
        }
        Ok(words)
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
        let links = take_words(&mut rest, (count as usize).saturating_mul(header.m as usize))?;
        check_lists(links, header.m, u64::from(count))?;
        let is_ascending = rows.is_sorted_by(|a, b| a < b);
        let is_inside = rows.last().is_some_and(|&last| u64::from(last) < header.rows);
        if !is_ascending || !is_inside {
            return Err(damaged("a layer has no rows, or rows out of order"));
        }
        let links = Links::from_values(header.m as usize, links.to_vec());
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

fn read_exact(file: &mut impl Read, bytes: &mut [u8]) -> Result<()> {
    file.read_exact(bytes).map_err(|error| {
        if error.kind() == IoErrorKind::UnexpectedEof {
            return damaged("it ends early");
        }
        Error::disk(error)
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
