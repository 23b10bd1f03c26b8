//! Special tokens: their roles, and what becomes of texts that look like them.

use std::ops::Range;

use regex::Regex;

use crate::error::{Error, Result};

/// A token that stands for something else than text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Special {
    /// As it is written in the vocabulary.
    pub token: String,
    /// Its number.
    pub id: u32,
    /// What it is for.
    pub role: Role,
}

/// What a special token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Stands for what the vocabulary does not have.
    Unknown,
    /// Begins a text.
    Begin,
    /// Ends a text.
    End,
    /// Fills up.
    Pad,
    /// Stands for a word to be guessed.
    Mask,
    /// Begins a pair of texts, and stands for them.
    Class,
    /// Stands between two texts.
    Separator,
    /// Anything else.
    Other,
}

impl Role {
    /// By the names that models use.
    pub fn of(token: &str) -> Self {
        match token {
            "[UNK]" | "<unk>" | "<|unk|>" | "<UNK>" => Self::Unknown,
            "[BOS]" | "<s>" | "<bos>" | "<|begin_of_text|>" | "<|startoftext|>" | "<BOS>" => {
                Self::Begin
            }
            "[EOS]" | "</s>" | "<eos>" | "<|end_of_text|>" | "<|endoftext|>" | "<endoftext>"
            | "<|eot_id|>" | "<EOS>" => Self::End,
            "[PAD]" | "<pad>" | "<|pad|>" | "<PAD>" => Self::Pad,
            "[MASK]" | "<mask>" | "<|mask|>" => Self::Mask,
            "[CLS]" | "<cls>" => Self::Class,
            "[SEP]" | "<sep>" => Self::Separator,
            _ => Self::Other,
        }
    }
}

/// What becomes of a text that is written like a special token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpecialText {
    /// As the library the tokenizer comes from: models of Hugging Face's kind parse it, tiktoken
    /// refuses it, `SentencePiece` takes it for text.
    #[default]
    Own,
    /// It is the special token.
    Parse,
    /// It is text as any other.
    Plain,
    /// The question is refused.
    Refuse,
}

/// Finds special tokens in texts.
#[derive(Clone, Debug, Default)]
pub struct Specials {
    /// By id.
    list: Vec<Special>,
    /// None if there are none.
    finder: Option<Regex>,
}

impl Specials {
    /// None at all.
    pub(crate) const NONE: Self = Self { list: Vec::new(), finder: None };

    /// These; an id or token that comes twice counts once.
    ///
    /// # Errors
    ///
    /// If they are too many or too long to look for.
    pub fn new(mut list: Vec<Special>) -> Result<Self> {
        list.retain(|special| !special.token.is_empty());
        list.sort_by_key(|special| special.id);
        list.dedup_by(|a, b| a.id == b.id);
        // The longest first, so that a token which begins like another is found.
        let mut tokens: Vec<&str> = list.iter().map(|special| special.token.as_str()).collect();
        tokens.sort_by_key(|token| (std::cmp::Reverse(token.len()), *token));
        let pattern: Vec<_> = tokens.into_iter().map(regex::escape).collect();
        let finder = (!pattern.is_empty()).then(|| Regex::new(&pattern.join("|"))).transpose();
        let finder = finder.map_err(|_| {
            Error::invalid("files", "the special tokens are too many or too long to look for")
        })?;
        Ok(Self { list, finder })
    }

    /// All, by id.
    pub fn list(&self) -> &[Special] {
        &self.list
    }

    /// The one with this number.
    pub fn of_id(&self, id: u32) -> Option<&Special> {
        let at = self.list.binary_search_by_key(&id, |special| special.id).ok()?;
        Some(&self.list[at])
    }

    /// The one that is written so.
    pub fn of_token(&self, token: &str) -> Option<&Special> {
        self.list.iter().find(|special| special.token == token)
    }

    /// The first with this role.
    pub fn of_role(&self, role: Role) -> Option<&Special> {
        self.list.iter().find(|special| special.role == role)
    }

    /// Where they stand in a text, in order.
    fn find<'s>(&'s self, text: &'s str) -> impl Iterator<Item = (Range<usize>, &'s Special)> {
        let found = self.finder.iter().flat_map(|finder| finder.find_iter(text));
        found.filter_map(|found| Some((found.range(), self.of_token(found.as_str())?)))
    }

    /// Which stand in a text and are to be special tokens there. `text` is never `Own`.
    ///
    /// # Errors
    ///
    /// If one that is not `allowed` stands there and the policy refuses it.
    pub fn wanted<'s>(
        &'s self,
        text: &'s str,
        policy: SpecialText,
        allowed: &[String],
    ) -> Result<Vec<(Range<usize>, &'s Special)>> {
        if policy == SpecialText::Plain && allowed.is_empty() {
            return Ok(Vec::new());
        }
        let mut wanted = Vec::new();
        for (range, special) in self.find(text) {
            if policy == SpecialText::Parse || allowed.contains(&special.token) {
                wanted.push((range, special));
            } else if policy == SpecialText::Refuse {
                let problem = format!(
                    "the text has the special token {} at byte {}; allow it by name, or choose to \
                     parse special tokens or to take them for text",
                    special.token, range.start
                );
                return Err(Error::invalid("special_text", problem));
            }
        }
        Ok(wanted)
    }

    /// How many stand in a text.
    pub fn count(&self, text: &str) -> usize {
        self.find(text).count()
    }
}
