//! What a server is set to: defaults, above them a file in TOML, then the environment, then options.
//!
//! What the file and the environment say becomes options that nobody gave, so there is one place that knows which
//! settings there are and what each may be.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use clap::{Arg, ArgAction, Command};
use toml::{Table, Value};

use crate::cli::failure::{Failure, Result};
use crate::cli::reach::{WITH_VALUE, option, options};
use crate::cli::suggest::distance;

/// What stands before a setting's name in the environment.
const PREFIX: &str = "WORDSPACE_SERVE_";
/// Bytes of a file of settings.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// The setting that names the file, which cannot stand in it.
const FILE: &str = "config";

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    File,
    Environment,
    Option,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Option => "option",
        })
    }
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// As the option is called.
    pub(super) name: String,
    /// None if it is not set.
    pub(super) value: Option<String>,
    pub(super) origin: Origin,
}

impl Setting {
    /// The value without what only its user should know.
    pub(super) fn shown(&self) -> Option<String> {
        let value = self.value.as_deref()?;
        // A URL may have a name and a password before its host.
        let masked = value.split_once("://").and_then(|(scheme, rest)| {
            let (_, host) = rest.split('/').next()?.rsplit_once('@')?;
            let path = &rest[rest.find('/').unwrap_or(rest.len())..];
            Some(format!("{scheme}://...@{host}{path}"))
        });
        Some(masked.unwrap_or_else(|| value.to_owned()))
    }

    /// As an argument, if it is one that nobody gave.
    fn argument(&self, is_flag: bool) -> Option<OsString> {
        let value = self.value.as_deref()?;
        let is_given = matches!(self.origin, Origin::Default | Origin::Option);
        match (is_given, is_flag) {
            (true, _) => None,
            (false, true) => (value == "true").then(|| format!("--{}", self.name).into()),
            (false, false) => Some(format!("--{}={value}", self.name).into()),
        }
    }
}

/// The arguments with those that the file of settings and the environment add, and every setting; no setting if the
/// command has none.
pub(super) fn layered(
    mut arguments: Vec<OsString>,
    command: &Command,
) -> Result<(Vec<OsString>, Vec<Setting>)> {
    let texts: Vec<_> = arguments.iter().map(|text| text.to_string_lossy()).collect();
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    let Some(options) = settable(&texts, command) else { return Ok((arguments, Vec::new())) };
    let variable = |name: &str| {
        let name = format!("{PREFIX}{}", name.replace('-', "_").to_ascii_uppercase());
        std::env::var(name).ok().filter(|value| !value.is_empty())
    };
    let path = option(&texts, "--config").map(str::to_owned).or_else(|| variable(FILE));
    let of_file = path.map_or_else(|| Ok(BTreeMap::new()), |path| read(Path::new(&path)))?;
    let known = || options.iter().filter_map(|option| option.get_long());
    if let Some(unknown) = of_file.keys().find(|name| !known().any(|known| known == *name)) {
        return Err(Failure::Usage(unknown_key(unknown, known())));
    }
    let mut settings = Vec::new();
    let mut added: Vec<OsString> = Vec::new();
    for argument in &options {
        let Some(name) = argument.get_long() else { continue };
        let is_flag = matches!(argument.get_action(), ArgAction::SetTrue);
        let setting = resolve(argument, &texts, of_file.get(name), variable(name));
        if is_flag && !matches!(setting.value.as_deref(), None | Some("true" | "false")) {
            let value = setting.value.unwrap_or_default();
            let problem = format!("`{name}` is true or false, and not `{value}`");
            return Err(Failure::Usage(problem));
        }
        added.extend(setting.argument(is_flag));
        settings.push(setting);
    }
    arguments.extend(added);
    Ok((arguments, settings))
}

/// The options of a command that can be set otherwise: `serve`, and those that look at its settings.
fn settable(texts: &[&str], command: &Command) -> Option<Vec<Arg>> {
    let mut is_value = false;
    // Options that take a value may stand before the command.
    let mut words = texts.iter().skip(1).filter(|text| {
        let is_word = !is_value && !text.starts_with('-');
        is_value = !is_value && (WITH_VALUE.contains(text) || **text == "--timeout");
        is_word
    });
    let is_help = |text: &&str| matches!(*text, "-h" | "--help");
    let asks = match *words.next()? {
        "serve" => true,
        "config" => words.next().is_some_and(|action| matches!(*action, "show" | "check")),
        _ => false,
    };
    if !asks || texts.iter().any(is_help) {
        return None;
    }
    let serve = command.find_subcommand("serve")?;
    let own = serve.get_arguments().filter(|argument| {
        let is_help = matches!(argument.get_action(), ArgAction::Help | ArgAction::Version);
        !is_help && !argument.is_global_set() && argument.get_long().is_some()
    });
    Some(own.cloned().collect())
}

fn resolve(
    argument: &Arg,
    texts: &[&str],
    of_file: Option<&String>,
    of_environment: Option<String>,
) -> Setting {
    let name = argument.get_long().unwrap_or_default().to_owned();
    let option_name = format!("--{name}");
    let is_flag = matches!(argument.get_action(), ArgAction::SetTrue);
    let given = if is_flag {
        texts.contains(&option_name.as_str()).then(|| "true".to_owned())
    } else {
        let given = options(texts, &option_name);
        (!given.is_empty()).then(|| given.join(","))
    };
    let default = || {
        let values = argument.get_default_values().iter();
        let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
        (!values.is_empty()).then(|| values.join(","))
    };
    let (value, origin) = match (given, of_environment, of_file) {
        (Some(value), _, _) => (Some(value), Origin::Option),
        (None, Some(value), _) => (Some(value), Origin::Environment),
        (None, None, Some(value)) => (Some(value.clone()), Origin::File),
        (None, None, None) => (default(), Origin::Default),
    };
    Setting { name, value, origin }
}

fn unknown_key<'n>(unknown: &str, known: impl Iterator<Item = &'n str>) -> String {
    let near = known.filter(|&name| name != FILE).map(|name| (distance(unknown, name), name)).min();
    let near = near.filter(|(edits, _)| *edits <= (unknown.len() / 3).max(1));
    let meant = near.map_or_else(
        || "`wordspace config show` lists all".to_owned(),
        |(_, name)| format!("did you mean `{name}`?"),
    );
    format!("the file of settings has `{unknown}`, which is no setting; {meant}")
}

/// The settings of a file, by the names of options; those in a table have its name before theirs.
fn read(path: &Path) -> Result<BTreeMap<String, String>> {
    let wrong = |problem: String| Failure::Usage(format!("{}: {problem}", path.display()));
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|error| wrong(error.to_string()))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(wrong(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    let table: Table = text.parse().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
    let mut settings = BTreeMap::new();
    flatten("", table, &mut settings).map_err(wrong)?;
    Ok(settings)
}

fn flatten(
    before: &str,
    table: Table,
    settings: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    for (key, value) in table {
        let key = key.replace('_', "-");
        let name = if before.is_empty() { key } else { format!("{before}-{key}") };
        let text = match value {
            Value::Table(table) => {
                flatten(&name, table, settings)?;
                continue;
            }
            Value::Array(values) => {
                let texts: Option<Vec<_>> = values.into_iter().map(plain).collect();
                texts.map(|texts| texts.join(","))
            }
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_) => plain(value),
        };
        let text = text.ok_or_else(|| {
            format!("`{name}` is a text, a whole number, true or false, or a list of texts")
        })?;
        if settings.insert(name.clone(), text).is_some() {
            return Err(format!("`{name}` is set twice"));
        }
    }
    Ok(())
}

fn plain(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::guide;

    fn layers(line: &str) -> Result<(Vec<OsString>, Vec<Setting>)> {
        let arguments = line.split(' ').map(OsString::from).collect();
        layered(arguments, &guide::command())
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file.as_file(), text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn options_stand_above_the_file_and_defaults_below_it() {
        let file = file(
            "data = \"/words\"\nconnections = 99\ngrace = 5\ninsecure_listen = true\n\
             cors-origin = [\"https://a.example\", \"https://b.example\"]\n\
             backups = \"s3://name:secret@host/bucket\"\n[tls]\ncert = \"a.pem\"\nkey = \"a.key\"\n",
        );
        let line = format!("wordspace serve --config {} --grace 7", file.path().display());
        let (arguments, settings) = layers(&line).unwrap();
        let get = |name: &str| settings.iter().find(|setting| setting.name == name).unwrap();
        let told = |name: &str| (get(name).shown().unwrap(), get(name).origin);
        assert_eq!(told("data"), ("/words".to_owned(), Origin::File));
        assert_eq!(told("grace"), ("7".to_owned(), Origin::Option));
        assert_eq!(told("index-threads"), ("0".to_owned(), Origin::Default));
        assert_eq!(told("tls-cert"), ("a.pem".to_owned(), Origin::File));
        assert_eq!(told("backups"), ("s3://...@host/bucket".to_owned(), Origin::File));
        assert_eq!(get("keys").value, None);
        let parsed = crate::cli::Cli::from_arguments(guide::command(), arguments).unwrap();
        let shown = format!("{parsed:?}");
        for part in ["connections: 99", "grace: 7", "insecure_listen: true", "b.example", "a.key"] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told() {
        for (text, told) in [
            ("conections = 5", "did you mean `connections`?"),
            ("colour = 5", "config show"),
            ("connections = 1.5", "a whole number"),
            ("connections", "line 1"),
            ("insecure-listen = \"yes\"", "true or false"),
            ("tls-key = \"a\"\n[tls]\nkey = \"b\"", "set twice"),
        ] {
            let file = file(text);
            let line = format!("wordspace serve --data x --config {}", file.path().display());
            let error = layers(&line).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
        let missing = layers("wordspace serve --config /none/such").unwrap_err().to_string();
        assert!(missing.contains("/none/such"), "{missing}");
        // Only a server has settings.
        let (arguments, settings) =
            layers("wordspace nearest en king --config /none/such").unwrap();
        assert_eq!((arguments.len(), settings.len()), (6, 0));
    }
}
