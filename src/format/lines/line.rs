//! A line of text: a word and its numbers.

use memchr::{memchr, memrchr};

use crate::error::At;
use crate::format::{Fault, Reason, shown};

/// What is wrong with a line.
pub(in crate::format) struct Problem {
    reason: Reason,
    word: String,
    detail: String,
}

impl Problem {
    fn new(reason: Reason, word: &[u8], detail: String) -> Self {
        Self { reason, word: shown(word), detail }
    }

    fn wrong_dimension(word: &[u8], expected: usize, got: usize) -> Self {
        let detail = format!("the row has {got} components, the file's vectors have {expected}");
        Self::new(Reason::WrongDimension, word, detail)
    }

    pub(in crate::format) fn at(self, at: At) -> Fault {
        Fault { reason: self.reason, at, word: self.word, detail: self.detail }
    }
}

/// A line without its end and without the separators before it.
pub(in crate::format) fn trim(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let length = line.iter().rposition(|&byte| byte != b' ' && byte != b'\t').map_or(0, |i| i + 1);
    &line[..length]
}

/// The separator of a trimmed line, and where it stands first.
fn separator(line: &[u8]) -> (u8, Option<usize>) {
    match memchr(b' ', line) {
        Some(first) => (b' ', Some(first)),
        None => (b'\t', memchr(b'\t', line)),
    }
}

/// The word and the numbers of a line that has tabs between them and spaces or commas between these,
/// and which of both.
fn tabbed(line: &[u8]) -> Option<(&[u8], &[u8], u8)> {
    let at = memrchr(b'\t', line)?;
    let word_end = before_run(&line[..at], b'\t');
    let (word, rest) = (&line[..word_end], &line[at + 1..]);
    let separator = if memchr(b' ', rest).is_some() { b' ' } else { b',' };
    let fields = || rest.split(|&byte| byte == separator);
    // One comma between digits may be that of a decimal.
    let is_plain = separator == b' '
        || (memchr(b'\t', word).is_none()
            && (fields().count() > 2 || fields().any(|field| field.contains(&b'.'))));
    let is_row = word_end > 0 && is_plain && fields().count() > 1;
    (is_row && fields().all(|field| number(field).is_some())).then_some((word, rest, separator))
}

/// Whether a word ends with a no-break space and a number, which a reader would take for a part of it.
pub(in crate::format) fn hides_number(line: &[u8]) -> bool {
    let word = line.split(|byte| b" \t".contains(byte)).next().unwrap_or(line);
    let at = memchr::memmem::rfind(word, "\u{a0}".as_bytes()).filter(|&at| at > 0);
    at.is_some_and(|at| number(&word[at + 2..]).is_some())
}

/// How many components a trimmed line would have if its word contained no separator.
pub(in crate::format) fn components(line: &[u8]) -> usize {
    if let Some((_, numbers, separator)) = tabbed(line) {
        return numbers.split(|&byte| byte == separator).count();
    }
    let (separator, Some(_)) = separator(line) else { return 0 };
    let fields = line.split(|&byte| byte == separator).filter(|field| !field.is_empty()).count();
    // A line that starts with a separator has a word before it that is empty or begins with one.
    if line.first() == Some(&separator) { fields } else { fields - 1 }
}

/// Splits a trimmed line into its word and `dim` numbers; `dim` is at least 1.
pub(in crate::format) fn parse<'l>(
    line: &'l [u8],
    dim: usize,
    vector: &mut Vec<f32>,
) -> Result<&'l [u8], Problem> {
    let (separator, first) = separator(line);
    let Some(first) = first else {
        return Err(Problem::wrong_dimension(line, dim, 0));
    };
    // Nearly every row: a word without separators, then numbers with one separator each.
    if first > 0 && numbers(&line[first + 1..], separator, dim, vector) {
        return Ok(&line[..first]);
    }
    if let Some((word, rest, separator)) = tabbed(line)
        && numbers(rest, separator, dim, vector)
    {
        return Ok(word);
    }
    parse_from_right(line, separator, dim, vector)
}

/// Whether `rest` is exactly `dim` numbers with one separator between two; they are in `vector`.
fn numbers(mut rest: &[u8], separator: u8, dim: usize, vector: &mut Vec<f32>) -> bool {
    vector.clear();
    for i in 1..=dim {
        let Ok((value, length)) = fast_float2::parse_partial::<f32, _>(rest) else {
            return false;
        };
        vector.push(value);
        match rest[length..].split_first() {
            None => return i == dim,
            Some((&byte, more)) if byte == separator => rest = more,
            Some(_) => return false,
        }
    }
    false
}

fn parse_from_right<'l>(
    line: &'l [u8],
    separator: u8,
    dim: usize,
    vector: &mut Vec<f32>,
) -> Result<&'l [u8], Problem> {
    let (word, fields) = split(line, separator, dim)?;
    vector.clear();
    let mut shortest = usize::MAX;
    for field in fields.split(|&byte| byte == separator).filter(|field| !field.is_empty()) {
        let Some(value) = number(field) else {
            return Err(unreadable(word, field, vector.len() + 1));
        };
        vector.push(value);
        shortest = shortest.min(field.len());
    }
    if word.is_empty() {
        let detail = "no word stands before the numbers".to_owned();
        return Err(Problem::new(Reason::EmptyWord, word, detail));
    }
    let mut more = word.split(|&byte| byte == separator);
    let first = more.next().unwrap_or(word);
    let like_own = |field: &[u8]| {
        let digits = field.iter().any(u8::is_ascii_digit);
        field.len() >= shortest && digits && number(field).is_some()
    };
    let surplus = more.clone().count();
    if surplus > 0 && more.all(like_own) {
        return Err(Problem::wrong_dimension(first, dim, dim + surplus));
    }
    Ok(word)
}

/// The word, and the last `dim` fields.
fn split(line: &[u8], separator: u8, dim: usize) -> Result<(&[u8], &[u8]), Problem> {
    let mut end = line.len();
    let mut padded = false;
    for got in 0..dim {
        let from = end;
        end = before_run(&line[..end], separator);
        padded |= end < from;
        let Some(before) = memrchr(separator, &line[..end]) else {
            let first = line.split(|&byte| byte == separator).next().unwrap_or(line);
            return Err(Problem::wrong_dimension(first, dim, got));
        };
        end = before;
    }
    let fields = &line[end + 1..];
    // In columns that are padded, so is the word's; else a separator before the last one is its own.
    let word_end = if padded { before_run(&line[..end], separator) } else { end };
    Ok((&line[..word_end], fields))
}

/// Where the separators begin that the bytes end with.
fn before_run(bytes: &[u8], separator: u8) -> usize {
    bytes.iter().rposition(|&byte| byte != separator).map_or(0, |i| i + 1)
}

fn number(field: &[u8]) -> Option<f32> {
    fast_float2::parse(field).ok()
}

fn unreadable(word: &[u8], field: &[u8], position: usize) -> Problem {
    let comma = if field.contains(&b',') { "; decimals are written with a point" } else { "" };
    let detail = format!("component {position}, \"{}\", is not a number{comma}", shown(field));
    Problem::new(Reason::UnreadableNumber, word, detail)
}
