//! The vectors of spaCy: a `NumPy` array named `vectors`, with `key2row`, which says which words have which
//! row, and `strings.json`, the words in the order of the alphabet.
//!
//! `key2row` is a map in `MessagePack` from the hash of a word to its row: `MurmurHash64A` of its bytes with
//! the seed 1. Several words may have one row, and -1 is none.

use std::collections::HashMap;

use crate::error::{At, Error, Result};
use crate::format::source::Bytes;
use crate::format::source::bytes::Cursor;
use crate::format::tensor::Matrix;
use crate::format::whole::Whole;
use crate::format::words::{Words, check_size};
use crate::format::{Note, malformed, shown};

/// Words that spaCy 3 knows by a number of its own in place of their hash, and that its list of texts
/// therefore lacks: the number of the first, and those that follow it.
const SYMBOLS: [(u64, &str); 2] = [
    (
        64,
        "ID ORTH LOWER NORM SHAPE PREFIX SUFFIX LENGTH CLUSTER LEMMA POS TAG DEP ENT_IOB ENT_TYPE \
         HEAD SENT_START SPACY PROB LANG ADJ ADP ADV AUX CONJ CCONJ DET INTJ NOUN NUM PART PRON PROPN \
         PUNCT SCONJ SYM VERB X EOL SPACE",
    ),
    (
        380,
        "PERSON NORP FACILITY ORG GPE LOC PRODUCT EVENT WORK_OF_ART LANGUAGE LAW DATE TIME PERCENT \
         MONEY QUANTITY ORDINAL CARDINAL acomp advcl advmod agent amod appos attr aux auxpass cc ccomp \
         complm conj cop csubj csubjpass dep det dobj expl hmod hyph infmod intj iobj mark meta neg \
         nmod nn npadvmod nsubj nsubjpass num number oprd obj obl parataxis partmod pcomp pobj poss \
         possessive preconj prep prt punct quantmod relcl rcmod root xcomp acl",
    ),
];

/// The name of the array.
const VECTORS: &str = "vectors";
/// The name of the rows of words.
const ROWS: &str = "key2row";
/// The name of the words.
pub(super) const STRINGS: &str = "strings.json";

/// Whether the file of the second name says what the rows of the first are.
pub(super) fn is_part(main: &str, other: &str) -> bool {
    main == VECTORS && (other == ROWS || other == STRINGS)
}

/// The words of an array of spaCy, with the row of each and what is odd; none if it is another array.
///
/// # Errors
///
/// If the words are to be those of `strings.json`, and nothing says which row is whose.
pub(super) fn words(whole: &Whole<'_>, rows: usize) -> Result<Option<(Words, Vec<usize>, Note)>> {
    let find = |wanted: &str| {
        let named = |(name, _): &&(String, Bytes)| name.rsplit('/').next() == Some(wanted);
        whole.others.iter().find(named).map(|(_, bytes)| bytes)
    };
    let wanted = whole.choices.words.as_deref();
    let wants_strings = wanted.is_some_and(|name| name.rsplit('/').next() == Some(STRINGS));
    if wanted.is_some() && !wants_strings {
        return Ok(None);
    }
    let (strings, keys) = match (find(STRINGS), find(ROWS)) {
        (Some(strings), Some(keys)) => (strings, keys),
        (Some(_), None) if wants_strings => {
            return Err(wrong(
                "strings.json of spaCy has the words in the order of the alphabet, not of the rows: \
                 put key2row beside the file named vectors, or name the folder of the pipeline",
            ));
        }
        (None, Some(_)) => {
            return Err(wrong(
                "key2row of spaCy names words by their hashes: put strings.json beside it, or name the \
                 folder of the pipeline",
            ));
        }
        (Some(_) | None, None) => return Ok(None),
    };
    check_size(STRINGS, strings)?;
    check_size(ROWS, keys)?;
    let strings: Vec<String> = serde_json::from_slice(strings)
        .map_err(|error| wrong(format!("strings.json is no list of texts: {error}")))?;
    let mut left = read_rows(keys)?;
    let all = left.len();
    let mut found = Vec::new();
    let texts = strings.iter().map(|word| (hash(word.as_bytes()), word.as_str()));
    for (key, word) in symbols().chain(texts) {
        if let Some(row) = left.remove(&key) {
            let Some(row) = row else { continue };
            if row >= rows {
                let word = shown(word.as_bytes());
                let problem =
                    format!("key2row has the row {row} for \"{word}\", the table has {rows} rows");
                return Err(wrong(problem));
            }
            found.push((row, word));
        }
    }
    if found.is_empty() {
        return Err(wrong("no text of strings.json has a row in key2row"));
    }
    // The sort keeps the order of the words of one row.
    found.sort_by_key(|&(row, _)| row);
    let mut words = Words::default();
    for (_, word) in &found {
        words.push(word.as_bytes());
    }
    let rest = match left.len() {
        0 => String::new(),
        left => format!("; {left} of its {all} keys have no text there"),
    };
    let detail = format!("{} words of {STRINGS}, by their rows in {ROWS}{rest}", words.len());
    let note =
        Note { reason: "words", done: "read as the words of the rows", at: At::Row(0), detail };
    Ok(Some((words, found.into_iter().map(|(row, _)| row).collect(), note)))
}

/// The symbols, by their numbers.
fn symbols<'s>() -> impl Iterator<Item = (u64, &'s str)> {
    SYMBOLS.iter().flat_map(|(first, names)| (*first..).zip(names.split(' ')))
}

fn wrong(problem: impl Into<String>) -> Error {
    malformed("npy", At::Byte(0), problem)
}

/// The rows by the hashes of their words; none for a word that has none.
fn read_rows(bytes: &Bytes) -> Result<HashMap<u64, Option<usize>>> {
    let mut cursor = Cursor::new(bytes, ROWS);
    let count: u64 = match cursor.u8("the map")? {
        kind @ 0x80..=0x8F => (kind & 0x0F).into(),
        0xDE => cursor.u16("the map")?.swap_bytes().into(),
        0xDF => cursor.u32("the map")?.swap_bytes().into(),
        _ => return Err(cursor.wrong("this is no map of MessagePack")),
    };
    // A key and a row have a byte each, at least.
    let count = cursor.count(count.into(), 2, "rows of words")?;
    let mut rows = HashMap::new();
    for _ in 0..count {
        let (key, row) = (whole(&mut cursor)?, whole(&mut cursor)?);
        let key = u64::try_from(key).map_err(|_| cursor.wrong("a key is no hash"))?;
        let row = match row {
            -1 => None,
            row => Some(usize::try_from(row).map_err(|_| cursor.wrong("this is no row"))?),
        };
        rows.insert(key, row);
    }
    Ok(rows)
}

/// A whole number of `MessagePack`, which has the highest byte first.
fn whole(cursor: &mut Cursor) -> Result<i128> {
    const WHAT: &str = "a number";
    Ok(match cursor.u8(WHAT)? {
        small @ 0..=0x7F => small.into(),
        small @ 0xE0..=0xFF => small.cast_signed().into(),
        0xCC => cursor.u8(WHAT)?.into(),
        0xCD => cursor.u16(WHAT)?.swap_bytes().into(),
        0xCE => cursor.u32(WHAT)?.swap_bytes().into(),
        0xCF => cursor.u64(WHAT)?.swap_bytes().into(),
        0xD0 => cursor.u8(WHAT)?.cast_signed().into(),
        0xD1 => cursor.u16(WHAT)?.swap_bytes().cast_signed().into(),
        0xD2 => cursor.u32(WHAT)?.swap_bytes().cast_signed().into(),
        0xD3 => cursor.u64(WHAT)?.swap_bytes().cast_signed().into(),
        _ => return Err(cursor.wrong("this is no whole number of MessagePack")),
    })
}

/// `MurmurHash64A` with the seed 1, as spaCy has it.
fn hash(bytes: &[u8]) -> u64 {
    const M: u64 = 0xC6A4_A793_5BD1_E995;
    const R: u32 = 47;
    let mut hash = 1 ^ (bytes.len() as u64).wrapping_mul(M);
    let (blocks, rest) = bytes.as_chunks::<8>();
    for block in blocks {
        let mut part = u64::from_le_bytes(*block).wrapping_mul(M);
        part ^= part >> R;
        hash = (hash ^ part.wrapping_mul(M)).wrapping_mul(M);
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> R)).wrapping_mul(M);
    hash ^ (hash >> R)
}

/// Rows of a matrix, in another order, and some of them more than once.
pub(super) struct Picked {
    pub(super) matrix: Box<dyn Matrix>,
    pub(super) rows: Vec<usize>,
}

impl Matrix for Picked {
    fn dim(&self) -> usize {
        self.matrix.dim()
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn row(&mut self, row: usize, vector: &mut Vec<f32>) -> Result<()> {
        self.matrix.row(self.rows[row], vector)
    }

    fn forget(&self) {
        self.matrix.forget();
    }

    fn at(&self, row: usize) -> At {
        self.matrix.at(self.rows[row])
    }

    fn dtype(&self) -> &'static str {
        self.matrix.dtype()
    }
}

#[cfg(test)]
mod tests {
    use super::{hash, symbols};

    #[test]
    fn symbols_have_the_numbers_of_spacy() {
        let number = |name| symbols().find(|(_, other)| *other == name).map(|(number, _)| number);
        let names = ["ID", "NOUN", "SPACE", "PERSON", "CARDINAL", "number", "acl"];
        let numbers = [64, 92, 103, 380, 397, 432, 451];
        for (name, expected) in names.into_iter().zip(numbers) {
            assert_eq!(number(name), Some(expected), "{name}");
        }
    }

    #[test]
    fn hashes_are_those_of_spacy() {
        assert_eq!(hash(b"apple"), 8_566_208_034_543_834_098);
        assert_eq!(hash(b"coffee"), 3_197_928_453_018_144_401);
    }
}
