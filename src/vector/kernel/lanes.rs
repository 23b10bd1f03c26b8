//! Loops over floats that lie side by side. The compiler makes of plain Rust what the processor has; since
//! no operation is fused or taken in another order, results are the same to the last bit on every machine.
#![expect(clippy::inline_always, reason = "who inlines them has the processor's features")]

use crate::vector::kernel::nibbles::{ENTRIES, ENTRY_MAX, Entries};
use crate::vector::scalar;

/// One value for each of the 16 codes of a subspace.
pub type Values = [f32; ENTRIES];

/// Gives a plain function the forms of processors with AVX-512 and with AVX2.
macro_rules! widened {
    ($(#[$doc:meta])* $name:ident = $plain:ident($($argument:ident: $type:ty),*) $(-> $out:ty)?) => {
        $(#[$doc])*
        #[allow(
            clippy::too_many_arguments,
            reason = "the numbers of a kernel are slices side by side, not a struct to be filled for each call"
        )]
        pub fn $name($($argument: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
                fn by_512($($argument: $type),*) $(-> $out)? {
                    $plain($($argument),*)
                }
                #[target_feature(enable = "avx2")]
                fn by_256($($argument: $type),*) $(-> $out)? {
                    $plain($($argument),*)
                }
                if super::has_wide_floats() {
                    // SAFETY: the processor has what the function asks for.
                    return unsafe { by_512($($argument),*) };
                }
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has AVX2, which is all that the function asks for.
                    return unsafe { by_256($($argument),*) };
                }
            }
            $plain($($argument),*)
        }
    };
}

widened! {
    /// Turns a vector: `columns` has, for each of its components, what that adds to each turned one.
    turn = plain_turn(columns: &[f32], vector: &[f32], turned: &mut [f32])
}

#[inline(always)]
fn plain_turn(columns: &[f32], vector: &[f32], turned: &mut [f32]) {
    let dim = turned.len();
    // Sums of so many components stay in registers over the whole vector.
    let rest = turn_some::<96>(columns, vector, (turned, dim));
    let rest = turn_some::<32>(columns, vector, (rest, dim));
    let rest = turn_some::<16>(columns, vector, (rest, dim));
    let rest = turn_some::<4>(columns, vector, (rest, dim));
    turn_some::<1>(columns, vector, (rest, dim));
}

/// Turns the last components of `dim`, as many as go in steps of `N`; those that are left.
#[inline(always)]
fn turn_some<'t, const N: usize>(
    columns: &[f32],
    vector: &[f32],
    (turned, dim): (&'t mut [f32], usize),
) -> &'t mut [f32] {
    let first = dim - turned.len();
    let (some, rest) = turned.as_chunks_mut::<N>();
    for (first, turned) in (first..).step_by(N).zip(some) {
        let mut sums = [0.0; N];
        for (column, &value) in columns.chunks_exact(dim).zip(vector) {
            let Some(column) = column[first..].first_chunk::<N>() else { continue };
            for (sum, &axis) in sums.iter_mut().zip(column) {
                *sum += value * axis;
            }
        }
        *turned = sums;
    }
    rest
}

/// Axes that make a subspace: the first, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subspace {
    /// The first axis.
    pub first: usize,
    /// How many; none in a subspace that is there to fill up.
    pub count: usize,
}

/// What tables of entries stand for: a sum of entries, divided by `scale`, and `least` together are the
/// dot product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Entries a unit.
    pub scale: f32,
    /// The sum of the least values of all subspaces.
    pub least: f32,
}

widened! {
    /// The tables of a query for codes whose centers are `books`: for each axis the 16 centers'
    /// components. `values` is room for one [`Values`] a subspace.
    tables = plain_tables(
        books: &[Values],
        subspaces: &[Subspace],
        query: &[f32],
        values: &mut Vec<Values>,
        tables: &mut Vec<Entries>
    ) -> Scale
}

#[inline(always)]
fn plain_tables(
    books: &[Values],
    subspaces: &[Subspace],
    query: &[f32],
    values: &mut Vec<Values>,
    tables: &mut Vec<Entries>,
) -> Scale {
    values.clear();
    let (mut least, mut range) = (0.0, 0.0_f32);
    for subspace in subspaces {
        let axes = subspace.first..subspace.first + subspace.count;
        let mut sums = [0.0; ENTRIES];
        for (centers, &value) in books[axes.clone()].iter().zip(&query[axes]) {
            for (sum, &center) in sums.iter_mut().zip(centers) {
                *sum += value * center;
            }
        }
        let low = folded(sums, |a, b| if a < b { a } else { b });
        let high = folded(sums, |a, b| if a > b { a } else { b });
        for sum in &mut sums {
            *sum -= low;
        }
        least += low;
        range = range.max(high - low);
        values.push(sums);
    }
    let scale = f32::from(ENTRY_MAX) / range.max(f32::MIN_POSITIVE);
    let scale = scale.min(SCALE_MAX);
    tables.clear();
    tables.extend(values.iter().map(|values| {
        let mut entries = [0; ENTRIES];
        for (entry, value) in entries.iter_mut().zip(values) {
            // Adding 2^23 leaves the nearest integer in the lowest bits.
            *entry = (value * scale + 8_388_608.0).to_bits().to_le_bytes()[0];
        }
        entries
    }));
    Scale { scale, least }
}

/// Sums of tables stay far below 2^31, whatever is added to them.
const SCALE_MAX: f32 = 1e6;

/// All lanes made one, half by half.
#[inline(always)]
fn folded<T: Copy>(lanes: [T; ENTRIES], join: impl Fn(T, T) -> T) -> T {
    let eight: [T; 8] = std::array::from_fn(|lane| join(lanes[lane], lanes[lane + 8]));
    let four: [T; 4] = std::array::from_fn(|lane| join(eight[lane], eight[lane + 4]));
    join(join(four[0], four[2]), join(four[1], four[3]))
}

/// The place of the least of values that are not negative; of those that differ by a millionth part, one.
#[inline(always)]
fn least(values: &Values) -> usize {
    // Floats that are not negative order as their bits do; the lowest four bits tell the place.
    let mut keys = [0_u32; ENTRIES];
    for ((key, value), place) in keys.iter_mut().zip(values).zip(0..) {
        *key = value.to_bits() & !15 | place;
    }
    (folded(keys, u32::min) & 15) as usize
}

/// What the choice of codes is made from, kept for the next row.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    errors: Vec<Values>,
    along: Vec<Values>,
}

widened! {
    /// The codes of a residual: those of the least squared error, to which the square of its part along
    /// `direction` is added `weight` times (anisotropic loss: Guo et al. 2020). By coordinate descent.
    encode = plain_encode(
        books: &[Values],
        subspaces: &[Subspace],
        residual: &[f32],
        direction: &[f32],
        weight: f32,
        choice: &mut Choice,
        codes: &mut [u8]
    )
}

/// Rounds of the descent.
const ROUNDS: usize = 2;

#[allow(clippy::too_many_arguments, reason = "as the forms that `widened` gives it")]
#[inline(always)]
fn plain_encode(
    books: &[Values],
    subspaces: &[Subspace],
    residual: &[f32],
    direction: &[f32],
    weight: f32,
    choice: &mut Choice,
    codes: &mut [u8],
) {
    let Choice { errors, along } = choice;
    errors.clear();
    along.clear();
    let mut together = 0.0;
    for (subspace, code) in subspaces.iter().zip(codes.iter_mut()) {
        let axes = subspace.first..subspace.first + subspace.count;
        let (mut error, mut part) = ([0.0; ENTRIES], [0.0; ENTRIES]);
        let values = residual[axes.clone()].iter().zip(&direction[axes.clone()]);
        for (centers, (&value, &toward)) in books[axes].iter().zip(values) {
            for ((error, part), &center) in error.iter_mut().zip(&mut part).zip(centers) {
                let missed = value - center;
                *error += missed * missed;
                *part += missed * toward;
            }
        }
        let chosen = least(&error);
        together += part[chosen];
        *code = chosen.to_le_bytes()[0];
        errors.push(error);
        along.push(part);
    }
    for _ in 0..ROUNDS {
        let mut is_changed = false;
        for ((error, part), code) in errors.iter().zip(along.iter()).zip(codes.iter_mut()) {
            let before = usize::from(*code & 15);
            let rest = together - part[before];
            let mut costs = [0.0; ENTRIES];
            for ((cost, &error), &part) in costs.iter_mut().zip(error).zip(part) {
                let whole = rest + part;
                *cost = error + weight * (whole * whole);
            }
            let chosen = least(&costs);
            is_changed |= chosen != before;
            together = rest + part[chosen];
            *code = chosen.to_le_bytes()[0];
        }
        if !is_changed {
            break;
        }
    }
}

/// The places of values from `low` on and below `high`, in order; a multiple of 16 of them is looked at.
pub fn places_between(values: &[f32], low: f32, high: f32, places: &mut Vec<u32>) {
    places.clear();
    #[cfg(target_arch = "x86_64")]
    if super::has_vnni() {
        // SAFETY: the processor has what the kernel asks for.
        return unsafe { super::avx512::places_between(values, low, high, places) };
    }
    plain_places_between(values, low, high, places);
}

fn plain_places_between(values: &[f32], low: f32, high: f32, places: &mut Vec<u32>) {
    for (values, first) in values.as_chunks::<ENTRIES>().0.iter().zip((0..).step_by(ENTRIES)) {
        let mut bits = 0_u16;
        for (&value, lane) in values.iter().zip(0..) {
            bits |= u16::from(value >= low && value < high) << lane;
        }
        while bits != 0 {
            places.push(first + bits.trailing_zeros());
            bits &= bits - 1;
        }
    }
}

/// What bounds a row's similarity to a query by the row's head, whose last four bytes are the upper halves of
/// two floats: the row's scale, and the length of its tail.
#[derive(Clone, Copy, Debug)]
pub struct HeadNumbers {
    /// What the dot products are too high by.
    pub offset: i32,
    /// Similarity that one unit of a dot product stands for, for each unit of a row's scale.
    pub scale: f32,
    /// By how much that may be too low, for each unit of a row's scale; and by how much anyway.
    pub error: f32,
    /// See `error`.
    pub slack: f32,
    /// The most similarity that each unit of a tail's length adds.
    pub tail: f32,
}

widened! {
    /// For each of some heads, given the dot product and the last four bytes: the most that the head adds to
    /// the similarity, and the most that head and tail do.
    head_bounds = plain_head_bounds(
        dots: &[i32],
        ends: &[u32],
        numbers: &HeadNumbers,
        known: &mut [f32],
        at_most: &mut [f32]
    )
}

#[inline(always)]
fn plain_head_bounds(
    dots: &[i32],
    ends: &[u32],
    numbers: &HeadNumbers,
    known: &mut [f32],
    at_most: &mut [f32],
) {
    let &HeadNumbers { offset, scale, error, slack, tail } = numbers;
    let bounds = known.iter_mut().zip(at_most);
    for ((&end, &dot), (known, at_most)) in ends.iter().zip(dots).zip(bounds) {
        let estimate = (dot - offset) as f32 * scale;
        *known = f32::from_bits(end << 16) * (estimate + error) + slack;
        *at_most = *known + f32::from_bits(end & 0xffff_0000) * tail;
    }
}

/// [`scalar::cosine_of`], to the last bit.
pub fn cosine_of(vector: &[f32], other: &[f32], norm_other: f64) -> f64 {
    let (own, dot) = products(vector, other);
    let norms = own.sqrt() * norm_other;
    if norms > 0.0 { (dot / norms).clamp(-1.0, 1.0) } else { 0.0 }
}

/// [`scalar::norm`], to the last bit.
pub fn norm(vector: &[f32]) -> f64 {
    square(vector).sqrt()
}

widened! {
    /// The dot product of a vector with itself, as [`scalar::dot`] has it.
    square = plain_square(vector: &[f32]) -> f64
}

#[inline(always)]
fn plain_square(vector: &[f32]) -> f64 {
    scalar::dot_inlined(vector, vector)
}

widened! {
    /// The dot product of a vector with itself and with another one, as [`scalar::dot`] has them.
    products = plain_products(vector: &[f32], other: &[f32]) -> (f64, f64)
}

#[inline(always)]
fn plain_products(vector: &[f32], other: &[f32]) -> (f64, f64) {
    (scalar::dot_inlined(vector, vector), scalar::dot_inlined(vector, other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::random::SplitMix64;

    fn draws(seed: u64) -> impl FnMut() -> f32 {
        let mut random = SplitMix64(seed);
        move || random.below(2_001) as f32 / 1_000.0 - 1.0
    }

    fn subspaces(count: usize, size: usize) -> Vec<Subspace> {
        (0..count).map(|i| Subspace { first: i * size, count: size }).collect()
    }

    #[test]
    fn every_form_gives_the_same_bits() {
        let mut draw = draws(3);
        for (count, size) in [(8, 0), (8, 1), (48, 2), (32, 5)] {
            let dim = count * size;
            let mut floats = |count: usize| -> Vec<f32> { (0..count).map(|_| draw()).collect() };
            let (columns, vector, direction) = (floats(dim * dim), floats(dim), floats(dim));
            let (mut turned, mut again) = (vec![0.0; dim], vec![1.0; dim]);
            turn(&columns, &vector, &mut turned);
            plain_turn(&columns, &vector, &mut again);
            assert!(turned.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()));
            let books: Vec<Values> =
                (0..dim).map(|_| std::array::from_fn(|i| floats(16)[i])).collect();
            let subspaces = subspaces(count, size);
            let (mut choice, mut codes, mut other) =
                (Choice::default(), vec![0; count], vec![0; count]);
            encode(&books, &subspaces, &vector, &direction, 1.0, &mut choice, &mut codes);
            plain_encode(&books, &subspaces, &vector, &direction, 1.0, &mut choice, &mut other);
            assert_eq!(codes, other);
            let dots: Vec<i32> = (0..37).map(|i| 300 * i - 5_000).collect();
            let ends: Vec<u32> = (0..37).map(|i| 0x3e01_3c05 + 0x11_0007 * i).collect();
            let numbers =
                HeadNumbers { offset: 70, scale: 0.01, error: 0.2, slack: 1e-3, tail: 0.3 };
            let (mut known, mut most) = ([0.0; 37], [0.0; 37]);
            let (mut same_known, mut same_most) = ([1.0; 37], [1.0; 37]);
            head_bounds(&dots, &ends, &numbers, &mut known, &mut most);
            plain_head_bounds(&dots, &ends, &numbers, &mut same_known, &mut same_most);
            assert_eq!((known, most), (same_known, same_most));
            let (mut values, mut entries, mut same) = (Vec::new(), Vec::new(), Vec::new());
            let scale = tables(&books, &subspaces, &vector, &mut values, &mut entries);
            let plain = plain_tables(&books, &subspaces, &vector, &mut values, &mut same);
            assert_eq!((scale, &entries), (plain, &same));
            let sum: i32 =
                entries.iter().zip(&codes).map(|(e, &c)| i32::from(e[usize::from(c)])).sum();
            let dot: f32 = subspaces
                .iter()
                .zip(&codes)
                .flat_map(|(s, &code)| {
                    (s.first..s.first + s.count).map(move |axis| (axis, usize::from(code)))
                })
                .map(|(axis, code)| vector[axis] * books[axis][code])
                .sum();
            let told = sum as f32 / scale.scale + scale.least;
            assert!((told - dot).abs() <= count as f32 / scale.scale, "{told} {dot}");
        }
    }

    #[test]
    fn codes_of_the_least_error_are_chosen() {
        let mut draw = draws(9);
        let subspaces = subspaces(8, 2);
        let books: Vec<Values> = (0..16).map(|_| std::array::from_fn(|_| draw())).collect();
        let residual: Vec<f32> = (0..16).map(|_| draw()).collect();
        let (mut choice, mut codes) = (Choice::default(), vec![0; 8]);
        encode(&books, &subspaces, &residual, &residual, 0.0, &mut choice, &mut codes);
        for (subspace, &code) in subspaces.iter().zip(&codes) {
            let error = |code: usize| -> f32 {
                let axes = subspace.first..subspace.first + subspace.count;
                axes.map(|axis| (residual[axis] - books[axis][code]).powi(2)).sum()
            };
            let least = (0..16).map(error).fold(f32::INFINITY, f32::min);
            assert!(error(code.into()) <= least * 1.001);
        }
        let whole = |codes: &[u8]| -> f32 {
            let axes = subspaces.iter().zip(codes).flat_map(|(s, &code)| {
                (s.first..s.first + s.count).map(move |axis| (axis, usize::from(code)))
            });
            let missed: Vec<(f32, f32)> = axes
                .map(|(axis, code)| (residual[axis] - books[axis][code], residual[axis]))
                .collect();
            let along: f32 = missed.iter().map(|(missed, toward)| missed * toward).sum();
            missed.iter().map(|(missed, _)| missed * missed).sum::<f32>() + 4.0 * along * along
        };
        let mut turned = codes.clone();
        encode(&books, &subspaces, &residual, &residual, 4.0, &mut choice, &mut turned);
        assert!(whole(&turned) <= whole(&codes), "the descent goes down");
    }

    #[test]
    fn places_and_products_are_those_of_plain_loops() {
        let mut draw = draws(4);
        let values: Vec<f32> = (0..160).map(|_| draw()).collect();
        let (mut places, mut plain) = (Vec::new(), Vec::new());
        for (low, high) in [(0.2, 0.5), (-2.0, 2.0), (0.0, f32::INFINITY), (0.5, 0.2)] {
            places_between(&values, low, high, &mut places);
            plain.clear();
            plain_places_between(&values, low, high, &mut plain);
            assert_eq!(places, plain);
            let is_between = |value: &f32| (low..high).contains(value);
            assert_eq!(places.len(), values.iter().filter(|value| is_between(value)).count());
        }
        for count in [0, 1, 7, 8, 100] {
            let (a, b) = (&values[..count], &values[40..40 + count]);
            let (own, other) = products(a, b);
            assert_eq!(own.to_bits(), scalar::dot(a, a).to_bits());
            assert_eq!(other.to_bits(), scalar::dot(a, b).to_bits());
        }
    }
}
