//! Kernels for processors with AVX-512: with VNNI, one instruction multiplies 64 pairs of bytes and adds
//! them four by four.

use std::arch::x86_64::{
    __m512, __m512i, __mmask16, _CMP_GE_OQ, _CMP_LT_OQ, _MM_HINT_T0, _mm_prefetch,
    _mm512_add_epi32, _mm512_add_ps, _mm512_castps_si512, _mm512_cmp_ps_mask,
    _mm512_cmpgt_epi32_mask, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_mov_epi32, _mm512_maskz_compress_epi32,
    _mm512_max_epi32, _mm512_max_ps, _mm512_min_ps, _mm512_movepi8_mask, _mm512_mul_ps,
    _mm512_packs_epi16, _mm512_packs_epi32, _mm512_permutexvar_epi8, _mm512_permutexvar_epi32,
    _mm512_reduce_add_epi32, _mm512_reduce_max_ps, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_shuffle_i32x4,
    _mm512_srli_epi16, _mm512_storeu_ps, _mm512_storeu_si512, _mm512_sub_ps,
    _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32,
    _mm512_unpacklo_epi64,
};

use crate::vector::kernel::Lines;
use crate::vector::kernel::blocks::{self, Best, Group, Query};
use crate::vector::kernel::nibbles::{Entries, Hits, Run, SLACK};
use crate::vector::kernel::products::{ROWS, WORDS};
use crate::vector::kernel::tile::{self, Hits as TileHits, QUERIES, Reach, Tile, TileQuery};
use crate::vector::scalar;

/// Bytes of a register.
const BYTES: usize = 64;

/// Dot product of unsigned bytes with as many signed ones.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
pub(super) fn dot_u8(a: &[u8], b: &[i8]) -> i32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<BYTES>(), b.as_chunks::<BYTES>());
    let mut sums = [_mm512_setzero_si512(); 2];
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        sums[i % 2] = _mm512_dpbusd_epi32(sums[i % 2], load(a), signed(b));
    }
    _mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1])) + scalar::dot_u8(a_rest, b_rest)
}

/// The dot product of a query with each of some rows that lie one behind the other.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dots_u8(rows: &[u8], query: &[i8], dots: &mut [i32]) {
    let (lines, rest) = query.as_chunks::<BYTES>();
    let runs = rows.chunks_exact(query.len() * LANES);
    let (last, whole) = (runs.remainder(), runs.len() * LANES);
    for (dots, rows) in dots.as_chunks_mut::<LANES>().0.iter_mut().zip(runs) {
        let mut sums = [_mm512_setzero_si512(); LANES];
        for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(query.len())) {
            for (row, query) in row.as_chunks::<BYTES>().0.iter().zip(lines) {
                *sum = _mm512_dpbusd_epi32(*sum, load(row), signed(query));
            }
        }
        let sums = added_up(&sums);
        // SAFETY: the array has room for the register; the instruction needs no alignment.
        unsafe { _mm512_storeu_si512(dots.as_mut_ptr().cast(), sums) };
        if !rest.is_empty() {
            for (dot, row) in dots.iter_mut().zip(rows.chunks_exact(query.len())) {
                *dot += scalar::dot_u8(row.as_chunks::<BYTES>().1, rest);
            }
        }
    }
    for (dot, row) in dots.iter_mut().skip(whole).zip(last.chunks_exact(query.len())) {
        *dot = dot_u8(row, query);
    }
}

/// The sum of each register's lanes: half of the registers at each step, which takes a third of the time that
/// it takes to add up one after the other.
#[target_feature(enable = "avx512f")]
#[inline]
fn added_up(sums: &[__m512i; LANES]) -> __m512i {
    let zero = _mm512_setzero_si512();
    let (mut pairs, mut fours, mut eights) = ([zero; 8], [zero; 4], [zero; 2]);
    for (to, [a, b]) in pairs.iter_mut().zip(sums.as_chunks().0) {
        *to = _mm512_add_epi32(_mm512_unpacklo_epi32(*a, *b), _mm512_unpackhi_epi32(*a, *b));
    }
    for (to, [a, b]) in fours.iter_mut().zip(pairs.as_chunks().0) {
        *to = _mm512_add_epi32(_mm512_unpacklo_epi64(*a, *b), _mm512_unpackhi_epi64(*a, *b));
    }
    // Each 128 bits have a part of the sums of four; parts come together two by two.
    for (to, [a, b]) in eights.iter_mut().zip(fours.as_chunks().0) {
        *to = _mm512_add_epi32(even(*a, *b), odd(*a, *b));
    }
    _mm512_add_epi32(even(eights[0], eights[1]), odd(eights[0], eights[1]))
}

/// The even 128 bits of `a`, then those of `b`.
#[target_feature(enable = "avx512f")]
#[inline]
fn even(a: __m512i, b: __m512i) -> __m512i {
    _mm512_shuffle_i32x4::<0b10_00_10_00>(a, b)
}

/// The odd ones.
#[target_feature(enable = "avx512f")]
#[inline]
fn odd(a: __m512i, b: __m512i) -> __m512i {
    _mm512_shuffle_i32x4::<0b11_01_11_01>(a, b)
}

/// `dots_u8_at`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dots_u8_at(parts: &[Lines<'_>; 2], rows: &[u32], dots: &mut [i32]) {
    for (dots, rows) in dots.chunks_mut(LANES).zip(rows.chunks(LANES)) {
        let (mut sums, mut rests) = ([_mm512_setzero_si512(); LANES], [0; LANES]);
        for ((sum, rest), &row) in sums.iter_mut().zip(&mut rests).zip(rows) {
            // Both parts share one register, whose lanes are added up with those of other rows.
            for part in parts {
                let (a, a_rest) = part.of(row).as_chunks::<BYTES>();
                let (b, b_rest) = part.query.as_chunks::<BYTES>();
                for (a, b) in a.iter().zip(b) {
                    *sum = _mm512_dpbusd_epi32(*sum, load(a), signed(b));
                }
                *rest += scalar::dot_u8(a_rest, b_rest);
            }
        }
        let sums = _mm512_add_epi32(added_up(&sums), integers(&rests));
        let mut all = [0; LANES];
        // SAFETY: the array has room for the register; the instruction needs no alignment.
        unsafe { _mm512_storeu_si512(all.as_mut_ptr().cast(), sums) };
        dots.copy_from_slice(&all[..dots.len()]);
    }
}

/// `Tile::hits`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn hits(tile: &Tile, queries: &[TileQuery<'_>], hits: &mut Vec<TileHits>) {
    let thresholds: &[[f32; LANES]] = tile.limits.thresholds.as_chunks().0;
    tile::collect(queries, hits, |six| {
        // Adapters of arrays have not the processor's features, so nothing is inlined through them.
        let mut asked = [Query { groups: &[], start: 0 }; QUERIES];
        for (asked, query) in asked.iter_mut().zip(six) {
            *asked = query.query();
        }
        let mut bits = [0; QUERIES];
        for ((bits, sums), query) in bits.iter_mut().zip(&sums(tile.groups(), &asked)).zip(six) {
            let (factor, offset) = query.line(&tile.limits);
            let (factor, offset) = (_mm512_set1_ps(factor), _mm512_set1_ps(offset));
            let wanted = _mm512_set1_ps(query.threshold);
            let mut over = [_mm512_setzero_ps(); REGISTERS];
            for ((over, &sum), thresholds) in over.iter_mut().zip(sums).zip(thresholds) {
                let product = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), factor);
                let limit = _mm512_min_ps(floats(thresholds), wanted);
                *over = _mm512_sub_ps(_mm512_add_ps(product, offset), limit);
            }
            *bits = not_negative(over);
        }
        bits
    });
}

/// `tile::reached`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn reached(
    block: &[Group],
    inverses: &[f32; blocks::ROWS],
    queries: &[Reach<'_>],
    hits: &mut Vec<TileHits>,
) {
    let inverses: &[[f32; LANES]] = inverses.as_chunks().0;
    tile::collect(queries, hits, |six| {
        let mut asked = [Query { groups: &[], start: 0 }; QUERIES];
        for (asked, query) in asked.iter_mut().zip(six) {
            *asked = query.query();
        }
        let mut bits = [0; QUERIES];
        for ((bits, sums), query) in bits.iter_mut().zip(&sums(block, &asked)).zip(six) {
            let (factor, mut over) =
                (_mm512_set1_ps(query.factor), [_mm512_setzero_ps(); REGISTERS]);
            for ((over, &sum), inverses) in over.iter_mut().zip(sums).zip(inverses) {
                let limit = _mm512_mul_ps(factor, floats(inverses));
                *over = _mm512_sub_ps(_mm512_cvtepi32_ps(sum), limit);
            }
            *bits = not_negative(over);
        }
        bits
    });
}

/// One bit for each value, unless it is negative: to pack signs takes half the time of asking each register.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn not_negative(values: [__m512; REGISTERS]) -> u64 {
    // Of each 128 bits a register gives 4 bytes, side by side with those of the others.
    const ORDER: [i32; LANES] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];
    let [a, b, c, d] = values;
    let (a, b) = (_mm512_castps_si512(a), _mm512_castps_si512(b));
    let (c, d) = (_mm512_castps_si512(c), _mm512_castps_si512(d));
    let packed = _mm512_packs_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
    !_mm512_movepi8_mask(_mm512_permutexvar_epi32(integers(&ORDER), packed))
}

/// The products of sixteen rows and eight words in single precision.
#[target_feature(enable = "avx512f")]
pub(super) fn float_products(rows: &[[f32; ROWS]], words: &[[f32; WORDS]]) -> [[f32; ROWS]; WORDS] {
    let mut sums = [_mm512_setzero_ps(); WORDS];
    for (row, word) in rows.iter().zip(words) {
        let row = floats(row);
        for (sum, &word) in sums.iter_mut().zip(word) {
            *sum = _mm512_fmadd_ps(row, _mm512_set1_ps(word), *sum);
        }
    }
    sums.map(|sum| {
        let mut products = [0.0; ROWS];
        // SAFETY: the array has room for the sixteen floats; the instruction needs no alignment.
        unsafe { _mm512_storeu_ps(products.as_mut_ptr(), sum) };
        products
    })
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load(bytes: &[u8; BYTES]) -> __m512i {
    // SAFETY: the array has the bytes that are read; the instruction needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn signed(bytes: &[i8; BYTES]) -> __m512i {
    // SAFETY: the array has the bytes that are read; the instruction needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn floats(values: &[f32; ROWS]) -> __m512 {
    // SAFETY: the array has the floats that are read; the instruction needs no alignment.
    unsafe { _mm512_loadu_ps(values.as_ptr()) }
}

/// Whether the processor looks up 64 bytes at once.
#[inline]
pub(super) fn can_look_up() -> bool {
    is_x86_feature_detected!("avx512vbmi") && super::has_vnni()
}

/// Slots of a line of `Form::Fours`.
const LINE_SLOTS: usize = 16;
const LANES: usize = 16;
const COUNT_UP: [i32; LANES] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// `nibbles::look_up` of `Form::Fours`.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub(super) fn look_up(
    run: Run<'_>,
    tables: &[Entries],
    base: i32,
    threshold: i32,
    hits: &mut Hits,
) {
    let tables: &[[u8; BYTES]] = tables.as_flattened().as_chunks().0;
    let lines: &[[u8; BYTES]] = run.blocks.as_chunks().0;
    let groups = tables.len() / 2;
    let mut at = 0;
    let mut work = Work { tables, base, threshold, run, hits };
    let four = 4 * groups;
    while let Some(tiles) = lines.get(at * groups..at * groups + four).filter(|_| four > 0) {
        work.tiles::<4>(tiles, at);
        at += 4;
    }
    while at * LINE_SLOTS < run.count {
        let Some(tiles) = lines.get(at * groups..(at + 2) * groups) else { break };
        work.tiles::<2>(tiles, at);
        at += 2;
    }
}

struct Work<'a, 'h> {
    tables: &'a [[u8; BYTES]],
    base: i32,
    threshold: i32,
    run: Run<'a>,
    hits: &'h mut Hits,
}

impl Work<'_, '_> {
    /// Sums up `T` times 16 slots, of which the first is the 16 * `at`-th.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
    #[inline]
    fn tiles<const T: usize>(&mut self, lines: &[[u8; BYTES]], at: usize) {
        let (low_half, ones) = (_mm512_set1_epi8(15), _mm512_set1_epi8(1));
        // Byte j of a slot looks into the j-th of four tables.
        let which = _mm512_set1_epi32(0x3020_1000);
        let groups = self.tables.len() / 2;
        let next = self.run.next.as_ptr().wrapping_add(at * groups * BYTES).cast::<i8>();
        let mut sums = [_mm512_set1_epi32(self.base); T];
        for (group, tables) in self.tables.as_chunks::<2>().0.iter().enumerate() {
            let tables = [load(&tables[0]), load(&tables[1])];
            for (tile, sum) in sums.iter_mut().enumerate() {
                let line = tile * groups + group;
                _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(line * BYTES));
                let codes = load(&lines[line]);
                // which | codes & 15
                let low = _mm512_ternarylogic_epi32::<0xf8>(which, codes, low_half);
                let high = _mm512_srli_epi16::<4>(codes);
                let high = _mm512_ternarylogic_epi32::<0xf8>(which, high, low_half);
                *sum = _mm512_dpbusd_epi32(*sum, _mm512_permutexvar_epi8(low, tables[0]), ones);
                *sum = _mm512_dpbusd_epi32(*sum, _mm512_permutexvar_epi8(high, tables[1]), ones);
            }
        }
        let threshold = _mm512_set1_epi32(self.threshold);
        let largest = sums.iter().fold(sums[0], |largest, &sum| _mm512_max_epi32(largest, sum));
        if _mm512_cmpgt_epi32_mask(largest, threshold) == 0 {
            return;
        }
        for (tile, sum) in sums.into_iter().enumerate() {
            let first = (at + tile) * LINE_SLOTS;
            let left = self.run.count.saturating_sub(first);
            let counted = if left < LINE_SLOTS { (1_u16 << left) - 1 } else { u16::MAX };
            let is_hit = _mm512_cmpgt_epi32_mask(sum, threshold) & counted;
            if is_hit != 0 {
                let slot = u32::try_from(first).unwrap_or(u32::MAX);
                self.add(is_hit, sum, self.run.first.wrapping_add(slot));
            }
        }
    }

    /// Adds the hits of 16 slots, of which `slot` is the first.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn add(&mut self, is_hit: __mmask16, sums: __m512i, slot: u32) {
        let Hits { scores, slots, len } = &mut *self.hits;
        let places = *len..*len + SLACK;
        let (Some(scores), Some(slots)) = (scores.get_mut(places.clone()), slots.get_mut(places))
        else {
            return;
        };
        let numbers = _mm512_add_epi32(_mm512_set1_epi32(slot.cast_signed()), integers(&COUNT_UP));
        // Registers are packed and stored whole: storing only some lanes takes far longer.
        let (sums, numbers) = (
            _mm512_maskz_compress_epi32(is_hit, sums),
            _mm512_maskz_compress_epi32(is_hit, numbers),
        );
        // SAFETY: the slice has the 16 places that are written; the instruction needs no alignment.
        unsafe { _mm512_storeu_si512(scores.as_mut_ptr().cast(), sums) };
        // SAFETY: as above.
        unsafe { _mm512_storeu_si512(slots.as_mut_ptr().cast(), numbers) };
        *len += is_hit.count_ones() as usize;
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn integers(values: &[i32; LANES]) -> __m512i {
    // SAFETY: the array has the integers that are read; the instruction needs no alignment.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

/// Registers that hold a value for each row of a block.
const REGISTERS: usize = blocks::ROWS / LANES;
/// Queries whose sums and the best ones so far have room in the registers.
const BEST_AT_ONCE: usize = 4;

/// The dot products of some queries with all rows of a block, in registers.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
#[inline]
fn sums<const Q: usize>(block: &[Group], queries: &[Query<'_>; Q]) -> [[__m512i; REGISTERS]; Q] {
    let mut sums = [[_mm512_setzero_si512(); REGISTERS]; Q];
    for (sums, query) in sums.iter_mut().zip(queries) {
        sums.fill(_mm512_set1_epi32(query.start));
    }
    // All have as many as the block; to ask for each of them anew costs as much as what is done with it.
    let mut count = block.len();
    for query in queries {
        count = count.min(query.groups.len());
    }
    for (i, group) in block.iter().take(count).enumerate() {
        let lines: &[[u8; BYTES]] = group.0.as_chunks().0;
        let rows: [__m512i; REGISTERS] = std::array::from_fn(|i| load(&lines[i]));
        for (sums, query) in sums.iter_mut().zip(queries) {
            // SAFETY: no query has fewer groups than are counted here.
            let bytes = unsafe { *query.groups.get_unchecked(i) };
            let bytes = _mm512_set1_epi32(i32::from_le_bytes(bytes.map(i8::cast_unsigned)));
            for (sum, &rows) in sums.iter_mut().zip(&rows) {
                *sum = _mm512_dpbusd_epi32(*sum, rows, bytes);
            }
        }
    }
    sums
}

/// `blocks::scores`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn scores<const Q: usize>(
    (blocks, width): (&[Group], usize),
    queries: &[(Query<'_>, f32); Q],
    extras: &[f32],
    least: f32,
    mut scores: [&mut [f32]; Q],
) -> [f32; Q] {
    // Adapters of arrays have not the processor's features, so nothing is inlined through them.
    let mut only = [Query { groups: &[], start: 0 }; Q];
    for (only, (query, _)) in only.iter_mut().zip(queries) {
        *only = *query;
    }
    let mut largest = [_mm512_set1_ps(least); Q];
    let runs = blocks.chunks_exact(width.max(1)).zip(extras.as_chunks::<{ blocks::ROWS }>().0);
    for (at, (block, extras)) in runs.enumerate() {
        let sums = sums(block, &only);
        let extras: &[[f32; LANES]] = extras.as_chunks().0;
        let each = sums.iter().zip(queries).zip(scores.iter_mut().zip(&mut largest));
        for ((sums, &(_, factor)), (scores, largest)) in each {
            let runs: &mut [[f32; blocks::ROWS]] = scores.as_chunks_mut().0;
            let Some(run) = runs.get_mut(at) else { continue };
            let run: &mut [[f32; LANES]] = run.as_chunks_mut().0;
            for ((&sum, extras), scores) in sums.iter().zip(extras).zip(run) {
                let product = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(factor));
                let score = _mm512_add_ps(product, floats(extras));
                *largest = _mm512_max_ps(score, *largest);
                // SAFETY: the array has room for the register; the instruction needs no alignment.
                unsafe { _mm512_storeu_ps(scores.as_mut_ptr(), score) };
            }
        }
    }
    let mut most = [least; Q];
    for (most, largest) in most.iter_mut().zip(largest) {
        *most = _mm512_reduce_max_ps(largest);
    }
    most
}

/// `lanes::places_between`, behind what the places have.
#[target_feature(enable = "avx512f")]
pub(super) fn places_between(values: &[f32], low: f32, high: f32, places: &mut Vec<u32>) {
    places.reserve(values.len() + LANES);
    let (low, high) = (_mm512_set1_ps(low), _mm512_set1_ps(high));
    let mut numbers = integers(&COUNT_UP);
    for values in values.as_chunks::<LANES>().0 {
        let values = floats(values);
        let is_between = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(values, low)
            & _mm512_cmp_ps_mask::<_CMP_LT_OQ>(values, high);
        let packed = _mm512_maskz_compress_epi32(is_between, numbers);
        let (len, count) = (places.len(), is_between.count_ones() as usize);
        // SAFETY: no more than one place a value was written, of those that were reserved.
        let end = unsafe { places.as_mut_ptr().add(len) };
        // SAFETY: room for 16 more than the values was reserved.
        unsafe { _mm512_storeu_si512(end.cast(), packed) };
        // SAFETY: so many places were just written.
        unsafe { places.set_len(len + count) };
        numbers = _mm512_add_epi32(numbers, _mm512_set1_epi32(16));
    }
}

/// `blocks::fill` of 64 whole rows: sixteen of them and sixteen groups at once.
#[target_feature(enable = "avx512f")]
pub(super) fn fill(block: &mut [Group], lines: &[u8], stride: usize) {
    for (groups, column) in block.chunks_mut(LANES).zip((0..stride).step_by(BYTES)) {
        for (rows, place) in lines.chunks_exact(stride * LANES).zip(0..) {
            let mut registers = [_mm512_setzero_si512(); LANES];
            for (register, row) in registers.iter_mut().zip(rows.chunks_exact(stride)) {
                if let Some(bytes) = row.get(column..).and_then(<[u8]>::first_chunk) {
                    *register = load(bytes);
                }
            }
            for (group, register) in groups.iter_mut().zip(transposed(&registers)) {
                let parts: &mut [[u8; BYTES]] = group.0.as_chunks_mut().0;
                if let Some(part) = parts.get_mut(place) {
                    // SAFETY: the array has room for the register; the instruction needs no alignment.
                    unsafe { _mm512_storeu_si512(part.as_mut_ptr().cast(), register) };
                }
            }
        }
    }
}

/// Sixteen by sixteen values, rows made columns.
#[target_feature(enable = "avx512f")]
#[inline]
fn transposed(rows: &[__m512i; LANES]) -> [__m512i; LANES] {
    let mut pairs = *rows;
    for ([a, b], [to_a, to_b]) in rows.as_chunks().0.iter().zip(pairs.as_chunks_mut().0) {
        (*to_a, *to_b) = (_mm512_unpacklo_epi32(*a, *b), _mm512_unpackhi_epi32(*a, *b));
    }
    let mut fours = pairs;
    for ([a, b, c, d], to) in pairs.as_chunks().0.iter().zip(fours.as_chunks_mut::<4>().0) {
        to[0] = _mm512_unpacklo_epi64(*a, *c);
        to[1] = _mm512_unpackhi_epi64(*a, *c);
        to[2] = _mm512_unpacklo_epi64(*b, *d);
        to[3] = _mm512_unpackhi_epi64(*b, *d);
    }
    // Register `4 r + c` now has, of the rows `4 r` to `4 r + 3`, the columns `c`, `c + 4`, `c + 8`, `c + 12`.
    let mut columns = *rows;
    for c in 0..4 {
        let (a, b) = (even(fours[c], fours[c + 4]), even(fours[c + 8], fours[c + 12]));
        (columns[c], columns[c + 8]) = (even(a, b), odd(a, b));
        let (a, b) = (odd(fours[c], fours[c + 4]), odd(fours[c + 8], fours[c + 12]));
        (columns[c + 4], columns[c + 12]) = (even(a, b), odd(a, b));
    }
    columns
}

/// `blocks::best`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn best(block: &[Group], queries: &[Query<'_>]) -> Best {
    let mut dots = [_mm512_set1_epi32(i32::MIN); REGISTERS];
    let mut numbers = [_mm512_setzero_si512(); REGISTERS];
    for (few, first) in queries.chunks(BEST_AT_ONCE).zip((0..).step_by(BEST_AT_ONCE)) {
        // The last one again in place of those that are missing changes nothing.
        let last = few.len() - 1;
        let four: [Query<'_>; BEST_AT_ONCE] = std::array::from_fn(|i| few[i.min(last)]);
        let sums = sums(block, &four);
        for (sums, number) in sums.iter().zip(first..) {
            let number = _mm512_set1_epi32(number);
            for ((dot, kept), &sum) in dots.iter_mut().zip(&mut numbers).zip(sums) {
                let is_better = _mm512_cmpgt_epi32_mask(sum, *dot);
                *dot = _mm512_max_epi32(*dot, sum);
                *kept = _mm512_mask_mov_epi32(*kept, is_better, number);
            }
        }
    }
    let mut best = Best::none();
    let mut signed = [0; blocks::ROWS];
    store(&mut best.dots, &dots);
    store(&mut signed, &numbers);
    best.queries = signed.map(i32::cast_unsigned);
    best
}

/// `blocks::above`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn above(
    block: &[Group],
    queries: &[Query<'_>; QUERIES],
    limits: &[i32; blocks::ROWS],
    dots: &mut [[i32; blocks::ROWS]; QUERIES],
) -> [u64; QUERIES] {
    let limits: &[[i32; LANES]] = limits.as_chunks().0;
    let mut bits = [0; QUERIES];
    let sums = sums(block, queries);
    for ((bits, sums), dots) in bits.iter_mut().zip(&sums).zip(dots) {
        for ((&sum, limits), first) in sums.iter().zip(limits).zip((0..).step_by(LANES)) {
            let is_above = _mm512_cmpgt_epi32_mask(sum, integers(limits));
            *bits |= u64::from(is_above) << first;
        }
        if *bits != 0 {
            store(dots, sums);
        }
    }
    bits
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store(values: &mut [i32; blocks::ROWS], registers: &[__m512i; REGISTERS]) {
    for (values, &register) in values.as_chunks_mut::<LANES>().0.iter_mut().zip(registers) {
        // SAFETY: the array has room for the register; the instruction needs no alignment.
        unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), register) };
    }
}
