//! What layers of a neural network are made of: products of matrices in single precision, and the functions
//! between them.
//!
//! Rows of the right factor and of a product are whole lines of [`LANES`] floats; what a row has beyond its
//! columns is computed, and means nothing. A sum goes on from what stands in the product already, one fused
//! step for each term in order, so that a product made in parts, or by several threads row by row, has the
//! same bits as one made at once.
#![expect(clippy::inline_always, reason = "who inlines them has the processor's features")]

/// Floats of a line.
pub const LANES: usize = 16;

/// A line of floats.
pub type Line = [f32; LANES];

/// The left factor of a product, which lies in a slice: element (i, k) stands at `i * by_row + k * by_term`.
#[derive(Clone, Copy, Debug)]
pub struct Left<'a> {
    /// All of it.
    pub values: &'a [f32],
    /// Rows of it and of the product.
    pub rows: usize,
    /// From one row to the next.
    pub by_row: usize,
    /// From one term of a sum to the next.
    pub by_term: usize,
}

/// The kinds of processors that have loops of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// AVX-512 F.
    Avx512,
    /// AVX2 and FMA.
    Avx2,
    /// Plain Rust.
    Plain,
}

impl Kind {
    /// Those that this machine has, the best first.
    pub fn all() -> Vec<Self> {
        #[allow(unused_mut, reason = "only this processor family has others")]
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let has_fma = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if has_fma && is_x86_feature_detected!("avx512f") {
                all.push(Self::Avx512);
            }
            if has_fma {
                all.push(Self::Avx2);
            }
        }
        all.push(Self::Plain);
        all
    }

    /// The best that this machine has.
    pub fn here() -> Self {
        Self::all().first().copied().unwrap_or(Self::Plain)
    }
}

/// Lines that `columns` floats take.
pub const fn lines(columns: usize) -> usize {
    columns.div_ceil(LANES)
}

/// Calls a loop compiled for a kind of processor. It is plain Rust that the compiler makes vectors of.
macro_rules! compiled {
    ($kind:expr, $of:ident, $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)?) => {{
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx512f,avx2,fma")]
            fn wide($($arg: $type),*) $(-> $out)? {
                $of::$name($($arg),*)
            }
            #[target_feature(enable = "avx2,fma")]
            fn narrow($($arg: $type),*) $(-> $out)? {
                $of::$name($($arg),*)
            }
            match $kind {
                // SAFETY: only a machine that has it names it, as `Kind::all` sees to it.
                Kind::Avx512 => unsafe { wide($($arg),*) },
                // SAFETY: as above.
                Kind::Avx2 => unsafe { narrow($($arg),*) },
                Kind::Plain => $of::$name($($arg),*),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let _ = $kind;
            $of::$name($($arg),*)
        }
    }};
}

/// Adds the product of two factors to `product`. Term k of every sum has row k of the right factor, of
/// `width` lines; a row of the product has as many.
///
/// # Panics
///
/// If a factor or the product is too short.
pub fn add_product(kind: Kind, left: Left<'_>, right: &[Line], width: usize, product: &mut [Line]) {
    if width == 0 || left.rows == 0 {
        return;
    }
    let terms = right.len() / width;
    if terms == 0 {
        return;
    }
    assert!(product.len() >= left.rows * width, "a row of the product for each of the factor");
    let last = (left.rows - 1) * left.by_row + (terms - 1) * left.by_term;
    assert!(last < left.values.len(), "all of the left factor");
    // Some rows of the right factor at a time, which stay in the cache meanwhile.
    for (block, right) in right.chunks(TERMS * width).enumerate() {
        let from = block * TERMS * left.by_term;
        let left = Left { values: &left.values[from..], ..left };
        match kind {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: only a machine that has it names it, as `Kind::all` sees to it.
            Kind::Avx512 => unsafe { avx512::add(left, right, width, product) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Kind::Avx2 => unsafe { avx2::add(left, right, width, product) },
            _ => plain::add(left, right, width, product),
        }
    }
}

/// Terms of a sum that are added at once.
const TERMS: usize = 256;

/// Makes of each row of lines its powers of e, lane by lane down the rows: each lane is a case, each row a
/// choice. What comes out is e to the power of each less the most of its lane, whose sums and most are told.
pub fn exponentials(
    kind: Kind,
    rows: &mut [Line],
    width: usize,
    most: &mut [Line],
    sums: &mut [Line],
) {
    compiled!(kind, layers, exponentials(rows: &mut [Line], width: usize, most: &mut [Line], sums: &mut [Line]));
}

/// Multiplies each lane of all rows by its factor.
pub fn scale(kind: Kind, rows: &mut [Line], width: usize, factors: &[Line]) {
    compiled!(kind, layers, scale(rows: &mut [Line], width: usize, factors: &[Line]));
}

/// Hyperbolic tangents, to 2e-7.
pub fn tanh(kind: Kind, values: &mut [Line]) {
    compiled!(kind, layers, tanh(values: &mut [Line]));
}

/// A step of `AdaGrad` (Duchi, Hazan, Singer 2011): weights go against their gradients and toward 0, each by
/// its own rate, which falls with the squares of its gradients so far.
pub fn adagrad(
    kind: Kind,
    weights: &mut [f32],
    squares: &mut [f32],
    gradients: &[f32],
    rate: Rate,
) {
    compiled!(kind, layers, adagrad(weights: &mut [f32], squares: &mut [f32], gradients: &[f32], rate: Rate));
}

/// How far weights go.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// In all.
    pub rate: f32,
    /// The share of a weight that is added to its gradient.
    pub decay: f32,
}

mod layers {
    use super::{LANES, Line, Rate};

    /// e to the power of x, to 2e-7 of it; from -87 to 88, beyond as there.
    #[inline(always)]
    fn exp(x: f32) -> f32 {
        /// Adding it leaves no place for digits behind the point.
        const ROUND: f32 = 12_582_912.0;
        let power = x.clamp(-87.0, 88.0) * std::f32::consts::LOG2_E;
        let whole = (power + ROUND) - ROUND;
        let r = power - whole;
        let high = 9.618_13e-3 + r * (1.333_355_8e-3 + r * 1.540_353e-4);
        let near =
            1.0 + r * (std::f32::consts::LN_2 + r * (0.240_226_5 + r * (5.550_411e-2 + r * high)));
        #[expect(clippy::cast_possible_truncation, reason = "from -126 to 127")]
        let exponent = whole as i32;
        f32::from_bits(((exponent + 127) << 23).cast_unsigned()) * near
    }

    #[inline(always)]
    pub(super) fn exponentials(
        rows: &mut [Line],
        width: usize,
        most: &mut [Line],
        sums: &mut [Line],
    ) {
        most.fill([f32::NEG_INFINITY; LANES]);
        for row in rows.chunks_exact(width) {
            for (most, line) in most.iter_mut().zip(row) {
                for lane in 0..LANES {
                    most[lane] = if line[lane] > most[lane] { line[lane] } else { most[lane] };
                }
            }
        }
        sums.fill([0.0; LANES]);
        for row in rows.chunks_exact_mut(width) {
            for ((line, most), sums) in row.iter_mut().zip(&*most).zip(&mut *sums) {
                for lane in 0..LANES {
                    line[lane] = exp(line[lane] - most[lane]);
                    sums[lane] += line[lane];
                }
            }
        }
    }

    #[inline(always)]
    pub(super) fn scale(rows: &mut [Line], width: usize, factors: &[Line]) {
        for row in rows.chunks_exact_mut(width) {
            for (line, factors) in row.iter_mut().zip(factors) {
                for lane in 0..LANES {
                    line[lane] *= factors[lane];
                }
            }
        }
    }

    #[inline(always)]
    pub(super) fn tanh(values: &mut [Line]) {
        for line in values {
            for value in line {
                let power = exp(value.clamp(-20.0, 20.0) * 2.0);
                *value = 1.0 - 2.0 / (power + 1.0);
            }
        }
    }

    #[inline(always)]
    pub(super) fn adagrad(weights: &mut [f32], squares: &mut [f32], gradients: &[f32], rate: Rate) {
        for ((weight, square), &gradient) in weights.iter_mut().zip(squares).zip(gradients) {
            let gradient = gradient + rate.decay * *weight;
            *square += gradient * gradient;
            *weight -= rate.rate * gradient / square.sqrt();
        }
    }
}

/// A product tile by tile: `$rows` rows of `$lines` lines, whose sums stay in registers.
macro_rules! tiles {
    ($add:ident, $tile:ident, $rows:literal, $lines:literal $(, $features:literal)?) => {
        $(#[target_feature(enable = $features)])?
        pub(super) fn $add(left: Left<'_>, right: &[Line], width: usize, product: &mut [Line]) {
            let mut column = 0;
            while column < width {
                let wide = width - column >= $lines;
                for first in (0..left.rows).step_by($rows) {
                    let at = (first, column);
                    if wide {
                        $tile::<$lines>(left, right, width, product, at);
                    } else {
                        $tile::<1>(left, right, width, product, at);
                    }
                }
                column += if wide { $lines } else { 1 };
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_storeu_ps};

    use super::{Left, Line};

    /// Rows of a tile.
    const ROWS: usize = 12;

    tiles!(add, tile, 12, 2, "avx512f,avx2,fma");

    #[target_feature(enable = "avx512f,avx2,fma")]
    #[inline]
    fn tile<const W: usize>(
        left: Left<'_>,
        right: &[Line],
        width: usize,
        product: &mut [Line],
        (first, column): (usize, usize),
    ) {
        let count = (left.rows - first).min(ROWS);
        // Rows that are not there are the last one, and go nowhere.
        let row = |i: usize| first + i.min(count - 1);
        let from: [usize; ROWS] = std::array::from_fn(|i| row(i) * left.by_row);
        let mut sums: [[_; W]; ROWS] = std::array::from_fn(|i| {
            let lines = &product[row(i) * width + column..][..W];
            // SAFETY: a line has sixteen floats; the instruction needs no alignment.
            std::array::from_fn(|w| unsafe { _mm512_loadu_ps(lines[w].as_ptr()) })
        });
        let mut at = 0;
        for row in right.chunks_exact(width) {
            let lines = &row[column..][..W];
            // SAFETY: as above.
            let lines: [_; W] =
                std::array::from_fn(|w| unsafe { _mm512_loadu_ps(lines[w].as_ptr()) });
            for (sums, from) in sums.iter_mut().zip(from) {
                debug_assert!(from + at < left.values.len(), "all of the left factor");
                // SAFETY: `add_product` has seen that the last one is there.
                let value = _mm512_set1_ps(unsafe { *left.values.get_unchecked(from + at) });
                for (sum, line) in sums.iter_mut().zip(lines) {
                    *sum = _mm512_fmadd_ps(value, line, *sum);
                }
            }
            at += left.by_term;
        }
        for (i, sums) in sums.iter().enumerate().take(count) {
            let lines = &mut product[row(i) * width + column..][..W];
            for (line, sum) in lines.iter_mut().zip(sums) {
                // SAFETY: a line has room for sixteen floats.
                unsafe { _mm512_storeu_ps(line.as_mut_ptr(), *sum) };
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_storeu_ps,
    };

    use super::{LANES, Left, Line};

    /// Rows of a tile.
    const ROWS: usize = 6;

    tiles!(add, tile, 6, 1, "avx2,fma");

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn tile<const W: usize>(
        left: Left<'_>,
        right: &[Line],
        width: usize,
        product: &mut [Line],
        (first, column): (usize, usize),
    ) {
        let count = (left.rows - first).min(ROWS);
        let row = |i: usize| first + i.min(count - 1);
        let from: [usize; ROWS] = std::array::from_fn(|i| row(i) * left.by_row);
        let mut sums: [[__m256; 2]; ROWS] =
            std::array::from_fn(|i| halves(&product[row(i) * width + column]));
        let mut at = 0;
        for row in right.chunks_exact(width) {
            let line = halves(&row[column]);
            for (sums, from) in sums.iter_mut().zip(from) {
                debug_assert!(from + at < left.values.len(), "all of the left factor");
                // SAFETY: `add_product` has seen that the last one is there.
                let value = _mm256_set1_ps(unsafe { *left.values.get_unchecked(from + at) });
                for (sum, half) in sums.iter_mut().zip(line) {
                    *sum = _mm256_fmadd_ps(value, half, *sum);
                }
            }
            at += left.by_term;
        }
        for (i, sums) in sums.iter().enumerate().take(count) {
            let line = &mut product[row(i) * width + column];
            for (half, sum) in line.as_chunks_mut::<{ LANES / 2 }>().0.iter_mut().zip(sums) {
                // SAFETY: half a line has room for eight floats.
                unsafe { _mm256_storeu_ps(half.as_mut_ptr(), *sum) };
            }
        }
    }

    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn halves(line: &Line) -> [__m256; 2] {
        let (low, high) = line.split_at(LANES / 2);
        // SAFETY: half a line has eight floats; the instruction needs no alignment.
        let low = unsafe { _mm256_loadu_ps(low.as_ptr()) };
        // SAFETY: as above.
        [low, unsafe { _mm256_loadu_ps(high.as_ptr()) }]
    }
}

mod plain {
    use super::{Left, Line};

    tiles!(add, tile, 1, 1);

    #[inline]
    fn tile<const W: usize>(
        left: Left<'_>,
        right: &[Line],
        width: usize,
        product: &mut [Line],
        (row, column): (usize, usize),
    ) {
        let mut sum = product[row * width + column];
        let mut at = row * left.by_row;
        for line in right.chunks_exact(width) {
            let value = left.values[at];
            for (sum, &other) in sum.iter_mut().zip(&line[column]) {
                *sum += value * other;
            }
            at += left.by_term;
        }
        product[row * width + column] = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::random::SplitMix64;

    fn draw(random: &mut SplitMix64, count: usize) -> Vec<f32> {
        (0..count).map(|_| random.index_below(2_001) as f32 / 1_000.0 - 1.0).collect()
    }

    #[test]
    fn products_are_those_of_plain_sums_for_every_kind_and_the_same_bits_in_parts() {
        let mut random = SplitMix64(7);
        for (rows, terms, width) in [(1, 1, 1), (13, 5, 2), (25, 300, 3), (12, 17, 5)] {
            let values = draw(&mut random, rows * terms);
            let right: Vec<Line> = draw(&mut random, terms * width * LANES).as_chunks().0.to_vec();
            let start: Vec<Line> = draw(&mut random, rows * width * LANES).as_chunks().0.to_vec();
            for turned in [false, true] {
                let (by_row, by_term) = if turned { (1, rows) } else { (terms, 1) };
                let left = Left { values: &values, rows, by_row, by_term };
                for kind in Kind::all() {
                    let mut product = start.clone();
                    add_product(kind, left, &right, width, &mut product);
                    for row in 0..rows {
                        for column in 0..width * LANES {
                            let term = |k: usize| {
                                f64::from(values[row * by_row + k * by_term])
                                    * f64::from(right.as_flattened()[k * width * LANES + column])
                            };
                            let at = row * width * LANES + column;
                            let expected = f64::from(start.as_flattened()[at])
                                + (0..terms).map(term).sum::<f64>();
                            let got = f64::from(product.as_flattened()[at]);
                            assert!((got - expected).abs() < 1e-4, "{kind:?}: {got} {expected}");
                        }
                    }
                    let (mut parts, half) = (start.clone(), terms / 2);
                    add_product(kind, left, &right[..half * width], width, &mut parts);
                    let rest = Left { values: &values[half * by_term..], ..left };
                    add_product(kind, rest, &right[half * width..], width, &mut parts);
                    assert_eq!(parts, product, "{kind:?}");
                }
            }
        }
    }

    #[test]
    fn functions_of_layers_are_those_of_double_precision() {
        let values: Vec<f32> = (0..640).map(|at| (at as f32 - 320.0) / 16.0).collect();
        let lines: Vec<Line> = values.as_chunks().0.to_vec();
        for kind in Kind::all() {
            let mut tanhs = lines.clone();
            tanh(kind, &mut tanhs);
            for (value, tanh) in values.iter().zip(tanhs.as_flattened()) {
                assert!((f64::from(*value).tanh() - f64::from(*tanh)).abs() < 3e-7, "{value}");
            }
            let (width, rows) = (2, lines.len() / 2);
            let (mut most, mut sums) = (vec![[0.0; LANES]; width], vec![[9.0; LANES]; width]);
            let mut powers = lines.clone();
            exponentials(kind, &mut powers, width, &mut most, &mut sums);
            for lane in 0..width * LANES {
                let at = |row: usize| f64::from(values[row * width * LANES + lane]);
                let top = (0..rows).map(at).fold(f64::MIN, f64::max);
                assert!((f64::from(most.as_flattened()[lane]) - top).abs() < 1e-9);
                let sum: f64 = (0..rows).map(|row| (at(row) - top).exp()).sum();
                assert!((f64::from(sums.as_flattened()[lane]) / sum - 1.0).abs() < 1e-6);
            }
            let (mut weights, mut squares) = (vec![1.0; 21], vec![1e-8; 21]);
            adagrad(kind, &mut weights, &mut squares, &[2.0; 21], Rate { rate: 0.5, decay: 0.25 });
            assert!(weights.iter().all(|weight| (weight - 0.5_f32).abs() < 1e-6), "{weights:?}");
        }
    }
}
