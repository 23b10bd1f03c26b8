//! Which rows may answer? By frequency, by row, by how the word is written, by list, by attribute.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};

use crate::error::{Error, Result};
use crate::limits;
use crate::query::GoOn;
use crate::query::condition::Expression;
use crate::steps::watched;
use crate::table::columns::RowAttributes;
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::row_set::RowSet;

/// Names of attributes that an error lists.
const ATTRIBUTES_NAMED: usize = 20;

/// Which rows may answer: those for which every part holds. A part that is empty always holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// What is asked of each row.
    pub scan: Scan,
    /// Only these words; those that the table does not have are passed over.
    pub allow: Vec<String>,
    /// Not these words; likewise.
    pub deny: Vec<String>,
}

/// What a filter asks of each row: the part whose answer is worth keeping for the next question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scan {
    /// Only these rows. Rows are in the order of the file, which is that of frequency in every
    /// well-known one: the most frequent words are the rows below a number.
    pub rows: Option<Range<u32>>,
    /// Only words that start with this.
    pub prefix: String,
    /// Only words in which this regular expression finds something.
    pub regex: String,
    /// Only words whose attributes are so.
    pub attributes: Expression,
}

/// Rows between two looks at whether to go on.
const ROWS_AT_ONCE: usize = 4_096;

impl Filter {
    /// The rows that may answer. `scanned` gives the rows of its [`Scan`], perhaps from memory; with
    /// a list of words it is not called, for then the words are few.
    ///
    /// # Errors
    ///
    /// If the regular expression is none, or whatever `go_on` says.
    pub fn allowed(
        &self,
        view: &View,
        scanned: impl FnOnce(&Scan) -> Result<Arc<RowSet>>,
    ) -> Result<Arc<RowSet>> {
        let mut allowed = if self.allow.is_empty() {
            scanned(&self.scan)?
        } else {
            Arc::new(self.scan.among(view, self.allow.iter().map(String::as_bytes))?)
        };
        if !self.deny.is_empty() {
            let rows = Arc::make_mut(&mut allowed);
            for row in self.deny.iter().filter_map(|word| view.row(word.as_bytes())) {
                rows.remove(row);
            }
        }
        Ok(allowed)
    }
}

impl Scan {
    /// Refuses a comparison with an attribute that no row has.
    ///
    /// # Errors
    ///
    /// As [`check_attributes`].
    pub fn check_attributes(&self, view: &View, go_on: GoOn<'_>) -> Result<()> {
        check_attributes(view, self.attributes.compared(), "filter.where", go_on)
    }

    /// Whether it takes no look at the words.
    pub fn is_quick(&self) -> bool {
        self.prefix.is_empty() && self.regex.is_empty() && self.attributes.is_empty()
    }

    /// The rows for which every part holds.
    ///
    /// # Errors
    ///
    /// If the regular expression is none, or whatever `go_on` says.
    pub fn rows(&self, view: &View, go_on: GoOn<'_>) -> Result<RowSet> {
        let range = self.range(view);
        let mut rows = there(view, &range);
        if self.is_quick() {
            return Ok(rows);
        }
        if !self.attributes.is_empty() {
            rows.intersect(&attributed(view, &self.attributes, go_on)?);
        }
        if self.prefix.is_empty() && self.regex.is_empty() {
            return Ok(rows);
        }
        let asks = Asks::new(self)?;
        for row in watched(rows.clone().rows(), go_on) {
            let row = row?;
            if !asks.spells(view.word(row)) {
                rows.remove(row);
            }
        }
        Ok(rows)
    }

    /// The rows of these words for which every part holds.
    ///
    /// # Errors
    ///
    /// If the regular expression is none.
    pub fn among<'a>(&self, view: &View, words: impl Iterator<Item = &'a [u8]>) -> Result<RowSet> {
        let (asks, range) = (Asks::new(self)?, self.range(view));
        let rows = words.filter_map(|word| view.row(word));
        let rows = rows.filter(|&row| range.contains(&row.index()) && asks.hold(view, row));
        let mut among = RowSet::default();
        for row in rows {
            among.insert(row);
        }
        Ok(among)
    }

    fn range(&self, view: &View) -> Range<usize> {
        let end = view.rows_end();
        match &self.rows {
            None => 0..end,
            Some(rows) => {
                let end = end.min(rows.end as usize);
                end.min(rows.start as usize)..end
            }
        }
    }
}

/// Refuses attributes that no row has: most likely a name is misspelled, and "nothing found" would hide that.
///
/// # Errors
///
/// `InvalidArgument` naming the attribute, and those that rows have; or whatever `go_on` says.
pub fn check_attributes(
    view: &View,
    missing: Vec<&str>,
    field: &str,
    go_on: GoOn<'_>,
) -> Result<()> {
    let held_by_a_row = |name: &str| -> Result<bool> {
        for row in watched(view.held(name).rows_or_not(), go_on) {
            if row? {
                return Ok(true);
            }
        }
        Ok(false)
    };
    let mut first = None;
    for name in missing {
        if !held_by_a_row(name)? {
            first = Some(name);
            break;
        }
    }
    let Some(missing) = first else { return Ok(()) };
    let mut known = BTreeSet::new();
    for (name, _) in view.columns().iter() {
        if held_by_a_row(name)? {
            known.insert(name);
        }
    }
    for step in watched(view.apart(), go_on) {
        let (_, attributes) = step?;
        known.extend(attributes.iter().map(|(name, _)| name));
        while known.len() > ATTRIBUTES_NAMED + 1 {
            known.pop_last();
        }
    }
    let is_long = known.len() > ATTRIBUTES_NAMED;
    let some: Vec<_> = known.into_iter().take(ATTRIBUTES_NAMED).collect();
    let known = match (some.join(", "), is_long) {
        (names, _) if names.is_empty() => "no row of the table has attributes".to_owned(),
        (names, false) => format!("the attributes are {names}"),
        (names, true) => format!("the attributes are {names}, ..."),
    };
    let problem = format!("no row has an attribute \"{missing}\"; {known}");
    Err(Error::invalid(field, problem))
}

/// The rows of a range that are there.
fn there(view: &View, range: &Range<usize>) -> RowSet {
    let mut rows = RowSet::range(range.start, range.end);
    if view.len() < view.rows_end() {
        rows.intersect(view.intact());
        for (row, _, _) in view.written().filter(|(row, _, _)| range.contains(&row.index())) {
            rows.insert(row);
        }
    }
    rows
}

/// The rows whose attributes are so, holes among them.
fn attributed(view: &View, expression: &Expression, go_on: GoOn<'_>) -> Result<RowSet> {
    let base = view.base().len();
    let mut rows = expression.rows(view.columns(), base, go_on)?;
    if expression.holds(RowAttributes::None) {
        rows.unite(&RowSet::range(base, view.rows_end()));
    }
    // The more is asked of a row, the fewer are looked at before somebody may stop it.
    let at_once = (ROWS_AT_ONCE / (1 + expression.conditions())).max(1);
    for (i, (row, attributes)) in view.apart().enumerate() {
        if i.is_multiple_of(at_once) {
            go_on()?;
        }
        if expression.holds(attributes) {
            rows.insert(row);
        } else {
            rows.remove(row);
        }
    }
    Ok(rows)
}

/// A [`Scan`] made ready.
struct Asks<'a> {
    scan: &'a Scan,
    regex: Option<Regex>,
}

impl<'a> Asks<'a> {
    fn new(scan: &'a Scan) -> Result<Self> {
        let regex = if scan.regex.is_empty() { None } else { Some(compiled(&scan.regex)?) };
        Ok(Self { scan, regex })
    }

    fn hold(&self, view: &View, row: RowId) -> bool {
        self.spells(view.word(row)) && self.scan.attributes.holds(view.attributes(row))
    }

    fn spells(&self, word: &[u8]) -> bool {
        word.starts_with(self.scan.prefix.as_bytes())
            && self.regex.as_ref().is_none_or(|regex| regex.is_match(word))
    }
}

fn compiled(regex: &str) -> Result<Regex> {
    let size = limits::REGEX_SIZE_MAX;
    RegexBuilder::new(regex)
        .size_limit(size)
        .dfa_size_limit(size)
        .build()
        .map_err(|error| Error::invalid("filter.regex", error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;
    use std::collections::BTreeSet;
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;
    use crate::query::condition::{Comparison, Condition, Test};
    use crate::query::golden;
    use crate::table::attributes::{AttributeValue, Attributes};
    use crate::table::change::Change;
    use crate::table::columns::ColumnsBuilder;

    static KNOWN: LazyLock<View> = LazyLock::new(known);

    /// Every second word has its length, every third its first letter, every fifth a value of some kind,
    /// a few one that is rare; some words were written later, some deleted, some lost attributes or got
    /// other ones.
    fn known() -> View {
        let table = golden::table();
        let given = |row: u32, word: &[u8]| -> Attributes {
            let letter = String::from_utf8_lossy(&word[..1]).into_owned();
            let kind = match row % 6 {
                0 => AttributeValue::Flag(row.is_multiple_of(8)),
                1 => AttributeValue::Number(if row > 250 { -0.0 } else { 0.0 }),
                2 => AttributeValue::Number(f64::from(row % 9)),
                3 => AttributeValue::Integer(i64::from(row % 9)),
                4 => AttributeValue::List(
                    [1, row % 7].map(|i| AttributeValue::Integer(i64::from(i))).into(),
                ),
                _ => AttributeValue::Text(letter.clone()),
            };
            let all = [
                (2, "length", AttributeValue::Number(word.len() as f64)),
                (3, "first", AttributeValue::Text(letter)),
                (5, "kind", kind),
                (97, "rare", AttributeValue::Number(word.len() as f64)),
            ];
            let all = all.into_iter().filter(|(every, ..)| row.is_multiple_of(*every));
            all.map(|(_, name, value)| (name.to_owned(), value)).collect()
        };
        let mut columns = ColumnsBuilder::default();
        for row in table.rows() {
            columns.push(row, (&given(row.0, table.word(row))).into());
        }
        let word = |row: u32| table.word(RowId(row)).to_vec();
        let vector = vec![0.0; table.dim()];
        let put = |word: Vec<u8>, given: Attributes| Change::Put {
            word,
            vector: vector.clone(),
            attributes: given,
        };
        let set = |row: u32, set: Attributes, remove: &[&str]| Change::Attributes {
            word: word(row),
            set,
            remove: remove.iter().map(|&name| name.to_owned()).collect(),
        };
        let mut changes = vec![
            put(b"abe".to_vec(), given(30, b"abe")),
            put(b"cafe".to_vec(), Attributes::default()),
            put(word(40), Attributes::default()),
            set(42, given(60, b"dad"), &[]),
            set(12, Attributes::default(), &["length", "first"]),
            set(18, Attributes::default(), &["first"]),
            set(11, given(30, b"bee"), &[]),
        ];
        changes.extend([7, 64, 194, 200].map(|row| Change::Delete { word: word(row) }));
        changes.push(put(word(200), given(6, b"again")));
        table.with_attributes(columns.build()).after(&changes).unwrap()
    }

    fn condition() -> impl Strategy<Value = Condition> {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let all = [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual];
        let value = prop_oneof![
            (0_u8..9).prop_map(|length| AttributeValue::Number(length.into())),
            (0_u8..9).prop_map(|length| AttributeValue::Integer(length.into())),
            "[a-e]".prop_map(AttributeValue::Text),
            any::<bool>().prop_map(AttributeValue::Flag),
        ];
        let compare = (proptest::sample::select(all.to_vec()), value);
        let test = prop_oneof![
            Just(Test::Exists),
            Just(Test::Missing),
            "[a-c]".prop_map(Test::Contains),
            "[a-c]".prop_map(Test::StartsWith),
            Just(Test::In(vec![AttributeValue::Number(4.0), AttributeValue::Text("b".to_owned())])),
            compare.prop_map(|(comparison, value)| Test::Compare(comparison, value)),
        ];
        let name = proptest::sample::select(vec!["length", "first", "kind", "rare", "none"]);
        (name, test).prop_map(|(name, test)| Condition { name: name.to_owned(), test })
    }

    fn expression() -> impl Strategy<Value = Expression> {
        condition().prop_map(Expression::Is).prop_recursive(3, 12, 3, |part| {
            let parts = || proptest::collection::vec(part.clone(), 0..3);
            prop_oneof![
                parts().prop_map(Expression::All),
                parts().prop_map(Expression::Any),
                part.clone().prop_map(|part| Expression::Not(Box::new(part))),
            ]
        })
    }

    fn all_hold(expression: &Expression, known: &View, row: RowId) -> bool {
        match expression {
            Expression::Is(condition) => holds(condition, known, row),
            Expression::All(parts) => !parts.iter().any(|part| !all_hold(part, known, row)),
            Expression::Any(parts) => !parts.iter().all(|part| !all_hold(part, known, row)),
            Expression::Not(part) => !all_hold(part, known, row),
        }
    }

    fn holds(condition: &Condition, known: &View, row: RowId) -> bool {
        use AttributeValue::{Date, Flag, Integer, List, Number, Text};
        use Ordering::{Equal, Greater, Less};
        let value = known.attributes(row).get(&condition.name);
        let values: Vec<&AttributeValue> = match value {
            Some(List(values)) => values.iter().collect(),
            Some(value) => vec![value],
            None => Vec::new(),
        };
        // The numbers of the test are small.
        let number = |value: &AttributeValue| match value {
            Number(number) => Some(*number),
            Integer(number) => Some(*number as f64),
            Flag(_) | Text(_) | Date(_) | List(_) => None,
        };
        let compare = |value: &AttributeValue, with: &AttributeValue| match (value, with) {
            (Text(a), Text(b)) => Some(a.cmp(b)),
            (Flag(a), Flag(b)) => Some(a.cmp(b)),
            (a, b) => number(a)?.partial_cmp(&number(b)?),
        };
        let any_is = |orders: &[Ordering], with: &AttributeValue| {
            values.iter().any(|value| compare(value, with).is_some_and(|one| orders.contains(&one)))
        };
        let any_text = |holds: &dyn Fn(&str) -> bool| {
            values.iter().any(|value| value.text().is_some_and(holds))
        };
        match &condition.test {
            Test::Exists => value.is_some(),
            Test::Missing => value.is_none(),
            Test::In(ones) => ones.iter().any(|one| any_is(&[Equal], one)),
            Test::Contains(part) => any_text(&|text| text.contains(part.as_str())),
            Test::StartsWith(part) => any_text(&|text| text.starts_with(part.as_str())),
            Test::Compare(Comparison::Equal, with) => any_is(&[Equal], with),
            Test::Compare(Comparison::NotEqual, with) => !any_is(&[Equal], with),
            Test::Compare(Comparison::Less, with) => any_is(&[Less], with),
            Test::Compare(Comparison::LessOrEqual, with) => any_is(&[Less, Equal], with),
            Test::Compare(Comparison::Greater, with) => any_is(&[Greater], with),
            Test::Compare(Comparison::GreaterOrEqual, with) => any_is(&[Greater, Equal], with),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn the_rows_are_those_of_asking_each_row_for_itself(
            rows in proptest::option::of((0_u32..600, 0_u32..600)),
            prefix in "[a-e]?",
            regex in proptest::option::of(proptest::sample::select(vec!["e", "^.{4}$", "[0-9]"])),
            attributes in proptest::option::of(expression()),
            allow in proptest::collection::vec(0_u32..520, 0..40),
            deny in proptest::collection::vec(0_u32..520, 0..40),
        ) {
            let table = &*KNOWN;
            let words = |rows: &[u32]| -> Vec<String> {
                let rows = rows.iter().map(|&row| RowId(row));
                let word = |row| if table.has(row) { table.shown(row).into() } else { "?!".into() };
                rows.map(word).collect()
            };
            let filter = Filter {
                scan: Scan {
                    rows: rows.map(|(start, end)| start..end),
                    prefix: prefix.clone(),
                    regex: regex.unwrap_or_default().to_owned(),
                    attributes: attributes.unwrap_or_default(),
                },
                allow: words(&allow),
                deny: words(&deny),
            };
            let scanned = |scan: &Scan| scan.rows(table, &|| Ok(())).map(Arc::new);
            let got: BTreeSet<_> = filter.allowed(table, scanned).unwrap().rows().collect();
            let want = table.rows().filter(|&row| {
                let word = table.shown(row);
                rows.is_none_or(|(start, end)| start <= row.0 && row.0 < end)
                    && word.starts_with(&prefix)
                    && match regex {
                        Some("e") => word.contains('e'),
                        Some("[0-9]") => word.contains(|c: char| c.is_ascii_digit()),
                        Some(_) => word.chars().count() == 4,
                        None => true,
                    }
                    && all_hold(&filter.scan.attributes, table, row)
                    && (allow.is_empty() || filter.allow.iter().any(|allowed| *allowed == word))
                    && !filter.deny.iter().any(|denied| *denied == word)
            });
            prop_assert_eq!(got, want.collect::<BTreeSet<_>>());
        }
    }

    #[test]
    fn a_comparison_with_an_attribute_that_no_row_has_is_refused() {
        let check = |name: &str, test| {
            let condition = Expression::Is(Condition { name: name.to_owned(), test });
            let attributes = Expression::All(vec![Expression::Not(Box::new(condition))]);
            let scan = Scan { attributes, ..Scan::default() };
            scan.check_attributes(&KNOWN, &|| Ok(())).map_err(|error| error.to_string())
        };
        let one = || Test::Compare(Comparison::Equal, AttributeValue::Number(1.0));
        assert_eq!(check("length", one()), Ok(()));
        assert_eq!(check("lenght", Test::Exists), Ok(()));
        let told = check("lenght", one()).unwrap_err();
        assert!(
            told.contains("\"lenght\"") && told.contains("first, kind, length, rare"),
            "{told}"
        );
    }

    #[test]
    fn a_wrong_or_huge_expression_is_refused_and_a_long_scan_can_be_stopped() {
        let table = golden::table();
        let scan = |regex: &str| Scan { regex: regex.to_owned(), ..Scan::default() };
        for wrong in ["(", "\\", "(\\pL{1000}){1000}"] {
            let error = scan(wrong).rows(&table, &|| Ok(())).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::InvalidArgument { .. }), "{error}");
        }
        let stopped = scan("a").rows(&table, &|| Err(Error::new(ErrorKind::Deadline)));
        assert_eq!(*stopped.unwrap_err().kind(), ErrorKind::Deadline);
    }
}
