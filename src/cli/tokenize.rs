//! `wordspace tokenize`: text to tokens.

use std::io::Read;

use clap::{Args, ValueEnum};

use crate::cli::failure::{Failure, Result};
use crate::cli::options::{Asking, preprocessors};
use crate::cli::output::{Align, Grid, Output, answered, count, shown};
use crate::client::{self, Client, TokenizeRequest, TokenizedText, WordOptions};
use crate::limits;

/// Cut a text into tokens, and tell which of them a table knows
#[derive(Debug, Args)]
pub(super) struct Tokenize {
    #[command(flatten)]
    pub(super) asking: Asking,
    /// The text; "-" or nothing reads stdin
    #[arg(default_value = "-", hide_default_value = true)]
    text: String,
    /// Look each token up in this table
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// How to cut
    #[arg(long, value_enum, default_value_t = Tokenizer::UnicodeWords)]
    tokenizer: Tokenizer,
    /// Look for a token as it is, else in lower case
    #[arg(long, requires = "table")]
    lowercase: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tokenizer {
    /// At white space only
    Whitespace,
    /// Punctuation and English contractions apart, numbers together
    Rules,
    /// Unicode's word boundaries
    UnicodeWords,
}

impl Tokenize {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let text = if self.text == "-" {
            // On a thread of its own, so that Ctrl-C is heard meanwhile.
            let read = tokio::task::spawn_blocking(read_stdin).await;
            read.map_err(|error| Failure::Local(format!("stdin cannot be read: {error}")))??
        } else {
            self.text.clone()
        };
        let tokenizer = match self.tokenizer {
            Tokenizer::Whitespace => client::Tokenizer::Whitespace,
            Tokenizer::Rules => client::Tokenizer::Rules,
            Tokenizer::UnicodeWords => client::Tokenizer::UnicodeWords,
        };
        let preprocessors = preprocessors(self.lowercase);
        let answer = client
            .tokenize(TokenizeRequest {
                texts: vec![text],
                tokenizer: tokenizer.into(),
                table: self.table.clone().unwrap_or_default(),
                words: Some(WordOptions { preprocessors, ..WordOptions::default() }),
            })
            .await?;
        output.answer(&answer, |answer| answer.texts.iter().map(tokens).collect())?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}

fn read_stdin() -> Result<String> {
    let mut text = Vec::new();
    std::io::stdin()
        .take(limits::TEXT_BYTES_MAX as u64 + 1)
        .read_to_end(&mut text)
        .map_err(|error| Failure::Local(format!("stdin cannot be read: {error}")))?;
    if text.len() > limits::TEXT_BYTES_MAX {
        return Err(Failure::Local(format!(
            "stdin has more than {} bytes, the most that one text may have",
            count(limits::TEXT_BYTES_MAX as u64)
        )));
    }
    String::from_utf8(text).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::Local(format!("stdin is not valid UTF-8 at byte {at}"))
    })
}

fn tokens(text: &TokenizedText) -> String {
    let mut grid = Grid::titled(&[
        ("token", Align::Left),
        ("bytes", Align::Left),
        ("chars", Align::Left),
        ("row", Align::Right),
        ("", Align::Left),
    ]);
    for token in &text.tokens {
        let note = match token.known {
            Some(false) => "unknown".to_owned(),
            Some(true) if !token.found.is_empty() => format!("as {}", shown(&token.found)),
            Some(true) | None => String::new(),
        };
        grid.row([
            token.piece.clone(),
            format!("{}..{}", token.byte_start, token.byte_end),
            format!("{}..{}", token.char_start, token.char_end),
            token.row.map_or_else(String::new, |row| count(row.into())),
            note,
        ]);
    }
    let looked_up = text.tokens.iter().any(|token| token.known.is_some());
    let unknown =
        if looked_up { format!(", {} unknown", text.unknown_count) } else { String::new() };
    format!("{grid}  {} tokens{unknown}\n", text.tokens.len())
}
