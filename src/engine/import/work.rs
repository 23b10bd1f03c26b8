//! One import: rows are read, judged and staged, and all is published at the end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::budget::Share;
use crate::engine::attach::{Attachment, Plan};
use crate::engine::import::options::{
    First, IfExists, ImportOptions, ImportProgress, ImportReport, Source, TokenizerPolicy,
};
use crate::engine::import::publish::{Appended, Appending, publish};
use crate::engine::import::source::{CountedFiles, Counts, RowsReader};
use crate::engine::{Engine, Shared};
use crate::error::{At, Context as _, Error, ErrorKind, Result};
use crate::format::intake::Intake;
use crate::format::source::{Body, Files as _, Named, Spool};
use crate::format::{self, Compression, Format, Note, Row, RowReader, Step};
use crate::store::Staging;
use crate::table::input::InputTables;
use crate::table::meta::{Applied, Meta, Provenance, Residence};
use crate::text::spec::Spec;
use crate::text::subword::Subwords;

/// Rows between two looks at the clock of progress and at the closing flag.
const ROWS_PER_LOOK: u64 = 1_024;
/// Bytes of memory that an import takes of its budget at once.
const MEMORY_STEP: u64 = 4 << 20;

/// An import under way.
pub(super) struct Import<'a> {
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

impl<'a> Import<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        options: &'a ImportOptions,
        source: Source,
    ) -> Result<Self> {
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
    pub(super) fn look_beside(&mut self) -> Result<()> {
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

    pub(super) fn run(
        mut self,
        on_progress: &mut dyn FnMut(ImportProgress),
    ) -> Result<ImportReport> {
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
