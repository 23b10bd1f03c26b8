//! Rows of bytes, 64 side by side, and their dot products with some queries: exact sums of integers, the
//! same on every machine.
//!
//! ```text
//! group 0                                 group 1
//! | row 0: 4 bytes | row 1 | ... | row 63 | row 0: next 4 bytes | ...
//! ```
//!
//! Bytes of rows are from 0 to 255 and those of queries from -63 to 63, so that two products fit in 16
//! bits, at most 2^16 of each.

#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::vector::scalar;

/// Rows that lie side by side.
pub const ROWS: usize = 64;
/// Components that lie side by side.
pub const GROUP: usize = 4;
/// Queries that are compared with a block at once where there are many.
pub const QUERIES: usize = 6;

/// Some components of all rows of a block, which is a slice of these. It begins where a cache line does:
/// no register is filled from two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Group(pub [u8; ROWS * GROUP]);

impl Group {
    /// A group of equal bytes.
    pub const fn of(byte: u8) -> Self {
        Self([byte; ROWS * GROUP])
    }
}

/// A query.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Its bytes, group by group; no fewer groups than blocks have.
    pub groups: &'a [[i8; GROUP]],
    /// What every dot product begins with.
    pub start: i32,
}

/// For each row of a block, the query of the largest dot product, and of equals the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Best {
    /// The largest dot products.
    pub dots: [i32; ROWS],
    /// The places of their queries.
    pub queries: [u32; ROWS],
}

impl Best {
    /// No query yet.
    pub(super) fn none() -> Self {
        Self { dots: [i32::MIN; ROWS], queries: [0; ROWS] }
    }
}

/// Puts a row's bytes in a place from 0 to 63 of a block; none where there is no such place.
pub fn set(block: &mut [Group], place: usize, bytes: impl Iterator<Item = [u8; GROUP]>) {
    for (group, bytes) in block.iter_mut().zip(bytes) {
        if let Some(to) = group.0.as_chunks_mut().0.get_mut(place) {
            *to = bytes;
        }
    }
}

/// Puts the lines of up to 64 rows side by side, `stride` bytes each and one behind the other, of which a
/// block may hold only the first; where `halves`, each byte with one bit less.
pub fn fill(block: &mut [Group], lines: &[u8], stride: usize, halves: bool) {
    #[cfg(target_arch = "x86_64")]
    if super::has_vnni() && !halves && lines.len() == ROWS * stride {
        // SAFETY: the processor has what the kernel asks for.
        return unsafe { avx512::fill(block, lines, stride) };
    }
    plain_fill(block, lines, stride, halves);
}

/// [`fill`] in plain Rust.
pub(super) fn plain_fill(block: &mut [Group], lines: &[u8], stride: usize, halves: bool) {
    let halved = |bytes: [u8; GROUP]| (u32::from_le_bytes(bytes) >> 1 & 0x7f7f_7f7f).to_le_bytes();
    for (place, line) in lines.chunks_exact(stride).enumerate().take(ROWS) {
        let bytes = line.as_chunks().0.iter().copied();
        if halves {
            set(block, place, bytes.map(halved));
        } else {
            set(block, place, bytes);
        }
    }
}

/// Scores of all rows of some blocks of `width` groups each: the dot product with a query times the query's
/// factor, and what a row has extra. One score a row for each query; of each, the largest, no less than
/// `least`.
pub fn scores<const Q: usize>(
    (blocks, width): (&[Group], usize),
    queries: &[(Query<'_>, f32); Q],
    extras: &[f32],
    least: f32,
    scores: [&mut [f32]; Q],
) -> [f32; Q] {
    debug_assert!(queries.iter().all(|(query, _)| query.groups.len() >= width), "whole queries");
    #[cfg(target_arch = "x86_64")]
    {
        if super::has_vnni() {
            // SAFETY: the processor has what the kernel asks for.
            return unsafe { avx512::scores((blocks, width), queries, extras, least, scores) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, which is all that the kernel asks for.
            return unsafe { avx2::scores((blocks, width), queries, extras, least, scores) };
        }
    }
    scores_by(plain_dots, (blocks, width), queries, extras, least, scores)
}

/// [`scores`] by a kernel for the dot products of a block.
// Whoever inlines it has the processor's features.
#[inline(always)]
pub(super) fn scores_by<const Q: usize>(
    dots: impl Fn(&[Group], &[Query<'_>; Q]) -> [[i32; ROWS]; Q],
    (blocks, width): (&[Group], usize),
    queries: &[(Query<'_>, f32); Q],
    extras: &[f32],
    least: f32,
    scores: [&mut [f32]; Q],
) -> [f32; Q] {
    const LANES: usize = 16;
    let only: [Query<'_>; Q] = queries.map(|(query, _)| query);
    let mut largest = [[least; LANES]; Q];
    let mut scores = scores.map(|scores| scores.as_chunks_mut::<ROWS>().0.iter_mut());
    for (block, extras) in blocks.chunks_exact(width.max(1)).zip(extras.as_chunks::<ROWS>().0) {
        let all = dots(block, &only);
        let each = all.iter().zip(queries).zip(scores.iter_mut().zip(&mut largest));
        for ((dots, &(_, factor)), (scores, largest)) in each {
            let Some(scores) = scores.next() else { continue };
            let lanes = dots.as_chunks::<LANES>().0.iter().zip(extras.as_chunks::<LANES>().0);
            for ((dots, extras), scores) in lanes.zip(scores.as_chunks_mut::<LANES>().0) {
                for lane in 0..LANES {
                    let score = dots[lane] as f32 * factor + extras[lane];
                    scores[lane] = score;
                    largest[lane] = if score > largest[lane] { score } else { largest[lane] };
                }
            }
        }
    }
    largest.map(|lanes| lanes.into_iter().fold(least, f32::max))
}

/// Which of many queries suits each row best.
pub fn best(block: &[Group], queries: &[Query<'_>]) -> Best {
    #[cfg(target_arch = "x86_64")]
    {
        if super::has_vnni() {
            // SAFETY: the processor has what the kernel asks for.
            return unsafe { avx512::best(block, queries) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, which is all that the kernel asks for.
            return unsafe { avx2::best(block, queries) };
        }
    }
    plain_best(block, queries)
}

/// For each query, the rows whose dot product is above the row's limit: one bit a row. Where there are
/// any, the query's dot products are told too.
#[inline]
pub fn above(
    block: &[Group],
    queries: &[Query<'_>; QUERIES],
    limits: &[i32; ROWS],
    dots: &mut [[i32; ROWS]; QUERIES],
) -> [u64; QUERIES] {
    #[cfg(target_arch = "x86_64")]
    {
        if super::has_vnni() {
            // SAFETY: the processor has what the kernel asks for.
            return unsafe { avx512::above(block, queries, limits, dots) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, which is all that the kernel asks for.
            return unsafe { avx2::above(block, queries, limits, dots) };
        }
    }
    plain_above(block, queries, limits, dots)
}

/// The dot products of each query with all rows, in plain Rust.
pub(super) fn plain_dots<const Q: usize>(
    block: &[Group],
    queries: &[Query<'_>; Q],
) -> [[i32; ROWS]; Q] {
    let mut dots = [[0; ROWS]; Q];
    for (dots, query) in dots.iter_mut().zip(queries) {
        dots.fill(query.start);
        for (group, query) in block.iter().zip(query.groups) {
            for (dot, row) in dots.iter_mut().zip(group.0.as_chunks::<GROUP>().0) {
                *dot += scalar::dot_u8(row, query);
            }
        }
    }
    dots
}

/// [`best`] in plain Rust.
pub(super) fn plain_best(block: &[Group], queries: &[Query<'_>]) -> Best {
    let mut best = Best::none();
    for (number, query) in (0..).zip(queries) {
        let [dots] = plain_dots(block, &[*query]);
        keep_best(&mut best, &dots, number);
    }
    best
}

/// Keeps the larger of what is there and the dot products of a further query.
#[inline]
pub(super) fn keep_best(best: &mut Best, dots: &[i32; ROWS], number: u32) {
    for ((best, query), &dot) in best.dots.iter_mut().zip(&mut best.queries).zip(dots) {
        let is_better = dot > *best;
        *query = if is_better { number } else { *query };
        *best = (*best).max(dot);
    }
}

/// [`above`] in plain Rust.
pub(super) fn plain_above(
    block: &[Group],
    queries: &[Query<'_>; QUERIES],
    limits: &[i32; ROWS],
    dots: &mut [[i32; ROWS]; QUERIES],
) -> [u64; QUERIES] {
    *dots = plain_dots(block, queries);
    dots.each_ref().map(|dots| bits_above(dots, limits))
}

/// One bit for each value above its limit.
#[inline]
pub(super) fn bits_above(dots: &[i32; ROWS], limits: &[i32; ROWS]) -> u64 {
    let above = dots.iter().zip(limits).map(|(dot, limit)| u64::from(dot > limit));
    above.rev().fold(0, |bits, bit| bits << 1 | bit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::random::SplitMix64;

    fn check_scores<const Q: usize>(block: &[Group], queries: &[Query<'_>]) {
        let asked: [_; Q] = std::array::from_fn(|i| (queries[i], 0.25 + i as f32));
        let blocks = [block, block].concat();
        let extras: Vec<f32> = (0_u8..128).map(|row| f32::from(row.wrapping_mul(3))).collect();
        let (mut fast, mut plain) = ([[0.0; 2 * ROWS]; Q], [[0.0; 2 * ROWS]; Q]);
        let both = [&mut fast, &mut plain].map(|scores| scores.each_mut().map(|all| &mut all[..]));
        let [fast_scores, plain_scores] = both;
        let runs = (&blocks[..], block.len());
        let most = scores(runs, &asked, &extras, -1e9, fast_scores);
        let expected = scores_by(plain_dots, runs, &asked, &extras, -1e9, plain_scores);
        assert_eq!((most, fast), (expected, plain));
        let dots = plain_dots(block, &[queries[0]]);
        assert!((plain[0][70] - (dots[0][6] as f32 * 0.25 + extras[70])).abs() < f32::EPSILON);
        let largest = plain[0].iter().copied().fold(-1e9, f32::max);
        assert!((most[0] - largest).abs() < f32::EPSILON);
    }

    #[test]
    fn lines_lie_side_by_side_as_plain_rust_lays_them() {
        let mut random = SplitMix64(7);
        let mut lines = |count: usize| -> Vec<u8> {
            (0..count).map(|_| random.next().to_le_bytes()[0]).collect()
        };
        for (groups, stride, rows) in [(16, 64, 64), (10, 64, 64), (32, 128, 64), (16, 64, 63)] {
            let lines = lines(rows * stride);
            for halves in [false, true] {
                let mut block = vec![Group::of(9); groups];
                let mut plain = block.clone();
                fill(&mut block, &lines, stride, halves);
                plain_fill(&mut plain, &lines, stride, halves);
                assert_eq!(block, plain);
                let byte = lines[(rows - 1) * stride + 38];
                let laid = block[9].0[(rows - 1) * GROUP + 2];
                assert_eq!(laid, if halves { byte / 2 } else { byte });
                assert!(rows == ROWS || block[9].0[rows * GROUP] == 9, "no row, no byte");
            }
        }
    }

    #[test]
    fn every_kernel_gives_the_sums_of_plain_rust() {
        let mut random = SplitMix64(4);
        for groups in [0, 1, 2, 25, 26, 300] {
            let mut byte = || random.next().to_le_bytes()[0];
            let mut block = vec![Group::of(0); groups];
            for place in 0..ROWS {
                let row: Vec<[u8; GROUP]> = (0..groups)
                    .map(|_| std::array::from_fn(|_| if place == 3 { 255 } else { byte() }))
                    .collect();
                set(&mut block, place, row.into_iter());
            }
            let bytes: Vec<Vec<[i8; GROUP]>> = (0..23)
                .map(|query| {
                    let mut signed = || match query {
                        0 => 63,
                        1 => -63,
                        _ => (byte() % 127).cast_signed() - 63,
                    };
                    (0..groups).map(|_| std::array::from_fn(|_| signed())).collect()
                })
                .collect();
            let queries: Vec<Query<'_>> =
                bytes.iter().zip(-5..).map(|(groups, start)| Query { groups, start }).collect();
            let six = queries.first_chunk::<QUERIES>().unwrap();
            let expected = plain_dots(&block, six);
            if groups > 0 {
                check_scores::<1>(&block, &queries);
                check_scores::<QUERIES>(&block, &queries);
            }
            for count in [1, 4, 7, 23] {
                let few = &queries[..count];
                assert_eq!(best(&block, few), plain_best(&block, few), "{groups} {count}");
            }
            let mut limits = expected[2];
            limits.iter_mut().step_by(3).for_each(|limit| *limit -= 1);
            let (mut fast, mut plain) = ([[0; ROWS]; QUERIES], [[0; ROWS]; QUERIES]);
            let bits = above(&block, six, &limits, &mut fast);
            assert_eq!(bits, plain_above(&block, six, &limits, &mut plain));
            assert!(bits[2].count_ones() == 22);
            for ((bits, fast), plain) in bits.into_iter().zip(fast).zip(plain) {
                assert!(bits == 0 || fast == plain);
            }
        }
    }
}
