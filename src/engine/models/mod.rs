//! Language models on their shelf: listed, opened when first used, replaced atomically, deleted.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `make.rs` | models made of text and of ARPA files, and smoothings compared |
//! | `neural.rs` | neural models made of text |
//! | `network.rs` | what is asked of that, and what it tells |
//! | `ask.rs` | the questions |
//! | `choose.rs` | candidates ranked, odd words, and how surprising words are |

mod ask;
mod choose;
mod make;
mod network;
mod neural;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::engine::{Engine, Pace};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::lm::Model;
use crate::store::backup::{BackupList, Target};
use crate::store::{ModelHead, StagedModel};
use crate::table::meta::TableName;
use crate::text::tokenizer::Tokenizer;

pub use ask::{
    Asked, GenerateQuery, Generated, MixQuery, Mixed, Next, NextAnswer, NextQuery, PerplexityQuery,
    ScoreQuery, ScoredSentence, ScoredToken, Scores,
};
pub use choose::{Candidate, OddQuery, OddSentence, OddWord, RankQuery, Ranked};
pub use make::{
    CompareJob, Compared, ExportedTo, ImportModelJob, MadeModel, ModelProgress, TrainModelJob,
    TrainedModel,
};
pub use network::{LearnedNetwork, NeuralJob};

/// How often a question that waits for a model to be opened looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(50);

/// Models that are open.
#[derive(Debug, Default)]
pub(super) struct Models {
    open: Mutex<Open>,
    /// Held while a model takes its place or is deleted, which is short; how often that was.
    changing: Mutex<u64>,
    /// One for each model that is being opened, which may take long: whoever comes second waits for the first.
    opening: Mutex<BTreeMap<TableName, Arc<Mutex<()>>>>,
}

/// Models that are open, at most [`limits::LM_OPEN_MAX`]: each has a file, and address space for it. Questions keep those
/// that they began with.
#[derive(Debug, Default)]
struct Open {
    /// With when each was asked for last.
    models: BTreeMap<TableName, (Arc<OpenModel>, u64)>,
    asked: u64,
}

impl Open {
    fn get(&mut self, name: &TableName) -> Option<Arc<OpenModel>> {
        self.asked += 1;
        let (model, asked) = self.models.get_mut(name)?;
        *asked = self.asked;
        Some(Arc::clone(model))
    }

    /// Takes one in, in place of the one that nobody has asked for the longest.
    fn insert(&mut self, name: &TableName, model: &Arc<OpenModel>) {
        self.asked += 1;
        self.models.insert(name.clone(), (Arc::clone(model), self.asked));
        if self.models.len() > limits::LM_OPEN_MAX {
            let oldest = self.models.iter().min_by_key(|(_, (_, asked))| *asked);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                self.models.remove(&name);
            }
        }
    }
}

/// A model that answers.
#[derive(Debug)]
pub(super) struct OpenModel {
    head: ModelHead,
    model: Model,
}

/// What is known of a stored model.
#[derive(Clone, Debug)]
pub struct ModelStatus {
    /// Its name.
    pub name: TableName,
    /// Bytes of its file.
    pub bytes: u64,
    /// What it says of itself; or why it cannot be used.
    pub head: Result<ModelHead, ErrorKind>,
}

impl Engine {
    /// All stored models, by name.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn models(&self) -> Result<Vec<ModelStatus>> {
        let names = self.shared.store.models()?.into_iter();
        let status = |(name, bytes): (TableName, u64)| {
            let head = self.shared.store.model_head(&name).map_err(|error| error.kind().clone());
            // One that was deleted meanwhile is none any more.
            Some(ModelStatus { head: head.transpose()?, name, bytes })
        };
        Ok(names.filter_map(status).collect())
    }

    /// What is known of a stored model.
    ///
    /// # Errors
    ///
    /// If there is none of that name, or if the disk fails.
    pub fn model(&self, name: &TableName) -> Result<ModelStatus> {
        let stored = self.shared.store.models()?.into_iter().find(|(there, _)| there == name);
        let (_, bytes) = stored.ok_or_else(|| not_found(name))?;
        let head = self.shared.store.model_head(name).map_err(|error| error.kind().clone());
        let head = head.transpose().ok_or_else(|| not_found(name))?;
        Ok(ModelStatus { name: name.clone(), bytes, head })
    }

    /// Deletes a model. Questions that have begun are still answered.
    ///
    /// # Errors
    ///
    /// If there is none of that name, or if the disk fails.
    pub fn delete_model(&self, name: &TableName) -> Result<()> {
        let models = &self.shared.models;
        let mut changes = models.changing.lock();
        *changes += 1;
        let was_there = self.shared.store.delete_model(name)?;
        models.open.lock().models.remove(name);
        if was_there { Ok(()) } else { Err(not_found(name)) }
    }

    /// Whether a model may be stored under a name.
    ///
    /// # Errors
    ///
    /// If the name is taken and nothing may be replaced, or if there are too many models.
    pub fn check_new_model(&self, name: &TableName, replace: bool) -> Result<()> {
        let names = self.shared.store.models()?;
        name.check_case(names.iter().map(|(name, _)| name))?;
        let is_there = names.iter().any(|(there, _)| there == name);
        if is_there && !replace {
            return Err(Error::new(ErrorKind::ModelExists { name: name.to_string() }));
        }
        if !is_there && names.len() >= limits::MODELS_MAX {
            let (limit, max) = ("MODELS_MAX", limits::MODELS_MAX as u64);
            return Err(Error::new(ErrorKind::TooLarge { limit, max, got: max + 1 }));
        }
        Ok(())
    }

    /// Puts a model that is written on its shelf.
    ///
    /// # Errors
    ///
    /// If the name was taken or its tokenizer deleted meanwhile, if it is stopped, or if the disk fails: then
    /// nothing has changed.
    fn publish_model(
        &self,
        (name, replace): (&TableName, bool),
        (tokenizer, digest): (&str, &str),
        staged: StagedModel,
    ) -> Result<()> {
        let shared = &self.shared;
        let _tokenizers = shared.shelf.changing();
        let mut changes = shared.models.changing.lock();
        self.go_on()?;
        self.check_new_model(name, replace)?;
        if !tokenizer.is_empty() {
            self.check_tokenizer(tokenizer)?;
            // It may have been replaced while the model was made.
            self.check_same_tokenizer((tokenizer, digest))?;
        }
        *changes += 1;
        staged.publish()?;
        shared.models.open.lock().models.remove(name);
        Ok(())
    }

    /// Refuses another tokenizer than the one of this name that a model was made with, where that is known.
    pub(super) fn check_same_tokenizer(&self, (name, digest): (&str, &str)) -> Result<()> {
        if digest.is_empty() || self.tokenizer_digest(name)? == digest {
            return Ok(());
        }
        let because = format!(
            "the tokenizer {name} is another than the one it was made with: make the model anew, or store the other one again"
        );
        Err(Error::new(ErrorKind::Unsuited { operation: "cutting texts", because }))
    }

    /// The models whose texts a tokenizer cuts. A damaged one needs nothing.
    pub(super) fn models_of_tokenizer(&self, tokenizer: &TableName) -> Result<Vec<TableName>> {
        let store = &self.shared.store;
        let needs = |name: &TableName| {
            let head = store.model_head(name).ok().flatten();
            head.is_some_and(|head| head.tokenizer == tokenizer.as_str())
        };
        Ok(store.models()?.into_iter().map(|(name, _)| name).filter(needs).collect())
    }

    /// Brings a model of a backup back, in place of one of its name only if `replace`.
    pub(super) fn restore_model(
        &self,
        from: (&dyn Target, &BackupList),
        name: &TableName,
        replace: bool,
    ) -> Result<()> {
        self.check_new_model(name, replace)?;
        let staged = self.shared.store.restore_model(from, name, &|| self.go_on())?;
        // What is no model takes the place of none.
        staged.open()?;
        // Its tokenizer may have been left out of the backup: then its questions say so.
        self.publish_model((name, replace), ("", ""), staged)
    }

    /// A model that is open, or is opened.
    pub(super) fn open_model(&self, name: &TableName) -> Result<Arc<OpenModel>> {
        let models = &self.shared.models;
        let already = || models.open.lock().get(name);
        if let Some(open) = already() {
            return Ok(open);
        }
        let own = Arc::clone(models.opening.lock().entry(name.clone()).or_default());
        let _opening = loop {
            if let Some(opening) = own.try_lock_for(LOOK) {
                break opening;
            }
            self.go_on()?;
        };
        // Whoever held it before may have opened the model.
        if let Some(open) = already() {
            return Ok(open);
        }
        let opened = self.read_model(name);
        models.opening.lock().remove(name);
        opened
    }

    fn read_model(&self, name: &TableName) -> Result<Arc<OpenModel>> {
        let models = &self.shared.models;
        loop {
            self.go_on()?;
            let before = *models.changing.lock();
            let (head, model) = self.shared.store.model(name)?.ok_or_else(|| not_found(name))?;
            let changes = models.changing.lock();
            // Else what was read may have been replaced since.
            if *changes == before {
                let open = Arc::new(OpenModel { head, model });
                models.open.lock().insert(name, &open);
                return Ok(open);
            }
        }
    }

    /// How long a question to a model takes.
    pub fn pace_of_model(&self, name: &TableName) -> Pace {
        if self.shared.models.open.lock().models.contains_key(name) {
            Pace::Slow
        } else {
            Pace::Unread
        }
    }

    /// What cuts the texts of a model; none: spaces and tabs.
    pub(super) fn tokenizer_of_model(&self, name: &str) -> Result<Option<Tokenizer>> {
        if name.is_empty() {
            return Ok(None);
        }
        let (_, tokenizer) = self.tokenizer(name, None)?;
        if tokenizer.needs_table() {
            let problem = "it cuts by the words of a table, and a language model has none";
            return Err(Error::invalid("tokenizer", problem));
        }
        Ok(Some(tokenizer))
    }
}

fn not_found(name: &TableName) -> Error {
    Error::new(ErrorKind::ModelNotFound { name: name.to_string() })
}

/// A text in the words of a model.
pub(super) fn cut(tokenizer: Option<&Tokenizer>, line: &str) -> Result<Vec<Vec<u8>>> {
    let mut words: Vec<Vec<u8>> = Vec::new();
    each_word(tokenizer, line, &mut |_, word| words.push(word.to_vec()))?;
    Ok(words)
}

/// Hands out the words of a text, and where each stands in bytes.
pub(super) fn each_word(
    tokenizer: Option<&Tokenizer>,
    line: &str,
    take: &mut dyn FnMut(Range<usize>, &[u8]),
) -> Result<()> {
    let Some(tokenizer) = tokenizer else {
        for word in crate::lm::plain(line.as_bytes()) {
            let from = word.as_ptr().addr() - line.as_ptr().addr();
            take(from..from + word.len(), word);
        }
        return Ok(());
    };
    let options = crate::text::tokenizer::CutOptions { bare: true, ..Default::default() };
    tokenizer.each(line, &options, None, &mut |id, bytes, is_special| {
        if is_special {
            return;
        }
        // As a table of the tokenizer's tokens has them.
        let own = id.filter(|_| !tokenizer.is_of_words()).and_then(|id| tokenizer.token(id));
        let spelling = || tokenizer.spelling_of(id, &bytes, line).into_owned().into_bytes();
        take(bytes.clone(), &own.unwrap_or_else(spelling));
    })
}
