//! What looks near by its codes is compared as bytes, and what is near then, as imported.
//!
//! Rows stand far apart in memory. Each step ends by asking the processor to fetch what the next one reads, so
//! that several questions can take the steps in turn: what one waits for comes while the others are at work.

use crate::index::partition::Partition;
use crate::index::partition::sought::{Asked, Sought};
use crate::index::visited::Visited;
use crate::index::{Search, SearchParams, rescore};
use crate::vector::RowId;
use crate::vector::top::Near;

/// What is being compared.
#[derive(Debug, Default)]
pub(super) struct Compared {
    seen: Visited,
    rows: Vec<u32>,
    dots: Vec<i32>,
    candidates: Vec<(f32, u32)>,
    again: Vec<RowId>,
}

impl Compared {
    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        let words = self.rows.capacity() + self.dots.capacity() + self.again.capacity();
        self.seen.memory_bytes()
            + words * size_of::<u32>()
            + self.candidates.capacity() * size_of::<(f32, u32)>()
    }
}

impl Partition {
    /// Compares what some questions found. Hits are worth a look that are at most `delta` below the last one
    /// wanted.
    pub(super) fn compare<const Q: usize>(
        &self,
        mut found: [(&Sought, i32, &mut Compared); Q],
        asked: &[Asked<'_>; Q],
    ) -> [Vec<Near>; Q] {
        for (sought, delta, compared) in &mut found {
            self.gather(sought, *delta, compared);
        }
        for ((sought, _, compared), asked) in found.iter_mut().zip(asked) {
            self.narrow(sought, compared, &asked.search.params);
        }
        std::array::from_fn(|i| {
            let Search { query, params } = asked[i].search;
            rescore(&self.table, query, params.k, found[i].2.again.drain(..))
        })
    }

    /// The rows that are worth a look, each once.
    fn gather(&self, sought: &Sought, delta: i32, compared: &mut Compared) {
        let Compared { seen, rows, .. } = compared;
        seen.clear(self.table.len());
        rows.clear();
        let (scores, slots) = sought.hits.parts();
        let least = sought.top.last().saturating_sub(delta);
        for (&score, &slot) in scores.iter().zip(slots) {
            if score >= least {
                let row = self.leaves.slots[slot as usize];
                if seen.insert(row) {
                    self.codes.prefetch_head(row);
                    self.codes.prefetch_tail(row);
                    rows.push(row);
                }
            }
        }
    }

    /// Those that are near by their bytes too, and their equals.
    fn narrow(&self, sought: &Sought, compared: &mut Compared, params: &SearchParams<'_>) {
        let Compared { rows, dots, candidates, again, .. } = compared;
        self.codes.distances(&sought.code, rows, dots, candidates);
        // Each of them may answer, or an equal one.
        let wanted = params.k.max(1);
        if wanted < candidates.len() {
            let order = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0);
            let (_, last, _) = candidates.select_nth_unstable_by(wanted - 1, order);
            // What bytes lose is hardly ever more than a step of the query's.
            let limit = last.0 + 2.0 * sought.code.step();
            candidates.retain(|&(distance, _)| distance <= limit);
        }
        // Of rows that are equal the first ones come first.
        let may_answer = |row: &RowId| params.may_answer(*row);
        let with_equals = |row| self.followers.with(row).map(RowId).filter(may_answer).take(wanted);
        again.clear();
        again.extend(candidates.iter().flat_map(|&(_, row)| with_equals(row)));
        for &row in &*again {
            self.table.prefetch(row);
        }
    }
}
