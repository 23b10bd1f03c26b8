//! `Whole`: a file that is there as a whole, with those beside it; and `Parts`, what is read of it.

use std::sync::Arc;

use crate::error::{At, Error, Result};
use crate::format::paired::Paired;
use crate::format::source::input::Input;
use crate::format::source::unpack::Compression;
use crate::format::source::{Bytes, Spool};
use crate::format::tensor::Matrix;
use crate::format::words::{self, Words};
use crate::format::{Note, OtherTable, RowReader, beside, malformed, shown};
use crate::table::input::InputTables;
use crate::text::spec::Spec;
use crate::text::subword::Subwords;

/// A file with its companions.
pub(super) struct Whole<'a> {
    pub(super) bytes: &'a Bytes,
    /// Its name; empty if it has none.
    pub(super) name: &'a str,
    /// The files beside it, by name.
    pub(super) others: &'a [(String, Bytes)],
    pub(super) choices: &'a Choices,
    /// The name of its format, for messages.
    pub(super) format: &'static str,
    /// The words in a companion of this name, if it is of a format that has them in its own way.
    pub(super) words_in: fn(&Bytes, &str) -> Option<Result<Words>>,
}

/// What the caller says about a file.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// The tensor or the array to read; none for a known one.
    pub tensor: Option<String>,
    /// The companion that holds the words; none to look.
    pub words: Option<String>,
    /// What stands between fields; none for what the format says.
    pub delimiter: Option<u8>,
    /// What stands before the decimals of a number, `.` or `,`; none to look.
    pub decimal: Option<u8>,
    /// Whether the first line names columns; none to look.
    pub header: Option<bool>,
    /// Where streams are kept that must be seen as a whole.
    pub spool: Spool,
}

/// What a file holds.
pub(super) struct Parts {
    pub(super) reader: Box<dyn RowReader>,
    pub(super) subwords: Option<Arc<Subwords>>,
    pub(super) inputs: Option<Arc<InputTables>>,
    pub(super) tokenizer: Option<Spec>,
    pub(super) tables: Vec<OtherTable>,
}

impl Parts {
    /// Rows and nothing else.
    pub(super) fn rows(reader: impl RowReader + 'static) -> Self {
        Self::boxed(Box::new(reader))
    }

    pub(super) fn boxed(reader: Box<dyn RowReader>) -> Self {
        let (subwords, inputs, tokenizer, tables) = (None, None, None, Vec::new());
        Self { reader, subwords, inputs, tokenizer, tables }
    }

    pub(super) fn with_subwords(self, subwords: Option<Subwords>) -> Self {
        Self { subwords: subwords.map(Arc::new), ..self }
    }
}

impl Whole<'_> {
    /// The tensor or array that was asked for.
    pub(super) fn tensor(&self) -> Option<&str> {
        self.choices.tensor.as_deref()
    }

    /// A matrix with its words, and the tokenizer that they came from if there is one.
    pub(super) fn plain(&self, own: Option<Words>, matrix: Box<dyn Matrix>) -> Result<Parts> {
        let (tokenizer, notes) = self.tokenizer(own.is_some(), false)?;
        let reader = self.paired(own, matrix, notes, false)?;
        Ok(Parts { tokenizer, ..Parts::rows(reader) })
    }

    /// A matrix with its words. A list of them must have one for every row, or, where tables are
    /// padded, at most that.
    pub(super) fn paired(
        &self,
        own: Option<Words>,
        matrix: Box<dyn Matrix>,
        mut notes: Vec<Note>,
        is_padded: bool,
    ) -> Result<Paired> {
        let rows = matrix.rows();
        let words = match self.words(rows, own.is_some())? {
            Some(words) => {
                notes.push(self.check(&words, rows, is_padded)?);
                words
            }
            None => own.ok_or_else(|| self.no_words())?,
        };
        Ok(Paired::new(words, matrix, notes))
    }

    /// Whether the words of a companion can be those of so many rows; tells which they are.
    pub(super) fn check(&self, words: &Words, rows: usize, is_padded: bool) -> Result<Note> {
        let file = self.words_file(false)?.map_or("", |(name, _)| name.as_str());
        let file = shown(file.as_bytes());
        let count = words.len();
        let fits = count == rows || (is_padded && count < rows);
        if words.is_list() && !fits {
            let problem = format!(
                "{file} has {count} words and the table {rows} rows: it is not the list of its words, \
                 which has one a row, in the same order"
            );
            return Err(malformed(self.format, At::Byte(0), problem));
        }
        let numbered = match (words.number_name(), words.unnumbered_count()) {
            (Some(name), 0) => format!(", each with its {name}"),
            (Some(name), without) => format!(", {} with their {name}", count - without),
            (None, _) => String::new(),
        };
        let tabs = match words.tab_count() {
            0 => String::new(),
            tabs => format!("; {tabs} of them hold a tab"),
        };
        let told = format!("{count} words of {file}{numbered}{tabs}");
        let done = "read as the words of the rows";
        Ok(Note { reason: "words", done, at: At::Row(0), detail: told })
    }

    /// The words of the companion that was named, or else of one that is known to hold them, unless
    /// the file has its own.
    pub(super) fn words(&self, rows: usize, has_own: bool) -> Result<Option<Words>> {
        let Some((name, bytes)) = self.words_file(has_own)? else { return Ok(None) };
        if let Some(words) = (self.words_in)(bytes, name) {
            return words.map(Some);
        }
        words::check_size(name, bytes)?;
        if Compression::of(bytes) == Compression::None {
            return Words::from_file(name, bytes, rows).map(Some);
        }
        let mut input = Input::open(Box::new(bytes.reader()))?;
        let unpacked = self.choices.spool.keep(&mut input)?;
        let inner = name.rsplit_once('.').map_or(name.as_str(), |(inner, _)| inner);
        Words::from_file(inner, &unpacked, rows).map(Some)
    }

    fn words_file(&self, has_own: bool) -> Result<Option<&(String, Bytes)>> {
        match &self.choices.words {
            Some(wanted) => {
                let named = self.others.iter().find(|(name, _)| name == wanted);
                let missing = || {
                    let problem = format!("the file of words, {wanted}, is not there");
                    malformed(self.format, At::Byte(0), problem)
                };
                Ok(Some(named.ok_or_else(missing)?))
            }
            None if has_own => Ok(None),
            None => Ok(words::find(self.name, self.others)),
        }
    }

    /// The tokenizer of the words: the file that has them, if it is one; or else, if `looks_on` and
    /// the words are the file's own, the first that is known.
    pub(super) fn tokenizer(
        &self,
        has_own: bool,
        looks_on: bool,
    ) -> Result<(Option<Spec>, Vec<Note>)> {
        let found = match self.words_file(has_own)? {
            Some((name, _)) => Some(name.as_str()),
            None if looks_on => beside::first(self.others),
            None => None,
        };
        Ok(found.map_or((None, Vec::new()), |name| beside::tokenizer(name, self.others)))
    }

    pub(super) fn no_words(&self) -> Error {
        let stem = words::stem(self.name);
        let stem = if stem.is_empty() { "NAME" } else { stem };
        let problem = format!(
            "the file has vectors and no words; put {stem}.words.txt, vocab.txt, vocab.json, \
             tokenizer.json or tokenizer.model beside it, or name a file with a word a line with \
             --words FILE"
        );
        malformed(self.format, At::Byte(0), problem)
    }
}
