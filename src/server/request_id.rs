//! `RequestId`: what a call is called in the log, and in the errors that it is answered with.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use tonic::codegen::http::HeaderMap;

/// The header in which callers, and what stands before the server, may bring one of their own.
const HEADER: &str = "x-request-id";
/// Bytes of one that is taken over.
pub(super) const REQUEST_ID_BYTES_MAX: usize = 64;

/// Tells the calls of one process from those of another.
static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0) & 0xffff_ffff);
/// Only a count: nothing else is read or written by its order.
static NEXT: AtomicU64 = AtomicU64::new(1);

tokio::task_local! {
    /// That of the call which this task answers.
    static CURRENT: RequestId;
}

/// What a call is called. It becomes a text where it is told, which is seldom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RequestId {
    /// The number of a call whose caller brought none.
    Counted(u64),
    /// What its caller calls it.
    Given(Arc<str>),
}

impl RequestId {
    /// The one that a call brings, if it can stand in a log, or a new one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(HEADER).and_then(|value| value.to_str().ok());
        let is_plain = |text: &&str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&byte);
            (1..=REQUEST_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)
        };
        match given.filter(is_plain) {
            Some(text) => Self::Given(text.into()),
            None => Self::Counted(NEXT.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// Does work by this name.
    pub(super) fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// The same, where nothing is waited for.
    #[cfg(test)]
    pub(super) fn sync_scope<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counted(number) => write!(f, "{:08x}-{number}", *PROCESS),
            Self::Given(text) => f.write_str(text),
        }
    }
}

/// The name of the call that is answered here; none where no call is.
pub(super) fn current() -> Option<RequestId> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Work for another task, by the name of the call that is answered here.
pub(super) async fn carried<F: Future>(id: Option<RequestId>, work: F) -> F::Output {
    match id {
        Some(id) => id.scope(work).await,
        None => work.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_stand_in_a_log_is_taken_over_and_nothing_else() {
        let of = |text: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, tonic::codegen::http::HeaderValue::from_bytes(text).unwrap());
            RequestId::of(&headers)
        };
        let long = "x".repeat(REQUEST_ID_BYTES_MAX);
        for text in ["7f-3", "Root=1-67891233-abcdef", "a/b+c=@d:e_f.g", &long] {
            assert_eq!(of(text.as_bytes()).to_string(), text);
        }
        let too_long = format!("{long}x");
        let mut counted = Vec::new();
        for text in ["", "two words", "\"x\"", "a\tb", "\u{f6}", &too_long] {
            let id = of(text.as_bytes());
            assert!(matches!(id, RequestId::Counted(_)), "{text}");
            counted.push(id.to_string());
        }
        counted.push(RequestId::of(&HeaderMap::new()).to_string());
        counted.sort_unstable();
        counted.dedup();
        assert_eq!(counted.len(), 7, "each call has its own: {counted:?}");
    }
}
