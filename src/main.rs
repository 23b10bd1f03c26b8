//! The binary: see `wordspace --help`.

fn main() {}
