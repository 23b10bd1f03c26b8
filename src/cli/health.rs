//! `wordspace health`: what is odd about a table.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::TableArg;
use crate::cli::output::{Align, Grid, Output, answered, count, quoted};
use crate::client::{Client, HealthRequest, HealthResponse};

/// Rows of zeros, duplicates, norms, isotropy and hubs of a table
#[derive(Debug, Args)]
pub(super) struct Health {
    #[command(flatten)]
    table: TableArg,
    /// Pairs and rows drawn to measure isotropy
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    sample: u32,
    /// Words asked for their neighbors to find hubs
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    hub_queries: u32,
    /// Neighbors of each
    #[arg(short, value_name = "COUNT", default_value_t = 10)]
    k: u32,
    /// Seed of every drawing
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl Health {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = HealthRequest {
            table: self.table.name.clone(),
            sample: Some(self.sample),
            hub_queries: Some(self.hub_queries),
            k: Some(self.k),
            seed: self.seed,
        };
        let answer = client.health(request).await?;
        output.answer(&answer, text)?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}

fn text(health: &HealthResponse) -> String {
    let mut facts = Grid::plain(&[Align::Left, Align::Left]);
    let mut fact = |name: &str, value: String| facts.row([name.to_owned(), value]);
    let words = |words: Vec<String>| {
        if words.is_empty() { String::new() } else { format!(", such as {}", words.join(" ")) }
    };
    fact("rows", count(health.row_count));
    let zeros = health.zero_examples.iter().map(|word| quoted(&word.word)).collect();
    fact("rows of zeros", format!("{}{}", count(health.zero_count), words(zeros)));
    let groups = health.duplicates.iter().map(|group| {
        let words: Vec<_> = group.examples.iter().map(|word| quoted(&word.word)).collect();
        format!("{}x {}", group.row_count, words.join("="))
    });
    let duplicates = count(health.duplicate_count);
    fact("equal to another", format!("{duplicates}{}", words(groups.collect())));
    if let Some(isotropy) = &health.isotropy {
        let (mean, error) = (isotropy.mean_similarity, isotropy.mean_similarity_error);
        fact("random pairs", format!("mean cosine {mean:.4} (standard error {error:.4})"));
        fact(
            "common direction",
            format!("mean of unit vectors has length {:.4}", isotropy.mean_length),
        );
        let shares = isotropy.component_shares.iter().map(|share| format!("{:.1}%", share * 100.0));
        fact(
            "first components",
            format!("{} of the variance", shares.collect::<Vec<_>>().join(" ")),
        );
    }
    let mut largest = Grid::titled(&[("largest hubs", Align::Left), ("neighbor of", Align::Right)]);
    if let Some(hubs) = &health.hubs {
        let (skewness, mean) = (hubs.skewness, hubs.mean);
        let asked = count(hubs.query_count.into());
        fact("hubs", format!("skewness {skewness:.2}, mean {mean:.3}, of {asked} words"));
        for hub in &hubs.largest {
            largest.row([hub.word.clone(), count(hub.occurrence_count.into())]);
        }
    }
    let mut norms = Grid::titled(&[
        ("rows", Align::Left),
        ("least norm", Align::Right),
        ("median", Align::Right),
        ("mean", Align::Right),
        ("greatest", Align::Right),
    ]);
    for band in &health.norms {
        let norm = |norm: f32| format!("{norm:.3}");
        norms.row([
            format!(
                "{} to {}",
                count(band.start_row.into()),
                count((band.end_row.max(1) - 1).into())
            ),
            norm(band.min),
            norm(band.median),
            norm(band.mean),
            norm(band.max),
        ]);
    }
    format!("{facts}{norms}{largest}")
}
