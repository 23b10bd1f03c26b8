//! Better links for every row, found in the hierarchy itself.
//!
//! A hasty hierarchy knows roughly who is near whom. One pass over a frozen copy of it looks up the
//! neighbors of every row, keeps those that lead in different directions, links back, and chooses
//! again where a row has too many links. Because the copy is fixed, the outcome depends neither on
//! the number of threads nor on their timing. The choice is `RobustPrune` of `DiskANN` (Subramanya et
//! al. 2019, algorithm 2).

use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

use crate::error::{Error, ErrorKind, Result};
use crate::index::beam::Beam;
use crate::index::codes::{Codes, QueryCode};
use crate::index::links::{Hierarchy, Links, NONE};
use crate::index::{Watch, reach};

/// Width of the beam that looks for a row's neighbors.
const WIDTH: usize = 64;
/// A neighbor is left out if another one is this many times nearer to it than the row is.
const ALPHA: f32 = 1.2;
/// Links of a row in the bottom layer, for each that hnsw_rs gave it there.
const LINKS_FACTOR: usize = 2;
/// Rows between looks at the watch.
const ROWS_AT_ONCE: usize = 8_192;
/// The part of the pass that looks for neighbors.
const LOOK_SHARE: f32 = 0.75;

/// Chooses the bottom layer's links anew and makes every row reachable.
///
/// # Errors
///
/// If `watch` says that the build is cancelled.
pub(super) fn refine(codes: &Codes, hierarchy: &mut Hierarchy, watch: &dyn Watch) -> Result<()> {
    let stride = hierarchy.bottom.stride() * LINKS_FACTOR;
    let mut chosen = Links::new(codes.len(), stride);
    let frozen = &hierarchy.bottom;
    for_each_row(&mut chosen, &Part { watch, from: 0.0, to: LOOK_SHARE }, |scratch, row, list| {
        scratch.look(codes, frozen, row);
        scratch.choose(codes, list);
    })?;
    let back = Incoming::new(&chosen);
    let mut joined = Links::new(codes.len(), stride);
    for_each_row(&mut joined, &Part { watch, from: LOOK_SHARE, to: 1.0 }, |scratch, row, list| {
        scratch.join(codes, row, chosen.of(row).chain(back.of(row)));
        if scratch.near.len() > list.len() {
            scratch.choose(codes, list);
        } else {
            fill(list, scratch.near.iter().map(|&(_, row)| row));
        }
    })?;
    hierarchy.bottom = joined;
    reach::reach_all(codes, hierarchy);
    Ok(())
}

/// Part of the progress of a pass.
struct Part<'a> {
    watch: &'a dyn Watch,
    from: f32,
    to: f32,
}

#[derive(Default)]
struct Scratch {
    beam: Beam,
    query: QueryCode,
    /// Distance and row of those that may become neighbors, nearest first.
    near: Vec<(f32, u32)>,
    kept: Vec<u32>,
}

impl Scratch {
    /// Collects rows near a row: those that a walk finds, and those linked already.
    fn look(&mut self, codes: &Codes, links: &Links, row: u32) {
        codes.code_of_row(row, &mut self.query);
        self.beam.search(codes, links, &self.query, row, WIDTH);
        self.near.clear();
        self.near.extend(self.beam.found().filter(|&(_, other)| other != row));
        self.near.extend(links.of(row).map(|link| (codes.distance(&self.query, link), link)));
        self.sort();
    }

    /// Collects these rows as near a row.
    fn join(&mut self, codes: &Codes, row: u32, links: impl Iterator<Item = u32>) {
        codes.code_of_row(row, &mut self.query);
        self.near.clear();
        self.near.extend(links.map(|link| (codes.distance(&self.query, link), link)));
        self.sort();
    }

    fn sort(&mut self) {
        self.near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.near.dedup_by_key(|&mut (_, row)| row);
    }

    /// Keeps those near that lead in different directions.
    fn choose(&mut self, codes: &Codes, list: &mut [u32]) {
        self.kept.clear();
        for &(distance, row) in &self.near {
            codes.code_of_row(row, &mut self.query);
            let is_led_to =
                self.kept.iter().any(|&kept| codes.distance(&self.query, kept) * ALPHA <= distance);
            if !is_led_to {
                self.kept.push(row);
                if self.kept.len() == list.len() {
                    break;
                }
            }
        }
        fill(list, self.kept.iter().copied());
    }
}

fn fill(list: &mut [u32], links: impl Iterator<Item = u32>) {
    let mut links = links.fuse();
    list.fill_with(|| links.next().unwrap_or(NONE));
}

/// Works on every list in parallel, block by block.
fn for_each_row(
    links: &mut Links,
    part: &Part<'_>,
    work: impl Fn(&mut Scratch, u32, &mut [u32]) + Sync,
) -> Result<()> {
    let (rows, stride) = (links.len(), links.stride());
    let blocks = links.values_mut().chunks_mut(stride * ROWS_AT_ONCE);
    for (first, block) in (0..).step_by(ROWS_AT_ONCE).zip(blocks) {
        if part.watch.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled));
        }
        part.watch.progress(part.from + (part.to - part.from) * first as f32 / rows as f32);
        let lists = block.par_chunks_exact_mut(stride).enumerate().with_min_len(64);
        lists.for_each_init(Scratch::default, |scratch, (i, list)| {
            let row = u32::try_from(first + i).unwrap_or(NONE);
            work(scratch, row, list);
        });
    }
    Ok(())
}

/// For each row, the rows that link to it.
struct Incoming {
    /// Where each row's list ends.
    ends: Vec<usize>,
    rows: Vec<u32>,
}

impl Incoming {
    fn new(links: &Links) -> Self {
        let mut ends = vec![0; links.len()];
        let rows = || (0..).take(links.len());
        rows().flat_map(|row| links.of(row)).for_each(|link| ends[link as usize] += 1);
        let mut total = 0;
        for end in &mut ends {
            (*end, total) = (total, total + *end);
        }
        let mut incoming = vec![0; total];
        for row in rows() {
            for link in links.of(row) {
                let place = &mut ends[link as usize];
                incoming[*place] = row;
                *place += 1;
            }
        }
        Self { ends, rows: incoming }
    }

    fn of(&self, row: u32) -> impl Iterator<Item = u32> {
        let row = row as usize;
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        self.rows[start..self.ends[row]].iter().copied()
    }
}
