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
    ParallelIterator as _,
};
use rayon::slice::ParallelSlice as _;

use crate::error::{Error, ErrorKind, Result};
use crate::index::Watch;
use crate::index::codes::{self, Codes, rounded};
use crate::index::links::Links;
use crate::table::Table;
use crate::vector::kernel::tile::{Hits, Precision, QUERIES, ROWS, STEP, Tile, TileQuery};
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
    let block = |rows: &[RowId]| Mutex::new(Block::new(table, codes.rotation(), rows, keep));
    let blocks: Vec<Mutex<Block>>;
    if let Some(floors) = floors {
        let chunks = among.par_chunks(BLOCK).zip(floors.par_chunks(BLOCK));
        let known = |(rows, floors)| {
            let block = block(rows);
            block.lock().know(floors);
            block
        };
        blocks = chunks.map(known).collect();
        let compare = Compare { table, blocks: &blocks, watch };
        let near = near_pairs(&blocks);
        compare.waves(&near)?;
        compare.rounds(|a, b| near.binary_search(&(a, b)).is_err(), NEAR_SHARE, 1.0)?;
    } else {
        let (first, rest) = (rows(true), rows(false));
        blocks = first.par_chunks(BLOCK).chain(rest.par_chunks(BLOCK)).map(block).collect();
        let compare = Compare { table, blocks: &blocks, watch };
        let first = first.len().div_ceil(BLOCK);
        compare.rounds(|a, b| a.min(b) < first, 0.0, share(first, blocks.len()))?;
        blocks.par_iter().for_each(|block| block.lock().guess());
        compare.rounds(|a, b| a.min(b) >= first, share(first, blocks.len()), 1.0)?;
    }

    let blocks: Vec<Block> = blocks.into_iter().map(Mutex::into_inner).collect();
    let found: Vec<Vec<Found>> =
        blocks.par_iter().map(|block| block.found(table, wanted, among.len())).collect();
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
            let mut few = Block::new(table, codes.rotation(), rows, keep);
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
/// Which of the nearest of those tells how near the rest must be.
const GUESS: usize = 8;
/// Pairs that may be near wait until there are so many, while their rows are fetched.
const PAIRS: usize = 32;
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
    /// Lets every two blocks meet that are chosen, as players meet in a tournament.
    fn rounds(
        &self,
        is_chosen: impl Fn(usize, usize) -> bool + Sync,
        from: f32,
        to: f32,
    ) -> Result<()> {
        let count = self.blocks.len();
        // One more place for an odd number of blocks: who meets it, waits.
        let places = count.next_multiple_of(2);
        for round in 0..places {
            if self.watch.is_cancelled() {
                return Err(Error::new(ErrorKind::Cancelled));
            }
            self.watch.progress(from + (to - from) * round as f32 / places as f32);
            let pairs: Vec<(usize, usize)> = if round == 0 {
                (0..count).map(|block| (block, block)).collect()
            } else {
                (0..places / 2).map(|i| pair(round - 1, i, places)).collect()
            };
            let pairs = pairs.into_par_iter().map(|(a, b)| (a.min(b), a.max(b)));
            pairs.filter(|&(a, b)| b < count && is_chosen(a, b)).for_each(|(a, b)| self.meet(a, b));
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

impl Block {
    fn new(table: &Table, rotation: &Rotation, rows: &[RowId], keep: usize) -> Self {
        let dim = table.dim();
        let count = rows.len();
        let mut tiles = vec![Tile::new(dim); count.div_ceil(ROWS)];
        let mut queries = Vec::with_capacity(count);
        let mut turned = vec![0.0; dim];
        let mut missed = vec![0.0; dim];
        let Precision { row_zero, query_max } = Precision::here();
        let most = f32::from(query_max);
        for (i, &row) in rows.iter().enumerate() {
            match algebra::unit(&table.vector(row)) {
                Some(unit) => rotation.apply(&unit, &mut turned),
                None => turned.fill(0.0),
            }
            let largest = turned.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            let scale = largest / most;
            let steps = if largest > 0.0 { most / largest } else { 0.0 };
            let mut bytes: Vec<i8> = turned.iter().map(|value| rounded(value * steps)).collect();
            for ((missed, value), &byte) in missed.iter_mut().zip(&turned).zip(&bytes) {
                *missed = value - f32::from(byte) * scale;
            }
            let error = codes::length(&missed);
            let sum: i32 = bytes.iter().map(|&byte| i32::from(byte)).sum();
            let (tile, place) = (&mut tiles[i / ROWS], i % ROWS);
            bytes.resize(dim.next_multiple_of(STEP), 0);
            let groups = bytes.as_chunks().0.iter();
            tile.set(
                place,
                groups.map(|group| group.map(|byte| byte.cast_unsigned().wrapping_add(row_zero))),
            );
            tile.limits.scales[place] = scale;
            tile.limits.slacks[place] = error;
            tile.limits.thresholds[place] = f32::NEG_INFINITY;
            queries.push(Query {
                bytes,
                scale,
                error,
                offset: (-i32::from(row_zero) * sum) as f32,
            });
        }
        let tops = (0..count).map(|_| Top::new(keep, GUESS)).collect();
        Self { rows: rows.to_vec(), tiles, queries, tops }
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
            self.tiles[i / ROWS].limits.thresholds[i % ROWS] = top.threshold();
        }
    }

    /// Rows are wanted that are nearer than these floors, one a row.
    fn know(&mut self, floors: &[f32]) {
        for (i, (top, &floor)) in self.tops.iter_mut().zip(floors).enumerate() {
            top.know(floor);
            self.tiles[i / ROWS].limits.thresholds[i % ROWS] = floor;
        }
    }

    /// What is known of every row, of `all` that were compared.
    fn found(&self, table: &Table, wanted: usize, all: usize) -> Vec<Found> {
        let rows = self.rows.iter().zip(&self.tops);
        rows.map(|(&row, top)| (row, top.proven(table, row, wanted, all))).collect()
    }

    /// Compares every row with every other one of the block.
    fn meet_itself(&mut self, table: &Table) {
        let mut asked = asked(&self.queries, &self.tops);
        let (mut pairs, mut similar) = (Vec::new(), Pairs::new(table));
        for tile in 0..self.tiles.len() {
            let first = tile * ROWS;
            let before = asked.len().min(first + ROWS).next_multiple_of(QUERIES);
            for from in (0..before).step_by(QUERIES) {
                let hits = hits(&self.tiles[tile], &asked, from);
                if is_none(&hits) && from + QUERIES < before {
                    continue;
                }
                for (i, place) in each(hits, from) {
                    let j = first + place;
                    // Each pair once.
                    if i < j && j < self.rows.len() {
                        fetched(table, self.rows[j]);
                        pairs.push((i, j));
                    }
                }
                if pairs.len() < PAIRS && from + QUERIES < before {
                    continue;
                }
                for (i, j) in pairs.drain(..) {
                    let similarity = similar.similarity(self.rows[i], self.rows[j]);
                    for (row, near) in [(i, j), (j, i)] {
                        if self.tops[row].push(similarity, self.rows[near]) {
                            let threshold = self.tops[row].threshold();
                            asked[row].threshold = threshold;
                            self.tiles[row / ROWS].limits.thresholds[row % ROWS] = threshold;
                        }
                    }
                }
            }
        }
    }

    /// Compares every row with every row of another block.
    fn meet(&mut self, other: &mut Self, table: &Table) {
        let mut asked = asked(&other.queries, &other.tops);
        let (mut pairs, mut similar) = (Vec::new(), Pairs::new(table));
        for tile in 0..self.tiles.len() {
            for from in (0..asked.len()).step_by(QUERIES) {
                let hits = hits(&self.tiles[tile], &asked, from);
                if is_none(&hits) && from + QUERIES < asked.len() {
                    continue;
                }
                for (i, place) in each(hits, from) {
                    let j = tile * ROWS + place;
                    if i < other.rows.len() && j < self.rows.len() {
                        fetched(table, self.rows[j]);
                        fetched(table, other.rows[i]);
                        pairs.push((i, j));
                    }
                }
                if pairs.len() < PAIRS && from + QUERIES < asked.len() {
                    continue;
                }
                for (i, j) in pairs.drain(..) {
                    let similarity = similar.similarity(other.rows[i], self.rows[j]);
                    if other.tops[i].push(similarity, self.rows[j]) {
                        asked[i].threshold = other.tops[i].threshold();
                    }
                    if self.tops[j].push(similarity, other.rows[i]) {
                        let threshold = self.tops[j].threshold();
                        self.tiles[j / ROWS].limits.thresholds[j % ROWS] = threshold;
                    }
                }
            }
        }
        for (i, top) in other.tops.iter().enumerate() {
            other.tiles[i / ROWS].limits.thresholds[i % ROWS] = top.threshold();
        }
    }

    /// Compares every row with every row of another block, whose rows want to know nothing.
    fn meet_only(&mut self, other: &Self, table: &Table) {
        let mut asked = asked(&self.queries, &self.tops);
        let mut similar = Pairs::new(table);
        for (tile, first) in other.tiles.iter().zip((0..).step_by(ROWS)) {
            let mut tile = tile.clone();
            tile.limits.thresholds = [f32::INFINITY; ROWS];
            for from in (0..asked.len()).step_by(QUERIES) {
                for (i, place) in each(hits(&tile, &asked, from), from) {
                    let (Some(&row), Some(&near)) =
                        (self.rows.get(i), other.rows.get(first + place))
                    else {
                        continue;
                    };
                    if row != near && self.tops[i].push(similar.similarity(row, near), near) {
                        asked[i].threshold = self.tops[i].threshold();
                    }
                }
            }
        }
    }
}

/// Asks the processor to fetch a row that will be compared soon.
fn fetched(table: &Table, row: RowId) {
    table.prefetch(row);
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
        threshold: top.threshold(),
    };
    let mut asked: Vec<_> = queries.iter().zip(tops).map(ask).collect();
    let idle = TileQuery::new(queries.first().map_or(&[], |query| &query.bytes));
    asked.resize(queries.len().next_multiple_of(QUERIES), idle);
    asked
}

/// More than single precision can lose in the rotation and in the estimate.
const ROUNDING: f32 = 1e-4;

/// Which queries, of some from `from` on, may be near which rows of the tile.
#[inline]
fn hits(tile: &Tile, asked: &[TileQuery<'_>], from: usize) -> Hits {
    asked[from..].first_chunk().map_or([0; QUERIES], |queries| tile.hits(queries))
}

/// Whether nothing was hit, as is nearly always so.
#[inline]
fn is_none(hits: &Hits) -> bool {
    hits.iter().fold(0, |all, hits| all | hits) == 0
}

/// The queries and the places in the tile of hits, of queries from `from` on.
fn each(hits: Hits, from: usize) -> impl Iterator<Item = (usize, usize)> {
    (from..).zip(hits).flat_map(|(query, mut hits)| {
        std::iter::from_fn(move || {
            (hits != 0).then(|| {
                let place = hits.trailing_zeros() as usize;
                hits &= hits - 1;
                (query, place)
            })
        })
    })
}

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

/// The nearest of the rows seen so far.
struct Top {
    keep: usize,
    /// Which of them a row must exceed to be kept, before the guess; `keep` afterward.
    limit: usize,
    /// Rows less near than this may have been left out.
    floor: f32,
    /// Similarities and rows, nearest first.
    nears: Vec<(f32, u32)>,
}

impl Top {
    fn new(keep: usize, limit: usize) -> Self {
        Self { keep, limit, floor: f32::NEG_INFINITY, nears: Vec::with_capacity(keep) }
    }

    /// What another row's similarity must exceed.
    fn threshold(&self) -> f32 {
        match self.nears.get(self.limit - 1) {
            Some(&(similarity, _)) => similarity.max(self.floor),
            None => self.floor,
        }
    }

    fn know(&mut self, floor: f32) {
        self.floor = floor;
        self.limit = self.keep;
    }

    fn guess(&mut self) {
        self.floor = self.threshold();
        self.limit = self.keep;
    }

    /// Shows it a row; says whether that changed what it keeps.
    fn push(&mut self, similarity: f32, row: RowId) -> bool {
        if similarity <= self.threshold() {
            return false;
        }
        self.nears.truncate(self.keep - 1);
        let place = self.nears.partition_point(|&(kept, _)| kept >= similarity);
        self.nears.insert(place, (similarity, row.0));
        true
    }

    /// The rows kept, in the order of double precision; none if not all of the first `wanted` are
    /// proven to be the nearest.
    fn proven(&self, table: &Table, row: RowId, wanted: usize, all: usize) -> Option<Vec<u32>> {
        let rounding = (table.dim() + 8) as f32 * f32::EPSILON;
        // What was not kept is at most this near.
        let missed = self.threshold() + rounding;
        // Those behind keep the order of single precision.
        let last = self.nears.get(wanted.wrapping_sub(1)).or(self.nears.last());
        let from = last.map_or(0.0, |&(similarity, _)| similarity) - 2.0 * rounding;
        let (vector, mut reader) = (table.vector(row), table.reader());
        let norm = scalar::norm(&vector);
        #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1")]
        let exactly = |&(similarity, near): &(f32, u32)| {
            let row_near = RowId(near);
            let mut exact = || scalar::cosine_of(reader.row(row_near), &vector, norm) as f32;
            Near {
                row: row_near,
                similarity: if similarity >= from { exact() } else { similarity },
            }
        };
        let mut nears: Vec<Near> = self.nears.iter().map(exactly).collect();
        nears.sort_unstable();
        let is_whole = nears.len() + 1 == all;
        let last = nears.get(wanted.wrapping_sub(1)).map(|last| last.similarity);
        if table.norm(row) <= 0.0 || !is_whole && last.is_none_or(|last| last <= missed) {
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
