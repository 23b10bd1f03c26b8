//! The log, which goes to stderr: lines for a person, or JSON Lines for what collects them.

use std::fmt::{self, Write as _};
use std::panic;

use clap::ValueEnum;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer as _;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::failure::{Failure, Result};
use crate::cli::output;

/// How a server logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for a person
    Text,
    /// JSON Lines: `at`, `level`, `target`, `message`, and a member for each field
    Json,
}

/// Starts the log at the levels of `WORDSPACE_LOG`, such as `debug` or `info,wordspace::index=debug`.
pub(super) fn start(default: Targets, format: LogFormat) -> Result<()> {
    let filter = match std::env::var("WORDSPACE_LOG") {
        Ok(levels) => levels.parse().map_err(|error| {
            Failure::Local(format!("WORDSPACE_LOG={levels} is not understood: {error}"))
        })?,
        Err(_) => default,
    };
    let lines = match format {
        LogFormat::Text => {
            let fields = debug_fn(|to, field, value| {
                if field.name() == "message" {
                    return write!(output::OneLine(to), "{value:?}");
                }
                write!(to, "{field}=")?;
                write!(output::OneLine(to), "{value:?}")
            });
            tracing_subscriber::fmt::layer()
                .fmt_fields(fields.delimited(" "))
                .with_ansi(output::shows_color(&std::io::stderr()))
                .with_writer(std::io::stderr)
                .boxed()
        }
        LogFormat::Json => {
            // What is written is one line of JSON, whatever happens.
            panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a thread panicked")));
            tracing_subscriber::fmt::layer()
                .event_format(JsonLines)
                .with_writer(std::io::stderr)
                .boxed()
        }
    };
    tracing_subscriber::registry().with(lines).with(filter).init();
    Ok(())
}

/// An event as a line of JSON.
struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut at = String::new();
        SystemTime.format_time(&mut Writer::new(&mut at))?;
        let mut line = Map::new();
        event.record(&mut Members(&mut line));
        // After the fields: none of them takes their place.
        line.insert("at".to_owned(), at.into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("target".to_owned(), event.metadata().target().into());
        writeln!(to, "{}", Value::Object(line))
    }
}

/// Fields as the members of an object.
struct Members<'a>(&'a mut Map<String, Value>);

impl Members<'_> {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Members<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }
}
