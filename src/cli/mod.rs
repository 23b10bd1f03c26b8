//! The command line: a client of the server, and the server itself.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `mod.rs` | the list of commands; runs one |
//! | `options.rs` | options that commands share |
//! | `output.rs` | tables, JSON Lines, talk; the only file that prints |
//! | `plot.rs` | drawings as SVG |
//! | `png/` | the same as PNG, with the fonts for it |
//! | `shell/` | the same commands at a prompt |
//! | `reach.rs` | which server is asked, and who asks |
//! | `log.rs` | the log: text, or JSON Lines |
//! | `systemd.rs` | what a service manager and a server tell each other |
//! | `failure.rs` | errors, hints and exit codes |
//! | `settings.rs` | what a server is set to: file, environment, options |
//! | the others | one command each, with the name the user types |
//!
//! Data goes to stdout, talk to stderr. `inspect` and `convert` work on files, `check`, `recover`, `key` and `config` on a
//! data folder, without a server. Every
//! command but those and `serve` and `demo` only asks over gRPC:
//! what it can do, a client in any language can.

mod alias;
mod analogy;
mod arguments;
mod atlas;
mod backup;
mod bench;
mod bias;
mod check;
mod chunk;
mod closer_than;
mod compare;
mod compare_tokenizers;
mod config;
mod convert;
mod copy;
mod count;
mod create;
mod debias;
mod delete;
mod delete_words;
mod demo;
mod detach;
mod detokenize;
mod embed;
mod evaluate;
mod export;
mod facets;
mod failure;
mod guide;
mod health;
mod huffman;
mod import;
mod import_texts;
mod index;
mod inspect;
mod jobs;
mod key;
mod lm;
mod local;
mod log;
mod lookup;
mod manual;
mod map;
mod merge;
mod most_similar_to_given;
mod nearest;
mod new_files;
mod odd_one_out;
mod options;
mod output;
mod plot;
mod png;
mod put;
mod rank;
mod rank_by_centrality;
mod reach;
mod ready;
mod recall;
mod recover;
mod relative_cosine;
mod rename;
mod restore;
mod seed_table;
mod senses;
mod serve;
mod set_attributes;
mod set_similarity;
mod settings;
mod shell;
mod similarity;
mod similarity_matrix;
mod status;
mod suggest;
mod systemd;
mod tables;
#[cfg(test)]
mod tests;
mod text_similarity;
mod texts;
mod tokenize;
mod tokenizer;
mod top;
mod train;
mod uploads;
mod verify;
mod word_movers;
mod words;

use std::ffi::OsString;
use std::pin::Pin;
use std::process::ExitCode;

use clap::{FromArgMatches as _, Parser, Subcommand};
use tracing::Level;
use tracing_subscriber::filter::Targets;

use crate::cli::arguments::Usual;
use crate::cli::failure::{Failure, Result};
use crate::cli::log::LogFormat;
use crate::cli::options::Asking;
use crate::cli::output::Output;
use crate::cli::settings::Setting;
use crate::client::Client;

/// The database for word and token embeddings.
#[derive(Debug, Parser)]
#[command(name = "wordspace", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    asking: Asking,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 answered; 1 the question failed (unknown word, no such table, malformed file); \
2 wrong arguments; 3 no server answers, or the connection broke; 130 stopped by Ctrl-C.

Data goes to stdout, talk to stderr. --json prints answers as JSON Lines with the fields of the \
proto. WORDSPACE_LOG sets what is logged (error, warn, info, debug); NO_COLOR turns colors off.";

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<serve::Serve>),
    Demo(demo::Demo),
    Shell(shell::Shell),
    Inspect(inspect::Inspect),
    Convert(convert::Convert),
    Check(check::Check),
    Recover(recover::Recover),
    Key(key::KeyCommand),
    Config(config::Config),
    Completions(manual::Completions),
    Man(manual::Man),
    #[command(flatten)]
    Question(Box<Question>),
}

/// Declares what is asked of a server: a variant for each command, which its file answers.
macro_rules! questions {
    ($($module:ident::$name:ident,)*) => {
        /// What is asked of a server.
        #[derive(Debug, Subcommand)]
        enum Question {
            $($name($module::$name),)*
        }

        impl Question {
            /// Boxed: as one future, all commands together would be compiled once for each caller.
            fn ask<'a>(
                &'a self,
                client: &'a Client,
                output: &'a mut Output,
            ) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>> {
                match self {
                    $(Self::$name(asked) => Box::pin(asked.ask(client, output)),)*
                }
            }
        }
    };
}

questions! {
    import::Import,
    export::Export,
    tables::Tables,
    create::Create,
    copy::Copy,
    rename::Rename,
    merge::Merge,
    alias::Alias,
    delete::Delete,
    put::Put,
    delete_words::DeleteWords,
    set_attributes::SetAttributes,
    index::Index,
    jobs::Jobs,
    backup::Backup,
    restore::Restore,
    verify::Verify,
    words::Words,
    facets::Facets,
    lookup::Lookup,
    nearest::Nearest,
    analogy::Analogy,
    similarity::Similarity,
    odd_one_out::OddOneOut,
    similarity_matrix::SimilarityMatrix,
    set_similarity::SetSimilarity,
    word_movers::WordMovers,
    rank::Rank,
    closer_than::CloserThan,
    most_similar_to_given::MostSimilarToGiven,
    relative_cosine::RelativeCosine,
    rank_by_centrality::RankByCentrality,
    compare::Compare,
    senses::Senses,
    tokenize::Tokenize,
    evaluate::Evaluate,
    bias::Bias,
    debias::Debias,
    detokenize::Detokenize,
    count::Count,
    chunk::Chunk,
    compare_tokenizers::CompareTokenizers,
    tokenizer::Tokenizer,
    embed::Embed,
    import_texts::ImportTexts,
    seed_table::SeedTable,
    train::Train,
    lm::Lm,
    huffman::Huffman,
    text_similarity::TextSimilarity,
    recall::Recall,
    health::Health,
    atlas::Map,
    status::Status,
    top::Top,
    ready::Ready,
    bench::Bench,
    uploads::Uploads,
}

/// Runs the command that the arguments name to its end, and prints what went wrong, if anything did.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match attempt(arguments.into_iter().collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_silent() {
                output::print_failure(&failure);
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

fn attempt(arguments: Vec<OsString>) -> Result<()> {
    crate::arenas::share();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .enable_all()
        .build()
        .map_err(|error| Failure::Local(format!("no threads can be started: {error}")))?;
    let result = runtime.block_on(async {
        let mut command = guide::command();
        let usual = Usual::of_environment();
        let (arguments, settings) = settings::layered(arguments, &command)?;
        let (arguments, table) = arguments::with_table(arguments, &mut command, &usual).await?;
        let cli = Cli::from_arguments(command, arguments).unwrap_or_else(|error| error.exit());
        let (levels, format) = match &cli.command {
            // The index library reports its own steps at the level "info".
            Command::Serve(serve) => {
                let levels = Targets::new().with_default(Level::INFO);
                (levels.with_target("hnsw_rs", Level::WARN), serve.log_format)
            }
            Command::Demo(_)
            | Command::Shell(_)
            | Command::Inspect(_)
            | Command::Convert(_)
            | Command::Check(_)
            | Command::Recover(_)
            | Command::Key(_)
            | Command::Config(_)
            | Command::Completions(_)
            | Command::Man(_)
            | Command::Question(_) => (Targets::new().with_default(Level::WARN), LogFormat::Text),
        };
        log::start(levels, format)?;
        cli.run(table.as_deref(), &settings).await
    });
    // A thread may still wait for stdin, which nothing can interrupt.
    runtime.shutdown_background();
    result
}

impl Cli {
    /// Runs the command to its end; `table` is the one it names, `settings` what a server is set to.
    async fn run(&self, table: Option<&str>, settings: &[Setting]) -> Result<()> {
        self.check()?;
        let json = self.asking.json;
        match &self.command {
            Command::Serve(serve) => serve.run().await,
            Command::Demo(demo) => demo.run().await,
            // Each of its lines runs a command in turn.
            Command::Shell(shell) => Box::pin(shell.run(&self.asking)).await,
            // None of these waits for anything but the disk.
            Command::Inspect(inspect) => inspect.run(json),
            Command::Convert(convert) => convert.run(),
            Command::Check(check) => check.run(json),
            // A backup in a bucket waits for the network, on threads of its own.
            Command::Recover(recover) => tokio::task::block_in_place(|| recover.run(json)),
            Command::Key(key) => key.run(json),
            Command::Config(config) => config.run(settings, json),
            Command::Completions(completions) => completions.run(),
            Command::Man(man) => man.run(),
            Command::Question(question) => ask(question, &self.asking, table).await,
        }
    }

    /// No option is read and then ignored.
    fn check(&self) -> Result<()> {
        let (has_timeout, has_json) = match self.command {
            Command::Question(_) | Command::Shell(_) => (true, true),
            Command::Inspect(_)
            | Command::Check(_)
            | Command::Recover(_)
            | Command::Key(_)
            | Command::Config(_) => (false, true),
            Command::Serve(_)
            | Command::Demo(_)
            | Command::Convert(_)
            | Command::Completions(_)
            | Command::Man(_) => (false, false),
        };
        let problem = if self.asking.json && !has_json {
            "--json is for commands that print an answer"
        } else if self.asking.timeout.is_some() && !has_timeout {
            "--timeout is for commands that ask a server"
        } else if (self.asking.min_generation, self.asking.min_sequence) != (0, 0) && !has_timeout {
            "--min-generation and --min-sequence are for commands that ask a server"
        } else {
            return Ok(());
        };
        Err(Failure::Usage(problem.to_owned()))
    }

    fn from_arguments(
        mut command: clap::Command,
        arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let matches = command.try_get_matches_from_mut(arguments)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

/// Threads that read calls and answer quick questions: all cores but one, which is for the system's
/// network, for slow questions and for builds. Where there are two cores, a second thread would only
/// hand work back and forth with the first.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() - 1).max(1))
}

/// Asks the server and prints its answer.
async fn ask(question: &Question, asking: &Asking, table: Option<&str>) -> Result<()> {
    let answer = async {
        let client = asking.reach.connect().await?;
        let client = client.at_least(asking.min_generation, asking.min_sequence);
        let answer = question.ask(&client, &mut Output::standard(asking.json)).await;
        match answer {
            Err(failure) => Err(suggest::explained(failure, &client, table).await),
            answered => answered,
        }
    };
    tokio::select! {
        result = answer => result,
        () = asking.expired() => Err(Failure::Expired(asking.timeout.unwrap_or_default())),
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
    }
}
