//! What comes back as a stream.

use tonic::Streaming;

use crate::client::{Client, Result};
use crate::proto::{ExportResponse, NearestStreamResponse};

/// The chunks of a file that comes back.
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
    pub async fn next(&mut self) -> Result<Option<ExportResponse>> {
        self.stream.message().await.map_err(|status| self.client.error(&status))
    }
}

/// The answers to a stream of questions.
pub type NearestAnswers = Answers<NearestStreamResponse>;

/// Answers to the messages of a stream, in the same order.
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
    pub async fn next_answer(&mut self) -> Result<Option<T>> {
        self.stream.message().await.map_err(|status| self.client.error(&status))
    }
}
