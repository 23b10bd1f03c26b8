//! `wordspace seed-table`: a tokenizer's tokens as the words of a new table.

use clap::{Args, ValueEnum};

use crate::cli::failure::Result;
use crate::cli::import::report_of;
use crate::cli::output::Output;
use crate::client::{self, Client, IfExists, SeedTableRequest};

/// Make a table whose words are a tokenizer's tokens, with random vectors: where training begins
#[derive(Debug, Args)]
pub(super) struct SeedTable {
    /// The tokenizer, whose tokens have numbers
    #[arg(long, value_name = "NAME")]
    tokenizer: String,
    /// The new table
    #[arg(long, value_name = "NAME")]
    table: String,
    /// Components of each vector
    #[arg(long, value_name = "COUNT")]
    dim: u32,
    /// What vectors are made of
    #[arg(long, value_enum, default_value_t = Distribution::Uniform)]
    distribution: Distribution,
    /// Bound of uniform numbers, or deviation of normal ones [default: 0.5 / DIM, or 0.02]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    scale: Option<f64>,
    /// Seed of the numbers
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Replace the table if it is there already
    #[arg(long)]
    replace: bool,
    /// Cut the new table's texts by the tokenizer where none is named
    #[arg(long)]
    set_default: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Distribution {
    /// From minus the scale to the scale, as word2vec begins
    Uniform,
    /// Around 0, as BERT and GPT-2 begin
    Normal,
}

impl SeedTable {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let distribution = match self.distribution {
            Distribution::Uniform => client::Distribution::Uniform,
            Distribution::Normal => client::Distribution::Normal,
        };
        let if_exists = if self.replace { IfExists::Replace } else { IfExists::Error };
        let request = SeedTableRequest {
            tokenizer: self.tokenizer.clone(),
            table: self.table.clone(),
            dim: self.dim,
            distribution: distribution.into(),
            scale: self.scale,
            seed: self.seed,
            if_exists: if_exists.into(),
            set_default: self.set_default,
        };
        let answer = client.seed_table(request).await?;
        output.answer(&answer, |answer| {
            report_of(&answer.report.clone().unwrap_or_default(), "tokens, random vectors")
        })
    }
}
