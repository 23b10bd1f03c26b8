//! Without the feature `otel` nobody is told of calls.

use tonic::codegen::http::HeaderMap;

use crate::error::Result;
use crate::server::spans::{Counts, Ended, check};

/// Nobody is told.
#[derive(Debug)]
pub(in crate::server) struct Spans;

/// No call is.
#[derive(Debug)]
pub(in crate::server) enum Trace {}

#[expect(clippy::unused_self, reason = "the feature has the same methods")]
impl Spans {
    pub(in crate::server) fn open(collector: Option<&str>, _: u32) -> Result<Self> {
        check(collector)?;
        Ok(Self)
    }

    pub(in crate::server) fn begin(&self, _: &HeaderMap) -> Option<Box<Trace>> {
        None
    }

    pub(in crate::server) fn end(&self, trace: &Trace, _: &Ended<'_>) {
        match *trace {}
    }

    pub(in crate::server) fn counts(&self) -> Option<Counts> {
        None
    }

    pub(in crate::server) fn close(&self) {}
}
