//! Tokenizers on their shelf, and which one a table uses where none is named.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::store::shelf::Shelf;
use crate::store::{Shared, fault, record};
use crate::table::meta::TableName;
use crate::text::spec::{File, Kind, Spec};

/// The body is the files, one behind the other.
#[derive(Serialize, Deserialize)]
struct Head {
    kind: Kind,
    files: Vec<FileHead>,
}

#[derive(Serialize, Deserialize)]
struct FileHead {
    name: String,
    bytes: u64,
}

pub(super) fn put(shelf: &Shelf, name: &TableName, spec: &Spec) -> Result<()> {
    let files = spec
        .files
        .iter()
        .map(|file| FileHead { name: file.name.clone(), bytes: file.bytes.len() as u64 });
    let head = Head { kind: spec.kind.clone(), files: files.collect() };
    let body: Vec<&[u8]> = spec.files.iter().map(|file| &file.bytes[..]).collect();
    shelf.put(name, &head, &body)
}

pub(super) fn get(shelf: &Shelf, name: &TableName) -> Result<Option<Spec>> {
    let Some((head, body)) = shelf.get(name)? else { return Ok(None) };
    spec(head, &body).ok_or_else(|| shelf.damaged(name)).map(Some)
}

fn spec(head: Head, mut body: &[u8]) -> Option<Spec> {
    let mut files = Vec::new();
    for file in head.files {
        let (bytes, after) = body.split_at_checked(usize::try_from(file.bytes).ok()?)?;
        files.push(File { name: file.name, bytes: bytes.to_vec() });
        body = after;
    }
    body.is_empty().then_some(Spec { kind: head.kind, files })
}

/// Which tokenizer each table uses.
pub(super) fn defaults(shared: &Shared) -> Result<Vec<(TableName, String)>> {
    let what = || "the tokenizers of tables".to_owned();
    let mut records = shared.defaults.iter();
    let mut defaults = Vec::new();
    while let Some((table, record)) = fault::guarded(what, || records.next().transpose())? {
        let pair = record::unseal(&table, &record).and_then(|name| {
            let table = TableName::try_from(String::from_utf8(table.to_vec()).ok()?).ok()?;
            Some((table, String::from_utf8(name.to_vec()).ok()?))
        });
        let damaged = || Error::new(fault::damage(what(), fault::RESTORE));
        defaults.push(pair.ok_or_else(damaged)?);
    }
    Ok(defaults)
}

/// Sets or removes the tokenizer of a table, durably.
pub(super) fn set_default(shared: &Shared, table: &TableName, name: Option<&str>) -> Result<()> {
    let key = table.as_str().as_bytes();
    let what = || format!("the tokenizer of table \"{table}\"");
    let before = match name {
        Some(name) => {
            let mut record = name.as_bytes().to_vec();
            record::seal(key, &mut record);
            fault::guarded(what, || shared.defaults.insert(key, record))?;
            return shared.make_durable();
        }
        None => fault::guarded(what, || shared.defaults.remove(key))?,
    };
    if before.is_some() { shared.make_durable() } else { Ok(()) }
}
