//! `wordspace project`: words on an axis between two poles.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{Asking, TableArg, WordArgs};
use crate::cli::output::{Align, Grid, Output, answered};
use crate::client::{AxisMethod, Client, ProjectRequest, ProjectResponse, WordSet};

/// Half the characters of the drawn axis.
const AXIS_HALF: f64 = 12.0;

/// Where words stand on the axis between two poles
#[derive(Debug, Args)]
pub(super) struct Project {
    #[command(flatten)]
    pub(super) asking: Asking,
    #[command(flatten)]
    table: TableArg,
    /// The negative pole: a word, or several with commas between
    #[arg(long, value_name = "WORDS", required = true, value_delimiter = ',')]
    from: Vec<String>,
    /// The positive pole: a word, or several with commas between
    #[arg(long, value_name = "WORDS", required = true, value_delimiter = ',')]
    to: Vec<String>,
    /// Words to place on the axis
    #[arg(value_name = "WORD", required = true)]
    words: Vec<String>,
    /// Take the first principal component of the pairs (from 1, to 1), (from 2, to 2), ... for the
    /// axis, in place of the difference of the poles' means
    #[arg(long)]
    pca: bool,
    #[command(flatten)]
    looked_up: WordArgs,
}

impl Project {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let answer = client.project(self.request()).await?;
        output.answer(&answer, |answer| self.text(answer))?;
        if let Some(share) = answer.explained_variance {
            output.footer(&format!("  (the axis explains {:.1}% of the variance)", share * 100.0));
        }
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }

    fn request(&self) -> ProjectRequest {
        let pole =
            |words: &[String]| Some(WordSet { name: words.join(","), words: words.to_vec() });
        let method = if self.pca { AxisMethod::Pca } else { AxisMethod::MeanDifference };
        ProjectRequest {
            table: self.table.name.clone(),
            from: pole(&self.from),
            to: pole(&self.to),
            queries: self.words.iter().map(|word| word.as_str().into()).collect(),
            method: method.into(),
            words: Some(self.looked_up.options()),
        }
    }

    fn text(&self, answer: &ProjectResponse) -> String {
        let (from, to) = (self.from.join(","), self.to.join(","));
        let mut grid = Grid::titled(&[
            ("word", Align::Left),
            ("cosine", Align::Right),
            (&from, Align::Right),
            ("", Align::Left),
            (&to, Align::Left),
        ]);
        let farthest =
            answer.projections.iter().fold(0.0_f64, |most, p| most.max(p.similarity.abs()));
        for projection in &answer.projections {
            grid.row([
                projection.word.clone(),
                format!("{:+.4}", projection.similarity),
                String::new(),
                drawn(projection.similarity, farthest),
                String::new(),
            ]);
        }
        format!("{grid}  (drawn from -{farthest:.2} to +{farthest:.2})\n")
    }
}

/// A mark between two poles; `farthest` reaches a pole.
fn drawn(similarity: f64, farthest: f64) -> String {
    let share = if farthest > 0.0 { similarity / farthest } else { 0.0 };
    let mark = (share * AXIS_HALF).round() + AXIS_HALF;
    let places = std::iter::successors(Some(0.0), |place| Some(place + 1.0));
    places
        .take_while(|&place| place <= 2.0 * AXIS_HALF)
        .map(|place| match (place - mark, place - AXIS_HALF) {
            (at, _) if at.abs() < 0.5 => 'o',
            (_, center) if center.abs() < 0.5 => '|',
            _ => '-',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_farthest_word_reaches_its_pole() {
        assert_eq!(drawn(-0.5, 0.5), "o-----------|------------");
        assert_eq!(drawn(0.5, 0.5), "------------|-----------o");
        assert_eq!(drawn(0.0, 0.0), "------------o------------");
        assert_eq!(drawn(0.25, 0.5), "------------|-----o------");
    }
}
