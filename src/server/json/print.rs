//! A message as JSON, a piece at a time, so that an answer takes little more memory than it has bytes.
//!
//! It is the JSON of proto3 with the names of the contract. Numbers, flags and enums are told whatever they are; texts,
//! lists and messages that are not there are left out. Whole numbers of 64 bits are texts.

use std::io::Write as _;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tonic::codegen::Bytes;

use crate::server::json::contract::{CONTRACT, Field, Kind, Message};

/// Bytes of a text, or of bytes, that are printed at once: divisible by three, as base64 has it.
const RUN_BYTES: usize = 24 << 10;
/// Messages within messages; no answer has nearly as many.
const DEPTH_MAX: usize = 100;

/// Prints a message.
#[derive(Debug)]
pub(in crate::server) struct Printer {
    wire: Bytes,
    at: usize,
    levels: Vec<Level>,
}

/// A message that no answer is: whoever made it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) struct Broken;

/// What is being printed.
#[derive(Debug)]
enum Level {
    Message(Open),
    /// Numbers one behind the other.
    Numbers {
        kind: Kind,
        end: usize,
        is_first: bool,
    },
    Text {
        end: usize,
    },
    Base64 {
        end: usize,
    },
}

/// A message whose fields are being printed.
#[derive(Debug)]
struct Open {
    place: usize,
    end: usize,
    /// Where what follows it begins, which is not its end if it is the value of an entry.
    then: usize,
    seen: u128,
    is_first: bool,
    /// The list or map that is open.
    list: Option<usize>,
}

impl Printer {
    /// The message at this place of the contract.
    pub(in crate::server) fn new(place: usize, wire: Bytes) -> Self {
        let end = wire.len();
        let open = Open { place, end, then: end, seen: 0, is_first: true, list: None };
        Self { wire, at: 0, levels: vec![Level::Message(open)] }
    }

    /// Prints some: until there are so many bytes, or all is printed; true if it is.
    pub(in crate::server) fn print(
        &mut self,
        bytes: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, Broken> {
        if self.at == 0 && self.levels.len() == 1 && out.is_empty() {
            out.push(b'{');
        }
        while out.len() < bytes {
            let Some(level) = self.levels.pop() else { return Ok(true) };
            match level {
                Level::Message(open) => self.message(open, out)?,
                Level::Numbers { kind, end, is_first } => self.numbers(kind, end, is_first, out)?,
                Level::Text { end } => self.text(end, out)?,
                Level::Base64 { end } => self.base64(end, out),
            }
        }
        Ok(self.levels.is_empty())
    }

    /// Prints the next field of a message, or its end.
    fn message(&mut self, mut open: Open, out: &mut Vec<u8>) -> Result<(), Broken> {
        let message = CONTRACT.message(open.place);
        if self.at >= open.end {
            close_list(message, &mut open, out);
            print_defaults(message, &mut open, out);
            out.push(b'}');
            self.at = open.then;
            return Ok(());
        }
        let tag = self.varint()?;
        let wire_type = tag & 7;
        let number = u32::try_from(tag >> 3).map_err(|_| Broken)?;
        // Everything that it answers the server knows.
        let place = message.field_numbered(number).ok_or(Broken)?;
        let field = &message.fields[place];
        let value = self.value(wire_type)?;
        if value.end > open.end || self.levels.len() > DEPTH_MAX {
            return Err(Broken);
        }
        if open.list.is_some_and(|list| list != place) {
            close_list(message, &mut open, out);
        }
        if open.list.is_some() {
            out.push(b',');
        } else {
            let bit = 1_u128 << place;
            if open.seen & bit != 0 {
                return Err(Broken);
            }
            open.seen |= bit;
            separate(&mut open.is_first, out);
            out.extend_from_slice(field.head.as_bytes());
            if field.is_list {
                open.list = Some(place);
                out.push(if field.is_map { b'{' } else { b'[' });
            }
        }
        self.levels.push(Level::Message(open));
        self.at = value.start;
        if field.is_map {
            return self.entry(field, value, out);
        }
        let is_packed = field.is_list && wire_type == 2 && field.kind.wire_type() != 2;
        if is_packed {
            let (kind, end) = (field.kind, value.end);
            self.levels.push(Level::Numbers { kind, end, is_first: true });
            return Ok(());
        }
        if u64::from(field.kind.wire_type()) != wire_type {
            return Err(Broken);
        }
        self.single(field.kind, value.end, value.end, out)
    }

    /// Prints one value, or begins to.
    fn single(
        &mut self,
        kind: Kind,
        end: usize,
        then: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Broken> {
        match kind {
            Kind::Text => {
                out.push(b'"');
                self.levels.push(Level::Text { end });
            }
            Kind::Bytes => {
                out.push(b'"');
                self.levels.push(Level::Base64 { end });
            }
            Kind::Message(place) if CONTRACT.message(place).is_time => {
                self.time(end, out)?;
                self.at = then;
            }
            Kind::Message(place) => {
                out.push(b'{');
                let open = Open { place, end, then, seen: 0, is_first: true, list: None };
                self.levels.push(Level::Message(open));
            }
            Kind::Bool
            | Kind::Int32
            | Kind::Uint32
            | Kind::Int64
            | Kind::Uint64
            | Kind::Fixed32
            | Kind::Float
            | Kind::Double
            | Kind::Enum(_) => {
                self.number(kind, out)?;
                self.at = then;
            }
        }
        Ok(())
    }

    /// Prints an entry of a map: its key, and its value or the default.
    fn entry(
        &mut self,
        field: &Field,
        whole: Range<usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), Broken> {
        let Kind::Message(place) = field.kind else { return Err(Broken) };
        let [key, value] = CONTRACT.message(place).fields.as_slice() else { return Err(Broken) };
        let (mut key_range, mut value_range) = (None, None);
        while self.at < whole.end {
            let tag = self.varint()?;
            let range = self.value(tag & 7)?;
            self.at = range.end;
            match u32::try_from(tag >> 3) {
                Ok(number) if number == key.number => key_range = Some(range),
                Ok(number) if number == value.number => value_range = Some(range),
                _ => return Err(Broken),
            }
        }
        if self.at != whole.end {
            return Err(Broken);
        }
        let name = key_range.map_or(&b""[..], |range| &self.wire[range]);
        let name = std::str::from_utf8(name).map_err(|_| Broken)?;
        out.push(b'"');
        escape(name, out);
        out.extend_from_slice(b"\":");
        let Some(range) = value_range else {
            self.at = whole.end;
            print_default(value.kind, out);
            return Ok(());
        };
        if matches!(value.kind, Kind::Text | Kind::Bytes) && range.end != whole.end {
            return Err(Broken);
        }
        self.at = range.start;
        self.single(value.kind, range.end, whole.end, out)
    }

    fn numbers(
        &mut self,
        kind: Kind,
        end: usize,
        mut is_first: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Broken> {
        for _ in 0..1_024 {
            if self.at >= end {
                return if self.at == end { Ok(()) } else { Err(Broken) };
            }
            separate(&mut is_first, out);
            self.number(kind, out)?;
        }
        self.levels.push(Level::Numbers { kind, end, is_first });
        Ok(())
    }

    fn text(&mut self, end: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
        let left = &self.wire[self.at..end];
        let run = &left[..left.len().min(RUN_BYTES)];
        let run = match std::str::from_utf8(run) {
            Ok(run) => run,
            // A character that the run cuts belongs to the next one.
            Err(error) if error.error_len().is_none() && run.len() < left.len() => {
                std::str::from_utf8(&run[..error.valid_up_to()]).map_err(|_| Broken)?
            }
            Err(_) => return Err(Broken),
        };
        escape(run, out);
        self.at += run.len();
        if self.at < end {
            self.levels.push(Level::Text { end });
        } else {
            out.push(b'"');
        }
        Ok(())
    }

    fn base64(&mut self, end: usize, out: &mut Vec<u8>) {
        let run = &self.wire[self.at..end.min(self.at + RUN_BYTES)];
        out.extend_from_slice(STANDARD.encode(run).as_bytes());
        self.at += run.len();
        if self.at < end {
            self.levels.push(Level::Base64 { end });
        } else {
            out.push(b'"');
        }
    }

    /// Prints a time as RFC 3339 has it.
    fn time(&mut self, end: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
        let (mut seconds, mut nanos) = (0_u64, 0);
        while self.at < end {
            match self.varint()? {
                0x08 => seconds = self.varint()?,
                0x10 => nanos = self.varint()?,
                _ => return Err(Broken),
            }
        }
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        // Howard Hinnant's days to dates; years begin in March.
        let days = days + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + u64::from(month <= 2);
        if year > 9_999 || nanos >= 1_000_000_000 {
            return Err(Broken);
        }
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write(
            out,
            format_args!("\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"),
        );
        if nanos > 0 {
            write(out, format_args!(".{nanos:09}"));
        }
        out.extend_from_slice(b"Z\"");
        Ok(())
    }

    fn number(&mut self, kind: Kind, out: &mut Vec<u8>) -> Result<(), Broken> {
        match kind {
            Kind::Bool => {
                let text: &[u8] = if self.varint()? == 0 { b"false" } else { b"true" };
                out.extend_from_slice(text);
            }
            Kind::Int32 => {
                let value = low(self.varint()?);
                write(out, format_args!("{value}"));
            }
            Kind::Uint32 => {
                let value = self.varint()?;
                write(out, format_args!("{value}"));
            }
            Kind::Int64 => {
                let value = self.varint()?.cast_signed();
                write(out, format_args!("\"{value}\""));
            }
            Kind::Uint64 => {
                let value = self.varint()?;
                write(out, format_args!("\"{value}\""));
            }
            Kind::Enum(place) => {
                let number = low(self.varint()?);
                print_enum(place, number, out);
            }
            Kind::Fixed32 => {
                let value = u32::from_le_bytes(self.fixed()?);
                write(out, format_args!("{value}"));
            }
            Kind::Float => {
                let value = f32::from_le_bytes(self.fixed()?);
                if value.is_finite() {
                    // Writing to a vector cannot fail.
                    let _ = serde_json::to_writer(&mut *out, &value);
                } else {
                    print_special(value.into(), out);
                }
            }
            Kind::Double => {
                let value = f64::from_le_bytes(self.fixed()?);
                if value.is_finite() {
                    let _ = serde_json::to_writer(&mut *out, &value);
                } else {
                    print_special(value, out);
                }
            }
            Kind::Text | Kind::Bytes | Kind::Message(_) => return Err(Broken),
        }
        Ok(())
    }

    /// Where a value is, without going there.
    fn value(&mut self, wire_type: u64) -> Result<Range<usize>, Broken> {
        let start = self.at;
        let range = match wire_type {
            0 => {
                self.varint()?;
                start..self.at
            }
            1 => start..start + 8,
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Broken)?;
                self.at..self.at.checked_add(length).ok_or(Broken)?
            }
            5 => start..start + 4,
            _ => return Err(Broken),
        };
        if range.end > self.wire.len() { Err(Broken) } else { Ok(range) }
    }

    fn varint(&mut self) -> Result<u64, Broken> {
        let mut value = 0;
        for bits in (0..64).step_by(7) {
            let byte = *self.wire.get(self.at).ok_or(Broken)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << bits;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Broken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let bytes = self.wire[self.at..].first_chunk().ok_or(Broken)?;
        self.at += N;
        Ok(*bytes)
    }
}

/// The lower half, as a number with a sign.
fn low(value: u64) -> i32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

fn write(out: &mut Vec<u8>, what: std::fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _ = out.write_fmt(what);
}

fn separate(is_first: &mut bool, out: &mut Vec<u8>) {
    if !*is_first {
        out.push(b',');
    }
    *is_first = false;
}

fn close_list(message: &Message, open: &mut Open, out: &mut Vec<u8>) {
    if let Some(list) = open.list.take() {
        out.push(if message.fields[list].is_map { b'}' } else { b']' });
    }
}

/// Prints the numbers that are not on the wire, as they are 0 there.
fn print_defaults(message: &Message, open: &mut Open, out: &mut Vec<u8>) {
    for (place, field) in message.fields.iter().enumerate() {
        let is_number = field.kind.wire_type() != 2;
        if is_number && !field.is_list && !field.has_presence && open.seen >> place & 1 == 0 {
            separate(&mut open.is_first, out);
            out.extend_from_slice(field.head.as_bytes());
            print_default(field.kind, out);
        }
    }
}

fn print_default(kind: Kind, out: &mut Vec<u8>) {
    let text: &[u8] = match kind {
        Kind::Bool => b"false",
        Kind::Int32 | Kind::Uint32 | Kind::Fixed32 => b"0",
        Kind::Int64 | Kind::Uint64 => b"\"0\"",
        Kind::Float | Kind::Double => b"0.0",
        Kind::Text | Kind::Bytes => b"\"\"",
        Kind::Message(_) => b"{}",
        Kind::Enum(place) => return print_enum(place, 0, out),
    };
    out.extend_from_slice(text);
}

fn print_enum(place: usize, number: i32, out: &mut Vec<u8>) {
    match CONTRACT.names(place).name(number) {
        Some(name) => write(out, format_args!("\"{name}\"")),
        None => write(out, format_args!("{number}")),
    }
}

fn print_special(value: f64, out: &mut Vec<u8>) {
    let text: &[u8] = match (value.is_nan(), value > 0.0) {
        (true, _) => b"\"NaN\"",
        (false, true) => b"\"Infinity\"",
        (false, false) => b"\"-Infinity\"",
    };
    out.extend_from_slice(text);
}

/// What stands between the quotes of a text.
fn escape(text: &str, out: &mut Vec<u8>) {
    let mut begin = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[begin..at]);
        begin = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => write(out, format_args!("\\u{other:04x}")),
        }
    }
    out.extend_from_slice(&text.as_bytes()[begin..]);
}
