//! Looks up all words of a question at once: what each stands for, and which ones the table lacks.

use std::borrow::Cow;
use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::error::{Context as _, Error, ErrorKind, Result, Violation};
use crate::query::{OovPolicy, Preprocessor, ResolvedWord, WordOptions, WordOrVector, WordsUsed};
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::algebra;

/// What a word, row or vector of a question stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved<'a> {
    /// The vector, as imported or as given.
    pub vector: &'a [f32],
    /// The table's row; none for a vector of one's own.
    pub row: Option<RowId>,
    /// The word as asked, or that of the row; empty for a vector.
    pub word: Cow<'a, str>,
}

impl Resolved<'_> {
    /// Its vector at length 1; none if that is all zeros.
    pub fn unit(&self) -> Option<Vec<f32>> {
        algebra::unit(self.vector)
    }
}

/// Words up to which looking through those already found is faster than a map of them.
const FEW: usize = 16;

/// What the words, rows and vectors of a question stand for, one each, in the order asked; none for
/// an unknown word under [`OovPolicy::Skip`].
///
/// The answer tells each word once, in the order first asked. `field` names the field at a position
/// of `asked`, such as `positive[2]`, for errors.
///
/// # Errors
///
/// In this order: `DimensionMismatch` and `NotFinite` for the first such vector; `InvalidArgument`
/// naming every row that the table does not have; under [`OovPolicy::Error`], `UnknownWords` naming
/// every unknown word.
pub fn resolve<'a>(
    table: &'a View,
    options: &WordOptions,
    asked: &[&'a WordOrVector],
    field: &dyn Fn(usize) -> String,
) -> Result<(Vec<Option<Resolved<'a>>>, WordsUsed)> {
    let mut words = WordsUsed::default();
    let mut before = (asked.len() > FEW).then(HashMap::new);
    let mut violations = Vec::new();
    let mut resolved = Vec::with_capacity(asked.len());
    for (i, asked) in asked.iter().enumerate() {
        resolved.push(match asked {
            WordOrVector::Word(word) => {
                let row = match &mut before {
                    None => look_up_once(table, options, word, &mut words),
                    Some(before) => *before
                        .entry(word.as_str())
                        .or_insert_with(|| look_up(table, options, word, &mut words)),
                };
                row.map(|row| of_row(table, row, Cow::Borrowed(word.as_str())))
            }
            WordOrVector::Row(row) if table.has(*row) => {
                Some(of_row(table, *row, table.shown(*row)))
            }
            WordOrVector::Row(row) => {
                let problem = if row.index() < table.rows_end() {
                    format!("row {row} is not in the table: its word was deleted")
                } else {
                    let last = table.rows_end() - 1;
                    format!("row {row} is not in the table: its last row is {last}")
                };
                violations.push(Violation { field: format!("{}.row", field(i)), problem });
                None
            }
            WordOrVector::Vector(vector) => {
                check(table, vector, || format!("{}.vector", field(i)))?;
                Some(Resolved { vector, row: None, word: Cow::Borrowed("") })
            }
        });
    }
    if !violations.is_empty() {
        return Err(Error::new(ErrorKind::InvalidArgument { violations }));
    }
    match options.oov {
        OovPolicy::Error if !words.unknown.is_empty() => {
            Err(Error::new(ErrorKind::UnknownWords { words: words.unknown }))
        }
        OovPolicy::Error | OovPolicy::Skip => Ok((resolved, words)),
    }
}

/// The first way of writing a word that the table has, and its row.
pub fn find<'w>(
    table: &View,
    preprocessors: &[Preprocessor],
    word: &'w str,
) -> Option<(Cow<'w, str>, RowId)> {
    if preprocessors.is_empty() {
        return Some((Cow::Borrowed(word), table.row(word.as_bytes())?));
    }
    preprocessors.iter().find_map(|preprocessor| {
        let form = preprocessor.apply(word);
        let row = table.row(form.as_bytes())?;
        Some((form, row))
    })
}

impl Preprocessor {
    /// The word written this way: lower case first, then without marks. What is left is composed
    /// again (NFC), as in gensim's `deaccent`, or every Korean syllable would fall apart.
    pub fn apply(self, word: &str) -> Cow<'_, str> {
        let word = if self.lowercase { Cow::Owned(word.to_lowercase()) } else { word.into() };
        if !self.strip_accents || word.is_ascii() {
            return word;
        }
        word.nfd().filter(|&c| !is_combining_mark(c)).nfc().collect::<String>().into()
    }
}

/// As `look_up`, for a question of few words: one that was asked before is not told twice.
fn look_up_once(
    table: &View,
    options: &WordOptions,
    asked: &str,
    words: &mut WordsUsed,
) -> Option<RowId> {
    if let Some(before) = words.found.iter().find(|found| found.asked == asked) {
        return Some(before.row);
    }
    if words.unknown.iter().any(|unknown| unknown == asked) {
        return None;
    }
    look_up(table, options, asked, words)
}

fn look_up(
    table: &View,
    options: &WordOptions,
    asked: &str,
    words: &mut WordsUsed,
) -> Option<RowId> {
    let Some((found, row)) = find(table, &options.preprocessors, asked) else {
        words.unknown.push(asked.to_owned());
        return None;
    };
    let found = found.into_owned();
    words.found.push(ResolvedWord { asked: asked.to_owned(), found, row });
    Some(row)
}

fn of_row<'a>(table: &'a View, row: RowId, word: Cow<'a, str>) -> Resolved<'a> {
    Resolved { vector: table.vector(row), row: Some(row), word }
}

fn check(table: &View, vector: &[f32], field: impl Fn() -> String) -> Result<()> {
    let (expected, got) = (table.dim(), vector.len());
    if expected != got {
        return Err(Error::new(ErrorKind::DimensionMismatch { expected, got })).context(field);
    }
    match vector.iter().position(|value| !value.is_finite()) {
        Some(i) => Err(Error::new(ErrorKind::NotFinite { at: format!("{}.values[{i}]", field()) })),
        None => Ok(()),
    }
}
