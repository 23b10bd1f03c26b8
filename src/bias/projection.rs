//! Words on an axis between two poles.

use crate::bias::WordSet;
use crate::error::{Error, ErrorKind, Result};
use crate::query::resolve::{Resolved, resolve};
use crate::query::{GoOn, WordOptions, WordOrVector, WordsUsed};
use crate::table::view::View;
use crate::vector::algebra;
use crate::vector::scalar;

/// How the axis is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AxisMethod {
    /// Mean of the unit vectors of `to` less that of `from`.
    #[default]
    MeanDifference,
    /// First principal component of the pairs' half-differences (Bolukbasi et al. 2016, section 5.1,
    /// each pair centered at its mean), turned so that `to` is positive.
    Pca,
}

/// Where do words stand between two poles?
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectQuery {
    /// The negative pole.
    pub from: WordSet,
    /// The positive pole; for PCA its words are the partners of those of `from`, in order.
    pub to: WordSet,
    /// What to place on the axis.
    pub queries: Vec<WordOrVector>,
    /// How the axis is found.
    pub method: AxisMethod,
    /// How words are looked up. A pair that misses a word is left out as a whole.
    pub words: WordOptions,
}

/// The answer to a [`ProjectQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectAnswer {
    /// One a query that has a vector, in the order asked.
    pub projections: Vec<Projection>,
    /// Share of the variance that the axis explains, from 0 to 1; only for PCA.
    pub explained_variance: Option<f64>,
    /// Which words were found: those of `from`, `to` and the queries.
    pub words: WordsUsed,
}

/// Where one query stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    /// Position in the queries.
    pub index: usize,
    /// The word as asked, or that of the row; empty for a vector.
    pub word: String,
    /// Cosine of its vector and the axis, from -1 (`from`) to 1 (`to`).
    pub similarity: f64,
}

/// Places words on the axis between two poles.
///
/// # Errors
///
/// As [`resolve`]; `InvalidArgument` if PCA is asked of poles that are no pairs; `Unsuited` if a
/// pole has no word left, or if the poles are the same; whatever `go_on` says.
pub fn project(table: &View, query: &ProjectQuery, go_on: GoOn<'_>) -> Result<ProjectAnswer> {
    let (from_count, to_count) = (query.from.words.len(), query.to.words.len());
    if query.method == AxisMethod::Pca && from_count != to_count {
        let problem = format!(
            "PCA takes pairs, word by word: `from` has {from_count} words, `to` has {to_count}"
        );
        return Err(Error::invalid("to.words", problem));
    }
    let poles: Vec<_> =
        query.from.words.iter().chain(&query.to.words).cloned().map(WordOrVector::Word).collect();
    let asked: Vec<_> = poles.iter().chain(&query.queries).collect();
    let field = |i: usize| format!("queries[{}]", i.saturating_sub(from_count + to_count));
    let (resolved, words) = resolve(table, &query.words, &asked, &field, go_on)?;
    let (from, rest) = resolved.split_at(from_count);
    let (to, queries) = rest.split_at(to_count);
    let (axis, explained_variance) = match query.method {
        AxisMethod::MeanDifference => (mean_difference(table.dim(), from, to)?, None),
        AxisMethod::Pca => {
            let (axis, explained) = principal_axis(table.dim(), from, to, go_on)?;
            (axis, Some(explained))
        }
    };
    let projections = queries.iter().enumerate().filter_map(|(index, resolved)| {
        let resolved = resolved.as_ref()?;
        let similarity = scalar::cosine(&resolved.vector, &axis);
        Some(Projection { index, word: resolved.word.clone().into_owned(), similarity })
    });
    Ok(ProjectAnswer { projections: projections.collect(), explained_variance, words })
}

fn mean_difference(
    dim: usize,
    from: &[Option<Resolved<'_>>],
    to: &[Option<Resolved<'_>>],
) -> Result<Vec<f32>> {
    let mut axis = vec![0.0; dim];
    for (pole, sign, name) in [(from, -1.0, "from"), (to, 1.0, "to")] {
        let count = pole.iter().flatten().count();
        if count == 0 {
            return Err(unsuited(format!("no word of `{name}` is in the table")));
        }
        for unit in pole.iter().flatten().filter_map(Resolved::unit) {
            algebra::add(&mut axis, sign / count as f64, &unit);
        }
    }
    long_enough(&axis)
}

fn principal_axis(
    dim: usize,
    from: &[Option<Resolved<'_>>],
    to: &[Option<Resolved<'_>>],
    go_on: GoOn<'_>,
) -> Result<(Vec<f32>, f64)> {
    let mut differences = Vec::new();
    for pair in from.iter().zip(to) {
        let (Some(from), Some(to)) = pair else { continue };
        let mut half = vec![0.0; dim];
        for (resolved, sign) in [(from, -0.5), (to, 0.5)] {
            if let Some(unit) = resolved.unit() {
                algebra::add(&mut half, sign, &unit);
            }
        }
        differences.push(half);
    }
    if differences.is_empty() {
        return Err(unsuited("no pair of `from` and `to` has both words in the table".to_owned()));
    }
    let Some((mut axis, explained)) = algebra::principal_component(&differences, &|| go_on())?
    else {
        return Err(same_poles());
    };
    let toward: f64 = differences
        .iter()
        .map(|half| half.iter().zip(&axis).map(|(value, component)| value * component).sum::<f64>())
        .sum();
    if toward < 0.0 {
        for component in &mut axis {
            *component = -*component;
        }
    }
    Ok((long_enough(&axis)?, explained))
}

/// The axis at length 1, if it is more than rounding: it was made of unit vectors.
fn long_enough(axis: &[f64]) -> Result<Vec<f32>> {
    let norm = axis.iter().map(|value| value * value).sum::<f64>().sqrt();
    let axis = if norm > f64::from(f32::EPSILON) { algebra::unit_sum(axis) } else { None };
    axis.ok_or_else(same_poles)
}

fn same_poles() -> Error {
    unsuited("`from` and `to` stand at the same place: there is no axis between them".to_owned())
}

fn unsuited(because: String) -> Error {
    Error::new(ErrorKind::Unsuited { operation: "project", because })
}
