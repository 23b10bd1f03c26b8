//! `Staging`: a new generation, row by row; the only caller of flush and fsync for sled.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::limits;
use crate::store::blocks::BlockWriter;
use crate::store::{Shared, blob, fault, inputs, journal, key, reader, record, subwords};
use crate::table::attributes::Attributes;
use crate::table::builder::TableBuilder;
use crate::table::input::InputTables;
use crate::table::meta::{InputsMeta, Meta, SubwordsMeta, TableName};
use crate::text::subword::Subwords;
use crate::vector::RowId;

/// The key of the generation counter.
pub(super) const GENERATION: &[u8] = b"generation";

/// Bytes of a block's vectors, about: they stay in the processor's cache from copy to checksum to
/// write.
const BLOCK_BYTES: usize = 256 << 10;
/// Keys that are listed before they are removed.
const REMOVE_KEYS: usize = 256;

/// A generation in the making: its rows are in the store, and nobody sees them before
/// [`Staging::commit`]. Dropped without it, the rows are removed; after a crash, at the next open.
pub struct Staging {
    shared: Arc<Shared>,
    generation: u64,
    dim: usize,
    rows_per_block: usize,
    /// Full blocks that are written: each block before this one.
    blocks: u32,
    /// Written blocks of which a row was overwritten since.
    touched: BTreeSet<u32>,
    writer: BlockWriter,
    /// Whether every block was handed over.
    is_ended: bool,
    /// Whether a table record may point to these rows.
    is_committed: bool,
}

impl Staging {
    pub(super) fn begin(shared: Arc<Shared>, dim: usize) -> Result<Self> {
        if dim == 0 || dim > limits::DIM_MAX {
            let problem = format!("a vector has 1 to {} components", limits::DIM_MAX);
            return Err(Error::invalid("dim", problem));
        }
        let generation = next_generation(&shared)?;
        let writer = BlockWriter::start(&shared, generation, dim);
        let writer = writer.inspect_err(|_| remove_vectors(&shared, generation))?;
        Ok(Self {
            shared,
            generation,
            dim,
            rows_per_block: record::rows_per_block(BLOCK_BYTES, dim),
            blocks: 0,
            touched: BTreeSet::new(),
            writer,
            is_ended: false,
            is_committed: false,
        })
    }

    /// The number of this generation.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Hands over the full blocks of rows that the builder has and the store has not; cheap if there
    /// is none. They are written meanwhile; a slow disk is waited for. To be called after every few
    /// rows, always with the same builder.
    ///
    /// # Errors
    ///
    /// If the disk failed.
    ///
    /// # Panics
    ///
    /// If the builder has another dimension.
    pub fn push(&mut self, builder: &TableBuilder) -> Result<()> {
        assert_eq!(builder.dim(), self.dim, "the builder has the dimension that was staged");
        while (self.blocks as usize + 1) * self.rows_per_block <= builder.len() {
            self.write(self.blocks, builder)?;
            self.blocks += 1;
        }
        Ok(())
    }

    /// Tells that this row was overwritten in the builder: its block is written again at the end.
    pub fn touch(&mut self, row: RowId) {
        match u32::try_from(row.index() / self.rows_per_block) {
            Ok(block) if block < self.blocks => _ = self.touched.insert(block),
            // Not written yet.
            Ok(_) | Err(_) => {}
        }
    }

    /// Makes these rows the table of `meta`'s name, in place of the one that may be there. Once
    /// this returns the table survives a power cut.
    ///
    /// # Errors
    ///
    /// If the builder has no row, or the disk fails. Then the table is the old one; only if the very
    /// last write failed may it turn out at the next open to be the new one.
    ///
    /// # Panics
    ///
    /// If `meta` has another generation, dimension or number of rows than this builder and staging.
    #[expect(clippy::needless_pass_by_value, reason = "a record is committed once")]
    pub fn commit(
        mut self,
        builder: &TableBuilder,
        attributes: &BTreeMap<RowId, Attributes>,
        meta: Meta,
    ) -> Result<()> {
        assert_eq!(
            (meta.generation, meta.dim as usize, meta.row_count),
            (self.generation, self.dim, builder.len() as u64),
            "the record of a table tells what was staged"
        );
        self.end(builder)?;
        self.complete(attributes)?;
        self.switch(&meta)?.remove();
        Ok(())
    }

    /// Hands over what is missing of the builder's rows; they are written meanwhile.
    ///
    /// # Errors
    ///
    /// If the builder has no row, or the disk failed.
    ///
    /// # Panics
    ///
    /// If they were ended before.
    pub fn end(&mut self, builder: &TableBuilder) -> Result<()> {
        if builder.is_empty() {
            return Err(Error::invalid("table", "a table has at least one row"));
        }
        assert!(!std::mem::replace(&mut self.is_ended, true), "rows end once");
        self.push(builder)?;
        for block in std::mem::take(&mut self.touched) {
            self.write(block, builder)?;
        }
        if !builder.len().is_multiple_of(self.rows_per_block) {
            self.write(self.blocks, builder)?;
        }
        self.writer.end();
        Ok(())
    }

    /// Waits for the rows that [`Staging::end`] handed over, and writes the attributes that some of them
    /// have. Once this returns they survive a power cut; a table they are with [`Staging::switch`].
    ///
    /// # Errors
    ///
    /// If the disk fails.
    ///
    /// # Panics
    ///
    /// If they were not ended.
    pub fn complete(&mut self, attributes: &BTreeMap<RowId, Attributes>) -> Result<()> {
        assert!(self.is_ended, "every row was handed over");
        journal::write_attributes(&self.shared, self.generation, attributes)?;
        self.writer.wait()?;
        self.shared.make_durable()
    }

    /// Writes the sub-words of an import, durably, for the record of its table.
    ///
    /// # Errors
    ///
    /// If a row of them is damaged, or the disk fails.
    pub fn keep_subwords(&self, subwords: &Subwords) -> Result<SubwordsMeta> {
        let path = self.shared.subwords_path(self.generation);
        subwords::write(&path, self.generation, subwords)
    }

    /// Writes what a transformer adds to the rows of an import, durably, for the record of its table.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn keep_inputs(&self, inputs: &InputTables) -> Result<InputsMeta> {
        let path = self.shared.inputs_path(self.generation);
        inputs::write(&path, self.generation, self.dim, inputs)
    }

    /// Makes what was completed the table of `meta`'s name, durably. What it replaces is still on the
    /// disk, and to be removed.
    ///
    /// # Errors
    ///
    /// As [`Staging::commit`].
    pub fn switch(mut self, meta: &Meta) -> Result<Replaced> {
        let old = self.publish(meta)?;
        Ok(Replaced { shared: Arc::clone(&self.shared), old, new: meta.clone() })
    }

    /// Writes the table's record, durably; the one that was there before.
    fn publish(&mut self, meta: &Meta) -> Result<Option<Meta>> {
        let name = meta.name.as_str().as_bytes();
        let mut record =
            serde_json::to_vec(meta).map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
        record::seal(name, &mut record);
        // Even if the next line fails: the record may be there after a crash.
        self.is_committed = true;
        let what = || format!("the record of table \"{}\"", meta.name);
        let old = fault::guarded(what, || self.shared.tables.insert(name, record))?;
        self.shared.make_durable()?;
        // Rows that a damaged record pointed to are found by the next open.
        Ok(old.and_then(|old| reader::decode_meta(name, &old).ok()))
    }

    fn write(&mut self, number: u32, builder: &TableBuilder) -> Result<()> {
        let first = number as usize * self.rows_per_block;
        let end = (first + self.rows_per_block).min(builder.len());
        let mut block = self.writer.block();
        (block.number, block.first_row) = (number, first as u64);
        record::encode_block(builder, first..end, &mut block.record, &mut block.vectors);
        self.writer.send(block)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.is_committed {
            // What was handed over is written first, or it would be written after all is removed; that
            // it could not be written is no news.
            let _ = self.writer.wait();
            remove_generation(&self.shared, self.generation);
            remove_beside(&self.shared, self.generation);
        }
    }
}

impl fmt::Debug for Staging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staging")
            .field("generation", &self.generation)
            .field("blocks", &self.blocks)
            .finish_non_exhaustive()
    }
}

/// What a table was before it was replaced: rows, attributes and writes that nobody needs.
#[must_use = "it takes room on the disk"]
pub struct Replaced {
    shared: Arc<Shared>,
    old: Option<Meta>,
    new: Meta,
}

impl Replaced {
    /// Removes it from the disk; what stays is removed at the next open.
    pub fn remove(self) {
        let Some(old) = self.old else { return };
        remove_generation(&self.shared, old.generation);
        if old.lineage() == self.new.lineage() {
            remove_writes(&self.shared, old.lineage(), self.new.applied.sequence);
        } else {
            remove_writes(&self.shared, old.lineage(), u64::MAX);
            remove_beside(&self.shared, old.lineage());
        }
    }
}

impl fmt::Debug for Replaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replaced").field("old", &self.old).finish_non_exhaustive()
    }
}

/// Deletes a table; whether there was one.
pub(super) fn delete(shared: &Shared, name: &TableName) -> Result<bool> {
    let key = name.as_str().as_bytes();
    let what = || format!("the record of table \"{name}\"");
    let Some(old) = fault::guarded(what, || shared.tables.remove(key))? else {
        return Ok(false);
    };
    shared.make_durable()?;
    if let Ok(meta) = reader::decode_meta(key, &old) {
        remove_generation(shared, meta.generation);
        remove_writes(shared, meta.lineage(), u64::MAX);
        remove_beside(shared, meta.lineage());
    }
    Ok(true)
}

/// Removes the rows of a generation that no table record points to; how many blocks there were.
pub(super) fn remove_rows(shared: &Shared, generation: u64) -> Result<u64> {
    let what = || format!("the rows of generation {generation}");
    let every = key::block(generation, 0)..=key::block(generation, u32::MAX);
    let mut blocks = 0;
    loop {
        let keys: Vec<sled::IVec> = fault::guarded(what, || {
            shared.rows.range(every.clone()).keys().take(REMOVE_KEYS).collect()
        })?;
        if keys.is_empty() {
            break;
        }
        for key in keys {
            fault::guarded(what, || shared.rows.remove(key))?;
            blocks += 1;
        }
        // Lets sled use the room again, and bounds what waits in memory.
        flush(&shared.db)?;
    }
    Ok(blocks)
}

/// Removes rows and graph of a generation. They are only room on the disk: what stays is removed at
/// the next open.
fn remove_generation(shared: &Shared, generation: u64) {
    // The file first: on a full disk removing the records takes room.
    remove_vectors(shared, generation);
    // Attributes before rows: left-overs are found by their rows.
    let removed = journal::remove_attributes(shared, generation)
        .and_then(|()| remove_rows(shared, generation))
        .and_then(|_| blob::remove(&shared.index_path(generation)));
    if let Err(error) = removed {
        tracing::warn!(?error, generation, "rows that nobody needs stay until the next start");
    }
}

/// As `remove_generation`, for vectors.
fn remove_vectors(shared: &Shared, generation: u64) {
    if let Err(error) = blob::remove(&shared.vectors_path(generation)) {
        tracing::warn!(?error, generation, "vectors that nobody needs stay until the next start");
    }
}

/// As `remove_generation`, for writes.
fn remove_writes(shared: &Shared, lineage: u64, last: u64) {
    if let Err(error) = journal::remove(shared, lineage, last) {
        tracing::warn!(?error, lineage, "writes that nobody needs stay until the next start");
    }
}

/// As `remove_generation`, for the files beside sled that belong to an import.
fn remove_beside(shared: &Shared, lineage: u64) {
    for path in [shared.subwords_path(lineage), shared.inputs_path(lineage)] {
        if let Err(error) = blob::remove(&path) {
            tracing::warn!(?error, lineage, "a file that nobody needs stays until the next start");
        }
    }
}

/// The records that every store has.
pub(super) fn first_records(db: &sled::Db, store: &Path) -> Result<()> {
    let what = || "the generation counter".to_owned();
    let state = fault::guarded(what, || db.open_tree("state"))?;
    write_last_generation(&state, 0)?;
    flush(db)?;
    sync_files(store)
}

/// Durable before it is given out, so that no crash can give it out again.
fn next_generation(shared: &Shared) -> Result<u64> {
    let mut last = shared.last_generation.lock();
    let next = last.checked_add(1).ok_or_else(|| Error::new(ErrorKind::Internal))?;
    // Also if the write fails: it may have reached the disk.
    *last = next;
    write_last_generation(&shared.state, next)?;
    shared.make_durable()?;
    Ok(next)
}

fn write_last_generation(state: &sled::Tree, last: u64) -> Result<()> {
    let mut record = last.to_le_bytes().to_vec();
    record::seal(GENERATION, &mut record);
    fault::guarded(|| "the generation counter".to_owned(), || state.insert(GENERATION, record))?;
    Ok(())
}

impl Shared {
    /// Everything written so far survives a power cut. Callers that come while one is at it share
    /// the next turn.
    pub(super) fn make_durable(&self) -> Result<()> {
        let turn = self.turns.fetch_add(1, Ordering::SeqCst) + 1;
        let mut durable = self.durable.lock();
        if durable.turn >= turn {
            return Ok(());
        }
        if let Some(kind) = &durable.failed {
            return Err(Error::new(kind.clone()).context("an earlier write did not reach the disk"));
        }
        // Whoever took a turn until now has written before.
        let last = self.turns.load(Ordering::SeqCst);
        let made = flush(&self.db).and_then(|()| sync_files(&self.store_folder()));
        match &made {
            Ok(()) => durable.turn = last,
            // A disk that failed once may claim the next time that all is well.
            Err(error) => durable.failed = Some(error.kind().clone()),
        }
        made
    }
}

/// Which turns of [`Shared::make_durable`] are done.
#[derive(Debug, Default)]
pub(super) struct Durable {
    turn: u64,
    failed: Option<ErrorKind>,
}

/// Everything written so far is with the operating system.
pub(super) fn flush(db: &sled::Db) -> Result<()> {
    fault::guarded(|| "the store".to_owned(), || db.flush()).map(|_| ())
}

/// Sled's flush calls `sync_file_range`, which leaves data in the disk's cache and the file's size
/// and names unwritten: this does the rest.
fn sync_files(folder: &Path) -> Result<()> {
    try_sync_files(folder)
        .map_err(Error::disk)
        .context(|| format!("syncing {} to the disk", folder.display()))
}

fn try_sync_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let synced = if path.is_dir() {
            try_sync_files(&path)
        } else {
            File::open(&path).and_then(|file| file.sync_all())
        };
        match synced {
            // Sled's threads remove files that are outdated.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            synced => synced?,
        }
    }
    blob::sync_folder(folder)
}
