//! Words: the vocabulary of a table, and tokenizers that cut text into words or parts of words.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `vocab.rs` | word to row and back |
//! | `subword.rs` | vectors of unseen words, from n-grams in buckets |
//! | `spec.rs` | what a tokenizer is made of: its kind, options and files |
//! | `tokenizer.rs` | `Tokenizer`: any of those below, with one way to cut and to join |
//! | `foreign.rs` | kinds of files that are none of what is read |
//! | `cutter.rs` | who knows which tokenizer cuts the texts of a table |
//! | `words/` | tokenizers without a vocabulary |
//! | `model/` | models of Hugging Face's kind, and their training: the only folder that names the crate tokenizers |
//! | `sentencepiece/` | SentencePiece models, read natively |
//! | `ranks.rs` | tiktoken's byte pairs |
//! | `trie.rs` | all pieces that begin at a byte |
//! | `chance.rs` | texts cut otherwise, by chance |
//! | `shipped.rs` | tiktoken's own ranks, if they were built in |
//! | `special.rs` | special tokens, and texts that look like them |
//! | `stream.rs` | joining tokens as they come |
//! | `fit.rs` | truncation and padding |
//! | `window.rs` | long texts in windows |
//! | `sentences.rs` | where sentences begin |

pub mod chance;
pub mod cutter;
pub mod fit;
pub(crate) mod foreign;
mod model;
mod ranks;
mod sentencepiece;
mod sentences;
pub mod shipped;
pub mod spec;
pub mod special;
pub mod stream;
pub mod subword;
pub mod tokenizer;
mod trie;
pub mod vocab;
pub mod window;
pub mod words;

pub use model::train;

use std::ops::Range;

/// A part of a text that a tokenizer cut, or a special token that stands for no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its number in the tokenizer's vocabulary; none if the tokenizer has none.
    pub id: Option<u32>,
    /// Where it stands, in UTF-8 bytes; empty for a token that was added. The tokens of one
    /// character may each have all of its bytes, or their own.
    pub bytes: Range<usize>,
    /// The characters it touches, in Unicode code points.
    pub chars: Range<usize>,
    /// Whether it is a special token.
    pub is_special: bool,
}

/// A token of a transformer's input: of one text, or of two with special tokens between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputToken {
    /// Its number in the tokenizer's vocabulary; none if the tokenizer has none.
    pub id: Option<u32>,
    /// Where it stands in its text, in UTF-8 bytes; empty for a token that was added.
    pub bytes: Range<usize>,
    /// Whether it is a special token.
    pub is_special: bool,
    /// The text that it is told to belong to, from 0.
    pub segment: usize,
    /// Whether it stands in the second text.
    pub in_second: bool,
}

/// Counts code points before a byte; fast where the bytes come in order.
pub(crate) struct CharCount<'t> {
    text: &'t [u8],
    byte: usize,
    /// First bytes of characters before `byte`.
    chars: usize,
}

impl<'t> CharCount<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text: text.as_bytes(), byte: 0, chars: 0 }
    }

    /// The characters that a range of bytes touches.
    pub(crate) fn range(&mut self, bytes: &Range<usize>) -> Range<usize> {
        let start = if bytes.is_empty() {
            self.before(bytes.start)
        } else {
            self.before(bytes.start + 1).saturating_sub(1)
        };
        start..self.before(bytes.end).max(start)
    }

    fn before(&mut self, byte: usize) -> usize {
        let byte = byte.min(self.text.len());
        let starts = |bytes: &[u8]| bytes.iter().filter(|&&b| (b & 0xc0) != 0x80).count();
        if byte >= self.byte {
            self.chars += starts(&self.text[self.byte..byte]);
        } else {
            self.chars -= starts(&self.text[byte..self.byte]);
        }
        self.byte = byte;
        self.chars
    }
}

#[cfg(test)]
mod tests;

/// A file's beginning without its byte order mark, which means nothing in UTF-8.
pub fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}
