//! Buckets of sub-words in a file beside sled, read row by row; drawn in the doc of the folder.

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::store::{blob, fault, record};
use crate::table::meta::SubwordsMeta;
use crate::text::subword::{Added, Buckets, Combine, Hashing, Subwords};

const MAGIC: &[u8; 8] = b"WSSUBW01";
const CRC_BYTES: usize = 4;
const NUMBER_BYTES: usize = 8;
/// More than any head has.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// The first record of a file.
#[derive(Serialize, Deserialize)]
struct Head {
    /// The generation that was imported.
    lineage: u64,
    dim: u64,
    /// Rows there are.
    rows: u64,
    /// Whether bucket b is row b; else the numbers of the buckets follow.
    is_dense: bool,
    combine: Combine,
    hashing: Hashing,
    min_n: usize,
    max_n: usize,
    brackets: (String, String),
    /// Bytes of the list of n-grams, if there is one.
    list_bytes: u64,
}

/// Writes the buckets of an import; once this returns they survive a power cut.
pub(super) fn write(path: &Path, lineage: u64, subwords: &Subwords) -> Result<SubwordsMeta> {
    let numbers: Vec<u64> = subwords.buckets.numbers().collect();
    let is_dense = (0..).zip(&numbers).all(|(row, &number): (u64, _)| row == number);
    let list = match &subwords.hashing {
        Hashing::Explicit(list) => encode_list(list),
        Hashing::Fasttext { .. } | Hashing::Finalfusion { .. } | Hashing::Floret { .. } => {
            Vec::new()
        }
    };
    let head = Head {
        lineage,
        dim: subwords.buckets.dim() as u64,
        rows: numbers.len() as u64,
        is_dense,
        combine: subwords.combine,
        hashing: subwords.hashing.clone(),
        min_n: subwords.min_n,
        max_n: subwords.max_n,
        brackets: subwords.brackets.clone(),
        list_bytes: list.len() as u64,
    };
    let head =
        serde_json::to_vec(&head).map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
    let mut bytes = 0;
    blob::publish(path, |out| {
        let mut put = |part: &[u8]| {
            bytes += part.len() as u64;
            out.write_all(part).map_err(Error::disk)
        };
        put(MAGIC)?;
        put(&(head.len() as u64).to_le_bytes())?;
        put(&record::sealed(b"head", head))?;
        if !is_dense {
            put(&record::sealed(
                b"numbers",
                numbers.iter().flat_map(|n| n.to_le_bytes()).collect(),
            ))?;
        }
        if !list.is_empty() {
            put(&record::sealed(b"list", list))?;
        }
        let mut row = vec![0.0; subwords.buckets.dim()];
        for (i, &number) in numbers.iter().enumerate() {
            row.fill(0.0);
            subwords.buckets.add(number, &mut row)?;
            let values = row.iter().flat_map(|value| value.to_le_bytes()).collect();
            put(&record::sealed(&(i as u64).to_le_bytes(), values))?;
        }
        Ok(())
    })?;
    let (min_n, max_n) = (subwords.min_n, subwords.max_n);
    Ok(SubwordsMeta { min_n, max_n, rows: numbers.len() as u64, bytes })
}

/// Each n-gram: its bucket u64, its length u32, its bytes; in the order of buckets and bytes.
fn encode_list(list: &HashMap<Vec<u8>, u64>) -> Vec<u8> {
    let mut sorted: Vec<_> = list.iter().map(|(n_gram, &bucket)| (bucket, n_gram)).collect();
    sorted.sort_unstable();
    let mut bytes = Vec::new();
    for (bucket, n_gram) in sorted {
        bytes.extend_from_slice(&bucket.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(n_gram.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(n_gram);
    }
    bytes
}

/// The sub-words that an import left; every checksum is verified when its part is read: those of
/// rows with each use.
pub(super) fn read(path: &Path, lineage: u64) -> Result<Subwords> {
    let damaged = || damaged(lineage);
    let file = blob::open(path)?.ok_or_else(damaged)?;
    let mapped = map(&file)?;
    parse(mapped, lineage).ok_or_else(damaged)
}

fn map(file: &File) -> Result<Mmap> {
    // SAFETY: such files never change once they have their name, and the data folder belongs to one
    // process; who writes into one all the same can make this process end.
    unsafe { Mmap::map(file) }.map_err(Error::disk)
}

fn damaged(lineage: u64) -> Error {
    let what = format!("the file of sub-words of generation {lineage}");
    Error::new(fault::damage(what, fault::IMPORT_AGAIN))
}

fn parse(mapped: Mmap, lineage: u64) -> Option<Subwords> {
    let rest = mapped.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let length = (length <= HEAD_BYTES_MAX).then_some(length + CRC_BYTES)?;
    let head = record::unseal(b"head", rest.get(..length)?)?;
    let head: Head = serde_json::from_slice(head).ok()?;
    let mut at = MAGIC.len() + 8 + length;
    let mut part = |bytes: usize| -> Option<Range<usize>> {
        let part = at..at.checked_add(bytes)?;
        at = part.end;
        (at <= mapped.len()).then_some(part)
    };
    let rows = usize::try_from(head.rows).ok()?;
    let dim = usize::try_from(head.dim).ok()?;
    let row_bytes = dim.checked_mul(size_of::<f32>())?.checked_add(CRC_BYTES)?;
    let numbers = if head.is_dense {
        None
    } else {
        let range = part(rows.checked_mul(NUMBER_BYTES)?.checked_add(CRC_BYTES)?)?;
        record::unseal(b"numbers", &mapped[range.clone()])?;
        Some(range.start..range.end - CRC_BYTES)
    };
    let mut hashing = head.hashing;
    if let Hashing::Explicit(list) = &mut hashing
        && head.list_bytes > 0
    {
        let range = part(usize::try_from(head.list_bytes).ok()?.checked_add(CRC_BYTES)?)?;
        *list = Arc::new(decode_list(record::unseal(b"list", &mapped[range])?)?);
    }
    let records = part(rows.checked_mul(row_bytes)?)?;
    if head.lineage != lineage || records.end != mapped.len() {
        return None;
    }
    let buckets = Stored { mapped, lineage, dim, rows, numbers, records };
    Some(Subwords {
        hashing,
        combine: head.combine,
        min_n: head.min_n,
        max_n: head.max_n,
        brackets: head.brackets,
        buckets: Arc::new(buckets),
    })
}

fn decode_list(mut bytes: &[u8]) -> Option<HashMap<Vec<u8>, u64>> {
    let mut list = HashMap::new();
    while !bytes.is_empty() {
        let (bucket, rest) = bytes.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (n_gram, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        list.insert(n_gram.to_vec(), u64::from_le_bytes(*bucket));
        bytes = rest;
    }
    Some(list)
}

/// The rows of a file.
struct Stored {
    mapped: Mmap,
    lineage: u64,
    dim: usize,
    rows: usize,
    /// Where the numbers of the buckets stand, if they are not 0, 1, 2 and so on.
    numbers: Option<Range<usize>>,
    records: Range<usize>,
}

impl Stored {
    fn numbers(&self) -> &[[u8; NUMBER_BYTES]] {
        self.numbers.as_ref().map_or(&[], |range| self.mapped[range.clone()].as_chunks().0)
    }

    fn row_of(&self, bucket: u64) -> Option<usize> {
        if self.numbers.is_none() {
            return usize::try_from(bucket).ok().filter(|&row| row < self.rows);
        }
        self.numbers().binary_search_by_key(&bucket, |number| u64::from_le_bytes(*number)).ok()
    }
}

impl Buckets for Stored {
    fn dim(&self) -> usize {
        self.dim
    }

    fn add(&self, bucket: u64, sum: &mut [f32]) -> Result<Added> {
        let Some(row) = self.row_of(bucket) else { return Ok(Added::No) };
        let row_bytes = self.dim * size_of::<f32>() + CRC_BYTES;
        let from = self.records.start + row * row_bytes;
        let key = (row as u64).to_le_bytes();
        let values = record::unseal(&key, &self.mapped[from..from + row_bytes]);
        let (values, _) = values.ok_or_else(|| damaged(self.lineage))?.as_chunks();
        for (total, value) in sum.iter_mut().zip(values) {
            *total += f32::from_le_bytes(*value);
        }
        Ok(Added::Yes)
    }

    fn numbers(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        match self.numbers {
            None => Box::new(0..self.rows as u64),
            Some(_) => Box::new(self.numbers().iter().map(|number| u64::from_le_bytes(*number))),
        }
    }

    fn bytes(&self) -> usize {
        self.mapped.len()
    }
}
