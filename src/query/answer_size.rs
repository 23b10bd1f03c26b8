//! What an answer takes as a message, counted while it is composed: one that has no room in a message is refused
//! before it is made.

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::table::columns::RowAttributes;

/// Bytes of an answer so far.
#[derive(Debug, Default)]
pub struct AnswerSize {
    bytes: usize,
    rows: usize,
}

impl AnswerSize {
    /// Adds a row, or a vector, that takes so many bytes beside numbers and lengths.
    ///
    /// # Errors
    ///
    /// `TooLarge`, with the number of those that fit, from the first on that does not.
    pub fn add(&mut self, bytes: usize) -> Result<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        self.check()?;
        self.rows += 1;
        Ok(())
    }

    /// Whether all that was added has room.
    ///
    /// # Errors
    ///
    /// As [`AnswerSize::add`], if it has not.
    pub fn check(&self) -> Result<()> {
        if self.bytes > limits::MESSAGE_BYTES_MAX {
            let (max, got) = (limits::MESSAGE_BYTES_MAX as u64, self.bytes as u64);
            let kind = ErrorKind::TooLarge { limit: "MESSAGE_BYTES_MAX", max, got };
            let told = format!("there is room for {} of these", self.rows);
            return Err(Error::new(kind).context(told));
        }
        Ok(())
    }

    /// Adds a row with this word.
    ///
    /// # Errors
    ///
    /// As [`AnswerSize::add`].
    pub fn add_word(&mut self, word: &[u8]) -> Result<()> {
        self.add(word_bytes(word))
    }
}

/// Bytes of an entry beside what it holds: numbers, types and lengths.
pub const BESIDE: usize = 64;

/// Bytes of attributes on the wire.
pub(super) fn attribute_bytes(attributes: RowAttributes<'_>) -> usize {
    attributes.iter().map(|(name, value)| name.len() + value.bytes() + BESIDE).sum()
}

/// Bytes of a word on the wire. One that is not UTF-8 is sent twice: as it is, and as a text with three
/// bytes for each wrong one.
pub(super) fn word_bytes(word: &[u8]) -> usize {
    if std::str::from_utf8(word).is_ok() { word.len() } else { word.len() * 4 }
}
