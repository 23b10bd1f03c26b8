//! An error as `application/problem+json` (RFC 9457), with the reason that gRPC tells.

use serde_json::{Map, Value, json};
use tonic::codegen::http::StatusCode;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::server::status::code_name;

/// An error, as it is told over HTTP.
#[derive(Debug)]
pub(in crate::server) struct Problem {
    pub(in crate::server) status: StatusCode,
    pub(in crate::server) text: String,
    /// Seconds after which the same call may succeed.
    pub(in crate::server) retry_after: Option<u64>,
}

/// What an error of gRPC is over HTTP; `status` where it says more than the code does.
pub(in crate::server) fn problem(error: &Status, status: Option<StatusCode>) -> Problem {
    let status = status.unwrap_or_else(|| status_of(error.code()));
    let mut told = told(error);
    told.insert("status".to_owned(), status.as_u16().into());
    let details = error.get_error_details();
    let wait = details.retry_info().and_then(|info| info.retry_delay);
    let retry_after = wait.map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
    Problem { status, text: format!("{}\n", Value::Object(told)), retry_after }
}

/// The last line of a stream that ends with an error.
pub(in crate::server) fn line(error: &Status) -> String {
    let mut told = told(error);
    told.insert("status".to_owned(), status_of(error.code()).as_u16().into());
    format!("{}\n", json!({ "problem": told }))
}

fn told(error: &Status) -> Map<String, Value> {
    let details = error.get_error_details();
    let info = details.error_info();
    let reason = info.map_or("", |info| info.reason.as_str());
    let mut told = Map::new();
    let mut tell = |name: &str, value: Value| told.insert(name.to_owned(), value);
    tell("title", if reason.is_empty() { code_name(error.code()) } else { reason }.into());
    tell("detail", error.message().into());
    tell("code", code_name(error.code()).into());
    tell("reason", reason.into());
    if let Some(info) = info.filter(|info| !info.metadata.is_empty()) {
        tell("metadata", json!(info.metadata));
    }
    if let Some(request) = details.request_info() {
        tell("request_id", request.request_id.as_str().into());
    }
    if let Some(bad) = details.bad_request() {
        let violations = bad.field_violations.iter();
        let violations =
            violations.map(|one| json!({ "field": one.field, "problem": one.description }));
        tell("violations", violations.collect());
    }
    told
}

/// As google.rpc.Code maps codes.
fn status_of(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        // What others call "client closed request"; nobody is there to read it.
        Code::Cancelled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            StatusCode::BAD_REQUEST
        }
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
