//! Immutable files beside sled: each is there whole under its name, or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Context as _, Error, Result};

/// How the names of files end that are not complete.
const TEMPORARY: &str = "tmp";

/// Writes a file, in place of one that may be there. Once this returns it survives a power cut; until
/// then the old one does. The folder is made if it is missing.
///
/// # Errors
///
/// If `write` fails, or the disk: then nothing has changed.
pub fn publish(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    try_publish(path, write).context(|| format!("writing {}", path.display()))
}

fn try_publish(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder).map_err(Error::disk)?;
    let temporary = Temporary(temporary_name(path));
    let file = OpenOptions::new().write(true).create_new(true).open(&temporary.0);
    let mut writer = BufWriter::with_capacity(1 << 20, file.map_err(Error::disk)?);
    write(&mut writer)?;
    let file = writer.into_inner().map_err(|error| Error::disk(error.into_error()))?;
    file.sync_all().map_err(Error::disk)?;
    fs::rename(&temporary.0, path).map_err(Error::disk)?;
    sync_folder(folder).map_err(Error::disk)
}

/// The file; none if there is no such file.
///
/// # Errors
///
/// If the disk fails.
pub fn open(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::disk(error).context(format!("opening {}", path.display()))),
    }
}

/// Removes a file; that it is not there is no error.
///
/// # Errors
///
/// If the disk fails.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::disk(error).context(format!("removing {}", path.display()))),
    }
}

/// Whether this is the name of a file that was never completed.
pub(super) fn is_temporary(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == TEMPORARY)
}

/// Makes a folder with those above it, to survive a power cut.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .collect();
    fs::create_dir_all(folder)?;
    for made in missing {
        let parent = made.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_folder(parent.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Two writers of one file must not share a temporary one.
fn temporary_name(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.{count}.{TEMPORARY}", std::process::id()));
    PathBuf::from(name)
}

/// Gone when dropped, unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What stays is removed when the store is opened.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn content(path: &Path) -> Option<String> {
        let mut content = String::new();
        open(path).unwrap()?.read_to_string(&mut content).unwrap();
        Some(content)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_the_old_one_or_the_new_one_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index").join("7.graph");
        let put = |text: &str, fail: bool| {
            publish(&path, |writer| {
                writer.write_all(text.as_bytes()).map_err(Error::disk)?;
                if fail { Err(Error::invalid("test", "fails")) } else { Ok(()) }
            })
        };
        assert_eq!(content(&path), None);
        put("first", true).unwrap_err();
        assert_eq!(content(&path), None);
        put("second", false).unwrap();
        put("third", true).unwrap_err();
        assert_eq!(content(&path).as_deref(), Some("second"));
        put("fourth", false).unwrap();
        assert_eq!(content(&path).as_deref(), Some("fourth"));
        assert_eq!(names(path.parent().unwrap()), ["7.graph"]);

        remove(&path).unwrap();
        remove(&path).unwrap();
        assert_eq!(content(&path), None);
    }
}
