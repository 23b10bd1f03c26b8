//! `Plan`: what found the rows of an answer, noted where the answer says so, for those who count calls and tell slow
//! ones.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use crate::index::IndexKind;
use crate::query::AnsweredBy;

/// Every kind of answer, and what it is called.
pub(super) const KINDS: [(IndexKind, &str); 4] = [
    (IndexKind::Exact, "exact"),
    (IndexKind::List, "list"),
    (IndexKind::Graph, "graph"),
    (IndexKind::Partition, "partition"),
];

thread_local! {
    /// Of the answer that becomes a message on this thread.
    static NOTED: Cell<Plan> = const { Cell::new(Plan::NONE) };
}

/// What found the rows of one answer, or of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// A bit for each of the kinds.
    kinds: u8,
    /// The widest beam; 0 for none.
    ef_search: u32,
}

impl Plan {
    const NONE: Self = Self { kinds: 0, ef_search: 0 };

    fn of(by: AnsweredBy) -> Self {
        let place = KINDS.iter().position(|(kind, _)| *kind == by.kind).unwrap_or(0);
        let ef_search = by.ef_search.map_or(0, |ef| u32::try_from(ef).unwrap_or(u32::MAX));
        Self { kinds: 1 << place, ef_search }
    }

    fn with(self, other: Self) -> Self {
        let ef_search = self.ef_search.max(other.ef_search);
        Self { kinds: self.kinds | other.kinds, ef_search }
    }

    /// The places of its kinds in `KINDS`.
    pub(super) fn places(self) -> impl Iterator<Item = usize> {
        (0..KINDS.len()).filter(move |place| self.kinds & (1 << place) != 0)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.places().map(|place| KINDS[place].1).collect();
        f.write_str(&names.join(","))?;
        if self.ef_search > 0 {
            write!(f, " ef_search={}", self.ef_search)?;
        }
        Ok(())
    }
}

/// An answer says what found it.
pub(super) fn note(by: AnsweredBy) {
    NOTED.set(NOTED.get().with(Plan::of(by)));
}

/// Makes a message of an answer, and tells what was noted meanwhile.
pub(super) fn noted<M>(make: impl FnOnce() -> M) -> (M, Plan) {
    NOTED.set(Plan::NONE);
    let made = make();
    (made, NOTED.replace(Plan::NONE))
}

/// The plan of a call, which has several if it asks much at once. It is only read to be told, so no order is needed.
#[derive(Debug, Default)]
pub(super) struct Plans {
    kinds: AtomicU8,
    ef_search: AtomicU32,
}

impl Plans {
    pub(super) fn add(&self, plan: Plan) {
        if plan.kinds != 0 {
            self.kinds.fetch_or(plan.kinds, Ordering::Relaxed);
            self.ef_search.fetch_max(plan.ef_search, Ordering::Relaxed);
        }
    }

    pub(super) fn all(&self) -> Plan {
        let (kinds, ef_search) = (&self.kinds, &self.ef_search);
        Plan { kinds: kinds.load(Ordering::Relaxed), ef_search: ef_search.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_all_that_answered() {
        let by = |kind, ef_search| AnsweredBy { kind, ef_search };
        let ((), one) = noted(|| note(by(IndexKind::Partition, Some(64))));
        assert_eq!(one.to_string(), "partition ef_search=64");
        let ((), two) = noted(|| {
            note(AnsweredBy::EXACT);
            note(by(IndexKind::Graph, Some(16)));
        });
        let plans = Plans::default();
        assert_eq!(plans.all().to_string(), "");
        plans.add(two);
        plans.add(one);
        assert_eq!(plans.all().to_string(), "exact,graph,partition ef_search=64");
        assert_eq!(plans.all().places().collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(noted(|| ()).1, Plan::default(), "nothing of before is left");
    }
}
