//! `wordspace merge`: the rows of tables as those of a new one.

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::detach::unless_detached;
use crate::cli::failure::{Failure, Result};
use crate::cli::import::report_of;
use crate::cli::local::OnDuplicate;
use crate::cli::output::Output;
use crate::client::{self, Client, IfExists, MergeTablesRequest};

/// Make a table of the rows of others, the first one's first; they stay as they are
#[derive(Debug, Args)]
pub(super) struct Merge {
    /// The tables, all of one dimension
    #[arg(value_name = "NAME", num_args = 2.., required = true)]
    tables: Vec<String>,
    /// The new table
    #[arg(long, value_name = "NAME")]
    table: String,
    /// What to do with a word that more than one of them has
    #[arg(long, visible_alias = "duplicates", value_enum, default_value_t = OnDuplicate::First)]
    on_duplicate: OnDuplicate,
    /// Replace the new table if it is there already
    #[arg(long)]
    replace: bool,
    /// Return at once; the work goes on as a job
    #[arg(long)]
    detach: bool,
}

impl Merge {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let bar = ProgressBar::hidden();
        if !output.is_json() {
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        if let Ok(style) = ProgressStyle::with_template("  {pos} rows") {
            bar.set_style(style);
        }
        let if_exists = if self.replace { IfExists::Replace } else { IfExists::Error };
        let request = MergeTablesRequest {
            tables: self.tables.clone(),
            target: self.table.clone(),
            on_duplicate: client::OnDuplicate::from(self.on_duplicate).into(),
            if_exists: if_exists.into(),
            detach: self.detach,
        };
        let report = client.merge_tables(request, |now| bar.set_position(now.rows_read)).await;
        bar.finish_and_clear();
        match unless_detached(report.map_err(Failure::from), output)? {
            Some(report) => output.answer(&report, |report| report_of(report, "rows of tables")),
            None => Ok(()),
        }
    }
}
