//! Sections of a mapped model: bytes that are read as numbers where they lie, and verified chunk by chunk when
//! they are first needed.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use memmap2::{Mmap, MmapMut};

use crate::container::{Container, Kind, Source};
use crate::error::{Error, ErrorKind, Result};

/// Bytes of a chunk of a table: what is verified at once.
pub(super) const CHUNK: u32 = 64 << 10;
/// Numbers of a line: a line of the processor's cache.
pub(super) const LINE: usize = 16;
/// A line of a table.
pub(super) type Line = [u32; LINE];

/// Lines of a chunk, as a power of two.
const LINES_SHIFT: u32 = CHUNK.ilog2() - 6;

/// A mapped file. What is verified is read, and not taken of the mapping: a sector that cannot be read is an
/// error then. The system keeps what was read for the mapping; if it drops a page later and cannot read it again, the
/// mapping ends the process, as any mapping does.
#[derive(Clone)]
pub(super) struct Mapped {
    map: Arc<Mmap>,
    /// None of bytes in memory.
    file: Option<Arc<File>>,
}

impl Mapped {
    pub(super) fn file(file: &File) -> Result<Self> {
        // SAFETY: files of models are never changed: a new one takes the name of an old one.
        let map = unsafe { Mmap::map(file) }.map_err(Error::disk)?;
        #[cfg(unix)]
        // Lines are read in any order. A system that cannot know works as well.
        let _ = map.advise(memmap2::Advice::Random);
        let file = Arc::new(file.try_clone().map_err(Error::disk)?);
        Ok(Self { map: Arc::new(map), file: Some(file) })
    }

    /// The same bytes in memory of their own, in large pages where there are any.
    pub(super) fn resident(bytes: &[u8]) -> Result<Self> {
        let no_memory = |cause| {
            let (max, got) = (isize::MAX as u64, bytes.len() as u64);
            Error::caused(ErrorKind::TooLarge { limit: "the memory", max, got }, cause)
        };
        let mut map = MmapMut::map_anon(bytes.len().max(1)).map_err(no_memory)?;
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        map[..bytes.len()].copy_from_slice(bytes);
        let map = map.make_read_only().map_err(no_memory)?;
        Ok(Self { map: Arc::new(map), file: None })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.map
    }

    pub(super) fn container(&self, name: String, kind: Kind) -> Result<Container> {
        Container::open(self.clone(), name, kind)
    }
}

impl Source for Mapped {
    fn length(&self) -> std::io::Result<u64> {
        Ok(self.map.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> std::io::Result<()> {
        if let Some(file) = &self.file {
            return file.read_at(buffer, at);
        }
        let from = usize::try_from(at).ok();
        let bytes = from.and_then(|from| self.map.get(from..)?.get(..buffer.len()));
        buffer.copy_from_slice(bytes.ok_or(std::io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A section of a mapped file.
pub(super) struct Part {
    map: Mapped,
    range: Range<usize>,
    checksums: Box<[u32]>,
    /// For each chunk whether it was verified.
    seen: Box<[AtomicU8]>,
    chunk: usize,
    name: String,
    advice: &'static str,
}

impl Part {
    /// A section of a container that lies in `map`.
    pub(super) fn new(map: &Mapped, of: &Container, name: &str, kind: Kind) -> Result<Self> {
        let section = of.section(name)?;
        let range = section.range();
        let (chunk, checksums) = section.checksums();
        let place = |at: u64| usize::try_from(at).map_err(|_| of.senseless());
        let range = place(range.start)?..place(range.end)?;
        if range.end > map.bytes().len() || range.start % 64 != 0 {
            return Err(of.senseless());
        }
        let seen = checksums.iter().map(|_| AtomicU8::new(0)).collect();
        Ok(Self {
            map: map.clone(),
            range,
            checksums: checksums.into(),
            seen,
            chunk: chunk as usize,
            name: format!("{}, its part {name}", of.name()),
            advice: kind.advice,
        })
    }

    /// The same, verified whole.
    pub(super) fn verified(map: &Mapped, of: &Container, name: &str, kind: Kind) -> Result<Self> {
        let part = Self::new(map, of, name, kind)?;
        (0..part.checksums.len()).try_for_each(|chunk| part.verify(chunk))?;
        Ok(part)
    }

    /// Bytes of a chunk.
    pub(super) fn chunk_bytes(&self) -> usize {
        self.chunk
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.map.bytes()[self.range.clone()]
    }

    /// As numbers; what is left at its end is no part of them.
    pub(super) fn numbers(&self) -> &[u32] {
        self.cast()
    }

    /// As long numbers.
    pub(super) fn longs(&self) -> &[u64] {
        self.cast()
    }

    /// As numbers in single precision.
    pub(super) fn floats(&self) -> &[f32] {
        self.cast()
    }

    /// As lines of a table.
    pub(super) fn lines(&self) -> &[Line] {
        self.cast()
    }

    fn cast<T: Plain>(&self) -> &[T] {
        let bytes = self.bytes();
        // SAFETY: any bits are a value of these types; what is not aligned is left out.
        let (before, numbers, _) = unsafe { bytes.align_to::<T>() };
        // A mapping begins at a page, and a section at a multiple of 64 of it.
        if before.is_empty() { numbers } else { &[] }
    }

    /// Sees to it that a line may be believed.
    #[inline]
    pub(super) fn see(&self, line: usize) -> Result<()> {
        match self.seen.get(line >> LINES_SHIFT) {
            // Whoever set it has read the same bytes.
            Some(seen) if seen.load(Ordering::Relaxed) != 0 => Ok(()),
            _ => self.verify(line >> LINES_SHIFT),
        }
    }

    #[cold]
    fn verify(&self, chunk: usize) -> Result<()> {
        let from = chunk * self.chunk;
        let to = from.saturating_add(self.chunk).min(self.range.len());
        let mut bytes = vec![0; to.saturating_sub(from)];
        let read = self.map.read_at(&mut bytes, (self.range.start + from) as u64);
        read.map_err(|error| Error::disk(error).context(format!("reading {}", self.name)))?;
        if self.checksums.get(chunk) != Some(&crc32fast::hash(&bytes)) {
            let what = format!("{} (at byte {})", self.name, self.range.start + from);
            return Err(Error::new(ErrorKind::Corrupt { what, advice: self.advice }));
        }
        self.seen[chunk].store(1, Ordering::Relaxed);
        Ok(())
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Numbers of which any bits are one.
trait Plain: Copy {}
impl Plain for u32 {}
impl Plain for f32 {}
impl Plain for u64 {}
impl Plain for Line {}

/// Asks for a line that will be needed soon.
#[inline]
pub(super) fn prefetch<T>(lines: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch neither reads nor faults, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(lines.as_ptr().wrapping_add(at).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (lines, at);
}
