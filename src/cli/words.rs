//! `wordspace words`: a table's words.

use std::io::IsTerminal;

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{FilterArgs, TableArg};
use crate::cli::output::{Output, shown};
use crate::client::{Client, ListWordsRequest, list_words_response::Word};

/// Words of one request; the most a page holds.
const PAGE: u32 = 10_000;

/// The words of a table in row order, one on a line
///
/// With --json a line is one word with its row. Without it words that are not valid UTF-8 come as
/// their bytes, unless stdout is a terminal.
#[derive(Debug, Args)]
pub(super) struct Words {
    #[command(flatten)]
    table: TableArg,
    /// Stop after so many words [default: all of them]
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    #[command(flatten)]
    filter: FilterArgs,
}

impl Words {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let mut wanted = self.limit.unwrap_or(u64::MAX);
        let mut page_token = String::new();
        while wanted > 0 {
            let page = client
                .list_words(ListWordsRequest {
                    table: self.table.name.clone(),
                    filter: self.filter.filter(),
                    page_size: Some(u32::try_from(wanted).unwrap_or(PAGE).min(PAGE)),
                    page_token,
                    ..ListWordsRequest::default()
                })
                .await?;
            print_page(&page.words, output)?;
            wanted = wanted.saturating_sub(page.words.len() as u64);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        Ok(())
    }
}

fn print_page(words: &[Word], output: &mut Output) -> Result<()> {
    if output.is_json() {
        return words.iter().try_for_each(|word| output.answer(word, |_| String::new()));
    }
    let on_terminal = std::io::stdout().is_terminal();
    let mut lines = Vec::new();
    for word in words {
        match (on_terminal, word.word_bytes.as_slice()) {
            (true, _) => lines.extend_from_slice(shown(&word.word).as_bytes()),
            (false, []) => lines.extend_from_slice(word.word.as_bytes()),
            (false, bytes) => lines.extend_from_slice(bytes),
        }
        lines.push(b'\n');
    }
    output.data(&lines)
}
