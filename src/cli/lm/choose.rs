//! `wordspace lm rank|odd`.

use clap::Args;

use crate::cli::failure::{Failure, Result};
use crate::cli::output::{Align, Grid, Output, shown};
use crate::cli::texts::TextArgs;
use crate::client::{
    CandidateText, Client, OddSentence, OddWordsRequest, RankTextsRequest, RankTextsResponse,
};
use crate::limits;

/// Choose among texts by the model and what each was given, such as an acoustic model's scores
#[derive(Debug, Args)]
pub(super) struct Rank {
    /// The model
    #[arg(long, value_name = "NAME")]
    model: String,
    #[command(flatten)]
    texts: TextArgs,
    /// For each text the logarithm to base 10 of how likely what was heard is by it, with commas between
    #[arg(long, value_name = "LOG10", value_delimiter = ',', allow_negative_numbers = true)]
    acoustic: Vec<f64>,
    /// A text is behind its logarithm and a tab
    #[arg(long, conflicts_with = "acoustic")]
    tabs: bool,
    /// What the model's logarithm is multiplied by [default: 1]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    weight: Option<f64>,
    /// What is added for each word [default: 0]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    word_bonus: Option<f64>,
    /// Nothing says that the texts begin
    #[arg(long)]
    no_begin: bool,
    /// Nothing says that they end
    #[arg(long)]
    no_end: bool,
}

impl Rank {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let texts: Vec<String> = self.texts.read().await?.into_iter().flatten().collect();
        let request = RankTextsRequest {
            model: self.model.clone(),
            candidates: self.candidates(texts)?,
            weight: self.weight,
            word_bonus: self.word_bonus,
            no_begin: self.no_begin,
            no_end: self.no_end,
        };
        let answer = client.rank_texts(request).await?;
        output.answer(&answer, ranked)
    }

    fn candidates(&self, texts: Vec<String>) -> Result<Vec<CandidateText>> {
        if texts.len() > limits::TEXTS_MAX {
            let told = format!("{} texts; at most {} are ranked", texts.len(), limits::TEXTS_MAX);
            return Err(Failure::Usage(told));
        }
        if !self.acoustic.is_empty() && self.acoustic.len() != texts.len() {
            let told =
                format!("--acoustic has {} numbers for {} texts", self.acoustic.len(), texts.len());
            return Err(Failure::Usage(told));
        }
        let with = |(at, text): (usize, String)| {
            if !self.tabs {
                let acoustic_log10 = self.acoustic.get(at).copied().unwrap_or(0.0);
                return Ok(CandidateText { text, acoustic_log10 });
            }
            let parts = text.split_once('\t');
            let parts = parts.and_then(|(log10, text)| Some((log10.trim().parse().ok()?, text)));
            let told = || format!("text {}: a number and a tab are needed before it", at + 1);
            let (acoustic_log10, text) = parts.ok_or_else(|| Failure::Usage(told()))?;
            Ok(CandidateText { text: text.to_owned(), acoustic_log10 })
        };
        texts.into_iter().enumerate().map(with).collect()
    }
}

fn ranked(answer: &RankTextsResponse) -> String {
    let mut grid = Grid::titled(&[
        ("share", Align::Right),
        ("total", Align::Right),
        ("acoustic", Align::Right),
        ("log10", Align::Right),
        ("unknown", Align::Right),
        ("text", Align::Left),
    ]);
    for one in &answer.candidates {
        grid.row([
            format!("{:.4}", one.share),
            format!("{:.4}", one.total),
            format!("{:.4}", one.acoustic_log10),
            format!("{:.4}", one.log10),
            one.unknown_count.to_string(),
            shown(&one.text),
        ]);
    }
    grid.to_string()
}

/// Words that surprise far more than the words around them
#[derive(Debug, Args)]
pub(super) struct Odd {
    /// The model
    #[arg(long, value_name = "NAME")]
    model: String,
    #[command(flatten)]
    texts: TextArgs,
    /// A word is odd if it is 10 to the power of this less likely than the median of the words around it [default: 2]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    threshold: Option<f64>,
}

impl Odd {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        for sentences in self.texts.read().await? {
            let request =
                OddWordsRequest { model: self.model.clone(), sentences, threshold: self.threshold };
            for sentence in &client.odd_words(request).await?.sentences {
                output.answer(sentence, odd)?;
            }
        }
        Ok(())
    }
}

fn odd(sentence: &OddSentence) -> String {
    if sentence.words.is_empty() {
        return format!("  none of {} words is odd\n", sentence.token_count);
    }
    let mut grid = Grid::titled(&[
        ("at", Align::Right),
        ("word", Align::Left),
        ("log10", Align::Right),
        ("around it", Align::Right),
        ("", Align::Left),
    ]);
    for word in &sentence.words {
        grid.row([
            (word.index + 1).to_string(),
            shown(&word.token),
            format!("{:.4}", word.log10),
            format!("{:.4}", word.neighbors_log10),
            if word.unknown { "unknown" } else { "" }.to_owned(),
        ]);
    }
    grid.to_string()
}
