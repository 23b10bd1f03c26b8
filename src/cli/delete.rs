//! `wordspace delete`: deletes a table.

use clap::Args;

use crate::cli::failure::{Failure, Result};
use crate::cli::output::{Output, count, quoted};
use crate::client::{Client, DeleteTablesRequest, DeleteTablesResponse, Table};

/// Delete tables with their rows and indexes, all of them or none; this cannot be undone
#[derive(Debug, Args)]
pub(super) struct Delete {
    /// Tables to delete
    #[arg(value_name = "NAME", required_unless_present = "table")]
    tables: Vec<String>,
    /// The same
    #[arg(long, value_name = "NAME", num_args = 1..)]
    table: Vec<String>,
    /// Yes, delete them
    #[arg(long, visible_alias = "force", short = 'y')]
    yes: bool,
}

impl Delete {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let tables: Vec<String> = self.tables.iter().chain(&self.table).cloned().collect();
        if !self.yes {
            let names: Vec<_> = tables.iter().map(|name| quoted(name)).collect();
            return Err(Failure::Usage(format!(
                "deleting {} cannot be undone; say --yes to do it",
                names.join(", ")
            )));
        }
        let answer = client.delete_tables(DeleteTablesRequest { tables }).await?;
        output.answer(&answer, text)
    }
}

fn text(answer: &DeleteTablesResponse) -> String {
    let line = |table: &Table| {
        format!("deleted {} with {} rows\n", quoted(&table.name), count(table.row_count))
    };
    answer.tables.iter().map(line).collect()
}
