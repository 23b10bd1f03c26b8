//! a is to b as c is to what?

use crate::error::{Error, ErrorKind, Result};
use crate::index::{Index, SearchParams};
use crate::query::answer_size::AnswerSize;
use crate::query::filter::Filter;
use crate::query::nearest::{ef_search, named, rows, weighted_mean};
use crate::query::resolve::{Resolved, resolve};
use crate::query::{
    AnsweredBy, Effort, GoOn, Neighbor, OovPolicy, WordOptions, WordOrVector, WordsUsed,
};
use crate::steps::watched;
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::algebra;
use crate::vector::kernel;
use crate::vector::row_set::RowSet;
use crate::vector::scalar;
use crate::vector::top::{Near, TopK};

/// How the answer of an analogy is computed from the unit vectors of a, b and c.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnalogyMethod {
    /// 3CosAdd (Mikolov et al. 2013): the rows nearest to b - a + c, by cosine.
    #[default]
    CosAdd,
    /// 3CosMul (Levy and Goldberg 2014): the rows x of the largest product
    /// (1 + cos(x, b))/2 * (1 + cos(x, c))/2 / ((1 + cos(x, a))/2 + 1e-6).
    CosMul,
    /// `PairDirection` (Mikolov et al. 2013, as named by Levy and Goldberg 2014): the rows x for
    /// which x - c points where b - a does, by cosine. Of several pairs, where the mean of their
    /// differences does.
    PairDirection,
    /// 3CosAvg (Drozd, Gladkova and Matsuoka 2016): the rows nearest to c plus the mean of b - a
    /// over the example pairs, by cosine.
    CosAvg,
}

/// a : b :: c : ?
#[derive(Clone, Debug, PartialEq)]
pub struct AnalogyQuery {
    /// In "man is to king as woman is to ?": man.
    pub a: WordOrVector,
    /// In the same question: king.
    pub b: WordOrVector,
    /// In the same question: woman.
    pub c: WordOrVector,
    /// More pairs like a and b; only for [`AnalogyMethod::PairDirection`] and
    /// [`AnalogyMethod::CosAvg`].
    pub examples: Vec<(WordOrVector, WordOrVector)>,
    /// How the answer is computed.
    pub method: AnalogyMethod,
    /// How many neighbors.
    pub k: usize,
    /// Whether a, b, c and the examples are no answers.
    pub exclude_inputs: bool,
    /// Whether the list in which they may stand is wanted too.
    pub with_inputs: bool,
    /// How near to search. Whoever asks hands over an exact index if `exact` is set; 3CosMul and
    /// `PairDirection` always compare every row.
    pub effort: Effort,
    /// How words are looked up. An analogy needs its words: an unknown one is refused under
    /// [`OovPolicy::Skip`] as well.
    pub words: WordOptions,
    /// Which rows may answer. Whoever asks hands over the rows that it lets through.
    pub filter: Option<Filter>,
}

/// What a, b and c each do for an answer.
///
/// For 3CosAdd, 3CosAvg and `PairDirection` the three sum up to its similarity; for 3CosMul they are
/// its factors: (1 + cos)/2 with b and with c, and what dividing by that of a multiplies with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AnalogyParts {
    /// Of b.
    pub b: f32,
    /// Of a.
    pub a: f32,
    /// Of c.
    pub c: f32,
}

/// A list of answers, each with what it is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explained {
    /// Best first; ties in row order.
    pub neighbors: Vec<Neighbor>,
    /// One a neighbor.
    pub parts: Vec<AnalogyParts>,
}

/// The answer to an [`AnalogyQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct AnalogyAnswer {
    /// What was asked for.
    pub found: Explained,
    /// The same with nothing excluded, if it was wanted.
    pub with_inputs: Option<Explained>,
    /// What found them.
    pub answered_by: AnsweredBy,
    /// How many rows the filter let through, if there was one.
    pub allowed_rows: Option<usize>,
    /// How the words of the question were found.
    pub words: WordsUsed,
}

/// Answers an analogy. `default_ef` is the table's own beam width; `allowed`, the rows that the
/// question's filter lets through.
///
/// # Errors
///
/// As [`resolve`], with unknown words refused under either policy; `InvalidArgument` if a method
/// that takes one pair is given several; and `Unsuited` if a vector is all zeros, or if b - a + c
/// (for `PairDirection`: b - a) is; whatever `go_on` says.
pub fn analogy(
    table: &View,
    index: &dyn Index,
    default_ef: usize,
    query: &AnalogyQuery,
    allowed: Option<&RowSet>,
    go_on: GoOn<'_>,
) -> Result<AnalogyAnswer> {
    let takes_examples =
        matches!(query.method, AnalogyMethod::CosAvg | AnalogyMethod::PairDirection);
    if !takes_examples && !query.examples.is_empty() {
        let problem = "only COS_AVG and PAIR_DIRECTION take more than one pair";
        return Err(Error::invalid("examples", problem));
    }
    let names = ["a", "b", "c"];
    let field = |i: usize| match names.get(i) {
        Some(name) => (*name).to_owned(),
        None => format!("examples[{}].{}", (i - 3) / 2, names[(i - 3) % 2]),
    };
    let mut options = query.words.clone();
    if options.oov == OovPolicy::Skip {
        options.oov = OovPolicy::Error;
    }
    let examples = query.examples.iter().flat_map(|(a, b)| [a, b]);
    let asked: Vec<_> = [&query.a, &query.b, &query.c].into_iter().chain(examples).collect();
    let (resolved, words) = resolve(table, &options, &asked, &field, go_on)?;
    let formula = Formula::new(query.method, table.dim(), &resolved, &field)?;
    let inputs = rows(resolved.iter().flatten());
    // One search serves both lists: its first k, and its first k that are no inputs.
    let exclude_later = query.exclude_inputs && query.with_inputs;
    let exclude: &[RowId] = if query.exclude_inputs && !query.with_inputs { &inputs } else { &[] };
    let k = if exclude_later { query.k + inputs.len() } else { query.k };
    let ef = ef_search(query.effort, default_ef, k, exclude);
    let exact = query.effort.exact;
    let params =
        SearchParams { exclude, allowed, exact, seeds: &inputs, ..SearchParams::new(k, ef) };
    let (nears, answered_by) = match query.method {
        AnalogyMethod::CosAdd | AnalogyMethod::CosAvg => {
            let found = index.search(&formula.goal()?, &params);
            (found.nears, AnsweredBy::of(found.by, ef))
        }
        AnalogyMethod::CosMul => (formula.cos_mul(table, &params, go_on)?, AnsweredBy::EXACT),
        AnalogyMethod::PairDirection => {
            (formula.directions(table, &params, go_on)?, AnsweredBy::EXACT)
        }
    };
    let mut size = AnswerSize::default();
    let mut first = |wanted: &dyn Fn(RowId) -> bool| -> Result<Explained> {
        let nears = nears.iter().copied().filter(|near| wanted(near.row));
        let nears: Vec<Near> = nears.take(query.k).collect();
        let parts = nears.iter().map(|near| formula.parts(&table.vector(near.row))).collect();
        Ok(Explained { neighbors: named(table, nears, &mut size)?, parts })
    };
    let is_input = |row: RowId| inputs.binary_search(&row).is_ok();
    let found = first(&|row| !(exclude_later && is_input(row)))?;
    let with_inputs = query.with_inputs.then(|| first(&|_| true)).transpose()?;
    let allowed_rows = allowed.map(RowSet::len);
    Ok(AnalogyAnswer { found, with_inputs, answered_by, allowed_rows, words })
}

/// The unit vectors of an analogy: a and b are means over the pairs.
struct Formula {
    method: AnalogyMethod,
    a: Vec<f64>,
    b: Vec<f64>,
    c: Vec<f64>,
    /// The length of b - a + c.
    length: f64,
    direction: Direction,
}

/// From a to b.
struct Direction {
    /// Of b - a.
    length: f64,
    /// The product of b - a with c.
    along_c: f64,
}

impl Formula {
    /// Of a, b, c and the pairs behind them.
    fn new(
        method: AnalogyMethod,
        dim: usize,
        resolved: &[Option<Resolved<'_>>],
        field: &dyn Fn(usize) -> String,
    ) -> Result<Self> {
        let pairs = (resolved.len() - 1) / 2;
        let mut sums = [vec![0.0; dim], vec![0.0; dim], vec![0.0; dim]];
        for (i, resolved) in resolved.iter().flatten().enumerate() {
            let zeros = || {
                unsuited(format!("the vector of {} is all zeros: it has no direction", field(i)))
            };
            let unit = resolved.unit().ok_or_else(zeros)?;
            let (term, count) = match i {
                2 => (2, 1),
                0..2 => (i, pairs),
                _ => ((i - 3) % 2, pairs),
            };
            algebra::add(&mut sums[term], 1.0 / count as f64, &unit);
        }
        let [a, b, c] = sums;
        let terms = || a.iter().zip(&b).zip(&c);
        let goal: Vec<f64> = terms().map(|((a, b), c)| b - a + c).collect();
        let direction: Vec<f64> = terms().map(|((a, b), _)| b - a).collect();
        let along_c = direction.iter().zip(&c).map(|(x, y)| x * y).sum();
        let direction = Direction { length: length(&direction), along_c };
        Ok(Self { method, length: length(&goal), direction, a, b, c })
    }

    /// b - a + c at length 1.
    fn goal(&self) -> Result<Vec<f32>> {
        let terms = [(&self.b, 1.0), (&self.a, -1.0), (&self.c, 1.0)];
        weighted_mean(self.a.len(), terms.map(|(term, sign)| (single(term), sign)).into_iter())
            .ok_or_else(|| unsuited("b - a + c is all zeros: nothing is near to it".to_owned()))
    }

    /// The rows of the largest products. Single precision tells how large a row's can be at most; those
    /// that may be an answer are judged in double precision.
    fn cos_mul(
        &self,
        table: &View,
        params: &SearchParams<'_>,
        go_on: GoOn<'_>,
    ) -> Result<Vec<Near>> {
        let units = [single(&self.a), single(&self.b), single(&self.c)];
        // A sum of n products is off by n roundings of the sum of their sizes, which is at most 1 here
        // (Higham 2002, section 3.1); the rest are those of the lengths and of dividing by them.
        let error = 1.01 * (table.dim() as f64 + 8.0) * f64::from(f32::EPSILON) / 2.0;
        let mut top = TopK::new(params.k);
        for row in may_answer(table, params, go_on) {
            let row = row?;
            let (vector, norm) = (table.vector(row), table.norm(row));
            // The least that would be kept, before it was rounded.
            let threshold = f64::from(top.threshold());
            let least = threshold - threshold.abs() * f64::from(f32::EPSILON);
            if kernel::IS_PLAIN.contains(&norm) {
                let cosine = |unit: &[f32]| f64::from(kernel::dot(&vector, unit) / norm);
                let [a, b, c] = units.each_ref().map(|unit| cosine(unit));
                // Anything but a number that is too small is looked at once more.
                if product([a - error, b + error, c + error]) < least {
                    continue;
                }
            }
            let cosines = units.each_ref().map(|unit| scalar::cosine(&vector, unit));
            #[expect(clippy::cast_possible_truncation, reason = "from 0 to 1e6")]
            let similarity = product(cosines) as f32;
            top.push(Near { row, similarity });
        }
        Ok(top.into_sorted())
    }

    /// The rows x for which x - c points most as b - a does.
    fn directions(
        &self,
        table: &View,
        params: &SearchParams<'_>,
        go_on: GoOn<'_>,
    ) -> Result<Vec<Near>> {
        if self.direction.length <= f64::from(f32::EPSILON) {
            return Err(unsuited("b - a is all zeros: it points nowhere".to_owned()));
        }
        let mut top = TopK::new(params.k);
        for row in may_answer(table, params, go_on) {
            let row = row?;
            let parts = self.parts(&table.vector(row));
            top.push(Near { row, similarity: parts.b + parts.a + parts.c });
        }
        Ok(top.into_sorted())
    }

    /// What each term does for this vector.
    #[expect(clippy::cast_possible_truncation, reason = "at most some units in size, or 1e6")]
    fn parts(&self, vector: &[f32]) -> AnalogyParts {
        let norm = scalar::norm(vector);
        let dot = |term: &[f64]| {
            let dot: f64 = vector.iter().zip(term).map(|(&x, y)| f64::from(x) * y).sum();
            if norm > 0.0 { dot / norm } else { 0.0 }
        };
        let (b, a, c) = (dot(&self.b), dot(&self.a), dot(&self.c));
        let (b, a, c) = match self.method {
            AnalogyMethod::CosAdd | AnalogyMethod::CosAvg => {
                let length = self.length;
                if length > 0.0 { (b / length, -a / length, c / length) } else { (0.0, 0.0, 0.0) }
            }
            AnalogyMethod::CosMul => (near(b), 1.0 / (near(a) + EPSILON), near(c)),
            AnalogyMethod::PairDirection => {
                let Direction { length, along_c } = self.direction;
                let from_c = (2.0 - 2.0 * c).max(0.0).sqrt();
                let lengths = length * if norm > 0.0 { from_c } else { 1.0 };
                // Closer to c than single precision tells apart, there is no direction.
                if from_c > f64::from(f32::EPSILON).sqrt() {
                    (b / lengths, -a / lengths, -along_c / lengths)
                } else {
                    (0.0, 0.0, 0.0)
                }
            }
        };
        AnalogyParts { b: b as f32, a: a as f32, c: c as f32 }
    }
}

/// The rows that may be answers.
fn may_answer(
    table: &View,
    params: &SearchParams<'_>,
    go_on: GoOn<'_>,
) -> impl Iterator<Item = Result<RowId>> {
    let SearchParams { exclude, allowed, .. } = *params;
    let is_allowed = move |row: RowId| allowed.is_none_or(|allowed| allowed.has(row));
    let may = move |row: RowId| is_allowed(row) && exclude.binary_search(&row).is_err();
    watched(table.rows(), go_on)
        .filter(move |row| row.as_ref().is_ok_and(|&row| may(row)) || row.is_err())
}

#[expect(clippy::cast_possible_truncation, reason = "at most 1 in size")]
fn single(vector: &[f64]) -> Vec<f32> {
    vector.iter().map(|&value| value as f32).collect()
}

fn length(vector: &[f64]) -> f64 {
    vector.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// Keeps the divisor above 0, as in Levy and Goldberg 2014, section 4.
const EPSILON: f64 = 1e-6;

fn near(cosine: f64) -> f64 {
    f64::midpoint(1.0, cosine.clamp(-1.0, 1.0))
}

/// Of the cosines to a, b and c.
fn product([a, b, c]: [f64; 3]) -> f64 {
    near(b) * near(c) / (near(a) + EPSILON)
}

fn unsuited(because: String) -> Error {
    Error::new(ErrorKind::Unsuited { operation: "analogy", because })
}
