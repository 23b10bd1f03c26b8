//! `wordspace huffman`: where a word stands in the Huffman tree over a table's words.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::TableArg;
use crate::cli::output::{Align, Grid, Output, count, shown};
use crate::client::{Client, GetHuffmanPathRequest, GetHuffmanPathResponse};

/// The code of a word in the Huffman tree over the table's words, and the inner nodes on the way
///
/// The tree is built of the attribute count, which trained tables have, and imports with --counts: the
/// more often a word occurs, the nearer it is to the root. 1 goes to the left child, which is the more
/// frequent one, and 0 to the right.
#[derive(Debug, Args)]
pub(super) struct Huffman {
    #[command(flatten)]
    table: TableArg,
    /// The word, as it stands in the table
    word: String,
}

impl Huffman {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request =
            GetHuffmanPathRequest { table: self.table.name.clone(), word: self.word.clone() };
        let answer = client.get_huffman_path(request).await?;
        output.answer(&answer, text)
    }
}

fn text(answer: &GetHuffmanPathResponse) -> String {
    let nodes: Vec<String> = answer.nodes.iter().map(ToString::to_string).collect();
    let mut grid = Grid::plain(&[Align::Left, Align::Left]);
    for (name, value) in [
        ("word", shown(&answer.word)),
        ("count", count(answer.count)),
        ("code", answer.code.clone()),
        ("nodes", nodes.join(" ")),
        ("tree", format!("{} words", count(answer.word_count))),
    ] {
        grid.row([name.to_owned(), value]);
    }
    grid.to_string()
}
