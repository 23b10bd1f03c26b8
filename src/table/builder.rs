//! `TableBuilder`: the only way into a table; every row is checked here, and nowhere below.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::table::Table;
use crate::text::vocab::{Added, Vocab};
use crate::vector::RowId;
use crate::vector::matrix::Matrix;
use crate::vector::scalar;

/// Bytes that a row takes beside its vector and its word: where the word ends, its place in the table of
/// hashes, the vector's length.
const ROW_BYTES: usize = 20;

/// Takes rows, checks them, and ends as a [`Table`].
#[derive(Debug)]
pub struct TableBuilder {
    vocab: Vocab,
    matrix: Matrix,
}

impl TableBuilder {
    /// For vectors of `dim` components.
    ///
    /// # Errors
    ///
    /// If `dim` is 0 or over `DIM_MAX`.
    pub fn new(dim: usize) -> Result<Self> {
        if dim == 0 {
            return Err(Error::invalid("dim", "a vector has at least one component"));
        }
        at_most("DIM_MAX", limits::DIM_MAX, dim)?;
        Ok(Self { vocab: Vocab::new(), matrix: Matrix::new(dim) })
    }

    /// Adds a row. If the word is there already, nothing changes, and its row is told.
    ///
    /// # Errors
    ///
    /// If the vector has another dimension or a value that is not finite, if the word is empty, or
    /// if a limit is passed.
    pub fn push(&mut self, word: &[u8], vector: &[f32]) -> Result<Added> {
        check_word(word)?;
        check_vector(self.matrix.dim(), vector)?;
        at_most("ROWS_MAX", limits::ROWS_MAX, self.vocab.len() + 1)?;
        at_most("VOCAB_BYTES_MAX", limits::VOCAB_BYTES_MAX, self.vocab.word_bytes() + word.len())?;
        let added = self.vocab.add(word);
        if let Added::New(_) = added {
            self.matrix.push(vector);
        }
        Ok(added)
    }

    /// Overwrites the vector of a row.
    ///
    /// # Errors
    ///
    /// If the vector has another dimension or a value that is not finite.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn replace(&mut self, row: RowId, vector: &[f32]) -> Result<()> {
        check_vector(self.matrix.dim(), vector)?;
        self.matrix.row_mut(row).copy_from_slice(vector);
        Ok(())
    }

    /// Components of each vector.
    pub fn dim(&self) -> usize {
        self.matrix.dim()
    }

    /// Bytes of memory that the rows so far take.
    pub fn memory_bytes(&self) -> usize {
        let row = self.matrix.dim() * size_of::<f32>() + ROW_BYTES;
        self.len() * row + self.vocab.word_bytes()
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.vocab.len()
    }

    /// Whether there is no row yet.
    pub fn is_empty(&self) -> bool {
        self.vocab.is_empty()
    }

    /// The row of a word.
    pub fn row(&self, word: &[u8]) -> Option<RowId> {
        self.vocab.row(word)
    }

    /// The word of a row.
    pub fn word(&self, row: RowId) -> &[u8] {
        self.vocab.word(row)
    }

    /// The vector of a row.
    pub fn vector(&self, row: RowId) -> &[f32] {
        self.matrix.row(row)
    }

    /// The words of some rows, one behind the other.
    ///
    /// # Panics
    ///
    /// If there are no such rows, as the next one.
    pub fn words(&self, rows: Range<usize>) -> &[u8] {
        self.vocab.words(rows)
    }

    /// The vectors of some rows, side by side.
    pub fn vectors(&self, rows: Range<usize>) -> &[f32] {
        self.matrix.values(rows)
    }

    /// Makes room for so many rows more: for a number that was counted, not claimed.
    pub fn reserve(&mut self, rows: usize) {
        self.vocab.reserve(rows);
        self.matrix.reserve(rows);
    }

    /// The table.
    pub fn build(mut self) -> Table {
        self.vocab.shrink_to_fit();
        self.matrix.shrink_to_fit();
        #[expect(clippy::cast_possible_truncation, reason = "norms are kept in single precision")]
        let norms = self.matrix.rows().map(|row| scalar::norm(row) as f32).collect();
        Table { vocab: self.vocab, matrix: self.matrix, norms, subwords: None, inputs: None }
    }
}

/// Whether this can be a word.
pub(super) fn check_word(word: &[u8]) -> Result<()> {
    if word.is_empty() {
        return Err(Error::invalid("word", "a word has at least one byte"));
    }
    at_most("WORD_BYTES_MAX", limits::WORD_BYTES_MAX, word.len())
}

/// Whether this can be a vector of `expected` components.
pub(super) fn check_vector(expected: usize, vector: &[f32]) -> Result<()> {
    let got = vector.len();
    if expected != got {
        return Err(Error::new(ErrorKind::DimensionMismatch { expected, got }));
    }
    if scalar::is_finite(vector) {
        return Ok(());
    }
    let first = vector.iter().position(|value| !value.is_finite()).map_or(0, |i| i + 1);
    Err(Error::new(ErrorKind::NotFinite { at: format!("component {first}") }))
}

pub(super) fn at_most(limit: &'static str, max: usize, got: usize) -> Result<()> {
    if got <= max {
        return Ok(());
    }
    Err(Error::new(ErrorKind::TooLarge { limit, max: max as u64, got: got as u64 }))
}
