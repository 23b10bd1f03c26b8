//! The files of test sets: sections that begin with `: name`, and fields between white space.

use crate::error::{At, Error, ErrorKind, Result};
use crate::limits;

/// A line of a test set that may have sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// `: name`, or `:name`.
    Section(&'a str),
    /// Anything else.
    Text(&'a str),
    /// Nothing.
    Empty,
}

impl<'a> Line<'a> {
    /// What a trimmed line is. A `:` begins a section, but not in `:)`, which is a word.
    pub(super) fn of(line: &'a str) -> Self {
        let begins_name = |rest: &&str| {
            rest.chars().next().is_none_or(|c| c.is_whitespace() || c.is_alphanumeric())
        };
        match line.strip_prefix(':').filter(begins_name) {
            Some(section) => Self::Section(section.trim()),
            None if line.is_empty() => Self::Empty,
            None => Self::Text(line),
        }
    }
}

/// The lines of a file, trimmed, with their numbers, counted from 1, without comments: lines that begin
/// with a `#` that stands alone. In `#metoo` it begins a word.
pub(super) fn lines<'a>(
    name: &'static str,
    file: &'a [u8],
) -> Result<impl Iterator<Item = (u64, &'a str)>> {
    let bytes_max = limits::EVALUATION_BYTES_MAX;
    if file.len() > bytes_max {
        return Err(Error::new(ErrorKind::TooLarge {
            limit: "EVALUATION_BYTES_MAX",
            max: bytes_max as u64,
            got: file.len() as u64,
        }));
    }
    let text = std::str::from_utf8(file).map_err(|error| {
        let at = At::Byte(error.valid_up_to() as u64);
        Error::new(ErrorKind::Malformed { format: name, at, problem: "not UTF-8".to_owned() })
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = (1..).zip(text.lines().map(str::trim));
    Ok(lines.filter(|(_, line)| !is_comment(line)))
}

fn is_comment(line: &str) -> bool {
    let rest = line.trim_start_matches('#');
    rest.len() < line.len() && (rest.is_empty() || rest.starts_with(char::is_whitespace))
}

/// What is wrong with a line.
pub(super) fn malformed(name: &'static str, line: u64, problem: impl Into<String>) -> Error {
    let problem = problem.into();
    Error::new(ErrorKind::Malformed { format: name, at: At::Line(line), problem })
}

/// Fields between tabs, if there is one; else between commas; else between spaces. Empty ones, as
/// several tabs make them, are no fields.
pub(super) fn fields(line: &str) -> Vec<&str> {
    let between = |mark: char| line.split(mark).map(str::trim).filter(|field| !field.is_empty());
    if line.contains('\t') {
        return between('\t').collect();
    }
    if line.contains(',') {
        return between(',').collect();
    }
    line.split_whitespace().collect()
}

/// More entries than a test set may have.
pub(super) fn check_count(count: usize) -> Result<()> {
    if count <= limits::EVALUATION_ENTRIES_MAX {
        return Ok(());
    }
    Err(Error::new(ErrorKind::TooLarge {
        limit: "EVALUATION_ENTRIES_MAX",
        max: limits::EVALUATION_ENTRIES_MAX as u64,
        got: count as u64,
    }))
}
