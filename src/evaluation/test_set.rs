//! The kinds of test sets, whether a file is one of them, and the figures that compare tables by it.

use crate::error::{Error, ErrorKind, Result};
use crate::evaluation::Lookup;
use crate::evaluation::analogies::{AnalogiesQuery, AnalogyFile, analogies};
use crate::evaluation::categories::{CategoriesQuery, CategoryFile, categories};
use crate::evaluation::outliers::{OutlierFile, OutliersQuery, outliers};
use crate::evaluation::word_pairs::{PairFile, WordPairsQuery, word_pairs};
use crate::query::GoOn;
use crate::query::analogy::AnalogyMethod;
use crate::table::view::View;

/// What a test set asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestSetKind {
    /// Analogy questions.
    Analogies,
    /// Pairs with their similarity.
    WordPairs,
    /// Words by category.
    Categories,
    /// Sets with outliers.
    Outliers,
}

impl TestSetKind {
    const ALL: [Self; 4] = [Self::Analogies, Self::WordPairs, Self::Categories, Self::Outliers];

    /// Its name, such as `analogies`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Analogies => "analogies",
            Self::WordPairs => "word pairs",
            Self::Categories => "categories",
            Self::Outliers => "outliers",
        }
    }

    /// The kind of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// How many entries a file of this kind has: questions, pairs, words or outliers.
    ///
    /// # Errors
    ///
    /// If it is none of this kind.
    pub fn count(self, file: &[u8]) -> Result<usize> {
        Ok(match self {
            Self::Analogies => AnalogyFile::read(file)?.question_count(),
            Self::WordPairs => PairFile::read(file)?.pair_count(),
            Self::Categories => CategoryFile::read(file)?.word_count(),
            Self::Outliers => OutlierFile::read(file)?.outlier_count(),
        })
    }

    /// An error unless a stored test set is of this kind.
    ///
    /// # Errors
    ///
    /// If it is of another.
    pub fn check(self, name: &str, stored: &str) -> Result<()> {
        if self.name() == stored {
            return Ok(());
        }
        let problem = format!("{name} is a test set of {stored}, and not of {}", self.name());
        Err(Error::invalid("test_set", problem))
    }
}

/// A test set as it is usually asked.
#[derive(Clone, Debug, PartialEq)]
pub enum TestSet {
    /// By 3CosAdd.
    Analogies(AnalogiesQuery),
    /// Pairs.
    WordPairs(WordPairsQuery),
    /// Categories.
    Categories(CategoriesQuery),
    /// Outliers.
    Outliers(OutliersQuery),
}

/// A figure's name and value; none if it is not defined.
pub type Figure = (&'static str, Option<f64>);

impl TestSet {
    /// A test set of this kind from a file.
    ///
    /// # Errors
    ///
    /// If the file is none of this kind.
    pub fn read(kind: TestSetKind, file: &[u8], lookup: Lookup) -> Result<Self> {
        Ok(match kind {
            TestSetKind::Analogies => {
                let (questions, method) = (AnalogyFile::read(file)?, AnalogyMethod::CosAdd);
                Self::Analogies(AnalogiesQuery { questions, method, lookup })
            }
            TestSetKind::WordPairs => {
                Self::WordPairs(WordPairsQuery { pairs: PairFile::read(file)?, lookup })
            }
            TestSetKind::Categories => {
                let words = CategoryFile::read(file)?;
                Self::Categories(CategoriesQuery { words, lookup, seed: 0 })
            }
            TestSetKind::Outliers => {
                Self::Outliers(OutliersQuery { sets: OutlierFile::read(file)?, lookup })
            }
        })
    }

    /// The figures by which tables are compared.
    ///
    /// # Errors
    ///
    /// Whatever `go_on` says.
    pub fn figures(&self, table: &View, go_on: GoOn<'_>) -> Result<Vec<Figure>> {
        let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
        Ok(match self {
            Self::Analogies(query) => {
                let total = analogies(table, query, go_on)?.total;
                vec![
                    ("right answers", share(total.right.first, total.asked)),
                    ("right with inputs", share(total.right_with_inputs.first, total.asked)),
                ]
            }
            Self::WordPairs(query) => vec![("Spearman", word_pairs(table, query, go_on)?.spearman)],
            Self::Categories(query) => match categories(table, query, go_on) {
                Ok(answer) => vec![("purity", Some(answer.purity))],
                Err(error) if matches!(error.kind(), ErrorKind::Unsuited { .. }) => {
                    vec![("purity", None)]
                }
                Err(error) => return Err(error),
            },
            Self::Outliers(query) => {
                let total = outliers(table, query, go_on)?.total;
                vec![("accuracy", (total.asked > 0).then_some(total.accuracy))]
            }
        })
    }
}
