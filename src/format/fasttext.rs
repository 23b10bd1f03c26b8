//! fastText models: `.bin`, quantized `.ftz`, and those of 2016, which have no magic number.
//!
//! Magic number and version (two i32; absent in 2016), the arguments (12 i32 and an f64), the
//! dictionary, the input matrix (words, then buckets), the output matrix, which is not read. The
//! dictionary: i32 size, words, labels; i64 tokens, kept buckets (-1 if all, absent in 2016); each
//! entry as bytes ended by a zero, i64 count, u8 type; pairs of i32, bucket and row. Words are
//! UTF-8 or not: the tool never looks.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{At, Result};
use crate::format::entry::{Entry, Read, Told};
use crate::format::paired::Paired;
use crate::format::quantized::{self, Codes};
use crate::format::source::Bytes;
use crate::format::source::bytes::Cursor;
use crate::format::tensor::{Dtype, Endian, Matrix, Order, Tensor, check_dim};
use crate::format::whole::{Parts, Whole};
use crate::format::words::Words;
use crate::format::{Note, shown};
use crate::text::subword::{Added, Buckets, Combine, Hashing, Subwords};

const NAME: &str = "fasttext";

pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    title: "fastText model",
    about: "fastText's .bin and .ftz models",
    suffixes: &["ftz"],
    begins: |head| {
        let is_new = head.bytes.starts_with(&MAGIC.to_le_bytes());
        if is_new { Told::Surely } else { Told::likely(begins_old(head.bytes)) }
    },
    read: Read::Whole(|whole: &Whole<'_>| {
        let model = open(whole.bytes)?;
        let reader = Paired::new(model.words, Box::new(model.matrix), model.notes);
        Ok(Parts::rows(reader).with_subwords(model.subwords))
    }),
    ..Entry::DEFAULT
};

/// 793712314.
const MAGIC: i32 = 793_712_314;
/// What the tool puts at the end of a line; it has no sub-words.
const END_OF_LINE: &[u8] = b"</s>";

/// A model, read but for its vectors.
struct Model {
    words: Words,
    matrix: WordRows,
    subwords: Option<Subwords>,
    notes: Vec<Note>,
}

/// Whether a file begins like a model without a magic number: arguments that make sense.
fn begins_old(head: &[u8]) -> bool {
    let int = |i: usize| {
        let bytes = head.get(4 * i..4 * i + 4)?;
        Some(i32::from_le_bytes(bytes.try_into().ok()?))
    };
    let within = |i, low, high| int(i).is_some_and(|value| (low..=high).contains(&value));
    let args = [(0, 1, 65_536), (1, 1, 1_000), (2, 1, 1_000_000), (3, 0, 1_000_000)];
    let more = [(4, 0, 10_000), (5, 1, 1_000), (6, 1, 4), (7, 1, 3), (9, 0, 100), (10, 0, 100)];
    args.iter().chain(&more).all(|&(i, low, high)| within(i, low, high))
        && within(8, 0, i32::MAX)
        && within(11, 0, i32::MAX)
}

struct Args {
    dim: i32,
    bucket: i32,
    minn: i32,
    maxn: i32,
}

fn open(bytes: &Bytes) -> Result<Model> {
    let mut cursor = Cursor::new(bytes, NAME);
    let version = version(&mut cursor)?;
    let args = args(&mut cursor, version)?;
    let dictionary = dictionary(&mut cursor, version)?;
    let is_quantized = version.is_some() && cursor.u8("the kind of the matrix")? != 0;
    let input = if is_quantized {
        Input::Quantized(quantized::fasttext(&mut cursor)?)
    } else {
        Input::Dense(dense(&mut cursor)?)
    };
    let (rows, dim) = (input.rows(), input.dim());
    if i64::try_from(dim).ok() != Some(i64::from(args.dim)) {
        let problem = format!("the matrix has {dim} columns, the arguments say {}", args.dim);
        return Err(cursor.wrong(problem));
    }
    let words = dictionary.words.len();
    if rows < words {
        return Err(cursor.wrong(format!("the matrix has {rows} rows for {words} words")));
    }
    let input = Arc::new(input);
    let subwords = subwords(&args, &dictionary, &input, rows - words, &cursor)?;
    let matrix = WordRows {
        input,
        subwords: subwords.clone(),
        words: dictionary.words.clone(),
        type_name: if is_quantized { "pq" } else { "f32" },
    };
    Ok(Model { words: dictionary.words, matrix, subwords, notes: dictionary.notes })
}

/// None for a model of 2016.
fn version(cursor: &mut Cursor) -> Result<Option<i32>> {
    if cursor.i32("the magic number")? != MAGIC {
        cursor.seek(0, "the beginning")?;
        return Ok(None);
    }
    match cursor.i32("the version")? {
        version @ (11 | 12) => Ok(Some(version)),
        other => Err(cursor.wrong(format!("version {other} of the format is not known"))),
    }
}

fn args(cursor: &mut Cursor, version: Option<i32>) -> Result<Args> {
    let mut ints = [0; 12];
    for int in &mut ints {
        *int = cursor.i32("the arguments")?;
    }
    cursor.f64("the arguments")?;
    let [dim, _, _, _, _, _, _, model, bucket, minn, maxn, _] = ints;
    // As the tool does: old supervised models have no character n-grams.
    let maxn = if version == Some(11) && model == SUPERVISED { 0 } else { maxn };
    check_dim(usize::try_from(dim).unwrap_or(0), "the model")?;
    Ok(Args { dim, bucket, minn, maxn })
}

const SUPERVISED: i32 = 3;

struct Dictionary {
    words: Words,
    /// Bucket to row, if the model was pruned.
    kept: Option<HashMap<u64, u32>>,
    notes: Vec<Note>,
}

fn dictionary(cursor: &mut Cursor, version: Option<i32>) -> Result<Dictionary> {
    let size = cursor.i32("the dictionary")?;
    let word_count = cursor.i32("the dictionary")?;
    let label_count = cursor.i32("the dictionary")?;
    cursor.i64("the dictionary")?;
    let kept_count = match version {
        Some(_) => cursor.i64("the dictionary")?,
        None => -1,
    };
    let size = cursor.count(size.into(), 10, "entries of the dictionary")?;
    let mut words = Words::default();
    let mut labels: Option<(u64, String, usize)> = None;
    for _ in 0..size {
        let at = cursor.offset() as u64;
        let word = cursor.until_zero("the dictionary")?.to_vec();
        cursor.i64("the dictionary")?;
        match cursor.u8("the dictionary")? {
            0 if labels.is_none() => words.push(&word),
            0 => return Err(cursor.wrong("a word stands behind a label")),
            1 => labels.get_or_insert_with(|| (at, shown(&word), 0)).2 += 1,
            other => return Err(cursor.wrong(format!("an entry has the type {other}"))),
        }
    }
    let found = labels.as_ref().map_or(0, |&(_, _, count)| count);
    let claims = |claimed: i32, found: usize| usize::try_from(claimed) == Ok(found);
    if !claims(word_count, words.len()) || !claims(label_count, found) {
        let problem = format!(
            "the dictionary claims {word_count} words and {label_count} labels, it has {} and \
             {found}",
            words.len()
        );
        return Err(cursor.wrong(problem));
    }
    let mut notes = Vec::new();
    if let Some((at, first, count)) = labels {
        notes.push(Note {
            reason: "label",
            done: "labels have no vectors here; the words were read",
            at: At::Byte(at),
            detail: format!("{count} labels, \"{first}\" the first"),
        });
    }
    let kept = if kept_count < 0 {
        None
    } else {
        let count = cursor.count(kept_count.into(), 8, "kept buckets")?;
        let mut kept = HashMap::new();
        for _ in 0..count {
            let bucket = cursor.u32("the kept buckets")?;
            kept.insert(u64::from(bucket), cursor.u32("the kept buckets")?);
        }
        Some(kept)
    };
    Ok(Dictionary { words, kept, notes })
}

fn dense(cursor: &mut Cursor) -> Result<Tensor> {
    let rows = cursor.i64("the matrix")?;
    let dim = cursor.i64("the matrix")?;
    let numbers = i128::from(rows) * i128::from(dim);
    let count = cursor.count(numbers, 4, "numbers of the matrix")?;
    let bytes = cursor.part(4 * count, "the matrix")?;
    let (rows, dim) = (usize::try_from(rows).unwrap_or(0), usize::try_from(dim).unwrap_or(0));
    Tensor { bytes, dtype: Dtype::F32, endian: Endian::Little, order: Order::Rows, rows, dim }
        .check(NAME, "the matrix")
}

fn subwords(
    args: &Args,
    dictionary: &Dictionary,
    input: &Arc<Input>,
    rows: usize,
    cursor: &Cursor,
) -> Result<Option<Subwords>> {
    let (Ok(min_n), Ok(max_n)) = (usize::try_from(args.minn), usize::try_from(args.maxn)) else {
        return Err(cursor.wrong("the lengths of n-grams are below 0"));
    };
    let buckets = u32::try_from(args.bucket).unwrap_or(0);
    // A pruned model that kept nothing has no sub-words.
    let none_kept = dictionary.kept.as_ref().is_some_and(HashMap::is_empty);
    if max_n == 0 || max_n < min_n || buckets == 0 || none_kept {
        return Ok(None);
    }
    if dictionary.kept.is_none() && (rows as u64) < u64::from(buckets) {
        let problem = format!("the matrix has {rows} rows for {buckets} buckets");
        return Err(cursor.wrong(problem));
    }
    let kept = dictionary.kept.clone();
    let words = dictionary.words.len();
    let subwords = Subwords {
        hashing: Hashing::Fasttext { buckets },
        combine: Combine::Mean,
        min_n,
        max_n,
        brackets: ("<".to_owned(), ">".to_owned()),
        buckets: Arc::new(BucketRows { input: Arc::clone(input), words, kept }),
    };
    subwords.check().map(Some)
}

/// The input matrix.
enum Input {
    Dense(Tensor),
    Quantized(Codes),
}

impl Input {
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

    /// Adds a row that there is.
    fn add(&self, row: usize, sum: &mut [f32]) {
        match self {
            Self::Dense(tensor) => {
                let bytes = &tensor.bytes[row * tensor.dim * 4..(row + 1) * tensor.dim * 4];
                let (numbers, _) = bytes.as_chunks();
                for (value, &number) in sum.iter_mut().zip(numbers) {
                    *value += f32::from_le_bytes(number);
                }
            }
            Self::Quantized(codes) => codes.add(row, sum),
        }
    }
}

/// The rows behind the words.
struct BucketRows {
    input: Arc<Input>,
    words: usize,
    kept: Option<HashMap<u64, u32>>,
}

impl Buckets for BucketRows {
    fn dim(&self) -> usize {
        self.input.dim()
    }

    fn add(&self, bucket: u64, sum: &mut [f32]) -> Result<Added> {
        let row = match &self.kept {
            None => usize::try_from(bucket).ok(),
            Some(kept) => kept.get(&bucket).map(|&row| row as usize),
        };
        let row = row.and_then(|row| row.checked_add(self.words));
        match row.filter(|&row| row < self.input.rows()) {
            Some(row) => {
                self.input.add(row, sum);
                Ok(Added::Yes)
            }
            None => Ok(Added::No),
        }
    }

    fn numbers(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        let rows = self.input.rows().saturating_sub(self.words) as u64;
        let Some(kept) = &self.kept else { return Box::new(0..rows) };
        let there = kept.iter().filter(move |&(_, &row)| u64::from(row) < rows);
        let mut numbers: Vec<u64> = there.map(|(&bucket, _)| bucket).collect();
        numbers.sort_unstable();
        Box::new(numbers.into_iter())
    }

    fn bytes(&self) -> usize {
        match &*self.input {
            Input::Dense(tensor) => tensor.bytes.len() - self.words * tensor.dim * 4,
            Input::Quantized(codes) => codes.bytes(),
        }
    }
}

/// The vector of each word: the mean of its own row and those of its n-grams.
struct WordRows {
    input: Arc<Input>,
    subwords: Option<Subwords>,
    words: Words,
    type_name: &'static str,
}

impl Matrix for WordRows {
    fn dim(&self) -> usize {
        self.input.dim()
    }

    fn rows(&self) -> usize {
        self.words.len()
    }

    fn row(&mut self, row: usize, vector: &mut Vec<f32>) -> Result<()> {
        vector.clear();
        vector.resize(self.input.dim(), 0.0);
        self.input.add(row, vector);
        let word = self.words.get(row);
        if let Some(subwords) = self.subwords.as_ref().filter(|_| word != END_OF_LINE) {
            subwords.mean_with(word, vector)?;
        }
        Ok(())
    }

    fn dtype(&self) -> &'static str {
        self.type_name
    }
}
