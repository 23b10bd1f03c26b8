//! `wordspace delete`: deletes a table.

use clap::Args;

use crate::cli::failure::{Failure, Result};
use crate::cli::output::{Output, count, quoted};
use crate::client::{Client, DeleteTableRequest, DeleteTableResponse, GetTableRequest};

/// Delete tables with their rows and indexes; this cannot be undone
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
        let tables: Vec<&String> = self.tables.iter().chain(&self.table).collect();
        if !self.yes {
            let names: Vec<_> = tables.iter().map(|name| quoted(name)).collect();
            return Err(Failure::Usage(format!(
                "deleting {} cannot be undone; say --yes to do it",
                names.join(", ")
            )));
        }
        // A name that is wrong is better known before the first table is gone.
        for table in &tables {
            client.get_table(GetTableRequest { table: (*table).clone() }).await?;
        }
        for table in tables {
            let request = DeleteTableRequest { table: table.clone() };
            let answer = client.delete_table(request).await?;
            output.answer(&answer, text)?;
        }
        Ok(())
    }
}

fn text(answer: &DeleteTableResponse) -> String {
    let rows = answer.table.as_ref().map_or(0, |table| table.row_count);
    let name = answer.table.as_ref().map_or("", |table| &table.name);
    format!("deleted {} with {} rows\n", quoted(name), count(rows))
}
