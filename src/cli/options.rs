//! Options that several commands share.

use clap::{Args, ValueEnum};

use crate::client::{
    self, AttributeValue, OovPolicy, Preprocessor, WordOptions, WordOrVector,
    attribute_value::Value, word_or_vector::Query,
};

/// Where `wordspace serve` listens if nothing else is said.
pub(super) const LISTEN: &str = "127.0.0.1:50051";

/// Which server to ask.
#[derive(Debug, Args)]
pub(super) struct Server {
    /// Address of the server
    #[arg(
        long,
        value_name = "URL",
        env = "WORDSPACE_SERVER",
        hide_env_values = true,
        default_value = "http://127.0.0.1:50051"
    )]
    pub(super) server: String,
}

/// Which server to ask, and how to print its answer.
#[derive(Debug, Args)]
pub(super) struct Asking {
    #[command(flatten)]
    pub(super) server: Server,
    /// Print the answer as JSON Lines, with the fields of the proto
    #[arg(long)]
    pub(super) json: bool,
}

/// The table a question is about.
#[derive(Debug, Args)]
pub(super) struct TableArg {
    /// Table to ask
    #[arg(long = "table", value_name = "NAME")]
    pub(super) name: String,
}

/// How words are looked up.
#[derive(Debug, Args)]
pub(super) struct WordArgs {
    /// Look for a word as it is, else in lower case
    #[arg(long)]
    pub(super) lowercase: bool,
    /// Leave unknown words out and name them, in place of an error
    #[arg(long)]
    pub(super) skip_unknown: bool,
}

impl WordArgs {
    /// The same for the wire.
    pub(super) fn options(&self) -> WordOptions {
        let oov = if self.skip_unknown { OovPolicy::Skip } else { OovPolicy::Error };
        WordOptions { oov: oov.into(), preprocessors: preprocessors(self.lowercase) }
    }
}

/// Which words a write is about.
#[derive(Debug, Args)]
pub(super) struct TargetArgs {
    /// Words of the table
    #[arg(value_name = "WORD", required_unless_present = "row")]
    words: Vec<String>,
    /// Rows of the table, counted from 0
    #[arg(long, value_name = "ROW", num_args = 1..)]
    row: Vec<u32>,
    /// Leave unknown words out and name them, in place of an error
    #[arg(long)]
    skip_unknown: bool,
}

impl TargetArgs {
    /// Words, then rows.
    pub(super) fn queries(&self) -> Vec<WordOrVector> {
        let words = self.words.iter().map(|word| WordOrVector::from(word.as_str()));
        let rows = self.row.iter().map(|&row| Query::Row(row));
        let rows = rows.map(|row| WordOrVector { query: Some(row), weight: None });
        words.chain(rows).collect()
    }

    /// What to do with unknown words.
    pub(super) fn oov(&self) -> OovPolicy {
        if self.skip_unknown { OovPolicy::Skip } else { OovPolicy::Error }
    }
}

/// `NAME=VALUE`, where a value is a flag, a number or a text.
pub(super) fn attribute(argument: &str) -> Result<(String, AttributeValue), String> {
    let Some((name, value)) = argument.split_once('=') else {
        return Err("an attribute is written NAME=VALUE".to_owned());
    };
    let number = || value.parse().ok().filter(|number: &f64| number.is_finite());
    let value = match value {
        "true" => Value::Flag(true),
        "false" => Value::Flag(false),
        text => number().map_or_else(|| Value::Text(text.to_owned()), Value::Number),
    };
    Ok((name.to_owned(), AttributeValue { value: Some(value) }))
}

/// Attributes as `NAME=VALUE`, by name.
pub(super) fn attributes_text(
    attributes: &std::collections::HashMap<String, AttributeValue>,
) -> String {
    let mut pairs: Vec<_> = attributes
        .iter()
        .map(|(name, value)| match &value.value {
            Some(Value::Text(text)) => format!("{name}={text}"),
            Some(Value::Number(number)) => format!("{name}={number}"),
            Some(Value::Flag(flag)) => format!("{name}={flag}"),
            None => format!("{name}="),
        })
        .collect();
    pairs.sort_unstable();
    pairs.join(" ")
}

/// As it is, else in lower case; or only as it is.
pub(super) fn preprocessors(lowercase: bool) -> Vec<Preprocessor> {
    if lowercase {
        vec![Preprocessor::default(), Preprocessor { lowercase: true, ..Preprocessor::default() }]
    } else {
        Vec::new()
    }
}

/// How hard to search.
#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    /// How many neighbors
    #[arg(short, value_name = "COUNT", default_value_t = 10)]
    pub(super) k: u32,
    /// Compare every row, though the graph is ready
    #[arg(long)]
    pub(super) exact: bool,
    /// Width of the graph's beam: more is slower and finds more [default: the table's own]
    #[arg(long, value_name = "WIDTH", conflicts_with = "exact")]
    pub(super) ef: Option<u32>,
}

/// The layout of an embedding file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A line "ROWS DIM", then "word f f ... f" lines
    Word2vecText,
    /// A line "ROWS DIM", then each word and its floats in binary
    Word2vecBinary,
    /// "word f f ... f" lines, no header
    Glove,
}

impl From<Format> for client::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Word2vecText => Self::Word2vecText,
            Format::Word2vecBinary => Self::Word2vecBinary,
            Format::Glove => Self::Glove,
        }
    }
}

/// A format's name for a person.
pub(super) fn format_name(format: client::Format) -> &'static str {
    match format {
        client::Format::Unspecified => "unknown format",
        client::Format::Rows => "rows sent by a client",
        client::Format::Word2vecText => "word2vec text",
        client::Format::Word2vecBinary => "word2vec binary",
        client::Format::Glove => "GloVe text",
    }
}
