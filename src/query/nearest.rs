//! Which words are nearest to these?

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::index::lists::LIST;
use crate::index::{Found, Index, IndexKind, Search, SearchParams, Within};
use crate::limits;
use crate::query::answer_size::AnswerSize;
use crate::query::filter::Filter;
use crate::query::resolve::{Resolved, resolve};
use crate::query::{
    AnsweredBy, Effort, GoOn, Include, Included, Neighbor, OovPolicy, Weighted, WordOptions,
    WordOrVector, WordsUsed,
};
use crate::steps::watched;
use crate::table::attributes::Value;
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::algebra;
use crate::vector::row_set::RowSet;
use crate::vector::top::Near;

/// The nearest words of a weighted mean of words and vectors (gensim's `most_similar`).
#[derive(Clone, Debug, PartialEq)]
pub struct NearestQuery {
    /// What to be near to.
    pub positive: Vec<Weighted>,
    /// What to be far from: its weights count with the sign turned.
    pub negative: Vec<Weighted>,
    /// How many neighbors.
    pub k: usize,
    /// Whether the question's own words and rows are no answers.
    pub exclude_inputs: bool,
    /// Neighbors below this cosine similarity are left out. Unless the question names a width of the
    /// beam or a recall, none that is at least so near is missed.
    pub min_similarity: Option<f32>,
    /// How much neighbors should differ among themselves, from 0 to 1: each next one is that of the
    /// largest (1 - diversity) * similarity - diversity * its largest similarity to those before
    /// (maximal marginal relevance, Carbonell and Goldstein 1998). 0: nearest first.
    pub diversity: f32,
    /// How near to search. Whoever asks hands over an exact index if `exact` is set.
    pub effort: Effort,
    /// How words are looked up.
    pub words: WordOptions,
    /// Which rows may answer. Whoever asks hands over the rows that it lets through.
    pub filter: Option<Filter>,
    /// What is asked of each neighbor beside its word.
    pub include: Include,
    /// Only the nearest word of each value of this attribute. Whoever asks has a filter that leaves out words which
    /// lack it.
    pub group_by: Option<String>,
}

impl NearestQuery {
    /// The `k` words that are nearest to the mean of these, themselves left out; everything else as it is where
    /// nothing is said.
    pub fn new(positive: Vec<WordOrVector>, k: usize) -> Self {
        Self {
            positive: positive.into_iter().map(|query| Weighted { query, weight: 1.0 }).collect(),
            negative: Vec::new(),
            k,
            exclude_inputs: true,
            min_similarity: None,
            diversity: 0.0,
            effort: Effort::default(),
            words: WordOptions::default(),
            filter: None,
            include: Include::default(),
            group_by: None,
        }
    }

    /// Whether it asks for the nearest words of a single one, which may be known already.
    pub fn is_of_one_word(&self) -> bool {
        let [only] = &self.positive[..] else { return false };
        self.negative.is_empty()
            && self.group_by.is_none()
            && only.weight > 0.0
            && self.diversity <= 0.0
            && matches!(only.query, WordOrVector::Word(_) | WordOrVector::Row(_))
    }

    /// The similarity of the radius within which all are wanted, if the question is so.
    pub fn radius(&self) -> Option<f32> {
        let is_free = self.effort.ef_search.is_none() && self.effort.min_recall.is_none();
        let is_plain = self.diversity <= 0.0 && self.group_by.is_none();
        self.min_similarity.filter(|_| is_free && is_plain)
    }

    /// Neighbors that may have to be found for its answer.
    pub fn looked_at(&self) -> usize {
        if self.group_by.is_some() { limits::NEIGHBORS_MAX } else { self.k }
    }

    /// Whether its answer is what an index finds, asked once for as many rows.
    fn is_one_search(&self) -> bool {
        self.radius().is_none() && self.group_by.is_none()
    }

    /// Whether a tokenizer cuts something of it: a text, or words that the table does not have.
    pub fn is_cut(&self) -> bool {
        let mut all = self.positive.iter().chain(&self.negative);
        self.words.oov == OovPolicy::Tokenize
            || all.any(|weighted| matches!(weighted.query, WordOrVector::Text(_)))
    }
}

/// The answer to a [`NearestQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct NearestAnswer {
    /// Nearest first; ties in row order.
    pub neighbors: Vec<Neighbor>,
    /// Of a question for all within a radius: how many there are, told or not.
    pub within: Option<usize>,
    /// What found them.
    pub answered_by: AnsweredBy,
    /// How many rows the filter let through, if there was one.
    pub allowed_rows: Option<usize>,
    /// Which words of the question were found.
    pub words: WordsUsed,
}

/// A question, with what its table says of it.
#[derive(Clone)]
pub struct Asked<'a> {
    /// The question.
    pub query: &'a NearestQuery,
    /// The beam's width where the question asks for none.
    pub default_ef: usize,
    /// The rows that the question's filter lets through.
    pub allowed: Option<Arc<RowSet>>,
    /// Asked now and then whether somebody waits for the answer.
    pub go_on: GoOn<'a>,
}

impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("query", self.query).finish_non_exhaustive()
    }
}

/// The words nearest to the mean: each vector is brought to length 1, then weighted and summed.
///
/// A vector of zeros has no direction and adds nothing.
///
/// # Errors
///
/// As [`resolve`]; and `Unsuited` if nothing is left to be near to: no word is known, or the
/// vectors cancel out; whatever `go_on` says.
pub fn nearest(table: &View, index: &dyn Index, asked: Asked<'_>) -> Result<NearestAnswer> {
    let goal = Goal::of(table, asked)?;
    let (found, within) = goal.find(table, index)?;
    goal.answer(table, (found, within), &mut AnswerSize::default())
}

/// Answers each question as [`nearest`] does; together they may take less time, and count as one answer.
pub fn nearest_batch<'a>(
    table: &View,
    index: &dyn Index,
    asked: impl Iterator<Item = Result<Asked<'a>>>,
    size: &mut AnswerSize,
) -> Vec<Result<NearestAnswer>> {
    let goals: Vec<_> = asked.map(|asked| Goal::of(table, asked?)).collect();
    let searches: Vec<_> = goals
        .iter()
        .flatten()
        .filter(|goal| goal.asked.query.is_one_search())
        .map(|goal| Search { query: &goal.vector, params: goal.params(goal.wanted()) })
        .collect();
    let mut found = index.search_batch(&searches).into_iter();
    let answers = goals.into_iter().map(|goal| {
        let goal = goal?;
        let found = if goal.asked.query.is_one_search() { found.next() } else { None };
        let (found, within) = match found {
            Some(found) => (found, None),
            None => goal.find(table, index)?,
        };
        goal.answer(table, (found, within), size)
    });
    answers.collect()
}

/// What a question wants to be near to.
struct Goal<'a> {
    asked: Asked<'a>,
    /// Of length 1.
    vector: Vec<f32>,
    /// The row whose direction that is, if it is one's.
    row: Option<RowId>,
    /// The rows that it was made of.
    inputs: Vec<RowId>,
    words: WordsUsed,
}

impl<'a> Goal<'a> {
    fn of(table: &View, asked: Asked<'a>) -> Result<Self> {
        let query = asked.query;
        let split = query.positive.len();
        let weighted = || query.positive.iter().chain(&query.negative);
        let vectors: Vec<_> = weighted().map(|weighted| &weighted.query).collect();
        let field = |i: usize| match i.checked_sub(split) {
            None => format!("positive[{i}]"),
            Some(i) => format!("negative[{i}]"),
        };
        let (resolved, words) = resolve(table, &query.words, &vectors, &field, asked.go_on)?;
        let signed = weighted().enumerate().map(|(i, weighted)| {
            let weight = f64::from(weighted.weight);
            if i < split { weight } else { -weight }
        });
        let known =
            || resolved.iter().zip(signed.clone()).filter_map(|(r, w)| Some((r.as_ref()?, w)));
        let mut first = known();
        let (mean, row) = match (first.next(), first.next()) {
            (None, _) => return Err(unsuited("none of the question's words is in the table")),
            // The direction of a single word is its own, and its neighbors may be known.
            (Some((only, weight)), None) if weight > 0.0 => (only.unit(), only.row),
            (Some(_), _) => {
                let terms =
                    known().filter_map(|(resolved, weight)| Some((resolved.unit()?, weight)));
                (weighted_mean(table.dim(), terms), None)
            }
        };
        let Some(vector) = mean else {
            let is_zero = known().all(|(resolved, _)| resolved.unit().is_none());
            return Err(unsuited(if is_zero {
                "the question's vectors are all zeros: nothing is near to them"
            } else {
                "the question's vectors cancel out, so nothing is near to them"
            }));
        };
        let inputs = rows(known().map(|(resolved, _)| resolved));
        Ok(Self { asked, vector, row, inputs, words })
    }

    /// Rows that the index is to find.
    fn wanted(&self) -> usize {
        let query = self.asked.query;
        if query.diversity > 0.0 { query.k.saturating_mul(POOL) } else { query.k }
    }

    fn params(&self, k: usize) -> SearchParams<'_> {
        let Asked { query, default_ef, allowed, .. } = &self.asked;
        let exclude = if query.exclude_inputs { &self.inputs[..] } else { &[] };
        SearchParams {
            exclude,
            allowed: allowed.as_deref(),
            row: self.row,
            exact: query.effort.exact,
            seeds: &self.inputs,
            ..SearchParams::new(k, ef_search(query.effort, *default_ef, k, exclude))
        }
    }

    /// What the index finds, and how many there are within the radius that is asked for.
    fn find(&self, table: &View, index: &dyn Index) -> Result<(Found, Option<usize>)> {
        if let Some(attribute) = &self.asked.query.group_by {
            return Ok((self.groups(table, index, attribute)?, None));
        }
        let params = self.params(self.wanted());
        let Some(least) = self.asked.query.radius() else {
            return Ok((index.search(&self.vector, &params), None));
        };
        // A stored list that reaches beyond the radius holds all that is within.
        if self.row.is_some() && params.k <= LIST && !params.exact {
            let mut found = index.search(&self.vector, &params);
            let is_all = found.by.is_exact()
                && found.nears.last().is_none_or(|farthest| farthest.similarity < least);
            if is_all {
                found.nears.retain(|near| near.similarity >= least);
                let count = found.nears.len();
                return Ok((found, Some(count)));
            }
        }
        let Within { nears, count } = index.within(&self.vector, least, &params);
        Ok((Found { nears, by: IndexKind::Exact }, Some(count)))
    }

    /// The nearest row of each value of an attribute, looked for among more and more rows.
    fn groups(&self, table: &View, index: &dyn Index, attribute: &str) -> Result<Found> {
        let wanted = self.asked.query.k;
        let mut k = wanted.saturating_mul(GROUPED).min(limits::NEIGHBORS_MAX);
        loop {
            (self.asked.go_on)()?;
            let found = index.search(&self.vector, &self.params(k));
            let is_all = found.nears.len() < k || k == limits::NEIGHBORS_MAX;
            let mut met = HashSet::new();
            let mut nears = found.nears;
            nears.retain(|near| {
                let value = table.attributes(near.row).get(attribute);
                value.is_some_and(|value| met.insert(Value(value)))
            });
            if nears.len() >= wanted || is_all {
                nears.truncate(wanted);
                return Ok(Found { nears, by: found.by });
            }
            k = k.saturating_mul(GROUPED).min(limits::NEIGHBORS_MAX);
        }
    }

    fn answer(
        self,
        table: &View,
        (found, within): (Found, Option<usize>),
        size: &mut AnswerSize,
    ) -> Result<NearestAnswer> {
        let answered_by = AnsweredBy::of(found.by, self.params(self.wanted()).ef_search);
        let mut nears = found.nears;
        if let Some(min) = self.asked.query.min_similarity {
            nears.retain(|near| near.similarity >= min);
        }
        if self.asked.query.diversity > 0.0 {
            nears = diverse(table, nears, self.asked.query, self.asked.go_on)?;
        }
        Ok(NearestAnswer {
            neighbors: told(table, nears, self.asked.query.include, size)?,
            within,
            answered_by,
            allowed_rows: self.asked.allowed.as_deref().map(RowSet::len),
            words: self.words,
        })
    }
}

/// So many times as many rows as groups are looked through at first, and then as many times more.
const GROUPED: usize = 8;
/// Of so many times as many neighbors as are wanted, the diverse ones are chosen.
const POOL: usize = 10;

/// The k that are near and differ among themselves, in the order they were chosen.
fn diverse(
    table: &View,
    nears: Vec<Near>,
    query: &NearestQuery,
    go_on: GoOn<'_>,
) -> Result<Vec<Near>> {
    let diversity = f64::from(query.diversity);
    let mut pool: Vec<(Near, f64)> = nears.into_iter().map(|near| (near, -1.0)).collect();
    let mut chosen = Vec::with_capacity(query.k);
    while chosen.len() < query.k {
        let worth = |&(near, nearest): &(Near, f64)| {
            // The first one has nobody to differ from.
            let likeness = if chosen.is_empty() { 0.0 } else { nearest };
            (1.0 - diversity) * f64::from(near.similarity) - diversity * likeness
        };
        let best = (0..pool.len())
            .max_by(|&i, &j| worth(&pool[i]).total_cmp(&worth(&pool[j])).then(j.cmp(&i)));
        let Some(best) = best else { break };
        let (near, _) = pool.remove(best);
        chosen.push(near);
        let vector = table.vector(near.row);
        for other in watched(&mut pool, go_on) {
            let (other, nearest) = other?;
            *nearest = table.similarity(other.row, &vector).max(*nearest);
        }
    }
    Ok(chosen)
}

/// The beam that is used: the one asked for, never narrower than what is wanted and excluded.
pub(super) fn ef_search(effort: Effort, default_ef: usize, k: usize, exclude: &[RowId]) -> usize {
    effort.ef_search.unwrap_or(default_ef).max(k + exclude.len())
}

/// A weighted sum at length 1; none if it is all zeros but for rounding.
pub(super) fn weighted_mean(
    dim: usize,
    terms: impl Iterator<Item = (Vec<f32>, f64)>,
) -> Option<Vec<f32>> {
    let mut sum = vec![0.0; dim];
    let mut weights = 0.0;
    for (unit, weight) in terms {
        algebra::add(&mut sum, weight, &unit);
        weights += weight.abs();
    }
    // Unit vectors are in single precision: below this, what is left of them is rounding.
    let norm = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
    if norm > weights * f64::from(f32::EPSILON) { algebra::unit_sum(&sum) } else { None }
}

/// The rows that a question was made of.
pub(super) fn rows<'r>(resolved: impl Iterator<Item = &'r Resolved<'r>>) -> Vec<RowId> {
    let mut rows: Vec<_> = resolved.flat_map(Resolved::inputs).collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// Rows with their words, for an answer that has room for them.
pub(super) fn named(
    table: &View,
    nears: Vec<Near>,
    size: &mut AnswerSize,
) -> Result<Vec<Neighbor>> {
    told(table, nears, Include::default(), size)
}

/// Rows with their words and what is asked beside.
fn told(
    table: &View,
    nears: Vec<Near>,
    include: Include,
    size: &mut AnswerSize,
) -> Result<Vec<Neighbor>> {
    let told = |Near { row, similarity }| {
        let included = Included::of(table, row, include, size)?;
        Ok(Neighbor { word: table.word(row).to_vec(), row, similarity, included })
    };
    table.prefetch_words(nears.iter().map(|near| near.row));
    nears.into_iter().map(told).collect()
}

fn unsuited(because: &str) -> Error {
    Error::new(ErrorKind::Unsuited { operation: "nearest", because: because.to_owned() })
}
