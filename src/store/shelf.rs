//! Things that are named and put away whole, such as tokenizers and test sets: a file each, beside sled.
//!
//! ```text
//! wordspace tokenizer, format 1\n
//! 2f 00 00 00            bytes of the head
//! {"kind":...}           the head, as JSON
//! ...                    the body
//! xx xx xx xx            CRC-32 of the name and of all this
//! ```

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::{blob, fault, record};
use crate::table::meta::TableName;

/// A folder of things of one sort.
#[derive(Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
    /// What a thing is called: in its file, and to people.
    what: &'static str,
    /// How the names of the files end.
    extension: &'static str,
}

const PUT_AGAIN: &str = "delete it and store it again";
/// Bytes of a head, at most: what is believed of a file whose checksum was not looked at.
const HEAD_BYTES_MAX: usize = 64 << 10;

impl Shelf {
    pub(super) fn new(folder: PathBuf, what: &'static str, extension: &'static str) -> Self {
        Self { folder, what, extension }
    }

    /// Puts a thing, made of parts, in place of one of its name.
    pub(super) fn put(
        &self,
        name: &TableName,
        head: &impl Serialize,
        body: &[&[u8]],
    ) -> Result<()> {
        let head = serde_json::to_vec(head);
        let head = head.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
        let mut bytes = self.magic();
        bytes.extend_from_slice(&record::small(head.len()).to_le_bytes());
        bytes.extend_from_slice(&head);
        for part in body {
            bytes.extend_from_slice(part);
        }
        record::seal(name.as_str().as_bytes(), &mut bytes);
        blob::publish(&self.path(name), |out| out.write_all(&bytes).map_err(Error::disk))
    }

    /// A thing's head and body, whole; none if there is none of that name.
    pub(super) fn get<H: DeserializeOwned>(
        &self,
        name: &TableName,
    ) -> Result<Option<(H, Vec<u8>)>> {
        let path = self.path(name);
        let Some(mut file) = blob::open(&path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let read = file.read_to_end(&mut bytes).map_err(Error::disk);
        read.context(|| format!("reading {}", path.display()))?;
        let read = record::unseal(name.as_str().as_bytes(), &bytes).and_then(|body| {
            let (head, body) = self.parted(body)?;
            Some((serde_json::from_slice(head).ok()?, body.to_vec()))
        });
        read.ok_or_else(|| self.damaged(name)).map(Some)
    }

    /// A thing's head alone, of a file that may be damaged; none if there is none of that name.
    pub(super) fn head<H: DeserializeOwned>(&self, name: &TableName) -> Result<Option<H>> {
        let path = self.path(name);
        let Some(file) = blob::open(&path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let read = file.take(HEAD_BYTES_MAX as u64).read_to_end(&mut bytes).map_err(Error::disk);
        read.context(|| format!("reading {}", path.display()))?;
        let head = self.parted(&bytes).and_then(|(head, _)| serde_json::from_slice(head).ok());
        head.ok_or_else(|| self.damaged(name)).map(Some)
    }

    /// The error of a thing that cannot be read.
    pub(super) fn damaged(&self, name: &TableName) -> Error {
        Error::new(fault::damage(format!("the {} \"{name}\"", self.what), PUT_AGAIN))
    }

    /// Head and body.
    fn parted<'b>(&self, bytes: &'b [u8]) -> Option<(&'b [u8], &'b [u8])> {
        let (length, rest) = bytes.strip_prefix(&self.magic()[..])?.split_first_chunk()?;
        rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
    }

    pub(super) fn remove(&self, name: &TableName) -> Result<bool> {
        let path = self.path(name);
        let was_there = path.exists();
        blob::remove(&path)?;
        if was_there {
            let synced = blob::sync_folder(&self.folder).map_err(Error::disk);
            synced.context(|| format!("deleting {name}"))?;
        }
        Ok(was_there)
    }

    /// The names of all, with the bytes of their files; what was never completed is removed.
    pub(super) fn list(&self) -> Result<Vec<(TableName, u64)>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(Error::disk(error).context(format!("listing {}s", self.what)));
            }
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
            if let Some(name) = self.name(&path) {
                names.push((name, entry.metadata().map_or(0, |metadata| metadata.len())));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn name(&self, path: &Path) -> Option<TableName> {
        let is_ours = path.extension().is_some_and(|extension| extension == self.extension);
        let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| is_ours)?;
        TableName::try_from(stem.to_owned()).ok()
    }

    fn path(&self, name: &TableName) -> PathBuf {
        self.folder.join(format!("{name}.{}", self.extension))
    }

    fn magic(&self) -> Vec<u8> {
        format!("wordspace {}, format 1\n", self.what).into_bytes()
    }
}
