//! The direction of a bias, found in pairs of words such as he and she.

use crate::bias::sets::{Member, dot};
use crate::error::{Error, ErrorKind, Result};
use crate::query::GoOn;
use crate::vector::algebra;

/// A direction of length 1, which points to the second words of the pairs.
#[derive(Clone, Debug)]
pub(super) struct Direction {
    pub(super) axis: Vec<f64>,
    /// Share of the pairs' variance along it, from 0 to 1.
    pub(super) explained: f64,
}

/// The first principal component of the pairs' half-differences (Bolukbasi et al. 2016, section 5.1).
pub(super) fn of_pairs(pairs: &[(&Member<'_>, &Member<'_>)], go_on: GoOn<'_>) -> Result<Direction> {
    let halves: Vec<Vec<f64>> = pairs
        .iter()
        .map(|(from, to)| from.unit.iter().zip(&to.unit).map(|(x, y)| (y - x) / 2.0).collect())
        .collect();
    let Some((mut axis, explained)) = algebra::principal_component(&halves, &|| go_on())? else {
        let because = "no pair has both words in the table, or their vectors are the same";
        let because = because.to_owned();
        return Err(Error::new(ErrorKind::Unsuited { operation: "bias direction", because }));
    };
    if halves.iter().map(|half| dot(half, &axis)).sum::<f64>() < 0.0 {
        for value in &mut axis {
            *value = -*value;
        }
    }
    Ok(Direction { axis, explained })
}

/// As many words on both sides, for pairs.
pub(super) fn check_pairs(from: usize, to: usize, field: &str) -> Result<()> {
    if from == to {
        return Ok(());
    }
    let problem = format!("pairs are made word by word: one side has {from} words, the other {to}");
    Err(Error::invalid(field, problem))
}
