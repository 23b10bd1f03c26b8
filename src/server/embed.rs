//! TextService's vectors: conversions in and out.

use std::collections::HashMap;

use crate::engine::{Answer, Ask, CutBy};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::query::alike::{Alike, AlikeQuery};
use crate::query::embed::{EmbedOptions, EmbedQuery, Input, Pooling, TextVector, TokenVector};
use crate::query::frequency::{Counts, FrequenciesUsed, FrequencySource};
use crate::query::nearest::{NearestAnswer, NearestQuery};
use crate::query::sparse::Sparse;
use crate::query::tokenize::Cutting;
use crate::server::search::nearest_query;
use crate::server::tokens::info;
use crate::server::wire::{self, Fields};

/// Words with a count or weight of their own.
const WORDS_MAX: usize = 10_000;
/// The paper's a.
const SIF_A: f64 = 1e-3;

/// Texts to be made vectors.
pub(super) struct Texts(pub(super) Ask<EmbedQuery>);

impl TryFrom<pb::EmbedRequest> for Texts {
    type Error = Error;

    fn try_from(request: pb::EmbedRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.texts("texts", &request.texts);
        let words = fields.word_options_of_texts(request.words);
        let (cutting, options) = fields.embedding(request.cutting, request.options);
        fields.second_texts(&request.second_texts, &request.texts, &options);
        let (texts, second) = (request.texts, request.second_texts);
        let query = EmbedQuery { texts, second, cutting, words, options };
        fields.finish(|| Some(Self(Ask { table: table?, query })))
    }
}

impl Fields {
    /// How texts are cut and pooled.
    pub(super) fn embedding(
        &mut self,
        cutting: Option<pb::Cutting>,
        options: Option<pb::EmbedOptions>,
    ) -> (Cutting, EmbedOptions) {
        let options = self.embed_options(options);
        let is_certain = options.chunk_tokens.is_some() || options.input == Input::Transformer;
        let cutting =
            if is_certain { self.certain_cutting(cutting) } else { self.cutting(cutting) };
        (cutting, options)
    }

    /// Refuses vectors that cannot be compared with rows.
    pub(super) fn dense(&mut self, options: &EmbedOptions) {
        if options.input == Input::OneHot {
            self.bad("options.one_hot", "a vector of the table's dimension is needed");
        }
    }

    fn second_texts(&mut self, second: &[String], texts: &[String], options: &EmbedOptions) {
        if second.is_empty() {
            return;
        }
        self.texts("second_texts", second);
        if second.len() != texts.len() {
            self.bad("second_texts", format!("none, or as many as texts: {}", texts.len()));
        }
        let bytes = texts.iter().chain(second).map(String::len).sum();
        self.bytes("second_texts", bytes, limits::TEXTS_BYTES_MAX);
        if options.input != Input::Transformer {
            self.bad("second_texts", "only with options.transformer_input");
        }
    }

    fn embed_options(&mut self, options: Option<pb::EmbedOptions>) -> EmbedOptions {
        let options = options.unwrap_or_default();
        self.within("options", |fields| {
            let a = options.sif_a.unwrap_or(SIF_A);
            if !(a.is_finite() && a > 0.0) {
                fields.bad("sif_a", "a finite number above 0");
            }
            let pooling = match fields.choice("pooling", options.pooling) {
                pb::Pooling::Unspecified | pb::Pooling::Mean => Pooling::Mean,
                pb::Pooling::Sif => Pooling::Sif { a, keep_common: options.keep_common },
                pb::Pooling::Tfidf => Pooling::Tfidf,
                pb::Pooling::Max => Pooling::Max,
                pb::Pooling::Min => Pooling::Min,
                pb::Pooling::Sum => Pooling::Sum,
                pb::Pooling::Last => Pooling::Last,
                pb::Pooling::Tokens => Pooling::Tokens,
                pb::Pooling::Surprise => Pooling::Surprise,
            };
            let is_sum = matches!(
                pooling,
                Pooling::Mean
                    | Pooling::Sif { .. }
                    | Pooling::Tfidf
                    | Pooling::Surprise
                    | Pooling::Sum
            );
            fields.fits(&options, pooling, is_sum);
            let input = match (options.transformer_input, options.one_hot) {
                (true, is_one_hot) => {
                    if is_one_hot {
                        fields.bad("one_hot", "not with transformer_input");
                    }
                    Input::Transformer
                }
                (false, true) => Input::OneHot,
                (false, false) => Input::Rows,
            };
            let is_dense =
                matches!(pooling, Pooling::Sif { .. } | Pooling::Surprise | Pooling::Min);
            if input == Input::OneHot && is_dense {
                fields.bad("one_hot", "not with SIF, SURPRISE and MIN");
            }
            if pooling == Pooling::Surprise {
                fields.name_of("language model", "model", options.model.clone());
            } else if !options.model.is_empty() {
                fields.bad("model", "a language model is for SURPRISE");
            }
            if input == Input::OneHot && options.chunk_tokens.is_some() {
                fields.bad("chunk_tokens", "not with one_hot");
            }
            let is_weighed =
                matches!(pooling, Pooling::Sif { .. } | Pooling::Tfidf | Pooling::Surprise);
            if input == Input::Transformer && is_weighed {
                fields.bad("transformer_input", "not with SIF, TFIDF and SURPRISE");
            }
            let total = options.total_count.unwrap_or(1.0);
            let counts = Counts { words: options.counts, total };
            let chunk_tokens = options
                .chunk_tokens
                .map(|max| fields.number("chunk_tokens", Some(max), 1..=limits::TOKENS_MAX, 1));
            EmbedOptions {
                pooling,
                pre_normalize: options.pre_normalize.unwrap_or(is_sum && input == Input::Rows),
                post_normalize: options.post_normalize,
                counts,
                weights: options.weights,
                chunk_tokens,
                input,
                model: options.model,
            }
        })
    }

    /// What is set has a meaning for the pooling.
    fn fits(&mut self, options: &pb::EmbedOptions, pooling: Pooling, is_sum: bool) {
        let is_sif = matches!(pooling, Pooling::Sif { .. });
        if !is_sif && (options.sif_a.is_some() || options.keep_common) {
            self.bad("sif_a", "sif_a and keep_common are for SIF");
        }
        let weighs_frequency = is_sif || pooling == Pooling::Tfidf;
        if !weighs_frequency && (!options.counts.is_empty() || options.total_count.is_some()) {
            self.bad("counts", "counts are for SIF and TFIDF");
        }
        if options.counts.is_empty() == options.total_count.is_some() {
            self.bad("total_count", "counts and the number of all words come together");
        }
        let total = options.total_count.unwrap_or(1.0);
        let is_total = total.is_finite() && total > 0.0;
        if !is_total {
            self.bad("total_count", "a finite number above 0");
        }
        self.numbers("counts", &options.counts, &|count| {
            count > 0.0 && (count <= total || !is_total)
        });
        if !is_sum && !options.weights.is_empty() {
            self.bad("weights", "weights are for MEAN, SIF, TFIDF, SURPRISE and SUM");
        }
        self.numbers("weights", &options.weights, &|_| true);
        let has_parts = !matches!(pooling, Pooling::Last | Pooling::Tokens);
        if !has_parts && options.chunk_tokens.is_some() {
            self.bad("chunk_tokens", "not for LAST and TOKENS");
        }
    }

    fn numbers(&mut self, field: &str, words: &HashMap<String, f64>, test: &dyn Fn(f64) -> bool) {
        self.count(field, words.len(), 0..=WORDS_MAX);
        let mut bad: Vec<_> =
            words.iter().filter(|(_, n)| !n.is_finite() || !test(**n)).map(|(w, _)| w).collect();
        bad.sort_unstable();
        for word in bad.into_iter().take(limits::EXAMPLES_MAX) {
            let problem = "weights are finite; counts are above 0 and at most total_count";
            self.bad(format_args!("{field}[{word:?}]"), problem);
        }
    }
}

impl From<CutBy<Vec<TextVector>>> for pb::EmbedResponse {
    fn from(cut: CutBy<Vec<TextVector>>) -> Self {
        let answer = info(&cut);
        let vectors = cut.answer.into_iter().map(pb::TextVector::from).collect();
        let frequencies = cut.frequencies.map(pb::FrequenciesUsed::from);
        Self { vectors, answer, tokenizer: cut.tokenizer, frequencies }
    }
}

impl From<FrequenciesUsed> for pb::FrequenciesUsed {
    fn from(used: FrequenciesUsed) -> Self {
        let source = match used.source {
            FrequencySource::Given => pb::FrequencySource::Given,
            FrequencySource::Attribute => pb::FrequencySource::Attribute,
            FrequencySource::Zipf => pb::FrequencySource::Zipf,
        };
        Self {
            source: source.into(),
            counted_words: used.counted_words as u64,
            total_count: used.total,
        }
    }
}

impl From<Sparse> for pb::SparseVector {
    fn from(sparse: Sparse) -> Self {
        let rows = sparse.rows.into_iter().map(|row| row.0).collect();
        Self { rows, values: sparse.values, size: sparse.size as u64 }
    }
}

impl From<TextVector> for pb::TextVector {
    fn from(vector: TextVector) -> Self {
        let token = |token: TokenVector| pb::TokenVector {
            position: token.placed.map(|placed| wire::count(placed.place)),
            segment: token.placed.map(|placed| wire::count(placed.segment)),
            special: token.placed.is_some_and(|placed| placed.is_special),
            in_second: token.placed.is_some_and(|placed| placed.in_second),
            row: token.row.0,
            byte_start: wire::count(token.bytes.start),
            byte_end: wire::count(token.bytes.end),
            values: token.values,
            word: token.word,
        };
        Self {
            values: vector.values,
            token_count: wire::count(vector.token_count),
            used_count: wire::count(vector.used_count),
            skipped: vector.skipped,
            chunk_count: wire::count(vector.chunk_count),
            tokens: vector.tokens.into_iter().map(token).collect(),
            sparse: vector.sparse.map(pb::SparseVector::from),
        }
    }
}

/// A text to be near to.
pub(super) struct NearText {
    pub(super) text: Ask<EmbedQuery>,
    pub(super) nearest: Ask<NearestQuery>,
}

impl TryFrom<pb::NearestToTextRequest> for NearText {
    type Error = Error;

    fn try_from(request: pb::NearestToTextRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let in_table = fields.table_if_named(request.in_table);
        fields.text("text", &request.text);
        let words = fields.word_options_of_texts(request.words);
        let (cutting, options) = fields.embedding(request.cutting, request.options);
        let (texts, second) = (vec![request.text], Vec::new());
        let query = EmbedQuery { texts, second, cutting, words, options };
        if query.options.pooling == Pooling::Tokens {
            fields.bad("options.pooling", "one vector is needed");
        }
        fields.dense(&query.options);
        let nearest = fields.within("nearest", |fields| {
            let mut nearest = request.nearest.unwrap_or_default();
            if !nearest.table.is_empty() {
                fields.bad("table", "the table is named above; leave it empty here");
            }
            // The question needs something to be near to; it gets the text.
            let stand_in = pb::word_or_vector::Query::Row(0);
            let stand_in = pb::WordOrVector { query: Some(stand_in), weight: None };
            nearest.positive.insert(0, stand_in);
            let mut query = nearest_query(fields, nearest);
            if !query.positive.is_empty() {
                query.positive.remove(0);
            }
            query
        });
        fields.finish(|| {
            let text = Ask { table: table?, query };
            let table = in_table.unwrap_or_else(|| text.table.clone());
            Some(Self { text, nearest: Ask { table, query: nearest } })
        })
    }
}

pub(super) fn near_text(
    (cut, found): (CutBy<TextVector>, Answer<NearestAnswer>),
) -> pb::NearestToTextResponse {
    let found = pb::NearestResponse::from(found);
    pb::NearestToTextResponse {
        neighbors: found.neighbors,
        answer: found.answer,
        text: Some(cut.answer.into()),
        tokenizer: cut.tokenizer,
        frequencies: cut.frequencies.map(pb::FrequenciesUsed::from),
    }
}

/// Texts to be compared.
pub(super) struct TextSimilarity(pub(super) Ask<AlikeQuery>);

impl TryFrom<pb::TextSimilarityRequest> for TextSimilarity {
    type Error = Error;

    fn try_from(request: pb::TextSimilarityRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.count("pairs", request.pairs.len(), 1..=limits::TEXTS_MAX);
        let mut texts = Vec::with_capacity(2 * request.pairs.len());
        for (i, pair) in request.pairs.into_iter().enumerate() {
            fields.text(format_args!("pairs[{i}].a"), &pair.a);
            fields.text(format_args!("pairs[{i}].b"), &pair.b);
            texts.extend([pair.a, pair.b]);
        }
        fields.bytes("pairs", texts.iter().map(String::len).sum(), limits::TEXTS_BYTES_MAX);
        let words = fields.word_options_of_texts(request.words);
        let (cutting, options) = fields.embedding(request.cutting, request.options);
        let embed = EmbedQuery { texts, second: Vec::new(), cutting, words, options };
        if embed.options.pooling == Pooling::Tokens {
            fields.bad("options.pooling", "one vector is needed for each text");
        }
        let pb::TextSimilarityRequest { relaxed_wmd, exact_wmd, .. } = request;
        if embed.options.input == Input::Transformer && (relaxed_wmd || exact_wmd) {
            let field = if relaxed_wmd { "relaxed_wmd" } else { "exact_wmd" };
            fields.bad(field, "moves words, which have no place; not with transformer_input");
        }
        let query = AlikeQuery { embed, relaxed_wmd, exact_wmd };
        fields.finish(|| Some(Self(Ask { table: table?, query })))
    }
}

impl From<CutBy<Vec<Alike>>> for pb::TextSimilarityResponse {
    fn from(cut: CutBy<Vec<Alike>>) -> Self {
        let answer = info(&cut);
        let similarities =
            cut.answer.into_iter().map(|alike| pb::text_similarity_response::PairSimilarity {
                cosine: alike.cosine,
                relaxed_wmd: alike.relaxed_wmd,
                exact_wmd: alike.exact_wmd,
                skipped: alike.skipped,
            });
        Self {
            similarities: similarities.collect(),
            answer,
            tokenizer: cut.tokenizer,
            frequencies: cut.frequencies.map(pb::FrequenciesUsed::from),
        }
    }
}
