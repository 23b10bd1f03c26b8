//! Rows in: reads a source, applies the policies, accounts for every row, and publishes the table
//! when everything is on disk.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use crate::budget::Share;
use crate::engine::attach::{Attachment, Plan};
use crate::engine::catalog::Entry;
use crate::engine::digest::Digest;
use crate::engine::generation::Generation;
use crate::engine::lineage::{Current, Lineage, Name};
use crate::engine::{Engine, Shared, TokenizerStatus};
use crate::error::{At, Context as _, Error, ErrorKind, Result};
use crate::format::intake::{Intake, Policies, ReasonCount};
use crate::format::source::{Body, Files, Named, Spool};
use crate::format::{self, Compression, Fault, Format, Note, Row, RowReader, Step};
use crate::limits;
use crate::store::upload::{Upload, UploadStatus};
use crate::store::{Replaced, Staging, TokenizerOf};
use crate::table::Table;
use crate::table::attributes::Attributes;
use crate::table::builder::TableBuilder;
use crate::table::columns::Collected;
use crate::table::input::InputTables;
use crate::table::meta::{Applied, IndexChoice, Meta, Provenance, Residence, TableName};
use crate::table::view::View;
use crate::text::spec::Spec;
use crate::text::subword::Subwords;
use crate::vector::Dtype;

/// How to import.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// The table to make or replace.
    pub table: TableName,
    /// A name for the source, kept as provenance.
    pub source_name: String,
    /// For odd rows.
    pub policies: Policies,
    /// For a table that is there already.
    pub if_exists: IfExists,
    /// Stop after so many rows of the source.
    pub limit: Option<u64>,
    /// Bytes that the source's main file must have.
    pub total_bytes: Option<u64>,
    /// Seconds since 1970-01-01 UTC, kept as provenance.
    pub imported_at: u64,
    /// The further file that holds how often words occur.
    pub counts: Option<String>,
    /// The licence, kept as provenance.
    pub license: String,
    /// These options, as whoever asked would write them; kept as provenance.
    pub told: String,
    /// Whether to read and account for everything, and to keep nothing.
    pub dry_run: bool,
    /// For a tokenizer that comes with the file.
    pub tokenizer: TokenizerPolicy,
    /// Which index the table should have.
    pub index: IndexChoice,
    /// How its vectors are kept; none: as the source has them, where a table can and they are not changed.
    pub dtype: Option<Dtype>,
    /// Where they are.
    pub residence: Residence,
}

/// For a tokenizer that comes with the file, whose tokens are the words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TokenizerPolicy {
    /// It is stored under the table's name, or one like it that is free, and cuts the table's texts.
    #[default]
    Attach,
    /// The same under this name.
    AttachAs(TableName),
    /// It is only read for the words.
    Leave,
    /// It is only read for the words; this one, which is stored or built in, cuts the table's texts.
    Use(String),
}

/// For a table that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfExists {
    /// Refuse the import.
    #[default]
    Error,
    /// Replace it when the import is complete.
    Replace,
    /// Add the rows to it when the import is complete: it must be there, and have vectors of the same
    /// dimension. Its rows come first, so that a word that it has comes again in the file. Its writes,
    /// its sub-words, its inputs and its tokenizer stay; what was written meanwhile is written after.
    Append,
}

/// What is imported.
pub enum Source {
    /// A file with its companions, and how to open them; streams are kept in the data folder if
    /// they must be seen as a whole.
    Files(Box<dyn Files>, format::Options),
    /// Rows, one by one.
    Rows(Rows),
    /// Rows that are made of something else.
    Made(Made),
}

/// Rows that are made as they are read.
pub struct Made {
    /// What they are made of, for messages and provenance.
    pub name: &'static str,
    /// Makes them.
    pub reader: Box<dyn RowReader>,
    /// Bytes read of what they are made of.
    pub bytes: Arc<AtomicU64>,
    /// The digest of what they are made of, in hexadecimal digits; empty if there is none.
    pub sha256: String,
    /// What makes vectors of words that are not among them.
    pub subwords: Option<Arc<Subwords>>,
    /// Puts what the table comes with in its place.
    pub first: Option<First>,
}

/// Done when all that may fail but the disk has been done, just before the table appears: what it puts in its place
/// appears together with the table. If the process ends or the disk fails between the two, the table alone is missing.
pub type First = Box<dyn FnOnce(&Engine) -> Result<()> + Send>;

/// Words with their vectors and attributes, one by one.
pub type Rows = Box<dyn Iterator<Item = Result<WholeRow>> + Send>;

/// A word with its vector and attributes.
pub type WholeRow = (Vec<u8>, Vec<f32>, Attributes);

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Files(_, options) => {
                f.debug_tuple("Files").field(options).finish_non_exhaustive()
            }
            Self::Rows(_) => f.debug_tuple("Rows").finish_non_exhaustive(),
            Self::Made(made) => made.fmt(f),
        }
    }
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Made").field("name", &self.name).finish_non_exhaustive()
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
    /// The new generation's number; 0 for a dry run.
    pub generation: u64,
    /// None for rows without a file.
    pub format: Option<Format>,
    /// How the file was compressed.
    pub compression: Compression,
    /// Components of each vector.
    pub dim: usize,
    /// Rows of the source.
    pub rows_read: u64,
    /// Rows that have a row of their own in the table.
    pub rows_kept: u64,
    /// Bytes of the source.
    pub bytes_read: u64,
    /// What was odd, by reason.
    pub reasons: Vec<ReasonCount>,
    /// The tokenizer that came with the file, if it is the table's now.
    pub tokenizer: Option<TokenizerStatus>,
    /// From the beginning to the last row read.
    pub read_seconds: f64,
    /// From the beginning to everything on disk.
    pub durable_seconds: f64,
}

impl ImportOptions {
    /// Rows as they are, into a table that must not be there yet.
    pub fn new(table: TableName) -> Self {
        Self {
            table,
            source_name: String::new(),
            policies: Policies::default(),
            if_exists: IfExists::Error,
            limit: None,
            total_bytes: None,
            imported_at: 0,
            counts: None,
            license: String::new(),
            told: String::new(),
            dry_run: false,
            tokenizer: TokenizerPolicy::Attach,
            index: IndexChoice::Auto,
            dtype: None,
            residence: Residence::Memory,
        }
    }
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
        let table = options.target(self);
        let _turn = Turn::take(&self.shared, &table)?;
        self.import_in_turn(options, source, on_progress)
    }

    /// The same of a source that is kept as it arrives. What is kept goes away before anybody else may
    /// import into the table, unless the import failed for a reason that is not the source's: then another
    /// call can go on there.
    ///
    /// # Errors
    ///
    /// As [`Engine::import`].
    pub fn import_kept(
        &self,
        options: &ImportOptions,
        source: Source,
        upload: &Upload,
        on_progress: &mut dyn FnMut(ImportProgress),
    ) -> Result<ImportReport> {
        let table = options.target(self);
        let _turn = Turn::take(&self.shared, &table)?;
        let imported = self.import_in_turn(options, source, on_progress);
        if !can_go_on(&imported)
            && let Err(error) = upload.remove()
        {
            tracing::warn!(?error, "what was kept of a file stays");
        }
        imported
    }

    /// Drops what has arrived of a file for a table; how many bytes there were.
    ///
    /// # Errors
    ///
    /// `Conflict` if an import into the table runs; if the disk fails.
    pub fn delete_upload(&self, table: &TableName) -> Result<u64> {
        let _turn = Turn::take(&self.shared, table)?;
        Ok(self.upload(table).remove()?.unwrap_or(0))
    }

    /// How many bytes have arrived of a file for a table, and their CRC-32.
    ///
    /// # Errors
    ///
    /// If it is stopped, or if the disk fails.
    pub fn upload_state(&self, table: &TableName) -> Result<(u64, u32)> {
        self.upload(table).state(&|| self.go_on())
    }

    /// What has arrived of files for tables, by the tables' names.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn uploads(&self) -> Result<Vec<UploadStatus>> {
        self.shared.store.uploads()
    }

    /// [`Engine::import`] for whoever has the turn already.
    pub(super) fn import_in_turn(
        &self,
        options: &ImportOptions,
        source: Source,
        on_progress: &mut dyn FnMut(ImportProgress),
    ) -> Result<ImportReport> {
        options
            .check(self)
            .and_then(|()| Import::new(self, options, source))
            .and_then(|mut import| import.look_beside().and_then(|()| import.run(on_progress)))
            .context(|| format!("importing {}", options.source_name))
    }
}

impl ImportOptions {
    /// The table that is made, or to which rows are added; that may be named by an alias.
    fn target(&self, engine: &Engine) -> TableName {
        match self.if_exists {
            IfExists::Append => engine.shared.catalog.table_of(&self.table),
            IfExists::Error | IfExists::Replace => self.table.clone(),
        }
    }

    /// How vectors of a source are kept.
    fn dtype_of(&self, reader: &dyn RowReader) -> Dtype {
        let suited = || if self.policies.normalize { Dtype::F32 } else { reader.suits() };
        self.dtype.unwrap_or_else(suited)
    }

    /// Refuses what cannot be done whatever the source holds.
    ///
    /// # Errors
    ///
    /// If the table is there and not to be replaced, or if an alias has its name; if it is not there, and
    /// rows are to be added to it.
    pub fn check(&self, engine: &Engine) -> Result<()> {
        if self.if_exists == IfExists::Append {
            return engine.shared.catalog.entry(&self.table).map(drop);
        }
        let replace = self.if_exists == IfExists::Replace || self.dry_run;
        engine.shared.catalog.check_target(&self.table, replace)
    }
}

/// Whether an import failed for a reason that is not the source's: the call's, another's, or the disk's.
/// Damage is the store's, as a format tells that of its files otherwise.
pub(super) fn can_go_on<T>(imported: &Result<T>) -> bool {
    imported.as_ref().is_err_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::Cancelled
                | ErrorKind::Closing
                | ErrorKind::Deadline
                | ErrorKind::Idle { .. }
                | ErrorKind::Overloaded
                | ErrorKind::DiskFull
                | ErrorKind::Storage
                | ErrorKind::Corrupt { .. }
                | ErrorKind::Internal
                | ErrorKind::InvalidArgument { .. }
                | ErrorKind::TableExists { .. }
                | ErrorKind::AliasExists { .. }
                | ErrorKind::TokenizerExists { .. }
                | ErrorKind::TokenizerNotFound { .. }
                | ErrorKind::TooLarge { limit: "job-memory" | "spool-max" | "DISK_LEFT_BYTES", .. }
        )
    })
}

/// The right to import into a table; one import has it at a time.
pub(super) struct Turn<'a> {
    shared: &'a Shared,
    name: &'a TableName,
}

impl<'a> Turn<'a> {
    pub(super) fn take(shared: &'a Shared, name: &'a TableName) -> Result<Self> {
        shared.check_open()?;
        let mut importing = shared.importing.lock();
        if importing.contains(name) {
            return Err(Error::new(ErrorKind::Conflict { table: name.to_string() }));
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
/// Bytes of memory that an import takes of its budget at once.
const MEMORY_STEP: u64 = 4 << 20;

struct Import<'a> {
    engine: &'a Engine,
    shared: &'a Shared,
    options: &'a ImportOptions,
    reader: Box<dyn RowReader>,
    subwords: Option<Arc<Subwords>>,
    inputs: Option<Arc<InputTables>>,
    /// The tokenizer that came with the file.
    found: Option<Spec>,
    /// The same, opened, if it is to be the table's.
    attachment: Option<Attachment>,
    /// What is left of the source's files.
    files: Option<CountedFiles>,
    /// What rows without a file are.
    kind: &'static str,
    /// The digest of what they are made of, if that is known.
    sha256: String,
    first: Option<First>,
    format: Option<Format>,
    compression: Compression,
    counts: Counts,
    began: Instant,
    rows_read: u64,
    intake: Intake,
    /// Memory that the rows take, until they are a table.
    memory: Share,
    staging: Staging,
    /// Where the table's vectors are to be.
    residence: Residence,
    /// The table to which the rows are added.
    appended: Option<Appended>,
}

/// A table to which rows are added, in the state to which they are added. What is written to it from then
/// on stays in the journal.
struct Appended {
    lineage: Arc<Lineage>,
    current: Arc<Current>,
}

impl Appended {
    fn begin(lineage: Arc<Lineage>) -> Self {
        let mut writer = lineage.writer();
        let current = lineage.current();
        writer.kept_after = Some(current.view().sequence());
        drop(writer);
        Self { lineage, current }
    }
}

impl Drop for Appended {
    fn drop(&mut self) {
        self.lineage.writer().kept_after = None;
    }
}

impl<'a> Import<'a> {
    fn new(engine: &'a Engine, options: &'a ImportOptions, source: Source) -> Result<Self> {
        let began = Instant::now();
        let shared = &*engine.shared;
        let mut counts = Counts::default();
        let (mut subwords, mut inputs, mut found, mut first) = (None, None, None, None);
        let mut sha256 = String::new();
        let mut kind = "rows";
        let (reader, files, format, compression): (Box<dyn RowReader>, _, _, _) = match source {
            Source::Files(files, mut options) => {
                options.choices.spool = Spool::new(&shared.data).within(Arc::clone(&shared.disk));
                let mut files = CountedFiles { files, counts: counts.clone(), begun: 0 };
                let opened = format::open_files(&mut files, &options)?;
                (subwords, inputs, found) = (opened.subwords, opened.inputs, opened.tokenizer);
                (opened.reader, Some(files), Some(opened.format), opened.compression)
            }
            Source::Rows(rows) => (Box::new(RowsReader::new(rows)?), None, None, Compression::None),
            Source::Made(made) => {
                (kind, counts.all) = (made.name, made.bytes);
                (sha256, subwords, first) = (made.sha256, made.subwords, made.first);
                (made.reader, None, None, Compression::None)
            }
        };
        let name = format.map_or(kind, Format::name);
        let appended = match options.if_exists {
            IfExists::Append => Some(Appended::begin(shared.catalog.lineage(&options.table)?)),
            IfExists::Error | IfExists::Replace => None,
        };
        let (dtype, residence) = match &appended {
            Some(Appended { current, .. }) => {
                (current.view().dtype(), current.generation().residence())
            }
            None => (options.dtype_of(&*reader), options.residence),
        };
        let mut intake = Intake::new(options.policies.clone(), name, (dtype, reader.dim()))?;
        let mut memory = Share::of(&shared.memory);
        if let Some(rows) = reader
            .counted_rows()
            .filter(|_| options.limit.is_none() && residence == Residence::Memory)
        {
            let bytes = rows.saturating_mul(dtype.row_bytes(reader.dim()));
            memory.grow(bytes as u64).context(|| format!("{rows} rows"))?;
            intake.reserve(rows);
        }
        let staging = shared.store.stage(dtype, reader.dim())?;
        Ok(Self {
            engine,
            shared,
            options,
            reader,
            subwords,
            inputs,
            found,
            attachment: None,
            files,
            kind,
            sha256,
            first,
            format,
            compression,
            counts,
            began,
            rows_read: 0,
            intake,
            memory,
            staging,
            residence,
            appended,
        })
    }

    /// Takes the rows of the table to which others are added.
    fn begin(&mut self) -> Result<()> {
        let Some(Appended { current, .. }) = &self.appended else { return Ok(()) };
        let current = Arc::clone(current);
        let view = current.view();
        let (expected, got) = (view.dim(), self.reader.dim());
        if expected != got {
            return Err(Error::new(ErrorKind::DimensionMismatch { expected, got }));
        }
        if self.residence == Residence::Memory {
            let bytes = view.len().saturating_mul(view.dtype().row_bytes(view.dim()));
            self.memory.grow(bytes as u64).context(|| format!("the {} rows so far", view.len()))?;
            self.intake.reserve(view.len());
        }
        for (i, row) in view.rows().enumerate() {
            self.intake.begin(view.word(row), &view.vector(row), view.attributes(row))?;
            if (i as u64).is_multiple_of(ROWS_PER_LOOK) {
                self.shared.check_open()?;
                self.engine.stop.check()?;
                self.take_memory()?;
                self.stage()?;
            }
        }
        Ok(())
    }

    /// Takes the memory that the rows so far have.
    fn take_memory(&mut self) -> Result<()> {
        let bytes = self.intake.memory_bytes() as u64;
        if bytes <= self.memory.bytes() {
            return Ok(());
        }
        let more = bytes - self.memory.bytes() + MEMORY_STEP;
        self.memory.grow(more).context(|| format!("after {} rows", self.rows_read))
    }

    /// Decides what becomes of the tokenizer and of the tables beside the rows.
    fn look_beside(&mut self) -> Result<()> {
        if self.options.policies.normalize && self.inputs.take().is_some() {
            let detail = "tables of positions and segments: they belong to rows of other lengths";
            let (reason, done, at) = ("input_tables_left", "not kept", At::Row(0));
            self.intake.note(&Note { reason, done, at, detail: detail.to_owned() });
        }
        if self.appended.is_some() {
            return self.leave_beside();
        }
        let Some(spec) = self.found.take() else {
            return match &self.options.tokenizer {
                TokenizerPolicy::AttachAs(_) => {
                    let problem = "no tokenizer was sent that the words come from";
                    Err(Error::invalid("tokenizer", problem))
                }
                TokenizerPolicy::Attach | TokenizerPolicy::Leave | TokenizerPolicy::Use(_) => {
                    Ok(())
                }
            };
        };
        match Attachment::plan(self.engine, self.options, spec)? {
            Plan::Attach(attachment) => self.attachment = Some(attachment),
            Plan::Leave => {}
            Plan::Unfit(note) => self.intake.note(&note),
        }
        Ok(())
    }

    /// What stands beside the rows that are added to a table is left: the table has its own.
    fn leave_beside(&mut self) -> Result<()> {
        if !matches!(self.options.tokenizer, TokenizerPolicy::Attach | TokenizerPolicy::Leave) {
            let problem = "the table that rows are added to keeps its own";
            return Err(Error::invalid("tokenizer", problem));
        }
        let left = [
            ("tokenizer_left", "a tokenizer", self.found.take().is_some()),
            ("subwords_left", "vectors of n-grams", self.subwords.take().is_some()),
            ("input_tables_left", "tables of positions and segments", self.inputs.take().is_some()),
        ];
        for (reason, what, _) in left.into_iter().filter(|(_, _, is_there)| *is_there) {
            let (done, at) = ("not kept: the table keeps what it has", At::Row(0));
            self.intake.note(&Note { reason, done, at, detail: what.to_owned() });
        }
        Ok(())
    }

    fn run(mut self, on_progress: &mut dyn FnMut(ImportProgress)) -> Result<ImportReport> {
        self.begin()?;
        let mut row = Row::default();
        while !self.is_at_limit() {
            match self.reader.read(&mut row)? {
                Step::Row => self.intake.take(&row)?,
                Step::Fault(fault) => self.intake.fault(&fault)?,
                Step::End => break,
            }
            self.rows_read += 1;
            self.take_memory()?;
            if self.rows_read.is_multiple_of(ROWS_PER_LOOK) {
                self.shared.check_open()?;
                self.engine.stop.check()?;
                self.stage()?;
                on_progress(self.progress());
            }
        }
        on_progress(self.progress());
        let mut claimed = None;
        if !self.is_at_limit() {
            self.check_length()?;
            claimed = self.reader.claimed_rows();
            self.read_others()?;
        }
        self.reader.notes().iter().for_each(|note| self.intake.note(note));
        self.intake.end(claimed, self.rows_read)?;
        if self.options.dry_run {
            let tokenizer = self.attachment.as_ref().map(Attachment::planned);
            return Ok(ImportReport { tokenizer, ..self.report(0) });
        }
        self.publish()
    }

    /// Hands over the rows so far to be written, unless nothing is to be kept.
    fn stage(&mut self) -> Result<()> {
        if self.options.dry_run {
            return Ok(());
        }
        self.touch();
        self.staging.push(self.intake.builder())?;
        if self.residence == Residence::Disk {
            self.intake.let_go(self.staging.rows());
        }
        Ok(())
    }

    /// Rows that were staged and changed since are staged again.
    fn touch(&mut self) {
        for row in self.intake.touched() {
            self.staging.touch(row);
        }
    }

    /// Reads the counts; files that nobody has a use for are told.
    fn read_others(&mut self) -> Result<()> {
        let Some(files) = &mut self.files else { return Ok(()) };
        let mut counts = self.options.counts.clone();
        while let Some(Named { name, body }) = files.next()? {
            if counts.as_ref() == Some(&name) {
                counts = None;
                match body {
                    Body::Stream(bytes) => self.intake.counts(bytes)?,
                    Body::Whole(bytes) => self.intake.counts(&bytes[..])?,
                }
                continue;
            }
            let detail = format!("the file {name}");
            let done = "not read: the format has no use for it";
            self.intake.note(&Note { reason: "unused_file", done, at: At::Row(0), detail });
        }
        match counts {
            Some(name) => Err(Error::invalid("counts", format!("no file {name} was sent"))),
            None => Ok(()),
        }
    }

    fn is_at_limit(&self) -> bool {
        self.options.limit.is_some_and(|limit| self.rows_read >= limit)
    }

    /// Half a file that ends between two rows reads well; its length tells.
    fn check_length(&self) -> Result<()> {
        let got = self.counts.main.load(Ordering::Relaxed);
        match self.options.total_bytes {
            Some(expected) if self.format.is_some() && expected != got => {
                let problem = format!("the source has {got} bytes, {expected} were announced");
                Err(self.intake.malformed(At::Byte(got), problem))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn progress(&self) -> ImportProgress {
        let bytes_read = self.counts.all.load(Ordering::Relaxed);
        ImportProgress { bytes_read, rows_read: self.rows_read }
    }

    fn publish(mut self) -> Result<ImportReport> {
        let (shared, options) = (self.shared, self.options);
        self.touch();
        // The last rows are written while the table is made.
        self.staging.end(self.intake.builder())?;
        let generation = self.staging.generation();
        let mut report = self.report(generation);
        let began = self.began;
        let sha256 = match std::mem::take(&mut self.sha256) {
            _ if self.is_at_limit() => String::new(),
            known if !known.is_empty() => known,
            _ => self.counts.sha256(),
        };
        let (builder, attributes, _) = self.intake.finish();
        let inputs = self.inputs.as_deref();
        let subwords = self.subwords.map(|subwords| self.staging.keep_subwords(&subwords));
        let (known, subwords) = subwords.transpose()?.unzip();
        let meta = Meta {
            name: options.table.clone(),
            generation,
            row_count: builder.len() as u64,
            dim: u32::try_from(report.dim).unwrap_or(u32::MAX),
            dtype: builder.dtype(),
            provenance: Provenance {
                source: options.source_name.clone(),
                format: report.format.map_or(self.kind, Format::name).to_owned(),
                source_bytes: report.bytes_read,
                imported_at: options.imported_at,
                sha256,
                options: options.told.clone(),
                license: options.license.clone(),
                rows_read: report.rows_read,
            },
            applied: Applied {
                attributed_rows: attributes.attributed() as u64,
                ..Applied::default()
            },
            subwords: known,
            inputs: inputs.map(|inputs| self.staging.keep_inputs(inputs)).transpose()?,
            index: options.index,
            residence: self.residence,
        };
        if let Some(appended) = self.appended.take() {
            let work = Appending { engine: self.engine, appended, options, staging: self.staging };
            work.publish(meta, builder, attributes)?;
            report.durable_seconds = began.elapsed().as_secs_f64();
            return Ok(report);
        }
        let inputs = self.inputs.map(Ok);
        self.staging.complete(&attributes)?;
        let table = self.staging.table(builder, self.residence)?;
        let table = Arc::new(table.with_subwords(subwords).with_inputs(inputs));
        let _publishing = shared.publishing.lock();
        shared.check_open()?;
        self.engine.stop.check()?;
        // It may have got the name of an alias while rows were read.
        shared.catalog.check_target(&options.table, true)?;
        let stored = self.attachment.map(|attachment| attachment.store(self.engine)).transpose()?;
        let tokenizer = match (&stored, &options.tokenizer) {
            (Some(stored), _) => Some(stored.clone()),
            (None, TokenizerPolicy::Use(name)) => Some(name.clone()),
            (None, _) => None,
        };
        self.first.map_or(Ok(()), |first| first(self.engine))?;
        publish(self.engine, self.staging, meta, table, attributes, tokenizer)?;
        report.durable_seconds = began.elapsed().as_secs_f64();
        // One that was deleted meanwhile is none any more.
        report.tokenizer = stored.and_then(|name| self.engine.tokenizer_status(&name).ok());
        Ok(report)
    }

    /// What became of the rows so far.
    fn report(&self, generation: u64) -> ImportReport {
        let progress = self.progress();
        let seconds = self.began.elapsed().as_secs_f64();
        ImportReport {
            generation,
            format: self.format,
            compression: self.compression,
            dim: self.intake.builder().dim(),
            rows_read: progress.rows_read,
            rows_kept: self.intake.kept() as u64,
            bytes_read: progress.bytes_read,
            reasons: self.intake.reasons(),
            tokenizer: None,
            read_seconds: seconds,
            durable_seconds: seconds,
        }
    }
}

/// An append whose rows are all staged.
struct Appending<'a> {
    engine: &'a Engine,
    appended: Appended,
    options: &'a ImportOptions,
    staging: Staging,
}

impl Appending<'_> {
    /// Lets the rows with those that were added answer, after what was written meanwhile.
    fn publish(mut self, added: Meta, builder: TableBuilder, attributes: Collected) -> Result<()> {
        let Appended { lineage, current } = &self.appended;
        let (shared, old) = (&self.engine.shared, current.generation().meta());
        let view = current.view();
        self.staging.complete(&attributes)?;
        let table = self.staging.table(builder, old.residence)?;
        let table = table.with_subwords(view.subwords().cloned());
        let table = Arc::new(table.with_inputs(view.inputs().clone()));
        let _publishing = shared.publishing.lock();
        self.engine.go_on()?;
        let now = shared.catalog.entry(&self.options.table)?;
        let mut writer = lineage.writer();
        if writer.is_closed || now.meta().lineage() != lineage.number() {
            return Err(Error::new(ErrorKind::Conflict { table: self.options.table.to_string() }));
        }
        // A rebuild may have made another generation of the same rows meanwhile.
        let answering = lineage.current();
        self.staging.inherit(answering.generation().number())?;
        let epoch = shared.store.ready()?;
        lineage.follow(&mut writer, epoch, shared.store.last_write(lineage.number()));
        shared.store.make_durable(epoch)?;
        let last = writer.head.sequence();
        lineage.publish(&mut writer, last);
        let meta = Meta {
            name: TableName::clone(&lineage.name()),
            generation: added.generation,
            row_count: added.row_count,
            provenance: joined(&old.provenance, added.provenance),
            applied: Applied {
                lineage: Some(lineage.number()),
                sequence: view.sequence(),
                attributed_rows: attributes.attributed() as u64,
            },
            ..old
        };
        let view = View::new(Arc::clone(&table), view.sequence());
        let mut view = view.with_attributes(attributes);
        shared.store.replay(&meta, &mut view).context(|| "what was written meanwhile")?;
        // Nothing that can fail follows the switch.
        let replaced = self.staging.switch(&meta, TokenizerOf::Same)?;
        let name = Arc::clone(answering.generation().name_cell());
        let generation = Arc::new(Generation::new(meta, name, table));
        lineage.switch(&mut writer, generation, view);
        drop(writer);
        shared.queue.push(Arc::clone(lineage));
        replaced.remove();
        Ok(())
    }
}

/// Where the rows of a table came from, and where those came from that were added.
fn joined(old: &Provenance, added: Provenance) -> Provenance {
    if old.source.is_empty() {
        return added;
    }
    let mut source = format!("{}, {}", old.source, added.source);
    source.truncate(source.floor_char_boundary(limits::SOURCE_BYTES_MAX));
    let license = if old.license.is_empty() { added.license } else { old.license.clone() };
    Provenance {
        source,
        license,
        format: old.format.clone(),
        source_bytes: old.source_bytes + added.source_bytes,
        // Of no file alone.
        sha256: String::new(),
        rows_read: old.rows_read + added.rows_read,
        ..added
    }
}

/// Makes what was staged the table of its name, which answers from then on, in place of the one that may
/// be there. Whoever calls keeps others from publishing.
pub(super) fn publish(
    engine: &Engine,
    staging: Staging,
    meta: Meta,
    table: Arc<Table>,
    attributes: Collected,
    tokenizer: Option<String>,
) -> Result<()> {
    let shared = &engine.shared;
    let own = meta.name.clone();
    let old = shared.catalog.entry(&own).ok();
    let closing = old.as_deref().map(Entry::closing);
    // Nothing that can fail follows the switch.
    let replaced = switch(engine, staging, &meta, tokenizer)?;
    let name = Name::new(own.clone());
    let view = View::new(Arc::clone(&table), 0).with_attributes(attributes);
    let view = view.with_cutter(Some(shared.cutter(&name)));
    let generation = Arc::new(Generation::new(meta, name, table));
    let lineage = Arc::new(Lineage::new(generation, view));
    shared.catalog.publish(&own, Entry::live(Arc::clone(&lineage)));
    if let Some(closing) = closing {
        closing.done();
    }
    shared.queue.push(lineage);
    replaced.remove();
    Ok(())
}

/// Makes what was staged the table, with the tokenizer that came along, if one did.
fn switch(
    engine: &Engine,
    staging: Staging,
    meta: &Meta,
    tokenizer: Option<String>,
) -> Result<Replaced> {
    let (shelf, table) = (&engine.shared.shelf, &meta.name);
    let _changing = shelf.changing();
    let Some(name) = tokenizer else { return staging.switch(meta, TokenizerOf::Same) };
    engine.check_tokenizer(&name)?;
    let replaced = staging.switch(meta, TokenizerOf::This(name.clone()))?;
    shelf.remember_default(table, Some(&name));
    Ok(replaced)
}

/// Bytes read: of the main file, and of all.
#[derive(Clone, Default)]
struct Counts {
    main: Arc<AtomicU64>,
    all: Arc<AtomicU64>,
    /// Of the main file; none until it is read, and when it is known.
    digest: Arc<Mutex<Option<Digest>>>,
}

impl Counts {
    /// In hexadecimal digits; empty if there was no file.
    fn sha256(&self) -> String {
        let digest = self.digest.lock().take();
        match digest.filter(|_| self.main.load(Ordering::Relaxed) > 0) {
            Some(digest) => digest.finish(),
            None => String::new(),
        }
    }

    fn count(&self, bytes: &[u8], is_main: bool) {
        self.all.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if is_main {
            self.main.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            if let Some(digest) = &mut *self.digest.lock() {
                digest.update(bytes);
            }
        }
    }
}

/// Counts the bytes of a source.
struct CountedFiles {
    files: Box<dyn Files>,
    counts: Counts,
    begun: usize,
}

impl Files for CountedFiles {
    fn next(&mut self) -> Result<Option<Named>> {
        let Some(Named { name, body }) = self.files.next()? else { return Ok(None) };
        let is_main = self.begun == 0;
        self.begun += 1;
        if is_main {
            *self.counts.digest.lock() = Some(Digest::start()?);
        }
        let counts = self.counts.clone();
        let body = match body {
            Body::Stream(bytes) => Body::Stream(Box::new(Counted { bytes, counts, is_main })),
            Body::Whole(bytes) => {
                counts.count(&bytes, is_main);
                Body::Whole(bytes)
            }
        };
        Ok(Some(Named { name, body }))
    }
}

struct Counted {
    bytes: Box<dyn Read + Send>,
    counts: Counts,
    is_main: bool,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.counts.count(&buffer[..count], self.is_main);
        Ok(count)
    }
}

/// Rows without a file, read as if they were one; the first row tells the dimension.
struct RowsReader {
    rows: Rows,
    first: Option<WholeRow>,
    dim: usize,
    count: u64,
}

impl RowsReader {
    fn new(mut rows: Rows) -> Result<Self> {
        let first = rows.next().transpose()?;
        let Some((_, vector, _)) = &first else {
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
        let Some((word, vector, attributes)) = next else { return Ok(Step::End) };
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
            return Ok(Step::Fault(Fault {
                reason,
                at,
                word: String::from_utf8_lossy(&word).into_owned(),
                detail,
            }));
        }
        *row = Row { word, vector, at, attributes };
        Ok(Step::Row)
    }
}
