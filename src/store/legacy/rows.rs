//! The rows of a generation, and their attributes, as formats 1 and 2 kept them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::container::Source as _;
use crate::error::{Error, Result};
use crate::store::kv::Kv;
use crate::store::{blob, fault, journal};
use crate::table::attributes::Attributes;
use crate::table::builder::TableBuilder;
use crate::table::meta::Meta;
use crate::table::part::{Fields, attributes};
use crate::text::vocab::Added;
use crate::vector::RowId;

const MAGIC: &[u8; 8] = b"WSVECT01";
const HEAD_BYTES: usize = 64;
const F32: u8 = 1;
/// Of a block that holds its vectors, as format 1 had them.
const WITH_VECTORS: u8 = 1;
/// Of a block whose vectors are in the generation's file.
const IN_FILE: u8 = 2;

/// The key of a block of a generation.
fn key(generation: u64, block: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&generation.to_be_bytes());
    key[8..].copy_from_slice(&block.to_be_bytes());
    key
}

fn damaged(meta: &Meta, what: &str, block: u32) -> Error {
    let what = format!("table \"{}\", generation {}, {what} {block}", meta.name, meta.generation);
    Error::new(fault::damage(what, fault::IMPORT_AGAIN))
}

/// All rows of a table, every checksum verified.
pub(super) fn read(kv: &Kv, data: &Path, meta: &Meta) -> Result<TableBuilder> {
    let tree = kv.tree("rows")?;
    let dim = meta.dim as usize;
    let mut vectors = Vectors::open(data, meta)?;
    let mut builder = TableBuilder::new(dim)?;
    let mut block = 0;
    while (builder.len() as u64) < meta.row_count {
        let damaged = || damaged(meta, "block", block);
        let key = key(meta.generation, block);
        let record = fault::guarded(|| format!("block {block}"), || tree.get(key))?;
        let record = record.ok_or_else(damaged)?;
        let body = journal::unseal(&key, &record).ok_or_else(damaged)?;
        push(&mut builder, &key, body, vectors.as_mut()).transpose()?.ok_or_else(damaged)?;
        block += 1;
    }
    let has_more = fault::guarded(
        || format!("block {block}"),
        || tree.contains_key(key(meta.generation, block)),
    )?;
    let is_whole = !has_more
        && builder.len() as u64 == meta.row_count
        && vectors.is_none_or(|vectors| vectors.at == vectors.bytes);
    if is_whole { Ok(builder) } else { Err(damaged(meta, "block", block)) }
}

/// Takes the rows of a block; none if it is damaged.
fn push(
    builder: &mut TableBuilder,
    key: &[u8],
    body: &[u8],
    vectors: Option<&mut Vectors>,
) -> Option<Result<()>> {
    let mut fields = Fields::new(body);
    let (version, dtype) = (fields.u8()?, fields.u8()?);
    let (rows, dim) = (fields.u32()? as usize, fields.u32()? as usize);
    if dtype != F32 || rows == 0 || dim != builder.dim() {
        return None;
    }
    let bytes = rows.checked_mul(dim)?.checked_mul(size_of::<f32>())?;
    let checksum = if version == IN_FILE { Some(fields.u32()?) } else { None };
    let lengths = fields.take(rows.checked_mul(4)?)?.as_chunks().0.iter();
    let lengths: Vec<usize> = lengths.map(|&length| u32::from_le_bytes(length) as usize).collect();
    let words: Option<Vec<&[u8]>> = lengths.iter().map(|&length| fields.take(length)).collect();
    let mut from_file = Vec::new();
    let values = match (version, checksum) {
        (WITH_VECTORS, None) => fields.take(bytes)?,
        (IN_FILE, Some(checksum)) => {
            match vectors?.next(bytes, &mut from_file) {
                Ok(found) => found?,
                Err(error) => return Some(Err(error)),
            }
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(key);
            hasher.update(&from_file);
            (hasher.finalize() == checksum).then_some(&from_file[..])?
        }
        _ => return None,
    };
    if !fields.rest().is_empty() {
        return None;
    }
    for (word, values) in words?.into_iter().zip(values.chunks_exact(dim * size_of::<f32>())) {
        let vector: Vec<f32> =
            values.as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)).collect();
        match builder.push(word, &vector) {
            Ok(Added::New(_)) => {}
            Ok(Added::Known(_)) | Err(_) => return None,
        }
    }
    Some(Ok(()))
}

/// The file of a generation's vectors.
struct Vectors {
    file: File,
    path: PathBuf,
    at: u64,
    bytes: u64,
}

impl Vectors {
    /// None if there is no such file, or if it is another one's.
    fn open(data: &Path, meta: &Meta) -> Result<Option<Self>> {
        let path = data.join("vectors").join(format!("{}.f32", meta.generation));
        let Some(file) = blob::open(&path)? else { return Ok(None) };
        let bytes = file.length().map_err(Error::disk)?;
        let mut head = MAGIC.to_vec();
        head.extend_from_slice(&meta.generation.to_le_bytes());
        head.extend_from_slice(&meta.dim.to_le_bytes());
        head.resize(HEAD_BYTES - 4, 0);
        journal::seal(b"head", &mut head);
        let mut vectors = Self { file, path, at: 0, bytes };
        let mut found = Vec::new();
        let is_ours = vectors.next(HEAD_BYTES, &mut found)?.is_some() && found == head;
        Ok(is_ours.then_some(vectors))
    }

    /// The next bytes; none if there are fewer.
    fn next(&mut self, count: usize, bytes: &mut Vec<u8>) -> Result<Option<()>> {
        let end = self.at.checked_add(count as u64).filter(|&end| end <= self.bytes);
        let Some(end) = end else { return Ok(None) };
        bytes.resize(count, 0);
        let read = self.file.read_at(bytes, self.at);
        read.map_err(|error| Error::disk(error).context(self.path.display().to_string()))?;
        self.at = end;
        Ok(Some(()))
    }
}

/// The attributes of a table's rows.
pub(super) fn read_attributes(
    kv: &Kv,
    meta: &Meta,
    rows: usize,
) -> Result<BTreeMap<RowId, Attributes>> {
    let tree = kv.tree("attributes")?;
    let mut all = BTreeMap::new();
    let mut block = 0;
    while (all.len() as u64) < meta.applied.attributed_rows {
        let damaged = || damaged(meta, "attributes", block);
        let key = key(meta.generation, block);
        let record = fault::guarded(|| format!("attributes {block}"), || tree.get(key))?;
        let record = record.ok_or_else(damaged)?;
        let taken = journal::unseal(&key, &record).and_then(|body| {
            let mut fields = Fields::new(body);
            let (version, count) = (fields.u8()?, fields.u32()?);
            for _ in 0..count {
                let row = fields.u32().map(RowId).filter(|row| row.index() < rows)?;
                all.insert(row, attributes::take(&mut fields)?);
            }
            (version == 1 && count > 0).then_some(())
        });
        taken.ok_or_else(damaged)?;
        block += 1;
    }
    Ok(all)
}
