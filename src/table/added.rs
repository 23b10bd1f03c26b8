//! `AddedWords`: the words that writes added to a table, as maps that are joined as they grow: a write
//! makes a small one, and what is nearly as large as the one before it goes into that. So a word is copied
//! as often as the number of words doubles, and views share the maps.

use std::collections::HashMap;
use std::sync::Arc;

use crate::vector::RowId;

/// Words with the rows that they were given.
#[derive(Clone, Debug, Default)]
pub(super) struct AddedWords {
    /// The latest last, and none much longer than the one before it.
    maps: Vec<Arc<Words>>,
}

type Words = HashMap<Arc<[u8]>, RowId>;

impl AddedWords {
    /// The row that a word was given last.
    pub(super) fn row(&self, word: &[u8]) -> Option<RowId> {
        self.maps.iter().rev().find_map(|words| words.get(word).copied())
    }

    /// Gives a word a row.
    pub(super) fn insert(&mut self, word: Arc<[u8]>, row: RowId) {
        // Another view may have the map: then the words of this write come into a map of their own.
        if let Some(words) = self.maps.last_mut().and_then(Arc::get_mut) {
            words.insert(word, row);
            return;
        }
        let words = std::iter::once((word, row)).collect();
        self.maps.push(Arc::new(words));
    }

    /// Joins maps at the end of a write.
    pub(super) fn join(&mut self) {
        while let [.., before, last] = &self.maps[..]
            && last.len() * 2 >= before.len()
        {
            let Some(last) = self.maps.pop() else { return };
            let Some(before) = self.maps.last_mut() else { return };
            let before = Arc::make_mut(before);
            before.extend(last.iter().map(|(word, &row)| (Arc::clone(word), row)));
        }
    }

    /// How many words there are, counting one that was deleted and came again for each time.
    pub(super) fn len(&self) -> usize {
        self.maps.iter().map(|words| words.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_however_many_writes_added_them() {
        let (mut added, mut kept) = (AddedWords::default(), Vec::new());
        let word = |i: u32| -> Arc<[u8]> { format!("w{}", i % 700).into_bytes().into() };
        for write in 0..500_u32 {
            for i in write * 2..write * 2 + write % 3 {
                added.insert(word(i), RowId(i));
            }
            added.join();
            kept.push((write, added.clone()));
        }
        assert!(added.maps.len() < 12, "{} maps", added.maps.len());
        for (write, added) in kept.into_iter().step_by(29) {
            let given = (0..=write).flat_map(|write| write * 2..write * 2 + write % 3);
            let last: HashMap<_, _> = given.map(|i| (word(i), RowId(i))).collect();
            for i in 0..700 {
                assert_eq!(added.row(&word(i)), last.get(&word(i)).copied(), "w{i} after {write}");
            }
        }
    }
}
