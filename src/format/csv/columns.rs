//! What a file of records looks like: its delimiter, its decimals, its header, and what each column is.

use std::collections::HashSet;

use crate::error::{At, Result};
use crate::format::csv::record::{Fields, list_items, without_end};
use crate::format::entry::HEAD_BYTES;
use crate::format::literal::Literal;
use crate::format::roles::{Column, Roles, Seen, Table, usual};
use crate::format::source::input::BOM;
use crate::text::foreign::without_marks;

/// Names of the column of words in a header, in lower case; it is the first one nearly always.
const WORD_NAMES: &[&[u8]] = &[
    b"word",
    b"token",
    b"text",
    b"key",
    b"term",
    b"piece",
    b"name",
    b"label",
    b"index",
    b"",
    b"unnamed: 0",
    b"__index_level_0__",
];

/// How fields and numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    /// Whether decimals are written with a comma.
    pub(super) has_commas: bool,
}

impl Dialect {
    /// The number that a field is.
    pub(super) fn number(self, field: &[u8]) -> Option<f32> {
        let field = field.trim_ascii();
        if self.has_commas && field.contains(&b',') {
            let points: Vec<u8> =
                field.iter().map(|&byte| if byte == b',' { b'.' } else { byte }).collect();
            return fast_float2::parse(&points).ok();
        }
        fast_float2::parse(field).ok()
    }

    fn is_number(self, field: &[u8]) -> bool {
        self.number(field).is_some()
    }

    /// How many numbers a field is, or has as a list.
    fn numbers(self, field: &[u8]) -> usize {
        if field.starts_with(b"[") {
            let points = Self { has_commas: false, ..self };
            return list_items(field).filter(|item| points.is_number(item)).count();
        }
        usize::from(self.is_number(field))
    }

    fn is_list(self, field: &[u8]) -> bool {
        field.starts_with(b"[") && list_items(field).next().is_some_and(|item| self.is_number(item))
    }

    /// Whether a line is a row as it stands, with so many fields, of which as many as elsewhere are
    /// numbers.
    pub(super) fn is_row(self, line: &[u8], width: usize, numbers: usize) -> bool {
        let mut fields = line.split(|&byte| byte == self.delimiter);
        let (mut seen, mut found) = (0, 0);
        fields.all(|field| {
            seen += 1;
            found += usize::from(self.is_number(field));
            seen <= width
        }) && seen == width
            && found >= numbers.max(1)
    }
}

/// What may stand between fields where a format's own does not.
pub(super) const OTHERS: &[u8] = b";|\t,";
/// The same in a file whose name does not tell its format.
const UNNAMED: &[u8] = b";|";

/// The delimiter and the decimals of records, by their first lines: the delimiter of the caller or of
/// the format; or another one that all lines have, if the first has not the format's own, or if more
/// fields are numbers with the other.
pub(super) fn dialect(
    head: &[u8],
    delimiter: Option<u8>,
    (of_format, others): (u8, &[u8]),
    decimal: Option<u8>,
) -> Dialect {
    // The last line may be cut, unless it is the only one.
    let whole = memchr::memrchr(b'\n', head).map_or(head, |end| &head[..end]);
    let lines = || whole.split(|&byte| byte == b'\n').take(8).filter(|line| !line.is_empty());
    let delimiter = delimiter.unwrap_or_else(|| {
        // The fewest fields of a line, the most, and how many numbers there are.
        let seen = |delimiter: u8| {
            let dialect = Dialect { delimiter, has_commas: delimiter != b',' };
            let (mut least, mut most, mut numbers) = (usize::MAX, 0, 0);
            let mut fields = Fields::default();
            for line in lines() {
                fields.split(without_end(line), delimiter);
                (least, most) = (least.min(fields.len()), most.max(fields.len()));
                numbers += fields.iter().map(|field| dialect.numbers(field)).sum::<usize>();
            }
            (least, most, numbers)
        };
        let first = lines().next().unwrap_or_default();
        let has_own = first.contains(&of_format);
        let (_, _, numbers) = seen(of_format);
        let is_better = |&other: &u8| {
            let (least, most, others) = seen(other);
            let has_other = other != of_format && least > 1 && least < usize::MAX;
            has_other && (!has_own || (least == most && others > numbers))
        };
        others.iter().copied().find(is_better).unwrap_or(of_format)
    });
    let points = Dialect { delimiter, has_commas: false };
    let commas = Dialect { delimiter, has_commas: true };
    let decimals = |dialect: Dialect| {
        let fields = lines().flat_map(|line| line.split(|&byte| byte == delimiter));
        fields.filter(|field| dialect.is_number(field)).count()
    };
    let has_commas = decimal.map_or_else(
        || delimiter != b',' && decimals(commas) > decimals(points),
        |decimal| decimal == b',',
    );
    Dialect { delimiter, has_commas }
}

/// A file's first records, and what they say of the others.
pub(super) struct Look {
    pub(super) has_header: bool,
    pub(super) roles: Roles,
    /// Components of a vector in a list, as most rows have them.
    pub(super) list_dim: Option<usize>,
    /// Columns whose values are texts though they read as numbers.
    pub(super) codes: Vec<bool>,
}

/// What the first records are.
pub(super) struct Sample<'a> {
    pub(super) dialect: Dialect,
    pub(super) records: &'a [Fields],
    /// Whether the first one names columns, if the caller says.
    pub(super) header: Option<bool>,
    pub(super) format: &'static str,
}

impl Sample<'_> {
    pub(super) fn look(&self) -> Result<Look> {
        let width = self.records.first().map_or(0, Fields::len);
        let has_header = self.header.unwrap_or_else(|| self.is_header());
        let rows = &self.records[usize::from(has_header)..];
        let rows: Vec<&Fields> = rows.iter().filter(|row| row.len() == width).collect();
        let mut codes = Vec::with_capacity(width);
        let columns: Vec<Column> = (0..width)
            .map(|i| {
                let (seen, has_codes) = self.seen(&rows, i);
                codes.push(has_codes);
                let top = self.records.first().filter(|_| has_header);
                Column {
                    name: top.map(|top| String::from_utf8_lossy(top.get(i)).into_owned()),
                    is_quoted: top.is_some_and(|top| top.is_quoted(i)),
                    holds: seen.holds(),
                    kind: None,
                    has_equals: has_equals(&rows, i),
                }
            })
            .collect();
        let also = self.also(has_header);
        let (format, at) = (self.format, At::Line(1));
        let table = Table { format, columns: &columns, is_typed: false, at, also: &also };
        let roles = table.roles()?;
        let list_dim = match &roles.vector {
            crate::format::roles::Vector::List(list) => {
                usual(rows.iter().map(|row| list_items(row.get(*list)).count()))
            }
            crate::format::roles::Vector::Wide(_) => None,
        };
        Ok(Look { has_header, roles, list_dim, codes })
    }

    fn also(&self, has_header: bool) -> String {
        let header = if has_header { "line 1 names the columns" } else { "no line names columns" };
        let mut also = header.to_owned();
        if !matches!(self.dialect.delimiter, b',' | b'\t') {
            let delimiter = char::from(self.dialect.delimiter).to_string();
            also.extend(["; fields between \"", delimiter.as_str(), "\""]);
        }
        if self.dialect.has_commas {
            also += "; decimals with a comma";
        }
        also
    }

    /// What values a column has in these rows, and whether numbers of it are codes.
    fn seen(&self, rows: &[&Fields], column: usize) -> (Seen, bool) {
        // Where every number is quoted, quotes tell nothing.
        let plain = |row: &&&Fields| {
            let mut others = (0..row.len()).filter(|&other| other != column);
            others.any(|other| !row.is_quoted(other) && self.dialect.is_number(row.get(other)))
        };
        let mut seen = Seen::default();
        let mut has_codes = false;
        for row in rows {
            let field = row.get(column);
            let is_text = row.is_quoted(column) && plain(&row);
            if field.is_empty() {
                continue;
            }
            if self.dialect.is_list(field) {
                seen.lists += 1;
            } else if !is_text && self.dialect.is_number(field) {
                has_codes |= Literal::of(field) == Some(Literal::Code);
                let is_whole = field.iter().all(u8::is_ascii_digit);
                if is_whole { seen.whole += 1 } else { seen.numbers += 1 }
            } else {
                seen.texts += 1;
            }
        }
        (seen, has_codes)
    }

    /// Whether the first record names columns: one that holds numbers or lists below has neither at
    /// its top, or the names are whole numbers that count and the rows are not.
    fn is_header(&self) -> bool {
        let Some((top, below)) = self.records.split_first() else { return false };
        let below: Vec<&Fields> = below.iter().filter(|row| row.len() == top.len()).collect();
        let told_by_quotes = !top.is_quoted(0);
        let is_value = |i: usize| {
            let field = top.get(i);
            let whole = field.iter().all(u8::is_ascii_digit);
            let quoted = told_by_quotes && top.is_quoted(i);
            self.dialect.is_list(field) || (!quoted && !whole && self.dialect.is_number(field))
        };
        if (1..top.len()).any(is_value) {
            return false;
        }
        let first = top.get(0).to_ascii_lowercase();
        let is_named = WORD_NAMES.contains(&first.as_slice());
        let holds: Vec<Seen> = (0..top.len()).map(|i| self.seen(&below, i).0).collect();
        let is_value_below = |i: usize| holds[i].lists + holds[i].whole + holds[i].numbers > 0;
        let is_name = |i: usize| !top.get(i).is_empty() && !self.dialect.is_number(top.get(i));
        if (1..top.len()).any(|i| is_name(i) && is_value_below(i))
            || (is_named && (1..top.len()).any(is_name))
        {
            return true;
        }
        if (1..top.len()).any(is_name) && below.is_empty() {
            return true;
        }
        let has_fractions = holds.iter().skip(1).any(|seen| seen.numbers > 0);
        (is_named && (top.len() > 2 || !first.is_empty()) && counts(top))
            || (has_fractions && (counts_up(top, 0) || (counts_up(top, 1) && top.len() > 2)))
    }
}

/// Whether a value of a column comes again.
fn has_equals(rows: &[&Fields], column: usize) -> bool {
    let mut seen = HashSet::new();
    let mut values = rows.iter().map(|row| row.get(column)).filter(|field| !field.is_empty());
    values.any(|value| !seen.insert(value))
}

/// The whole numbers behind the first field.
fn whole_numbers(fields: &Fields) -> impl Iterator<Item = u64> {
    let whole = |field: &[u8]| {
        let digits =
            std::str::from_utf8(field).ok().filter(|_| field.iter().all(u8::is_ascii_digit));
        digits.and_then(|digits| digits.parse().ok())
    };
    fields.iter().skip(1).filter_map(whole)
}

/// Whether the whole numbers behind the first field count from this one up, and there are some.
fn counts_up(fields: &Fields, from: u64) -> bool {
    whole_numbers(fields).next().is_some() && whole_numbers(fields).zip(from..).all(|(a, b)| a == b)
}

/// Whether the whole numbers behind the first field are those of components in any order, such as that
/// of texts: all differ, the least is 0 or 1, and few are missing.
fn counts(fields: &Fields) -> bool {
    let mut numbers: Vec<u64> = whole_numbers(fields).collect();
    let count = numbers.len() as u64;
    numbers.sort_unstable();
    numbers.dedup();
    let (Some(&first), Some(&last)) = (numbers.first(), numbers.last()) else { return false };
    let begins = first == 0 || (first == 1 && fields.len() > 2);
    begins && numbers.len() as u64 == count && last - first < 2 * count
}

/// Whether a file begins with a header that this program or pandas would write, or with two records
/// of a word and as many numbers. Rows between tabs without a header are lines of text as well.
pub(super) fn begins(head: &[u8], of_format: u8) -> bool {
    let head = without_marks(head);
    let is_all = head.len() + BOM.len() < HEAD_BYTES;
    let told = told_delimiter(head);
    let head = told.map_or(head, |(_, length)| &head[length..]);
    let others = if of_format == b',' { UNNAMED } else { &[] };
    let delimiter = told.map(|(delimiter, _)| delimiter);
    if delimiter.is_some() && of_format != b',' {
        return false;
    }
    let dialect = dialect(head, delimiter, (of_format, others), None);
    let delimiter = dialect.delimiter;
    // Where a line has as many fields as the header, a quote that is open at its end is a character.
    let next = |from: usize, width: Option<usize>| {
        let count = |line: &[u8]| line.split(|&byte| byte == delimiter).count();
        let is_row = |line: &[u8]| width.is_none_or(|width| count(line) == width);
        super::record::record(&head[from..], delimiter, is_row, is_all).map(|(end, _)| end)
    };
    let Some(first) = next(0, None) else { return false };
    let (mut top, mut below) = (Fields::default(), Fields::default());
    top.split(without_end(&head[..first]), dialect.delimiter);
    let rest = &head[first..];
    let end = next(first, Some(top.len())).unwrap_or(rest.len());
    below.split(without_end(&rest[..end]), dialect.delimiter);
    // The look may end within the second record.
    let cut = !is_all && end == rest.len();
    let seen = below.len() - usize::from(cut);
    let fits = if cut { seen < top.len() } else { seen == top.len() };
    let number = |field: &[u8]| dialect.is_number(field);
    let numbers =
        |fields: &Fields, count: usize| count > 1 && fields.iter().take(count).skip(1).all(number);
    let is_known = WORD_NAMES.contains(&top.get(0).to_ascii_lowercase().as_slice());
    let named = top.len() > 1 && is_known && (!numbers(&top, top.len()) || counts(&top));
    // Some of the columns may be attributes, and some of the fields missing.
    let some = || below.iter().take(seen).skip(1).any(|field| number(field) || field.is_empty());
    let rows = named && fits && some();
    if of_format == b'\t' {
        return rows && !top.get(0).is_empty();
    }
    // A word and a tab before numbers between commas is a line of text.
    let has_tab = |fields: &Fields| tabbed_number(fields.get(0));
    if of_format == b',' && has_tab(&top) && has_tab(&below) {
        return false;
    }
    let alike = fits && numbers(&top, top.len()) && numbers(&below, seen);
    let lists = || below.iter().any(|field| dialect.is_list(field) || field == b"nan");
    // Names above numbers, between semicolons.
    let above = || top.len() > 1 && fits && !numbers(&top, top.len()) && numbers(&below, seen);
    alike || rows || (named && fits && lists()) || (dialect.delimiter != of_format && above())
}

/// The delimiter that the first line of a spreadsheet tells, `sep=;`, and that line's length.
pub(super) fn told_delimiter(head: &[u8]) -> Option<(u8, usize)> {
    let (&delimiter, rest) = head.strip_prefix(b"sep=")?.split_first()?;
    let end = rest.strip_prefix(b"\r").unwrap_or(rest).strip_prefix(b"\n")?;
    Some((delimiter, head.len() - end.len()))
}

/// Whether a field is a word, a tab and a number: not the first of fields between commas.
pub(super) fn tabbed_number(field: &[u8]) -> bool {
    let tab = field.iter().rposition(|&byte| byte == b'\t').filter(|&tab| tab > 0);
    tab.is_some_and(|tab| fast_float2::parse::<f32, _>(&field[tab + 1..]).is_ok())
}
