//! `Publisher`: the writer's side. It puts what is missing, then the publication, then swaps `CURRENT`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::container::Kind;
use crate::error::{Error, ErrorKind, Result};
use crate::store::backup::{
    self, BackupList, Fault, PARTS, Segment, ShelfCopy, TableCopy, Target, Verified, Version,
    place_of, write_writes,
};
use crate::store::catalog::Record;
use crate::store::check::GoOn;
use crate::store::generation::{Generation, MANIFEST, Part};
use crate::store::publish::lease::Leases;
use crate::store::publish::{
    CURRENT_NAME, Current, KEEP, Last, PUBLICATION, PUBLICATION_BYTES_MAX, Publication, all,
    digits, last_of, name_of, sealed,
};
use crate::store::shelf::{SORTS, Shelf};
use crate::store::{Shared, Store, TRIES, blob, fault, folder};
use crate::table::meta::{Meta, TableName};

const NOTE: Kind = Kind {
    name: "publisher",
    version: 1,
    advice: "remove the file, and publish to another location",
};

/// What one call of [`Store::publish`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// The epoch.
    pub epoch: u64,
    /// The number of the last publication.
    pub number: u64,
    /// Whether it is a new one.
    pub is_new: bool,
    /// Bytes that were put for it.
    pub new_bytes: u64,
    /// What could not be published because it is damaged here, a sentence each. What was published of it before
    /// stays.
    pub problems: Vec<String>,
}

/// Publishes one data folder to one location.
#[derive(Debug)]
pub struct Publisher {
    target: Box<dyn Target>,
    note: Note,
    process: String,
    address: String,
    claim: Option<Claim>,
    /// The epoch that took the place of this one.
    superseded_by: Option<u64>,
    seen: BTreeMap<TableName, Seen>,
    shelved: BTreeMap<(&'static str, TableName), (Stamp, Part)>,
}

/// An epoch that was taken.
#[derive(Debug)]
struct Claim {
    /// What `CURRENT` says, as far as is known, and by which version.
    current: Current,
    version: Version,
    /// What it may say by now: a swap of it was not answered.
    pending: Option<(Current, Publication)>,
    last: Option<Publication>,
    /// The number of the last publication that was tried.
    tried: u64,
    /// Digests of those that were tried since one was known to be the last one.
    tries: Vec<String>,
    /// The parts that stay there, with their bytes.
    there: BTreeMap<String, u64>,
    retired: VecDeque<Retired>,
    leases: Leases,
}

/// Parts that were needed until then, and the publications that had them.
#[derive(Debug)]
struct Retired {
    until: Instant,
    publications: Vec<String>,
    parts: BTreeSet<String>,
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

/// What a data folder remembers of the places where it is published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// What the folder is called, wherever it is moved to.
    folder: String,
    /// For each place the digests of the publication that it may name as the last one: any other was made by a
    /// process with a copy of this folder, under numbers that this one has given out, too.
    places: BTreeMap<String, Vec<String>>,
}

impl Store {
    /// What publishes this folder to a location. `address` is told to those who want to write.
    ///
    /// # Errors
    ///
    /// If nothing may be written, or if the disk fails.
    pub fn publisher(&self, target: Box<dyn Target>, address: &str) -> Result<Publisher> {
        self.ready()?;
        let note = Note::read(&self.shared)?;
        let process = digits();
        let (claim, superseded_by) = (None, None);
        let (seen, shelved) = (BTreeMap::new(), BTreeMap::new());
        let address = address.to_owned();
        Ok(Publisher { target, note, process, address, claim, superseded_by, seen, shelved })
    }

    /// Publishes what changed since the last time, with every write that is acknowledged by now; nothing if
    /// nothing did. `now` is the time by which parts that nobody needs are removed.
    ///
    /// # Errors
    ///
    /// That of `go_on`; `Superseded` for good if another process publishes there by now; if the location is
    /// another folder's, or knows more than this one; if the folder is damaged as a whole; if the target fails,
    /// or the disk. After any but `Superseded` the next call goes on.
    pub fn publish(
        &self,
        publisher: &mut Publisher,
        now: Instant,
        go_on: GoOn<'_>,
    ) -> Result<Published> {
        // A catalog that is damaged lacks tables, which are not to go away from readers.
        self.ready()?;
        publisher.publish(&self.shared, now, go_on)
    }
}

/// From here on a data folder is the one that published there: it goes on under its numbers, and whoever was the
/// writer is none any more once it looks.
pub(super) fn adopt(shared: &Shared, current: &Current) -> Result<()> {
    let known = current.last.iter().map(|last| last.part.blake3.clone()).collect();
    let places = BTreeMap::from([(current.place.clone(), known)]);
    Note { folder: current.folder.clone(), places }.write(shared)
}

impl Note {
    fn read(shared: &Shared) -> Result<Self> {
        let path = shared.folder.join(folder::PUBLISHER);
        if let Some(file) = blob::open_container(&path, path.display().to_string(), NOTE)? {
            let note = serde_json::from_slice(&file.section("publisher")?.read()?);
            return note.map_err(|_| file.senseless());
        }
        let note = Self { folder: digits(), ..Self::default() };
        note.write(shared)?;
        Ok(note)
    }

    fn write(&self, shared: &Shared) -> Result<()> {
        let path = shared.folder.join(folder::PUBLISHER);
        blob::publish(&path, &sealed(NOTE, "publisher", self)?)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = path.metadata().ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn unsuited(because: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unsuited { operation: "publishing", because: because.into() })
}

fn places(list: &BackupList) -> BTreeSet<String> {
    list.parts().filter_map(|part| place_of(&part.blake3)).collect()
}

impl Publisher {
    fn publish(&mut self, shared: &Shared, now: Instant, go_on: GoOn<'_>) -> Result<Published> {
        if let Some(epoch) = self.superseded_by {
            return Err(Error::new(ErrorKind::Superseded { epoch }));
        }
        if self.claim.is_none() {
            self.claim(now)?;
        }
        self.settle(now)?;
        let (list, mut published) = self.collect(shared, go_on)?;
        let claim = self.claim.as_mut().ok_or_else(unclaimed)?;
        published.epoch = claim.current.epoch;
        published.number = claim.current.at().map_or(0, |(_, number)| number);
        if claim.last.as_ref().is_some_and(|last| last.list == list) {
            self.look()?;
        } else {
            self.swap(shared, list, now)?;
            let claim = self.claim.as_ref().ok_or_else(unclaimed)?;
            published.number = claim.current.at().map_or(0, |(_, number)| number);
            published.is_new = true;
        }
        if let Err(error) = self.remove_unneeded(now, go_on) {
            // It takes room; the next call tries again.
            tracing::warn!(?error, "parts that no reader needs stay for now");
        }
        Ok(published)
    }

    /// Takes the next epoch.
    fn claim(&mut self, now: Instant) -> Result<()> {
        if !backup::numbers(&*self.target)?.is_empty() {
            return Err(unsuited("this location has backups, which remove parts; take another"));
        }
        for _ in 0..TRIES {
            let held = self.target.held(CURRENT_NAME)?;
            let before = held.as_ref().map(|held| Current::read(&held.bytes)).transpose()?;
            let mut last = None;
            if let Some(current) = &before {
                self.check_own(current)?;
                last = Publication::read(&*self.target, current)?;
            }
            let current = Current {
                folder: self.note.folder.clone(),
                place: before.as_ref().map_or_else(digits, |before| before.place.clone()),
                epoch: before.as_ref().map_or(0, |before| before.epoch) + 1,
                process: self.process.clone(),
                address: self.address.clone(),
                last: before.and_then(|before| before.last),
            };
            let version = held.map(|held| held.version);
            // One that is not answered, or won and not known to be, is taken again by the next epoch.
            let swapped = self.target.swap(CURRENT_NAME, version.as_ref(), &current.bytes()?)?;
            if let Some(version) = swapped {
                tracing::info!(epoch = current.epoch, "publishing begins");
                return self.begin(current, version, last, now);
            }
        }
        Err(unsuited("others publish to this location at this moment"))
    }

    /// An error if what is published at a location is not what this folder published there last.
    fn check_own(&self, current: &Current) -> Result<()> {
        if current.folder != self.note.folder {
            return Err(unsuited(
                "this location has what another data folder published; take another",
            ));
        }
        let known = self.note.places.get(&current.place);
        let is_own = |last: &Last| known.is_some_and(|known| known.contains(&last.part.blake3));
        if current.last.as_ref().is_none_or(is_own) {
            return Ok(());
        }
        Err(unsuited(
            "somebody who has a copy of this data folder published to this location since; go on with that copy, \
             or publish to another location",
        ))
    }

    /// Finds out which parts are there to stay.
    fn begin(
        &mut self,
        current: Current,
        version: Version,
        last: Option<Publication>,
        now: Instant,
    ) -> Result<()> {
        let needed = last.as_ref().map(|last| places(&last.list)).unwrap_or_default();
        // Publications first: a writer that removes one has removed its parts before.
        let mut earlier = all(&*self.target)?;
        earlier.retain(|at| Some(*at) != current.at());
        let mut untrusted = BTreeSet::new();
        let mut is_known = true;
        for &at in &earlier {
            match Publication::numbered(&*self.target, at) {
                Ok(Some(earlier)) => untrusted.extend(places(&earlier.list)),
                Ok(None) => {}
                Err(error) if matches!(error.kind(), ErrorKind::Corrupt { .. }) => is_known = false,
                Err(error) => return Err(error),
            }
        }
        let mut there = self.target.list(PARTS)?;
        let unneeded: BTreeSet<String> =
            there.keys().filter(|name| !needed.contains(*name)).cloned().collect();
        there.retain(|name, _| needed.contains(name) || is_known && !untrusted.contains(name));
        let publications = earlier.into_iter().map(|(epoch, number)| name_of(epoch, number));
        let publications = publications.collect();
        let retired = Retired { until: now + KEEP, publications, parts: unneeded };
        let tried = current.at().map_or(0, |(_, number)| number);
        self.claim = Some(Claim {
            current,
            version,
            pending: None,
            last,
            tried,
            tries: Vec::new(),
            there,
            retired: VecDeque::from([retired]),
            leases: Leases::default(),
        });
        Ok(())
    }

    /// Finds out what became of a swap that was not answered.
    fn settle(&mut self, now: Instant) -> Result<()> {
        let claim = self.claim.as_mut().ok_or_else(unclaimed)?;
        if claim.pending.is_none() {
            return Ok(());
        }
        let held = self.target.held(CURRENT_NAME)?;
        let Some((pending, publication)) = claim.pending.take() else { return Ok(()) };
        let version = held.as_ref().map(|held| held.version.clone()).unwrap_or_default();
        let found = held.map(|held| Current::read(&held.bytes)).transpose()?;
        if found.as_ref() == Some(&pending) {
            claim.accept(pending, publication, version, now);
            return Ok(());
        }
        if let Some(found) = found.as_ref().filter(|found| claim.is_of(found)) {
            // An earlier swap of this process, perhaps one that was late.
            (claim.current, claim.version) = (found.clone(), version);
            return Ok(());
        }
        Err(self.superseded(found))
    }

    /// Looks whether somebody else publishes by now.
    fn look(&mut self) -> Result<()> {
        let claim = self.claim.as_ref().ok_or_else(unclaimed)?;
        let held = self.target.held(CURRENT_NAME)?;
        if held.as_ref().is_some_and(|held| held.version == claim.version) {
            return Ok(());
        }
        let found = held.map(|held| Current::read(&held.bytes)).transpose()?;
        if found.as_ref().is_some_and(|found| claim.is_of(found)) {
            return Ok(());
        }
        Err(self.superseded(found))
    }

    fn superseded(&mut self, by: Option<Current>) -> Error {
        let own = self.claim.as_ref().map_or(0, |claim| claim.current.epoch);
        let epoch = by.map_or(own, |by| by.epoch);
        self.superseded_by = Some(epoch);
        Error::new(ErrorKind::Superseded { epoch })
    }

    fn swap(&mut self, shared: &Shared, list: BackupList, now: Instant) -> Result<()> {
        let claim = self.claim.as_mut().ok_or_else(unclaimed)?;
        claim.tried += 1;
        let (epoch, number) = (claim.current.epoch, claim.tried);
        let last_generation = *shared.last_generation.lock();
        let publication = Publication { epoch, number, list, last_generation };
        let bytes = sealed(PUBLICATION, "publication", &publication)?;
        if bytes.len() as u64 > PUBLICATION_BYTES_MAX {
            return Err(unsuited("there are too many tables for one publication"));
        }
        let blake3 = blake3::hash(&bytes).to_hex().to_string();
        let part = Part { bytes: bytes.len() as u64, blake3, of: None };
        self.target.put(&name_of(epoch, number), &mut &bytes[..])?;
        // Before the swap, which may happen though it is not answered.
        claim.tries.push(part.blake3.clone());
        let before = claim.current.last.iter().map(|last| &last.part.blake3);
        let may_be = before.chain(&claim.tries).cloned().collect();
        self.note.places.insert(claim.current.place.clone(), may_be);
        self.note.write(shared)?;
        let last = Some(Last { epoch, number, part });
        let current = Current { last, ..claim.current.clone() };
        let bytes = current.bytes()?;
        claim.pending = Some((current, publication));
        let swapped = self.target.swap(CURRENT_NAME, Some(&claim.version), &bytes);
        match swapped {
            Ok(Some(version)) => {
                if let Some((current, publication)) = claim.pending.take() {
                    claim.accept(current, publication, version, now);
                }
                Ok(())
            }
            // A swap that is tried again by what lies below may lose against itself.
            Ok(None) => {
                self.settle(now)?;
                let claim = self.claim.as_ref().ok_or_else(unclaimed)?;
                if claim.current.at() == Some((epoch, number)) {
                    return Ok(());
                }
                Err(Error::new(ErrorKind::Storage).context("a swap lost against an earlier one"))
            }
            Err(error) => Err(error),
        }
    }

    /// Removes what no reader needs any more.
    fn remove_unneeded(&mut self, now: Instant, go_on: GoOn<'_>) -> Result<()> {
        let is_due = |claim: &Claim| claim.retired.front().is_some_and(|one| one.until <= now);
        if !self.claim.as_ref().is_some_and(is_due) {
            return Ok(());
        }
        self.look()?;
        let claim = self.claim.as_mut().ok_or_else(unclaimed)?;
        let held = Held::of(&*self.target, &mut claim.leases, now)?;
        while let Some(retired) = claim.retired.pop_front_if(|retired| retired.until <= now) {
            let needed = claim.last.as_ref().map(|last| places(&last.list)).unwrap_or_default();
            let (held, mut retired) = retired.split(&held, now + KEEP);
            claim.retired.extend(held);
            let is_needed = |name: &String| {
                needed.contains(name)
                    || claim.retired.iter().any(|later| later.parts.contains(name))
            };
            retired.parts.retain(|name| !is_needed(name));
            let removed = retired.parts.iter().try_for_each(|name| {
                go_on()?;
                claim.there.remove(name);
                self.target.remove(name)
            });
            let mut names = retired.publications.iter();
            // Parts first, as those who begin to publish expect.
            let removed =
                removed.and_then(|()| names.try_for_each(|name| self.target.remove(name)));
            if let Err(error) = removed {
                claim.retired.push_front(retired);
                return Err(error);
            }
        }
        Ok(())
    }
}

/// What readers hold: publications by their names, and their parts.
#[derive(Debug, Default)]
struct Held {
    publications: BTreeSet<String>,
    parts: BTreeSet<String>,
}

impl Held {
    fn of(target: &dyn Target, leases: &mut Leases, now: Instant) -> Result<Self> {
        let mut held = Self::default();
        for at in leases.look(target, now)? {
            held.publications.insert(name_of(at.0, at.1));
            // One that is damaged is of no use to anybody.
            match Publication::numbered(target, at) {
                Ok(Some(publication)) => held.parts.extend(places(&publication.list)),
                Ok(None) => {}
                Err(error) if matches!(error.kind(), ErrorKind::Corrupt { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(held)
    }
}

impl Retired {
    /// What of it is held, and looked at again then; and the rest.
    fn split(self, held: &Held, until: Instant) -> (Option<Self>, Self) {
        let (publications, free) =
            self.publications.into_iter().partition(|name| held.publications.contains(name));
        let (parts, left) = self.parts.into_iter().partition(|name| held.parts.contains(name));
        let kept = Self { until, publications, parts };
        let is_held = !kept.publications.is_empty() || !kept.parts.is_empty();
        let rest = Self { until: self.until, publications: free, parts: left };
        (is_held.then_some(kept), rest)
    }
}

fn unclaimed() -> Error {
    Error::new(ErrorKind::Internal).context("no epoch was taken")
}

impl Claim {
    /// Whether this process said that, in this epoch.
    fn is_of(&self, current: &Current) -> bool {
        (current.epoch, &current.process) == (self.current.epoch, &self.current.process)
    }

    fn accept(&mut self, current: Current, new: Publication, version: Version, now: Instant) {
        let needed = places(&new.list);
        let old = self.last.replace(new);
        if let Some(old) = old {
            let parts = places(&old.list).into_iter().filter(|name| !needed.contains(name));
            let (parts, publications) = (parts.collect(), vec![name_of(old.epoch, old.number)]);
            self.retired.push_back(Retired { until: now + KEEP, publications, parts });
        }
        (self.current, self.version) = (current, version);
        self.tries.clear();
    }
}

/// What there is, and the parts that it needs, put.
impl Publisher {
    fn collect(&mut self, shared: &Shared, go_on: GoOn<'_>) -> Result<(BackupList, Published)> {
        let claim = self.claim.as_mut().ok_or_else(unclaimed)?;
        let mut published = Published::default();
        let last = claim.last.as_ref().map(|last| &last.list);
        let mut upload = Upload {
            shared,
            target: &*self.target,
            there: &mut claim.there,
            go_on,
            new_bytes: &mut published.new_bytes,
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let mut list = BackupList {
            made_at: since.map_or(0, |since| since.as_secs()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..BackupList::default()
        };
        let tables = shared.catalog.tables();
        self.seen.retain(|name, _| tables.contains_key(name));
        for name in tables.into_keys() {
            match upload.table(&name, &mut self.seen) {
                Ok(Some(copy)) => _ = list.tables.insert(name, copy),
                Ok(None) => {}
                Err(Fault::Here(error)) => {
                    published.problems.push(format!("table {name}: {error}"));
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
                let key = (sort.folder, name);
                match upload.shelved(&shelf, &key.1, self.shelved.get(&key)) {
                    Ok(Some((stamp, part))) => {
                        let (sort, name) = (sort.folder.to_owned(), key.1.clone());
                        list.shelf.push(ShelfCopy { sort, name, part: part.clone() });
                        self.shelved.insert(key, (stamp, part));
                    }
                    Ok(None) => {}
                    Err(Fault::Here(error)) => {
                        published.problems.push(error.to_string());
                        let is_it = |copy: &&ShelfCopy| copy.sort == key.0 && copy.name == key.1;
                        let before = last.and_then(|last| last.shelf.iter().find(is_it));
                        list.shelf.extend(before.cloned());
                    }
                    Err(Fault::Other(error)) => return Err(error),
                }
            }
        }
        if let Some(last) = last {
            let made_at = std::mem::replace(&mut list.made_at, last.made_at);
            if list != *last {
                list.made_at = made_at;
            }
        }
        Ok((list, published))
    }
}

struct Upload<'a> {
    shared: &'a Shared,
    target: &'a dyn Target,
    there: &'a mut BTreeMap<String, u64>,
    go_on: GoOn<'a>,
    new_bytes: &'a mut u64,
}

impl Upload<'_> {
    /// A table as it is now; none if it was deleted meanwhile.
    fn table(
        &mut self,
        name: &TableName,
        all: &mut BTreeMap<TableName, Seen>,
    ) -> Result<Option<TableCopy>, Fault> {
        for tried in 1.. {
            let Some(record) = self.shared.catalog.table(name) else { return Ok(None) };
            let folder = folder::generation(&self.shared.folder, record.generation);
            let manifest = stamp(&folder.join(MANIFEST.name));
            let seen = all.get(name);
            if let Some(seen) = seen
                && seen.record == record
                && Some(seen.manifest) == manifest
                && seen.last == self.shared.catalog.last_write(seen.copy.meta.lineage())
                && self.has_all(&seen.copy)
            {
                return Ok(Some(seen.copy.clone()));
            }
            let found = self.shared.generation(record.generation);
            let before = seen.map(|seen| &seen.copy);
            let copied = match &found {
                Ok(generation) => self.copy(name, &record, generation, before),
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
                        all.insert(name.clone(), Seen { record, manifest, last, copy });
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
        name: &TableName,
        before: Option<&(Stamp, Part)>,
    ) -> Result<Option<(Stamp, Part)>, Fault> {
        let path = shelf.path(name);
        let Some(stamp) = stamp(&path) else { return Ok(None) };
        if let Some((then, part)) = before
            && *then == stamp
            && self.has(part)
        {
            return Ok(Some((stamp, part.clone())));
        }
        let Some(container) = shelf.container(name)? else { return Ok(None) };
        container.verify()?;
        let Some(mut file) = blob::open(&path)? else { return Ok(None) };
        let mut hasher = blake3::Hasher::new();
        let bytes = io::copy(&mut file, &mut hasher).map_err(Error::disk)?;
        let part = Part { bytes, blake3: hasher.finalize().to_hex().to_string(), of: None };
        self.keep(&path, &part, &format!("{name} on the shelf"))?;
        Ok(Some((stamp, part)))
    }

    /// Puts a file as a part, unless it is there.
    fn keep(&mut self, path: &Path, part: &Part, what: &str) -> Result<(), Fault> {
        (self.go_on)()?;
        let damaged = || Error::new(fault::damage(what.to_owned(), "`wordspace check` tells more"));
        let place = place_of(&part.blake3).ok_or_else(damaged)?;
        if self.has(part) {
            return Ok(());
        }
        let file = blob::open(path)?.ok_or_else(damaged)?;
        let mut on_bytes = |_| {};
        let mut from = Verified::new(Box::new(file), part, what, self.go_on, &mut on_bytes);
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
