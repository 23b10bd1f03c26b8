//! What is asked of a training of vectors.

use crate::engine::import::IfExists;
use crate::error::Result;
use crate::query::tokenize::Cutting;
use crate::table::meta::TableName;
use crate::training::corpus::Keep;
use crate::training::glove::GloveSettings;
use crate::training::phrases::Phrases;
use crate::training::settings::Settings;

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
}

/// How vectors are learned.
#[derive(Clone, Copy, Debug, PartialEq)]
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

    /// How often the text, or its counts, are read.
    pub(super) fn epochs(&self) -> usize {
        match self {
            Self::Words(settings) => settings.epochs,
            Self::Glove(settings) => settings.epochs,
        }
    }
}
