//! The word sets of a probe: who is found, who is lost, and what makes a figure doubtful.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::bias::WordSet;
use crate::error::{Error, ErrorKind, Result};
use crate::query::resolve::{Resolved, resolve};
use crate::query::{GoOn, OovPolicy, Preprocessor, WordOptions, WordOrVector, WordsUsed};
use crate::table::view::View;
use crate::vector::{RowId, scalar};

/// How the words of a probe are looked up, and how many a set may lose.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// Under [`OovPolicy::Skip`] unknown words are lost to their set.
    pub words: WordOptions,
    /// A set that loses more than this share of its words makes a probe meaningless.
    pub lost_threshold: f64,
}

impl Default for Terms {
    /// As WEFE: words as they are, else in lower case; unknown ones are lost, up to a fifth.
    fn default() -> Self {
        let lowercase = Preprocessor { lowercase: true, strip_accents: false };
        let preprocessors = vec![Preprocessor::default(), lowercase];
        let words = WordOptions { oov: OovPolicy::Skip, preprocessors, ..WordOptions::default() };
        Self { words, lost_threshold: 0.2 }
    }
}

/// What a probe used of a set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetUsed {
    /// The set's name.
    pub name: String,
    /// The words found, as asked, in the order given; where the probe has a figure for each word,
    /// with that.
    pub words: Vec<(String, Option<f64>)>,
    /// Words that the table does not have.
    pub lost: Vec<String>,
}

/// A word of a set.
#[derive(Clone, Debug)]
pub(super) struct Member<'a> {
    pub(super) word: String,
    pub(super) row: RowId,
    /// As imported.
    pub(super) vector: Cow<'a, [f32]>,
    /// At length 1; all zeros if the vector is.
    pub(super) unit: Vec<f64>,
}

/// Sets as the table knows them.
#[derive(Debug)]
pub(super) struct Sets<'a> {
    pub(super) members: Vec<Vec<Member<'a>>>,
    /// Positions of the members in the sets given.
    pub(super) positions: Vec<Vec<usize>>,
    pub(super) used: Vec<SetUsed>,
    pub(super) words: WordsUsed,
    pub(super) warnings: Vec<String>,
}

/// Words below which a set's mean is an accident of its choice.
const FEW: usize = 5;

/// Looks up sets; `letters` name them where they have no name.
///
/// # Errors
///
/// Under [`OovPolicy::Error`], `UnknownWords` naming those of all sets. `Unsuited` naming every set
/// that lost more than the threshold or has no word left.
pub(super) fn resolve_sets<'a>(
    table: &'a View,
    terms: &Terms,
    operation: &'static str,
    given: &[(&str, &WordSet)],
    go_on: GoOn<'_>,
) -> Result<Sets<'a>> {
    let asked: Vec<WordOrVector> = given
        .iter()
        .flat_map(|(_, set)| &set.words)
        .map(|word| WordOrVector::Word(word.clone()))
        .collect();
    let asked: Vec<&WordOrVector> = asked.iter().collect();
    let (resolved, words) =
        resolve(table, &terms.words, &asked, &|i| format!("words[{i}]"), go_on)?;
    // Under the strategy ALL a word may have several rows, and its set grows by them.
    let rows = |resolved: Option<Resolved<'_>>| resolved.map_or_else(Vec::new, |word| word.rows());
    let rows: Vec<Vec<RowId>> = resolved.into_iter().map(rows).collect();
    let mut rest = rows.into_iter();
    let mut sets =
        Sets { members: vec![], positions: vec![], used: vec![], words, warnings: vec![] };
    for (_, set) in given {
        let mut used = SetUsed { name: set.name.clone(), ..SetUsed::default() };
        let (mut members, mut positions) = (Vec::new(), Vec::new());
        for (i, (word, rows)) in set.words.iter().zip(rest.by_ref()).enumerate() {
            if rows.is_empty() {
                used.lost.push(word.clone());
            }
            for row in rows {
                used.words.push((word.clone(), None));
                positions.push(i);
                members.push(Member::new(table, word, row));
            }
        }
        sets.members.push(members);
        sets.positions.push(positions);
        sets.used.push(used);
    }
    check_losses(&sets.used, given, terms.lost_threshold, operation)?;
    sets.warn(given);
    Ok(sets)
}

impl<'a> Member<'a> {
    pub(super) fn new(table: &'a View, word: &str, row: RowId) -> Self {
        let vector = table.vector(row);
        Self { word: word.to_owned(), row, unit: unit(&vector), vector }
    }
}

impl Sets<'_> {
    /// Says what makes figures of these sets doubtful.
    fn warn(&mut self, given: &[(&str, &WordSet)]) {
        let mut warnings = Vec::new();
        let sets = given.iter().zip(&self.members).zip(&self.used);
        for (((letter, set), members), used) in sets {
            let name = called(letter, &set.name);
            let lost = used.lost.len();
            if members.len() < FEW {
                let words = if members.len() == 1 { "word" } else { "words" };
                let count = members.len();
                warnings.push(format!("set {name} has {count} {words}: its mean is one of chance"));
            }
            if lost > 0 {
                let all = set.words.len();
                warnings.push(format!("set {name} lost {lost} of its {all} words"));
            }
            let rows: HashSet<RowId> = members.iter().map(|member| member.row).collect();
            if rows.len() < members.len() {
                let twice = members.len() - rows.len();
                warnings.push(format!(
                    "set {name} names {twice} words more than once: they count twice"
                ));
            }
            let zeros = members.iter().filter(|member| !has_direction(member)).count();
            if zeros > 0 {
                warnings
                    .push(format!("set {name} has {zeros} vectors of zeros: their cosines are 0"));
            }
        }
        for i in 0..given.len() {
            for j in i + 1..given.len() {
                let rows: HashSet<RowId> = self.members[i].iter().map(|m| m.row).collect();
                let shared = self.members[j].iter().filter(|m| rows.contains(&m.row));
                let shared: Vec<_> = shared.map(|m| format!("\"{}\"", m.word)).collect();
                if !shared.is_empty() {
                    warnings.push(format!(
                        "sets {} and {} share {}",
                        called(given[i].0, &given[i].1.name),
                        called(given[j].0, &given[j].1.name),
                        shared.join(", ")
                    ));
                }
            }
        }
        self.warnings.extend(warnings);
    }

    /// The pairs of two sets of which both words are found.
    pub(super) fn pairs(&self, first: usize, second: usize) -> Vec<(&Member<'_>, &Member<'_>)> {
        let partner = |position: &usize| self.positions[second].iter().position(|p| p == position);
        let pairs = self.positions[first].iter().enumerate().filter_map(|(i, position)| {
            Some((&self.members[first][i], &self.members[second][partner(position)?]))
        });
        pairs.collect()
    }
}

fn called(letter: &str, name: &str) -> String {
    if name.is_empty() { letter.to_owned() } else { format!("{letter} ({name})") }
}

fn has_direction(member: &Member<'_>) -> bool {
    member.unit.iter().any(|value| value.abs() > 0.0)
}

/// A vector at length 1, in double precision.
pub(super) fn unit(vector: &[f32]) -> Vec<f64> {
    let norm = scalar::norm(vector);
    let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
    vector.iter().map(|&value| f64::from(value) * scale).collect()
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The mean of some vectors.
pub(super) fn mean<'v>(dim: usize, vectors: impl Iterator<Item = &'v [f64]>) -> Vec<f64> {
    let mut mean = vec![0.0; dim];
    let mut count = 0.0;
    for vector in vectors {
        for (sum, value) in mean.iter_mut().zip(vector) {
            *sum += value;
        }
        count += 1.0;
    }
    for value in &mut mean {
        *value /= f64::max(count, 1.0);
    }
    mean
}

/// Refuses sets that lost too much, naming every one and what it lost.
fn check_losses(
    used: &[SetUsed],
    given: &[(&str, &WordSet)],
    threshold: f64,
    operation: &'static str,
) -> Result<()> {
    let problems = used.iter().zip(given).filter_map(|(set, (letter, asked))| {
        let total = asked.words.len();
        let too_many = set.lost.len() as f64 > threshold * total as f64;
        if !too_many && !set.words.is_empty() {
            return None;
        }
        let name = called(letter, &set.name);
        let lost: Vec<_> = set.lost.iter().map(|word| format!("\"{word}\"")).collect();
        let (lost_count, lost) = (lost.len(), lost.join(", "));
        Some(format!("set {name} loses {lost_count} of its {total} words: {lost}"))
    });
    let problems: Vec<_> = problems.collect();
    if problems.is_empty() {
        return Ok(());
    }
    let because = format!(
        "too many words are not in the table: {}; try lower case, other words, or a higher \
         threshold than {threshold}",
        problems.join("; ")
    );
    Err(Error::new(ErrorKind::Unsuited { operation, because }))
}
