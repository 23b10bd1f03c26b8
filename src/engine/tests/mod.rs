//! Random histories of a table against a model that is a plain list.

mod names;
mod rebuilds;

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
use crate::query::lookup::{Layout, LookupQuery};
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
    let query = LookupQuery {
        queries: every.collect(),
        unit: false,
        layout: Layout::default(),
        words: options,
    };
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
