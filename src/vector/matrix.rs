//! `Matrix`: rows of the same length, side by side in one allocation.

use std::ops::Range;

use crate::vector::RowId;

/// Rows of `dim` floats each.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    dim: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// No rows yet.
    ///
    /// # Panics
    ///
    /// If `dim` is 0.
    pub fn new(dim: usize) -> Self {
        assert!(dim > 0, "a matrix needs at least one column");
        Self { dim, values: Vec::new() }
    }

    /// Adds a row at the end.
    ///
    /// # Panics
    ///
    /// If `row` has another length than `dim`.
    pub fn push(&mut self, row: &[f32]) {
        assert_eq!(row.len(), self.dim, "every row has the matrix's dimension");
        self.values.extend_from_slice(row);
    }

    /// Components of each row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// One row.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn row(&self, row: RowId) -> &[f32] {
        let start = row.index() * self.dim;
        &self.values[start..start + self.dim]
    }

    /// Some rows, side by side.
    ///
    /// # Panics
    ///
    /// If there are no such rows.
    pub fn values(&self, rows: Range<usize>) -> &[f32] {
        &self.values[rows.start * self.dim..rows.end * self.dim]
    }

    /// One row, to be overwritten.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn row_mut(&mut self, row: RowId) -> &mut [f32] {
        let start = row.index() * self.dim;
        &mut self.values[start..start + self.dim]
    }

    /// Takes the first rows away; those behind have lower numbers then.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    pub fn drop_first(&mut self, rows: usize) {
        self.values.drain(..rows * self.dim);
    }

    /// Every row, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.dim)
    }

    /// Makes room for so many rows more.
    pub fn reserve(&mut self, rows: usize) {
        self.values.reserve(rows.saturating_mul(self.dim));
    }

    /// Gives back memory that was reserved for growth.
    pub fn shrink_to_fit(&mut self) {
        self.values.shrink_to_fit();
    }

    /// Bytes of memory it takes.
    pub fn memory_bytes(&self) -> usize {
        self.values.capacity() * size_of::<f32>()
    }
}
