//! `wordspace weat`: the Word Embedding Association Test.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{Asking, TableArg, WordArgs};
use crate::cli::output::{Align, Grid, Output, answered, count, quoted, shown};
use crate::client::{Client, WeatRequest, WeatResponse, WeatSet, WordSet};

/// Whether target words X are nearer to attribute words A than to B, compared with target words Y
/// (Caliskan, Bryson and Narayanan 2017)
///
/// Unknown words are left out, and words are looked up as they are, else in lower case. With
/// --lowercase or --oov only what is named is done.
#[derive(Debug, Args)]
pub(super) struct Weat {
    #[command(flatten)]
    pub(super) asking: Asking,
    #[command(flatten)]
    table: TableArg,
    /// A published test, such as career-family; an unknown name lists those there are
    #[arg(conflicts_with_all = ["x", "y", "a", "b"], required_unless_present = "x")]
    suite: Option<String>,
    /// First target set: words with commas between
    #[arg(long, value_name = "WORDS", value_delimiter = ',', requires_all = ["y", "a", "b"])]
    x: Vec<String>,
    /// Second target set
    #[arg(long, value_name = "WORDS", value_delimiter = ',', requires = "x")]
    y: Vec<String>,
    /// First attribute set
    #[arg(long, value_name = "WORDS", value_delimiter = ',', requires = "x")]
    a: Vec<String>,
    /// Second attribute set
    #[arg(long, value_name = "WORDS", value_delimiter = ',', requires = "x")]
    b: Vec<String>,
    /// Refuse the test if a set loses more than this share of its words, from 0 to 1 [default: 0.2]
    #[arg(long, value_name = "SHARE")]
    lost_threshold: Option<f64>,
    /// Count every partition if there are at most so many, else draw so many [default: 200000]
    #[arg(long, value_name = "COUNT")]
    partitions_max: Option<u32>,
    /// Seed of the drawing [default: 0]
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    #[command(flatten)]
    looked_up: WordArgs,
}

impl Weat {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let answer = client.weat(self.request()).await?;
        output.answer(&answer, text)?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }

    fn request(&self) -> WeatRequest {
        let set = |name: &str, words: &[String]| {
            let set = WordSet { name: name.to_owned(), words: words.to_vec() };
            (!words.is_empty()).then_some(set)
        };
        let says_how = self.looked_up.lowercase || self.looked_up.oov.is_some();
        WeatRequest {
            table: self.table.name.clone(),
            suite: self.suite.clone().unwrap_or_default(),
            x: set("X", &self.x),
            y: set("Y", &self.y),
            a: set("A", &self.a),
            b: set("B", &self.b),
            words: says_how.then(|| self.looked_up.options()),
            lost_threshold: self.lost_threshold,
            partitions_max: self.partitions_max,
            seed: self.seed,
        }
    }
}

fn text(answer: &WeatResponse) -> String {
    let mut figures = Grid::plain(&[Align::Left, Align::Right, Align::Left]);
    let mut figure = |name: &str, value: f64, note: &str| {
        figures.row([name.to_owned(), format!("{value:.4}"), note.to_owned()]);
    };
    figure("effect size", answer.effect_size, "ddof 0");
    figure("", answer.effect_size_ddof1, "ddof 1");
    figure("statistic", answer.statistic, "");
    let partitions = count(answer.partition_count);
    let how = if answer.p_value_exact {
        format!("exact: every one of {partitions} partitions")
    } else {
        let error = answer.p_value_standard_error;
        format!("{partitions} partitions drawn, standard error {error:.2e}")
    };
    figures.row(["p".to_owned(), probability(answer.p_value), how]);
    let both = "two-sided".to_owned();
    figures.row([String::new(), probability(answer.p_value_two_sided), both]);
    let sets: String = answer.sets.iter().map(set_text).collect();
    format!("{figures}{sets}")
}

fn probability(p: f64) -> String {
    if p > 0.0 && p < 1e-3 { format!("{p:.2e}") } else { format!("{p:.4}") }
}

fn set_text(set: &WeatSet) -> String {
    let words: Vec<_> = set
        .words
        .iter()
        .map(|word| match word.association {
            Some(association) => format!("{} {association:+.3}", shown(&word.word)),
            None => shown(&word.word),
        })
        .collect();
    let lost: Vec<_> = set.lost.iter().map(|word| quoted(word)).collect();
    let lost = match lost.len() {
        0 => String::new(),
        n => format!(" (lost {n}: {})", lost.join(", ")),
    };
    format!("  {}: {}{lost}\n", shown(&set.name), words.join(", "))
}
