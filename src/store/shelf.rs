//! Tokenizers: a file each, beside sled; and which one a table uses where none is named.
//!
//! ```text
//! wordspace tokenizer, format 1\n
//! 2f 00 00 00            bytes of the head
//! {"kind":...,"files":[{"name":"vocab.txt","bytes":231508}]}
//! ...                    the files, one behind the other
//! xx xx xx xx            CRC-32 of the name and of all this
//! ```

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::{Shared, blob, fault, record};
use crate::table::meta::TableName;
use crate::text::spec::{File, Kind, Spec};

const MAGIC: &[u8] = b"wordspace tokenizer, format 1\n";
/// How the names of the files end.
const EXTENSION: &str = "tokenizer";
const PUT_AGAIN: &str = "delete this tokenizer and store it again";

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

pub(super) fn put(folder: &Path, name: &TableName, spec: &Spec) -> Result<()> {
    let files = spec
        .files
        .iter()
        .map(|file| FileHead { name: file.name.clone(), bytes: file.bytes.len() as u64 });
    let head = Head { kind: spec.kind.clone(), files: files.collect() };
    let head = serde_json::to_vec(&head);
    let head = head.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&record::small(head.len()).to_le_bytes());
    bytes.extend_from_slice(&head);
    spec.files.iter().for_each(|file| bytes.extend_from_slice(&file.bytes));
    record::seal(name.as_str().as_bytes(), &mut bytes);
    blob::publish(&path(folder, name), |out| out.write_all(&bytes).map_err(Error::disk))
}

pub(super) fn get(folder: &Path, name: &TableName) -> Result<Option<Spec>> {
    let path = path(folder, name);
    let Some(mut file) = blob::open(&path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    let read = file.read_to_end(&mut bytes).map_err(Error::disk);
    read.context(|| format!("reading {}", path.display()))?;
    let damaged = || Error::new(fault::damage(format!("the tokenizer \"{name}\""), PUT_AGAIN));
    decode(name, &bytes).ok_or_else(damaged).map(Some)
}

fn decode(name: &TableName, bytes: &[u8]) -> Option<Spec> {
    let body = record::unseal(name.as_str().as_bytes(), bytes)?;
    let (length, rest) = body.strip_prefix(MAGIC)?.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (head, mut rest) = rest.split_at_checked(length)?;
    let head: Head = serde_json::from_slice(head).ok()?;
    let mut files = Vec::new();
    for file in head.files {
        let (bytes, after) = rest.split_at_checked(usize::try_from(file.bytes).ok()?)?;
        files.push(File { name: file.name, bytes: bytes.to_vec() });
        rest = after;
    }
    rest.is_empty().then_some(Spec { kind: head.kind, files })
}

pub(super) fn remove(folder: &Path, name: &TableName) -> Result<bool> {
    let path = path(folder, name);
    let was_there = path.exists();
    blob::remove(&path)?;
    if was_there {
        blob::sync_folder(folder).map_err(Error::disk).context(|| format!("deleting {name}"))?;
    }
    Ok(was_there)
}

/// The names of all, with the bytes of their files; what was never completed is removed.
pub(super) fn list(folder: &Path) -> Result<Vec<(TableName, u64)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::disk(error).context("listing tokenizers")),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::disk)?;
        let path = entry.path();
        if blob::is_temporary(&path) {
            if let Err(error) = blob::remove(&path) {
                tracing::warn!(?error, "a left-over file stays");
            }
            continue;
        }
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let is_ours = path.extension().is_some_and(|extension| extension == EXTENSION);
        if let Some(name) = stem.filter(|_| is_ours)
            && let Ok(name) = TableName::try_from(name.to_owned())
        {
            names.push((name, entry.metadata().map_or(0, |metadata| metadata.len())));
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn path(folder: &Path, name: &TableName) -> PathBuf {
    folder.join(format!("{name}.{EXTENSION}"))
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
