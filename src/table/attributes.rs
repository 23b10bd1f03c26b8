//! `Attributes`: what else is known of a word, by name: texts, numbers, flags, dates, and lists of these; and the
//! one order of all values.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::slice;

use crate::error::Violation;
use crate::limits;
use crate::table::date::Date;

/// The attributes of one word, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes {
    /// Ascending; they are few, and a tree's node has room for eleven.
    by_name: Vec<(String, AttributeValue)>,
}

/// The value of an attribute. Two are `==` if they are the same to the bit; by value they are compared by [`order`],
/// to which the whole number 3 and the number 3.0 are equal.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue {
    /// A text.
    Text(String),
    /// A finite number.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Flag(bool),
    /// A point in time.
    Date(Date),
    /// Values of one kind, in their order, none of which is a list.
    List(Vec<AttributeValue>),
}

/// Kinds of values that can be compared with each other, in the order in which values of two kinds stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// False, then true.
    Flag,
    /// Numbers, whole and others, by value.
    Number,
    /// Earlier ones first.
    Date,
    /// By their bytes.
    Text,
    /// By their first values that differ; one with which another begins before it.
    List,
}

/// Bytes of a value in a list beside its text.
const ITEM_BYTES: usize = 32;

impl AttributeValue {
    /// What it can be compared with.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Flag(_) => Kind::Flag,
            Self::Number(_) | Self::Integer(_) => Kind::Number,
            Self::Date(_) => Kind::Date,
            Self::Text(_) => Kind::Text,
            Self::List(_) => Kind::List,
        }
    }

    /// The values of a list, or this one alone.
    pub fn each(&self) -> &[Self] {
        match self {
            Self::List(values) => values,
            Self::Flag(_) | Self::Number(_) | Self::Integer(_) | Self::Date(_) | Self::Text(_) => {
                slice::from_ref(self)
            }
        }
    }

    /// The text that it is.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Flag(_) | Self::Number(_) | Self::Integer(_) | Self::Date(_) | Self::List(_) => {
                None
            }
        }
    }

    /// The number that it is, rounded if it is a whole one beyond 2^53.
    #[expect(clippy::cast_precision_loss, reason = "who wants it exactly looks at the variants")]
    pub fn number(&self) -> Option<f64> {
        match *self {
            Self::Number(number) => Some(number),
            Self::Integer(number) => Some(number as f64),
            Self::Flag(_) | Self::Date(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// How often something occurs, if it is a number from 1 to 9e15; a fraction is cut off.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
    pub fn count(&self) -> Option<u64> {
        self.number().filter(|count| (1.0..9e15).contains(count)).map(|count| count as u64)
    }

    /// Bytes that it takes beside a constant, about, in memory, in a file and on the wire.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Number(_) | Self::Integer(_) | Self::Date(_) => size_of::<u64>(),
            Self::Flag(_) => 1,
            Self::List(values) => {
                values.iter().map(|one| ITEM_BYTES + one.text().map_or(0, str::len)).sum()
            }
        }
    }
}

impl From<u64> for AttributeValue {
    /// A whole number, or the nearest number to one beyond `i64::MAX`.
    #[expect(clippy::cast_precision_loss, reason = "beyond what is kept exactly")]
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Number(number as f64), Self::Integer)
    }
}

/// The order of all values: first by their [`Kind`], then as it says. Whole numbers and others are compared exactly:
/// 2^53 + 1 is more than 2^53, whichever of them is which. Both zeros are equal. Numbers are finite.
pub fn order(a: &AttributeValue, b: &AttributeValue) -> Ordering {
    use AttributeValue::{Date, Flag, Integer, List, Number, Text};
    match (a, b) {
        (Text(a), Text(b)) => a.cmp(b),
        (Integer(a), Integer(b)) => a.cmp(b),
        (Number(a), Number(b)) => (a + 0.0).total_cmp(&(b + 0.0)),
        (Integer(a), Number(b)) => whole_order(*a, *b),
        (Number(a), Integer(b)) => whole_order(*b, *a).reverse(),
        (Flag(a), Flag(b)) => a.cmp(b),
        (Date(a), Date(b)) => a.cmp(b),
        (List(a), List(b)) => {
            let differing = a.iter().zip(b).map(|(a, b)| order(a, b)).find(|order| order.is_ne());
            differing.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Text(_) | Integer(_) | Number(_) | Flag(_) | Date(_) | List(_), _) => {
            a.kind().cmp(&b.kind())
        }
    }
}

/// 2^63, which is no `i64`, while every finite number from -2^63 to below it is one but for its fraction.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

#[expect(clippy::cast_possible_truncation, reason = "within the range of an i64")]
fn whole_order(whole: i64, number: f64) -> Ordering {
    if number >= TWO_TO_63 {
        return Ordering::Less;
    }
    if number < -TWO_TO_63 {
        return Ordering::Greater;
    }
    let by_whole = whole.cmp(&(number as i64));
    by_whole.then_with(|| 0.0_f64.partial_cmp(&number.fract()).unwrap_or(Ordering::Equal))
}

/// A value as a key, equal to others by [`order`].
#[derive(Clone, Copy, Debug)]
pub struct Value<'a>(pub &'a AttributeValue);

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Value<'_> {}

impl Hash for Value<'_> {
    #[expect(clippy::cast_possible_truncation, reason = "within the range of an i64")]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.0 {
            AttributeValue::Text(text) => text.hash(state),
            AttributeValue::Flag(flag) => flag.hash(state),
            AttributeValue::Integer(number) => number.hash(state),
            AttributeValue::Number(number) => {
                if number.fract() == 0.0 && (-TWO_TO_63..TWO_TO_63).contains(number) {
                    (*number as i64).hash(state);
                } else {
                    number.to_bits().hash(state);
                }
            }
            AttributeValue::Date(date) => date.hash(state),
            AttributeValue::List(values) => {
                values.len().hash(state);
                for value in values {
                    Value(value).hash(state);
                }
            }
        }
    }
}

impl PartialOrd for Value<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        order(self.0, other.0)
    }
}

impl Attributes {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&AttributeValue> {
        let place = self.place(name).ok()?;
        Some(&self.by_name[place].1)
    }

    /// Gives a name a value, in place of the one that it may have.
    pub fn set(&mut self, name: String, value: AttributeValue) {
        match self.place(&name) {
            Ok(place) => self.by_name[place].1 = value,
            Err(place) => self.by_name.insert(place, (name, value)),
        }
    }

    /// Takes a name away; says whether it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        let place = self.place(name);
        place.is_ok_and(|place| {
            self.by_name.remove(place);
            true
        })
    }

    /// Where a name stands, or would.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.by_name.binary_search_by(|(known, _)| known.as_str().cmp(name))
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &AttributeValue)> + Clone {
        self.by_name.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Attributes of the row.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

impl FromIterator<(String, AttributeValue)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (String, AttributeValue)>>(pairs: I) -> Self {
        // Of a name that comes again the last value counts, however many there are.
        let pairs: BTreeMap<_, _> = pairs.into_iter().collect();
        Self { by_name: pairs.into_iter().collect() }
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
/// If it is a number that is not finite; a text over `ATTRIBUTE_TEXT_BYTES_MAX`; or a list of more than
/// `ATTRIBUTE_LIST_MAX` values, of several kinds, of lists, or whose texts have more bytes together than one may.
pub fn check_value(value: &AttributeValue, field: &str) -> Result<(), Violation> {
    problem_of(value).map_or(Ok(()), |problem| Err(Violation { field: field.to_owned(), problem }))
}

fn problem_of(value: &AttributeValue) -> Option<String> {
    match value {
        AttributeValue::Text(text) => text_problem("a text has", text.len()),
        AttributeValue::Number(number) if !number.is_finite() => {
            Some("a number is finite: neither NaN nor infinity".to_owned())
        }
        AttributeValue::List(values) => list_problem(values),
        AttributeValue::Number(_)
        | AttributeValue::Integer(_)
        | AttributeValue::Flag(_)
        | AttributeValue::Date(_) => None,
    }
}

fn text_problem(what: &str, bytes: usize) -> Option<String> {
    let max = limits::ATTRIBUTE_TEXT_BYTES_MAX;
    (bytes > max).then(|| format!("{what} at most {max} bytes (ATTRIBUTE_TEXT_BYTES_MAX)"))
}

fn list_problem(values: &[AttributeValue]) -> Option<String> {
    let max = limits::ATTRIBUTE_LIST_MAX;
    if values.len() > max {
        return Some(format!("a list has at most {max} values (ATTRIBUTE_LIST_MAX)"));
    }
    let mut kinds = values.iter().map(AttributeValue::kind);
    let first = kinds.next()?;
    if values.iter().any(|value| value.kind() == Kind::List) {
        return Some("a list holds no lists".to_owned());
    }
    if kinds.any(|kind| kind != first) {
        return Some(
            "the values of a list are of one kind: texts, numbers, flags or dates".to_owned(),
        );
    }
    let bytes = values.iter().filter_map(AttributeValue::text).map(str::len).sum();
    values
        .iter()
        .find_map(problem_of)
        .or_else(|| text_problem("the texts of a list have together", bytes))
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

    use proptest::prelude::*;

    use super::AttributeValue::{Flag, Integer, List, Number, Text};
    use super::*;

    fn text(text: &str) -> AttributeValue {
        Text(text.to_owned())
    }

    fn date(text: &str) -> AttributeValue {
        AttributeValue::Date(text.parse().unwrap())
    }

    const TWO_TO_53: i64 = 1 << 53;

    #[test]
    fn values_stand_in_one_order() {
        // Each is less than the next one; those of one row are equal.
        let ascending = [
            vec![Flag(false)],
            vec![Flag(true)],
            vec![Number(f64::MIN)],
            vec![Integer(i64::MIN), Number(-TWO_TO_63)],
            vec![Integer(i64::MIN + 1)],
            vec![Number(-2.5)],
            vec![Integer(-2), Number(-2.0)],
            vec![Number(-0.5)],
            vec![Integer(0), Number(0.0), Number(-0.0)],
            vec![Number(f64::MIN_POSITIVE)],
            vec![Integer(3), Number(3.0)],
            vec![Number(3.5)],
            vec![Integer(TWO_TO_53), Number(9_007_199_254_740_992.0)],
            vec![Integer(TWO_TO_53 + 1)],
            vec![Integer(TWO_TO_53 + 2), Number(9_007_199_254_740_994.0)],
            vec![Integer(i64::MAX - 1)],
            vec![Integer(i64::MAX)],
            vec![Number(TWO_TO_63)],
            vec![Number(f64::MAX)],
            vec![date("1969-12-31")],
            vec![date("2024-01-31"), date("2024-01-31T00:00:00Z")],
            vec![date("2024-01-31T00:00:00.000001Z")],
            vec![text("")],
            vec![text("10")],
            vec![text("9")],
            vec![List(vec![])],
            vec![List(vec![Integer(1)]), List(vec![Number(1.0)])],
            vec![List(vec![Integer(1), Integer(0)])],
            vec![List(vec![Integer(2)])],
            vec![List(vec![text("a")])],
        ];
        let hash = |value: &AttributeValue| {
            BuildHasherDefault::<DefaultHasher>::default().hash_one(Value(value))
        };
        for (i, some) in ascending.iter().enumerate() {
            for (j, others) in ascending.iter().enumerate() {
                for (a, b) in some.iter().flat_map(|a| others.iter().map(move |b| (a, b))) {
                    assert_eq!(order(a, b), i.cmp(&j), "{a:?} and {b:?}");
                    assert_eq!(Value(a) == Value(b), i == j);
                    assert!(i != j || hash(a) == hash(b), "{a:?} and {b:?}");
                }
            }
        }
    }

    /// Numbers around those where doubles end to be exact, and where whole numbers end.
    fn number() -> impl Strategy<Value = AttributeValue> {
        let edge = proptest::sample::select(vec![0, TWO_TO_53, -TWO_TO_53, i64::MAX, i64::MIN]);
        let whole = (edge, -4_i64..4).prop_map(|(edge, step)| edge.saturating_add(step));
        #[expect(clippy::cast_precision_loss, reason = "the nearest one is meant")]
        let near = (whole.clone(), -0.75..0.75).prop_map(|(edge, step)| edge as f64 + step);
        prop_oneof![whole.prop_map(Integer), near.prop_map(Number)]
    }

    fn scalar() -> impl Strategy<Value = AttributeValue> {
        prop_oneof![
            4 => number(),
            1 => "[ab]{0,2}".prop_map(Text),
            1 => any::<bool>().prop_map(Flag),
            1 => (-2_i64..2).prop_map(|at| AttributeValue::Date(Date::from_micros(at).unwrap())),
        ]
    }

    fn value() -> impl Strategy<Value = AttributeValue> {
        prop_oneof![3 => scalar(), 1 => proptest::collection::vec(scalar(), 0..3).prop_map(List)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_order_is_total(a in value(), b in value(), c in value()) {
            prop_assert_eq!(order(&a, &a), Ordering::Equal);
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            let mut three = [&a, &b, &c];
            three.sort_by(|a, b| order(a, b));
            let [least, middle, most] = three;
            prop_assert!(order(least, most).is_le());
            if order(least, middle).is_eq() {
                prop_assert_eq!(order(least, most), order(middle, most));
            }
            if order(middle, most).is_eq() {
                prop_assert_eq!(order(least, most), order(least, middle));
            }
        }

        #[test]
        fn numbers_are_compared_exactly(a in number(), b in number()) {
            // In units of 2^-52 all of these are whole numbers of 128 bits.
            let exact = |value: &AttributeValue| match value {
                Integer(whole) => i128::from(*whole) << 52,
                Number(number) => {
                    let bits = number.abs().to_bits();
                    let exponent = u32::try_from(bits >> 52).unwrap();
                    let mantissa = i128::from(bits & ((1 << 52) - 1) | (1 << 52));
                    // Smaller ones than 2^-52 count as nothing: the test has none but zero.
                    let units = match exponent {
                        0..971 => 0,
                        971..1_023 => mantissa >> (1_023 - exponent),
                        _ => mantissa << (exponent - 1_023),
                    };
                    if *number < 0.0 { -units } else { units }
                }
                Text(_) | Flag(_) | AttributeValue::Date(_) | List(_) => unreachable!("numbers are made"),
            };
            let (own, others) = (exact(&a), exact(&b));
            if own != others {
                prop_assert_eq!(order(&a, &b), own.cmp(&others));
            }
        }
    }

    #[test]
    fn what_cannot_be_kept_is_told() {
        let max = limits::ATTRIBUTE_LIST_MAX;
        let half = "x".repeat(limits::ATTRIBUTE_TEXT_BYTES_MAX / 2 + 1);
        for (value, problem) in [
            (Number(f64::NAN), "finite"),
            (Text(half.repeat(2)), "a text has at most"),
            (List(vec![Integer(1); max + 1]), "at most 256 values"),
            (List(vec![List(vec![])]), "no lists"),
            (List(vec![Integer(1), text("a")]), "one kind"),
            (List(vec![Flag(true), date("2024-01-31")]), "one kind"),
            (List(vec![Number(f64::INFINITY)]), "finite"),
            (List(vec![text(&half), text(&half)]), "together"),
        ] {
            let violation = check_value(&value, "a").unwrap_err();
            assert!(violation.problem.contains(problem), "{violation:?}");
        }
        for value in [
            List(vec![]),
            List(vec![Integer(1), Number(0.5)]),
            List(vec![Integer(i64::MAX); max]),
            text(""),
        ] {
            assert_eq!(check_value(&value, "a").map_err(|wrong| wrong.problem), Ok(()));
        }
    }
}
