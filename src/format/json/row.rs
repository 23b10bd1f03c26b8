//! What a value holds: its fields, as they are written.

use std::borrow::Cow;
use std::fmt;

use serde::de::IgnoredAny;

use crate::format::json::records::{end, skip_space};
use crate::format::json::value::{attribute, text_of};
use crate::format::roles::Holds;

/// A field of an object.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub(super) name: Cow<'a, str>,
    /// Its value, as it is written.
    pub(super) raw: &'a str,
}

impl<'a> Field<'a> {
    /// What its value is.
    pub(super) fn holds(&self) -> Holds {
        match self.raw.as_bytes() {
            [b'"', ..] => Holds::Texts,
            [b't' | b'f', ..] => Holds::Flags,
            [b'n', ..] => Holds::Nothing,
            [b'[', ..] => {
                let first = Numbers::of(self.raw).next();
                if first.flatten().is_some() { Holds::Lists } else { self.attribute_or_other() }
            }
            [b'{', ..] => self.attribute_or_other(),
            [] => Holds::Other,
            _ if self.raw.bytes().all(|byte| byte.is_ascii_digit()) => Holds::Whole,
            _ => Holds::Numbers,
        }
    }

    fn attribute_or_other(&self) -> Holds {
        if attribute(self.raw).is_some() { Holds::Values } else { Holds::Other }
    }

    /// Its value as a word: a text, or what a number is written as.
    pub(super) fn word(&self) -> Option<Cow<'a, str>> {
        match self.holds() {
            Holds::Texts => text_of(self.raw),
            Holds::Whole | Holds::Numbers => Some(Cow::Borrowed(self.raw)),
            Holds::Lists | Holds::Flags | Holds::Values | Holds::Nothing | Holds::Other => None,
        }
    }
}

/// The numbers in a list, as they are written; none for what is no number.
#[derive(Clone, Debug)]
pub(super) struct Numbers<'a>(std::str::Split<'a, char>, bool);

impl<'a> Numbers<'a> {
    pub(super) fn of(raw: &'a str) -> Self {
        let inner = raw.trim().trim_start_matches('[').trim_end_matches(']');
        Self(inner.split(','), inner.trim().is_empty())
    }

    /// A number; those that are none in JSON may stand in quotes.
    pub(super) fn one(raw: &str) -> Option<f32> {
        let raw = raw.trim();
        match raw.as_bytes() {
            [b'0'..=b'9' | b'-', ..] => fast_float2::parse(raw).ok(),
            b"\"NaN\"" => Some(f32::NAN),
            b"\"Infinity\"" => Some(f32::INFINITY),
            b"\"-Infinity\"" => Some(f32::NEG_INFINITY),
            _ => None,
        }
    }

    /// Adds them to a vector; says what is none of them.
    pub(super) fn push_to(self, vector: &mut Vec<f32>) -> Option<String> {
        for number in self {
            match number {
                Some(number) => vector.push(number),
                None => return Some(format!("component {} is not a number", vector.len() + 1)),
            }
        }
        None
    }
}

impl Iterator for Numbers<'_> {
    type Item = Option<f32>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.1 { None } else { self.0.next().map(Self::one) }
    }
}

/// The fields of a value: those of an object; or of an array of a word and its vector, or of an entry
/// with this key, under the names of an object.
pub(super) fn fields<'a>(bytes: &'a [u8], key: Option<&'a [u8]>) -> Result<Vec<Field<'a>>, String> {
    let wrong = |error: &dyn fmt::Display| error.to_string();
    let text = std::str::from_utf8(bytes).map_err(|error| wrong(&error))?;
    // What follows walks over values that are well-formed.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| wrong(&error))?;
    if let Some(key) = key {
        let key = std::str::from_utf8(key).map_err(|error| wrong(&error))?;
        let field = |name, raw| Field { name: Cow::Borrowed(name), raw };
        if !text.starts_with('{') {
            return Ok(vec![field("word", key), field("vector", text)]);
        }
        let mut all = fields(bytes, None)?;
        all.insert(0, field("key", key));
        return Ok(all);
    }
    let is_object = bytes.starts_with(b"{");
    if !is_object && !bytes.starts_with(b"[") {
        return Err("it is neither an object nor an array".to_owned());
    }
    let mut fields = Vec::new();
    let mut at = 1;
    while let Some(begin) = skip_space(bytes, at).filter(|&begin| !b"]}".contains(&bytes[begin])) {
        let (name, value) = if is_object {
            let Some(behind) = end(bytes, begin) else { break };
            let name = text_of(&text[begin..behind]).ok_or("a name is no text")?;
            let Some(colon) = skip_space(bytes, behind) else { break };
            (name, skip_space(bytes, colon + 1))
        } else {
            let name = match (fields.len(), bytes[begin]) {
                (0, b'"') => Cow::Borrowed("word"),
                (0, _) => return Err("its first item is no word".to_owned()),
                (1, b'[') => Cow::Borrowed("vector"),
                (_, b'0'..=b'9' | b'-') => Cow::Owned((fields.len() - 1).to_string()),
                _ => Cow::Borrowed("a further item"),
            };
            (name, Some(begin))
        };
        let Some((value, behind)) = value.and_then(|value| Some((value, end(bytes, value)?)))
        else {
            break;
        };
        fields.push(Field { name, raw: &text[value..behind] });
        // A comma, or the end.
        at = skip_space(bytes, behind).map_or(bytes.len(), |comma| comma + 1);
        if bytes.get(at - 1) != Some(&b',') {
            break;
        }
    }
    Ok(fields)
}

/// The same bytes with NaN and Infinity in quotes, if they have any outside of texts.
pub(super) fn repaired(bytes: &[u8]) -> Option<Vec<u8>> {
    const BARE: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
    let has = |word: &[u8]| memchr::memmem::find(bytes, word).is_some();
    if !BARE[1..].iter().any(|word| has(word)) {
        return None;
    }
    let mut fixed = Vec::with_capacity(bytes.len() + 16);
    let (mut at, mut in_text) = (0, false);
    while at < bytes.len() {
        let bare = BARE.iter().find(|word| !in_text && bytes[at..].starts_with(word));
        if let Some(word) = bare {
            fixed.push(b'"');
            fixed.extend_from_slice(word);
            fixed.push(b'"');
            at += word.len();
            continue;
        }
        if in_text && bytes[at] == b'\\' {
            fixed.push(bytes[at]);
            at += 1;
        } else if bytes[at] == b'"' {
            in_text = !in_text;
        }
        fixed.extend(bytes.get(at));
        at += 1;
    }
    Some(fixed)
}
