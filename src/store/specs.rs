//! Tokenizers on their shelf: the body of each is its files, one behind the other.

use serde::{Deserialize, Serialize};

use crate::container::Container;
use crate::error::{Error, ErrorKind, Result};
use crate::store::shelf::{self, Shelf};
use crate::table::meta::TableName;
use crate::text::spec::{File, Kind, Spec};

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
    shelf.container(name)?.map(|file| of(&file)).transpose()
}

/// A digest of what a tokenizer is made of: its kind, and its files with their names.
pub(super) fn digest(shelf: &Shelf, name: &TableName) -> Result<Option<String>> {
    let Some(Spec { kind, files }) = get(shelf, name)? else { return Ok(None) };
    let kind = serde_json::to_vec(&kind);
    let kind = kind.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
    let mut digest = blake3::Hasher::new();
    let named = files.iter().flat_map(|file| [file.name.as_bytes(), &file.bytes]);
    for part in std::iter::once(&kind[..]).chain(named) {
        digest.update(&(part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    Ok(Some(digest.finalize().to_hex().to_string()))
}

/// The tokenizer of a file.
pub(super) fn of(file: &Container) -> Result<Spec> {
    let (head, body) = shelf::read(file)?;
    spec(head, &body).ok_or_else(|| file.senseless())
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
