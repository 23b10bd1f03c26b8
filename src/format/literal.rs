//! Values as they are written: whole numbers of 64 bits, doubles and dates; what these would change stays a text.

use crate::error::At;
use crate::format::{Note, shown};
use crate::table::attributes::AttributeValue;
use crate::table::date::Date;

/// From this power of ten on, programs write whole numbers with an exponent.
const EXPONENT_MIN: u32 = 16;

/// A text that reads as a number or a date.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Literal {
    Number(f64),
    Integer(i64),
    Date(Date),
    /// It would come back as another text: a whole number beyond 64 bits, or a code such as `007`, `1E5`
    /// or `+49`.
    Code,
}

/// The number that a text is, if it would come back as that text, `0.5` and not `007`; or the date.
pub fn plain_value(text: &str) -> Option<AttributeValue> {
    match Literal::of(text.as_bytes())? {
        Literal::Number(number) => Some(AttributeValue::Number(number)),
        Literal::Integer(number) => Some(AttributeValue::Integer(number)),
        Literal::Date(date) => Some(AttributeValue::Date(date)),
        Literal::Code => None,
    }
}

impl Literal {
    /// What a text is if it reads as a finite number or a date.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        if Date::is_meant(text) {
            return std::str::from_utf8(text).ok()?.parse().ok().map(Self::Date);
        }
        let number: f64 =
            fast_float2::parse(text).ok().filter(|number: &f64| number.is_finite())?;
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        let has_zeros = matches!(digits, [b'0', b'0'..=b'9', ..]);
        if text.starts_with(b"+") || has_zeros || is_exponent_code(digits) {
            return Some(Self::Code);
        }
        // There is no whole number -0.
        if !digits.iter().all(u8::is_ascii_digit) || text == b"-0" {
            return Some(Self::Number(number));
        }
        let whole = std::str::from_utf8(text).ok().and_then(|digits| digits.parse().ok());
        Some(whole.map_or(Self::Code, Self::Integer))
    }

    /// The value of an attribute that is written so.
    pub(super) fn value(self, text: &[u8]) -> AttributeValue {
        match self {
            Self::Number(number) => AttributeValue::Number(number),
            Self::Integer(number) => AttributeValue::Integer(number),
            Self::Date(date) => AttributeValue::Date(date),
            Self::Code => AttributeValue::Text(String::from_utf8_lossy(text).into_owned()),
        }
    }
}

/// Digits, an E and digits, unless a program would write a large number so.
fn is_exponent_code(digits: &[u8]) -> bool {
    let Some(at) = digits.iter().position(|byte| matches!(byte, b'e' | b'E')) else { return false };
    let (mantissa, exponent) = (&digits[..at], &digits[at + 1..]);
    let all = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    if !all(mantissa) || !all(exponent) {
        return false;
    }
    let power = std::str::from_utf8(exponent).ok().and_then(|power| power.parse().ok());
    digits[at] == b'E' || power.is_some_and(|power: u32| power < EXPONENT_MIN)
}

/// A whole number as an attribute: a text beyond 64 bits with a sign.
pub(super) fn whole(number: i128) -> AttributeValue {
    i64::try_from(number)
        .map_or_else(|_| AttributeValue::Text(number.to_string()), AttributeValue::Integer)
}

/// The columns in which numbers stayed texts, for a note.
#[derive(Clone, Debug, Default)]
pub(super) struct KeptTexts {
    /// Where the first one stands.
    at: Option<At>,
    names: Vec<String>,
    has_more: bool,
}

impl KeptTexts {
    /// Columns that a note names.
    const NAMED: usize = 8;

    /// A number of this column stays a text.
    pub(super) fn add(&mut self, name: &str, at: At) {
        self.at.get_or_insert(at);
        if self.names.iter().any(|known| known == name) {
            return;
        }
        if self.names.len() < Self::NAMED {
            self.names.push(name.to_owned());
        } else {
            self.has_more = true;
        }
    }

    /// The note, if there is anything to note.
    pub(super) fn note(&self) -> Option<Note> {
        let names: Vec<_> = self.names.iter().map(|name| shown(name.as_bytes())).collect();
        let more = if self.has_more { ", ..." } else { "" };
        self.at.map(|at| Note {
            reason: "number_as_text",
            done: "kept as a text, which a number would change",
            at,
            detail: format!("{}{more}", names.join(", ")),
        })
    }
}
