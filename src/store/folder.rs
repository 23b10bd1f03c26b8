//! The data folder: its lock, its format version, where things are.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::{blob, fault, kv};

/// The key-value store.
pub(super) const STORE: &str = "store";
/// The ledger.
pub(super) const LEDGER: &str = "ledger";
/// A folder a generation.
pub(super) const GENERATIONS: &str = "generations";
/// Things that are named and stored whole.
pub(super) const SHELF: &str = "shelf";
/// What no catalog names.
pub(super) const LOST: &str = "lost";
/// Files that arrive in pieces.
pub(super) const UPLOADS: &str = "uploads";
/// Where trainings stand.
pub(super) const TRAININGS: &str = "trainings";
/// What the folder is called where it is published.
pub(super) const PUBLISHER: &str = "publisher";
/// What is known of the location that the folder follows.
pub(super) const FOLLOWED: &str = "followed";
/// A copy of the key-value store that is looked at and thrown away.
pub(super) const TRIAL: &str = "store.trial";
/// What a recovery makes before it changes the names.
pub(super) const RECOVERY: &str = "recovery";
/// Room that a full disk has for what makes room.
const RESERVE: &str = "reserve";
const RESERVE_BYTES: usize = 2 << 20;

const FORMAT: &str = "format";
const FORMAT_TEXT: &str = "wordspace data folder, format ";
/// The version that this program makes.
pub(super) const VERSION: u32 = 3;

/// Nobody else opens the folder while this lives.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    released: Released,
}

impl Lock {
    /// Locks a folder, which is made if it is missing.
    pub(super) fn take(folder: &Path) -> Result<Self> {
        let opening = || format!("opening the data folder {}", folder.display());
        blob::make_folder(folder).map_err(Error::disk).context(opening)?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(folder.join("lock")).map_err(Error::disk).context(opening)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, released: Released::default() }),
            Err(TryLockError::WouldBlock) => Err(kv::in_use()),
            Err(TryLockError::Error(error)) => Err(Error::disk(error)),
        }
        .context(opening)
    }

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

/// The folder of a generation.
pub(super) fn generation(folder: &Path, generation: u64) -> PathBuf {
    folder.join(GENERATIONS).join(generation.to_string())
}

/// The numbers of the generations that have a folder, in order.
pub(super) fn generations(folder: &Path) -> Result<Vec<u64>> {
    let paths = blob::list(&folder.join(GENERATIONS))?;
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse().ok();
    let mut numbers: Vec<u64> = paths.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The format version that the key-value store's folder tells; none if it tells none.
pub(super) fn version(folder: &Path) -> Result<Option<u32>> {
    let path = folder.join(STORE).join(FORMAT);
    let text = match fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::disk(error).context(format!("reading {}", path.display()))),
    };
    let number = text.strip_prefix(FORMAT_TEXT).and_then(|rest| rest.strip_suffix('\n'));
    match number.and_then(|number| number.parse().ok()) {
        Some(got) if got > VERSION => {
            let (what, expected) = (path.display().to_string(), VERSION);
            Err(Error::new(ErrorKind::ForeignVersion { what, expected, got }))
        }
        Some(version) => Ok(Some(version)),
        None => Err(Error::new(fault::damage(path.display().to_string(), fault::RECOVER))),
    }
}

/// Says that the key-value store in this folder is of this format, so that programs which know no
/// other version refuse it.
pub(super) fn write_version(store: &Path) -> Result<()> {
    blob::publish(&store.join(FORMAT), format!("{FORMAT_TEXT}{VERSION}\n").as_bytes())
}

/// Sets room aside, if there is some.
pub(super) fn reserve(folder: &Path) {
    let path = folder.join(RESERVE);
    let is_there = fs::metadata(&path).is_ok_and(|file| file.len() == RESERVE_BYTES as u64);
    if !is_there && let Err(error) = blob::publish(&path, &vec![0; RESERVE_BYTES]) {
        tracing::warn!(?error, "no room could be set aside for deletions on a full disk");
    }
}

/// Gives the room back; whether there was some.
pub(super) fn release(folder: &Path) -> bool {
    let path = folder.join(RESERVE);
    path.exists() && blob::remove(&path).is_ok()
}
