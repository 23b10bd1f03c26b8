//! Kernels for processors with AVX-512: with VNNI, one instruction multiplies 64 pairs of bytes and adds
//! them four by four.

use std::arch::x86_64::{
    __m512i, _CMP_GE_OQ, _mm512_add_epi32, _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_cvtepi32_ps,
    _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_min_ps,
    _mm512_mul_ps, _mm512_reduce_add_epi32, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_setzero_si512, _mm512_storeu_ps,
};

use crate::vector::kernel::products::WORDS;
use crate::vector::kernel::tile::{Limits, QUERIES, ROWS, Tile, TileQuery};
use crate::vector::scalar;

/// Bytes of a register.
const BYTES: usize = 64;

/// Dot product of unsigned bytes with as many signed ones.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dot_u8(a: &[u8], b: &[i8]) -> i32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<BYTES>(), b.as_chunks::<BYTES>());
    let mut sums = [_mm512_setzero_si512(); 2];
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        // SAFETY: the array has the bytes that are read; the instruction needs no alignment.
        let b = unsafe { _mm512_loadu_si512(b.as_ptr().cast()) };
        sums[i % 2] = _mm512_dpbusd_epi32(sums[i % 2], load(a), b);
    }
    _mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1])) + scalar::dot_u8(a_rest, b_rest)
}

/// The dot product of a query with each of some rows that lie one behind the other.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dots_u8(rows: &[u8], query: &[i8], dots: &mut [i32]) {
    for (dot, row) in dots.iter_mut().zip(rows.chunks_exact(query.len())) {
        *dot = dot_u8(row, query);
    }
}

/// Which rows of a tile may be near each query: one bit a row.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn hits(tile: &Tile, queries: &[TileQuery<'_>; QUERIES]) -> u64 {
    let mut hits = 0;
    let mut sums = [_mm512_setzero_si512(); QUERIES];
    let [q0, q1, q2, q3] = queries.each_ref().map(TileQuery::groups);
    for ((((rows, a), b), c), d) in tile.groups().iter().zip(q0).zip(q1).zip(q2).zip(q3) {
        let rows = load(rows);
        for (sum, group) in sums.iter_mut().zip([a, b, c, d]) {
            let group = i32::from_le_bytes(group.map(i8::cast_unsigned));
            *sum = _mm512_dpbusd_epi32(*sum, rows, _mm512_set1_epi32(group));
        }
    }
    let Limits { scales, slacks, thresholds } = &tile.limits;
    for ((&sum, query), first) in sums.iter().zip(queries).zip((0..).step_by(ROWS)) {
        let dots = _mm512_cvtepi32_ps(sum);
        let estimate = _mm512_mul_ps(
            floats(scales),
            _mm512_add_ps(
                _mm512_mul_ps(dots, _mm512_set1_ps(query.factor)),
                _mm512_set1_ps(query.offset),
            ),
        );
        let slack = _mm512_add_ps(
            _mm512_mul_ps(floats(slacks), _mm512_set1_ps(query.slack_factor)),
            _mm512_set1_ps(query.slack),
        );
        let limit = _mm512_min_ps(floats(thresholds), _mm512_set1_ps(query.threshold));
        let bits = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(_mm512_add_ps(estimate, slack), limit);
        hits |= u64::from(bits) << first;
    }
    hits
}

/// The products of sixteen rows and eight words in single precision.
#[target_feature(enable = "avx512f")]
pub(super) fn float_products(rows: &[[f32; ROWS]], words: &[[f32; WORDS]]) -> [[f32; ROWS]; WORDS] {
    let mut sums = [_mm512_setzero_ps(); WORDS];
    for (row, word) in rows.iter().zip(words) {
        let row = floats(row);
        for (sum, &word) in sums.iter_mut().zip(word) {
            *sum = _mm512_fmadd_ps(row, _mm512_set1_ps(word), *sum);
        }
    }
    sums.map(|sum| {
        let mut products = [0.0; ROWS];
        // SAFETY: the array has room for the sixteen floats; the instruction needs no alignment.
        unsafe { _mm512_storeu_ps(products.as_mut_ptr(), sum) };
        products
    })
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load(bytes: &[u8; BYTES]) -> __m512i {
    // SAFETY: the array has the bytes that are read; the instruction needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn floats(values: &[f32; ROWS]) -> std::arch::x86_64::__m512 {
    // SAFETY: the array has the floats that are read; the instruction needs no alignment.
    unsafe { _mm512_loadu_ps(values.as_ptr()) }
}
