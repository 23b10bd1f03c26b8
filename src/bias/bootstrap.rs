//! How sure a figure is: the same figure of samples drawn from its own words.

use crate::error::Result;
use crate::query::GoOn;
use crate::vector::random::SplitMix64;
use crate::vector::statistics::quantile;

/// Samples that are drawn.
pub(super) const SAMPLES: usize = 1_000;

/// Between which values 95 % of the figures of samples lie, drawn with replacement from `sizes` many
/// words of each set (Efron 1979, percentile method). `figure` gives none for a sample that has no
/// figure; if that is half of them, or no set has two words, there is no interval.
///
/// # Errors
///
/// Whatever `go_on` says.
pub(super) fn interval(
    sizes: &[usize],
    seed: u64,
    go_on: GoOn<'_>,
    mut figure: impl FnMut(&[Vec<usize>]) -> Option<f64>,
) -> Result<Option<(f64, f64)>> {
    if sizes.iter().all(|&size| size < 2) {
        return Ok(None);
    }
    let mut random = SplitMix64(seed);
    let mut figures = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        go_on()?;
        let draw = |&size: &usize| (0..size).map(|_| random.index_below(size)).collect();
        let sample: Vec<Vec<usize>> = sizes.iter().map(draw).collect();
        figures.extend(figure(&sample).filter(|figure| figure.is_finite()));
    }
    figures.sort_by(f64::total_cmp);
    let enough = figures.len() * 2 > SAMPLES;
    Ok(enough.then(|| (quantile(&figures, 0.025), quantile(&figures, 0.975))))
}
