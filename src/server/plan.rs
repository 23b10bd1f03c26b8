//! `Plan`: what found the rows of an answer, noted where the answer says so with the table that gave it, for those who
//! count calls and tell slow ones.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use parking_lot::Mutex;

use crate::index::IndexKind;
use crate::query::AnsweredBy;
use crate::table::meta::TableName;

/// Every kind of answer, and what it is called.
pub(super) const KINDS: [(IndexKind, &str); 4] = [
    (IndexKind::Exact, "exact"),
    (IndexKind::List, "list"),
    (IndexKind::Graph, "graph"),
    (IndexKind::Partition, "partition"),
];

/// Tables of one call that are noted with their plans.
const TABLES_NOTED_MAX: usize = 8;

thread_local! {
    /// Of the answer that becomes a message on this thread.
    static NOTED: RefCell<Noted> = const { RefCell::new(Noted::NONE) };
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

/// What was noted of an answer, or of several together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Noted {
    /// Of all tables.
    pub(super) plan: Plan,
    /// Of each of the first tables, by its own name.
    pub(super) tables: Vec<(TableName, Plan)>,
}

impl Noted {
    const NONE: Self = Self { plan: Plan::NONE, tables: Vec::new() };

    fn add(&mut self, plan: Plan, table: &TableName) {
        self.plan = self.plan.with(plan);
        if let Some((_, noted)) = self.tables.iter_mut().find(|(noted, _)| noted == table) {
            *noted = noted.with(plan);
        } else if self.tables.len() < TABLES_NOTED_MAX {
            self.tables.push((table.clone(), plan));
        }
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

/// An answer says what found it, and in which table.
pub(super) fn note(by: AnsweredBy, table: &TableName) {
    NOTED.with_borrow_mut(|noted| noted.add(Plan::of(by), table));
}

/// Makes a message of an answer, and tells what was noted meanwhile.
pub(super) fn noted<M>(make: impl FnOnce() -> M) -> (M, Noted) {
    NOTED.set(Noted::NONE);
    let made = make();
    (made, NOTED.take())
}

/// The plan of a call, which has several if it asks much at once. It is only read to be told, so no order is needed.
#[derive(Debug, Default)]
pub(super) struct Plans {
    kinds: AtomicU8,
    ef_search: AtomicU32,
    /// Of each of the first tables.
    tables: Mutex<Vec<(TableName, Plan)>>,
}

impl Plans {
    /// What was noted of an answer; its tables wait until the call has ended.
    pub(super) fn note(&self, noted: Noted) {
        self.add(noted.plan);
        let mut tables = self.tables.lock();
        if tables.is_empty() {
            *tables = noted.tables;
            return;
        }
        let mut all = Noted { plan: Plan::NONE, tables: std::mem::take(&mut *tables) };
        for (table, plan) in &noted.tables {
            all.add(*plan, table);
        }
        *tables = all.tables;
    }

    /// The tables that were noted, with their plans, once.
    pub(super) fn take_tables(&self) -> Vec<(TableName, Plan)> {
        std::mem::take(&mut self.tables.lock())
    }

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
        let table = |name: &str| TableName::try_from(name.to_owned()).unwrap();
        let (en, de) = (table("en"), table("de"));
        let ((), one) = noted(|| note(by(IndexKind::Partition, Some(64)), &de));
        assert_eq!(one.plan.to_string(), "partition ef_search=64");
        let ((), two) = noted(|| {
            note(AnsweredBy::EXACT, &en);
            note(by(IndexKind::Graph, Some(16)), &en);
            note(AnsweredBy::EXACT, &de);
        });
        let plans = Plans::default();
        assert_eq!(plans.all().to_string(), "");
        plans.note(two);
        plans.note(one);
        assert_eq!(plans.all().to_string(), "exact,graph,partition ef_search=64");
        assert_eq!(plans.all().places().collect::<Vec<_>>(), [0, 2, 3]);
        let told = |(table, plan): (TableName, Plan)| format!("{table}: {plan}");
        let tables: Vec<_> = plans.take_tables().into_iter().map(told).collect();
        assert_eq!(tables, ["en: exact,graph ef_search=16", "de: exact,partition ef_search=64"]);
        assert!(plans.take_tables().is_empty(), "once");
        assert_eq!(noted(|| ()).1, Noted::default(), "nothing of before is left");
        let many: Vec<_> = (0..99).map(|i| table(&format!("t{i}"))).collect();
        let ((), all) = noted(|| {
            for table in &many {
                note(AnsweredBy::EXACT, table);
            }
        });
        assert_eq!(all.tables.len(), TABLES_NOTED_MAX);
    }
}
