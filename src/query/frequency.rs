//! How frequent is a word, and which direction do all texts share?

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::error::Result;
use crate::query::GoOn;
use crate::table::attributes::AttributeValue;
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::algebra;
use crate::vector::random::SplitMix64;

/// Counts of words in a corpus.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// By word.
    pub words: HashMap<String, f64>,
    /// Of all words of the corpus; more than 0 if there are counts.
    pub total: f64,
}

/// The attribute that holds how often a word occurs: an import gives it from a file of counts.
pub const COUNT: &str = "count";

/// The share of each word in a corpus: counted, or estimated by Zipf's law from its row, which is its
/// rank in every well-known file.
#[derive(Debug)]
pub struct Frequencies {
    counted: Counted,
    /// The sum of 1 / rank over all rows.
    harmonic: f64,
    /// Where they come from.
    pub used: FrequenciesUsed,
}

/// Where frequencies come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrequenciesUsed {
    /// Which counts.
    pub source: FrequencySource,
    /// Words of the table that are counted; all others are estimated.
    pub counted_words: usize,
    /// Of how many words in all the counts are; 0 if there are none.
    pub total: f64,
}

/// Which counts of words there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrequencySource {
    /// Those that came with the question.
    Given,
    /// The attribute [`COUNT`] of the table's words.
    Attribute,
    /// None: Zipf's law.
    Zipf,
}

#[derive(Debug)]
enum Counted {
    None,
    Few(HashMap<RowId, f64>),
    /// By row; 0 for a word that is not counted.
    ByRow(Vec<f64>),
}

impl Frequencies {
    /// For the words of a table: by the counts that are given, else by those that the table has, else
    /// by Zipf's law.
    pub fn new(table: &View, counts: &Counts) -> Self {
        if counts.words.is_empty() {
            return Self::of_attributes(table).unwrap_or_else(|| Self::zipf(table));
        }
        let counted: HashMap<RowId, f64> = counts
            .words
            .iter()
            .filter_map(|(word, count)| Some((table.row(word.as_bytes())?, count / counts.total)))
            .collect();
        let (source, counted_words) = (FrequencySource::Given, counted.len());
        let used = FrequenciesUsed { source, counted_words, total: counts.total };
        Self { counted: Counted::Few(counted), harmonic: harmonic(table.rows_end()), used }
    }

    /// For the words of a table, by Zipf's law.
    pub fn zipf(table: &View) -> Self {
        let used = FrequenciesUsed { source: FrequencySource::Zipf, counted_words: 0, total: 0.0 };
        Self { counted: Counted::None, harmonic: harmonic(table.rows_end()), used }
    }

    /// Counts that are no numbers above 0 count as none.
    fn of_attributes(table: &View) -> Option<Self> {
        let count = |(row, value): (RowId, &AttributeValue)| {
            let count = value.number()?;
            (count > 0.0).then_some((row, count))
        };
        let mut counts: Vec<(RowId, f64)> = table.held(COUNT).rows().filter_map(count).collect();
        // Sums depend on their order, and rows that were written come in another every time.
        counts.sort_unstable_by_key(|(row, _)| *row);
        let total: f64 = counts.iter().map(|(_, count)| count).sum();
        if counts.is_empty() || !total.is_finite() {
            return None;
        }
        let mut shares = vec![0.0; table.rows_end()];
        for (row, count) in &counts {
            shares[row.index()] = count / total;
        }
        let (source, counted_words) = (FrequencySource::Attribute, counts.len());
        let used = FrequenciesUsed { source, counted_words, total };
        Some(Self { counted: Counted::ByRow(shares), harmonic: harmonic(table.rows_end()), used })
    }

    /// Of a word, more than 0.
    pub fn of(&self, row: RowId) -> f64 {
        let estimate = || 1.0 / ((f64::from(row.0) + 1.0) * self.harmonic);
        let counted = match &self.counted {
            Counted::None => None,
            Counted::Few(shares) => shares.get(&row).copied(),
            Counted::ByRow(shares) => shares.get(row.index()).copied().filter(|&share| share > 0.0),
        };
        counted.unwrap_or_else(estimate)
    }
}

/// What words weigh by how frequent they are.
#[derive(Clone, Debug)]
pub struct Weighing {
    /// How frequent words are.
    pub frequencies: Arc<Frequencies>,
    /// The direction that texts share, if its part is to be taken out; of length 1, or nothing.
    pub common: Option<Arc<[f64]>>,
    /// How surprising words are where they stand, if that weighs.
    pub surprise: Option<Arc<dyn Surprise>>,
}

/// Says how surprising the words of a text are where they stand.
pub trait Surprise: fmt::Debug + Send + Sync {
    /// The places of words in bytes, in their order, and how surprising each is, at least 0.
    ///
    /// # Errors
    ///
    /// If the text cannot be cut, if what says so is damaged, or if `go_on` says so.
    fn of(&self, text: &str, go_on: GoOn<'_>) -> Result<Vec<(Range<usize>, f64)>>;
}

/// 1 + 1/2 + ... + 1/n.
fn harmonic(n: usize) -> f64 {
    const EXACT: usize = 1_000;
    const EULER: f64 = 0.577_215_664_901_532_9;
    if n <= EXACT {
        return (1..=n.max(1)).map(|rank| 1.0 / rank as f64).sum();
    }
    (n as f64).ln() + EULER + 1.0 / (2.0 * n as f64)
}

/// Texts that are made up to find the common direction.
const TEXTS: usize = 1_000;
/// Words of each.
const WORDS: usize = 10;
const SEED: u64 = 0x51f;
const STEPS: usize = 100;

/// The first principal component of the weighted means of texts that are made up of the words of the
/// table as it was built, drawn in proportion to their frequency; of length 1, or nothing if there is
/// none, as of a table that was made empty and not rebuilt yet. It depends on the table, the frequencies
/// and the weights alone.
pub fn common_direction(
    table: &View,
    frequencies: &Frequencies,
    weight: &dyn Fn(f64) -> f64,
    pre_normalize: bool,
) -> Vec<f64> {
    let base = table.base();
    if base.is_empty() {
        return Vec::new();
    }
    let mut until = Vec::with_capacity(base.len());
    let mut sum = 0.0;
    for row in (0..base.len()).map_while(|row| RowId::try_from(row).ok()) {
        sum += frequencies.of(row);
        until.push(sum);
    }
    let mut random = SplitMix64(SEED);
    let mut draw = || {
        // 53 bits, from 0 to below 1.
        let share = (random.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let row = until.partition_point(|&until| until <= share * sum).min(base.len() - 1);
        RowId::try_from(row).unwrap_or(RowId(0))
    };
    let texts: Vec<Vec<f64>> = (0..TEXTS)
        .map(|_| {
            let mut text = vec![0.0; base.dim()];
            for _ in 0..WORDS {
                let row = draw();
                let scale = if pre_normalize { inverse(base.norm(row)) } else { 1.0 };
                let weight = weight(frequencies.of(row)) * scale / WORDS as f64;
                algebra::add(&mut text, weight, &base.vector(row));
            }
            text
        })
        .collect();
    first_component(&texts, base.dim())
}

/// One by a length; 0 for a vector of zeros.
pub(super) fn inverse(norm: f32) -> f64 {
    if norm > 0.0 { 1.0 / f64::from(norm) } else { 0.0 }
}

/// Power iteration, from the sum of the rows.
fn first_component(rows: &[Vec<f64>], dim: usize) -> Vec<f64> {
    let mut direction = vec![0.0; dim];
    for row in rows {
        add(&mut direction, 1.0, row);
    }
    if !scale_to_one(&mut direction) {
        return Vec::new();
    }
    for _ in 0..STEPS {
        let mut next = vec![0.0; dim];
        for row in rows {
            add(&mut next, dot(row, &direction), row);
        }
        if !scale_to_one(&mut next) {
            return Vec::new();
        }
        let is_still = 1.0 - dot(&next, &direction).abs() < 1e-15;
        direction = next;
        if is_still {
            break;
        }
    }
    direction
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

pub(super) fn add(sum: &mut [f64], weight: f64, row: &[f64]) {
    sum.iter_mut().zip(row).for_each(|(total, value)| *total += weight * value);
}

/// Whether it has a length.
pub(super) fn scale_to_one(vector: &mut [f64]) -> bool {
    let length = dot(vector, vector).sqrt();
    if length <= 0.0 || !length.is_finite() {
        return false;
    }
    for value in vector {
        *value /= length;
    }
    true
}
