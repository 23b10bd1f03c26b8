//! Data folders that earlier programs wrote are read as those programs would read them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use wordspace::engine::config::EngineConfig;
use wordspace::engine::write::{DeleteQuery, PutMode, PutQuery, PutWord};
use wordspace::engine::{Ask, Engine};
use wordspace::query::{OovPolicy, WordOrVector};
use wordspace::table::attributes::Attributes;

use crate::support::root;
use crate::told;

fn open(folder: &Path) -> Engine {
    Engine::open(&EngineConfig { index_threads: 1, ..EngineConfig::new(folder) }).unwrap()
}

/// The archives, by name, with the text that each tells.
fn archives() -> Vec<(PathBuf, PathBuf)> {
    let folder = root().join("tests/data/folders");
    let mut archives: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "zip"))
        .map(|path| (path.clone(), path.with_extension("txt")))
        .collect();
    archives.sort();
    archives
}

fn unpack(archive: &Path, to: &Path) {
    let mut archive = zip::ZipArchive::new(File::open(archive).unwrap()).unwrap();
    for i in 0..archive.len() {
        let mut file = archive.by_index(i).unwrap();
        let path = to.join(file.enclosed_name().unwrap());
        if file.is_dir() {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            io::copy(&mut file, &mut File::create(path).unwrap()).unwrap();
        }
    }
}

/// All that a folder tells, without the numbers of rows: a table that is made anew has others.
fn everything(engine: &Engine) -> String {
    let tables = told::tables(engine).into_iter().map(|name| told::table(engine, &name).unwrap());
    let stored = engine.tokenizers().into_iter().filter(|status| status.stored_bytes.is_some());
    let tokenizers = stored.map(|status| told::tokenizer(engine, &status.name).unwrap());
    let sets = engine.test_sets().unwrap().into_iter();
    let sets = sets.map(|status| told::test_set(engine, &status.name).unwrap());
    let told: String = tables.chain(tokenizers).chain(sets).collect();
    told.lines().map(|line| unnumbered(line) + "\n").collect()
}

/// `WORDSPACE_ACCEPT=1 cargo test --test it folders` writes down what new archives tell.
#[test]
#[expect(clippy::disallowed_methods, reason = "files of this project")]
fn folders_of_every_format_tell_what_they_told_then() {
    let archives = archives();
    assert!(!archives.is_empty());
    for (archive, golden) in archives {
        let folder = tempfile::tempdir().unwrap();
        unpack(&archive, folder.path());
        let engine = open(folder.path());
        let got = everything(&engine);
        if std::env::var_os("WORDSPACE_ACCEPT").is_some() && !golden.exists() {
            fs::write(&golden, &got).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap();
        assert_eq!(got, expected, "{}", archive.display());
        engine.close();

        // From here on this program writes to it, which makes nothing of the old different.
        let engine = open(folder.path());
        assert_eq!(everything(&engine), expected, "opened again");
        for table in told::tables(&engine) {
            let dim = engine.table(&table).unwrap().meta.dim as usize;
            let put = PutWord {
                word: b"another".to_vec(),
                vector: vec![0.5; dim],
                attributes: Attributes::new(),
            };
            let query = PutQuery { words: vec![put], mode: PutMode::InsertOnly };
            engine.put(&Ask { table: table.clone(), query }).unwrap();
            engine.build_index(&table, None).unwrap();
            while engine.table(&table).unwrap().index.is_under_way() {
                // Not yielding: one who yields again and again takes the core from the one who works.
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            assert_eq!(engine.table(&table).unwrap().index.written_rows, 0, "{table} is rebuilt");
        }
        engine.close();
        let engine = open(folder.path());
        for table in told::tables(&engine) {
            let queries = vec![WordOrVector::Word("another".to_owned())];
            let query = DeleteQuery { queries, oov: OovPolicy::Error };
            engine.delete_words(&Ask { table, query }).unwrap();
        }
        assert_eq!(everything(&engine), expected, "after writes: {}", archive.display());
        engine.close();
    }
}

/// A line without the number of its row.
fn unnumbered(line: &str) -> String {
    match line.trim_start().split_once(' ') {
        Some((number, rest)) if number.parse::<u32>().is_ok() => format!("  {rest}"),
        _ => line.to_owned(),
    }
}
