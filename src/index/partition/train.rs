//! Centers of directions by spherical k-means, and the two leaves of each row.
//!
//! A row stands in the leaf of its nearest center, and in a second one that is near too, but misses the
//! row in another direction: what one of them hides from a question, the other one shows ("SOAR": Sun et
//! al. 2023). Everything is decided by sums of integers, or of floats in a fixed order, so the outcome
//! depends on nothing but the rows.

use rayon::iter::{IndexedParallelIterator as _, IntoParallelIterator as _, ParallelIterator as _};
use rayon::slice::{ParallelSlice as _, ParallelSliceMut as _};

use crate::error::{Error, ErrorKind, Result};
use crate::index::Watch;
use crate::index::codes::{Codes, QUERY_MAX, rounded};
use crate::vector::kernel;
use crate::vector::kernel::blocks::{self, GROUP, Group, QUERIES, Query, ROWS};
use crate::vector::random::SplitMix64;

/// Rows of the sample for each leaf.
const SAMPLE_ROWS: usize = 84;
/// Steps of k-means.
const STEPS: usize = 10;
/// Centers among which a row's next center and its second leaf are looked for: those that are nearest
/// to the center that it has.
const AROUND: usize = 128;
/// From which the sample and the first centers are drawn.
const SEED: u64 = 9;
/// Rows that one thread assigns between looks at the watch.
const ROWS_AT_ONCE: usize = 16 * ROWS;
/// What a row's byte of 0 is, and a center's.
const ZERO: i32 = 128;
/// How much a part of the residual that is parallel to the first one counts.
const PARALLEL_WEIGHT: f32 = 1.0;
/// Second leaves are looked for among centers that are nearer than this share of the first one's
/// distance from 1 beyond it; wider if there is none.
const MARGIN_SHARE: f32 = 0.12;

/// Which leaves rows are in.
#[derive(Debug)]
pub(super) struct Assigned {
    /// The mean direction of each leaf's rows, turned; shorter than 1 the more they differ.
    pub(super) means: Vec<f32>,
    /// For each row, its nearest leaf.
    pub(super) first: Vec<u32>,
    /// And the other one.
    pub(super) second: Vec<u32>,
}

/// Finds leaves for these rows.
///
/// # Errors
///
/// If `watch` says that the build is cancelled.
pub(super) fn assign(
    codes: &Codes,
    rows: &[u32],
    leaves: usize,
    watch: &dyn Watch,
) -> Result<Assigned> {
    let mut random = SplitMix64(SEED);
    let sample: Vec<u32> = random
        .sample(rows.len(), leaves.saturating_mul(SAMPLE_ROWS))
        .into_iter()
        .map(|place| rows[place])
        .collect();
    let dim = codes.rotation().dim();
    let mut means = vec![0.0; leaves * dim];
    let first = random.sample(sample.len(), leaves);
    for (mean, place) in means.chunks_exact_mut(dim).zip(first) {
        codes.direction(sample[place], mean);
    }
    let mut units = Units::new(codes, &means);
    let mut nearest = nearest(codes, &sample, &units, watch)?;
    for step in 1..STEPS {
        watch.progress(0.3 + 0.4 * step as f32 / STEPS as f32);
        means = self::means(codes, &sample, &nearest, means);
        units = Units::new(codes, &means);
        nearest = nearest_around(codes, &sample, &nearest, (&units, &units.around()), watch)?;
    }
    means = self::means(codes, &sample, &nearest, means);
    units = Units::new(codes, &means);
    let around = units.around();
    let nearest = if sample.len() == rows.len() {
        nearest_around(codes, rows, &nearest, (&units, &around), watch)?
    } else {
        self::nearest(codes, rows, &units, watch)?
    };
    watch.progress(0.8);
    let second = second(codes, rows, &nearest, (&units, &around), watch)?;
    let means = means_of(codes, rows, &nearest, means);
    Ok(Assigned { means, first: nearest.into_iter().map(|(_, leaf)| leaf).collect(), second })
}

/// Centers as queries of length 1, on one scale.
struct Units {
    /// Groups of a center.
    width: usize,
    groups: Vec<[i8; GROUP]>,
    starts: Vec<i32>,
    /// The same as rows.
    rows: Vec<u8>,
    step: f32,
}

impl Units {
    fn new(codes: &Codes, means: &[f32]) -> Self {
        let dim = codes.rotation().dim();
        let units: Vec<Vec<f32>> = means
            .par_chunks_exact(dim)
            .map(|mean| crate::vector::algebra::unit(mean).unwrap_or_else(|| mean.to_vec()))
            .collect();
        let largest = units.iter().flatten().fold(0.0_f32, |most, value| most.max(value.abs()));
        let step = largest.max(f32::MIN_POSITIVE) / QUERY_MAX;
        let steps = 1.0 / step;
        let mut this =
            Self { width: 0, groups: Vec::new(), starts: Vec::new(), rows: Vec::new(), step };
        for unit in &units {
            let bytes = codes.lay(unit.iter().map(|value| rounded(value * steps)), 0);
            this.width = bytes.len() / GROUP;
            this.starts.push(-ZERO * bytes.iter().map(|&byte| i32::from(byte)).sum::<i32>());
            this.rows.extend(bytes.iter().map(|&byte| byte.cast_unsigned().wrapping_add(128)));
            this.groups.extend(bytes.as_chunks().0);
        }
        this
    }

    fn len(&self) -> usize {
        self.starts.len()
    }

    fn query(&self, center: usize) -> Query<'_> {
        let groups = &self.groups[center * self.width..][..self.width];
        Query { groups, start: self.starts[center] }
    }

    /// For each center the nearest ones, [`AROUND`] of them or all, ascending; itself is one of them.
    fn around(&self) -> Vec<Vec<u32>> {
        let bytes = self.width * GROUP;
        let mut blocks = vec![Group::of(0); self.len().div_ceil(ROWS) * self.width];
        for (center, row) in self.rows.chunks_exact(bytes).enumerate() {
            let block = &mut blocks[center / ROWS * self.width..][..self.width];
            blocks::set(block, center % ROWS, row.as_chunks().0.iter().copied());
        }
        let extras = vec![0.0; blocks.len() / self.width * ROWS];
        let around = |scores: &mut Vec<f32>, center| {
            scores.resize(extras.len(), 0.0);
            let (query, least) = (self.query(center), f32::NEG_INFINITY);
            let runs = (&blocks[..], self.width);
            blocks::scores(runs, &[(query, 1.0)], &extras, least, [&mut scores[..]]);
            let mut near: Vec<u32> = (0..).take(self.len()).collect();
            if near.len() > AROUND {
                let score = |&center: &u32| scores[center as usize];
                near.select_nth_unstable_by(AROUND - 1, |a, b| {
                    score(b).total_cmp(&score(a)).then(a.cmp(b))
                });
                near.truncate(AROUND);
                near.sort_unstable();
            }
            near
        };
        (0..self.len()).into_par_iter().map_init(Vec::new, around).collect()
    }

    /// The cosine of two centers.
    fn cosine(&self, a: u32, b: u32) -> f32 {
        let bytes = self.width * GROUP;
        let row = &self.rows[a as usize * bytes..][..bytes];
        let query = self.query(b as usize);
        let dot = kernel::dot_u8(row, query.groups.as_flattened()) + query.start;
        dot as f32 * (self.step * self.step)
    }
}

fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled)
}

/// The dot product with the nearest center, and which that is, for each row.
fn nearest(
    codes: &Codes,
    rows: &[u32],
    units: &Units,
    watch: &dyn Watch,
) -> Result<Vec<(i32, u32)>> {
    let queries: Vec<Query<'_>> = (0..units.len()).map(|center| units.query(center)).collect();
    let chunks: Vec<Vec<(i32, u32)>> = rows
        .par_chunks(ROWS_AT_ONCE)
        .map(|rows| {
            let mut found = Vec::with_capacity(rows.len());
            let mut block = vec![Group::of(0); units.width];
            for rows in rows.chunks(ROWS) {
                if watch.is_cancelled() {
                    break;
                }
                fill(codes, rows, &mut block);
                let best = blocks::best(&block, &queries);
                found.extend(best.dots.into_iter().zip(best.queries).take(rows.len()));
            }
            found
        })
        .collect();
    if watch.is_cancelled() {
        return Err(stopped());
    }
    Ok(chunks.concat())
}

/// The same where each row's center is near the one that it had before.
fn nearest_around(
    codes: &Codes,
    rows: &[u32],
    before: &[(i32, u32)],
    (units, around): (&Units, &[Vec<u32>]),
    watch: &dyn Watch,
) -> Result<Vec<(i32, u32)>> {
    by_center(before, around, watch, |places, around| {
        let queries: Vec<Query<'_>> =
            around.iter().map(|&center| units.query(center as usize)).collect();
        let mut found = Vec::with_capacity(places.len());
        let mut block = vec![Group::of(0); units.width];
        for places in places.chunks(ROWS) {
            let rows: [u32; ROWS] =
                std::array::from_fn(|i| places.get(i).map_or(0, |&place| rows[place as usize]));
            fill(codes, &rows[..places.len()], &mut block);
            let best = blocks::best(&block, &queries);
            let centers = best.queries.iter().map(|&query| around[query as usize]);
            found.extend(best.dots.into_iter().zip(centers).take(places.len()));
        }
        found
    })
}

/// Something of each place, found for all places of a center at once, among the centers around it.
fn by_center<T: Copy + Default + Send>(
    nearest: &[(i32, u32)],
    around: &[Vec<u32>],
    watch: &dyn Watch,
    find: impl Fn(&[u32], &[u32]) -> Vec<T> + Sync,
) -> Result<Vec<T>> {
    let labels: Vec<u32> = nearest.iter().map(|&(_, center)| center).collect();
    let (starts, order) = grouped(&labels, around.len());
    let found: Vec<Vec<T>> = starts
        .par_windows(2)
        .zip(around)
        .map(|(range, around)| {
            let places = &order[range[0] as usize..range[1] as usize];
            if places.is_empty() || watch.is_cancelled() {
                return Vec::new();
            }
            find(places, around)
        })
        .collect();
    if watch.is_cancelled() {
        return Err(stopped());
    }
    let mut all = vec![T::default(); nearest.len()];
    for (&place, found) in order.iter().zip(found.into_iter().flatten()) {
        all[place as usize] = found;
    }
    Ok(all)
}

fn fill(codes: &Codes, rows: &[u32], block: &mut [Group]) {
    for (place, &row) in rows.iter().enumerate() {
        blocks::set(block, place, codes.groups(row));
    }
}

/// The means of the rows of each center; a center without rows goes to one of the rows that are farthest
/// from theirs.
fn means(codes: &Codes, rows: &[u32], nearest: &[(i32, u32)], before: Vec<f32>) -> Vec<f32> {
    let dim = codes.rotation().dim();
    let mut means = means_of(codes, rows, nearest, before);
    let mut counts = vec![0_u32; means.len() / dim];
    for &(_, center) in nearest {
        counts[center as usize] += 1;
    }
    let empty: Vec<usize> = (0..counts.len()).filter(|&center| counts[center] == 0).collect();
    if empty.is_empty() {
        return means;
    }
    let mut far: Vec<(f32, u32)> = rows
        .iter()
        .zip(nearest)
        .map(|(&row, &(dot, _))| (dot as f32 * codes.step(row), row))
        .filter(|(similarity, _)| *similarity > 0.0)
        .collect();
    let wanted = empty.len().min(far.len());
    if wanted > 0 {
        let order = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        far.select_nth_unstable_by(wanted - 1, order);
        far.truncate(wanted);
        far.sort_unstable_by(order);
    }
    for (center, (_, row)) in empty.into_iter().zip(far) {
        codes.direction(row, &mut means[center * dim..][..dim]);
    }
    means
}

/// The mean of each center's rows, added in their order; a center without rows stays.
fn means_of(codes: &Codes, rows: &[u32], nearest: &[(i32, u32)], mut means: Vec<f32>) -> Vec<f32> {
    let dim = codes.rotation().dim();
    let labels: Vec<u32> = nearest.iter().map(|&(_, center)| center).collect();
    let (starts, order) = grouped(&labels, means.len() / dim);
    means.par_chunks_exact_mut(dim).enumerate().for_each(|(center, mean)| {
        let members = &order[starts[center] as usize..starts[center + 1] as usize];
        if members.is_empty() {
            return;
        }
        mean.fill(0.0);
        let mut direction = vec![0.0; dim];
        for &place in members {
            codes.direction(rows[place as usize], &mut direction);
            for (sum, value) in mean.iter_mut().zip(&direction) {
                *sum += value;
            }
        }
        let share = 1.0 / members.len() as f32;
        for sum in mean {
            *sum *= share;
        }
    });
    means
}

/// Places by their labels: where each label's places begin, and all places, ascending within a label.
pub(super) fn grouped(labels: &[u32], count: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0_u32; count + 1];
    for &label in labels {
        starts[label as usize + 1] += 1;
    }
    for label in 0..count {
        starts[label + 1] += starts[label];
    }
    let mut next = starts.clone();
    let mut order = vec![0; labels.len()];
    for (place, &label) in (0..).zip(labels) {
        let at = &mut next[label as usize];
        order[*at as usize] = place;
        *at += 1;
    }
    (starts, order)
}

/// The second leaf of each row, among those around its first one.
fn second(
    codes: &Codes,
    rows: &[u32],
    nearest: &[(i32, u32)],
    (units, around): (&Units, &[Vec<u32>]),
    watch: &dyn Watch,
) -> Result<Vec<u32>> {
    if units.len() < 2 {
        return Ok(nearest.iter().map(|&(_, leaf)| leaf).collect());
    }
    by_center(nearest, around, watch, |places, around| {
        let mut found = Vec::with_capacity(places.len());
        for places in places.chunks(ROWS) {
            let firsts: Vec<First> = places
                .iter()
                .map(|&place| {
                    let (row, (dot, leaf)) = (rows[place as usize], nearest[place as usize]);
                    First { row, dot, leaf, scale: codes.step(row) * units.step }
                })
                .collect();
            found.extend(second_of_block(codes, &firsts, units, around));
        }
        found
    })
}

/// A row in its first leaf.
struct First {
    row: u32,
    leaf: u32,
    /// The dot product with the leaf's center, and the similarity that one unit of it stands for.
    dot: i32,
    scale: f32,
}

/// The second leaves of rows, no more than a block has, that share the first one.
fn second_of_block(codes: &Codes, firsts: &[First], units: &Units, around: &[u32]) -> Vec<u32> {
    let mut block = vec![Group::of(0); units.width];
    let rows: Vec<u32> = firsts.iter().map(|first| first.row).collect();
    fill(codes, &rows, &mut block);
    let mut dots = [[0; ROWS]; QUERIES];
    let count = u32::try_from(units.len()).unwrap_or(u32::MAX);
    // A row without a direction is as near to every center.
    let mut chosen: Vec<Option<u32>> = firsts
        .iter()
        .map(|first| (first.scale <= 0.0).then_some((first.leaf + 1) % count))
        .collect();
    let mut share = MARGIN_SHARE;
    while chosen.contains(&None) {
        let mut limits = [i32::MAX; ROWS];
        for ((limit, first), chosen) in limits.iter_mut().zip(firsts).zip(&chosen) {
            if chosen.is_none() {
                *limit = limit_of(first.dot, first.scale, share);
            }
        }
        let mut least = [f32::INFINITY; ROWS];
        for six in around.chunks(QUERIES) {
            let filled = std::array::from_fn(|i| units.query(six[i.min(six.len() - 1)] as usize));
            let above = blocks::above(&block, &filled, &limits, &mut dots);
            for ((mut bits, dots), &center) in above.into_iter().zip(&dots).zip(six) {
                while bits != 0 {
                    let place = bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    let First { leaf, dot, scale, .. } = firsts[place];
                    if leaf == center {
                        continue;
                    }
                    let near =
                        Near { first: dot as f32 * scale, other: dots[place] as f32 * scale };
                    let loss = near.loss(units.cosine(leaf, center));
                    if loss < least[place] {
                        least[place] = loss;
                        chosen[place] = Some(center);
                    }
                }
            }
        }
        share *= 4.0;
    }
    chosen.into_iter().flatten().collect()
}

/// What a dot product must exceed to be of use, as one that is `share` farther from the most.
fn limit_of(best: i32, scale: f32, share: f32) -> i32 {
    let margin = (1.0 - best as f32 * scale).max(0.01) * share / scale;
    // Beyond, every center is near enough.
    if margin < 1e9 {
        #[expect(clippy::cast_possible_truncation, reason = "below 1e9")]
        let margin = margin as i32;
        best.saturating_sub(margin)
    } else {
        i32::MIN
    }
}

/// A row's cosines with its nearest center and with another one.
struct Near {
    first: f32,
    other: f32,
}

impl Near {
    /// The squared distance from the other center, and once more that of the part that is parallel to
    /// the residual of the first one.
    fn loss(&self, between: f32) -> f32 {
        let residual = (2.0 - 2.0 * self.first).max(1e-6);
        let parallel = (1.0 - self.first) - (self.other - between);
        2.0 - 2.0 * self.other + PARALLEL_WEIGHT * parallel * parallel / residual
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::{Unwatched, clustered, table_of};
    use crate::vector::scalar;

    #[test]
    fn rows_stand_in_the_leaves_that_suit_them_whatever_the_threads() {
        let mut rows = clustered(1_500, 20, 3);
        rows.push(vec![0.0; 20]);
        let table = table_of(&rows);
        let codes = Codes::new(&table).unwrap();
        let all: Vec<u32> = (0..1_501).collect();
        let assigned = assign(&codes, &all, 30, &Unwatched).unwrap();
        let mut direction = vec![0.0; 20];
        let (mut nearest, mut apart) = (0, 0);
        for row in 0..1_500 {
            codes.direction(row, &mut direction);
            let cosine =
                |leaf: u32| scalar::cosine(&direction, &assigned.means[leaf as usize * 20..][..20]);
            let (first, second) = (assigned.first[row as usize], assigned.second[row as usize]);
            let best = (0..30).map(cosine).fold(-1.0, f64::max);
            nearest += usize::from(cosine(first) > best - 0.02);
            apart += usize::from(first != second);
        }
        // Means moved a little after the last assignment.
        assert!(nearest > 1_450, "{nearest} of 1500 rows in their nearest leaf");
        assert_eq!(apart, 1_500);
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let again = one.install(|| assign(&codes, &all, 30, &Unwatched).unwrap());
        assert_eq!((again.first, again.second), (assigned.first, assigned.second));
        assert!(again.means.iter().zip(&assigned.means).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
