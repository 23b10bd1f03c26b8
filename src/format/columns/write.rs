//! A table as batches of columns: `word`, `vector`, and one for each attribute.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, FixedSizeListBuilder, Float32Builder, Float64Builder,
    ListBuilder, StringBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

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
    /// The attributes that any row has, with the type of their column.
    attributes: BTreeMap<String, DataType>,
}

/// The attributes that any row has. One whose values are of several kinds becomes a column of texts.
fn attribute_columns(table: &Selection<'_>) -> BTreeMap<String, DataType> {
    let mut columns: BTreeMap<String, DataType> = BTreeMap::new();
    for row in table.rows() {
        for (name, value) in table.attributes(row).iter().flat_map(|attributes| attributes.iter()) {
            let kind = match value {
                AttributeValue::Text(_) => DataType::Utf8,
                AttributeValue::Number(_) => DataType::Float64,
                AttributeValue::Flag(_) => DataType::Boolean,
            };
            match columns.get_mut(name) {
                None => drop(columns.insert(name.to_owned(), kind)),
                Some(known) if *known != kind => *known = DataType::Utf8,
                Some(_) => {}
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
        fields.extend(attributes.iter().map(|(name, kind)| Field::new(name, kind.clone(), true)));
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
            let named = self.attributes.iter();
            columns.extend(named.map(|(name, kind)| attribute_values(table, &batch, name, kind)));
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

/// One attribute of some rows; null where a row has none.
fn attribute_values(
    table: &Selection<'_>,
    rows: &[RowId],
    name: &str,
    kind: &DataType,
) -> ArrayRef {
    let values = rows.iter().map(|&row| table.attributes(row).and_then(|kept| kept.get(name)));
    if *kind == DataType::Float64 {
        let mut column = Float64Builder::with_capacity(rows.len());
        values.for_each(|value| {
            column.append_option(match value {
                Some(AttributeValue::Number(number)) => Some(*number),
                Some(AttributeValue::Text(_) | AttributeValue::Flag(_)) | None => None,
            });
        });
        return Arc::new(column.finish());
    }
    if *kind == DataType::Boolean {
        let mut column = BooleanBuilder::with_capacity(rows.len());
        values.for_each(|value| {
            column.append_option(match value {
                Some(AttributeValue::Flag(flag)) => Some(*flag),
                Some(AttributeValue::Text(_) | AttributeValue::Number(_)) | None => None,
            });
        });
        return Arc::new(column.finish());
    }
    let mut column = StringBuilder::new();
    values.for_each(|value| {
        column.append_option(value.map(|value| match value {
            AttributeValue::Text(text) => text.clone(),
            AttributeValue::Number(number) => number.to_string(),
            AttributeValue::Flag(flag) => flag.to_string(),
        }));
    });
    Arc::new(column.finish())
}
