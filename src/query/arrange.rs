//! Where words stand on a map if neighbors are to stay together: from their places by components on they attract
//! their neighbors.

use crate::error::Result;
use crate::index::{Index, SearchParams};
use crate::limits;
use crate::query::GoOn;
use crate::query::attraction::{self, Link};
use crate::query::components::{Sample, axes, single};
use crate::query::places::Arranged;
use crate::steps::watched;
use crate::table::view::View;
use crate::vector::top::Near;
use crate::vector::{RowId, algebra, scalar};

/// The share of the work of arranging that finding neighbors is, about.
const FIND_SHARE: f64 = 0.4;
/// Rows between two looks at whether to go on.
pub(super) const LOOK: usize = 64;

/// What finds the nearest rows of a row.
#[derive(Clone, Copy, Debug)]
pub struct Finder<'a> {
    /// The table's index.
    pub index: &'a dyn Index,
    /// The width of its beam if nothing else is asked.
    pub default_ef: usize,
}

/// Arranges a table's first [`limits::MAP_ROWS_MAX`] rows so that neighbors come together. The outcome depends
/// on the table, the seed, and what the index finds. `on_share` is told which share of the work is done.
///
/// # Errors
///
/// Whatever `go_on` says.
pub fn arrange(
    table: &View,
    finder: Finder<'_>,
    seed: u64,
    go_on: GoOn<'_>,
    on_share: &mut dyn FnMut(f64),
) -> Result<Arranged> {
    let rows_end = table.rows_end().min(limits::MAP_ROWS_MAX);
    let (rows, mut places) = start(table, rows_end, go_on)?;
    let mut on_found = |share: f64| on_share(share * FIND_SHARE);
    let (links, ends) = linked(table, &rows, finder, go_on, &mut on_found)?;
    let mut on_moved = |share: f64| on_share(FIND_SHARE + share * (1.0 - FIND_SHARE));
    attraction::arrange(&mut places, (&links, &ends), seed, go_on, &mut on_moved)?;
    // The middle is where most are.
    let count = places.len().max(1) as f64;
    let middle = [0, 1]
        .map(|axis| single(places.iter().map(|place| f64::from(place[axis])).sum::<f64>() / count));
    let mut all = vec![[f32::NAN; 2]; rows_end];
    for (row, [x, y]) in rows.iter().zip(places) {
        all[row.index()] = [x - middle[0], y - middle[1]];
    }
    Ok(Arranged::new(table, seed, all))
}

/// Rows that have a direction, and where they are by components.
fn start(table: &View, rows_end: usize, go_on: GoOn<'_>) -> Result<(Vec<RowId>, Vec<[f32; 2]>)> {
    let sample = Sample::of(table, rows_end, go_on)?;
    let (axes, _) = axes(&sample.rows, sample.mean.len(), go_on)?;
    let middle = [0, 1].map(|axis| scalar::dot(&axes[axis], &sample.mean));
    let (mut rows, mut places) = (Vec::new(), Vec::new());
    for row in watched(table.rows(), go_on) {
        let row = row?;
        if row.index() >= rows_end {
            break;
        }
        if let Some(unit) = algebra::unit(&table.vector(row)) {
            rows.push(row);
            places.push([0, 1].map(|axis| single(scalar::dot(&axes[axis], &unit) - middle[axis])));
        }
    }
    Ok((rows, places))
}

/// The neighbors of each of these rows among them, by their places in the list, and where those of each end.
fn linked(
    table: &View,
    rows: &[RowId],
    finder: Finder<'_>,
    go_on: GoOn<'_>,
    on_share: &mut dyn FnMut(f64),
) -> Result<(Vec<Link>, Vec<usize>)> {
    let mut numbers = vec![u32::MAX; rows.last().map_or(0, |row| row.index() + 1)];
    for (number, row) in (0..).zip(rows) {
        numbers[row.index()] = number;
    }
    let is_linked = |row: RowId| numbers.get(row.index()).is_some_and(|&number| number != u32::MAX);
    let (mut links, mut ends) = (Vec::new(), Vec::with_capacity(rows.len()));
    for &row in rows {
        // Without an index each row is compared with all.
        if ends.len().is_multiple_of(LOOK) {
            go_on()?;
            on_share(ends.len() as f64 / rows.len() as f64);
        }
        let mut nears = finder.neighbors(table, row);
        nears.retain(|near| is_linked(near.row));
        let distances: Vec<f32> = nears.iter().map(|near| 1.0 - near.similarity).collect();
        let weights = attraction::weights(&distances);
        let weighted = nears.iter().zip(weights);
        links.extend(weighted.map(|(near, weight)| Link { to: numbers[near.row.index()], weight }));
        ends.push(links.len());
    }
    Ok((links, ends))
}

impl Finder<'_> {
    /// The nearest rows of a row, but itself.
    pub(super) fn neighbors(self, table: &View, row: RowId) -> Vec<Near> {
        let own = [row];
        let params = SearchParams {
            exclude: &own,
            row: Some(row),
            seeds: &own,
            ..SearchParams::new(
                attraction::NEIGHBORS,
                self.default_ef.max(attraction::NEIGHBORS + 1),
            )
        };
        self.index.search(&table.unit(row), &params).nears
    }
}

/// The middle of those of a row's neighbors that were arranged, the nearest weighing most.
pub(super) fn amid(table: &View, arranged: &Arranged, nears: &[Near]) -> Option<[f32; 2]> {
    let distances: Vec<f32> = nears.iter().map(|near| 1.0 - near.similarity).collect();
    let (mut sum, mut total) = ([0.0_f64; 2], 0.0_f64);
    for (near, weight) in nears.iter().zip(attraction::weights(&distances)) {
        if let Some(place) = arranged.place(table, near.row) {
            for (sum, x) in sum.iter_mut().zip(place) {
                *sum += f64::from(weight) * f64::from(x);
            }
            total += f64::from(weight);
        }
    }
    (total > 0.0).then(|| sum.map(|sum| single(sum / total)))
}
