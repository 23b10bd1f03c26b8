//! Many queries by many rows: which pairs may be near, decided in bytes.
//!
//! A tile holds 64 rows side by side, as [`blocks`] has them.
//!
//! Where one instruction multiplies bytes and adds them in 32 bits (AVX-512 VNNI), those of rows are from
//! 0 to 255 and those of queries from -127 to 127. Elsewhere they have one bit less each, so that four of
//! their products fit in 16 bits, which halves the work. What bytes lose is bounded, and the bound is part
//! of the decision: a pair that is left out is never nearer than the threshold.

use crate::vector::kernel::blocks::{self, Group, Query};
use crate::vector::scalar;

pub use crate::vector::kernel::blocks::{GROUP, QUERIES, ROWS};

/// Components of tiles and queries are a multiple of this.
pub const STEP: usize = 2 * GROUP;

/// Which bytes this machine compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precision {
    /// The byte of a row's component of 0; other ones are at most one less than it from it.
    pub row_zero: u8,
    /// The largest byte of a query.
    pub query_max: i8,
}

impl Precision {
    /// Of machines that add in 32 bits.
    pub const WHOLE: Self = Self { row_zero: 128, query_max: 127 };
    /// Of others.
    const HALF: Self = Self { row_zero: 64, query_max: 63 };

    /// Of this machine.
    #[inline]
    pub fn here() -> Self {
        #[cfg(target_arch = "x86_64")]
        if super::has_vnni() {
            return Self::WHOLE;
        }
        Self::HALF
    }
}

/// Some rows.
#[derive(Clone, Debug)]
pub struct Tile {
    groups: Vec<Group>,
    /// What the rows' estimates are held against.
    pub limits: Limits,
}

/// One value a row.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Similarity that one unit of a row's bytes stands for.
    pub scales: [f32; ROWS],
    /// How much an estimate may be too low because of the row.
    pub slacks: [f32; ROWS],
    /// Similarity from which the row wants to know of a query; infinity: never.
    pub thresholds: [f32; ROWS],
}

/// A query that is compared with tiles.
#[derive(Clone, Copy, Debug)]
pub struct TileQuery<'a> {
    /// As many as the tile has components.
    pub bytes: &'a [i8],
    /// `(dot * factor + offset) * row's scale` estimates the similarity.
    pub factor: f32,
    /// See `factor`.
    pub offset: f32,
    /// How much an estimate may be too low: this times the row's slack, and `slack`.
    pub slack_factor: f32,
    /// See `slack_factor`.
    pub slack: f32,
    /// Similarity from which the query wants to know of a row; infinity: never.
    pub threshold: f32,
}

/// A query that wants to know of near rows, whatever the rows want.
#[derive(Clone, Copy, Debug)]
pub struct Reach<'a> {
    /// As many as the rows have components.
    pub bytes: &'a [i8],
    /// What every dot product begins with.
    pub start: i32,
    /// A row may be near if its dot product is at least this times the row's inverse, and `offset`.
    pub factor: f32,
    /// See `factor`; infinity: never.
    pub offset: f32,
}

impl Reach<'_> {
    /// The bytes, group by group.
    pub(super) fn query(&self) -> Query<'_> {
        Query { groups: self.bytes.as_chunks().0, start: self.start }
    }
}

/// Which rows of a block each query reaches. A row's inverse is one divided by the similarity that one unit
/// of its bytes stands for.
#[inline]
pub fn reached(block: &[Group], inverses: &[f32; ROWS], queries: &[Reach<'_>; QUERIES]) -> Hits {
    debug_assert!(queries.iter().all(|query| query.bytes.len() >= block.len() * GROUP));
    #[cfg(target_arch = "x86_64")]
    {
        if super::has_vnni() {
            // SAFETY: the processor has what the kernel asks for.
            return unsafe { super::avx512::reached(block, inverses, queries) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, which is all that the kernel asks for.
            return unsafe { super::avx2::reached(block, inverses, queries) };
        }
    }
    plain_reached(block, inverses, queries)
}

/// [`reached`] in plain Rust.
pub(super) fn plain_reached(
    block: &[Group],
    inverses: &[f32; ROWS],
    queries: &[Reach<'_>; QUERIES],
) -> Hits {
    queries.map(|query| {
        let [dots] = blocks::plain_dots(block, &[query.query()]);
        reached_by(inverses, &query, &dots)
    })
}

/// Which rows a query reaches, given the dot products.
fn reached_by(inverses: &[f32; ROWS], query: &Reach<'_>, dots: &[i32; ROWS]) -> u64 {
    let mut hits = 0;
    for (place, (&dot, inverse)) in dots.iter().zip(inverses).enumerate() {
        hits |= u64::from(dot as f32 >= query.factor * inverse + query.offset) << place;
    }
    hits
}

/// For each query one bit a row.
pub type Hits = [u64; QUERIES];

impl Tile {
    /// A tile of no rows, for `dim` components.
    pub fn new(dim: usize) -> Self {
        let none =
            Limits { scales: [0.0; ROWS], slacks: [0.0; ROWS], thresholds: [f32::INFINITY; ROWS] };
        let groups = dim.next_multiple_of(STEP) / GROUP;
        Self { groups: vec![Group::of(0); groups], limits: none }
    }

    /// Puts a row's bytes in a place from 0 to 63, group by group.
    ///
    /// # Panics
    ///
    /// If there is no such place.
    pub fn set(&mut self, place: usize, groups: impl Iterator<Item = [u8; GROUP]>) {
        assert!(place < ROWS, "a place of the tile");
        blocks::set(&mut self.groups, place, groups);
    }

    /// The bytes of all rows, group by group.
    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Which rows may be at least as near to each query as the query or the row wants.
    /// Each query has as many bytes as the tile has components.
    #[inline]
    pub fn hits(&self, queries: &[TileQuery<'_>; QUERIES]) -> Hits {
        debug_assert!(queries.iter().all(|query| query.groups().len() >= self.groups.len()));
        #[cfg(target_arch = "x86_64")]
        {
            if super::has_vnni() {
                // SAFETY: the processor has what the kernel asks for.
                return unsafe { super::avx512::hits(self, queries) };
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2, which is all that the kernel asks for.
                return unsafe { super::avx2::hits(self, queries) };
            }
        }
        plain_hits(self, queries)
    }
}

impl<'a> TileQuery<'a> {
    /// A query of these bytes, which never hits until it is told more; a multiple of [`STEP`] bytes.
    pub fn new(bytes: &'a [i8]) -> Self {
        debug_assert!(bytes.len().is_multiple_of(STEP), "whole steps");
        Self {
            bytes,
            factor: 0.0,
            offset: 0.0,
            slack_factor: 0.0,
            slack: 0.0,
            threshold: f32::INFINITY,
        }
    }

    /// The bytes, group by group.
    pub(super) fn groups(&self) -> &'a [[i8; GROUP]] {
        self.bytes.as_chunks().0
    }
}

/// [`Tile::hits`] in plain Rust.
pub(super) fn plain_hits(tile: &Tile, queries: &[TileQuery<'_>; QUERIES]) -> Hits {
    queries.map(|query| {
        let mut dots = [0; ROWS];
        for (rows, query) in tile.groups().iter().zip(query.groups()) {
            for (dot, row) in dots.iter_mut().zip(rows.0.as_chunks::<GROUP>().0) {
                *dot += scalar::dot_u8(row, query);
            }
        }
        judged(&tile.limits, &query, &dots)
    })
}

/// Which rows may be near, given the dot products.
fn judged(limits: &Limits, query: &TileQuery<'_>, dots: &[i32; ROWS]) -> u64 {
    let mut hits = 0;
    let Limits { scales, slacks, thresholds } = limits;
    for (place, &dot) in dots.iter().enumerate() {
        let estimate = scales[place] * (dot as f32 * query.factor + query.offset);
        let slack = slacks[place] * query.slack_factor + query.slack;
        let is_hit = estimate + slack >= thresholds[place].min(query.threshold);
        hits |= u64::from(is_hit) << place;
    }
    hits
}
