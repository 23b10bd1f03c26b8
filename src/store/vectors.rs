//! The vectors of a generation in a file beside sled; drawn in the doc of the folder.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::error::{Context as _, Error, Result};
use crate::store::{blob, fault, record};

const MAGIC: &[u8; 8] = b"WSVECT01";
/// A whole number of cache lines, so that rows of a mapped file may be aligned.
const HEAD_BYTES: usize = 64;
const CRC_BYTES: usize = 4;
/// Bytes after which the disk is asked to take what was written: it works while rows are still read,
/// and little is left for the end.
const SYNC_BYTES: usize = 32 << 20;

/// A file in the making.
pub(super) struct Output {
    file: File,
    row_bytes: u64,
    /// Where the next byte goes.
    at: u64,
    unsynced: usize,
    /// For errors.
    name: String,
}

impl Output {
    /// Makes the file of a generation that nobody knows yet.
    pub(super) fn create(path: &Path, generation: u64, dim: usize) -> Result<Self> {
        let name = path.display().to_string();
        let making = || format!("making {name}");
        let folder = path.parent().unwrap_or(Path::new("."));
        blob::make_folder(folder).map_err(Error::disk).context(making)?;
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).open(path);
        let mut file = file.map_err(Error::disk).context(making)?;
        file.write_all(&head(generation, dim)).map_err(Error::disk).context(making)?;
        let row_bytes = (dim * size_of::<f32>()) as u64;
        Ok(Self { file, row_bytes, at: HEAD_BYTES as u64, unsynced: 0, name })
    }

    /// Writes the vectors from this row on, in place of what may be there.
    pub(super) fn write(&mut self, first_row: u64, vectors: &[u8]) -> Result<()> {
        self.try_write(first_row, vectors)
            .map_err(Error::disk)
            .context(|| format!("writing {}", self.name))
    }

    fn try_write(&mut self, first_row: u64, vectors: &[u8]) -> io::Result<()> {
        let at = HEAD_BYTES as u64 + first_row * self.row_bytes;
        if at != self.at {
            self.file.seek(SeekFrom::Start(at))?;
        }
        self.file.write_all(vectors)?;
        self.at = at + vectors.len() as u64;
        self.unsynced += vectors.len();
        if self.unsynced >= SYNC_BYTES {
            self.unsynced = 0;
            self.file.sync_data()?;
        }
        Ok(())
    }

    /// Once this returns the file survives a power cut; its name takes [`blob::sync_folder`].
    pub(super) fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(Error::disk).context(|| format!("syncing {}", self.name))
    }
}

/// Magic, generation, components, zeros, and the checksum of all this.
fn head(generation: u64, dim: usize) -> Vec<u8> {
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&generation.to_le_bytes());
    head.extend_from_slice(&record::small(dim).to_le_bytes());
    head.resize(HEAD_BYTES - CRC_BYTES, 0);
    record::seal(b"head", &mut head);
    head
}

/// Reads a file from its first row to its last.
pub(super) struct Input {
    file: File,
    row_bytes: usize,
    /// Bytes of rows that are left.
    left: u64,
    block: Vec<u8>,
}

impl Input {
    /// The file of a generation; none if it is missing, or another one's.
    pub(super) fn open(path: &Path, generation: u64, dim: usize) -> Result<Option<Self>> {
        let reading = || format!("reading {}", path.display());
        let Some(mut file) = blob::open(path)? else { return Ok(None) };
        let bytes = file.metadata().map_err(Error::disk).context(reading)?.len();
        let Some(left) = bytes.checked_sub(HEAD_BYTES as u64) else { return Ok(None) };
        let mut found = [0; HEAD_BYTES];
        file.read_exact(&mut found).map_err(Error::disk).context(reading)?;
        let row_bytes = dim * size_of::<f32>();
        let block = Vec::new();
        Ok((found[..] == head(generation, dim)).then_some(Self { file, row_bytes, left, block }))
    }

    /// How many rows are left; none if the file ends within one.
    pub(super) fn rows(&self) -> Option<u64> {
        let row_bytes = self.row_bytes as u64;
        self.left.is_multiple_of(row_bytes).then_some(self.left / row_bytes)
    }

    /// The vectors of the next rows; none if there are fewer.
    pub(super) fn next(&mut self, rows: usize) -> Result<Option<&[u8]>> {
        let Some(bytes) = rows.checked_mul(self.row_bytes) else { return Ok(None) };
        let Some(left) = self.left.checked_sub(bytes as u64) else { return Ok(None) };
        self.left = left;
        self.block.resize(bytes, 0);
        match self.file.read_exact(&mut self.block) {
            Ok(()) => Ok(Some(&self.block)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(Error::disk(error)),
        }
    }
}

/// The error of a file that is missing or not as it was written.
pub(super) fn damaged(path: &Path, what: &str) -> Error {
    Error::new(fault::damage(format!("{what}, in {}", path.display()), fault::IMPORT_AGAIN))
}
