//! `TopK`: the best k of many, in a total order, so that every answer is deterministic.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::vector::RowId;

/// A row and how near it is; larger similarity is nearer.
///
/// Ordered by nearness: the nearer is the *lesser*, and of equals the lower row, so that a sorted
/// list has the nearest first.
#[derive(Clone, Copy, Debug)]
pub struct Near {
    /// Which row.
    pub row: RowId,
    /// Cosine similarity, from -1 to 1.
    pub similarity: f32,
}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> Ordering {
        other.similarity.total_cmp(&self.similarity).then(self.row.cmp(&other.row))
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Near {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Near {}

/// Keeps the k nearest of all rows that it is shown.
#[derive(Debug)]
pub struct TopK {
    k: usize,
    /// The farthest of those kept is on top.
    heap: BinaryHeap<Near>,
}

impl TopK {
    /// Keeps at most `k`.
    pub fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::new() }
    }

    /// Shows it a row.
    #[inline]
    pub fn push(&mut self, near: Near) {
        if self.heap.len() < self.k {
            self.heap.push(near);
        } else if let Some(mut farthest) = self.heap.peek_mut()
            && near < *farthest
        {
            *farthest = near;
        }
    }

    /// What a row's similarity must reach to be kept.
    #[inline]
    pub fn threshold(&self) -> f32 {
        match self.heap.peek() {
            Some(farthest) if self.heap.len() == self.k => farthest.similarity,
            Some(_) | None => f32::NEG_INFINITY,
        }
    }

    /// Those kept, nearest first.
    pub fn into_sorted(self) -> Vec<Near> {
        self.heap.into_sorted_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_keeps_what_sorting_everything_would(
            values in proptest::collection::vec(-3_i8..=3, 0..60),
            k in 0_usize..70,
        ) {
            let mut nears: Vec<Near> = values
                .iter()
                .zip(0..)
                .map(|(&value, row)| Near { row: RowId(row), similarity: f32::from(value) / 3.0 })
                .collect();
            let mut top = TopK::new(k);
            // Backward, so that ties arrive against the row order.
            for &near in nears.iter().rev() {
                let must_stay = near.similarity > top.threshold();
                top.push(near);
                prop_assert!(k == 0 || !must_stay || near.similarity >= top.threshold());
            }
            nears.sort_unstable();
            nears.truncate(k);
            prop_assert_eq!(top.into_sorted(), nears);
        }
    }
}
