//! The command line: a client of the server, and the server itself.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `mod.rs` | the list of commands; runs one |
//! | `options.rs` | options that commands share |
//! | `output.rs` | tables, JSON Lines, talk; the only file that prints |
//! | `plot.rs` | drawings as SVG |
//! | `failure.rs` | errors, hints and exit codes |
//! | the others | one command each, with the name the user types |
//!
//! Data goes to stdout, talk to stderr. `inspect` and `convert` work on files, `check` and `recover` on a
//! data folder, without a server. Every
//! command but those and `serve` and `demo` only asks over gRPC:
//! what it can do, a client in any language can.

mod analogy;
mod backup;
mod bias;
mod check;
mod chunk;
mod closer_than;
mod compare;
mod compare_tokenizers;
mod convert;
mod count;
mod debias;
mod delete;
mod delete_words;
mod demo;
mod detach;
mod detokenize;
mod embed;
mod evaluate;
mod export;
mod failure;
mod health;
mod heaps;
mod import;
mod import_texts;
mod index;
mod inspect;
mod jobs;
mod local;
mod lookup;
mod most_similar_to_given;
mod nearest;
mod new_files;
mod odd_one_out;
mod options;
mod output;
mod plot;
mod put;
mod rank;
mod rank_by_centrality;
mod recall;
mod recover;
mod relative_cosine;
mod restore;
mod seed_table;
mod senses;
mod serve;
mod set_attributes;
mod set_similarity;
mod similarity;
mod similarity_matrix;
mod status;
mod tables;
#[cfg(test)]
mod tests;
mod text_similarity;
mod texts;
mod tokenize;
mod tokenizer;
mod uploads;
mod verify;
mod word_movers;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::debug_fn;

use crate::cli::failure::{Failure, Result};
use crate::cli::output::Output;
use crate::client::Client;

/// The database for word and token embeddings.
#[derive(Debug, Parser)]
#[command(name = "wordspace", version, about, after_help = EXIT_CODES)]
pub struct Cli {
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
    Serve(serve::Serve),
    Demo(demo::Demo),
    Inspect(inspect::Inspect),
    Convert(convert::Convert),
    Check(check::Check),
    Recover(recover::Recover),
    #[command(flatten)]
    Question(Box<Question>),
}

/// What is asked of a server.
#[derive(Debug, Subcommand)]
enum Question {
    Import(import::Import),
    Export(export::Export),
    Tables(tables::Tables),
    Delete(delete::Delete),
    Put(put::Put),
    DeleteWords(delete_words::DeleteWords),
    SetAttributes(set_attributes::SetAttributes),
    Index(index::Index),
    Jobs(jobs::Jobs),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Verify(verify::Verify),
    Words(words::Words),
    Lookup(lookup::Lookup),
    Nearest(nearest::Nearest),
    Analogy(analogy::Analogy),
    Similarity(similarity::Similarity),
    OddOneOut(odd_one_out::OddOneOut),
    SimilarityMatrix(similarity_matrix::SimilarityMatrix),
    SetSimilarity(set_similarity::SetSimilarity),
    WordMovers(word_movers::WordMovers),
    Rank(rank::Rank),
    CloserThan(closer_than::CloserThan),
    MostSimilarToGiven(most_similar_to_given::MostSimilarToGiven),
    RelativeCosine(relative_cosine::RelativeCosine),
    RankByCentrality(rank_by_centrality::RankByCentrality),
    Compare(compare::Compare),
    Senses(senses::Senses),
    Tokenize(tokenize::Tokenize),
    Evaluate(evaluate::Evaluate),
    Bias(bias::Bias),
    Debias(debias::Debias),
    Detokenize(detokenize::Detokenize),
    Count(count::Count),
    Chunk(chunk::Chunk),
    CompareTokenizers(compare_tokenizers::CompareTokenizers),
    Tokenizer(tokenizer::Tokenizer),
    Embed(embed::Embed),
    ImportTexts(import_texts::ImportTexts),
    SeedTable(seed_table::SeedTable),
    TextSimilarity(text_similarity::TextSimilarity),
    Recall(recall::Recall),
    Health(health::Health),
    Status(status::Status),
    Uploads(uploads::Uploads),
}

impl Cli {
    /// Runs the command to its end and prints what went wrong, if anything did.
    pub fn run(self) -> ExitCode {
        match self.attempt() {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                if !failure.is_silent() {
                    output::print_failure(&failure);
                }
                ExitCode::from(failure.exit_code())
            }
        }
    }

    fn attempt(self) -> Result<()> {
        start_log(match &self.command {
            // The index library tells of its own doings at the level of news.
            Command::Serve(_) => "info,hnsw_rs=warn",
            Command::Demo(_)
            | Command::Inspect(_)
            | Command::Convert(_)
            | Command::Check(_)
            | Command::Recover(_)
            | Command::Question(_) => "warn",
        });
        heaps::share();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers())
            .enable_all()
            .build()
            .map_err(|error| Failure::Local(format!("no threads can be started: {error}")))?;
        let result = runtime.block_on(async {
            match &self.command {
                Command::Serve(serve) => serve.run().await,
                Command::Demo(demo) => demo.run().await,
                // None of these waits for anything but the disk.
                Command::Inspect(inspect) => inspect.run(),
                Command::Convert(convert) => convert.run(),
                Command::Check(check) => check.run(),
                Command::Recover(recover) => recover.run(),
                Command::Question(question) => question.run().await,
            }
        });
        // A thread may still wait for stdin, which nothing can interrupt.
        runtime.shutdown_background();
        result
    }
}

/// Threads that read calls and answer quick questions: all cores but one, which is for the system's
/// network, for slow questions and for builds. Where there are two cores, a second thread would only
/// hand work back and forth with the first.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() - 1).max(1))
}

fn start_log(default: &str) {
    let filter = EnvFilter::try_from_env("WORDSPACE_LOG").unwrap_or_else(|_| default.into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .fmt_fields(
            debug_fn(|to, field, value| {
                use std::fmt::Write as _;
                if field.name() == "message" {
                    return write!(output::OneLine(to), "{value:?}");
                }
                write!(to, "{field}=")?;
                write!(output::OneLine(to), "{value:?}")
            })
            .delimited(" "),
        )
        .with_ansi(output::shows_color(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .init();
}

impl Question {
    async fn run(&self) -> Result<()> {
        let (server, json) = self.asking();
        let answer = async {
            let client = Client::connect(server).await?;
            self.ask(&client, &mut Output::standard(json)).await
        };
        tokio::select! {
            result = answer => result,
            _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
        }
    }

    /// The server's address, and whether answers are printed as JSON.
    fn asking(&self) -> (&str, bool) {
        let asking = match self {
            Self::Export(export) => return (&export.server.server, false),
            Self::Import(import) => &import.asking,
            Self::Tables(tables) => &tables.asking,
            Self::Delete(delete) => &delete.asking,
            Self::Put(put) => &put.asking,
            Self::DeleteWords(delete) => &delete.asking,
            Self::SetAttributes(set) => &set.asking,
            Self::Index(index) => &index.asking,
            Self::Jobs(jobs) => jobs.asking(),
            Self::Words(words) => &words.asking,
            Self::Lookup(lookup) => &lookup.asking,
            Self::Nearest(nearest) => &nearest.asking,
            Self::Analogy(analogy) => &analogy.asking,
            Self::Similarity(similarity) => &similarity.asking,
            Self::OddOneOut(odd) => &odd.asking,
            Self::SimilarityMatrix(asked) => &asked.asking,
            Self::SetSimilarity(asked) => &asked.asking,
            Self::WordMovers(asked) => &asked.asking,
            Self::Rank(asked) => &asked.asking,
            Self::CloserThan(asked) => &asked.asking,
            Self::MostSimilarToGiven(asked) => &asked.asking,
            Self::RelativeCosine(asked) => &asked.asking,
            Self::RankByCentrality(asked) => &asked.asking,
            Self::Compare(asked) => &asked.asking,
            Self::Senses(asked) => &asked.asking,
            Self::Tokenize(tokenize) => &tokenize.asking,
            Self::Evaluate(asked) => &asked.asking,
            Self::Bias(asked) => &asked.asking,
            Self::Debias(asked) => &asked.asking,
            Self::Detokenize(detokenize) => &detokenize.asking,
            Self::Count(count) => &count.asking,
            Self::Chunk(chunk) => &chunk.asking,
            Self::CompareTokenizers(compare_tokenizers) => &compare_tokenizers.asking,
            Self::Tokenizer(tokenizer) => tokenizer.asking(),
            Self::Embed(embed) => &embed.asking,
            Self::ImportTexts(asked) => &asked.asking,
            Self::SeedTable(asked) => &asked.asking,
            Self::TextSimilarity(text_similarity) => &text_similarity.asking,
            Self::Recall(recall) => &recall.asking,
            Self::Health(health) => &health.asking,
            Self::Status(status) => &status.asking,
            Self::Uploads(uploads) => &uploads.asking,
            Self::Backup(backup) => &backup.asking,
            Self::Restore(restore) => &restore.asking,
            Self::Verify(verify) => &verify.asking,
        };
        (&asking.server.server, asking.json)
    }

    async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        match self {
            Self::Import(import) => import.ask(client, output).await,
            Self::Export(export) => export.ask(client, output).await,
            Self::Tables(tables) => tables.ask(client, output).await,
            Self::Delete(delete) => delete.ask(client, output).await,
            Self::Put(put) => put.ask(client, output).await,
            Self::DeleteWords(delete) => delete.ask(client, output).await,
            Self::SetAttributes(set) => set.ask(client, output).await,
            Self::Index(index) => index.ask(client, output).await,
            Self::Jobs(jobs) => jobs.ask(client, output).await,
            Self::Words(words) => words.ask(client, output).await,
            Self::Lookup(lookup) => lookup.ask(client, output).await,
            Self::Nearest(nearest) => nearest.ask(client, output).await,
            Self::Analogy(analogy) => analogy.ask(client, output).await,
            Self::Similarity(similarity) => similarity.ask(client, output).await,
            Self::OddOneOut(odd) => odd.ask(client, output).await,
            Self::SimilarityMatrix(asked) => asked.ask(client, output).await,
            Self::SetSimilarity(asked) => asked.ask(client, output).await,
            Self::WordMovers(asked) => asked.ask(client, output).await,
            Self::Rank(asked) => asked.ask(client, output).await,
            Self::CloserThan(asked) => asked.ask(client, output).await,
            Self::MostSimilarToGiven(asked) => asked.ask(client, output).await,
            Self::RelativeCosine(asked) => asked.ask(client, output).await,
            Self::RankByCentrality(asked) => asked.ask(client, output).await,
            Self::Compare(asked) => asked.ask(client, output).await,
            Self::Senses(asked) => asked.ask(client, output).await,
            Self::Tokenize(tokenize) => tokenize.ask(client, output).await,
            Self::Evaluate(asked) => asked.ask(client, output).await,
            Self::Bias(asked) => asked.ask(client, output).await,
            Self::Debias(asked) => asked.ask(client, output).await,
            Self::Detokenize(detokenize) => detokenize.ask(client, output).await,
            Self::Count(count) => count.ask(client, output).await,
            Self::Chunk(chunk) => chunk.ask(client, output).await,
            Self::CompareTokenizers(compare_tokenizers) => {
                compare_tokenizers.ask(client, output).await
            }
            Self::Tokenizer(tokenizer) => tokenizer.ask(client, output).await,
            Self::Embed(embed) => embed.ask(client, output).await,
            Self::ImportTexts(asked) => asked.ask(client, output).await,
            Self::SeedTable(asked) => asked.ask(client, output).await,
            Self::TextSimilarity(text_similarity) => text_similarity.ask(client, output).await,
            Self::Recall(recall) => recall.ask(client, output).await,
            Self::Health(health) => health.ask(client, output).await,
            Self::Status(status) => status.ask(client, output).await,
            Self::Uploads(uploads) => uploads.ask(client, output).await,
            Self::Backup(backup) => backup.ask(client, output).await,
            Self::Restore(restore) => restore.ask(client, output).await,
            Self::Verify(verify) => verify.ask(client, output).await,
        }
    }
}
