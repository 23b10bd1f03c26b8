//! What a tokenizer is made of: its kind, the kind's options, and the files it was read from.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::text::foreign::{beginning, without_marks};
use crate::text::ranks::{self, Pattern as RanksPattern};
use crate::text::words::jieba::ChineseOptions;
use crate::text::words::rules::RuleSet;

pub use crate::text::ranks::Pattern;

/// The kind of a tokenizer, with its options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Splits at white space; nothing else is cut.
    Whitespace,
    /// English rules: numbers, contractions, punctuation.
    Rules(RuleSet),
    /// Word boundaries of UAX #29, for every script.
    UnicodeWords,
    /// Code points.
    Characters,
    /// Bytes.
    Bytes,
    /// Chinese words.
    Jieba(ChineseOptions),
    /// Whole words that a table knows, and the parts of those it does not.
    Hybrid {
        /// What cuts words: a tokenizer that needs nothing but its name.
        words: String,
        /// What cuts unknown words: a stored tokenizer.
        parts: String,
    },
    /// A tokenizer.json.
    Json,
    /// BERT's vocab.txt.
    WordPiece {
        /// Whether case matters.
        cased: bool,
    },
    /// vocab.json and merges.txt.
    BytePairs,
    /// tiktoken's ranks.
    Tiktoken {
        /// How texts are split; none to tell by the number of ranks.
        pattern: Option<Pattern>,
        /// Special tokens with their numbers; empty for those known by the pattern's name.
        specials: Vec<(String, u32)>,
    },
    /// A `SentencePiece` model.
    SentencePiece,
}

impl Kind {
    /// The kinds that need nothing but their name.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "whitespace" => Self::Whitespace,
            "rules" => Self::Rules(RuleSet::default()),
            "unicode-words" => Self::UnicodeWords,
            "characters" => Self::Characters,
            "bytes" => Self::Bytes,
            "jieba" => Self::Jieba(ChineseOptions::default()),
            _ => return None,
        })
    }

    /// The names of those kinds.
    pub const NAMES: [&str; 6] =
        ["whitespace", "rules", "unicode-words", "characters", "bytes", "jieba"];

    /// The name of the kind.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Whitespace => "whitespace",
            Self::Rules(_) => "rules",
            Self::UnicodeWords => "unicode-words",
            Self::Characters => "characters",
            Self::Bytes => "bytes",
            Self::Jieba(_) => "jieba",
            Self::Hybrid { .. } => "hybrid",
            Self::Json => "tokenizer.json",
            Self::WordPiece { .. } => "wordpiece",
            Self::BytePairs => "bpe",
            Self::Tiktoken { .. } => "tiktoken",
            Self::SentencePiece => "sentencepiece",
        }
    }

    /// How many files it is read from.
    pub fn file_count(&self) -> usize {
        match self {
            Self::Whitespace
            | Self::Rules(_)
            | Self::UnicodeWords
            | Self::Characters
            | Self::Bytes
            | Self::Jieba(_)
            | Self::Hybrid { .. } => 0,
            Self::Json | Self::WordPiece { .. } | Self::Tiktoken { .. } | Self::SentencePiece => 1,
            Self::BytePairs => 2,
        }
    }

    /// The kind of files, by looking at them.
    ///
    /// # Errors
    ///
    /// If they look like none.
    pub fn detect(files: &[File]) -> Result<Self> {
        for file in files {
            file.check()?;
        }
        match files {
            [_, _] => Ok(Self::BytePairs),
            [only] if only.text().trim_ascii_start().starts_with(b"{") => Ok(Self::Json),
            // Field 1 of the model is a message: its first piece.
            [only] if only.bytes.starts_with(b"\x0a") && only.bytes.contains(&0) => {
                Ok(Self::SentencePiece)
            }
            [only] if ranks::is_ranks(only.text()) => {
                let pattern: Option<RanksPattern> = None;
                Ok(Self::Tiktoken { pattern, specials: Vec::new() })
            }
            [only] if only.text().split(|&byte| byte == b'\n').any(is_unknown) => {
                // A cased vocabulary has words with capitals; the special tokens are no words.
                let is_cased = |line: &[u8]| {
                    !line.starts_with(b"[") && line.iter().any(u8::is_ascii_uppercase)
                };
                let cased = only.bytes.split(|&byte| byte == b'\n').any(is_cased);
                Ok(Self::WordPiece { cased })
            }
            _ => Err(Error::invalid(
                "files",
                "these look like no tokenizer; name the kind: tokenizer.json, vocab.txt (a line is \
                 [UNK]), vocab.json with merges.txt, a SentencePiece model, or tiktoken's ranks",
            )),
        }
    }
}

fn is_unknown(line: &[u8]) -> bool {
    line.trim_ascii_end() == b"[UNK]"
}

/// A file that a tokenizer is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name, for people.
    pub name: String,
    /// All of it.
    pub bytes: Vec<u8>,
}

impl File {
    /// All of it but byte order marks, which mean nothing in UTF-8.
    pub(crate) fn text(&self) -> &[u8] {
        without_marks(&self.bytes)
    }

    /// Whether it may be what it is named for, and no page or pointer in its place.
    pub(crate) fn check(&self) -> Result<()> {
        beginning(&self.bytes)
            .map_or(Ok(()), |kind| Err(Error::invalid("files", format!("{} is {kind}", self.name))))
    }
}

/// A tokenizer as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Its kind.
    pub kind: Kind,
    /// As many as the kind needs.
    pub files: Vec<File>,
}
