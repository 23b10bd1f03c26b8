//! Tokenizers that know no vocabulary: they only say where a text is cut.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `whitespace.rs` `rules.rs` `unicode_words.rs` `units.rs` | one each; `units.rs` has characters and bytes |
//! | `jieba.rs` | Chinese, through jieba-rs: the only file that names it |
//!
//! Those of words keep all of a text but white space: their tokens stand in order, do not overlap
//! (but for Chinese in search mode), are never empty, and what lies between them is white space
//! (Unicode's `White_Space`).

pub mod jieba;
pub mod rules;
mod unicode_words;
mod units;
mod whitespace;

use std::ops::Range;

use jieba::Chinese;
use rules::RuleSet;

/// Cuts a text, with no vocabulary.
#[derive(Clone, Debug)]
pub enum Words {
    /// At white space; nothing else is cut.
    Whitespace,
    /// English rules: numbers, contractions, punctuation.
    Rules(RuleSet),
    /// Word boundaries of UAX #29, for every script.
    UnicodeWords,
    /// A token for each code point, white space too.
    Characters,
    /// A token for each byte.
    Bytes,
    /// Chinese words.
    Jieba(Chinese),
}

impl Words {
    /// Hands out where each token stands, in bytes, in the order of the text.
    pub fn cut(&self, text: &str, take: &mut dyn FnMut(Range<usize>)) {
        match self {
            Self::Whitespace => whitespace::cut(text, take),
            Self::Rules(rules) => rules::cut(text, *rules, take),
            Self::UnicodeWords => unicode_words::cut(text, take),
            Self::Characters => units::characters(text, take),
            Self::Bytes => (0..text.len()).for_each(|byte| take(byte..byte + 1)),
            Self::Jieba(chinese) => chinese.cut(text, take),
        }
    }

    /// Whether words are looked up in lower case.
    pub fn folds_case(&self) -> bool {
        matches!(self, Self::Rules(RuleSet { case: true, .. }))
    }

    /// The number of a token, where tokens have numbers of their own: code points and bytes.
    pub fn id(&self, piece: &[u8]) -> Option<u32> {
        match self {
            Self::Characters => {
                let mut characters = str::from_utf8(piece).ok()?.chars();
                let only = characters.next()?;
                characters.next().is_none().then_some(only.into())
            }
            Self::Bytes => Some(u32::from(*piece.first()?)).filter(|_| piece.len() == 1),
            Self::Whitespace | Self::Rules(_) | Self::UnicodeWords | Self::Jieba(_) => None,
        }
    }

    /// The token of a number, likewise.
    pub fn token(&self, id: u32) -> Option<Vec<u8>> {
        match self {
            Self::Characters => Some(char::from_u32(id)?.to_string().into_bytes()),
            Self::Bytes => Some(vec![u8::try_from(id).ok()?]),
            Self::Whitespace | Self::Rules(_) | Self::UnicodeWords | Self::Jieba(_) => None,
        }
    }

    /// One past the largest number of a token; none if tokens have no numbers.
    pub fn ids_end(&self) -> Option<u32> {
        match self {
            Self::Characters => Some(u32::from(char::MAX) + 1),
            Self::Bytes => Some(256),
            Self::Whitespace | Self::Rules(_) | Self::UnicodeWords | Self::Jieba(_) => None,
        }
    }
}

/// The stretches of a text without white space.
fn stretches(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.split_whitespace().map(|piece| {
        let start = piece.as_ptr().addr() - text.as_ptr().addr();
        start..start + piece.len()
    })
}
