//! How alike are all words of a list to all of another?

use crate::error::Result;
use crate::query::resolve::{Resolved, resolve};
use crate::query::{GoOn, WordOptions, WordOrVector, WordsUsed};
use crate::table::view::View;
use crate::vector::scalar;

/// The cosine similarity of every row with every column.
#[derive(Clone, Debug, PartialEq)]
pub struct SimilarityMatrixQuery {
    /// The rows.
    pub rows: Vec<WordOrVector>,
    /// The columns; none: the rows again.
    pub columns: Vec<WordOrVector>,
    /// How words are looked up.
    pub words: WordOptions,
}

/// The answer to a [`SimilarityMatrixQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct SimilarityMatrixAnswer {
    /// Position and word of each row that has a vector.
    pub rows: Vec<(usize, String)>,
    /// Likewise of each column.
    pub columns: Vec<(usize, String)>,
    /// Cosines, row by row, from -1 to 1; 0 where a vector is all zeros.
    pub similarities: Vec<f32>,
    /// How the words were found.
    pub words: WordsUsed,
}

/// Compares every row with every column.
///
/// # Errors
///
/// As [`resolve`], with whatever `go_on` says.
pub fn similarity_matrix(
    table: &View,
    query: &SimilarityMatrixQuery,
    go_on: GoOn<'_>,
) -> Result<SimilarityMatrixAnswer> {
    let split = query.rows.len();
    let asked: Vec<_> = query.rows.iter().chain(&query.columns).collect();
    let field = |i: usize| match i.checked_sub(split) {
        None => format!("rows[{i}]"),
        Some(i) => format!("columns[{i}]"),
    };
    let (resolved, words) = resolve(table, &query.words, &asked, &field, go_on)?;
    let (rows, columns) = resolved.split_at(split);
    let columns = if query.columns.is_empty() { rows } else { columns };
    let known = |side: &[Option<Resolved<'_>>]| -> Vec<(usize, String)> {
        let known = side.iter().enumerate().filter_map(|(i, r)| Some((i, r.as_ref()?)));
        known.map(|(i, resolved)| (i, resolved.word.clone().into_owned())).collect()
    };
    let norms: Vec<f64> = columns.iter().flatten().map(|r| scalar::norm(&r.vector)).collect();
    let mut similarities = Vec::with_capacity(rows.len() * columns.len());
    for row in rows.iter().flatten() {
        go_on()?;
        for (column, &norm) in columns.iter().flatten().zip(&norms) {
            #[expect(clippy::cast_possible_truncation, reason = "a cosine is at most 1 in size")]
            similarities.push(scalar::cosine_of(&row.vector, &column.vector, norm) as f32);
        }
    }
    Ok(SimilarityMatrixAnswer { rows: known(rows), columns: known(columns), similarities, words })
}
