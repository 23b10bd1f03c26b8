//! `Collector`: what there is in a data folder, and the parts that it needs, put where they are kept. Backups and
//! publications are collected so.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Error, ErrorKind, Result};
use crate::store::backup::{
    BackupList, Segment, ShelfCopy, TableCopy, Target, Verified, place_of, write_writes,
};
use crate::store::catalog::Record;
use crate::store::check::GoOn;
use crate::store::generation::{Generation, MANIFEST, Part};
use crate::store::shelf::{SORTS, Shelf};
use crate::store::{Shared, TRIES, blob, fault, folder};
use crate::table::meta::{Meta, TableName};

/// Collects once.
pub(in crate::store) struct Collector<'a> {
    pub(in crate::store) shared: &'a Shared,
    pub(in crate::store) target: &'a dyn Target,
    /// The parts that the target has, with their bytes.
    pub(in crate::store) there: &'a mut BTreeMap<String, u64>,
    /// What was put before.
    pub(in crate::store) known: &'a mut Known,
    /// What was collected last: what is damaged now is kept as it was then.
    pub(in crate::store) last: Option<&'a BackupList>,
    pub(in crate::store) go_on: GoOn<'a>,
    /// Bytes that are put.
    pub(in crate::store) new_bytes: &'a mut u64,
    /// Told those, and the bytes of parts that are there already.
    pub(in crate::store) on_bytes: &'a mut dyn FnMut(u64),
}

/// What was put before, which is not read again while it is the same.
#[derive(Debug, Default)]
pub(in crate::store) struct Known {
    tables: BTreeMap<TableName, Seen>,
    shelf: BTreeMap<(&'static str, TableName), (Stamp, Part)>,
}

/// By what a file is known to be the one that was looked at: nothing changes a file in place.
type Stamp = (SystemTime, u64);

/// A table as it was put last.
#[derive(Debug)]
struct Seen {
    record: Record,
    manifest: Stamp,
    last: u64,
    copy: TableCopy,
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = path.metadata().ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// The last write that a copy of a table has, where its writes are in segments.
pub(in crate::store) fn last_of(copy: &TableCopy) -> u64 {
    copy.segments.last().map_or(0, |segment| segment.last).max(copy.meta.applied.sequence)
}

/// What went wrong: something is damaged, which leaves the rest as it is, or anything else.
pub(super) enum Fault {
    Here(Error),
    Other(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let is_damage =
            matches!(error.kind(), ErrorKind::Corrupt { .. } | ErrorKind::ForeignVersion { .. });
        if is_damage { Self::Here(error) } else { Self::Other(error) }
    }
}

impl Collector<'_> {
    /// Everything as it is now, with the writes of tables in segments; and what is damaged, a sentence each, which
    /// is as it was last.
    ///
    /// # Errors
    ///
    /// That of `go_on`; if the target fails, or the disk.
    pub(in crate::store) fn collect(mut self) -> Result<(BackupList, Vec<String>)> {
        let (shared, last, mut problems) = (self.shared, self.last, Vec::new());
        let made_at = SystemTime::now().duration_since(UNIX_EPOCH);
        let mut list = BackupList {
            made_at: made_at.map_or(0, |since| since.as_secs()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..BackupList::default()
        };
        let tables = shared.catalog.tables();
        self.known.tables.retain(|name, _| tables.contains_key(name));
        for name in tables.into_keys() {
            match self.table(&name) {
                Ok(Some(copy)) => _ = list.tables.insert(name, copy),
                Ok(None) => {}
                Err(Fault::Here(error)) => {
                    problems.push(format!("table {name}: {error}"));
                    let before = last.and_then(|last| last.tables.get(&name));
                    list.tables.extend(before.map(|copy| (name, copy.clone())));
                }
                Err(Fault::Other(error)) => return Err(error),
            }
        }
        list.aliases = shared.catalog.aliases();
        list.aliases.retain(|_, table| list.tables.contains_key(table));
        for sort in SORTS {
            let shelf = Shelf::new(&shared.folder, sort);
            for (name, _) in shelf.list()? {
                match self.shelved(&shelf, sort.folder, &name) {
                    Ok(Some(part)) => {
                        let sort = sort.folder.to_owned();
                        list.shelf.push(ShelfCopy { sort, name, part });
                    }
                    Ok(None) => {}
                    Err(Fault::Here(error)) => {
                        problems.push(error.to_string());
                        let is_it =
                            |copy: &&ShelfCopy| copy.sort == sort.folder && copy.name == name;
                        let before = last.and_then(|last| last.shelf.iter().find(is_it));
                        list.shelf.extend(before.cloned());
                    }
                    Err(Fault::Other(error)) => return Err(error),
                }
            }
        }
        Ok((list, problems))
    }

    /// A table as it is now; none if it was deleted meanwhile.
    fn table(&mut self, name: &TableName) -> Result<Option<TableCopy>, Fault> {
        for tried in 1.. {
            let Some(record) = self.shared.catalog.table(name) else { return Ok(None) };
            let folder = folder::generation(&self.shared.folder, record.generation);
            let manifest = stamp(&folder.join(MANIFEST.name));
            let seen = self.known.tables.get(name);
            if let Some(seen) = seen
                && seen.record == record
                && Some(seen.manifest) == manifest
                && seen.last == self.shared.catalog.last_write(seen.copy.meta.lineage())
                && self.has_all(&seen.copy)
            {
                return Ok(Some(seen.copy.clone()));
            }
            let found = self.shared.generation(record.generation);
            let before = seen.map(|seen| seen.copy.clone());
            let copied = match &found {
                Ok(generation) => self.copy(name, &record, generation, before.as_ref()),
                Err(error) => Err(Fault::from(Error::new(error.kind().clone()))),
            };
            let is_still = || self.shared.is_still(name, &record, found.as_ref().ok());
            match copied {
                Err(_) if tried < TRIES && !is_still() => {}
                Ok(copy) => {
                    let last = self.shared.catalog.last_write(copy.meta.lineage());
                    let has_all = last <= last_of(&copy);
                    if let Some(manifest) = manifest.filter(|_| has_all) {
                        let copy = copy.clone();
                        self.known
                            .tables
                            .insert(name.clone(), Seen { record, manifest, last, copy });
                    }
                    return Ok(Some(copy));
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(None)
    }

    /// Whether every part of it is still there: those that no publication needed may have been removed.
    fn has_all(&self, copy: &TableCopy) -> bool {
        let segments = copy.segments.iter().map(|segment| &segment.part);
        copy.parts.values().chain(segments).all(|part| self.has(part))
    }

    fn has(&self, part: &Part) -> bool {
        place_of(&part.blake3).is_some_and(|place| self.there.get(&place) == Some(&part.bytes))
    }

    fn copy(
        &mut self,
        name: &TableName,
        record: &Record,
        generation: &Generation,
        before: Option<&TableCopy>,
    ) -> Result<TableCopy, Fault> {
        let meta = Meta { name: name.clone(), ..generation.manifest.meta.clone() };
        let parts = generation.manifest.parts.clone();
        // Writes first: they go away once a generation has them.
        let segments = self.segments(&meta, before)?;
        for (part, known) in &parts {
            let path = generation.folder.join(part);
            self.keep(&path, known, &format!("table {name}, its part {part}"))?;
        }
        let (tokenizer, writes) = (record.tokenizer.clone(), None);
        Ok(TableCopy { meta, tokenizer, parts, writes, segments })
    }

    /// The writes that the rows of a generation do not hold, as parts. Those that were put before are put again
    /// together with as many new ones: there are never more parts than the number of writes has binary digits,
    /// and no write is put more often than that.
    fn segments(&mut self, meta: &Meta, before: Option<&TableCopy>) -> Result<Vec<Segment>, Fault> {
        let applied = meta.applied.sequence;
        let last = self.shared.catalog.last_write(meta.lineage());
        if last <= applied {
            return Ok(Vec::new());
        }
        let before = before.filter(|before| before.meta.lineage() == meta.lineage());
        let before = before.map(|before| &before.segments[..]).unwrap_or_default();
        let is_of_use = |segment: &&Segment| {
            segment.last > applied && segment.last <= last && self.has(&segment.part)
        };
        let mut kept: Vec<Segment> = before.iter().filter(is_of_use).cloned().collect();
        let begins = kept.first().is_none_or(|segment| segment.first <= applied + 1);
        let follows = kept.windows(2).all(|pair| pair[0].last + 1 == pair[1].first);
        if !begins || !follows {
            kept.clear();
        }
        let mut first = kept.last().map_or(applied, |segment| segment.last) + 1;
        if first > last {
            return Ok(kept);
        }
        while let Some(segment) =
            kept.pop_if(|segment| segment.last - segment.first <= last - first)
        {
            first = segment.first.max(applied + 1);
        }
        let (file, part) = write_writes(self.shared, meta, first..=last, self.go_on)?;
        self.keep(file.path(), &part, &format!("table {}, its journal", meta.name))?;
        kept.push(Segment { first, last, part });
        Ok(kept)
    }

    /// A tokenizer, a test set or a language model; none if it was deleted meanwhile.
    fn shelved(
        &mut self,
        shelf: &Shelf,
        sort: &'static str,
        name: &TableName,
    ) -> Result<Option<Part>, Fault> {
        let path = shelf.path(name);
        let Some(stamp) = stamp(&path) else { return Ok(None) };
        let key = (sort, name.clone());
        if let Some((then, part)) = self.known.shelf.get(&key)
            && *then == stamp
            && self.has(part)
        {
            return Ok(Some(part.clone()));
        }
        let Some(container) = shelf.container(name)? else { return Ok(None) };
        container.verify()?;
        let Some(mut file) = blob::open(&path)? else { return Ok(None) };
        let mut hasher = blake3::Hasher::new();
        let bytes = io::copy(&mut file, &mut hasher).map_err(Error::disk)?;
        let part = Part { bytes, blake3: hasher.finalize().to_hex().to_string(), of: None };
        self.keep(&path, &part, &format!("{name} on the shelf"))?;
        self.known.shelf.insert(key, (stamp, part.clone()));
        Ok(Some(part))
    }

    /// Puts a file as a part, unless it is there.
    fn keep(&mut self, path: &Path, part: &Part, what: &str) -> Result<(), Fault> {
        (self.go_on)()?;
        let damaged = || Error::new(fault::damage(what.to_owned(), "`wordspace check` tells more"));
        let place = place_of(&part.blake3).ok_or_else(damaged)?;
        if self.has(part) {
            (self.on_bytes)(part.bytes);
            return Ok(());
        }
        let file = blob::open(path)?.ok_or_else(damaged)?;
        let mut from = Verified::new(Box::new(file), part, what, self.go_on, self.on_bytes);
        if let Err(error) = self.target.put(&place, &mut from) {
            return Err(match from.fault {
                Some(fault) if *fault.kind() == ErrorKind::Storage => Fault::Here(error),
                Some(fault) => Fault::from(fault),
                None => Fault::Other(error),
            });
        }
        *self.new_bytes += part.bytes;
        self.there.insert(place, part.bytes);
        Ok(())
    }
}
