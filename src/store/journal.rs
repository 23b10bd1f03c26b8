//! The journal: writes since a generation's rows, in order.
//!
//! | key | value |
//! | --- | --- |
//! | lineage u64, sequence u64, part u32, all big-endian | a part of a write |
//!
//! A write is a call's changes to words, made whole or not at all. Writes are numbered from 1 since
//! the import, whose generation is the *lineage* of all that come of it. The changes are written one
//! behind the other and cut into parts of 16 KiB, all inserted at once. Write 3 after the import of
//! generation 42 puts the word `of`, with one attribute, and deletes `the`:
//!
//! ```text
//! key    00 00 00 00 00 00 00 2a                   the lineage: generation 42
//!        00 00 00 00 00 00 00 03   00 00 00 00     write 3, part 0
//!
//! value  01                                        version of the record
//!        01 00 00 00                               parts of this write
//!        02 00 00 00                               2 changes (from here on cut into parts)
//!        01   02 00 00 00   6f 66                  1, put: bytes of the word, the word
//!        02 00 00 00                               2 components
//!        00 00 00 3f 00 00 80 be                   [0.5, -0.25]
//!        01 00 00 00                               1 attribute
//!        03 00 00 00   70 6f 73                    its name: "pos"
//!        01   02 00 00 00   49 4e                  1, a text: "IN" (2: f64; 3: a byte, 0 or 1)
//!        02   03 00 00 00   74 68 65               2, delete: the word
//!        xx xx xx xx                               CRC-32 of the key and of all this
//! ```
//!
//! The third kind of change is 3, attributes: the word, the attributes to set as above, the number of
//! names to take away, and each with its length.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::store::fault;
use crate::store::kv::Kv;
use crate::table::change::Change;
use crate::table::meta::Meta;
use crate::table::part::{Fields, attributes, push_text, push_u32};
use crate::table::view::View;

const VERSION: u8 = 1;
const CRC_BYTES: usize = 4;
/// Bytes of a part of a write, about.
const PART_BYTES: usize = 16 << 10;
/// Keys that are listed before they are removed.
const REMOVE_KEYS: usize = 256;

const PUT: u8 = 1;
const DELETE: u8 = 2;
const ATTRIBUTES: u8 = 3;

/// Bytes of the key of a part of a write.
const KEY_BYTES: usize = 20;
type Key = [u8; KEY_BYTES];

fn key(lineage: u64, sequence: u64, part: u32) -> Key {
    let mut key = [0; KEY_BYTES];
    key[..8].copy_from_slice(&lineage.to_be_bytes());
    key[8..16].copy_from_slice(&sequence.to_be_bytes());
    key[16..].copy_from_slice(&part.to_be_bytes());
    key
}

/// Every write since one import.
fn all_of(lineage: u64) -> Range<Key> {
    key(lineage, 0, 0)..key(lineage.saturating_add(1), 0, 0)
}

/// The lineage and the number of a write; none if this is no such key.
fn parted(key: &[u8]) -> Option<(u64, u64)> {
    let (lineage, rest) = key.split_first_chunk()?;
    let (sequence, part) = rest.split_first_chunk()?;
    let parted = (u64::from_be_bytes(*lineage), u64::from_be_bytes(*sequence));
    (part.len() == size_of::<u32>()).then_some(parted)
}

/// Appends the checksum: the record is complete.
pub(super) fn seal(key: &[u8], record: &mut Vec<u8>) {
    record.extend_from_slice(&checksum(key, record).to_le_bytes());
}

/// The record without its checksum; none if they do not agree.
pub(super) fn unseal<'a>(key: &[u8], record: &'a [u8]) -> Option<&'a [u8]> {
    let (body, crc) = record.split_last_chunk::<CRC_BYTES>()?;
    (u32::from_le_bytes(*crc) == checksum(key, body)).then_some(body)
}

fn checksum(key: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(body);
    hasher.finalize()
}

/// Adds a write; sled has all of its parts or none. Not durable yet.
pub(super) fn append(kv: &Kv, lineage: u64, sequence: u64, changes: &[Change]) -> Result<()> {
    let body = encode(changes);
    let parts = body.chunks(PART_BYTES);
    let count = parts.len();
    let records = (0..).zip(parts).map(|(part, bytes)| {
        let key = key(lineage, sequence, part);
        let mut value = vec![VERSION];
        push_u32(&mut value, count);
        value.extend_from_slice(bytes);
        seal(&key, &mut value);
        (key, value)
    });
    let what = || format!("write {sequence} of generation {lineage}");
    fault::guarded(what, || {
        if count == 1 {
            // Sled writes a batch to the file at once, and twice; this waits for the next sync.
            return records
                .into_iter()
                .try_for_each(|(key, value)| kv.journal.insert(key, value).map(drop));
        }
        let mut batch = sled::Batch::default();
        for (key, value) in records {
            batch.insert(&key, value);
        }
        kv.journal.apply_batch(batch)
    })
}

/// Makes the writes of a table that its rows do not hold, up to `last`, in a view that stands at the
/// last write which they hold.
pub(super) fn replay(kv: &Kv, meta: &Meta, last: u64, view: &mut View) -> Result<()> {
    each_write(kv, meta, view.sequence().saturating_add(1)..=last, |sequence, changes| {
        let damaged = |cause| Error::caused(damage(meta, sequence), cause);
        view.write(&changes).map_err(damaged)
    })
}

/// Shows the writes of a table that have these numbers, in order.
pub(super) fn each_write(
    kv: &Kv,
    meta: &Meta,
    numbers: std::ops::RangeInclusive<u64>,
    mut show: impl FnMut(u64, Vec<Change>) -> Result<()>,
) -> Result<()> {
    let (lineage, end) = (meta.lineage(), numbers.end().saturating_add(1));
    let mut records = kv.journal.range(key(lineage, *numbers.start(), 0)..key(lineage, end, 0));
    for sequence in numbers {
        let what = || name_of(meta, sequence);
        let damaged = || Error::new(damage(meta, sequence));
        let (mut body, mut part, mut count) = (Vec::new(), 0, 1);
        while part < count {
            let next = fault::guarded(what, || records.next().transpose())?;
            // A gap shows here: another key than the next one.
            let expected = key(lineage, sequence, part);
            let (key, value) = next.filter(|(key, _)| **key == expected).ok_or_else(damaged)?;
            let mut fields = Fields::new(unseal(&key, &value).ok_or_else(damaged)?);
            match fields.u8().ok_or_else(damaged)? {
                VERSION => {}
                got => {
                    let (what, expected, got) = (what(), u32::from(VERSION), u32::from(got));
                    return Err(Error::new(ErrorKind::ForeignVersion { what, expected, got }));
                }
            }
            count = fields.u32().filter(|&count| count > part).ok_or_else(damaged)?;
            body.extend_from_slice(fields.rest());
            part += 1;
        }
        show(sequence, decode(&body).ok_or_else(damaged)?)?;
    }
    Ok(())
}

fn name_of(meta: &Meta, sequence: u64) -> String {
    format!("table \"{}\", write {sequence} of its journal", meta.name)
}

fn damage(meta: &Meta, sequence: u64) -> ErrorKind {
    fault::damage(name_of(meta, sequence), fault::RECOVER)
}

/// The last write of each lineage.
pub(super) fn last_writes(kv: &Kv) -> Result<BTreeMap<u64, u64>> {
    let what = || "the journal".to_owned();
    let mut last = BTreeMap::new();
    let mut end = vec![u8::MAX; KEY_BYTES + 1];
    // From the end, one look-up a lineage.
    while let Some((found, _)) =
        fault::guarded(what, || kv.journal.range(..&end[..]).next_back().transpose())?
    {
        let damaged = || Error::new(fault::damage(what(), fault::RECOVER));
        let (lineage, sequence) = parted(&found).ok_or_else(damaged)?;
        last.insert(lineage, sequence);
        end = key(lineage, 0, 0).to_vec();
    }
    Ok(last)
}

/// Removes the writes of a lineage up to this one; how many records there were.
pub(super) fn remove(kv: &Kv, lineage: u64, last: u64) -> Result<u64> {
    let all = all_of(lineage);
    let end = last.checked_add(1).map_or(all.end, |next| key(lineage, next, 0));
    remove_range(kv, all.start..end)
}

/// Removes the writes that follow the last one of their lineage.
pub(super) fn keep(kv: &Kv, last: &BTreeMap<u64, u64>) -> Result<()> {
    for (lineage, sequence) in last_writes(kv)? {
        let known = last.get(&lineage).copied().unwrap_or(0);
        if sequence > known {
            remove_range(kv, key(lineage, known + 1, 0)..all_of(lineage).end)?;
        }
    }
    Ok(())
}

fn remove_range(kv: &Kv, range: Range<Key>) -> Result<u64> {
    let what = || "the journal".to_owned();
    let mut removed = 0;
    loop {
        let keys = || kv.journal.range(range.clone()).keys().take(REMOVE_KEYS).collect();
        let keys: Vec<sled::IVec> = fault::guarded(what, keys)?;
        if keys.is_empty() {
            return Ok(removed);
        }
        for key in keys {
            fault::guarded(what, || kv.journal.remove(key))?;
            removed += 1;
        }
        // Lets sled use the room again, and bounds what waits in memory.
        kv.flush()?;
    }
}

/// The changes of a write as bytes, for backups too.
pub(super) fn encode(changes: &[Change]) -> Vec<u8> {
    let mut body = Vec::new();
    push_u32(&mut body, changes.len());
    for change in changes {
        match change {
            Change::Put { word, vector, attributes } => {
                body.push(PUT);
                push_text(&mut body, word);
                push_u32(&mut body, vector.len());
                body.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
                attributes::push(&mut body, attributes.into());
            }
            Change::Delete { word } => {
                body.push(DELETE);
                push_text(&mut body, word);
            }
            Change::Attributes { word, set, remove } => {
                body.push(ATTRIBUTES);
                push_text(&mut body, word);
                attributes::push(&mut body, set.into());
                push_u32(&mut body, remove.len());
                for name in remove {
                    push_text(&mut body, name.as_bytes());
                }
            }
        }
    }
    body
}

/// The changes of a write; none if these bytes are no write, or more than one.
pub(super) fn decode(body: &[u8]) -> Option<Vec<Change>> {
    let mut fields = Fields::new(body);
    let count = fields.u32()?;
    // Nothing is reserved for a count: it is believed as far as there are bytes.
    let changes: Option<Vec<_>> = (0..count).map(|_| change(&mut fields)).collect();
    changes.filter(|_| fields.rest().is_empty())
}

fn change(fields: &mut Fields<'_>) -> Option<Change> {
    let kind = fields.u8()?;
    let word = fields.text()?.to_vec();
    match kind {
        PUT => {
            let dim = usize::try_from(fields.u32()?).ok()?;
            let (values, _) = fields.take(dim.checked_mul(size_of::<f32>())?)?.as_chunks();
            let vector = values.iter().map(|&value| f32::from_le_bytes(value)).collect();
            Some(Change::Put { word, vector, attributes: attributes::take(fields)? })
        }
        DELETE => Some(Change::Delete { word }),
        ATTRIBUTES => {
            let set = attributes::take(fields)?;
            let count = fields.u32()?;
            let remove: Option<Vec<_>> = (0..count).map(|_| fields.utf8()).collect();
            Some(Change::Attributes { word, set, remove: remove? })
        }
        _ => None,
    }
}
