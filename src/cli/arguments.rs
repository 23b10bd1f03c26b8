//! Which table is meant: `--table NAME`, or the first argument if a table or an alias has that name, or
//! `WORDSPACE_TABLE`, or the only table there is. What comes out always says `--table`.

use std::ffi::OsString;
use std::time::Duration;

use clap::Command;

use crate::cli::Cli;
use crate::cli::failure::{Failure, Result};
use crate::cli::options::seconds;
use crate::cli::reach::{Reach, WITH_VALUE, option};
use crate::client::{ListTablesRequest, Table};

/// Commands whose `--table` names a table that is yet to be made.
pub(super) const MAKERS: [&str; 4] = ["import", "merge", "seed-table", "train"];

/// What holds where the arguments say nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Usual {
    /// The table that is asked.
    pub(super) table: Option<String>,
    /// How long an answer may take.
    pub(super) timeout: Option<Duration>,
}

impl Usual {
    /// What the environment says.
    pub(super) fn of_environment() -> Self {
        let table = std::env::var("WORDSPACE_TABLE").ok().filter(|name| !name.is_empty());
        Self { table, timeout: None }
    }
}

/// The arguments with `--table`, and the table they name.
pub(super) async fn with_table(
    arguments: Vec<OsString>,
    command: &mut Command,
    usual: &Usual,
) -> Result<(Vec<OsString>, Option<String>)> {
    let texts: Vec<_> = arguments.iter().map(|text| text.to_string_lossy()).collect();
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    let named = option(&texts, "--table").map(str::to_owned);
    let Some(asked) = Asked::of(&texts, command) else {
        return Ok((arguments, named));
    };
    let tables = match tables(&texts, usual.timeout).await {
        // What is wrong whichever table is meant needs no server to be refused.
        Err(_) if !asked.may_parse(&arguments, command) => {
            return Ok((completed(arguments, asked.after, None, "NAME"), named));
        }
        tables => tables?,
    };
    let choice = asked.choose(&texts, &tables, usual.table.clone())?;
    let arguments = completed(arguments, asked.after, choice.place, &choice.table);
    Ok((arguments, Some(choice.table)))
}

/// The server's tables.
async fn tables(texts: &[&str], usual: Option<Duration>) -> Result<Vec<Table>> {
    let reach = Reach::of_texts(texts);
    let asked = async {
        let client = reach.connect().await?;
        Ok(client.list_tables(ListTablesRequest {}).await?.tables)
    };
    let tables: Result<Vec<Table>> =
        match option(texts, "--timeout").and_then(|text| seconds(text).ok()).or(usual) {
            Some(limit) => tokio::time::timeout(limit, asked)
                .await
                .unwrap_or_else(|_| Err(Failure::Expired(limit))),
            None => asked.await,
        };
    tables
}

/// Whether a table has this name, or an alias of this name.
fn is_named(table: &Table, name: &str) -> bool {
    table.name == name || table.aliases.iter().any(|alias| alias == name)
}

/// The arguments with `--table`, and without the argument that named it.
fn completed(
    mut arguments: Vec<OsString>,
    after: usize,
    place: Option<usize>,
    table: &str,
) -> Vec<OsString> {
    if let Some(place) = place {
        arguments.remove(place);
    }
    arguments.insert(after, format!("--table={table}").into());
    arguments
}

/// A command line that needs a table and names none.
#[derive(Debug)]
struct Asked {
    /// The place behind the last word of the command.
    after: usize,
    /// Whether an argument without a dash can be nothing but the table.
    takes_nothing_else: bool,
}

/// The table chosen, and the place of the argument that named it.
#[derive(Debug, PartialEq, Eq)]
struct Choice {
    table: String,
    place: Option<usize>,
}

impl Asked {
    fn of(texts: &[&str], command: &mut Command) -> Option<Self> {
        let is_help = |text: &&str| matches!(*text, "-h" | "--help" | "-V" | "--version");
        if texts.iter().any(is_help) || option(texts, "--table").is_some() {
            return None;
        }
        // Arguments of parents that are global are known below only in a built command.
        command.build();
        let mut command = &*command;
        let mut after = 1;
        let mut needs = false;
        let mut place = 1;
        while let Some(text) = texts.get(place) {
            if text.starts_with('-') {
                // Options may stand before the command; only those that all commands share do.
                let takes_value = WITH_VALUE.contains(text) || *text == "--timeout";
                place += if takes_value { 2 } else { 1 };
                continue;
            }
            let Some(next) = command.find_subcommand(text) else { break };
            if MAKERS.contains(&next.get_name()) {
                return None;
            }
            command = next;
            place += 1;
            after = place;
            let table = next.get_arguments().find(|argument| argument.get_long() == Some("table"));
            needs = table.is_some_and(|table| {
                table.is_required_set() || table.get_default_values().iter().any(|v| v.is_empty())
            });
        }
        // A bias test can be listed without a table.
        let lists = command.get_name() == "tests";
        let is_group = command.has_subcommands();
        let takes_nothing_else = command.get_positionals().next().is_none();
        (needs && !lists && !is_group).then_some(Self { after, takes_nothing_else })
    }

    /// Whether the arguments parse with some table, be it named by the first of them or not.
    fn may_parse(&self, arguments: &[OsString], command: &Command) -> bool {
        [None, Some(self.after)].into_iter().any(|place| {
            let is_there = place.is_none_or(|place| place < arguments.len());
            is_there && {
                let arguments = completed(arguments.to_vec(), self.after, place, "NAME");
                Cli::from_arguments(command.clone(), arguments).is_ok()
            }
        })
    }

    fn choose(&self, texts: &[&str], tables: &[Table], usual: Option<String>) -> Result<Choice> {
        let first = texts.get(self.after).filter(|text| !text.starts_with('-'));
        if let Some(first) = first
            && (self.takes_nothing_else || tables.iter().any(|table| is_named(table, first)))
        {
            return Ok(Choice { table: (*first).to_owned(), place: Some(self.after) });
        }
        if let Some(table) = usual {
            return Ok(Choice { table, place: None });
        }
        match tables {
            [only] => Ok(Choice { table: only.name.clone(), place: None }),
            [] => Err(Failure::Usage(
                "there are no tables yet: `wordspace import FILE --table NAME` makes one"
                    .to_owned(),
            )),
            many => {
                let some: Vec<_> = many.iter().take(8).map(|table| table.name.as_str()).collect();
                let more = if many.len() > some.len() { ", ..." } else { "" };
                Err(Failure::Usage(format!(
                    "which table? There are {}{more}: say --table NAME, begin with its name, or set \
                     WORDSPACE_TABLE",
                    some.join(", ")
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::guide;

    fn chosen(line: &str, tables: &[&str], usual: Option<&str>) -> Option<Result<Choice, String>> {
        let texts: Vec<_> = std::iter::once("wordspace").chain(line.split(' ')).collect();
        let asked = Asked::of(&texts, &mut guide::command())?;
        let table = |name: &&str| Table {
            name: (*name).to_owned(),
            aliases: vec![format!("{name}-live")],
            ..Table::default()
        };
        let tables: Vec<Table> = tables.iter().map(table).collect();
        let chosen = asked.choose(&texts, &tables, usual.map(str::to_owned));
        Some(chosen.map_err(|failure| failure.to_string()))
    }

    #[test]
    fn a_table_is_named_first_or_by_the_environment_or_alone() {
        let choice = |table: &str, place| Some(Ok(Choice { table: table.to_owned(), place }));
        let both = ["de", "en"];
        assert_eq!(chosen("nearest en king", &both, Some("de")), choice("en", Some(2)));
        assert_eq!(chosen("nearest en-live king", &both, None), choice("en-live", Some(2)));
        assert_eq!(chosen("nearest king", &both, Some("de")), choice("de", None));
        assert_eq!(chosen("nearest king", &["en"], None), choice("en", None));
        assert_eq!(chosen("--json search en king", &both, None), choice("en", Some(3)));
        assert_eq!(chosen("bias weat en career-family", &both, None), choice("en", Some(3)));
        assert_eq!(chosen("index gone --build", &both, None), choice("gone", Some(2)));
        let which = chosen("nearest king", &both, None).unwrap().unwrap_err();
        assert!(which.contains("de, en") && which.contains("WORDSPACE_TABLE"), "{which}");
        for line in [
            "nearest --table en king",
            "tables",
            "import x.txt",
            "status",
            "nearest -h",
            "bias tests",
        ] {
            assert!(chosen(line, &both, None).is_none(), "{line}");
        }
    }
}
