//! How are words spread over the values of an attribute?

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::error::Result;
use crate::query::GoOn;
use crate::query::answer_size::{AnswerSize, BESIDE};
use crate::query::filter::Filter;
use crate::steps::watched;
use crate::table::attributes::{AttributeValue, Value};
use crate::table::view::View;
use crate::vector::row_set::RowSet;

/// The values of an attribute are wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct FacetsQuery {
    /// The attribute's name.
    pub attribute: String,
    /// How many values, the most frequent.
    pub limit: usize,
    /// Which rows count. Whoever asks hands over the rows that it lets through.
    pub filter: Option<Filter>,
}

/// The answer to a [`FacetsQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct FacetsAnswer {
    /// Values with how many rows have each: the most frequent first, equally frequent ones by value. The whole
    /// number 3 and the number 3.0 are one value, and so is a whole list.
    pub facets: Vec<(AttributeValue, usize)>,
    /// Different values.
    pub distinct: usize,
    /// Rows that have the attribute.
    pub having: usize,
    /// Rows that the filter lets through, or all.
    pub rows: usize,
}

/// Counts the rows of each value.
///
/// # Errors
///
/// If the values have no room in a message; whatever `go_on` says.
pub fn facets(
    table: &View,
    query: &FacetsQuery,
    allowed: Option<&RowSet>,
    go_on: GoOn<'_>,
) -> Result<FacetsAnswer> {
    let mut counts: HashMap<Value<'_>, usize> = HashMap::new();
    let is_allowed = |row| allowed.is_none_or(|allowed| allowed.has(row));
    let held = table.held(&query.attribute);
    if let Some(column) = held.column() {
        let mut of_values = vec![0_usize; column.values().len()];
        for item in watched(column.places(), go_on) {
            let (row, place) = item?;
            of_values[place as usize] += usize::from(held.is_of_column(row) && is_allowed(row));
        }
        for (value, count) in column.values().iter().zip(of_values).filter(|&(_, count)| count > 0)
        {
            *counts.entry(Value(value)).or_default() += count;
        }
    }
    for item in watched(held.others(), go_on) {
        let (row, value) = item?;
        if is_allowed(row) {
            *counts.entry(Value(value)).or_default() += 1;
        }
    }
    let having = counts.values().sum();
    let mut facets: Vec<_> = counts.into_iter().collect();
    let distinct = facets.len();
    facets.sort_unstable_by_key(|&(value, count)| (Reverse(count), value));
    facets.truncate(query.limit);
    let mut size = AnswerSize::default();
    for (value, _) in &facets {
        size.add(value.0.bytes() + BESIDE)?;
    }
    let facets = facets.into_iter().map(|(value, count)| (value.0.clone(), count)).collect();
    let rows = allowed.map_or(table.len(), RowSet::len);
    Ok(FacetsAnswer { facets, distinct, having, rows })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::golden;
    use crate::vector::RowId;

    #[test]
    fn values_are_counted_and_the_most_frequent_come_first() {
        use AttributeValue::{Flag, Number, Text};
        let mut view = golden::table();
        let text = |text: &str| Text(text.to_owned());
        for row in 0..90_u32 {
            let value = match row % 9 {
                0 => Flag(true),
                1 | 2 => Number(7.0),
                3 => Number(if row < 45 { 0.0 } else { -0.0 }),
                4 => text("7"),
                5 => continue,
                _ => text(if row < 45 { "b" } else { "a" }),
            };
            view.give_attributes(RowId(row), [("kind".to_owned(), value)].into_iter().collect());
        }
        let query = |limit| FacetsQuery { attribute: "kind".to_owned(), limit, filter: None };
        let all = facets(&view, &query(10), None, &|| Ok(())).unwrap();
        let wanted = [
            (Number(7.0), 20),
            (text("a"), 15),
            (text("b"), 15),
            (Flag(true), 10),
            (Number(0.0), 10),
            (text("7"), 10),
        ];
        assert_eq!(all.facets, wanted);
        assert_eq!((all.distinct, all.having, all.rows), (6, 80, view.len()));
        let some = facets(&view, &query(1), Some(&RowSet::range(45, 60)), &|| Ok(())).unwrap();
        assert_eq!((some.facets, some.distinct, some.rows), (vec![(Number(7.0), 4)], 5, 15));
        let none = FacetsQuery { attribute: "none".to_owned(), ..query(3) };
        assert_eq!(facets(&view, &none, None, &|| Ok(())).unwrap().having, 0);
    }
}
