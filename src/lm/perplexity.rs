//! How well a model knows a text.

use crate::lm::state::Scored;
use crate::lm::words::UNKNOWN;

/// What the words of a text came to. Each sentence's end is a word.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Perplexity {
    /// The logarithm of the text's probability to base 10.
    pub log10: f64,
    /// That part of it which known words have.
    pub log10_known: f64,
    /// Words that were predicted, with the ends of sentences and unknown ones.
    pub tokens: u64,
    /// Words that the model does not know.
    pub unknown: u64,
    /// Sentences.
    pub sentences: u64,
    /// Words whose probability is 0; if there are any, the perplexity is infinite.
    pub impossible: u64,
}

impl Perplexity {
    /// Adds words of whole sentences, and how likely each is.
    pub fn add(&mut self, ids: &[u32], scored: &[Scored], sentences: u64) {
        for (&id, scored) in ids.iter().zip(scored) {
            let log10 = f64::from(scored.log10);
            self.log10 += log10;
            self.tokens += 1;
            self.impossible += u64::from(!log10.is_finite());
            if id == UNKNOWN {
                self.unknown += 1;
            } else {
                self.log10_known += log10;
            }
        }
        self.sentences += sentences;
    }

    /// 10 to the mean of the negative logarithms; 1 for no text.
    pub fn perplexity(&self) -> f64 {
        perplexity(self.log10, self.tokens)
    }

    /// The same of known words only, in the contexts of all.
    pub fn without_unknown(&self) -> f64 {
        perplexity(self.log10_known, self.tokens - self.unknown)
    }

    /// Bits a word: the binary logarithm of the perplexity.
    pub fn entropy(&self) -> f64 {
        self.perplexity().log2()
    }
}

fn perplexity(log10: f64, tokens: u64) -> f64 {
    if tokens == 0 { 1.0 } else { 10_f64.powf(-log10 / tokens as f64) }
}
