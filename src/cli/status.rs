//! `wordspace status`: the server itself.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::output::{Align, Grid, Output, bytes, count, seconds};
use crate::client::{Client, GetStatusRequest, GetStatusResponse};

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
    line(
        "jobs",
        format!(
            "{} of {} of memory, {} of {} of disk, of which {} uploads",
            bytes(status.job_memory_bytes),
            bytes(status.job_memory_bytes_max),
            bytes(status.spool_bytes),
            bytes(status.spool_bytes_max),
            bytes(status.upload_bytes)
        ),
    );
    line("kernel", status.kernel.clone());
    line("under way", format!("{} imports, {} builds", status.import_count, status.build_count));
    for problem in &status.problems {
        line("problem", problem.clone());
    }
    grid.to_string()
}
