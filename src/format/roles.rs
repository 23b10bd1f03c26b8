//! `Roles`: which columns of a file hold the words, the components and attributes. One rule for every
//! format of rows and columns, and a note that tells what it took and whether that was a guess.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::error::{At, Error, Result};
use crate::format::{Note, malformed, shown};

/// Names of the column of words, in lower case, the surest first.
const WORDS: &[&str] = &["word", "token", "term", "key"];
/// Names of columns that are the words if nothing surer is there.
const MAYBE_WORDS: &[&str] = &["text", "piece", "index", "name", "label"];
/// How the index of a table of pandas is named in a file.
const INDEX: &[&str] = &["", "__index_level_0__", "unnamed: 0"];
/// Names of the column that holds whole vectors, the surest first.
const VECTORS: &[&str] =
    &["vector", "embedding", "embeddings", "vectors", "values", "vec", "features"];
/// Names of columns of numbers that are no components.
const NOT_COMPONENTS: &[&str] = &[
    "count",
    "counts",
    "freq",
    "freqs",
    "frequency",
    "rank",
    "id",
    "ids",
    "idx",
    "index",
    "row",
    "df",
    "idf",
    "zipf",
    "year",
];
/// Names of columns that a note shows.
const SHOWN: usize = 8;

/// A column, by its name and a look at its first values.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// None if the file has no names.
    pub(super) name: Option<String>,
    /// Whether the name stands in quotes, as those of attributes do that this program writes.
    pub(super) is_quoted: bool,
    pub(super) holds: Holds,
    /// The name of its type, if the file tells.
    pub(super) kind: Option<String>,
    /// Whether a value comes again in the rows that were looked at, as no word does.
    pub(super) has_equals: bool,
}

/// What most values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Texts,
    /// Numbers without a fraction.
    Whole,
    Numbers,
    /// Lists of numbers.
    Lists,
    Flags,
    /// Dates, or lists of other values than numbers: attributes and nothing else.
    Values,
    /// No value was seen.
    Nothing,
    /// What can be neither word, component nor attribute.
    Other,
}

impl Holds {
    fn is_number(self) -> bool {
        matches!(self, Self::Whole | Self::Numbers)
    }
}

/// What the columns of a file are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Roles {
    pub(super) word: usize,
    pub(super) vector: Vector,
    /// Columns whose values are attributes, with their names.
    pub(super) attributes: Vec<(usize, String)>,
    /// What was taken, and what was not.
    pub(super) notes: Vec<Note>,
}

/// Where the components are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Vector {
    /// A column each, in this order.
    Wide(Vec<usize>),
    /// One column with all of them.
    List(usize),
}

/// How a format's columns are to be taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    pub(super) format: &'static str,
    pub(super) columns: &'a [Column],
    /// Whether columns have types: words are texts then, and a column of whole numbers is a component
    /// only if its name counts or nothing else can be.
    pub(super) is_typed: bool,
    /// Where the names stand, if the file has them.
    pub(super) at: At,
    /// What else was found out by looking, in a clause; empty for nothing.
    pub(super) also: &'a str,
}

impl Table<'_> {
    /// The roles of the columns.
    ///
    /// The words are the column with the surest name, or else the nameless index of a table, or else
    /// one with a likely name, or else the first column of texts. The vector is a column of lists
    /// with a known name, or else the columns whose names count, as `0 1 2` or `d0 d1 d2`, in the
    /// order of their numbers, or else any column of lists, or else every column of numbers but those
    /// named for something else, such as `count`.
    pub(super) fn roles(self) -> Result<Roles> {
        let (word, word_is_sure) = self.word()?;
        let (vector, vector_is_sure, gap) = self.vector(word)?;
        let used = |column: usize| match &vector {
            Vector::List(list) => column == *list,
            Vector::Wide(wide) => wide.contains(&column),
        };
        let (mut attributes, mut notes, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (i, column) in self.columns.iter().enumerate() {
            if i == word || used(i) {
                continue;
            }
            let name = column.name.as_deref().unwrap_or_default();
            let because = if name.is_empty() {
                format!("the column {}, which has no name", i + 1)
            } else if column.holds == Holds::Other {
                format!("the column \"{}\"", shown(name.as_bytes()))
            } else if !names.insert(name) {
                format!("the column \"{}\", whose name comes again", shown(name.as_bytes()))
            } else {
                attributes.push((i, name.to_owned()));
                continue;
            };
            notes.push(self.note("extra_field", "not kept", because));
        }
        let mut told = format!("word: {}; ", self.shown(word));
        match &vector {
            Vector::List(list) => {
                let _ = write!(told, "vector: {}", self.shown(*list));
            }
            Vector::Wide(wide) => {
                let ends = match wide.as_slice() {
                    [only] => self.shown(*only),
                    [first, .., last] => format!("{} to {}", self.shown(*first), self.shown(*last)),
                    [] => String::new(),
                };
                let _ = write!(told, "{} components: {ends}{gap}", wide.len());
            }
        }
        if !attributes.is_empty() {
            let shown: Vec<String> =
                attributes.iter().take(SHOWN).map(|(i, _)| self.shown(*i)).collect();
            let more = if attributes.len() > SHOWN { ", ..." } else { "" };
            let _ = write!(told, "; attributes: {}{more}", shown.join(", "));
        }
        if !self.also.is_empty() {
            let _ = write!(told, "; {}", self.also);
        }
        let is_sure = word_is_sure && vector_is_sure && gap.is_empty();
        let done = if is_sure { "taken by their names" } else { "a guess: see that it is right" };
        notes.insert(0, self.note("columns", done, told));
        Ok(Roles { word, vector, attributes, notes })
    }

    fn note(&self, reason: &'static str, done: &'static str, detail: String) -> Note {
        Note { reason, done, at: self.at, detail }
    }

    fn shown(&self, column: usize) -> String {
        match self.columns.get(column).and_then(|column| column.name.as_deref()) {
            Some(name) if !name.is_empty() => format!("\"{}\"", shown(name.as_bytes())),
            Some(_) | None => format!("column {}", column + 1),
        }
    }

    fn find(&self, name: &str, fits: impl Fn(&Column) -> bool) -> Option<usize> {
        let named = |column: &Column| {
            let own = column.name.as_deref();
            own.is_some_and(|own| own.trim().eq_ignore_ascii_case(name)) && fits(column)
        };
        self.columns.iter().position(named)
    }

    /// The column of words, and whether its name tells.
    pub(super) fn word(&self) -> Result<(usize, bool)> {
        let text = |column: &Column| column.holds == Holds::Texts;
        let value =
            |column: &Column| !matches!(column.holds, Holds::Lists | Holds::Values | Holds::Other);
        let named = |names: &[&str], fits: &dyn Fn(&Column) -> bool| {
            names.iter().find_map(|name| self.find(name, fits))
        };
        if let Some(column) = named(WORDS, &text).or_else(|| named(INDEX, &text)) {
            return Ok((column, true));
        }
        let is_only = self.columns.iter().filter(|column| text(column)).count() == 1;
        let differs = |column: &Column| text(column) && !column.has_equals;
        let of_texts = |fits: &dyn Fn(&Column) -> bool| {
            if let Some(column) = named(MAYBE_WORDS, fits) {
                return Some((column, is_only));
            }
            let by_number = || if self.is_typed { None } else { named(WORDS, &value) };
            let by_number = by_number().map(|column| (column, true));
            by_number.or_else(|| Some((self.columns.iter().position(fits)?, false)))
        };
        if let Some(found) = of_texts(&differs).or_else(|| of_texts(&text)) {
            return Ok(found);
        }
        let likely = || named(INDEX, &value).or_else(|| named(MAYBE_WORDS, &value));
        match self.columns.iter().position(value) {
            Some(first) if !self.is_typed => Ok((likely().unwrap_or(first), false)),
            Some(_) | None => {
                let problem = format!("no column holds texts: the words; it has {}", self.listed());
                Err(malformed(self.format, self.at, problem))
            }
        }
    }

    /// The components, whether their names tell, and which are missing between them, in a clause.
    fn vector(&self, word: usize) -> Result<(Vector, bool, String)> {
        let list = |column: &Column| column.holds == Holds::Lists;
        let named = VECTORS.iter().find_map(|name| self.find(name, list));
        if let Some(column) = named.filter(|&column| column != word) {
            return Ok((Vector::List(column), true, String::new()));
        }
        let counted = self.counted(word);
        let lists: Vec<usize> =
            (0..self.columns.len()).filter(|&i| i != word && list(&self.columns[i])).collect();
        let has_bare = counted.as_ref().is_some_and(|counted| counted.before.is_empty());
        if let Some(&first) = lists.first().filter(|_| !has_bare) {
            return Ok((Vector::List(first), lists.len() == 1, String::new()));
        }
        if let Some(counted) = counted {
            let gap = counted.gap();
            let columns = counted.columns.into_iter().map(|(_, column)| column).collect();
            return Ok((Vector::Wide(columns), true, gap));
        }
        let empty = |column: &Column| self.is_typed && column.holds == Holds::Nothing;
        if let Some(column) = VECTORS.iter().find_map(|name| self.find(name, empty)) {
            let name = self.shown(column);
            let problem =
                format!("{name} has no value in the first rows, so its length is not known");
            return Err(malformed(self.format, self.at, problem));
        }
        let is_named = |column: &Column| column.name.as_deref() != Some("");
        let other_name = |column: &Column| {
            let name = column.name.as_deref().unwrap_or_default().trim().to_ascii_lowercase();
            NOT_COMPONENTS.contains(&name.as_str())
        };
        let by_values = |fits: &dyn Fn(Holds) -> bool| -> Vec<usize> {
            let is_component = |&i: &usize| {
                let column = &self.columns[i];
                i != word && fits(column.holds) && is_named(column) && !other_name(column)
            };
            (0..self.columns.len()).filter(is_component).collect()
        };
        let has_names = self.columns.iter().any(|column| column.name.is_some());
        let components = match (self.is_typed, has_names) {
            // Without names nothing can be an attribute.
            (false, false) => (0..self.columns.len()).filter(|&i| i != word).collect(),
            (false, true) => by_values(&Holds::is_number),
            (true, _) => {
                let floats = by_values(&|holds| holds == Holds::Numbers);
                if floats.is_empty() { by_values(&Holds::is_number) } else { floats }
            }
        };
        if components.is_empty() {
            let problem = format!("no column holds numbers: the vector; it has {}", self.listed());
            return Err(malformed(self.format, self.at, problem));
        }
        Ok((Vector::Wide(components), !has_names, String::new()))
    }

    /// The columns whose names count, the most of them if there are several such runs. Quoted names
    /// count only if no others do.
    fn counted(&self, word: usize) -> Option<Counted> {
        let counting = |quoted: bool| -> Option<Counted> {
            let mut runs: BTreeMap<&str, Vec<(u32, usize)>> = BTreeMap::new();
            for (i, column) in self.columns.iter().enumerate() {
                let holds = column.holds.is_number() || column.holds == Holds::Nothing;
                if i == word || !holds || (column.is_quoted && !quoted) {
                    continue;
                }
                let name = column.name.as_deref().unwrap_or_default();
                let before = name.trim_end_matches(|c: char| c.is_ascii_digit());
                if let Ok(number) = name[before.len()..].parse() {
                    runs.entry(before).or_default().push((number, i));
                }
            }
            let runs = runs.into_iter().filter_map(|(before, mut columns)| {
                columns.sort_unstable();
                columns.dedup_by_key(|(number, _)| *number);
                let counted = Counted { before: before.to_owned(), columns };
                counted.is_likely().then_some(counted)
            });
            // The first of those with as many.
            runs.rev().max_by_key(|counted| counted.columns.len())
        };
        counting(false).or_else(|| counting(true))
    }

    /// The columns, with what those hold that can be nothing here.
    fn listed(&self) -> String {
        let shown = |i: usize| match &self.columns[i].kind {
            Some(kind) => format!("{} ({kind})", self.shown(i)),
            None => self.shown(i),
        };
        let mut names: Vec<String> = (0..self.columns.len().min(SHOWN)).map(shown).collect();
        if self.columns.len() > SHOWN {
            names.push("...".to_owned());
        }
        names.join(", ")
    }
}

/// Columns of one name with numbers behind it.
struct Counted {
    before: String,
    /// Number and column, ascending.
    columns: Vec<(u32, usize)>,
}

impl Counted {
    /// How many numbers there are from the first to the last.
    fn span(&self) -> usize {
        match (self.columns.first(), self.columns.last()) {
            (Some((first, _)), Some((last, _))) => (last - first) as usize + 1,
            _ => 0,
        }
    }

    /// They begin with 0 or 1, and few are missing. One column such as "x1" does not count.
    fn is_likely(&self) -> bool {
        let begins = self.columns.first().is_some_and(|&(first, _)| first <= 1);
        let enough = self.before.is_empty() || self.columns.len() > 1;
        begins && enough && self.span() < 2 * self.columns.len()
    }

    /// The numbers that are missing, in a clause; empty if none is.
    fn gap(&self) -> String {
        let there: BTreeSet<u32> = self.columns.iter().map(|&(number, _)| number).collect();
        let (Some(&first), Some(&last)) = (there.first(), there.last()) else {
            return String::new();
        };
        let missing: Vec<String> = (first..=last)
            .filter(|number| !there.contains(number))
            .take(SHOWN)
            .map(|number| format!("\"{}{number}\"", shown(self.before.as_bytes())))
            .collect();
        if missing.is_empty() { String::new() } else { format!(", without {}", missing.join(", ")) }
    }
}

/// Counts what values of a column are, to say what most are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) texts: usize,
    pub(super) whole: usize,
    pub(super) numbers: usize,
    pub(super) lists: usize,
    pub(super) flags: usize,
    pub(super) values: usize,
    pub(super) others: usize,
}

impl Seen {
    pub(super) fn holds(self) -> Holds {
        let numbers = self.whole + self.numbers;
        let most = [
            (self.lists, Holds::Lists),
            (numbers, if self.numbers > 0 { Holds::Numbers } else { Holds::Whole }),
            (self.texts, Holds::Texts),
            (self.flags, Holds::Flags),
            (self.values, Holds::Values),
            (self.others, Holds::Other),
        ];
        let most = most.into_iter().rev().max_by_key(|&(count, _)| count);
        most.filter(|&(count, _)| count > 0).map_or(Holds::Nothing, |(_, holds)| holds)
    }
}

/// The number of components that most rows have; the smaller one of equally many.
pub(super) fn usual(lengths: impl Iterator<Item = usize>) -> Option<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    lengths.filter(|&length| length > 0).for_each(|length| *counts.entry(length).or_default() += 1);
    counts.into_iter().rev().max_by_key(|&(_, count)| count).map(|(length, _)| length)
}

/// The error of a file none of whose first rows can be read.
pub(super) fn no_rows(format: &'static str, at: At, first: &str) -> Error {
    malformed(format, at, format!("none of the first rows can be read: {first}"))
}
