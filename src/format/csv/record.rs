//! Records between delimiters, and their fields with and without quotes.

use memchr::memchr;

use crate::limits;

/// The fields of a record, without their quotes.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    bytes: Vec<u8>,
    /// Where each ends, and whether it stands in quotes.
    ends: Vec<(usize, bool)>,
}

impl Fields {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field; nothing if the record is too short.
    pub(super) fn get(&self, field: usize) -> &[u8] {
        let Some(&(end, _)) = self.ends.get(field) else { return b"" };
        let start = if field == 0 { 0 } else { self.ends[field - 1].0 };
        &self.bytes[start..end]
    }

    /// Whether the field stands in quotes.
    pub(super) fn is_quoted(&self, field: usize) -> bool {
        self.ends.get(field).is_some_and(|&(_, quoted)| quoted)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|field| self.get(field))
    }

    /// Takes a record apart. A quote is a character of its field unless the field begins with it and
    /// ends with another.
    pub(super) fn split(&mut self, record: &[u8], delimiter: u8) {
        self.bytes.clear();
        self.ends.clear();
        let mut rest = record;
        loop {
            let quoted = rest.strip_prefix(b"\"").and_then(|inner| quoted(inner, delimiter));
            let end = if let Some(length) = quoted {
                self.push_quoted(&rest[1..=length]);
                // The closing quote is followed by a delimiter or nothing.
                Some(length + 2).filter(|&end| end < rest.len())
            } else {
                let end = memchr(delimiter, rest);
                self.bytes.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
                end
            };
            self.ends.push((self.bytes.len(), quoted.is_some()));
            match end {
                Some(end) => rest = &rest[end + 1..],
                None => return,
            }
        }
    }

    fn push_quoted(&mut self, inner: &[u8]) {
        let mut bytes = inner.iter();
        while let Some(&byte) = bytes.next() {
            self.bytes.push(byte);
            if byte == b'"' {
                // The second of two.
                bytes.next();
            }
        }
    }
}

/// The length of a quoted field's inside, which the bytes begin with behind its first quote; none if
/// no quote closes it before a delimiter or the end.
fn quoted(inner: &[u8], delimiter: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr(b'"', &inner[at..])?;
        match inner.get(at + 1) {
            Some(b'"') => at += 2,
            None => return Some(at),
            Some(&next) => return (next == delimiter).then_some(at),
        }
    }
}

/// The length of the record that bytes begin with, its line end included, and how many lines it has;
/// none if more bytes must tell. `is_row` says whether a line is a row if quotes are characters, and
/// `is_all` that no more bytes come.
///
/// A quoted field goes over line ends. But where the quote of a field is not closed in its own line,
/// and both that line and the next are rows as they stand, it is a character: a table of words has
/// the word `"`.
pub(super) fn record(
    bytes: &[u8],
    delimiter: u8,
    is_row: impl Fn(&[u8]) -> bool,
    is_all: bool,
) -> Option<(usize, u64)> {
    let line_end = |from: usize| match memchr(b'\n', &bytes[from..]) {
        Some(end) => Some(from + end + 1),
        None => is_all.then_some(bytes.len()),
    };
    let first = line_end(0).filter(|&end| end > 0)?;
    let mut scan = Scan { at: 0, is_open: false, begins: true };
    scan.run(&bytes[..first], delimiter);
    if !scan.is_open {
        return Some((first, 1));
    }
    if is_row(without_end(&bytes[..first])) {
        let second = line_end(first)?;
        let next = without_end(&bytes[first..second]);
        let is_end = next.is_empty() && is_all && second == bytes.len();
        if is_end || is_row(next) {
            return Some((first, 1));
        }
    }
    let mut lines = 1;
    while scan.is_open {
        let end = line_end(scan.at)?;
        if end == scan.at || end > limits::LINE_BYTES_MAX {
            // Nothing closes it: it is a character after all.
            return Some((first, 1));
        }
        scan.run(&bytes[..end], delimiter);
        lines += 1;
    }
    Some((scan.at, lines))
}

/// Walks over lines, and knows whether a quoted field is open.
struct Scan {
    at: usize,
    is_open: bool,
    /// Whether a field begins here.
    begins: bool,
}

impl Scan {
    /// Goes to the end of the bytes, which is that of a line.
    fn run(&mut self, bytes: &[u8], delimiter: u8) {
        while let Some(&byte) = bytes.get(self.at) {
            if self.is_open {
                let Some(quote) = memchr(b'"', &bytes[self.at..]) else {
                    self.at = bytes.len();
                    return;
                };
                self.at += quote + 1;
                if bytes.get(self.at) == Some(&b'"') {
                    self.at += 1;
                } else {
                    self.is_open = false;
                }
                continue;
            }
            self.is_open = self.begins && byte == b'"';
            self.begins = byte == delimiter || byte == b'\n';
            self.at += 1;
        }
    }
}

/// A record without its line end.
pub(super) fn without_end(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    record.strip_suffix(b"\r").unwrap_or(record)
}

/// What stands in brackets between commas or spaces.
pub(super) fn list_items(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    let field = field.trim_ascii();
    let field = field.strip_prefix(b"[").unwrap_or(field);
    let field = field.strip_suffix(b"]").unwrap_or(field);
    field.split(|byte| b", \n\r\t".contains(byte)).filter(|item| !item.is_empty())
}
