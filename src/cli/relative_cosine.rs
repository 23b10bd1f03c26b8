//! `wordspace relative-cosine`: how alike two words are, measured by the neighbors of one.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{QUERIES_HELP, TableArg, WordArgs, query};
use crate::cli::output::{Output, answered, similarity};
use crate::client::{Client, RelativeCosineRequest};

/// The cosine of two words over the sum of those of the first one's neighbors
#[derive(Debug, Args)]
#[command(after_help = QUERIES_HELP)]
pub(super) struct RelativeCosine {
    #[command(flatten)]
    table: TableArg,
    /// Whose neighbors
    a: String,
    /// Compared with which word
    b: String,
    /// How many neighbors
    #[arg(short, value_name = "COUNT", default_value_t = 10)]
    k: u32,
    #[command(flatten)]
    looked_up: WordArgs,
}

impl RelativeCosine {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = RelativeCosineRequest {
            table: self.table.name.clone(),
            a: Some(query(&self.a)),
            b: Some(query(&self.b)),
            k: Some(self.k),
            words: Some(self.looked_up.options()),
        };
        let answer = client.relative_cosine(request).await?;
        output.answer(&answer, |answer| {
            format!(
                "  relative cosine {:.4}: {} of {:.4}; more than {:.4} suggests a synonym\n",
                answer.relative_cosine,
                similarity(answer.similarity),
                answer.neighbors_sum,
                1.0 / f64::from(self.k.max(1))
            )
        })?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}
