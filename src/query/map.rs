//! Where words stand on a map in two dimensions: by the first two principal components of their directions, or
//! near to their neighbors; and clusters to color them by.

use crate::error::Result;
use crate::limits;
use crate::query::GoOn;
use crate::query::arrange::{Finder, LOOK, amid};
use crate::query::components::{Frame, Place, Sample, single};
use crate::query::places::Arranged;
use crate::steps::watched;
use crate::table::view::View;
use crate::vector::{RowId, algebra};

/// How words get their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapLayout {
    /// The first two principal components.
    Components,
    /// From there, so that neighbors come together: as they were arranged before.
    Neighbors,
}

/// A map of a table is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapQuery {
    /// Of which kind.
    pub layout: MapLayout,
    /// Whether the places of its rows are, too.
    pub places: bool,
}

/// The map of a table's directions: vectors at length 1, less the mean of these.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableMap {
    /// [`ROW_BYTES`] for each row from the first on: two coordinates, the length, the cluster and the typicality.
    pub places: Vec<u8>,
    /// Rows that have a place.
    pub placed_count: usize,
    /// The largest coordinate of any row, without its sign.
    pub scale: f64,
    /// Share of the variance that each component has; none if these give no places.
    pub component_shares: Vec<f64>,
    /// Rows from which components and clusters were found.
    pub component_row_count: usize,
    /// The longest vector's length.
    pub length_max: f32,
    /// The largest first.
    pub clusters: Vec<MapCluster>,
}

/// Rows whose directions are alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MapCluster {
    /// How many they are.
    pub row_count: usize,
    /// What names it: some of its frequent words, near to its center and far from the others.
    pub words: Vec<(Vec<u8>, RowId)>,
}

/// Bytes of a row's place.
pub const ROW_BYTES: usize = 8;
/// What stands where a row has no place.
const NOWHERE: u16 = u16::MAX;
/// What stands for 0, and what a component of the scale is away from it.
const MIDDLE: f64 = 32_767.0;

/// Words that may name a cluster are of the first so many rows, and so many are looked at more closely.
const NAME_ROWS: usize = 5_000;
const NAMES_NEAR: usize = 24;
const NAMES: usize = 3;
/// How much a name has to be far from other clusters, beside near to its own.
const NAME_CONTRAST: f64 = 1.3;
/// Rows that were written since a table was arranged for which neighbors are looked for.
const SOUGHT_MAX: usize = 4_096;
/// Characters by which words of one stem begin.
const STEM_CHARS: usize = 4;

/// Makes the map of a table's first [`limits::MAP_ROWS_MAX`] rows: by components, or as `arranged` by their
/// neighbors. The outcome depends on these alone, and for rows that were written since they were arranged on
/// what the index finds.
///
/// # Errors
///
/// Whatever `go_on` says.
pub fn map(
    table: &View,
    arranged: Option<(&Arranged, Finder<'_>)>,
    go_on: GoOn<'_>,
) -> Result<TableMap> {
    let rows_end = table.rows_end().min(limits::MAP_ROWS_MAX);
    let sample = Sample::of(table, rows_end, go_on)?;
    let frame = Frame::of(&sample, go_on)?;
    let mut drawing = Drawing::new(rows_end, frame.centers.len());
    for row in watched(table.rows(), go_on) {
        let row = row?;
        if row.index() >= rows_end {
            break;
        }
        if let Some(unit) = algebra::unit(&table.vector(row)) {
            drawing.place(table, row, &frame.place(&unit));
        }
    }
    let shares = match arranged {
        None => frame.shares.to_vec(),
        Some((arranged, finder)) => {
            drawing.move_to(table, arranged, finder, go_on)?;
            Vec::new()
        }
    };
    Ok(drawing.finish(table, shares, sample.rows.len()))
}

/// A map in the making.
struct Drawing {
    /// Components, share of the own cluster, length; no number where a row has no place.
    rows: Vec<[f32; 4]>,
    clusters: Vec<u8>,
    counts: Vec<usize>,
    /// For each cluster the words that may name it, best first.
    names: Vec<Vec<(f64, RowId)>>,
}

impl Drawing {
    fn new(rows_end: usize, clusters: usize) -> Self {
        Self {
            rows: vec![[f32::NAN; 4]; rows_end],
            clusters: vec![0; rows_end],
            counts: vec![0; clusters.max(1)],
            names: vec![Vec::new(); clusters.max(1)],
        }
    }

    fn place(&mut self, table: &View, row: RowId, place: &Place) {
        let Place { x, y, cluster, own, other } = *place;
        let own = if own.is_finite() { own } else { 0.0 };
        self.rows[row.index()] = [single(x), single(y), single(own), table.norm(row)];
        self.clusters[row.index()] = u8::try_from(cluster).unwrap_or(0);
        self.counts[cluster] += 1;
        if row.index() < NAME_ROWS && is_a_name(table.word(row)) {
            let worth = own + NAME_CONTRAST * (own - other);
            let names = &mut self.names[cluster];
            let place = names.partition_point(|&(better, _)| better >= worth);
            if place < NAMES_NEAR {
                names.insert(place, (worth, row));
                names.truncate(NAMES_NEAR);
            }
        }
    }

    /// Moves rows to where they were arranged, and those that were written since to the middle of their neighbors.
    fn move_to(
        &mut self,
        table: &View,
        arranged: &Arranged,
        finder: Finder<'_>,
        go_on: GoOn<'_>,
    ) -> Result<()> {
        let mut sought = 0;
        for row in watched((0..).map(RowId).take(self.rows.len()), go_on) {
            let row = row?;
            if !self.rows[row.index()][0].is_finite() {
                continue;
            }
            let mut place = arranged.place(table, row);
            if place.is_none() && sought < SOUGHT_MAX {
                sought += 1;
                if sought % LOOK == 0 {
                    go_on()?;
                }
                place = amid(table, arranged, &finder.neighbors(table, row));
            }
            match place {
                Some([x, y]) => self.rows[row.index()][..2].copy_from_slice(&[x, y]),
                None => self.take_away(row),
            }
        }
        Ok(())
    }

    fn take_away(&mut self, row: RowId) {
        self.rows[row.index()] = [f32::NAN; 4];
        self.counts[usize::from(self.clusters[row.index()])] -= 1;
    }

    fn finish(self, table: &View, shares: Vec<f64>, component_row_count: usize) -> TableMap {
        let is_placed = |row: &&[f32; 4]| row[0].is_finite();
        let placed = || self.rows.iter().filter(is_placed);
        let scale = placed().map(|row| row[0].abs().max(row[1].abs())).fold(0.0, f32::max);
        let length_max = placed().map(|row| row[3]).fold(0.0, f32::max);
        // The largest cluster first; of equal ones the one that was found first.
        let mut order: Vec<usize> = (0..self.counts.len()).collect();
        order.sort_by_key(|&cluster| std::cmp::Reverse(self.counts[cluster]));
        order.retain(|&cluster| self.counts[cluster] > 0);
        let mut numbers = vec![0; self.counts.len()];
        for (number, &cluster) in (0_u8..).zip(&order) {
            numbers[cluster] = number;
        }
        let mut places = Vec::with_capacity(self.rows.len() * ROW_BYTES);
        for (&[x, y, own, length], &cluster) in self.rows.iter().zip(&self.clusters) {
            if !x.is_finite() {
                places.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
                continue;
            }
            let component = |value: f32| {
                let share = if scale > 0.0 { f64::from(value) / f64::from(scale) } else { 0.0 };
                rounded(MIDDLE + MIDDLE * share, NOWHERE - 1)
            };
            let share = if length_max > 0.0 { length / length_max } else { 0.0 };
            places.extend_from_slice(&component(x).to_le_bytes());
            places.extend_from_slice(&component(y).to_le_bytes());
            places.extend_from_slice(&rounded(f64::from(share) * 65_535.0, u16::MAX).to_le_bytes());
            let typical = rounded(f64::midpoint(1.0, f64::from(own)) * 255.0, 255);
            places.extend_from_slice(&[numbers[usize::from(cluster)], typical.to_le_bytes()[0]]);
        }
        let cluster = |&cluster: &usize| MapCluster {
            row_count: self.counts[cluster],
            words: named(table, &self.names[cluster]),
        };
        TableMap {
            places,
            placed_count: placed().count(),
            scale: f64::from(scale),
            component_shares: shares,
            component_row_count,
            length_max,
            clusters: order.iter().map(cluster).collect(),
        }
    }
}

/// Whether a word is of letters alone, and more than two.
fn is_a_name(word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(|word| {
        let chars = word.chars().count();
        // One character says as much as a word where there are thousands of them.
        let is_long = chars > 2 || (chars > 0 && !word.is_ascii());
        is_long && chars <= 24 && word.chars().all(char::is_alphabetic)
    })
}

/// The first of these words of which no two begin alike.
fn named(table: &View, names: &[(f64, RowId)]) -> Vec<(Vec<u8>, RowId)> {
    let stem = |row: RowId| -> String {
        let word = String::from_utf8_lossy(table.word(row)).to_lowercase();
        word.chars().take(STEM_CHARS).collect()
    };
    let mut taken: Vec<(RowId, String)> = Vec::new();
    for &(_, row) in names {
        let own = stem(row);
        if taken.len() < NAMES && taken.iter().all(|(_, other)| *other != own) {
            taken.push((row, own));
        }
    }
    taken.into_iter().map(|(row, _)| (table.word(row).to_vec(), row)).collect()
}

/// To a whole number from 0 to `most`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn rounded(value: f64, most: u16) -> u16 {
    value.round().clamp(0.0, f64::from(most)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};
    use crate::index::{Index as _, SearchParams};
    use crate::query::arrange::arrange;
    use crate::query::components::dot;
    use crate::query::golden::{self, Brute};
    use crate::steps::GO;
    use crate::table::attributes::Attributes;
    use crate::table::change::Change;

    /// x and y as the bytes say.
    fn coordinates(map: &TableMap) -> Vec<Option<[f64; 2]>> {
        let number = |bytes: &[u8]| u16::from_le_bytes([bytes[0], bytes[1]]);
        let rows = map.places.chunks_exact(ROW_BYTES);
        rows.map(|row| {
            let both = [number(row), number(&row[2..])];
            let component = |value: u16| (f64::from(value) - MIDDLE) / MIDDLE * map.scale;
            (both != [NOWHERE; 2]).then(|| both.map(component))
        })
        .collect()
    }

    #[test]
    fn places_are_the_projection_on_the_first_two_eigenvectors_of_the_covariance() {
        let view = golden::table();
        let components = |go_on: GoOn<'_>| map(&view, None, go_on);
        let found = components(&|| Ok(())).unwrap();
        let (dim, count) = (view.dim(), view.len() as f64);
        let units: Vec<Vec<f32>> = view.rows().map(|row| view.unit(row)).collect();
        let mut mean = vec![0.0; dim];
        for unit in &units {
            algebra::add(&mut mean, 1.0 / count, unit);
        }
        let centered = |unit: &Vec<f32>| -> Vec<f64> {
            unit.iter().zip(&mean).map(|(&value, mean)| f64::from(value) - mean).collect()
        };
        let rows: Vec<Vec<f64>> = units.iter().map(centered).collect();
        let mut covariance = vec![0.0; dim * dim];
        for row in &rows {
            for (i, a) in row.iter().enumerate() {
                for (j, b) in row.iter().enumerate() {
                    covariance[i * dim + j] += a * b;
                }
            }
        }
        let (values, vectors) = algebra::eigen(&covariance, dim);
        let total: f64 = values.iter().sum();
        let step = found.scale / MIDDLE;
        for axis in 0..2 {
            assert!((found.component_shares[axis] - values[axis] / total).abs() < 1e-6);
            let vector = &vectors[axis * dim..(axis + 1) * dim];
            let largest = vector.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
            for (row, place) in rows.iter().zip(coordinates(&found)) {
                let wanted = dot(row, vector) * largest.unwrap().signum();
                let got = place.unwrap()[axis];
                assert!((wanted - got).abs() < step + 1e-5, "{wanted} {got}");
            }
        }
        assert_eq!(found.placed_count, view.len());
        let members: usize = found.clusters.iter().map(|cluster| cluster.row_count).sum();
        assert_eq!(members, view.len());
        assert!(found.clusters.is_sorted_by(|a, b| a.row_count >= b.row_count));
        assert_eq!(found, components(&|| Ok(())).unwrap(), "the table alone decides");
        let stopped = components(&|| Err(Error::new(ErrorKind::Cancelled)));
        assert!(matches!(stopped.unwrap_err().kind(), ErrorKind::Cancelled));
    }
    #[test]
    fn by_neighbors_more_of_them_are_near_than_by_components() {
        let view = golden::table();
        let index = Brute(&view);
        let finder = Finder { index: &index, default_ef: 0 };
        let arranged = |seed| {
            let mut shares = Vec::new();
            let made = arrange(&view, finder, seed, GO, &mut |share| shares.push(share));
            assert!(shares.is_sorted() && shares.iter().all(|share| (0.0..=1.0).contains(share)));
            assert!(shares.len() > 50, "{shares:?}");
            made.unwrap()
        };
        let by = |arranged: &Arranged| map(&view, Some((arranged, finder)), GO).unwrap();
        let kept = |map: &TableMap| -> usize {
            let places: Vec<[f64; 2]> = coordinates(map).into_iter().map(Option::unwrap).collect();
            let gap = |a: usize, b: usize| {
                (places[a][0] - places[b][0]).powi(2) + (places[a][1] - places[b][1]).powi(2)
            };
            let kept = |row: RowId| {
                let own = [row];
                let params = SearchParams { exclude: &own, ..SearchParams::new(10, 0) };
                let near = index.search(&view.unit(row), &params).nears;
                let own = row.index();
                let mut others: Vec<usize> = (0..places.len()).filter(|&one| one != own).collect();
                others.sort_by(|&a, &b| gap(own, a).total_cmp(&gap(own, b)));
                let is_near = |row: RowId| others[..10].contains(&row.index());
                near.iter().filter(|near| is_near(near.row)).count()
            };
            view.rows().map(kept).sum()
        };
        let (by_components, first) = (map(&view, None, GO).unwrap(), arranged(0));
        let by_neighbors = by(&first);
        let (few, many) = (kept(&by_components), kept(&by_neighbors));
        assert!(many > 2 * few && many > 4 * view.len(), "{few} {many} of {}", 10 * view.len());
        assert_eq!(by_components.clusters, by_neighbors.clusters);
        let other = arranged(7);
        assert!(first == arranged(0) && first.places != other.places, "the seed decides");
        assert!(kept(&by(&other)) > 4 * view.len());
        let stopped =
            arrange(&view, finder, 0, &|| Err(Error::new(ErrorKind::Cancelled)), &mut |_| {});
        assert_eq!(*stopped.unwrap_err().kind(), ErrorKind::Cancelled);
    }
    #[test]
    fn what_was_written_since_stands_amid_its_neighbors_and_all_else_where_it_was() {
        let view = golden::table();
        let index = Brute(&view);
        let arranged =
            arrange(&view, Finder { index: &index, default_ef: 0 }, 0, GO, &mut |_| {}).unwrap();
        let place_of = |map: &TableMap, row: usize| coordinates(map)[row];
        let by = |view: &View, arranged: &Arranged| {
            let index = Brute(view);
            map(view, Some((arranged, Finder { index: &index, default_ef: 0 })), GO).unwrap()
        };
        let before = by(&view, &arranged);
        let [word, other] = [3, 8].map(|row| view.word(RowId(row)).to_vec());
        let put = |word: &[u8], row: u32| Change::Put {
            word: word.to_vec(),
            vector: view.vector(RowId(row)).iter().map(|x| x * 2.0).collect(),
            attributes: Attributes::default(),
        };
        let changes = [put(b"of its own", 5), put(&word, 9), Change::Delete { word: other }];
        let after = view.after(&changes).unwrap();
        let moved = by(&after, &arranged);
        let added = view.rows_end();
        assert_eq!(moved.placed_count, view.len(), "one came, one went");
        assert_eq!(place_of(&moved, 8), None);
        for row in (0..added).filter(|row| ![3, 8].contains(row)) {
            let [before, after] = [&before, &moved].map(|map| place_of(map, row).unwrap());
            for axis in 0..2 {
                assert!((before[axis] - after[axis]).abs() < 2e-3, "{row}: {before:?} {after:?}");
            }
        }
        // Each has taken another's direction, and stands near to it.
        let gap = |map: &TableMap, a: usize, b: usize| {
            let [a, b] = [a, b].map(|row| place_of(map, row).unwrap());
            (a[0] - b[0]).hypot(a[1] - b[1])
        };
        let others = |row: usize| (10..60).filter(move |&other| other != row);
        for (own, like) in [(added, 5), (3, 9)] {
            let farther =
                others(own).filter(|&other| gap(&moved, own, other) > gap(&moved, own, like));
            assert!(farther.count() > 35, "{own} is not near to {like}");
        }
        // Arranged again, they have places of their own, which hold until they are written again.
        let index = Brute(&after);
        let finder = Finder { index: &index, default_ef: 0 };
        let again = arrange(&after, finder, 0, GO, &mut |_| {}).unwrap();
        assert_eq!((again.sequence, again.written.len()), (after.sequence(), 2));
        assert!(again.place(&after, RowId(3)).is_some() && again.place(&view, RowId(3)).is_some());
        let once_more = after.after(&[put(&word, 20)]).unwrap();
        assert_eq!(again.place(&once_more, RowId(3)), None);
        assert_eq!(again.place(&after, RowId(8)), None);
    }
}
