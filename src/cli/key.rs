//! `wordspace key`: who may call a server, on its file of keys.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::cli::failure::Result;
use crate::cli::options::span;
use crate::cli::output::{Align, Grid, Output};
use crate::server::access::{KeyEntry, KeyFile, NewKey, Role, now};

/// Make, list and revoke the keys of a server
///
/// A server asks every call for a key as soon as its folder has a file of keys. What is changed here holds
/// within a second, without a restart. The file has only hashes: a key is told once, when it is made.
#[derive(Debug, Args)]
pub(super) struct KeyCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Make(Make),
    List(List),
    Revoke(Revoke),
}

/// Which file of keys.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// Data folder of the server
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// File of keys, if the server was started with another one
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

/// Make a key and print it: it cannot be shown again
#[derive(Debug, Args)]
struct Make {
    /// What to call it, such as the application that is to use it
    name: String,
    #[command(flatten)]
    place: Place,
    /// What it may do
    #[arg(long, value_name = "ROLE", value_enum, default_value = "read")]
    role: RoleArg,
    /// Only tables whose name, or alias as called, fits: * stands for any characters, ? for one
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    tables: Vec<String>,
    /// How long it is in force, such as 12h or 90d [default: until it is revoked]
    #[arg(long, value_name = "TIME", value_parser = span)]
    expires: Option<Duration>,
    /// In place of a key: callers who prove themselves by a certificate with this name, which is its common
    /// name, a name of DNS, a URI, an address of mail, or its SHA-256 in hexadecimal digits
    #[arg(long, value_name = "NAME")]
    certificate: Option<String>,
    /// Calls, and messages of a stream of questions, a second; those of one second may come at once
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Jobs at once, such as imports, exports and trainings
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
}

/// List the keys, without what they are
#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    place: Place,
}

/// Take a key out of force
#[derive(Debug, Args)]
struct Revoke {
    /// Its name, or its id
    #[arg(value_name = "KEY")]
    named: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleArg {
    /// Ask questions, and read tables, tokenizers, test sets and language models
    Read,
    /// Make, change and delete them, too
    Write,
    /// Back up, restore and verify the server, too
    Admin,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Read => Self::Read,
            RoleArg::Write => Self::Write,
            RoleArg::Admin => Self::Admin,
        }
    }
}

impl Place {
    fn file(&self) -> KeyFile {
        match (&self.keys, &self.data) {
            (Some(file), _) => KeyFile::at(file),
            (None, Some(data)) => KeyFile::of_folder(data),
            // Clap asks for one of them.
            (None, None) => KeyFile::of_folder(&PathBuf::from(".")),
        }
    }
}

impl KeyCommand {
    pub(super) fn run(&self, as_json: bool) -> Result<()> {
        let mut output = Output::standard(as_json);
        match &self.action {
            Action::Make(make) => make.run(&mut output),
            Action::List(list) => {
                let keys = list.place.file().read()?.unwrap_or_default();
                let printed = if as_json { json_lines(&keys) } else { text(&keys) };
                output.data(printed.as_bytes())
            }
            Action::Revoke(revoke) => {
                let entry = revoke.place.file().revoke(&revoke.named)?;
                let said = if as_json {
                    json_lines(&[entry])
                } else {
                    format!("{} ({}) is revoked\n", entry.name, entry.id)
                };
                output.data(said.as_bytes())
            }
        }
    }
}

impl Make {
    fn run(&self, output: &mut Output) -> Result<()> {
        let file = self.place.file();
        let is_first = file.read()?.is_none();
        let (key, entry) = file.make(NewKey {
            name: self.name.clone(),
            role: self.role.into(),
            tables: self.tables.clone(),
            lifetime: self.expires,
            calls_per_second: self.rate,
            jobs: self.jobs,
            certificate: self.certificate.clone(),
        })?;
        if is_first {
            output.say("the first key: from now on every call to the server needs one");
        }
        if output.is_json() {
            let mut told = object(&entry);
            told["key"] = key.into();
            return output.data(format!("{told}\n").as_bytes());
        }
        let Some(key) = key else {
            output.say("no key is needed: the certificate stands for it");
            return Ok(());
        };
        output.say("the key is shown this once; keep it where only its user can read it");
        output.data(format!("{key}\n").as_bytes())
    }
}

/// What is known of a key, without its hash.
fn object(entry: &KeyEntry) -> serde_json::Value {
    json!({
        "id": entry.id,
        "name": entry.name,
        "role": entry.role.name(),
        "tables": entry.tables,
        "certificate": entry.certificate,
        "made_at": entry.made_at,
        "expires_at": entry.expires_at,
        "revoked_at": entry.revoked_at,
        "calls_per_second": entry.calls_per_second,
        "jobs": entry.jobs,
    })
}

fn json_lines(keys: &[KeyEntry]) -> String {
    keys.iter().map(|key| object(key).to_string() + "\n").collect()
}

fn text(keys: &[KeyEntry]) -> String {
    if keys.is_empty() {
        return "there is no key\n".to_owned();
    }
    let columns = ["id", "name", "role", "tables", "limits", "state"];
    let mut grid = Grid::titled(&columns.map(|column| (column, Align::Left)));
    for key in keys {
        grid.row([
            key.id.clone(),
            key.name.clone(),
            key.role.name().to_owned(),
            if key.tables.is_empty() { "all".to_owned() } else { key.tables.join(", ") },
            limits(key),
            state(key),
        ]);
    }
    grid.to_string()
}

fn limits(key: &KeyEntry) -> String {
    let calls = key.calls_per_second.map(|calls| format!("{calls} calls/s"));
    let jobs = key.jobs.map(|jobs| format!("{jobs} jobs"));
    let all: Vec<String> = calls.into_iter().chain(jobs).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

fn state(key: &KeyEntry) -> String {
    let now = now();
    let time = |seconds: u64| match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {} ago", time(now.saturating_sub(at))),
        (None, Some(end)) if end <= now => format!("expired {} ago", time(now - end)),
        (None, Some(end)) => format!("in force for {}", time(end - now)),
        (None, None) => "in force".to_owned(),
    }
}
