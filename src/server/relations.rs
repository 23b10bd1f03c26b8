//! The conversions of SearchService's questions about given words.

use crate::engine::{Answer, Ask, TableState};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::query::compare::{CompareAnswer, CompareQuery, ComparedWord};
use crate::query::given::{
    CentralityQuery, GivenQuery, RankedAnswer, RelativeCosineAnswer, RelativeCosineQuery,
};
use crate::query::odd_one_out::RankedQuery;
use crate::query::rank::{RankAnswer, RankQuery};
use crate::query::set_similarity::{SetSimilarityAnswer, SetSimilarityQuery};
use crate::query::similarity_matrix::{SimilarityMatrixAnswer, SimilarityMatrixQuery};
use crate::query::word_movers::{Move, WordMoversAnswer, WordMoversQuery};
use crate::query::{AnsweredBy, WordsUsed};
use crate::server::wire::{self, Fields};
use crate::table::meta::TableName;

/// Words told by `CloserThan` if the question names no number.
const CLOSER: usize = 100;
/// Words of one comparison of tables, its neighbors and anchors.
const COMPARED_WORDS_MAX: usize = 100;
const COMPARED_NEIGHBORS_MAX: usize = 1_000;
const ANCHORS: usize = 5_000;
const ANCHORS_MAX: usize = 50_000;
const K: usize = 10;

/// An exact answer's message, told of its words.
fn info<A>(answer: &mut Answer<A>, words: fn(&mut A) -> &mut WordsUsed) -> pb::AnswerInfo {
    let words = std::mem::take(words(&mut answer.answer));
    wire::info(answer, AnsweredBy::EXACT, words)
}

impl TryFrom<pb::SimilarityMatrixRequest> for Ask<SimilarityMatrixQuery> {
    type Error = Error;

    fn try_from(request: pb::SimilarityMatrixRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.count("rows", request.rows.len(), 1..=limits::QUERY_WORDS_MAX);
        fields.count("columns", request.columns.len(), 0..=limits::QUERY_WORDS_MAX);
        let query = SimilarityMatrixQuery {
            rows: fields.queries("rows", request.rows),
            columns: fields.queries("columns", request.columns),
            words: fields.word_options(request.words),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<SimilarityMatrixAnswer>> for pb::SimilarityMatrixResponse {
    fn from(mut answer: Answer<SimilarityMatrixAnswer>) -> Self {
        let info = info(&mut answer, |answer| &mut answer.words);
        let label = |(index, word)| pb::similarity_matrix_response::Label {
            index: wire::count(index),
            word,
        };
        Self {
            rows: answer.answer.rows.into_iter().map(label).collect(),
            columns: answer.answer.columns.into_iter().map(label).collect(),
            similarities: answer.answer.similarities,
            answer: Some(info),
        }
    }
}

impl TryFrom<pb::SetSimilarityRequest> for Ask<SetSimilarityQuery> {
    type Error = Error;

    fn try_from(request: pb::SetSimilarityRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.count("a", request.a.len(), 1..=limits::QUERY_WORDS_MAX);
        fields.count("b", request.b.len(), 1..=limits::QUERY_WORDS_MAX);
        let sets = [fields.queries("a", request.a), fields.queries("b", request.b)];
        let words = fields.word_options(request.words);
        let query = SetSimilarityQuery { sets, unit: request.unit, words };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<SetSimilarityAnswer>> for pb::SetSimilarityResponse {
    fn from(mut answer: Answer<SetSimilarityAnswer>) -> Self {
        let info = info(&mut answer, |answer| &mut answer.words);
        let answer = answer.answer;
        Self {
            similarity: answer.similarity,
            mean_pair_similarity: answer.mean_pair_similarity,
            count_a: wire::count(answer.counts[0]),
            count_b: wire::count(answer.counts[1]),
            answer: Some(info),
        }
    }
}

impl TryFrom<pb::WordMoversRequest> for Ask<WordMoversQuery> {
    type Error = Error;

    fn try_from(request: pb::WordMoversRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.count("a", request.a.len(), 1..=limits::QUERY_WORDS_MAX);
        fields.count("b", request.b.len(), 1..=limits::QUERY_WORDS_MAX);
        let query = WordMoversQuery {
            texts: [request.a, request.b],
            raw: request.raw,
            relaxed: request.relaxed,
            words: fields.word_options(request.words),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<WordMoversAnswer>> for pb::WordMoversResponse {
    fn from(mut answer: Answer<WordMoversAnswer>) -> Self {
        let info = info(&mut answer, |answer| &mut answer.words);
        let answer = answer.answer;
        let moved = |Move { from, to, weight, distance }| pb::word_movers_response::Move {
            from,
            to,
            weight,
            distance,
        };
        Self {
            distance: answer.distance,
            relaxed_distance: answer.relaxed,
            moves: answer.moves.into_iter().map(moved).collect(),
            answer: Some(info),
        }
    }
}

impl TryFrom<pb::RankRequest> for Ask<RankQuery> {
    type Error = Error;

    fn try_from(request: pb::RankRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let query = RankQuery {
            a: fields.query("a", request.a),
            b: fields.query("b", request.b),
            k: 0,
            words: fields.word_options(request.words),
            filter: fields.filter(request.filter),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<RankAnswer>> for pb::RankResponse {
    fn from(mut answer: Answer<RankAnswer>) -> Self {
        let info = info(&mut answer, |answer| &mut answer.words);
        let answer = answer.answer;
        Self {
            rank: wire::count(answer.rank),
            similarity: answer.similarity,
            row_count: wire::count(answer.row_count),
            answer: Some(info),
        }
    }
}

impl TryFrom<pb::CloserThanRequest> for Ask<RankQuery> {
    type Error = Error;

    fn try_from(request: pb::CloserThanRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let query = RankQuery {
            a: fields.query("a", request.a),
            b: fields.query("b", request.b),
            k: fields.number("k", request.k, 1..=limits::NEIGHBORS_MAX, CLOSER),
            words: fields.word_options(request.words),
            filter: fields.filter(request.filter),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<RankAnswer>> for pb::CloserThanResponse {
    fn from(mut answer: Answer<RankAnswer>) -> Self {
        let info = info(&mut answer, |answer| &mut answer.words);
        let answer = answer.answer;
        Self {
            neighbors: wire::neighbors(answer.closer),
            count: wire::count(answer.rank - 1),
            similarity: answer.similarity,
            answer: Some(info),
        }
    }
}

impl TryFrom<pb::MostSimilarToGivenRequest> for Ask<GivenQuery> {
    type Error = Error;

    fn try_from(request: pb::MostSimilarToGivenRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.count("candidates", request.candidates.len(), 1..=limits::BATCH_MAX);
        let query = GivenQuery {
            query: fields.query("query", request.query),
            candidates: fields.queries("candidates", request.candidates),
            words: fields.word_options(request.words),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

fn ranked(ranked: Vec<RankedQuery>) -> Vec<pb::RankedWord> {
    let word = |RankedQuery { index, word, similarity }| pb::RankedWord {
        index: wire::count(index),
        word,
        similarity,
    };
    ranked.into_iter().map(word).collect()
}

impl From<Answer<RankedAnswer>> for pb::MostSimilarToGivenResponse {
    fn from(mut answer: Answer<RankedAnswer>) -> Self {
        let info = info(&mut answer, |answer| &mut answer.words);
        Self { ranked: ranked(answer.answer.ranked), answer: Some(info) }
    }
}

impl TryFrom<pb::RankByCentralityRequest> for Ask<CentralityQuery> {
    type Error = Error;

    fn try_from(request: pb::RankByCentralityRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.count("queries", request.queries.len(), 1..=limits::BATCH_MAX);
        let queries = fields.queries("queries", request.queries);
        let query = CentralityQuery { queries, words: fields.word_options(request.words) };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<RankedAnswer>> for pb::RankByCentralityResponse {
    fn from(mut answer: Answer<RankedAnswer>) -> Self {
        let info = info(&mut answer, |answer| &mut answer.words);
        Self { ranked: ranked(answer.answer.ranked), answer: Some(info) }
    }
}

impl TryFrom<pb::RelativeCosineRequest> for Ask<RelativeCosineQuery> {
    type Error = Error;

    fn try_from(request: pb::RelativeCosineRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let query = RelativeCosineQuery {
            a: fields.query("a", request.a),
            b: fields.query("b", request.b),
            k: fields.number("k", request.k, 1..=limits::NEIGHBORS_MAX, K),
            words: fields.word_options(request.words),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<RelativeCosineAnswer>> for pb::RelativeCosineResponse {
    fn from(mut answer: Answer<RelativeCosineAnswer>) -> Self {
        let info = info(&mut answer, |answer| &mut answer.words);
        let answer = answer.answer;
        Self {
            relative_cosine: answer.relative,
            similarity: answer.similarity,
            neighbors_sum: answer.neighbors_sum,
            answer: Some(info),
        }
    }
}

impl TryFrom<pb::CompareRequest> for Ask<(TableName, CompareQuery)> {
    type Error = Error;

    fn try_from(request: pb::CompareRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let other = TableName::try_from(request.other).ok();
        if other.is_none() {
            fields.bad("other", "the name of a table to compare with");
        }
        fields.count("words", request.words.len(), 1..=COMPARED_WORDS_MAX);
        let options = fields.words_of_one_form("options", request.options);
        let query = CompareQuery {
            words: request.words,
            k: fields.number("k", request.k, 1..=COMPARED_NEIGHBORS_MAX, K),
            anchors: fields.number("anchors", request.anchors, 1..=ANCHORS_MAX, ANCHORS),
            options,
        };
        fields.finish(|| Some(Self { table: table?, query: (other?, query) }))
    }
}

/// Of the answer, and the state of the other table.
pub(super) fn comparison(
    (mut answer, other): (Answer<CompareAnswer>, TableState),
) -> pb::CompareResponse {
    let [first, second] = std::mem::take(&mut answer.answer.used);
    let info = wire::info(&answer, AnsweredBy::EXACT, first);
    let other = Answer { of: other, answer: () };
    let other_info = wire::info(&other, AnsweredBy::EXACT, second);
    let answer = answer.answer;
    pb::CompareResponse {
        words: answer.words.into_iter().map(compared).collect(),
        anchor_count: wire::count(answer.anchor_count),
        anchors_mean: answer.aligned_anchors.map(|(mean, _)| mean),
        anchors_deviation: answer.aligned_anchors.map(|(_, deviation)| deviation),
        not_aligned: answer.not_aligned,
        answer: Some(info),
        other_answer: Some(other_info),
    }
}

fn compared(word: ComparedWord) -> pb::compare_response::ComparedWord {
    let [neighbors, other_neighbors] = word.neighbors.map(wire::neighbors);
    pb::compare_response::ComparedWord {
        word: word.word,
        neighbors,
        other_neighbors,
        shared: word.shared.into_iter().map(|word| wire::shown(word).0).collect(),
        overlap: word.overlap,
        neighborhood_similarity: word.neighborhood_similarity,
        aligned_similarity: word.aligned_similarity,
    }
}
