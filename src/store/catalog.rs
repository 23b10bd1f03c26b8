//! The catalog: which generation a table's name means. It stands in sled, with a ledger beside it that
//! tells whether sled forgot something, and is made durable here, for many callers at once.
//!
//! | key | value, as JSON behind which stands a CRC-32 of key and JSON |
//! | --- | --- |
//! | `table/NAME` | [`Record`]: the table's generation, and its tokenizer |
//! | `generation` | [`Record`] with the highest generation that ever was a table's |
//!
//! # When the disk fails
//!
//! Sled gives up after the first write that fails. Then every call that was under way fails, the
//! *epoch* ends, and the next call opens sled again: what was acknowledged is put in order there, what
//! was not is removed. Nobody who wrote in one epoch is acknowledged in another.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::group_commit::GroupCommit;
use crate::store::kv::{self, Kv};
use crate::store::ledger::{self, Entry, Ledger};
use crate::store::{blob, fault, folder, journal};
use crate::table::meta::TableName;

const TABLE: &str = "table/";
const GENERATION: &str = "generation";

/// What the catalog says about a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Its generation.
    pub(super) generation: u64,
    /// The tokenizer that cuts its texts where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tokenizer: Option<String>,
    /// Grows with every record that is written: of two records of one key it tells the newer one.
    revision: u64,
}

/// What is acknowledged.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) records: BTreeMap<String, Record>,
    /// The last write of each lineage.
    pub(super) writes: BTreeMap<u64, u64>,
    revision: u64,
    /// The key of the record that is being removed: sled may lack it, so no new ledger has it.
    removing: Option<String>,
}

/// Why a folder is read and not written to.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// What is damaged or missing.
    pub(super) what: String,
}

pub(super) struct Catalog {
    folder: PathBuf,
    /// None while sled cannot be opened.
    kv: RwLock<Option<Kv>>,
    ledger: Mutex<Option<Ledger>>,
    known: Mutex<Known>,
    /// Held while records are changed.
    changing: Mutex<()>,
    /// What sled holds and the ledger does not.
    queue: Mutex<Vec<Entry>>,
    commits: GroupCommit,
    epoch: AtomicU64,
    /// Whether sled and the ledger are to be opened again, and why.
    broken: Mutex<Option<ErrorKind>>,
    is_broken: AtomicBool,
    refusal: Option<Refusal>,
    /// Whether a generation that no record names is known to be a left-over.
    is_trusted: bool,
}

impl Catalog {
    /// Opens the catalog of a data folder, which is made if there is nothing.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let store = folder.join(folder::STORE);
        trial_gone(folder);
        let found = Ledger::read(&folder.join(folder::LEDGER))?;
        if !store.exists() && is_new(folder, &found)? {
            make(folder)?;
        }
        match changed(folder, &found)? {
            Some(what) => Self::refusing(folder, found, what),
            None => Self::open_whole(folder, found),
        }
    }

    /// Opens a key-value store that nobody changed after it was closed, as far as that is known.
    fn open_whole(folder: &Path, found: ledger::Found) -> Result<Self> {
        let (ledger_path, store) = (folder.join(folder::LEDGER), folder.join(folder::STORE));
        let is_new = is_new(folder, &found)?;
        if let ledger::Found::Whole(state) = &found
            && state.closed.is_some()
        {
            // From here on sled changes its files.
            Ledger::create(&ledger_path, state)?;
        }
        if let ledger::Found::Whole(state) = &found
            && state.closed.is_none()
        {
            if let Some(what) = forgotten(folder, &found)? {
                return Self::refusing(folder, found, what);
            }
            // It was not closed, perhaps because a sync had failed.
            kv::rewrite(&store)?;
        }
        let kv = match with_room(folder, || Kv::open(&store)) {
            Ok(kv) => kv,
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt { .. }) => {
                tracing::error!(?error, "the key-value store cannot be opened");
                return Self::refusing(folder, found, what_of(&error));
            }
            Err(error) => return Err(error),
        };
        let known = match known_by(&kv).and_then(|known| agreed(known, &found, &kv)) {
            Ok(known) => known,
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt { .. }) => {
                return Self::refused(folder, Some(kv), found, what_of(&error));
            }
            Err(error) => return Err(error),
        };
        let is_trusted = is_new || matches!(found, ledger::Found::Whole(_));
        if !is_trusted {
            let moved = blob::move_to_lost(&folder.join(folder::LOST), &ledger_path)?;
            tracing::error!(?moved, "the ledger was damaged or missing; it is made anew");
        }
        let ledger = with_room(folder, || Ledger::create(&ledger_path, &known.state()?))?;
        let catalog = Self::new(folder, Some(kv), Some(ledger), known, None, is_trusted);
        folder::reserve(folder);
        Ok(catalog)
    }

    /// A catalog that is read as far as it is whole, and changes nothing on the disk.
    fn refusing(folder: &Path, found: ledger::Found, what: String) -> Result<Self> {
        let (store, trial) = (folder.join(folder::STORE), folder.join(folder::TRIAL));
        // Opening changes files: a copy may tell which writes are whole.
        let kv = store.is_dir().then(|| kv::copy(&store, &trial).and_then(|()| Kv::open(&trial)));
        let kv = kv.and_then(|opened| {
            opened.inspect_err(|error| tracing::warn!(?error, "the journal cannot be read")).ok()
        });
        Self::refused(folder, kv, found, what)
    }

    fn refused(folder: &Path, kv: Option<Kv>, found: ledger::Found, what: String) -> Result<Self> {
        let known = match (found, &kv) {
            (ledger::Found::Whole(state), _) => Known::of(&state)?,
            (ledger::Found::Damaged | ledger::Found::Missing, Some(kv)) => {
                known_by(kv).unwrap_or_default()
            }
            (ledger::Found::Damaged | ledger::Found::Missing, None) => Known::default(),
        };
        tracing::error!(%what, "the data folder is damaged: nothing is written to it");
        Ok(Self::new(folder, kv, None, known, Some(Refusal { what }), false))
    }

    fn new(
        folder: &Path,
        kv: Option<Kv>,
        ledger: Option<Ledger>,
        known: Known,
        refusal: Option<Refusal>,
        is_trusted: bool,
    ) -> Self {
        Self {
            folder: folder.to_path_buf(),
            kv: RwLock::new(kv),
            ledger: Mutex::new(ledger),
            known: Mutex::new(known),
            changing: Mutex::new(()),
            queue: Mutex::default(),
            commits: GroupCommit::default(),
            epoch: AtomicU64::new(1),
            broken: Mutex::default(),
            is_broken: AtomicBool::new(false),
            refusal,
            is_trusted,
        }
    }

    /// Why nothing is written, if so.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// What keeps it from writing.
    pub(super) fn problem(&self) -> Option<String> {
        if let Some(refusal) = &self.refusal {
            return Some(format!("{}; nothing is written: {}", refusal.what, fault::RECOVER));
        }
        let broken = self.broken.lock();
        broken.as_ref().map(|kind| {
            format!("a write failed and the next one tries again: {}", Error::new(kind.clone()))
        })
    }

    /// Whether a generation that no record names is known to be a left-over.
    pub(super) fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    /// Each table's record, by name.
    pub(super) fn tables(&self) -> BTreeMap<TableName, Record> {
        let known = self.known.lock();
        let tables = known.records.iter().filter_map(|(key, record)| {
            let name = key.strip_prefix(TABLE)?.to_owned();
            Some((TableName::try_from(name).ok()?, record.clone()))
        });
        tables.collect()
    }

    /// The record of a table.
    pub(super) fn table(&self, name: &TableName) -> Option<Record> {
        self.known.lock().records.get(&key(name)).cloned()
    }

    /// The last acknowledged write of a lineage; 0 if there is none.
    pub(super) fn last_write(&self, lineage: u64) -> u64 {
        self.known.lock().last_write(lineage)
    }

    /// The highest generation that ever was a table's.
    pub(super) fn last_generation(&self) -> u64 {
        self.known.lock().last_generation()
    }

    /// The number of the epoch, once sled can be written to.
    pub(super) fn ready(&self) -> Result<u64> {
        if let Some(refusal) = &self.refusal {
            let what = format!("{}: until it is recovered nothing is written", refusal.what);
            return Err(Error::new(ErrorKind::Corrupt { what, advice: fault::RECOVER }));
        }
        loop {
            // First the number: what fails from here on makes it an old one.
            let epoch = self.epoch.load(Ordering::SeqCst);
            if !self.is_broken.load(Ordering::SeqCst) {
                return Ok(epoch);
            }
            self.revive()?;
        }
    }

    /// Opens sled and the ledger again, and puts them in order.
    fn revive(&self) -> Result<()> {
        let _commit = self.commits.take();
        let mut kv = self.kv.write();
        if !self.is_broken.load(Ordering::SeqCst) {
            return Ok(());
        }
        if let Some(old) = kv.take()
            && let Err(error) = old.close()
        {
            tracing::warn!(?error, "closing the key-value store failed");
        }
        self.queue.lock().clear();
        let known = Known { removing: None, ..self.known.lock().clone() };
        let store = self.folder.join(folder::STORE);
        kv::rewrite(&store)?;
        let opened = Kv::open(&store)?;
        put_in_order(&opened, &known)?;
        let ledger = Ledger::create(&self.folder.join(folder::LEDGER), &known.state()?)?;
        *self.ledger.lock() = Some(ledger);
        *kv = Some(opened);
        *self.broken.lock() = None;
        self.is_broken.store(false, Ordering::SeqCst);
        tracing::info!("the key-value store is open again");
        folder::reserve(&self.folder);
        Ok(())
    }

    /// Reads sled.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Kv) -> Result<T>) -> Result<T> {
        let kv = self.kv.read();
        let kv = kv.as_ref().ok_or_else(|| match (&self.refusal, &*self.broken.lock()) {
            (Some(refusal), _) => Error::new(fault::damage(refusal.what.clone(), fault::RECOVER)),
            (None, Some(kind)) => Error::new(kind.clone()),
            (None, None) => Error::new(ErrorKind::Storage),
        })?;
        read(kv)
    }

    /// Writes to sled in an epoch, and tells the ledger what was written with the next sync.
    pub(super) fn write(
        &self,
        epoch: u64,
        entries: impl IntoIterator<Item = Entry>,
        write: impl FnOnce(&Kv) -> Result<()>,
    ) -> Result<()> {
        self.read(|kv| {
            if self.epoch.load(Ordering::SeqCst) != epoch {
                return Err(self.failed_before());
            }
            write(kv).inspect_err(|error| self.fail(error))?;
            self.queue.lock().extend(entries);
            Ok(())
        })
    }

    /// Everything that was written in this epoch until now survives a power cut once this returns.
    /// Callers that come while one syncs share the next sync.
    pub(super) fn make_durable(&self, epoch: u64) -> Result<()> {
        let Some(commit) = self.commits.wait(epoch) else { return Ok(()) };
        if self.epoch.load(Ordering::SeqCst) != epoch {
            return Err(self.failed_before());
        }
        let entries: Vec<Entry> = std::mem::take(&mut *self.queue.lock());
        let made = self.read(Kv::make_durable);
        let made = made.and_then(|()| self.append(&entries));
        match &made {
            Ok(()) => commit.done(epoch),
            // A disk that failed once may claim the next time that all is well.
            Err(error) => self.fail(error),
        }
        made
    }

    /// Appends to the ledger; from then on this is acknowledged.
    fn append(&self, entries: &[Entry]) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut ledger = self.ledger.lock();
        let ledger = ledger.as_mut().ok_or_else(|| self.failed_before())?;
        ledger.append(entries)?;
        let mut known = self.known.lock();
        for entry in entries {
            known.take(entry);
        }
        if ledger.is_grown() {
            let path = self.folder.join(folder::LEDGER);
            match known.state().and_then(|state| Ledger::create(&path, &state)) {
                Ok(new) => *ledger = new,
                // What was appended is acknowledged all the same; the next call opens it again.
                Err(error) => self.fail(&error),
            }
        }
        Ok(())
    }

    /// Forgets the writes of all lineages but these.
    pub(super) fn keep_writes(&self, live: &BTreeSet<u64>) -> Result<()> {
        let mut ledger = self.ledger.lock();
        let mut known = self.known.lock();
        let before = known.writes.len();
        known.writes.retain(|lineage, _| live.contains(lineage));
        if known.writes.len() < before {
            let new = Ledger::create(&self.folder.join(folder::LEDGER), &known.state()?);
            *ledger = Some(new.inspect_err(|error| self.fail(error))?);
        }
        Ok(())
    }

    /// The epoch ends: whoever wrote in it and was not acknowledged fails.
    fn fail(&self, error: &Error) {
        let mut broken = self.broken.lock();
        if broken.is_none() {
            *broken = Some(error.kind().clone());
            // Before the number, so that nobody gets it while sled is broken.
            self.is_broken.store(true, Ordering::SeqCst);
            self.epoch.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn failed_before(&self) -> Error {
        let kind = self.broken.lock().clone().unwrap_or(ErrorKind::Storage);
        Error::new(kind).context("an earlier write did not reach the disk")
    }

    /// Says which generation and tokenizer a table has from now on, durably; what it had before.
    ///
    /// If `change` fails nothing is written. If the disk does the record is the old one, unless the process ends before another write: then
    /// it may be either.
    pub(super) fn set(
        &self,
        name: &TableName,
        change: impl FnOnce(Option<&Record>) -> Result<(u64, Option<String>)>,
    ) -> Result<Option<Record>> {
        let _changing = self.changing.lock();
        let epoch = self.ready()?;
        let (old, revision, last) = {
            let mut known = self.known.lock();
            known.revision += 2;
            let last = known.records.get(GENERATION).map_or(0, |record| record.generation);
            (known.records.get(&key(name)).cloned(), known.revision, last)
        };
        let (generation, tokenizer) = change(old.as_ref())?;
        let mut batch = sled::Batch::default();
        let record = Record { generation, tokenizer, revision };
        let mut entries = vec![put(&mut batch, &key(name), &record)?];
        if generation > last {
            let record = Record { generation, tokenizer: None, revision: revision - 1 };
            entries.push(put(&mut batch, GENERATION, &record)?);
        }
        let what = || format!("the record of table \"{name}\"");
        self.write(epoch, entries, |kv| fault::guarded(what, || kv.catalog.apply_batch(batch)))?;
        self.make_durable(epoch)?;
        Ok(old)
    }

    /// Removes a table's record, durably, also where the disk is full; what it was.
    pub(super) fn remove(&self, name: &TableName) -> Result<Option<Record>> {
        let _changing = self.changing.lock();
        let removed = with_room(&self.folder, || self.try_remove(name));
        self.known.lock().removing = None;
        removed
    }

    fn try_remove(&self, name: &TableName) -> Result<Option<Record>> {
        let epoch = self.ready()?;
        let key = key(name);
        let Some(old) = self.known.lock().records.get(&key).cloned() else { return Ok(None) };
        let removed = Entry::Removed { key: key.clone().into_bytes(), revision: old.revision + 1 };
        // The ledger first: it must never say that there is what sled may have removed.
        let appended = {
            let mut ledger = self.ledger.lock();
            let ledger = ledger.as_mut().ok_or_else(|| self.failed_before())?;
            self.known.lock().removing = Some(key.clone());
            ledger.append(std::slice::from_ref(&removed))
        };
        appended.inspect_err(|error| self.fail(error))?;
        let what = || format!("the record of table \"{name}\"");
        let remove = |kv: &Kv| fault::guarded(what, || kv.catalog.remove(&key)).map(drop);
        self.write(epoch, [removed], remove)?;
        self.make_durable(epoch)?;
        Ok(Some(old))
    }

    /// A lineage has no writes any more.
    pub(super) fn forget_writes(&self, lineage: u64) {
        self.known.lock().writes.remove(&lineage);
    }

    /// Closes sled, and seals its files, so that the next open can tell whether they were changed.
    pub(super) fn close(&self) -> Result<()> {
        let (Some(kv), None) = (self.kv.write().take(), &self.refusal) else {
            trial_gone(&self.folder);
            return Ok(());
        };
        if self.is_broken.load(Ordering::SeqCst) {
            return kv.close();
        }
        kv.make_durable()?;
        kv.close()?;
        // Sled writes while it closes.
        let store = self.folder.join(folder::STORE);
        kv::sync_closed(&store)?;
        let digests = kv::digests(&store)?;
        match &mut *self.ledger.lock() {
            Some(ledger) => ledger.append(&[Entry::Closed(digests)]),
            None => Ok(()),
        }
    }
}

/// Makes the key-value store of a new folder.
pub(super) fn make(folder: &Path) -> Result<()> {
    let (making, store) = (folder.join("store.new"), folder.join(folder::STORE));
    blob::remove_folder(&making)?;
    Kv::open(&making)?.close()?;
    folder::write_version(&making)?;
    std::fs::rename(&making, store)
        .and_then(|()| blob::sync_folder(folder))
        .map_err(Error::disk)
        .context(|| format!("making the data folder {}", folder.display()))
}

/// Whether there is nothing that a new key-value store would take away.
fn is_new(folder: &Path, found: &ledger::Found) -> Result<bool> {
    match found {
        ledger::Found::Missing => Ok(folder::generations(folder)?.is_empty()),
        ledger::Found::Whole(state) => Ok(state.records.is_empty()),
        ledger::Found::Damaged => Ok(false),
    }
}

/// What of the key-value store is missing, or was changed after it was closed.
fn changed(folder: &Path, found: &ledger::Found) -> Result<Option<String>> {
    let store = folder.join(folder::STORE);
    if !store.exists() {
        return Ok(Some(format!("{} is missing", store.display())));
    }
    match folder::version(folder) {
        Ok(Some(_)) => {}
        Ok(None) => return Ok(Some(format!("{}/format is missing", store.display()))),
        Err(error) if matches!(error.kind(), ErrorKind::Corrupt { .. }) => {
            return Ok(Some(what_of(&error)));
        }
        Err(error) => return Err(error),
    }
    let ledger::Found::Whole(ledger::State { closed: Some(closed), .. }) = found else {
        return Ok(None);
    };
    let file = kv::changed(closed, &kv::digests(&store)?);
    Ok(file.map(|file| format!("{}/{file} was changed after it was closed", store.display())))
}

/// What a key-value store lacks that was not closed. Opening it would change it for good, so a copy is
/// opened first.
fn forgotten(folder: &Path, found: &ledger::Found) -> Result<Option<String>> {
    let trial = folder.join(folder::TRIAL);
    let looked = with_room(folder, || {
        blob::remove_folder(&trial)?;
        kv::copy(&folder.join(folder::STORE), &trial)?;
        let kv = Kv::open(&trial)?;
        let known = known_by(&kv).and_then(|known| agreed(known, found, &kv)).map(drop);
        kv.close()?;
        known
    });
    trial_gone(folder);
    match looked {
        Ok(()) => Ok(None),
        Err(error) if matches!(error.kind(), ErrorKind::Corrupt { .. }) => {
            Ok(Some(what_of(&error)))
        }
        Err(error) => Err(error),
    }
}

/// What is damaged.
fn what_of(error: &Error) -> String {
    if let ErrorKind::Corrupt { what, .. } = error.kind() {
        what.clone()
    } else {
        error.to_string()
    }
}

fn trial_gone(folder: &Path) {
    if let Err(error) = blob::remove_folder(&folder.join(folder::TRIAL)) {
        tracing::warn!(?error, "a copy that nobody needs stays");
    }
}

/// Does what a full disk has no room for with the room that was set aside.
fn with_room<T>(folder: &Path, mut work: impl FnMut() -> Result<T>) -> Result<T> {
    match work() {
        Err(error) if *error.kind() == ErrorKind::DiskFull && folder::release(folder) => work(),
        done => done,
    }
}

fn key(name: &TableName) -> String {
    format!("{TABLE}{name}")
}

fn put(batch: &mut sled::Batch, key: &str, record: &Record) -> Result<Entry> {
    let value = encode(key, record)?;
    batch.insert(key, value.clone());
    Ok(Entry::Record { key: key.as_bytes().to_vec(), value })
}

fn encode(key: &str, record: &Record) -> Result<Vec<u8>> {
    let mut value =
        serde_json::to_vec(record).map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
    journal::seal(key.as_bytes(), &mut value);
    Ok(value)
}

fn decode(key: &[u8], value: &[u8]) -> Result<(String, Record)> {
    let shown = String::from_utf8_lossy(key).into_owned();
    let record = journal::unseal(key, value).and_then(|json| serde_json::from_slice(json).ok());
    let what = || format!("the record of {shown} in the catalog");
    let record = record.ok_or_else(|| Error::new(fault::damage(what(), fault::RECOVER)))?;
    Ok((shown, record))
}

/// What sled knows.
pub(super) fn known_by(kv: &Kv) -> Result<Known> {
    let mut known = Known::default();
    let what = || "the catalog".to_owned();
    let mut records = kv.catalog.iter();
    while let Some((key, value)) = fault::guarded(what, || records.next().transpose())? {
        known.insert(decode(&key, &value)?);
    }
    known.writes = journal::last_writes(kv)?;
    Ok(known)
}

/// Tables that a catalog is made of.
#[derive(Debug, Default)]
pub(super) struct Imported {
    /// Name, generation and tokenizer of each.
    pub(super) tables: Vec<(TableName, u64, Option<String>)>,
    pub(super) last_generation: u64,
}

/// Writes a catalog of these tables, and nothing else, into sled; not durable yet.
pub(super) fn import(kv: &Kv, imported: Imported) -> Result<Known> {
    let mut known = Known { writes: journal::last_writes(kv)?, ..Known::default() };
    let mut add = |key: String, generation, tokenizer| {
        let revision = known.revision + 1;
        known.insert((key, Record { generation, tokenizer, revision }));
    };
    for (name, generation, tokenizer) in imported.tables {
        add(key(&name), generation, tokenizer);
    }
    add(GENERATION.to_owned(), imported.last_generation, None);
    put_in_order(kv, &known)?;
    Ok(known)
}

/// What sled knows, if it is all that the ledger says; removals that were not completed are made.
fn agreed(mut known: Known, found: &ledger::Found, kv: &Kv) -> Result<Known> {
    let ledger::Found::Whole(state) = found else { return Ok(known) };
    let expected = Known::of(state)?;
    known.revision = known.revision.max(expected.revision);
    let forgotten = expected.forgotten(&known);
    // Writes that are missing are told by the table that needs them.
    for (&lineage, &sequence) in &expected.writes {
        let last = known.writes.entry(lineage).or_default();
        *last = sequence.max(*last);
    }
    if !forgotten.is_empty() {
        let what = format!("the key-value store forgot {}", forgotten.join(", "));
        return Err(Error::new(fault::damage(what, fault::RECOVER)));
    }
    for (key, &revision) in &state.removed {
        let key = String::from_utf8_lossy(key).into_owned();
        if known.records.get(&key).is_some_and(|record| record.revision < revision) {
            fault::guarded(|| key.clone(), || kv.catalog.remove(&key))?;
            known.records.remove(&key);
        }
    }
    Ok(known)
}

/// Makes sled hold what is known, and nothing else.
fn put_in_order(kv: &Kv, known: &Known) -> Result<()> {
    let what = || "the catalog".to_owned();
    let mut batch = sled::Batch::default();
    let keys: Vec<sled::IVec> =
        fault::guarded(what, || kv.catalog.iter().keys().collect::<sled::Result<_>>())?;
    for key in keys.iter().filter(|key| !known.records.contains_key(&*String::from_utf8_lossy(key)))
    {
        batch.remove(key);
    }
    for (key, record) in &known.records {
        batch.insert(key.as_str(), encode(key, record)?);
    }
    fault::guarded(what, || kv.catalog.apply_batch(batch))?;
    journal::keep(kv, &known.writes)?;
    kv.make_durable()
}

impl Known {
    /// What a ledger says.
    pub(super) fn of(state: &ledger::State) -> Result<Self> {
        let mut known = Self { writes: state.writes.clone(), ..Self::default() };
        for (key, value) in &state.records {
            known.insert(decode(key, value)?);
        }
        let removed = state.removed.values().copied().max().unwrap_or(0);
        known.revision = known.revision.max(removed);
        Ok(known)
    }

    /// The tables with their generations.
    pub(super) fn named(&self) -> BTreeMap<u64, (TableName, Option<String>)> {
        let tables = self.records.iter().filter_map(|(key, record)| {
            let name = TableName::try_from(key.strip_prefix(TABLE)?.to_owned()).ok()?;
            Some((record.generation, (name, record.tokenizer.clone())))
        });
        tables.collect()
    }

    /// The last write of a lineage; 0 if there is none.
    pub(super) fn last_write(&self, lineage: u64) -> u64 {
        self.writes.get(&lineage).copied().unwrap_or(0)
    }

    /// The highest generation that ever was a table's.
    pub(super) fn last_generation(&self) -> u64 {
        self.records.values().map(|record| record.generation).max().unwrap_or(0)
    }

    /// What is missing in what another knows, or is older there.
    pub(super) fn forgotten(&self, by: &Self) -> Vec<String> {
        let is_there = |key: &str, record: &Record| {
            by.records.get(key).is_some_and(|found| found.revision >= record.revision)
        };
        let forgotten = self.records.iter().filter(|(key, record)| !is_there(key, record));
        forgotten.map(|(key, record)| format!("{key} (generation {})", record.generation)).collect()
    }

    fn insert(&mut self, (key, record): (String, Record)) {
        self.revision = self.revision.max(record.revision);
        self.records.insert(key, record);
    }

    fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::Record { key, value } => {
                if let Ok(record) = decode(key, value) {
                    self.insert(record);
                }
            }
            Entry::Wrote { lineage, sequence } => _ = self.writes.insert(*lineage, *sequence),
            Entry::Removed { key, .. } => {
                self.records.remove(&*String::from_utf8_lossy(key));
            }
            Entry::Closed(_) | Entry::Opened => {}
        }
    }

    pub(super) fn state(&self) -> Result<ledger::State> {
        let records = self.records.iter().filter(|(key, _)| self.removing.as_ref() != Some(*key));
        let records =
            records.map(|(key, record)| Ok((key.clone().into_bytes(), encode(key, record)?)));
        let records = records.collect::<Result<_>>()?;
        Ok(ledger::State { records, writes: self.writes.clone(), ..ledger::State::default() })
    }
}
