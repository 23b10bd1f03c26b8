//! `Live`: an index of a table together with what was written since.

use crate::index::{Found, Index, IndexKind, Search, SearchParams, Within};
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

impl<'a> Live<'a> {
    /// `base` is an index of the view's base.
    pub fn new(base: &'a dyn Index, view: &'a View) -> Self {
        Self { base, view }
    }

    /// Asks the base for rows that are as they were; none if there is no such row.
    fn of_base<T>(
        &self,
        params: &SearchParams<'_>,
        ask: impl FnOnce(&SearchParams<'_>) -> T,
    ) -> Option<T> {
        let intact = self.view.intact();
        if intact.is_empty() {
            return None;
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
        let rows = Rows::of(params, intact);
        Some(ask(&SearchParams { allowed, ..rows.params(params) }))
    }

    /// What the base found, and what was written.
    fn joined(&self, query: &[f32], params: &SearchParams<'_>, of_base: Found) -> Found {
        let Found { mut nears, by } = of_base;
        if params.k == 0 {
            return Found { nears, by };
        }
        let farthest = nears.last().filter(|_| nears.len() == params.k);
        let floor = farthest.map_or(f32::NEG_INFINITY, |farthest| farthest.similarity);
        for row in self.candidates(query, params, floor) {
            nears.push(Near { row, similarity: exactly(self.view, row, query) });
        }
        nears.sort_unstable();
        nears.truncate(params.k);
        Found { nears, by }
    }

    /// Written rows that may be among the `k` nearest, if none below `floor` is: those that no
    /// rounding of single precision rules out.
    fn candidates(&self, query: &[f32], params: &SearchParams<'_>, floor: f32) -> Vec<RowId> {
        // One rounding a component, and a few more.
        let error = (self.view.dim() + 8) as f32 * f32::EPSILON;
        let mut top = TopK::new(params.k);
        let mut near = Vec::new();
        for (row, vector, norm) in self.view.written() {
            let similarity = if kernel::IS_PLAIN.contains(&norm) {
                kernel::dot(&vector, query) / norm
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

/// The rows that a question names, of those that are as they were.
struct Rows {
    exclude: Vec<RowId>,
    seeds: Vec<RowId>,
    row: Option<RowId>,
}

impl Rows {
    fn of(params: &SearchParams<'_>, intact: &RowSet) -> Self {
        let of_base = |rows: &[RowId]| -> Vec<RowId> {
            rows.iter().copied().filter(|&row| intact.has(row)).collect()
        };
        Self {
            exclude: of_base(params.exclude),
            seeds: of_base(params.seeds),
            row: params.row.filter(|&row| intact.has(row)),
        }
    }

    fn params<'a>(&'a self, params: &SearchParams<'a>) -> SearchParams<'a> {
        SearchParams { exclude: &self.exclude, seeds: &self.seeds, row: self.row, ..*params }
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
        let found = self.of_base(&params, |params| self.base.search(query, params));
        let nothing = Found { nears: Vec::new(), by: IndexKind::Exact };
        self.joined(query, &params, found.unwrap_or(nothing))
    }

    fn within(&self, query: &[f32], least: f32, params: &SearchParams<'_>) -> Within {
        if self.view.is_base() {
            return self.base.within(query, least, params);
        }
        let found = self.of_base(params, |params| self.base.within(query, least, params));
        let Within { mut nears, mut count } =
            found.unwrap_or(Within { nears: Vec::new(), count: 0 });
        // The written rows are few: a twentieth of the table at most.
        for (row, _, _) in self.view.written().filter(|(row, _, _)| params.may_answer(*row)) {
            let similarity = exactly(self.view, row, query);
            if similarity >= least {
                count += 1;
                nears.push(Near { row, similarity });
            }
        }
        nears.sort_unstable();
        nears.truncate(params.k);
        Within { nears, count }
    }

    fn search_batch(&self, searches: &[Search<'_>]) -> Vec<Found> {
        if self.view.is_base() {
            return self.base.search_batch(searches);
        }
        let intact = self.view.intact();
        // A filter of its own would need a set of rows for each question.
        let is_alone = |search: &Search<'_>| search.params.allowed.is_some() || intact.is_empty();
        let together: Vec<Search<'_>> =
            searches.iter().copied().filter(|search| !is_alone(search)).collect();
        let rows: Vec<Rows> =
            together.iter().map(|search| Rows::of(&search.params, intact)).collect();
        let allowed = (intact.len() < self.view.base().len()).then_some(intact);
        let k_max = self.view.len();
        let asked: Vec<Search<'_>> = together
            .iter()
            .zip(&rows)
            .map(|(search, rows)| {
                let k = search.params.k.min(k_max);
                let params = SearchParams { k, allowed, ..rows.params(&search.params) };
                Search { query: search.query, params }
            })
            .collect();
        let mut found = self.base.search_batch(&asked).into_iter();
        let answer = |search: &Search<'_>| {
            let of_base = if is_alone(search) { None } else { found.next() };
            let Search { query, params } = search;
            match of_base {
                Some(of_base) => {
                    let params = SearchParams { k: params.k.min(k_max), ..*params };
                    self.joined(query, &params, of_base)
                }
                None => self.search(query, params),
            }
        };
        searches.iter().map(answer).collect()
    }

    fn memory_bytes(&self) -> usize {
        self.base.memory_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::index::Watch;
    use crate::index::exact::Exact;
    use crate::index::hnsw::{self, BuildParams};
    use crate::index::tests::{clustered, table_of};
    use crate::table::attributes::Attributes;
    use crate::table::change::Change;
    use crate::vector::algebra::unit;

    struct Unwatched;

    impl Watch for Unwatched {
        fn progress(&self, _share: f32) {}

        fn is_cancelled(&self) -> bool {
            false
        }
    }

    /// 3,000 rows, of which a seventh is overwritten, a ninth deleted, and to which 300 are added;
    /// some of the new ones are equal, or all zeros.
    fn written() -> View {
        let view = View::new(Arc::new(table_of(&clustered(3_000, 16, 5))), 0);
        let fresh = clustered(1_000, 16, 6);
        let vector = |i: usize| match i % 50 {
            0 => vec![0.0; 16],
            1 => fresh[1].clone(),
            _ => fresh[i % fresh.len()].clone(),
        };
        let put = |i: usize| Change::Put {
            word: format!("w{i}").into_bytes(),
            vector: vector(i),
            attributes: Attributes::new(),
        };
        let delete = |i: usize| Change::Delete { word: format!("w{i}").into_bytes() };
        let first: Vec<_> = (0..3_000).step_by(7).chain(3_000..3_300).map(put).collect();
        let second: Vec<_> = (0..3_300).step_by(9).map(delete).collect();
        let third: Vec<_> = [0, 9, 3_006].into_iter().map(put).collect();
        [first, second, third].iter().fold(view, |view, changes| view.after(changes).unwrap())
    }

    fn naive(view: &View, query: &[f32], params: &SearchParams<'_>) -> Vec<Near> {
        let near = |row| Near { row, similarity: exactly(view, row, query) };
        let mut nears: Vec<_> =
            view.rows().filter(|&row| params.may_answer(row)).map(near).collect();
        nears.sort_unstable();
        nears.truncate(params.k);
        nears
    }

    #[test]
    fn with_an_exact_base_it_answers_as_comparing_every_row_would() {
        let view = written();
        let exact = Exact::new(Arc::clone(view.base()));
        let live = Live::new(&exact, &view);
        let mut even = RowSet::none(view.rows_end());
        (0..view.rows_end())
            .step_by(2)
            .for_each(|row| _ = even.insert(RowId::try_from(row).unwrap()));
        let inputs = [RowId(7), RowId(9), RowId(3_001), RowId(3_299), RowId(9_999_999)];
        for row in [RowId(1), RowId(7), RowId(3_001), RowId(3_298)] {
            let query = unit(&view.vector(row)).unwrap();
            for (k, allowed) in
                [(0, None), (1, None), (10, None), (400, None), (10, Some(&even)), (9_999, None)]
            {
                let params = SearchParams {
                    exclude: &inputs,
                    allowed,
                    row: Some(row),
                    seeds: &inputs,
                    ..SearchParams::new(k, 1)
                };
                let found = live.search(&query, &params);
                assert_eq!(found.nears, naive(&view, &query, &params), "row {row}, k {k}");
                assert_eq!(found.by, IndexKind::Exact);
                let search = Search { query: &query, params };
                assert_eq!(live.search_batch(&[search, search])[1], found);
                let mut all = naive(&view, &query, &SearchParams { k: usize::MAX, ..params });
                all.retain(|near| near.similarity >= 0.3);
                let within = live.within(&query, 0.3, &params);
                assert_eq!(within.count, all.len());
                all.truncate(k);
                assert_eq!(within.nears, all);
            }
        }
    }

    #[test]
    fn with_a_graph_it_finds_nearly_all_and_nothing_that_is_gone() {
        let view = written();
        let params = BuildParams { m: 6, ef_construction: 18, threads: 1 };
        let graph = hnsw::build(view.base(), params, &Unwatched).unwrap();
        let live = Live::new(&graph, &view);
        let (mut found, mut wanted) = (0, 0);
        for row in view.rows().step_by(20) {
            let exclude = [row];
            let query = view.unit(row);
            let params =
                SearchParams { exclude: &exclude, row: Some(row), ..SearchParams::new(10, 64) };
            let answer = live.search(&query, &params).nears;
            let truth = naive(&view, &query, &params);
            assert!(answer.iter().all(|near| view.has(near.row) && near.row != row));
            found += truth.iter().filter(|near| answer.contains(near)).count();
            wanted += truth.len();
        }
        assert!(found * 100 >= wanted * 95, "{found} of {wanted} found");
    }
}
