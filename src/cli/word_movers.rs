//! `wordspace word-movers`: how far two texts are apart, word by word.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{TableArg, WordArgs};
use crate::cli::output::{Align, Grid, Output, answered};
use crate::client::{Client, WordMoversRequest, WordMoversResponse};

/// Moves that are shown.
const SHOWN: usize = 12;

/// Word Mover's Distance of two texts (Kusner et al. 2015): what it takes to move the words of one to
/// those of the other
#[derive(Debug, Args)]
pub(super) struct WordMovers {
    #[command(flatten)]
    table: TableArg,
    /// The first text; its words have spaces between
    a: String,
    /// The second text
    b: String,
    /// Distances of vectors as imported, in place of unit vectors
    #[arg(long)]
    raw: bool,
    /// Only the relaxed distance, which is never more than the exact one
    #[arg(long)]
    relaxed: bool,
    #[command(flatten)]
    looked_up: WordArgs,
}

impl WordMovers {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let request = WordMoversRequest {
            table: self.table.name.clone(),
            a: words(&self.a),
            b: words(&self.b),
            raw: self.raw,
            relaxed: self.relaxed,
            words: Some(self.looked_up.options()),
        };
        let answer = client.word_movers(request).await?;
        output.answer(&answer, text)?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}

fn text(answer: &WordMoversResponse) -> String {
    let mut figures = Grid::plain(&[Align::Left, Align::Right]);
    if let Some(distance) = answer.distance {
        figures.row(["distance".to_owned(), format!("{distance:.4}")]);
    }
    figures.row(["relaxed".to_owned(), format!("{:.4}", answer.relaxed_distance)]);
    if answer.moves.is_empty() {
        return figures.to_string();
    }
    let mut grid = Grid::titled(&[
        ("from", Align::Left),
        ("to", Align::Left),
        ("weight", Align::Right),
        ("distance", Align::Right),
    ]);
    for one in answer.moves.iter().take(SHOWN) {
        grid.row([
            one.from.clone(),
            one.to.clone(),
            format!("{:.3}", one.weight),
            format!("{:.4}", one.distance),
        ]);
    }
    let rest = answer.moves.len().saturating_sub(SHOWN);
    let rest = if rest > 0 { format!("  and {rest} more\n") } else { String::new() };
    format!("{figures}{grid}{rest}")
}
