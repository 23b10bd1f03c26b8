//! `wordspace recall`: how much the index finds of what comparing every row finds.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{QUERIES_HELP, TableArg, WordArgs, queries};
use crate::cli::output::{Align, Grid, Output, answered, count};
use crate::client::{Client, RecallRequest, RecallResponse};

/// Recall and speed of a table's index, for some values of --ef
#[derive(Debug, Args)]
#[command(after_help = QUERIES_HELP)]
pub(super) struct Recall {
    #[command(flatten)]
    table: TableArg,
    /// Words to ask; without any, some are drawn
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// How many words are drawn
    #[arg(long, value_name = "COUNT", default_value_t = 200, conflicts_with = "words")]
    sample: u32,
    /// Seed of the drawing
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Neighbors of each
    #[arg(short, value_name = "COUNT", default_value_t = 10)]
    k: u32,
    /// How far the index looks [default: 16 32 64 128 256]
    #[arg(long, value_name = "WIDTH", num_args = 1..)]
    ef: Vec<u32>,
    #[command(flatten)]
    looked_up: WordArgs,
}

impl Recall {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = RecallRequest {
            table: self.table.name.clone(),
            queries: queries(&self.words),
            sample: Some(self.sample),
            seed: self.seed,
            k: Some(self.k),
            ef_search: self.ef.clone(),
            words: Some(self.looked_up.options()),
        };
        let answer = client.recall(request).await?;
        output.answer(&answer, text)?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}

fn text(answer: &RecallResponse) -> String {
    let mut grid = Grid::titled(&[
        ("ef", Align::Right),
        ("recall", Align::Right),
        ("least", Align::Right),
        ("a second", Align::Right),
        ("compared all", Align::Right),
    ]);
    for point in &answer.points {
        grid.row([
            point.ef_search.to_string(),
            format!("{:.4}", point.recall),
            format!("{:.2}", point.recall_min),
            rate(point.queries_per_second),
            count(point.exact_count.into()),
        ]);
    }
    let exact = rate(answer.exact_queries_per_second);
    format!("{grid}  {} words; comparing every row: {exact} a second\n", answer.query_count)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate, for show")]
fn rate(per_second: f64) -> String {
    count(per_second.round() as u64)
}
