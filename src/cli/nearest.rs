//! `wordspace nearest`: the nearest words of one or more words.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{Asking, FilterArgs, SearchArgs, TableArg, WordArgs};
use crate::cli::output::{Align, Grid, Output, answered, count, similarity};
use crate::client::{Client, NearestRequest, Neighbor};

/// The nearest words of a word, or of the mean of several
#[derive(Debug, Args)]
pub(super) struct Nearest {
    #[command(flatten)]
    pub(super) asking: Asking,
    #[command(flatten)]
    table: TableArg,
    /// Words to be near to; several are one question: their mean
    #[arg(value_name = "WORD", required_unless_present = "negative")]
    words: Vec<String>,
    /// Words to be far from
    #[arg(long, value_name = "WORD", num_args = 1..)]
    negative: Vec<String>,
    #[command(flatten)]
    search: SearchArgs,
    /// Let the question's own words stand in the answer
    #[arg(long)]
    include_inputs: bool,
    /// Leave out neighbors below this cosine similarity, from -1 to 1
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    min_similarity: Option<f32>,
    #[command(flatten)]
    looked_up: WordArgs,
    #[command(flatten)]
    filter: FilterArgs,
}

impl Nearest {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let answer = client.nearest(self.request()).await?;
        output.answer(&answer, |answer| neighbors("cosine", &answer.neighbors))?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }

    fn request(&self) -> NearestRequest {
        let queries = |words: &[String]| words.iter().map(|word| word.as_str().into()).collect();
        NearestRequest {
            table: self.table.name.clone(),
            positive: queries(&self.words),
            negative: queries(&self.negative),
            k: Some(self.search.k),
            exclude_inputs: Some(!self.include_inputs),
            exact: Some(self.search.exact),
            ef_search: self.search.ef,
            min_similarity: self.min_similarity,
            words: Some(self.looked_up.options()),
            filter: self.filter.filter(),
        }
    }
}

/// Neighbors as a table; `measure` says what their numbers are.
pub(super) fn neighbors(measure: &str, neighbors: &[Neighbor]) -> String {
    if neighbors.is_empty() {
        return "  no neighbors\n".to_owned();
    }
    let mut grid = Grid::titled(&[
        ("#", Align::Right),
        ("word", Align::Left),
        (measure, Align::Right),
        ("row", Align::Right),
    ]);
    for (place, neighbor) in (1_u64..).zip(neighbors) {
        grid.row([
            place.to_string(),
            neighbor.word.clone(),
            similarity(neighbor.similarity),
            count(neighbor.row.into()),
        ]);
    }
    grid.to_string()
}
