//! `wordspace delete-words`: deletes words of a table.

use clap::Args;

use crate::cli::failure::{Failure, Result};
use crate::cli::options::{FilterArgs, TableArg, TargetArgs};
use crate::cli::output::{Output, count, skipped};
use crate::client::{Client, DeleteWordsRequest, DeleteWordsResponse};

/// What may stand in place of words.
const FILTERS: [&str; 7] = ["top", "rows", "prefix", "regex", "allow", "deny", "conditions"];

/// Delete words with their vectors and attributes, or all words that a filter lets through
#[derive(Debug, Args)]
#[command(mut_arg("words", |words| words.required_unless_present_any(FILTERS)))]
pub(super) struct DeleteWords {
    #[command(flatten)]
    table: TableArg,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    filter: FilterArgs,
}

impl DeleteWords {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let (table, oov) = (self.table.name.clone(), self.target.oov());
        let Some(filter) = self.filter.filter() else {
            let (queries, oov) = (self.target.queries(), oov.into());
            let request = DeleteWordsRequest { table, queries, oov, filter: None };
            return output.answer(&client.delete_words(request).await?, text);
        };
        if !self.target.queries().is_empty() {
            return Err(Failure::Usage("give words or a filter, not both".to_owned()));
        }
        let request = DeleteWordsRequest { table, filter: Some(filter), ..Default::default() };
        loop {
            let answer = client.delete_words(request.clone()).await?;
            output.answer(&answer, text)?;
            if answer.left_count == 0 {
                return Ok(());
            }
        }
    }
}

fn text(answer: &DeleteWordsResponse) -> String {
    let deleted = count(answer.deleted_count.into());
    format!("deleted {deleted} words{}\n", skipped(&answer.unknown_words))
}
