//! `wordspace bias`: probes of what human bias the vectors carry.

mod axis;
mod probe;
mod weat;

use clap::{Args, Subcommand};

use crate::cli::failure::{Failure, Result};
use crate::cli::options::WordArgs;
use crate::cli::output::{Output, shown};
use crate::client::{Client, WeatSet, WordOptions, WordSet};

/// What human bias the vectors carry
///
/// Unless --lowercase, --oov or --all-forms says otherwise, words are looked up as they are, else in
/// lower case, and unknown ones are lost to their set.
#[derive(Debug, Args)]
pub(super) struct Bias {
    /// Table to ask
    #[arg(long, value_name = "NAME", global = true, default_value = "")]
    table: String,
    #[command(flatten)]
    looked_up: WordArgs,
    /// Refuse a probe if a set loses more than this share of its words, from 0 to 1 [default: 0.2]
    #[arg(long, value_name = "SHARE", global = true)]
    lost_threshold: Option<f64>,
    /// Seed of whatever is drawn
    #[arg(long, default_value_t = 0, global = true)]
    seed: u64,
    #[command(subcommand)]
    probe: Probe,
}

#[derive(Debug, Subcommand)]
enum Probe {
    Weat(weat::Weat),
    Suite(weat::WeatSuite),
    Tests(weat::Tests),
    Word(weat::SingleWeat),
    /// Relative norm distance: are the attributes nearer to the first targets (below 0) or to the second?
    Rnd(probe::TwoTargets),
    /// Relative negative sentiment bias: how unevenly does a classifier of sentiment treat the targets?
    Rnsb(probe::Sentiment),
    /// Mean average cosine distance of targets and attribute sets: 1 is unbiased
    Mac(probe::ManySets),
    /// Embedding coherence test: do both targets order the attributes alike? 1 is unbiased
    Ect(probe::TwoTargets),
    /// Relational inner product association of attributes along target pairs
    Ripa(probe::TwoTargets),
    /// Direct bias: how far do words lie along the direction of the target pairs?
    Direct(probe::Direct),
    /// Indirect bias: how much of the similarity of word pairs is due to that direction?
    Indirect(probe::Indirect),
    Project(axis::Project),
    Analogies(axis::Analogies),
    Clusters(axis::Clusters),
}

/// What all probes share.
struct Common<'a> {
    table: &'a str,
    words: Option<WordOptions>,
    lost_threshold: Option<f64>,
    seed: u64,
}

impl Bias {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        if let Probe::Tests(asked) = &self.probe {
            return asked.ask(client, output).await;
        }
        if self.table.is_empty() {
            return Err(Failure::Usage("--table NAME says which table is asked".to_owned()));
        }
        let common = Common {
            table: &self.table,
            words: self.looked_up.is_said().then(|| self.looked_up.options()),
            lost_threshold: self.lost_threshold,
            seed: self.seed,
        };
        match &self.probe {
            Probe::Weat(asked) => asked.ask(&common, client, output).await,
            Probe::Suite(asked) => asked.ask(&common, client, output).await,
            Probe::Tests(asked) => asked.ask(client, output).await,
            Probe::Word(asked) => asked.ask(&common, client, output).await,
            Probe::Rnd(asked) => asked.rnd(&common, client, output).await,
            Probe::Rnsb(asked) => asked.ask(&common, client, output).await,
            Probe::Mac(asked) => asked.ask(&common, client, output).await,
            Probe::Ect(asked) => asked.ect(&common, client, output).await,
            Probe::Ripa(asked) => asked.ripa(&common, client, output).await,
            Probe::Direct(asked) => asked.ask(&common, client, output).await,
            Probe::Indirect(asked) => asked.ask(&common, client, output).await,
            Probe::Project(asked) => asked.ask(&common, client, output).await,
            Probe::Analogies(asked) => asked.ask(&common, client, output).await,
            Probe::Clusters(asked) => asked.ask(&common, client, output).await,
        }
    }
}

/// A set from words with commas between.
pub(super) fn set(name: &str, words: &[String]) -> WordSet {
    WordSet { name: name.to_owned(), words: words.to_vec() }
}

/// Half the characters of a drawn bar.
const BAR_HALF: usize = 12;

/// A bar from the middle to the left or right; `most` reaches an end.
fn bar(value: f64, most: f64) -> String {
    let share = if most > 0.0 { (value / most).clamp(-1.0, 1.0) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the half")]
    let length = (share.abs() * BAR_HALF as f64).round() as usize;
    let (space, filled) = (" ".repeat(BAR_HALF - length), "#".repeat(length));
    let empty = " ".repeat(BAR_HALF);
    if value < 0.0 {
        format!("{space}{filled}|{empty}")
    } else {
        format!("{empty}|{filled}{space}")
    }
}

/// Warnings, a line each, and words that were lost.
fn doubts(warnings: &[String], sets: &[WeatSet]) -> String {
    let mut lines: Vec<String> =
        warnings.iter().map(|warning| format!("  note: {}\n", shown(warning))).collect();
    for set in sets.iter().filter(|set| !set.lost.is_empty()) {
        let lost: Vec<_> = set.lost.iter().map(|word| shown(word)).collect();
        lines.push(format!("  lost of {}: {}\n", shown(&set.name), lost.join(", ")));
    }
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_reaches_its_end_for_the_most() {
        assert_eq!(bar(1.0, 1.0), "            |############");
        assert_eq!(bar(-0.5, 1.0), "      ######|            ");
        assert_eq!(bar(0.0, 0.0).len(), 2 * BAR_HALF + 1);
    }
}
