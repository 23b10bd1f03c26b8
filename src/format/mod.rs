//! Embedding files in and out: word2vec text, word2vec binary and GloVe, plain or gzip.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `input.rs` | a source's bytes after decompression, through a window of bounded size |
//! | `detect.rs` | which format a file has, by looking at its beginning |
//! | `foreign.rs` | the names of file kinds that are refused |
//! | `text.rs` | reads word2vec text and GloVe |
//! | `binary.rs` | reads word2vec binary |
//! | `write.rs` | writes all three |
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

mod binary;
mod detect;
mod foreign;
mod input;
mod text;
mod write;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Read;

use crate::error::{At, Error, ErrorKind, Result};

pub use write::write;

/// The layout of an embedding file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header, then a line of text for each row.
    Word2vecText,
    /// A header, then each word with its vector as little-endian floats.
    Word2vecBinary,
    /// A line of text for each row, no header.
    Glove,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Word2vecText, Self::Word2vecBinary, Self::Glove];

    /// Its name on the command line and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Word2vecText => "word2vec-text",
            Self::Word2vecBinary => "word2vec-binary",
            Self::Glove => "glove",
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// A row of a file. Its buffers are used again from row to row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The word's bytes as they stand in the file; not empty, maybe not UTF-8.
    pub word: Vec<u8>,
    /// The vector, of the reader's dimension; NaN and infinity are possible.
    pub vector: Vec<f32>,
    /// Where the row begins.
    pub at: At,
}

impl Default for Row {
    fn default() -> Self {
        Self { word: Vec::new(), vector: Vec::new(), at: At::Byte(0) }
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
}

impl Reason {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnreadableNumber => "unreadable_number",
            Self::WrongDimension => "wrong_dimension",
            Self::EmptyWord => "empty_word",
        }
    }
}

/// The rows of a file, one after the other.
pub trait RowReader: Send {
    /// Components of each vector, from 1 to `DIM_MAX`.
    fn dim(&self) -> usize;

    /// How many rows the header claims; none without a header. Nothing is done about a file that
    /// has more or fewer.
    fn claimed_rows(&self) -> Option<u64>;

    /// Reads the next row. After [`Step::End`] there is nothing but [`Step::End`].
    ///
    /// # Errors
    ///
    /// If the file cannot be read on from here, or its source failed. Reading ends with it.
    fn read(&mut self, row: &mut Row) -> Result<Step>;
}

/// A file whose format is known.
pub struct Opened {
    /// Reads the rows.
    pub reader: Box<dyn RowReader>,
    /// The file's format.
    pub format: Format,
    /// Whether it is compressed with gzip.
    pub gzip: bool,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("format", &self.format)
            .field("gzip", &self.gzip)
            .finish_non_exhaustive()
    }
}

/// Opens an embedding file. Without a `wanted` format it is told by the file's beginning; gzip is
/// always told so.
///
/// # Errors
///
/// If the file is of another kind, or not of the wanted format; if its vectors have more than
/// `DIM_MAX` components; if the source fails. If the source fails with an [`Error`] inside its
/// [`std::io::Error`], that one comes out.
pub fn open(source: Box<dyn Read + Send>, wanted: Option<Format>) -> Result<Opened> {
    let (mut input, gzip) = input::Input::open(source)?;
    if let Some(format) = wanted {
        input.read_as(format.name());
    }
    let layout = detect::detect(&mut input, wanted)?;
    let format = layout.format;
    input.read_as(format.name());
    let reader: Box<dyn RowReader> = match format {
        Format::Word2vecText | Format::Glove => Box::new(text::TextReader::new(input, &layout)),
        Format::Word2vecBinary => Box::new(binary::BinaryReader::new(input, &layout)),
    };
    Ok(Opened { reader, format, gzip })
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
