//! Models of gensim: `KeyedVectors` and what holds them, with the arrays that stand in files beside; and
//! a dictionary of words and vectors.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{At, Error, Result};
use crate::format::entry::{Beside, Entry, Read, Told};
use crate::format::paired::Paired;
use crate::format::pickle::array::{self, Array, word};
use crate::format::pickle::machine;
use crate::format::pickle::value::{Id, Value, Values};
use crate::format::source::archive::{self, Zip};
use crate::format::tensor::{Matrix, Tensor};
use crate::format::whole::{Parts, Whole};
use crate::format::words::Words;
use crate::format::{Note, malformed, npy, shown};
use crate::text::subword::{Added, Buckets, Combine, Hashing, Subwords};

pub(in crate::format) const ENTRY: Entry = Entry {
    name: NAME,
    title: "gensim model",
    about: "A model that gensim saved, with the .npy files beside it; no code in it is run",
    suffixes: &["kv"],
    begins: |head| {
        let is_text = [b"ccopy_reg\n".as_slice(), b"(dp", b"(lp", b"cgensim.", b"}q\0"];
        let is_binary = matches!(head.bytes, [0x80, 2..=5, ..]);
        Told::likely(is_binary || is_text.iter().any(|start| head.bytes.starts_with(start)))
    },
    read: Read::Whole(open),
    beside: Beside { parts: is_part, ..Entry::DEFAULT.beside },
    ..Entry::DEFAULT
};

const NAME: &str = "gensim";
/// Attributes of a model that are word vectors, the likeliest first.
const VECTORS_OF: &[&str] = &["wv", "dv", "docvecs", "vectors", "kv"];
/// Names of the list of words, by version.
const WORDS: &[&str] = &["index_to_key", "index2word", "index2entity", "offset2doctag"];
/// Names of their matrix, by version.
const MATRICES: &[&str] = &["vectors", "syn0", "vectors_docs", "doctag_syn0"];

/// Arrays are in files of the model's name with their own behind it. Those of a model that is packed may
/// have the name that it has within, and be packed themselves.
fn is_part(main: &str, other: &str) -> bool {
    let behind = |main: &str| other.strip_prefix(main).and_then(|rest| rest.strip_prefix('.'));
    [main, unpacked(main)].into_iter().filter_map(behind).any(|rest| {
        let end = rest.rsplit_once('.').map_or(rest, |(_, end)| end);
        matches!(end, "npy" | "npz")
    })
}

/// The name of a model without that of what packs it.
fn unpacked(name: &str) -> &str {
    PACKED.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

/// Suffixes of what packs a model.
const PACKED: &[&str] = &[".gz", ".bz2", ".xz", ".zst"];

fn fits(words: &Words, matrix: &Tensor) -> Result<()> {
    if words.len() <= matrix.rows {
        return Ok(());
    }
    Err(wrong(format!("{} words have {} vectors", words.len(), matrix.rows)))
}

fn wrong(problem: impl Into<String>) -> Error {
    malformed(NAME, At::Byte(0), problem)
}

/// A model that is looked through.
struct Model<'a> {
    values: Values,
    whole: &'a Whole<'a>,
}

fn open(whole: &Whole<'_>) -> Result<Parts> {
    let model = Model { values: machine::read(whole.bytes)?, whole };
    let root = model.values.root;
    if let Some(parts) = model.dictionary(root)? {
        return Ok(parts);
    }
    let (vectors, path) = model.keyed_vectors(root)?;
    let words = model.words(vectors)?;
    let mut notes = Vec::new();
    let class = model.values.class(vectors).unwrap_or("KeyedVectors").to_owned();
    let others: Vec<&str> = VECTORS_OF
        .iter()
        .copied()
        .filter(|&name| {
            let other = model.values.attribute(root, name);
            name != path && other.is_some_and(|other| model.find(other, WORDS).is_some())
        })
        .collect();
    let mut told = format!("{} words of {}", words.len(), shown(class.as_bytes()));
    if !path.is_empty() {
        told.extend([", the model's ", path]);
    }
    if !others.is_empty() {
        told.extend(["; --tensor ", others.join(" or ").as_str(), " reads the others"]);
    }
    notes.push(Note { reason: "model", done: "read as data", at: At::Row(0), detail: told });
    if class.contains("FastText") {
        return model.fasttext(vectors, path, words, notes);
    }
    let matrix = model.matrix(vectors, path, MATRICES)?;
    let matrix = matrix.ok_or_else(|| model.no_matrix(path))?;
    fits(&words, &matrix)?;
    Ok(Parts::rows(Paired::new(words, Box::new(matrix), notes)))
}

impl Model<'_> {
    fn find(&self, object: Id, names: &[&str]) -> Option<Id> {
        let mut found = names.iter().filter_map(|name| self.values.attribute(object, name));
        found.find(|&id| !self.values.is_none(id))
    }

    /// The object that has words and vectors, and its name in the model.
    fn keyed_vectors(&self, root: Id) -> Result<(Id, &str)> {
        if let Some(wanted) = self.whole.tensor() {
            let found = self.values.attribute(root, wanted);
            let missing = || wrong(format!("the model has no \"{wanted}\" with words"));
            return Ok((found.filter(|&id| self.has_words(id)).ok_or_else(missing)?, wanted));
        }
        if self.has_words(root) {
            return Ok((root, ""));
        }
        let inner = VECTORS_OF.iter().find_map(|&name| {
            let inner = self.values.attribute(root, name)?;
            self.has_words(inner).then_some((inner, name))
        });
        inner.ok_or_else(|| {
            let is = match self.values.class(root) {
                Some(class) => format!("a pickle of a {}", shown(class.as_bytes())),
                None => format!("a pickle of {}", self.kind(root)),
            };
            wrong(format!("this is {is}, which has no words with vectors"))
        })
    }

    /// What a value is, for people.
    fn kind(&self, id: Id) -> &'static str {
        match self.values.get(id) {
            Value::Dict(_) => "a dict",
            Value::List(_) => "a list",
            Value::Tuple(_) => "a tuple",
            Value::Text(_) => "a text",
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => "a number",
            _ => "other data",
        }
    }

    /// A vocabulary has words if its values know their rows: others count phrases.
    fn has_words(&self, object: Id) -> bool {
        let vocab = self.find(object, &["vocab"]).and_then(|vocab| self.values.entries(vocab));
        let row = |&(_, value): &(Id, Id)| self.values.attribute(value, "index");
        self.find(object, WORDS).is_some_and(|list| self.values.items(list).is_some())
            || vocab.is_some_and(|vocab| vocab.first().and_then(row).is_some())
    }

    fn words(&self, object: Id) -> Result<Words> {
        let mut words = Words::default();
        if let Some(list) = self.find(object, WORDS).and_then(|list| self.values.items(list)) {
            for &item in list {
                let item = word(&self.values, item);
                words.push(&item.ok_or_else(|| wrong("a word is no text"))?);
            }
            return Ok(words);
        }
        // Old models have each word's row in the vocabulary alone.
        let vocab = self.find(object, &["vocab"]).and_then(|vocab| self.values.entries(vocab));
        let mut rows = Vec::new();
        for &(key, value) in vocab.unwrap_or_default() {
            let row = self.values.attribute(value, "index").and_then(|row| self.values.size(row));
            rows.push(row.zip(word(&self.values, key)));
        }
        let rows: Option<Vec<_>> = rows.into_iter().collect();
        let mut rows = rows.ok_or_else(|| wrong("a word of the vocabulary has no row"))?;
        rows.sort_unstable();
        if rows.iter().enumerate().any(|(place, (row, _))| place != *row) {
            return Err(wrong("the rows of the vocabulary do not count"));
        }
        for (_, word) in &rows {
            words.push(word);
        }
        Ok(words)
    }

    /// A matrix of an object: in the pickle, or in a file beside it.
    fn matrix(&self, object: Id, path: &str, names: &[&str]) -> Result<Option<Tensor>> {
        for name in names {
            let found = self.values.attribute(object, name);
            if let Some(array) = found.and_then(|id| Array::of(&self.values, id)) {
                return array.tensor(NAME, &format!("the array {name}")).map(Some);
            }
            let ends = [format!(".{path}.{name}.np"), format!(".{name}.np")];
            let is_array = |rest: &str| {
                let rest = PACKED.iter().find_map(|end| rest.strip_prefix(end)).unwrap_or(rest);
                let kind = ends.iter().find_map(|end| rest.strip_prefix(end.as_str()));
                matches!(kind, Some("y" | "z"))
            };
            let stem = unpacked(self.whole.name);
            let file = self
                .whole
                .others
                .iter()
                .find(|(other, _)| other.strip_prefix(stem).is_some_and(is_array));
            let Some((_, bytes)) = file else { continue };
            if !bytes.starts_with(archive::MAGIC) {
                return npy::open(bytes).map(Some);
            }
            // gensim packs the one array of an archive as "val".
            let array = Zip::open(bytes)?.keep("val.npy", &self.whole.choices.spool)?;
            return npy::open(&array).map(Some);
        }
        Ok(None)
    }

    fn no_matrix(&self, path: &str) -> Error {
        let dot = if path.is_empty() { "" } else { "." };
        wrong(format!(
            "the model's vectors stand in files of their own, such as {}{dot}{path}.vectors.npy: put \
             them beside it",
            if self.whole.name.is_empty() { "NAME" } else { self.whole.name }
        ))
    }

    fn number(&self, object: Id, name: &str) -> Option<u32> {
        let id = self.values.attribute(object, name)?;
        u32::try_from(self.values.int(id)?).ok()
    }

    /// A model with rows for n-grams, of which words have the mean with their own.
    fn fasttext(
        &self,
        object: Id,
        path: &str,
        words: Words,
        mut notes: Vec<Note>,
    ) -> Result<Parts> {
        let n_grams = self.matrix(object, path, &["vectors_ngrams", "syn0_ngrams"])?;
        let sizes = (
            self.number(object, "min_n"),
            self.number(object, "max_n"),
            self.number(object, "bucket"),
        );
        let is_compatible = self.values.attribute(object, "compatible_hash");
        let is_compatible = is_compatible.is_none_or(|id| self.values.int(id) != Some(0));
        let subwords = match (n_grams, sizes) {
            (Some(rows), (Some(min_n), Some(max_n), Some(buckets)))
                if is_compatible && buckets > 0 && max_n > 0 =>
            {
                Some(Subwords {
                    hashing: Hashing::Fasttext { buckets },
                    combine: Combine::Mean,
                    min_n: min_n as usize,
                    max_n: max_n as usize,
                    brackets: ("<".to_owned(), ">".to_owned()),
                    buckets: Arc::new(Rows { kept: self.kept(object), rows }),
                })
            }
            _ => None,
        };
        let subwords = subwords.map(Subwords::check).transpose()?;
        if subwords.is_none() {
            let detail = "n-grams of another hash, or without rows".to_owned();
            notes.push(Note { reason: "subwords_left", done: "not kept", at: At::Row(0), detail });
        }
        if let Some(matrix) = self.matrix(object, path, &["vectors", "syn0"])? {
            fits(&words, &matrix)?;
            let reader = Paired::new(words, Box::new(matrix), notes);
            return Ok(Parts::rows(reader).with_subwords(subwords));
        }
        let own = self.matrix(object, path, &["vectors_vocab", "syn0_vocab"])?;
        let (Some(own), Some(subwords)) = (own, subwords) else { return Err(self.no_matrix(path)) };
        fits(&words, &own)?;
        let matrix = Means { own, subwords: subwords.clone(), words: words.clone() };
        let reader = Paired::new(words, Box::new(matrix), notes);
        Ok(Parts::rows(reader).with_subwords(Some(subwords)))
    }

    /// The rows of the buckets that a model kept; none if it has them all.
    fn kept(&self, object: Id) -> Option<HashMap<u64, usize>> {
        let entries = self.values.entries(self.find(object, &["hash2index"])?)?;
        let kept = entries.iter().filter_map(|&(bucket, row)| {
            Some((u64::try_from(self.values.int(bucket)?).ok()?, self.values.size(row)?))
        });
        let kept: HashMap<u64, usize> = kept.collect();
        (!kept.is_empty()).then_some(kept)
    }

    /// A dictionary of words and vectors; none if it is something else.
    fn dictionary(&self, root: Id) -> Result<Option<Parts>> {
        let Value::Dict(entries) = self.values.get(root) else { return Ok(None) };
        let Some(&(key, first)) = entries.first() else { return Ok(None) };
        let is_vector = Array::of(&self.values, first).is_some_and(|array| array.is_row())
            || self.values.items(first).is_some_and(|items| {
                !items.is_empty()
                    && items.iter().all(|&item| array::number(&self.values, item).is_some())
            });
        if word(&self.values, key).is_none() || !is_vector {
            return Ok(None);
        }
        let mut words = Words::default();
        let mut rows = Vec::with_capacity(entries.len());
        for &(key, value) in entries {
            let word = word(&self.values, key).ok_or_else(|| wrong("a word is no text"))?;
            words.push(&word);
            rows.push(self.vector(value, &word)?);
        }
        let dim = crate::format::roles::usual(rows.iter().map(Vec::len)).unwrap_or(0);
        crate::format::tensor::check_dim(dim, "the vectors")?;
        if let Some(odd) = rows.iter().position(|row| row.len() != dim) {
            let word = shown(words.get(odd));
            let problem =
                format!("the vector of \"{word}\" has {} components, not {dim}", rows[odd].len());
            return Err(wrong(problem));
        }
        let detail = format!("a dictionary of {} words", rows.len());
        let note = Note { reason: "model", done: "read as data", at: At::Row(0), detail };
        Ok(Some(Parts::rows(Paired::new(words, Box::new(Plain { dim, rows }), vec![note]))))
    }

    fn vector(&self, id: Id, word: &[u8]) -> Result<Vec<f32>> {
        let mut vector = Vec::new();
        if let Some(array) = Array::of(&self.values, id) {
            array.row(NAME)?.copy(0, &mut vector);
            return Ok(vector);
        }
        for &item in self.values.items(id).unwrap_or_default() {
            let number = array::number(&self.values, item).ok_or_else(|| {
                let word = shown(word);
                wrong(format!("the vector of \"{word}\" is no list of numbers"))
            })?;
            vector.push(number);
        }
        Ok(vector)
    }
}

/// The rows of n-grams.
struct Rows {
    rows: Tensor,
    kept: Option<HashMap<u64, usize>>,
}

impl Buckets for Rows {
    fn dim(&self) -> usize {
        self.rows.dim
    }

    fn add(&self, bucket: u64, sum: &mut [f32]) -> Result<Added> {
        let row = match &self.kept {
            None => usize::try_from(bucket).ok(),
            Some(kept) => kept.get(&bucket).copied(),
        };
        let Some(row) = row.filter(|&row| row < self.rows.rows) else { return Ok(Added::No) };
        self.rows.add(row, sum);
        Ok(Added::Yes)
    }

    fn numbers(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        let Some(kept) = &self.kept else { return Box::new(0..self.rows.rows as u64) };
        let there = kept.iter().filter(|&(_, &row)| row < self.rows.rows);
        let mut numbers: Vec<u64> = there.map(|(&bucket, _)| bucket).collect();
        numbers.sort_unstable();
        Box::new(numbers.into_iter())
    }

    fn bytes(&self) -> usize {
        self.rows.bytes.len()
    }
}

/// The vector of each word: the mean of its own row and those of its n-grams.
struct Means {
    own: Tensor,
    subwords: Subwords,
    words: Words,
}

impl Matrix for Means {
    fn dim(&self) -> usize {
        self.own.dim
    }

    fn rows(&self) -> usize {
        self.words.len()
    }

    fn row(&mut self, row: usize, vector: &mut Vec<f32>) -> Result<()> {
        self.own.copy(row, vector);
        self.subwords.mean_with(self.words.get(row), vector)
    }

    fn dtype(&self) -> &'static str {
        "f32"
    }
}

/// Vectors in memory.
struct Plain {
    dim: usize,
    rows: Vec<Vec<f32>>,
}

impl Matrix for Plain {
    fn dim(&self) -> usize {
        self.dim
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn row(&mut self, row: usize, vector: &mut Vec<f32>) -> Result<()> {
        vector.clear();
        vector.extend_from_slice(&self.rows[row]);
        Ok(())
    }

    fn dtype(&self) -> &'static str {
        "f32"
    }
}
