//! Options that several commands share.

use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use unicode_width::UnicodeWidthStr as _;

use crate::cli::reach::Reach;
use crate::client::{
    self, AttributeList, AttributeValue, Filter, Include, IndexKind, OovPolicy, Preprocessor,
    RowRange, Strategy, Vector, WordOptions, WordOrVector, attribute_value::Value,
    word_or_vector::Query,
};
use crate::format::Format;
use crate::query::condition::grammar::{self, Left, Misread};
use crate::table::attributes as known;
use crate::vector::Dtype;

/// Which server to ask, and how to print its answer.
#[derive(Debug, Args)]
#[command(next_help_heading = "Every command")]
pub(super) struct Asking {
    #[command(flatten)]
    pub(super) reach: Reach,
    /// Print the answer as JSON Lines, with the fields of the proto
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Give up after so many seconds [default: wait]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, global = true)]
    pub(super) timeout: Option<Duration>,
    /// Refuse to answer from an earlier generation of the table: that which a write told
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 0,
        hide_default_value = true,
        global = true
    )]
    pub(super) min_generation: u64,
    /// Refuse to answer before this write to the table: the sequence that it told
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 0,
        hide_default_value = true,
        global = true
    )]
    pub(super) min_sequence: u64,
}

impl Asking {
    /// Returns when the time is over; never if there is no limit.
    pub(super) async fn expired(&self) {
        match self.timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    }
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
    let seconds = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "a number of seconds is needed, such as 5 or 0.5".to_owned())
}

/// A number with a unit of time behind it.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let of_unit = |(unit, seconds): (&str, u64)| {
        text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(seconds)
    };
    let seconds = units.into_iter().find_map(of_unit).filter(|&seconds| seconds > 0);
    seconds.map(Duration::from_secs).ok_or_else(|| "such as 90s, 30m, 1h or 1d".to_owned())
}

/// The table a question is about.
#[derive(Debug, Args)]
pub(super) struct TableArg {
    /// Table to ask; its name may stand first instead [default: `WORDSPACE_TABLE`, or the only table]
    #[arg(long = "table", value_name = "NAME")]
    pub(super) name: String,
}

/// How words are looked up.
#[derive(Debug, Default, Args)]
pub(super) struct WordArgs {
    /// Look for a word as it is, else in lower case
    #[arg(long, global = true)]
    pub(super) lowercase: bool,
    /// Also look for a word without its accents
    #[arg(long, global = true)]
    pub(super) strip_accents: bool,
    /// Use every form of a word that the table has, and not the first one alone: a set grows by them,
    /// for a single word stands their mean
    #[arg(long, global = true)]
    pub(super) all_forms: bool,
    /// What to do with words that the table does not have: refuse the question naming all of them,
    /// leave them out, or make vectors (of zeros, of the row for unknown words, of n-grams where the
    /// import brought them, of random numbers that depend on the word alone, of the pieces that a
    /// tokenizer cuts)
    #[arg(long, global = true, value_name = "POLICY", value_enum)]
    pub(super) oov: Option<Oov>,
    /// What cuts texts, and unknown words under --oov tokenize [default: the table's tokenizer; texts:
    /// else unicode-words]
    #[arg(long, global = true, value_name = "TOKENIZER")]
    pub(super) cut_by: Option<String>,
}

/// What the words of a command may be.
pub(super) const QUERIES_HELP: &str = "\
Where a word is asked, `text:a few words` stands for the mean of the words of a text, `row:12` for the \
word of a row, `vector:0.1,-0.2,...` or `[0.1,-0.2,...]` for a vector of your own, and `word:text:` for the word `text:` \
itself.";

/// A word of the command line: `text:TEXT`, `row:NUMBER`, `vector:NUMBERS` or `[NUMBERS]`, `word:WORD`, or else a word
/// as it stands.
pub(super) fn query(word: &str) -> WordOrVector {
    let as_it_stands = || Query::Word(word.to_owned());
    let own = |numbers| {
        vector(numbers).map_or_else(as_it_stands, |values| {
            Query::Vector(Vector { values, ..Default::default() })
        })
    };
    let query = match word.split_once(':') {
        Some(("text", text)) => Query::Text(text.to_owned()),
        Some(("word", word)) => Query::Word(word.to_owned()),
        Some(("vector", numbers)) => own(numbers),
        Some(("row", row)) => row.parse().map_or_else(|_| as_it_stands(), Query::Row),
        _ if word.starts_with('[') && word.contains(',') => own(word),
        _ => as_it_stands(),
    };
    WordOrVector { query: Some(query), weight: None }
}

/// Numbers between commas or spaces, in brackets or not.
fn vector(numbers: &str) -> Option<Vec<f32>> {
    let numbers = numbers.trim().trim_start_matches('[').trim_end_matches(']');
    let split = numbers.split(|c: char| c == ',' || c.is_whitespace());
    let values: Result<Vec<_>, _> =
        split.filter(|n| !n.is_empty()).map(str::parse::<f32>).collect();
    values.ok().filter(|values| !values.is_empty())
}

/// Words of the command line.
pub(super) fn queries(words: &[String]) -> Vec<WordOrVector> {
    words.iter().map(|word| query(word)).collect()
}

/// What to do with words that the table does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Oov {
    #[default]
    Error,
    Skip,
    Zero,
    Unk,
    Subword,
    Random,
    Tokenize,
}

impl From<Oov> for OovPolicy {
    fn from(oov: Oov) -> Self {
        match oov {
            Oov::Error => Self::Error,
            Oov::Skip => Self::Skip,
            Oov::Zero => Self::Zero,
            Oov::Unk => Self::Unk,
            Oov::Subword => Self::Subword,
            Oov::Random => Self::Random,
            Oov::Tokenize => Self::Tokenize,
        }
    }
}

impl WordArgs {
    /// Whether anything is said.
    pub(super) fn is_said(&self) -> bool {
        let says_form = self.lowercase || self.strip_accents || self.all_forms;
        says_form || self.oov.is_some() || self.cut_by.is_some()
    }

    /// The same for the wire.
    pub(super) fn options(&self) -> WordOptions {
        WordOptions {
            oov: OovPolicy::from(self.oov.unwrap_or_default()).into(),
            preprocessors: forms(self.lowercase, self.strip_accents),
            strategy: if self.all_forms { Strategy::All } else { Strategy::First }.into(),
            tokenizer: self.cut_by.clone().unwrap_or_default(),
        }
    }
}

/// Which words a write is about.
#[derive(Debug, Args)]
pub(super) struct TargetArgs {
    /// Words of the table
    #[arg(value_name = "WORD", required_unless_present = "row")]
    words: Vec<String>,
    /// Rows of the table, counted from 0
    #[arg(long, value_name = "ROW", num_args = 1..)]
    row: Vec<u32>,
    /// What to do with words that the table does not have: error, or skip them
    #[arg(long, value_name = "POLICY", value_enum, default_value = "error")]
    oov: Oov,
}

impl TargetArgs {
    /// Words, then rows.
    pub(super) fn queries(&self) -> Vec<WordOrVector> {
        let words = self.words.iter().map(|word| WordOrVector::from(word.as_str()));
        let rows = self.row.iter().map(|&row| Query::Row(row));
        let rows = rows.map(|row| WordOrVector { query: Some(row), weight: None });
        words.chain(rows).collect()
    }

    /// What to do with unknown words.
    pub(super) fn oov(&self) -> OovPolicy {
        self.oov.into()
    }
}

/// `NAME = VALUE`, where a value is a flag, a number, a date, a list in brackets or a text.
pub(super) fn attribute(argument: &str) -> Result<(String, AttributeValue), String> {
    let read = || {
        let mut left = Left::new(argument);
        let name = left.name()?;
        if !left.skip("=") {
            return Err(left.expected("=, as in NAME=VALUE"));
        }
        Ok((name, wire_value(left.last_value()?)))
    };
    read().map_err(|misread| under(argument, &misread))
}

fn wire_value(value: known::AttributeValue) -> AttributeValue {
    let value = match value {
        known::AttributeValue::Text(text) => Value::Text(text),
        known::AttributeValue::Number(number) => Value::Number(number),
        known::AttributeValue::Integer(number) => Value::Integer(number),
        known::AttributeValue::Flag(flag) => Value::Flag(flag),
        known::AttributeValue::Date(date) => Value::Date(date.to_string()),
        known::AttributeValue::List(values) => {
            Value::List(AttributeList { values: values.into_iter().map(wire_value).collect() })
        }
    };
    AttributeValue { value: Some(value) }
}

/// A text as it is, or in quotes if it would be read as something else.
fn text_shown(text: &str) -> String {
    let is_text = matches!(grammar::value(text), known::AttributeValue::Text(_));
    let is_plain = is_text && !text.is_empty() && !text.starts_with(['"', '\'', '[']);
    // A code is kept as what it is, and shown so that it is told from a number.
    if is_plain && text.parse::<f64>().is_err() { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    if text.contains('"') { format!("'{text}'") } else { format!("\"{text}\"") }
}

/// The value of an attribute.
pub(super) fn value_text(value: &AttributeValue) -> String {
    match &value.value {
        Some(Value::Text(text)) => text_shown(text),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Integer(number)) => number.to_string(),
        Some(Value::Flag(flag)) => flag.to_string(),
        Some(Value::Date(date)) => date.clone(),
        Some(Value::List(list)) => {
            let values: Vec<_> = list.values.iter().map(item_text).collect();
            format!("[{}]", values.join(", "))
        }
        None => String::new(),
    }
}

/// A value of a list, which stands between commas.
fn item_text(value: &AttributeValue) -> String {
    let ends = |c: char| c.is_whitespace() || ",[]\"'".contains(c);
    match &value.value {
        Some(Value::Text(text)) if text.contains(ends) => quoted(text),
        _ => value_text(value),
    }
}

/// Attributes as `NAME=VALUE`, by name.
pub(super) fn attributes_text(
    attributes: &std::collections::HashMap<String, AttributeValue>,
) -> String {
    let mut pairs: Vec<_> =
        attributes.iter().map(|(name, value)| format!("{name}={}", value_text(value))).collect();
    pairs.sort_unstable();
    pairs.join(" ")
}

/// As it is, else in lower case; or only as it is.
pub(super) fn preprocessors(lowercase: bool) -> Vec<Preprocessor> {
    forms(lowercase, false)
}

/// As it is, else in lower case, else without accents, else both; as far as they are asked for.
fn forms(lowercase: bool, strip_accents: bool) -> Vec<Preprocessor> {
    let all = [(false, false), (true, false), (false, true), (true, true)];
    let asked = all
        .into_iter()
        .filter(|&(lower, strip)| (lowercase || !lower) && (strip_accents || !strip));
    let forms = asked.map(|(lowercase, strip_accents)| Preprocessor { lowercase, strip_accents });
    let forms: Vec<_> = forms.collect();
    // As it is, and nothing else, need not be said.
    if forms.len() > 1 { forms } else { Vec::new() }
}

/// How hard to search.
#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    /// How many neighbors
    #[arg(
        short,
        long = "k",
        visible_alias = "topn",
        aliases = ["limit", "count"],
        short_alias = 'n',
        value_name = "COUNT",
        default_value_t = 10
    )]
    pub(super) k: u32,
    /// Compare every row, even if the index is ready
    #[arg(long)]
    pub(super) exact: bool,
    /// How far the index looks: more is slower and finds more [default: the table's own]
    #[arg(long, value_name = "WIDTH", conflicts_with = "exact")]
    pub(super) ef: Option<u32>,
    /// Let the table choose the one that found this share of sample answers, such as 0.99
    #[arg(long, value_name = "SHARE", conflicts_with_all = ["exact", "ef"])]
    pub(super) min_recall: Option<f32>,
}

/// What is told of words beside themselves.
#[derive(Debug, Args)]
pub(super) struct IncludeArgs {
    /// Tell these of each word, too
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    include: Vec<Beside>,
}

/// What may be told of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Beside {
    /// Its attributes
    Attributes,
    /// The length of its vector
    Norm,
    /// Its vector, as stored
    Vector,
}

impl IncludeArgs {
    /// The same for the wire; none if nothing is asked.
    pub(super) fn include(&self) -> Option<Include> {
        let has = |what| self.include.contains(&what);
        let include = Include {
            attributes: has(Beside::Attributes),
            norms: has(Beside::Norm),
            vectors: has(Beside::Vector),
            packed: false,
        };
        (!self.include.is_empty()).then_some(include)
    }
}

/// Which words may answer.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filter")]
pub(super) struct FilterArgs {
    /// Only the COUNT most frequent words: the first rows
    #[arg(long, value_name = "COUNT")]
    top: Option<u32>,
    /// Only rows from START to before END
    #[arg(long, value_name = "START..END", value_parser = rows)]
    rows: Option<RowRange>,
    /// Only words that start with this
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Only words in which this regular expression finds something; ^\p{Han}+$ are those of a script
    #[arg(long, value_name = "REGEX")]
    regex: Option<String>,
    /// Only these words
    #[arg(long, value_name = "WORD", num_args = 1..)]
    allow: Vec<String>,
    /// Not these words
    #[arg(long, value_name = "WORD", num_args = 1..)]
    deny: Vec<String>,
    /// Only words with such attributes, such as 'freq > 5 and lang in (fr, en)': and, or, not, ( );
    /// = != < <= > >=, in, between, contains, starts with, exists, is missing; all of several
    #[arg(long = "where", value_name = "CONDITIONS", value_parser = conditions)]
    conditions: Vec<String>,
}

impl FilterArgs {
    /// The same for the wire; none if nothing is asked.
    pub(super) fn filter(&self) -> Option<Filter> {
        let filter = Filter {
            top: self.top,
            rows: self.rows,
            prefix: self.prefix.clone().unwrap_or_default(),
            regex: self.regex.clone().unwrap_or_default(),
            allow: self.allow.clone(),
            deny: self.deny.clone(),
            matching: self.conditions.clone(),
            ..Filter::default()
        };
        (filter != Filter::default()).then_some(filter)
    }
}

fn rows(text: &str) -> Result<RowRange, String> {
    let ends = text.split_once("..").and_then(|(start, end)| {
        let start = if start.is_empty() { 0 } else { start.parse().ok()? };
        Some(RowRange { start, end: if end.is_empty() { u32::MAX } else { end.parse().ok()? } })
    });
    ends.ok_or_else(|| "rows are START..END, such as 0..10000".to_owned())
}

/// Conditions as text, which the server reads again. Whatever is not understood is an error that shows where.
pub(super) fn conditions(text: &str) -> Result<String, String> {
    grammar::expression(text).map_err(|misread| under(text, &misread))?;
    Ok(text.to_owned())
}

/// The text, and under it where something else was expected.
fn under(text: &str, misread: &Misread) -> String {
    let before = &text[..misread.at];
    let start = before.char_indices().rev().nth(SHOWN).map_or(0, |(start, _)| start);
    let (dots, before) = (if start > 0 { "..." } else { "" }, &before[start..]);
    let space = " ".repeat(dots.len() + before.width());
    format!("\n  {dots}{before}{}\n  {space}^ expected {}", misread.behind, misread.expected)
}

/// Characters of a text that are shown before the place where it is wrong.
const SHOWN: usize = 40;

/// Takes the names of formats that are read.
pub(super) fn read_format() -> impl TypedValueParser<Value = Format> {
    format_parser(Format::is_read)
}

/// Takes the names of formats that are written.
pub(super) fn written_format() -> impl TypedValueParser<Value = Format> {
    format_parser(Format::is_written)
}

fn format_parser(is_offered: fn(Format) -> bool) -> impl TypedValueParser<Value = Format> {
    let offered = Format::ALL.into_iter().filter(|&format| is_offered(format));
    let values = offered.map(|format| PossibleValue::new(format.name()).help(format.about()));
    PossibleValuesParser::new(values.collect::<Vec<_>>())
        .try_map(|name| Format::from_name(&name).ok_or("no format has this name"))
}

/// A format for the wire; none to look.
pub(super) fn wire_format(format: Option<Format>) -> client::Format {
    let named = format.map(Format::contract_name);
    named.and_then(|name| client::Format::from_str_name(&name)).unwrap_or_default()
}

/// A format's name for a person.
pub(super) fn format_name(format: client::Format) -> &'static str {
    match Format::from_contract_name(format.as_str_name()) {
        Some(format) => format.title(),
        None if format == client::Format::Rows => "rows sent by a client",
        None => "unknown format",
    }
}

/// How vectors are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DtypeArg {
    /// Single precision, 4 bytes a component
    F32,
    /// Half precision, 2 bytes a component
    F16,
    /// The upper half of single precision, 2 bytes a component
    Bf16,
    /// Whole numbers with a scale a vector, a byte a component
    I8,
}

impl From<DtypeArg> for client::Dtype {
    fn from(dtype: DtypeArg) -> Self {
        match dtype {
            DtypeArg::F32 => Self::F32,
            DtypeArg::F16 => Self::F16,
            DtypeArg::Bf16 => Self::Bf16,
            DtypeArg::I8 => Self::I8,
        }
    }
}

/// The same for vectors that are kept here.
impl From<DtypeArg> for Dtype {
    fn from(dtype: DtypeArg) -> Self {
        match dtype {
            DtypeArg::F32 => Self::F32,
            DtypeArg::F16 => Self::F16,
            DtypeArg::Bf16 => Self::Bf16,
            DtypeArg::I8 => Self::I8,
        }
    }
}

/// Which index a table gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum IndexArg {
    /// Whatever is faster for the table's vectors
    Auto,
    /// An HNSW graph
    Hnsw,
    /// Leaves of rows that look alike, searched by codes of four bits
    Partition,
    /// None: every row is compared, and no memory is taken
    None,
}

impl IndexArg {
    pub(super) fn kind(self) -> IndexKind {
        match self {
            Self::Auto => IndexKind::Unspecified,
            Self::Hnsw => IndexKind::Hnsw,
            Self::Partition => IndexKind::Partition,
            Self::None => IndexKind::None,
        }
    }
}
