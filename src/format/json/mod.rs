//! JSON: an object with a word and its vector for each row, `{"word": "the", "vector": [0.1, 0.2]}`, or
//! `["the", [0.1, 0.2]]` or `["the", 0.1, 0.2]`, a line each or in one array; or one object, `{"the": [0.1, 0.2]}`
//! or `{"the": {"x": 0.1, "y": 0.2}}`, as pandas writes in the orient "index".
//!
//! | file | responsibility |
//! | --- | --- |
//! | `records.rs` | values one by one |
//! | `row.rs` | what a value holds |
//! | `value.rs` | attributes as values |

mod records;
mod row;
mod value;

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Write};

use crate::error::{At, Result};
use crate::format::entry::{Entry, HEAD_BYTES, Read, Told, Writer};
use crate::format::lines::line::trim;
use crate::format::literal::KeptTexts;
use crate::format::roles::{Column, Holds, Roles, Seen, Table, Vector, no_rows, usual};
use crate::format::selection::{Selection, check_attributes, check_words, each_row};
use crate::format::source::input::Input;
use crate::format::tensor::check_dim;
use crate::format::{Fault, Note, Reason, Row, RowReader, Step, shown};
use crate::table::attributes::Attributes;
use crate::vector::RowId;

use records::{Found, Layout, Records};
use row::{Field, Numbers, fields, repaired};

pub use value::attribute;
pub(super) use value::{list, push};

pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    title: "JSON Lines",
    about: "{\"word\": \"the\", \"vector\": [...]} lines, an array of such, or one object {\"the\": [...]}",
    suffixes: &["jsonl", "ndjson", "json"],
    is_told_by_suffix: true,
    begins: |head| {
        let is_all = head.bytes.len() < HEAD_BYTES;
        Told::likely(Layout::of(head.bytes, is_all).is_some())
    },
    read: Read::Stream(|input, _| Ok(Box::new(JsonReader::open(input)?))),
    write: Some(Writer { check, write, has_attributes: true, ..Writer::DEFAULT }),
    ..Entry::DEFAULT
};

const NAME: &str = "json-lines";
const WRITING: &str = "writing json-lines";
/// Values that are looked at before the first one is read.
const LOOK_VALUES: u64 = 64;
/// Bytes of them, unless two values take more.
const LOOK_BYTES: usize = 64 << 10;
/// Bytes of values that are looked at until each field has shown what it is.
const LOOK_ON_BYTES: usize = 4 << 20;
/// What a value that cannot be read would be.
const RIGHT: &str = "a row is {\"word\": \"the\", \"vector\": [0.1, 0.2]}, [\"the\", [0.1, 0.2]] or [\"the\", 0.1, 0.2]";

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
    records: Records,
    names: Names,
    dim: usize,
    notes: Vec<Note>,
    /// The first field that can be no attribute, and where.
    extra: Option<(String, At)>,
    kept: KeptTexts,
}

/// The fields of an object that are the word and the vector.
struct Names {
    word: String,
    vector: NamedVector,
}

enum NamedVector {
    List(String),
    /// Each component, with its place.
    Wide(std::collections::HashMap<String, usize>),
}

impl JsonReader {
    /// The first values tell which field is which, and the dimension.
    fn open(mut input: Input) -> Result<Self> {
        input.fill_to(HEAD_BYTES)?;
        let is_all = input.window().len() < HEAD_BYTES;
        let layout = Layout::of(input.window(), is_all).unwrap_or(Layout::Lines);
        let mut records = Records::open(input, layout)?;
        let (mut columns, mut lengths) = (Vec::<(String, Seen)>::new(), Vec::new());
        let (mut from, mut number, mut problem) = (0, 0, None);
        // Fields of texts one of which came again, which the words are none of.
        let (mut texts, mut equals) = (HashSet::new(), HashSet::new());
        loop {
            let few = number < LOOK_VALUES && (from < LOOK_BYTES || number < 2);
            // What a field is that was null is told by values further on.
            let is_null = |(_, seen): &(String, Seen)| seen.holds() == Holds::Nothing;
            if !few && (from >= LOOK_ON_BYTES || !columns.iter().any(is_null)) {
                break;
            }
            let Some(found) = records.find(from, number)? else { break };
            (from, number) = (found.end, number + 1);
            let window = records.input.window();
            let bytes = trim(&window[found.value.clone()]);
            if bytes.is_empty() {
                continue;
            }
            let key = found.key.map(|key| &window[key]);
            let fixed = repaired(bytes);
            match fields(fixed.as_deref().unwrap_or(bytes), key) {
                Ok(all) => {
                    for field in &all {
                        see(field, &mut columns, &mut lengths);
                        let text = (field.name.to_string(), field.raw.to_owned());
                        if field.holds() == Holds::Texts && !texts.insert(text) {
                            equals.insert(field.name.to_string());
                        }
                    }
                }
                Err(error) => drop(problem.get_or_insert((found.at, error))),
            }
        }
        let at = problem.as_ref().map_or(At::Line(1), |&(at, _)| at);
        let first = match problem {
            Some((_, problem)) => format!("{problem}; {RIGHT}"),
            None if columns.is_empty() => "the file is empty".to_owned(),
            None => RIGHT.to_owned(),
        };
        if columns.is_empty() {
            return Err(no_rows(NAME, at, &first));
        }
        let column = |(name, seen): &(String, Seen)| Column {
            name: Some(name.clone()),
            is_quoted: false,
            holds: seen.holds(),
            kind: None,
            has_equals: equals.contains(name),
        };
        let named: Vec<Column> = columns.iter().map(column).collect();
        let table =
            Table { format: NAME, columns: &named, is_typed: true, at: At::Row(0), also: "" };
        let Roles { word, vector, notes, .. } = table.roles()?;
        let name = |column: usize| columns[column].0.clone();
        let (dim, vector) = match vector {
            Vector::List(list) => {
                let own = name(list);
                let lengths = lengths.iter().filter(|(name, _)| *name == own);
                (usual(lengths.map(|&(_, length)| length)).unwrap_or(0), NamedVector::List(own))
            }
            Vector::Wide(wide) => {
                (wide.len(), NamedVector::Wide(wide.into_iter().map(name).zip(0..).collect()))
            }
        };
        check_dim(dim, "the first rows")?;
        // Fields that are left out are told as they are met.
        let notes = notes.into_iter().filter(|note| note.reason != "extra_field").collect();
        let names = Names { word: name(word), vector };
        Ok(Self { records, names, dim, notes, extra: None, kept: KeptTexts::default() })
    }
}

/// Counts a field of one of the first values.
fn see(field: &Field<'_>, columns: &mut Vec<(String, Seen)>, lengths: &mut Vec<(String, usize)>) {
    let known = columns.iter().position(|(name, _)| *name == field.name);
    let place = known.unwrap_or_else(|| {
        columns.push((field.name.to_string(), Seen::default()));
        columns.len() - 1
    });
    let seen = &mut columns[place].1;
    match field.holds() {
        Holds::Texts => seen.texts += 1,
        Holds::Whole => seen.whole += 1,
        Holds::Numbers => seen.numbers += 1,
        Holds::Lists => {
            seen.lists += 1;
            lengths.push((field.name.to_string(), Numbers::of(field.raw).count()));
        }
        Holds::Flags => seen.flags += 1,
        Holds::Values => seen.values += 1,
        Holds::Other => seen.others += 1,
        Holds::Nothing => {}
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
            let Some(found) = self.records.find(0, 0)? else { return Ok(Step::End) };
            let step = self.value(&found, row);
            self.records.pass(&found);
            // Blank lines are no rows.
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    fn notes(&self) -> Vec<Note> {
        let extra = self.extra.iter().map(|(field, at)| Note {
            reason: "extra_field",
            done: "not kept",
            at: *at,
            detail: shown(field.as_bytes()),
        });
        self.notes.iter().cloned().chain(extra).chain(self.kept.note()).collect()
    }
}

impl JsonReader {
    #[expect(clippy::too_many_lines, reason = "one arm for each kind of value")]
    fn value(&mut self, found: &Found, row: &mut Row) -> Option<Step> {
        let window = self.records.input.window();
        let bytes = trim(&window[found.value.clone()]);
        if bytes.is_empty() {
            return None;
        }
        let at = found.at;
        let fault = |reason, word: &str, detail: String| {
            let word = shown(word.as_bytes());
            Some(Step::Fault(Fault { reason, at, word, detail }))
        };
        let fixed = repaired(bytes);
        let bytes = fixed.as_deref().unwrap_or(bytes);
        let all = match fields(bytes, found.key.clone().map(|key| &window[key])) {
            Ok(all) => all,
            Err(error) => return fault(Reason::UnreadableRow, "", error),
        };
        let mut word: Option<Cow<'_, str>> = None;
        row.vector.clear();
        row.attributes = Attributes::new();
        let mut places = Vec::new();
        let mut problem = None;
        for field in &all {
            if field.name == self.names.word && word.is_none() {
                word = field.word();
                continue;
            }
            match &self.names.vector {
                NamedVector::List(name) if *name == field.name => {
                    if field.holds() == Holds::Lists || field.raw == "[]" {
                        problem = Numbers::of(field.raw).push_to(&mut row.vector);
                    } else if field.raw != "null" {
                        let shown = shown(field.raw.as_bytes());
                        problem = Some(format!("the vector, {shown}, is no list of numbers"));
                    }
                    continue;
                }
                NamedVector::Wide(names) => {
                    if let Some(&place) = names.get(&*field.name) {
                        if let Some(value) = Numbers::one(field.raw) {
                            places.push((place, value));
                        } else {
                            let name = shown(field.name.as_bytes());
                            problem = Some(format!("component \"{name}\" is not a number"));
                        }
                        continue;
                    }
                }
                NamedVector::List(_) => {}
            }
            match attribute(field.raw) {
                Some((value, is_code)) => {
                    if is_code {
                        self.kept.add(&field.name, at);
                    }
                    row.attributes.set(field.name.to_string(), value);
                }
                None if field.holds() == Holds::Nothing => {}
                None => drop(self.extra.get_or_insert_with(|| (field.name.to_string(), at))),
            }
        }
        places.sort_unstable_by_key(|&(place, _)| place);
        row.vector.extend(places.iter().map(|&(_, value)| value));
        let Some(word) = word else {
            let detail = format!("there is no \"{}\"; {RIGHT}", shown(self.names.word.as_bytes()));
            return fault(Reason::UnreadableRow, "", detail);
        };
        if let Some(problem) = problem {
            return fault(Reason::UnreadableNumber, &word, problem);
        }
        if row.vector.len() != self.dim {
            let detail = format!("{} components, most rows have {}", row.vector.len(), self.dim);
            return fault(Reason::WrongDimension, &word, detail);
        }
        if word.is_empty() {
            return fault(Reason::EmptyWord, "", "there is no word".to_owned());
        }
        row.word.clear();
        row.word.extend_from_slice(word.as_bytes());
        row.at = at;
        Some(Step::Row)
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
    for (name, value) in table.attributes(row).iter() {
        bytes.push(b',');
        serde_json::to_writer(&mut *bytes, name)?;
        bytes.push(b':');
        push(value, bytes)?;
    }
    bytes.extend_from_slice(b"}\n");
    Ok(())
}
