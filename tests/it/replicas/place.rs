//! The place: who may publish there, what is told of damage, what stays and what goes, and what is made of it alone.

use std::io::Cursor;

use wordspace::engine::recover::{Which, recover};

use super::*;

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
