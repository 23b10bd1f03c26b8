//! Where a training stands, as it is written and read again, so that it goes on as if it had never stopped: the same
//! vectors, the same random numbers, the same place in the corpus.

use serde::{Deserialize, Serialize};

use super::kernel::DRAWN;
use super::rows::Rows;
use crate::container::Container;
use crate::error::{Error, Result};

/// The sections of matrices.
pub(super) const MATRICES: [&str; 3] = ["inputs", "outputs", "places"];

/// Everything but the vectors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The epoch that runs, from 1.
    pub(super) epoch: usize,
    /// Where each thread reads on in the corpus; of GloVe a block and a cell. Empty at the first beginning.
    pub(super) at: Vec<u64>,
    /// Numbers, or cells, read of all epochs.
    pub(super) read: u64,
    /// The mean loss of each epoch that is over, as bits: decimal digits would round.
    pub(super) losses: Vec<u64>,
    /// The sum of the losses of this epoch as bits, and how many there are.
    pub(super) loss: (u64, u64),
    /// The random numbers of each thread.
    pub(super) chances: Vec<Chance>,
}

/// What a thread draws next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chance {
    pub(super) random: u64,
    pub(super) lanes: [[u64; 8]; 2],
    /// Words that were drawn already, and which of them is next.
    pub(super) drawn: Vec<u32>,
    pub(super) at: usize,
    /// Windows that the meter has seen.
    pub(super) windows: u32,
}

impl Position {
    /// That of a training that begins.
    pub(super) fn first() -> Self {
        let (at, losses, chances) = (Vec::new(), Vec::new(), Vec::new());
        Self { epoch: 1, at, read: 0, losses, loss: (0, 0), chances }
    }

    pub(super) fn losses(&self) -> Vec<f64> {
        self.losses.iter().map(|&bits| f64::from_bits(bits)).collect()
    }

    /// Whether a training of so many epochs and words by so many threads can stand there.
    fn makes_sense(&self, epochs: usize, words: usize, threads: usize) -> bool {
        let is_chance = |chance: &Chance| {
            chance.drawn.len() == DRAWN
                && chance.at <= DRAWN
                && chance.drawn.iter().all(|&word| (word as usize) < words)
        };
        (1..=epochs).contains(&self.epoch)
            && self.losses.len() + 1 == self.epoch
            && self.chances.len() == threads
            && self.chances.iter().all(is_chance)
    }
}

/// A training that was written, to be gone on with.
#[derive(Clone, Copy, Debug)]
pub struct Saved<'a>(&'a Container);

impl<'a> Saved<'a> {
    /// That of a file which [`Progress::write`](super::progress::Progress::write) wrote.
    pub fn new(file: &'a Container) -> Self {
        Self(file)
    }

    /// Everything but the vectors; `threads` are those with random numbers.
    pub(super) fn position(self, epochs: usize, words: usize, threads: usize) -> Result<Position> {
        let json = self.0.section("position")?.read()?;
        let position: Option<Position> = serde_json::from_slice(&json).ok();
        position
            .filter(|position| position.makes_sense(epochs, words, threads))
            .ok_or_else(|| self.0.senseless())
    }

    /// A matrix of that many rows.
    pub(super) fn rows(self, matrix: usize, len: usize, dim: usize) -> Result<Rows> {
        let section = self.0.section(MATRICES[matrix])?;
        Rows::read(&section, len, dim)?.ok_or_else(|| self.0.senseless())
    }

    /// The error of a file whose bytes are verified and make no sense.
    pub(super) fn senseless(self) -> Error {
        self.0.senseless()
    }
}
