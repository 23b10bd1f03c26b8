//! EvaluationService: test sets over one table or several.

use std::time::Duration;

use tonic::{Request, Response, Status, async_trait};

use crate::engine::{Answer, Asks, Engine, NewTestSet, TestOf};
use crate::error::{Error, Result};
use crate::evaluation::Lookup;
use crate::evaluation::analogies::{AnalogiesAnswer, SectionScore};
use crate::evaluation::categories::CategoriesAnswer;
use crate::evaluation::outliers::{OutlierScore, OutliersAnswer};
use crate::evaluation::word_pairs::WordPairsAnswer;
use crate::limits;
use crate::proto as pb;
use crate::proto::evaluation_service_server::EvaluationService;
use crate::query::analogy::AnalogyMethod;
use crate::query::{AnsweredBy, WordsUsed};
use crate::server::desk::Desk;
use crate::server::test_sets::{Delete, Get, List, listed};
use crate::server::wire::{self, Fields};
use crate::table::meta::TableName;

/// Unknown words that are told.
const UNKNOWN_TOLD: usize = 100;

#[async_trait]
impl EvaluationService for Desk {
    async fn analogies(
        &self,
        request: Request<pb::AnalogiesRequest>,
    ) -> Result<Response<pb::AnalogiesResponse>, Status> {
        self.answer_long(request, |engine: &Engine, asks: &Asks<TestOf<AnalogyMethod>>| {
            engine.analogies(asks).map(analogies)
        })
        .await
    }

    async fn word_pairs(
        &self,
        request: Request<pb::WordPairsRequest>,
    ) -> Result<Response<pb::WordPairsResponse>, Status> {
        self.answer_long(request, |engine: &Engine, asks: &Asks<TestOf<()>>| {
            engine.word_pairs(asks).map(word_pairs)
        })
        .await
    }

    async fn categories(
        &self,
        request: Request<pb::CategoriesRequest>,
    ) -> Result<Response<pb::CategoriesResponse>, Status> {
        self.answer_long(request, |engine: &Engine, asks: &Asks<TestOf<u64>>| {
            engine.categories(asks).map(categories)
        })
        .await
    }

    async fn outliers(
        &self,
        request: Request<pb::OutliersRequest>,
    ) -> Result<Response<pb::OutliersResponse>, Status> {
        self.answer_long(request, |engine: &Engine, asks: &Asks<TestOf<()>>| {
            engine.outliers(asks).map(outliers)
        })
        .await
    }

    async fn put_test_set(
        &self,
        request: Request<pb::PutTestSetRequest>,
    ) -> Result<Response<pb::PutTestSetResponse>, Status> {
        self.answer(request, |engine: &Engine, set: &NewTestSet| engine.put_test_set(set)).await
    }

    async fn get_test_set(
        &self,
        request: Request<pb::GetTestSetRequest>,
    ) -> Result<Response<pb::GetTestSetResponse>, Status> {
        self.answer(request, Get::answer).await
    }

    async fn list_test_sets(
        &self,
        request: Request<pb::ListTestSetsRequest>,
    ) -> Result<Response<pb::ListTestSetsResponse>, Status> {
        self.answer(request, |engine: &Engine, _: &List| engine.test_sets().map(listed)).await
    }

    async fn delete_test_set(
        &self,
        request: Request<pb::DeleteTestSetRequest>,
    ) -> Result<Response<pb::DeleteTestSetResponse>, Status> {
        self.answer(request, |engine: &Engine, set: &Delete| {
            engine.delete_test_set(&set.0).map(|()| pb::DeleteTestSetResponse {})
        })
        .await
    }
}

fn tables(fields: &mut Fields, names: Vec<String>) -> Vec<TableName> {
    fields.count("tables", names.len(), 1..=limits::EVALUATION_TABLES_MAX);
    let name = |(i, name): (usize, String)| {
        let read = TableName::try_from(name).ok();
        if read.is_none() {
            fields.bad(format_args!("tables[{i}]"), "not the name of a table");
        }
        read
    };
    names.into_iter().enumerate().filter_map(name).collect()
}

fn lookup(fields: &mut Fields, lookup: Option<pb::EvaluationLookup>) -> Lookup {
    let lookup = lookup.unwrap_or_default();
    let (given, default) = (lookup.restrict_vocab, Lookup::default());
    let most = limits::ROWS_MAX;
    let restrict = fields.number("lookup.restrict_vocab", given, 0..=most, default.restrict_vocab);
    Lookup {
        restrict_vocab: if restrict == 0 { usize::MAX } else { restrict },
        case_insensitive: lookup.case_insensitive.unwrap_or(default.case_insensitive),
    }
}

impl TryFrom<pb::AnalogiesRequest> for Asks<TestOf<AnalogyMethod>> {
    type Error = Error;

    fn try_from(request: pb::AnalogiesRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let tables = tables(&mut fields, request.tables);
        let method = match fields.choice("method", request.method) {
            pb::AnalogyMethod::Unspecified | pb::AnalogyMethod::CosAdd => AnalogyMethod::CosAdd,
            pb::AnalogyMethod::CosMul => AnalogyMethod::CosMul,
            pb::AnalogyMethod::PairDirection | pb::AnalogyMethod::CosAvg => {
                fields.bad("method", "test sets are answered by COS_ADD or COS_MUL");
                AnalogyMethod::CosAdd
            }
        };
        let lookup = lookup(&mut fields, request.lookup);
        let file = fields.test_file(request.file, request.test_set);
        fields.finish(|| {
            let query = TestOf { file: file?, lookup, option: method };
            Some(Self { tables, query })
        })
    }
}

impl TryFrom<pb::WordPairsRequest> for Asks<TestOf<()>> {
    type Error = Error;

    fn try_from(request: pb::WordPairsRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let tables = tables(&mut fields, request.tables);
        let lookup = lookup(&mut fields, request.lookup);
        let file = fields.test_file(request.file, request.test_set);
        fields.finish(|| {
            let query = TestOf { file: file?, lookup, option: () };
            Some(Self { tables, query })
        })
    }
}

impl TryFrom<pb::CategoriesRequest> for Asks<TestOf<u64>> {
    type Error = Error;

    fn try_from(request: pb::CategoriesRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let tables = tables(&mut fields, request.tables);
        let lookup = lookup(&mut fields, request.lookup);
        let file = fields.test_file(request.file, request.test_set);
        fields.finish(|| {
            let query = TestOf { file: file?, lookup, option: request.seed };
            Some(Self { tables, query })
        })
    }
}

impl TryFrom<pb::OutliersRequest> for Asks<TestOf<()>> {
    type Error = Error;

    fn try_from(request: pb::OutliersRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let tables = tables(&mut fields, request.tables);
        let lookup = lookup(&mut fields, request.lookup);
        let file = fields.test_file(request.file, request.test_set);
        fields.finish(|| {
            let query = TestOf { file: file?, lookup, option: () };
            Some(Self { tables, query })
        })
    }
}

fn info<A>(answer: &Answer<A>) -> pb::AnswerInfo {
    wire::info(answer, AnsweredBy::EXACT, WordsUsed::default())
}

fn first(mut words: Vec<String>) -> Vec<String> {
    words.truncate(UNKNOWN_TOLD);
    words
}

fn analogies(answers: Vec<(Answer<AnalogiesAnswer>, Duration)>) -> pb::AnalogiesResponse {
    let table = |(answer, took): (Answer<AnalogiesAnswer>, Duration)| pb::TableAnalogies {
        answer: Some(info(&answer)),
        sections: answer.answer.sections.into_iter().map(pb::AnalogySection::from).collect(),
        total: Some(answer.answer.total.into()),
        unknown_words: answer.answer.unknown,
        unknown_count: wire::count(answer.answer.unknown_count),
        seconds: took.as_secs_f64(),
    };
    pb::AnalogiesResponse { tables: answers.into_iter().map(table).collect() }
}

impl From<SectionScore> for pb::AnalogySection {
    fn from(score: SectionScore) -> Self {
        Self {
            name: score.name,
            question_count: wire::count(score.questions),
            asked_count: wire::count(score.asked),
            right_count: wire::count(score.right.first),
            right_top5_count: wire::count(score.right.top5),
            right_with_inputs_count: wire::count(score.right_with_inputs.first),
            right_with_inputs_top5_count: wire::count(score.right_with_inputs.top5),
        }
    }
}

fn word_pairs(answers: Vec<Answer<WordPairsAnswer>>) -> pb::WordPairsResponse {
    let table = |answer: Answer<WordPairsAnswer>| {
        let info = info(&answer);
        let answer = answer.answer;
        let unknown = answer.unknown.into_iter().map(|(a, b)| format!("{a} {b}"));
        pb::TableWordPairs {
            pearson: answer.pearson,
            spearman: answer.spearman,
            spearman_low: answer.spearman_interval.map(|(low, _)| low),
            spearman_high: answer.spearman_interval.map(|(_, high)| high),
            pair_count: wire::count(answer.pairs),
            known_count: wire::count(answer.known),
            unknown_pairs: first(unknown.collect()),
            has_header: answer.has_header,
            answer: Some(info),
        }
    };
    pb::WordPairsResponse { tables: answers.into_iter().map(table).collect() }
}

fn categories(answers: Vec<Answer<CategoriesAnswer>>) -> pb::CategoriesResponse {
    let cluster = |(category, hits, size)| pb::table_categories::Cluster {
        category,
        hits: wire::count(hits),
        size: wire::count(size),
    };
    let table = |answer: Answer<CategoriesAnswer>| {
        let info = info(&answer);
        let answer = answer.answer;
        pb::TableCategories {
            purity: answer.purity,
            baseline: answer.baseline,
            adjusted_rand: answer.adjusted_rand,
            clusters: answer.clusters.into_iter().map(cluster).collect(),
            word_count: wire::count(answer.words),
            known_count: wire::count(answer.known),
            unknown_words: first(answer.unknown),
            answer: Some(info),
        }
    };
    pb::CategoriesResponse { tables: answers.into_iter().map(table).collect() }
}

fn outliers(answers: Vec<Answer<OutliersAnswer>>) -> pb::OutliersResponse {
    let set = |score: OutlierScore| pb::OutlierSet {
        name: score.name,
        outlier_count: wire::count(score.outliers),
        asked_count: wire::count(score.asked),
        accuracy: score.accuracy,
        position: score.position,
    };
    let table = |answer: Answer<OutliersAnswer>| pb::TableOutliers {
        answer: Some(info(&answer)),
        sets: answer.answer.sets.into_iter().map(set).collect(),
        total: Some(set(answer.answer.total)),
        unknown_words: first(answer.answer.unknown),
    };
    pb::OutliersResponse { tables: answers.into_iter().map(table).collect() }
}
