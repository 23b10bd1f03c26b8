//! `wordspace bias project`, `analogies` and `clusters`: words along the direction of a bias.

use clap::Args;

use super::{Common, bar, doubts, set};
use crate::cli::failure::Result;
use crate::cli::options::queries;
use crate::cli::output::{Align, Grid, Output, answered, shown};
use crate::cli::plot::{self, Bar, DrawArgs, Point};
use crate::client::{
    AxisMethod, BiasedClustersRequest, BiasedClustersResponse, Client, GenerateAnalogiesRequest,
    GenerateAnalogiesResponse, ProjectRequest, ProjectResponse, project_response::Projection,
};

/// Where words stand on the axis between two poles, or on two axes
///
/// --svg and --png draw a bar for each word, or with two axes the words on a plane; --beside draws
/// another table, such as a debiased one, in another color.
#[derive(Debug, Args)]
pub(super) struct Project {
    /// The negative pole: a word, or several with commas between
    #[arg(long, value_name = "WORDS", required = true, value_delimiter = ',')]
    from: Vec<String>,
    /// The positive pole
    #[arg(long, value_name = "WORDS", required = true, value_delimiter = ',')]
    to: Vec<String>,
    /// The negative pole of a second axis
    #[arg(long, value_name = "WORDS", value_delimiter = ',', requires = "and_to")]
    and_from: Vec<String>,
    /// The positive pole of a second axis
    #[arg(long, value_name = "WORDS", value_delimiter = ',', requires = "and_from")]
    and_to: Vec<String>,
    /// Words to place
    #[arg(value_name = "WORD", required = true)]
    words: Vec<String>,
    /// Take the first principal component of the pairs (from 1, to 1), (from 2, to 2), ... for the
    /// axis, in place of the difference of the poles' means
    #[arg(long)]
    pca: bool,
    /// Also place the words in this table, such as one made by `wordspace debias`
    #[arg(long, value_name = "NAME")]
    beside: Option<String>,
    #[command(flatten)]
    drawn: DrawArgs,
}

impl Project {
    pub(super) async fn ask(
        &self,
        common: &Common<'_>,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        let mut tables = Vec::new();
        for table in [Some(common.table), self.beside.as_deref()].into_iter().flatten() {
            if self.beside.is_some() {
                output.footer(&format!("  {}:", shown(table)));
            }
            let first = self.place((table, common), [&self.from, &self.to], client, output).await?;
            let second = if self.and_from.is_empty() {
                Vec::new()
            } else {
                let poles = [self.and_from.as_slice(), &self.and_to];
                self.place((table, common), poles, client, output).await?
            };
            tables.push(Placed { table: table.to_owned(), first, second });
        }
        self.drawn.write_if_asked(|| self.drawing(&tables), output)
    }

    /// Asks where the words stand between two poles, and prints it.
    async fn place(
        &self,
        (table, common): (&str, &Common<'_>),
        [from, to]: [&[String]; 2],
        client: &Client,
        output: &mut Output,
    ) -> Result<Vec<Projection>> {
        let request = self.request((table, common), from, to);
        let answer = client.project(request).await?;
        output.answer(&answer, |answer| text(answer, from, to))?;
        explained(&answer, output);
        output.footer(&answered(answer.answer.as_ref()));
        Ok(answer.projections)
    }

    /// Bars on one axis, or points on two, with a line from a word's place in the first table to that
    /// in the other.
    fn drawing(&self, tables: &[Placed]) -> String {
        let axis = |from: &[String], to: &[String]| (from.join(","), to.join(","));
        let (from, to) = axis(&self.from, &self.to);
        if self.and_from.is_empty() {
            let words = tables.first().map_or(0, |table| table.first.len());
            let bars = (0..words).flat_map(|place| {
                tables.iter().enumerate().filter_map(move |(i, table)| {
                    let word = table.first.get(place)?;
                    let label = if i == 0 { word.word.clone() } else { String::new() };
                    Some(Bar { label, group: table.table.clone(), value: word.similarity })
                })
            });
            let title = format!("cosine with the axis from {from} (left) to {to} (right)");
            return plot::bars(&title, &bars.collect::<Vec<_>>());
        }
        let (mut points, mut links) = (Vec::new(), Vec::new());
        for (group, table) in tables.iter().enumerate() {
            for x in &table.first {
                let Some(y) = table.second.iter().find(|y| y.index == x.index) else { continue };
                let before = points.iter().position(|p: &Point| p.group == 0 && p.label == x.word);
                links.extend(before.filter(|_| group > 0).map(|before| [before, points.len()]));
                points.push(Point {
                    label: x.word.clone(),
                    x: x.similarity,
                    y: y.similarity,
                    group,
                    is_asked: false,
                });
            }
        }
        let (and_from, and_to) = axis(&self.and_from, &self.and_to);
        let of = tables.iter().map(|table| table.table.as_str()).collect::<Vec<_>>().join(" - - ");
        let title = format!("{of}: across: {from} to {to}; upward: {and_from} to {and_to}");
        plot::points(&title, &points, &links)
    }

    fn request(
        &self,
        (table, common): (&str, &Common<'_>),
        from: &[String],
        to: &[String],
    ) -> ProjectRequest {
        let method = if self.pca { AxisMethod::Pca } else { AxisMethod::MeanDifference };
        ProjectRequest {
            table: table.to_owned(),
            from: Some(set(&from.join(","), from)),
            to: Some(set(&to.join(","), to)),
            queries: queries(&self.words),
            method: method.into(),
            words: common.words.clone(),
        }
    }
}

/// Where a table has the words on one axis, and on the other.
#[derive(Debug)]
struct Placed {
    table: String,
    first: Vec<Projection>,
    second: Vec<Projection>,
}

fn explained(answer: &ProjectResponse, output: &mut Output) {
    if let Some(share) = answer.explained_variance {
        output.footer(&format!("  (the axis explains {:.1}% of the variance)", share * 100.0));
    }
}

fn text(answer: &ProjectResponse, from: &[String], to: &[String]) -> String {
    let (from, to) = (from.join(","), to.join(","));
    let mut grid = Grid::titled(&[
        ("word", Align::Left),
        ("cosine", Align::Right),
        (&from, Align::Right),
        ("", Align::Left),
        (&to, Align::Left),
    ]);
    let farthest = answer.projections.iter().fold(0.0_f64, |most, p| most.max(p.similarity.abs()));
    for projection in &answer.projections {
        grid.row([
            projection.word.clone(),
            format!("{:+.4}", projection.similarity),
            String::new(),
            bar(projection.similarity, farthest),
            String::new(),
        ]);
    }
    format!("{grid}  (drawn from -{farthest:.2} to +{farthest:.2})\n")
}

#[derive(Debug, Args)]
struct Pairs {
    /// Words of one side, with commas between
    #[arg(long, value_name = "WORDS", value_delimiter = ',', default_value = "he")]
    from: Vec<String>,
    /// Their partners on the other side, word by word
    #[arg(long, value_name = "WORDS", value_delimiter = ',', default_value = "she")]
    to: Vec<String>,
}

/// Analogies that the vectors draw by themselves along a direction, such as he : she
#[derive(Debug, Args)]
pub(super) struct Analogies {
    #[command(flatten)]
    pairs: Pairs,
    /// Only the COUNT most frequent words
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    top: u32,
    /// The words of a pair are at most so far apart
    #[arg(long, value_name = "DISTANCE", default_value_t = 1.0)]
    delta: f64,
    /// How many
    #[arg(short, value_name = "COUNT", default_value_t = 20)]
    k: u32,
}

impl Analogies {
    pub(super) async fn ask(
        &self,
        common: &Common<'_>,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        let request = GenerateAnalogiesRequest {
            table: common.table.to_owned(),
            from: Some(set("from", &self.pairs.from)),
            to: Some(set("to", &self.pairs.to)),
            top: Some(self.top),
            delta: Some(self.delta),
            k: Some(self.k),
            words: common.words.clone(),
            lost_threshold: common.lost_threshold,
        };
        let answer = client.generate_analogies(request).await?;
        output.answer(&answer, analogies_text)?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}

fn analogies_text(answer: &GenerateAnalogiesResponse) -> String {
    let mut grid = Grid::titled(&[
        ("from", Align::Left),
        ("to", Align::Left),
        ("cosine", Align::Right),
        ("distance", Align::Right),
    ]);
    for pair in &answer.pairs {
        grid.row([
            pair.from.clone(),
            pair.to.clone(),
            format!("{:.4}", pair.similarity),
            format!("{:.4}", pair.distance),
        ]);
    }
    let share = 100.0 * answer.explained_variance;
    let doubts = doubts(&answer.warnings, &answer.sets);
    format!("{grid}  the direction explains {share:.0}% of its pairs' variance\n{doubts}")
}

/// Whether the most biased words can still be told apart (Gonen and Goldberg 2019)
#[derive(Debug, Args)]
pub(super) struct Clusters {
    #[command(flatten)]
    pairs: Pairs,
    /// The table in which the bias is measured [default: the same]
    #[arg(long, value_name = "NAME", default_value = "")]
    original: String,
    /// Words of each side
    #[arg(long, value_name = "COUNT", default_value_t = 500)]
    count: u32,
}

impl Clusters {
    pub(super) async fn ask(
        &self,
        common: &Common<'_>,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        let request = BiasedClustersRequest {
            table: common.table.to_owned(),
            original: self.original.clone(),
            from: Some(set("from", &self.pairs.from)),
            to: Some(set("to", &self.pairs.to)),
            top: None,
            count: Some(self.count),
            seed: common.seed,
            words: common.words.clone(),
            lost_threshold: common.lost_threshold,
        };
        let answer = client.biased_clusters(request).await?;
        output.answer(&answer, clusters_text)?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}

fn clusters_text(answer: &BiasedClustersResponse) -> String {
    let list = |words: &[String]| {
        let words: Vec<_> = words.iter().map(|word| shown(word)).collect();
        words.join(", ")
    };
    let mut grid = Grid::plain(&[Align::Left, Align::Right]);
    grid.row(["told apart here".to_owned(), format!("{:.4}", answer.accuracy)]);
    grid.row(["in the original".to_owned(), format!("{:.4}", answer.original_accuracy)]);
    format!(
        "{grid}  {} words of each side; 0.5 would mean that nothing is left\n  one side: {}\n  \
         the other: {}\n{}",
        answer.count,
        list(&answer.from_examples),
        list(&answer.to_examples),
        doubts(&answer.warnings, &answer.sets)
    )
}
