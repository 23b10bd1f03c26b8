//! The counts in the order in which they are learned: at random, but a row's in pieces, so that half of what a
//! cell needs is at hand. What has no room in memory lies in blocks of a file, each with cells of everywhere.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use super::GloveSettings;
use crate::error::{Context as _, Error, Result};
use crate::training::ids::Spill;
use crate::training::kernel::Cell;
use crate::vector::random::SplitMix64;

/// Cells of a row that are learned one behind the other.
const PIECE: u32 = 64;
/// Bytes of a cell in a file, and in memory.
const BYTES: usize = 16;
/// Cells of a block that are written at once.
const WRITTEN: usize = if cfg!(test) { 64 } else { 4_096 };

pub(super) struct Order {
    blocks: Vec<Block>,
    file: Option<File>,
    end: u64,
    len: u64,
    /// The block that is in memory, with its number.
    loaded: Option<(usize, Vec<Cell>)>,
    seed: u64,
}

#[derive(Default)]
struct Block {
    /// Those that are not in the file.
    cells: Vec<Cell>,
    /// Where in the file others are, and how many.
    parts: Vec<(u64, usize)>,
}

impl Order {
    /// For so many cells at most, of which as many stand in memory as `bytes` has room for.
    pub(super) fn new(most: u64, bytes: usize, seed: u64, spill: &mut Spill) -> Result<Self> {
        let room = (bytes / BYTES).max(WRITTEN) as u64;
        let count = usize::try_from(most.div_ceil(room)).unwrap_or(usize::MAX).max(1);
        // Each block has a buffer, which together must not take what one has.
        let count = count.min(bytes / (WRITTEN * BYTES)).max(1);
        let file = (count > 1).then(spill).transpose()?;
        let blocks = (0..count).map(|_| Block::default()).collect();
        Ok(Self { blocks, file, end: 0, len: 0, loaded: None, seed })
    }

    /// Adds a cell. Those of a row come together, the columns ascending.
    pub(super) fn push(&mut self, cell: Cell, settings: &GloveSettings, nth: u32) -> Result<()> {
        let Cell { words, log: count, .. } = cell;
        let share = (count / settings.x_max).min(1.0);
        let (log, weight) = (count.ln(), share.powf(settings.power));
        let key = self.key(words[0], nth);
        let at = usize::try_from(key % self.blocks.len() as u64).unwrap_or(0);
        let block = &mut self.blocks[at];
        block.cells.push(Cell { words, log, weight });
        self.len += 1;
        if let Some(file) = &mut self.file
            && block.cells.len() >= WRITTEN
        {
            write_at(file, self.end, &block.cells)?;
            block.parts.push((self.end, block.cells.len()));
            self.end += block.cells.len() as u64;
            block.cells.clear();
        }
        Ok(())
    }

    /// A random number of the piece that a row's cell belongs to.
    fn key(&self, row: u32, nth: u32) -> u64 {
        let piece = u64::from(row) << 32 | u64::from(nth / PIECE);
        SplitMix64(self.seed ^ piece.wrapping_mul(0x9e37_79b9_7f4a_7c15)).next()
    }

    /// How many cells, each of which is learned both ways.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// The cells of a block in their order.
    pub(super) fn block(&mut self, at: usize) -> Result<&[Cell]> {
        if self.loaded.as_ref().is_none_or(|&(loaded, _)| loaded != at) {
            self.loaded = None;
            let cells = self.shuffled(at)?;
            self.loaded = Some((at, cells));
        }
        Ok(self.loaded.as_ref().map_or(&[], |(_, cells)| cells))
    }

    fn shuffled(&mut self, at: usize) -> Result<Vec<Cell>> {
        let mut cells = Vec::new();
        let block = &mut self.blocks[at];
        if let Some(file) = &mut self.file {
            for &(start, count) in &block.parts {
                read_at(file, start, count, &mut cells)?;
            }
            cells.extend_from_slice(&block.cells);
        } else {
            cells = std::mem::take(&mut block.cells);
        }
        // Cells of a row came together: what is a piece here is one of those that made the block, or a part.
        let mut starts: Vec<(u64, usize)> = Vec::new();
        let mut last = (u32::MAX, 0);
        for (i, cell) in cells.iter().enumerate() {
            let row = cell.words[0];
            last = if last.0 == row { (row, last.1 + 1) } else { (row, 0) };
            if last.1 % PIECE == 0 {
                starts.push((self.key(row, last.1), i));
            }
        }
        let ends: Vec<usize> =
            starts.iter().skip(1).map(|&(_, start)| start).chain([cells.len()]).collect();
        let mut pieces: Vec<(u64, usize, usize)> =
            starts.iter().zip(ends).map(|(&(key, start), end)| (key, start, end)).collect();
        pieces.sort_unstable();
        let mut ordered = Vec::with_capacity(cells.len());
        for (_, start, end) in pieces {
            ordered.extend_from_slice(&cells[start..end]);
        }
        Ok(ordered)
    }
}

fn write_at(file: &mut File, at: u64, cells: &[Cell]) -> Result<()> {
    let bytes: Vec<u8> = cells
        .iter()
        .flat_map(|&Cell { words: [a, b], log, weight }| {
            [a.to_le_bytes(), b.to_le_bytes(), log.to_le_bytes(), weight.to_le_bytes()]
        })
        .flatten()
        .collect();
    file.seek(SeekFrom::Start(at * BYTES as u64))
        .and_then(|_| file.write_all(&bytes))
        .map_err(Error::disk)
        .context(|| "writing counts")
}

fn read_at(file: &mut File, at: u64, count: usize, cells: &mut Vec<Cell>) -> Result<()> {
    let mut bytes = vec![0; count * BYTES];
    file.seek(SeekFrom::Start(at * BYTES as u64))
        .and_then(|_| file.read_exact(&mut bytes))
        .map_err(Error::disk)
        .context(|| "reading counts")?;
    let numbers = bytes.as_chunks::<4>().0.as_chunks::<4>().0;
    cells.extend(numbers.iter().map(|&[a, b, log, weight]| Cell {
        words: [u32::from_le_bytes(a), u32::from_le_bytes(b)],
        log: f32::from_le_bytes(log),
        weight: f32::from_le_bytes(weight),
    }));
    Ok(())
}
