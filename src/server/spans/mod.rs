//! Spans: calls told to an OpenTelemetry collector, with the feature `otel`.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `export.rs` | who is told of which calls, with the feature |
//! | `none.rs` | without it: nobody is |

#[cfg(feature = "otel")]
mod export;
#[cfg(not(feature = "otel"))]
mod none;

use std::time::Duration;

use tonic::transport::Endpoint;

use crate::error::{Error, Result};
use crate::server::plan::Plan;
use crate::server::request_id::RequestId;

#[cfg(feature = "otel")]
pub(super) use export::{Spans, Trace};
#[cfg(not(feature = "otel"))]
pub(super) use none::{Spans, Trace};

/// A call that ended.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "nobody is told"))]
pub(super) struct Ended<'a> {
    pub(super) request: &'a RequestId,
    /// Its path, or `other`.
    pub(super) method: &'static str,
    /// The first tables that it named.
    pub(super) tables: &'a [String],
    pub(super) code: &'static str,
    pub(super) reason: &'static str,
    pub(super) took: Duration,
    pub(super) plan: Plan,
    /// Bytes of its longest message.
    pub(super) received_bytes: usize,
}

/// How many spans became what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) ended: u64,
    pub(super) sent: u64,
    pub(super) failed: u64,
}

/// Looks at where a collector should be, without calling it.
pub(super) fn check(collector: Option<&str>) -> Result<()> {
    let Some(collector) = collector else { return Ok(()) };
    if !cfg!(feature = "otel") {
        let problem = "this program tells no collector: build it with the feature `otel`";
        return Err(Error::invalid("traces", problem));
    }
    let is_url = collector.starts_with("http://") || collector.starts_with("https://");
    if !is_url || Endpoint::from_shared(collector.to_owned()).is_err() {
        let problem = "the URL of a collector that takes OTLP over gRPC is needed, such as \
                       http://127.0.0.1:4317";
        return Err(Error::invalid("traces", problem));
    }
    Ok(())
}
