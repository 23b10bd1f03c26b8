//! Dot products through simsimd, which picks the machine's best instructions when it runs: the only
//! folder that names it.

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
    i8::dot(a, b).map_or_else(|| scalar::dot_i8(a, b), |sum| sum as i32)
}

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
