//! `Beam`: the nearest rows that a walk along the links of one layer finds.

use crate::index::codes::{Codes, QueryCode};
use crate::index::links::Links;
use crate::index::visited::Visited;
use crate::vector::kernel;

/// How far a walk goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// The most rows that are kept.
    pub(super) width: usize,
    /// Rows this many times as far as the row of this rank, counted from 1, are of no use.
    pub(super) rank: usize,
    /// See `rank`.
    pub(super) spread: f32,
}

impl Reach {
    /// The nearest `width` rows, however far.
    pub(super) fn wide(width: usize) -> Self {
        Self { width, rank: 1, spread: f32::INFINITY }
    }
}

/// Distance below which a row may be the query itself, given how coarse codes are.
const SAME: f32 = 0.03;

/// Rows, and the links between them.
#[derive(Clone, Copy)]
pub(super) struct Net<'a> {
    pub(super) codes: &'a Codes,
    pub(super) links: &'a Links,
}

/// A search's memory, kept for the next one.
///
/// Rows found are one sorted array of integers: the bits of the distance, which order as the
/// distance does because it is never negative; the row; and whether its links were followed.
///
/// ```text
/// 63             33 32        1     0
/// | distance: 31   | row: 32   | followed |
/// ```
#[derive(Debug, Default)]
pub(super) struct Beam {
    width: usize,
    keys: Vec<u64>,
    /// Every key before this one was followed.
    next: usize,
    visited: Visited,
    fresh: Vec<u32>,
    /// Fresh rows whose tails are wanted, and what their heads told.
    near: Vec<(u32, f32)>,
}

impl Beam {
    /// Walks from some rows to those nearest to the query, as far as `reach` and links lead, or until
    /// `stop` says so, which is told of each row that seems to be the query itself.
    pub(super) fn search(
        &mut self,
        net: Net<'_>,
        query: &QueryCode,
        starts: impl Iterator<Item = u32>,
        reach: Reach,
        stop: &mut dyn FnMut(u32) -> bool,
    ) {
        let Net { codes, links } = net;
        self.width = reach.width.max(1);
        self.keys.clear();
        self.next = 0;
        self.visited.clear(codes.len());
        for start in starts {
            if self.visited.insert(start) {
                self.offer(codes.distance(query, start), start);
            }
        }
        let mut asked = None;
        while let Some(row) = self.follow() {
            let nearest = self.keys[0];
            if distance(nearest) < SAME && asked != Some(nearest >> 1) {
                asked = Some(nearest >> 1);
                if stop(self::row(nearest)) {
                    return;
                }
            }
            let limit = self.limit(reach);
            if distance(self.keys[self.next - 1]) > limit {
                return;
            }
            self.fresh.clear();
            for link in links.of(row) {
                if self.visited.insert(link) {
                    codes.prefetch_head(link);
                    self.fresh.push(link);
                }
            }
            if codes.has_tails() {
                self.offer_in_two_steps(net, query, limit);
            } else {
                for i in 0..self.fresh.len() {
                    let row = self.fresh[i];
                    self.offer(codes.distance(query, row), row);
                }
            }
        }
    }

    /// Offers the fresh rows. Most need no look at their tails.
    #[inline]
    fn offer_in_two_steps(&mut self, net: Net<'_>, query: &QueryCode, limit: f32) {
        let Net { codes, links } = net;
        self.near.clear();
        for &row in &self.fresh {
            let (known, tail) = codes.head(query, row);
            if 1.0 - known - tail <= limit {
                codes.prefetch_tail(row);
                self.near.push((row, known));
            }
        }
        for i in 0..self.near.len() {
            let (row, known) = self.near[i];
            self.offer(codes.with_tail(query, row, known), row);
            // It will be followed next.
            if self.keys.get(self.next).is_some_and(|&key| self::row(key) == row) {
                kernel::prefetch(links.slots(row));
            }
        }
    }

    /// The distance beyond which a row is of no use.
    #[inline]
    fn limit(&self, reach: Reach) -> f32 {
        let farthest = match self.keys.last() {
            Some(&last) if self.keys.len() == self.width => distance(last),
            Some(_) | None => f32::INFINITY,
        };
        let ranked = reach.rank.checked_sub(1).and_then(|rank| self.keys.get(rank));
        farthest.min(ranked.map_or(f32::INFINITY, |&key| distance(key) * reach.spread))
    }

    /// The rows found and their distances, nearest first.
    pub(super) fn found(&self) -> impl Iterator<Item = (f32, u32)> {
        self.keys.iter().map(|&key| (distance(key), row(key)))
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.keys.capacity() * size_of::<u64>()
            + self.fresh.capacity() * size_of::<u32>()
            + self.near.capacity() * size_of::<(u32, f32)>()
            + self.visited.memory_bytes()
    }

    /// The nearest row not followed yet; it counts as followed from now on.
    #[inline]
    fn follow(&mut self) -> Option<u32> {
        while let Some(key) = self.keys.get_mut(self.next) {
            self.next += 1;
            if *key & 1 == 0 {
                *key |= 1;
                return Some(row(*key));
            }
        }
        None
    }

    #[inline]
    fn offer(&mut self, distance: f32, row: u32) {
        let key = u64::from(distance.to_bits()) << 33 | u64::from(row) << 1;
        if self.keys.len() == self.width {
            if self.keys.last().is_some_and(|&farthest| farthest < key) {
                return;
            }
            self.keys.pop();
        }
        let place = self.keys.partition_point(|&nearer| nearer < key);
        self.keys.insert(place, key);
        self.next = self.next.min(place);
    }
}

fn distance(key: u64) -> f32 {
    f32::from_bits((key >> 33) as u32)
}

#[expect(clippy::cast_possible_truncation, reason = "the flag and the row are the lower 33 bits")]
fn row(key: u64) -> u32 {
    (key >> 1) as u32
}
