//! An embedding table in memory: vocabulary, vectors and norms, immutable once built; and what it is
//! after some writes.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `added.rs` | words that writes added |
//! | `attributes.rs` | what else is known of a word |
//! | `builder.rs` | `TableBuilder`: the only way in; checks every row |
//! | `change.rs` | what a write does to one word |
//! | `columns.rs` | the attributes of many rows, one column a name |
//! | `date.rs` | points in time as attributes |
//! | `input.rs` | what a transformer adds to a token's vector |
//! | `meta.rs` | what is known of a table beside its rows |
//! | `part/` | its parts as sealed files |
//! | `view.rs` | a table after some writes |

mod added;
pub mod attributes;
pub mod builder;
pub mod change;
pub mod columns;
pub mod date;
pub mod input;
pub mod meta;
pub mod part;
pub mod view;

use std::borrow::Cow;
use std::sync::Arc;

use crate::table::input::Inputs;
use crate::text::subword::Subwords;
use crate::text::vocab::Vocab;
use crate::vector::rows::{Reader, Rows};
use crate::vector::{Dtype, RowId, scalar};

/// A vocabulary and one vector a word, as imported and rounded to the table's dtype. Every value is finite.
#[derive(Debug)]
pub struct Table {
    vocab: Vocab,
    rows: Rows,
    norms: Vec<f32>,
    subwords: Option<Arc<Subwords>>,
    inputs: Inputs,
}

impl Table {
    /// The same with the n-grams that make vectors of words it does not have.
    #[must_use]
    pub fn with_subwords(self, subwords: Option<Arc<Subwords>>) -> Self {
        Self { subwords, ..self }
    }

    /// The same with what a transformer adds to a token's vector.
    #[must_use]
    pub fn with_inputs(self, inputs: Inputs) -> Self {
        Self { inputs, ..self }
    }

    /// What a transformer adds to a token's vector, if the import brought it.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// What makes vectors of words it does not have, if the import brought it.
    pub fn subwords(&self) -> Option<&Arc<Subwords>> {
        self.subwords.as_ref()
    }

    /// Components of each vector.
    pub fn dim(&self) -> usize {
        self.rows.dim()
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.vocab.is_empty()
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.vocab.len()
    }

    /// The row of a word.
    pub fn row(&self, word: &[u8]) -> Option<RowId> {
        self.vocab.row(word)
    }

    /// The bytes of a row's word.
    ///
    /// # Panics
    ///
    /// If there is no such row, as with every method that takes a row.
    pub fn word(&self, row: RowId) -> &[u8] {
        self.vocab.word(row)
    }

    /// Asks the processor to fetch words that will be read soon.
    pub fn prefetch_words(&self, rows: impl Iterator<Item = RowId> + Clone) {
        self.vocab.prefetch(rows);
    }

    /// A row's word to show: U+FFFD stands for what is not UTF-8.
    pub fn shown(&self, row: RowId) -> Cow<'_, str> {
        self.vocab.shown(row)
    }

    /// How the components of its vectors are kept.
    pub fn dtype(&self) -> Dtype {
        self.rows.dtype()
    }

    /// A row's vector, as it is kept. Loops take a [`Table::reader`], which needs no memory for each row.
    #[inline]
    pub fn vector(&self, row: RowId) -> Cow<'_, [f32]> {
        self.rows.row(row)
    }

    /// Shows vectors one after the other.
    pub fn reader(&self) -> Reader<'_> {
        self.rows.reader()
    }

    /// Asks the processor to fetch a vector that will be read soon.
    #[inline]
    pub fn prefetch(&self, row: RowId) {
        self.rows.prefetch(row);
    }

    /// The same for its length.
    #[inline]
    pub fn prefetch_norm(&self, row: RowId) {
        crate::vector::kernel::prefetch(&self.norms[row.index()..][..1]);
    }

    /// The Euclidean length of a row's vector; 0 for a row of zeros.
    pub fn norm(&self, row: RowId) -> f32 {
        self.norms[row.index()]
    }

    /// A row's vector at length 1; a row of zeros stays so.
    pub fn unit(&self, row: RowId) -> Vec<f32> {
        let vector = self.vector(row);
        crate::vector::algebra::unit(&vector).unwrap_or_else(|| vector.to_vec())
    }

    /// The cosine similarity of a row and a vector, in double precision; 0 if one is all zeros.
    pub fn similarity(&self, row: RowId, vector: &[f32]) -> f64 {
        scalar::cosine(&self.vector(row), vector)
    }

    /// Whether the table has this row.
    pub fn has(&self, row: RowId) -> bool {
        row.index() < self.len()
    }

    /// Bytes of all words together.
    pub fn word_bytes(&self) -> usize {
        self.vocab.word_bytes()
    }

    /// Bytes of its vectors that stay on the disk, and of which the system keeps in memory what it sees fit.
    pub fn mapped_bytes(&self) -> usize {
        self.rows.lent_bytes()
    }

    /// Bytes of memory it takes.
    pub fn memory_bytes(&self) -> usize {
        self.vocab.memory_bytes()
            + self.rows.memory_bytes()
            + self.norms.capacity() * size_of::<f32>()
            + self.inputs.iter().flatten().map(|inputs| inputs.memory_bytes()).sum::<usize>()
    }
}
