//! How alike are two texts?

use std::collections::BTreeMap;

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::limits;
use crate::query::GoOn;
use crate::query::embed::{EmbedQuery, Embedder, TextVector, refuse_unknown};
use crate::query::frequency::Weighing;
use crate::table::view::View;
use crate::text::tokenizer::Tokenizer;
use crate::vector::RowId;
use crate::vector::scalar;
use crate::vector::transport::transport;

/// Pairs of texts are to be compared.
#[derive(Clone, Debug, PartialEq)]
pub struct AlikeQuery {
    /// How texts become vectors; its texts are the first and second of each pair, in turn.
    pub embed: EmbedQuery,
    /// Whether words are moved too, each to the nearest one.
    pub relaxed_wmd: bool,
    /// Whether words are moved too, in the cheapest way.
    pub exact_wmd: bool,
}

/// How alike two texts are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alike {
    /// Cosine of their vectors; none if one has none.
    pub cosine: Option<f64>,
    /// Relaxed Word Mover's Distance; none if not asked for, or if a text has no known word.
    pub relaxed_wmd: Option<f64>,
    /// Word Mover's Distance, likewise.
    pub exact_wmd: Option<f64>,
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
    weighing: Weighing,
    go_on: GoOn<'_>,
) -> Result<Vec<Alike>> {
    let embedder = Embedder::new(table, tokenizer, &query.embed, weighing, go_on)?;
    let (pairs, _) = query.embed.texts.as_chunks();
    let mut answers = Vec::with_capacity(pairs.len());
    for (i, [a, b]) in (0_u64..).zip(pairs) {
        go_on()?;
        let place = || format!("pairs[{i}]");
        let texts = [(2 * i, a), (2 * i + 1, b)];
        let vectors = texts.map(|(at, text)| embedder.text(at, text).context(place));
        let [first, second] = vectors;
        let vectors = [first?, second?];
        refuse_unknown(query.embed.words.oov, vectors.iter())?;
        let (mut relaxed_wmd, mut exact_wmd) = (None, None);
        if query.relaxed_wmd || query.exact_wmd {
            let bags = texts.map(|(at, text)| Bag::new(&embedder, at, text).context(place));
            let [a, b] = bags;
            let moving = Moving::new(table, a?, b?);
            relaxed_wmd = moving.as_ref().filter(|_| query.relaxed_wmd).map(Moving::relaxed);
            if query.exact_wmd
                && let Some(moving) = &moving
            {
                exact_wmd = Some(moving.exact(go_on)?);
            }
        }
        let [a, b] = vectors;
        answers.push(Alike {
            cosine: cosine(&a, &b),
            relaxed_wmd,
            exact_wmd,
            skipped: a.skipped.into_iter().chain(b.skipped).collect(),
        });
    }
    Ok(answers)
}

/// None if one of them has no vector.
fn cosine(a: &TextVector, b: &TextVector) -> Option<f64> {
    if let (Some(a), Some(b)) = (&a.sparse, &b.sparse) {
        return a.cosine(b);
    }
    let has_both = !a.values.is_empty() && !b.values.is_empty();
    has_both.then(|| scalar::cosine(&a.values, &b.values))
}

/// The different words of a text, with their share of it.
struct Bag(Vec<(RowId, f64)>);

impl Bag {
    fn new(embedder: &Embedder<'_>, at: u64, text: &str) -> Result<Self> {
        let rows = embedder.known(at, text)?.rows;
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

/// What it costs to move each word of a text to each of another: the distance of their unit vectors.
struct Moving {
    from: Vec<f64>,
    to: Vec<f64>,
    /// Row by row, a row a word of the first text.
    costs: Vec<f64>,
}

impl Moving {
    /// None if a text has no known word.
    fn new(table: &View, a: Bag, b: Bag) -> Option<Self> {
        if a.0.is_empty() || b.0.is_empty() {
            return None;
        }
        let units = |bag: &Bag| -> Vec<Vec<f32>> {
            bag.0.iter().map(|&(row, _)| table.unit(row)).collect()
        };
        let (from, to) = (units(&a), units(&b));
        let costs = from.iter().flat_map(|x| to.iter().map(|y| distance(x, y))).collect();
        let shares = |bag: Bag| bag.0.into_iter().map(|(_, share)| share).collect();
        Some(Self { from: shares(a), to: shares(b), costs })
    }

    /// Every word goes to the nearest one of the other text; of both ways, the longer (Kusner, Sun,
    /// Kolkin and Weinberger 2015, equation 4 and what follows).
    fn relaxed(&self) -> f64 {
        let mut nearest_of_b = vec![f64::INFINITY; self.to.len()];
        let mut forth = 0.0;
        for (share, costs) in self.from.iter().zip(self.costs.chunks_exact(self.to.len())) {
            forth += share * costs.iter().copied().fold(f64::INFINITY, f64::min);
            nearest_of_b.iter_mut().zip(costs).for_each(|(best, &cost)| *best = best.min(cost));
        }
        let back: f64 = self.to.iter().zip(nearest_of_b).map(|(share, cost)| share * cost).sum();
        forth.max(back)
    }

    /// The cheapest way to move all.
    fn exact(&self, go_on: GoOn<'_>) -> Result<f64> {
        let flows = transport(&self.from, &self.to, &self.costs, go_on)?;
        let cost = |source, sink| self.costs[source * self.to.len() + sink];
        Ok(flows.iter().map(|flow| flow.weight * cost(flow.source, flow.sink)).sum())
    }
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    let square = |(x, y): (&f32, &f32)| (f64::from(*x) - f64::from(*y)).powi(2);
    a.iter().zip(b).map(square).sum::<f64>().sqrt()
}
