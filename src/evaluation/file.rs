//! The files of test sets: sections that begin with `: name`, and fields between white space.

use crate::error::{At, Error, ErrorKind, Result};
use crate::limits;

/// A line of a test set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// `: name`
    Section(&'a str),
    /// Anything else that is no comment, trimmed.
    Text(&'a str),
    /// Nothing.
    Empty,
}

/// The lines of a file with their numbers, counted from 1; lines that begin with `#` are comments.
pub(super) fn lines<'a>(
    name: &'static str,
    file: &'a [u8],
) -> Result<impl Iterator<Item = (u64, Line<'a>)>> {
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
    let lines = (1..).zip(text.lines()).map(|(number, line)| {
        let line = line.trim();
        let read = match line.strip_prefix(':') {
            Some(section) => Line::Section(section.trim()),
            None if line.is_empty() => Line::Empty,
            None => Line::Text(line),
        };
        (number, read)
    });
    Ok(lines.filter(|(_, line)| !matches!(line, Line::Text(text) if text.starts_with('#'))))
}

/// What is wrong with a line.
pub(super) fn malformed(name: &'static str, line: u64, problem: impl Into<String>) -> Error {
    let problem = problem.into();
    Error::new(ErrorKind::Malformed { format: name, at: At::Line(line), problem })
}

/// Fields between tabs, if there is one; else between commas; else between spaces.
pub(super) fn fields(line: &str) -> Vec<&str> {
    if line.contains('\t') {
        return line.split('\t').map(str::trim).collect();
    }
    if line.contains(',') {
        return line.split(',').map(str::trim).collect();
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
