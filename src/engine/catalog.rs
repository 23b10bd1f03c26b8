//! The catalog: which generation of each table answers now, swapped atomically.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::engine::TableStatus;
use crate::engine::generation::{Generation, IndexStatus};
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
    Live(Arc<Generation>),
    /// Its rows cannot be read: this is why.
    Damaged(Meta, ErrorKind),
}

impl Catalog {
    pub(super) fn new() -> Self {
        Self { entries: ArcSwap::default() }
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.entries.load().values().cloned().collect()
    }

    pub(super) fn generations(&self) -> Vec<Arc<Generation>> {
        self.entries().iter().filter_map(Entry::generation).collect()
    }

    pub(super) fn entry(&self, name: &TableName) -> Result<Entry> {
        let entry = self.entries.load().get(name).cloned();
        entry.ok_or_else(|| Error::new(ErrorKind::TableNotFound { name: name.to_string() }))
    }

    /// What answers questions of a table.
    pub(super) fn generation(&self, name: &TableName) -> Result<Arc<Generation>> {
        match self.entries.load().get(name) {
            Some(Entry::Live(generation)) => Ok(Arc::clone(generation)),
            Some(Entry::Damaged(_, kind)) => Err(Error::new(kind.clone())),
            None => Err(Error::new(ErrorKind::TableNotFound { name: name.to_string() })),
        }
    }

    pub(super) fn is_current(&self, generation: &Generation) -> bool {
        let entries = self.entries.load();
        let current = entries.get(&generation.meta().name).and_then(Entry::generation);
        current.is_some_and(|current| current.number() == generation.number())
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
    fn generation(&self) -> Option<Arc<Generation>> {
        match self {
            Self::Live(generation) => Some(Arc::clone(generation)),
            Self::Damaged(..) => None,
        }
    }

    pub(super) fn status(&self) -> TableStatus {
        match self {
            Self::Live(generation) => TableStatus {
                meta: generation.meta().clone(),
                index: generation.index_status(),
                memory_bytes: generation.memory_bytes(),
                problem: None,
            },
            Self::Damaged(meta, kind) => TableStatus {
                meta: meta.clone(),
                index: IndexStatus::failed("the table's rows cannot be read"),
                memory_bytes: 0,
                problem: Some(kind.to_string()),
            },
        }
    }
}
