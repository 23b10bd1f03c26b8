//! The Huffman tree over words, by two queues over sorted counts (van Leeuwen 1976).
//!
//! A word's code leads from the root to its leaf: 1 goes to the left child, which is the more frequent
//! one, and 0 to the right. Hierarchical softmax (Morin and Bengio 2005, Mikolov et al. 2013) has a
//! vector at each inner node; the probability to go left is the sigmoid of its product with the
//! hidden vector.

use std::ops::Range;

use super::rows::prefetch;
use crate::error::{Error, Result};

/// The codes of all words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Huffman {
    /// Where each word's path ends in the two below.
    ends: Vec<u64>,
    /// The inner nodes of every path, from the root; 0 is the node that was made first, the root the
    /// last.
    nodes: Vec<u32>,
    /// Whether the path goes left there.
    lefts: Vec<bool>,
}

/// The way from the root to a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path<'a> {
    /// Inner nodes, the root first, by the numbers of the rows of the output matrix.
    pub nodes: &'a [u32],
    /// For each node, whether the path goes left, which is a 1 of the code.
    pub lefts: &'a [bool],
}

impl Path<'_> {
    /// The code as digits, such as `1101`.
    pub fn code(&self) -> String {
        self.lefts.iter().map(|&left| if left { '1' } else { '0' }).collect()
    }
}

impl Huffman {
    /// The tree of words that occur so often, sorted with the most frequent first: in time
    /// proportional to their number, and to the codes' lengths.
    ///
    /// # Errors
    ///
    /// If there are fewer than two words, if they are not sorted, or if the counts' sum is over 2^63.
    pub fn new(counts: &[u64]) -> Result<Self> {
        if counts.len() < 2 {
            return Err(Error::invalid("vocabulary", "a Huffman tree has at least two words"));
        }
        if !counts.is_sorted_by(|a, b| a >= b) {
            let problem = "a Huffman tree is built over words with the most frequent first";
            return Err(Error::invalid("vocabulary", problem));
        }
        let sum = counts.iter().try_fold(0_u64, |sum, &count| sum.checked_add(count));
        if sum.is_none_or(|sum| sum > 1 << 63) {
            return Err(Error::invalid("vocabulary", "the counts' sum is over 2^63"));
        }
        Ok(Self::of(&parents(counts), counts.len()))
    }

    /// Follows the parents of leaves and inner nodes, which are numbered behind the leaves.
    fn of(parents: &[Parent], words: usize) -> Self {
        let (mut ends, mut nodes, mut lefts) = (Vec::with_capacity(words), Vec::new(), Vec::new());
        let root = parents.len();
        for word in 0..words {
            let start = nodes.len();
            let mut at = word;
            while at < root {
                let Parent { node, is_left } = parents[at];
                nodes.push(node);
                lefts.push(is_left);
                at = words + node as usize;
            }
            nodes[start..].reverse();
            lefts[start..].reverse();
            ends.push(nodes.len() as u64);
        }
        Self { ends, nodes, lefts }
    }

    /// How many words there are; inner nodes are one fewer.
    pub fn words(&self) -> usize {
        self.ends.len()
    }

    /// The way to a word.
    ///
    /// # Panics
    ///
    /// If there is no word of this number.
    pub fn path(&self, word: usize) -> Path<'_> {
        let range = self.range(word);
        Path { nodes: &self.nodes[range.clone()], lefts: &self.lefts[range] }
    }

    /// Asks for a path that will be needed soon.
    #[inline]
    pub(super) fn prefetch(&self, word: usize) {
        let start = self.range(word).start;
        prefetch(self.nodes[start..].as_ptr());
        prefetch(self.lefts[start..].as_ptr());
    }

    fn range(&self, word: usize) -> Range<usize> {
        let end = |word: usize| usize::try_from(self.ends[word]).unwrap_or(usize::MAX);
        word.checked_sub(1).map_or(0, end)..end(word)
    }

    /// Bytes of memory it takes.
    pub fn memory_bytes(&self) -> usize {
        self.ends.len() * 8 + self.nodes.len() * 5
    }
}

#[derive(Clone, Copy, Default)]
struct Parent {
    node: u32,
    is_left: bool,
}

/// The parent of every leaf, and behind them of every inner node but the root.
fn parents(counts: &[u64]) -> Vec<Parent> {
    let words = counts.len();
    let mut parents = vec![Parent::default(); 2 * words - 2];
    // Leaves from the rarest on, and inner nodes in the order they are made: both ascend, so the two
    // smallest are always at the fronts. Of equals the inner node is taken, as word2vec does.
    let mut sums: Vec<u64> = Vec::with_capacity(words - 1);
    let (mut leaves, mut inner) = (words, 0);
    for node in 0..u32::try_from(words - 1).unwrap_or(u32::MAX) {
        let mut smallest = || {
            let leaf = leaves.checked_sub(1).map(|leaf| counts[leaf]);
            if let Some(count) = leaf
                && sums.get(inner).is_none_or(|&sum| count < sum)
            {
                leaves -= 1;
                (leaves, count)
            } else {
                inner += 1;
                (words + inner - 1, sums[inner - 1])
            }
        };
        let ((right, least), (left, less)) = (smallest(), smallest());
        parents[right] = Parent { node, is_left: false };
        parents[left] = Parent { node, is_left: true };
        sums.push(least + less);
    }
    parents
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::random::SplitMix64;

    fn codes(counts: &[u64]) -> Vec<String> {
        let tree = Huffman::new(counts).unwrap();
        (0..tree.words()).map(|word| tree.path(word).code()).collect()
    }

    /// The cheapest full binary tree over a set of leaves, by trying every split.
    fn cheapest(counts: &[u64], set: usize, known: &mut [Option<u64>]) -> u64 {
        if set.is_power_of_two() {
            return 0;
        }
        if let Some(cost) = known[set] {
            return cost;
        }
        let sum: u64 =
            counts.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, c)| c).sum();
        let mut best = u64::MAX;
        let mut part = (set - 1) & set;
        while part > 0 {
            let below = cheapest(counts, part, known) + cheapest(counts, set & !part, known);
            best = best.min(below + sum);
            part = (part - 1) & set;
        }
        known[set] = Some(best);
        best
    }

    #[test]
    fn the_tree_is_the_cheapest_and_no_code_begins_another() {
        let mut random = SplitMix64(1);
        for words in 2..=9 {
            for spread in [1, 3, 100] {
                let mut counts: Vec<u64> = (0..words).map(|_| 1 + random.below(spread)).collect();
                counts.sort_unstable_by(|a, b| b.cmp(a));
                let codes = codes(&counts);
                let cost: u64 = counts.iter().zip(&codes).map(|(c, k)| c * k.len() as u64).sum();
                assert_eq!(cost, cheapest(&counts, (1 << words) - 1, &mut vec![None; 1 << words]));
                assert!(codes.iter().is_sorted_by_key(String::len), "{counts:?} {codes:?}");
                for (i, code) in codes.iter().enumerate() {
                    let begins = |(j, other): (usize, &String)| j != i && other.starts_with(code);
                    assert!(!codes.iter().enumerate().any(begins), "{codes:?}");
                }
            }
        }
    }

    #[test]
    fn left_is_one_and_the_more_frequent_child() {
        assert_eq!(codes(&[9, 1]), ["1", "0"]);
        assert_eq!(codes(&[5, 2, 1, 1]), ["1", "01", "001", "000"]);
        // The digits of word2vec.c, which takes equals in the same order.
        let tree = Huffman::new(&[6, 5, 4, 3, 2, 1]).unwrap();
        assert_eq!(codes(&[6, 5, 4, 3, 2, 1]), ["11", "01", "00", "101", "1001", "1000"]);
        assert_eq!(tree.path(4).nodes, [4, 3, 1, 0]);
        assert!(Huffman::new(&[3]).is_err() && Huffman::new(&[1, 2]).is_err());
        assert!(Huffman::new(&[u64::MAX, 5]).is_err());
        let long: Vec<u64> = (0..60).rev().map(|power| 1 << power).collect();
        assert_eq!(Huffman::new(&long).unwrap().path(59).nodes.len(), 59);
    }
}
