//! How alike are two sets of words?

use crate::error::{Error, ErrorKind, Result};
use crate::query::resolve::{Resolved, resolve};
use crate::query::{GoOn, WordOptions, WordOrVector, WordsUsed};
use crate::table::view::View;
use crate::vector::algebra;
use crate::vector::scalar;

/// The cosine similarity of the means of two sets (gensim's `n_similarity`).
#[derive(Clone, Debug, PartialEq)]
pub struct SetSimilarityQuery {
    /// The two sets.
    pub sets: [Vec<WordOrVector>; 2],
    /// Whether each vector is brought to length 1 before the mean; gensim takes them as they are.
    pub unit: bool,
    /// How words are looked up.
    pub words: WordOptions,
}

/// The answer to a [`SetSimilarityQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct SetSimilarityAnswer {
    /// Cosine of the two means, from -1 to 1.
    pub similarity: f32,
    /// Mean cosine of all pairs across the sets.
    pub mean_pair_similarity: f32,
    /// Words that each mean was made of.
    pub counts: [usize; 2],
    /// How the words were found.
    pub words: WordsUsed,
}

/// Compares two sets by their means.
///
/// # Errors
///
/// As [`resolve`]; `Unsuited` if no word of a set is known or its vectors cancel out.
pub fn set_similarity(
    table: &View,
    query: &SetSimilarityQuery,
    go_on: GoOn<'_>,
) -> Result<SetSimilarityAnswer> {
    let split = query.sets[0].len();
    let asked: Vec<_> = query.sets.iter().flatten().collect();
    let field = |i: usize| match i.checked_sub(split) {
        None => format!("a[{i}]"),
        Some(i) => format!("b[{i}]"),
    };
    let (resolved, words) = resolve(table, &query.words, &asked, &field, go_on)?;
    let mut resolved = resolved.into_iter();
    let mut side = |count| -> Vec<Resolved<'_>> {
        resolved.by_ref().take(count).flatten().flat_map(|found| found.members(table)).collect()
    };
    let (a, b) = (side(split), side(query.sets[1].len()));
    let counts = [a.len(), b.len()];
    let mean = |side: &[Resolved<'_>], name: &str, unit: bool| {
        let mut sum = vec![0.0; table.dim()];
        for resolved in side {
            let norm = scalar::norm(&resolved.vector);
            let weight = if unit && norm > 0.0 { 1.0 / norm } else { 1.0 };
            algebra::add(&mut sum, weight, &resolved.vector);
        }
        if side.is_empty() {
            return Err(unsuited(format!("no word of set {name} is in the table")));
        }
        Ok(sum)
    };
    let unit_mean = |side, name, unit| {
        let cancels = || unsuited(format!("the vectors of set {name} cancel out"));
        algebra::unit_sum(&mean(side, name, unit)?).ok_or_else(cancels)
    };
    let means = (unit_mean(&a, "a", query.unit)?, unit_mean(&b, "b", query.unit)?);
    let units = (mean(&a, "a", true)?, mean(&b, "b", true)?);
    let pairs: f64 = units.0.iter().zip(&units.1).map(|(x, y)| x * y).sum();
    #[expect(clippy::cast_possible_truncation, reason = "cosines are at most 1 in size")]
    Ok(SetSimilarityAnswer {
        similarity: scalar::cosine(&means.0, &means.1) as f32,
        mean_pair_similarity: (pairs / (counts[0] * counts[1]) as f64) as f32,
        counts,
        words,
    })
}

fn unsuited(because: String) -> Error {
    Error::new(ErrorKind::Unsuited { operation: "set similarity", because })
}
