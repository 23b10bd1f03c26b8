//! Attributes as JSON values, both ways: numbers, texts, `true` and `false`, dates as `{"$date": "2024-01-31"}`, for
//! a text stays one, and arrays of these.

use std::borrow::Cow;
use std::io::{self, Write as _};

use crate::format::json::records::{end, skip_space};
use crate::format::literal::Literal;
use crate::limits;
use crate::table::attributes::AttributeValue;
use crate::table::date::Date;

/// The name of the one field of a date.
const DATE: &str = "$date";

/// What a JSON value is as an attribute, and whether it is a number that stayed a text, for a whole number of 64 bits
/// would change it; none if it is null, or an object that is no date, or an array of arrays. An array may have too
/// many values, or some of several kinds: whoever keeps it checks that. `raw` is well-formed and begins and ends
/// without spaces.
///
/// ```
/// use wordspace::format::json_attribute;
/// use wordspace::table::attributes::AttributeValue;
///
/// let list = vec![AttributeValue::Integer(1), AttributeValue::Number(0.5)];
/// assert_eq!(json_attribute("[1, 0.5]"), Some((AttributeValue::List(list), false)));
/// assert_eq!(json_attribute("{\"a\": 1}"), None);
/// ```
pub fn attribute(raw: &str) -> Option<(AttributeValue, bool)> {
    if !raw.starts_with('[') {
        return scalar(raw);
    }
    let (mut values, mut is_code, mut at) = (Vec::new(), false, 1);
    let bytes = raw.as_bytes();
    while let Some(begin) = skip_space(bytes, at).filter(|&begin| bytes[begin] != b']') {
        let behind = end(bytes, begin)?;
        let (value, is_text) = scalar(&raw[begin..behind])?;
        is_code |= is_text;
        values.push(value);
        // One more than may be kept is enough for who counts.
        if values.len() > limits::ATTRIBUTE_LIST_MAX {
            break;
        }
        let comma = skip_space(bytes, behind)?;
        at = comma + usize::from(bytes[comma] == b',');
    }
    Some((AttributeValue::List(values), is_code))
}

fn scalar(raw: &str) -> Option<(AttributeValue, bool)> {
    match raw.as_bytes() {
        [b'"', ..] => Some((AttributeValue::Text(text_of(raw)?.into_owned()), false)),
        [b't' | b'f', ..] => Some((AttributeValue::Flag(raw == "true"), false)),
        [b'{', ..] => Some((AttributeValue::Date(date(raw)?), false)),
        [b'-' | b'0'..=b'9', ..] => {
            let digits = raw.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
            let literal = if digits { Literal::of(raw.as_bytes()) } else { None };
            if let Some(literal) = literal {
                return Some((literal.value(raw.as_bytes()), literal == Literal::Code));
            }
            // JSON has no codes: 1E5 is a number.
            let number: f64 = raw.parse().ok().filter(|number: &f64| number.is_finite())?;
            Some((AttributeValue::Number(number), false))
        }
        _ => None,
    }
}

/// The date of an object that has nothing else.
fn date(object: &str) -> Option<Date> {
    let bytes = object.as_bytes();
    let name = skip_space(bytes, 1)?;
    let behind = end(bytes, name)?;
    if text_of(&object[name..behind])? != DATE {
        return None;
    }
    let value = skip_space(bytes, skip_space(bytes, behind)? + 1)?;
    let behind = end(bytes, value)?;
    let is_all = bytes.get(skip_space(bytes, behind)?) == Some(&b'}');
    text_of(&object[value..behind]).filter(|_| is_all)?.parse().ok()
}

/// The text that stands in quotes.
pub(super) fn text_of(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str(raw).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

/// Whether a text is an array that can be a list.
pub(in crate::format) fn list(text: &[u8]) -> Option<AttributeValue> {
    let text = std::str::from_utf8(text).ok()?;
    if !(text.starts_with('[') && text.ends_with(']')) {
        return None;
    }
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    attribute(text).map(|(list, _)| list)
}

/// Writes a value.
pub(in crate::format) fn push(value: &AttributeValue, bytes: &mut Vec<u8>) -> io::Result<()> {
    match value {
        AttributeValue::Text(text) => serde_json::to_writer(&mut *bytes, text)?,
        AttributeValue::Number(number) => serde_json::to_writer(&mut *bytes, number)?,
        AttributeValue::Integer(number) => write!(bytes, "{number}")?,
        AttributeValue::Flag(flag) => write!(bytes, "{flag}")?,
        AttributeValue::Date(date) => write!(bytes, "{{\"{DATE}\":\"{date}\"}}")?,
        AttributeValue::List(values) => {
            bytes.push(b'[');
            for (i, value) in values.iter().enumerate() {
                if i > 0 {
                    bytes.push(b',');
                }
                push(value, bytes)?;
            }
            bytes.push(b']');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::AttributeValue::{Flag, Integer, List, Number, Text};
    use super::*;

    #[test]
    fn values_are_read_and_come_back() {
        let date = |text: &str| AttributeValue::Date(text.parse().unwrap());
        let text = |text: &str| Text(text.to_owned());
        for (raw, value, is_code) in [
            ("9007199254740993", Integer(9_007_199_254_740_993), false),
            ("-9223372036854775808", Integer(i64::MIN), false),
            ("9223372036854775808", text("9223372036854775808"), true),
            ("3.0", Number(3.0), false),
            ("1E5", Number(1e5), false),
            ("-0", Number(-0.0), false),
            ("true", Flag(true), false),
            ("\"2024-01-31\"", text("2024-01-31"), false),
            ("{\"$date\":\"2024-01-31\"}", date("2024-01-31"), false),
            ("{ \"$date\" : \"2024-01-31T11:00:00+01:00\" }", date("2024-01-31T10:00:00Z"), false),
            ("[]", List(vec![]), false),
            ("[ ]", List(vec![]), false),
            ("[ \"a,]\" , \"\\\"\" ]", List(vec![text("a,]"), text("\"")]), false),
            ("[1,2.5]", List(vec![Integer(1), Number(2.5)]), false),
            ("[{\"$date\":\"2024-01-31\"},1]", List(vec![date("2024-01-31"), Integer(1)]), false),
        ] {
            assert_eq!(attribute(raw), Some((value.clone(), is_code)), "{raw}");
            let mut bytes = Vec::new();
            push(&value, &mut bytes).unwrap();
            let again = attribute(std::str::from_utf8(&bytes).unwrap()).unwrap();
            assert_eq!(again, (value, false), "{raw}");
        }
        for raw in [
            "null",
            "{}",
            "{\"a\":1}",
            "{\"$date\":\"2024-02-30\"}",
            "{\"$date\":1}",
            "{\"$date\":\"2024-01-31\",\"a\":1}",
            "[null]",
            "[[1]]",
            "[{}]",
            "1e999",
        ] {
            assert_eq!(attribute(raw), None, "{raw}");
        }
        let long = format!("[{}1]", "1,".repeat(1_000));
        let Some((List(values), _)) = attribute(&long) else { panic!("a list") };
        assert_eq!(values.len(), limits::ATTRIBUTE_LIST_MAX + 1);
    }
}
