//! `BlockWriter`: blocks of rows on their way to the disk, on a thread of its own, so that reading,
//! checksums and the disk work at the same time.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use crate::error::{Error, ErrorKind, Result};
use crate::store::vectors::Output;
use crate::store::{Shared, blob, fault, key, record, writer};

/// Blocks that wait for a slow disk: what bounds the memory, and makes whoever reads rows wait.
const BLOCKS_WAITING: usize = 8;
/// Bytes of records written between two flushes of sled. It bounds what waits in memory, and lets
/// sled use the room of outdated pages again.
const FLUSH_BYTES: usize = 1 << 20;

/// A block of rows.
#[derive(Default)]
pub(super) struct Block {
    pub(super) number: u32,
    pub(super) first_row: u64,
    /// Its record, still without checksums.
    pub(super) record: Vec<u8>,
    /// Its vectors, as they stand in the file.
    pub(super) vectors: Vec<u8>,
}

/// Takes the blocks of a generation in any order.
pub(super) struct BlockWriter {
    /// None once no more blocks come.
    blocks: Option<SyncSender<Block>>,
    /// Written blocks, whose room is used again.
    written: Receiver<Block>,
    /// None once it was waited for.
    thread: Option<JoinHandle<Result<()>>>,
}

impl BlockWriter {
    pub(super) fn start(shared: &Arc<Shared>, generation: u64, dim: usize) -> Result<Self> {
        let (blocks, waiting) = sync_channel(BLOCKS_WAITING);
        let (done, written) = channel();
        let path = shared.vectors_path(generation);
        let output = Output::create(&path, generation, dim)?;
        let work = Work { shared: Arc::clone(shared), generation, output, unflushed: 0 };
        let run = move || work.run(&path, &waiting, &done);
        let thread = std::thread::Builder::new().name("block-writer".to_owned()).spawn(run);
        Ok(Self { blocks: Some(blocks), written, thread: Some(thread.map_err(Error::disk)?) })
    }

    /// A block to fill.
    pub(super) fn block(&self) -> Block {
        self.written.try_recv().unwrap_or_default()
    }

    /// Hands over a block, and waits while the disk is slow.
    ///
    /// # Errors
    ///
    /// That of an earlier block.
    pub(super) fn send(&mut self, block: Block) -> Result<()> {
        match &self.blocks {
            Some(blocks) if blocks.send(block).is_ok() => Ok(()),
            Some(_) | None => {
                self.wait()?;
                Err(Error::new(ErrorKind::Internal).context("the thread that writes blocks ended"))
            }
        }
    }

    /// Says that no more blocks come, and does not wait for those that were sent.
    pub(super) fn end(&mut self) {
        self.blocks = None;
    }

    /// Waits until every block is written, and the file of vectors durable with its name; their
    /// records still take `make_durable`.
    pub(super) fn wait(&mut self) -> Result<()> {
        self.end();
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(written)) => written,
            Some(Err(_)) => Err(Error::new(ErrorKind::Internal).context("a panic")),
            None => Ok(()),
        }
    }
}

impl Drop for BlockWriter {
    fn drop(&mut self) {
        if let Err(error) = self.wait() {
            tracing::debug!(?error, "blocks that nobody needs were not written");
        }
    }
}

struct Work {
    shared: Arc<Shared>,
    generation: u64,
    output: Output,
    unflushed: usize,
}

impl Work {
    fn run(mut self, path: &Path, blocks: &Receiver<Block>, written: &Sender<Block>) -> Result<()> {
        while let Ok(mut block) = blocks.recv() {
            self.write(&mut block)?;
            // Nobody needs its room if this fails.
            let _ = written.send(block);
        }
        self.output.sync()?;
        blob::sync_folder(path.parent().unwrap_or(Path::new("."))).map_err(Error::disk)
    }

    fn write(&mut self, block: &mut Block) -> Result<()> {
        self.output.write(block.first_row, &block.vectors)?;
        let key = key::block(self.generation, block.number);
        record::seal_block(&key, &mut block.record, &block.vectors);
        let what = || format!("generation {}, block {}", self.generation, block.number);
        fault::guarded(what, || self.shared.rows.insert(key, &block.record[..]))?;
        self.unflushed += block.record.len();
        if self.unflushed >= FLUSH_BYTES {
            self.unflushed = 0;
            writer::flush(&self.shared.db)?;
        }
        Ok(())
    }
}
