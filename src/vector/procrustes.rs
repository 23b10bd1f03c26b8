//! The rotation that brings one set of vectors nearest to another (orthogonal Procrustes).

use crate::error::Result;

/// Sums up pairs of vectors and ends as the rotation that fits them best.
#[derive(Debug)]
pub struct Procrustes {
    dim: usize,
    /// The sum of outer products, row by row: a row for each component of the first vectors.
    products: Vec<f64>,
    pairs: usize,
}

/// A rotation, perhaps with a reflection.
#[derive(Clone, Debug)]
pub struct Turn {
    dim: usize,
    matrix: Vec<f64>,
}

const STEPS_MAX: usize = 60;

impl Procrustes {
    /// No pairs of `dim` components yet.
    pub fn new(dim: usize) -> Self {
        Self { dim, products: vec![0.0; dim * dim], pairs: 0 }
    }

    /// Adds a pair: the first vector is to be turned toward the second.
    pub fn push(&mut self, from: &[f32], to: &[f32]) {
        for (row, &x) in self.products.chunks_exact_mut(self.dim).zip(from) {
            for (sum, &y) in row.iter_mut().zip(to) {
                *sum += f64::from(x) * f64::from(y);
            }
        }
        self.pairs += 1;
    }

    /// The orthogonal matrix R for which the sum of |from R - to|^2 is least; none if the pairs do
    /// not determine it: fewer than components, or in a plane.
    ///
    /// It is the orthogonal factor of the polar decomposition of the sum of outer products
    /// (Schoenemann 1966), by Newton's iteration with Higham's scaling (Higham 1986).
    ///
    /// # Errors
    ///
    /// Whatever `go_on` says; it is asked at each step.
    pub fn turn(self, go_on: &dyn Fn() -> Result<()>) -> Result<Option<Turn>> {
        let dim = self.dim;
        if self.pairs < dim {
            return Ok(None);
        }
        let mut x = self.products;
        for _ in 0..STEPS_MAX {
            go_on()?;
            let Some(inverse) = inverse(&x, dim) else { return Ok(None) };
            let scale = (norm(&inverse) / norm(&x)).sqrt();
            if !scale.is_finite() {
                return Ok(None);
            }
            let mut change = 0.0;
            let mut next = vec![0.0; dim * dim];
            for i in 0..dim {
                for j in 0..dim {
                    let value = f64::midpoint(scale * x[i * dim + j], inverse[j * dim + i] / scale);
                    change += (value - x[i * dim + j]).powi(2);
                    next[i * dim + j] = value;
                }
            }
            x = next;
            if change.sqrt() < 1e-10 * (dim as f64).sqrt() {
                return Ok(Some(Turn { dim, matrix: x }));
            }
        }
        Ok(None)
    }
}

impl Turn {
    /// The vector turned.
    pub fn apply(&self, vector: &[f32]) -> Vec<f32> {
        let mut turned = vec![0.0; self.dim];
        for (row, &x) in self.matrix.chunks_exact(self.dim).zip(vector) {
            for (sum, y) in turned.iter_mut().zip(row) {
                *sum += f64::from(x) * y;
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "as long as the vector was")]
        turned.into_iter().map(|value| value as f32).collect()
    }
}

fn norm(matrix: &[f64]) -> f64 {
    matrix.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// The inverse of a square matrix by elimination with row pivots; none if it is singular as far as
/// double precision tells.
pub fn inverse(matrix: &[f64], dim: usize) -> Option<Vec<f64>> {
    let mut left = matrix.to_vec();
    let mut right = vec![0.0; dim * dim];
    for i in 0..dim {
        right[i * dim + i] = 1.0;
    }
    let smallest = norm(matrix) * 1e-13;
    for column in 0..dim {
        let size = |row: &usize| left[row * dim + column].abs();
        let pivot = (column..dim).max_by(|a, b| size(a).total_cmp(&size(b)))?;
        if size(&pivot) <= smallest {
            return None;
        }
        for matrix in [&mut left, &mut right] {
            if pivot != column {
                let (above, below) = matrix.split_at_mut(pivot * dim);
                above[column * dim..][..dim].swap_with_slice(&mut below[..dim]);
            }
        }
        let scale = 1.0 / left[column * dim + column];
        for matrix in [&mut left, &mut right] {
            matrix[column * dim..][..dim].iter_mut().for_each(|value| *value *= scale);
        }
        for row in (0..dim).filter(|&row| row != column) {
            let factor = left[row * dim + column];
            if factor.abs() > 0.0 {
                subtract(&mut left, dim, (row, column), factor);
                subtract(&mut right, dim, (row, column), factor);
            }
        }
    }
    Some(right)
}

/// Subtracts a multiple of row `column` from row `row`.
fn subtract(matrix: &mut [f64], dim: usize, (row, column): (usize, usize), factor: f64) {
    let (before, after) = matrix.split_at_mut(row.max(column) * dim);
    let (first, second) = (&mut before[row.min(column) * dim..][..dim], &mut after[..dim]);
    let (target, pivot) = if row < column { (first, second) } else { (second, first) };
    for (value, other) in target.iter_mut().zip(&*pivot) {
        *value -= factor * other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::random::SplitMix64;

    #[test]
    fn a_turned_cloud_is_turned_back() {
        let mut random = SplitMix64(2);
        let mut draw = || random.below(2_000) as f32 / 1_000.0 - 1.0;
        for dim in [1, 2, 5, 20] {
            let cloud: Vec<Vec<f32>> =
                (0..3 * dim).map(|_| (0..dim).map(|_| draw()).collect()).collect();
            // A reflection of the first axis, and each axis moved to the next.
            let turned = |vector: &[f32]| {
                let mut turned = vector.to_vec();
                turned[0] = -turned[0];
                turned.rotate_right(1);
                turned
            };
            let mut fit = Procrustes::new(dim);
            for vector in &cloud {
                fit.push(vector, &turned(vector));
            }
            let turn = fit.turn(&|| Ok(())).unwrap().unwrap();
            for vector in &cloud {
                for (ours, want) in turn.apply(vector).iter().zip(turned(vector)) {
                    assert!((ours - want).abs() < 1e-5, "{dim}");
                }
            }
        }
    }

    #[test]
    fn too_few_pairs_determine_nothing() {
        let mut fit = Procrustes::new(2);
        fit.push(&[1.0, 0.0], &[0.0, 1.0]);
        assert!(fit.turn(&|| Ok(())).unwrap().is_none());
        let mut fit = Procrustes::new(2);
        for size in [1.0, 2.0, 3.0] {
            fit.push(&[size, 0.0], &[0.0, size]);
        }
        assert!(fit.turn(&|| Ok(())).unwrap().is_none(), "all on one line");
    }
}
