//! Which row does a word of a test set stand for?

use std::borrow::Cow;
use std::collections::HashMap;

use crate::evaluation::Lookup;
use crate::table::view::View;
use crate::vector::RowId;

/// The words of a test set that a table knows.
pub(super) struct Vocabulary<'a> {
    table: &'a View,
    lookup: Lookup,
    rows: HashMap<Cow<'a, str>, RowId>,
}

impl<'a> Vocabulary<'a> {
    /// Looks for all of these words at once.
    pub(super) fn new(
        table: &'a View,
        lookup: Lookup,
        words: impl Iterator<Item = &'a str>,
    ) -> Self {
        let end = RowId::try_from(lookup.restrict_vocab).unwrap_or(RowId(u32::MAX));
        let mut rows = HashMap::new();
        if lookup.case_insensitive {
            let mut wanted: HashMap<String, Option<RowId>> =
                words.map(|word| (word.to_uppercase(), None)).collect();
            for row in table.rows().take_while(|&row| row < end) {
                let Ok(word) = std::str::from_utf8(table.word(row)) else { continue };
                if let Some(found) = wanted.get_mut(&word.to_uppercase()) {
                    found.get_or_insert(row);
                }
            }
            let known = wanted.into_iter().filter_map(|(word, row)| Some((Cow::Owned(word), row?)));
            rows.extend(known);
        } else {
            let known = words.filter_map(|word| {
                let row = table.row(word.as_bytes()).filter(|&row| row < end)?;
                Some((Cow::Borrowed(word), row))
            });
            rows.extend(known);
        }
        Self { table, lookup, rows }
    }

    /// The row of a word.
    pub(super) fn row(&self, word: &str) -> Option<RowId> {
        self.rows.get(&*self.folded(word)).copied()
    }

    /// Whether a row has this word, as far as the look-up tells words apart.
    pub(super) fn is(&self, row: RowId, word: &str) -> bool {
        let shown = self.table.shown(row);
        if self.lookup.case_insensitive && shown.is_ascii() && word.is_ascii() {
            return shown.eq_ignore_ascii_case(word);
        }
        self.folded(&shown) == self.folded(word)
    }

    /// Rows that are known.
    pub(super) fn end(&self) -> usize {
        self.lookup.restrict_vocab.min(self.table.rows_end())
    }

    fn folded<'w>(&self, word: &'w str) -> Cow<'w, str> {
        if self.lookup.case_insensitive { word.to_uppercase().into() } else { word.into() }
    }
}
