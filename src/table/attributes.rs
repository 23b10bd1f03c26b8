//! `Attributes`: what else is known of a word, by name: texts, numbers, flags.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::error::Violation;
use crate::limits;

/// The attributes of one word, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(BTreeMap<String, AttributeValue>);

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue {
    /// A text.
    Text(String),
    /// A finite number.
    Number(f64),
    /// True or false.
    Flag(bool),
}

impl Attributes {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&AttributeValue> {
        self.0.get(name)
    }

    /// Gives a name a value, in place of the one that it may have.
    pub fn set(&mut self, name: String, value: AttributeValue) {
        self.0.insert(name, value);
    }

    /// Takes a name away; says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &AttributeValue)> + Clone {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Attributes of the row.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, AttributeValue)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (String, AttributeValue)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// The order of values of any kind: flags, numbers, texts. Both zeros are one.
pub fn order(a: &AttributeValue, b: &AttributeValue) -> Ordering {
    use AttributeValue::{Flag, Number, Text};
    let kind = |value: &AttributeValue| match value {
        Flag(_) => 0,
        Number(_) => 1,
        Text(_) => 2,
    };
    match (a, b) {
        (Text(a), Text(b)) => a.cmp(b),
        (Number(a), Number(b)) => (a + 0.0).total_cmp(&(b + 0.0)),
        (Flag(a), Flag(b)) => a.cmp(b),
        (Text(_) | Number(_) | Flag(_), _) => kind(a).cmp(&kind(b)),
    }
}

/// Whether a name can be an attribute's; `field` names it in the error.
///
/// # Errors
///
/// If it is empty, or over `ATTRIBUTE_NAME_BYTES_MAX`.
pub fn check_name(name: &str, field: &str) -> Result<(), Violation> {
    let max = limits::ATTRIBUTE_NAME_BYTES_MAX;
    if name.is_empty() || name.len() > max {
        let problem =
            format!("an attribute's name has 1 to {max} bytes (ATTRIBUTE_NAME_BYTES_MAX)");
        return Err(Violation { field: field.to_owned(), problem });
    }
    Ok(())
}

/// Whether a value can be kept; `field` names it in the error.
///
/// # Errors
///
/// If it is a number that is not finite, or a text over `ATTRIBUTE_TEXT_BYTES_MAX`.
pub fn check_value(value: &AttributeValue, field: &str) -> Result<(), Violation> {
    let max = limits::ATTRIBUTE_TEXT_BYTES_MAX;
    let problem = match value {
        AttributeValue::Text(text) if text.len() > max => {
            format!("a text has at most {max} bytes (ATTRIBUTE_TEXT_BYTES_MAX)")
        }
        AttributeValue::Number(number) if !number.is_finite() => {
            "a number is finite: neither NaN nor infinity".to_owned()
        }
        AttributeValue::Text(_) | AttributeValue::Number(_) | AttributeValue::Flag(_) => {
            return Ok(());
        }
    };
    Err(Violation { field: field.to_owned(), problem })
}
