//! The prompt: a line with history, and with completion of commands, options, tables and words.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use tokio::runtime::Handle;

use super::line;
use crate::cli::failure::{Failure, Result};
use crate::cli::guide;
use crate::cli::reach::Reach;
use crate::client::{ListTablesRequest, ListWordsRequest};

/// Words that are offered.
const OFFERED: u32 = 40;
/// How long a server may take to offer some.
const PATIENCE: Duration = Duration::from_secs(1);
/// Commands of the shell alone.
const OWN: [&str; 2] = ["exit", "use"];

/// Reads lines from a terminal.
pub(super) struct Prompt {
    editor: Editor<Names, FileHistory>,
    history: Option<PathBuf>,
}

impl Prompt {
    pub(super) fn new(reach: &Reach) -> Result<Self> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .history_ignore_space(true)
            .auto_add_history(true)
            .build();
        let mut editor = Editor::with_config(config).map_err(|error| unreadable(&error))?;
        editor.set_helper(Some(Names {
            reach: reach.clone(),
            table: RefCell::new(None),
            commands: guide::command(),
        }));
        let history = history_file();
        // A first shell has none.
        let _ = history.as_ref().map(|path| editor.load_history(path));
        Ok(Self { editor, history })
    }

    /// The next line; none at the end of input. Ctrl-C drops what was typed.
    pub(super) fn line(&mut self, table: Option<&str>) -> Result<Option<String>> {
        if let Some(names) = self.editor.helper_mut() {
            names.table.replace(table.map(str::to_owned));
        }
        let prompt = format!("{}> ", table.unwrap_or("wordspace"));
        loop {
            match self.editor.readline(&prompt) {
                Ok(line) => {
                    // History is a convenience: a home that cannot be written costs nothing else.
                    let _ = self.history.as_ref().map(|path| self.editor.append_history(path));
                    return Ok(Some(line));
                }
                Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => {}
                Err(ReadlineError::Eof) => return Ok(None),
                Err(error) => return Err(unreadable(&error)),
            }
        }
    }
}

fn unreadable(error: &ReadlineError) -> Failure {
    Failure::Local(format!("the terminal cannot be read: {error}"))
}

/// Where lines are kept, in a folder of its own: that of the user's state.
fn history_file() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let state = variable("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".local/state")))?;
    let folder = state.join("wordspace");
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

/// What can be completed.
struct Names {
    reach: Reach,
    /// The table for lines that name none.
    table: RefCell<Option<String>>,
    commands: clap::Command,
}

impl Names {
    /// What may stand in the place of the last of these words.
    fn offered(&self, words: &[String]) -> Vec<String> {
        let Some((last, before)) = words.split_last() else { return Vec::new() };
        let (command, depth) = self.command(before);
        let mut offered: Vec<String> = Vec::new();
        if last.starts_with('-') {
            let options = command.get_arguments().filter_map(clap::Arg::get_long);
            let shared = self.commands.get_arguments().filter_map(clap::Arg::get_long);
            offered.extend(options.chain(shared).map(|name| format!("--{name}")));
        } else if depth == before.len() && command.has_subcommands() {
            let below = command.get_subcommands();
            offered.extend(
                below.flat_map(clap::Command::get_name_and_visible_aliases).map(str::to_owned),
            );
            let own = OWN.iter().filter(|_| depth == 0);
            offered.extend(own.map(|&name| name.to_owned()));
        } else {
            offered.extend(self.of_server(last, &before[depth..], before.len() == depth));
        }
        offered.retain(|name| name.starts_with(last.as_str()));
        offered.sort_unstable();
        offered.dedup();
        offered
    }

    /// The command that words begin with, and how many of them name it.
    fn command(&self, words: &[String]) -> (&clap::Command, usize) {
        let mut command = &self.commands;
        for (depth, word) in words.iter().enumerate() {
            match command.find_subcommand(word) {
                Some(below) => command = below,
                None => return (command, depth),
            }
        }
        (command, words.len())
    }

    /// Tables, where the first argument is typed, and words of the table that is meant.
    fn of_server(&self, begun: &str, arguments: &[String], is_first: bool) -> Vec<String> {
        let asked = async {
            let client = self.reach.connect().await.ok()?;
            let tables = client.list_tables(ListTablesRequest {}).await.ok()?.tables;
            let mut names: Vec<String> = tables.into_iter().map(|table| table.name).collect();
            let named = arguments.iter().find(|argument| names.contains(argument)).cloned();
            let table = named.or_else(|| self.table.borrow().clone());
            let table = table.or_else(|| (names.len() == 1).then(|| names[0].clone()));
            if !is_first {
                names.clear();
            }
            if let Some(table) = table {
                let request = ListWordsRequest {
                    table,
                    prefix: begun.to_owned(),
                    page_size: Some(OFFERED),
                    ..ListWordsRequest::default()
                };
                let words = client.list_words(request).await.ok();
                names.extend(
                    words.into_iter().flat_map(|answer| answer.words).map(|word| word.word),
                );
            }
            Some(names)
        };
        let answer = async { tokio::time::timeout(PATIENCE, asked).await.ok().flatten() };
        Handle::current().block_on(answer).unwrap_or_default()
    }
}

impl Completer for Names {
    type Candidate = Pair;

    fn complete(
        &self,
        text: &str,
        at: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (words, start) = line::begun(text.get(..at).unwrap_or(text));
        // `use` is followed by a table, as commands are that have one.
        let offered = self.offered(&words);
        let pair = |name: String| Pair { replacement: line::typed(&name), display: name };
        Ok((start, offered.into_iter().map(pair).collect()))
    }
}

impl Hinter for Names {
    type Hint = String;
}

impl Highlighter for Names {}

impl Validator for Names {}

impl Helper for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_options_are_completed() {
        let names = Names {
            reach: Reach::of_texts(&["--server", "http://127.0.0.1:1"]),
            table: RefCell::new(None),
            commands: guide::command(),
        };
        let offered = |line: &str| names.offered(&line::begun(line).0);
        assert_eq!(offered("nea"), ["nearest"]);
        assert_eq!(offered("ex"), ["exit", "export"]);
        assert!(offered("bias we").contains(&"weat".to_owned()));
        assert!(offered("nearest en king --ex").contains(&"--exact".to_owned()));
        assert!(offered("nearest --js").contains(&"--json".to_owned()));
    }
}
