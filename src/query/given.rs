//! Which of the given words is nearest, and how near compared with the nearest of all?

use crate::error::{Error, ErrorKind, Result};
use crate::index::{Index, SearchParams};
use crate::query::nearest::{rows, weighted_mean};
use crate::query::odd_one_out::RankedQuery;
use crate::query::resolve::{Resolved, resolve};
use crate::query::{GoOn, OovPolicy, WordOptions, WordOrVector, WordsUsed};
use crate::table::view::View;
use crate::vector::scalar;

/// The candidates by their similarity to a word (gensim's `most_similar_to_given`).
#[derive(Clone, Debug, PartialEq)]
pub struct GivenQuery {
    /// Near to what.
    pub query: WordOrVector,
    /// Which of these.
    pub candidates: Vec<WordOrVector>,
    /// How words are looked up.
    pub words: WordOptions,
}

/// The members of a set by their similarity to its mean (gensim's `rank_by_centrality`).
#[derive(Clone, Debug, PartialEq)]
pub struct CentralityQuery {
    /// The set.
    pub queries: Vec<WordOrVector>,
    /// How words are looked up.
    pub words: WordOptions,
}

/// Words in an order.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedAnswer {
    /// Every one that has a vector, the nearest first; ties in the order asked.
    pub ranked: Vec<RankedQuery>,
    /// How the words were found.
    pub words: WordsUsed,
}

/// The similarity of two words over the sum of those of the nearest (Leeuwenberg et al. 2016).
#[derive(Clone, Debug, PartialEq)]
pub struct RelativeCosineQuery {
    /// Whose neighbors.
    pub a: WordOrVector,
    /// Compared with which word.
    pub b: WordOrVector,
    /// How many neighbors are summed.
    pub k: usize,
    /// How words are looked up; an unknown one is refused under either policy.
    pub words: WordOptions,
}

/// The answer to a [`RelativeCosineQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct RelativeCosineAnswer {
    /// cos(a, b) over the sum; synonyms have more than 1/k (Leeuwenberg et al. 2016).
    pub relative: f64,
    /// cos(a, b).
    pub similarity: f32,
    /// Cosines of the k nearest rows of a.
    pub neighbors_sum: f64,
    /// How the words were found.
    pub words: WordsUsed,
}

/// Orders candidates.
///
/// # Errors
///
/// As [`resolve`]; `Unsuited` if the word is all zeros, or no candidate is known.
pub fn most_similar_to_given(
    table: &View,
    query: &GivenQuery,
    go_on: GoOn<'_>,
) -> Result<RankedAnswer> {
    let asked: Vec<_> = std::iter::once(&query.query).chain(&query.candidates).collect();
    let field = |i: usize| match i.checked_sub(1) {
        None => "query".to_owned(),
        Some(i) => format!("candidates[{i}]"),
    };
    let (resolved, words) = resolve(table, &query.words, &asked, &field, go_on)?;
    let goal = resolved[0].as_ref().and_then(Resolved::unit);
    let Some(goal) = goal else {
        return Err(unsuited("the word is unknown, or its vector is all zeros"));
    };
    ranked(&goal, &resolved[1..], words)
}

/// Orders the members of a set.
///
/// # Errors
///
/// As [`resolve`]; `Unsuited` if no word is known, or the vectors cancel out.
pub fn rank_by_centrality(
    table: &View,
    query: &CentralityQuery,
    go_on: GoOn<'_>,
) -> Result<RankedAnswer> {
    let asked: Vec<_> = query.queries.iter().collect();
    let (resolved, words) =
        resolve(table, &query.words, &asked, &|i| format!("queries[{i}]"), go_on)?;
    let units = resolved.iter().flatten().filter_map(|resolved| Some((resolved.unit()?, 1.0)));
    let Some(mean) = weighted_mean(table.dim(), units) else {
        return Err(unsuited("no word is known, or the vectors cancel out: there is no center"));
    };
    ranked(&mean, &resolved, words)
}

fn ranked(
    goal: &[f32],
    resolved: &[Option<Resolved<'_>>],
    words: WordsUsed,
) -> Result<RankedAnswer> {
    let known = resolved.iter().enumerate().filter_map(|(i, r)| Some((i, r.as_ref()?)));
    #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1 in size")]
    let ranked = known.map(|(index, resolved)| RankedQuery {
        index,
        word: resolved.word.clone().into_owned(),
        similarity: scalar::cosine(&resolved.vector, goal) as f32,
    });
    let mut ranked: Vec<_> = ranked.collect();
    if ranked.is_empty() {
        return Err(unsuited("none of the words is in the table"));
    }
    ranked.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
    Ok(RankedAnswer { ranked, words })
}

/// Compares a similarity with those of the nearest rows, found by comparing every row.
///
/// # Errors
///
/// As [`resolve`], with unknown words refused; `Unsuited` if a is all zeros or its neighbors'
/// similarities sum up to nothing.
pub fn relative_cosine(
    table: &View,
    index: &dyn Index,
    query: &RelativeCosineQuery,
    go_on: GoOn<'_>,
) -> Result<RelativeCosineAnswer> {
    let options = WordOptions { oov: OovPolicy::Error, ..query.words.clone() };
    let field = |i: usize| ["a", "b"][i].to_owned();
    let (resolved, words) = resolve(table, &options, &[&query.a, &query.b], &field, go_on)?;
    let [Some(a), Some(b)] = &resolved[..] else {
        return Err(Error::new(ErrorKind::Internal));
    };
    let goal = a.unit().ok_or_else(|| unsuited("the vector of a is all zeros"))?;
    let exclude = rows([a].into_iter());
    let params = SearchParams {
        exclude: &exclude,
        row: a.row,
        exact: true,
        ..SearchParams::new(query.k, query.k)
    };
    let nears = index.search(&goal, &params).nears;
    let neighbors_sum: f64 = nears.iter().map(|near| f64::from(near.similarity)).sum();
    if neighbors_sum <= 0.0 {
        return Err(unsuited("the neighbors' similarities do not sum up to more than 0"));
    }
    let similarity = scalar::cosine(&a.vector, &b.vector);
    #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1 in size")]
    Ok(RelativeCosineAnswer {
        relative: similarity / neighbors_sum,
        similarity: similarity as f32,
        neighbors_sum,
        words,
    })
}

fn unsuited(because: &str) -> Error {
    Error::new(ErrorKind::Unsuited { operation: "ranking", because: because.to_owned() })
}
