//! `wordspace verify`: every byte of the tables read again, on the server.

use std::fmt::Write as _;

use clap::Args;

use crate::cli::detach::unless_detached;
use crate::cli::failure::{Failure, Result};
use crate::cli::import::style;
use crate::cli::output::{Output, bytes};
use crate::client::{Client, JobProgress, VerifyReport, VerifyRequest};

/// Read every byte of all tables again, and name every damaged part
///
/// The server goes on meanwhile. Exit code 0 if all is as it was written, 1 if not. Without a server:
/// `wordspace check`.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Return at once; a job goes on
    #[arg(long)]
    detach: bool,
}

impl Verify {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = VerifyRequest { detach: self.detach };
        let bar = bar(output);
        let report = client.verify(request, |now| show(&bar, now)).await;
        bar.finish_and_clear();
        let Some(report) = unless_detached(report.map_err(Failure::from), output)? else {
            return Ok(());
        };
        output.answer(&report, text)?;
        match report.damages.len() {
            0 => Ok(()),
            1 => Err(Failure::Local("1 part is damaged".to_owned())),
            count => Err(Failure::Local(format!("{count} parts are damaged"))),
        }
    }
}

/// A bar for a job that counts bytes.
pub(super) fn bar(output: &Output) -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::no_length();
    let bar = bar.with_style(style("{bytes} of {total_bytes}  [{bar:30}]  {elapsed}"));
    if output.is_json() {
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
    }
    bar
}

/// How far such a job is.
pub(super) fn show(bar: &indicatif::ProgressBar, now: &JobProgress) {
    bar.set_length(now.total.unwrap_or(now.done));
    bar.set_position(now.done);
}

pub(super) fn text(report: &VerifyReport) -> String {
    let mut text = String::new();
    for table in &report.whole_tables {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "table {table}: whole");
    }
    for damage in &report.damages {
        let of = if damage.table.is_empty() {
            String::new()
        } else {
            format!("table {}, ", damage.table)
        };
        let _ = writeln!(text, "{of}{}: {}", damage.part, damage.problem);
    }
    let _ = writeln!(text, "{} read", bytes(report.bytes_read));
    text
}
