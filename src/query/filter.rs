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
        let asks = Asks::new(self)?;
        // The more is asked of a row, the fewer are looked at before somebody may stop it.
        let at_once = (ROWS_AT_ONCE / (1 + self.attributes.conditions())).max(1);
        for start in range.clone().step_by(at_once) {
            go_on()?;
            for row in (start..range.end.min(start + at_once)).flat_map(RowId::try_from) {
                if rows.has(row) && !asks.hold(view, row) {
                    rows.remove(row);
                }
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
    mut missing: Vec<&str>,
    field: &str,
    go_on: GoOn<'_>,
) -> Result<()> {
    let mut known = BTreeSet::new();
    if missing.is_empty() {
        return Ok(());
    }
    for step in watched(view.attributed(), go_on) {
        let (_, held) = step?;
        missing.retain(|name| held.get(name).is_none());
        if missing.is_empty() {
            return Ok(());
        }
        known.extend(held.iter().map(|(name, _)| name));
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
    let problem = format!("no row has an attribute \"{}\"; {known}", missing[0]);
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
        let word = view.word(row);
        let expression = &self.scan.attributes;
        word.starts_with(self.scan.prefix.as_bytes())
            && self.regex.as_ref().is_none_or(|regex| regex.is_match(word))
            && (expression.is_empty() || expression.holds(view.attributes(row)))
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
    use std::collections::BTreeSet;
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;
    use crate::query::condition::{Comparison, Condition, Test};
    use crate::query::golden;
    use crate::table::attributes::{AttributeValue, Attributes};
    use crate::table::change::Change;

    static KNOWN: LazyLock<View> = LazyLock::new(known);

    /// Every second word has its length, every third its first letter; some words were written
    /// later, some deleted.
    fn known() -> View {
        let table = golden::table();
        let word = |row: u32| table.word(RowId(row)).to_vec();
        let zeros = vec![0.0; table.dim()];
        let put = |word: Vec<u8>| Change::Put {
            word,
            vector: zeros.clone(),
            attributes: Attributes::default(),
        };
        let mut changes = vec![put(b"abe".to_vec()), put(b"cafe".to_vec()), put(word(40))];
        changes.extend([7, 64, 200].map(|row| Change::Delete { word: word(row) }));
        let mut view = table.after(&changes).unwrap();
        for row in view.rows().collect::<Vec<_>>() {
            let word = view.shown(row).into_owned();
            let letter = word.chars().take(1).collect();
            let length = ("length".to_owned(), AttributeValue::Number(word.len() as f64));
            let first = ("first".to_owned(), AttributeValue::Text(letter));
            let even = row.0.is_multiple_of(2).then_some(length);
            let third = row.0.is_multiple_of(3).then_some(first);
            view.give_attributes(row, even.into_iter().chain(third).collect());
        }
        view
    }

    fn condition() -> impl Strategy<Value = Condition> {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let all = [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual];
        let value = prop_oneof![
            (0_u8..9).prop_map(|length| AttributeValue::Number(length.into())),
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
        let name = proptest::sample::select(vec!["length", "first", "none"]);
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
        use AttributeValue::{Number, Text};
        let value = known.attributes(row).and_then(|attributes| attributes.get(&condition.name));
        let (comparison, with) = match &condition.test {
            Test::Exists => return value.is_some(),
            Test::Missing => return value.is_none(),
            Test::In(values) => return value.is_some_and(|value| values.contains(value)),
            Test::Contains(part) => {
                return matches!(value, Some(Text(text)) if text.contains(part.as_str()));
            }
            Test::StartsWith(part) => {
                return matches!(value, Some(Text(text)) if text.starts_with(part.as_str()));
            }
            Test::Compare(comparison, with) => (comparison, with),
        };
        let (less, equal) = match (value, with) {
            (Some(Number(a)), Number(b)) => (a < b, a.to_bits() == b.to_bits()),
            (Some(Text(a)), Text(b)) => (a < b, a == b),
            (_, _) => return *comparison == Comparison::NotEqual,
        };
        match comparison {
            Comparison::Equal => equal,
            Comparison::NotEqual => !equal,
            Comparison::Less => less,
            Comparison::LessOrEqual => less || equal,
            Comparison::Greater => !less && !equal,
            Comparison::GreaterOrEqual => !less,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

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
        assert!(told.contains("\"lenght\"") && told.contains("first, length"), "{told}");
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
