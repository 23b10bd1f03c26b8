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
    names: ArcSwap<Names>,
    open: Box<Open>,
}

/// What every name means, at one moment.
#[derive(Clone, Debug, Default)]
struct Names {
    tables: BTreeMap<TableName, Arc<Entry>>,
    /// The table that each alias stands for.
    aliases: BTreeMap<TableName, TableName>,
}

impl Names {
    /// The one place where an alias becomes a table.
    fn table<'n>(&'n self, name: &'n TableName) -> &'n TableName {
        self.aliases.get(name).unwrap_or(name)
    }

    fn entry(&self, name: &TableName) -> Option<&Arc<Entry>> {
        self.tables.get(self.table(name))
    }
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
    /// Whether there is no copy of it here: it is followed, and comes when it is asked, or never.
    is_elsewhere: bool,
}

impl Catalog {
    pub(super) fn new(open: Box<Open>) -> Self {
        Self { names: ArcSwap::default(), open }
    }

    /// Every table's entry, by name.
    pub(super) fn entries(&self) -> Vec<Arc<Entry>> {
        self.names.load().tables.values().cloned().collect()
    }

    /// The entry of a table, by its name or an alias.
    pub(super) fn entry(&self, name: &TableName) -> Result<Arc<Entry>> {
        let entry = self.names.load().entry(name).cloned();
        entry.ok_or_else(|| Error::new(ErrorKind::TableNotFound { name: name.to_string() }))
    }

    /// The entry of a table of which there is a copy here, by its name or an alias.
    pub(super) fn here(&self, name: &TableName) -> Option<Arc<Entry>> {
        self.entry(name).ok().filter(|entry| !entry.is_elsewhere)
    }

    /// The table that a name means: an alias's, or that of this name, whether it is there or not.
    pub(super) fn table_of(&self, name: &TableName) -> TableName {
        self.names.load().table(name).clone()
    }

    /// The aliases of all tables, or of one, each with its table, by the alias.
    pub(super) fn aliases(&self, of: Option<&TableName>) -> Vec<(TableName, TableName)> {
        let names = self.names.load();
        let aliases = names.aliases.iter().filter(|(_, table)| of.is_none_or(|of| of == *table));
        aliases.map(|(alias, table)| (alias.clone(), table.clone())).collect()
    }

    /// An error if a table is not to be made under this name: an alias has it, or a table that may not
    /// be replaced.
    pub(super) fn check_target(&self, name: &TableName, replace: bool) -> Result<()> {
        let names = self.names.load();
        if let Some(table) = names.aliases.get(name) {
            let (name, table) = (name.to_string(), table.to_string());
            return Err(Error::new(ErrorKind::AliasExists { name, table }));
        }
        if !replace && names.tables.contains_key(name) {
            return Err(Error::new(ErrorKind::TableExists { name: name.to_string() }));
        }
        Ok(())
    }

    /// Whether a question of this table is answered without reading it first.
    pub(super) fn is_read(&self, name: &TableName) -> bool {
        self.names.load().entry(name).is_none_or(|entry| entry.opened.get().is_some())
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
        let names = self.names.load();
        // What was read is told from here on, even a moment before its entry knows.
        let is_it = |entry: &Arc<Entry>| entry.meta.lineage() == lineage.number();
        // A table that is being renamed has one name here and another there for a moment.
        names.tables.get(&*lineage.name()).is_some_and(is_it) || names.tables.values().any(is_it)
    }

    pub(super) fn publish(&self, name: &TableName, entry: Entry) {
        let entry = Arc::new(entry);
        self.change(|names| drop(names.tables.insert(name.clone(), Arc::clone(&entry))));
    }

    pub(super) fn remove(&self, names: &[TableName]) {
        self.change(|known| known.tables.retain(|name, _| !names.contains(name)));
    }

    /// Gives a table another name, and the aliases of the old one with it.
    pub(super) fn rename(&self, old: &TableName, new: &TableName, entry: Entry) {
        let entry = Arc::new(entry);
        self.change(|names| {
            names.tables.remove(old);
            names.tables.insert(new.clone(), Arc::clone(&entry));
            let aliases = names.aliases.values_mut().filter(|table| *table == old);
            aliases.for_each(|table| *table = new.clone());
        });
    }

    pub(super) fn set_alias(&self, alias: &TableName, table: &TableName) {
        self.change(|names| drop(names.aliases.insert(alias.clone(), table.clone())));
    }

    pub(super) fn remove_alias(&self, alias: &TableName) {
        self.change(|names| drop(names.aliases.remove(alias)));
    }

    fn change(&self, change: impl Fn(&mut Names)) {
        self.names.rcu(|names| {
            let mut names = Names::clone(names);
            change(&mut names);
            names
        });
    }
}

/// A table that is about to be replaced, deleted or renamed. Whoever waits for it finds what has its name then.
pub(super) struct Closing<'a> {
    entry: &'a Entry,
    /// None if its rows were not read, or cannot be.
    writer: Option<MutexGuard<'a, Writer>>,
    _opening: Option<MutexGuard<'a, ()>>,
}

impl Closing<'_> {
    /// It has another name. Who waits to read it finds that out; who writes goes on.
    pub(super) fn renamed(self) {
        if self.writer.is_none() {
            self.gone();
        }
    }

    /// It was replaced or deleted.
    pub(super) fn done(mut self) {
        if let Some(writer) = &mut self.writer {
            writer.is_closed = true;
        } else {
            self.gone();
        }
    }

    fn gone(&self) {
        let name = self.entry.meta.name.to_string();
        // One that cannot be read stays so.
        let _ = self.entry.opened.set(Err(ErrorKind::TableNotFound { name }));
    }
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalog").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Entry {
    /// A table whose rows are in memory.
    pub(super) fn live(lineage: Arc<Lineage>) -> Self {
        let meta = lineage.current().generation().meta();
        Self::new(meta, OnceLock::from(Ok(lineage)))
    }

    /// A table of the store, whose rows are not read yet.
    pub(super) fn closed(listed: Listed) -> Self {
        let opened = listed.problem.map_or_else(OnceLock::new, |kind| OnceLock::from(Err(kind)));
        Self::new(listed.meta, opened)
    }

    /// A table of a location that is followed, whose rows are brought when they are asked; or why they are not.
    pub(super) fn elsewhere(meta: Meta, why: ErrorKind) -> Self {
        Self { is_elsewhere: true, ..Self::new(meta, OnceLock::from(Err(why))) }
    }

    fn new(meta: Meta, opened: OnceLock<Result<Arc<Lineage>, ErrorKind>>) -> Self {
        Self { meta, opened, opening: Mutex::new(()), is_elsewhere: false }
    }

    /// Whether there is no copy of it here.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.is_elsewhere
    }

    /// Whether both say the same of a table that is not here.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let why = |entry: &Self| entry.opened.get().map(|opened| opened.as_ref().err().cloned());
        self.meta == other.meta && why(self) == why(other)
    }

    /// Whether its rows are elsewhere, and may be brought.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self.opened.get(), Some(Err(ErrorKind::Absent { .. })))
    }

    /// The same table, which is to have another name.
    pub(super) fn named(&self, name: &TableName) -> Self {
        let meta = Meta { name: name.clone(), ..self.meta.clone() };
        Self::new(meta, self.opened.clone())
    }

    /// To replace, delete or rename the table, whose rows are not read for that: nobody writes to it, or begins
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

    /// What is known of a table but its aliases.
    pub(super) fn status(&self) -> TableStatus {
        let rows = usize::try_from(self.meta.row_count).unwrap_or(usize::MAX);
        match self.opened() {
            Some(Ok(lineage)) => {
                let current = lineage.current();
                let meta = current.generation().meta();
                TableStatus {
                    meta: Meta { row_count: current.view().len() as u64, ..meta },
                    index: lineage.index_status(),
                    memory_bytes: lineage.memory_bytes(),
                    mapped_bytes: current.generation().mapped_bytes(),
                    problem: None,
                    inputs: current.view().inputs().clone(),
                    aliases: Vec::new(),
                }
            }
            Some(Err(kind)) if !self.is_absent() => TableStatus {
                meta: self.meta.clone(),
                index: IndexStatus::failed("the table's rows cannot be read"),
                memory_bytes: 0,
                mapped_bytes: 0,
                problem: Some(kind.to_string()),
                inputs: None,
                aliases: Vec::new(),
            },
            Some(Err(_)) | None => TableStatus {
                meta: self.meta.clone(),
                index: IndexStatus::waiting(self.meta.wants_index(rows, EXACT_ROWS_MAX)),
                memory_bytes: 0,
                mapped_bytes: 0,
                problem: None,
                inputs: None,
                aliases: Vec::new(),
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
