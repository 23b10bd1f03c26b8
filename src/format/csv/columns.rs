//! What each column is: the word, a component, a list of them, or an attribute.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::At;
use crate::format::csv::record::{Fields, list_items, record, without_end};
use crate::format::entry::HEAD_BYTES;
use crate::format::source::input::BOM;
use crate::format::{Note, shown};

/// Names of the column of words in a header, in lower case, the likelier ones first.
const WORD_NAMES: &[&[u8]] =
    &[b"word", b"token", b"text", b"key", b"term", b"name", b"label", b"index", b""];

/// The columns of a file.
pub(super) struct Columns {
    pub(super) word: usize,
    pub(super) vector: Vector,
    /// Columns whose values are attributes, with their names.
    pub(super) attributes: Vec<(usize, String)>,
    pub(super) notes: Vec<Note>,
}

/// Where the components are.
pub(super) enum Vector {
    /// A column each.
    Wide(Vec<usize>),
    /// One column with all of them in brackets.
    List(usize),
}

impl Columns {
    /// Of a file with this header, if it has one, and this first row.
    ///
    /// Components are the columns that count, as `0`, `1`, `2` or `d0`, `d1`, `d2`; if none do, those
    /// with a number in the first row.
    pub(super) fn of(header: Option<&Fields>, row: &Fields) -> Self {
        let width = header.unwrap_or(row).len();
        let mut word = header.map_or(0, word_column);
        let counted = header.map_or_else(Vec::new, |header| counted(header, word));
        let by_number = header.zip(counted.first());
        let by_number = by_number.is_some_and(|(header, &first)| header.get(first).len() == 1);
        let lists: Vec<usize> = (0..width).filter(|&column| is_list(row.get(column))).collect();
        let list = lists.iter().find(|&&column| column != word).or(lists.first());
        let list = list.filter(|&&column| !by_number && (column != word || width == 2));
        if let Some(&list) = list {
            if list == word {
                word = 1 - list;
            }
            return Self::new(word, Vector::List(list), width, header);
        }
        let Some(header) = header else {
            let all = (0..width).filter(|&column| column != word).collect();
            return Self::new(word, Vector::Wide(all), width, None);
        };
        if !counted.is_empty() {
            return Self::new(word, Vector::Wide(counted), width, Some(header));
        }
        Self::by_values(word, width, header, row)
    }

    /// Names tell nothing: components are the columns with a number in the first row.
    fn by_values(word: usize, width: usize, header: &Fields, row: &Fields) -> Self {
        let named = |&column: &usize| column != word && !header.get(column).is_empty();
        let plain = |column: &usize| is_number(row.get(*column)) && !row.is_quoted(*column);
        // Where every number is quoted, quotes tell nothing.
        let quotes_tell = (0..width).filter(named).any(|column| plain(&column));
        let is_component = |column: &usize| {
            if quotes_tell { plain(column) } else { is_number(row.get(*column)) }
        };
        let (numbers, texts): (Vec<_>, Vec<_>) = (0..width).filter(named).partition(is_component);
        let mut columns = Self::new(word, Vector::Wide(numbers), width, Some(header));
        // No name told that, but one value did.
        columns.notes.extend(texts.iter().map(|&column| Note {
            reason: "attribute_column",
            done: "its values are attributes: its first one is no number",
            at: At::Line(1),
            detail: format!("the column \"{}\"", shown(header.get(column))),
        }));
        columns
    }

    /// All other columns that have a name are attributes.
    fn new(word: usize, vector: Vector, width: usize, header: Option<&Fields>) -> Self {
        let used = |column: &usize| match &vector {
            Vector::List(list) => column == list,
            Vector::Wide(wide) => wide.contains(column),
        };
        let others: Vec<usize> =
            (0..width).filter(|column| *column != word && !used(column)).collect();
        let (mut attributes, mut notes, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
        for column in others {
            let name = header.map_or(b"".as_slice(), |header| header.get(column));
            let text = String::from_utf8_lossy(name).into_owned();
            if !text.is_empty() && names.insert(text.clone()) {
                attributes.push((column, text));
                continue;
            }
            let detail = match text.as_str() {
                "" => format!("the column {}, which has no name", column + 1),
                _ => format!("the column \"{}\", whose name comes again", shown(name)),
            };
            let at = At::Line(1);
            notes.push(Note { reason: "extra_field", done: "not kept", at, detail });
        }
        Self { word, vector, attributes, notes }
    }
}

fn is_number(field: &[u8]) -> bool {
    fast_float2::parse::<f32, _>(field.trim_ascii()).is_ok()
}

fn is_list(field: &[u8]) -> bool {
    field.starts_with(b"[") && list_items(field).next().is_some_and(is_number)
}

fn word_column(header: &Fields) -> usize {
    let lower: Vec<Vec<u8>> = header.iter().map(<[u8]>::to_ascii_lowercase).collect();
    let place = |name: &&[u8]| lower.iter().position(|field| field == name);
    WORD_NAMES.iter().find_map(place).unwrap_or(0)
}

/// The columns whose names count from 0 or 1, alone or behind the same text; the most of them if
/// there are several such. Quoted names count only if no others do.
fn counted(header: &Fields, word: usize) -> Vec<usize> {
    let counting = |quoted: bool| {
        let mut runs: BTreeMap<&[u8], (usize, Vec<usize>)> = BTreeMap::new();
        let columns = (0..header.len()).filter(|&column| column != word);
        for column in columns.filter(|&column| quoted || !header.is_quoted(column)) {
            let name = header.get(column);
            let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
            let (before, digits) = name.split_at(name.len() - digits);
            let (next, run) = runs.entry(before).or_default();
            if run.is_empty() && digits == b"1" {
                *next = 1;
            }
            if digits == next.to_string().as_bytes() {
                *next += 1;
                run.push(column);
            }
        }
        // One column such as "x1" does not count.
        let long_enough = |(before, run): &(&[u8], Vec<usize>)| before.is_empty() || run.len() > 1;
        let runs = runs.into_iter().map(|(before, (_, run))| (before, run)).filter(long_enough);
        runs.map(|(_, run)| run).max_by_key(Vec::len).unwrap_or_default()
    };
    let plain = counting(false);
    if plain.is_empty() { counting(true) } else { plain }
}

/// Whether the first record names columns: a field beside the word's is neither a number nor a
/// list, and none is a number with a fraction; or the fields count.
pub(super) fn is_header(fields: &Fields) -> bool {
    let told_by_quotes = !fields.is_quoted(0);
    let is_value = |column: usize| {
        let field = fields.get(column);
        let whole = field.iter().all(u8::is_ascii_digit);
        let quoted = told_by_quotes && fields.is_quoted(column);
        is_list(field) || (!quoted && !whole && is_number(field))
    };
    if (1..fields.len()).any(is_value) {
        return false;
    }
    let rest = || fields.iter().skip(1);
    if rest().any(|field| !is_number(field)) {
        return true;
    }
    let first = fields.get(0).to_ascii_lowercase();
    let named = !first.is_empty() && WORD_NAMES.contains(&first.as_slice());
    (fields.len() > 2 || named) && (counts(fields, 0) || (counts(fields, 1) && fields.len() > 2))
}

/// Whether the fields behind the first one are whole numbers from this one up.
fn counts(fields: &Fields, from: usize) -> bool {
    let mut numbers = from..;
    let mut rest = fields.iter().skip(1);
    rest.all(|field| numbers.next().is_some_and(|n| n.to_string().as_bytes() == field))
}

/// Whether a file begins with a header that this program or pandas would write, or with two records
/// of a word and as many numbers. Rows between tabs without a header are lines of text as well.
pub(super) fn begins(head: &[u8], delimiter: u8) -> bool {
    let head = head.strip_prefix(BOM).unwrap_or(head);
    let Some((first, _)) = record(head, delimiter) else { return false };
    let (mut top, mut below) = (Fields::default(), Fields::default());
    top.split(without_end(&head[..first]), delimiter);
    let rest = &head[first..];
    let end = record(rest, delimiter).map_or(rest.len(), |(end, _)| end);
    below.split(without_end(&rest[..end]), delimiter);
    // The look may end within the second record.
    let cut = head.len() + BOM.len() >= HEAD_BYTES && end == rest.len();
    let seen = below.len() - usize::from(cut);
    let fits = if cut { seen < top.len() } else { seen == top.len() };
    let numbers = |fields: &Fields, count: usize| {
        count > 1 && fields.iter().take(count).skip(1).all(is_number)
    };
    let named = top.len() > 1
        && WORD_NAMES.contains(&top.get(0).to_ascii_lowercase().as_slice())
        && (!numbers(&top, top.len()) || counts(&top, 0) || counts(&top, 1));
    // Some of the columns may be attributes.
    let some = || below.iter().take(seen).skip(1).any(is_number);
    let rows = named && fits && some();
    if delimiter == b'\t' {
        return rows && !top.get(0).is_empty();
    }
    let alike = fits && numbers(&top, top.len()) && numbers(&below, seen);
    let lists = || below.iter().any(is_list);
    alike || rows || (named && fits && lists())
}
