//! `Rows`: the vectors of a table side by side, each in the bytes of the table's dtype.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::vector::matrix::Matrix;
use crate::vector::{Dtype, RowId, kernel};

/// Rows of one dtype and one dimension.
#[derive(Clone, Debug)]
pub struct Rows {
    dim: usize,
    dtype: Dtype,
    kept: Kept,
}

#[derive(Clone)]
enum Kept {
    /// Of `f32`, which are there to be borrowed.
    Floats(Matrix),
    /// Of any other dtype, in memory.
    Bytes(Vec<u8>),
    /// Of any dtype, elsewhere.
    Lent(Arc<dyn Bytes>),
}

/// Bytes of rows that are not in memory of their own, such as a file's.
pub trait Bytes: Send + Sync {
    /// All of them, row by row.
    fn bytes(&self) -> &[u8];
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Floats(rows) => write!(f, "{} rows of floats", rows.len()),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Lent(lent) => write!(f, "{} bytes elsewhere", lent.bytes().len()),
        }
    }
}

impl Rows {
    /// No rows yet.
    ///
    /// # Panics
    ///
    /// If `dim` is 0.
    pub fn new(dtype: Dtype, dim: usize) -> Self {
        assert!(dim > 0, "a row has at least one component");
        let kept = match dtype {
            Dtype::F32 => Kept::Floats(Matrix::new(dim)),
            Dtype::F16 | Dtype::Bf16 | Dtype::I8 => Kept::Bytes(Vec::new()),
        };
        Self { dim, dtype, kept }
    }

    /// Rows that lie elsewhere; none if their bytes are no whole number of rows.
    ///
    /// # Panics
    ///
    /// If `dim` is 0.
    pub fn lent(dtype: Dtype, dim: usize, bytes: Arc<dyn Bytes>) -> Option<Self> {
        assert!(dim > 0, "a row has at least one component");
        let is_whole = bytes.bytes().len().is_multiple_of(dtype.row_bytes(dim));
        is_whole.then_some(Self { dim, dtype, kept: Kept::Lent(bytes) })
    }

    /// Adds a row at the end, rounded to the dtype.
    ///
    /// # Panics
    ///
    /// If it has another length than `dim`, or if the rows lie elsewhere.
    pub fn push(&mut self, row: &[f32]) {
        assert_eq!(row.len(), self.dim, "every row has the dimension of the others");
        match &mut self.kept {
            Kept::Floats(rows) => rows.push(row),
            Kept::Bytes(bytes) => self.dtype.encode(row, bytes),
            Kept::Lent(_) => unwritable(),
        }
    }

    /// Overwrites a row.
    ///
    /// # Panics
    ///
    /// As [`Rows::push`], and if there is no such row.
    pub fn replace(&mut self, row: RowId, vector: &[f32]) {
        let range = self.range(row);
        match &mut self.kept {
            Kept::Floats(rows) => rows.row_mut(row).copy_from_slice(vector),
            Kept::Bytes(bytes) => self.dtype.encode_into(vector, &mut bytes[range]),
            Kept::Lent(_) => unwritable(),
        }
    }

    /// Takes the first rows away, which are kept elsewhere; those behind have lower numbers then.
    ///
    /// # Panics
    ///
    /// If there are not so many, or if the rows lie elsewhere.
    pub fn drop_first(&mut self, rows: usize) {
        let bytes = rows * self.row_bytes();
        match &mut self.kept {
            Kept::Floats(floats) => floats.drop_first(rows),
            Kept::Bytes(kept) => drop(kept.drain(..bytes)),
            Kept::Lent(_) => unwritable(),
        }
    }

    /// Components of each row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How each component is kept.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        match &self.kept {
            Kept::Floats(rows) => rows.len(),
            Kept::Bytes(bytes) => bytes.len() / self.row_bytes(),
            Kept::Lent(lent) => lent.bytes().len() / self.row_bytes(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One row: lent where floats are in memory, turned into floats elsewhere. Loops take a
    /// [`Reader`], which needs no memory for each row.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    #[inline]
    pub fn row(&self, row: RowId) -> Cow<'_, [f32]> {
        if let Kept::Floats(rows) = &self.kept {
            return Cow::Borrowed(rows.row(row));
        }
        let mut vector = vec![0.0; self.dim];
        self.dtype.decode(self.bytes(row), &mut vector);
        Cow::Owned(vector)
    }

    /// Shows rows one after the other.
    pub fn reader(&self) -> Reader<'_> {
        Reader { rows: self, row: Vec::new() }
    }

    /// Appends the bytes of some rows, as they lie in a file.
    ///
    /// # Panics
    ///
    /// If there are no such rows.
    pub fn copy(&self, rows: Range<usize>, bytes: &mut Vec<u8>) {
        let size = self.row_bytes();
        let range = rows.start * size..rows.end * size;
        match &self.kept {
            Kept::Floats(floats) => {
                let values = floats.values(rows);
                let from = bytes.len();
                bytes.resize(from + size_of_val(values), 0);
                let places = bytes[from..].as_chunks_mut().0;
                for (place, value) in places.iter_mut().zip(values) {
                    *place = value.to_le_bytes();
                }
            }
            Kept::Bytes(kept) => bytes.extend_from_slice(&kept[range]),
            Kept::Lent(lent) => bytes.extend_from_slice(&lent.bytes()[range]),
        }
    }

    /// Asks the processor to fetch a row that will be read soon.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    #[inline]
    pub fn prefetch(&self, row: RowId) {
        match &self.kept {
            Kept::Floats(rows) => kernel::prefetch(rows.row(row)),
            Kept::Bytes(_) => kernel::prefetch(self.bytes(row)),
            // A page that is not in memory cannot be fetched so.
            Kept::Lent(_) => {}
        }
    }

    /// Makes room for so many rows more.
    pub fn reserve(&mut self, rows: usize) {
        let size = self.row_bytes();
        match &mut self.kept {
            Kept::Floats(floats) => floats.reserve(rows),
            Kept::Bytes(bytes) => bytes.reserve(rows.saturating_mul(size)),
            Kept::Lent(_) => unwritable(),
        }
    }

    /// Gives back memory that was reserved for growth.
    pub fn shrink_to_fit(&mut self) {
        match &mut self.kept {
            Kept::Floats(rows) => rows.shrink_to_fit(),
            Kept::Bytes(bytes) => bytes.shrink_to_fit(),
            Kept::Lent(_) => {}
        }
    }

    /// Bytes of memory that they take.
    pub fn memory_bytes(&self) -> usize {
        match &self.kept {
            Kept::Floats(rows) => rows.memory_bytes(),
            Kept::Bytes(bytes) => bytes.capacity(),
            Kept::Lent(_) => 0,
        }
    }

    /// Bytes that lie elsewhere, and of which the system keeps in memory what it sees fit.
    pub fn lent_bytes(&self) -> usize {
        match &self.kept {
            Kept::Floats(_) | Kept::Bytes(_) => 0,
            Kept::Lent(lent) => lent.bytes().len(),
        }
    }

    fn row_bytes(&self) -> usize {
        self.dtype.row_bytes(self.dim)
    }

    fn range(&self, row: RowId) -> Range<usize> {
        let size = self.row_bytes();
        row.index() * size..(row.index() + 1) * size
    }

    /// The bytes of a row that is not kept as floats.
    #[inline]
    fn bytes(&self, row: RowId) -> &[u8] {
        match &self.kept {
            Kept::Floats(_) => &[],
            Kept::Bytes(bytes) => &bytes[self.range(row)],
            Kept::Lent(lent) => &lent.bytes()[self.range(row)],
        }
    }
}

/// Nobody writes to what is lent.
fn unwritable() {
    unreachable!("rows that lie elsewhere are complete");
}

/// Shows rows one after the other; those that are no floats are turned into floats in one place.
#[derive(Debug)]
pub struct Reader<'r> {
    rows: &'r Rows,
    row: Vec<f32>,
}

impl Reader<'_> {
    /// A row.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    #[inline]
    pub fn row(&mut self, row: RowId) -> &[f32] {
        if let Kept::Floats(rows) = &self.rows.kept {
            return rows.row(row);
        }
        self.row.resize(self.rows.dim, 0.0);
        self.rows.dtype.decode(self.rows.bytes(row), &mut self.row);
        &self.row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Bytes for Vec<u8> {
        fn bytes(&self) -> &[u8] {
            self
        }
    }

    fn bits(rows: &Rows) -> Vec<Vec<u32>> {
        let each = (0..).map(RowId).take(rows.len());
        each.map(|row| rows.row(row).iter().map(|value| value.to_bits()).collect()).collect()
    }

    #[test]
    fn every_dtype_shows_what_it_keeps_in_every_way() {
        let vectors = [[0.25_f32, -0.7, 3.0], [1e-3, 5.0, 0.0], [7.5, -1.0, 0.1]];
        for dtype in Dtype::ALL {
            let mut rows = Rows::new(dtype, 3);
            assert!(rows.is_empty());
            for row in &vectors {
                rows.push(row);
            }
            rows.replace(RowId(1), &[0.3, 0.6, -0.9]);
            assert_eq!((rows.len(), rows.dim(), rows.dtype()), (3, 3, dtype));
            let shown = bits(&rows);
            let mut truth = vec![0.0; 3];
            let mut encoded = Vec::new();
            dtype.encode(&[0.3, 0.6, -0.9], &mut encoded);
            dtype.decode(&encoded, &mut truth);
            assert_eq!(shown[1], truth.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
            let mut copy = Vec::new();
            rows.copy(1..2, &mut copy);
            assert_eq!(copy, encoded);
            rows.copy(0..3, &mut copy);
            assert!(Rows::lent(dtype, 3, Arc::new(vec![0; dtype.row_bytes(3) + 1])).is_none());
            let lent = Rows::lent(dtype, 3, Arc::new(copy.split_off(encoded.len()))).unwrap();
            assert_eq!(bits(&lent), shown);
            assert_eq!((lent.memory_bytes(), lent.lent_bytes()), (0, 3 * dtype.row_bytes(3)));
            for rows in [&rows, &lent] {
                let mut reader = rows.reader();
                for row in [RowId(2), RowId(0)] {
                    assert_eq!(*reader.row(row), *rows.row(row));
                }
            }
        }
    }
}
