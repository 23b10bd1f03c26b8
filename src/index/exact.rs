//! `Exact`: compares every row.

use std::sync::Arc;

use crate::index::codes::{Bounds, Codes, QueryCode};
use crate::index::{Found, Index, IndexKind, SearchParams, Within, rescore};
use crate::table::Table;
use crate::vector::RowId;
use crate::vector::kernel::{self, lanes};
use crate::vector::row_set::RowSet;
use crate::vector::top::{Near, TopK};

/// Compares every row, in bytes or in single precision, and those that may be answers once more in
/// double precision; the answer is what comparing every row in double precision would give.
#[derive(Debug)]
pub struct Exact {
    table: Arc<Table>,
    codes: Option<Arc<Codes>>,
}

/// Rows kept beyond the answer at first, and the share of the answer that is added to them.
const SLACK: usize = 16;
const SLACK_SHARE: usize = 8;
/// Rows whose codes are read at once where not all may answer.
const ROWS_AT_ONCE: usize = 64;
/// How many times more rows are kept each time that the slack was too little.
const WIDEN: usize = 8;

impl Exact {
    /// An index of this table; nothing is built.
    pub fn new(table: Arc<Table>) -> Self {
        Self { table, codes: None }
    }

    /// An index that reads the rows' codes in place of most rows.
    pub(super) fn with_codes(table: Arc<Table>, codes: Arc<Codes>) -> Self {
        Self { table, codes: Some(codes) }
    }

    /// Searches where no row of the answer is known to be below `floor`.
    pub(super) fn search_beyond(
        &self,
        query: &[f32],
        params: &SearchParams<'_>,
        floor: f32,
    ) -> Found {
        let nears = match &self.codes {
            Some(codes) => self.scan_codes(codes, query, params, floor),
            None => self.scan_rows(query, params),
        };
        Found { nears, by: IndexKind::Exact }
    }

    /// Compares codes, whose bounds prove that what is left out is no answer.
    fn scan_codes(
        &self,
        codes: &Codes,
        query: &[f32],
        params: &SearchParams<'_>,
        floor: f32,
    ) -> Vec<Near> {
        let mut code = QueryCode::default();
        codes.code(query, &mut code);
        let bounds = codes.bounds(&code);
        let norm = lanes::norm(query);
        let mut top = TopK::new(params.k.min(self.table.len()));
        let mut reader = self.table.reader();
        let mut near = |row: u32, known: f32| {
            let threshold = top.threshold().max(floor);
            let at_most = codes.whole_bound(&code, &bounds, row, known);
            let row = RowId(row);
            if at_most < threshold || !params.may_answer(row) {
                return threshold;
            }
            #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1")]
            let similarity = lanes::cosine_of(reader.row(row), query, norm) as f32;
            top.push(Near { row, similarity });
            top.threshold().max(floor)
        };
        match params.allowed {
            Some(allowed) if floor == f32::NEG_INFINITY => {
                let mut threshold = floor;
                for (at_most, row) in self.promising(codes, (&code, &bounds), params, allowed) {
                    if at_most >= threshold {
                        threshold = near(row, codes.head_bound(&code, &bounds, row).0);
                    }
                }
            }
            Some(_) | None => {
                let rows = 0..u32::try_from(self.table.len()).unwrap_or(u32::MAX);
                codes.bound_each(&code, &bounds, rows, floor, near);
            }
        }
        top.into_sorted()
    }

    /// Of the rows that may answer those that are in the answer as far as their codes tell, the most
    /// promising first, each with the most that its similarity can be.
    fn promising(
        &self,
        codes: &Codes,
        (code, bounds): (&QueryCode, &Bounds),
        params: &SearchParams<'_>,
        allowed: &RowSet,
    ) -> Vec<(f32, u32)> {
        // So many rows are at least as similar as the last of these.
        let mut least = TopK::new(params.k.min(allowed.len()));
        let (mut dots, mut distances, mut promising) = (Vec::new(), Vec::new(), Vec::new());
        let mut read = |rows: &mut Vec<u32>| {
            codes.distances(code, rows, &mut dots, &mut distances);
            for &(distance, row) in &distances {
                let (similarity, error) = (1.0 - distance, codes.error(bounds, row));
                if similarity + error >= least.threshold() && !params.exclude.contains(&RowId(row))
                {
                    promising.push((similarity + error, row));
                    least.push(Near { row: RowId(row), similarity: similarity - error });
                }
            }
            rows.clear();
        };
        let mut rows = Vec::with_capacity(ROWS_AT_ONCE);
        allowed.rows().filter(|&row| self.table.has(row)).for_each(|RowId(row)| {
            codes.prefetch_head(row);
            codes.prefetch_tail(row);
            rows.push(row);
            if rows.len() == ROWS_AT_ONCE {
                read(&mut rows);
            }
        });
        read(&mut rows);
        promising.retain(|&(at_most, _)| at_most >= least.threshold());
        promising.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        promising
    }

    /// Compares rows in single precision.
    fn scan_rows(&self, query: &[f32], params: &SearchParams<'_>) -> Vec<Near> {
        let k = params.k.min(self.table.len());
        let mut keep = k + SLACK + k / SLACK_SHARE;
        loop {
            let kept = self.scan(query, keep, params);
            // A row that was not kept is at most this similar.
            let missed = match kept.last() {
                Some(farthest) if kept.len() == keep => farthest.similarity + self.error_max(),
                Some(_) | None => f32::NEG_INFINITY,
            };
            let answer = rescore(&self.table, query, k, kept.iter().map(|near| near.row));
            if answer.last().is_none_or(|farthest| farthest.similarity > missed) {
                return answer;
            }
            keep = keep.saturating_mul(WIDEN);
        }
    }

    /// The `keep` nearest in single precision.
    fn scan(&self, query: &[f32], keep: usize, params: &SearchParams<'_>) -> Vec<Near> {
        let (mut top, mut reader) = (TopK::new(keep), self.table.reader());
        for row in (0..).map(RowId).take(self.table.len()) {
            let norm = self.table.norm(row);
            let similarity = if kernel::IS_PLAIN.contains(&norm) {
                kernel::dot(reader.row(row), query) / norm
            } else {
                #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1")]
                let exact = self.table.similarity(row, query) as f32;
                exact
            };
            if similarity >= top.threshold() && params.may_answer(row) {
                top.push(Near { row, similarity });
            }
        }
        top.into_sorted()
    }

    /// The most by which a similarity in single precision can be wrong: one rounding a component,
    /// and a few more.
    fn error_max(&self) -> f32 {
        (self.table.dim() + 8) as f32 * f32::EPSILON
    }
}

impl Index for Exact {
    fn search(&self, query: &[f32], params: &SearchParams<'_>) -> Found {
        if params.k == 0 {
            return Found { nears: Vec::new(), by: IndexKind::Exact };
        }
        self.search_beyond(query, params, f32::NEG_INFINITY)
    }

    fn within(&self, query: &[f32], least: f32, params: &SearchParams<'_>) -> Within {
        let norm = lanes::norm(query);
        let mut top = TopK::new(params.k);
        let (mut count, mut reader) = (0, self.table.reader());
        let mut compare = |row: RowId| {
            #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1")]
            let similarity = lanes::cosine_of(reader.row(row), query, norm) as f32;
            if similarity >= least && params.may_answer(row) {
                count += 1;
                top.push(Near { row, similarity });
            }
        };
        if let Some(codes) = &self.codes {
            let mut code = QueryCode::default();
            codes.code(query, &mut code);
            let bounds = codes.bounds(&code);
            let rows = 0..u32::try_from(self.table.len()).unwrap_or(u32::MAX);
            codes.bound_each(&code, &bounds, rows, least, |row, known| {
                if codes.whole_bound(&code, &bounds, row, known) >= least {
                    compare(RowId(row));
                }
                least
            });
        } else {
            let (floor, mut reader) = (least - self.error_max(), self.table.reader());
            for row in (0..).map(RowId).take(self.table.len()) {
                let norm = self.table.norm(row);
                let is_plain = kernel::IS_PLAIN.contains(&norm);
                if !is_plain || kernel::dot(reader.row(row), query) / norm >= floor {
                    compare(row);
                }
            }
        }
        Within { nears: top.into_sorted(), count }
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Search;
    use crate::index::batch::{self, Asked};
    use crate::index::tests::{clustered, naive, table_of};
    use crate::vector::algebra::unit;

    fn check(rows: &[Vec<f32>], query: &[f32], k: usize, exclude: &[RowId]) {
        let table = Arc::new(table_of(rows));
        let params = SearchParams { exclude, ..SearchParams::new(k, 1) };
        let query = unit(query).unwrap();
        let answer = Exact::new(Arc::clone(&table)).search(&query, &params).nears;
        let truth = naive(&table, &query, k, exclude);
        assert_eq!(answer, truth);
        let by_codes = Exact::with_codes(Arc::clone(&table), Arc::new(Codes::new(&table).unwrap()));
        assert_eq!(by_codes.search(&query, &params).nears, truth);
        let all = naive(&table, &query, rows.len(), exclude);
        for least in all.iter().step_by(all.len() / 4 + 1).map(|near| near.similarity) {
            let count = all.iter().filter(|near| near.similarity >= least).count();
            let nears = all[..count.min(k)].to_vec();
            for exact in [&Exact::new(Arc::clone(&table)), &by_codes] {
                assert_eq!(
                    exact.within(&query, least, &params),
                    Within { nears: nears.clone(), count }
                );
            }
        }
        let floor = match truth.last() {
            Some(farthest) if truth.len() == k => farthest.similarity,
            Some(_) | None => f32::NEG_INFINITY,
        };
        assert_eq!(by_codes.search_beyond(&query, &params, floor).nears, truth);
        let search = Search { query: &query, params };
        for floor in [f32::NEG_INFINITY, floor] {
            let asked = [Asked { search, floor }, Asked { search, floor }];
            let codes = by_codes.codes.as_ref().unwrap();
            assert_eq!(batch::search(&table, codes, &asked), [truth.clone(), truth.clone()]);
        }
    }

    #[test]
    fn answers_equal_those_in_double_precision() {
        for (dim, count) in [(1, 50), (2, 500), (7, 3_000), (100, 2_000), (16_384, 60)] {
            let rows = clustered(count, dim, 3);
            for k in [0, 1, 10, 100] {
                check(&rows, &rows[1], k, &[]);
                check(&rows, &rows[2], k, &[RowId(2), RowId(0), RowId(2), RowId(9_999_999)]);
            }
        }
    }

    #[test]
    fn zero_rows_duplicates_and_ties_come_in_row_order() {
        let mut rows = clustered(30, 5, 8);
        for i in 0..400 {
            rows.push(if i % 2 == 0 { vec![0.0; 5] } else { rows[4].clone() });
        }
        for k in [1, 5, 150, 201, 210, 430, 500] {
            check(&rows, &rows[4], k, &[]);
            check(&rows, &rows[7], k, &[RowId(31), RowId(33)]);
        }
    }

    #[test]
    fn near_ties_that_single_precision_cannot_tell_apart_are_told_apart() {
        let close = |i: u16, j: u16| 1.0 + f32::from((i % 251 * 37 + j * 11) % 251) * 1e-6;
        let rows: Vec<Vec<f32>> =
            (0..3_000).map(|i| (0..64).map(|j| close(i, j)).collect()).collect();
        check(&rows, &[1.0; 64], 10, &[]);
    }

    #[test]
    fn huge_and_tiny_values_neither_overflow_nor_vanish() {
        let mut rows = clustered(200, 12, 4);
        for (row, factor) in rows.iter_mut().zip([3e37, 1e-38, 1e-44, 1.0].into_iter().cycle()) {
            for value in row {
                *value *= factor;
            }
        }
        rows.push(vec![f32::MAX; 12]);
        rows.push(vec![-f32::MAX; 12]);
        rows.push(vec![f32::from_bits(1); 12]);
        check(&rows, &[1.0; 12], 20, &[]);
        check(&rows, &rows[3], 203, &[]);
    }
}
