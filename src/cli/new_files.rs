//! Files that a command writes: they appear when all are complete.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::failure::{Failure, Result};
use crate::format::{self, Outputs};

/// The files to write, under other names until all are complete.
pub(super) struct NewFiles<'a> {
    main: &'a Path,
    force: bool,
    files: Vec<(PathBuf, File, Unfinished)>,
}

impl<'a> NewFiles<'a> {
    /// A file of this name, and others beside it.
    pub(super) fn new(main: &'a Path, force: bool) -> Result<Self> {
        let files = Self { main, force, files: Vec::new() };
        files.refuse_to_overwrite(main)?;
        Ok(files)
    }

    fn refuse_to_overwrite(&self, path: &Path) -> Result<()> {
        if !self.force && path.symlink_metadata().is_ok() {
            let file = path.display();
            return Err(Failure::Local(format!("{file} is there already; --force overwrites it")));
        }
        Ok(())
    }

    /// Begins the main file.
    pub(super) fn begin_main(&mut self) -> io::Result<()> {
        self.begin(self.main.to_owned())
    }

    /// Begins a file named like the main one but for this end.
    pub(super) fn begin_companion(&mut self, end: &str) -> io::Result<()> {
        let name = self.main.file_name().unwrap_or_default().to_string_lossy();
        let stem = format::stem(&name);
        self.begin(self.main.with_file_name(format!("{stem}.{end}")))
    }

    /// Writes to the file that was begun last.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.last()?.write_all(bytes)
    }

    fn begin(&mut self, path: PathBuf) -> io::Result<()> {
        let (file, unfinished) = Unfinished::beside(&path)?;
        self.files.push((path, file, unfinished));
        Ok(())
    }

    fn last(&mut self) -> io::Result<&mut File> {
        let last = self.files.last_mut().map(|(_, file, _)| file);
        last.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Gives every file its name; tells sizes.
    pub(super) fn finish(self) -> Result<Vec<(PathBuf, u64)>> {
        for (path, _, _) in &self.files {
            self.refuse_to_overwrite(path)?;
        }
        let mut sizes = Vec::new();
        for (path, file, unfinished) in self.files {
            let size = file
                .sync_all()
                .and_then(|()| file.metadata())
                .and_then(|metadata| {
                    std::fs::rename(&unfinished.0, &path)?;
                    Ok(metadata.len())
                })
                .map_err(|error| {
                    Failure::Local(format!("{} cannot be written: {error}", path.display()))
                })?;
            sizes.push((path, size));
        }
        Ok(sizes)
    }
}

impl Outputs for NewFiles<'_> {
    fn main(&mut self) -> io::Result<Box<dyn Write + Send + '_>> {
        self.begin_main()?;
        Ok(Box::new(self.last()?))
    }

    fn companion(&mut self, end: &str) -> io::Result<Box<dyn Write + Send + '_>> {
        self.begin_companion(end)?;
        Ok(Box::new(self.last()?))
    }
}

/// A file under another name, which goes away unless it was renamed.
struct Unfinished(PathBuf);

impl Unfinished {
    fn beside(file: &Path) -> io::Result<(File, Self)> {
        let name = file.file_name().ok_or(io::ErrorKind::IsADirectory)?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.part", std::process::id()));
        let path = file.with_file_name(hidden);
        let created = File::create_new(&path).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", file.display()))
        })?;
        Ok((created, Self(path)))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Ignored: after the rename no file has this name.
        let _ = std::fs::remove_file(&self.0);
    }
}
