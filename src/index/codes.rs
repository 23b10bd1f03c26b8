//! `Codes`: every row's direction as signed bytes, for estimates that touch a quarter of the memory.
//!
//! ```text
//! one row: whole cache lines
//! +------------------+-----------+---------------+
//! | dim signed bytes | 0, 0, ... | scale: 4 bytes|
//! +------------------+-----------+---------------+
//! component / length = byte * scale
//! ```
//!
//! The scale lies in the row's own last cache line, so that an estimate never waits for another one.

use crate::table::Table;
use crate::vector::{kernel, scalar};

/// Bytes that the processor fetches at once.
const LINE: usize = 64;
const SCALE: usize = size_of::<f32>();
/// The largest code; -128 is not used, so that codes are symmetric.
const CODE_MAX: f64 = 127.0;

/// The codes of all rows of a table.
pub(super) struct Codes {
    dim: usize,
    stride: usize,
    rows: usize,
    /// Where the first cache line begins in `bytes`.
    start: usize,
    bytes: Vec<i8>,
}

/// The code of a vector that is compared with many rows.
#[derive(Debug, Default)]
pub(super) struct QueryCode {
    /// As long as a row's stride, zero from `dim` on: the row's scale then counts for nothing.
    bytes: Vec<i8>,
    scale: f32,
}

impl Codes {
    /// Codes every row.
    pub(super) fn new(table: &Table) -> Self {
        let dim = table.dim();
        let stride = (dim + SCALE).next_multiple_of(LINE);
        let mut bytes = vec![0; table.len() * stride + LINE];
        let start = bytes.as_ptr().align_offset(LINE).min(LINE);
        let coded = bytes[start..].chunks_exact_mut(stride);
        for (code, vector) in coded.zip(table.matrix().rows()) {
            let scale = quantize(vector, &mut code[..dim]);
            for (byte, value) in code[stride - SCALE..].iter_mut().zip(scale.to_le_bytes()) {
                *byte = value.cast_signed();
            }
        }
        Self { dim, stride, rows: table.len(), start, bytes }
    }

    /// How many rows.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Codes a vector, to be compared with rows.
    pub(super) fn code(&self, vector: &[f32], query: &mut QueryCode) {
        query.bytes.clear();
        query.bytes.resize(self.stride, 0);
        query.scale = quantize(vector, &mut query.bytes[..self.dim]);
    }

    /// The code of a row, to be compared with other rows.
    pub(super) fn code_of_row(&self, row: u32, query: &mut QueryCode) {
        query.bytes.clear();
        query.bytes.extend_from_slice(&self.row(row)[..self.dim]);
        query.bytes.resize(self.stride, 0);
        query.scale = self.scale(row);
    }

    /// 1 - cosine, estimated; from 0 to about 2, never NaN.
    #[inline]
    pub(super) fn distance(&self, query: &QueryCode, row: u32) -> f32 {
        let code = self.row(row);
        distance(kernel::dot_i8(&query.bytes, code), query.scale * scale(code))
    }

    /// 1 - cosine of two rows, estimated as [`Codes::distance`] does.
    #[inline]
    pub(super) fn distance_between(&self, a: u32, b: u32) -> f32 {
        let (a, b) = (self.row(a), self.row(b));
        distance(kernel::dot_i8(&a[..self.dim], &b[..self.dim]), scale(a) * scale(b))
    }

    /// Asks the processor to fetch a row that will be compared soon.
    #[inline]
    pub(super) fn prefetch(&self, row: u32) {
        kernel::prefetch(self.row(row));
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    fn scale(&self, row: u32) -> f32 {
        scale(self.row(row))
    }

    #[inline]
    fn row(&self, row: u32) -> &[i8] {
        let start = self.start + row as usize * self.stride;
        &self.bytes[start..start + self.stride]
    }
}

impl std::fmt::Debug for Codes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codes").field("rows", &self.rows).finish_non_exhaustive()
    }
}

#[inline]
#[expect(clippy::cast_precision_loss, reason = "the estimate's own error is far larger")]
fn distance(dot: i32, scale: f32) -> f32 {
    (1.0 - dot as f32 * scale).max(0.0)
}

#[inline]
fn scale(code: &[i8]) -> f32 {
    let mut bytes = [0; SCALE];
    for (byte, value) in bytes.iter_mut().zip(&code[code.len() - SCALE..]) {
        *byte = value.cast_unsigned();
    }
    f32::from_le_bytes(bytes)
}

/// Writes the vector's code and returns its scale: 0 for a vector of zeros.
///
/// In double precision, because the squares of the largest and smallest floats need it.
fn quantize(vector: &[f32], code: &mut [i8]) -> f32 {
    let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    if largest <= 0.0 {
        code.fill(0);
        return 0.0;
    }
    let step = f64::from(largest) / CODE_MAX;
    let per_step = 1.0 / step;
    for (byte, &value) in code.iter_mut().zip(vector) {
        let steps = f64::from(value) * per_step;
        #[expect(clippy::cast_possible_truncation, reason = "from -127.5 to 127.5, cut toward 0")]
        let rounded = (steps + 0.5_f64.copysign(steps)) as i8;
        *byte = rounded;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 1 / 127")]
    let scale = (step / scalar::norm(vector)) as f32;
    scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::{clustered, table_of};
    use crate::vector::RowId;

    #[test]
    fn estimates_are_near_the_cosine_at_every_dimension_and_size_of_values() {
        for dim in [1, 2, 59, 60, 61, 100, 300] {
            for factor in [1.0, 1e-38, 1e36] {
                let mut rows = clustered(40, dim, 5);
                rows.iter_mut().flatten().for_each(|value| *value *= factor);
                let table = table_of(&rows);
                let codes = Codes::new(&table);
                let mut query = QueryCode::default();
                for row in 0..40 {
                    codes.code(&rows[7], &mut query);
                    let truth = 1.0 - table.similarity(RowId(row), &rows[7]);
                    let asked = f64::from(codes.distance(&query, row));
                    assert!((asked - truth).abs() < 0.02, "{dim} {factor}: {asked} {truth}");
                    codes.code_of_row(7, &mut query);
                    let from_row = codes.distance(&query, row);
                    assert!((f64::from(from_row) - truth).abs() < 0.02);
                    assert!((codes.distance_between(7, row) - from_row).abs() < 1e-6);
                }
            }
        }
    }

    #[test]
    fn a_row_of_zeros_is_at_distance_1_from_everything() {
        let table = table_of(&[vec![0.0, 0.0], vec![3.0, 4.0]]);
        let codes = Codes::new(&table);
        let mut query = QueryCode::default();
        codes.code(&[0.6, 0.8], &mut query);
        assert!((codes.distance(&query, 0) - 1.0).abs() < 1e-6);
        assert!(codes.distance(&query, 1) < 1e-2);
        assert!((codes.distance_between(0, 0) - 1.0).abs() < 1e-6);
    }
}
