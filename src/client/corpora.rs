//! Texts that are sent, and what is learned or made of them.

use std::future::Future;
use std::io::{self, Read};

use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, Streaming};

use crate::client::Client;
use crate::client::answers::Answers;
use crate::client::error::{CallError, Result};
use crate::client::replies::JobReply;
use crate::client::upload::{Joined, Messages, send_text};
use crate::proto::{
    CompareSmoothingsHeader, CompareSmoothingsReport, CompareSmoothingsRequest, ExportModelRequest,
    ExportModelResponse, ImportModelHeader, ImportModelReport, ImportModelRequest, ImportProgress,
    ImportTextsHeader, ImportTextsReport, ImportTextsRequest, ModelProgress, TrainHeader,
    TrainModelHeader, TrainModelReport, TrainModelRequest, TrainProgress, TrainReport,
    TrainTableHeader, TrainTableProgress, TrainTableReport, TrainTableRequest,
    TrainTokenizerRequest, compare_smoothings_request, import_model_request, import_texts_request,
    train_model_request, train_table_request, train_tokenizer_request,
};

impl Client {
    /// Sends text, read on a thread of its own, and has a tokenizer learned from it.
    ///
    /// # Errors
    ///
    /// [`CallError::Source`] if a text cannot be read; else as every call.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use std::fs::File;
    /// use std::io::Read;
    /// use wordspace::client::TrainHeader;
    ///
    /// let header = TrainHeader { name: "mine".to_owned(), ..TrainHeader::default() };
    /// let texts = ["a.txt", "b.txt"].into_iter();
    /// let texts = texts.map(|path| Ok(Box::new(File::open(path)?) as Box<dyn Read + Send>));
    /// let report = client.train_tokenizer(header, texts, |_| {}).await?;
    /// println!("{report:?}");
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use std::fs::File;
    /// use std::io::Read;
    /// use wordspace::client::TrainTableHeader;
    ///
    /// let header = TrainTableHeader { table: "mine".to_owned(), ..TrainTableHeader::default() };
    /// let texts = ["a.txt", "b.txt"].into_iter();
    /// let texts = texts.map(|path| Ok(Box::new(File::open(path)?) as Box<dyn Read + Send>));
    /// let report = client.train_table(header, texts, |_| {}).await?;
    /// println!("{report:?}");
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use std::fs::File;
    /// use std::io::Read;
    /// use wordspace::client::TrainModelHeader;
    ///
    /// let header = TrainModelHeader { model: "news".to_owned(), ..TrainModelHeader::default() };
    /// let texts = ["a.txt", "b.txt"].into_iter();
    /// let texts = texts.map(|path| Ok(Box::new(File::open(path)?) as Box<dyn Read + Send>));
    /// let report = client.train_model(header, texts, |_| {}).await?;
    /// println!("{report:?}");
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use std::fs::File;
    /// use std::io::Read;
    /// use wordspace::client::ImportModelHeader;
    ///
    /// let header = ImportModelHeader { model: "news".to_owned(), ..ImportModelHeader::default() };
    /// let texts = ["news.arpa"].into_iter();
    /// let files = texts.map(|path| Ok(Box::new(File::open(path)?) as Box<dyn Read + Send>));
    /// let report = client.import_model(header, files, |_| {}).await?;
    /// println!("{report:?}");
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::ExportModelRequest;
    ///
    /// let request = ExportModelRequest { model: "news".to_owned(), ..ExportModelRequest::default() };
    /// let mut parts = client.export_model(request).await?;
    /// while let Some(part) = parts.next_answer().await? {
    ///     println!("{part:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use std::fs::File;
    /// use std::io::Read;
    /// use wordspace::client::CompareSmoothingsHeader;
    ///
    /// let header = CompareSmoothingsHeader { orders: vec![3, 5], ..CompareSmoothingsHeader::default() };
    /// let texts = ["a.txt", "b.txt"].into_iter();
    /// let texts = texts.map(|path| Ok(Box::new(File::open(path)?) as Box<dyn Read + Send>));
    /// let report = client.compare_smoothings(header, texts, |_| {}).await?;
    /// println!("{report:?}");
    /// # Ok(())
    /// # }
    /// ```
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

    /// Sends texts, read on a thread of their own, and has them made the rows of a new table.
    ///
    /// # Errors
    ///
    /// [`CallError::Source`] if a text cannot be read; else as every call.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use std::fs::File;
    /// use std::io::Read;
    /// use wordspace::client::ImportTextsHeader;
    ///
    /// let header = ImportTextsHeader { target: "notes".to_owned(), ..ImportTextsHeader::default() };
    /// let texts = ["a.txt", "b.txt"].into_iter();
    /// let texts = texts.map(|path| Ok(Box::new(File::open(path)?) as Box<dyn Read + Send>));
    /// let report = client.import_texts(header, texts, |_| {}).await?;
    /// println!("{report:?}");
    /// # Ok(())
    /// # }
    /// ```
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
}
