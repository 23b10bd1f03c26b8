//! `Cutter`: who knows which tokenizer cuts the texts of a table.

use std::fmt::Debug;

use crate::error::Result;
use crate::text::tokenizer::Tokenizer;

/// What cuts a text where no tokenizer is named, and the table has none.
pub const FALLBACK: &str = "unicode-words";

/// Gives tokenizers to questions of a table. It is asked when a question needs one, and not before:
/// a table may get another tokenizer at any time.
pub trait Cutter: Debug + Send + Sync {
    /// The tokenizer of a name; of an empty one, that of the table, if it has one. With its name.
    ///
    /// # Errors
    ///
    /// If there is none of that name, or if it is damaged.
    fn tokenizer(&self, name: &str) -> Result<Option<(String, Tokenizer)>>;
}
