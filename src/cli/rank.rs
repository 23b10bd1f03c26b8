//! `wordspace rank`: where a word stands among another's neighbors.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{FilterArgs, QUERIES_HELP, TableArg, WordArgs, query};
use crate::cli::output::{Output, answered, count, quoted, similarity};
use crate::client::{Client, RankRequest};

/// Where B stands among the words near to A
#[derive(Debug, Args)]
#[command(after_help = QUERIES_HELP)]
pub(super) struct Rank {
    #[command(flatten)]
    table: TableArg,
    /// Near to this word
    a: String,
    /// The place of this word
    b: String,
    #[command(flatten)]
    looked_up: WordArgs,
    #[command(flatten)]
    filter: FilterArgs,
}

impl Rank {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = RankRequest {
            table: self.table.name.clone(),
            a: Some(query(&self.a)),
            b: Some(query(&self.b)),
            words: Some(self.looked_up.options()),
            filter: self.filter.filter(),
        };
        let answer = client.rank(request).await?;
        output.answer(&answer, |answer| {
            format!(
                "  {} is number {} of {} words near to {}, cosine {}\n",
                quoted(&self.b),
                count(answer.rank.into()),
                count(answer.row_count.into()),
                quoted(&self.a),
                similarity(answer.similarity)
            )
        })?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}
