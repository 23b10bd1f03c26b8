//! `wordspace rename`: another name for a table.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::output::{Output, quoted};
use crate::client::{Client, RenameTableRequest};

/// Give a table another name; its writes, its tokenizer and its aliases go along
#[derive(Debug, Args)]
pub(super) struct Rename {
    /// The table
    #[arg(value_name = "OLD")]
    old: String,
    /// The name that it gets
    #[arg(value_name = "NEW")]
    new_name: String,
}

impl Rename {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request =
            RenameTableRequest { table: self.old.clone(), new_name: self.new_name.clone() };
        let answer = client.rename_table(request).await?;
        output.answer(&answer, |answer| {
            let name = answer.table.as_ref().map_or("", |table| &table.name);
            format!("renamed {} to {}\n", quoted(&self.old), quoted(name))
        })
    }
}
