//! Words: the vocabulary of a table, and tokenizers that cut text into words.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `vocab.rs` | word to row and back |
//! | `subword.rs` | vectors of unseen words, from n-grams in buckets |
//! | `whitespace.rs` `rules.rs` `unicode_words.rs` | a tokenizer each |
//!
//! Every tokenizer keeps all of a text but white space: its tokens stand in order, do not overlap,
//! are never empty, and what lies between them is white space (Unicode's `White_Space`).

mod rules;
pub mod subword;
mod unicode_words;
pub mod vocab;
mod whitespace;

use std::ops::Range;

use rules::Rules;
use unicode_words::UnicodeWords;
use whitespace::Whitespace;

/// Cuts a text into tokens.
pub trait Tokenizer: Send + Sync {
    /// The tokens of a text, in order.
    fn tokenize<'t>(&self, text: &'t str) -> Vec<Token<'t>>;
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'t> {
    /// The piece, as it stands in the text.
    pub piece: &'t str,
    /// Where it stands, in UTF-8 bytes.
    pub bytes: Range<usize>,
    /// The same in Unicode code points.
    pub chars: Range<usize>,
}

/// The tokenizers that need nothing but their name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TokenizerKind {
    /// Splits at white space; nothing else is cut.
    Whitespace,
    /// English rules: numbers, contractions, punctuation.
    Rules,
    /// Word boundaries of UAX #29, for every script.
    #[default]
    UnicodeWords,
}

impl TokenizerKind {
    /// Every tokenizer.
    pub const ALL: [Self; 3] = [Self::Whitespace, Self::Rules, Self::UnicodeWords];

    /// The name that users write.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whitespace => "whitespace",
            Self::Rules => "rules",
            Self::UnicodeWords => "unicode-words",
        }
    }

    /// The tokenizer of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The tokenizer itself.
pub fn tokenizer(kind: TokenizerKind) -> &'static dyn Tokenizer {
    match kind {
        TokenizerKind::Whitespace => &Whitespace,
        TokenizerKind::Rules => &Rules,
        TokenizerKind::UnicodeWords => &UnicodeWords,
    }
}

/// Takes the pieces of a text in order and counts bytes and code points along the way.
struct Cutter<'t> {
    text: &'t str,
    tokens: Vec<Token<'t>>,
    /// Where the last token ended.
    byte: usize,
    char: usize,
}

impl<'t> Cutter<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, tokens: Vec::new(), byte: 0, char: 0 }
    }

    /// Adds a piece, which is not empty and starts no earlier than the last one ended.
    fn cut(&mut self, bytes: Range<usize>) {
        let piece = &self.text[bytes.clone()];
        let start = self.char + self.text[self.byte..bytes.start].chars().count();
        let end = start + piece.chars().count();
        (self.byte, self.char) = (bytes.end, end);
        self.tokens.push(Token { piece, bytes, chars: start..end });
    }

    fn finish(self) -> Vec<Token<'t>> {
        self.tokens
    }
}

/// The stretches of a text without white space.
fn stretches(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.split_whitespace().map(|piece| {
        let start = piece.as_ptr().addr() - text.as_ptr().addr();
        start..start + piece.len()
    })
}

#[cfg(test)]
mod tests;
