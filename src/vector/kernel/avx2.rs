//! The dot product of signed bytes for processors with AVX2 and nothing newer: simsimd's takes four
//! times as long for the hundred or so bytes of a row.

use std::arch::x86_64::{
    __m256i, _mm_add_epi32, _mm_cvtsi128_si32, _mm_loadu_si128, _mm_shuffle_epi32,
    _mm256_add_epi32, _mm256_castsi256_si128, _mm256_cvtepi8_epi16, _mm256_extracti128_si256,
    _mm256_madd_epi16, _mm256_setzero_si256,
};

use crate::vector::scalar;

/// Bytes that one step multiplies: half a register, because products need twice the width.
const STEP: usize = 16;

/// Dot product of two slices of one length, at most 2^16 long.
#[target_feature(enable = "avx2")]
pub(super) fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<STEP>(), b.as_chunks::<STEP>());
    // Two sums, so that one addition need not wait for the other.
    let mut sums = [_mm256_setzero_si256(); 2];
    let (a_pairs, a_last) = a.as_chunks::<2>();
    let (b_pairs, b_last) = b.as_chunks::<2>();
    for (a, b) in a_pairs.iter().zip(b_pairs) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum = _mm256_add_epi32(*sum, products(a, b));
        }
    }
    for (a, b) in a_last.iter().zip(b_last) {
        sums[0] = _mm256_add_epi32(sums[0], products(a, b));
    }
    sum(_mm256_add_epi32(sums[0], sums[1])) + scalar::dot_i8(a_rest, b_rest)
}

/// The products of 16 pairs, added two by two.
#[target_feature(enable = "avx2")]
#[inline]
fn products(a: &[i8; STEP], b: &[i8; STEP]) -> __m256i {
    _mm256_madd_epi16(widen(a), widen(b))
}

#[target_feature(enable = "avx2")]
#[inline]
fn widen(bytes: &[i8; STEP]) -> __m256i {
    // SAFETY: the array has the 16 bytes that are read; the instruction needs no alignment.
    let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
    _mm256_cvtepi8_epi16(bytes)
}

#[target_feature(enable = "avx2")]
#[inline]
fn sum(eight: __m256i) -> i32 {
    let (low, high) = (_mm256_castsi256_si128(eight), _mm256_extracti128_si256::<1>(eight));
    let four = _mm_add_epi32(low, high);
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b00_00_11_10>(four));
    let one = _mm_add_epi32(two, _mm_shuffle_epi32::<0b00_00_00_01>(two));
    _mm_cvtsi128_si32(one)
}
