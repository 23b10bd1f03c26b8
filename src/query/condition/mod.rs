//! What the attributes of a word must be, as a tree of conditions; [`grammar`] reads one from text.

pub mod grammar;

use std::cmp::Ordering;

use crate::table::attributes::{AttributeValue, Attributes, order};

/// Conditions that are joined.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// What one attribute must be.
    Is(Condition),
    /// Every one holds; so does none at all.
    All(Vec<Expression>),
    /// At least one holds.
    Any(Vec<Expression>),
    /// It does not hold.
    Not(Box<Expression>),
}

/// What an attribute of a word must be.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The attribute's name.
    pub name: String,
    /// The comparison with its value.
    pub test: Test,
}

/// A test of an attribute. Values of two kinds are neither equal nor in any order; those of one are in the order of
/// [`order`]. A test of a list holds if it holds for one of its values.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// The word has it, whatever its value.
    Exists,
    /// The word does not have it.
    Missing,
    /// The word has it, and it compares so with this value. `NotEqual` holds wherever `Equal` does
    /// not: also where it is missing.
    Compare(Comparison, AttributeValue),
    /// It is one of these values.
    In(Vec<AttributeValue>),
    /// It is a text in which this one stands, as a list is of which one value is such a text.
    Contains(String),
    /// It is a text that begins with this one.
    StartsWith(String),
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The attribute is this value.
    Equal,
    /// It is not.
    NotEqual,
    /// It is less.
    Less,
    /// It is not more.
    LessOrEqual,
    /// It is more.
    Greater,
    /// It is not less.
    GreaterOrEqual,
}

impl Default for Expression {
    /// Holds for every word.
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl Expression {
    /// Whether it asks nothing.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::All(parts) if parts.is_empty())
    }

    /// Whether it holds for a word with these attributes.
    pub fn holds(&self, attributes: Option<&Attributes>) -> bool {
        match self {
            Self::Is(condition) => condition.holds(attributes),
            Self::All(parts) => parts.iter().all(|part| part.holds(attributes)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(attributes)),
            Self::Not(part) => !part.holds(attributes),
        }
    }

    /// Comparisons that it may take for a word: one a condition, and one for each value of a list.
    pub fn conditions(&self) -> usize {
        match self {
            Self::Is(Condition { test: Test::In(values), .. }) => values.len(),
            Self::Is(_) => 1,
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::conditions).sum(),
            Self::Not(part) => part.conditions(),
        }
    }

    /// The attributes that are compared with something, each as often as it is.
    pub fn compared(&self) -> Vec<&str> {
        match self {
            Self::Is(Condition { test: Test::Exists | Test::Missing, .. }) => Vec::new(),
            Self::Is(condition) => vec![&condition.name],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::compared).collect(),
            Self::Not(part) => part.compared(),
        }
    }
}

impl Condition {
    fn holds(&self, attributes: Option<&Attributes>) -> bool {
        let value = attributes.and_then(|attributes| attributes.get(&self.name));
        let mut texts =
            value.iter().flat_map(|value| value.each()).filter_map(AttributeValue::text);
        match &self.test {
            Test::Exists => value.is_some(),
            Test::Missing => value.is_none(),
            Test::Compare(comparison, with) => comparison.holds(value, with),
            Test::In(values) => values.iter().any(|one| Comparison::Equal.holds(value, one)),
            Test::Contains(part) => texts.any(|text| text.contains(part.as_str())),
            Test::StartsWith(start) => texts.any(|text| text.starts_with(start.as_str())),
        }
    }
}

impl Comparison {
    fn holds(self, value: Option<&AttributeValue>, with: &AttributeValue) -> bool {
        let is_one = |holds: fn(Ordering) -> bool| {
            let mut values = value.iter().flat_map(|value| value.each());
            values.any(|value| value.kind() == with.kind() && holds(order(value, with)))
        };
        match self {
            Self::Equal => is_one(Ordering::is_eq),
            Self::NotEqual => !is_one(Ordering::is_eq),
            Self::Less => is_one(Ordering::is_lt),
            Self::LessOrEqual => is_one(Ordering::is_le),
            Self::Greater => is_one(Ordering::is_gt),
            Self::GreaterOrEqual => is_one(Ordering::is_ge),
        }
    }
}
