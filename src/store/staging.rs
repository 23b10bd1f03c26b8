//! `Staging`: a new generation in the making. Vectors go to the disk while rows are still read, on a
//! thread of their own, so that reading, checksums and the disk work at the same time.

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use crate::container::{Kind, Writer};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::limits;
use crate::store::blob::{self, FileWriter};
use crate::store::catalog::Record;
use crate::store::generation::{self, Generation, Manifest, Part};
use crate::store::{Shared, fault, folder, journal, mapped};
use crate::table::Table;
use crate::table::builder::TableBuilder;
use crate::table::columns::Collected;
use crate::table::input::InputTables;
use crate::table::meta::{InputsMeta, Meta, Residence, SubwordsMeta};
use crate::table::part::{self, ATTRIBUTES, INPUTS, SUBWORDS, VECTORS, WORDS};
use crate::text::subword::Subwords;
use crate::vector::rows::Rows;
use crate::vector::{Dtype, RowId};

/// Bytes of vectors that are handed over at once: they stay in the processor's cache from copy to
/// checksum to write.
const BLOCK_BYTES: usize = 256 << 10;
/// Blocks that wait for a slow disk: what bounds the memory, and holds back whoever reads rows.
const BLOCKS_WAITING: usize = 8;
/// Bytes after which the disk is asked to take what was written: it works while rows are still read,
/// and little is left for the end.
const SYNC_BYTES: usize = 32 << 20;

/// A generation in the making: nobody sees it before [`Staging::switch`]. Dropped without it, its
/// folder is removed; after a crash, at the next open.
pub struct Staging {
    shared: Arc<Shared>,
    generation: u64,
    dtype: Dtype,
    dim: usize,
    folder: PathBuf,
    rows_per_block: usize,
    /// Rows that were handed over.
    rows: usize,
    /// Whether one of them was overwritten since.
    is_touched: bool,
    vectors: VectorsWriter,
    parts: BTreeMap<String, Part>,
    is_ended: bool,
    /// Whether a record may name it.
    is_kept: bool,
}

impl Staging {
    pub(super) fn begin(shared: Arc<Shared>, dtype: Dtype, dim: usize) -> Result<Self> {
        if dim == 0 || dim > limits::DIM_MAX {
            let problem = format!("a vector has 1 to {} components", limits::DIM_MAX);
            return Err(Error::invalid("dim", problem));
        }
        shared.catalog.ready()?;
        let generation = shared.next_generation();
        let folder = folder::generation(&shared.folder, generation);
        let making = || format!("making {}", folder.display());
        blob::make_folder(&folder).map_err(Error::disk).context(making)?;
        let vectors = VectorsWriter::start(folder.join(VECTORS.name), generation, (dtype, dim));
        let vectors = vectors.inspect_err(|_| drop(blob::remove_folder(&folder)))?;
        Ok(Self {
            shared,
            generation,
            dtype,
            dim,
            folder,
            rows_per_block: (BLOCK_BYTES / dtype.row_bytes(dim)).max(1),
            rows: 0,
            is_touched: false,
            vectors,
            parts: BTreeMap::new(),
            is_ended: false,
            is_kept: false,
        })
    }

    /// The number of this generation.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Hands over the full blocks of vectors that the builder has and the disk has not; cheap if
    /// there is none. A slow disk is waited for. To be called after every few rows, always with the
    /// same builder.
    ///
    /// # Errors
    ///
    /// If the disk failed.
    ///
    /// # Panics
    ///
    /// If the builder has another dtype or dimension.
    pub fn push(&mut self, builder: &TableBuilder) -> Result<()> {
        assert_eq!(
            (builder.dtype(), builder.dim()),
            (self.dtype, self.dim),
            "the builder has the rows that were staged"
        );
        while self.rows + self.rows_per_block <= builder.len() {
            self.send(self.rows + self.rows_per_block, builder)?;
        }
        Ok(())
    }

    fn send(&mut self, end: usize, builder: &TableBuilder) -> Result<()> {
        let mut block = self.vectors.block();
        block.clear();
        builder.vectors(self.rows..end, &mut block);
        self.rows = end;
        self.vectors.send(block)
    }

    /// Tells that the vector of this row was overwritten in the builder.
    pub fn touch(&mut self, row: RowId) {
        self.is_touched |= row.index() < self.rows;
    }

    /// Hands over what is missing of the builder's rows, and writes its words; vectors are written
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// If the disk failed.
    ///
    /// # Panics
    ///
    /// If they were ended before.
    pub fn end(&mut self, builder: &TableBuilder) -> Result<()> {
        assert!(!std::mem::replace(&mut self.is_ended, true), "rows end once");
        if self.is_touched {
            // What was written is not what the rows are now: it is written again.
            self.vectors.wait()?;
            let path = self.folder.join(VECTORS.name);
            let layout = (self.dtype, self.dim);
            self.vectors = VectorsWriter::start(path, self.generation, layout)?;
            self.rows = 0;
        }
        self.push(builder)?;
        if self.rows < builder.len() {
            self.send(builder.len(), builder)?;
        }
        self.vectors.end();
        let rows = 0..u32::try_from(builder.len()).unwrap_or(u32::MAX);
        let words = || rows.clone().map(|row| builder.word(RowId(row)));
        self.write_part(WORDS, |out| part::rows::write_words(words, out))
    }

    /// Waits for the vectors, and writes the attributes that some rows have. Once this returns they
    /// are on the disk; a table they are with [`Staging::switch`].
    ///
    /// # Errors
    ///
    /// If the disk fails.
    ///
    /// # Panics
    ///
    /// If rows were not ended.
    pub fn complete(&mut self, attributes: &Collected) -> Result<()> {
        assert!(self.is_ended, "every row was handed over");
        if attributes.attributed() > 0 {
            self.write_part(ATTRIBUTES, |out| part::attributes::write(attributes.rows(), out))?;
        }
        if let Some(part) = self.vectors.wait()? {
            self.parts.insert(VECTORS.name.to_owned(), part);
        }
        Ok(())
    }

    /// How many rows were handed over.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The table of the rows that were completed, whose vectors are where they are to be: those that stay
    /// on the disk are mapped where they were written.
    ///
    /// # Errors
    ///
    /// If what was written cannot be opened.
    ///
    /// # Panics
    ///
    /// If the rows were not completed, or are not the builder's.
    pub fn table(&self, builder: TableBuilder, residence: Residence) -> Result<Table> {
        match residence {
            Residence::Memory => Ok(builder.build()),
            Residence::Disk => {
                let path = self.folder.join(VECTORS.name);
                let name = path.display().to_string();
                let kind = part::vectors_of(self.dtype);
                let vectors = blob::open_container(&path, name, kind)?
                    .ok_or_else(|| Error::new(ErrorKind::Internal).context("vectors vanished"))?;
                let section = vectors.section(part::rows::vectors_section(self.dtype))?;
                let bytes = mapped::section(&path, &vectors, &section)?;
                let rows = Rows::lent(self.dtype, self.dim, bytes);
                Ok(builder.build_over(rows.ok_or_else(|| vectors.senseless())?))
            }
        }
    }

    /// Writes the sub-words of an import; they are read from the disk from then on.
    ///
    /// # Errors
    ///
    /// If a row of them is damaged, or the disk fails.
    pub fn keep_subwords(&mut self, subwords: &Subwords) -> Result<(SubwordsMeta, Arc<Subwords>)> {
        let mut known = None;
        self.write_part(SUBWORDS, |out| {
            known = Some(part::subwords::write(subwords, out)?);
            Ok(())
        })?;
        let path = self.folder.join(SUBWORDS.name);
        let written = blob::open_container(&path, path.display().to_string(), SUBWORDS)?;
        let (Some(known), Some(written)) = (known, written) else {
            return Err(Error::new(ErrorKind::Internal).context("sub-words vanished"));
        };
        let meta = SubwordsMeta { bytes: written.bytes(), ..known };
        Ok((meta, Arc::new(part::subwords::open(written)?)))
    }

    /// Writes what a transformer adds to the rows of an import.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn keep_inputs(&mut self, inputs: &InputTables) -> Result<InputsMeta> {
        let dim = self.dim;
        self.write_part(INPUTS, |out| part::inputs::write(inputs, dim, out))?;
        Ok(InputsMeta { bytes: self.parts[INPUTS.name].bytes })
    }

    /// Takes sub-words and inputs over from the generation whose rows these came of.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn inherit(&mut self, from: u64) -> Result<()> {
        let folder = folder::generation(&self.shared.folder, from);
        let Some(old) = Generation::open(&folder, from)? else { return Ok(()) };
        for name in [SUBWORDS.name, INPUTS.name] {
            if let Some(part) = old.manifest.parts.get(name) {
                generation::link_part(&folder, &self.folder, name, &|| Ok(()))?;
                let of = Some(part.of.unwrap_or(from));
                self.parts.insert(name.to_owned(), Part { of, ..part.clone() });
            }
        }
        Ok(())
    }

    /// Writes a further part, such as the graph.
    ///
    /// # Errors
    ///
    /// If `write` fails, or the disk.
    pub fn write_part(
        &mut self,
        kind: Kind,
        write: impl FnOnce(&mut FileWriter) -> Result<()>,
    ) -> Result<()> {
        let part = generation::write_part(&self.folder, kind, self.generation, write)?;
        self.parts.insert(kind.name.to_owned(), part);
        Ok(())
    }

    /// Makes what was completed the table of `meta`'s name, in place of the one that may be there,
    /// durably. What it replaces is still on the disk, and to be removed.
    ///
    /// # Errors
    ///
    /// If the disk fails. Then the table is the old one, and the new generation is removed; only if the
    /// very last write failed, and the process ends before another one, may it turn out to be the new one.
    ///
    /// # Panics
    ///
    /// If `meta` has another generation, dtype or dimension.
    pub fn switch(mut self, meta: &Meta, tokenizer: TokenizerOf) -> Result<Replaced> {
        assert_eq!(
            (meta.generation, meta.dtype, meta.dim as usize),
            (self.generation, self.dtype, self.dim),
            "the record of a table tells what was staged"
        );
        let manifest = Manifest { meta: meta.clone(), parts: std::mem::take(&mut self.parts) };
        Generation { folder: self.folder.clone(), manifest }.seal()?;
        self.shared.sync_generations()?;
        let set = self.shared.catalog.set(&meta.name, |old| {
            let tokenizer = match tokenizer {
                TokenizerOf::Same => old.and_then(|old| old.tokenizer.clone()),
                TokenizerOf::This(name) => Some(name),
            };
            Ok((meta.generation, tokenizer))
        });
        self.is_kept = set.is_ok() || may_be_named(&self.shared, meta);
        Ok(Replaced { shared: Arc::clone(&self.shared), old: set?, new: meta.clone() })
    }
}

/// Whether a record may name a generation though writing it failed: until the catalog is in order again it
/// may be there after a crash.
pub(super) fn may_be_named(shared: &Shared, meta: &Meta) -> bool {
    let now = || shared.catalog.table(&meta.name);
    shared.catalog.ready().is_err() || now().is_some_and(|now| now.generation == meta.generation)
}

/// The tokenizer that cuts a table's texts where none is named, once a generation is switched to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenizerOf {
    /// That which the table has.
    Same,
    /// This one.
    This(String),
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.is_kept {
            // What was handed over is written first, or it would be written behind the removal. That
            // it could not be written does not matter any more.
            let _ = self.vectors.wait();
            remove_generation(&self.shared, self.generation);
        }
    }
}

impl fmt::Debug for Staging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staging")
            .field("generation", &self.generation)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// What a table was before it was replaced: a generation and writes that nobody needs.
#[must_use = "it takes room on the disk"]
pub struct Replaced {
    shared: Arc<Shared>,
    old: Option<Record>,
    new: Meta,
}

impl Replaced {
    pub(super) fn new(shared: Arc<Shared>, old: Option<Record>, new: Meta) -> Self {
        Self { shared, old, new }
    }

    /// Removes it from the disk; what stays is removed at the next open.
    pub fn remove(self) {
        self.remove_but(u64::MAX);
    }

    /// The same, but of a table that goes on it leaves the writes after this one.
    pub fn remove_but(self, last: u64) {
        let Some(old) = self.old.filter(|old| old.generation != self.new.generation) else {
            return;
        };
        let lineage = lineage_of(&self.shared, old.generation);
        remove_generation(&self.shared, old.generation);
        if lineage == Some(self.new.lineage()) {
            let last = last.min(self.new.applied.sequence);
            remove_writes(&self.shared, self.new.lineage(), last);
        } else if let Some(lineage) = lineage {
            remove_writes(&self.shared, lineage, u64::MAX);
        }
    }
}

impl fmt::Debug for Replaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replaced").field("old", &self.old).finish_non_exhaustive()
    }
}

/// The lineage of a generation whose manifest can be read.
pub(super) fn lineage_of(shared: &Shared, number: u64) -> Option<u64> {
    let opened = Generation::open(&folder::generation(&shared.folder, number), number);
    opened.ok().flatten().map(|generation| generation.manifest.meta.lineage())
}

/// Removes a generation that no record names. It is only room on the disk: what stays is removed at
/// the next open. The manifest goes first: a folder without one is a left-over.
pub(super) fn remove_generation(shared: &Shared, generation: u64) {
    let folder = folder::generation(&shared.folder, generation);
    let manifest = folder.join(generation::MANIFEST.name);
    let removed = blob::remove(&manifest).and_then(|()| blob::remove_folder(&folder));
    if let Err(error) = removed {
        tracing::warn!(?error, generation, "a generation that nobody needs stays for now");
    }
}

/// Removes the writes of a lineage up to this one, which nobody needs.
pub(super) fn remove_writes(shared: &Shared, lineage: u64, last: u64) {
    if let Err(error) = shared.catalog.read(|kv| journal::remove(kv, lineage, last)) {
        tracing::warn!(?error, lineage, "writes that nobody needs stay for now");
    }
    if last == u64::MAX {
        shared.catalog.forget_writes(lineage);
    }
}

/// Writes the vectors of a generation on a thread of its own.
struct VectorsWriter {
    /// None once no more blocks come.
    blocks: Option<SyncSender<Vec<u8>>>,
    /// Written blocks, whose room is used again.
    written: Receiver<Vec<u8>>,
    /// None once it was waited for.
    thread: Option<JoinHandle<Result<Part>>>,
}

impl VectorsWriter {
    fn start(path: PathBuf, generation: u64, layout: (Dtype, usize)) -> Result<Self> {
        let (blocks, waiting) = sync_channel(BLOCKS_WAITING);
        let (done, written) = channel();
        let run = move || {
            let writing = || format!("writing {}", path.display());
            write_vectors(&path, generation, layout, &waiting, &done).context(writing)
        };
        let thread = std::thread::Builder::new().name("vectors-writer".to_owned()).spawn(run);
        Ok(Self { blocks: Some(blocks), written, thread: Some(thread.map_err(Error::disk)?) })
    }

    /// A block to fill.
    fn block(&self) -> Vec<u8> {
        self.written.try_recv().unwrap_or_default()
    }

    /// Hands over a block, and waits while the disk is slow; the error of an earlier one.
    fn send(&mut self, block: Vec<u8>) -> Result<()> {
        match &self.blocks {
            Some(blocks) if blocks.send(block).is_ok() => Ok(()),
            Some(_) | None => {
                self.wait()?;
                Err(Error::new(ErrorKind::Internal).context("the thread that writes vectors ended"))
            }
        }
    }

    /// Says that no more blocks come, and does not wait for those that were sent.
    fn end(&mut self) {
        self.blocks = None;
    }

    /// Waits until every block is on the disk; the part, the first time.
    fn wait(&mut self) -> Result<Option<Part>> {
        self.end();
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(written)) => written.map(Some),
            Some(Err(_)) => Err(Error::new(ErrorKind::Internal).context("a panic")),
            None => Ok(None),
        }
    }
}

impl Drop for VectorsWriter {
    fn drop(&mut self) {
        if let Err(error) = self.wait() {
            tracing::debug!(?error, "vectors that nobody needs were not written");
        }
    }
}

fn write_vectors(
    path: &std::path::Path,
    generation: u64,
    (dtype, dim): (Dtype, usize),
    blocks: &Receiver<Vec<u8>>,
    written: &Sender<Vec<u8>>,
) -> Result<Part> {
    let file = blob::create(path).map_err(Error::disk)?;
    let syncing = file.try_clone().map_err(Error::disk)?;
    let mut out = Writer::new(BufWriter::new(file), part::vectors_of(dtype), generation)?;
    part::rows::begin_vectors(dtype, dim, &mut out)?;
    let mut unsynced = 0;
    while let Ok(block) = blocks.recv() {
        out.write(&block)?;
        unsynced += block.len();
        if unsynced >= SYNC_BYTES {
            unsynced = 0;
            syncing.sync_data().map_err(Error::disk)?;
        }
        // Ignore: the receiver is gone once no more blocks are sent.
        let _ = written.send(block);
    }
    let (out, sealed) = out.finish()?;
    let file = out.into_inner().map_err(|error| Error::disk(error.into_error()))?;
    file.sync_all().map_err(Error::disk)?;
    Ok(Part::from(sealed))
}

/// The error of a table whose generation is not there.
pub(super) fn missing(data: &std::path::Path, generation: u64) -> Error {
    let folder = folder::generation(data, generation);
    Error::new(fault::damage(format!("{} is missing", folder.display()), fault::IMPORT_AGAIN))
}
