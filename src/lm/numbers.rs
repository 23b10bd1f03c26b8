//! `Numbers`: long lists of 32-bit numbers that stand in memory as long as there is room, and in a
//! temporary file beyond.

use std::fmt;
use std::fs::File;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use memmap2::{MmapMut, MmapOptions};
use parking_lot::Mutex;

use crate::budget::{Budget, Share};
use crate::error::{Error, ErrorKind, Result};

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
    state: Mutex<State>,
}

struct State {
    taken: u64,
    spilled: u64,
    /// Bytes of files that are there now.
    on_disk: u64,
    peak: u64,
    spill: Spill,
}

impl Room {
    /// At most `max` bytes in memory, which are taken of a budget.
    pub fn new(memory: &Arc<Budget>, max: u64, spill: Spill) -> Self {
        let state = Mutex::new(State { taken: 0, spilled: 0, on_disk: 0, peak: 0, spill });
        Self(Arc::new(Inner { memory: Arc::clone(memory), max, state }))
    }

    /// The most bytes of memory that were taken at once.
    pub fn peak(&self) -> u64 {
        self.0.state.lock().peak
    }

    /// Bytes that went to files.
    pub fn spilled(&self) -> u64 {
        self.0.state.lock().spilled
    }

    /// A temporary file.
    ///
    /// # Errors
    ///
    /// If there is none to be had.
    pub fn file(&self) -> Result<File> {
        (self.0.state.lock().spill)()
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

    /// Bytes of files that are there now, but those of [`Room::file`].
    pub fn on_disk(&self) -> u64 {
        self.0.state.lock().on_disk
    }

    fn spill(&self, bytes: u64) {
        let mut state = self.0.state.lock();
        state.spilled += bytes;
        state.on_disk += bytes;
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

/// Numbers in a row; as many as its bound allows.
pub(super) struct Numbers {
    /// Address space for all there may be. Of anonymous memory only what was written takes room.
    map: MmapMut,
    len: usize,
    /// What may be written before there must be more room.
    ready: usize,
    max: usize,
    file: Option<File>,
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
        Ok(Self { map, len: 0, ready: 0, max, file: None, room: room.clone() })
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

    /// Keeps the first numbers only.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
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
        let more = (bytes - self.ready * SIZE) as u64;
        if self.file.is_none() && !self.room.take(more) {
            self.move_to_file()?;
        }
        if let Some(file) = &self.file {
            file.set_len(bytes as u64).map_err(Error::disk)?;
            self.room.spill(more);
        }
        self.ready = bytes / SIZE;
        Ok(())
    }

    fn move_to_file(&mut self) -> Result<()> {
        let file = (self.room.0.state.lock().spill)()?;
        let bytes = self.ready * SIZE;
        file.set_len(bytes.max(STEP) as u64).map_err(Error::disk)?;
        let mut options = MmapOptions::new();
        options.len(self.max.max(1).saturating_mul(SIZE).next_multiple_of(STEP));
        // SAFETY: the file has no name, so nobody else changes it or makes it shorter; what is behind its
        // end is not touched before it has grown.
        let mut map =
            unsafe { options.map_mut(&file) }.map_err(|cause| no_memory(cause, self.max))?;
        map[..bytes].copy_from_slice(&self.map[..bytes]);
        self.room.give(bytes as u64);
        self.room.spill(bytes as u64);
        (self.map, self.file) = (map, Some(file));
        Ok(())
    }
}

fn no_memory(cause: std::io::Error, max: usize) -> Error {
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
        let bytes = (self.ready * SIZE) as u64;
        if self.file.is_none() {
            self.room.give(bytes);
        } else {
            self.room.0.state.lock().on_disk -= bytes;
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
