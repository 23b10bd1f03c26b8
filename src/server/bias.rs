//! BiasService: probes of what human bias the vectors carry.

use tonic::{Request, Response, Status, async_trait};

use crate::bias::clusters::{ClustersAnswer, ClustersQuery};
use crate::bias::generate::{GenerateAnswer, GenerateQuery, GeneratedPair};
use crate::bias::partition::{Method, Partitions};
use crate::bias::probe::{Metric, ProbeAnswer, ProbeQuery};
use crate::bias::projection::{AxisMethod, ProjectAnswer, ProjectQuery, Projection};
use crate::bias::suites::{self, Language, Published};
use crate::bias::weat::{SingleWeat, SingleWeatAnswer, SingleWeatQuery, WeatAnswer, WeatQuery};
use crate::bias::{SetUsed, Terms, WordSet};
use crate::engine::{Answer, Ask, Engine, NamedTest, Suite};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::proto::bias_service_server::BiasService;
use crate::query::AnsweredBy;
use crate::server::debias::debias;
use crate::server::desk::Desk;
use crate::server::job::Replies;
use crate::server::wire::{self, Fields};
use crate::table::meta::TableName;

/// Sets of one side of a probe.
const SETS_MAX: usize = 32;
/// Partitions that are drawn if nothing is said.
const PARTITIONS: u32 = 200_000;
/// Of each test of a suite.
const SUITE_PARTITIONS: u32 = 20_000;

#[async_trait]
impl BiasService for Desk {
    type DebiasStream = Replies<pb::DebiasResponse>;

    async fn debias(
        &self,
        request: Request<pb::DebiasRequest>,
    ) -> Result<Response<Self::DebiasStream>, Status> {
        debias(self, request)
    }

    async fn weat(
        &self,
        request: Request<pb::WeatRequest>,
    ) -> Result<Response<pb::WeatResponse>, Status> {
        self.answer(request, Engine::weat).await
    }

    async fn single_weat(
        &self,
        request: Request<pb::SingleWeatRequest>,
    ) -> Result<Response<pb::SingleWeatResponse>, Status> {
        self.answer(request, Engine::single_weat).await
    }

    async fn weat_suite(
        &self,
        request: Request<pb::WeatSuiteRequest>,
    ) -> Result<Response<pb::WeatSuiteResponse>, Status> {
        self.answer_long(request, |engine: &Engine, ask: &Ask<Suite>| {
            engine.weat_suite(ask).map(suite)
        })
        .await
    }

    async fn list_suites(
        &self,
        request: Request<pb::ListSuitesRequest>,
    ) -> Result<Response<pb::ListSuitesResponse>, Status> {
        self.answer(request, |_: &Engine, _: &Listed| Ok(listed(suites::all().collect()))).await
    }

    async fn probe(
        &self,
        request: Request<pb::ProbeRequest>,
    ) -> Result<Response<pb::ProbeResponse>, Status> {
        self.answer_long(request, Engine::probe).await
    }

    async fn generate_analogies(
        &self,
        request: Request<pb::GenerateAnalogiesRequest>,
    ) -> Result<Response<pb::GenerateAnalogiesResponse>, Status> {
        self.answer_long(request, Engine::generate_analogies).await
    }

    async fn biased_clusters(
        &self,
        request: Request<pb::BiasedClustersRequest>,
    ) -> Result<Response<pb::BiasedClustersResponse>, Status> {
        self.answer_long(request, Engine::biased_clusters).await
    }

    async fn project(
        &self,
        request: Request<pb::ProjectRequest>,
    ) -> Result<Response<pb::ProjectResponse>, Status> {
        self.answer(request, Engine::project).await
    }
}

/// How the words of a probe are looked up, and how many may be lost.
pub(super) fn terms(
    fields: &mut Fields,
    words: Option<pb::WordOptions>,
    lost_threshold: Option<f64>,
) -> Terms {
    let default = Terms::default();
    let lost_threshold = lost_threshold.unwrap_or(default.lost_threshold);
    if !(0.0..=1.0).contains(&lost_threshold) {
        fields.bad("lost_threshold", "a share from 0 to 1");
    }
    let words = match words {
        None => default.words,
        some => fields.word_options(some),
    };
    Terms { words, lost_threshold }
}

fn partitions(
    fields: &mut Fields,
    (given, default): (Option<u32>, u32),
    draw: bool,
    seed: Option<u64>,
) -> Partitions {
    let most = limits::PARTITIONS_MAX as usize;
    let drawn = fields.number("partitions_max", given, 1..=most, default as usize);
    Partitions { drawn: wire::count(drawn), draw, seed: seed.unwrap_or(0) }
}

/// All published tests.
struct Listed;

impl TryFrom<pb::ListSuitesRequest> for Listed {
    type Error = Error;

    fn try_from(_: pb::ListSuitesRequest) -> Result<Self> {
        Ok(Self)
    }
}

fn listed(tests: Vec<Published>) -> pb::ListSuitesResponse {
    let set = |set: WordSet| pb::WordSet { name: set.name, words: set.words };
    let suite = |test: Published| pb::list_suites_response::Suite {
        name: test.name.to_owned(),
        language: test.language.code().to_owned(),
        source: test.language.source().to_owned(),
        sets: test.sets.map(set).into(),
    };
    pb::ListSuitesResponse { suites: tests.into_iter().map(suite).collect() }
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
        let terms = terms(&mut fields, request.words, request.lost_threshold);
        let drawn = (request.partitions_max, PARTITIONS);
        let partitions = partitions(&mut fields, drawn, request.draw, request.seed);
        fields.finish(|| {
            let query = WeatQuery { sets: sets?, terms, partitions };
            Some(Self { table: table?, query })
        })
    }
}

impl TryFrom<pb::SingleWeatRequest> for Ask<SingleWeatQuery> {
    type Error = Error;

    fn try_from(request: pb::SingleWeatRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let drawn = (request.partitions_max, SUITE_PARTITIONS);
        let query = SingleWeatQuery {
            words: word_set(&mut fields, "words", request.words),
            attributes: [("a", request.a), ("b", request.b)]
                .map(|(field, set)| word_set(&mut fields, field, set)),
            terms: terms(&mut fields, request.options, request.lost_threshold),
            partitions: partitions(&mut fields, drawn, request.draw, request.seed),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl TryFrom<pb::WeatSuiteRequest> for Ask<Suite> {
    type Error = Error;

    fn try_from(request: pb::WeatSuiteRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let language = match request.language.as_str() {
            "" => Some(Language::default()),
            code => Language::of_code(code),
        };
        if language.is_none() {
            fields.bad("language", "published tests are there in en and zh");
        }
        let drawn = (request.partitions_max, SUITE_PARTITIONS);
        let query = Suite {
            language: language.unwrap_or_default(),
            terms: terms(&mut fields, request.words, request.lost_threshold),
            partitions: partitions(&mut fields, drawn, request.draw, request.seed),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl TryFrom<pb::ProbeRequest> for Ask<ProbeQuery> {
    type Error = Error;

    fn try_from(request: pb::ProbeRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let metric = match fields.choice("metric", request.metric) {
            pb::ProbeMetric::Unspecified => None,
            pb::ProbeMetric::Rnd => Some(Metric::Rnd),
            pb::ProbeMetric::Rnsb => Some(Metric::Rnsb),
            pb::ProbeMetric::Mac => Some(Metric::Mac),
            pb::ProbeMetric::Ect => Some(Metric::Ect),
            pb::ProbeMetric::Ripa => Some(Metric::Ripa),
            pb::ProbeMetric::DirectBias => Some(Metric::DirectBias),
            pb::ProbeMetric::IndirectBias => Some(Metric::IndirectBias),
        };
        if metric.is_none() {
            fields.bad("metric", "what is to be measured");
        }
        let strictness = request.strictness.unwrap_or(1.0);
        if !(strictness > 0.0 && strictness.is_finite()) {
            fields.bad("strictness", "a number above 0");
        }
        let targets = word_sets(&mut fields, "targets", request.targets, SETS_MAX);
        let attributes = word_sets(&mut fields, "attributes", request.attributes, SETS_MAX);
        let terms = terms(&mut fields, request.words, request.lost_threshold);
        let (unit, seed) = (request.unit, request.seed);
        fields.finish(|| {
            let metric = metric?;
            let query = ProbeQuery { metric, targets, attributes, unit, strictness, terms, seed };
            Some(Self { table: table?, query })
        })
    }
}

impl TryFrom<pb::GenerateAnalogiesRequest> for Ask<GenerateQuery> {
    type Error = Error;

    fn try_from(request: pb::GenerateAnalogiesRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let delta = request.delta.unwrap_or(1.0);
        if !(0.0..=2.0).contains(&delta) {
            fields.bad("delta", "a distance from 0 to 2");
        }
        let query = GenerateQuery {
            from: word_set(&mut fields, "from", request.from),
            to: word_set(&mut fields, "to", request.to),
            top: fields.number("top", request.top, 2..=30_000, 10_000),
            delta,
            k: fields.number("k", request.k, 1..=limits::NEIGHBORS_MAX, 50),
            terms: terms(&mut fields, request.words, request.lost_threshold),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl TryFrom<pb::BiasedClustersRequest> for Ask<(TableName, ClustersQuery)> {
    type Error = Error;

    fn try_from(request: pb::BiasedClustersRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let original = request.original;
        let original = if original.is_empty() { request.table.clone() } else { original };
        let table = fields.table(request.table);
        let original = TableName::try_from(original).ok();
        if original.is_none() {
            fields.bad("original", "the name of a table");
        }
        let query = ClustersQuery {
            from: word_set(&mut fields, "from", request.from),
            to: word_set(&mut fields, "to", request.to),
            top: fields.number("top", request.top, 2..=limits::ROWS_MAX, 50_000),
            count: fields.number("count", request.count, 1..=limits::NEIGHBORS_MAX, 500),
            seed: request.seed,
            terms: terms(&mut fields, request.words, request.lost_threshold),
        };
        fields.finish(|| Some(Self { table: table?, query: (original?, query) }))
    }
}

pub(super) fn word_sets(
    fields: &mut Fields,
    field: &str,
    sets: Vec<pb::WordSet>,
    most: usize,
) -> Vec<WordSet> {
    fields.count(field, sets.len(), 0..=most);
    let set = |(i, set)| word_set(fields, &format!("{field}[{i}]"), Some(set));
    sets.into_iter().enumerate().map(set).collect()
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
        let names: Vec<&str> = suites::all().map(|test| test.name).collect();
        fields.bad("suite", format!("no suite \"{name}\"; there are: {}", names.join(", ")));
    }
    sets
}

pub(super) fn word_set(fields: &mut Fields, field: &str, set: Option<pb::WordSet>) -> WordSet {
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
            p_value: weat.p.one_sided,
            p_value_two_sided: weat.p.two_sided,
            p_value_exact: weat.p.method == Method::Exact,
            partition_count: weat.p.partition_count,
            p_value_standard_error: weat.p.standard_error,
            p_value_method: method(weat.p.method).into(),
            p_value_error: weat.p.error,
            sets: sets(weat.sets.into()),
            answer: Some(info),
            effect_size_interval: interval(weat.effect_size_interval),
            warnings: weat.warnings,
        }
    }
}

fn method(method: Method) -> pb::PValueMethod {
    match method {
        Method::Exact => pb::PValueMethod::Exact,
        Method::Bounded => pb::PValueMethod::Bounded,
        Method::Drawn => pb::PValueMethod::Drawn,
    }
}

fn interval(interval: Option<(f64, f64)>) -> Option<pb::Interval> {
    interval.map(|(low, high)| pb::Interval { low, high })
}

pub(super) fn sets(sets: Vec<SetUsed>) -> Vec<pb::WeatSet> {
    sets.into_iter().map(pb::WeatSet::from).collect()
}

impl From<Answer<SingleWeatAnswer>> for pb::SingleWeatResponse {
    fn from(mut answer: Answer<SingleWeatAnswer>) -> Self {
        let words = std::mem::take(&mut answer.answer.used);
        let info = wire::info(&answer, AnsweredBy::EXACT, words);
        let word = |word: SingleWeat| pb::SingleWeat {
            word: word.word,
            association: word.association,
            effect_size: word.effect_sizes.map(|(effect, _)| effect),
            effect_size_ddof1: word.effect_sizes.map(|(_, effect)| effect),
            p_value: word.p.one_sided,
            p_value_two_sided: word.p.two_sided,
            p_value_exact: word.p.method == Method::Exact,
            partition_count: word.p.partition_count,
            p_value_standard_error: word.p.standard_error,
            p_value_method: method(word.p.method).into(),
            p_value_error: word.p.error,
        };
        Self {
            words: answer.answer.words.into_iter().map(word).collect(),
            sets: sets(answer.answer.sets),
            warnings: answer.answer.warnings,
            answer: Some(info),
        }
    }
}

fn suite(tests: Vec<NamedTest>) -> pb::WeatSuiteResponse {
    let test = |(name, answer): NamedTest| {
        let (weat, problem) = match answer {
            Ok(answer) => (Some(answer.into()), String::new()),
            Err(error) => (None, error.to_string()),
        };
        pb::weat_suite_response::Test { name: name.to_owned(), weat, problem }
    };
    pb::WeatSuiteResponse { tests: tests.into_iter().map(test).collect() }
}

impl From<Answer<ProbeAnswer>> for pb::ProbeResponse {
    fn from(mut answer: Answer<ProbeAnswer>) -> Self {
        let words = std::mem::take(&mut answer.answer.used);
        let info = wire::info(&answer, AnsweredBy::EXACT, words);
        let probe = answer.answer;
        let figure = |(word, value)| pb::probe_response::WordFigure { word, value };
        let figures = probe.figures.into_iter().map(|(name, value)| (name.to_owned(), value));
        Self {
            value: probe.value,
            interval: interval(probe.interval),
            words: probe.words.into_iter().map(figure).collect(),
            figures: figures.collect(),
            sets: sets(probe.sets),
            warnings: probe.warnings,
            answer: Some(info),
        }
    }
}

impl From<Answer<GenerateAnswer>> for pb::GenerateAnalogiesResponse {
    fn from(mut answer: Answer<GenerateAnswer>) -> Self {
        let words = std::mem::take(&mut answer.answer.words);
        let info = wire::info(&answer, AnsweredBy::EXACT, words);
        let pair = |pair: GeneratedPair| pb::generate_analogies_response::Pair {
            from: wire::shown(pair.from).0,
            to: wire::shown(pair.to).0,
            similarity: pair.similarity,
            distance: pair.distance,
        };
        Self {
            pairs: answer.answer.pairs.into_iter().map(pair).collect(),
            explained_variance: answer.answer.explained,
            sets: sets(answer.answer.sets),
            warnings: answer.answer.warnings,
            answer: Some(info),
        }
    }
}

impl From<Answer<ClustersAnswer>> for pb::BiasedClustersResponse {
    fn from(mut answer: Answer<ClustersAnswer>) -> Self {
        let words = std::mem::take(&mut answer.answer.words);
        let info = wire::info(&answer, AnsweredBy::EXACT, words);
        let clusters = answer.answer;
        let shown = |words: Vec<Vec<u8>>| -> Vec<String> {
            words.into_iter().map(|word| wire::shown(word).0).collect()
        };
        let [from_examples, to_examples] = clusters.examples.map(shown);
        Self {
            accuracy: clusters.accuracy,
            original_accuracy: clusters.original_accuracy,
            count: wire::count(clusters.counts[0]),
            from_examples,
            to_examples,
            sets: sets(clusters.sets),
            warnings: clusters.warnings,
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
