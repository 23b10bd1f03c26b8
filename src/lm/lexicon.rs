//! The words of a stored model: their bytes, where each begins, and the table that finds them.

use std::io::Write;

use crate::container::{CHUNK_BYTES, Container, Writer};
use crate::error::Result;
use crate::lm::layout::KIND;
use crate::lm::part::{Mapped, Part, prefetch};
use crate::lm::words::{UNKNOWN, Words, find, hash, is_same, plain};

/// Words of a line that are looked up together.
const TOGETHER: usize = 32;

/// The sections that it is made of.
pub(super) const SECTIONS: [&str; 3] = ["arena", "starts", "hashes"];

/// Words of a mapped file.
#[derive(Debug)]
pub(super) struct Lexicon {
    arena: Part,
    starts: Part,
    hashes: Part,
    seed: u64,
}

impl Lexicon {
    /// So many words, whose hashes have this seed.
    pub(super) fn open(map: &Mapped, of: &Container, (words, seed): (u64, u64)) -> Result<Self> {
        let [arena, starts, hashes] = SECTIONS.map(|name| Part::verified(map, of, name, KIND));
        let lexicon = Self { arena: arena?, starts: starts?, hashes: hashes?, seed };
        if lexicon.is_sound(words) { Ok(lexicon) } else { Err(of.senseless()) }
    }

    /// Whether the sections belong together.
    fn is_sound(&self, words: u64) -> bool {
        let starts = self.starts.numbers();
        let in_order = starts.is_sorted()
            && starts.first() == Some(&0)
            && starts.last().map(|&end| end as usize) == Some(self.arena.bytes().len());
        let hashes = self.hashes.longs().len();
        in_order
            && (3..=u64::from(u32::MAX)).contains(&words)
            && starts.len() as u64 == words + 1
            && hashes.is_power_of_two()
            && hashes as u64 >= words
    }

    /// The number of a word; [`UNKNOWN`] if it is none of them.
    #[inline]
    pub(super) fn number(&self, word: &[u8]) -> u32 {
        self.places().number(word, hash(self.seed, word))
    }

    /// Adds the numbers of a line's words, as [`plain`] cuts it. Some words are hashed before the first of them is
    /// looked up, so that the memory answers all of them at a time.
    pub(super) fn add_numbers(&self, line: &[u8], numbers: &mut Vec<u32>) {
        let places = self.places();
        let mut words = plain(line);
        let mut block: [(&[u8], u64); TOGETHER] = [(&[], 0); TOGETHER];
        loop {
            let mut count = 0;
            for (to, word) in block.iter_mut().zip(words.by_ref()) {
                *to = (word, hash(self.seed, word));
                places.prepare(to.1);
                count += 1;
            }
            numbers.extend(block[..count].iter().map(|&(word, hash)| places.number(word, hash)));
            if count < TOGETHER {
                break;
            }
        }
    }

    fn places(&self) -> Places<'_> {
        let (arena, starts) = (self.arena.bytes(), self.starts.numbers());
        Places { arena, starts, hashes: self.hashes.longs() }
    }

    /// A word; empty if there is none of this number.
    pub(super) fn word(&self, number: u32) -> &[u8] {
        let (starts, at) = (self.starts.numbers(), number as usize);
        match (starts.get(at), starts.get(at + 1)) {
            (Some(&from), Some(&to)) => {
                self.arena.bytes().get(from as usize..to as usize).unwrap_or_default()
            }
            _ => &[],
        }
    }
}

/// Where words stand.
#[derive(Clone, Copy)]
struct Places<'l> {
    arena: &'l [u8],
    starts: &'l [u32],
    hashes: &'l [u64],
}

impl Places<'_> {
    /// Asks for what tells the number of a word of this hash.
    #[inline]
    fn prepare(self, hash: u64) {
        #[expect(clippy::cast_possible_truncation, reason = "the table is smaller")]
        let at = hash as usize & self.hashes.len().wrapping_sub(1);
        prefetch(self.hashes, at);
    }

    #[inline]
    fn number(self, word: &[u8], hash: u64) -> u32 {
        let is_word = |number: u32| {
            let at = number as usize;
            let (Some(&from), Some(&to)) = (self.starts.get(at), self.starts.get(at + 1)) else {
                return false;
            };
            let found = self.arena.get(from as usize..to as usize);
            found.is_some_and(|found| is_same(found, word))
        };
        find(self.hashes, hash, is_word).unwrap_or(UNKNOWN)
    }
}

/// Writes the words; the seed of their hashes.
pub(super) fn write<W: Write>(mut words: Words, out: &mut Writer<W>) -> Result<u64> {
    words.settle()?;
    let [arena, starts, hashes] = SECTIONS;
    out.section(arena, CHUNK_BYTES)?;
    out.write(words.arena())?;
    out.section(starts, CHUNK_BYTES)?;
    for part in words.starts().chunks(1 << 12) {
        out.write(&part.iter().flat_map(|start| start.to_le_bytes()).collect::<Vec<_>>())?;
    }
    out.section(hashes, CHUNK_BYTES)?;
    for part in words.table().chunks(1 << 12) {
        out.write(&part.iter().flat_map(|entry| entry.to_le_bytes()).collect::<Vec<_>>())?;
    }
    Ok(words.seed())
}
