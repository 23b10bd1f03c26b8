//! Attributes: a record for each row that has some.

use std::io::Write;

use crate::container::{CHUNK_BYTES, Container, Writer};
use crate::error::Result;
use crate::limits;
use crate::table::attributes::{AttributeValue, Attributes};
use crate::table::columns::{Collected, ColumnsBuilder, RowAttributes};
use crate::table::date::Date;
use crate::table::part::fields::{Fields, push_text, push_u32};
use crate::vector::RowId;

const TEXT: u8 = 1;
const NUMBER: u8 = 2;
const FLAG: u8 = 3;
const INTEGER: u8 = 4;
const DATE: u8 = 5;
const LIST: u8 = 6;

/// Writes the attributes of those rows that have some.
///
/// # Errors
///
/// If the output fails.
pub fn write<'a, W: Write>(
    rows: impl Iterator<Item = (RowId, RowAttributes<'a>)>,
    out: &mut Writer<W>,
) -> Result<()> {
    out.section("rows", CHUNK_BYTES)?;
    let mut record = Vec::new();
    for (row, attributes) in rows.filter(|(_, attributes)| !attributes.is_empty()) {
        record.clear();
        record.extend_from_slice(&row.0.to_le_bytes());
        push(&mut record, attributes);
        out.write(&record)?;
    }
    Ok(())
}

/// Reads the attributes of rows below `rows_end`, which ascend.
///
/// # Errors
///
/// `Corrupt` if the part is damaged; if the disk fails.
pub fn read(part: &Container, rows_end: usize) -> Result<Collected> {
    let bytes = part.section("rows")?.read()?;
    let mut fields = Fields::new(&bytes);
    let (mut all, mut next) = (ColumnsBuilder::default(), 0);
    while !fields.rest().is_empty() {
        let row = fields.u32().map(RowId).filter(|row| (next..rows_end).contains(&row.index()));
        let attributes = take(&mut fields).filter(|attributes| !attributes.is_empty());
        let (Some(row), Some(attributes)) = (row, attributes) else {
            return Err(part.senseless());
        };
        all.push(row, RowAttributes::Own(&attributes));
        next = row.index() + 1;
    }
    Ok(all.build())
}

/// Appends the attributes of one word: their number u32, and of each the name behind its length, a
/// byte for the kind (1 a text behind its length, 2 an f64, 3 a byte 0 or 1, 4 an i64, 5 an i64 of microseconds since
/// 1970, 6 a u32 and so many kinds and values, none of which is a list), the value.
pub fn push(bytes: &mut Vec<u8>, attributes: RowAttributes<'_>) {
    push_u32(bytes, attributes.iter().count());
    for (name, value) in attributes.iter() {
        push_text(bytes, name.as_bytes());
        push_value(bytes, value);
    }
}

fn push_value(bytes: &mut Vec<u8>, value: &AttributeValue) {
    match value {
        AttributeValue::Text(text) => {
            bytes.push(TEXT);
            push_text(bytes, text.as_bytes());
        }
        AttributeValue::Number(number) => {
            bytes.push(NUMBER);
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        AttributeValue::Integer(number) => {
            bytes.push(INTEGER);
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        AttributeValue::Flag(flag) => bytes.extend_from_slice(&[FLAG, u8::from(*flag)]),
        AttributeValue::Date(date) => {
            bytes.push(DATE);
            bytes.extend_from_slice(&date.micros().to_le_bytes());
        }
        AttributeValue::List(values) => {
            bytes.push(LIST);
            push_u32(bytes, values.len());
            for value in values {
                push_value(bytes, value);
            }
        }
    }
}

/// The attributes that come next; none if these bytes are none.
pub fn take(fields: &mut Fields<'_>) -> Option<Attributes> {
    let count = fields.u32()?;
    (0..count).map(|_| Some((fields.utf8()?, value(fields)?))).collect()
}

fn value(fields: &mut Fields<'_>) -> Option<AttributeValue> {
    match fields.u8()? {
        LIST => {
            let count = usize::try_from(fields.u32()?).ok()?;
            if count > limits::ATTRIBUTE_LIST_MAX {
                return None;
            }
            let mut value = || fields.u8().and_then(|kind| scalar(kind, fields));
            let values: Option<_> = (0..count).map(|_| value()).collect();
            values.map(AttributeValue::List)
        }
        kind => scalar(kind, fields),
    }
}

fn scalar(kind: u8, fields: &mut Fields<'_>) -> Option<AttributeValue> {
    match kind {
        TEXT => fields.utf8().map(AttributeValue::Text),
        NUMBER => {
            let number = f64::from_le_bytes(*fields.take(8)?.first_chunk()?);
            number.is_finite().then_some(AttributeValue::Number(number))
        }
        INTEGER => {
            let number = i64::from_le_bytes(*fields.take(8)?.first_chunk()?);
            Some(AttributeValue::Integer(number))
        }
        DATE => {
            let micros = i64::from_le_bytes(*fields.take(8)?.first_chunk()?);
            Date::from_micros(micros).map(AttributeValue::Date)
        }
        FLAG => match fields.u8()? {
            0 => Some(AttributeValue::Flag(false)),
            1 => Some(AttributeValue::Flag(true)),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_come_back_and_damaged_ones_do_not() {
        use AttributeValue::{Flag, Integer, List, Number, Text};
        let date = |text: &str| AttributeValue::Date(text.parse().unwrap());
        let values = [
            Text("\u{e9}".to_owned()),
            Number(-0.0),
            Flag(true),
            Integer((1 << 53) + 1),
            Integer(i64::MIN),
            date("1969-12-31T23:59:59.999999Z"),
            List(vec![]),
            List(vec![Text(String::new()), Text("a".to_owned())]),
            List(vec![Integer(i64::MAX), Number(0.5)]),
            List(vec![date("2024-01-31")]),
            List(vec![Flag(false)]),
        ];
        let named = values.into_iter().enumerate().map(|(i, value)| (format!("a{i}"), value));
        let attributes: Attributes = named.collect();
        let mut bytes = Vec::new();
        push(&mut bytes, (&attributes).into());
        let mut fields = Fields::new(&bytes);
        assert_eq!(take(&mut fields), Some(attributes));
        assert!(fields.rest().is_empty());
        for end in 0..bytes.len() {
            assert_eq!(take(&mut Fields::new(&bytes[..end])), None);
        }
        // What a release before lists wrote: a text, a number and a flag.
        let old = b"\x03\0\0\0\x01\0\0\0a\x01\x01\0\0\0x\x01\0\0\0b\x02\0\0\0\0\0\0\x08\x40\x01\0\0\0c\x03\x01";
        let old = take(&mut Fields::new(old)).unwrap();
        assert_eq!(old.get("b"), Some(&Number(3.0)));
        let one = |value: &[u8]| [b"\x01\0\0\0\x01\0\0\0a", value].concat();
        for wrong in [
            // A list in a list, one of 2^32 - 1 values, a date beyond all years, and no kind at all.
            one(b"\x06\x01\0\0\0\x06\0\0\0\0"),
            one(b"\x06\xff\xff\xff\xff\x03\x01"),
            one(b"\x05\xff\xff\xff\xff\xff\xff\xff\x7f"),
            one(b"\x07\x01"),
        ] {
            assert_eq!(take(&mut Fields::new(&wrong)), None);
        }
    }
}
