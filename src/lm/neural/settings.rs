//! What a network is told before it learns, and its bounds.

use crate::error::{Error, Result};
use crate::limits;
use crate::lm::count::ORDER_MAX;
use crate::lm::neural::shape::{CASES, Shape};
use crate::vector::kernel::dense::{LANES, lines};

/// Words up to which the network compares a word with all others while it learns.
pub const WHOLE_MAX: usize = 20_000;
/// Words of noise that a batch shares beyond.
pub const NOISE: usize = 1_024;

/// How a network learns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Words of an n-gram, from 2 on: a word is predicted from one fewer before it.
    pub order: usize,
    /// Components of a word's vector.
    pub dim: usize,
    /// Units of the hidden layer.
    pub hidden: usize,
    /// Whether vectors are also connected with the output, past the hidden layer.
    pub direct: bool,
    /// Words of noise that a batch shares (sampled softmax); none: all words are compared up to
    /// [`WHOLE_MAX`], and [`NOISE`] of them beyond.
    pub samples: Option<usize>,
    /// The most epochs.
    pub epochs: usize,
    /// The learning rate at first; it falls to nothing with the last epoch.
    pub rate: f64,
    /// The share of a weight that is added to its gradient.
    pub decay: f64,
    /// The share of hidden units that are left out of each case while it learns.
    pub dropout: f64,
    /// Where random numbers begin. The same seed, threads and processor make the same bytes.
    pub seed: u64,
    /// Threads.
    pub threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            order: 5,
            dim: 100,
            hidden: 200,
            direct: false,
            samples: None,
            epochs: 5,
            rate: 0.05,
            decay: 1e-4,
            dropout: 0.3,
            seed: 1,
            threads: 1,
        }
    }
}

impl Settings {
    /// Refuses numbers that make no sense.
    ///
    /// # Errors
    ///
    /// The first that is out of its range.
    pub fn check(&self) -> Result<()> {
        let counts = [
            ("order", self.order, 2, ORDER_MAX),
            ("dim", self.dim, 1, limits::LM_NEURAL_DIM_MAX),
            ("hidden", self.hidden, 1, limits::LM_NEURAL_HIDDEN_MAX),
            ("samples", self.samples.unwrap_or(1), 1, limits::LM_NEURAL_SAMPLES_MAX),
            ("epochs", self.epochs, 1, limits::LM_NEURAL_EPOCHS_MAX),
            ("threads", self.threads, 1, limits::TRAIN_THREADS_MAX),
        ];
        for (field, got, least, most) in counts {
            if !(least..=most).contains(&got) {
                let problem = format!("from {least} to {most}; {got} is not");
                return Err(Error::invalid(field, problem));
            }
        }
        let shares = [
            ("rate", self.rate, 1e-6, 10.0),
            ("decay", self.decay, 0.0, 1.0),
            ("dropout", self.dropout, 0.0, 0.9),
        ];
        for (field, got, least, most) in shares {
            if !(least..=most).contains(&got) {
                let problem = format!("from {least} to {most}; {got} is not");
                return Err(Error::invalid(field, problem));
            }
        }
        Ok(())
    }

    /// Words of noise that a batch shares where there are so many words; none if all are compared.
    pub fn noise(&self, words: usize) -> Option<usize> {
        self.samples.or_else(|| (words > WHOLE_MAX).then_some(NOISE))
    }

    /// The layers, for so many words.
    pub fn shape(&self, words: usize) -> Shape {
        let Self { order, dim, hidden, direct, .. } = *self;
        Shape { words, order, dim, hidden, direct }
    }

    /// Bytes of memory that learning takes, beside the text.
    pub fn memory_bytes(&self, words: usize) -> u64 {
        let shape = self.shape(words);
        let cases = lines(CASES.div_ceil(self.threads)) * LANES * self.threads;
        let candidates = self.noise(words).map_or(words, |noise| (noise + CASES).min(words));
        // Weights and the squares of their gradients, the weights that are judged, and those that did best.
        let weights = 4 * shape.weights();
        let logits = candidates * cases;
        let gathered = candidates * shape.output_row() * self.threads;
        let layers = 6 * cases * (shape.case_rows() + 2 * LANES);
        let floats = [weights, logits, gathered, layers].map(|count| count as u64);
        let marks = 16 * words as u64;
        floats.iter().sum::<u64>() * 4 + marks + (1 << 20)
    }
}
