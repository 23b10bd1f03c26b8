//! How large a network is, and what lies where in its matrices.

use serde::{Deserialize, Serialize};

use crate::vector::kernel::dense::{LANES, Line, lines};

/// Cases that are worked on together: those of a batch.
pub(super) const CASES: usize = 128;

/// What a network's layers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Words, with the special ones.
    pub words: usize,
    /// Words of an n-gram: a word is predicted from one fewer before it.
    pub order: usize,
    /// Components of a word's vector.
    pub dim: usize,
    /// Units of the hidden layer.
    pub hidden: usize,
    /// Whether vectors are also connected with the output, past the hidden layer.
    pub direct: bool,
}

impl Shape {
    /// Words before a predicted one.
    pub fn context(&self) -> usize {
        self.order - 1
    }

    /// Components of the projection layer: the context's vectors side by side.
    pub(super) fn input(&self) -> usize {
        self.context() * self.dim
    }

    /// Numbers of a row of the hidden layer's weights: the matrix W, then the bias p.
    pub(super) fn hidden_row(&self) -> usize {
        self.input() + 1
    }

    /// Numbers of a row of the output layer's weights: of direct connections, if there are any, the bias q, then
    /// the matrix U.
    pub(super) fn output_row(&self) -> usize {
        self.bias_at() + 1 + self.hidden
    }

    /// Where the bias stands in such a row.
    pub(super) fn bias_at(&self) -> usize {
        if self.direct { self.input() } else { 0 }
    }

    /// Rows of what a case has in all layers: projection, 1, hidden units.
    pub(super) fn case_rows(&self) -> usize {
        self.hidden_row() + self.hidden
    }

    /// The first of these rows that the output layer sees.
    pub(super) fn seen_from(&self) -> usize {
        self.input() - self.bias_at()
    }

    /// How many weights there are.
    pub fn weights(&self) -> usize {
        self.words * (self.dim + self.output_row()) + self.hidden * self.hidden_row()
    }
}

/// A matrix of zeros, whose rows are whole lines.
pub(super) fn zeros(rows: usize, columns: usize) -> Vec<Line> {
    vec![[0.0; LANES]; rows * lines(columns)]
}

/// Numbers of a row of so many columns, with what fills its last line.
pub(super) fn padded(columns: usize) -> usize {
    lines(columns) * LANES
}
