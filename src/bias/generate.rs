//! Analogies that the vectors draw by themselves along a direction, such as she : he.

use crate::bias::WordSet;
use crate::bias::direction::{check_pairs, of_pairs};
use crate::bias::sets::{SetUsed, Terms, dot, resolve_sets, unit};
use crate::error::Result;
use crate::query::{GoOn, WordsUsed};
use crate::steps::watched;
use crate::table::view::View;
use crate::vector::{RowId, kernel};

/// Pairs x, y with x - y along the direction of some pairs (Bolukbasi et al. 2016, section 4).
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateQuery {
    /// The words from which the direction leads, such as he.
    pub from: WordSet,
    /// Those to which it leads, such as she: pairs, word by word.
    pub to: WordSet,
    /// Only the first so many rows are paired.
    pub top: usize,
    /// The two words of a pair are at most so far apart, as unit vectors: the paper's delta is 1.
    pub delta: f64,
    /// How many pairs are wanted.
    pub k: usize,
    /// How words are looked up, and how many a set may lose.
    pub terms: Terms,
}

/// The answer to a [`GenerateQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateAnswer {
    /// Best first; no `to` stands twice.
    pub pairs: Vec<GeneratedPair>,
    /// Share of the variance of the pairs given that their direction explains.
    pub explained: f64,
    /// `from` and `to` as used.
    pub sets: Vec<SetUsed>,
    /// What makes the direction doubtful.
    pub warnings: Vec<String>,
    /// How the words were found.
    pub words: WordsUsed,
}

/// from : to.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratedPair {
    /// The word on the side of `from`.
    pub from: Vec<u8>,
    /// Its partner on the side of `to`.
    pub to: Vec<u8>,
    /// Cosine of their difference and the direction.
    pub similarity: f64,
    /// How far apart they are, as unit vectors.
    pub distance: f64,
}

/// Finds for each of the first rows the partner whose difference points most along the direction.
///
/// # Errors
///
/// `InvalidArgument` if the pairs are uneven; as [`weat`](crate::bias::weat::weat) for lost words;
/// `Unsuited` if the pairs have no direction; whatever `go_on` says.
pub fn generate(table: &View, query: &GenerateQuery, go_on: GoOn<'_>) -> Result<GenerateAnswer> {
    check_pairs(query.from.words.len(), query.to.words.len(), "to.words")?;
    let given = [("from", &query.from), ("to", &query.to)];
    let sets = resolve_sets(table, &query.terms, "analogies along a direction", &given, go_on)?;
    let direction = of_pairs(&sets.pairs(0, 1), go_on)?;
    let mut rows: Vec<(RowId, f64, Vec<f32>)> = Vec::new();
    for row in watched(table.rows().take(query.top), go_on) {
        let row = row?;
        if table.norm(row) > 0.0 {
            rows.push((row, dot(&unit(&table.vector(row)), &direction.axis), table.unit(row)));
        }
    }
    // From the side of `to` to that of `from`: partners of a word come behind it.
    rows.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut best: Vec<(f64, f64, usize, usize)> = Vec::new();
    for (i, (_, along, x)) in rows.iter().enumerate() {
        go_on()?;
        let mut nearest: Option<(f64, f64, usize)> = None;
        for (j, (_, other, y)) in rows.iter().enumerate().skip(i + 1) {
            let distance = (2.0 - 2.0 * f64::from(kernel::dot(x, y))).max(0.0).sqrt();
            let similarity = (along - other) / distance;
            if distance <= query.delta
                && distance > SAME
                && nearest.is_none_or(|(most, ..)| similarity > most)
            {
                nearest = Some((similarity, distance, j));
            }
        }
        best.extend(nearest.map(|(similarity, distance, j)| (similarity, distance, i, j)));
    }
    best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)));
    let pair = |&(similarity, distance, i, j): &(f64, f64, usize, usize)| GeneratedPair {
        from: table.word(rows[j].0).to_vec(),
        to: table.word(rows[i].0).to_vec(),
        similarity: similarity.min(1.0),
        distance,
    };
    Ok(GenerateAnswer {
        pairs: best.iter().take(query.k).map(pair).collect(),
        explained: direction.explained,
        sets: sets.used,
        warnings: sets.warnings,
        words: sets.words,
    })
}

/// Vectors nearer than this are the same but for rounding, and their difference points anywhere.
const SAME: f64 = 1e-3;
