//! A text as a transformer takes it in: for each token its row, that of its position and that of its
//! segment, added up and brought through a layer norm. What its layers make of them is not here.

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::query::embed::{Embedder, Placed, Pooling, TextVector, TokenVector, divide};
use crate::query::frequency;
use crate::query::tokenize::{find_token, knows};
use crate::table::input::InputTables;
use crate::table::view::View;
use crate::text::InputToken;
use crate::text::window::Windows;
use crate::vector::RowId;

/// What a transformer adds to the rows of a table.
///
/// # Errors
///
/// `Unsuited` if the import brought nothing of it; if its file is damaged.
pub(super) fn tables(table: &View) -> Result<Arc<InputTables>> {
    match table.inputs() {
        Some(Ok(tables)) => Ok(Arc::clone(tables)),
        Some(Err(damage)) => Err(Error::new(damage.clone())),
        None => {
            let because = "it has no tables of positions and segments; the safetensors file of a BERT \
                           brings them with an import";
            let (operation, because) = ("a transformer's input", because.to_owned());
            Err(Error::new(ErrorKind::Unsuited { operation, because }))
        }
    }
}

impl Embedder<'_> {
    /// The vector of one text, or of two together.
    pub(super) fn as_input(
        &self,
        tables: &InputTables,
        texts: (&str, Option<&str>),
    ) -> Result<TextVector> {
        let tokens = self.tokens_of(texts)?;
        let of_text = tokens.iter().filter(|token| !(token.is_special && token.bytes.is_empty()));
        let of_text = of_text.count();
        match self.options.chunk_tokens.filter(|&max| of_text > max) {
            None => self.one(tables, texts, &tokens),
            Some(_) if texts.1.is_some() => {
                let problem = "two texts together are not cut in chunks; shorten one";
                Err(Error::invalid("options.chunk_tokens", problem))
            }
            Some(max_tokens) => self.many(tables, texts.0, max_tokens),
        }
    }

    fn tokens_of(&self, (text, second): (&str, Option<&str>)) -> Result<Vec<InputToken>> {
        let knows = knows(self.table, self.words);
        self.tokenizer.input(text, second, &self.cutting, Some(&knows))
    }

    fn one(
        &self,
        tables: &InputTables,
        (text, second): (&str, Option<&str>),
        tokens: &[InputToken],
    ) -> Result<TextVector> {
        check_length(tables, tokens.len())?;
        let mut told =
            TextVector { token_count: tokens.len(), chunk_count: 1, ..TextVector::default() };
        let mut missed = HashSet::new();
        let mut pool = Pool::new(self.options.pooling);
        for (place, token) in tokens.iter().enumerate() {
            let of = second.filter(|_| token.in_second).unwrap_or(text);
            let spelling = self.tokenizer.spelling_of(token.id, &token.bytes, of);
            let piece = String::from_utf8_lossy(&of.as_bytes()[token.bytes.clone()]);
            let Some((_, row)) = find_token(self.table, self.words, &spelling, &piece) else {
                if missed.insert(spelling.clone().into_owned()) {
                    told.skipped.push(spelling.into_owned());
                }
                continue;
            };
            told.used_count += 1;
            let mut vector = tables.input(&self.table.vector(row), place, token.segment);
            if self.options.pre_normalize {
                frequency::scale_to_one(&mut vector);
            }
            if self.options.pooling == Pooling::Tokens {
                told.tokens.push(self.token_vector((row, place), token, vector));
            } else {
                pool.take(self.weights.get(&row).copied().unwrap_or(1.0), vector);
            }
        }
        told.values = pool.finish().map_or_else(Vec::new, |vector| self.finished(vector));
        Ok(told)
    }

    #[expect(clippy::cast_possible_truncation, reason = "vectors are given in single precision")]
    fn token_vector(
        &self,
        (row, place): (RowId, usize),
        token: &InputToken,
        vector: Vec<f64>,
    ) -> TokenVector {
        let InputToken { bytes, is_special, segment, in_second, .. } = token.clone();
        TokenVector {
            word: self.table.shown(row).into_owned(),
            row,
            bytes,
            values: vector.into_iter().map(|value| value as f32).collect(),
            placed: Some(Placed { place, segment, in_second, is_special }),
        }
    }

    /// The mean of the vectors of chunks, each of length 1, weighted by the tokens in it that have one.
    fn many(&self, tables: &InputTables, text: &str, max_tokens: usize) -> Result<TextVector> {
        let windows = Windows { max_tokens, overlap: 0, at_sentences: true };
        let known = knows(self.table, self.words);
        let windows = windows.cut(self.tokenizer, text, &self.cutting, Some(&known), self.go_on)?;
        let mut told = TextVector { chunk_count: windows.len(), ..TextVector::default() };
        let (mut sum, mut weights) = (vec![0.0; self.table.dim()], 0.0);
        for window in &windows {
            (self.go_on)()?;
            let part = &text[window.bytes.clone()];
            let chunk = self.one(tables, (part, None), &self.tokens_of((part, None))?)?;
            told.token_count += chunk.token_count;
            told.used_count += chunk.used_count;
            told.skipped.extend(chunk.skipped);
            let mut vector: Vec<f64> = chunk.values.into_iter().map(f64::from).collect();
            if frequency::scale_to_one(&mut vector) {
                frequency::add(&mut sum, chunk.used_count as f64, &vector);
                weights += chunk.used_count as f64;
            }
        }
        let mut seen = HashSet::new();
        told.skipped.retain(|word| seen.insert(word.clone()));
        if weights > 0.0 {
            divide(&mut sum, weights);
            told.values = self.finished(sum);
        }
        Ok(told)
    }
}

fn check_length(tables: &InputTables, tokens: usize) -> Result<()> {
    match tables.length_max() {
        Some(max) if tokens > max => {
            let problem = format!(
                "{tokens} tokens, special ones among them; the table has {max} positions: \
                 options.chunk_tokens cuts a text in chunks of so many tokens, special ones not counted"
            );
            Err(Error::invalid("texts", problem))
        }
        Some(_) | None => Ok(()),
    }
}

/// Vectors become one, in the order of the text.
struct Pool {
    pooling: Pooling,
    pooled: Vec<f64>,
    weights: f64,
}

impl Pool {
    fn new(pooling: Pooling) -> Self {
        Self { pooling, pooled: Vec::new(), weights: 0.0 }
    }

    fn take(&mut self, weight: f64, mut vector: Vec<f64>) {
        if self.adds() {
            for value in &mut vector {
                *value *= weight;
            }
            self.weights += weight.abs();
        }
        if self.pooled.is_empty() {
            self.pooled = vector;
            return;
        }
        let join = match self.pooling {
            Pooling::Max => f64::max,
            Pooling::Min => f64::min,
            Pooling::Last | Pooling::Tokens => |_, last| last,
            Pooling::Mean
            | Pooling::Sum
            | Pooling::Tfidf
            | Pooling::Surprise
            | Pooling::Sif { .. } => |sum, value| sum + value,
        };
        self.pooled
            .iter_mut()
            .zip(vector)
            .for_each(|(pooled, value)| *pooled = join(*pooled, value));
    }

    fn adds(&self) -> bool {
        match self.pooling {
            Pooling::Mean
            | Pooling::Sum
            | Pooling::Tfidf
            | Pooling::Surprise
            | Pooling::Sif { .. } => true,
            Pooling::Max | Pooling::Min | Pooling::Last | Pooling::Tokens => false,
        }
    }

    /// None of none, and of tokens that weigh nothing.
    fn finish(mut self) -> Option<Vec<f64>> {
        if self.pooled.is_empty() || (self.adds() && self.weights <= 0.0) {
            return None;
        }
        if self.adds() && self.pooling != Pooling::Sum {
            divide(&mut self.pooled, self.weights);
        }
        Some(self.pooled)
    }
}
