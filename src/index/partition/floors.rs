//! How near the nearest rows of each row are at least, as the rows of its leaves tell.

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use crate::error::{Error, ErrorKind, Result};
use crate::index::Watch;
use crate::index::codes::{Codes, QueryCode};
use crate::index::knn::Pairs;
use crate::index::partition::leaves::Leaves;
use crate::table::Table;
use crate::vector::RowId;

/// What is of no use after a row.
#[derive(Default)]
struct Work {
    code: QueryCode,
    others: Vec<u32>,
    dots: Vec<i32>,
    nears: Vec<(f32, u32)>,
}

/// The rows leaf by leaf, and for each of them a similarity that at least `count` others reach.
///
/// # Errors
///
/// If `watch` says that the build is cancelled.
pub(super) fn floors(
    table: &Table,
    codes: &Codes,
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
    let floor = |work: &mut Work, &row: &RowId| {
        let Work { code, others, dots, nears } = work;
        others.clear();
        let (first, second) = leaves_of[row.index()];
        for leaf in [first, second].into_iter().filter(|&leaf| leaf < u32::MAX) {
            if !watch.is_cancelled() {
                others.extend(leaves.rows(leaf).iter().filter(|&&other| other != row.0));
            }
        }
        codes.code_of_row(row.0, code);
        codes.distances(code, others, dots, nears);
        // Those that stand in both leaves come twice.
        let order = |a: &(f32, u32), b: &(f32, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        let most = 2 * count;
        if nears.len() > most {
            nears.select_nth_unstable_by(most - 1, order);
            nears.truncate(most);
        }
        nears.sort_unstable_by(order);
        nears.dedup_by_key(|near| near.1);
        if nears.len() < count {
            return f32::NEG_INFINITY;
        }
        let near = nears.iter().take(count).map(|&(_, near)| RowId(near));
        let mut pairs = Pairs::new(table);
        near.map(|near| pairs.similarity(row, near)).fold(f32::INFINITY, f32::min) - rounding
    };
    let floors = rows.par_iter().map_init(Work::default, floor).collect();
    if watch.is_cancelled() {
        return Err(Error::new(ErrorKind::Cancelled));
    }
    Ok((rows, floors))
}
