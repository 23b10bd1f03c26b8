//! What is in a message, counted and named before anybody takes it apart.

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::server::access::Named;
use crate::server::shapes::Shape;

/// Messages within messages; prost takes no more apart.
const DEPTH_MAX: usize = 100;

/// The tables that a message names, as it is looked at when it comes in.
pub(super) fn named(shape: Shape, message: &[u8]) -> Result<Named> {
    let mut entries = Entries::of(shape, message.len());
    entries.read(message)?;
    entries.named.is_unreadable |= entries.is_lost();
    Ok(entries.named)
}

/// Counts the entries of a message that have a length: texts and messages, at every depth. They take far
/// more memory than bytes once they are read.
#[derive(Debug, Default)]
pub(super) struct Entries {
    at: At,
    /// Bytes read.
    position: u64,
    /// The messages that it is in, the outermost first, each with where it ends.
    within: Vec<(Shape, u64)>,
    /// Entries of the outermost message, and all.
    pub(super) count: usize,
    pub(super) nested: usize,
    pub(super) named: Named,
}

#[derive(Clone, Copy, Debug, Default)]
enum At {
    /// In a field's number and type: what was read of it, and its bits.
    #[default]
    Begin,
    Tag(u64, u32),
    Number,
    /// In the length of the field with this number: likewise.
    Length(u64, u64, u32),
    Skip(u64),
    /// In the name of a table, which is the last one of those named.
    Name(u64),
    /// It cannot be read, or is of a kind that the contract has not: whoever takes the message apart says so.
    Lost,
}

impl Entries {
    pub(super) fn of(shape: Shape, bytes: usize) -> Self {
        Self { within: vec![(shape, bytes as u64)], ..Self::default() }
    }

    pub(super) fn read(&mut self, mut data: &[u8]) -> Result<()> {
        while let Some((&byte, rest)) = data.split_first() {
            if let At::Skip(left) = self.at {
                let now = usize::try_from(left).unwrap_or(usize::MAX).min(data.len());
                data = &data[now..];
                self.position += now as u64;
                self.at = Self::skip(left - now as u64);
                continue;
            }
            if let At::Name(left) = self.at {
                let now = usize::try_from(left).unwrap_or(usize::MAX).min(data.len());
                let (name, rest) = data.split_at(now);
                self.name(name);
                data = rest;
                self.position += now as u64;
                let left = left - now as u64;
                self.at = if left == 0 { At::Begin } else { At::Name(left) };
                continue;
            }
            if matches!(self.at, At::Lost) {
                // No entry is shorter than two bytes.
                self.nested += data.len().div_ceil(2);
                return self.check();
            }
            data = rest;
            self.position += 1;
            self.step(byte);
            self.check()?;
        }
        Ok(())
    }

    /// Reads a byte that is no content of a field.
    fn step(&mut self, byte: u8) {
        let (low, is_last) = (u64::from(byte & 0x7f), byte < 0x80);
        let joined = |value: u64, bits: u32| Some(value | low.checked_shl(bits)?);
        self.at = match self.at {
            At::Begin => {
                while self.within.last().is_some_and(|&(_, end)| self.position > end) {
                    self.within.pop();
                }
                if is_last { Self::value(low) } else { At::Tag(low, 7) }
            }
            At::Tag(value, bits) => match joined(value, bits) {
                Some(value) if is_last => Self::value(value),
                Some(value) => At::Tag(value, bits + 7),
                None => At::Lost,
            },
            At::Number if is_last => At::Begin,
            At::Length(field, value, bits) => match joined(value, bits) {
                Some(value) if is_last => self.entry(field, value),
                Some(value) => At::Length(field, value, bits + 7),
                None => At::Lost,
            },
            At::Number | At::Skip(_) | At::Name(_) | At::Lost => self.at,
        }
    }

    /// Takes some bytes of the last table's name.
    fn name(&mut self, bytes: &[u8]) {
        // A name has nothing but ASCII: what has not is no table, and fits no pattern.
        let chars = bytes.iter().map(|&byte| if byte.is_ascii() { char::from(byte) } else { '\0' });
        if let Some(name) = self.named.tables.last_mut() {
            name.extend(chars);
        }
    }

    pub(super) fn is_lost(&self) -> bool {
        matches!(self.at, At::Lost)
    }

    /// Counts an entry; what follows its length.
    fn entry(&mut self, field: u64, bytes: u64) -> At {
        let Some(&(shape, end)) = self.within.last() else { return At::Lost };
        self.count += usize::from(self.within.len() == 1);
        self.nested += 1;
        let own = self.position.saturating_add(bytes);
        match shape.field(field) {
            _ if own > end || self.within.len() > DEPTH_MAX => At::Lost,
            Some(nested) => {
                self.within.push((nested, own));
                At::Begin
            }
            None if bytes > 0 && shape.names_table(field) => {
                let has_room = self.named.tables.len() < limits::DELETED_TABLES_MAX;
                if has_room && bytes <= limits::TABLE_NAME_CHARS_MAX as u64 {
                    self.named.tables.push(String::new());
                    At::Name(bytes)
                } else {
                    // No call takes so many, or so long a name: whoever takes it apart says so.
                    self.named.is_unreadable = true;
                    Self::skip(bytes)
                }
            }
            None => Self::skip(bytes),
        }
    }

    fn check(&self) -> Result<()> {
        let too_many = |limit, max, got| {
            let (max, got) = (max as u64, got as u64);
            Err(Error::new(ErrorKind::TooLarge { limit, max, got }))
        };
        if self.count > limits::MESSAGE_ENTRIES_MAX {
            too_many("MESSAGE_ENTRIES_MAX", limits::MESSAGE_ENTRIES_MAX, self.count)
        } else if self.nested > limits::NESTED_ENTRIES_MAX {
            too_many("NESTED_ENTRIES_MAX", limits::NESTED_ENTRIES_MAX, self.nested)
        } else {
            Ok(())
        }
    }

    /// What follows a field's number and type.
    fn value(tag: u64) -> At {
        match tag & 7 {
            0 => At::Number,
            1 => At::Skip(8),
            2 => At::Length(tag >> 3, 0, 0),
            5 => At::Skip(4),
            _ => At::Lost,
        }
    }

    fn skip(bytes: u64) -> At {
        if bytes == 0 { At::Begin } else { At::Skip(bytes) }
    }
}
