//! The questions: each takes the current state of its table once, and says of which generation.

use std::sync::Arc;

use crate::bias::projection::{self, ProjectAnswer, ProjectQuery};
use crate::bias::weat::{self, WeatAnswer, WeatQuery};
use crate::engine::{Current, Engine};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::index::hnsw::LIST;
use crate::query::Effort;
use crate::query::analogy::{self, AnalogyAnswer, AnalogyQuery};
use crate::query::filter::Filter;
use crate::query::health::{self, HealthAnswer, HealthQuery};
use crate::query::lookup::{self, LookupAnswer, LookupQuery};
use crate::query::nearest::{self, Asked, NearestAnswer, NearestQuery};
use crate::query::odd_one_out::{self, OddOneOutAnswer, OddOneOutQuery};
use crate::query::recall::{self, RecallAnswer, RecallQuery};
use crate::query::similarity::{self, SimilarityAnswer, SimilarityQuery};
use crate::query::words::{self, WordsAnswer, WordsQuery};
use crate::table::meta::TableName;
use crate::vector::row_set::RowSet;

/// A question of a table.
#[derive(Clone, Debug)]
pub struct Ask<Q> {
    /// Of which table.
    pub table: TableName,
    /// What.
    pub query: Q,
}

/// An answer, and which generation of the table gave it.
#[derive(Clone, Debug)]
pub struct Answer<A> {
    /// Of which table.
    pub table: TableName,
    /// Of which generation.
    pub generation: u64,
    /// What.
    pub answer: A,
}

/// How long an answer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Well under a millisecond: less than handing the question to another thread and back.
    Quick,
    /// Perhaps longer.
    Slow,
}

/// The longest that a quick answer may take, in nanoseconds.
const QUICK_NANOS_MAX: usize = 250_000;
/// Questions of a batch that are answered together: every row compared, they take about 0.2 s.
const ASKED_TOGETHER: usize = 256;
/// About what it takes to name a neighbor and to score it once more.
const NANOS_A_NEIGHBOR: usize = 100;
/// About what a step of a beam takes.
const NANOS_A_STEP: usize = 900;
/// Components that are compared in a nanosecond.
const COMPONENTS_A_NANO: usize = 3;

/// Every question fails if there is no such table, or if its rows are damaged; beyond that, each as
/// its function in [`query`](crate::query) or [`bias`](crate::bias) does.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl Engine {
    /// How long such questions take together. Also quick: an error.
    pub fn pace<'q>(
        &self,
        table: &TableName,
        queries: impl IntoIterator<Item = &'q NearestQuery>,
    ) -> Pace {
        let Ok(current) = self.shared.catalog.current(table) else { return Pace::Quick };
        let (generation, view) = (current.generation(), current.view());
        let mut nanos: usize = 0;
        for query in queries {
            if query.filter.is_some() {
                return Pace::Slow;
            }
            let compare = |rows: usize| rows * view.dim() / COMPONENTS_A_NANO;
            let ef = generation.ef_search(query.effort).max(query.k);
            let is_graph = generation.has_graph() && !query.effort.exact && ef < view.len();
            let search = if generation.has_lists() && query.is_of_one_word() && query.k <= LIST {
                compare(view.written_count())
            } else if is_graph {
                ef * NANOS_A_STEP + compare(view.written_count())
            } else {
                compare(view.len())
            };
            nanos = nanos.saturating_add(search + query.k * NANOS_A_NEIGHBOR);
        }
        if nanos <= QUICK_NANOS_MAX { Pace::Quick } else { Pace::Slow }
    }

    /// The nearest words of a weighted mean of words and vectors.
    pub fn nearest(&self, ask: &Ask<NearestQuery>) -> Result<Answer<NearestAnswer>> {
        self.ask(&ask.table, |current| {
            let asked = self.asked(current, &ask.query)?;
            nearest::nearest(current.view(), &current.index(), asked)
        })
    }

    /// Many questions of one table, answered by one generation in the order asked.
    pub fn nearest_batch(
        &self,
        ask: &Ask<Vec<NearestQuery>>,
    ) -> Result<Answer<Vec<NearestAnswer>>> {
        self.ask(&ask.table, |current| {
            let answers = self.nearest_in(current, ask.query.iter())?;
            let named =
                |(i, answer): (usize, Result<_>)| answer.context(|| format!("queries[{i}]"));
            answers.into_iter().enumerate().map(named).collect()
        })
    }

    /// Many questions of one table, answered by one generation, each for itself.
    pub fn nearest_each<'q>(
        &self,
        table: &TableName,
        queries: impl Iterator<Item = &'q NearestQuery>,
    ) -> Result<Answer<Vec<Result<NearestAnswer>>>> {
        self.ask(table, |current| {
            let answers = self.nearest_in(current, queries)?.into_iter();
            Ok(answers.map(|answer| answer.context(|| format!("table {table}"))).collect())
        })
    }

    /// a is to b as c is to ?
    pub fn analogy(&self, ask: &Ask<AnalogyQuery>) -> Result<Answer<AnalogyAnswer>> {
        self.ask(&ask.table, |current| {
            let index = current.index();
            let ef = current.generation().ef_search(ask.query.effort);
            let allowed = self.allowed(current, ask.query.filter.as_ref())?;
            analogy::analogy(current.view(), &index, ef, &ask.query, allowed.as_deref())
        })
    }

    /// Recall and speed of a table's graph.
    pub fn recall(&self, ask: &Ask<RecallQuery>) -> Result<Answer<RecallAnswer>> {
        self.ask(&ask.table, |current| {
            if !current.generation().has_graph() {
                let because = "it has no graph: every answer is exact".to_owned();
                return Err(Error::new(ErrorKind::Unsuited { operation: "recall", because }));
            }
            let index = current.index();
            recall::recall(current.view(), &index, &index, &ask.query, &|| self.stop.check())
        })
    }

    /// What is odd about a table.
    pub fn health(&self, ask: &Ask<HealthQuery>) -> Result<Answer<HealthAnswer>> {
        self.ask(&ask.table, |current| {
            let index = current.index();
            let ef = current.generation().ef_search(Effort::default());
            health::health(current.view(), &index, ef, &ask.query, &|| self.stop.check())
        })
    }

    /// The cosine similarity of pairs.
    pub fn similarity(&self, ask: &Ask<SimilarityQuery>) -> Result<Answer<SimilarityAnswer>> {
        self.ask(&ask.table, |current| similarity::similarity(current.view(), &ask.query))
    }

    /// The word least like the mean of the set.
    pub fn odd_one_out(&self, ask: &Ask<OddOneOutQuery>) -> Result<Answer<OddOneOutAnswer>> {
        self.ask(&ask.table, |current| odd_one_out::odd_one_out(current.view(), &ask.query))
    }

    /// Words or rows to vectors.
    pub fn lookup(&self, ask: &Ask<LookupQuery>) -> Result<Answer<LookupAnswer>> {
        self.ask(&ask.table, |current| lookup::lookup(current.view(), &ask.query))
    }

    /// A page of the table's words.
    pub fn words(&self, ask: &Ask<WordsQuery>) -> Result<Answer<WordsAnswer>> {
        self.ask(&ask.table, |current| {
            words::words(current.view(), current.generation().number(), &ask.query)
        })
    }

    /// Word Embedding Association Test.
    pub fn weat(&self, ask: &Ask<WeatQuery>) -> Result<Answer<WeatAnswer>> {
        self.ask(&ask.table, |current| weat::weat(current.view(), &ask.query))
    }

    /// Words on an axis between two poles.
    pub fn project(&self, ask: &Ask<ProjectQuery>) -> Result<Answer<ProjectAnswer>> {
        self.ask(&ask.table, |current| projection::project(current.view(), &ask.query))
    }

    fn ask<A>(
        &self,
        table: &TableName,
        question: impl FnOnce(&Current) -> Result<A>,
    ) -> Result<Answer<A>> {
        let current = self.shared.catalog.current(table)?;
        let answer = question(&current).context(|| format!("table {table}"))?;
        Ok(Answer { table: table.clone(), generation: current.generation().number(), answer })
    }

    /// Answers questions together, some at a time so that they can be stopped.
    fn nearest_in<'q>(
        &self,
        current: &Current,
        queries: impl Iterator<Item = &'q NearestQuery>,
    ) -> Result<Vec<Result<NearestAnswer>>> {
        let index = current.index();
        let queries: Vec<_> = queries.collect();
        let mut answers = Vec::with_capacity(queries.len());
        for queries in queries.chunks(ASKED_TOGETHER) {
            self.stop.check()?;
            let asked = queries.iter().map(|query| self.asked(current, query));
            answers.extend(nearest::nearest_batch(current.view(), &index, asked));
        }
        Ok(answers)
    }

    fn asked<'q>(&self, current: &Current, query: &'q NearestQuery) -> Result<Asked<'q>> {
        let allowed = self.allowed(current, query.filter.as_ref())?;
        Ok(Asked { query, default_ef: current.generation().ef_search(query.effort), allowed })
    }

    fn allowed(&self, current: &Current, filter: Option<&Filter>) -> Result<Option<Arc<RowSet>>> {
        filter.map(|filter| current.allowed(filter, &|| self.stop.check())).transpose()
    }
}
