//! What a language model on its shelf says of itself; its body is the model's own file.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::container::{CHUNK_BYTES, Writer};
use crate::error::{Error, Result};
use crate::lm::{self, Model};
use crate::store::blob::{self, FileWriter, Staged};
use crate::store::shelf::{self, Shelf};
use crate::table::meta::TableName;

/// The head of a stored model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelHead {
    /// The smoothing it was made by, by its name; empty of an imported one.
    pub smoothing: String,
    /// Of add-k.
    pub k: Option<f64>,
    /// N-grams of each order.
    pub sizes: Vec<u64>,
    /// Words, with the special ones.
    pub words: u64,
    /// The tokenizer that cuts its texts; empty for spaces and tabs.
    pub tokenizer: String,
    /// A digest of it, if it is a stored one: another one of its name cuts otherwise.
    #[serde(default)]
    pub tokenizer_digest: String,
    /// Words of the text.
    pub tokens: u64,
    /// Its sentences.
    pub sentences: u64,
    /// Where the text or the file comes from; may be empty.
    pub source: String,
    /// SHA-256 of it, in hexadecimal digits.
    pub sha256: String,
    /// Seconds since 1970-01-01 UTC when it was made.
    pub made_at: u64,
    /// What is to be known of it, a sentence each.
    pub notes: Vec<String>,
    /// Of a network: then it has no smoothing and no n-grams.
    pub neural: Option<NeuralHead>,
    /// Whether its n-grams are in the compact form.
    #[serde(default)]
    pub compact: bool,
}

/// What a network says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NeuralHead {
    /// Words of an n-gram.
    pub order: u64,
    /// Components of a word's vector.
    pub dim: u64,
    /// Units of its hidden layer.
    pub hidden: u64,
    /// Whether it has direct connections.
    pub direct: bool,
    /// How many weights it has.
    pub weights: u64,
    /// Words of noise that its batches shared; none if all words were compared.
    pub noise: Option<u64>,
    /// Epochs that it learned.
    pub epochs: u64,
    /// The table whose vectors it began with; may be empty.
    pub from: String,
}

/// A model that is written whole, but does not stand on its shelf yet. It is removed if it never does.
pub struct StagedModel {
    shelf: Shelf,
    name: TableName,
    staged: Staged,
}

impl StagedModel {
    pub(super) fn new(shelf: Shelf, name: &TableName, staged: Staged) -> Self {
        Self { shelf, name: name.clone(), staged }
    }

    /// Bytes of its file.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn bytes(&self) -> Result<u64> {
        let metadata = self.staged.temporary_path().metadata();
        metadata.map(|metadata| metadata.len()).map_err(Error::disk)
    }

    /// Opens it, to see whether it is right before anyone else does.
    ///
    /// # Errors
    ///
    /// If it is damaged, or if the disk fails.
    pub fn open(&self) -> Result<(ModelHead, Model)> {
        let open = open_at(&self.shelf, self.staged.temporary_path(), &self.name)?;
        // Nobody removes it while this lives.
        open.ok_or_else(|| Error::disk(io::ErrorKind::NotFound.into()))
    }

    /// Puts it on its shelf, in place of one of its name. Once this returns it survives a power cut; whoever has
    /// the old one open still has it.
    ///
    /// # Errors
    ///
    /// If the disk fails: then the old one stays.
    pub fn publish(self) -> Result<()> {
        self.staged.publish()
    }
}

impl fmt::Debug for StagedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StagedModel").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Writes a model behind its head.
pub(super) fn stage(
    shelf: Shelf,
    name: &TableName,
    head: &ModelHead,
    write: impl FnOnce(&mut Writer<Body<'_>>) -> Result<()>,
) -> Result<StagedModel> {
    let staged = shelf.stage(name, head, |out| {
        out.section(shelf::BODY, CHUNK_BYTES)?;
        let mut body = Writer::new(Body(out), lm::KIND, 0)?;
        write(&mut body)?;
        body.finish().map(drop)
    })?;
    Ok(StagedModel::new(shelf, name, staged))
}

/// A model that is open; none if there is none of that name.
pub(super) fn open(shelf: &Shelf, name: &TableName) -> Result<Option<(ModelHead, Model)>> {
    open_at(shelf, &shelf.path(name), name)
}

fn open_at(shelf: &Shelf, path: &Path, name: &TableName) -> Result<Option<(ModelHead, Model)>> {
    let Some(file) = shelf.container_at(path, name)? else { return Ok(None) };
    let head = shelf::head(&file)?;
    let Some(file) = blob::open(path)? else { return Ok(None) };
    of(&file, name).map(|model| Some((head, model)))
}

fn of(file: &File, name: &TableName) -> Result<Model> {
    let what = format!("the language model \"{name}\"");
    Model::open_within(file, what, shelf::MODELS.kind, shelf::BODY)
}

/// The body of a model's file, within the file.
#[derive(Debug)]
pub struct Body<'f>(&'f mut FileWriter);

impl Write for Body<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // An error of ours goes through as it is.
        self.0.write(bytes).map_err(|error: Error| io::Error::other(error))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
