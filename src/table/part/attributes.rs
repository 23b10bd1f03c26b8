//! Attributes: a record for each row that has some.

use std::io::Write;

use crate::container::{CHUNK_BYTES, Container, Writer};
use crate::error::Result;
use crate::table::attributes::{AttributeValue, Attributes};
use crate::table::columns::{Collected, ColumnsBuilder, RowAttributes};
use crate::table::part::fields::{Fields, push_text, push_u32};
use crate::vector::RowId;

const TEXT: u8 = 1;
const NUMBER: u8 = 2;
const FLAG: u8 = 3;

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
/// byte for the kind (1 a text behind its length, 2 an f64, 3 a byte 0 or 1), the value.
pub fn push(bytes: &mut Vec<u8>, attributes: RowAttributes<'_>) {
    push_u32(bytes, attributes.iter().count());
    for (name, value) in attributes.iter() {
        push_text(bytes, name.as_bytes());
        match value {
            AttributeValue::Text(text) => {
                bytes.push(TEXT);
                push_text(bytes, text.as_bytes());
            }
            AttributeValue::Number(number) => {
                bytes.push(NUMBER);
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            AttributeValue::Flag(flag) => bytes.extend_from_slice(&[FLAG, u8::from(*flag)]),
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
        TEXT => fields.utf8().map(AttributeValue::Text),
        NUMBER => {
            let number = f64::from_le_bytes(*fields.take(8)?.first_chunk()?);
            number.is_finite().then_some(AttributeValue::Number(number))
        }
        FLAG => match fields.u8()? {
            0 => Some(AttributeValue::Flag(false)),
            1 => Some(AttributeValue::Flag(true)),
            _ => None,
        },
        _ => None,
    }
}
