//! `wordspace bias rnd`, `rnsb`, `mac`, `ect`, `ripa`, `direct` and `indirect`.

use clap::Args;

use super::{Common, bar, doubts, set};
use crate::cli::failure::{Failure, Result};
use crate::cli::output::{Align, Grid, Output, answered};
use crate::client::{Client, ProbeMetric, ProbeRequest, ProbeResponse, WordSet};

#[derive(Debug, Args)]
pub(super) struct Targets {
    /// First targets: words with commas between
    #[arg(long, value_name = "WORDS", value_delimiter = ',', required = true)]
    x: Vec<String>,
    /// Second targets; for pairs the partners of the first, word by word
    #[arg(long, value_name = "WORDS", value_delimiter = ',', required = true)]
    y: Vec<String>,
}

impl Targets {
    fn sets(&self) -> Vec<WordSet> {
        vec![set("X", &self.x), set("Y", &self.y)]
    }
}

// Two targets and the words between them.
#[derive(Debug, Args)]
pub(super) struct TwoTargets {
    #[command(flatten)]
    targets: Targets,
    /// Attribute words
    #[arg(value_name = "WORD", required = true)]
    words: Vec<String>,
    /// Unit vectors in place of those imported
    #[arg(long)]
    unit: bool,
}

impl TwoTargets {
    pub(super) async fn rnd(
        &self,
        common: &Common<'_>,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        self.ask(ProbeMetric::Rnd, common, client, output).await
    }

    pub(super) async fn ect(
        &self,
        common: &Common<'_>,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        self.ask(ProbeMetric::Ect, common, client, output).await
    }

    pub(super) async fn ripa(
        &self,
        common: &Common<'_>,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        self.ask(ProbeMetric::Ripa, common, client, output).await
    }

    async fn ask(
        &self,
        metric: ProbeMetric,
        common: &Common<'_>,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        let sets = (self.targets.sets(), vec![set("words", &self.words)]);
        let request = ProbeRequest { unit: self.unit, ..request(metric, sets, common) };
        probe(request, client, output).await
    }
}

// Targets, and what a classifier learns sentiment of.
#[derive(Debug, Args)]
pub(super) struct Sentiment {
    /// Target words
    #[arg(value_name = "WORD", required = true)]
    words: Vec<String>,
    /// Words of positive sentiment, with commas between
    #[arg(long, value_name = "WORDS", value_delimiter = ',', required = true)]
    positive: Vec<String>,
    /// Words of negative sentiment
    #[arg(long, value_name = "WORDS", value_delimiter = ',', required = true)]
    negative: Vec<String>,
}

impl Sentiment {
    pub(super) async fn ask(
        &self,
        common: &Common<'_>,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        let attributes = vec![set("positive", &self.positive), set("negative", &self.negative)];
        let sets = (vec![set("words", &self.words)], attributes);
        probe(request(ProbeMetric::Rnsb, sets, common), client, output).await
    }
}

// Targets and attribute sets.
#[derive(Debug, Args)]
pub(super) struct ManySets {
    /// Target words
    #[arg(value_name = "WORD", required = true)]
    words: Vec<String>,
    /// An attribute set: words with commas between; may be given several times
    #[arg(long, value_name = "WORDS", required = true)]
    attributes: Vec<String>,
}

impl ManySets {
    pub(super) async fn ask(
        &self,
        common: &Common<'_>,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        let attributes = self.attributes.iter().enumerate().map(|(i, words)| {
            let words: Vec<String> = words.split(',').map(str::to_owned).collect();
            set(&format!("attributes {}", i + 1), &words)
        });
        let sets = (vec![set("words", &self.words)], attributes.collect());
        probe(request(ProbeMetric::Mac, sets, common), client, output).await
    }
}

// Pairs and neutral words.
#[derive(Debug, Args)]
pub(super) struct Direct {
    #[command(flatten)]
    targets: Targets,
    /// Words that should be neutral
    #[arg(value_name = "WORD", required = true)]
    words: Vec<String>,
    /// The exponent c: less than 1 counts small biases more
    #[arg(long, value_name = "C", default_value_t = 1.0)]
    strictness: f64,
}

impl Direct {
    pub(super) async fn ask(
        &self,
        common: &Common<'_>,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        let sets = (self.targets.sets(), vec![set("words", &self.words)]);
        let strictness = Some(self.strictness);
        let request = ProbeRequest { strictness, ..request(ProbeMetric::DirectBias, sets, common) };
        probe(request, client, output).await
    }
}

// Pairs and word pairs.
#[derive(Debug, Args)]
pub(super) struct Indirect {
    #[command(flatten)]
    targets: Targets,
    /// Pairs of words, one after the other: A B [A B ...]
    #[arg(value_name = "WORD", required = true, num_args = 2..)]
    words: Vec<String>,
}

impl Indirect {
    pub(super) async fn ask(
        &self,
        common: &Common<'_>,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        if !self.words.len().is_multiple_of(2) {
            return Err(Failure::Usage("words are pairs: an even number of them".to_owned()));
        }
        let side = |first: usize| -> Vec<String> {
            self.words.iter().skip(first).step_by(2).cloned().collect()
        };
        let attributes = vec![set("first", &side(0)), set("second", &side(1))];
        let sets = (self.targets.sets(), attributes);
        probe(request(ProbeMetric::IndirectBias, sets, common), client, output).await
    }
}

fn request(
    metric: ProbeMetric,
    (targets, attributes): (Vec<WordSet>, Vec<WordSet>),
    common: &Common<'_>,
) -> ProbeRequest {
    ProbeRequest {
        table: common.table.to_owned(),
        metric: metric.into(),
        targets,
        attributes,
        unit: false,
        strictness: None,
        words: common.words.clone(),
        lost_threshold: common.lost_threshold,
        seed: common.seed,
    }
}

async fn probe(request: ProbeRequest, client: &Client, output: &mut Output) -> Result<()> {
    let answer = client.probe(request).await?;
    output.answer(&answer, text)?;
    output.footer(&answered(answer.answer.as_ref()));
    Ok(())
}

fn text(answer: &ProbeResponse) -> String {
    let mut figures = Grid::plain(&[Align::Left, Align::Right, Align::Left]);
    let interval = answer.interval.as_ref();
    let interval = interval
        .map_or_else(String::new, |i| format!("95 % of samples {:.4} to {:.4}", i.low, i.high));
    let value =
        answer.value.map_or_else(|| "not defined".to_owned(), |value| format!("{value:.4}"));
    figures.row(["value".to_owned(), value, interval]);
    let mut named: Vec<_> = answer.figures.iter().collect();
    named.sort_by(|a, b| a.0.cmp(b.0));
    for (name, value) in named {
        figures.row([name.replace('_', " "), format!("{value:.4}"), String::new()]);
    }
    let mut words =
        Grid::titled(&[("word", Align::Left), ("figure", Align::Right), ("", Align::Left)]);
    let most = answer.words.iter().fold(0.0_f64, |most, word| most.max(word.value.abs()));
    for word in &answer.words {
        words.row([word.word.clone(), format!("{:+.4}", word.value), bar(word.value, most)]);
    }
    format!("{figures}{words}{}", doubts(&answer.warnings, &answer.sets))
}
