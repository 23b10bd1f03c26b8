//! Where an n-gram stands in its table: a pair of numbers becomes a line and a tag, and both together are the
//! pair again, so that no n-gram is ever taken for another one.

use serde::{Deserialize, Serialize};

/// Bits of a tag below those of the displacement.
pub(super) const TAG_BITS: u32 = 27;
/// The farthest line from its own that an n-gram may stand in. One more would let a tag look like [`FREE`].
pub(super) const MOVED_MAX: u32 = 30;
/// Stands in a slot without an n-gram.
pub(super) const FREE: u32 = u32::MAX;

/// Numbers that depend on every byte of some content, and on nothing else: the same content has the same file, and
/// nobody can choose n-grams or words that meet before all of them are chosen.
pub(super) struct Seeds(blake3::OutputReader);

impl Seeds {
    /// Of what the hasher was fed.
    pub(super) fn new(content: &blake3::Hasher) -> Self {
        Self(content.finalize_xof())
    }

    pub(super) fn next(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// How the pairs of a table are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Bits of a word.
    word_bits: u32,
    /// Bits of a pair.
    key_bits: u32,
    /// Bits that a tag leaves out, which the line tells.
    shift: u32,
    /// Odd numbers by which pairs are multiplied: the seed of a table.
    factors: [u64; 2],
    /// Lines that pairs begin in; [`MOVED_MAX`] + 2 more follow for those that are moved.
    pub(super) lines: u64,
}

impl Place {
    /// For pairs of a context below `contexts` and a word below `words`, in so many lines or a few more, spread by
    /// two seeds; none if a pair is too large.
    pub(super) fn new(contexts: u64, words: u64, lines: u64, seeds: [u64; 2]) -> Option<Self> {
        let bits = |numbers: u64| u64::BITS - numbers.saturating_sub(1).leading_zeros();
        let (word_bits, context_bits) = (bits(words).max(1), bits(contexts).max(1));
        let key_bits = word_bits + context_bits;
        if key_bits > 58 {
            return None;
        }
        // A tag has what a line does not tell.
        let lines = lines.max(1 << key_bits.saturating_sub(TAG_BITS)).max(4);
        let shift = (u64::BITS - 1 - lines.leading_zeros()).min(key_bits);
        let factors = seeds.map(|seed| seed | 1);
        Some(Self { word_bits, key_bits, shift, factors, lines })
    }

    /// Lines in all.
    pub(super) fn lines_in_all(&self) -> u64 {
        self.lines + u64::from(MOVED_MAX) + 2
    }

    /// Whether it is one that [`Place::new`] makes.
    pub(super) fn is_sound(&self, contexts: u64, words: u64) -> bool {
        Self::new(contexts, words, self.lines, self.factors) == Some(*self)
    }

    #[inline]
    fn mask(&self) -> u64 {
        (1 << self.key_bits) - 1
    }

    /// The line of a pair and its tag.
    #[inline]
    pub(super) fn of(&self, context: u32, word: u32) -> (usize, u32) {
        let (mask, half) = (self.mask(), self.key_bits.div_ceil(2));
        let key = (u64::from(context) << self.word_bits | u64::from(word)) & mask;
        let key = key.wrapping_mul(self.factors[0]) & mask;
        let key = (key ^ key >> half).wrapping_mul(self.factors[1]) & mask;
        let product = u128::from(key) * u128::from(self.lines);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a line, and fewer bits than a tag has"
        )]
        let place =
            ((product >> self.key_bits) as usize, ((product as u64 & mask) >> self.shift) as u32);
        place
    }

    /// The pair that has this line and tag.
    pub(super) fn pair(&self, line: u64, tag: u32) -> (u32, u32) {
        let (mask, half) = (self.mask(), self.key_bits.div_ceil(2));
        let least = u128::from(line) << self.key_bits | u128::from(u64::from(tag) << self.shift);
        #[expect(clippy::cast_possible_truncation, reason = "a key has fewer bits")]
        let key = least.div_ceil(u128::from(self.lines)) as u64 & mask;
        let key = key.wrapping_mul(inverse(self.factors[1])) & mask;
        let key = (key ^ key >> half).wrapping_mul(inverse(self.factors[0])) & mask;
        let number = |key: u64| u32::try_from(key).unwrap_or(u32::MAX);
        (number(key >> self.word_bits), number(key & ((1 << self.word_bits) - 1)))
    }
}

/// What an odd number is to be multiplied by to give 1, by Newton's method.
fn inverse(number: u64) -> u64 {
    let mut found = number;
    let mut step = 0;
    while step < 6 {
        found = found.wrapping_mul(2_u64.wrapping_sub(number.wrapping_mul(found)));
        step += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::random::SplitMix64;

    #[test]
    fn line_and_tag_are_the_pair() {
        let mut random = SplitMix64(1);
        for (contexts, words, lines) in [
            (3, 5, 1),
            (1 << 20, 75_000, 31_337),
            (1 << 27, 1 << 21, 1 << 23),
            (1 << 31, 1 << 24, 9),
        ] {
            let seeds = [random.next(), random.next()];
            let place = Place::new(contexts, words, lines, seeds).unwrap();
            assert!(place.is_sound(contexts, words));
            for _ in 0..1_000 {
                let context = u32::try_from(random.below(contexts)).unwrap();
                let word = u32::try_from(random.below(words)).unwrap();
                let (line, tag) = place.of(context, word);
                assert!((line as u64) < place.lines && tag < 1 << TAG_BITS);
                assert_eq!(place.pair(line as u64, tag), (context, word));
            }
        }
        assert_eq!(Place::new(1 << 40, 1 << 24, 9, [1, 1]), None);
    }
}
