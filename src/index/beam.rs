//! `Beam`: the nearest rows that a walk along the links of one layer finds.

use crate::index::codes::{Codes, QueryCode};
use crate::index::links::Links;
use crate::index::visited::Visited;

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
}

impl Beam {
    /// Walks from `start` to the `width` rows nearest to the query, as far as links lead there.
    pub(super) fn search(&mut self, net: Net<'_>, query: &QueryCode, start: u32, width: usize) {
        let Net { codes, links } = net;
        self.width = width.max(1);
        self.keys.clear();
        self.next = 0;
        self.visited.clear(codes.len());
        self.visited.insert(start);
        self.offer(codes.distance(query, start), start);
        while let Some(row) = self.follow() {
            self.fresh.clear();
            for link in links.of(row) {
                if self.visited.insert(link) {
                    codes.prefetch(link);
                    self.fresh.push(link);
                }
            }
            for i in 0..self.fresh.len() {
                let row = self.fresh[i];
                self.offer(codes.distance(query, row), row);
            }
        }
    }

    /// The rows found and their distances, nearest first.
    pub(super) fn found(&self) -> impl Iterator<Item = (f32, u32)> {
        self.keys.iter().map(|&key| (distance(key), row(key)))
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.keys.capacity() * size_of::<u64>()
            + self.fresh.capacity() * size_of::<u32>()
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
