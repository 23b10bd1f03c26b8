//! Tables that come when they are asked: which of them are here, what is told of those that are not, and what
//! crashes, damage and many callers leave of that.

use std::io::{self, Write};
use std::sync::Barrier;
use std::sync::mpsc::{Receiver, Sender, channel};

use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;
use wordspace::client::Client;
use wordspace::engine::Export;
use wordspace::format::{Compression, Format, Outputs};
use wordspace::proto as pb;
use wordspace::server::{Replication, ServerConfig};

use super::servers::publish;
use super::*;
use crate::support::{SMALL, Server, header, import, reason, word};

/// What an engine answers of a table: its generation, its last write, and what is near.
type Answer = (u64, u64, Vec<(Vec<u8>, f32)>);

fn ask(engine: &Engine, table: &str) -> Result<Answer> {
    let query = NearestQuery::new(vec![WordOrVector::Vector(vec![1.0; 8])], 12);
    let answer = engine.nearest(&Ask { table: name(table), query })?;
    let near = answer.answer.neighbors.into_iter();
    let near = near.map(|near| (near.word, near.similarity)).collect();
    Ok((answer.of.generation, answer.of.sequence, near))
}

fn is_absent(engine: &Engine, table: &str) -> bool {
    ask(engine, table).is_err_and(|error| matches!(error.kind(), ErrorKind::Absent { .. }))
}

fn is_here(engine: &Engine, table: &str) -> bool {
    engine.table(&name(table)).unwrap().memory_bytes > 0
}

/// Bytes of all files of tables.
fn on_disk(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let bytes = |path: PathBuf| match fs::metadata(&path) {
        Ok(file) if file.is_dir() => on_disk(&path),
        Ok(file) => file.len(),
        // It has left meanwhile.
        Err(_) => 0,
    };
    entries.map(|entry| bytes(entry.unwrap().path())).sum()
}

impl Reader {
    fn within(place: &Place, max: u64) -> Self {
        Self::on(tempfile::tempdir().unwrap(), place, Some(max))
    }

    /// Asks a table until it has come.
    fn bring(&mut self, table: &str) -> Answer {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            match ask(&self.engine, table) {
                Ok(answer) => return answer,
                Err(error) => assert!(matches!(error.kind(), ErrorKind::Absent { .. }), "{error}"),
            }
            assert!(Instant::now() < end, "{table} never came");
            self.follow();
            self.check_bound();
        }
    }

    fn used(&self) -> u64 {
        self.engine.replica(Instant::now()).unwrap().cache.unwrap().0
    }

    /// The files of tables have no more bytes than they may, but for a manifest each.
    fn check_bound(&self) {
        let (used, max) = (self.used(), self.cache.unwrap());
        let disk = on_disk(&self.folder.path().join("generations"));
        assert!(used <= max, "{used} of {max}");
        assert!(disk <= max.saturating_add(16 * 4_096), "{disk} of {max}");
    }
}

/// A story of four tables, one of them large, and bytes that two of the small ones have room in.
fn four() -> (Story, u64) {
    let mut story = Story::begin();
    for (table, words) in [("a", 0..400), ("b", 100..500), ("c", 200..600), ("big", 0..1_500)] {
        fill(&story.writer, table, words);
    }
    story.writer.set_alias(&name("live"), &name("b")).unwrap();
    put(&story.writer, "b", "new", 2.0);
    story.publish();
    let mut reader = Reader::within(&story.place, u64::MAX);
    reader.follow();
    assert_eq!(reader.used(), 0);
    reader.bring("c");
    let max = reader.used() * 5 / 2;
    reader.end();
    (story, max)
}

#[test]
fn tables_come_when_they_are_asked_and_those_asked_the_longest_ago_leave() {
    let (story, max) = four();
    let mut reader = Reader::within(&story.place, max);
    reader.follow();
    let engine = reader.engine.clone();
    assert!(reader.is_ready());
    let told: Vec<_> =
        engine.tables().iter().map(|it| (it.meta.name.to_string(), it.meta.row_count)).collect();
    let all = [("a", 400), ("b", 400), ("big", 1_500), ("c", 400)];
    assert_eq!(told, all.map(|(name, rows)| (name.to_owned(), rows)), "and none of them is here");
    assert_eq!(engine.table(&name("live")).unwrap().aliases, [name("live")]);
    let told = engine.problems().join("; ");
    assert!(told.starts_with("table big: ") && told.contains("--follow-cache"), "{told}");
    let error = ask(&engine, "big").unwrap_err();
    assert!(error.to_string().contains("the table big takes"), "{error}");
    assert!(!engine.is_on_its_way(&name("big")), "it never comes");
    assert_eq!((reader.used(), is_here(&engine, "a")), (0, false));

    assert!(is_absent(&engine, "a") && is_absent(&engine, "live"));
    reader.follow();
    for table in ["b", "live", "a"] {
        assert_eq!(reader.bring(table), ask(&story.writer, table).unwrap());
    }
    assert!(is_here(&engine, "a") && is_here(&engine, "b"));
    // Whoever waited for them has an answer by then.
    let came = Instant::now();
    until(|| came.elapsed() > Duration::from_millis(200));
    assert_eq!(reader.bring("c"), ask(&story.writer, "c").unwrap());
    assert!(!is_here(&engine, "b"), "the other one was asked later");
    assert!(is_here(&engine, "a"));
    let came = Instant::now();
    until(|| came.elapsed() > Duration::from_millis(200));
    ask(&engine, "a").unwrap();
    assert_eq!(reader.bring("live"), ask(&story.writer, "b").unwrap(), "its write comes with it");
    assert!(!is_here(&engine, "c") && is_here(&engine, "a"));
    let error = engine.back_up(None, &mut |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("back up the writer"), "{error}");
    drop(engine);
    reader.end();
    story.end();
}

/// An output that stops at its first byte until it may go on.
struct Slow {
    bytes: Vec<u8>,
    began: Sender<()>,
    may_go_on: Receiver<()>,
}

impl Outputs for &mut Slow {
    fn main(&mut self) -> io::Result<Box<dyn Write + Send + '_>> {
        self.began.send(()).unwrap();
        self.may_go_on.recv().unwrap();
        Ok(Box::new(&mut self.bytes))
    }

    fn companion(&mut self, _: &str) -> io::Result<Box<dyn Write + Send + '_>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[test]
fn a_table_that_leaves_while_it_is_asked_is_answered_to_the_end() {
    let (story, max) = four();
    let mut reader = Reader::within(&story.place, max);
    reader.follow();
    reader.bring("a");
    let exported = |engine: &Engine, out: &mut Slow| {
        let export = Export {
            table: name("a"),
            format: Format::Glove,
            compression: Compression::None,
            filter: None,
            guards_formulas: false,
        };
        engine.export(&export, &mut &mut *out).unwrap();
        std::mem::take(&mut out.bytes)
    };
    let (began, begins) = channel();
    let (go_on, may_go_on) = channel();
    let mut out = Slow { bytes: Vec::new(), began, may_go_on };
    go_on.send(()).unwrap();
    let expected = exported(&story.writer, &mut out);
    begins.recv().unwrap();
    let engine = reader.engine.clone();
    let got = std::thread::scope(|scope| {
        let exporting = scope.spawn(|| exported(&engine, &mut out));
        begins.recv().unwrap();
        reader.bring("b");
        reader.bring("c");
        assert!(!is_here(&reader.engine, "a"));
        go_on.send(()).unwrap();
        exporting.join().unwrap()
    });
    assert!(expected.len() > 10_000 && got == expected);
    drop(engine);
    reader.end();
    story.end();
}

#[test]
fn what_is_here_changes_with_the_writer_and_what_is_not_is_known_without_the_place() {
    let (mut story, max) = four();
    let mut reader = Reader::within(&story.place, max);
    reader.follow();
    reader.bring("b");
    reader.bring("a");
    fill(&story.writer, "a", 3..350);
    fill(&story.writer, "c", 0..350);
    fill(&story.writer, "new", 0..9);
    put(&story.writer, "b", "newer", 4.0);
    story.writer.delete(&[name("big")]).unwrap();
    story.publish();
    reader.follow();
    reader.check_bound();
    for table in ["a", "b", "live", "new", "c"] {
        assert_eq!(reader.bring(table), ask(&story.writer, table).unwrap(), "{table}");
    }
    let missing = ask(&reader.engine, "big").unwrap_err();
    assert!(matches!(missing.kind(), ErrorKind::TableNotFound { .. }), "{missing}");
    // Names change, of what is here and of what is not.
    story.writer.rename(&name("a"), &name("big")).unwrap();
    story.writer.rename(&name("b"), &name("a")).unwrap();
    story.writer.rename(&name("c"), &name("d")).unwrap();
    story.writer.set_alias(&name("c"), &name("a")).unwrap();
    story.publish();
    reader.follow();
    let all = ["a", "big", "d", "new"];
    let were_here = all.map(|table| is_here(&reader.engine, table));
    assert_eq!(were_here[2..], [true; 2], "they were asked last");

    story.place.faults.lock().is_down = true;
    let mut reader = reader.restart(&story.place);
    reader.following.step(Instant::now()).unwrap_err();
    assert!(reader.is_ready());
    let names = |engine: &Engine| {
        let tables = engine.tables().into_iter();
        tables.map(|it| (it.meta.name, it.meta.row_count, it.aliases)).collect::<Vec<_>>()
    };
    assert_eq!(names(&reader.engine).len(), 4);
    for (table, was_here) in all.into_iter().zip(were_here) {
        if was_here {
            assert_eq!(ask(&reader.engine, table).unwrap(), ask(&story.writer, table).unwrap());
        } else {
            assert!(is_absent(&reader.engine, table), "{table}");
        }
    }
    assert!(reader.used() > 0);
    story.place.faults.lock().is_down = false;
    for table in ["live", "c", "a", "big", "new", "d"] {
        assert_eq!(reader.bring(table), ask(&story.writer, table).unwrap(), "{table}");
    }
    // With less room some of them leave; without a bound all come, and it is not ready before.
    let d = reader.used();
    reader.cache = Some(d / 2);
    let mut reader = reader.restart(&story.place);
    reader.follow();
    reader.check_bound();
    reader.bring("d");
    reader.cache = None;
    let mut reader = reader.restart(&story.place);
    assert!(!reader.is_ready());
    reader.follow();
    assert!(reader.is_ready());
    assert_eq!(seen(&reader.engine), seen(&story.writer));
    reader.end();
    story.end();
}

#[test]
fn a_folder_with_some_of_the_tables_is_not_opened_as_one_with_all() {
    let (story, max) = four();
    let mut reader = Reader::within(&story.place, max);
    reader.follow();
    reader.bring("a");
    let folder = reader.folder;
    drop(reader.following);
    reader.engine.close();
    let error = Engine::open(&EngineConfig::new(folder.path())).map(drop).unwrap_err();
    assert!(error.to_string().contains("not of b"), "{error}");
    story.end();
}

#[test]
fn what_grows_makes_others_leave_or_leaves_itself() {
    let (mut story, max) = four();
    let mut reader = Reader::within(&story.place, max);
    reader.follow();
    for table in ["b", "a"] {
        reader.bring(table);
    }
    for table in ["c", "b", "c"] {
        reader.bring(table);
    }
    fill(&story.writer, "c", 0..480);
    story.publish();
    reader.follow();
    reader.check_bound();
    for table in ["c", "b"] {
        assert_eq!(reader.bring(table), ask(&story.writer, table).unwrap());
    }
    // One that has no room beside what it replaces comes again when it is asked.
    fill(&story.writer, "c", 0..800);
    story.publish();
    reader.bring("c");
    fill(&story.writer, "c", 0..801);
    story.publish();
    reader.follow();
    reader.check_bound();
    assert!(!is_here(&reader.engine, "c"));
    assert_eq!(reader.bring("c"), ask(&story.writer, "c").unwrap());
    reader.end();
    story.end();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files that are meant to be damaged")]
fn what_is_damaged_is_told_when_it_is_asked_and_the_others_come() {
    let (mut story, _) = four();
    let known = parts(&story.place());
    fill(&story.writer, "a", 3..350);
    put(&story.writer, "a", "new", 4.0);
    story.publish();
    let mut reader = Reader::within(&story.place, u64::MAX);
    reader.follow();
    let mut now = Instant::now();
    for path in parts(&story.place()).into_iter().filter(|path| !known.contains(path)) {
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(is_absent(&reader.engine, "a"));
        reader.following.step(Instant::now()).unwrap();
        let error = ask(&reader.engine, "a").unwrap_err();
        let is_named = error.to_string().contains("table \"a\" of publication");
        assert!(is_named && matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error}");
        let told = reader.engine.problems().join("; ");
        assert!(told.starts_with("table a: "), "{told}");
        assert!(reader.is_ready());
        assert_eq!(reader.bring("b"), ask(&story.writer, "b").unwrap());
        fs::write(&path, &whole).unwrap();
        // It is tried again after a while, when it is asked.
        reader.following.step(Instant::now()).unwrap();
        ask(&reader.engine, "a").unwrap_err();
        now = now.max(Instant::now()) + Duration::from_secs(31);
        reader.following.step(now).unwrap();
        assert_eq!(reader.engine.problems(), [""; 0]);
    }
    assert_eq!(reader.bring("a"), ask(&story.writer, "a").unwrap());
    reader.end();
    story.end();
}

/// Fifty callers ask tables at once until they have answers, while a reader follows.
fn fifty_ask(reader: &mut Reader, answers: &[Answer], of: impl Fn(usize) -> usize + Sync) {
    let (engine, barrier) = (reader.engine.clone(), Barrier::new(50));
    let asking = |caller| {
        barrier.wait();
        let end = Instant::now() + Duration::from_mins(1);
        while Instant::now() < end {
            match ask(&engine, &format!("t{}", of(caller))) {
                Ok(answer) => return answer == answers[of(caller)],
                Err(error) => assert!(matches!(error.kind(), ErrorKind::Absent { .. }), "{error}"),
            }
            std::thread::yield_now();
        }
        panic!("t{} never came", of(caller));
    };
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..50).map(|caller| scope.spawn(move || asking(caller))).collect();
        while callers.iter().any(|caller| !caller.is_finished()) {
            reader.follow();
            reader.check_bound();
        }
        assert!(callers.into_iter().all(|caller| caller.join().unwrap()));
    });
}

#[test]
fn fifty_who_ask_one_table_bring_it_once_and_who_ask_fifty_have_their_turns() {
    let mut story = Story::begin();
    for table in 0..50 {
        fill(&story.writer, &format!("t{table}"), table * 7..table * 7 + 40);
    }
    story.publish();
    let answers = (0..50).map(|table| ask(&story.writer, &format!("t{table}")).unwrap());
    let answers: Vec<Answer> = answers.collect();
    let read = Arc::new(Mutex::new(BTreeMap::new()));
    let counts = Arc::clone(&read);
    story.place.meanwhile(move |part| *counts.lock().entry(part.to_owned()).or_insert(0) += 1);
    let mut reader = Reader::within(&story.place, u64::MAX);
    reader.follow();
    assert_eq!(read.lock().len(), 0, "nothing is brought that nobody asked");
    fifty_ask(&mut reader, &answers, |_| 3);
    let counted = std::mem::take(&mut *read.lock());
    assert!(!counted.is_empty() && counted.values().all(|&count| count == 1), "{counted:?}");
    // Where a few have room those who wait have their turns.
    reader.cache = Some(reader.used() * 10);
    let mut reader = reader.restart(&story.place);
    fifty_ask(&mut reader, &answers, |caller| caller);
    assert!(read.lock().values().all(|&count| count <= 2), "{:?}", read.lock());
    *story.place.meanwhile.lock() = None;
    reader.end();
    story.end();
}

#[test]
fn a_crash_at_any_step_leaves_a_folder_that_tells_nothing_wrong() {
    let (story, max) = four();
    let mut reader = Reader::within(&story.place, max);
    reader.follow();
    for table in ["b", "a"] {
        reader.bring(table);
    }
    let copies = Arc::new(Mutex::new(Vec::new()));
    let (of, copied) = (reader.folder.path().to_owned(), Arc::clone(&copies));
    story.place.meanwhile(move |_| {
        let folder = tempfile::tempdir().unwrap();
        copy(&of, folder.path());
        copied.lock().push(folder);
    });
    reader.bring("c");
    assert!(!is_here(&reader.engine, "b"));
    *story.place.meanwhile.lock() = None;
    let copies = std::mem::take(&mut *copies.lock());
    assert!(copies.len() >= 2, "at every part that was read");
    for folder in copies {
        story.place.faults.lock().is_down = true;
        let mut reader = Reader::on(folder, &story.place, Some(max));
        assert!(reader.is_ready());
        assert_eq!(reader.engine.tables().len(), 4);
        for table in ["a", "b", "live", "c"] {
            match ask(&reader.engine, table) {
                Ok(answer) => assert_eq!(answer, ask(&story.writer, table).unwrap()),
                Err(error) => assert!(matches!(error.kind(), ErrorKind::Absent { .. }), "{error}"),
            }
        }
        ask(&reader.engine, "a").unwrap();
        story.place.faults.lock().is_down = false;
        for table in ["c", "b", "live", "a"] {
            assert_eq!(reader.bring(table), ask(&story.writer, table).unwrap());
        }
        reader.end();
    }
    reader.end();
    story.end();
}

fn follow_within(location: &str, cache: u64) -> Replication {
    let (location, every) = (location.to_owned(), Duration::from_millis(10));
    Replication::Follow { location, every, rate: None, cache: Some(cache) }
}

fn lookup(table: &str) -> pb::LookupRequest {
    let queries = vec![word("king")];
    pb::LookupRequest { table: table.to_owned(), queries, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_lets_whoever_asks_wait_for_a_table_and_tells_of_it_without() {
    let place = tempfile::tempdir().unwrap();
    let location = place.path().to_str().unwrap();
    let (publish, follow) =
        (publish(location, Duration::from_millis(10), 0), follow_within(location, 1 << 20));
    let writer =
        Server::start_with(|config| ServerConfig { replication: Some(publish), ..config }).await;
    let reader =
        Server::start_with(|config| ServerConfig { replication: Some(follow), ..config }).await;
    let from = Client::connect(&reader.url).await.unwrap();
    let status = async || from.get_status(pb::GetStatusRequest {}).await.unwrap();
    while !status().await.replica.unwrap().ready {}
    let mut health = HealthClient::new(reader.channel().await);
    let checked = health.check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(checked.get_ref().status(), ServingStatus::Serving, "no tables are all there are");
    let age = checked.metadata().get("wordspace-age-seconds").unwrap().to_str().unwrap();
    assert!((0.0..60.0).contains(&age.parse::<f64>().unwrap()), "{age}");
    let mut of_writer = HealthClient::new(writer.channel().await);
    let checked = of_writer.check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(checked.metadata().get("wordspace-age-seconds"), None, "it is no copy");

    for table in ["en", "de", "fr", "nl", "it", "es"] {
        import(&writer.channel().await, header(table), SMALL.as_bytes()).await.unwrap();
    }
    while status().await.table_count < 6 {}
    let table = from.get_table(pb::GetTableRequest { table: "en".to_owned() }).await.unwrap();
    assert_eq!((table.table.unwrap().row_count, status().await.row_count), (8, 48));
    let replica = status().await.replica.unwrap();
    assert_eq!((replica.cache_bytes, replica.cache_bytes_max), (0, 1 << 20));
    // The first question of each kind waits.
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let from = from.clone();
        asking.spawn(async move { from.lookup(lookup("en")).await });
    }
    while let Some(found) = asking.join_next().await {
        match found.unwrap() {
            Ok(found) => assert_eq!(found.vectors.len(), 1),
            // Not all have room at once.
            Err(error) => assert!(error.to_string().contains("too many calls"), "{error}"),
        }
    }
    assert!(status().await.replica.unwrap().cache_bytes > 0);
    streams_and_batches_wait(&reader).await;

    // What does not come because the place is gone is refused with what to do.
    import(&writer.channel().await, header("late"), SMALL.as_bytes()).await.unwrap();
    while status().await.table_count < 7 {}
    writer.stop().await;
    let gone = place.path().join("gone");
    fs::create_dir(&gone).unwrap();
    fs::rename(place.path().join("CURRENT"), gone.join("CURRENT")).unwrap();
    let mut tables = pb::table_service_client::TableServiceClient::new(reader.channel().await);
    let mut request = tonic::Request::new(lookup("late"));
    request.set_timeout(Duration::from_millis(400));
    let refused = tables.lookup(request).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::Unavailable, "TABLE_ABSENT".to_owned()));
    assert!(refused.get_details_retry_info().unwrap().retry_delay.is_some());
    assert_eq!(from.lookup(lookup("en")).await.unwrap().vectors.len(), 1);
    assert!(status().await.replica.unwrap().problem.contains("nothing is published there"));
    drop((tables, health, of_writer));
    reader.stop().await;
}

/// Asks tables that are not here otherwise than by a question of its own.
async fn streams_and_batches_wait(reader: &Server) {
    let channel = reader.channel().await;
    let near = pb::NearestRequest { positive: vec![word("king")], ..Default::default() };
    let question = |table: &str| pb::NearestStreamRequest {
        id: 7,
        table: table.to_owned(),
        queries: vec![near.clone()],
    };
    let questions = tokio_stream::iter(["de", "en", "fr"].map(question));
    let mut search = pb::search_service_client::SearchServiceClient::new(channel.clone());
    let mut answers = search.nearest_stream(questions).await.unwrap().into_inner();
    for _ in 0..3 {
        let answer = answers.message().await.unwrap().unwrap();
        let result = answer.results[0].result.as_ref().unwrap();
        assert!(matches!(result, pb::nearest_result::Result::Answer(_)), "{result:?}");
    }
    let question = |table: &str| pb::Question {
        question: Some(pb::question::Question::Lookup(lookup(table))),
    };
    let questions = ["nl", "it", "en"].map(question).to_vec();
    let mut batch = pb::batch_service_client::BatchServiceClient::new(channel.clone());
    let answers = batch.batch(pb::BatchRequest { questions }).await.unwrap().into_inner().answers;
    assert_eq!(answers.len(), 3);
    for answer in answers {
        let answer = answer.answer.unwrap();
        assert!(matches!(answer, pb::batch_answer::Answer::Lookup(_)), "{answer:?}");
    }
    let export = pb::ExportRequest {
        table: "es".to_owned(),
        format: pb::Format::Glove.into(),
        ..Default::default()
    };
    let mut transfer = pb::transfer_service_client::TransferServiceClient::new(channel);
    let mut chunks = transfer.export(export).await.unwrap().into_inner();
    let mut bytes = 0;
    while let Some(chunk) = chunks.message().await.unwrap() {
        bytes += prost::Message::encoded_len(&chunk);
    }
    assert!(bytes > 50, "{bytes}");
}
