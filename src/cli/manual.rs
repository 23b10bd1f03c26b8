//! `wordspace completions` and `wordspace man`: for shells and their users.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;

use crate::cli::failure::{Failure, Result};
use crate::cli::guide;
use crate::cli::output::{Output, quoted};

/// Print the script that lets a shell complete commands and options
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut guide::command(), "wordspace", &mut script);
        Output::standard(false).data(&script)
    }
}

/// Print the manual page of wordspace, or of one of its commands, or write all of them
#[derive(Debug, Args)]
pub(super) struct Man {
    /// A command, such as `nearest` or `tokenizer train`
    command: Vec<String>,
    /// Folder, which is made, to write every page to: `man -M` or `MANPATH` finds them there if it is `.../man1`
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    all: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(&self) -> Result<()> {
        match &self.all {
            Some(folder) => write_all(folder),
            None => Output::standard(false).data(&self.page()?),
        }
    }

    fn page(&self) -> Result<Vec<u8>> {
        let mut all = guide::command();
        // A built command knows what it is called with those above it, and the options of all.
        all.build();
        let mut command = &all;
        for name in &self.command {
            command = command
                .find_subcommand(name)
                .ok_or_else(|| Failure::Usage(format!("there is no command {}", quoted(name))))?;
        }
        rendered(command.clone())
    }
}

fn rendered(command: Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    let written = clap_mangen::Man::new(command).render(&mut page);
    written.map_err(|error| Failure::Local(format!("the manual cannot be made: {error}")))?;
    Ok(page)
}

/// Writes every page, as `wordspace.1`, `wordspace-nearest.1` and so on.
fn write_all(folder: &Path) -> Result<()> {
    let wrong = |error: &std::io::Error| Failure::Local(format!("{}: {error}", folder.display()));
    fs::create_dir_all(folder).map_err(|error| wrong(&error))?;
    let mut all = guide::command();
    all.build();
    let mut next = vec![(all, "wordspace".to_owned())];
    let mut count = 0;
    while let Some((command, name)) = next.pop() {
        // What `help` says of each stands on that one's page.
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            next.push((below.clone(), format!("{name}-{}", below.get_name())));
        }
        let page = rendered(command)?;
        fs::File::create(folder.join(format!("{name}.1")))
            .and_then(|mut file| file.write_all(&page))
            .map_err(|error| wrong(&error))?;
        count += 1;
    }
    Output::standard(false).say(&format!("{count} pages are in {}", folder.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_and_every_command_has_its_page() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut guide::command(), "wordspace", &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("odd-one-out") && script.contains("topn"), "{shell}");
        }
        check_pages(&guide::command(), &[]);
    }

    #[test]
    fn every_page_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("share/man/man1");
        write_all(&folder).unwrap();
        for name in ["wordspace.1", "wordspace-nearest.1", "wordspace-tokenizer-train.1"] {
            let page = fs::read_to_string(folder.join(name)).unwrap();
            assert!(page.contains(&format!(".TH {} 1", name.trim_end_matches(".1"))), "{page}");
        }
        assert!(fs::read_dir(&folder).unwrap().count() > 60);
    }

    fn check_pages(command: &Command, path: &[String]) {
        for command in command.get_subcommands() {
            let mut path = path.to_vec();
            path.push(command.get_name().to_owned());
            check_pages(command, &path);
            let page = Man { command: path.clone(), all: None }.page().unwrap();
            let page = String::from_utf8(page).unwrap();
            let title = format!(".TH wordspace-{} 1", path.join("-"));
            assert!(page.starts_with(".ie") && page.contains(&title), "{page}");
            let usage = format!("wordspace {}", path.join(" "));
            assert!(page.replace('\\', "").contains(&usage), "{page}");
        }
    }
}
