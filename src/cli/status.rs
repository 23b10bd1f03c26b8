//! `wordspace status`: the server itself.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::output::{Align, Grid, Output, bytes, count, seconds};
use crate::client::{
    Client, GetStatusRequest, GetStatusResponse, MethodCalls, Replica, replica::Role,
};

/// The server: version, memory, disk, work under way
#[derive(Debug, Args)]
pub(super) struct Status {}

impl Status {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let answer = client.get_status(GetStatusRequest {}).await?;
        output.answer(&answer, |answer| text(client.url(), answer))
    }
}

fn text(url: &str, status: &GetStatusResponse) -> String {
    let mut grid = Grid::plain(&[Align::Left, Align::Left]);
    let mut line = |name: &str, value: String| grid.row([name.to_owned(), value]);
    line("server", format!("wordspace {} at {url}", status.version));
    line("up for", seconds(status.uptime_seconds));
    line("tables", format!("{} with {} rows", status.table_count, count(status.row_count)));
    line(
        "memory",
        format!("{}, at most {}", bytes(status.resident_bytes), bytes(status.resident_bytes_max)),
    );
    line(
        "disk",
        format!("{} rows, {} indexes", bytes(status.store_bytes), bytes(status.index_bytes)),
    );
    let of = |now: u64, max: u64| format!("{} of {}", bytes(now), bytes(max));
    line("job memory", of(status.job_memory_bytes, status.job_memory_bytes_max));
    line("job disk", of(status.spool_bytes, status.spool_bytes_max));
    line("uploads", format!("{} of the job disk", bytes(status.upload_bytes)));
    line("kernel", status.kernel.clone());
    line("under way", format!("{} imports, {} builds", status.import_count, status.build_count));
    let (open, max) = (status.connection_count, status.connection_count_max);
    line("callers", format!("{open} of {max} connections, {} calls open", status.call_count));
    let sum = |of: fn(&MethodCalls) -> u64| count(status.calls.iter().map(of).sum());
    let (ended, failed) = (sum(|calls| calls.count), sum(|calls| calls.error_count));
    line("calls", format!("{ended} since the start, {failed} with errors"));
    let waiting: Vec<_> = status.lanes.iter().filter(|lane| lane.waiting_count > 0).collect();
    for lane in waiting {
        let (now, max) = (lane.waiting_count, lane.waiting_count_max);
        line("waiting", format!("{now} of {max} questions of the lane `{}`", lane.name));
    }
    if let Some(replica) = &status.replica {
        let (name, state) = told(replica);
        line(name, state);
        if replica.cache_bytes_max > 0 {
            line("copies", of(replica.cache_bytes, replica.cache_bytes_max));
        }
    }
    for problem in &status.problems {
        line("problem", problem.clone());
    }
    grid.to_string()
}

/// How far publishing or following is.
fn told(replica: &Replica) -> (&'static str, String) {
    let name = if replica.role() == Role::Reader { "follows" } else { "publishes" };
    let at = match replica.publication {
        0 => "nothing yet".to_owned(),
        number => format!("publication {number} of epoch {}", replica.epoch),
    };
    let age = replica.age_seconds.map(|age| format!(", as of {} ago", seconds(age)));
    let ready = if replica.ready { "" } else { ", not ready" };
    (name, format!("{at}{}{ready}", age.unwrap_or_default()))
}
