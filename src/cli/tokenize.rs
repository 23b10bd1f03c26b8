//! `wordspace tokenize`: text to tokens.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};

use crate::cli::failure::Result;
use crate::cli::options::preprocessors;
use crate::cli::output::{Align, Grid, Output, answered, count, shown};
use crate::cli::texts::{CuttingArgs, TextArgs};
use crate::client::{
    Client, Padding, TokenizeRequest, TokenizeResponse, TokenizedText, Truncation, WordOptions,
    truncation::Keep as Kept,
};

/// Cut texts into tokens, and tell which of them a table knows
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "every switch of the command line is one")]
pub(super) struct Tokenize {
    #[command(flatten)]
    texts: TextArgs,
    /// Look each token up in this table
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    #[command(flatten)]
    cutting: CuttingArgs,
    /// Look for a token as it is, else in lower case
    #[arg(long, requires = "table")]
    lowercase: bool,
    /// Keep at most so many tokens of a text
    #[arg(long, value_name = "COUNT")]
    max_tokens: Option<u32>,
    /// Which tokens stay of a text that has more
    #[arg(long, value_enum, default_value_t = Keep::Head, requires = "max_tokens")]
    keep: Keep,
    /// Seed of the drawing, for `--keep sample`
    #[arg(long, default_value_t = 0, requires = "max_tokens")]
    seed: u64,
    /// Fill texts up to so many tokens; 0: to the longest
    #[arg(long, value_name = "COUNT")]
    pad: Option<u32>,
    /// Fill up at the beginning
    #[arg(long, requires = "pad")]
    pad_left: bool,
    /// A line for each text: the numbers of its tokens
    #[arg(long, conflicts_with_all = ["line", "table"])]
    ids: bool,
    /// A line for each text: its tokens, in colors on a terminal, else with | between
    #[arg(long)]
    line: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Keep {
    /// The first
    Head,
    /// The last
    Tail,
    /// Half from the beginning, half from the end
    Ends,
    /// Drawn by the seed
    Sample,
}

impl Tokenize {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let mut info = String::new();
        for texts in self.texts.read().await? {
            let answer = client.tokenize(self.request(texts.clone())).await?;
            let color = output.shows_color_in_data();
            output.answer(&answer, |answer| self.text(answer, &texts, color))?;
            let table = answered(answer.answer.as_ref());
            info = format!("  (tokenizer {}){table}", shown(&answer.tokenizer));
        }
        output.footer(&info);
        Ok(())
    }

    fn request(&self, texts: Vec<String>) -> TokenizeRequest {
        let keep = match self.keep {
            Keep::Head => Kept::Head,
            Keep::Tail => Kept::Tail,
            Keep::Ends => Kept::Ends,
            Keep::Sample => Kept::Sample,
        };
        let truncation = self.max_tokens.map(|max_tokens| Truncation {
            max_tokens,
            keep: keep.into(),
            seed: self.seed,
        });
        let padding = self.pad.map(|length| Padding {
            length: (length > 0).then_some(length),
            left: self.pad_left,
            ..Padding::default()
        });
        let preprocessors = preprocessors(self.lowercase);
        TokenizeRequest {
            texts,
            table: self.table.clone().unwrap_or_default(),
            words: Some(WordOptions { preprocessors, ..WordOptions::default() }),
            cutting: Some(self.cutting.cutting()),
            truncation,
            padding,
            ids_only: self.ids,
            ..TokenizeRequest::default()
        }
    }

    fn text(&self, answer: &TokenizeResponse, texts: &[String], color: bool) -> String {
        let each = answer.texts.iter().zip(texts);
        each.map(|(cut, text)| {
            if self.ids {
                let ids: Vec<_> = cut.ids.iter().map(u32::to_string).collect();
                format!("{}\n", ids.join(" "))
            } else if self.line {
                format!("{}\n", line(cut, text, color))
            } else {
                tokens(cut)
            }
        })
        .collect()
    }
}

/// The tokens of a text in one line: each on a ground of its own, or with bars between.
pub(super) fn line(text: &TokenizedText, whole: &str, color: bool) -> String {
    /// Backgrounds that black letters stand out from.
    const GROUNDS: [u8; 5] = [153, 157, 229, 217, 183];
    let mut line = String::new();
    let mut at = 0;
    for (i, token) in text.tokens.iter().enumerate() {
        let start = token.byte_start as usize;
        let between = whole.get(at..start).unwrap_or_default();
        at = at.max(token.byte_end as usize);
        let piece = if token.piece.is_empty() { &token.token } else { &token.piece };
        let piece = shown(piece);
        // Writing to a string does not fail.
        let _ = if color {
            let ground = GROUNDS[i % GROUNDS.len()];
            write!(line, "{}\u{1b}[30;48;5;{ground}m{piece}\u{1b}[0m", shown(between))
        } else {
            let bar = if i == 0 { "" } else { "|" };
            write!(line, "{bar}{piece}")
        };
    }
    line
}

fn tokens(text: &TokenizedText) -> String {
    let mut grid = Grid::titled(&[
        ("token", Align::Left),
        ("id", Align::Right),
        ("bytes", Align::Left),
        ("chars", Align::Left),
        ("row", Align::Right),
        ("", Align::Left),
    ]);
    for token in &text.tokens {
        let mut notes = Vec::new();
        if token.special {
            notes.push("special".to_owned());
        }
        if !token.token.is_empty() && !token.piece.is_empty() {
            notes.push(format!("is {}", shown(&token.piece)));
        }
        match token.known {
            Some(false) => notes.push("unknown".to_owned()),
            Some(true) if !token.found.is_empty() && token.found != token.token => {
                notes.push(format!("as {}", shown(&token.found)));
            }
            Some(true) | None => {}
        }
        let spelled = if token.token.is_empty() { &token.piece } else { &token.token };
        grid.row([
            spelled.clone(),
            token.id.map_or_else(String::new, |id| id.to_string()),
            format!("{}..{}", token.byte_start, token.byte_end),
            format!("{}..{}", token.char_start, token.char_end),
            token.row.map_or_else(String::new, |row| count(row.into())),
            notes.join(", "),
        ]);
    }
    format!("{grid}  {}\n", summary(text))
}

/// How many tokens, and what became of others.
pub(super) fn summary(text: &TokenizedText) -> String {
    let mut summary = format!("{} tokens", text.token_count);
    let looked_up = text.tokens.iter().any(|token| token.known.is_some());
    let mut add = |number: u32, what: &str, always: bool| {
        if number > 0 || always {
            // Writing to a string does not fail.
            let _ = write!(summary, ", {number} {what}");
        }
    };
    add(text.unknown_count, "unknown", looked_up);
    add(text.dropped_count, "taken away", false);
    add(text.padding_count, "filled in", false);
    summary
}
