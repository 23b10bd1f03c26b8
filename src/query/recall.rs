//! How much does the graph find of what comparing every row finds, and how fast?

use std::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::index::{Index, IndexKind, SearchParams};
use crate::query::resolve::resolve;
use crate::query::{GoOn, WordOptions, WordOrVector, WordsUsed};
use crate::steps::watched;
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::random::SplitMix64;
use crate::vector::top::Near;

/// Recall of a table's graph is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct RecallQuery {
    /// What is asked; empty: words drawn from the table.
    pub queries: Vec<WordOrVector>,
    /// How many words are drawn.
    pub sample: usize,
    /// Seed of the drawing.
    pub seed: u64,
    /// Neighbors of each question.
    pub k: usize,
    /// Widths of the beam.
    pub efs: Vec<usize>,
    /// How words are looked up.
    pub words: WordOptions,
}

/// The answer to a [`RecallQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct RecallAnswer {
    /// One a width, in the order asked.
    pub points: Vec<RecallPoint>,
    /// Questions that were asked: those that have a direction.
    pub query_count: usize,
    /// Questions a second that comparing every row answered.
    pub exact_per_second: f64,
    /// What else answered: the last that is not exact, if any was.
    pub by: IndexKind,
    /// Which words of the question were found.
    pub words: WordsUsed,
}

/// What one width of the beam found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecallPoint {
    /// The width.
    pub ef_search: usize,
    /// Share of the neighbors wanted that were found. A neighbor as near as the last one wanted
    /// counts, as in ANN-Benchmarks (Aumueller, Bernhardsson and Faithfull 2018): ties are no fault.
    pub recall: f64,
    /// Of the question with the smallest share.
    pub recall_min: f64,
    /// Questions a second, one after the other.
    pub per_second: f64,
    /// Questions that were answered by comparing every row, because a walk would have cost more or
    /// found too little.
    pub exact_count: usize,
}

/// Asks each question of both indexes. A word's own row is no answer to it, and stored lists of its
/// neighbors are not used.
///
/// # Errors
///
/// As [`resolve`]; `Unsuited` if no question has a direction; or whatever `go_on` says.
pub fn recall(
    table: &View,
    exact: &dyn Index,
    graph: &dyn Index,
    query: &RecallQuery,
    go_on: GoOn<'_>,
) -> Result<RecallAnswer> {
    let drawn;
    let queries = if query.queries.is_empty() {
        drawn = sample(table, (query.sample, query.seed), go_on)?;
        &drawn
    } else {
        &query.queries
    };
    let asked: Vec<_> = queries.iter().collect();
    let (resolved, words) =
        resolve(table, &query.words, &asked, &|i| format!("queries[{i}]"), go_on)?;
    let questions: Vec<Question> = resolved
        .iter()
        .flatten()
        .filter_map(|resolved| {
            Some(Question { unit: resolved.unit()?, own: resolved.inputs().collect() })
        })
        .collect();
    if questions.is_empty() {
        let because = "no question is left that has a direction".to_owned();
        return Err(Error::new(ErrorKind::Unsuited { operation: "recall", because }));
    }
    let began = Instant::now();
    let mut truth = Vec::with_capacity(questions.len());
    for question in &questions {
        go_on()?;
        truth.push(question.ask(exact, query.k, None).0);
    }
    let per_second = |began: Instant| questions.len() as f64 / began.elapsed().as_secs_f64();
    let exact_per_second = per_second(began);
    let mut points = Vec::with_capacity(query.efs.len());
    let mut by = IndexKind::Exact;
    for &ef_search in &query.efs {
        let began = Instant::now();
        let mut found = Vec::with_capacity(questions.len());
        for question in &questions {
            go_on()?;
            found.push(question.ask(graph, query.k, Some(ef_search)));
        }
        let per_second = per_second(began);
        by = found.iter().map(|(_, by)| *by).find(|by| !by.is_exact()).unwrap_or(by);
        let shares: Vec<f64> =
            truth.iter().zip(&found).map(|(truth, (nears, _))| share(truth, nears)).collect();
        points.push(RecallPoint {
            ef_search,
            recall: shares.iter().sum::<f64>() / shares.len() as f64,
            recall_min: shares.iter().copied().fold(1.0, f64::min),
            per_second,
            exact_count: found.iter().filter(|(_, by)| *by == IndexKind::Exact).count(),
        });
    }
    Ok(RecallAnswer { points, query_count: questions.len(), exact_per_second, by, words })
}

struct Question {
    unit: Vec<f32>,
    /// Its own row, if it has one.
    own: Vec<RowId>,
}

impl Question {
    fn ask(&self, index: &dyn Index, k: usize, ef_search: Option<usize>) -> (Vec<Near>, IndexKind) {
        let params = SearchParams {
            exclude: &self.own,
            seeds: &self.own,
            exact: ef_search.is_none(),
            ..SearchParams::new(k, ef_search.unwrap_or(0).max(k + self.own.len()))
        };
        let found = index.search(&self.unit, &params);
        (found.nears, found.by)
    }
}

/// Words of the table, drawn without order or preference.
fn sample(table: &View, (count, seed): (usize, u64), go_on: GoOn<'_>) -> Result<Vec<WordOrVector>> {
    let rows: Vec<RowId> = watched(table.rows(), go_on).collect::<Result<_>>()?;
    let drawn = SplitMix64(seed).sample(rows.len(), count).into_iter();
    Ok(drawn.map(|place| WordOrVector::Row(rows[place])).collect())
}

fn share(truth: &[Near], found: &[Near]) -> f64 {
    let similarities =
        |nears: &[Near]| -> Vec<f32> { nears.iter().map(|near| near.similarity).collect() };
    found_share(&similarities(truth), &similarities(found))
}

/// The share of the nearest rows that was found, by the similarities of both, nearest first. What is as near as the
/// last of the nearest counts.
pub fn found_share(truth: &[f32], found: &[f32]) -> f64 {
    let Some(last) = truth.last() else { return 1.0 };
    let hits = found.iter().filter(|similarity| *similarity >= last).count();
    hits.min(truth.len()) as f64 / truth.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Found;
    use crate::query::golden::{self, Brute};

    /// Forgets every row whose number does not divide by `ef_search`.
    #[derive(Debug)]
    struct Forgetful<'t>(Brute<'t>);

    impl Index for Forgetful<'_> {
        fn search(&self, query: &[f32], params: &SearchParams<'_>) -> Found {
            let mut found = self.0.search(query, params);
            found.nears.retain(|near| near.row.index().is_multiple_of(params.ef_search));
            Found { by: IndexKind::Graph, ..found }
        }

        fn memory_bytes(&self) -> usize {
            0
        }
    }

    #[test]
    fn recall_is_the_share_that_was_found() {
        let table = golden::table();
        let query = RecallQuery {
            queries: Vec::new(),
            sample: 50,
            seed: 1,
            k: 1,
            efs: vec![2, 1_000_003],
            words: WordOptions::default(),
        };
        let (exact, graph) = (Brute(&table), Forgetful(Brute(&table)));
        let ask = |query: &RecallQuery, graph: &dyn Index| {
            recall(&table, &exact, graph, query, &|| Ok(())).unwrap()
        };
        let answer = ask(&query, &graph);
        assert_eq!(answer.query_count, 50);
        assert!((0.3..0.7).contains(&answer.points[0].recall), "{answer:?}");
        assert!(answer.points[1].recall < 0.1);
        let again = ask(&query, &graph);
        let shares = |answer: &RecallAnswer| answer.points.iter().map(|p| p.recall).sum::<f64>();
        assert!((shares(&again) - shares(&answer)).abs() < 1e-12, "the seed says it all");
        let all = ask(&RecallQuery { k: 10, ..query.clone() }, &exact);
        assert!(all.points.iter().all(|point| point.recall > 0.9999 && point.exact_count == 50));
        let stopped =
            recall(&table, &exact, &graph, &query, &|| Err(Error::new(ErrorKind::Cancelled)));
        assert_eq!(*stopped.unwrap_err().kind(), ErrorKind::Cancelled);
    }
}
