//! `wordspace lm score|perplexity|next|generate|mix`.

use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;

use crate::cli::failure::{Failure, Result};
use crate::cli::lm::known;
use crate::cli::output::{Align, Grid, Output, shown};
use crate::cli::texts::{TextArgs, readers};
use crate::client::{
    Client, GenerateRequest, GeneratedText, MixModelsRequest, MixModelsResponse, NextWordsRequest,
    NextWordsResponse, PerplexityRequest, PerplexityResponse, ScoreRequest, SentenceScore,
};
use crate::limits;

/// How likely sentences are
#[derive(Debug, Args)]
pub(super) struct Score {
    /// The model
    #[arg(long, value_name = "NAME")]
    model: String,
    #[command(flatten)]
    texts: TextArgs,
    /// Nothing says that sentences begin
    #[arg(long)]
    no_begin: bool,
    /// Nothing says that sentences end
    #[arg(long)]
    no_end: bool,
    /// Only sums
    #[arg(long)]
    totals: bool,
}

impl Score {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        for sentences in self.texts.read().await? {
            let request = ScoreRequest {
                model: self.model.clone(),
                sentences,
                no_begin: self.no_begin,
                no_end: self.no_end,
                totals_only: self.totals,
                state: Vec::new(),
            };
            for sentence in &client.score(request).await?.sentences {
                output.answer(sentence, scored)?;
            }
        }
        Ok(())
    }
}

fn scored(sentence: &SentenceScore) -> String {
    let mut grid = Grid::titled(&[
        ("word", Align::Left),
        ("log10", Align::Right),
        ("order", Align::Right),
        ("", Align::Left),
    ]);
    for token in &sentence.tokens {
        let note = if token.unknown { "unknown" } else { "" };
        grid.row([
            shown(&token.token),
            format!("{:.4}", token.log10),
            token.order.to_string(),
            note.to_owned(),
        ]);
    }
    let grid = if sentence.tokens.is_empty() { String::new() } else { grid.to_string() };
    format!(
        "{grid}  log10 {:.4}, perplexity {:.2}, {} of {} words unknown\n",
        sentence.log10, sentence.perplexity, sentence.unknown_count, sentence.token_count
    )
}

/// How well a model knows a text, a sentence each line
#[derive(Debug, Args)]
pub(super) struct Perplexity {
    /// Files of text; none or "-" reads stdin
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The model
    #[arg(long, value_name = "NAME")]
    model: String,
}

impl Perplexity {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let mut sum = PerplexityResponse::default();
        for text in lines_of(&self.files).await? {
            let request = PerplexityRequest { model: self.model.clone(), text };
            add(&mut sum, &client.perplexity(request).await?);
        }
        output.answer(&sum, |sum| {
            format!("  {}\n  log10 {:.4}, {:.4} bits a word\n", known(sum), sum.log10, sum.entropy)
        })
    }
}

/// Logarithms and counts of parts add up.
fn add(sum: &mut PerplexityResponse, part: &PerplexityResponse) {
    sum.token_count += part.token_count;
    sum.unknown_count += part.unknown_count;
    sum.sentence_count += part.sentence_count;
    sum.impossible_count += part.impossible_count;
    sum.log10 += part.log10;
    sum.log10_without_unknown += part.log10_without_unknown;
    let of = |log10: f64, words: u64| {
        if words == 0 { 1.0 } else { 10_f64.powf(-log10 / words as f64) }
    };
    sum.perplexity = of(sum.log10, sum.token_count);
    sum.perplexity_without_unknown =
        of(sum.log10_without_unknown, sum.token_count - sum.unknown_count);
    sum.entropy = sum.perplexity.log2();
}

/// The texts of files in parts that end with lines; never none.
async fn lines_of(files: &[PathBuf]) -> Result<Vec<Vec<u8>>> {
    let readers = readers(files);
    // On a thread of its own, so that Ctrl-C is heard meanwhile.
    let read = tokio::task::spawn_blocking(move || {
        let mut text = Vec::new();
        for reader in readers {
            reader?.read_to_end(&mut text)?;
        }
        Ok::<_, std::io::Error>(text)
    });
    let unreadable =
        |error: &dyn std::fmt::Display| Failure::Local(format!("the text cannot be read: {error}"));
    let text =
        read.await.map_err(|error| unreadable(&error))?.map_err(|error| unreadable(&error))?;
    let mut parts = Vec::new();
    let mut rest = &text[..];
    while rest.len() > limits::TEXTS_BYTES_MAX {
        let end = rest[..limits::TEXTS_BYTES_MAX].iter().rposition(|&byte| byte == b'\n');
        let Some(end) = end else {
            return Err(Failure::Local(format!(
                "a line is over {} bytes",
                limits::TEXTS_BYTES_MAX
            )));
        };
        let (part, after) = rest.split_at(end + 1);
        parts.push(part.to_vec());
        rest = after;
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(rest.to_vec());
    }
    Ok(parts)
}

/// The likeliest next words
#[derive(Debug, Args)]
pub(super) struct Next {
    /// The beginning of a sentence; may be empty
    #[arg(value_name = "TEXT", default_value = "")]
    text: String,
    /// The model
    #[arg(long, value_name = "NAME")]
    model: String,
    /// How many words
    #[arg(short, long, value_name = "COUNT", default_value_t = 10)]
    k: u32,
    /// Leave out the end of the sentence
    #[arg(long)]
    without_end: bool,
    /// Words that the model does not know are an answer, too, as <unk>
    #[arg(long)]
    with_unknown: bool,
}

impl Next {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = NextWordsRequest {
            model: self.model.clone(),
            text: self.text.clone(),
            state: Vec::new(),
            k: Some(self.k),
            without_end: self.without_end,
            with_unknown: self.with_unknown,
        };
        let answer = client.next_words(request).await?;
        output.answer(&answer, nexts)
    }
}

fn nexts(answer: &NextWordsResponse) -> String {
    let mut grid = Grid::titled(&[
        ("word", Align::Left),
        ("probability", Align::Right),
        ("log10", Align::Right),
        ("order", Align::Right),
    ]);
    for word in &answer.words {
        let (p, log10) = (format!("{:.4}", word.probability), format!("{:.4}", word.log10));
        grid.row([shown(&word.token), p, log10, word.order.to_string()]);
    }
    grid.to_string()
}

/// Draw texts word by word
#[derive(Debug, Args)]
pub(super) struct Generate {
    /// The beginning of a sentence; may be empty
    #[arg(value_name = "TEXT", default_value = "")]
    text: String,
    /// The model
    #[arg(long, value_name = "NAME")]
    model: String,
    /// Below 1 likely words become likelier, above 1 less likely; 0 takes the likeliest [default: 1]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    temperature: Option<f64>,
    /// Only so many of the likeliest words
    #[arg(long, value_name = "COUNT")]
    top_k: Option<u32>,
    /// Only the likeliest words that together have this probability
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    top_p: Option<f64>,
    /// The most words [default: 50]
    #[arg(long, value_name = "COUNT")]
    max_tokens: Option<u32>,
    /// The same seed draws the same text [default: 1]
    #[arg(long)]
    seed: Option<u64>,
    /// How many texts; each has the next seed
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    count: u32,
}

impl Generate {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = GenerateRequest {
            model: self.model.clone(),
            text: self.text.clone(),
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            max_tokens: self.max_tokens,
            seed: self.seed,
            count: Some(self.count),
        };
        for text in &client.generate(request).await?.texts {
            output.answer(text, drawn)?;
        }
        Ok(())
    }
}

fn drawn(text: &GeneratedText) -> String {
    format!("{}{}\n", shown(&text.text), if text.ended { "" } else { " ..." })
}

/// How well several models know a text together, and by which weights
#[derive(Debug, Args)]
pub(super) struct Mix {
    /// Files of text that was not trained on; none or "-" reads stdin
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The models of the mixture, with commas between
    #[arg(long, value_name = "NAME", value_delimiter = ',', required = true)]
    model: Vec<String>,
    /// Their weights, with commas between [default: those by which the text is likeliest]
    #[arg(long, value_name = "WEIGHT", value_delimiter = ',', allow_negative_numbers = true)]
    weight: Vec<f64>,
}

impl Mix {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let mut parts = lines_of(&self.files).await?;
        let Some(text) = parts.pop().filter(|_| parts.is_empty()) else {
            let max = limits::TEXTS_BYTES_MAX;
            return Err(Failure::Local(format!("the text is over {max} bytes")));
        };
        let request =
            MixModelsRequest { models: self.model.clone(), weights: self.weight.clone(), text };
        let answer = client.mix_models(request).await?;
        output.answer(&answer, mixed)
    }
}

fn mixed(answer: &MixModelsResponse) -> String {
    let mut grid = Grid::titled(&[
        ("model", Align::Left),
        ("weight", Align::Right),
        ("perplexity", Align::Right),
        ("without unknown", Align::Right),
    ]);
    let mut row = |name: &str, weight: String, told: &PerplexityResponse| {
        let (all, known) = (told.perplexity, told.perplexity_without_unknown);
        grid.row([name.to_owned(), weight, format!("{all:.3}"), format!("{known:.3}")]);
    };
    for model in &answer.models {
        let alone = model.alone.unwrap_or_default();
        row(&model.model, format!("{:.4}", model.weight), &alone);
    }
    row("together", String::new(), &answer.mixture.unwrap_or_default());
    grid.to_string()
}
