//! The Word Embedding Association Test (Caliskan, Bryson, Narayanan 2017).

pub use crate::bias::WordSet;
use crate::bias::partition;
use crate::error::{Error, ErrorKind, Result};
use crate::query::resolve::{Resolved, resolve};
use crate::query::{OovPolicy, Preprocessor, WordOptions, WordOrVector, WordsUsed};
use crate::table::view::View;
use crate::vector::algebra;
use crate::vector::scalar;

/// Are the target words X nearer to the attribute words A than to B, compared with Y?
#[derive(Clone, Debug, PartialEq)]
pub struct WeatQuery {
    /// X, Y, A, B.
    pub sets: [WordSet; 4],
    /// How words are looked up; under [`OovPolicy::Skip`] unknown words are lost to their set.
    pub words: WordOptions,
    /// A set that loses more than this share of its words makes the test meaningless.
    pub lost_threshold: f64,
    /// So many partitions are counted; if there are more, so many are drawn. At least 1.
    pub partitions_max: u32,
    /// Seed of the drawing.
    pub seed: u64,
}

impl WeatQuery {
    /// The share of lost words that is borne unless another is asked for (as WEFE).
    pub const LOST_THRESHOLD: f64 = 0.2;
    /// The partitions that are counted or drawn unless another number is asked for.
    pub const PARTITIONS_MAX: u32 = 200_000;

    /// How words are looked up unless it is said: as they are, else in lower case; unknown ones are
    /// lost.
    pub fn default_words() -> WordOptions {
        let lowercase = Preprocessor { lowercase: true, strip_accents: false };
        let preprocessors = vec![Preprocessor::default(), lowercase];
        WordOptions { oov: OovPolicy::Skip, preprocessors }
    }
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
    /// Share of the partitions of X and Y whose statistic is at least this one. Partitions keep the
    /// sizes of X and Y; where losses made these unequal, means are compared in place of sums.
    pub p_value: f64,
    /// Share of those whose statistic is at least as far from 0.
    pub p_value_two_sided: f64,
    /// Whether every partition was counted.
    pub p_value_exact: bool,
    /// Partitions counted or drawn, the observed one among them.
    pub partition_count: u64,
    /// Standard error of a drawn p-value, sqrt(p (1 - p) / n); 0 if exact.
    pub p_value_standard_error: f64,
    /// X, Y, A, B as used.
    pub sets: [SetUsed; 4],
    /// How the words were found.
    pub words: WordsUsed,
}

/// What a test used of a set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetUsed {
    /// The set's name.
    pub name: String,
    /// The words found, as asked, in the order given; those of X and Y with s(w, A, B) of the paper,
    /// the mean cosine to A less the mean cosine to B.
    pub words: Vec<(String, Option<f64>)>,
    /// Words that the table does not have.
    pub lost: Vec<String>,
}

/// Runs an association test.
///
/// # Errors
///
/// Under [`OovPolicy::Error`], `UnknownWords` naming those of all four sets. `Unsuited` if a set
/// lost more than the threshold or has no word left, or if all associations are equal, so that
/// there is no effect to measure.
pub fn weat(table: &View, query: &WeatQuery) -> Result<WeatAnswer> {
    let words = query.sets.each_ref().map(|set| {
        set.words.iter().map(|word| WordOrVector::Word(word.clone())).collect::<Vec<_>>()
    });
    let asked: Vec<_> = words.iter().flatten().collect();
    let (resolved, words) = resolve(table, &query.words, &asked, &|i| format!("words[{i}]"))?;
    let mut rest = resolved.iter();
    let resolved =
        query.sets.each_ref().map(|set| rest.by_ref().take(set.words.len()).collect::<Vec<_>>());
    let mut sets =
        query.sets.each_ref().map(|set| SetUsed { name: set.name.clone(), ..SetUsed::default() });
    for (i, used) in sets.iter_mut().enumerate() {
        for (word, resolved) in query.sets[i].words.iter().zip(&resolved[i]) {
            match resolved {
                Some(_) => used.words.push((word.clone(), None)),
                None => used.lost.push(word.clone()),
            }
        }
    }
    check_losses(&sets, query.lost_threshold)?;
    let known = |i: usize| resolved[i].iter().filter_map(|resolved| resolved.as_ref());
    let attributes = [mean_unit(table.dim(), known(2)), mean_unit(table.dim(), known(3))];
    let associations = [0, 1]
        .map(|i| -> Vec<f64> { known(i).map(|target| association(target, &attributes)).collect() });
    for (used, associations) in sets.iter_mut().zip(&associations) {
        for ((_, told), &association) in used.words.iter_mut().zip(associations) {
            *told = Some(association);
        }
    }
    answer(query, &associations, sets, words)
}

fn answer(
    query: &WeatQuery,
    [x, y]: &[Vec<f64>; 2],
    sets: [SetUsed; 4],
    words: WordsUsed,
) -> Result<WeatAnswer> {
    let count = (x.len() + y.len()) as f64;
    let mean = (sum(x) + sum(y)) / count;
    let squares: f64 = x.iter().chain(y).map(|s| (s - mean).powi(2)).sum();
    let difference = sum(x) / x.len() as f64 - sum(y) / y.len() as f64;
    // Cosines of vectors in single precision differ by rounding alone below this.
    if squares.sqrt() <= f64::from(f32::EPSILON) * 1e-3 {
        return Err(unsuited(
            "all target words have the same association: there is no effect to measure".to_owned(),
        ));
    }
    let p = partition::p_values(x, y, query.partitions_max, query.seed);
    let error = (p.one_sided * (1.0 - p.one_sided) / p.count as f64).sqrt();
    Ok(WeatAnswer {
        statistic: sum(x) - sum(y),
        effect_size: difference / (squares / count).sqrt(),
        effect_size_ddof1: difference / (squares / (count - 1.0)).sqrt(),
        p_value: p.one_sided,
        p_value_two_sided: p.two_sided,
        p_value_exact: p.exact,
        partition_count: p.count,
        p_value_standard_error: if p.exact { 0.0 } else { error },
        sets,
        words,
    })
}

/// Refuses a test that lost too much, naming every such set and what it lost.
fn check_losses(sets: &[SetUsed; 4], threshold: f64) -> Result<()> {
    let problems = sets.iter().zip(["x", "y", "a", "b"]).filter_map(|(set, letter)| {
        let total = set.words.len() + set.lost.len();
        let too_many = set.lost.len() as f64 > threshold * total as f64;
        if !too_many && !set.words.is_empty() {
            return None;
        }
        let name = if set.name.is_empty() { String::new() } else { format!(" ({})", set.name) };
        let lost: Vec<_> = set.lost.iter().map(|word| format!("\"{word}\"")).collect();
        let (lost_count, lost) = (lost.len(), lost.join(", "));
        Some(format!("set {letter}{name} loses {lost_count} of its {total} words: {lost}"))
    });
    let problems: Vec<_> = problems.collect();
    if problems.is_empty() {
        return Ok(());
    }
    Err(unsuited(format!(
        "too many words are not in the table: {}; try lower case, other words, or a higher \
         threshold than {threshold}",
        problems.join("; ")
    )))
}

/// The mean of unit vectors: its dot product with a unit vector is their mean cosine.
fn mean_unit<'r>(dim: usize, words: impl Iterator<Item = &'r Resolved<'r>>) -> Vec<f64> {
    let mut mean = vec![0.0; dim];
    let mut count = 0.0;
    for word in words {
        let norm = scalar::norm(&word.vector);
        if norm > 0.0 {
            algebra::add(&mut mean, 1.0 / norm, &word.vector);
        }
        count += 1.0;
    }
    for value in &mut mean {
        *value /= count;
    }
    mean
}

fn association(target: &Resolved<'_>, [a, b]: &[Vec<f64>; 2]) -> f64 {
    let norm = scalar::norm(&target.vector);
    let terms = target.vector.iter().zip(a.iter().zip(b));
    let dot: f64 = terms.map(|(&value, (a, b))| f64::from(value) * (a - b)).sum();
    if norm > 0.0 { dot / norm } else { 0.0 }
}

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

fn unsuited(because: String) -> Error {
    Error::new(ErrorKind::Unsuited { operation: "weat", because })
}
