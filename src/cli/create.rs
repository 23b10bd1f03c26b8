//! `wordspace create`: an empty table.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{DtypeArg, IndexArg};
use crate::cli::output::{Output, quoted};
use crate::client::{Client, CreateTableRequest, CreateTableResponse, Dtype};

/// Make an empty table, which `put` and `import --into` fill
#[derive(Debug, Args)]
pub(super) struct Create {
    /// The new table
    #[arg(value_name = "NAME")]
    name: String,
    /// Components of each vector
    #[arg(long, value_name = "COUNT")]
    dim: u32,
    /// How vectors are kept
    #[arg(long, value_name = "DTYPE", value_enum, default_value_t = DtypeArg::F32)]
    dtype: DtypeArg,
    /// Leave vectors on the disk, so that the table may be larger than memory
    #[arg(long)]
    on_disk: bool,
    /// Index of a table of more than 10,000 rows
    #[arg(long, value_name = "KIND", value_enum, default_value_t = IndexArg::Auto)]
    index: IndexArg,
    /// Cut the table's texts by this tokenizer where none is named
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    tokenizer: String,
    /// The licence of the vectors, kept with the table
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    license: String,
}

impl Create {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = CreateTableRequest {
            table: self.name.clone(),
            dim: self.dim,
            dtype: Dtype::from(self.dtype).into(),
            index: self.index.kind().into(),
            tokenizer: self.tokenizer.clone(),
            license: self.license.clone(),
            on_disk: self.on_disk,
        };
        let answer = client.create_table(request).await?;
        output.answer(&answer, text)
    }
}

fn text(answer: &CreateTableResponse) -> String {
    let (name, dim) = answer.table.as_ref().map_or(("", 0), |table| (&table.name, table.dim));
    format!("created {}, which is empty, for vectors of {dim} components\n", quoted(name))
}
