//! SearchService: nearest words, analogies, similarities, the odd one out.

use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::engine::{Answer, Ask, Engine};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::proto::search_service_server::SearchService;
use crate::query::analogy::{AnalogyAnswer, AnalogyMethod, AnalogyParts, AnalogyQuery};
use crate::query::compare::CompareQuery;
use crate::query::condition::{Condition, Expression, Test};
use crate::query::nearest::{NearestAnswer, NearestQuery};
use crate::query::odd_one_out::{OddOneOutAnswer, OddOneOutQuery};
use crate::query::recall::{RecallAnswer, RecallPoint, RecallQuery};
use crate::query::similarity::{SimilarityAnswer, SimilarityQuery};
use crate::query::{AnsweredBy, Weighted};
use crate::server::desk::{Desk, call_of};
use crate::server::guard;
use crate::server::relations::comparison;
use crate::server::stream::Answers;
use crate::server::wire::{self, Fields};
use crate::table::attributes::check_name;
use crate::table::meta::TableName;

/// Neighbors that an answer holds if the question names no number.
const K_DEFAULT: usize = 10;
/// Words drawn, and widths of the beam tried, if a call for recall names none.
const RECALL_SAMPLE: usize = 200;
const RECALL_WIDTHS: [usize; 5] = [16, 32, 64, 128, 256];

#[async_trait]
impl SearchService for Desk {
    type NearestStreamStream = Answers;

    async fn nearest_stream(
        &self,
        request: Request<Streaming<pb::NearestStreamRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let timeout = guard::timeout(request.metadata());
        let call = call_of(&request)?;
        Ok(Response::new(Answers::new(self.clone(), call, request.into_inner(), timeout)))
    }

    async fn nearest(
        &self,
        request: Request<pb::NearestRequest>,
    ) -> Result<Response<pb::NearestResponse>, Status> {
        let pace = |engine: &Engine, ask: &Ask<NearestQuery>| engine.pace(&ask.table, [&ask.query]);
        let metrics = Arc::clone(&self.metrics);
        let nearest = move |engine: &Engine, ask: &Ask<NearestQuery>| {
            let found = engine.nearest(ask);
            found.inspect(|found| metrics.sample(engine, &ask.query, &found.of, &found.answer))
        };
        self.answer_at_pace(request, pace, nearest).await
    }

    async fn nearest_batch(
        &self,
        request: Request<pb::NearestBatchRequest>,
    ) -> Result<Response<pb::NearestBatchResponse>, Status> {
        let pace =
            |engine: &Engine, ask: &Ask<Vec<NearestQuery>>| engine.pace(&ask.table, &ask.query);
        let metrics = Arc::clone(&self.metrics);
        let nearest = move |engine: &Engine, ask: &Ask<Vec<NearestQuery>>| {
            engine.nearest_batch(ask).inspect(|found| {
                for (query, answer) in ask.query.iter().zip(&found.answer) {
                    metrics.sample(engine, query, &found.of, answer);
                }
            })
        };
        self.answer_at_pace(request, pace, nearest).await
    }

    async fn analogy(
        &self,
        request: Request<pb::AnalogyRequest>,
    ) -> Result<Response<pb::AnalogyResponse>, Status> {
        self.answer(request, Engine::analogy).await
    }

    async fn similarity(
        &self,
        request: Request<pb::SimilarityRequest>,
    ) -> Result<Response<pb::SimilarityResponse>, Status> {
        self.answer_short(request, Engine::similarity).await
    }

    async fn recall(
        &self,
        request: Request<pb::RecallRequest>,
    ) -> Result<Response<pb::RecallResponse>, Status> {
        self.answer_long(request, Engine::recall).await
    }

    async fn similarity_matrix(
        &self,
        request: Request<pb::SimilarityMatrixRequest>,
    ) -> Result<Response<pb::SimilarityMatrixResponse>, Status> {
        self.answer(request, Engine::similarity_matrix).await
    }

    async fn set_similarity(
        &self,
        request: Request<pb::SetSimilarityRequest>,
    ) -> Result<Response<pb::SetSimilarityResponse>, Status> {
        self.answer_short(request, Engine::set_similarity).await
    }

    async fn word_movers(
        &self,
        request: Request<pb::WordMoversRequest>,
    ) -> Result<Response<pb::WordMoversResponse>, Status> {
        self.answer_long(request, Engine::word_movers).await
    }

    async fn rank(
        &self,
        request: Request<pb::RankRequest>,
    ) -> Result<Response<pb::RankResponse>, Status> {
        self.answer(request, Engine::rank).await
    }

    async fn closer_than(
        &self,
        request: Request<pb::CloserThanRequest>,
    ) -> Result<Response<pb::CloserThanResponse>, Status> {
        self.answer(request, Engine::rank).await
    }

    async fn most_similar_to_given(
        &self,
        request: Request<pb::MostSimilarToGivenRequest>,
    ) -> Result<Response<pb::MostSimilarToGivenResponse>, Status> {
        self.answer_short(request, Engine::most_similar_to_given).await
    }

    async fn relative_cosine(
        &self,
        request: Request<pb::RelativeCosineRequest>,
    ) -> Result<Response<pb::RelativeCosineResponse>, Status> {
        self.answer(request, Engine::relative_cosine).await
    }

    async fn rank_by_centrality(
        &self,
        request: Request<pb::RankByCentralityRequest>,
    ) -> Result<Response<pb::RankByCentralityResponse>, Status> {
        self.answer(request, Engine::rank_by_centrality).await
    }

    async fn senses(
        &self,
        request: Request<pb::SensesRequest>,
    ) -> Result<Response<pb::SensesResponse>, Status> {
        self.answer(request, Engine::senses).await
    }

    async fn induce_senses(
        &self,
        request: Request<pb::InduceSensesRequest>,
    ) -> Result<Response<pb::InduceSensesResponse>, Status> {
        self.answer_long(request, Engine::induce_senses).await
    }

    async fn compare(
        &self,
        request: Request<pb::CompareRequest>,
    ) -> Result<Response<pb::CompareResponse>, Status> {
        self.answer_long(request, |engine: &Engine, ask: &Ask<(TableName, CompareQuery)>| {
            engine.compare(ask).map(comparison)
        })
        .await
    }

    async fn odd_one_out(
        &self,
        request: Request<pb::OddOneOutRequest>,
    ) -> Result<Response<pb::OddOneOutResponse>, Status> {
        self.answer_short(request, Engine::odd_one_out).await
    }
}

impl TryFrom<pb::NearestRequest> for Ask<NearestQuery> {
    type Error = Error;

    fn try_from(mut request: pb::NearestRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(std::mem::take(&mut request.table));
        let query = nearest_query(&mut fields, request);
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

/// Reads one question.
pub(super) fn nearest_query(fields: &mut Fields, request: pb::NearestRequest) -> NearestQuery {
    let pb::NearestRequest {
        table: _,
        positive,
        negative,
        k,
        exclude_inputs,
        exact,
        ef_search,
        min_similarity,
        words,
        filter,
        min_recall,
        diversity,
        include,
        group_by,
    } = request;
    let total = positive.len() + negative.len();
    fields.count("positive", total, 1..=limits::QUERY_WORDS_MAX);
    let mut side = |field: &str, queries: Vec<pb::WordOrVector>| -> Vec<Weighted> {
        let weighted = |(i, query)| fields.weighted(format_args!("{field}[{i}]"), query);
        queries.into_iter().enumerate().map(weighted).collect()
    };
    let positive = side("positive", positive);
    let negative = side("negative", negative);
    if min_similarity.is_some_and(f32::is_nan) {
        fields.bad("min_similarity", "a similarity is a number from -1 to 1");
    }
    if diversity.is_some_and(|diversity| !(0.0..=1.0).contains(&diversity)) {
        fields.bad("diversity", "a number from 0 to 1");
    }
    let is_diverse = diversity.is_some_and(|diversity| diversity > 0.0);
    if !group_by.is_empty() {
        fields.check(check_name(&group_by, "group_by"));
        if is_diverse {
            fields.bad("diversity", "groups have none: leave it out");
        }
    }
    let mut filter = fields.filter(filter);
    let group_by = Some(group_by).filter(|attribute| !attribute.is_empty());
    if let Some(attribute) = &group_by {
        let has = Condition { name: attribute.clone(), test: Test::Exists };
        let scan = &mut filter.get_or_insert_default().scan;
        let before = std::mem::take(&mut scan.attributes);
        scan.attributes = Expression::All(vec![Expression::Is(has), before]);
    }
    let k_max = if is_diverse || group_by.is_some() {
        limits::DIVERSE_NEIGHBORS_MAX
    } else {
        limits::NEIGHBORS_MAX
    };
    NearestQuery {
        positive,
        negative,
        k: fields.number("k", k, 1..=k_max, K_DEFAULT),
        exclude_inputs: exclude_inputs.unwrap_or(true),
        min_similarity,
        diversity: diversity.unwrap_or(0.0),
        effort: fields.effort(exact, ef_search, min_recall),
        words: fields.word_options(words),
        filter,
        include: wire::include(include),
        group_by,
    }
}

impl From<Answer<NearestAnswer>> for pb::NearestResponse {
    fn from(mut answer: Answer<NearestAnswer>) -> Self {
        let words = std::mem::take(&mut answer.answer.words);
        let mut info = wire::info(&answer, answer.answer.answered_by, words);
        info.allowed_rows = answer.answer.allowed_rows.map(wire::count);
        Self {
            within_count: answer.answer.within.map(wire::count),
            neighbors: wire::neighbors(answer.answer.neighbors),
            answer: Some(info),
        }
    }
}

impl TryFrom<pb::NearestBatchRequest> for Ask<Vec<NearestQuery>> {
    type Error = Error;

    fn try_from(request: pb::NearestBatchRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let pb::NearestBatchRequest { table, queries } = request;
        let table = fields.table(table);
        fields.count("queries", queries.len(), 1..=limits::BATCH_MAX);
        let mut query = Vec::with_capacity(queries.len());
        for (i, request) in queries.into_iter().enumerate() {
            query.push(fields.within(&format!("queries[{i}]"), |fields| {
                if !same_table(&request.table, table.as_ref()) {
                    fields.bad("table", "a batch asks one table; leave it empty here");
                }
                nearest_query(fields, request)
            }));
        }
        let neighbors: usize = query.iter().map(NearestQuery::looked_at).sum();
        if neighbors > limits::BATCH_NEIGHBORS_MAX {
            let max = limits::BATCH_NEIGHBORS_MAX;
            fields.bad("queries", format!("{neighbors} neighbors in all; at most {max} allowed"));
        }
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

fn same_table(name: &str, table: Option<&TableName>) -> bool {
    name.is_empty() || table.is_none_or(|table| table.as_str() == name)
}

impl From<Answer<Vec<NearestAnswer>>> for pb::NearestBatchResponse {
    fn from(batch: Answer<Vec<NearestAnswer>>) -> Self {
        let Answer { of, answer } = batch;
        let response = |answer| pb::NearestResponse::from(Answer { of: of.clone(), answer });
        Self { answers: answer.into_iter().map(response).collect() }
    }
}

impl TryFrom<pb::AnalogyRequest> for Ask<AnalogyQuery> {
    type Error = Error;

    fn try_from(request: pb::AnalogyRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.count("examples", request.examples.len(), 0..=limits::QUERY_WORDS_MAX / 2 - 1);
        let example = |(i, pair): (usize, pb::AnalogyPair)| {
            let path = format!("examples[{i}]");
            fields.within(&path, |fields| (fields.query("a", pair.a), fields.query("b", pair.b)))
        };
        let examples = request.examples.into_iter().enumerate().map(example).collect();
        let query = AnalogyQuery {
            a: fields.query("a", request.a),
            b: fields.query("b", request.b),
            c: fields.query("c", request.c),
            examples,
            method: match fields.choice("method", request.method) {
                pb::AnalogyMethod::Unspecified | pb::AnalogyMethod::CosAdd => AnalogyMethod::CosAdd,
                pb::AnalogyMethod::CosMul => AnalogyMethod::CosMul,
                pb::AnalogyMethod::PairDirection => AnalogyMethod::PairDirection,
                pb::AnalogyMethod::CosAvg => AnalogyMethod::CosAvg,
            },
            k: fields.number("k", request.k, 1..=limits::NEIGHBORS_MAX, K_DEFAULT),
            exclude_inputs: request.exclude_inputs.unwrap_or(true),
            with_inputs: request.with_inputs,
            effort: fields.effort(request.exact, request.ef_search, request.min_recall),
            words: fields.word_options(request.words),
            filter: fields.filter(request.filter),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<AnalogyAnswer>> for pb::AnalogyResponse {
    fn from(mut answer: Answer<AnalogyAnswer>) -> Self {
        let words = std::mem::take(&mut answer.answer.words);
        let mut info = wire::info(&answer, answer.answer.answered_by, words);
        info.allowed_rows = answer.answer.allowed_rows.map(wire::count);
        let parts = |parts: Vec<AnalogyParts>| {
            let part = |AnalogyParts { b, a, c }| pb::AnalogyParts { b, a, c };
            parts.into_iter().map(part).collect()
        };
        let with_inputs = answer.answer.with_inputs.unwrap_or_default();
        Self {
            neighbors: wire::neighbors(answer.answer.found.neighbors),
            neighbors_with_inputs: wire::neighbors(with_inputs.neighbors),
            answer: Some(info),
            parts: parts(answer.answer.found.parts),
            parts_with_inputs: parts(with_inputs.parts),
        }
    }
}

impl TryFrom<pb::SimilarityRequest> for Ask<SimilarityQuery> {
    type Error = Error;

    fn try_from(request: pb::SimilarityRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.count("pairs", request.pairs.len(), 1..=limits::BATCH_MAX);
        let pair = |(i, pair): (usize, pb::similarity_request::Pair)| {
            let path = format!("pairs[{i}]");
            fields.within(&path, |fields| (fields.query("a", pair.a), fields.query("b", pair.b)))
        };
        let pairs = request.pairs.into_iter().enumerate().map(pair).collect();
        let query = SimilarityQuery { pairs, words: fields.word_options(request.words) };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<SimilarityAnswer>> for pb::SimilarityResponse {
    fn from(mut answer: Answer<SimilarityAnswer>) -> Self {
        let words = std::mem::take(&mut answer.answer.words);
        let info = wire::info(&answer, AnsweredBy::EXACT, words);
        let pair = |similarity| pb::similarity_response::PairSimilarity { similarity };
        let similarities = answer.answer.similarities.into_iter().map(pair).collect();
        Self { similarities, answer: Some(info) }
    }
}

impl TryFrom<pb::OddOneOutRequest> for Ask<OddOneOutQuery> {
    type Error = Error;

    fn try_from(request: pb::OddOneOutRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.count("queries", request.queries.len(), 3..=limits::QUERY_WORDS_MAX);
        let queries = fields.queries("queries", request.queries);
        let query = OddOneOutQuery { queries, words: fields.word_options(request.words) };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<OddOneOutAnswer>> for pb::OddOneOutResponse {
    fn from(mut answer: Answer<OddOneOutAnswer>) -> Self {
        let words = std::mem::take(&mut answer.answer.words);
        let info = wire::info(&answer, AnsweredBy::EXACT, words);
        let answer = answer.answer;
        let ranked =
            |query: crate::query::odd_one_out::RankedQuery| pb::odd_one_out_response::RankedQuery {
                index: wire::count(query.index),
                word: query.word,
                similarity: query.similarity,
            };
        Self {
            odd_index: wire::count(answer.odd_index),
            ranked: answer.ranked.into_iter().map(ranked).collect(),
            answer: Some(info),
        }
    }
}

impl TryFrom<pb::RecallRequest> for Ask<RecallQuery> {
    type Error = Error;

    fn try_from(request: pb::RecallRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.count("queries", request.queries.len(), 0..=limits::BATCH_MAX);
        fields.count("ef_search", request.ef_search.len(), 0..=limits::RECALL_WIDTHS_MAX);
        let widths = request.ef_search.into_iter().enumerate().map(|(i, ef)| {
            fields.number(&format!("ef_search[{i}]"), Some(ef), 1..=limits::EF_SEARCH_MAX, 1)
        });
        let mut efs: Vec<_> = widths.collect();
        if efs.is_empty() {
            efs = RECALL_WIDTHS.to_vec();
        }
        let query = RecallQuery {
            queries: fields.queries("queries", request.queries),
            sample: fields.number("sample", request.sample, 1..=limits::BATCH_MAX, RECALL_SAMPLE),
            seed: request.seed,
            k: fields.number("k", request.k, 1..=limits::NEIGHBORS_MAX, K_DEFAULT),
            efs,
            words: fields.word_options(request.words),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<RecallAnswer>> for pb::RecallResponse {
    fn from(mut answer: Answer<RecallAnswer>) -> Self {
        let words = std::mem::take(&mut answer.answer.words);
        let info =
            wire::info(&answer, AnsweredBy { kind: answer.answer.by, ef_search: None }, words);
        let answer = answer.answer;
        let point = |point: RecallPoint| pb::recall_response::Point {
            ef_search: wire::count(point.ef_search),
            recall: point.recall,
            recall_min: point.recall_min,
            queries_per_second: point.per_second,
            exact_count: wire::count(point.exact_count),
        };
        Self {
            points: answer.points.into_iter().map(point).collect(),
            query_count: wire::count(answer.query_count),
            exact_queries_per_second: answer.exact_per_second,
            answer: Some(info),
        }
    }
}
