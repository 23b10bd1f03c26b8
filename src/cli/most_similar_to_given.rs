//! `wordspace most-similar-to-given`: which of some words is nearest.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{Asking, TableArg, WordArgs};
use crate::cli::output::{Align, Grid, Output, answered, similarity};
use crate::client::{Client, MostSimilarToGivenRequest, RankedWord};

/// Which of some words is nearest to a word
#[derive(Debug, Args)]
pub(super) struct MostSimilarToGiven {
    #[command(flatten)]
    pub(super) asking: Asking,
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
            query: Some(self.word.as_str().into()),
            candidates: self.candidates.iter().map(|word| word.as_str().into()).collect(),
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
