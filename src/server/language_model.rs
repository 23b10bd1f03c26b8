//! LanguageModelService: n-gram models made of text and of ARPA files, and questions to them.

use std::io::{self, Read, Write};
use std::time::Instant;

use tokio::sync::mpsc;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::engine::job::{JobKind, JobReport, JobStatus, Progress, Unit};
use crate::engine::models::{CompareJob, ImportModelJob, ModelProgress, RankQuery, TrainModelJob};
use crate::engine::{Engine, Pace};
use crate::error::{Error, Result};
use crate::lm::arpa::ArpaForm;
use crate::proto as pb;
use crate::proto::language_model_service_server::LanguageModelService;
use crate::server::desk::Desk;
use crate::server::job::{Call, Input, Messages, Replies, Run, Told, Work};
use crate::server::models::{
    Asks, Compare, Delete, Drawn, Get, List, Mix, OddWords, Texts, compared, imported, listed,
    told, trained,
};
use crate::server::status::status;
use crate::server::text::Answered;
use crate::table::meta::TableName;

/// Chunks of a file that wait to be sent, and the bytes of one.
const CHUNKS_WAITING: usize = 4;
const CHUNK_BYTES: usize = 256 << 10;

#[async_trait]
impl LanguageModelService for Desk {
    type TrainModelStream = Replies<pb::TrainModelResponse>;
    type ImportModelStream = Replies<pb::ImportModelResponse>;
    type ExportModelStream = Replies<pb::ExportModelResponse>;
    type ScoreStreamStream = Answered<pb::ScoreResponse>;
    type CompareSmoothingsStream = Replies<pb::CompareSmoothingsResponse>;

    async fn train_model(
        &self,
        request: Request<Streaming<pb::TrainModelRequest>>,
    ) -> Result<Response<Self::TrainModelStream>, Status> {
        use pb::train_model_request::Part;
        let call = Call::of(&request);
        let mut stream = request.into_inner();
        let first = self.first(&mut stream, &call).await?.and_then(|message| message.part);
        let Some(Part::Header(header)) = first else { return Err(no_header()) };
        let (is_detached, total) = (header.detach, header.total_bytes);
        let job = TrainModelJob::try_from(header).map_err(|error| status(&error))?;
        let asked = job.clone();
        self.checked(move |engine| engine.check_training_model(&asked)).await?;
        let part = |message: pb::TrainModelRequest| match message.part {
            Some(Part::Text(text)) => Ok(text),
            Some(Part::Header(_)) | None => Err(only_text()),
        };
        let started =
            self.start_with(Training { job, total, is_detached }, call, Messages { stream, part });
        Ok(started.map_err(|error| status(&error))?.replies())
    }

    async fn import_model(
        &self,
        request: Request<Streaming<pb::ImportModelRequest>>,
    ) -> Result<Response<Self::ImportModelStream>, Status> {
        use pb::import_model_request::Part;
        let call = Call::of(&request);
        let mut stream = request.into_inner();
        let first = self.first(&mut stream, &call).await?.and_then(|message| message.part);
        let Some(Part::Header(header)) = first else { return Err(no_header()) };
        let is_detached = header.detach;
        let job = ImportModelJob::try_from(header).map_err(|error| status(&error))?;
        let (name, replace) = (job.name.clone(), job.replace);
        self.checked(move |engine| engine.check_new_model(&name, replace)).await?;
        let part = |message: pb::ImportModelRequest| match message.part {
            Some(Part::Chunk(chunk)) => Ok(chunk),
            Some(Part::Header(_)) | None => Err(only_text()),
        };
        let started =
            self.start_with(Importing { job, is_detached }, call, Messages { stream, part });
        Ok(started.map_err(|error| status(&error))?.replies())
    }

    async fn export_model(
        &self,
        request: Request<pb::ExportModelRequest>,
    ) -> Result<Response<Self::ExportModelStream>, Status> {
        let call = Call::of(&request);
        let pb::ExportModelRequest { model, begin_never } = request.into_inner();
        let model = Get::named(model).map_err(|error| status(&error))?;
        let (chunks, receiver) = mpsc::channel(CHUNKS_WAITING);
        let form = ArpaForm { begins_never: begin_never };
        let started = self.start(Exporting { model, form, chunks }, call);
        Ok(started.map_err(|error| status(&error))?.replies_with(Some(receiver)))
    }

    async fn list_models(
        &self,
        request: Request<pb::ListModelsRequest>,
    ) -> Result<Response<pb::ListModelsResponse>, Status> {
        self.answer(request, |engine: &Engine, _: &List| engine.models().map(listed)).await
    }

    async fn get_model(
        &self,
        request: Request<pb::GetModelRequest>,
    ) -> Result<Response<pb::GetModelResponse>, Status> {
        let get = |engine: &Engine, asked: &Get| {
            let model = engine.model(&asked.0)?;
            Ok(pb::GetModelResponse { model: Some(model.into()) })
        };
        self.answer(request, get).await
    }

    async fn delete_model(
        &self,
        request: Request<pb::DeleteModelRequest>,
    ) -> Result<Response<pb::DeleteModelResponse>, Status> {
        let delete = |engine: &Engine, asked: &Delete| {
            engine.delete_model(&asked.0).map(|()| pb::DeleteModelResponse {})
        };
        self.answer(request, delete).await
    }

    async fn score(
        &self,
        request: Request<pb::ScoreRequest>,
    ) -> Result<Response<pb::ScoreResponse>, Status> {
        let score = |engine: &Engine, Asks(asked): &Asks<_>| engine.score(asked);
        self.answer_at_pace(request, pace, score).await
    }

    async fn score_stream(
        &self,
        request: Request<Streaming<pb::ScoreRequest>>,
    ) -> Result<Response<Self::ScoreStreamStream>, Status> {
        self.each(request, |desk, call, message| async move {
            let score = |engine: &Engine, Asks(asked): &Asks<_>| engine.score(asked);
            desk.answer_in_stream_at_pace(&call, message, pace, score).await
        })
    }

    async fn perplexity(
        &self,
        request: Request<pb::PerplexityRequest>,
    ) -> Result<Response<pb::PerplexityResponse>, Status> {
        let perplexity = |engine: &Engine, Asks(asked): &Asks<_>| engine.perplexity(asked);
        self.answer_at_pace(request, pace, perplexity).await
    }

    async fn next_words(
        &self,
        request: Request<pb::NextWordsRequest>,
    ) -> Result<Response<pb::NextWordsResponse>, Status> {
        let next_words = |engine: &Engine, Asks(asked): &Asks<_>| engine.next_words(asked);
        self.answer_at_pace(request, pace, next_words).await
    }

    async fn generate(
        &self,
        request: Request<pb::GenerateRequest>,
    ) -> Result<Response<pb::GenerateResponse>, Status> {
        self.answer_long(request, |engine: &Engine, Asks(asked): &Asks<_>| {
            let drawn = engine.generate(asked)?;
            Ok(Drawn(asked.query.text.clone(), drawn))
        })
        .await
    }

    async fn compare_smoothings(
        &self,
        request: Request<Streaming<pb::CompareSmoothingsRequest>>,
    ) -> Result<Response<Self::CompareSmoothingsStream>, Status> {
        use pb::compare_smoothings_request::Part;
        let call = Call::of(&request);
        let mut stream = request.into_inner();
        let first = self.first(&mut stream, &call).await?.and_then(|message| message.part);
        let Some(Part::Header(header)) = first else { return Err(no_header()) };
        let is_detached = header.detach;
        let Compare(job) = Compare::try_from(header).map_err(|error| status(&error))?;
        let part = |message: pb::CompareSmoothingsRequest| match message.part {
            Some(Part::Text(text)) => Ok(text),
            Some(Part::Header(_)) | None => Err(only_text()),
        };
        let started =
            self.start_with(Comparing { job, is_detached }, call, Messages { stream, part });
        Ok(started.map_err(|error| status(&error))?.replies())
    }

    async fn mix_models(
        &self,
        request: Request<pb::MixModelsRequest>,
    ) -> Result<Response<pb::MixModelsResponse>, Status> {
        self.answer_long(request, |engine: &Engine, Mix(query): &Mix| engine.mix_models(query))
            .await
    }

    async fn rank_texts(
        &self,
        request: Request<pb::RankTextsRequest>,
    ) -> Result<Response<pb::RankTextsResponse>, Status> {
        let rank = |engine: &Engine, Asks(asked): &Asks<RankQuery>| {
            let texts = asked.query.candidates.iter().map(|(text, _)| text.clone()).collect();
            engine.rank_texts(asked).map(|ranked| Texts(texts, ranked))
        };
        self.answer_at_pace(request, pace, rank).await
    }

    async fn odd_words(
        &self,
        request: Request<pb::OddWordsRequest>,
    ) -> Result<Response<pb::OddWordsResponse>, Status> {
        let odd_words =
            |engine: &Engine, Asks(asked): &Asks<_>| engine.odd_words(asked).map(OddWords);
        self.answer_at_pace(request, pace, odd_words).await
    }
}

impl Desk {
    /// Asks what reads the disk before a job begins, and may open a tokenizer, on a thread that may wait.
    async fn checked(
        &self,
        check: impl FnOnce(&Engine) -> Result<()> + Send + 'static,
    ) -> Result<(), Status> {
        let engine = self.engine.clone();
        let checked = tokio::task::spawn_blocking(move || check(&engine)).await;
        let broken = |cause| Error::caused(crate::error::ErrorKind::Internal, cause);
        checked.map_err(broken).and_then(|checked| checked).map_err(|error| status(&error))
    }
}

/// A model that is not open yet is opened where the disk is waited for.
fn pace<Q>(engine: &Engine, Asks(asked): &Asks<Q>) -> Pace {
    engine.pace_of_model(&asked.model)
}

fn no_header() -> Status {
    status(&Error::invalid("part", "the first message is the header"))
}

fn only_text() -> Error {
    Error::invalid("part", "after the header come only bytes")
}

struct Training {
    job: TrainModelJob,
    total: Option<u64>,
    is_detached: bool,
}

impl Work for Training {
    const KIND: JobKind = JobKind::TrainModel;
    type Part = Vec<u8>;
    type Reply = pb::TrainModelResponse;

    fn table(&self) -> String {
        self.job.name.to_string()
    }

    fn is_detached(&self) -> bool {
        self.is_detached
    }

    fn run(self, run: Run<Vec<u8>>) -> Result<JobReport> {
        let Run { engine, job, mut input, .. } = run;
        let mut on_progress = |now| job.progress(progress(now, self.total));
        let mut next = || input.next().transpose();
        let report = engine.train_model(&self.job, &mut next, &mut on_progress)?;
        Ok(JobReport::TrainModel(Box::new(report)))
    }

    fn reply(told: Told<'_>) -> Option<pb::TrainModelResponse> {
        use pb::train_model_response::Part;
        let part = match told {
            Told::Started(job) => Part::Job(job),
            Told::Progress(status) => Part::Progress(progress_told(status)),
            Told::Report(JobReport::TrainModel(report)) => Part::Report(trained(report)),
            Told::Report(_) => return None,
        };
        Some(pb::TrainModelResponse { part: Some(part) })
    }
}

struct Importing {
    job: ImportModelJob,
    is_detached: bool,
}

impl Work for Importing {
    const KIND: JobKind = JobKind::ImportModel;
    type Part = Vec<u8>;
    type Reply = pb::ImportModelResponse;

    fn table(&self) -> String {
        self.job.name.to_string()
    }

    fn is_detached(&self) -> bool {
        self.is_detached
    }

    fn run(self, run: Run<Vec<u8>>) -> Result<JobReport> {
        let Run { engine, job, input, .. } = run;
        let began = Instant::now();
        let mut on_progress = |now| job.progress(progress(now, None));
        let source = Box::new(Chunks { input, chunk: Vec::new(), at: 0 });
        let (made, _) = engine.import_model(&self.job, source, &mut on_progress)?;
        Ok(JobReport::ImportModel(made, began.elapsed()))
    }

    fn reply(told: Told<'_>) -> Option<pb::ImportModelResponse> {
        use pb::import_model_response::Part;
        let part = match told {
            Told::Started(job) => Part::Job(job),
            Told::Progress(status) => Part::Progress(progress_told(status)),
            Told::Report(JobReport::ImportModel(made, time)) => Part::Report(imported(made, *time)),
            Told::Report(_) => return None,
        };
        Some(pb::ImportModelResponse { part: Some(part) })
    }
}

/// The bytes of a file as they come.
struct Chunks {
    input: Input<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            match self.input.next() {
                None => return Ok(0),
                // An error of ours comes out as it is.
                Some(chunk) => (self.chunk, self.at) = (chunk.map_err(io::Error::other)?, 0),
            }
        }
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

struct Exporting {
    model: TableName,
    form: ArpaForm,
    chunks: mpsc::Sender<pb::ExportModelResponse>,
}

impl Work for Exporting {
    const KIND: JobKind = JobKind::Export;
    type Part = ();
    type Reply = pb::ExportModelResponse;

    fn table(&self) -> String {
        self.model.to_string()
    }

    fn run(self, run: Run<()>) -> Result<JobReport> {
        let Run { engine, job, .. } = run;
        let mut out = Sending {
            chunks: self.chunks,
            chunk: Vec::new(),
            sent: 0,
            tell: &mut |done| {
                job.progress(Progress { done, ..Progress::default() });
            },
        };
        engine.export_model(&self.model, self.form, &mut out)?;
        out.flush().map_err(|error| error.downcast().unwrap_or_else(Error::disk))?;
        Ok(JobReport::Export(out.sent))
    }

    fn reply(told: Told<'_>) -> Option<pb::ExportModelResponse> {
        match told {
            Told::Started(job) => {
                Some(pb::ExportModelResponse { job: Some(job), chunk: Vec::new() })
            }
            // The chunks are all that a reader needs.
            Told::Progress(_) | Told::Report(_) => None,
        }
    }
}

/// Sends what is written, in chunks.
struct Sending<'t> {
    chunks: mpsc::Sender<pb::ExportModelResponse>,
    chunk: Vec<u8>,
    sent: u64,
    tell: &'t mut dyn FnMut(u64),
}

impl Write for Sending<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let chunk = std::mem::take(&mut self.chunk);
        if chunk.is_empty() {
            return Ok(());
        }
        self.sent += chunk.len() as u64;
        (self.tell)(self.sent);
        let sent = self.chunks.blocking_send(pb::ExportModelResponse { job: None, chunk });
        // The reader left.
        sent.map_err(|_| io::Error::other(Error::new(crate::error::ErrorKind::Cancelled)))
    }
}

struct Comparing {
    job: CompareJob,
    is_detached: bool,
}

impl Work for Comparing {
    const KIND: JobKind = JobKind::CompareSmoothings;
    type Part = Vec<u8>;
    type Reply = pb::CompareSmoothingsResponse;

    fn table(&self) -> String {
        String::new()
    }

    fn is_detached(&self) -> bool {
        self.is_detached
    }

    fn run(self, run: Run<Vec<u8>>) -> Result<JobReport> {
        let Run { engine, job, mut input, .. } = run;
        let mut on_progress = |now| job.progress(progress(now, None));
        let mut next = || input.next().transpose();
        let (totals, models) = engine.compare_smoothings(&self.job, &mut next, &mut on_progress)?;
        Ok(JobReport::CompareSmoothings(totals, models))
    }

    fn reply(told: Told<'_>) -> Option<pb::CompareSmoothingsResponse> {
        use pb::compare_smoothings_response::Part;
        let part = match told {
            Told::Started(job) => Part::Job(job),
            Told::Progress(status) => Part::Progress(progress_told(status)),
            Told::Report(JobReport::CompareSmoothings(totals, models)) => {
                Part::Report(compared(totals, models))
            }
            Told::Report(_) => return None,
        };
        Some(pb::CompareSmoothingsResponse { part: Some(part) })
    }
}

fn progress(now: ModelProgress, total_bytes: Option<u64>) -> Progress {
    let ModelProgress { bytes_read, phase, word_count, learning } = now;
    let (unit, done, total) = match &learning {
        Some(learning) => (Unit::Tokens, learning.tokens, Some(learning.tokens_total)),
        None => (Unit::Bytes, bytes_read, total_bytes),
    };
    Progress { unit, done, total, made: word_count as u64, phase, learning }
}

fn progress_told(status: &JobStatus) -> pb::ModelProgress {
    let now = &status.progress;
    pb::ModelProgress {
        bytes_read: if now.unit == Unit::Bytes { now.done } else { 0 },
        phase: now.phase.to_owned(),
        word_count: now.made,
        learning: now.learning.as_deref().map(pb::LearningProgress::from),
    }
}

impl From<crate::lm::Perplexity> for pb::PerplexityResponse {
    fn from(perplexity: crate::lm::Perplexity) -> Self {
        told(&perplexity)
    }
}
