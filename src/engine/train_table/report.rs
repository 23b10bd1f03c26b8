//! What a training of vectors tells, on its way and at its end.

use crate::engine::import::ImportReport;
use crate::training::corpus::Totals;

/// How far a training is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainTableProgress {
    /// Of text.
    pub bytes_read: u64,
    /// What it does: reading, counting, learning, writing.
    pub phase: &'static str,
    /// Words that will have a vector; 0 while text is read.
    pub word_count: usize,
    /// While it learns.
    pub learning: Option<Learning>,
}

/// How far vectors are learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learning {
    /// The one that runs, from 1.
    pub epoch: usize,
    /// How many there are.
    pub epochs: usize,
    /// Read so far, of all epochs; of GloVe cells of the co-occurrences.
    pub tokens: u64,
    /// That will have been read at the end.
    pub tokens_total: u64,
    /// Since learning began.
    pub tokens_per_second: f64,
    /// The mean loss of a prediction, lately.
    pub loss: f64,
    /// The learning rate now.
    pub lr: f32,
}

impl Learning {
    /// How long it will go on at this rate, if that can be told.
    pub fn seconds_left(&self) -> Option<f64> {
        let left = self.tokens_total.saturating_sub(self.tokens) as f64;
        (self.tokens_per_second > 0.0).then(|| left / self.tokens_per_second)
    }
}

/// What came of a training.
#[derive(Clone, Debug)]
pub struct TrainTableReport {
    /// The table, and what became of its rows.
    pub import: ImportReport,
    /// What cut; empty for white space of ASCII.
    pub tokenizer: String,
    /// What was read, and what of it was left out.
    pub totals: Totals,
    /// Tokens that belong to words that have a vector.
    pub kept_tokens: u64,
    /// Places where the text was not UTF-8.
    pub repaired_count: u64,
    /// Different phrases that each pass has joined.
    pub phrase_counts: Vec<usize>,
    /// Words of the table that training began with which the text lacks.
    pub carried_count: usize,
    /// The mean loss of each epoch.
    pub losses: Vec<f64>,
    /// Bytes of memory that learning took.
    pub memory_bytes: u64,
    /// Time that reading took.
    pub read_seconds: f64,
    /// Time that learning took.
    pub learn_seconds: f64,
    /// Tokens of all epochs, or cells of GloVe, a second of learning.
    pub tokens_per_second: f64,
}
