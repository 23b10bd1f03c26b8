//! Sled: how it is opened, made durable and looked at from outside. Only this file syncs its files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::ledger::Digests;
use crate::store::{blob, fault};

/// Sled reuses the room of whole segments; a page of more than a quarter of one goes into a file of
/// its own, which costs an fsync. Records here have some hundred bytes, parts of writes 16 KiB.
const SEGMENT_BYTES: usize = 1 << 20;
/// What the journal holds is read once, when its table is.
const CACHE_BYTES: u64 = 8 << 20;
/// The file that sled locks.
const LOCKED: &str = "db";
/// How long sled may take to close in threads of its own.
const CLOSING_MAX: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// How long a flush may take before another one follows, and the next after twice that; and how many,
/// which take minutes together.
const FLUSHING: Duration = Duration::from_millis(100);
const FLUSHES: usize = 11;
/// Bytes of a file that are written again at once.
const REWRITTEN_AT_ONCE: usize = 256 << 10;
/// How the name of a snapshot ends that sled did not complete. It would take it for the newest.
const INCOMPLETE: &str = ".generating";

/// The open key-value store.
pub(super) struct Kv {
    pub(super) catalog: sled::Tree,
    pub(super) journal: sled::Tree,
    db: sled::Db,
    folder: PathBuf,
    /// Files as they were when they were synced last.
    synced: Mutex<BTreeMap<PathBuf, (u64, SystemTime)>>,
}

impl Kv {
    /// Opens the key-value store of this folder, which is made if it is missing.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let opening = || format!("opening {}", folder.display());
        blob::make_folder(folder).map_err(Error::disk).context(opening)?;
        remove_incomplete(folder)?;
        let config = || {
            sled::Config::new()
                .path(folder)
                .segment_size(SEGMENT_BYTES)
                .cache_capacity(CACHE_BYTES)
                .use_compression(false)
                // Nothing is acknowledged before it was flushed and synced here.
                .flush_every_ms(None)
        };
        wait_until_free(folder)?;
        let db = fault::guarded(|| folder.display().to_string(), || config().open())?;
        let tree = |name: &str| {
            let what = || format!("{}, tree \"{name}\"", folder.display());
            fault::guarded(what, || db.open_tree(name))
        };
        let (catalog, journal) = (tree("catalog")?, tree("journal")?);
        let (folder, synced) = (folder.to_path_buf(), Mutex::default());
        let kv = Self { catalog, journal, db, folder, synced };
        kv.make_durable()?;
        Ok(kv)
    }

    /// A tree that an older format of the folder had.
    pub(super) fn tree(&self, name: &str) -> Result<sled::Tree> {
        fault::guarded(|| format!("tree \"{name}\""), || self.db.open_tree(name))
    }

    /// Removes such a tree.
    pub(super) fn drop_tree(&self, name: &str) -> Result<()> {
        fault::guarded(|| format!("tree \"{name}\""), || self.db.drop_tree(name)).map(drop)
    }

    /// Everything written so far survives a power cut once this returns.
    pub(super) fn make_durable(&self) -> Result<()> {
        self.flush()?;
        let syncing = || format!("syncing {} to the disk", self.folder.display());
        self.sync().map_err(Error::disk).context(syncing)
    }

    /// Everything written so far is with the operating system.
    ///
    /// Where the write of another thread fails, sled keeps the error and may wake nobody who waits for that
    /// write (`Log::exit_reservation` of sled 0.34.7). Whoever flushes next finds the error and wakes all,
    /// so one who waits long is followed by others, each on a thread of its own.
    pub(super) fn flush(&self) -> Result<()> {
        let what = || self.folder.display().to_string();
        let (done, flushed) = mpsc::channel();
        let mut patience = FLUSHING;
        for _ in 0..FLUSHES {
            let (db, done, named) = (self.db.clone(), done.clone(), what());
            let flush = move || {
                let result = fault::guarded(|| named, move || db.flush()).map(drop);
                // Ignore: another one was faster.
                let _ = done.send(result);
            };
            let spawned = thread::Builder::new().name("sled-flush".to_owned()).spawn(flush);
            spawned.map_err(Error::disk).context(what)?;
            if let Ok(result) = flushed.recv_timeout(patience) {
                return result;
            }
            patience *= 2;
        }
        Err(Error::new(ErrorKind::Storage).context(format!("{}: sled does not answer", what())))
    }

    /// Sled's flush leaves data in the disk's cache, and sizes and names unwritten: this does the
    /// rest, for every file that changed.
    fn sync(&self) -> io::Result<()> {
        let mut synced = self.synced.lock();
        let mut now = BTreeMap::new();
        for folder in [self.folder.clone(), self.folder.join("blobs")] {
            let is_known = sync_files(&folder, &synced, &mut now)?;
            if !is_known {
                blob::sync_folder(&folder)?;
            }
        }
        *synced = now;
        Ok(())
    }

    /// Closes it, and waits until its files are as they stay.
    pub(super) fn close(self) -> Result<()> {
        let folder = self.folder.clone();
        // Sled flushes what is left when it closes, and would wait there for ever.
        if let Err(error) = self.flush() {
            tracing::warn!(?error, "what is not flushed when sled closes is not acknowledged");
        }
        // It may panic where a write of its own had failed.
        let what = || folder.display().to_string();
        fault::guarded(what, || {
            drop(self);
            Ok(())
        })?;
        wait_until_free(&folder)
    }
}

/// Syncs what changed in a folder; whether its names are those that were synced before.
fn sync_files(
    folder: &Path,
    before: &BTreeMap<PathBuf, (u64, SystemTime)>,
    now: &mut BTreeMap<PathBuf, (u64, SystemTime)>,
) -> io::Result<bool> {
    let mut count = 0;
    let mut is_known = true;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let is_log = path.file_name().is_some_and(|name| name == LOCKED);
        // Sled's threads remove files that are outdated.
        let synced = entry.metadata().and_then(|metadata| {
            if metadata.is_dir() {
                return Ok(None);
            }
            let state = (metadata.len(), metadata.modified()?);
            // Times are too coarse for the file that each write changes.
            if is_log || before.get(&path) != Some(&state) {
                File::open(&path)?.sync_data()?;
            }
            Ok(Some(state))
        });
        match synced {
            Ok(Some(state)) => {
                is_known &= before.contains_key(&path);
                count += 1;
                now.insert(path, state);
            }
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    let known = before.keys().filter(|path| path.parent() == Some(folder)).count();
    Ok(is_known && known == count)
}

/// Makes the files of a closed key-value store durable.
pub(super) fn sync_closed(folder: &Path) -> Result<()> {
    let sync = || {
        for folder in [folder.to_path_buf(), folder.join("blobs")] {
            if folder.is_dir() {
                sync_files(&folder, &BTreeMap::new(), &mut BTreeMap::new())?;
                blob::sync_folder(&folder)?;
            }
        }
        Ok(())
    };
    sync().map_err(Error::disk).context(|| format!("syncing {}", folder.display()))
}

/// What every file of a closed key-value store holds.
pub(super) fn digests(folder: &Path) -> Result<Digests> {
    let mut digests = Digests::new();
    digest_files(folder, "", &mut digests)
        .map_err(Error::disk)
        .context(|| format!("reading {}", folder.display()))?;
    Ok(digests)
}

fn digest_files(folder: &Path, prefix: &str, digests: &mut Digests) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            digest_files(&entry.path(), &format!("{name}/"), digests)?;
        } else if !name.ends_with(INCOMPLETE) {
            let mut hasher = blake3::Hasher::new();
            io::copy(&mut File::open(entry.path())?, &mut hasher)?;
            digests.insert(name, *hasher.finalize().as_bytes());
        }
    }
    Ok(())
}

/// The file that differs first between two states of the key-value store.
pub(super) fn changed(before: &Digests, now: &Digests) -> Option<String> {
    let names = before.keys().chain(now.keys());
    names.filter(|name| before.get(*name) != now.get(*name)).min().cloned()
}

/// Writes every file of a closed key-value store again. After a sync that failed, be it one of sled's own,
/// the system may take for written what it has only in memory: such a file reads well until the power
/// goes. Each byte is written where it stands, so a full disk has room for it, and who is killed
/// meanwhile has lost nothing.
pub(super) fn rewrite(folder: &Path) -> Result<()> {
    for folder in [folder.to_path_buf(), folder.join("blobs")] {
        for path in blob::list(&folder)?.into_iter().filter(|path| path.is_file()) {
            let writing = || format!("writing {} again", path.display());
            rewrite_file(&path).map_err(Error::disk).context(writing)?;
        }
    }
    sync_closed(folder)
}

fn rewrite_file(path: &Path) -> io::Result<()> {
    let mut from = File::open(path)?;
    let mut to = File::options().write(true).open(path)?;
    let mut bytes = vec![0; REWRITTEN_AT_ONCE];
    // Not `io::copy`, which may have the system copy, and so write nothing.
    loop {
        match from.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(count) => to.write_all(&bytes[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Copies a closed key-value store to where it can be opened without changing it.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    let copying = || format!("copying {} to {}", from.display(), to.display());
    blob::make_folder(to).map_err(Error::disk).context(copying)?;
    for path in blob::list(from)? {
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target).map_err(Error::disk).context(copying)?;
        }
    }
    Ok(())
}

/// A copy of a closed key-value store, which can be read without changing what was copied. Gone when
/// dropped.
pub(super) struct Trial {
    /// None before it is opened.
    kv: Option<Kv>,
    folder: PathBuf,
}

impl Trial {
    /// Copies the store, in place of what a killed process left there.
    pub(super) fn open(store: &Path, folder: &Path) -> Result<Self> {
        blob::remove_folder(folder)?;
        let mut trial = Self { kv: None, folder: folder.to_path_buf() };
        copy(store, folder)?;
        trial.kv = Some(Kv::open(folder)?);
        Ok(trial)
    }

    pub(super) fn kv(&self) -> &Kv {
        self.kv.as_ref().expect("it was opened when it was made")
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let closed = self.kv.take().map_or(Ok(()), Kv::close);
        if let Err(error) = closed.and_then(|()| blob::remove_folder(&self.folder)) {
            tracing::warn!(?error, "a copy that nobody needs stays");
        }
    }
}

/// A crash or a full disk leaves such files, of which nothing is needed.
fn remove_incomplete(folder: &Path) -> Result<()> {
    blob::list(folder)?
        .iter()
        .filter(|path| path.to_string_lossy().ends_with(INCOMPLETE))
        .try_for_each(|path| blob::remove(path))
}

/// Waits until nobody has sled's own lock. This process has the lock of the data folder, so it is a
/// thread of its own, which still closes the store that it had open before; or somebody removed
/// the folder's lock.
fn wait_until_free(folder: &Path) -> Result<()> {
    let locked = folder.join(LOCKED);
    let locking = || format!("locking {}", locked.display());
    let file = match File::open(&locked) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::disk(error).context(locking())),
    };
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return file.unlock().map_err(Error::disk).context(locking),
            Err(fs::TryLockError::WouldBlock) if began.elapsed() < CLOSING_MAX => {
                thread::sleep(LOOK_AGAIN);
            }
            Err(fs::TryLockError::WouldBlock) => return Err(in_use()),
            Err(fs::TryLockError::Error(error)) => {
                return Err(Error::disk(error).context(locking()));
            }
        }
    }
}

/// The error of a folder that another process has open.
pub(super) fn in_use() -> Error {
    let because = "another wordspace is using this folder; stop that one, or use another folder";
    Error::new(ErrorKind::Unsuited { operation: "locking", because: because.to_owned() })
}
