//! `TableBuilder`: the only way into a table; every row is checked here, and nowhere below.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::table::Table;
use crate::text::vocab::{Added, Vocab};
use crate::vector::rows::Rows;
use crate::vector::{Dtype, RowId, scalar};

/// Bytes that a row takes beside its vector and its word: where the word ends, its place in the table of
/// hashes, the vector's length.
const ROW_BYTES: usize = 20;
/// Characters of a word that an error shows.
const WORD_CHARS_SHOWN: usize = 64;

/// Takes rows, checks them, and ends as a [`Table`].
#[derive(Debug)]
pub struct TableBuilder {
    vocab: Vocab,
    /// All but those that were let go.
    rows: Rows,
    /// The lengths of rows that were let go.
    norms: Vec<f32>,
}

impl TableBuilder {
    /// For vectors of `dim` components in single precision.
    ///
    /// # Errors
    ///
    /// If `dim` is 0 or over `DIM_MAX`.
    pub fn new(dim: usize) -> Result<Self> {
        Self::of(Dtype::F32, dim)
    }

    /// For vectors of `dim` components of this dtype, to which they are rounded.
    ///
    /// # Errors
    ///
    /// As [`TableBuilder::new`].
    pub fn of(dtype: Dtype, dim: usize) -> Result<Self> {
        if dim == 0 {
            return Err(Error::invalid("dim", "a vector has at least one component"));
        }
        at_most("DIM_MAX", limits::DIM_MAX, dim)?;
        Ok(Self { vocab: Vocab::new(), rows: Rows::new(dtype, dim), norms: Vec::new() })
    }

    /// Adds a row. If the word is there already, nothing changes, and its row is told.
    ///
    /// # Errors
    ///
    /// If the vector has another dimension, a value that is not finite or one that the dtype cannot hold, if
    /// the word is empty, or if a limit is passed.
    pub fn push(&mut self, word: &[u8], vector: &[f32]) -> Result<Added> {
        check_word(word)?;
        check_vector((self.dtype(), self.dim()), word, vector)?;
        at_most("ROWS_MAX", limits::ROWS_MAX, self.vocab.len() + 1)?;
        at_most("VOCAB_BYTES_MAX", limits::VOCAB_BYTES_MAX, self.vocab.word_bytes() + word.len())?;
        let added = self.vocab.add(word);
        if let Added::New(_) = added {
            self.rows.push(vector);
        }
        Ok(added)
    }

    /// Overwrites the vector of a row.
    ///
    /// # Errors
    ///
    /// If the vector has another dimension, a value that is not finite or one that the dtype cannot hold.
    ///
    /// # Panics
    ///
    /// If there is no such row, or if it was let go.
    pub fn replace(&mut self, row: RowId, vector: &[f32]) -> Result<()> {
        check_vector((self.dtype(), self.dim()), self.vocab.word(row), vector)?;
        let here = self.here(row);
        self.rows.replace(here, vector);
        Ok(())
    }

    /// How the components of each vector are kept.
    pub fn dtype(&self) -> Dtype {
        self.rows.dtype()
    }

    /// Components of each vector.
    pub fn dim(&self) -> usize {
        self.rows.dim()
    }

    /// Bytes of memory that the rows so far take.
    pub fn memory_bytes(&self) -> usize {
        let vectors = self.rows.len() * self.dtype().row_bytes(self.dim());
        self.len() * ROW_BYTES + vectors + self.vocab.word_bytes()
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

    /// The vector of a row, as it is kept.
    ///
    /// # Panics
    ///
    /// If there is no such row, or if it was let go.
    pub fn vector(&self, row: RowId) -> Cow<'_, [f32]> {
        self.rows.row(self.here(row))
    }

    /// The words of some rows, one behind the other.
    ///
    /// # Panics
    ///
    /// If there are no such rows, as the next one.
    pub fn words(&self, rows: Range<usize>) -> &[u8] {
        self.vocab.words(rows)
    }

    /// Appends the bytes of some rows' vectors, as they lie in a file.
    ///
    /// # Panics
    ///
    /// If there are no such rows, or if one of them was let go.
    pub fn vectors(&self, rows: Range<usize>, bytes: &mut Vec<u8>) {
        let gone = self.norms.len();
        self.rows.copy(rows.start - gone..rows.end - gone, bytes);
    }

    /// Lets the vectors of the first rows go, which were written elsewhere: the table is then made by
    /// [`TableBuilder::build_over`].
    ///
    /// # Panics
    ///
    /// If there are not so many rows.
    pub fn let_go(&mut self, rows: usize) {
        let more = rows.saturating_sub(self.norms.len());
        self.norms.extend(norms(&self.rows, more));
        self.rows.drop_first(more);
    }

    /// Where a row stands that was not let go.
    fn here(&self, row: RowId) -> RowId {
        let gone = u32::try_from(self.norms.len()).unwrap_or(u32::MAX);
        RowId(row.0.checked_sub(gone).expect("the row was not let go"))
    }

    /// Makes room for so many rows more: for a number that was counted, not claimed.
    pub fn reserve(&mut self, rows: usize) {
        self.vocab.reserve(rows);
        self.rows.reserve(rows);
    }

    /// The table.
    ///
    /// # Panics
    ///
    /// If a row was let go.
    pub fn build(mut self) -> Table {
        assert!(self.norms.is_empty(), "a table in memory has all of its rows");
        self.rows.shrink_to_fit();
        let norms = norms(&self.rows, self.rows.len()).collect();
        self.table_of(norms, None)
    }

    /// The table, whose vectors lie elsewhere.
    ///
    /// # Panics
    ///
    /// If these are not as many, or have another dtype or dimension.
    pub fn build_over(mut self, rows: Rows) -> Table {
        let kinds = [&rows, &self.rows].map(|rows| (rows.dtype(), rows.dim()));
        assert!(kinds[0] == kinds[1] && rows.len() == self.len(), "these are the same rows");
        let mut all = std::mem::take(&mut self.norms);
        all.extend(norms(&self.rows, self.rows.len()));
        self.table_of(all, Some(rows))
    }

    fn table_of(mut self, mut norms: Vec<f32>, elsewhere: Option<Rows>) -> Table {
        self.vocab.shrink_to_fit();
        norms.shrink_to_fit();
        let rows = elsewhere.unwrap_or(self.rows);
        Table { vocab: self.vocab, rows, norms, subwords: None, inputs: None }
    }
}

/// The lengths of the first rows.
fn norms(rows: &Rows, count: usize) -> impl Iterator<Item = f32> {
    let mut reader = rows.reader();
    let first = (0..).map(RowId).take(count);
    #[expect(clippy::cast_possible_truncation, reason = "norms are kept in single precision")]
    first.map(move |row| scalar::norm(reader.row(row)) as f32)
}

/// Whether this can be a word.
pub(super) fn check_word(word: &[u8]) -> Result<()> {
    if word.is_empty() {
        return Err(Error::invalid("word", "a word has at least one byte"));
    }
    at_most("WORD_BYTES_MAX", limits::WORD_BYTES_MAX, word.len())
}

/// Whether this can be a word's vector in a table of this dtype and dimension.
pub(super) fn check_vector(
    (dtype, expected): (Dtype, usize),
    word: &[u8],
    vector: &[f32],
) -> Result<()> {
    let got = vector.len();
    if expected != got {
        return Err(Error::new(ErrorKind::DimensionMismatch { expected, got }));
    }
    if scalar::is_finite(vector) {
        return match dtype.too_large(vector) {
            None => Ok(()),
            Some(component) => Err(too_large(dtype, word, vector, component)),
        };
    }
    let first = vector.iter().position(|value| !value.is_finite()).map_or(0, |i| i + 1);
    Err(Error::new(ErrorKind::NotFinite { at: format!("component {first}") }))
}

fn too_large(dtype: Dtype, word: &[u8], vector: &[f32], component: usize) -> Error {
    let word: String = String::from_utf8_lossy(word).chars().take(WORD_CHARS_SHOWN).collect();
    let told = dtype.refusal(vector, component);
    Error::invalid("vector", format!("that of \"{word}\": {told}"))
}

pub(super) fn at_most(limit: &'static str, max: usize, got: usize) -> Result<()> {
    if got <= max {
        return Ok(());
    }
    Err(Error::new(ErrorKind::TooLarge { limit, max: max as u64, got: got as u64 }))
}
