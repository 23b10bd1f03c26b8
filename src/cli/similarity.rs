//! `wordspace similarity`: the cosine similarity of pairs.

use clap::Args;

use crate::cli::failure::{Failure, Result};
use crate::cli::options::{QUERIES_HELP, TableArg, WordArgs, query};
use crate::cli::output::{self, Align, Grid, Output, answered};
use crate::client::{Client, SimilarityRequest, SimilarityResponse, similarity_request::Pair};

/// The cosine similarity of pairs of words
#[derive(Debug, Args)]
#[command(after_help = QUERIES_HELP)]
pub(super) struct Similarity {
    #[command(flatten)]
    table: TableArg,
    /// Pairs, one after the other: A B [A B ...]
    #[arg(value_name = "WORD", required = true, num_args = 2..)]
    words: Vec<String>,
    #[command(flatten)]
    looked_up: WordArgs,
}

impl Similarity {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let (pairs, rest) = self.words.as_chunks::<2>();
        if let [alone] = rest {
            return Err(Failure::Usage(format!(
                "{} words are no pairs: \"{alone}\" stands alone",
                self.words.len()
            )));
        }
        let wanted = pairs.iter().map(|[a, b]| Pair { a: Some(query(a)), b: Some(query(b)) });
        let answer = client
            .similarity(SimilarityRequest {
                table: self.table.name.clone(),
                pairs: wanted.collect(),
                words: Some(self.looked_up.options()),
            })
            .await?;
        output.answer(&answer, |answer| text(pairs, answer))?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}

fn text(pairs: &[[String; 2]], answer: &SimilarityResponse) -> String {
    let mut grid =
        Grid::titled(&[("a", Align::Left), ("b", Align::Left), ("cosine", Align::Right)]);
    for ([a, b], pair) in pairs.iter().zip(&answer.similarities) {
        let shown = pair.similarity.map_or_else(|| "unknown".to_owned(), output::similarity);
        grid.row([a.clone(), b.clone(), shown]);
    }
    grid.to_string()
}
