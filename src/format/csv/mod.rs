//! CSV and TSV: a record a row, fields in double quotes where they need them.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `record.rs` | records and their fields |
//! | `columns.rs` | delimiter, decimals, header, and what each column is |
//! | `write.rs` | tables as records |
//!
//! A header is told by looking; a vector is one field a component, or one field with a list in
//! brackets. Further columns with a name are attributes: a JSON array of values is a list, a field in
//! quotes is a text else, `true` and `false` are flags, what reads as a finite number or a date is one
//! unless that would change it, and an empty field is none.

mod columns;
mod record;
mod write;

use crate::error::{At, Result};
use crate::format::entry::{Entry, Read, Told, Writer};
use crate::format::json;
use crate::format::lines::line::trim;
use crate::format::literal::{KeptTexts, Literal};
use crate::format::roles::{Roles, Vector};
use crate::format::source::input::Input;
use crate::format::tensor::check_dim;
use crate::format::whole::Choices;
use crate::format::{Fault, Note, Reason, Row, RowReader, Step, malformed, shown};
use crate::limits;
use crate::table::attributes::{AttributeValue, Attributes};

use columns::{Dialect, Look, OTHERS, Sample, dialect, tabbed_number, told_delimiter};
use record::{Fields, list_items, record, without_end};

pub(super) const CSV: Entry = Entry {
    name: "csv",
    title: "CSV",
    about: "Fields between commas or semicolons",
    suffixes: &["csv"],
    is_told_by_suffix: true,
    begins: |head| Told::likely(columns::begins(head.bytes, b',')),
    read: Read::Stream(|input, choices| Ok(Box::new(CsvReader::open(input, b',', choices)?))),
    write: Some(Writer {
        check: write::check,
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
    read: Read::Stream(|input, choices| Ok(Box::new(CsvReader::open(input, b'\t', choices)?))),
    write: Some(Writer {
        check: write::check,
        write: |table, out| write::write(table, b'\t', out),
        has_attributes: true,
        ..Writer::DEFAULT
    }),
    ..Entry::DEFAULT
};

/// Records that are looked at before the first one is read.
const LOOK_RECORDS: usize = 64;
/// Bytes of them, unless two records take more.
const LOOK_BYTES: usize = 64 << 10;

/// Bytes of records that are looked at until each column has shown a value.
const LOOK_ON_BYTES: usize = 4 << 20;

/// The rows of a file.
struct CsvReader {
    input: Input,
    format: &'static str,
    dialect: Dialect,
    fields: Fields,
    /// Fields of a record.
    width: usize,
    /// Fields of the first records that are numbers, at least.
    numbers: usize,
    roles: Roles,
    /// Columns whose values are texts though they read as numbers.
    codes: Vec<bool>,
    dim: usize,
    /// Line ends consumed.
    lines: u64,
    /// Where the first text was that is not UTF-8, and of which attribute.
    mended: Option<(At, String)>,
    /// Where the first number was that stayed a text, and of which attribute.
    kept: KeptTexts,
}

impl CsvReader {
    /// Looks at the first records. A byte order mark is let go.
    fn open(mut input: Input, of_format: u8, choices: &Choices) -> Result<Self> {
        let format = if of_format == b'\t' { "tsv" } else { "csv" };
        input.pass_marks()?;
        input.fill_to(LOOK_BYTES)?;
        let told = told_delimiter(input.window());
        if let Some((_, length)) = told {
            input.consume(length);
        }
        let lines = u64::from(told.is_some());
        let head = &input.window()[..input.window().len().min(LOOK_BYTES)];
        let delimiter = choices.delimiter.or(told.map(|(delimiter, _)| delimiter));
        let dialect = dialect(head, delimiter, (of_format, OTHERS), choices.decimal);
        let roles =
            Roles { word: 0, vector: Vector::List(0), attributes: Vec::new(), notes: Vec::new() };
        let mut reader = Self {
            input,
            format,
            dialect,
            fields: Fields::default(),
            width: 0,
            numbers: 0,
            roles,
            codes: Vec::new(),
            dim: 0,
            lines,
            mended: None,
            kept: KeptTexts::default(),
        };
        let records = reader.sample()?;
        reader.width = records.first().map_or(0, Fields::len);
        if reader.width < 2 {
            let problem = if reader.width == 0 {
                "the file is empty".to_owned()
            } else {
                format!(
                    "a row has a word and its components; here is one field between \"{}\" \
                     (--delimiter names what stands between fields)",
                    char::from(dialect.delimiter)
                )
            };
            return Err(reader.wrong(problem));
        }
        if dialect.delimiter == b',' && records.iter().all(|row| tabbed_number(row.get(0))) {
            let problem = "a tab stands between words and numbers, and commas between these: read \
                           the file with --format glove";
            return Err(reader.wrong(problem));
        }
        let sample = Sample { dialect, records: &records, header: choices.header, format };
        let Look { has_header, roles, list_dim, codes } = sample.look()?;
        if has_header && let Some((length, lines)) = reader.next_record()? {
            reader.input.consume(length);
            reader.lines += lines;
        }
        reader.dim = match &roles.vector {
            Vector::List(_) => list_dim.unwrap_or(0),
            Vector::Wide(columns) => columns.len(),
        };
        if reader.dim == 0 {
            return Err(reader.wrong("no column of the first rows holds numbers"));
        }
        (reader.roles, reader.codes) = (roles, codes);
        check_dim(reader.dim, "the first rows")?;
        Ok(reader)
    }

    /// The first records, which stay to be read. The first line tells how many fields a row has, and
    /// those below it how many of them are numbers at least.
    fn sample(&mut self) -> Result<Vec<Fields>> {
        let (mut records, mut begin) = (Vec::<Fields>::new(), 0);
        // Columns that have shown no value yet: what they are is told by rows further on.
        let mut unseen = Vec::new();
        loop {
            let few = records.len() < LOOK_RECORDS && (begin < LOOK_BYTES || records.len() < 2);
            if !few && (unseen.is_empty() || begin >= LOOK_ON_BYTES) {
                break;
            }
            let Some((length, _)) = self.record_at(begin)? else { break };
            let bytes = without_end(&self.input.window()[begin..begin + length]);
            begin += length;
            if trim(bytes).is_empty() {
                continue;
            }
            let mut fields = Fields::default();
            fields.split(bytes, self.dialect.delimiter);
            if records.is_empty() {
                self.width = fields.len();
                unseen = (0..self.width).collect();
            } else {
                unseen.retain(|&column| fields.get(column).is_empty());
            }
            let numbers = fields.iter().filter(|field| self.dialect.number(field).is_some());
            let numbers = numbers.count();
            if fields.len() == self.width && numbers > 0 {
                self.numbers = if self.numbers == 0 { numbers } else { self.numbers.min(numbers) };
            }
            records.push(fields);
        }
        Ok(records)
    }

    fn next_record(&mut self) -> Result<Option<(usize, u64)>> {
        self.record_at(0)
    }

    /// The length of the record that begins there in the window, and how many lines it has.
    fn record_at(&mut self, begin: usize) -> Result<Option<(usize, u64)>> {
        let mut is_all = false;
        loop {
            let rest = &self.input.window()[begin..];
            // Before the first record is known, two lines are rows that have as many fields.
            let fields = std::cell::Cell::new(self.width);
            let is_row = |line: &[u8]| {
                if fields.get() == 0 {
                    let own = line.split(|&byte| byte == self.dialect.delimiter).count();
                    fields.set(own);
                    return own > 1;
                }
                self.dialect.is_row(line, fields.get(), self.numbers)
            };
            if let Some(found) = record(rest, self.dialect.delimiter, is_row, is_all) {
                return Ok(Some(found));
            }
            if is_all {
                return Ok(None);
            }
            if rest.len() > 2 * limits::LINE_BYTES_MAX {
                let max = limits::LINE_BYTES_MAX;
                let problem = format!("the record is longer than LINE_BYTES_MAX, {max} bytes");
                return Err(self.wrong(problem));
            }
            is_all = !self.input.fill()?;
        }
    }

    fn wrong(&self, problem: impl Into<String>) -> crate::error::Error {
        malformed(self.format, At::Line(self.lines + 1), problem)
    }

    /// The row of the fields.
    fn row(&mut self, row: &mut Row) -> Result<(), (Reason, String)> {
        if self.fields.len() != self.width {
            let detail = format!("{} fields, the first row has {}", self.fields.len(), self.width);
            return Err((Reason::WrongDimension, detail));
        }
        let word = self.fields.get(self.roles.word);
        if word.is_empty() {
            return Err((Reason::EmptyWord, "there is no word".to_owned()));
        }
        row.word.clear();
        row.word.extend_from_slice(word);
        row.vector.clear();
        match &self.roles.vector {
            Vector::Wide(columns) => {
                for &column in columns {
                    push(self.dialect, &mut row.vector, self.fields.get(column))?;
                }
            }
            Vector::List(column) => {
                for item in list_items(self.fields.get(*column)) {
                    push(self.dialect, &mut row.vector, item)?;
                }
                if row.vector.len() != self.dim {
                    let detail =
                        format!("{} components, most rows have {}", row.vector.len(), self.dim);
                    return Err((Reason::WrongDimension, detail));
                }
            }
        }
        self.attributes(row);
        Ok(())
    }

    fn attributes(&mut self, row: &mut Row) {
        row.attributes = Attributes::new();
        for (column, name) in &self.roles.attributes {
            let field = self.fields.get(*column);
            let quoted = self.fields.is_quoted(*column);
            let Some((value, is_code)) = attribute(field, quoted, self.codes[*column]) else {
                continue;
            };
            if self.mended.is_none() && std::str::from_utf8(field).is_err() {
                self.mended = Some((row.at, name.clone()));
            }
            if is_code {
                self.kept.add(name, row.at);
            }
            row.attributes.set(name.clone(), value);
        }
    }
}

fn push(dialect: Dialect, vector: &mut Vec<f32>, field: &[u8]) -> Result<(), (Reason, String)> {
    let value = dialect.number(field).ok_or_else(|| {
        let (place, shown) = (vector.len() + 1, shown(field));
        let hint = if field.contains(&b',') && !dialect.has_commas {
            " (--decimal , reads decimals with a comma)"
        } else {
            ""
        };
        let detail = format!("component {place}, \"{shown}\", is not a number{hint}");
        (Reason::UnreadableNumber, detail)
    })?;
    vector.push(value);
    Ok(())
}

/// What a field says, and whether it is a text that reads as a number; none if it is empty.
fn attribute(field: &[u8], quoted: bool, has_codes: bool) -> Option<(AttributeValue, bool)> {
    let text = || AttributeValue::Text(String::from_utf8_lossy(field).into_owned());
    if let Some(list) = json::list(field) {
        return Some((list, false));
    }
    if quoted {
        return Some((text(), false));
    }
    Some(match field {
        b"" => return None,
        b"true" | b"True" | b"TRUE" => (AttributeValue::Flag(true), false),
        b"false" | b"False" | b"FALSE" => (AttributeValue::Flag(false), false),
        _ => match Literal::of(field) {
            None => (text(), false),
            Some(_) if has_codes => (text(), true),
            Some(literal) => (literal.value(field), literal == Literal::Code),
        },
    })
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
            let record = without_end(&self.input.window()[..length]);
            let is_blank = trim(record).is_empty();
            if !is_blank {
                self.fields.split(record, self.dialect.delimiter);
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
                    let word = shown(self.fields.get(self.roles.word));
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
        self.roles.notes.iter().cloned().chain(mended).chain(self.kept.note()).collect()
    }
}
