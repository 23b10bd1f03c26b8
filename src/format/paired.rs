//! `Paired`: reads the rows of a matrix with words that stand elsewhere.

use crate::error::{At, Result};
use crate::format::source::FORGET_BYTES;
use crate::format::tensor::Matrix;
use crate::format::words::Words;
use crate::format::{Fault, Note, Reason, Row, RowReader, Step};
use crate::table::attributes::{AttributeValue, Attributes};
use crate::vector::Dtype;

/// Words and a matrix, side by side.
pub(super) struct Paired {
    /// None: rows are named by their numbers.
    words: Option<Words>,
    matrix: Box<dyn Matrix>,
    next: usize,
    rows_per_forget: usize,
    notes: Vec<Note>,
}

impl Paired {
    /// Rows without a word are faults, words without a row are noted.
    pub(super) fn new(words: Words, matrix: Box<dyn Matrix>, mut notes: Vec<Note>) -> Self {
        if words.len() > matrix.rows() {
            let more = words.len() - matrix.rows();
            let first = crate::format::shown(words.get(matrix.rows()));
            let at = At::Row(matrix.rows() as u64);
            let detail = format!("{more} words have no vector, \"{first}\" the first");
            notes.push(Note { reason: "word_without_vector", done: "left out", at, detail });
        }
        Self::of(Some(words), matrix, notes)
    }

    /// Rows whose words are their numbers, which is noted.
    #[cfg(any(test, feature = "hdf5"))]
    pub(super) fn numbered(matrix: Box<dyn Matrix>, mut notes: Vec<Note>) -> Self {
        notes.push(Note {
            reason: "no_words",
            done: "rows were named by their numbers",
            at: At::Row(0),
            detail: "the file has no words; --words FILE names a file with one a line".to_owned(),
        });
        Self::of(None, matrix, notes)
    }

    fn of(words: Option<Words>, matrix: Box<dyn Matrix>, mut notes: Vec<Note>) -> Self {
        if matrix.dtype() == "f64" {
            notes.push(Note {
                reason: "rounded",
                done: "rounded to single precision",
                at: At::Row(0),
                detail: "the file has numbers of double precision".to_owned(),
            });
        }
        let rows_per_forget = (FORGET_BYTES / size_of::<f32>() / matrix.dim().max(1)).max(1);
        Self { words, matrix, next: 0, rows_per_forget, notes }
    }
}

impl RowReader for Paired {
    fn dim(&self) -> usize {
        self.matrix.dim()
    }

    fn claimed_rows(&self) -> Option<u64> {
        Some(self.matrix.rows() as u64)
    }

    fn counted_rows(&self) -> Option<usize> {
        self.matrix.counted_rows()
    }

    fn read(&mut self, row: &mut Row) -> Result<Step> {
        if self.next >= self.matrix.rows() {
            return Ok(Step::End);
        }
        let number = self.next;
        self.next += 1;
        if number.is_multiple_of(self.rows_per_forget) {
            self.matrix.forget();
        }
        let at = self.matrix.at(number);
        let own = number.to_string();
        let (word, words) = match &self.words {
            Some(words) => (words.get(number), words.len()),
            None => (own.as_bytes(), self.matrix.rows()),
        };
        if word.is_empty() {
            let (reason, detail) = if number >= words {
                (Reason::NoWord, "the vocabulary ends before this row".to_owned())
            } else {
                (Reason::NoWord, "the vocabulary has no word for this row".to_owned())
            };
            return Ok(Step::Fault(Fault { reason, at, word: String::new(), detail }));
        }
        row.word.clear();
        row.word.extend_from_slice(word);
        row.at = at;
        row.attributes = Attributes::new();
        if let Some((name, value)) = self.words.as_ref().and_then(|words| words.number(number)) {
            let number = AttributeValue::Number(value);
            let count = number.count().filter(|_| name == "count" && value.fract() == 0.0);
            row.attributes.set(name.to_owned(), count.map_or(number, AttributeValue::from));
        }
        self.matrix.row(number, &mut row.vector)?;
        Ok(Step::Row)
    }

    fn notes(&self) -> Vec<Note> {
        self.notes.clone()
    }

    fn dtype(&self) -> &'static str {
        self.matrix.dtype()
    }

    fn suits(&self) -> Dtype {
        self.matrix.suits()
    }
}
