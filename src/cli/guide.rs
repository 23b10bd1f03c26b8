//! The help: commands in groups, the names that other tools have for them, and examples.

use clap::{Command, CommandFactory as _};

use crate::cli::Cli;
use crate::cli::arguments::MAKERS;

/// Commands by what they are for, in the order of the help.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "Server",
        &[
            "demo", "serve", "shell", "status", "top", "ready", "bench", "jobs", "uploads",
            "backup", "restore", "verify", "check", "recover", "key", "config",
        ],
    ),
    (
        "Tables",
        &[
            "import",
            "train",
            "export",
            "tables",
            "create",
            "copy",
            "rename",
            "merge",
            "alias",
            "delete",
            "put",
            "delete-words",
            "set-attributes",
            "index",
            "health",
            "map",
            "recall",
            "huffman",
        ],
    ),
    (
        "Ask",
        &[
            "nearest",
            "analogy",
            "similarity",
            "lookup",
            "words",
            "facets",
            "odd-one-out",
            "rank",
            "closer-than",
            "most-similar-to-given",
            "similarity-matrix",
            "set-similarity",
            "relative-cosine",
            "rank-by-centrality",
            "senses",
            "compare",
            "evaluate",
        ],
    ),
    ("Texts", &["embed", "text-similarity", "word-movers", "import-texts"]),
    ("Bias", &["bias", "debias"]),
    ("Language models", &["lm"]),
    (
        "Tokenizers",
        &[
            "tokenize",
            "detokenize",
            "count",
            "chunk",
            "tokenizer",
            "compare-tokenizers",
            "seed-table",
        ],
    ),
    ("Files", &["inspect", "convert"]),
    ("Help", &["completions", "man"]),
];

/// Names that people type first, from other tools or from habit.
const ALIASES: &[(&str, &[&str])] = &[
    ("tables", &["ls", "list", "info"]),
    ("delete", &["rm", "drop"]),
    ("copy", &["cp", "clone"]),
    ("rename", &["mv"]),
    ("nearest", &["search", "query", "neighbors", "similar", "most-similar"]),
    ("put", &["add", "insert", "upsert"]),
    ("delete-words", &["remove-words", "rm-words"]),
    ("lookup", &["get"]),
    ("words", &["vocab"]),
    ("odd-one-out", &["doesnt-match"]),
    ("set-similarity", &["n-similarity"]),
    ("word-movers", &["wmdistance"]),
    ("count", &["count-words", "count-tokens"]),
    ("evaluate", &["eval"]),
    ("status", &["stats"]),
    ("import", &["load"]),
    ("export", &["save", "dump"]),
];

/// Two command lines for each command.
const EXAMPLES: &[(&str, [&str; 2])] = &[
    ("demo", ["demo", "demo --exit --data /tmp/words"]),
    ("serve", ["serve --data ./words", "serve --data ./words --listen 127.0.0.1:4000"]),
    ("config", ["config show --data ./words", "config check --data ./words --config server.toml"]),
    ("shell", ["shell", "shell en --json"]),
    ("status", ["status", "status --json"]),
    ("top", ["top", "top --once"]),
    ("ready", ["ready", "ready --service wordspace.v1.SearchService"]),
    (
        "bench",
        ["bench --table en", "bench --table en --ask vector,analogy --rate 500 --duration 30"],
    ),
    ("jobs", ["jobs", "jobs watch 3"]),
    ("uploads", ["uploads", "uploads --delete glove"]),
    ("backup", ["backup --keep 7", "backup list"]),
    ("restore", ["restore", "restore glove --as glove-before"]),
    ("verify", ["verify", "verify --detach"]),
    ("check", ["check ./words", "check ./words --json"]),
    ("recover", ["recover ./words", "recover ./new --from ./backups"]),
    (
        "key",
        ["key make app --data ./words --tables 'en*' --expires 90d", "key list --data ./words"],
    ),
    (
        "import",
        ["import glove.6B.100d.txt --table en", "import more.txt --into glove --on-duplicate last"],
    ),
    ("train", ["train corpus.txt --table mine --watch king bank", "train --resume mine"]),
    ("export", ["export en en.parquet", "export en - --format glove --top 1000"]),
    ("tables", ["tables", "tables en"]),
    ("create", ["create mine --dim 100", "create mine --dim 300 --index hnsw"]),
    ("copy", ["copy glove glove-before", "copy glove trial"]),
    ("merge", ["merge glove mine --table both", "merge glove mine --table both --duplicates last"]),
    ("rename", ["rename glove glove-2014", "rename trial glove"]),
    ("alias", ["alias set live glove-2", "alias list"]),
    ("delete", ["delete old --yes", "delete trial-1 trial-2 --yes"]),
    ("put", ["put en monarch 0.1 -0.2 0.3 --set lang=en", "put en --file more.txt"]),
    ("delete-words", ["delete-words en teh recieve", "delete-words en --row 12"]),
    (
        "set-attributes",
        ["set-attributes en king --set pos=noun", "set-attributes en king --remove pos"],
    ),
    ("index", ["index en", "index en --build --wait"]),
    ("health", ["health en", "health en --hub-queries 5000"]),
    ("map", ["map en --svg en.svg", "map en --layout neighbors --points 400000 --svg en.svg"]),
    ("recall", ["recall en", "recall en king queen --ef 32 64"]),
    ("huffman", ["huffman en king", "huffman en king --json"]),
    ("nearest", ["nearest en king queen -k 5", "nearest en king --negative man --top 30000"]),
    ("analogy", ["analogy en man king woman", "analogy en france paris japan --method cos-mul"]),
    ("similarity", ["similarity en cat dog", "similarity en cat dog king queen"]),
    ("lookup", ["lookup en king", "lookup en king --unit"]),
    (
        "words",
        ["words en --prefix inter --limit 20", "words en --order-by freq --descending --limit 20"],
    ),
    ("facets", ["facets en lang", "facets en pos --top 10000 --limit 3"]),
    ("odd-one-out", ["odd-one-out en cat dog car", "odd-one-out en red green blue table"]),
    ("rank", ["rank en king queen", "rank en cat car --lowercase"]),
    ("closer-than", ["closer-than en king queen", "closer-than en cat dog -k 5"]),
    (
        "most-similar-to-given",
        ["most-similar-to-given en cat dog car", "most-similar-to-given en king queen man"],
    ),
    (
        "similarity-matrix",
        ["similarity-matrix en cat dog car", "similarity-matrix en cat dog --columns car bus"],
    ),
    (
        "set-similarity",
        ["set-similarity en cat,dog --with car,bus", "set-similarity en king --with man,queen"],
    ),
    ("relative-cosine", ["relative-cosine en cat dog", "relative-cosine en king queen"]),
    (
        "rank-by-centrality",
        ["rank-by-centrality en cat dog car", "rank-by-centrality en red green blue"],
    ),
    ("senses", ["senses en bank --induce", "senses en bank --context river water"]),
    ("compare", ["compare en --with de king", "compare old --with new king queen"]),
    (
        "evaluate",
        [
            "evaluate analogies questions-words.txt --table en",
            "evaluate pairs wordsim353.tsv --table en de",
        ],
    ),
    ("embed", ["embed en the-queen-spoke --nearest 5", "embed en hello --one-hot --pooling sum"]),
    ("text-similarity", ["text-similarity en hello hi", "text-similarity en hello hi --exact"]),
    ("word-movers", ["word-movers en hello hi", "word-movers en hello hi --relaxed"]),
    (
        "import-texts",
        [
            "import-texts verses.txt --table en --target verses",
            "import-texts log.txt --table en --target log --on-invalid skip",
        ],
    ),
    ("bias", ["bias weat en career-family", "bias project en --from man --to woman nurse"]),
    (
        "debias",
        [
            "debias en --target fair --from he,man --to she,woman",
            "debias en --target fair --from he --to she --method double-hard",
        ],
    ),
    ("tokenize", ["tokenize hello --tokenizer bert", "tokenize --table en"]),
    ("detokenize", ["detokenize --tokenizer bert 101 7592", "detokenize --tokenizer bert"]),
    ("count", ["count hello --tokenizer bert", "count --tokenizer bert"]),
    ("chunk", ["chunk --tokenizer bert --max-tokens 200", "chunk --max-tokens 100 --sentences"]),
    ("tokenizer", ["tokenizer add bert vocab.txt", "tokenizer train mine corpus.txt"]),
    ("compare-tokenizers", ["compare-tokenizers hello", "compare-tokenizers 380 HELLO"]),
    (
        "seed-table",
        [
            "seed-table --tokenizer bert --table new --dim 100",
            "seed-table --tokenizer bert --table new --dim 100 --seed 7",
        ],
    ),
    ("lm", ["lm train corpus.txt --model news", "lm score --model news hello"]),
    ("inspect", ["inspect glove.6B.100d.txt", "inspect model.bin --word king"]),
    ("completions", ["completions bash", "completions zsh"]),
    ("man", ["man nearest", "man --all ~/.local/share/man/man1"]),
    ("convert", ["convert glove.txt glove.parquet", "convert model.vec model.npy"]),
];

/// The command line with groups, aliases and examples.
pub(super) fn command() -> Command {
    let mut command = Cli::command();
    for (name, aliases) in ALIASES {
        command = command.mut_subcommand(*name, |command| command.visible_aliases(aliases.iter()));
    }
    for (name, examples) in EXAMPLES {
        command = command.mut_subcommand(*name, |command| {
            let shown = examples.map(|line| format!("  wordspace {line}"));
            let examples = format!("Examples:\n{}", shown.join("\n"));
            let help = match command.get_after_help() {
                Some(help) => format!("{examples}\n\n{help}"),
                None => examples,
            };
            command.after_help(help)
        });
    }
    let groups = groups(&command);
    let command = with_usage(command, "wordspace");
    command.help_template(format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{groups}Options:\n{{options}}\n{{after-help}}"
    ))
}

/// The command, and those below it, with usage lines that tell where a table may stand.
fn with_usage(mut command: Command, path: &str) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    for name in names {
        let path = format!("{path} {name}");
        command = command.mut_subcommand(name, |command| with_usage(command, &path));
    }
    let is_asked = |arg: &clap::Arg| arg.get_id() == "table" && arg.is_required_set();
    if MAKERS.contains(&command.get_name()) || !command.get_arguments().any(is_asked) {
        return command;
    }
    let mut shown = command.clone().mut_arg("table", |table| table.required(false)).bin_name(path);
    let usage = shown.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").replacen("[OPTIONS]", "[OPTIONS] [TABLE]", 1);
    command.override_usage(usage)
}

/// The commands by group, a line each; commands without a group stand last.
fn groups(command: &Command) -> String {
    let grouped = |name: &str| GROUPS.iter().any(|(_, names)| names.contains(&name));
    let others = command.get_subcommands().map(Command::get_name);
    let others: Vec<_> = others.filter(|name| !grouped(name) && *name != "help").collect();
    let mut text = String::new();
    for (title, names) in GROUPS.iter().copied().chain([("Others", others.as_slice())]) {
        let named = names.iter().filter_map(|name| command.find_subcommand(name));
        let lines: Vec<_> = named.map(line).collect();
        if !lines.is_empty() {
            text.extend([title, ":\n", &lines.concat(), "\n"]);
        }
    }
    // What stands in braces would be read as a part of the template.
    text.replace(['{', '}'], "")
}

/// Columns of a line of the list.
const WIDTH: usize = 100;
/// The column where descriptions begin.
const INDENT: usize = 25;

fn line(command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut lines = vec![format!("  {:<width$}", command.get_name(), width = INDENT - 2)];
    for word in about.split_whitespace() {
        let is_full = lines.last().is_some_and(|line| line.len() + word.len() > WIDTH);
        if is_full {
            lines.push(" ".repeat(INDENT));
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
            line.push(' ');
        }
    }
    lines.iter().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_one_group_and_examples_that_parse() {
        let command = command();
        for subcommand in command.get_subcommands().map(Command::get_name) {
            let groups = GROUPS.iter().filter(|(_, names)| names.contains(&subcommand)).count();
            assert_eq!(groups, 1, "{subcommand}");
            assert!(EXAMPLES.iter().any(|(name, _)| *name == subcommand), "{subcommand}");
        }
        for line in EXAMPLES.iter().flat_map(|(_, examples)| examples) {
            // As it is after the table was found.
            let mut words: Vec<_> = line.split(' ').collect();
            let named = words.iter().position(|word| ["en", "old"].contains(word));
            let table = match named {
                Some(place)
                    if !words.contains(&"--table")
                        && words[0] != "tables"
                        && words[0] != "delete" =>
                {
                    words.remove(place);
                    vec!["--table=en"]
                }
                _ => vec![],
            };
            let line: Vec<_> = ["wordspace"].into_iter().chain(words).chain(table).collect();
            let parsed = Cli::from_arguments(command.clone(), &line);
            assert!(parsed.is_ok(), "{line:?}: {}", parsed.unwrap_err());
        }
    }

    #[test]
    fn what_people_type_first_is_understood() {
        for line in ["ls", "rm old --yes", "search --table en king --topn 5", "add --table en x 1"]
        {
            let line = std::iter::once("wordspace").chain(line.split(' '));
            assert!(Cli::from_arguments(command(), line).is_ok());
        }
        let help = command().render_help().to_string();
        assert!(help.contains("\nTables:\n  import") && help.contains("\nBias:\n"), "{help}");
    }
}
