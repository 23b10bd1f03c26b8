//! `wordspace completions` and `wordspace man`: for shells and their users.

use clap::Args;
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

/// Print the manual page of wordspace, or of one of its commands
#[derive(Debug, Args)]
pub(super) struct Man {
    /// A command, such as `nearest` or `tokenizer train`
    command: Vec<String>,
}

impl Man {
    pub(super) fn run(&self) -> Result<()> {
        Output::standard(false).data(&self.page()?)
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
        let mut page = Vec::new();
        let written = clap_mangen::Man::new(command.clone()).render(&mut page);
        written.map_err(|error| Failure::Local(format!("the manual cannot be made: {error}")))?;
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use clap::Command;

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

    fn check_pages(command: &Command, path: &[String]) {
        for command in command.get_subcommands() {
            let mut path = path.to_vec();
            path.push(command.get_name().to_owned());
            check_pages(command, &path);
            let page = Man { command: path.clone() }.page().unwrap();
            let page = String::from_utf8(page).unwrap();
            let title = format!(".TH wordspace-{} 1", path.join("-"));
            assert!(page.starts_with(".ie") && page.contains(&title), "{page}");
            let usage = format!("wordspace {}", path.join(" "));
            assert!(page.replace('\\', "").contains(&usage), "{page}");
        }
    }
}
