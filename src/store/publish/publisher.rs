//! `Publisher`: the writer's side. It puts what is missing, then the publication, then swaps `CURRENT`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::container::Kind;
use crate::error::{Error, ErrorKind, Result};
use crate::store::backup::{self, BackupList, Collector, Known, PARTS, Target, Version, place_of};
use crate::store::check::GoOn;
use crate::store::generation::Part;
use crate::store::publish::lease::Leases;
use crate::store::publish::{
    CURRENT_NAME, Current, KEEP, Last, PUBLICATION, PUBLICATION_BYTES_MAX, Publication, all,
    digits, name_of, sealed,
};
use crate::store::{Shared, Store, TRIES, blob, folder};

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
    /// What was put before.
    known: Known,
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
        let (claim, superseded_by, known) = (None, None, Known::default());
        let address = address.to_owned();
        Ok(Publisher { target, note, process, address, claim, superseded_by, known })
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
        let collector = Collector {
            shared,
            target: &*self.target,
            there: &mut claim.there,
            known: &mut self.known,
            last,
            go_on,
            new_bytes: &mut published.new_bytes,
            on_bytes: &mut |_| {},
        };
        let (mut list, problems) = collector.collect()?;
        published.problems = problems;
        if let Some(last) = last {
            let made_at = std::mem::replace(&mut list.made_at, last.made_at);
            if list != *last {
                list.made_at = made_at;
            }
        }
        Ok((list, published))
    }
}
