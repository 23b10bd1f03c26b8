//! How is a text cut, and which of its tokens does a table know?

use std::borrow::Cow;
use std::ops::Range;

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::limits;
use crate::query::WordOptions;
use crate::query::resolve::find;
use crate::table::view::View;
use crate::text::Token;
use crate::text::fit::{Padding, Truncation};
use crate::text::special::Role;
use crate::text::tokenizer::{CutOptions, Tokenizer};
use crate::vector::RowId;

/// How texts are cut.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cutting {
    /// The tokenizer's name; empty for that of the table, else Unicode words.
    pub tokenizer: String,
    /// The rest.
    pub options: CutOptions,
}

/// Texts are to be cut into tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenizeQuery {
    /// The texts.
    pub texts: Vec<String>,
    /// How they are cut.
    pub cutting: Cutting,
    /// How tokens are looked up. Its `oov` has no part in it: every token is told known or not.
    pub words: WordOptions,
    /// Which tokens stay; none for all.
    pub truncation: Option<Truncation>,
    /// How texts are filled up.
    pub padding: Option<Padding>,
    /// Whether only the numbers of tokens are wanted.
    pub ids_only: bool,
}

/// A text cut into tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenizedText {
    /// In the order of the text; empty if only numbers are wanted.
    pub tokens: Vec<KnownToken>,
    /// Only if wanted.
    pub ids: Vec<u32>,
    /// How many tokens there are.
    pub token_count: usize,
    /// Tokens that the table does not have; 0 without a table.
    pub unknown_count: usize,
    /// Tokens that were taken away.
    pub dropped_count: usize,
    /// Tokens that were filled in.
    pub padding_count: usize,
    /// Share of the tokens that are no special ones and that the table lacks, or that stand for the
    /// unknown.
    pub unknown_rate: f64,
}

/// A token, and whether a table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownToken {
    /// The piece of text, as it stands there.
    pub piece: String,
    /// As the vocabulary writes it, if that is another.
    pub spelling: Option<String>,
    /// Its number.
    pub id: Option<u32>,
    /// Whether it is a special token.
    pub is_special: bool,
    /// Where it stands, in UTF-8 bytes.
    pub bytes: Range<usize>,
    /// The characters it touches, in code points.
    pub chars: Range<usize>,
    /// Whether the table has it; none without a table.
    pub known: Option<bool>,
    /// The table's row, if it has it.
    pub row: Option<RowId>,
    /// The form that the table has, if it is another than the piece.
    pub found: Option<String>,
}

/// Cuts texts and looks each token up, if there is a table.
///
/// # Errors
///
/// If the tokenizer refuses one of the texts, if only numbers are wanted and it has none, or if there
/// are too many tokens for one answer.
pub fn tokenize(
    table: Option<&View>,
    tokenizer: &Tokenizer,
    query: &TokenizeQuery,
) -> Result<Vec<TokenizedText>> {
    if query.ids_only && (tokenizer.ids_end().is_none() || tokenizer.needs_table()) {
        let problem = format!("the tokens of {} have no numbers", tokenizer.kind_name());
        return Err(Error::invalid("ids_only", problem));
    }
    if query.ids_only && query.truncation.is_none() && query.padding.is_none() {
        return numbers(tokenizer, query);
    }
    let knows = table.map(|table| knows(table, &query.words));
    let knows = knows.as_ref().map(|knows| knows as &dyn Fn(&str) -> bool);
    let mut cuts = Vec::with_capacity(query.texts.len());
    let mut dropped = Vec::with_capacity(query.texts.len());
    let mut total = 0;
    for (i, text) in query.texts.iter().enumerate() {
        let place = || format!("texts[{i}]");
        let options = query.cutting.options.of_text(i as u64);
        let mut tokens = tokenizer.cut(text, &options, knows).context(place)?;
        dropped.push(match &query.truncation {
            Some(truncation) => truncation.truncate(&mut tokens).context(place)?,
            None => 0,
        });
        total += tokens.len();
        at_most_tokens(total)?;
        cuts.push(tokens);
    }
    let mut padding = vec![0; cuts.len()];
    if let Some(asked) = &query.padding {
        let longest = cuts.iter().map(Vec::len).max().unwrap_or(0);
        let length = asked.length.unwrap_or(longest).saturating_add(asked.multiple_of);
        at_most_tokens(length.saturating_mul(cuts.len()).max(total))?;
        padding = asked.pad(tokenizer, &mut cuts)?;
    }
    let counts = dropped.into_iter().zip(padding);
    let texts = query.texts.iter().zip(cuts).zip(counts);
    let told = texts.map(|((text, tokens), (dropped_count, padding_count))| TokenizedText {
        dropped_count,
        padding_count,
        ..told(table, tokenizer, query, (text, &tokens))
    });
    Ok(told.collect())
}

/// Only the numbers of tokens, all of them.
fn numbers(tokenizer: &Tokenizer, query: &TokenizeQuery) -> Result<Vec<TokenizedText>> {
    let unknown = tokenizer.specials().of_role(Role::Unknown).map(|special| special.id);
    let mut total = 0;
    let texts = query.texts.iter().enumerate().map(|(i, text)| {
        let (mut usual, mut missed, mut ids) = (0_usize, 0_usize, Vec::new());
        let mut token_count = 0;
        let options = query.cutting.options.of_text(i as u64);
        let cut = tokenizer.numbers(text, &options, None, &mut |id, is_special| {
            token_count += 1;
            ids.extend(id);
            let stands_for_unknown = id.is_some() && id == unknown;
            usual += usize::from(!is_special || stands_for_unknown);
            missed += usize::from(stands_for_unknown);
        });
        cut.context(|| format!("texts[{i}]"))?;
        total += token_count;
        at_most_tokens(total)?;
        let unknown_rate = if usual == 0 { 0.0 } else { missed as f64 / usual as f64 };
        Ok(TokenizedText { ids, token_count, unknown_rate, ..TokenizedText::default() })
    });
    texts.collect()
}

/// Whether a table has a word, however it is written.
pub(super) fn knows(table: &View, words: &WordOptions) -> impl Fn(&str) -> bool {
    |word: &str| find(table, &words.preprocessors, word).is_some()
}

/// An error if one answer has more tokens than it may have.
///
/// # Errors
///
/// `TooLarge`.
pub fn at_most_tokens(got: usize) -> Result<()> {
    let max = limits::TOKENS_MAX;
    if got <= max {
        return Ok(());
    }
    let kind = ErrorKind::TooLarge { limit: "TOKENS_MAX", max: max as u64, got: got as u64 };
    Err(Error::new(kind).context("ask for fewer texts at once"))
}

fn told(
    table: Option<&View>,
    tokenizer: &Tokenizer,
    query: &TokenizeQuery,
    (text, tokens): (&str, &[Token]),
) -> TokenizedText {
    let unknown = tokenizer.specials().of_role(Role::Unknown).map(|special| special.id);
    let (mut usual, mut missed, mut unknown_count) = (0_usize, 0_usize, 0);
    let mut known = Vec::with_capacity(if query.ids_only { 0 } else { tokens.len() });
    for token in tokens {
        let stands_for_unknown = token.id.is_some() && token.id == unknown;
        let mut is_missed = stands_for_unknown;
        if !query.ids_only {
            let looked_up = look_up(table, tokenizer, query, (text, token));
            unknown_count += usize::from(looked_up.known == Some(false));
            is_missed |= looked_up.known == Some(false);
            known.push(looked_up);
        }
        if !token.is_special || stands_for_unknown {
            usual += 1;
            missed += usize::from(is_missed);
        }
    }
    let ids = tokens.iter().filter(|_| query.ids_only).filter_map(|token| token.id).collect();
    TokenizedText {
        tokens: known,
        ids,
        token_count: tokens.len(),
        unknown_count,
        unknown_rate: if usual == 0 { 0.0 } else { missed as f64 / usual as f64 },
        ..TokenizedText::default()
    }
}

fn look_up(
    table: Option<&View>,
    tokenizer: &Tokenizer,
    query: &TokenizeQuery,
    (text, token): (&str, &Token),
) -> KnownToken {
    let piece = String::from_utf8_lossy(&text.as_bytes()[token.bytes.clone()]);
    let spelling = tokenizer.spelling(token, text);
    let found = table.and_then(|table| find_token(table, &query.words, &spelling, &piece));
    let known = table.map(|_| found.is_some());
    let (form, row) = found.unzip();
    KnownToken {
        known,
        row,
        found: form.filter(|form| *form != piece).map(Cow::into_owned),
        spelling: (spelling != piece).then(|| spelling.clone().into_owned()),
        piece: piece.into_owned(),
        id: token.id,
        is_special: token.is_special,
        bytes: token.bytes.clone(),
        chars: token.chars.clone(),
    }
}

/// A token's row: as the vocabulary writes it, else as it stands in the text.
pub(super) fn find_token<'w>(
    table: &View,
    words: &WordOptions,
    spelling: &'w str,
    piece: &'w str,
) -> Option<(Cow<'w, str>, RowId)> {
    let by_piece = || {
        let differs = spelling != piece && !piece.is_empty();
        differs.then(|| find(table, &words.preprocessors, piece)).flatten()
    };
    find(table, &words.preprocessors, spelling).or_else(by_piece)
}
