//! One question: centers, leaves, and what was found compared again.

use crate::index::lists::{self, LIST};
use crate::index::partition::Partition;
use crate::index::partition::best::NO_SCORE;
use crate::index::partition::compare::Compared;
use crate::index::partition::leaves::{Asking, LEAST};
use crate::index::partition::sought::{Asked, Sought};
use crate::index::partition::steps::{Level, Steps};
use crate::index::{Found, IndexKind, Search, SearchParams};
use crate::vector::kernel::lanes::{self, Scale, Values};
use crate::vector::kernel::nibbles::{self, Run};
use crate::vector::top::Near;
use crate::vector::{RowId, kernel};

/// Rows wanted for each row of the answer before leaves are left out: each stands in two of them.
const COPIES_FACTOR: f32 = 1.4;
/// A leaf is of no use if its score is below this share of what the last row of the answer has, less
/// what the level allows.
pub(super) const SLOPE: f32 = 0.8;
/// Nearly no answer ends below this share of the best leaf's score, less a gap that is measured.
pub(super) const FLOOR_SLOPE: f32 = 0.95;
/// The most rows of an answer for which that is known.
pub(super) const FLOOR_RANK: usize = 16;
/// Where an answer usually ends below the floor slope of the best leaf's score: this share of the gap. Leaves
/// that are wanted then are put in order at first.
const USUAL_GAP: f32 = 0.4;
/// When they have been looked through, those come that are up to so much below them, then twice as much, and
/// so on; beyond the most, all that are left.
const NEXT_WIDTH: f32 = 0.06;
const NEXT_WIDTH_MAX: f32 = 0.5;
/// Buckets of that order.
const BUCKETS: usize = 256;
/// From this similarity on, by its codes, a row may be so near that its list proves the answer.
pub(super) const SAME_CODE: f32 = 0.9;
/// The same by its vector.
const SAME: f64 = 0.97;
/// Where some of the near rows may not answer, the answer reaches farther, where fewer rows lie as close
/// to its end: `ef_search` times this power of the part that may answer finds as many of its rows.
/// Measured on GloVe 100d at parts of 1 to 1/32, drawn at random and the most frequent.
const PART_POWER: f32 = 0.2;
/// So many rows are looked through in the time that it takes to compare one that may answer.
const ROWS_AN_ALLOWED: usize = 12;
/// How many leaves ahead a leaf's own record is fetched.
const AHEAD: usize = 6;

/// A search's memory, kept for the next one.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) sought: Sought,
    pub(super) room: Room,
    /// Of all leaves.
    pub(super) scores: Vec<f32>,
    listing: Listing,
    compared: Compared,
}

/// Room for the steps between.
#[derive(Debug, Default)]
pub(super) struct Room {
    turned: Vec<f32>,
    values: Vec<Values>,
}

/// Leaves in order.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Scores and leaves, the best first; those that differ by less than a bucket come as they are numbered.
    pub(super) order: Vec<(f32, u32)>,
    places: Vec<u32>,
    buckets: Vec<u8>,
}

impl Listing {
    /// Lists the leaves whose score is from `low` on and below `high`; `best` is the best score of all.
    pub(super) fn fill(&mut self, scores: &[f32], (low, high): (f32, f32), best: f32) {
        let Self { order, places, buckets } = self;
        lanes::places_between(scores, low, high, places);
        let top = best.min(high);
        let steps = (BUCKETS - 1) as f32 / (top - low).max(f32::MIN_POSITIVE);
        buckets.clear();
        buckets.extend(places.iter().map(|&place| {
            let step = (top - scores[place as usize]) * steps;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "from 0 to the number of buckets"
            )]
            let bucket = step as u8;
            bucket
        }));
        let mut next = [0_u32; BUCKETS + 1];
        for &bucket in buckets.iter() {
            next[usize::from(bucket) + 1] += 1;
        }
        for bucket in 1..BUCKETS {
            next[bucket] += next[bucket - 1];
        }
        order.resize(places.len(), (0.0, 0));
        for (&place, &bucket) in places.iter().zip(buckets.iter()) {
            let at = &mut next[usize::from(bucket)];
            order[*at as usize] = (scores[place as usize], place);
            *at += 1;
        }
    }

    fn memory_bytes(&self) -> usize {
        self.order.capacity() * size_of::<(f32, u32)>()
            + self.places.capacity() * size_of::<u32>()
            + self.buckets.capacity()
    }
}

impl Scratch {
    /// What a question is compared with the centers with.
    pub(super) fn parts(&mut self) -> (&mut Sought, &mut Room, &mut Vec<f32>) {
        (&mut self.sought, &mut self.room, &mut self.scores)
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.sought.hits.memory_bytes()
            + self.sought.top.memory_bytes()
            + self.listing.memory_bytes()
            + self.compared.memory_bytes()
            + self.scores.capacity() * size_of::<f32>()
    }
}

/// What is known of a question once it was compared with the centers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Prepared {
    /// The best leaf's score.
    pub(super) best: f32,
    /// Of sums of entries.
    pub(super) scale: f32,
    pub(super) least: f32,
}

impl Prepared {
    /// A similarity in units of sums.
    #[inline]
    pub(super) fn units(&self, similarity: f32) -> i32 {
        integer(similarity * self.scale)
    }

    /// What a leaf's sums begin with.
    #[inline]
    pub(super) fn base(&self, similarity: f32) -> i32 {
        integer((similarity + self.least) * self.scale)
    }

    #[inline]
    pub(super) fn similarity(&self, units: i32) -> f32 {
        units as f32 / self.scale
    }

    /// By how much a score may be less than the last one wanted, in units of sums. Those that are as
    /// high are never left out.
    pub(super) fn allowance(&self, level: Level) -> i32 {
        self.units(level.delta).max(1)
    }
}

/// A share of a similarity; all of one below 0, of which a share would be nearer.
#[inline]
pub(super) fn sloped(slope: f32, similarity: f32) -> f32 {
    similarity.min(0.0) + slope * similarity.max(0.0)
}

#[expect(clippy::cast_possible_truncation, reason = "cut to what fits")]
#[inline]
fn integer(value: f32) -> i32 {
    value as i32
}

/// What a search wants, in units of sums.
struct Aims {
    ef: usize,
    level: Level,
    /// The part of the table that may answer. Where more of what is near is left out, the answer is far, and of
    /// that nothing was measured: no less is believed.
    part: f32,
    /// So many rows are seen before the next look at which of them may answer.
    looks: usize,
    delta: i32,
    floor: i32,
    /// A row that may be the query itself.
    same: i32,
    /// Nobody looks for an answer that ends below this.
    far: i32,
}

impl Aims {
    /// Allows for what an answer needs of which only some of the near rows may be.
    fn suit(&mut self, steps: &Steps, prepared: &Prepared, sought: &Sought) {
        if sought.seen < self.looks {
            return;
        }
        self.looks = sought.seen * 2;
        let part = sought.part().max(self.part);
        self.level = steps.at(self.ef as f32 * part.powf(PART_POWER));
        self.delta = prepared.allowance(self.level);
    }
}

impl Partition {
    /// What a few questions find.
    pub(super) fn find<const Q: usize>(&self, asked: &[Asked<'_>; Q]) -> [Found; Q] {
        let mut scratches: [Scratch; Q] = self.scratches();
        let prepared = self.prepare(asked, scratches.each_mut().map(Scratch::parts));
        let mut aims: [Aims; Q] = std::array::from_fn(|i| self.aims(&asked[i], &prepared[i]));
        let proven = std::array::from_fn(|i| {
            self.scan(&mut scratches[i], &asked[i].search, &prepared[i], &mut aims[i])
        });
        let aims = std::array::from_fn(|i| (prepared[i], aims[i].delta));
        let found = self.ended(asked, &aims, proven, &mut scratches);
        self.spare.lock().extend(scratches);
        found
    }

    /// What searches that ended left, or new ones.
    fn scratches<const Q: usize>(&self) -> [Scratch; Q] {
        let mut spare = self.spare.lock();
        std::array::from_fn(|_| spare.pop().unwrap_or_default())
    }

    /// The answers to questions that looked through leaves: what lists proved, or else what is near of what was
    /// found, which is worth a look if it is at most so much below the last one wanted.
    fn ended<const Q: usize>(
        &self,
        asked: &[Asked<'_>; Q],
        prepared: &[(Prepared, i32); Q],
        mut proven: [Option<Vec<Near>>; Q],
        scratches: &mut [Scratch; Q],
    ) -> [Found; Q] {
        let mut deltas = prepared.iter().map(|&(_, delta)| delta);
        let mut near = self.compare(
            scratches.each_mut().map(|Scratch { sought, compared, .. }| {
                (&*sought, deltas.next().unwrap_or(0), compared)
            }),
            asked,
        );
        std::array::from_fn(|i| {
            if let Some(nears) = proven[i].take() {
                return Found { nears, by: IndexKind::List };
            }
            let near = std::mem::take(&mut near[i]);
            self.settled(near, &asked[i], &prepared[i].0, &mut scratches[i])
        })
    }

    /// What was found, unless there may be more than the floor let through, or it is too far.
    fn settled(
        &self,
        mut nears: Vec<Near>,
        asked: &Asked<'_>,
        prepared: &Prepared,
        scratch: &mut Scratch,
    ) -> Found {
        let params = &asked.search.params;
        if nears.len() < params.k && self.has_floor(params) {
            // Other questions have used the room since.
            let [prepared] = self.prepare(&[*asked], [scratch.parts()]);
            let mut aims = Aims { floor: prepared.units(LEAST), ..self.aims(asked, &prepared) };
            if let Some(nears) = self.scan(scratch, &asked.search, &prepared, &mut aims) {
                return Found { nears, by: IndexKind::List };
            }
            let Scratch { sought, compared, .. } = scratch;
            [nears] = self.compare([(&*sought, aims.delta, compared)], &[*asked]);
        }
        // A filter may let through none but far rows, of which the measured steps tell nothing.
        let lowest = self.lowest(prepared, self.steps.at(asked.ef as f32));
        let is_far = nears.last().is_some_and(|last| last.similarity < lowest);
        if is_far && !self.allows_nearly_all(params) {
            nears.clear();
        }
        Found { nears, by: IndexKind::Partition }
    }

    /// Whether the centers tell how near an answer ends at least.
    pub(super) fn has_floor(&self, params: &SearchParams<'_>) -> bool {
        let rank = params.k.saturating_add(params.exclude.len());
        self.allows_nearly_all(params) && rank <= FLOOR_RANK
    }

    /// Below this similarity hardly any answer to a question without a filter ends.
    fn lowest(&self, prepared: &Prepared, level: Level) -> f32 {
        sloped(FLOOR_SLOPE, prepared.best) - self.steps.gap - level.delta
    }

    /// Compares questions with the centers, and makes their tables.
    pub(super) fn prepare<const Q: usize>(
        &self,
        asked: &[Asked<'_>; Q],
        mut parts: [(&mut Sought, &mut Room, &mut Vec<f32>); Q],
    ) -> [Prepared; Q] {
        let scales: [Scale; Q] = std::array::from_fn(|i| {
            let (sought, room, _) = &mut parts[i];
            self.code(sought, room, asked[i].search.query)
        });
        let best = self.leaves.centers.compare(parts.map(|(sought, _, scores)| {
            let Sought { code, groups, .. } = sought;
            (Asking::new(code, groups), scores)
        }));
        std::array::from_fn(|i| {
            let Scale { scale, least } = scales[i];
            Prepared { best: best[i], scale, least }
        })
    }

    /// Codes a question, and makes its tables.
    fn code(&self, sought: &mut Sought, room: &mut Room, query: &[f32]) -> Scale {
        let Sought { code, groups, tables, .. } = sought;
        let Room { turned, values, .. } = room;
        self.codes.code(query, code);
        self.codes.query_groups(code, groups);
        turned.resize(self.table.dim(), 0.0);
        self.coder.turn(code.turned(), turned);
        self.coder.tables(turned, values, tables)
    }

    /// What a question wants.
    fn aims(&self, asked: &Asked<'_>, prepared: &Prepared) -> Aims {
        let Asked { search: Search { params, .. }, ef } = asked;
        let level = self.steps.at(*ef as f32);
        let lowest = prepared.units(self.lowest(prepared, level).max(LEAST));
        let floor = if self.has_floor(params) { lowest } else { prepared.units(LEAST) };
        let rows = self.table.len() as f32;
        Aims {
            ef: *ef,
            level,
            part: params.allowed.map_or(1.0, |allowed| allowed.len() as f32 / rows),
            looks: if params.allowed.is_some() { 1 } else { usize::MAX },
            delta: prepared.allowance(level),
            floor,
            same: prepared.units(SAME_CODE),
            far: if self.allows_nearly_all(params) { NO_SCORE } else { lowest },
        }
    }

    /// Looks through leaves; an answer, if a list proves one on the way.
    fn scan(
        &self,
        scratch: &mut Scratch,
        Search { query, params }: &Search<'_>,
        prepared: &Prepared,
        aims: &mut Aims,
    ) -> Option<Vec<Near>> {
        let subspaces = self.coder.subspaces();
        scratch.sought.begin(rank(params));
        let usual = sloped(FLOOR_SLOPE, prepared.best) - USUAL_GAP * self.steps.gap;
        let mut low = (sloped(SLOPE, usual) - aims.level.kappa).min(prepared.best);
        let mut width = NEXT_WIDTH;
        scratch.listing.fill(&scratch.scores, (low, f32::INFINITY), prepared.best);
        let may_prove = params.k <= LIST && self.has_lists();
        let (mut at, mut asked) = (0, NO_SCORE);
        let mut left = params
            .allowed
            .map_or(usize::MAX, |allowed| allowed.len().saturating_mul(ROWS_AN_ALLOWED));
        loop {
            let Some(&(score, number)) = scratch.listing.order.get(at) else {
                if low <= LEAST {
                    return None;
                }
                let high = low;
                low = if width < NEXT_WIDTH_MAX { high - width } else { LEAST };
                width *= 2.0;
                scratch.listing.fill(&scratch.scores, (low, high), prepared.best);
                at = 0;
                continue;
            };
            let last = scratch.sought.top.last();
            if score < sloped(SLOPE, prepared.similarity(last.max(aims.far))) - aims.level.kappa {
                if last < aims.far {
                    // What may answer is far away: to compare all of it is quicker.
                    scratch.sought.hits.clear();
                }
                return None;
            }
            let ahead = scratch.listing.order.get(at + AHEAD).map_or(number, |&(_, leaf)| leaf);
            kernel::prefetch(&self.leaves.leaves[ahead as usize..][..1]);
            let leaf = self.leaves.leaves[number as usize];
            at += 1;
            if leaf.rows as usize > left {
                // The rows that may answer lie elsewhere: to compare each of them is quicker.
                scratch.sought.hits.clear();
                return None;
            }
            left -= leaf.rows as usize;
            let next = scratch.listing.order.get(at).map_or(&[][..], |&(_, next)| {
                self.leaves.codes(self.leaves.leaves[next as usize], subspaces)
            });
            let run = Run {
                form: self.leaves.form,
                blocks: self.leaves.codes(leaf, subspaces),
                count: leaf.rows as usize,
                first: leaf.first,
                next,
            };
            let threshold = last.saturating_sub(aims.delta).max(aims.floor);
            let base = prepared.base(score - self.leaves.centers.spreads[number as usize]);
            let from = scratch.sought.hits.len();
            nibbles::look_up(
                run,
                &scratch.sought.tables,
                base,
                threshold,
                &mut scratch.sought.hits,
            );
            self.take(&mut scratch.sought, from, params);
            aims.suit(&self.steps, prepared, &scratch.sought);
            if may_prove && scratch.sought.nearest.0 > asked.max(aims.same) {
                asked = scratch.sought.nearest.0;
                if let Some(nears) = self.proven(&scratch.sought, query, params) {
                    // There is nothing to be compared.
                    scratch.sought.hits.clear();
                    return Some(nears);
                }
            }
        }
    }

    /// Takes the hits from a place on: those that may not answer have no part in how far the others are
    /// looked for.
    pub(super) fn take(&self, sought: &mut Sought, from: usize, params: &SearchParams<'_>) {
        let Sought { hits, top, nearest, seen, .. } = sought;
        *seen += hits.len() - from;
        let (scores, slots) = hits.parts();
        for (&score, &slot) in scores[from..].iter().zip(&slots[from..]) {
            if score > nearest.0 {
                *nearest = (score, slot);
            }
            kernel::prefetch(&self.leaves.slots[slot as usize..][..1]);
        }
        if params.allowed.is_some() || !params.exclude.is_empty() {
            hits.retain(from, |_, slot| self.may_answer(slot, params));
        }
        for &score in &hits.parts().0[from..] {
            top.push(score);
        }
    }

    /// The answer that the list of the best row proves, if it does.
    pub(super) fn proven(
        &self,
        sought: &Sought,
        query: &[f32],
        params: &SearchParams<'_>,
    ) -> Option<Vec<Near>> {
        let row = RowId(self.leaves.slots[sought.nearest.1 as usize]);
        if self.table.similarity(row, query) < SAME {
            return None;
        }
        lists::prove(self.lists()?, &self.table, row, query, params)
    }

    /// Whether a slot's row, or one that follows it, may answer.
    pub(super) fn may_answer(&self, slot: u32, params: &SearchParams<'_>) -> bool {
        let row = self.leaves.slots[slot as usize];
        self.followers.with(row).any(|row| params.may_answer(RowId(row)))
    }
}

/// Rows wanted, counted with their copies.
pub(super) fn rank(params: &SearchParams<'_>) -> usize {
    let wanted = params.k.min(1 << 24);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count below 2^25"
    )]
    let rank = (wanted as f32 * COPIES_FACTOR).ceil() as usize;
    rank
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_a_similarity_is_never_nearer() {
        for similarity in [-1.0, -0.2, 0.0, 0.3, 1.0] {
            assert!(sloped(SLOPE, similarity) <= similarity);
        }
    }
}
