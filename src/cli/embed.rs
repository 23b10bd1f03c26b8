//! `wordspace embed`: texts to vectors, and what is near to them.

use clap::{Args, ValueEnum};

use crate::cli::failure::{Failure, Result};
use crate::cli::nearest::neighbors;
use crate::cli::options::{Oov, TableArg, WordArgs};
use crate::cli::output::{Output, answered, count, shown, skipped};
use crate::cli::texts::{CuttingArgs, TextArgs};
use crate::client::{
    self, Client, EmbedOptions, EmbedRequest, FrequenciesUsed, FrequencySource, NearestRequest,
    NearestToTextRequest, TextVector, WordOptions,
};

/// Turn texts into vectors: a line each, its numbers with spaces between
#[derive(Debug, Args)]
pub(super) struct Embed {
    #[command(flatten)]
    table: TableArg,
    #[command(flatten)]
    texts: TextArgs,
    #[command(flatten)]
    cutting: CuttingArgs,
    #[command(flatten)]
    pooling: PoolingArgs,
    /// The second text of a pair, which becomes one input with the first: [CLS] a [SEP] b [SEP]. May be
    /// given again, once a text
    #[arg(long, value_name = "TEXT", requires = "transformer_input", conflicts_with = "nearest")]
    second: Vec<String>,
    /// Show so many nearest words in place of the vector
    #[arg(long, value_name = "COUNT")]
    nearest: Option<u32>,
    /// Look for the nearest rows in this table, such as one of `import-texts` [default: the same]
    #[arg(long = "in", value_name = "TABLE", requires = "nearest")]
    in_table: Option<String>,
    /// Look for a word as it is, else in lower case
    #[arg(long)]
    lowercase: bool,
    /// Fail if a word is unknown, in place of leaving it out
    #[arg(long)]
    no_unknown: bool,
}

/// How the vectors of a text's tokens become one.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "the options of a command")]
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
    /// Take a text as BERT takes it in: token, position and segment added up, then layer norm, with the
    /// special tokens around it; the table must come from a checkpoint that has them (see `tables`).
    /// Vectors of tokens are taken as they are
    #[arg(long)]
    pub(super) transformer_input: bool,
    /// Take the one-hot vector of each token: 1 at its row of the table. A line is ROW:VALUE pairs then: max
    /// tells which words occur, sum how often (a bag of words), tfidf weighs rare words more
    #[arg(long, conflicts_with = "transformer_input")]
    one_hot: bool,
    /// For --pooling surprise: the language model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Pooling {
    /// The mean
    Mean,
    /// Rare words weigh more, and what all texts share is taken out
    Sif,
    /// Rare words weigh more
    Tfidf,
    /// Words weigh as much as they surprise a language model (--model) where they stand
    Surprise,
    /// The largest of each component
    Max,
    /// The smallest of each component
    Min,
    /// The sum
    Sum,
    /// The last token's
    Last,
    /// None: a line for each token, with a tab behind it
    Tokens,
}

impl PoolingArgs {
    /// The same for the wire.
    pub(super) fn options(&self) -> EmbedOptions {
        let pooling = match self.pooling {
            Pooling::Mean => client::Pooling::Mean,
            Pooling::Sif => client::Pooling::Sif,
            Pooling::Tfidf => client::Pooling::Tfidf,
            Pooling::Surprise => client::Pooling::Surprise,
            Pooling::Max => client::Pooling::Max,
            Pooling::Min => client::Pooling::Min,
            Pooling::Sum => client::Pooling::Sum,
            Pooling::Last => client::Pooling::Last,
            Pooling::Tokens => client::Pooling::Tokens,
        };
        EmbedOptions {
            pooling: pooling.into(),
            pre_normalize: self.raw.then_some(false),
            post_normalize: self.normalize,
            chunk_tokens: self.chunk_tokens,
            transformer_input: self.transformer_input,
            one_hot: self.one_hot,
            model: self.model.clone().unwrap_or_default(),
            ..EmbedOptions::default()
        }
    }
}

impl Embed {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let (mut empty, mut all, mut info) = (0_usize, 0_usize, String::new());
        let mut unknown: Vec<String> = Vec::new();
        let calls = self.texts.read().await?;
        let text_count: usize = calls.iter().map(Vec::len).sum();
        let mut second = self.second.as_slice();
        if !second.is_empty() && second.len() != text_count {
            let told = format!("--second was given {} times for {text_count} texts", second.len());
            return Err(Failure::Usage(told));
        }
        for texts in calls {
            let (own, rest) = second.split_at(second.len().min(texts.len()));
            second = rest;
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
                second_texts: own.to_vec(),
            };
            let answer = client.embed(request).await?;
            output.answer(&answer, |answer| answer.vectors.iter().map(line).collect())?;
            all += answer.vectors.len();
            let is_empty = |vector: &&TextVector| {
                let is_sparse = vector.sparse.as_ref().is_some_and(|one| !one.rows.is_empty());
                vector.values.is_empty() && vector.tokens.is_empty() && !is_sparse
            };
            empty += answer.vectors.iter().filter(is_empty).count();
            unknown.extend(answer.vectors.iter().flat_map(|vector| vector.skipped.clone()));
            info = format!(
                "{}{}",
                answered(answer.answer.as_ref()),
                weighed(answer.frequencies.as_ref())
            );
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
            in_table: self.in_table.clone().unwrap_or_default(),
        };
        let answer = client.nearest_to_text(request).await?;
        output.answer(&answer, |answer| neighbors("cosine", &answer.neighbors))?;
        let missed = answer.text.as_ref().map_or(&[][..], |text| &text.skipped);
        let frequencies = weighed(answer.frequencies.as_ref());
        output.footer(&format!(
            "{}{frequencies}{}",
            answered(answer.answer.as_ref()),
            skipped(missed)
        ));
        Ok(())
    }

    fn words(&self) -> WordOptions {
        let oov = Some(if self.no_unknown { Oov::Error } else { Oov::Skip });
        WordArgs { lowercase: self.lowercase, oov, ..WordArgs::default() }.options()
    }
}

/// Which frequencies words were weighed by; empty if by none.
pub(super) fn weighed(frequencies: Option<&FrequenciesUsed>) -> String {
    let Some(used) = frequencies else { return String::new() };
    let counted = count(used.counted_words);
    let source = match used.source() {
        FrequencySource::Unspecified => return String::new(),
        FrequencySource::Given => format!("given counts of {counted} words"),
        FrequencySource::Attribute => format!("the table's counts of {counted} words"),
        FrequencySource::Zipf => "Zipf's law".to_owned(),
    };
    format!("  (frequencies by {source})")
}

/// The numbers of a vector; an empty line for a text that has none. Of tokens a line each.
fn line(vector: &TextVector) -> String {
    if !vector.tokens.is_empty() {
        let tokens = vector.tokens.iter().map(|token| {
            let values: Vec<_> = token.values.iter().map(f32::to_string).collect();
            let one_hot = format!("{}:1", token.row);
            let values = if values.is_empty() { one_hot } else { values.join(" ") };
            format!("{}\t{values}\n", shown(&token.word))
        });
        return tokens.collect::<String>() + "\n";
    }
    if let Some(sparse) = &vector.sparse {
        let pairs = sparse.rows.iter().zip(&sparse.values);
        let pairs: Vec<_> = pairs.map(|(row, value)| format!("{row}:{value}")).collect();
        return pairs.join(" ") + "\n";
    }
    let values: Vec<_> = vector.values.iter().map(f32::to_string).collect();
    format!("{}\n", values.join(" "))
}
