//! Files and folders: each file is there whole under its name, or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::container::{Container, Kind, Sealed, Writer};
use crate::error::{Context as _, Error, Result};

/// How the names of files begin that are not complete; nothing that people name does, their own hidden files
/// in the folder included.
const TEMPORARY: &str = ".wordspace-";
const BUFFER_BYTES: usize = 1 << 20;

/// A container that is being written to a file.
pub type FileWriter = Writer<BufWriter<File>>;

/// Writes a file, in place of one that may be there. Once this returns it survives a power cut; until
/// then the old one does. The folder is made if it is missing.
///
/// # Errors
///
/// If the disk fails: then nothing has changed.
pub(super) fn publish(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, |mut out| {
        out.write_all(bytes).map_err(Error::disk)?;
        Ok((out, ()))
    })
}

/// Writes a container in the same way; what it was.
///
/// # Errors
///
/// If `write` fails, or the disk: then nothing has changed.
pub(super) fn publish_container(
    path: &Path,
    kind: Kind,
    owner: u64,
    write: impl FnOnce(&mut FileWriter) -> Result<()>,
) -> Result<Sealed> {
    let (staged, sealed) = stage_container(path, kind, owner, write)?;
    staged.publish()?;
    Ok(sealed)
}

/// Writes a container whole and durably, and leaves it to the caller when it takes its place.
///
/// # Errors
///
/// If `write` fails, or the disk: then nothing has changed.
pub(super) fn stage_container(
    path: &Path,
    kind: Kind,
    owner: u64,
    write: impl FnOnce(&mut FileWriter) -> Result<()>,
) -> Result<(Staged, Sealed)> {
    stage(path, |out| {
        let mut writer = Writer::new(out, kind, owner)?;
        write(&mut writer)?;
        writer.finish()
    })
}

/// Writes a file in the same way, whatever is written to it.
pub(super) fn replace<T>(
    path: &Path,
    write: impl FnOnce(BufWriter<File>) -> Result<(BufWriter<File>, T)>,
) -> Result<T> {
    let (staged, written) = stage(path, write)?;
    staged.publish()?;
    Ok(written)
}

/// A file that is whole and durable under a temporary name. It is removed if it is never published.
pub(super) struct Staged {
    temporary: Temporary,
    path: PathBuf,
}

impl Staged {
    /// Where it stands now.
    pub(super) fn temporary_path(&self) -> &Path {
        self.temporary.path()
    }

    /// Takes the place of what has its name, durably.
    pub(super) fn publish(self) -> Result<()> {
        let path = self.path.clone();
        self.publish_as(&path)
    }

    /// Takes the place of what has another name in the same folder, durably.
    pub(super) fn publish_as(self, path: &Path) -> Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        take_place(self.temporary.path(), path, folder)
            .map_err(Error::disk)
            .context(|| format!("writing {}", path.display()))
    }

    /// Takes a name in the same folder, durably; false if something has it.
    pub(super) fn publish_new(self, path: &Path) -> Result<bool> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let linked = match fs::hard_link(self.temporary.path(), path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            linked => linked.and_then(|()| sync_folder(folder)),
        };
        linked.map_err(Error::disk).context(|| format!("writing {}", path.display()))?;
        Ok(true)
    }
}

/// Writes a file whole and durably, whatever is written to it, and leaves it to the caller when it takes its
/// place.
pub(super) fn stage<T>(
    path: &Path,
    write: impl FnOnce(BufWriter<File>) -> Result<(BufWriter<File>, T)>,
) -> Result<(Staged, T)> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let writing = || format!("writing {}", path.display());
    make_folder(folder).map_err(Error::disk).context(writing)?;
    let temporary = Temporary(temporary_name(path));
    let file = create(&temporary.0).map_err(Error::disk).context(writing)?;
    let (out, written) = write(BufWriter::with_capacity(BUFFER_BYTES, file)).context(writing)?;
    let file = out.into_inner().map_err(|error| Error::disk(error.into_error()));
    file.and_then(|file| file.sync_all().map_err(Error::disk)).context(writing)?;
    Ok((Staged { temporary, path: path.to_owned() }, written))
}

/// Renames a file, durably. If the disk refuses that, what had the name has it again: else it would be
/// another after a restart than before. Without hard links that cannot be.
fn take_place(new: &Path, path: &Path, folder: &Path) -> io::Result<()> {
    let old = Temporary::beside(path);
    let kept = fs::hard_link(path, &old.0).map_err(|error| error.kind());
    fs::rename(new, path)?;
    sync_folder(folder).inspect_err(|_| {
        // Ignore: a disk that refuses this too tells so by the first error.
        let _ = match kept {
            Ok(()) => fs::rename(&old.0, path),
            Err(io::ErrorKind::NotFound) => fs::remove_file(path),
            Err(_) => Ok(()),
        };
    })
}

/// Makes a file, in place of what a crash may have left, that only its owner may read.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The container of a file; none if there is no such file. `name` tells which it is, for errors.
pub(super) fn open_container(path: &Path, name: String, kind: Kind) -> Result<Option<Container>> {
    match open(path)? {
        Some(file) => Container::open(file, name, kind).map(Some),
        None => Ok(None),
    }
}

/// The file; none if there is no such file.
pub(super) fn open(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::disk(error).context(format!("opening {}", path.display()))),
    }
}

/// Removes a file; that it is not there is no error.
pub(super) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::disk(error).context(format!("removing {}", path.display())))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes a folder with all that is in it; that it is not there is no error.
pub(super) fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::disk(error).context(format!("removing {}", path.display())))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What stands in a folder, by name; nothing if there is no such folder.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Error::disk(error).context(format!("listing {}", folder.display())));
        }
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let paths: io::Result<Vec<_>> = paths.collect();
    let mut paths =
        paths.map_err(Error::disk).context(|| format!("listing {}", folder.display()))?;
    paths.sort_unstable();
    Ok(paths)
}

/// Removes what was never completed in a folder.
pub(super) fn sweep(folder: &Path) {
    for path in list(folder).unwrap_or_default() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_temporary(&name)
            && let Err(error) = remove(&path)
        {
            tracing::warn!(?error, "a left-over file stays");
        }
    }
}

/// Bytes of all files in a folder and below; what cannot be read counts 0.
pub(super) fn bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let bytes_of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.filter_map(|entry| Some(bytes_of(entry.ok()?))).sum()
}

/// Makes a folder with those above it, to survive a power cut, that only its owner may enter. None of them
/// stays where that fails.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let sync = |made: &&Path| {
        let parent = made.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_folder(parent.unwrap_or(Path::new(".")))
    };
    let made = builder.create(folder).and_then(|()| missing.iter().try_for_each(sync));
    // Ignore: what is not there, or has files of others by now, stays as it is.
    made.inspect_err(|_| missing.iter().for_each(|made| _ = fs::remove_dir(made)))
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Moves a file or folder into the folder `lost`, under its name and a number that is free there, if
/// it is there; where it is now.
pub(super) fn move_to_lost(lost: &Path, path: &Path) -> Result<Option<PathBuf>> {
    if !path.exists() {
        return Ok(None);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let free = (1_u64..).map(|number| lost.join(format!("{name}.{number}")));
    let free = free.into_iter().find(|free| !free.exists()).unwrap_or_else(|| lost.join("other"));
    move_to(path, &free)?;
    Ok(Some(free))
}

/// Moves a file or folder to a name that nothing has, durably.
pub(super) fn move_to(from: &Path, to: &Path) -> Result<()> {
    let moving = || format!("moving {} to {}", from.display(), to.display());
    let folder = to.parent().unwrap_or(Path::new("."));
    make_folder(folder).map_err(Error::disk).context(moving)?;
    fs::rename(from, to).map_err(Error::disk).context(moving)?;
    let folders = [Some(folder), from.parent()];
    let synced = folders.into_iter().flatten().try_for_each(sync_folder);
    synced.map_err(Error::disk).context(moving)
}

/// Two writers of one file must not share a temporary one. What a crash left under such a name is
/// overwritten: the data folder belongs to one process.
fn temporary_name(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{TEMPORARY}{name}.{count}"))
}

/// Whether a file of this name was never completed.
fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY)
}

/// Gone when dropped, unless it was renamed.
pub(super) struct Temporary(PathBuf);

impl Temporary {
    /// A name beside this one that nobody else has.
    pub(super) fn beside(path: &Path) -> Self {
        Self(temporary_name(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What stays is removed when the store is opened.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = list(folder).unwrap();
        entries.iter().map(|path| path.file_name().unwrap().to_str().unwrap().into()).collect()
    }

    #[test]
    fn a_file_is_the_old_one_or_the_new_one_and_nothing_else_is_left() {
        let kind = Kind { name: "test", version: 1, advice: "" };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shelf").join("7");
        let put = |text: &str, fail: bool| {
            publish_container(&path, kind, 0, |out| {
                out.section("text", 10)?;
                out.write(text.as_bytes())?;
                if fail { Err(Error::invalid("test", "fails")) } else { Ok(()) }
            })
        };
        let content = || {
            let container = open_container(&path, String::new(), kind).unwrap()?;
            Some(String::from_utf8(container.section("text").unwrap().read().unwrap()).unwrap())
        };
        assert_eq!(content(), None);
        put("first", true).unwrap_err();
        assert_eq!(content(), None);
        put("second", false).unwrap();
        put("third", true).unwrap_err();
        assert_eq!(content().as_deref(), Some("second"));
        put("fourth", false).unwrap();
        assert_eq!(content().as_deref(), Some("fourth"));
        assert_eq!(names(path.parent().unwrap()), ["7"]);

        let lost = folder.path().join("lost");
        assert_eq!(move_to_lost(&lost, &path).unwrap(), Some(lost.join("7.1")));
        assert_eq!(move_to_lost(&lost, &path).unwrap(), None);
        put("fifth", false).unwrap();
        assert_eq!(move_to_lost(&lost, &path).unwrap(), Some(lost.join("7.2")));
        assert_eq!(names(&lost), ["7.1", "7.2"]);
        remove(&path).unwrap();

        let left = temporary_name(&lost.join("8"));
        for path in [&left, &lost.join(".note"), &lost.join(".nfs0007")] {
            File::create(path).unwrap();
        }
        sweep(&lost);
        assert_eq!(names(&lost), [".nfs0007", ".note", "7.1", "7.2"], "only what is our own goes");
    }
}
