//! `wordspace count`: how many tokens texts have.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::output::{Output, count, shown};
use crate::cli::texts::{CuttingArgs, TextArgs};
use crate::client::{Client, CountTokensRequest};

/// Count the tokens of texts, a line each
#[derive(Debug, Args)]
pub(super) struct Count {
    #[command(flatten)]
    texts: TextArgs,
    #[command(flatten)]
    cutting: CuttingArgs,
    /// Table whose tokenizer is meant if none is named
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
}

impl Count {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let (mut total, mut tokenizer) = (0, String::new());
        for texts in self.texts.read().await? {
            let request = CountTokensRequest {
                texts,
                cutting: Some(self.cutting.cutting()),
                table: self.table.clone().unwrap_or_default(),
            };
            let answer = client.count_tokens(request).await?;
            output.answer(&answer, |answer| {
                let counts: Vec<_> = answer.counts.iter().map(u32::to_string).collect();
                counts.join("\n")
            })?;
            total += answer.total;
            tokenizer = answer.tokenizer;
        }
        output.footer(&format!("  ({} tokens; tokenizer {})", count(total), shown(&tokenizer)));
        Ok(())
    }
}
