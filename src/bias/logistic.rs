//! A small logistic regression: linear, with a penalty, and the same on every machine.

use crate::bias::sets::dot;
use crate::error::Result;
use crate::query::GoOn;

/// Weights and a bias, which is the weight of a constant 1.
#[derive(Clone, Debug)]
pub(super) struct Classifier {
    pub(super) weights: Vec<f64>,
    pub(super) bias: f64,
}

const STEPS_MAX: usize = 20_000;

impl Classifier {
    /// Fits `positive` against `negative`: the least of |w|^2 / 2 plus the sum of log-losses, the bias
    /// penalized as any weight (liblinear's L2 logistic regression with C = 1, Fan et al. 2008), by
    /// Nesterov's accelerated descent.
    ///
    /// # Errors
    ///
    /// Whatever `go_on` says.
    pub(super) fn fit(positive: &[&[f64]], negative: &[&[f64]], go_on: GoOn<'_>) -> Result<Self> {
        let rows: Vec<(&[f64], f64)> = positive
            .iter()
            .map(|&row| (row, 1.0))
            .chain(negative.iter().map(|&row| (row, -1.0)))
            .collect();
        let dim = rows.first().map_or(0, |(row, _)| row.len());
        let steepness = 1.0 + 0.25 * largest_eigenvalue(&rows, dim, go_on)?;
        let momentum = (steepness.sqrt() - 1.0) / (steepness.sqrt() + 1.0);
        let mut w = vec![0.0; dim + 1];
        let mut ahead = w.clone();
        for _ in 0..STEPS_MAX {
            go_on()?;
            let gradient = gradient(&rows, &ahead);
            let size = dot(&gradient, &gradient).sqrt();
            let next: Vec<f64> = ahead
                .iter()
                .zip(&gradient)
                .map(|(value, slope)| value - slope / steepness)
                .collect();
            ahead = next.iter().zip(&w).map(|(new, old)| new + momentum * (new - old)).collect();
            w = next;
            if size < 1e-10 * (1.0 + dot(&w, &w).sqrt()) {
                break;
            }
        }
        let bias = w.pop().unwrap_or(0.0);
        Ok(Self { weights: w, bias })
    }

    /// How sure it is that a vector is of the negative kind, from 0 to 1.
    pub(super) fn negative(&self, vector: &[f64]) -> f64 {
        1.0 / (1.0 + (dot(&self.weights, vector) + self.bias).exp())
    }
}

fn margin(w: &[f64], row: &[f64]) -> f64 {
    let (weights, bias) = w.split_at(row.len());
    dot(weights, row) + bias[0]
}

fn gradient(rows: &[(&[f64], f64)], w: &[f64]) -> Vec<f64> {
    let mut gradient = w.to_vec();
    for (row, sign) in rows {
        let slope = -sign / (1.0 + (sign * margin(w, row)).exp());
        for (sum, value) in gradient.iter_mut().zip(row.iter().chain(&[1.0])) {
            *sum += slope * value;
        }
    }
    gradient
}

/// Of the rows' second moments, with the constant; a little more than it, by power iteration.
fn largest_eigenvalue(rows: &[(&[f64], f64)], dim: usize, go_on: GoOn<'_>) -> Result<f64> {
    let mut v = vec![1.0 / ((dim + 1) as f64).sqrt(); dim + 1];
    let mut eigenvalue = 0.0;
    for _ in 0..50 {
        go_on()?;
        let mut next = vec![0.0; dim + 1];
        for (row, _) in rows {
            let along = margin(&v, row);
            for (sum, value) in next.iter_mut().zip(row.iter().chain(&[1.0])) {
                *sum += along * value;
            }
        }
        eigenvalue = dot(&next, &next).sqrt();
        if eigenvalue <= 0.0 {
            break;
        }
        v = next.iter().map(|value| value / eigenvalue).collect();
    }
    let most: f64 = rows.iter().map(|(row, _)| dot(row, row) + 1.0).sum();
    Ok((1.1 * eigenvalue).min(most))
}
