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
mod corpora;
mod error;
mod files;
mod health;
mod jobs;
mod replies;
mod retry;
mod streams;
mod unary;
mod upload;

use std::error::Error as StdError;
use std::sync::Arc;

use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Response, Status, TimeoutExpired};
use tonic_health::pb::health_client::HealthClient;

pub use crate::client::answers::{Answers, Export, NearestAnswers};
pub use crate::client::builder::ClientBuilder;
pub use crate::client::error::{CallError, Refusal, Result};
pub use crate::client::upload::{Joined, chunks};
pub use crate::error::Violation;
pub use crate::proto::*;
pub use tonic::Code;

use crate::client::builder::Credentials;
use crate::client::error::innermost;
use crate::client::retry::{Patience, out_of_time};
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
///
/// # Examples
///
/// ```no_run
/// # async fn ask() -> wordspace::client::Result<()> {
/// use wordspace::client::{Client, GetTableRequest};
///
/// let client = Client::connect("http://127.0.0.1:50051").await?;
/// // Clones share the connection, so that tasks have one each.
/// let clone = client.clone();
/// let told = tokio::spawn(async move {
///     clone.get_table(GetTableRequest { table: "en".to_owned() }).await
/// });
/// # Ok(())
/// # }
/// ```
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
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask() -> wordspace::client::Result<()> {
    /// use wordspace::client::{Client, ListTablesRequest};
    ///
    /// let client = Client::connect("http://127.0.0.1:50051").await?;
    /// for table in client.list_tables(ListTablesRequest {}).await?.tables {
    ///     println!("{}: {} rows", table.name, table.row_count);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(url: &str) -> Result<Self> {
        Self::builder(url).connect().await
    }

    /// A connection to be made to the server at `url`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask() -> wordspace::client::Result<()> {
    /// use wordspace::client::Client;
    ///
    /// let client = Client::builder("http://127.0.0.1:50051").retries(5).connect().await?;
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// use wordspace::client::{DeleteWordsRequest, LookupRequest};
    ///
    /// let table = "notes".to_owned();
    /// let queries = vec!["monarch".into()];
    /// let delete = DeleteWordsRequest { table, queries, ..DeleteWordsRequest::default() };
    /// let written = client.delete_words(delete).await?;
    /// // Whichever server answers has seen the write.
    /// let after = client.at_least(written.generation, written.sequence);
    /// let lookup = LookupRequest { table: "notes".to_owned(), ..LookupRequest::default() };
    /// after.lookup(lookup).await?;
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// // One for what is long, so that questions do not share its core.
    /// let for_imports = client.another().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn another(&self) -> Result<Self> {
        let other = ClientBuilder::clone(&self.builder).connect().await?;
        Ok(Self { least: self.least, ..other })
    }

    /// What its calls bring as `authorization`; none without a key.
    #[cfg(feature = "server")]
    pub(crate) fn authorization(&self) -> Option<String> {
        self.builder.authorization()
    }

    /// The server's address.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn ask(client: wordspace::client::Client) -> wordspace::client::Result<()> {
    /// println!("{} answers", client.url());
    /// # Ok(())
    /// # }
    /// ```
    pub fn url(&self) -> &str {
        &self.url
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

// They serve, too.
#[cfg(test)]
#[cfg(feature = "server")]
mod tests;
