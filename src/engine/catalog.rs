//! The catalog: what stands behind each table's name, swapped atomically.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::engine::TableStatus;
use crate::engine::generation::IndexStatus;
use crate::engine::lineage::{Current, Lineage};
use crate::error::{Error, ErrorKind, Result};
use crate::table::meta::{Meta, TableName};

/// Readers take one atomic load and never wait; what they got does not change under them.
#[derive(Debug)]
pub(super) struct Catalog {
    entries: ArcSwap<BTreeMap<TableName, Entry>>,
}

/// What stands behind a table's name.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Live(Arc<Lineage>),
    /// Its rows cannot be read: this is why.
    Damaged(Box<Meta>, ErrorKind),
}

impl Catalog {
    pub(super) fn new() -> Self {
        Self { entries: ArcSwap::default() }
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.entries.load().values().cloned().collect()
    }

    pub(super) fn lineages(&self) -> Vec<Arc<Lineage>> {
        self.entries().iter().filter_map(Entry::lineage).collect()
    }

    pub(super) fn entry(&self, name: &TableName) -> Result<Entry> {
        let entry = self.entries.load().get(name).cloned();
        entry.ok_or_else(|| Error::new(ErrorKind::TableNotFound { name: name.to_string() }))
    }

    /// What answers questions of a table.
    pub(super) fn current(&self, name: &TableName) -> Result<Arc<Current>> {
        self.lineage(name).map(|lineage| lineage.current())
    }

    /// Where a table is written to.
    pub(super) fn lineage(&self, name: &TableName) -> Result<Arc<Lineage>> {
        match self.entries.load().get(name) {
            Some(Entry::Live(lineage)) => Ok(Arc::clone(lineage)),
            Some(Entry::Damaged(_, kind)) => Err(Error::new(kind.clone())),
            None => Err(Error::new(ErrorKind::TableNotFound { name: name.to_string() })),
        }
    }

    /// Whether the table is still the one that was imported then.
    pub(super) fn is_current(&self, lineage: &Lineage) -> bool {
        let entries = self.entries.load();
        let current = lineage.current();
        let name = &current.generation().meta().name;
        let current = entries.get(name).and_then(Entry::lineage);
        current.is_some_and(|current| current.number() == lineage.number())
    }

    pub(super) fn publish(&self, name: &TableName, entry: &Entry) {
        self.entries.rcu(|entries| {
            let mut entries = BTreeMap::clone(entries);
            entries.insert(name.clone(), entry.clone());
            entries
        });
    }

    pub(super) fn remove(&self, name: &TableName) {
        self.entries.rcu(|entries| {
            let mut entries = BTreeMap::clone(entries);
            entries.remove(name);
            entries
        });
    }
}

impl Entry {
    pub(super) fn lineage(&self) -> Option<Arc<Lineage>> {
        match self {
            Self::Live(lineage) => Some(Arc::clone(lineage)),
            Self::Damaged(..) => None,
        }
    }

    pub(super) fn status(&self) -> TableStatus {
        match self {
            Self::Live(lineage) => {
                let current = lineage.current();
                let meta = current.generation().meta().clone();
                TableStatus {
                    meta: Meta { row_count: current.view().len() as u64, ..meta },
                    index: lineage.index_status(),
                    memory_bytes: lineage.memory_bytes(),
                    problem: None,
                    inputs: current.view().inputs().clone(),
                }
            }
            Self::Damaged(meta, kind) => TableStatus {
                meta: (**meta).clone(),
                index: IndexStatus::failed("the table's rows cannot be read"),
                memory_bytes: 0,
                problem: Some(kind.to_string()),
                inputs: None,
            },
        }
    }
}
