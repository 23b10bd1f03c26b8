//! Tables and their rows from records, every checksum verified.

use std::ops::Bound;
use std::path::PathBuf;

use crate::error::{Context as _, Error, Result};
use crate::store::record::{self, Block, Vectors};
use crate::store::vectors::{self, Input};
use crate::store::{Shared, fault, key, writer};
use crate::table::Table;
use crate::table::builder::TableBuilder;
use crate::table::meta::Meta;
use crate::text::vocab::Added;

/// How often a block is looked up. Sled counts look-ups and forgets old pages only at every 64th in
/// a page's 256th of the cache: with one look-up a block it would keep hundreds of megabytes. A page
/// has 9 or more blocks, so that with 8 every page is counted at once. A look-up costs a microsecond.
const LOOK_UPS: usize = 8;

/// The live tables, by name.
pub(super) fn tables(shared: &Shared) -> Result<Vec<Meta>> {
    let mut tables = Vec::new();
    let mut records = shared.tables.iter();
    while let Some((name, record)) =
        fault::guarded(|| "the list of tables".to_owned(), || records.next().transpose())?
    {
        tables.push(decode_meta(&name, &record)?);
    }
    Ok(tables)
}

/// A table's record.
pub(super) fn decode_meta(name: &[u8], record: &[u8]) -> Result<Meta> {
    let what = || format!("the record of table \"{}\"", String::from_utf8_lossy(name));
    let damaged = || Error::new(fault::damage(what(), fault::IMPORT_AGAIN));
    let json = record::unseal(name, record).ok_or_else(damaged)?;
    let meta: Meta = serde_json::from_slice(json)
        .map_err(|cause| Error::caused(fault::damage(what(), fault::IMPORT_AGAIN), cause))?;
    if meta.name.as_str().as_bytes() == name { Ok(meta) } else { Err(damaged()) }
}

/// The last generation number that was given out.
pub(super) fn last_generation(state: &sled::Tree) -> Result<u64> {
    let what = || "the generation counter".to_owned();
    let record = fault::guarded(what, || state.get(writer::GENERATION))?;
    let body = record.as_ref().and_then(|record| record::unseal(writer::GENERATION, record));
    match body.map(<[u8; 8]>::try_from) {
        Some(Ok(bytes)) => Ok(u64::from_le_bytes(bytes)),
        Some(Err(_)) | None => Err(Error::new(fault::damage(what(), fault::RESTORE))),
    }
}

/// The next generation of which there are rows, live or not.
pub(super) fn generation_after(shared: &Shared, after: Option<u64>) -> Result<Option<u64>> {
    let last = after.map(|generation| key::block(generation, u32::MAX));
    let from = last.as_ref().map_or(Bound::Unbounded, |key| Bound::Excluded(&key[..]));
    let what = || "the list of rows".to_owned();
    let next = fault::guarded(what, || {
        shared.rows.range::<&[u8], _>((from, Bound::Unbounded)).keys().next().transpose()
    })?;
    let Some(found) = next else { return Ok(None) };
    let damaged = || Error::new(fault::damage(what(), fault::RESTORE));
    key::generation(&found).map(Some).ok_or_else(damaged)
}

/// A table with all its rows.
pub(super) fn read(shared: &Shared, meta: &Meta) -> Result<Table> {
    let path = shared.vectors_path(meta.generation);
    let dim = meta.dim as usize;
    let input = Input::open(&path, meta.generation, dim)?;
    let mut reading = Reading { shared, meta, path, input, builder: TableBuilder::new(dim)? };
    if let Some(rows) = reading.input.as_ref().and_then(Input::rows) {
        // As many as the file has: that is no claim.
        reading.builder.reserve(usize::try_from(rows.min(meta.row_count)).unwrap_or(0));
    }
    let mut block = 0;
    while (reading.builder.len() as u64) < meta.row_count {
        reading.block(block)?;
        block += 1;
    }
    let key = key::block(meta.generation, block);
    let has_more = fault::guarded(|| name_of(meta, block), || shared.rows.contains_key(key))?;
    if has_more || reading.builder.len() as u64 != meta.row_count {
        return Err(Error::new(fault::damage(name_of(meta, block), fault::IMPORT_AGAIN)));
    }
    if reading.input.is_some_and(|input| input.rows() != Some(0)) {
        return Err(vectors::damaged(&reading.path, "vectors of no row"));
    }
    reading.builder.build()
}

/// A table that is read block by block.
struct Reading<'a> {
    shared: &'a Shared,
    meta: &'a Meta,
    path: PathBuf,
    /// Its vectors; none if the file is missing, or not as it was begun. Tables of format 1 had none.
    input: Option<Input>,
    builder: TableBuilder,
}

impl Reading<'_> {
    fn block(&mut self, block: u32) -> Result<()> {
        let what = || name_of(self.meta, block);
        let damaged = || Error::new(fault::damage(what(), fault::IMPORT_AGAIN));
        let key = key::block(self.meta.generation, block);
        let record = fault::guarded(what, || {
            for _ in 1..LOOK_UPS {
                self.shared.rows.contains_key(key)?;
            }
            self.shared.rows.get(key)
        })?;
        let record = record.ok_or_else(damaged)?;
        let rows = Block::decode(&key, &record, self.builder.dim(), what)?;
        let vectors = match rows.vectors() {
            Vectors::Here(vectors) => vectors,
            Vectors::InFile(expected) => {
                let found = match &mut self.input {
                    Some(input) => input.next(rows.rows()).context(what)?,
                    None => None,
                };
                found
                    .filter(|vectors| record::agrees(&key, vectors, expected))
                    .ok_or_else(|| vectors::damaged(&self.path, &what()))?
            }
        };
        let builder = &mut self.builder;
        rows.each(vectors, |word, vector| match builder.push(word, vector) {
            Ok(Added::New(_)) => Ok(()),
            Ok(Added::Known(_)) => Err(damaged()),
            Err(cause) => Err(Error::caused(fault::damage(what(), fault::IMPORT_AGAIN), cause)),
        })
    }
}

fn name_of(meta: &Meta, block: u32) -> String {
    format!("table \"{}\", generation {}, block {block}", meta.name, meta.generation)
}
