//! `wordspace set-similarity`: how alike two sets of words are.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{QUERIES_HELP, TableArg, WordArgs, queries};
use crate::cli::output::{Align, Grid, Output, answered, similarity};
use crate::client::{Client, SetSimilarityRequest, SetSimilarityResponse};

/// How alike two sets of words are: the cosine of their means
#[derive(Debug, Args)]
#[command(after_help = QUERIES_HELP)]
pub(super) struct SetSimilarity {
    #[command(flatten)]
    table: TableArg,
    /// The first set: words with commas between
    #[arg(value_name = "WORDS", value_delimiter = ',', num_args = 1, required = true)]
    a: Vec<String>,
    /// The second set
    #[arg(long = "with", value_name = "WORDS", value_delimiter = ',', required = true)]
    b: Vec<String>,
    /// Bring each vector to length 1 before the mean
    #[arg(long)]
    unit: bool,
    #[command(flatten)]
    looked_up: WordArgs,
}

impl SetSimilarity {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = SetSimilarityRequest {
            table: self.table.name.clone(),
            a: queries(&self.a),
            b: queries(&self.b),
            unit: self.unit,
            words: Some(self.looked_up.options()),
        };
        let answer = client.set_similarity(request).await?;
        output.answer(&answer, text)?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}

fn text(answer: &SetSimilarityResponse) -> String {
    let mut grid = Grid::plain(&[Align::Left, Align::Right]);
    grid.row(["of the means".to_owned(), similarity(answer.similarity)]);
    grid.row(["mean of the pairs".to_owned(), similarity(answer.mean_pair_similarity)]);
    format!("{grid}  {} and {} words\n", answer.count_a, answer.count_b)
}
