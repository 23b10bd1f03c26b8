//! `Image`: an index file in memory, mapped where that is possible.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use memmap2::Mmap;

use crate::error::{Error, Result};

const WORD: usize = size_of::<u32>();

/// The bytes of an index file.
///
/// Mapped bytes are pages of the file itself: the system gives their memory to others when it runs
/// short, and reads them again. Index files never change once they have their name, and the data
/// folder belongs to one process; who writes into one all the same can make this process end.
#[derive(Clone, Debug)]
pub struct Image(Arc<Bytes>);

#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Read(Vec<u8>),
}

impl Image {
    /// Maps a file.
    ///
    /// # Errors
    ///
    /// If the system cannot map it.
    pub fn map(file: &File) -> Result<Self> {
        // SAFETY: the file is changed by nobody while it is mapped: see above.
        let mapped = unsafe { Mmap::map(file) };
        mapped.map(|mapped| Self(Arc::new(Bytes::Mapped(mapped)))).map_err(Error::disk)
    }

    /// A file that was read.
    pub fn read(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Bytes::Read(bytes)))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match &*self.0 {
            Bytes::Mapped(mapped) => mapped,
            Bytes::Read(bytes) => bytes,
        }
    }

    /// Bytes as little-endian words, without a copy where the machine has such words there.
    pub(super) fn words(&self, range: Range<usize>) -> Words {
        let bytes = &self.bytes()[range];
        let is_aligned = bytes.as_ptr().addr().is_multiple_of(align_of::<u32>());
        if cfg!(target_endian = "little") && is_aligned {
            let (first, count) = (bytes.as_ptr().cast(), bytes.len() / WORD);
            return Words(Held::Mapped { first, count, _image: self.clone() });
        }
        let (words, _) = bytes.as_chunks::<WORD>();
        Words(Held::Own(words.iter().map(|&word| u32::from_le_bytes(word)).collect()))
    }
}

/// Words of its own, or of an index file.
#[derive(Debug)]
pub(super) struct Words(Held);

#[derive(Debug)]
enum Held {
    Own(Vec<u32>),
    Mapped { first: *const u32, count: usize, _image: Image },
}

// SAFETY: the words are only read, by whoever, and live in the image, which may go anywhere.
unsafe impl Send for Words {}
// SAFETY: as above.
unsafe impl Sync for Words {}

impl Words {
    /// The words, copied first if they are a file's.
    pub(super) fn to_mut(&mut self) -> &mut [u32] {
        if let Held::Mapped { .. } = self.0 {
            *self = Self::from(self.to_vec());
        }
        match &mut self.0 {
            Held::Own(words) => words,
            Held::Mapped { .. } => &mut [],
        }
    }

    /// Bytes of memory that belong to it alone.
    pub(super) fn memory_bytes(&self) -> usize {
        match &self.0 {
            Held::Own(words) => words.capacity() * WORD,
            Held::Mapped { .. } => 0,
        }
    }
}

impl From<Vec<u32>> for Words {
    fn from(words: Vec<u32>) -> Self {
        Self(Held::Own(words))
    }
}

impl std::ops::Deref for Words {
    type Target = [u32];

    #[inline]
    fn deref(&self) -> &[u32] {
        match &self.0 {
            Held::Own(words) => words,
            // SAFETY: the image has these words, aligned, as long as it lives; nobody changes them.
            Held::Mapped { first, count, .. } => unsafe {
                std::slice::from_raw_parts(*first, *count)
            },
        }
    }
}

impl PartialEq for Words {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}
