//! Kernels for processors with AVX2 and FMA.

use std::arch::x86_64::{
    __m256, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT, _mm256_add_epi32, _mm256_add_ps,
    _mm256_castsi256_ps, _mm256_cvtps_epi32, _mm256_div_ps, _mm256_fmadd_ps, _mm256_hadd_ps,
    _mm256_load_ps, _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_permute2f128_ps,
    _mm256_round_ps, _mm256_rsqrt_ps, _mm256_set1_epi32, _mm256_set1_ps, _mm256_slli_epi32,
    _mm256_store_ps, _mm256_storeu_ps, _mm256_sub_ps,
};

use super::isa::{EDGE, EXP2, Isa};
use super::plain::fill_plain;
use super::{Line, OUTPUTS, kernels};

/// Known to be there.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

kernels!(Avx2, fill_plain, "avx2,fma");

impl Avx2 {
    /// For kernels, which only a machine that has it calls.
    const PROVED: Self = Self(());

    pub(super) fn new() -> Option<Self> {
        let all = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        all.then_some(Self(()))
    }
}

impl Isa for Avx2 {
    type Register = __m256;

    const WIDTH: usize = 8;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: a value of this type means that the processor has what is needed.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: as above, and the caller promises the floats.
        unsafe { _mm256_load_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, value: __m256, to: *mut f32) {
        // SAFETY: as above, and the caller promises the room.
        unsafe { _mm256_store_ps(to, value) }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: as above.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: as above.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: as above.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn fma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: as above.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn rsqrt(self, a: __m256) -> __m256 {
        // SAFETY: as above.
        let near = unsafe { _mm256_rsqrt_ps(a) };
        // A step of Newton's: processors differ in what they compute, and 12 bits are few.
        let half = self.mul(self.mul(self.splat(-0.5), a), self.mul(near, near));
        self.mul(near, self.add(self.splat(1.5), half))
    }

    #[inline(always)]
    fn sum(self, value: __m256) -> f32 {
        let mut floats = [0.0; 8];
        // SAFETY: as above; the array has room for the floats, and the instruction needs no alignment.
        unsafe { _mm256_storeu_ps(floats.as_mut_ptr(), value) };
        floats.iter().sum()
    }

    #[inline(always)]
    fn errors(self, sums: &[[__m256; OUTPUTS]; 2], labels: &Line, lr: f32, errors: &mut Line) {
        let parts = errors.0.as_chunks_mut::<8>().0.iter_mut().zip(sums);
        for (errors, sums) in parts {
            // SAFETY: as above.
            let x = unsafe { eight(sums) };
            // SAFETY: as above.
            let sigmoid = unsafe { sigmoid(x) };
            // SAFETY: as above; a line has sixteen floats, and begins at a multiple of their bytes.
            let labels = unsafe { self.load(labels.0.as_ptr()) };
            let values = self.mul(self.splat(lr), self.sub(labels, sigmoid));
            // SAFETY: as above; half a line is as long as a register.
            unsafe { self.store(values, errors.as_mut_ptr()) };
        }
    }

    #[inline(always)]
    fn totals(self, sums: &[[__m256; OUTPUTS]; 2], totals: &mut Line) {
        for (totals, sums) in totals.0.as_chunks_mut::<8>().0.iter_mut().zip(sums) {
            // SAFETY: as above.
            let x = unsafe { eight(sums) };
            // SAFETY: as above; half a line is as long as a register.
            unsafe { self.store(x, totals.as_mut_ptr()) };
        }
    }

    #[inline(always)]
    fn finish(self, totals: &mut Line, labels: &Line, lr: f32) {
        let parts = totals.0.as_chunks_mut::<8>().0.iter_mut().zip(labels.0.as_chunks::<8>().0);
        for (totals, labels) in parts {
            // SAFETY: as above; half a line is as long as a register.
            let x = unsafe { self.load(totals.as_ptr()) };
            // SAFETY: as above.
            let labels = unsafe { self.load(labels.as_ptr()) };
            // SAFETY: as above.
            let sigmoid = unsafe { sigmoid(x) };
            let values = self.mul(self.splat(lr), self.sub(labels, sigmoid));
            // SAFETY: as above.
            unsafe { self.store(values, totals.as_mut_ptr()) };
        }
    }
}

/// The sums of eight registers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn eight(s: &[__m256; OUTPUTS]) -> __m256 {
    let low = _mm256_hadd_ps(_mm256_hadd_ps(s[0], s[1]), _mm256_hadd_ps(s[2], s[3]));
    let high = _mm256_hadd_ps(_mm256_hadd_ps(s[4], s[5]), _mm256_hadd_ps(s[6], s[7]));
    let front = _mm256_permute2f128_ps::<0x20>(low, high);
    _mm256_add_ps(front, _mm256_permute2f128_ps::<0x31>(low, high))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn sigmoid(x: __m256) -> __m256 {
    // Of NaN these two return the second, so it stays one.
    let x = _mm256_max_ps(_mm256_set1_ps(-EDGE), _mm256_min_ps(_mm256_set1_ps(EDGE), x));
    let power = _mm256_mul_ps(x, _mm256_set1_ps(-std::f32::consts::LOG2_E));
    let whole = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(power);
    let r = _mm256_sub_ps(power, whole);
    let term = |i: usize| _mm256_set1_ps(EXP2[i]);
    let low = _mm256_fmadd_ps(r, term(1), term(0));
    let high = _mm256_fmadd_ps(r, term(3), term(2));
    let near = _mm256_fmadd_ps(_mm256_mul_ps(r, r), high, low);
    let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127));
    let scale = _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent));
    let one = _mm256_set1_ps(1.0);
    _mm256_div_ps(one, _mm256_add_ps(one, _mm256_mul_ps(near, scale)))
}
