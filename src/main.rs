//! The binary: see `wordspace --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    wordspace::cli::run(std::env::args_os())
}
