//! Tables that come when they are asked, where not all of those that are followed are to be here.

use std::collections::BTreeSet;
use std::slice::from_ref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::catalog::Entry;
use crate::engine::follow::{AGAIN, Following, is_of_one};
use crate::engine::{Engine, Shared};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::Store;
use crate::store::publish::{Mark, Publication, PublishedTable};
use crate::table::meta::TableName;

/// What a table is asked in vain with that comes for it.
fn absent(name: &TableName) -> ErrorKind {
    ErrorKind::Absent { table: name.to_string() }
}

impl Engine {
    /// Whether tables that are followed come when they are asked.
    pub fn has_cache(&self) -> bool {
        self.shared.cache.is_some()
    }

    /// Whether a table is not here and on its way, by its name or an alias: whoever asks that wants it.
    pub fn is_on_its_way(&self, name: &TableName) -> bool {
        let is_absent = |entry: Arc<Entry>| entry.is_absent();
        if !self.has_cache() || !self.shared.catalog.entry(name).is_ok_and(is_absent) {
            return false;
        }
        self.shared.note_asked(name, Some(&absent(name)));
        true
    }

    /// Lets what a folder remembers be known before the location is reached.
    pub(super) fn know(&self, mark: &mut Mark) {
        let shared = &self.shared;
        let Some(cache) = &shared.cache else {
            if !mark.tables.is_empty() {
                // What came when it was asked is to be here from now on, and all of it before that is told.
                mark.whole_at = None;
                mark.tables.clear();
                mark.aliases.clear();
            }
            return;
        };
        for known in &mark.tables {
            let name = &known.meta.name;
            if shared.catalog.here(name).is_some() {
                cache.came(name, known.bytes, Duration::ZERO, Instant::now());
            } else {
                let elsewhere = Entry::elsewhere(known.meta.clone(), absent(name));
                shared.catalog.publish(name, elsewhere);
            }
        }
        for (alias, table) in &mark.aliases {
            // It may have been a table before, which is still to be removed.
            let is_free = shared.catalog.entry(alias).is_err();
            if is_free && shared.catalog.entry(table).is_ok() {
                shared.catalog.set_alias(alias, table);
            }
        }
    }
}

/// Refuses a folder that has some of what it followed as one of its own.
pub(in crate::engine) fn check_has_all(store: &Store, mark: &Mark) -> Result<()> {
    let here: BTreeSet<TableName> =
        store.tables().into_iter().map(|listed| listed.meta.name).collect();
    let mut absent = mark.tables.iter().filter(|known| !here.contains(&known.meta.name));
    let Some(first) = absent.next() else { return Ok(()) };
    let because = format!(
        "it has copies of some of the tables that it followed, and not of {} (--follow-cache); go on following, or \
         make a whole folder with wordspace recover",
        first.meta.name
    );
    Err(Error::new(ErrorKind::Unsuited { operation: "opening the folder", because }))
}

impl Shared {
    /// A table was asked, and could not answer if there is an error.
    pub(in crate::engine) fn note_asked(&self, name: &TableName, error: Option<&ErrorKind>) {
        let Some(cache) = &self.cache else { return };
        let (table, now) = (self.catalog.table_of(name), Instant::now());
        match error {
            None => cache.asked(&table, now),
            Some(ErrorKind::Absent { .. }) if cache.want(&table, now) => self.standing.hurry(),
            Some(_) => {}
        }
    }
}

impl Following {
    /// What is published is known after a restart without the location, too.
    pub(super) fn remember(&mut self, publication: &Publication) {
        if self.engine.has_cache() {
            self.mark.tables = publication.known();
            self.mark.aliases = publication.list().aliases().clone();
        }
    }

    /// Keeps a publication as long as tables of it may be brought.
    pub(super) fn keep(&mut self, publication: Publication) {
        self.last = self.engine.has_cache().then_some(publication);
    }

    /// Lets what could not be brought be asked again after a while.
    pub(super) fn forgive(&self, now: Instant) {
        let shared = &self.engine.shared;
        for name in shared.cache.iter().flat_map(|cache| cache.forgiven(now)) {
            let entry = shared.catalog.entry(&name).ok();
            if let Some(entry) = entry.filter(|entry| entry.is_elsewhere()) {
                let elsewhere = Entry::elsewhere(entry.meta().clone(), absent(&name));
                shared.catalog.publish(&name, elsewhere);
            }
        }
    }

    /// Whether anybody wants a table that is not here.
    pub(super) fn is_wanting(&self, now: Instant) -> bool {
        let cache = self.engine.shared.cache.as_ref();
        cache.is_some_and(|cache| !cache.wanted(now).is_empty())
    }

    /// Counts what is here, and lets leave what has no room.
    pub(super) fn begin_cache(&self, publication: &Publication) -> Result<()> {
        let shared = &self.engine.shared;
        let Some(cache) = &shared.cache else { return Ok(()) };
        // Those of tables that are elsewhere can stand in no store: all are kept with the mark.
        for alias in shared.store.aliases().keys() {
            shared.store.remove_alias(alias)?;
        }
        for table in publication.tables() {
            if shared.catalog.here(&table.name).is_some() && cache.bytes(&table.name) == 0 {
                cache.came(&table.name, table.bytes, Duration::ZERO, Instant::now());
            }
        }
        for name in cache.surplus() {
            self.leave(publication, &name, absent(&name))?;
        }
        Ok(())
    }

    /// Brings the tables that are wanted and have room.
    pub(super) fn bring_asked(&mut self, publication: &Publication) -> Result<()> {
        let shared = Arc::clone(&self.engine.shared);
        let Some(cache) = &shared.cache else { return Ok(()) };
        for name in cache.wanted(Instant::now()) {
            let Some(table) = publication.published(&name) else { continue };
            self.come(publication, &table).context(|| format!("bringing the table {name}"))?;
            if shared.catalog.here(&name).is_some() {
                self.is_whole = false;
                shared.standing.tell_news();
            }
        }
        Ok(())
    }

    /// Brings a table to what is published of it, if it is to be here and has room; otherwise it is elsewhere.
    pub(super) fn come(&self, publication: &Publication, table: &PublishedTable) -> Result<()> {
        let (shared, name) = (&self.engine.shared, &table.name);
        let Some(cache) = &shared.cache else { return self.table(publication, table) };
        if table.bytes > cache.max() {
            return self.leave(publication, name, too_large(table, cache.max()));
        }
        let here = shared.catalog.here(name);
        let is_wanted = here.is_some() || cache.is_wanted(name);
        let is_same = |entry: &Arc<Entry>| entry.meta().generation == table.generation;
        let has = if here.as_ref().is_some_and(is_same) { cache.bytes(name) } else { 0 };
        let (more, began) = (table.bytes.saturating_sub(has), Instant::now());
        let room = is_wanted.then(|| cache.room(name, more, began)).flatten();
        let Some(leaving) = room else { return self.leave(publication, name, absent(name)) };
        for other in leaving {
            self.leave(publication, &other, absent(&other))?;
        }
        match self.table(publication, table) {
            Ok(()) => {
                cache.came(name, table.bytes, began.elapsed(), Instant::now());
                Ok(())
            }
            Err(error) if here.is_none() && is_of_one(&error) => {
                tracing::error!(table = %name, ?error, "a table that was asked cannot be brought");
                cache.refuse(name, Instant::now() + AGAIN);
                self.leave(publication, name, error.kind().clone())
            }
            failed => failed,
        }
    }

    /// Lets a table be elsewhere, and says why whenever it is asked.
    fn leave(&self, publication: &Publication, name: &TableName, why: ErrorKind) -> Result<()> {
        let shared = &self.engine.shared;
        // What is published no more is removed.
        let Some(meta) = publication.meta(name) else { return self.delete(from_ref(name)) };
        let elsewhere = Entry::elsewhere(meta, why);
        let Some(entry) = shared.catalog.here(name) else {
            let is_known = shared.catalog.entry(name).is_ok_and(|known| known.is_like(&elsewhere));
            if !is_known {
                shared.catalog.publish(name, elsewhere);
            }
            return Ok(());
        };
        let _publishing = shared.publishing.lock();
        let closing = entry.closing();
        let _changing = shared.shelf.changing();
        shared.store.delete(from_ref(name)).context(|| format!("removing the table {name}"))?;
        shared.catalog.publish(name, elsewhere);
        shared.shelf.forget_table(name);
        closing.done();
        if let Some(cache) = &shared.cache {
            cache.left(name);
        }
        tracing::info!(table = %name, "a table makes room");
        Ok(())
    }

    /// Lets an alias stand for a table.
    pub(super) fn set_alias(&self, alias: &TableName, table: &TableName) -> Result<()> {
        if self.engine.has_cache() {
            self.engine.shared.catalog.set_alias(alias, table);
            return Ok(());
        }
        self.engine.set_alias(alias, table).map(drop)
    }

    pub(super) fn remove_alias(&self, alias: &TableName) -> Result<()> {
        if self.engine.has_cache() {
            self.engine.shared.catalog.remove_alias(alias);
            return Ok(());
        }
        self.engine.remove_alias(alias).map(drop)
    }
}

fn too_large(table: &PublishedTable, max: u64) -> ErrorKind {
    let PublishedTable { name, bytes, .. } = table;
    let because = format!(
        "the table {name} takes {bytes} bytes, and all that may be here together {max} \
         (--follow-cache)"
    );
    ErrorKind::Unsuited { operation: "following", because }
}
