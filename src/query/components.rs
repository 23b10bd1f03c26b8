//! Where directions stand by their first two principal components, and the clusters that they are in.

use crate::error::Result;
use crate::query::GoOn;
use crate::steps::{STEPS, watched};
use crate::table::view::View;
use crate::vector::random::SplitMix64;
use crate::vector::{algebra, cluster, scalar};

/// Rows, and numbers of theirs together, that stand for all where components are found.
const COMPONENT_ROWS_MAX: usize = 8_192;
const COMPONENT_VALUES_MAX: usize = 1 << 20;
/// Rows that stand for all where clusters are found.
const CLUSTER_ROWS_MAX: usize = 4_096;
/// Clusters: as many hues as can be told apart.
const CLUSTERS_MAX: usize = 8;
/// Rows of a cluster, at least, in the sample.
const CLUSTER_ROWS_MIN: usize = 8;
/// Axes that are turned together: the two that are wanted come the sooner the more there are.
const AXES: usize = 8;
/// Steps of the iteration at most, and the turn of both axes that ends it.
const STEPS_MAX: usize = 200;
const TURN_MAX: f64 = 1e-12;

/// Rows that stand for all.
pub(super) struct Sample {
    /// Their directions, less the mean.
    pub(super) rows: Vec<Vec<f32>>,
    pub(super) mean: Vec<f32>,
}

impl Sample {
    pub(super) fn of(table: &View, rows_end: usize, go_on: GoOn<'_>) -> Result<Self> {
        let most = COMPONENT_ROWS_MAX.min(COMPONENT_VALUES_MAX / table.dim()).max(1);
        let step = rows_end.div_ceil(most).max(1);
        let mut rows = Vec::new();
        let mut sum = vec![0.0; table.dim()];
        for row in watched(table.rows(), go_on) {
            let row = row?;
            if row.index() >= rows_end {
                break;
            }
            if row.index() % step != 0 {
                continue;
            }
            if let Some(unit) = algebra::unit(&table.vector(row)) {
                algebra::add(&mut sum, 1.0, &unit);
                rows.push(unit);
            }
        }
        let count = rows.len().max(1) as f64;
        let mean: Vec<f32> = sum.iter().map(|value| single(value / count)).collect();
        for row in &mut rows {
            row.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= mean);
        }
        Ok(Self { rows, mean })
    }
}

/// What gives a direction its place.
pub(super) struct Frame {
    axes: [Vec<f32>; 2],
    pub(super) shares: [f64; 2],
    pub(super) centers: Vec<Vec<f32>>,
    /// The mean along each axis, along each center, and its squared length.
    mean: Vec<f32>,
    on_axes: [f64; 2],
    on_centers: Vec<f64>,
    mean_square: f64,
}

/// Where a direction is.
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) cluster: usize,
    /// Cosines with the center of its cluster, and with that of the next one.
    pub(super) own: f64,
    pub(super) other: f64,
}

impl Frame {
    pub(super) fn of(sample: &Sample, go_on: GoOn<'_>) -> Result<Self> {
        let (axes, shares) = axes(&sample.rows, sample.mean.len(), go_on)?;
        let centers = centers(&sample.rows, go_on)?;
        let mean = sample.mean.clone();
        Ok(Self {
            on_axes: [scalar::dot(&axes[0], &mean), scalar::dot(&axes[1], &mean)],
            on_centers: centers.iter().map(|center| scalar::dot(center, &mean)).collect(),
            mean_square: scalar::dot(&mean, &mean),
            axes,
            shares,
            centers,
            mean,
        })
    }

    pub(super) fn place(&self, unit: &[f32]) -> Place {
        let along = |axis: usize| scalar::dot(&self.axes[axis], unit) - self.on_axes[axis];
        let square =
            scalar::dot(unit, unit) - 2.0 * scalar::dot(unit, &self.mean) + self.mean_square;
        let length = square.max(0.0).sqrt();
        let mut place =
            Place { x: along(0), y: along(1), cluster: 0, own: f64::NEG_INFINITY, other: -1.0 };
        for (cluster, center) in self.centers.iter().enumerate() {
            let along = scalar::dot(center, unit) - self.on_centers[cluster];
            let cosine = if length > 0.0 { (along / length).clamp(-1.0, 1.0) } else { 0.0 };
            if cosine > place.own {
                place.other = place.own.max(-1.0);
                (place.cluster, place.own) = (cluster, cosine);
            } else {
                place.other = place.other.max(cosine);
            }
        }
        place
    }
}

/// The first two principal components of rows whose mean is 0, and their shares of the variance: orthogonal
/// iteration. The largest number of each is positive.
pub(super) fn axes(
    rows: &[Vec<f32>],
    dim: usize,
    go_on: GoOn<'_>,
) -> Result<([Vec<f32>; 2], [f64; 2])> {
    let total: f64 = rows.iter().map(|row| scalar::dot(row, row)).sum();
    let mut random = SplitMix64(1);
    let mut basis: Vec<Vec<f64>> = (0..AXES.min(dim))
        .map(|_| (0..dim).map(|_| random.below(1 << 53) as f64 / 2_f64.powi(52) - 1.0).collect())
        .collect();
    let mut shares = [0.0; 2];
    let mut before: Vec<Vec<f64>> = Vec::new();
    for _ in 0..if total > 0.0 { STEPS_MAX } else { 0 } {
        orthonormalize(&mut basis);
        let is_still = |(a, b): (&Vec<f64>, &Vec<f64>)| 1.0 - dot(a, b).abs() <= TURN_MAX;
        if !before.is_empty() && before.iter().zip(&basis).take(2).all(is_still) {
            break;
        }
        let axes: Vec<Vec<f32>> =
            basis.iter().map(|axis| axis.iter().copied().map(single).collect()).collect();
        let mut next = vec![vec![0.0; dim]; basis.len()];
        for row in watched(rows, go_on) {
            let row = row?;
            for (axis, next) in axes.iter().zip(&mut next) {
                algebra::add(next, scalar::dot(row, axis), row);
            }
        }
        // Among themselves the axes find their directions at once (Rayleigh and Ritz): a step has to tell them
        // apart from those that are left out, and not the first from the second.
        let products: Vec<f64> =
            basis.iter().flat_map(|a| next.iter().map(move |b| dot(a, b))).collect();
        let (variances, turns) = algebra::eigen(&products, basis.len());
        for (share, variance) in shares.iter_mut().zip(variances) {
            *share = variance / total;
        }
        let turned: Vec<Vec<f64>> =
            turns.chunks_exact(basis.len()).map(|turn| mixed(turn, &next)).collect();
        before = std::mem::replace(&mut basis, turned);
    }
    orthonormalize(&mut basis);
    let mut found = basis.iter().map(|axis| {
        let largest =
            axis.iter().copied().fold(0.0_f64, |a, b| if b.abs() > a.abs() { b } else { a });
        axis.iter().map(|&value| single(value * largest.signum())).collect()
    });
    // In one dimension there is no second one.
    let mut next = || found.next().unwrap_or_else(|| vec![0.0; dim]);
    Ok(([next(), next()], shares))
}

/// The sum of vectors, each times its weight.
fn mixed(weights: &[f64], vectors: &[Vec<f64>]) -> Vec<f64> {
    let mut sum = vec![0.0; vectors.first().map_or(0, Vec::len)];
    for (weight, vector) in weights.iter().zip(vectors) {
        sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += weight * value);
    }
    sum
}

/// Gram and Schmidt, one after the other; what has no direction of its own becomes zeros.
fn orthonormalize(basis: &mut [Vec<f64>]) {
    for i in 0..basis.len() {
        let (before, rest) = basis.split_at_mut(i);
        let Some(axis) = rest.first_mut() else { return };
        let length_before = dot(axis, axis).sqrt();
        for other in before {
            let along = dot(other, axis);
            for (value, part) in axis.iter_mut().zip(other) {
                *value -= along * *part;
            }
        }
        let length = dot(axis, axis).sqrt();
        // What is left of an axis that had no more than the others is rounding.
        let scale = if length > 1e-12 * length_before { 1.0 / length } else { 0.0 };
        for value in axis.iter_mut() {
            *value *= scale;
        }
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The centers of the clusters of some of the rows, at length 1.
fn centers(rows: &[Vec<f32>], go_on: GoOn<'_>) -> Result<Vec<Vec<f32>>> {
    let step = rows.len().div_ceil(CLUSTER_ROWS_MAX).max(1);
    let unit = |row: &Vec<f32>| -> Option<Vec<f64>> {
        Some(algebra::unit(row)?.into_iter().map(f64::from).collect())
    };
    let units: Vec<Vec<f64>> = rows.iter().step_by(step).filter_map(unit).collect();
    let Some(dim) = units.first().map(Vec::len) else { return Ok(Vec::new()) };
    let count = (units.len() / CLUSTER_ROWS_MIN).clamp(1, CLUSTERS_MAX);
    let looks = std::sync::atomic::AtomicUsize::new(0);
    let go_on = || {
        let look = looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if look.is_multiple_of(STEPS) { go_on() } else { Ok(()) }
    };
    let labels = cluster::k_means(&units, count, (1, 1), &go_on)?.labels;
    let mut sums = vec![vec![0.0; dim]; count];
    for (unit, label) in units.iter().zip(labels) {
        sums[label].iter_mut().zip(unit).for_each(|(sum, value)| *sum += value);
    }
    Ok(sums.iter().filter_map(|sum| algebra::unit_sum(sum)).collect())
}

#[expect(clippy::cast_possible_truncation, reason = "a picture needs no more digits")]
pub(super) fn single(value: f64) -> f32 {
    value as f32
}
