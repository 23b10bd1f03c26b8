//! The catalog: which generation a table's name means. It stands in sled, with a ledger beside it that
//! tells whether sled forgot something, and is made durable here, for many callers at once.
//!
//! | key | value, as JSON behind which stands a CRC-32 of key and JSON |
//! | --- | --- |
//! | `table/NAME` | [`Record`]: the table's generation, and its tokenizer |
//! | `alias/NAME` | [`Record`] with the table that the alias stands for |
//! | `generation` | [`Record`] with the highest generation that ever was a table's |
//!
//! A table that is renamed gets a record under its new name, which tells the old one, in the same
//! operation in which the old record goes. So a crash leaves one of them, and the ledger, which may
//! still have the old one, is known to be behind and not to miss a table.
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
use crate::limits;
use crate::store::group_commit::GroupCommit;
use crate::store::kv::{self, Kv};
use crate::store::ledger::{self, Entry, Ledger};
use crate::store::{blob, fault, folder, journal};
use crate::table::meta::TableName;

const TABLE: &str = "table/";
const ALIAS: &str = "alias/";
const GENERATION: &str = "generation";

/// What the catalog says about a table, or about an alias.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Its generation; 0 of an alias.
    pub(super) generation: u64,
    /// The tokenizer that cuts its texts where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tokenizer: Option<String>,
    /// The table that an alias stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alias_of: Option<TableName>,
    /// The name that the table had until this record was written, if it was renamed by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    renamed_from: Option<TableName>,
    /// Grows with every record that is written: of two records of one key it tells the newer one.
    revision: u64,
}

impl Record {
    fn table(generation: u64, tokenizer: Option<String>, revision: u64) -> Self {
        Self { generation, tokenizer, alias_of: None, renamed_from: None, revision }
    }

    fn alias(of: TableName, revision: u64) -> Self {
        Self { alias_of: Some(of), ..Self::table(0, None, revision) }
    }
}

/// What is acknowledged.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) records: BTreeMap<String, Record>,
    /// The last write of each lineage.
    pub(super) writes: BTreeMap<u64, u64>,
    revision: u64,
    /// The keys of the records that are being removed: sled may lack them, so no new ledger has them.
    removing: BTreeSet<String>,
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

    /// The table that each alias stands for, by the alias.
    pub(super) fn aliases(&self) -> BTreeMap<TableName, TableName> {
        self.known.lock().aliases()
    }

    /// As [`Known::dangling`].
    pub(super) fn dangling(&self) -> Vec<String> {
        self.known.lock().dangling()
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
        let known = Known { removing: BTreeSet::new(), ..self.known.lock().clone() };
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
            known.check_no_alias(name)?;
            known.revision += 2;
            let last = known.records.get(GENERATION).map_or(0, |record| record.generation);
            (known.records.get(&key(name)).cloned(), known.revision, last)
        };
        let (generation, tokenizer) = change(old.as_ref())?;
        let mut batch = sled::Batch::default();
        let record = Record::table(generation, tokenizer, revision);
        let mut entries = vec![put(&mut batch, &key(name), &record)?];
        if generation > last {
            let record = Record::table(generation, None, revision - 1);
            entries.push(put(&mut batch, GENERATION, &record)?);
        }
        let what = || format!("the record of table \"{name}\"");
        self.write(epoch, entries, |kv| fault::guarded(what, || kv.catalog.apply_batch(batch)))?;
        self.make_durable(epoch)?;
        Ok(old)
    }

    /// No generation up to this one is given out any more, durably.
    pub(super) fn keep_last_generation(&self, last: u64) -> Result<()> {
        let _changing = self.changing.lock();
        let epoch = self.ready()?;
        let record = {
            let mut known = self.known.lock();
            if known.last_generation() >= last {
                return Ok(());
            }
            known.revision += 1;
            Record::table(last, None, known.revision)
        };
        let mut batch = sled::Batch::default();
        let entry = put(&mut batch, GENERATION, &record)?;
        let what = || "the number of the last generation".to_owned();
        self.write(epoch, [entry], |kv| fault::guarded(what, || kv.catalog.apply_batch(batch)))?;
        self.make_durable(epoch)
    }

    /// Gives a table another name, and with it every alias that stands for it, durably. If the disk
    /// fails it has the old one; as [`Catalog::set`] says.
    pub(super) fn rename(&self, old: &TableName, new: &TableName) -> Result<()> {
        let _changing = self.changing.lock();
        let epoch = self.ready()?;
        let mut batch = sled::Batch::default();
        let mut entries = Vec::new();
        {
            let mut known = self.known.lock();
            known.check_free(new)?;
            let was = known.records.get(&key(old)).cloned();
            let was = was.ok_or_else(|| Error::new(not_found(old)))?;
            let mut revision = known.revision + 1;
            let record = Record { renamed_from: Some(old.clone()), revision, ..was.clone() };
            entries.push(put(&mut batch, &key(new), &record)?);
            for alias in known.aliases_of(old) {
                revision += 1;
                let record = Record::alias(new.clone(), revision);
                entries.push(put(&mut batch, &alias_key(&alias), &record)?);
            }
            known.revision = revision;
            batch.remove(key(old).as_str());
            entries.push(Entry::Removed { key: key(old).into_bytes(), revision: was.revision + 1 });
        }
        let what = || format!("the record of table \"{old}\"");
        self.write(epoch, entries, |kv| fault::guarded(what, || kv.catalog.apply_batch(batch)))?;
        self.make_durable(epoch)
    }

    /// Lets an alias stand for a table, durably; which one it stood for.
    pub(super) fn set_alias(
        &self,
        alias: &TableName,
        table: &TableName,
    ) -> Result<Option<TableName>> {
        let _changing = self.changing.lock();
        let epoch = self.ready()?;
        let (old, revision) = {
            let mut known = self.known.lock();
            if known.records.contains_key(&key(alias)) {
                return Err(Error::new(ErrorKind::TableExists { name: alias.to_string() }));
            }
            if !known.records.contains_key(&key(table)) {
                return Err(Error::new(not_found(table)));
            }
            let aliases = known.aliases();
            let max = limits::ALIASES_MAX;
            if !aliases.contains_key(alias) && aliases.len() >= max {
                let (max, got) = (max as u64, max as u64 + 1);
                return Err(Error::new(ErrorKind::TooLarge { limit: "ALIASES_MAX", max, got }));
            }
            known.revision += 1;
            (aliases.get(alias).cloned(), known.revision)
        };
        if old.as_ref() != Some(table) {
            let mut batch = sled::Batch::default();
            let record = Record::alias(table.clone(), revision);
            let entry = put(&mut batch, &alias_key(alias), &record)?;
            let what = || format!("the record of alias \"{alias}\"");
            self.write(epoch, [entry], |kv| {
                fault::guarded(what, || kv.catalog.apply_batch(batch))
            })?;
            self.make_durable(epoch)?;
        }
        Ok(old)
    }

    /// Removes an alias, durably, also where the disk is full; the table that it stood for.
    pub(super) fn remove_alias(&self, alias: &TableName) -> Result<TableName> {
        let _changing = self.changing.lock();
        let missing = || Error::new(ErrorKind::AliasNotFound { name: alias.to_string() });
        let table = self.aliases().remove(alias).ok_or_else(missing)?;
        self.remove_keys(&[alias_key(alias)])?;
        Ok(table)
    }

    /// Removes the records of tables, all or none, durably, also where the disk is full; what they
    /// were. A name that comes again counts once.
    pub(super) fn remove(&self, names: &[TableName]) -> Result<Vec<Record>> {
        let _changing = self.changing.lock();
        {
            let known = self.known.lock();
            for name in names {
                if !known.records.contains_key(&key(name)) {
                    return Err(Error::new(not_found(name)));
                }
                let aliases: Vec<String> =
                    known.aliases_of(name).iter().map(ToString::to_string).collect();
                if !aliases.is_empty() {
                    let because = format!(
                        "the alias {} stands for the table {name}; set it to another table or \
                         remove it first",
                        aliases.join(", ")
                    );
                    return Err(Error::new(ErrorKind::Unsuited { operation: "deleting", because }));
                }
            }
        }
        let keys: BTreeSet<String> = names.iter().map(key).collect();
        self.remove_keys(&keys.into_iter().collect::<Vec<_>>())
    }

    fn remove_keys(&self, keys: &[String]) -> Result<Vec<Record>> {
        let removed = with_room(&self.folder, || self.try_remove(keys));
        self.known.lock().removing.clear();
        removed
    }

    fn try_remove(&self, keys: &[String]) -> Result<Vec<Record>> {
        let epoch = self.ready()?;
        let old: Vec<(&String, Record)> = {
            let known = self.known.lock();
            let record = |key| Some((key, known.records.get(key)?.clone()));
            keys.iter().filter_map(record).collect()
        };
        let entry = |(key, record): &(&String, Record)| Entry::Removed {
            key: key.as_bytes().to_vec(),
            revision: record.revision + 1,
        };
        let removed: Vec<Entry> = old.iter().map(entry).collect();
        // The ledger first: it must never say that there is what sled may have removed.
        let appended = {
            let mut ledger = self.ledger.lock();
            let ledger = ledger.as_mut().ok_or_else(|| self.failed_before())?;
            self.known.lock().removing.extend(keys.iter().cloned());
            ledger.append(&removed)
        };
        appended.inspect_err(|error| self.fail(error))?;
        let mut batch = sled::Batch::default();
        for key in keys {
            batch.remove(key.as_str());
        }
        let what = || format!("the record of {}", keys.join(", "));
        self.write(epoch, removed, |kv| fault::guarded(what, || kv.catalog.apply_batch(batch)))?;
        self.make_durable(epoch)?;
        Ok(old.into_iter().map(|(_, record)| record).collect())
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

fn alias_key(name: &TableName) -> String {
    format!("{ALIAS}{name}")
}

fn not_found(name: &TableName) -> ErrorKind {
    ErrorKind::TableNotFound { name: name.to_string() }
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
    /// Aliases, each with its table.
    pub(super) aliases: Vec<(TableName, TableName)>,
    pub(super) last_generation: u64,
}

/// Writes a catalog of these tables, and nothing else, into sled; not durable yet.
pub(super) fn import(kv: &Kv, imported: Imported) -> Result<Known> {
    let mut known = Known { writes: journal::last_writes(kv)?, ..Known::default() };
    let last = (GENERATION.to_owned(), Record::table(imported.last_generation, None, 0));
    let tables = imported.tables.into_iter();
    let tables = tables
        .map(|(name, generation, tokenizer)| (key(&name), Record::table(generation, tokenizer, 0)));
    let aliases = imported.aliases.into_iter();
    let aliases = aliases.map(|(alias, table)| (alias_key(&alias), Record::alias(table, 0)));
    for (key, record) in tables.chain(aliases).chain([last]) {
        let revision = known.revision + 1;
        known.insert((key, Record { revision, ..record }));
    }
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

    /// The table that each alias stands for, by the alias.
    pub(super) fn aliases(&self) -> BTreeMap<TableName, TableName> {
        let aliases = self.records.iter().filter_map(|(key, record)| {
            let alias = TableName::try_from(key.strip_prefix(ALIAS)?.to_owned()).ok()?;
            Some((alias, record.alias_of.clone()?))
        });
        aliases.collect()
    }

    /// The aliases of a table.
    fn aliases_of(&self, table: &TableName) -> Vec<TableName> {
        let aliases = self.aliases().into_iter().filter(|(_, of)| of == table);
        aliases.map(|(alias, _)| alias).collect()
    }

    /// Aliases of tables that are not there, a sentence each; none, unless something is damaged.
    pub(super) fn dangling(&self) -> Vec<String> {
        let aliases = self.aliases().into_iter();
        let dangling = aliases.filter(|(_, table)| !self.records.contains_key(&key(table)));
        let told = dangling.map(|(alias, table)| {
            format!("the alias {alias} stands for the table {table}, which is not there")
        });
        told.collect()
    }

    /// An error if an alias has this name.
    fn check_no_alias(&self, name: &TableName) -> Result<()> {
        match self.records.get(&alias_key(name)).and_then(|record| record.alias_of.as_ref()) {
            Some(table) => {
                let (name, table) = (name.to_string(), table.to_string());
                Err(Error::new(ErrorKind::AliasExists { name, table }))
            }
            None => Ok(()),
        }
    }

    /// An error if a table or an alias has this name.
    fn check_free(&self, name: &TableName) -> Result<()> {
        if self.records.contains_key(&key(name)) {
            return Err(Error::new(ErrorKind::TableExists { name: name.to_string() }));
        }
        self.check_no_alias(name)
    }

    /// What is missing in what another knows, or is older there. A table that was renamed there is
    /// not missing.
    pub(super) fn forgotten(&self, by: &Self) -> Vec<String> {
        let renamed = by.records.values().filter_map(|record| {
            Some((key(record.renamed_from.as_ref()?), record.generation, record.revision))
        });
        let renamed: Vec<_> = renamed.collect();
        let is_there = |key: &str, record: &Record| {
            by.records.get(key).is_some_and(|found| found.revision >= record.revision)
                || renamed.iter().any(|(old, generation, revision)| {
                    old == key && *generation == record.generation && *revision > record.revision
                })
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
        let records = self.records.iter().filter(|(key, _)| !self.removing.contains(*key));
        let records =
            records.map(|(key, record)| Ok((key.clone().into_bytes(), encode(key, record)?)));
        let records = records.collect::<Result<_>>()?;
        Ok(ledger::State { records, writes: self.writes.clone(), ..ledger::State::default() })
    }
}
