//! Better links for every row, found in the hierarchy itself.
//!
//! A hasty hierarchy knows roughly who is near whom. A pass over a frozen copy of it looks up the
//! neighbors of every row, keeps those that lead in different directions, links back, and chooses
//! again where a row has too many links. Because the copy is fixed, the outcome depends neither on
//! the number of threads nor on their timing. The choice is `RobustPrune` of `DiskANN` (Subramanya et
//! al. 2019, algorithm 2).
//!
//! Rare words have neighbors that have nearer neighbors, so that nobody would lead to them. Slots
//! that the choice leaves free are for them.

use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

use crate::error::{Error, ErrorKind, Result};
use crate::index::beam::{Beam, Net, Reach};
use crate::index::codes::{Codes, QueryCode};
use crate::index::equals::Equals;
use crate::index::links::{Hierarchy, Links, NONE};
use crate::index::{Watch, reach};

/// Width of the beam that looks for a row's neighbors, pass by pass: the better the links, the more
/// a wide look is worth. Measured on `GloVe` 6B 100d against two passes of 64 and 128.
const WIDTHS: [u16; 3] = [32, 48, 96];
/// The same where the exact nearest rows are known: no look first, then one for links that lead far.
const WIDTHS_KNOWN: [u16; 2] = [0, 48];
/// A neighbor is left out if another one is this many times nearer to it than the row is.
const ALPHA: f32 = 1.2;
/// Rows that should lead to each row.
const INCOMING_MIN: u32 = 16;
/// Rows between looks at the watch.
const ROWS_AT_ONCE: usize = 8_192;
/// The part of a pass that looks for neighbors.
const LOOK_SHARE: f32 = 0.8;

/// Chooses the bottom layer's links anew and makes every row reachable.
///
/// # Errors
///
/// If `watch` says that the build is cancelled.
pub(super) fn refine(
    (codes, equals): (&Codes, &Equals),
    hierarchy: &mut Hierarchy,
    nearest: Option<&Links>,
    room: Room,
    watch: &dyn Watch,
) -> Result<()> {
    let widths = if nearest.is_some() { &WIDTHS_KNOWN[..] } else { &WIDTHS[..] };
    let total = f32::from(widths.iter().sum::<u16>());
    let mut from = 0.0;
    for &width in widths {
        let to = from + f32::from(width) / total;
        let part = Part { watch, from, to };
        hierarchy.bottom =
            pass((codes, equals), &hierarchy.bottom, nearest, room, width.into(), &part)?;
        from = to;
    }
    reach::reach_all(codes, equals, hierarchy);
    Ok(())
}

/// How many links a row has room for.
#[derive(Clone, Copy)]
pub(super) struct Room {
    /// Those that are chosen.
    pub(super) chosen: usize,
    /// All.
    pub(super) slots: usize,
}

/// Better links than the frozen ones.
fn pass(
    (codes, equals): (&Codes, &Equals),
    frozen: &Links,
    nearest: Option<&Links>,
    room: Room,
    width: usize,
    part: &Part<'_>,
) -> Result<Links> {
    let (look, join) = part.split(LOOK_SHARE);
    let mut found = Links::new(codes.len(), room.chosen);
    for_each_row(&mut found, &look, |scratch, row, list| {
        if equals.stands(row) {
            let near = nearest.into_iter().flat_map(|nearest| nearest.of(row));
            scratch.look(Net { codes, links: frozen }, row, width, near);
            scratch.choose(codes, list);
        }
    })?;
    let back = Incoming::new(&found);
    let mut links = Links::new(codes.len(), room.slots);
    for_each_row(&mut links, &join, |scratch, row, list| {
        scratch.join(codes, row, found.of(row).chain(back.of(row)));
        scratch.choose_if_more(codes, &mut list[..room.chosen]);
    })?;
    lead_to_the_rare(&mut links, &found);
    Ok(links)
}

/// Links to rows that few rows lead to, from those that they have found near themselves.
fn lead_to_the_rare(links: &mut Links, found: &Links) {
    let mut incoming = vec![0; links.len()];
    for &link in links.values().iter().filter(|&&link| link != NONE) {
        incoming[link as usize] += 1;
    }
    for (row, incoming) in (0..).zip(incoming) {
        let mut missing = INCOMING_MIN.saturating_sub(incoming);
        for near in found.of(row) {
            if missing == 0 {
                break;
            }
            let slots = links.slots_mut(near);
            let free = slots.iter().position(|&link| link == NONE || link == row);
            if let Some(slot) = free.filter(|&slot| slots[slot] == NONE) {
                slots[slot] = row;
                missing -= 1;
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

impl<'a> Part<'a> {
    /// The first `share` of this part, and the rest.
    fn split(&self, share: f32) -> (Part<'a>, Part<'a>) {
        let Self { watch, from, to } = *self;
        let middle = from + (to - from) * share;
        (Part { watch, from, to: middle }, Part { watch, from: middle, to })
    }
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
    fn look(&mut self, net: Net<'_>, row: u32, width: usize, near: impl Iterator<Item = u32>) {
        let Net { codes, links } = net;
        codes.code_of_row(row, &mut self.query);
        if width > 0 {
            self.beam.search(
                net,
                &self.query,
                std::iter::once(row),
                Reach::wide(width),
                &mut |_| false,
            );
        }
        self.near.clear();
        if width > 0 {
            self.near.extend(self.beam.found().filter(|&(_, other)| other != row));
        }
        self.near.extend(near.map(|link| (codes.distance(&self.query, link), link)));
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

    /// Keeps all that are near if there is room, or else chooses.
    fn choose_if_more(&mut self, codes: &Codes, list: &mut [u32]) {
        if self.near.len() > list.len() {
            self.choose(codes, list);
        } else {
            fill(list, self.near.iter().map(|&(_, row)| row));
        }
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
    for (first, block) in (0_usize..).step_by(ROWS_AT_ONCE).zip(blocks) {
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
