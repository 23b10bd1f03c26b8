//! How long a dot product takes: our kernels, simsimd's, and plain Rust, at the lengths of common
//! tables. `cargo bench --bench kernel` prints one line of JSON for each.
#![expect(clippy::print_stdout, reason = "measurements are told on standard output")]

use std::hint::black_box;
use std::time::Instant;

use simsimd::SpatialSimilarity as _;
use wordspace::vector::{kernel, scalar};

/// Bytes of a coded row of 50, 100, 300 and 768 components.
const LENGTHS: [usize; 4] = [64, 128, 320, 832];
const CALLS: usize = 200_000;
const ROUNDS: usize = 5;

fn main() {
    for length in LENGTHS {
        let bytes: Vec<i8> =
            (0..2 * length).map(|i| i8::try_from(i * 37 % 127).unwrap_or(0)).collect();
        let (a, b) = bytes.split_at(length);
        measure("i8", "wordspace", length, || {
            f64::from(kernel::dot_i8(black_box(a), black_box(b)))
        });
        measure("i8", "simsimd", length, || i8::dot(black_box(a), black_box(b)).unwrap_or(0.0));
        measure("i8", "plain", length, || f64::from(scalar::dot_i8(black_box(a), black_box(b))));
        let floats: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 127.0).collect();
        let (a, b) = floats.split_at(length);
        measure("f32", "simsimd", length, || f64::from(kernel::dot(black_box(a), black_box(b))));
        measure("f32", "plain", length, || scalar::dot(black_box(a), black_box(b)));
    }
}

/// The median of a few rounds.
fn measure(dtype: &str, kernel: &str, length: usize, dot: impl Fn() -> f64) {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            for _ in 0..CALLS {
                black_box(dot());
            }
            began.elapsed().as_secs_f64() * 1e9 / CALLS as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    let nanos = rounds[ROUNDS / 2];
    println!(r#"{{"dtype":"{dtype}","kernel":"{kernel}","length":{length},"ns":{nanos:.1}}}"#);
}
