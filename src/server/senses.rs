//! The conversions of SearchService's questions about senses.

use crate::engine::{Answer, Ask};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::query::senses::{
    InduceAnswer, InduceQuery, InducedSense, Sense, SensePair, SensesAnswer, SensesQuery,
};
use crate::query::{AnsweredBy, OovPolicy, WordOptions};
use crate::server::wire::{self, Fields};

const SEPARATOR: &str = "|";
const SEPARATOR_BYTES_MAX: usize = 16;
const NEIGHBORS: usize = 200;
const NEIGHBORS_MAX: usize = 2_000;
const SENSES_MAX: usize = 20;
/// Cosines below which two senses are homonyms: of rows and neighbors, and of contexts.
const ROWS_BELOW: f64 = 0.5;
const CONTEXTS_BELOW: f64 = 0.2;

fn options(fields: &mut Fields, words: Option<pb::WordOptions>) -> WordOptions {
    let is_unsaid = words.as_ref().is_none_or(|words| words.oov() == pb::OovPolicy::Unspecified);
    let options = fields.word_options(words);
    if is_unsaid { WordOptions { oov: OovPolicy::Skip, ..options } } else { options }
}

fn homonyms_below(fields: &mut Fields, asked: Option<f64>, default: f64) -> f64 {
    let below = asked.unwrap_or(default);
    if !(-1.0..=1.0).contains(&below) {
        fields.bad("homonyms_below", "a cosine from -1 to 1");
    }
    below
}

fn pair(pair: SensePair) -> pb::senses_response::SensePair {
    pb::senses_response::SensePair {
        first: wire::count(pair.first),
        second: wire::count(pair.second),
        similarity: pair.similarity,
        homonyms: pair.are_homonyms,
    }
}

impl TryFrom<pb::SensesRequest> for Ask<SensesQuery> {
    type Error = Error;

    fn try_from(request: pb::SensesRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.count("context", request.context.len(), 0..=limits::QUERY_WORDS_MAX);
        fields.bytes("separator", request.separator.len(), SEPARATOR_BYTES_MAX);
        if request.word.is_empty() {
            fields.bad("word", "a word has at least one character");
        }
        let homonyms_below = homonyms_below(&mut fields, request.homonyms_below, ROWS_BELOW);
        let given = request.separator;
        let query = SensesQuery {
            word: request.word,
            separator: if given.is_empty() { SEPARATOR.to_owned() } else { given },
            context: request.context,
            homonyms_below,
            words: options(&mut fields, request.words),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<SensesAnswer>> for pb::SensesResponse {
    fn from(mut answer: Answer<SensesAnswer>) -> Self {
        let words = std::mem::take(&mut answer.answer.words);
        let info = wire::info(&answer, AnsweredBy::EXACT, words);
        let sense = |sense: Sense| pb::senses_response::Sense {
            word: wire::shown(sense.word).0,
            row: sense.row.0,
            name: wire::shown(sense.name).0,
            context_similarity: sense.context_similarity,
        };
        Self {
            senses: answer.answer.senses.into_iter().map(sense).collect(),
            pairs: answer.answer.pairs.into_iter().map(pair).collect(),
            answer: Some(info),
        }
    }
}

impl TryFrom<pb::InduceSensesRequest> for Ask<InduceQuery> {
    type Error = Error;

    fn try_from(request: pb::InduceSensesRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.count("context", request.context.len(), 0..=limits::QUERY_WORDS_MAX);
        fields.count("contexts", request.contexts.len(), 0..=limits::CONTEXTS_MAX);
        for (i, context) in request.contexts.iter().enumerate() {
            fields.bytes(&format!("contexts[{i}]"), context.len(), limits::TEXT_BYTES_MAX);
        }
        let all = request.contexts.iter().map(String::len).sum();
        fields.bytes("contexts", all, limits::TEXTS_BYTES_MAX);
        let default = if request.contexts.is_empty() { ROWS_BELOW } else { CONTEXTS_BELOW };
        let homonyms_below = homonyms_below(&mut fields, request.homonyms_below, default);
        let k = match request.k {
            None => 0,
            some => fields.number("k", some, 2..=SENSES_MAX, 2),
        };
        let query = InduceQuery {
            word: fields.query("word", request.word),
            k,
            neighbors: fields.number("neighbors", request.neighbors, 4..=NEIGHBORS_MAX, NEIGHBORS),
            context: request.context,
            contexts: request.contexts,
            homonyms_below,
            seed: request.seed,
            words: options(&mut fields, request.words),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<InduceAnswer>> for pb::InduceSensesResponse {
    fn from(mut answer: Answer<InduceAnswer>) -> Self {
        let words = std::mem::take(&mut answer.answer.words);
        let info = wire::info(&answer, AnsweredBy::EXACT, words);
        let sense = |sense: InducedSense| pb::induce_senses_response::Sense {
            members: wire::neighbors(sense.members),
            vector: Some(wire::vector(sense.vector, false)),
            similarity: sense.similarity,
            context_similarity: sense.context_similarity,
            contexts: sense.contexts.into_iter().map(wire::count).collect(),
        };
        let stability =
            |(k, stability)| pb::induce_senses_response::Stability { k: wire::count(k), stability };
        Self {
            senses: answer.answer.senses.into_iter().map(sense).collect(),
            stabilities: answer.answer.stabilities.into_iter().map(stability).collect(),
            left_out_contexts: answer.answer.left_out.into_iter().map(wire::count).collect(),
            pairs: answer.answer.pairs.into_iter().map(pair).collect(),
            answer: Some(info),
        }
    }
}
