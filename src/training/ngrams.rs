//! The rows whose mean is a word: its own, and those of the buckets of its n-grams, which fall as in
//! fastText (Bojanowski et al. 2017), so that its files can be written.

use std::sync::Arc;

use super::settings::Ngrams;
use crate::error::Result;
use crate::text::subword::{Combine, Hashing, NoRows, Subwords};
use crate::text::vocab::Vocab;
use crate::vector::RowId;

/// fastText's end of a line, which has no n-grams there.
const END_OF_LINE: &[u8] = b"</s>";

/// For each word, its rows.
pub(super) struct Parts {
    ends: Vec<u64>,
    rows: Vec<u32>,
}

impl Parts {
    pub(super) fn new(words: &Vocab, ngrams: Ngrams) -> Result<Self> {
        let Ngrams { min_n, max_n, buckets } = ngrams;
        let brackets = ("<".to_owned(), ">".to_owned());
        let hashing = Hashing::Fasttext { buckets };
        let (combine, none) = (Combine::Mean, Arc::new(NoRows));
        let cut = Subwords { hashing, combine, min_n, max_n, brackets, buckets: none }.check()?;
        let (mut ends, mut rows) = (Vec::with_capacity(words.len()), Vec::new());
        let first = u32::try_from(words.len()).unwrap_or(u32::MAX);
        for word in 0..first {
            rows.push(word);
            let bytes = words.word(RowId(word));
            if bytes != END_OF_LINE {
                cut.each_bucket(bytes, |bucket| {
                    let bucket = u32::try_from(bucket).unwrap_or(u32::MAX);
                    rows.push(first.saturating_add(bucket));
                });
            }
            ends.push(rows.len() as u64);
        }
        Ok(Self { ends, rows })
    }

    /// The rows of a word, its own first.
    #[inline]
    pub(super) fn of(&self, word: u32) -> &[u32] {
        let end = |word: usize| usize::try_from(self.ends[word]).unwrap_or(usize::MAX);
        let word = word as usize;
        &self.rows[word.checked_sub(1).map_or(0, end)..end(word)]
    }
}
