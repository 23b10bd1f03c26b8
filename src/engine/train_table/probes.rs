//! Words whose neighbors are shown while vectors are learned.

use std::time::{Duration, Instant};

use crate::engine::Stop;
use crate::engine::train_table::report::Probe;
use crate::error::Result;
use crate::training::corpus::Corpus;
use crate::training::progress::Progress;
use crate::vector::RowId;
use crate::vector::scalar;
use crate::vector::top::{Near, TopK};

/// Neighbors of each word.
const NEIGHBORS: usize = 8;
/// Time between two looks, at least.
const EVERY: Duration = Duration::from_secs(1);
/// The next look waits so many times as long as the last one took: at most a fiftieth of the time goes
/// into them.
const PATIENCE: u32 = 50;
/// Words between two looks at whether to go on.
const ROWS_PER_LOOK: u32 = 1_024;

pub(super) struct Probes<'a> {
    corpus: &'a Corpus,
    /// The rows of those that have one.
    rows: Vec<Option<RowId>>,
    due: Instant,
    last: Vec<Probe>,
}

impl<'a> Probes<'a> {
    pub(super) fn new(corpus: &'a Corpus, words: &[String]) -> Self {
        let rows = words.iter().map(|word| corpus.words().row(word.as_bytes())).collect();
        let unseen = |word: &String| {
            let is_known = corpus.words().row(word.as_bytes()).is_some();
            Probe { word: word.clone(), is_known, tokens: 0, neighbors: Vec::new() }
        };
        Self { corpus, rows, due: Instant::now(), last: words.iter().map(unseen).collect() }
    }

    /// The neighbors when they were looked for last.
    pub(super) fn last(&self) -> &[Probe] {
        &self.last
    }

    /// Looks for neighbors if that is due.
    pub(super) fn look(&mut self, progress: &Progress<'_>, stop: &Stop) -> Result<()> {
        if self.rows.iter().all(Option::is_none) || Instant::now() < self.due {
            return Ok(());
        }
        let began = Instant::now();
        let found = self.nearest(progress, stop)?;
        for (probe, found) in self.last.iter_mut().zip(found) {
            let shown =
                |near: Near| (self.corpus.words().shown(near.row).into_owned(), near.similarity);
            probe.neighbors = found.into_sorted().into_iter().map(shown).collect();
            probe.tokens = progress.tokens;
        }
        self.due = Instant::now() + EVERY.max(began.elapsed().saturating_mul(PATIENCE));
        Ok(())
    }

    fn nearest(&self, progress: &Progress<'_>, stop: &Stop) -> Result<Vec<TopK>> {
        let unit = |row: RowId| {
            let mut vector = progress.vector(row);
            let norm = scalar::norm(&vector);
            for value in &mut vector {
                *value = divided(*value, norm);
            }
            vector
        };
        let probes: Vec<Option<Vec<f32>>> = self.rows.iter().map(|row| row.map(unit)).collect();
        let mut found: Vec<TopK> = probes.iter().map(|_| TopK::new(NEIGHBORS)).collect();
        for row in (0..self.corpus.words().len()).filter_map(|row| u32::try_from(row).ok()) {
            if row.is_multiple_of(ROWS_PER_LOOK) {
                stop.check()?;
            }
            let vector = progress.vector(RowId(row));
            let norm = scalar::norm(&vector);
            for ((probe, own), found) in probes.iter().zip(&self.rows).zip(&mut found) {
                let Some(probe) = probe.as_ref().filter(|_| *own != Some(RowId(row))) else {
                    continue;
                };
                let product: f32 = probe.iter().zip(&vector).map(|(a, b)| a * b).sum();
                found.push(Near { row: RowId(row), similarity: divided(product, norm) });
            }
        }
        Ok(found)
    }
}

/// A component of a vector at length 1; 0 of one that has no length.
#[expect(clippy::cast_possible_truncation, reason = "similarities are in single precision")]
fn divided(value: f32, norm: f64) -> f32 {
    if norm > 0.0 { (f64::from(value) / norm) as f32 } else { 0.0 }
}
