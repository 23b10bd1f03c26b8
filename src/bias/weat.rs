//! The Word Embedding Association Test (Caliskan, Bryson, Narayanan 2017), for sets and single words.

use crate::bias::partition::{self, Method, Partitions};
use crate::bias::sets::{Member, SetUsed, Terms, dot, mean, resolve_sets};
use crate::bias::{WordSet, bootstrap, count};
use crate::error::{Error, ErrorKind, Result};
use crate::query::{GoOn, WordsUsed};
use crate::table::view::View;

/// Are the target words X nearer to the attribute words A than to B, compared with Y?
#[derive(Clone, Debug, PartialEq)]
pub struct WeatQuery {
    /// X, Y, A, B.
    pub sets: [WordSet; 4],
    /// How words are looked up, and how many a set may lose.
    pub terms: Terms,
    /// How partitions are gone through; the seed is also that of the interval.
    pub partitions: Partitions,
}

/// The answer to a [`WeatQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct WeatAnswer {
    /// s(X, Y, A, B) of the paper: the sum of the associations of X less that of Y.
    pub statistic: f64,
    /// The difference of the mean associations over their standard deviation, with ddof 0 (WEFE's).
    pub effect_size: f64,
    /// The same with ddof 1 (the paper's sample standard deviation).
    pub effect_size_ddof1: f64,
    /// Where the effect size with ddof 0 lies for 95 % of samples drawn from X and Y.
    pub effect_size_interval: Option<(f64, f64)>,
    /// How often chance alone is as extreme.
    pub p: Significance,
    /// X, Y, A, B as used.
    pub sets: [SetUsed; 4],
    /// What makes the figures doubtful.
    pub warnings: Vec<String>,
    /// How the words were found.
    pub words: WordsUsed,
}

/// The p-values of a permutation test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Significance {
    /// Share of the partitions whose statistic is at least the observed one. Partitions keep the
    /// sizes of the sets; where losses made these unequal, means are compared in place of sums.
    pub one_sided: f64,
    /// Share of those whose statistic is at least as far from 0.
    pub two_sided: f64,
    /// How it was found.
    pub method: Method,
    /// Partitions counted or drawn, the observed one among them; `u64::MAX` if there are more.
    pub partition_count: u64,
    /// Standard error of a drawn one-sided p-value, sqrt(p (1 - p) / n); else 0.
    pub standard_error: f64,
    /// What a bounded p-value is off by at most, the one-sided and the two-sided; else 0.
    pub error: f64,
}

impl Significance {
    fn of(first: &[f64], second: &[f64], how: Partitions, go_on: GoOn<'_>) -> Result<Self> {
        let p = partition::p_values(first, second, how, go_on)?;
        let error = (p.one_sided * (1.0 - p.one_sided) / p.count as f64).sqrt();
        Ok(Self {
            one_sided: p.one_sided,
            two_sided: p.two_sided,
            method: p.method,
            partition_count: p.count,
            standard_error: if p.method == Method::Drawn { error } else { 0.0 },
            error: p.error,
        })
    }
}

/// Runs an association test.
///
/// # Errors
///
/// Under [`OovPolicy::Error`](crate::query::OovPolicy), `UnknownWords` naming those of all four sets.
/// `Unsuited` if a set lost more than the threshold or has no word left, or if all associations are
/// equal, so that there is no effect to measure; whatever `go_on` says.
pub fn weat(table: &View, query: &WeatQuery, go_on: GoOn<'_>) -> Result<WeatAnswer> {
    let given: Vec<_> = ["x", "y", "a", "b"].into_iter().zip(&query.sets).collect();
    let sets = resolve_sets(table, &query.terms, "weat", &given, go_on)?;
    let known = |i: usize| mean(table.dim(), sets.members[i].iter().map(|m| &m.unit[..]));
    let attributes = [known(2), known(3)];
    let associations = [0, 1].map(|i| -> Vec<f64> {
        sets.members[i].iter().map(|target| association(target, &attributes)).collect()
    });
    let mut used = sets.used;
    for (used, associations) in used.iter_mut().zip(&associations) {
        for ((_, told), &association) in used.words.iter_mut().zip(associations) {
            *told = Some(association);
        }
    }
    let [x, y] = &associations;
    let effect = effect(x, y).ok_or_else(no_effect)?;
    let p = Significance::of(x, y, query.partitions, go_on)?;
    let sizes = [x.len(), y.len()];
    let effect_size_interval =
        bootstrap::interval(&sizes, query.partitions.seed, go_on, |sample| {
            let draw = |values: &[f64], places: &[usize]| -> Vec<f64> {
                places.iter().map(|&place| values[place]).collect()
            };
            self::effect(&draw(x, &sample[0]), &draw(y, &sample[1])).map(|effect| effect.0)
        })?;
    let mut warnings = sets.warnings;
    if x.len() + y.len() < 8 {
        let least = 1.0 / p.partition_count.max(1) as f64;
        warnings.push(format!("so few targets that no p-value can be below {least:.4}"));
    }
    let used: Result<[SetUsed; 4], _> = used.try_into();
    Ok(WeatAnswer {
        statistic: sum(x) - sum(y),
        effect_size: effect.0,
        effect_size_ddof1: effect.1,
        effect_size_interval,
        p,
        sets: used.unwrap_or_default(),
        warnings,
        words: sets.words,
    })
}

/// The effect size with ddof 0 and 1; none if all associations are alike.
fn effect(x: &[f64], y: &[f64]) -> Option<(f64, f64)> {
    let count = (x.len() + y.len()) as f64;
    let mean = (sum(x) + sum(y)) / count;
    let squares: f64 = x.iter().chain(y).map(|s| (s - mean).powi(2)).sum();
    let difference = sum(x) / x.len() as f64 - sum(y) / y.len() as f64;
    // Cosines of vectors in single precision differ by rounding alone below this.
    let alike = squares.sqrt() <= f64::from(f32::EPSILON) * 1e-3;
    let effects =
        (difference / (squares / count).sqrt(), difference / (squares / (count - 1.0)).sqrt());
    (!alike).then_some(effects)
}

/// Is each word nearer to A than to B? The single-category test (the paper's `WEFAT` before its
/// correlation).
#[derive(Clone, Debug, PartialEq)]
pub struct SingleWeatQuery {
    /// The words.
    pub words: WordSet,
    /// A and B.
    pub attributes: [WordSet; 2],
    /// How words are looked up, and how many a set may lose.
    pub terms: Terms,
    /// How partitions are gone through.
    pub partitions: Partitions,
}

/// The answer to a [`SingleWeatQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct SingleWeatAnswer {
    /// One a word that is found, in the order asked.
    pub words: Vec<SingleWeat>,
    /// The words, A and B as used.
    pub sets: Vec<SetUsed>,
    /// What makes the figures doubtful.
    pub warnings: Vec<String>,
    /// How the words were found.
    pub used: WordsUsed,
}

/// One word between two attribute sets.
#[derive(Clone, Debug, PartialEq)]
pub struct SingleWeat {
    /// As asked.
    pub word: String,
    /// Mean cosine to A less mean cosine to B.
    pub association: f64,
    /// The association over the standard deviation of all cosines, with ddof 0 and 1; none if these
    /// are all alike.
    pub effect_sizes: Option<(f64, f64)>,
    /// How often another parting of A and B together is as extreme.
    pub p: Significance,
}

/// Partitions are drawn for so many words that counting would take longer.
const COUNTING_SECONDS_MAX: f64 = 2.0;

/// Tests single words.
///
/// # Errors
///
/// As [`weat`], but for equal associations.
pub fn single_weat(
    table: &View,
    query: &SingleWeatQuery,
    go_on: GoOn<'_>,
) -> Result<SingleWeatAnswer> {
    let [a, b] = &query.attributes;
    let given = [("words", &query.words), ("a", a), ("b", b)];
    let mut sets = resolve_sets(table, &query.terms, "weat of single words", &given, go_on)?;
    sets.warnings.retain(|warning| !warning.starts_with("set words"));
    let together = sets.members[1].len() + sets.members[2].len();
    let long = count::seconds(together) * sets.members[0].len() as f64 > COUNTING_SECONDS_MAX;
    let how = Partitions { draw: query.partitions.draw || long, ..query.partitions };
    let words = sets.members[0].iter().map(|word| {
        let cosines = [1, 2].map(|i| -> Vec<f64> {
            sets.members[i].iter().map(|other| dot(&word.unit, &other.unit)).collect()
        });
        let [to_a, to_b] = &cosines;
        Ok(SingleWeat {
            word: word.word.clone(),
            association: sum(to_a) / to_a.len() as f64 - sum(to_b) / to_b.len() as f64,
            effect_sizes: effect(to_a, to_b),
            p: Significance::of(to_a, to_b, how, go_on)?,
        })
    });
    let words = words.collect::<Result<_>>()?;
    Ok(SingleWeatAnswer { words, sets: sets.used, warnings: sets.warnings, used: sets.words })
}

fn association(target: &Member<'_>, [a, b]: &[Vec<f64>; 2]) -> f64 {
    dot(&target.unit, a) - dot(&target.unit, b)
}

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

fn no_effect() -> Error {
    let because =
        "all target words have the same association: there is no effect to measure".to_owned();
    Error::new(ErrorKind::Unsuited { operation: "weat", because })
}
