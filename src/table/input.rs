//! `InputTables`: what a transformer adds to a token's vector before its first layer.

use std::sync::Arc;

use crate::error::ErrorKind;
use crate::vector::RowId;
use crate::vector::matrix::Matrix;

/// The tables of a checkpoint beside that of its tokens: BERT's input is a token's row, a position's
/// and a segment's, added up, then brought through a layer norm. Every value is finite, and every row
/// has the dimension of the token table.
#[derive(Clone, Debug, PartialEq)]
pub struct InputTables {
    /// A row for each position of a text; none if the model adds none.
    pub positions: Option<Matrix>,
    /// The position of a text's first token: `RoBERTa`'s first rows stand for padding.
    pub first_position: usize,
    /// A row for the first text, and one for the second; none if the model adds none.
    pub segments: Option<Matrix>,
    /// What comes behind the sum, if anything does.
    pub norm: Option<LayerNorm>,
}

/// Layer normalization (Ba, Kiros and Hinton 2016).
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNorm {
    /// Multiplies each component.
    pub weight: Vec<f32>,
    /// Is added to each component then.
    pub bias: Vec<f32>,
    /// Is added to the variance.
    pub eps: f64,
}

/// What a table has of them: none, or why they cannot be read.
pub type Inputs = Option<Result<Arc<InputTables>, ErrorKind>>;

impl InputTables {
    /// Tokens of the longest text; none if there is no longest.
    pub fn length_max(&self) -> Option<usize> {
        Some(self.positions.as_ref()?.len().saturating_sub(self.first_position))
    }

    /// How many segments are told apart.
    pub fn segment_count(&self) -> usize {
        self.segments.as_ref().map_or(0, Matrix::len)
    }

    /// The input that a token's row makes at a place, counted from 0, of a text. Segments behind the
    /// last one are as the last one: `RoBERTa` has one for both texts.
    ///
    /// # Panics
    ///
    /// If the place is not before `length_max`.
    pub fn input(&self, row: &[f32], place: usize, segment: usize) -> Vec<f64> {
        let mut input: Vec<f64> = row.iter().copied().map(f64::from).collect();
        if let Some(positions) = &self.positions {
            add(&mut input, positions, self.first_position + place);
        }
        if let Some(segments) = &self.segments {
            add(&mut input, segments, segment.min(segments.len() - 1));
        }
        if let Some(norm) = &self.norm {
            norm.apply(&mut input);
        }
        input
    }

    /// Bytes of memory it takes.
    pub fn memory_bytes(&self) -> usize {
        let matrix = |matrix: &Option<Matrix>| matrix.as_ref().map_or(0, Matrix::memory_bytes);
        let norm = self.norm.as_ref().map_or(0, |norm| 2 * size_of_val(&norm.weight[..]));
        matrix(&self.positions) + matrix(&self.segments) + norm
    }
}

fn add(sum: &mut [f64], matrix: &Matrix, row: usize) {
    let row = RowId::try_from(row).expect("tables have fewer rows than rows have numbers");
    sum.iter_mut().zip(matrix.row(row)).for_each(|(sum, &value)| *sum += f64::from(value));
}

impl LayerNorm {
    fn apply(&self, values: &mut [f64]) {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        let deviation = (variance + self.eps).sqrt();
        for ((value, &weight), &bias) in values.iter_mut().zip(&self.weight).zip(&self.bias) {
            *value = (*value - mean) / deviation * f64::from(weight) + f64::from(bias);
        }
    }
}
