//! The API boundary: one method a question, plain values in, plain values out.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `config.rs` | `EngineConfig` |
//! | `catalog.rs` | name or alias -> table, swapped atomically |
//! | `life.rs` | tables made empty, copied, renamed, deleted; their aliases |
//! | `lineage.rs` | a table from its import on: what answers now, where writes come in |
//! | `generation.rs` | dense rows with their index, and how far its graph is |
//! | `debias.rs` | a new table made of another, with less of a bias |
//! | `import/` | rows in: policies, the report, staging, publishing |
//! | `merge.rs` | the rows of tables as those of a new one |
//! | `attach.rs` | the tokenizer that comes with an import |
//! | `digest.rs` | the SHA-256 of a source |
//! | `write.rs` | words put and deleted, attributes changed |
//! | `build.rs` | graphs in the background: read from disk, else built |
//! | `rebuild.rs` | writes taken into a new generation, in the background |
//! | `ask.rs` | the questions |
//! | `text.rs` | the questions about texts |
//! | `tokenizers.rs` | stored tokenizers, and which one a table uses |
//! | `test_sets.rs` | stored test sets |
//! | `models/` | language models: made, stored, asked |
//! | `train.rs` | new tokenizers from streamed text |
//! | `texts.rs` | texts as the rows of a new table |
//! | `train_table/` | vectors learned from streamed text, as a table |
//! | `corpus.rs` | streamed text becomes a corpus, within the budgets of jobs |
//! | `learned.rs` | the rows of what was learned |
//! | `seed.rs` | a tokenizer's tokens as the rows of a new table, with random vectors |
//! | `scans.rs` | the last filters of a generation, with their rows |
//! | `maps.rs` | the last map of a generation |
//! | `arrange.rs` `arranged.rs` | words arranged by their neighbors; as they are kept with a generation |
//! | `job.rs` | jobs: work that takes long, with its state, progress and result |
//! | `backup.rs` | backups, tables brought back, everything read again |
//! | `publish.rs` `follow/` | what this engine has, put where others follow it; what another one puts there, brought here |
//! | `recover.rs` | a data folder made of what was published |
//! | `cache.rs` | which of the tables that are followed are here |
//! | `standing.rs` `fence.rs` | how far that is; whether callers may write |
//! | `slots.rs` | how many jobs and long calls work at once |
//! | `stop.rs` | how long work hears that nobody waits for it |

pub mod arrange;
mod arranged;
mod ask;
mod attach;
pub mod backup;
mod build;
mod cache;
mod catalog;
pub mod config;
mod corpus;
pub mod debias;
mod digest;
mod fence;
pub mod follow;
mod generation;
pub mod import;
pub mod job;
mod learned;
pub mod life;
mod lineage;
mod maps;
pub mod merge;
pub mod models;
pub mod publish;
mod rebuild;
pub mod recover;
mod scans;
pub mod seed;
pub mod slots;
mod standing;
mod stop;
mod test_sets;
#[cfg(test)]
mod tests;
mod text;
pub mod texts;
mod tokenizers;
pub mod train;
pub mod train_table;
pub mod write;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Instant;

use parking_lot::Mutex;

use crate::budget::{self, Budget};
use crate::engine::build::Queue;
use crate::engine::cache::Cache;
use crate::engine::catalog::{Catalog, Entry, Open};
use crate::engine::config::EngineConfig;
use crate::engine::job::Jobs;
use crate::engine::lineage::{Lineage, Name};
use crate::engine::models::Models;
use crate::engine::standing::Standing;
use crate::engine::text::Weighings;
use crate::engine::tokenizers::Shelf;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::format::{self, Compression, Format, Outputs, Selection};
use crate::limits;
use crate::query::filter::Filter;
use crate::store::backup::Target;
use crate::store::upload::Upload;
use crate::store::{Checkpoint, Store, publish as published};
use crate::table::input::Inputs;
use crate::table::meta::{Meta, TableName};

pub use self::test_sets::{NewTestSet, TestFile, TestSetStatus};
pub use self::tokenizers::TokenizerStatus;
pub use ask::{Answer, Ask, Asks, NamedTest, Pace, Suite, TableState, TestOf};
pub use fence::Fence;
pub use generation::{Generation, IndexState, IndexStatus};
pub use lineage::{Current, RebuildPhase, RebuildStatus};
pub use standing::{ReplicaStatus, Role};
pub use stop::{Stop, Wish};
pub use text::{CompareQuery, Compared, CutBy};
pub use write::{Acknowledged, Written};

/// The tables of one data folder, open: imports into them, answers about them.
///
/// Cheap to clone: every clone is the same engine.
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    stop: Stop,
    least: Least,
}

/// The state that a caller wants to see of the table that it asks: one that has this write, or a later
/// import. 0 asks for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Least {
    /// The generation that a write answered, or that one or a later one.
    pub generation: u64,
    /// The number of the write.
    pub sequence: u64,
}

impl Least {
    fn check(self, current: &Current) -> Result<()> {
        let generation = current.generation();
        let (number, sequence) = (generation.number(), current.view().sequence());
        // Of a later import other writes are counted.
        let is_later = self.generation > 0 && generation.lineage() > self.generation;
        if number >= self.generation && (is_later || sequence >= self.sequence) {
            return Ok(());
        }
        let table = current.name().to_string();
        Err(Error::new(ErrorKind::Behind { table, generation: number, sequence }))
    }
}

#[derive(Debug)]
struct Shared {
    /// For those who outlive a call and must not keep the engine open.
    itself: Weak<Shared>,
    store: Store,
    /// The data folder.
    data: PathBuf,
    catalog: Catalog,
    shelf: Shelf,
    /// Held while a test set is stored or deleted.
    test_sets: Mutex<()>,
    models: Models,
    weighings: Weighings,
    /// Memory that jobs take.
    memory: Arc<Budget>,
    /// Disk that temporary files, uploads and checkpoints of trainings take.
    disk: Arc<Budget>,
    /// Names that an import is working on.
    importing: Mutex<HashSet<TableName>>,
    /// Held while the store and the catalog are changed together.
    publishing: Mutex<()>,
    queue: Queue,
    builder: Mutex<Option<JoinHandle<()>>>,
    opener: Mutex<Option<JoinHandle<()>>>,
    closing: AtomicBool,
    jobs: Jobs,
    /// Where backups are kept.
    backups: Option<Box<dyn Target>>,
    /// Whether its tables are copies of those that another engine publishes: nothing is built here.
    follows: bool,
    /// Which of them are here; none: all.
    cache: Option<Cache>,
    fence: Arc<Fence>,
    standing: Standing,
}

/// What to export.
#[derive(Clone, Debug)]
pub struct Export {
    /// From where.
    pub table: TableName,
    /// The format of the file.
    pub format: Format,
    /// What the file is compressed with.
    pub compression: Compression,
    /// The rows that are written; every row if none.
    pub filter: Option<Filter>,
    /// See [`Selection::guards_formulas`].
    pub guards_formulas: bool,
}

/// What is known of a table.
#[derive(Clone, Debug)]
pub struct TableStatus {
    /// Of the current generation, with the rows that are there now.
    pub meta: Meta,
    /// Of its index.
    pub index: IndexStatus,
    /// Bytes of memory that rows, vocabulary and index take.
    pub memory_bytes: usize,
    /// Bytes of vectors that stay on the disk, and of which the system keeps in memory what it sees fit.
    pub mapped_bytes: usize,
    /// Why the table cannot answer, if it cannot.
    pub problem: Option<String>,
    /// What a transformer adds to a token's vector.
    pub inputs: Inputs,
    /// Other names that stand for it, in order.
    pub aliases: Vec<TableName>,
}

/// What is known of the engine.
#[derive(Clone, Copy, Debug)]
pub struct EngineStatus {
    /// Tables there are.
    pub table_count: usize,
    /// Rows of all tables.
    pub row_count: u64,
    /// Bytes on disk of tables: the key-value store, vectors, sub-words.
    pub store_bytes: u64,
    /// Bytes on disk of the index files.
    pub index_bytes: u64,
    /// Imports under way.
    pub import_count: usize,
    /// Graphs being built or waiting.
    pub build_count: usize,
    /// Bytes of memory that imports and other jobs take, and may take.
    pub job_memory: (u64, u64),
    /// Bytes of disk that temporary files, uploads and checkpoints of trainings take, and may take.
    pub spool: (u64, u64),
    /// Bytes of uploads among them.
    pub upload_bytes: u64,
}

impl Engine {
    /// Opens a data folder, made if missing. Every table answers when this returns: its rows are read
    /// by the first question, or by a thread in the background. Answers are exact at first; graphs
    /// are read, or built again, in the background too.
    ///
    /// A damaged table does not stop the others: it answers every question with the damage. If the
    /// catalog is damaged, what is whole answers, and nothing is written: see [`Engine::problems`].
    ///
    /// # Errors
    ///
    /// If the folder cannot be read or written, is in use, or was written by another version.
    pub fn open(config: &EngineConfig) -> Result<Self> {
        let backups = config.backups.as_deref().map(crate::store::backup::open).transpose()?;
        published::check_finished(&config.data)?;
        let (store, swept) = Store::open(&config.data)?;
        let memory = config.job_memory.or_else(|| Some(budget::memory_bytes()? / 2));
        let memory = Budget::new("job-memory", memory.unwrap_or(u64::MAX));
        let kept = store.upload_bytes() + store.checkpoint_bytes();
        let free = || Some(budget::free_bytes(&config.data)?.saturating_add(kept) / 2);
        let disk = Budget::new("spool-max", config.spool_max.or_else(free).unwrap_or(u64::MAX));
        let disk = disk.on_disk(config.data.clone(), limits::DISK_LEFT_BYTES);
        disk.add(kept);
        if swept.generations > 0 {
            tracing::info!(generations = swept.generations, "removed what imports left");
        }
        if !config.follows
            && store.refusal().is_none()
            && let Some(mark) = store.mark()?
        {
            follow::check_has_all(&store, &mark)?;
            tracing::warn!("the folder followed a location; from now on it is one like any other");
            store.set_mark(None)?;
        }
        let shelf = Shelf::open(&store)?;
        let shared = Arc::new_cyclic(|itself| Shared {
            itself: Weak::clone(itself),
            store,
            shelf,
            test_sets: Mutex::new(()),
            models: Models::default(),
            weighings: Weighings::default(),
            data: config.data.clone(),
            catalog: Catalog::new(opener(Weak::clone(itself))),
            memory: Arc::new(memory),
            disk: Arc::new(disk),
            importing: Mutex::new(HashSet::new()),
            publishing: Mutex::new(()),
            queue: Queue::new(),
            builder: Mutex::new(None),
            opener: Mutex::new(None),
            closing: AtomicBool::new(false),
            jobs: Jobs::default(),
            backups,
            follows: config.follows,
            cache: config.follow_cache.filter(|_| config.follows).map(Cache::new),
            fence: Arc::default(),
            standing: Standing::default(),
        });
        for listed in shared.store.tables() {
            shared.catalog.publish(&listed.meta.name.clone(), Entry::closed(listed));
        }
        for (alias, table) in shared.store.aliases() {
            shared.catalog.set_alias(&alias, &table);
        }
        *shared.opener.lock() = Some(open_all(&shared)?);
        *shared.builder.lock() = Some(build::start(&shared, config.index_threads)?);
        Ok(Self { shared, stop: Stop::default(), least: Least::default() })
    }

    /// The same engine, whose long answers end with an error when `stop` is raised.
    #[must_use]
    pub fn until(&self, stop: Stop) -> Self {
        Self { shared: Arc::clone(&self.shared), stop, least: self.least }
    }

    /// The same engine, whose questions are refused with `Behind` where the table has not reached this.
    #[must_use]
    pub fn at_least(&self, least: Least) -> Self {
        Self { least, ..self.clone() }
    }

    /// What takes long: the jobs that wait, run, or ended a while ago.
    pub fn jobs(&self) -> &Jobs {
        &self.shared.jobs
    }

    /// Stops jobs and builds, and waits until every other clone of this engine is dropped: the
    /// data folder may then be opened again. Questions under way are still answered.
    pub fn close(self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        self.shared.jobs.close();
        self.shared.queue.close();
        self.shared.standing.close();
        let threads = [self.shared.opener.lock().take(), self.shared.builder.lock().take()];
        for thread in threads.into_iter().flatten() {
            if thread.join().is_err() {
                tracing::error!("a thread in the background had panicked");
            }
        }
        let released = self.shared.store.released();
        drop(self);
        released.wait();
    }

    /// Every table, by name.
    pub fn tables(&self) -> Vec<TableStatus> {
        let catalog = &self.shared.catalog;
        catalog.entries().iter().map(|entry| self.shared.status(entry)).collect()
    }

    /// One table.
    ///
    /// # Errors
    ///
    /// If there is none of that name.
    pub fn table(&self, name: &TableName) -> Result<TableStatus> {
        let entry = self.shared.catalog.entry(name)?;
        // Ignore: the status tells why it cannot be read.
        let _ = self.shared.catalog.open(&entry);
        Ok(self.shared.told(&entry))
    }

    /// What answers questions of a table, by its name or an alias.
    fn current(&self, name: &TableName) -> Result<Arc<Current>> {
        let current = self.shared.catalog.current(name);
        self.shared.note_asked(name, current.as_ref().err().map(Error::kind));
        let current = current?;
        self.least.check(&current)?;
        Ok(current)
    }

    /// What has arrived of a file for a table, which need not be there.
    pub fn upload(&self, name: &TableName) -> Upload {
        self.shared.store.upload(name).within(Arc::clone(&self.shared.disk))
    }

    /// Writes a table, or the rows that a filter lets through, as files of this format. Where the
    /// format has a place for it, they tell where the rows came from.
    ///
    /// # Errors
    ///
    /// If there is no such table, if no row is left, if the format cannot carry one of its words, or
    /// if an output fails.
    pub fn export(&self, export: &Export, outputs: &mut dyn Outputs) -> Result<()> {
        let current = self.current(&export.table)?;
        let rows = match &export.filter {
            Some(filter) => Some(current.allowed(filter, &|| self.stop.check())?),
            None => None,
        };
        let metadata = told(&current.generation().meta());
        let rows = Selection {
            view: current.view(),
            rows: rows.as_deref(),
            metadata: &metadata,
            guards_formulas: export.guards_formulas,
        };
        format::write(&rows, export.format, export.compression, outputs)
            .context(|| format!("exporting the table {}", export.table))
    }

    /// What keeps the engine from writing, and which tables cannot answer, as far as that is known;
    /// usually nothing.
    pub fn problems(&self) -> Vec<String> {
        let tables = self.tables().into_iter();
        let tables = tables
            .filter_map(|table| Some(format!("table {}: {}", table.meta.name, table.problem?)));
        let replica = self.replica(Instant::now()).and_then(|replica| replica.problem);
        self.shared.store.problem().into_iter().chain(replica).chain(tables).collect()
    }

    /// How far publishing or following is; none if this engine does neither.
    pub fn replica(&self, now: Instant) -> Option<ReplicaStatus> {
        let cache = self.shared.cache.as_ref().map(|cache| (cache.used(), cache.max()));
        Some(ReplicaStatus { cache, ..self.shared.standing.status(now)? })
    }

    /// Has something told whenever what is followed was looked at.
    pub fn on_followed(&self, tell: Box<dyn Fn() + Send + Sync>) {
        self.shared.standing.on_news(tell);
    }

    /// Whether callers may write.
    pub fn fence_of_writes(&self) -> Arc<Fence> {
        Arc::clone(&self.shared.fence)
    }

    /// What is known of the engine.
    pub fn status(&self) -> EngineStatus {
        let tables = self.tables();
        let bytes = self.shared.store.bytes();
        EngineStatus {
            table_count: tables.len(),
            row_count: tables.iter().map(|table| table.meta.row_count).sum(),
            store_bytes: bytes.store,
            index_bytes: bytes.index,
            import_count: self.shared.importing.lock().len(),
            // What is followed is built elsewhere.
            build_count: tables
                .iter()
                .filter(|table| !self.shared.follows && table.index.is_under_way())
                .count(),
            job_memory: (self.shared.memory.used(), self.shared.memory.max()),
            spool: (self.shared.disk.used(), self.shared.disk.max()),
            upload_bytes: self.shared.store.upload_bytes(),
        }
    }

    /// An error once the engine is closing, or nobody waits for the work.
    fn go_on(&self) -> Result<()> {
        self.shared.check_open()?;
        self.stop.check()
    }
}

/// Where rows came from, for the files that they are written to.
fn told(meta: &Meta) -> Vec<(&'static str, String)> {
    let from = meta.provenance.clone();
    let all = [
        ("wordspace_table", meta.name.to_string()),
        ("source", from.source),
        ("source_format", from.format),
        ("source_sha256", from.sha256),
        ("import_options", from.options),
        ("license", from.license),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// Reads tables as they are asked for.
fn opener(shared: Weak<Shared>) -> Box<Open> {
    Box::new(move |meta| {
        let shared = shared.upgrade().ok_or_else(|| Error::new(ErrorKind::Closing))?;
        let lineage = open_table(&shared, meta)?;
        if !shared.follows {
            lineage.rebuild_if_due();
            shared.queue.push(Arc::clone(&lineage));
        }
        Ok(lineage)
    })
}

/// Reads a table; where nothing is built, with its index.
fn open_table(shared: &Shared, meta: &Meta) -> Result<Arc<Lineage>> {
    let table = Arc::new(shared.store.read(meta)?);
    let view = shared.store.view(meta, Arc::clone(&table))?;
    let name = Name::new(meta.name.clone());
    let view = view.with_cutter(Some(shared.cutter(&name)));
    let generation = Arc::new(Generation::new(meta.clone(), name, table));
    if shared.follows {
        build::join_index(shared, &generation);
    }
    Ok(Arc::new(Lineage::new(generation, view)))
}

/// Starts the thread that reads the tables that nobody asked for yet.
fn open_all(shared: &Arc<Shared>) -> Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    let open = move || {
        for entry in shared.catalog.entries() {
            if shared.is_closing() {
                return;
            }
            // Ignore: the table tells its damage when it is asked.
            let _ = shared.catalog.open(&entry);
        }
    };
    std::thread::Builder::new().name("table-opener".to_owned()).spawn(open).map_err(Error::disk)
}

impl Shared {
    /// Where the training of a table stands.
    fn checkpoint(&self, table: &TableName) -> Checkpoint {
        self.store.checkpoint(table, Arc::clone(&self.disk))
    }

    /// What is known of a table, which is read for it if its manifest does not tell it all.
    fn status(&self, entry: &Entry) -> TableStatus {
        let meta = entry.meta();
        let has_writes = self.store.last_write(meta.lineage()) > meta.applied.sequence;
        if has_writes || meta.inputs.is_some() {
            // Ignore: the status tells why it cannot be read.
            let _ = self.catalog.open(entry);
        }
        self.told(entry)
    }

    /// The same, of a table that was read if it can be.
    fn told(&self, entry: &Entry) -> TableStatus {
        let status = entry.status();
        let aliases = self.catalog.aliases(Some(&status.meta.name)).into_iter();
        TableStatus { aliases: aliases.map(|(alias, _)| alias).collect(), ..status }
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// An error once the engine is closing.
    fn check_open(&self) -> Result<()> {
        if self.is_closing() { Err(Error::new(ErrorKind::Closing)) } else { Ok(()) }
    }
}
