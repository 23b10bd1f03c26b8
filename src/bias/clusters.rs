//! Can the most biased words still be told apart by their vectors? (Gonen and Goldberg 2019)

use std::collections::HashSet;

use crate::bias::WordSet;
use crate::bias::direction::{check_pairs, of_pairs};
use crate::bias::sets::{SetUsed, Terms, dot, resolve_sets, unit};
use crate::error::{Error, ErrorKind, Result};
use crate::query::{GoOn, WordsUsed};
use crate::steps::watched;
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::cluster::k_means;

/// The most biased words of one table, clustered by the vectors of another.
#[derive(Clone, Debug, PartialEq)]
pub struct ClustersQuery {
    /// Pairs that give the direction, word by word.
    pub from: WordSet,
    /// Their partners.
    pub to: WordSet,
    /// Only the first so many rows may be the most biased.
    pub top: usize,
    /// So many words of each side.
    pub count: usize,
    /// Seed of the clustering.
    pub seed: u64,
    /// How words are looked up, and how many a set may lose.
    pub terms: Terms,
}

/// The answer to a [`ClustersQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct ClustersAnswer {
    /// Share of the words that two clusters put on their own side, from 0.5 (nothing is left) to 1.
    pub accuracy: f64,
    /// The same in the table in which the bias was measured.
    pub original_accuracy: f64,
    /// Words of each side that both tables have.
    pub counts: [usize; 2],
    /// The most biased of each side, those farthest first.
    pub examples: [Vec<Vec<u8>>; 2],
    /// `from` and `to` as used.
    pub sets: Vec<SetUsed>,
    /// What makes the figures doubtful.
    pub warnings: Vec<String>,
    /// How the words were found.
    pub words: WordsUsed,
}

/// Words shown of each side.
const EXAMPLES: usize = 10;
const RESTARTS: usize = 5;

/// Clusters the words that lean most to each side in `original` by their vectors in `table`.
///
/// # Errors
///
/// As [`generate`](crate::bias::generate::generate); `Unsuited` if a side has no word.
pub fn clusters(
    table: &View,
    original: &View,
    query: &ClustersQuery,
    go_on: GoOn<'_>,
) -> Result<ClustersAnswer> {
    check_pairs(query.from.words.len(), query.to.words.len(), "to.words")?;
    let given = [("from", &query.from), ("to", &query.to)];
    let sets = resolve_sets(original, &query.terms, "clusters", &given, go_on)?;
    let direction = of_pairs(&sets.pairs(0, 1), go_on)?;
    let given: HashSet<RowId> = sets.members.iter().flatten().map(|member| member.row).collect();
    let mut leaning = Vec::new();
    for row in watched(original.rows().take(query.top), go_on) {
        let row = row?;
        if given.contains(&row) {
            continue;
        }
        if let Some(other) = table.row(original.word(row)) {
            leaning.push((dot(&unit(&original.vector(row)), &direction.axis), row, other));
        }
    }
    leaning.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let count = query.count.min(leaning.len() / 2);
    if count == 0 {
        let because = "the two tables share no words that lean to a side".to_owned();
        return Err(Error::new(ErrorKind::Unsuited { operation: "clusters", because }));
    }
    let (first, second) = (&leaning[..count], &leaning[leaning.len() - count..]);
    let both = || first.iter().chain(second.iter().rev());
    let seed = query.seed;
    let accuracy = |vectors: Vec<Vec<f64>>| -> Result<f64> {
        let found = k_means(&vectors, 2, (RESTARTS, seed), &|| go_on())?;
        let right =
            found.labels.iter().enumerate().filter(|&(i, &label)| (i < count) == (label == 0));
        let share = right.count() as f64 / vectors.len() as f64;
        Ok(share.max(1.0 - share))
    };
    let shown = |side: &mut dyn Iterator<Item = &(f64, RowId, _)>| {
        side.take(EXAMPLES).map(|(_, row, _)| original.word(*row).to_vec()).collect()
    };
    let examples = [shown(&mut first.iter()), shown(&mut second.iter().rev())];
    Ok(ClustersAnswer {
        accuracy: accuracy(both().map(|&(_, _, row)| unit(&table.vector(row))).collect())?,
        original_accuracy: accuracy(
            both().map(|&(_, row, _)| unit(&original.vector(row))).collect(),
        )?,
        counts: [count, count],
        examples,
        sets: sets.used,
        warnings: sets.warnings,
        words: sets.words,
    })
}
