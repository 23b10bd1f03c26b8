//! The kernels in plain Rust, in double precision: the oracle of the tests and the last word on an
//! answer's similarity.

/// Dot product, summed in double precision.
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    dot_inlined(a, b)
}

#[expect(clippy::inline_always, reason = "who inlines it may have wider registers")]
#[inline(always)]
pub(super) fn dot_inlined(a: &[f32], b: &[f32]) -> f64 {
    // Eight sums side by side, so that no addition waits for the one before.
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for (sum, (&x, &y)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += f64::from(x) * f64::from(y);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sums;
    ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7)) + rest
}

/// Dot product of unsigned bytes with signed ones.
pub fn dot_u8(a: &[u8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum()
}

/// Whether no value is NaN or infinite.
pub fn is_finite(vector: &[f32]) -> bool {
    // The exponents of both are all ones. Looking at every value is faster than stopping early.
    const EXPONENT: u32 = 0x7f80_0000;
    let odd = vector.iter().map(|value| u32::from(value.to_bits() & EXPONENT == EXPONENT));
    odd.fold(0, |all, odd| all | odd) == 0
}

/// Euclidean length.
pub fn norm(vector: &[f32]) -> f64 {
    dot(vector, vector).sqrt()
}

/// Cosine similarity, from -1 to 1; 0 if one of the two is all zeros.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    cosine_of(a, b, norm(b))
}

/// [`cosine`] where the second one's length is known.
pub fn cosine_of(a: &[f32], b: &[f32], norm_b: f64) -> f64 {
    let norms = norm(a) * norm_b;
    if norms > 0.0 { (dot(a, b) / norms).clamp(-1.0, 1.0) } else { 0.0 }
}
