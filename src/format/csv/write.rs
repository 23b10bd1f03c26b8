//! Tables as CSV and TSV.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::error::Result;
use crate::format::json;
use crate::format::selection::{Selection, each_row, unsuited};
use crate::format::source::input::BOM;
use crate::table::attributes::AttributeValue;
use crate::vector::RowId;

/// Refuses a text that would come back as a list.
pub(super) fn check(table: &Selection<'_>) -> Result<()> {
    let texts = table.rows().flat_map(|row| {
        let kept = table.view.attributes(row).iter();
        kept.filter_map(move |(name, value)| Some((row, name, value.text()?)))
    });
    let mut lists = texts.filter(|(_, _, text)| json::list(text.as_bytes()).is_some());
    lists.next().map_or(Ok(()), |(row, name, _)| {
        let because = format!(
            "has in \"{name}\" a text that reads as a list; json-lines, arrow and parquet can carry it"
        );
        Err(unsuited(table, row, "writing csv", &because))
    })
}

/// Writes a table, its header first.
pub(super) fn write(
    table: &Selection<'_>,
    delimiter: u8,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let writer = CsvWriter::new(table, delimiter);
    let mut header = Vec::new();
    writer.push_header(table.dim(), &mut header)?;
    out.write_all(&header)?;
    each_row(table, out, |row, bytes| writer.push_row(table, row, bytes))
}

/// How rows are written.
struct CsvWriter {
    delimiter: u8,
    /// The attributes that any row has.
    attributes: Vec<String>,
    guards_formulas: bool,
}

impl CsvWriter {
    /// For these rows.
    fn new(table: &Selection<'_>, delimiter: u8) -> Self {
        let guards_formulas = table.guards_formulas;
        Self { delimiter, attributes: table.attribute_names(), guards_formulas }
    }

    /// What stands before the first row. Names of attributes are quoted, so that none is taken for a
    /// component.
    fn push_header(&self, dim: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
        bytes.extend_from_slice(b"word");
        for component in 0..dim {
            bytes.push(self.delimiter);
            write!(bytes, "{component}")?;
        }
        for name in &self.attributes {
            bytes.push(self.delimiter);
            push_quoted(&self.guarded(name.as_bytes()), bytes);
        }
        bytes.push(b'\n');
        Ok(())
    }

    /// A row. Texts are quoted, so that none comes back as a number, a flag or a date; lists are JSON in
    /// quotes; what the word does not have is an empty field.
    fn push_row(&self, table: &Selection<'_>, row: RowId, bytes: &mut Vec<u8>) -> io::Result<()> {
        push_field(&self.guarded(table.word(row)), self.delimiter, bytes);
        for value in &*table.vector(row) {
            bytes.push(self.delimiter);
            write!(bytes, "{value:?}")?;
        }
        let kept = table.attributes(row);
        for name in &self.attributes {
            bytes.push(self.delimiter);
            match kept.get(name) {
                Some(AttributeValue::Text(text)) => {
                    push_quoted(&self.guarded(text.as_bytes()), bytes);
                }
                Some(AttributeValue::Number(number)) => write!(bytes, "{number:?}")?,
                Some(AttributeValue::Integer(number)) => write!(bytes, "{number}")?,
                Some(AttributeValue::Date(date)) => write!(bytes, "{date}")?,
                Some(list @ AttributeValue::List(_)) => {
                    let mut json = Vec::new();
                    json::push(list, &mut json)?;
                    push_quoted(&json, bytes);
                }
                Some(AttributeValue::Flag(flag)) => write!(bytes, "{flag}")?,
                None => {}
            }
        }
        bytes.push(b'\n');
        Ok(())
    }

    /// A text, with a `'` before it if that is asked for and a spreadsheet would compute it.
    fn guarded<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let computes = text.first().is_some_and(|first| b"=+-@\t\r".contains(first));
        if self.guards_formulas && computes { [b"'", text].concat().into() } else { text.into() }
    }
}

/// A field, in quotes if it needs them.
fn push_field(field: &[u8], delimiter: u8, bytes: &mut Vec<u8>) {
    let plain = |byte: &u8| *byte != delimiter && !b"\"\r\n[ ".contains(byte);
    // A byte order mark in the beginning would be let go.
    if field.iter().all(plain) && !field.starts_with(BOM) {
        bytes.extend_from_slice(field);
    } else {
        push_quoted(field, bytes);
    }
}

fn push_quoted(field: &[u8], bytes: &mut Vec<u8>) {
    bytes.push(b'"');
    for &byte in field {
        if byte == b'"' {
            bytes.push(b'"');
        }
        bytes.push(byte);
    }
    bytes.push(b'"');
}
