//! Which word does not belong?

use crate::error::{Error, ErrorKind, Result};
use crate::query::nearest::weighted_mean;
use crate::query::resolve::resolve;
use crate::query::{GoOn, WordOptions, WordOrVector, WordsUsed};
use crate::table::view::View;
use crate::vector::scalar;

/// The word least like the mean of the set (gensim's `doesnt_match`).
#[derive(Clone, Debug, PartialEq)]
pub struct OddOneOutQuery {
    /// The set; at least 3.
    pub queries: Vec<WordOrVector>,
    /// How words are looked up.
    pub words: WordOptions,
}

/// The answer to an [`OddOneOutQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct OddOneOutAnswer {
    /// Position of the odd one in the question.
    pub odd_index: usize,
    /// Every one that has a vector, the odd one first; ties in the order asked.
    pub ranked: Vec<RankedQuery>,
    /// Which words of the question were found.
    pub words: WordsUsed,
}

/// One of the set, and how like the others it is.
#[derive(Clone, Debug, PartialEq)]
pub struct RankedQuery {
    /// Position in the question.
    pub index: usize,
    /// The word as asked, or that of the row; empty for a vector.
    pub word: String,
    /// Cosine similarity to the mean of the unit vectors, from -1 to 1.
    pub similarity: f32,
}

/// Ranks a set by cosine similarity to the mean of its unit vectors, the least like it first.
///
/// # Errors
///
/// As [`resolve`]; and `Unsuited` if fewer than 3 words are known, or if the vectors cancel out.
pub fn odd_one_out(
    table: &View,
    query: &OddOneOutQuery,
    go_on: GoOn<'_>,
) -> Result<OddOneOutAnswer> {
    let asked: Vec<_> = query.queries.iter().collect();
    let (resolved, words) =
        resolve(table, &query.words, &asked, &|i| format!("queries[{i}]"), go_on)?;
    let known: Vec<_> =
        resolved.iter().enumerate().filter_map(|(i, r)| Some((i, r.as_ref()?))).collect();
    if known.len() < QUERIES_MIN {
        return Err(unsuited(format!(
            "{} of the {} words are in the table, and it takes at least {QUERIES_MIN} to tell \
             which is odd",
            known.len(),
            asked.len()
        )));
    }
    let terms = known.iter().filter_map(|(_, resolved)| Some((resolved.unit()?, 1.0)));
    let Some(mean) = weighted_mean(table.dim(), terms) else {
        return Err(unsuited(
            "the vectors cancel out: there is no mean to compare with".to_owned(),
        ));
    };
    #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1 in size")]
    let ranked = known.iter().map(|&(index, resolved)| RankedQuery {
        index,
        word: resolved.word.clone().into_owned(),
        similarity: scalar::cosine(&resolved.vector, &mean) as f32,
    });
    let mut ranked: Vec<_> = ranked.collect();
    ranked.sort_by(|a, b| a.similarity.total_cmp(&b.similarity));
    Ok(OddOneOutAnswer { odd_index: ranked[0].index, ranked, words })
}

/// Two vectors are equally far from their mean.
const QUERIES_MIN: usize = 3;

fn unsuited(because: String) -> Error {
    Error::new(ErrorKind::Unsuited { operation: "odd one out", because })
}
