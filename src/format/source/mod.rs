//! What is read: a main file and its companions, each a stream or bytes that are there as a whole.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `unpack.rs` `archive.rs` `tar.rs` | what is packed around a file |
//! | `input.rs` | a stream's bytes, through a window of bounded size |
//! | `bytes.rs` | a cursor over bytes that are there, which checks every length |

pub(in crate::format) mod archive;
pub(in crate::format) mod bytes;
pub(in crate::format) mod input;
pub(in crate::format) mod tar;
pub(in crate::format) mod unpack;

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, Cursor, Read, Write};
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
#[cfg(unix)]
use memmap2::UncheckedAdvice;

use crate::budget::{Budget, Share};
use crate::error::{Error, ErrorKind, Result};

/// Bytes that are gathered for one write to a temporary file.
pub(in crate::format) const BLOCK: usize = 256 << 10;

/// Bytes of mapped files that are read between two times that their memory is given back.
pub(in crate::format) const FORGET_BYTES: usize = 16 << 20;

/// The bytes of a file that may be packed: by gzip, bzip2, zstd or xz, told by its first bytes. `format` is
/// what the file is, for errors.
///
/// # Errors
///
/// If it cannot be read.
pub fn unpacked(
    source: Box<dyn Read + Send>,
    format: &'static str,
) -> Result<io::BufReader<Box<dyn Read + Send>>> {
    let failed = |error| unreadable(format, error);
    let mut source = io::BufReader::with_capacity(BLOCK, source);
    let mut head = Vec::new();
    let most = unpack::Compression::MAGIC_BYTES_MAX as u64;
    source.by_ref().take(most).read_to_end(&mut head).map_err(failed)?;
    let compression = unpack::Compression::of(&head);
    let whole = io::BufReader::with_capacity(BLOCK, Cursor::new(head).chain(source));
    let unpacked = compression.unpack(whole).map_err(failed)?;
    Ok(io::BufReader::with_capacity(BLOCK, unpacked))
}

/// The files of one source, the main one first.
pub trait Files: Send {
    /// The next file; a stream before it that was not read to its end is stepped over.
    ///
    /// # Errors
    ///
    /// If the source fails.
    fn next(&mut self) -> Result<Option<Named>>;
}

impl Files for std::vec::IntoIter<Named> {
    fn next(&mut self) -> Result<Option<Named>> {
        Ok(Iterator::next(self))
    }
}

/// A file with its name, without folders but those below the main file's.
#[derive(Debug)]
pub struct Named {
    /// Such as `vocab.txt`; empty if there is none.
    pub name: String,
    /// What it holds.
    pub body: Body,
}

/// What a file holds.
pub enum Body {
    /// Bytes that come one after the other.
    Stream(Box<dyn Read + Send>),
    /// Bytes that are all there.
    Whole(Bytes),
}

impl Body {
    /// As a stream.
    pub(in crate::format) fn stream(self) -> Box<dyn Read + Send> {
        match self {
            Self::Stream(stream) => stream,
            Self::Whole(bytes) => Box::new(bytes.reader()),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(_) => f.write_str("Stream"),
            Self::Whole(bytes) => bytes.fmt(f),
        }
    }
}

/// Bytes that are all there, in memory or mapped; cheap to clone and to cut.
#[derive(Clone)]
pub struct Bytes {
    whole: Arc<dyn Whole>,
    range: Range<usize>,
}

/// What holds bytes.
trait Whole: Send + Sync {
    fn bytes(&self) -> &[u8];

    /// Gives memory back that can be had again.
    fn forget(&self) {}
}

impl Whole for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

impl Whole for Mmap {
    fn bytes(&self) -> &[u8] {
        self
    }

    #[cfg(unix)]
    fn forget(&self) {
        // SAFETY: the pages are those of a file and never written to: whoever reads them again finds
        // them as they were.
        let forgotten = unsafe { self.unchecked_advise(UncheckedAdvice::DontNeed) };
        if let Err(error) = forgotten {
            tracing::debug!(?error, "pages of a file stay in memory until they are not needed");
        }
    }
}

impl Bytes {
    /// Maps a file, which must not be changed as long as it is mapped.
    ///
    /// # Errors
    ///
    /// If it is no file that can be mapped.
    pub fn map(file: &File) -> io::Result<Self> {
        Self::spooled(file, None)
    }

    /// The same of a file that has its part of a budget, as long as it is mapped.
    fn spooled(file: &File, share: Option<Share>) -> io::Result<Self> {
        if file.metadata()?.len() == 0 {
            // Nothing cannot be mapped.
            return Ok(Self::from(Vec::new()));
        }
        // SAFETY: nobody writes to temporary files of ours; files of users are documented to stay
        // as they are while they are read, as with every tool that maps its input.
        let map = unsafe { Mmap::map(file)? };
        let range = 0..map.len();
        Ok(Self { whole: Arc::new(Spooled { map, _share: share }), range })
    }

    /// A part, if there is one.
    pub(in crate::format) fn slice(&self, range: Range<usize>) -> Option<Self> {
        let start = self.range.start.checked_add(range.start)?;
        let end = self.range.start.checked_add(range.end)?;
        if start > end || end > self.range.end {
            return None;
        }
        Some(Self { whole: Arc::clone(&self.whole), range: start..end })
    }

    /// Gives back the memory of what was read: a mapped file counts as this process's otherwise.
    pub(in crate::format) fn forget(&self) {
        self.whole.forget();
    }

    /// Reads them from the beginning.
    pub(in crate::format) fn reader(&self) -> Cursor<Self> {
        Cursor::new(self.clone())
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.whole.bytes()[self.range.clone()]
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        let range = 0..bytes.len();
        Self { whole: Arc::new(bytes), range }
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

/// A folder for temporary files, which hold streams that must be seen as a whole.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
    /// What all of them may take; none: the disk bounds them.
    budget: Option<Arc<Budget>>,
}

/// A temporary file, and its part of the budget.
struct Spooled {
    map: Mmap,
    _share: Option<Share>,
}

impl Whole for Spooled {
    fn bytes(&self) -> &[u8] {
        &self.map
    }

    fn forget(&self) {
        self.map.forget();
    }
}

impl Spool {
    /// Temporary files in this folder; they have no names and go away with the process.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), budget: None }
    }

    /// The same, of which all together take no more than a budget has.
    #[must_use]
    pub fn within(self, budget: Arc<Budget>) -> Self {
        Self { budget: Some(budget), ..self }
    }

    /// A file without a name, for whoever counts its bytes against the budget himself.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn file(&self) -> Result<File> {
        tempfile::tempfile_in(&self.folder).map_err(|error| {
            Error::disk(error)
                .context(format!("making a temporary file in {}", self.folder.display()))
        })
    }

    /// All of a stream.
    pub(in crate::format) fn keep(&self, stream: &mut dyn BufRead) -> Result<Bytes> {
        let full = |error| {
            Error::disk(error).context(format!(
                "keeping a stream, which this format needs as a whole, in {}",
                self.folder.display()
            ))
        };
        let mut file = tempfile::tempfile_in(&self.folder).map_err(full)?;
        let mut share = self.budget.as_ref().map(Share::of);
        loop {
            let count = match stream.fill_buf() {
                Ok([]) => break,
                Ok(block) => {
                    if let Some(share) = &mut share {
                        share.grow(block.len() as u64)?;
                    }
                    file.write_all(block).map(|()| block.len()).map_err(full)?
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
                Err(error) => return Err(source_failed(error)),
            };
            stream.consume(count);
        }
        Bytes::spooled(&file, share).map_err(full)
    }
}

impl Default for Spool {
    /// In the system's folder for temporary files.
    fn default() -> Self {
        Self::new(&std::env::temp_dir())
    }
}

/// The error of a source; one of ours comes out as it is.
pub(in crate::format) fn source_failed(error: io::Error) -> Error {
    unreadable("embedding", error)
}

/// Why a source of a format failed: an error of ours as it is, and any other is about the bytes that came.
pub fn unreadable(format: &'static str, error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => {
            let kind = ErrorKind::Malformed {
                format,
                at: crate::error::At::Byte(0),
                problem: "the source could not be read".to_owned(),
            };
            Error::caused(kind, error)
        }
    }
}
