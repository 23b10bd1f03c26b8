//! LanguageModelService's messages to plain values, and back.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::models::{
    Asked, Candidate, CompareJob, Compared, GenerateQuery, Generated, ImportModelJob, MadeModel,
    MixQuery, Mixed, ModelStatus, NeuralJob, Next, NextAnswer, NextQuery, OddQuery, OddSentence,
    OddWord, PerplexityQuery, RankQuery, Ranked, ScoreQuery, ScoredSentence, ScoredToken, Scores,
    TrainModelJob, TrainedModel,
};
use crate::error::{Error, Result};
use crate::limits;
use crate::lm::arpa::ArpaOptions;
use crate::lm::neural::{Epoch, Settings};
use crate::lm::{
    ADD_K, Drawing, Known, NextFilter, ORDER_MAX, OrderReport, Perplexity, Smoothing, Totals,
};
use crate::proto as pb;
use crate::server::wire::{self, Fields};
use crate::store::{ModelHead, NeuralHead};
use crate::table::meta::TableName;

/// The order that nobody asked for.
const ORDER: usize = 5;
/// The order of compared smoothings.
const COMPARED_ORDER: usize = 3;
/// The share of lines that judges smoothings.
const HELD_OUT: f64 = 0.05;
/// The most of a text that may be held out.
const HELD_OUT_MAX: f64 = 0.5;
/// Next words, if nothing is said.
const NEXT: usize = 10;

/// The most that a candidate's model weighs, and a word of it.
const RANK_MAX: f64 = 1_000.0;
/// How much less likely than its neighbors a word is that is odd, as a power of ten; and the most that may be asked.
const ODD: f64 = 2.0;
const ODD_MAX: f64 = 100.0;

/// All of them.
pub(super) struct List;

impl TryFrom<pb::ListModelsRequest> for List {
    type Error = Error;

    fn try_from(_: pb::ListModelsRequest) -> Result<Self> {
        Ok(Self)
    }
}

/// Which one is asked for.
pub(super) struct Get(pub(super) TableName);

impl Get {
    pub(super) fn named(name: String) -> Result<TableName> {
        let mut fields = Fields::default();
        let name = fields.model(name);
        fields.finish(|| name)
    }
}

impl TryFrom<pb::GetModelRequest> for Get {
    type Error = Error;

    fn try_from(request: pb::GetModelRequest) -> Result<Self> {
        Self::named(request.model).map(Self)
    }
}

/// Which one is to be deleted.
pub(super) struct Delete(pub(super) TableName);

impl TryFrom<pb::DeleteModelRequest> for Delete {
    type Error = Error;

    fn try_from(request: pb::DeleteModelRequest) -> Result<Self> {
        Get::named(request.model).map(Self)
    }
}

impl Fields {
    fn model(&mut self, name: String) -> Option<TableName> {
        self.name_of("language model", "model", name)
    }

    fn smoothing(&mut self, field: &str, smoothing: i32, k: Option<f64>) -> Smoothing {
        let smoothing = match self.choice(field, smoothing) {
            pb::Smoothing::Unspecified | pb::Smoothing::ModifiedKneserNey => {
                Smoothing::ModifiedKneserNey
            }
            pb::Smoothing::MaximumLikelihood => Smoothing::MaximumLikelihood,
            pb::Smoothing::Laplace => Smoothing::Laplace,
            pb::Smoothing::AddK => Smoothing::AddK(k.unwrap_or(ADD_K)),
            pb::Smoothing::GoodTuring => Smoothing::GoodTuring,
            pb::Smoothing::Katz => Smoothing::Katz,
            pb::Smoothing::WittenBell => Smoothing::WittenBell,
            pb::Smoothing::JelinekMercer => Smoothing::JelinekMercer,
            pb::Smoothing::AbsoluteDiscounting => Smoothing::AbsoluteDiscounting,
            pb::Smoothing::KneserNey => Smoothing::KneserNey,
        };
        if let Err(error) = smoothing.check() {
            self.bad("k", error.to_string());
        }
        smoothing
    }

    fn known(&mut self, min_count: Option<u64>, vocab_max: Option<u64>) -> Known {
        if vocab_max == Some(0) {
            self.bad("vocab_max", "at least 1");
        }
        let words_max = vocab_max.and_then(|max| usize::try_from(max).ok());
        let words_max = words_max.unwrap_or(limits::LM_WORDS_MAX).min(limits::LM_WORDS_MAX);
        Known { min_count: min_count.unwrap_or(1), words_max, given: None }
    }

    fn network(&mut self, network: pb::NeuralNetwork, order: usize) -> Option<NeuralJob> {
        let default = Settings::default();
        let mut number = |field: &str, value, most, default| {
            self.number(&format!("neural.{field}"), value, 1..=most, default)
        };
        let (dims, units) = (limits::LM_NEURAL_DIM_MAX, limits::LM_NEURAL_HIDDEN_MAX);
        let dim = number("dim", network.dim, dims, default.dim);
        let hidden = number("hidden", network.hidden, units, default.hidden);
        let epochs = number("epochs", network.epochs, limits::LM_NEURAL_EPOCHS_MAX, default.epochs);
        let threads =
            number("threads", network.threads, limits::TRAIN_THREADS_MAX, default.threads);
        let most = limits::LM_NEURAL_SAMPLES_MAX;
        let samples = network.samples.map(|samples| number("samples", Some(samples), most, 1));
        if order < 2 {
            self.bad("order", "a network predicts a word from those before it: from 2 on");
        }
        let settings = Settings {
            order,
            dim,
            hidden,
            direct: network.direct,
            samples,
            epochs,
            rate: network.rate.unwrap_or(default.rate),
            decay: network.decay.unwrap_or(default.decay),
            dropout: network.dropout.unwrap_or(default.dropout),
            seed: network.seed.unwrap_or(default.seed),
            threads,
        };
        // Counts were checked above.
        let counts = Settings { order: order.max(2), ..settings };
        if let Err(error) = counts.check() {
            self.bad("neural", error.to_string());
        }
        let mut name = |field: &str, name: String| {
            if name.is_empty() {
                return Some(None);
            }
            self.name_of("table", field, name).map(Some)
        };
        let from = name("neural.from_table", network.from_table);
        let table = name("neural.table", network.table);
        Some(NeuralJob { settings, from: from?, table: table?, has_dim: network.dim.is_some() })
    }

    fn share(&mut self, share: f64, may_be_none: bool) {
        let is_right = share <= HELD_OUT_MAX && (share > 0.0 || (may_be_none && share >= 0.0));
        if !is_right {
            let from = if may_be_none { "from 0" } else { "above 0" };
            self.bad("held_out_share", format!("{from} to {HELD_OUT_MAX}; {share} is not"));
        }
    }

    fn within_range(
        &mut self,
        field: &str,
        value: Option<f64>,
        (least, most): (f64, f64),
        default: f64,
    ) -> f64 {
        let value = value.unwrap_or(default);
        if !(least..=most).contains(&value) {
            self.bad(field, format!("from {least} to {most}; {value} is not"));
        }
        value
    }

    fn text_of_lines(&mut self, text: &[u8]) {
        self.bytes("text", text.len(), limits::TEXTS_BYTES_MAX);
        // A tokenizer takes a line at once, as it takes a text.
        let longest = text.split(|&byte| byte == b'\n').map(<[u8]>::len).max().unwrap_or(0);
        if longest > limits::TEXT_BYTES_MAX {
            let max = limits::TEXT_BYTES_MAX;
            self.bad("text", format!("at most {max} bytes a line allowed, {longest} given"));
        }
    }
}

impl TryFrom<pb::TrainModelHeader> for TrainModelJob {
    type Error = Error;

    fn try_from(header: pb::TrainModelHeader) -> Result<Self> {
        let mut fields = Fields::default();
        let name = fields.model(header.model);
        fields.bytes("source", header.source.len(), limits::SOURCE_BYTES_MAX);
        let order = fields.number("order", header.order, 1..=ORDER_MAX, ORDER);
        let smoothing = fields.smoothing("smoothing", header.smoothing, header.k);
        if header.k.is_some() && !matches!(smoothing, Smoothing::AddK(_)) {
            fields.bad("k", "only ADD_K has a use for it");
        }
        fields.count("prune", header.prune.len(), 0..=ORDER_MAX - 1);
        if let Some(share) = header.held_out_share {
            fields.share(share, smoothing != Smoothing::JelinekMercer);
        }
        let mut known = fields.known(header.min_count, header.vocab_max);
        if !header.vocabulary.is_empty() {
            let words = header.vocabulary.into_iter().map(String::into_bytes).collect();
            known.given = Some(Arc::new(words));
        }
        let is_plain = header.smoothing == 0 && header.k.is_none() && header.prune.is_empty();
        if header.neural.is_some() && !is_plain {
            fields.bad("neural", "a network has no smoothing, k or prune");
        }
        if header.neural.is_some() && header.compact {
            fields.bad("compact", "a network has no n-grams");
        }
        let neural = header.neural.map(|network| fields.network(network, order));
        fields.finish(|| {
            Some(Self {
                name: name?,
                replace: header.replace,
                source: header.source,
                neural: neural.map_or(Some(None), |network| network.map(Some))?,
                order,
                smoothing,
                known,
                prune: header.prune,
                tokenizer: header.tokenizer,
                skips_special: header.skip_special,
                held_out: header.held_out_share,
                compact: header.compact,
                made_at: wire::seconds_since_1970(),
            })
        })
    }
}

impl TryFrom<pb::ImportModelHeader> for ImportModelJob {
    type Error = Error;

    fn try_from(header: pb::ImportModelHeader) -> Result<Self> {
        let mut fields = Fields::default();
        let name = fields.model(header.model);
        fields.bytes("source", header.source.len(), limits::SOURCE_BYTES_MAX);
        fields.finish(|| {
            Some(Self {
                name: name?,
                replace: header.replace,
                source: header.source,
                tokenizer: header.tokenizer,
                options: ArpaOptions { clamps: header.clamp },
                compact: header.compact,
                made_at: wire::seconds_since_1970(),
            })
        })
    }
}

/// Smoothings to be compared.
pub(super) struct Compare(pub(super) CompareJob);

impl TryFrom<pb::CompareSmoothingsHeader> for Compare {
    type Error = Error;

    fn try_from(header: pb::CompareSmoothingsHeader) -> Result<Self> {
        let mut fields = Fields::default();
        let all = Smoothing::ALL.len();
        fields.count("smoothings", header.smoothings.len(), 0..=all);
        fields.count("orders", header.orders.len(), 0..=ORDER_MAX);
        let mut smoothings: Vec<Smoothing> = header
            .smoothings
            .iter()
            .take(all)
            .map(|&smoothing| fields.smoothing("smoothings", smoothing, header.k))
            .collect();
        if smoothings.is_empty() {
            let k = header.k.unwrap_or(ADD_K);
            smoothings = Smoothing::ALL.to_vec();
            for smoothing in &mut smoothings {
                if matches!(smoothing, Smoothing::AddK(_)) {
                    *smoothing = Smoothing::AddK(k);
                    if let Err(error) = smoothing.check() {
                        fields.bad("k", error.to_string());
                    }
                }
            }
        }
        let has_k = smoothings.iter().any(|smoothing| matches!(smoothing, Smoothing::AddK(_)));
        if header.k.is_some() && !has_k {
            fields.bad("k", "only ADD_K has a use for it");
        }
        if (1..smoothings.len()).any(|at| smoothings[..at].contains(&smoothings[at])) {
            fields.bad("smoothings", "each once");
        }
        let order = |&order| fields.number("orders", Some(order), 1..=ORDER_MAX, COMPARED_ORDER);
        let mut orders: Vec<usize> = header.orders.iter().take(ORDER_MAX).map(order).collect();
        if orders.is_empty() {
            orders.push(COMPARED_ORDER);
        }
        if (1..orders.len()).any(|at| orders[..at].contains(&orders[at])) {
            fields.bad("orders", "each once");
        }
        let held_out = header.held_out_share.unwrap_or(HELD_OUT);
        fields.share(held_out, false);
        let known = fields.known(header.min_count, header.vocab_max);
        fields.finish(|| {
            Some(Self(CompareJob {
                smoothings,
                orders,
                known,
                tokenizer: header.tokenizer,
                skips_special: header.skip_special,
                held_out,
            }))
        })
    }
}

/// A question to a model.
pub(super) struct Asks<Q>(pub(super) Asked<Q>);

impl TryFrom<pb::ScoreRequest> for Asks<ScoreQuery> {
    type Error = Error;

    fn try_from(request: pb::ScoreRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let model = fields.model(request.model);
        fields.texts("sentences", &request.sentences);
        if !request.state.is_empty() && request.sentences.len() != 1 {
            fields.bad("state", "one sentence goes on from a state");
        }
        if !request.state.is_empty() && request.no_begin {
            fields.bad("no_begin", "a state says already what stands before");
        }
        let query = ScoreQuery {
            sentences: request.sentences,
            no_begin: request.no_begin,
            no_end: request.no_end,
            totals_only: request.totals_only,
            state: request.state,
        };
        fields.finish(|| Some(Self(Asked { model: model?, query })))
    }
}

impl TryFrom<pb::PerplexityRequest> for Asks<PerplexityQuery> {
    type Error = Error;

    fn try_from(request: pb::PerplexityRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let model = fields.model(request.model);
        fields.text_of_lines(&request.text);
        let query = PerplexityQuery { text: request.text };
        fields.finish(|| Some(Self(Asked { model: model?, query })))
    }
}

impl TryFrom<pb::NextWordsRequest> for Asks<NextQuery> {
    type Error = Error;

    fn try_from(request: pb::NextWordsRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let model = fields.model(request.model);
        fields.text("text", &request.text);
        let k = fields.number("k", request.k, 1..=limits::NEIGHBORS_MAX, NEXT);
        let filter = NextFilter { ends: !request.without_end, unknown: request.with_unknown };
        let query = NextQuery { text: request.text, state: request.state, k, filter };
        fields.finish(|| Some(Self(Asked { model: model?, query })))
    }
}

impl TryFrom<pb::GenerateRequest> for Asks<GenerateQuery> {
    type Error = Error;

    fn try_from(request: pb::GenerateRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let model = fields.model(request.model);
        fields.text("text", &request.text);
        let default = Drawing::default();
        let max = limits::LM_GENERATED_MAX;
        let count = fields.number("count", request.count, 1..=limits::LM_TEXTS_MAX, 1);
        let drawing = Drawing {
            temperature: request.temperature.unwrap_or(default.temperature),
            top_k: request.top_k.map_or(0, |k| usize::try_from(k).unwrap_or(usize::MAX)),
            top_p: request.top_p.unwrap_or(default.top_p),
            tokens_max: fields.number(
                "max_tokens",
                request.max_tokens,
                1..=max,
                default.tokens_max,
            ),
            seed: request.seed.unwrap_or(default.seed),
        };
        let query = GenerateQuery { text: request.text, count: count as u64, drawing };
        fields
            .finish(|| {
                let model = model?;
                Some(Self(Asked { model, query }))
            })
            .and_then(|asks| asks.0.query.drawing.check().map(|()| asks))
    }
}

impl TryFrom<pb::RankTextsRequest> for Asks<RankQuery> {
    type Error = Error;

    fn try_from(request: pb::RankTextsRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let model = fields.model(request.model);
        let texts: Vec<String> =
            request.candidates.iter().map(|candidate| candidate.text.clone()).collect();
        fields.texts("candidates", &texts);
        let acoustic: Vec<f64> =
            request.candidates.iter().map(|candidate| candidate.acoustic_log10).collect();
        if let Some(at) = acoustic.iter().position(|log10| !log10.is_finite()) {
            fields.bad(format_args!("candidates[{at}].acoustic_log10"), "a finite number");
        }
        let weight = fields.within_range("weight", request.weight, (0.0, RANK_MAX), 1.0);
        let word_bonus =
            fields.within_range("word_bonus", request.word_bonus, (-RANK_MAX, RANK_MAX), 0.0);
        let query = RankQuery {
            candidates: texts.into_iter().zip(acoustic).collect(),
            weight,
            word_bonus,
            no_begin: request.no_begin,
            no_end: request.no_end,
        };
        fields.finish(|| Some(Self(Asked { model: model?, query })))
    }
}

impl TryFrom<pb::OddWordsRequest> for Asks<OddQuery> {
    type Error = Error;

    fn try_from(request: pb::OddWordsRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let model = fields.model(request.model);
        fields.texts("sentences", &request.sentences);
        let threshold = fields.within_range("threshold", request.threshold, (0.0, ODD_MAX), ODD);
        let query = OddQuery { sentences: request.sentences, threshold };
        fields.finish(|| Some(Self(Asked { model: model?, query })))
    }
}

/// Models together.
pub(super) struct Mix(pub(super) MixQuery);

impl TryFrom<pb::MixModelsRequest> for Mix {
    type Error = Error;

    fn try_from(request: pb::MixModelsRequest) -> Result<Self> {
        let mut fields = Fields::default();
        fields.count("models", request.models.len(), 1..=limits::LM_MIXED_MAX);
        let named = request.models.iter().take(limits::LM_MIXED_MAX);
        let models: Vec<TableName> = named
            .filter_map(|name| fields.name_of("language model", "models", name.clone()))
            .collect();
        let weights = request.weights;
        let is_right = weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
            && weights.len() == request.models.len()
            && weights.iter().sum::<f64>() > 0.0;
        if !weights.is_empty() && !is_right {
            fields.bad("weights", "none, or one for each model: at least 0, and not all are 0");
        }
        fields.text_of_lines(&request.text);
        fields.finish(|| Some(Self(MixQuery { models, weights, text: request.text })))
    }
}

fn smoothing(smoothing: Smoothing) -> pb::Smoothing {
    match smoothing {
        Smoothing::MaximumLikelihood => pb::Smoothing::MaximumLikelihood,
        Smoothing::Laplace => pb::Smoothing::Laplace,
        Smoothing::AddK(_) => pb::Smoothing::AddK,
        Smoothing::GoodTuring => pb::Smoothing::GoodTuring,
        Smoothing::Katz => pb::Smoothing::Katz,
        Smoothing::WittenBell => pb::Smoothing::WittenBell,
        Smoothing::JelinekMercer => pb::Smoothing::JelinekMercer,
        Smoothing::AbsoluteDiscounting => pb::Smoothing::AbsoluteDiscounting,
        Smoothing::KneserNey => pb::Smoothing::KneserNey,
        Smoothing::ModifiedKneserNey => pb::Smoothing::ModifiedKneserNey,
    }
}

fn model(name: &TableName, bytes: u64, head: &ModelHead) -> pb::LanguageModel {
    let made_at = i64::try_from(head.made_at).ok();
    pb::LanguageModel {
        name: name.to_string(),
        order: head
            .neural
            .as_ref()
            .map_or(wire::count(head.sizes.len()), |neural| small(neural.order)),
        smoothing: Smoothing::of_name(&head.smoothing).map(smoothing).unwrap_or_default().into(),
        k: head.k,
        word_count: head.words,
        ngram_counts: head.sizes.clone(),
        bytes,
        tokenizer: head.tokenizer.clone(),
        token_count: head.tokens,
        sentence_count: head.sentences,
        source: head.source.clone(),
        sha256: head.sha256.clone(),
        made_at: made_at.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 }),
        notes: head.notes.clone(),
        problem: String::new(),
        neural: head.neural.as_ref().map(network),
        compact: head.compact,
    }
}

fn network(head: &NeuralHead) -> pb::NeuralModel {
    pb::NeuralModel {
        dim: small(head.dim),
        hidden: small(head.hidden),
        direct: head.direct,
        weight_count: head.weights,
        samples: head.noise.map(small),
        epochs: small(head.epochs),
        from_table: head.from.clone(),
    }
}

/// A number that is told of a network, none of which is so large.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl From<ModelStatus> for pb::LanguageModel {
    fn from(status: ModelStatus) -> Self {
        match &status.head {
            Ok(head) => model(&status.name, status.bytes, head),
            Err(problem) => Self {
                name: status.name.to_string(),
                bytes: status.bytes,
                problem: problem.to_string(),
                ..Self::default()
            },
        }
    }
}

pub(super) fn listed(all: Vec<ModelStatus>) -> pb::ListModelsResponse {
    pb::ListModelsResponse { models: all.into_iter().map(pb::LanguageModel::from).collect() }
}

fn made(made: &MadeModel) -> pb::LanguageModel {
    model(&made.name, made.bytes, &made.head)
}

pub(super) fn trained(report: &TrainedModel) -> pb::TrainModelReport {
    let order = |order: &OrderReport| pb::ModelOrder {
        ngram_count: order.ngrams,
        pruned_count: order.pruned,
        counts_of_counts: order.counts_of_counts.clone(),
        discounts: order.discounts.values.clone(),
        weight: order.weight,
        fallback: order.discounts.fallback.clone(),
    };
    let epoch = |epoch: &Epoch| pb::NeuralEpoch {
        held_out_perplexity: epoch.held_out,
        seconds: epoch.seconds,
    };
    let network = report.network.as_ref();
    pb::TrainModelReport {
        model: Some(made(&report.made)),
        orders: report.orders.iter().map(order).collect(),
        unknown_token_count: report.totals.unknown_tokens,
        skipped_token_count: report.totals.skipped_tokens,
        held_out: report.held_out.as_ref().map(told),
        memory_bytes: report.memory_bytes,
        spilled_bytes: report.spilled_bytes,
        read_seconds: report.read_seconds,
        make_seconds: report.make_seconds,
        epochs: network.map_or_else(Vec::new, |network| network.epochs.iter().map(epoch).collect()),
        words_per_second: network.map_or(0.0, |network| network.words_per_second),
        from_table_count: network.map_or(0, |network| network.known_count),
        table_row_count: network
            .and_then(|network| network.table.as_ref())
            .map_or(0, |table| table.1),
    }
}

pub(super) fn imported(report: &MadeModel, time: Duration) -> pb::ImportModelReport {
    pb::ImportModelReport { model: Some(made(report)), seconds: time.as_secs_f64() }
}

pub(super) fn compared(totals: &Totals, models: &[Compared]) -> pb::CompareSmoothingsReport {
    let one = |one: &Compared| pb::ComparedSmoothing {
        smoothing: smoothing(one.smoothing).into(),
        order: wire::count(one.order),
        held_out: Some(told(&one.perplexity)),
        ngram_counts: one.sizes.clone(),
        bytes: one.bytes,
        seconds: one.seconds,
        notes: one.notes.clone(),
    };
    pb::CompareSmoothingsReport {
        models: models.iter().map(one).collect(),
        token_count: totals.tokens,
        held_out_sentence_count: totals.held_out_sentences,
    }
}

pub(super) fn told(perplexity: &Perplexity) -> pb::PerplexityResponse {
    pb::PerplexityResponse {
        perplexity: perplexity.perplexity(),
        perplexity_without_unknown: perplexity.without_unknown(),
        token_count: perplexity.tokens,
        unknown_count: perplexity.unknown,
        sentence_count: perplexity.sentences,
        log10: perplexity.log10,
        log10_without_unknown: perplexity.log10_known,
        impossible_count: perplexity.impossible,
        entropy: perplexity.entropy(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl From<Scores> for pb::ScoreResponse {
    fn from(scores: Scores) -> Self {
        let token = |token: ScoredToken| pb::TokenScore {
            token: text(&token.token),
            log10: token.scored.log10.into(),
            order: token.scored.order.into(),
            unknown: !token.is_known,
        };
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let sentence = |sentence: ScoredSentence| pb::SentenceScore {
            log10: sentence.total.log10,
            tokens: sentence.tokens.into_iter().map(token).collect(),
            token_count: count(sentence.total.tokens),
            unknown_count: count(sentence.total.unknown),
            perplexity: sentence.total.perplexity(),
        };
        Self {
            sentences: scores.sentences.into_iter().map(sentence).collect(),
            state: scores.state,
        }
    }
}

fn next(next: &Next) -> pb::NextWord {
    let log10 = f64::from(next.scored.log10);
    pb::NextWord {
        token: text(&next.token),
        probability: 10_f64.powf(log10),
        log10,
        order: next.scored.order.into(),
    }
}

impl From<NextAnswer> for pb::NextWordsResponse {
    fn from(answer: NextAnswer) -> Self {
        let words = answer.words.iter().map(next).collect();
        Self { words, unknown_probability: answer.unknown }
    }
}

/// Texts that were drawn, behind a beginning.
pub(super) struct Drawn(pub(super) String, pub(super) Vec<Generated>);

impl From<Drawn> for pb::GenerateResponse {
    fn from(Drawn(beginning, drawn): Drawn) -> Self {
        let one = |one: Generated| {
            let words = one.words.iter().map(|word| text(&word.token));
            let parts: Vec<String> = Some(beginning.trim().to_owned())
                .filter(|beginning| !beginning.is_empty())
                .into_iter()
                .chain(words)
                .collect();
            pb::GeneratedText {
                text: parts.join(" "),
                words: one.words.iter().map(next).collect(),
                ended: one.has_ended,
                unknown_max: one.unknown_max,
                seed: one.seed,
            }
        };
        Self { texts: drawn.into_iter().map(one).collect() }
    }
}

impl From<Mixed> for pb::MixModelsResponse {
    fn from(mixed: Mixed) -> Self {
        let one = |(name, weight, alone): (TableName, f64, Perplexity)| pb::MixedModel {
            model: name.to_string(),
            weight,
            alone: Some(told(&alone)),
        };
        Self {
            models: mixed.models.into_iter().map(one).collect(),
            mixture: Some(told(&mixed.mixture)),
        }
    }
}

/// Candidates that were ranked, behind their texts.
pub(super) struct Texts(pub(super) Vec<String>, pub(super) Ranked);

impl From<Texts> for pb::RankTextsResponse {
    fn from(Texts(texts, Ranked(candidates)): Texts) -> Self {
        let one = |candidate: Candidate| pb::RankedText {
            index: wire::count(candidate.index),
            text: texts.get(candidate.index).cloned().unwrap_or_default(),
            acoustic_log10: candidate.acoustic,
            log10: candidate.told.log10,
            total: candidate.total,
            share: candidate.share,
            token_count: small(candidate.told.tokens),
            unknown_count: small(candidate.told.unknown),
        };
        Self { candidates: candidates.into_iter().map(one).collect() }
    }
}

/// The odd words of sentences.
pub(super) struct OddWords(pub(super) Vec<OddSentence>);

impl From<OddWords> for pb::OddWordsResponse {
    fn from(OddWords(sentences): OddWords) -> Self {
        let word = |word: OddWord| pb::OddWord {
            index: wire::count(word.index),
            token: text(&word.token),
            log10: word.log10,
            neighbors_log10: word.neighbors_log10,
            unknown: word.is_unknown,
        };
        let sentence = |sentence: OddSentence| pb::OddSentence {
            words: sentence.words.into_iter().map(word).collect(),
            token_count: wire::count(sentence.token_count),
        };
        Self { sentences: sentences.into_iter().map(sentence).collect() }
    }
}
