//! `wordspace shell`: commands at a prompt or from a pipe, without `wordspace` before them.

mod line;
mod prompt;

use std::ffi::OsString;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use clap::Args;
use clap::error::ErrorKind;

use crate::cli::arguments::{self, Usual};
use crate::cli::failure::{Failure, Result};
use crate::cli::options::Asking;
use crate::cli::output::{self, Output, shown};
use crate::cli::{Cli, Command, guide, settings};
use crate::limits;

use prompt::Prompt;

/// Type commands at a prompt, without `wordspace` before them
///
/// Tab completes commands, options, tables and words. `use NAME` chooses the table for lines that name
/// none; `exit` or Ctrl-D ends the shell. From a pipe, each line is a command: a line that fails does
/// not end the shell, which then ends with exit code 1. Quotes hold a word with spaces together; # begins
/// a comment where a line begins.
#[derive(Debug, Args)]
pub(super) struct Shell {
    /// The table for lines that name none
    #[arg(value_name = "TABLE", conflicts_with = "table")]
    first: Option<String>,
    /// The same
    #[arg(long, value_name = "NAME", hide = true)]
    table: Option<String>,
}

/// What holds for the lines to come.
struct Session<'a> {
    asking: &'a Asking,
    usual: Usual,
}

/// What comes after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Line,
    End,
}

impl Shell {
    pub(super) async fn run(&self, asking: &Asking) -> Result<()> {
        let mut usual = Usual::of_environment();
        usual.timeout = asking.timeout;
        usual.table = self.first.clone().or_else(|| self.table.clone()).or(usual.table);
        let session = Session { asking, usual };
        if io::stdin().is_terminal() { session.converse().await } else { session.obey().await }
    }
}

impl Session<'_> {
    /// Runs the lines that a person types.
    async fn converse(mut self) -> Result<()> {
        let mut talk = Output::standard(false);
        talk.say(&format!(
            "wordspace shell, asking {}: `help` lists the commands, Tab completes, Ctrl-D ends",
            self.asking.reach.server
        ));
        let mut prompt = Prompt::new(&self.asking.reach)?;
        loop {
            let table = self.usual.table.clone();
            let read = tokio::task::block_in_place(|| prompt.line(table.as_deref()));
            let Some(line) = read? else { return Ok(()) };
            match self.run(&line).await {
                Ok(Next::Line) => {}
                Ok(Next::End) => return Ok(()),
                Err(failure) if failure.is_silent() => {}
                Err(failure) => output::print_failure(&failure),
            }
        }
    }

    /// Runs the lines of a pipe or a file, and tells which of them failed.
    async fn obey(mut self) -> Result<()> {
        let mut talk = Output::standard(false);
        let (mut ran, mut failed) = (0_u64, 0_u64);
        for number in 1_u64.. {
            // On a thread of its own, so that Ctrl-C ends the wait. Commands that read stdin themselves
            // take the lines that follow, as in any shell.
            let read = tokio::task::spawn_blocking(|| {
                let mut line = Vec::new();
                let most = limits::LINE_BYTES_MAX as u64 + 1;
                let read = io::stdin().lock().take(most).read_until(b'\n', &mut line);
                read.map(|length| (length > 0).then_some(line))
            });
            let line = tokio::select! {
                read = read => read.map_err(io::Error::other).and_then(|line| line),
                _ = tokio::signal::ctrl_c() => return Err(Failure::Interrupted),
            };
            let problem = |error| Failure::Local(format!("line {number} of stdin: {error}"));
            let Some(line) = line.map_err(problem)? else { break };
            // What follows of it is no command.
            if line.len() > limits::LINE_BYTES_MAX {
                let max = limits::LINE_BYTES_MAX;
                return Err(problem(io::Error::other(format!(
                    "longer than LINE_BYTES_MAX, {max}"
                ))));
            }
            ran += u64::from(!line.trim_ascii().is_empty());
            let done = match str::from_utf8(&line) {
                Ok(line) => self.run(line).await,
                Err(_) => Err(Failure::Local("the line is not UTF-8".to_owned())),
            };
            match done {
                Ok(Next::Line) => {}
                Ok(Next::End) => break,
                Err(failure @ (Failure::StdoutClosed | Failure::Interrupted)) => {
                    return Err(failure);
                }
                Err(failure) => {
                    failed += 1;
                    talk.say(&format!(
                        "line {number}: {}",
                        shown(String::from_utf8_lossy(&line).trim())
                    ));
                    output::print_failure(&failure);
                }
            }
        }
        if failed == 0 {
            return Ok(());
        }
        Err(Failure::Local(format!("{failed} of {ran} lines failed")))
    }

    /// Runs one line.
    async fn run(&mut self, line: &str) -> Result<Next> {
        let mut words = line::words(line)?;
        if words.first().is_some_and(|word| word == "wordspace") {
            words.remove(0);
        }
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => return Ok(Next::Line),
            ["exit" | "quit"] => return Ok(Next::End),
            ["use"] => self.usual.table = None,
            ["use", table] => self.usual.table = Some((*table).to_owned()),
            ["use", ..] => return Err(Failure::Usage("`use` takes one table".to_owned())),
            _ => self.command(words).await?,
        }
        Ok(Next::Line)
    }

    /// Runs one command, as `wordspace` would with these arguments.
    async fn command(&self, words: Vec<String>) -> Result<()> {
        let texts: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut arguments = vec![OsString::from("wordspace")];
        arguments.extend(self.asking.reach.arguments(&texts));
        arguments.extend(words.into_iter().map(OsString::from));
        let mut command = guide::command();
        let (arguments, settings) = settings::layered(arguments, &command)?;
        let (arguments, table) =
            arguments::with_table(arguments, &mut command, &self.usual).await?;
        let mut cli = match Cli::from_arguments(command, arguments) {
            Ok(cli) => cli,
            Err(error) => {
                let is_help =
                    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
                if !is_help {
                    return Err(Failure::Parse(Box::new(error)));
                }
                return error.print().map_err(|error| Failure::stdout(&error));
            }
        };
        match &cli.command {
            Command::Question(_) => {
                cli.asking.json |= self.asking.json;
                cli.asking.timeout = cli.asking.timeout.or(self.asking.timeout);
            }
            Command::Serve(_) | Command::Demo(_) | Command::Shell(_) => {
                let problem = "serve, demo and shell do not run within a shell";
                return Err(Failure::Local(problem.to_owned()));
            }
            Command::Inspect(_)
            | Command::Convert(_)
            | Command::Check(_)
            | Command::Recover(_)
            | Command::Key(_)
            | Command::Config(_)
            | Command::Completions(_)
            | Command::Man(_) => {}
        }
        cli.run(table.as_deref(), &settings).await
    }
}
