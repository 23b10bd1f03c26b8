//! `wordspace bias project`, `analogies` and `clusters`: words along the direction of a bias.

use std::path::PathBuf;

use clap::Args;

use super::{Common, bar, doubts, set};
use crate::cli::failure::Result;
use crate::cli::options::queries;
use crate::cli::output::{Align, Grid, Output, answered, shown};
use crate::cli::plot::{self, Point};
use crate::client::{
    AxisMethod, BiasedClustersRequest, BiasedClustersResponse, Client, GenerateAnalogiesRequest,
    GenerateAnalogiesResponse, ProjectRequest, ProjectResponse,
};

/// Where words stand on the axis between two poles, or on two axes
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
    /// Also draw the words on the two axes into this SVG file
    #[arg(long, value_name = "FILE", requires = "and_from")]
    svg: Option<PathBuf>,
}

impl Project {
    pub(super) async fn ask(
        &self,
        common: &Common<'_>,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        let answer = client.project(self.request(common, &self.from, &self.to)).await?;
        output.answer(&answer, |answer| text(answer, &self.from, &self.to))?;
        explained(&answer, output);
        output.footer(&answered(answer.answer.as_ref()));
        if self.and_from.is_empty() {
            return Ok(());
        }
        let second = client.project(self.request(common, &self.and_from, &self.and_to)).await?;
        output.answer(&second, |answer| text(answer, &self.and_from, &self.and_to))?;
        explained(&second, output);
        if let Some(path) = &self.svg {
            let points = answer.projections.iter().filter_map(|x| {
                let y = second.projections.iter().find(|y| y.index == x.index)?;
                Some(Point {
                    label: x.word.clone(),
                    x: x.similarity,
                    y: y.similarity,
                    group: 0,
                    is_asked: false,
                })
            });
            let axis =
                |from: &[String], to: &[String]| format!("{} to {}", from.join(","), to.join(","));
            let names = (axis(&self.from, &self.to), axis(&self.and_from, &self.and_to));
            let title = format!("across: {}; upward: {}", names.0, names.1);
            let drawn = plot::points(&title, &points.collect::<Vec<_>>(), &[]);
            plot::write(path, &drawn, output)?;
        }
        Ok(())
    }

    fn request(&self, common: &Common<'_>, from: &[String], to: &[String]) -> ProjectRequest {
        let method = if self.pca { AxisMethod::Pca } else { AxisMethod::MeanDifference };
        ProjectRequest {
            table: common.table.to_owned(),
            from: Some(set(&from.join(","), from)),
            to: Some(set(&to.join(","), to)),
            queries: queries(&self.words),
            method: method.into(),
            words: common.words.clone(),
        }
    }
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
