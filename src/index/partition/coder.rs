//! `Coder`: what is left of a row beside its leaf's center, as codes of four bits.
//!
//! Residuals are turned along their own principal components, the strongest first; neighboring axes make
//! a subspace, the strongest ones alone, and each subspace has 16 centers ("product quantization": Jegou
//! et al. 2011).

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use crate::index::codes::Codes;
use crate::index::partition::train::Assigned;
use crate::vector::algebra;
use crate::vector::kernel::lanes::{self, Choice, Scale, Subspace, Values};
use crate::vector::kernel::nibbles::{ENTRIES, Entries, SUBSPACES_MAX, SUBSPACES_STEP};
use crate::vector::random::SplitMix64;

/// Rows longer than this keep the axes of their codes: finding better ones would take too long.
const PRINCIPAL_DIM_MAX: usize = 320;
/// Residuals that tell the axes, and those that tell the centers: at most so many, and so many floats.
const AXES_ROWS: usize = 16_384;
const CENTERS_ROWS: usize = 20_000;
const CENTERS_FLOATS: usize = 4_000_000;
/// Of a small table's residuals, one of so many tells the axes, and the centers; and so many at least.
const AXES_PART: usize = 4;
const CENTERS_PART: usize = 16;
const CENTERS_ROWS_MIN: usize = 1_024;
/// Steps of k-means.
const STEPS: usize = 15;
/// From which residuals are drawn.
const SEED: u64 = 3;
/// How much an error along the row's own direction counts more: it is what lies along most questions
/// that the row answers.
const ALONG_WEIGHT: f32 = 1.0;

/// Turns residuals and codes them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Coder {
    dim: usize,
    /// For each component, what it adds to each axis; empty if axes are components.
    columns: Vec<f32>,
    subspaces: Vec<Subspace>,
    /// For each axis the 16 centers' components.
    books: Vec<Values>,
}

impl Coder {
    /// A coder that suits the residuals of these rows.
    pub(super) fn train(codes: &Codes, rows: &[u32], assigned: &Assigned) -> Self {
        let dim = codes.rotation().dim();
        let residual = |place: usize, residual: &mut [f32]| {
            codes.direction(rows[place], residual);
            let mean = &assigned.means[assigned.first[place] as usize * dim..][..dim];
            for (value, mean) in residual.iter_mut().zip(mean) {
                *value -= mean;
            }
        };
        let mut random = SplitMix64(SEED);
        let mut values = vec![0.0; dim];
        let mut columns = Vec::new();
        if dim <= PRINCIPAL_DIM_MAX {
            let mut products = vec![0.0; dim * dim];
            let most = AXES_ROWS.min(rows.len() / AXES_PART).max(CENTERS_ROWS_MIN);
            for place in random.sample(rows.len(), most) {
                residual(place, &mut values);
                for (row, &a) in products.chunks_exact_mut(dim).zip(&values) {
                    algebra::add(row, f64::from(a), &values);
                }
            }
            let axes = algebra::eigen(&products, dim).1;
            #[expect(clippy::cast_possible_truncation, reason = "at most 1 in size")]
            let turned = (0..dim)
                .flat_map(|from| axes.iter().skip(from).step_by(dim).map(|&value| value as f32))
                .collect();
            columns = turned;
        }
        let mut coder = Self { dim, columns, subspaces: subspaces(dim), books: Vec::new() };
        let most = CENTERS_ROWS.min(CENTERS_FLOATS / dim).min(rows.len() / CENTERS_PART);
        let sample = random.sample(rows.len(), most.max(CENTERS_ROWS_MIN));
        let mut turned = vec![0.0; sample.len() * dim];
        for (place, turned) in sample.into_iter().zip(turned.chunks_exact_mut(dim)) {
            residual(place, &mut values);
            coder.turn(&values, turned);
        }
        let books: Vec<Vec<Values>> =
            coder.subspaces.par_iter().map(|&subspace| centers(&turned, dim, subspace)).collect();
        coder.books = books.concat();
        coder
    }

    /// A coder that was kept; none if its parts are not one.
    pub(super) fn from_parts(dim: usize, columns: Vec<f32>, books: Vec<Values>) -> Option<Self> {
        let is_right = columns.len() == Self::columns_count(dim)
            && books.len() == dim
            && columns.iter().chain(books.as_flattened()).all(|value| value.abs() <= 2.0);
        is_right.then(|| Self { dim, columns, subspaces: subspaces(dim), books })
    }

    /// How many columns a coder of rows of this length has.
    pub(super) fn columns_count(dim: usize) -> usize {
        if dim <= PRINCIPAL_DIM_MAX { dim * dim } else { 0 }
    }

    /// See [`Coder::from_parts`].
    pub(super) fn parts(&self) -> (&[f32], &[Values]) {
        (&self.columns, &self.books)
    }

    /// How many subspaces, and so codes of a slot.
    pub(super) fn subspaces(&self) -> usize {
        self.subspaces.len()
    }

    /// Turns a direction along the axes.
    pub(super) fn turn(&self, direction: &[f32], turned: &mut [f32]) {
        if self.columns.is_empty() {
            turned.copy_from_slice(direction);
        } else {
            lanes::turn(&self.columns, direction, turned);
        }
    }

    /// The codes of a residual of a row of this direction, both turned.
    pub(super) fn encode(
        &self,
        residual: &[f32],
        direction: &[f32],
        choice: &mut Choice,
        codes: &mut [u8],
    ) {
        let Self { books, subspaces, .. } = self;
        lanes::encode(books, subspaces, residual, direction, ALONG_WEIGHT, choice, codes);
    }

    /// What codes are worth to a question, turned.
    pub(super) fn tables(
        &self,
        query: &[f32],
        values: &mut Vec<Values>,
        tables: &mut Vec<Entries>,
    ) -> Scale {
        lanes::tables(&self.books, &self.subspaces, query, values, tables)
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(&self.columns[..]) + size_of_val(&self.books[..])
    }
}

/// Neighboring axes in about half as many subspaces; the last, weakest axes share one with more others.
fn subspaces(dim: usize) -> Vec<Subspace> {
    let half = dim.div_ceil(2);
    let (below, above) =
        (half / SUBSPACES_STEP * SUBSPACES_STEP, half.next_multiple_of(SUBSPACES_STEP));
    // A few less make shorter codes that find as much; many less do not.
    let count = if below * 16 >= half * 15 { below } else { above }.min(SUBSPACES_MAX);
    let (size, more) = (dim / count, dim % count);
    let mut first = 0;
    (0..count)
        .map(|i| {
            let subspace = Subspace { first, count: size + usize::from(i >= count - more) };
            first += subspace.count;
            subspace
        })
        .collect()
}

/// Sixteen centers of the residuals in a subspace, by k-means: for each of its axes their components.
fn centers(residuals: &[f32], dim: usize, subspace: Subspace) -> Vec<Values> {
    let Subspace { first, count } = subspace;
    let points: Vec<&[f32]> =
        residuals.chunks_exact(dim).map(|residual| &residual[first..first + count]).collect();
    let mut random = SplitMix64(SEED ^ (first as u64) << 8);
    let mut books = vec![[0.0; ENTRIES]; count];
    let seed = |books: &mut [Values], center: usize, point: &[f32]| {
        for (centers, &value) in books.iter_mut().zip(point) {
            centers[center] = value;
        }
    };
    if points.is_empty() || count == 0 {
        return books;
    }
    for center in 0..ENTRIES {
        seed(&mut books, center, points[random.index_below(points.len())]);
    }
    let one = [Subspace { first: 0, count }];
    let (mut choice, mut code) = (Choice::default(), [0]);
    for _ in 0..STEPS {
        let mut sums = vec![[0.0_f64; ENTRIES]; count];
        let mut counts = [0_u32; ENTRIES];
        for point in &points {
            lanes::encode(&books, &one, point, point, 0.0, &mut choice, &mut code);
            let center = usize::from(code[0]);
            counts[center] += 1;
            for (sums, &value) in sums.iter_mut().zip(*point) {
                sums[center] += f64::from(value);
            }
        }
        for (center, &members) in counts.iter().enumerate() {
            if members == 0 {
                seed(&mut books, center, points[random.index_below(points.len())]);
                continue;
            }
            for (centers, sums) in books.iter_mut().zip(&sums) {
                #[expect(clippy::cast_possible_truncation, reason = "at most 2 in size")]
                let mean = (sums[center] / f64::from(members)) as f32;
                centers[center] = mean;
            }
        }
    }
    books
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_axis_is_in_one_subspace() {
        for dim in [1, 2, 7, 50, 100, 300, 768, 4_096] {
            let subspaces = subspaces(dim);
            assert!(subspaces.len().is_multiple_of(SUBSPACES_STEP));
            let axes: Vec<usize> =
                subspaces.iter().flat_map(|s| s.first..s.first + s.count).collect();
            assert_eq!(axes, (0..dim).collect::<Vec<_>>());
            assert!(subspaces.is_sorted_by_key(|subspace| subspace.count), "strong axes alone");
        }
    }

    #[test]
    fn centers_stand_where_points_are() {
        let points: Vec<f32> =
            (0..640_u16).flat_map(|i| [f32::from(i % 16), 9.0, -f32::from(i % 4)]).collect();
        let books = centers(&points, 3, Subspace { first: 0, count: 1 });
        let mut found: Vec<f32> = books[0].to_vec();
        found.sort_by(f32::total_cmp);
        found.dedup();
        assert!(found.len() > 10 && found.iter().all(|x| (-0.1..15.1).contains(x)), "{found:?}");
        assert!(centers(&points, 3, Subspace { first: 3, count: 0 }).is_empty());
    }
}
