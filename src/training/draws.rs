//! Words drawn by a power of their counts: the negative examples.

use super::kernel::{DRAWN, Kernels, OUTPUTS};
use crate::vector::random::SplitMix64;

/// Negative examples that are drawn together: a word and they are one step of a kernel.
pub(super) const TOGETHER: usize = OUTPUTS - 1;
/// Draws that fail before the words are taken in turn: where few words have nearly all the weight, it
/// could take forever to draw different ones.
const TRIES: usize = 64;

/// An alias table (Walker 1977, Vose 1991) of a vocabulary: 8 bytes a word stay in a processor's cache
/// where word2vec's table of 400 MB does not.
pub(super) fn alias_table(counts: &[u64], exponent: f64) -> Vec<u64> {
    // Relative to the most frequent word, no power of a count is too large for a double.
    let most = counts.iter().copied().max().unwrap_or(1).max(1) as f64;
    let weights: Vec<f64> =
        counts.iter().map(|&count| (count.max(1) as f64 / most).powf(exponent)).collect();
    let share = weights.len() as f64 / weights.iter().sum::<f64>();
    let mut left: Vec<f64> = weights.iter().map(|weight| weight * share).collect();
    let entry = |chance: f64, alias: usize| (alias as u64) << 32 | u64::from(in_32_bits(chance));
    let mut table: Vec<u64> = (0..left.len()).map(|word| entry(1.0, word)).collect();
    let (mut small, mut large): (Vec<usize>, Vec<usize>) =
        (0..left.len()).partition(|&word| left[word] < 1.0);
    while let (Some(&donee), Some(&donor)) = (small.last(), large.last()) {
        small.pop();
        table[donee] = entry(left[donee], donor);
        left[donor] -= 1.0 - left[donee];
        if left[donor] < 1.0 {
            large.pop();
            small.push(donor);
        }
    }
    table
}

/// A chance from 0 to 1 as a share of 2^32.
pub(super) fn in_32_bits(chance: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let share = (chance * 4_294_967_295.0) as u32;
    share
}

/// The upper half of a random number.
#[inline]
pub(super) fn high(random: u64) -> u32 {
    (random >> 32) as u32
}

/// Draws from an alias table.
#[derive(Debug)]
pub(super) struct Draws {
    pub(super) lanes: [[u64; 8]; 2],
    pub(super) drawn: [u32; DRAWN],
    pub(super) at: usize,
}

impl Draws {
    pub(super) fn new(random: &mut SplitMix64) -> Self {
        // A generator that begins at 0 stays there.
        let lanes = [(); 2].map(|()| [(); 8].map(|()| random.next() | 1));
        Self { lanes, drawn: [0; DRAWN], at: DRAWN }
    }

    /// Draws `count` words that differ from each other and from the first of `words`, which stands there
    /// already; at most [`TOGETHER`], and fewer than the table has.
    #[inline]
    pub(super) fn differing(
        &mut self,
        kernels: &Kernels,
        table: &[u64],
        words: &mut [u32; OUTPUTS],
        count: usize,
    ) {
        for _ in 0..TRIES {
            if self.at + TOGETHER > DRAWN {
                kernels.fill(table, &mut self.lanes, &mut self.drawn);
                self.at = 0;
            }
            let drawn = &self.drawn[self.at..self.at + TOGETHER];
            for (i, (word, &drawn)) in words[1..].iter_mut().zip(drawn).enumerate() {
                // Places that are not asked for differ from every word.
                let none = u32::MAX - u32::try_from(i).unwrap_or(0);
                *word = if i < count { drawn } else { none };
            }
            self.at += count;
            if all_differ(words) {
                return;
            }
        }
        let mut next = words[1];
        for i in 1..=count {
            while words[..i].contains(&next) {
                next = (next + 1) % u32::try_from(table.len()).unwrap_or(u32::MAX);
            }
            words[i] = next;
        }
    }
}

/// Whether no two are equal; without branches, as they nearly never are.
#[inline]
fn all_differ(words: &[u32; OUTPUTS]) -> bool {
    let mut equal = false;
    // Rotated by up to half of its length, an array meets each pair.
    for by in 1..=OUTPUTS / 2 {
        for i in 0..OUTPUTS {
            equal |= words[i] == words[(i + by) % OUTPUTS];
        }
    }
    !equal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::kernel::Kind;

    #[test]
    fn words_are_drawn_by_the_power_of_their_counts_and_differ() {
        let counts = [1_000, 500, 100, 100, 30, 10, 1, 1, 1, 1, 1];
        let table = alias_table(&counts, 0.75);
        let total: f64 = counts.iter().map(|&count| (count as f64).powf(0.75)).sum();
        for kind in Kind::all() {
            let kernels = Kernels::new(kind, 4);
            let mut draws = Draws::new(&mut SplitMix64(3));
            let mut seen = [0_u32; 11];
            for _ in 0..100 {
                kernels.fill(&table, &mut draws.lanes, &mut draws.drawn);
                for word in draws.drawn {
                    seen[word as usize] += 1;
                }
            }
            for (word, count) in counts.into_iter().enumerate() {
                let expected = (count as f64).powf(0.75) / total * 51_200.0;
                let off = (f64::from(seen[word]) - expected).abs();
                assert!(off < 5.0 * expected.sqrt(), "{kind:?} {word}: {seen:?}");
            }
            for count in 1..=TOGETHER {
                let mut words = [0; OUTPUTS];
                draws.differing(&kernels, &table, &mut words, count);
                assert!(all_differ(&words) && words[0] == 0, "{words:?}");
            }
        }
    }

    #[test]
    fn different_words_are_found_however_few_there_are() {
        let table = alias_table(&[u64::MAX, 1, 1, 0], 1.0);
        let kernels = Kernels::new(Kind::Plain, 4);
        let mut words = [1; OUTPUTS];
        Draws::new(&mut SplitMix64(1)).differing(&kernels, &table, &mut words, 3);
        let mut four = words[..4].to_vec();
        four.sort_unstable();
        assert_eq!(four, [0, 1, 2, 3]);
    }
}
