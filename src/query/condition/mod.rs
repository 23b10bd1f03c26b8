//! What the attributes of a word must be, as a tree of conditions; [`grammar`] reads one from text.

pub mod grammar;

use std::cmp::Ordering;
use std::ops::Range;
use std::slice;

use crate::error::Result;
use crate::query::GoOn;
use crate::table::attributes::{AttributeValue, Kind, order};
use crate::table::columns::{Column, Columns, RowAttributes};
use crate::vector::row_set::RowSet;

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
    pub fn holds(&self, attributes: RowAttributes<'_>) -> bool {
        match self {
            Self::Is(condition) => condition.holds(attributes),
            Self::All(parts) => parts.iter().all(|part| part.holds(attributes)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(attributes)),
            Self::Not(part) => !part.holds(attributes),
        }
    }

    /// The rows for which it holds by columns of attributes, of so many rows.
    ///
    /// # Errors
    ///
    /// Whatever `go_on` says.
    pub fn rows(&self, columns: &Columns, rows: usize, go_on: GoOn<'_>) -> Result<RowSet> {
        go_on()?;
        let rows_of = |part: &Self| part.rows(columns, rows, go_on);
        match self {
            Self::Is(condition) => Ok(condition.rows(columns, rows)),
            Self::All(parts) => parts.iter().try_fold(RowSet::all(rows), |mut all, part| {
                all.intersect(&rows_of(part)?);
                Ok(all)
            }),
            Self::Any(parts) => parts.iter().try_fold(RowSet::none(rows), |mut any, part| {
                any.unite(&rows_of(part)?);
                Ok(any)
            }),
            Self::Not(part) => Ok(rows_of(part)?.inverse(rows)),
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
    fn holds(&self, attributes: RowAttributes<'_>) -> bool {
        self.test.holds(attributes.get(&self.name))
    }

    fn rows(&self, columns: &Columns, rows: usize) -> RowSet {
        let found = |ranges: &[Range<usize>]| match columns.column(&self.name) {
            Some(column) => column.rows(ranges),
            None => RowSet::none(rows),
        };
        let values = columns.column(&self.name).map_or(&[][..], Column::values);
        match &self.test {
            Test::Exists => found(slice::from_ref(&(0..values.len()))),
            Test::Missing => found(slice::from_ref(&(0..values.len()))).inverse(rows),
            Test::Compare(Comparison::NotEqual, with) => {
                let equal = Test::Compare(Comparison::Equal, with.clone());
                found(&equal.among(values)).inverse(rows)
            }
            Test::Compare(..) | Test::In(_) | Test::Contains(_) | Test::StartsWith(_) => {
                found(&self.test.among(values))
            }
        }
    }
}

impl Test {
    fn holds(&self, value: Option<&AttributeValue>) -> bool {
        let mut texts =
            value.iter().flat_map(|value| value.each()).filter_map(AttributeValue::text);
        match self {
            Self::Exists => value.is_some(),
            Self::Missing => value.is_none(),
            Self::Compare(comparison, with) => comparison.holds(value, with),
            Self::In(values) => values.iter().any(|one| Comparison::Equal.holds(value, one)),
            Self::Contains(part) => texts.any(|text| text.contains(part.as_str())),
            Self::StartsWith(start) => texts.any(|text| text.starts_with(start.as_str())),
        }
    }

    /// Where it holds among values in [`order`], ascending: in order where values are compared, and list by
    /// list.
    fn among(&self, values: &[AttributeValue]) -> Vec<Range<usize>> {
        let lists = values.partition_point(|value| value.kind() < Kind::List);
        let single = &values[..lists];
        let mut ranges = match self {
            Self::Compare(comparison, with) if *comparison != Comparison::NotEqual => {
                vec![comparison.among(single, with)]
            }
            Self::In(ones) => {
                let among = |one| Comparison::Equal.among(single, one);
                let mut ranges: Vec<_> = ones.iter().map(among).collect();
                ranges.sort_unstable_by_key(|range| (range.start, range.end));
                // Equal values are one range, given twice.
                ranges.dedup();
                ranges
            }
            Self::Exists
            | Self::Missing
            | Self::Compare(..)
            | Self::Contains(_)
            | Self::StartsWith(_) => self.one_by_one(values, 0..lists),
        };
        ranges.extend(self.one_by_one(values, lists..values.len()));
        ranges
    }

    fn one_by_one(&self, values: &[AttributeValue], range: Range<usize>) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for place in range.filter(|&place| self.holds(Some(&values[place]))) {
            match ranges.last_mut() {
                Some(last) if last.end == place => last.end += 1,
                Some(_) | None => ranges.push(place..place + 1),
            }
        }
        ranges
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

    /// Where it holds among values in [`order`] that are no lists; not for [`Comparison::NotEqual`], which
    /// holds at both ends.
    fn among(self, values: &[AttributeValue], with: &AttributeValue) -> Range<usize> {
        let before =
            |below: fn(Ordering) -> bool| values.partition_point(|value| below(order(value, with)));
        let (start, end) = (before(Ordering::is_lt), before(Ordering::is_le));
        // The values of the kind stand side by side.
        let first = || values.partition_point(|value| value.kind() < with.kind());
        let last = || values.partition_point(|value| value.kind() <= with.kind());
        match self {
            Self::Equal | Self::NotEqual => start..end,
            Self::Less => first()..start,
            Self::LessOrEqual => first()..end,
            Self::Greater => end..last(),
            Self::GreaterOrEqual => start..last(),
        }
    }
}
