//! Things that are named and stored whole, such as tokenizers, test sets and language models: a container each, with
//! the sections `name`, `head` (JSON) and `body`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::container::{CHUNK_BYTES, Container, Kind};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::blob::{FileWriter, Staged};
use crate::store::{blob, folder};
use crate::table::meta::TableName;

const ADVICE: &str = "delete it and store it again, or restore it from a backup";

/// Tokenizers.
pub(super) const TOKENIZERS: Sort = Sort {
    folder: "tokenizers",
    what: "tokenizer",
    kind: Kind { name: "tokenizer", version: 1, advice: ADVICE },
};
/// Test sets.
pub(super) const TEST_SETS: Sort = Sort {
    folder: "test-sets",
    what: "test set",
    kind: Kind { name: "test-set", version: 1, advice: ADVICE },
};
/// Language models.
pub(super) const MODELS: Sort = Sort {
    folder: "models",
    what: "language model",
    kind: Kind { name: "model", version: 1, advice: ADVICE },
};
/// All sorts there are.
pub(super) const SORTS: [Sort; 3] = [TOKENIZERS, TEST_SETS, MODELS];
/// The section that holds what a thing is.
pub(super) const BODY: &str = "body";

/// What things of a sort are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sort {
    /// Of their files.
    pub(super) folder: &'static str,
    /// As people call it.
    pub(super) what: &'static str,
    pub(super) kind: Kind,
}

/// A folder of things of one sort.
#[derive(Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
    sort: Sort,
}

impl Shelf {
    pub(super) fn new(data: &Path, sort: Sort) -> Self {
        Self { folder: data.join(folder::SHELF).join(sort.folder), sort }
    }

    /// Stores a thing, made of parts, in place of one of its name, durably.
    pub(super) fn put(
        &self,
        name: &TableName,
        head: &impl Serialize,
        body: &[&[u8]],
    ) -> Result<()> {
        self.put_with(name, head, |out| {
            out.section(BODY, CHUNK_BYTES)?;
            body.iter().try_for_each(|part| out.write(part))
        })
    }

    /// The same, whose body `write` writes.
    pub(super) fn put_with(
        &self,
        name: &TableName,
        head: &impl Serialize,
        write: impl FnOnce(&mut FileWriter) -> Result<()>,
    ) -> Result<()> {
        self.stage(name, head, write)?.publish()
    }

    /// The same, whose file is whole and durable but does not take its place yet.
    pub(super) fn stage(
        &self,
        name: &TableName,
        head: &impl Serialize,
        write: impl FnOnce(&mut FileWriter) -> Result<()>,
    ) -> Result<Staged> {
        let head = serde_json::to_vec(head);
        let head = head.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
        let written = blob::stage_container(&self.path(name), self.sort.kind, 0, |out| {
            for (section, bytes) in [("name", name.as_str().as_bytes()), ("head", &head)] {
                out.section(section, CHUNK_BYTES)?;
                out.write(bytes)?;
            }
            write(out)
        });
        written.map(|(staged, _)| staged)
    }

    /// A thing's head and body; none if there is none of that name.
    pub(super) fn get<H: DeserializeOwned>(
        &self,
        name: &TableName,
    ) -> Result<Option<(H, Vec<u8>)>> {
        self.container(name)?.map(|file| read(&file)).transpose()
    }

    /// A thing's head alone, of a file that may be damaged behind it.
    pub(super) fn head<H: DeserializeOwned>(&self, name: &TableName) -> Result<Option<H>> {
        self.container(name)?.map(|file| head(&file)).transpose()
    }

    /// The file of a thing; none if there is none of that name.
    pub(super) fn container(&self, name: &TableName) -> Result<Option<Container>> {
        self.container_at(&self.path(name), name)
    }

    /// The file of a thing that may not have taken its place yet.
    pub(super) fn container_at(&self, path: &Path, name: &TableName) -> Result<Option<Container>> {
        let what = format!("the {} \"{name}\"", self.sort.what);
        let Some(file) = blob::open_container(path, what, self.sort.kind)? else {
            return Ok(None);
        };
        Self::check_name(&file, name)?;
        Ok(Some(file))
    }

    /// An error if the file is that of another thing.
    pub(super) fn check_name(file: &Container, name: &TableName) -> Result<()> {
        let own = file.section("name")?.read()?;
        if own == name.as_str().as_bytes() { Ok(()) } else { Err(file.senseless()) }
    }

    /// Removes a thing, durably; whether it was there. If that fails it still is, unless the disk refuses to
    /// take that back as well.
    pub(super) fn remove(&self, name: &TableName) -> Result<bool> {
        let path = self.path(name);
        if !path.exists() {
            return Ok(false);
        }
        let gone = blob::Temporary::beside(&path);
        let removed = fs::rename(&path, gone.path()).and_then(|()| {
            // Ignore: a disk that refuses this too tells so by the first error.
            blob::sync_folder(&self.folder).inspect_err(|_| _ = fs::rename(gone.path(), &path))
        });
        removed.map_err(Error::disk).context(|| format!("deleting {name}"))?;
        Ok(true)
    }

    /// The names of all, in order, with the bytes of their files.
    pub(super) fn list(&self) -> Result<Vec<(TableName, u64)>> {
        let paths = blob::list(&self.folder)?;
        let named = |path: &PathBuf| {
            let name = TableName::try_from(path.file_name()?.to_str()?.to_owned()).ok()?;
            Some((name, path.metadata().map_or(0, |metadata| metadata.len())))
        };
        Ok(paths.iter().filter_map(named).collect())
    }

    /// Removes what was never completed.
    pub(super) fn sweep(&self) {
        blob::sweep(&self.folder);
    }

    pub(super) fn path(&self, name: &TableName) -> PathBuf {
        self.folder.join(name.as_str())
    }
}

/// The head and body of a thing.
pub(super) fn read<H: DeserializeOwned>(file: &Container) -> Result<(H, Vec<u8>)> {
    Ok((head(file)?, file.section(BODY)?.read()?))
}

/// The head alone.
pub(super) fn head<H: DeserializeOwned>(file: &Container) -> Result<H> {
    serde_json::from_slice(&file.section("head")?.read()?).map_err(|_| file.senseless())
}
