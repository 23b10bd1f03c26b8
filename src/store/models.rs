//! What a language model on its shelf says of itself; its body is the model's own file.

use std::fs::File;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::container::{CHUNK_BYTES, Writer};
use crate::error::{Error, Result};
use crate::lm::{self, Model};
use crate::store::blob::{self, FileWriter};
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
}

/// Writes a model behind its head.
pub(super) fn put(
    shelf: &Shelf,
    name: &TableName,
    head: &ModelHead,
    write: impl FnOnce(&mut Writer<Body<'_>>) -> Result<()>,
) -> Result<()> {
    shelf.put_with(name, head, |out| {
        out.section(shelf::BODY, CHUNK_BYTES)?;
        let mut body = Writer::new(Body(out), lm::KIND, 0)?;
        write(&mut body)?;
        body.finish().map(drop)
    })
}

/// A model that is open; none if there is none of that name.
pub(super) fn open(shelf: &Shelf, name: &TableName) -> Result<Option<(ModelHead, Model)>> {
    let Some(file) = shelf.container(name)? else { return Ok(None) };
    let head = shelf::head(&file)?;
    let Some(file) = blob::open(&shelf.path(name))? else { return Ok(None) };
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
