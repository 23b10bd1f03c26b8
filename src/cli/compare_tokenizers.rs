//! `wordspace compare-tokenizers`: one text through several tokenizers.

use std::fmt::Write as _;

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::preprocessors;
use crate::cli::output::{Output, shown};
use crate::cli::texts::{SpecialArgs, TextArgs};
use crate::cli::tokenize::{line, summary};
use crate::client::{
    Client, CompareTokenizersRequest, CompareTokenizersResponse, ListTokenizersRequest, WordOptions,
};

/// Show how several tokenizers cut a text, side by side
#[derive(Debug, Args)]
pub(super) struct CompareTokenizers {
    #[command(flatten)]
    texts: TextArgs,
    /// Tokenizers to compare [default: all that need no table]
    #[arg(long = "tokenizer", value_name = "NAME")]
    tokenizers: Vec<String>,
    #[command(flatten)]
    special: SpecialArgs,
    /// Look tokens up in this table
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// Look for a token as it is, else in lower case
    #[arg(long, requires = "table")]
    lowercase: bool,
}

impl CompareTokenizers {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let mut tokenizers = self.tokenizers.clone();
        if tokenizers.is_empty() {
            let all = client.list_tokenizers(ListTokenizersRequest {}).await?.tokenizers;
            let usable = all.into_iter().filter(|info| info.problem.is_empty());
            tokenizers = usable.map(|info| info.name).take(crate::limits::COMPARED_MAX).collect();
        }
        for texts in self.texts.read().await? {
            let preprocessors = preprocessors(self.lowercase);
            let request = CompareTokenizersRequest {
                texts: texts.clone(),
                tokenizers: tokenizers.clone(),
                table: self.table.clone().unwrap_or_default(),
                cutting: Some(self.special.cutting(String::new())),
                words: Some(WordOptions { preprocessors, ..WordOptions::default() }),
            };
            let answer = client.compare_tokenizers(request).await?;
            let color = output.shows_color_in_data();
            output.answer(&answer, |answer| side_by_side(answer, &texts, color))?;
        }
        Ok(())
    }
}

fn side_by_side(answer: &CompareTokenizersResponse, texts: &[String], color: bool) -> String {
    let width = answer.cuts.iter().map(|cut| cut.tokenizer.len()).max().unwrap_or(0);
    let mut out = String::new();
    let mut last = None;
    for cut in &answer.cuts {
        let text = texts.get(cut.text_index as usize).map_or("", String::as_str);
        if last != Some(cut.text_index) {
            out.extend([shown(text).as_str(), "\n"]);
            last = Some(cut.text_index);
        }
        let tokenizer = shown(&cut.tokenizer);
        let told = match &cut.text {
            Some(tokens) if cut.problem.is_empty() => {
                format!("{}  ({})", line(tokens, text, color), summary(tokens))
            }
            Some(_) | None => format!("refused: {}", shown(&cut.problem)),
        };
        // Writing to a string does not fail.
        let _ = writeln!(out, "  {tokenizer:width$}  {told}");
    }
    out
}
