//! Many questions at once, answered by comparing every row.
//!
//! Codes of rows are laid side by side, 64 at a time, and compared with six questions at once; the few
//! pairs that bounds do not rule out are compared as one question alone would compare them, so the
//! answers are the same. Here tails are worth reading at once: to judge by heads alone, as for one
//! question, left so many pairs that looking at them took longer.

use crate::index::Search;
use crate::index::codes::{Bounds, Codes, ManyCode, QueryCode};
use crate::table::Table;
use crate::vector::RowId;
use crate::vector::kernel::lanes;
use crate::vector::kernel::tile::{QUERIES, ROWS, Reach};
use crate::vector::row_set::RowSet;
use crate::vector::top::{Near, TopK};

/// Questions that are compared with rows side by side while both are in the second-level cache.
const AT_ONCE: usize = 2_048;

/// One of many questions.
pub(super) struct Asked<'a> {
    /// What is asked.
    pub search: Search<'a>,
    /// Rows less near than this are known to be no answers.
    pub floor: f32,
}

struct Question<'a> {
    asked: &'a Asked<'a>,
    norm: f64,
    bounds: Bounds,
    top: TopK,
}

/// The nearest rows of each question, nearest first, ties in row order.
pub(super) fn search(table: &Table, codes: &Codes, asked: &[Asked<'_>]) -> Vec<Vec<Near>> {
    asked.chunks(AT_ONCE).flat_map(|asked| search_some(table, codes, asked)).collect()
}

fn search_some(table: &Table, codes: &Codes, asked: &[Asked<'_>]) -> Vec<Vec<Near>> {
    let mut query_codes = vec![QueryCode::default(); asked.len()];
    let mut questions: Vec<Question<'_>> = asked
        .iter()
        .zip(&mut query_codes)
        .map(|(asked, code)| {
            codes.code(asked.search.query, code);
            let k = asked.search.params.k.min(table.len());
            let (norm, bounds) = (lanes::norm(asked.search.query), codes.bounds(code));
            Question { asked, norm, bounds, top: TopK::new(k) }
        })
        .collect();
    let many_codes: Vec<ManyCode> = query_codes
        .iter()
        .zip(&questions)
        .map(|(code, question)| codes.many_code(code, &question.bounds))
        .collect();
    let mut reaches: Vec<Reach<'_>> = many_codes
        .iter()
        .zip(&questions)
        .map(|(code, question)| code.reach(question.asked.floor))
        .collect();
    if let Some(last) = many_codes.last() {
        reaches.resize(asked.len().next_multiple_of(QUERIES), last.idle());
    }
    let allowed = allowed_by_all(asked);
    let (mut laid, mut hits) = (codes.side_by_side(), Vec::new());
    for first in (0..).step_by(ROWS).take(table.len().div_ceil(ROWS)) {
        let rows = (first..).map(RowId).take(ROWS);
        if allowed.is_some_and(|allowed| !rows.clone().any(|row| allowed.has(row))) {
            continue;
        }
        codes.lay_rows(first, &mut laid);
        laid.reached(&reaches, &mut hits);
        for (i, place) in hits.iter().flat_map(|hits| hits.pairs()) {
            let row = RowId(first + u32::try_from(place).unwrap_or(u32::MAX));
            if let Some(question) = questions.get_mut(i).filter(|_| table.has(row)) {
                question.compare(table, codes, &query_codes[i], row);
                reaches[i] = many_codes[i].reach(question.threshold());
            }
        }
    }
    questions.into_iter().map(|question| question.top.into_sorted()).collect()
}

/// The rows to which all questions are confined, if they are confined to the same.
fn allowed_by_all<'a>(asked: &[Asked<'a>]) -> Option<&'a RowSet> {
    let allowed = asked.first()?.search.params.allowed?;
    let same =
        |asked: &Asked<'_>| asked.search.params.allowed.is_some_and(|a| std::ptr::eq(a, allowed));
    asked.iter().all(same).then_some(allowed)
}

impl Question<'_> {
    fn threshold(&self) -> f32 {
        self.top.threshold().max(self.asked.floor)
    }

    fn compare(&mut self, table: &Table, codes: &Codes, code: &QueryCode, row: RowId) {
        let threshold = self.threshold();
        let (known, at_most) = codes.head_bound(code, &self.bounds, row.0);
        if at_most < threshold
            || codes.whole_bound(code, &self.bounds, row.0, known) < threshold
            || !self.asked.search.params.may_answer(row)
        {
            return;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1")]
        let similarity =
            lanes::cosine_of(&table.vector(row), self.asked.search.query, self.norm) as f32;
        self.top.push(Near { row, similarity });
    }
}
