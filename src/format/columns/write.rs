//! A table as batches of columns: `word`, `vector`, and one for each attribute.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, FixedSizeListBuilder, Float32Builder, ListBuilder, StringBuilder,
};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::format::json;
use crate::format::selection::Selection;
use crate::table::attributes::AttributeValue;
use crate::vector::RowId;

/// Rows of a batch.
const BATCH_ROWS: usize = 4_096;

/// Lists of one length, or of any, which more readers of Parquet know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lists {
    Fixed,
    Free,
}

/// Writes an Arrow IPC file.
pub(super) fn write_arrow(table: &Selection<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let columns = Columns::of(table, Lists::Fixed)?;
    let told = table.metadata.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let schema = Schema::clone(&columns.schema).with_metadata(told.collect::<HashMap<_, _>>());
    let mut writer = FileWriter::try_new(out, &schema).map_err(failed)?;
    columns.each_batch(table, |batch| writer.write(&batch).map_err(failed))?;
    writer.finish().map_err(failed)
}

/// Writes a Parquet file. Vectors do not compress, so nothing is.
pub(super) fn write_parquet(table: &Selection<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let columns = Columns::of(table, Lists::Free)?;
    let told = table.metadata.iter();
    let told = told.map(|(name, value)| KeyValue::new((*name).to_owned(), value.clone())).collect();
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_key_value_metadata(Some(told))
        .build();
    let mut writer =
        ArrowWriter::try_new(out, Arc::clone(&columns.schema), Some(properties)).map_err(failed)?;
    columns.each_batch(table, |batch| writer.write(&batch).map_err(failed))?;
    writer.close().map(drop).map_err(failed)
}

/// An error of the output comes out as it is.
fn failed(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::other(error)
}

struct Columns {
    schema: SchemaRef,
    lists: Lists,
    /// Whether every word is UTF-8; else the words are bytes.
    texts: bool,
    dim: i32,
    item: Arc<Field>,
    /// The attributes that any row has, with what their column holds.
    attributes: BTreeMap<String, Kind>,
}

/// What the values of a column are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Of the values of lists that are all empty.
    Nothing,
    Flags,
    /// Whole numbers, and whether doubles would keep each.
    Whole {
        fits_doubles: bool,
    },
    Numbers,
    Dates,
    Texts,
    Lists(Box<Kind>),
}

/// The zone of dates.
const UTC: &str = "UTC";

impl Kind {
    fn of(value: &AttributeValue) -> Self {
        match value {
            AttributeValue::Text(_) => Self::Texts,
            AttributeValue::Number(_) => Self::Numbers,
            AttributeValue::Integer(number) => {
                Self::Whole { fits_doubles: number.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS }
            }
            AttributeValue::Flag(_) => Self::Flags,
            AttributeValue::Date(_) => Self::Dates,
            AttributeValue::List(values) => {
                let item = values.iter().map(Self::of).reduce(Self::with);
                Self::Lists(Box::new(item.unwrap_or(Self::Nothing)))
            }
        }
    }

    /// What holds values of both kinds as they are, or as texts.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (own, Self::Nothing) => own,
            (Self::Nothing, other) => other,
            (Self::Whole { fits_doubles: a }, Self::Whole { fits_doubles: b }) => {
                Self::Whole { fits_doubles: a && b }
            }
            (Self::Whole { fits_doubles: true }, Self::Numbers)
            | (Self::Numbers, Self::Whole { fits_doubles: true }) => Self::Numbers,
            (Self::Lists(own), Self::Lists(other)) => Self::Lists(Box::new(own.with(*other))),
            (own, other) if own == other => own,
            (_, _) => Self::Texts,
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Nothing | Self::Texts => DataType::Utf8,
            Self::Flags => DataType::Boolean,
            Self::Whole { .. } => DataType::Int64,
            Self::Numbers => DataType::Float64,
            Self::Dates => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            Self::Lists(item) => DataType::List(Self::item_field(item)),
        }
    }

    fn item_field(item: &Self) -> Arc<Field> {
        Arc::new(Field::new("element", item.data_type(), true))
    }

    /// Values as a column of this kind, which suits them.
    fn array(&self, values: &[Option<&AttributeValue>]) -> ArrayRef {
        let values = values.iter().copied();
        match self {
            Self::Nothing | Self::Texts => {
                let texts: StringArray = values.map(|value| value.map(text)).collect();
                Arc::new(texts)
            }
            Self::Flags => {
                let flag = |value: Option<&AttributeValue>| match value {
                    Some(AttributeValue::Flag(flag)) => Some(*flag),
                    _ => None,
                };
                let flags: BooleanArray = values.map(flag).collect();
                Arc::new(flags)
            }
            Self::Whole { .. } => {
                let number = |value: Option<&AttributeValue>| match value {
                    Some(AttributeValue::Integer(number)) => Some(*number),
                    _ => None,
                };
                let numbers: Int64Array = values.map(number).collect();
                Arc::new(numbers)
            }
            Self::Numbers => {
                let number =
                    |value: Option<&AttributeValue>| value.and_then(AttributeValue::number);
                let numbers: Float64Array = values.map(number).collect();
                Arc::new(numbers)
            }
            Self::Dates => {
                let micros = |value: Option<&AttributeValue>| match value {
                    Some(AttributeValue::Date(date)) => Some(date.micros()),
                    _ => None,
                };
                let dates: TimestampMicrosecondArray = values.map(micros).collect();
                Arc::new(dates.with_timezone(UTC))
            }
            Self::Lists(item) => {
                let is_there: Vec<bool> = values.clone().map(|value| value.is_some()).collect();
                let lengths = values.clone().map(|value| value.map_or(0, |list| list.each().len()));
                let offsets = OffsetBuffer::from_lengths(lengths);
                let items: Vec<_> =
                    values.flatten().flat_map(AttributeValue::each).map(Some).collect();
                let (field, items) = (Self::item_field(item), item.array(&items));
                Arc::new(ListArray::new(field, offsets, items, Some(is_there.into())))
            }
        }
    }
}

/// A value in a column of texts.
fn text(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Text(text) => text.clone(),
        AttributeValue::Number(number) => number.to_string(),
        AttributeValue::Integer(number) => number.to_string(),
        AttributeValue::Flag(flag) => flag.to_string(),
        AttributeValue::Date(date) => date.to_string(),
        AttributeValue::List(_) => {
            let mut bytes = Vec::new();
            // Writing to memory does not fail, and JSON is UTF-8.
            let _ = json::push(value, &mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        }
    }
}

/// The attributes that any row has. One whose values are of several kinds becomes a column of texts.
fn attribute_columns(table: &Selection<'_>) -> BTreeMap<String, Kind> {
    let mut columns: BTreeMap<String, Kind> = BTreeMap::new();
    for row in table.rows() {
        for (name, value) in table.attributes(row).iter() {
            let kind = Kind::of(value);
            match columns.get_mut(name) {
                None => drop(columns.insert(name.to_owned(), kind)),
                Some(known) => *known = std::mem::replace(known, Kind::Nothing).with(kind),
            }
        }
    }
    columns
}

impl Columns {
    fn of(table: &Selection<'_>, lists: Lists) -> io::Result<Self> {
        let texts = table.rows().all(|row| std::str::from_utf8(table.word(row)).is_ok());
        let dim = i32::try_from(table.dim()).map_err(io::Error::other)?;
        let item = Arc::new(Field::new("element", DataType::Float32, false));
        let vector = match lists {
            Lists::Fixed => DataType::FixedSizeList(Arc::clone(&item), dim),
            Lists::Free => DataType::List(Arc::clone(&item)),
        };
        let word = if texts { DataType::Utf8 } else { DataType::Binary };
        let attributes = attribute_columns(table);
        let mut fields = vec![Field::new("word", word, false), Field::new("vector", vector, false)];
        fields
            .extend(attributes.iter().map(|(name, kind)| Field::new(name, kind.data_type(), true)));
        Ok(Self { schema: Arc::new(Schema::new(fields)), lists, texts, dim, item, attributes })
    }

    fn each_batch(
        &self,
        table: &Selection<'_>,
        mut write: impl FnMut(RecordBatch) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut rows = table.rows().peekable();
        while rows.peek().is_some() {
            let batch: Vec<RowId> = rows.by_ref().take(BATCH_ROWS).collect();
            let mut columns = vec![self.words(table, &batch), self.vectors(table, &batch)];
            columns.extend(self.attributes.iter().map(|(name, kind)| {
                let value = |&row| table.attributes(row).get(name);
                kind.array(&batch.iter().map(value).collect::<Vec<_>>())
            }));
            write(RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(failed)?)?;
        }
        Ok(())
    }

    fn words(&self, table: &Selection<'_>, rows: &[RowId]) -> ArrayRef {
        if self.texts {
            let mut words = StringBuilder::new();
            for &row in rows {
                words.append_value(table.shown(row));
            }
            return Arc::new(words.finish());
        }
        let mut words = BinaryBuilder::new();
        for &row in rows {
            words.append_value(table.word(row));
        }
        Arc::new(words.finish())
    }

    fn vectors(&self, table: &Selection<'_>, rows: &[RowId]) -> ArrayRef {
        let item = Arc::clone(&self.item);
        match self.lists {
            Lists::Fixed => {
                let mut lists =
                    FixedSizeListBuilder::new(Float32Builder::new(), self.dim).with_field(item);
                for &row in rows {
                    lists.values().append_slice(&table.vector(row));
                    lists.append(true);
                }
                Arc::new(lists.finish())
            }
            Lists::Free => {
                let mut lists = ListBuilder::new(Float32Builder::new()).with_field(item);
                for &row in rows {
                    lists.values().append_slice(&table.vector(row));
                    lists.append(true);
                }
                Arc::new(lists.finish())
            }
        }
    }
}
