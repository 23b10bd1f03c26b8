//! `wordspace compare`: how differently two tables see a word.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{TableArg, WordArgs};
use crate::cli::output::{Align, Grid, Output, answered, count, shown};
use crate::client::{Client, CompareRequest, CompareResponse};

/// How differently two tables see words: shared neighbors, and the words' own vectors after the first
/// table was turned onto the second
#[derive(Debug, Args)]
pub(super) struct Compare {
    #[command(flatten)]
    table: TableArg,
    /// Table to compare with
    #[arg(long, value_name = "NAME")]
    with: String,
    /// Words that both tables have
    #[arg(value_name = "WORD", required = true)]
    words: Vec<String>,
    /// Neighbors of each word in each table
    #[arg(short, value_name = "COUNT", default_value_t = 10)]
    k: u32,
    /// Align the tables on so many shared words
    #[arg(long, value_name = "COUNT", default_value_t = 5_000)]
    anchors: u32,
    #[command(flatten)]
    looked_up: WordArgs,
}

impl Compare {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = CompareRequest {
            table: self.table.name.clone(),
            other: self.with.clone(),
            words: self.words.clone(),
            k: Some(self.k),
            anchors: Some(self.anchors),
            options: Some(self.looked_up.options()),
        };
        let answer = client.compare(request).await?;
        output.answer(&answer, |answer| self.text(answer))?;
        output.footer(&answered(answer.answer.as_ref()));
        output.footer(&answered(answer.other_answer.as_ref()));
        Ok(())
    }

    fn text(&self, answer: &CompareResponse) -> String {
        let mut grid = Grid::titled(&[
            ("word", Align::Left),
            ("shared", Align::Right),
            ("overlap", Align::Right),
            ("neighborhood", Align::Right),
            ("aligned", Align::Right),
        ]);
        let figure = |value: Option<f64>| value.map_or_else(String::new, |v| format!("{v:.4}"));
        for word in &answer.words {
            grid.row([
                word.word.clone(),
                format!("{} of {}", word.shared.len(), self.k),
                format!("{:.3}", word.overlap),
                figure(word.neighborhood_similarity),
                figure(word.aligned_similarity),
            ]);
        }
        let lists = answer.words.iter().flat_map(|word| {
            let sides = [(&self.table.name, &word.neighbors), (&self.with, &word.other_neighbors)];
            sides.map(|(table, neighbors)| {
                let words: Vec<_> = neighbors.iter().map(|near| shown(&near.word)).collect();
                format!("  {} in {}: {}\n", shown(&word.word), shown(table), words.join(", "))
            })
        });
        let lists: Vec<_> = lists.collect();
        let anchors = count(answer.anchor_count.into());
        let aligned = match (answer.anchors_mean, answer.anchors_deviation) {
            (Some(mean), Some(deviation)) => format!(
                "aligned on {anchors} shared words, whose own cosine is {mean:.4} +- {deviation:.4}"
            ),
            _ => format!("not aligned: {}", shown(&answer.not_aligned)),
        };
        format!("{grid}{}  {aligned}\n", lists.concat())
    }
}
