//! `wordspace text-similarity`: how alike two texts are.

use clap::Args;

use crate::cli::embed::{PoolingArgs, weighed};
use crate::cli::failure::Result;
use crate::cli::options::{TableArg, preprocessors};
use crate::cli::output::{Output, answered, skipped};
use crate::cli::texts::CuttingArgs;
use crate::client::{
    Client, OovPolicy, TextSimilarityRequest, WordOptions, text_similarity_request::TextPair,
};

/// Tell how alike two texts are, by their vectors and by how far their words would have to move
#[derive(Debug, Args)]
pub(super) struct TextSimilarity {
    #[command(flatten)]
    table: TableArg,
    /// A text
    #[arg(value_name = "TEXT")]
    a: String,
    /// Another text
    #[arg(value_name = "OTHER")]
    b: String,
    #[command(flatten)]
    cutting: CuttingArgs,
    #[command(flatten)]
    pooling: PoolingArgs,
    /// Look for a word as it is, else in lower case
    #[arg(long)]
    lowercase: bool,
    /// Tell Word Mover's Distance too, not only the relaxed one: slower
    #[arg(long)]
    exact: bool,
}

impl TextSimilarity {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let preprocessors = preprocessors(self.lowercase);
        let request = TextSimilarityRequest {
            table: self.table.name.clone(),
            pairs: vec![TextPair { a: self.a.clone(), b: self.b.clone() }],
            cutting: Some(self.cutting.cutting()),
            words: Some(WordOptions {
                oov: OovPolicy::Skip.into(),
                preprocessors,
                ..WordOptions::default()
            }),
            options: Some(self.pooling.options()),
            // Words that are moved have no place.
            relaxed_wmd: !self.pooling.transformer_input,
            exact_wmd: self.exact,
        };
        let answer = client.text_similarity(request).await?;
        output.answer(&answer, |answer| {
            let told = |pair: &crate::client::text_similarity_response::PairSimilarity| {
                let number = |number: Option<f64>| {
                    number.map_or_else(|| "none".to_owned(), |number| format!("{number:.4}"))
                };
                let exact = if self.exact {
                    format!("  Word Mover's Distance {}", number(pair.exact_wmd))
                } else {
                    String::new()
                };
                let relaxed = if self.pooling.transformer_input {
                    String::new()
                } else {
                    format!("  relaxed Word Mover's Distance {}", number(pair.relaxed_wmd))
                };
                format!("  cosine {}{exact}{relaxed}\n", number(pair.cosine))
            };
            answer.similarities.iter().map(told).collect()
        })?;
        let missed: Vec<String> =
            answer.similarities.iter().flat_map(|pair| pair.skipped.clone()).collect();
        output.footer(&format!(
            "{}{}{}",
            answered(answer.answer.as_ref()),
            weighed(answer.frequencies.as_ref()),
            skipped(&missed)
        ));
        Ok(())
    }
}
