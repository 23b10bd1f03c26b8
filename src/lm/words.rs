//! The words of a model and their numbers: 0 is `<unk>`, 1 `<s>`, 2 `</s>`; the others stand by falling
//! frequency, so that what texts need most lies together.
//!
//! A word is found by a table of 64-bit entries: the upper half of a word's hash, and its number plus one. Both
//! the table that grows while a text is read and the mapped one of a file are looked up here.

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::lm::numbers::small;

/// The word for all that a model does not know.
pub const UNKNOWN: u32 = 0;
/// What stands before a sentence.
pub const BEGIN: u32 = 1;
/// What stands behind a sentence.
pub const END: u32 = 2;
/// How these are written.
pub const SPECIAL: [&[u8]; 3] = [b"<unk>", b"<s>", b"</s>"];

/// Entries that are looked at before the table takes another seed: far more than chance makes.
const PROBES_MAX: usize = 256;
/// Seeds that are tried.
const SEEDS_MAX: u64 = 16;

/// The hash of a word.
#[inline]
pub(super) fn hash(seed: u64, word: &[u8]) -> u64 {
    let mut state = seed ^ (word.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (chunks, rest) = word.as_chunks::<8>();
    for chunk in chunks {
        state = mixed(state ^ u64::from_le_bytes(*chunk));
    }
    let mut tail = 0;
    for &byte in rest {
        tail = tail << 8 | u64::from(byte);
    }
    mixed(state ^ tail ^ 0xa076_1d64_78bd_642f)
}

/// Both halves of a product, as wyhash has it (Wang Yi 2019).
#[inline]
fn mixed(state: u64) -> u64 {
    let product = u128::from(state) * u128::from(0xe703_7ed1_a0b4_28db_u64);
    let [low, high] = halves(product);
    low ^ high
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the halves of it")]
fn halves(product: u128) -> [u64; 2] {
    [product as u64, (product >> 64) as u64]
}

/// The number of a word in a table of a power of two of entries, and the entries that were looked at; or
/// the free entry.
#[inline]
pub(super) fn find(
    table: &[u64],
    hash: u64,
    is_word: impl Fn(u32) -> bool,
) -> (Result<u32, usize>, usize) {
    let mask = table.len().wrapping_sub(1);
    let print = hash >> 32;
    #[expect(clippy::cast_possible_truncation, reason = "the table is smaller")]
    let mut at = hash as usize & mask;
    // A table that is full of others ends too.
    for step in 0..table.len() {
        let Some(&entry) = table.get(at) else { break };
        if entry == 0 {
            return (Err(at), step);
        }
        if entry >> 32 == print {
            #[expect(clippy::cast_possible_truncation, reason = "its lower half")]
            let number = (entry as u32).wrapping_sub(1);
            if is_word(number) {
                return (Ok(number), step);
            }
        }
        at = (at + 1) & mask;
    }
    (Err(usize::MAX), table.len())
}

fn entry(hash: u64, number: u32) -> u64 {
    hash >> 32 << 32 | (u64::from(number) + 1)
}

/// Words that are being collected, with how often each came.
#[derive(Clone, Debug)]
pub struct Words {
    arena: Vec<u8>,
    /// Where each word begins, and the last one ends.
    starts: Vec<u32>,
    counts: Vec<u64>,
    table: Vec<u64>,
    seed: u64,
}

impl Default for Words {
    fn default() -> Self {
        Self::new()
    }
}

impl Words {
    /// The special words alone.
    pub fn new() -> Self {
        let (arena, starts, counts) = (Vec::new(), vec![0], Vec::new());
        let mut words = Self { arena, starts, counts, table: vec![0; 1 << 10], seed: 0 };
        for special in SPECIAL {
            // There is room for three.
            let _ = words.add(special, 0);
        }
        words
    }

    /// How many there are, with the special ones.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Never: the special ones are there.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// A word.
    pub fn word(&self, number: u32) -> &[u8] {
        let at = number as usize;
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(&from), Some(&to)) => &self.arena[from as usize..to as usize],
            _ => &[],
        }
    }

    /// How often it came.
    pub fn count(&self, number: u32) -> u64 {
        self.counts.get(number as usize).copied().unwrap_or(0)
    }

    /// Its number, if it is there.
    pub fn number(&self, word: &[u8]) -> Option<u32> {
        find(&self.table, hash(self.seed, word), |number| self.word(number) == word).0.ok()
    }

    /// Adds a word that came so many times more; its number.
    ///
    /// # Errors
    ///
    /// If there are too many words, or too many bytes of them.
    pub fn add(&mut self, word: &[u8], count: u64) -> Result<u32> {
        let hash = hash(self.seed, word);
        let (found, steps) = find(&self.table, hash, |number| self.word(number) == word);
        let free = match found {
            Ok(number) => {
                self.counts[number as usize] += count;
                return Ok(number);
            }
            Err(free) => free,
        };
        let bytes = self.arena.len() + word.len();
        for (limit, max, got) in [
            ("WORD_BYTES_MAX", limits::WORD_BYTES_MAX, word.len()),
            ("LM_WORDS_MAX", limits::LM_WORDS_MAX, self.len() + 1),
            ("VOCAB_BYTES_MAX", limits::VOCAB_BYTES_MAX, bytes),
        ] {
            if got > max {
                let (max, got) = (max as u64, got as u64);
                return Err(Error::new(ErrorKind::TooLarge { limit, max, got }));
            }
        }
        let number = small(self.len());
        self.table[free] = entry(hash, number);
        self.arena.extend_from_slice(word);
        self.starts.push(small(self.arena.len()));
        self.counts.push(count);
        if self.len() * 2 > self.table.len() {
            let size = self.table.len() * 2;
            (self.table, self.seed) = self.tabled(size, self.seed);
        } else if steps > PROBES_MAX && self.seed < SEEDS_MAX {
            // Somebody chose the words so that their hashes meet.
            (self.table, self.seed) = self.tabled(self.table.len(), self.seed + 1);
        }
        Ok(number)
    }

    /// A table of all words, of so many entries, and its seed.
    fn tabled(&self, size: usize, mut seed: u64) -> (Vec<u64>, u64) {
        loop {
            let (mut table, mut worst) = (vec![0; size], 0);
            for number in 0..small(self.len()) {
                let hash = hash(seed, self.word(number));
                let (free, steps) = find(&table, hash, |_| false);
                if let Err(free) = free {
                    table[free] = entry(hash, number);
                }
                worst = worst.max(steps);
                if worst > PROBES_MAX && seed < SEEDS_MAX {
                    break;
                }
            }
            if worst <= PROBES_MAX || seed >= SEEDS_MAX {
                return (table, seed);
            }
            seed += 1;
        }
    }

    /// The words by falling count, those that are rarer than `min_count` or over `max` left out; and what
    /// becomes of each number: those left out become `<unk>`, which takes over their counts.
    pub(super) fn by_count(&self, min_count: u64, max: usize) -> (Self, Vec<u32>) {
        let special = SPECIAL.len();
        let mut order: Vec<u32> = (small(special)..small(self.len())).collect();
        order.retain(|&number| self.count(number) >= min_count);
        order.sort_by_key(|&number| std::cmp::Reverse(self.count(number)));
        order.truncate(max);
        let mut kept = Self::new();
        let mut becomes = vec![UNKNOWN; self.len()];
        for number in 0..small(special) {
            becomes[number as usize] = number;
            kept.counts[number as usize] = self.count(number);
        }
        for number in order {
            // They fit: they did before.
            if let Ok(new) = kept.add(self.word(number), self.count(number)) {
                becomes[number as usize] = new;
            }
        }
        for number in small(special)..small(self.len()) {
            if becomes[number as usize] == UNKNOWN {
                kept.counts[UNKNOWN as usize] += self.count(number);
            }
        }
        (kept, becomes)
    }

    /// Bytes of memory that it takes.
    pub fn memory_bytes(&self) -> usize {
        self.arena.capacity()
            + self.starts.capacity() * size_of::<u32>()
            + (self.counts.capacity() + self.table.capacity()) * size_of::<u64>()
    }

    pub(super) fn arena(&self) -> &[u8] {
        &self.arena
    }

    pub(super) fn starts(&self) -> &[u32] {
        &self.starts
    }

    pub(super) fn table(&self) -> &[u64] {
        &self.table
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }
}

/// Words of a line: what stands between spaces, tabs, carriage returns and zero bytes, as `KenLM` reads them.
/// Other white space is part of a word.
pub fn plain(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0))
        .filter(|word| !word.is_empty())
}
