//! Where does a word stand among the neighbors of another, and which stand before it?

use crate::error::{Error, ErrorKind, Result};
use crate::query::answer_size::AnswerSize;
use crate::query::filter::Filter;
use crate::query::nearest::{named, rows};
use crate::query::resolve::resolve;
use crate::query::{GoOn, Neighbor, OovPolicy, WordOptions, WordOrVector, WordsUsed};
use crate::steps::watched;
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::row_set::RowSet;
use crate::vector::scalar;
use crate::vector::top::{Near, TopK};

/// The place of `b` among the words that are near to `a` (gensim's `rank` and `closer_than`).
#[derive(Clone, Debug, PartialEq)]
pub struct RankQuery {
    /// Near to what.
    pub a: WordOrVector,
    /// Whose place.
    pub b: WordOrVector,
    /// How many of the words that are nearer are told.
    pub k: usize,
    /// How words are looked up; an unknown one is refused under either policy.
    pub words: WordOptions,
    /// Which rows are counted. Whoever asks hands over the rows that it lets through.
    pub filter: Option<Filter>,
}

/// The answer to a [`RankQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct RankAnswer {
    /// 1 for the nearest: one more than the rows nearer to `a` than `b` is, `a` itself left out (of a text, its words).
    pub rank: usize,
    /// Cosine of the two.
    pub similarity: f32,
    /// The first of the rows that are nearer; nearest first, ties in row order.
    pub closer: Vec<Neighbor>,
    /// Rows that were compared.
    pub row_count: usize,
    /// How the words were found.
    pub words: WordsUsed,
}

/// Compares every row with `a`, in double precision.
///
/// # Errors
///
/// As [`resolve`], with unknown words refused; `Unsuited` if `a` is all zeros; whatever `go_on` says.
pub fn rank(
    table: &View,
    query: &RankQuery,
    allowed: Option<&RowSet>,
    go_on: GoOn<'_>,
) -> Result<RankAnswer> {
    let options = WordOptions { oov: OovPolicy::Error, ..query.words.clone() };
    let field = |i: usize| ["a", "b"][i].to_owned();
    let (resolved, words) = resolve(table, &options, &[&query.a, &query.b], &field, go_on)?;
    let [Some(a), Some(b)] = &resolved[..] else {
        return Err(Error::new(ErrorKind::Internal));
    };
    let norm = scalar::norm(&a.vector);
    if norm <= 0.0 {
        let because = "the vector of a is all zeros: nothing is near to it".to_owned();
        return Err(Error::new(ErrorKind::Unsuited { operation: "rank", because }));
    }
    let (own, others) = (rows([a].into_iter()), rows([b].into_iter()));
    let is_of = |rows: &[RowId], row: RowId| rows.binary_search(&row).is_ok();
    let threshold = scalar::cosine_of(&b.vector, &a.vector, norm);
    let (mut nearer, mut row_count) = (0, 0);
    let mut top = TopK::new(query.k);
    for row in watched(table.rows(), go_on) {
        let row = row?;
        if allowed.is_some_and(|allowed| !allowed.has(row)) || is_of(&own, row) {
            continue;
        }
        row_count += 1;
        let similarity = scalar::cosine_of(&table.vector(row), &a.vector, norm);
        if similarity > threshold && !is_of(&others, row) {
            nearer += 1;
            #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1 in size")]
            top.push(Near { row, similarity: similarity as f32 });
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1 in size")]
    let similarity = threshold as f32;
    let closer = named(table, top.into_sorted(), &mut AnswerSize::default())?;
    Ok(RankAnswer { rank: nearer + 1, similarity, closer, row_count, words })
}
