//! Random histories of a table against a model that is a plain list.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use super::write::{
    AttributesChange, AttributesQuery, DeleteQuery, PutMode, PutQuery, PutWord, WriteAnswer,
};
use super::*;
use crate::engine::import::{ImportOptions, Source, TokenizerPolicy};
use crate::format::intake::{OnDuplicate, OnInvalid, OnInvalidUtf8, Policies};
use crate::format::write::OneFile;
use crate::query::lookup::LookupQuery;
use crate::query::nearest::NearestQuery;
use crate::query::words::WordsQuery;
use crate::query::{Effort, OovPolicy, WordOptions, WordOrVector};
use crate::store::Listed;
use crate::table::attributes::{AttributeValue, Attributes};
use crate::table::meta::IndexChoice;
use crate::vector::scalar;

/// What a step does; words and vectors are few, so that they meet often.
#[derive(Clone, Debug)]
enum Step {
    Put(BTreeMap<u8, [i8; 3]>, PutMode),
    Delete(Vec<u8>, OovPolicy),
    Set(u8, u8, bool),
    Build,
    Cancel,
    Wait,
    Reopen,
    Import(u8),
    /// A copy takes the table's place.
    Copy,
    /// Another name, and the old one again.
    Rename,
}

fn step() -> impl Strategy<Value = Step> {
    let mode = prop_oneof![
        3 => Just(PutMode::Upsert),
        1 => Just(PutMode::InsertOnly),
        1 => Just(PutMode::UpdateOnly)
    ];
    let oov = prop_oneof![Just(OovPolicy::Error), Just(OovPolicy::Skip)];
    let words = proptest::collection::btree_map(0_u8..30, prop::array::uniform3(-3_i8..=3), 1..6);
    prop_oneof![
        8 => (words, mode).prop_map(|(words, mode)| Step::Put(words, mode)),
        6 => (proptest::collection::vec(0_u8..30, 1..4), oov)
            .prop_map(|(words, oov)| Step::Delete(words, oov)),
        4 => (0_u8..30, 0_u8..4, any::<bool>()).prop_map(|(word, name, set)| Step::Set(word, name, set)),
        3 => Just(Step::Build),
        1 => Just(Step::Cancel),
        2 => Just(Step::Wait),
        2 => Just(Step::Reopen),
        1 => (0_u8..30).prop_map(Step::Import),
        2 => Just(Step::Copy),
        2 => Just(Step::Rename),
    ]
}

/// The words of a table in row order.
type Model = Vec<Word>;

#[derive(Clone, Debug, PartialEq)]
struct Word {
    text: String,
    vector: Vec<f32>,
    attributes: Attributes,
}

fn name() -> TableName {
    TableName::try_from("en".to_owned()).unwrap()
}

fn other() -> TableName {
    TableName::try_from("other".to_owned()).unwrap()
}

fn alias() -> TableName {
    TableName::try_from("live".to_owned()).unwrap()
}

fn text(word: u8) -> String {
    format!("w{word}")
}

fn config(folder: &Path) -> EngineConfig {
    let (job_memory, spool_max) = (None, None);
    EngineConfig { index_threads: 1, job_memory, spool_max, ..EngineConfig::new(folder) }
}

fn open(folder: &Path) -> Engine {
    Engine::open(&config(folder)).unwrap()
}

fn reopen(engine: Engine, folder: &Path) -> Engine {
    engine.close();
    open(folder)
}

fn ask<Q>(query: Q) -> Ask<Q> {
    Ask { table: name(), query }
}

fn put_query(words: &BTreeMap<u8, [i8; 3]>, mode: PutMode) -> PutQuery {
    let put = |(&word, vector): (&u8, &[i8; 3])| PutWord {
        word: text(word).into_bytes(),
        vector: vector.map(f32::from).to_vec(),
        attributes: Attributes::new(),
    };
    PutQuery { words: words.iter().map(put).collect(), mode }
}

/// Makes a table of `count` words anew.
fn import(engine: &Engine, count: u8) -> Model {
    let vector = |word: u8| vec![f32::from(word % 5) - 2.0, f32::from(word % 3), 1.0];
    let rows =
        (0..=count).map(move |word| Ok((text(word).into_bytes(), vector(word), Attributes::new())));
    engine.import(&options(), Source::Rows(Box::new(rows)), &mut |_| {}).unwrap();
    (0..=count)
        .map(|word| Word { text: text(word), vector: vector(word), attributes: Attributes::new() })
        .collect()
}

fn options() -> ImportOptions {
    ImportOptions {
        table: name(),
        source_name: "a test".to_owned(),
        policies: Policies {
            on_duplicate: OnDuplicate::Error,
            on_invalid: OnInvalid::Error,
            on_invalid_utf8: OnInvalidUtf8::Error,
            ..Policies::default()
        },
        if_exists: import::IfExists::Replace,
        limit: None,
        total_bytes: None,
        imported_at: 0,
        counts: None,
        license: String::new(),
        told: String::new(),
        dry_run: false,
        tokenizer: TokenizerPolicy::Attach,
        index: IndexChoice::Auto,
        dtype: None,
        residence: crate::table::meta::Residence::Memory,
    }
}

fn wait(engine: &Engine) {
    while engine.table(&name()).unwrap().index.is_under_way() {
        // Not yielding: one who yields again and again takes the core from the one who works.
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

fn put(engine: &Engine, model: &mut Model, words: &BTreeMap<u8, [i8; 3]>, mode: PutMode) {
    let known = |word: &u8| model.iter().any(|known| known.text == text(*word));
    let refused = match mode {
        PutMode::Upsert => false,
        PutMode::InsertOnly => words.keys().any(known),
        PutMode::UpdateOnly => !words.keys().all(known),
    };
    let answer = engine.put(&ask(put_query(words, mode)));
    if refused {
        let kind = answer.unwrap_err().kind().clone();
        assert!(matches!(kind, ErrorKind::WordsExist { .. } | ErrorKind::UnknownWords { .. }));
        return;
    }
    let answer = answer.unwrap().answer;
    let added = words.keys().filter(|word| !known(word)).count();
    assert_eq!((answer.added, answer.overwritten), (added, words.len() - added));
    for (&word, vector) in words {
        let vector = vector.map(f32::from).to_vec();
        match model.iter_mut().find(|known| known.text == text(word)) {
            Some(known) => known.vector = vector,
            None => {
                model.push(Word { text: text(word), vector, attributes: Attributes::new() });
            }
        }
    }
}

fn delete(engine: &Engine, model: &mut Model, words: &[u8], oov: OovPolicy) {
    let queries = words.iter().map(|&word| WordOrVector::Word(text(word))).collect();
    let answer = engine.delete_words(&ask(DeleteQuery { queries, oov }));
    let gone = |known: &Word| words.iter().any(|&word| text(word) == known.text);
    let left: Model = model.iter().filter(|known| !gone(known)).cloned().collect();
    let lacks = |&&word: &&u8| !model.iter().any(|known| known.text == text(word));
    let lacks_some = words.iter().any(|word| lacks(&word));
    if oov == OovPolicy::Error && lacks_some {
        assert!(answer.is_err());
        return;
    }
    let WriteAnswer { count, unknown } = answer.unwrap().answer;
    assert_eq!((count, unknown.is_empty()), (model.len() - left.len(), !lacks_some));
    *model = left;
}

fn set(engine: &Engine, model: &mut Model, word: u8, number: u8, sets: bool) {
    let attribute = format!("a{number}");
    let value = match number {
        0 => AttributeValue::Text(format!("{word}")),
        1 => AttributeValue::Flag(word.is_multiple_of(2)),
        _ => AttributeValue::Number(f64::from(word)),
    };
    let (set, remove) = if sets {
        ([(attribute.clone(), value.clone())].into_iter().collect(), Vec::new())
    } else {
        (Attributes::new(), vec![attribute.clone()])
    };
    let query = WordOrVector::Word(text(word));
    let changes = vec![AttributesChange { query, remove, set }];
    let answer = engine.set_attributes(&ask(AttributesQuery { changes, oov: OovPolicy::Error }));
    match model.iter_mut().find(|known| known.text == text(word)) {
        Some(known) if sets => {
            known.attributes.set(attribute, value);
            assert_eq!(answer.unwrap().answer.count, 1);
        }
        Some(known) => {
            known.attributes.remove(&attribute);
            assert_eq!(answer.unwrap().answer.count, 1);
        }
        None => assert!(matches!(answer.unwrap_err().kind(), ErrorKind::UnknownWords { .. })),
    }
}

/// Every way to ask sees the model.
fn check(engine: &Engine, model: &Model) {
    let query = WordsQuery { page_size: 10_000, ..WordsQuery::default() };
    let words = engine.words(&ask(query)).unwrap().answer.words;
    let listed: Vec<_> = words.iter().map(|one| one.word.as_slice()).collect();
    let wanted: Vec<_> = model.iter().map(|known| known.text.as_bytes()).collect();
    assert_eq!(listed, wanted);
    assert!(words.is_sorted_by_key(|one| one.row));
    assert_eq!(engine.table(&name()).unwrap().meta.row_count, model.len() as u64);

    let every = (0..30).map(|word| WordOrVector::Word(text(word)));
    let options = WordOptions { oov: OovPolicy::Skip, ..WordOptions::default() };
    let query =
        LookupQuery { queries: every.collect(), unit: false, packed: false, words: options };
    let found = engine.lookup(&ask(query)).unwrap().answer.vectors;
    for (word, found) in (0..30).zip(found) {
        let known = model.iter().find(|known| known.text == text(word));
        let found = found.map(|found| Word {
            text: String::from_utf8(found.word).unwrap(),
            vector: found.vector,
            attributes: found.attributes,
        });
        assert_eq!(found.as_ref(), known);
    }

    let mut file = Vec::new();
    let export = Export {
        table: name(),
        format: Format::Glove,
        compression: Compression::None,
        filter: None,
        guards_formulas: false,
    };
    engine.export(&export, &mut OneFile(&mut file)).unwrap();
    let line = |known: &Word| {
        let values: Vec<_> = known.vector.iter().map(|value| format!("{value:?}")).collect();
        format!("{} {}\n", known.text, values.join(" "))
    };
    assert_eq!(String::from_utf8(file).unwrap(), model.iter().map(line).collect::<String>());

    for (k, vector) in [(3, vec![1.0, 2.0, -1.0]), (100, vec![0.0, 1.0, 0.0])] {
        let query = NearestQuery::new(vec![WordOrVector::Vector(vector.clone())], k);
        let answer = engine.nearest(&ask(query)).unwrap().answer.neighbors;
        let unit = crate::vector::algebra::unit(&vector).unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "as an index does")]
        let near = |known: &Word| (scalar::cosine(&known.vector, &unit) as f32, known.text.clone());
        let mut wanted: Vec<_> = model.iter().map(near).collect();
        // The sort keeps ties in row order.
        wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
        wanted.truncate(k);
        let answer: Vec<_> = answer
            .into_iter()
            .map(|near| (near.similarity, String::from_utf8(near.word).unwrap()))
            .collect();
        assert_eq!(answer, wanted);
    }
}

proptest! {
    #![proptest_config(Config {
        cases: 24,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..Config::default()
    })]

    #[test]
    fn a_table_under_random_writes_rebuilds_and_restarts_answers_as_a_list_would(
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut engine = open(folder.path());
        let mut model = import(&engine, 9);
        for step in steps {
            match &step {
                Step::Put(words, mode) => put(&engine, &mut model, words, *mode),
                Step::Delete(words, oov) => delete(&engine, &mut model, words, *oov),
                Step::Set(word, number, sets) => {
                    set(&engine, &mut model, *word, *number, *sets);
                }
                Step::Build => _ = engine.build_index(&name(), None).unwrap(),
                Step::Cancel => _ = engine.cancel_build(&name()).unwrap(),
                Step::Wait => wait(&engine),
                Step::Reopen => engine = reopen(engine, folder.path()),
                Step::Import(count) => model = import(&engine, *count),
                Step::Copy => {
                    engine.copy(&name(), &other()).unwrap();
                    engine.delete(&[name()]).unwrap();
                    engine.rename(&other(), &name()).unwrap();
                }
                Step::Rename => {
                    engine.set_alias(&alias(), &name()).unwrap();
                    engine.rename(&alias(), &other()).unwrap();
                    assert_eq!(engine.table(&alias()).unwrap().meta.name, other());
                    engine.rename(&other(), &name()).unwrap();
                    engine.remove_alias(&alias()).unwrap();
                }
            }
            check(&engine, &model);
        }
        wait(&engine);
        let before = engine.table(&name()).unwrap().index;
        prop_assert_eq!(before.rebuild.problem, "");
        engine.build_index(&name(), None).unwrap();
        wait(&engine);
        let after = engine.table(&name()).unwrap().index;
        prop_assert_eq!((after.written_rows, after.deleted_rows), (0, 0), "{:?}", after.rebuild);
        check(&engine, &model);
        let engine = reopen(engine, folder.path());
        check(&engine, &model);
        engine.close();
    }
}

/// Many writers at once, with rebuilds among them: each sees its own write at once, and all of them
/// are there afterward.
#[test]
fn writers_at_once_lose_nothing_while_the_table_is_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    import(&engine, 3);
    let write = |writer: u8| {
        for number in 0..40_u8 {
            let word = format!("x{writer}-{number}");
            let vector = vec![f32::from(writer), f32::from(number), 1.0];
            let put = PutWord {
                word: word.clone().into_bytes(),
                vector: vector.clone(),
                attributes: Attributes::new(),
            };
            let mode = PutMode::InsertOnly;
            engine.put(&ask(PutQuery { words: vec![put], mode })).unwrap();
            let queries = vec![WordOrVector::Word(word)];
            let words = WordOptions::default();
            let query = LookupQuery { queries, unit: false, packed: false, words };
            let found = engine.lookup(&ask(query)).unwrap().answer.vectors.remove(0).unwrap();
            assert_eq!(found.vector, vector);
            if number.is_multiple_of(8) {
                engine.build_index(&name(), None).unwrap();
            }
        }
    };
    std::thread::scope(|scope| {
        for writer in 0..4 {
            scope.spawn(move || write(writer));
        }
    });
    wait(&engine);
    assert!(engine.table(&name()).unwrap().meta.generation > 2, "it was rebuilt");
    let rows = |engine: &Engine| engine.table(&name()).unwrap().meta.row_count;
    assert_eq!(rows(&engine), 4 + 4 * 40);
    let engine = reopen(engine, folder.path());
    assert_eq!(rows(&engine), 4 + 4 * 40);
    engine.close();
}

/// A table that is large enough for a graph.
#[test]
fn a_rebuild_begins_by_itself_and_has_a_graph_and_a_build_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let vector = |i: u32| {
        let [x, y, z] = [7, 11, 13].map(|step| (i * step % 101) as f32 - 50.0);
        vec![x, y, z, i as f32 / 1_000.0]
    };
    let row = move |i| Ok((format!("w{i}").into_bytes(), vector(i), Attributes::new()));
    let rows = (0..10_100).map(row);
    engine.import(&options(), Source::Rows(Box::new(rows)), &mut |_| {}).unwrap();
    let status = || engine.table(&name()).unwrap();
    engine.cancel_build(&name()).unwrap();
    wait(&engine);
    // It may have been faster than the caller.
    assert!(matches!(status().index.state, IndexState::Stopped | IndexState::Ready));
    engine.build_index(&name(), None).unwrap();
    wait(&engine);
    let before = status();
    assert_eq!(before.index.state, IndexState::Ready);

    let put = |i: u32| PutWord {
        word: format!("w{i}").into_bytes(),
        vector: vector(i),
        attributes: Attributes::new(),
    };
    let write = |from: u32, to: u32| {
        let words = (from..to).map(put).collect();
        engine.put(&ask(PutQuery { words, mode: PutMode::InsertOnly })).unwrap();
    };
    write(20_000, 20_500);
    assert!(!status().index.is_under_way(), "few writes do not pay");
    write(20_500, 21_000);
    wait(&engine);
    write(21_000, 21_001);
    let after = status();
    assert!(after.meta.generation > before.meta.generation);
    assert_eq!((after.index.state, after.index.written_rows), (IndexState::Ready, 1));
    let check = |engine: &Engine| {
        for word in ["w20700", "w21000"] {
            let word = WordOrVector::Word(word.to_owned());
            let query = NearestQuery {
                exclude_inputs: false,
                min_similarity: Some(0.999_99),
                effort: Effort { ef_search: Some(100), ..Effort::default() },
                ..NearestQuery::new(vec![word.clone()], 1)
            };
            let answer = engine.nearest(&ask(query)).unwrap().answer;
            assert_ne!(answer.answered_by.kind, crate::index::IndexKind::Exact);
            assert_eq!(answer.neighbors.len(), 1);
        }
    };
    check(&engine);
    let engine = reopen(engine, folder.path());
    wait(&engine);
    check(&engine);
    engine.close();
}

#[test]
fn writers_wait_for_a_rebuild_that_is_behind_them() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let row = |i: u32| Ok((format!("w{i}").into_bytes(), vec![1.0; 2_000], Attributes::new()));
    engine.import(&options(), Source::Rows(Box::new((0..9).map(row))), &mut |_| {}).unwrap();
    wait(&engine);
    let lineage = engine.shared.catalog.lineage(&name()).unwrap();
    // It waits for a turn that does not come.
    assert!(lineage.rebuild_wanted());
    let query = |from: u32, to: u32| {
        let word = |word: u32| PutWord {
            word: format!("x{word}").into_bytes(),
            vector: vec![1.0; 2_000],
            attributes: Attributes::new(),
        };
        ask(PutQuery { words: (from..to).map(word).collect(), mode: PutMode::Upsert })
    };
    engine.put(&query(0, 4_999)).unwrap();
    assert!(engine.takes_writes(&name()).unwrap());
    engine.put(&query(4_999, 5_000)).unwrap();
    assert!(!engine.takes_writes(&name()).unwrap(), "10,000,000 components");
    let error = engine.put(&query(5_000, 5_001)).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Overloaded, "{error}");
    // Of two streams that waited, one writes first.
    engine.begin_awaited_put(&query(5_000, 5_001)).unwrap().wait().unwrap();
    // One that came to nothing holds nobody up.
    lineage.rebuild_ended(Err(None));
    engine.put(&query(5_001, 5_002)).unwrap();
    engine.close();
}

/// The index of few rows is not waited for while many are written.
#[test]
fn a_table_that_grows_faster_than_its_index_takes_in_its_rows_first() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let vector = |i: u32| vec![1.0, (i % 997) as f32, (i % 1_009) as f32];
    let row = move |i| Ok((format!("w{i}").into_bytes(), vector(i), Attributes::new()));
    let rows = (0..1_500).map(row);
    engine.import(&options(), Source::Rows(Box::new(rows)), &mut |_| {}).unwrap();
    let lineage = engine.shared.catalog.lineage(&name()).unwrap();
    let put = |i: u32| PutWord {
        word: format!("w{i}").into_bytes(),
        vector: vector(i),
        attributes: Attributes::new(),
    };
    assert!(!lineage.is_outgrown(1_500, 0));
    for part in [1_500..6_000, 6_000..10_500] {
        let words = part.map(put).collect();
        engine.put(&ask(PutQuery { words, mode: PutMode::InsertOnly })).unwrap();
    }
    wait(&engine);
    let status = engine.table(&name()).unwrap();
    assert_eq!(status.index.state, IndexState::Ready);
    assert!(status.index.written_rows < 1_000, "{} are compared", status.index.written_rows);
    assert_eq!(status.meta.row_count, 10_500);
    engine.close();
}

#[test]
fn imports_take_no_more_memory_than_jobs_may() {
    let folder = tempfile::tempdir().unwrap();
    let engine = EngineConfig { job_memory: Some(8 << 20), ..config(folder.path()) };
    let engine = Engine::open(&engine).unwrap();
    let import = |count: u32, word_bytes: usize| {
        let word = move |i: u32| format!("{i}{}", "x".repeat(word_bytes)).into_bytes();
        let rows = (0..count).map(move |i| Ok((word(i), vec![1.0; 8_192], Attributes::new())));
        engine.import(&options(), Source::Rows(Box::new(rows)), &mut |_| {})
    };
    for (count, word_bytes) in [(1_000, 0), (300, 40_000)] {
        let error = import(count, word_bytes).unwrap_err();
        let is_named = matches!(error.kind(), ErrorKind::TooLarge { limit: "job-memory", .. });
        assert!(is_named && error.to_string().contains(" rows"), "{error}");
        assert_eq!(engine.status().job_memory, (0, 8 << 20));
    }
    import(100, 0).unwrap();
    assert_eq!(engine.status().job_memory.0, 0);
    engine.close();
}

#[test]
fn a_panic_in_the_builder_fails_that_build_and_the_next_one_starts() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    import(&engine, 20);
    let current = engine.shared.catalog.current(&name()).unwrap();
    let lineage = || {
        let (generation, view) = (Arc::clone(current.generation()), current.view().clone());
        Arc::new(Lineage::new(generation, view))
    };
    // A rebuild that has begun and remembers writes; another one is asked for meanwhile.
    let rebuilt = lineage();
    assert!(rebuilt.rebuild_wanted());
    rebuilt.rebuild_went_on(RebuildPhase::Copying, 0.5, 1.0);
    rebuilt.writer().since = Some(Vec::new());
    build::attempt(&engine.shared, &rebuilt, || panic!("a test's panic"));
    let status = rebuilt.index_status().rebuild;
    assert_eq!(status.phase, RebuildPhase::Failed);
    assert!(status.problem.contains("panic"), "{}", status.problem);
    assert!(rebuilt.writer().since.is_none(), "writes are not remembered for nobody");
    assert!(rebuilt.rebuild_wanted(), "another one may begin");

    let built = lineage();
    build::attempt(&engine.shared, &built, || panic!("another one"));
    let status = built.index_status();
    assert_eq!((status.state, status.rebuild.phase), (IndexState::Failed, RebuildPhase::Idle));
    assert!(status.problem.contains("panic"), "{}", status.problem);
    drop((built, rebuilt, current));
    engine.close();
}

#[test]
fn a_table_that_nobody_read_is_replaced_unread_and_who_waits_finds_the_new_one() {
    let read = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&read);
    let catalog = Catalog::new(Box::new(move |meta: &Meta| {
        told.lock().push(meta.generation);
        Err(Error::new(ErrorKind::Storage))
    }));
    let publish = |generation| {
        let meta = Meta::unknown(name(), generation);
        catalog.publish(&name(), Entry::closed(Listed { meta, problem: None }));
    };
    publish(1);
    let old = catalog.entry(&name()).unwrap();
    let closing = old.closing();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| catalog.current(&name()).map(drop).unwrap_err());
        publish(2);
        closing.done();
        assert_eq!(*asked.join().unwrap().kind(), ErrorKind::Storage);
    });
    assert_eq!(*read.lock(), [2]);
    drop(catalog.entry(&name()).unwrap().closing());
    catalog.current(&name()).map(drop).unwrap_err();
    assert_eq!(*read.lock(), [2, 2], "what was not replaced after all is read");
}

/// What somebody does with names, each of which may be a table's or an alias's.
#[derive(Clone, Debug)]
enum NameStep {
    /// Tables are told apart by their dimension, which no other has.
    Create(TableName, u32),
    Copy(TableName, TableName),
    Rename(TableName, TableName),
    Delete(TableName),
    SetAlias(TableName, TableName),
    RemoveAlias(TableName),
    Ask(TableName),
}

/// Tables with their dimensions, and aliases with their tables.
#[derive(Clone, Debug, Default, PartialEq)]
struct NameModel {
    tables: BTreeMap<TableName, u32>,
    aliases: BTreeMap<TableName, TableName>,
}

impl NameModel {
    fn of(engine: &Engine) -> Self {
        let tables = engine.tables().into_iter().map(|table| (table.meta.name, table.meta.dim));
        let aliases = engine.aliases().into_iter().map(|alias| (alias.name, alias.table));
        Self { tables: tables.collect(), aliases: aliases.collect() }
    }

    fn table(&self, name: &TableName) -> TableName {
        self.aliases.get(name).unwrap_or(name).clone()
    }

    fn is_free(&self, name: &TableName) -> bool {
        !self.tables.contains_key(name) && !self.aliases.contains_key(name)
    }

    /// What a step tells, and the dimension that it tells with it; none if it is refused.
    fn take(&mut self, step: &NameStep) -> Option<u32> {
        match step {
            NameStep::Create(name, dim) => {
                self.is_free(name).then(|| self.tables.insert(name.clone(), *dim));
                (self.tables.get(name) == Some(dim)).then_some(*dim)
            }
            NameStep::Copy(of, name) => {
                let dim = *self.tables.get(&self.table(of))?;
                self.is_free(name).then(|| self.tables.insert(name.clone(), dim)).map(|_| dim)
            }
            NameStep::Rename(old, name) => {
                let old = self.table(old);
                if !self.is_free(name) {
                    return None;
                }
                let dim = self.tables.remove(&old)?;
                self.tables.insert(name.clone(), dim);
                let named = self.aliases.values_mut().filter(|of| **of == old);
                named.for_each(|of| *of = name.clone());
                Some(dim)
            }
            NameStep::Delete(name) => {
                let table = self.table(name);
                let is_named = self.aliases.values().any(|of| *of == table);
                if is_named { None } else { self.tables.remove(&table) }
            }
            NameStep::SetAlias(alias, table) => {
                let table = self.table(table);
                let dim = *self.tables.get(&table)?;
                if self.tables.contains_key(alias) {
                    return None;
                }
                self.aliases.insert(alias.clone(), table);
                Some(dim)
            }
            NameStep::RemoveAlias(alias) => {
                let table = self.aliases.remove(alias)?;
                self.tables.get(&table).copied()
            }
            NameStep::Ask(name) => self.tables.get(&self.table(name)).copied(),
        }
    }
}

/// What a step told.
#[derive(Clone, Copy, Debug, PartialEq)]
enum NameTold {
    Dim(u32),
    /// The model says which steps are.
    Refused,
    /// Another step that was under way had the same name: any may meet one.
    Met,
}

type NameSteps = [(NameStep, NameTold)];

fn take_name(engine: &Engine, step: &NameStep) -> NameTold {
    let dim_of = |status: TableStatus| status.meta.dim;
    let told = match step {
        NameStep::Create(name, dim) => {
            let options = life::CreateOptions {
                table: name.clone(),
                dim: *dim as usize,
                dtype: crate::vector::Dtype::F32,
                residence: crate::table::meta::Residence::Memory,
                index: IndexChoice::Auto,
                tokenizer: None,
                license: String::new(),
                created_at: 0,
            };
            engine.create(&options).map(dim_of)
        }
        NameStep::Copy(of, name) => engine.copy(of, name).map(dim_of),
        NameStep::Rename(old, name) => engine.rename(old, name).map(dim_of),
        NameStep::Delete(name) => {
            engine.delete(std::slice::from_ref(name)).map(|mut deleted| dim_of(deleted.remove(0)))
        }
        // The table may be another one a moment later: what it was the model knows.
        NameStep::SetAlias(alias, table) => engine.set_alias(alias, table).map(|_| 0),
        NameStep::RemoveAlias(alias) => engine.remove_alias(alias).map(|_| 0),
        NameStep::Ask(name) => engine.table(name).map(dim_of),
    };
    let error = match told {
        Ok(dim) => return NameTold::Dim(dim),
        Err(error) => error,
    };
    if matches!(error.kind(), ErrorKind::Conflict { .. }) {
        return NameTold::Met;
    }
    let is_refused = matches!(
        error.kind(),
        ErrorKind::TableNotFound { .. }
            | ErrorKind::TableExists { .. }
            | ErrorKind::AliasExists { .. }
            | ErrorKind::AliasNotFound { .. }
            | ErrorKind::Unsuited { .. }
    );
    assert!(is_refused, "{step:?}: {error:?}");
    NameTold::Refused
}

/// Whether some order of the steps, in which each thread's are in its own, tells what they told and
/// ends as the engine did.
fn is_explained(model: &NameModel, threads: &[&NameSteps], end: &NameModel) -> bool {
    if threads.iter().all(|steps| steps.is_empty()) {
        return model == end;
    }
    (0..threads.len()).any(|thread| {
        let Some(((step, told), rest)) = threads[thread].split_first() else { return false };
        let mut after = model.clone();
        if *told != NameTold::Met {
            let shows = !matches!(step, NameStep::SetAlias(..) | NameStep::RemoveAlias(_));
            let taken = after.take(step).map_or(NameTold::Refused, NameTold::Dim);
            let are_done = taken != NameTold::Refused && *told != NameTold::Refused;
            if taken != *told && (shows || !are_done) {
                return false;
            }
        }
        let mut threads = threads.to_vec();
        threads[thread] = rest;
        is_explained(&after, &threads, end)
    })
}

#[test]
fn names_that_many_change_at_once_mean_what_some_order_of_the_changes_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = open(folder.path());
    let names = ["a", "b", "c"].map(|name| TableName::try_from(name.to_owned()).unwrap());
    let mut random = crate::vector::random::SplitMix64(2026);
    let mut dim = 0;
    let mut model = NameModel::default();
    for round in 0..60 {
        let mut draw = || {
            let [one, other] = [0; 2].map(|_| names[random.index_below(3)].clone());
            dim += 1;
            match random.index_below(8) {
                0 | 1 => NameStep::Create(one, dim),
                2 => NameStep::Copy(one, other),
                3 => NameStep::Rename(one, other),
                4 => NameStep::Delete(one),
                5 => NameStep::SetAlias(one, other),
                6 => NameStep::RemoveAlias(one),
                _ => NameStep::Ask(one),
            }
        };
        let steps: Vec<Vec<NameStep>> = (0..3).map(|_| (0..2).map(|_| draw()).collect()).collect();
        let told: Vec<Vec<_>> = std::thread::scope(|scope| {
            let take = |steps: &Vec<NameStep>| {
                let (engine, steps) = (engine.clone(), steps.clone());
                scope.spawn(move || {
                    let told = |step: NameStep| {
                        let told = take_name(&engine, &step);
                        (step, told)
                    };
                    steps.into_iter().map(told).collect()
                })
            };
            let threads: Vec<_> = steps.iter().map(take).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let end = NameModel::of(&engine);
        let threads: Vec<_> = told.iter().map(Vec::as_slice).collect();
        assert!(is_explained(&model, &threads, &end), "{round}: {model:?}: {told:?}: {end:?}");
        model = end;
        if round % 20 == 19 {
            engine = reopen(engine, folder.path());
            assert_eq!(NameModel::of(&engine), model, "{round}");
        }
    }
    engine.close();
}

/// An alias is swapped between two tables while many ask: each answer is of one of them alone.
#[test]
fn an_alias_that_is_swapped_under_questions_never_mixes_two_tables() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let named = |name: &str| TableName::try_from(name.to_owned()).unwrap();
    let tables = [named("blue"), named("green")];
    for (table, sign) in tables.iter().zip([1.0, -1.0]) {
        let vector = move |i: u8| vec![sign * (f32::from(i) + 1.0), sign, sign];
        let rows = (0..20).map(move |i| Ok((text(i).into_bytes(), vector(i), Attributes::new())));
        let options = ImportOptions { table: table.clone(), ..options() };
        engine.import(&options, Source::Rows(Box::new(rows)), &mut |_| {}).unwrap();
    }
    let alias = named("live");
    engine.set_alias(&alias, &tables[0]).unwrap();
    let is_over = AtomicBool::new(false);
    let ask_on = || {
        let mut answers = [0; 2];
        while !is_over.load(Ordering::Relaxed) {
            let queries = (0..20).map(|word| WordOrVector::Word(text(word))).collect();
            let query =
                LookupQuery { queries, unit: false, packed: false, words: WordOptions::default() };
            let found = engine.lookup(&Ask { table: alias.clone(), query }).unwrap();
            let of = tables.iter().position(|table| *table == found.of.table).unwrap();
            let sign = [1.0, -1.0][of];
            let vectors = found.answer.vectors.into_iter().flatten();
            let is_of = |found: crate::query::lookup::WordVector| found.vector[1] * sign > 0.0;
            assert!(vectors.into_iter().all(is_of), "{}", found.of.table);
            answers[of] += 1;
        }
        answers
    };
    let answers = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..4).map(|_| scope.spawn(ask_on)).collect();
        for swap in 1..=100 {
            engine.set_alias(&alias, &tables[swap % 2]).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        let answers = askers.into_iter().map(|asker| asker.join().unwrap());
        answers.fold([0, 0], |sum, of| [sum[0] + of[0], sum[1] + of[1]])
    });
    assert!(answers[0] > 0 && answers[1] > 0, "{answers:?}");
    engine.close();
}

/// Rows are added while others write, and while a rebuild takes in what they write.
#[test]
fn rows_are_added_and_what_is_written_meanwhile_is_written_after() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path());
    let mut model = import(&engine, 9);
    put(&engine, &mut model, &[(15, [1, 2, 3])].into(), PutMode::Upsert);
    let writer = engine.clone();
    let vector = |word: u8| vec![f32::from(word), 1.0, 0.0];
    let rows = (20_u8..25).map(move |word| {
        if word == 22 {
            let put = |word: u8, vector| {
                let query = put_query(&[(word, vector)].into(), PutMode::Upsert);
                writer.put(&ask(query)).unwrap();
            };
            put(0, [3, 3, 3]);
            let queries = vec![WordOrVector::Word(text(1))];
            let query = DeleteQuery { queries, oov: OovPolicy::Error };
            writer.delete_words(&ask(query)).unwrap();
            writer.build_index(&name(), None).unwrap();
            wait(&writer);
            put(16, [1, 1, 1]);
        }
        Ok((text(word).into_bytes(), vector(word), Attributes::new()))
    });
    let adding = ImportOptions { if_exists: import::IfExists::Append, ..options() };
    let report = engine.import(&adding, Source::Rows(Box::new(rows)), &mut |_| {}).unwrap();
    assert_eq!((report.rows_read, report.rows_kept), (5, 5));
    let word = |word: u8, vector| Word { text: text(word), vector, attributes: Attributes::new() };
    model.extend((20..25).map(|added| word(added, vector(added))));
    model[0].vector = vec![3.0; 3];
    model.remove(1);
    model.push(word(16, vec![1.0; 3]));
    check(&engine, &model);
    let engine = reopen(engine, folder.path());
    check(&engine, &model);
    engine.build_index(&name(), None).unwrap();
    wait(&engine);
    check(&engine, &model);
    // Another kind of index is kept by every generation from then on.
    engine.build_index(&name(), Some(IndexChoice::Hnsw)).unwrap();
    wait(&engine);
    check(&engine, &model);
    let engine = reopen(engine, folder.path());
    let query = put_query(&[(16, [0, 1, 0])].into(), PutMode::Upsert);
    engine.put(&ask(query)).unwrap();
    model.last_mut().unwrap().vector = vec![0.0, 1.0, 0.0];
    engine.build_index(&name(), None).unwrap();
    wait(&engine);
    check(&engine, &model);
    assert_eq!(engine.table(&name()).unwrap().meta.index, IndexChoice::Hnsw);
    engine.close();
}
