//! Rows in: reads a source, applies the policies, accounts for every row, and publishes the table
//! when everything is on disk.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::engine::catalog::Entry;
use crate::engine::generation::Generation;
use crate::engine::lineage::Lineage;
use crate::engine::{Engine, Shared};
use crate::error::{At, Context as _, Error, ErrorKind, Result};
use crate::format::{self, Fault, Format, Row, RowReader, Step};
use crate::limits;
use crate::store::Staging;
use crate::table::builder::TableBuilder;
use crate::table::meta::{Applied, Meta, Provenance, TableName};
use crate::table::view::View;
use crate::text::vocab::Added;
use crate::vector::RowId;

/// How to import.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// The table to make or replace.
    pub table: TableName,
    /// A name for the source, kept as provenance.
    pub source_name: String,
    /// For words that come again.
    pub on_duplicate: OnDuplicate,
    /// For rows with no word, another dimension, or a value that is not a finite number.
    pub on_invalid: OnInvalid,
    /// For words that are not UTF-8.
    pub on_invalid_utf8: OnInvalidUtf8,
    /// For a table that is there already.
    pub if_exists: IfExists,
    /// Stop after so many rows of the source.
    pub limit: Option<u64>,
    /// Bytes that the source must have.
    pub total_bytes: Option<u64>,
    /// Seconds since 1970-01-01 UTC, kept as provenance.
    pub imported_at: u64,
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

/// For a table that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfExists {
    /// Refuse the import.
    #[default]
    Error,
    /// Replace it when the import is complete.
    Replace,
}

/// What is imported.
pub enum Source {
    /// The bytes of a file; its format, or none to look.
    File(Box<dyn Read + Send>, Option<Format>),
    /// Rows, one by one.
    Rows(Rows),
}

/// Words with their vectors, one by one.
pub type Rows = Box<dyn Iterator<Item = Result<(Vec<u8>, Vec<f32>)>> + Send>;

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(_, format) => f.debug_tuple("File").field(format).finish_non_exhaustive(),
            Self::Rows(_) => f.debug_tuple("Rows").finish_non_exhaustive(),
        }
    }
}

/// How far an import is.
#[derive(Clone, Copy, Debug)]
pub struct ImportProgress {
    /// Bytes of the source.
    pub bytes_read: u64,
    /// Rows of the source.
    pub rows_read: u64,
}

/// What became of every row: `rows_read` is `rows_kept` and the rows of those reasons that left
/// rows out.
#[derive(Clone, Debug)]
pub struct ImportReport {
    /// The new generation's number.
    pub generation: u64,
    /// None for rows without a file.
    pub format: Option<Format>,
    /// Whether the file was gzip.
    pub gzip: bool,
    /// Components of each vector.
    pub dim: usize,
    /// Rows of the source.
    pub rows_read: u64,
    /// Rows of the table.
    pub rows_kept: u64,
    /// Bytes of the source.
    pub bytes_read: u64,
    /// What was odd, by reason.
    pub reasons: Vec<ReasonCount>,
    /// From the beginning to the last row read.
    pub read_seconds: f64,
    /// From the beginning to everything on disk.
    pub durable_seconds: f64,
}

/// Rows, or oddities of the file, of one kind.
#[derive(Clone, Debug)]
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

impl Engine {
    /// Imports a source into a table, which appears, or is replaced, when everything is on disk;
    /// the index follows in the background. If anything fails, nothing changes.
    ///
    /// # Errors
    ///
    /// If the table is there (`IfExists::Error`), if another import into it runs, if the source is
    /// malformed or breaks off, if a policy refuses a row, if a limit is passed, or if the disk
    /// fails.
    pub fn import(
        &self,
        options: &ImportOptions,
        source: Source,
        on_progress: &mut dyn FnMut(ImportProgress),
    ) -> Result<ImportReport> {
        let name = &options.table;
        let _turn = Turn::take(&self.shared, name)?;
        if options.if_exists == IfExists::Error && self.shared.catalog.entry(name).is_ok() {
            return Err(Error::new(ErrorKind::TableExists { name: name.to_string() }));
        }
        Import::new(&self.shared, options, source)
            .and_then(|import| import.run(on_progress))
            .context(|| format!("importing {}", options.source_name))
    }
}

/// The right to import into a table; one import has it at a time.
struct Turn<'a> {
    shared: &'a Shared,
    name: &'a TableName,
}

impl<'a> Turn<'a> {
    fn take(shared: &'a Shared, name: &'a TableName) -> Result<Self> {
        shared.check_open()?;
        let mut importing = shared.importing.lock();
        if importing.contains(name) {
            return Err(Error::new(ErrorKind::Conflict { table: name.to_string() }));
        }
        if importing.len() >= limits::IMPORTS_MAX {
            return Err(Error::new(ErrorKind::Overloaded));
        }
        importing.insert(name.clone());
        Ok(Self { shared, name })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.shared.importing.lock().remove(self.name);
    }
}

/// Rows between two looks at the clock of progress and at the closing flag.
const ROWS_PER_LOOK: u64 = 1_024;

struct Import<'a> {
    shared: &'a Shared,
    options: &'a ImportOptions,
    reader: Box<dyn RowReader>,
    format: Option<Format>,
    gzip: bool,
    bytes_read: Arc<AtomicU64>,
    began: Instant,
    rows_read: u64,
    builder: TableBuilder,
    staging: Staging,
    account: Account,
    /// Sum and count of the vectors of words that came again (`OnDuplicate::Mean`).
    means: HashMap<RowId, (Vec<f64>, u32)>,
}

impl<'a> Import<'a> {
    fn new(shared: &'a Shared, options: &'a ImportOptions, source: Source) -> Result<Self> {
        let began = Instant::now();
        let bytes_read = Arc::new(AtomicU64::new(0));
        let (reader, format, gzip): (Box<dyn RowReader>, _, _) = match source {
            Source::File(bytes, wanted) => {
                let counted = Counted { bytes, read: Arc::clone(&bytes_read) };
                let opened = format::open(Box::new(counted), wanted)?;
                (opened.reader, Some(opened.format), opened.gzip)
            }
            Source::Rows(rows) => (Box::new(RowsReader::new(rows)?), None, false),
        };
        let builder = TableBuilder::new(reader.dim())?;
        let staging = shared.store.stage(reader.dim())?;
        Ok(Self {
            shared,
            options,
            reader,
            format,
            gzip,
            bytes_read,
            began,
            rows_read: 0,
            builder,
            staging,
            account: Account::default(),
            means: HashMap::new(),
        })
    }

    fn run(mut self, on_progress: &mut dyn FnMut(ImportProgress)) -> Result<ImportReport> {
        let mut row = Row::default();
        while !self.is_at_limit() {
            match self.reader.read(&mut row)? {
                Step::Row => self.take(&row)?,
                Step::Fault(fault) => self.fault(&fault)?,
                Step::End => break,
            }
            self.rows_read += 1;
            if self.rows_read.is_multiple_of(ROWS_PER_LOOK) {
                self.shared.check_open()?;
                self.staging.push(&self.builder)?;
                on_progress(self.progress());
            }
        }
        on_progress(self.progress());
        if !self.is_at_limit() {
            self.check_length()?;
            self.note_header();
        }
        if self.builder.is_empty() {
            let problem = "no row of it can stand in a table".to_owned();
            return Err(self.malformed(At::Line(1), problem));
        }
        self.apply_means()?;
        self.publish()
    }

    fn is_at_limit(&self) -> bool {
        self.options.limit.is_some_and(|limit| self.rows_read >= limit)
    }

    /// Half a file that ends between two rows reads well; its length tells.
    fn check_length(&self) -> Result<()> {
        let got = self.bytes_read.load(Ordering::Relaxed);
        match self.options.total_bytes {
            Some(expected) if self.format.is_some() && expected != got => {
                let problem = format!("the source has {got} bytes, {expected} were announced");
                Err(self.malformed(At::Byte(got), problem))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn progress(&self) -> ImportProgress {
        let bytes_read = self.bytes_read.load(Ordering::Relaxed);
        ImportProgress { bytes_read, rows_read: self.rows_read }
    }

    fn take(&mut self, row: &Row) -> Result<()> {
        if row.vector.iter().any(|value| !value.is_finite()) {
            let detail = "a value is NaN or infinite";
            return self.leave_out("not_finite", row.at, &shown(&row.word), detail);
        }
        if let Ok(text) = std::str::from_utf8(&row.word) {
            return self.add(text.as_bytes(), row);
        }
        let reason = "invalid_utf8";
        match self.options.on_invalid_utf8 {
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
        let done = match self.options.on_duplicate {
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
                self.staging.touch(known);
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

    fn fault(&mut self, fault: &Fault) -> Result<()> {
        self.leave_out(fault.reason.name(), fault.at, &fault.word, &fault.detail)
    }

    fn leave_out(&mut self, reason: &'static str, at: At, word: &str, detail: &str) -> Result<()> {
        match self.options.on_invalid {
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

    fn malformed(&self, at: At, problem: String) -> Error {
        let format = self.format.map_or("rows", Format::name);
        Error::new(ErrorKind::Malformed { format, at, problem })
    }

    /// A header that claims another number of rows than there are is told, not obeyed.
    fn note_header(&mut self) {
        let Some(claimed) = self.reader.claimed_rows() else { return };
        if claimed != self.rows_read {
            let example = format!("the header claims {claimed} rows, there are {}", self.rows_read);
            let done = "the rows that are there were read";
            self.account.note("header_count", false, done, At::Line(1), example.as_bytes());
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a mean of single-precision values")]
    fn apply_means(&mut self) -> Result<()> {
        for (row, (sum, count)) in std::mem::take(&mut self.means) {
            let mean: Vec<f32> =
                sum.iter().map(|total| (total / f64::from(count)) as f32).collect();
            self.builder.replace(row, &mean)?;
            self.staging.touch(row);
        }
        Ok(())
    }

    fn publish(self) -> Result<ImportReport> {
        let read_seconds = self.began.elapsed().as_secs_f64();
        let progress = self.progress();
        let generation = self.staging.generation();
        let dim = self.builder.dim();
        let rows_kept = self.builder.len() as u64;
        let meta = Meta {
            name: self.options.table.clone(),
            generation,
            row_count: rows_kept,
            dim: u32::try_from(dim).unwrap_or(u32::MAX),
            provenance: Provenance {
                source: self.options.source_name.clone(),
                format: self.format.map_or("rows", Format::name).to_owned(),
                source_bytes: progress.bytes_read,
                imported_at: self.options.imported_at,
            },
            applied: Applied::default(),
        };
        let shared = self.shared;
        {
            let _publishing = shared.publishing.lock();
            shared.check_open()?;
            // Whoever writes to the table that is replaced waits, and finds the new one.
            let old = shared.catalog.lineage(&self.options.table).ok();
            let mut writer = old.as_ref().map(|old| old.writer());
            self.staging.commit(&self.builder, meta.clone())?;
            let table = Arc::new(self.builder.build()?);
            let view = View::new(Arc::clone(&table), 0);
            let lineage = Arc::new(Lineage::new(Arc::new(Generation::new(meta, table)), view));
            shared.catalog.publish(&self.options.table, &Entry::Live(Arc::clone(&lineage)));
            if let Some(writer) = &mut writer {
                writer.is_closed = true;
            }
            shared.queue.push(lineage);
        }
        Ok(ImportReport {
            generation,
            format: self.format,
            gzip: self.gzip,
            dim,
            rows_read: progress.rows_read,
            rows_kept,
            bytes_read: progress.bytes_read,
            reasons: self.account.reasons.into_values().collect(),
            read_seconds,
            durable_seconds: self.began.elapsed().as_secs_f64(),
        })
    }
}

fn shown(word: &[u8]) -> String {
    String::from_utf8_lossy(word).chars().take(WORD_CHARS_SHOWN).collect()
}

/// Characters of a word that a report or an error shows.
const WORD_CHARS_SHOWN: usize = 64;

/// Counts by reason.
#[derive(Default)]
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

/// Counts the bytes of a source.
struct Counted {
    bytes: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Rows without a file, read as if they were one; the first row tells the dimension.
struct RowsReader {
    rows: Rows,
    first: Option<(Vec<u8>, Vec<f32>)>,
    dim: usize,
    count: u64,
}

impl RowsReader {
    fn new(mut rows: Rows) -> Result<Self> {
        let first = rows.next().transpose()?;
        let Some((_, vector)) = &first else {
            let problem = "there are no rows".to_owned();
            return Err(Error::new(ErrorKind::Malformed {
                format: "rows",
                at: At::Line(1),
                problem,
            }));
        };
        Ok(Self { dim: vector.len(), rows, first, count: 0 })
    }
}

impl RowReader for RowsReader {
    fn dim(&self) -> usize {
        self.dim
    }

    fn claimed_rows(&self) -> Option<u64> {
        None
    }

    fn read(&mut self, row: &mut Row) -> Result<Step> {
        let next = match self.first.take() {
            Some(first) => Some(first),
            None => self.rows.next().transpose()?,
        };
        let Some((word, vector)) = next else { return Ok(Step::End) };
        self.count += 1;
        let at = At::Line(self.count);
        let fault = if word.is_empty() {
            Some((format::Reason::EmptyWord, "there is no word".to_owned()))
        } else if vector.len() != self.dim {
            let detail = format!("{} components, the first row has {}", vector.len(), self.dim);
            Some((format::Reason::WrongDimension, detail))
        } else {
            None
        };
        if let Some((reason, detail)) = fault {
            return Ok(Step::Fault(Fault { reason, at, word: shown(&word), detail }));
        }
        *row = Row { word, vector, at };
        Ok(Step::Row)
    }
}
