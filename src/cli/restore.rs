//! `wordspace restore`: tables of a backup, brought back while the server goes on.

use std::fmt::Write as _;

use clap::Args;

use crate::cli::detach::unless_detached;
use crate::cli::failure::{Failure, Result};
use crate::cli::output::{Output, bytes, count, seconds};
use crate::cli::verify::{bar, show};
use crate::client::{Client, RestoreReport, RestoreRequest};

/// Bring tables of a backup back, under their names or another one
///
/// The server goes on meanwhile. Into a new data folder: `wordspace recover DATA --from BACKUPS`.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// Tables that are wanted [default: all, with all tokenizers and test sets]
    #[arg(value_name = "TABLE")]
    tables: Vec<String>,
    /// Number of the backup [default: the latest]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    backup: Option<u64>,
    /// The name that the table has from then on
    #[arg(long = "as", value_name = "NAME", requires = "tables")]
    new_name: Option<String>,
    /// Replace what has a name now
    #[arg(long)]
    replace: bool,
    /// Return at once; a job goes on
    #[arg(long)]
    detach: bool,
}

impl Restore {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = RestoreRequest {
            backup: self.backup.unwrap_or(0),
            tables: self.tables.clone(),
            new_name: self.new_name.clone().unwrap_or_default(),
            replace: self.replace,
            detach: self.detach,
        };
        let bar = bar(output);
        let report = client.restore(request, |now| show(&bar, now)).await;
        bar.finish_and_clear();
        match unless_detached(report.map_err(Failure::from), output)? {
            Some(report) => output.answer(&report, text),
            None => Ok(()),
        }
    }
}

pub(super) fn text(report: &RestoreReport) -> String {
    let mut text = String::new();
    for table in &report.tables {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "table {}: {} rows", table.name, count(table.row_count));
    }
    for (what, names) in [
        ("alias", &report.aliases),
        ("tokenizer", &report.tokenizers),
        ("test set", &report.test_sets),
        ("language model", &report.models),
    ] {
        for name in names {
            let _ = writeln!(text, "{what} {name}");
        }
    }
    let (read, time) = (bytes(report.bytes_read), seconds(report.seconds));
    let _ = writeln!(text, "from backup {}, {read} in {time}", report.backup);
    text
}
