//! `wordspace odd-one-out`: the word that fits the others least.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{QUERIES_HELP, TableArg, WordArgs, queries};
use crate::cli::output::{Align, Grid, Output, answered, similarity};
use crate::client::{Client, OddOneOutRequest, OddOneOutResponse};

/// Which of these words fits the others least
#[derive(Debug, Args)]
#[command(after_help = QUERIES_HELP)]
pub(super) struct OddOneOut {
    #[command(flatten)]
    table: TableArg,
    /// At least three words
    #[arg(value_name = "WORD", required = true, num_args = 3..)]
    words: Vec<String>,
    #[command(flatten)]
    looked_up: WordArgs,
}

impl OddOneOut {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = OddOneOutRequest {
            table: self.table.name.clone(),
            queries: queries(&self.words),
            words: Some(self.looked_up.options()),
        };
        let answer = client.odd_one_out(request).await?;
        output.answer(&answer, text)?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}

fn text(answer: &OddOneOutResponse) -> String {
    let mut grid =
        Grid::titled(&[("word", Align::Left), ("to the mean", Align::Right), ("", Align::Left)]);
    for ranked in &answer.ranked {
        let mark = if ranked.index == answer.odd_index { "the odd one" } else { "" };
        grid.row([ranked.word.clone(), similarity(ranked.similarity), mark.to_owned()]);
    }
    grid.to_string()
}
