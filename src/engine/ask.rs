//! The questions: each takes the current generation of its table once, and says which it was.

use std::sync::Arc;

use crate::bias::projection::{self, ProjectAnswer, ProjectQuery};
use crate::bias::weat::{self, WeatAnswer, WeatQuery};
use crate::engine::{Engine, Generation};
use crate::error::{Context as _, Result};
use crate::query::analogy::{self, AnalogyAnswer, AnalogyQuery};
use crate::query::filter::Filter;
use crate::query::lookup::{self, LookupAnswer, LookupQuery};
use crate::query::nearest::{self, NearestAnswer, NearestQuery};
use crate::query::odd_one_out::{self, OddOneOutAnswer, OddOneOutQuery};
use crate::query::similarity::{self, SimilarityAnswer, SimilarityQuery};
use crate::query::tokenize::{self, TokenizeQuery, TokenizedText};
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
    pub fn pace(&self, table: &TableName, queries: &[NearestQuery]) -> Pace {
        let Ok(generation) = self.shared.catalog.generation(table) else { return Pace::Quick };
        let mut nanos: usize = 0;
        for query in queries {
            if query.filter.is_some() {
                return Pace::Slow;
            }
            let search = if generation.has_graph() && !query.effort.exact {
                let ef = query.effort.ef_search.unwrap_or(generation.default_ef_search());
                ef.max(query.k) * NANOS_A_STEP
            } else {
                generation.table().len() * generation.table().dim() / COMPONENTS_A_NANO
            };
            nanos = nanos.saturating_add(search + query.k * NANOS_A_NEIGHBOR);
        }
        if nanos <= QUICK_NANOS_MAX { Pace::Quick } else { Pace::Slow }
    }

    /// The nearest words of a weighted mean of words and vectors.
    pub fn nearest(&self, ask: &Ask<NearestQuery>) -> Result<Answer<NearestAnswer>> {
        self.ask(&ask.table, |generation| self.nearest_in(generation, &ask.query))
    }

    /// Many questions of one table, answered by one generation in the order asked.
    pub fn nearest_batch(
        &self,
        ask: &Ask<Vec<NearestQuery>>,
    ) -> Result<Answer<Vec<NearestAnswer>>> {
        self.ask(&ask.table, |generation| {
            let answer = |(i, query)| {
                self.stop.check()?;
                self.nearest_in(generation, query).context(|| format!("queries[{i}]"))
            };
            ask.query.iter().enumerate().map(answer).collect()
        })
    }

    /// a is to b as c is to ?
    pub fn analogy(&self, ask: &Ask<AnalogyQuery>) -> Result<Answer<AnalogyAnswer>> {
        self.ask(&ask.table, |generation| {
            let index = generation.index_for(ask.query.effort);
            let ef = generation.default_ef_search();
            let allowed = self.allowed(generation, ask.query.filter.as_ref())?;
            analogy::analogy(generation.table(), index, ef, &ask.query, allowed.as_deref())
        })
    }

    /// The cosine similarity of pairs.
    pub fn similarity(&self, ask: &Ask<SimilarityQuery>) -> Result<Answer<SimilarityAnswer>> {
        self.ask(&ask.table, |generation| similarity::similarity(generation.table(), &ask.query))
    }

    /// The word least like the mean of the set.
    pub fn odd_one_out(&self, ask: &Ask<OddOneOutQuery>) -> Result<Answer<OddOneOutAnswer>> {
        self.ask(&ask.table, |generation| odd_one_out::odd_one_out(generation.table(), &ask.query))
    }

    /// Words or rows to vectors.
    pub fn lookup(&self, ask: &Ask<LookupQuery>) -> Result<Answer<LookupAnswer>> {
        self.ask(&ask.table, |generation| lookup::lookup(generation.table(), &ask.query))
    }

    /// A page of the table's words.
    pub fn words(&self, ask: &Ask<WordsQuery>) -> Result<Answer<WordsAnswer>> {
        self.ask(&ask.table, |generation| {
            words::words(generation.table(), generation.number(), &ask.query)
        })
    }

    /// Word Embedding Association Test.
    pub fn weat(&self, ask: &Ask<WeatQuery>) -> Result<Answer<WeatAnswer>> {
        self.ask(&ask.table, |generation| weat::weat(generation.table(), &ask.query))
    }

    /// Words on an axis between two poles.
    pub fn project(&self, ask: &Ask<ProjectQuery>) -> Result<Answer<ProjectAnswer>> {
        self.ask(&ask.table, |generation| projection::project(generation.table(), &ask.query))
    }

    /// Texts to tokens, each known to the table or not.
    pub fn tokenize(&self, ask: &Ask<TokenizeQuery>) -> Result<Answer<Vec<TokenizedText>>> {
        self.ask(&ask.table, |generation| {
            Ok(tokenize::tokenize(Some(generation.table()), &ask.query))
        })
    }

    fn ask<A>(
        &self,
        table: &TableName,
        question: impl FnOnce(&Generation) -> Result<A>,
    ) -> Result<Answer<A>> {
        let generation = self.shared.catalog.generation(table)?;
        let answer = question(&generation).context(|| format!("table {table}"))?;
        Ok(Answer { table: table.clone(), generation: generation.number(), answer })
    }

    fn nearest_in(&self, generation: &Generation, query: &NearestQuery) -> Result<NearestAnswer> {
        let (index, ef) = (generation.index_for(query.effort), generation.default_ef_search());
        let allowed = self.allowed(generation, query.filter.as_ref())?;
        nearest::nearest(generation.table(), index, ef, query, allowed.as_deref())
    }

    fn allowed(
        &self,
        generation: &Generation,
        filter: Option<&Filter>,
    ) -> Result<Option<Arc<RowSet>>> {
        filter.map(|filter| generation.allowed(filter, &|| self.stop.check())).transpose()
    }
}
