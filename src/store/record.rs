//! The bytes of records, both ways; drawn in the doc of the folder.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::store::fault;
use crate::table::builder::TableBuilder;
use crate::vector::RowId;

const VERSION: u8 = 1;
const F32: u8 = 1;
/// Version, dtype, rows, components.
const HEAD_BYTES: usize = 2 + 4 + 4;
const CRC_BYTES: usize = 4;

/// Appends the checksum: the record is complete.
pub(super) fn seal(key: &[u8], record: &mut Vec<u8>) {
    record.extend_from_slice(&checksum(key, record).to_le_bytes());
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

/// Rows of this dimension that fit into a block of `block_bytes` with words of the usual length; at
/// least one.
pub(super) fn rows_per_block(block_bytes: usize, dim: usize) -> usize {
    let row_bytes = dim * size_of::<f32>() + 4 + USUAL_WORD_BYTES;
    (block_bytes / row_bytes).max(1)
}

const USUAL_WORD_BYTES: usize = 8;

/// Writes rows of the builder into `record`, in place of what was there.
pub(super) fn encode_block(
    key: &[u8],
    builder: &TableBuilder,
    rows: Range<usize>,
    record: &mut Vec<u8>,
) {
    let rows = || rows.clone().map(|row| RowId(small(row)));
    record.clear();
    record.extend_from_slice(&[VERSION, F32]);
    record.extend_from_slice(&small(rows().len()).to_le_bytes());
    record.extend_from_slice(&small(builder.dim()).to_le_bytes());
    for row in rows() {
        record.extend_from_slice(&small(builder.word(row).len()).to_le_bytes());
    }
    for row in rows() {
        record.extend_from_slice(builder.word(row));
    }
    for row in rows() {
        for value in builder.vector(row) {
            record.extend_from_slice(&value.to_le_bytes());
        }
    }
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
    dim: usize,
    word_bytes: &'a [u8],
    words: &'a [u8],
    vectors: &'a [u8],
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
        let (&version, _) = body.split_first().ok_or_else(damaged)?;
        if version != VERSION {
            let (expected, got) = (u32::from(VERSION), u32::from(version));
            return Err(Error::new(ErrorKind::ForeignVersion { what: what(), expected, got }));
        }
        Self::parts(body, dim).ok_or_else(damaged)
    }

    fn parts(body: &'a [u8], dim: usize) -> Option<Self> {
        let (head, rest) = body.split_first_chunk::<HEAD_BYTES>()?;
        let rows = usize::try_from(u32_at(head, 2)?).ok()?;
        if head[1] != F32 || rows == 0 || usize::try_from(u32_at(head, 6)?).ok()? != dim {
            return None;
        }
        let (word_bytes, rest) = rest.split_at_checked(rows.checked_mul(4)?)?;
        let row_bytes = dim.checked_mul(size_of::<f32>())?;
        let words_len = rest.len().checked_sub(rows.checked_mul(row_bytes)?)?;
        let (words, vectors) = rest.split_at_checked(words_len)?;
        let mut total = 0_usize;
        for bytes in word_bytes.chunks_exact(4) {
            total = total.checked_add(usize::try_from(u32_at(bytes, 0)?).ok()?)?;
        }
        (total == words_len).then_some(Self { dim, word_bytes, words, vectors })
    }

    /// Shows each word and its vector, in order.
    pub(super) fn each(&self, mut show: impl FnMut(&[u8], &[f32]) -> Result<()>) -> Result<()> {
        let mut vector = vec![0.0; self.dim];
        let (mut words, mut vectors) = (self.words, self.vectors);
        for bytes in self.word_bytes.chunks_exact(4) {
            // `parts` added them up: neither split can fail.
            let bytes = u32_at(bytes, 0).map_or(0, |bytes| bytes as usize);
            let (word, later_words) = words.split_at(bytes);
            let (values, later_vectors) = vectors.split_at(self.dim * size_of::<f32>());
            (words, vectors) = (later_words, later_vectors);
            let (values, _) = values.as_chunks();
            for (to, from) in vector.iter_mut().zip(values) {
                *to = f32::from_le_bytes(*from);
            }
            show(word, &vector)?;
        }
        Ok(())
    }
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

    #[test]
    fn a_block_has_the_bytes_that_are_drawn() {
        let key = key::block(42, 0);
        let mut record = Vec::new();
        encode_block(&key, &drawn(), 0..2, &mut record);
        let drawing: &[u8] = &[
            1, 1, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, b't', b'h', b'e', b'o', b'f', 0,
            0, 0x80, 0x3f, 0, 0, 0, 0x80, 0, 0, 0, 0x3f, 0, 0, 0x80, 0xbe,
        ];
        assert_eq!(record[..record.len() - 4], *drawing);
        assert_eq!(key, [0, 0, 0, 0, 0, 0, 0, 42, 0, 0, 0, 0]);
        assert_eq!(key::generation(&key), Some(42));
    }

    #[test]
    fn no_changed_byte_is_taken_for_a_row() {
        let key = key::block(42, 0);
        let mut record = Vec::new();
        encode_block(&key, &drawn(), 0..2, &mut record);
        let refused = |key: &[u8], record: &[u8]| {
            let error = Block::decode(key, record, 2, || "block".to_owned()).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error}");
        };
        for at in 0..record.len() {
            let mut flipped = record.clone();
            flipped[at] ^= 0x10;
            refused(&key, &flipped);
            refused(&key, &record[..at]);
        }
        refused(&key::block(42, 1), &record);
        refused(&key::block(43, 0), &record);
    }

    #[test]
    fn lengths_are_not_believed_even_under_a_right_checksum() {
        let key = key::block(42, 0);
        let mut record = Vec::new();
        encode_block(&key, &drawn(), 0..2, &mut record);
        record.truncate(record.len() - CRC_BYTES);
        for at in 0..record.len() {
            for value in [0x00, 0x7f, 0xff] {
                let mut forged = record.clone();
                forged[at] = value;
                seal(&key, &mut forged);
                if let Ok(block) = Block::decode(&key, &forged, 2, String::new) {
                    block.each(|_, _| Ok(())).unwrap();
                }
            }
        }
    }
}
