//! The catalog: what stands behind each table's name, swapped atomically. A table's rows are read when
//! it is first asked, or by a thread in the background, whichever comes first.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};

use crate::engine::TableStatus;
use crate::engine::generation::IndexStatus;
use crate::engine::lineage::{Current, Lineage, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::index::EXACT_ROWS_MAX;
use crate::store::Listed;
use crate::table::meta::{Meta, TableName};

/// Reads the rows of a table.
pub(super) type Open = dyn Fn(&Meta) -> Result<Arc<Lineage>> + Send + Sync;

/// Readers take one atomic load and never wait for a table that is open; what they got does not change
/// under them.
pub(super) struct Catalog {
    entries: ArcSwap<BTreeMap<TableName, Arc<Entry>>>,
    open: Box<Open>,
}

/// What stands behind a table's name.
#[derive(Debug)]
pub(super) struct Entry {
    /// What was known of the table when the folder was opened.
    meta: Meta,
    /// The table; or why its rows cannot be read.
    opened: OnceLock<Result<Arc<Lineage>, ErrorKind>>,
    /// Held while the rows are read.
    opening: Mutex<()>,
}

impl Catalog {
    pub(super) fn new(open: Box<Open>) -> Self {
        Self { entries: ArcSwap::default(), open }
    }

    /// Every entry, by name.
    pub(super) fn entries(&self) -> Vec<Arc<Entry>> {
        self.entries.load().values().cloned().collect()
    }

    /// The entry of a name.
    pub(super) fn entry(&self, name: &TableName) -> Result<Arc<Entry>> {
        let entry = self.entries.load().get(name).cloned();
        entry.ok_or_else(|| Error::new(ErrorKind::TableNotFound { name: name.to_string() }))
    }

    /// Whether a question of this table is answered without reading it first.
    pub(super) fn is_read(&self, name: &TableName) -> bool {
        self.entries.load().get(name).is_none_or(|entry| entry.opened.get().is_some())
    }

    /// What answers questions of a table.
    pub(super) fn current(&self, name: &TableName) -> Result<Arc<Current>> {
        self.lineage(name).map(|lineage| lineage.current())
    }

    /// Where a table is written to.
    pub(super) fn lineage(&self, name: &TableName) -> Result<Arc<Lineage>> {
        loop {
            let entry = self.entry(name)?;
            match entry.lineage(&*self.open) {
                // It was replaced or deleted before its rows were read.
                Err(_) if !self.entry(name).is_ok_and(|now| Arc::ptr_eq(&now, &entry)) => {}
                found => return found,
            }
        }
    }

    /// Reads a table, unless it was read; why it cannot answer, if it cannot.
    pub(super) fn open(&self, entry: &Entry) -> Result<()> {
        entry.lineage(&*self.open).map(drop)
    }

    /// Whether the table is still the one that was imported then.
    pub(super) fn is_current(&self, lineage: &Lineage) -> bool {
        let entries = self.entries.load();
        let current = lineage.current();
        let entry = entries.get(&current.generation().meta().name);
        // What was read is told from here on, even a moment before its entry knows.
        entry.is_some_and(|entry| entry.meta.lineage() == lineage.number())
    }

    pub(super) fn publish(&self, name: &TableName, entry: Entry) {
        let entry = Arc::new(entry);
        self.entries.rcu(|entries| {
            let mut entries = BTreeMap::clone(entries);
            entries.insert(name.clone(), Arc::clone(&entry));
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

/// A table that is about to be replaced or deleted. Whoever waits for it finds what has its name then.
pub(super) struct Closing<'a> {
    entry: &'a Entry,
    /// None if its rows were not read, or cannot be.
    writer: Option<MutexGuard<'a, Writer>>,
    _opening: Option<MutexGuard<'a, ()>>,
}

impl Closing<'_> {
    /// It was replaced or deleted.
    pub(super) fn done(mut self) {
        if let Some(writer) = &mut self.writer {
            writer.is_closed = true;
        } else {
            let name = self.entry.meta.name.to_string();
            // One that cannot be read stays so.
            let _ = self.entry.opened.set(Err(ErrorKind::TableNotFound { name }));
        }
    }
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalog").field("entries", &self.entries).finish_non_exhaustive()
    }
}

impl Entry {
    /// A table whose rows are in memory.
    pub(super) fn live(lineage: Arc<Lineage>) -> Self {
        let meta = lineage.current().generation().meta().clone();
        Self { meta, opened: OnceLock::from(Ok(lineage)), opening: Mutex::new(()) }
    }

    /// A table of the store, whose rows are not read yet.
    pub(super) fn closed(listed: Listed) -> Self {
        let opened = listed.problem.map_or_else(OnceLock::new, |kind| OnceLock::from(Err(kind)));
        Self { meta: listed.meta, opened, opening: Mutex::new(()) }
    }

    /// To replace or delete the table, whose rows are not read for that: nobody writes to it, or begins
    /// to read it, while this is held.
    pub(super) fn closing(&self) -> Closing<'_> {
        let mut opening = None;
        if self.opened.get().is_none() {
            opening = Some(self.opening.lock());
        }
        let writer = match self.opened.get() {
            Some(Ok(lineage)) => Some(lineage.writer()),
            Some(Err(_)) | None => None,
        };
        Closing { entry: self, writer, _opening: opening }
    }

    /// Its name when it was opened, its generation and its lineage.
    pub(super) fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The table, if its rows were read; or why that failed.
    pub(super) fn opened(&self) -> Option<Result<Arc<Lineage>, ErrorKind>> {
        self.opened.get().cloned()
    }

    /// What is known of a table.
    pub(super) fn status(&self) -> TableStatus {
        match self.opened() {
            Some(Ok(lineage)) => {
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
            Some(Err(kind)) => TableStatus {
                meta: self.meta.clone(),
                index: IndexStatus::failed("the table's rows cannot be read"),
                memory_bytes: 0,
                problem: Some(kind.to_string()),
                inputs: None,
            },
            None => TableStatus {
                meta: self.meta.clone(),
                index: IndexStatus::waiting(self.meta.row_count > EXACT_ROWS_MAX as u64),
                memory_bytes: 0,
                problem: None,
                inputs: None,
            },
        }
    }

    fn lineage(&self, open: &Open) -> Result<Arc<Lineage>> {
        if let Some(opened) = self.opened.get() {
            return opened.clone().map_err(Error::new);
        }
        let _opening = self.opening.lock();
        if let Some(opened) = self.opened.get() {
            return opened.clone().map_err(Error::new);
        }
        let opened = open(&self.meta);
        let kept = match &opened {
            Ok(lineage) => Ok(Arc::clone(lineage)),
            // What the disk could not give now it may give later.
            Err(error) if matches!(error.kind(), ErrorKind::Storage | ErrorKind::DiskFull) => {
                return opened;
            }
            Err(error) => {
                tracing::error!(table = %self.meta.name, ?error, "a table cannot be read");
                Err(error.kind().clone())
            }
        };
        // Nobody else sets it: this thread holds the lock.
        let _ = self.opened.set(kept);
        opened
    }
}
