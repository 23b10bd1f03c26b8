//! `wordspace embed`: texts to vectors, and what is near to them.

use clap::{Args, ValueEnum};

use crate::cli::failure::{Failure, Result};
use crate::cli::nearest::neighbors;
use crate::cli::options::{Asking, Oov, TableArg, WordArgs};
use crate::cli::output::{Output, answered, skipped};
use crate::cli::texts::{CuttingArgs, TextArgs};
use crate::client::{
    self, Client, EmbedOptions, EmbedRequest, NearestRequest, NearestToTextRequest, TextVector,
    WordOptions,
};

/// Turn texts into vectors: a line each, its numbers with spaces between
#[derive(Debug, Args)]
pub(super) struct Embed {
    #[command(flatten)]
    pub(super) asking: Asking,
    #[command(flatten)]
    table: TableArg,
    #[command(flatten)]
    texts: TextArgs,
    #[command(flatten)]
    cutting: CuttingArgs,
    #[command(flatten)]
    pooling: PoolingArgs,
    /// Show so many nearest words in place of the vector
    #[arg(long, value_name = "COUNT")]
    nearest: Option<u32>,
    /// Look for a word as it is, else in lower case
    #[arg(long)]
    lowercase: bool,
    /// Fail if a word is unknown, in place of leaving it out
    #[arg(long)]
    no_unknown: bool,
}

/// How the vectors of a text's tokens become one.
#[derive(Debug, Args)]
pub(super) struct PoolingArgs {
    /// How the vectors of tokens become one
    #[arg(long, value_enum, default_value_t = Pooling::Mean)]
    pooling: Pooling,
    /// Take the vectors of tokens as they are, in place of bringing them to length 1
    #[arg(long)]
    raw: bool,
    /// Bring the text's vector to length 1
    #[arg(long)]
    normalize: bool,
    /// Pool so many tokens together; longer texts are cut at the ends of sentences
    #[arg(long, value_name = "COUNT")]
    chunk_tokens: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Pooling {
    /// The mean
    Mean,
    /// Rare words weigh more, and what all texts share is taken out
    Sif,
    /// Rare words weigh more
    Tfidf,
    /// The largest of each component
    Max,
    /// The smallest of each component
    Min,
    /// The sum
    Sum,
    /// The last token's
    Last,
}

impl PoolingArgs {
    /// The same for the wire.
    pub(super) fn options(&self) -> EmbedOptions {
        let pooling = match self.pooling {
            Pooling::Mean => client::Pooling::Mean,
            Pooling::Sif => client::Pooling::Sif,
            Pooling::Tfidf => client::Pooling::Tfidf,
            Pooling::Max => client::Pooling::Max,
            Pooling::Min => client::Pooling::Min,
            Pooling::Sum => client::Pooling::Sum,
            Pooling::Last => client::Pooling::Last,
        };
        EmbedOptions {
            pooling: pooling.into(),
            pre_normalize: self.raw.then_some(false),
            post_normalize: self.normalize,
            chunk_tokens: self.chunk_tokens,
            ..EmbedOptions::default()
        }
    }
}

impl Embed {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let (mut empty, mut all, mut info) = (0_usize, 0_usize, String::new());
        let mut unknown: Vec<String> = Vec::new();
        for texts in self.texts.read().await? {
            if let Some(k) = self.nearest {
                for text in texts {
                    self.ask_nearest(client, output, text, k).await?;
                }
                continue;
            }
            let request = EmbedRequest {
                table: self.table.name.clone(),
                texts,
                cutting: Some(self.cutting.cutting()),
                words: Some(self.words()),
                options: Some(self.pooling.options()),
            };
            let answer = client.embed(request).await?;
            output.answer(&answer, |answer| answer.vectors.iter().map(line).collect())?;
            all += answer.vectors.len();
            empty += answer.vectors.iter().filter(|vector| vector.values.is_empty()).count();
            unknown.extend(answer.vectors.iter().flat_map(|vector| vector.skipped.clone()));
            info = answered(answer.answer.as_ref());
        }
        unknown.sort_unstable();
        unknown.dedup();
        output.footer(&format!("{info}{}", skipped(&unknown)));
        if empty > 0 && self.nearest.is_none() {
            let told = format!("{empty} of {all} texts have no known word, and so no vector");
            return Err(Failure::Local(told));
        }
        Ok(())
    }

    async fn ask_nearest(
        &self,
        client: &Client,
        output: &mut Output,
        text: String,
        k: u32,
    ) -> Result<()> {
        let request = NearestToTextRequest {
            table: self.table.name.clone(),
            text,
            cutting: Some(self.cutting.cutting()),
            words: Some(self.words()),
            options: Some(self.pooling.options()),
            nearest: Some(NearestRequest { k: Some(k), ..NearestRequest::default() }),
        };
        let answer = client.nearest_to_text(request).await?;
        output.answer(&answer, |answer| neighbors("cosine", &answer.neighbors))?;
        let missed = answer.text.as_ref().map_or(&[][..], |text| &text.skipped);
        output.footer(&format!("{}{}", answered(answer.answer.as_ref()), skipped(missed)));
        Ok(())
    }

    fn words(&self) -> WordOptions {
        let oov = Some(if self.no_unknown { Oov::Error } else { Oov::Skip });
        WordArgs { lowercase: self.lowercase, oov, ..WordArgs::default() }.options()
    }
}

/// The numbers of a vector; an empty line for a text that has none.
fn line(vector: &TextVector) -> String {
    let values: Vec<_> = vector.values.iter().map(f32::to_string).collect();
    format!("{}\n", values.join(" "))
}
