//! Calls of std, of sled and of all that an engine does are seen; nothing can be concluded otherwise.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::disk::{Call, Change, Fault, How, Watched};
use crate::power::{Cut, Luck, Names};
use crate::steps::{User, open, take, wait};

#[test]
fn calls_of_std_and_of_sled_are_seen_and_refused() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::record(folder.path());
    let before = watched.recorded().len();
    let path = folder.path().join("a");
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(b"abc").unwrap();
    file.sync_all().unwrap();
    fs::rename(&path, folder.path().join("b")).unwrap();
    fs::remove_file(folder.path().join("b")).unwrap();
    let seen: Vec<_> =
        watched.recorded()[before..].iter().map(|change| format!("{change:?}")).collect();
    let seen: Vec<_> = seen.iter().map(|text| text.split(' ').next().unwrap()).collect();
    assert_eq!(seen, ["Make", "Write", "Sync", "Rename", "Remove"]);

    let how = How::Error(libc::ENOSPC);
    watched.refuse(Some(Fault { call: Some(Call::Write), nth: 2, how, lasts: false }));
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(b"abc").unwrap();
    let error = file.write_all(b"def").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    file.write_all(b"ghi").unwrap();
    assert_eq!((watched.calls(), watched.refused()), (3, 1));
    watched.refuse(None);
    watched.leave_room(Some(4));
    assert!(file.write_all(b"more than four").is_err());
    assert_eq!(fs::read(&path).unwrap(), b"abcghimore");
    assert!(fs::File::create(folder.path().join("c")).is_err());
    fs::remove_file(&path).unwrap();
    fs::File::create(folder.path().join("c")).unwrap();
    watched.leave_room(None);

    let before = watched.recorded().len();
    let db = sled::open(folder.path().join("sled")).unwrap();
    db.insert(b"key", b"value").unwrap();
    db.flush().unwrap();
    drop(db);
    let seen = watched.recorded().split_off(before);
    assert!(seen.iter().any(|change| matches!(change, Change::Write { .. })), "{seen:?}");
    assert!(seen.iter().any(|change| matches!(change, Change::Sync { .. })), "{seen:?}");
}

fn files(folder: &Path, below: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let below = format!("{below}/{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            files(&path, &below, found);
        } else {
            found.insert(below, fs::read(&path).unwrap());
        }
    }
}

#[test]
fn what_is_recorded_of_an_engine_makes_the_same_folder_again() {
    let folder = tempfile::tempdir().unwrap();
    let watched = Watched::record(folder.path());
    let engine = open(folder.path()).unwrap();
    let mut user = User::new(0, 11);
    for _ in 0..60 {
        take(&engine, &user.step()).unwrap();
    }
    wait(&engine);
    engine.close();
    let recorded = watched.recorded();
    let cut = Cut { at: recorded.len(), names: Names::InOrder, luck: Luck::All, seed: 0 };
    let again = cut.leaves(&recorded);
    let mut found = BTreeMap::new();
    files(folder.path(), "", &mut found);
    let again = again.listed();
    assert!(found.keys().eq(again.keys()), "{:?} {:?}", found.keys(), again.keys());
    for (path, bytes) in &found {
        assert!(again[path] == bytes, "{path} differs");
    }
}
