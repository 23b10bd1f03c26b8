//! Phrases: pairs of words that stand together more often than by chance become one word (Mikolov et al. 2013,
//! as word2phrase; normalized pointwise mutual information: Bouma 2009).

use hashbrown::HashMap;

use super::ids::{END, GONE, Ids};
use crate::error::{Error, Result};
use crate::vector::RowId;

/// Numbers that are looked at together.
const BLOCK: usize = 1 << 16;
/// Bytes that a pair takes while it is counted.
const PAIR_BYTES: usize = 24;

/// How much more often than by chance a pair stands together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhraseScore {
    /// (n(ab) - `min_count`) N / (n(a) n(b)) for N tokens, as word2phrase; its threshold is 100.
    Default,
    /// ln(p(ab) / (p(a) p(b))) / -ln p(ab), from -1 to 1.
    Npmi,
}

/// Which pairs become phrases.
#[derive(Clone, Debug, PartialEq)]
pub struct Phrases {
    /// How they are judged.
    pub score: PhraseScore,
    /// What a phrase's score is above.
    pub threshold: f64,
    /// How often a phrase occurs at least; 0 is as 1.
    pub min_count: u64,
    /// What stands between the words of a phrase.
    pub joint: String,
    /// Bytes for the pairs that are counted. When they are reached, the rarest pairs are forgotten.
    pub pairs_bytes: usize,
}

impl Default for Phrases {
    fn default() -> Self {
        Self {
            score: PhraseScore::Default,
            threshold: 100.0,
            min_count: 5,
            joint: "_".to_owned(),
            pairs_bytes: 1 << 30,
        }
    }
}

impl Phrases {
    /// Whether a pair that occurs `together` times, of words that occur `each` times, is a phrase.
    fn accepts(&self, together: u64, each: [u64; 2], tokens: u64) -> bool {
        if together < self.min_count.max(1) {
            return false;
        }
        let ([a, b], n, ab) = (each.map(|count| count as f64), tokens as f64, together as f64);
        let score = match self.score {
            PhraseScore::Default => (ab - self.min_count as f64) / a / b * n,
            // Where there is nothing but the pair, its logarithm is 0, and so is the gain.
            PhraseScore::Npmi if together >= tokens => 0.0,
            PhraseScore::Npmi => (ab * n / a / b).ln() / (n / ab).ln(),
        };
        score > self.threshold
    }
}

/// What becomes of a pair.
#[derive(Clone, Copy, Debug)]
pub(super) struct Join {
    /// The phrase's number, once it is joined; [`GONE`] if it is too long.
    pub(super) phrase: u32,
    /// How often it was joined.
    pub(super) count: u64,
}

/// Pairs by the numbers of their words.
pub(super) type Joins = HashMap<u64, Join>;

/// The words of a pair.
pub(super) fn words(pair: u64) -> [RowId; 2] {
    [RowId((pair >> 32) as u32), RowId((pair & 0xffff_ffff) as u32)]
}

fn key(a: u32, b: u32) -> u64 {
    u64::from(a) << 32 | u64::from(b)
}

/// The pairs that are phrases.
pub(super) fn find(ids: &Ids, counts: &[u64], phrases: &Phrases) -> Result<Joins> {
    if !phrases.threshold.is_finite() {
        let problem = format!("a number; {} is none", phrases.threshold);
        return Err(Error::invalid("phrases.threshold", problem));
    }
    let mut pairs: HashMap<u64, u64> = HashMap::new();
    let room = (phrases.pairs_bytes / PAIR_BYTES).max(1_000);
    let (mut at, mut block, mut before, mut bar) = (0, Vec::new(), END, 1);
    loop {
        ids.read(at, BLOCK, &mut block)?;
        if block.is_empty() {
            break;
        }
        at += block.len() as u64;
        for &id in &block {
            if id != END && before != END {
                *pairs.entry(key(before, id)).or_insert(0) += 1;
            }
            before = id;
        }
        while pairs.len() > room {
            pairs.retain(|_, &mut count| count > bar);
            bar += 1;
        }
    }
    let tokens: u64 = counts.iter().sum();
    let accepted = pairs.into_iter().filter(|&(pair, together)| {
        phrases.accepts(together, words(pair).map(|word| counts[word.index()]), tokens)
    });
    Ok(accepted.map(|(pair, _)| (pair, Join { phrase: END, count: 0 })).collect())
}

/// Joins pairs from left to right; a word of one is no part of another.
pub(super) fn join(
    ids: &mut Ids,
    joins: &mut Joins,
    phrase_of: &mut dyn FnMut(u32, u32) -> u32,
) -> Result<()> {
    // The last word of a block waits for the next one.
    let mut waiting = END;
    ids.rewrite(|block| {
        let mut joined = Vec::with_capacity(block.len() + 1);
        for &id in block.iter() {
            let pair = (id != END && waiting != END).then(|| joins.get_mut(&key(waiting, id)));
            if let Some(Some(pair)) = pair {
                if pair.phrase == END {
                    pair.phrase = phrase_of(waiting, id);
                }
                if pair.phrase != GONE {
                    pair.count += 1;
                    joined.push(pair.phrase);
                    waiting = END;
                    continue;
                }
            }
            if waiting != END {
                joined.push(waiting);
            }
            if id == END {
                joined.push(END);
            }
            waiting = id;
        }
        *block = joined;
    })?;
    if waiting == END { Ok(()) } else { ids.push(waiting) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::corpus::{Bounds, Encoder, Keep};
    use crate::vector::random::SplitMix64;

    /// A text in which "new york" and "new york times" are more than chance.
    fn encoder(ids_bytes: usize) -> Encoder {
        let spill = Box::new(|| tempfile::tempfile().map_err(Error::disk));
        let mut encoder = Encoder::new(Bounds { ids_bytes, words_bytes: usize::MAX, spill });
        let mut random = SplitMix64(4);
        let firsts = ["a ", "b ", "c ", "d ", "new york ", "york new\n", "new york times "];
        let mut text = String::new();
        for _ in 0..40_000 {
            text += firsts[random.index_below(7)];
            text += ["e ", "f\n", "g "][random.index_below(3)];
        }
        encoder.text(&mut text.as_bytes(), 1, &|| Ok(())).unwrap();
        encoder
    }

    #[test]
    fn pairs_become_phrases_in_passes_and_counts_stay_whole() {
        let of = |phrases: &Phrases, passes: usize, ids_bytes: usize| {
            let mut encoder = encoder(ids_bytes);
            let found: Vec<usize> =
                (0..passes).map(|_| encoder.join_phrases(phrases).unwrap()).collect();
            let corpus = encoder.finish(Keep { min_count: 1, words_max: usize::MAX }).unwrap();
            let count = |word: &str| {
                let row = corpus.words().row(word.as_bytes());
                row.map_or(0, |row| corpus.counts()[row.index()])
            };
            let counts = ["new_york", "new_york_times", "york_new"].map(count);
            (found, counts, corpus.tokens(), corpus.totals().tokens)
        };
        let default = Phrases { threshold: 3.0, ..Phrases::default() };
        let (found, [pair, triple, turned], tokens, read) = of(&default, 1, usize::MAX);
        assert_eq!(of(&default, 1, 0).1, [pair, triple, turned], "in a file as in memory");
        assert!(found[0] >= 1 && pair > 10_000 && triple == 0, "{found:?} {pair} {turned}");
        assert_eq!(tokens + pair + turned, read, "a phrase has two tokens");
        let (_, [left, triple, _], ..) = of(&default, 2, 0);
        assert!(triple > 5_000 && left < pair, "{left} {triple}");
        let npmi = Phrases { score: PhraseScore::Npmi, threshold: 0.45, ..Phrases::default() };
        assert!(of(&npmi, 1, usize::MAX).1[0] > 10_000);
        let none = Phrases { threshold: 1e9, ..Phrases::default() };
        assert_eq!(of(&none, 1, usize::MAX).1, [0; 3]);
        let forgetful = Phrases { pairs_bytes: 0, ..default };
        assert_eq!(of(&forgetful, 1, usize::MAX).1[0], pair);
        let wrong = Phrases { threshold: f64::NAN, ..Phrases::default() };
        assert!(encoder(0).join_phrases(&wrong).is_err());
    }

    #[test]
    fn scores_are_those_of_the_papers() {
        let accepts = |score, threshold, ab, each| {
            let phrases = Phrases { score, threshold, ..Phrases::default() };
            phrases.accepts(ab, each, 1_000)
        };
        // (15 - 5) / (20 30) 1000 = 16.67
        assert!(accepts(PhraseScore::Default, 16.6, 15, [20, 30]));
        assert!(!accepts(PhraseScore::Default, 16.7, 15, [20, 30]));
        // ln(15 1000 / 600) / ln(1000 / 15) = .7665
        assert!(accepts(PhraseScore::Npmi, 0.766, 15, [20, 30]));
        assert!(!accepts(PhraseScore::Npmi, 0.767, 15, [20, 30]));
        assert!(!accepts(PhraseScore::Npmi, -1.0, 4, [4, 4]), "min_count is 5");
    }
}
