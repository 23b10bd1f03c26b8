//! How far are two texts apart, if each word moves to where a word of the other is?

use crate::error::{Error, ErrorKind, Result};
use crate::query::resolve::{Resolved, resolve};
use crate::query::{GoOn, WordOptions, WordOrVector, WordsUsed};
use crate::table::view::View;
use crate::vector::transport::{Flow, transport};

/// Word Mover's Distance (Kusner et al. 2015; gensim's `wmdistance`).
#[derive(Clone, Debug, PartialEq)]
pub struct WordMoversQuery {
    /// The words of two texts; a word that stands twice weighs twice.
    pub texts: [Vec<String>; 2],
    /// Whether distances are those of vectors as imported, in place of unit vectors.
    pub raw: bool,
    /// Only the relaxed distance, which is faster and never more than the exact one.
    pub relaxed: bool,
    /// How words are looked up.
    pub words: WordOptions,
}

/// The answer to a [`WordMoversQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct WordMoversAnswer {
    /// The exact distance; none if only the relaxed one was asked for.
    pub distance: Option<f64>,
    /// The greater of the two distances at which each word moves whole to the nearest one.
    pub relaxed: f64,
    /// What moves where in the exact solution, what costs most first.
    pub moves: Vec<Move>,
    /// How the words were found.
    pub words: WordsUsed,
}

/// A word that moves.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// The word of the first text, as asked.
    pub from: String,
    /// The word of the second.
    pub to: String,
    /// The share of the first text that moves.
    pub weight: f64,
    /// The Euclidean distance between the vectors of the two words.
    pub distance: f64,
}

/// Measures the distance of two texts.
///
/// # Errors
///
/// As [`resolve`]; `Unsuited` if a text has no known word; whatever `go_on` says.
pub fn word_movers(
    table: &View,
    query: &WordMoversQuery,
    go_on: GoOn<'_>,
) -> Result<WordMoversAnswer> {
    let asked: Vec<WordOrVector> =
        query.texts.iter().flatten().cloned().map(WordOrVector::Word).collect();
    let asked: Vec<_> = asked.iter().collect();
    let (resolved, words) =
        resolve(table, &query.words, &asked, &|i| format!("words[{i}]"), go_on)?;
    let (a, b) = resolved.split_at(query.texts[0].len());
    let (a, b) = (Bag::new(a, query.raw), Bag::new(b, query.raw));
    for (bag, name) in [(&a, "a"), (&b, "b")] {
        if bag.words.is_empty() {
            let because = format!("no word of text {name} is in the table");
            return Err(Error::new(ErrorKind::Unsuited { operation: "word movers", because }));
        }
    }
    let mut costs = Vec::with_capacity(a.words.len() * b.words.len());
    for x in &a.vectors {
        go_on()?;
        costs.extend(b.vectors.iter().map(|y| euclidean(x, y)));
    }
    let relaxed = relaxed(&a, &b, &costs);
    let (mut distance, mut moves) = (None, Vec::new());
    if !query.relaxed {
        let flows = transport(&a.weights, &b.weights, &costs, go_on)?;
        let moved = |flow: &Flow| Move {
            from: a.words[flow.source].clone(),
            to: b.words[flow.sink].clone(),
            weight: flow.weight,
            distance: costs[flow.source * b.words.len() + flow.sink],
        };
        moves = flows.iter().map(moved).collect();
        moves.sort_by(|a, b| (b.weight * b.distance).total_cmp(&(a.weight * a.distance)));
        distance = Some(moves.iter().map(|one| one.weight * one.distance).sum());
    }
    Ok(WordMoversAnswer { distance, relaxed, moves, words })
}

/// The distinct words of a text, each with its share.
#[derive(Default)]
struct Bag {
    words: Vec<String>,
    weights: Vec<f64>,
    vectors: Vec<Vec<f64>>,
}

impl Bag {
    fn new(resolved: &[Option<Resolved<'_>>], raw: bool) -> Self {
        let mut bag = Self::default();
        let mut places = std::collections::HashMap::new();
        let total = resolved.iter().flatten().count() as f64;
        for resolved in resolved.iter().flatten() {
            // What has no row of its own is told apart by how it is written.
            let spelling = resolved.row.is_none().then_some(&resolved.word);
            let place = *places.entry((resolved.row, spelling)).or_insert_with(|| {
                let unit = if raw { None } else { resolved.unit() };
                let vector = unit.as_deref().unwrap_or(&resolved.vector);
                bag.vectors.push(vector.iter().map(|&value| f64::from(value)).collect());
                bag.words.push(resolved.word.clone().into_owned());
                bag.weights.push(0.0);
                bag.words.len() - 1
            });
            bag.weights[place] += 1.0 / total;
        }
        bag
    }
}

fn relaxed(a: &Bag, b: &Bag, costs: &[f64]) -> f64 {
    let columns = b.words.len();
    let least = |costs: &mut dyn Iterator<Item = f64>| costs.fold(f64::INFINITY, f64::min);
    let forth: f64 = (a.weights.iter().zip(costs.chunks_exact(columns)))
        .map(|(weight, row)| weight * least(&mut row.iter().copied()))
        .sum();
    let back: f64 = (b.weights.iter().enumerate())
        .map(|(j, weight)| weight * least(&mut costs.iter().skip(j).step_by(columns).copied()))
        .sum();
    forth.max(back)
}

fn euclidean(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}
