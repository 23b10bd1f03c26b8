//! `Grams`: the n-grams of a model with their probabilities, in memory, before they become a file.

use crate::error::Result;
use crate::lm::last_words::LastWords;
use crate::lm::numbers::{Numbers, Room, small};
use crate::lm::words::Words;
use crate::steps::{GoOn, watched};

/// The n-grams of one order. Numbers in single precision stand as their bits.
#[derive(Debug)]
pub(super) struct Gram {
    pub(super) words: LastWords,
    /// The n-gram of all words but the last, by its number in the order below.
    pub(super) context: Numbers,
    /// Their probability.
    pub(super) p: Numbers,
    /// By what the probability in the shorter context is multiplied; empty at the highest order.
    pub(super) back_off: Numbers,
    /// Those that are contexts though no longer n-gram stands on them and their back-off says nothing: one bit
    /// each; may be empty.
    pub(super) is_context: Vec<u64>,
}

impl Gram {
    pub(super) fn len(&self) -> usize {
        self.p.len()
    }

    /// Probabilities and back-offs become logarithms to base 10.
    pub(super) fn take_log10(&mut self, go_on: GoOn<'_>) -> Result<()> {
        for list in [&mut self.p, &mut self.back_off] {
            for part in watched(list.chunks_mut(1 << 12), go_on) {
                for value in part? {
                    *value = f32::from_bits(*value).log10().to_bits();
                }
            }
        }
        Ok(())
    }
}

/// The n-grams of a model; logarithms to base 10.
#[derive(Debug)]
pub struct Grams {
    pub(super) words: Words,
    pub(super) levels: Vec<Gram>,
    /// Whether a back-off is the probability of every word that was not seen behind its context.
    pub(super) is_direct: bool,
}

impl Grams {
    pub(super) fn new(words: Words, levels: Vec<Gram>, is_direct: bool) -> Self {
        Self { words, levels, is_direct }
    }

    /// The highest order.
    pub fn order(&self) -> usize {
        self.levels.len()
    }

    /// Words, with the special ones.
    pub fn word_count(&self) -> usize {
        self.words.len()
    }

    /// N-grams of each order.
    pub fn sizes(&self) -> Vec<u64> {
        self.levels.iter().map(|level| level.len() as u64).collect()
    }

    /// Removes the n-grams whose probability is not a number, in place. No n-gram that stays needs one of them.
    pub(super) fn remove(&mut self, _gone: u32, room: &Room, go_on: GoOn<'_>) -> Result<()> {
        let (mut below, word_count): (Option<Numbers>, _) = (None, self.words.len());
        for level in &mut self.levels {
            let mut becomes = Numbers::zeros(room, level.len())?;
            let mut words = LastWords::new(room, word_count, level.len())?;
            let mut kept = 0;
            for step in watched(level.words.iter().enumerate(), go_on) {
                let (number, word) = step?;
                if f32::from_bits(level.p[number]).is_nan() {
                    continue;
                }
                becomes[number] = small(kept);
                words.push(word, level.words.begins(number))?;
                let of = level.context[number];
                level.context[kept] = below.as_ref().map_or(0, |below| below[of as usize]);
                level.p[kept] = level.p[number];
                if !level.back_off.is_empty() {
                    level.back_off[kept] = level.back_off[number];
                }
                kept += 1;
            }
            words.end(word_count)?;
            level.words = words;
            level.context.truncate(kept);
            level.p.truncate(kept);
            level.back_off.truncate(kept);
            below = Some(becomes);
        }
        Ok(())
    }
}
