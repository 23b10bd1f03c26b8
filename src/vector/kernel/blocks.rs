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

/// Some components of all rows of a block, which is a slice of these.
pub type Group = [u8; ROWS * GROUP];

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
        if let Some(to) = group.as_chunks_mut().0.get_mut(place) {
            *to = bytes;
        }
    }
}

/// The dot products of each query with all rows.
#[inline]
pub fn dots<const Q: usize>(block: &[Group], queries: &[Query<'_>; Q]) -> [[i32; ROWS]; Q] {
    debug_assert!(queries.iter().all(|query| query.groups.len() >= block.len()), "whole queries");
    #[cfg(target_arch = "x86_64")]
    {
        if super::has_vnni() {
            // SAFETY: the processor has what the kernel asks for.
            return unsafe { avx512::dots(block, queries) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, which is all that the kernel asks for.
            return unsafe { avx2::dots(block, queries) };
        }
    }
    plain_dots(block, queries)
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

/// [`dots`] in plain Rust.
pub(super) fn plain_dots<const Q: usize>(
    block: &[Group],
    queries: &[Query<'_>; Q],
) -> [[i32; ROWS]; Q] {
    let mut dots = [[0; ROWS]; Q];
    for (dots, query) in dots.iter_mut().zip(queries) {
        dots.fill(query.start);
        for (group, query) in block.iter().zip(query.groups) {
            for (dot, row) in dots.iter_mut().zip(group.as_chunks::<GROUP>().0) {
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

    #[test]
    fn every_kernel_gives_the_sums_of_plain_rust() {
        let mut random = SplitMix64(4);
        for groups in [0, 1, 2, 25, 26, 300] {
            let mut byte = || random.next().to_le_bytes()[0];
            let mut block = vec![[0; ROWS * GROUP]; groups];
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
            assert_eq!(dots(&block, &[queries[0]]), plain_dots(&block, &[queries[0]]));
            let six = queries.first_chunk::<QUERIES>().unwrap();
            let expected = plain_dots(&block, six);
            assert_eq!(dots(&block, six), expected);
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
