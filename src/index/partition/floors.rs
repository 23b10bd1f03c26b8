//! How near the nearest rows of each row are at least, as the rows of its leaves tell.

use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelRefIterator as _, ParallelIterator as _,
};
use rayon::slice::ParallelSliceMut as _;

use crate::error::{Error, ErrorKind, Result};
use crate::index::Watch;
use crate::index::codes::{Codes, QueryCode};
use crate::index::knn::Pairs;
use crate::index::partition::leaves::{Asking, Leaves};
use crate::table::Table;
use crate::vector::RowId;
use crate::vector::kernel::blocks::{self, GROUP, Group, ROWS};

/// What is of no use after a row.
#[derive(Default)]
struct Work {
    code: QueryCode,
    groups: Vec<[i8; GROUP]>,
    scores: Vec<f32>,
    /// As long as the scores.
    zeros: Vec<f32>,
    nears: Vec<(f32, u32)>,
}

/// The rows of each leaf side by side.
struct SideBySide {
    /// So many groups for each 64 rows.
    blocks: Vec<Group>,
    width: usize,
    /// Where the blocks of each leaf begin, and at last where they end.
    starts: Vec<usize>,
}

impl SideBySide {
    fn new(codes: &Codes, leaves: &Leaves) -> Self {
        let width = codes.tile_len() / GROUP;
        let mut starts = vec![0];
        for leaf in &leaves.leaves {
            starts.push(starts[starts.len() - 1] + (leaf.rows as usize).div_ceil(ROWS));
        }
        let mut blocks = vec![Group::of(0); starts[starts.len() - 1] * width];
        let blocks_of = blocks.par_chunks_mut(width.max(1)).enumerate();
        blocks_of.for_each(|(number, block)| {
            let leaf = starts.partition_point(|&start| start <= number) - 1;
            let rows = leaves.rows(u32::try_from(leaf).unwrap_or(u32::MAX));
            let rows = rows.chunks(ROWS).nth(number - starts[leaf]).unwrap_or_default();
            for (place, &row) in rows.iter().enumerate() {
                blocks::set(block, place, codes.groups(row));
            }
        });
        Self { blocks, width, starts }
    }

    /// How near the rows of a leaf look to the row that is coded.
    fn compare(&self, codes: &Codes, (leaf, rows): (u32, &[u32]), work: &mut Work) {
        let Work { code, groups, scores, zeros, nears } = work;
        let [first, end] = [leaf, leaf + 1].map(|leaf| self.starts[leaf as usize]);
        scores.resize((end - first) * ROWS, 0.0);
        zeros.resize(scores.len(), 0.0);
        let blocks = &self.blocks[first * self.width..end * self.width];
        Asking::new(code, groups).compare((blocks, self.width), zeros, scores);
        let looks = |(&row, score): (&u32, &f32)| (score * codes.step(row), row);
        nears.extend(rows.iter().zip(&*scores).map(looks));
    }
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
    let side_by_side = SideBySide::new(codes, leaves);
    let rounding = (table.dim() + 8) as f32 * 2.0 * f32::EPSILON;
    let floor = |work: &mut Work, &row: &RowId| {
        codes.code_of_row(row.0, &mut work.code);
        codes.query_groups(&work.code, &mut work.groups);
        work.nears.clear();
        let (first, second) = leaves_of[row.index()];
        for leaf in [first, second].into_iter().filter(|&leaf| leaf < u32::MAX) {
            if !watch.is_cancelled() {
                side_by_side.compare(codes, (leaf, leaves.rows(leaf)), work);
            }
        }
        let nears = &mut work.nears;
        nears.retain(|near| near.1 != row.0);
        // Those that stand in both leaves come twice.
        let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
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
