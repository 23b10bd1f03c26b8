//! Which vectors do words have?

use crate::error::Result;
use crate::query::answer_size::{AnswerSize, BESIDE, attribute_bytes, word_bytes};
use crate::query::resolve::{Resolved, resolve};
use crate::query::{GoOn, OovPolicy, WordOptions, WordOrVector, WordsUsed};
use crate::table::attributes::Attributes;
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::scalar;

/// Vectors of words or rows are wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct LookupQuery {
    /// Words or rows; a vector is passed over.
    pub queries: Vec<WordOrVector>,
    /// Vectors at length 1 in place of the stored ones.
    pub unit: bool,
    /// How the answer is laid out.
    pub layout: Layout,
    /// How words are looked up.
    pub words: WordOptions,
}

/// How the answer to a look-up is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Each vector with its word, number by number.
    #[default]
    Values,
    /// Each vector with its word, as bytes.
    Packed,
    /// All vectors as one matrix, without their words, of which is told only which were not found.
    Matrix,
}

/// The answer to a [`LookupQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct LookupAnswer {
    /// One a query, in the order asked; none for an unknown word that is skipped. Empty if a matrix was asked for.
    pub vectors: Vec<Option<WordVector>>,
    /// All vectors, if a matrix was asked for.
    pub matrix: Option<Matrix>,
    /// How the answer is laid out.
    pub layout: Layout,
    /// Which words of the question were found.
    pub words: WordsUsed,
}

/// Vectors one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// Little-endian, four bytes a component; zeros for an unknown word that is skipped.
    pub packed: Vec<u8>,
    /// Components of a vector.
    pub dim: usize,
    /// Which queries have unknown words that are skipped, ascending.
    pub missing: Vec<usize>,
}

/// A word with its vector.
#[derive(Clone, Debug, PartialEq)]
pub struct WordVector {
    /// The word's bytes, which should be UTF-8.
    pub word: Vec<u8>,
    /// Its row; none if the vector was made.
    pub row: Option<RowId>,
    /// How the vector of a word was made that the table does not have.
    pub made_by: Option<OovPolicy>,
    /// As imported, or at length 1; a vector of zeros stays so.
    pub vector: Vec<f32>,
    /// Euclidean length as imported, or made.
    pub norm: f32,
    /// What else is known of the word.
    pub attributes: Attributes,
}

/// Looks up words and rows.
///
/// # Errors
///
/// As [`resolve`], with whatever `go_on` says.
pub fn lookup(table: &View, query: &LookupQuery, go_on: GoOn<'_>) -> Result<LookupAnswer> {
    let asked: Vec<_> = query.queries.iter().collect();
    let layout = query.layout;
    let options = WordOptions { found_untold: layout == Layout::Matrix, ..query.words.clone() };
    let field = |i| format!("queries[{i}]");
    let (resolved, words) = resolve(table, &options, &asked, &field, go_on)?;
    let (vectors, matrix) = match layout {
        Layout::Values | Layout::Packed => (rows(table, &resolved, query.unit)?, None),
        Layout::Matrix => (Vec::new(), Some(matrix(table, &resolved, query.unit)?)),
    };
    Ok(LookupAnswer { vectors, matrix, layout, words })
}

/// Each vector with its word.
fn rows(
    table: &View,
    resolved: &[Option<Resolved<'_>>],
    unit: bool,
) -> Result<Vec<Option<WordVector>>> {
    fits(table, resolved)?;
    let of_row = |row: RowId| WordVector {
        word: table.word(row).to_vec(),
        row: Some(row),
        made_by: None,
        vector: if unit { table.unit(row) } else { table.vector(row).to_vec() },
        norm: table.norm(row),
        attributes: table.attributes(row).to_attributes(),
    };
    #[expect(clippy::cast_possible_truncation, reason = "norms are kept in single precision")]
    let made = |found: &Resolved<'_>| WordVector {
        word: found.word.as_bytes().to_vec(),
        row: None,
        made_by: found.made_by,
        vector: found.unit().filter(|_| unit).unwrap_or_else(|| found.vector.to_vec()),
        norm: scalar::norm(&found.vector) as f32,
        attributes: Attributes::default(),
    };
    let vector = |found: &Resolved<'_>| match (found.row, found.made_by) {
        (Some(row), None) => of_row(row),
        (None, _) | (_, Some(_)) => made(found),
    };
    Ok(resolved.iter().map(|found| found.as_ref().map(vector)).collect())
}

/// All vectors, one after the other.
fn matrix(table: &View, resolved: &[Option<Resolved<'_>>], unit: bool) -> Result<Matrix> {
    let (dim, bytes) = (table.dim(), table.dim() * size_of::<f32>());
    let mut size = AnswerSize::default();
    resolved.iter().try_for_each(|_| size.add(bytes))?;
    let mut packed = Vec::with_capacity(resolved.len() * bytes);
    let mut missing = Vec::new();
    for (i, found) in resolved.iter().enumerate() {
        let Some(found) = found else {
            missing.push(i);
            packed.resize(packed.len() + bytes, 0);
            continue;
        };
        let at_length_1 = match (found.row, found.made_by) {
            _ if !unit => None,
            (Some(row), None) => Some(table.unit(row)),
            (None, _) | (_, Some(_)) => found.unit(),
        };
        let vector = at_length_1.as_deref().unwrap_or(&found.vector);
        packed.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
    }
    Ok(Matrix { packed, dim, missing })
}

/// An error if an answer with these vectors has no room in a message.
fn fits(table: &View, resolved: &[Option<Resolved<'_>>]) -> Result<()> {
    let bytes = |found: &Resolved<'_>| {
        let attributes = found.row.map_or(0, |row| attribute_bytes(table.attributes(row)));
        let word = found.row.map_or(found.word.len(), |row| word_bytes(table.word(row)));
        table.dim() * size_of::<f32>() + word + attributes + BESIDE
    };
    let mut size = AnswerSize::default();
    resolved.iter().try_for_each(|found| size.add(found.as_ref().map_or(0, bytes)))
}
