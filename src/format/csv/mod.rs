//! CSV and TSV: a record a row, fields in double quotes where they need them.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `record.rs` | records and their fields |
//! | `columns.rs` | what each column is, by its name and the first row |
//! | `write.rs` | tables as records |
//!
//! A header is told by looking; a vector is one field a component, or one field with a list in
//! brackets. Further columns with a name are attributes: a field in quotes is a text, `true` and
//! `false` are flags, what reads as a finite number is one, and an empty field is none.

mod columns;
mod record;
mod write;

use crate::error::{At, Result};
use crate::format::entry::{Entry, Read, Told, Writer};
use crate::format::lines::line::trim;
use crate::format::source::input::{BOM, Input};
use crate::format::tensor::check_dim;
use crate::format::whole::Choices;
use crate::format::{Fault, Note, Reason, Row, RowReader, Step, malformed, shown};
use crate::limits;
use crate::table::attributes::{AttributeValue, Attributes};

use columns::{Columns, Vector};
use record::{Fields, list_items, record, without_end};

pub(super) const CSV: Entry = Entry {
    name: "csv",
    title: "CSV",
    about: "Fields between commas",
    suffixes: &["csv"],
    is_told_by_suffix: true,
    begins: |head| Told::likely(columns::begins(head.bytes, b',')),
    read: Read::Stream(|input, _: &Choices| Ok(Box::new(CsvReader::open(input, b',')?))),
    write: Some(Writer {
        write: |table, out| write::write(table, b',', out),
        has_attributes: true,
        ..Writer::DEFAULT
    }),
    ..Entry::DEFAULT
};

pub(super) const TSV: Entry = Entry {
    name: "tsv",
    title: "TSV",
    about: "Fields between tabs",
    suffixes: &["tsv"],
    is_told_by_suffix: true,
    begins: |head| Told::likely(columns::begins(head.bytes, b'\t')),
    read: Read::Stream(|input, _: &Choices| Ok(Box::new(CsvReader::open(input, b'\t')?))),
    write: Some(Writer {
        write: |table, out| write::write(table, b'\t', out),
        has_attributes: true,
        ..Writer::DEFAULT
    }),
    ..Entry::DEFAULT
};

/// The rows of a file.
struct CsvReader {
    input: Input,
    delimiter: u8,
    fields: Fields,
    /// Fields of a record.
    width: usize,
    columns: Columns,
    dim: usize,
    /// Line ends consumed.
    lines: u64,
    /// Where the first text was that is not UTF-8, and of which attribute.
    mended: Option<(At, String)>,
}

impl CsvReader {
    /// Looks at the first records. A byte order mark is let go.
    fn open(mut input: Input, delimiter: u8) -> Result<Self> {
        if input.fill_to(BOM.len())? && input.window().starts_with(BOM) {
            input.consume(BOM.len());
        }
        let fields = Fields::default();
        let columns = Columns::of(None, &fields);
        let mut reader =
            Self { input, delimiter, fields, width: 0, columns, dim: 0, lines: 0, mended: None };
        let Some((length, lines)) = reader.next_record()? else {
            return Err(reader.wrong("the file is empty"));
        };
        reader.split(length);
        reader.width = reader.fields.len();
        if reader.width < 2 {
            return Err(reader.wrong("a row has a word and its components; here is one field"));
        }
        let header = columns::is_header(&reader.fields).then(|| std::mem::take(&mut reader.fields));
        if header.is_some() {
            reader.input.consume(length);
            reader.lines += lines;
            if let Some((length, _)) = reader.next_record()? {
                reader.split(length);
            }
        }
        reader.columns = Columns::of(header.as_ref(), &reader.fields);
        reader.dim = match &reader.columns.vector {
            Vector::List(field) => list_items(reader.fields.get(*field)).count(),
            Vector::Wide(columns) => columns.len(),
        };
        if reader.dim == 0 {
            return Err(reader.wrong("no column of the first row holds numbers"));
        }
        check_dim(reader.dim, "the first row")?;
        Ok(reader)
    }

    fn split(&mut self, length: usize) {
        let record = without_end(&self.input.window()[..length]);
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
        let word = self.fields.get(self.columns.word);
        if word.is_empty() {
            return Err((Reason::EmptyWord, "there is no word".to_owned()));
        }
        row.word.clear();
        row.word.extend_from_slice(word);
        row.vector.clear();
        match &self.columns.vector {
            Vector::Wide(columns) => {
                let mut fields = columns.iter();
                fields.try_for_each(|&field| push(&mut row.vector, self.fields.get(field)))?;
            }
            Vector::List(field) => {
                let mut items = list_items(self.fields.get(*field));
                items.try_for_each(|item| push(&mut row.vector, item))?;
                if row.vector.len() != self.dim {
                    let detail =
                        format!("{} components, the first row has {}", row.vector.len(), self.dim);
                    return Err((Reason::WrongDimension, detail));
                }
            }
        }
        self.attributes(row);
        Ok(())
    }

    fn attributes(&mut self, row: &mut Row) {
        row.attributes = Attributes::new();
        for (column, name) in &self.columns.attributes {
            let field = self.fields.get(*column);
            let quoted = self.fields.is_quoted(*column);
            let Some(value) = attribute(field, quoted) else { continue };
            if self.mended.is_none() && std::str::from_utf8(field).is_err() {
                self.mended = Some((row.at, name.clone()));
            }
            row.attributes.set(name.clone(), value);
        }
    }
}

fn push(vector: &mut Vec<f32>, field: &[u8]) -> Result<(), (Reason, String)> {
    let value = fast_float2::parse(field.trim_ascii()).map_err(|_| {
        let (place, shown) = (vector.len() + 1, shown(field));
        let detail = format!("component {place}, \"{shown}\", is not a number");
        (Reason::UnreadableNumber, detail)
    })?;
    vector.push(value);
    Ok(())
}

/// What a field says; none if it is empty.
fn attribute(field: &[u8], quoted: bool) -> Option<AttributeValue> {
    let text = || AttributeValue::Text(String::from_utf8_lossy(field).into_owned());
    if quoted {
        return Some(text());
    }
    let number = fast_float2::parse(field).ok().filter(|number: &f64| number.is_finite());
    match field {
        b"" => None,
        b"true" | b"True" | b"TRUE" => Some(AttributeValue::Flag(true)),
        b"false" | b"False" | b"FALSE" => Some(AttributeValue::Flag(false)),
        _ => Some(number.map_or_else(text, AttributeValue::Number)),
    }
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
            let is_blank = trim(&self.input.window()[..length]).is_empty();
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
                    let word = shown(self.fields.get(self.columns.word));
                    Step::Fault(Fault { reason, at, word, detail })
                }
            });
        }
    }

    fn notes(&self) -> Vec<Note> {
        let mended = self.mended.iter().map(|(at, name)| Note {
            reason: "attribute",
            done: "U+FFFD replaced what is not UTF-8",
            at: *at,
            detail: shown(name.as_bytes()),
        });
        self.columns.notes.iter().cloned().chain(mended).collect()
    }
}
