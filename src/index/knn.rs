//! The exact nearest rows of every row.
//!
//! Every pair of rows is judged in bytes (see [`tile`](crate::vector::kernel::tile)); the few that may
//! be near are compared in single precision, and what is kept in double. A pair is left out only if
//! a bound proves it too far, so the outcome is exact, and the same whatever the number of threads.
//!
//! Rows stand in blocks, and no two threads work on the same block. How near a row must be to matter may be
//! known beforehand, from some rows that look like it. Where it is not, one row in sixteen is compared
//! with all rows first. The eighth nearest of those is a good guess of how near the others must be: about
//! 128 rows are nearer, rarely fewer than wanted. Rows for which the guess was too high are compared
//! with all rows again.

use parking_lot::Mutex;
use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelIterator as _, IntoParallelRefIterator as _,
    IntoParallelRefMutIterator as _, ParallelIterator as _,
};
use rayon::slice::ParallelSlice as _;

use crate::error::{Error, ErrorKind, Result};
use crate::index::Watch;
use crate::index::codes::{self, Codes, rounded};
use crate::index::links::Links;
use crate::table::Table;
use crate::vector::kernel::lanes;
use crate::vector::kernel::tile::{GROUP, Precision, QUERIES, ROWS, Tile, TileQuery};
use crate::vector::rotation::Rotation;
use crate::vector::rows::Reader;
use crate::vector::top::Near;
use crate::vector::{RowId, algebra, kernel, scalar};

/// Rows of a block: two of them fit in the second-level cache.
const BLOCK: usize = 1_024;

/// Finds about `keep` nearest other rows of every one of these rows among them, of which the first
/// `wanted` are proven to be the nearest; a row of which that cannot be proven (it has many equals) gets no list, and neither
/// does a row of zeros. `floors` tells, if that is known, a similarity for each of the rows that at least
/// `keep` others reach.
///
/// # Errors
///
/// If `watch` says that the build is cancelled.
pub(super) fn nearest(
    table: &Table,
    codes: &Codes,
    among: &[RowId],
    (keep, wanted): (usize, usize),
    floors: Option<&[f32]>,
    watch: &dyn Watch,
) -> Result<Links> {
    let rows = |is_first: bool| {
        let rows = among.iter().enumerate();
        let rows = rows.filter(|(place, _)| place.is_multiple_of(FIRST_STEP) == is_first);
        rows.map(|(_, &row)| row).collect::<Vec<_>>()
    };
    let block = |rows: &[RowId], floors: Option<&[f32]>| {
        Mutex::new(Block::new(table, codes.rotation(), (rows, floors), keep))
    };
    let blocks: Vec<Mutex<Block>>;
    if let Some(floors) = floors {
        let chunks = among.par_chunks(BLOCK).zip(floors.par_chunks(BLOCK));
        blocks = chunks.map(|(rows, floors)| block(rows, Some(floors))).collect();
        let compare = Compare { table, blocks: &blocks, watch };
        let near = near_pairs(&blocks);
        compare.waves(&near)?;
        compare.rounds(|a, b| near.binary_search(&(a, b)).is_err(), NEAR_SHARE, 1.0)?;
    } else {
        let (first, rest) = (rows(true), rows(false));
        let chunks = first.par_chunks(BLOCK).chain(rest.par_chunks(BLOCK));
        blocks = chunks.map(|rows| block(rows, None)).collect();
        let compare = Compare { table, blocks: &blocks, watch };
        let first = first.len().div_ceil(BLOCK);
        compare.rounds(|a, b| a.min(b) < first, 0.0, share(first, blocks.len()))?;
        blocks.par_iter().for_each(|block| block.lock().guess());
        compare.rounds(|a, b| a.min(b) >= first, share(first, blocks.len()), 1.0)?;
    }

    let mut blocks: Vec<Block> = blocks.into_iter().map(Mutex::into_inner).collect();
    let found: Vec<Vec<Found>> =
        blocks.par_iter_mut().map(|block| block.found(table, wanted, among.len())).collect();
    let mut lists = Links::new(table.len(), keep);
    let mut again = Vec::new();
    for (row, list) in found.into_iter().flatten() {
        match list {
            Some(list) => lists.set(row.0, list.into_iter()),
            None if table.norm(row) > 0.0 => again.push(row),
            None => {}
        }
    }
    let found: Vec<Vec<Found>> = again
        .par_chunks(ROWS_AGAIN)
        .map(|rows| {
            let mut few = Block::new(table, codes.rotation(), (rows, None), keep);
            few.tops.iter_mut().for_each(Top::guess);
            for block in &blocks {
                few.meet_only(block, table);
            }
            few.found(table, wanted, among.len())
        })
        .collect();
    for (row, list) in found.into_iter().flatten() {
        lists.set(row.0, list.into_iter().flatten());
    }
    Ok(lists)
}

/// A row and, if it is proven, its list.
type Found = (RowId, Option<Vec<u32>>);

/// One row of so many is compared with all others first.
const FIRST_STEP: usize = 16;
/// Blocks that each one meets first.
const NEAR_BLOCKS: usize = 16;
/// The part of the work that they are, as it is told.
const NEAR_SHARE: f32 = 0.2;
/// Blocks whose rows stay in the third-level cache together with as many others.
const GROUP_BLOCKS: usize = 8;
/// Which of the nearest of those tells how near the rest must be.
const GUESS: usize = 8;
/// Rows that wait beside those that are kept: so many are put in order at once.
const WAITING: usize = 24;
/// How many pairs ahead rows are fetched.
const AHEAD: usize = 16;
/// Rows that are compared with all others again at once.
const ROWS_AGAIN: usize = 64;

/// The part of all pairs that the first blocks have.
fn share(first: usize, blocks: usize) -> f32 {
    let rest = (blocks - first) as f32 / blocks.max(1) as f32;
    1.0 - rest * rest
}

struct Compare<'a> {
    table: &'a Table,
    blocks: &'a [Mutex<Block>],
    watch: &'a dyn Watch,
}

impl Compare<'_> {
    /// Lets every two blocks meet that are chosen. Groups of blocks meet as players in a tournament: while two
    /// groups do, their rows stay in the processor's cache.
    fn rounds(
        &self,
        is_chosen: impl Fn(usize, usize) -> bool + Sync,
        from: f32,
        to: f32,
    ) -> Result<()> {
        let count = self.blocks.len();
        // Each thread has several pairs of groups to do in a round.
        let group = (count / (8 * rayon::current_num_threads())).clamp(1, GROUP_BLOCKS);
        let blocks = |player: usize| player * group..count.min((player + 1) * group);
        let players = count.div_ceil(group);
        // One more place for an odd number of groups: who meets it, waits.
        let places = players.next_multiple_of(2);
        for round in 0..places {
            self.watch.progress(from + (to - from) * round as f32 / places as f32);
            let pairs: Vec<(usize, usize)> = if round == 0 {
                (0..players).map(|player| (player, player)).collect()
            } else {
                (0..places / 2).map(|i| pair(round - 1, i, places)).collect()
            };
            pairs.into_par_iter().for_each(|(first, second)| {
                for (a, b) in blocks(first).flat_map(|a| blocks(second).map(move |b| (a, b))) {
                    let is_once = first != second || a <= b;
                    let (a, b) = (a.min(b), a.max(b));
                    if is_once && is_chosen(a, b) && !self.watch.is_cancelled() {
                        self.meet(a, b);
                    }
                }
            });
            if self.watch.is_cancelled() {
                return Err(Error::new(ErrorKind::Cancelled));
            }
        }
        Ok(())
    }

    /// Lets these blocks meet, each two once; as many at once as have no block in common.
    fn waves(&self, pairs: &[(usize, usize)]) -> Result<()> {
        let mut left = pairs.to_vec();
        while !left.is_empty() {
            let done = 1.0 - left.len() as f32 / pairs.len().max(1) as f32;
            self.watch.progress(NEAR_SHARE * done);
            if self.watch.is_cancelled() {
                return Err(Error::new(ErrorKind::Cancelled));
            }
            let mut is_busy = vec![false; self.blocks.len()];
            let mut wave = Vec::new();
            left.retain(|&(a, b)| {
                let waits = is_busy[a] || is_busy[b];
                if !waits {
                    (is_busy[a], is_busy[b]) = (true, true);
                    wave.push((a, b));
                }
                waits
            });
            wave.into_par_iter().for_each(|(a, b)| self.meet(a, b));
        }
        Ok(())
    }

    fn meet(&self, a: usize, b: usize) {
        let mut first = self.blocks[a].lock();
        if a == b {
            first.meet_itself(self.table);
        } else {
            first.meet(&mut self.blocks[b].lock(), self.table);
        }
    }
}

/// Each block with itself and with those whose rows point where its own do: what these find tells early
/// how near the others must be. Ascending.
fn near_pairs(blocks: &[Mutex<Block>]) -> Vec<(usize, usize)> {
    let means: Vec<Vec<f32>> = blocks.iter().map(|block| block.lock().mean()).collect();
    let near = |(number, mean): (usize, &Vec<f32>)| {
        let mut others: Vec<(f32, usize)> =
            means.iter().map(|other| kernel::dot(mean, other)).zip(0..).collect();
        others.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let others = others.into_iter().map(|(_, other)| other).filter(|&other| other != number);
        let pairs = others.take(NEAR_BLOCKS).map(|other| (number.min(other), number.max(other)));
        pairs.chain([(number, number)]).collect::<Vec<_>>()
    };
    let mut pairs: Vec<_> = means.iter().enumerate().flat_map(near).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// Who meets in a round: the last player stays, the others move round the table.
fn pair(round: usize, i: usize, places: usize) -> (usize, usize) {
    let circle = places - 1;
    if i == 0 {
        return (round % circle, circle);
    }
    ((round + i) % circle, (round + circle - i) % circle)
}

/// Some rows, ready to be compared with others.
struct Block {
    rows: Vec<RowId>,
    /// Some rows each.
    tiles: Vec<Tile>,
    queries: Vec<Query>,
    tops: Vec<Top>,
}

/// A row as a query.
struct Query {
    bytes: Vec<i8>,
    scale: f32,
    /// Length of what the bytes miss.
    error: f32,
    /// What a dot product is too high by, because a tile's zero is not 0.
    offset: f32,
}

impl Query {
    /// Codes a direction, of whose components none is larger than `largest`.
    fn of(direction: &[f32], largest: f32) -> Self {
        let Precision { row_zero, query_max } = Precision::here();
        let most = f32::from(query_max);
        let (scale, steps) =
            if largest > 0.0 { (largest / most, most / largest) } else { (0.0, 0.0) };
        let mut bytes: Vec<i8> = direction.iter().map(|value| rounded(value * steps)).collect();
        let missed: Vec<f32> = direction
            .iter()
            .zip(&bytes)
            .map(|(value, &byte)| value - f32::from(byte) * scale)
            .collect();
        let sum: i32 = bytes.iter().map(|&byte| i32::from(byte)).sum();
        bytes.resize(direction.len().next_multiple_of(GROUP), 0);
        let (error, offset) = (codes::length(&missed), (-i32::from(row_zero) * sum) as f32);
        Self { bytes, scale, error, offset }
    }
}

impl Block {
    /// The floors are similarities, one a row, that at least `keep` others reach.
    fn new(
        table: &Table,
        rotation: &Rotation,
        (rows, floors): (&[RowId], Option<&[f32]>),
        keep: usize,
    ) -> Self {
        let dim = table.dim();
        let mut directions: Vec<f32> = Vec::with_capacity(rows.len() * dim);
        let mut turned = vec![0.0; dim];
        for &row in rows {
            match algebra::unit(&table.vector(row)) {
                Some(unit) => rotation.apply(&unit, &mut turned),
                None => turned.fill(0.0),
            }
            directions.extend_from_slice(&turned);
        }
        let direction = |place: usize| &directions[place * dim..][..dim];
        let largest = |place: usize| {
            direction(place).iter().fold(0.0_f32, |largest, value| largest.max(value.abs()))
        };
        // Rows of about the same largest component share a tile, so that one scale suits all.
        let mut order: Vec<(f32, usize)> = (0..rows.len()).map(|i| (largest(i), i)).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut block = Self {
            rows: order.iter().map(|&(_, place)| rows[place]).collect(),
            tiles: Vec::with_capacity(rows.len().div_ceil(ROWS)),
            queries: Vec::with_capacity(rows.len()),
            tops: Vec::with_capacity(rows.len()),
        };
        for of_tile in order.chunks(ROWS) {
            let mut tile = Tile::new(dim);
            let largest = of_tile.last().map_or(0.0, |&(largest, _)| largest);
            for (place, &(_, given)) in of_tile.iter().enumerate() {
                let floor = floors.map(|floors| floors[given]);
                let query = Query::of(direction(given), largest);
                let zero = Precision::here().row_zero;
                let laid = |byte: i8| byte.cast_unsigned().wrapping_add(zero);
                tile.set(place, query.bytes.as_chunks().0.iter().map(|group| group.map(laid)));
                tile.limits.scale = query.scale;
                tile.limits.slack = tile.limits.slack.max(query.error);
                let top = floor.map_or(Top::new(keep, GUESS), |floor| Top::beyond(keep, floor));
                tile.limits.thresholds[place] = top.threshold;
                block.queries.push(query);
                block.tops.push(top);
            }
            block.tiles.push(tile);
        }
        block
    }

    /// The mean direction of the rows, as their bytes have it.
    fn mean(&self) -> Vec<f32> {
        let mut sums = vec![0.0; self.queries.first().map_or(0, |query| query.bytes.len())];
        for query in &self.queries {
            for (sum, &byte) in sums.iter_mut().zip(&query.bytes) {
                *sum += f32::from(byte) * query.scale;
            }
        }
        algebra::unit(&sums).unwrap_or(sums)
    }

    /// From now on rows are wanted that are nearer than the guess.
    fn guess(&mut self) {
        for (i, top) in self.tops.iter_mut().enumerate() {
            top.guess();
            self.tiles[i / ROWS].limits.thresholds[i % ROWS] = top.threshold;
        }
    }

    /// What is known of every row, of `all` that were compared.
    fn found(&mut self, table: &Table, wanted: usize, all: usize) -> Vec<Found> {
        let rows = self.rows.iter().zip(&mut self.tops);
        rows.map(|(&row, top)| (row, top.proven(table, row, wanted, all))).collect()
    }

    /// Compares every row with every other one of the block.
    fn meet_itself(&mut self, table: &Table) {
        let mut asked = asked(&self.queries, &self.tops);
        let (mut hits, mut similar) = (Vec::new(), Pairs::new(table));
        for tile in 0..self.tiles.len() {
            let first = tile * ROWS;
            let before = asked.len().min(first + ROWS).next_multiple_of(QUERIES);
            self.tiles[tile].hits(&asked[..before], &mut hits);
            let pairs =
                hits.iter().flat_map(|hits| hits.pairs()).map(|(i, place)| (i, first + place));
            // Each pair once.
            let pairs: Vec<_> = pairs.filter(|&(i, j)| i < j && j < self.rows.len()).collect();
            similar.each(&pairs, &self.rows, &self.rows, |(i, j), similarity| {
                for (row, near) in [(i, j), (j, i)] {
                    if self.tops[row].push(similarity, self.rows[near]) {
                        let threshold = self.tops[row].threshold;
                        asked[row].threshold = threshold;
                        self.tiles[row / ROWS].limits.thresholds[row % ROWS] = threshold;
                    }
                }
            });
        }
    }

    /// Compares every row with every row of another block.
    fn meet(&mut self, other: &mut Self, table: &Table) {
        let mut asked = asked(&other.queries, &other.tops);
        let (mut hits, mut similar) = (Vec::new(), Pairs::new(table));
        for (tile, first) in self.tiles.iter_mut().zip((0..).step_by(ROWS)) {
            tile.hits(&asked, &mut hits);
            let pairs =
                hits.iter().flat_map(|hits| hits.pairs()).map(|(i, place)| (i, first + place));
            let is_row = |&(i, j): &(usize, usize)| i < other.rows.len() && j < self.rows.len();
            let pairs: Vec<_> = pairs.filter(is_row).collect();
            similar.each(&pairs, &other.rows, &self.rows, |(i, j), similarity| {
                if other.tops[i].push(similarity, self.rows[j]) {
                    asked[i].threshold = other.tops[i].threshold;
                }
                if self.tops[j].push(similarity, other.rows[i]) {
                    tile.limits.thresholds[j - first] = self.tops[j].threshold;
                }
            });
        }
        for (i, top) in other.tops.iter().enumerate() {
            other.tiles[i / ROWS].limits.thresholds[i % ROWS] = top.threshold;
        }
    }

    /// Compares every row with every row of another block, whose rows want to know nothing.
    fn meet_only(&mut self, other: &Self, table: &Table) {
        let mut asked = asked(&self.queries, &self.tops);
        let (mut hits, mut similar) = (Vec::new(), Pairs::new(table));
        for (tile, first) in other.tiles.iter().zip((0..).step_by(ROWS)) {
            let mut tile = tile.clone();
            tile.limits.thresholds = [f32::INFINITY; ROWS];
            tile.hits(&asked, &mut hits);
            for (i, place) in hits.iter().flat_map(|hits| hits.pairs()) {
                let (Some(&row), Some(&near)) = (self.rows.get(i), other.rows.get(first + place))
                else {
                    continue;
                };
                if row != near && self.tops[i].push(similar.similarity(row, near), near) {
                    asked[i].threshold = self.tops[i].threshold;
                }
            }
        }
    }
}

/// Rows as queries for tiles; after the last, some that hit nothing fill up the last call.
fn asked<'q>(queries: &'q [Query], tops: &[Top]) -> Vec<TileQuery<'q>> {
    let ask = |(query, top): (&'q Query, &Top)| TileQuery {
        bytes: &query.bytes,
        factor: query.scale,
        offset: query.offset * query.scale,
        // |a . b - a' . b'| <= |a'| |b - b'| + |a - a'| |b|, and |a'| <= 1 + |a - a'|
        slack_factor: 1.0 + query.error,
        slack: query.error + ROUNDING,
        threshold: top.threshold,
    };
    let mut asked: Vec<_> = queries.iter().zip(tops).map(ask).collect();
    let idle = TileQuery::new(queries.first().map_or(&[], |query| &query.bytes));
    asked.resize(queries.len().next_multiple_of(QUERIES), idle);
    asked
}

/// More than single precision can lose in the rotation and in the estimate.
const ROUNDING: f32 = 1e-4;

/// Compares pairs of rows, one pair after the other.
pub(super) struct Pairs<'t> {
    table: &'t Table,
    first: Reader<'t>,
    second: Reader<'t>,
}

impl<'t> Pairs<'t> {
    pub(super) fn new(table: &'t Table) -> Self {
        Self { table, first: table.reader(), second: table.reader() }
    }

    /// Tells the similarity of each pair of places, which are of these rows. Rows of a pair are fetched while
    /// those before it are compared.
    fn each(
        &mut self,
        pairs: &[(usize, usize)],
        first: &[RowId],
        second: &[RowId],
        mut tell: impl FnMut((usize, usize), f32),
    ) {
        for (place, &(i, j)) in pairs.iter().enumerate() {
            if let Some(&(i, j)) = pairs.get(place + AHEAD) {
                for row in [first[i], second[j]] {
                    self.table.prefetch(row);
                    self.table.prefetch_norm(row);
                }
            }
            tell((i, j), self.similarity(first[i], second[j]));
        }
    }

    pub(super) fn similarity(&mut self, a: RowId, b: RowId) -> f32 {
        let norms = self.table.norm(a) * self.table.norm(b);
        let (x, y) = (self.first.row(a), self.second.row(b));
        if (NORMS_MIN..NORMS_MAX).contains(&norms) {
            return kernel::dot(x, y) / norms;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1")]
        let similarity = scalar::cosine(x, y) as f32;
        similarity
    }
}

/// Products of lengths between which a product of single floats neither overflows nor loses digits.
const NORMS_MIN: f32 = 1e-25;
const NORMS_MAX: f32 = 1e30;

/// The nearest of the rows seen so far, and some that wait for the next look at which those are.
struct Top {
    keep: usize,
    /// Which of them a row must exceed to be kept, before the guess; `keep` afterward.
    limit: usize,
    /// What another row's similarity must exceed: rows less near may have been left out.
    threshold: f32,
    /// Similarities and rows.
    nears: Vec<(f32, u32)>,
}

impl Top {
    fn new(keep: usize, limit: usize) -> Self {
        let nears = Vec::with_capacity(keep + WAITING);
        Self { keep, limit, threshold: f32::NEG_INFINITY, nears }
    }

    /// Of rows nearer than a similarity that at least `keep` reach.
    fn beyond(keep: usize, floor: f32) -> Self {
        Self { threshold: floor, ..Self::new(keep, keep) }
    }

    fn guess(&mut self) {
        self.choose();
        self.limit = self.keep;
    }

    /// Shows it a row; says whether that changed the threshold.
    fn push(&mut self, similarity: f32, row: RowId) -> bool {
        if similarity <= self.threshold {
            return false;
        }
        // In its place in order it would wait for memory that most rows never need.
        self.nears.push((similarity, row.0));
        let is_full = self.nears.len() == self.keep + WAITING;
        if is_full {
            self.choose();
        }
        is_full
    }

    /// Keeps the nearest, in no order.
    fn choose(&mut self) {
        let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if self.nears.len() > self.keep {
            self.nears.select_nth_unstable_by(self.keep - 1, order);
            self.nears.truncate(self.keep);
        }
        if self.nears.len() >= self.limit {
            let (_, last, _) = self.nears.select_nth_unstable_by(self.limit - 1, order);
            self.threshold = self.threshold.max(last.0);
        }
    }

    /// The rows kept, in the order of double precision; none if not all of the first `wanted` are
    /// proven to be the nearest.
    fn proven(&mut self, table: &Table, row: RowId, wanted: usize, all: usize) -> Option<Vec<u32>> {
        self.choose();
        let rounding = (table.dim() + 8) as f32 * f32::EPSILON;
        let mut nears: Vec<Near> = self
            .nears
            .iter()
            .map(|&(similarity, near)| Near { row: RowId(near), similarity })
            .collect();
        nears.sort_unstable();
        // Rows that are as near as single precision can tell are compared in double.
        let (vector, mut reader) = (table.vector(row), table.reader());
        let norm = lanes::norm(&vector);
        let is_like = |a: &Near, b: &Near| a.similarity - b.similarity <= 2.0 * rounding;
        for alike in nears.chunk_by_mut(is_like).filter(|alike| alike.len() > 1) {
            for near in &mut *alike {
                #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1")]
                let similarity = lanes::cosine_of(reader.row(near.row), &vector, norm) as f32;
                near.similarity = similarity;
            }
            alike.sort_unstable();
        }
        let is_whole = nears.len() + 1 == all;
        // What was not kept is at most as near as the threshold says.
        let last = nears.get(wanted.wrapping_sub(1)).map(|last| last.similarity - rounding);
        let is_proven = last.is_some_and(|last| last > self.threshold + rounding);
        if table.norm(row) <= 0.0 || !is_whole && !is_proven {
            return None;
        }
        Some(nears.into_iter().map(|near| near.row.0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::{Unwatched, clustered, naive, table_of};

    #[test]
    fn lists_are_what_comparing_every_row_in_double_precision_gives() {
        for (count, dim) in [(1, 3), (2, 1), (40, 7), (1_100, 20)] {
            let mut rows = clustered(count, dim, 4);
            if count > 1_000 {
                // Some equal to others, and one without a direction.
                rows[9] = rows[8].clone();
                rows[700] = rows[8].clone();
                rows[300] = vec![0.0; dim];
            }
            let table = table_of(&rows);
            let codes = Codes::new(&table).unwrap();
            let among: Vec<RowId> = (0..).map(RowId).take(count).collect();
            let lists = nearest(&table, &codes, &among, (64, 32), None, &Unwatched).unwrap();
            let mut known = 0;
            for (row, vector) in (0..).zip(&rows) {
                let list: Vec<RowId> = lists.of(row).take(32).map(RowId).collect();
                if list.is_empty() {
                    continue;
                }
                known += 1;
                let truth = naive(&table, vector, 32, &[RowId(row)]);
                assert!(list.iter().eq(truth.iter().map(|near| &near.row)), "row {row} of {count}");
            }
            assert!(known + 1 >= count, "{known} of {count} rows have a list");
        }
    }
}
