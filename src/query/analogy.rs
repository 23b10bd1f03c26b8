//! a is to b as c is to what?

use crate::error::{Error, ErrorKind, Result};
use crate::index::{Index, SearchParams};
use crate::query::filter::Filter;
use crate::query::nearest::{ef_search, named, rows, weighted_mean};
use crate::query::resolve::resolve;
use crate::query::{AnsweredBy, Effort, Neighbor, OovPolicy, WordOptions, WordOrVector, WordsUsed};
use crate::table::view::View;
use crate::vector::RowId;
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
}

/// a : b :: c : ?
#[derive(Clone, Debug, PartialEq)]
pub struct AnalogyQuery {
    /// In "man is to king as woman is to ?": man.
    pub a: WordOrVector,
    /// King.
    pub b: WordOrVector,
    /// Woman.
    pub c: WordOrVector,
    /// How the answer is computed.
    pub method: AnalogyMethod,
    /// How many neighbors.
    pub k: usize,
    /// Whether a, b and c are no answers.
    pub exclude_inputs: bool,
    /// Whether the list in which a, b and c may stand is wanted too.
    pub with_inputs: bool,
    /// How near to search. Whoever asks hands over an exact index if `exact` is set; 3CosMul always
    /// compares every row.
    pub effort: Effort,
    /// How words are looked up. An analogy needs its three words: an unknown one is refused under
    /// [`OovPolicy::Skip`] as well.
    pub words: WordOptions,
    /// Which rows may answer. Whoever asks hands over the rows that it lets through.
    pub filter: Option<Filter>,
}

/// The answer to an [`AnalogyQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct AnalogyAnswer {
    /// Best first; ties in row order.
    pub neighbors: Vec<Neighbor>,
    /// The same with nothing excluded, if it was wanted.
    pub neighbors_with_inputs: Option<Vec<Neighbor>>,
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
/// As [`resolve`], with unknown words refused under either policy; and `Unsuited` if a vector is
/// all zeros, or if b - a + c is.
pub fn analogy(
    table: &View,
    index: &dyn Index,
    default_ef: usize,
    query: &AnalogyQuery,
    allowed: Option<&RowSet>,
) -> Result<AnalogyAnswer> {
    let names = ["a", "b", "c"];
    let mut options = query.words.clone();
    if options.oov == OovPolicy::Skip {
        options.oov = OovPolicy::Error;
    }
    let asked = [&query.a, &query.b, &query.c];
    let (resolved, words) = resolve(table, &options, &asked, &|i| names[i].to_owned())?;
    let mut units = Vec::with_capacity(3);
    for (name, resolved) in names.iter().zip(resolved.iter().flatten()) {
        let zeros = || unsuited(format!("the vector of {name} is all zeros: it has no direction"));
        units.push(resolved.unit().ok_or_else(zeros)?);
    }
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
        AnalogyMethod::CosAdd => {
            let Some(goal) = weighted_mean(table.dim(), units.into_iter().zip([-1.0, 1.0, 1.0]))
            else {
                return Err(unsuited("b - a + c is all zeros: nothing is near to it".to_owned()));
            };
            let found = index.search(&goal, &params);
            (found.nears, AnsweredBy::of(found.by, ef))
        }
        AnalogyMethod::CosMul => (cos_mul(table, &units, &params), AnsweredBy::EXACT),
    };
    let first = |wanted: &dyn Fn(RowId) -> bool| {
        let nears = nears.iter().copied().filter(|near| wanted(near.row));
        named(table, nears.take(query.k).collect())
    };
    let is_input = |row: RowId| inputs.binary_search(&row).is_ok();
    let neighbors = first(&|row| !(exclude_later && is_input(row)));
    let neighbors_with_inputs = query.with_inputs.then(|| first(&|_| true));
    let allowed_rows = allowed.map(RowSet::len);
    Ok(AnalogyAnswer { neighbors, neighbors_with_inputs, answered_by, allowed_rows, words })
}

/// The rows of the largest products: all rows in single precision, then the best in double.
fn cos_mul(table: &View, units: &[Vec<f32>], params: &SearchParams<'_>) -> Vec<Near> {
    let SearchParams { k, exclude, allowed, .. } = *params;
    let mut candidates = TopK::new(k + k / 2 + SPARE_CANDIDATES);
    for row in table.rows() {
        let is_allowed = allowed.is_none_or(|allowed| allowed.has(row));
        if !is_allowed || exclude.contains(&row) {
            continue;
        }
        let vector = table.vector(row);
        let norm = f64::from(table.norm(row));
        let similarity = product(units, |unit| {
            if norm > 0.0 { f64::from(kernel::dot(vector, unit)) / norm } else { 0.0 }
        });
        candidates.push(Near { row, similarity });
    }
    let exactly = |Near { row, .. }| {
        let similarity = product(units, |unit| scalar::cosine(table.vector(row), unit));
        Near { row, similarity }
    };
    let mut nears: Vec<_> = candidates.into_sorted().into_iter().map(exactly).collect();
    nears.sort_unstable();
    nears.truncate(k);
    nears
}

/// Candidates beyond k, so that none is lost to the rounding of the first pass.
const SPARE_CANDIDATES: usize = 64;

/// Keeps the divisor above 0, as in Levy and Goldberg 2014, section 4.
const EPSILON: f64 = 1e-6;

#[expect(clippy::cast_possible_truncation, reason = "from 0 to 1e6")]
fn product(units: &[Vec<f32>], cosine: impl Fn(&[f32]) -> f64) -> f32 {
    let near = |i: usize| f64::midpoint(1.0, cosine(&units[i]).clamp(-1.0, 1.0));
    (near(1) * near(2) / (near(0) + EPSILON)) as f32
}

fn unsuited(because: String) -> Error {
    Error::new(ErrorKind::Unsuited { operation: "analogy", because })
}
