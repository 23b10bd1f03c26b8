//! Many queries by many rows: which pairs may be near, decided in bytes.
//!
//! A tile holds 64 rows side by side, as [`blocks`] has them.
//!
//! Where one instruction multiplies bytes and adds them in 32 bits (AVX-512 VNNI), those of rows are from
//! 0 to 255 and those of queries from -127 to 127. Elsewhere they have one bit less each, so that four of
//! their products fit in 16 bits, which halves the work. What bytes lose is bounded, and the bound is part
//! of the decision: a pair that is left out is never nearer than the threshold.

use crate::vector::kernel::blocks::{self, Group, Query};

pub use crate::vector::kernel::blocks::{GROUP, QUERIES, ROWS};

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

/// What the rows of a tile have in common, and what each of them wants.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Similarity that one unit of a row's bytes stands for.
    pub scale: f32,
    /// How much an estimate may be too low because of the row.
    pub slack: f32,
    /// Similarity from which each row wants to know of a query; infinity: never.
    pub thresholds: [f32; ROWS],
}

/// A query that is compared with tiles.
#[derive(Clone, Copy, Debug)]
pub struct TileQuery<'a> {
    /// As many as the tile has components.
    pub bytes: &'a [i8],
    /// `(dot * factor + offset) * tile's scale` estimates the similarity; not negative.
    pub factor: f32,
    /// See `factor`.
    pub offset: f32,
    /// How much an estimate may be too low: this times the tile's slack, and `slack`.
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
    /// A row may be near if its dot product is at least this times the row's inverse; infinity: never.
    pub factor: f32,
}

impl Reach<'_> {
    /// The bytes, group by group.
    pub(super) fn query(&self) -> Query<'_> {
        Query { groups: self.bytes.as_chunks().0, start: self.start }
    }
}

/// Which rows of a block each query reaches; whole [`QUERIES`] of them. A row's inverse is one divided by the
/// similarity that one unit of its bytes stands for.
#[inline]
pub fn reached(
    block: &[Group],
    inverses: &[f32; ROWS],
    queries: &[Reach<'_>],
    hits: &mut Vec<Hits>,
) {
    debug_assert!(queries.iter().all(|query| query.bytes.len() >= block.len() * GROUP));
    #[cfg(target_arch = "x86_64")]
    {
        if super::has_vnni() {
            // SAFETY: the processor has what the kernel asks for.
            return unsafe { super::avx512::reached(block, inverses, queries, hits) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, which is all that the kernel asks for.
            return unsafe { super::avx2::reached(block, inverses, queries, hits) };
        }
    }
    plain_reached(block, inverses, queries, hits);
}

/// [`reached`] in plain Rust.
pub(super) fn plain_reached(
    block: &[Group],
    inverses: &[f32; ROWS],
    queries: &[Reach<'_>],
    hits: &mut Vec<Hits>,
) {
    collect(queries, hits, |six| {
        six.each_ref().map(|query| {
            let [dots] = blocks::plain_dots(block, &[query.query()]);
            reached_by(inverses, query, &dots)
        })
    });
}

/// Which rows a query reaches, given the dot products.
fn reached_by(inverses: &[f32; ROWS], query: &Reach<'_>, dots: &[i32; ROWS]) -> u64 {
    let over = dots.iter().zip(inverses).map(|(&dot, inverse)| dot as f32 - query.factor * inverse);
    not_negative(over)
}

/// One bit for each value, unless it is negative.
fn not_negative(values: impl DoubleEndedIterator<Item = f32>) -> u64 {
    values.rev().fold(0, |bits, value| bits << 1 | u64::from(value.is_sign_positive()))
}

/// What some queries hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hits {
    /// The place of the first query.
    pub first: usize,
    /// For each of the queries one bit a row.
    pub bits: [u64; QUERIES],
}

impl Hits {
    /// The places of queries and rows that are hits.
    pub fn pairs(self) -> impl Iterator<Item = (usize, usize)> {
        (self.first..).zip(self.bits).flat_map(|(query, mut bits)| {
            std::iter::from_fn(move || {
                (bits != 0).then(|| {
                    let place = bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    (query, place)
                })
            })
        })
    }
}

/// Keeps what each six queries hit, if they hit anything. Whether they do is chance, and so no branch.
#[expect(clippy::inline_always, reason = "who inlines it has the processor's features")]
#[inline(always)]
pub(super) fn collect<T>(
    queries: &[T],
    hits: &mut Vec<Hits>,
    mut judge: impl FnMut(&[T; QUERIES]) -> [u64; QUERIES],
) {
    let sixes = queries.as_chunks::<QUERIES>().0;
    hits.clear();
    hits.resize(sixes.len(), Hits { first: 0, bits: [0; QUERIES] });
    let mut len = 0;
    for (six, at) in sixes.iter().zip((0..).step_by(QUERIES)) {
        let bits = judge(six);
        hits[len] = Hits { first: at, bits };
        let [first, second, third, fourth, fifth, sixth] = bits;
        len += usize::from(first | second | third | fourth | fifth | sixth != 0);
    }
    hits.truncate(len);
}

impl Tile {
    /// A tile of no rows, for `dim` components.
    pub fn new(dim: usize) -> Self {
        let none = Limits { scale: 0.0, slack: 0.0, thresholds: [f32::INFINITY; ROWS] };
        let groups = dim.div_ceil(GROUP);
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

    /// Which rows may be at least as near to each query as the query or the row wants; whole [`QUERIES`] of
    /// them, of as many bytes as the tile has components.
    #[inline]
    pub fn hits(&self, queries: &[TileQuery<'_>], hits: &mut Vec<Hits>) {
        debug_assert!(queries.iter().all(|query| query.bytes.len() >= self.groups.len() * GROUP));
        #[cfg(target_arch = "x86_64")]
        {
            if super::has_vnni() {
                // SAFETY: the processor has what the kernel asks for.
                return unsafe { super::avx512::hits(self, queries, hits) };
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2, which is all that the kernel asks for.
                return unsafe { super::avx2::hits(self, queries, hits) };
            }
        }
        plain_hits(self, queries, hits);
    }
}

impl<'a> TileQuery<'a> {
    /// A query of these bytes, which never hits until it is told more; a multiple of [`GROUP`] bytes.
    pub fn new(bytes: &'a [i8]) -> Self {
        debug_assert!(bytes.len().is_multiple_of(GROUP), "whole groups");
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
    pub(super) fn query(&self) -> Query<'a> {
        Query { groups: self.bytes.as_chunks().0, start: 0 }
    }

    /// What the most that a similarity to a row of a tile can be is, as a line over the dot product: the
    /// factor and what is added.
    #[inline]
    pub(super) fn line(&self, limits: &Limits) -> (f32, f32) {
        let slack = limits.slack * self.slack_factor + self.slack;
        (limits.scale * self.factor, limits.scale * self.offset + slack)
    }
}

/// [`Tile::hits`] in plain Rust.
pub(super) fn plain_hits(tile: &Tile, queries: &[TileQuery<'_>], hits: &mut Vec<Hits>) {
    collect(queries, hits, |six| {
        six.each_ref().map(|query| {
            let [dots] = blocks::plain_dots(tile.groups(), &[query.query()]);
            judged(&tile.limits, query, &dots)
        })
    });
}

/// Which rows may be near, given the dot products.
fn judged(limits: &Limits, query: &TileQuery<'_>, dots: &[i32; ROWS]) -> u64 {
    let (factor, offset) = query.line(limits);
    let over = dots
        .iter()
        .zip(&limits.thresholds)
        .map(|(&dot, threshold)| dot as f32 * factor + offset - threshold.min(query.threshold));
    not_negative(over)
}
