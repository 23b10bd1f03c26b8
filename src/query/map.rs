//! Where words stand on a map in two dimensions: by the first two principal components of their directions, or
//! near to their neighbors; and clusters to color them by.

use crate::error::Result;
use crate::index::{Index, SearchParams};
use crate::limits;
use crate::query::GoOn;
use crate::query::arrange::{self, Link};
use crate::query::places::Arranged;
use crate::steps::{STEPS, watched};
use crate::table::view::View;
use crate::vector::random::SplitMix64;
use crate::vector::top::Near;
use crate::vector::{RowId, algebra, cluster, scalar};

/// How words get their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapLayout {
    /// The first two principal components.
    Components,
    /// From there, so that neighbors come together: as they were arranged before.
    Neighbors,
}

/// A map of a table is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapQuery {
    /// Of which kind.
    pub layout: MapLayout,
    /// Whether the places of its rows are, too.
    pub places: bool,
}

/// The map of a table's directions: vectors at length 1, less the mean of these.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableMap {
    /// [`ROW_BYTES`] for each row from the first on: two coordinates, the length, the cluster and the typicality.
    pub places: Vec<u8>,
    /// Rows that have a place.
    pub placed_count: usize,
    /// The largest coordinate of any row, without its sign.
    pub scale: f64,
    /// Share of the variance that each component has; none if these give no places.
    pub component_shares: Vec<f64>,
    /// Rows from which components and clusters were found.
    pub component_row_count: usize,
    /// The longest vector's length.
    pub length_max: f32,
    /// The largest first.
    pub clusters: Vec<MapCluster>,
}

/// Rows whose directions are alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MapCluster {
    /// How many they are.
    pub row_count: usize,
    /// What names it: some of its frequent words, near to its center and far from the others.
    pub words: Vec<(Vec<u8>, RowId)>,
}

/// Bytes of a row's place.
pub const ROW_BYTES: usize = 8;
/// What stands where a row has no place.
const NOWHERE: u16 = u16::MAX;
/// What stands for 0, and what a component of the scale is away from it.
const MIDDLE: f64 = 32_767.0;

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
/// Words that may name a cluster are of the first so many rows, and so many are looked at more closely.
const NAME_ROWS: usize = 5_000;
const NAMES_NEAR: usize = 24;
const NAMES: usize = 3;
/// How much a name has to be far from other clusters, beside near to its own.
const NAME_CONTRAST: f64 = 1.3;
/// The share of the work of arranging that finding neighbors is, about.
const FIND_SHARE: f64 = 0.4;
/// Rows that were written since a table was arranged for which neighbors are looked for, and how many between
/// two looks at whether to go on.
const SOUGHT_MAX: usize = 4_096;
const LOOK: usize = 64;
/// Characters by which words of one stem begin.
const STEM_CHARS: usize = 4;

/// What finds the nearest rows of a row.
#[derive(Clone, Copy, Debug)]
pub struct Finder<'a> {
    /// The table's index.
    pub index: &'a dyn Index,
    /// The width of its beam if nothing else is asked.
    pub default_ef: usize,
}

/// Makes the map of a table's first [`limits::MAP_ROWS_MAX`] rows: by components, or as `arranged` by their
/// neighbors. The outcome depends on these alone, and for rows that were written since they were arranged on
/// what the index finds.
///
/// # Errors
///
/// Whatever `go_on` says.
pub fn map(
    table: &View,
    arranged: Option<(&Arranged, Finder<'_>)>,
    go_on: GoOn<'_>,
) -> Result<TableMap> {
    let rows_end = table.rows_end().min(limits::MAP_ROWS_MAX);
    let sample = Sample::of(table, rows_end, go_on)?;
    let frame = Frame::of(&sample, go_on)?;
    let mut drawing = Drawing::new(rows_end, frame.centers.len());
    for row in watched(table.rows(), go_on) {
        let row = row?;
        if row.index() >= rows_end {
            break;
        }
        if let Some(unit) = algebra::unit(&table.vector(row)) {
            drawing.place(table, row, &frame.place(&unit));
        }
    }
    let shares = match arranged {
        None => frame.shares.to_vec(),
        Some((arranged, finder)) => {
            drawing.move_to(table, arranged, finder, go_on)?;
            Vec::new()
        }
    };
    Ok(drawing.finish(table, shares, sample.rows.len()))
}

/// Arranges a table's first [`limits::MAP_ROWS_MAX`] rows so that neighbors come together. The outcome depends
/// on the table, the seed, and what the index finds. `on_share` is told which share of the work is done.
///
/// # Errors
///
/// Whatever `go_on` says.
pub fn arrange(
    table: &View,
    finder: Finder<'_>,
    seed: u64,
    go_on: GoOn<'_>,
    on_share: &mut dyn FnMut(f64),
) -> Result<Arranged> {
    let rows_end = table.rows_end().min(limits::MAP_ROWS_MAX);
    let (rows, mut places) = start(table, rows_end, go_on)?;
    let mut on_found = |share: f64| on_share(share * FIND_SHARE);
    let (links, ends) = linked(table, &rows, finder, go_on, &mut on_found)?;
    let mut on_moved = |share: f64| on_share(FIND_SHARE + share * (1.0 - FIND_SHARE));
    arrange::arrange(&mut places, (&links, &ends), seed, go_on, &mut on_moved)?;
    // The middle is where most are.
    let count = places.len().max(1) as f64;
    let middle = [0, 1]
        .map(|axis| single(places.iter().map(|place| f64::from(place[axis])).sum::<f64>() / count));
    let mut all = vec![[f32::NAN; 2]; rows_end];
    for (row, [x, y]) in rows.iter().zip(places) {
        all[row.index()] = [x - middle[0], y - middle[1]];
    }
    Ok(Arranged::new(table, seed, all))
}

/// Rows that have a direction, and where they are by components.
fn start(table: &View, rows_end: usize, go_on: GoOn<'_>) -> Result<(Vec<RowId>, Vec<[f32; 2]>)> {
    let sample = Sample::of(table, rows_end, go_on)?;
    let (axes, _) = axes(&sample.rows, sample.mean.len(), go_on)?;
    let middle = [0, 1].map(|axis| scalar::dot(&axes[axis], &sample.mean));
    let (mut rows, mut places) = (Vec::new(), Vec::new());
    for row in watched(table.rows(), go_on) {
        let row = row?;
        if row.index() >= rows_end {
            break;
        }
        if let Some(unit) = algebra::unit(&table.vector(row)) {
            rows.push(row);
            places.push([0, 1].map(|axis| single(scalar::dot(&axes[axis], &unit) - middle[axis])));
        }
    }
    Ok((rows, places))
}

/// The neighbors of each of these rows among them, by their places in the list, and where those of each end.
fn linked(
    table: &View,
    rows: &[RowId],
    finder: Finder<'_>,
    go_on: GoOn<'_>,
    on_share: &mut dyn FnMut(f64),
) -> Result<(Vec<Link>, Vec<usize>)> {
    let mut numbers = vec![u32::MAX; rows.last().map_or(0, |row| row.index() + 1)];
    for (number, row) in (0..).zip(rows) {
        numbers[row.index()] = number;
    }
    let is_linked = |row: RowId| numbers.get(row.index()).is_some_and(|&number| number != u32::MAX);
    let (mut links, mut ends) = (Vec::new(), Vec::with_capacity(rows.len()));
    for &row in rows {
        // Without an index each row is compared with all.
        if ends.len().is_multiple_of(LOOK) {
            go_on()?;
            on_share(ends.len() as f64 / rows.len() as f64);
        }
        let mut nears = finder.neighbors(table, row);
        nears.retain(|near| is_linked(near.row));
        let distances: Vec<f32> = nears.iter().map(|near| 1.0 - near.similarity).collect();
        let weights = arrange::weights(&distances);
        let weighted = nears.iter().zip(weights);
        links.extend(weighted.map(|(near, weight)| Link { to: numbers[near.row.index()], weight }));
        ends.push(links.len());
    }
    Ok((links, ends))
}

impl Finder<'_> {
    /// The nearest rows of a row, but itself.
    fn neighbors(self, table: &View, row: RowId) -> Vec<Near> {
        let own = [row];
        let params = SearchParams {
            exclude: &own,
            row: Some(row),
            seeds: &own,
            ..SearchParams::new(arrange::NEIGHBORS, self.default_ef.max(arrange::NEIGHBORS + 1))
        };
        self.index.search(&table.unit(row), &params).nears
    }
}

/// Rows that stand for all.
struct Sample {
    /// Their directions, less the mean.
    rows: Vec<Vec<f32>>,
    mean: Vec<f32>,
}

impl Sample {
    fn of(table: &View, rows_end: usize, go_on: GoOn<'_>) -> Result<Self> {
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
struct Frame {
    axes: [Vec<f32>; 2],
    shares: [f64; 2],
    centers: Vec<Vec<f32>>,
    /// The mean along each axis, along each center, and its squared length.
    mean: Vec<f32>,
    on_axes: [f64; 2],
    on_centers: Vec<f64>,
    mean_square: f64,
}

/// Where a direction is.
struct Place {
    x: f64,
    y: f64,
    cluster: usize,
    /// Cosines with the center of its cluster, and with that of the next one.
    own: f64,
    other: f64,
}

impl Frame {
    fn of(sample: &Sample, go_on: GoOn<'_>) -> Result<Self> {
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

    fn place(&self, unit: &[f32]) -> Place {
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
fn axes(rows: &[Vec<f32>], dim: usize, go_on: GoOn<'_>) -> Result<([Vec<f32>; 2], [f64; 2])> {
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

fn dot(a: &[f64], b: &[f64]) -> f64 {
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

/// A map in the making.
struct Drawing {
    /// Components, share of the own cluster, length; no number where a row has no place.
    rows: Vec<[f32; 4]>,
    clusters: Vec<u8>,
    counts: Vec<usize>,
    /// For each cluster the words that may name it, best first.
    names: Vec<Vec<(f64, RowId)>>,
}

impl Drawing {
    fn new(rows_end: usize, clusters: usize) -> Self {
        Self {
            rows: vec![[f32::NAN; 4]; rows_end],
            clusters: vec![0; rows_end],
            counts: vec![0; clusters.max(1)],
            names: vec![Vec::new(); clusters.max(1)],
        }
    }

    fn place(&mut self, table: &View, row: RowId, place: &Place) {
        let Place { x, y, cluster, own, other } = *place;
        let own = if own.is_finite() { own } else { 0.0 };
        self.rows[row.index()] = [single(x), single(y), single(own), table.norm(row)];
        self.clusters[row.index()] = u8::try_from(cluster).unwrap_or(0);
        self.counts[cluster] += 1;
        if row.index() < NAME_ROWS && is_a_name(table.word(row)) {
            let worth = own + NAME_CONTRAST * (own - other);
            let names = &mut self.names[cluster];
            let place = names.partition_point(|&(better, _)| better >= worth);
            if place < NAMES_NEAR {
                names.insert(place, (worth, row));
                names.truncate(NAMES_NEAR);
            }
        }
    }

    /// Moves rows to where they were arranged, and those that were written since to the middle of their neighbors.
    fn move_to(
        &mut self,
        table: &View,
        arranged: &Arranged,
        finder: Finder<'_>,
        go_on: GoOn<'_>,
    ) -> Result<()> {
        let mut sought = 0;
        for row in watched((0..).map(RowId).take(self.rows.len()), go_on) {
            let row = row?;
            if !self.rows[row.index()][0].is_finite() {
                continue;
            }
            let mut place = arranged.place(table, row);
            if place.is_none() && sought < SOUGHT_MAX {
                sought += 1;
                if sought % LOOK == 0 {
                    go_on()?;
                }
                place = amid(table, arranged, &finder.neighbors(table, row));
            }
            match place {
                Some([x, y]) => self.rows[row.index()][..2].copy_from_slice(&[x, y]),
                None => self.take_away(row),
            }
        }
        Ok(())
    }

    fn take_away(&mut self, row: RowId) {
        self.rows[row.index()] = [f32::NAN; 4];
        self.counts[usize::from(self.clusters[row.index()])] -= 1;
    }

    fn finish(self, table: &View, shares: Vec<f64>, component_row_count: usize) -> TableMap {
        let is_placed = |row: &&[f32; 4]| row[0].is_finite();
        let placed = || self.rows.iter().filter(is_placed);
        let scale = placed().map(|row| row[0].abs().max(row[1].abs())).fold(0.0, f32::max);
        let length_max = placed().map(|row| row[3]).fold(0.0, f32::max);
        // The largest cluster first; of equal ones the one that was found first.
        let mut order: Vec<usize> = (0..self.counts.len()).collect();
        order.sort_by_key(|&cluster| std::cmp::Reverse(self.counts[cluster]));
        order.retain(|&cluster| self.counts[cluster] > 0);
        let mut numbers = vec![0; self.counts.len()];
        for (number, &cluster) in (0_u8..).zip(&order) {
            numbers[cluster] = number;
        }
        let mut places = Vec::with_capacity(self.rows.len() * ROW_BYTES);
        for (&[x, y, own, length], &cluster) in self.rows.iter().zip(&self.clusters) {
            if !x.is_finite() {
                places.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
                continue;
            }
            let component = |value: f32| {
                let share = if scale > 0.0 { f64::from(value) / f64::from(scale) } else { 0.0 };
                rounded(MIDDLE + MIDDLE * share, NOWHERE - 1)
            };
            let share = if length_max > 0.0 { length / length_max } else { 0.0 };
            places.extend_from_slice(&component(x).to_le_bytes());
            places.extend_from_slice(&component(y).to_le_bytes());
            places.extend_from_slice(&rounded(f64::from(share) * 65_535.0, u16::MAX).to_le_bytes());
            let typical = rounded(f64::midpoint(1.0, f64::from(own)) * 255.0, 255);
            places.extend_from_slice(&[numbers[usize::from(cluster)], typical.to_le_bytes()[0]]);
        }
        let cluster = |&cluster: &usize| MapCluster {
            row_count: self.counts[cluster],
            words: named(table, &self.names[cluster]),
        };
        TableMap {
            places,
            placed_count: placed().count(),
            scale: f64::from(scale),
            component_shares: shares,
            component_row_count,
            length_max,
            clusters: order.iter().map(cluster).collect(),
        }
    }
}

/// The middle of those of a row's neighbors that were arranged, the nearest weighing most.
fn amid(table: &View, arranged: &Arranged, nears: &[Near]) -> Option<[f32; 2]> {
    let distances: Vec<f32> = nears.iter().map(|near| 1.0 - near.similarity).collect();
    let (mut sum, mut total) = ([0.0_f64; 2], 0.0_f64);
    for (near, weight) in nears.iter().zip(arrange::weights(&distances)) {
        if let Some(place) = arranged.place(table, near.row) {
            for (sum, x) in sum.iter_mut().zip(place) {
                *sum += f64::from(weight) * f64::from(x);
            }
            total += f64::from(weight);
        }
    }
    (total > 0.0).then(|| sum.map(|sum| single(sum / total)))
}

/// Whether a word is of letters alone, and more than two.
fn is_a_name(word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(|word| {
        let chars = word.chars().count();
        // One character says as much as a word where there are thousands of them.
        let is_long = chars > 2 || (chars > 0 && !word.is_ascii());
        is_long && chars <= 24 && word.chars().all(char::is_alphabetic)
    })
}

/// The first of these words of which no two begin alike.
fn named(table: &View, names: &[(f64, RowId)]) -> Vec<(Vec<u8>, RowId)> {
    let stem = |row: RowId| -> String {
        let word = String::from_utf8_lossy(table.word(row)).to_lowercase();
        word.chars().take(STEM_CHARS).collect()
    };
    let mut taken: Vec<(RowId, String)> = Vec::new();
    for &(_, row) in names {
        let own = stem(row);
        if taken.len() < NAMES && taken.iter().all(|(_, other)| *other != own) {
            taken.push((row, own));
        }
    }
    taken.into_iter().map(|(row, _)| (table.word(row).to_vec(), row)).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "a picture needs no more digits")]
fn single(value: f64) -> f32 {
    value as f32
}

/// To a whole number from 0 to `most`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn rounded(value: f64, most: u16) -> u16 {
    value.round().clamp(0.0, f64::from(most)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};
    use crate::query::golden::{self, Brute};
    use crate::steps::GO;
    use crate::table::attributes::Attributes;
    use crate::table::change::Change;

    /// x and y as the bytes say.
    fn coordinates(map: &TableMap) -> Vec<Option<[f64; 2]>> {
        let number = |bytes: &[u8]| u16::from_le_bytes([bytes[0], bytes[1]]);
        let rows = map.places.chunks_exact(ROW_BYTES);
        rows.map(|row| {
            let both = [number(row), number(&row[2..])];
            let component = |value: u16| (f64::from(value) - MIDDLE) / MIDDLE * map.scale;
            (both != [NOWHERE; 2]).then(|| both.map(component))
        })
        .collect()
    }

    #[test]
    fn places_are_the_projection_on_the_first_two_eigenvectors_of_the_covariance() {
        let view = golden::table();
        let components = |go_on: GoOn<'_>| map(&view, None, go_on);
        let found = components(&|| Ok(())).unwrap();
        let (dim, count) = (view.dim(), view.len() as f64);
        let units: Vec<Vec<f32>> = view.rows().map(|row| view.unit(row)).collect();
        let mut mean = vec![0.0; dim];
        for unit in &units {
            algebra::add(&mut mean, 1.0 / count, unit);
        }
        let centered = |unit: &Vec<f32>| -> Vec<f64> {
            unit.iter().zip(&mean).map(|(&value, mean)| f64::from(value) - mean).collect()
        };
        let rows: Vec<Vec<f64>> = units.iter().map(centered).collect();
        let mut covariance = vec![0.0; dim * dim];
        for row in &rows {
            for (i, a) in row.iter().enumerate() {
                for (j, b) in row.iter().enumerate() {
                    covariance[i * dim + j] += a * b;
                }
            }
        }
        let (values, vectors) = algebra::eigen(&covariance, dim);
        let total: f64 = values.iter().sum();
        let step = found.scale / MIDDLE;
        for axis in 0..2 {
            assert!((found.component_shares[axis] - values[axis] / total).abs() < 1e-6);
            let vector = &vectors[axis * dim..(axis + 1) * dim];
            let largest = vector.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
            for (row, place) in rows.iter().zip(coordinates(&found)) {
                let wanted = dot(row, vector) * largest.unwrap().signum();
                let got = place.unwrap()[axis];
                assert!((wanted - got).abs() < step + 1e-5, "{wanted} {got}");
            }
        }
        assert_eq!(found.placed_count, view.len());
        let members: usize = found.clusters.iter().map(|cluster| cluster.row_count).sum();
        assert_eq!(members, view.len());
        assert!(found.clusters.is_sorted_by(|a, b| a.row_count >= b.row_count));
        assert_eq!(found, components(&|| Ok(())).unwrap(), "the table alone decides");
        let stopped = components(&|| Err(Error::new(ErrorKind::Cancelled)));
        assert!(matches!(stopped.unwrap_err().kind(), ErrorKind::Cancelled));
    }
    #[test]
    fn by_neighbors_more_of_them_are_near_than_by_components() {
        let view = golden::table();
        let index = Brute(&view);
        let finder = Finder { index: &index, default_ef: 0 };
        let arranged = |seed| {
            let mut shares = Vec::new();
            let made = arrange(&view, finder, seed, GO, &mut |share| shares.push(share));
            assert!(shares.is_sorted() && shares.iter().all(|share| (0.0..=1.0).contains(share)));
            assert!(shares.len() > 50, "{shares:?}");
            made.unwrap()
        };
        let by = |arranged: &Arranged| map(&view, Some((arranged, finder)), GO).unwrap();
        let kept = |map: &TableMap| -> usize {
            let places: Vec<[f64; 2]> = coordinates(map).into_iter().map(Option::unwrap).collect();
            let gap = |a: usize, b: usize| {
                (places[a][0] - places[b][0]).powi(2) + (places[a][1] - places[b][1]).powi(2)
            };
            let kept = |row: RowId| {
                let own = [row];
                let params = SearchParams { exclude: &own, ..SearchParams::new(10, 0) };
                let near = index.search(&view.unit(row), &params).nears;
                let own = row.index();
                let mut others: Vec<usize> = (0..places.len()).filter(|&one| one != own).collect();
                others.sort_by(|&a, &b| gap(own, a).total_cmp(&gap(own, b)));
                let is_near = |row: RowId| others[..10].contains(&row.index());
                near.iter().filter(|near| is_near(near.row)).count()
            };
            view.rows().map(kept).sum()
        };
        let (by_components, first) = (map(&view, None, GO).unwrap(), arranged(0));
        let by_neighbors = by(&first);
        let (few, many) = (kept(&by_components), kept(&by_neighbors));
        assert!(many > 2 * few && many > 4 * view.len(), "{few} {many} of {}", 10 * view.len());
        assert_eq!(by_components.clusters, by_neighbors.clusters);
        let other = arranged(7);
        assert!(first == arranged(0) && first.places != other.places, "the seed decides");
        assert!(kept(&by(&other)) > 4 * view.len());
        let stopped =
            arrange(&view, finder, 0, &|| Err(Error::new(ErrorKind::Cancelled)), &mut |_| {});
        assert_eq!(*stopped.unwrap_err().kind(), ErrorKind::Cancelled);
    }
    #[test]
    fn what_was_written_since_stands_amid_its_neighbors_and_all_else_where_it_was() {
        let view = golden::table();
        let index = Brute(&view);
        let arranged =
            arrange(&view, Finder { index: &index, default_ef: 0 }, 0, GO, &mut |_| {}).unwrap();
        let place_of = |map: &TableMap, row: usize| coordinates(map)[row];
        let by = |view: &View, arranged: &Arranged| {
            let index = Brute(view);
            map(view, Some((arranged, Finder { index: &index, default_ef: 0 })), GO).unwrap()
        };
        let before = by(&view, &arranged);
        let [word, other] = [3, 8].map(|row| view.word(RowId(row)).to_vec());
        let put = |word: &[u8], row: u32| Change::Put {
            word: word.to_vec(),
            vector: view.vector(RowId(row)).iter().map(|x| x * 2.0).collect(),
            attributes: Attributes::default(),
        };
        let changes = [put(b"of its own", 5), put(&word, 9), Change::Delete { word: other }];
        let after = view.after(&changes).unwrap();
        let moved = by(&after, &arranged);
        let added = view.rows_end();
        assert_eq!(moved.placed_count, view.len(), "one came, one went");
        assert_eq!(place_of(&moved, 8), None);
        for row in (0..added).filter(|row| ![3, 8].contains(row)) {
            let [before, after] = [&before, &moved].map(|map| place_of(map, row).unwrap());
            for axis in 0..2 {
                assert!((before[axis] - after[axis]).abs() < 2e-3, "{row}: {before:?} {after:?}");
            }
        }
        // Each has taken another's direction, and stands near to it.
        let gap = |map: &TableMap, a: usize, b: usize| {
            let [a, b] = [a, b].map(|row| place_of(map, row).unwrap());
            (a[0] - b[0]).hypot(a[1] - b[1])
        };
        let others = |row: usize| (10..60).filter(move |&other| other != row);
        for (own, like) in [(added, 5), (3, 9)] {
            let farther =
                others(own).filter(|&other| gap(&moved, own, other) > gap(&moved, own, like));
            assert!(farther.count() > 35, "{own} is not near to {like}");
        }
        // Arranged again, they have places of their own, which hold until they are written again.
        let index = Brute(&after);
        let finder = Finder { index: &index, default_ef: 0 };
        let again = arrange(&after, finder, 0, GO, &mut |_| {}).unwrap();
        assert_eq!((again.sequence, again.written.len()), (after.sequence(), 2));
        assert!(again.place(&after, RowId(3)).is_some() && again.place(&view, RowId(3)).is_some());
        let once_more = after.after(&[put(&word, 20)]).unwrap();
        assert_eq!(again.place(&once_more, RowId(3)), None);
        assert_eq!(again.place(&after, RowId(8)), None);
    }
}
