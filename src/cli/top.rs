//! `wordspace top`: what a server does, again and again.

use std::collections::HashMap;
use std::time::Duration;

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::jobs;
use crate::cli::options::seconds;
use crate::cli::output::{self, Align, Grid, Output, bytes, count, shown};
use crate::client::{
    Client, GetStatusRequest, GetStatusResponse, Job, JobState, ListJobsRequest, MethodCalls,
};

/// Methods and jobs that are shown at most.
const SHOWN: usize = 15;
/// Has a terminal begin again at its upper left corner.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// Watch what the server does: calls by method, what waits, jobs, memory
///
/// Rates and times are those since the view before; those of the first one, and of --once, since the server started. With
/// --json each view is a line: the answer of `GetStatus`.
#[derive(Debug, Args)]
pub(super) struct Top {
    /// Show one view, and end
    #[arg(long)]
    once: bool,
    /// Time between two views
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    every: Duration,
}

impl Top {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let mut before = None;
        loop {
            let now = client.get_status(GetStatusRequest {}).await?;
            if output.is_json() {
                output.answer(&now, |_| String::new())?;
            } else {
                let jobs = client.list_jobs(ListJobsRequest::default()).await?.jobs;
                let clear = if output.shows_color_in_data() && !self.once { CLEAR } else { "" };
                let view = view(client.url(), before.as_ref(), &now, &jobs);
                output.data(format!("{clear}{view}").as_bytes())?;
            }
            if self.once {
                return Ok(());
            }
            before = Some(now);
            tokio::time::sleep(self.every).await;
        }
    }
}

fn view(
    url: &str,
    before: Option<&GetStatusResponse>,
    now: &GetStatusResponse,
    jobs: &[Job],
) -> String {
    // One that was started again since has counted from the beginning.
    let before = before.filter(|before| before.uptime_seconds <= now.uptime_seconds);
    let since = before.map_or(0.0, |before| before.uptime_seconds);
    let passed = (now.uptime_seconds - since).max(1e-3);
    let mut lines = vec![
        format!(
            "wordspace {} at {url}, up for {}, {} rows in {} tables, {} of memory",
            shown(&now.version),
            output::seconds(now.uptime_seconds),
            count(now.row_count),
            now.table_count,
            bytes(now.resident_bytes),
        ),
        format!(
            "{} of {} connections, {} calls open, {} imports and {} builds under way",
            now.connection_count,
            now.connection_count_max,
            now.call_count,
            now.import_count,
            now.build_count,
        ),
    ];
    let waiting = now.lanes.iter().filter(|lane| lane.waiting_count > 0);
    lines.extend(waiting.map(|lane| {
        format!(
            "{} of {} questions wait for the {} threads of the lane `{}`",
            lane.waiting_count,
            lane.waiting_count_max,
            lane.thread_count,
            shown(&lane.name)
        )
    }));
    lines.extend(now.problems.iter().map(|problem| format!("problem: {}", shown(problem))));
    lines.push(methods(before, now, passed));
    let running = jobs.iter().filter(|job| job.state() == JobState::Running);
    lines.extend(running.take(SHOWN).map(|job| format!("job {}: {}", job.id, jobs::line(job))));
    lines.join("\n") + "\n"
}

/// The calls of each method, those that were called most first.
fn methods(before: Option<&GetStatusResponse>, now: &GetStatusResponse, passed: f64) -> String {
    let earlier: HashMap<&str, &MethodCalls> =
        before.map(|before| &before.calls).into_iter().flatten().map(by_name).collect();
    let mut calls: Vec<Calls<'_>> = now
        .calls
        .iter()
        .map(|now| Calls::between(earlier.get(now.method.as_str()).copied(), now))
        .collect();
    calls.retain(|calls| calls.count > 0);
    calls.sort_by(|a, b| b.count.cmp(&a.count).then(a.method.cmp(b.method)));
    let mut grid = Grid::titled(&[
        ("method", Align::Left),
        ("calls", Align::Right),
        ("a second", Align::Right),
        ("errors", Align::Right),
        ("mean ms", Align::Right),
        ("p50 ms", Align::Right),
        ("p99 ms", Align::Right),
    ]);
    let milliseconds = |seconds: f64| format!("{:.2}", seconds * 1e3);
    for calls in calls.iter().take(SHOWN) {
        grid.row([
            calls.method.trim_start_matches("wordspace.v1.").to_owned(),
            count(calls.count),
            format!("{:.1}", calls.count as f64 / passed),
            count(calls.errors),
            milliseconds(calls.seconds / calls.count as f64),
            milliseconds(calls.quantile(0.5, &now.part_seconds)),
            milliseconds(calls.quantile(0.99, &now.part_seconds)),
        ]);
    }
    let left = calls.len().saturating_sub(SHOWN);
    let more = if left > 0 { format!("  and {left} more methods") } else { String::new() };
    format!("{grid}{more}").trim_end().to_owned()
}

fn by_name(calls: &MethodCalls) -> (&str, &MethodCalls) {
    (&calls.method, calls)
}

/// The calls of a method between two views.
struct Calls<'a> {
    method: &'a str,
    count: u64,
    errors: u64,
    seconds: f64,
    counts: Vec<u64>,
}

impl<'a> Calls<'a> {
    fn between(before: Option<&MethodCalls>, now: &'a MethodCalls) -> Self {
        let of =
            |number: fn(&MethodCalls) -> u64| number(now).saturating_sub(before.map_or(0, number));
        let earlier =
            |place: usize| before.and_then(|before| before.counts.get(place)).copied().unwrap_or(0);
        let counts = now.counts.iter().enumerate();
        Self {
            method: &now.method,
            count: of(|calls| calls.count),
            errors: of(|calls| calls.error_count),
            seconds: now.seconds - before.map_or(0.0, |before| before.seconds),
            counts: counts.map(|(place, now)| now.saturating_sub(earlier(place))).collect(),
        }
    }

    /// The time that this share of them took at most, as far as parts tell: it is taken to grow evenly within one.
    fn quantile(&self, share: f64, ends: &[f64]) -> f64 {
        let wanted = share * self.counts.iter().sum::<u64>() as f64;
        let (mut seen, mut begin) = (0.0, 0.0);
        for (place, &count) in self.counts.iter().enumerate() {
            // Nothing is known of the longest but that they took longer than all parts.
            let Some(&end) = ends.get(place) else { return begin };
            let count = count as f64;
            if count > 0.0 && seen + count >= wanted {
                return begin + (end - begin) * (wanted - seen) / count;
            }
            (seen, begin) = (seen + count, end);
        }
        begin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(uptime_seconds: f64, counts: [u64; 3], error_count: u64) -> GetStatusResponse {
        let calls = MethodCalls {
            method: "wordspace.v1.SearchService/Nearest".to_owned(),
            count: counts.iter().sum(),
            error_count,
            seconds: 0.001 * counts.iter().sum::<u64>() as f64,
            counts: counts.to_vec(),
        };
        GetStatusResponse {
            uptime_seconds,
            calls: vec![calls],
            part_seconds: vec![0.001, 0.002],
            ..GetStatusResponse::default()
        }
    }

    #[test]
    fn a_view_tells_what_came_since_the_one_before() {
        let (first, second) = (status(10.0, [100, 0, 0], 1), status(12.0, [150, 50, 0], 3));
        let row = |before: Option<&GetStatusResponse>, now: &GetStatusResponse| -> Vec<String> {
            let text = view("http://x", before, now, &[]);
            let row = text.lines().find(|line| line.contains("SearchService/Nearest")).unwrap();
            row.split_whitespace().map(str::to_owned).collect()
        };
        let told = ["SearchService/Nearest", "100", "10.0", "1", "1.00", "0.50", "0.99"];
        assert_eq!(row(None, &first), told);
        let told = ["SearchService/Nearest", "100", "50.0", "2", "1.00", "1.00", "1.98"];
        assert_eq!(row(Some(&first), &second), told);
        // A server that was started again counts from the beginning.
        let again = status(5.0, [10, 0, 0], 0);
        assert_eq!(row(Some(&second), &again)[1..3], ["10", "2.0"]);
        assert!(!view("http://x", Some(&first), &first, &[]).contains("Nearest"));
        // What takes longer than every part is told as that.
        assert_eq!(row(None, &status(1.0, [0, 0, 9], 0))[5..], ["2.00", "2.00"]);
    }
}
