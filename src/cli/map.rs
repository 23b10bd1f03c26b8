//! Words of a table drawn on the first two principal components of their vectors.

use crate::cli::failure::Result;
use crate::cli::output::Output;
use crate::cli::plot::{self, DrawArgs, Point};
use crate::client::{Client, LookupRequest, WordOrVector, word_or_vector::Query};
use crate::vector::algebra;

/// A row to draw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// Its number in the table.
    pub(super) row: u32,
    /// Rows of one group have one color.
    pub(super) group: usize,
    /// Whether the question named it.
    pub(super) is_asked: bool,
}

/// Draws rows of a table into the files of `drawn`; `links` are lines between two of them.
pub(super) async fn draw(
    drawn: &DrawArgs,
    title: &str,
    (table, marks, links): (&str, &[Mark], &[[usize; 2]]),
    (client, output): (&Client, &mut Output),
) -> Result<()> {
    let query = |mark: &Mark| WordOrVector { query: Some(Query::Row(mark.row)), weight: None };
    let request = LookupRequest {
        table: table.to_owned(),
        queries: marks.iter().map(query).collect(),
        unit: true,
        ..LookupRequest::default()
    };
    let found = client.lookup(request).await?.vectors;
    let words = found.iter().map(|found| found.word.clone());
    let vectors = found.iter().map(|found| found.vector.clone().unwrap_or_default().values);
    let (places, shares) = components(&vectors.collect::<Vec<_>>());
    let points = words.zip(marks).zip(places).map(|((label, mark), [x, y])| {
        let &Mark { group, is_asked, .. } = mark;
        Point { label, x, y, group, is_asked }
    });
    let [first, second] = shares.map(|share| share * 100.0);
    let title = format!(
        "{title}: first component across ({first:.0} % of the variance), second upward ({second:.0} %)"
    );
    drawn.write(&plot::points(&title, &points.collect::<Vec<_>>(), links), output)
}

/// The places of vectors on their first two principal components, and the share of the variance that
/// each explains, from 0 to 1.
fn components(vectors: &[Vec<f32>]) -> (Vec<[f64; 2]>, [f64; 2]) {
    let dim = vectors.iter().map(Vec::len).max().unwrap_or(0);
    let mut center = vec![0.0; dim];
    for vector in vectors {
        algebra::add(&mut center, 1.0 / vectors.len() as f64, vector);
    }
    let centered = |vector: &Vec<f32>| -> Vec<f64> {
        vector.iter().zip(&center).map(|(&x, mean)| f64::from(x) - mean).collect()
    };
    let mut rows: Vec<Vec<f64>> = vectors.iter().map(centered).collect();
    let mut places = vec![[0.0; 2]; rows.len()];
    let mut shares = [0.0; 2];
    let mut left = 1.0;
    for (component, explained) in shares.iter_mut().enumerate() {
        let Some((axis, share)) = algebra::principal_component(&rows, &|| Ok(())).ok().flatten()
        else {
            break;
        };
        *explained = share * left;
        left *= 1.0 - share;
        for (row, place) in rows.iter_mut().zip(&mut places) {
            let along: f64 = row.iter().zip(&axis).map(|(x, y)| x * y).sum();
            place[component] = along;
            for (value, part) in row.iter_mut().zip(&axis) {
                *value -= along * part;
            }
        }
    }
    (places, shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_whole_variance() {
        let (places, shares) =
            components(&[vec![3.0, 0.0], vec![-3.0, 0.0], vec![0.0, 1.0], vec![0.0, -1.0]]);
        assert!((shares[0] - 0.9).abs() < 1e-6 && (shares[1] - 0.1).abs() < 1e-6, "{shares:?}");
        assert!((places[0][0].abs() - 3.0).abs() < 1e-6 && places[2][0].abs() < 1e-6, "{places:?}");
    }
}
