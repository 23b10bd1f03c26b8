//! How near the nearest rows of each row are at least, as the rows of its leaves tell.

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use crate::error::{Error, ErrorKind, Result};
use crate::index::partition::leaves::Leaves;
use crate::index::{Watch, knn};
use crate::table::Table;
use crate::vector::RowId;

/// The rows leaf by leaf, and for each of them a similarity that at least `count` others reach.
///
/// # Errors
///
/// If `watch` says that the build is cancelled.
pub(super) fn floors(
    table: &Table,
    leaves: &Leaves,
    count: usize,
    watch: &dyn Watch,
) -> Result<(Vec<RowId>, Vec<f32>)> {
    // A row stands in two leaves; it comes with the first of them.
    let mut leaves_of = vec![(u32::MAX, u32::MAX); table.len()];
    let mut rows = Vec::with_capacity(table.len());
    for number in (0_u32..).take(leaves.leaves.len()) {
        for &row in leaves.rows(number) {
            let (first, second) = &mut leaves_of[row as usize];
            if *first == u32::MAX {
                *first = number;
                rows.push(RowId(row));
            } else {
                *second = number;
            }
        }
    }
    let rounding = (table.dim() + 8) as f32 * 2.0 * f32::EPSILON;
    let floors = rows
        .par_iter()
        .map_init(Vec::new, |nears: &mut Vec<(f32, u32)>, &row| {
            nears.clear();
            let (first, second) = leaves_of[row.index()];
            let near = |&near: &u32| (knn::similarity(table, row, RowId(near)), near);
            for leaf in [first, second].into_iter().filter(|&leaf| leaf < u32::MAX) {
                if !watch.is_cancelled() {
                    nears.extend(leaves.rows(leaf).iter().filter(|&&near| near != row.0).map(near));
                }
            }
            // Those that stand in both leaves came twice.
            let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
            let most = 2 * count;
            if nears.len() > most {
                nears.select_nth_unstable_by(most - 1, order);
                nears.truncate(most);
            }
            nears.sort_unstable_by(order);
            nears.dedup_by_key(|near| near.1);
            nears.get(count - 1).map_or(f32::NEG_INFINITY, |&(floor, _)| floor - rounding)
        })
        .collect();
    if watch.is_cancelled() {
        return Err(Error::new(ErrorKind::Cancelled));
    }
    Ok((rows, floors))
}
