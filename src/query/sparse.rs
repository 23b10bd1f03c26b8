//! Sparse vectors of texts: a component for each row of a table, nearly all of them 0.

use std::collections::BTreeMap;

use crate::vector::RowId;

/// A vector of which only the components that are not 0 are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sparse {
    /// Which components these are, ascending: rows of the table.
    pub rows: Vec<RowId>,
    /// As many numbers, none of them 0.
    pub values: Vec<f32>,
    /// All components: one past the table's last row.
    pub size: usize,
}

impl Sparse {
    /// The components that are finite and not 0, at length 1 if that is asked.
    #[expect(clippy::cast_possible_truncation, reason = "vectors are given in single precision")]
    pub fn new(mut components: BTreeMap<RowId, f64>, size: usize, unit: bool) -> Self {
        components.retain(|_, value| *value != 0.0 && value.is_finite());
        let norm = components.values().map(|value| value * value).sum::<f64>().sqrt();
        let scale = if unit && norm > 0.0 { 1.0 / norm } else { 1.0 };
        let values = components.values().map(|value| (value * scale) as f32).collect();
        Self { rows: components.into_keys().collect(), values, size }
    }

    /// The cosine with another, of the same table; none if one of them has no length.
    pub fn cosine(&self, other: &Self) -> Option<f64> {
        let of = |one: &Self, at: usize| f64::from(one.values[at]);
        let (mut product, mut a, mut b) = (0.0, 0, 0);
        while let (Some(first), Some(second)) = (self.rows.get(a), other.rows.get(b)) {
            if first == second {
                product += of(self, a) * of(other, b);
            }
            (a, b) = (a + usize::from(first <= second), b + usize::from(second <= first));
        }
        let lengths = self.norm() * other.norm();
        (lengths > 0.0).then(|| product / lengths)
    }

    fn norm(&self) -> f64 {
        self.values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
    }
}
