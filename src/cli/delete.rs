//! `wordspace delete`: deletes a table.

use clap::Args;

use crate::cli::failure::{Failure, Result};
use crate::cli::options::Asking;
use crate::cli::output::{Output, count, quoted};
use crate::client::{Client, DeleteTableRequest, DeleteTableResponse};

/// Delete a table with its rows and index; there is no way back
#[derive(Debug, Args)]
pub(super) struct Delete {
    #[command(flatten)]
    pub(super) asking: Asking,
    /// Table to delete
    #[arg(value_name = "NAME")]
    table: String,
    /// Yes, delete it
    #[arg(long)]
    yes: bool,
}

impl Delete {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        if !self.yes {
            return Err(Failure::Usage(format!(
                "deleting {} has no way back; say --yes to do it",
                quoted(&self.table)
            )));
        }
        let request = DeleteTableRequest { table: self.table.clone() };
        let answer = client.delete_table(request).await?;
        output.answer(&answer, text)
    }
}

fn text(answer: &DeleteTableResponse) -> String {
    let rows = answer.table.as_ref().map_or(0, |table| table.row_count);
    let name = answer.table.as_ref().map_or("", |table| &table.name);
    format!("deleted {} with {} rows\n", quoted(name), count(rows))
}
