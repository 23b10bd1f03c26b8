//! Publishing and following: what readers see, what a crash or a fault at any step leaves, who may publish,
//! and what is told of damage.

mod asked;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tempfile::TempDir;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use wordspace::client::{CallError, Client};
use wordspace::engine::arrange::ArrangeQuery;
use wordspace::engine::config::EngineConfig;
use wordspace::engine::follow::Following;
use wordspace::engine::import::{IfExists, ImportOptions, Source};
use wordspace::engine::publish::Publishing;
use wordspace::engine::recover::{Which, recover};
use wordspace::engine::write::{DeleteQuery, PutMode, PutQuery, PutWord};
use wordspace::engine::{Ask, Engine, IndexState, Least};
use wordspace::error::{Error, ErrorKind, Result};
use wordspace::proto as pb;
use wordspace::proto::put_vectors_request::WordToPut;
use wordspace::query::map::{MapLayout, MapQuery};
use wordspace::query::nearest::NearestQuery;
use wordspace::query::{OovPolicy, WordOrVector};
use wordspace::server::{Replication, ServerConfig};
use wordspace::store::backup::{Held, Target, Version, open};
use wordspace::table::attributes::Attributes;
use wordspace::table::meta::TableName;

use crate::support::{SMALL, Server, header, import, reason, word};
use crate::told;

fn name(table: &str) -> TableName {
    TableName::try_from(table.to_owned()).unwrap()
}

fn writer_on(folder: &Path) -> Engine {
    Engine::open(&EngineConfig { index_threads: 1, ..EngineConfig::new(folder) }).unwrap()
}

fn reader_on(folder: &Path, follow_cache: Option<u64>) -> Engine {
    let config =
        EngineConfig { index_threads: 1, follows: true, follow_cache, ..EngineConfig::new(folder) };
    Engine::open(&config).unwrap()
}

fn fill(engine: &Engine, table: &str, words: std::ops::Range<u16>) {
    let value = |word: u16, axis: u32| {
        let mixed = u32::from(word).wrapping_mul(2_654_435_761).rotate_left(axis * 4);
        f32::from(u16::try_from(mixed % 101).unwrap()) - 50.0
    };
    let row = move |word: u16| {
        let vector = (0..8).map(|axis| value(word, axis)).collect();
        Ok((format!("w{word}").into_bytes(), vector, Attributes::new()))
    };
    let options = ImportOptions { if_exists: IfExists::Replace, ..ImportOptions::new(name(table)) };
    let rows = Source::Rows(Box::new(words.map(row)));
    engine.import(&options, rows, &mut |_| {}).unwrap();
}

fn put(engine: &Engine, table: &str, word: &str, value: f32) -> Least {
    let word = PutWord {
        word: word.as_bytes().to_vec(),
        vector: (0..8).map(|axis: u8| value + f32::from(axis)).collect(),
        attributes: Attributes::new(),
    };
    let query = PutQuery { words: vec![word], mode: PutMode::Upsert };
    let done = engine.put(&Ask { table: name(table), query }).unwrap();
    Least { generation: done.generation, sequence: done.sequence }
}

fn remove(engine: &Engine, table: &str, word: &str) {
    let queries = vec![WordOrVector::Word(word.to_owned())];
    let query = DeleteQuery { queries, oov: OovPolicy::Error };
    engine.delete_words(&Ask { table: name(table), query }).unwrap();
}

/// What a caller can see of an engine: of each table its state, its rows, and what is near to some vectors.
fn seen(engine: &Engine) -> BTreeMap<String, String> {
    let vectors = [[1.0; 8], [9.0, -7.0, 3.0, 0.0, 1.0, -2.0, 4.0, 5.0]];
    let tables = engine.tables().into_iter().map(|status| {
        let near = vectors.map(|vector| {
            let query = NearestQuery::new(vec![WordOrVector::Vector(vector.to_vec())], 12);
            let table = status.meta.name.clone();
            let answer = engine.nearest(&Ask { table, query }).unwrap();
            let near = answer.answer.neighbors.into_iter();
            let near: Vec<_> = near.map(|near| (near.row, near.word, near.similarity)).collect();
            (answer.of.generation, answer.of.sequence, near)
        });
        let small = status.meta.row_count < 1_000;
        let rows = small.then(|| told::table(engine, &status.meta.name).unwrap());
        (status.meta.name.to_string(), format!("{near:?} {:?} {rows:?}", status.aliases))
    });
    tables.collect()
}

/// Faults of a place that its readers and writers meet.
#[derive(Debug, Default)]
struct Faults {
    /// Changes so far.
    changes: usize,
    /// Which of them fails, and whether it is made all the same.
    fails: Option<(usize, bool)>,
    is_down: bool,
    /// Of every part that is read, only so many bytes arrive.
    cut: Option<u64>,
}

/// What is done whenever a part is read, before it is.
struct Meanwhile(Box<dyn FnMut(&str) + Send>);

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meanwhile").finish_non_exhaustive()
    }
}

/// A place with faults.
#[derive(Clone, Debug)]
struct Place {
    inner: Arc<dyn Target>,
    faults: Arc<Mutex<Faults>>,
    meanwhile: Arc<Mutex<Option<Meanwhile>>>,
}

impl Place {
    fn new(folder: &Path) -> Self {
        let inner = open(folder.to_str().unwrap()).unwrap().into();
        Self { inner, faults: Arc::default(), meanwhile: Arc::default() }
    }

    fn meanwhile(&self, act: impl FnMut(&str) + Send + 'static) {
        *self.meanwhile.lock() = Some(Meanwhile(Box::new(act)));
    }

    fn boxed(&self) -> Box<dyn Target> {
        Box::new(self.clone())
    }

    fn reach(&self) -> Result<()> {
        if self.faults.lock().is_down { Err(Error::new(ErrorKind::Storage)) } else { Ok(()) }
    }

    fn change<T>(&self, make: impl FnOnce() -> Result<T>) -> Result<T> {
        self.reach()?;
        let mut faults = self.faults.lock();
        let number = faults.changes;
        faults.changes += 1;
        match faults.fails {
            Some((fails, is_made)) if fails == number => {
                drop(faults);
                if is_made {
                    make()?;
                }
                Err(Error::new(ErrorKind::Storage))
            }
            Some(_) | None => {
                drop(faults);
                make()
            }
        }
    }
}

impl Target for Place {
    fn put(&self, name: &str, source: &mut dyn Read) -> Result<()> {
        self.change(|| self.inner.put(name, source))
    }

    fn get(&self, name: &str) -> Result<Option<Box<dyn Read + Send>>> {
        self.reach()?;
        // What it does may read parts itself.
        let meanwhile = self.meanwhile.lock().take_if(|_| name.starts_with("parts/"));
        if let Some(mut meanwhile) = meanwhile {
            (meanwhile.0)(name);
            self.meanwhile.lock().get_or_insert(meanwhile);
        }
        let cut = self.faults.lock().cut;
        let found = self.inner.get(name)?;
        Ok(match cut {
            Some(bytes) => found.map(|found| Box::new(found.take(bytes)) as Box<dyn Read + Send>),
            None => found,
        })
    }

    fn list(&self, prefix: &str) -> Result<BTreeMap<String, u64>> {
        self.reach()?;
        self.inner.list(prefix)
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.change(|| self.inner.remove(name))
    }

    fn held(&self, name: &str) -> Result<Option<Held>> {
        self.reach()?;
        self.inner.held(name)
    }

    fn swap(&self, name: &str, before: Option<&Version>, bytes: &[u8]) -> Result<Option<Version>> {
        self.change(|| self.inner.swap(name, before, bytes))
    }
}

/// A writer and a place where it publishes.
struct Story {
    folders: [TempDir; 2],
    place: Place,
    writer: Engine,
    publishing: Publishing,
}

impl Story {
    fn begin() -> Self {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let (writer, place) = (writer_on(folders[0].path()), Place::new(folders[1].path()));
        let publishing = writer.publishing(place.boxed(), "http://writer").unwrap();
        Self { folders, place, writer, publishing }
    }

    fn publish(&mut self) -> bool {
        let published = self.publishing.step(Instant::now()).unwrap();
        assert_eq!(published.problems, [""; 0]);
        published.is_new
    }

    fn end(self) {
        drop(self.publishing);
        self.writer.close();
    }

    fn place(&self) -> PathBuf {
        self.folders[1].path().to_path_buf()
    }
}

/// A reader, and what it follows.
struct Reader {
    folder: TempDir,
    engine: Engine,
    following: Following,
    /// Bytes that the tables here may have, where they come when they are asked.
    cache: Option<u64>,
}

impl Reader {
    fn of(place: &Place) -> Self {
        Self::on(tempfile::tempdir().unwrap(), place, None)
    }

    fn on(folder: TempDir, place: &Place, cache: Option<u64>) -> Self {
        let engine = reader_on(folder.path(), cache);
        let following = engine.following(place.boxed()).unwrap();
        Self { folder, engine, following, cache }
    }

    fn follow(&mut self) {
        let followed = self.following.step(Instant::now()).unwrap();
        assert_eq!(followed.problems, [""; 0]);
    }

    fn restart(self, place: &Place) -> Self {
        drop(self.following);
        self.engine.close();
        Self::on(self.folder, place, self.cache)
    }

    fn end(self) {
        drop(self.following);
        self.engine.close();
    }

    fn is_ready(&self) -> bool {
        self.engine.replica(Instant::now()).unwrap().is_ready
    }
}

#[test]
fn readers_answer_as_the_writer_did_when_it_published() {
    let mut story = Story::begin();
    let mut reader = Reader::of(&story.place);
    let error = reader.following.step(Instant::now()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsuited { .. }), "{error:?}");
    assert!(!reader.is_ready(), "nothing is published yet");
    assert_eq!(reader.engine.problems(), ["following: nothing is published there yet"]);

    assert!(story.publish());
    reader.follow();
    assert!(reader.is_ready(), "no tables are what is published");
    fill(&story.writer, "en", 0..40);
    fill(&story.writer, "de", 5..20);
    story.writer.set_alias(&name("live"), &name("en")).unwrap();
    put(&story.writer, "en", "new", 3.0);
    assert!(story.publish());
    assert!(!story.publish(), "nothing changed");
    reader.follow();
    assert_eq!(seen(&reader.engine), seen(&story.writer));
    assert_eq!(seen(&reader.engine).len(), 2);

    // One write after the other, in parts that are put together, and read by one who missed some of them.
    let mut other = Reader::of(&story.place);
    other.follow();
    for i in 0..40_u8 {
        let least = put(&story.writer, "en", &format!("x{}", i % 7), f32::from(i));
        assert!(!reader.engine.has_reached(&name("live"), least));
        assert!(story.publish());
        reader.follow();
        assert!(reader.engine.has_reached(&name("live"), least));
        if i % 3 == 0 {
            remove(&story.writer, "en", &format!("x{}", i % 7));
        }
        if i % 5 == 0 {
            assert_eq!(seen(&reader.engine).len(), seen(&other.engine).len());
            story.publish();
            other.follow();
            assert_eq!(seen(&other.engine), seen(&story.writer));
        }
    }
    story.publish();
    for reader in [&mut reader, &mut other] {
        reader.follow();
        assert_eq!(seen(&reader.engine), seen(&story.writer));
    }

    // Tables come, go, are replaced, and change their names, two of them at once.
    fill(&story.writer, "fr", 0..3);
    story.writer.rename(&name("de"), &name("nl")).unwrap();
    story.writer.rename(&name("en"), &name("de")).unwrap();
    fill(&story.writer, "nl", 1..9);
    story.publish();
    reader.follow();
    assert_eq!(seen(&reader.engine), seen(&story.writer));
    story.writer.remove_alias(&name("live")).unwrap();
    story.writer.delete(&[name("de")]).unwrap();
    story.writer.rename(&name("nl"), &name("en")).unwrap();
    story.writer.set_alias(&name("de"), &name("fr")).unwrap();
    story.publish();
    reader.follow();
    assert_eq!(seen(&reader.engine), seen(&story.writer));

    // After a restart it answers before it has reached the place, and as long as that is gone.
    let before = seen(&reader.engine);
    story.place.faults.lock().is_down = true;
    let mut reader = reader.restart(&story.place);
    assert!(reader.is_ready());
    assert_eq!(seen(&reader.engine), before);
    reader.following.step(Instant::now()).unwrap_err();
    let told = reader.engine.problems().join("; ");
    assert!(told.contains("following"), "{told}");
    let query = NearestQuery::new(vec![WordOrVector::Vector(vec![1.0; 8])], 1);
    let old = reader.engine.nearest(&Ask { table: name("en"), query }).unwrap().of.age.unwrap();
    assert!(old < Duration::from_hours(1), "by the other process's clock: {old:?}");
    put(&story.writer, "en", "late", 1.0);
    story.publishing.step(Instant::now()).unwrap_err();
    assert_eq!(seen(&reader.engine), before);
    let later = Instant::now() + Duration::from_secs(90);
    story.place.faults.lock().is_down = false;
    story.publish();
    reader.follow();
    assert_eq!(seen(&reader.engine), seen(&story.writer));
    assert_eq!(reader.engine.problems(), [""; 0]);
    let age = reader.engine.replica(later).unwrap().age.unwrap();
    assert!(age <= Duration::from_secs(90) && age > Duration::from_secs(10), "{age:?}");

    let query = PutQuery { words: Vec::new(), mode: PutMode::Upsert };
    let error = reader.engine.put(&Ask { table: name("en"), query }).unwrap_err();
    assert!(error.to_string().contains("write to http://writer"), "{error}");
    // A folder with tables of its own follows nobody.
    let error = story.writer.following(story.place.boxed()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsuited { .. }), "{error:?}");
    [reader, other].into_iter().for_each(Reader::end);
    story.end();
}

#[test]
fn questions_go_on_while_generations_are_swapped_and_never_go_back() {
    let mut story = Story::begin();
    let mut reader = Reader::of(&story.place);
    fill(&story.writer, "en", 0..20);
    story.publish();
    reader.follow();
    let (engine, is_over) = (reader.engine.clone(), AtomicBool::new(false));
    let asked = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let (mut asked, mut last) = (0, (0, 0));
            while !is_over.load(Ordering::Relaxed) {
                let query = NearestQuery::new(vec![WordOrVector::Vector(vec![1.0; 8])], 100);
                let answer = engine.nearest(&Ask { table: name("en"), query }).unwrap();
                let at = (answer.of.generation, answer.of.sequence);
                assert!(at >= last, "{at:?} after {last:?}");
                // Each generation has 20 words, and each write adds one.
                assert_eq!(answer.answer.neighbors.len() as u64, 20 + answer.of.sequence, "{at:?}");
                (asked, last) = (asked + 1, at);
            }
            asked
        });
        for round in 1..12 {
            fill(&story.writer, "en", round..round + 20);
            for word in ["a", "b", "c"] {
                put(&story.writer, "en", word, f32::from(round));
                if round % 2 == 0 {
                    story.publish();
                    reader.follow();
                }
            }
            story.publish();
            reader.follow();
        }
        is_over.store(true, Ordering::Relaxed);
        asking.join().unwrap()
    });
    assert!(asked > 0);
    assert_eq!(seen(&reader.engine), seen(&story.writer));
    drop(engine);
    reader.end();
    story.end();
}

#[test]
fn an_index_is_built_once_and_follows_its_table() {
    let mut story = Story::begin();
    let mut reader = Reader::of(&story.place);
    fill(&story.writer, "en", 0..10_001);
    story.publish();
    reader.follow();
    let state = |engine: &Engine| engine.table(&name("en")).unwrap().index.state;
    until(|| state(&story.writer) == IndexState::Ready);
    story.publish();
    reader.follow();
    assert_eq!(state(&reader.engine), IndexState::Ready);
    assert_eq!(seen(&reader.engine), seen(&story.writer));
    let mut late = Reader::of(&story.place);
    late.follow();
    assert_eq!(state(&late.engine), IndexState::Ready);
    let late = late.restart(&story.place);
    assert_eq!(state(&late.engine), IndexState::Ready);
    assert_eq!(seen(&late.engine), seen(&story.writer));

    // One that brings it when it is asked has the rows first, too.
    let mut asked = Reader::on(tempfile::tempdir().unwrap(), &story.place, Some(u64::MAX));
    asked.follow();
    assert!(asked.engine.is_on_its_way(&name("en")));
    assert!(state(&asked.engine) != IndexState::Ready);
    asked.follow();
    assert_eq!(state(&asked.engine), IndexState::Ready);
    assert_eq!(seen(&asked.engine), seen(&story.writer));
    asked.end();

    [reader, late].into_iter().for_each(Reader::end);
    story.end();
}

#[test]
fn a_rebuild_takes_writes_into_rows_that_readers_go_on_with() {
    let mut story = Story::begin();
    let [mut reader, mut slow] = [(); 2].map(|()| Reader::of(&story.place));
    fill(&story.writer, "en", 0..40);
    let generation = |engine: &Engine| engine.table(&name("en")).unwrap().meta.generation;
    for round in 0..4_u8 {
        for word in 0..5 {
            put(&story.writer, "en", &format!("x{word}"), f32::from(round));
            story.publish();
            reader.follow();
        }
        if round % 2 == 0 {
            slow.follow();
        }
        let before = generation(&story.writer);
        story.writer.build_index(&name("en"), None).unwrap();
        until(|| generation(&story.writer) > before);
        // Some of what the reader has stands in the new rows, and some is newer than what it has.
        if round > 0 {
            put(&story.writer, "en", "newer", f32::from(round));
        }
        story.publish();
        reader.follow();
        assert_eq!(seen(&reader.engine), seen(&story.writer));
        assert_eq!(generation(&reader.engine), generation(&story.writer));
    }
    slow.follow();
    assert_eq!(seen(&slow.engine), seen(&story.writer));
    let reader = reader.restart(&story.place);
    assert_eq!(seen(&reader.engine), seen(&story.writer));
    [reader, slow].into_iter().for_each(Reader::end);
    story.end();
}

/// Waits for what is done in the background.
fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_fault_at_any_step_leaves_the_last_publication_whole() {
    for is_made in [false, true] {
        for is_crash in [false, true] {
            let mut at = 0;
            loop {
                let mut story = Story::begin();
                fill(&story.writer, "en", 0..9);
                fill(&story.writer, "de", 3..7);
                story.publish();
                let mut reader = Reader::of(&story.place);
                reader.follow();
                let before = seen(&reader.engine);

                fill(&story.writer, "en", 2..12);
                put(&story.writer, "de", "new", 5.0);
                let after = seen(&story.writer);
                *story.place.faults.lock() =
                    Faults { fails: Some((at, is_made)), ..Faults::default() };
                let outcome = story.publishing.step(Instant::now());
                let is_over = story.place.faults.lock().changes <= at;
                reader.follow();
                let then = seen(&reader.engine);
                assert!(then == before || then == after, "step {at}");
                assert!(outcome.is_err() || then == after, "step {at}");
                // An empty reader sees what the other one does.
                let mut empty = Reader::of(&story.place);
                empty.follow();
                assert_eq!(seen(&empty.engine), then, "step {at}");

                story.place.faults.lock().fails = None;
                if is_crash {
                    story.publishing =
                        story.writer.publishing(story.place.boxed(), "http://writer").unwrap();
                }
                story.publish();
                for mut reader in [reader, empty] {
                    reader.follow();
                    assert_eq!(seen(&reader.engine), after, "step {at}");
                    reader.end();
                }
                story.end();
                if is_over {
                    assert!(at >= 5, "parts, writes, the publication, and the swap");
                    break;
                }
                at += 1;
            }
        }
    }
}

/// Copies a folder with all below it.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn of_two_writers_one_wins_and_nothing_is_mixed() {
    let [first, second, shared] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let place = Place::new(shared.path());
    let a = writer_on(first.path());
    fill(&a, "en", 0..9);
    a.publishing(place.boxed(), "http://a").unwrap().step(Instant::now()).unwrap();
    a.close();
    copy(first.path(), second.path());
    let (a, b) = (writer_on(first.path()), writer_on(second.path()));
    let mut of_a = a.publishing(place.boxed(), "http://a").unwrap();
    let mut of_b = b.publishing(place.boxed(), "http://b").unwrap();
    assert_eq!(of_a.step(Instant::now()).unwrap().epoch, 2);
    put(&a, "en", "from-a", 1.0);
    assert_eq!(of_b.step(Instant::now()).unwrap().epoch, 3);
    put(&b, "en", "from-b", 2.0);
    for _ in 0..2 {
        let error = of_a.step(Instant::now()).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Superseded { epoch: 3 });
    }
    let query = PutQuery { words: Vec::new(), mode: PutMode::Upsert };
    let error = a.put(&Ask { table: name("en"), query }).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Superseded { epoch: 3 });
    assert!(of_b.step(Instant::now()).unwrap().is_new);
    let mut reader = Reader::of(&place);
    reader.follow();
    assert_eq!(seen(&reader.engine), seen(&b));
    drop(of_a);
    a.close();

    // The first one has something else under the number of the other's write.
    let a = writer_on(first.path());
    let error = a.publishing(place.boxed(), "").unwrap().step(Instant::now()).unwrap_err();
    assert!(error.to_string().contains("a copy of this data folder"), "{error}");
    fill(&b, "de", 0..3);
    assert!(of_b.step(Instant::now()).is_ok_and(|published| published.is_new));
    // Nor may another folder publish there, or a backup share the place.
    let strange = tempfile::tempdir().unwrap();
    let other = writer_on(strange.path());
    let error = other.publishing(place.boxed(), "").unwrap().step(Instant::now()).unwrap_err();
    assert!(error.to_string().contains("another data folder"), "{error}");
    assert!(!of_b.step(Instant::now()).unwrap().is_new, "nobody took its epoch");
    reader.follow();
    assert_eq!(seen(&reader.engine), seen(&b));
    reader.end();
    drop(of_b);
    [a, b, other].into_iter().for_each(Engine::close);
}

#[test]
fn of_all_who_swap_at_once_one_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let add = |target: &dyn Target| {
        let held = target.held("number").unwrap();
        let number = held.as_ref().map_or(0, |held| {
            String::from_utf8(held.bytes.clone()).unwrap().parse::<u32>().unwrap()
        });
        let before = held.map(|held| held.version);
        let next = (number + 1).to_string();
        target.swap("number", before.as_ref(), next.as_bytes()).unwrap().is_some()
    };
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let target = open(folder.path().to_str().unwrap()).unwrap();
                let mut left = 20;
                while left > 0 {
                    left -= u32::from(add(&*target));
                }
            });
        }
    });
    let target = open(folder.path().to_str().unwrap()).unwrap();
    let held = target.held("number").unwrap().unwrap();
    // Whoever is told that it lost may have won and been followed by another at once.
    let counted: u32 = String::from_utf8(held.bytes).unwrap().parse().unwrap();
    assert!(counted >= 120, "{counted}: no success was lost");
    assert_eq!(target.swap("number", None, b"0").unwrap(), None);
    assert_eq!(
        target
            .swap("number", Some(&Version { tag: None, number: Some("3".to_owned()) }), b"0")
            .unwrap(),
        None
    );
}

fn parts(place: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in fs::read_dir(place.join("parts")).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            found.push(file.unwrap().path());
        }
    }
    found.sort();
    found
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files that are meant to be damaged")]
fn damage_is_told_by_name_and_what_was_there_goes_on() {
    let mut story = Story::begin();
    fill(&story.writer, "en", 0..9);
    story.publish();
    let mut reader = Reader::of(&story.place);
    reader.follow();
    let old = seen(&reader.engine);
    let known = parts(&story.place());
    fill(&story.writer, "en", 4..20);
    fill(&story.writer, "de", 0..5);
    put(&story.writer, "en", "new", 1.0);
    story.publish();
    let new: Vec<PathBuf> =
        parts(&story.place()).into_iter().filter(|path| !known.contains(path)).collect();
    assert!(new.len() >= 5, "{new:?}");
    let mut now = Instant::now();
    let (mut of_en, mut of_de) = (0, 0);
    for path in &new {
        let whole = fs::read(path).unwrap();
        for damaged in
            [None, Some(&whole[..whole.len() / 2]), Some(&[&whole[..], b"x"].concat()[..])]
        {
            match damaged {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
            let mut cold = Reader::of(&story.place);
            let told = cold.following.step(now).unwrap().problems.join("; ");
            assert!(told.contains("table \"en\"") || told.contains("table \"de\""), "{told}");
            assert_eq!(damaged.is_none(), told.contains("is missing"), "{told}");
            let answers = seen(&cold.engine);
            (of_en, of_de) =
                if told.contains("\"en\"") { (of_en + 1, of_de) } else { (of_en, of_de + 1) };
            assert!(answers.values().all(|answer| !answer.is_empty()));
            fs::write(path, &whole).unwrap();
            // Nothing else changes there: it is looked at again after a while.
            assert!(!cold.following.step(now).unwrap().problems.is_empty());
            now += Duration::from_secs(31);
            assert_eq!(cold.following.step(now).unwrap().problems, [""; 0]);
            assert_eq!(seen(&cold.engine), seen(&story.writer));
            cold.end();
        }
    }
    assert!(of_en > 0 && of_de > 0);

    // A reader that has the table as it was goes on with that, and every transfer that ends early is refused.
    story.place.faults.lock().cut = Some(600);
    let told = reader.following.step(now).unwrap().problems;
    assert!(!told.is_empty());
    assert_eq!(seen(&reader.engine)["en"], old["en"]);
    story.place.faults.lock().cut = None;
    now += Duration::from_secs(31);
    assert_eq!(reader.following.step(now).unwrap().problems, [""; 0]);
    assert_eq!(seen(&reader.engine), seen(&story.writer));

    // What CURRENT and the publication say is compared, too.
    let held = story.place.held("CURRENT").unwrap().unwrap();
    let mut bytes = held.bytes.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    story.place.swap("CURRENT", Some(&held.version), &bytes).unwrap().unwrap();
    let error = reader.following.step(now).unwrap_err();
    assert!(error.to_string().contains("CURRENT"), "{error}");
    assert_eq!(seen(&reader.engine), seen(&story.writer));
    reader.end();
    story.end();
}

#[test]
fn what_nobody_needs_goes_after_a_while_and_what_is_needed_stays() {
    let mut story = Story::begin();
    let mut now = Instant::now();
    for round in 0..5 {
        fill(&story.writer, "en", round..round + 9);
        put(&story.writer, "en", "new", f32::from(round));
        assert!(story.publishing.step(now).unwrap().is_new);
        now += Duration::from_secs(1);
    }
    let before = parts(&story.place()).len();
    let mut slow = Reader::of(&story.place);
    now += Duration::from_mins(11);
    assert!(!story.publishing.step(now).unwrap().is_new);
    let after = parts(&story.place()).len();
    assert!(after * 4 <= before, "{after} of {before}");
    slow.follow();
    assert_eq!(seen(&slow.engine), seen(&story.writer));

    // A crash between two parts leaves one, and the next process uses it.
    fill(&story.writer, "big", 0..300);
    story.place.put("parts/00/stray", &mut Cursor::new(b"stray")).unwrap();
    let known = parts(&story.place());
    let changes = story.place.faults.lock().changes;
    story.place.faults.lock().fails = Some((changes + 1, false));
    story.publishing.step(now).unwrap_err();
    story.place.faults.lock().fails = None;
    let there = parts(&story.place());
    assert_eq!(there.len(), known.len() + 1);
    story.publishing = story.writer.publishing(story.place.boxed(), "").unwrap();
    let published = story.publishing.step(now).unwrap();
    let new = parts(&story.place()).into_iter().filter(|path| !there.contains(path));
    let new: u64 = new.map(|path| path.metadata().unwrap().len()).sum();
    assert!(published.is_new && new > 0);
    assert_eq!(published.new_bytes, new, "what is there is not put again");
    now += Duration::from_mins(11);
    story.publishing.step(now).unwrap();
    let left = parts(&story.place());
    assert!(left.iter().all(|path| !path.ends_with("stray")), "{left:?}");
    let mut reader = Reader::of(&story.place);
    reader.follow();
    assert_eq!(seen(&reader.engine), seen(&story.writer));
    [slow, reader].into_iter().for_each(Reader::end);
    story.end();
}

fn put_request(word: &str) -> pb::PutVectorsRequest {
    let word = WordToPut {
        word: word.to_owned(),
        vector: Some(pb::Vector { values: vec![1.0, 2.0, 3.0], ..Default::default() }),
        ..WordToPut::default()
    };
    pb::PutVectorsRequest { table: "en".to_owned(), words: vec![word], ..Default::default() }
}

fn follow(location: &str) -> Replication {
    let (location, every) = (location.to_owned(), Duration::from_millis(10));
    Replication::Follow { location, every, rate: None, cache: None }
}

fn publish(location: &str, every: Duration, at_once: u64) -> Replication {
    let location = location.to_owned();
    Replication::Publish { location, address: None, every, at_once, rate: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_follows_shows_a_write_to_whoever_waits_for_it() {
    let place = tempfile::tempdir().unwrap();
    let location = place.path().to_str().unwrap();
    let follow = follow(location);
    let reader =
        Server::start_with(|config| ServerConfig { replication: Some(follow), ..config }).await;
    let mut health = HealthClient::new(reader.channel().await);
    let ask = HealthCheckRequest { service: "wordspace.v1.SearchService".to_owned() };
    let mut watch = health.watch(ask).await.unwrap().into_inner();
    let first = watch.message().await.unwrap().unwrap().status();
    assert_eq!(first, ServingStatus::NotServing, "it has brought nothing yet");

    let publish = publish(location, Duration::from_millis(10), 0);
    let writer =
        Server::start_with(|config| ServerConfig { replication: Some(publish), ..config }).await;
    import(&writer.channel().await, header("en"), SMALL.as_bytes()).await.unwrap();
    while watch.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}

    let (to, from) = (Client::connect(&writer.url).await.unwrap(), &reader.url);
    let from = Client::connect(from).await.unwrap();
    for round in 0..5 {
        let named = format!("word{round}");
        let done = to.put_vectors(put_request(&named)).await.unwrap();
        let lookup = pb::LookupRequest {
            table: "en".to_owned(),
            queries: vec![word(&named)],
            ..pb::LookupRequest::default()
        };
        let least = from.at_least(done.generation, done.sequence);
        let found = least.lookup(lookup).await.unwrap();
        assert_eq!(found.vectors.len(), 1, "its own write is seen");
        let age = found.answer.unwrap().age_seconds.unwrap();
        assert!((0.0..60.0).contains(&age), "{age}");
    }
    let mine = pb::LookupRequest { table: "en".to_owned(), ..pb::LookupRequest::default() };
    let mine = to.lookup(pb::LookupRequest { queries: vec![word("word0")], ..mine }).await.unwrap();
    assert_eq!(mine.answer.unwrap().age_seconds, None, "nothing is newer than the writer's");
    let mut tables = pb::table_service_client::TableServiceClient::new(reader.channel().await);
    let refused = tables.put_vectors(put_request("no")).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "UNSUITED_TABLE".to_owned()));
    assert!(refused.message().contains(&writer.url), "{refused:?}");
    let refused = import(&reader.channel().await, header("de"), SMALL.as_bytes()).await;
    assert_eq!(refused.unwrap_err().code(), Code::FailedPrecondition);
    // What was never written is waited for in vain.
    let behind = tables.list_words(at_least("99")).await.unwrap_err();
    assert_eq!(reason(&behind), (Code::Aborted, "TABLE_BEHIND".to_owned()));
    writer.stop().await;
    let seen = from.get_status(pb::GetStatusRequest {}).await.unwrap();
    assert_eq!(seen.table_count, 1, "it goes on without the writer");
    let replica = seen.replica.unwrap();
    assert_eq!((replica.role(), replica.ready), (pb::replica::Role::Reader, true));
    assert!(replica.publication > 1 && replica.age_seconds.unwrap() < 60.0, "{replica:?}");
    assert_eq!(replica.problem, "");
    drop((watch, health, tables));
    reader.stop().await;
}

fn at_least(sequence: &str) -> tonic::Request<pb::ListWordsRequest> {
    let listing = pb::ListWordsRequest { table: "en".to_owned(), ..Default::default() };
    let mut request = tonic::Request::new(listing);
    request.metadata_mut().insert("wordspace-min-sequence", sequence.parse().unwrap());
    request.set_timeout(Duration::from_millis(400));
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn many_words_are_published_at_once_and_what_is_left_when_the_writer_closes() {
    let place = tempfile::tempdir().unwrap();
    let location = place.path().to_str().unwrap();
    let hour = Duration::from_hours(1);
    let publish = publish(location, hour, 5);
    let writer =
        Server::start_with(|config| ServerConfig { replication: Some(publish), ..config }).await;
    import(&writer.channel().await, header("en"), SMALL.as_bytes()).await.unwrap();
    let to = Client::connect(&writer.url).await.unwrap();
    let put = |words: &[&str]| {
        let mut request = put_request(words[0]);
        request.words = words.iter().flat_map(|word| put_request(word).words).collect();
        to.put_vectors(request)
    };
    put(&["a", "b", "c"]).await.unwrap();
    let many = put(&["d", "e"]).await.unwrap();
    let follow = follow(location);
    let reader =
        Server::start_with(|config| ServerConfig { replication: Some(follow), ..config }).await;
    let from = Client::connect(&reader.url).await.unwrap();
    let shows = async |least: (u64, u64), name: &str| {
        loop {
            let queries = vec![word(name)];
            let lookup =
                pb::LookupRequest { table: "en".to_owned(), queries, ..Default::default() };
            match from.at_least(least.0, least.1).lookup(lookup).await {
                Ok(found) => return found.vectors.len(),
                // Nothing was published when it began, and a busy machine is slow.
                Err(error) => assert!(
                    error.to_string().contains("en"),
                    "it has not come yet, and that is all: {error}"
                ),
            }
        }
    };
    assert_eq!(shows((many.generation, many.sequence), "e").await, 1);
    let last = put(&["last"]).await.unwrap();
    writer.stop().await;
    assert_eq!(shows((last.generation, last.sequence), "last").await, 1);
    reader.stop().await;
}

fn is_to_be_tried_again(error: &CallError) -> bool {
    let told = error.to_string();
    told.contains("has not reached") || told.contains("too many calls at once")
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_who_wait_for_a_write_take_no_thread_and_keep_nobody() {
    const WAITING: usize = 200;
    let place = tempfile::tempdir().unwrap();
    let location = place.path().to_str().unwrap();
    let publish = publish(location, Duration::from_millis(10), 0);
    let writer =
        Server::start_with(|config| ServerConfig { replication: Some(publish), ..config }).await;
    import(&writer.channel().await, header("en"), SMALL.as_bytes()).await.unwrap();
    let to = Client::connect(&writer.url).await.unwrap();
    let first = to.put_vectors(put_request("first")).await.unwrap();
    let follow = follow(location);
    let reader =
        Server::start_with(|config| ServerConfig { replication: Some(follow), ..config }).await;
    let lookup = |name: &str| {
        let queries = vec![word(name)];
        pb::LookupRequest { table: "en".to_owned(), queries, ..Default::default() }
    };
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(Client::connect(&reader.url).await.unwrap());
    }
    while clients[0].lookup(lookup("first")).await.is_err() {}

    let mut waiting = tokio::task::JoinSet::new();
    for i in 0..WAITING {
        let client = clients[i % clients.len()].clone();
        let (least, lookup) =
            (client.at_least(first.generation, first.sequence + 1), lookup("next"));
        waiting.spawn(async move {
            let mut refused = 0;
            loop {
                match least.lookup(lookup.clone()).await {
                    Ok(found) => return (refused, found.vectors.len()),
                    // A busy machine takes longer than they wait, and not all have room at once.
                    Err(error) => assert!(is_to_be_tried_again(&error), "{error}"),
                }
                refused += 1;
            }
        });
    }
    let status = async || clients[0].get_status(pb::GetStatusRequest {}).await.unwrap();
    let mut told = status().await;
    while usize::try_from(told.call_count).unwrap() < WAITING {
        told = status().await;
    }
    // Nobody who waits is in front of anybody who asks.
    assert!(told.lanes.iter().all(|lane| lane.waiting_count == 0), "{:?}", told.lanes);
    let mut answered = 0;
    while answered < 50 {
        match clients[1].lookup(lookup("first")).await {
            Ok(found) => answered += found.vectors.len(),
            // Those whose time is over come at once.
            Err(error) => assert!(is_to_be_tried_again(&error), "{error}"),
        }
    }
    assert!(waiting.len() == WAITING, "all of them still wait");
    to.put_vectors(put_request("next")).await.unwrap();
    let mut refused = 0;
    while let Some(done) = waiting.join_next().await {
        let (times, found) = done.unwrap();
        assert_eq!(found, 1);
        refused += times;
    }
    assert!(refused < 20 * WAITING, "{refused}");
    drop(clients);
    reader.stop().await;
    writer.stop().await;
}

#[test]
fn a_cold_reader_answers_exactly_before_its_index_is_there_and_new_writes_go_first() {
    let mut story = Story::begin();
    fill(&story.writer, "en", 0..10_001);
    fill(&story.writer, "de", 0..9);
    let state = |engine: &Engine| engine.table(&name("en")).unwrap().index.state;
    until(|| state(&story.writer) == IndexState::Ready);
    story.publish();
    let mut reader = Reader::of(&story.place);
    let told = Arc::new(Mutex::new(Vec::new()));
    let (engine, writer, mut publishing) =
        (reader.engine.clone(), story.writer.clone(), Some(story.publishing));
    let (tell, mut least) = (Arc::clone(&told), None);
    story.place.meanwhile(move |_| {
        let is_ready = engine.replica(Instant::now()).unwrap().is_ready;
        let answered = (is_ready && state(&engine) != IndexState::Ready).then(|| seen(&engine));
        if is_ready && let Some(mut publishing) = publishing.take() {
            least = Some(put(&writer, "de", "new", 4.0));
            publishing.step(Instant::now()).unwrap();
        }
        tell.lock().push((answered, least));
    });
    reader.follow();
    let told = std::mem::take(&mut *told.lock());
    assert_eq!(told.iter().filter(|(answered, _)| answered.is_none()).count(), told.len() - 1);
    let (answered, least) = told.last().cloned().unwrap();
    let answered = answered.unwrap();
    assert_eq!(answered.len(), 2, "both tables answered when the first part of the index came");
    // Of the index that part came, and then what is newer had its turn.
    let least = least.unwrap();
    assert!(!reader.engine.has_reached(&name("de"), least));
    reader.follow();
    assert!(reader.engine.has_reached(&name("de"), least));
    reader.follow();
    assert_eq!(state(&reader.engine), IndexState::Ready);
    assert_eq!(seen(&reader.engine), seen(&story.writer));
    *story.place.meanwhile.lock() = None;
    reader.end();
    story.writer.close();
}

#[test]
fn what_a_slow_reader_brings_stays_as_long_as_it_goes_on() {
    for goes_on in [true, false] {
        let mut story = Story::begin();
        fill(&story.writer, "en", 0..9);
        story.publish();
        let before = seen(&story.writer);
        let mut reader = Reader::of(&story.place);
        let (writer, place) = (story.writer.clone(), story.place.clone());
        let mut publishing = Some(story.publishing);
        let (tell, back) = std::sync::mpsc::channel();
        story.place.meanwhile(move |_| {
            let Some(mut publishing) = publishing.take() else { return };
            let minutes = |minutes| Instant::now() + Duration::from_mins(minutes);
            fill(&writer, "en", 20..40);
            publishing.step(minutes(0)).unwrap();
            // For ten minutes everything stays; then what is held does, if the lease is seen to change.
            publishing.step(minutes(11)).unwrap();
            let lease = place.list("leases/").unwrap().into_keys().next().unwrap();
            if goes_on {
                let renewed = br#"{"epoch":1,"number":1,"count":77}"#;
                place.put(&lease, &mut &renewed[..]).unwrap();
            }
            publishing.step(minutes(22)).unwrap();
            assert_eq!(place.list("leases/").unwrap().len(), usize::from(goes_on));
            tell.send(publishing).unwrap();
        });
        let followed = reader.following.step(Instant::now()).unwrap();
        if goes_on {
            assert_eq!(followed.problems, [""; 0]);
            assert_eq!(seen(&reader.engine), before);
        } else {
            // It begins again with what is there.
            assert!(followed.problems.join("").contains("is missing"), "{followed:?}");
        }
        assert_eq!(story.place.list("leases/").unwrap().len(), 0, "what was brought is not held");
        reader.follow();
        assert_eq!(seen(&reader.engine), seen(&story.writer));
        let mut publishing = back.recv().unwrap();
        publishing.step(Instant::now() + Duration::from_hours(1)).unwrap();
        let old = story.place.list("publications/").unwrap();
        assert_eq!(old.len(), 1, "in the end nothing stays: {old:?}");
        *story.place.meanwhile.lock() = None;
        drop(publishing);
        reader.end();
        story.writer.close();
    }
}

#[test]
fn leases_are_bounded_in_number_and_time_and_say_nothing_by_a_clock() {
    let mut story = Story::begin();
    fill(&story.writer, "en", 0..9);
    story.publish();
    let first = parts(&story.place());
    for lease in 0..300 {
        let held = br#"{"epoch":1,"number":1,"count":1}"#;
        let name = format!("leases/{lease:03}");
        story.place.put(&name, &mut &held[..]).unwrap();
    }
    story.place.put("leases/strange", &mut &b"no lease"[..]).unwrap();
    fill(&story.writer, "en", 20..40);
    let mut now = Instant::now();
    story.publishing.step(now).unwrap();
    let is_there = |path: &PathBuf| path.exists();
    // One is renewed again and again, by a reader that will never end.
    for count in 0..200_u32 {
        let held = format!(r#"{{"epoch":1,"number":1,"count":{count}}}"#);
        story.place.put("leases/000", &mut held.as_bytes()).unwrap();
        now += Duration::from_mins(11);
        story.publishing.step(now).unwrap();
        let left = story.place.list("leases/").unwrap().len();
        let hours = u64::from(count) * 11 / 60;
        match count {
            0 => assert_eq!(left, 301),
            // All but that one and those that were not looked at before have ended.
            1 => assert!(left < 50, "{left}"),
            _ if hours < 23 => assert!(first.iter().all(is_there), "after {hours} h"),
            _ => {}
        }
    }
    assert!(!first.iter().all(is_there), "nobody holds anything for a day");
    story.end();
}

/// A writer with all there is to publish, and what it published before and last.
fn published() -> (Story, BTreeMap<String, String>, BTreeMap<String, String>, Vec<PathBuf>) {
    let mut story = Story::begin();
    fill(&story.writer, "en", 0..40);
    fill(&story.writer, "de", 5..20);
    story.writer.set_alias(&name("live"), &name("en")).unwrap();
    put(&story.writer, "en", "new", 3.0);
    story.publish();
    let before = seen(&story.writer);
    let known = parts(&story.place());
    fill(&story.writer, "en", 10..60);
    fill(&story.writer, "gone", 0..3);
    put(&story.writer, "en", "newer", 3.0);
    put(&story.writer, "de", "newer", 3.0);
    story.writer.delete(&[name("gone")]).unwrap();
    story.publish();
    let last = seen(&story.writer);
    let new = parts(&story.place()).into_iter().filter(|path| !known.contains(path)).collect();
    (story, before, last, new)
}

#[test]
fn a_place_alone_makes_the_folder_again_which_goes_on_where_the_lost_one_was() {
    let (mut story, _, last, _) = published();
    let mut reader = Reader::of(&story.place);
    reader.follow();
    let generation = |engine: &Engine| engine.table(&name("en")).unwrap().meta.generation;
    let newest = generation(&story.writer);
    let made = tempfile::tempdir().unwrap();
    let done = recover(made.path(), story.place.boxed(), Which::Last).unwrap();
    assert_eq!((done.at, done.goes_on, done.skipped), ((1, 2), true, Vec::new()));
    let tables: Vec<_> = done.tables.iter().map(|(name, rows)| (name.as_str(), *rows)).collect();
    assert_eq!(tables, [("de", 15), ("en", 50)]);
    let error = recover(made.path(), story.place.boxed(), Which::Last).unwrap_err();
    assert!(error.to_string().contains("is not empty"), "{error}");

    let writer = writer_on(made.path());
    assert_eq!(seen(&writer), last);
    let mut publishing = writer.publishing(story.place.boxed(), "http://new").unwrap();
    assert_eq!(publishing.step(Instant::now()).unwrap().epoch, 2);
    let error = story.publishing.step(Instant::now()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Superseded { epoch: 2 }, "the lost one is back");
    put(&writer, "de", "another", 9.0);
    fill(&writer, "en", 0..3);
    assert!(generation(&writer) > newest + 1, "what readers may know is not given out again");
    publishing.step(Instant::now()).unwrap();
    reader.follow();
    assert_eq!(seen(&reader.engine), seen(&writer));
    drop(publishing);
    writer.close();
    reader.end();
    story.end();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files that are meant to be damaged")]
fn what_is_damaged_is_named_and_the_newest_that_is_whole_serves() {
    let (story, before, last, new) = published();
    let made = tempfile::tempdir().unwrap();
    let is_empty = || fs::read_dir(made.path()).unwrap().next().is_none();
    let recovered = |which| recover(made.path(), story.place.boxed(), which);
    let remade = |expected: &BTreeMap<String, String>| {
        let writer = writer_on(made.path());
        assert_eq!(seen(&writer), *expected);
        writer.close();
        for entry in fs::read_dir(made.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                fs::remove_dir_all(path).unwrap();
            } else {
                fs::remove_file(path).unwrap();
            }
        }
    };
    for path in &new {
        let whole = fs::read(path).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        for damaged in [None, Some(&flipped)] {
            match damaged {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
            let error = recovered(Which::Last).unwrap_err().to_string();
            let named = error.contains("table \"en\"") || error.contains("table \"de\"");
            assert!(named && error.contains("--older"), "{error}");
            assert!(is_empty());
            let older = recovered(Which::Whole).unwrap();
            assert_eq!((older.at, older.goes_on), ((1, 1), false));
            assert!(older.skipped.join("; ").contains("table"), "{older:?}");
            if damaged.is_none() {
                let writer = writer_on(made.path());
                let publishing = writer.publishing(story.place.boxed(), "");
                let error = publishing.unwrap().step(Instant::now()).unwrap_err();
                assert!(error.to_string().contains("another data folder"), "{error}");
                writer.close();
            }
            remade(&before);
            fs::write(path, &whole).unwrap();
        }
    }
    // With CURRENT damaged the newest is found by its name.
    let held = story.place.held("CURRENT").unwrap().unwrap();
    let mut bytes = held.bytes.clone();
    bytes[held.bytes.len() / 2] ^= 1;
    story.place.swap("CURRENT", Some(&held.version), &bytes).unwrap().unwrap();
    let error = recovered(Which::Last).unwrap_err();
    assert!(error.to_string().contains("CURRENT"), "{error}");
    let found = recovered(Which::Whole).unwrap();
    assert_eq!((found.at, found.goes_on), ((1, 2), false));
    remade(&last);

    // One that was killed while it brought parts is never served, and goes on from its beginning.
    let killed = tempfile::tempdir().unwrap();
    let (from, to) = (made.path().to_owned(), killed.path().to_owned());
    let mut count = 0;
    story.place.meanwhile(move |_| {
        count += 1;
        if count == 3 {
            copy(&from, &to);
        }
    });
    recovered(Which::Whole).unwrap();
    *story.place.meanwhile.lock() = None;
    let error = Engine::open(&EngineConfig::new(killed.path())).map(drop).unwrap_err();
    assert!(error.to_string().contains("recovery"), "{error}");
    recover(killed.path(), story.place.boxed(), Which::Whole).unwrap();
    let writer = writer_on(killed.path());
    assert_eq!(seen(&writer), last);
    writer.close();
    let nothing = tempfile::tempdir().unwrap();
    for which in [Which::Last, Which::Whole] {
        let place = open(nothing.path().to_str().unwrap()).unwrap();
        let error = recover(&made.path().join("new"), place, which).unwrap_err();
        assert!(error.to_string().contains("nothing is published"), "{error}");
    }
    story.end();
}

#[test]
fn words_that_the_writer_arranged_are_so_for_its_readers() {
    let mut story = Story::begin();
    fill(&story.writer, "en", 0..80);
    story.publish();
    let mut reader = Reader::of(&story.place);
    reader.follow();
    let ask = |seed| Ask { table: name("en"), query: ArrangeQuery { seed, again: false } };
    let map = |engine: &Engine| {
        let query = MapQuery { layout: MapLayout::Neighbors, places: true };
        let answer = engine.map(&Ask { table: name("en"), query });
        answer.map(|answer| answer.answer.0.places.clone())
    };
    let refusal = reader.engine.arrange(&ask(0), &mut |_, _| {}).unwrap_err();
    assert!(
        matches!(refusal.kind(), ErrorKind::Unsuited { operation: "writing", .. }),
        "{refusal}"
    );
    let mut last = Vec::new();
    // By another seed it is another part in the place of the first.
    for seed in [0, 1] {
        story.writer.arrange(&ask(seed), &mut |_, _| {}).unwrap();
        assert!(story.publish(), "a new part is something to publish");
        reader.follow();
        let places = map(&story.writer).unwrap();
        assert_eq!(map(&reader.engine).unwrap(), places);
        assert_ne!(places, last);
        last = places;
    }
    reader = reader.restart(&story.place);
    assert_eq!(map(&reader.engine).unwrap(), last);
    fill(&story.writer, "en", 0..90);
    story.publish();
    reader.follow();
    assert!(map(&reader.engine).is_err() && map(&story.writer).is_err(), "other rows");
    reader.end();
    story.end();
}
