//! Publishing and following: what readers see, what a crash or a fault at any step leaves, who may publish,
//! and what is told of damage.

mod asked;
mod place;
mod servers;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tempfile::TempDir;
use wordspace::engine::arrange::ArrangeQuery;
use wordspace::engine::config::EngineConfig;
use wordspace::engine::follow::Following;
use wordspace::engine::import::{IfExists, ImportOptions, Source};
use wordspace::engine::publish::Publishing;
use wordspace::engine::write::{DeleteQuery, PutMode, PutQuery, PutWord};
use wordspace::engine::{Ask, Engine, IndexState, Least};
use wordspace::error::{Error, ErrorKind, Result};
use wordspace::query::map::{MapLayout, MapQuery};
use wordspace::query::nearest::NearestQuery;
use wordspace::query::{OovPolicy, WordOrVector};
use wordspace::store::backup::{Held, Target, Version, open};
use wordspace::table::attributes::Attributes;
use wordspace::table::meta::TableName;

pub(crate) use self::servers::{follow, publish, put_request};
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
