//! How often words stand together: those of frequent words in a triangle, others in a list that is sorted when
//! it is full, and then in runs of a file, which are merged at the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use super::GloveSettings;
use super::cells::Order;
use crate::error::{Context as _, Error, Result};
use crate::training::corpus::Corpus;
use crate::training::ids::{END, Spill};
use crate::training::kernel::Cell;

/// Words whose counts stand in a triangle, at most: 32 MiB of them.
const FREQUENT: usize = if cfg!(test) { 8 } else { 4_096 };
/// Bytes of a pair in a file, and in memory.
const BYTES: usize = 16;
/// Pairs of a run that are read at once.
const READ: usize = if cfg!(test) { 32 } else { 4_096 };
/// Numbers of the corpus between two looks at the watch.
const PIECE: usize = 100_000;

/// Two words, the more frequent one first, and how often they stand together.
type Pair = (u64, f32);

struct Counts<'a> {
    /// Words up to this stand in the triangle.
    frequent: usize,
    triangle: Vec<f32>,
    list: Vec<Pair>,
    /// Pairs for which the list has room.
    room: usize,
    file: Option<File>,
    /// Where runs begin in the file, and end.
    runs: Vec<(u64, u64)>,
    spill: &'a mut Spill,
}

/// Counts the words of a corpus.
pub(super) fn count(
    corpus: &Corpus,
    settings: &GloveSettings,
    spill: &mut Spill,
    look: &mut dyn FnMut() -> Result<()>,
) -> Result<Order> {
    let mut counts = Counts::new(corpus.words().len(), settings, spill);
    let weights: Vec<f32> = (1..=settings.window).map(|distance| 1.0 / distance as f32).collect();
    let (mut at, mut block, mut before) = (0, Vec::new(), Vec::new());
    loop {
        corpus.read(at, PIECE, &mut block)?;
        if block.is_empty() {
            break;
        }
        at += block.len() as u64;
        for &id in &block {
            if id == END {
                before.clear();
                continue;
            }
            for (&other, &weight) in before.iter().rev().zip(&weights) {
                counts.add(id, other, weight)?;
            }
            before.push(id);
            if before.len() >= 16 * settings.window {
                before.drain(..15 * settings.window);
            }
        }
        look()?;
    }
    counts.order(settings, look)
}

impl<'a> Counts<'a> {
    fn new(words: usize, settings: &GloveSettings, spill: &'a mut Spill) -> Self {
        let frequent = words.min(FREQUENT);
        let triangle = vec![0.0; frequent * (frequent + 1) / 2];
        let room = (settings.counts_bytes / BYTES).max(READ);
        Self { frequent, triangle, list: Vec::new(), room, file: None, runs: Vec::new(), spill }
    }

    #[inline]
    fn add(&mut self, a: u32, b: u32, weight: f32) -> Result<()> {
        let (low, high) = (a.min(b), a.max(b));
        // A word beside itself is so both ways.
        let weight = if low == high { 2.0 * weight } else { weight };
        if (high as usize) < self.frequent {
            let (low, high) = (low as usize, high as usize);
            self.triangle[high * (high + 1) / 2 + low] += weight;
            return Ok(());
        }
        if self.list.len() == self.room {
            self.sort();
            // A list that stays more than half full would be sorted ever more often.
            if self.list.len() > self.room / 2 {
                self.write_run()?;
            }
        }
        self.list.push((u64::from(low) << 32 | u64::from(high), weight));
        Ok(())
    }

    /// Sorts the list, and makes one pair of equal ones.
    fn sort(&mut self) {
        // Stable: sums of floats depend on their order.
        self.list.sort_by_key(|&(key, _)| key);
        self.list.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
    }

    fn write_run(&mut self) -> Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => (self.spill)()?,
        };
        let file = self.file.insert(file);
        let start = self.runs.last().map_or(0, |&(_, end)| end);
        file.seek(SeekFrom::Start(start * BYTES as u64)).map_err(Error::disk)?;
        for pairs in self.list.chunks(READ) {
            let bytes: Vec<u8> = pairs
                .iter()
                .flat_map(|&(key, weight)| {
                    let mut bytes = [0; BYTES];
                    bytes[..8].copy_from_slice(&key.to_le_bytes());
                    bytes[8..12].copy_from_slice(&weight.to_le_bytes());
                    bytes
                })
                .collect();
            file.write_all(&bytes).map_err(Error::disk).context(|| "writing counts")?;
        }
        self.runs.push((start, start + self.list.len() as u64));
        self.list.clear();
        Ok(())
    }

    /// All counts, in the order in which they are learned.
    fn order(
        mut self,
        settings: &GloveSettings,
        look: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Order> {
        self.sort();
        if !self.runs.is_empty() {
            self.write_run()?;
            self.list = Vec::new();
        }
        let dense = self.triangle.iter().filter(|&&count| count > 0.0).count() as u64;
        let others = self.list.len() as u64 + self.runs.iter().map(|(s, e)| e - s).sum::<u64>();
        let bytes = settings.counts_bytes;
        let mut order = Order::new(dense + others, bytes, settings.seed, self.spill)?;
        let mut rest = Merge::new(&mut self.file, &self.runs, std::mem::take(&mut self.list))?;
        // Rows ascend in both; each is finished before the next one.
        let mut next = rest.next()?;
        let mut row = 0;
        while row < self.frequent || next.is_some() {
            look()?;
            let mut nth = 0;
            let mut push = |column: u32, count: f32| {
                let words = [u32::try_from(row).unwrap_or(END), column];
                nth += 1;
                order.push(Cell { words, log: count, weight: 0.0 }, settings, nth - 1)
            };
            for column in row..self.frequent {
                let count = self.triangle[column * (column + 1) / 2 + row];
                if count > 0.0 {
                    push(u32::try_from(column).unwrap_or(END), count)?;
                }
            }
            while let Some((key, count)) = next
                && usize::try_from(key >> 32).ok() == Some(row)
            {
                push((key & 0xffff_ffff) as u32, count)?;
                next = rest.next()?;
            }
            row += 1;
        }
        Ok(order)
    }
}

/// Sorted runs as one, equal pairs added in the order of the runs.
struct Merge<'a> {
    file: &'a mut Option<File>,
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<(u64, usize)>>,
}

struct Run {
    at: u64,
    end: u64,
    /// What was read, in reverse.
    pairs: Vec<Pair>,
}

impl<'a> Merge<'a> {
    fn new(file: &'a mut Option<File>, runs: &[(u64, u64)], mut list: Vec<Pair>) -> Result<Self> {
        let mut all: Vec<Run> =
            runs.iter().map(|&(at, end)| Run { at, end, pairs: Vec::new() }).collect();
        list.reverse();
        all.push(Run { at: 0, end: 0, pairs: list });
        let mut merge = Self { file, runs: all, heads: BinaryHeap::new() };
        for run in 0..merge.runs.len() {
            merge.push_head(run)?;
        }
        Ok(merge)
    }

    fn push_head(&mut self, run: usize) -> Result<()> {
        let of = &mut self.runs[run];
        if let (true, true, Some(file)) = (of.pairs.is_empty(), of.at < of.end, self.file.as_mut())
        {
            let count = usize::try_from(of.end - of.at).unwrap_or(READ).min(READ);
            let mut bytes = vec![0; count * BYTES];
            file.seek(SeekFrom::Start(of.at * BYTES as u64))
                .and_then(|_| file.read_exact(&mut bytes))
                .map_err(Error::disk)
                .context(|| "reading counts")?;
            let words = bytes.as_chunks::<8>().0.as_chunks::<2>().0;
            of.pairs.extend(words.iter().rev().map(|&[key, weight]| {
                let [a, b, c, d, ..] = weight;
                (u64::from_le_bytes(key), f32::from_le_bytes([a, b, c, d]))
            }));
            of.at += count as u64;
        }
        if let Some(&(key, _)) = of.pairs.last() {
            self.heads.push(Reverse((key, run)));
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Pair>> {
        let mut sum: Option<Pair> = None;
        while let Some(&Reverse((key, run))) = self.heads.peek()
            && sum.is_none_or(|(of, _)| of == key)
        {
            self.heads.pop();
            let count = self.runs[run].pairs.pop().map_or(0.0, |(_, count)| count);
            sum = Some((key, sum.map_or(0.0, |(_, sum)| sum) + count));
            self.push_head(run)?;
        }
        Ok(sum)
    }
}
