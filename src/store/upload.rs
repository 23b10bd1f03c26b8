//! Files that arrive in pieces: what came of one is kept until it is imported.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::store::blob;

/// How long a file waits for its rest.
const KEPT: Duration = Duration::from_hours(7 * 24);
/// How their names end.
const PART: &str = "part";
/// Bytes of one read.
const BLOCK: usize = 256 << 10;

/// The part of a file that has arrived.
#[derive(Clone, Debug)]
pub struct Upload(PathBuf);

impl Upload {
    pub(super) fn new(folder: &Path, name: &str) -> Self {
        Self(folder.join(format!("{name}.{PART}")))
    }

    /// How many bytes there are, and their CRC-32 (that of zip and zlib).
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn state(&self) -> Result<(u64, u32)> {
        match blob::open(&self.0)? {
            None => Ok((0, 0)),
            Some(file) => checksum(file).map_err(Error::disk),
        }
    }

    /// Opens it to write behind its `from` bytes; from 0 on, what was there is dropped.
    ///
    /// # Errors
    ///
    /// If it has another number of bytes, or if the disk fails.
    pub fn write_from(&self, from: u64) -> Result<File> {
        let folder = self.0.parent().unwrap_or(Path::new("."));
        blob::make_folder(folder).map_err(Error::disk)?;
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        let file = options.open(&self.0).map_err(Error::disk)?;
        if from == 0 {
            file.set_len(0).map_err(Error::disk)?;
        }
        let bytes = file.metadata().map_err(Error::disk)?.len();
        if bytes != from {
            let problem = format!("{bytes} bytes are kept: go on there, or begin at 0");
            return Err(Error::invalid("resume_offset", problem));
        }
        Ok(file)
    }

    /// Removes it.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn remove(&self) -> Result<()> {
        blob::remove(&self.0)
    }
}

/// Removes what nobody went on with for a week.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(io::Result::ok) {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|modified| modified.elapsed().ok());
        if age.is_some_and(|age| age > KEPT)
            && let Err(error) = blob::remove(&entry.path())
        {
            tracing::warn!(?error, "the part of a file stays that nobody went on with");
        }
    }
}

/// How many bytes a source has, and their CRC-32.
///
/// # Errors
///
/// If it cannot be read.
pub fn checksum(mut source: impl Read) -> io::Result<(u64, u32)> {
    let mut hasher = crc32fast::Hasher::new();
    let (mut block, mut bytes) = (vec![0; BLOCK], 0);
    loop {
        match source.read(&mut block) {
            Ok(0) => return Ok((bytes, hasher.finalize())),
            Ok(count) => {
                hasher.update(&block[..count]);
                bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
