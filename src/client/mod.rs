//! The gRPC client of the command line, the examples and the tests, with the wire's messages.
//!
//! [`Client`] has one method for each RPC. It is cheap to clone, and every clone shares one
//! connection. [`Client::import`] streams a file in bounded memory; [`Client::export`] streams one
//! back.
//!
//! Programs that only ask a server take the crate without it, which leaves out two thirds of what it
//! depends on: `wordspace = { version = "0.1", default-features = false, features = ["client"] }`.
//!
//! ```no_run
//! use wordspace::client::{CallError, Client, NearestRequest};
//!
//! # async fn ask() -> Result<(), CallError> {
//! let client = Client::builder("http://127.0.0.1:50051").retries(5).connect().await?;
//! let request = NearestRequest {
//!     table: "en".to_owned(),
//!     positive: vec!["king".into(), "woman".into()],
//!     negative: vec!["man".into()],
//!     k: Some(3),
//!     ..NearestRequest::default()
//! };
//! match client.nearest(request).await {
//!     Ok(answer) => {
//!         for neighbor in answer.neighbors {
//!             println!("{} {:.3}", neighbor.word, neighbor.similarity);
//!         }
//!     }
//!     Err(CallError::Refused(refusal)) if refusal.reason == "UNKNOWN_WORDS" => {
//!         println!("unknown: {}", refusal.metadata["words"]);
//!     }
//!     Err(error) => return Err(error),
//! }
//! # Ok(())
//! # }
//! ```

mod answers;
mod builder;
mod error;
mod replies;
mod retry;
mod upload;

use std::error::Error as StdError;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming, TimeoutExpired};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

pub use crate::client::answers::{Answers, Export, NearestAnswers};
pub use crate::client::builder::ClientBuilder;
pub use crate::client::error::{CallError, Refusal, Result};
pub use crate::client::upload::{Joined, chunks};
pub use crate::error::Violation;
pub use crate::proto::*;
pub use tonic::Code;

use crate::checksum::checksum;
use crate::client::builder::Credentials;
use crate::client::error::innermost;
use crate::client::replies::{JobReply, Told};
use crate::client::retry::{Patience, out_of_time};
use crate::client::upload::{Abandoned, Messages, PARTS_WAITING, begin, feed, send_text};
use crate::limits;
use crate::proto::admin_service_client::AdminServiceClient;
use crate::proto::batch_service_client::BatchServiceClient;
use crate::proto::bias_service_client::BiasServiceClient;
use crate::proto::evaluation_service_client::EvaluationServiceClient;
use crate::proto::job_service_client::JobServiceClient;
use crate::proto::language_model_service_client::LanguageModelServiceClient;
use crate::proto::search_service_client::SearchServiceClient;
use crate::proto::table_service_client::TableServiceClient;
use crate::proto::text_service_client::TextServiceClient;
use crate::proto::training_service_client::TrainingServiceClient;
use crate::proto::transfer_service_client::TransferServiceClient;

/// What calls go over: the connection, and the key that each of them brings.
type Line = InterceptedService<Channel, Credentials>;

/// A connection to a wordspace server.
#[derive(Clone, Debug)]
pub struct Client {
    url: Arc<str>,
    /// How it was reached.
    builder: Arc<ClientBuilder>,
    search: SearchServiceClient<Line>,
    tables: TableServiceClient<Line>,
    transfer: TransferServiceClient<Line>,
    text: TextServiceClient<Line>,
    training: TrainingServiceClient<Line>,
    bias: BiasServiceClient<Line>,
    evaluation: EvaluationServiceClient<Line>,
    models: LanguageModelServiceClient<Line>,
    admin: AdminServiceClient<Line>,
    jobs: JobServiceClient<Line>,
    batches: BatchServiceClient<Line>,
    health: HealthClient<Line>,
    /// The generation and the write that its questions want to see; 0 for any.
    least: (u64, u64),
    patience: Patience,
}

impl Client {
    /// Connects to the server at `url`, such as `http://127.0.0.1:50051`; without a scheme,
    /// `http://` is meant; `unix:/path` is a socket on this machine. [`Client::builder`] can do more.
    ///
    /// # Errors
    ///
    /// [`CallError::Address`] if the text is no URL, [`CallError::Unreachable`] if nobody answers.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::builder(url).connect().await
    }

    /// A connection to be made to the server at `url`.
    pub fn builder(url: &str) -> ClientBuilder {
        ClientBuilder::new(url)
    }

    fn over(builder: ClientBuilder, url: String, line: &Line, patience: Patience) -> Self {
        let max = limits::MESSAGE_BYTES_MAX;
        macro_rules! stub {
            ($stub:ident) => {
                $stub::new(line.clone())
                    .max_decoding_message_size(max)
                    .max_encoding_message_size(max)
            };
        }
        Self {
            url: url.into(),
            builder: Arc::new(builder),
            search: stub!(SearchServiceClient),
            tables: stub!(TableServiceClient),
            transfer: stub!(TransferServiceClient),
            text: stub!(TextServiceClient),
            training: stub!(TrainingServiceClient),
            bias: stub!(BiasServiceClient),
            evaluation: stub!(EvaluationServiceClient),
            models: stub!(LanguageModelServiceClient),
            admin: stub!(AdminServiceClient),
            jobs: stub!(JobServiceClient),
            batches: stub!(BatchServiceClient),
            health: stub!(HealthClient),
            least: (0, 0),
            patience,
        }
    }

    /// The same connection, whose unary calls want to see a write: the `generation` and the `sequence`
    /// that it answered. The server refuses them with `TABLE_BEHIND` where the table has not reached
    /// it. 0 asks for nothing.
    #[must_use]
    pub fn at_least(&self, generation: u64, sequence: u64) -> Self {
        Self { least: (generation, sequence), ..self.clone() }
    }

    /// A request that tells what it wants to see.
    fn asked<T>(&self, request: T) -> Request<T> {
        let mut request = Request::new(request);
        let names = ["wordspace-min-generation", "wordspace-min-sequence"];
        for (name, number) in names.into_iter().zip([self.least.0, self.least.1]) {
            if number > 0 {
                request.metadata_mut().insert(name, number.into());
            }
        }
        request
    }

    /// Another connection to the same server, by the same key and certificates. Clones share one connection, which
    /// one core serves.
    ///
    /// # Errors
    ///
    /// As [`ClientBuilder::connect`].
    pub async fn another(&self) -> Result<Self> {
        let other = ClientBuilder::clone(&self.builder).connect().await?;
        Ok(Self { least: self.least, ..other })
    }

    /// Whether the server says that it answers, or that a service such as `wordspace.v1.SearchService` does; the empty
    /// name stands for all of it. This needs no key.
    ///
    /// # Errors
    ///
    /// As every call; `NOT_FOUND` if there is no such service.
    pub async fn is_ready(&self, service: &str) -> Result<bool> {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = self.answer(self.health.clone().check(request).await)?;
        Ok(answer.status() == ServingStatus::Serving)
    }

    /// What its calls bring as `authorization`; none without a key.
    #[cfg(feature = "server")]
    pub(crate) fn authorization(&self) -> Option<String> {
        self.builder.authorization()
    }

    /// The server's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends the file at `path`; the header's `source` and `total_bytes` are filled in where they
    /// are empty.
    ///
    /// # Errors
    ///
    /// See [`Client::import`].
    pub async fn import_file(
        &self,
        mut header: ImportHeader,
        path: &Path,
        on_progress: impl FnMut(&ImportProgress) + Send,
    ) -> Result<ImportReport> {
        let file = begin(&mut header, path).map_err(CallError::Source)?;
        self.import(header, chunks(file), on_progress).await
    }

    /// Where an import into a table, or its training, goes on that broke off before: how many bytes of its
    /// source the server kept, if the source begins with them; else 0.
    ///
    /// # Errors
    ///
    /// As every call; `Source` if the source cannot be read.
    pub async fn resume_offset(
        &self,
        table: &str,
        source: impl Read + Send + 'static,
    ) -> Result<u64> {
        let kept = self.get_upload(GetUploadRequest { table: table.to_owned() }).await?;
        let checked = tokio::task::spawn_blocking(move || checksum(source.take(kept.bytes)));
        let checked = checked.await.map_err(io::Error::other).and_then(|checked| checked);
        let same = checked.map_err(CallError::Source)? == (kept.bytes, kept.crc32);
        Ok(if same { kept.bytes } else { 0 })
    }

    /// Sends the file at `path`, from its `resume_offset` on, and then its companions, by their names.
    ///
    /// # Errors
    ///
    /// See [`Client::import`].
    pub async fn import_files(
        &self,
        mut header: ImportHeader,
        path: &Path,
        companions: Vec<(String, PathBuf)>,
        on_progress: impl FnMut(&ImportProgress) + Send,
    ) -> Result<ImportReport> {
        let mut main = begin(&mut header, path).map_err(CallError::Source)?;
        if let Some(from) = header.resume_offset {
            main.seek(SeekFrom::Start(from)).map_err(CallError::Source)?;
        }
        let parts = companions.into_iter().flat_map(|(name, path)| {
            let opened = File::open(&path).and_then(|file| {
                let size_bytes = file.metadata()?.len();
                Ok((
                    file,
                    import_request::Part::File(ImportFile { name, size_bytes: Some(size_bytes) }),
                ))
            });
            let (first, rest) = match opened {
                Ok((file, part)) => (Ok(part), Some(chunks(file))),
                Err(error) => (Err(error), None),
            };
            std::iter::once(first).chain(rest.into_iter().flatten())
        });
        self.import(header, chunks(main).chain(parts), on_progress).await
    }

    /// Sends the header, then `parts`: [`chunks`] of a file, or rows. The parts are read on a
    /// thread of their own, at most a few ahead of the network. Returns when the table is on disk.
    ///
    /// If the call fails, if a part cannot be read, or if the returned future is dropped before
    /// the last part was sent, the server's tables stay as they were.
    ///
    /// # Errors
    ///
    /// [`CallError::Source`] if a part cannot be read; else as every call.
    pub async fn import(
        &self,
        header: ImportHeader,
        parts: impl Iterator<Item = io::Result<import_request::Part>> + Send + 'static,
        on_progress: impl FnMut(&ImportProgress) + Send,
    ) -> Result<ImportReport> {
        let (sender, receiver) = mpsc::channel(PARTS_WAITING);
        let (failed, mut failure) = oneshot::channel();
        let abandoned = Abandoned(Arc::new(AtomicBool::new(false)));
        let flag = Arc::clone(&abandoned.0);
        let parts = std::iter::once(Ok(import_request::Part::Header(header))).chain(parts);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = feed(&sender, parts, &flag) {
                // Nobody waits for it if the call has ended meanwhile.
                let _ = failed.send(error);
                // Without this the end of the stream would look like the end of the file: a
                // message with no part is refused, and the import with it.
                let _ = sender.blocking_send(ImportRequest { part: None });
            }
        });
        let requests = ReceiverStream::new(receiver);
        let answered = async {
            let answers = self.answer(self.transfer.clone().import(requests).await)?;
            self.follow(answers, on_progress).await
        };
        let answer = answered.await;
        match failure.try_recv() {
            Ok(error) => Err(CallError::Source(error)),
            Err(_) => answer,
        }
    }

    /// Reads the replies of a job to its report.
    async fn follow<R: JobReply>(
        &self,
        mut replies: Streaming<R>,
        mut on_progress: impl FnMut(&R::Progress) + Send,
    ) -> Result<R::Report> {
        let lost = |problem| CallError::Lost { url: self.url.to_string(), problem };
        while let Some(reply) = replies.message().await.map_err(|status| self.error(&status))? {
            match reply.told() {
                Some(Told::Started(job)) if job.may_leave => {
                    return Err(CallError::Detached(job.id));
                }
                Some(Told::Started(_)) | None => {}
                Some(Told::Progress(now)) => on_progress(&now),
                Some(Told::Report(report)) => return Ok(report),
            }
        }
        Err(lost("the job ended without a report".to_owned()))
    }

    /// Tells of a job at once, while it changes, and at its end, with what came of it.
    ///
    /// # Errors
    ///
    /// As every call. That the job itself failed is no error: see [`Job::error`].
    pub async fn watch_job(&self, id: u64, mut on_change: impl FnMut(&Job) + Send) -> Result<Job> {
        let replies = self.jobs.clone().watch_job(WatchJobRequest { id }).await;
        let mut replies = self.answer(replies)?;
        let mut last = Job::default();
        while let Some(reply) = replies.message().await.map_err(|status| self.error(&status))? {
            last = reply.job.unwrap_or_default();
            on_change(&last);
        }
        Ok(last)
    }

    /// Asks for a table as a file.
    ///
    /// # Errors
    ///
    /// As every call.
    pub async fn export(&self, request: ExportRequest) -> Result<Export> {
        let stream = self.answer(self.transfer.clone().export(request).await)?;
        Ok(Export { client: self.clone(), stream })
    }

    /// Has every byte of the server's tables read again.
    ///
    /// # Errors
    ///
    /// As every call. Damage is no error: it is in the report.
    pub async fn verify(
        &self,
        request: VerifyRequest,
        on_progress: impl FnMut(&JobProgress) + Send,
    ) -> Result<VerifyReport> {
        let answers = self.answer(self.admin.clone().verify(request).await)?;
        self.follow(answers, on_progress).await
    }

    /// Has everything kept where the server's backups are.
    ///
    /// # Errors
    ///
    /// As every call. What could not be kept is in the report.
    pub async fn backup(
        &self,
        request: BackupRequest,
        on_progress: impl FnMut(&JobProgress) + Send,
    ) -> Result<BackupReport> {
        let answers = self.answer(self.admin.clone().backup(request).await)?;
        self.follow(answers, on_progress).await
    }

    /// Brings tables of a backup back.
    ///
    /// # Errors
    ///
    /// As every call.
    pub async fn restore(
        &self,
        request: RestoreRequest,
        on_progress: impl FnMut(&JobProgress) + Send,
    ) -> Result<RestoreReport> {
        let answers = self.answer(self.admin.clone().restore(request).await)?;
        self.follow(answers, on_progress).await
    }

    /// Makes a table of the rows of others, telling progress on the way.
    ///
    /// # Errors
    ///
    /// As every call.
    pub async fn merge_tables(
        &self,
        request: MergeTablesRequest,
        on_progress: impl FnMut(&ImportProgress) + Send,
    ) -> Result<ImportReport> {
        let answers = self.answer(self.transfer.clone().merge_tables(request).await)?;
        self.follow(answers, on_progress).await
    }

    /// Makes a new table with less of a bias, telling progress on the way.
    ///
    /// # Errors
    ///
    /// As every call.
    pub async fn debias(
        &self,
        request: DebiasRequest,
        on_progress: impl FnMut(&DebiasProgress) + Send,
    ) -> Result<DebiasReport> {
        let answers = self.answer(self.bias.clone().debias(request).await)?;
        self.follow(answers, on_progress).await
    }

    /// Sends questions as they come, and gives back their answers in the same order. Questions are
    /// taken from the stream no faster than answers are read.
    ///
    /// # Errors
    ///
    /// As every call. An error of one question is in its answer.
    pub async fn nearest_stream(
        &self,
        questions: impl Stream<Item = NearestStreamRequest> + Send + 'static,
    ) -> Result<NearestAnswers> {
        let stream = self.answer(self.search.clone().nearest_stream(questions).await)?;
        Ok(Answers { client: self.clone(), stream })
    }

    /// Puts words with their vectors as they come: each message is a write of its own, durable once its
    /// answer is here. Waits where [`Client::put_vectors`] is refused because writes come too fast.
    ///
    /// # Errors
    ///
    /// As every call. Messages that were answered are written, and none behind them.
    pub async fn put_vectors_stream(
        &self,
        messages: impl Stream<Item = PutVectorsRequest> + Send + 'static,
    ) -> Result<Answers<PutVectorsResponse>> {
        let stream = self.answer(self.tables.clone().put_vectors_stream(messages).await)?;
        Ok(Answers { client: self.clone(), stream })
    }

    /// Cuts the texts of messages as they come, and gives back their answers in the same order.
    ///
    /// # Errors
    ///
    /// As every call.
    pub async fn tokenize_stream(
        &self,
        messages: impl Stream<Item = TokenizeRequest> + Send + 'static,
    ) -> Result<Answers<TokenizeResponse>> {
        let stream = self.answer(self.text.clone().tokenize_stream(messages).await)?;
        Ok(Answers { client: self.clone(), stream })
    }

    /// Joins the tokens of one text as they come.
    ///
    /// # Errors
    ///
    /// As every call.
    pub async fn detokenize_stream(
        &self,
        messages: impl Stream<Item = DetokenizeStreamRequest> + Send + 'static,
    ) -> Result<Answers<DetokenizeStreamResponse>> {
        let stream = self.answer(self.text.clone().detokenize_stream(messages).await)?;
        Ok(Answers { client: self.clone(), stream })
    }

    /// Turns the texts of messages into vectors as they come; answers are in the same order.
    ///
    /// # Errors
    ///
    /// As every call.
    pub async fn embed_stream(
        &self,
        messages: impl Stream<Item = EmbedRequest> + Send + 'static,
    ) -> Result<Answers<EmbedResponse>> {
        let stream = self.answer(self.text.clone().embed_stream(messages).await)?;
        Ok(Answers { client: self.clone(), stream })
    }

    /// Sends text, read on a thread of its own, and has a tokenizer learned from it.
    ///
    /// # Errors
    ///
    /// [`CallError::Source`] if a text cannot be read; else as every call.
    pub async fn train_tokenizer(
        &self,
        header: TrainHeader,
        texts: impl Iterator<Item = io::Result<Box<dyn Read + Send>>> + Send + 'static,
        on_progress: impl FnMut(&TrainProgress) + Send,
    ) -> Result<TrainReport> {
        use train_tokenizer_request::Part;
        let part = |part| TrainTokenizerRequest { part: Some(part) };
        let messages = Messages {
            first: part(Part::Header(header)),
            text: move |text| part(Part::Text(text)),
            broken: TrainTokenizerRequest { part: None },
        };
        let mut stub = self.text.clone();
        let call = |requests| async move { stub.train_tokenizer(requests).await };
        self.with_text(messages, Joined::new(texts), call, on_progress).await
    }

    /// Sends text, read on a thread of its own, and has vectors of its words learned. What stands before the
    /// header's `resume_offset` is not sent.
    ///
    /// # Errors
    ///
    /// [`CallError::Source`] if a text cannot be read; else as every call.
    pub async fn train_table(
        &self,
        header: TrainTableHeader,
        texts: impl Iterator<Item = io::Result<Box<dyn Read + Send>>> + Send + 'static,
        on_progress: impl FnMut(&TrainTableProgress) + Send,
    ) -> Result<TrainTableReport> {
        use train_table_request::Part;
        let from = header.resume_offset.unwrap_or(0);
        let part = |part| TrainTableRequest { part: Some(part) };
        let messages = Messages {
            first: part(Part::Header(header)),
            text: move |text| part(Part::Text(text)),
            broken: TrainTableRequest { part: None },
        };
        let mut stub = self.training.clone();
        let call = |requests| async move { stub.train_table(requests).await };
        let text = Joined::behind(from, texts);
        self.with_text(messages, text, call, on_progress).await
    }

    /// Sends text, read on a thread of its own, and has a language model made of it.
    ///
    /// # Errors
    ///
    /// [`CallError::Source`] if a text cannot be read; else as every call.
    pub async fn train_model(
        &self,
        header: TrainModelHeader,
        texts: impl Iterator<Item = io::Result<Box<dyn Read + Send>>> + Send + 'static,
        on_progress: impl FnMut(&ModelProgress) + Send,
    ) -> Result<TrainModelReport> {
        use train_model_request::Part;
        let part = |part| TrainModelRequest { part: Some(part) };
        let messages = Messages {
            first: part(Part::Header(header)),
            text: move |text| part(Part::Text(text)),
            broken: TrainModelRequest { part: None },
        };
        let mut stub = self.models.clone();
        let call = |requests| async move { stub.train_model(requests).await };
        self.with_text(messages, Joined::new(texts), call, on_progress).await
    }

    /// Sends an ARPA file, read on a thread of its own, and has its model stored.
    ///
    /// # Errors
    ///
    /// [`CallError::Source`] if the file cannot be read; else as every call.
    pub async fn import_model(
        &self,
        header: ImportModelHeader,
        files: impl Iterator<Item = io::Result<Box<dyn Read + Send>>> + Send + 'static,
        on_progress: impl FnMut(&ModelProgress) + Send,
    ) -> Result<ImportModelReport> {
        use import_model_request::Part;
        let part = |part| ImportModelRequest { part: Some(part) };
        let messages = Messages {
            first: part(Part::Header(header)),
            text: move |chunk| part(Part::Chunk(chunk)),
            broken: ImportModelRequest { part: None },
        };
        let mut stub = self.models.clone();
        let call = |requests| async move { stub.import_model(requests).await };
        self.with_text(messages, Joined::new(files), call, on_progress).await
    }

    /// Asks for a language model as an ARPA file.
    ///
    /// # Errors
    ///
    /// As every call.
    pub async fn export_model(
        &self,
        request: ExportModelRequest,
    ) -> Result<Answers<ExportModelResponse>> {
        let stream = self.answer(self.models.clone().export_model(request).await)?;
        Ok(Answers { client: self.clone(), stream })
    }

    /// Sends text, read on a thread of its own, and has smoothings compared on it.
    ///
    /// # Errors
    ///
    /// [`CallError::Source`] if a text cannot be read; else as every call.
    pub async fn compare_smoothings(
        &self,
        header: CompareSmoothingsHeader,
        texts: impl Iterator<Item = io::Result<Box<dyn Read + Send>>> + Send + 'static,
        on_progress: impl FnMut(&ModelProgress) + Send,
    ) -> Result<CompareSmoothingsReport> {
        use compare_smoothings_request::Part;
        let part = |part| CompareSmoothingsRequest { part: Some(part) };
        let messages = Messages {
            first: part(Part::Header(header)),
            text: move |text| part(Part::Text(text)),
            broken: CompareSmoothingsRequest { part: None },
        };
        let mut stub = self.models.clone();
        let call = |requests| async move { stub.compare_smoothings(requests).await };
        self.with_text(messages, Joined::new(texts), call, on_progress).await
    }

    /// Scores the sentences of messages as they come; answers are in the same order.
    ///
    /// # Errors
    ///
    /// As every call.
    pub async fn score_stream(
        &self,
        messages: impl Stream<Item = ScoreRequest> + Send + 'static,
    ) -> Result<Answers<ScoreResponse>> {
        let stream = self.answer(self.models.clone().score_stream(messages).await)?;
        Ok(Answers { client: self.clone(), stream })
    }

    /// Sends texts, read on a thread of their own, and has them made the rows of a new table.
    ///
    /// # Errors
    ///
    /// [`CallError::Source`] if a text cannot be read; else as every call.
    pub async fn import_texts(
        &self,
        header: ImportTextsHeader,
        texts: impl Iterator<Item = io::Result<Box<dyn Read + Send>>> + Send + 'static,
        on_progress: impl FnMut(&ImportProgress) + Send,
    ) -> Result<ImportTextsReport> {
        use import_texts_request::Part;
        let part = |part| ImportTextsRequest { part: Some(part) };
        let messages = Messages {
            first: part(Part::Header(header)),
            text: move |text| part(Part::Chunk(text)),
            broken: ImportTextsRequest { part: None },
        };
        let mut stub = self.text.clone();
        let call = |requests| async move { stub.import_texts(requests).await };
        self.with_text(messages, Joined::new(texts), call, on_progress).await
    }

    /// Starts a job with texts, read on a thread of their own, and follows it.
    async fn with_text<M, R, C>(
        &self,
        messages: Messages<M, impl Fn(Vec<u8>) -> M + Send + 'static>,
        text: impl Read + Send + 'static,
        call: impl FnOnce(ReceiverStream<M>) -> C,
        on_progress: impl FnMut(&R::Progress) + Send,
    ) -> Result<R::Report>
    where
        M: Send + 'static,
        R: JobReply,
        C: Future<Output = Result<Response<Streaming<R>>, Status>>,
    {
        let (requests, mut failure) = send_text(messages, text);
        let answer = match self.answer(call(requests).await) {
            Ok(answers) => self.follow(answers, on_progress).await,
            Err(error) => Err(error),
        };
        match failure.try_recv() {
            Ok(error) => Err(CallError::Source(error)),
            Err(_) => answer,
        }
    }

    fn answer<T>(&self, result: Result<Response<T>, Status>) -> Result<T> {
        result.map(Response::into_inner).map_err(|status| self.error(&status))
    }

    fn error(&self, status: &Status) -> CallError {
        // A status that came over the wire has no source; one made here names what broke.
        if let Some(source) = status.source() {
            if is_out_of_time(source) {
                return out_of_time();
            }
            let url = self.url.to_string();
            return CallError::Lost { url, problem: innermost(source) };
        }
        CallError::Refused(Box::new(Refusal::from(status)))
    }
}

/// Whether it was this end that waited no longer.
fn is_out_of_time(source: &(dyn StdError + 'static)) -> bool {
    source.is::<TimeoutExpired>() || source.source().is_some_and(is_out_of_time)
}

/// Spells out one method for each unary RPC: `method(Request) -> Response` of a stub.
macro_rules! unary {
    ($($(#[$doc:meta])* $stub:ident.$method:ident: $request:ident -> $response:ident;)+) => {
        impl Client {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                ///
                /// [`CallError::Refused`] if the server says no, [`CallError::Lost`] if the
                /// connection breaks.
                pub async fn $method(&self, request: $request) -> Result<$response> {
                    let call = |request| {
                        let mut stub = self.$stub.clone();
                        async move { stub.$method(request).await }
                    };
                    self.ask(stringify!($method), request, call).await
                }
            )+
        }
    };
}

unary! {
    /// The nearest words of a weighted mean of words and vectors.
    search.nearest: NearestRequest -> NearestResponse;
    /// Many questions of one table in one call.
    search.nearest_batch: NearestBatchRequest -> NearestBatchResponse;
    /// a is to b as c is to ?
    search.analogy: AnalogyRequest -> AnalogyResponse;
    /// How much of a file is kept for a table.
    transfer.get_upload: GetUploadRequest -> GetUploadResponse;
    /// What is kept of files whose imports may go on.
    transfer.list_uploads: ListUploadsRequest -> ListUploadsResponse;
    /// Drops what is kept of a file for a table.
    transfer.delete_upload: DeleteUploadRequest -> DeleteUploadResponse;
    /// All jobs.
    jobs.list_jobs: ListJobsRequest -> ListJobsResponse;
    /// One job.
    jobs.get_job: GetJobRequest -> GetJobResponse;
    /// Stops a job.
    jobs.cancel_job: CancelJobRequest -> CancelJobResponse;
    /// The way to a word in the Huffman tree over a table's words.
    training.get_huffman_path: GetHuffmanPathRequest -> GetHuffmanPathResponse;
    /// All backups.
    admin.list_backups: ListBackupsRequest -> ListBackupsResponse;
    /// Recall and speed of a table's graph.
    search.recall: RecallRequest -> RecallResponse;
    /// The cosine similarity of pairs.
    search.similarity: SimilarityRequest -> SimilarityResponse;
    /// How alike all words of a list are.
    search.similarity_matrix: SimilarityMatrixRequest -> SimilarityMatrixResponse;
    /// How alike two sets are.
    search.set_similarity: SetSimilarityRequest -> SetSimilarityResponse;
    /// Word Mover's Distance.
    search.word_movers: WordMoversRequest -> WordMoversResponse;
    /// Where a word stands among another's neighbors.
    search.rank: RankRequest -> RankResponse;
    /// The words that are nearer than another.
    search.closer_than: CloserThanRequest -> CloserThanResponse;
    /// Which of some words is nearest.
    search.most_similar_to_given: MostSimilarToGivenRequest -> MostSimilarToGivenResponse;
    /// A similarity over the sum of those of the nearest.
    search.relative_cosine: RelativeCosineRequest -> RelativeCosineResponse;
    /// The members of a set by their similarity to its mean.
    search.rank_by_centrality: RankByCentralityRequest -> RankByCentralityResponse;
    /// The rows of a surface form.
    search.senses: SensesRequest -> SensesResponse;
    /// Senses of a word, found among its neighbors.
    search.induce_senses: InduceSensesRequest -> InduceSensesResponse;
    /// How differently two tables see a word.
    search.compare: CompareRequest -> CompareResponse;
    /// The word least like the mean of the set.
    search.odd_one_out: OddOneOutRequest -> OddOneOutResponse;
    /// One table.
    tables.get_table: GetTableRequest -> GetTableResponse;
    /// All tables.
    tables.list_tables: ListTablesRequest -> ListTablesResponse;
    /// Makes an empty table.
    tables.create_table: CreateTableRequest -> CreateTableResponse;
    /// Makes a second table of one; no data moves.
    tables.copy_table: CopyTableRequest -> CopyTableResponse;
    /// Gives a table another name.
    tables.rename_table: RenameTableRequest -> RenameTableResponse;
    /// Deletes a table for good.
    tables.delete_table: DeleteTableRequest -> DeleteTableResponse;
    /// Deletes tables for good, all or none.
    tables.delete_tables: DeleteTablesRequest -> DeleteTablesResponse;
    /// Lets an alias stand for a table.
    tables.set_alias: SetAliasRequest -> SetAliasResponse;
    /// Removes an alias.
    tables.remove_alias: RemoveAliasRequest -> RemoveAliasResponse;
    /// All aliases.
    tables.list_aliases: ListAliasesRequest -> ListAliasesResponse;
    /// What is odd about a table.
    tables.health: HealthRequest -> HealthResponse;
    /// Where words stand on a map in two dimensions.
    tables.map: MapRequest -> MapResponse;
    /// Words or rows to vectors.
    tables.lookup: LookupRequest -> LookupResponse;
    /// One page of a table's words.
    tables.list_words: ListWordsRequest -> ListWordsResponse;
    /// Some of the table's words at random.
    tables.sample_words: SampleWordsRequest -> SampleWordsResponse;
    /// How many words a filter lets through.
    tables.count_words: CountWordsRequest -> CountWordsResponse;
    /// How many words have each value of an attribute.
    tables.facets: FacetsRequest -> FacetsResponse;
    /// Puts words with their vectors into a table.
    tables.put_vectors: PutVectorsRequest -> PutVectorsResponse;
    /// Deletes words with their vectors and attributes.
    tables.delete_words: DeleteWordsRequest -> DeleteWordsResponse;
    /// Sets and removes attributes of words.
    tables.set_attributes: SetAttributesRequest -> SetAttributesResponse;
    /// How far a table's index is.
    tables.get_index: GetIndexRequest -> GetIndexResponse;
    /// Takes the writes of a table into a new generation.
    tables.build_index: BuildIndexRequest -> BuildIndexResponse;
    /// Stops a table's build.
    tables.cancel_build: CancelBuildRequest -> CancelBuildResponse;
    /// Cuts texts into tokens.
    text.tokenize: TokenizeRequest -> TokenizeResponse;
    /// Joins tokens to texts.
    text.detokenize: DetokenizeRequest -> DetokenizeResponse;
    /// How many tokens texts have.
    text.count_tokens: CountTokensRequest -> CountTokensResponse;
    /// Texts as several tokenizers cut them.
    text.compare_tokenizers: CompareTokenizersRequest -> CompareTokenizersResponse;
    /// Long texts in windows.
    text.chunk: ChunkRequest -> ChunkResponse;
    /// Looks into a tokenizer's vocabulary.
    text.list_tokens: ListTokensRequest -> ListTokensResponse;
    /// Stores a tokenizer.
    text.put_tokenizer: PutTokenizerRequest -> PutTokenizerResponse;
    /// What is known of a tokenizer.
    text.get_tokenizer: GetTokenizerRequest -> GetTokenizerResponse;
    /// All tokenizers.
    text.list_tokenizers: ListTokenizersRequest -> ListTokenizersResponse;
    /// Deletes a stored tokenizer.
    text.delete_tokenizer: DeleteTokenizerRequest -> DeleteTokenizerResponse;
    /// Says which tokenizer a table uses.
    text.set_default_tokenizer: SetDefaultTokenizerRequest -> SetDefaultTokenizerResponse;
    /// Texts to vectors.
    text.embed: EmbedRequest -> EmbedResponse;
    /// The nearest words to a text.
    text.nearest_to_text: NearestToTextRequest -> NearestToTextResponse;
    /// How alike texts are.
    text.text_similarity: TextSimilarityRequest -> TextSimilarityResponse;
    /// Makes a table of a tokenizer's tokens.
    text.seed_table: SeedTableRequest -> SeedTableResponse;
    /// Word Embedding Association Test.
    bias.weat: WeatRequest -> WeatResponse;
    /// The association test for single words.
    bias.single_weat: SingleWeatRequest -> SingleWeatResponse;
    /// Every published association test.
    bias.weat_suite: WeatSuiteRequest -> WeatSuiteResponse;
    /// The published association tests, with their words.
    bias.list_suites: ListSuitesRequest -> ListSuitesResponse;
    /// One figure for sets of targets and attributes.
    bias.probe: ProbeRequest -> ProbeResponse;
    /// Analogies along a direction.
    bias.generate_analogies: GenerateAnalogiesRequest -> GenerateAnalogiesResponse;
    /// Whether the most biased words can be told apart.
    bias.biased_clusters: BiasedClustersRequest -> BiasedClustersResponse;
    /// Places words between two poles.
    bias.project: ProjectRequest -> ProjectResponse;
    /// Analogy questions by section.
    evaluation.analogies: AnalogiesRequest -> AnalogiesResponse;
    /// The similarity that people gave to pairs.
    evaluation.word_pairs: WordPairsRequest -> WordPairsResponse;
    /// Words that people put into categories.
    evaluation.categories: CategoriesRequest -> CategoriesResponse;
    /// Sets with a word that does not belong.
    evaluation.outliers: OutliersRequest -> OutliersResponse;
    /// Stores a test set.
    evaluation.put_test_set: PutTestSetRequest -> PutTestSetResponse;
    /// What is known of a stored test set, and its file.
    evaluation.get_test_set: GetTestSetRequest -> GetTestSetResponse;
    /// All stored test sets.
    evaluation.list_test_sets: ListTestSetsRequest -> ListTestSetsResponse;
    /// Deletes a stored test set.
    evaluation.delete_test_set: DeleteTestSetRequest -> DeleteTestSetResponse;
    /// All language models.
    models.list_models: ListModelsRequest -> ListModelsResponse;
    /// What is known of a language model.
    models.get_model: GetModelRequest -> GetModelResponse;
    /// Deletes a language model.
    models.delete_model: DeleteModelRequest -> DeleteModelResponse;
    /// How likely sentences are.
    models.score: ScoreRequest -> ScoreResponse;
    /// How well a language model knows a text.
    models.perplexity: PerplexityRequest -> PerplexityResponse;
    /// The likeliest next words.
    models.next_words: NextWordsRequest -> NextWordsResponse;
    /// Texts that are drawn word by word.
    models.generate: GenerateRequest -> GenerateResponse;
    /// How well several language models know a text together.
    models.mix_models: MixModelsRequest -> MixModelsResponse;
    /// Which of some texts is the likeliest.
    models.rank_texts: RankTextsRequest -> RankTextsResponse;
    /// Words that surprise more than those around them.
    models.odd_words: OddWordsRequest -> OddWordsResponse;
    /// Questions of any kind in one call.
    batches.batch: BatchRequest -> BatchResponse;
    /// The server itself.
    admin.get_status: GetStatusRequest -> GetStatusResponse;
}

// They serve, too.
#[cfg(test)]
#[cfg(feature = "server")]
mod tests;
