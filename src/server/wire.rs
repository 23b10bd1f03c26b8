//! Shared messages to plain values and back, and the collector of bad fields.

use std::collections::HashMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::SystemTime;

use crate::engine::Answer;
use crate::error::{Error, ErrorKind, Result, Violation};
use crate::index::IndexKind;
use crate::limits::{self, FILTER_WORDS_MAX};
use crate::proto as pb;
use crate::query::condition::{Comparison, Condition, Expression, Test, grammar};
use crate::query::filter::{Filter, Scan};
use crate::query::{
    AnsweredBy, Effort, Include, Included, MadeWord, Neighbor, OovPolicy, Preprocessor,
    ResolvedWord, Strategy, UsedText, Weighted, WordOptions, WordOrVector, WordsUsed,
};
use crate::server::plan;
use crate::table::attributes::{self, AttributeValue, Attributes};
use crate::table::date::NoDate;
use crate::table::meta::TableName;
use crate::vector::RowId;

/// A question that is only a table's name.
pub(super) struct Named(pub(super) TableName);

macro_rules! named {
    ($($request:ident),*) => {$(
        impl TryFrom<pb::$request> for Named {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self> {
                TableName::try_from(request.table).map(Self)
            }
        }
    )*};
}
pub(super) use named;

/// A question without fields.
pub(super) struct Nothing;

/// Now.
pub(super) fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Reads the fields of one request and collects what is wrong with them, so that the caller hears
/// of every bad field at once. A reader returns a harmless value for a bad field; `finish` sees to
/// it that nothing is done with it.
#[derive(Debug, Default)]
pub(super) struct Fields {
    violations: Vec<Violation>,
    /// Bad fields beyond those that are told.
    more: usize,
    /// Whether a list was too long: what follows is not read.
    is_over: bool,
    /// Of all texts.
    text_bytes: usize,
    /// Path of the message being read, such as `queries[3].`.
    path: String,
}

impl Fields {
    /// The value built from the fields, if all were right. `build` gives none only for a field that
    /// was found bad.
    pub(super) fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T> {
        if !self.violations.is_empty() {
            let mut violations = self.violations;
            if self.more > 0 {
                let problem = format!("and {} more fields", self.more);
                violations.push(Violation { field: "...".to_owned(), problem });
            }
            return Err(Error::new(ErrorKind::InvalidArgument { violations }));
        }
        build().ok_or_else(|| Error::new(ErrorKind::Internal))
    }

    pub(super) fn bad(&mut self, field: impl Display, problem: impl Into<String>) {
        if self.is_over {
            return;
        }
        if self.violations.len() == limits::VIOLATIONS_MAX {
            self.more += 1;
            return;
        }
        let field = format!("{}{field}", self.path);
        self.violations.push(Violation { field, problem: problem.into() });
    }

    /// Reads a message inside the message.
    pub(super) fn within<T>(&mut self, field: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.path.len();
        self.path.push_str(field);
        self.path.push('.');
        let value = read(self);
        self.path.truncate(outer);
        value
    }

    pub(super) fn table(&mut self, name: String) -> Option<TableName> {
        match TableName::try_from(name) {
            Ok(name) => Some(name),
            Err(error) => {
                self.take(&error);
                None
            }
        }
    }

    /// The name of something that is no table, of the same letters as a table's.
    pub(super) fn name_of(&mut self, what: &str, field: &str, name: String) -> Option<TableName> {
        if let Ok(name) = TableName::try_from(name) {
            return Some(name);
        }
        let problem = format!(
            "a {what}'s name has 1 to {} characters of A-Z a-z 0-9 _ - . and starts with neither a \
             dot nor a dash",
            limits::TABLE_NAME_CHARS_MAX
        );
        self.bad(field, problem);
        None
    }

    fn take(&mut self, error: &Error) {
        if let ErrorKind::InvalidArgument { violations } = error.kind() {
            for violation in violations {
                self.bad(&violation.field, violation.problem.clone());
            }
        }
    }

    /// A number that may be absent and must lie in a range.
    pub(super) fn number(
        &mut self,
        field: &str,
        value: Option<u32>,
        range: RangeInclusive<usize>,
        default: usize,
    ) -> usize {
        let Some(value) = value else { return default };
        let value = usize::try_from(value).unwrap_or(usize::MAX);
        if !range.contains(&value) {
            let problem = format!("{value} is not from {} to {}", range.start(), range.end());
            self.bad(field, problem);
        }
        value
    }

    /// A list that must have so many entries.
    pub(super) fn count(&mut self, field: &str, count: usize, range: RangeInclusive<usize>) {
        if count < *range.start() {
            self.bad(field, format!("at least {} needed, {count} given", range.start()));
        } else if count > *range.end() {
            self.bad(field, format!("at most {} allowed, {count} given", range.end()));
            self.is_over = true;
        }
    }

    /// An enum's number, as the sender's version of the protocol knows it.
    pub(super) fn choice<E: TryFrom<i32> + Default>(&mut self, field: &str, number: i32) -> E {
        E::try_from(number).unwrap_or_else(|_| {
            self.bad(field, format!("{number} is no value of this enum"));
            E::default()
        })
    }

    pub(super) fn effort(
        &mut self,
        exact: Option<bool>,
        ef_search: Option<u32>,
        min_recall: Option<f32>,
    ) -> Effort {
        if min_recall.is_some_and(|recall| !(0.0..=1.0).contains(&recall)) {
            self.bad("min_recall", "a share is a number from 0 to 1");
        }
        let ef_search =
            ef_search.map(|ef| self.number("ef_search", Some(ef), 1..=limits::EF_SEARCH_MAX, 1));
        Effort { exact: exact.unwrap_or(false), ef_search, min_recall }
    }

    pub(super) fn oov(&mut self, oov: i32) -> OovPolicy {
        match self.choice("oov", oov) {
            pb::OovPolicy::Unspecified | pb::OovPolicy::Error => OovPolicy::Error,
            pb::OovPolicy::Skip => OovPolicy::Skip,
            pb::OovPolicy::Zero => OovPolicy::Zero,
            pb::OovPolicy::Unk => OovPolicy::Unk,
            pb::OovPolicy::Subword => OovPolicy::Subword,
            pb::OovPolicy::Random => OovPolicy::Random,
            pb::OovPolicy::Tokenize => OovPolicy::Tokenize,
        }
    }

    pub(super) fn word_options(&mut self, options: Option<pb::WordOptions>) -> WordOptions {
        self.word_options_in("words", options)
    }

    /// How words are looked up that stand for one row each.
    pub(super) fn words_of_one_form(
        &mut self,
        field: &str,
        options: Option<pb::WordOptions>,
    ) -> WordOptions {
        let options = self.word_options_in(field, options);
        if options.strategy == Strategy::All {
            let problem = "a word stands for one row here: FIRST";
            self.bad(format_args!("{field}.strategy"), problem);
        }
        options
    }

    /// How the tokens of texts are looked up.
    pub(super) fn words_of_tokens(&mut self, options: Option<pb::WordOptions>) -> WordOptions {
        let options = self.words_of_one_form("words", options);
        if !options.tokenizer.is_empty() {
            self.bad("words.tokenizer", "`cutting` names the tokenizer here");
        }
        options
    }

    fn word_options_in(&mut self, field: &str, options: Option<pb::WordOptions>) -> WordOptions {
        let Some(options) = options else { return WordOptions::default() };
        self.within(field, |fields| {
            let oov = fields.oov(options.oov);
            fields.count(
                "preprocessors",
                options.preprocessors.len(),
                0..=limits::PREPROCESSORS_MAX,
            );
            let preprocessors = options
                .preprocessors
                .into_iter()
                .map(|pb::Preprocessor { lowercase, strip_accents }| Preprocessor {
                    lowercase,
                    strip_accents,
                })
                .collect();
            let strategy = match fields.choice("strategy", options.strategy) {
                pb::Strategy::Unspecified | pb::Strategy::First => Strategy::First,
                pb::Strategy::All => Strategy::All,
            };
            let (tokenizer, found_untold) = (options.tokenizer, false);
            WordOptions { oov, preprocessors, strategy, tokenizer, found_untold }
        })
    }

    pub(super) fn filter(&mut self, filter: Option<pb::Filter>) -> Option<Filter> {
        let filter = filter?;
        Some(self.within("filter", |fields| {
            fields.count("allow", filter.allow.len() + filter.deny.len(), 0..=FILTER_WORDS_MAX);
            fields.bytes("prefix", filter.prefix.len(), limits::WORD_BYTES_MAX);
            fields.bytes("regex", filter.regex.len(), limits::REGEX_BYTES_MAX);
            if filter.top == Some(0) {
                fields.bad("top", "at least 1");
            }
            if filter.rows.is_some_and(|rows| rows.end <= rows.start) {
                fields.bad("rows.end", "more than start");
            }
            let range = filter.rows.map(|rows| rows.start..rows.end);
            let rows = match (filter.top, range) {
                (None, range) => range,
                (Some(top), None) => Some(0..top),
                (Some(top), Some(range)) => Some(range.start..range.end.min(top)),
            };
            let attributes = fields.attributes(filter.r#where, &filter.matching, filter.condition);
            let scan = Scan { rows, prefix: filter.prefix, regex: filter.regex, attributes };
            Filter { scan, allow: filter.allow, deny: filter.deny }
        }))
    }

    /// A text that has at most so many bytes.
    pub(super) fn bytes(&mut self, field: &str, count: usize, max: usize) {
        if count > max {
            self.bad(field, format!("at most {max} bytes allowed, {count} given"));
        }
    }

    /// All that a filter asks of attributes.
    fn attributes(
        &mut self,
        all: Vec<pb::AttributeCondition>,
        matching: &[String],
        tree: Option<pb::Condition>,
    ) -> Expression {
        let mut parts = Vec::new();
        self.count("where", all.len(), 0..=limits::FILTER_CONDITIONS_MAX);
        self.count("matching", matching.len(), 0..=limits::FILTER_TEXTS_MAX);
        if self.is_over {
            return Expression::All(parts);
        }
        for (i, condition) in all.into_iter().enumerate() {
            let of = |fields: &mut Self| fields.condition(condition);
            parts.push(Expression::Is(self.within(&format!("where[{i}]"), of)));
        }
        for (i, text) in matching.iter().enumerate() {
            match grammar::expression(text) {
                Ok(expression) => parts.push(expression),
                Err(misread) => self.bad(format_args!("matching[{i}]"), misread.to_string()),
            }
        }
        if let Some(tree) = tree {
            parts.push(self.within("condition", |fields| fields.expression(tree, 0)));
        }
        let all = Expression::All(parts);
        let (max, got) = (limits::FILTER_CONDITIONS_MAX, all.conditions());
        if got > max {
            let problem = format!(
                "at most {max} conditions and values of lists (FILTER_CONDITIONS_MAX), not {got}"
            );
            self.bad("where", problem);
        }
        all
    }

    fn expression(&mut self, tree: pb::Condition, depth: usize) -> Expression {
        use pb::condition::Condition as Tree;
        let nothing = Expression::All(Vec::new());
        if depth > limits::FILTER_DEPTH_MAX {
            let max = limits::FILTER_DEPTH_MAX;
            self.bad("condition", format!("nested deeper than {max} levels (FILTER_DEPTH_MAX)"));
            return nothing;
        }
        let mut parts = |name: &str, conditions: pb::Conditions| -> Vec<Expression> {
            if conditions.conditions.is_empty() {
                self.bad(name, "at least one condition");
            }
            let part = |(i, tree)| {
                self.within(&format!("{name}[{i}]"), |fields| fields.expression(tree, depth + 1))
            };
            conditions.conditions.into_iter().enumerate().map(part).collect()
        };
        match tree.condition {
            Some(Tree::Attribute(condition)) => Expression::Is(self.condition(condition)),
            Some(Tree::All(conditions)) => Expression::All(parts("all", conditions)),
            Some(Tree::Any(conditions)) => Expression::Any(parts("any", conditions)),
            Some(Tree::Not(tree)) => {
                let tree = self.within("not", |fields| fields.expression(*tree, depth + 1));
                Expression::Not(Box::new(tree))
            }
            None => {
                self.bad("condition", "attribute, all, any or not");
                nothing
            }
        }
    }

    fn condition(&mut self, condition: pb::AttributeCondition) -> Condition {
        use pb::AttributeTest as Asked;
        let pb::AttributeCondition { name, test, value, values } = condition;
        let test = self.choice("test", test);
        self.check(attributes::check_name(&name, "name"));
        if test != Asked::In && !values.is_empty() {
            self.bad("values", "only IN has a list");
        }
        let compare =
            |comparison, value: Option<_>| value.map(|with| Test::Compare(comparison, with));
        let value = value.map(|value| self.compared_value("value", value));
        let has_value = value.is_some();
        let test = match test {
            Asked::Unspecified | Asked::Eq => compare(Comparison::Equal, value),
            Asked::Ne => compare(Comparison::NotEqual, value),
            Asked::Lt => compare(Comparison::Less, value),
            Asked::Le => compare(Comparison::LessOrEqual, value),
            Asked::Gt => compare(Comparison::Greater, value),
            Asked::Ge => compare(Comparison::GreaterOrEqual, value),
            Asked::Contains | Asked::StartsWith => match value {
                Some(AttributeValue::Text(text)) if test == Asked::Contains => {
                    Some(Test::Contains(text))
                }
                Some(AttributeValue::Text(text)) => Some(Test::StartsWith(text)),
                Some(_) | None => {
                    self.bad("value", "CONTAINS and STARTS_WITH need a text");
                    Some(Test::Missing)
                }
            },
            Asked::Exists | Asked::Missing | Asked::In if has_value => {
                self.bad("value", "EXISTS, MISSING and IN have none");
                Some(Test::Missing)
            }
            Asked::Exists => Some(Test::Exists),
            Asked::Missing => Some(Test::Missing),
            Asked::In => {
                self.count("values", values.len(), 1..=limits::FILTER_VALUES_MAX);
                let value = |(i, value)| self.compared_value(&format!("values[{i}]"), value);
                Some(Test::In(values.into_iter().enumerate().map(value).collect()))
            }
        };
        let test = test.unwrap_or_else(|| {
            self.bad("value", "a comparison needs a value");
            Test::Missing
        });
        Condition { name, test }
    }

    /// What the value of an attribute is compared with.
    fn compared_value(&mut self, field: &str, value: pb::AttributeValue) -> AttributeValue {
        if matches!(value.value, Some(pb::attribute_value::Value::List(_))) {
            self.bad(field, "a comparison is with one value, which one of a list must meet");
            return AttributeValue::Flag(false);
        }
        self.attribute_value(field, value)
    }

    /// The value of an attribute.
    pub(super) fn attribute_value(
        &mut self,
        field: &str,
        value: pb::AttributeValue,
    ) -> AttributeValue {
        use pb::attribute_value::Value;
        let nothing = AttributeValue::Flag(false);
        let value = match value.value {
            Some(Value::Number(number)) => AttributeValue::Number(number),
            Some(Value::Integer(number)) => AttributeValue::Integer(number),
            Some(Value::Flag(flag)) => AttributeValue::Flag(flag),
            Some(Value::Text(text)) => AttributeValue::Text(text),
            Some(Value::Date(text)) => {
                let Ok(date) = text.parse() else {
                    self.bad(field, NoDate.to_string());
                    return nothing;
                };
                AttributeValue::Date(date)
            }
            Some(Value::List(list)) => {
                let count = list.values.len();
                if count > limits::ATTRIBUTE_LIST_MAX {
                    let max = limits::ATTRIBUTE_LIST_MAX;
                    let problem =
                        format!("at most {max} values (ATTRIBUTE_LIST_MAX), {count} given");
                    self.bad(field, problem);
                    return nothing;
                }
                let mut values = Vec::with_capacity(count);
                for (i, value) in list.values.into_iter().enumerate() {
                    let field = format!("{field}.list.values[{i}]");
                    if matches!(value.value, Some(Value::List(_))) {
                        self.bad(field, "a list holds no lists");
                        return nothing;
                    }
                    values.push(self.attribute_value(&field, value));
                }
                AttributeValue::List(values)
            }
            None => {
                self.bad(field, "a text, a number, an integer, a flag, a date or a list");
                return nothing;
            }
        };
        self.check(attributes::check_value(&value, field));
        value
    }

    pub(super) fn check(&mut self, checked: std::result::Result<(), Violation>) {
        if let Err(violation) = checked {
            self.bad(violation.field, violation.problem);
        }
    }

    /// A word, row, vector or text that has no weight.
    pub(super) fn query(
        &mut self,
        field: impl Display,
        query: Option<pb::WordOrVector>,
    ) -> WordOrVector {
        let weighted = self.weighted(&field, query.unwrap_or_default());
        if (weighted.weight - 1.0).abs() > 0.0 {
            self.bad(format_args!("{field}.weight"), "weights have no meaning here");
        }
        weighted.query
    }

    /// A word, row, vector or text with its weight.
    pub(super) fn weighted(&mut self, field: impl Display, query: pb::WordOrVector) -> Weighted {
        use pb::word_or_vector::Query;
        if self.is_over {
            return Weighted { query: WordOrVector::Row(RowId(0)), weight: 1.0 };
        }
        let weight = query.weight.unwrap_or(1.0);
        if !weight.is_finite() || weight.abs() <= 0.0 {
            self.bad(format_args!("{field}.weight"), "a weight is a finite number other than 0");
        }
        let query = match query.query {
            Some(Query::Word(word)) => {
                if word.is_empty() {
                    self.bad(format_args!("{field}.word"), "a word has at least one character");
                }
                WordOrVector::Word(word)
            }
            Some(Query::Row(row)) => WordOrVector::Row(RowId(row)),
            Some(Query::Vector(vector)) => {
                let values = self.vector(format_args!("{field}.vector"), vector);
                if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
                    let problem = "a vector has the table's number of values, all finite";
                    self.bad(format_args!("{field}.vector"), problem);
                }
                WordOrVector::Vector(values)
            }
            Some(Query::Text(text)) => {
                if text.trim().is_empty() {
                    self.bad(format_args!("{field}.text"), "a text has at least one word");
                }
                self.bytes(&format!("{field}.text"), text.len(), limits::TEXT_BYTES_MAX);
                self.text_bytes = self.text_bytes.saturating_add(text.len());
                let (all, max) = (self.text_bytes, limits::TEXTS_BYTES_MAX);
                // Told of the first text that is too much.
                if all > max && all - text.len() <= max {
                    let problem = format!("all texts of a call have at most {max} bytes");
                    self.bad(format_args!("{field}.text"), problem);
                }
                WordOrVector::Text(text)
            }
            None => {
                self.bad(field, "a word, a row, a vector or a text is needed");
                WordOrVector::Row(RowId(0))
            }
        };
        Weighted { query, weight }
    }

    /// The values of a vector, packed or not.
    pub(super) fn vector(&mut self, field: impl Display, vector: pb::Vector) -> Vec<f32> {
        let pb::Vector { values, packed } = vector;
        if packed.is_empty() {
            return values;
        }
        let (floats, rest) = packed.as_chunks();
        if !values.is_empty() {
            self.bad(format_args!("{field}.packed"), "give values, or packed, not both");
        } else if !rest.is_empty() {
            self.bad(format_args!("{field}.packed"), "a value has four bytes");
        }
        floats.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    }

    pub(super) fn queries(
        &mut self,
        field: &str,
        queries: Vec<pb::WordOrVector>,
    ) -> Vec<WordOrVector> {
        let query = |(i, query)| self.query(format_args!("{field}[{i}]"), Some(query));
        queries.into_iter().enumerate().map(query).collect()
    }

    /// Words that are queries.
    pub(super) fn keys(&mut self, field: &str, keys: Vec<String>) -> Vec<WordOrVector> {
        for (i, _) in keys.iter().enumerate().filter(|(_, key)| key.is_empty()) {
            self.bad(format_args!("{field}[{i}]"), "a word has at least one character");
        }
        keys.into_iter().map(WordOrVector::Word).collect()
    }
}

impl From<Neighbor> for pb::Neighbor {
    fn from(neighbor: Neighbor) -> Self {
        let (word, word_bytes) = shown(neighbor.word);
        let Included { attributes, vector: values, norm, packed } = neighbor.included;
        Self {
            word,
            row: neighbor.row.0,
            similarity: neighbor.similarity,
            word_bytes,
            attributes: told(&attributes),
            vector: values.map(|values| vector(values, packed)),
            norm,
        }
    }
}

/// Attributes for the wire.
pub(super) fn told(attributes: &Attributes) -> HashMap<String, pb::AttributeValue> {
    attributes.iter().map(|(name, value)| (name.to_owned(), told_value(value))).collect()
}

pub(super) fn told_value(value: &AttributeValue) -> pb::AttributeValue {
    use pb::attribute_value::Value;
    let value = match value {
        AttributeValue::Text(text) => Value::Text(text.clone()),
        AttributeValue::Number(number) => Value::Number(*number),
        AttributeValue::Integer(number) => Value::Integer(*number),
        AttributeValue::Flag(flag) => Value::Flag(*flag),
        AttributeValue::Date(date) => Value::Date(date.to_string()),
        AttributeValue::List(values) => {
            Value::List(pb::AttributeList { values: values.iter().map(told_value).collect() })
        }
    };
    pb::AttributeValue { value: Some(value) }
}

/// What is asked of each row beside its word.
pub(super) fn include(include: Option<pb::Include>) -> Include {
    let pb::Include { attributes, vectors, packed, norms } = include.unwrap_or_default();
    Include { attributes, vectors, norms, packed }
}

/// A vector, packed or not.
pub(super) fn vector(values: Vec<f32>, is_packed: bool) -> pb::Vector {
    if is_packed {
        let packed = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        return pb::Vector { values: Vec::new(), packed };
    }
    pb::Vector { values, packed: Vec::new() }
}

/// A word as text, and its bytes if they are not UTF-8.
pub(super) fn shown(word: Vec<u8>) -> (String, Vec<u8>) {
    match String::from_utf8(word) {
        Ok(word) => (word, Vec::new()),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), error.into_bytes()),
    }
}

pub(super) fn neighbors(neighbors: Vec<Neighbor>) -> Vec<pb::Neighbor> {
    neighbors.into_iter().map(pb::Neighbor::from).collect()
}

/// How an answer was made. Takes the answer apart: what it says of itself stays here, the rest goes
/// on.
pub(super) fn info<A>(
    answer: &Answer<A>,
    answered_by: AnsweredBy,
    words: WordsUsed,
) -> pb::AnswerInfo {
    plan::note(answered_by, &answer.of.table);
    let by = match answered_by.kind {
        IndexKind::Exact => pb::AnsweredBy::Exact,
        IndexKind::List => pb::AnsweredBy::List,
        IndexKind::Graph => pb::AnsweredBy::Graph,
        IndexKind::Partition => pb::AnsweredBy::Partition,
    };
    pb::AnswerInfo {
        table: answer.of.table.to_string(),
        generation: answer.of.generation,
        sequence: answer.of.sequence,
        age_seconds: answer.of.age.map(|age| age.as_secs_f64()),
        answered_by: by.into(),
        ef_search: answered_by.ef_search.and_then(|ef| u32::try_from(ef).ok()),
        words: resolved_words(words.found),
        unknown_words: words.unknown,
        allowed_rows: None,
        made_words: words.made.into_iter().map(made_word).collect(),
        texts: words.texts.into_iter().map(used_text).collect(),
    }
}

fn made_word(word: MadeWord) -> pb::MadeWord {
    pb::MadeWord {
        asked: word.asked,
        made_by: policy(word.made_by).into(),
        row: word.row.map(|row| row.0),
        pieces: resolved_words(word.pieces),
        unknown_pieces: word.unknown_pieces,
    }
}

fn resolved_words(words: Vec<ResolvedWord>) -> Vec<pb::ResolvedWord> {
    let resolved = |word: ResolvedWord| pb::ResolvedWord {
        asked: word.asked,
        found: word.found,
        row: word.row.0,
    };
    words.into_iter().map(resolved).collect()
}

fn used_text(text: UsedText) -> pb::UsedText {
    pb::UsedText {
        field: text.field,
        tokenizer: text.tokenizer,
        words: resolved_words(text.words),
        unknown_words: text.unknown,
        token_count: count(text.token_count),
        used_count: count(text.used_count),
    }
}

/// A policy for the wire.
pub(super) fn policy(policy: OovPolicy) -> pb::OovPolicy {
    match policy {
        OovPolicy::Error => pb::OovPolicy::Error,
        OovPolicy::Skip => pb::OovPolicy::Skip,
        OovPolicy::Zero => pb::OovPolicy::Zero,
        OovPolicy::Unk => pb::OovPolicy::Unk,
        OovPolicy::Subword => pb::OovPolicy::Subword,
        OovPolicy::Random => pb::OovPolicy::Random,
        OovPolicy::Tokenize => pb::OovPolicy::Tokenize,
    }
}

/// A count for the wire; counts are bounded far below the type's end.
/// Seconds since 1970-01-01 UTC.
pub(super) fn time(seconds: u64) -> Option<prost_types::Timestamp> {
    let seconds = i64::try_from(seconds).ok()?;
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

pub(super) fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
