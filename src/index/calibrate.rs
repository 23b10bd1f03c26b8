//! How far a search goes for a given `ef_search`, and what it finds: measured on the table itself when
//! the graph is built.
//!
//! A beam of fixed width works as hard for an easy question as for a hard one. So a search stops once
//! what is left to follow is so many times as far as the k-th row found ("distance adaptive beam
//! search", Al-Jazzazi et al. 2025). How many times: as far, on average, as the last row in a beam of
//! `ef_search` rows is. So `ef_search` keeps its meaning, as the width that a usual question needs.
//!
//! Sample questions are analogies of the table's own frequent words, `b - a + c`: words themselves
//! would be too easy.

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use crate::error::{Error, ErrorKind, Result};
use crate::index::graph::Graph;
use crate::index::{Index as _, SearchParams, Watch};
use crate::table::Table;
use crate::vector::random::SplitMix64;
use crate::vector::{RowId, algebra};

/// Widths that are measured.
pub(super) const EFS: [u16; 10] = [16, 24, 32, 48, 64, 96, 128, 192, 256, 512];
/// Neighbors that a sample question asks for.
const K: usize = 10;
/// How many sample questions.
const QUESTIONS: usize = 256;
/// From which they are drawn.
const SEED: u64 = 7;
/// The most frequent rows, of which they are made.
const ROWS: usize = 20_000;

/// What each width of [`EFS`] means for a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Calibration {
    /// How many times as far as the 10th row of an answer the last row of a beam is.
    pub(super) spreads: [f32; EFS.len()],
    /// The share of the 10 nearest rows that is found.
    pub(super) recalls: [f32; EFS.len()],
}

impl Calibration {
    /// Knows nothing: beams are as wide as asked.
    pub(super) fn none() -> Self {
        Self { spreads: [f32::INFINITY; EFS.len()], recalls: [0.0; EFS.len()] }
    }

    /// How many times as far as the `k`-th row a search of this width goes.
    pub(super) fn spread(&self, ef: usize, k: usize) -> f32 {
        (self.at(ef) / self.at(k)).max(1.0)
    }

    /// The spread of a width between or beyond those measured: it grows with the logarithm.
    fn at(&self, width: usize) -> f32 {
        let width = (width.max(1) as f32).log2();
        // The tenth row itself stands before the first width.
        let known = || {
            let first = std::iter::once(((K as f32).log2(), 1.0));
            first.chain(EFS.iter().map(|&ef| f32::from(ef).log2()).zip(self.spreads))
        };
        let pairs: Vec<_> = known().zip(known().skip(1)).collect();
        let pair = pairs.iter().find(|(_, next)| width <= next.0).or(pairs.last());
        pair.map_or(1.0, |&((x, a), (y, b))| a + (b - a) * (width - x) / (y - x))
    }

    /// The least width that found this share of the sample's answers; none if even the widest did not.
    pub(super) fn ef_for(&self, recall: f32) -> Option<usize> {
        let measured = EFS.iter().zip(self.recalls);
        measured.into_iter().find(|&(_, found)| found >= recall).map(|(&ef, _)| ef.into())
    }
}

/// Measures a graph.
///
/// # Errors
///
/// If `watch` says that the build is cancelled.
pub(super) fn calibrate(graph: &mut Graph, watch: &dyn Watch) -> Result<()> {
    let questions: Vec<(Vec<f32>, Vec<RowId>)> = analogies(graph.table())
        .par_iter()
        .filter(|_| !watch.is_cancelled())
        .map(|query| {
            let found = graph.search_exact(query, &SearchParams::new(K, 0)).nears;
            (query.clone(), found.into_iter().map(|near| near.row).collect())
        })
        .collect();
    if watch.is_cancelled() {
        return Err(Error::new(ErrorKind::Cancelled));
    }
    if questions.is_empty() {
        return Ok(());
    }
    let count = questions.len() as f32;
    let profiles: Vec<Option<[f32; EFS.len()]>> =
        questions.par_iter().map(|(query, _)| graph.spreads(query, K)).collect();
    let mut calibration = Calibration::none();
    let known: Vec<_> = profiles.into_iter().flatten().collect();
    if !known.is_empty() {
        for (i, spread) in calibration.spreads.iter_mut().enumerate() {
            *spread = known.iter().map(|spreads| spreads[i]).sum::<f32>() / known.len() as f32;
        }
    }
    graph.set_calibration(calibration);
    for (i, &ef) in EFS.iter().enumerate() {
        let params = SearchParams::new(K, ef.into());
        let found: usize = questions
            .par_iter()
            .map(|(query, truth)| {
                let found = graph.search(query, &params).nears;
                found.iter().filter(|near| truth.contains(&near.row)).count()
            })
            .sum();
        calibration.recalls[i] = found as f32 / (count * K as f32);
    }
    graph.set_calibration(calibration);
    Ok(())
}

/// Analogies of frequent words, the same for the same table.
pub(super) fn analogies(table: &Table) -> Vec<Vec<f32>> {
    let rows = table.len().min(ROWS) as u64;
    let mut random = SplitMix64(SEED);
    let mut draw = || RowId(u32::try_from(random.below(rows)).unwrap_or(0));
    let mut sum = vec![0.0; table.dim()];
    let mut question = || {
        sum.fill(0.0);
        for (weight, row) in [(-1.0, draw()), (1.0, draw()), (1.0, draw())] {
            algebra::add(&mut sum, weight, &table.unit(row));
        }
        algebra::unit_sum(&sum)
    };
    (0..QUESTIONS).filter_map(|_| question()).collect()
}

/// Means of 5 to 12 frequent words, as texts have, the same for the same table.
pub(super) fn texts(table: &Table) -> Vec<Vec<f32>> {
    let rows = table.len().min(ROWS) as u64;
    let mut random = SplitMix64(SEED + 1);
    let mut sum = vec![0.0; table.dim()];
    let mut question = || {
        sum.fill(0.0);
        for _ in 0..5 + random.below(8) {
            let row = RowId(u32::try_from(random.below(rows)).unwrap_or(0));
            algebra::add(&mut sum, 1.0, &table.unit(row));
        }
        algebra::unit_sum(&sum)
    };
    (0..QUESTIONS).filter_map(|_| question()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_grow_with_the_width_and_shrink_with_the_neighbors_asked_for() {
        let mut calibration = Calibration::none();
        for (i, spread) in calibration.spreads.iter_mut().enumerate() {
            *spread = 1.05 + i as f32 / 20.0;
        }
        calibration.recalls = [0.5, 0.6, 0.7, 0.8, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95];
        let grows = |k| {
            (k..2_000)
                .collect::<Vec<_>>()
                .windows(2)
                .all(|pair| calibration.spread(pair[0], k) <= calibration.spread(pair[1], k))
        };
        assert!(grows(1) && grows(10) && grows(100));
        assert!((calibration.spread(64, 10) - 1.25).abs() < 1e-5);
        assert!(calibration.spread(64, 20) < calibration.spread(64, 10));
        assert!(calibration.spread(16, 100) >= 1.0);
        assert_eq!(calibration.ef_for(0.6), Some(24));
        assert_eq!(calibration.ef_for(0.61), Some(32));
        assert_eq!(calibration.ef_for(0.96), None);
    }
}
