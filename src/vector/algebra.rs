//! Unit vectors, weighted means and principal components: what questions and bias probes share.

use crate::error::Result;
use crate::vector::kernel::lanes;

/// The vector at length 1; none for a vector of zeros.
pub fn unit(vector: &[f32]) -> Option<Vec<f32>> {
    let norm = lanes::norm(vector);
    #[expect(clippy::cast_possible_truncation, reason = "at most 1 in size")]
    let unit = |&value: &f32| (f64::from(value) / norm) as f32;
    (norm > 0.0).then(|| vector.iter().map(unit).collect())
}

/// Adds `weight * vector` to a sum that is kept in double precision.
pub fn add(sum: &mut [f64], weight: f64, vector: &[f32]) {
    for (total, &value) in sum.iter_mut().zip(vector) {
        *total += weight * f64::from(value);
    }
}

/// A sum at length 1, in single precision; none if it is all zeros.
pub fn unit_sum(sum: &[f64]) -> Option<Vec<f32>> {
    let norm = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "at most 1 in size")]
    let unit = |&value: &f64| (value / norm) as f32;
    (norm > 0.0 && norm.is_finite()).then(|| sum.iter().map(unit).collect())
}

/// The first principal component of rows taken as they are (their mean is not removed), and the
/// share of their squared lengths that it explains, from 0 to 1. None if every row is zero.
///
/// Power iteration on the rows' Gram matrix, which has as many columns as there are rows; the
/// component's sign is arbitrary.
///
/// # Errors
///
/// Whatever `go_on` says; it is asked for each row and at each step.
pub fn principal_component(
    rows: &[Vec<f64>],
    go_on: &dyn Fn() -> Result<()>,
) -> Result<Option<(Vec<f64>, f64)>> {
    let mut gram: Vec<Vec<f64>> = Vec::with_capacity(rows.len());
    for a in rows {
        go_on()?;
        gram.push(rows.iter().map(|b| dot(a, b)).collect());
    }
    let total: f64 = gram.iter().enumerate().map(|(i, row)| row[i]).sum();
    if total <= 0.0 {
        return Ok(None);
    }
    // Start from the longest row: it is never orthogonal to all the variance.
    let longest = gram.iter().enumerate().max_by(|(i, a), (j, b)| a[*i].total_cmp(&b[*j]));
    let mut weights = longest.map_or_else(Vec::new, |(_, row)| row.clone());
    let mut eigenvalue = 0.0;
    for _ in 0..POWER_STEPS_MAX {
        go_on()?;
        let next: Vec<f64> = gram.iter().map(|row| dot(row, &weights)).collect();
        let length = dot(&next, &next).sqrt();
        let before = eigenvalue;
        eigenvalue = length / dot(&weights, &weights).sqrt();
        weights = next.iter().map(|value| value / length).collect();
        if (eigenvalue - before).abs() <= 1e-14 * eigenvalue {
            break;
        }
    }
    let mut component = vec![0.0; rows[0].len()];
    for (row, weight) in rows.iter().zip(&weights) {
        for (total, value) in component.iter_mut().zip(row) {
            *total += weight * value;
        }
    }
    let length = dot(&component, &component).sqrt();
    for value in &mut component {
        *value /= length;
    }
    Ok(Some((component, eigenvalue / total)))
}

/// Eigenvalues, largest first, and eigenvectors, one a row, of a symmetric matrix of `dim` rows.
///
/// Cyclic Jacobi rotations (Golub and Van Loan, Matrix Computations, section 8.5): slow for large
/// matrices, but the outcome is the same on every machine.
#[expect(clippy::many_single_char_names, reason = "as in the book")]
pub fn eigen(matrix: &[f64], dim: usize) -> (Vec<f64>, Vec<f64>) {
    let mut a = matrix.to_vec();
    let mut vectors = vec![0.0; dim * dim];
    for i in 0..dim {
        vectors[i * dim + i] = 1.0;
    }
    let all: f64 = a.iter().map(|value| value * value).sum();
    for _ in 0..JACOBI_SWEEPS_MAX {
        let diagonal: f64 = (0..dim).map(|i| a[i * dim + i] * a[i * dim + i]).sum();
        if all - diagonal <= 1e-20 * all {
            break;
        }
        for p in 0..dim {
            for q in p + 1..dim {
                let between = a[p * dim + q];
                if between.abs() <= f64::MIN_POSITIVE {
                    continue;
                }
                let theta = (a[q * dim + q] - a[p * dim + p]) / (2.0 * between);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                turn_rows(&mut a, dim, (p, q), (c, s));
                for i in 0..dim {
                    let (x, y) = (a[i * dim + p], a[i * dim + q]);
                    (a[i * dim + p], a[i * dim + q]) = (c * x - s * y, s * x + c * y);
                }
                turn_rows(&mut vectors, dim, (p, q), (c, s));
            }
        }
    }
    let mut order: Vec<usize> = (0..dim).collect();
    order.sort_by(|&i, &j| a[j * dim + j].total_cmp(&a[i * dim + i]).then(i.cmp(&j)));
    let values = order.iter().map(|&i| a[i * dim + i]).collect();
    let sorted = order.iter().flat_map(|&i| &vectors[i * dim..(i + 1) * dim]).copied().collect();
    (values, sorted)
}

/// Turns rows p and q, p before q, by the angle of this cosine and sine.
#[expect(clippy::many_single_char_names, reason = "as in the book")]
fn turn_rows(a: &mut [f64], dim: usize, (p, q): (usize, usize), (c, s): (f64, f64)) {
    let (before, from_q) = a.split_at_mut(q * dim);
    for (x, y) in before[p * dim..][..dim].iter_mut().zip(from_q) {
        (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
    }
}

const JACOBI_SWEEPS_MAX: usize = 30;
const POWER_STEPS_MAX: usize = 10_000;

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
