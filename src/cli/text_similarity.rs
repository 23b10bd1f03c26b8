//! `wordspace text-similarity`: how alike two texts are.

use clap::Args;

use crate::cli::embed::PoolingArgs;
use crate::cli::failure::Result;
use crate::cli::options::{Asking, TableArg, preprocessors};
use crate::cli::output::{Output, answered, skipped};
use crate::cli::texts::CuttingArgs;
use crate::client::{
    Client, OovPolicy, TextSimilarityRequest, WordOptions, text_similarity_request::TextPair,
};

/// Tell how alike two texts are, by their vectors and by how far their words would have to move
#[derive(Debug, Args)]
pub(super) struct TextSimilarity {
    #[command(flatten)]
    pub(super) asking: Asking,
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
            relaxed_wmd: true,
        };
        let answer = client.text_similarity(request).await?;
        output.answer(&answer, |answer| {
            let told = |pair: &crate::client::text_similarity_response::PairSimilarity| {
                let number = |number: Option<f64>| {
                    number.map_or_else(|| "none".to_owned(), |number| format!("{number:.4}"))
                };
                format!(
                    "  cosine {}  relaxed Word Mover's Distance {}\n",
                    number(pair.cosine),
                    number(pair.relaxed_wmd)
                )
            };
            answer.similarities.iter().map(told).collect()
        })?;
        let missed: Vec<String> =
            answer.similarities.iter().flat_map(|pair| pair.skipped.clone()).collect();
        output.footer(&format!("{}{}", answered(answer.answer.as_ref()), skipped(&missed)));
        Ok(())
    }
}
