//! The only place where an `Error` becomes a gRPC status: code, reason, and details by its kind.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::error::{Error, ErrorKind, Violation};
use crate::proto as pb;

/// The `domain` of every `google.rpc.ErrorInfo`.
const DOMAIN: &str = "wordspace";

/// How long a caller that was refused for a moment should wait.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// The status that tells the caller what happened. A fault of the server is logged here with its
/// cause, which the caller does not get.
pub(super) fn status(error: &Error) -> Status {
    let (code, reason) = code_and_reason(error.kind());
    if matches!(code, Code::Internal | Code::DataLoss) {
        tracing::error!(?error, "a call failed by a fault of the server");
    }
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, metadata(error.kind()));
    add_details(&mut details, error.kind());
    Status::with_error_details(code, error.to_string(), details)
}

/// The error of one question among many, as a message.
pub(super) fn told(error: &Error) -> pb::QueryError {
    let status = status(error);
    let mut violations: &[Violation] = &[];
    if let ErrorKind::InvalidArgument { violations: all } = error.kind() {
        violations = all;
    }
    let violation = |violation: &Violation| pb::query_error::Violation {
        field: violation.field.clone(),
        problem: violation.problem.clone(),
    };
    pb::QueryError {
        code: status.code().into(),
        reason: code_and_reason(error.kind()).1.to_owned(),
        message: error.to_string(),
        metadata: metadata(error.kind()),
        violations: violations.iter().map(violation).collect(),
    }
}

fn code_and_reason(kind: &ErrorKind) -> (Code, &'static str) {
    match kind {
        ErrorKind::InvalidArgument { .. } => (Code::InvalidArgument, "INVALID_FIELD"),
        ErrorKind::DimensionMismatch { .. } => (Code::InvalidArgument, "DIMENSION_MISMATCH"),
        ErrorKind::NotFinite { .. } => (Code::InvalidArgument, "NOT_FINITE"),
        ErrorKind::Malformed { .. } => (Code::InvalidArgument, "MALFORMED_FILE"),
        ErrorKind::TooLarge { .. } => (Code::InvalidArgument, "LIMIT_EXCEEDED"),
        ErrorKind::UnknownWords { .. } => (Code::NotFound, "UNKNOWN_WORDS"),
        ErrorKind::WordsExist { .. } => (Code::AlreadyExists, "WORDS_EXIST"),
        ErrorKind::TableNotFound { .. } => (Code::NotFound, "TABLE_NOT_FOUND"),
        ErrorKind::TableExists { .. } => (Code::AlreadyExists, "TABLE_EXISTS"),
        ErrorKind::Unsuited { .. } => (Code::FailedPrecondition, "UNSUITED_TABLE"),
        ErrorKind::Conflict { .. } => (Code::Aborted, "CONCURRENT_WRITE"),
        ErrorKind::Overloaded => (Code::ResourceExhausted, "OVERLOADED"),
        ErrorKind::DiskFull => (Code::ResourceExhausted, "DISK_FULL"),
        ErrorKind::Closing => (Code::Unavailable, "SHUTTING_DOWN"),
        ErrorKind::Deadline => (Code::DeadlineExceeded, "DEADLINE"),
        ErrorKind::Cancelled => (Code::Cancelled, "CANCELLED"),
        ErrorKind::Unsupported { .. } => (Code::Unimplemented, "UNSUPPORTED"),
        ErrorKind::Corrupt { .. } => (Code::DataLoss, "CORRUPT"),
        ErrorKind::ForeignVersion { .. } => (Code::FailedPrecondition, "FOREIGN_VERSION"),
        ErrorKind::Storage => (Code::Internal, "STORAGE"),
        ErrorKind::Internal => (Code::Internal, "INTERNAL"),
    }
}

fn metadata(kind: &ErrorKind) -> HashMap<String, String> {
    let pairs: Vec<(&str, String)> = match kind {
        ErrorKind::DimensionMismatch { expected, got } => {
            vec![("expected", expected.to_string()), ("got", got.to_string())]
        }
        ErrorKind::NotFinite { at } => vec![("at", at.clone())],
        ErrorKind::Malformed { format, at, .. } => {
            vec![("format", (*format).to_owned()), ("at", at.to_string())]
        }
        ErrorKind::TooLarge { limit, max, got } => {
            vec![("limit", (*limit).to_owned()), ("max", max.to_string()), ("got", got.to_string())]
        }
        ErrorKind::UnknownWords { words } | ErrorKind::WordsExist { words } => {
            vec![("words", serde_json::Value::from(words.as_slice()).to_string())]
        }
        ErrorKind::ForeignVersion { expected, got, .. } => {
            vec![("expected", expected.to_string()), ("got", got.to_string())]
        }
        ErrorKind::InvalidArgument { .. }
        | ErrorKind::TableNotFound { .. }
        | ErrorKind::TableExists { .. }
        | ErrorKind::Unsuited { .. }
        | ErrorKind::Conflict { .. }
        | ErrorKind::Overloaded
        | ErrorKind::DiskFull
        | ErrorKind::Closing
        | ErrorKind::Deadline
        | ErrorKind::Cancelled
        | ErrorKind::Unsupported { .. }
        | ErrorKind::Corrupt { .. }
        | ErrorKind::Storage
        | ErrorKind::Internal => Vec::new(),
    };
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn add_details(details: &mut ErrorDetails, kind: &ErrorKind) {
    match kind {
        ErrorKind::InvalidArgument { violations } => {
            for violation in violations {
                details.add_bad_request_violation(&violation.field, &violation.problem);
            }
        }
        ErrorKind::TableNotFound { name } | ErrorKind::TableExists { name } => {
            details.set_resource_info("table", name, "", kind.to_string());
        }
        ErrorKind::Unsuited { operation, because } => {
            details.add_precondition_failure_violation("TABLE", *operation, because);
        }
        ErrorKind::Conflict { .. } | ErrorKind::Overloaded | ErrorKind::Closing => {
            details.set_retry_info(Some(RETRY_AFTER));
        }
        ErrorKind::DimensionMismatch { .. }
        | ErrorKind::NotFinite { .. }
        | ErrorKind::Malformed { .. }
        | ErrorKind::TooLarge { .. }
        | ErrorKind::UnknownWords { .. }
        | ErrorKind::WordsExist { .. }
        | ErrorKind::DiskFull
        | ErrorKind::Deadline
        | ErrorKind::Cancelled
        | ErrorKind::Unsupported { .. }
        | ErrorKind::Corrupt { .. }
        | ErrorKind::ForeignVersion { .. }
        | ErrorKind::Storage
        | ErrorKind::Internal => {}
    }
}
