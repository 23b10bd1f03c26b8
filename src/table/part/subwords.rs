//! The buckets of sub-words, which are read row by row: a model has millions of which a question needs
//! twenty.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::container::{CHUNK_BYTES, Container, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::table::meta::SubwordsMeta;
use crate::table::part::{Fields, push_floats, push_text};
use crate::text::subword::{Added, Buckets, Combine, Hashing, Subwords};

/// A row is read with the chunks that it lies in.
const ROWS_CHUNK_BYTES: u32 = 4 << 10;

#[derive(Serialize, Deserialize)]
struct Head {
    dim: usize,
    combine: Combine,
    hashing: Hashing,
    min_n: usize,
    max_n: usize,
    brackets: (String, String),
}

/// Writes the buckets.
///
/// # Errors
///
/// If a row of them is damaged, or the output fails.
pub fn write<W: Write>(subwords: &Subwords, out: &mut Writer<W>) -> Result<SubwordsMeta> {
    let numbers: Vec<u64> = subwords.buckets.numbers().collect();
    let head = Head {
        dim: subwords.buckets.dim(),
        combine: subwords.combine,
        hashing: subwords.hashing.clone(),
        min_n: subwords.min_n,
        max_n: subwords.max_n,
        brackets: subwords.brackets.clone(),
    };
    let head =
        serde_json::to_vec(&head).map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
    out.section("head", CHUNK_BYTES)?;
    out.write(&head)?;
    if (0..).zip(&numbers).any(|(row, &number): (u64, _)| row != number) {
        out.section("numbers", CHUNK_BYTES)?;
        for number in &numbers {
            out.write(&number.to_le_bytes())?;
        }
    }
    if let Hashing::Explicit(list) = &subwords.hashing {
        out.section("list", CHUNK_BYTES)?;
        out.write(&encode_list(list))?;
    }
    out.section("rows", ROWS_CHUNK_BYTES)?;
    let (mut row, mut bytes) = (vec![0.0; subwords.buckets.dim()], Vec::new());
    for &number in &numbers {
        row.fill(0.0);
        subwords.buckets.add(number, &mut row)?;
        bytes.clear();
        push_floats(&mut bytes, &row);
        out.write(&bytes)?;
    }
    let (min_n, max_n) = (subwords.min_n, subwords.max_n);
    Ok(SubwordsMeta { min_n, max_n, rows: numbers.len() as u64, bytes: 0 })
}

/// Each n-gram: its bucket u64, then the n-gram behind its length; in the order of buckets and bytes.
fn encode_list(list: &HashMap<Vec<u8>, u64>) -> Vec<u8> {
    let mut sorted: Vec<_> = list.iter().map(|(n_gram, &bucket)| (bucket, n_gram)).collect();
    sorted.sort_unstable();
    let mut bytes = Vec::new();
    for (bucket, n_gram) in sorted {
        bytes.extend_from_slice(&bucket.to_le_bytes());
        push_text(&mut bytes, n_gram);
    }
    bytes
}

/// The sub-words of a part, which stays open: rows are read and verified whenever they are used.
///
/// # Errors
///
/// `Corrupt` if what is read of it now is damaged; if the disk fails.
pub fn open(part: Container) -> Result<Subwords> {
    let head: Option<Head> = serde_json::from_slice(&part.section("head")?.read()?).ok();
    let head = head.filter(|head| head.dim > 0).ok_or_else(|| part.senseless())?;
    let row_bytes = (head.dim as u64).saturating_mul(size_of::<f32>() as u64);
    let bytes = part.section("rows")?.length();
    let rows = bytes / row_bytes;
    let numbers = part.has("numbers").then(|| part.section("numbers")?.numbers(u64::from_le_bytes));
    let numbers = numbers.transpose()?;
    let mut hashing = head.hashing;
    if let Hashing::Explicit(list) = &mut hashing {
        let bytes = part.section("list")?.read()?;
        *list = Arc::new(decode_list(&bytes).ok_or_else(|| part.senseless())?);
    }
    let counted = numbers.as_ref().is_none_or(|numbers| numbers.len() as u64 == rows);
    if !bytes.is_multiple_of(row_bytes) || !counted {
        return Err(part.senseless());
    }
    let buckets = Arc::new(Stored { part, dim: head.dim, row_bytes, rows, numbers });
    let (combine, min_n, max_n) = (head.combine, head.min_n, head.max_n);
    Ok(Subwords { hashing, combine, min_n, max_n, brackets: head.brackets, buckets })
}

fn decode_list(bytes: &[u8]) -> Option<HashMap<Vec<u8>, u64>> {
    let mut fields = Fields::new(bytes);
    let mut list = HashMap::new();
    while !fields.rest().is_empty() {
        let bucket = fields.u64()?;
        list.insert(fields.text()?.to_vec(), bucket);
    }
    Some(list)
}

/// The rows of a part.
struct Stored {
    part: Container,
    dim: usize,
    row_bytes: u64,
    rows: u64,
    /// The bucket of each row, if it is not the row's number.
    numbers: Option<Vec<u64>>,
}

impl Buckets for Stored {
    fn dim(&self) -> usize {
        self.dim
    }

    fn add(&self, bucket: u64, sum: &mut [f32]) -> Result<Added> {
        let row = match &self.numbers {
            None => Some(bucket).filter(|&row| row < self.rows),
            Some(numbers) => numbers.binary_search(&bucket).ok().map(|row| row as u64),
        };
        let Some(row) = row else { return Ok(Added::No) };
        let mut values = Vec::new();
        let from = row * self.row_bytes;
        self.part.section("rows")?.at(from..from + self.row_bytes, &mut values)?;
        for (total, value) in sum.iter_mut().zip(values.as_chunks().0) {
            *total += f32::from_le_bytes(*value);
        }
        Ok(Added::Yes)
    }

    fn numbers(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        match &self.numbers {
            None => Box::new(0..self.rows),
            Some(numbers) => Box::new(numbers.iter().copied()),
        }
    }

    fn bytes(&self) -> usize {
        usize::try_from(self.part.bytes()).unwrap_or(usize::MAX)
    }
}
