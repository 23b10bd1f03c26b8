//! Which vector has a text?

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::limits;
use crate::query::frequency::{self, Counts, Weighing, inverse};
use crate::query::resolve::find;
use crate::query::sparse::Sparse;
use crate::query::tokenize::{Cutting, find_token, knows};
use crate::query::{GoOn, OovPolicy, WordOptions, transformer};
use crate::steps::watched;
use crate::table::input::InputTables;
use crate::table::view::View;
use crate::text::Token;
use crate::text::special::Role;
use crate::text::tokenizer::{CutOptions, Tokenizer};
use crate::text::window::Windows;
use crate::vector::RowId;
use crate::vector::algebra;

/// Texts are to be made vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbedQuery {
    /// The texts.
    pub texts: Vec<String>,
    /// The second text of each pair; empty, or as many as texts. Only as a transformer's input.
    pub second: Vec<String>,
    /// How they are cut; tokens around a text are left out but for a transformer's input.
    pub cutting: Cutting,
    /// How tokens are looked up.
    pub words: WordOptions,
    /// How their vectors become one.
    pub options: EmbedOptions,
}

/// How the vectors of a text's tokens become one.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbedOptions {
    /// How vectors are joined.
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
    /// What a token's vector is.
    pub input: Input,
    /// For [`Pooling::Surprise`]: the language model.
    pub model: String,
}

/// What a token's vector is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// Its row.
    #[default]
    Rows,
    /// Its row, that of its position and that of its segment, then layer norm.
    Transformer,
    /// A component for each row of the table: 1 at its own, else 0. Not for SIF, the smallest of each component,
    /// and chunks.
    OneHot,
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
    /// The mean weighted by how surprising words are where they stand, as a language model says.
    Surprise,
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

impl Pooling {
    /// Whether words weigh by how frequent they are.
    pub fn weighs_frequency(self) -> bool {
        match self {
            Self::Sif { .. } | Self::Tfidf => true,
            Self::Mean
            | Self::Surprise
            | Self::Max
            | Self::Min
            | Self::Sum
            | Self::Last
            | Self::Tokens => false,
        }
    }
}

/// The vector of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextVector {
    /// Empty if no token has a vector, for [`Pooling::Tokens`] and for [`Input::OneHot`].
    pub values: Vec<f32>,
    /// For [`Input::OneHot`]; none for [`Pooling::Tokens`], whose tokens have their rows.
    pub sparse: Option<Sparse>,
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
    /// Of length 1 if that is asked for; empty for [`Input::OneHot`].
    pub values: Vec<f32>,
    /// As a transformer's input: where in it.
    pub placed: Option<Placed>,
}

/// Where a token stands in a transformer's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Which token it is, with those around the text, from 0.
    pub place: usize,
    /// The segment that it was given.
    pub segment: usize,
    /// Whether it stands in the second text.
    pub in_second: bool,
    /// Whether it is a special token.
    pub is_special: bool,
}

/// Makes texts vectors.
pub struct Embedder<'a> {
    pub(super) table: &'a View,
    pub(super) tokenizer: &'a Tokenizer,
    pub(super) cutting: CutOptions,
    pub(super) words: &'a WordOptions,
    pub(super) options: &'a EmbedOptions,
    weighing: Weighing,
    /// By row.
    pub(super) weights: HashMap<RowId, f64>,
    /// For a transformer's input.
    inputs: Option<Arc<InputTables>>,
    pub(super) go_on: GoOn<'a>,
}

impl fmt::Debug for Embedder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedder").field("options", self.options).finish_non_exhaustive()
    }
}

/// Makes texts vectors.
///
/// # Errors
///
/// Under [`OovPolicy::Error`], `UnknownWords` naming every word of all texts that the table lacks; if
/// the tokenizer refuses a text; if there are too many numbers for one answer. As a transformer's
/// input: `Unsuited` if the table has nothing that a transformer adds; if a text is too long for it.
pub fn embed(
    table: &View,
    tokenizer: &Tokenizer,
    query: &EmbedQuery,
    weighing: Weighing,
    go_on: GoOn<'_>,
) -> Result<Vec<TextVector>> {
    let embedder = Embedder::new(table, tokenizer, query, weighing, go_on)?;
    let mut vectors = Vec::with_capacity(query.texts.len());
    let mut components = 0;
    for (i, text) in query.texts.iter().enumerate() {
        go_on()?;
        let second = query.second.get(i).map(String::as_str);
        let vector = embedder.pair(i as u64, text, second).context(|| format!("texts[{i}]"))?;
        // A component of a sparse vector is two numbers.
        let sparse = vector.sparse.as_ref().map_or(0, |sparse| 2 * sparse.rows.len());
        components += vector.values.len() + vector.tokens.len() * table.dim() + sparse;
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

/// Under [`OovPolicy::Error`], whether all words of some texts are known.
///
/// # Errors
///
/// `UnknownWords` naming those that are not.
pub fn refuse_unknown<'v>(
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
    /// How surprising each is where that weighs; else empty.
    surprises: Vec<f64>,
    token_count: usize,
    skipped: Vec<String>,
}

impl<'a> Embedder<'a> {
    /// For one question; `weighing` is what its pooling weighs words by.
    ///
    /// # Errors
    ///
    /// `Unsuited` if a transformer's input is wanted and the table has nothing for it.
    pub fn new(
        table: &'a View,
        tokenizer: &'a Tokenizer,
        query: &'a EmbedQuery,
        weighing: Weighing,
        go_on: GoOn<'a>,
    ) -> Result<Self> {
        let options = &query.options;
        let inputs = match options.input {
            Input::Rows | Input::OneHot => None,
            Input::Transformer => Some(transformer::tables(table)?),
        };
        let weights = options.weights.iter();
        let weights = weights.filter_map(|(word, &w)| Some((table.row(word.as_bytes())?, w)));
        // The tokens around a text have no part in it but as a transformer's input.
        let bare = query.cutting.options.bare || inputs.is_none();
        Ok(Self {
            table,
            tokenizer,
            cutting: CutOptions { bare, ..query.cutting.options.clone() },
            words: &query.words,
            options,
            weights: weights.collect(),
            weighing,
            inputs,
            go_on,
        })
    }

    /// The vector of a text, or of two together.
    fn pair(&self, at: u64, text: &str, second: Option<&str>) -> Result<TextVector> {
        match &self.inputs {
            Some(inputs) => self.as_input(inputs, (text, second)),
            None => self.rows(at, text),
        }
    }

    /// The vector of a text; `at` is its place among others, by which chance cuts it where it is to.
    ///
    /// # Errors
    ///
    /// If the tokenizer refuses the text.
    pub fn text(&self, at: u64, text: &str) -> Result<TextVector> {
        self.pair(at, text, None)
    }

    fn rows(&self, at: u64, text: &str) -> Result<TextVector> {
        let mut known = self.known(at, text)?;
        if let Some(surprise) = &self.weighing.surprise {
            known.surprises = surprises(&known.rows, &surprise.of(text, self.go_on)?);
        }
        let mut told = TextVector {
            token_count: known.token_count,
            used_count: known.rows.len(),
            chunk_count: 1,
            ..TextVector::default()
        };
        let chunk_tokens = self.options.chunk_tokens.filter(|&max| known.token_count > max);
        if self.options.pooling == Pooling::Tokens {
            told.tokens = self.tokens(&known);
        } else if self.options.input == Input::OneHot {
            told.sparse = Some(self.one_hot(known.rows.iter().map(|(row, _)| *row)));
        } else if let Some(max_tokens) = chunk_tokens {
            let (vector, count) = self.chunks(text, &known, max_tokens)?;
            told.values = vector.map_or_else(Vec::new, |vector| self.finished(vector));
            told.chunk_count = count;
        } else if let Some(vector) = self.pooled(&known.rows, &known.surprises) {
            told.values = self.finished(vector);
        }
        told.skipped = known.skipped;
        Ok(told)
    }

    /// What becomes of unknown words.
    pub fn oov(&self) -> OovPolicy {
        self.words.oov
    }

    /// The tokens of a text that the table knows. A token that stands for what the tokenizer does not
    /// know tells nothing of it: its row is taken only if the policy says so.
    pub(super) fn known(&self, at: u64, text: &str) -> Result<Known> {
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
        let unknown = self.tokenizer.specials().of_role(Role::Unknown).map(|special| special.id);
        let unknown = unknown.filter(|_| self.words.oov != OovPolicy::Unk);
        let cutting = self.cutting.of_text(at);
        self.tokenizer.each(text, &cutting, Some(&knows), &mut |id, bytes, is_special| {
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
            if id.is_some() && id == unknown {
                miss(&piece, &mut known.skipped);
                return;
            }
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
            if self.options.input == Input::OneHot {
                Vec::new()
            } else if self.options.pre_normalize {
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
                placed: None,
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
        let windows = windows.cut(self.tokenizer, text, &self.cutting, Some(&knows), self.go_on)?;
        let mut sum = vec![0.0; self.table.dim()];
        let mut weights = 0.0;
        let (mut rest, mut surprises) = (&known.rows[..], &known.surprises[..]);
        for window in watched(&windows, self.go_on) {
            let window = window?;
            let end = rest.partition_point(|(_, bytes)| bytes.start < window.bytes.end);
            let (rows, after) = rest.split_at(end);
            rest = after;
            let (own, others) = surprises.split_at(end.min(surprises.len()));
            surprises = others;
            if let Some(mut vector) = self.pooled(rows, own)
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
    fn pooled(&self, tokens: &[(RowId, Range<usize>)], surprises: &[f64]) -> Option<Vec<f64>> {
        let mut rows = tokens.iter().map(|(row, _)| *row);
        let count = rows.len();
        if count == 0 {
            return None;
        }
        let mut pooled = match self.options.pooling {
            Pooling::Max => self.extreme(rows, f64::max),
            Pooling::Min => self.extreme(rows, f64::min),
            Pooling::Last | Pooling::Tokens => {
                let last = rows.next_back()?;
                let mut vector = vec![0.0; self.table.dim()];
                algebra::add(&mut vector, self.scale(last), &self.table.vector(last));
                vector
            }
            Pooling::Mean
            | Pooling::Sum
            | Pooling::Tfidf
            | Pooling::Surprise
            | Pooling::Sif { .. } => self.weighted(rows, surprises)?,
        };
        if let Some(common) = self.weighing.common.as_ref().filter(|common| !common.is_empty()) {
            let part = frequency::dot(&pooled, common);
            frequency::add(&mut pooled, -part, common);
        }
        Some(pooled)
    }

    fn weighted(
        &self,
        rows: impl ExactSizeIterator<Item = RowId>,
        surprises: &[f64],
    ) -> Option<Vec<f64>> {
        let mut sum = vec![0.0; self.table.dim()];
        let (mut weights, count) = (0.0, rows.len());
        for (at, row) in rows.enumerate() {
            let own = match self.options.pooling {
                Pooling::Sif { a, .. } => a / (a + self.weighing.frequencies.of(row)),
                Pooling::Tfidf => self.inverse_frequency(row),
                Pooling::Surprise => surprises.get(at).copied().unwrap_or(0.0),
                Pooling::Mean
                | Pooling::Sum
                | Pooling::Max
                | Pooling::Min
                | Pooling::Last
                | Pooling::Tokens => 1.0,
            };
            let weight = own * self.weight(row);
            weights += weight.abs();
            algebra::add(&mut sum, weight * self.scale(row), &self.table.vector(row));
        }
        let divisor = match self.options.pooling {
            Pooling::Sum => 1.0,
            // As in the paper: by the number of words.
            Pooling::Sif { .. } => count as f64,
            Pooling::Mean
            | Pooling::Tfidf
            | Pooling::Surprise
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

    /// The one-hot vectors of tokens, joined: 1 for each row that occurs (`Max`), how often it occurs (`Sum`,
    /// a bag of words), its share of the tokens (`Mean`), or how often times ln(1 / p) (`Tfidf`). Weights of
    /// words multiply all but the first.
    fn one_hot(&self, rows: impl ExactSizeIterator<Item = RowId>) -> Sparse {
        let pooling = self.options.pooling;
        let mut components: BTreeMap<RowId, f64> = BTreeMap::new();
        if let Pooling::Last | Pooling::Tokens = pooling {
            components.extend(rows.last().map(|row| (row, 1.0)));
        } else {
            rows.for_each(|row| *components.entry(row).or_default() += 1.0);
        }
        let weighed = components.iter().map(|(&row, count)| count * self.weight(row).abs());
        let all: f64 = weighed.sum();
        for (&row, value) in &mut components {
            let count = *value * self.weight(row);
            *value = match pooling {
                Pooling::Max | Pooling::Min | Pooling::Last | Pooling::Tokens => 1.0,
                Pooling::Sum => count,
                Pooling::Mean | Pooling::Surprise | Pooling::Sif { .. } => count / all,
                Pooling::Tfidf => count * self.inverse_frequency(row),
            };
        }
        Sparse::new(components, self.table.rows_end(), self.options.post_normalize)
    }

    /// The weight that a word was given.
    fn weight(&self, row: RowId) -> f64 {
        if self.weights.is_empty() { 1.0 } else { self.weights.get(&row).copied().unwrap_or(1.0) }
    }

    /// ln(1 / p) of a word's frequency p.
    fn inverse_frequency(&self, row: RowId) -> f64 {
        -self.weighing.frequencies.of(row).ln()
    }

    fn extreme(&self, rows: impl Iterator<Item = RowId>, better: fn(f64, f64) -> f64) -> Vec<f64> {
        let mut best: Vec<f64> = Vec::new();
        for row in rows {
            let scale = self.scale(row);
            let vector = self.table.vector(row);
            let values = vector.iter().map(|&value| f64::from(value) * scale);
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
    pub(super) fn finished(&self, mut vector: Vec<f64>) -> Vec<f32> {
        if self.options.post_normalize {
            // A vector of zeros stays so.
            frequency::scale_to_one(&mut vector);
        }
        vector.into_iter().map(|value| value as f32).collect()
    }
}

/// The surprise of each token: the most of the words that it has a part in; 0 if it has none.
fn surprises(tokens: &[(RowId, Range<usize>)], words: &[(Range<usize>, f64)]) -> Vec<f64> {
    let mut first = 0;
    let of = |(_, token): &(RowId, Range<usize>)| {
        while words.get(first).is_some_and(|(word, _)| word.end <= token.start) {
            first += 1;
        }
        let within = words[first..].iter().take_while(|(word, _)| word.start < token.end);
        within.map(|&(_, surprise)| surprise).fold(0.0, f64::max)
    };
    tokens.iter().map(of).collect()
}

pub(super) fn divide(sum: &mut [f64], divisor: f64) {
    for value in sum {
        *value /= divisor;
    }
}
