//! Why a call has no answer, and a server's error with its details.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::time::Duration;
use std::{fmt, io};

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::error::Violation;

/// The result of a call.
///
/// # Examples
///
/// ```
/// use wordspace::client::{Client, ListTablesRequest, Result};
///
/// async fn count(client: &Client) -> Result<usize> {
///     Ok(client.list_tables(ListTablesRequest {}).await?.tables.len())
/// }
/// ```
pub type Result<T, E = CallError> = std::result::Result<T, E>;

/// Why a call has no answer.
///
/// # Examples
///
/// ```
/// use wordspace::client::{CallError, Code};
///
/// fn advice(error: &CallError) -> String {
///     match error {
///         CallError::Refused(refusal) if refusal.code == Code::NotFound => "is it there?".to_owned(),
///         CallError::Unreachable { url, .. } => format!("does a server run at {url}?"),
///         error => error.to_string(),
///     }
/// }
/// let url = "http://127.0.0.1:1".to_owned();
/// let error = CallError::Unreachable { url, problem: "refused".to_owned() };
/// assert_eq!(advice(&error), "does a server run at http://127.0.0.1:1?");
/// ```
#[derive(Debug)]
pub enum CallError {
    /// The address is no URL of a server.
    Address {
        /// As given.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The key holds characters that cannot be sent; it is not told.
    Key,
    /// A certificate, its private key, or the file of an authority cannot be right.
    Certificate {
        /// Which of them, and why.
        problem: String,
    },
    /// Nobody answers at the address.
    Unreachable {
        /// The server's address.
        url: String,
        /// What the network said.
        problem: String,
    },
    /// The connection broke before the answer was complete.
    Lost {
        /// The server's address.
        url: String,
        /// What the network said.
        problem: String,
    },
    /// The server answered with an error.
    Refused(Box<Refusal>),
    /// What was to be imported cannot be read.
    Source(io::Error),
    /// No error: the call asked for a detached job (`detach`), which goes on alone under this number.
    Detached(u64),
}

impl CallError {
    /// Whether the same call may succeed when the server is there again.
    ///
    /// # Examples
    ///
    /// ```
    /// use wordspace::client::CallError;
    ///
    /// assert!(!CallError::Key.is_lost());
    /// let url = "http://127.0.0.1:50051".to_owned();
    /// assert!(CallError::Lost { url, problem: "reset".to_owned() }.is_lost());
    /// ```
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Lost { .. } => true,
            Self::Refused(refusal) => matches!(refusal.code, Code::Unavailable | Code::Aborted),
            Self::Address { .. }
            | Self::Key
            | Self::Certificate { .. }
            | Self::Source(_)
            | Self::Detached(_) => false,
        }
    }
}

/// A server's error.
///
/// # Examples
///
/// ```
/// use wordspace::client::{Code, Refusal};
///
/// let refusal = Refusal {
///     code: Code::NotFound,
///     reason: "UNKNOWN_WORDS".to_owned(),
///     metadata: [("words".to_owned(), "[\"qeen\"]".to_owned())].into(),
///     ..Refusal::default()
/// };
/// // Programs look at the reason, which never changes its meaning; the message is for people.
/// assert_eq!((refusal.reason.as_str(), refusal.metadata["words"].as_str()), ("UNKNOWN_WORDS", "[\"qeen\"]"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// gRPC's code.
    pub code: Code,
    /// `google.rpc.ErrorInfo.reason`, such as `UNKNOWN_WORDS`; `common.proto` has the list. Empty
    /// if what answered is no wordspace server.
    pub reason: String,
    /// A sentence for a person.
    pub message: String,
    /// `google.rpc.ErrorInfo.metadata`.
    pub metadata: BTreeMap<String, String>,
    /// `google.rpc.BadRequest`: every bad field.
    pub violations: Vec<Violation>,
    /// `google.rpc.RetryInfo`: after how long the server says that the call may be made again.
    pub retry_after: Option<Duration>,
    /// `google.rpc.RequestInfo`: what the server's log calls the call; empty if it tells none.
    pub request_id: String,
}

impl Default for Refusal {
    /// Of a server that said nothing more.
    fn default() -> Self {
        Self {
            code: Code::Unknown,
            reason: String::new(),
            message: String::new(),
            metadata: BTreeMap::new(),
            violations: Vec::new(),
            retry_after: None,
            request_id: String::new(),
        }
    }
}

impl From<&Status> for Refusal {
    fn from(status: &Status) -> Self {
        let details = status.get_error_details();
        let (reason, metadata) = details
            .error_info()
            .map(|info| (info.reason.clone(), info.metadata.clone().into_iter().collect()))
            .unwrap_or_default();
        let violations = details.bad_request().map_or_else(Vec::new, |bad| {
            let violations = bad.field_violations.iter();
            violations
                .map(|v| Violation { field: v.field.clone(), problem: v.description.clone() })
                .collect()
        });
        let retry_after = details.retry_info().and_then(|info| info.retry_delay);
        let message = status.message().to_owned();
        let request_id = details.request_info().map(|info| info.request_id.clone());
        let request_id = request_id.unwrap_or_default();
        Self { code: status.code(), reason, message, metadata, violations, retry_after, request_id }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { url, problem } => {
                write!(f, "\"{url}\" is not the address of a server: {problem}")
            }
            Self::Key => {
                write!(f, "the key cannot be sent: it holds characters that no key has")
            }
            Self::Certificate { problem } => {
                write!(f, "what is to prove the connection cannot be used: {problem}")
            }
            Self::Unreachable { url, problem } => write!(
                f,
                "no wordspace server answers at {url} ({problem}); start one with \
                 `wordspace serve --data DIR`"
            ),
            Self::Lost { url, problem } => {
                write!(f, "the connection to {url} was lost: {problem}")
            }
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Source(error) => write!(f, "what is to be imported cannot be read: {error}"),
            Self::Detached(id) => write!(f, "job {id} goes on alone"),
        }
    }
}

impl StdError for CallError {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.message.as_str(), self.reason.as_str()) {
            ("", "") => write!(
                f,
                "the server answered {:?} without a reason; is it a wordspace server?",
                self.code
            ),
            ("", reason) => f.write_str(reason),
            (message, _) => f.write_str(message),
        }
    }
}

/// The cause at the end of the chain: the layers above it say "transport error".
pub(super) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
