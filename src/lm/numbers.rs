//! `Numbers`: long lists of 32-bit numbers that stand in memory as long as there is room, and in a
//! temporary file beyond. Memory and disk are taken of their budgets before a list grows, and given back
//! when it is dropped.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

use memmap2::{MmapMut, MmapOptions};
use parking_lot::Mutex;

use crate::budget::{self, Budget, Share};
use crate::error::{Context as _, Error, ErrorKind, Result};

/// Makes a temporary file without a name.
pub type Spill = Box<dyn FnMut() -> Result<File> + Send>;

/// Bytes by which memory is taken, and a file grows.
const STEP: usize = 1 << 20;
/// Bytes of a number.
const SIZE: usize = size_of::<u32>();

/// Where lists of numbers stand: within a budget of memory, and in files beyond it. Every clone is the same.
#[derive(Clone)]
pub struct Room(Arc<Inner>);

struct Inner {
    memory: Arc<Budget>,
    /// Bytes that all lists of this room together may have in memory.
    max: u64,
    disk: Arc<Budget>,
    state: Mutex<State>,
}

struct State {
    taken: u64,
    spilled: u64,
    peak: u64,
    spill: Spill,
}

impl Room {
    /// At most `max` bytes in memory, which are taken of a budget; what goes to files of `spill` is taken of
    /// that of the disk.
    pub fn new(memory: &Arc<Budget>, max: u64, disk: &Arc<Budget>, spill: Spill) -> Self {
        let state = Mutex::new(State { taken: 0, spilled: 0, peak: 0, spill });
        let (memory, disk) = (Arc::clone(memory), Arc::clone(disk));
        Self(Arc::new(Inner { memory, max, disk, state }))
    }

    /// The most bytes of memory that were taken at once.
    pub fn peak(&self) -> u64 {
        self.0.state.lock().peak
    }

    /// Bytes that went to files, those of files that are gone too.
    pub fn spilled(&self) -> u64 {
        self.0.state.lock().spilled
    }

    /// A temporary file, whose bytes are taken of the disk's budget as they are written.
    pub(super) fn file(&self) -> Result<Scratch> {
        let file = (self.0.state.lock().spill)()?;
        Ok(Scratch { file, share: Share::of(&self.0.disk), written: 0, room: self.clone() })
    }

    /// Bytes of memory that have no place in a file.
    ///
    /// # Errors
    ///
    /// If there are not so many left.
    pub(super) fn hold(&self, bytes: u64) -> Result<Share> {
        let mut share = Share::of(&self.0.memory);
        share.grow(bytes)?;
        Ok(share)
    }

    fn take(&self, bytes: u64) -> bool {
        let mut state = self.0.state.lock();
        if state.taken + bytes > self.0.max || self.0.memory.take(bytes).is_err() {
            return false;
        }
        state.taken += bytes;
        state.peak = state.peak.max(state.taken);
        true
    }

    fn give(&self, bytes: u64) {
        self.0.state.lock().taken -= bytes;
        self.0.memory.give(bytes);
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("max", &self.0.max).finish_non_exhaustive()
    }
}

/// A temporary file and its share of the disk's budget.
pub(super) struct Scratch {
    file: File,
    share: Share,
    written: u64,
    room: Room,
}

impl Scratch {
    /// Makes the file this long, with blocks of the disk under all of it: a mapped page without one would
    /// end the process when it is written, where this is an error.
    fn reserve(&mut self, bytes: u64) -> Result<()> {
        let more = bytes.saturating_sub(self.share.bytes());
        self.share.grow(more).context(|| "lists that have no room in memory")?;
        // What failed is tried again: the file is as long as was written, whatever the share has.
        let from = self.written.min(bytes);
        budget::reserve(&self.file, from..bytes)?;
        self.written = bytes;
        self.room.0.state.lock().spilled += bytes - from;
        Ok(())
    }

    /// The file, and what it has of the budget.
    pub(super) fn into_parts(self) -> (File, Share) {
        (self.file, self.share)
    }
}

impl Write for Scratch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let end = self.written + bytes.len() as u64;
        if end > self.share.bytes() {
            let more = (end - self.share.bytes()).next_multiple_of(STEP as u64);
            // An error of ours goes through as it is.
            self.share.grow(more).map_err(io::Error::other)?;
        }
        let count = self.file.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Numbers in a row; as many as its bound allows.
pub(super) struct Numbers {
    /// Address space for all there may be. Of anonymous memory only what was written takes room.
    map: MmapMut,
    len: usize,
    /// What may be written before there must be more room.
    ready: usize,
    /// Bytes that are taken of a budget: those of `ready`, in whole steps, less those that were forgotten.
    taken: usize,
    forgotten: usize,
    max: usize,
    file: Option<Scratch>,
    room: Room,
}

impl Numbers {
    /// None yet, and at most `max`.
    pub(super) fn new(room: &Room, max: usize) -> Result<Self> {
        let options = {
            let mut options = MmapOptions::new();
            options.len(max.max(1).saturating_mul(SIZE)).no_reserve_swap();
            options
        };
        let map = options.map_anon().map_err(|cause| no_memory(cause, max))?;
        #[cfg(target_os = "linux")]
        // These are read in any order. A system that has no huge pages works as well without; a list that
        // has room for few numbers must not take one.
        if max * SIZE >= 64 << 20 {
            let _ = map.advise(memmap2::Advice::HugePage);
        }
        Ok(Self {
            map,
            len: 0,
            ready: 0,
            taken: 0,
            forgotten: 0,
            max,
            file: None,
            room: room.clone(),
        })
    }

    /// So many zeros.
    pub(super) fn zeros(room: &Room, len: usize) -> Result<Self> {
        let mut numbers = Self::new(room, len)?;
        numbers.prepare(len)?;
        numbers.len = len;
        Ok(numbers)
    }

    /// Adds a number.
    #[inline]
    pub(super) fn push(&mut self, number: u32) -> Result<()> {
        if self.len == self.ready {
            self.prepare(self.len + 1)?;
        }
        self.len += 1;
        let at = self.len - 1;
        self[at] = number;
        Ok(())
    }

    /// The last number that was added.
    pub(super) fn last_mut(&mut self) -> Option<&mut u32> {
        self.deref_mut().last_mut()
    }

    /// The same numbers again.
    pub(super) fn copied(&self, room: &Room) -> Result<Self> {
        let mut copy = Self::zeros(room, self.len)?;
        copy.copy_from_slice(self);
        Ok(copy)
    }

    /// Keeps the first numbers only, and gives back the memory of the others.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        let end = (self.len * SIZE).next_multiple_of(STEP);
        if self.file.is_none() && end < self.ready * SIZE {
            self.give(end..(self.ready * SIZE).next_multiple_of(STEP));
            self.ready = end / SIZE;
        }
    }

    /// Gives back the memory of so many of the first numbers, in whole steps: these are not asked for any more, and
    /// no number is added.
    pub(super) fn forget(&mut self, len: usize) {
        let end = (len * SIZE) / STEP * STEP;
        if self.file.is_none() && end > self.forgotten {
            self.give(self.forgotten..end);
            self.forgotten = end;
        }
    }

    /// Gives whole steps back; where the system cannot take them they stay taken.
    fn give(&mut self, bytes: Range<usize>) {
        #[cfg(unix)]
        {
            let len = bytes.end.min(self.map.len()) - bytes.start;
            let what = memmap2::UncheckedAdvice::DontNeed;
            // SAFETY: nobody looks at these numbers again before they are written anew.
            if unsafe { self.map.unchecked_advise_range(what, bytes.start, len) }.is_ok() {
                self.taken -= bytes.len();
                self.room.give(bytes.len() as u64);
            }
        }
    }

    /// Makes room for so many numbers in all.
    #[cold]
    fn prepare(&mut self, len: usize) -> Result<()> {
        if len > self.max {
            let (limit, max) = ("LM_TOKENS_MAX", self.max as u64);
            return Err(Error::new(ErrorKind::TooLarge { limit, max, got: len as u64 }));
        }
        if len <= self.ready {
            return Ok(());
        }
        let bytes = (len * SIZE).next_multiple_of(STEP);
        let more = bytes.saturating_sub(self.taken) as u64;
        if self.file.is_none() && !self.room.take(more) {
            self.move_to_file()?;
        }
        if let Some(file) = &mut self.file {
            file.reserve(bytes as u64)?;
        }
        self.taken = bytes;
        self.ready = (bytes / SIZE).min(self.max);
        Ok(())
    }

    fn move_to_file(&mut self) -> Result<()> {
        let mut scratch = self.room.file()?;
        scratch.reserve(self.taken.max(STEP) as u64)?;
        let mut options = MmapOptions::new();
        options.len(self.max.max(1).saturating_mul(SIZE).next_multiple_of(STEP));
        // SAFETY: the file has no name, so nobody else changes it or makes it shorter; what is behind its
        // end is not touched before it has grown.
        let mut map = unsafe { options.map_mut(&scratch.file) }
            .map_err(|cause| no_memory(cause, self.max))?;
        let bytes = self.ready * SIZE;
        map[..bytes].copy_from_slice(&self.map[..bytes]);
        self.room.give(self.taken as u64);
        (self.map, self.file) = (map, Some(scratch));
        Ok(())
    }
}

fn no_memory(cause: io::Error, max: usize) -> Error {
    let got = max.saturating_mul(SIZE) as u64;
    let kind = ErrorKind::TooLarge { limit: "the memory", max: isize::MAX as u64, got };
    Error::caused(kind, cause)
}

impl Deref for Numbers {
    type Target = [u32];

    #[inline]
    fn deref(&self) -> &[u32] {
        // SAFETY: the mapping begins at a page, has room for `max` numbers of which `len` were made ready,
        // and any bits are a number.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Numbers {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u32] {
        // SAFETY: as above, and nobody else has the mapping.
        unsafe { std::slice::from_raw_parts_mut(self.map.as_mut_ptr().cast(), self.len) }
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        if self.file.is_none() {
            self.room.give(self.taken as u64);
        }
    }
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Numbers");
        shown.field("len", &self.len).field("in_file", &self.file.is_some()).finish_non_exhaustive()
    }
}

/// A count or a place as a number of a list: lists are too short for larger ones.
#[inline]
pub(super) fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// In single precision.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "models are in single precision")]
pub(super) fn single(number: f64) -> f32 {
    number as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(memory: &Arc<Budget>, disk: &Arc<Budget>) -> Room {
        let spill = || tempfile::tempfile().map_err(Error::disk);
        Room::new(memory, STEP as u64, disk, Box::new(spill))
    }

    #[test]
    fn budgets_are_asked_before_a_list_grows_and_have_all_back_after_it() {
        let memory = Arc::new(Budget::new("job-memory", 1 << 30));
        let disk = Arc::new(Budget::new("spool-max", 4 * STEP as u64));
        let room = room(&memory, &disk);
        let mut list = Numbers::new(&room, 8 * STEP / SIZE).unwrap();
        let mut pushed = 0;
        let error = loop {
            match list.push(pushed) {
                Ok(()) => pushed += 1,
                Err(error) => break error,
            }
        };
        // Four steps in a file, and none in memory any more.
        assert!(error.to_string().contains("spool-max"), "{error}");
        assert_eq!(pushed as usize, 4 * STEP / SIZE);
        assert_eq!((memory.used(), disk.used(), room.spilled()), (0, disk.max(), disk.max()));
        assert!(list.iter().enumerate().all(|(at, &number)| small(at) == number));
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let told = list.file.as_ref().unwrap().file.metadata().unwrap();
            assert_eq!(told.len(), disk.max());
            assert!(told.blocks() * 512 >= disk.max(), "pages without blocks end the process");
        }
        drop(list);
        assert_eq!((memory.used(), disk.used()), (0, 0));
        let error = Numbers::zeros(&room, 8 * STEP).unwrap_err().to_string();
        assert!(error.contains("spool-max") && disk.used() == 0, "{error}");
        let mut few = Numbers::new(&room, 3).unwrap();
        for number in 0..3 {
            few.push(number).unwrap();
        }
        assert!(few.push(3).unwrap_err().to_string().contains("LM_TOKENS_MAX"));
    }

    #[test]
    fn a_disk_that_cannot_be_had_is_an_error() {
        let budget = Arc::new(Budget::new("job-memory", 1 << 30));
        // Nothing can be written to a file that is open for reading alone, as to a full disk.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("read");
        File::create(&path).unwrap();
        let spill = move || File::open(&path).map_err(Error::disk);
        let room = Room::new(&budget, 0, &budget, Box::new(spill));
        assert!(Numbers::zeros(&room, 9).is_err());
        assert_eq!(budget.used(), 0);
    }
}
