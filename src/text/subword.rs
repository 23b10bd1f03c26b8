//! Sub-words: character n-grams in buckets, from which fastText, floret and finalfusion make the
//! vector of a word that they never saw.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// The rows of the buckets.
pub trait Buckets: Send + Sync {
    /// Components of each row.
    fn dim(&self) -> usize;

    /// Adds a bucket's row to a sum, in single precision and in order, as the original tools do.
    /// There may be no such row: pruned models have left some out.
    ///
    /// # Errors
    ///
    /// If the row is damaged.
    fn add(&self, bucket: u64, sum: &mut [f32]) -> Result<Added>;

    /// The buckets that have rows, each once, the lowest first.
    fn numbers(&self) -> Box<dyn Iterator<Item = u64> + '_>;

    /// Bytes they take.
    fn bytes(&self) -> usize;
}

/// Whether a bucket has a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It was added.
    Yes,
    /// There is none.
    No,
}

/// No rows, for whoever asks only into which buckets n-grams fall.
#[derive(Clone, Copy, Debug)]
pub struct NoRows;

impl Buckets for NoRows {
    fn dim(&self) -> usize {
        0
    }

    fn add(&self, _: u64, _: &mut [f32]) -> Result<Added> {
        Ok(Added::No)
    }

    fn numbers(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        Box::new(std::iter::empty())
    }

    fn bytes(&self) -> usize {
        0
    }
}

/// What the rows of n-grams become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Combine {
    /// Their mean, as in fastText and floret. N-grams of one character that is a bracket are left
    /// out by fastText's hashing.
    Mean,
    /// Their sum at length 1, as in finalfusion.
    Unit,
}

/// How n-grams become buckets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hashing {
    /// FNV-1a in 32 bits over bytes with a sign; the rest of the division by the number of
    /// buckets.
    Fasttext {
        /// How many buckets; not 0.
        buckets: u32,
    },
    /// FNV-1a in 64 bits over the n-gram and its number of characters, as finalfusion does; the
    /// lowest bits.
    Finalfusion {
        /// There are 2 to this power of buckets; at most 63.
        exponent: u32,
    },
    /// `MurmurHash3` in 128 bits; up to four rows for each n-gram and for the word itself.
    Floret {
        /// How many buckets; not 0.
        buckets: u32,
        /// Rows for each n-gram, 1 to 4.
        hashes: u32,
        /// The seed.
        seed: u32,
    },
    /// A list: n-gram to bucket.
    Explicit(#[serde(skip)] Arc<HashMap<Vec<u8>, u64>>),
}

/// The vector of any word, from the n-grams of its characters.
#[derive(Clone)]
pub struct Subwords {
    /// How n-grams become buckets.
    pub hashing: Hashing,
    /// What their rows become.
    pub combine: Combine,
    /// Characters of the shortest n-grams.
    pub min_n: usize,
    /// Characters of the longest n-grams; 0 if there are none.
    pub max_n: usize,
    /// What stands before and behind a word.
    pub brackets: (String, String),
    /// The rows.
    pub buckets: Arc<dyn Buckets>,
}

impl fmt::Debug for Subwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subwords")
            .field("combine", &self.combine)
            .field("min_n", &self.min_n)
            .field("max_n", &self.max_n)
            .field("bytes", &self.buckets.bytes())
            .finish_non_exhaustive()
    }
}

impl Subwords {
    /// Of a file, whose n-grams must not be too many to be counted.
    ///
    /// # Errors
    ///
    /// If n-grams, or what stands around a word, are too long.
    pub fn check(self) -> Result<Self> {
        let (before, behind) = &self.brackets;
        let got = self.max_n.max(before.len()).max(behind.len());
        let max = limits::N_GRAM_CHARS_MAX;
        if got <= max {
            return Ok(self);
        }
        let (max, got) = (max as u64, got as u64);
        let kind = ErrorKind::TooLarge { limit: "N_GRAM_CHARS_MAX", max, got };
        Err(Error::new(kind).context("the characters of the longest n-grams"))
    }

    /// The vector of a word that the table does not have, as the original tool computes it; none
    /// if no n-gram of it has a row.
    ///
    /// # Errors
    ///
    /// If a row is damaged.
    pub fn vector(&self, word: &[u8]) -> Result<Option<Vec<f32>>> {
        let mut sum = vec![0.0; self.buckets.dim()];
        let count = self.add(word, &mut sum)?;
        if count == 0 {
            return Ok(None);
        }
        scale(&mut sum, count, self.combine);
        Ok(Some(sum))
    }

    /// The mean of a row of the table and the rows of its word's n-grams.
    ///
    /// # Errors
    ///
    /// If a row is damaged.
    pub fn mean_with(&self, word: &[u8], row: &mut [f32]) -> Result<()> {
        let count = 1 + self.add(word, row)?;
        scale(row, count, self.combine);
        Ok(())
    }

    /// Adds the rows of a word's n-grams; how many there were. Of a word that no table takes, none are.
    fn add(&self, word: &[u8], sum: &mut [f32]) -> Result<usize> {
        let mut count = Ok(0);
        if word.len() > limits::WORD_BYTES_MAX {
            return count;
        }
        self.each_bucket(word, |bucket| {
            let Ok(so_far) = count else { return };
            let added = self.buckets.add(bucket, sum);
            count = added.map(|added| so_far + usize::from(added == Added::Yes));
        });
        count
    }

    /// The buckets of a word's n-grams, in the original tool's order.
    pub fn each_bucket(&self, word: &[u8], mut found: impl FnMut(u64)) {
        let (before, behind) = &self.brackets;
        let whole = [before.as_bytes(), word, behind.as_bytes()].concat();
        if let Hashing::Floret { buckets, hashes, seed } = self.hashing {
            floret(&whole, buckets, hashes, seed, &mut found);
        }
        let fasttext = matches!(self.hashing, Hashing::Fasttext { .. });
        let brackets_count = !(fasttext && self.combine == Combine::Mean);
        n_grams(&whole, self.min_n, self.max_n, |n_gram| match &self.hashing {
            _ if n_gram.is_bracket && !brackets_count => {}
            Hashing::Fasttext { buckets } => {
                found(u64::from(fnv1a_32_signed(n_gram.bytes) % buckets.max(&1)));
            }
            Hashing::Finalfusion { exponent } => {
                let mask = 1_u64.checked_shl(*exponent).map_or(u64::MAX, |size| size - 1);
                found(fnv1a_64(n_gram.bytes, n_gram.chars) & mask);
            }
            &Hashing::Floret { buckets, hashes, seed } => {
                floret(n_gram.bytes, buckets, hashes, seed, &mut found);
            }
            Hashing::Explicit(list) => {
                if let Some(&bucket) = list.get(n_gram.bytes) {
                    found(bucket);
                }
            }
        });
    }
}

fn scale(sum: &mut [f32], count: usize, combine: Combine) {
    match combine {
        Combine::Mean => {
            // As fastText: a division in double precision, rounded, then products.
            #[expect(clippy::cast_possible_truncation, reason = "as fastText does")]
            let factor = (1.0 / count as f64) as f32;
            for value in sum {
                *value *= factor;
            }
        }
        Combine::Unit => {
            let norm = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
            if norm > 0.0 {
                for value in sum {
                    *value /= norm;
                }
            }
        }
    }
}

/// An n-gram.
struct NGram<'w> {
    bytes: &'w [u8],
    chars: usize,
    /// Whether it is the first or the last character alone.
    is_bracket: bool,
}

/// The n-grams of a word with its brackets, by where they begin, then by length. A byte that
/// continues a character in UTF-8 never begins one; what is not UTF-8 is cut like it, as fastText
/// does.
fn n_grams<'w>(word: &'w [u8], min_n: usize, max_n: usize, mut found: impl FnMut(NGram<'w>)) {
    let continues = |at: usize| word.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    for start in (0..word.len()).filter(|&start| !continues(start)) {
        let mut end = start;
        for chars in 1..=max_n {
            if end >= word.len() {
                break;
            }
            end += 1;
            while continues(end) {
                end += 1;
            }
            if chars >= min_n {
                let is_bracket = chars == 1 && (start == 0 || end == word.len());
                found(NGram { bytes: &word[start..end], chars, is_bracket });
            }
        }
    }
}

/// As in fastText: every byte is widened with its sign.
fn fnv1a_32_signed(bytes: &[u8]) -> u32 {
    bytes.iter().fold(2_166_136_261, |hash: u32, &byte| {
        let wide = i32::from(byte.cast_signed()).cast_unsigned();
        (hash ^ wide).wrapping_mul(16_777_619)
    })
}

/// As in finalfusion: Rust's hash of the characters as a slice, without its length prefix, in
/// FNV-1a: the count of characters in 8 bytes, then each character in 4.
fn fnv1a_64(bytes: &[u8], chars: usize) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for &byte in bytes {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    add(&(chars as u64).to_le_bytes());
    for c in String::from_utf8_lossy(bytes).chars() {
        add(&u32::from(c).to_le_bytes());
    }
    hash
}

fn floret(bytes: &[u8], buckets: u32, hashes: u32, seed: u32, found: &mut impl FnMut(u64)) {
    let (low, high) = murmur3_128(bytes, seed);
    #[expect(clippy::cast_possible_truncation, reason = "the halves of both words")]
    let parts = [low as u32, (low >> 32) as u32, high as u32, (high >> 32) as u32];
    for part in parts.into_iter().take(hashes as usize) {
        found(u64::from(part % buckets.max(1)));
    }
}

/// `MurmurHash3_x64_128`.
fn murmur3_128(bytes: &[u8], seed: u32) -> (u64, u64) {
    const C1: u64 = 0x87c3_7b91_1142_53d5;
    const C2: u64 = 0x4cf5_ad43_2745_937f;
    let mix_1 = |k: u64| k.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
    let mix_2 = |k: u64| k.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
    let half = |bytes: &[u8]| {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(wide)
    };
    let (mut h1, mut h2) = (u64::from(seed), u64::from(seed));
    let (blocks, tail) = bytes.as_chunks::<16>();
    for block in blocks {
        h1 ^= mix_1(half(&block[..8]));
        h1 = h1.rotate_left(27).wrapping_add(h2).wrapping_mul(5).wrapping_add(0x52dc_e729);
        h2 ^= mix_2(half(&block[8..]));
        h2 = h2.rotate_left(31).wrapping_add(h1).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    if tail.len() > 8 {
        h2 ^= mix_2(half(&tail[8..]));
    }
    if !tail.is_empty() {
        h1 ^= mix_1(half(&tail[..tail.len().min(8)]));
    }
    h1 ^= bytes.len() as u64;
    h2 ^= bytes.len() as u64;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    (h1, h2) = (finish(h1), finish(h2));
    h1 = h1.wrapping_add(h2);
    (h1, h2.wrapping_add(h1))
}

fn finish(mut k: u64) -> u64 {
    k = (k ^ (k >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    k = (k ^ (k >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    k ^ (k >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(hashing: Hashing, lengths: (usize, usize), word: &str) -> Vec<u64> {
        let (min_n, max_n) = lengths;
        let brackets = ("<".to_owned(), ">".to_owned());
        let buckets = Arc::new(NoRows);
        let combine = Combine::Mean;
        let subwords = Subwords { hashing, combine, min_n, max_n, brackets, buckets };
        let mut found = Vec::new();
        subwords.each_bucket(word.as_bytes(), |bucket| found.push(bucket));
        assert_eq!(subwords.vector(word.as_bytes()).unwrap(), None, "no bucket has a row");
        found.sort_unstable();
        found
    }

    /// Numbers that finalfusion checks its own hashes with, the first against fastText's output.
    #[test]
    fn n_grams_fall_into_the_buckets_of_the_original_tools() {
        let fasttext = Hashing::Fasttext { buckets: 2_000_000 };
        let expected = [
            69_886, 84_537, 338_340, 441_697, 448_390, 468_430, 504_093, 573_175, 749_365, 804_851,
            811_506, 991_985, 1_022_467, 1_105_725, 1_249_224, 1_418_443, 1_493_412, 1_880_616,
        ];
        assert_eq!(buckets(fasttext.clone(), (3, 6), "Dani\u{eb}l"), expected);
        let expected = [441_697, 749_365, 1_105_725, 1_880_616];
        assert_eq!(buckets(fasttext, (5, 5), "Dani\u{eb}l"), expected);
        let expected = [
            75_867, 104_120, 136_555, 456_131, 599_360, 722_393, 938_007, 985_859, 1_006_102,
            1_163_391, 1_218_704, 1_321_513, 1_505_861, 1_892_376,
        ];
        assert_eq!(buckets(Hashing::Finalfusion { exponent: 21 }, (3, 6), "hallo"), expected);
    }

    #[test]
    fn murmur_is_the_published_one() {
        assert_eq!(murmur3_128(b"", 0), (0, 0));
        let hello = (0xcbd8_a7b3_41bd_9b02, 0x5b1e_906a_48ae_1d19);
        assert_eq!(murmur3_128(b"hello", 0), hello);
        // The word itself and its n-grams, twice each.
        let floret = Hashing::Floret { buckets: 1_000, hashes: 2, seed: 2_166_136_261 };
        assert_eq!(buckets(floret, (2, 3), "ab").len(), 2 * (1 + 3 + 2));
    }
}
