//! The values of a JSON file, one by one: a line each, the items of one array, or the entries of one
//! object.

use crate::error::{At, Result};
use crate::format::entry::HEAD_BYTES;
use crate::format::source::input::Input;
use crate::limits;
use crate::text::foreign::without_marks;

/// How values stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// A value a line.
    Lines,
    /// Values one behind the other, over several lines each.
    Values,
    /// One array of them.
    Array,
    /// One object: words, and their vectors.
    Object,
}

impl Layout {
    /// What a file's beginning looks like, without its byte order mark; `is_all` if it is the file.
    /// None if it does not begin as JSON does.
    pub(super) fn of(head: &[u8], is_all: bool) -> Option<Self> {
        let head = without_marks(head).trim_ascii_start();
        let line = head.split(|&byte| byte == b'\n').next().unwrap_or(head);
        let is_line = line.len() < head.len() || is_all;
        let inner = head.get(1..)?.trim_ascii_start();
        let within = inner.get(1..).unwrap_or_default().trim_ascii_start();
        match (head[0], inner.first()?) {
            // A row is an array itself, of a word and its vector.
            (b'[', b'"') if !is_line || end(line, 0).is_some() => Some(Self::Lines),
            (b'[', b'{' | b'[') if within.starts_with(b"\"") => Some(Self::Array),
            (b'{', b'"') => Self::of_object(head, line, is_line),
            _ => None,
        }
    }

    fn of_object(head: &[u8], line: &[u8], is_line: bool) -> Option<Self> {
        let values = first_values(head, VALUES_LOOKED_AT);
        let is_whole = !is_line || end(line, 0).is_some();
        let next = head.get(line.len()..).unwrap_or_default().trim_ascii_start();
        let is_only = is_whole && next.is_empty();
        // A row has one array at most beside its word, and is not alone if it stands in a line.
        let all = |wanted| !values.is_empty() && values.iter().all(|&first| first == wanted);
        if (all(b'[') || all(b'{'))
            && (values.len() > 1 || is_only)
            && !(is_whole && next.starts_with(b"{"))
        {
            return Some(Self::Object);
        }
        // The first line may be cut where another stands below it.
        let below = head.get(line.len() + 1..).unwrap_or_default();
        let is_cut = line.starts_with(b"{\"") && below.starts_with(b"{\"") && {
            let below = below.split(|&byte| byte == b'\n').next().unwrap_or(below);
            end(below, 0).is_some()
        };
        let layout = if is_whole || is_cut { Self::Lines } else { Self::Values };
        (!values.is_empty()).then_some(layout)
    }
}

/// What to do about a file whose words and numbers stand apart, as pandas writes in most orients.
fn told(head: &[u8], is_all: bool) -> Option<&'static str> {
    let head = without_marks(head).trim_ascii_start();
    let inner = head.get(1..)?.trim_ascii_start();
    let within = inner.get(1..).unwrap_or_default().trim_ascii_start();
    let is_number = |first: &u8| first.is_ascii_digit() || *first == b'-';
    match (head[0], inner.first()?) {
        (b'[', b'[') if within.first().is_some_and(is_number) => Some(
            "these are lists of numbers without words: save them with numpy.save, and put the words, one \
             a line, into a file beside",
        ),
        (b'{', b'"') => apart(head, is_all),
        _ => None,
    }
}

/// The same of an object.
fn apart(object: &[u8], is_all: bool) -> Option<&'static str> {
    let entries = entries(object, COLUMNS_LOOKED_AT);
    let first = *entries.first()?;
    let begins = |entry: Entry, with: &[u8]| {
        let value = &object[entry.value.min(object.len())..];
        value.strip_prefix(b"[").is_some_and(|list| list.trim_ascii_start().starts_with(with))
    };
    let key = |entry: Entry| &object[entry.key..entry.key_end];
    let is_split = entries.len() > 1
        && key(first) == b"\"columns\""
        && [&b"\"index\""[..], b"\"data\""].contains(&key(entries[1]));
    if is_split {
        return Some(
            "this is a table of pandas in the orient \"split\", which has words and numbers apart: write \
             it with orient=\"index\" if its index are the words, else with orient=\"records\"",
        );
    }
    let all = |first| entries.iter().all(|entry| object.get(entry.value) == Some(&first));
    if all(b'{') && holds_columns(object, &entries, is_all) {
        return Some(
            "this is a table of pandas by its columns, as to_json() writes unless told otherwise: write it \
             with orient=\"index\" if its index are the words, else with orient=\"records\"",
        );
    }
    (all(b'[') && begins(first, b"\"")).then_some(
        "this is a list of words and, apart from it, their vectors: write a word with its vector, {\"word\": \
         \"the\", \"vector\": [0.1, 0.2]}, a line each",
    )
}

/// Whether an object of objects has columns, each with a value for each row; else it has rows, each with
/// a value for each column.
fn holds_columns(object: &[u8], outer: &[Entry], is_all: bool) -> bool {
    let first = outer[0];
    let within = &object[first.value..first.end.unwrap_or(object.len())];
    let inner = entries(within, COLUMNS_LOOKED_AT);
    let names_words = |bytes: &[u8], entries: &[Entry]| {
        entries.iter().take(4).any(|entry| WORDS.contains(&&bytes[entry.key..entry.key_end]))
    };
    let is_numbered = |bytes: &[u8], entries: &[Entry]| {
        let number = |entry: &Entry| {
            let key = bytes[entry.key..entry.key_end].trim_ascii_end();
            let digits =
                key[..key.len() - 1].iter().rev().take_while(|b| b.is_ascii_digit()).count();
            let digits = &key[key.len() - 1 - digits..key.len() - 1];
            std::str::from_utf8(digits).ok()?.parse::<u32>().ok()
        };
        let numbers: Vec<_> = entries.iter().take(3).map(number).collect();
        numbers.len() > 1
            && numbers.windows(2).all(|pair| pair[0].is_some_and(|n| pair[1] == n.checked_add(1)))
    };
    if names_words(within, &inner) || names_words(object, outer) {
        return !names_words(within, &inner);
    }
    if first.end.is_none() {
        return !is_all;
    }
    match (is_numbered(object, outer), is_numbered(within, &inner)) {
        (true, false) => true,
        (false, true) => false,
        _ => is_all && inner.len() > outer.len(),
    }
}

/// Names of a column of words.
const WORDS: [&[u8]; 4] = [b"\"word\"", b"\"token\"", b"\"words\"", b"\"term\""];
/// Entries of an object that tell columns from rows.
const COLUMNS_LOOKED_AT: usize = 1 << 16;
/// Values of an object that tell what it is.
const VALUES_LOOKED_AT: usize = 16;

/// The first bytes of the first values of an object.
fn first_values(object: &[u8], count: usize) -> Vec<u8> {
    entries(object, count).iter().map(|entry| object[entry.value]).collect()
}

/// Where an entry of an object stands.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: usize,
    key_end: usize,
    value: usize,
    /// Where the value ends, if that is in these bytes.
    end: Option<usize>,
}

/// The first entries of an object.
fn entries(object: &[u8], count: usize) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut at = 1;
    while found.len() < count {
        let Some(key) = skip_space(object, at).filter(|&key| object[key] == b'"') else { break };
        let Some(key_end) = end(object, key) else { break };
        let Some(colon) = skip_space(object, key_end) else { break };
        let Some(value) = skip_space(object, colon + 1).filter(|_| object[colon] == b':') else {
            break;
        };
        let end = end(object, value);
        found.push(Entry { key, key_end, value, end });
        let Some(comma) = end.and_then(|end| skip_space(object, end)) else { break };
        if object[comma] != b',' {
            break;
        }
        at = comma + 1;
    }
    found
}

pub(super) fn skip_space(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.iter().position(|byte| !byte.is_ascii_whitespace()).map(|skipped| from + skipped)
}

/// Where the value ends that begins there; none if it does not end in these bytes. What stands within
/// is not checked.
pub(super) fn end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut walk = Walk::default();
    walk.run(bytes, from)
}

/// Walks over a value without going into what it holds.
#[derive(Clone, Copy, Debug, Default)]
struct Walk {
    depth: usize,
    in_text: bool,
    is_escaped: bool,
    /// Bytes walked over.
    walked: usize,
}

impl Walk {
    /// Goes on to the value's end, if it is there.
    fn run(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        while let Some(&byte) = bytes.get(from + self.walked) {
            if self.depth == 0 && !self.in_text && self.walked > 0 {
                // A number, true, false, null: up to what cannot be a part of it.
                let before = bytes[from + self.walked - 1];
                if matches!(before, b'}' | b']' | b'"') || b",]} \t\r\n:".contains(&byte) {
                    return Some(from + self.walked);
                }
            }
            self.walked += 1;
            if self.is_escaped {
                self.is_escaped = false;
            } else if self.in_text {
                self.is_escaped = byte == b'\\';
                self.in_text = byte != b'"';
            } else {
                match byte {
                    b'"' => self.in_text = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
            }
            if self.depth == 0 && !self.in_text && matches!(byte, b'}' | b']' | b'"') {
                return Some(from + self.walked);
            }
        }
        None
    }
}

/// A value, or an entry, in the input's window.
pub(super) struct Found {
    /// The key of an entry of an object.
    pub(super) key: Option<std::ops::Range<usize>>,
    pub(super) value: std::ops::Range<usize>,
    pub(super) at: At,
    /// Bytes to be consumed behind it.
    pub(super) end: usize,
}

/// Reads values one by one.
pub(super) struct Records {
    pub(super) input: Input,
    layout: Layout,
    lines: u64,
    values: u64,
}

impl Records {
    /// A byte order mark is let go. A file whose words and numbers stand apart is refused.
    pub(super) fn open(mut input: Input, layout: Layout) -> Result<Self> {
        let is_all = input.window().len() < HEAD_BYTES;
        if let Some(problem) = told(input.window(), is_all) {
            return Err(input.malformed(At::Byte(0), problem));
        }
        input.pass_marks()?;
        let mut records = Self { input, layout, lines: 0, values: 0 };
        if matches!(layout, Layout::Array | Layout::Object) {
            let begin = records.space(0)?.unwrap_or(0);
            records.input.consume(begin + 1);
        }
        Ok(records)
    }

    /// The next value behind `from` bytes of the window; none at the end.
    pub(super) fn find(&mut self, from: usize, number: u64) -> Result<Option<Found>> {
        if self.layout == Layout::Lines {
            return self.line(from, number);
        }
        let at = At::Row(self.values + number);
        let close = if self.layout == Layout::Object { b'}' } else { b']' };
        let has_frame = self.layout != Layout::Values;
        let Some(mut begin) = self.space(from)? else {
            return if has_frame { Err(self.cut_off(at)) } else { Ok(None) };
        };
        if has_frame && self.input.window()[begin] == b',' && self.values + number > 0 {
            begin = self.space(begin + 1)?.ok_or_else(|| self.cut_off(at))?;
        }
        if has_frame && self.input.window()[begin] == close {
            return Ok(None);
        }
        let key = if self.layout == Layout::Object {
            let end = self.value(begin, at)?;
            let key = begin..end;
            let colon = self.space(end)?.ok_or_else(|| self.cut_off(at))?;
            if self.input.window()[colon] != b':' {
                return Err(self.input.malformed(at, "no colon stands behind the word"));
            }
            begin = self.space(colon + 1)?.ok_or_else(|| self.cut_off(at))?;
            Some(key)
        } else {
            None
        };
        let end = self.value(begin, at)?;
        Ok(Some(Found { key, value: begin..end, at, end }))
    }

    /// Goes on behind a value that was found first in the window.
    pub(super) fn pass(&mut self, found: &Found) {
        self.input.consume(found.end);
        self.values += 1;
        self.lines += u64::from(self.layout == Layout::Lines);
    }

    fn line(&mut self, from: usize, number: u64) -> Result<Option<Found>> {
        let number = self.lines + number;
        let length = self.input.line_at(from, number + 1)?;
        let found = || Found {
            key: None,
            value: from..from + length,
            at: At::Line(number + 1),
            end: from + length,
        };
        Ok((length > 0).then(found))
    }

    /// Where the next byte stands that is no space.
    fn space(&mut self, mut from: usize) -> Result<Option<usize>> {
        loop {
            if let Some(at) = skip_space(self.input.window(), from) {
                return Ok(Some(at));
            }
            from = self.input.window().len();
            self.check(from)?;
            if !self.input.fill()? {
                return Ok(None);
            }
        }
    }

    fn value(&mut self, begin: usize, at: At) -> Result<usize> {
        let mut walk = Walk::default();
        loop {
            if let Some(end) = walk.run(self.input.window(), begin) {
                return Ok(end);
            }
            self.check(walk.walked)?;
            if !self.input.fill()? {
                return Err(self.cut_off(at));
            }
        }
    }

    fn check(&self, bytes: usize) -> Result<()> {
        if bytes <= limits::LINE_BYTES_MAX {
            return Ok(());
        }
        let at = At::Row(self.values);
        let max = limits::LINE_BYTES_MAX;
        Err(self.input.malformed(at, format!("a value is longer than LINE_BYTES_MAX, {max} bytes")))
    }

    fn cut_off(&self, at: At) -> crate::error::Error {
        self.input.malformed(at, "the file ends within it; it is not complete")
    }
}
