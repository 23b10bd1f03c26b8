//! Words and vectors.

use std::io::Write;
use std::sync::Arc;

use crate::container::{CHUNK_BYTES, Container, Writer};
use crate::error::{Error, Result};
use crate::table::Table;
use crate::table::builder::TableBuilder;
use crate::table::part::{chunk_of_rows, push_u32};
use crate::text::vocab::Added;
use crate::vector::Dtype;
use crate::vector::rows::{Bytes, Rows};

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

/// Begins the vectors of `dim` components each; what follows are the bytes of the rows.
///
/// # Errors
///
/// If the output fails.
pub fn begin_vectors<W: Write>(dtype: Dtype, dim: usize, out: &mut Writer<W>) -> Result<()> {
    out.section(vectors_section(dtype), chunk_of_rows(dtype, dim))
}

/// The section that holds the rows of a dtype.
pub fn vectors_section(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::F32 => "rows",
        Dtype::F16 => "rows-f16",
        Dtype::Bf16 => "rows-bf16",
        Dtype::I8 => "rows-i8",
    }
}

/// Reads a table of `rows` rows of a dtype and of `dim` components; every checksum, word and value is checked.
/// Where the rows are mapped, their vectors are let go again as they are checked, and the table has those of the mapping.
///
/// # Errors
///
/// `Corrupt` if a part is damaged, or holds another number of rows; if the disk fails.
pub fn read(
    words: &Container,
    vectors: &Container,
    rows: u64,
    (dtype, dim): (Dtype, usize),
    mapped: Option<Arc<dyn Bytes>>,
) -> Result<Table> {
    let lengths = words.section("lengths")?.numbers(u32::from_le_bytes)?;
    let bytes = words.section("bytes")?.read()?;
    let kept = vectors.section(vectors_section(dtype))?;
    let row_bytes = dtype.row_bytes(dim);
    let total = lengths.iter().map(|&length| u64::from(length)).sum::<u64>();
    if lengths.len() as u64 != rows || total != bytes.len() as u64 {
        return Err(words.senseless());
    }
    if rows.checked_mul(row_bytes as u64) != Some(kept.length()) {
        return Err(vectors.senseless());
    }
    let mut builder = TableBuilder::of(dtype, dim)?;
    let stays = mapped.is_some();
    if !stays {
        builder.reserve(lengths.len());
    }
    let (mut lengths, mut rest) = (lengths.into_iter(), &bytes[..]);
    let mut vector = vec![0.0; dim];
    kept.each_chunk(|chunk| {
        if !chunk.len().is_multiple_of(row_bytes) {
            return Err(vectors.senseless());
        }
        for values in chunk.chunks_exact(row_bytes) {
            dtype.decode(values, &mut vector);
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
        if stays {
            builder.let_go(builder.len());
        }
        Ok(())
    })?;
    let Some(mapped) = mapped else { return Ok(builder.build()) };
    let rows = Rows::lent(dtype, dim, mapped).filter(|rows| rows.len() == builder.len());
    Ok(builder.build_over(rows.ok_or_else(|| vectors.senseless())?))
}
