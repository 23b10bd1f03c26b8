//! The only place where an `Error` becomes a gRPC status: code, reason, and details by its kind.

use std::collections::HashMap;
use std::time::Duration;

use tonic::codegen::http;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::error::{Error, ErrorKind, Violation};
use crate::limits;
use crate::proto as pb;
use crate::server::request_id::{self, REQUEST_ID_BYTES_MAX};

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
    set_request(&mut details);
    Status::with_error_details(code, shortened(&error.to_string(), TEXT_BYTES_MAX), details)
}

/// An error that no work of the engine met: of the form in which a call was asked.
pub(super) fn refusal(code: Code, reason: &str, text: &str) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    set_request(&mut details);
    Status::with_error_details(code, shortened(text, TEXT_BYTES_MAX), details)
}

/// The status of a stream that its caller reset.
pub(super) fn left() -> Status {
    let text = "the caller left before the end of its stream";
    let details = ErrorDetails::with_error_info("CANCELLED", DOMAIN, HashMap::new());
    Status::with_error_details(Code::Aborted, text, details)
}

fn log_fault(error: &Error) {
    if matches!(code_and_reason(error.kind()).0, Code::Internal | Code::DataLoss) {
        let request = request_id::current().map(tracing::field::display);
        tracing::error!(request, ?error, "a call failed by a fault of the server");
    }
}

/// Every error says which call it is the answer of, by the name that the log has.
fn set_request(details: &mut ErrorDetails) {
    if let Some(id) = request_id::current() {
        details.set_request_info(id.to_string(), "");
    }
}

/// The reasons of errors that tonic finds.
const TRANSPORT_REASONS: [(Code, &str); 6] = [
    (Code::InvalidArgument, "MALFORMED_MESSAGE"),
    (Code::Unimplemented, "UNSUPPORTED"),
    (Code::OutOfRange, "LIMIT_EXCEEDED"),
    (Code::Cancelled, "CANCELLED"),
    (Code::DeadlineExceeded, "DEADLINE"),
    (Code::NotFound, "NOT_FOUND"),
];

/// Gives the errors that the transport found by itself a reason, and messages that it could not read
/// the code of a caller's fault.
pub(super) fn complete(headers: &mut http::HeaderMap) {
    let is_error = headers.get(Status::GRPC_STATUS).is_some_and(|code| code != "0");
    if !is_error || headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        return;
    }
    let Some(found) = Status::from_header_map(headers) else { return };
    // Every error of ours has its details, so it was not the answer that could not be made.
    let is_malformed = found.code() == Code::Internal;
    let code = if is_malformed { Code::InvalidArgument } else { found.code() };
    let known = TRANSPORT_REASONS.iter().find(|(of, _)| *of == code);
    let reason = known.map_or("INTERNAL", |(_, reason)| reason);
    let text = match found.message() {
        "" if code == Code::Unimplemented => "this server has no such method",
        text => text,
    };
    let text = shortened(text, TEXT_BYTES_MAX);
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    set_request(&mut details);
    let told = Status::with_error_details(code, text, details);
    if let Err(error) = told.add_header(headers) {
        tracing::error!(%error, "an error could not be told");
    }
}

/// Every reason that the contract tells.
const REASONS: [&str; 38] = [
    "ALIAS_EXISTS",
    "ALIAS_NOT_FOUND",
    "CANCELLED",
    "CONCURRENT_WRITE",
    "CORRUPT",
    "DEADLINE",
    "DIMENSION_MISMATCH",
    "DISK_FULL",
    "FORBIDDEN",
    "FOREIGN_VERSION",
    "IDLE_STREAM",
    "INTERNAL",
    "INVALID_FIELD",
    "JOB_NOT_FOUND",
    "LIMIT_EXCEEDED",
    "MALFORMED_FILE",
    "MALFORMED_MESSAGE",
    "MODEL_EXISTS",
    "MODEL_NOT_FOUND",
    "NOT_FINITE",
    "NOT_FOUND",
    "OVERLOADED",
    "RATE_LIMITED",
    "SHUTTING_DOWN",
    "STORAGE",
    "TABLE_ABSENT",
    "TABLE_BEHIND",
    "TABLE_EXISTS",
    "TABLE_NOT_FOUND",
    "TEST_SET_EXISTS",
    "TEST_SET_NOT_FOUND",
    "TOKENIZER_EXISTS",
    "TOKENIZER_NOT_FOUND",
    "UNAUTHENTICATED",
    "UNKNOWN_WORDS",
    "UNSUITED_TABLE",
    "UNSUPPORTED",
    "WORDS_EXIST",
];

/// What came of a call: the names of its code and its reason.
pub(super) type End = (&'static str, &'static str);

/// A call that was answered.
pub(super) const ANSWERED: End = ("OK", "");

/// What an error makes of its call.
pub(super) fn end_of(error: &Status) -> End {
    let told = error.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    let reason = REASONS.into_iter().find(|known| **known == told);
    (code_name(error.code()), reason.unwrap_or("other"))
}

/// The name that gRPC's documents give to a code.
pub(super) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Bytes of an error's text, as sent.
const TEXT_BYTES_MAX: usize = 1 << 10;
/// Bytes of a list in the details of an error: of its words, or of its bad fields.
const LIST_BYTES_MAX: usize = 1_280;
/// Bytes of a name and of what else is told once in the details.
const NAME_BYTES_MAX: usize = 256;

// The text travels twice, once within the details; three names, what the call is called, and the types of
// the messages beside the list. Details are sent in base64, where three bytes become four.
const _: () = assert!(
    TEXT_BYTES_MAX
        + (TEXT_BYTES_MAX + LIST_BYTES_MAX + 3 * NAME_BYTES_MAX + REQUEST_ID_BYTES_MAX + 448) * 4
            / 3
        <= limits::ERROR_BYTES_MAX
);

/// Bytes of a character as the text of an error is sent, where most but letters and digits are
/// tripled.
fn sent_bytes(char: char) -> usize {
    match char {
        '"' | '#' | '%' | '<' | '>' | '`' | '?' | '{' | '}' => 3,
        plain if plain.is_ascii_graphic() => 1,
        other => 3 * other.len_utf8(),
    }
}

/// Cuts a text so that it takes no more bytes when sent as the text of an error.
fn shortened(text: &str, bytes_max: usize) -> String {
    const MORE: &str = "...";
    let (mut room, mut whole, mut cut) = (bytes_max, true, 0);
    for (at, char) in text.char_indices() {
        let Some(left) = room.checked_sub(sent_bytes(char)) else {
            whole = false;
            break;
        };
        if left >= MORE.len() {
            cut = at + char.len_utf8();
        }
        room = left;
    }
    if whole { text.to_owned() } else { format!("{}{MORE}", &text[..cut]) }
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
    let entry = |word: &String| serde_json::Value::from(word.as_str()).to_string().len() + 1;
    // A longer word has no room, and would take long to write.
    let short = words.iter().take_while(|word| word.len() <= LIST_BYTES_MAX);
    let shown = fitting(short.map(entry));
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

/// The status that one question among many would have had, as a message.
pub(super) fn status_told(status: &Status) -> pb::QueryError {
    let details = status.get_error_details();
    let info = details.error_info();
    let bad = details.bad_request().map(|bad| bad.field_violations.as_slice());
    let violations = bad.unwrap_or_default().iter().map(|bad| pb::query_error::Violation {
        field: bad.field.clone(),
        problem: bad.description.clone(),
    });
    pb::QueryError {
        code: status.code().into(),
        reason: info.map(|info| info.reason.clone()).unwrap_or_default(),
        message: status.message().to_owned(),
        metadata: info.map(|info| info.metadata.clone()).unwrap_or_default(),
        violations: violations.collect(),
    }
}

/// The error of a job that ended before, as a message.
pub(super) fn message(error: &Error) -> pb::QueryError {
    let mut violations: &[Violation] = &[];
    if let ErrorKind::InvalidArgument { violations: all } = error.kind() {
        violations = all;
    }
    let violation = |violation: &Violation| pb::query_error::Violation {
        field: shortened(&violation.field, NAME_BYTES_MAX),
        problem: shortened(&violation.problem, TEXT_BYTES_MAX),
    };
    pb::QueryError {
        code: code_and_reason(error.kind()).0.into(),
        reason: code_and_reason(error.kind()).1.to_owned(),
        message: shortened(&error.to_string(), TEXT_BYTES_MAX),
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
        ErrorKind::AliasNotFound { .. } => (Code::NotFound, "ALIAS_NOT_FOUND"),
        ErrorKind::AliasExists { .. } => (Code::AlreadyExists, "ALIAS_EXISTS"),
        ErrorKind::TokenizerNotFound { .. } => (Code::NotFound, "TOKENIZER_NOT_FOUND"),
        ErrorKind::TokenizerExists { .. } => (Code::AlreadyExists, "TOKENIZER_EXISTS"),
        ErrorKind::TestSetNotFound { .. } => (Code::NotFound, "TEST_SET_NOT_FOUND"),
        ErrorKind::TestSetExists { .. } => (Code::AlreadyExists, "TEST_SET_EXISTS"),
        ErrorKind::ModelNotFound { .. } => (Code::NotFound, "MODEL_NOT_FOUND"),
        ErrorKind::ModelExists { .. } => (Code::AlreadyExists, "MODEL_EXISTS"),
        ErrorKind::Unsuited { .. } => (Code::FailedPrecondition, "UNSUITED_TABLE"),
        ErrorKind::Conflict { .. } | ErrorKind::Superseded { .. } => {
            (Code::Aborted, "CONCURRENT_WRITE")
        }
        ErrorKind::Behind { .. } => (Code::Aborted, "TABLE_BEHIND"),
        ErrorKind::Absent { .. } => (Code::Unavailable, "TABLE_ABSENT"),
        ErrorKind::Unauthenticated { .. } => (Code::Unauthenticated, "UNAUTHENTICATED"),
        ErrorKind::Forbidden { .. } => (Code::PermissionDenied, "FORBIDDEN"),
        ErrorKind::RateLimited { .. } => (Code::ResourceExhausted, "RATE_LIMITED"),
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
        ErrorKind::NotFinite { at } => vec![("at", shortened(at, NAME_BYTES_MAX))],
        ErrorKind::Malformed { format, at, .. } => {
            vec![("format", (*format).to_owned()), ("at", at.to_string())]
        }
        ErrorKind::TooLarge { limit, max, got } => {
            vec![("limit", (*limit).to_owned()), ("max", max.to_string()), ("got", got.to_string())]
        }
        ErrorKind::UnknownWords { words } | ErrorKind::WordsExist { words } => words_told(words),
        ErrorKind::Behind { generation, sequence, .. } => {
            vec![("generation", generation.to_string()), ("sequence", sequence.to_string())]
        }
        ErrorKind::Superseded { epoch } => vec![("epoch", epoch.to_string())],
        ErrorKind::AliasExists { table, .. } => vec![("table", table.clone())],
        ErrorKind::Idle { seconds } => {
            vec![("seconds", seconds.to_string())]
        }
        ErrorKind::ForeignVersion { expected, got, .. } => {
            vec![("expected", expected.to_string()), ("got", got.to_string())]
        }
        ErrorKind::InvalidArgument { .. }
        | ErrorKind::TableNotFound { .. }
        | ErrorKind::TableExists { .. }
        | ErrorKind::AliasNotFound { .. }
        | ErrorKind::TokenizerNotFound { .. }
        | ErrorKind::TokenizerExists { .. }
        | ErrorKind::TestSetNotFound { .. }
        | ErrorKind::TestSetExists { .. }
        | ErrorKind::ModelNotFound { .. }
        | ErrorKind::ModelExists { .. }
        | ErrorKind::Unsuited { .. }
        | ErrorKind::Conflict { .. }
        | ErrorKind::Absent { .. }
        | ErrorKind::Unauthenticated { .. }
        | ErrorKind::Forbidden { .. }
        | ErrorKind::RateLimited { .. }
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

fn set_resource(details: &mut ErrorDetails, of: &str, name: &str, kind: &ErrorKind) {
    let told = shortened(&kind.to_string(), NAME_BYTES_MAX);
    details.set_resource_info(of, shortened(name, NAME_BYTES_MAX), "", told);
}

fn add_details(details: &mut ErrorDetails, kind: &ErrorKind) {
    match kind {
        ErrorKind::InvalidArgument { violations } => {
            let length =
                |violation: &Violation| violation.field.len() + violation.problem.len() + 6;
            let room = LIST_BYTES_MAX / 2;
            let shown = fitting(violations.iter().map(length)).max(1);
            for violation in violations.iter().take(shown) {
                let problem = shortened(&violation.problem, room);
                details.add_bad_request_violation(shortened(&violation.field, room), problem);
            }
            if shown < violations.len() {
                let more = format!("and {} more fields", violations.len() - shown);
                details.add_bad_request_violation("...", more);
            }
        }
        ErrorKind::TableNotFound { name } | ErrorKind::TableExists { name } => {
            set_resource(details, "table", name, kind);
        }
        ErrorKind::AliasNotFound { name } | ErrorKind::AliasExists { name, .. } => {
            set_resource(details, "alias", name, kind);
        }
        ErrorKind::TokenizerNotFound { name } | ErrorKind::TokenizerExists { name } => {
            set_resource(details, "tokenizer", name, kind);
        }
        ErrorKind::TestSetNotFound { name } | ErrorKind::TestSetExists { name } => {
            set_resource(details, "test set", name, kind);
        }
        ErrorKind::ModelNotFound { name } | ErrorKind::ModelExists { name } => {
            set_resource(details, "language model", name, kind);
        }
        ErrorKind::JobNotFound { id } => {
            details.set_resource_info("job", id.to_string(), "", kind.to_string());
        }
        ErrorKind::Unsuited { operation, because } => {
            let because = shortened(because, NAME_BYTES_MAX);
            details.add_precondition_failure_violation("TABLE", *operation, because);
        }
        ErrorKind::Conflict { .. }
        | ErrorKind::Behind { .. }
        | ErrorKind::Absent { .. }
        | ErrorKind::Overloaded
        | ErrorKind::Closing => {
            details.set_retry_info(Some(RETRY_AFTER));
        }
        ErrorKind::RateLimited { wait, .. } => {
            details.set_retry_info(Some(*wait));
        }
        ErrorKind::DimensionMismatch { .. }
        | ErrorKind::Superseded { .. }
        | ErrorKind::Unauthenticated { .. }
        | ErrorKind::Forbidden { .. }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::request_id::RequestId;

    /// Bytes of the trailers that tell an error.
    fn sent(status: &Status) -> usize {
        let headers = status.clone().into_http::<()>().into_parts().0.headers;
        headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum()
    }

    #[test]
    fn every_error_arrives_whatever_it_lists() {
        let texts = ["a", "k\u{f6}nig", "\u{738b}\u{540e}", "\"\\\u{1}%", "x y z ? { }"];
        for text in texts {
            for (length, count) in [(1, 100_000), (20, 400), (3_000, 3), (100_000, 2)] {
                let long = text.repeat(length);
                let words = vec![long.clone(); count];
                let violation = Violation { field: long.clone(), problem: long.clone() };
                let at = crate::error::At::Line(1);
                for kind in [
                    ErrorKind::UnknownWords { words: words.clone() },
                    ErrorKind::WordsExist { words },
                    ErrorKind::InvalidArgument { violations: vec![violation; count.min(200)] },
                    ErrorKind::NotFinite { at: long.clone() },
                    ErrorKind::TableNotFound { name: long.clone() },
                    ErrorKind::TestSetExists { name: long.clone() },
                    ErrorKind::Unsuited { operation: "similarity", because: long.clone() },
                    ErrorKind::Malformed { format: "glove", at, problem: long.clone() },
                ] {
                    let error = Error::new(kind).context(long.clone());
                    let id = RequestId::Given("x".repeat(REQUEST_ID_BYTES_MAX).into());
                    let status = id.sync_scope(|| status(&error));
                    let bytes = sent(&status);
                    assert!(bytes <= limits::ERROR_BYTES_MAX, "{bytes} bytes: {status:?}");
                }
            }
        }
    }

    #[test]
    fn every_reason_of_the_contract_is_known() {
        let contract = include_str!("../../proto/wordspace/v1/common.proto");
        let is_reason = |word: &str| {
            word.len() > 3 && word.bytes().all(|b| b == b'_' || b.is_ascii_uppercase())
        };
        let told = contract.lines().take(70).filter_map(|line| line.strip_prefix("//   "));
        let told = told.filter(|line| !line.starts_with(' '));
        let words = told.flat_map(|line| line.split("  ").next().unwrap_or("").split(", "));
        let mut told: Vec<_> = words
            .flat_map(|words| words.split(' ').take(1))
            .filter(|word| is_reason(word))
            .collect();
        told.sort_unstable();
        assert_eq!(told, REASONS);
    }

    #[test]
    fn what_has_no_room_is_counted() {
        let words: Vec<String> = (0..1_000).map(|i| format!("word-number-{i}")).collect();
        let status = status(&Error::new(ErrorKind::UnknownWords { words: words.clone() }));
        let told = status.get_details_error_info().unwrap().metadata;
        let shown: Vec<String> = serde_json::from_str(&told["words"]).unwrap();
        let left_out: usize = told["words_left_out"].parse().unwrap();
        assert_eq!(shown, words[..shown.len()]);
        assert_eq!(shown.len() + left_out, words.len());
        assert!(shown.len() > 50 && status.message().ends_with("..."));
    }
}
