//! How many rows answer each of many analogies better than the right one does.
//!
//! A question's judgment of a row is made of that row's cosines to three words, and a test set of
//! thousands of questions has some hundred words: each row is compared with each word once, a block
//! of rows at a time, and questions only add what stands in the cache. That is done in single
//! precision; a bound on what it loses tells which rows may be better than the right one, and those few
//! are judged in double precision. A question that enough rows answer better is asked no more.

use crate::error::Result;
use crate::query::GoOn;
use crate::query::analogy::AnalogyMethod;
use crate::steps::watched;
use crate::table::view::View;
use crate::vector::kernel::products::{Block, Judge, Triple, Words};
use crate::vector::{RowId, scalar};

/// Questions of one table that share words.
pub(super) struct Questions<'a> {
    pub(super) table: &'a View,
    /// Only rows before this one may answer.
    pub(super) end: usize,
    pub(super) method: AnalogyMethod,
    /// Words that questions name by their places here.
    pub(super) words: Vec<RowId>,
    pub(super) each: Vec<Question>,
    /// Whether a row is an input of a question.
    pub(super) is_input: &'a (dyn Fn(&Question, RowId) -> bool + Sync),
}

/// A question: a is to b as c is to what?
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// Which one, for whoever asks.
    pub(super) id: usize,
    /// The places of a, b and c in the list of words.
    pub(super) words: [u32; 3],
    /// Rows that are right.
    pub(super) right: Vec<RowId>,
}

/// How many rows are better than the best of the right ones, up to [`PLACES`]; none if there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// Where inputs do not count.
    pub(super) without_inputs: Option<usize>,
    /// Where they do.
    pub(super) with_inputs: Option<usize>,
}

/// Whether fewer rows are better is not told of questions of which so many are.
pub(super) const PLACES: usize = 5;
/// Rows that are compared with all words before the questions look at them: with the words of a usual
/// test set, about what a second-level cache holds.
const BLOCK: usize = 256;
/// More threads than this would wait for memory.
const THREADS_MAX: usize = 16;

/// A right row with its judgment: what others are compared with.
#[derive(Clone, Copy, Debug)]
struct Target {
    row: RowId,
    judgment: f64,
}

/// A question that is still open, and how many rows were better so far.
#[derive(Clone, Debug)]
struct Open {
    position: usize,
    without_inputs: Option<Target>,
    with_inputs: Option<Target>,
    better: [usize; 2],
}

impl Questions<'_> {
    /// Where the right answer stands for each question.
    pub(super) fn places(&self, go_on: GoOn<'_>) -> Result<Vec<Places>> {
        let norms: Vec<f64> =
            self.words.iter().map(|&row| scalar::norm(&self.table.vector(row))).collect();
        let dim = self.table.dim();
        let words = Words::new(dim, self.words.iter().map(|&row| self.table.unit(row)));
        let rows = watched(self.table.rows(), go_on);
        let is_known =
            |row: &Result<RowId>| row.as_ref().map_or(true, |row| row.index() < self.end);
        let rows: Vec<RowId> = rows.take_while(is_known).collect::<Result<_>>()?;
        let open: Vec<Open> = (0..self.each.len()).map(|i| self.open(i, &norms)).collect();
        let blocks = rows.len().div_ceil(BLOCK).max(1);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.min(THREADS_MAX).min(blocks);
        let work = |first: usize| -> Result<Vec<Open>> {
            let mut work = Work::new(self, &words, &norms, open.clone());
            for block in rows.chunks(BLOCK).skip(first).step_by(threads) {
                go_on()?;
                work.look(block);
            }
            Ok(work.done())
        };
        let parts: Vec<Result<Vec<Open>>> = std::thread::scope(|scope| {
            let work = &work;
            let others: Vec<_> = (1..threads).map(|i| scope.spawn(move || work(i))).collect();
            let mine = work(0);
            let joined = others.into_iter().filter_map(|other| other.join().ok());
            std::iter::once(mine).chain(joined).collect()
        });
        assert_eq!(parts.len(), threads, "no thread panicked");
        let mut better = vec![[0; 2]; open.len()];
        for part in parts {
            for question in part? {
                for (all, some) in better[question.position].iter_mut().zip(question.better) {
                    *all += some;
                }
            }
        }
        let places = open.iter().zip(better).map(|(question, [without, with])| Places {
            without_inputs: question.without_inputs.map(|_| without),
            with_inputs: question.with_inputs.map(|_| with),
        });
        Ok(places.collect())
    }

    fn open(&self, position: usize, norms: &[f64]) -> Open {
        let question = &self.each[position];
        let best = |rows: &mut dyn Iterator<Item = RowId>| {
            let mut best: Option<Target> = None;
            for row in rows {
                let judgment = self.exactly(question, row, norms);
                if best.is_none_or(|best| best.is_behind(row, judgment)) {
                    best = Some(Target { row, judgment });
                }
            }
            best
        };
        let right = || question.right.iter().copied();
        Open {
            position,
            without_inputs: best(&mut right().filter(|&row| !(self.is_input)(question, row))),
            with_inputs: best(&mut right()),
            better: [0; 2],
        }
    }

    /// A row's judgment in double precision.
    fn exactly(&self, question: &Question, row: RowId, norms: &[f64]) -> f64 {
        let vector = self.table.vector(row);
        let norm = scalar::norm(&vector);
        let [a, b, c] = question.words.map(|place| {
            let place = place as usize;
            let norms = norm * norms[place];
            let dot = scalar::dot(&vector, &self.table.vector(self.words[place]));
            if norms > 0.0 { dot / norms } else { 0.0 }
        });
        match self.judge() {
            Judge::Sum => b - a + c,
            Judge::Product => (1.0 + b) * (1.0 + c) / (1.0 + a + 2e-6),
        }
    }

    fn judge(&self) -> Judge {
        match self.method {
            AnalogyMethod::CosMul => Judge::Product,
            AnalogyMethod::CosAdd | AnalogyMethod::CosAvg | AnalogyMethod::PairDirection => {
                Judge::Sum
            }
        }
    }

    /// What a row must reach in single precision if it may be better than the target.
    fn triple(&self, question: &Open) -> Triple {
        let targets = question.targets();
        let judgments = targets.iter().flatten().map(|target| target.judgment);
        let least = judgments.fold(f64::INFINITY, f64::min);
        // Half of the distance between 1 and the next number: the most that one rounding changes.
        let rounding = f64::from(f32::EPSILON) / 2.0;
        // A sum of n products is off by n roundings of the sum of their sizes, which is at most 1 (Higham
        // 2002, section 3.1); six more are those of the unit vectors.
        let cosine = 1.01 * (self.table.dim() as f64 + 8.0) * rounding;
        let words = self.each[question.position].words;
        #[expect(clippy::cast_possible_truncation, reason = "a rounding that the margin has")]
        match self.judge() {
            Judge::Sum => {
                let margin = 3.0 * cosine + 12.0 * rounding;
                Triple { words, least: (least - margin) as f32, factor: 0.0 }
            }
            Judge::Product => {
                // Cosines are at most 1, and so each factor 2: what an error of a cosine does to the
                // product of two, and to the factor's; and the roundings of each step.
                let margin =
                    5.0 * cosine + 24.0 * rounding + least.abs() * (cosine + 16.0 * rounding);
                Triple { words, least: -margin as f32, factor: least as f32 }
            }
        }
    }
}

impl Target {
    /// Whether a row is better.
    fn is_behind(&self, row: RowId, judgment: f64) -> bool {
        judgment.total_cmp(&self.judgment).then(self.row.cmp(&row)).is_gt()
    }
}

impl Open {
    fn targets(&self) -> [Option<Target>; 2] {
        [self.without_inputs, self.with_inputs]
    }

    /// Whether more rows could change what is told.
    fn is_open(&self) -> bool {
        let each = self.targets().into_iter().zip(self.better);
        each.into_iter().any(|(target, better)| target.is_some() && better < PLACES)
    }
}

/// What one thread does.
struct Work<'a> {
    questions: &'a Questions<'a>,
    words: &'a Words,
    norms: &'a [f64],
    block: Block,
    open: Vec<Open>,
    /// For each open question.
    triples: Vec<Triple>,
    closed: Vec<Open>,
    positions: Vec<usize>,
}

impl<'a> Work<'a> {
    fn new(
        questions: &'a Questions<'a>,
        words: &'a Words,
        norms: &'a [f64],
        open: Vec<Open>,
    ) -> Self {
        let (open, closed): (Vec<_>, Vec<_>) = open.into_iter().partition(Open::is_open);
        let triples = open.iter().map(|open| questions.triple(open)).collect();
        let block = Block::new(words, BLOCK);
        Self { questions, words, norms, block, open, triples, closed, positions: Vec::new() }
    }

    /// Counts the rows of a block that are better.
    fn look(&mut self, rows: &[RowId]) {
        if self.open.is_empty() {
            return;
        }
        let Questions { table, is_input, each, .. } = self.questions;
        let judge = self.questions.judge();
        self.block.compare(self.words, rows.iter().map(|&row| table.unit(row)));
        self.block.satisfied(judge, &self.triples, &mut self.positions);
        for &position in &self.positions {
            let (open, triple) = (&mut self.open[position], &self.triples[position]);
            let question = &each[open.position];
            for place in self.block.rows_of(judge, triple) {
                let Some(&row) = rows.get(place) else { break };
                let judgment = self.questions.exactly(question, row, self.norms);
                let is_better = |target: Option<Target>| {
                    target.is_some_and(|target| target.is_behind(row, judgment))
                };
                if is_better(open.with_inputs) {
                    open.better[1] += 1;
                }
                if is_better(open.without_inputs) && !is_input(question, row) {
                    open.better[0] += 1;
                }
            }
        }
        // From the last on, so that what takes a place was looked at.
        for &position in self.positions.iter().rev() {
            if !self.open[position].is_open() {
                self.closed.push(self.open.swap_remove(position));
                self.triples.swap_remove(position);
            }
        }
    }

    fn done(mut self) -> Vec<Open> {
        self.closed.append(&mut self.open);
        self.closed
    }
}
