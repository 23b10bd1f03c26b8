//! `Codes`: every row's direction as bytes, for estimates that touch a fraction of the memory.
//!
//! Directions are turned ([`Rotation`]) so that the head, the first components, holds most of their
//! length, and coded in whole cache lines:
//!
//! ```text
//! head of a row                                             tail of a row
//! +------------------+----------+-----------+-----------+   +------------------+----------+
//! | a byte each      | 128, ... | scale: u16 | tail: u16 |   | a byte each      | 128, ... |
//! +------------------+----------+-----------+-----------+   +------------------+----------+
//! component = (byte - 128) * scale; tail is the length of the tail's components
//! ```
//!
//! Scale and tail are the upper halves of single floats, rounded up. They lie in the row's own cache
//! line, so that an estimate never waits for another one; and the head alone bounds how near a row
//! can be: exact answers need no more for most rows.

mod many;

use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

pub(super) use self::many::ManyCode;
use crate::error::{Error, ErrorKind, Result};
use crate::index::Watch;
use crate::index::pages::Pages;
use crate::table::Table;
use crate::vector::kernel::lanes::{self, HeadNumbers};
use crate::vector::kernel::tile::GROUP;
use crate::vector::rotation::Rotation;
use crate::vector::{RowId, algebra, kernel, scalar};

/// Bytes that the processor fetches at once.
const LINE: usize = 64;
/// Bytes behind a head: scale and tail.
const AFTER_HEAD: usize = 4;
/// The byte of a component of 0.
const ZERO: u8 = 128;
/// The largest code of a row's component, and of a query's.
const ROW_MAX: f32 = 127.0;
pub(super) const QUERY_MAX: f32 = 63.0;
/// A row whose head says that it is too far to be found even if its tail and the query's point in
/// directions as alike as this is left out by the graph. Measured on `GloVe` 6B 100d: at 0.5 the graph
/// finds what it finds at 1, and reads a third of the tails; at 0.4 it begins to lose.
const TAIL_COSINE: f32 = 0.5;
/// Rows that tell along which axes to turn.
const SAMPLE_ROWS: usize = 16_384;
/// Rows whose dot products are taken at once.
const ROWS_BOUND: u32 = 256;
/// Rows coded at once by one thread.
const ROWS_AT_ONCE: usize = 1_024;

/// The codes of all rows of a table.
pub(super) struct Codes {
    rotation: Rotation,
    dim: usize,
    rows: usize,
    heads: Lines,
    tails: Lines,
}

/// The code of a vector that is compared with many rows.
#[derive(Clone, Debug, Default)]
pub(super) struct QueryCode {
    /// As long as a row's head and tail, zero where they hold no component.
    head: Vec<i8>,
    tail: Vec<i8>,
    scale: f32,
    /// What the dot products are too high by because a row's zero is 128.
    head_offset: i32,
    tail_offset: i32,
    /// The most similarity that a row's tail is taken to add, for each unit of its length.
    tail_reach: f32,
    turned: Vec<f32>,
}

/// How far a query's estimates can be off, to prove that a row is not near.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Length of the query's head and tail as turned, and of what its code misses of them.
    head: f32,
    tail: f32,
    head_error: f32,
    tail_error: f32,
    /// Half a step of every component of a head, as a length; and of a tail.
    head_steps: f32,
    tail_steps: f32,
    /// What each unit of a row's scale adds to the error of a whole estimate, and what it has anyway.
    whole_steps: f32,
    whole_error: f32,
    rounding: f32,
}

/// Bytes in whole cache lines.
struct Lines {
    stride: usize,
    bytes: Pages,
}

impl Codes {
    /// Codes every row, turned as suits the table.
    ///
    /// # Errors
    ///
    /// If there is no memory for them.
    #[cfg(test)]
    pub(super) fn new(table: &Table) -> Result<Self> {
        Self::turned(table, suited(table))
    }

    /// Codes every row, turned as suits the table, unless it is stopped: a large table takes a minute.
    ///
    /// # Errors
    ///
    /// If there is no memory for them, or if `watch` says that the build is cancelled.
    pub(super) fn watched(table: &Table, watch: &dyn Watch) -> Result<Self> {
        Self::coded(table, suited(table), &|| watch.is_cancelled())
    }

    /// Codes every row, turned by a rotation of the table's dimension.
    ///
    /// # Errors
    ///
    /// If there is no memory for them.
    pub(super) fn turned(table: &Table, rotation: Rotation) -> Result<Self> {
        Self::coded(table, rotation, &|| false)
    }

    fn coded(
        table: &Table,
        rotation: Rotation,
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self> {
        let (dim, rows) = (table.dim(), table.len());
        let head = rotation.head();
        let mut heads = Lines::new(rows, (head + AFTER_HEAD).next_multiple_of(LINE))?;
        let mut tails = Lines::new(rows, (dim - head).next_multiple_of(LINE))?;
        let (head_stride, tail_stride) = (heads.stride, tails.stride);
        let mut no_tails = vec![0; rows];
        let (tail_bytes, tail_step) = if tail_stride == 0 {
            (&mut no_tails[..], 1)
        } else {
            (&mut tails.bytes[..], tail_stride)
        };
        let blocks = heads.bytes.par_chunks_mut(head_stride * ROWS_AT_ONCE);
        let blocks = blocks.zip(tail_bytes.par_chunks_mut(tail_step * ROWS_AT_ONCE)).enumerate();
        blocks.for_each(|(block, (heads, tails))| {
            if is_cancelled() {
                return;
            }
            let (mut turned, mut reader) = (vec![0.0; dim], table.reader());
            let lines = heads.chunks_exact_mut(head_stride).zip(tails.chunks_exact_mut(tail_step));
            for (i, (line, tail)) in lines.enumerate() {
                let row = RowId::try_from(block * ROWS_AT_ONCE + i).unwrap_or(RowId(0));
                match algebra::unit(reader.row(row)) {
                    Some(unit) => rotation.apply(&unit, &mut turned),
                    None => turned.fill(0.0),
                }
                code_row(&turned, head, line, if tail_stride == 0 { &mut [] } else { tail });
            }
        });
        if is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled));
        }
        Ok(Self { rotation, dim, rows, heads, tails })
    }

    /// How many rows.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// The bytes of a row's code.
    pub(super) fn of(&self, row: u32) -> (&[u8], &[u8]) {
        (self.heads.of(row), self.tails.of(row))
    }

    /// A row's direction as its code tells it, turned: as many values as a vector has components.
    pub(super) fn direction(&self, row: u32, turned: &mut [f32]) {
        let (head, tail) = (self.heads.of(row), self.tails.of(row));
        let scale = scale(head);
        let bytes = head[..self.rotation.head()].iter().chain(tail);
        for (value, &byte) in turned.iter_mut().zip(bytes) {
            *value = (f32::from(byte) - f32::from(ZERO)) * scale;
        }
    }

    /// What one unit of a row's bytes stands for.
    pub(super) fn step(&self, row: u32) -> f32 {
        scale(self.heads.of(row))
    }

    /// A row's bytes for blocks, of as many groups as [`Codes::tile_len`] has. A few may be no components:
    /// [`Codes::lay`] has zeros there.
    pub(super) fn groups(&self, row: u32) -> impl Iterator<Item = [u8; GROUP]> {
        let head = &self.heads.of(row)[..self.tile_head()];
        let tail = &self.tails.of(row)[..self.tile_len() - head.len()];
        head.as_chunks().0.iter().chain(tail.as_chunks().0).copied()
    }

    /// A query's bytes for blocks of such groups.
    pub(super) fn query_groups(&self, query: &QueryCode, groups: &mut Vec<[i8; GROUP]>) {
        let head = &query.head[..self.tile_head()];
        let tail = &query.tail[..self.tile_len() - head.len()];
        groups.clear();
        groups.extend(head.as_chunks().0);
        groups.extend(tail.as_chunks().0);
    }

    /// Lays values of a turned vector where rows have them, and `blank` elsewhere.
    pub(super) fn lay<T: Copy>(&self, values: impl Iterator<Item = T>, blank: T) -> Vec<T> {
        let mut laid = vec![blank; self.tile_len()];
        let head = self.rotation.head();
        let places = (0..head).chain(self.tile_head()..);
        for (place, value) in places.zip(values) {
            laid[place] = value;
        }
        laid
    }

    /// The rotation of its directions.
    pub(super) fn rotation(&self) -> &Rotation {
        &self.rotation
    }

    /// Codes a vector, to be compared with rows.
    pub(super) fn code(&self, vector: &[f32], query: &mut QueryCode) {
        query.turned.resize(self.dim, 0.0);
        match algebra::unit(vector) {
            Some(unit) => self.rotation.apply(&unit, &mut query.turned),
            None => query.turned.fill(0.0),
        }
        let largest = query.turned.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        query.scale = largest / QUERY_MAX;
        let per_step = if largest > 0.0 { QUERY_MAX / largest } else { 0.0 };
        let (head, tail) = query.turned.split_at(self.rotation.head());
        query.tail_reach = TAIL_COSINE * length(tail);
        for (codes, values, stride) in
            [(&mut query.head, head, self.heads.stride), (&mut query.tail, tail, self.tails.stride)]
        {
            codes.clear();
            codes.extend(values.iter().map(|&value| rounded(value * per_step)));
            codes.resize(stride, 0);
        }
        query.set_offsets();
    }

    /// Codes a row, to be compared with other rows.
    pub(super) fn code_of_row(&self, row: u32, query: &mut QueryCode) {
        let (head, tail) = (self.heads.of(row), self.tails.of(row));
        let halved = |&byte: &u8| (byte.wrapping_sub(ZERO).cast_signed()) / 2;
        query.head.clear();
        query.head.extend(head[..self.rotation.head()].iter().map(halved));
        query.head.resize(head.len(), 0);
        query.tail.clear();
        query.tail.extend(tail.iter().map(halved));
        query.scale = 2.0 * scale(head);
        query.tail_reach = TAIL_COSINE * tail_length(head);
        query.set_offsets();
    }

    /// 1 - cosine, estimated; from 0 to about 2, never NaN.
    #[inline]
    pub(super) fn distance(&self, query: &QueryCode, row: u32) -> f32 {
        let head = self.heads.of(row);
        let mut dot = kernel::dot_u8(head, &query.head) - query.head_offset;
        if self.tails.stride > 0 {
            dot += kernel::dot_u8(self.tails.of(row), &query.tail) - query.tail_offset;
        }
        #[expect(clippy::cast_precision_loss, reason = "the estimate's own error is far larger")]
        let similarity = dot as f32 * (scale(head) * query.scale);
        (1.0 - similarity).max(0.0)
    }

    /// [`Codes::distance`] of each of some rows, with the row.
    pub(super) fn distances(
        &self,
        query: &QueryCode,
        rows: &[u32],
        dots: &mut Vec<i32>,
        distances: &mut Vec<(f32, u32)>,
    ) {
        dots.resize(rows.len(), 0);
        let heads = kernel::Lines { lines: &self.heads.bytes, query: &query.head };
        let tails = kernel::Lines { lines: &self.tails.bytes, query: &query.tail };
        kernel::dots_u8_at(&[heads, tails], rows, dots);
        let offset = query.head_offset + query.tail_offset;
        distances.clear();
        distances.extend(rows.iter().zip(dots).map(|(&row, dot)| {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the estimate's own error is far larger"
            )]
            let similarity = (*dot - offset) as f32 * (self.step(row) * query.scale);
            ((1.0 - similarity).max(0.0), row)
        }));
    }

    /// A row's similarity as far as its head tells, and the most that its tail is taken to add.
    #[inline]
    pub(super) fn head(&self, query: &QueryCode, row: u32) -> (f32, f32) {
        let head = self.heads.of(row);
        let dot = kernel::dot_u8(head, &query.head) - query.head_offset;
        #[expect(clippy::cast_precision_loss, reason = "the estimate's own error is far larger")]
        let known = dot as f32 * (scale(head) * query.scale);
        (known, tail_length(head) * query.tail_reach)
    }

    /// 1 - cosine, estimated, where the head's part of the similarity is known.
    #[inline]
    pub(super) fn with_tail(&self, query: &QueryCode, row: u32, head: f32) -> f32 {
        let dot = kernel::dot_u8(self.tails.of(row), &query.tail) - query.tail_offset;
        #[expect(clippy::cast_precision_loss, reason = "the estimate's own error is far larger")]
        let tail = dot as f32 * (scale(self.heads.of(row)) * query.scale);
        (1.0 - head - tail).max(0.0)
    }

    /// Whether rows have tails.
    pub(super) fn has_tails(&self) -> bool {
        self.tails.stride > 0
    }

    /// Asks the processor to fetch what [`Codes::head`] will read soon.
    #[inline]
    pub(super) fn prefetch_head(&self, row: u32) {
        kernel::prefetch(self.heads.of(row));
    }

    /// The same for what [`Codes::with_tail`] reads.
    #[inline]
    pub(super) fn prefetch_tail(&self, row: u32) {
        kernel::prefetch(self.tails.of(row));
    }

    /// What bounds the similarities of a query that was coded by [`Codes::code`].
    pub(super) fn bounds(&self, query: &QueryCode) -> Bounds {
        let (head, tail) = query.turned.split_at(self.rotation.head());
        let missed = |values: &[f32], codes: &[i8]| {
            let missed = |(&value, &code): (&f32, &i8)| value - f32::from(code) * query.scale;
            length(&values.iter().zip(codes).map(missed).collect::<Vec<_>>())
        };
        let (head_error, tail_error) = (missed(head, &query.head), missed(tail, &query.tail));
        let rounding = (self.dim + 64) as f32 * 2.0 * f32::EPSILON;
        let error = head_error.hypot(tail_error);
        Bounds {
            head: length(head),
            tail: length(tail),
            head_error,
            tail_error,
            head_steps: 0.5 * (head.len() as f32).sqrt(),
            tail_steps: 0.5 * (tail.len() as f32).sqrt(),
            whole_steps: 0.5 * (self.dim as f32).sqrt() * (length(&query.turned) + error),
            whole_error: error + rounding,
            rounding,
        }
    }

    /// Tells rows one behind the other that may be at least as near as `threshold` says, which may grow on
    /// the way: what the head knows, for [`Codes::whole_bound`]. Rows are told some time after their heads
    /// were read: by then their tails are there.
    pub(super) fn bound_each(
        &self,
        query: &QueryCode,
        bounds: &Bounds,
        rows: std::ops::Range<u32>,
        mut threshold: f32,
        mut tell: impl FnMut(u32, f32) -> f32,
    ) {
        let (mut dots, mut ends) = ([0; ROWS_BOUND as usize], [0; ROWS_BOUND as usize]);
        let (mut known, mut at_most) = ([0.0; ROWS_BOUND as usize], [0.0; ROWS_BOUND as usize]);
        let mut places = Vec::new();
        let (mut near, mut before) = (Vec::<(u32, f32)>::new(), Vec::new());
        let numbers = bounds.of_heads(query);
        for first in rows.clone().step_by(ROWS_BOUND as usize) {
            let end = rows.end.min(first.saturating_add(ROWS_BOUND));
            let heads = self.heads.some(first, end);
            kernel::dots_u8(heads, &query.head, &mut dots);
            let lines = heads.chunks_exact(self.heads.stride);
            let count = lines.len();
            for (end, head) in ends.iter_mut().zip(lines) {
                *end = after_head(head);
            }
            // Where no row is, nothing reaches the threshold, whatever it is.
            at_most.fill(f32::NAN);
            lanes::head_bounds(&dots, &ends[..count], &numbers, &mut known, &mut at_most);
            lanes::places_between(&at_most, threshold, f32::INFINITY, &mut places);
            near.extend(places.iter().map(|&place| {
                self.prefetch_tail(first + place);
                (first + place, known[place as usize])
            }));
            for (row, known) in before.drain(..) {
                threshold = tell(row, known);
            }
            std::mem::swap(&mut near, &mut before);
        }
        for (row, known) in before {
            tell(row, known);
        }
    }

    /// Components of blocks that hold rows side by side.
    pub(super) fn tile_len(&self) -> usize {
        self.tile_head() + (self.dim - self.rotation.head()).next_multiple_of(GROUP)
    }

    /// Those of a head among them.
    fn tile_head(&self) -> usize {
        self.rotation.head().next_multiple_of(GROUP)
    }

    /// The most by which [`Codes::distance`] of a row can be wrong.
    #[inline]
    pub(super) fn error(&self, bounds: &Bounds, row: u32) -> f32 {
        self.step(row) * bounds.whole_steps + bounds.whole_error
    }

    /// No less than the cosine of the query and a row, judged by the row's head; and what
    /// [`Codes::whole_bound`] takes.
    #[inline]
    pub(super) fn head_bound(&self, query: &QueryCode, bounds: &Bounds, row: u32) -> (f32, f32) {
        let head = self.heads.of(row);
        let (mut known, mut at_most) = ([0.0], [0.0]);
        let dot = [kernel::dot_u8(head, &query.head)];
        let numbers = bounds.of_heads(query);
        lanes::head_bounds(&dot, &[after_head(head)], &numbers, &mut known, &mut at_most);
        (known[0], at_most[0])
    }

    /// The same judged by the tail too; `head` is what the head told.
    #[inline]
    pub(super) fn whole_bound(
        &self,
        query: &QueryCode,
        bounds: &Bounds,
        row: u32,
        head: f32,
    ) -> f32 {
        if self.tails.stride == 0 {
            return head;
        }
        let dot = kernel::dot_u8(self.tails.of(row), &query.tail) - query.tail_offset;
        let scale = scale(self.heads.of(row));
        #[expect(clippy::cast_precision_loss, reason = "below 2^24 for all but the widest rows")]
        let estimate = dot as f32 * (scale * query.scale);
        let error = scale * bounds.tail_steps * (bounds.tail + bounds.tail_error);
        head + estimate + error + bounds.tail_error
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.heads.bytes.len() + self.tails.bytes.len() + size_of_val(self.rotation.values())
    }
}

impl Bounds {
    /// What bounds what heads tell of a query.
    fn of_heads(&self, query: &QueryCode) -> HeadNumbers {
        HeadNumbers {
            offset: query.head_offset,
            scale: query.scale,
            error: self.head_steps * (self.head + self.head_error),
            slack: self.head_error + self.rounding,
            tail: self.tail,
        }
    }
}

impl QueryCode {
    /// The turned vector of length 1, if it was coded by [`Codes::code`].
    pub(super) fn turned(&self) -> &[f32] {
        &self.turned
    }

    /// What one unit of its bytes stands for.
    pub(super) fn step(&self) -> f32 {
        self.scale
    }

    fn set_offsets(&mut self) {
        let offset =
            |codes: &[i8]| i32::from(ZERO) * codes.iter().map(|&code| i32::from(code)).sum::<i32>();
        self.head_offset = offset(&self.head);
        self.tail_offset = offset(&self.tail);
    }
}

impl Lines {
    fn new(rows: usize, stride: usize) -> Result<Self> {
        let bytes = Pages::filled(rows * stride, ZERO)?;
        Ok(Self { stride, bytes })
    }

    #[inline]
    fn of(&self, row: u32) -> &[u8] {
        self.some(row, row + 1)
    }

    #[inline]
    fn some(&self, first: u32, end: u32) -> &[u8] {
        &self.bytes[first as usize * self.stride..end as usize * self.stride]
    }
}

impl std::fmt::Debug for Codes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codes").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// The rotation that suits a table, by a sample of its rows.
fn suited(table: &Table) -> Rotation {
    let step = table.len().div_ceil(SAMPLE_ROWS);
    let sample: Vec<Vec<f32>> = (0..)
        .map(RowId)
        .take(table.len())
        .step_by(step)
        .filter_map(|row| algebra::unit(&table.vector(row)))
        .collect();
    let heads = (LINE - AFTER_HEAD..).step_by(LINE);
    Rotation::of(table.dim(), sample.iter().map(Vec::as_slice), heads)
}

/// Writes the code of a direction as turned.
fn code_row(turned: &[f32], head: usize, line: &mut [u8], tail: &mut [u8]) {
    let largest = turned.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let scale = rounded_up(largest / ROW_MAX);
    let per_step = if largest > 0.0 { 1.0 / widened(scale) } else { 0.0 };
    for (byte, &value) in line.iter_mut().zip(&turned[..head]) {
        *byte = rounded(value * per_step).cast_unsigned().wrapping_add(ZERO);
    }
    for (byte, &value) in tail.iter_mut().zip(&turned[head..]) {
        *byte = rounded(value * per_step).cast_unsigned().wrapping_add(ZERO);
    }
    let after = line.len() - AFTER_HEAD;
    line[after..after + 2].copy_from_slice(&scale.to_le_bytes());
    let length = rounded_up(length(&turned[head..]));
    line[after + 2..].copy_from_slice(&length.to_le_bytes());
}

/// The nearest integer, which is known to fit.
pub(super) fn rounded(steps: f32) -> i8 {
    #[expect(clippy::cast_possible_truncation, reason = "from -127.5 to 127.5, cut toward 0")]
    let rounded = (steps + 0.5_f32.copysign(steps)) as i8;
    rounded
}

#[expect(clippy::cast_possible_truncation, reason = "as precise as the values")]
pub(super) fn length(values: &[f32]) -> f32 {
    scalar::norm(values) as f32
}

/// The upper half of the least such float that is not below a value, which is not negative.
fn rounded_up(value: f32) -> u16 {
    let [_, _, c, d] = value.to_bits().saturating_add(0xffff).to_le_bytes();
    u16::from_le_bytes([c, d])
}

fn widened(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
}

/// Scale and length of the tail, the upper half of a float each.
#[inline]
fn after_head(head: &[u8]) -> u32 {
    head.last_chunk().map_or(0, |word: &[u8; AFTER_HEAD]| u32::from_le_bytes(*word))
}

#[inline]
fn scale(head: &[u8]) -> f32 {
    f32::from_bits(after_head(head) << 16)
}

#[inline]
fn tail_length(head: &[u8]) -> f32 {
    f32::from_bits(after_head(head) & 0xffff_0000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::{clustered, table_of};

    #[test]
    fn estimates_are_near_the_cosine_and_never_above_their_bounds() {
        for dim in [1, 2, 59, 60, 61, 100, 600] {
            for factor in [1.0, 1e-38, 1e36] {
                let mut rows = clustered(60, dim, 5);
                rows.iter_mut().flatten().for_each(|value| *value *= factor);
                rows.push(vec![0.0; dim]);
                let table = table_of(&rows);
                let codes = Codes::new(&table).unwrap();
                let mut query = QueryCode::default();
                for row in 0..61 {
                    codes.code(&rows[7], &mut query);
                    let truth = table.similarity(RowId(row), &rows[7]);
                    let asked = 1.0 - f64::from(codes.distance(&query, row));
                    assert!((asked - truth.max(-1.0)).abs() < 0.03, "{dim}: {asked} {truth}");
                    let bounds = codes.bounds(&query);
                    let (known, at_most) = codes.head_bound(&query, &bounds, row);
                    let nearer = codes.whole_bound(&query, &bounds, row, known);
                    assert!(f64::from(at_most) >= truth && f64::from(nearer) >= truth);
                    assert!(f64::from(nearer) < truth + 0.2, "{dim}: {nearer} {truth}");
                    codes.code_of_row(7, &mut query);
                    let from_row = 1.0 - f64::from(codes.distance(&query, row));
                    assert!((from_row - truth).abs() < 0.03, "{dim}: {from_row} {truth}");
                }
            }
        }
    }

    #[test]
    fn a_row_of_zeros_is_at_distance_1_from_everything() {
        let table = table_of(&[vec![0.0, 0.0], vec![3.0, 4.0]]);
        let codes = Codes::new(&table).unwrap();
        let mut query = QueryCode::default();
        codes.code(&[0.6, 0.8], &mut query);
        assert!((codes.distance(&query, 0) - 1.0).abs() < 1e-6);
        assert!(codes.distance(&query, 1) < 2e-2);
        codes.code_of_row(0, &mut query);
        assert!((codes.distance(&query, 0) - 1.0).abs() < 1e-6);
    }
}
