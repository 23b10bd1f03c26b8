//! JSON Lines: `{"word": "the", "vector": [0.1, 0.2]}`, or `["the", [0.1, 0.2]]`, a line a row.

use std::fmt;
use std::io::{self, Write};

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::error::{At, Result};
use crate::format::entry::{Entry, HEAD_BYTES, Read, Told, Writer};
use crate::format::lines::line::trim;
use crate::format::selection::{Selection, check_attributes, check_words, each_row};
use crate::format::source::input::{BOM, Input};
use crate::format::whole::Choices;
use crate::format::{Fault, Note, Reason, Row, RowReader, Step};
use crate::table::attributes::{AttributeValue, Attributes};
use crate::vector::RowId;

const WORD_NAMES: &[&str] = &["word", "token", "text", "key", "term", "name"];
const VECTOR_NAMES: &[&str] = &["vector", "embedding", "embeddings", "values", "vec"];

pub(super) const ENTRY: Entry = Entry {
    name: "json-lines",
    title: "JSON Lines",
    about: "{\"word\": \"the\", \"vector\": [...]} lines",
    suffixes: &["jsonl", "ndjson"],
    begins: |head| Told::likely(begins(head.bytes)),
    read: Read::Stream(open),
    write: Some(Writer { check, write, has_attributes: true, ..Writer::DEFAULT }),
    ..Entry::DEFAULT
};

const WRITING: &str = "writing json-lines";

fn open(input: Input, _: &Choices) -> Result<Box<dyn RowReader>> {
    Ok(Box::new(JsonReader::open(input)?))
}

/// An object or a list in the first line, as far as it can be seen.
fn begins(head: &[u8]) -> bool {
    let head = head.strip_prefix(BOM).unwrap_or(head);
    if !matches!(head, [b'{' | b'[', ..]) {
        return false;
    }
    let (line, whole) = match memchr::memchr(b'\n', head) {
        Some(end) => (&head[..end], true),
        None => (head, head.len() < HEAD_BYTES),
    };
    match serde_json::from_slice::<IgnoredAny>(line) {
        Ok(_) => true,
        Err(error) => error.is_eof() && !whole,
    }
}

fn check(table: &Selection<'_>) -> Result<()> {
    check_words(table, WRITING, |word| {
        let because = "is not UTF-8, as JSON must be; csv can carry it";
        std::str::from_utf8(word).is_err().then_some(because)
    })?;
    check_attributes(table, WRITING)
}

fn write(table: &Selection<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    each_row(table, out, |row, bytes| push_row(table, row, bytes))
}

/// The rows of a file.
struct JsonReader {
    input: Input,
    dim: usize,
    lines: u64,
    /// The first field that can be no attribute, and where.
    extra: Option<(String, At)>,
}

impl JsonReader {
    /// The first line that can be read tells the dimension.
    fn open(mut input: Input) -> Result<Self> {
        if input.fill_to(BOM.len())? && input.window().starts_with(BOM) {
            input.consume(BOM.len());
        }
        let length = input.line(1)?;
        let line: Result<Line, _> = serde_json::from_slice(&input.window()[..length]);
        match line {
            Ok(line) => {
                crate::format::tensor::check_dim(line.vector.len(), "the first row")?;
                Ok(Self { input, dim: line.vector.len(), lines: 0, extra: None })
            }
            Err(error) => {
                let problem = format!(
                    "{error}; a line is {{\"word\": \"the\", \"vector\": [0.1, 0.2]}} or \
                     [\"the\", [0.1, 0.2]]"
                );
                Err(input.malformed(At::Line(1), problem))
            }
        }
    }
}

impl RowReader for JsonReader {
    fn dim(&self) -> usize {
        self.dim
    }

    fn claimed_rows(&self) -> Option<u64> {
        None
    }

    fn read(&mut self, row: &mut Row) -> Result<Step> {
        loop {
            let length = self.input.line(self.lines + 1)?;
            if length == 0 {
                return Ok(Step::End);
            }
            let at = At::Line(self.lines + 1);
            self.lines += 1;
            let line = trim(&self.input.window()[..length]);
            let read = if line.is_empty() { None } else { Some(serde_json::from_slice(line)) };
            self.input.consume(length);
            // Blank lines are no rows.
            let Some(read) = read else { continue };
            let fault = |reason, word: &str, detail| {
                let word = crate::format::shown(word.as_bytes());
                Ok(Step::Fault(Fault { reason, at, word, detail }))
            };
            let line: Line = match read {
                Ok(line) => line,
                Err(error) => return fault(Reason::UnreadableRow, "", error.to_string()),
            };
            if line.vector.len() != self.dim {
                let detail =
                    format!("{} components, the first row has {}", line.vector.len(), self.dim);
                return fault(Reason::WrongDimension, &line.word, detail);
            }
            if line.word.is_empty() {
                return fault(Reason::EmptyWord, "", "there is no word".to_owned());
            }
            if let Some(extra) = line.extra
                && self.extra.is_none()
            {
                self.extra = Some((extra, at));
            }
            let Line { word, vector, attributes, .. } = line;
            *row = Row { word: word.into_bytes(), vector, at, attributes };
            return Ok(Step::Row);
        }
    }

    fn notes(&self) -> Vec<Note> {
        let note = |(field, at): &(String, At)| Note {
            reason: "extra_field",
            done: "not kept",
            at: *at,
            detail: crate::format::shown(field.as_bytes()),
        };
        self.extra.iter().map(note).collect()
    }
}

struct Line {
    word: String,
    vector: Vec<f32>,
    attributes: Attributes,
    /// A field that cannot be one.
    extra: Option<String>,
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lines;

        impl<'de> Visitor<'de> for Lines {
            type Value = Line;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word and its vector")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Line, M::Error> {
                let (mut word, mut vector, mut extra) = (None, None, None);
                let mut attributes = Attributes::new();
                while let Some(key) = map.next_key::<String>()? {
                    if word.is_none() && WORD_NAMES.contains(&key.as_str()) {
                        word = Some(map.next_value()?);
                    } else if vector.is_none() && VECTOR_NAMES.contains(&key.as_str()) {
                        vector = Some(map.next_value()?);
                    } else {
                        match map.next_value()? {
                            Value::Null => {}
                            Value::Bool(flag) => attributes.set(key, AttributeValue::Flag(flag)),
                            Value::String(text) => attributes.set(key, AttributeValue::Text(text)),
                            Value::Number(number) => match number.as_f64() {
                                Some(number) => attributes.set(key, AttributeValue::Number(number)),
                                None => drop(extra.get_or_insert(key)),
                            },
                            Value::Array(_) | Value::Object(_) => drop(extra.get_or_insert(key)),
                        }
                    }
                }
                let word = word.ok_or_else(|| de::Error::missing_field("word"))?;
                let vector = vector.ok_or_else(|| de::Error::missing_field("vector"))?;
                Ok(Line { word, vector, attributes, extra })
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Line, S::Error> {
                let word = seq.next_element()?;
                let word = word.ok_or_else(|| de::Error::invalid_length(0, &self))?;
                let vector = seq.next_element()?;
                let vector = vector.ok_or_else(|| de::Error::invalid_length(1, &self))?;
                let mut extra = None;
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    extra.get_or_insert_with(|| "a third item".to_owned());
                }
                Ok(Line { word, vector, attributes: Attributes::new(), extra })
            }
        }

        deserializer.deserialize_any(Lines)
    }
}

fn push_row(table: &Selection<'_>, row: RowId, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.extend_from_slice(b"{\"word\":");
    // Words that are not UTF-8 were refused before.
    serde_json::to_writer(&mut *bytes, &table.shown(row))?;
    bytes.extend_from_slice(b",\"vector\":[");
    for (i, value) in table.vector(row).iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        write!(bytes, "{comma}{value:?}")?;
    }
    bytes.push(b']');
    for (name, value) in table.attributes(row).iter().flat_map(|attributes| attributes.iter()) {
        bytes.push(b',');
        serde_json::to_writer(&mut *bytes, name)?;
        bytes.push(b':');
        match value {
            AttributeValue::Text(text) => serde_json::to_writer(&mut *bytes, text)?,
            AttributeValue::Number(number) => serde_json::to_writer(&mut *bytes, number)?,
            AttributeValue::Flag(flag) => serde_json::to_writer(&mut *bytes, flag)?,
        }
    }
    bytes.extend_from_slice(b"}\n");
    Ok(())
}
