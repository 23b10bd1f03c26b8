//! Words and vectors.

use std::io::Write;

use crate::container::{CHUNK_BYTES, Container, Writer};
use crate::error::{Error, Result};
use crate::table::Table;
use crate::table::builder::TableBuilder;
use crate::table::part::{chunk_of_rows, push_u32};
use crate::text::vocab::Added;

/// Bytes that are handed to a writer at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Writes words, in row order.
///
/// # Errors
///
/// If the output fails.
pub fn write_words<'w, W: Write, I: Iterator<Item = &'w [u8]>>(
    words: impl Fn() -> I,
    out: &mut Writer<W>,
) -> Result<()> {
    let mut buffer = Vec::with_capacity(BUFFER_BYTES);
    out.section("lengths", CHUNK_BYTES)?;
    for word in words() {
        push_u32(&mut buffer, word.len());
        flush(&mut buffer, BUFFER_BYTES, out)?;
    }
    flush(&mut buffer, 0, out)?;
    out.section("bytes", CHUNK_BYTES)?;
    for word in words() {
        buffer.extend_from_slice(word);
        flush(&mut buffer, BUFFER_BYTES, out)?;
    }
    flush(&mut buffer, 0, out)
}

fn flush<W: Write>(buffer: &mut Vec<u8>, least: usize, out: &mut Writer<W>) -> Result<()> {
    if buffer.len() >= least && !buffer.is_empty() {
        out.write(buffer)?;
        buffer.clear();
    }
    Ok(())
}

/// Begins the vectors of `dim` components each; what follows are their floats.
///
/// # Errors
///
/// If the output fails.
pub fn begin_vectors<W: Write>(dim: usize, out: &mut Writer<W>) -> Result<()> {
    out.section("rows", chunk_of_rows(dim))
}

/// Reads a table of `rows` rows and `dim` components; every checksum, word and value is checked.
///
/// # Errors
///
/// `Corrupt` if a part is damaged, or holds another number of rows; if the disk fails.
pub fn read(words: &Container, vectors: &Container, rows: u64, dim: usize) -> Result<Table> {
    let lengths = words.section("lengths")?.numbers(u32::from_le_bytes)?;
    let bytes = words.section("bytes")?.read()?;
    let floats = vectors.section("rows")?;
    let row_bytes = dim * size_of::<f32>();
    let total = lengths.iter().map(|&length| u64::from(length)).sum::<u64>();
    if lengths.len() as u64 != rows || total != bytes.len() as u64 {
        return Err(words.senseless());
    }
    if rows.checked_mul(row_bytes as u64) != Some(floats.length()) {
        return Err(vectors.senseless());
    }
    let mut builder = TableBuilder::new(dim)?;
    builder.reserve(lengths.len());
    let (mut lengths, mut rest) = (lengths.into_iter(), &bytes[..]);
    let mut vector = vec![0.0; dim];
    floats.each_chunk(|chunk| {
        if !chunk.len().is_multiple_of(row_bytes) {
            return Err(vectors.senseless());
        }
        for values in chunk.chunks_exact(row_bytes) {
            for (to, from) in vector.iter_mut().zip(values.as_chunks().0) {
                *to = f32::from_le_bytes(*from);
            }
            // They were added up: there is one for each row, and the bytes are there.
            let (word, after) = rest.split_at(lengths.next().unwrap_or(0) as usize);
            rest = after;
            match builder.push(word, &vector) {
                Ok(Added::New(_)) => {}
                Ok(Added::Known(_)) => return Err(words.senseless()),
                Err(cause) => {
                    return Err(Error::caused(vectors.senseless().kind().clone(), cause));
                }
            }
        }
        Ok(())
    })?;
    Ok(builder.build())
}
