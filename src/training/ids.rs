//! The numbers of a corpus: in memory up to a budget, behind it in a file that is read in order.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Context as _, Error, Result};

/// Ends a sentence.
pub(super) const END: u32 = u32::MAX;
/// Stands for a word that is left out.
pub(super) const GONE: u32 = u32::MAX - 1;

/// Bytes of a number in the file.
const BYTES: u64 = 4;
/// Numbers that are read or written at once.
const BLOCK: usize = 1 << 16;

/// Makes the file that holds what does not fit into memory; it should vanish with its handle.
pub type Spill = Box<dyn FnMut() -> Result<File> + Send + Sync>;

pub(super) struct Ids {
    /// All of them, or those that are not in the file yet.
    last: Vec<u32>,
    file: Option<Mutex<File>>,
    in_file: u64,
    /// Bytes that `last` may take before there is a file.
    memory: usize,
    spill: Spill,
}

impl Ids {
    pub(super) fn new(memory: usize, spill: Spill) -> Self {
        Self { last: Vec::new(), file: None, in_file: 0, memory, spill }
    }

    pub(super) fn len(&self) -> u64 {
        self.in_file + self.last.len() as u64
    }

    /// Bytes of memory they take.
    pub(super) fn memory_bytes(&self) -> usize {
        self.last.capacity() * size_of::<u32>()
    }

    pub(super) fn push(&mut self, id: u32) -> Result<()> {
        self.last.push(id);
        let most = if self.file.is_some() { BLOCK } else { self.memory / size_of::<u32>() };
        if self.last.len() < most.max(BLOCK) { Ok(()) } else { self.write_out() }
    }

    /// Moves what is in memory into the file.
    fn write_out(&mut self) -> Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => Mutex::new((self.spill)()?),
        };
        let file = self.file.insert(file).get_mut().unwrap_or_else(PoisonError::into_inner);
        for block in self.last.chunks(BLOCK) {
            write_at(file, self.in_file, block)?;
            self.in_file += block.len() as u64;
        }
        self.last.clear();
        self.last.shrink_to(BLOCK);
        Ok(())
    }

    /// Gives every number another one, and leaves out what becomes [`GONE`]. The ends of sentences stay;
    /// those of sentences that became empty go.
    pub(super) fn renumber(&mut self, numbers: &[u32]) -> Result<()> {
        let mut before = END;
        self.rewrite(|ids| {
            ids.retain_mut(|id| {
                if *id != END {
                    *id = numbers.get(*id as usize).copied().unwrap_or(GONE);
                }
                let stays = *id != GONE && !(*id == END && before == END);
                if stays {
                    before = *id;
                }
                stays
            });
        })
    }

    /// Has all numbers changed, block by block and in order. They may become fewer, never more.
    pub(super) fn rewrite(&mut self, mut change: impl FnMut(&mut Vec<u32>)) -> Result<()> {
        if let Some(file) = &mut self.file {
            let file = file.get_mut().unwrap_or_else(PoisonError::into_inner);
            let (mut from, mut to, mut block) = (0, 0, Vec::new());
            while from < self.in_file {
                from += read_at(file, from, self.in_file, BLOCK, &mut block)?;
                change(&mut block);
                write_at(file, to, &block)?;
                to += block.len() as u64;
            }
            self.in_file = to;
        }
        change(&mut self.last);
        Ok(())
    }

    /// Reads at most `count` numbers from the one at `start` on, which replace those in `block`; none if
    /// there are no more.
    pub(super) fn read(&self, start: u64, count: usize, block: &mut Vec<u32>) -> Result<()> {
        block.clear();
        if let Some(file) = &self.file
            && start < self.in_file
        {
            let mut file: MutexGuard<'_, File> =
                file.lock().unwrap_or_else(PoisonError::into_inner);
            read_at(&mut file, start, self.in_file, count, block)?;
            return Ok(());
        }
        let first = usize::try_from(start - self.in_file).unwrap_or(usize::MAX);
        let rest = self.last.get(first..).unwrap_or_default();
        block.extend_from_slice(&rest[..count.min(rest.len())]);
        Ok(())
    }
}

fn seek(file: &mut File, at: u64) -> Result<()> {
    file.seek(SeekFrom::Start(at * BYTES)).map_err(Error::disk).map(drop)
}

fn write_at(file: &mut File, at: u64, ids: &[u32]) -> Result<()> {
    seek(file, at)?;
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    file.write_all(&bytes).map_err(Error::disk).context(|| "writing the numbers of the corpus")
}

/// Reads at most `count` numbers before the one at `end`; how many.
fn read_at(file: &mut File, at: u64, end: u64, count: usize, ids: &mut Vec<u32>) -> Result<u64> {
    seek(file, at)?;
    let left = usize::try_from(end - at).unwrap_or(usize::MAX).min(count);
    let mut bytes = vec![0; left * size_of::<u32>()];
    file.read_exact(&mut bytes)
        .map_err(Error::disk)
        .context(|| "reading the numbers of the corpus")?;
    ids.clear();
    ids.extend(bytes.as_chunks().0.iter().map(|&id| u32::from_le_bytes(id)));
    Ok(left as u64)
}
