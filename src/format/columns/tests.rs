//! Files as other tools pack them.

use std::sync::Arc;

use arrow_array::builder::{FixedSizeListBuilder, Float32Builder};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, Date32Array, Date64Array, Float32Array, LargeListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt64Array,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::error::Result;
use crate::format::{Row, Step, open};
use crate::table::attributes::AttributeValue;

const ROWS: usize = 3_000;
const DIM: i32 = 4;

/// Rows whose numbers repeat, so that packing them pays.
fn batch() -> RecordBatch {
    let item = Arc::new(Field::new("item", DataType::Float32, false));
    let mut vectors =
        FixedSizeListBuilder::new(Float32Builder::new(), DIM).with_field(Arc::clone(&item));
    for row in 0..ROWS {
        vectors.values().append_slice(&vector(row));
        vectors.append(true);
    }
    let words: StringArray = (0..ROWS).map(|row| Some(format!("w{row}"))).collect();
    let schema = Schema::new(vec![
        Field::new("word", DataType::Utf8, false),
        Field::new("vector", DataType::FixedSizeList(item, DIM), false),
    ]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(words), Arc::new(vectors.finish())])
        .unwrap()
}

fn vector(row: usize) -> [f32; DIM as usize] {
    [(row % 7) as f32, 0.5, -1.0, 2.0]
}

fn read(bytes: Vec<u8>) -> Result<Vec<(Vec<u8>, Vec<f32>)>> {
    let mut reader = open(Box::new(std::io::Cursor::new(bytes)), None)?.reader;
    let (mut row, mut rows) = (Row::default(), Vec::new());
    while let Step::Row = reader.read(&mut row)? {
        rows.push((row.word.clone(), row.vector.clone()));
    }
    Ok(rows)
}

fn arrow(packed: Option<CompressionType>, is_file: bool) -> Vec<u8> {
    let batch = batch();
    let options = IpcWriteOptions::default().try_with_compression(packed).unwrap();
    let mut bytes = Vec::new();
    if is_file {
        let mut writer =
            FileWriter::try_new_with_options(&mut bytes, &batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        drop(writer);
    } else {
        let mut writer =
            StreamWriter::try_new_with_options(&mut bytes, &batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        drop(writer);
    }
    bytes
}

#[test]
fn packed_columns_are_read() {
    let expected: Vec<_> =
        (0..ROWS).map(|row| (format!("w{row}").into_bytes(), vector(row).to_vec())).collect();
    let plain = arrow(None, true).len();
    for packed in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        for is_file in [true, false] {
            let bytes = arrow(Some(packed), is_file);
            assert!(bytes.len() < plain / 2, "{packed:?} packs");
            assert_eq!(read(bytes).unwrap(), expected, "{packed:?}");
        }
    }
    for packed in [
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        let properties = WriterProperties::builder()
            .set_compression(packed)
            .set_dictionary_enabled(false)
            .build();
        let batch = batch();
        let mut bytes = Vec::new();
        let mut writer =
            ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        assert_eq!(read(bytes).unwrap(), expected, "{packed:?}");
    }
}

/// The claim stands in the eight bytes before a packed buffer.
#[test]
fn a_buffer_that_claims_too_much_is_refused_before_it_is_unpacked() {
    let bytes = arrow(Some(CompressionType::ZSTD), true);
    let claim = (ROWS * DIM as usize * size_of::<f32>()).to_le_bytes();
    let at = bytes.windows(claim.len()).position(|window| window == claim).unwrap();
    for claimed in [1_i64 << 31, 1 << 40, i64::MAX] {
        let mut bytes = bytes.clone();
        bytes[at..at + claim.len()].copy_from_slice(&claimed.to_le_bytes());
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.contains("claims"), "{error}");
    }
    let mut bytes = bytes;
    bytes[at..at + claim.len()].copy_from_slice(&1_000_000_i64.to_le_bytes());
    read(bytes).unwrap_err();
}

#[test]
fn times_of_every_unit_and_lists_are_attributes() {
    let (ms, nanos) = (1_706_697_000_250_i64, 1_706_697_000_250_000_001_i64);
    let day = 19_753;
    let lists = |lists: Vec<Option<Vec<Option<i32>>>>| -> ArrayRef {
        Arc::new(LargeListArray::from_iter_primitive::<Int32Type, _, _>(lists))
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("word", Arc::new(StringArray::from(vec!["a", "b"]))),
        ("0", Arc::new(Float32Array::from(vec![0.5, 1.0]))),
        ("1", Arc::new(Float32Array::from(vec![0.5, 1.0]))),
        ("s", Arc::new(TimestampSecondArray::from(vec![Some(ms / 1_000), None]))),
        ("ms", Arc::new(TimestampMillisecondArray::from(vec![ms, -1]).with_timezone("+01:00"))),
        ("us", Arc::new(TimestampMicrosecondArray::from(vec![ms * 1_000, i64::MAX]))),
        ("ns", Arc::new(TimestampNanosecondArray::from(vec![nanos, -1]))),
        ("day", Arc::new(Date32Array::from(vec![day, i32::MIN]))),
        ("at", Arc::new(Date64Array::from(vec![ms, 0]))),
        ("ids", lists(vec![Some(vec![Some(7), Some(-7)]), Some(vec![None])])),
        ("big", Arc::new(UInt64Array::from(vec![u64::MAX, 1 << 53]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = FileWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    let mut reader = open(Box::new(std::io::Cursor::new(bytes)), None).unwrap().reader;
    let mut row = Row::default();
    let date = |text: &str| AttributeValue::Date(text.parse().unwrap());
    let told = |row: &Row| -> Vec<(String, AttributeValue)> {
        row.attributes.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
    };
    let wanted = |wanted: &[(&str, AttributeValue)]| -> Vec<(String, AttributeValue)> {
        wanted.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    let ids = vec![AttributeValue::Integer(7), AttributeValue::Integer(-7)];
    let moment = date("2024-01-31T10:30:00.25Z");
    assert!(matches!(reader.read(&mut row).unwrap(), Step::Row));
    let first = wanted(&[
        ("at", moment.clone()),
        ("big", AttributeValue::Text(u64::MAX.to_string())),
        ("day", date("2024-01-31")),
        ("ids", AttributeValue::List(ids)),
        ("ms", moment.clone()),
        ("ns", moment.clone()),
        ("s", date("2024-01-31T10:30:00Z")),
        ("us", moment),
    ]);
    assert_eq!(told(&row), first);
    assert!(matches!(reader.read(&mut row).unwrap(), Step::Row));
    let second = wanted(&[
        ("at", date("1970-01-01")),
        ("big", AttributeValue::Integer(1 << 53)),
        ("ms", date("1969-12-31T23:59:59.999Z")),
        ("ns", date("1969-12-31T23:59:59.999999Z")),
    ]);
    assert_eq!(told(&row), second);
    // What was changed or left out is told, by the first column where that was.
    let notes = reader.notes();
    let note = |reason: &str| {
        let note = notes.iter().find(|note| note.reason == reason).unwrap();
        (note.done, note.detail.as_str())
    };
    assert_eq!(note("extra_field"), ("not kept", "us"));
    assert_eq!(note("rounded"), ("cut to microseconds", "ns"));
    assert_eq!(note("number_as_text").1, "big");
}
