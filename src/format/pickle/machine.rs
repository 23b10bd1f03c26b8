//! The program of a pickle, step by step: a stack of values, and a memo of those that come again.

use std::collections::HashMap;

use crate::error::{At, Error, ErrorKind, Result};
use crate::format::malformed;
use crate::format::pickle::value::{Id, Made, Text, Value, Values};
use crate::format::source::Bytes;
use crate::format::source::bytes::Cursor;
use crate::limits;

const NAME: &str = "pickle";

/// Reads the pickle that the bytes begin with.
pub(super) fn read(bytes: &Bytes) -> Result<Values> {
    let mut machine = Machine {
        cursor: Cursor::new(bytes, NAME),
        all: vec![Value::None],
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        links: 0,
    };
    while machine.step()? {}
    let root = machine.pop()?;
    Ok(Values { bytes: bytes.clone(), all: machine.all, root, end: machine.cursor.offset() })
}

struct Machine {
    cursor: Cursor,
    all: Vec<Value>,
    stack: Vec<Id>,
    /// Where marks stand in the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    /// Places in lists, tuples and dictionaries.
    links: usize,
}

/// None stands for everything that is not looked at.
const NONE: Id = Id(0);

impl Machine {
    fn wrong(&self, problem: &str) -> Error {
        malformed(NAME, At::Byte(self.cursor.offset() as u64), problem)
    }

    fn check(&self) -> Result<()> {
        let got = self.all.len().max(self.links);
        if got <= limits::PICKLE_VALUES_MAX {
            return Ok(());
        }
        let (limit, max) = ("PICKLE_VALUES_MAX", limits::PICKLE_VALUES_MAX as u64);
        Err(Error::new(ErrorKind::TooLarge { limit, max, got: got as u64 }))
    }

    fn push(&mut self, value: Value) -> Result<()> {
        self.check()?;
        let id = u32::try_from(self.all.len()).map_err(|_| self.wrong("too many values"))?;
        self.all.push(value);
        self.stack.push(Id(id));
        Ok(())
    }

    fn pop(&mut self) -> Result<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(self.wrong("the program takes a value where none is"));
        }
        self.stack.pop().ok_or_else(|| self.wrong("the stack is empty"))
    }

    fn top(&self) -> Result<Id> {
        self.stack.last().copied().ok_or_else(|| self.wrong("the stack is empty"))
    }

    fn since_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().ok_or_else(|| self.wrong("there is no mark"))?;
        let items = self.stack.split_off(mark.min(self.stack.len()));
        self.links += items.len();
        self.check()?;
        Ok(items)
    }

    fn pairs(&mut self) -> Result<Vec<(Id, Id)>> {
        let items = self.since_mark()?;
        if !items.len().is_multiple_of(2) {
            return Err(self.wrong("a key has no value"));
        }
        Ok(items.as_chunks::<2>().0.iter().map(|&[key, value]| (key, value)).collect())
    }

    /// Bytes of the file.
    fn part(&mut self, length: u64) -> Result<Text> {
        let count = self.cursor.count(length.into(), 1, "bytes of a text")?;
        let begin = self.cursor.offset();
        self.cursor.take(count, "a text")?;
        Ok(Text::At(begin..begin + count))
    }

    fn line(&mut self) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            match self.cursor.u8("a line")? {
                b'\n' => return Ok(line),
                byte => line.push(byte),
            }
        }
    }

    fn line_text(&mut self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.line()?).into_owned())
    }

    fn made(&mut self, of: Id, arguments: Option<Id>) -> Result<()> {
        let made = Made { of, arguments, state: None, items: Vec::new(), list: Vec::new() };
        self.push(Value::Made(Box::new(made)))
    }

    fn global(&mut self, module: &str, name: &str) -> Result<()> {
        self.push(Value::Global(format!("{module}.{name}")))
    }

    fn add_pairs(&mut self, id: Id, pairs: Vec<(Id, Id)>) {
        match self.all.get_mut(id.0 as usize) {
            Some(Value::Dict(entries)) => entries.extend(pairs),
            Some(Value::Made(made)) => made.items.extend(pairs),
            Some(_) | None => {}
        }
    }

    fn add_items(&mut self, id: Id, items: Vec<Id>) {
        match self.all.get_mut(id.0 as usize) {
            Some(Value::List(list)) => list.extend(items),
            Some(Value::Made(made)) => made.list.extend(items),
            Some(_) | None => {}
        }
    }

    /// One step; false after the last.
    #[expect(clippy::too_many_lines, reason = "one arm for each instruction")]
    fn step(&mut self) -> Result<bool> {
        let code = self.cursor.u8("the program")?;
        match code {
            b'.' => return Ok(false),
            0x80 => drop(self.cursor.u8("the protocol")?),
            0x95 => drop(self.cursor.u64("a frame")?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => {
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            b'1' => drop(self.since_mark()?),
            b'2' => self.stack.push(self.top()?),
            // Also what a buffer outside of the pickle would hold.
            b'N' | 0x97 => self.push(Value::None)?,
            0x88 => self.push(Value::Bool(true))?,
            0x89 => self.push(Value::Bool(false))?,
            b'K' | b'M' | b'J' | b'I' | b'L' | 0x8A | 0x8B => self.number(code)?,
            b'F' | b'G' => self.float(code)?,
            b'S' | b'T' | b'U' | b'V' | b'X' | 0x8C | 0x8D => self.text(code)?,
            b'B' | b'C' | 0x8E | 0x96 => self.bytes(code)?,
            b']' | 0x8F => self.push(Value::List(Vec::new()))?,
            b'}' => self.push(Value::Dict(Vec::new()))?,
            b')' => self.push(Value::Tuple(Vec::new()))?,
            b'l' | 0x91 => {
                let items = self.since_mark()?;
                self.push(Value::List(items))?;
            }
            b't' => {
                let items = self.since_mark()?;
                self.push(Value::Tuple(items))?;
            }
            0x85..=0x87 => self.tuple(usize::from(code - 0x84))?,
            b'd' => {
                let pairs = self.pairs()?;
                self.push(Value::Dict(pairs))?;
            }
            b'a' => {
                let item = self.pop()?;
                self.links += 1;
                let list = self.top()?;
                self.add_items(list, vec![item]);
            }
            b'e' | 0x90 => {
                let items = self.since_mark()?;
                let list = self.top()?;
                self.add_items(list, items);
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.links += 1;
                let dict = self.top()?;
                self.add_pairs(dict, vec![(key, value)]);
            }
            b'u' => {
                let pairs = self.pairs()?;
                let dict = self.top()?;
                self.add_pairs(dict, pairs);
            }
            b'p' | b'q' | b'r' | 0x94 | b'g' | b'h' | b'j' => self.memo(code)?,
            b'c' | 0x93 | b'i' | b'o' | b'R' | 0x81 | 0x92 | b'b' | 0x82..=0x84 => {
                self.object(code)?;
            }
            b'P' => {
                let name = self.line()?;
                self.push(Value::Text(Text::Own(name)))?;
                let name = self.pop()?;
                self.push(Value::Outside(name))?;
            }
            b'Q' => {
                let name = self.pop()?;
                self.push(Value::Outside(name))?;
            }
            0x98 => {}
            other => {
                return Err(self.wrong(&format!("the step 0x{other:02X} is not known")));
            }
        }
        Ok(true)
    }

    fn number(&mut self, code: u8) -> Result<()> {
        let value = match code {
            b'K' => Value::Int(self.cursor.u8("a number")?.into()),
            b'M' => Value::Int(self.cursor.u16("a number")?.into()),
            b'J' => Value::Int(self.cursor.i32("a number")?.into()),
            b'I' | b'L' => {
                let line = self.line_text()?;
                match (code, line.trim_end_matches('L')) {
                    (b'I', "00") => Value::Bool(false),
                    (b'I', "01") => Value::Bool(true),
                    (_, digits) => digits.parse().map_or(Value::None, Value::Int),
                }
            }
            _ => {
                let length = match code {
                    0x8A => u64::from(self.cursor.u8("a number")?),
                    _ => u64::from(self.cursor.u32("a number")?),
                };
                let count = self.cursor.count(length.into(), 1, "bytes of a number")?;
                let bytes = self.cursor.take(count, "a number")?;
                let sign = if bytes.last().is_some_and(|&last| last >= 0x80) { 0xFF } else { 0 };
                let mut wide = [sign; 8];
                let fits = count <= wide.len();
                wide[..count.min(8)].copy_from_slice(&bytes[..count.min(8)]);
                if fits { Value::Int(i64::from_le_bytes(wide)) } else { Value::None }
            }
        };
        self.push(value)
    }

    fn float(&mut self, code: u8) -> Result<()> {
        let number = if code == b'F' {
            self.line_text()?.parse().unwrap_or(f64::NAN)
        } else {
            // The only number with its highest byte first.
            f64::from_bits(self.cursor.u64("a number")?.swap_bytes())
        };
        self.push(Value::Float(number))
    }

    fn text(&mut self, code: u8) -> Result<()> {
        let text = match code {
            b'S' => Text::Own(unquoted(&self.line()?)),
            b'V' => Text::Own(unescaped(&self.line()?)),
            b'U' | 0x8C => {
                let length = self.cursor.u8("a text")?.into();
                self.part(length)?
            }
            b'T' | b'X' => {
                let length = self.cursor.u32("a text")?.into();
                self.part(length)?
            }
            _ => {
                let length = self.cursor.u64("a text")?;
                self.part(length)?
            }
        };
        self.push(Value::Text(text))
    }

    fn bytes(&mut self, code: u8) -> Result<()> {
        let length = match code {
            b'C' => self.cursor.u8("bytes")?.into(),
            b'B' => self.cursor.u32("bytes")?.into(),
            _ => self.cursor.u64("bytes")?,
        };
        let part = self.part(length)?;
        self.push(Value::Bytes(part))
    }

    fn tuple(&mut self, count: usize) -> Result<()> {
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.pop()?);
        }
        items.reverse();
        self.links += count;
        self.push(Value::Tuple(items))
    }

    fn memo(&mut self, code: u8) -> Result<()> {
        let number = match code {
            b'p' | b'g' => {
                let line = self.line_text()?;
                line.parse().map_err(|_| self.wrong("a place of the memo is no number"))?
            }
            b'q' | b'h' => self.cursor.u8("the memo")?.into(),
            b'r' | b'j' => self.cursor.u32("the memo")?,
            _ => u32::try_from(self.memo.len()).unwrap_or(u32::MAX),
        };
        if matches!(code, b'g' | b'h' | b'j') {
            let known = self.memo.get(&number).copied();
            self.stack.push(known.ok_or_else(|| self.wrong("the memo has no such place"))?);
            return Ok(());
        }
        let top = self.top()?;
        self.memo.insert(number, top);
        Ok(())
    }

    fn object(&mut self, code: u8) -> Result<()> {
        match code {
            b'c' => {
                let (module, name) = (self.line_text()?, self.line_text()?);
                self.global(&module, &name)
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (module, name) = (self.shown(module), self.shown(name));
                self.global(&module, &name)
            }
            b'i' => {
                let (module, name) = (self.line_text()?, self.line_text()?);
                let arguments = self.since_mark()?;
                self.global(&module, &name)?;
                let of = self.pop()?;
                self.push(Value::Tuple(arguments))?;
                let arguments = self.pop()?;
                self.made(of, Some(arguments))
            }
            b'o' => {
                let mut items = self.since_mark()?.into_iter();
                let of = items.next().unwrap_or(NONE);
                self.push(Value::Tuple(items.collect()))?;
                let arguments = self.pop()?;
                self.made(of, Some(arguments))
            }
            b'R' | 0x81 => {
                let (arguments, of) = (self.pop()?, self.pop()?);
                self.made(of, Some(arguments))
            }
            0x92 => {
                let (_, arguments, of) = (self.pop()?, self.pop()?, self.pop()?);
                self.made(of, Some(arguments))
            }
            b'b' => {
                let state = self.pop()?;
                let top = self.top()?;
                if let Some(Value::Made(made)) = self.all.get_mut(top.0 as usize) {
                    made.state = Some(state);
                }
                Ok(())
            }
            // Numbers that a registry of Python gives classes.
            0x82 => self.cursor.u8("a class").map(drop).and_then(|()| self.push(Value::None)),
            0x83 => self.cursor.u16("a class").map(drop).and_then(|()| self.push(Value::None)),
            _ => self.cursor.u32("a class").map(drop).and_then(|()| self.push(Value::None)),
        }
    }

    fn shown(&self, id: Id) -> String {
        match self.all.get(id.0 as usize) {
            Some(Value::Text(Text::At(range))) => {
                let bytes = self.cursor.slice(range.clone());
                String::from_utf8_lossy(bytes).into_owned()
            }
            Some(Value::Text(Text::Own(bytes))) => String::from_utf8_lossy(bytes).into_owned(),
            Some(_) | None => String::new(),
        }
    }
}

/// The bytes of a text of Python 2, in its quotes.
fn unquoted(line: &[u8]) -> Vec<u8> {
    let inner = match line {
        [b'\'' | b'"', inner @ .., b'\'' | b'"'] => inner,
        _ => line,
    };
    let mut text = Vec::with_capacity(inner.len());
    let mut at = 0;
    while let Some(&byte) = inner.get(at) {
        at += 1;
        if byte != b'\\' {
            text.push(byte);
            continue;
        }
        let escaped = inner.get(at).copied().unwrap_or(b'\\');
        at += 1;
        text.push(match escaped {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'x' => {
                let digits = inner.get(at..at + 2).unwrap_or_default();
                at += digits.len();
                let digits = std::str::from_utf8(digits).unwrap_or_default();
                u8::from_str_radix(digits, 16).unwrap_or(b'?')
            }
            other => other,
        });
    }
    text
}

/// A text whose odd characters are written as `\u0041`; the others are those of Latin-1.
fn unescaped(line: &[u8]) -> Vec<u8> {
    let mut text = String::with_capacity(line.len());
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        let digits = match (byte, line.get(at + 1)) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => 0,
        };
        let code = line.get(at + 2..at + 2 + digits).filter(|_| digits > 0);
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u32::from_str_radix(code, 16).ok());
        if let Some(character) = code.and_then(char::from_u32) {
            text.push(character);
            at += 2 + digits;
        } else {
            text.push(char::from(byte));
            at += 1;
        }
    }
    text.into_bytes()
}
