//! The network of Bengio et al. (2003): the words before have vectors, which stand side by side (projection), make
//! hidden units (tanh of `W x + p`), and these the logits of all words (`U z + q`), whose softmax is how likely
//! each is.
//!
//! Cases lie in lanes: a matrix has a row for each number of a layer and a column for each case, so that what is
//! done to one is done to sixteen at once.

use crate::error::Result;
use crate::lm::neural::shape::{CASES, Shape, padded, zeros};
use crate::lm::numbers::single;
use crate::lm::words::BEGIN;
use crate::steps::GoOn;
use crate::vector::kernel::dense::{self, Kind, LANES, Left, Line, lines};

/// Stands in a context where nothing is known: it adds nothing.
pub(super) const NOTHING: u32 = u32::MAX;
/// Words whose logits are made at once where they are not kept.
const BLOCK: usize = 256;

/// The weights of a network, wherever they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights<'w> {
    pub(super) shape: Shape,
    /// A vector for each word.
    pub(super) vectors: &'w [f32],
    /// For each hidden unit its weights, then its bias.
    pub(super) hidden: &'w [f32],
    /// For each word its direct connections, its bias, its weights.
    pub(super) output: &'w [f32],
}

/// What cases have in all layers.
pub(super) struct Cases {
    /// Rows of [`Shape::case_rows`], with a column for each case.
    pub(super) rows: Vec<Line>,
    /// Lines of a row.
    pub(super) width: usize,
    shape: Shape,
}

impl Cases {
    /// Room for so many.
    pub(super) fn new(shape: Shape, count: usize) -> Self {
        let width = lines(count);
        let mut rows = zeros(shape.case_rows(), count);
        let one = shape.input() * width;
        rows[one..one + width].fill([1.0; LANES]);
        Self { rows, width, shape }
    }

    /// Takes a word's vector as one of a case's context; zeros of what is not known.
    #[inline]
    pub(super) fn place(&mut self, case: usize, at: usize, vector: Option<&[f32]>) {
        let (dim, stride) = (self.shape.dim, self.width * LANES);
        let lanes = self.rows.as_flattened_mut().iter_mut().skip(at * dim * stride + case);
        let lanes = lanes.step_by(stride).take(dim);
        match vector {
            Some(vector) => lanes.zip(vector).for_each(|(lane, &value)| *lane = value),
            None => lanes.for_each(|lane| *lane = 0.0),
        }
    }

    /// What the output layer sees.
    pub(super) fn seen(&self) -> &[Line] {
        &self.rows[self.shape.seen_from() * self.width..]
    }

    /// The hidden units.
    pub(super) fn hidden_mut(&mut self) -> &mut [Line] {
        &mut self.rows[self.shape.hidden_row() * self.width..]
    }

    /// Makes hidden units by some rows of weights, from the unit `first` on.
    pub(super) fn add_hidden(&mut self, kind: Kind, first: usize, weights: &[f32]) {
        let row = self.shape.hidden_row();
        let (projection, hidden) = self.rows.split_at_mut(row * self.width);
        let left = Left { values: weights, rows: weights.len() / row, by_row: row, by_term: 1 };
        let hidden = &mut hidden[first * self.width..][..left.rows * self.width];
        hidden.fill([0.0; LANES]);
        dense::add_product(kind, left, projection, self.width, hidden);
        dense::tanh(kind, hidden);
    }
}

impl Weights<'_> {
    /// A word's vector; none of what is not known.
    fn vector(&self, word: u32) -> Option<&[f32]> {
        let from = (word as usize).checked_mul(self.shape.dim)?;
        self.vectors.get(from..from.checked_add(self.shape.dim)?)
    }

    fn cases(&self, kind: Kind, contexts: &[u32]) -> Cases {
        let contexts = contexts.chunks_exact(self.shape.context());
        let mut cases = Cases::new(self.shape, contexts.len());
        for (case, words) in contexts.enumerate() {
            for (at, &word) in words.iter().enumerate() {
                cases.place(case, at, self.vector(word));
            }
        }
        cases.add_hidden(kind, 0, self.hidden);
        cases
    }

    /// The logits of some words, given by their rows of the output layer.
    fn logits(&self, kind: Kind, rows: &[f32], cases: &Cases, logits: &mut Vec<Line>) {
        let row = self.shape.output_row();
        let left = Left { values: rows, rows: rows.len() / row, by_row: row, by_term: 1 };
        logits.clear();
        logits.resize(left.rows * cases.width, [0.0; LANES]);
        dense::add_product(kind, left, cases.seen(), cases.width, logits);
    }

    /// How likely words are behind their contexts, as natural logarithms, exactly: against all words. A context
    /// has its nearest word first.
    ///
    /// # Errors
    ///
    /// If `go_on` says so.
    pub(super) fn score(
        &self,
        kind: Kind,
        (contexts, words): (&[u32], &[u32]),
        logs: &mut Vec<f32>,
        go_on: GoOn<'_>,
    ) -> Result<()> {
        let (context, row) = (self.shape.context(), self.shape.output_row());
        let mut logits = Vec::new();
        for (contexts, words) in contexts.chunks(CASES * context).zip(words.chunks(CASES)) {
            let cases = self.cases(kind, contexts);
            let (width, stride) = (cases.width, cases.width * LANES);
            let mut sums = Sums::new(width);
            let mut block = Sums::new(width);
            let mut own = vec![0.0_f32; words.len()];
            for (first, rows) in (0..).step_by(BLOCK).zip(self.output.chunks(BLOCK * row)) {
                go_on()?;
                self.logits(kind, rows, &cases, &mut logits);
                let lanes = logits.as_flattened();
                for (case, (&word, own)) in words.iter().zip(&mut own).enumerate() {
                    let at = (word as usize).wrapping_sub(first);
                    if at < BLOCK {
                        *own = lanes.get(at * stride + case).copied().unwrap_or(f32::NAN);
                    }
                }
                let (most, powers) = (&mut block.most, &mut block.powers);
                dense::exponentials(kind, &mut logits, width, most, powers);
                sums.join(&block);
            }
            for (case, (&word, own)) in words.iter().zip(own).enumerate() {
                let log = own - sums.log(case);
                logs.push(if word == BEGIN { f32::NEG_INFINITY } else { log });
            }
        }
        Ok(())
    }

    /// How likely each word is behind one context, as natural logarithms.
    ///
    /// # Errors
    ///
    /// If `go_on` says so.
    pub(super) fn all(
        &self,
        kind: Kind,
        context: &[u32],
        logs: &mut Vec<f32>,
        go_on: GoOn<'_>,
    ) -> Result<()> {
        logs.clear();
        let cases = self.cases(kind, context);
        let mut logits = Vec::new();
        for rows in self.output.chunks(BLOCK * self.shape.output_row()) {
            go_on()?;
            self.logits(kind, rows, &cases, &mut logits);
            logs.extend(logits.iter().map(|line| line[0]));
        }
        let most = logs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = logs.iter().map(|&log| f64::from(log - most).exp()).sum();
        let norm = most + single(sum.ln());
        for log in logs.iter_mut() {
            *log -= norm;
        }
        if let Some(begin) = logs.get_mut(BEGIN as usize) {
            *begin = f32::NEG_INFINITY;
        }
        Ok(())
    }
}

/// Of each case, the sum of powers of its logits, relative to the most of them.
struct Sums {
    most: Vec<Line>,
    powers: Vec<Line>,
}

impl Sums {
    fn new(width: usize) -> Self {
        Self { most: vec![[f32::NEG_INFINITY; LANES]; width], powers: vec![[0.0; LANES]; width] }
    }

    fn join(&mut self, other: &Self) {
        let own = self.most.as_flattened_mut().iter_mut().zip(self.powers.as_flattened_mut());
        let others = other.most.as_flattened().iter().zip(other.powers.as_flattened());
        for ((most, powers), (&other, &others)) in own.zip(others) {
            let both = most.max(other);
            *powers = *powers * (*most - both).exp() + others * (other - both).exp();
            *most = both;
        }
    }

    /// The logarithm of the sum of a case's powers.
    fn log(&self, case: usize) -> f32 {
        self.most.as_flattened()[case] + self.powers.as_flattened()[case].ln()
    }
}

/// Numbers of a padded row that a matrix has for each case.
pub(super) fn row_of(matrix: &mut [Line], columns: usize, case: usize) -> &mut [f32] {
    let stride = padded(columns);
    &mut matrix.as_flattened_mut()[case * stride..][..columns]
}
