//! `wordspace words`: a table's words.

use std::io::IsTerminal;

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{FilterArgs, IncludeArgs, TableArg, attributes_text};
use crate::cli::output::{Output, count, shown};
use crate::client::{
    Client, CountWordsRequest, ListWordsRequest, SampleWordsRequest, WordOrder,
    list_words_response::Word,
};

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
    /// Pass over so many words first
    #[arg(long, value_name = "COUNT", default_value_t = 0, hide_default_value = true)]
    offset: u64,
    /// By this attribute, the smallest value first; words that lack it are left out
    #[arg(long, value_name = "ATTRIBUTE")]
    order_by: Option<String>,
    /// The largest value first
    #[arg(long, requires = "order_by")]
    descending: bool,
    /// So many words at random
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["limit", "offset", "order_by"])]
    sample: Option<u32>,
    /// Seed of what is drawn
    #[arg(long, requires = "sample", default_value_t = 0, hide_default_value = true)]
    seed: u64,
    /// Only how many words there are
    #[arg(long, conflicts_with_all = ["limit", "offset", "order_by", "sample", "include"])]
    count: bool,
    #[command(flatten)]
    included: IncludeArgs,
    #[command(flatten)]
    filter: FilterArgs,
}

impl Words {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let (table, filter) = (self.table.name.clone(), self.filter.filter());
        if self.count {
            let answer = client.count_words(CountWordsRequest { table, filter }).await?;
            return output.answer(&answer, |answer| format!("{}\n", count(answer.count)));
        }
        let include = self.included.include();
        if let Some(count) = self.sample {
            let (count, seed) = (Some(count), self.seed);
            let request = SampleWordsRequest { table, count, seed, filter, include };
            return print_page(&client.sample_words(request).await?.words, output);
        }
        let order = self.order_by.clone();
        let order = order.map(|attribute| WordOrder { attribute, descending: self.descending });
        let mut wanted = self.limit.unwrap_or(u64::MAX);
        let mut page_token = String::new();
        while wanted > 0 {
            let page = client
                .list_words(ListWordsRequest {
                    table: table.clone(),
                    filter: filter.clone(),
                    page_size: Some(u32::try_from(wanted).unwrap_or(PAGE).min(PAGE)),
                    page_token,
                    offset: self.offset,
                    order: order.clone(),
                    include,
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
        for told in [
            word.norm.map(|norm| norm.to_string()),
            (!word.attributes.is_empty()).then(|| attributes_text(&word.attributes)),
            word.vector.as_ref().map(|vector| {
                let values: Vec<_> = vector.values.iter().map(f32::to_string).collect();
                values.join(" ")
            }),
        ] {
            let Some(told) = told else { continue };
            lines.push(b'\t');
            lines.extend_from_slice(shown(&told).as_bytes());
        }
        lines.push(b'\n');
    }
    output.data(&lines)
}
