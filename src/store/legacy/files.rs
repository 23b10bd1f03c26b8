//! Files beside sled as formats 1 and 2 had them: sub-words, inputs, and what was on shelves. Every
//! part of theirs ends with a CRC-32 of its key and of itself.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::container::Source as _;
use crate::error::{Error, Result};
use crate::store::shelf::{Shelf, Sort};
use crate::store::{blob, fault, journal};
use crate::table::input::{InputTables, LayerNorm};
use crate::table::meta::TableName;
use crate::table::part::Fields;
use crate::text::subword::{Added, Buckets, Combine, Hashing, Subwords};
use crate::vector::matrix::Matrix;

const CRC_BYTES: usize = 4;

fn damaged(path: &Path) -> Error {
    Error::new(fault::damage(path.display().to_string(), fault::IMPORT_AGAIN))
}

/// A file that is read part by part.
struct Parts<'a> {
    file: File,
    path: &'a Path,
    at: u64,
    bytes: u64,
}

impl<'a> Parts<'a> {
    fn open(path: &'a Path, magic: &[u8]) -> Result<Self> {
        let file = blob::open(path)?.ok_or_else(|| damaged(path))?;
        let bytes = file.length().map_err(Error::disk)?;
        let mut parts = Self { file, path, at: 0, bytes };
        if parts.next(magic.len())? == magic { Ok(parts) } else { Err(damaged(path)) }
    }

    fn next(&mut self, count: usize) -> Result<Vec<u8>> {
        let end = self.at.checked_add(count as u64).filter(|&end| end <= self.bytes);
        let end = end.ok_or_else(|| damaged(self.path))?;
        let mut bytes = vec![0; count];
        self.file.read_at(&mut bytes, self.at).map_err(Error::disk)?;
        self.at = end;
        Ok(bytes)
    }

    /// A part of so many bytes, with its checksum behind it.
    fn sealed(&mut self, key: &[u8], count: usize) -> Result<Vec<u8>> {
        let mut bytes =
            self.next(count.checked_add(CRC_BYTES).ok_or_else(|| damaged(self.path))?)?;
        let body = journal::unseal(key, &bytes).ok_or_else(|| damaged(self.path))?.len();
        bytes.truncate(body);
        Ok(bytes)
    }

    fn head<T: for<'de> Deserialize<'de>>(&mut self) -> Result<T> {
        let length = self.next(8)?;
        let length = length.first_chunk().map_or(0, |&bytes| u64::from_le_bytes(bytes));
        let length = usize::try_from(length).map_err(|_| damaged(self.path))?;
        let head = self.sealed(b"head", length)?;
        serde_json::from_slice(&head).map_err(|_| damaged(self.path))
    }
}

#[derive(Deserialize)]
struct SubwordsHead {
    lineage: u64,
    dim: usize,
    rows: u64,
    is_dense: bool,
    combine: Combine,
    hashing: Hashing,
    min_n: usize,
    max_n: usize,
    brackets: (String, String),
    list_bytes: usize,
}

/// The sub-words that an import left.
pub(super) fn subwords(data: &Path, lineage: u64) -> Result<Subwords> {
    let path = data.join("subwords").join(format!("{lineage}.buckets"));
    let damaged = || damaged(&path);
    let mut parts = Parts::open(&path, b"WSSUBW01")?;
    let mut head: SubwordsHead = parts.head()?;
    let rows = usize::try_from(head.rows).map_err(|_| damaged())?;
    let numbers = if head.is_dense {
        None
    } else {
        let bytes = parts.sealed(b"numbers", rows.checked_mul(8).ok_or_else(damaged)?)?;
        let numbers = bytes.as_chunks().0.iter().map(|&number| u64::from_le_bytes(number));
        Some(numbers.collect::<Vec<_>>())
    };
    if let Hashing::Explicit(list) = &mut head.hashing
        && head.list_bytes > 0
    {
        let bytes = parts.sealed(b"list", head.list_bytes)?;
        let mut fields = Fields::new(&bytes);
        let mut known = HashMap::new();
        while !fields.rest().is_empty() {
            let bucket = fields.u64().ok_or_else(damaged)?;
            known.insert(fields.text().ok_or_else(damaged)?.to_vec(), bucket);
        }
        *list = Arc::new(known);
    }
    let row_bytes = head.dim.checked_mul(size_of::<f32>()).filter(|&bytes| bytes > 0);
    let row_bytes = row_bytes.and_then(|bytes| bytes.checked_add(CRC_BYTES)).ok_or_else(damaged)?;
    let all = (row_bytes as u64).checked_mul(head.rows);
    if head.lineage != lineage || all != Some(parts.bytes - parts.at) {
        return Err(damaged());
    }
    let (file, first) = (parts.file, parts.at);
    let what = path.display().to_string();
    let buckets = Arc::new(StoredRows {
        file,
        first,
        row_bytes,
        count: head.rows,
        dim: head.dim,
        numbers,
        what,
    });
    let (combine, min_n, max_n) = (head.combine, head.min_n, head.max_n);
    Ok(Subwords { hashing: head.hashing, combine, min_n, max_n, brackets: head.brackets, buckets })
}

struct StoredRows {
    file: File,
    first: u64,
    row_bytes: usize,
    count: u64,
    dim: usize,
    numbers: Option<Vec<u64>>,
    what: String,
}

impl Buckets for StoredRows {
    fn dim(&self) -> usize {
        self.dim
    }

    fn add(&self, bucket: u64, sum: &mut [f32]) -> Result<Added> {
        let row = match &self.numbers {
            None => Some(bucket).filter(|&row| row < self.count),
            Some(numbers) => numbers.binary_search(&bucket).ok().map(|row| row as u64),
        };
        let Some(row) = row else { return Ok(Added::No) };
        let mut bytes = vec![0; self.row_bytes];
        let at = self.first + row * self.row_bytes as u64;
        self.file.read_at(&mut bytes, at).map_err(Error::disk)?;
        let values = journal::unseal(&row.to_le_bytes(), &bytes);
        let damaged = || Error::new(fault::damage(self.what.clone(), fault::IMPORT_AGAIN));
        for (total, value) in sum.iter_mut().zip(values.ok_or_else(damaged)?.as_chunks().0) {
            *total += f32::from_le_bytes(*value);
        }
        Ok(Added::Yes)
    }

    fn numbers(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        match &self.numbers {
            None => Box::new(0..self.count),
            Some(numbers) => Box::new(numbers.iter().copied()),
        }
    }

    fn bytes(&self) -> usize {
        0
    }
}

#[derive(Deserialize)]
struct InputsHead {
    lineage: u64,
    dim: usize,
    positions: usize,
    first_position: usize,
    segments: usize,
    eps_bits: Option<u64>,
}

/// The inputs that an import left.
pub(super) fn inputs(data: &Path, lineage: u64, dim: usize) -> Result<InputTables> {
    let path = data.join("inputs").join(format!("{lineage}.tables"));
    let mut parts = Parts::open(&path, b"WSINPT01")?;
    let head: InputsHead = parts.head()?;
    if head.lineage != lineage || head.dim != dim {
        return Err(damaged(&path));
    }
    let mut table = |key: &str, rows: usize| -> Result<Option<Matrix>> {
        if rows == 0 {
            return Ok(None);
        }
        let bytes = rows.checked_mul(dim * size_of::<f32>()).ok_or_else(|| damaged(&path))?;
        let bytes = parts.sealed(key.as_bytes(), bytes)?;
        let values: Vec<f32> =
            bytes.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)).collect();
        let mut matrix = Matrix::new(dim);
        values.chunks_exact(dim).for_each(|row| matrix.push(row));
        Ok(Some(matrix))
    };
    let positions = table("positions", head.positions)?;
    let segments = table("segments", head.segments)?;
    let norm = table("norm", if head.eps_bits.is_some() { 2 } else { 0 })?;
    let norm = norm.zip(head.eps_bits).map(|(norm, eps)| {
        let mut rows = norm.rows().map(<[f32]>::to_vec);
        let (weight, bias) = (rows.next().unwrap_or_default(), rows.next().unwrap_or_default());
        LayerNorm { weight, bias, eps: f64::from_bits(eps) }
    });
    Ok(InputTables { positions, first_position: head.first_position, segments, norm })
}

/// Takes over what is on a shelf; whether all could be read.
pub(super) fn take_shelf_over(data: &Path, sort: Sort) -> bool {
    let (old, new) = (data.join(sort.folder), Shelf::new(data, sort));
    let (extension, magic) = (sort.kind.name, format!("wordspace {}, format 1\n", sort.what));
    let mut is_whole = true;
    for path in blob::list(&old).unwrap_or_default() {
        let name = path.file_name().and_then(|name| name.to_str()?.strip_suffix(extension));
        let name = name.and_then(|name| name.strip_suffix('.')?.to_owned().try_into().ok());
        let Some(name): Option<TableName> = name else { continue };
        let taken = thing(&path, &name, magic.as_bytes())
            .and_then(|(head, body)| new.put(&name, &head, &[&body]));
        if let Err(error) = taken {
            tracing::error!(?error, "what is on a shelf of the older format is damaged");
            is_whole = false;
        }
    }
    is_whole
}

fn thing(path: &Path, name: &TableName, magic: &[u8]) -> Result<(serde_json::Value, Vec<u8>)> {
    let bytes = fs::read(path).map_err(Error::disk)?;
    let parted = journal::unseal(name.as_str().as_bytes(), &bytes).and_then(|bytes| {
        let mut fields = Fields::new(bytes.strip_prefix(magic)?);
        let head = serde_json::from_slice(fields.text()?).ok()?;
        Some((head, fields.rest().to_vec()))
    });
    parted.ok_or_else(|| damaged(path))
}
