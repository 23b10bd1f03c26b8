//! Dot products through simsimd, which picks the machine's best instructions when it runs: the only
//! folder that names it. Kernels of our own: bytes of one row (`dot_u8`), bytes of many rows by many
//! queries (`tile.rs`, `blocks.rs`), codes of four bits looked up in tables (`nibbles.rs`), floats side by
//! side (`lanes.rs`), many rows by many words in single precision (`products.rs`), and the layers of a network
//! (`dense.rs`), each for two kinds of processors and in plain Rust; all but the last two with equal results.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod blocks;
pub mod dense;
pub mod lanes;
pub mod nibbles;
pub mod products;
pub mod tile;

use std::ops::RangeInclusive;

use simsimd::SpatialSimilarity as _;

use crate::vector::scalar;

/// Lengths of vectors whose products with one of length 1 neither overflow nor lose digits in single
/// precision.
pub const IS_PLAIN: RangeInclusive<f32> = 1e-25..=1e30;

/// Dot product of two slices of one length, in single precision.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "simsimd hands a single-precision sum over as a double"
)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    f32::dot(a, b).unwrap_or_else(|| scalar::dot(a, b)) as f32
}

/// Dot product of unsigned bytes with as many signed ones from -63 to 63, at most 2^16 of them.
#[inline]
pub fn dot_u8(a: &[u8], b: &[i8]) -> i32 {
    #[cfg(target_arch = "x86_64")]
    {
        if has_vnni() {
            // SAFETY: the processor has what the kernel asks for.
            return unsafe { avx512::dot_u8(a, b) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, which is all that the kernel asks for.
            return unsafe { avx2::dot_u8(a, b) };
        }
    }
    scalar::dot_u8(a, b)
}

/// [`dot_u8`] of a query with each of some rows as long as it that lie one behind the other.
pub fn dots_u8(rows: &[u8], query: &[i8], dots: &mut [i32]) {
    #[cfg(target_arch = "x86_64")]
    {
        if has_vnni() {
            // SAFETY: the processor has what the kernel asks for.
            return unsafe { avx512::dots_u8(rows, query, dots) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, which is all that the kernel asks for.
            return unsafe { avx2::dots_u8(rows, query, dots) };
        }
    }
    for (dot, row) in dots.iter_mut().zip(rows.chunks_exact(query.len())) {
        *dot = scalar::dot_u8(row, query);
    }
}

/// Lines of bytes as long as a query's, one a row.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a> {
    /// The lines, one behind the other.
    pub lines: &'a [u8],
    /// The query's bytes, as in [`dot_u8`].
    pub query: &'a [i8],
}

impl<'a> Lines<'a> {
    #[inline]
    fn of(&self, row: u32) -> &'a [u8] {
        let stride = self.query.len();
        self.lines.get(row as usize * stride..).and_then(|l| l.get(..stride)).unwrap_or_default()
    }
}

/// For each of some rows, the sum of [`dot_u8`] of its line in both parts.
pub fn dots_u8_at(parts: &[Lines<'_>; 2], rows: &[u32], dots: &mut [i32]) {
    #[cfg(target_arch = "x86_64")]
    {
        if has_vnni() {
            // SAFETY: the processor has what the kernel asks for.
            return unsafe { avx512::dots_u8_at(parts, rows, dots) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, which is all that the kernel asks for.
            return unsafe { avx2::dots_u8_at(parts, rows, dots) };
        }
    }
    let [first, second] = parts;
    for (dot, &row) in dots.iter_mut().zip(rows) {
        *dot = scalar::dot_u8(first.of(row), first.query)
            + scalar::dot_u8(second.of(row), second.query);
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn has_vnni() -> bool {
    is_x86_feature_detected!("avx512vnni")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512f")
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn has_wide_floats() -> bool {
    is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512f")
}

/// Asks the processor to fetch the first cache lines of a slice that will be read soon. Where there
/// is no instruction for it, nothing happens.
#[inline]
pub fn prefetch<T>(slice: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let bytes = size_of_val(slice).min(PREFETCH_BYTES_MAX);
        let start = slice.as_ptr().cast::<i8>();
        for line in (0..bytes).step_by(CACHE_LINE) {
            // SAFETY: a prefetch neither reads nor faults, whatever the address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = slice;
}

/// Longer slices are fetched ahead by the processor itself once it sees them read in order.
#[cfg(target_arch = "x86_64")]
const PREFETCH_BYTES_MAX: usize = 512;
#[cfg(target_arch = "x86_64")]
const CACHE_LINE: usize = 64;

/// The best instructions that this machine has and simsimd uses, such as `haswell`.
pub fn name() -> &'static str {
    use simsimd::capabilities as has;
    [
        ("sapphire", has::uses_sapphire()),
        ("genoa", has::uses_genoa()),
        ("ice", has::uses_ice()),
        ("skylake", has::uses_skylake()),
        ("haswell", has::uses_haswell()),
        ("sve", has::uses_sve()),
        ("neon", has::uses_neon()),
    ]
    .into_iter()
    .find_map(|(name, used)| used.then_some(name))
    .unwrap_or("serial")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same in every run.
    fn noise(seed: u64) -> impl Iterator<Item = u64> {
        std::iter::successors(Some(seed), |x| {
            Some(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
        })
        .map(|x| x >> 33)
    }

    #[test]
    fn dot_products_equal_the_scalar_ones_at_every_length_and_alignment() {
        let floats: Vec<f32> =
            noise(1).take(600).map(|x| (x % 2_001) as f32 / 1_000.0 - 1.0).collect();
        let bytes: Vec<u8> = noise(2).take(600).map(|x| x.to_le_bytes()[0]).collect();
        let signed: Vec<i8> = bytes.iter().map(|&byte| (byte >> 1).cast_signed() - 63).collect();
        let signed: Vec<i8> = signed.into_iter().map(|byte| byte.min(63)).collect();
        for length in 0..=260 {
            for start in 0..9 {
                let (a, b) = (start..start + length, 300 + start / 2..300 + start / 2 + length);
                let (fast, slow) = (
                    f64::from(dot(&floats[a.clone()], &floats[b.clone()])),
                    scalar::dot(&floats[a.clone()], &floats[b.clone()]),
                );
                assert!((fast - slow).abs() < 1e-4, "f32, {length} at {start}: {fast} {slow}");
                let (fast, slow) = (
                    dot_u8(&bytes[a.clone()], &signed[b.clone()]),
                    scalar::dot_u8(&bytes[a], &signed[b]),
                );
                assert_eq!(fast, slow, "bytes, {length} at {start}");
            }
        }
    }

    #[test]
    fn dot_products_of_many_rows_are_those_of_each() {
        let bytes: Vec<u8> = noise(6).take(40 * 130).map(|x| x.to_le_bytes()[0]).collect();
        let query: Vec<i8> = (0..=127).map(|i| i % 64 - 31).chain([63, -63]).collect();
        for length in [1, 64, 65, 128, 130] {
            for rows in [0, 1, 16, 17, 40] {
                let (bytes, query) = (&bytes[..rows * length], &query[..length]);
                // There may be room for more.
                let mut dots = vec![9; rows + 24];
                dots_u8(bytes, query, &mut dots);
                let each = bytes.chunks_exact(length).map(|row| scalar::dot_u8(row, query));
                let each = each.chain([9; 24]).collect::<Vec<_>>();
                assert_eq!(dots, each, "{rows} rows of {length}");
            }
        }
    }

    #[test]
    fn dot_products_of_lines_are_those_of_their_parts() {
        let bytes: Vec<u8> = noise(5).take(1_280).map(|x| x.to_le_bytes()[0]).collect();
        let query: Vec<i8> = (0..=127).map(|i| i % 60 - 30).collect();
        let rows = [3, 0, 9, 9];
        for (first, second) in [(64, 128), (64, 0), (33, 64)] {
            let parts =
                [first, second].map(|length| Lines { lines: &bytes, query: &query[..length] });
            let mut dots = [0; 4];
            dots_u8_at(&parts, &rows, &mut dots);
            let sum = |row: u32| -> i32 {
                parts.iter().map(|part| scalar::dot_u8(part.of(row), part.query)).sum()
            };
            assert_eq!(dots, rows.map(sum));
        }
    }

    #[test]
    fn the_largest_sum_of_bytes_does_not_overflow() {
        let (low, high) = (vec![-63_i8; 1 << 16], vec![63_i8; 1 << 16]);
        assert_eq!(dot_u8(&vec![255; 1 << 16], &low), -255 * 63 * (1 << 16));
        assert_eq!(dot_u8(&vec![255; 1 << 16], &high), 255 * 63 * (1 << 16));
    }

    #[test]
    fn tiles_tell_the_same_hits_as_plain_rust_at_every_dimension_and_with_the_largest_bytes() {
        let mut draw = noise(3);
        for dim in (1..130).chain([1_024]) {
            let mut next = |below: u64| draw.next().unwrap() % below;
            let mut tile = tile::Tile::new(dim);
            let width = dim.next_multiple_of(tile::GROUP);
            let mut middle = [0.0; tile::ROWS];
            for (place, middle) in middle.iter_mut().enumerate() {
                let bytes: Vec<u8> = (0..width)
                    .map(|_| if place == 0 { 127 } else { next(128).to_le_bytes()[0] })
                    .collect();
                tile.set(place, bytes.as_chunks().0.iter().copied());
                *middle = next(200) as f32 - 100.0;
            }
            tile.limits = tile::Limits { scale: 0.005, slack: 0.4, thresholds: middle };
            let bytes: [Vec<i8>; tile::QUERIES] = [63, -63, 0, 1, 1, 1].map(|all| {
                let draw =
                    |_| if all == 1 { next(127).to_le_bytes()[0].cast_signed() - 63 } else { all };
                (0..width).map(draw).collect()
            });
            let queries = bytes.each_ref().map(|bytes| tile::TileQuery {
                factor: 0.01,
                offset: -3.0,
                slack_factor: 0.5,
                slack: 0.1,
                threshold: 40.0,
                ..tile::TileQuery::new(bytes)
            });
            let (mut hits, mut plain) = (Vec::new(), Vec::new());
            tile.hits(&queries, &mut hits);
            tile::plain_hits(&tile, &queries, &mut plain);
            assert_eq!(hits, plain, "{dim} components");
            let inverses = middle.map(|middle| middle * 5.0);
            let reaches =
                bytes.each_ref().map(|bytes| tile::Reach { bytes, start: 1_600, factor: 8.0 });
            tile::reached(tile.groups(), &inverses, &reaches, &mut hits);
            tile::plain_reached(tile.groups(), &inverses, &reaches, &mut plain);
            assert_eq!(hits, plain, "{dim} components");
            let is_some = |&bits: &u64| bits != 0 && bits != u64::MAX;
            assert!(hits[0].bits.iter().any(is_some), "{dim} components");
        }
    }

    #[test]
    fn prefetching_reads_nothing() {
        prefetch::<u8>(&[]);
        prefetch(&[1.0_f32; 1_000]);
    }
}
