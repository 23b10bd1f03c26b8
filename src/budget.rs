//! `Budget`: how much memory or disk all work may take together, counted as it is taken.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorKind, Result};

/// Bytes that are shared by all who take of them.
#[derive(Debug)]
pub struct Budget {
    /// The option that sets it, as the error of who takes too much names it.
    name: &'static str,
    max: u64,
    used: AtomicU64,
    /// A folder, and the bytes that its disk must have left for others.
    reserve: Option<(PathBuf, u64)>,
}

impl Budget {
    /// This many bytes, set by the option of this name.
    pub fn new(name: &'static str, max: u64) -> Self {
        Self { name, max, used: AtomicU64::new(0), reserve: None }
    }

    /// The same, of a folder's disk, of which so many bytes stay free.
    #[must_use]
    pub fn on_disk(self, folder: PathBuf, left: u64) -> Self {
        Self { reserve: Some((folder, left)), ..self }
    }

    /// The most that may be taken.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// What is taken now.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes bytes that are given back by [`Budget::give`].
    ///
    /// # Errors
    ///
    /// `TooLarge` with the budget's name if there are fewer left, or with `DISK_LEFT_BYTES` if the disk
    /// would have too few left.
    pub fn take(&self, bytes: u64) -> Result<()> {
        // Nothing is taken that has no room: what is refused refuses nothing else.
        let more = |used: u64| used.checked_add(bytes).filter(|&sum| sum <= self.max);
        if let Err(used) = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            let (limit, max, got) = (self.name, self.max, used.saturating_add(bytes));
            let taken = "what is taken by all work together";
            return Err(Error::new(ErrorKind::TooLarge { limit, max, got }).context(taken));
        }
        self.check_disk(bytes).inspect_err(|_| self.give(bytes))
    }

    /// Counts bytes that are there already.
    pub fn add(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives bytes back.
    pub fn give(&self, bytes: u64) {
        // Never below 0: files may be removed by others than us.
        let less = |used: u64| Some(used.saturating_sub(bytes));
        let _ = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    fn check_disk(&self, bytes: u64) -> Result<()> {
        let Some((folder, left)) = &self.reserve else { return Ok(()) };
        // What the disk does not tell does not stop anybody.
        let Some(free) = free_bytes(folder) else { return Ok(()) };
        if free >= left.saturating_add(bytes) {
            return Ok(());
        }
        let (limit, max) = ("DISK_LEFT_BYTES", free.saturating_sub(*left));
        let error = Error::new(ErrorKind::TooLarge { limit, max, got: bytes });
        Err(error.context(format!("{left} bytes of the disk of {} stay free", folder.display())))
    }
}

/// A part of a budget, given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Share {
    /// Nothing yet.
    pub fn of(budget: &Arc<Budget>) -> Self {
        Self { budget: Arc::clone(budget), bytes: 0 }
    }

    /// How much it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes so many bytes more.
    ///
    /// # Errors
    ///
    /// As [`Budget::take`].
    pub fn grow(&mut self, bytes: u64) -> Result<()> {
        self.budget.take(bytes)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.give(self.bytes);
    }
}

/// Bytes of the disk of a folder that this process may still fill; none where the system does not tell.
#[cfg(unix)]
pub fn free_bytes(folder: &std::path::Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// See above.
#[cfg(not(unix))]
pub fn free_bytes(_: &std::path::Path) -> Option<u64> {
    None
}

/// Makes a file longer, to the end of a range that begins at its end, with blocks of the disk under the whole
/// range, which is zeros then.
///
/// # Errors
///
/// `DiskFull` if there are not so many blocks, or if the disk fails.
pub fn reserve(file: &File, range: Range<u64>) -> Result<()> {
    if range.is_empty() {
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        loop {
            let length = range.end - range.start;
            match fallocate(file, FallocateFlags::empty(), range.start, length) {
                Ok(()) => return Ok(()),
                Err(Errno::INTR) => {}
                // Not every file system has it.
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => break,
                Err(error) => return Err(Error::disk(error.into())),
            }
        }
    }
    let (zeros, mut file) = (vec![0; 1 << 20], file);
    file.seek(SeekFrom::Start(range.start)).map_err(Error::disk)?;
    let mut left = range.end - range.start;
    while left > 0 {
        let part = usize::try_from(left).map_or(zeros.len(), |left| left.min(zeros.len()));
        file.write_all(&zeros[..part]).map_err(Error::disk)?;
        left -= part as u64;
    }
    Ok(())
}

/// Bytes of memory that this process may use: what its control group or the machine has; none where the
/// system does not tell.
pub fn memory_bytes() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let machine = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kibibytes.checked_mul(1_024)
    });
    let groups = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let group = groups.into_iter().find_map(|path| read(path)?.trim().parse::<u64>().ok());
    machine.into_iter().chain(group).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_bounded_and_comes_back() {
        let budget = Arc::new(Budget::new("job-memory", 100));
        let mut share = Share::of(&budget);
        share.grow(60).unwrap();
        let error = Share::of(&budget).grow(41).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TooLarge { limit: "job-memory", .. }), "{error}");
        assert_eq!((budget.used(), budget.max(), share.bytes()), (60, 100, 60));
        share.grow(40).unwrap();
        drop(share);
        assert_eq!(budget.used(), 0);
        let disk = Budget::new("spool-max", u64::MAX).on_disk(std::env::temp_dir(), u64::MAX / 2);
        #[cfg(unix)]
        assert!(disk.take(1).unwrap_err().to_string().contains("DISK_LEFT_BYTES"));
        assert_eq!(disk.used(), 0);
    }
}
