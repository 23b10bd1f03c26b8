//! The words of a model and their numbers: 0 is `<unk>`, 1 `<s>`, 2 `</s>`; the others stand by falling
//! frequency, so that what texts need most lies together.
//!
//! A word is found by a table of 64-bit entries: the upper half of a word's hash, and its number plus one. Both
//! the table that grows while a text is read and the mapped one of a file are looked up here.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::lm::numbers::small;
use crate::lm::place::Seeds;

/// Which words a model knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// How often a word must come; 0 is as 1.
    pub min_count: u64,
    /// The most words, without the special ones; the most frequent ones stay.
    pub words_max: usize,
    /// The words that a model may know, as far as the text has them (`KenLM`'s `--limit_vocab_file`); none: every
    /// one.
    pub given: Option<Arc<HashSet<Vec<u8>>>>,
}

impl Default for Known {
    fn default() -> Self {
        Self { min_count: 1, words_max: limits::LM_WORDS_MAX, given: None }
    }
}

/// The word for all that a model does not know.
pub const UNKNOWN: u32 = 0;
/// What stands before a sentence.
pub const BEGIN: u32 = 1;
/// What stands behind a sentence.
pub const END: u32 = 2;
/// How these are written.
pub const SPECIAL: [&[u8]; 3] = [b"<unk>", b"<s>", b"</s>"];

/// Entries that are looked at for a word, far more than chance makes: a table where a word stands farther from its
/// place takes another seed.
const PROBES_MAX: usize = 256;
/// Seeds that are tried for a list of words in all, before it is refused.
const SEEDS_MAX: usize = 16;

/// The hash of a word.
#[inline]
pub(super) fn hash(seed: u64, word: &[u8]) -> u64 {
    let mut state = seed ^ (word.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (chunks, rest) = word.as_chunks::<8>();
    for chunk in chunks {
        state = mixed(state ^ u64::from_le_bytes(*chunk));
    }
    mixed(state ^ tail(rest) ^ 0xa076_1d64_78bd_642f)
}

/// Fewer than eight bytes as a number, the first one uppermost. What words need most has no loop, whose end no processor
/// foresees: bytes are taken twice where that is simpler.
#[inline]
fn tail(bytes: &[u8]) -> u64 {
    let up = |value: u64, behind: usize| value << (8 * behind);
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let [first, last] =
            [first, last].map(|half: &[u8; 4]| u64::from(u32::from_be_bytes(*half)));
        return up(first, bytes.len() - 4) | last;
    }
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return 0 };
    let at = bytes.len() / 2;
    let middle = up(u64::from(bytes[at]), bytes.len() - 1 - at);
    up(u64::from(first), bytes.len() - 1) | middle | u64::from(last)
}

/// Whether two words are the same: as a comparison of slices, without its call.
#[inline]
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    let ((chunks, rest), (others, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let has_same =
        |(one, other): (&[u8; 8], &[u8; 8])| u64::from_le_bytes(*one) == u64::from_le_bytes(*other);
    one.len() == other.len()
        && chunks.iter().zip(others).all(has_same)
        && tail(rest) == tail(other_rest)
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

/// A seed by chance, for tables that no file keeps.
pub(super) fn chance() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The number of a word in a table of a power of two of entries; or the free entry where it belongs, if there is
/// one among those that are looked at.
#[inline]
pub(super) fn find(
    table: &[u64],
    hash: u64,
    is_word: impl Fn(u32) -> bool,
) -> Result<u32, Option<usize>> {
    let mask = table.len().wrapping_sub(1);
    let print = hash >> 32;
    #[expect(clippy::cast_possible_truncation, reason = "the table is smaller")]
    let mut at = hash as usize & mask;
    for _ in 0..PROBES_MAX {
        let Some(&entry) = table.get(at) else { break };
        if entry == 0 {
            return Err(Some(at));
        }
        if entry >> 32 == print {
            #[expect(clippy::cast_possible_truncation, reason = "its lower half")]
            let number = (entry as u32).wrapping_sub(1);
            if is_word(number) {
                return Ok(number);
            }
        }
        at = (at + 1) & mask;
    }
    Err(None)
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
    /// Seeds that did not do.
    refused: usize,
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
        let (table, seed) = (vec![0; 1 << 10], chance());
        let mut words = Self { arena, starts, counts, table, seed, refused: 0 };
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
        find(&self.table, hash(self.seed, word), |number| is_same(self.word(number), word)).ok()
    }

    /// Adds a word that came so many times more; its number.
    ///
    /// # Errors
    ///
    /// If there are too many words, or too many bytes of them, or if their hashes meet whatever the seed.
    pub fn add(&mut self, word: &[u8], count: u64) -> Result<u32> {
        let (hash, free) = loop {
            let hash = hash(self.seed, word);
            match find(&self.table, hash, |number| is_same(self.word(number), word)) {
                Ok(number) => {
                    self.counts[number as usize] += count;
                    return Ok(number);
                }
                Err(Some(free)) => break (hash, free),
                Err(None) => {
                    self.refuse_seed()?;
                    self.spread(self.table.len(), chance(), &mut chance)?;
                }
            }
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
            self.spread(self.table.len() * 2, self.seed, &mut chance)?;
        }
        Ok(number)
    }

    /// Gives the words the table that a file keeps: its seed depends on all of them and on nothing else.
    pub(super) fn settle(&mut self) -> Result<()> {
        let mut content = blake3::Hasher::new();
        content.update(&self.arena);
        for part in self.starts.chunks(1 << 12) {
            let bytes: Vec<u8> = part.iter().flat_map(|start| start.to_le_bytes()).collect();
            content.update(&bytes);
        }
        let mut seeds = Seeds::new(&content);
        self.refused = 0;
        self.spread(self.table.len(), seeds.next(), &mut || seeds.next())
    }

    fn refuse_seed(&mut self) -> Result<()> {
        self.refused += 1;
        if self.refused > SEEDS_MAX {
            let what = "words whose hashes meet whatever the seed".to_owned();
            return Err(Error::new(ErrorKind::Unsupported { what }));
        }
        Ok(())
    }

    /// Makes the table anew, of so many entries, under the first seed that does.
    fn spread(&mut self, size: usize, mut seed: u64, other: &mut dyn FnMut() -> u64) -> Result<()> {
        loop {
            if let Some(table) = self.tabled(size, seed) {
                (self.table, self.seed) = (table, seed);
                return Ok(());
            }
            self.refuse_seed()?;
            seed = other();
        }
    }

    /// A table of all words, of so many entries; none if one would stand too far from its place.
    fn tabled(&self, size: usize, seed: u64) -> Option<Vec<u64>> {
        let mut table = vec![0; size];
        for number in 0..small(self.len()) {
            let hash = hash(seed, self.word(number));
            let free = find(&table, hash, |_| false).err()??;
            table[free] = entry(hash, number);
        }
        Some(table)
    }

    /// The words by falling count, those that are not to be known left out; and what becomes of each number:
    /// those left out become `<unk>`, which takes over their counts.
    pub(super) fn by_count(&self, known: &Known) -> (Self, Vec<u32>) {
        let special = SPECIAL.len();
        let mut order: Vec<u32> = (small(special)..small(self.len())).collect();
        order.retain(|&number| {
            let may_be = known.given.as_ref().is_none_or(|all| all.contains(self.word(number)));
            may_be && self.count(number) >= known.min_count
        });
        order.sort_by_key(|&number| std::cmp::Reverse(self.count(number)));
        order.truncate(known.words_max);
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
    let mut left = line;
    std::iter::from_fn(move || {
        while let Some((&first, behind)) = left.split_first()
            && is_between(first)
        {
            left = behind;
        }
        let word;
        (word, left) = left.split_at(word_end(left));
        (!word.is_empty()).then_some(word)
    })
}

/// Whether a byte stands between words.
#[inline]
fn is_between(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0)
}

/// Where the word ends that bytes begin with.
#[inline]
fn word_end(bytes: &[u8]) -> usize {
    /// All of these bytes are below this one.
    const ABOVE: u64 = 0x2121_2121_2121_2121;
    let mut at = 0;
    while let Some(eight) = bytes.get(at..).and_then(|left| left.first_chunk::<8>()) {
        let eight = u64::from_le_bytes(*eight);
        // The upper bit of the first byte that is below, and perhaps of some behind it (Mycroft 1987).
        let below = eight.wrapping_sub(ABOVE) & !eight & 0x8080_8080_8080_8080;
        if below == 0 {
            at += 8;
            continue;
        }
        at += below.trailing_zeros() as usize / 8;
        if is_between(bytes[at]) {
            return at;
        }
        at += 1;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().position(|&byte| is_between(byte)).map_or(bytes.len(), |found| at + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_and_hashed_as_their_bytes_one_by_one_say() {
        let mut random = crate::vector::random::SplitMix64(4);
        let bytes = [b' ', b'\t', b'\r', b'\n', 0, 1, 31, 33, b'a', b'z', 127, 128, 160, 255];
        for length in 0..60 {
            let mut byte = |_| match random.index_below(24) {
                at if at < bytes.len() => bytes[at],
                at => b'a' + u8::try_from(at).unwrap(),
            };
            let line: Vec<u8> = (0..length).map(&mut byte).collect();
            let words = line.split(|&byte| is_between(byte)).filter(|word| !word.is_empty());
            assert!(plain(&line).eq(words), "{line:?}");
            let rest = &line[..length % 8];
            let one_by_one = rest.iter().fold(0, |tail, &byte| tail << 8 | u64::from(byte));
            assert_eq!(tail(rest), one_by_one, "{rest:?}");
            let mut other = line.clone();
            assert!(is_same(&line, &other));
            if let Some(last) = other.last_mut() {
                *last ^= 1;
                assert!(!is_same(&line, &other) && !is_same(&line, &line[1..]));
            }
        }
    }

    #[test]
    fn words_chosen_so_that_their_hashes_meet_are_spread_by_a_seed_of_all_of_them() {
        let word = |number: u32| format!("w{number}").into_bytes();
        let chosen: Vec<Vec<u8>> =
            (0..).map(word).filter(|word| hash(0, word) & 1_023 == 7).take(300).collect();
        let read = || {
            let mut words = Words::new();
            for (number, word) in (3..).zip(&chosen) {
                assert_eq!(words.add(word, 1).unwrap(), number);
            }
            words
        };
        let (mut one, mut other) = (read(), read());
        assert!(one.tabled(1_024, 0).is_none(), "the seed they were chosen for");
        one.settle().unwrap();
        other.settle().unwrap();
        assert_eq!((one.seed, &one.table), (other.seed, &other.table));
        for (number, word) in (3..).zip(&chosen) {
            assert_eq!(one.number(word), Some(number));
        }
        assert_eq!(one.number(b"never"), None);
        // No seed does: the table is too small for what comes within reach of any place.
        let error = one.spread(256, 0, &mut || 0).unwrap_err().to_string();
        assert!(error.contains("whatever the seed"), "{error}");
    }
}
