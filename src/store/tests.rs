//! Tests of the store: a model under random operations, damage, crashes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::container::Writer;
use crate::error::ErrorKind;
use crate::table::attributes::{AttributeValue, Attributes};
use crate::table::builder::TableBuilder;
use crate::table::columns::{Collected, ColumnsBuilder};
use crate::table::input::{InputTables, LayerNorm};
use crate::table::meta::{Applied, IndexChoice, Provenance, Residence};
use crate::table::part::{self, INPUTS, SUBWORDS};
use crate::text::subword::{Added, Buckets, Combine, Hashing, Subwords};
use crate::vector::matrix::Matrix;
use crate::vector::{Dtype, RowId};

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
    rows.map(|row| (builder.word(row).to_vec(), bits(&builder.vector(row)))).collect()
}

fn stored(store: &Store, meta: &Meta) -> Rows {
    let table = store.read(meta).unwrap();
    let rows = (0..table.len()).map(|row| RowId::try_from(row).unwrap());
    rows.map(|row| (table.word(row).to_vec(), bits(&table.vector(row)))).collect()
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
        dtype: builder.dtype(),
        provenance,
        applied: Applied::default(),
        subwords: None,
        inputs: None,
        index: IndexChoice::Auto,
        residence: Residence::Memory,
    }
}

/// Imports the rows of a seed.
fn import(store: &Store, table: &str, seed: usize) -> Meta {
    let builder = builder_of(seed);
    let mut staging = store.stage(Dtype::F32, builder.dim()).unwrap();
    staging.push(&builder).unwrap();
    let meta = meta_of(table, &staging, &builder, seed);
    commit(staging, &builder, &meta);
    meta
}

fn commit(mut staging: Staging, builder: &TableBuilder, meta: &Meta) {
    staging.end(builder).unwrap();
    staging.complete(&Collected::default()).unwrap();
    staging.switch(meta, TokenizerOf::Same).unwrap().remove();
}

/// The tables that can be read.
fn tables(store: &Store) -> Vec<Meta> {
    let whole = store.tables().into_iter().filter(|table| table.problem.is_none());
    whole.map(|table| table.meta).collect()
}

fn journal_records(store: &Store) -> usize {
    store.shared.catalog.read(|kv| Ok(kv.journal.iter().count())).unwrap()
}

/// The names of all files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in blob::list(folder).unwrap() {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
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

#[expect(clippy::too_many_lines, reason = "one step of each kind")]
#[test]
fn the_store_agrees_with_a_map_under_random_operations() {
    for seed in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(folder.path());
        let mut model: BTreeMap<String, Rows> = BTreeMap::new();
        let mut aliases: BTreeMap<TableName, TableName> = BTreeMap::new();
        let mut generations = BTreeSet::new();
        let mut dice = Dice(seed);
        for step in 0..60 {
            let table = format!("t{}", dice.below(3));
            let (other, is_named) =
                (format!("t{}", dice.below(4)), aliases.values().any(|of| of.as_str() == table));
            match dice.below(12) {
                0..=3 => {
                    let rows_seed = dice.below(1000);
                    let meta = import(&store, &table, rows_seed);
                    assert!(generations.insert(meta.generation), "seed {seed}: a number twice");
                    model.insert(table, rows_of(&builder_of(rows_seed)));
                }
                4 => {
                    let builder = builder_of(dice.below(1000));
                    let mut abandoned = store.stage(Dtype::F32, builder.dim()).unwrap();
                    abandoned.push(&builder).unwrap();
                    assert!(!generations.contains(&abandoned.generation()), "seed {seed}");
                }
                5 => {
                    let deleted = store.delete(&[name(&table)]).is_ok();
                    assert_eq!(deleted, model.contains_key(&table) && !is_named, "seed {seed}");
                    model.retain(|known, _| !deleted || *known != table);
                }
                8 => {
                    let is_free =
                        !model.contains_key(&other) && !aliases.contains_key(&name(&other));
                    let renamed = store.rename(&name(&table), &name(&other)).is_ok();
                    assert_eq!(renamed, is_free && model.contains_key(&table), "seed {seed}");
                    if renamed && let Some(rows) = model.remove(&table) {
                        let named = aliases.values_mut().filter(|of| of.as_str() == table);
                        named.for_each(|of| *of = name(&other));
                        model.insert(other, rows);
                    }
                }
                9 => {
                    let Some(of) = tables(&store).into_iter().find(|m| m.name.as_str() == table)
                    else {
                        continue;
                    };
                    let copy = store.copy(&of, 0, &name(&other), &|| Ok(())).unwrap();
                    assert!(!generations.contains(&copy.meta().generation), "seed {seed}");
                    if dice.below(4) > 0 && !aliases.contains_key(&name(&other)) {
                        generations.insert(copy.meta().generation);
                        copy.switch(|_| true).unwrap().0.remove();
                        model.insert(other, model[&table].clone());
                    }
                }
                10 | 11 => {
                    // "t3" is a table's name sometimes.
                    let alias = name(["a", "t3"][dice.below(2)]);
                    let is_free = !model.contains_key(alias.as_str());
                    if dice.below(3) == 0 {
                        let was = aliases.remove(&alias);
                        assert_eq!(store.remove_alias(&alias).ok(), was, "seed {seed}");
                    } else if let Ok(before) = store.set_alias(&alias, &name(&table)) {
                        assert!(is_free && model.contains_key(&table), "seed {seed}");
                        assert_eq!(before, aliases.insert(alias, name(&table)), "seed {seed}");
                    } else {
                        assert!(!is_free || !model.contains_key(&table), "seed {seed}");
                    }
                }
                6 | 7 => {
                    drop(store);
                    let (opened, swept) = Store::open(folder.path()).unwrap();
                    assert_eq!(swept, Swept::default(), "seed {seed}: nothing was cut short");
                    store = opened;
                }
                _ => unreachable!("the dice has twelve sides"),
            }
            assert_eq!(store.aliases(), aliases, "seed {seed}, step {step}");
            let tables = tables(&store);
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
    let mut staging = store.stage(Dtype::F32, 100).unwrap();
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
    commit(staging, &builder, &meta);
    drop(store);
    assert_eq!(stored(&open(folder.path()), &meta), rows_of(&builder));
}

#[test]
fn an_import_that_a_crash_ended_is_invisible_and_swept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let meta = import(&store, "en", 1);
    let unfinished = builder_of(2);
    let mut staging = store.stage(Dtype::F32, unfinished.dim()).unwrap();
    let generation = staging.generation();
    // What is on the disk right before the manifest is what a crash there leaves.
    staging.end(&unfinished).unwrap();
    staging.complete(&Collected::default()).unwrap();
    let torn = folder::generation(folder.path(), meta.generation).join(".wordspace-graph.0");
    blob::create(&torn).unwrap();
    let crashed = tempfile::tempdir().unwrap();
    copy(folder.path(), crashed.path());
    drop((staging, store));

    let (store, swept) = Store::open(crashed.path()).unwrap();
    assert_eq!(swept, Swept { generations: 1, ..Swept::default() });
    assert_eq!(tables(&store), std::slice::from_ref(&meta));
    assert_eq!(stored(&store, &meta), rows_of(&builder_of(1)));
    let left = files(&crashed.path().join("generations"));
    let left: Vec<_> = left.iter().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(left, ["manifest", "vectors", "words"]);
    assert!(store.stage(Dtype::F32, 1).unwrap().generation() >= generation);
    drop(store);
    assert_eq!(Store::open(crashed.path()).unwrap().1, Swept::default());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files that are meant to be damaged")]
fn a_part_that_is_not_as_it_was_written_is_damage_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (meta, other) = (import(&store, "en", 3), import(&store, "de", 3));
    let path = |meta: &Meta, part| folder::generation(folder.path(), meta.generation).join(part);
    for part in ["words", "vectors"] {
        let good = fs::read(path(&meta, part)).unwrap();
        let refused = |bytes: Option<&[u8]>, what: &str| {
            match bytes {
                Some(bytes) => fs::write(path(&meta, part), bytes).unwrap(),
                None => fs::remove_file(path(&meta, part)).unwrap(),
            }
            let error = store.read(&meta).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{what}: {error}");
            assert!(error.to_string().contains(part), "{what}: {error}");
            assert!(error.to_string().contains("table \"en\""), "{what}: {error}");
        };
        for at in (0..64).step_by(7).chain((64..good.len()).step_by(good.len() / 9)) {
            let mut flipped = good.clone();
            flipped[at] ^= 1;
            // Between sections nothing is read.
            if good[at] != 0 {
                refused(Some(&flipped), &format!("flipped byte {at}"));
            }
            refused(Some(&good[..at]), &format!("cut at byte {at}"));
        }
        refused(Some(&[&good[..], &[0]].concat()), "a byte more");
        // The same rows under another number.
        refused(Some(&fs::read(path(&other, part)).unwrap()), "another one's");
        refused(None, "missing");
        fs::write(path(&meta, part), &good).unwrap();
        assert_eq!(stored(&store, &meta), rows_of(&builder_of(3)));
    }
    assert_eq!(stored(&store, &other), rows_of(&builder_of(3)));
    store.delete(&[name("en")]).unwrap();
}

/// Two tables without writes, one with; closed.
fn three_tables(folder: &Path) -> (Vec<Meta>, Told) {
    let store = open(folder);
    let (first, second) = (import(&store, "first", 4), import(&store, "second", 5));
    let (third, expected) = written(&store, "third", 6);
    (vec![first, second, third], told(&expected))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files that are meant to be damaged")]
fn a_changed_key_value_store_takes_no_table_away_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (metas, expected) = three_tables(folder.path());
    let before = files(folder.path());
    let all_is_right = || {
        let (store, swept) = Store::open(folder.path()).unwrap();
        assert_eq!((store.refusal(), swept), (None, Swept::default()));
        assert_eq!(tables(&store), metas);
        assert_eq!(told(&view(&store, &metas[2]).unwrap()), expected);
    };
    let sleds = before.iter().filter(|path| path.starts_with(folder.path().join("store")));
    let sleds: Vec<_> = sleds.cloned().collect();
    let mut dice = Dice(9);
    for _ in 0..24 {
        let path = &sleds[dice.below(sleds.len())];
        let good = fs::read(path).unwrap();
        // Most of the log is empty.
        let used = good.iter().rposition(|&byte| byte != 0).map_or(good.len(), |last| last + 1);
        let mut damaged = good.clone();
        if dice.below(3) == 0 {
            damaged.truncate(dice.below(used));
        } else {
            damaged[dice.below(used)] ^= 1 << dice.below(8);
        }
        fs::write(path, &damaged).unwrap();
        let (store, swept) = Store::open(folder.path()).unwrap();
        let what = store.refusal().unwrap().to_owned();
        assert!(what.contains(&*path.file_name().unwrap().to_string_lossy()), "{what}");
        assert_eq!(swept, Swept::default());
        assert_eq!(tables(&store), metas, "{what}");
        for meta in &metas[..2] {
            let seed = usize::try_from(meta.provenance.source_bytes).unwrap();
            assert_eq!(stored(&store, meta), rows_of(&builder_of(seed)));
        }
        match view(&store, &metas[2]) {
            Ok(view) => assert_eq!(told(&view), expected),
            Err(error) => assert!(error.to_string().contains("journal"), "{error}"),
        }
        let refused = [store.stage(Dtype::F32, 3).map(drop), store.ready().map(drop)];
        for error in refused.map(Result::unwrap_err) {
            assert!(error.to_string().contains("wordspace recover"), "{error}");
        }
        drop(store);
        assert_eq!(files(folder.path()), before, "nothing is removed, nothing is added");
        fs::write(path, &good).unwrap();
    }
    all_is_right();

    let (store, aside) = (folder.path().join("store"), folder.path().join("elsewhere"));
    fs::rename(&store, &aside).unwrap();
    let (opened, _) = Store::open(folder.path()).unwrap();
    assert!(opened.refusal().unwrap().contains("is missing"));
    assert_eq!(tables(&opened), metas);
    assert_eq!(stored(&opened, &metas[0]), rows_of(&builder_of(4)));
    let error = view(&opened, &metas[2]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }));
    drop(opened);
    fs::rename(&aside, &store).unwrap();
    all_is_right();
}

#[test]
fn a_store_that_forgot_a_table_is_found_out_also_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let (store, crashed) = (open(folder.path()), tempfile::tempdir().unwrap());
    let metas = [import(&store, "first", 4), import(&store, "second", 5)];
    copy(folder.path(), crashed.path());
    drop(store);
    // As sled does that takes a damaged record for the torn end of its log.
    let kv = kv::Kv::open(&crashed.path().join("store")).unwrap();
    kv.catalog.remove("table/second").unwrap();
    kv.make_durable().unwrap();
    kv.close().unwrap();
    for _ in 0..2 {
        let (store, swept) = Store::open(crashed.path()).unwrap();
        assert!(store.refusal().unwrap().contains("forgot table/second"));
        assert_eq!(swept, Swept::default());
        assert_eq!(tables(&store), metas);
        assert_eq!(stored(&store, &metas[1]), rows_of(&builder_of(5)));
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files that are meant to be damaged")]
fn a_ledger_that_is_damaged_or_missing_is_made_anew_and_removes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (metas, expected) = three_tables(folder.path());
    let ledger = folder.path().join("ledger");
    // A generation that no record names: without a ledger nobody can tell why.
    let left = folder::generation(folder.path(), 99);
    fs::create_dir(&left).unwrap();
    copy(&folder::generation(folder.path(), metas[0].generation), &left);
    let good = fs::read(&ledger).unwrap();
    for (damage, moved) in [(Some(30), 1), (None, 0)] {
        match damage {
            Some(at) => {
                let mut flipped = good.clone();
                flipped[at] ^= 4;
                fs::write(&ledger, flipped).unwrap();
            }
            None => fs::remove_file(&ledger).unwrap(),
        }
        let (store, swept) = Store::open(folder.path()).unwrap();
        assert_eq!(swept, Swept { lost: moved, ..Swept::default() });
        assert_eq!((store.refusal(), tables(&store)), (None, metas.clone()));
        assert_eq!(told(&view(&store, &metas[2]).unwrap()), expected);
    }
    assert!(folder.path().join("lost/99.1/manifest").exists());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files that are meant to be damaged")]
fn a_folder_of_another_version_or_in_use_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    import(&store, "en", 6);
    let in_use = Store::open(folder.path()).unwrap_err().to_string();
    assert!(in_use.contains("another wordspace is using this folder"), "{in_use}");
    drop(store);

    let format = folder.path().join("store/format");
    let good = fs::read(&format).unwrap();
    assert_eq!(good, b"wordspace data folder, format 3\n");
    fs::write(&format, b"wordspace data folder, format 4\n").unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ForeignVersion { expected: 3, got: 4, .. }));
    fs::write(&format, b"wordspace data").unwrap();
    let store = open(folder.path());
    assert!(store.refusal().unwrap().contains("format"));
    assert_eq!(tables(&store).len(), 1);
    drop(store);
    fs::write(&format, good).unwrap();
    // What a start that was killed leaves of sled's snapshot.
    fs::write(folder.path().join("store/snap.0000000000003E4C.generating"), b"").unwrap();
    let store = open(folder.path());
    assert_eq!((store.refusal(), tables(&store).len()), (None, 1));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files that are meant to be damaged")]
fn a_folder_whose_making_was_cut_short_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("store.new")).unwrap();
    fs::write(folder.path().join("store.new/conf"), b"segment_si").unwrap();
    let store = open(folder.path());
    let meta = import(&store, "en", 7);
    assert_eq!(tables(&store), [meta]);
    assert!(!folder.path().join("store.new").exists());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files that are meant to be damaged")]
fn what_is_damaged_is_named_and_what_is_whole_is_recovered() {
    let folder = tempfile::tempdir().unwrap();
    let (metas, expected) = three_tables(folder.path());
    let named = |checked: &check::Checked| {
        let damages = checked.damages.iter();
        let named = damages.map(|damage| (damage.table.clone(), damage.part.clone()));
        named.collect::<BTreeSet<_>>()
    };
    let table = |name: &str, part: &str| (Some(name.to_owned()), part.to_owned());
    let catalog = (None, "catalog".to_owned());
    let checked = check::check(folder.path(), &|| Ok(())).unwrap();
    assert_eq!((named(&checked), checked.whole.len()), (BTreeSet::new(), 3));

    let flip = |path: &str, at: usize| {
        let path = folder.path().join(path);
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= 0x20;
        fs::write(path, bytes).unwrap();
    };
    let vectors = format!("generations/{}/vectors", metas[0].generation);
    flip(&vectors, 100);
    let checked = check::check(folder.path(), &|| Ok(())).unwrap();
    assert_eq!(named(&checked), [table("first", "vectors")].into());
    let store = open(folder.path());
    assert_eq!(store.check(&|| Ok(()), &mut |_, _| {}).unwrap().damages, checked.damages);
    drop(store);
    flip("store/conf", 3);
    let before = files(folder.path());
    let checked = check::check(folder.path(), &|| Ok(())).unwrap();
    assert!(named(&checked).is_superset(&[table("first", "vectors"), catalog].into()));
    assert_eq!(files(folder.path()), before, "a check changes nothing");

    let recovered = recover::recover(folder.path(), &|| Ok(())).unwrap();
    let names: Vec<_> = recovered.tables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["second", "third"]);
    assert!(recovered.losses.iter().any(|loss| loss.contains("table first")), "{recovered:?}");
    let lost = folder.path().join("lost");
    assert!(lost.join(format!("{}.1/vectors", metas[0].generation)).exists());
    assert!(lost.join("store.1/db").exists() && lost.join("ledger.1").exists());
    let store = open(folder.path());
    assert_eq!((store.refusal(), tables(&store)), (None, metas[1..].to_vec()));
    assert_eq!(stored(&store, &metas[1]), rows_of(&builder_of(5)));
    let view = view(&store, &metas[2]).unwrap();
    let writes_are_lost = recovered.losses.iter().any(|loss| loss.contains("its writes 1 to 3"));
    if writes_are_lost {
        assert_eq!(view.sequence(), 0);
    } else {
        assert_eq!(told(&view), expected);
    }
    assert!(import(&store, "new", 7).generation > metas[2].generation);
}

#[test]
fn a_table_that_is_replaced_while_it_is_checked_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    import(&store, "first", 4);
    import(&store, "second", 5);
    // Before each file, and in the middle of it.
    for moment in 1..12 {
        let looks = std::cell::Cell::new(0);
        let go_on = || {
            looks.set(looks.get() + 1);
            if looks.get() == moment {
                import(&store, "first", 10 + moment);
                store.delete(&[name("second")]).unwrap();
                import(&store, "second", 30 + moment);
            }
            Ok(())
        };
        let checked = store.check(&go_on, &mut |_, _| {}).unwrap();
        assert_eq!((checked.damages, checked.whole.len()), (Vec::new(), 2), "at {moment}");
    }
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

/// What a step does: every fourth deletes a table or gives it another name, in turn; the others import
/// one of the step's seed.
fn apply(model: &mut BTreeMap<String, usize>, step: usize) {
    let table = format!("t{}", step % 3);
    match step % 8 {
        3 => _ = model.remove(&table),
        7 => {
            if let Some(rows) = model.remove(&table) {
                model.insert(format!("u{step}"), rows);
            }
        }
        _ => _ = model.insert(table, step),
    }
}

fn write_without_end(folder: &Path, first: usize) -> ! {
    let store = open(folder);
    for step in first.. {
        let table = format!("t{}", step % 3);
        let generation = match step % 8 {
            // A killed process may have done either before.
            3 => {
                let _ = store.delete(&[name(&table)]);
                0
            }
            7 => {
                let _ = store.rename(&name(&table), &name(&format!("u{step}")));
                0
            }
            _ => import(&store, &table, step).generation,
        };
        println!("acknowledged {step} {generation}");
    }
    unreachable!("it is killed")
}

/// The tables of a store and the step that wrote each; every row is compared.
fn found(store: &Store) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for meta in tables(store) {
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

/// Words, bits of vectors, attributes.
type Told = Vec<(Vec<u8>, Vec<u32>, Attributes)>;

/// Everything that a view tells.
fn told(view: &View) -> Told {
    view.rows()
        .map(|row| {
            (view.word(row).to_vec(), bits(&view.vector(row)), view.attributes(row).to_attributes())
        })
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
        let epoch = store.ready().unwrap();
        store.append(epoch, meta.generation, sequence, &changes).unwrap();
        expected = expected.after(&changes).unwrap();
    }
    store.make_durable(store.ready().unwrap()).unwrap();
    (meta, expected)
}

/// Takes the writes up to this view into a new generation.
fn rebuilt(store: &Store, old: &Meta, view: &View) -> Meta {
    let mut builder = TableBuilder::new(view.dim()).unwrap();
    let mut attributes = ColumnsBuilder::default();
    for row in view.rows() {
        attributes.push(RowId::try_from(builder.len()).unwrap(), view.attributes(row));
        builder.push(view.word(row), &view.vector(row)).unwrap();
    }
    let attributes = attributes.build();
    let mut staging = store.stage(Dtype::F32, view.dim()).unwrap();
    staging.end(&builder).unwrap();
    staging.complete(&attributes).unwrap();
    let applied = Applied {
        lineage: Some(old.lineage()),
        sequence: view.sequence(),
        attributed_rows: attributes.attributed() as u64,
    };
    let meta = Meta { applied, ..meta_of(old.name.as_str(), &staging, &builder, 0) };
    staging.inherit(old.generation).unwrap();
    staging.switch(&meta, TokenizerOf::Same).unwrap().remove();
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
    let append = |store: &Store, lineage, sequence| {
        let epoch = store.ready().unwrap();
        store.append(epoch, lineage, sequence, &last).unwrap();
        store.make_durable(epoch).unwrap();
    };
    append(&store, meta.generation, 4);
    let meta = rebuilt(&store, &meta, &expected);
    let expected = expected.after(&last).unwrap();
    assert_eq!(journal_records(&store), 1, "the writes in the rows are gone");
    drop(store);
    let (store, swept) = Store::open(folder.path()).unwrap();
    assert_eq!(swept, Swept::default());
    assert_eq!(tables(&store), std::slice::from_ref(&meta));
    assert_eq!(told(&view(&store, &meta).unwrap()), told(&expected));

    let again = import(&store, "en", 6);
    assert_eq!(journal_records(&store), 0);
    // What a crash in the middle of such a removal leaves is swept.
    for lineage in [meta.generation, again.generation] {
        append(&store, lineage, 1);
    }
    drop(store);
    let (store, swept) = Store::open(folder.path()).unwrap();
    assert_eq!(swept, Swept { writes: 1, ..Swept::default() });
    store.delete(&[name("en")]).unwrap();
    assert_eq!(journal_records(&store), 0);
    assert_eq!(files(&folder.path().join("generations")), Vec::<PathBuf>::new());
}

#[test]
fn a_part_that_is_not_wanted_any_more_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let meta = import(&store, "first", 4);
    let before = files(folder.path());
    let kind = Kind { name: "graph", version: 1, advice: "" };
    let write = || {
        store.write_part(meta.generation, kind, |out| {
            out.section("text", 10)?;
            out.write(b"a graph")
        })
    };
    drop(write().unwrap());
    assert_eq!(files(folder.path()), before);
    write().unwrap().seal().unwrap();
    assert!(store.part(meta.generation, kind).unwrap().is_some());
    let late = write().unwrap();
    store.delete(&[name("first")]).unwrap();
    // As a build does that was under way then.
    let of = folder::generation(folder.path(), meta.generation);
    fs::create_dir(&of).unwrap();
    drop(late);
    assert!(!of.exists());
}

#[test]
fn a_damaged_or_missing_write_is_told_and_never_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (meta, expected) = written(&store, "en", 5);
    let tree = store.shared.catalog.read(|kv| Ok(kv.journal.clone())).unwrap();
    let refused = |what: &str| {
        let error = view(&store, &meta).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{what}: {error}");
        assert!(error.to_string().contains("of its journal"), "{what}: {error}");
    };
    let records: Vec<_> = tree.iter().map(Result::unwrap).collect();
    assert!(records.len() > 4, "one write has several parts");
    for (key, good) in &records {
        for at in [0, 1, 5, good.len() / 2, good.len() - 1] {
            let mut flipped = good.to_vec();
            flipped[at] ^= 1;
            tree.insert(key, flipped).unwrap();
            refused("flipped");
            tree.insert(key, &good[..at]).unwrap();
            refused("cut");
        }
        tree.remove(key).unwrap();
        // Also the last one: the ledger knows of it.
        refused("missing");
        tree.insert(key, good).unwrap();
    }
    assert_eq!(told(&view(&store, &meta).unwrap()), told(&expected));
}

#[test]
fn the_largest_write_is_there_whole_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut builder = TableBuilder::new(1_024).unwrap();
    builder.push(b"the", &[1.0; 1_024]).unwrap();
    let staging = store.stage(Dtype::F32, 1_024).unwrap();
    let meta = meta_of("en", &staging, &builder, 0);
    commit(staging, &builder, &meta);
    let count = crate::limits::WRITE_BYTES_MAX / 4_096;
    let put = |i: usize| Change::Put {
        word: format!("w{i}").into_bytes(),
        vector: vec![i as f32; 1_024],
        attributes: Attributes::new(),
    };
    let changes: Vec<_> = (0..count).map(put).collect();
    let epoch = store.ready().unwrap();
    store.append(epoch, meta.generation, 1, &changes).unwrap();
    store.make_durable(epoch).unwrap();
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

/// Bytes of a container, and every way to damage one of them.
fn damages(good: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..good.len()).flat_map(|at| {
        let mut flipped = good.to_vec();
        flipped[at] ^= 1;
        [flipped, good[..at].to_vec()]
    })
}

#[test]
fn inputs_come_back_and_damage_is_found() {
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
        let mut out = Writer::new(Vec::new(), INPUTS, 7).unwrap();
        part::inputs::write(&inputs, 2, &mut out).unwrap();
        let good = out.finish().unwrap().0;
        let read = |bytes: &[u8], dim| {
            let part = Container::open(Arc::new(bytes.to_vec()), "inputs".to_owned(), INPUTS)?;
            part::inputs::read(&part, dim)
        };
        assert_eq!(read(&good, 2).unwrap(), inputs);
        assert!(read(&good, 3).is_err());
        for damaged in damages(&good) {
            match read(&damaged, 2) {
                Ok(read) => assert!(read == inputs && damaged.len() == good.len()),
                Err(error) => assert!(matches!(error.kind(), ErrorKind::Corrupt { .. })),
            }
        }
    }
}

#[test]
fn sub_words_come_back_and_damage_is_found() {
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
        let mut out = Writer::new(Vec::new(), SUBWORDS, 7).unwrap();
        assert_eq!(part::subwords::write(&subwords, &mut out).unwrap().rows, 2);
        let good = out.finish().unwrap().0;
        let open = |bytes: &[u8]| {
            let part = Container::open(Arc::new(bytes.to_vec()), "them".to_owned(), SUBWORDS)?;
            part::subwords::open(part)
        };
        let words: [&[u8]; 4] = [b"ab", b"x", b"abab", b"\xFF"];
        let read = open(&good).unwrap();
        assert_eq!((&read.hashing, read.max_n), (&subwords.hashing, 4));
        let expected = words.map(|word| subwords.vector(word).unwrap());
        assert_eq!(words.map(|word| read.vector(word).unwrap()), expected);
        for damaged in damages(&good) {
            let all = |read: &Subwords| {
                words.iter().map(|word| read.vector(word)).collect::<Result<Vec<_>>>()
            };
            match open(&damaged).and_then(|read| all(&read)) {
                Ok(read) => assert!(read == expected && damaged.len() == good.len()),
                Err(error) => assert!(matches!(error.kind(), ErrorKind::Corrupt { .. })),
            }
        }
    }
}
