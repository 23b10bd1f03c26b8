//! A corpus: token streams become counted words and numbers, once; every epoch reads the numbers.
//! `kept.rs` writes it to a file and reads it again.

mod kept;

use std::cmp::Reverse;
use std::fmt;
use std::io::Read;

use serde::{Deserialize, Serialize};

use super::ids::{END, GONE, Ids, Spill};
use super::phrases::{self, Phrases};
use super::reading::{self, Cut};
use crate::error::{Error, Result};
use crate::limits;
use crate::steps::GoOn;
use crate::text::vocab::{Added, Vocab};
use crate::vector::RowId;

/// Bytes that a word takes beside its own while words are counted.
const WORD_BYTES: usize = 32;

/// What memory a corpus may take while it is read.
pub struct Bounds {
    /// Bytes of numbers, 4 a token, above which they move into a file.
    pub ids_bytes: usize,
    /// Bytes of different words and their counts. When they are reached, the rarest words are left
    /// out until half of them are gone, as word2vec does; [`Totals`] tells how many.
    pub words_bytes: usize,
    /// Makes the file for the numbers, when it is needed.
    pub spill: Spill,
}

impl fmt::Debug for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ids_bytes, words_bytes, .. } = self;
        let mut shown = f.debug_struct("Bounds");
        shown.field("ids_bytes", ids_bytes).field("words_bytes", words_bytes);
        shown.finish_non_exhaustive()
    }
}

/// What was read, and what of it was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Tokens read, those left out too.
    pub tokens: u64,
    /// Sentences that had a token.
    pub sentences: u64,
    /// Tokens over `WORD_BYTES_MAX`, which are left out.
    pub too_long: u64,
    /// Tokens of words that were too rare, or too many.
    pub rare_tokens: u64,
    /// Those words, each as often as it was left out.
    pub rare_words: u64,
}

/// Which words of a corpus have vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// How often a word must occur; 0 is as 1.
    pub min_count: u64,
    /// The most words; the most frequent ones stay.
    pub words_max: usize,
}

impl Default for Keep {
    fn default() -> Self {
        Self { min_count: 5, words_max: limits::ROWS_MAX }
    }
}

/// Takes sentences, and ends as a [`Corpus`].
pub struct Encoder {
    words: Vocab,
    counts: Vec<u64>,
    ids: Ids,
    words_bytes: usize,
    totals: Totals,
    /// Whether the sentence that is being read has a number yet.
    open: bool,
}

impl Encoder {
    /// Nothing read yet.
    pub fn new(bounds: Bounds) -> Self {
        let Bounds { ids_bytes, words_bytes, spill } = bounds;
        let (words, counts, totals) = (Vocab::new(), Vec::new(), Totals::default());
        let ids = Ids::new(ids_bytes, spill);
        Self { words, counts, ids, words_bytes, totals, open: false }
    }

    /// Adds a sentence of tokens. Empty ones are passed over.
    ///
    /// # Errors
    ///
    /// If the file of numbers cannot be written.
    pub fn sentence<'t>(&mut self, tokens: impl IntoIterator<Item = &'t [u8]>) -> Result<()> {
        for token in tokens {
            if token.is_empty() {
                continue;
            }
            self.totals.tokens += 1;
            if token.len() > limits::WORD_BYTES_MAX {
                self.totals.too_long += 1;
                continue;
            }
            let row = self.number(token)?;
            self.counts[row.index()] += 1;
            self.ids.push(row.0)?;
            self.open = true;
        }
        self.end_sentence()
    }

    /// Adds a text whose lines are sentences and whose tokens stand between white space of ASCII, read by
    /// so many threads. What comes out does not depend on them.
    ///
    /// # Errors
    ///
    /// If the text cannot be read, if the file of numbers cannot be written, or if `go_on` says so.
    pub fn text(&mut self, source: &mut dyn Read, threads: usize, go_on: GoOn<'_>) -> Result<()> {
        reading::cut(source, threads.max(1), go_on, |cut| self.add(&cut))?;
        self.end_sentence()
    }

    /// Makes phrases of words that stand together more often than by chance, as one pass of
    /// word2phrase does; each further call may join phrases again. How many different ones there are.
    ///
    /// # Errors
    ///
    /// If a setting is wrong, or if the file of numbers fails.
    pub fn join_phrases(&mut self, phrases: &Phrases) -> Result<usize> {
        self.end_sentence()?;
        let mut joins = phrases::find(&self.ids, &self.counts, phrases)?;
        let words = &mut self.words;
        let mut phrase_of = |a: u32, b: u32| {
            let [a, b] = [a, b].map(|id| words.word(RowId(id)));
            let phrase = [a, phrases.joint.as_bytes(), b].concat();
            let fits = phrase.len() <= limits::WORD_BYTES_MAX
                && words.word_bytes() + phrase.len() <= limits::VOCAB_BYTES_MAX;
            let (Added::New(row) | Added::Known(row)) =
                if fits { words.add(&phrase) } else { return GONE };
            row.0
        };
        phrases::join(&mut self.ids, &mut joins, &mut phrase_of)?;
        self.counts.resize(self.words.len(), 0);
        let mut different = 0;
        for (pair, join) in joins {
            let [a, b] = phrases::words(pair);
            if join.count > 0 && join.phrase != GONE {
                self.counts[a.index()] -= join.count;
                self.counts[b.index()] -= join.count;
                self.counts[join.phrase as usize] += join.count;
                different += 1;
            }
        }
        Ok(different)
    }

    /// What was read so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Bytes of memory that it takes.
    pub fn memory_bytes(&self) -> usize {
        self.ids.memory_bytes() + self.words.memory_bytes() + self.counts.capacity() * 8
    }

    fn end_sentence(&mut self) -> Result<()> {
        if std::mem::take(&mut self.open) {
            self.totals.sentences += 1;
            self.ids.push(END)?;
        }
        Ok(())
    }

    /// Adds a piece of text that was cut elsewhere.
    fn add(&mut self, cut: &Cut) -> Result<()> {
        // A prune gives words other numbers: those of this piece are asked for again.
        let mut numbers: Vec<Option<RowId>> = vec![None; cut.words.len()];
        self.totals.tokens += cut.tokens;
        self.totals.too_long += cut.too_long;
        for &id in &cut.ids {
            if id == END {
                self.end_sentence()?;
                continue;
            }
            let row = if let Some(row) = numbers[id as usize] {
                row
            } else {
                let before = self.totals.rare_words;
                let row = self.number(cut.words.word(RowId(id)))?;
                if self.totals.rare_words != before {
                    numbers.fill(None);
                }
                numbers[id as usize] = Some(row);
                row
            };
            self.counts[row.index()] += 1;
            self.ids.push(row.0)?;
            self.open = true;
        }
        Ok(())
    }

    /// The number of a word, which is given one if it has none.
    fn number(&mut self, word: &[u8]) -> Result<RowId> {
        // Fewer would leave out words all the time.
        let most = self.words_bytes.clamp(1 << 16, limits::VOCAB_BYTES_MAX);
        let bytes = self.words.word_bytes() + word.len() + (self.words.len() + 1) * WORD_BYTES;
        if bytes > most && self.words.row(word).is_none() {
            self.prune()?;
        }
        match self.words.add(word) {
            Added::Known(row) => Ok(row),
            Added::New(row) => {
                self.counts.push(0);
                Ok(row)
            }
        }
    }

    /// Leaves out the rarest words, until at most half of them and of their bytes are left.
    fn prune(&mut self) -> Result<()> {
        let mut sorted: Vec<usize> = (0..self.counts.len()).collect();
        sorted.sort_unstable_by_key(|&id| Reverse(self.counts[id]));
        let half = self.words.word_bytes() / 2;
        let mut bytes = 0;
        let fits = |&&id: &&usize| {
            bytes += self.words.word(row_id(id)).len();
            bytes <= half
        };
        let fitting = sorted.iter().take_while(fits).count().min(sorted.len() / 2);
        // Equally frequent words stay or go together: which of them came first means nothing.
        let bar = sorted.get(fitting).map_or(0, |&id| self.counts[id]);
        self.keep(|id, counts| counts[id] > bar, (0..self.counts.len()).collect())
    }

    /// Renumbers the words that stay as they stand in `order`, and leaves out the others.
    fn keep(&mut self, stays: impl Fn(usize, &[u64]) -> bool, order: Vec<usize>) -> Result<()> {
        let mut numbers = vec![GONE; self.counts.len()];
        let (mut words, mut counts) = (Vocab::new(), Vec::new());
        for id in order {
            if stays(id, &self.counts) {
                numbers[id] = row_id(counts.len()).0;
                words.add(self.words.word(row_id(id)));
                counts.push(self.counts[id]);
            } else {
                self.totals.rare_words += 1;
                self.totals.rare_tokens += self.counts[id];
            }
        }
        self.ids.renumber(&numbers)?;
        (self.words, self.counts) = (words, counts);
        Ok(())
    }

    /// The corpus: words sorted by how often they occur, equally frequent ones by which came first.
    ///
    /// # Errors
    ///
    /// If there is no token, if no word occurs often enough, or if the file of numbers fails.
    pub fn finish(mut self, keep: Keep) -> Result<Corpus> {
        self.end_sentence()?;
        if self.totals.tokens == 0 {
            return Err(Error::invalid("corpus", "it has no tokens: give a text with words"));
        }
        let mut order: Vec<usize> = (0..self.counts.len()).collect();
        order.sort_by_key(|&id| Reverse(self.counts[id]));
        let words_max = keep.words_max.min(limits::ROWS_MAX - 1);
        let most = order.first().map_or(0, |&id| self.counts[id]);
        // Words behind the last that fits go, whatever their count.
        let mut fits = vec![true; self.counts.len()];
        for &id in order.iter().skip(words_max) {
            fits[id] = false;
        }
        let min_count = keep.min_count.max(1);
        self.keep(|id, counts| fits[id] && counts[id] >= min_count, order)?;
        if self.counts.is_empty() {
            let problem = format!(
                "no word is kept: the most frequent one occurs {most} times, and min_count is \
                 {min_count}, at most {words_max} words"
            );
            return Err(Error::invalid("min_count", problem));
        }
        self.words.shrink_to_fit();
        let Self { words, counts, ids, totals, .. } = self;
        Ok(Corpus { words, counts, ids, totals })
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("totals", &self.totals).finish_non_exhaustive()
    }
}

/// Words, how often they occur, and the text as their numbers.
pub struct Corpus {
    words: Vocab,
    counts: Vec<u64>,
    ids: Ids,
    totals: Totals,
}

impl Corpus {
    /// The words, the most frequent first.
    pub fn words(&self) -> &Vocab {
        &self.words
    }

    /// How often each word occurs, in the order of the words.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Tokens that have a vector: the sum of the counts.
    pub fn tokens(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// What was read to make it, and what was left out.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Bytes of memory that it takes.
    pub fn memory_bytes(&self) -> usize {
        self.ids.memory_bytes() + self.words.memory_bytes() + self.counts.capacity() * 8
    }

    /// Numbers and ends of sentences, together.
    pub(super) fn len(&self) -> u64 {
        self.ids.len()
    }

    /// Reads numbers from `start` on into `block`: at most `count`, and no more than to the last end of a
    /// sentence among them, if there is one. None at the end of the corpus.
    pub(super) fn read(&self, start: u64, count: usize, block: &mut Vec<u32>) -> Result<()> {
        self.ids.read(start, count, block)?;
        if let Some(last) = block.iter().rposition(|&id| id == END) {
            block.truncate(last + 1);
        }
        Ok(())
    }

    /// Where the first sentence begins that does not begin before `start`.
    pub(super) fn sentence_from(&self, start: u64) -> Result<u64> {
        if start == 0 {
            return Ok(0);
        }
        let (mut at, mut block) = (start - 1, Vec::new());
        loop {
            self.ids.read(at, 4_096, &mut block)?;
            if let Some(end) = block.iter().position(|&id| id == END) {
                return Ok(at + end as u64 + 1);
            }
            if block.is_empty() {
                return Ok(self.len());
            }
            at += block.len() as u64;
        }
    }
}

impl fmt::Debug for Corpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Corpus").field("words", &self.words).finish_non_exhaustive()
    }
}

fn row_id(index: usize) -> RowId {
    // Words are numbered by u32 everywhere; GONE and END are no number of one.
    RowId(u32::try_from(index).unwrap_or(GONE))
}

#[cfg(test)]
mod tests;
