//! `Rotation`: turns vectors so that their first components tell them apart best.
//!
//! The axes are the principal components of a sample (not centered: lengths and angles stay), the
//! strongest first. Within the first components, and within the rest, they are then mixed by
//! Hadamard matrices, so that no component is much larger than the others and bytes can hold all of
//! them on one scale.

use std::ops::Range;

use crate::vector::kernel::lanes;
use crate::vector::{algebra, scalar};

/// An orthogonal map: dot products and lengths stay what they are, but for rounding.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotation {
    dim: usize,
    head: usize,
    /// For each component of a vector, what it adds to each turned component; empty for long vectors,
    /// which are only mixed.
    columns: Vec<f32>,
}

/// Vectors longer than this are not turned along their principal components: finding them takes too
/// long.
const PRINCIPAL_DIM_MAX: usize = 512;
/// Share of the squared length that the head should hold.
const HEAD_SHARE: f64 = 0.75;

impl Rotation {
    /// The rotation that suits these vectors of length 1.
    ///
    /// `heads` offers lengths of the head, ascending: the first that holds most of the vectors'
    /// length is taken, or else the whole vector.
    pub fn of<'a>(
        dim: usize,
        sample: impl Iterator<Item = &'a [f32]>,
        heads: impl Iterator<Item = usize>,
    ) -> Self {
        if dim > PRINCIPAL_DIM_MAX {
            return Self { dim, head: dim, columns: Vec::new() };
        }
        let mut products = vec![0.0; dim * dim];
        for vector in sample {
            for (row, &a) in products.chunks_exact_mut(dim).zip(vector) {
                algebra::add(row, f64::from(a), vector);
            }
        }
        let (weights, mut axes) = algebra::eigen(&products, dim);
        let total: f64 = weights.iter().sum();
        let share = |head: &usize| weights[..*head].iter().sum::<f64>() >= HEAD_SHARE * total;
        let head = heads.take_while(|&head| head < dim).find(share).unwrap_or(dim);
        for (first, count) in blocks(0..head).into_iter().chain(blocks(head..dim)) {
            mix(&mut axes[first * dim..(first + count) * dim], dim);
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 1 in size")]
        let columns = (0..dim)
            .flat_map(|from| axes.iter().skip(from).step_by(dim).map(|&value| value as f32))
            .collect();
        Self { dim, head, columns }
    }

    /// How many values a rotation of vectors of this length keeps.
    pub fn values_count(dim: usize) -> usize {
        if dim <= PRINCIPAL_DIM_MAX { dim * dim } else { 0 }
    }

    /// A rotation that was kept: its parts as [`Rotation::head`] and [`Rotation::values`] gave them;
    /// none if they are none, because lengths or angles would not stay.
    pub fn from_parts(dim: usize, head: usize, columns: Vec<f32>) -> Option<Self> {
        let fits = columns.len() == Self::values_count(dim) && (1..=dim).contains(&head);
        (fits && is_orthonormal(&columns, dim)).then_some(Self { dim, head, columns })
    }

    /// Components of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How many components hold most of a vector's length.
    pub fn head(&self) -> usize {
        self.head
    }

    /// What [`Rotation::from_parts`] takes.
    pub fn values(&self) -> &[f32] {
        &self.columns
    }

    /// Turns a vector.
    ///
    /// In one order of operations on every machine: the outcome is the same to the last bit.
    pub fn apply(&self, vector: &[f32], turned: &mut [f32]) {
        if self.columns.is_empty() {
            turned.copy_from_slice(vector);
            let mut exact: Vec<f64> = turned.iter().copied().map(f64::from).collect();
            for (first, count) in blocks(0..self.dim) {
                mix(&mut exact[first..first + count], 1);
            }
            for (turned, value) in turned.iter_mut().zip(exact) {
                #[expect(clippy::cast_possible_truncation, reason = "as precise as the vector")]
                let value = value as f32;
                *turned = value;
            }
            return;
        }
        lanes::turn(&self.columns, vector, turned);
    }
}

/// Whether rows of `dim` values have length 1 and stand at right angles, but for rounding.
fn is_orthonormal(rows: &[f32], dim: usize) -> bool {
    let each = || rows.chunks_exact(dim).enumerate();
    each().all(|(i, a)| {
        each().take(i + 1).all(|(j, b)| {
            let expected = if i == j { 1.0 } else { 0.0 };
            (scalar::dot(a, b) - expected).abs() < ROUNDING
        })
    })
}

/// More than single precision loses in a rotation's products.
const ROUNDING: f64 = 1e-5;

/// Runs of components, each as many as a power of two, that together cover a part: first and count.
fn blocks(part: Range<usize>) -> Vec<(usize, usize)> {
    if part.is_empty() {
        return Vec::new();
    }
    let count = 1 << part.len().ilog2();
    let first = (part.start, count);
    if count == part.len() { vec![first] } else { vec![first, (part.end - count, count)] }
}

/// Mixes axes of `dim` values each, as many as a power of two, by a Hadamard matrix.
fn mix(axes: &mut [f64], dim: usize) {
    let count = axes.len() / dim;
    let mut half = 1;
    while half < count {
        for pair in axes.chunks_exact_mut(2 * half * dim) {
            let (a, b) = pair.split_at_mut(half * dim);
            for (a, b) in a.iter_mut().zip(b) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    let length = (count as f64).sqrt();
    for value in axes {
        *value /= length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_products_stay_and_the_head_holds_most_of_the_length() {
        let mut state = 5_u64;
        let mut draw = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            f32::from(u16::try_from(state >> 48).unwrap()) / 32_768.0 - 1.0
        };
        for dim in [1, 2, 7, 60, 100, 130, 600] {
            // The later a component, the smaller: most of the length can be gathered.
            let mut vector = || -> Vec<f32> {
                let scaled = (0..dim).map(|i| draw() / (1.0 + i as f32)).collect::<Vec<_>>();
                algebra::unit(&scaled).unwrap()
            };
            let rows: Vec<Vec<f32>> = (0..dim + 40).map(|_| vector()).collect();
            let heads = (60..).step_by(64);
            let rotation = Rotation::of(dim, rows.iter().map(Vec::as_slice), heads);
            assert_eq!(rotation.head(), if dim > PRINCIPAL_DIM_MAX { dim } else { dim.min(60) });
            let turned: Vec<Vec<f32>> = rows
                .iter()
                .map(|row| {
                    let mut turned = vec![0.0; dim];
                    rotation.apply(row, &mut turned);
                    turned
                })
                .collect();
            for (a, b) in (0..rows.len()).map(|i| (i, i * i % rows.len())) {
                let (before, after) =
                    (scalar::dot(&rows[a], &rows[b]), scalar::dot(&turned[a], &turned[b]));
                assert!((before - after).abs() < 1e-5, "{dim}: {before} {after}");
            }
            let head: f64 = turned.iter().map(|row| scalar::norm(&row[..rotation.head()])).sum();
            assert!(head > 0.85 * rows.len() as f64);
            let again = Rotation::from_parts(dim, rotation.head(), rotation.values().to_vec());
            assert_eq!(again, Some(rotation));
        }
        let mut values = vec![1.0, 0.0, 0.0, 1.0];
        assert!(Rotation::from_parts(2, 1, values.clone()).is_some());
        values[2] = 1e-3;
        assert_eq!(Rotation::from_parts(2, 1, values), None);
        assert_eq!(Rotation::from_parts(3, 1, vec![0.0; 8]), None);
        assert_eq!(Rotation::from_parts(2, 3, vec![0.0; 4]), None);
    }
}
