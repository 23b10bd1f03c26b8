//! How alike are two texts?

use std::collections::BTreeMap;

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::limits;
use crate::query::GoOn;
use crate::query::embed::{Common, EmbedQuery, Embedder, refuse_unknown};
use crate::table::view::View;
use crate::text::tokenizer::Tokenizer;
use crate::vector::RowId;
use crate::vector::scalar;

/// Pairs of texts are to be compared.
#[derive(Clone, Debug, PartialEq)]
pub struct AlikeQuery {
    /// How texts become vectors; its texts are the first and second of each pair, in turn.
    pub embed: EmbedQuery,
    /// Whether words are moved too.
    pub relaxed_wmd: bool,
}

/// How alike two texts are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alike {
    /// Cosine of their vectors; none if one has none.
    pub cosine: Option<f64>,
    /// Relaxed Word Mover's Distance; none if not asked for, or if a text has no known word.
    pub relaxed_wmd: Option<f64>,
    /// Words that have no vector.
    pub skipped: Vec<String>,
}

/// Compares pairs of texts.
///
/// # Errors
///
/// As [`embed`](crate::query::embed::embed); and if words are to be moved and a text has too many
/// different ones.
pub fn alike(
    table: &View,
    tokenizer: &Tokenizer,
    query: &AlikeQuery,
    common: Common<'_>,
    go_on: GoOn<'_>,
) -> Result<Vec<Alike>> {
    let embedder = Embedder::new(table, tokenizer, &query.embed, common)?;
    let (pairs, _) = query.embed.texts.as_chunks();
    let mut answers = Vec::with_capacity(pairs.len());
    for (i, [a, b]) in pairs.iter().enumerate() {
        go_on()?;
        let place = || format!("pairs[{i}]");
        let vectors = [embedder.text(a).context(place)?, embedder.text(b).context(place)?];
        refuse_unknown(query.embed.words.oov, vectors.iter())?;
        let has_both = vectors.iter().all(|vector| !vector.values.is_empty());
        let relaxed_wmd = if query.relaxed_wmd {
            let bags = [Bag::new(&embedder, a), Bag::new(&embedder, b)];
            let [a, b] = bags.map(|bag| bag.context(place));
            moved(table, &a?, &b?)
        } else {
            None
        };
        let [a, b] = vectors;
        answers.push(Alike {
            cosine: has_both.then(|| scalar::cosine(&a.values, &b.values)),
            relaxed_wmd,
            skipped: a.skipped.into_iter().chain(b.skipped).collect(),
        });
    }
    Ok(answers)
}

/// The different words of a text, with their share of it.
struct Bag(Vec<(RowId, f64)>);

impl Bag {
    fn new(embedder: &Embedder<'_>, text: &str) -> Result<Self> {
        let rows = embedder.known(text)?.rows;
        let mut counts: BTreeMap<RowId, f64> = BTreeMap::new();
        let all = rows.len() as f64;
        for (row, _) in rows {
            *counts.entry(row).or_default() += 1.0;
        }
        let (max, got) = (limits::MOVED_WORDS_MAX, counts.len());
        if got > max {
            let limit = "MOVED_WORDS_MAX";
            let kind = ErrorKind::TooLarge { limit, max: max as u64, got: got as u64 };
            return Err(Error::new(kind));
        }
        Ok(Self(counts.into_iter().map(|(row, count)| (row, count / all)).collect()))
    }
}

/// Every word goes to the nearest one of the other text; of both ways, the longer (Kusner, Sun, Kolkin
/// and Weinberger 2015, equation 4 and what follows).
fn moved(table: &View, a: &Bag, b: &Bag) -> Option<f64> {
    if a.0.is_empty() || b.0.is_empty() {
        return None;
    }
    let units =
        |bag: &Bag| -> Vec<Vec<f32>> { bag.0.iter().map(|&(row, _)| table.unit(row)).collect() };
    let (from, to) = (units(a), units(b));
    let mut nearest_of_b = vec![f64::INFINITY; to.len()];
    let mut forth = 0.0;
    for (vector, (_, share)) in from.iter().zip(&a.0) {
        let mut nearest = f64::INFINITY;
        for (other, best) in to.iter().zip(&mut nearest_of_b) {
            let distance = distance(vector, other);
            nearest = nearest.min(distance);
            *best = best.min(distance);
        }
        forth += share * nearest;
    }
    let back: f64 = b.0.iter().zip(nearest_of_b).map(|((_, share), nearest)| share * nearest).sum();
    Some(forth.max(back))
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    let square = |(x, y): (&f32, &f32)| (f64::from(*x) - f64::from(*y)).powi(2);
    a.iter().zip(b).map(square).sum::<f64>().sqrt()
}
