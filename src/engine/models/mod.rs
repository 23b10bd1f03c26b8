//! Language models on their shelf: listed, opened when first used, replaced atomically, deleted.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `make.rs` | models made of text and of ARPA files, and smoothings compared |
//! | `ask.rs` | the questions |

mod ask;
mod make;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::lm::Model;
use crate::store::ModelHead;
use crate::store::backup::{BackupList, Target};
use crate::table::meta::TableName;
use crate::text::tokenizer::Tokenizer;

pub use ask::{
    Asked, GenerateQuery, Generated, MixQuery, Mixed, Next, NextAnswer, NextQuery, PerplexityQuery,
    ScoreQuery, ScoredSentence, ScoredToken, Scores,
};
pub use make::{
    CompareJob, Compared, ExportedTo, ImportModelJob, MadeModel, ModelProgress, TrainModelJob,
    TrainedModel,
};

/// Models that are open.
#[derive(Debug, Default)]
pub(super) struct Models {
    open: Mutex<BTreeMap<TableName, Arc<OpenModel>>>,
    /// Held while a model is stored or deleted.
    changing: Mutex<()>,
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
        let found = self.models()?.into_iter().find(|status| status.name == *name);
        found.ok_or_else(|| not_found(name))
    }

    /// Deletes a model. Questions that have begun are still answered.
    ///
    /// # Errors
    ///
    /// If there is none of that name, or if the disk fails.
    pub fn delete_model(&self, name: &TableName) -> Result<()> {
        let models = &self.shared.models;
        let _changing = models.changing.lock();
        let was_there = self.shared.store.delete_model(name)?;
        models.open.lock().remove(name);
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

    /// Brings a model of a backup back.
    pub(super) fn restore_model(
        &self,
        from: (&dyn Target, &BackupList),
        name: &TableName,
    ) -> Result<()> {
        let models = &self.shared.models;
        let _changing = models.changing.lock();
        self.shared.store.restore_model(from, name, &|| self.go_on())?;
        models.open.lock().remove(name);
        Ok(())
    }

    /// A model that is open, or is opened.
    pub(super) fn open_model(&self, name: &TableName) -> Result<Arc<OpenModel>> {
        let models = &self.shared.models;
        let open = models.open.lock().get(name).cloned();
        if let Some(open) = open {
            return Ok(open);
        }
        // Nobody replaces it between the reading and the remembering.
        let _changing = models.changing.lock();
        let (head, model) = self.shared.store.model(name)?.ok_or_else(|| not_found(name))?;
        let open = Arc::new(OpenModel { head, model });
        models.open.lock().insert(name.clone(), Arc::clone(&open));
        Ok(open)
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
    let Some(tokenizer) = tokenizer else {
        return Ok(crate::lm::plain(line.as_bytes()).map(<[u8]>::to_vec).collect());
    };
    let mut words: Vec<Vec<u8>> = Vec::new();
    let options = crate::text::tokenizer::CutOptions { bare: true, ..Default::default() };
    tokenizer.each(line, &options, None, &mut |id, bytes, is_special| {
        if is_special {
            return;
        }
        // As a table of the tokenizer's tokens has them.
        let own = id.filter(|_| !tokenizer.is_of_words()).and_then(|id| tokenizer.token(id));
        let spelling = || tokenizer.spelling_of(id, &bytes, line).into_owned().into_bytes();
        words.push(own.unwrap_or_else(spelling));
    })?;
    Ok(words)
}
