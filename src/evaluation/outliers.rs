//! Sets with a word that does not belong: do the vectors find it?

use crate::error::{Error, ErrorKind, Result};
use crate::evaluation::Lookup;
use crate::evaluation::file::{self, Line};
use crate::evaluation::vocabulary::Vocabulary;
use crate::limits;
use crate::query::GoOn;
use crate::steps::watched;
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
            match Line::of(line) {
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
                        check_members(set.members.len())?;
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

fn check_members(got: usize) -> Result<()> {
    let max = limits::OUTLIER_MEMBERS_MAX;
    if got <= max {
        return Ok(());
    }
    let (limit, max, got) = ("OUTLIER_MEMBERS_MAX", max as u64, got as u64);
    Err(Error::new(ErrorKind::TooLarge { limit, max, got }).context("the members of a set"))
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
///
/// # Errors
///
/// Whatever `go_on` says.
pub fn outliers(table: &View, query: &OutliersQuery, go_on: GoOn<'_>) -> Result<OutliersAnswer> {
    let sets = &query.sets.sets;
    let words = sets.iter().flat_map(|set| set.members.iter().chain(&set.outliers));
    let vocabulary =
        Vocabulary::new(table, query.lookup, words.clone().map(String::as_str), go_on)?;
    let unknown = words.filter(|word| vocabulary.row(word).is_none()).cloned().collect();
    let units = |words: &[String]| -> Vec<Vec<f64>> {
        let rows = words.iter().filter_map(|word| vocabulary.row(word));
        rows.map(|row| unit(&table.vector(row))).collect()
    };
    let mut total = OutlierScore { name: "total".to_owned(), ..OutlierScore::default() };
    let mut scores = Vec::new();
    for set in watched(sets, go_on) {
        let set = set?;
        let mut score = OutlierScore { name: set.name.clone(), ..OutlierScore::default() };
        score.outliers = set.outliers.len();
        let members = Members::new(units(&set.members), table.dim());
        let count = members.units.len();
        let (mut found, mut places) = (0, 0.0);
        for outlier in units(&set.outliers).into_iter().filter(|_| count >= 2) {
            let place = members.place(&outlier, go_on)?;
            score.asked += 1;
            found += usize::from(place == count);
            places += place as f64 / count as f64;
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
    Ok(OutliersAnswer { sets: scores, total, unknown })
}

/// The known members of a set.
struct Members {
    /// Of length 1, or 0.
    units: Vec<Vec<f64>>,
    /// All of them together: a product with it is the sum of the products with each.
    sum: Vec<f64>,
    /// The cosines of each to all others, summed up.
    cosines: Vec<f64>,
}

impl Members {
    fn new(units: Vec<Vec<f64>>, dim: usize) -> Self {
        let mut sum = vec![0.0; dim];
        for unit in &units {
            sum.iter_mut().zip(unit).for_each(|(sum, value)| *sum += value);
        }
        let cosines = units.iter().map(|unit| dot(unit, &sum) - dot(unit, unit)).collect();
        Self { units, sum, cosines }
    }

    /// How many members leave a less compact set behind than the outlier does: those whose cosines to
    /// all others sum up to more.
    fn place(&self, outlier: &[f64], go_on: GoOn<'_>) -> Result<usize> {
        let of_outlier = dot(outlier, &self.sum);
        let mut place = 0;
        for member in watched(self.units.iter().zip(&self.cosines), go_on) {
            let (unit, cosines) = member?;
            place += usize::from(cosines + dot(unit, outlier) > of_outlier);
        }
        Ok(place)
    }
}

/// The vector at length 1; zeros for one of zeros.
fn unit(vector: &[f32]) -> Vec<f64> {
    let norm = scalar::norm(vector);
    let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
    vector.iter().map(|&value| f64::from(value) * scale).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
