//! `Intake`: rows of a file become a table under the caller's policies, and every row is accounted
//! for. Imports and conversions share it.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead as _, BufReader, Read};

use crate::error::{At, Context as _, Error, ErrorKind, Result};
use crate::format::source::source_failed;
use crate::format::{Fault, Note, Row};
use crate::limits;
use crate::table::attributes::{AttributeValue, Attributes, check_name, check_value};
use crate::table::builder::TableBuilder;
use crate::table::columns::{Collected, RowAttributes};
use crate::text::vocab::Added;
use crate::text::without_bom;
use crate::vector::{Dtype, RowId, algebra, scalar};

/// What to do with odd rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// For words that come again.
    pub on_duplicate: OnDuplicate,
    /// For rows with no word, another dimension, or a value that is not a finite number.
    pub on_invalid: OnInvalid,
    /// For words that are not UTF-8.
    pub on_invalid_utf8: OnInvalidUtf8,
    /// How words are written in the table.
    pub words: WordChanges,
    /// Whether vectors are kept at length 1; those of zeros stay.
    pub normalize: bool,
    /// Whether words get the attribute `rank`: 1 for the first row.
    pub rank: bool,
}

/// How words are written in the table, in place of how the file has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WordChanges {
    /// Words of the file that get another name; nothing else happens to them.
    pub rename: BTreeMap<String, String>,
    /// Taken from the beginning of those words that begin with it.
    pub strip_prefix: String,
    /// Whether words are folded to Unicode lower case, after that.
    pub lowercase: bool,
    /// Put before every word, at the end.
    pub add_prefix: String,
}

impl WordChanges {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Empty if nothing is left of the word.
    fn apply(&self, word: &[u8]) -> Vec<u8> {
        let text = std::str::from_utf8(word).ok();
        if let Some(renamed) = text.and_then(|word| self.rename.get(word)) {
            return renamed.clone().into_bytes();
        }
        let rest = word.strip_prefix(self.strip_prefix.as_bytes()).unwrap_or(word);
        let folded = match std::str::from_utf8(rest) {
            Ok(rest) if self.lowercase => rest.to_lowercase().into_bytes(),
            Ok(_) | Err(_) => rest.to_vec(),
        };
        if folded.is_empty() {
            return folded;
        }
        [self.add_prefix.as_bytes(), &folded].concat()
    }
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
    /// Rows with this reason.
    pub count: u64,
    /// Whether these rows have no row of their own in the table.
    pub rows_left_out: bool,
    /// What was done.
    pub done: &'static str,
    /// The first few: where, and the word.
    pub examples: Vec<(At, String)>,
}

/// Bytes that an attribute takes beside its name and its text.
const ATTRIBUTE_BYTES: usize = 96;

/// Takes rows into a table.
#[derive(Debug)]
pub struct Intake {
    policies: Policies,
    /// Whether the policies do; asked for every row.
    changes_words: bool,
    /// For messages.
    format: &'static str,
    builder: TableBuilder,
    attributes: BTreeMap<RowId, Attributes>,
    /// Bytes of their names and values, about.
    attribute_bytes: usize,
    account: Account,
    /// Sum and count of the vectors of words that came again ([`OnDuplicate::Mean`]).
    means: HashMap<RowId, (Vec<f64>, u32)>,
    /// Rows whose vectors changed after they were taken, since they were last asked for.
    touched: Vec<RowId>,
    /// Rows of a table, before those of the file.
    begun: usize,
}

impl Intake {
    /// For a file of this format, into a table of this dtype and dimension.
    ///
    /// # Errors
    ///
    /// If no table can have the dimension.
    pub fn new(
        policies: Policies,
        format: &'static str,
        (dtype, dim): (Dtype, usize),
    ) -> Result<Self> {
        Ok(Self {
            changes_words: !policies.words.is_none(),
            policies,
            format,
            builder: TableBuilder::of(dtype, dim)?,
            attributes: BTreeMap::new(),
            attribute_bytes: 0,
            account: Account::default(),
            means: HashMap::new(),
            touched: Vec::new(),
            begun: 0,
        })
    }

    /// Makes room for so many rows: for a number that was counted, not claimed.
    pub fn reserve(&mut self, rows: usize) {
        self.builder.reserve(rows);
    }

    /// Begins with a row of the table to which the rows of the file are added: it is there as it is, and
    /// is accounted for nowhere. A word of the file that it has comes again.
    ///
    /// # Errors
    ///
    /// If it has another dimension, or a limit is passed.
    pub fn begin(
        &mut self,
        word: &[u8],
        vector: &[f32],
        attributes: RowAttributes<'_>,
    ) -> Result<()> {
        if let Added::New(row) = self.builder.push(word, vector)?
            && !attributes.is_empty()
        {
            let bytes =
                attributes.iter().map(|(name, value)| ATTRIBUTE_BYTES + name.len() + value.bytes());
            self.attribute_bytes += bytes.sum::<usize>();
            self.attributes.insert(row, attributes.to_attributes());
        }
        self.begun = self.builder.len();
        Ok(())
    }

    /// How many rows of the file have a row of their own.
    pub fn kept(&self) -> usize {
        self.builder.len() - self.begun
    }

    /// The rows so far.
    pub fn builder(&self) -> &TableBuilder {
        &self.builder
    }

    /// Bytes of memory that it takes, about.
    pub fn memory_bytes(&self) -> usize {
        let means = self.means.len() * self.builder.dim() * size_of::<f64>();
        self.builder.memory_bytes() + self.attribute_bytes + means
    }

    /// The rows that changed since the last call, though they had been taken before.
    pub fn touched(&mut self) -> Vec<RowId> {
        std::mem::take(&mut self.touched)
    }

    /// Lets the vectors of the first rows go, which were written, unless a later row of the file may change
    /// them.
    pub fn let_go(&mut self, rows: usize) {
        match self.policies.on_duplicate {
            OnDuplicate::Error | OnDuplicate::First => self.builder.let_go(rows),
            OnDuplicate::Last | OnDuplicate::Mean => {}
        }
    }

    /// Takes a row.
    ///
    /// # Errors
    ///
    /// If a policy refuses it, or a limit is passed.
    pub fn take(&mut self, row: &Row) -> Result<()> {
        if !scalar::is_finite(&row.vector) {
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
        if !self.changes_words {
            return self.keep(word, row);
        }
        let changed = self.policies.words.apply(word);
        if changed.is_empty() {
            return self.leave_out("empty_word", row.at, &shown(word), "nothing is left of it");
        }
        if changed != word {
            let done = "words were written as asked";
            self.account.note("changed_word", false, done, row.at, word);
        }
        self.keep(&changed, row)
    }

    /// Keeps a row under this word.
    fn keep(&mut self, word: &[u8], row: &Row) -> Result<()> {
        let unit = self.policies.normalize.then(|| algebra::unit(&row.vector)).flatten();
        let vector = unit.as_ref().unwrap_or(&row.vector);
        let dtype = self.builder.dtype();
        if let Some(component) = dtype.too_large(vector) {
            let detail = dtype.refusal(vector, component);
            return self.leave_out("too_large", row.at, &shown(word), &detail);
        }
        let added = self.builder.push(word, vector).context(|| row.at.to_string())?;
        let known = match added {
            Added::New(new) => {
                self.attribute(new, row);
                return Ok(());
            }
            Added::Known(known) => known,
        };
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
                self.builder.replace(known, vector)?;
                self.touched.push(known);
                self.attributes.remove(&known);
                self.attribute(known, row);
                "the last vector of each word was kept, in the first one's place"
            }
            OnDuplicate::Mean => {
                let first = self.builder.vector(known);
                let mean = self
                    .means
                    .entry(known)
                    .or_insert_with(|| (first.iter().map(|&value| f64::from(value)).collect(), 1));
                algebra::add(&mut mean.0, 1.0, vector);
                mean.1 += 1;
                "the mean of each word's vectors was kept, in the first one's place"
            }
        };
        self.account.note("duplicate_word", true, done, row.at, word);
        Ok(())
    }

    /// Keeps what else the file tells of a word.
    fn attribute(&mut self, row: RowId, from: &Row) {
        for (name, value) in from.attributes.iter() {
            self.set(row, name, value.clone(), from.at);
        }
        if self.policies.rank {
            self.set(row, "rank", AttributeValue::Integer(i64::from(row.0) + 1), from.at);
        }
    }

    fn set(&mut self, row: RowId, name: &str, value: AttributeValue, at: At) {
        let kept = self.attributes.entry(row).or_default();
        let checked = check_name(name, name).and_then(|()| check_value(&value, name));
        if checked.is_ok() && (kept.len() < limits::ATTRIBUTES_MAX || kept.get(name).is_some()) {
            self.attribute_bytes += ATTRIBUTE_BYTES + name.len() + value.bytes();
            kept.set(name.to_owned(), value);
        } else {
            let done = "not kept: too long, too many, of several kinds, or without a name";
            self.account.note("attribute", false, done, at, name.as_bytes());
        }
        if kept.is_empty() {
            self.attributes.remove(&row);
        }
    }

    /// Gives words the attribute `count` from a file of lines with a word, a space or a tab, and a
    /// number. Words of it that the table does not have are counted, and so are lines that are wrong.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or has a line over `LINE_BYTES_MAX`.
    pub fn counts(&mut self, file: impl Read) -> Result<()> {
        let mut lines = BufReader::new(file);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let most = limits::LINE_BYTES_MAX as u64;
            let read = lines.by_ref().take(most).read_until(b'\n', &mut line);
            if read.map_err(source_failed)? == 0 {
                break;
            }
            let at = At::Line(number);
            if line.len() == limits::LINE_BYTES_MAX {
                return Err(self.malformed(at, "a line of counts is too long".to_owned()));
            }
            let line = if number == 1 { without_bom(&line) } else { &line };
            self.count(line.trim_ascii_end(), at);
        }
        Ok(())
    }

    fn count(&mut self, line: &[u8], at: At) {
        let cut = line.iter().rposition(|&byte| byte == b' ' || byte == b'\t');
        let parts = cut.map(|cut| (line[..cut].trim_ascii_end(), &line[cut + 1..]));
        let parts = parts.and_then(|(word, number)| {
            let number = std::str::from_utf8(number).ok()?;
            let value = match number.parse() {
                Ok(whole) => AttributeValue::Integer(whole),
                Err(_) => AttributeValue::Number(number.parse().ok()?),
            };
            (check_value(&value, "").is_ok() && !word.is_empty()).then_some((word, value))
        });
        let Some((word, value)) = parts else {
            if !line.is_empty() {
                self.account.note("count_line", false, "not read: no word and number", at, line);
            }
            return;
        };
        let word = self.policies.words.apply(word);
        if let Some(row) = self.builder.row(&word) {
            self.set(row, "count", value, at);
        } else {
            let done = "not kept: the table has no such word";
            self.account.note("count_without_word", false, done, at, &word);
        }
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
        let detail = note.detail.chars().take(NOTE_CHARS_SHOWN).collect();
        self.account.count(note.reason, false, note.done, || (note.at, detail));
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
    /// If there was no row, or none could be taken.
    #[expect(clippy::cast_possible_truncation, reason = "a mean of single-precision values")]
    pub fn end(&mut self, claimed: Option<u64>, rows_read: u64) -> Result<()> {
        if let Some(claimed) = claimed.filter(|&claimed| claimed != rows_read) {
            let detail = format!("the header claims {claimed} rows, there are {rows_read}");
            let done = "the rows that are there were read";
            self.note(&Note { reason: "header_count", done, at: At::Line(1), detail });
        }
        if self.builder.is_empty() || rows_read == 0 {
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

    /// What became of rows so far.
    pub fn reasons(&self) -> Vec<ReasonCount> {
        self.account.reasons.values().cloned().collect()
    }

    /// The rows, their attributes, and what became of the others.
    pub fn finish(self) -> (TableBuilder, Collected, Vec<ReasonCount>) {
        (self.builder, self.attributes.into(), self.account.reasons.into_values().collect())
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
/// Characters of what a report shows of an oddity.
const NOTE_CHARS_SHOWN: usize = 240;

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
        self.count(reason, rows_left_out, done, || (at, shown(word)));
    }

    fn count(
        &mut self,
        reason: &'static str,
        rows_left_out: bool,
        done: &'static str,
        example: impl FnOnce() -> (At, String),
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
            counted.examples.push(example());
        }
    }
}
