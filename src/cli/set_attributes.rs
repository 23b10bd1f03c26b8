//! `wordspace set-attributes`: sets and removes attributes of words.

use std::collections::HashMap;

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{TableArg, TargetArgs, attribute};
use crate::cli::output::{Output, count, skipped};
use crate::client::{
    AttributeValue, Client, SetAttributesRequest, SetAttributesResponse,
    set_attributes_request::Change,
};

/// Set and remove attributes of words; `lookup` shows them
#[derive(Debug, Args)]
pub(super) struct SetAttributes {
    #[command(flatten)]
    table: TableArg,
    #[command(flatten)]
    target: TargetArgs,
    /// Set an attribute of each word: true and false are flags, numbers numbers, 2024-01-31 and
    /// 2024-01-31T10:30:00Z dates, [fr, en] a list, and all else is text
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute, required_unless_present = "remove")]
    set: Vec<(String, AttributeValue)>,
    /// Remove an attribute of each word
    #[arg(long, value_name = "NAME")]
    remove: Vec<String>,
}

impl SetAttributes {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let set: HashMap<_, _> = self.set.iter().cloned().collect();
        let change =
            |query| Change { query: Some(query), set: set.clone(), remove: self.remove.clone() };
        let answer = client
            .set_attributes(SetAttributesRequest {
                table: self.table.name.clone(),
                changes: self.target.queries().into_iter().map(change).collect(),
                oov: self.target.oov().into(),
            })
            .await?;
        output.answer(&answer, text)
    }
}

fn text(answer: &SetAttributesResponse) -> String {
    let changed = count(answer.changed_count.into());
    format!("changed {changed} words{}\n", skipped(&answer.unknown_words))
}
