//! A generation as a folder that is complete in itself: its parts, and a manifest of them that is
//! written last. It can be opened, read and verified without anything beside it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::container::{CHUNK_BYTES, Container, Kind, Sealed};
use crate::error::{Error, ErrorKind, Result};
use crate::store::blob::{self, FileWriter};
use crate::store::{fault, folder, mapped};
use crate::table::Table;
use crate::table::columns::Collected;
use crate::table::input::Inputs;
use crate::table::meta::{Meta, Residence};
use crate::table::part::{self, ATTRIBUTES, INPUTS, SUBWORDS, VECTORS, WORDS};
use crate::table::view::View;
use crate::text::subword::Subwords;
use crate::vector::rows::Bytes;

/// The file whose presence says that the folder is complete.
pub(super) const MANIFEST: Kind =
    Kind { name: "manifest", version: 1, advice: "`wordspace recover` moves the folder away" };
/// The parts that can be made again.
pub(super) const INDEX_PARTS: [&str; 4] = ["graph", "partition", "lists", PLACES];
/// The one of them that is made when somebody asks for it.
pub(super) const PLACES: &str = "places";

/// What a generation's folder holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// What is known of the table beside its rows; its name is that under which it was made.
    pub(super) meta: Meta,
    /// The parts, by name.
    pub(super) parts: BTreeMap<String, Part>,
}

/// A part of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// Bytes of its file.
    pub(super) bytes: u64,
    /// BLAKE3 of its file, in hexadecimal digits.
    pub(super) blake3: String,
    /// The generation it was written for, where it came from an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) of: Option<u64>,
}

impl From<Sealed> for Part {
    fn from(sealed: Sealed) -> Self {
        Self { bytes: sealed.bytes, blake3: sealed.blake3, of: None }
    }
}

/// A generation whose manifest was read.
#[derive(Clone, Debug)]
pub(super) struct Generation {
    pub(super) folder: PathBuf,
    pub(super) manifest: Manifest,
}

impl Generation {
    /// Opens the generation in a folder; none if the folder was never completed.
    pub(super) fn open(folder: &Path, number: u64) -> Result<Option<Self>> {
        let path = folder.join(MANIFEST.name);
        let name = path.display().to_string();
        let Some(file) = blob::open_container(&path, name, MANIFEST)? else { return Ok(None) };
        let manifest = file.section("manifest")?.read()?;
        let manifest: Manifest = serde_json::from_slice(&manifest).map_err(|_| file.senseless())?;
        if manifest.meta.generation != number || manifest.meta.dim == 0 {
            return Err(file.senseless());
        }
        Ok(Some(Self { folder: folder.to_path_buf(), manifest }))
    }

    /// Writes the manifest, and makes the folder's names durable: from now on it is complete.
    pub(super) fn seal(&self) -> Result<()> {
        self.seal_in(&self.folder)
    }

    /// Writes the manifest into another folder.
    pub(super) fn seal_in(&self, folder: &Path) -> Result<()> {
        let manifest = serde_json::to_vec_pretty(&self.manifest)
            .map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
        let path = folder.join(MANIFEST.name);
        blob::publish_container(&path, MANIFEST, self.manifest.meta.generation, |out| {
            out.section("manifest", CHUNK_BYTES)?;
            out.write(&manifest)
        })
        .map(drop)
    }

    fn meta(&self) -> &Meta {
        &self.manifest.meta
    }

    /// A part; none if the generation has no such part.
    pub(super) fn part(&self, kind: Kind) -> Result<Option<Container>> {
        let Some(part) = self.manifest.parts.get(kind.name) else { return Ok(None) };
        let path = self.folder.join(kind.name);
        let what = format!("table \"{}\", {}", self.meta().name, path.display());
        let missing = || Error::new(fault::damage(format!("{what}, is missing"), kind.advice));
        let found = blob::open_container(&path, what.clone(), kind)?.ok_or_else(missing)?;
        let owner = part.of.unwrap_or(self.meta().generation);
        if found.bytes() == part.bytes && found.owner() == owner {
            return Ok(Some(found));
        }
        Err(found.senseless())
    }

    /// When a further part was written, as the file system says.
    pub(super) fn part_written_at(&self, kind: Kind) -> Option<SystemTime> {
        fs::metadata(self.folder.join(kind.name)).and_then(|file| file.modified()).ok()
    }

    fn needed(&self, kind: Kind) -> Result<Container> {
        let what = || format!("table \"{}\", its part {}", self.meta().name, kind.name);
        self.part(kind)?.ok_or_else(|| Error::new(fault::damage(what(), kind.advice)))
    }

    /// The rows, every checksum verified, with their sub-words, whose rows are verified when they
    /// are used. Inputs that cannot be read are told when they are asked for: the words answer
    /// without them.
    pub(super) fn read(&self) -> Result<Table> {
        let Meta { row_count, dtype, dim, .. } = *self.meta();
        let (words, vectors) = (self.needed(WORDS)?, self.needed(part::vectors_of(dtype))?);
        let subwords = self.subwords()?;
        let mapped = match self.meta().residence {
            Residence::Memory => None,
            Residence::Disk => Some(self.mapped(&vectors)?),
        };
        let table = part::rows::read(&words, &vectors, row_count, (dtype, dim as usize), mapped)?;
        Ok(table.with_subwords(subwords).with_inputs(self.inputs()))
    }

    /// The bytes of the vectors, mapped.
    fn mapped(&self, vectors: &Container) -> Result<Arc<dyn Bytes>> {
        let section = vectors.section(part::rows::vectors_section(self.meta().dtype))?;
        mapped::section(&self.folder.join(VECTORS.name), vectors, &section)
    }

    /// The table's rows with their attributes.
    pub(super) fn view(&self, table: Arc<Table>) -> Result<View> {
        let attributes = match self.part(ATTRIBUTES)? {
            Some(part) => part::attributes::read(&part, table.len())?,
            None => Collected::default(),
        };
        Ok(View::new(table, self.meta().applied.sequence).with_attributes(attributes))
    }

    /// The sub-words.
    pub(super) fn subwords(&self) -> Result<Option<Arc<Subwords>>> {
        let open = |part| part::subwords::open(part).map(Arc::new);
        self.part(SUBWORDS)?.map(open).transpose()
    }

    fn inputs(&self) -> Inputs {
        let dim = self.meta().dim as usize;
        let read = |part| part::inputs::read(&part, dim).map(Arc::new);
        let read = self.part(INPUTS).and_then(|part| part.map(read).transpose()).transpose()?;
        Some(read.map_err(|error| {
            tracing::error!(table = %self.meta().name, ?error, "inputs cannot be read");
            error.kind().clone()
        }))
    }

    /// Reads every byte of every part, and compares it with the manifest; the parts that are not as
    /// they were written, with what is wrong.
    pub(super) fn damages(&self, stop: &dyn Fn() -> Result<()>) -> Result<Vec<(String, Error)>> {
        let mut damages = Vec::new();
        for (name, part) in &self.manifest.parts {
            stop()?;
            let path = self.folder.join(name);
            if let Err(error) = verify_file(&path, part, stop) {
                if !matches!(error.kind(), ErrorKind::Corrupt { .. } | ErrorKind::Storage) {
                    return Err(error);
                }
                damages.push((name.clone(), error));
            }
        }
        Ok(damages)
    }
}

/// Compares a file with what is known of it.
pub(super) fn verify_file(path: &Path, part: &Part, stop: &dyn Fn() -> Result<()>) -> Result<()> {
    let what = || path.display().to_string();
    let damaged = || Error::new(fault::damage(what(), fault::RECOVER));
    let file = blob::open(path)?.ok_or_else(damaged)?;
    let mut hasher = blake3::Hasher::new();
    let bytes = copy(file, &mut hasher, stop).map_err(|error| stopped(error, what))?;
    let is_whole = bytes == part.bytes && hasher.finalize().to_hex().as_str() == part.blake3;
    if is_whole { Ok(()) } else { Err(damaged()) }
}

/// Copies bytes in large pieces, one write for each, and looks before each whether it is to go on.
pub(super) fn copy(
    mut from: impl io::Read,
    to: &mut (impl io::Write + ?Sized),
    stop: &dyn Fn() -> Result<()>,
) -> io::Result<u64> {
    let (mut buffer, mut bytes) = (vec![0; 1 << 20], 0);
    loop {
        stop().map_err(io::Error::other)?;
        match from.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(count) => {
                to.write_all(&buffer[..count])?;
                bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The error of [`copy`]: one of ours comes out as it is.
pub(super) fn stopped(error: io::Error, what: impl FnOnce() -> String) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::disk(error).context(what()),
    }
}

/// Writes a part into a generation's folder, durably but for its name.
pub(super) fn write_part(
    folder: &Path,
    kind: Kind,
    owner: u64,
    write: impl FnOnce(&mut FileWriter) -> Result<()>,
) -> Result<Part> {
    blob::publish_container(&folder.join(kind.name), kind, owner, write).map(Part::from)
}

/// Takes a part over from another generation's folder, where the file system can without copying.
pub(super) fn link_part(
    from: &Path,
    to: &Path,
    name: &str,
    stop: &dyn Fn() -> Result<()>,
) -> Result<()> {
    let (from, to) = (from.join(name), to.join(name));
    let linked = fs::hard_link(&from, &to).or_else(|_| {
        let mut copied = blob::create(&to)?;
        copy(File::open(&from)?, &mut copied, stop)?;
        copied.sync_all()
    });
    linked.map_err(|error| {
        stopped(error, || format!("linking {} to {}", from.display(), to.display()))
    })
}

/// The generations of a data folder, each with its manifest, or why that cannot be read; folders
/// that were never completed are left out.
pub(super) fn all(data: &Path) -> Result<BTreeMap<u64, Result<Generation>>> {
    let numbers = folder::generations(data)?.into_iter();
    let opened = numbers.filter_map(|number| {
        let opened = Generation::open(&folder::generation(data, number), number).transpose()?;
        Some((number, opened))
    });
    Ok(opened.collect())
}
