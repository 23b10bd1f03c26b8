//! `wordspace bias weat`, `suite` and `word`: the Word Embedding Association Test.

use clap::Args;

use super::{Common, bar, doubts, set};
use crate::cli::failure::Result;
use crate::cli::output::{Align, Grid, Output, answered, count, shown};
use crate::cli::plot::{self, Bar, DrawArgs};
use crate::client::{
    Client, ListSuitesRequest, ListSuitesResponse, PValueMethod, SingleWeatRequest,
    SingleWeatResponse, WeatRequest, WeatResponse, WeatSuiteRequest, WeatSuiteResponse,
};

/// Whether target words X are nearer to attribute words A than to B, compared with target words Y
/// (Caliskan, Bryson and Narayanan 2017)
///
/// --svg and --png draw a bar for each target word: how much nearer it is to A than to B.
#[derive(Debug, Args)]
pub(super) struct Weat {
    /// A published test, such as career-family; `wordspace bias tests` lists those there are
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
    /// Draw so many partitions where they cannot be counted [default: 200000]
    #[arg(long, value_name = "COUNT")]
    partitions_max: Option<u32>,
    /// Draw partitions even where all can be counted
    #[arg(long)]
    draw: bool,
    #[command(flatten)]
    drawn: DrawArgs,
}

impl Weat {
    pub(super) async fn ask(
        &self,
        common: &Common<'_>,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        let given = |name, words: &[String]| (!words.is_empty()).then(|| set(name, words));
        let request = WeatRequest {
            table: common.table.to_owned(),
            suite: self.suite.clone().unwrap_or_default(),
            x: given("X", &self.x),
            y: given("Y", &self.y),
            a: given("A", &self.a),
            b: given("B", &self.b),
            words: common.words.clone(),
            lost_threshold: common.lost_threshold,
            partitions_max: self.partitions_max,
            seed: Some(common.seed),
            draw: self.draw,
        };
        let answer = client.weat(request).await?;
        output.answer(&answer, text)?;
        output.footer(&answered(answer.answer.as_ref()));
        if self.drawn.is_asked() {
            let bars = answer.sets.iter().take(2).flat_map(|set| {
                set.words.iter().map(|word| Bar {
                    label: word.word.clone(),
                    group: set.name.clone(),
                    value: word.association.unwrap_or(0.0),
                })
            });
            let names: Vec<_> = answer.sets.iter().map(|set| set.name.as_str()).collect();
            let title = format!(
                "{} : {} (right) against {} (left), effect size {:.3}",
                names[..2.min(names.len())].join(", "),
                names.get(2).unwrap_or(&""),
                names.get(3).unwrap_or(&""),
                answer.effect_size
            );
            self.drawn.write(&plot::bars(&title, &bars.collect::<Vec<_>>()), output)?;
        }
        Ok(())
    }
}

fn text(answer: &WeatResponse) -> String {
    let mut figures = Grid::plain(&[Align::Left, Align::Right, Align::Left]);
    let mut figure = |name: &str, value: f64, note: String| {
        figures.row([name.to_owned(), format!("{value:.4}"), note]);
    };
    let interval = answer.effect_size_interval.as_ref();
    let interval = interval
        .map_or_else(String::new, |i| format!(", 95 % of samples {:.2} to {:.2}", i.low, i.high));
    figure("effect size", answer.effect_size, format!("ddof 0{interval}"));
    figure("", answer.effect_size_ddof1, "ddof 1".to_owned());
    figure("statistic", answer.statistic, String::new());
    let partitions = count(answer.partition_count);
    let how = match answer.p_value_method() {
        PValueMethod::Drawn => {
            let error = answer.p_value_standard_error;
            format!("{partitions} partitions drawn, standard error {error:.2e}")
        }
        PValueMethod::Bounded => {
            let error = answer.p_value_error;
            format!("every one of {partitions} partitions, off by {error:.1e} at most")
        }
        PValueMethod::Exact | PValueMethod::Unspecified => {
            format!("exact: every one of {partitions} partitions")
        }
    };
    figures.row(["p".to_owned(), probability(answer.p_value), how]);
    let both = "two-sided".to_owned();
    figures.row([String::new(), probability(answer.p_value_two_sided), both]);
    let mut words = Grid::titled(&[
        ("set", Align::Left),
        ("word", Align::Left),
        ("association", Align::Right),
        ("", Align::Left),
    ]);
    let targets = || answer.sets.iter().take(2);
    let of = |set: &crate::client::WeatSet| -> Vec<f64> {
        set.words.iter().filter_map(|word| word.association).collect()
    };
    let most = targets().flat_map(of).fold(0.0_f64, |most, value| most.max(value.abs()));
    for set in targets() {
        for word in &set.words {
            let value = word.association.unwrap_or(0.0);
            let cells =
                [set.name.clone(), word.word.clone(), format!("{value:+.4}"), bar(value, most)];
            words.row(cells);
        }
    }
    let attributes = answer.sets.iter().skip(2).map(|set| {
        let words: Vec<_> = set.words.iter().map(|word| shown(&word.word)).collect();
        format!("  {}: {}\n", shown(&set.name), words.join(", "))
    });
    let attributes: Vec<_> = attributes.collect();
    format!("{figures}{words}{}{}", attributes.concat(), doubts(&answer.warnings, &answer.sets))
}

fn probability(p: f64) -> String {
    if p > 0.0 && p < 1e-3 { format!("{p:.2e}") } else { format!("{p:.4}") }
}

/// Every published test of WEAT in one language
#[derive(Debug, Args)]
pub(super) struct WeatSuite {
    /// The language of the tests: en or zh
    #[arg(long, value_name = "CODE", default_value = "en")]
    language: String,
    /// Draw so many partitions where they cannot be counted [default: 20000]
    #[arg(long, value_name = "COUNT")]
    partitions_max: Option<u32>,
    /// Draw partitions even where all can be counted
    #[arg(long)]
    draw: bool,
}

/// The published tests of WEAT: names, sources and words
#[derive(Debug, Args)]
pub(super) struct Tests {}

impl Tests {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let answer = client.list_suites(ListSuitesRequest {}).await?;
        output.answer(&answer, tests_text)
    }
}

fn tests_text(answer: &ListSuitesResponse) -> String {
    let mut grid = Grid::titled(&[
        ("test", Align::Left),
        ("language", Align::Left),
        ("X", Align::Left),
        ("Y", Align::Left),
        ("A", Align::Left),
        ("B", Align::Left),
    ]);
    for suite in &answer.suites {
        let sets = suite.sets.iter().map(|set| format!("{} ({})", set.name, set.words.len()));
        grid.cells([suite.name.clone(), suite.language.clone()].into_iter().chain(sets));
    }
    let mut sources: Vec<_> = answer
        .suites
        .iter()
        .map(|suite| format!("  {}: {}\n", suite.language, shown(&suite.source)))
        .collect();
    sources.dedup();
    format!("{grid}{}", sources.concat())
}

impl WeatSuite {
    pub(super) async fn ask(
        &self,
        common: &Common<'_>,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        let request = WeatSuiteRequest {
            table: common.table.to_owned(),
            words: common.words.clone(),
            lost_threshold: common.lost_threshold,
            partitions_max: self.partitions_max,
            seed: Some(common.seed),
            draw: self.draw,
            language: self.language.clone(),
        };
        let answer = client.weat_suite(request).await?;
        output.answer(&answer, suite_text)
    }
}

fn suite_text(answer: &WeatSuiteResponse) -> String {
    let mut grid = Grid::titled(&[
        ("test", Align::Left),
        ("effect size", Align::Right),
        ("95 % of samples", Align::Left),
        ("p", Align::Right),
        ("", Align::Left),
        ("lost", Align::Right),
        ("", Align::Left),
    ]);
    let mut problems = String::new();
    for test in &answer.tests {
        let Some(weat) = &test.weat else {
            problems.push_str(&["  ", &test.name, ": ", &shown(&test.problem), "\n"].concat());
            continue;
        };
        let interval = weat.effect_size_interval.as_ref();
        let lost: usize = weat.sets.iter().map(|set| set.lost.len()).sum();
        grid.row([
            test.name.clone(),
            format!("{:.3}", weat.effect_size),
            interval.map_or_else(String::new, |i| format!("{:.2} to {:.2}", i.low, i.high)),
            probability(weat.p_value),
            match weat.p_value_method() {
                PValueMethod::Drawn => "drawn".to_owned(),
                PValueMethod::Bounded => format!("within {:.0e}", weat.p_value_error),
                PValueMethod::Exact | PValueMethod::Unspecified => "exact".to_owned(),
            },
            lost.to_string(),
            bar(weat.effect_size, 2.0),
        ]);
    }
    format!("{grid}{problems}")
}

/// Whether single words are nearer to attribute words A than to B
#[derive(Debug, Args)]
pub(super) struct SingleWeat {
    /// The words
    #[arg(value_name = "WORD", required = true)]
    words: Vec<String>,
    /// First attribute set: words with commas between
    #[arg(long, value_name = "WORDS", value_delimiter = ',', required = true)]
    a: Vec<String>,
    /// Second attribute set
    #[arg(long, value_name = "WORDS", value_delimiter = ',', required = true)]
    b: Vec<String>,
}

impl SingleWeat {
    pub(super) async fn ask(
        &self,
        common: &Common<'_>,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        let request = SingleWeatRequest {
            table: common.table.to_owned(),
            words: Some(set("words", &self.words)),
            a: Some(set("A", &self.a)),
            b: Some(set("B", &self.b)),
            options: common.words.clone(),
            lost_threshold: common.lost_threshold,
            partitions_max: None,
            seed: Some(common.seed),
            draw: false,
        };
        let answer = client.single_weat(request).await?;
        output.answer(&answer, single_text)?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}

fn single_text(answer: &SingleWeatResponse) -> String {
    let mut grid = Grid::titled(&[
        ("word", Align::Left),
        ("association", Align::Right),
        ("effect size", Align::Right),
        ("p two-sided", Align::Right),
        ("", Align::Left),
    ]);
    let most = answer.words.iter().fold(0.0_f64, |most, word| most.max(word.association.abs()));
    for word in &answer.words {
        grid.row([
            word.word.clone(),
            format!("{:+.4}", word.association),
            word.effect_size.map_or_else(|| "none".to_owned(), |effect| format!("{effect:+.3}")),
            probability(word.p_value_two_sided),
            bar(word.association, most),
        ]);
    }
    format!("{grid}{}", doubts(&answer.warnings, &answer.sets))
}
