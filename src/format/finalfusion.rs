//! finalfusion's `.fifu`: chunks of vocabulary, vectors and norms.
//!
//! `FiFu`, u32 version (0), u32 count of chunks, u32 kind of each; then each chunk: u32 kind, u64
//! length, contents. Kinds: 1 words, 2 array, 3 words and buckets by finalfusion's hash, 4 quantized
//! array, 5 metadata, 6 norms, 7 words and buckets by fastText's hash, 8 words and a list of n-grams,
//! 9 buckets by floret's hash. Numbers begin at the next multiple of 4 of the file, and one more
//! multiple behind if they would begin there anyway. Vectors have length 1 where norms stand apart.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use crate::error::{At, Result};
use crate::format::entry::{Beside, Entry, Read, Told, Writer};
use crate::format::floret::made;
use crate::format::paired::Paired;
use crate::format::quantized::{self, Codes};
use crate::format::selection::{Selection, check_words, vectors};
use crate::format::source::Bytes;
use crate::format::source::bytes::Cursor;
use crate::format::tensor::{Dtype, Endian, Matrix, Order, Tensor, check_dim};
use crate::format::whole::{Parts, Whole};
use crate::format::words::Words;
use crate::format::{Note, malformed};
use crate::text::subword::{Added, Buckets, Combine, Hashing, Subwords};

const NAME: &str = "finalfusion";

pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    title: "finalfusion",
    about: "finalfusion's .fifu",
    suffixes: &["fifu"],
    begins: |head| Told::surely(matches!(head.bytes, [b'F', b'i', b'F', b'u', _, 0, 0, 0, ..])),
    read: Read::Whole(read),
    write: Some(Writer { check, write, ..Writer::DEFAULT }),
    beside: Beside { words: true, ..Entry::DEFAULT.beside },
    ..Entry::DEFAULT
};

fn read(whole: &Whole<'_>) -> Result<Parts> {
    let model = open(whole.bytes)?;
    match model.subwords {
        Some(subwords) if model.words.len() == 0 => made(whole, subwords, model.notes, no_words()),
        subwords => {
            let reader = Paired::new(model.words, Box::new(model.matrix), model.notes);
            Ok(Parts::rows(reader).with_subwords(subwords))
        }
    }
}
/// The kind of single-precision numbers.
const F32: u32 = 10;
const METADATA: u32 = 5;
/// Chunks that a file may have; one of each kind makes sense.
const CHUNKS_MAX: u32 = 64;

/// A file, read but for its vectors.
struct Model {
    words: Words,
    matrix: WordRows,
    subwords: Option<Subwords>,
    notes: Vec<Note>,
}

/// The vocabulary's n-grams.
struct NGrams {
    hashing: Hashing,
    min_n: usize,
    max_n: usize,
    brackets: (String, String),
}

fn open(bytes: &Bytes) -> Result<Model> {
    let mut cursor = Cursor::new(bytes, NAME);
    cursor.take(4, "the beginning")?;
    let version = cursor.u32("the version")?;
    if version != 0 {
        return Err(cursor.wrong(format!("version {version} of the format is not known")));
    }
    let count = cursor.u32("the list of chunks")?;
    if count > CHUNKS_MAX {
        return Err(cursor.wrong(format!("the file claims {count} chunks")));
    }
    cursor.take(4 * count as usize, "the list of chunks")?;
    let (mut words, mut n_grams, mut storage, mut norms) = (None, None, None, None);
    let mut notes = Vec::new();
    for _ in 0..count {
        let kind = cursor.u32("a chunk")?;
        let length = cursor.u64("a chunk")?;
        let length = cursor.count(length.into(), 1, "bytes of a chunk")?;
        let begin = cursor.offset();
        match kind {
            1 => words = Some(simple(&mut cursor)?),
            3 | 7 => {
                let (list, subword) = buckets(&mut cursor, kind)?;
                (words, n_grams) = (Some(list), Some(subword));
            }
            8 => {
                let (list, subword) = explicit(&mut cursor)?;
                (words, n_grams) = (Some(list), Some(subword));
            }
            9 => (words, n_grams) = (Some(Words::default()), Some(floret(&mut cursor)?)),
            2 => storage = Some(Storage::Dense(array(&mut cursor)?)),
            4 => storage = Some(Storage::Quantized(quantized::finalfusion(&mut cursor)?)),
            6 => norms = Some(read_norms(&mut cursor)?),
            METADATA => notes.push(Note {
                reason: "metadata",
                done: "not kept",
                at: At::Byte(begin as u64),
                detail: crate::format::shown(&bytes[begin..begin + length]),
            }),
            other => return Err(cursor.wrong(format!("a chunk has the unknown kind {other}"))),
        }
        cursor.seek(begin + length, "a chunk")?;
    }
    let words: Words = words.ok_or_else(|| cursor.wrong("the file has no vocabulary"))?;
    let storage = Arc::new(storage.ok_or_else(|| cursor.wrong("the file has no vectors"))?);
    let rows = storage.rows();
    if rows < words.len() {
        let problem = format!("there are {rows} vectors for {} words", words.len());
        return Err(cursor.wrong(problem));
    }
    if let Some(norms) = norms.as_ref().filter(|norms: &&Tensor| norms.rows < words.len()) {
        let problem = format!("there are {} norms for {} words", norms.rows, words.len());
        return Err(cursor.wrong(problem));
    }
    let subwords = n_grams.filter(|_| rows > words.len()).map(|n_grams| Subwords {
        hashing: n_grams.hashing,
        combine: Combine::Unit,
        min_n: n_grams.min_n,
        max_n: n_grams.max_n,
        brackets: n_grams.brackets,
        buckets: Arc::new(BucketRows { storage: Arc::clone(&storage), words: words.len() }),
    });
    let subwords = subwords.map(Subwords::check).transpose()?;
    let matrix = WordRows { rows: words.len(), storage, norms, norm: Vec::new() };
    Ok(Model { words, matrix, subwords, notes })
}

fn text(cursor: &mut Cursor, what: &str) -> Result<Vec<u8>> {
    let length = cursor.u32(what)?;
    let length = cursor.count(length.into(), 1, "bytes of a text")?;
    Ok(cursor.take(length, what)?.to_vec())
}

fn list(cursor: &mut Cursor, count: u64) -> Result<Words> {
    let count = cursor.count(count.into(), 4, "words")?;
    let mut words = Words::default();
    for _ in 0..count {
        words.push(&text(cursor, "the vocabulary")?);
    }
    Ok(words)
}

fn simple(cursor: &mut Cursor) -> Result<Words> {
    let count = cursor.u64("the vocabulary")?;
    list(cursor, count)
}

fn lengths(cursor: &mut Cursor) -> Result<(usize, usize)> {
    let (min_n, max_n) = (cursor.u32("the vocabulary")?, cursor.u32("the vocabulary")?);
    if min_n == 0 || min_n > max_n {
        return Err(cursor.wrong(format!("n-grams of {min_n} to {max_n} characters")));
    }
    Ok((min_n as usize, max_n as usize))
}

fn angles() -> (String, String) {
    ("<".to_owned(), ">".to_owned())
}

fn buckets(cursor: &mut Cursor, kind: u32) -> Result<(Words, NGrams)> {
    let count = cursor.u64("the vocabulary")?;
    let (min_n, max_n) = lengths(cursor)?;
    let buckets = cursor.u32("the vocabulary")?;
    let hashing = match kind {
        3 if buckets < 64 => Hashing::Finalfusion { exponent: buckets },
        7 if buckets > 0 => Hashing::Fasttext { buckets },
        _ => return Err(cursor.wrong(format!("the vocabulary claims {buckets} buckets"))),
    };
    let words = list(cursor, count)?;
    Ok((words, NGrams { hashing, min_n, max_n, brackets: angles() }))
}

fn explicit(cursor: &mut Cursor) -> Result<(Words, NGrams)> {
    let (words, n_grams) = (cursor.u64("the vocabulary")?, cursor.u64("the vocabulary")?);
    let (min_n, max_n) = lengths(cursor)?;
    let words = list(cursor, words)?;
    let count = cursor.count(n_grams.into(), 12, "n-grams")?;
    // Rows are in the order in which their numbers come first.
    let (mut list, mut rows) = (HashMap::new(), HashMap::new());
    for _ in 0..count {
        let n_gram = text(cursor, "the n-grams")?;
        let number = cursor.u64("the n-grams")?;
        let next = rows.len() as u64;
        list.insert(n_gram, *rows.entry(number).or_insert(next));
    }
    let hashing = Hashing::Explicit(Arc::new(list));
    Ok((words, NGrams { hashing, min_n, max_n, brackets: angles() }))
}

fn floret(cursor: &mut Cursor) -> Result<NGrams> {
    let (min_n, max_n) = lengths(cursor)?;
    let buckets = cursor.u64("the vocabulary")?;
    let hashes = cursor.u32("the vocabulary")?;
    let seed = cursor.u32("the vocabulary")?;
    let mut bracket = || -> Result<String> {
        Ok(String::from_utf8_lossy(&text(cursor, "the vocabulary")?).into_owned())
    };
    let brackets = (bracket()?, bracket()?);
    match u32::try_from(buckets) {
        Ok(buckets) if buckets > 0 && (1..=4).contains(&hashes) => {
            let hashing = Hashing::Floret { buckets, hashes, seed };
            Ok(NGrams { hashing, min_n, max_n, brackets })
        }
        Ok(_) | Err(_) => {
            Err(cursor.wrong(format!("the vocabulary claims {buckets} buckets, {hashes} hashes")))
        }
    }
}

fn pad(cursor: &mut Cursor) -> Result<()> {
    cursor.take(padding(cursor.offset()), "the padding").map(drop)
}

/// 1 to 4 bytes: the original tool pads even where it need not.
fn padding(offset: usize) -> usize {
    4 - offset % 4
}

fn array(cursor: &mut Cursor) -> Result<Tensor> {
    let rows = cursor.u64("the array")?;
    let dim = cursor.u32("the array")? as usize;
    numbers(cursor, rows, dim, "the array")
}

fn read_norms(cursor: &mut Cursor) -> Result<Tensor> {
    let rows = cursor.u64("the norms")?;
    numbers(cursor, rows, 1, "the norms")
}

fn numbers(cursor: &mut Cursor, rows: u64, dim: usize, what: &str) -> Result<Tensor> {
    if cursor.u32(what)? != F32 {
        return Err(cursor.wrong(format!("the numbers of {what} are not of single precision")));
    }
    check_dim(dim, what)?;
    pad(cursor)?;
    let rows = cursor.count(rows.into(), dim * 4, "rows")?;
    let bytes = cursor.part(rows * dim * 4, what)?;
    Tensor { bytes, dtype: Dtype::F32, endian: Endian::Little, order: Order::Rows, rows, dim }
        .check(NAME, what)
}

enum Storage {
    Dense(Tensor),
    Quantized(Codes),
}

impl Storage {
    fn rows(&self) -> usize {
        match self {
            Self::Dense(tensor) => tensor.rows,
            Self::Quantized(codes) => codes.rows(),
        }
    }

    fn dim(&self) -> usize {
        match self {
            Self::Dense(tensor) => tensor.dim,
            Self::Quantized(codes) => codes.dim(),
        }
    }

    fn add(&self, row: usize, sum: &mut [f32]) {
        match self {
            Self::Dense(tensor) => tensor.add(row, sum),
            Self::Quantized(codes) => codes.add(row, sum),
        }
    }
}

struct BucketRows {
    storage: Arc<Storage>,
    words: usize,
}

impl Buckets for BucketRows {
    fn dim(&self) -> usize {
        self.storage.dim()
    }

    fn add(&self, bucket: u64, sum: &mut [f32]) -> Result<Added> {
        let row = usize::try_from(bucket).ok().and_then(|row| row.checked_add(self.words));
        match row.filter(|&row| row < self.storage.rows()) {
            Some(row) => {
                self.storage.add(row, sum);
                Ok(Added::Yes)
            }
            None => Ok(Added::No),
        }
    }

    fn numbers(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        Box::new(0..self.storage.rows().saturating_sub(self.words) as u64)
    }

    fn bytes(&self) -> usize {
        match &*self.storage {
            Storage::Dense(tensor) => (tensor.rows - self.words) * tensor.dim * 4,
            Storage::Quantized(codes) => codes.bytes(),
        }
    }
}

/// The vector of each word at its own length.
struct WordRows {
    rows: usize,
    storage: Arc<Storage>,
    norms: Option<Tensor>,
    norm: Vec<f32>,
}

impl Matrix for WordRows {
    fn dim(&self) -> usize {
        self.storage.dim()
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn row(&mut self, row: usize, vector: &mut Vec<f32>) -> Result<()> {
        match &*self.storage {
            Storage::Dense(tensor) => tensor.copy(row, vector),
            Storage::Quantized(codes) => {
                vector.clear();
                vector.resize(codes.dim(), 0.0);
                codes.add(row, vector);
            }
        }
        if let Some(norms) = &mut self.norms {
            norms.row(row, &mut self.norm)?;
            for value in vector {
                *value *= self.norm[0];
            }
        }
        Ok(())
    }

    fn dtype(&self) -> &'static str {
        match &*self.storage {
            Storage::Dense(_) => "f32",
            Storage::Quantized(_) => "pq",
        }
    }
}

/// The format's words are UTF-8.
fn check(table: &Selection<'_>) -> Result<()> {
    check_words(table, "writing finalfusion", |word| {
        let because = "is not UTF-8, as this format's words must be";
        std::str::from_utf8(word).is_err().then_some(because)
    })
}

/// Writes a table: words and an array. Vectors are written as they are, without norms apart, so
/// that they are read back bit for bit.
fn write(table: &Selection<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let words: usize = table.rows().map(|row| 4 + table.word(row).len()).sum();
    let mut told = String::new();
    for (name, value) in table.metadata {
        // A text of JSON is one of TOML.
        let value = serde_json::to_string(value)?;
        told.extend([name, " = ", value.as_str(), "\n"]);
    }
    out.write_all(b"FiFu")?;
    let chunks: &[u32] = if told.is_empty() { &[0, 2, 1, 2] } else { &[0, 3, METADATA, 1, 2] };
    for number in chunks {
        out.write_all(&number.to_le_bytes())?;
    }
    let mut head = 4 + 4 * chunks.len();
    if !told.is_empty() {
        head += 12 + told.len();
        out.write_all(&METADATA.to_le_bytes())?;
        out.write_all(&(told.len() as u64).to_le_bytes())?;
        out.write_all(told.as_bytes())?;
    }
    out.write_all(&1_u32.to_le_bytes())?;
    out.write_all(&(8 + words as u64).to_le_bytes())?;
    out.write_all(&(table.len() as u64).to_le_bytes())?;
    for row in table.rows() {
        let word = table.word(row);
        let length = u32::try_from(word.len()).map_err(io::Error::other)?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(word)?;
    }
    // Both chunks' beginnings, the list of words, the array's sizes.
    let before = head + 12 + 8 + words + 12 + 16;
    let padding = padding(before);
    let length = 16 + padding + table.len() * table.dim() * 4;
    out.write_all(&2_u32.to_le_bytes())?;
    out.write_all(&(length as u64).to_le_bytes())?;
    out.write_all(&(table.len() as u64).to_le_bytes())?;
    out.write_all(&u32::try_from(table.dim()).map_err(io::Error::other)?.to_le_bytes())?;
    out.write_all(&F32.to_le_bytes())?;
    out.write_all(&[0; 4][..padding])?;
    vectors(table, out)
}

/// A vocabulary of buckets alone has no words of its own.
fn no_words() -> crate::error::Error {
    malformed(
        NAME,
        At::Byte(0),
        "the file holds n-grams and no words; name a file of words with --words FILE",
    )
}
