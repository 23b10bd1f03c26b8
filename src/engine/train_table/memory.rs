//! The memory of a training of vectors: what it takes of the budget of jobs before it uses it.

use crate::budget::Share;
use crate::engine::Engine;
use crate::engine::corpus::Spilled;
use crate::engine::train_table::asked::Method;
use crate::engine::train_table::lesson::Lesson;
use crate::error::{Context as _, Result};
use crate::text::vocab::Vocab;
use crate::training::corpus::Bounds;
use crate::training::glove::GloveSettings;
use crate::training::settings::{Loss, Ngrams};
use crate::vector::RowId;

/// Bytes of numbers in memory, at most; the others stand in a file, which is read in order.
const IDS_BYTES_MAX: u64 = 256 << 20;
/// Bytes of different words while they are counted, at most.
const WORDS_BYTES_MAX: u64 = 1 << 30;
/// Bytes of counts of words that stand together, at most; the others stand in files.
const COUNTS_BYTES_MAX: u64 = 1 << 30;
/// Bytes that a table takes beside its vectors while it is made.
const TABLE_BYTES: u64 = 4 << 20;

impl Engine {
    /// The same with as much room for counts as a text of so many tokens needs and jobs have.
    pub(super) fn fitted(&self, method: &Method, tokens: u64) -> Method {
        match method {
            Method::Words(settings) => Method::Words(*settings),
            Method::Glove(settings) => {
                // A pair takes 16 bytes, and grows by doubling.
                let all = tokens.saturating_mul(32 * settings.window as u64);
                let bytes = all.min(self.shared.memory.max() / 8).min(COUNTS_BYTES_MAX);
                Method::Glove(GloveSettings { counts_bytes: in_memory(bytes), ..*settings })
            }
        }
    }

    pub(super) fn learning_memory(&self, lesson: &Lesson, words: &Vocab) -> Result<Share> {
        let (mut memory, count) = (Share::of(&self.shared.memory), words.len());
        let needed = lesson.method.learning_bytes(words, count);
        let frozen = lesson.from.as_ref().is_some_and(|from| from.is_frozen);
        let frozen = if frozen { row_bytes(lesson.method.dim()) * count as u64 } else { 0 };
        memory
            .grow(needed + frozen)
            .context(|| format!("bytes of memory to learn the vectors of {count} words"))?;
        Ok(memory)
    }

    pub(super) fn table_memory(&self, dim: usize, rows: usize) -> Result<Share> {
        let mut memory = Share::of(&self.shared.memory);
        let bytes = rows as u64 * dim as u64 * 4 + TABLE_BYTES;
        memory.grow(bytes).context(|| format!("bytes of memory for a table of {rows} rows"))?;
        Ok(memory)
    }

    /// What memory a corpus may take while it is read.
    pub(super) fn corpus_bounds(&self, spilled: &Spilled) -> Bounds {
        let (ids_bytes, words_bytes) = self.corpus_bytes();
        Bounds {
            ids_bytes: in_memory(ids_bytes),
            words_bytes: in_memory(words_bytes),
            spill: spilled.spill(),
        }
    }

    /// Bytes that numbers of text may take in memory, and different words.
    pub(super) fn corpus_bytes(&self) -> (u64, u64) {
        let max = self.shared.memory.max();
        ((max / 16).min(IDS_BYTES_MAX), (max / 8).min(WORDS_BYTES_MAX))
    }
}

impl Method {
    /// Bytes of memory that learning takes, beside the corpus.
    pub(super) fn learning_bytes(&self, words: &Vocab, count: usize) -> u64 {
        match self {
            Self::Words(settings) => {
                let parts = settings.ngrams.map_or(0, |ngrams| parts_bytes(words, ngrams));
                // The paths of a tree are longest where counts double from word to word, at most 63.
                let paths =
                    if settings.loss == Loss::Hierarchical { 400 * count as u64 } else { 0 };
                settings.memory_bytes(count) + parts + paths
            }
            Self::Glove(settings) => {
                // A row has a vector and a context vector with a bias each, and what each component changed
                // so far. Frequent words stand in a triangle.
                let row = row_bytes(settings.dim + 2) * 4;
                count as u64 * row + 2 * settings.counts_bytes as u64 + (64 << 20)
            }
        }
    }
}

/// Bytes of the rows' numbers of each word's n-grams.
fn parts_bytes(words: &Vocab, ngrams: Ngrams) -> u64 {
    let mut bytes = 0;
    for row in (0..words.len()).filter_map(|row| u32::try_from(row).ok()).map(RowId) {
        // With the brackets, and as many characters as bytes at most.
        let chars = words.word(row).len() + 2;
        let longest = ngrams.max_n.min(chars);
        let grams: usize = (ngrams.min_n..=longest).map(|n| chars + 1 - n).sum();
        bytes += 8 + 2 * 4 * (grams as u64 + 1);
    }
    bytes
}

/// A number of bytes that fits this machine.
pub(super) fn in_memory(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Bytes of a row of a matrix.
fn row_bytes(dim: usize) -> u64 {
    dim.next_multiple_of(16) as u64 * 4
}
