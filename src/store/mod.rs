//! What survives a restart: tables in sled, and for each generation a file of its vectors and one of
//! its graph beside it.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `folder.rs` | the data folder: its lock, its making, its format version, how sled is set up |
//! | `journal.rs` | writes since a generation's rows; attributes |
//! | `key.rs` | the keys of blocks and of writes |
//! | `record.rs` | the bytes of records, both ways |
//! | `writer.rs` | `Staging`: a new generation, row by row; the only caller of fsync for sled |
//! | `blocks.rs` | its blocks on their way to the disk, on a thread of their own |
//! | `vectors.rs` | the vectors of a generation beside sled |
//! | `reader.rs` | a table from its blocks, every checksum verified |
//! | `subwords.rs` | the buckets of sub-words beside sled |
//! | `inputs.rs` | position and segment tables of a checkpoint beside sled |
//! | `upload.rs` | files that arrive in pieces |
//! | `blob.rs` | immutable files beside sled |
//! | `shelf.rs` | named things that are put away whole: a file each |
//! | `test_sets.rs` | what a test set on its shelf says of itself |
//! | `specs.rs` | tokenizers on their shelf; which one a table uses |
//! | `fault.rs` | sled's errors and panics in this crate's words |
//!
//! # The data folder
//!
//! ```text
//! lock                  held while a process uses the folder; empty
//! store/format          "wordspace data folder, format 2\n"
//! store/db, conf, ...   sled's own files
//! vectors/42.f32        the vectors of generation 42, whose words and checksums are in sled
//! index/42.graph        the graph of generation 42; can be built again from the rows
//! subwords/42.buckets   the sub-words that came with the import of generation 42
//! inputs/42.tables      the position and segment tables that came with the import of generation 42
//! uploads/en.part       what has arrived of a file for the table "en", until it is imported
//! tokenizers/gpt2.tokenizer   the tokenizer "gpt2": see `shelf.rs`
//! test-sets/google.test-set   the test set "google": see `shelf.rs`
//! ```
//!
//! `store` is made under the name `store.new` and renamed when it is complete, so it is there with
//! its format or not at all.
//!
//! # Records
//!
//! Six trees. Every value ends with a CRC-32 of its key and of all its bytes before, so that a
//! flipped bit is found, and a value under the wrong key too. Integers in values are
//! little-endian; those in keys are big-endian, so that keys sort as numbers.
//!
//! | tree | key | value |
//! | --- | --- | --- |
//! | `state` | `generation` | u64: the last generation number given out |
//! | `tables` | the table's name | [`Meta`] as JSON |
//! | `rows` | generation u64, block u32 | the block's rows |
//! | `attributes` | generation u64, block u32 | attributes of some of its rows |
//! | `journal` | lineage u64, sequence u64, part u32 | a part of a write |
//! | `defaults` | a table's name | the name of its tokenizer |
//!
//! Block 0 of generation 42, with the words `the` and `of` in two dimensions:
//!
//! ```text
//! key    00 00 00 00 00 00 00 2a   00 00 00 00     generation 42, block 0
//!
//! value  02                                        version of the record
//!        01                                        dtype: 1 is f32
//!        02 00 00 00                               2 rows
//!        02 00 00 00                               2 components a vector
//!        xx xx xx xx                               CRC-32 of the key and of the block's vectors
//!        03 00 00 00   02 00 00 00                 bytes of each word
//!        74 68 65      6f 66                       the words: "the" "of"
//!        xx xx xx xx                               CRC-32 of the key and of all this
//! ```
//!
//! Blocks count from 0 without a gap and hold the rows in order, each at least one. How many rows
//! stand in a block is the writer's choice and told by each block.
//!
//! # Vectors
//!
//! The vectors of all blocks stand in the file of the generation, in row order and without a gap,
//! exactly as imported:
//!
//! ```text
//! "WSVECT01"                 version 1
//! 2a 00 00 00 00 00 00 00    generation 42
//! 02 00 00 00                2 components a vector
//! 00 ...                     to byte 60
//! xx xx xx xx                CRC-32 of "head" and of all this
//! 00 00 80 3f 00 00 00 80    [1.0, -0.0]: row 0
//! 00 00 00 3f 00 00 80 be    [0.5, -0.25]: row 1
//! ```
//!
//! Their checksums are in the blocks' records, so that a file is believed only with the words that it
//! was written with. The file is written before the table's record, and synced with its name; nobody
//! writes to it once the record is there. It goes with its generation.
//!
//! Format 1 of the data folder had no such files: its blocks are of version 1, and the vectors stand
//! behind the words, before the checksum. They are still read; a folder that was opened is of format 2.
//!
//! # Writes
//!
//! A write is a call's changes to words, made whole or not at all. Writes are numbered from 1 since
//! the import, whose generation is the *lineage* of all that come of it. The rows of a generation hold
//! the writes up to the one that its record names (`applied.sequence`, 0 for an import); later ones are
//! made again, in order and by word, when the table is read. A number that is missing is damage.
//!
//! The changes are written one behind the other and cut into parts of 16 KiB, all inserted at once.
//! Write 3 after the import of generation 42 puts the word `of`, with one attribute, and deletes `the`:
//!
//! ```text
//! key    00 00 00 00 00 00 00 2a                   the lineage: generation 42
//!        00 00 00 00 00 00 00 03   00 00 00 00     write 3, part 0
//!
//! value  01                                        version of the record
//!        01 00 00 00                               parts of this write
//!        02 00 00 00                               2 changes (from here on cut into parts)
//!        01   02 00 00 00   6f 66                  1, put: bytes of the word, the word
//!        02 00 00 00                               2 components
//!        00 00 00 3f 00 00 80 be                   [0.5, -0.25]
//!        01 00 00 00                               1 attribute
//!        03 00 00 00   70 6f 73                    its name: "pos"
//!        01   02 00 00 00   49 4e                  1, a text: "IN" (2: f64; 3: a byte, 0 or 1)
//!        02   03 00 00 00   74 68 65               2, delete: the word
//!        xx xx xx xx                               CRC-32 of the key and of all this
//! ```
//!
//! The third kind of change is 3, attributes: the word, the attributes to set as above, the number of
//! names to take away, and each with its length.
//!
//! A block of attributes is a version (01), a number of rows u32, and for each the row u32 and its
//! attributes as above. The table's record tells how many rows have some.
//!
//! A rebuild stages the rows that are there as a new generation, with `applied.sequence` the last
//! write among them, and removes the old rows and the writes up to that one when it is live.
//!
//! # Sub-words
//!
//! The file of an import's buckets is written whole before the table's record, which tells of it, and
//! serves all generations of the lineage. Every part ends with a CRC-32 of its key and of itself.
//!
//! ```text
//! "WSSUBW01"                 version 1
//! length u64, JSON, CRC      how n-grams become buckets, rows, components; the key is "head"
//! number u64 ..., CRC        of each row's bucket in rising order, if it is not 0, 1, 2 ...; "numbers"
//! bucket u64, length u32, n-gram ..., CRC    if n-grams are listed and not hashed; "list"
//! f32 ..., CRC               a row; the key is its number u64
//! ```
//!
//! # Position and segment tables
//!
//! The file is written and kept as that of sub-words is, and read whole when its table is.
//!
//! ```text
//! "WSINPT01"                 version 1
//! length u64, JSON, CRC      rows, components, what the layer norm adds; the key is "head"
//! f32 ..., CRC               the rows of positions, if there are some; "positions"
//! f32 ..., CRC               the rows of segments, if there are some; "segments"
//! f32 ..., CRC               the layer norm's weights, then its bias, if there is one; "norm"
//! ```
//!
//! # What a crash leaves
//!
//! Rows are written under a generation that no table record points to, and made durable; then one
//! record makes them a table. A crash before that leaves blocks and a file of vectors that no record
//! points to, and [`Store::open`] removes them. The same goes for the rows of replaced and deleted tables, and for
//! writes that stand in rows.

pub mod blob;
mod blocks;
mod fault;
mod folder;
mod inputs;
mod journal;
mod key;
mod reader;
mod record;
mod shelf;
mod specs;
mod subwords;
mod test_sets;
pub mod upload;
mod vectors;
mod writer;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;

use crate::error::Result;
use crate::store::shelf::Shelf;
use crate::table::Table;
use crate::table::change::Change;
use crate::table::input::Inputs;
use crate::table::meta::{Meta, TableName};
use crate::table::view::View;
use crate::text::spec::Spec;
use crate::text::subword::Subwords;

pub use folder::Released;
pub use test_sets::TestSetHead;
pub use writer::{Replaced, Staging};

/// The tables of a data folder. Shared by [`Arc`]; one process at a time has a folder open.
///
/// A disk that is full while vectors are written fails that import and nothing else. Sled gives up
/// after the first write that fails: after a `DiskFull` or `Storage` error of its own every later
/// write fails alike until the folder is opened again, and opening needs a little room too.
pub struct Store {
    shared: Arc<Shared>,
}

/// What the store and its stagings hold together.
struct Shared {
    rows: sled::Tree,
    attributes: sled::Tree,
    journal: sled::Tree,
    defaults: sled::Tree,
    tables: sled::Tree,
    state: sled::Tree,
    db: sled::Db,
    /// The last generation number given out.
    last_generation: Mutex<u64>,
    /// How often it was asked to make all durable, and how often it did.
    turns: AtomicU64,
    durable: Mutex<writer::Durable>,
    folder: PathBuf,
    /// Released last.
    lock: folder::Lock,
}

/// What [`Store::open`] removed: the rows of imports that never ended, those of replaced tables, and
/// their writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Generations of which there were rows.
    pub generations: usize,
    /// Their blocks of rows.
    pub blocks: u64,
    /// Records of writes that stand in rows, or belong to no table.
    pub writes: u64,
}

/// Bytes that a data folder takes on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreBytes {
    /// Tables, with what sled keeps free for later, and what stands beside them: vectors, sub-words,
    /// tables of positions and segments.
    pub store: u64,
    /// Graph files.
    pub index: u64,
}

impl Store {
    /// Opens a data folder, or makes it, and removes what unfinished imports left there.
    ///
    /// If a table's record is damaged nothing is removed: its rows may still be wanted.
    ///
    /// # Errors
    ///
    /// If another process, or another store of this one, has the folder open; if its format is of
    /// another version; if it is damaged; if the disk fails.
    pub fn open(folder: &Path) -> Result<(Self, Swept)> {
        let (lock, db) = folder::open(folder)?;
        let shared = Arc::new(Shared::new(folder, lock, db)?);
        let swept = shared.sweep();
        upload::sweep(&folder.join(folder::UPLOADS));
        Ok((Self { shared }, swept))
    }

    /// To wait, after this store is dropped, until its data folder may be opened again.
    pub fn released(&self) -> Released {
        self.shared.lock.released()
    }

    /// The tables, by name.
    ///
    /// # Errors
    ///
    /// If a table's record is damaged.
    pub fn tables(&self) -> Result<Vec<Meta>> {
        reader::tables(&self.shared)
    }

    /// Begins a new generation, which nobody sees before [`Staging::commit`]. Its number is durable
    /// before this returns, and never given out again.
    ///
    /// # Errors
    ///
    /// If `dim` is 0 or over `DIM_MAX`, or if the disk fails.
    pub fn stage(&self, dim: usize) -> Result<Staging> {
        Staging::begin(Arc::clone(&self.shared), dim)
    }

    /// A table with all its rows, whose checksums are verified, and its sub-words, whose rows are
    /// verified when they are used. Tables of positions and segments that cannot be read are told
    /// when they are asked for: the words answer without them.
    ///
    /// # Errors
    ///
    /// If a block is damaged or missing, or if the disk fails.
    pub fn read(&self, meta: &Meta) -> Result<Table> {
        let subwords = self.subwords(meta)?;
        let inputs = self.inputs(meta);
        Ok(reader::read(&self.shared, meta)?.with_subwords(subwords).with_inputs(inputs))
    }

    /// What a transformer adds to the vectors of a table, if its import brought it; or why it cannot be
    /// read.
    pub fn inputs(&self, meta: &Meta) -> Inputs {
        let read = || inputs::read(&self.shared.inputs_path(meta.lineage()), meta.lineage());
        meta.inputs.map(|_| match read() {
            Ok(inputs) => Ok(Arc::new(inputs)),
            Err(error) => {
                tracing::error!(table = %meta.name, ?error, "tables of positions cannot be read");
                Err(error.kind().clone())
            }
        })
    }

    /// The sub-words of a table, if its import brought some.
    ///
    /// # Errors
    ///
    /// If their file is damaged or missing, or if the disk fails.
    pub fn subwords(&self, meta: &Meta) -> Result<Option<Arc<Subwords>>> {
        let read = || subwords::read(&self.shared.subwords_path(meta.lineage()), meta.lineage());
        meta.subwords.map(|_| read().map(Arc::new)).transpose()
    }

    /// The table that was read, with its attributes and after the writes since; every checksum is
    /// verified.
    ///
    /// # Errors
    ///
    /// If a record is damaged or missing, or if the disk fails.
    pub fn view(&self, meta: &Meta, table: Arc<Table>) -> Result<View> {
        journal::view(&self.shared, meta, table)
    }

    /// Adds a write to the journal of a lineage, under the number that follows its last. It is there
    /// whole or not at all; that it survives a power cut takes [`Store::make_durable`].
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn append(&self, lineage: u64, sequence: u64, changes: &[Change]) -> Result<()> {
        journal::append(&self.shared, lineage, sequence, changes)
    }

    /// Once this returns, everything that was written before it began survives a power cut. Several
    /// callers at once share the work.
    ///
    /// # Errors
    ///
    /// If the disk fails; from then on, always.
    pub fn make_durable(&self) -> Result<()> {
        self.shared.make_durable()
    }

    /// Deletes a table, and tells whether there was one. Once this returns it stays deleted.
    ///
    /// A table whose record is damaged can be deleted too.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn delete(&self, name: &TableName) -> Result<bool> {
        writer::delete(&self.shared, name)
    }

    /// What has arrived of a file for this table.
    pub fn upload(&self, table: &TableName) -> upload::Upload {
        upload::Upload::new(&self.shared.folder.join(folder::UPLOADS), table.as_str())
    }

    /// Stores a tokenizer, in place of one of its name. Once this returns it survives a power cut.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn put_tokenizer(&self, name: &TableName, spec: &Spec) -> Result<()> {
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

    /// Deletes a tokenizer, and tells whether there was one. Once this returns it stays deleted.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn delete_tokenizer(&self, name: &TableName) -> Result<bool> {
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
    ///
    /// # Errors
    ///
    /// If a record is damaged.
    pub fn default_tokenizers(&self) -> Result<Vec<(TableName, String)>> {
        specs::defaults(&self.shared)
    }

    /// Sets or removes the tokenizer of a table, durably.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn set_default_tokenizer(&self, table: &TableName, name: Option<&str>) -> Result<()> {
        specs::set_default(&self.shared, table, name)
    }

    /// Stores a test set, in place of one of its name. Once this returns it survives a power cut.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn put_test_set(&self, name: &TableName, head: &TestSetHead, file: &[u8]) -> Result<()> {
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
    /// If the disk fails.
    pub fn delete_test_set(&self, name: &TableName) -> Result<bool> {
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

    /// Where the graph of a generation belongs.
    pub fn index_path(&self, generation: u64) -> PathBuf {
        self.shared.index_path(generation)
    }

    /// Bytes on disk; what cannot be read counts 0.
    pub fn bytes(&self) -> StoreBytes {
        StoreBytes {
            store: folder::bytes(&self.shared.store_folder())
                + folder::bytes(&self.shared.vectors_folder())
                + folder::bytes(&self.shared.subwords_folder())
                + folder::bytes(&self.shared.inputs_folder()),
            index: folder::bytes(&self.shared.index_folder()),
        }
    }
}

impl Shared {
    fn new(folder: &Path, lock: folder::Lock, db: sled::Db) -> Result<Self> {
        let tree =
            |name: &str| fault::guarded(|| format!("tree \"{name}\""), || db.open_tree(name));
        let (rows, tables, state) = (tree("rows")?, tree("tables")?, tree("state")?);
        let (attributes, journal) = (tree("attributes")?, tree("journal")?);
        let defaults = tree("defaults")?;
        let last_generation = Mutex::new(reader::last_generation(&state)?);
        let folder = folder.to_path_buf();
        Ok(Self {
            rows,
            attributes,
            journal,
            defaults,
            tables,
            state,
            db,
            last_generation,
            turns: AtomicU64::new(0),
            durable: Mutex::default(),
            folder,
            lock,
        })
    }

    fn store_folder(&self) -> PathBuf {
        self.folder.join(folder::STORE)
    }

    fn index_folder(&self) -> PathBuf {
        self.folder.join(folder::INDEX)
    }

    fn subwords_folder(&self) -> PathBuf {
        self.folder.join(folder::SUBWORDS)
    }

    fn subwords_path(&self, lineage: u64) -> PathBuf {
        self.subwords_folder().join(format!("{lineage}.{}", folder::BUCKETS))
    }

    fn vectors_folder(&self) -> PathBuf {
        self.folder.join(folder::VECTORS)
    }

    fn vectors_path(&self, generation: u64) -> PathBuf {
        self.vectors_folder().join(format!("{generation}.{}", folder::FLOATS))
    }

    fn inputs_folder(&self) -> PathBuf {
        self.folder.join(folder::INPUTS)
    }

    fn inputs_path(&self, lineage: u64) -> PathBuf {
        self.inputs_folder().join(format!("{lineage}.{}", folder::TABLES))
    }

    fn tokenizers(&self) -> Shelf {
        Shelf::new(self.folder.join(folder::TOKENIZERS), "tokenizer", "tokenizer")
    }

    fn test_sets(&self) -> Shelf {
        Shelf::new(self.folder.join(folder::TEST_SETS), "test set", "test-set")
    }

    fn index_path(&self, generation: u64) -> PathBuf {
        self.index_folder().join(format!("{generation}.{}", folder::GRAPH))
    }

    /// Removes what no table record points to. It is only room on the disk: what fails is left for
    /// the next time.
    fn sweep(&self) -> Swept {
        let mut swept = Swept::default();
        let tables = match reader::tables(self) {
            Ok(tables) => tables,
            Err(error) => {
                tracing::warn!(?error, "left-overs stay: not every table's record can be read");
                return swept;
            }
        };
        let live: BTreeSet<u64> = tables.iter().map(|meta| meta.generation).collect();
        folder::sweep_files(&self.index_folder(), folder::GRAPH, &live);
        folder::sweep_files(&self.vectors_folder(), folder::FLOATS, &live);
        let lineages = tables.iter().map(Meta::lineage).collect();
        folder::sweep_files(&self.subwords_folder(), folder::BUCKETS, &lineages);
        folder::sweep_files(&self.inputs_folder(), folder::TABLES, &lineages);
        match self.sweep_journal(&tables) {
            Ok(writes) => swept.writes = writes,
            Err(error) => tracing::warn!(?error, "left-overs stay: writes"),
        }
        let mut after = None;
        loop {
            match reader::generation_after(self, after) {
                Ok(Some(generation)) => {
                    after = Some(generation);
                    if live.contains(&generation) {
                        continue;
                    }
                    let attributes = journal::remove_attributes(self, generation);
                    match attributes.and_then(|()| writer::remove_rows(self, generation)) {
                        Ok(blocks) => {
                            swept.generations += 1;
                            swept.blocks += blocks;
                        }
                        Err(error) => tracing::warn!(?error, generation, "left-overs stay"),
                    }
                }
                Ok(None) => return swept,
                Err(error) => {
                    tracing::warn!(?error, "left-overs stay: the rows cannot be listed");
                    return swept;
                }
            }
        }
    }
}

impl Shared {
    /// Removes writes that stand in rows, and those of no table; how many records.
    fn sweep_journal(&self, tables: &[Meta]) -> Result<u64> {
        let (mut after, mut removed) = (None, 0);
        while let Some(lineage) = journal::lineage_after(self, after)? {
            let live = tables.iter().find(|meta| meta.lineage() == lineage);
            let last = live.map_or(u64::MAX, |meta| meta.applied.sequence);
            removed += journal::remove(self, lineage, last)?;
            after = Some(lineage);
        }
        Ok(removed)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
