//! Options that several commands share.

use clap::{Args, ValueEnum};

use crate::client::{self, OovPolicy, Preprocessor, WordOptions};

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
