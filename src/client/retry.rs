//! How long a call may take, and which calls are made again.

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::{Duration, Instant};

use tonic::{Code, Request, Response, Status};

use crate::client::Client;
use crate::client::error::{CallError, Refusal, Result};

/// With these a server refuses before it has done anything, so that any call may be made again.
const REASONS: [&str; 5] =
    ["OVERLOADED", "SHUTTING_DOWN", "TABLE_BEHIND", "TABLE_ABSENT", "CONCURRENT_WRITE"];
/// Until a question is asked again whose connection broke; each next time takes longer.
const PAUSE: Duration = Duration::from_millis(100);
/// Until any call is made again, at most.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// How a client's unary calls are made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience {
    /// All attempts of a call together; none if it may take as long as it takes.
    pub(super) timeout: Option<Duration>,
    /// How often a call is made again at most.
    pub(super) retries: u32,
}

/// Whether a method only answers, so that to ask twice changes nothing.
fn is_question(method: &str) -> bool {
    const CHANGES: [&str; 11] = [
        "put_", "delete_", "set_", "create_", "copy_", "rename_", "remove_", "build_", "cancel_",
        "seed_", "train_",
    ];
    !CHANGES.iter().any(|change| method.starts_with(change))
}

impl Client {
    /// Makes a unary call of a method, again if it may be and should be.
    pub(super) async fn ask<Q, A, F>(
        &self,
        method: &str,
        request: Q,
        call: impl Fn(Request<Q>) -> F,
    ) -> Result<A>
    where
        Q: Clone,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let Patience { timeout, retries } = self.patience;
        let end = timeout.map(|timeout| Instant::now() + timeout);
        let mut attempt = 0;
        let mut request = Some(request);
        loop {
            // What is not asked again is not copied either.
            let question = if attempt < retries { request.clone() } else { request.take() };
            let Some(question) = question else { return Err(out_of_time()) };
            let mut question = self.asked(question);
            if let Some(end) = end {
                question.set_timeout(end.saturating_duration_since(Instant::now()));
            }
            let error = match self.answer(call(question).await) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause = if attempt < retries { pause(&error, attempt, method) } else { None };
            let Some(pause) = pause else { return Err(error) };
            if end.is_some_and(|end| Instant::now() + pause >= end) {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }
}

/// How long to wait before a call is made again; none if it should not be.
fn pause(error: &CallError, attempt: u32, method: &str) -> Option<Duration> {
    let (first, growth) = match error {
        CallError::Refused(refusal) => match refusal.retry_after {
            Some(after) if REASONS.contains(&refusal.reason.as_str()) => (after, 2_u32),
            // Something between here and a server said it.
            _ if refusal.code == Code::Unavailable
                && refusal.reason.is_empty()
                && is_question(method) =>
            {
                (PAUSE, 3)
            }
            _ => return None,
        },
        CallError::Lost { .. } | CallError::Unreachable { .. } if is_question(method) => (PAUSE, 3),
        CallError::Lost { .. }
        | CallError::Unreachable { .. }
        | CallError::Address { .. }
        | CallError::Key
        | CallError::Certificate { .. }
        | CallError::Source(_)
        | CallError::Detached(_) => return None,
    };
    let pause = first.saturating_mul(growth.saturating_pow(attempt)).min(PAUSE_MAX);
    // Callers that were refused together should not come back together: from half of it to all.
    let chance = RandomState::new().build_hasher().finish() % 512;
    Some(pause.mul_f64(0.5 + chance as f64 / 1_024.0))
}

/// The error of a call whose deadline passed before its answer came.
pub(super) fn out_of_time() -> CallError {
    CallError::Refused(Box::new(Refusal {
        code: Code::DeadlineExceeded,
        reason: "DEADLINE".to_owned(),
        message: "the call's deadline passed".to_owned(),
        ..Refusal::default()
    }))
}
