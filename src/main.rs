//! The binary: see `wordspace --help`.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    wordspace::cli::Cli::parse().run()
}
