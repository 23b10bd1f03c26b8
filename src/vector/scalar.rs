//! The kernels in plain Rust, in double precision: the oracle of the tests and the last word on an
//! answer's similarity.

/// Dot product, summed in double precision.
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
}

/// Dot product of signed bytes.
pub fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum()
}

/// Euclidean length.
pub fn norm(vector: &[f32]) -> f64 {
    dot(vector, vector).sqrt()
}

/// Cosine similarity, from -1 to 1; 0 if one of the two is all zeros.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let norms = norm(a) * norm(b);
    if norms > 0.0 { (dot(a, b) / norms).clamp(-1.0, 1.0) } else { 0.0 }
}
