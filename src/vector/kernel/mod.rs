//! Dot products through simsimd, which picks the machine's best instructions when it runs: the only
//! folder that names it. One kernel is our own (`avx2.rs`).

#[cfg(target_arch = "x86_64")]
mod avx2;

use simsimd::SpatialSimilarity as _;

use crate::vector::scalar;

/// Dot product of two slices of one length, in single precision.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "simsimd hands a single-precision sum over as a double"
)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    f32::dot(a, b).unwrap_or_else(|| scalar::dot(a, b)) as f32
}

/// Dot product of two slices of signed bytes of one length, at most 2^16 long.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "an integer below 2^31 handed over as a double"
)]
pub fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && !is_x86_feature_detected!("avx512vnni") {
        // SAFETY: the processor has AVX2, which is all that the kernel asks for.
        return unsafe { avx2::dot_i8(a, b) };
    }
    i8::dot(a, b).map_or_else(|| scalar::dot_i8(a, b), |sum| sum as i32)
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
        let bytes: Vec<i8> = noise(2).take(600).map(|x| x.to_le_bytes()[0].cast_signed()).collect();
        for length in 0..=260 {
            for start in 0..9 {
                let (a, b) = (start..start + length, 300 + start / 2..300 + start / 2 + length);
                let (fast, slow) = (
                    f64::from(dot(&floats[a.clone()], &floats[b.clone()])),
                    scalar::dot(&floats[a.clone()], &floats[b.clone()]),
                );
                assert!((fast - slow).abs() < 1e-4, "f32, {length} at {start}: {fast} {slow}");
                let (fast, slow) = (
                    dot_i8(&bytes[a.clone()], &bytes[b.clone()]),
                    scalar::dot_i8(&bytes[a.clone()], &bytes[b.clone()]),
                );
                assert_eq!(fast, slow, "i8, {length} at {start}");
                let (a, b) = (&bytes[a.clone()], &bytes[b.clone()]);
                let simsimd = i8::dot(a, b).unwrap();
                assert!((simsimd - f64::from(slow)).abs() < 0.5, "simsimd, {length} at {start}");
            }
        }
    }

    #[test]
    fn the_largest_sum_of_bytes_does_not_overflow() {
        let (low, high) = (vec![-128_i8; 1 << 16], vec![127_i8; 1 << 16]);
        assert_eq!(dot_i8(&low, &low), 1 << 30);
        assert_eq!(dot_i8(&low, &high), -128 * 127 * (1 << 16));
    }

    #[test]
    fn prefetching_reads_nothing() {
        prefetch::<u8>(&[]);
        prefetch(&[1.0_f32; 1_000]);
    }
}
