//! `wordspace closer-than`: the words that are nearer to a word than another is.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::nearest::neighbors;
use crate::cli::options::{FilterArgs, QUERIES_HELP, TableArg, WordArgs, query};
use crate::cli::output::{Output, answered, count, quoted, similarity};
use crate::client::{Client, CloserThanRequest};

/// The words that are nearer to A than B is
#[derive(Debug, Args)]
#[command(after_help = QUERIES_HELP)]
pub(super) struct CloserThan {
    #[command(flatten)]
    table: TableArg,
    /// Near to this word
    a: String,
    /// Nearer than this word
    b: String,
    /// How many are shown at most
    #[arg(short, value_name = "COUNT", default_value_t = 20)]
    k: u32,
    #[command(flatten)]
    looked_up: WordArgs,
    #[command(flatten)]
    filter: FilterArgs,
}

impl CloserThan {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = CloserThanRequest {
            table: self.table.name.clone(),
            a: Some(query(&self.a)),
            b: Some(query(&self.b)),
            k: Some(self.k),
            words: Some(self.looked_up.options()),
            filter: self.filter.filter(),
        };
        let answer = client.closer_than(request).await?;
        output.answer(&answer, |answer| {
            format!(
                "{}  {} words are nearer to {} than {} is, whose cosine is {}\n",
                neighbors("cosine", &answer.neighbors),
                count(answer.count.into()),
                quoted(&self.a),
                quoted(&self.b),
                similarity(answer.similarity)
            )
        })?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}
