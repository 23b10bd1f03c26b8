//! GloVe (Pennington, Socher and Manning 2014): vectors whose products are the logarithms of how often
//! words stand together.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `counts.rs` | how often words stand together, in bounded memory |
//! | `cells.rs` | these numbers in the order in which they are learned |

mod cells;
mod counts;

use serde::{Deserialize, Serialize};

use super::corpus::Corpus;
use super::ids::Spill;
use super::kernel::{Cells, Kernels, Kind};
use super::progress::{Go, Progress, Watch};
use super::rows::{LINE, Rows};
use super::standing::{Position, Saved};
use crate::error::{Error, ErrorKind, Result, Violation};
use crate::limits;
use crate::vector::RowId;
use crate::vector::random::SplitMix64;

/// The settings of GloVe.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GloveSettings {
    /// Components of a vector, 1 to `DIM_MAX`.
    pub dim: usize,
    /// Words to either side, 1 to `TRAIN_WINDOW_MAX`; a word at distance d counts 1 / d.
    pub window: usize,
    /// Counts from which on the weight is 1; above 0.
    pub x_max: f32,
    /// The power of the weight below that.
    pub power: f32,
    /// Times that the counts are learned, 1 to `TRAIN_EPOCHS_MAX`.
    pub epochs: usize,
    /// The learning rate, which `AdaGrad` divides by what a component changed so far.
    pub lr: f32,
    /// Where random numbers begin. The same seed and kernel make the same bytes.
    pub seed: u64,
    /// Bytes of memory for counts; what has no room moves into files.
    pub counts_bytes: usize,
    /// The kernel; none for the best one of the machine.
    pub kernel: Option<Kind>,
}

impl Default for GloveSettings {
    fn default() -> Self {
        Self {
            dim: 100,
            window: 10,
            x_max: 100.0,
            power: 0.75,
            epochs: 15,
            lr: 0.05,
            seed: 1,
            counts_bytes: 1 << 30,
            kernel: None,
        }
    }
}

impl GloveSettings {
    /// Whether words that are so many can be trained so.
    ///
    /// # Errors
    ///
    /// With every setting that is wrong.
    pub fn check(&self, words: usize) -> Result<()> {
        let mut violations = Vec::new();
        let mut deny = |is_wrong: bool, field: &str, problem: String| {
            if is_wrong {
                violations.push(Violation { field: field.to_owned(), problem });
            }
        };
        let mut within = |field: &str, max: usize, got: usize| {
            let problem = format!("from 1 to {max}; {got} is not");
            deny(!(1..=max).contains(&got), field, problem);
        };
        within("dim", limits::DIM_MAX, self.dim);
        within("window", limits::TRAIN_WINDOW_MAX, self.window);
        within("epochs", limits::TRAIN_EPOCHS_MAX, self.epochs);
        for (field, value) in [("lr", self.lr), ("x_max", self.x_max)] {
            let is_positive = value.is_finite() && value > 0.0;
            deny(!is_positive, field, format!("above 0; {value} is not"));
        }
        let is_power = (0.0..=10.0).contains(&self.power);
        deny(!is_power, "power", format!("from 0 to 10; {} is not", self.power));
        deny(words < 2, "corpus", format!("training takes two words at least; it has {words}"));
        if violations.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::InvalidArgument { violations }))
    }

    /// Floats of one of the four parts of a row: a vector, and two biases as lanes.
    fn part(&self) -> usize {
        (self.dim + 2).next_multiple_of(LINE)
    }
}

/// What GloVe made.
#[derive(Debug)]
pub struct Glove {
    rows: Rows,
    dim: usize,
    part: usize,
    /// The mean loss of a cell, in each epoch.
    pub losses: Vec<f64>,
    /// Cells that were learned in an epoch, both ways.
    pub cells: u64,
}

impl Glove {
    /// The vector of a word: its own and its context vector, added as the paper does.
    ///
    /// # Panics
    ///
    /// If there is no such word.
    pub fn vector(&self, word: RowId) -> Vec<f32> {
        sum(&self.rows, self.dim, self.part, word)
    }

    /// Its context vector alone.
    ///
    /// # Panics
    ///
    /// If there is no such word.
    pub fn context(&self, word: RowId) -> &[f32] {
        &self.rows.row(word.index())[2 * self.part..][..self.dim]
    }
}

fn sum(rows: &Rows, dim: usize, part: usize, word: RowId) -> Vec<f32> {
    let row = rows.row(word.index());
    row[..dim].iter().zip(&row[2 * part..]).map(|(own, context)| own + context).collect()
}

/// Trains the words of a corpus; `spill` makes files for counts that have no room in memory. `saved` is where
/// a training of the same corpus and settings stood: words are counted again, and learned from there on.
///
/// # Errors
///
/// If a setting is wrong, if no two words stand together, if there is no memory, if a file fails, if
/// numbers become infinite or NaN (the learning rate is too high), or if the watch says so.
pub fn train(
    corpus: &Corpus,
    settings: &GloveSettings,
    (mut spill, saved): (Spill, Option<Saved<'_>>),
    watch: &mut Watch<'_>,
) -> Result<Glove> {
    let words = corpus.words().len();
    settings.check(words)?;
    let (mut now, mut rows) = match saved {
        Some(saved) => {
            let position = saved.position(settings.epochs, words, 0)?;
            (position, saved.rows(0, words, 4 * settings.part())?)
        }
        None => (Position::first(), begin(words, settings)?),
    };
    let nothing = |_| vec![0.0; settings.dim];
    let mut looking = Progress {
        epoch: 0,
        tokens: 0,
        tokens_total: 0,
        loss: 0.0,
        lr: settings.lr,
        vectors: &nothing,
        matrices: &[],
        position: &Position::first,
    };
    // Who has enough gets what the first cells gave.
    let mut look = || watch(&looking).map(drop);
    let mut cells = counts::count(corpus, settings, &mut spill, &mut look)?;
    if cells.len() == 0 {
        return Err(Error::invalid("corpus", "no two of its words stand in one window"));
    }
    looking.tokens_total = cells.len() * settings.epochs as u64;
    while now.epoch <= settings.epochs {
        let goes = epoch(settings, &mut cells, (&mut rows, &mut now), &mut |seen, rows, now| {
            let vectors = |word| sum(rows, settings.dim, settings.part(), word);
            watch(&Progress {
                epoch: now.epoch,
                tokens: now.read,
                loss: seen,
                vectors: &vectors,
                matrices: &[rows],
                position: &|| now.clone(),
                ..looking
            })
        })?;
        let all = f64::from_bits(now.loss.0) / (2 * now.loss.1.max(1)) as f64;
        now.losses.push(all.to_bits());
        (now.epoch, now.loss, now.at) = (now.epoch + 1, (0, 0), Vec::new());
        if goes == Go::Enough {
            break;
        }
    }
    if !rows.is_finite() {
        return Err(diverged(settings.lr));
    }
    let (dim, part, cells, losses) = (settings.dim, settings.part(), 2 * cells.len(), now.losses());
    Ok(Glove { rows, dim, part, losses, cells })
}

/// Learns the cells from where `now` stands to the end of the epoch.
fn epoch(
    settings: &GloveSettings,
    cells: &mut cells::Order,
    (rows, now): (&mut Rows, &mut Position),
    told: &mut dyn FnMut(f64, &Rows, &Position) -> Result<Go>,
) -> Result<Go> {
    let kind = settings.kernel.or_else(|| Kind::all().into_iter().next()).unwrap_or(Kind::Plain);
    let kernels = Kernels::new(kind, settings.part());
    let place = |at: usize| now.at.get(at).and_then(|&at| usize::try_from(at).ok()).unwrap_or(0);
    let (first, mut learned) = (place(0), place(1));
    for number in first..cells.blocks() {
        let block = cells.block(number)?;
        for piece in block.get(learned..).unwrap_or_default().chunks(PIECE) {
            let (pointers, lr) = (rows.pointers(), settings.lr);
            let loss = kernels.cells(&mut Cells { learned: piece, rows: pointers, lr });
            if !loss.is_finite() {
                return Err(diverged(settings.lr));
            }
            learned += piece.len();
            now.read += piece.len() as u64;
            let all = f64::from_bits(now.loss.0) + loss;
            now.loss = (all.to_bits(), now.loss.1 + piece.len() as u64);
            now.at = vec![number as u64, learned as u64];
            if told(loss / (2 * piece.len()) as f64, rows, now)? == Go::Enough {
                return Ok(Go::Enough);
            }
        }
        learned = 0;
    }
    Ok(Go::On)
}

/// Cells between two looks at the watch: a few milliseconds.
const PIECE: usize = 1 << 16;

fn diverged(lr: f32) -> Error {
    let problem = format!(
        "with {lr} the vectors became infinite or NaN, and nothing is kept of them: take a lower \
         learning rate"
    );
    Error::invalid("lr", problem)
}

/// The first vectors. A product of two parts has the biases within: the one's beside a 1 of the other.
fn begin(words: usize, settings: &GloveSettings) -> Result<Rows> {
    let (dim, part) = (settings.dim, settings.part());
    let mut rows = Rows::new(words, 4 * part)?;
    let mut start = Rows::new(1, dim)?;
    let mut random = SplitMix64(settings.seed);
    for word in 0..words {
        let row = rows.row_mut(word);
        for (offset, one) in [(0, dim + 1), (2 * part, dim)] {
            start.randomize(0, random.next());
            // Half as far as word2vec's models begin.
            for (value, &start) in row[offset..].iter_mut().zip(start.row(0)) {
                *value = start / 2.0;
            }
            row[offset + one] = 1.0;
            row[offset + part..][..part].fill(1.0);
            // What changed so much changes no more: the 1 stays one.
            row[offset + part + one] = f32::MAX;
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
