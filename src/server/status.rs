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
    log_fault(error);
    let (code, reason) = code_and_reason(error.kind());
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, metadata(error.kind()));
    add_details(&mut details, error.kind());
    Status::with_error_details(code, shortened(error.to_string()), details)
}

fn log_fault(error: &Error) {
    if matches!(code_and_reason(error.kind()).0, Code::Internal | Code::DataLoss) {
        tracing::error!(?error, "a call failed by a fault of the server");
    }
}

/// Bytes of an error's text, and of a list in its details. It travels in a header, where clients
/// take 16 KiB of everything together by default, spaces tripled.
const TEXT_BYTES_MAX: usize = 2 << 10;
const LIST_BYTES_MAX: usize = 4 << 10;

fn shortened(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push_str("...");
    }
    text
}

/// How many entries of these lengths have room.
fn fitting(lengths: impl Iterator<Item = usize>) -> usize {
    let mut room = LIST_BYTES_MAX;
    let fits = |length: &usize| {
        let left = room.checked_sub(*length);
        room = left.unwrap_or(0);
        left.is_some()
    };
    lengths.take_while(fits).count()
}

/// Words as a JSON array, and how many had no room.
fn words_told(words: &[String]) -> Vec<(&'static str, String)> {
    let shown = fitting(words.iter().map(|word| word.len() + 3));
    let mut told = vec![("words", serde_json::Value::from(&words[..shown]).to_string())];
    if shown < words.len() {
        told.push(("words_left_out", (words.len() - shown).to_string()));
    }
    told
}

/// The error of one question among many, as a message.
pub(super) fn told(error: &Error) -> pb::QueryError {
    log_fault(error);
    message(error)
}

/// The error of a job that ended before, as a message.
pub(super) fn message(error: &Error) -> pb::QueryError {
    let mut violations: &[Violation] = &[];
    if let ErrorKind::InvalidArgument { violations: all } = error.kind() {
        violations = all;
    }
    let violation = |violation: &Violation| pb::query_error::Violation {
        field: violation.field.clone(),
        problem: violation.problem.clone(),
    };
    pb::QueryError {
        code: code_and_reason(error.kind()).0.into(),
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
        ErrorKind::TokenizerNotFound { .. } => (Code::NotFound, "TOKENIZER_NOT_FOUND"),
        ErrorKind::TokenizerExists { .. } => (Code::AlreadyExists, "TOKENIZER_EXISTS"),
        ErrorKind::TestSetNotFound { .. } => (Code::NotFound, "TEST_SET_NOT_FOUND"),
        ErrorKind::TestSetExists { .. } => (Code::AlreadyExists, "TEST_SET_EXISTS"),
        ErrorKind::Unsuited { .. } => (Code::FailedPrecondition, "UNSUITED_TABLE"),
        ErrorKind::Conflict { .. } => (Code::Aborted, "CONCURRENT_WRITE"),
        ErrorKind::Overloaded => (Code::ResourceExhausted, "OVERLOADED"),
        ErrorKind::DiskFull => (Code::ResourceExhausted, "DISK_FULL"),
        ErrorKind::Closing => (Code::Unavailable, "SHUTTING_DOWN"),
        ErrorKind::Deadline => (Code::DeadlineExceeded, "DEADLINE"),
        ErrorKind::Cancelled => (Code::Cancelled, "CANCELLED"),
        ErrorKind::Idle { .. } => (Code::Aborted, "IDLE_STREAM"),
        ErrorKind::JobNotFound { .. } => (Code::NotFound, "JOB_NOT_FOUND"),
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
        ErrorKind::UnknownWords { words } | ErrorKind::WordsExist { words } => words_told(words),
        ErrorKind::Idle { seconds } => {
            vec![("limit", "STREAM_IDLE_SECONDS".to_owned()), ("seconds", seconds.to_string())]
        }
        ErrorKind::ForeignVersion { expected, got, .. } => {
            vec![("expected", expected.to_string()), ("got", got.to_string())]
        }
        ErrorKind::InvalidArgument { .. }
        | ErrorKind::TableNotFound { .. }
        | ErrorKind::TableExists { .. }
        | ErrorKind::TokenizerNotFound { .. }
        | ErrorKind::TokenizerExists { .. }
        | ErrorKind::TestSetNotFound { .. }
        | ErrorKind::TestSetExists { .. }
        | ErrorKind::Unsuited { .. }
        | ErrorKind::Conflict { .. }
        | ErrorKind::Overloaded
        | ErrorKind::DiskFull
        | ErrorKind::Closing
        | ErrorKind::Deadline
        | ErrorKind::Cancelled
        | ErrorKind::JobNotFound { .. }
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
            let length =
                |violation: &Violation| violation.field.len() + violation.problem.len() + 6;
            let shown = fitting(violations.iter().map(length)).max(1);
            for violation in violations.iter().take(shown) {
                let problem = shortened(violation.problem.clone());
                details.add_bad_request_violation(shortened(violation.field.clone()), problem);
            }
            if shown < violations.len() {
                let more = format!("and {} more fields", violations.len() - shown);
                details.add_bad_request_violation("...", more);
            }
        }
        ErrorKind::TableNotFound { name } | ErrorKind::TableExists { name } => {
            details.set_resource_info("table", name, "", kind.to_string());
        }
        ErrorKind::TokenizerNotFound { name } | ErrorKind::TokenizerExists { name } => {
            details.set_resource_info("tokenizer", name, "", kind.to_string());
        }
        ErrorKind::TestSetNotFound { name } | ErrorKind::TestSetExists { name } => {
            details.set_resource_info("test set", name, "", kind.to_string());
        }
        ErrorKind::JobNotFound { id } => {
            details.set_resource_info("job", id.to_string(), "", kind.to_string());
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
        | ErrorKind::Idle { .. }
        | ErrorKind::Unsupported { .. }
        | ErrorKind::Corrupt { .. }
        | ErrorKind::ForeignVersion { .. }
        | ErrorKind::Storage
        | ErrorKind::Internal => {}
    }
}
