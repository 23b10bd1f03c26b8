//! What is counted of each table. Few have series of their own, whoever makes tables; the others are counted together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::server::metrics::Times;
use crate::server::plan::{KINDS, Plan};
use crate::table::meta::TableName;

/// What tables without series of their own are called: no table's name has a bracket.
pub(super) const OTHERS: &str = "(other)";

/// Ends of the parts into which recall is put, in thousandths; the last part has what found all.
pub(super) const SHARE_ENDS: [u64; 9] = [500, 700, 800, 900, 950, 980, 990, 999, 1_000];
/// Questions are told apart by the neighbors that they ask for, up to each of these.
pub(super) const ASKED: [usize; 3] = [1, 10, 100];

/// The tables that were asked. Each number is only read to be told, so no order is needed.
#[derive(Debug)]
pub(super) struct Tables {
    /// How many have series of their own.
    max: usize,
    named: RwLock<BTreeMap<TableName, OfTable>>,
    others: OfTable,
}

/// What is counted of one table.
#[derive(Debug, Default)]
pub(super) struct OfTable {
    /// Answers by what found them, in the order of `KINDS`.
    pub(super) plans: [Times; KINDS.len()],
    /// Recall of the answers that were looked at again, in the order of `ASKED`.
    pub(super) recalls: [Shares; ASKED.len()],
}

/// Shares, from 0 to 1.
#[derive(Debug, Default)]
pub(super) struct Shares {
    /// How many, by the part that they are in.
    parts: [AtomicU64; SHARE_ENDS.len()],
    /// Of all together.
    millionths: AtomicU64,
}

impl Shares {
    fn add(&self, share: f64) {
        // What is a share of at most 10,000 neighbors is told apart by thousandths and more, and so are their parts.
        let millionths = (share.clamp(0.0, 1.0) * 1e6).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number from 0 to a million"
        )]
        let millionths = millionths as u64;
        let part = SHARE_ENDS.partition_point(|&end| end * 1_000 < millionths);
        if let Some(part) = self.parts.get(part) {
            part.fetch_add(1, Ordering::Relaxed);
            self.millionths.fetch_add(millionths, Ordering::Relaxed);
        }
    }

    /// How many, by part.
    pub(super) fn counts(&self) -> Vec<u64> {
        self.parts.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    pub(super) fn sum(&self) -> f64 {
        self.millionths.load(Ordering::Relaxed) as f64 / 1e6
    }
}

/// Ends of the parts into which recall is put.
pub(super) fn share_ends() -> impl Iterator<Item = f64> {
    SHARE_ENDS.iter().map(|&end| end as f64 / 1e3)
}

impl Tables {
    pub(super) fn new(max: usize) -> Self {
        Self { max, named: RwLock::default(), others: OfTable::default() }
    }

    /// A table gave an answer, so long after it was asked.
    pub(super) fn answered(&self, table: &TableName, plan: Plan, micros: u64) {
        self.with(table, |of| {
            for place in plan.places() {
                of.plans[place].add(micros);
            }
        });
    }

    /// An answer of so many neighbors at most had this share of those that comparing every row finds.
    pub(super) fn recalled(&self, table: &TableName, asked: usize, share: f64) {
        if let Some(place) = ASKED.iter().position(|&most| asked <= most) {
            self.with(table, |of| of.recalls[place].add(share));
        }
    }

    fn with(&self, table: &TableName, count: impl FnOnce(&OfTable)) {
        let named = self.named.read();
        if let Some(of) = named.get(table) {
            return count(of);
        }
        if named.len() >= self.max {
            return count(&self.others);
        }
        drop(named);
        let mut named = self.named.write();
        if named.contains_key(table) || named.len() < self.max {
            count(named.entry(table.clone()).or_default());
        } else {
            count(&self.others);
        }
    }

    /// Looks at what was counted of each table that is still there, and of the others; what is not there any more is
    /// forgotten, and leaves its place.
    pub(super) fn each(&self, there: &BTreeSet<&TableName>, mut look: impl FnMut(&str, &OfTable)) {
        let mut named = self.named.write();
        named.retain(|table, _| there.contains(table));
        for (table, of) in &*named {
            look(table.as_str(), of);
        }
        look(OTHERS, &self.others);
    }

    /// The tables of these, in order, that are told by name: those that were asked, and then the first.
    pub(super) fn told<'t>(&self, there: &BTreeSet<&'t TableName>) -> BTreeSet<&'t TableName> {
        let named = self.named.read();
        let is_asked = |table: &&&TableName| named.contains_key(**table);
        let mut told: BTreeSet<&TableName> = there.iter().filter(is_asked).copied().collect();
        for &table in there {
            if told.len() >= self.max {
                break;
            }
            told.insert(table);
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::IndexKind;
    use crate::query::AnsweredBy;
    use crate::server::plan::{note, noted};

    fn table(name: &str) -> TableName {
        TableName::try_from(name.to_owned()).unwrap()
    }

    fn told(tables: &Tables, there: &[&TableName]) -> Vec<(String, u64, u64)> {
        let mut told = Vec::new();
        tables.each(&there.iter().copied().collect(), |name, of| {
            let answers = of.plans.iter().flat_map(Times::counts).sum();
            let recalls = of.recalls.iter().flat_map(Shares::counts).sum();
            told.push((name.to_owned(), answers, recalls));
        });
        told
    }

    #[test]
    fn few_tables_are_told_by_name_and_those_that_are_gone_make_room() {
        let tables = Tables::new(2);
        let [a, b, c] = ["a", "b", "c"].map(table);
        let by = AnsweredBy { kind: IndexKind::Graph, ef_search: Some(64) };
        let plan = noted(|| note(by, &a)).1.plan;
        for (table, times) in [(&b, 1), (&c, 2), (&a, 3)] {
            for _ in 0..times {
                tables.answered(table, plan, 100);
            }
            tables.recalled(table, 10, 0.9);
            tables.recalled(table, 101, 0.9);
        }
        let line = |name: &str, answers: u64, recalls: u64| (name.to_owned(), answers, recalls);
        let all = [&a, &b, &c];
        assert_eq!(told(&tables, &all), [line("b", 1, 1), line("c", 2, 1), line(OTHERS, 3, 1)]);
        let names = |there: &[&TableName]| -> Vec<String> {
            let there = there.iter().copied().collect();
            tables.told(&there).into_iter().map(ToString::to_string).collect()
        };
        assert_eq!(names(&all), ["b", "c"]);
        assert_eq!(names(&[&a, &b]), ["a", "b"]);
        assert_eq!(told(&tables, &[&a, &c]), [line("c", 2, 1), line(OTHERS, 3, 1)]);
        tables.answered(&a, plan, 100);
        assert_eq!(told(&tables, &all), [line("a", 1, 0), line("c", 2, 1), line(OTHERS, 3, 1)]);
    }

    #[test]
    fn shares_are_put_where_they_belong() {
        let shares = Shares::default();
        for share in [0.0, 0.5, 0.51, 0.9, 0.989_9, 1.0 - 1e-9, 1.0, 2.0, f64::NAN] {
            shares.add(share);
        }
        assert_eq!(shares.counts(), [3, 1, 0, 1, 0, 0, 1, 0, 3]);
        assert!((shares.sum() - (0.5 + 0.51 + 0.9 + 0.989_9 + 3.0)).abs() < 1e-6);
    }
}
