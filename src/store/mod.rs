//! What survives a restart: tables in sled, and one graph file beside it for each generation.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `folder.rs` | the data folder: its lock, its making, its format version, how sled is set up |
//! | `key.rs` | the keys of blocks |
//! | `record.rs` | the bytes of records, both ways |
//! | `writer.rs` | `Staging`: a new generation, row by row; the only caller of flush and fsync for sled |
//! | `reader.rs` | a table from its blocks, every checksum verified |
//! | `blob.rs` | immutable files beside sled |
//! | `fault.rs` | sled's errors and panics in this crate's words |
//!
//! # The data folder
//!
//! ```text
//! lock                  held while a process uses the folder; empty
//! store/format          "wordspace data folder, format 1\n"
//! store/db, conf, ...   sled's own files
//! index/42.graph        the graph of generation 42; can be built again from the rows
//! ```
//!
//! `store` is made under the name `store.new` and renamed when it is complete, so it is there with
//! its format or not at all.
//!
//! # Records
//!
//! Three trees. Every value ends with a CRC-32 of its key and of all its bytes before, so that a
//! flipped bit is found, and a value under the wrong key too. Integers in values are
//! little-endian; those in keys are big-endian, so that keys sort as numbers.
//!
//! | tree | key | value |
//! | --- | --- | --- |
//! | `state` | `generation` | u64: the last generation number given out |
//! | `tables` | the table's name | [`Meta`] as JSON |
//! | `rows` | generation u64, block u32 | the block's rows |
//!
//! Block 0 of generation 42, with the words `the` and `of` in two dimensions:
//!
//! ```text
//! key    00 00 00 00 00 00 00 2a   00 00 00 00     generation 42, block 0
//!
//! value  01                                        version of the record
//!        01                                        dtype: 1 is f32
//!        02 00 00 00                               2 rows
//!        02 00 00 00                               2 components a vector
//!        03 00 00 00   02 00 00 00                 bytes of each word
//!        74 68 65      6f 66                       the words: "the" "of"
//!        00 00 80 3f 00 00 00 80                   [1.0, -0.0]: vectors exactly as imported
//!        00 00 00 3f 00 00 80 be                   [0.5, -0.25]
//!        xx xx xx xx                               CRC-32 of the key and of all this
//! ```
//!
//! Blocks count from 0 without a gap and hold the rows in order, each at least one. How many rows
//! stand in a block is the writer's choice and told by each block.
//!
//! # What a crash leaves
//!
//! Rows are written under a generation that no table record points to, and made durable; then one
//! record makes them a table. A crash before that leaves blocks that no record points to, and
//! [`Store::open`] removes them. The same goes for the rows of replaced and deleted tables.

pub mod blob;
mod fault;
mod folder;
mod key;
mod reader;
mod record;
mod writer;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::Result;
use crate::table::Table;
use crate::table::meta::{Meta, TableName};

pub use writer::Staging;

/// The tables of a data folder. Shared by [`Arc`]; one process at a time has a folder open.
///
/// Sled gives up after the first write that fails: after a `DiskFull` or `Storage` error every
/// later write fails alike until the folder is opened again, and opening needs a little room too.
pub struct Store {
    shared: Arc<Shared>,
}

/// What the store and its stagings hold together.
struct Shared {
    rows: sled::Tree,
    tables: sled::Tree,
    state: sled::Tree,
    db: sled::Db,
    /// The last generation number given out.
    last_generation: Mutex<u64>,
    folder: PathBuf,
    /// Released last.
    _lock: folder::Lock,
}

/// What [`Store::open`] removed: the rows of imports that never ended, and of replaced tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Generations of which there were rows.
    pub generations: usize,
    /// Their blocks of rows.
    pub blocks: u64,
}

/// Bytes that a data folder takes on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreBytes {
    /// Tables, with what sled keeps free for later.
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
        Ok((Self { shared }, swept))
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

    /// A table with all its rows; every checksum is verified.
    ///
    /// # Errors
    ///
    /// If a block is damaged or missing, or if the disk fails.
    pub fn read(&self, meta: &Meta) -> Result<Table> {
        reader::read(&self.shared, meta)
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

    /// Where the graph of a generation belongs.
    pub fn index_path(&self, generation: u64) -> PathBuf {
        self.shared.index_path(generation)
    }

    /// Bytes on disk; what cannot be read counts 0.
    pub fn bytes(&self) -> StoreBytes {
        StoreBytes {
            store: folder::bytes(&self.shared.store_folder()),
            index: folder::bytes(&self.shared.index_folder()),
        }
    }
}

impl Shared {
    fn new(folder: &Path, lock: folder::Lock, db: sled::Db) -> Result<Self> {
        let tree =
            |name: &str| fault::guarded(|| format!("tree \"{name}\""), || db.open_tree(name));
        let (rows, tables, state) = (tree("rows")?, tree("tables")?, tree("state")?);
        let last_generation = Mutex::new(reader::last_generation(&state)?);
        let folder = folder.to_path_buf();
        Ok(Self { rows, tables, state, db, last_generation, folder, _lock: lock })
    }

    fn store_folder(&self) -> PathBuf {
        self.folder.join(folder::STORE)
    }

    fn index_folder(&self) -> PathBuf {
        self.folder.join(folder::INDEX)
    }

    fn index_path(&self, generation: u64) -> PathBuf {
        self.index_folder().join(format!("{generation}.{}", folder::GRAPH))
    }

    /// Removes what no table record points to. It is only room on the disk: what fails is left for
    /// the next time.
    fn sweep(&self) -> Swept {
        let mut swept = Swept::default();
        let live: BTreeSet<u64> = match reader::tables(self) {
            Ok(tables) => tables.iter().map(|meta| meta.generation).collect(),
            Err(error) => {
                tracing::warn!(?error, "left-overs stay: not every table's record can be read");
                return swept;
            }
        };
        folder::sweep_index(&self.index_folder(), &live);
        let mut after = None;
        loop {
            match reader::generation_after(self, after) {
                Ok(Some(generation)) => {
                    after = Some(generation);
                    if live.contains(&generation) {
                        continue;
                    }
                    match writer::remove_rows(self, generation) {
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

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
