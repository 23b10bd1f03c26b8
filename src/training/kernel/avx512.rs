//! Kernels for processors with AVX-512.

use std::arch::x86_64::{
    __m256, __m512, _mm256_add_ps, _mm256_hadd_ps, _mm256_permute2f128_ps, _mm256_storeu_si256,
    _mm512_add_ps, _mm512_and_si512, _mm512_castps256_ps512, _mm512_castps512_ps256,
    _mm512_cmple_epu64_mask, _mm512_cvtepi64_epi32, _mm512_div_ps, _mm512_extractf32x8_ps,
    _mm512_fmadd_ps, _mm512_i64gather_epi64, _mm512_insertf32x8, _mm512_load_ps,
    _mm512_loadu_si512, _mm512_mask_blend_epi64, _mm512_max_ps, _mm512_min_ps, _mm512_mul_epu32,
    _mm512_mul_ps, _mm512_reduce_add_ps, _mm512_roundscale_ps, _mm512_rsqrt14_ps, _mm512_scalef_ps,
    _mm512_set1_epi64, _mm512_set1_ps, _mm512_slli_epi64, _mm512_srli_epi64, _mm512_store_ps,
    _mm512_storeu_si512, _mm512_sub_ps, _mm512_xor_si512,
};

use super::isa::{EDGE, EXP2, Isa};
use super::{Line, OUTPUTS, kernels};

/// Known to be there.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

kernels!(Avx512, fill_avx512, "avx512f,avx512dq,avx512vl,avx2,fma");

impl Avx512 {
    /// For kernels, which only a machine that has it calls.
    const PROVED: Self = Self(());

    pub(super) fn new() -> Option<Self> {
        let all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma");
        all.then_some(Self(()))
    }
}

impl Isa for Avx512 {
    type Register = __m512;

    const WIDTH: usize = 16;
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: a value of this type means that the processor has what is needed.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: as above, and the caller promises the floats.
        unsafe { _mm512_load_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, value: __m512, to: *mut f32) {
        // SAFETY: as above, and the caller promises the room.
        unsafe { _mm512_store_ps(to, value) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: as above.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: as above.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: as above.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: as above.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn rsqrt(self, a: __m512) -> __m512 {
        // SAFETY: as above.
        unsafe { _mm512_rsqrt14_ps(a) }
    }

    #[inline(always)]
    fn sum(self, value: __m512) -> f32 {
        // SAFETY: as above.
        unsafe { _mm512_reduce_add_ps(value) }
    }

    #[inline(always)]
    fn errors(self, sums: &[[__m512; OUTPUTS]; 2], labels: &Line, lr: f32, errors: &mut Line) {
        // SAFETY: as above.
        let x = unsafe { both(sums) };
        // SAFETY: as above.
        let sigmoid = unsafe { sigmoid(x) };
        // SAFETY: as above; a line has sixteen floats, and begins at a multiple of their bytes.
        let labels = unsafe { self.load(labels.0.as_ptr()) };
        let values = self.mul(self.splat(lr), self.sub(labels, sigmoid));
        // SAFETY: as above.
        unsafe { self.store(values, errors.0.as_mut_ptr()) };
    }

    #[inline(always)]
    fn totals(self, sums: &[[__m512; OUTPUTS]; 2], totals: &mut Line) {
        // SAFETY: as above.
        let x = unsafe { both(sums) };
        // SAFETY: as above; a line has sixteen floats, and begins at a multiple of their bytes.
        unsafe { self.store(x, totals.0.as_mut_ptr()) };
    }

    #[inline(always)]
    fn finish(self, totals: &mut Line, labels: &Line, lr: f32) {
        // SAFETY: as above; a line has sixteen floats, and begins at a multiple of their bytes.
        let x = unsafe { self.load(totals.0.as_ptr()) };
        // SAFETY: as above.
        let labels = unsafe { self.load(labels.0.as_ptr()) };
        // SAFETY: as above.
        let sigmoid = unsafe { sigmoid(x) };
        let values = self.mul(self.splat(lr), self.sub(labels, sigmoid));
        // SAFETY: as above.
        unsafe { self.store(values, totals.0.as_mut_ptr()) };
    }
}

/// The sums of two times eight registers.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
fn both(sums: &[[__m512; OUTPUTS]; 2]) -> __m512 {
    let [first, second] = sums;
    _mm512_insertf32x8::<1>(_mm512_castps256_ps512(eight(first)), eight(second))
}

/// The sums of eight registers: halves, then neighbors, are added until one register has them all.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
fn eight(s: &[__m512; OUTPUTS]) -> __m256 {
    let half = |s: __m512| _mm256_add_ps(_mm512_castps512_ps256(s), _mm512_extractf32x8_ps::<1>(s));
    let pair = |a: __m512, b: __m512| _mm256_hadd_ps(half(a), half(b));
    let low = _mm256_hadd_ps(pair(s[0], s[1]), pair(s[2], s[3]));
    let high = _mm256_hadd_ps(pair(s[4], s[5]), pair(s[6], s[7]));
    let front = _mm256_permute2f128_ps::<0x20>(low, high);
    _mm256_add_ps(front, _mm256_permute2f128_ps::<0x31>(low, high))
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
fn sigmoid(x: __m512) -> __m512 {
    // Of NaN these two return the second, so it stays one.
    let x = _mm512_max_ps(_mm512_set1_ps(-EDGE), _mm512_min_ps(_mm512_set1_ps(EDGE), x));
    let power = _mm512_mul_ps(x, _mm512_set1_ps(-std::f32::consts::LOG2_E));
    let whole = _mm512_roundscale_ps::<0>(power);
    let r = _mm512_sub_ps(power, whole);
    let term = |i: usize| _mm512_set1_ps(EXP2[i]);
    let low = _mm512_fmadd_ps(r, term(1), term(0));
    let high = _mm512_fmadd_ps(r, term(3), term(2));
    let near = _mm512_fmadd_ps(_mm512_mul_ps(r, r), high, low);
    let one = _mm512_set1_ps(1.0);
    _mm512_div_ps(one, _mm512_add_ps(one, _mm512_scalef_ps(near, whole)))
}

/// As the plain one, eight at once.
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
fn fill_avx512(table: &[u64], lanes: &mut [[u64; 8]; 2], drawn: &mut [u32; DRAWN]) {
    let length = _mm512_set1_epi64(i64::try_from(table.len()).unwrap_or(i64::MAX));
    let low = _mm512_set1_epi64(0xffff_ffff);
    // SAFETY: the array has the bytes that are read.
    let first = unsafe { _mm512_loadu_si512(lanes[0].as_ptr().cast()) };
    // SAFETY: as above.
    let mut x = [first, unsafe { _mm512_loadu_si512(lanes[1].as_ptr().cast()) }];
    for (turn, drawn) in drawn.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let mut y = x[turn % 2];
        y = _mm512_xor_si512(y, _mm512_slli_epi64::<13>(y));
        y = _mm512_xor_si512(y, _mm512_srli_epi64::<7>(y));
        y = _mm512_xor_si512(y, _mm512_slli_epi64::<17>(y));
        x[turn % 2] = y;
        let place = _mm512_mul_epu32(_mm512_srli_epi64::<32>(y), length);
        let place = _mm512_srli_epi64::<32>(place);
        // SAFETY: a number below 2^32 times the table's length, divided by 2^32, is below that length.
        let entry = unsafe { _mm512_i64gather_epi64::<8>(place, table.as_ptr().cast()) };
        let (draw, chance) = (_mm512_and_si512(y, low), _mm512_and_si512(entry, low));
        let is_own = _mm512_cmple_epu64_mask(draw, chance);
        let chosen = _mm512_mask_blend_epi64(is_own, _mm512_srli_epi64::<32>(entry), place);
        let chosen = _mm512_cvtepi64_epi32(chosen);
        // SAFETY: the array has room for eight numbers of four bytes.
        unsafe { _mm256_storeu_si256(drawn.as_mut_ptr().cast(), chosen) };
    }
    for (lanes, x) in lanes.iter_mut().zip(x) {
        // SAFETY: the array has room for the register's bytes.
        unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), x) };
    }
}
