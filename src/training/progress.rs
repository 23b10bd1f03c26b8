//! What training tells on its way.

use std::io::Write;

use super::rows::Rows;
use super::standing::{MATRICES, Position};
use crate::container::{CHUNK_BYTES, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::vector::RowId;

/// How far training is.
#[derive(Clone, Copy)]
pub struct Progress<'a> {
    /// The epoch that runs, from 1; 0 while GloVe counts.
    pub epoch: usize,
    /// Tokens read, those of all epochs so far together, and those left out too. Of GloVe, cells
    /// of the co-occurrences.
    pub tokens: u64,
    /// Tokens, or cells, that will have been read at the end.
    pub tokens_total: u64,
    /// The mean loss of a prediction in nats, measured at some since the last call; 0 if at none. Of
    /// GloVe, the mean weighted square of a cell, halved.
    pub loss: f64,
    /// The learning rate now.
    pub lr: f32,
    pub(super) vectors: &'a dyn Fn(RowId) -> Vec<f32>,
    /// What has to be kept so that training can go on from here; nothing while GloVe counts.
    pub(super) matrices: &'a [&'a Rows],
    pub(super) position: &'a dyn Fn() -> Position,
}

impl Progress<'_> {
    /// The vector of a word of the corpus as it is now.
    ///
    /// # Panics
    ///
    /// If there is no such word.
    pub fn vector(&self, word: RowId) -> Vec<f32> {
        (self.vectors)(word)
    }

    /// Writes where training stands as sections of a file, from which it can go on.
    ///
    /// # Errors
    ///
    /// If the output fails.
    pub fn write<W: Write>(&self, out: &mut Writer<W>) -> Result<()> {
        let json = serde_json::to_vec(&(self.position)());
        let json = json.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
        out.section("position", CHUNK_BYTES)?;
        out.write(&json)?;
        let matrices = MATRICES.iter().zip(self.matrices).filter(|(_, rows)| !rows.is_empty());
        for (name, rows) in matrices {
            out.section(name, CHUNK_BYTES)?;
            rows.write(out)?;
        }
        Ok(())
    }

    /// Bytes of the vectors that [`Progress::write`] would write; 0 if there is nothing to go on from yet.
    pub fn bytes(&self) -> u64 {
        self.matrices.iter().map(|rows| (rows.len() * rows.dim()) as u64 * 4).sum()
    }
}

impl std::fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { epoch, tokens, tokens_total, loss, lr, .. } = self;
        let mut shown = f.debug_struct("Progress");
        shown.field("epoch", epoch).field("tokens", tokens).field("tokens_total", tokens_total);
        shown.field("loss", loss).field("lr", lr).finish_non_exhaustive()
    }
}

/// Whether training goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// It does.
    On,
    /// It ends here, with what was learned so far.
    Enough,
}

/// Told now and then how far training is: an error ends it, and nothing is kept.
pub type Watch<'w> = dyn FnMut(&Progress<'_>) -> Result<Go> + 'w;
