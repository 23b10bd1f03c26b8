//! BiasService: probes of what human bias the vectors carry.

use tonic::{Request, Response, Status, async_trait};

use crate::bias::WordSet;
use crate::bias::projection::{AxisMethod, ProjectAnswer, ProjectQuery, Projection};
use crate::bias::suites;
use crate::bias::weat::{SetUsed, WeatAnswer, WeatQuery};
use crate::engine::{Answer, Ask, Engine};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::proto::bias_service_server::BiasService;
use crate::query::AnsweredBy;
use crate::server::Desk;
use crate::server::wire::{self, Fields};

#[async_trait]
impl BiasService for Desk {
    async fn weat(
        &self,
        request: Request<pb::WeatRequest>,
    ) -> Result<Response<pb::WeatResponse>, Status> {
        self.answer(request, Engine::weat).await
    }

    async fn project(
        &self,
        request: Request<pb::ProjectRequest>,
    ) -> Result<Response<pb::ProjectResponse>, Status> {
        self.answer(request, Engine::project).await
    }
}

impl TryFrom<pb::WeatRequest> for Ask<WeatQuery> {
    type Error = Error;

    fn try_from(request: pb::WeatRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let given = [("x", request.x), ("y", request.y), ("a", request.a), ("b", request.b)];
        let sets = if request.suite.is_empty() {
            Some(given.map(|(field, set)| word_set(&mut fields, field, set)))
        } else {
            published_suite(&mut fields, &request.suite, &given)
        };
        let lost_threshold = request.lost_threshold.unwrap_or(WeatQuery::LOST_THRESHOLD);
        if !(0.0..=1.0).contains(&lost_threshold) {
            fields.bad("lost_threshold", "a share from 0 to 1");
        }
        let partitions = fields.number(
            "partitions_max",
            request.partitions_max,
            1..=limits::PARTITIONS_MAX as usize,
            WeatQuery::PARTITIONS_MAX as usize,
        );
        let words = match request.words {
            None => WeatQuery::default_words(),
            some => fields.word_options(some),
        };
        let seed = request.seed.unwrap_or(0);
        fields.finish(|| {
            let partitions_max = wire::count(partitions);
            let query = WeatQuery { sets: sets?, words, lost_threshold, partitions_max, seed };
            Some(Self { table: table?, query })
        })
    }
}

fn published_suite(
    fields: &mut Fields,
    name: &str,
    given: &[(&str, Option<pb::WordSet>)],
) -> Option<[WordSet; 4]> {
    for (field, set) in given {
        if set.is_some() {
            fields.bad(field, "a suite has its own sets: give either a suite or four sets");
        }
    }
    let sets = suites::suite(name);
    if sets.is_none() {
        let names: Vec<&str> = suites::names().collect();
        fields.bad("suite", format!("no suite \"{name}\"; there are: {}", names.join(", ")));
    }
    sets
}

fn word_set(fields: &mut Fields, field: &str, set: Option<pb::WordSet>) -> WordSet {
    let pb::WordSet { name, words } = set.unwrap_or_default();
    fields.count(&format!("{field}.words"), words.len(), 1..=limits::WORD_SET_MAX);
    WordSet { name, words }
}

impl From<Answer<WeatAnswer>> for pb::WeatResponse {
    fn from(mut answer: Answer<WeatAnswer>) -> Self {
        let words = std::mem::take(&mut answer.answer.words);
        let info = wire::info(&answer, AnsweredBy::EXACT, words);
        let weat = answer.answer;
        Self {
            statistic: weat.statistic,
            effect_size: weat.effect_size,
            effect_size_ddof1: weat.effect_size_ddof1,
            p_value: weat.p_value,
            p_value_two_sided: weat.p_value_two_sided,
            p_value_exact: weat.p_value_exact,
            partition_count: weat.partition_count,
            p_value_standard_error: weat.p_value_standard_error,
            sets: weat.sets.into_iter().map(pb::WeatSet::from).collect(),
            answer: Some(info),
        }
    }
}

impl From<SetUsed> for pb::WeatSet {
    fn from(set: SetUsed) -> Self {
        let word = |(word, association)| pb::WordAssociation { word, association };
        Self { name: set.name, words: set.words.into_iter().map(word).collect(), lost: set.lost }
    }
}

impl TryFrom<pb::ProjectRequest> for Ask<ProjectQuery> {
    type Error = Error;

    fn try_from(request: pb::ProjectRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.count("queries", request.queries.len(), 1..=limits::BATCH_MAX);
        let query = ProjectQuery {
            from: word_set(&mut fields, "from", request.from),
            to: word_set(&mut fields, "to", request.to),
            queries: fields.queries("queries", request.queries),
            method: match fields.choice("method", request.method) {
                pb::AxisMethod::Unspecified | pb::AxisMethod::MeanDifference => {
                    AxisMethod::MeanDifference
                }
                pb::AxisMethod::Pca => AxisMethod::Pca,
            },
            words: fields.word_options(request.words),
        };
        if query.method == AxisMethod::Pca && query.from.words.len() != query.to.words.len() {
            fields.bad("to.words", "PCA takes pairs: as many words as from.words has");
        }
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<ProjectAnswer>> for pb::ProjectResponse {
    fn from(mut answer: Answer<ProjectAnswer>) -> Self {
        let words = std::mem::take(&mut answer.answer.words);
        let info = wire::info(&answer, AnsweredBy::EXACT, words);
        let projection = |projection: Projection| pb::project_response::Projection {
            index: wire::count(projection.index),
            word: projection.word,
            similarity: projection.similarity,
        };
        Self {
            projections: answer.answer.projections.into_iter().map(projection).collect(),
            explained_variance: answer.answer.explained_variance,
            answer: Some(info),
        }
    }
}
