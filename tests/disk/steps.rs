//! Random steps of a user, what must be there after them, and whether an engine agrees.

use std::collections::BTreeMap;
use std::path::Path;

use wordspace::engine::config::EngineConfig;
use wordspace::engine::import::{IfExists, ImportOptions, Source, TokenizerPolicy, WholeRow};
use wordspace::engine::life::CreateOptions;
use wordspace::engine::write::{
    AttributesChange, AttributesQuery, DeleteQuery, PutMode, PutQuery, PutWord,
};
use wordspace::engine::{Ask, Engine, NewTestSet};
use wordspace::error::Result;
use wordspace::evaluation::test_set::TestSetKind;
use wordspace::format::intake::Policies;
use wordspace::query::lookup::{Layout, LookupQuery};
use wordspace::query::words::WordsQuery;
use wordspace::query::{OovPolicy, WordOptions, WordOrVector};
use wordspace::table::attributes::{AttributeValue, Attributes};
use wordspace::table::meta::{IndexChoice, Residence, TableName};
use wordspace::text::spec::{File, Kind, Spec};
use wordspace::vector::Dtype;

use crate::told::nearest;

/// A small generator of numbers (Steele, Lea and Flood 2014), the same on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one_of<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }
}

/// The name of a table, or of something else.
pub(crate) fn name(text: &str) -> TableName {
    TableName::try_from(text.to_owned()).unwrap()
}

/// A word with what is kept of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Word {
    text: String,
    vector: Vec<f32>,
    attributes: BTreeMap<String, String>,
}

/// What must be there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model {
    /// Words in row order.
    pub(crate) tables: BTreeMap<String, Vec<Word>>,
    /// Components of each table's vectors.
    dims: BTreeMap<String, u32>,
    /// The table of each alias.
    pub(crate) aliases: BTreeMap<String, String>,
    /// Which tokenizer a table has.
    defaults: BTreeMap<String, String>,
    /// The vocabulary of each tokenizer.
    tokenizers: BTreeMap<String, String>,
    /// The file of each test set.
    test_sets: BTreeMap<String, String>,
}

/// What a user does.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Import(String, Vec<Word>),
    Put(String, Vec<Word>),
    Delete(String, Vec<String>),
    Set(String, String, Option<(String, String)>),
    /// Takes writes into a new generation, and waits for it or not.
    Build(String, bool),
    DeleteTable(String),
    Create(String, u32),
    /// Of the first, the second.
    Copy(String, String),
    /// The first becomes the second.
    Rename(String, String),
    SetAlias(String, String),
    RemoveAlias(String),
    PutTokenizer(String, String),
    DeleteTokenizer(String),
    SetDefault(String, Option<String>),
    PutTestSet(String, String),
    DeleteTestSet(String),
}

/// Somebody who takes steps, on tables whose names begin with a number of his own.
#[derive(Clone, Debug)]
pub(crate) struct User {
    number: usize,
    dice: Dice,
    /// After the steps so far.
    pub(crate) model: Model,
}

const ATTRIBUTES: [&str; 3] = ["a", "b", "seen"];

impl User {
    pub(crate) fn new(number: usize, seed: u64) -> Self {
        Self { number, dice: Dice::new(seed), model: Model::default() }
    }

    /// What he does next, which the model has then.
    pub(crate) fn step(&mut self) -> Step {
        let step = self.draw();
        self.model.take(&step);
        step
    }

    fn name(&mut self, kind: &str, count: usize) -> String {
        format!("u{}-{kind}{}", self.number, self.dice.below(count))
    }

    fn draw(&mut self) -> Step {
        loop {
            let tables: Vec<_> = self.model.tables.keys().cloned().collect();
            let kind = self.dice.below(48);
            if tables.is_empty() || kind < 4 {
                let table = self.name("t", 4);
                return Step::Import(table, self.rows());
            }
            let table = self.dice.one_of(&tables).clone();
            let step = match kind {
                4..=32 => self.of_words(table, kind),
                33..40 => self.of_shelves(table, kind),
                _ => self.of_names(table, kind),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn of_words(&mut self, table: String, kind: usize) -> Option<Step> {
        let words: Vec<_> =
            self.model.tables[&table].iter().map(|word| word.text.clone()).collect();
        match kind {
            4..=16 => {
                let dim = usize::try_from(self.model.dims[&table]).unwrap();
                let count = [1, 1, 2, 5, 40][self.dice.below(5)];
                // Few words, so that they meet often.
                let put: Vec<_> = (0..count).map(|_| self.word(dim, 60)).collect();
                let put: BTreeMap<_, _> =
                    put.into_iter().map(|word| (word.text.clone(), word)).collect();
                Some(Step::Put(table, put.into_values().collect()))
            }
            17..=27 if words.is_empty() => None,
            17..=22 => {
                let count = 1 + self.dice.below(3);
                let mut gone: Vec<_> =
                    (0..count).map(|_| self.dice.one_of(&words).clone()).collect();
                gone.sort();
                gone.dedup();
                Some(Step::Delete(table, gone))
            }
            23..=27 => {
                let word = self.dice.one_of(&words).clone();
                let attribute = self.attribute();
                Some(Step::Set(table, word, (self.dice.below(3) > 0).then_some(attribute)))
            }
            28..=30 => Some(Step::Build(table, self.dice.below(2) == 0)),
            _ => {
                let is_named = self.model.aliases.values().any(|of| *of == table);
                (!is_named).then_some(Step::DeleteTable(table))
            }
        }
    }

    fn of_names(&mut self, table: String, kind: usize) -> Option<Step> {
        let (new, alias) = (self.name("t", 4), self.name("a", 3));
        let is_free = !self.model.tables.contains_key(&new);
        match kind {
            40 => is_free.then(|| Step::Create(new, [2, 3, 40][self.dice.below(3)])),
            41 | 42 => is_free.then_some(Step::Copy(table, new)),
            43 | 44 => is_free.then_some(Step::Rename(table, new)),
            45 | 46 => Some(Step::SetAlias(alias, table)),
            _ => self.model.aliases.contains_key(&alias).then_some(Step::RemoveAlias(alias)),
        }
    }

    fn of_shelves(&mut self, table: String, kind: usize) -> Option<Step> {
        let (tokenizer, set) = (self.name("k", 3), self.name("s", 3));
        match kind {
            33 | 34 => {
                let vocabulary = format!("[UNK]\nking\nw{}\n", self.dice.below(1_000));
                Some(Step::PutTokenizer(tokenizer, vocabulary))
            }
            35 => {
                let is_used = self.model.defaults.values().any(|used| *used == tokenizer);
                let is_there = self.model.tokenizers.contains_key(&tokenizer);
                (is_there && !is_used).then_some(Step::DeleteTokenizer(tokenizer))
            }
            36 | 37 if self.dice.below(4) == 0 => Some(Step::SetDefault(table, None)),
            36 | 37 => {
                let is_there = self.model.tokenizers.contains_key(&tokenizer);
                is_there.then_some(Step::SetDefault(table, Some(tokenizer)))
            }
            38 => {
                let file = format!("w1\tw2\t{}\n", self.dice.below(1_000));
                Some(Step::PutTestSet(set, file))
            }
            _ => self.model.test_sets.contains_key(&set).then_some(Step::DeleteTestSet(set)),
        }
    }

    fn rows(&mut self) -> Vec<Word> {
        let dim = [2, 3, 40][self.dice.below(3)];
        let count = [3, 10, 60, 60, 2_500][self.dice.below(5)];
        (0..count).map(|i| Word { text: format!("w{i}"), ..self.word(dim, 60) }).collect()
    }

    fn word(&mut self, dim: usize, words: usize) -> Word {
        let text = format!("w{}", self.dice.below(words));
        let vector = (0..dim).map(|_| self.dice.below(9) as f32 - 4.0).collect();
        let attributes = if self.dice.below(6) == 0 {
            [self.attribute()].into_iter().collect()
        } else {
            BTreeMap::new()
        };
        Word { text, vector, attributes }
    }

    fn attribute(&mut self) -> (String, String) {
        let name = (*self.dice.one_of(&ATTRIBUTES)).to_owned();
        (name, format!("v{}", self.dice.below(100)))
    }
}

impl Model {
    #[expect(clippy::too_many_lines, reason = "one arm a step")]
    fn take(&mut self, step: &Step) {
        match step {
            Step::Import(table, words) => {
                let dim = u32::try_from(words[0].vector.len()).unwrap();
                self.dims.insert(table.clone(), dim);
                self.tables.insert(table.clone(), words.clone());
            }
            Step::Create(table, dim) => {
                self.dims.insert(table.clone(), *dim);
                self.tables.insert(table.clone(), Vec::new());
            }
            Step::Copy(of, name) => {
                self.tables.insert(name.clone(), self.tables[of].clone());
                self.dims.insert(name.clone(), self.dims[of]);
                if let Some(tokenizer) = self.defaults.get(of).cloned() {
                    self.defaults.insert(name.clone(), tokenizer);
                }
            }
            Step::Rename(old, name) => {
                fn renamed<T>(map: &mut BTreeMap<String, T>, old: &str, name: &str) {
                    if let Some(kept) = map.remove(old) {
                        map.insert(name.to_owned(), kept);
                    }
                }
                renamed(&mut self.tables, old, name);
                renamed(&mut self.dims, old, name);
                renamed(&mut self.defaults, old, name);
                self.aliases
                    .values_mut()
                    .filter(|of| *of == old)
                    .for_each(|of| of.clone_from(name));
            }
            Step::SetAlias(alias, table) => {
                self.aliases.insert(alias.clone(), table.clone());
            }
            Step::RemoveAlias(alias) => _ = self.aliases.remove(alias),
            Step::Put(table, words) => {
                let known = self.tables.get_mut(table).unwrap();
                for word in words {
                    match known.iter_mut().find(|known| known.text == word.text) {
                        Some(known) => {
                            known.vector.clone_from(&word.vector);
                            known.attributes.extend(word.attributes.clone());
                        }
                        None => known.push(word.clone()),
                    }
                }
            }
            Step::Delete(table, words) => {
                self.tables.get_mut(table).unwrap().retain(|word| !words.contains(&word.text));
            }
            Step::Set(table, text, change) => {
                let known = self.tables.get_mut(table).unwrap();
                let known = known.iter_mut().find(|known| known.text == *text).unwrap();
                match change {
                    Some((name, value)) => _ = known.attributes.insert(name.clone(), value.clone()),
                    None => known.attributes.clear(),
                }
            }
            Step::Build(..) => {}
            Step::DeleteTable(table) => {
                self.tables.remove(table);
                self.dims.remove(table);
                self.defaults.remove(table);
            }
            Step::PutTokenizer(name, file) => {
                self.tokenizers.insert(name.clone(), file.clone());
            }
            Step::DeleteTokenizer(name) => _ = self.tokenizers.remove(name),
            Step::SetDefault(table, Some(name)) => {
                self.defaults.insert(table.clone(), name.clone());
            }
            Step::SetDefault(table, None) => _ = self.defaults.remove(table),
            Step::PutTestSet(name, file) => {
                self.test_sets.insert(name.clone(), file.clone());
            }
            Step::DeleteTestSet(name) => _ = self.test_sets.remove(name),
        }
    }

    /// What an engine has of a user's.
    pub(crate) fn of(engine: &Engine, user: usize) -> Result<Self> {
        let prefix = format!("u{user}-");
        let mut model = Self::default();
        for status in engine.tables() {
            let table = status.meta.name;
            if table.as_str().starts_with(&prefix) {
                let words = words_of(engine, &table)?;
                assert_eq!(status.meta.row_count, words.len() as u64, "{table}");
                for alias in status.aliases {
                    assert!(words_of(engine, &alias)? == words, "{alias} of {table}");
                    model.aliases.insert(alias.to_string(), table.to_string());
                }
                model.dims.insert(table.to_string(), status.meta.dim);
                model.tables.insert(table.to_string(), words);
            }
        }
        for status in engine.tokenizers() {
            if status.name.starts_with(&prefix) {
                let spec = engine.tokenizer_spec(&status.name)?;
                let file = String::from_utf8(spec.files[0].bytes.clone()).unwrap();
                for table in status.tables {
                    // What a table that is gone had is seen when it comes again.
                    if model.tables.contains_key(&table) {
                        model.defaults.insert(table, status.name.clone());
                    }
                }
                model.tokenizers.insert(status.name, file);
            }
        }
        for status in engine.test_sets()? {
            if status.name.as_str().starts_with(&prefix) {
                let (_, file) = engine.test_set(&status.name)?;
                let file = String::from_utf8(file).unwrap();
                model.test_sets.insert(status.name.to_string(), file);
            }
        }
        Ok(model)
    }

    /// Where two differ, in few words.
    pub(crate) fn difference(&self, other: &Self) -> String {
        let mut told = Vec::new();
        let both = |told: &mut Vec<String>, what: &str, a: String, b: String| {
            if a != b {
                told.push(format!("{what}: {a} and {b}"));
            }
        };
        let keys = |model: &Self| format!("{:?}", model.tables.keys());
        both(&mut told, "tables", keys(self), keys(other));
        for (table, words) in &self.tables {
            let Some(others) = other.tables.get(table) else { continue };
            let odd = words.iter().zip(others).find(|(a, b)| a != b);
            let lens = (words.len(), others.len());
            if odd.is_some() || lens.0 != lens.1 {
                told.push(format!("{table}: {lens:?} words, {odd:?}"));
            }
        }
        both(
            &mut told,
            "defaults",
            format!("{:?}", self.defaults),
            format!("{:?}", other.defaults),
        );
        let (a, b) = (&self.aliases, &other.aliases);
        both(&mut told, "aliases", format!("{a:?}"), format!("{b:?}"));
        let (a, b) = (&self.dims, &other.dims);
        both(&mut told, "components", format!("{a:?}"), format!("{b:?}"));
        let (a, b) = (&self.tokenizers, &other.tokenizers);
        both(&mut told, "tokenizers", format!("{a:?}"), format!("{b:?}"));
        let (a, b) = (&self.test_sets, &other.test_sets);
        both(&mut told, "test sets", format!("{a:?}"), format!("{b:?}"));
        told.join("; ")
    }
}

fn words_of(engine: &Engine, table: &TableName) -> Result<Vec<Word>> {
    let query = WordsQuery { page_size: 10_000, ..WordsQuery::default() };
    let listing = Ask { table: table.clone(), query };
    let found = loop {
        let listed = engine.words(&listing)?;
        let rows = listed.answer.words.iter().map(|one| WordOrVector::Row(one.row));
        let query = LookupQuery {
            queries: rows.collect(),
            unit: false,
            layout: Layout::default(),
            words: WordOptions::default(),
        };
        let found = engine.lookup(&Ask { table: table.clone(), query });
        // A rebuild that ends between the two gives rows other numbers.
        if engine.words(&listing)?.of.generation == listed.of.generation {
            break found?.answer.vectors;
        }
    };
    let word = |found: wordspace::query::lookup::WordVector| Word {
        text: String::from_utf8(found.word).unwrap(),
        vector: found.vector,
        attributes: found
            .attributes
            .iter()
            .map(|(name, value)| (name.to_owned(), text(value)))
            .collect(),
    };
    Ok(found.into_iter().flatten().map(word).collect())
}

fn text(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Text(text) => text.clone(),
        AttributeValue::Number(number) => number.to_string(),
        AttributeValue::Integer(number) => number.to_string(),
        AttributeValue::Flag(flag) => flag.to_string(),
        AttributeValue::Date(date) => date.to_string(),
        AttributeValue::List(values) => values.iter().map(text).collect::<Vec<_>>().join(","),
    }
}

fn attributes(word: &Word) -> Attributes {
    let kept =
        |(name, value): (&String, &String)| (name.clone(), AttributeValue::Text(value.clone()));
    word.attributes.iter().map(kept).collect()
}

pub(crate) fn open(folder: &Path) -> Result<Engine> {
    Engine::open(&EngineConfig { index_threads: 1, ..EngineConfig::new(folder) })
}

fn import(engine: &Engine, table: &str, words: &[Word]) -> Result<()> {
    let options = ImportOptions {
        table: name(table),
        source_name: "a trial".to_owned(),
        policies: Policies::default(),
        if_exists: IfExists::Replace,
        limit: None,
        total_bytes: None,
        imported_at: 1_700_000_000,
        counts: None,
        license: String::new(),
        told: String::new(),
        dry_run: false,
        tokenizer: TokenizerPolicy::Attach,
        index: IndexChoice::Auto,
        dtype: None,
        residence: Residence::Memory,
    };
    let rows: Vec<Result<WholeRow>> = words
        .iter()
        .map(|word| Ok((word.text.clone().into_bytes(), word.vector.clone(), attributes(word))))
        .collect();
    engine.import(&options, Source::Rows(Box::new(rows.into_iter())), &mut |_| {}).map(drop)
}

/// Until nothing is built in the background.
pub(crate) fn wait(engine: &Engine) {
    while engine.tables().iter().any(|table| table.index.is_under_way()) {
        // Not yielding: one who yields again and again takes the core from the one who works.
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// Takes a step.
#[expect(clippy::too_many_lines, reason = "one arm a step")]
pub(crate) fn take(engine: &Engine, step: &Step) -> Result<()> {
    match step {
        Step::Import(table, words) => import(engine, table, words),
        Step::Put(table, words) => {
            let put = |word: &Word| PutWord {
                word: word.text.clone().into_bytes(),
                vector: word.vector.clone(),
                attributes: attributes(word),
            };
            let query = PutQuery { words: words.iter().map(put).collect(), mode: PutMode::Upsert };
            engine.put(&Ask { table: name(table), query }).map(drop)
        }
        Step::Delete(table, words) => {
            let queries = words.iter().cloned().map(WordOrVector::Word).collect();
            let query = DeleteQuery { queries, oov: OovPolicy::Error };
            engine.delete_words(&Ask { table: name(table), query }).map(drop)
        }
        Step::Set(table, word, change) => {
            let query = WordOrVector::Word(word.clone());
            let kept = |(name, value): &(String, String)| {
                (name.clone(), AttributeValue::Text(value.clone()))
            };
            let gone = ATTRIBUTES.iter().filter(|_| change.is_none());
            let remove = gone.map(|name| (*name).to_owned()).collect();
            let change = AttributesChange { query, remove, set: change.iter().map(kept).collect() };
            let query = AttributesQuery { changes: vec![change], oov: OovPolicy::Error };
            engine.set_attributes(&Ask { table: name(table), query }).map(drop)
        }
        Step::Build(table, waits) => {
            engine.build_index(&name(table), None)?;
            if *waits {
                wait(engine);
            }
            Ok(())
        }
        Step::DeleteTable(table) => engine.delete(&[name(table)]).map(drop),
        Step::Create(table, dim) => {
            let options = CreateOptions {
                table: name(table),
                dim: usize::try_from(*dim).unwrap(),
                dtype: Dtype::F32,
                // Some vectors stay on the disk.
                residence: if dim.is_multiple_of(2) { Residence::Disk } else { Residence::Memory },
                index: IndexChoice::Auto,
                tokenizer: None,
                license: String::new(),
                created_at: 1_700_000_000,
            };
            engine.create(&options).map(drop)
        }
        Step::Copy(of, new) => engine.copy(&name(of), &name(new)).map(drop),
        Step::Rename(old, new) => engine.rename(&name(old), &name(new)).map(drop),
        Step::SetAlias(alias, table) => engine.set_alias(&name(alias), &name(table)).map(drop),
        Step::RemoveAlias(alias) => engine.remove_alias(&name(alias)).map(drop),
        Step::PutTokenizer(tokenizer, file) => {
            let file = File { name: "vocab.txt".to_owned(), bytes: file.clone().into_bytes() };
            let spec = Spec { kind: Kind::WordPiece { cased: false }, files: vec![file] };
            engine.put_tokenizer(&name(tokenizer), &spec, true).map(drop)
        }
        Step::DeleteTokenizer(tokenizer) => engine.delete_tokenizer(tokenizer),
        Step::SetDefault(table, tokenizer) => {
            engine.set_default_tokenizer(&name(table), tokenizer.as_deref())
        }
        Step::PutTestSet(set, file) => {
            let set = NewTestSet {
                name: name(set),
                kind: TestSetKind::WordPairs,
                file: file.clone().into_bytes(),
                source: String::new(),
                replace: true,
            };
            engine.put_test_set(&set).map(drop)
        }
        Step::DeleteTestSet(set) => engine.delete_test_set(&name(set)),
    }
}

/// The nearest words of each table are those that comparing every row finds.
pub(crate) fn check_search(engine: &Engine, model: &Model, seed: u64) {
    let mut dice = Dice::new(seed);
    for (table, words) in &model.tables {
        let mut vector: Vec<f32> =
            (0..model.dims[table]).map(|_| dice.below(9) as f32 - 4.0).collect();
        vector[0] += 0.5;
        let k = 1 + dice.below(12);
        let asked = WordOrVector::Vector(vector.clone());
        let near = nearest(engine, &name(table), asked, k, dice.below(2) == 0).unwrap();
        let mut all: Vec<f64> = words.iter().map(|word| cosine(&word.vector, &vector)).collect();
        all.sort_by(|a, b| b.total_cmp(a));
        assert_eq!(near.len(), k.min(words.len()), "{table}, seed {seed}");
        for ((word, _, similarity), wanted) in near.iter().zip(all) {
            let known = words.iter().find(|known| known.text == *word).unwrap();
            let own = cosine(&known.vector, &vector);
            let is_right =
                (own - wanted).abs() < 1e-6 && (own - f64::from(*similarity)).abs() < 1e-6;
            assert!(
                is_right,
                "{table}, seed {seed}: {word} has {own}, told {similarity}, not {wanted}"
            );
        }
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    if norms > 0.0 { dot(a, b) / norms } else { 0.0 }
}
