//! `wordspace detokenize`: the numbers of tokens to text.

use std::io::BufRead as _;

use clap::Args;

use crate::cli::failure::{Failure, Result};
use crate::cli::output::Output;
use crate::client::{Client, DetokenizeRequest, TokenIds};

/// Join the numbers of tokens to text
#[derive(Debug, Args)]
pub(super) struct Detokenize {
    /// The tokenizer's name
    #[arg(long, value_name = "NAME")]
    tokenizer: String,
    /// Numbers of one text; none reads stdin, a text each line
    #[arg(value_name = "ID")]
    ids: Vec<u32>,
    /// Leave special tokens out
    #[arg(long)]
    skip_special: bool,
}

impl Detokenize {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let texts = if self.ids.is_empty() {
            // On a thread of its own, so that Ctrl-C is heard meanwhile.
            let read = tokio::task::spawn_blocking(read_stdin).await;
            read.map_err(|error| Failure::Local(format!("stdin cannot be read: {error}")))??
        } else {
            vec![TokenIds { ids: self.ids.clone() }]
        };
        for texts in texts.chunks(crate::cli::texts::TEXTS_PER_CALL) {
            let request = DetokenizeRequest {
                tokenizer: self.tokenizer.clone(),
                texts: texts.to_vec(),
                skip_special: self.skip_special,
            };
            let answer = client.detokenize(request).await?;
            output.answer(&answer, |answer| answer.texts.join("\n"))?;
        }
        Ok(())
    }
}

fn read_stdin() -> Result<Vec<TokenIds>> {
    let mut texts = Vec::new();
    for (number, line) in (1_u64..).zip(std::io::stdin().lock().lines()) {
        let line =
            line.map_err(|error| Failure::Local(format!("stdin cannot be read: {error}")))?;
        let ids = line.split_whitespace().map(str::parse).collect::<Result<_, _>>();
        let ids = ids.map_err(|_| {
            Failure::Local(format!(
                "line {number} of stdin: numbers with spaces between are needed"
            ))
        })?;
        texts.push(TokenIds { ids });
    }
    Ok(texts)
}
