//! `Best`: the score that the last row wanted has so far.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The best scores so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Best {
    rank: usize,
    last: i32,
    /// The best first, where few are wanted.
    scores: Vec<i32>,
    /// Where many are wanted: to find each one's place in order would take too long.
    heap: BinaryHeap<Reverse<i32>>,
}

/// So many scores are kept in order.
const ORDERED_MAX: usize = 64;

/// Less than any score.
pub(super) const NO_SCORE: i32 = i32::MIN / 2;

impl Best {
    pub(super) fn clear(&mut self, rank: usize) {
        self.rank = rank.max(1);
        self.last = NO_SCORE;
        self.scores.clear();
        self.heap.clear();
    }

    /// The last of as many as are wanted.
    #[inline]
    pub(super) fn last(&self) -> i32 {
        self.last
    }

    #[inline]
    pub(super) fn push(&mut self, score: i32) {
        if score <= self.last {
            return;
        }
        if self.rank > ORDERED_MAX {
            self.push_to_heap(score);
            return;
        }
        if self.scores.len() == self.rank {
            self.scores.pop();
        }
        let mut place = self.scores.len();
        self.scores.push(score);
        // Most belong near the end.
        while place > 0 && self.scores[place - 1] < score {
            self.scores[place] = self.scores[place - 1];
            place -= 1;
        }
        self.scores[place] = score;
        if self.scores.len() == self.rank {
            self.last = self.scores[self.rank - 1];
        }
    }

    fn push_to_heap(&mut self, score: i32) {
        if self.heap.len() == self.rank {
            self.heap.pop();
        }
        self.heap.push(Reverse(score));
        if self.heap.len() == self.rank {
            self.last = self.heap.peek().map_or(NO_SCORE, |&Reverse(last)| last);
        }
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        (self.scores.capacity() + self.heap.capacity()) * size_of::<i32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_score_wanted_is_known_however_many_are() {
        for rank in [1, 7, ORDERED_MAX, ORDERED_MAX + 1, 500] {
            let mut best = Best::default();
            best.clear(rank);
            let mut all = Vec::new();
            for i in 0..1_500_i32 {
                let score = i.wrapping_mul(1_103_515_245).wrapping_add(12_345) >> 18;
                best.push(score);
                all.push(score);
                all.sort_unstable_by(|a, b| b.cmp(a));
                assert_eq!(best.last(), all.get(rank - 1).copied().unwrap_or(NO_SCORE), "{rank}");
            }
        }
    }
}
