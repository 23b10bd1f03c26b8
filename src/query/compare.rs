//! How differently do two tables see a word?

use std::collections::HashSet;

use crate::error::{Error, ErrorKind, Result};
use crate::index::{Index, SearchParams};
use crate::query::answer_size::AnswerSize;
use crate::query::nearest::named;
use crate::query::resolve::resolve;
use crate::query::{GoOn, Neighbor, OovPolicy, WordOptions, WordOrVector, WordsUsed};
use crate::steps::watched;
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::procrustes::{Procrustes, Turn};
use crate::vector::{algebra, scalar};

/// Some words in two tables.
#[derive(Clone, Debug, PartialEq)]
pub struct CompareQuery {
    /// The words.
    pub words: Vec<String>,
    /// Neighbors of each in each table.
    pub k: usize,
    /// The tables are aligned on so many words that both have, the first in the order of the first
    /// table's rows.
    pub anchors: usize,
    /// How words are looked up; an unknown one is refused under either policy.
    pub options: WordOptions,
}

/// A table that is compared.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// Its rows.
    pub view: &'a View,
    /// What finds its neighbors; every row is compared.
    pub index: &'a dyn Index,
}

/// The answer to a [`CompareQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct CompareAnswer {
    /// One a word, in the order asked.
    pub words: Vec<ComparedWord>,
    /// Words that both tables have, at most as many as were wanted.
    pub anchor_count: usize,
    /// Mean and standard deviation of the aligned similarity over the anchors, if there is one.
    pub aligned_anchors: Option<(f64, f64)>,
    /// Why the tables were not aligned; empty if they were.
    pub not_aligned: String,
    /// How the words were found in the two tables.
    pub used: [WordsUsed; 2],
}

/// A word in two tables.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparedWord {
    /// As asked.
    pub word: String,
    /// Its nearest words in each table.
    pub neighbors: [Vec<Neighbor>; 2],
    /// Words that stand in both lists, in the order of the first.
    pub shared: Vec<Vec<u8>>,
    /// Shared neighbors over all neighbors (Jaccard), from 0 to 1.
    pub overlap: f64,
    /// Cosine of the two lists of similarities to the neighbors of either table, as far as both have
    /// them (the local neighborhood measure of Hamilton, Leskovec and Jurafsky 2016).
    pub neighborhood_similarity: Option<f64>,
    /// Cosine of the word's two vectors after the first table was turned onto the second
    /// (orthogonal Procrustes), if it was.
    pub aligned_similarity: Option<f64>,
}

/// The widest vectors that are aligned: it takes about dim^3 steps.
const ALIGNED_DIM_MAX: usize = 1_024;
/// Anchors between two looks at whether to go on.
const ANCHORS_PER_LOOK: usize = 64;

/// Compares words in two tables.
///
/// # Errors
///
/// As [`resolve`], with words refused that either table lacks; whatever `go_on` says.
pub fn compare(
    sides: [Side<'_>; 2],
    query: &CompareQuery,
    go_on: GoOn<'_>,
) -> Result<CompareAnswer> {
    let options = WordOptions { oov: OovPolicy::Error, ..query.options.clone() };
    let asked: Vec<_> = query.words.iter().cloned().map(WordOrVector::Word).collect();
    let asked: Vec<_> = asked.iter().collect();
    let field = |i: usize| format!("words[{i}]");
    let (first, first_used) = resolve(sides[0].view, &options, &asked, &field, go_on)?;
    let (second, second_used) = resolve(sides[1].view, &options, &asked, &field, go_on)?;
    let anchors = anchors(sides, query.anchors, go_on)?;
    let (turn, not_aligned) = match align(sides, &anchors, go_on)? {
        Ok(turn) => (Some(turn), String::new()),
        Err(because) => (None, because),
    };
    let aligned = |a: RowId, b: RowId| {
        let turned = turn.as_ref()?.apply(&sides[0].view.vector(a));
        Some(scalar::cosine(&turned, &sides[1].view.vector(b)))
    };
    let (mut words, mut size) = (Vec::with_capacity(query.words.len()), AnswerSize::default());
    for ((word, a), b) in query.words.iter().zip(&first).zip(&second) {
        go_on()?;
        let rows = (a.as_ref().and_then(|r| r.row), b.as_ref().and_then(|r| r.row));
        let (Some(a), Some(b)) = rows else { return Err(Error::new(ErrorKind::Internal)) };
        let neighbors =
            [near(sides[0], a, query.k, &mut size)?, near(sides[1], b, query.k, &mut size)?];
        let mut compared = ComparedWord {
            word: word.clone(),
            neighborhood_similarity: neighborhood(sides, (a, b), &neighbors),
            aligned_similarity: aligned(a, b),
            neighbors,
            shared: Vec::new(),
            overlap: 0.0,
        };
        compared.share();
        words.push(compared);
    }
    let cosines: Option<Vec<f64>> = anchors.iter().map(|&(a, b)| aligned(a, b)).collect();
    let aligned_anchors = cosines.filter(|cosines| !cosines.is_empty()).map(|cosines| {
        let count = cosines.len() as f64;
        let mean = cosines.iter().sum::<f64>() / count;
        let variance = cosines.iter().map(|cosine| (cosine - mean).powi(2)).sum::<f64>() / count;
        (mean, variance.sqrt())
    });
    Ok(CompareAnswer {
        words,
        anchor_count: anchors.len(),
        aligned_anchors,
        not_aligned,
        used: [first_used, second_used],
    })
}

impl ComparedWord {
    fn share(&mut self) {
        let [first, second] = &self.neighbors;
        let second: HashSet<&[u8]> = second.iter().map(|n| &n.word[..]).collect();
        let shared = first.iter().filter(|n| second.contains(&n.word[..]));
        self.shared = shared.map(|n| n.word.clone()).collect();
        let all = first.len() + second.len() - self.shared.len();
        self.overlap = if all > 0 { self.shared.len() as f64 / all as f64 } else { 0.0 };
    }
}

fn near(side: Side<'_>, row: RowId, k: usize, size: &mut AnswerSize) -> Result<Vec<Neighbor>> {
    let Some(goal) = algebra::unit(&side.view.vector(row)) else { return Ok(Vec::new()) };
    let exclude = [row];
    let params =
        SearchParams { exclude: &exclude, row: Some(row), exact: true, ..SearchParams::new(k, k) };
    named(side.view, side.index.search(&goal, &params).nears, size)
}

fn neighborhood(
    sides: [Side<'_>; 2],
    (a, b): (RowId, RowId),
    neighbors: &[Vec<Neighbor>; 2],
) -> Option<f64> {
    let mut seen = HashSet::new();
    let (mut first, mut second): (Vec<f32>, Vec<f32>) = (Vec::new(), Vec::new());
    for word in neighbors.iter().flatten().map(|neighbor| &neighbor.word) {
        let rows = (sides[0].view.row(word), sides[1].view.row(word));
        if let (Some(x), Some(y)) = rows
            && seen.insert(word)
        {
            #[expect(clippy::cast_possible_truncation, reason = "cosines are at most 1 in size")]
            let cosine =
                |side: Side<'_>, x, y| side.view.similarity(x, &side.view.vector(y)) as f32;
            first.push(cosine(sides[0], x, a));
            second.push(cosine(sides[1], y, b));
        }
    }
    (first.len() > 1).then(|| scalar::cosine(&first, &second))
}

/// Rows of words that both tables have, and that have a direction.
fn anchors(sides: [Side<'_>; 2], wanted: usize, go_on: GoOn<'_>) -> Result<Vec<(RowId, RowId)>> {
    let [first, second] = sides.map(|side| side.view);
    let mut anchors = Vec::new();
    for a in watched(first.rows(), go_on) {
        let a = a?;
        let Some(b) = second.row(first.word(a)) else { continue };
        if anchors.len() == wanted {
            break;
        }
        if first.norm(a) > 0.0 && second.norm(b) > 0.0 {
            anchors.push((a, b));
        }
    }
    Ok(anchors)
}

/// Turns the first table onto the second; or says why not.
fn align(
    sides: [Side<'_>; 2],
    anchors: &[(RowId, RowId)],
    go_on: GoOn<'_>,
) -> Result<Result<Turn, String>> {
    let [first, second] = sides.map(|side| side.view);
    let (dim, other) = (first.dim(), second.dim());
    if dim != other {
        return Ok(Err(format!("the tables have {dim} and {other} components")));
    }
    if dim > ALIGNED_DIM_MAX {
        return Ok(Err(format!(
            "vectors of more than {ALIGNED_DIM_MAX} components are not aligned"
        )));
    }
    if anchors.len() < dim {
        return Ok(Err(format!(
            "both tables have {} words in common, and {dim} components take as many",
            anchors.len()
        )));
    }
    let mut fit = Procrustes::new(dim);
    for (i, &(a, b)) in anchors.iter().enumerate() {
        if i.is_multiple_of(ANCHORS_PER_LOOK) {
            go_on()?;
        }
        fit.push(&first.unit(a), &second.unit(b));
    }
    let flat = || "the shared words do not span all components".to_owned();
    Ok(fit.turn(go_on)?.ok_or_else(flat))
}
