//! `Rows`: a matrix whose rows begin at cache lines and are filled up with zeros.

use std::fmt;
use std::io::Write;
use std::marker::PhantomData;

use memmap2::MmapMut;

use crate::container::{Section, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::vector::random::SplitMix64;

/// Floats of a cache line: rows are a multiple of them long, and begin at one.
pub(super) const LINE: usize = 16;

/// Vectors of one dimension, side by side.
pub struct Rows {
    /// Anonymous memory is zero, begins at a page, may have huge pages, and tells when there is none.
    memory: MmapMut,
    len: usize,
    dim: usize,
}

impl Rows {
    /// So many vectors of zeros.
    ///
    /// # Errors
    ///
    /// If there is no memory for them.
    pub(super) fn new(len: usize, dim: usize) -> Result<Self> {
        let bytes = len.saturating_mul(Self::bytes(dim));
        let memory = MmapMut::map_anon(bytes.max(1)).map_err(|cause| {
            let max = isize::MAX as u64;
            let kind = ErrorKind::TooLarge { limit: "the memory", max, got: bytes as u64 };
            Error::caused(kind, cause).context(format!("{len} vectors of {dim} components"))
        })?;
        #[cfg(target_os = "linux")]
        // Rows are read in any order: with small pages most of them would miss their address too. A
        // system that has no huge pages works as well without.
        let _ = memory.advise(memmap2::Advice::HugePage);
        Ok(Self { memory, len, dim })
    }

    /// Bytes of one row.
    pub(super) const fn bytes(dim: usize) -> usize {
        dim.next_multiple_of(LINE) * size_of::<f32>()
    }

    /// Fills the rows from `first` on with numbers from -1 / dim to 1 / dim, as gensim and fastText do.
    pub(super) fn randomize(&mut self, first: usize, seed: u64) {
        let mut random = SplitMix64(seed);
        let scale = 1.0 / self.dim as f32;
        for row in first..self.len {
            for value in self.row_mut(row) {
                *value = unit(random.next()) * scale;
            }
        }
    }

    /// Components of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How many vectors.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A vector.
    ///
    /// # Panics
    ///
    /// If there is no such one.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.floats()[row * self.stride()..][..self.dim]
    }

    pub(super) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        let (start, dim) = (row * self.stride(), self.dim);
        &mut self.floats_mut()[start..][..dim]
    }

    /// Whether no value is NaN or infinite.
    pub(super) fn is_finite(&self) -> bool {
        // Looking at all of a block is faster than stopping within it.
        let is_odd = |value: &f32| u32::from(!value.is_finite());
        !self.floats().chunks(4_096).any(|block| block.iter().map(is_odd).sum::<u32>() > 0)
    }

    /// The same again.
    ///
    /// # Errors
    ///
    /// If there is no memory for it.
    pub(super) fn copy(&self) -> Result<Self> {
        let mut copy = Self::new(self.len, self.dim)?;
        copy.floats_mut().copy_from_slice(self.floats());
        Ok(copy)
    }

    /// Writes all values, little-endian, without what fills rows up.
    pub(super) fn write<W: Write>(&self, out: &mut Writer<W>) -> Result<()> {
        let mut bytes = Vec::with_capacity(self.dim * size_of::<f32>());
        for row in 0..self.len {
            bytes.clear();
            bytes.extend(self.row(row).iter().flat_map(|value| value.to_le_bytes()));
            out.write(&bytes)?;
        }
        Ok(())
    }

    /// So many vectors of what [`Rows::write`] wrote; none if it wrote another number of values.
    pub(super) fn read(section: &Section<'_>, len: usize, dim: usize) -> Result<Option<Self>> {
        if section.length() != (len * dim * size_of::<f32>()) as u64 {
            return Ok(None);
        }
        let mut rows = Self::new(len, dim)?;
        let stride = rows.stride();
        let (mut start, mut at) = (0, 0);
        section.each_chunk(|chunk| {
            let floats = rows.floats_mut();
            for &bytes in chunk.as_chunks().0 {
                floats[start + at] = f32::from_le_bytes(bytes);
                at += 1;
                if at == dim {
                    (start, at) = (start + stride, 0);
                }
            }
            Ok(())
        })?;
        Ok(Some(rows))
    }

    /// All rows with what fills them up.
    pub(super) fn floats(&self) -> &[f32] {
        let (start, length) = (self.memory.as_ptr().cast(), self.len * self.stride());
        // SAFETY: the mapping has room for all rows, begins at a page, and was zero at first; any bits
        // are a float.
        unsafe { std::slice::from_raw_parts(start, length) }
    }

    pub(super) fn floats_mut(&mut self) -> &mut [f32] {
        let (start, length) = (self.memory.as_mut_ptr().cast(), self.len * self.stride());
        // SAFETY: as above, and nobody else has the mapping.
        unsafe { std::slice::from_raw_parts_mut(start, length) }
    }

    /// Floats from one row to the next.
    pub(super) fn stride(&self) -> usize {
        self.dim.next_multiple_of(LINE)
    }

    /// The rows for kernels, which write to several at once.
    pub(super) fn pointers(&mut self) -> Pointers<'_> {
        let (stride, len) = (self.stride(), self.len);
        Pointers { start: self.floats_mut().as_mut_ptr(), stride, len, rows: PhantomData }
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Rows");
        shown.field("len", &self.len).field("dim", &self.dim).finish_non_exhaustive()
    }
}

/// A number from -1 to 1.
fn unit(bits: u64) -> f32 {
    let high = u16::try_from(bits >> 48).unwrap_or(0);
    let low = u8::try_from(bits >> 40 & 0xff).unwrap_or(0);
    (f32::from(high) * 256.0 + f32::from(low)) / 8_388_608.0 - 1.0
}

/// The rows of a matrix that one thread changes, any of them at any time.
#[derive(Clone, Copy)]
pub(super) struct Pointers<'a> {
    start: *mut f32,
    stride: usize,
    len: usize,
    rows: PhantomData<&'a mut f32>,
}

impl<'a> Pointers<'a> {
    /// A row. Two of them may be the same.
    #[inline]
    pub(super) fn row(self, row: u32) -> Row<'a> {
        let row = row as usize;
        assert!(row < self.len, "the numbers of a corpus are those of rows");
        Row(self.start.wrapping_add(row * self.stride), PhantomData)
    }

    /// Floats from one row to the next.
    pub(super) fn stride(self) -> usize {
        self.stride
    }

    pub(super) fn len(self) -> usize {
        self.len
    }
}

/// A row that a kernel changes; it has as many floats as the others of its matrix, and begins at a
/// cache line.
#[derive(Clone, Copy)]
pub(super) struct Row<'a>(*mut f32, PhantomData<&'a mut f32>);

impl Row<'_> {
    /// Where its float number `at` stands.
    #[inline]
    pub(super) fn at(self, at: usize) -> *mut f32 {
        self.0.wrapping_add(at)
    }

    /// Asks for a row's first cache lines, which will be needed soon.
    #[inline]
    pub(super) fn prefetch(self, lines: usize) {
        for line in 0..lines.min(PREFETCHED) {
            prefetch(self.at(line * LINE));
        }
    }
}

/// Asks for the cache line of an address.
#[inline]
pub(super) fn prefetch<T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch neither reads nor faults, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// What is behind them the processor fetches by itself, as it sees the row read in order.
const PREFETCHED: usize = 24;
