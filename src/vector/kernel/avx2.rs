//! Kernels for processors with AVX2 and nothing newer.

use std::arch::x86_64::{
    __m256, __m256i, _MM_HINT_T0, _mm_add_epi32, _mm_cvtsi128_si32, _mm_loadu_si128, _mm_prefetch,
    _mm_shuffle_epi32, _mm256_add_epi8, _mm256_add_epi16, _mm256_add_epi32, _mm256_add_ps,
    _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_castsi256_si128, _mm256_cmpgt_epi16,
    _mm256_cvtepi32_ps, _mm256_extracti128_si256, _mm256_fmadd_ps, _mm256_loadu_ps,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_min_ps,
    _mm256_movemask_epi8, _mm256_movemask_ps, _mm256_mul_ps, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_storeu_ps, _mm256_storeu_si256, _mm256_sub_ps,
};

use crate::vector::kernel::Lines;
use crate::vector::kernel::blocks::{self, Best, Group, Query, bits_above, keep_best};
use crate::vector::kernel::nibbles::{BLOCK, Entries, Hits, Run};

use crate::vector::kernel::products::{ROWS, WORDS};
use crate::vector::kernel::tile::{self, GROUP, Hits as TileHits, QUERIES, Reach, Tile, TileQuery};
use crate::vector::scalar;

/// Bytes of a register.
const BYTES: usize = 32;
/// 32-bit lanes of a register.
const LANES: usize = 8;

/// Dot product of unsigned bytes with as many signed ones from -63 to 63: two products of them fit in
/// 16 bits.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn dot_u8(a: &[u8], b: &[i8]) -> i32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<BYTES>(), b.as_chunks::<BYTES>());
    // Two sums, so that one addition need not wait for the other.
    let mut sums = [_mm256_setzero_si256(); 2];
    let ((a_pairs, a_last), (b_pairs, b_last)) = (a.as_chunks::<2>(), b.as_chunks::<2>());
    for (a, b) in a_pairs.iter().zip(b_pairs) {
        sums[0] = _mm256_add_epi32(sums[0], products(&a[0], &b[0]));
        sums[1] = _mm256_add_epi32(sums[1], products(&a[1], &b[1]));
    }
    for (a, b) in a_last.iter().zip(b_last) {
        sums[0] = _mm256_add_epi32(sums[0], products(a, b));
    }
    sum(_mm256_add_epi32(sums[0], sums[1])) + scalar::dot_u8(a_rest, b_rest)
}

/// The dot product of a query with each of some rows that lie one behind the other.
#[target_feature(enable = "avx2")]
pub(super) fn dots_u8(rows: &[u8], query: &[i8], dots: &mut [i32]) {
    for (dot, row) in dots.iter_mut().zip(rows.chunks_exact(query.len())) {
        *dot = dot_u8(row, query);
    }
}

/// `dots_u8_at`.
#[target_feature(enable = "avx2")]
pub(super) fn dots_u8_at(parts: &[Lines<'_>; 2], rows: &[u32], dots: &mut [i32]) {
    for (dot, &row) in dots.iter_mut().zip(rows) {
        // To add up a register's lanes takes long: both parts share one.
        let (mut sums, mut rest) = ([_mm256_setzero_si256(); 2], 0);
        for part in parts {
            let (a, a_rest) = part.of(row).as_chunks::<BYTES>();
            let (b, b_rest) = part.query.as_chunks::<BYTES>();
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                sums[i % 2] = _mm256_add_epi32(sums[i % 2], products(a, b));
            }
            rest += scalar::dot_u8(a_rest, b_rest);
        }
        *dot = sum(_mm256_add_epi32(sums[0], sums[1])) + rest;
    }
}

/// The products of 32 pairs, added four by four.
#[target_feature(enable = "avx2")]
#[inline]
fn products(a: &[u8; BYTES], b: &[i8; BYTES]) -> __m256i {
    // SAFETY: the array has the bytes that are read; the instruction needs no alignment.
    let a = unsafe { _mm256_loadu_si256(a.as_ptr().cast()) };
    // SAFETY: as above.
    let b = unsafe { _mm256_loadu_si256(b.as_ptr().cast()) };
    _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1))
}

#[target_feature(enable = "avx2")]
#[inline]
fn sum(eight: __m256i) -> i32 {
    let (low, high) = (_mm256_castsi256_si128(eight), _mm256_extracti128_si256::<1>(eight));
    let four = _mm_add_epi32(low, high);
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b00_00_11_10>(four));
    let one = _mm_add_epi32(two, _mm_shuffle_epi32::<0b00_00_00_01>(two));
    _mm_cvtsi128_si32(one)
}

/// `Tile::hits`.
#[target_feature(enable = "avx2")]
pub(super) fn hits(tile: &Tile, queries: &[TileQuery<'_>], hits: &mut Vec<TileHits>) {
    let thresholds = tile.limits.thresholds.as_chunks().0;
    tile::collect(queries, hits, |six| {
        let mut asked = [Query { groups: &[], start: 0 }; QUERIES];
        for (asked, query) in asked.iter_mut().zip(six) {
            *asked = query.query();
        }
        let mut bits = [0; QUERIES];
        for ((bits, query), dots) in bits.iter_mut().zip(six).zip(&halved(tile.groups(), &asked)) {
            let (factor, offset) = query.line(&tile.limits);
            for (i, (dots, thresholds)) in dots.as_chunks().0.iter().zip(thresholds).enumerate() {
                let product = _mm256_mul_ps(floats(dots), _mm256_set1_ps(factor));
                let at_most = _mm256_add_ps(product, _mm256_set1_ps(offset));
                let limit = _mm256_min_ps(load(thresholds), _mm256_set1_ps(query.threshold));
                *bits |= not_negative(_mm256_sub_ps(at_most, limit)) << (i * LANES);
            }
        }
        bits
    });
}

/// `tile::reached`.
#[target_feature(enable = "avx2")]
pub(super) fn reached(
    block: &[Group],
    inverses: &[f32; blocks::ROWS],
    queries: &[Reach<'_>],
    hits: &mut Vec<TileHits>,
) {
    let inverses = inverses.as_chunks().0;
    tile::collect(queries, hits, |six| {
        let mut asked = [Query { groups: &[], start: 0 }; QUERIES];
        for (asked, query) in asked.iter_mut().zip(six) {
            *asked = query.query();
        }
        let mut bits = [0; QUERIES];
        for ((bits, query), dots) in bits.iter_mut().zip(six).zip(&halved(block, &asked)) {
            let factor = _mm256_set1_ps(query.factor);
            for (i, (dots, inverses)) in dots.as_chunks().0.iter().zip(inverses).enumerate() {
                let over = _mm256_sub_ps(floats(dots), _mm256_mul_ps(factor, load(inverses)));
                *bits |= not_negative(over) << (i * LANES);
            }
        }
        bits
    });
}

/// One bit for each value, unless it is negative.
#[target_feature(enable = "avx2")]
#[inline]
fn not_negative(values: __m256) -> u64 {
    u64::from(!_mm256_movemask_ps(values).cast_unsigned() & 0xff)
}

#[target_feature(enable = "avx2")]
#[inline]
fn floats(values: &[i32; LANES]) -> __m256 {
    // SAFETY: the array has the integers that are read; the instruction needs no alignment.
    _mm256_cvtepi32_ps(unsafe { _mm256_loadu_si256(values.as_ptr().cast()) })
}

/// The dot products of each query with all rows, whose bytes have one bit less: pairs of groups at once.
#[target_feature(enable = "avx2")]
#[inline]
fn halved(block: &[Group], queries: &[Query<'_>; QUERIES]) -> [[i32; blocks::ROWS]; QUERIES] {
    // Sums of so many queries have room in the registers.
    const AT_ONCE: usize = 3;
    let ones = _mm256_set1_epi16(1);
    let mut dots = [[0; blocks::ROWS]; QUERIES];
    let (pairs, rest) = block.as_chunks::<2>();
    let last = rest.first().map(|&group| [group, Group::of(0)]);
    for part in 0..PARTS {
        for (few, dots) in queries.chunks(AT_ONCE).zip(dots.chunks_mut(AT_ONCE)) {
            let mut sums = [[_mm256_setzero_si256(); PART]; AT_ONCE];
            for (sums, query) in sums.iter_mut().zip(few) {
                sums.fill(_mm256_set1_epi32(query.start));
            }
            for (rows, i) in pairs.iter().chain(&last).zip((0..).step_by(2)) {
                let rows = rows.each_ref().map(|group| {
                    let lines: &[[u8; BYTES]] = group.0.as_chunks().0;
                    [load_bytes(&lines[part * PART]), load_bytes(&lines[part * PART + 1])]
                });
                for (sums, query) in sums.iter_mut().zip(few) {
                    let [first, second] = [i, i + 1]
                        .map(|i| broadcast(query.groups.get(i).copied().unwrap_or_default()));
                    for (half, sum) in sums.iter_mut().enumerate() {
                        // Four products of at most 127 * 63 fit in 16 bits.
                        let four = _mm256_add_epi16(
                            _mm256_maddubs_epi16(rows[0][half], first),
                            _mm256_maddubs_epi16(rows[1][half], second),
                        );
                        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(four, ones));
                    }
                }
            }
            for (dots, sums) in dots.iter_mut().zip(sums) {
                let eights = dots.as_chunks_mut::<LANES>().0.iter_mut().skip(part * PART);
                for (dots, sum) in eights.zip(sums) {
                    // SAFETY: the array has room for the register; the instruction needs no alignment.
                    unsafe { _mm256_storeu_si256(dots.as_mut_ptr().cast(), sum) };
                }
            }
        }
    }
    dots
}

/// The products of sixteen rows and eight words in single precision.
#[target_feature(enable = "avx2,fma")]
pub(super) fn float_products(rows: &[[f32; ROWS]], words: &[[f32; WORDS]]) -> [[f32; ROWS]; WORDS] {
    // Sixteen registers have room for the sums of four words.
    const AT_ONCE: usize = 4;
    let mut products = [[0.0; ROWS]; WORDS];
    for (first, products) in (0..).step_by(AT_ONCE).zip(products.as_chunks_mut::<AT_ONCE>().0) {
        let mut sums = [[_mm256_setzero_ps(); 2]; AT_ONCE];
        for (row, word) in rows.iter().zip(words) {
            let (halves, _) = row.as_chunks::<LANES>();
            let (low, high) = (load(&halves[0]), load(&halves[1]));
            for (i, sum) in sums.iter_mut().enumerate() {
                let word = _mm256_set1_ps(word[first + i]);
                sum[0] = _mm256_fmadd_ps(low, word, sum[0]);
                sum[1] = _mm256_fmadd_ps(high, word, sum[1]);
            }
        }
        for (products, sums) in products.iter_mut().zip(sums) {
            for (products, sum) in products.as_chunks_mut::<LANES>().0.iter_mut().zip(sums) {
                // SAFETY: the array has room for the floats; the instruction needs no alignment.
                unsafe { _mm256_storeu_ps(products.as_mut_ptr(), sum) };
            }
        }
    }
    products
}

#[target_feature(enable = "avx2")]
#[inline]
fn broadcast(group: [i8; GROUP]) -> __m256i {
    _mm256_set1_epi32(i32::from_le_bytes(group.map(i8::cast_unsigned)))
}

#[target_feature(enable = "avx2")]
#[inline]
fn load(values: &[f32; LANES]) -> __m256 {
    // SAFETY: the array has the floats that are read; the instruction needs no alignment.
    unsafe { _mm256_loadu_ps(values.as_ptr()) }
}

/// `nibbles::look_up` of `Form::Pairs`.
#[target_feature(enable = "avx2")]
pub(super) fn look_up(
    run: Run<'_>,
    tables: &[Entries],
    base: i32,
    threshold: i32,
    hits: &mut Hits,
) {
    let (low_half, low_byte) = (_mm256_set1_epi8(15), _mm256_set1_epi16(0xff));
    // Sums are below 2^15: a limit beyond that is as good as one there.
    let limit = threshold.saturating_sub(base).clamp(-1, i32::from(i16::MAX));
    let limit = _mm256_set1_epi16(i16::try_from(limit).unwrap_or(i16::MAX));
    let lines: &[[u8; BYTES]] = run.blocks.as_chunks().0;
    let pairs: &[[Entries; 2]] = tables.as_chunks().0;
    for (block, first) in lines.chunks_exact(pairs.len().max(1)).zip((0..run.count).step_by(BLOCK))
    {
        let next = run.next.as_ptr().wrapping_add(first * pairs.len()).cast::<i8>();
        let (mut even, mut odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        for (i, (line, tables)) in block.iter().zip(pairs).enumerate() {
            if i % 2 == 0 {
                _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(i * BYTES));
            }
            let codes = load_bytes(line);
            let low = _mm256_and_si256(codes, low_half);
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(codes), low_half);
            // Two entries fit in a byte.
            let sums = _mm256_add_epi8(
                _mm256_shuffle_epi8(twice(&tables[0]), low),
                _mm256_shuffle_epi8(twice(&tables[1]), high),
            );
            even = _mm256_add_epi16(even, _mm256_and_si256(sums, low_byte));
            odd = _mm256_add_epi16(odd, _mm256_srli_epi16::<8>(sums));
        }
        let is_hit = [_mm256_cmpgt_epi16(even, limit), _mm256_cmpgt_epi16(odd, limit)];
        let [even_hits, odd_hits] =
            is_hit.map(|is_hit| _mm256_movemask_epi8(is_hit).cast_unsigned());
        let mut found = even_hits & 0x5555_5555 | odd_hits & 0xaaaa_aaaa;
        if found == 0 {
            continue;
        }
        let left = run.count - first;
        if left < BLOCK {
            found &= (1 << left) - 1;
        }
        let sums = [words(even), words(odd)];
        while found != 0 {
            let place = found.trailing_zeros();
            found &= found - 1;
            let sum = i32::from(sums[(place % 2) as usize][(place / 2) as usize]);
            let slot = u32::try_from(first).unwrap_or(u32::MAX) + place;
            let score = base.saturating_add(sum);
            // The limit was cut to 16 bits.
            if score > threshold {
                hits.push(score, run.first.saturating_add(slot));
            }
        }
    }
}

/// A table in both halves of a register.
#[target_feature(enable = "avx2")]
#[inline]
fn twice(entries: &Entries) -> __m256i {
    // SAFETY: the array has the 16 bytes that are read; the instruction needs no alignment.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(entries.as_ptr().cast()) })
}

#[target_feature(enable = "avx2")]
#[inline]
fn load_bytes(bytes: &[u8; BYTES]) -> __m256i {
    // SAFETY: the array has the bytes that are read; the instruction needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn words(register: __m256i) -> [i16; 16] {
    let mut words = [0; 16];
    // SAFETY: the array has room for the register; the instruction needs no alignment.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), register) };
    words
}

/// Registers that hold a value for each row of a part of a block.
const PART: usize = 2;
/// Parts of a block: sums of six queries have room in the registers.
const PARTS: usize = blocks::ROWS / (PART * LANES);

/// `blocks::scores`.
#[target_feature(enable = "avx2")]
pub(super) fn scores<const Q: usize>(
    blocks: (&[Group], usize),
    queries: &[(Query<'_>, f32); Q],
    extras: &[f32],
    least: f32,
    scores: [&mut [f32]; Q],
) -> [f32; Q] {
    let dots = |block: &[Group], queries: &[Query<'_>; Q]| dots(block, queries);
    blocks::scores_by(dots, blocks, queries, extras, least, scores)
}

/// The dot products of each query with all rows.
#[target_feature(enable = "avx2")]
#[inline]
fn dots<const Q: usize>(block: &[Group], queries: &[Query<'_>; Q]) -> [[i32; blocks::ROWS]; Q] {
    let mut dots = [[0; blocks::ROWS]; Q];
    let ones = _mm256_set1_epi16(1);
    for part in 0..PARTS {
        let mut sums = [[_mm256_setzero_si256(); PART]; Q];
        for (sums, query) in sums.iter_mut().zip(queries) {
            sums.fill(_mm256_set1_epi32(query.start));
        }
        for (i, group) in block.iter().enumerate() {
            let lines: &[[u8; BYTES]] = group.0.as_chunks().0;
            let rows = [load_bytes(&lines[part * PART]), load_bytes(&lines[part * PART + 1])];
            for (sums, query) in sums.iter_mut().zip(queries) {
                let bytes = broadcast(query.groups.get(i).copied().unwrap_or_default());
                for (sum, &rows) in sums.iter_mut().zip(&rows) {
                    let four = _mm256_madd_epi16(_mm256_maddubs_epi16(rows, bytes), ones);
                    *sum = _mm256_add_epi32(*sum, four);
                }
            }
        }
        for (dots, sums) in dots.iter_mut().zip(sums) {
            let eights = dots.as_chunks_mut::<LANES>().0.iter_mut().skip(part * PART);
            for (dots, sum) in eights.zip(sums) {
                // SAFETY: the array has room for the register; the instruction needs no alignment.
                unsafe { _mm256_storeu_si256(dots.as_mut_ptr().cast(), sum) };
            }
        }
    }
    dots
}

/// `blocks::best`.
#[target_feature(enable = "avx2")]
pub(super) fn best(block: &[Group], queries: &[Query<'_>]) -> Best {
    let mut best = Best::none();
    let (sixes, rest) = queries.as_chunks::<{ QUERIES }>();
    let mut number = 0;
    for six in sixes {
        for dots in dots(block, six) {
            keep_best(&mut best, &dots, number);
            number += 1;
        }
    }
    for query in rest {
        let [dots] = dots(block, &[*query]);
        keep_best(&mut best, &dots, number);
        number += 1;
    }
    best
}

/// `blocks::above`.
#[target_feature(enable = "avx2")]
pub(super) fn above(
    block: &[Group],
    queries: &[Query<'_>; QUERIES],
    limits: &[i32; blocks::ROWS],
    dots: &mut [[i32; blocks::ROWS]; QUERIES],
) -> [u64; QUERIES] {
    *dots = self::dots(block, queries);
    dots.each_ref().map(|dots| bits_above(dots, limits))
}
