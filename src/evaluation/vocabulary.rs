//! Which rows does a word of a test set stand for?

use std::borrow::Cow;
use std::collections::HashMap;

use crate::error::Result;
use crate::evaluation::Lookup;
use crate::query::GoOn;
use crate::steps::watched;
use crate::table::view::View;
use crate::vector::RowId;

/// The words of a test set that a table knows.
pub(super) struct Vocabulary<'a> {
    table: &'a View,
    lookup: Lookup,
    /// Words that the look-up does not tell apart are one form.
    forms: HashMap<Cow<'a, str>, Form>,
    /// The rows of each form, ascending.
    rows: Vec<Vec<RowId>>,
    /// The form of a row.
    form_of: HashMap<RowId, Form>,
}

/// A word as the look-up sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Form(u32);

impl<'a> Vocabulary<'a> {
    /// Looks for all of these words at once.
    pub(super) fn new(
        table: &'a View,
        lookup: Lookup,
        words: impl Iterator<Item = &'a str>,
        go_on: GoOn<'_>,
    ) -> Result<Self> {
        let mut forms = HashMap::new();
        for word in watched(words, go_on) {
            let word = word?;
            let next = Form(u32::try_from(forms.len()).unwrap_or(u32::MAX));
            forms.entry(folded(lookup, word)).or_insert(next);
        }
        let rows = vec![Vec::new(); forms.len()];
        let mut vocabulary = Self { table, lookup, forms, rows, form_of: HashMap::new() };
        vocabulary.find(go_on)?;
        Ok(vocabulary)
    }

    fn find(&mut self, go_on: GoOn<'_>) -> Result<()> {
        let end = RowId::try_from(self.end()).unwrap_or(RowId(u32::MAX));
        if !self.lookup.case_insensitive {
            for (word, &form) in &self.forms {
                if let Some(row) = self.table.row(word.as_bytes()).filter(|&row| row < end) {
                    self.rows[form.index()].push(row);
                    self.form_of.insert(row, form);
                }
            }
            return Ok(());
        }
        // In UTF-8 no other case of a character has more than three times its bytes.
        let longest = 3 * self.forms.keys().map(|word| word.len()).max().unwrap_or(0);
        let mut ascii = String::new();
        for row in watched(self.table.rows().take_while(|&row| row < end), go_on) {
            let row = row?;
            let word = self.table.word(row);
            if word.len() > longest {
                continue;
            }
            let Ok(word) = std::str::from_utf8(word) else { continue };
            let form = if word.is_ascii() {
                ascii.clear();
                ascii.push_str(word);
                ascii.make_ascii_lowercase();
                self.forms.get(ascii.as_str())
            } else {
                self.forms.get(word.to_lowercase().as_str())
            };
            if let Some(&form) = form {
                self.rows[form.index()].push(row);
                self.form_of.insert(row, form);
            }
        }
        Ok(())
    }

    /// The form of a word, if it is one of those that were looked for.
    pub(super) fn form(&self, word: &str) -> Option<Form> {
        self.forms.get(&folded(self.lookup, word)).copied()
    }

    /// The rows of a form, ascending; the first is the one that is meant.
    pub(super) fn rows(&self, form: Form) -> &[RowId] {
        &self.rows[form.index()]
    }

    /// The form of a row, if it has one.
    pub(super) fn form_of(&self, row: RowId) -> Option<Form> {
        self.form_of.get(&row).copied()
    }

    /// The row of a word.
    pub(super) fn row(&self, word: &str) -> Option<RowId> {
        self.rows(self.form(word)?).first().copied()
    }

    /// Rows that are known.
    pub(super) fn end(&self) -> usize {
        self.lookup.restrict_vocab.min(self.table.rows_end())
    }
}

impl Form {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// Words that differ only in case are one. Upper case would take words for one that are not: a Turkish
/// dotless i for one with its dot, a sharp s for ss.
fn folded(lookup: Lookup, word: &str) -> Cow<'_, str> {
    if lookup.case_insensitive { word.to_lowercase().into() } else { word.into() }
}
