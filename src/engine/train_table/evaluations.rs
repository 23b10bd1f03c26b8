//! Test sets by which the vectors of a training are judged on their way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::budget::Share;
use crate::engine::Engine;
use crate::engine::train_table::report::Evaluation;
use crate::error::{Context as _, ErrorKind, Result};
use crate::evaluation::Lookup;
use crate::evaluation::test_set::{TestSet, TestSetKind};
use crate::table::builder::TableBuilder;
use crate::table::meta::TableName;
use crate::table::view::View;
use crate::training::corpus::Corpus;
use crate::training::progress::Progress;
use crate::vector::RowId;

/// Bytes that a row takes in a table beside its vector and its word.
const ROW_BYTES: u64 = 20;
/// Evaluations that are kept for the report.
const KEPT: usize = 1_000;
/// Words between two looks at whether to go on.
const ROWS_PER_LOOK: usize = 1_024;

pub(super) struct Evaluations<'a> {
    engine: &'a Engine,
    corpus: &'a Corpus,
    sets: Vec<(TableName, TestSet)>,
    every: Duration,
    due: Instant,
    all: Vec<Evaluation>,
}

impl<'a> Evaluations<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        corpus: &'a Corpus,
        (sets, seconds): (&[TableName], f64),
    ) -> Result<Self> {
        let sets = engine.test_sets_of(sets)?;
        let every = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        let due = Instant::now().checked_add(every).unwrap_or_else(Instant::now);
        Ok(Self { engine, corpus, sets, every, due, all: Vec::new() })
    }

    /// What each set said last.
    pub(super) fn last(&self) -> &[Evaluation] {
        &self.all[self.all.len().saturating_sub(self.sets.len())..]
    }

    /// What they said each time, the last ones if there were many.
    pub(super) fn into_all(self) -> Vec<Evaluation> {
        self.all
    }

    /// Asks the test sets if that is due, or this is the end. What cannot be asked says why: training goes
    /// on.
    pub(super) fn look(&mut self, progress: &Progress<'_>, is_last: bool) -> Result<()> {
        let is_due = progress.epoch > 0 && (is_last || Instant::now() >= self.due);
        if self.sets.is_empty() || !is_due {
            return Ok(());
        }
        let asked = self.ask(progress);
        self.engine.stop.check()?;
        let tokens = progress.tokens;
        match asked {
            Ok(all) => self.all.extend(all),
            Err(error) => {
                let problem = error.to_string();
                self.all.extend(self.sets.iter().map(|(name, _)| Evaluation {
                    test_set: name.to_string(),
                    tokens,
                    figures: Vec::new(),
                    problem: problem.clone(),
                }));
            }
        }
        self.all.drain(..self.all.len().saturating_sub(KEPT.max(self.sets.len())));
        self.due = Instant::now().checked_add(self.every).unwrap_or_else(Instant::now);
        Ok(())
    }

    fn ask(&self, progress: &Progress<'_>) -> Result<Vec<Evaluation>> {
        let words = self.corpus.words();
        let dim = progress.vector(RowId(0)).len() as u64;
        let row = dim * 4 + ROW_BYTES;
        let mut memory = Share::of(&self.engine.shared.memory);
        memory
            .grow(words.len() as u64 * row + words.word_bytes() as u64)
            .context(|| "a table of the vectors so far")?;
        let view = self.table(progress)?;
        let go_on = || self.engine.stop.check();
        let each = self.sets.iter().map(|(name, set)| {
            let figures = set.figures(&view, &go_on)?;
            let figures = figures.into_iter().map(|(name, value)| (name.to_owned(), value));
            Ok(Evaluation {
                test_set: name.to_string(),
                tokens: progress.tokens,
                figures: figures.collect(),
                problem: String::new(),
            })
        });
        each.collect()
    }

    fn table(&self, progress: &Progress<'_>) -> Result<View> {
        let words = self.corpus.words();
        let mut builder = TableBuilder::new(progress.vector(RowId(0)).len())?;
        for row in (0..words.len()).filter_map(|row| RowId::try_from(row).ok()) {
            if row.index().is_multiple_of(ROWS_PER_LOOK) {
                self.engine.stop.check()?;
            }
            builder.push(words.word(row), &progress.vector(row))?;
        }
        Ok(View::new(Arc::new(builder.build()), 0))
    }
}

impl Engine {
    /// Stored test sets, read.
    ///
    /// # Errors
    ///
    /// If there is none of a name, or if it is damaged.
    pub(super) fn test_sets_of(&self, names: &[TableName]) -> Result<Vec<(TableName, TestSet)>> {
        let each = names.iter().map(|name| {
            let (head, file) = self.test_set(name)?;
            let kind = TestSetKind::of_name(&head.kind);
            let kind = kind.ok_or(ErrorKind::TestSetNotFound { name: name.to_string() });
            let kind = kind.map_err(crate::error::Error::new)?;
            let set = TestSet::read(kind, &file, Lookup::default());
            Ok((name.clone(), set.context(|| format!("test set {name}"))?))
        });
        each.collect()
    }
}
