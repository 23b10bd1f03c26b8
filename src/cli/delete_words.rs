//! `wordspace delete-words`: deletes words of a table.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{TableArg, TargetArgs};
use crate::cli::output::{Output, count, skipped};
use crate::client::{Client, DeleteWordsRequest, DeleteWordsResponse};

/// Delete words with their vectors and attributes; one word at least must be left
#[derive(Debug, Args)]
pub(super) struct DeleteWords {
    #[command(flatten)]
    table: TableArg,
    #[command(flatten)]
    target: TargetArgs,
}

impl DeleteWords {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let answer = client
            .delete_words(DeleteWordsRequest {
                table: self.table.name.clone(),
                queries: self.target.queries(),
                oov: self.target.oov().into(),
            })
            .await?;
        output.answer(&answer, text)
    }
}

fn text(answer: &DeleteWordsResponse) -> String {
    let deleted = count(answer.deleted_count.into());
    format!("deleted {deleted} words{}\n", skipped(&answer.unknown_words))
}
