//! A thread changes its weights by what all cases of a batch say.

use std::ops::Deref;

use crate::lm::neural::batch::Batch;
use crate::lm::neural::part::Part;
use crate::lm::neural::shape::{Shape, padded};
use crate::lm::neural::shard::Shard;
use crate::vector::kernel::dense::{self, Kind, LANES, Left, Line, Rate, lines};

/// Rows of weights whose gradients are made at once.
const BLOCK: usize = 256;

impl Shard {
    /// Changes its weights by what all parts of a batch say, in their order.
    pub(super) fn learn(
        &mut self,
        (shape, kind, rate): (Shape, Kind, Rate),
        batch: &Batch,
        (own, shards): (usize, usize),
        parts: &[impl Deref<Target = Part>],
        scratch: &mut Vec<Line>,
    ) {
        let (row, hidden_row) = (shape.output_row(), shape.hidden_row());
        let parts_with_cases = || parts.iter().filter(|part| part.count > 0);
        let candidates = batch.of_shard(own);
        for first in candidates.clone().step_by(BLOCK) {
            let rows = (candidates.end - first).min(BLOCK);
            fresh(scratch, rows * lines(row));
            for part in parts_with_cases() {
                let values = &part.logits.as_flattened()[first * part.stride()..];
                let left = Left { values, rows, by_row: part.stride(), by_term: 1 };
                let seen = &part.seen[..part.count * lines(row)];
                dense::add_product(kind, left, seen, lines(row), scratch);
            }
            let gradients = scratch.as_flattened().chunks_exact(padded(row));
            for (word, gradients) in batch.candidates[first..].iter().zip(gradients) {
                let at = *word as usize / shards * row;
                let (direct, rest) = gradients[..row].split_at(shape.bias_at());
                let (bias, weights) = rest.split_at(1);
                self.output.change(kind, at, direct, rate);
                // A bias is not drawn toward 0.
                let free = Rate { decay: 0.0, ..rate };
                self.output.change(kind, at + direct.len(), bias, free);
                self.output.change(kind, at + direct.len() + 1, weights, rate);
            }
        }
        let rows = self.hidden.values.len() / hidden_row;
        fresh(scratch, rows * lines(hidden_row));
        for part in parts_with_cases().filter(|_| rows > 0) {
            let values = part.hidden_gradients(self.first_hidden).as_flattened();
            let left = Left { values, rows, by_row: part.stride(), by_term: 1 };
            let projection = &part.projection[..part.count * lines(hidden_row)];
            dense::add_product(kind, left, projection, lines(hidden_row), scratch);
        }
        let gradients = scratch.as_flattened().chunks_exact(padded(hidden_row));
        for (unit, gradients) in gradients.enumerate() {
            self.hidden.change(kind, unit * hidden_row, &gradients[..hidden_row], rate);
        }
        let cases =
            parts.iter().flat_map(|part| part.vectors.chunks_exact(shape.input()).take(part.count));
        for (words, gradients) in batch.contexts.chunks_exact(shape.context()).zip(cases) {
            for (&word, gradients) in words.iter().zip(gradients.chunks_exact(shape.dim)) {
                if word as usize % shards == own {
                    self.vectors.change(kind, word as usize / shards * shape.dim, gradients, rate);
                }
            }
        }
    }
}

fn fresh(scratch: &mut Vec<Line>, len: usize) {
    scratch.clear();
    scratch.resize(len, [0.0; LANES]);
}
