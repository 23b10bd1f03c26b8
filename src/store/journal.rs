//! The journal: writes since a generation's rows, in order; and attributes, which its rows lack.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::store::record::{self, Bytes};
use crate::store::{Shared, fault, key, writer};
use crate::table::Table;
use crate::table::attributes::{AttributeValue, Attributes};
use crate::table::change::Change;
use crate::table::meta::Meta;
use crate::table::view::View;
use crate::vector::RowId;

const VERSION: u8 = 1;
/// Bytes of a part of a write, and of a block of attributes, about: as a block of rows.
const PART_BYTES: usize = 16 << 10;
/// Keys that are listed before they are removed.
const REMOVE_KEYS: usize = 256;

const PUT: u8 = 1;
const DELETE: u8 = 2;
const ATTRIBUTES: u8 = 3;
const TEXT: u8 = 1;
const NUMBER: u8 = 2;
const FLAG: u8 = 3;

/// Adds a write; the store has all of its parts or none. Not durable yet.
pub(super) fn append(
    shared: &Shared,
    lineage: u64,
    sequence: u64,
    changes: &[Change],
) -> Result<()> {
    let mut body = Vec::new();
    push_u32(&mut body, changes.len());
    for change in changes {
        push_change(&mut body, change);
    }
    let parts = body.chunks(PART_BYTES);
    let count = parts.len();
    let mut batch = sled::Batch::default();
    for (part, bytes) in (0..).zip(parts) {
        let key = key::write(lineage, sequence, part);
        let mut value = vec![VERSION];
        push_u32(&mut value, count);
        value.extend_from_slice(bytes);
        record::seal(&key, &mut value);
        batch.insert(&key, value);
    }
    let what = || format!("write {sequence} of generation {lineage}");
    fault::guarded(what, || shared.journal.apply_batch(batch))
}

/// A table with its attributes, after the writes that its rows do not hold.
pub(super) fn view(shared: &Shared, meta: &Meta, table: Arc<Table>) -> Result<View> {
    let mut view = View::new(table, meta.applied.sequence);
    read_attributes(shared, meta, &mut view)?;
    let (lineage, first) = (meta.lineage(), meta.applied.sequence.saturating_add(1));
    let mut records = shared.journal.range(key::write(lineage, first, 0)..key::after(lineage));
    let mut reading = Reading { meta, body: Vec::new(), parts: 0 };
    while let Some((key, value)) =
        fault::guarded(|| name_of(meta, view.sequence() + 1), || records.next().transpose())?
    {
        let sequence = view.sequence() + 1;
        if let Some(changes) = reading.part(sequence, &key, &value)? {
            let damaged = |cause| Error::caused(damage(name_of(meta, sequence)), cause);
            view.write(&changes).map_err(damaged)?;
        }
    }
    if reading.parts == 0 {
        return Ok(view);
    }
    Err(Error::new(damage(name_of(meta, view.sequence() + 1))))
}

/// A write whose parts come one by one.
struct Reading<'a> {
    meta: &'a Meta,
    body: Vec<u8>,
    parts: u32,
}

impl Reading<'_> {
    /// Takes the next part; the changes, if it is the last.
    fn part(&mut self, sequence: u64, key: &[u8], value: &[u8]) -> Result<Option<Vec<Change>>> {
        let meta = self.meta;
        let damaged = || Error::new(damage(name_of(meta, sequence)));
        // A gap shows here: another key than the next one.
        if key != key::write(self.meta.lineage(), sequence, self.parts) {
            return Err(damaged());
        }
        let body = record::unseal(key, value).ok_or_else(damaged)?;
        let mut bytes = Bytes::new(body);
        check_version(&mut bytes, || name_of(meta, sequence))?;
        let count = bytes.u32().filter(|&count| count > self.parts).ok_or_else(damaged)?;
        self.body.extend_from_slice(bytes.rest());
        self.parts += 1;
        if self.parts < count {
            return Ok(None);
        }
        let changes = changes(&self.body).ok_or_else(damaged)?;
        self.body.clear();
        self.parts = 0;
        Ok(Some(changes))
    }
}

fn name_of(meta: &Meta, sequence: u64) -> String {
    format!("table \"{}\", write {sequence} of its journal", meta.name)
}

/// Writes the attributes of a generation's rows; how many rows have some. Not durable yet.
pub(super) fn write_attributes(
    shared: &Shared,
    generation: u64,
    attributes: &BTreeMap<RowId, Attributes>,
) -> Result<u64> {
    let mut rows = attributes.iter().peekable();
    let mut block = 0;
    while rows.peek().is_some() {
        let (mut body, mut count) = (Vec::new(), 0);
        while body.len() < PART_BYTES
            && let Some((row, attributes)) = rows.next()
        {
            body.extend_from_slice(&row.0.to_le_bytes());
            push_attributes(&mut body, attributes);
            count += 1;
        }
        let key = key::block(generation, block);
        let mut value = vec![VERSION];
        push_u32(&mut value, count);
        value.extend_from_slice(&body);
        record::seal(&key, &mut value);
        let what = || format!("generation {generation}, attributes {block}");
        fault::guarded(what, || shared.attributes.insert(key, value))?;
        block += 1;
    }
    Ok(attributes.len() as u64)
}

fn read_attributes(shared: &Shared, meta: &Meta, view: &mut View) -> Result<()> {
    let name = |block| {
        format!("table \"{}\", generation {}, attributes {block}", meta.name, meta.generation)
    };
    let (mut block, mut left) = (0, meta.applied.attributed_rows);
    while left > 0 {
        let what = || name(block);
        let damaged = || Error::new(damage(what()));
        let key = key::block(meta.generation, block);
        let value = fault::guarded(what, || shared.attributes.get(key))?.ok_or_else(damaged)?;
        let body = record::unseal(&key, &value).ok_or_else(damaged)?;
        let mut bytes = Bytes::new(body);
        check_version(&mut bytes, what)?;
        let count = bytes.u32().filter(|&count| count > 0).ok_or_else(damaged)?;
        for _ in 0..count {
            let row = bytes.u32().map(RowId).filter(|&row| view.has(row)).ok_or_else(damaged)?;
            let attributes = attributes(&mut bytes).ok_or_else(damaged)?;
            view.give_attributes(row, attributes);
        }
        left = left.checked_sub(u64::from(count)).ok_or_else(damaged)?;
        block += 1;
    }
    Ok(())
}

/// Removes the writes of a lineage up to this one; how many records there were.
pub(super) fn remove(shared: &Shared, lineage: u64, last: u64) -> Result<u64> {
    let end = match last.checked_add(1) {
        Some(next) => key::write(lineage, next, 0),
        None => key::after(lineage),
    };
    let what = || format!("the journal of generation {lineage}");
    remove_range(shared, &shared.journal, key::write(lineage, 0, 0)..end, &what)
}

/// Removes the attributes of a generation.
pub(super) fn remove_attributes(shared: &Shared, generation: u64) -> Result<()> {
    let range = key::block(generation, 0)..=key::block(generation, u32::MAX);
    let what = || format!("the attributes of generation {generation}");
    remove_range(shared, &shared.attributes, range, &what).map(drop)
}

fn remove_range<K: AsRef<[u8]>>(
    shared: &Shared,
    tree: &sled::Tree,
    range: impl std::ops::RangeBounds<K> + Clone,
    what: &dyn Fn() -> String,
) -> Result<u64> {
    let mut removed = 0;
    loop {
        let keys: Vec<sled::IVec> =
            fault::guarded(what, || tree.range(range.clone()).keys().take(REMOVE_KEYS).collect())?;
        if keys.is_empty() {
            return Ok(removed);
        }
        for key in keys {
            fault::guarded(what, || tree.remove(key))?;
            removed += 1;
        }
        writer::flush(&shared.db)?;
    }
}

/// The first lineage after this one of which there are writes.
pub(super) fn lineage_after(shared: &Shared, after: Option<u64>) -> Result<Option<u64>> {
    let from = after.map_or([0; key::WRITE_BYTES], key::after);
    let what = || "the journals".to_owned();
    let next = fault::guarded(what, || shared.journal.range(from..).keys().next().transpose())?;
    let Some(found) = next else { return Ok(None) };
    let damaged = || Error::new(fault::damage(what(), fault::RESTORE));
    key::lineage(&found).map(Some).ok_or_else(damaged)
}

fn damage(what: String) -> ErrorKind {
    fault::damage(what, fault::IMPORT_AGAIN)
}

fn check_version(bytes: &mut Bytes<'_>, what: impl Fn() -> String) -> Result<()> {
    match bytes.u8() {
        Some(VERSION) => Ok(()),
        Some(got) => {
            let (what, expected, got) = (what(), u32::from(VERSION), u32::from(got));
            Err(Error::new(ErrorKind::ForeignVersion { what, expected, got }))
        }
        None => Err(Error::new(damage(what()))),
    }
}

fn push_u32(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend_from_slice(&record::small(count).to_le_bytes());
}

fn push_text(bytes: &mut Vec<u8>, text: &[u8]) {
    push_u32(bytes, text.len());
    bytes.extend_from_slice(text);
}

fn push_change(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Put { word, vector, attributes } => {
            bytes.push(PUT);
            push_text(bytes, word);
            push_u32(bytes, vector.len());
            bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
            push_attributes(bytes, attributes);
        }
        Change::Delete { word } => {
            bytes.push(DELETE);
            push_text(bytes, word);
        }
        Change::Attributes { word, set, remove } => {
            bytes.push(ATTRIBUTES);
            push_text(bytes, word);
            push_attributes(bytes, set);
            push_u32(bytes, remove.len());
            for name in remove {
                push_text(bytes, name.as_bytes());
            }
        }
    }
}

fn push_attributes(bytes: &mut Vec<u8>, attributes: &Attributes) {
    push_u32(bytes, attributes.len());
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

/// The changes of a write; none if these bytes are no write, or more than one.
fn changes(body: &[u8]) -> Option<Vec<Change>> {
    let mut bytes = Bytes::new(body);
    let count = bytes.u32()?;
    // Nothing is reserved for a count: it is believed as far as there are bytes.
    let changes: Option<Vec<_>> = (0..count).map(|_| change(&mut bytes)).collect();
    changes.filter(|_| bytes.rest().is_empty())
}

fn change(bytes: &mut Bytes<'_>) -> Option<Change> {
    let kind = bytes.u8()?;
    let word = bytes.text()?.to_vec();
    match kind {
        PUT => {
            let dim = usize::try_from(bytes.u32()?).ok()?;
            let (values, _) = bytes.take(dim.checked_mul(size_of::<f32>())?)?.as_chunks();
            let vector = values.iter().map(|&value| f32::from_le_bytes(value)).collect();
            Some(Change::Put { word, vector, attributes: attributes(bytes)? })
        }
        DELETE => Some(Change::Delete { word }),
        ATTRIBUTES => {
            let set = attributes(bytes)?;
            let count = bytes.u32()?;
            let remove: Option<Vec<_>> = (0..count).map(|_| utf8(bytes)).collect();
            Some(Change::Attributes { word, set, remove: remove? })
        }
        _ => None,
    }
}

fn attributes(bytes: &mut Bytes<'_>) -> Option<Attributes> {
    let count = bytes.u32()?;
    (0..count).map(|_| Some((utf8(bytes)?, value(bytes)?))).collect()
}

fn value(bytes: &mut Bytes<'_>) -> Option<AttributeValue> {
    match bytes.u8()? {
        TEXT => utf8(bytes).map(AttributeValue::Text),
        NUMBER => {
            let number = f64::from_le_bytes(bytes.take(8)?.try_into().ok()?);
            number.is_finite().then_some(AttributeValue::Number(number))
        }
        FLAG => match bytes.u8()? {
            0 => Some(AttributeValue::Flag(false)),
            1 => Some(AttributeValue::Flag(true)),
            _ => None,
        },
        _ => None,
    }
}

fn utf8(bytes: &mut Bytes<'_>) -> Option<String> {
    String::from_utf8(bytes.text()?.to_vec()).ok()
}
