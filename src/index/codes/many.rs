//! Many queries by many rows: rows laid side by side, and queries as fine as the machine compares them.

use crate::index::codes::{Bounds, Codes, QueryCode, length, rounded};
use crate::vector::kernel::blocks::{self, Group};
use crate::vector::kernel::tile::{self, GROUP, Hits, Precision, ROWS, Reach};

/// Rows side by side, to be compared with many queries.
pub(in crate::index) struct SideBySide {
    groups: Vec<Group>,
    /// One divided by each row's scale.
    inverses: [f32; ROWS],
}

/// A query's bytes for rows side by side.
#[derive(Clone, Debug)]
pub(in crate::index) struct ManyCode {
    bytes: Vec<i8>,
    /// What a dot product is too high by because a row's zero is not 0, as a negative number, and by how many
    /// units it may be too low because of the row.
    start: i32,
    /// Units of a dot product for each similarity and each unit of a row's scale.
    units: f32,
    /// By how much a similarity may be too low because of the query.
    slack: f32,
}

impl Codes {
    /// Room for rows side by side.
    pub(in crate::index) fn side_by_side(&self) -> SideBySide {
        let groups = vec![Group::of(0); self.tile_len() / GROUP];
        SideBySide { groups, inverses: [0.0; ROWS] }
    }

    /// Lays rows side by side, on some machines with one bit less each; past the last row, what was
    /// there before stays.
    pub(in crate::index) fn lay_rows(&self, first: u32, laid: &mut SideBySide) {
        let halves = Precision::here() != Precision::WHOLE;
        let end = u32::try_from(self.rows.min(first as usize + ROWS)).unwrap_or(u32::MAX);
        let SideBySide { groups, inverses } = laid;
        let (heads, tails) = groups.split_at_mut(self.tile_head() / GROUP);
        blocks::fill(heads, self.heads.some(first, end), self.heads.stride, halves);
        if self.tails.stride > 0 {
            blocks::fill(tails, self.tails.some(first, end), self.tails.stride, halves);
        }
        for (inverse, row) in inverses.iter_mut().zip(first..end) {
            *inverse = self.step(row).max(f32::MIN_POSITIVE).recip();
        }
    }

    /// A query's bytes for rows that [`Codes::lay_rows`] laid, as fine as this machine compares them.
    ///
    /// A row's byte t stands for the component `(t - 128) * scale`, of which half a step was lost in the
    /// row's code. Where it has one bit less it stands for `(2 t + 1/2 - 128) * scale`, and half a step
    /// more was lost.
    pub(in crate::index) fn many_code(&self, query: &QueryCode, bounds: &Bounds) -> ManyCode {
        let largest = query.turned.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let precision = Precision::here();
        let most = f32::from(precision.query_max);
        let per_step = if largest > 0.0 { most / largest } else { 0.0 };
        let step = largest / most;
        let codes: Vec<i8> = query.turned.iter().map(|value| rounded(value * per_step)).collect();
        let missed = query.turned.iter().zip(&codes);
        let missed: Vec<f32> =
            missed.map(|(value, &code)| value - f32::from(code) * step).collect();
        let error = length(&missed);
        let sum: i32 = codes.iter().map(|&byte| i32::from(byte)).sum();
        let size: u32 = codes.iter().map(|&byte| u32::from(byte.unsigned_abs())).sum();
        #[expect(clippy::cast_precision_loss, reason = "below 2^24 for all but the widest rows")]
        let (sum_f, size) = (sum as f32, size as f32);
        let units = step.max(f32::MIN_POSITIVE).recip();
        let (units, too_low) = if precision == Precision::WHOLE {
            // By the inequality of Cauchy and Schwarz, which is less than half of `size`.
            let length = bounds.head.hypot(bounds.tail) + error;
            (units, bounds.head_steps.hypot(bounds.tail_steps) * length * units)
        } else {
            (0.5 * units, 0.5 * size + 0.25 * sum_f)
        };
        #[expect(clippy::cast_possible_truncation, reason = "at most the bytes of a query")]
        let too_low = too_low.ceil() as i32;
        ManyCode {
            bytes: self.lay(codes.into_iter(), 0),
            start: too_low - i32::from(precision.row_zero) * sum,
            units,
            slack: error + bounds.rounding,
        }
    }
}

impl SideBySide {
    /// Which rows may be as near to each query as it wants; whole [`QUERIES`](tile::QUERIES) of them.
    pub(in crate::index) fn reached(&self, queries: &[Reach<'_>], hits: &mut Vec<Hits>) {
        tile::reached(&self.groups, &self.inverses, queries, hits);
    }
}

impl ManyCode {
    /// Asks for rows no less near than this: a row that is not hit is less near.
    pub(in crate::index) fn reach(&self, threshold: f32) -> Reach<'_> {
        let Self { bytes, start, units, slack } = self;
        Reach { bytes, start: *start, factor: (threshold - slack) * units }
    }

    /// Hits nothing.
    pub(in crate::index) fn idle(&self) -> Reach<'_> {
        Reach { bytes: &self.bytes, start: 0, factor: f32::INFINITY }
    }
}
