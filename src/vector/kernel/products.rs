//! Many rows by many words in single precision, and which sums of their products are large: what a
//! test set of thousands of analogies is made of.
//!
//! Lanes lie side by side, so that the compiler makes of plain Rust what the processor has; only products
//! have kernels of their own.
#![expect(clippy::inline_always, reason = "who inlines them has the processor's features")]

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Rows that lie side by side.
pub const ROWS: usize = 16;
/// Words that are compared with them at once.
pub(super) const WORDS: usize = 8;
/// Lanes that are judged together.
const LANES: usize = 16;

/// Vectors in groups of `N` that lie side by side: the first components of all, the second ones, and
/// so on. Places of the last group that no vector has are zeros.
#[derive(Clone, Debug)]
struct Packed<const N: usize> {
    dim: usize,
    groups: Vec<[f32; N]>,
}

/// Words that are compared with many rows.
#[derive(Clone, Debug)]
pub struct Words(Packed<WORDS>);

/// Rows that are compared with many words, and what came of it.
#[derive(Clone, Debug)]
pub struct Block {
    rows: Packed<ROWS>,
    /// For each word, the products with all rows of the block.
    products: Vec<f32>,
    /// Rows that the block can hold.
    width: usize,
}

/// Three words, by their places, whose products with a row are judged together.
#[derive(Clone, Copy, Debug)]
pub struct Triple {
    /// Places of a, b and c among the words.
    pub words: [u32; 3],
    /// What a row's judgment must reach.
    pub least: f32,
    /// See [`Judge::Product`].
    pub factor: f32,
}

/// What is made of the products a, b and c.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judge {
    /// b - a + c
    Sum,
    /// (1 + b) (1 + c) - factor (1 + a + [`Judge::EPSILON`])
    Product,
}

impl Judge {
    /// Keeps the divisor of 3CosMul above 0.
    pub const EPSILON: f32 = 2e-6;
}

impl<const N: usize> Packed<N> {
    fn new(dim: usize) -> Self {
        Self { dim, groups: Vec::new() }
    }

    fn fill(&mut self, vectors: impl ExactSizeIterator<Item = Vec<f32>>) {
        self.groups.clear();
        self.groups.resize(vectors.len().div_ceil(N) * self.dim, [0.0; N]);
        for (i, vector) in vectors.enumerate() {
            let group = &mut self.groups[i / N * self.dim..][..self.dim];
            for (lanes, value) in group.iter_mut().zip(vector) {
                lanes[i % N] = value;
            }
        }
    }
}

impl Words {
    /// Words with these vectors of `dim` components.
    pub fn new(dim: usize, vectors: impl ExactSizeIterator<Item = Vec<f32>>) -> Self {
        let mut packed = Packed::new(dim);
        packed.fill(vectors);
        Self(packed)
    }
}

impl Block {
    /// A block for `width` rows, a multiple of [`ROWS`], that are compared with `words`.
    pub fn new(words: &Words, width: usize) -> Self {
        debug_assert!(width.is_multiple_of(ROWS), "whole groups of rows");
        let Packed { dim, groups } = &words.0;
        let count = groups.len().checked_div(*dim).unwrap_or(0) * WORDS;
        Self { rows: Packed::new(*dim), products: vec![0.0; count * width], width }
    }

    /// Compares each of some rows, at most as many as the block holds, with each word.
    pub fn compare(&mut self, words: &Words, rows: impl ExactSizeIterator<Item = Vec<f32>>) {
        self.rows.fill(rows);
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                // SAFETY: the processor has what the kernel asks for.
                return self
                    .each(words, |rows, words| unsafe { avx512::float_products(rows, words) });
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                // SAFETY: the processor has what the kernel asks for.
                return self
                    .each(words, |rows, words| unsafe { avx2::float_products(rows, words) });
            }
        }
        self.each(words, scalar_products);
    }

    /// Has a kernel multiply each group of rows with each group of words.
    fn each(
        &mut self,
        words: &Words,
        kernel: impl Fn(&[[f32; ROWS]], &[[f32; WORDS]]) -> [[f32; ROWS]; WORDS],
    ) {
        let dim = self.rows.dim.max(1);
        for (rows, at) in self.rows.groups.chunks_exact(dim).zip((0..).step_by(ROWS)) {
            for (group, first) in words.0.groups.chunks_exact(dim).zip((0..).step_by(WORDS)) {
                let products = kernel(rows, group);
                for (word, products) in (first..).zip(products) {
                    self.products[word * self.width + at..][..ROWS].copy_from_slice(&products);
                }
            }
        }
    }

    /// The positions of those triples that a row of the block may satisfy.
    pub fn satisfied(&self, judge: Judge, triples: &[Triple], positions: &mut Vec<usize>) {
        positions.clear();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                // SAFETY: the processor has what the function asks for.
                return unsafe { self.satisfied_avx512(judge, triples, positions) };
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has what the function asks for.
                return unsafe { self.satisfied_avx2(judge, triples, positions) };
            }
        }
        self.satisfied_by(judge, triples, positions);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    fn satisfied_avx512(&self, judge: Judge, triples: &[Triple], positions: &mut Vec<usize>) {
        self.satisfied_by(judge, triples, positions);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn satisfied_avx2(&self, judge: Judge, triples: &[Triple], positions: &mut Vec<usize>) {
        self.satisfied_by(judge, triples, positions);
    }

    #[inline(always)]
    fn satisfied_by(&self, judge: Judge, triples: &[Triple], positions: &mut Vec<usize>) {
        match judge {
            Judge::Sum => self.largest(triples, positions, sum),
            Judge::Product => self.largest(triples, positions, product),
        }
    }

    #[inline(always)]
    fn largest(
        &self,
        triples: &[Triple],
        positions: &mut Vec<usize>,
        judge: impl Fn([f32; 3], f32) -> f32 + Copy,
    ) {
        for (position, triple) in triples.iter().enumerate() {
            let [a, b, c] = self.terms(triple).map(|term| term.as_chunks::<LANES>().0);
            let mut most = [f32::NEG_INFINITY; LANES];
            for ((a, b), c) in a.iter().zip(b).zip(c) {
                for (lane, most) in most.iter_mut().enumerate() {
                    let judged = judge([a[lane], b[lane], c[lane]], triple.factor);
                    *most = if judged > *most { judged } else { *most };
                }
            }
            let most = most.iter().fold(f32::NEG_INFINITY, |most, &lane| most.max(lane));
            if most >= triple.least {
                positions.push(position);
            }
        }
    }

    /// The places of the rows that may satisfy a triple.
    pub fn rows_of(&self, judge: Judge, triple: &Triple) -> impl Iterator<Item = usize> {
        let [a, b, c] = self.terms(triple);
        let Triple { least, factor, .. } = *triple;
        let judged = a.iter().zip(b).zip(c).map(move |((&a, &b), &c)| match judge {
            Judge::Sum => sum([a, b, c], factor),
            Judge::Product => product([a, b, c], factor),
        });
        judged.enumerate().filter(move |&(_, judged)| judged >= least).map(|(place, _)| place)
    }

    /// The products of the rows that are there, and of zeros to the end of the last group.
    #[inline(always)]
    fn terms(&self, triple: &Triple) -> [&[f32]; 3] {
        let rows = self.rows.groups.len() / self.rows.dim.max(1) * ROWS;
        triple.words.map(|word| {
            let start = word as usize * self.width;
            let of: Range<usize> = start..start + rows;
            &self.products[of]
        })
    }
}

/// The products of sixteen rows and eight words, in plain Rust.
fn scalar_products(rows: &[[f32; ROWS]], words: &[[f32; WORDS]]) -> [[f32; ROWS]; WORDS] {
    let mut products = [[0.0; ROWS]; WORDS];
    // The compiler keeps the sums of one word in registers, and not those of all.
    for (i, products) in products.iter_mut().enumerate() {
        for (row, word) in rows.iter().zip(words) {
            for (sum, &row) in products.iter_mut().zip(row) {
                *sum += row * word[i];
            }
        }
    }
    products
}

#[inline(always)]
fn sum([a, b, c]: [f32; 3], _: f32) -> f32 {
    b - a + c
}

#[inline(always)]
fn product([a, b, c]: [f32; 3], factor: f32) -> f32 {
    (1.0 + b) * (1.0 + c) - factor * (1.0 + a + Judge::EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::random::SplitMix64;
    use crate::vector::scalar;

    #[test]
    fn blocks_tell_every_row_that_plain_sums_find() {
        let mut random = SplitMix64(5);
        let mut draw = |count: usize, dim: usize| -> Vec<Vec<f32>> {
            let scale = 1e-3 / (dim as f32).sqrt();
            let mut value = |_| (random.index_below(2_001) as f32 - 1_000.0) * scale;
            (0..count).map(|_| (0..dim).map(&mut value).collect()).collect()
        };
        for (dim, word_count, row_count) in [(1, 3, 1), (7, 8, 16), (50, 21, 77), (101, 9, 96)] {
            let (words, rows) = (draw(word_count, dim), draw(row_count, dim));
            let packed = Words::new(dim, words.iter().cloned());
            let mut block = Block::new(&packed, 96);
            block.compare(&packed, rows.iter().cloned());
            let count = u32::try_from(word_count).unwrap();
            let triples: Vec<Triple> = (0..count)
                .map(|i| [i, (i + 1) % count, (i + 2) % count])
                .map(|words| Triple { words, least: 0.3, factor: 0.9 })
                .collect();
            let fast = block.products.clone();
            block.each(&packed, scalar_products);
            let far = |(x, y): (&f32, &f32)| (x - y).abs() > 1e-5;
            assert!(!fast.iter().zip(&block.products).any(far), "{dim} components");
            for judge in [Judge::Sum, Judge::Product] {
                let mut positions = Vec::new();
                block.satisfied(judge, &triples, &mut positions);
                for (i, triple) in triples.iter().enumerate() {
                    let judged = |row: &Vec<f32>| {
                        let [a, b, c] =
                            triple.words.map(|word| scalar::dot(row, &words[word as usize]));
                        match judge {
                            Judge::Sum => b - a + c,
                            Judge::Product => (1.0 + b) * (1.0 + c) - 0.9 * (1.0 + a + 2e-6),
                        }
                    };
                    let found: Vec<usize> = block.rows_of(judge, triple).collect();
                    for (place, row) in rows.iter().enumerate() {
                        let far = (judged(row) - 0.3).abs() > 1e-5;
                        let is_found = found.contains(&place);
                        assert!(!far || is_found == (judged(row) > 0.3), "{dim} {place}");
                    }
                    assert_eq!(positions.contains(&i), !found.is_empty(), "{dim} {i}");
                }
            }
        }
    }
}
