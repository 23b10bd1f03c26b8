//! A file's beginning, and objects: lists of messages.

use std::ops::Range;

use crate::error::{At, Error, Result};
use crate::format::foreign::CONVERT_HDF5;
use crate::format::malformed;
use crate::format::source::Bytes;
use crate::format::source::bytes::Cursor;

use super::NAME;

/// No address.
pub(super) const UNDEFINED: u64 = u64::MAX;
/// Parts of one object's list, and messages in it.
const BLOCKS_MAX: usize = 256;
const MESSAGES_MAX: usize = 65_536;
const CONTINUED: u16 = 0x10;
/// The flag of a message that stands elsewhere.
const SHARED: u8 = 2;

/// The bytes of a file whose addresses and lengths have eight bytes and count from its beginning.
#[derive(Clone, Debug)]
pub(super) struct File {
    bytes: Bytes,
}

/// One thing that an object tells.
pub(super) struct Message {
    pub(super) kind: u16,
    body: Range<usize>,
    shared: bool,
}

impl File {
    /// With the address of the root group.
    pub(super) fn open(bytes: &Bytes) -> Result<(Self, u64)> {
        let what = "the beginning";
        let mut cursor = Cursor::new(bytes, NAME);
        if cursor.take(8, what)? != b"\x89HDF\r\n\x1A\n" {
            return Err(cursor.wrong("the file does not begin with \\x89HDF"));
        }
        let version = cursor.u8(what)?;
        let root = match version {
            0 | 1 => {
                cursor.take(4, what)?;
                check_sizes(&mut cursor)?;
                cursor.take(if version == 0 { 9 } else { 13 }, what)?;
                check_base(&mut cursor)?;
                // Free space, the end, the driver, and the name of the root group.
                cursor.take(4 * 8, what)?;
                cursor.u64(what)?
            }
            2 | 3 => {
                check_sizes(&mut cursor)?;
                cursor.take(1, what)?;
                check_base(&mut cursor)?;
                cursor.take(2 * 8, what)?;
                cursor.u64(what)?
            }
            _ => return Err(cursor.wrong(format!("version {version} of HDF5 is not known"))),
        };
        Ok((Self { bytes: bytes.clone() }, root))
    }

    /// The bytes from an address on.
    pub(super) fn at(&self, address: u64, what: &str) -> Result<Cursor> {
        let mut cursor = Cursor::new(&self.bytes, NAME);
        match usize::try_from(address) {
            Ok(at) if at <= self.bytes.len() => cursor.seek(at, what)?,
            Ok(_) | Err(_) => {
                let problem = format!("{what} would stand at byte {address}, behind the end");
                return Err(malformed(NAME, At::Byte(0), problem));
            }
        }
        Ok(cursor)
    }

    /// Some bytes from an address on.
    pub(super) fn part(&self, address: u64, length: u64, what: &str) -> Result<Bytes> {
        let mut cursor = self.at(address, what)?;
        let length = cursor.count(length.into(), 1, "bytes")?;
        cursor.part(length, what)
    }

    /// What an object tells.
    pub(super) fn messages(&self, address: u64) -> Result<Vec<Message>> {
        let what = "an object";
        let mut cursor = self.at(address, what)?;
        let mut messages = Vec::new();
        if cursor.clone().take(4, what)? == b"OHDR" {
            self.new_messages(&mut cursor, &mut messages)?;
        } else {
            self.old_messages(&mut cursor, &mut messages)?;
        }
        Ok(messages)
    }

    /// Version 1: each message at a multiple of eight bytes.
    fn old_messages(&self, cursor: &mut Cursor, messages: &mut Vec<Message>) -> Result<()> {
        let what = "an object";
        let version = cursor.u8(what)?;
        if version != 1 {
            return Err(cursor.wrong(format!("version {version} of an object is not known")));
        }
        cursor.take(7, what)?;
        let length = cursor.u32(what)?;
        cursor.take(4, what)?;
        let mut blocks = vec![(cursor.offset() as u64, u64::from(length))];
        let mut next = 0;
        while let Some(&(begin, length)) = blocks.get(next) {
            next += 1;
            let mut cursor = self.block(begin, length, &blocks)?;
            while cursor.left() >= 8 && messages.len() < MESSAGES_MAX {
                let kind = cursor.u16(what)?;
                let size = usize::from(cursor.u16(what)?);
                let flags = cursor.u8(what)?;
                cursor.take(3, what)?;
                self.message(&mut cursor, (kind, size, flags), messages, &mut blocks)?;
            }
        }
        Ok(())
    }

    /// Version 2: packed, with a checksum behind each part of the list.
    fn new_messages(&self, cursor: &mut Cursor, messages: &mut Vec<Message>) -> Result<()> {
        let what = "an object";
        cursor.take(5, what)?;
        let flags = cursor.u8(what)?;
        // Four times of day, then two counts.
        cursor.take(if flags & 0x20 == 0 { 0 } else { 16 }, what)?;
        cursor.take(if flags & 0x10 == 0 { 0 } else { 4 }, what)?;
        let length = number(cursor, flags & 3, what)?;
        let mut blocks = vec![(cursor.offset() as u64, length)];
        let numbered = flags & 4 != 0;
        let least = if numbered { 6 } else { 4 };
        let mut next = 0;
        while let Some(&(begin, length)) = blocks.get(next) {
            next += 1;
            // Further parts have four bytes before and behind.
            let around = if next == 1 { 0 } else { 4 };
            let length = length.saturating_sub(2 * around);
            let mut cursor = self.block(begin.saturating_add(around), length, &blocks)?;
            while cursor.left() >= least && messages.len() < MESSAGES_MAX {
                let kind = u16::from(cursor.u8(what)?);
                let size = usize::from(cursor.u16(what)?);
                let flags = cursor.u8(what)?;
                cursor.take(least - 4, what)?;
                self.message(&mut cursor, (kind, size, flags), messages, &mut blocks)?;
            }
        }
        Ok(())
    }

    /// A part of an object's list; the cursor ends with it.
    fn block(&self, begin: u64, length: u64, blocks: &[(u64, u64)]) -> Result<Cursor> {
        let cursor = self.at(begin, "a part of an object")?;
        if blocks.len() > BLOCKS_MAX {
            return Err(cursor.wrong("an object has too many parts"));
        }
        let length = cursor.count(length.into(), 1, "bytes of an object")?;
        self.within(cursor.offset()..cursor.offset() + length)
    }

    fn message(
        &self,
        cursor: &mut Cursor,
        (kind, size, flags): (u16, usize, u8),
        messages: &mut Vec<Message>,
        blocks: &mut Vec<(u64, u64)>,
    ) -> Result<()> {
        let begin = cursor.offset();
        cursor.take(size, "a message")?;
        let message = Message { kind, body: begin..begin + size, shared: flags & SHARED != 0 };
        if kind == CONTINUED {
            let mut body = self.body(&message)?;
            blocks.push((body.u64("a message")?, body.u64("a message")?));
        } else {
            messages.push(message);
        }
        Ok(())
    }

    /// What a message says; the cursor ends with it.
    pub(super) fn body(&self, message: &Message) -> Result<Cursor> {
        let cursor = self.within(message.body.clone())?;
        if message.shared {
            return Err(unread(&cursor, "a message that stands in another object"));
        }
        Ok(cursor)
    }

    /// These bytes; offsets stay those of the file.
    fn within(&self, range: Range<usize>) -> Result<Cursor> {
        let cut = self.bytes.slice(0..range.end);
        let mut cursor = Cursor::new(&cut.unwrap_or_else(|| self.bytes.clone()), NAME);
        cursor.seek(range.start, "an object")?;
        Ok(cursor)
    }
}

/// A number of 1, 2, 4 or 8 bytes.
pub(super) fn number(cursor: &mut Cursor, exponent: u8, what: &str) -> Result<u64> {
    Ok(match exponent {
        0 => u64::from(cursor.u8(what)?),
        1 => u64::from(cursor.u16(what)?),
        2 => u64::from(cursor.u32(what)?),
        _ => cursor.u64(what)?,
    })
}

fn check_sizes(cursor: &mut Cursor) -> Result<()> {
    let (addresses, lengths) = (cursor.u8("the beginning")?, cursor.u8("the beginning")?);
    if (addresses, lengths) == (8, 8) {
        return Ok(());
    }
    Err(unread(cursor, &format!("addresses of {addresses} and lengths of {lengths} bytes")))
}

fn check_base(cursor: &mut Cursor) -> Result<()> {
    match cursor.u64("the beginning")? {
        0 => Ok(()),
        base => Err(unread(cursor, &format!("addresses that count from byte {base}"))),
    }
}

/// The file is in order, but beyond this reader.
pub(super) fn unread(cursor: &Cursor, found: &str) -> Error {
    cursor.wrong(format!("{found} is not read here; {CONVERT_HDF5}"))
}
