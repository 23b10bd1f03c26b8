//! `Intake`: rows of a file become a table under the caller's policies, and every row is accounted
//! for. Imports and conversions share it.

use std::collections::{BTreeMap, HashMap};

use crate::error::{At, Context as _, Error, ErrorKind, Result};
use crate::format::{Fault, Note, Row};
use crate::limits;
use crate::table::builder::TableBuilder;
use crate::text::vocab::Added;
use crate::vector::RowId;

/// What to do with odd rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// For words that come again.
    pub on_duplicate: OnDuplicate,
    /// For rows with no word, another dimension, or a value that is not a finite number.
    pub on_invalid: OnInvalid,
    /// For words that are not UTF-8.
    pub on_invalid_utf8: OnInvalidUtf8,
}

/// For words that come again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDuplicate {
    /// Refuse the import.
    Error,
    /// Keep the first row.
    #[default]
    First,
    /// Keep the first row's place with the last row's vector.
    Last,
    /// Keep the first row's place with the mean of all vectors.
    Mean,
}

/// For rows that cannot stand in a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnInvalid {
    /// Refuse the import.
    #[default]
    Error,
    /// Leave the row out.
    Skip,
}

/// For words that are not UTF-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnInvalidUtf8 {
    /// Keep the bytes.
    #[default]
    KeepBytes,
    /// Put U+FFFD in place of what cannot be read.
    Replace,
    /// Leave the row out.
    Skip,
    /// Refuse the import.
    Error,
}

/// Rows, or oddities of the file, of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonCount {
    /// Such as `duplicate_word`.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
    /// Whether these rows have no row of their own in the table.
    pub rows_left_out: bool,
    /// What was done.
    pub done: &'static str,
    /// The first few: where, and the word.
    pub examples: Vec<(At, String)>,
}

/// Takes rows into a table.
#[derive(Debug)]
pub struct Intake {
    policies: Policies,
    /// For messages.
    format: &'static str,
    builder: TableBuilder,
    account: Account,
    /// Sum and count of the vectors of words that came again ([`OnDuplicate::Mean`]).
    means: HashMap<RowId, (Vec<f64>, u32)>,
    /// Rows whose vectors changed after they were taken, since they were last asked for.
    touched: Vec<RowId>,
}

impl Intake {
    /// For a file of this format and dimension.
    ///
    /// # Errors
    ///
    /// If no table can have the dimension.
    pub fn new(policies: Policies, format: &'static str, dim: usize) -> Result<Self> {
        Ok(Self {
            policies,
            format,
            builder: TableBuilder::new(dim)?,
            account: Account::default(),
            means: HashMap::new(),
            touched: Vec::new(),
        })
    }

    /// The rows so far.
    pub fn builder(&self) -> &TableBuilder {
        &self.builder
    }

    /// The rows that changed since the last call, though they had been taken before.
    pub fn touched(&mut self) -> Vec<RowId> {
        std::mem::take(&mut self.touched)
    }

    /// Takes a row.
    ///
    /// # Errors
    ///
    /// If a policy refuses it, or a limit is passed.
    pub fn take(&mut self, row: &Row) -> Result<()> {
        if row.vector.iter().any(|value| !value.is_finite()) {
            let detail = "a value is NaN or infinite";
            return self.leave_out("not_finite", row.at, &shown(&row.word), detail);
        }
        if let Ok(text) = std::str::from_utf8(&row.word) {
            return self.add(text.as_bytes(), row);
        }
        let reason = "invalid_utf8";
        match self.policies.on_invalid_utf8 {
            OnInvalidUtf8::KeepBytes => {
                self.account.note(reason, false, "the bytes were kept", row.at, &row.word);
                self.add(&row.word, row)
            }
            OnInvalidUtf8::Replace => {
                let done = "U+FFFD replaced what is not UTF-8";
                self.account.note(reason, false, done, row.at, &row.word);
                self.add(String::from_utf8_lossy(&row.word).as_bytes(), row)
            }
            OnInvalidUtf8::Skip => {
                self.account.note(reason, true, "left out", row.at, &row.word);
                Ok(())
            }
            OnInvalidUtf8::Error => {
                let problem = format!("the word \"{}\" is not UTF-8", shown(&row.word));
                Err(self.malformed(row.at, problem))
            }
        }
    }

    fn add(&mut self, word: &[u8], row: &Row) -> Result<()> {
        let added = self.builder.push(word, &row.vector).context(|| row.at.to_string())?;
        let Added::Known(known) = added else { return Ok(()) };
        let done = match self.policies.on_duplicate {
            OnDuplicate::Error => {
                let problem = format!(
                    "the word \"{}\" comes again (on_duplicate FIRST, LAST or MEAN allows it)",
                    shown(word)
                );
                return Err(self.malformed(row.at, problem));
            }
            OnDuplicate::First => "the first row of each word was kept",
            OnDuplicate::Last => {
                self.builder.replace(known, &row.vector)?;
                self.touched.push(known);
                "the last vector of each word was kept, in the first one's place"
            }
            OnDuplicate::Mean => {
                let first = self.builder.vector(known);
                let mean = self
                    .means
                    .entry(known)
                    .or_insert_with(|| (first.iter().map(|&value| f64::from(value)).collect(), 1));
                crate::vector::algebra::add(&mut mean.0, 1.0, &row.vector);
                mean.1 += 1;
                "the mean of each word's vectors was kept, in the first one's place"
            }
        };
        self.account.note("duplicate_word", true, done, row.at, word);
        Ok(())
    }

    /// Accounts for a row that is wrong.
    ///
    /// # Errors
    ///
    /// If the policy refuses it.
    pub fn fault(&mut self, fault: &Fault) -> Result<()> {
        let Fault { reason, at, word, detail } = fault;
        if reason.is_always_left_out() {
            self.account.note(reason.name(), true, "left out", *at, detail.as_bytes());
            return Ok(());
        }
        self.leave_out(reason.name(), *at, word, detail)
    }

    /// Accounts for an oddity of the file.
    pub fn note(&mut self, note: &Note) {
        self.account.note(note.reason, false, note.done, note.at, note.detail.as_bytes());
    }

    fn leave_out(&mut self, reason: &'static str, at: At, word: &str, detail: &str) -> Result<()> {
        match self.policies.on_invalid {
            OnInvalid::Skip => {
                self.account.note(reason, true, "left out", at, word.as_bytes());
                Ok(())
            }
            OnInvalid::Error => {
                let problem = format!(
                    "the row of \"{word}\": {detail} (on_invalid SKIP leaves such rows out and \
                     counts them)"
                );
                Err(self.malformed(at, problem))
            }
        }
    }

    /// Ends the rows: a header that claimed another number of them is told, not obeyed, and means
    /// take their place.
    ///
    /// # Errors
    ///
    /// If no row could be taken.
    #[expect(clippy::cast_possible_truncation, reason = "a mean of single-precision values")]
    pub fn end(&mut self, claimed: Option<u64>, rows_read: u64) -> Result<()> {
        if let Some(claimed) = claimed.filter(|&claimed| claimed != rows_read) {
            let detail = format!("the header claims {claimed} rows, there are {rows_read}");
            let done = "the rows that are there were read";
            self.note(&Note { reason: "header_count", done, at: At::Line(1), detail });
        }
        if self.builder.is_empty() {
            return Err(self.malformed(At::Line(1), "no row of it can stand in a table".to_owned()));
        }
        for (row, (sum, count)) in std::mem::take(&mut self.means) {
            let mean: Vec<f32> =
                sum.iter().map(|total| (total / f64::from(count)) as f32).collect();
            self.builder.replace(row, &mean)?;
            self.touched.push(row);
        }
        Ok(())
    }

    /// The rows, and what became of the others.
    pub fn finish(self) -> (TableBuilder, Vec<ReasonCount>) {
        (self.builder, self.account.reasons.into_values().collect())
    }

    /// The file is wrong there.
    pub fn malformed(&self, at: At, problem: String) -> Error {
        Error::new(ErrorKind::Malformed { format: self.format, at, problem })
    }
}

fn shown(word: &[u8]) -> String {
    String::from_utf8_lossy(word).chars().take(WORD_CHARS_SHOWN).collect()
}

/// Characters of a word that a report or an error shows.
const WORD_CHARS_SHOWN: usize = 64;

/// Counts by reason.
#[derive(Debug, Default)]
struct Account {
    reasons: BTreeMap<&'static str, ReasonCount>,
}

impl Account {
    fn note(
        &mut self,
        reason: &'static str,
        rows_left_out: bool,
        done: &'static str,
        at: At,
        word: &[u8],
    ) {
        let counted = self.reasons.entry(reason).or_insert_with(|| ReasonCount {
            reason,
            count: 0,
            rows_left_out,
            done,
            examples: Vec::new(),
        });
        counted.count += 1;
        if counted.examples.len() < limits::EXAMPLES_MAX {
            counted.examples.push((at, shown(word)));
        }
    }
}
