//! Rows that are equal, of which one stands in the graph for all.
//!
//! The nearest rows of one of thousands that are equal are its equals: linked to them alone they are an
//! island, which a walk enters by luck. So the first row of a large group has links to rows that differ,
//! and the others only say whom they follow: their lists hold themselves and the one who leads. A walk
//! that finds the leader has found them all.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

use crate::index::codes::Codes;
use crate::index::links::{LIST, Links, NONE};
use crate::table::Table;
use crate::vector::{RowId, scalar};

/// Groups up to this size are no islands: their lists of near rows reach beyond them.
const ALONE_MAX: usize = LIST;
/// Rows of one code that lead groups; more directions than this that differ stand for themselves.
const LEADERS_MAX: usize = 8;
/// Two rows of one code are equal if 1 - cosine is at most this: what scaling and rounding leave.
const SAME: f64 = 1e-8;
/// By how much the cosines of two such rows with any third can differ: the angle between them.
const SAME_ANGLE: f64 = 2e-4;

/// Which rows follow which.
#[derive(Debug, Default)]
pub(super) struct Equals {
    /// By row, the one that stands for it; empty if every row stands for itself.
    leader_of: Vec<u32>,
    leaders: HashSet<u32>,
}

impl Equals {
    /// Finds the large groups of a table.
    pub(super) fn find(table: &Table, codes: &Codes) -> Self {
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        let rows = 0..u32::try_from(codes.len()).unwrap_or(NONE);
        let mut hashes: Vec<(u64, u32)> =
            rows.clone().into_par_iter().map(|row| (hasher.hash_one(codes.of(row)), row)).collect();
        hashes.par_sort_unstable();
        let mut equals = Self::default();
        for bucket in hashes.chunk_by(|a, b| a.0 == b.0).filter(|all| all.len() > ALONE_MAX) {
            let mut rest: Vec<u32> = bucket.iter().map(|&(_, row)| row).collect();
            for _ in 0..LEADERS_MAX {
                let Some(&leader) = rest.first().filter(|_| rest.len() > ALONE_MAX) else { break };
                let (same, others): (Vec<u32>, Vec<u32>) = rest
                    .into_iter()
                    .partition(|&row| row == leader || are_equal(table, codes, leader, row));
                rest = others;
                if same.len() > ALONE_MAX {
                    if equals.leader_of.is_empty() {
                        equals.leader_of = rows.clone().collect();
                    }
                    equals.leaders.insert(leader);
                    for row in same {
                        equals.leader_of[row as usize] = leader;
                    }
                }
            }
        }
        equals
    }

    /// Whether a row stands for itself.
    pub(super) fn stands(&self, row: u32) -> bool {
        self.leader_of.get(row as usize).is_none_or(|&leader| leader == row)
    }

    /// Whether the first rows of a list, nearest first of all that stand for themselves, are the nearest
    /// of all rows: no row of a group may be nearer than the last of them.
    pub(super) fn proves(&self, table: &Table, row: u32, near: &[u32]) -> bool {
        if self.leaders.is_empty() {
            return true;
        }
        let cosine = |other: u32| table.similarity(RowId(other), &table.vector(RowId(row)));
        let Some(&last) = near.get(LIST - 1) else { return false };
        let (first, behind) = near.split_at(LIST);
        let least = cosine(last);
        let is_beyond = |&other: &u32| cosine(other) + SAME_ANGLE < least;
        self.stands(row)
            && !self.leaders.contains(&row)
            && !first.iter().any(|other| self.leaders.contains(other))
            && behind.iter().filter(|other| self.leaders.contains(other)).all(is_beyond)
            && near.last().is_some_and(is_beyond)
    }

    /// Every row that does not stand for itself, ascending, and the one that it follows.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (u32, u32)> {
        (0..).zip(self.leader_of.iter().copied()).filter(|(row, leader)| row != leader)
    }

    /// Writes into the lists of followers whom they follow.
    pub(super) fn mark(&self, bottom: &mut Links) {
        for (row, leader) in self.pairs() {
            bottom.set(row, [row, leader].into_iter());
        }
    }
}

fn are_equal(table: &Table, codes: &Codes, a: u32, b: u32) -> bool {
    let (x, y) = (table.vector(RowId(a)), table.vector(RowId(b)));
    let are_zeros = || table.norm(RowId(a)) <= 0.0 && table.norm(RowId(b)) <= 0.0;
    codes.of(a) == codes.of(b) && (scalar::cosine(&x, &y) >= 1.0 - SAME || are_zeros())
}

/// The followers of each leader, as the lists of a graph tell.
#[derive(Debug, Default)]
pub(super) struct Followers {
    /// Ascending.
    of: HashMap<u32, Vec<u32>>,
}

impl Followers {
    /// As [`Equals::pairs`] tells; none if a row follows one that follows another, or is not there.
    pub(super) fn of_pairs(pairs: impl Iterator<Item = (u32, u32)>, rows: usize) -> Option<Self> {
        let mut followers = Self::default();
        let mut following = HashSet::new();
        for (row, leader) in pairs {
            let is_new = following.insert(row);
            if !is_new || row.max(leader) as usize >= rows || row == leader {
                return None;
            }
            followers.of.entry(leader).or_default().push(row);
        }
        let is_flat = followers.of.keys().all(|leader| !following.contains(leader));
        let is_ascending = followers.of.values().all(|rows| rows.is_sorted());
        (is_flat && is_ascending).then_some(followers)
    }

    /// Every follower and whom it follows, in the order of the followers.
    pub(super) fn pairs(&self) -> Vec<(u32, u32)> {
        let each = |(&leader, rows): (&u32, &Vec<u32>)| {
            rows.iter().map(move |&row| (row, leader)).collect::<Vec<_>>()
        };
        let mut pairs: Vec<(u32, u32)> = self.of.iter().flat_map(each).collect();
        pairs.sort_unstable();
        pairs
    }

    /// None if a list is of no follower and yet begins with its own row.
    pub(super) fn read(bottom: &Links) -> Option<Self> {
        let mut followers = Self::default();
        for row in (0..).take(bottom.len()) {
            let Some(leader) = leader(bottom, row) else { continue };
            let is_alone = bottom.of(row).count() == 2 && self::leader(bottom, leader).is_none();
            if !is_alone {
                return None;
            }
            followers.of.entry(leader).or_default().push(row);
        }
        Some(followers)
    }

    /// A row that a walk has found, and those that follow it.
    pub(super) fn with(&self, row: u32) -> impl Iterator<Item = u32> {
        let followers = if self.of.is_empty() { None } else { self.of.get(&row) };
        std::iter::once(row).chain(followers.into_iter().flatten().copied())
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        let each =
            |rows: &Vec<u32>| rows.capacity() * size_of::<u32>() + size_of::<(u32, Vec<u32>)>();
        self.of.values().map(each).sum()
    }
}

/// The row that stands for this one, if it does not itself.
pub(super) fn leader(bottom: &Links, row: u32) -> Option<u32> {
    match bottom.slots(row) {
        [first, leader, ..] if *first == row => Some(*leader),
        [first] if *first == row => Some(NONE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::{clustered, table_of};

    #[test]
    fn only_large_groups_of_one_direction_follow() {
        let mut rows = clustered(200, 8, 1);
        let (a, b) = (rows[3].clone(), rows[4].clone());
        let scaled = |row: &[f32], by: f32| row.iter().map(|value| value * by).collect::<Vec<_>>();
        rows.extend((1..=40_u8).map(|i| scaled(&a, 0.37 * f32::from(i))));
        rows.extend((1..ALONE_MAX).map(|_| b.clone()));
        rows.extend((0..50).map(|_| vec![0.0; 8]));
        let table = table_of(&rows);
        let equals = Equals::find(&table, &Codes::new(&table).unwrap());
        let following = |leader: u32| {
            let follows = |row: &u32| equals.leader_of[*row as usize] == leader;
            (0..).take(rows.len()).filter(follows).collect::<Vec<u32>>()
        };
        assert_eq!(following(3), std::iter::once(3).chain(200..240).collect::<Vec<_>>());
        assert_eq!(following(4), [4]);
        let zeros = u32::try_from(240 + ALONE_MAX - 1).unwrap();
        assert_eq!(following(zeros), (zeros..zeros + 50).collect::<Vec<_>>());
        assert_eq!(equals.leaders.len(), 2);
        let mut bottom = Links::new(rows.len(), 16);
        equals.mark(&mut bottom);
        let followers = Followers::read(&bottom).unwrap();
        assert_eq!(followers.with(3).collect::<Vec<_>>(), following(3));
        bottom.set(3, [3, 5].into_iter());
        assert!(Followers::read(&bottom).is_none(), "a follower leads");
    }
}
