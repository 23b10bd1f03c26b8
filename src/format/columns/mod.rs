//! Parquet and Arrow IPC: columns in batches. The only folder that names the arrow crates.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `source.rs` | batches out of a file |
//! | `ipc.rs` | those of Arrow |
//! | `write.rs` | a table as batches |
//!
//! The word is a column of texts, plain, large, by dictionary or as views; the vector a column of lists
//! of numbers, of any or of fixed length, or a column a component: see `roles.rs`. Buffers of Arrow may be
//! packed with LZ4 or Zstandard, pages of Parquet with any of its codecs but LZO. Timestamps and dates become
//! attributes that are dates: those without a time zone are taken for UTC.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the crates' types of columns are many, and most are refused"
)]

mod ipc;
mod source;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashSet;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, Float32Array, RecordBatch, downcast_integer_array};
use arrow_buffer::{ArrowNativeType as _, OffsetBuffer};
use arrow_schema::{DataType, Schema, TimeUnit};

use crate::error::{At, Result};
use crate::format::entry::{Entry, Read, Told, Writer};
use crate::format::literal::{KeptTexts, whole};
use crate::format::roles::{Column, Holds, Roles, Table, Vector, usual};
use crate::format::selection::{Selection, check_attributes};
use crate::format::source::Bytes;
use crate::format::tensor::check_dim;
use crate::format::whole::Parts;
use crate::format::words::Words;
use crate::format::{Fault, Note, Reason, Row, RowReader, Step, shown};
use crate::limits;
use crate::table::attributes::{AttributeValue, Attributes};
use crate::table::date::Date;

use source::{Batches, Kind};

pub(super) const PARQUET: Entry = Entry {
    name: "parquet",
    title: "Parquet",
    about: "A column of words, a column of lists",
    suffixes: &["parquet"],
    // Then the first page of a column.
    begins: |head| Told::surely(matches!(head.bytes, [b'P', b'A', b'R', b'1', 0x15, ..])),
    read: Read::Whole(|whole| Ok(Parts::rows(ColumnReader::open(whole.bytes, Kind::Parquet)?))),
    write: Some(Writer {
        check,
        write: write::write_parquet,
        has_attributes: true,
        ..Writer::DEFAULT
    }),
    words: Some(|bytes| words(bytes, Kind::Parquet)),
    ..Entry::DEFAULT
};

pub(super) const ARROW: Entry = Entry {
    name: "arrow",
    title: "Arrow IPC",
    about: "The same as Arrow IPC",
    suffixes: &["arrow", "arrows", "feather", "ipc"],
    begins: |head| {
        let is_stream = matches!(head.bytes, [0xFF, 0xFF, 0xFF, 0xFF, _, _, _, 0, ..]);
        Told::surely(is_stream || head.bytes.starts_with(b"ARROW1\0\0"))
    },
    read: Read::Whole(|whole| Ok(Parts::rows(ColumnReader::open(whole.bytes, Kind::Arrow)?))),
    write: Some(Writer {
        check,
        write: write::write_arrow,
        has_attributes: true,
        ..Writer::DEFAULT
    }),
    words: Some(|bytes| words(bytes, Kind::Arrow)),
    ..Entry::DEFAULT
};

fn check(table: &Selection<'_>) -> Result<()> {
    check_attributes(table, "writing columns")
}

/// The rows of a file.
struct ColumnReader {
    batches: Batches,
    claimed: Option<u64>,
    word: usize,
    vector: Vector,
    /// Columns whose values are attributes, with their names.
    attributes: Vec<(usize, String)>,
    dim: usize,
    batch: Option<RecordBatch>,
    /// The batch's vectors, if they are as nearly always: floats, and none missing.
    plain: Option<Plain>,
    /// The next row of the batch.
    next: usize,
    count: u64,
    notes: Vec<Note>,
    dtype: &'static str,
    /// Where the first whole number was that stayed a text, and of which attribute.
    kept: KeptTexts,
    /// Where the first value was that can be no attribute, and of which column.
    refused: Option<(At, String)>,
    /// Where the first date was that lost its nanoseconds, and of which column.
    cut: Option<(At, String)>,
}

/// Lists of floats side by side, of which a row's are found without making an array of them.
struct Plain {
    values: Float32Array,
    ends: Ends,
}

/// Where lists begin and end.
enum Ends {
    Each(usize),
    Short(OffsetBuffer<i32>),
    Long(OffsetBuffer<i64>),
}

impl Plain {
    /// None if a list or a number is missing, or if they are other numbers.
    fn of(column: &ArrayRef) -> Option<Self> {
        let (values, ends) = match column.data_type() {
            DataType::List(_) => {
                let lists = column.as_list::<i32>();
                (lists.values(), Ends::Short(lists.offsets().clone()))
            }
            DataType::LargeList(_) => {
                let lists = column.as_list::<i64>();
                (lists.values(), Ends::Long(lists.offsets().clone()))
            }
            DataType::FixedSizeList(_, length) => {
                let values = column.as_fixed_size_list().values();
                (values, Ends::Each(usize::try_from(*length).ok()?))
            }
            _ => return None,
        };
        let values = values.as_primitive_opt::<Float32Type>()?;
        let is_whole = column.null_count() == 0 && values.null_count() == 0;
        is_whole.then(|| Self { values: values.clone(), ends })
    }

    /// A row's numbers; none if it has none.
    fn row(&self, row: usize) -> Option<&[f32]> {
        let (start, end) = match &self.ends {
            Ends::Each(length) => {
                (row.checked_mul(*length)?, row.checked_add(1)?.checked_mul(*length)?)
            }
            Ends::Short(offsets) => (
                usize::try_from(*offsets.get(row)?).ok()?,
                usize::try_from(*offsets.get(row + 1)?).ok()?,
            ),
            Ends::Long(offsets) => (
                usize::try_from(*offsets.get(row)?).ok()?,
                usize::try_from(*offsets.get(row + 1)?).ok()?,
            ),
        };
        self.values.values().get(start..end)
    }
}

impl ColumnReader {
    fn open(bytes: &Bytes, format: Kind) -> Result<Self> {
        let (mut batches, claimed) = Batches::open(bytes, format)?;
        let batch = batches.next()?;
        let schema = batches.schema();
        let mut columns = columns(&schema);
        for (i, column) in columns.iter_mut().enumerate() {
            column.has_equals = batch.as_ref().is_some_and(|batch| has_equals(batch.column(i)));
        }
        let table = Table {
            format: format.name(),
            columns: &columns,
            is_typed: true,
            at: At::Row(0),
            also: "",
        };
        let Roles { word, vector, attributes, mut notes } = table.roles()?;
        // Bytes are words and nothing else.
        let (attributes, left): (Vec<_>, Vec<_>) = attributes
            .into_iter()
            .partition(|(column, _)| is_attribute(schema.field(*column).data_type()));
        notes.extend(left.into_iter().map(|(_, name)| Note {
            reason: "extra_field",
            done: "not kept",
            at: At::Row(0),
            detail: format!("the column \"{}\"", shown(name.as_bytes())),
        }));
        let mut reader = Self {
            batches,
            claimed,
            word,
            vector,
            attributes,
            dim: 0,
            batch,
            plain: None,
            next: 0,
            count: 0,
            notes,
            dtype: "f32",
            kept: KeptTexts::default(),
            refused: None,
            cut: None,
        };
        reader.find_dim(&schema)?;
        reader.take_vectors();
        reader.batches.read_ahead()?;
        Ok(reader)
    }

    /// To be called for each batch.
    fn take_vectors(&mut self) {
        self.plain = match (&self.vector, &self.batch) {
            (Vector::List(column), Some(batch)) => Plain::of(batch.column(*column)),
            (Vector::List(_) | Vector::Wide(_), _) => None,
        };
    }

    fn find_dim(&mut self, schema: &Schema) -> Result<()> {
        let numbers = match &self.vector {
            Vector::Wide(columns) => {
                self.dim = columns.len();
                schema.field(columns[0]).data_type().clone()
            }
            Vector::List(column) => match schema.field(*column).data_type() {
                DataType::FixedSizeList(item, length) => {
                    self.dim = usize::try_from(*length).unwrap_or(0);
                    item.data_type().clone()
                }
                kind => {
                    let item = items(kind).cloned().unwrap_or(DataType::Null);
                    let column = *column;
                    // Most rows of the first batch with vectors tell; batches before it have none.
                    while let Some(batch) = &self.batch {
                        let lists = batch.column(column);
                        let lengths = (0..lists.len()).filter_map(|row| list(lists, row));
                        if let Some(length) = usual(lengths.map(|list| list.len())) {
                            self.dim = length;
                            break;
                        }
                        self.count += batch.num_rows() as u64;
                        self.batch = self.batches.next()?;
                    }
                    item
                }
            },
        };
        match numbers {
            DataType::Float64 => {
                self.dtype = "f64";
                self.notes.push(Note {
                    reason: "rounded",
                    done: "rounded to single precision",
                    at: At::Row(0),
                    detail: "the file has numbers of double precision".to_owned(),
                });
            }
            DataType::Float16 => self.dtype = "f16",
            DataType::Int8 => self.dtype = "i8",
            DataType::UInt8 => self.dtype = "u8",
            kind if kind.is_integer() => self.dtype = "whole numbers",
            _ => {}
        }
        if self.count > 0 {
            self.notes.push(Note {
                reason: "no_vector",
                done: "left out",
                at: At::Row(0),
                detail: format!("the first {} rows have no vector", self.count),
            });
        }
        check_dim(self.dim, "the column of vectors")
    }
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn is_float(kind: &DataType) -> bool {
    matches!(kind, DataType::Float16 | DataType::Float32 | DataType::Float64)
}

/// Whether a value of such a column is a text, a number, a flag, a date, or a list of these.
fn is_attribute(kind: &DataType) -> bool {
    is_scalar(items(kind).unwrap_or(kind))
}

fn is_scalar(kind: &DataType) -> bool {
    match kind {
        DataType::Binary | DataType::LargeBinary => false,
        DataType::Boolean => true,
        kind => kind.is_integer() || is_float(kind) || is_text(kind) || is_date(kind),
    }
}

fn is_date(kind: &DataType) -> bool {
    matches!(kind, DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64)
}

/// A row's value of a column.
enum Cell {
    Value(AttributeValue),
    /// A date whose nanoseconds were cut off.
    Cut(AttributeValue),
    /// Null, or a number that is not finite.
    Empty,
    /// What can be no attribute.
    Refused,
}

impl Cell {
    fn of(column: &ArrayRef, row: usize) -> Self {
        if items(column.data_type()).is_none() {
            return Self::scalar(column, row);
        }
        let Some(list) = list(column, row) else { return Self::Empty };
        let (mut values, mut is_cut) = (Vec::new(), false);
        // One more than may be kept is enough for who counts.
        for item in 0..list.len().min(limits::ATTRIBUTE_LIST_MAX + 1) {
            match Self::scalar(&list, item) {
                Self::Value(value) => values.push(value),
                Self::Cut(value) => {
                    is_cut = true;
                    values.push(value);
                }
                Self::Empty | Self::Refused => return Self::Refused,
            }
        }
        let values = AttributeValue::List(values);
        if is_cut { Self::Cut(values) } else { Self::Value(values) }
    }

    fn scalar(column: &ArrayRef, row: usize) -> Self {
        if column.is_null(row) {
            return Self::Empty;
        }
        let value = match column.data_type() {
            kind if is_text(kind) => text(column, row)
                .map(|text| AttributeValue::Text(String::from_utf8_lossy(text).into_owned())),
            kind if is_date(kind) => return Self::date(column, row),
            DataType::Boolean => Some(AttributeValue::Flag(column.as_boolean().value(row))),
            DataType::UInt64 => Some(whole(column.as_primitive::<UInt64Type>().value(row).into())),
            kind if kind.is_integer() => integer(column, row).map(|number| whole(number.into())),
            _ => {
                let number = double(column, row).filter(|number| number.is_finite());
                number.map(AttributeValue::Number)
            }
        };
        value.map_or(Self::Empty, Self::Value)
    }

    fn date(column: &ArrayRef, row: usize) -> Self {
        let (time, per_second) = match column.data_type() {
            DataType::Timestamp(TimeUnit::Second, _) => {
                (column.as_primitive::<TimestampSecondType>().value(row), 1)
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                (column.as_primitive::<TimestampMillisecondType>().value(row), 1_000)
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                (column.as_primitive::<TimestampMicrosecondType>().value(row), 1_000_000)
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                (column.as_primitive::<TimestampNanosecondType>().value(row), 1_000_000_000)
            }
            DataType::Date32 => {
                let days = column.as_primitive::<Date32Type>().value(row);
                (i64::from(days) * 86_400, 1)
            }
            _ => (column.as_primitive::<Date64Type>().value(row), 1_000),
        };
        let micros = i128::from(time) * 1_000_000;
        let is_cut = micros.rem_euclid(per_second) != 0;
        let micros = i64::try_from(micros.div_euclid(per_second)).ok();
        let date = micros.and_then(Date::from_micros).map(AttributeValue::Date);
        match (date, is_cut) {
            (Some(date), false) => Self::Value(date),
            (Some(date), true) => Self::Cut(date),
            (None, _) => Self::Refused,
        }
    }
}

/// A whole number of up to 64 bits with a sign.
fn integer(column: &ArrayRef, row: usize) -> Option<i64> {
    Some(match column.data_type() {
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row),
        DataType::UInt8 => column.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => column.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => column.as_primitive::<UInt32Type>().value(row).into(),
        _ => return None,
    })
}

#[expect(clippy::cast_precision_loss, reason = "numbers are of double precision")]
fn double(column: &ArrayRef, row: usize) -> Option<f64> {
    Some(match column.data_type() {
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row) as f64,
        DataType::UInt8 => column.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => column.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => column.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row) as f64,
        DataType::Float16 => column.as_primitive::<Float16Type>().value(row).to_f64(),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row),
        _ => return None,
    })
}

/// The columns of a file, by name and type.
fn columns(schema: &Schema) -> Vec<Column> {
    let column = |field: &arrow_schema::FieldRef| Column {
        name: Some(field.name().clone()),
        is_quoted: false,
        has_equals: false,
        kind: Some(shown(field.data_type().to_string().as_bytes())),
        holds: match field.data_type() {
            DataType::Boolean => Holds::Flags,
            kind if is_text(kind) => Holds::Texts,
            kind if is_float(kind) => Holds::Numbers,
            kind if kind.is_integer() => Holds::Whole,
            kind if items(kind).is_some_and(is_number) => Holds::Lists,
            kind if is_attribute(kind) => Holds::Values,
            _ => Holds::Other,
        },
    };
    schema.fields().iter().map(column).collect()
}

/// Whether a text comes again in the first rows.
fn has_equals(column: &ArrayRef) -> bool {
    let mut seen = HashSet::new();
    let rows = 0..column.len().min(LOOK_ROWS);
    is_text(column.data_type())
        && rows.filter_map(|row| text(column, row)).any(|value| !seen.insert(value))
}

/// Rows that are looked at for texts that come again.
const LOOK_ROWS: usize = 1_024;

fn is_number(kind: &DataType) -> bool {
    is_float(kind) || kind.is_integer()
}

/// The type of a list's items.
fn items(kind: &DataType) -> Option<&DataType> {
    match kind {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => Some(item.data_type()),
        _ => None,
    }
}

/// A row's text; none for null.
fn text(column: &ArrayRef, row: usize) -> Option<&[u8]> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).as_bytes(),
        DataType::LargeUtf8 => column.as_string::<i64>().value(row).as_bytes(),
        DataType::Utf8View => column.as_string_view().value(row).as_bytes(),
        DataType::Binary => column.as_binary::<i32>().value(row),
        DataType::LargeBinary => column.as_binary::<i64>().value(row),
        DataType::Dictionary(_, _) => {
            let dictionary = column.as_any_dictionary_opt()?;
            let key = key(dictionary.keys(), row).filter(|&key| key < dictionary.values().len());
            return text(dictionary.values(), key?);
        }
        _ => return None,
    })
}

/// A row's key into a dictionary, which is any integer; none if it can be none.
fn key(keys: &dyn Array, row: usize) -> Option<usize> {
    downcast_integer_array!(
        keys => keys.values().get(row)?.to_usize(),
        _ => None,
    )
}

/// A row's list; none for null.
fn list(column: &ArrayRef, row: usize) -> Option<ArrayRef> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::List(_) => column.as_list::<i32>().value(row),
        DataType::LargeList(_) => column.as_list::<i64>().value(row),
        DataType::ListView(_) => column.as_list_view::<i32>().value(row),
        DataType::LargeListView(_) => column.as_list_view::<i64>().value(row),
        DataType::FixedSizeList(_, _) => column.as_fixed_size_list().value(row),
        _ => return None,
    })
}

/// The numbers of an array, at the end of a vector; whether all are there.
fn push_numbers(numbers: &ArrayRef, vector: &mut Vec<f32>) -> bool {
    match numbers.data_type() {
        DataType::Float32 => {
            vector.extend_from_slice(numbers.as_primitive::<Float32Type>().values());
        }
        #[expect(clippy::cast_possible_truncation, reason = "rounding is noted")]
        DataType::Float64 => {
            let values = numbers.as_primitive::<Float64Type>().values();
            vector.extend(values.iter().map(|&value| value as f32));
        }
        DataType::Float16 => {
            let values = numbers.as_primitive::<Float16Type>().values();
            vector.extend(values.iter().map(|value| value.to_f32()));
        }
        #[expect(clippy::cast_possible_truncation, reason = "vectors are of single precision")]
        kind if kind.is_integer() => {
            let values = (0..numbers.len()).filter_map(|row| double(numbers, row));
            vector.extend(values.map(|value| value as f32));
        }
        _ => return false,
    }
    numbers.null_count() == 0
}

impl RowReader for ColumnReader {
    fn dim(&self) -> usize {
        self.dim
    }

    fn claimed_rows(&self) -> Option<u64> {
        self.claimed
    }

    fn read(&mut self, row: &mut Row) -> Result<Step> {
        while self.batch.as_ref().is_some_and(|batch| self.next >= batch.num_rows()) {
            self.batch = self.batches.next()?;
            self.take_vectors();
            self.next = 0;
        }
        let Some(batch) = &self.batch else { return Ok(Step::End) };
        let (number, at) = (self.next, At::Row(self.count));
        self.next += 1;
        self.count += 1;
        let word = text(batch.column(self.word), number).unwrap_or(b"");
        row.at = at;
        row.word.clear();
        row.word.extend_from_slice(word);
        row.vector.clear();
        let whole = match &self.vector {
            Vector::List(_) if self.plain.is_some() => {
                let numbers = self.plain.as_ref().and_then(|plain| plain.row(number));
                row.vector.extend_from_slice(numbers.unwrap_or_default());
                true
            }
            Vector::List(column) => list(batch.column(*column), number)
                .is_some_and(|numbers| push_numbers(&numbers, &mut row.vector)),
            Vector::Wide(columns) => columns.iter().all(|&column| {
                push_numbers(&batch.column(column).slice(number, 1), &mut row.vector)
            }),
        };
        row.attributes = Attributes::new();
        for (column, name) in &self.attributes {
            let column = batch.column(*column);
            let value = match Cell::of(column, number) {
                Cell::Value(value) => value,
                Cell::Cut(value) => {
                    self.cut.get_or_insert_with(|| (at, name.clone()));
                    value
                }
                Cell::Empty => continue,
                Cell::Refused => {
                    self.refused.get_or_insert_with(|| (at, name.clone()));
                    continue;
                }
            };
            let kind = column.data_type();
            if value.each().iter().any(|value| value.text().is_some())
                && !is_text(items(kind).unwrap_or(kind))
            {
                self.kept.add(name, at);
            }
            row.attributes.set(name.clone(), value);
        }
        let word = &row.word;
        let fault =
            |reason, detail: String| Step::Fault(Fault { reason, at, word: shown(word), detail });
        Ok(if row.word.is_empty() {
            fault(Reason::EmptyWord, "there is no word".to_owned())
        } else if !whole {
            fault(Reason::UnreadableNumber, "a number is missing".to_owned())
        } else if row.vector.len() != self.dim {
            let detail = format!("{} components, most rows have {}", row.vector.len(), self.dim);
            fault(Reason::WrongDimension, detail)
        } else {
            Step::Row
        })
    }

    fn notes(&self) -> Vec<Note> {
        let note = |reason, done, (at, name): &(At, String)| Note {
            reason,
            done,
            at: *at,
            detail: shown(name.as_bytes()),
        };
        let refused = self.refused.iter().map(|first| note("extra_field", "not kept", first));
        let cut = self.cut.iter().map(|first| note("rounded", "cut to microseconds", first));
        let told = self.notes.iter().cloned().chain(self.kept.note());
        told.chain(refused).chain(cut).collect()
    }

    fn dtype(&self) -> &'static str {
        self.dtype
    }
}

/// The words of a file of columns, for a matrix in another file.
fn words(bytes: &Bytes, format: Kind) -> Result<Words> {
    let (mut batches, _) = Batches::open(bytes, format)?;
    let schema = batches.schema();
    let columns = columns(&schema);
    let (format, at) = (format.name(), At::Byte(0));
    let table = Table { format, columns: &columns, is_typed: true, at, also: "" };
    let (word, _) = table.word()?;
    let mut words = Words::default();
    while let Some(batch) = batches.next()? {
        let column = batch.column(word);
        (0..column.len()).for_each(|row| words.push(text(column, row).unwrap_or(b"")));
    }
    Ok(words)
}
