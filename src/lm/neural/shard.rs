//! The weights that one thread changes: those of every so many-th word, and of some hidden units.

use crate::lm::neural::shape::Shape;
use crate::vector::kernel::dense::{self, Kind, Rate};

/// What the sums of squares begin with.
const SQUARES: f32 = 1e-8;

/// Weights, and the sums of the squares of their gradients.
pub(super) struct Weight {
    pub(super) values: Vec<f32>,
    pub(super) squares: Vec<f32>,
}

impl Weight {
    pub(super) fn new(values: Vec<f32>) -> Self {
        let squares = vec![SQUARES; values.len()];
        Self { values, squares }
    }

    /// Changes some of them.
    pub(super) fn change(&mut self, kind: Kind, from: usize, gradients: &[f32], rate: Rate) {
        let range = from..from + gradients.len();
        let values = &mut self.values[range.clone()];
        dense::adagrad(kind, values, &mut self.squares[range], gradients, rate);
    }
}

/// See above.
pub(super) struct Shard {
    pub(super) vectors: Weight,
    pub(super) output: Weight,
    pub(super) hidden: Weight,
    /// The first of its hidden units.
    pub(super) first_hidden: usize,
}

impl Shard {
    /// The vector of a word that it has, among so many shards.
    #[inline]
    pub(super) fn vector(&self, word: u32, shape: Shape, shards: usize) -> &[f32] {
        &self.vectors.values[word as usize / shards * shape.dim..][..shape.dim]
    }
}
