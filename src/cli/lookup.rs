//! `wordspace lookup`: the vectors of words.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{TableArg, WordArgs, attributes_text, query};
use crate::cli::output::{Align, Grid, Output, answered, count};
use crate::client::{
    Client, LookupRequest, LookupResponse, WordOrVector, WordVector, word_or_vector::Query,
};

/// Components that the short form shows.
const SHOWN: usize = 4;

/// The vectors of words
#[derive(Debug, Args)]
pub(super) struct Lookup {
    #[command(flatten)]
    table: TableArg,
    /// Words to look up
    #[arg(value_name = "WORD", required_unless_present = "row")]
    words: Vec<String>,
    /// Rows to look up, counted from 0
    #[arg(long, value_name = "ROW", num_args = 1..)]
    row: Vec<u32>,
    /// Vectors of length 1 in place of the stored ones
    #[arg(long)]
    unit: bool,
    /// Print whole vectors, as lines of GloVe's text format
    #[arg(long, conflicts_with = "json")]
    full: bool,
    #[command(flatten)]
    looked_up: WordArgs,
}

impl Lookup {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let words = self.words.iter().map(|word| query(word));
        let rows = self.row.iter().map(|&row| Query::Row(row));
        let rows = rows.map(|row| WordOrVector { query: Some(row), weight: None });
        let answer = client
            .lookup(LookupRequest {
                table: self.table.name.clone(),
                queries: words.chain(rows).collect(),
                unit: self.unit,
                words: Some(self.looked_up.options()),
                ..LookupRequest::default()
            })
            .await?;
        if self.full {
            output.data(&lines(&answer))?;
        } else {
            output.answer(&answer, |answer| self.text(answer))?;
        }
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }

    fn text(&self, answer: &LookupResponse) -> String {
        let has_attributes = answer.vectors.iter().any(|vector| !vector.attributes.is_empty());
        let mut grid = Grid::titled(&[
            ("word", Align::Left),
            ("row", Align::Right),
            ("norm", Align::Right),
            ("vector", Align::Left),
            (if has_attributes { "attributes" } else { "" }, Align::Left),
        ]);
        let rows = self.row.iter().map(|row| format!("row {row}"));
        let asked = self.words.iter().cloned().chain(rows);
        for (vector, asked) in answer.vectors.iter().zip(asked) {
            if vector.vector.is_none() {
                let none = String::new;
                grid.row([asked, none(), none(), "unknown".to_owned(), none()]);
                continue;
            }
            let values = components(vector);
            let mut first: Vec<_> = values.iter().take(SHOWN).map(f32::to_string).collect();
            if values.len() > SHOWN {
                first.push(format!("... ({} components)", values.len()));
            }
            let row = if vector.found { count(vector.row.into()) } else { "made".to_owned() };
            grid.row([
                vector.word.clone(),
                row,
                format!("{:.4}", vector.norm),
                first.join(" "),
                attributes_text(&vector.attributes),
            ]);
        }
        grid.to_string()
    }
}

fn components(vector: &WordVector) -> &[f32] {
    vector.vector.as_ref().map_or(&[], |vector| &vector.values)
}

fn lines(answer: &LookupResponse) -> Vec<u8> {
    let mut lines = Vec::new();
    for vector in answer.vectors.iter().filter(|vector| vector.vector.is_some()) {
        if vector.word_bytes.is_empty() {
            lines.extend_from_slice(vector.word.as_bytes());
        } else {
            lines.extend_from_slice(&vector.word_bytes);
        }
        for value in components(vector) {
            lines.extend_from_slice(format!(" {value}").as_bytes());
        }
        lines.push(b'\n');
    }
    lines
}
