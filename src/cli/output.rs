//! What is printed: data on stdout as tables or JSON Lines, talk on stderr.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::LazyLock;

use prost::Name;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::cli::failure::{Failure, Result};
use crate::client::{AnswerInfo, AnsweredBy, DESCRIPTORS, MadeWord, OovPolicy, UsedText};

/// Columns that one cell of a table may take; words can have 64 KiB.
const CELL_WIDTH_MAX: usize = 60;

/// Words of one kind that a footer names.
const LISTED: usize = 5;

static POOL: LazyLock<Option<DescriptorPool>> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).ok());

/// Writes what others said into a line of the log: it can neither begin a line of its own nor reach the
/// terminal.
pub(super) struct OneLine<W>(pub(super) W);

impl<W: fmt::Write> fmt::Write for OneLine<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(&shown(text))
    }
}

/// Where a command writes, and how.
pub(super) struct Output {
    data: Box<dyn Write + Send>,
    talk: Box<dyn Write + Send>,
    json: bool,
    /// Whether `talk` is a terminal that shows colors.
    color: bool,
    /// Whether `data` is one.
    data_color: bool,
}

impl Output {
    /// Data to stdout, talk to stderr.
    pub(super) fn standard(json: bool) -> Self {
        let (color, data_color) = (shows_color(&io::stderr()), shows_color(&io::stdout()));
        let (data, talk) = (Box::new(io::stdout()), Box::new(io::stderr()));
        Self { data, talk, json, color, data_color }
    }

    /// Both to stdout, as one readable text.
    pub(super) fn together() -> Self {
        let color = shows_color(&io::stdout());
        let (data, talk) = (Box::new(io::stdout()), Box::new(io::stdout()));
        Self { data, talk, json: false, color, data_color: color }
    }

    /// Prints an answer: one line of JSON, or the text that `text` makes of it.
    pub(super) fn answer<M: Name>(
        &mut self,
        message: &M,
        text: impl FnOnce(&M) -> String,
    ) -> Result<()> {
        let mut printed = if self.json { json_line(message)? } else { text(message) };
        if !printed.ends_with('\n') {
            printed.push('\n');
        }
        self.data(printed.as_bytes())
    }

    /// Bytes of data as they are.
    pub(super) fn data(&mut self, bytes: &[u8]) -> Result<()> {
        self.data
            .write_all(bytes)
            .and_then(|()| self.data.flush())
            .map_err(|error| Failure::stdout(&error))
    }

    /// Whether data may be in colors.
    pub(super) fn shows_color_in_data(&self) -> bool {
        self.data_color && !self.json
    }

    /// Whether answers are printed as JSON.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// A dim line that says how the answer above was made; nothing if answers are JSON, which says
    /// it itself.
    pub(super) fn footer(&mut self, line: &str) {
        if !self.json && !line.is_empty() {
            let line =
                if self.color { format!("\u{1b}[2m{line}\u{1b}[0m") } else { line.to_owned() };
            self.say(&line);
        }
    }

    /// A bold line of talk.
    pub(super) fn heading(&mut self, line: &str) {
        let line = if self.color { format!("\u{1b}[1m{line}\u{1b}[0m") } else { line.to_owned() };
        self.say(&line);
    }

    /// A line of talk. A failure is ignored: stderr is where it would be reported.
    pub(super) fn say(&mut self, line: &str) {
        let _ = writeln!(self.talk, "{line}").and_then(|()| self.talk.flush());
    }
}

/// Prints the one line of an error, and what may help.
pub(super) fn print_failure(failure: &Failure) {
    if let Failure::Parse(error) = failure {
        let _ = error.print();
        return;
    }
    let color = shows_color(&io::stderr());
    let (red, plain) = if color { ("\u{1b}[31m", "\u{1b}[0m") } else { ("", "") };
    let mut lines = format!("{red}error:{plain} {}\n", shown_lines(&failure.to_string()));
    for hint in failure.hints() {
        lines.push_str("hint: ");
        lines.push_str(&hint);
        lines.push('\n');
    }
    let _ = io::stderr().write_all(lines.as_bytes());
}

/// Whether a stream is a terminal whose user wants colors.
pub(super) fn shows_color(stream: &impl IsTerminal) -> bool {
    let unset = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
    stream.is_terminal()
        && unset("NO_COLOR")
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// A message as one line of JSON: fields named as in the proto, enums by their names, numbers of
/// 64 bits as numbers, default values written out.
fn json_line<M: Name>(message: &M) -> Result<String> {
    Ok(without_empty(&in_json(message, false)?))
}

/// A message as the JSON in which it may be sent, without what is default.
pub(super) fn json_sent<M: Name>(message: &M) -> Result<String> {
    in_json(message, true)
}

fn in_json<M: Name>(message: &M, skips_default: bool) -> Result<String> {
    let broken = |what: String| Failure::Local(format!("the message cannot be shown: {what}"));
    let descriptor = POOL
        .as_ref()
        .and_then(|pool| pool.get_message_by_name(&M::full_name()))
        .ok_or_else(|| broken(format!("{} is not described", M::full_name())))?;
    let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .map_err(|error| broken(error.to_string()))?;
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false)
        .skip_default_fields(skips_default);
    let mut line = serde_json::Serializer::new(Vec::new());
    message
        .serialize_with_options(&mut line, &options)
        .map_err(|error| broken(error.to_string()))?;
    String::from_utf8(line.into_inner()).map_err(|error| broken(error.to_string()))
}

/// An attribute's value that is an empty text.
const EMPTY_TEXT: &str = "\"text\":\"\"";
/// What is in one that is an empty list, and what stands before that.
const EMPTY_LIST: &str = "\"values\":[]";
const LIST: &str = "{\"list\":{";

/// JSON without the members of objects that say nothing: empty texts, lists and objects, and null.
/// Numbers and flags stay, whatever they are.
fn without_empty(json: &str) -> String {
    let mut dense = String::with_capacity(json.len());
    // Where the member begins that is being copied, in each open object.
    let (mut in_text, mut is_escaped) = (false, false);
    let mut begins: Vec<usize> = Vec::new();
    for c in json.chars() {
        if in_text {
            dense.push(c);
            in_text = is_escaped || c != '"';
            is_escaped = !is_escaped && c == '\\';
            continue;
        }
        match c {
            '{' | '[' => {
                dense.push(c);
                begins.push(if c == '{' { dense.len() } else { usize::MAX });
            }
            ',' | '}' | ']' => {
                if let Some(begin) = begins.last_mut().filter(|begin| **begin != usize::MAX) {
                    let member = &dense[*begin..];
                    // The value of an attribute is told, though it is empty.
                    let is_value = c == '}'
                        && ((member == EMPTY_TEXT && dense[..*begin].ends_with('{'))
                            || (member == EMPTY_LIST && dense[..*begin].ends_with(LIST)));
                    if !is_value
                        && ["\":\"\"", "\":[]", "\":{}", "\":null"]
                            .iter()
                            .any(|end| member.ends_with(end))
                    {
                        dense.truncate(*begin);
                        // The comma before it, if it was not the first.
                        if dense.ends_with(',') && c == '}' {
                            dense.pop();
                        }
                    }
                    if c == ',' {
                        if !dense.ends_with(['{', ',']) {
                            dense.push(',');
                        }
                        *begin = dense.len();
                        continue;
                    }
                    if dense.ends_with(',') {
                        dense.pop();
                    }
                }
                if c != ',' {
                    begins.pop();
                }
                dense.push(c);
            }
            _ => {
                in_text = c == '"';
                dense.push(c);
            }
        }
    }
    dense
}

/// How a column's cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table with aligned columns, whose words may be of any script.
#[derive(Debug)]
pub(super) struct Grid {
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// A table with these column titles.
    pub(super) fn titled(columns: &[(&str, Align)]) -> Self {
        let aligns = columns.iter().map(|(_, align)| *align).collect();
        let titles = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
        Self { aligns, rows: vec![titles] }
    }

    /// A table without titles.
    pub(super) fn plain(aligns: &[Align]) -> Self {
        Self { aligns: aligns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.cells(cells);
    }

    /// Adds a row without anything but where something odd is and what it is, in the last column: the
    /// server has clipped it.
    pub(super) fn example(&mut self, at: &str, what: &str) {
        let empty = std::iter::repeat_n(String::new(), self.aligns.len().saturating_sub(1));
        let told = format!("{} \"{}\"", shown(at), shown(what));
        self.rows.push(empty.chain([told]).collect());
    }

    /// Adds a row of as many cells as there are columns.
    pub(super) fn cells(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| clipped(&shown(&cell))).collect());
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = vec![0; self.aligns.len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, align), width) in row.iter().zip(&self.aligns).zip(&widths) {
                let space = " ".repeat(width - cell.width());
                match align {
                    Align::Left => line.extend(["  ", cell, &space]),
                    Align::Right => line.extend(["  ", &space, cell]),
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A word as it may be shown on a terminal: characters that steer the terminal, or the direction
/// of the text after them, are written as escapes.
pub(super) fn shown(word: &str) -> String {
    let steers =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !word.contains(steers) {
        return word.to_owned();
    }
    word.chars().fold(String::with_capacity(word.len()), |mut shown, c| {
        if steers(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        shown
    })
}

/// A word in quotes.
pub(super) fn quoted(word: &str) -> String {
    format!("\"{}\"", clipped(&shown(word)))
}

/// The server's text, line breaks kept.
fn shown_lines(text: &str) -> String {
    text.lines().map(shown).collect::<Vec<_>>().join("\n")
}

fn clipped(cell: &str) -> String {
    if cell.width() <= CELL_WIDTH_MAX {
        return cell.to_owned();
    }
    let mut width = 0;
    let fitting = cell.chars().take_while(|c| {
        width += c.width().unwrap_or(0);
        width + 3 <= CELL_WIDTH_MAX
    });
    fitting.chain("...".chars()).collect()
}

/// A similarity, from -1 to 1.
pub(super) fn similarity(value: f32) -> String {
    format!("{value:.4}")
}

/// A count with commas between thousands.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut shown = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A number of bytes for a person.
pub(super) fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut scaled = value as f64;
    let mut unit = "B";
    for larger in UNITS {
        if scaled < 1024.0 {
            break;
        }
        scaled /= 1024.0;
        unit = larger;
    }
    if unit == "B" { format!("{value} B") } else { format!("{scaled:.1} {unit}") }
}

/// A duration in seconds for a person.
pub(super) fn seconds(value: f64) -> String {
    match value {
        v if v < 0.01 => format!("{:.1} ms", v * 1e3),
        v if v < 10.0 => format!("{v:.2} s"),
        v if v < 120.0 => format!("{v:.0} s"),
        v => format!("{:.0} min", v / 60.0),
    }
}

/// How an answer was made, in one line.
pub(super) fn answered(answer: Option<&AnswerInfo>) -> String {
    let Some(answer) = answer else { return String::new() };
    let mut parts = Vec::new();
    match answer.answered_by() {
        AnsweredBy::Unspecified => {}
        AnsweredBy::Exact => parts.push("exact".to_owned()),
        AnsweredBy::List => parts.push("stored list, exact".to_owned()),
        AnsweredBy::Graph => parts.push(match answer.ef_search {
            Some(ef) => format!("graph, ef {ef}"),
            None => "graph".to_owned(),
        }),
        AnsweredBy::Partition => parts.push(match answer.ef_search {
            Some(ef) => format!("partition, ef {ef}"),
            None => "partition".to_owned(),
        }),
    }
    parts.push(format!("table {}, generation {}", shown(&answer.table), answer.generation));
    if let Some(allowed) = answer.allowed_rows {
        parts.push(format!("filter: {} rows", count(allowed.into())));
    }
    let changed = answer.words.iter().filter(|word| word.asked != word.found);
    let changed = changed.map(|word| format!("{} as {}", quoted(&word.asked), quoted(&word.found)));
    if let Some(changed) = listed(changed.collect()) {
        parts.push(format!("looked up {changed}"));
    }
    let unknown = answer.unknown_words.iter().map(|word| quoted(word));
    if let Some(unknown) = listed(unknown.collect()) {
        parts.push(format!("skipped {} unknown: {unknown}", answer.unknown_words.len()));
    }
    let made = answer.made_words.iter().map(|word| {
        let of = match word.made_by() {
            OovPolicy::Unspecified | OovPolicy::Error | OovPolicy::Skip => "nothing",
            OovPolicy::Zero => "zeros",
            OovPolicy::Unk => "the row for unknown words",
            OovPolicy::Subword => "sub-words",
            OovPolicy::Random => "random numbers",
            OovPolicy::Tokenize => return format!("{} of {}", quoted(&word.asked), pieces(word)),
        };
        format!("{} of {of}", quoted(&word.asked))
    });
    if let Some(made) = listed(made.collect()) {
        parts.push(format!("made {made}"));
    }
    parts.extend(answer.texts.iter().map(text_used));
    format!("  ({})", parts.join("; "))
}

/// The pieces of a word: those that have a row, and those that have not.
fn pieces(word: &MadeWord) -> String {
    let found: Vec<_> = word.pieces.iter().map(|piece| shown(&piece.found)).collect();
    let unknown = listed(word.unknown_pieces.iter().map(|piece| quoted(piece)).collect());
    let without = unknown.map_or_else(String::new, |unknown| format!(" without {unknown}"));
    format!("{}{without}", found.join(" + "))
}

/// What a text was made of.
fn text_used(text: &UsedText) -> String {
    let unknown = listed(text.unknown_words.iter().map(|word| quoted(word)).collect());
    let without = unknown.map_or_else(String::new, |unknown| format!(" without {unknown}"));
    let (used, all) = (count(text.used_count.into()), count(text.token_count.into()));
    format!("{}: {used} of {all} tokens by {}{without}", shown(&text.field), shown(&text.tokenizer))
}

/// The words that were passed over, if any.
pub(super) fn skipped(unknown: &[String]) -> String {
    let words = listed(unknown.iter().map(|word| quoted(word)).collect());
    words.map_or_else(String::new, |words| format!("; skipped {} unknown: {words}", unknown.len()))
}

/// The first few, and how many more there are; none of none.
fn listed(all: Vec<String>) -> Option<String> {
    let more = all.len().saturating_sub(LISTED);
    let shown = all.into_iter().take(LISTED).collect::<Vec<_>>().join(", ");
    match (shown.as_str(), more) {
        ("", _) => None,
        (_, 0) => Some(shown),
        (_, more) => Some(format!("{shown} and {more} more")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{GetStatusResponse, NearestResponse, Neighbor, ResolvedWord};

    #[test]
    fn json_has_proto_names_plain_numbers_and_zeros() {
        let answer = AnswerInfo {
            table: "glove".to_owned(),
            generation: 9_007_199_254_740_993,
            answered_by: AnsweredBy::Exact.into(),
            ..AnswerInfo::default()
        };
        let neighbor = Neighbor {
            word: "q\"\u{738b}".to_owned(),
            row: 0,
            similarity: 0.1,
            ..Neighbor::default()
        };
        let line = json_line(&NearestResponse {
            neighbors: vec![neighbor],
            answer: Some(answer),
            ..Default::default()
        })
        .unwrap();
        assert_eq!(
            line,
            "{\"neighbors\":[{\"word\":\"q\\\"\u{738b}\",\"row\":0,\"similarity\":0.1}],\
             \"answer\":{\"table\":\"glove\",\"generation\":9007199254740993,\
             \"answered_by\":\"ANSWERED_BY_EXACT\",\"sequence\":0}}"
        );
        let status = json_line(&GetStatusResponse::default()).unwrap();
        assert!(status.contains("\"uptime_seconds\":0.0,\"table_count\":0"), "{status}");
    }

    #[test]
    fn columns_align_by_the_width_of_the_script() {
        let mut grid = Grid::titled(&[("word", Align::Left), ("cosine", Align::Right)]);
        grid.row(["\u{56fd}\u{738b}".to_owned(), similarity(0.5)]);
        grid.row(["king".to_owned(), similarity(-0.25)]);
        grid.row(["a\u{1b}[2Jb".to_owned(), similarity(1.0)]);
        assert_eq!(
            grid.to_string(),
            "  word          cosine\n  \u{56fd}\u{738b}          0.5000\n  king         \
             -0.2500\n  a\\u{1b}[2Jb   1.0000\n"
        );
        grid.row(["x".repeat(100), String::new()]);
        assert!(grid.to_string().lines().all(|line| line.width() < 80));
    }

    #[test]
    fn an_answer_says_how_it_was_made() {
        let found = |asked: &str, found: &str| ResolvedWord {
            asked: asked.to_owned(),
            found: found.to_owned(),
            row: 0,
        };
        let answer = AnswerInfo {
            table: "glove".to_owned(),
            generation: 2,
            sequence: 0,
            answered_by: AnsweredBy::Graph.into(),
            ef_search: Some(64),
            words: vec![found("King", "king"), found("man", "man")],
            unknown_words: vec!["qeen".to_owned()],
            ..AnswerInfo::default()
        };
        assert_eq!(
            answered(Some(&answer)),
            "  (graph, ef 64; table glove, generation 2; looked up \"King\" as \"king\"; \
             skipped 1 unknown: \"qeen\")"
        );
        assert_eq!(answered(None), "");
        let seven = (1..=7).map(|i| i.to_string()).collect();
        assert_eq!(listed(seven).unwrap(), "1, 2, 3, 4, 5 and 2 more");
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!(
            (count(0), count(999), count(1_234_567)),
            ("0".to_owned(), "999".to_owned(), "1,234,567".to_owned())
        );
        assert_eq!((bytes(1023), bytes(1536)), ("1023 B".to_owned(), "1.5 KiB".to_owned()));
        assert_eq!((seconds(0.0012), seconds(3.0)), ("1.2 ms".to_owned(), "3.00 s".to_owned()));
    }

    #[test]
    fn json_leaves_out_what_says_nothing() {
        let json = r#"{"a":"","b":0,"c":[],"d":{"e":"","f":null},"g":["",{}],"h":"x\\\"\":\"\"","i":false,"j":""}"#;
        let dense = r#"{"b":0,"g":["",{}],"h":"x\\\"\":\"\"","i":false}"#;
        assert_eq!(without_empty(json), dense);
        assert_eq!(without_empty(r#"{"a":"","b":[]}"#), "{}");
        let attributes = r#"{"attributes":{"pos":{"text":""},"n":{"number":0.0},"i":{"integer":0},"all":{"list":{"values":[]}}}}"#;
        assert_eq!(without_empty(attributes), attributes);
        assert_eq!(without_empty(r#"{"text":"","n":1}"#), r#"{"n":1}"#);
    }
}
