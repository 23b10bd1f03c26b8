//! Folders of formats 1 and 2, which are made folders of format 3 when they are opened.
//!
//! They kept words, checksums and attributes in sled, and vectors, sub-words and inputs in files of
//! formats of their own:
//!
//! | where | key | value |
//! | --- | --- | --- |
//! | tree `state` | `generation` | u64: the last generation number given out |
//! | tree `tables` | the table's name | [`Meta`] as JSON |
//! | tree `rows` | generation u64, block u32 | words of some rows, with their vectors (format 1) or a checksum of these |
//! | tree `attributes` | generation u64, block u32 | attributes of some of its rows |
//! | tree `journal` | as today | as today |
//! | tree `defaults` | a table's name | the name of its tokenizer |
//! | `vectors/42.f32` | | the vectors of a generation (format 2) |
//! | `subwords/42.buckets`, `inputs/42.tables` | | of the import that generation 42 was |
//! | `tokenizers/*.tokenizer`, `test-sets/*.test-set` | | a line, a head as JSON behind its length, a body |
//!
//! Every value ends with a CRC-32 of its key and of all its bytes before. New parts are written beside
//! what is there, then the format's version, then what is old is removed: a crash at any moment leaves
//! a folder of one format or the other. Graphs are built again.

mod files;
mod rows;

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::store::catalog::{self, Imported};
use crate::store::generation::{self, Generation, Manifest};
use crate::store::kv::Kv;
use crate::store::ledger::Ledger;
use crate::store::{blob, fault, folder, journal, shelf};
use crate::table::meta::{Meta, TableName};
use crate::table::part::{self, ATTRIBUTES, INPUTS, SUBWORDS, VECTORS, WORDS};
use crate::vector::RowId;

/// Folders and trees that are not needed any more.
const FOLDERS: [&str; 6] = ["vectors", "index", "subwords", "inputs", "tokenizers", "test-sets"];
const TREES: [&str; 5] = ["rows", "attributes", "tables", "state", "defaults"];

/// Makes a folder of an older format one of today's. What cannot be read stays where it is, and is
/// told by the table that needs it.
pub(super) fn upgrade(data: &Path) -> Result<()> {
    tracing::info!(folder = %data.display(), "taking a folder of an older format over");
    let store = data.join(folder::STORE);
    let kv = Kv::open(&store)?;
    let (tables, mut is_whole) = tables(&kv, data)?;
    for sort in shelf::SORTS {
        is_whole &= files::take_shelf_over(data, sort);
    }
    let last = last_generation(&kv)?;
    let imported = Imported { tables, aliases: Vec::new(), last_generation: last };
    let known = catalog::import(&kv, imported)?;
    kv.make_durable()?;
    Ledger::create(&data.join(folder::LEDGER), &known.state()?)?;
    folder::write_version(&store)?;
    if is_whole {
        remove(&kv, data)?;
    }
    kv.close()
}

/// A table's name, generation and tokenizer.
type Listed = (TableName, u64, Option<String>);

/// Writes the generations of all tables; whether all could be read.
fn tables(kv: &Kv, data: &Path) -> Result<(Vec<Listed>, bool)> {
    let (mut tables, mut is_whole) = (Vec::new(), true);
    let listed = kv.tree("tables")?;
    let what = || "the list of tables".to_owned();
    let mut records = listed.iter();
    while let Some((name, record)) = fault::guarded(what, || records.next().transpose())? {
        let table = String::from_utf8_lossy(&name).into_owned();
        let taken = meta(&name, &record).and_then(|meta| {
            // A damaged table stays a table, and says what it lacks.
            tables.push((meta.name.clone(), meta.generation, tokenizer_of(kv, &meta.name)));
            take_over(kv, data, &meta)
        });
        if let Err(error) = taken {
            tracing::error!(%table, ?error, "a table of the older format is damaged");
            is_whole = false;
        }
    }
    Ok((tables, is_whole))
}

/// Removes what a folder of today's format has no use for, if it is there and all was taken over.
fn remove(kv: &Kv, data: &Path) -> Result<()> {
    TREES.iter().try_for_each(|tree| kv.drop_tree(tree))?;
    FOLDERS.iter().try_for_each(|folder| blob::remove_folder(&data.join(folder)))?;
    kv.make_durable()
}

/// A table's record.
fn meta(name: &[u8], record: &[u8]) -> Result<Meta> {
    let what = format!("the record of table \"{}\"", String::from_utf8_lossy(name));
    let meta = journal::unseal(name, record).and_then(|json| serde_json::from_slice(json).ok());
    let meta: Option<Meta> = meta.filter(|meta: &Meta| meta.name.as_str().as_bytes() == name);
    meta.ok_or_else(|| Error::new(fault::damage(what, fault::IMPORT_AGAIN)))
}

fn tokenizer_of(kv: &Kv, table: &TableName) -> Option<String> {
    let key = table.as_str().as_bytes();
    let tree = kv.tree("defaults").ok()?;
    let record = fault::guarded(|| "a table's tokenizer".to_owned(), || tree.get(key)).ok()??;
    String::from_utf8(journal::unseal(key, &record)?.to_vec()).ok()
}

fn last_generation(kv: &Kv) -> Result<u64> {
    const KEY: &[u8] = b"generation";
    let what = || "the generation counter".to_owned();
    let tree = kv.tree("state")?;
    let record = fault::guarded(what, || tree.get(KEY))?;
    let last = record.as_ref().and_then(|record| journal::unseal(KEY, record)?.first_chunk());
    let damaged = || Error::new(fault::damage(what(), fault::RECOVER));
    last.map(|&bytes| u64::from_le_bytes(bytes)).ok_or_else(damaged)
}

/// Writes the folder of a table's generation.
fn take_over(kv: &Kv, data: &Path, meta: &Meta) -> Result<()> {
    let number = meta.generation;
    let folder = folder::generation(data, number);
    if Generation::open(&folder, number).is_ok_and(|opened| opened.is_some()) {
        return Ok(());
    }
    let builder = rows::read(kv, data, meta)?;
    let attributes = rows::read_attributes(kv, meta, builder.len())?;
    let mut parts = std::collections::BTreeMap::new();
    let mut keep = |name: &str, part| drop(parts.insert(name.to_owned(), part));
    let words = || (0..builder.len()).filter_map(|row| RowId::try_from(row).ok());
    let words = || words().map(|row| builder.word(row));
    keep(
        WORDS.name,
        generation::write_part(&folder, WORDS, number, |out| part::rows::write_words(words, out))?,
    );
    keep(
        VECTORS.name,
        generation::write_part(&folder, VECTORS, number, |out| {
            part::rows::begin_vectors(builder.dtype(), builder.dim(), out)?;
            let mut bytes = Vec::new();
            (0..builder.len()).try_for_each(|row| {
                bytes.clear();
                builder.vectors(row..row + 1, &mut bytes);
                out.write(&bytes)
            })
        })?,
    );
    if !attributes.is_empty() {
        let rows = attributes.iter().map(|(&row, attributes)| (row, attributes.into()));
        keep(
            ATTRIBUTES.name,
            generation::write_part(&folder, ATTRIBUTES, number, |out| {
                part::attributes::write(rows, out)
            })?,
        );
    }
    let mut meta = meta.clone();
    if let Some(known) = &mut meta.subwords {
        let subwords = files::subwords(data, meta.applied.lineage.unwrap_or(number))?;
        let part = generation::write_part(&folder, SUBWORDS, number, |out| {
            part::subwords::write(&subwords, out).map(drop)
        })?;
        known.bytes = part.bytes;
        keep(SUBWORDS.name, part);
    }
    if let Some(known) = &mut meta.inputs {
        let dim = meta.dim as usize;
        // The words of a table answer without its inputs.
        match files::inputs(data, meta.applied.lineage.unwrap_or(number), dim) {
            Ok(inputs) => {
                let part = generation::write_part(&folder, INPUTS, number, |out| {
                    part::inputs::write(&inputs, dim, out)
                })?;
                known.bytes = part.bytes;
                keep(INPUTS.name, part);
            }
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt { .. }) => {
                tracing::error!(table = %meta.name, ?error, "inputs were damaged, and are gone");
                meta.inputs = None;
            }
            Err(error) => return Err(error),
        }
    }
    Generation { folder, manifest: Manifest { meta, parts } }.seal()
}
