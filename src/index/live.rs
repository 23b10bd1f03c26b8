//! `Live`: an index of a table together with what was written since.

use crate::index::{Found, Index, IndexKind, SearchParams};
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::kernel;
use crate::vector::row_set::RowSet;
use crate::vector::top::{Near, TopK};

/// Asks an index of the base for rows that are as they were, compares every row that was written
/// since, and joins the two. Recall is that of the base's index.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    base: &'a dyn Index,
    view: &'a View,
}

/// Lengths between which a product of single floats neither overflows nor loses digits.
const NORM_MIN: f32 = 1e-25;
const NORM_MAX: f32 = 1e30;

impl<'a> Live<'a> {
    /// `base` is an index of the view's base.
    pub fn new(base: &'a dyn Index, view: &'a View) -> Self {
        Self { base, view }
    }

    fn search_base(&self, query: &[f32], params: &SearchParams<'_>) -> Found {
        let intact = self.view.intact();
        if intact.is_empty() {
            return Found { nears: Vec::new(), by: IndexKind::Exact };
        }
        let both: RowSet;
        let allowed = match params.allowed {
            allowed if intact.len() == self.view.base().len() => allowed,
            None => Some(intact),
            Some(allowed) => {
                both = {
                    let mut both = intact.clone();
                    both.intersect(allowed);
                    both
                };
                Some(&both)
            }
        };
        let of_base = |rows: &[RowId]| -> Vec<RowId> {
            rows.iter().copied().filter(|&row| intact.has(row)).collect()
        };
        let (exclude, seeds) = (of_base(params.exclude), of_base(params.seeds));
        let row = params.row.filter(|&row| intact.has(row));
        let params = SearchParams { exclude: &exclude, seeds: &seeds, allowed, row, ..*params };
        self.base.search(query, &params)
    }

    /// Written rows that may be among the `k` nearest, if none below `floor` is: those that no
    /// rounding of single precision rules out.
    fn candidates(&self, query: &[f32], params: &SearchParams<'_>, floor: f32) -> Vec<RowId> {
        // One rounding a component, and a few more.
        let error = (self.view.dim() + 8) as f32 * f32::EPSILON;
        let mut top = TopK::new(params.k);
        let mut near = Vec::new();
        for (row, vector, norm) in self.view.written() {
            let similarity = if (NORM_MIN..=NORM_MAX).contains(&norm) {
                kernel::dot(vector, query) / norm
            } else {
                exactly(self.view, row, query)
            };
            let least = floor.max(top.threshold() - error) - error;
            if similarity >= least && params.may_answer(row) {
                top.push(Near { row, similarity });
                near.push(Near { row, similarity });
            }
        }
        let least = floor.max(top.threshold() - error) - error;
        near.retain(|near| near.similarity >= least);
        near.into_iter().map(|near| near.row).collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1 in size")]
fn exactly(view: &View, row: RowId, query: &[f32]) -> f32 {
    view.similarity(row, query) as f32
}

impl Index for Live<'_> {
    fn search(&self, query: &[f32], params: &SearchParams<'_>) -> Found {
        if self.view.is_base() {
            return self.base.search(query, params);
        }
        let params = SearchParams { k: params.k.min(self.view.len()), ..*params };
        let Found { mut nears, by } = self.search_base(query, &params);
        if params.k == 0 {
            return Found { nears, by };
        }
        let farthest = nears.last().filter(|_| nears.len() == params.k);
        let floor = farthest.map_or(f32::NEG_INFINITY, |farthest| farthest.similarity);
        for row in self.candidates(query, &params, floor) {
            nears.push(Near { row, similarity: exactly(self.view, row, query) });
        }
        nears.sort_unstable();
        nears.truncate(params.k);
        Found { nears, by }
    }

    fn memory_bytes(&self) -> usize {
        self.base.memory_bytes()
    }
}
