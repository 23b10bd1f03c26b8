//! `wordspace backup`: everything kept where the server's backups are, once or every so often.

use std::fmt::Write as _;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::detach::unless_detached;
use crate::cli::failure::{Failure, Result};
use crate::cli::options::span;
use crate::cli::output::{Align, Grid, Output, bytes, count, seconds, shown};
use crate::cli::verify::{bar, show};
use crate::client::{BackupReport, BackupRequest, Client, ListBackupsRequest, ListBackupsResponse};

/// Keep all tables, tokenizers and test sets where the server was told to (serve --backups)
///
/// The server goes on meanwhile. What an earlier backup has is not sent again.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Backup {
    /// Backups that there are at most: the earliest are removed
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    keep: Option<u32>,
    /// Go on making backups, one each time that this has passed, such as 30m, 1h or 1d
    #[arg(long, value_name = "TIME", value_parser = span, conflicts_with = "detach")]
    every: Option<Duration>,
    /// Return at once; a job goes on
    #[arg(long)]
    detach: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the backups that there are
    List,
}

impl Backup {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        if let Some(Action::List) = &self.action {
            let answer = client.list_backups(ListBackupsRequest {}).await?;
            return output.answer(&answer, list);
        }
        let Some(every) = self.every else { return self.once(client, output).await };
        let mut due = tokio::time::interval(every);
        due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            match self.once(client, output).await {
                // The next one may succeed: a server that starts again, a disk that has room again.
                Err(failure @ (Failure::Call(_) | Failure::Local(_))) => {
                    crate::cli::output::print_failure(&failure);
                }
                done => done?,
            }
        }
    }

    async fn once(&self, client: &Client, output: &mut Output) -> Result<()> {
        let bar = bar(output);
        let request = BackupRequest { keep: self.keep.unwrap_or(0), detach: self.detach };
        let report = client.backup(request, |now| show(&bar, now)).await;
        bar.finish_and_clear();
        let Some(report) = unless_detached(report.map_err(Failure::from), output)? else {
            return Ok(());
        };
        output.answer(&report, text)?;
        match report.problems.len() {
            0 => Ok(()),
            _ => Err(Failure::Local("the backup lacks what is damaged".to_owned())),
        }
    }
}

pub(super) fn text(report: &BackupReport) -> String {
    let mut text = format!(
        "backup {}: {} tables, {} ({} of it new) in {}\n",
        report.backup,
        report.table_count,
        bytes(report.bytes),
        bytes(report.new_bytes),
        seconds(report.seconds)
    );
    if report.removed_count > 0 {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "earlier backups removed: {}", report.removed_count);
    }
    for problem in &report.problems {
        let _ = writeln!(text, "not kept: {problem}");
    }
    text
}

fn list(answer: &ListBackupsResponse) -> String {
    if answer.backups.is_empty() {
        return "there is no backup\n".to_owned();
    }
    let mut grid = Grid::titled(&[
        ("backup", Align::Right),
        ("made", Align::Left),
        ("size", Align::Right),
        ("rows", Align::Right),
        ("tables", Align::Left),
    ]);
    for backup in &answer.backups {
        let names: Vec<String> = backup.tables.iter().map(|table| shown(&table.name)).collect();
        let rows = backup.tables.iter().map(|table| table.row_count).sum();
        let tables =
            if backup.problem.is_empty() { names.join(", ") } else { shown(&backup.problem) };
        grid.row([
            backup.backup.to_string(),
            backup.made_at.map(|time| time.to_string()).unwrap_or_default(),
            bytes(backup.bytes),
            count(rows),
            tables,
        ]);
    }
    grid.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_a_unit() {
        assert_eq!(span("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(span("2h"), Ok(Duration::from_hours(2)));
        assert_eq!(span("1d"), Ok(Duration::from_hours(24)));
        for wrong in ["", "5", "h", "0s", "-1m", "1w", "99999999999999999999d"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
