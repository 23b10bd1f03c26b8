//! What comes back as a stream.

use tonic::Streaming;

use crate::client::{Client, Result};
use crate::proto::{ExportResponse, NearestStreamResponse};

/// The chunks of a file that comes back.
///
/// # Examples
///
/// ```
/// use wordspace::client::{CallError, Export};
///
/// /// The bytes of a file that has no companions.
/// async fn all(mut export: Export) -> Result<Vec<u8>, CallError> {
///     let mut bytes = Vec::new();
///     while let Some(part) = export.next().await? {
///         bytes.extend(part.chunk);
///     }
///     Ok(bytes)
/// }
/// ```
#[derive(Debug)]
pub struct Export {
    pub(super) client: Client,
    pub(super) stream: Streaming<ExportResponse>,
}

impl Export {
    /// The next bytes, of this file or of one that begins; `None` when all is complete.
    ///
    /// # Errors
    ///
    /// As every call; what came before is then not a whole file.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::ExportRequest;
    ///
    /// let request = ExportRequest { table: "en".to_owned(), ..ExportRequest::default() };
    /// let mut export = client.export(request).await?;
    /// while let Some(part) = export.next().await? {
    ///     if !part.companion.is_empty() {
    ///         println!("the file {} begins", part.companion);
    ///     }
    ///     println!("{} bytes", part.chunk.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next(&mut self) -> Result<Option<ExportResponse>> {
        self.stream.message().await.map_err(|status| self.client.error(&status))
    }
}

/// The answers to a stream of questions.
///
/// # Examples
///
/// ```
/// use wordspace::client::{NearestAnswers, Result};
///
/// async fn count(mut answers: NearestAnswers) -> Result<usize> {
///     let mut count = 0;
///     while answers.next_answer().await?.is_some() {
///         count += 1;
///     }
///     Ok(count)
/// }
/// ```
pub type NearestAnswers = Answers<NearestStreamResponse>;

/// Answers to the messages of a stream, in the same order.
///
/// # Examples
///
/// ```
/// use wordspace::client::{Answers, EmbedResponse, Result};
///
/// async fn vectors(mut answers: Answers<EmbedResponse>) -> Result<Vec<Vec<f32>>> {
///     let mut vectors = Vec::new();
///     while let Some(answer) = answers.next_answer().await? {
///         vectors.extend(answer.vectors.into_iter().map(|text| text.values));
///     }
///     Ok(vectors)
/// }
/// ```
#[derive(Debug)]
pub struct Answers<T> {
    pub(super) client: Client,
    pub(super) stream: Streaming<T>,
}

impl<T> Answers<T> {
    /// The next answer; `None` when every message has its answer and no more will come.
    ///
    /// # Errors
    ///
    /// As every call; no more answers come then.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::TokenizeRequest;
    ///
    /// let message = TokenizeRequest { texts: vec!["Cats sleep.".to_owned()], ..Default::default() };
    /// let mut answers = client.tokenize_stream(tokio_stream::iter([message])).await?;
    /// while let Some(answer) = answers.next_answer().await? {
    ///     println!("{}", answer.tokenizer);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next_answer(&mut self) -> Result<Option<T>> {
        self.stream.message().await.map_err(|status| self.client.error(&status))
    }
}
