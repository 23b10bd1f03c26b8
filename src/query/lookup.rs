//! Which vectors do words have?

use crate::error::Result;
use crate::query::resolve::resolve;
use crate::query::{WordOptions, WordOrVector, WordsUsed};
use crate::table::attributes::Attributes;
use crate::table::view::View;
use crate::vector::RowId;

/// Vectors of words or rows are wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct LookupQuery {
    /// Words or rows; a vector is passed over.
    pub queries: Vec<WordOrVector>,
    /// Vectors at length 1 in place of the stored ones.
    pub unit: bool,
    /// How words are looked up.
    pub words: WordOptions,
}

/// The answer to a [`LookupQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct LookupAnswer {
    /// One a query, in the order asked; none for an unknown word that is skipped.
    pub vectors: Vec<Option<WordVector>>,
    /// Which words of the question were found.
    pub words: WordsUsed,
}

/// A word with its vector.
#[derive(Clone, Debug, PartialEq)]
pub struct WordVector {
    /// The word's bytes, which should be UTF-8.
    pub word: Vec<u8>,
    /// Its row.
    pub row: RowId,
    /// As imported, or at length 1; a vector of zeros stays so.
    pub vector: Vec<f32>,
    /// Euclidean length as imported.
    pub norm: f32,
    /// What else is known of the word.
    pub attributes: Attributes,
}

/// Looks up words and rows.
///
/// # Errors
///
/// As [`resolve`].
pub fn lookup(table: &View, query: &LookupQuery) -> Result<LookupAnswer> {
    let asked: Vec<_> = query.queries.iter().collect();
    let (resolved, words) = resolve(table, &query.words, &asked, &|i| format!("queries[{i}]"))?;
    let vector = |row: RowId| WordVector {
        word: table.word(row).to_vec(),
        row,
        vector: if query.unit { table.unit(row) } else { table.vector(row).to_vec() },
        norm: table.norm(row),
        attributes: table.attributes(row).cloned().unwrap_or_default(),
    };
    let vectors = resolved.into_iter().map(|found| found?.row.map(vector)).collect();
    Ok(LookupAnswer { vectors, words })
}
