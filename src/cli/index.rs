//! `wordspace index`: the index of a table; builds it again, or stops that.

use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;

use crate::cli::failure::{Failure, Result};
use crate::cli::import::style;
use crate::cli::options::{IndexArg, TableArg};
use crate::cli::output::{Align, Grid, Output, count, quoted, shown};
use crate::cli::tables;
use crate::client::{
    BuildIndexRequest, CancelBuildRequest, Client, GetIndexRequest, GetIndexResponse, IndexState,
    IndexStatus, Rebuild, RebuildPhase,
};

/// How often the state of an index is asked for.
const POLL: Duration = Duration::from_millis(200);

/// The index of a table, and what was written since it was built
///
/// Writes are seen at once; when they are many, a rebuild takes them into a new generation with its
/// own index, by itself or with --build. Questions and writes go on meanwhile.
#[derive(Debug, Args)]
pub(super) struct Index {
    #[command(flatten)]
    table: TableArg,
    /// Begin a rebuild now
    #[arg(long)]
    build: bool,
    /// Begin a rebuild that gives the table an index of this kind, which it keeps
    #[arg(long, value_name = "KIND")]
    to: Option<IndexArg>,
    /// Stop what waits or runs
    #[arg(long, conflicts_with_all = ["build", "to", "wait"])]
    cancel: bool,
    /// Return when nothing waits or runs
    #[arg(long)]
    wait: bool,
}

impl Index {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let table = self.table.name.clone();
        if self.build || self.to.is_some() {
            let index = self.to.map(|index| index.kind().into());
            client.build_index(BuildIndexRequest { table: table.clone(), index }).await?;
        } else if self.cancel {
            client.cancel_build(CancelBuildRequest { table: table.clone() }).await?;
        }
        let answer = if self.wait {
            self.wait(client).await?
        } else {
            client.get_index(GetIndexRequest { table }).await?
        };
        output.answer(&answer, text)
    }

    /// Waits under a bar.
    async fn wait(&self, client: &Client) -> Result<GetIndexResponse> {
        let template = "{msg}  [{bar:30}]  {percent}%  {elapsed}";
        let bar = ProgressBar::new(1000).with_style(style(template));
        let answer = loop {
            let request = GetIndexRequest { table: self.table.name.clone() };
            let answer = client.get_index(request).await?;
            let status = answer.index.clone().unwrap_or_default();
            let Some((what, share)) = under_way(&status) else { break answer };
            bar.set_message(what);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped to 0..=1000; NaN becomes 0"
            )]
            bar.set_position((share * 1000.0).clamp(0.0, 1000.0) as u64);
            tokio::time::sleep(POLL).await;
        };
        bar.finish_and_clear();
        let status = answer.index.clone().unwrap_or_default();
        let rebuild = status.rebuild.unwrap_or_default();
        let problem = match (rebuild.phase(), IndexState::try_from(status.state)) {
            (RebuildPhase::Failed, _) => rebuild.problem,
            (_, Ok(IndexState::Failed)) => status.problem,
            _ => return Ok(answer),
        };
        let (table, problem) = (quoted(&answer.table), shown(&problem));
        Err(Failure::Local(format!("the index of {table} cannot be built: {problem}")))
    }
}

/// What is being done, and which share of it is.
fn under_way(status: &IndexStatus) -> Option<(&'static str, f32)> {
    let rebuild = status.rebuild.clone().unwrap_or_default();
    match (rebuild.phase(), status.state()) {
        (RebuildPhase::Copying, _) => Some(("copying rows", rebuild.progress)),
        (RebuildPhase::Building, _) => Some(("building the index", rebuild.progress)),
        (_, IndexState::Building) => Some(("building the index", status.progress)),
        (RebuildPhase::Queued, _) | (_, IndexState::Queued) => Some(("waiting", 0.0)),
        _ => None,
    }
}

fn text(answer: &GetIndexResponse) -> String {
    let status = answer.index.clone().unwrap_or_default();
    let mut grid = Grid::plain(&[Align::Left, Align::Left]);
    let mut line = |name: &str, value: String| grid.row([name.to_owned(), value]);
    line("table", answer.table.clone());
    line("generation", answer.generation.to_string());
    line("index", tables::index(&status));
    line("written", format!("{} rows since", count(status.written_row_count)));
    line("deleted", format!("{} rows since", count(status.deleted_row_count)));
    line("rebuild", rebuild(&status.rebuild.unwrap_or_default()));
    grid.to_string()
}

fn rebuild(rebuild: &Rebuild) -> String {
    let percent = rebuild.progress * 100.0;
    match rebuild.phase() {
        RebuildPhase::Unspecified | RebuildPhase::Idle => "none".to_owned(),
        RebuildPhase::Queued => "queued".to_owned(),
        RebuildPhase::Copying => format!("copying rows, {percent:.0}%"),
        RebuildPhase::Building => format!("building the index, {percent:.0}%"),
        RebuildPhase::Failed => format!("failed: {}", shown(&rebuild.problem)),
    }
}
