//! What survives a restart: a folder a generation, complete in itself, and a catalog in sled that tells
//! which of them a table's name means, with the journal of the writes since.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `folder.rs` | the data folder: its lock, its format version, where things are |
//! | `generation.rs` | a generation's folder: its manifest, its parts |
//! | `staging.rs` | `Staging`: a new generation in the making |
//! | `catalog.rs` | which generation a name means; what is acknowledged; a disk that fails |
//! | `group_commit.rs` | one sync for all callers that wait for one |
//! | `ledger.rs` | what sled must know, so that nothing it forgets goes unseen |
//! | `journal.rs` | writes since a generation's rows |
//! | `kv.rs` | sled: opened, synced, closed |
//! | `shelf.rs` | named things that are stored whole; `specs.rs`, `test_sets.rs`, `models.rs`: what they hold |
//! | `upload.rs` | files that arrive in pieces |
//! | `checkpoint.rs` | where trainings stand |
//! | `brought.rs` | `Brought`: a table of a backup, or a copy, in a generation of its own |
//! | `backup/` | all of it kept elsewhere, and made tables again |
//! | `publish/` | all of it kept where readers follow it |
//! | `check.rs` | every byte read again |
//! | `recover.rs` | a catalog made of what is whole |
//! | `legacy/` | folders of formats 1 and 2, made folders of format 3 |
//! | `blob.rs` | files and folders, there whole or not at all |
//! | `fault.rs` | sled's errors and panics in this crate's words |
//!
//! # The data folder
//!
//! ```text
//! lock                    held while a process uses the folder; empty
//! generations/42/manifest what is known of the table, and of each part its length and BLAKE3
//! generations/42/...      the parts: words, vectors, attributes, graph or partition, lists, places, subwords, inputs
//! shelf/tokenizers/gpt2   the tokenizer "gpt2"
//! shelf/test-sets/google  the test set "google"
//! shelf/models/news       the language model "news"
//! store/                  sled: the catalog and the journal; `store/format` tells the format's version
//! ledger                  what sled must know
//! uploads/en.part         what has arrived of a file for the table "en", until it is imported; capitals have a
//!                         ^ before them
//! trainings/en/corpus     the text from which the table "en" is trained, as numbers, and what is asked
//! trainings/en/state      how far it was trained
//! keys.json, keys.lock    who may call a server, as hashes; only the server knows them
//! publisher               what the folder is called where it is published
//! followed                what is known of the location that it follows, and of which it holds copies
//! reserve                 room that is given up so that a table can be deleted on a full disk
//! lost/                   what no catalog names, where none can tell that it is a left-over; what a recovery
//!                         replaced
//! store.new/              a kill may leave these three: a new folder's store before it is complete,
//! store.trial/            a copy of the store that is looked at and thrown away,
//! recovery/               and what `wordspace recover` makes before it changes names
//! ```
//!
//! Manifest, parts and what is on the shelf are [containers](crate::container); parts are described
//! in [`table::part`](crate::table::part).
//!
//! # What a crash leaves
//!
//! A generation's parts are written and synced, then its manifest, then one record of the catalog
//! makes it a table. A crash before that leaves a folder that no record names, and [`Store::open`]
//! removes it; so it does with those of replaced and deleted tables. A table's record is written in
//! one operation, so a crash leaves the old table or the new one.
//!
//! # What damage leaves
//!
//! Nothing is removed because something else is damaged. If the key-value store was changed after it
//! was closed, cannot be opened, or has forgotten what the ledger knows, the folder is read as far as
//! it is whole, and no file of it is written to until `wordspace recover` made a new catalog: see
//! [`Store::refusal`]. A damaged part fails its table and no other.

pub mod backup;
pub(crate) mod blob;
mod brought;
mod catalog;
pub mod check;
mod checkpoint;
mod fault;
mod folder;
mod generation;
mod group_commit;
mod journal;
mod kv;
mod ledger;
mod legacy;
mod mapped;
mod models;
pub mod publish;
pub mod recover;
mod shelf;
mod specs;
mod staging;
mod test_sets;
#[cfg(test)]
mod tests;
pub mod upload;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;

use crate::budget::Budget;
use crate::container::{Container, Kind, Writer};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::lm::Model;
use crate::store::catalog::{Catalog, Record};
use crate::store::generation::Generation;
use crate::store::ledger::Entry;
use crate::store::shelf::Shelf;
use crate::table::Table;
use crate::table::change::Change;
use crate::table::meta::{Meta, TableName};
use crate::table::view::View;
use crate::text::spec::Spec;
use crate::vector::Dtype;

pub use blob::FileWriter;
pub use brought::Brought;
pub use checkpoint::{Checkpoint, CheckpointFile, CheckpointStatus};
pub use folder::Released;
pub use models::{Body, ModelHead, NeuralHead, StagedModel};
pub use staging::{Replaced, Staging, TokenizerOf};
pub use test_sets::TestSetHead;

/// How often a table is begun again that is replaced while it is read.
const TRIES: usize = 10;

/// The tables of a data folder. Shared by [`Arc`]; one process at a time has a folder open.
///
/// A call that the disk fails is not acknowledged, and changes nothing. The next one finds the store
/// as it was, once the disk works again: nothing has to be restarted.
pub struct Store {
    shared: Arc<Shared>,
}

/// What the store and its stagings hold together.
struct Shared {
    catalog: Catalog,
    /// The last generation number given out.
    last_generation: Mutex<u64>,
    folder: PathBuf,
    /// Released last.
    lock: folder::Lock,
}

/// What [`Store::open`] removed, and what it moved to `lost/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Generations that were never completed, or that were replaced.
    pub generations: usize,
    /// Generations that are complete, and that no catalog names.
    pub lost: usize,
    /// Records of writes that stand in rows, or belong to no table.
    pub writes: u64,
}

/// A table that the catalog names.
#[derive(Clone, Debug)]
pub struct Listed {
    /// What is known of it; its name alone, with zeros, if its manifest cannot be read.
    pub meta: Meta,
    /// Why it cannot be read, as far as that is known before it is.
    pub problem: Option<ErrorKind>,
}

/// Bytes that a data folder takes on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreBytes {
    /// Tables without their indexes, the catalog and the journal with what sled keeps free for later,
    /// tokenizers, test sets.
    pub store: u64,
    /// Graphs.
    pub index: u64,
}

impl Store {
    /// Opens a data folder, or makes it, and removes what unfinished imports left there.
    ///
    /// # Errors
    ///
    /// If another process, or another store of this one, has the folder open; if its format is of
    /// another version; if the disk fails. Damage is no error: see [`Store::refusal`].
    pub fn open(folder: &Path) -> Result<(Self, Swept)> {
        let lock = folder::Lock::take(folder)?;
        if folder::version(folder).is_ok_and(|version| version.is_some_and(|v| v < folder::VERSION))
        {
            legacy::upgrade(folder)?;
        }
        let catalog = Catalog::open(folder)?;
        let numbers = folder::generations(folder)?;
        let last = numbers.last().copied().unwrap_or(0).max(catalog.last_generation());
        let last_generation = Mutex::new(last);
        let shared =
            Arc::new(Shared { catalog, last_generation, folder: folder.to_path_buf(), lock });
        let swept = if shared.catalog.refusal().is_some() {
            Swept::default()
        } else {
            if let Err(error) = recover::forget(folder) {
                tracing::warn!(?error, "what a recovery left stays");
            }
            upload::sweep(&folder.join(folder::UPLOADS));
            checkpoint::sweep(&folder.join(folder::TRAININGS));
            shared.sweep(&numbers)
        };
        Ok((Self { shared }, swept))
    }

    /// Why nothing is written to the folder, if it is damaged: what is damaged or missing.
    pub fn refusal(&self) -> Option<&str> {
        self.shared.catalog.refusal().map(|refusal| refusal.what.as_str())
    }

    /// What keeps it from writing, for those who operate it; usually nothing.
    pub fn problem(&self) -> Option<String> {
        self.shared.catalog.problem()
    }

    /// To wait, after this store is dropped, until its data folder may be opened again.
    pub fn released(&self) -> Released {
        self.shared.lock.released()
    }

    /// The tables, by name.
    pub fn tables(&self) -> Vec<Listed> {
        let shared = &*self.shared;
        let mut tables: Vec<Listed> = shared
            .catalog
            .tables()
            .into_iter()
            .map(|(name, record)| match shared.generation(record.generation) {
                Ok(generation) => {
                    Listed { meta: Meta { name, ..generation.manifest.meta }, problem: None }
                }
                Err(error) => Listed {
                    meta: Meta::unknown(name, record.generation),
                    problem: Some(error.kind().clone()),
                },
            })
            .collect();
        if tables.is_empty()
            && let Some(refusal) = shared.catalog.refusal()
        {
            tables = unnamed(&shared.folder, &refusal.what);
        }
        tables
    }

    /// Begins a new generation of rows of this dtype and dimension, which nobody sees before
    /// [`Staging::switch`].
    ///
    /// # Errors
    ///
    /// If `dim` is 0 or over `DIM_MAX`, if nothing may be written, or if the disk fails.
    pub fn stage(&self, dtype: Dtype, dim: usize) -> Result<Staging> {
        Staging::begin(Arc::clone(&self.shared), dtype, dim)
    }

    /// A table with all its rows, whose checksums are verified, and its sub-words, whose rows are
    /// verified when they are used. Inputs that cannot be read are told when they are asked for: the
    /// words answer without them.
    ///
    /// # Errors
    ///
    /// If a part is damaged or missing, or if the disk fails.
    pub fn read(&self, meta: &Meta) -> Result<Table> {
        self.shared.generation(meta.generation)?.read()
    }

    /// The table that was read, with its attributes and after the writes since; every checksum is
    /// verified.
    ///
    /// # Errors
    ///
    /// If a part or a write is damaged or missing, or if the disk fails.
    pub fn view(&self, meta: &Meta, table: Arc<Table>) -> Result<View> {
        let mut view = self.shared.generation(meta.generation)?.view(table)?;
        self.replay(meta, &mut view)?;
        Ok(view)
    }

    /// Makes the writes in the journal of a table that a view has not seen.
    ///
    /// # Errors
    ///
    /// If a write is damaged or missing or cannot be made, or if the disk fails.
    pub fn replay(&self, meta: &Meta, view: &mut View) -> Result<()> {
        let last = self.shared.catalog.last_write(meta.lineage());
        if last <= view.sequence() {
            return Ok(());
        }
        // Ignore: the journal is read as far as it is open.
        let _ = self.shared.catalog.ready();
        let replayed = self.shared.catalog.read(|kv| journal::replay(kv, meta, last, view));
        replayed.context(|| format!("reading the journal of table \"{}\"", meta.name))
    }

    /// The epoch in which what follows is written. If a write failed before, the key-value store is
    /// opened again here, as it was when it was acknowledged last.
    ///
    /// # Errors
    ///
    /// If nothing may be written, or if the disk still fails.
    pub fn ready(&self) -> Result<u64> {
        self.shared.catalog.ready()
    }

    /// Adds a write to the journal of a lineage, under the number that follows its last. It is there
    /// whole or not at all; that it survives a power cut takes [`Store::make_durable`].
    ///
    /// # Errors
    ///
    /// If the disk fails, or the epoch has ended: then it is as if it had never been written.
    pub fn append(
        &self,
        epoch: u64,
        lineage: u64,
        sequence: u64,
        changes: &[Change],
    ) -> Result<()> {
        let entry = Entry::Wrote { lineage, sequence };
        let write = |kv: &kv::Kv| journal::append(kv, lineage, sequence, changes);
        self.shared.catalog.write(epoch, [entry], write)
    }

    /// Once this returns, everything that was appended in this epoch before it began survives a power
    /// cut. Several callers at once share the work.
    ///
    /// # Errors
    ///
    /// As [`Store::append`].
    pub fn make_durable(&self, epoch: u64) -> Result<()> {
        self.shared.catalog.make_durable(epoch)
    }

    /// Deletes tables, all or none. Once this returns they stay deleted. Those that are damaged can be
    /// deleted too, and those on a full disk.
    ///
    /// # Errors
    ///
    /// If there is no table of one of the names, if an alias stands for one of them, if nothing may be
    /// written, or if the disk fails.
    pub fn delete(&self, names: &[TableName]) -> Result<()> {
        for old in self.shared.catalog.remove(names)? {
            let lineage = staging::lineage_of(&self.shared, old.generation);
            staging::remove_generation(&self.shared, old.generation);
            if let Some(lineage) = lineage {
                staging::remove_writes(&self.shared, lineage, u64::MAX);
            }
        }
        if self.shared.catalog.ready().is_ok() {
            folder::reserve(&self.shared.folder);
        }
        Ok(())
    }

    /// Gives a table another name, with its tokenizer, its writes and the aliases that stand for it,
    /// all at once. Once this returns it keeps that name.
    ///
    /// # Errors
    ///
    /// If there is no such table, if a table or an alias has the new name, if nothing may be written,
    /// or if the disk fails: then it has the old name, as [`Staging::switch`] says.
    pub fn rename(&self, old: &TableName, new: &TableName) -> Result<()> {
        self.shared.catalog.rename(old, new)?;
        // A recovery that finds no catalog knows a table by its manifest.
        let generation = self.shared.catalog.table(new).map(|record| record.generation);
        let told = generation.map_or(Ok(()), |number| {
            let mut generation = self.shared.generation(number)?;
            generation.manifest.meta.name = new.clone();
            generation.seal()
        });
        if let Err(error) = told {
            tracing::warn!(?error, "a manifest keeps the name that its table had");
        }
        Ok(())
    }

    /// Copies a table as it is after the write `sequence`, which is the table `name` once it is switched
    /// to. Files are taken over without copying where the file system can.
    ///
    /// # Errors
    ///
    /// That of `go_on`; if the table was replaced meanwhile, if a write is damaged, if nothing may be
    /// written, or if the disk fails.
    pub fn copy(
        &self,
        of: &Meta,
        sequence: u64,
        name: &TableName,
        go_on: check::GoOn<'_>,
    ) -> Result<Brought> {
        brought::copy(&self.shared, (of, sequence), name, go_on)
    }

    /// The table that each alias stands for, by the alias.
    pub fn aliases(&self) -> BTreeMap<TableName, TableName> {
        self.shared.catalog.aliases()
    }

    /// Lets an alias stand for a table, in place of the one that it may stand for, which is told. Once
    /// this returns it stays so.
    ///
    /// # Errors
    ///
    /// If there is no such table, if a table has the alias's name, if there are too many aliases, if
    /// nothing may be written, or if the disk fails.
    pub fn set_alias(&self, alias: &TableName, table: &TableName) -> Result<Option<TableName>> {
        self.shared.catalog.set_alias(alias, table)
    }

    /// Removes an alias; the table that it stood for. Once this returns it stays removed.
    ///
    /// # Errors
    ///
    /// If there is no such alias, if nothing may be written, or if the disk fails.
    pub fn remove_alias(&self, alias: &TableName) -> Result<TableName> {
        self.shared.catalog.remove_alias(alias)
    }

    /// What has arrived of a file for this table.
    pub fn upload(&self, table: &TableName) -> upload::Upload {
        upload::Upload::new(&self.shared.folder.join(folder::UPLOADS), table)
    }

    /// What has arrived of files for tables, by the tables' names.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn uploads(&self) -> Result<Vec<upload::UploadStatus>> {
        upload::list(&self.shared.folder.join(folder::UPLOADS))
    }

    /// Bytes of all uploads; 0 if they cannot be read.
    pub fn upload_bytes(&self) -> u64 {
        self.uploads().map_or(0, |uploads| uploads.iter().map(|upload| upload.bytes).sum())
    }

    /// Where the training of a table stands; its bytes are taken of a budget.
    pub fn checkpoint(&self, table: &TableName, budget: Arc<Budget>) -> Checkpoint {
        Checkpoint::new(&self.shared.folder.join(folder::TRAININGS), table, budget)
    }

    /// Where trainings stand that were interrupted, or run.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn checkpoints(&self) -> Result<Vec<CheckpointStatus>> {
        checkpoint::list(&self.shared.folder.join(folder::TRAININGS))
    }

    /// Bytes of all of them; 0 if they cannot be read.
    pub fn checkpoint_bytes(&self) -> u64 {
        blob::bytes(&self.shared.folder.join(folder::TRAININGS))
    }

    /// Stores a tokenizer, in place of one of its name. Once this returns it survives a power cut.
    ///
    /// # Errors
    ///
    /// If nothing may be written, or if the disk fails.
    pub fn put_tokenizer(&self, name: &TableName, spec: &Spec) -> Result<()> {
        self.ready()?;
        specs::put(&self.shared.tokenizers(), name, spec)
    }

    /// What a stored tokenizer is made of; none if there is none of that name.
    ///
    /// # Errors
    ///
    /// If its file is damaged, or if the disk fails.
    pub fn tokenizer(&self, name: &TableName) -> Result<Option<Spec>> {
        specs::get(&self.shared.tokenizers(), name)
    }

    /// A digest of what a stored tokenizer is made of; none if there is none of that name.
    ///
    /// # Errors
    ///
    /// If its file is damaged, or if the disk fails.
    pub fn tokenizer_digest(&self, name: &TableName) -> Result<Option<String>> {
        specs::digest(&self.shared.tokenizers(), name)
    }

    /// Deletes a tokenizer, and tells whether there was one. Once this returns it stays deleted.
    ///
    /// # Errors
    ///
    /// If nothing may be written, or if the disk fails.
    pub fn delete_tokenizer(&self, name: &TableName) -> Result<bool> {
        self.ready()?;
        self.shared.tokenizers().remove(name)
    }

    /// The names of stored tokenizers, in order, and the bytes that each takes.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn tokenizers(&self) -> Result<Vec<(TableName, u64)>> {
        self.shared.tokenizers().list()
    }

    /// Which tokenizer each table uses where none is named.
    pub fn default_tokenizers(&self) -> Vec<(TableName, String)> {
        let tables = self.shared.catalog.tables().into_iter();
        tables.filter_map(|(name, record)| Some((name, record.tokenizer?))).collect()
    }

    /// Sets or removes the tokenizer of a table, durably.
    ///
    /// # Errors
    ///
    /// If there is no such table, if nothing may be written, or if the disk fails.
    pub fn set_default_tokenizer(&self, table: &TableName, name: Option<&str>) -> Result<()> {
        let gone = || Error::new(ErrorKind::TableNotFound { name: table.to_string() });
        if self.shared.catalog.table(table).ok_or_else(gone)?.tokenizer.as_deref() == name {
            return Ok(());
        }
        // It may be deleted between the two looks.
        let change = |old: Option<&Record>| {
            Ok((old.ok_or_else(gone)?.generation, name.map(ToOwned::to_owned)))
        };
        self.shared.catalog.set(table, change).map(drop)
    }

    /// Stores a test set, in place of one of its name. Once this returns it survives a power cut.
    ///
    /// # Errors
    ///
    /// If nothing may be written, or if the disk fails.
    pub fn put_test_set(&self, name: &TableName, head: &TestSetHead, file: &[u8]) -> Result<()> {
        self.ready()?;
        self.shared.test_sets().put(name, head, &[file])
    }

    /// A stored test set with its file; none if there is none of that name.
    ///
    /// # Errors
    ///
    /// If it is damaged, or if the disk fails.
    pub fn test_set(&self, name: &TableName) -> Result<Option<(TestSetHead, Vec<u8>)>> {
        self.shared.test_sets().get(name)
    }

    /// What a stored test set says of itself, whose file may be damaged; none if there is none of that
    /// name.
    ///
    /// # Errors
    ///
    /// If it says nothing, or if the disk fails.
    pub fn test_set_head(&self, name: &TableName) -> Result<Option<TestSetHead>> {
        self.shared.test_sets().head(name)
    }

    /// Deletes a test set, and tells whether there was one. Once this returns it stays deleted.
    ///
    /// # Errors
    ///
    /// If nothing may be written, or if the disk fails.
    pub fn delete_test_set(&self, name: &TableName) -> Result<bool> {
        self.ready()?;
        self.shared.test_sets().remove(name)
    }

    /// The names of stored test sets, in order.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn test_sets(&self) -> Result<Vec<TableName>> {
        Ok(self.shared.test_sets().list()?.into_iter().map(|(name, _)| name).collect())
    }

    /// Writes a language model by `write`, and leaves it to the caller when it takes the place of one of its
    /// name: that is short, where the writing may take minutes.
    ///
    /// # Errors
    ///
    /// If `write` fails, if nothing may be written, or if the disk fails.
    pub fn stage_model(
        &self,
        name: &TableName,
        head: &ModelHead,
        write: impl FnOnce(&mut Writer<Body<'_>>) -> Result<()>,
    ) -> Result<StagedModel> {
        self.ready()?;
        models::stage(self.shared.models(), name, head, write)
    }

    /// A stored language model, open; none if there is none of that name.
    ///
    /// # Errors
    ///
    /// If it is damaged, or if the disk fails.
    pub fn model(&self, name: &TableName) -> Result<Option<(ModelHead, Model)>> {
        models::open(&self.shared.models(), name)
    }

    /// What a stored language model says of itself, whose body may be damaged; none if there is none of that
    /// name.
    ///
    /// # Errors
    ///
    /// If it says nothing, or if the disk fails.
    pub fn model_head(&self, name: &TableName) -> Result<Option<ModelHead>> {
        self.shared.models().head(name)
    }

    /// Deletes a language model, and tells whether there was one. Once this returns it stays deleted.
    ///
    /// # Errors
    ///
    /// If nothing may be written, or if the disk fails.
    pub fn delete_model(&self, name: &TableName) -> Result<bool> {
        self.ready()?;
        self.shared.models().remove(name)
    }

    /// The names of stored language models, in order, and the bytes that each takes.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn models(&self) -> Result<Vec<(TableName, u64)>> {
        self.shared.models().list()
    }

    /// Brings a language model of a backup back; as [`Store::stage_model`].
    ///
    /// # Errors
    ///
    /// That of `go_on`; if the backup has no such model, if what is read is not what was kept, or if the target
    /// or the disk fails.
    pub fn restore_model(
        &self,
        (target, list): (&dyn backup::Target, &backup::BackupList),
        name: &TableName,
        go_on: check::GoOn<'_>,
    ) -> Result<StagedModel> {
        self.ready()?;
        let shelf = self.shared.models();
        let staged = list.bring_model(target, name, &shelf.path(name), go_on)?;
        Ok(StagedModel::new(shelf, name, staged))
    }

    /// A further part of a generation, such as its index; none if it has none.
    ///
    /// # Errors
    ///
    /// If it is damaged or missing, or if the disk fails.
    pub fn part(&self, generation: u64, kind: Kind) -> Result<Option<Container>> {
        self.shared.generation(generation)?.part(kind)
    }

    /// When a part of a generation was written; none if it has none.
    pub fn part_written_at(&self, generation: u64, kind: Kind) -> Option<SystemTime> {
        self.shared.generation(generation).ok()?.part_written_at(kind)
    }

    /// Writes a further part of a generation, which is the generation's once it is sealed.
    ///
    /// # Errors
    ///
    /// If `write` fails, if nothing may be written, or if the disk fails.
    pub fn write_part(
        &self,
        generation: u64,
        kind: Kind,
        write: impl FnOnce(&mut FileWriter) -> Result<()>,
    ) -> Result<NewPart> {
        self.ready()?;
        let known = self.shared.generation(generation)?;
        let part = generation::write_part(&known.folder, kind, generation, write)?;
        let (shared, folder) = (Arc::clone(&self.shared), known.folder);
        Ok(NewPart { shared, generation, folder, kind, part, is_sealed: false })
    }

    /// The last acknowledged write of a lineage; 0 if there is none.
    pub fn last_write(&self, lineage: u64) -> u64 {
        self.shared.catalog.last_write(lineage)
    }

    /// Reads every byte of every table again, and of what is stored beside them, while others work.
    /// `on_progress` is told bytes that are done, and how many there are, about.
    ///
    /// # Errors
    ///
    /// That of `go_on`; if the disk fails. Damage is no error.
    pub fn check(
        &self,
        go_on: check::GoOn<'_>,
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> Result<check::Checked> {
        check::check_open(&self.shared, go_on, on_progress)
    }

    /// Keeps everything elsewhere, as it is while others work, and removes the earliest backups but
    /// `keep` of them. `on_progress` is told bytes that are done, and how many there are, about.
    ///
    /// # Errors
    ///
    /// That of `go_on`; if the target fails, or the disk. What is damaged here is no error: it is told.
    pub fn back_up(
        &self,
        target: &dyn backup::Target,
        keep: Option<usize>,
        go_on: check::GoOn<'_>,
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> Result<backup::BackupReport> {
        backup::back_up(&self.shared, target, keep, go_on, on_progress)
    }

    /// Brings the table `of` of a backup back as the table `name`, which it is once it is switched to.
    /// `on_bytes` is told how many more were read.
    ///
    /// # Errors
    ///
    /// That of `go_on`; if the backup is damaged, if nothing may be written, or if the disk fails.
    pub fn restore(
        &self,
        (target, list): (&dyn backup::Target, &backup::BackupList),
        (of, name): (&TableName, &TableName),
        go_on: check::GoOn<'_>,
        on_bytes: &mut dyn FnMut(u64),
    ) -> Result<Brought> {
        backup::restore(&self.shared, (target, list), (of, name), go_on, on_bytes)
    }

    /// Bytes on disk; what cannot be read counts 0.
    pub fn bytes(&self) -> StoreBytes {
        let folder = &self.shared.folder;
        let numbers = folder::generations(folder).unwrap_or_default();
        let parts = numbers.into_iter().flat_map(|number| {
            let of = folder::generation(folder, number);
            generation::INDEX_PARTS.map(|part| of.join(part))
        });
        let index = parts.filter_map(|part| part.metadata().ok()).map(|part| part.len()).sum();
        let folders = [folder::STORE, folder::GENERATIONS, folder::SHELF];
        let all: u64 = folders.iter().map(|name| blob::bytes(&folder.join(name))).sum();
        StoreBytes { store: all.saturating_sub(index), index }
    }
}

/// A part that was written into a generation's folder, and that its manifest does not tell of yet. Gone
/// when dropped before.
#[must_use = "it belongs to no generation before it is sealed"]
pub struct NewPart {
    shared: Arc<Shared>,
    generation: u64,
    folder: PathBuf,
    kind: Kind,
    part: generation::Part,
    is_sealed: bool,
}

impl NewPart {
    /// Makes it a part of its generation, in place of the one that may have been there, durably. The
    /// generation must be a table's.
    ///
    /// # Errors
    ///
    /// If the disk fails, or if the generation is gone.
    pub fn seal(mut self) -> Result<()> {
        let mut known = self.shared.generation(self.generation)?;
        known.manifest.parts.insert(self.kind.name.to_owned(), self.part.clone());
        known.seal()?;
        self.is_sealed = true;
        Ok(())
    }
}

impl Drop for NewPart {
    fn drop(&mut self) {
        if self.is_sealed {
            return;
        }
        if let Err(error) = blob::remove(&self.folder.join(self.kind.name)) {
            tracing::warn!(?error, "a part that nobody needs stays");
        }
        // If the table was deleted meanwhile, writing the part has made its folder again. One with
        // anything in it stays.
        let _ = std::fs::remove_dir(&self.folder);
    }
}

impl fmt::Debug for NewPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPart").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Shared {
    /// Bytes of all generations, and of what stands on the shelves.
    fn bytes_kept(&self) -> u64 {
        let folders = [folder::GENERATIONS, folder::SHELF];
        folders.iter().map(|name| blob::bytes(&self.folder.join(name))).sum()
    }

    fn generation(&self, number: u64) -> Result<Generation> {
        let folder = folder::generation(&self.folder, number);
        let opened = Generation::open(&folder, number)?;
        opened.ok_or_else(|| staging::missing(&self.folder, number))
    }

    /// Makes the names of the generations' folders durable.
    fn sync_generations(&self) -> Result<()> {
        let folder = self.folder.join(folder::GENERATIONS);
        let synced = blob::sync_folder(&folder).map_err(Error::disk);
        synced.context(|| format!("syncing {}", folder.display()))
    }

    /// Whether a table is what it was when it began to be read, whose generation then had this manifest:
    /// files of one that is replaced go away under whoever reads them.
    fn is_still(&self, name: &TableName, before: &Record, then: Option<&Generation>) -> bool {
        let now = self.generation(before.generation).ok();
        self.catalog.table(name).as_ref() == Some(before)
            && then.map(|one| &one.manifest) == now.as_ref().map(|one| &one.manifest)
    }

    /// A number that was never a table's.
    fn next_generation(&self) -> u64 {
        let mut last = self.last_generation.lock();
        *last += 1;
        *last
    }

    fn tokenizers(&self) -> Shelf {
        Shelf::new(&self.folder, shelf::TOKENIZERS)
    }

    fn models(&self) -> Shelf {
        Shelf::new(&self.folder, shelf::MODELS)
    }

    fn test_sets(&self) -> Shelf {
        Shelf::new(&self.folder, shelf::TEST_SETS)
    }

    /// Removes generations that no record names, and writes that stand in rows. It is only room on the
    /// disk: what fails is left for the next time. Without a ledger that agrees nobody can tell
    /// whether a complete generation is a left-over: it is moved away, and told.
    fn sweep(&self, numbers: &[u64]) -> Swept {
        let mut swept = Swept::default();
        let live: BTreeSet<u64> =
            self.catalog.tables().values().map(|record| record.generation).collect();
        for &number in numbers {
            let folder = folder::generation(&self.folder, number);
            if live.contains(&number) {
                blob::sweep(&folder);
                continue;
            }
            let is_complete = folder.join(generation::MANIFEST.name).exists();
            if self.catalog.is_trusted() || !is_complete {
                staging::remove_generation(self, number);
                swept.generations += 1;
                continue;
            }
            match blob::move_to_lost(&self.folder.join(folder::LOST), &folder) {
                Ok(moved) => {
                    tracing::error!(?moved, "a generation that no catalog names was moved away");
                    swept.lost += 1;
                }
                Err(error) => tracing::warn!(?error, "a generation stays that no catalog names"),
            }
        }
        blob::sweep(&self.folder);
        self.tokenizers().sweep();
        self.test_sets().sweep();
        self.models().sweep();
        match self.sweep_journal(&live) {
            Ok(writes) => swept.writes = writes,
            Err(error) => tracing::warn!(?error, "left-overs stay: writes"),
        }
        swept
    }

    /// Removes writes that stand in rows, and those of no table; how many records.
    fn sweep_journal(&self, live: &BTreeSet<u64>) -> Result<u64> {
        let mut applied = BTreeMap::new();
        for &number in live {
            // Whose writes are whose is not known if a manifest cannot be read: all stay.
            let Ok(generation) = self.generation(number) else { return Ok(0) };
            let meta = generation.manifest.meta;
            applied.insert(meta.lineage(), meta.applied.sequence);
        }
        let mut removed = 0;
        for lineage in self.catalog.read(journal::last_writes)?.into_keys() {
            let last = applied.get(&lineage).copied();
            if last.is_some() || self.catalog.is_trusted() {
                let last = last.unwrap_or(u64::MAX);
                removed += self.catalog.read(|kv| journal::remove(kv, lineage, last))?;
            }
        }
        if self.catalog.is_trusted() {
            self.catalog.keep_writes(&applied.into_keys().collect())?;
        }
        Ok(removed)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Err(error) = self.catalog.close() {
            tracing::warn!(
                ?error,
                "the folder was not closed as it should be; it is looked at anew"
            );
        }
    }
}

/// The newest complete generation of each name, where no catalog is left: what they lack is not known.
fn unnamed(folder: &Path, what: &str) -> Vec<Listed> {
    let mut newest = BTreeMap::new();
    for opened in generation::all(folder).unwrap_or_default().into_values().flatten() {
        let meta = opened.manifest.meta;
        newest.insert(meta.name.clone(), meta);
    }
    let problem = Some(fault::damage(what.to_owned(), fault::RECOVER));
    newest.into_values().map(|meta| Listed { meta, problem: problem.clone() }).collect()
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}
