//! Conditions as text, such as `freq > 10 and lang in (fr, en)`.
//!
//! ```text
//! either    = both { "or" both }
//! both      = one { "and" one }
//! one       = "not" one | "(" either ")" | "!" NAME | NAME [ test ]
//! test      = ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) VALUE
//!           | [ "not" ] "in" "(" VALUE { "," VALUE } ")"
//!           | [ "not" ] "between" VALUE "and" VALUE
//!           | [ "not" ] "contains" TEXT
//!           | [ "not" ] "starts" "with" TEXT
//!           | "exists" | "is" "missing"
//! ```
//!
//! A name alone is there, and behind `!` it is missing. A value is a number, `true`, `false`, a date such as
//! `2024-01-31` or `2024-01-31T10:30:00Z`, or a text; what stands in quotes is a text whatever it looks like, and so
//! is a number that is written in another way than numbers are, such as `007`, but where it has an order. Whole
//! numbers of 64 bits are exact. What is written as a date and is none is an error. Of a list one value is looked
//! for. Names, too, stand in quotes where they have spaces or are `and`, `or` or `not`. Words of the grammar are
//! written small or in capitals. `between` has both its ends, which of a list two values may meet.

use std::fmt;

use super::{Comparison, Condition, Expression, Test};
use crate::format::plain_value;
use crate::limits;
use crate::table::attributes::{AttributeValue, check_name, check_value};
use crate::table::date::{Date, NoDate};

/// Words that are no names without quotes.
const KEYWORDS: [&str; 3] = ["and", "or", "not"];
const SIGNS: [(&str, Comparison); 7] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("=", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];
/// Characters of the text that an error shows behind the place.
const SHOWN: usize = 40;

/// Reads conditions.
///
/// ```
/// use wordspace::query::condition::grammar::expression;
///
/// assert!(expression("freq > 10 and lang in (fr, en)").is_ok());
/// let error = expression("freq > 10 & lang").unwrap_err();
/// assert_eq!(error.at, 10);
/// ```
///
/// # Errors
///
/// If something else was expected somewhere, if it is over `FILTER_TEXT_BYTES_MAX`, has more than
/// `FILTER_CONDITIONS_MAX` conditions, or is nested deeper than `FILTER_DEPTH_MAX`.
pub fn expression(text: &str) -> Result<Expression, Misread> {
    let mut left = Left::new(text);
    if text.len() > limits::FILTER_TEXT_BYTES_MAX {
        let max = limits::FILTER_TEXT_BYTES_MAX;
        let what = format!("at most {max} bytes (FILTER_TEXT_BYTES_MAX), not {}", text.len());
        return Err(left.expected(&what));
    }
    let expression = left.either(0)?;
    left.end("\"and\", \"or\" or the end; put quotes around texts with spaces or signs")?;
    Ok(expression)
}

/// What an attribute is, as it was typed: `true`, `false`, a number that is written as numbers are, a date, or else
/// a text, such as the code 007.
pub fn value(typed: &str) -> AttributeValue {
    match typed {
        "true" => AttributeValue::Flag(true),
        "false" => AttributeValue::Flag(false),
        text => plain_value(text).unwrap_or_else(|| AttributeValue::Text(text.to_owned())),
    }
}

/// The same where only numbers have an order, however they are written.
fn ordered_value(typed: &str) -> AttributeValue {
    if let Ok(whole) = typed.parse() {
        return AttributeValue::Integer(whole);
    }
    let number = typed.parse().ok().filter(|number: &f64| number.is_finite());
    number.map_or_else(|| value(typed), AttributeValue::Number)
}

/// What is left of a text to be read.
#[derive(Debug)]
pub struct Left<'t> {
    text: &'t str,
    at: usize,
    conditions: usize,
}

impl<'t> Left<'t> {
    /// All of it.
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0, conditions: 0 }
    }

    /// The rest.
    pub fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn either(&mut self, depth: usize) -> Result<Expression, Misread> {
        let first = self.both(depth)?;
        self.more(first, depth, ["or", "||"], Self::both, Expression::Any)
    }

    fn both(&mut self, depth: usize) -> Result<Expression, Misread> {
        let first = self.one(depth)?;
        self.more(first, depth, ["and", "&&"], Self::one, Expression::All)
    }

    /// What follows behind each of the same words.
    fn more(
        &mut self,
        first: Expression,
        depth: usize,
        [keyword, sign]: [&str; 2],
        next: fn(&mut Self, usize) -> Result<Expression, Misread>,
        joined: fn(Vec<Expression>) -> Expression,
    ) -> Result<Expression, Misread> {
        let mut parts = vec![first];
        while self.keyword(keyword) || self.skip(sign) {
            parts.push(next(self, depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { joined(parts) })
    }

    fn one(&mut self, depth: usize) -> Result<Expression, Misread> {
        if depth > limits::FILTER_DEPTH_MAX {
            let max = limits::FILTER_DEPTH_MAX;
            return Err(self.expected(&format!("no more than {max} levels (FILTER_DEPTH_MAX)")));
        }
        if self.keyword("not") {
            return Ok(Expression::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.skip("(") {
            let inner = self.either(depth + 1)?;
            self.sign(")")?;
            return Ok(inner);
        }
        self.conditions += 1;
        if self.conditions > limits::FILTER_CONDITIONS_MAX {
            let max = limits::FILTER_CONDITIONS_MAX;
            let what = format!("no more than {max} conditions (FILTER_CONDITIONS_MAX)");
            return Err(self.expected(&what));
        }
        let is_missing = self.skip("!");
        let name = self.name()?;
        if is_missing {
            return Ok(Expression::Is(Condition { name, test: Test::Missing }));
        }
        self.test(name)
    }

    fn test(&mut self, name: String) -> Result<Expression, Misread> {
        let is = |name, test| Expression::Is(Condition { name, test });
        if let Some((_, comparison)) = SIGNS.iter().find(|(sign, _)| self.skip(sign)) {
            let reads = match comparison {
                Comparison::Equal | Comparison::NotEqual => value,
                Comparison::Less
                | Comparison::LessOrEqual
                | Comparison::Greater
                | Comparison::GreaterOrEqual => ordered_value,
            };
            let with = self.value(reads)?;
            return Ok(is(name, Test::Compare(*comparison, with)));
        }
        if self.keyword("exists") {
            return Ok(is(name, Test::Exists));
        }
        if self.keyword("is") {
            let is_not = self.keyword("not");
            if !self.keyword("missing") {
                return Err(self.expected("missing"));
            }
            return Ok(is(name, if is_not { Test::Exists } else { Test::Missing }));
        }
        let is_not = self.keyword("not");
        let expression = if self.keyword("in") {
            self.sign("(")?;
            let mut values = vec![self.value(value)?];
            while self.skip(",") {
                values.push(self.value(value)?);
                if values.len() > limits::FILTER_VALUES_MAX {
                    let max = limits::FILTER_VALUES_MAX;
                    let what = format!("no more than {max} values (FILTER_VALUES_MAX)");
                    return Err(self.expected(&what));
                }
            }
            self.sign(")")?;
            is(name, Test::In(values))
        } else if self.keyword("between") {
            let low = self.value(ordered_value)?;
            if !self.keyword("and") {
                return Err(self.expected("and"));
            }
            let high = self.value(ordered_value)?;
            let low = is(name.clone(), Test::Compare(Comparison::GreaterOrEqual, low));
            let high = is(name, Test::Compare(Comparison::LessOrEqual, high));
            Expression::All(vec![low, high])
        } else if self.keyword("contains") {
            is(name, Test::Contains(self.text()?))
        } else if self.keyword("starts") {
            if !self.keyword("with") {
                return Err(self.expected("with"));
            }
            is(name, Test::StartsWith(self.text()?))
        } else if is_not {
            return Err(self.expected("in, between, contains or starts with"));
        } else {
            let rest = self.rest().trim_start();
            let ends = ["and", "or"].into_iter().any(|word| begins(rest, word));
            if rest.is_empty() || ends || rest.starts_with([')', '&', '|']) {
                return Ok(is(name, Test::Exists));
            }
            let what =
                "=, !=, <, <=, >, >=, in, between, contains, starts with, exists or is missing";
            return Err(self.expected(what));
        };
        Ok(if is_not { Expression::Not(Box::new(expression)) } else { expression })
    }

    /// Goes over spaces.
    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Goes over a sign, if it comes next.
    pub fn skip(&mut self, sign: &str) -> bool {
        self.space();
        let is_next = self.rest().starts_with(sign);
        self.at += if is_next { sign.len() } else { 0 };
        is_next
    }

    fn sign(&mut self, sign: &str) -> Result<(), Misread> {
        if self.skip(sign) { Ok(()) } else { Err(self.expected(sign)) }
    }

    /// Goes over a word of the grammar, if it comes next.
    fn keyword(&mut self, word: &str) -> bool {
        self.space();
        let is_next = begins(self.rest(), word);
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    /// A text in quotes, or up to a space or a sign; whether it stood in quotes.
    fn word(&mut self, expected: &str) -> Result<(String, bool), Misread> {
        self.space();
        let rest = self.rest();
        if let Some(quote) = rest.chars().next().filter(|&c| c == '"' || c == '\'') {
            let Some(end) = rest[1..].find(quote) else {
                return Err(self.expected(&format!("a closing {quote} somewhere behind")));
            };
            self.at += end + 2;
            return Ok((rest[1..=end].to_owned(), true));
        }
        let end = rest.find(stops).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.expected(expected));
        }
        self.at += end;
        Ok((rest[..end].to_owned(), false))
    }

    /// The name of an attribute.
    ///
    /// # Errors
    ///
    /// If none comes next.
    pub fn name(&mut self) -> Result<String, Misread> {
        let start = self.at;
        let (name, is_quoted) = self.word("the name of an attribute")?;
        let is_keyword = KEYWORDS.iter().any(|word| word.eq_ignore_ascii_case(&name));
        if is_keyword && !is_quoted {
            self.at = start;
            self.space();
            return Err(self.expected("the name of an attribute, in quotes if it is this word"));
        }
        check_name(&name, "name").map_err(|violation| {
            self.at = start;
            self.expected(&violation.problem)
        })?;
        Ok(name)
    }

    /// A value; what stands in quotes is a text.
    ///
    /// # Errors
    ///
    /// If none comes next.
    pub fn value(&mut self, reads: fn(&str) -> AttributeValue) -> Result<AttributeValue, Misread> {
        let start = self.at;
        let (word, is_quoted) = self.word("a number, true, false, a date or a text")?;
        let value = if is_quoted { AttributeValue::Text(word) } else { reads(&word) };
        if !is_quoted && value.text().is_some_and(|text| Date::is_meant(text.as_bytes())) {
            self.at = start;
            return Err(self.expected(&format!("{NoDate}; or quotes around a text")));
        }
        check_value(&value, "value").map_err(|violation| self.expected(&violation.problem))?;
        Ok(value)
    }

    /// The value of an attribute, which is all that is left: a list in brackets, such as `[fr, en]`, a value, or a
    /// text with spaces.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn last_value(&mut self) -> Result<AttributeValue, Misread> {
        self.space();
        if self.skip("[") {
            let mut values = Vec::new();
            while !self.skip("]") {
                if !values.is_empty() {
                    self.sign(",")?;
                }
                values.push(self.value(value)?);
            }
            self.end("the end; put quotes around a text that is no list")?;
            let list = AttributeValue::List(values);
            check_value(&list, "value").map_err(|violation| self.expected(&violation.problem))?;
            return Ok(list);
        }
        let rest = self.rest().trim_end();
        let is_word = rest.starts_with(['"', '\'']) || !rest.contains(stops);
        if is_word && !rest.is_empty() {
            let value = self.value(value)?;
            self.end("the end")?;
            return Ok(value);
        }
        // A text may have spaces, as long as whoever typed it kept it together; a date may have one.
        let value = value(rest);
        if value.text().is_some_and(|text| Date::is_meant(text.as_bytes())) {
            return Err(self.expected(&format!("{NoDate}; or quotes around a text")));
        }
        check_value(&value, "value").map_err(|violation| self.expected(&violation.problem))?;
        Ok(value)
    }

    fn text(&mut self) -> Result<String, Misread> {
        self.word("a text").map(|(text, _)| text)
    }

    /// # Errors
    ///
    /// If it is not the end.
    pub fn end(&mut self, expected: &str) -> Result<(), Misread> {
        self.space();
        if self.rest().is_empty() { Ok(()) } else { Err(self.expected(expected)) }
    }

    /// Says that something else was expected here.
    pub fn expected(&self, what: &str) -> Misread {
        let rest = self.rest().trim_start();
        let end = rest.char_indices().nth(SHOWN).map_or(rest.len(), |(end, _)| end);
        let at = self.text.len() - rest.len();
        Misread { at, expected: what.to_owned(), behind: rest[..end].to_owned() }
    }
}

/// Where a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// The byte.
    pub at: usize,
    /// What could stand there.
    pub expected: String,
    /// The beginning of what stands there.
    pub behind: String,
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, expected, behind } = self;
        match behind.as_str() {
            "" => write!(f, "at its end: expected {expected}"),
            behind => write!(f, "at byte {at}, before {behind:?}: expected {expected}"),
        }
    }
}

impl std::error::Error for Misread {}

/// Whether a text begins with a word of the grammar.
fn begins(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        && text[word.len()..].chars().next().is_none_or(stops)
}

fn stops(c: char) -> bool {
    c.is_whitespace() || "=<>!&|()[],\"'".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::attributes::Attributes;

    /// Whether conditions hold for a word of 12 occurrences in French, whose code is 007, among other things.
    fn holds(text: &str) -> bool {
        let (integer, text_of) =
            (AttributeValue::Integer, |text: &str| AttributeValue::Text(text.to_owned()));
        let attributes: Attributes = [
            ("freq".to_owned(), AttributeValue::Number(12.0)),
            ("id".to_owned(), integer((1 << 53) + 1)),
            ("lang".to_owned(), text_of("fr")),
            ("code".to_owned(), text_of("007")),
            ("and".to_owned(), AttributeValue::Flag(true)),
            ("day".to_owned(), AttributeValue::Date("2024-01-31T10:30:00Z".parse().unwrap())),
            ("tags".to_owned(), AttributeValue::List(vec![text_of("noun"), text_of("animal")])),
            ("years".to_owned(), AttributeValue::List(vec![integer(1900), integer(2000)])),
            ("none".to_owned(), AttributeValue::List(vec![])),
        ]
        .into_iter()
        .collect();
        expression(text).unwrap().holds((&attributes).into())
    }

    #[test]
    fn conditions_are_read_as_they_are_meant() {
        for (text, is_true) in [
            ("freq > 10 and lang in (fr, en)", true),
            ("freq > 10 AND NOT lang in (fr, en)", false),
            ("lang not in ('de', \"en\")", true),
            ("lang = de or freq between 12 and 12 and code = 007", true),
            ("(lang = de or freq between 12 and 12) and code = 7", false),
            ("freq not between 1 and 12", false),
            ("freq>=12&&freq<012.5", true),
            ("freq < 5 || code starts with 00", true),
            ("code contains '0' and not code contains 1", true),
            ("code", true),
            ("!code or sense = 1", false),
            ("sense is missing and code is not missing and code exists", true),
            ("not not \"and\" = true", true),
            ("lang != de and sense != 1", true),
            // A flag, a text and a number are never equal.
            ("lang in (true, 12)", false),
            // Whole numbers are exact, and compared with others by value.
            ("id = 9007199254740993 and id != 9007199254740992", true),
            ("id > 9007199254740992.0 and id < 9007199254740994.0", true),
            ("id < 9223372036854775808 and freq = 12", true),
            ("day > 2024-01-31 and day < 2024-02-01", true),
            ("day = 2024-01-31T11:30:00+01:00", true),
            // What stands in quotes is a text.
            ("day > '2024-01-31' or day = 1706697000000000", false),
            ("day between 2024-01-01 and 2024-01-31", false),
            // Of a list one value is enough.
            ("tags = animal and tags in (verb, noun)", true),
            ("tags contains oun and tags starts with ani", true),
            ("tags != noun or not tags = noun", false),
            ("years > 1950 and years < 1950 and years = 2000.0", true),
            ("years > 2000 or years contains 19", false),
            ("none exists and none != 1 and not none < 1", true),
        ] {
            assert_eq!(holds(text), is_true, "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_says_where() {
        let deep = "(".repeat(1_000);
        let nots = format!("{}a", "not ".repeat(1_000));
        let many = vec!["a"; limits::FILTER_CONDITIONS_MAX + 1].join(" and ");
        let values = vec!["1"; limits::FILTER_VALUES_MAX + 1].join(",");
        let long = format!("a = '{}'", "x".repeat(1 << 20));
        for (text, at, expected) in [
            ("", 0, "the name"),
            ("freq > ", 7, "a number"),
            ("freq > 10 & lang", 10, "or the end"),
            ("freq = a b", 9, "or the end"),
            ("freq in 1, 2", 8, "("),
            ("freq in (1, 2", 13, ")"),
            ("freq in ()", 9, "a number"),
            ("and = 1", 0, "in quotes"),
            ("freq is 3", 8, "missing"),
            ("freq not 3", 9, "in, between"),
            ("freq between 1", 14, "and"),
            ("code starts 0", 12, "with"),
            ("'freq > 1", 0, "closing"),
            ("freq ~ 1", 5, "contains"),
            (&deep, 65, "levels"),
            (&nots, 260, "levels"),
            (&many, 6_000, "conditions"),
            (&format!("a in ({values})"), 2_007, "values"),
            (&long, 0, "bytes"),
            ("day = 2024-02-30", 6, "a date of the years"),
            ("day in (2024-01-31, 2024-01-31T25:00:00Z)", 20, "a date of the years"),
        ] {
            let error = expression(text).unwrap_err();
            let start = &text[..text.len().min(30)];
            assert!(error.expected.contains(expected), "{start}: {error}");
            assert_eq!(error.at, at, "{start}: {error}");
        }
        let error = expression("lang = fr freq > 1").unwrap_err().to_string();
        assert!(error.starts_with("at byte 10, before \"freq > 1\": expected"), "{error}");
    }
}
