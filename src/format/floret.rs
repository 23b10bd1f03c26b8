//! floret's tables: buckets without words, in text. A file of words gives the rows.
//!
//! `BUCKETS DIM MIN_N MAX_N HASHES SEED BEFORE BEHIND\n`, then `row f f ...\n` for each bucket.

use std::sync::Arc;

use crate::error::{At, Error, Result};
use crate::format::entry::{Beside, Entry, HEAD_BYTES, Read, Told};
use crate::format::lines::line;
use crate::format::paired::Paired;
use crate::format::source::Bytes;
use crate::format::tensor::{Matrix, check_dim};
use crate::format::whole::{Parts, Whole};
use crate::format::words::Words;
use crate::format::{Note, malformed, shown};
use crate::limits;
use crate::text::subword::{Added, Buckets, Combine, Hashing, Subwords};

const NAME: &str = "floret";

pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    title: "floret buckets",
    about: "floret's buckets, with a file of words",
    suffixes: &["floret"],
    begins: |head| Told::likely(begins(head.bytes)),
    read: Read::Whole(|whole| made(whole, open(whole.bytes)?, Vec::new(), whole.no_words())),
    beside: Beside { words: true, ..Entry::DEFAULT.beside },
    ..Entry::DEFAULT
};

/// Six whole numbers, then what stands before and behind a word.
fn begins(head: &[u8]) -> bool {
    let line = match memchr::memchr(b'\n', head) {
        Some(end) => &head[..end],
        None if head.len() < HEAD_BYTES => head,
        None => return false,
    };
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
    let whole = |field: &&[u8]| !field.is_empty() && field.iter().all(u8::is_ascii_digit);
    let number = |field: &&[u8]| fast_float2::parse::<f32, _>(field).is_ok();
    match fields.as_slice() {
        [numbers @ .., before, behind] => {
            numbers.len() == 6 && numbers.iter().all(whole) && !number(before) && !number(behind)
        }
        _ => false,
    }
}

/// A row for each word of a companion, made of n-grams.
pub(super) fn made(
    whole: &Whole<'_>,
    subwords: Subwords,
    notes: Vec<Note>,
    missing: Error,
) -> Result<Parts> {
    let words = whole.words(0, false)?.ok_or(missing)?;
    let matrix = MadeRows { words: words.clone(), subwords: subwords.clone() };
    let reader = Paired::new(words, Box::new(matrix), notes);
    Ok(Parts::rows(reader).with_subwords(Some(subwords)))
}

fn open(bytes: &Bytes) -> Result<Subwords> {
    let mut lines = bytes.split(|&byte| byte == b'\n').map(line::trim);
    let header = String::from_utf8_lossy(lines.next().unwrap_or(b"")).into_owned();
    let fields: Vec<&str> = header.split(' ').collect();
    let wrong = |problem: String| malformed(NAME, At::Line(1), problem);
    let &[buckets, dim, min_n, max_n, hashes, seed, before, behind] = fields.as_slice() else {
        let problem = "is no header of floret: six numbers, and what stands around a word";
        return Err(wrong(format!("\"{}\" {problem}", shown(header.as_bytes()))));
    };
    let number = |field: &str| {
        let number: Result<u32, _> = field.parse();
        number.map_err(|_| wrong(format!("\"{}\" is no number", shown(field.as_bytes()))))
    };
    let (buckets, hashes, seed) = (number(buckets)?, number(hashes)?, number(seed)?);
    let (dim, min_n, max_n) = (number(dim)?, number(min_n)? as usize, number(max_n)? as usize);
    let dim = dim as usize;
    check_dim(dim, "the table of buckets")?;
    if buckets == 0 || !(1..=4).contains(&hashes) {
        return Err(wrong(format!("{buckets} buckets with {hashes} hashes")));
    }
    let mut numbers = Vec::new();
    let mut vector = Vec::new();
    for (i, text) in lines.enumerate() {
        let at = At::Line(i as u64 + 2);
        if text.is_empty() {
            continue;
        }
        if text.len() > limits::LINE_BYTES_MAX {
            return Err(malformed(NAME, at, "the line is longer than LINE_BYTES_MAX"));
        }
        let row = (numbers.len() / dim).to_string();
        match line::parse(text, dim, &mut vector) {
            Ok(word) if word == row.as_bytes() => numbers.extend_from_slice(&vector),
            Ok(_) | Err(_) => {
                return Err(malformed(NAME, at, format!("this is not row {row} of {dim} numbers")));
            }
        }
    }
    if numbers.len() / dim != buckets as usize {
        let rows = numbers.len() / dim;
        let problem =
            format!("the header claims {buckets} buckets, there are {rows}; it is not complete");
        return Err(wrong(problem));
    }
    let subwords = Subwords {
        hashing: Hashing::Floret { buckets, hashes, seed },
        combine: Combine::Mean,
        min_n,
        max_n,
        brackets: (before.to_owned(), behind.to_owned()),
        buckets: Arc::new(Rows { dim, numbers }),
    };
    subwords.check()
}

struct Rows {
    dim: usize,
    numbers: Vec<f32>,
}

impl Buckets for Rows {
    fn dim(&self) -> usize {
        self.dim
    }

    fn add(&self, bucket: u64, sum: &mut [f32]) -> Result<Added> {
        let from = usize::try_from(bucket).ok().and_then(|row| row.checked_mul(self.dim));
        let row = from.and_then(|from| self.numbers.get(from..from.checked_add(self.dim)?));
        let Some(row) = row else { return Ok(Added::No) };
        sum.iter_mut().zip(row).for_each(|(value, component)| *value += component);
        Ok(Added::Yes)
    }

    fn numbers(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        Box::new(0..(self.numbers.len() / self.dim.max(1)) as u64)
    }

    fn bytes(&self) -> usize {
        self.numbers.len() * size_of::<f32>()
    }
}

/// A vector for each word of a list, made of its n-grams.
struct MadeRows {
    words: Words,
    subwords: Subwords,
}

impl Matrix for MadeRows {
    fn dim(&self) -> usize {
        self.subwords.buckets.dim()
    }

    fn rows(&self) -> usize {
        self.words.len()
    }

    fn row(&mut self, row: usize, vector: &mut Vec<f32>) -> Result<()> {
        let made = self.subwords.vector(self.words.get(row))?;
        *vector = made.unwrap_or_else(|| vec![0.0; self.dim()]);
        Ok(())
    }

    fn at(&self, row: usize) -> At {
        At::Line(row as u64 + 1)
    }

    fn dtype(&self) -> &'static str {
        "text"
    }
}
