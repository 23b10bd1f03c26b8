//! The data folder: its lock, its making, its format version, how sled is set up.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::{blob, fault, writer};

/// The folder of tables in the data folder.
pub(super) const STORE: &str = "store";
/// The folder of graphs in the data folder.
pub(super) const INDEX: &str = "index";
/// The folder of tokenizers in the data folder.
pub(super) const TOKENIZERS: &str = "tokenizers";
/// The folder of test sets in the data folder.
pub(super) const TEST_SETS: &str = "test-sets";
/// How the names of graphs end.
pub(super) const GRAPH: &str = "graph";
/// The folder of sub-words in the data folder.
pub(super) const SUBWORDS: &str = "subwords";
/// The folder of vectors in the data folder.
pub(super) const VECTORS: &str = "vectors";
/// How the names of files of vectors end.
pub(super) const FLOATS: &str = "f32";
/// The folder of what transformers add to tokens, in the data folder.
pub(super) const INPUTS: &str = "inputs";
/// How the names of its files end.
pub(super) const TABLES: &str = "tables";
/// The folder of files that arrive in pieces.
pub(super) const UPLOADS: &str = "uploads";
/// How the names of files of sub-words end.
pub(super) const BUCKETS: &str = "buckets";

const STORE_IN_THE_MAKING: &str = "store.new";
const FORMAT: &str = "format";
const FORMAT_TEXT: &str = "wordspace data folder, format ";
const FORMAT_VERSION: u32 = 2;
/// It had vectors in sled, which are still read; what is written since is of this version.
const FORMAT_BEFORE: u32 = 1;

/// Sled reuses the room of whole segments; a page of more than a quarter of one goes into a file of
/// its own, which costs an fsync. Pages here are 9 to 16 records of some 6 KB, or parts of writes of
/// 16 KiB.
const SEGMENT_BYTES: usize = 1 << 20;
/// A table is read once and then kept in memory by others.
const CACHE_BYTES: u64 = 8 << 20;

/// Nobody else opens the folder while this lives.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    released: Released,
}

impl Lock {
    pub(super) fn released(&self) -> Released {
        self.released.clone()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a program that is being started right now holds the file as well.
        // What cannot be unlocked is unlocked by that program's start.
        let _ = self.file.unlock();
        let (is_released, changed) = &*self.released.0;
        *is_released.lock() = true;
        changed.notify_all();
    }
}

/// Whether a data folder may be opened again.
#[derive(Clone, Debug, Default)]
pub struct Released(Arc<(Mutex<bool>, Condvar)>);

impl Released {
    /// Waits until the last clone of the store, and all that was lent from it, is dropped.
    pub fn wait(&self) {
        let (is_released, changed) = &*self.0;
        let mut is_released = is_released.lock();
        while !*is_released {
            changed.wait(&mut is_released);
        }
    }
}

/// Locks the folder, makes it if it is not there, checks its format, and opens sled.
pub(super) fn open(folder: &Path) -> Result<(Lock, sled::Db)> {
    let opening = || format!("opening the data folder {}", folder.display());
    blob::make_folder(folder).map_err(Error::disk).context(opening)?;
    let lock = lock(folder).context(opening)?;
    let store = folder.join(STORE);
    if !store.try_exists().map_err(Error::disk).context(opening)? {
        make(folder).context(opening)?;
    }
    check_format(&store)?;
    Ok((lock, open_sled(&store)?))
}

fn lock(folder: &Path) -> Result<Lock> {
    let path = folder.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(Error::disk)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { file, released: Released::default() }),
        Err(TryLockError::WouldBlock) => {
            let because = "another wordspace is using this folder; stop that one, or use another \
                           folder"
                .to_owned();
            Err(Error::new(ErrorKind::Unsuited { operation: "locking", because }))
        }
        Err(TryLockError::Error(error)) => Err(Error::disk(error)),
    }
}

/// Makes the folder of tables aside, whole and durable, and renames it. Sled's own first files can
/// be torn by a crash; these are then thrown away, and have never held a row.
fn make(folder: &Path) -> Result<()> {
    let making = folder.join(STORE_IN_THE_MAKING);
    match fs::remove_dir_all(&making) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::disk(error)),
        Ok(()) | Err(_) => {}
    }
    let db = open_sled(&making)?;
    writer::first_records(&db, &making)?;
    drop(db);
    write_format(&making)?;
    fs::rename(&making, folder.join(STORE)).map_err(Error::disk)?;
    blob::sync_folder(folder).map_err(Error::disk)
}

fn write_format(store: &Path) -> Result<()> {
    let text = format!("{FORMAT_TEXT}{FORMAT_VERSION}\n");
    blob::publish(&store.join(FORMAT), |file| file.write_all(text.as_bytes()).map_err(Error::disk))
}

fn check_format(store: &Path) -> Result<()> {
    let path = store.join(FORMAT);
    let what = || path.display().to_string();
    let text = match fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Error::disk(error).context(format!("reading {}", what()))),
    };
    let number = text.strip_prefix(FORMAT_TEXT).and_then(|rest| rest.strip_suffix('\n'));
    match number.and_then(|number| number.parse().ok()) {
        Some(FORMAT_VERSION) => Ok(()),
        // So that programs which know no other version refuse what comes.
        Some(FORMAT_BEFORE) => write_format(store),
        Some(got) => {
            let (what, expected) = (what(), FORMAT_VERSION);
            Err(Error::new(ErrorKind::ForeignVersion { what, expected, got }))
        }
        None => Err(Error::new(fault::damage(what(), fault::RESTORE))),
    }
}

/// The file that sled locks.
const SLED_LOCKED: &str = "db";

fn open_sled(store: &Path) -> Result<sled::Db> {
    let config = || {
        sled::Config::new()
            .path(store)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(CACHE_BYTES)
            .use_compression(false)
            // Nothing is acknowledged before `writer` flushed it.
            .flush_every_ms(None)
    };
    let sleds_own = store.join(SLED_LOCKED);
    wait_until_free(&sleds_own).context(|| format!("locking {}", sleds_own.display()))?;
    fault::guarded(|| store.display().to_string(), || config().open())
}

/// Waits until nobody has sled's own lock. This process has the lock of the data folder, so it can
/// only be a thread of its own, which still closes the store that it had open before.
fn wait_until_free(locked: &Path) -> Result<()> {
    match File::open(locked) {
        Ok(file) => file.lock().and_then(|()| file.unlock()).map_err(Error::disk),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::disk(error)),
    }
}

/// Removes files whose number is not live, and those that were never completed.
pub(super) fn sweep_files(folder: &Path, extension: &str, live: &BTreeSet<u64>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let is_one = path.extension().is_some_and(|found| found == extension);
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        let is_dead = is_one && number.is_some_and(|number| !live.contains(&number));
        if (is_dead || blob::is_temporary(&path))
            && let Err(error) = blob::remove(&path)
        {
            tracing::warn!(?error, "a left-over file stays");
        }
    }
}

/// Bytes of all files in a folder and below.
pub(super) fn bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let bytes_of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.filter_map(|entry| Some(bytes_of(entry.ok()?))).sum()
}
