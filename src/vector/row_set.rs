//! `RowSet`: a set of rows as one bit a row.

use crate::vector::RowId;

/// Some of the rows of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSet {
    bits: Vec<u64>,
    len: usize,
}

const BITS: usize = u64::BITS as usize;

impl RowSet {
    /// None of `rows` rows.
    pub fn none(rows: usize) -> Self {
        Self { bits: vec![0; rows.div_ceil(BITS)], len: 0 }
    }

    /// All of `rows` rows.
    pub fn all(rows: usize) -> Self {
        let mut bits = vec![u64::MAX; rows.div_ceil(BITS)];
        if let Some(last) = bits.last_mut() {
            *last >>= (BITS - rows % BITS) % BITS;
        }
        Self { bits, len: rows }
    }

    /// The rows from `start` to before `end`.
    pub fn range(start: usize, end: usize) -> Self {
        let mut set = Self::all(end);
        let start = start.min(end);
        set.bits[..start / BITS].fill(0);
        if let Some(word) = set.bits.get_mut(start / BITS) {
            *word &= u64::MAX << (start % BITS);
        }
        set.len = end - start;
        set
    }

    /// The rows of those items for which something holds, the first item being row 0.
    pub fn of<T>(items: &[T], holds: impl Fn(&T) -> bool) -> Self {
        let word = |items: &[T]| {
            let bits = (0_u32..).zip(items).map(|(i, item)| u64::from(holds(item)) << i);
            bits.fold(0, std::ops::BitOr::bitor)
        };
        let bits: Vec<u64> = items.chunks(BITS).map(word).collect();
        Self { len: count(&bits), bits }
    }

    /// How many rows are in it.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no row is in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether this row is in it; no row beyond its end is.
    #[inline]
    pub fn has(&self, row: RowId) -> bool {
        let word = self.bits.get(row.index() / BITS).copied().unwrap_or(0);
        word >> (row.index() % BITS) & 1 == 1
    }

    /// Adds a row, growing to hold it; says whether it was not in it.
    pub fn insert(&mut self, row: RowId) -> bool {
        let word = row.index() / BITS;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        let bit = 1 << (row.index() % BITS);
        let is_new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        self.len += usize::from(is_new);
        is_new
    }

    /// Takes a row out; says whether it was in it.
    pub fn remove(&mut self, row: RowId) -> bool {
        let was_in = self.has(row);
        if was_in {
            self.bits[row.index() / BITS] &= !(1 << (row.index() % BITS));
            self.len -= 1;
        }
        was_in
    }

    /// Keeps only the rows that are in the other set too.
    pub fn intersect(&mut self, other: &Self) {
        self.bits.truncate(other.bits.len());
        for (word, other) in self.bits.iter_mut().zip(&other.bits) {
            *word &= other;
        }
        self.len = count(&self.bits);
    }

    /// Adds the rows of the other set.
    pub fn unite(&mut self, other: &Self) {
        if self.bits.len() < other.bits.len() {
            self.bits.resize(other.bits.len(), 0);
        }
        for (word, other) in self.bits.iter_mut().zip(&other.bits) {
            *word |= other;
        }
        self.len = count(&self.bits);
    }

    /// The other ones of `rows` rows.
    #[must_use]
    pub fn inverse(&self, rows: usize) -> Self {
        let mut others = Self::all(rows);
        for (word, own) in others.bits.iter_mut().zip(&self.bits) {
            *word &= !own;
        }
        others.len = count(&others.bits);
        others
    }

    /// The rows in it, ascending.
    pub fn rows(&self) -> impl Iterator<Item = RowId> {
        (0..).zip(&self.bits).flat_map(|(i, &word)| {
            let next = |&rest: &u64| (rest & (rest - 1) != 0).then_some(rest & (rest - 1));
            let words = std::iter::successors((word != 0).then_some(word), next);
            words.map(move |rest| RowId(i * u64::BITS + rest.trailing_zeros()))
        })
    }

    /// Bytes of memory it takes.
    pub fn memory_bytes(&self) -> usize {
        self.bits.capacity() * size_of::<u64>()
    }
}

fn count(bits: &[u64]) -> usize {
    bits.iter().map(|word| word.count_ones() as usize).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_tree_set_would(
            steps in proptest::collection::vec((any::<bool>(), 0_u32..200), 0..80),
            rows in 0_usize..200,
        ) {
            let (mut set, mut model) = (RowSet::none(rows), BTreeSet::new());
            for (adds, row) in steps {
                let row = RowId(row);
                if adds {
                    prop_assert_eq!(set.insert(row), model.insert(row));
                } else {
                    prop_assert_eq!(set.remove(row), model.remove(&row));
                }
            }
            prop_assert_eq!(set.len(), model.len());
            prop_assert!(set.rows().eq(model.iter().copied()));
            let (start, end) = (rows / 3, rows);
            let range = RowSet::range(start, end);
            prop_assert!(range.rows().map(RowId::index).eq(start..end));
            prop_assert_eq!(range.len(), end - start);
            let all = RowSet::all(rows);
            prop_assert!(all.rows().map(RowId::index).eq(0..rows));
            let of: Vec<bool> = (0..rows).map(|row| row % 3 == 1).collect();
            let of = RowSet::of(&of, |&one| one);
            prop_assert!(of.rows().map(RowId::index).eq((0..rows).filter(|row| row % 3 == 1)));
            let mut both = set.clone();
            both.unite(&of);
            let all_rows = || (0..400).map(RowId);
            let either = |row: &RowId| set.has(*row) || of.has(*row);
            prop_assert!(both.rows().eq(all_rows().filter(either)));
            prop_assert_eq!(both.len(), both.rows().count());
            let inverse = set.inverse(rows);
            let is_left = |row: &RowId| row.index() < rows && !set.has(*row);
            prop_assert!(inverse.rows().eq(all_rows().filter(is_left)));
            prop_assert_eq!(inverse.len(), inverse.rows().count());
            set.intersect(&all);
            prop_assert!(set.rows().eq(model.into_iter().filter(|row| row.index() < rows)));
            prop_assert_eq!(set.len(), set.rows().count());
        }
    }
}
