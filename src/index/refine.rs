//! Better links for every row, found in the hierarchy itself.
//!
//! A hasty hierarchy knows roughly who is near whom. A pass over a frozen copy of it looks up the
//! neighbors of every row, keeps those that lead in different directions, links back, and chooses
//! again where a row has too many links. Because the copy is fixed, the outcome depends neither on
//! the number of threads nor on their timing. The choice is `RobustPrune` of `DiskANN` (Subramanya et
//! al. 2019, algorithm 2).
//!
//! That choice leaves some rows with hardly a link that leads to them: rare words, which are near to
//! few others. Slots that are left free then lead there.

use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

use crate::error::{Error, ErrorKind, Result};
use crate::index::beam::Beam;
use crate::index::codes::{Codes, QueryCode};
use crate::index::links::{Hierarchy, Links, NONE};
use crate::index::{Watch, reach};

/// How often links are chosen anew, each time with the help of those chosen before. On GloVe 6B
/// 100d the second pass finds a third of the neighbors that the first one missed.
const PASSES: usize = 2;
/// Width of the beam that looks for a row's neighbors.
const WIDTH: usize = 128;
/// A neighbor is left out if another one is this many times nearer to it than the row is.
const ALPHA: f32 = 1.2;
/// Links of a row in the bottom layer that are chosen, for each that hnsw_rs could give it there.
const CHOSEN_FACTOR: usize = 2;
/// The same with those that lead to rows which few links lead to.
const LINKS_FACTOR: usize = 3;
/// Rows that fewer links lead to are given more, where slots are free.
const IN_LINKS_MIN: u32 = 16;
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
    let width = hierarchy.bottom.stride();
    let size = Size { chosen: width * CHOSEN_FACTOR, stride: width * LINKS_FACTOR };
    for pass in 0..PASSES {
        let share = |done: f32| (pass as f32 + done) / PASSES as f32;
        let look = Part { watch, from: share(0.0), to: share(LOOK_SHARE) };
        let join = Part { watch, from: share(LOOK_SHARE), to: share(1.0) };
        hierarchy.bottom = choose_anew(codes, &hierarchy.bottom, &size, [look, join])?;
    }
    reach::reach_all(codes, hierarchy);
    Ok(())
}

/// Slots of a row: those for chosen links, and all.
struct Size {
    chosen: usize,
    stride: usize,
}

/// One pass over frozen links.
fn choose_anew(
    codes: &Codes,
    frozen: &Links,
    size: &Size,
    [look, join]: [Part<'_>; 2],
) -> Result<Links> {
    let mut chosen = Links::new(codes.len(), size.chosen);
    for_each_row(&mut chosen, &look, |scratch, row, list| {
        scratch.look(codes, frozen, row);
        scratch.choose(codes, list);
    })?;
    let back = Incoming::new(&chosen);
    let mut joined = Links::new(codes.len(), size.stride);
    for_each_row(&mut joined, &join, |scratch, row, list| {
        scratch.join(codes, row, chosen.of(row).chain(back.of(row)));
        if scratch.near.len() > size.chosen {
            scratch.choose(codes, &mut list[..size.chosen]);
        } else {
            fill(list, scratch.near.iter().map(|&(_, row)| row));
        }
    })?;
    lead_to_the_lonely(&chosen, &mut joined);
    Ok(joined)
}

/// Gives rows that few links lead to more of them, from the rows that they chose, nearest first.
fn lead_to_the_lonely(chosen: &Links, joined: &mut Links) {
    let rows = || (0..).take(chosen.len());
    let mut in_links = vec![0_u32; chosen.len()];
    rows().flat_map(|row| joined.of(row)).for_each(|link| in_links[link as usize] += 1);
    for row in rows() {
        for neighbor in chosen.of(row) {
            if in_links[row as usize] >= IN_LINKS_MIN {
                break;
            }
            let slots = joined.slots_mut(neighbor);
            let free = slots.iter().position(|&link| link == NONE);
            if let Some(free) = free
                && !slots.contains(&row)
            {
                slots[free] = row;
                in_links[row as usize] += 1;
            }
        }
    }
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
