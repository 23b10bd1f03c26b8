//! What is odd about a table: rows of zeros, rows that are there twice, norms, isotropy, hubs.

use std::hash::{DefaultHasher, Hasher as _};

use crate::error::Result;
use crate::index::{Found, Index, IndexKind, SearchParams};
use crate::query::GoOn;
use crate::steps::watched;
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::algebra;
use crate::vector::random::SplitMix64;

/// An account of a table's health is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthQuery {
    /// Pairs, and rows, that stand for all when isotropy is measured.
    pub sample: usize,
    /// Questions that stand for all when hubs are looked for.
    pub hub_queries: usize,
    /// Neighbors of each of them.
    pub k: usize,
    /// Seed of every drawing.
    pub seed: u64,
    /// Examples of each kind.
    pub examples: usize,
}

/// The answer to a [`HealthQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct HealthAnswer {
    /// Rows there are.
    pub row_count: usize,
    /// Rows of zeros: they have no direction and are near to nothing.
    pub zero_count: usize,
    /// The first of them.
    pub zero_examples: Vec<Named>,
    /// Rows that are equal to one before them, zeros left aside.
    pub duplicate_count: usize,
    /// Sets of equal rows.
    pub duplicate_group_count: usize,
    /// The largest of them.
    pub duplicates: Vec<DuplicateGroup>,
    /// Norms by frequency: rows 0 to 99, 100 to 999, and so on.
    pub norms: Vec<NormBand>,
    /// How evenly the vectors stand around the origin.
    pub isotropy: Isotropy,
    /// Words that are among the neighbors of many.
    pub hubs: Hubs,
}

/// A row with its word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The word's bytes, which should be UTF-8.
    pub word: Vec<u8>,
    /// Its row.
    pub row: RowId,
}

/// Rows that are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateGroup {
    /// Rows of the group, at least 2.
    pub count: usize,
    /// The first of them.
    pub examples: Vec<Named>,
}

/// The norms of some rows that stand one after the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormBand {
    /// The first row.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// Rows of them that are there.
    pub count: usize,
    /// The least norm.
    pub min: f32,
    /// Half of the rows have less.
    pub median: f32,
    /// The mean.
    pub mean: f32,
    /// The greatest norm.
    pub max: f32,
}

/// How evenly vectors stand around the origin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Isotropy {
    /// Pairs of rows that were drawn.
    pub pair_count: usize,
    /// Mean cosine similarity of two different words drawn at random: 0 if no direction is
    /// preferred (Ethayarajh 2019, "How contextual are contextualized word representations?").
    pub mean_similarity: f64,
    /// Its standard error.
    pub mean_similarity_error: f64,
    /// Length of the mean of all unit vectors, from 0 to 1: the direction that all have in common
    /// (Mu and Viswanath 2018, "All-but-the-top", where it is taken away).
    pub mean_length: f64,
    /// Rows that stand for all where components are concerned.
    pub component_row_count: usize,
    /// Share of the variance that each of the first principal components has, the largest first:
    /// 1 / dim if none is preferred (ibid.).
    pub component_shares: Vec<f64>,
}

/// How the places among the nearest neighbors are spread over words (Radovanovic, Nanopoulos and
/// Ivanovic 2010, "Hubs in space"): `N_k` of a word is the number of questions whose k nearest it is
/// among.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hubs {
    /// Questions asked: words drawn at random, or every word.
    pub query_count: usize,
    /// Neighbors of each.
    pub k: usize,
    /// Mean `N_k`: questions times k by rows.
    pub mean: f64,
    /// Third standardized moment of `N_k` over all rows: 0 if spread evenly, large if there are hubs.
    /// Figures of different numbers of questions do not compare.
    pub skewness: f64,
    /// Share of rows that are among the neighbors of no question.
    pub never_share: f64,
    /// The words of the largest `N_k`, largest first; ties in row order.
    pub largest: Vec<(Named, usize)>,
    /// What answered.
    pub by: Option<IndexKind>,
}

/// Rows between two looks at whether to go on.
const ROWS_AT_ONCE: usize = 1_024;
/// Principal components that are told.
const COMPONENTS: usize = 5;
/// Rows, and their components together, that stand for all where principal components are concerned.
const COMPONENT_ROWS_MAX: usize = 4_096;
const COMPONENT_VALUES_MAX: usize = 1 << 22;
/// Steps of the iteration that finds them: far beyond what shares to three digits take.
const STEPS: usize = 60;

/// Looks at every row once, and at pairs and neighbors of some.
///
/// # Errors
///
/// Whatever `go_on` says.
pub fn health(
    table: &View,
    index: &dyn Index,
    default_ef: usize,
    query: &HealthQuery,
    go_on: GoOn<'_>,
) -> Result<HealthAnswer> {
    let mut zeros = Vec::new();
    let mut hashes = Vec::with_capacity(table.len());
    let mut sum = vec![0.0_f64; table.dim()];
    for row in watched(table.rows(), go_on) {
        let row = row?;
        let vector = table.vector(row);
        match algebra::unit(&vector) {
            None => zeros.push(row),
            Some(unit) => {
                algebra::add(&mut sum, 1.0, &unit);
                hashes.push((hash(&vector), row));
            }
        }
    }
    let known: Vec<RowId> = hashes.iter().map(|&(_, row)| row).collect();
    let groups = duplicates(table, hashes, go_on)?;
    let mut random = SplitMix64(query.seed);
    let length = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
    let mut isotropy = pairs(table, &known, query.sample, &mut random, go_on)?;
    isotropy.mean_length = if known.is_empty() { 0.0 } else { length / known.len() as f64 };
    components(table, &known, query.sample, &mut random, &mut isotropy, go_on)?;
    let examples = |rows: &[RowId]| -> Vec<Named> {
        rows.iter().take(query.examples).map(|&row| named(table, row)).collect()
    };
    let ask = |row: RowId| {
        let unit = algebra::unit(&table.vector(row))?;
        let own = [row];
        let params = SearchParams {
            exclude: &own,
            row: Some(row),
            seeds: &own,
            ..SearchParams::new(query.k, default_ef.max(query.k + 1))
        };
        Some(index.search(&unit, &params))
    };
    Ok(HealthAnswer {
        row_count: table.len(),
        zero_count: zeros.len(),
        zero_examples: examples(&zeros),
        duplicate_count: groups.iter().map(|group| group.len() - 1).sum(),
        duplicate_group_count: groups.len(),
        duplicates: groups
            .iter()
            .take(query.examples)
            .map(|group| DuplicateGroup { count: group.len(), examples: examples(group) })
            .collect(),
        norms: norms(table),
        isotropy,
        hubs: hubs(table, &ask, &known, query, &mut random, go_on)?,
    })
}

fn named(table: &View, row: RowId) -> Named {
    Named { word: table.word(row).to_vec(), row }
}

/// Equal vectors have equal hashes; 0 and -0 are equal.
fn hash(vector: &[f32]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for value in vector {
        hasher.write_u32((value + 0.0).to_bits());
    }
    hasher.finish()
}

/// Sets of equal rows, the largest first, then in row order.
fn duplicates(
    table: &View,
    mut hashes: Vec<(u64, RowId)>,
    go_on: GoOn<'_>,
) -> Result<Vec<Vec<RowId>>> {
    hashes.sort_unstable();
    let mut groups = Vec::new();
    for same in hashes.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
        go_on()?;
        // A hash may be shared by rows that differ.
        let mut rest: Vec<RowId> = same.iter().map(|&(_, row)| row).collect();
        while let Some(&first) = rest.first() {
            let vector = table.vector(first);
            let (group, others): (Vec<_>, Vec<_>) =
                rest.into_iter().partition(|&row| equal(&table.vector(row), &vector));
            rest = others;
            if group.len() > 1 {
                groups.push(group);
            }
        }
    }
    groups.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    Ok(groups)
}

fn equal(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a + 0.0).to_bits() == (b + 0.0).to_bits())
}

fn norms(table: &View) -> Vec<NormBand> {
    let mut bands = Vec::new();
    let (mut start, mut end) = (0, 100);
    while start < table.rows_end() {
        let rows = table.rows_from(start).take_while(|row| row.index() < end);
        let mut norms: Vec<f32> = rows.map(|row| table.norm(row)).collect();
        norms.sort_unstable_by(f32::total_cmp);
        if let (Some(&min), Some(&max)) = (norms.first(), norms.last()) {
            let sum: f64 = norms.iter().map(|&norm| f64::from(norm)).sum();
            #[expect(clippy::cast_possible_truncation, reason = "between two single floats")]
            let mean = (sum / norms.len() as f64) as f32;
            let (count, median) = (norms.len(), norms[norms.len() / 2]);
            let end = end.min(table.rows_end());
            bands.push(NormBand { start, end, count, min, median, mean, max });
        }
        (start, end) = (end, end * 10);
    }
    bands
}

/// The similarity of random pairs.
fn pairs(
    table: &View,
    known: &[RowId],
    count: usize,
    random: &mut SplitMix64,
    go_on: GoOn<'_>,
) -> Result<Isotropy> {
    if known.len() < 2 {
        return Ok(Isotropy::default());
    }
    let (mut sum, mut squares) = (0.0, 0.0);
    for i in 0..count {
        if i % ROWS_AT_ONCE == 0 {
            go_on()?;
        }
        let first = random.index_below(known.len());
        let second = (first + 1 + random.index_below(known.len() - 1)) % known.len();
        let similarity = table.similarity(known[first], &table.vector(known[second]));
        sum += similarity;
        squares += similarity * similarity;
    }
    let n = count.max(1) as f64;
    let mean = sum / n;
    let variance = (squares / n - mean * mean).max(0.0);
    Ok(Isotropy {
        pair_count: count,
        mean_similarity: mean,
        mean_similarity_error: (variance / n).sqrt(),
        ..Isotropy::default()
    })
}

/// The first principal components of some rows, less their mean: orthogonal iteration.
fn components(
    table: &View,
    known: &[RowId],
    sample: usize,
    random: &mut SplitMix64,
    isotropy: &mut Isotropy,
    go_on: GoOn<'_>,
) -> Result<()> {
    let dim = table.dim();
    let rows_max = COMPONENT_ROWS_MAX.min(COMPONENT_VALUES_MAX / dim).min(sample);
    let drawn = random.sample(known.len(), rows_max);
    let mut rows: Vec<Vec<f64>> = drawn
        .iter()
        .map(|&i| table.vector(known[i]).iter().map(|&value| f64::from(value)).collect())
        .collect();
    isotropy.component_row_count = rows.len();
    let mut mean = vec![0.0; dim];
    for row in &rows {
        add(&mut mean, 1.0 / rows.len() as f64, row);
    }
    for row in &mut rows {
        add(row, -1.0, &mean);
    }
    let total: f64 = rows.iter().map(|row| dot(row, row)).sum();
    if total <= 0.0 || !total.is_finite() {
        return Ok(());
    }
    let mut basis: Vec<Vec<f64>> = (0..COMPONENTS.min(dim).min(rows.len()))
        .map(|_| (0..dim).map(|_| (random.next() >> 11) as f64 / 2e15 - 1.0).collect())
        .collect();
    let mut shares = Vec::new();
    for _ in 0..STEPS {
        orthonormalize(&mut basis);
        let mut next = vec![vec![0.0; dim]; basis.len()];
        let mut variances = vec![0.0; basis.len()];
        for (i, row) in rows.iter().enumerate() {
            if i % ROWS_AT_ONCE == 0 {
                go_on()?;
            }
            for ((axis, next), variance) in basis.iter().zip(&mut next).zip(&mut variances) {
                let along = dot(row, axis);
                *variance += along * along;
                add(next, along, row);
            }
        }
        shares = variances.iter().map(|variance| variance / total).collect();
        basis = next;
    }
    shares.sort_unstable_by(|a, b| b.total_cmp(a));
    isotropy.component_shares = shares;
    Ok(())
}

/// Gram and Schmidt, one after the other; what has no direction of its own becomes zeros.
fn orthonormalize(basis: &mut [Vec<f64>]) {
    for i in 0..basis.len() {
        let (before, rest) = basis.split_at_mut(i);
        let Some(axis) = rest.first_mut() else { return };
        for other in before {
            let along = dot(other, axis);
            add(axis, -along, other);
        }
        let length = dot(axis, axis).sqrt();
        let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
        for value in axis {
            *value *= scale;
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn add(sum: &mut [f64], weight: f64, row: &[f64]) {
    for (total, value) in sum.iter_mut().zip(row) {
        *total += weight * value;
    }
}

/// `ask` finds the neighbors of a row.
fn hubs(
    table: &View,
    ask: &dyn Fn(RowId) -> Option<Found>,
    known: &[RowId],
    query: &HealthQuery,
    random: &mut SplitMix64,
    go_on: GoOn<'_>,
) -> Result<Hubs> {
    let mut counts = vec![0_u32; table.rows_end()];
    let drawn = random.sample(known.len(), query.hub_queries);
    let mut by = None;
    for &i in &drawn {
        go_on()?;
        let Some(found) = ask(known[i]) else { continue };
        by = Some(found.by);
        for near in found.nears {
            counts[near.row.index()] += 1;
        }
    }
    if table.is_empty() {
        return Ok(Hubs { k: query.k, ..Hubs::default() });
    }
    let rows = table.len() as f64;
    let of = |row: RowId| counts[row.index()];
    let all = || watched(table.rows(), go_on);
    let moment = |mean: f64, power: i32| -> Result<f64> {
        let of_row = |row: Result<RowId>| row.map(|row| (f64::from(of(row)) - mean).powi(power));
        Ok(all().map(of_row).sum::<Result<f64>>()? / rows)
    };
    let mean = moment(0.0, 1)?;
    let deviation = moment(mean, 2)?.sqrt();
    let skewness = if deviation > 0.0 { moment(mean, 3)? / deviation.powi(3) } else { 0.0 };
    let occurs = |row: &Result<RowId>| row.as_ref().map_or(true, |&row| of(row) > 0);
    let mut occurring: Vec<RowId> = all().filter(occurs).collect::<Result<_>>()?;
    let never_share = 1.0 - occurring.len() as f64 / rows;
    occurring.sort_by_key(|&row| std::cmp::Reverse(of(row)));
    let largest = occurring.into_iter().take(query.examples);
    Ok(Hubs {
        query_count: drawn.len(),
        k: query.k,
        mean,
        skewness,
        never_share,
        largest: largest.map(|row| (named(table, row), of(row) as usize)).collect(),
        by,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};
    use crate::query::golden::Brute;
    use crate::table::builder::TableBuilder;

    const QUERY: HealthQuery =
        HealthQuery { sample: 4_000, hub_queries: 1_000, k: 1, seed: 5, examples: 3 };

    fn health_of(rows: &[Vec<f32>]) -> HealthAnswer {
        let table = table_of(rows);
        health(&table, &Brute(&table), 10, &QUERY, &|| Ok(())).unwrap()
    }

    fn table_of(rows: &[Vec<f32>]) -> View {
        let mut builder = TableBuilder::new(rows[0].len()).unwrap();
        for (i, row) in rows.iter().enumerate() {
            builder.push(format!("w{i}").as_bytes(), row).unwrap();
        }
        builder.build().into()
    }

    fn noise(count: usize, dim: usize) -> Vec<Vec<f32>> {
        let mut random = SplitMix64(2);
        let mut value =
            || f32::from(u16::try_from(random.below(1 << 16)).unwrap()) / 32_768.0 - 1.0;
        (0..count).map(|_| (0..dim).map(|_| value()).collect()).collect()
    }

    #[test]
    fn zeros_and_duplicates_are_counted_and_named() {
        let mut rows = noise(300, 6);
        rows[10] = vec![0.0; 6];
        rows[20] = vec![-0.0; 6];
        for i in [7, 100, 250] {
            rows[i] = rows[3].clone();
        }
        rows[200] = rows[4].clone();
        rows[5][0] = 0.0;
        rows[6] = rows[5].clone();
        rows[6][0] = -0.0;
        let health = health_of(&rows);
        let of = |named: &[Named]| named.iter().map(|named| named.row.0).collect::<Vec<_>>();
        assert_eq!((health.zero_count, of(&health.zero_examples)), (2, vec![10, 20]));
        assert_eq!((health.duplicate_group_count, health.duplicate_count), (3, 5));
        let groups: Vec<_> = health.duplicates.iter().map(|g| (g.count, of(&g.examples))).collect();
        let want = [(4, vec![3, 7, 100]), (2, vec![4, 200]), (2, vec![5, 6])];
        assert_eq!(groups, want);
        let bands: Vec<_> = health.norms.iter().map(|band| (band.start, band.end)).collect();
        assert_eq!(bands, [(0, 100), (100, 300)]);
        assert!(health.norms[0].min < 1e-9 && health.norms[1].min > 0.1);
    }

    #[test]
    fn noise_is_isotropic_and_a_common_direction_is_seen() {
        let rows = noise(2_000, 20);
        let even = health_of(&rows).isotropy;
        assert!(even.mean_similarity.abs() < 5.0 * even.mean_similarity_error, "{even:?}");
        assert!(even.mean_length < 0.1, "{even:?}");
        assert!(even.component_shares.iter().all(|share| (0.04..0.07).contains(share)), "{even:?}");

        let tilted = |(i, row): (u16, &Vec<f32>)| -> Vec<f32> {
            // All have (3, 0, ...) in common, and differ most along the second axis.
            let along = if i % 2 == 0 { 6.0 } else { -6.0 };
            let change = |(axis, value): (usize, &f32)| match axis {
                0 => value + 3.0,
                1 => value + along,
                _ => *value,
            };
            row.iter().enumerate().map(change).collect()
        };
        let odd: Vec<_> = (0..).zip(&rows).map(tilted).collect();
        let odd = health_of(&odd).isotropy;
        assert!(odd.mean_length > 0.3, "{odd:?}");
        // 36 + 1/3 of 36 + 20/3.
        assert!((odd.component_shares[0] - 0.852).abs() < 0.01, "{odd:?}");
        assert!((odd.mean_similarity - odd.mean_length.powi(2)).abs() < 0.03, "{odd:?}");
    }

    #[test]
    fn a_hub_is_found() {
        // Each row is nearest to the first, which is nearest to the second.
        let mut rows = vec![vec![1.0; 30]];
        for i in 0..30 {
            let mut row = vec![1.0_f32; 30];
            row[i] = 4.0;
            rows.push(row);
        }
        let hubs = health_of(&rows).hubs;
        assert_eq!((hubs.query_count, hubs.largest[0].1), (31, 30));
        assert_eq!(hubs.largest[0].0.row, RowId(0));
        assert!(hubs.skewness > 5.0 && hubs.never_share > 0.9 && hubs.mean > 0.99, "{hubs:?}");
        let even: Vec<_> = (0..30).map(|i| rows[1 + i / 2 * 2].clone()).collect();
        assert!(health_of(&even).hubs.skewness.abs() < 1e-9);

        let table = table_of(&rows);
        let stopped =
            health(&table, &Brute(&table), 10, &QUERY, &|| Err(Error::new(ErrorKind::Deadline)));
        assert_eq!(*stopped.unwrap_err().kind(), ErrorKind::Deadline);
    }
}
