//! `Vocab`: word to row and back, words as bytes, compact.

use std::borrow::Cow;
use std::hash::BuildHasher as _;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::vector::{RowId, kernel};

/// The words of a table in row order. No word stands twice; a word is bytes that should be UTF-8.
#[derive(Clone)]
pub struct Vocab {
    /// Every word, one behind the other.
    bytes: Vec<u8>,
    /// Where each word ends in `bytes`.
    ends: Vec<u32>,
    rows: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

/// What became of a word that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is new and has this row.
    New(RowId),
    /// It was there, in this row.
    Known(RowId),
}

impl Vocab {
    /// No words yet.
    pub fn new() -> Self {
        Self {
            bytes: Vec::new(),
            ends: Vec::new(),
            rows: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// Adds a word at the end, unless it is there.
    ///
    /// # Panics
    ///
    /// If the limits `ROWS_MAX` or `VOCAB_BYTES_MAX` are passed: the builder of a table checks.
    pub fn add(&mut self, word: &[u8]) -> Added {
        let hash = self.hasher.hash_one(word);
        let (bytes, ends) = (&self.bytes, &self.ends);
        if let Some(&row) = self.rows.find(hash, |&row| word_at(bytes, ends, row) == word) {
            return Added::Known(RowId(row));
        }
        let row = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        let end = u32::try_from(self.bytes.len() + word.len());
        assert!(row < u32::MAX, "the number of rows is below ROWS_MAX");
        self.bytes.extend_from_slice(word);
        self.ends.push(end.expect("the words' bytes are below VOCAB_BYTES_MAX"));
        let (bytes, ends, hasher) = (&self.bytes, &self.ends, &self.hasher);
        self.rows.insert_unique(hash, row, |&row| hasher.hash_one(word_at(bytes, ends, row)));
        Added::New(RowId(row))
    }

    /// The row of a word.
    pub fn row(&self, word: &[u8]) -> Option<RowId> {
        let hash = self.hasher.hash_one(word);
        let found = self.rows.find(hash, |&row| word_at(&self.bytes, &self.ends, row) == word);
        found.map(|&row| RowId(row))
    }

    /// The bytes of a row's word.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn word(&self, row: RowId) -> &[u8] {
        word_at(&self.bytes, &self.ends, row.0)
    }

    /// Asks the processor to fetch words that will be read soon: side by side, and not one after the other.
    ///
    /// # Panics
    ///
    /// If there are no such rows.
    pub fn prefetch(&self, rows: impl Iterator<Item = RowId> + Clone) {
        for row in rows.clone() {
            kernel::prefetch(&self.ends[row.index()..][..1]);
        }
        for row in rows {
            kernel::prefetch(self.word(row));
        }
    }

    /// The words of some rows, one behind the other.
    ///
    /// # Panics
    ///
    /// If there are no such rows.
    pub fn words(&self, rows: Range<usize>) -> &[u8] {
        let end = |row: usize| if row == 0 { 0 } else { self.ends[row - 1] as usize };
        &self.bytes[end(rows.start)..end(rows.end)]
    }

    /// A row's word to show: U+FFFD stands for what is not UTF-8.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn shown(&self, row: RowId) -> Cow<'_, str> {
        String::from_utf8_lossy(self.word(row))
    }

    /// How many words.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all words together.
    pub fn word_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Makes room for so many words more.
    pub fn reserve(&mut self, words: usize) {
        self.ends.reserve(words);
        let (bytes, ends, hasher) = (&self.bytes, &self.ends, &self.hasher);
        self.rows.reserve(words, |&row| hasher.hash_one(word_at(bytes, ends, row)));
    }

    /// Gives back memory that was reserved for growth.
    pub fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// Bytes of memory it takes.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.capacity()
            + self.ends.capacity() * size_of::<u32>()
            + self.rows.allocation_size()
    }
}

impl Default for Vocab {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Vocab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vocab").field("words", &self.len()).finish_non_exhaustive()
    }
}

fn word_at<'a>(bytes: &'a [u8], ends: &[u32], row: u32) -> &'a [u8] {
    let row = row as usize;
    let start = if row == 0 { 0 } else { ends[row - 1] as usize };
    &bytes[start..ends[row] as usize]
}
