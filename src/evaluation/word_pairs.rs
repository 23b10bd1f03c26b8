//! The similarity that people gave to pairs of words, compared with the vectors'.

use crate::error::Result;
use crate::evaluation::Lookup;
use crate::evaluation::file;
use crate::evaluation::vocabulary::Vocabulary;
use crate::query::GoOn;
use crate::steps::watched;
use crate::table::view::View;
use crate::vector::{scalar, statistics};

/// A file of pairs (WordSim-353, SimLex-999).
#[derive(Clone, Debug, PartialEq)]
pub struct WordPairsQuery {
    /// The pairs.
    pub pairs: PairFile,
    /// Which words are known.
    pub lookup: Lookup,
}

/// Pairs with the similarity that people gave them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PairFile {
    pairs: Vec<(String, String, f64)>,
    /// The first line was a header.
    has_header: bool,
}

/// How well similarities agree.
#[derive(Clone, Debug, PartialEq)]
pub struct WordPairsAnswer {
    /// Pearson's correlation; none if fewer than two pairs are known, or all are alike.
    pub pearson: Option<f64>,
    /// Spearman's; ties share the mean of their ranks.
    pub spearman: Option<f64>,
    /// Where Spearman's lies with 95 % confidence (Bonett and Wright 2000); none of fewer than 4.
    pub spearman_interval: Option<(f64, f64)>,
    /// Pairs of the file, and those whose words are known.
    pub pairs: usize,
    /// Only they are compared.
    pub known: usize,
    /// The pairs that are not, in the order of the file.
    pub unknown: Vec<(String, String)>,
    /// Whether the file's first line was passed over as a header.
    pub has_header: bool,
}

const NAME: &str = "word pairs";
/// The normal deviate of 95 %.
const Z95: f64 = 1.959_963_984_540_054;

impl PairFile {
    /// Reads lines of two words and a number, tabs, commas or spaces between; what follows is passed
    /// over. A first line without a number is a header.
    ///
    /// # Errors
    ///
    /// If a line is none, there is no pair, or a limit is passed.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut read = Self::default();
        let mut is_first = true;
        for (number, line) in file::lines(NAME, bytes)?.filter(|(_, line)| !line.is_empty()) {
            let fields = file::fields(line);
            let score = fields.get(2).and_then(|field| field.parse::<f64>().ok());
            match (&fields[..], score.filter(|score| score.is_finite())) {
                ([a, b, ..], Some(score)) => {
                    read.pairs.push(((*a).to_owned(), (*b).to_owned(), score));
                }
                _ if is_first => read.has_header = true,
                _ => {
                    let problem = "two words and a number are needed";
                    return Err(file::malformed(NAME, number, problem));
                }
            }
            is_first = false;
            file::check_count(read.pairs.len())?;
        }
        if read.pairs.is_empty() {
            return Err(file::malformed(NAME, 1, "there is no pair"));
        }
        Ok(read)
    }

    /// Pairs of the file.
    pub fn pair_count(&self) -> usize {
        self.pairs.len()
    }
}

/// Correlates cosines with the numbers of the file.
///
/// # Errors
///
/// Whatever `go_on` says.
pub fn word_pairs(
    table: &View,
    query: &WordPairsQuery,
    go_on: GoOn<'_>,
) -> Result<WordPairsAnswer> {
    let pairs = &query.pairs.pairs;
    let words = pairs.iter().flat_map(|(a, b, _)| [a.as_str(), b]);
    let vocabulary = Vocabulary::new(table, query.lookup, words, go_on)?;
    let mut unknown = Vec::new();
    let mut compared = Vec::new();
    for pair in watched(pairs, go_on) {
        let (a, b, score) = pair?;
        match (vocabulary.row(a), vocabulary.row(b)) {
            (Some(x), Some(y)) => {
                compared.push((scalar::cosine(&table.vector(x), &table.vector(y)), *score));
            }
            _ => unknown.push((a.clone(), b.clone())),
        }
    }
    let spearman = statistics::spearman(&compared);
    Ok(WordPairsAnswer {
        pearson: statistics::pearson(&compared),
        spearman,
        spearman_interval: spearman.and_then(|r| interval(r, compared.len())),
        pairs: pairs.len(),
        known: compared.len(),
        unknown,
        has_header: query.pairs.has_header,
    })
}

fn interval(r: f64, count: usize) -> Option<(f64, f64)> {
    let error = ((1.0 + r * r / 2.0) / count.checked_sub(3).filter(|&n| n > 0)? as f64).sqrt();
    let center = r.clamp(-1.0 + 1e-15, 1.0 - 1e-15).atanh();
    Some(((center - Z95 * error).tanh(), (center + Z95 * error).tanh()))
}
