//! `Columns`: the attributes of a dense table's rows, one column a name. A column keeps each different
//! value once, in order, and for each row which of them it has; so a condition is put to values, and
//! the rows of a few values are found without a look at the others.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::table::attributes::{AttributeValue, Attributes, Value, order};
use crate::vector::RowId;
use crate::vector::row_set::RowSet;

/// Names that have a column. Rows with other names are kept one by one.
const COLUMNS_MAX: usize = 256;
/// A column has a place for every row if one row in so many has a value.
const DENSE_SHARE: usize = 16;
/// From so many rows on, a column that was asked so often gets its rows by value: a question then
/// costs as much as it has rows, and no longer a look at every row.
const BY_VALUE_ROWS: usize = 200_000;
const BY_VALUE_ASKED: u32 = 4;
/// Where more than one row in so many is chosen, a look at every row is as quick.
const BY_VALUE_SHARE: usize = 32;

/// The attributes of rows that have some, one column a name.
#[derive(Debug, Default)]
pub struct Columns {
    /// By name, ascending.
    columns: Vec<(Box<str>, Column)>,
    /// Rows that have a value in a column.
    rows: usize,
}

/// One attribute of the rows that have it.
#[derive(Debug)]
pub struct Column {
    /// Each once, in [`order`].
    values: Vec<AttributeValue>,
    places: Places,
    /// Rows that have a value.
    len: usize,
    asked: AtomicU32,
    by_value: OnceLock<ByValue>,
}

/// Where the value of each row stands.
#[derive(Debug)]
enum Places {
    /// Of row i at i, one more than the place; 0 for none.
    Narrow(Vec<u8>),
    Middle(Vec<u16>),
    Wide(Vec<u32>),
    /// Rows, ascending, with the places of their values.
    Few(Vec<(RowId, u32)>),
}

/// The rows of each value: those of value i stand from `starts[i]` to before `starts[i + 1]`, ascending.
#[derive(Debug)]
struct ByValue {
    starts: Vec<u32>,
    rows: Vec<RowId>,
}

/// The attributes of one row.
#[derive(Clone, Copy, Debug)]
pub enum RowAttributes<'a> {
    /// It has none.
    None,
    /// They are kept by themselves.
    Own(&'a Attributes),
    /// They stand in columns.
    Columns(&'a Columns, RowId),
}

impl<'a> RowAttributes<'a> {
    /// The value of a name.
    pub fn get(self, name: &str) -> Option<&'a AttributeValue> {
        match self {
            Self::None => None,
            Self::Own(attributes) => attributes.get(name),
            Self::Columns(columns, row) => columns.column(name)?.value(row),
        }
    }

    /// Names and values, by name.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a AttributeValue)> + Clone {
        let (own, columns) = match self {
            Self::None => (None, None),
            Self::Own(attributes) => (Some(attributes), None),
            Self::Columns(columns, row) => (None, Some((columns, row))),
        };
        let columns = columns.into_iter().flat_map(|(columns, row)| columns.of(row));
        own.into_iter().flat_map(Attributes::iter).chain(columns)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }

    /// A copy.
    pub fn to_attributes(self) -> Attributes {
        match self {
            Self::None => Attributes::default(),
            Self::Own(attributes) => attributes.clone(),
            Self::Columns(..) => {
                self.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
            }
        }
    }
}

impl<'a> From<&'a Attributes> for RowAttributes<'a> {
    fn from(attributes: &'a Attributes) -> Self {
        Self::Own(attributes)
    }
}

/// Attributes of rows on their way into columns.
#[derive(Debug, Default)]
pub struct ColumnsBuilder {
    columns: HashMap<Box<str>, ColumnBuilder>,
    rows: usize,
    end: usize,
    rest: Vec<(RowId, Attributes)>,
}

#[derive(Debug, Default)]
struct ColumnBuilder {
    values: HashMap<Exact, u32>,
    places: Vec<(RowId, u32)>,
}

/// The attributes of all rows that a [`ColumnsBuilder`] was given.
#[derive(Debug, Default)]
pub struct Collected {
    pub(super) columns: Columns,
    /// Rows with a name that has no column, ascending.
    pub(super) rest: Vec<(RowId, Attributes)>,
    /// One past the last row that has some.
    end: usize,
}

impl Collected {
    /// How many rows have attributes.
    pub fn attributed(&self) -> usize {
        self.columns.attributed() + self.rest.len()
    }

    /// The attributes of a row.
    pub fn of(&self, row: RowId) -> RowAttributes<'_> {
        match self.rest.binary_search_by_key(&row, |(row, _)| *row) {
            Ok(at) => RowAttributes::Own(&self.rest[at].1),
            Err(_) => RowAttributes::Columns(&self.columns, row),
        }
    }

    /// The rows up to the last one that has attributes, ascending.
    pub fn rows(&self) -> impl Iterator<Item = (RowId, RowAttributes<'_>)> {
        let rows = (0..self.end).map_while(|row| RowId::try_from(row).ok());
        rows.map(|row| (row, self.of(row)))
    }
}

impl From<BTreeMap<RowId, Attributes>> for Collected {
    fn from(rows: BTreeMap<RowId, Attributes>) -> Self {
        let mut builder = ColumnsBuilder::default();
        for (row, attributes) in rows {
            builder.push(row, RowAttributes::Own(&attributes));
        }
        builder.build()
    }
}

/// A value that equals another one if both have the same bits.
#[derive(Clone, Debug)]
struct Exact(AttributeValue);

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        is_same(&self.0, &other.0)
    }
}

impl Eq for Exact {}

impl Hash for Exact {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Value(&self.0).hash(state);
    }
}

fn is_same(a: &AttributeValue, b: &AttributeValue) -> bool {
    match (a, b) {
        (AttributeValue::Number(a), AttributeValue::Number(b)) => a.to_bits() == b.to_bits(),
        (AttributeValue::List(a), AttributeValue::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (a, b) => a == b,
    }
}

impl ColumnsBuilder {
    /// Takes the attributes of a row; rows come in ascending order.
    ///
    /// # Panics
    ///
    /// If a row is not behind the last one.
    pub fn push(&mut self, row: RowId, attributes: RowAttributes<'_>) {
        assert!(row.index() >= self.end, "rows come in ascending order");
        if attributes.is_empty() {
            return;
        }
        self.end = row.index() + 1;
        let is_new = |(name, _): &(&str, &AttributeValue)| !self.columns.contains_key(*name);
        if self.columns.len() + attributes.iter().filter(is_new).count() > COLUMNS_MAX {
            self.rest.push((row, attributes.to_attributes()));
            return;
        }
        self.rows += 1;
        for (name, value) in attributes.iter() {
            match self.columns.get_mut(name) {
                Some(column) => column.push(row, value),
                None => self.columns.entry(name.into()).or_default().push(row, value),
            }
        }
    }

    /// What was taken.
    pub fn build(self) -> Collected {
        let end = self.end;
        let columns = self.columns.into_iter().map(|(name, column)| (name, column.build(end)));
        let mut columns: Vec<_> = columns.collect();
        columns.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Collected { columns: Columns { columns, rows: self.rows }, rest: self.rest, end }
    }
}

impl ColumnBuilder {
    fn push(&mut self, row: RowId, value: &AttributeValue) {
        let next = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        // No more values than rows, which have 32-bit numbers.
        let place = match self.values.entry(Exact(value.clone())) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(next),
        };
        self.places.push((row, place));
    }

    fn build(mut self, end: usize) -> Column {
        let mut values: Vec<_> =
            self.values.into_iter().map(|(Exact(value), place)| (value, place)).collect();
        values.sort_unstable_by(|(a, i), (b, j)| order(a, b).then(i.cmp(j)));
        let mut ranks = vec![0_u32; values.len()];
        for (rank, (_, place)) in (0..).zip(&values) {
            ranks[*place as usize] = rank;
        }
        for (_, place) in &mut self.places {
            *place = ranks[*place as usize];
        }
        let values: Vec<_> = values.into_iter().map(|(value, _)| value).collect();
        let len = self.places.len();
        let places = if len * DENSE_SHARE < end {
            self.places.shrink_to_fit();
            Places::Few(self.places)
        } else {
            Places::dense(&self.places, values.len())
        };
        Column { values, places, len, asked: AtomicU32::new(0), by_value: OnceLock::new() }
    }
}

impl Places {
    fn dense(places: &[(RowId, u32)], values: usize) -> Self {
        fn table<T: Copy + Default>(places: &[(RowId, u32)], narrow: impl Fn(u32) -> T) -> Vec<T> {
            let mut table = vec![T::default(); places.last().map_or(0, |(row, _)| row.index() + 1)];
            for &(row, place) in places {
                table[row.index()] = narrow(place + 1);
            }
            table
        }
        // A place fits: it is at most the number of values.
        if values < usize::from(u8::MAX) {
            Self::Narrow(table(places, |place| u8::try_from(place).unwrap_or_default()))
        } else if values < usize::from(u16::MAX) {
            Self::Middle(table(places, |place| u16::try_from(place).unwrap_or_default()))
        } else {
            Self::Wide(table(places, |place| place))
        }
    }

    fn get(&self, row: RowId) -> Option<u32> {
        let place = match self {
            Self::Narrow(places) => u32::from(*places.get(row.index())?),
            Self::Middle(places) => u32::from(*places.get(row.index())?),
            Self::Wide(places) => *places.get(row.index())?,
            Self::Few(places) => {
                let at = places.binary_search_by_key(&row, |(row, _)| *row).ok()?;
                return Some(places[at].1);
            }
        };
        place.checked_sub(1)
    }

    /// Rows with places, ascending.
    fn iter(&self) -> Box<dyn Iterator<Item = (RowId, u32)> + '_> {
        fn dense<'a, T: Copy + Into<u32>>(
            places: &'a [T],
        ) -> Box<dyn Iterator<Item = (RowId, u32)> + 'a> {
            let places = (0..).map(RowId).zip(places);
            Box::new(places.filter_map(|(row, &place)| Some((row, place.into().checked_sub(1)?))))
        }
        match self {
            Self::Narrow(places) => dense(places),
            Self::Middle(places) => dense(places),
            Self::Wide(places) => dense(places),
            Self::Few(places) => Box::new(places.iter().copied()),
        }
    }

    fn memory_bytes(&self) -> usize {
        match self {
            Self::Narrow(places) => places.len(),
            Self::Middle(places) => size_of_val(&places[..]),
            Self::Wide(places) => size_of_val(&places[..]),
            Self::Few(places) => size_of_val(&places[..]),
        }
    }

    /// The rows whose places are in these ranges, which ascend.
    fn rows(&self, ranges: &[Range<usize>], values: usize) -> RowSet {
        /// One comparison a row, whose loop the compiler unrolls.
        fn within<T: Copy + Into<u32>>(places: &[T], range: &Range<usize>) -> RowSet {
            let first = u32::try_from(range.start + 1).unwrap_or(u32::MAX);
            let len = u32::try_from(range.len()).unwrap_or(u32::MAX);
            RowSet::of(places, |&place| place.into().wrapping_sub(first) < len)
        }
        fn among<T: Copy + Into<u32>>(places: &[T], chosen: &[bool]) -> RowSet {
            RowSet::of(places, |&place| chosen[place.into() as usize])
        }
        if let ([range], false) = (ranges, matches!(self, Self::Few(_))) {
            return match self {
                Self::Narrow(places) => within(places, range),
                Self::Middle(places) => within(places, range),
                Self::Wide(places) => within(places, range),
                Self::Few(_) => RowSet::default(),
            };
        }
        let mut chosen = vec![false; values + 1];
        for range in ranges {
            chosen[range.start + 1..=range.end].fill(true);
        }
        match self {
            Self::Narrow(places) => among(places, &chosen),
            Self::Middle(places) => among(places, &chosen),
            Self::Wide(places) => among(places, &chosen),
            Self::Few(places) => {
                let mut rows = RowSet::default();
                for (row, place) in places {
                    if chosen[*place as usize + 1] {
                        rows.insert(*row);
                    }
                }
                rows
            }
        }
    }
}

impl Column {
    /// Its different values, in [`order`].
    pub fn values(&self) -> &[AttributeValue] {
        &self.values
    }

    /// The value of a row.
    pub fn value(&self, row: RowId) -> Option<&AttributeValue> {
        self.places.get(row).map(|place| &self.values[place as usize])
    }

    /// Rows that have it with their values, in row order.
    pub fn iter(&self) -> impl Iterator<Item = (RowId, &AttributeValue)> {
        self.places.iter().map(|(row, place)| (row, &self.values[place as usize]))
    }

    /// Rows that have it with the places of their values in [`Column::values`], in row order.
    pub fn places(&self) -> impl Iterator<Item = (RowId, u32)> {
        self.places.iter()
    }

    /// The rows whose values are those of some ranges of [`Column::values`], which ascend and do not
    /// overlap.
    pub fn rows(&self, ranges: &[Range<usize>]) -> RowSet {
        if let Some(by_value) = self.by_value() {
            let rows = ranges.iter().map(|range| by_value.of(range));
            if rows.clone().map(<[RowId]>::len).sum::<usize>() * BY_VALUE_SHARE < self.len {
                let mut set = RowSet::default();
                for &row in rows.flatten() {
                    set.insert(row);
                }
                return set;
            }
        }
        self.places.rows(ranges, self.values.len())
    }

    /// Rows by value, once they pay.
    fn by_value(&self) -> Option<&ByValue> {
        if self.by_value.get().is_none()
            && (self.len < BY_VALUE_ROWS
                || self.asked.fetch_add(1, Ordering::Relaxed) < BY_VALUE_ASKED)
        {
            return None;
        }
        Some(self.by_value.get_or_init(|| ByValue::new(&self.places, self.values.len())))
    }

    fn memory_bytes(&self) -> usize {
        let beside = self.values.iter().map(AttributeValue::bytes);
        let by_value = self.by_value.get().map_or(0, ByValue::memory_bytes);
        size_of_val(&self.values[..])
            + beside.sum::<usize>()
            + self.places.memory_bytes()
            + by_value
    }
}

impl ByValue {
    fn new(places: &Places, values: usize) -> Self {
        let mut starts = vec![0_u32; values + 1];
        for (_, place) in places.iter() {
            starts[place as usize + 1] += 1;
        }
        for i in 0..values {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut rows = vec![RowId(0); starts[values] as usize];
        for (row, place) in places.iter() {
            let at = &mut next[place as usize];
            rows[*at as usize] = row;
            *at += 1;
        }
        Self { starts, rows }
    }

    fn of(&self, range: &Range<usize>) -> &[RowId] {
        &self.rows[self.starts[range.start] as usize..self.starts[range.end] as usize]
    }

    fn memory_bytes(&self) -> usize {
        size_of_val(&self.starts[..]) + size_of_val(&self.rows[..])
    }
}

impl Columns {
    /// The column of a name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        let at = self.columns.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(&self.columns[at].1)
    }

    /// Names with their columns, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Column)> + Clone {
        self.columns.iter().map(|(name, column)| (&**name, column))
    }

    /// The attributes of a row, by name.
    pub fn of(&self, row: RowId) -> impl Iterator<Item = (&str, &AttributeValue)> + Clone {
        self.iter().filter_map(move |(name, column)| Some((name, column.value(row)?)))
    }

    /// Rows that have a value in a column.
    pub fn attributed(&self) -> usize {
        self.rows
    }

    /// Whether a row has a value in a column.
    pub fn has(&self, row: RowId) -> bool {
        self.iter().any(|(_, column)| column.places.get(row).is_some())
    }

    /// Bytes of memory that they take.
    pub fn memory_bytes(&self) -> usize {
        self.iter().map(|(name, column)| name.len() + column.memory_bytes()).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = AttributeValue> {
        prop_oneof![
            (0_u16..400).prop_map(|number| AttributeValue::Number(number.into())),
            "[a-c]{0,2}".prop_map(AttributeValue::Text),
            any::<bool>().prop_map(AttributeValue::Flag),
            (0_i64..9).prop_map(AttributeValue::Integer),
            proptest::collection::vec((0_i64..3).prop_map(AttributeValue::Integer), 0..3)
                .prop_map(AttributeValue::List),
            Just(AttributeValue::Number(-0.0)),
        ]
    }

    proptest! {
        #[test]
        fn columns_hold_what_rows_were_given(
            rows in proptest::collection::btree_map(
                0_u32..900,
                proptest::collection::btree_map("[a-d]", value(), 1..4),
                0..300,
            ),
            (start, len) in (0_usize..20, 0_usize..200),
        ) {
            let rows: BTreeMap<RowId, Attributes> = rows
                .into_iter()
                .map(|(row, attributes)| (RowId(row), attributes.into_iter().collect()))
                .collect();
            let collected = Collected::from(rows.clone());
            prop_assert_eq!(collected.attributed(), rows.len());
            for row in (0..901).map(RowId) {
                let want = rows.get(&row).cloned().unwrap_or_default();
                // Equal zeros are told apart.
                prop_assert_eq!(format!("{:?}", collected.of(row).to_attributes()), format!("{want:?}"));
            }
            for (name, column) in collected.columns.iter() {
                prop_assert!(column.values().is_sorted_by(|a, b| order(a, b).is_le()));
                let start = start.min(column.values().len());
                let ranges = [start..(start + len / 4).min(column.values().len()), start..start];
                let later = ranges[0].end..(ranges[0].end + len).min(column.values().len());
                let ranges = [ranges[0].clone(), later];
                let chosen = |range: &Range<usize>| column.values()[range.clone()].to_vec();
                for ranges in [&ranges[..1], &ranges] {
                    let chosen: Vec<_> = ranges.iter().flat_map(chosen).map(Exact).collect();
                    let want = rows.iter().filter(|(_, held)| {
                        held.get(name).is_some_and(|held| chosen.contains(&Exact(held.clone())))
                    });
                    let want: Vec<_> = want.map(|(&row, _)| row).collect();
                    prop_assert!(column.rows(ranges).rows().eq(want.iter().copied()));
                    let by_value = ByValue::new(&column.places, column.values.len());
                    let mut found: Vec<_> =
                        ranges.iter().flat_map(|range| by_value.of(range)).copied().collect();
                    found.sort_unstable();
                    prop_assert_eq!(found, want);
                }
            }
        }
    }

    #[test]
    fn names_without_end_take_memory_in_proportion() {
        let mut builder = ColumnsBuilder::default();
        for row in 0..20_000_u32 {
            let own = (format!("name {row}"), AttributeValue::Flag(true));
            let all = ("all".to_owned(), AttributeValue::Number(f64::from(row)));
            builder.push(RowId(row), (&[own, all].into_iter().collect::<Attributes>()).into());
        }
        let collected = builder.build();
        assert_eq!(collected.attributed(), 20_000);
        assert_eq!(collected.columns.iter().count(), COLUMNS_MAX);
        assert!(collected.columns.memory_bytes() < 100_000);
        for row in [0, 300, 19_999] {
            let name = format!("name {row}");
            assert_eq!(collected.of(RowId(row)).get(&name), Some(&AttributeValue::Flag(true)));
            assert_eq!(collected.of(RowId(row)).iter().count(), 2);
        }
    }
}
