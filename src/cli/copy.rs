//! `wordspace copy`: a second table of one.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::output::{Output, count, quoted};
use crate::client::{Client, CopyTableRequest};

/// Make a second table of one, with its rows, writes and index; no data moves
#[derive(Debug, Args)]
pub(super) struct Copy {
    /// The table
    #[arg(value_name = "NAME")]
    of: String,
    /// The name of the second one
    #[arg(value_name = "NEW")]
    new_name: String,
}

impl Copy {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = CopyTableRequest { table: self.of.clone(), new_name: self.new_name.clone() };
        let answer = client.copy_table(request).await?;
        output.answer(&answer, |answer| {
            let (name, rows) =
                answer.table.as_ref().map_or(("", 0), |table| (&table.name, table.row_count));
            format!("copied {} rows to {}\n", count(rows), quoted(name))
        })
    }
}
