//! `Spans`: a span a call, told to a collector over OTLP.
//!
//! A call is one span, made when it has ended. Whether it is told is known when it begins: where its caller tells of
//! itself (`traceparent`), as the caller wants it, and otherwise one in so many. What waits for the collector is
//! bounded, and nobody waits for it: what finds no room is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanKind, Status, TraceContextExt as _, TracerProvider as _,
};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use opentelemetry_otlp::{SpanExporter as Otlp, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanData,
    SpanExporter,
};
use tonic::codegen::http::HeaderMap;
use tonic::transport::ClientTlsConfig;

use crate::error::{Error, Result};
use crate::server::one_in::OneIn;
use crate::server::spans::{Counts, Ended, check};

/// Spans that wait for the collector.
const WAITING_MAX: usize = 2_048;
/// Spans that are sent at once.
const SENT_TOGETHER: usize = 512;
/// How long spans wait for others.
const DELAY: Duration = Duration::from_secs(1);
/// How long the collector may take, and how long the server waits for it when it ends.
const TIME_MAX: Duration = Duration::from_secs(5);
const FAREWELL: Duration = Duration::from_millis(500);
/// Bytes of a header that tells of the caller; what is longer is not read.
const HEADER_BYTES_MAX: usize = 512;

/// What OpenTelemetry calls the faults of a server: others are the caller's.
const FAULTS: [&str; 6] =
    ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];

/// Where calls are told.
#[derive(Debug)]
pub(in crate::server) struct Spans(Option<Exporting>);

#[derive(Debug)]
struct Exporting {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    /// Of the calls whose callers tell nothing of themselves.
    drawn: OneIn,
    counted: Arc<Counted>,
}

/// Only counts: nothing else is read or written by their order.
#[derive(Debug, Default)]
struct Counted {
    ended: AtomicU64,
    sent: AtomicU64,
    failed: AtomicU64,
    is_failing: AtomicBool,
}

/// A call that will be told.
#[derive(Debug)]
pub(in crate::server) struct Trace {
    /// Has the span of the caller, if it told of it.
    parent: Context,
    began: SystemTime,
}

impl Spans {
    /// Tells the collector at a URL of one in so many calls, or nobody. Needs a runtime.
    pub(in crate::server) fn open(collector: Option<&str>, one_in: u32) -> Result<Self> {
        check(collector)?;
        let Some(collector) = collector else { return Ok(Self(None)) };
        let mut otlp = Otlp::builder().with_tonic().with_endpoint(collector).with_timeout(TIME_MAX);
        if collector.starts_with("https://") {
            // By the authorities that this machine trusts.
            otlp = otlp.with_tls_config(ClientTlsConfig::new().with_enabled_roots());
        }
        let otlp = otlp.build().map_err(|error| Error::invalid("traces", error.to_string()))?;
        let counted = Arc::<Counted>::default();
        let exporter = Told { otlp, counted: Arc::clone(&counted) };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING_MAX)
            .with_max_export_batch_size(SENT_TOGETHER)
            .with_scheduled_delay(DELAY)
            .build();
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        // `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` are read there.
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let mut resource = Resource::builder().with_attribute(version);
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("wordspace");
        }
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            // Whether a call is told was decided when it began.
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(resource.build())
            .build();
        let tracer = provider.tracer("wordspace");
        Ok(Self(Some(Exporting { provider, tracer, drawn: OneIn::new(one_in), counted })))
    }

    /// A call begins; none if it is not to be told.
    pub(in crate::server) fn begin(&self, headers: &HeaderMap) -> Option<Box<Trace>> {
        let exporting = self.0.as_ref()?;
        let mut parent = Context::new();
        if headers.contains_key("traceparent") {
            let read = TraceContextPropagator::new();
            parent = read.extract_with_context(&parent, &Headers(headers));
        }
        let is_told = {
            let span = parent.span();
            let caller = span.span_context();
            if caller.is_valid() { caller.is_sampled() } else { exporting.drawn.hits() }
        };
        is_told.then(|| Box::new(Trace { parent, began: SystemTime::now() }))
    }

    /// It ended.
    pub(in crate::server) fn end(&self, trace: &Trace, ended: &Ended<'_>) {
        let Some(Exporting { tracer, counted, .. }) = &self.0 else { return };
        let mut span = SpanBuilder::from_name(ended.method.trim_start_matches('/'))
            .with_kind(SpanKind::Server)
            .with_start_time(trace.began)
            .with_attributes(attributes(ended))
            .start_with_context(tracer, &trace.parent);
        if FAULTS.contains(&ended.code) {
            span.set_status(Status::error(ended.reason));
        }
        counted.ended.fetch_add(1, Ordering::Relaxed);
        span.end_with_timestamp(trace.began + ended.took);
    }

    pub(in crate::server) fn counts(&self) -> Option<Counts> {
        let counted = &self.0.as_ref()?.counted;
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (ended, sent) = (count(&counted.ended), count(&counted.sent));
        Some(Counts { ended, sent, failed: count(&counted.failed) })
    }

    /// Sends what waits, if the collector takes it soon. Blocks.
    pub(in crate::server) fn close(&self) {
        if let Some(exporting) = &self.0
            && let Err(error) = exporting.provider.shutdown_with_timeout(FAREWELL)
        {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// What a span tells of its call, as OpenTelemetry names it where it has a name for it.
fn attributes(ended: &Ended<'_>) -> Vec<KeyValue> {
    let Ended { request, method, tables, code, reason, plan, received_bytes, .. } = *ended;
    let mut all = vec![
        KeyValue::new("rpc.system.name", "grpc"),
        KeyValue::new("rpc.method", method.trim_start_matches('/')),
        KeyValue::new("rpc.response.status_code", code),
        KeyValue::new("wordspace.request_id", request.to_string()),
        KeyValue::new(
            "wordspace.received_bytes",
            i64::try_from(received_bytes).unwrap_or(i64::MAX),
        ),
    ];
    if !reason.is_empty() {
        all.push(KeyValue::new("error.type", reason));
    }
    if !tables.is_empty() {
        let tables = tables.iter().map(|table| StringValue::from(table.clone())).collect();
        all.push(KeyValue::new("wordspace.tables", Value::Array(Array::String(tables))));
    }
    let plan = plan.to_string();
    if !plan.is_empty() {
        all.push(KeyValue::new("wordspace.answered_by", plan));
    }
    all
}

/// The headers of a call, of which two tell of its caller.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let text = self.0.get(key)?.to_str().ok()?;
        Some(text).filter(|text| text.len() <= HEADER_BYTES_MAX)
    }

    fn keys(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// Sends spans, and counts them.
#[derive(Debug)]
struct Told {
    otlp: Otlp,
    counted: Arc<Counted>,
}

impl SpanExporter for Told {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len() as u64;
        let sent = self.otlp.export(batch).await;
        let counted = &self.counted;
        // It is told when it begins and when it ends, and not for every batch.
        match &sent {
            Ok(()) => {
                counted.sent.fetch_add(count, Ordering::Relaxed);
                if counted.is_failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("the collector takes spans again");
                }
            }
            Err(error) => {
                counted.failed.fetch_add(count, Ordering::Relaxed);
                if !counted.is_failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "the collector does not take spans");
                }
            }
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.otlp.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.otlp.set_resource(resource);
    }
}
