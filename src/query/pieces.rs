//! Which rows do the pieces of a text, or of an unknown word, have?

use std::collections::{HashMap, HashSet};
use std::ops::Deref;

use crate::error::{Error, ErrorKind, Result};
use crate::query::resolve::{Telling, make};
use crate::query::tokenize::{find_token, knows};
use crate::query::{GoOn, MadeWord, OovPolicy, ResolvedWord, UsedText, WordOptions};
use crate::steps::watched;
use crate::table::view::View;
use crate::text::Token;
use crate::text::cutter::FALLBACK;
use crate::text::special::Role;
use crate::text::tokenizer::{CutOptions, Tokenizer};
use crate::vector::RowId;
use crate::vector::algebra;

/// A piece, as it is written.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) spelling: String,
    /// The form that the table has, and its row.
    pub(super) found: Option<(String, RowId)>,
}

/// What cuts the texts of a question; none if neither the question nor the table says.
fn tokenizer(table: &View, name: &str) -> Result<Option<(String, Tokenizer)>> {
    if let Some(cutter) = table.cutter() {
        return cutter.tokenizer(name);
    }
    if name.is_empty() {
        return Ok(None);
    }
    let not_found = || Error::new(ErrorKind::TokenizerNotFound { name: name.to_owned() });
    let tokenizer = Tokenizer::named(name).ok_or_else(not_found)?;
    Ok(Some((name.to_owned(), tokenizer)))
}

/// What cuts the texts of a question.
pub(super) fn tokenizer_of_texts(
    table: &View,
    options: &WordOptions,
) -> Result<(String, Tokenizer)> {
    let fallback = || Tokenizer::named(FALLBACK).map(|tokenizer| (FALLBACK.to_owned(), tokenizer));
    let named = tokenizer(table, &options.tokenizer)?.or_else(fallback);
    named.ok_or_else(|| Error::new(ErrorKind::Internal))
}

/// Cuts a text; what a tokenizer puts around it is left out.
pub(super) fn cut(
    table: &View,
    options: &WordOptions,
    tokenizer: &Tokenizer,
    text: &str,
) -> Result<Vec<Piece>> {
    let unknown = tokenizer.specials().of_role(Role::Unknown).map(|special| special.id);
    let bare = CutOptions { bare: true, ..CutOptions::default() };
    let mut pieces = Vec::new();
    tokenizer.each(text, &bare, Some(&knows(table, options)), &mut |id, bytes, is_special| {
        let piece = String::from_utf8_lossy(&text.as_bytes()[bytes.clone()]);
        // The row of what stands for the unknown tells nothing of this piece.
        if id.is_some() && id == unknown {
            pieces.push(Piece { spelling: piece.into_owned(), found: None });
            return;
        }
        let token = Token { id, bytes, chars: 0..0, is_special };
        let spelling = tokenizer.spelling(&token, text);
        let found = find_token(table, options, &spelling, &piece);
        let found = found.map(|(form, row)| (form.into_owned(), row));
        pieces.push(Piece { spelling: spelling.into_owned(), found });
    })?;
    Ok(pieces)
}

/// The pieces of a word that the table does not have.
///
/// # Errors
///
/// `Unsuited` if neither the question nor the table names a tokenizer; if that refuses the word.
pub(super) fn of_word(table: &View, options: &WordOptions, word: &str) -> Result<Vec<Piece>> {
    let Some((_, tokenizer)) = tokenizer(table, &options.tokenizer)? else {
        let operation = "cutting unknown words";
        let because = "it has no tokenizer: name one, or give the table one".to_owned();
        return Err(Error::new(ErrorKind::Unsuited { operation, because }));
    };
    cut(table, options, &tokenizer, word)
}

/// The mean of raw vectors.
pub(super) fn mean(dim: usize, vectors: impl Iterator<Item: Deref<Target = [f32]>>) -> Vec<f32> {
    let mut sum = vec![0.0; dim];
    let mut count = 0.0;
    for vector in vectors {
        algebra::add(&mut sum, 1.0, &vector);
        count += 1.0;
    }
    divided(&sum, count)
}

#[expect(clippy::cast_possible_truncation, reason = "the mean of single floats is one")]
fn divided(sum: &[f64], by: f64) -> Vec<f32> {
    sum.iter().map(|value| (value / f64::max(by, 1.0)) as f32).collect()
}

/// A text as a vector.
#[derive(Debug, Default)]
pub(super) struct TextMean {
    pub(super) used: UsedText,
    /// The mean of the unit vectors of its words; none if it has no word that is known.
    pub(super) vector: Option<Vec<f32>>,
    /// Rows of its words, each once.
    pub(super) rows: Vec<RowId>,
}

/// The mean of the unit vectors of a text's words. Words that a policy makes vectors of are told.
///
/// # Errors
///
/// If there is no such tokenizer, or if it refuses the text; `Unsuited` if the table has nothing that
/// the policy makes vectors of; whatever `go_on` says.
pub(super) fn of_text(
    table: &View,
    options: &WordOptions,
    text: &str,
    telling: &mut Telling,
    go_on: GoOn<'_>,
) -> Result<TextMean> {
    let (name, tokenizer) = tokenizer_of_texts(table, options)?;
    let pieces = cut(table, options, &tokenizer, text)?;
    let mut mean = TextMean::default();
    mean.used.tokenizer = name;
    mean.used.token_count = pieces.len();
    let mut sum = vec![0.0; table.dim()];
    let mut counts: HashMap<RowId, f64> = HashMap::new();
    let mut missed = HashMap::new();
    for piece in watched(pieces, go_on) {
        let Piece { spelling, found } = piece?;
        let Some((found, row)) = found else {
            *missed.entry(spelling.clone()).or_insert_with(|| {
                mean.used.unknown.push(spelling);
                0.0
            }) += 1.0;
            continue;
        };
        mean.used.used_count += 1;
        *counts.entry(row).or_insert_with(|| {
            mean.rows.push(row);
            mean.used.words.push(ResolvedWord { asked: spelling, found, row });
            0.0
        }) += 1.0;
    }
    let mut total = 0.0;
    for row in watched(&mean.rows, go_on) {
        let row = row?;
        let count = counts[row];
        algebra::add(&mut sum, count, &table.unit(*row));
        total += count;
    }
    if matches!(options.oov, OovPolicy::Unk | OovPolicy::Subword | OovPolicy::Random) {
        let unknown = std::mem::take(&mut mean.used.unknown);
        for word in watched(unknown, go_on) {
            let word = word?;
            let Some(made) = make(table, options, &word)? else {
                mean.used.unknown.push(word);
                continue;
            };
            let count = missed[&word];
            if let Some(unit) = algebra::unit(&made.vector) {
                algebra::add(&mut sum, count, &unit);
            }
            total += count;
            mean.rows.extend(made.row);
            telling.make(&made, &word, options.oov);
        }
    }
    mean.vector = (total > 0.0).then(|| divided(&sum, total));
    Ok(mean)
}

/// The rows of pieces, and what is told of those that have none.
pub(super) fn known(pieces: Vec<Piece>) -> (Vec<ResolvedWord>, Vec<String>) {
    let mut unknown = Vec::new();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for Piece { spelling, found: row } in pieces {
        match row {
            Some((form, row)) => found.push(ResolvedWord { asked: spelling, found: form, row }),
            None if seen.insert(spelling.clone()) => unknown.push(spelling),
            None => {}
        }
    }
    (found, unknown)
}

/// A vector that was made for a word that the table does not have.
#[derive(Debug)]
pub(super) struct Made<'a> {
    pub(super) vector: std::borrow::Cow<'a, [f32]>,
    /// The row that was taken for it.
    pub(super) row: Option<RowId>,
    pub(super) pieces: Vec<ResolvedWord>,
    pub(super) unknown_pieces: Vec<String>,
}

impl Made<'_> {
    /// What the answer tells of it.
    pub(super) fn told(&self, asked: String, made_by: OovPolicy) -> MadeWord {
        let (pieces, unknown_pieces) = (self.pieces.clone(), self.unknown_pieces.clone());
        MadeWord { asked, made_by, row: self.row, pieces, unknown_pieces }
    }
}
