//! `wordspace similarity-matrix`: how alike all words of a list are.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{QUERIES_HELP, TableArg, WordArgs, queries};
use crate::cli::output::{Align, Grid, Output, answered};
use crate::cli::plot::{self, DrawArgs};
use crate::client::{Client, SimilarityMatrixRequest, SimilarityMatrixResponse};

/// The cosine similarities of all words of a list, or of two lists
///
/// --svg and --png draw the matrix as a heat map: blue is near, red is opposite.
#[derive(Debug, Args)]
#[command(after_help = QUERIES_HELP)]
pub(super) struct SimilarityMatrix {
    #[command(flatten)]
    table: TableArg,
    /// The words of the rows
    #[arg(value_name = "WORD", required = true)]
    rows: Vec<String>,
    /// The words of the columns [default: those of the rows]
    #[arg(long, value_name = "WORD", num_args = 1..)]
    columns: Vec<String>,
    #[command(flatten)]
    drawn: DrawArgs,
    #[command(flatten)]
    looked_up: WordArgs,
}

impl SimilarityMatrix {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = SimilarityMatrixRequest {
            table: self.table.name.clone(),
            rows: queries(&self.rows),
            columns: queries(&self.columns),
            words: Some(self.looked_up.options()),
        };
        let answer = client.similarity_matrix(request).await?;
        output.answer(&answer, text)?;
        output.footer(&answered(answer.answer.as_ref()));
        if self.drawn.is_asked() {
            let [rows, columns] = [&answer.rows, &answer.columns]
                .map(|words| words.iter().map(|word| word.word.as_str()).collect::<Vec<_>>());
            let drawn = plot::heat("Cosine similarity", &rows, &columns, &answer.similarities);
            self.drawn.write(&drawn, output)?;
        }
        Ok(())
    }
}

fn text(answer: &SimilarityMatrixResponse) -> String {
    let titles = answer.columns.iter().map(|column| (column.word.as_str(), Align::Right));
    let titles: Vec<_> = std::iter::once(("", Align::Left)).chain(titles).collect();
    let mut grid = Grid::titled(&titles);
    let rows = answer.similarities.chunks(answer.columns.len().max(1));
    for (row, similarities) in answer.rows.iter().zip(rows) {
        let cells = similarities.iter().map(|similarity| format!("{similarity:.2}"));
        grid.cells(std::iter::once(row.word.clone()).chain(cells));
    }
    grid.to_string()
}
