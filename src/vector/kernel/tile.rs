//! Many queries by many rows: which pairs may be near, decided in bytes.
//!
//! A tile holds 16 rows side by side, so that one instruction works on all of them:
//!
//! ```text
//! group 0                                 group 1
//! | row 0: 4 bytes | row 1 | ... | row 15 | row 0: next 4 bytes | ...
//! ```
//!
//! Bytes of rows are from 0 to 127 and those of queries from -63 to 63: four of their products fit in
//! 16 bits, which halves the work. What that loses is bounded, and the bound is part of the decision:
//! a pair that is left out is never nearer than the threshold.

use crate::vector::scalar;

/// Rows of a tile.
pub const ROWS: usize = 16;
/// Components that lie side by side.
pub const GROUP: usize = 4;
/// Queries that are compared with a tile at once.
pub const QUERIES: usize = 4;
/// Components of tiles and queries are a multiple of this.
pub const STEP: usize = 2 * GROUP;
/// The largest byte of a query.
pub const QUERY_MAX: i8 = 63;

/// Sixteen rows.
#[derive(Clone, Debug)]
pub struct Tile {
    bytes: Vec<u8>,
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
    /// As many as the tile has components, from -63 to 63.
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

impl Tile {
    /// A tile of no rows, for `dim` components.
    pub fn new(dim: usize) -> Self {
        let none =
            Limits { scales: [0.0; ROWS], slacks: [0.0; ROWS], thresholds: [f32::INFINITY; ROWS] };
        Self { bytes: vec![0; dim.next_multiple_of(STEP) * ROWS], limits: none }
    }

    /// Puts a row's bytes, each at most 127, in a place from 0 to 15, group by group.
    ///
    /// # Panics
    ///
    /// If there is no such place.
    pub fn set(&mut self, place: usize, groups: impl Iterator<Item = [u8; GROUP]>) {
        assert!(place < ROWS, "a place of the tile");
        let lines: &mut [[[u8; GROUP]; ROWS]] = self.bytes.as_chunks_mut().0.as_chunks_mut().0;
        for (line, group) in lines.iter_mut().zip(groups) {
            debug_assert!(group.iter().all(|&byte| byte <= 127), "four products fit in 16 bits");
            line[place] = group;
        }
    }

    /// The bytes of all rows, group by group.
    pub(super) fn groups(&self) -> &[[u8; ROWS * GROUP]] {
        self.bytes.as_chunks().0
    }

    /// Which rows may be at least as near to each query as the query or the row wants: one bit for each
    /// row of the first query, then of the second, and so on.
    /// Queries of another length than the tile's components are compared as far as both go.
    #[inline]
    pub fn hits(&self, queries: &[TileQuery<'_>; QUERIES]) -> u64 {
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
        scalar_hits(self, queries)
    }
}

impl<'a> TileQuery<'a> {
    /// A query of these bytes, which never hits until it is told more; a multiple of [`STEP`] bytes.
    pub fn new(bytes: &'a [i8]) -> Self {
        debug_assert!(bytes.iter().all(|byte| byte.unsigned_abs() <= 63), "products fit");
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
pub(super) fn scalar_hits(tile: &Tile, queries: &[TileQuery<'_>; QUERIES]) -> u64 {
    let mut hits = 0;
    for (query, first) in queries.iter().zip((0..).step_by(ROWS)) {
        let mut dots = [0; ROWS];
        for (rows, query) in tile.groups().iter().zip(query.groups()) {
            for (dot, row) in dots.iter_mut().zip(rows.as_chunks::<GROUP>().0) {
                *dot += scalar::dot_u8(row, query);
            }
        }
        let Limits { scales, slacks, thresholds } = &tile.limits;
        for (place, dot) in dots.into_iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "below 2^24")]
            let estimate = scales[place] * (dot as f32 * query.factor + query.offset);
            let slack = slacks[place] * query.slack_factor + query.slack;
            let is_hit = estimate + slack >= thresholds[place].min(query.threshold);
            hits |= u64::from(is_hit) << (first + place);
        }
    }
    hits
}
