//! Which vector has a text?

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::limits;
use crate::query::frequency::{self, Counts, Frequencies, inverse};
use crate::query::resolve::find;
use crate::query::tokenize::{Cutting, find_token, knows};
use crate::query::{OovPolicy, WordOptions};
use crate::table::view::View;
use crate::text::Token;
use crate::text::tokenizer::{CutOptions, Tokenizer};
use crate::text::window::Windows;
use crate::vector::RowId;
use crate::vector::algebra;

/// Texts are to be made vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbedQuery {
    /// The texts.
    pub texts: Vec<String>,
    /// How they are cut; tokens around a text are left out.
    pub cutting: Cutting,
    /// How tokens are looked up.
    pub words: WordOptions,
    /// How their vectors become one.
    pub options: EmbedOptions,
}

/// How the vectors of a text's tokens become one.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbedOptions {
    /// Which way.
    pub pooling: Pooling,
    /// Whether each token's vector is brought to length 1 first.
    pub pre_normalize: bool,
    /// Whether the text's vector is brought to length 1.
    pub post_normalize: bool,
    /// How frequent words are.
    pub counts: Counts,
    /// Weights of words, which multiply the pooling's own; others weigh 1.
    pub weights: HashMap<String, f64>,
    /// Tokens of a text that are pooled together.
    pub chunk_tokens: Option<usize>,
}

/// The ways of pooling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pooling {
    /// The mean (gensim's `get_mean_vector`).
    Mean,
    /// Smooth inverse frequency (Arora, Liang and Ma 2017).
    Sif {
        /// A word of frequency p weighs a / (a + p).
        a: f64,
        /// Whether the part along the common direction stays.
        keep_common: bool,
    },
    /// The mean weighted by ln(1 / p).
    Tfidf,
    /// The largest of each component.
    Max,
    /// The smallest of each component.
    Min,
    /// The sum.
    Sum,
    /// The vector of the last token that has one.
    Last,
    /// A vector for each token that has one.
    Tokens,
}

/// The vector of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextVector {
    /// Empty if no token has a vector, and for [`Pooling::Tokens`].
    pub values: Vec<f32>,
    /// Tokens of the text.
    pub token_count: usize,
    /// Those that have a vector.
    pub used_count: usize,
    /// Words that have none, each once.
    pub skipped: Vec<String>,
    /// Parts that were pooled for themselves.
    pub chunk_count: usize,
    /// For [`Pooling::Tokens`].
    pub tokens: Vec<TokenVector>,
}

/// The vector of a token.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenVector {
    /// As the table has it.
    pub word: String,
    /// The table's row.
    pub row: RowId,
    /// Where the token stands, in bytes.
    pub bytes: Range<usize>,
    /// Of length 1 if that is asked for.
    pub values: Vec<f32>,
}

/// The direction that texts share: given by whoever asks, who may have kept it.
pub type Common<'a> = &'a dyn Fn(&Frequencies, f64, bool) -> Arc<[f64]>;

/// Makes texts vectors.
#[derive(Debug)]
pub struct Embedder<'a> {
    table: &'a View,
    tokenizer: &'a Tokenizer,
    cutting: CutOptions,
    words: &'a WordOptions,
    options: &'a EmbedOptions,
    frequencies: Frequencies,
    /// By row.
    weights: HashMap<RowId, f64>,
    common: Option<Arc<[f64]>>,
}

/// Makes texts vectors.
///
/// # Errors
///
/// Under [`OovPolicy::Error`], `UnknownWords` naming every word of all texts that the table lacks; if
/// the tokenizer refuses a text; if there are too many numbers for one answer.
pub fn embed(
    table: &View,
    tokenizer: &Tokenizer,
    query: &EmbedQuery,
    common: Common<'_>,
    go_on: crate::query::GoOn<'_>,
) -> Result<Vec<TextVector>> {
    let embedder = Embedder::new(table, tokenizer, query, common);
    let mut vectors = Vec::with_capacity(query.texts.len());
    let mut components = 0;
    for (i, text) in query.texts.iter().enumerate() {
        go_on()?;
        let vector = embedder.text(text).context(|| format!("texts[{i}]"))?;
        components += vector.values.len() + vector.tokens.len() * table.dim();
        if components > limits::EMBED_COMPONENTS_MAX {
            let (limit, max) = ("EMBED_COMPONENTS_MAX", limits::EMBED_COMPONENTS_MAX as u64);
            let kind = ErrorKind::TooLarge { limit, max, got: components as u64 };
            return Err(Error::new(kind).context("ask for fewer texts at once"));
        }
        vectors.push(vector);
    }
    refuse_unknown(query.words.oov, vectors.iter())?;
    Ok(vectors)
}

/// Under [`OovPolicy::Error`], every unknown word of some texts.
pub(super) fn refuse_unknown<'v>(
    oov: OovPolicy,
    vectors: impl Iterator<Item = &'v TextVector>,
) -> Result<()> {
    match oov {
        OovPolicy::Skip
        | OovPolicy::Zero
        | OovPolicy::Unk
        | OovPolicy::Subword
        | OovPolicy::Random
        | OovPolicy::Tokenize => Ok(()),
        OovPolicy::Error => {
            let mut words: Vec<_> = vectors.flat_map(|vector| vector.skipped.clone()).collect();
            let mut seen = HashSet::new();
            words.retain(|word| seen.insert(word.clone()));
            if words.is_empty() {
                return Ok(());
            }
            Err(Error::new(ErrorKind::UnknownWords { words }))
        }
    }
}

/// The tokens of a text that a table knows.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// With their bytes.
    pub(super) rows: Vec<(RowId, Range<usize>)>,
    token_count: usize,
    skipped: Vec<String>,
}

impl<'a> Embedder<'a> {
    /// For one question.
    pub fn new(
        table: &'a View,
        tokenizer: &'a Tokenizer,
        query: &'a EmbedQuery,
        common: Common<'_>,
    ) -> Self {
        let options = &query.options;
        let frequencies = Frequencies::new(table, &options.counts);
        let weights = options.weights.iter();
        let weights = weights.filter_map(|(word, &w)| Some((table.row(word.as_bytes())?, w)));
        let common = match options.pooling {
            Pooling::Sif { a, keep_common: false } => {
                Some(common(&frequencies, a, options.pre_normalize))
            }
            Pooling::Sif { .. }
            | Pooling::Mean
            | Pooling::Tfidf
            | Pooling::Max
            | Pooling::Min
            | Pooling::Sum
            | Pooling::Last
            | Pooling::Tokens => None,
        };
        Self {
            table,
            tokenizer,
            cutting: CutOptions { bare: true, ..query.cutting.options.clone() },
            words: &query.words,
            options,
            weights: weights.collect(),
            frequencies,
            common,
        }
    }

    /// The vector of a text.
    ///
    /// # Errors
    ///
    /// If the tokenizer refuses the text.
    pub fn text(&self, text: &str) -> Result<TextVector> {
        let known = self.known(text)?;
        let mut told = TextVector {
            token_count: known.token_count,
            used_count: known.rows.len(),
            chunk_count: 1,
            ..TextVector::default()
        };
        let chunk_tokens = self.options.chunk_tokens.filter(|&max| known.token_count > max);
        if self.options.pooling == Pooling::Tokens {
            told.tokens = self.tokens(&known);
        } else if let Some(max_tokens) = chunk_tokens {
            let (vector, count) = self.chunks(text, &known, max_tokens)?;
            told.values = vector.map_or_else(Vec::new, |vector| self.finished(vector));
            told.chunk_count = count;
        } else if let Some(vector) = self.pooled(known.rows.iter().map(|(row, _)| *row)) {
            told.values = self.finished(vector);
        }
        told.skipped = known.skipped;
        Ok(told)
    }

    /// The tokens of a text that the table knows.
    pub(super) fn known(&self, text: &str) -> Result<Known> {
        let mut known = Known::default();
        let mut missed: HashSet<String> = HashSet::new();
        let mut miss = |spelling: &str, skipped: &mut Vec<String>| {
            if !missed.contains(spelling) {
                missed.insert(spelling.to_owned());
                skipped.push(spelling.to_owned());
            }
        };
        let knows = knows(self.table, self.words);
        let is_plain = self.tokenizer.is_of_words();
        self.tokenizer.each(text, &self.cutting, Some(&knows), &mut |id, bytes, is_special| {
            known.token_count += 1;
            if is_plain && let Some(piece) = text.get(bytes.clone()) {
                let token = Token { id: None, bytes: bytes.clone(), chars: 0..0, is_special };
                let spelling = self.tokenizer.spelling(&token, text);
                let found = find(self.table, &self.words.preprocessors, &spelling);
                match found {
                    Some((_, row)) => known.rows.push((row, bytes)),
                    None => miss(piece, &mut known.skipped),
                }
                return;
            }
            let piece = String::from_utf8_lossy(&text.as_bytes()[bytes.clone()]);
            let token = Token { id, bytes: bytes.clone(), chars: 0..0, is_special };
            let spelling = self.tokenizer.spelling(&token, text);
            match find_token(self.table, self.words, &spelling, &piece) {
                Some((_, row)) => known.rows.push((row, bytes)),
                None => miss(&spelling, &mut known.skipped),
            }
        })?;
        Ok(known)
    }

    fn tokens(&self, known: &Known) -> Vec<TokenVector> {
        let vector = |row: RowId| {
            if self.options.pre_normalize {
                self.table.unit(row)
            } else {
                self.table.vector(row).to_vec()
            }
        };
        let tokens = known.rows.iter();
        tokens
            .map(|(row, bytes)| TokenVector {
                word: self.table.shown(*row).into_owned(),
                row: *row,
                bytes: bytes.clone(),
                values: vector(*row),
            })
            .collect()
    }

    /// The mean of the vectors of chunks, each of length 1, weighted by their tokens; and how many
    /// chunks there are.
    fn chunks(
        &self,
        text: &str,
        known: &Known,
        max_tokens: usize,
    ) -> Result<(Option<Vec<f64>>, usize)> {
        let windows = Windows { max_tokens, overlap: 0, at_sentences: true };
        let knows = knows(self.table, self.words);
        let windows = windows.cut(self.tokenizer, text, &self.cutting, Some(&knows))?;
        let mut sum = vec![0.0; self.table.dim()];
        let mut weights = 0.0;
        let mut rest = &known.rows[..];
        for window in &windows {
            let end = rest.partition_point(|(_, bytes)| bytes.start < window.bytes.end);
            let (rows, after) = rest.split_at(end);
            rest = after;
            if let Some(mut vector) = self.pooled(rows.iter().map(|(row, _)| *row))
                && frequency::scale_to_one(&mut vector)
            {
                frequency::add(&mut sum, rows.len() as f64, &vector);
                weights += rows.len() as f64;
            }
        }
        divide(&mut sum, weights);
        Ok(((weights > 0.0).then_some(sum), windows.len()))
    }

    /// One vector of many; none of none.
    fn pooled(&self, rows: impl ExactSizeIterator<Item = RowId>) -> Option<Vec<f64>> {
        let count = rows.len();
        if count == 0 {
            return None;
        }
        let mut pooled = match self.options.pooling {
            Pooling::Max => self.extreme(rows, f64::max),
            Pooling::Min => self.extreme(rows, f64::min),
            Pooling::Last | Pooling::Tokens => {
                let last = rows.last()?;
                let mut vector = vec![0.0; self.table.dim()];
                algebra::add(&mut vector, self.scale(last), self.table.vector(last));
                vector
            }
            Pooling::Mean | Pooling::Sum | Pooling::Tfidf | Pooling::Sif { .. } => {
                self.weighted(rows, count)?
            }
        };
        if let Some(common) = self.common.as_ref().filter(|common| !common.is_empty()) {
            let part = frequency::dot(&pooled, common);
            frequency::add(&mut pooled, -part, common);
        }
        Some(pooled)
    }

    fn weighted(&self, rows: impl Iterator<Item = RowId>, count: usize) -> Option<Vec<f64>> {
        let mut sum = vec![0.0; self.table.dim()];
        let mut weights = 0.0;
        for row in rows {
            let own = match self.options.pooling {
                Pooling::Sif { a, .. } => a / (a + self.frequencies.of(row)),
                Pooling::Tfidf => -self.frequencies.of(row).ln(),
                Pooling::Mean
                | Pooling::Sum
                | Pooling::Max
                | Pooling::Min
                | Pooling::Last
                | Pooling::Tokens => 1.0,
            };
            let weight = if self.weights.is_empty() {
                own
            } else {
                own * self.weights.get(&row).copied().unwrap_or(1.0)
            };
            weights += weight.abs();
            algebra::add(&mut sum, weight * self.scale(row), self.table.vector(row));
        }
        let divisor = match self.options.pooling {
            Pooling::Sum => 1.0,
            // As in the paper: by the number of words.
            Pooling::Sif { .. } => count as f64,
            Pooling::Mean
            | Pooling::Tfidf
            | Pooling::Max
            | Pooling::Min
            | Pooling::Last
            | Pooling::Tokens => weights,
        };
        if weights <= 0.0 {
            return None;
        }
        divide(&mut sum, divisor);
        Some(sum)
    }

    fn extreme(&self, rows: impl Iterator<Item = RowId>, better: fn(f64, f64) -> f64) -> Vec<f64> {
        let mut best: Vec<f64> = Vec::new();
        for row in rows {
            let scale = self.scale(row);
            let values = self.table.vector(row).iter().map(|&value| f64::from(value) * scale);
            if best.is_empty() {
                best = values.collect();
            } else {
                best.iter_mut().zip(values).for_each(|(best, value)| *best = better(*best, value));
            }
        }
        best
    }

    fn scale(&self, row: RowId) -> f64 {
        if self.options.pre_normalize { inverse(self.table.norm(row)) } else { 1.0 }
    }

    #[expect(clippy::cast_possible_truncation, reason = "vectors are given in single precision")]
    fn finished(&self, mut vector: Vec<f64>) -> Vec<f32> {
        if self.options.post_normalize {
            // A vector of zeros stays so.
            frequency::scale_to_one(&mut vector);
        }
        vector.into_iter().map(|value| value as f32).collect()
    }
}

fn divide(sum: &mut [f64], divisor: f64) {
    for value in sum {
        *value /= divisor;
    }
}
