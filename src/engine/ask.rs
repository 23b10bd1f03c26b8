//! The questions: each takes the current state of its table once, and says of which generation.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::bias::Terms;
use crate::bias::clusters::{self, ClustersAnswer, ClustersQuery};
use crate::bias::generate::{self, GenerateAnswer, GenerateQuery};
use crate::bias::partition::Partitions;
use crate::bias::probe::{self, ProbeAnswer, ProbeQuery};
use crate::bias::projection::{self, ProjectAnswer, ProjectQuery};
use crate::bias::suites::{self, Language, Published};
use crate::bias::weat::{self, SingleWeatAnswer, SingleWeatQuery, WeatAnswer, WeatQuery};
use crate::engine::arranged::arranged;
use crate::engine::{Current, Engine, TestFile};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::evaluation::Lookup;
use crate::evaluation::analogies::{self, AnalogiesAnswer, AnalogiesQuery, AnalogyFile};
use crate::evaluation::categories::{self, CategoriesAnswer, CategoriesQuery, CategoryFile};
use crate::evaluation::outliers::{self, OutlierFile, OutliersAnswer, OutliersQuery};
use crate::evaluation::test_set::TestSetKind;
use crate::evaluation::word_pairs::{self, PairFile, WordPairsAnswer, WordPairsQuery};
use crate::index::lists::LIST;
use crate::query::analogy::{self, AnalogyAnswer, AnalogyMethod, AnalogyQuery};
use crate::query::answer_size::AnswerSize;
use crate::query::arrange::Finder;
use crate::query::compare::{self, CompareAnswer, CompareQuery, Side};
use crate::query::facets::{self, FacetsAnswer, FacetsQuery};
use crate::query::filter::{Filter, check_attributes};
use crate::query::given::{
    self, CentralityQuery, GivenQuery, RankedAnswer, RelativeCosineAnswer, RelativeCosineQuery,
};
use crate::query::health::{self, HealthAnswer, HealthQuery};
use crate::query::huffman::{self, HuffmanPath, HuffmanQuery};
use crate::query::lookup::{self, LookupAnswer, LookupQuery};
use crate::query::map::{self, MapLayout, MapQuery, TableMap};
use crate::query::nearest::{self, Asked, NearestAnswer, NearestQuery};
use crate::query::odd_one_out::{self, OddOneOutAnswer, OddOneOutQuery};
use crate::query::rank::{self, RankAnswer, RankQuery};
use crate::query::recall::{self, RecallAnswer, RecallQuery};
use crate::query::senses::{self, InduceAnswer, InduceQuery, SensesAnswer, SensesQuery};
use crate::query::set_similarity::{self, SetSimilarityAnswer, SetSimilarityQuery};
use crate::query::similarity::{self, SimilarityAnswer, SimilarityQuery};
use crate::query::similarity_matrix::{self, SimilarityMatrixAnswer, SimilarityMatrixQuery};
use crate::query::word_movers::{self, WordMoversAnswer, WordMoversQuery};
use crate::query::words::{self, SampleQuery, WordsAnswer, WordsQuery};
use crate::query::{Effort, GoOn};
use crate::table::meta::TableName;
use crate::vector::row_set::RowSet;

/// A question of a table.
#[derive(Clone, Debug)]
pub struct Ask<Q> {
    /// The table that is asked, by its name or an alias.
    pub table: TableName,
    /// The question.
    pub query: Q,
}

/// Which state of a table answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableState {
    /// The table, by its own name.
    pub table: TableName,
    /// The generation.
    pub generation: u64,
    /// The last write that it had seen; 0 if there was none.
    pub sequence: u64,
    /// Where tables are followed, how long ago it was looked last whether there is a later one, and everything
    /// there was here; none where they are not, or before.
    pub age: Option<Duration>,
}

impl TableState {
    /// Whether both are one state, whatever their ages.
    pub fn is_same(&self, other: &Self) -> bool {
        self.table == other.table
            && (self.generation, self.sequence) == (other.generation, other.sequence)
    }
}

/// An answer, and which state of the table gave it.
#[derive(Clone, Debug)]
pub struct Answer<A> {
    /// That state.
    pub of: TableState,
    /// What the question computes.
    pub answer: A,
}

/// A published test's name, and its outcome.
pub type NamedTest = (&'static str, Result<Answer<WeatAnswer>>);

/// How the published association tests are made.
#[derive(Clone, Debug)]
pub struct Suite {
    /// In which language.
    pub language: Language,
    /// How words are looked up, and how many a set may lose.
    pub terms: Terms,
    /// How partitions are gone through in each test.
    pub partitions: Partitions,
}

/// A question of several tables.
#[derive(Clone, Debug)]
pub struct Asks<Q> {
    /// The tables that are asked, each in turn.
    pub tables: Vec<TableName>,
    /// The question.
    pub query: Q,
}

/// A test set, and what is asked of it beside its file.
#[derive(Clone, Debug)]
pub struct TestOf<O> {
    /// The questions.
    pub file: TestFile,
    /// Which words are known.
    pub lookup: Lookup,
    /// What only this kind of test set is told.
    pub option: O,
}

/// How long an answer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Well under a millisecond: less than handing the question to another thread and back.
    Quick,
    /// A few milliseconds at most.
    Short,
    /// Perhaps longer.
    Slow,
    /// As long as it takes to read the table, which was not read yet.
    Unread,
}

/// The longest that a quick answer may take, in nanoseconds.
const QUICK_NANOS_MAX: usize = 250_000;
/// Likewise a short one.
const SHORT_NANOS_MAX: usize = 2_000_000;
/// Components that the questions of a batch which are answered together may compare: it takes about
/// 0.2 s.
const COMPARED_TOGETHER: usize = 10_000_000_000;
/// About so many neighbors cost as much as the comparisons with every row.
const NEIGHBORS_A_COMPARISON: usize = 64;
/// Fewer questions than this are not faster together; more are not faster still.
const ASKED_TOGETHER_MIN: usize = 16;
const ASKED_TOGETHER_MAX: usize = 1_024;
/// About what it takes to name a neighbor, to score it once more, and to encode it.
const NANOS_A_NEIGHBOR: usize = 150;
/// Components that are compared in a nanosecond.
const COMPONENTS_A_NANO: usize = 3;

/// Every question fails if there is no such table, or if its rows are damaged; beyond that, each as
/// its function in [`query`](crate::query) or [`bias`](crate::bias) does.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl Engine {
    /// How long a question takes that is short where its table is read.
    pub fn pace_of_short(&self, table: &TableName) -> Pace {
        if self.shared.catalog.is_read(table) { Pace::Short } else { Pace::Unread }
    }

    /// Components that an exact answer compares; none if it would read them from the disk.
    pub fn compared(&self, table: &TableName) -> Result<Option<usize>> {
        let current = self.current(table)?;
        let (is_in_memory, view) = (current.generation().mapped_bytes() == 0, current.view());
        Ok(is_in_memory.then(|| view.len().saturating_mul(view.dim())))
    }

    /// How long such questions take together. Also quick: an error.
    pub fn pace<'q>(
        &self,
        table: &TableName,
        queries: impl IntoIterator<Item = &'q NearestQuery>,
    ) -> Pace {
        if !self.shared.catalog.is_read(table) {
            return Pace::Unread;
        }
        let Ok(current) = self.shared.catalog.current(table) else { return Pace::Quick };
        let (generation, view) = (current.generation(), current.view());
        let mut nanos: usize = 0;
        for query in queries {
            if query.filter.is_some() || query.diversity > 0.0 || query.is_cut() {
                return Pace::Slow;
            }
            let compare = |rows: usize| rows * view.dim() / COMPONENTS_A_NANO;
            let ef = generation.ef_search(query.effort).max(query.k);
            let built = generation.built().filter(|_| !query.effort.exact && ef < view.len());
            let search = if query.radius().is_some() {
                compare(view.len())
            } else if generation.has_lists() && query.is_of_one_word() && query.k <= LIST {
                compare(view.written_count())
            } else if let Some(built) = built {
                built.nanos(ef).saturating_add(compare(view.written_count()))
            } else {
                compare(view.len())
            };
            nanos = nanos.saturating_add(search + query.k * NANOS_A_NEIGHBOR);
        }
        if nanos <= QUICK_NANOS_MAX {
            Pace::Quick
        } else if nanos <= SHORT_NANOS_MAX {
            Pace::Short
        } else {
            Pace::Slow
        }
    }

    /// The nearest words of a weighted mean of words and vectors.
    pub fn nearest(&self, ask: &Ask<NearestQuery>) -> Result<Answer<NearestAnswer>> {
        self.ask(&ask.table, |current| {
            let go_on = || self.stop.check();
            let asked = self.asked(current, &ask.query, &go_on)?;
            nearest::nearest(current.view(), &current.index(), asked)
        })
    }

    /// Many questions of one table, answered by one generation in the order asked.
    pub fn nearest_batch(
        &self,
        ask: &Ask<Vec<NearestQuery>>,
    ) -> Result<Answer<Vec<NearestAnswer>>> {
        self.ask(&ask.table, |current| {
            let answers = self.nearest_in(current, ask.query.iter())?;
            let named =
                |(i, answer): (usize, Result<_>)| answer.context(|| format!("queries[{i}]"));
            answers.into_iter().enumerate().map(named).collect()
        })
    }

    /// Many questions of one table, answered by one generation, each for itself.
    pub fn nearest_each<'q>(
        &self,
        table: &TableName,
        queries: impl Iterator<Item = &'q NearestQuery>,
    ) -> Result<Answer<Vec<Result<NearestAnswer>>>> {
        self.ask(table, |current| {
            let answers = self.nearest_in(current, queries)?.into_iter();
            Ok(answers.map(|answer| answer.context(|| format!("table {table}"))).collect())
        })
    }

    /// a is to b as c is to ?
    pub fn analogy(&self, ask: &Ask<AnalogyQuery>) -> Result<Answer<AnalogyAnswer>> {
        self.ask(&ask.table, |current| {
            let index = current.index();
            let ef = current.generation().ef_search(ask.query.effort);
            let allowed = self.allowed(current, ask.query.filter.as_ref())?;
            let go_on = || self.stop.check();
            analogy::analogy(current.view(), &index, ef, &ask.query, allowed.as_deref(), &go_on)
        })
    }

    /// Recall and speed of a table's index.
    pub fn recall(&self, ask: &Ask<RecallQuery>) -> Result<Answer<RecallAnswer>> {
        self.ask(&ask.table, |current| {
            if current.generation().built().is_none() {
                let because = "it has no index: every answer is exact".to_owned();
                return Err(Error::new(ErrorKind::Unsuited { operation: "recall", because }));
            }
            let index = current.index();
            recall::recall(current.view(), &index, &index, &ask.query, &|| self.stop.check())
        })
    }

    /// Where words stand on a map; whether its places are wanted.
    pub fn map(&self, ask: &Ask<MapQuery>) -> Result<Answer<(Arc<TableMap>, bool)>> {
        self.ask(&ask.table, |current| {
            let (view, go_on) = (current.view(), || self.stop.check());
            let generation = current.generation();
            let layout = ask.query.layout;
            let arranged = match layout {
                MapLayout::Components => None,
                MapLayout::Neighbors => Some(arranged(&self.shared, generation)?),
            };
            let make = || {
                let index = &current.index();
                let default_ef = generation.ef_search(Effort::default());
                let finder = Finder { index, default_ef };
                map::map(view, arranged.as_deref().map(|arranged| (arranged, finder)), &go_on)
            };
            let how = arranged.as_ref().map(|arranged| (arranged.seed, arranged.sequence));
            let map = generation.maps(layout).map((view.sequence(), how), &go_on, make)?;
            Ok((map, ask.query.places))
        })
    }

    /// What is odd about a table.
    pub fn health(&self, ask: &Ask<HealthQuery>) -> Result<Answer<HealthAnswer>> {
        self.ask(&ask.table, |current| {
            let index = current.index();
            let ef = current.generation().ef_search(Effort::default());
            health::health(current.view(), &index, ef, &ask.query, &|| self.stop.check())
        })
    }

    /// The cosine similarity of pairs.
    pub fn similarity(&self, ask: &Ask<SimilarityQuery>) -> Result<Answer<SimilarityAnswer>> {
        self.ask(&ask.table, |current| {
            similarity::similarity(current.view(), &ask.query, &|| self.stop.check())
        })
    }

    /// How alike all words of a list are.
    pub fn similarity_matrix(
        &self,
        ask: &Ask<SimilarityMatrixQuery>,
    ) -> Result<Answer<SimilarityMatrixAnswer>> {
        self.ask(&ask.table, |current| {
            similarity_matrix::similarity_matrix(current.view(), &ask.query, &|| self.stop.check())
        })
    }

    /// How alike two sets of words are.
    pub fn set_similarity(
        &self,
        ask: &Ask<SetSimilarityQuery>,
    ) -> Result<Answer<SetSimilarityAnswer>> {
        self.ask(&ask.table, |current| {
            set_similarity::set_similarity(current.view(), &ask.query, &|| self.stop.check())
        })
    }

    /// How far two texts are apart.
    pub fn word_movers(&self, ask: &Ask<WordMoversQuery>) -> Result<Answer<WordMoversAnswer>> {
        self.ask(&ask.table, |current| {
            word_movers::word_movers(current.view(), &ask.query, &|| self.stop.check())
        })
    }

    /// Where a word stands among another's neighbors.
    pub fn rank(&self, ask: &Ask<RankQuery>) -> Result<Answer<RankAnswer>> {
        self.ask(&ask.table, |current| {
            let allowed = self.allowed(current, ask.query.filter.as_ref())?;
            rank::rank(current.view(), &ask.query, allowed.as_deref(), &|| self.stop.check())
        })
    }

    /// Which of some words is nearest.
    pub fn most_similar_to_given(&self, ask: &Ask<GivenQuery>) -> Result<Answer<RankedAnswer>> {
        self.ask(&ask.table, |current| {
            given::most_similar_to_given(current.view(), &ask.query, &|| self.stop.check())
        })
    }

    /// The members of a set by their similarity to its mean.
    pub fn rank_by_centrality(&self, ask: &Ask<CentralityQuery>) -> Result<Answer<RankedAnswer>> {
        self.ask(&ask.table, |current| {
            given::rank_by_centrality(current.view(), &ask.query, &|| self.stop.check())
        })
    }

    /// A similarity over the sum of those of the nearest.
    pub fn relative_cosine(
        &self,
        ask: &Ask<RelativeCosineQuery>,
    ) -> Result<Answer<RelativeCosineAnswer>> {
        self.ask(&ask.table, |current| {
            given::relative_cosine(current.view(), &current.index(), &ask.query, &|| {
                self.stop.check()
            })
        })
    }

    /// The rows of a surface form, and which one a context means.
    pub fn senses(&self, ask: &Ask<SensesQuery>) -> Result<Answer<SensesAnswer>> {
        self.ask(&ask.table, |current| {
            senses::senses(current.view(), &ask.query, &|| self.stop.check())
        })
    }

    /// Senses of a word, found among its neighbors.
    pub fn induce_senses(&self, ask: &Ask<InduceQuery>) -> Result<Answer<InduceAnswer>> {
        self.ask(&ask.table, |current| {
            senses::induce(current.view(), &current.index(), &ask.query, &|| self.stop.check())
        })
    }

    /// How differently two tables see a word; with the other's generation and name.
    pub fn compare(
        &self,
        ask: &Ask<(TableName, CompareQuery)>,
    ) -> Result<(Answer<CompareAnswer>, TableState)> {
        let (other, query) = &ask.query;
        let second = self.current(other)?;
        let answer = self.ask(&ask.table, |first| {
            let indexes = (first.index(), second.index());
            let sides = [
                Side { view: first.view(), index: &indexes.0 },
                Side { view: second.view(), index: &indexes.1 },
            ];
            compare::compare(sides, query, &|| self.stop.check())
        })?;
        Ok((answer, self.state(&second)))
    }

    /// The word least like the mean of the set.
    pub fn odd_one_out(&self, ask: &Ask<OddOneOutQuery>) -> Result<Answer<OddOneOutAnswer>> {
        self.ask(&ask.table, |current| {
            odd_one_out::odd_one_out(current.view(), &ask.query, &|| self.stop.check())
        })
    }

    /// Words or rows to vectors.
    pub fn lookup(&self, ask: &Ask<LookupQuery>) -> Result<Answer<LookupAnswer>> {
        self.ask(&ask.table, |current| {
            lookup::lookup(current.view(), &ask.query, &|| self.stop.check())
        })
    }

    /// The way to a word in the Huffman tree over the table's words.
    pub fn huffman_path(&self, ask: &Ask<HuffmanQuery>) -> Result<Answer<HuffmanPath>> {
        self.ask(&ask.table, |current| {
            huffman::huffman_path(current.view(), &ask.query, &|| self.stop.check())
        })
    }

    /// A page of the table's words.
    pub fn words(&self, ask: &Ask<WordsQuery>) -> Result<Answer<WordsAnswer>> {
        self.ask(&ask.table, |current| {
            let allowed = self.allowed(current, ask.query.filter.as_ref())?;
            let generation = current.generation().number();
            let go_on = || self.stop.check();
            if let Some(order) = &ask.query.order {
                self.check_attribute(current, &order.attribute, "order.attribute")?;
            }
            words::words(current.view(), generation, &ask.query, allowed.as_deref(), &go_on)
        })
    }

    /// Some of the table's words at random.
    pub fn sample_words(&self, ask: &Ask<SampleQuery>) -> Result<Answer<WordsAnswer>> {
        self.ask(&ask.table, |current| {
            let allowed = self.allowed(current, ask.query.filter.as_ref())?;
            words::sample(current.view(), &ask.query, allowed.as_deref(), &|| self.stop.check())
        })
    }

    /// How many words the table has, or a filter lets through.
    pub fn count_words(&self, ask: &Ask<Option<Filter>>) -> Result<Answer<usize>> {
        self.ask(&ask.table, |current| {
            let allowed = self.allowed(current, ask.query.as_ref())?;
            Ok(allowed.map_or(current.view().len(), |allowed| allowed.len()))
        })
    }

    /// How words are spread over the values of an attribute.
    pub fn facets(&self, ask: &Ask<FacetsQuery>) -> Result<Answer<FacetsAnswer>> {
        self.ask(&ask.table, |current| {
            self.check_attribute(current, &ask.query.attribute, "attribute")?;
            let allowed = self.allowed(current, ask.query.filter.as_ref())?;
            facets::facets(current.view(), &ask.query, allowed.as_deref(), &|| self.stop.check())
        })
    }

    /// Word Embedding Association Test.
    pub fn weat(&self, ask: &Ask<WeatQuery>) -> Result<Answer<WeatAnswer>> {
        self.ask(&ask.table, |current| {
            weat::weat(current.view(), &ask.query, &|| self.stop.check())
        })
    }

    /// The association test for single words.
    pub fn single_weat(&self, ask: &Ask<SingleWeatQuery>) -> Result<Answer<SingleWeatAnswer>> {
        self.ask(&ask.table, |current| {
            weat::single_weat(current.view(), &ask.query, &|| self.stop.check())
        })
    }

    /// Every published association test by name; a test that cannot be made says why.
    pub fn weat_suite(&self, ask: &Ask<Suite>) -> Result<Vec<NamedTest>> {
        let current = self.current(&ask.table)?;
        let mut tests = Vec::new();
        for Published { name, sets, .. } in suites::in_language(ask.query.language) {
            self.stop.check()?;
            let Suite { terms, partitions, .. } = ask.query.clone();
            let query = WeatQuery { sets, terms, partitions };
            let answer = weat::weat(current.view(), &query, &|| self.stop.check());
            let of = self.state(&current);
            tests.push((name, answer.map(|answer| Answer { of, answer })));
        }
        Ok(tests)
    }

    /// One figure for sets of targets and attributes.
    pub fn probe(&self, ask: &Ask<ProbeQuery>) -> Result<Answer<ProbeAnswer>> {
        self.ask(&ask.table, |current| {
            probe::probe(current.view(), &ask.query, &|| self.stop.check())
        })
    }

    /// Analogies along a direction.
    pub fn generate_analogies(&self, ask: &Ask<GenerateQuery>) -> Result<Answer<GenerateAnswer>> {
        self.ask(&ask.table, |current| {
            generate::generate(current.view(), &ask.query, &|| self.stop.check())
        })
    }

    /// Whether the most biased words of one table can be told apart by another.
    pub fn biased_clusters(
        &self,
        ask: &Ask<(TableName, ClustersQuery)>,
    ) -> Result<Answer<ClustersAnswer>> {
        let (original, query) = &ask.query;
        let original = self.current(original)?;
        self.ask(&ask.table, |current| {
            clusters::clusters(current.view(), original.view(), query, &|| self.stop.check())
        })
    }

    /// Words on an axis between two poles.
    pub fn project(&self, ask: &Ask<ProjectQuery>) -> Result<Answer<ProjectAnswer>> {
        self.ask(&ask.table, |current| {
            projection::project(current.view(), &ask.query, &|| self.stop.check())
        })
    }

    /// Analogy questions by section, for each table, and how long each took.
    pub fn analogies(
        &self,
        asks: &Asks<TestOf<AnalogyMethod>>,
    ) -> Result<Vec<(Answer<AnalogiesAnswer>, Duration)>> {
        let TestOf { file, lookup, option: method } = &asks.query;
        let questions = self.read_test_set(file, TestSetKind::Analogies, AnalogyFile::read)?;
        let query = AnalogiesQuery { questions, method: *method, lookup: *lookup };
        let each = asks.tables.iter().map(|table| {
            let start = Instant::now();
            let answer = self.ask(table, |current| {
                analogies::analogies(current.view(), &query, &|| self.stop.check())
            })?;
            Ok((answer, start.elapsed()))
        });
        each.collect()
    }

    /// The similarity that people gave to pairs, for each table.
    pub fn word_pairs(&self, asks: &Asks<TestOf<()>>) -> Result<Vec<Answer<WordPairsAnswer>>> {
        let TestOf { file, lookup, .. } = &asks.query;
        let pairs = self.read_test_set(file, TestSetKind::WordPairs, PairFile::read)?;
        let query = WordPairsQuery { pairs, lookup: *lookup };
        self.ask_each(asks, |current| {
            word_pairs::word_pairs(current.view(), &query, &|| self.stop.check())
        })
    }

    /// Words that people put into categories, for each table; the option is the clustering's seed.
    pub fn categories(&self, asks: &Asks<TestOf<u64>>) -> Result<Vec<Answer<CategoriesAnswer>>> {
        let TestOf { file, lookup, option: seed } = &asks.query;
        let words = self.read_test_set(file, TestSetKind::Categories, CategoryFile::read)?;
        let query = CategoriesQuery { words, lookup: *lookup, seed: *seed };
        self.ask_each(asks, |current| {
            categories::categories(current.view(), &query, &|| self.stop.check())
        })
    }

    /// Sets with a word that does not belong, for each table.
    pub fn outliers(&self, asks: &Asks<TestOf<()>>) -> Result<Vec<Answer<OutliersAnswer>>> {
        let TestOf { file, lookup, .. } = &asks.query;
        let sets = self.read_test_set(file, TestSetKind::Outliers, OutlierFile::read)?;
        let query = OutliersQuery { sets, lookup: *lookup };
        self.ask_each(asks, |current| {
            outliers::outliers(current.view(), &query, &|| self.stop.check())
        })
    }

    fn ask<A>(
        &self,
        table: &TableName,
        question: impl FnOnce(&Current) -> Result<A>,
    ) -> Result<Answer<A>> {
        let current = self.current(table)?;
        let answer = question(&current).context(|| format!("table {table}"))?;
        Ok(Answer { of: self.state(&current), answer })
    }

    /// What an answer says of the state that gave it.
    pub(super) fn state(&self, current: &Current) -> TableState {
        let shared = &self.shared;
        TableState {
            table: current.name(),
            generation: current.generation().number(),
            sequence: current.view().sequence(),
            age: shared.follows.then(|| shared.standing.age(Instant::now())).flatten(),
        }
    }

    fn ask_each<Q, A>(
        &self,
        asks: &Asks<Q>,
        question: impl Fn(&Current) -> Result<A>,
    ) -> Result<Vec<Answer<A>>> {
        asks.tables.iter().map(|table| self.ask(table, &question)).collect()
    }

    /// Answers questions together, some at a time so that they can be stopped.
    fn nearest_in<'q>(
        &self,
        current: &Current,
        queries: impl Iterator<Item = &'q NearestQuery>,
    ) -> Result<Vec<Result<NearestAnswer>>> {
        let index = current.index();
        let queries: Vec<_> = queries.collect();
        let (mut answers, mut size) = (Vec::with_capacity(queries.len()), AnswerSize::default());
        let go_on = || self.stop.check();
        let view = current.view();
        // The more neighbors are asked for, the more rows are compared twice.
        let most = queries.iter().map(|query| query.k).max().unwrap_or(0);
        let compared = (view.len() * view.dim()).saturating_mul(1 + most / NEIGHBORS_A_COMPARISON);
        let together = COMPARED_TOGETHER / compared.max(1);
        for queries in queries.chunks(together.clamp(ASKED_TOGETHER_MIN, ASKED_TOGETHER_MAX)) {
            go_on()?;
            let asked = queries.iter().map(|query| self.asked(current, query, &go_on));
            answers.extend(nearest::nearest_batch(current.view(), &index, asked, &mut size));
            size.check()?;
        }
        Ok(answers)
    }

    fn asked<'q>(
        &self,
        current: &Current,
        query: &'q NearestQuery,
        go_on: GoOn<'q>,
    ) -> Result<Asked<'q>> {
        if let Some(attribute) = &query.group_by {
            self.check_attribute(current, attribute, "group_by")?;
        }
        let allowed = self.allowed(current, query.filter.as_ref())?;
        let default_ef = current.generation().ef_search(query.effort);
        Ok(Asked { query, default_ef, allowed, go_on })
    }

    /// Refuses an attribute that no row has, unless there is no row.
    fn check_attribute(&self, current: &Current, attribute: &str, field: &str) -> Result<()> {
        let view = current.view();
        if view.is_empty() {
            return Ok(());
        }
        check_attributes(view, vec![attribute], field, &|| self.stop.check())
    }

    fn allowed(&self, current: &Current, filter: Option<&Filter>) -> Result<Option<Arc<RowSet>>> {
        filter.map(|filter| current.allowed(filter, &|| self.stop.check())).transpose()
    }
}
