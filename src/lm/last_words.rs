//! `LastWords`: the last words of an order's n-grams, which stand by them, so that each is told by where those of
//! the next one begin.

use crate::error::Result;
use crate::lm::numbers::{Numbers, Room, small};

/// Bits of a number of a list.
const BITS: usize = u32::BITS as usize;

/// The last words of n-grams, and which of these begin with `<s>`.
#[derive(Debug)]
pub(super) struct LastWords {
    /// Where the n-grams of each word begin, and the last ones end.
    starts: Numbers,
    /// A bit for each n-gram.
    begins: Numbers,
    len: usize,
}

impl LastWords {
    /// Of no n-gram yet, and of at most `max`.
    pub(super) fn new(room: &Room, words: usize, max: usize) -> Result<Self> {
        let starts = Numbers::new(room, words + 1)?;
        Ok(Self { starts, begins: Numbers::new(room, max.div_ceil(BITS))?, len: 0 })
    }

    /// Adds an n-gram, of the same word as the last one or of a later one.
    #[inline]
    pub(super) fn push(&mut self, word: u32, begins: bool) -> Result<()> {
        self.end(word as usize)?;
        if self.len.is_multiple_of(BITS) {
            self.begins.push(0)?;
        }
        self.begins[self.len / BITS] |= u32::from(begins) << (self.len % BITS);
        self.len += 1;
        Ok(())
    }

    /// Words before this one have no more n-grams. It is said of the number of words, too, behind all of them.
    #[inline]
    pub(super) fn end(&mut self, word: usize) -> Result<()> {
        while self.starts.len() <= word {
            self.starts.push(small(self.len))?;
        }
        Ok(())
    }

    /// Whether an n-gram begins with `<s>`.
    #[inline]
    pub(super) fn begins(&self, number: usize) -> bool {
        self.begins[number / BITS] >> (number % BITS) & 1 != 0
    }

    /// The last word of each n-gram.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let ends = self.starts.iter().skip(1).zip(0..);
        let mut from = 0;
        ends.flat_map(move |(&end, word)| {
            let count = end - std::mem::replace(&mut from, end);
            std::iter::repeat_n(word, count as usize)
        })
    }

    /// The same in a list.
    pub(super) fn listed(&self, room: &Room) -> Result<Numbers> {
        let mut words = Numbers::new(room, self.len)?;
        self.iter().try_for_each(|word| words.push(word))?;
        Ok(words)
    }

    /// The same again.
    pub(super) fn copied(&self, room: &Room) -> Result<Self> {
        Ok(Self {
            starts: self.starts.copied(room)?,
            begins: self.begins.copied(room)?,
            len: self.len,
        })
    }
}
