//! `wordspace bench`: asks a running server much, and tells how fast it answers.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `mod.rs` | the options, and what is told |
//! | `questions.rs` | what is asked |
//! | `http1.rs` | questions over HTTP/1.1 |
//! | `load.rs` | how it is asked: so many at once, or so many a second |
//! | `histogram.rs` | how long answers took |

mod histogram;
mod http1;
mod load;
mod questions;

use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cli::bench::histogram::Histogram;
use crate::cli::bench::http1::Http1;
use crate::cli::bench::load::{Asked, Load, Measured};
use crate::cli::bench::questions::{Kind, Questions};
use crate::cli::failure::{Failure, Result};
use crate::cli::options::{TableArg, seconds};
use crate::cli::output::{Align, Grid, Output, count};
use crate::client::{CallError, Client};

/// Ask a running server much, and tell how fast it answers
///
/// Without --rate the loop is closed: each of the calls in flight waits for its answer and asks again, so a slow server
/// is asked less. With --rate it is open: calls are sent at their planned times whether earlier ones are answered or
/// not, and a latency counts from the time at which its call was to be sent, so a server that stands still for a second
/// shows in every call that this second held up.
#[derive(Debug, Args)]
#[command(after_help = "\
Words are drawn from the table by --seed, and asked in turn. `vector` asks for the mean of the vectors of two of them, \
which is no row's: it is searched, where a word's neighbors may be stored. Over HTTP/1.1 each call in flight has a connection \
of its own, and what found an answer is not told. An answer with an error counts as an error and not as a latency. The load comes from this process: on one machine it shares the processor with the server.")]
pub(super) struct Bench {
    #[command(flatten)]
    table: TableArg,
    /// What is asked; several are asked in turn
    #[arg(long, value_enum, value_delimiter = ',', default_value = "nearest")]
    ask: Vec<Kind>,
    /// Neighbors of each
    #[arg(short, value_name = "COUNT", default_value_t = 10)]
    k: u32,
    /// Calls a second, of all connections together [default: as fast as answers come]
    #[arg(long, value_name = "CALLS", value_parser = rate)]
    rate: Option<f64>,
    /// Calls in flight, of all connections together
    #[arg(long, value_name = "COUNT", default_value_t = 16,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    in_flight: u32,
    /// How calls are made: by gRPC, or over HTTP/1.1 as gRPC-Web or JSON
    #[arg(long, value_enum, default_value_t = Over::Grpc)]
    over: Over,
    /// Connections of gRPC
    #[arg(long, value_name = "COUNT", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    connections: u32,
    /// How long calls are counted
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    duration: Duration,
    /// How long calls are made before, which do not count
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    warm_up: Duration,
    /// How long a call may take before it counts as an error
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    give_up: Duration,
    /// How long to wait for a server that is not ready, such as a reader that has not brought its tables
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    wait: Duration,
    /// Words that are drawn
    #[arg(long, value_name = "COUNT", default_value_t = 1_000,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    words: u32,
    /// Seed of the drawing
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// What calls are made over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Over {
    Grpc,
    GrpcWeb,
    Json,
}

impl Over {
    fn name(self) -> &'static str {
        match self {
            Self::Grpc => "gRPC",
            Self::GrpcWeb => "gRPC-Web",
            Self::Json => "JSON",
        }
    }
}

/// Calls a second.
fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.01..=1e6).contains(rate));
    rate.ok_or_else(|| "a number of calls a second is needed, from 0.01 to 1000000".to_owned())
}

impl Bench {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let table = &self.table.name;
        let drawn = self.drawn(client, output).await?;
        let questions = drawn.questions(&self.ask, self.k);
        let asked = match self.over {
            Over::Grpc => {
                let mut connections = vec![client.clone()];
                for _ in 1..self.connections {
                    connections.push(client.another().await?);
                }
                Asked::Grpc(connections, questions)
            }
            Over::GrpcWeb | Over::Json if self.connections > 1 => {
                let problem =
                    "--connections is for gRPC: over HTTP/1.1 each call in flight has one";
                return Err(Failure::Usage(problem.to_owned()));
            }
            Over::GrpcWeb | Over::Json => Asked::Http1(Http1::new(client, &questions, self.over)?),
        };
        output.say(&format!("{} words of {table} are drawn; {}", drawn.words(), self.told()));
        let load = Load {
            asked,
            in_flight: self.in_flight,
            rate: self.rate,
            warm_up: self.warm_up,
            duration: self.duration,
            give_up: self.give_up,
        };
        let measured = load.run().await;
        if output.is_json() {
            return output.data(format!("{}\n", self.json(&measured)).as_bytes());
        }
        output.data(text(&measured).as_bytes())
    }

    /// What is asked, once the server is ready.
    async fn drawn(&self, client: &Client, output: &mut Output) -> Result<Questions> {
        let (until, mut is_told) = (Instant::now() + self.wait, false);
        loop {
            // Before: what it lacks then it may have a moment later.
            let is_ready = client.is_ready("").await.unwrap_or(true);
            let drawn = Questions::draw(client, &self.table.name, (self.words, self.seed)).await;
            let failure = match drawn {
                Err(failure) if Instant::now() < until && is_early(&failure, is_ready) => failure,
                drawn => return drawn,
            };
            if !is_told {
                let seconds = self.wait.as_secs_f64();
                output.say(&format!("waiting up to {seconds} s for the server: {failure}"));
                is_told = true;
            }
            sleep(PAUSE).await;
        }
    }

    fn told(&self) -> String {
        let kinds: Vec<_> = self.ask.iter().map(|kind| kind.name()).collect();
        let how = match self.rate {
            Some(rate) => format!("open loop, {rate} calls a second, at most"),
            None => "closed loop,".to_owned(),
        };
        let connections = match self.over {
            Over::Grpc => self.connections,
            Over::GrpcWeb | Over::Json => self.in_flight,
        };
        format!(
            "{} over {}: {how} {} in flight on {connections} connections, {} s after {} s that do not count",
            kinds.join(", "),
            self.over.name(),
            self.in_flight,
            self.duration.as_secs_f64(),
            self.warm_up.as_secs_f64()
        )
    }

    fn json(&self, measured: &Measured) -> Value {
        let latency = &measured.latency;
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let mut told = json!({
            "mean": micros(latency.mean()),
            "max": micros(latency.max()),
        });
        for (name, share) in QUANTILES {
            told[name] = micros(latency.quantile(share)).into();
        }
        let parts = latency.parts().into_iter();
        let parts = parts.map(|(end, count)| json!({ "up_to_us": micros(end), "count": count }));
        let kinds: Vec<_> = self.ask.iter().map(|kind| kind.name()).collect();
        json!({
            "table": self.table.name,
            "ask": kinds,
            "over": self.over.name(),
            "loop": if self.rate.is_some() { "open" } else { "closed" },
            "rate": self.rate,
            "in_flight": self.in_flight,
            "connections": self.connections,
            "seconds": measured.took.as_secs_f64(),
            "answers": latency.count(),
            "per_second": latency.count() as f64 / measured.took.as_secs_f64(),
            "errors": measured.errors,
            "not_sent": measured.unsent,
            "answered_by": measured.answered_by,
            "latency_us": told,
            "histogram": parts.collect::<Vec<_>>(),
        })
    }
}

/// Between two attempts to begin.
const PAUSE: Duration = Duration::from_millis(200);

/// Whether the server may answer later what it did not answer, when it was ready or not.
fn is_early(failure: &Failure, was_ready: bool) -> bool {
    let Failure::Call(error) = failure else { return false };
    let CallError::Refused(refusal) = error else { return error.is_lost() };
    match refusal.reason.as_str() {
        // A reader has no tables before it is ready.
        "TABLE_NOT_FOUND" => !was_ready,
        reason => error.is_lost() || reason == "OVERLOADED",
    }
}

/// What came of it, for a person.
fn text(measured: &Measured) -> String {
    let latency = &measured.latency;
    let mut grid = Grid::plain(&[Align::Left, Align::Right, Align::Left]);
    let mut line = |name: &str, value: String, more: &str| {
        grid.row([name.to_owned(), value, more.to_owned()]);
    };
    line("answers", count(latency.count()), &format!("{} a second", per_second(measured)));
    line("errors", count(measured.error_count()), "");
    for (reason, number) in &measured.errors {
        line("", count(*number), reason);
    }
    if measured.unsent > 0 {
        line("not sent", count(measured.unsent), "the server did not keep up with the rate");
    }
    for (by, number) in &measured.answered_by {
        line("answered by", count(*number), by);
    }
    line("mean", milliseconds(latency.mean()), "ms");
    for (name, share) in QUANTILES {
        line(name, milliseconds(latency.quantile(share)), "ms");
    }
    line("max", milliseconds(latency.max()), "ms");
    format!("{grid}{}", bars(latency))
}

/// What is told of latencies, beside the longest.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

fn per_second(measured: &Measured) -> String {
    format!("{:.1}", measured.latency.count() as f64 / measured.took.as_secs_f64())
}

fn milliseconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1e3)
}

/// Signs of the longest bar.
const BAR: u64 = 40;

/// The latencies as bars.
fn bars(latency: &Histogram) -> String {
    let parts = latency.parts();
    let most = parts.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let mut grid =
        Grid::titled(&[("up to ms", Align::Right), ("answers", Align::Right), ("", Align::Left)]);
    for (end, number) in parts {
        let signs = (number * BAR).div_ceil(most);
        let bar = "#".repeat(usize::try_from(signs).unwrap_or(0));
        grid.row([milliseconds(end), count(number), bar]);
    }
    grid.to_string()
}
