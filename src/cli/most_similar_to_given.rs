//! `wordspace most-similar-to-given`: which of some words is nearest.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{QUERIES_HELP, TableArg, WordArgs, queries, query};
use crate::cli::output::{Align, Grid, Output, answered, similarity};
use crate::client::{Client, MostSimilarToGivenRequest, RankedWord};

/// Which of some words is nearest to a word
#[derive(Debug, Args)]
#[command(after_help = QUERIES_HELP)]
pub(super) struct MostSimilarToGiven {
    #[command(flatten)]
    table: TableArg,
    /// Near to this word
    word: String,
    /// Which of these
    #[arg(value_name = "CANDIDATE", required = true)]
    candidates: Vec<String>,
    #[command(flatten)]
    looked_up: WordArgs,
}

impl MostSimilarToGiven {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = MostSimilarToGivenRequest {
            table: self.table.name.clone(),
            query: Some(query(&self.word)),
            candidates: queries(&self.candidates),
            words: Some(self.looked_up.options()),
        };
        let answer = client.most_similar_to_given(request).await?;
        output.answer(&answer, |answer| ranked("cosine", &answer.ranked))?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}

/// Words in an order; `measure` says by what.
pub(super) fn ranked(measure: &str, words: &[RankedWord]) -> String {
    let mut grid =
        Grid::titled(&[("#", Align::Right), ("word", Align::Left), (measure, Align::Right)]);
    for (place, ranked) in (1_u64..).zip(words) {
        grid.row([place.to_string(), ranked.word.clone(), similarity(ranked.similarity)]);
    }
    grid.to_string()
}
