//! Words that people put into categories: do clusters of the vectors agree?

use std::collections::HashMap;

use crate::error::{Error, ErrorKind, Result};
use crate::evaluation::Lookup;
use crate::evaluation::file::{self, Line};
use crate::evaluation::vocabulary::Vocabulary;
use crate::query::GoOn;
use crate::table::view::View;
use crate::vector::cluster::{adjusted_rand, k_means};

/// A file of words by category (such as AP, BLESS, Battig).
#[derive(Clone, Debug, PartialEq)]
pub struct CategoriesQuery {
    /// The words.
    pub words: CategoryFile,
    /// Which words are known.
    pub lookup: Lookup,
    /// Seed of the clustering.
    pub seed: u64,
}

/// Words with their categories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CategoryFile {
    categories: Vec<String>,
    /// A word, and the place of its category.
    words: Vec<(String, usize)>,
}

/// How well clusters agree with categories.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoriesAnswer {
    /// Share of the words that are in a cluster's most frequent category, from 0 to 1.
    pub purity: f64,
    /// Purity of one cluster for all: the share of the largest category.
    pub baseline: f64,
    /// Agreement beyond chance (adjusted Rand index), 1 at most.
    pub adjusted_rand: f64,
    /// A cluster each: its most frequent category, the words of that, and all its words.
    pub clusters: Vec<(String, usize, usize)>,
    /// Words of the file.
    pub words: usize,
    /// Words that are known: only they are clustered.
    pub known: usize,
    /// The others.
    pub unknown: Vec<String>,
}

const NAME: &str = "categories";
const RESTARTS: usize = 10;

impl CategoryFile {
    /// Reads lines of a word and its category; or `: category` lines, each followed by its words.
    ///
    /// # Errors
    ///
    /// If a line has no category, there are fewer than two categories, or a limit is passed.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut read = Self::default();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut section = None;
        for (number, line) in file::lines(NAME, bytes)? {
            let mut place = |name: &str, read: &mut Self| {
                *places.entry(name.to_owned()).or_insert_with(|| {
                    read.categories.push(name.to_owned());
                    read.categories.len() - 1
                })
            };
            match Line::of(line) {
                Line::Empty => {}
                Line::Section(name) => section = Some(place(name, &mut read)),
                Line::Text(text) => match (section, &file::fields(text)[..]) {
                    (Some(section), words) => {
                        read.words.extend(words.iter().map(|word| ((*word).to_owned(), section)));
                    }
                    (None, [word, category]) => {
                        let category = place(category, &mut read);
                        read.words.push(((*word).to_owned(), category));
                    }
                    (None, _) => {
                        let problem = "a word and its category, or words behind \": category\"";
                        return Err(file::malformed(NAME, number, problem));
                    }
                },
            }
            if read.words.len() > WORDS_MAX {
                return Err(Error::new(ErrorKind::TooLarge {
                    limit: "words of categories",
                    max: WORDS_MAX as u64,
                    got: read.words.len() as u64,
                }));
            }
        }
        if read.categories.len() < 2 {
            return Err(file::malformed(NAME, 1, "at least two categories are needed"));
        }
        Ok(read)
    }

    /// Words of the file.
    pub fn word_count(&self) -> usize {
        self.words.len()
    }
}

/// Words up to which clusters are found in seconds.
const WORDS_MAX: usize = 20_000;

/// Clusters the known words into as many clusters as they have categories (spherical k-means, the
/// best of 10 runs by its own measure, which knows nothing of the categories).
///
/// # Errors
///
/// `Unsuited` if fewer than two categories have a known word; whatever `go_on` says.
pub fn categories(
    table: &View,
    query: &CategoriesQuery,
    go_on: GoOn<'_>,
) -> Result<CategoriesAnswer> {
    let file = &query.words;
    let words = file.words.iter().map(|(word, _)| word.as_str());
    let vocabulary = Vocabulary::new(table, query.lookup, words, go_on)?;
    let (mut vectors, mut truth, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for (word, category) in &file.words {
        match vocabulary.row(word) {
            Some(row) => {
                let unit = table.unit(row);
                vectors.push(unit.into_iter().map(f64::from).collect::<Vec<f64>>());
                truth.push(*category);
            }
            None => unknown.push(word.clone()),
        }
    }
    let mut sizes = vec![0; file.categories.len()];
    for &category in &truth {
        sizes[category] += 1;
    }
    let k = sizes.iter().filter(|&&size| size > 0).count();
    if k < 2 {
        let because = "fewer than two categories have a word in the table".to_owned();
        return Err(Error::new(ErrorKind::Unsuited { operation: "categories", because }));
    }
    let found = k_means(&vectors, k, (RESTARTS, query.seed), &|| go_on())?;
    let mut clusters = Vec::new();
    for cluster in 0..k {
        let mut counts = vec![0; file.categories.len()];
        for (&label, &category) in found.labels.iter().zip(&truth) {
            counts[category] += usize::from(label == cluster);
        }
        let all = counts.iter().sum::<usize>();
        let most = (0..counts.len()).max_by_key(|&i| (counts[i], std::cmp::Reverse(i)));
        if let Some(most) = most.filter(|_| all > 0) {
            clusters.push((file.categories[most].clone(), counts[most], all));
        }
    }
    let pure: usize = clusters.iter().map(|(_, hits, _)| hits).sum();
    let largest = sizes.iter().max().copied().unwrap_or(0);
    Ok(CategoriesAnswer {
        purity: pure as f64 / truth.len() as f64,
        baseline: f64::from(u32::try_from(largest).unwrap_or(u32::MAX)) / truth.len() as f64,
        adjusted_rand: adjusted_rand(&found.labels, &truth),
        clusters,
        words: file.words.len(),
        known: truth.len(),
        unknown,
    })
}
