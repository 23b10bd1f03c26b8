//! Tables and their rows from records, every checksum verified.

use std::ops::Bound;

use crate::error::{Error, Result};
use crate::store::record::{self, Block};
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
    let mut builder = TableBuilder::new(meta.dim as usize)?;
    let mut block = 0;
    while (builder.len() as u64) < meta.row_count {
        read_block(shared, meta, block, &mut builder)?;
        block += 1;
    }
    let key = key::block(meta.generation, block);
    let has_more = fault::guarded(|| name_of(meta, block), || shared.rows.contains_key(key))?;
    if has_more || builder.len() as u64 != meta.row_count {
        return Err(Error::new(fault::damage(name_of(meta, block), fault::IMPORT_AGAIN)));
    }
    builder.build()
}

fn read_block(shared: &Shared, meta: &Meta, block: u32, builder: &mut TableBuilder) -> Result<()> {
    let what = || name_of(meta, block);
    let damaged = || Error::new(fault::damage(what(), fault::IMPORT_AGAIN));
    let key = key::block(meta.generation, block);
    let record = fault::guarded(what, || {
        for _ in 1..LOOK_UPS {
            shared.rows.contains_key(key)?;
        }
        shared.rows.get(key)
    })?;
    let record = record.ok_or_else(damaged)?;
    let rows = Block::decode(&key, &record, builder.dim(), what)?;
    rows.each(|word, vector| match builder.push(word, vector) {
        Ok(Added::New(_)) => Ok(()),
        Ok(Added::Known(_)) => Err(damaged()),
        Err(cause) => Err(Error::caused(fault::damage(what(), fault::IMPORT_AGAIN), cause)),
    })
}

fn name_of(meta: &Meta, block: u32) -> String {
    format!("table \"{}\", generation {}, block {block}", meta.name, meta.generation)
}
