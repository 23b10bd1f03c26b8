//! What a training of vectors tells, on its way and at its end.

use std::sync::Arc;

use crate::engine::import::ImportReport;
use crate::table::meta::TableName;
use crate::training::corpus::Totals;

/// How far a training is.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainTableProgress {
    /// Of text.
    pub bytes_read: u64,
    /// What it does: reading, counting, learning, writing.
    pub phase: &'static str,
    /// Words that will have a vector; 0 while text is read.
    pub word_count: usize,
    /// While it learns.
    pub learning: Option<Arc<Learning>>,
}

/// How far vectors are learned.
#[derive(Clone, Debug, PartialEq)]
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
    /// The last checkpoint, if there was one or should have been.
    pub checkpoint: Option<CheckpointTold>,
    /// The words whose neighbors are shown.
    pub probes: Vec<Probe>,
    /// What each test set said last.
    pub evaluations: Vec<Evaluation>,
}

/// The last checkpoint of a training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckpointTold {
    /// How many were written.
    pub count: u64,
    /// Bytes of the last one's vectors.
    pub bytes: u64,
    /// Tokens that were read when it was written, of all epochs; of GloVe cells.
    pub tokens: u64,
    /// Time that it took.
    pub seconds: f64,
    /// Why the next one could not be written, if so.
    pub problem: Option<String>,
}

/// A word whose neighbors are shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The word.
    pub word: String,
    /// Whether it has a vector.
    pub is_known: bool,
    /// Tokens that were read when it was looked at, of all epochs; of GloVe cells.
    pub tokens: u64,
    /// The words that were nearest, with their cosine similarity.
    pub neighbors: Vec<(String, f32)>,
}

/// What a test set said.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Its name.
    pub test_set: String,
    /// Tokens that were read when it was asked, of all epochs; of GloVe cells.
    pub tokens: u64,
    /// Its figures by their names; none if one is not defined.
    pub figures: Vec<(String, Option<f64>)>,
    /// Why it could not be asked; empty if it was.
    pub problem: String,
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
    /// The table of the output vectors, if they were kept.
    pub outputs: Option<(TableName, ImportReport)>,
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
    /// The epoch in which its caller had enough, if so.
    pub ended_in_epoch: Option<usize>,
    /// Whether it went on from a checkpoint.
    pub is_resumed: bool,
    /// What test sets said on the way, and at the end.
    pub evaluations: Vec<Evaluation>,
}
