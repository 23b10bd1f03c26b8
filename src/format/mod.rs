//! Embedding files in and out, plain or compressed; and models in several files.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `entry.rs` | what is known of a format: its entry |
//! | `registry.rs` | the table of formats, a line each |
//! | `open.rs` | opens a file, or a main file with its companions |
//! | `folder.rs` | which files of a folder belong together |
//! | `source/` | files as streams or as bytes that are there; what is packed around them |
//! | `whole.rs` | a file with those beside it, for formats that are read as a whole |
//! | `foreign.rs` | the names of file kinds that are refused |
//! | `tensor.rs` `quantized.rs` | matrices as they lie in files |
//! | `words.rs` `paired.rs` | words beside a matrix |
//! | `spacy.rs` | the words of spaCy's vectors |
//! | `beside.rs` | the tokenizer that words come from |
//! | `checkpoint.rs` | the table of a transformer, its other tables, and its shards |
//! | `lines/` `csv/` `json/` | formats read as streams |
//! | `roles.rs` | which columns are words, components and attributes: one rule for all |
//! | `literal.rs` | numbers as they are written |
//! | `columns/` | Parquet and Arrow |
//! | `pickle/` | models of gensim and tensors of `PyTorch`, without running any code |
//! | `hdf5/` | arrays of HDF5, behind the feature `hdf5` |
//! | the others | a format that is read as a whole each |
//! | `intake.rs` | rows become a table under policies, and are accounted for |
//! | `selection.rs` `write.rs` | writes tables |
//!
//! A new format is a file with its entry, a line in `registry.rs`, and its name in
//! `proto/wordspace/v1/transfer.proto`.
//!
//! # Layouts
//!
//! | format | header | row |
//! | --- | --- | --- |
//! | word2vec text | `V D\n` | `word f f ... f\n`; a space or CR before `\n` is let go |
//! | word2vec binary | `V D\n` | `word `, D little-endian floats; `\n` before a word is let go |
//! | GloVe | none | as word2vec text |
//!
//! V is the number of rows, D the number of components. A byte order mark at the very start is let
//! go, and so are blank lines at the very end.
//!
//! # Words with spaces
//!
//! A text row is split from its right end: the last D fields are numbers, one separator stands
//! before the first of them, and all bytes before that are the word. So words may contain spaces,
//! begin or end with one, or be one; other tools, gensim among them, cannot read such rows. The
//! separator is the byte 0x20 and nothing else of Unicode's spaces; only in a line without any 0x20
//! it is the tab.
//!
//! A row may thus hide a number too many in its word. It is reported as
//! [`Reason::WrongDimension`] if all that follows the first space of the word are numbers as long
//! as the row's own: `of 1.5 2.5 3.5` has three components, but `web 2.0 0.1234 0.5678` is the
//! word `web 2.0` with two.

mod beside;
mod checkpoint;
mod columns;
mod csv;
mod entry;
mod fasttext;
mod fbin;
mod finalfusion;
mod floret;
mod folder;
mod foreign;
mod gguf;
mod gguf_blocks;
mod hdf5;
pub mod intake;
mod json;
mod lines;
mod literal;
mod magnitude;
mod npy;
mod npz;
mod open;
mod paired;
mod pickle;
mod projector;
mod quantized;
mod registry;
mod roles;
mod safetensors;
mod selection;
pub mod source;
mod spacy;
mod tensor;
mod whole;
mod words;
mod wordspace;
pub(crate) mod write;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use crate::error::{At, Error, ErrorKind, Result};
use crate::table::attributes::Attributes;
use crate::table::input::InputTables;
use crate::text::spec::Spec;
use crate::text::subword::Subwords;
use crate::vector::Dtype;

pub use folder::{companions, folder, shard};
pub use json::attribute as json_attribute;
pub use literal::plain_value;
pub use open::{Options, open, open_files};
pub use registry::Format;
pub use selection::Selection;
pub use source::unpack::{Compression, unpacked};
pub use whole::Choices;
pub use words::stem;
pub use write::{Outputs, write};

/// A row of a file. Its buffers are used again from row to row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The word's bytes as they stand in the file; not empty, maybe not UTF-8.
    pub word: Vec<u8>,
    /// The vector, of the reader's dimension; NaN and infinity are possible.
    pub vector: Vec<f32>,
    /// Where the row begins.
    pub at: At,
    /// What else the file tells of the word.
    pub attributes: Attributes,
}

impl Default for Row {
    fn default() -> Self {
        let (word, vector, attributes) = Default::default();
        Self { word, vector, at: At::Byte(0), attributes }
    }
}

/// What one reading step found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A row.
    Row,
    /// A row that is wrong; the next step goes on behind it. What the row's buffers hold is
    /// nobody's business.
    Fault(Fault),
    /// The end of the file.
    End,
}

/// A row that is wrong but can be stepped over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind of wrong.
    pub reason: Reason,
    /// Where the row begins.
    pub at: At,
    /// The row's word as far as one can tell, to show: U+FFFD for what is not UTF-8, clipped.
    pub word: String,
    /// What is wrong, in a clause.
    pub detail: String,
}

/// Why a row is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A component is not a number.
    UnreadableNumber,
    /// Another number of components than the file's.
    WrongDimension,
    /// No word stands before the vector, or the line is blank.
    EmptyWord,
    /// The vocabulary has no word for the row, such as those that only fill a table up.
    NoWord,
    /// A line is no record of its format.
    UnreadableRow,
    /// There is no text to make a vector of.
    EmptyText,
    /// The table whose words make vectors of texts knows none of a text.
    NoKnownWord,
}

impl Reason {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnreadableNumber => "unreadable_number",
            Self::WrongDimension => "wrong_dimension",
            Self::EmptyWord => "empty_word",
            Self::NoWord => "no_word",
            Self::UnreadableRow => "unreadable_row",
            Self::EmptyText => "empty_text",
            Self::NoKnownWord => "no_known_word",
        }
    }

    /// Whether such rows are left out whatever the caller's policy: models have them on purpose, and
    /// texts have empty lines.
    pub fn is_always_left_out(self) -> bool {
        match self {
            Self::NoWord | Self::EmptyText | Self::NoKnownWord => true,
            Self::UnreadableNumber
            | Self::WrongDimension
            | Self::EmptyWord
            | Self::UnreadableRow => false,
        }
    }
}

/// An oddity of a file that is not one row's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Such as `rounded`.
    pub reason: &'static str,
    /// What was done about it.
    pub done: &'static str,
    /// Where.
    pub at: At,
    /// What was found, in a clause.
    pub detail: String,
}

/// The rows of a file, one after the other.
pub trait RowReader: Send {
    /// Components of each vector, from 1 to `DIM_MAX`.
    fn dim(&self) -> usize;

    /// How many rows the header claims; none without a header. Nothing is done about a file that
    /// has more or fewer.
    fn claimed_rows(&self) -> Option<u64>;

    /// How many rows there are at most, if the bytes that are there tell; nobody's claim.
    fn counted_rows(&self) -> Option<usize> {
        None
    }

    /// Reads the next row. After [`Step::End`] there is nothing but [`Step::End`].
    ///
    /// # Errors
    ///
    /// If the file cannot be read on from here, or its source failed. Reading ends with it.
    fn read(&mut self, row: &mut Row) -> Result<Step>;

    /// What else is odd about the file; all of it is known at the end.
    fn notes(&self) -> Vec<Note> {
        Vec::new()
    }

    /// How its numbers are stored.
    fn dtype(&self) -> &'static str {
        "text"
    }

    /// The dtype of a table that holds its rows as they are.
    fn suits(&self) -> Dtype {
        tensor::suiting(self.dtype())
    }
}

/// A file whose format is known.
pub struct Opened {
    /// Reads the rows.
    pub reader: Box<dyn RowReader>,
    /// The file's format.
    pub format: Format,
    /// How it is compressed.
    pub compression: Compression,
    /// What makes vectors of words that are not in the file, if it has that.
    pub subwords: Option<Arc<Subwords>>,
    /// What a transformer adds to a token's vector, if a checkpoint has it.
    pub inputs: Option<Arc<InputTables>>,
    /// The tokenizer whose tokens the words are, if it came with the file.
    pub tokenizer: Option<Spec>,
    /// Other tables that a checkpoint has.
    pub tables: Vec<OtherTable>,
}

/// A table of a checkpoint that is not that of its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherTable {
    /// The tensor's name.
    pub name: String,
    /// Its rows.
    pub rows: usize,
    /// Components of each.
    pub dim: usize,
    /// How its numbers are stored, as the file says.
    pub dtype: String,
    /// Whether it is kept beside the words.
    pub is_kept: bool,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("format", &self.format)
            .field("compression", &self.compression)
            .field("subwords", &self.subwords)
            .field("tables", &self.tables)
            .finish_non_exhaustive()
    }
}

fn malformed(format: &'static str, at: At, problem: impl Into<String>) -> Error {
    Error::new(ErrorKind::Malformed { format, at, problem: problem.into() })
}

/// Bytes of a file to show in a message: U+FFFD for what is not UTF-8 or controls terminals, at
/// most 64 characters.
fn shown(bytes: &[u8]) -> String {
    const CHARS_MAX: usize = 64;
    // A character has at most four bytes.
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * CHARS_MAX + 4)]);
    let visible = |c: char| if c.is_control() && c != '\t' { '\u{FFFD}' } else { c };
    let mut shown: String = text.chars().take(CHARS_MAX).map(visible).collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        shown += "...";
    }
    shown
}
