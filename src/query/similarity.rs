//! How alike are two words?

use crate::error::Result;
use crate::query::resolve::resolve;
use crate::query::{GoOn, WordOptions, WordOrVector, WordsUsed};
use crate::table::view::View;
use crate::vector::scalar;

/// The cosine similarity of pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct SimilarityQuery {
    /// The pairs.
    pub pairs: Vec<(WordOrVector, WordOrVector)>,
    /// How words are looked up.
    pub words: WordOptions,
}

/// The answer to a [`SimilarityQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct SimilarityAnswer {
    /// One a pair, in the order asked, from -1 to 1: 0 if one of the two is all zeros, none if one
    /// is an unknown word that was skipped.
    pub similarities: Vec<Option<f32>>,
    /// Which words of the question were found.
    pub words: WordsUsed,
}

/// The cosine similarity of each pair.
///
/// # Errors
///
/// As [`resolve`], with whatever `go_on` says.
pub fn similarity(
    table: &View,
    query: &SimilarityQuery,
    go_on: GoOn<'_>,
) -> Result<SimilarityAnswer> {
    let asked: Vec<_> = query.pairs.iter().flat_map(|(a, b)| [a, b]).collect();
    let field =
        |i: usize| format!("pairs[{}].{}", i / 2, if i.is_multiple_of(2) { "a" } else { "b" });
    let (resolved, words) = resolve(table, &query.words, &asked, &field, go_on)?;
    #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1 in size")]
    let cosine = |a: &[f32], b: &[f32]| scalar::cosine(a, b) as f32;
    let similarities = resolved.chunks_exact(2).map(|pair| match pair {
        [Some(a), Some(b)] => Some(cosine(&a.vector, &b.vector)),
        [..] => None,
    });
    Ok(SimilarityAnswer { similarities: similarities.collect(), words })
}
