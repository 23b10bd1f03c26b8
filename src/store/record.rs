//! The bytes of records, both ways; drawn in the doc of the folder.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::store::fault;
use crate::table::builder::TableBuilder;
use crate::vector::RowId;

const VERSION: u8 = 2;
/// Of blocks that hold their vectors, as format 1 of the data folder had them.
const VERSION_WITH_VECTORS: u8 = 1;
const F32: u8 = 1;
/// Version, dtype, rows, components.
const HEAD_BYTES: usize = 2 + 4 + 4;
const CRC_BYTES: usize = 4;
/// Rows of a block at most: their words make a record of some 6 KB.
const ROWS_MAX: usize = 512;

/// Appends the checksum: the record is complete.
pub(super) fn seal(key: &[u8], record: &mut Vec<u8>) {
    record.extend_from_slice(&checksum(key, record).to_le_bytes());
}

/// A part of a file, or a record, with its checksum behind it.
pub(super) fn sealed(key: &[u8], mut part: Vec<u8>) -> Vec<u8> {
    seal(key, &mut part);
    part
}

/// The record without its checksum; none if they do not agree.
pub(super) fn unseal<'a>(key: &[u8], record: &'a [u8]) -> Option<&'a [u8]> {
    let (body, crc) = record.split_last_chunk::<CRC_BYTES>()?;
    (u32::from_le_bytes(*crc) == checksum(key, body)).then_some(body)
}

fn checksum(key: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(body);
    hasher.finalize()
}

/// Rows of this dimension whose vectors fit into `block_bytes`; at least one.
pub(super) fn rows_per_block(block_bytes: usize, dim: usize) -> usize {
    (block_bytes / (dim * size_of::<f32>())).clamp(1, ROWS_MAX)
}

/// Writes rows of the builder into `record` and `vectors`, in place of what was there; checksums are
/// left to [`seal_block`].
pub(super) fn encode_block(
    builder: &TableBuilder,
    rows: Range<usize>,
    record: &mut Vec<u8>,
    vectors: &mut Vec<u8>,
) {
    record.clear();
    record.extend_from_slice(&[VERSION, F32]);
    record.extend_from_slice(&small(rows.len()).to_le_bytes());
    record.extend_from_slice(&small(builder.dim()).to_le_bytes());
    record.extend_from_slice(&[0; CRC_BYTES]);
    for row in rows.clone() {
        let bytes = builder.word(RowId(small(row))).len();
        record.extend_from_slice(&small(bytes).to_le_bytes());
    }
    record.extend_from_slice(builder.words(rows.clone()));
    let values = builder.vectors(rows);
    vectors.resize(size_of_val(values), 0);
    let (places, _) = vectors.as_chunks_mut();
    for (place, value) in places.iter_mut().zip(values) {
        *place = value.to_le_bytes();
    }
}

/// Adds the checksums to what [`encode_block`] wrote.
pub(super) fn seal_block(key: &[u8], record: &mut Vec<u8>, vectors: &[u8]) {
    record[HEAD_BYTES..HEAD_BYTES + CRC_BYTES]
        .copy_from_slice(&checksum(key, vectors).to_le_bytes());
    seal(key, record);
}

pub(super) fn small(count: usize) -> u32 {
    u32::try_from(count).expect("rows, components and bytes of a word have limits below 2^32")
}

/// Takes a record apart from its beginning, and believes no length that it cannot see.
#[derive(Debug)]
pub(super) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next so many bytes; none if there are fewer.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        u32_at(self.take(4)?, 0)
    }

    /// A length, then so many bytes.
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let count = usize::try_from(self.u32()?).ok()?;
        self.take(count)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }
}

/// The rows of one block.
#[derive(Debug)]
pub(super) struct Block<'a> {
    rows: usize,
    word_bytes: &'a [u8],
    words: &'a [u8],
    vectors: Vectors<'a>,
}

/// The vectors of a block.
#[derive(Clone, Copy, Debug)]
pub(super) enum Vectors<'a> {
    /// Beside its words.
    Here(&'a [u8]),
    /// In the file of the generation, with this checksum.
    InFile(u32),
}

impl<'a> Block<'a> {
    /// Takes a record apart. `what` names it in an error.
    ///
    /// Every length is checked against the bytes that are there before it is believed: a checksum
    /// can be right by chance, or by malice.
    pub(super) fn decode(
        key: &[u8],
        record: &'a [u8],
        dim: usize,
        what: impl Fn() -> String,
    ) -> Result<Self> {
        let damaged = || Error::new(fault::damage(what(), fault::IMPORT_AGAIN));
        let body = unseal(key, record).ok_or_else(damaged)?;
        match body.first() {
            Some(&(VERSION | VERSION_WITH_VECTORS)) => Self::parts(body, dim).ok_or_else(damaged),
            Some(&version) => {
                let (expected, got) = (u32::from(VERSION), u32::from(version));
                Err(Error::new(ErrorKind::ForeignVersion { what: what(), expected, got }))
            }
            None => Err(damaged()),
        }
    }

    fn parts(body: &'a [u8], dim: usize) -> Option<Self> {
        let (head, rest) = body.split_first_chunk::<HEAD_BYTES>()?;
        let rows = usize::try_from(u32_at(head, 2)?).ok()?;
        if head[1] != F32 || rows == 0 || usize::try_from(u32_at(head, 6)?).ok()? != dim {
            return None;
        }
        let (in_file, rest) = match head[0] {
            VERSION => (Some(u32_at(rest, 0)?), &rest[CRC_BYTES..]),
            _ => (None, rest),
        };
        let (word_bytes, rest) = rest.split_at_checked(rows.checked_mul(4)?)?;
        let (words, vectors) = if let Some(checksum) = in_file {
            (rest, Vectors::InFile(checksum))
        } else {
            let row_bytes = dim.checked_mul(size_of::<f32>())?;
            let words = rest.len().checked_sub(rows.checked_mul(row_bytes)?)?;
            let (words, vectors) = rest.split_at_checked(words)?;
            (words, Vectors::Here(vectors))
        };
        let mut total = 0_usize;
        for bytes in word_bytes.chunks_exact(4) {
            total = total.checked_add(usize::try_from(u32_at(bytes, 0)?).ok()?)?;
        }
        (total == words.len()).then_some(Self { rows, word_bytes, words, vectors })
    }

    /// How many rows; at least one.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Where its vectors are.
    pub(super) fn vectors(&self) -> Vectors<'a> {
        self.vectors
    }

    /// Shows each word with its vector, in order. The vectors are of this block, and whole.
    pub(super) fn each(
        &self,
        vectors: &[u8],
        mut show: impl FnMut(&[u8], &[f32]) -> Result<()>,
    ) -> Result<()> {
        let row_bytes = vectors.len() / self.rows;
        let mut vector = vec![0.0; row_bytes / size_of::<f32>()];
        let mut words = self.words;
        for (bytes, values) in self.word_bytes.chunks_exact(4).zip(vectors.chunks_exact(row_bytes))
        {
            // `parts` added them up: this split cannot fail.
            let bytes = u32_at(bytes, 0).map_or(0, |bytes| bytes as usize);
            let (word, later_words) = words.split_at(bytes);
            words = later_words;
            let (values, _) = values.as_chunks();
            for (to, from) in vector.iter_mut().zip(values) {
                *to = f32::from_le_bytes(*from);
            }
            show(word, &vector)?;
        }
        Ok(())
    }
}

/// Whether these vectors of a file are those that the block was written with.
pub(super) fn agrees(key: &[u8], vectors: &[u8], expected: u32) -> bool {
    checksum(key, vectors) == expected
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let (bytes, _) = bytes.get(at..)?.split_first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::key;

    fn drawn() -> TableBuilder {
        let mut builder = TableBuilder::new(2).unwrap();
        builder.push(b"the", &[1.0, -0.0]).unwrap();
        builder.push(b"of", &[0.5, -0.25]).unwrap();
        builder
    }

    fn encoded(key: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (mut record, mut vectors) = (vec![7], vec![7]);
        encode_block(&drawn(), 0..2, &mut record, &mut vectors);
        seal_block(key, &mut record, &vectors);
        (record, vectors)
    }

    /// A block as format 1 had it.
    fn with_vectors(key: &[u8]) -> Vec<u8> {
        let mut record = vec![
            1, 1, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, b't', b'h', b'e', b'o', b'f', 0,
            0, 0x80, 0x3f, 0, 0, 0, 0x80, 0, 0, 0, 0x3f, 0, 0, 0x80, 0xbe,
        ];
        seal(key, &mut record);
        record
    }

    #[test]
    fn a_block_has_the_bytes_that_are_drawn() {
        let key = key::block(42, 0);
        let (record, vectors) = encoded(&key);
        let drawing: &[u8] = &[2, 1, 2, 0, 0, 0, 2, 0, 0, 0];
        let words: &[u8] = &[3, 0, 0, 0, 2, 0, 0, 0, b't', b'h', b'e', b'o', b'f'];
        assert_eq!(record[..10], *drawing);
        assert_eq!(record[10..14], checksum(&key, &vectors).to_le_bytes());
        assert_eq!(record[14..record.len() - 4], *words);
        let drawing: &[u8] = &[0, 0, 0x80, 0x3f, 0, 0, 0, 0x80, 0, 0, 0, 0x3f, 0, 0, 0x80, 0xbe];
        assert_eq!(vectors, drawing);
        assert_eq!(key, [0, 0, 0, 0, 0, 0, 0, 42, 0, 0, 0, 0]);
        assert_eq!(key::generation(&key), Some(42));
    }

    #[test]
    fn no_changed_byte_is_taken_for_a_row() {
        let key = key::block(42, 0);
        let refused = |key: &[u8], record: &[u8]| {
            let error = Block::decode(key, record, 2, || "block".to_owned()).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error}");
        };
        let (record, mut vectors) = encoded(&key);
        for record in [record, with_vectors(&key)] {
            for at in 0..record.len() {
                let mut flipped = record.clone();
                flipped[at] ^= 0x10;
                refused(&key, &flipped);
                refused(&key, &record[..at]);
            }
            refused(&key::block(42, 1), &record);
            refused(&key::block(43, 0), &record);
        }
        let right = checksum(&key, &vectors);
        assert!(agrees(&key, &vectors, right) && !agrees(&key::block(42, 1), &vectors, right));
        vectors[3] ^= 1;
        assert!(!agrees(&key, &vectors, right));
    }

    #[test]
    fn lengths_are_not_believed_even_under_a_right_checksum() {
        let key = key::block(42, 0);
        for mut record in [encoded(&key).0, with_vectors(&key)] {
            record.truncate(record.len() - CRC_BYTES);
            for at in 0..record.len() {
                for value in [0x00, 0x7f, 0xff] {
                    let mut forged = record.clone();
                    forged[at] = value;
                    seal(&key, &mut forged);
                    if let Ok(block) = Block::decode(&key, &forged, 2, String::new) {
                        let vectors = match block.vectors() {
                            Vectors::Here(vectors) => vectors,
                            Vectors::InFile(_) => &vec![0; 8 * block.rows()],
                        };
                        block.each(vectors, |_, _| Ok(())).unwrap();
                    }
                }
            }
        }
    }
}
