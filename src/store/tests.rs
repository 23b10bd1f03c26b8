//! Tests of the store: a model under random operations, damage, crashes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::error::{Error, ErrorKind};
use crate::table::attributes::{AttributeValue, Attributes};
use crate::table::builder::TableBuilder;
use crate::table::input::{InputTables, LayerNorm};
use crate::table::meta::{Applied, Provenance};
use crate::text::subword::{Added, Buckets, Combine, Hashing};
use crate::vector::RowId;
use crate::vector::matrix::Matrix;

/// Words and the bits of their vectors.
type Rows = Vec<(Vec<u8>, Vec<u32>)>;

/// A small generator of numbers, the same on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let bits = usize::try_from(self.0 >> 33).unwrap();
        bits % end
    }
}

/// Rows that follow from a seed: some words long, some not UTF-8, some values -0.0 or subnormal.
fn builder_of(seed: usize) -> TableBuilder {
    let mut dice = Dice(seed as u64 + 1);
    let dim = [1, 3, 40, 700][dice.below(4)];
    let mut builder = TableBuilder::new(dim).unwrap();
    for row in 0..=dice.below(800) {
        let mut word = format!("{row}w").into_bytes();
        word.resize(word.len() + [0, 0, 5, 300][dice.below(4)], 0xff);
        let vector: Vec<f32> = (0..dim).map(|_| value(&mut dice)).collect();
        builder.push(&word, &vector).unwrap();
    }
    builder
}

fn value(dice: &mut Dice) -> f32 {
    match dice.below(20) {
        0 => -0.0,
        1 => f32::from_bits(1),
        2 => f32::MAX,
        bits => f32::from_bits(u32::try_from(dice.below(1 << 30)).unwrap()) * bits as f32,
    }
}

fn rows_of(builder: &TableBuilder) -> Rows {
    let rows = (0..builder.len()).map(|row| RowId::try_from(row).unwrap());
    rows.map(|row| (builder.word(row).to_vec(), bits(builder.vector(row)))).collect()
}

fn stored(store: &Store, meta: &Meta) -> Rows {
    let table = store.read(meta).unwrap();
    let rows = (0..table.len()).map(|row| RowId::try_from(row).unwrap());
    rows.map(|row| (table.word(row).to_vec(), bits(table.vector(row)))).collect()
}

fn bits(vector: &[f32]) -> Vec<u32> {
    vector.iter().map(|value| value.to_bits()).collect()
}

fn name(text: &str) -> TableName {
    TableName::try_from(text.to_owned()).unwrap()
}

/// A record that tells the seed of its rows.
fn meta_of(table: &str, staging: &Staging, builder: &TableBuilder, seed: usize) -> Meta {
    let provenance = Provenance {
        source: "a test".to_owned(),
        format: "glove".to_owned(),
        source_bytes: seed as u64,
        imported_at: 1_700_000_000,
        ..Provenance::default()
    };
    Meta {
        name: name(table),
        generation: staging.generation(),
        row_count: builder.len() as u64,
        dim: u32::try_from(builder.dim()).unwrap(),
        provenance,
        applied: Applied::default(),
        subwords: None,
        inputs: None,
    }
}

/// Imports the rows of a seed.
fn import(store: &Store, table: &str, seed: usize) -> Meta {
    let builder = builder_of(seed);
    let mut staging = store.stage(builder.dim()).unwrap();
    staging.push(&builder).unwrap();
    let meta = meta_of(table, &staging, &builder, seed);
    staging.commit(&builder, &BTreeMap::new(), meta.clone()).unwrap();
    meta
}

fn open(folder: &Path) -> Store {
    Store::open(folder).unwrap().0
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copied = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&copied).unwrap();
            copy(&path, &copied);
        } else {
            fs::copy(&path, &copied).unwrap();
        }
    }
}

#[test]
fn the_store_agrees_with_a_map_under_random_operations() {
    for seed in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let mut model: BTreeMap<String, Rows> = BTreeMap::new();
        let mut generations = BTreeSet::new();
        let mut dice = Dice(seed);
        for step in 0..40 {
            let table = format!("t{}", dice.below(3));
            match dice.below(8) {
                0..=3 => {
                    let rows_seed = dice.below(1000);
                    let meta = import(&store, &table, rows_seed);
                    assert!(generations.insert(meta.generation), "seed {seed}: a number twice");
                    model.insert(table, rows_of(&builder_of(rows_seed)));
                }
                4 => {
                    let builder = builder_of(dice.below(1000));
                    let mut abandoned = store.stage(builder.dim()).unwrap();
                    abandoned.push(&builder).unwrap();
                    assert!(generations.insert(abandoned.generation()), "seed {seed}");
                }
                5 => {
                    let was_there = store.delete(&name(&table)).unwrap();
                    assert_eq!(was_there, model.remove(&table).is_some(), "seed {seed}");
                }
                6 | 7 => {
                    drop(store);
                    let (opened, swept) = Store::open(folder.path()).unwrap();
                    assert_eq!(swept, Swept::default(), "seed {seed}: nothing was cut short");
                    store = opened;
                }
                _ => unreachable!("the dice has eight sides"),
            }
            let tables = store.tables().unwrap();
            let names: Vec<_> = tables.iter().map(|meta| meta.name.as_str()).collect();
            assert!(names.iter().eq(model.keys()), "seed {seed}, step {step}: {names:?}");
            for meta in tables {
                let same = stored(&store, &meta) == model[meta.name.as_str()];
                assert!(same, "seed {seed}, step {step}: rows of {}", meta.name);
            }
        }
    }
}

#[test]
fn rows_pushed_one_by_one_and_overwritten_are_stored_as_they_are_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut builder = TableBuilder::new(100).unwrap();
    let mut staging = store.stage(100).unwrap();
    for row in 0..1_500_u32 {
        builder.push(row.to_string().as_bytes(), &[0.5; 100]).unwrap();
        staging.push(&builder).unwrap();
        if row % 7 == 0 {
            let row = RowId(row / 2);
            builder.replace(row, &[row.0 as f32; 100]).unwrap();
            staging.touch(row);
        }
    }
    let meta = meta_of("en", &staging, &builder, 0);
    staging.commit(&builder, &BTreeMap::new(), meta.clone()).unwrap();
    drop(store);
    assert_eq!(stored(&open(folder.path()), &meta), rows_of(&builder));
}

#[test]
fn an_import_that_a_crash_ended_is_invisible_and_swept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let meta = import(&store, "en", 1);
    let unfinished = builder_of(2);
    let mut staging = store.stage(unfinished.dim()).unwrap();
    let (generation, dead) = (staging.generation(), store.index_path(staging.generation()));
    let live = store.index_path(meta.generation);
    // What is on the disk between the two flushes of a commit is what a crash there leaves.
    staging.end(&unfinished).unwrap();
    staging.complete(&BTreeMap::new()).unwrap();
    for graph in [&live, &dead] {
        blob::publish(graph, |file| file.write_all(b"graph").map_err(Error::disk)).unwrap();
    }
    let torn = live.with_extension("graph.1.0.tmp");
    blob::publish(&torn, |_| Ok(())).unwrap();
    let crashed = tempfile::tempdir().unwrap();
    copy(folder.path(), crashed.path());
    drop((staging, store));

    let (store, swept) = Store::open(crashed.path()).unwrap();
    assert_eq!(swept.generations, 1);
    assert!(swept.blocks > 0);
    assert_eq!(store.tables().unwrap(), std::slice::from_ref(&meta));
    assert_eq!(stored(&store, &meta), rows_of(&builder_of(1)));
    for (folder, live) in [("index", live), ("vectors", store.shared.vectors_path(meta.generation))]
    {
        let left = fs::read_dir(crashed.path().join(folder)).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [live.file_name().unwrap()]);
    }
    assert!(store.stage(1).unwrap().generation() > generation);
    assert!(store.bytes().store > 0 && store.bytes().index == 5);
    drop(store);
    assert_eq!(Store::open(crashed.path()).unwrap().1, Swept::default());
}

#[test]
fn a_flipped_byte_in_a_block_is_damage_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let meta = import(&store, "en", 3);
    let rows = &store.shared.rows;
    let mut blocks = 0;
    while let Some(good) = rows.get(key::block(meta.generation, blocks)).unwrap() {
        let key = key::block(meta.generation, blocks);
        for at in [0, 1, 5, good.len() / 2, good.len() - 1] {
            let mut flipped = good.to_vec();
            flipped[at] ^= 1;
            rows.insert(key, flipped).unwrap();
            let error = store.read(&meta).unwrap_err();
            let expected = format!("table \"en\", generation {}, block {blocks}", meta.generation);
            assert!(matches!(error.kind(), ErrorKind::Corrupt { what, .. } if *what == expected));
        }
        rows.remove(key).unwrap();
        let missing = store.read(&meta).unwrap_err();
        assert!(matches!(missing.kind(), ErrorKind::Corrupt { .. }), "{missing}");
        rows.insert(key, good).unwrap();
        blocks += 1;
    }
    assert!(blocks > 1, "more than one block was tried");
    rows.insert(key::block(meta.generation, blocks), b"surplus").unwrap();
    assert!(matches!(store.read(&meta).unwrap_err().kind(), ErrorKind::Corrupt { .. }));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files that are meant to be damaged")]
fn a_file_of_vectors_that_is_not_as_it_was_written_is_damage_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (meta, other) = (import(&store, "en", 3), import(&store, "de", 3));
    let path = store.shared.vectors_path(meta.generation);
    let good = fs::read(&path).unwrap();
    let refused = |bytes: Option<&[u8]>, what: &str| {
        match bytes {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let error = store.read(&meta).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{what}: {error}");
        assert!(error.to_string().contains(&path.display().to_string()), "{what}: {error}");
    };
    for at in
        (0..64).step_by(7).chain((64..good.len()).step_by(good.len() / 9)).chain([good.len() - 1])
    {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        refused(Some(&flipped), &format!("flipped byte {at}"));
        refused(Some(&good[..at]), &format!("cut at byte {at}"));
    }
    refused(Some(&[&good[..], &[0]].concat()), "a byte more");
    let dim = meta.dim as usize;
    refused(Some(&[&good[..], &vec![0; 4 * dim]].concat()), "a row more");
    // The same rows under another number: their words would fit.
    let others = fs::read(store.shared.vectors_path(other.generation)).unwrap();
    refused(Some(&others), "another one's");
    refused(Some(&[&good[..64], &good[64 + 4 * dim..], &good[64..64 + 4 * dim]].concat()), "moved");
    refused(None, "missing");
    fs::write(&path, &good).unwrap();
    assert_eq!(stored(&store, &meta), rows_of(&builder_of(3)));
}

/// Writes the blocks of a generation as format 1 had them.
fn as_format_1(store: &Store, meta: &Meta, builder: &TableBuilder) {
    let rows = (0..builder.len()).map(|row| RowId::try_from(row).unwrap()).collect::<Vec<_>>();
    let keys: Vec<_> = store.shared.rows.iter().keys().map(Result::unwrap).collect();
    for key in keys.iter().filter(|key| key::generation(key) == Some(meta.generation)) {
        store.shared.rows.remove(key).unwrap();
    }
    for (block, rows) in (0..).zip(rows.chunks(7)) {
        let mut record = vec![1, 1];
        record.extend_from_slice(&record::small(rows.len()).to_le_bytes());
        record.extend_from_slice(&meta.dim.to_le_bytes());
        let words = rows.iter().map(|&row| builder.word(row));
        words.clone().for_each(|w| record.extend_from_slice(&record::small(w.len()).to_le_bytes()));
        words.for_each(|word| record.extend_from_slice(word));
        let values = rows.iter().flat_map(|&row| builder.vector(row));
        values.for_each(|value| record.extend_from_slice(&value.to_le_bytes()));
        let key = key::block(meta.generation, block);
        record::seal(&key, &mut record);
        store.shared.rows.insert(key, record).unwrap();
    }
    fs::remove_file(store.shared.vectors_path(meta.generation)).unwrap();
}

#[test]
fn a_folder_of_format_1_is_read_and_is_of_format_2_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let old = import(&store, "old", 5);
    as_format_1(&store, &old, &builder_of(5));
    drop(store);
    let format = folder.path().join("store").join("format");
    let old_format = b"wordspace data folder, format 1\n";
    blob::publish(&format, |file| file.write_all(old_format).map_err(Error::disk)).unwrap();
    for table in ["new", "newer"] {
        let (store, swept) = Store::open(folder.path()).unwrap();
        assert_eq!(swept, Swept::default());
        assert_eq!(fs::read(&format).unwrap(), b"wordspace data folder, format 2\n");
        assert_eq!(stored(&store, &old), rows_of(&builder_of(5)));
        let new = import(&store, table, 6);
        assert_eq!(stored(&store, &new), rows_of(&builder_of(6)));
    }
    let store = open(folder.path());
    assert!(store.delete(&name("old")).unwrap());
    assert_eq!(store.tables().unwrap().len(), 2);
}

#[test]
fn a_damaged_table_record_is_told_removes_nothing_and_can_be_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    import(&store, "damaged", 4);
    let meta = import(&store, "whole", 5);
    let mut record = store.shared.tables.get("damaged").unwrap().unwrap().to_vec();
    record[3] ^= 1;
    store.shared.tables.insert("damaged", record).unwrap();
    drop(store);

    let (store, swept) = Store::open(folder.path()).unwrap();
    assert_eq!(swept, Swept::default());
    let error = store.tables().unwrap_err().to_string();
    assert!(error.contains("the record of table \"damaged\" is damaged"), "{error}");
    assert!(store.delete(&name("damaged")).unwrap());
    assert_eq!(store.tables().unwrap(), std::slice::from_ref(&meta));
    drop(store);
    let (store, swept) = Store::open(folder.path()).unwrap();
    assert_eq!(swept.generations, 1);
    assert_eq!(stored(&store, &meta), rows_of(&builder_of(5)));
}

#[test]
fn a_folder_of_another_version_in_use_or_in_ruins_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    import(&store, "en", 6);
    let in_use = Store::open(folder.path()).unwrap_err().to_string();
    assert!(in_use.contains("another wordspace is using this folder"), "{in_use}");
    drop(store);

    let put = |file: &str, bytes: &[u8]| {
        let path = folder.path().join("store").join(file);
        blob::publish(&path, |file| file.write_all(bytes).map_err(Error::disk)).unwrap();
    };
    put("format", b"wordspace data folder, format 3\n");
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ForeignVersion { expected: 2, got: 3, .. }));
    put("format", b"wordspace data");
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error}");
    put("format", b"wordspace data folder, format 2\n");
    put("conf", b"no configuration of sled's");
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error}");
}

#[test]
fn a_folder_whose_making_was_cut_short_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let torn = folder.path().join("store.new").join("conf");
    blob::publish(&torn, |file| file.write_all(b"segment_si").map_err(Error::disk)).unwrap();
    let store = open(folder.path());
    let meta = import(&store, "en", 7);
    assert_eq!(store.tables().unwrap(), [meta]);
    assert!(!folder.path().join("store.new").exists());
}

/// Starts itself as a child that imports, replaces and deletes without end, and kills it with
/// SIGKILL at changing moments. What the child acknowledged must be there, whole.
///
/// `WORDSPACE_KILLS=1000 cargo test store::tests::killed` is the long form; 10 kills is the short.
#[test]
fn killed_at_any_moment_it_has_every_acknowledged_table_whole() {
    const THIS: &str = "store::tests::killed_at_any_moment_it_has_every_acknowledged_table_whole";
    if let Some(folder) = std::env::var_os("WORDSPACE_KILLED_FOLDER") {
        let first = std::env::var("WORDSPACE_KILLED_STEP").unwrap().parse().unwrap();
        write_without_end(Path::new(&folder), first);
    }
    let kills = std::env::var("WORDSPACE_KILLS").map_or(10, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(2026);
    let mut model: BTreeMap<String, usize> = BTreeMap::new();
    let (mut step, mut last_generation) = (0, 0);
    for kill in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([THIS, "--exact", "--nocapture"])
            .env("WORDSPACE_KILLED_FOLDER", folder.path())
            .env("WORDSPACE_KILLED_STEP", step.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (end, spins) = (step + 1 + dice.below(6), dice.below(4_000_000));
        for line in lines {
            let line = line.unwrap();
            let Some((_, told)) = line.split_once("acknowledged ") else { continue };
            let told: Vec<u64> = told.split(' ').map(|number| number.parse().unwrap()).collect();
            assert_eq!(told[0], step as u64);
            assert!(told[1] == 0 || told[1] > last_generation, "kill {kill}: a number twice");
            last_generation = last_generation.max(told[1]);
            apply(&mut model, step);
            step += 1;
            if step == end {
                (0..spins).for_each(|spin| _ = std::hint::black_box(spin));
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(step >= end, "kill {kill}: the child ended by itself");

        let store = open(folder.path());
        let found = found(&store);
        let mut after = model.clone();
        apply(&mut after, step);
        assert!(found == model || found == after, "kill {kill}, step {step}: {found:?} {model:?}");
        model = found;
    }
    println!("{kills} kills, {step} acknowledged steps, 0 lost");
}

/// What a step does: every fourth deletes a table, the others import one of the step's seed.
fn apply(model: &mut BTreeMap<String, usize>, step: usize) {
    let table = format!("t{}", step % 3);
    if step % 4 == 3 {
        model.remove(&table)
    } else {
        model.insert(table, step)
    };
}

fn write_without_end(folder: &Path, first: usize) -> ! {
    let store = open(folder);
    for step in first.. {
        let table = format!("t{}", step % 3);
        let generation = if step % 4 == 3 {
            store.delete(&name(&table)).unwrap();
            0
        } else {
            import(&store, &table, step).generation
        };
        println!("acknowledged {step} {generation}");
    }
    unreachable!("it is killed")
}

/// The tables of a store and the step that wrote each; every row is compared.
fn found(store: &Store) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for meta in store.tables().unwrap() {
        let rows = stored(store, &meta);
        let step = usize::try_from(meta.provenance.source_bytes).unwrap();
        assert_eq!(rows, rows_of(&builder_of(step)), "rows of {}", meta.name);
        found.insert(meta.name.as_str().to_owned(), step);
    }
    found
}

/// Writes that fill several parts, one after another.
fn writes(dim: usize) -> Vec<Vec<Change>> {
    let put = |i: usize| Change::Put {
        word: format!("new{i}").into_bytes(),
        vector: vec![i as f32; dim],
        attributes: [("number".to_owned(), AttributeValue::Number(i as f64))].into_iter().collect(),
    };
    let set = Change::Attributes {
        word: b"new3".to_vec(),
        set: [
            ("text".to_owned(), AttributeValue::Text("\u{e9}".to_owned())),
            ("flag".to_owned(), AttributeValue::Flag(true)),
        ]
        .into_iter()
        .collect(),
        remove: vec!["number".to_owned()],
    };
    let many = 1 + 40_000 / (4 * dim + 40);
    vec![
        (0..many.max(8)).map(put).collect(),
        vec![set],
        vec![Change::Delete { word: b"new5".to_vec() }],
    ]
}

/// Everything that a view tells.
fn told(view: &View) -> Vec<(Vec<u8>, Vec<u32>, Option<Attributes>)> {
    view.rows()
        .map(|row| (view.word(row).to_vec(), bits(view.vector(row)), view.attributes(row).cloned()))
        .collect()
}

fn view(store: &Store, meta: &Meta) -> Result<View> {
    store.view(meta, Arc::new(store.read(meta).unwrap()))
}

/// A table with writes, and what it is after them.
fn written(store: &Store, table: &str, seed: usize) -> (Meta, View) {
    let meta = import(store, table, seed);
    let mut expected = view(store, &meta).unwrap();
    for (sequence, changes) in (1..).zip(writes(expected.dim())) {
        store.append(meta.generation, sequence, &changes).unwrap();
        expected = expected.after(&changes).unwrap();
    }
    store.make_durable().unwrap();
    (meta, expected)
}

/// Takes the writes up to this view into a new generation.
fn rebuilt(store: &Store, old: &Meta, view: &View) -> Meta {
    let mut builder = TableBuilder::new(view.dim()).unwrap();
    let mut attributes = BTreeMap::new();
    for row in view.rows() {
        if let Some(known) = view.attributes(row) {
            attributes.insert(RowId::try_from(builder.len()).unwrap(), known.clone());
        }
        builder.push(view.word(row), view.vector(row)).unwrap();
    }
    let mut staging = store.stage(view.dim()).unwrap();
    staging.end(&builder).unwrap();
    staging.complete(&attributes).unwrap();
    let applied = Applied {
        lineage: Some(old.lineage()),
        sequence: view.sequence(),
        attributed_rows: attributes.len() as u64,
    };
    let meta = Meta { applied, ..meta_of(old.name.as_str(), &staging, &builder, 0) };
    staging.switch(&meta).unwrap().remove();
    meta
}

#[test]
fn writes_are_there_after_a_restart_and_go_into_a_rebuild_and_with_their_table() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (meta, expected) = written(&store, "en", 5);
    drop(store);
    let store = open(folder.path());
    assert_eq!(told(&view(&store, &meta).unwrap()), told(&expected));

    let last = vec![Change::Delete { word: b"new0".to_vec() }];
    store.append(meta.generation, 4, &last).unwrap();
    let meta = rebuilt(&store, &meta, &expected);
    let expected = expected.after(&last).unwrap();
    assert_eq!(store.shared.journal.iter().count(), 1, "the writes in the rows are gone");
    drop(store);
    let (store, swept) = Store::open(folder.path()).unwrap();
    assert_eq!(swept, Swept::default());
    assert_eq!(store.tables().unwrap(), std::slice::from_ref(&meta));
    assert_eq!(told(&view(&store, &meta).unwrap()), told(&expected));

    let again = import(&store, "en", 6);
    assert!(store.shared.journal.is_empty() && store.shared.attributes.is_empty());
    // What a crash in the middle of such a removal leaves is swept.
    for lineage in [meta.generation, again.generation] {
        store.append(lineage, 1, &last).unwrap();
    }
    drop(store);
    let (store, swept) = Store::open(folder.path()).unwrap();
    assert_eq!(swept, Swept { writes: 1, ..Swept::default() });
    store.delete(&name("en")).unwrap();
    assert!(store.shared.journal.is_empty() && store.shared.rows.is_empty());
}

#[test]
fn a_damaged_or_missing_write_or_attribute_is_told_and_never_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (meta, expected) = written(&store, "en", 5);
    let check = |tree: &sled::Tree, meta: &Meta, part_of: &str, may_end_early: bool| {
        let refused = |what: &str| {
            let error = view(&store, meta).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{what}: {error}");
            assert!(error.to_string().contains(part_of), "{what}: {error}");
        };
        let records: Vec<_> = tree.iter().map(Result::unwrap).collect();
        for (i, (key, good)) in records.iter().enumerate() {
            for at in [0, 1, 5, good.len() / 2, good.len() - 1] {
                let mut flipped = good.to_vec();
                flipped[at] ^= 1;
                tree.insert(key, flipped).unwrap();
                refused("flipped");
                tree.insert(key, &good[..at]).unwrap();
                refused("cut");
            }
            tree.remove(key).unwrap();
            // That the last write is missing is what nobody can know.
            if !(may_end_early && i == records.len() - 1) {
                refused("missing");
            }
            tree.insert(key, good).unwrap();
        }
        assert!(view(&store, meta).is_ok());
    };
    assert!(store.shared.journal.iter().count() > 4, "one write has several parts");
    check(&store.shared.journal, &meta, "of its journal", true);
    store.shared.journal.insert(key::write(meta.generation, 9, 0), b"surplus").unwrap();
    assert!(matches!(view(&store, &meta).unwrap_err().kind(), ErrorKind::Corrupt { .. }));
    store.shared.journal.remove(key::write(meta.generation, 9, 0)).unwrap();
    let meta = rebuilt(&store, &meta, &expected);
    check(&store.shared.attributes, &meta, "attributes 0", false);
}

#[test]
fn the_largest_write_is_there_whole_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut builder = TableBuilder::new(1_024).unwrap();
    builder.push(b"the", &[1.0; 1_024]).unwrap();
    let staging = store.stage(1_024).unwrap();
    let meta = meta_of("en", &staging, &builder, 0);
    staging.commit(&builder, &BTreeMap::new(), meta.clone()).unwrap();
    let count = crate::limits::WRITE_BYTES_MAX / 4_096;
    let put = |i: usize| Change::Put {
        word: format!("w{i}").into_bytes(),
        vector: vec![i as f32; 1_024],
        attributes: Attributes::new(),
    };
    let changes: Vec<_> = (0..count).map(put).collect();
    store.append(meta.generation, 1, &changes).unwrap();
    store.make_durable().unwrap();
    let copied = tempfile::tempdir().unwrap();
    copy(folder.path(), copied.path());
    let store = open(copied.path());
    assert_eq!(view(&store, &meta).unwrap().len(), 1 + count);
}

/// Two of three buckets, and a list of n-grams if one is wanted.
struct Two;

impl Buckets for Two {
    fn dim(&self) -> usize {
        2
    }

    fn add(&self, bucket: u64, sum: &mut [f32]) -> Result<Added> {
        let row: [f32; 2] = match bucket {
            0 => [1.5, -2.0],
            2 => [f32::MIN_POSITIVE, 0.25],
            _ => return Ok(Added::No),
        };
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        Ok(Added::Yes)
    }

    fn numbers(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        Box::new([0, 2].into_iter())
    }

    fn bytes(&self) -> usize {
        16
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files that are meant to be damaged")]
fn tables_of_positions_come_back_and_damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("7.tables");
    let matrix = |rows: &[[f32; 2]]| {
        let mut matrix = Matrix::new(2);
        for row in rows {
            matrix.push(row);
        }
        matrix
    };
    let norm =
        LayerNorm { weight: vec![1.0, -0.0], bias: vec![f32::MIN_POSITIVE, 2.0], eps: 1e-12 };
    let whole = InputTables {
        positions: Some(matrix(&[[1.5, -2.0], [0.1, 3.0], [7.0, 8.0]])),
        first_position: 1,
        segments: Some(matrix(&[[0.5, 0.25]])),
        norm: Some(norm),
    };
    let none = InputTables { segments: None, norm: None, ..whole.clone() };
    for inputs in [whole, none] {
        let meta = inputs::write(&path, 7, 2, &inputs).unwrap();
        let good = fs::read(&path).unwrap();
        assert_eq!(meta.bytes, good.len() as u64);
        assert_eq!(inputs::read(&path, 7).unwrap(), inputs);
        assert!(inputs::read(&path, 8).is_err(), "of another lineage");
        for at in 0..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 1;
            for bytes in [flipped.as_slice(), &good[..at]] {
                fs::write(&path, bytes).unwrap();
                let error = inputs::read(&path, 7).unwrap_err();
                assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "byte {at}");
            }
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files that are meant to be damaged")]
fn sub_words_come_back_and_damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let list = [(b"ab".to_vec(), 0), (b"b>".to_vec(), 2), (b"<x".to_vec(), 1)];
    for hashing in [Hashing::Fasttext { buckets: 3 }, Hashing::Explicit(Arc::new(list.into()))] {
        let subwords = Subwords {
            hashing,
            combine: Combine::Mean,
            min_n: 2,
            max_n: 4,
            brackets: ("<".to_owned(), ">".to_owned()),
            buckets: Arc::new(Two),
        };
        let path = folder.path().join("7.buckets");
        let meta = subwords::write(&path, 7, &subwords).unwrap();
        let good = fs::read(&path).unwrap();
        assert_eq!((meta.rows, meta.bytes), (2, good.len() as u64));
        let words: [&[u8]; 4] = [b"ab", b"x", b"abab", b"\xFF"];
        let read = subwords::read(&path, 7).unwrap();
        assert_eq!((&read.hashing, read.max_n), (&subwords.hashing, 4));
        let expected = words.map(|word| subwords.vector(word).unwrap());
        assert_eq!(words.map(|word| read.vector(word).unwrap()), expected);
        assert!(subwords::read(&path, 8).is_err(), "of another lineage");
        for at in 0..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 1;
            for bytes in [flipped.as_slice(), &good[..at]] {
                fs::write(&path, bytes).unwrap();
                let read = subwords::read(&path, 7);
                let found = read.and_then(|read| {
                    [0, 2]
                        .into_iter()
                        .try_for_each(|row| read.buckets.add(row, &mut [0.0; 2]).map(|_| ()))
                });
                assert!(
                    matches!(found.unwrap_err().kind(), ErrorKind::Corrupt { .. }),
                    "byte {at}"
                );
            }
        }
    }
}
