//! TransferService: embedding files and rows in, files out, as streams with bounded buffers.
//!
//! An import reads its source through a channel of a few messages: while the disk is slow the channel is
//! full, the stream is not read, and the sender waits. A stream that breaks, a caller that leaves and a
//! server that closes all end the source with an error, so the import fails and nothing changes.

use std::io::{self, BufWriter, Write};
use std::time::SystemTime;

use tokio::sync::mpsc;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::engine::import::{
    IfExists, ImportOptions, ImportProgress, ImportReport, Source, TokenizerPolicy, WholeRow,
};
use crate::engine::job::{Job, JobKind, JobReport, JobStatus, Progress, Unit};
use crate::engine::merge::MergeJob;
use crate::engine::{Engine, Export};
use crate::error::{Error, ErrorKind, Result};
use crate::format::intake::{
    OnDuplicate, OnInvalid, OnInvalidUtf8, Policies, ReasonCount, WordChanges,
};
use crate::format::source::Files;
use crate::format::{Choices, Compression, Format, Options, Outputs};
use crate::limits;
use crate::proto as pb;
use crate::proto::import_request::Part;
use crate::proto::import_response::Part as Reply;
use crate::proto::merge_tables_response::Part as Merged;
use crate::proto::transfer_service_server::TransferService;
use crate::server::desk::{Desk, grant_of};
use crate::server::files::StreamFiles;
use crate::server::job::{Call, Input, Messages, Replies, Run, Told, Work};
use crate::server::life::{dtype, index_choice, residence};
use crate::server::status::status;
use crate::server::uploads::KeptFiles;
use crate::server::wire::{self, Fields, Named, Nothing, named};
use crate::store::upload::{Upload, UploadStatus};
use crate::table::attributes::Attributes;
use crate::table::meta::TableName;

/// Chunks of an export that wait to be sent.
const CHUNKS_WAITING: usize = 2;
/// Bytes of one chunk of an export.
const EXPORT_CHUNK_BYTES: usize = 256 << 10;

#[async_trait]
impl TransferService for Desk {
    type ImportStream = Replies<pb::ImportResponse>;
    type ExportStream = Replies<pb::ExportResponse>;

    async fn import(
        &self,
        request: Request<Streaming<pb::ImportRequest>>,
    ) -> Result<Response<Self::ImportStream>, Status> {
        let call = Call::of(&request);
        let mut stream = request.into_inner();
        let header = match self.first(&mut stream, &call).await?.and_then(|first| first.part) {
            Some(Part::Header(header)) => header,
            Some(Part::Chunk(_) | Part::Rows(_) | Part::File(_)) | None => {
                let problem = "the first message of an import is its header";
                return Err(status(&Error::invalid("header", problem)));
            }
        };
        let job = ImportJob::try_from(header).map_err(|error| status(&error))?;
        job.options.check(&self.engine).map_err(|error| status(&error))?;
        let messages = Messages { stream, part: part_of };
        let started = self.start_with(job, call, messages).map_err(|error| status(&error))?;
        Ok(started.replies())
    }

    async fn get_upload(
        &self,
        request: Request<pb::GetUploadRequest>,
    ) -> Result<Response<pb::GetUploadResponse>, Status> {
        self.answer(request, |engine: &Engine, Named(table): &Named| {
            engine.upload_state(table).map(|(bytes, crc32)| pb::GetUploadResponse { bytes, crc32 })
        })
        .await
    }

    async fn list_uploads(
        &self,
        request: Request<pb::ListUploadsRequest>,
    ) -> Result<Response<pb::ListUploadsResponse>, Status> {
        let grant = grant_of(&request)?;
        self.answer(request, move |engine: &Engine, Nothing: &Nothing| {
            let mut uploads = engine.uploads()?;
            uploads.retain(|upload| grant.sees(upload.table.as_str()));
            Ok(listed(uploads))
        })
        .await
    }

    async fn delete_upload(
        &self,
        request: Request<pb::DeleteUploadRequest>,
    ) -> Result<Response<pb::DeleteUploadResponse>, Status> {
        self.answer(request, |engine: &Engine, Named(table): &Named| {
            engine.delete_upload(table).map(|bytes| pb::DeleteUploadResponse { bytes })
        })
        .await
    }

    type MergeTablesStream = Replies<pb::MergeTablesResponse>;

    async fn merge_tables(
        &self,
        request: Request<pb::MergeTablesRequest>,
    ) -> Result<Response<Self::MergeTablesStream>, Status> {
        let call = Call::of(&request);
        let merging = Merging::try_from(request.into_inner()).map_err(|error| status(&error))?;
        let started = self.start(merging, call);
        Ok(started.map_err(|error| status(&error))?.replies())
    }

    async fn export(
        &self,
        request: Request<pb::ExportRequest>,
    ) -> Result<Response<Self::ExportStream>, Status> {
        let call = Call::of(&request);
        call.reached(self).await;
        let export = Export::try_from(request.into_inner()).map_err(|error| status(&error))?;
        let (sender, chunks) = mpsc::channel(CHUNKS_WAITING);
        let started = self.start(ExportJob { export, chunks: sender }, call);
        Ok(started.map_err(|error| status(&error))?.replies_with(Some(chunks)))
    }
}

named!(GetUploadRequest, DeleteUploadRequest);

impl TryFrom<pb::ListUploadsRequest> for Nothing {
    type Error = Error;

    fn try_from(_: pb::ListUploadsRequest) -> Result<Self> {
        Ok(Self)
    }
}

fn listed(uploads: Vec<UploadStatus>) -> pb::ListUploadsResponse {
    let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH);
    let told = |upload: UploadStatus| pb::Upload {
        table: upload.table.to_string(),
        bytes: upload.bytes,
        changed_at: seconds(upload.changed_at).map_or(0, |since| since.as_secs()),
    };
    pb::ListUploadsResponse { uploads: uploads.into_iter().map(told).collect() }
}

fn part_of(message: pb::ImportRequest) -> Result<Part> {
    let problem = "every message holds a header, a chunk, a file or rows";
    message.part.ok_or_else(|| Error::invalid("part", problem))
}

/// What a header asks for.
struct ImportJob {
    options: ImportOptions,
    kind: Kind,
    opening: Options,
    resume_offset: Option<u64>,
    is_detached: bool,
}

/// What a stream carries.
#[derive(Clone, Copy)]
enum Kind {
    Rows,
    /// A file, maybe with companions.
    File,
}

impl Work for ImportJob {
    const KIND: JobKind = JobKind::Import;
    type Part = Part;
    type Reply = pb::ImportResponse;

    fn table(&self) -> String {
        self.options.table.to_string()
    }

    fn is_detached(&self) -> bool {
        self.is_detached
    }

    fn is_kept(&self) -> bool {
        self.resume_offset.is_some()
    }

    fn run(self, run: Run<Part>) -> Result<JobReport> {
        let Run { engine, job, input, .. } = run;
        let upload = self.resume_offset.map(|from| (engine.upload(&self.options.table), from));
        let source = self.source(input, upload.clone(), &job);
        let unit = match self.kind {
            Kind::Rows => Unit::Rows,
            Kind::File => Unit::Bytes,
        };
        let total = self.options.total_bytes;
        let mut on_progress = |now| job.progress(progress(now, unit, total));
        let report = match &upload {
            Some((upload, _)) => {
                engine.import_kept(&self.options, source, upload, &mut on_progress)
            }
            None => engine.import(&self.options, source, &mut on_progress),
        }?;
        Ok(JobReport::Import(self.options.table, report))
    }

    fn reply(told: Told<'_>) -> Option<pb::ImportResponse> {
        let part = match told {
            Told::Started(job) => Reply::Job(job),
            Told::Progress(status) => Reply::Progress(import_progress(status)),
            Told::Report(JobReport::Import(table, report)) => {
                Reply::Report(told_report(table, report))
            }
            Told::Report(_) => return None,
        };
        Some(pb::ImportResponse { part: Some(part) })
    }
}

/// Tables that are to be merged.
struct Merging {
    job: MergeJob,
    is_detached: bool,
}

impl Work for Merging {
    const KIND: JobKind = JobKind::Merge;
    type Part = ();
    type Reply = pb::MergeTablesResponse;

    fn table(&self) -> String {
        self.job.target.to_string()
    }

    fn is_detached(&self) -> bool {
        self.is_detached
    }

    fn run(self, run: Run<()>) -> Result<JobReport> {
        let Run { engine, job, .. } = run;
        let mut on_progress = |now| job.progress(progress(now, Unit::Rows, None));
        let report = engine.merge(&self.job, &mut on_progress)?;
        Ok(JobReport::Import(self.job.target, report))
    }

    fn reply(told: Told<'_>) -> Option<pb::MergeTablesResponse> {
        let part = match told {
            Told::Started(job) => Merged::Job(job),
            Told::Progress(status) => Merged::Progress(import_progress(status)),
            Told::Report(JobReport::Import(table, report)) => {
                Merged::Report(told_report(table, report))
            }
            Told::Report(_) => return None,
        };
        Some(pb::MergeTablesResponse { part: Some(part) })
    }
}

impl TryFrom<pb::MergeTablesRequest> for Merging {
    type Error = Error;

    fn try_from(request: pb::MergeTablesRequest) -> Result<Self> {
        let mut fields = Fields::default();
        fields.count("tables", request.tables.len(), 2..=limits::MERGED_TABLES_MAX);
        let tables = request.tables.into_iter().enumerate();
        let tables: Vec<_> = tables
            .filter_map(|(i, name)| fields.name_of("table", &format!("tables[{i}]"), name))
            .collect();
        let target = fields.name_of("table", "target", request.target);
        let on_duplicate = on_duplicate(fields.choice("on_duplicate", request.on_duplicate));
        let if_exists = if_exists(fields.choice("if_exists", request.if_exists));
        let (merged_at, is_detached) = (wire::seconds_since_1970(), request.detach);
        fields.finish(|| {
            let target = target?;
            let job = MergeJob { tables, target, on_duplicate, if_exists, merged_at };
            Some(Self { job, is_detached })
        })
    }
}

/// How far an import is, as that of a job.
pub(super) fn progress(now: ImportProgress, unit: Unit, total: Option<u64>) -> Progress {
    let ImportProgress { bytes_read, rows_read } = now;
    match unit {
        Unit::Bytes => Progress {
            unit,
            done: bytes_read,
            total,
            made: rows_read,
            phase: "reading",
            learning: None,
        },
        Unit::Rows | Unit::Tokens => {
            Progress { unit, done: rows_read, phase: "reading", ..Progress::default() }
        }
    }
}

/// The other way round.
pub(super) fn import_progress(status: &JobStatus) -> pb::ImportProgress {
    let now = &status.progress;
    let (bytes_read, rows_read) = match now.unit {
        Unit::Bytes => (now.done, now.made),
        Unit::Rows | Unit::Tokens => (0, now.done),
    };
    pb::ImportProgress { bytes_read, rows_read, total_bytes: now.total }
}

impl ImportJob {
    fn source(&self, parts: Input<Part>, upload: Option<(Upload, u64)>, job: &Job) -> Source {
        match self.kind {
            Kind::File => {
                let files = StreamFiles::new(parts, self.options.source_name.clone());
                let mut files: Box<dyn Files> = Box::new(files);
                if let Some((upload, from)) = upload {
                    let (total, job) = (self.options.total_bytes, job.clone());
                    let on_bytes = move |bytes_read| {
                        let now = ImportProgress { bytes_read, rows_read: 0 };
                        job.progress(progress(now, Unit::Bytes, total));
                    };
                    let begin = (upload, from, total);
                    files = Box::new(KeptFiles::new(files, begin, Box::new(on_bytes)));
                }
                Source::Files(files, self.opening.clone())
            }
            Kind::Rows => {
                Source::Rows(Box::new(RowIterator { parts, rows: Vec::new().into_iter() }))
            }
        }
    }
}

impl TryFrom<pb::ImportHeader> for ImportJob {
    type Error = Error;

    #[expect(clippy::too_many_lines, reason = "one field after the other")]
    fn try_from(header: pb::ImportHeader) -> Result<Self> {
        let mut fields = Fields::default();
        let told = told(&header);
        let table = fields.table(header.table);
        for (field, text) in [("source", &header.source), ("license", &header.license)] {
            if text.len() > limits::SOURCE_BYTES_MAX {
                fields.bad(field, format!("at most {} bytes", limits::SOURCE_BYTES_MAX));
            }
        }
        if header.limit == Some(0) {
            fields.bad("limit", "at least 1");
        }
        let format = fields.choice("format", header.format);
        let kind = if format == pb::Format::Rows { Kind::Rows } else { Kind::File };
        let text = |text: String| (!text.is_empty()).then_some(text);
        let counts = text(header.counts);
        if matches!(kind, Kind::Rows) && counts.is_some() {
            fields.bad("counts", "rows come without files; give attributes with PutVectors");
        }
        if matches!(kind, Kind::Rows) && header.resume_offset.is_some() {
            fields.bad("resume_offset", "rows come without files: only those can go on");
        }
        let tokenizer = tokenizer_policy(&mut fields, header.attach);
        let layout = header.fields.unwrap_or_default();
        let choices = Choices {
            tensor: text(header.tensor),
            words: text(header.words),
            delimiter: ascii(&mut fields, "fields.delimiter", &layout.delimiter, |_| true),
            decimal: ascii(&mut fields, "fields.decimal", &layout.decimal, |c| b".,".contains(&c)),
            header: layout.header,
            ..Choices::default()
        };
        let opening = Options { wanted: file_format(format), choices };
        let policies = Policies {
            on_duplicate: on_duplicate(fields.choice("on_duplicate", header.on_duplicate)),
            on_invalid: on_invalid(fields.choice("on_invalid", header.on_invalid)),
            on_invalid_utf8: on_invalid_utf8(
                fields.choice("on_invalid_utf8", header.on_invalid_utf8),
            ),
            words: word_changes(&mut fields, header.word_changes.unwrap_or_default()),
            normalize: header.normalize,
            rank: header.rank,
        };
        let mut if_exists = if_exists(fields.choice("if_exists", header.if_exists));
        if header.append {
            if if_exists == IfExists::Replace {
                fields.bad("append", "a table is replaced or added to, not both");
            }
            if_exists = IfExists::Append;
        }
        let index = index_choice(fields.choice("index", header.index));
        let dtype = dtype(fields.choice("dtype", header.dtype));
        if header.append && (dtype.is_some() || header.on_disk) {
            fields.bad("append", "the table keeps its dtype, and its vectors where they are");
        }
        fields.finish(|| {
            let options = ImportOptions {
                table: table?,
                source_name: text(header.source).unwrap_or_else(|| "a stream".to_owned()),
                policies,
                if_exists,
                limit: header.limit,
                total_bytes: header.total_bytes,
                imported_at: wire::seconds_since_1970(),
                counts,
                license: header.license,
                told,
                dry_run: header.dry_run,
                tokenizer,
                index,
                dtype,
                residence: residence(header.on_disk),
            };
            let (resume_offset, is_detached) = (header.resume_offset, header.detach);
            Some(Self { options, kind, opening, resume_offset, is_detached })
        })
    }
}

/// A character of ASCII; none if the text is empty.
fn ascii(
    fields: &mut Fields,
    field: &'static str,
    text: &str,
    is_allowed: fn(u8) -> bool,
) -> Option<u8> {
    match text.as_bytes() {
        [] => None,
        [byte] if byte.is_ascii() && !b"\r\n\"".contains(byte) && is_allowed(*byte) => Some(*byte),
        _ => {
            fields.bad(field, "one character that can stand there");
            None
        }
    }
}

fn tokenizer_policy(
    fields: &mut Fields,
    attach: Option<pb::import_header::Attach>,
) -> TokenizerPolicy {
    match attach {
        Some(pb::import_header::Attach::NoTokenizer(true)) => TokenizerPolicy::Leave,
        Some(pb::import_header::Attach::NoTokenizer(false)) | None => TokenizerPolicy::Attach,
        Some(pb::import_header::Attach::Tokenizer(name)) => {
            let name = fields.name_of("tokenizer", "tokenizer", name);
            name.map_or(TokenizerPolicy::Attach, TokenizerPolicy::AttachAs)
        }
    }
}

pub(super) fn if_exists(policy: pb::IfExists) -> IfExists {
    match policy {
        pb::IfExists::Unspecified | pb::IfExists::Error => IfExists::Error,
        pb::IfExists::Replace => IfExists::Replace,
    }
}

pub(super) fn on_duplicate(policy: pb::OnDuplicate) -> OnDuplicate {
    match policy {
        pb::OnDuplicate::Unspecified | pb::OnDuplicate::First => OnDuplicate::First,
        pb::OnDuplicate::Error => OnDuplicate::Error,
        pb::OnDuplicate::Last => OnDuplicate::Last,
        pb::OnDuplicate::Mean => OnDuplicate::Mean,
    }
}

pub(super) fn on_invalid(policy: pb::OnInvalid) -> OnInvalid {
    match policy {
        pb::OnInvalid::Unspecified | pb::OnInvalid::Error => OnInvalid::Error,
        pb::OnInvalid::Skip => OnInvalid::Skip,
    }
}

fn on_invalid_utf8(policy: pb::OnInvalidUtf8) -> OnInvalidUtf8 {
    match policy {
        pb::OnInvalidUtf8::Unspecified | pb::OnInvalidUtf8::KeepBytes => OnInvalidUtf8::KeepBytes,
        pb::OnInvalidUtf8::Replace => OnInvalidUtf8::Replace,
        pb::OnInvalidUtf8::Skip => OnInvalidUtf8::Skip,
        pb::OnInvalidUtf8::Error => OnInvalidUtf8::Error,
    }
}

fn word_changes(fields: &mut Fields, changes: pb::WordChanges) -> WordChanges {
    fields.within("word_changes", |fields| {
        fields.count("rename", changes.rename.len(), 0..=limits::BATCH_MAX);
        let max = limits::WORD_BYTES_MAX;
        for (field, text) in
            [("strip_prefix", &changes.strip_prefix), ("add_prefix", &changes.add_prefix)]
        {
            if text.len() > max {
                fields.bad(field, format!("at most {max} bytes (WORD_BYTES_MAX)"));
            }
        }
        WordChanges {
            rename: changes.rename.into_iter().collect(),
            strip_prefix: changes.strip_prefix,
            lowercase: changes.lowercase,
            add_prefix: changes.add_prefix,
        }
    })
}

/// The options of an import other than the defaults, as they stand in provenance.
fn told(header: &pb::ImportHeader) -> String {
    let mut parts = Vec::new();
    let mut choice = |option: &str, value: &str| {
        if let Some((_, value)) = value.split_once(option) {
            let value = value.trim_start_matches('_').to_lowercase();
            if value != "unspecified" {
                parts.push(format!("{}={value}", option.to_lowercase()));
            }
        }
    };
    choice("ON_DUPLICATE", header.on_duplicate().as_str_name());
    choice("ON_INVALID", header.on_invalid().as_str_name());
    choice("ON_INVALID_UTF8", header.on_invalid_utf8().as_str_name());
    choice("DTYPE", header.dtype().as_str_name());
    let changes = header.word_changes.clone().unwrap_or_default();
    if !changes.rename.is_empty() {
        parts.push(format!("rename={} words", changes.rename.len()));
    }
    let layout = header.fields.clone().unwrap_or_default();
    let limit = header.limit.map(|limit| limit.to_string()).unwrap_or_default();
    for (name, value) in [
        ("strip_prefix", &changes.strip_prefix),
        ("add_prefix", &changes.add_prefix),
        ("tensor", &header.tensor),
        ("words", &header.words),
        ("counts", &header.counts),
        ("limit", &limit),
        ("delimiter", &layout.delimiter),
        ("decimal", &layout.decimal),
    ] {
        if !value.is_empty() {
            parts.push(format!("{name}={value}"));
        }
    }
    for (name, is_set) in [
        ("lowercase", changes.lowercase),
        ("normalize", header.normalize),
        ("rank", header.rank),
        ("on_disk", header.on_disk),
    ] {
        if is_set {
            parts.push(name.to_owned());
        }
    }
    parts.join(" ")
}

/// The rows of a stream, one by one.
struct RowIterator {
    parts: Input<Part>,
    rows: std::vec::IntoIter<pb::ImportRow>,
}

impl Iterator for RowIterator {
    type Item = Result<WholeRow>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(Ok((row.word.into_bytes(), row.values, Attributes::default())));
            }
            match self.parts.next()? {
                Ok(Part::Rows(rows)) => self.rows = rows.rows.into_iter(),
                Ok(Part::Header(_) | Part::Chunk(_) | Part::File(_)) => {
                    let problem = "after the header of FORMAT_ROWS come only rows";
                    return Some(Err(Error::invalid("part", problem)));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// What became of every row, for the wire.
pub(super) fn told_report(table: &TableName, report: &ImportReport) -> pb::ImportReport {
    let reason = |counted: &ReasonCount| pb::ImportReason {
        reason: counted.reason.to_owned(),
        count: counted.count,
        rows_left_out: counted.rows_left_out,
        done: counted.done.to_owned(),
        examples: counted
            .examples
            .iter()
            .map(|(at, word)| pb::ImportExample { at: at.to_string(), word: word.clone() })
            .collect(),
    };
    pb::ImportReport {
        table: table.to_string(),
        generation: report.generation,
        format: report.format.map_or(pb::Format::Rows, pb::Format::from).into(),
        gzip: report.compression == Compression::Gzip,
        compression: report.compression.name().to_owned(),
        dim: wire::count(report.dim),
        rows_read: report.rows_read,
        rows_kept: report.rows_kept,
        bytes_read: report.bytes_read,
        reasons: report.reasons.iter().map(reason).collect(),
        tokenizer: report.tokenizer.clone().map(pb::TokenizerInfo::from),
        read_seconds: report.read_seconds,
        durable_seconds: report.durable_seconds,
    }
}

impl From<Format> for pb::Format {
    fn from(format: Format) -> Self {
        // The contract names every format: see the tests.
        Self::from_str_name(&format.contract_name()).unwrap_or_default()
    }
}

/// The format of a file; none to look, and for rows.
fn file_format(format: pb::Format) -> Option<Format> {
    Format::from_contract_name(format.as_str_name())
}

impl TryFrom<pb::ExportRequest> for Export {
    type Error = Error;

    fn try_from(request: pb::ExportRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let format = file_format(fields.choice("format", request.format));
        match format {
            None => fields.bad("format", "the format of a file is needed"),
            Some(format) if !format.is_written() => {
                fields.bad("format", format!("{} is only read", format.name()));
            }
            Some(_) => {}
        }
        let compression = if request.gzip { Compression::Gzip } else { Compression::None };
        let filter = fields.filter(request.filter);
        let guards_formulas = request.guard_formulas;
        if guards_formulas && !matches!(format, Some(Format::Csv | Format::Tsv)) {
            fields.bad("guard_formulas", "only CSV and TSV can be opened as spreadsheets");
        }
        let all =
            || Some(Self { table: table?, format: format?, compression, filter, guards_formulas });
        fields.finish(all)
    }
}

/// A table on its way out.
struct ExportJob {
    export: Export,
    chunks: mpsc::Sender<pb::ExportResponse>,
}

impl Work for ExportJob {
    const KIND: JobKind = JobKind::Export;
    type Part = ();
    type Reply = pb::ExportResponse;

    fn table(&self) -> String {
        self.export.table.to_string()
    }

    fn run(self, run: Run<()>) -> Result<JobReport> {
        let Run { engine, job, .. } = run;
        engine.export(&self.export, &mut ChunkOutputs { chunks: self.chunks, job: job.clone() })?;
        Ok(JobReport::Export(job.status().progress.done))
    }

    fn reply(told: Told<'_>) -> Option<pb::ExportResponse> {
        match told {
            Told::Started(job) => {
                Some(pb::ExportResponse { job: Some(job), ..pb::ExportResponse::default() })
            }
            // The chunks are all that a reader needs.
            Told::Progress(_) | Told::Report(_) => None,
        }
    }
}

/// Sends files one behind the other.
struct ChunkOutputs {
    chunks: mpsc::Sender<pb::ExportResponse>,
    job: Job,
}

impl ChunkOutputs {
    fn begin(&self, companion: String) -> Box<dyn Write + Send> {
        let (chunks, job) = (self.chunks.clone(), self.job.clone());
        let writer = ChunkWriter { chunks, job, companion: Some(companion) };
        Box::new(BufWriter::with_capacity(EXPORT_CHUNK_BYTES, writer))
    }
}

impl Outputs for ChunkOutputs {
    fn main(&mut self) -> io::Result<Box<dyn Write + Send + '_>> {
        Ok(self.begin(String::new()))
    }

    fn companion(&mut self, end: &str) -> io::Result<Box<dyn Write + Send + '_>> {
        Ok(self.begin(end.to_owned()))
    }
}

/// Sends what is written to it as chunks.
struct ChunkWriter {
    chunks: mpsc::Sender<pb::ExportResponse>,
    job: Job,
    /// For the first chunk of a file.
    companion: Option<String>,
}

impl Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.job.stop().check().map_err(io::Error::other)?;
        // Some formats write a row group in one piece.
        let bytes = &bytes[..bytes.len().min(EXPORT_CHUNK_BYTES)];
        let companion = self.companion.take().unwrap_or_default();
        let chunk = pb::ExportResponse { chunk: bytes.to_vec(), companion, job: None };
        if self.chunks.blocking_send(chunk).is_err() {
            return Err(io::Error::other(Error::new(ErrorKind::Cancelled)));
        }
        let before = self.job.status().progress;
        self.job.progress(Progress { done: before.done + bytes.len() as u64, ..before });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_names_every_format() {
        for format in Format::ALL {
            assert_eq!(file_format(pb::Format::from(format)), Some(format), "{}", format.name());
        }
        let in_contract = (0..64).filter_map(|number| pb::Format::try_from(number).ok());
        // Those that are no files' have no format.
        let known = in_contract.filter(|&format| file_format(format).is_some()).count();
        assert_eq!(known, Format::ALL.len());
    }
}
