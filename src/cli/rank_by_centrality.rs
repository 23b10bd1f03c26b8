//! `wordspace rank-by-centrality`: the words of a set by how near they are to its middle.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::most_similar_to_given::ranked;
use crate::cli::options::{QUERIES_HELP, TableArg, WordArgs, queries};
use crate::cli::output::{Output, answered};
use crate::client::{Client, RankByCentralityRequest};

/// The words of a set by their similarity to its mean
#[derive(Debug, Args)]
#[command(after_help = QUERIES_HELP)]
pub(super) struct RankByCentrality {
    #[command(flatten)]
    table: TableArg,
    /// The set
    #[arg(value_name = "WORD", required = true)]
    words: Vec<String>,
    #[command(flatten)]
    looked_up: WordArgs,
}

impl RankByCentrality {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = RankByCentralityRequest {
            table: self.table.name.clone(),
            queries: queries(&self.words),
            words: Some(self.looked_up.options()),
        };
        let answer = client.rank_by_centrality(request).await?;
        output.answer(&answer, |answer| ranked("to the mean", &answer.ranked))?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}
