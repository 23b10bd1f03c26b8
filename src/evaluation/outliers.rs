//! Sets with a word that does not belong: do the vectors find it?

use crate::error::Result;
use crate::evaluation::Lookup;
use crate::evaluation::file::{self, Line};
use crate::evaluation::vocabulary::Vocabulary;
use crate::table::view::View;
use crate::vector::scalar;

/// A file of sets with their outliers (such as 8-8-8).
#[derive(Clone, Debug, PartialEq)]
pub struct OutliersQuery {
    /// The sets.
    pub sets: OutlierFile,
    /// Which words are known.
    pub lookup: Lookup,
}

/// Sets, each with words that do not belong to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutlierFile {
    sets: Vec<FileSet>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FileSet {
    name: String,
    members: Vec<String>,
    outliers: Vec<String>,
}

/// How often the outlier is found (Camacho-Collados and Navigli 2016).
#[derive(Clone, Debug, PartialEq)]
pub struct OutliersAnswer {
    /// A set each.
    pub sets: Vec<OutlierScore>,
    /// All of them together.
    pub total: OutlierScore,
    /// Words that are not known.
    pub unknown: Vec<String>,
}

/// What became of the outliers of a set: each is put to the set's members alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutlierScore {
    /// The set's name.
    pub name: String,
    /// Outliers of the file.
    pub outliers: usize,
    /// Those that are known, with at least two known members.
    pub asked: usize,
    /// Share of those that are found: without no other word the rest is as compact.
    pub accuracy: f64,
    /// Mean position of the outlier, from 0 (fits best) to 1 (found).
    pub position: f64,
}

const NAME: &str = "outliers";

impl OutlierFile {
    /// Reads sets: a line `: name`, the members a line each, an empty line, the outliers a line each.
    ///
    /// # Errors
    ///
    /// If a set has fewer than two members or no outlier, or a limit is passed.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut sets: Vec<FileSet> = Vec::new();
        let (mut is_behind, mut count) = (false, 0);
        for (number, line) in file::lines(NAME, bytes)? {
            match line {
                Line::Section(name) => {
                    check(sets.last(), number)?;
                    sets.push(FileSet { name: name.to_owned(), ..FileSet::default() });
                    is_behind = false;
                }
                Line::Empty => is_behind = sets.last().is_some_and(|set| !set.members.is_empty()),
                Line::Text(word) => {
                    if sets.is_empty() {
                        sets.push(FileSet::default());
                    }
                    count += 1;
                    file::check_count(count)?;
                    if let Some(set) = sets.last_mut() {
                        let list = if is_behind { &mut set.outliers } else { &mut set.members };
                        list.push(word.to_owned());
                    }
                }
            }
        }
        if sets.is_empty() {
            return Err(file::malformed(NAME, 1, "there is no set"));
        }
        check(sets.last(), 1)?;
        Ok(Self { sets })
    }

    /// Outliers of all sets.
    pub fn outlier_count(&self) -> usize {
        self.sets.iter().map(|set| set.outliers.len()).sum()
    }
}

fn check(set: Option<&FileSet>, line: u64) -> Result<()> {
    match set {
        Some(set) if set.members.len() < 2 || set.outliers.is_empty() => {
            let name = &set.name;
            let problem = format!(
                "the set \"{name}\" needs two members, an empty line, and an outlier at least"
            );
            Err(file::malformed(NAME, line, problem))
        }
        Some(_) | None => Ok(()),
    }
}

/// Looks for each outlier among the members of its set. A word's compactness is the mean cosine of
/// all others; the outlier should leave the most compact set behind.
pub fn outliers(table: &View, query: &OutliersQuery) -> OutliersAnswer {
    let sets = &query.sets.sets;
    let words = sets.iter().flat_map(|set| set.members.iter().chain(&set.outliers));
    let vocabulary = Vocabulary::new(table, query.lookup, words.clone().map(String::as_str));
    let unknown = words.filter(|word| vocabulary.row(word).is_none()).cloned().collect();
    let vectors = |words: &[String]| -> Vec<&[f32]> {
        words.iter().filter_map(|word| Some(table.vector(vocabulary.row(word)?))).collect()
    };
    let mut total = OutlierScore { name: "total".to_owned(), ..OutlierScore::default() };
    let mut scores = Vec::new();
    for set in sets {
        let mut score = OutlierScore { name: set.name.clone(), ..OutlierScore::default() };
        score.outliers = set.outliers.len();
        let members = vectors(&set.members);
        let (mut found, mut places) = (0, 0.0);
        for outlier in vectors(&set.outliers).into_iter().filter(|_| members.len() >= 2) {
            let place = place(&members, outlier);
            score.asked += 1;
            found += usize::from(place == members.len());
            places += place as f64 / members.len() as f64;
        }
        total.outliers += score.outliers;
        total.asked += score.asked;
        total.accuracy += found as f64;
        total.position += places;
        let count = score.asked.max(1) as f64;
        (score.accuracy, score.position) = (found as f64 / count, places / count);
        scores.push(score);
    }
    let count = total.asked.max(1) as f64;
    (total.accuracy, total.position) = (total.accuracy / count, total.position / count);
    OutliersAnswer { sets: scores, total, unknown }
}

/// How many members leave a less compact set behind than the outlier does.
fn place(members: &[&[f32]], outlier: &[f32]) -> usize {
    let all: Vec<&[f32]> = members.iter().copied().chain([outlier]).collect();
    // A word whose cosines to all others sum up to less leaves a more compact set behind.
    let sums: Vec<f64> = (0..all.len())
        .map(|i| {
            let others = (0..all.len()).filter(|&j| j != i);
            others.map(|j| scalar::cosine(all[i], all[j])).sum()
        })
        .collect();
    let (of_outlier, of_members) = (sums[members.len()], &sums[..members.len()]);
    of_members.iter().filter(|&&sum| sum > of_outlier).count()
}
