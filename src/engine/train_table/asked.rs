//! What is asked of a training of vectors.

use serde::{Deserialize, Serialize};

use crate::engine::import::IfExists;
use crate::error::{Error, ErrorKind, Result, Violation};
use crate::limits;
use crate::query::tokenize::Cutting;
use crate::table::meta::TableName;
use crate::training::corpus::Keep;
use crate::training::glove::GloveSettings;
use crate::training::phrases::Phrases;
use crate::training::settings::{Loss, Settings};

/// A table to be trained.
#[derive(Clone, Debug)]
pub struct TrainTableJob {
    /// The new table.
    pub table: TableName,
    /// For a table that is there already.
    pub if_exists: IfExists,
    /// A name for the text, kept as provenance.
    pub source_name: String,
    /// Seconds since 1970-01-01 UTC, kept as provenance.
    pub trained_at: u64,
    /// How vectors are learned.
    pub method: Method,
    /// Which words have vectors.
    pub keep: Keep,
    /// Whether words become phrases first.
    pub phrases: Option<PhrasePasses>,
    /// How lines are cut; none: at white space of ASCII.
    pub cutting: Option<Cutting>,
    /// Whose vectors words begin with.
    pub from: Option<Continue>,
    /// A second table, for the output vectors of the same words.
    pub outputs: Option<TableName>,
    /// What is done while it learns.
    pub along: Along,
    /// The byte at which the arriving text begins, if it is kept as it arrives.
    pub resume_offset: Option<u64>,
}

/// What is done while vectors are learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Along {
    /// Seconds between two checkpoints; 0 for none.
    pub checkpoint_seconds: f64,
    /// Words whose neighbors are shown, `TRAIN_PROBES_MAX` at most.
    pub probes: Vec<String>,
    /// Stored test sets that are asked, `TRAIN_TEST_SETS_MAX` at most.
    pub test_sets: Vec<TableName>,
    /// Seconds between two times that they are, above 0.
    pub evaluate_seconds: f64,
}

impl Default for Along {
    fn default() -> Self {
        let (probes, test_sets) = (Vec::new(), Vec::new());
        Self { checkpoint_seconds: 60.0, probes, test_sets, evaluate_seconds: 300.0 }
    }
}

impl Along {
    /// # Errors
    ///
    /// With everything of it that is out of its bounds.
    pub(super) fn check(&self) -> Result<()> {
        let mut violations = Vec::new();
        let mut deny = |is_wrong: bool, field: &str, problem: String| {
            if is_wrong {
                violations.push(Violation { field: field.to_owned(), problem });
            }
        };
        let seconds = self.checkpoint_seconds;
        let is_time = (0.0..=SECONDS_MAX).contains(&seconds);
        deny(!is_time, "checkpoint_seconds", format!("from 0 to {SECONDS_MAX}; {seconds} is not"));
        let seconds = self.evaluate_seconds;
        let is_time = seconds > 0.0 && seconds <= SECONDS_MAX;
        let problem = format!("above 0, and {SECONDS_MAX} at most; {seconds} is not");
        deny(!is_time, "evaluate_seconds", problem);
        for (field, max, got) in [
            ("probes", limits::TRAIN_PROBES_MAX, self.probes.len()),
            ("test_sets", limits::TRAIN_TEST_SETS_MAX, self.test_sets.len()),
        ] {
            deny(got > max, field, format!("at most {max}; {got} are more"));
        }
        let longest = self.probes.iter().map(String::len).max().unwrap_or(0);
        let max = limits::WORD_BYTES_MAX;
        deny(
            longest > max,
            "probes",
            format!("a word has {max} bytes at most; {longest} are more"),
        );
        if violations.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidArgument { violations }))
    }
}

/// A year: what is longer is a mistake.
const SECONDS_MAX: f64 = 31_536_000.0;

/// How vectors are learned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Method {
    /// By a model of word2vec.
    Words(Settings),
    /// By GloVe.
    Glove(GloveSettings),
}

/// How words become phrases.
#[derive(Clone, Debug, PartialEq)]
pub struct PhrasePasses {
    /// How often that is done, 1 to `TRAIN_PHRASE_PASSES_MAX`.
    pub passes: usize,
    /// Which pairs; the bytes for them are chosen by the engine.
    pub phrases: Phrases,
}

/// A table whose vectors words begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continue {
    /// The table.
    pub table: TableName,
    /// Whether its words keep their vectors.
    pub is_frozen: bool,
}

impl Method {
    /// Components of a vector.
    pub fn dim(&self) -> usize {
        match self {
            Self::Words(settings) => settings.dim,
            Self::Glove(settings) => settings.dim,
        }
    }

    pub(super) fn check(&self, words: usize) -> Result<()> {
        match self {
            Self::Words(settings) => settings.check(words),
            Self::Glove(settings) => settings.check(words),
        }
    }

    /// Refuses to keep outputs that are no words'.
    pub(super) fn check_outputs(&self) -> Result<()> {
        match self {
            Self::Words(Settings { loss: Loss::Hierarchical, .. }) => {
                let problem =
                    "the outputs of hierarchical softmax belong to nodes of a tree, not to words";
                Err(Error::invalid("outputs_table", problem))
            }
            Self::Words(_) | Self::Glove(_) => Ok(()),
        }
    }

    /// How often the text, or its counts, are read.
    pub(super) fn epochs(&self) -> usize {
        match self {
            Self::Words(settings) => settings.epochs,
            Self::Glove(settings) => settings.epochs,
        }
    }
}
