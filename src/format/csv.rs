//! CSV and TSV: a record a row, fields in double quotes where they need them. A header is told by
//! looking; a vector is one field a component, or one field with a list in brackets.

use std::io::{self, Write};

use crate::error::{At, Result};
use crate::format::input::{BOM, Input};
use crate::format::write::Selection;
use crate::format::{Fault, Note, Reason, Row, RowReader, Step, malformed, shown, text};
use crate::limits;
use crate::vector::RowId;

/// Names of the column of words in a header, in lower case.
const WORD_NAMES: &[&[u8]] =
    &[b"word", b"token", b"text", b"key", b"term", b"name", b"label", b"index", b""];

/// The rows of a file.
pub(super) struct CsvReader {
    input: Input,
    delimiter: u8,
    fields: Fields,
    /// Which field is the word.
    word: usize,
    /// Fields of a record.
    width: usize,
    layout: Layout,
    dim: usize,
    /// Line ends consumed.
    lines: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// A field for each component.
    Wide,
    /// A field with all of them in brackets.
    List(usize),
}

/// The fields of a record, without their quotes.
#[derive(Default)]
struct Fields {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Fields {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, field: usize) -> &[u8] {
        let start = if field == 0 { 0 } else { self.ends[field - 1] };
        &self.bytes[start..self.ends[field]]
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|field| self.get(field))
    }

    /// Takes a record apart. Quotes within a field that does not begin with one are its own.
    fn split(&mut self, record: &[u8], delimiter: u8) {
        self.bytes.clear();
        self.ends.clear();
        let mut rest = record;
        loop {
            if let Some(quoted) = rest.strip_prefix(b"\"") {
                let mut at = 0;
                while at < quoted.len() {
                    match quoted[at] {
                        b'"' if quoted.get(at + 1) == Some(&b'"') => {
                            self.bytes.push(b'"');
                            at += 2;
                        }
                        b'"' => break,
                        byte => {
                            self.bytes.push(byte);
                            at += 1;
                        }
                    }
                }
                rest = quoted.get(at + 1..).unwrap_or(b"");
            }
            let end = memchr::memchr(delimiter, rest);
            self.bytes.extend_from_slice(&rest[..end.unwrap_or(rest.len())]);
            self.ends.push(self.bytes.len());
            match end {
                Some(end) => rest = &rest[end + 1..],
                None => return,
            }
        }
    }
}

/// Whether a file begins with a header that this program or pandas would write, or with two records
/// of a word and as many numbers. Rows between tabs without a header are lines of text as well.
pub(super) fn begins(head: &[u8], delimiter: u8) -> bool {
    let head = head.strip_prefix(BOM).unwrap_or(head);
    let Some((first, _)) = record(head, delimiter) else { return false };
    let (mut fields, mut below) = (Fields::default(), Fields::default());
    fields.split(text::trim(&head[..first]), delimiter);
    let second = record(&head[first..], delimiter).map_or(head.len() - first, |(end, _)| end);
    below.split(text::trim(&head[first..first + second]), delimiter);
    let number = |field: &[u8]| fast_float2::parse::<f32, _>(field.trim_ascii()).is_ok();
    let numbers = |fields: &Fields| fields.len() > 1 && fields.iter().skip(1).all(number);
    let named = fields.len() > 1
        && WORD_NAMES.contains(&fields.get(0).to_ascii_lowercase().as_slice())
        && (!numbers(&fields) || fields.iter().skip(1).enumerate().all(counts_from_0_or_1));
    if delimiter == b'\t' {
        return named && fields.get(0) != b"" && numbers(&below) && below.len() == fields.len();
    }
    let alike = numbers(&fields) && numbers(&below) && fields.len() == below.len();
    let lists = below.len() == 2 && below.iter().any(|field| field.starts_with(b"["));
    alike || (named && (numbers(&below) || lists))
}

fn counts_from_0_or_1((i, field): (usize, &[u8])) -> bool {
    field == i.to_string().as_bytes() || field == (i + 1).to_string().as_bytes()
}

/// The length of the record that bytes begin with, its line end included, and how many lines it
/// has; none if it does not end there.
fn record(bytes: &[u8], delimiter: u8) -> Option<(usize, u64)> {
    let (mut quoted, mut begins, mut lines) = (false, true, 0);
    for (i, &byte) in bytes.iter().enumerate() {
        match byte {
            b'"' if quoted => quoted = false,
            // A quote right behind the end of a quoted part is one of its own.
            b'"' if begins || (i > 0 && bytes[i - 1] == b'"') => quoted = true,
            b'\n' => {
                lines += 1;
                if !quoted {
                    return Some((i + 1, lines));
                }
            }
            _ => {}
        }
        begins = byte == delimiter && !quoted;
    }
    None
}

impl CsvReader {
    /// Looks at the first records. A byte order mark is let go.
    pub(super) fn open(mut input: Input, delimiter: u8) -> Result<Self> {
        if input.fill_to(BOM.len())? && input.window().starts_with(BOM) {
            input.consume(BOM.len());
        }
        let mut reader = Self {
            input,
            delimiter,
            fields: Fields::default(),
            word: 0,
            width: 0,
            layout: Layout::Wide,
            dim: 0,
            lines: 0,
        };
        let Some((length, lines)) = reader.next_record()? else {
            return Err(reader.wrong("the file is empty"));
        };
        reader.split(length);
        reader.width = reader.fields.len();
        if reader.width < 2 {
            return Err(reader.wrong("a row has a word and its components; here is one field"));
        }
        if reader.is_header() {
            let name = |field: &[u8]| WORD_NAMES.contains(&field.to_ascii_lowercase().as_slice());
            reader.word = reader.fields.iter().position(name).unwrap_or(0);
            reader.input.consume(length);
            reader.lines += lines;
            if let Some((length, _)) = reader.next_record()? {
                reader.split(length);
            }
        }
        let list = reader.fields.iter().position(|field| field.starts_with(b"["));
        match list.filter(|&field| field != reader.word || reader.width == 2) {
            Some(field) if reader.width == 2 || field != reader.word => {
                if field == reader.word {
                    reader.word = 1 - field;
                }
                reader.layout = Layout::List(field);
                reader.dim = list_items(reader.fields.get(field)).count();
            }
            Some(_) | None => reader.dim = reader.width - 1,
        }
        crate::format::tensor::check_dim(reader.dim, "the first row")?;
        Ok(reader)
    }

    /// Whether the first record names columns: a field beside the word's is no number, or they
    /// count.
    fn is_header(&self) -> bool {
        let rest = || self.fields.iter().skip(1);
        let number = |field: &[u8]| fast_float2::parse::<f32, _>(field.trim_ascii()).is_ok();
        if rest().any(|field| !field.starts_with(b"[") && !number(field)) {
            return true;
        }
        let counts = |from: usize| {
            let mut numbers = from..;
            rest().all(|field| numbers.next().is_some_and(|n| n.to_string().as_bytes() == field))
        };
        let first = self.fields.get(0).to_ascii_lowercase();
        let named = !first.is_empty() && WORD_NAMES.contains(&first.as_slice());
        (self.width > 2 || named) && (counts(0) || (counts(1) && self.width > 2))
    }

    fn split(&mut self, length: usize) {
        let record = &self.input.window()[..length];
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        self.fields.split(record, self.delimiter);
    }

    /// The length of the next record and how many lines it has.
    fn next_record(&mut self) -> Result<Option<(usize, u64)>> {
        loop {
            let window = self.input.window();
            if let Some(found) = record(window, self.delimiter) {
                return Ok(Some(found));
            }
            if window.len() > limits::LINE_BYTES_MAX {
                let max = limits::LINE_BYTES_MAX;
                let problem = format!(
                    "the record is longer than LINE_BYTES_MAX, {max} bytes; a quote may be open"
                );
                return Err(self.wrong(problem));
            }
            if !self.input.fill()? {
                let length = self.input.window().len();
                return Ok((length > 0).then_some((length, 1)));
            }
        }
    }

    fn wrong(&self, problem: impl Into<String>) -> crate::error::Error {
        let name = if self.delimiter == b'\t' { "tsv" } else { "csv" };
        malformed(name, At::Line(self.lines + 1), problem)
    }

    /// The row of the fields.
    fn row(&mut self, row: &mut Row) -> Result<(), (Reason, String)> {
        if self.fields.len() != self.width {
            let detail = format!("{} fields, the first row has {}", self.fields.len(), self.width);
            return Err((Reason::WrongDimension, detail));
        }
        let word = self.fields.get(self.word);
        if word.is_empty() {
            return Err((Reason::EmptyWord, "there is no word".to_owned()));
        }
        row.word.clear();
        row.word.extend_from_slice(word);
        row.vector.clear();
        let number = |vector: &mut Vec<f32>, field: &[u8]| {
            let value = fast_float2::parse(field.trim_ascii()).map_err(|_| {
                let (place, shown) = (vector.len() + 1, shown(field));
                let detail = format!("component {place}, \"{shown}\", is not a number");
                (Reason::UnreadableNumber, detail)
            })?;
            vector.push(value);
            Ok(())
        };
        match self.layout {
            Layout::Wide => {
                let mut fields = (0..self.width).filter(|&field| field != self.word);
                fields.try_for_each(|field| number(&mut row.vector, self.fields.get(field)))
            }
            Layout::List(field) => {
                let mut items = list_items(self.fields.get(field));
                items.try_for_each(|item| number(&mut row.vector, item))?;
                if row.vector.len() == self.dim {
                    return Ok(());
                }
                let detail =
                    format!("{} components, the first row has {}", row.vector.len(), self.dim);
                Err((Reason::WrongDimension, detail))
            }
        }
    }
}

/// What stands in brackets between commas or spaces.
fn list_items(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    let field = field.trim_ascii();
    let field = field.strip_prefix(b"[").unwrap_or(field);
    let field = field.strip_suffix(b"]").unwrap_or(field);
    field.split(|byte| b", \n\r\t".contains(byte)).filter(|item| !item.is_empty())
}

impl RowReader for CsvReader {
    fn dim(&self) -> usize {
        self.dim
    }

    fn claimed_rows(&self) -> Option<u64> {
        None
    }

    fn read(&mut self, row: &mut Row) -> Result<Step> {
        loop {
            let Some((length, lines)) = self.next_record()? else { return Ok(Step::End) };
            let is_blank = text::trim(&self.input.window()[..length]).is_empty();
            if !is_blank {
                self.split(length);
            }
            self.input.consume(length);
            let at = At::Line(self.lines + 1);
            self.lines += lines;
            if is_blank {
                // Blank lines are no records of CSV.
                continue;
            }
            row.at = at;
            return Ok(match self.row(row) {
                Ok(()) => Step::Row,
                Err((reason, detail)) => {
                    let has_word = self.word < self.fields.len();
                    let word =
                        if has_word { shown(self.fields.get(self.word)) } else { String::new() };
                    Step::Fault(Fault { reason, at, word, detail })
                }
            });
        }
    }

    fn notes(&self) -> Vec<Note> {
        Vec::new()
    }
}

/// What stands before the first row.
pub(super) fn push_header(dim: usize, delimiter: u8, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.extend_from_slice(b"word");
    for component in 0..dim {
        bytes.push(delimiter);
        write!(bytes, "{component}")?;
    }
    bytes.push(b'\n');
    Ok(())
}

pub(super) fn push_row(
    table: &Selection<'_>,
    row: RowId,
    delimiter: u8,
    bytes: &mut Vec<u8>,
) -> io::Result<()> {
    push_field(table.word(row), delimiter, bytes);
    for value in table.vector(row) {
        bytes.push(delimiter);
        write!(bytes, "{value:?}")?;
    }
    bytes.push(b'\n');
    Ok(())
}

/// A field, in quotes if it needs them.
pub(super) fn push_field(field: &[u8], delimiter: u8, bytes: &mut Vec<u8>) {
    let plain = |byte: &u8| *byte != delimiter && !b"\"\r\n[ ".contains(byte);
    // A byte order mark in the beginning would be let go.
    if field.iter().all(plain) && !field.starts_with(BOM) {
        bytes.extend_from_slice(field);
        return;
    }
    bytes.push(b'"');
    for &byte in field {
        if byte == b'"' {
            bytes.push(b'"');
        }
        bytes.push(byte);
    }
    bytes.push(b'"');
}
