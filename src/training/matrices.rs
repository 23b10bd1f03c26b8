//! `Matrices`: the vectors that word2vec's models change while they learn.

use super::rows::Rows;
use crate::error::Result;

pub(super) struct Matrices {
    /// A row a word, and behind them one a bucket of n-grams.
    pub(super) inputs: Rows,
    /// A row a word, or one an inner node of the tree.
    pub(super) outputs: Rows,
    /// A row of weights for each place of a window, from the farthest before the middle to the farthest
    /// behind it; none if places have no weights.
    pub(super) places: Rows,
}

impl Matrices {
    pub(super) fn all(&self) -> [&Rows; 3] {
        [&self.inputs, &self.outputs, &self.places]
    }

    pub(super) fn each_mut(&mut self) -> [&mut Rows; 3] {
        [&mut self.inputs, &mut self.outputs, &mut self.places]
    }

    /// Whether no value is NaN or infinite.
    pub(super) fn is_finite(&self) -> bool {
        self.all().iter().all(|rows| rows.is_finite())
    }

    pub(super) fn copy(&self) -> Result<Self> {
        let Self { inputs, outputs, places } = self;
        Ok(Self { inputs: inputs.copy()?, outputs: outputs.copy()?, places: places.copy()? })
    }
}
