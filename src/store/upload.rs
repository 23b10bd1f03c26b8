//! Files that arrive in pieces: what came of one is kept until it is imported.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::budget::Budget;
use crate::checksum::checksum;
use crate::error::{Context as _, Error, Result};
use crate::store::blob;
use crate::store::check::GoOn;
use crate::store::generation::stopped;
use crate::table::meta::TableName;

/// How long a file waits for its rest, at least: the next start after that removes it.
const KEPT: Duration = Duration::from_hours(7 * 24);
/// How their names end.
const PART: &str = "part";

/// The part of a file that has arrived.
#[derive(Clone, Debug)]
pub struct Upload {
    path: PathBuf,
    /// What all of them may take.
    budget: Option<Arc<Budget>>,
}

/// A file for a table of which a part has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadStatus {
    /// The table's name.
    pub table: TableName,
    /// Bytes that have arrived.
    pub bytes: u64,
    /// When the last did.
    pub changed_at: SystemTime,
}

impl Upload {
    pub(super) fn new(folder: &Path, table: &TableName) -> Self {
        Self { path: folder.join(file_name(table)), budget: None }
    }

    /// The same, whose bytes are taken of a budget.
    #[must_use]
    pub fn within(self, budget: Arc<Budget>) -> Self {
        Self { budget: Some(budget), ..self }
    }

    /// How many bytes there are, and their CRC-32 (that of zip and zlib).
    ///
    /// # Errors
    ///
    /// That of `go_on`; if the disk fails.
    pub fn state(&self, go_on: GoOn<'_>) -> Result<(u64, u32)> {
        let Some(file) = blob::open(&self.path)? else { return Ok((0, 0)) };
        let read = checksum(Watched { file, go_on });
        read.map_err(|error| stopped(error, || format!("reading {}", self.path.display())))
    }

    /// Opens it to write behind its `from` bytes; from 0 on, what was there is dropped.
    ///
    /// # Errors
    ///
    /// If it has another number of bytes, or if the disk fails.
    pub fn write_from(&self, from: u64) -> Result<UploadWriter> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        blob::make_folder(folder).map_err(Error::disk)?;
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        let file = options.open(&self.path).map_err(Error::disk)?;
        if from == 0 {
            let before = file.metadata().map_err(Error::disk)?.len();
            file.set_len(0).map_err(Error::disk)?;
            self.give(before);
        }
        let bytes = file.metadata().map_err(Error::disk)?.len();
        if bytes != from {
            let problem = format!("{bytes} bytes are kept: go on there, or begin at 0");
            return Err(Error::invalid("resume_offset", problem));
        }
        Ok(UploadWriter { file, budget: self.budget.clone() })
    }

    /// Removes it; how many bytes there were, none if it was not there.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn remove(&self) -> Result<Option<u64>> {
        let bytes = fs::metadata(&self.path).map(|metadata| metadata.len()).ok();
        blob::remove(&self.path)?;
        self.give(bytes.unwrap_or(0));
        Ok(bytes)
    }

    fn give(&self, bytes: u64) {
        if let Some(budget) = &self.budget {
            budget.give(bytes);
        }
    }
}

/// A file that is read as long as it is to go on.
struct Watched<'a> {
    file: File,
    go_on: GoOn<'a>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (self.go_on)().map_err(io::Error::other)?;
        self.file.read(buffer)
    }
}

/// Writes what arrives of a file.
#[derive(Debug)]
pub struct UploadWriter {
    file: File,
    budget: Option<Arc<Budget>>,
}

impl UploadWriter {
    /// Writes the next bytes.
    ///
    /// # Errors
    ///
    /// If the budget has no room for them, or if the disk fails.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(budget) = &self.budget else {
            return self.file.write_all(bytes).map_err(Error::disk);
        };
        let length = || self.file.metadata().map_err(Error::disk).map(|metadata| metadata.len());
        let before = length()?;
        budget.take(bytes.len() as u64).context(|| "keeping what has arrived".to_owned())?;
        let written = (&self.file).write_all(bytes).map_err(Error::disk);
        if written.is_err() {
            // Whoever removes the file gives back what it has: the rest is given back here.
            let grown = length().unwrap_or(before).saturating_sub(before);
            budget.give((bytes.len() as u64).saturating_sub(grown));
        }
        written
    }

    /// The file, which is whole.
    pub fn file(&self) -> &File {
        &self.file
    }
}

/// The name of a table's file.
fn file_name(table: &TableName) -> String {
    format!("{}.{PART}", escaped(table))
}

/// The table whose file has this name.
fn table_of(path: &Path) -> Option<TableName> {
    unescaped(path.file_name()?.to_str()?.strip_suffix(PART)?.strip_suffix('.')?)
}

/// A table's name for files and folders: a `^` stands before each capital, so that names which differ only in
/// case differ where the file system does not tell case apart.
pub(super) fn escaped(table: &TableName) -> String {
    let mut name = String::new();
    for c in table.as_str().chars() {
        if c.is_ascii_uppercase() {
            name.push('^');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// The table that has this name there.
pub(super) fn unescaped(file: &str) -> Option<TableName> {
    let mut name = String::new();
    let mut is_capital = false;
    for c in file.chars() {
        match c {
            '^' => is_capital = true,
            c if std::mem::take(&mut is_capital) => name.push(c.to_ascii_uppercase()),
            c => name.push(c),
        }
    }
    // Names of older versions are swept when they are old.
    TableName::try_from(name).ok().filter(|table| escaped(table) == file)
}

/// What is kept, by the table's name.
pub(super) fn list(folder: &Path) -> Result<Vec<UploadStatus>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::disk(error).context(folder.display().to_string())),
    };
    let mut uploads = Vec::new();
    for entry in entries.filter_map(io::Result::ok) {
        // One that was removed meanwhile is none.
        let (Some(table), Ok(metadata)) = (table_of(&entry.path()), entry.metadata()) else {
            continue;
        };
        let changed_at = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        uploads.push(UploadStatus { table, bytes: metadata.len(), changed_at });
    }
    uploads.sort_unstable_by(|a, b| a.table.cmp(&b.table));
    Ok(uploads)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn uploads_are_bounded_listed_and_told_apart_by_case() {
        let folder = tempfile::tempdir().unwrap();
        let budget = Arc::new(Budget::new("spool-max", 10));
        let name = |name: &str| TableName::try_from(name.to_owned()).unwrap();
        let upload = |of: &str| Upload::new(folder.path(), &name(of)).within(Arc::clone(&budget));
        upload("GPT").write_from(0).unwrap().push(b"123456").unwrap();
        let mut other = upload("gpt").write_from(0).unwrap();
        let error = other.push(b"12345").unwrap_err();
        assert!(error.to_string().contains("spool-max"), "{error}");
        other.push(b"1234").unwrap();
        let kept: Vec<_> = list(folder.path()).unwrap();
        let kept: Vec<_> = kept.iter().map(|one| (one.table.as_str(), one.bytes)).collect();
        assert_eq!(kept, [("GPT", 6), ("gpt", 4)]);
        assert_eq!(upload("GPT").state(&|| Ok(())).unwrap().0, 6);
        let stopped = upload("GPT").state(&|| Err(Error::new(ErrorKind::Cancelled))).unwrap_err();
        assert_eq!(*stopped.kind(), ErrorKind::Cancelled);
        drop(upload("GPT").write_from(0).unwrap());
        assert_eq!(budget.used(), 4);
        assert_eq!(upload("gpt").remove().unwrap(), Some(4));
        assert_eq!(upload("gpt").remove().unwrap(), None);
        assert_eq!(budget.used(), 0);
    }
}
