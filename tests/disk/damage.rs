//! One bit is flipped, or a file cut: the answer is right or names what is damaged, all else answers,
//! nothing is deleted, and with the bit put back everything is as before.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use wordspace::engine::Engine;
use wordspace::engine::import::{IfExists, ImportOptions, Source, TokenizerPolicy};
use wordspace::engine::write::{DeleteQuery, PutMode, PutQuery, PutWord};
use wordspace::engine::{Ask, NewTestSet};
use wordspace::error::{Error, ErrorKind};
use wordspace::evaluation::test_set::TestSetKind;
use wordspace::format::intake::Policies;
use wordspace::format::source::{Body, Bytes, Named};
use wordspace::query::{OovPolicy, WordOrVector};
use wordspace::table::attributes::{AttributeValue, Attributes};
use wordspace::text::spec::{File, Kind, Spec};

use crate::disk::Watched;
use crate::power::put_file;
use crate::steps::{Dice, name, open, wait};
use crate::told;

/// The words `a`, `</s>` and one that is not UTF-8, and two buckets of n-grams.
fn fasttext() -> Vec<u8> {
    let mut file = Vec::new();
    for int in [793_712_314, 12, 2, 5, 5, 1, 5, 1, 2, 1, 2, 1, 3, 100] {
        file.extend(i32::to_le_bytes(int));
    }
    file.extend(1e-4_f64.to_le_bytes());
    file.extend([3, 3, 0].into_iter().flat_map(i32::to_le_bytes));
    file.extend([9_i64, -1].into_iter().flat_map(i64::to_le_bytes));
    for word in [&b"a"[..], b"</s>", b"\xFFz"] {
        file.extend(word);
        file.push(0);
        file.extend(3_i64.to_le_bytes());
        file.push(0);
    }
    file.push(0);
    file.extend([5_i64, 2].into_iter().flat_map(i64::to_le_bytes));
    for value in [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0, 10.0, 20.0, 100.0, 200.0] {
        file.extend(value.to_le_bytes());
    }
    file
}

const TOKENS: [&str; 6] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "king", "walk"];

/// A checkpoint with positions, segments and a layer norm.
fn checkpoint() -> Vec<Named> {
    let (mut entries, mut data) = (Vec::new(), Vec::new());
    for (tensor, rows) in [
        ("word_embeddings.weight", Some(TOKENS.len())),
        ("position_embeddings.weight", Some(9)),
        ("token_type_embeddings.weight", Some(2)),
        ("LayerNorm.weight", None),
        ("LayerNorm.bias", None),
    ] {
        let shape = rows.map_or_else(|| "[3]".to_owned(), |rows| format!("[{rows},3]"));
        let begin = data.len();
        let values = (0..3 * rows.unwrap_or(1)).map(|i| (i * 7 + begin) as f32 % 23.0 / 8.0 - 1.0);
        data.extend(values.flat_map(f32::to_le_bytes));
        entries.push(format!(
            "\"bert.embeddings.{tensor}\":{{\"dtype\":\"F32\",\"shape\":{shape},\
             \"data_offsets\":[{begin},{}]}}",
            data.len()
        ));
    }
    let header = format!("{{{}}}", entries.join(","));
    let model = [(header.len() as u64).to_le_bytes().as_slice(), header.as_bytes(), &data].concat();
    let vocab: Vec<_> =
        TOKENS.iter().zip(0..).map(|(token, id)| format!("\"{token}\":{id}")).collect();
    let tokenizer = format!(
        "{{\"version\":\"1.0\",\"added_tokens\":[],\"normalizer\":null,\
         \"pre_tokenizer\":{{\"type\":\"BertPreTokenizer\"}},\"post_processor\":null,\"decoder\":null,\
         \"model\":{{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\
         \"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,\"vocab\":{{{}}}}}}}",
        vocab.join(",")
    );
    let config = r#"{"model_type": "bert", "layer_norm_eps": 0.001, "pad_token_id": 0}"#;
    vec![
        whole("model.safetensors", model),
        whole("config.json", config.into()),
        whole("tokenizer.json", tokenizer.into_bytes()),
    ]
}

fn whole(name: &str, bytes: Vec<u8>) -> Named {
    Named { name: name.to_owned(), body: Body::Whole(Bytes::from(bytes)) }
}

fn import(engine: &Engine, table: &str, files: Vec<Named>) {
    let options = ImportOptions {
        table: name(table),
        source_name: format!("{table} of a trial"),
        policies: Policies::default(),
        if_exists: IfExists::Error,
        limit: None,
        total_bytes: None,
        imported_at: 1_700_000_000,
        counts: None,
        license: "CC0-1.0".to_owned(),
        told: String::new(),
        dry_run: false,
        tokenizer: TokenizerPolicy::Attach,
        index: wordspace::table::meta::IndexChoice::Auto,
        dtype: None,
        residence: wordspace::table::meta::Residence::Memory,
    };
    let source = Source::Files(Box::new(files.into_iter()), wordspace::format::Options::default());
    engine.import(&options, source, &mut |_| {}).unwrap();
}

fn text(rows: u16, dim: u16) -> Vec<Named> {
    let line = |i: u16| {
        let values = (0..dim).map(|j| f32::from((i * 31 + j * 17) % 101) / 16.0 - 3.0);
        let values: Vec<_> = values.map(|value| value.to_string()).collect();
        format!("w{i} {}\n", values.join(" "))
    };
    let lines: String = (0..rows).map(line).collect::<Vec<_>>().concat();
    vec![whole("rows.txt", lines.into_bytes())]
}

fn write(engine: &Engine, table: &str) {
    let dim = engine.table(&name(table)).unwrap().meta.dim as usize;
    let put = |i: usize| PutWord {
        word: format!("new{i}").into_bytes(),
        vector: (0..dim).map(|j| (i * 3 + j) as f32 / 4.0 - 1.0).collect(),
        attributes: [("pos".to_owned(), AttributeValue::Text(format!("N{i}")))]
            .into_iter()
            .collect(),
    };
    let query = PutQuery { words: (0..5).map(put).collect(), mode: PutMode::InsertOnly };
    engine.put(&Ask { table: name(table), query }).unwrap();
    let queries = vec![WordOrVector::Word("w3".to_owned()), WordOrVector::Word("new2".to_owned())];
    let query = DeleteQuery { queries, oov: OovPolicy::Error };
    engine.delete_words(&Ask { table: name(table), query }).unwrap();
    let word =
        PutWord { word: b"w1".to_vec(), vector: vec![0.5; dim], attributes: Attributes::new() };
    let query = PutQuery { words: vec![word], mode: PutMode::UpdateOnly };
    engine.put(&Ask { table: name(table), query }).unwrap();
}

/// A folder with something of everything but a graph, closed.
fn make(folder: &Path) {
    let engine = open(folder).unwrap();
    import(&engine, "plain", text(40, 4));
    import(&engine, "written", text(30, 3));
    write(&engine, "written");
    import(&engine, "rebuilt", text(30, 3));
    write(&engine, "rebuilt");
    engine.build_index(&name("rebuilt"), None).unwrap();
    wait(&engine);
    import(&engine, "subwords", vec![whole("small.bin", fasttext())]);
    import(&engine, "bert", checkpoint());
    let file = File { name: "vocab.txt".to_owned(), bytes: b"[UNK]\nking\nwalk\n##ing\n".to_vec() };
    let spec = Spec { kind: Kind::WordPiece { cased: false }, files: vec![file] };
    engine.put_tokenizer(&name("vocab"), &spec, false).unwrap();
    engine.set_default_tokenizer(&name("plain"), Some("vocab")).unwrap();
    let set = NewTestSet {
        name: name("pairs"),
        kind: TestSetKind::WordPairs,
        file: b"w1\tw2\t3.5\nw4\tw5\t9\n".to_vec(),
        source: "a trial".to_owned(),
        replace: false,
    };
    engine.put_test_set(&set).unwrap();
    engine.close();
    // What a start makes of it, too.
    open(folder).unwrap().close();
}

/// Every file by its path below a folder.
fn read(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, below: &str, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let below = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                walk(&path, &format!("{below}/"), found);
            } else {
                found.insert(below, fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, "", &mut found);
    found
}

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Flip { at: usize, bit: u32 },
    Cut { len: usize },
    Gone,
}

/// A folder that is good, and all that it answers.
struct Good {
    files: BTreeMap<String, Vec<u8>>,
    folders: Vec<String>,
    answers: BTreeMap<String, String>,
}

/// All that is asked, by what it is asked of.
fn answers(engine: &Engine, good: Option<&Good>) -> BTreeMap<String, Result<String, Error>> {
    let mut answers = BTreeMap::new();
    for table in told::tables(engine) {
        answers.insert(format!("table {table}"), told::table(engine, &table));
    }
    for status in engine.tokenizers() {
        if status.stored_bytes.is_some() {
            answers.insert(
                format!("tokenizer {}", status.name),
                told::tokenizer(engine, &status.name),
            );
        }
    }
    match engine.test_sets() {
        Ok(sets) => {
            for set in sets {
                answers.insert(format!("test set {}", set.name), told::test_set(engine, &set.name));
            }
        }
        Err(error) => {
            for set in good.iter().flat_map(|good| good.answers.keys()) {
                if set.starts_with("test set") {
                    answers.insert(set.clone(), Err(Error::new(error.kind().clone())));
                }
            }
        }
    }
    answers
}

impl Good {
    fn of(folder: &Path) -> Self {
        let files = read(folder);
        let mut folders = Vec::new();
        for path in files.keys() {
            let mut below = path.as_str();
            while let Some((folder, _)) = below.rsplit_once('/') {
                folders.push(folder.to_owned());
                below = folder;
            }
        }
        folders.extend(
            ["store/blobs".to_owned(), "uploads".to_owned()]
                .into_iter()
                .filter(|below| folder.join(below).is_dir()),
        );
        folders.sort();
        folders.dedup();
        let engine = open(folder).unwrap();
        let answers = answers(&engine, None);
        engine.close();
        let answers = answers.into_iter().map(|(of, told)| (of, told.unwrap())).collect();
        Self { files, folders, answers }
    }

    fn put(&self, folder: &Path) {
        for below in &self.folders {
            fs::create_dir_all(folder.join(below)).unwrap();
        }
        for (below, bytes) in &self.files {
            put_file(&folder.join(below), bytes);
        }
    }

    /// Damages one file, and tells what goes wrong; nothing if all is as promised.
    fn try_damage(&self, file: &str, damage: Damage) -> Vec<String> {
        let mut wrong = Vec::new();
        let folder = tempfile::tempdir().unwrap();
        self.put(folder.path());
        let path = folder.path().join(file);
        let mut bytes = self.files[file].clone();
        match damage {
            Damage::Flip { at, bit } => bytes[at] ^= 1 << bit,
            Damage::Cut { len } => bytes.truncate(len),
            Damage::Gone => fs::remove_file(&path).unwrap(),
        }
        if !matches!(damage, Damage::Gone) {
            put_file(&path, &bytes);
        }
        let watched = Watched::new(folder.path());
        match open(folder.path()) {
            Err(error) => wrong.push(format!("does not open: {error}")),
            Ok(engine) => {
                self.compare(&engine, file, &mut wrong);
                engine.close();
            }
        }
        drop(watched);
        // What is good is still there.
        let left = read(folder.path());
        for (below, bytes) in &self.files {
            // Those change with each start.
            let changes = below.starts_with("store/") || below == "ledger";
            let same = left.get(below).is_some_and(|left| left == bytes);
            if below != file && !changes && !same {
                wrong.push(format!("{below} is gone or another"));
            }
        }
        self.put_back(folder.path(), file, damage, &bytes);
        let _watched = Watched::new(folder.path());
        match open(folder.path()) {
            Err(error) => wrong.push(format!("repaired: does not open: {error}")),
            Ok(engine) => {
                for (of, told) in self.wrong(&engine) {
                    let told =
                        told.map_or_else(|| "not there".to_owned(), |error| error.to_string());
                    wrong.push(format!("repaired: {of}: {told}"));
                }
                engine.close();
            }
        }
        wrong
    }

    /// The bit is as it was, if its byte is where it was; a file that was cut is whole again.
    fn put_back(&self, folder: &Path, file: &str, damage: Damage, damaged: &[u8]) {
        let path = folder.join(file);
        let good = &self.files[file];
        let Damage::Flip { at, .. } = damage else {
            put_file(&path, good);
            return;
        };
        let Ok(mut now) = fs::read(&path) else { return };
        // In a file that was made anew, other bytes stand there.
        let near = at.saturating_sub(16)..(at + 16).min(damaged.len());
        if now.get(near.clone()) == damaged.get(near) {
            now[at] = good[at];
            put_file(&path, &now);
        }
    }

    /// What is not answered as it should be: with an error, or none if it is not even there.
    fn wrong(&self, engine: &Engine) -> BTreeMap<String, Option<Error>> {
        let mut found = answers(engine, Some(self));
        let mut wrong = BTreeMap::new();
        for (of, expected) in &self.answers {
            match found.remove(of) {
                Some(Ok(told)) if told == *expected => {}
                Some(Ok(told)) => {
                    let odd = told.lines().zip(expected.lines()).find(|(a, b)| a != b);
                    let because = format!("FALSE: {odd:?}");
                    wrong.insert(of.clone(), Some(Error::invalid("answer", because)));
                }
                Some(Err(error)) => _ = wrong.insert(of.clone(), Some(error)),
                None => _ = wrong.insert(of.clone(), None),
            }
        }
        for of in found.into_keys() {
            wrong.insert(of, Some(Error::invalid("answer", "it was never there")));
        }
        wrong
    }

    fn compare(&self, engine: &Engine, file: &str, wrong: &mut Vec<String>) {
        let found = self.wrong(engine);
        for (of, error) in &found {
            match error {
                None => wrong.push(format!("{of} is gone without a word")),
                Some(error) if matches!(error.kind(), ErrorKind::Corrupt { .. }) => {}
                Some(error) => wrong.push(format!("{of}: {error}")),
            }
        }
        // Beside sled, a file is of one thing.
        if !file.starts_with("store/") && found.len() > 1 {
            wrong.push(format!("more than one thing: {:?}", found.keys()));
        }
    }
}

/// Damages that are tried: so many flips, spread over all bytes that are in use, and some cuts.
fn damages(good: &Good, flips: usize, cuts: usize) -> Vec<(String, Damage)> {
    const NEAR: usize = 64;
    let mut dice = Dice::new(12);
    let mut used: Vec<(&str, usize)> = Vec::new();
    for (below, bytes) in &good.files {
        // Of sled's long runs of zeros, what stands near other bytes.
        let mut last = None;
        for (at, &byte) in bytes.iter().enumerate() {
            if byte != 0 {
                let from = last.map_or(at.saturating_sub(NEAR), |last: usize| {
                    (last + 1).max(at.saturating_sub(NEAR))
                });
                used.extend((from..=at).map(|at| (below.as_str(), at)));
                last = Some(at);
            }
        }
    }
    let mut damages = Vec::new();
    // Each file at least twice, then all over.
    for (below, bytes) in &good.files {
        if !bytes.is_empty() {
            for _ in 0..2 {
                let used: Vec<_> = used.iter().filter(|(file, _)| file == below).collect();
                let at = used.get(dice.below(used.len().max(1))).map_or(0, |(_, at)| *at);
                damages.push((
                    below.clone(),
                    Damage::Flip { at, bit: u32::try_from(dice.below(8)).unwrap() },
                ));
            }
            for _ in 0..cuts.div_ceil(good.files.len()) {
                damages.push((below.clone(), Damage::Cut { len: dice.below(bytes.len()) }));
            }
        }
        // Of what is on a shelf nothing else knows.
        if !below.contains("tokenizers/") && !below.contains("test-sets/") {
            damages.push((below.clone(), Damage::Gone));
        }
    }
    for (below, at) in used.iter().step_by(used.len().div_ceil(flips).max(1)) {
        let bit = u32::try_from(dice.below(8)).unwrap();
        damages.push(((*below).to_owned(), Damage::Flip { at: *at, bit }));
    }
    damages
}

/// `WORDSPACE_FLIPS=20000 cargo test --release --test disk damage` is the long form.
#[test]
fn damage_is_named_and_takes_nothing_else_with_it() {
    let flips = std::env::var("WORDSPACE_FLIPS").map_or(40, |flips| flips.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let good = Good::of(folder.path());
    let (mut tried, mut failed) = (0, Vec::new());
    for (file, damage) in damages(&good, flips, flips / 2) {
        tried += 1;
        let wrong = good.try_damage(&file, damage);
        if !wrong.is_empty() {
            failed.push(format!("{file} {damage:?}: {}", wrong.join("; ")));
        }
    }
    println!("{tried} damages, {} went wrong", failed.len());
    assert!(failed.is_empty(), "{} of {tried}:\n{}", failed.len(), failed.join("\n"));
}
