//! How long a dot product takes: our kernels, simsimd's, and plain Rust, at the lengths of common
//! tables. `cargo bench --bench kernel` prints one line of JSON for each.
#![expect(clippy::print_stdout, reason = "measurements are told on standard output")]

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Instant;

use simsimd::SpatialSimilarity as _;
use wordspace::vector::kernel::tile::{GROUP, QUERIES, ROWS, Tile, TileQuery};
use wordspace::vector::{kernel, scalar};

/// Bytes of a coded row of 50, 100, 300 and 768 components.
const LENGTHS: [usize; 4] = [64, 128, 320, 832];
const CALLS: usize = 200_000;
const ROUNDS: usize = 5;

fn main() {
    for length in LENGTHS {
        let signed: Vec<i8> =
            (0..length).map(|i| i8::try_from(i * 37 % 127).unwrap_or(0) - 63).collect();
        let bytes: Vec<u8> = (0..length).map(|i| (i * 91 % 251).to_le_bytes()[0]).collect();
        measure("i8", "wordspace", length, || {
            f64::from(kernel::dot_u8(black_box(&bytes), black_box(&signed)))
        });
        measure("i8", "simsimd", length, || {
            i8::dot(black_box(&signed), black_box(&signed)).unwrap_or(0.0)
        });
        measure("i8", "plain", length, || {
            f64::from(scalar::dot_u8(black_box(&bytes), black_box(&signed)))
        });
        tiles(length);
        let floats: Vec<f32> = signed.iter().map(|&byte| f32::from(byte) / 63.0).collect();
        let (a, b) = (&floats[..], &floats[..]);
        measure("f32", "simsimd", length, || f64::from(kernel::dot(black_box(a), black_box(b))));
        measure("f32", "plain", length, || scalar::dot(black_box(a), black_box(b)));
    }
}

/// Many rows by some queries.
fn tiles(length: usize) {
    let mut tile = Tile::new(length);
    for place in 0..ROWS {
        let byte = |i: usize| ((i * 37 + place) % 128).to_le_bytes()[0];
        let groups = (0..length).step_by(GROUP);
        tile.set(place, groups.map(|first| std::array::from_fn(|i| byte(first + i))));
    }
    let bytes: Vec<i8> = (0..length.next_multiple_of(GROUP))
        .map(|i| i8::try_from(i * 91 % 127).unwrap_or(0) - 63)
        .collect();
    let queries = [TileQuery::new(&bytes); QUERIES];
    let hits = RefCell::new(Vec::new());
    measure("i8, 64 rows by 6 queries", "wordspace", length, || {
        let mut hits = hits.borrow_mut();
        tile.hits(black_box(&queries), &mut hits);
        hits.len() as f64
    });
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
