//! Texts as rows: a new table whose words are texts, or their ids, with the vectors that another
//! table's words give them. It comes about as an import does.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memchr;
use serde_json::Value;

use crate::engine::import::{
    IfExists, ImportOptions, ImportProgress, ImportReport, Made, Source, TokenizerPolicy,
};
use crate::engine::{Ask, Current, Engine, Stop};
use crate::error::{At, Error, ErrorKind, Result};
use crate::format::intake::Policies;
use crate::format::{Fault, Reason, Row, RowReader, Step, json_attribute};
use crate::limits;
use crate::query::embed::{EmbedQuery, Embedder, Pooling, refuse_unknown};
use crate::query::frequency::{FrequenciesUsed, Weighing};
use crate::table::attributes::{AttributeValue, Attributes};
use crate::table::meta::{Residence, TableName};
use crate::text::tokenizer::Tokenizer;
use crate::text::without_bom;

/// Texts to be made rows.
#[derive(Clone, Debug)]
pub struct TextsJob {
    /// The new table.
    pub target: TableName,
    /// For a table that is there already.
    pub if_exists: IfExists,
    /// A name for the texts, kept as provenance.
    pub source_name: String,
    /// Seconds since 1970-01-01 UTC, kept as provenance.
    pub imported_at: u64,
    /// For odd rows.
    pub policies: Policies,
    /// Stop after so many lines.
    pub limit: Option<u64>,
    /// What a line is.
    pub layout: Layout,
    /// How texts become vectors; it has no texts.
    pub query: EmbedQuery,
}

/// What a line of texts is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A text, which is its own word.
    Lines,
    /// An id, a tab, and a text.
    Ids,
    /// A JSON object with `text`, maybe `id`, and attributes.
    JsonLines,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct TextsReport {
    /// What became of every line.
    pub import: ImportReport,
    /// The tokenizer that cut.
    pub tokenizer: String,
    /// The generation of the table whose words were taken.
    pub generation: u64,
    /// What words were weighed by.
    pub frequencies: Option<FrequenciesUsed>,
}

/// Gives the next bytes of the texts; none at the end.
pub type Parts = Box<dyn FnMut() -> Result<Option<Vec<u8>>> + Send>;

/// The attribute that holds the text of a row whose word is an id.
const TEXT: &str = "text";
/// Texts that become vectors between two looks at whether to go on.
const TEXTS_AT_ONCE: usize = 64;
/// Bytes of a line: a text, and an id or what JSON writes around and inside of it.
const LINE_MAX: usize = 2 * limits::TEXT_BYTES_MAX;

impl Engine {
    /// Makes a table of texts, whose lines `parts` give in parts that may end anywhere. If anything
    /// fails, or the caller leaves, nothing changes.
    ///
    /// # Errors
    ///
    /// As [`Engine::import`]; if there is no such table or tokenizer, or the target is the table itself;
    /// under [`OovPolicy::Error`](crate::query::OovPolicy::Error), `UnknownWords` of the first text
    /// that has any.
    pub fn import_texts(
        &self,
        ask: &Ask<TextsJob>,
        parts: Parts,
        on_progress: &mut dyn FnMut(ImportProgress),
    ) -> Result<TextsReport> {
        let job = &ask.query;
        if job.target == ask.table {
            return Err(Error::invalid("target", "a new table: the old one stays as it is"));
        }
        let current = self.current(&ask.table)?;
        let cutting = &job.query.cutting;
        let (name, tokenizer) = self.tokenizer(&cutting.tokenizer, Some(&current.name()))?;
        let weighing = self.weighing(&current, &job.query)?;
        let frequencies = crate::engine::text::told(&job.query, &weighing);
        let generation = current.generation().number();
        let options = ImportOptions {
            table: job.target.clone(),
            source_name: job.source_name.clone(),
            policies: job.policies.clone(),
            if_exists: job.if_exists,
            limit: job.limit,
            total_bytes: None,
            imported_at: job.imported_at,
            counts: None,
            license: current.generation().meta().provenance.license,
            told: told(&ask.table, generation, &name, &job.query),
            dry_run: false,
            index: current.generation().index_choice(),
            dtype: None,
            residence: Residence::Memory,
            tokenizer: TokenizerPolicy::Leave,
        };
        let bytes = Arc::default();
        let lines = Lines::new(parts, Arc::clone(&bytes));
        let (query, stop) = (job.query.clone(), self.stop.clone());
        let ready = VecDeque::with_capacity(TEXTS_AT_ONCE);
        let layout = job.layout;
        let reader = Texts { lines, layout, current, tokenizer, query, weighing, stop, ready };
        let made = Made {
            name: "texts",
            reader: Box::new(reader),
            bytes,
            sha256: String::new(),
            subwords: None,
            first: None,
        };
        let import = self.import(&options, Source::Made(made), on_progress)?;
        Ok(TextsReport { import, tokenizer: name, generation, frequencies })
    }
}

/// How the vectors came about, kept as provenance.
fn told(table: &TableName, generation: u64, tokenizer: &str, query: &EmbedQuery) -> String {
    let options = &query.options;
    let pooling = match options.pooling {
        Pooling::Mean => "mean",
        Pooling::Sif { .. } => "sif",
        Pooling::Tfidf => "tfidf",
        Pooling::Surprise => "surprise",
        Pooling::Max => "max",
        Pooling::Min => "min",
        Pooling::Sum => "sum",
        Pooling::Last => "last",
        Pooling::Tokens => "tokens",
    };
    let mut told = format!(
        "vectors of table {table}, generation {generation}; tokenizer={tokenizer} pooling={pooling}"
    );
    // Writing to a string does not fail; likewise below.
    if options.pooling == Pooling::Surprise {
        let _ = write!(told, " model={}", options.model);
    }
    if let Pooling::Sif { a, keep_common } = options.pooling {
        let _ = write!(told, " sif_a={a} keep_common={keep_common}");
    }
    let _ = write!(told, " pre_normalize={}", options.pre_normalize);
    for (name, is_set) in [
        ("post_normalize", options.post_normalize),
        ("lowercase", query.words.preprocessors.iter().any(|one| one.lowercase)),
        ("strip_accents", query.words.preprocessors.iter().any(|one| one.strip_accents)),
        ("given_counts", !options.counts.words.is_empty()),
        ("given_weights", !options.weights.is_empty()),
        ("by_chance", query.cutting.options.chance.is_some()),
    ] {
        if is_set {
            told += " ";
            told += name;
        }
    }
    if let Some(tokens) = options.chunk_tokens {
        let _ = write!(told, " chunk_tokens={tokens}");
    }
    told
}

/// Reads lines and makes their texts rows.
struct Texts {
    lines: Lines,
    layout: Layout,
    current: Arc<Current>,
    tokenizer: Tokenizer,
    query: EmbedQuery,
    weighing: Weighing,
    stop: Stop,
    /// Rows that were made ahead.
    ready: VecDeque<Ready>,
}

enum Ready {
    Row(Row),
    Fault(Fault),
}

/// A line, read.
struct Entry {
    /// None if the text is its own word.
    id: Option<String>,
    text: String,
    attributes: Attributes,
}

impl RowReader for Texts {
    fn dim(&self) -> usize {
        self.current.view().dim()
    }

    fn claimed_rows(&self) -> Option<u64> {
        None
    }

    fn read(&mut self, row: &mut Row) -> Result<Step> {
        if self.ready.is_empty() {
            self.stop.check()?;
            self.fill()?;
        }
        match self.ready.pop_front() {
            None => Ok(Step::End),
            Some(Ready::Fault(fault)) => Ok(Step::Fault(fault)),
            Some(Ready::Row(ready)) => {
                *row = ready;
                Ok(Step::Row)
            }
        }
    }
}

impl Texts {
    fn fill(&mut self) -> Result<()> {
        let (weighing, stop) = (self.weighing.clone(), self.stop.clone());
        let go_on = || stop.check();
        let view = self.current.view();
        let embedder = Embedder::new(view, &self.tokenizer, &self.query, weighing, &go_on)?;
        while self.ready.len() < TEXTS_AT_ONCE {
            let Some(fits) = self.lines.read()? else { break };
            let number = self.lines.number;
            let row = if fits {
                entry(self.layout, &self.lines.line)
                    .and_then(|entry| made(&embedder, number, entry))
            } else {
                Err(unreadable(&self.lines.line, format!("the line is over {LINE_MAX} bytes")))
            };
            self.ready.push_back(match row {
                Ok(row) => Ready::Row(row),
                Err(Odd::Failed(error)) => {
                    return Err(error.context(format!("line {number}")));
                }
                Err(Odd::Fault(reason, word, detail)) => {
                    Ready::Fault(Fault { reason, at: At::Line(number), word, detail })
                }
            });
        }
        Ok(())
    }
}

/// Why a line is no row.
enum Odd {
    /// The reason, something to know it by, and what is wrong.
    Fault(Reason, String, String),
    Failed(Error),
}

/// Characters of a line that stand in a report.
const CHARS_SHOWN: usize = 64;

fn unreadable(line: &[u8], detail: String) -> Odd {
    let line = &line[..line.len().min(4 * CHARS_SHOWN)];
    let word = String::from_utf8_lossy(line).chars().take(CHARS_SHOWN).collect();
    Odd::Fault(Reason::UnreadableRow, word, detail)
}

fn entry(layout: Layout, line: &[u8]) -> Result<Entry, Odd> {
    let text = str::from_utf8(line).map_err(|error| {
        unreadable(line, format!("not valid UTF-8 at byte {}", error.valid_up_to()))
    })?;
    let plain = |id: Option<&str>, text: &str| {
        let mut attributes = Attributes::new();
        if id.is_some() {
            attributes.set(TEXT.to_owned(), AttributeValue::Text(text.to_owned()));
        }
        Entry { id: id.map(str::to_owned), text: text.to_owned(), attributes }
    };
    if text.is_empty() {
        return Err(Odd::Fault(Reason::EmptyText, String::new(), "the line is empty".to_owned()));
    }
    match layout {
        Layout::Lines => Ok(plain(None, text)),
        Layout::Ids => match text.split_once('\t') {
            Some((id, text)) => Ok(plain(Some(id), text)),
            None => Err(unreadable(line, "no tab stands between an id and a text".to_owned())),
        },
        Layout::JsonLines => json(text).map_err(|detail| unreadable(line, detail)),
    }
}

fn json(line: &str) -> Result<Entry, String> {
    let fields: serde_json::Map<String, Value> =
        serde_json::from_str(line).map_err(|error| format!("not a JSON object: {error}"))?;
    let (mut id, mut text, mut attributes) = (None, None, Attributes::new());
    for (name, value) in fields {
        match (name.as_str(), value) {
            (TEXT, Value::String(value)) => text = Some(value),
            (TEXT, _) => return Err("text is no string".to_owned()),
            ("id", Value::String(value)) => id = Some(value),
            ("id", Value::Number(value)) => id = Some(value.to_string()),
            ("id", _) => return Err("id is neither a string nor a number".to_owned()),
            (_, Value::Null) => {}
            (_, value) => {
                let value = match json_attribute(&value.to_string()) {
                    Some((value, false)) => value,
                    Some((_, true)) => {
                        return Err(format!("{name:?} has a whole number beyond 64 bits"));
                    }
                    None => {
                        return Err(format!(
                            "the attribute {name:?} is an object that is no date, or a list of such \
                             or of lists"
                        ));
                    }
                };
                attributes.set(name, value);
            }
        }
    }
    let text = text.ok_or("it has no text")?;
    if id.is_some() {
        attributes.set(TEXT.to_owned(), AttributeValue::Text(text.clone()));
    }
    Ok(Entry { id, text, attributes })
}

/// The row of a text.
fn made(embedder: &Embedder<'_>, number: u64, entry: Entry) -> Result<Row, Odd> {
    let Entry { id, text, attributes } = entry;
    let shown = || {
        let word = id.as_deref().unwrap_or(&text);
        word.chars().take(CHARS_SHOWN).collect::<String>()
    };
    let odd = |reason, detail: String| Err(Odd::Fault(reason, shown(), detail));
    let (max, word_max) = (limits::TEXT_BYTES_MAX, limits::WORD_BYTES_MAX);
    if text.len() > max {
        let detail = format!("{} bytes; a text has at most {max} (TEXT_BYTES_MAX)", text.len());
        return odd(Reason::UnreadableRow, detail);
    }
    let word_bytes = id.as_ref().map_or(text.len(), String::len);
    if word_bytes > word_max {
        let detail = format!(
            "{word_bytes} bytes are too many for a word (WORD_BYTES_MAX is {word_max}): give such \
             texts an id"
        );
        return odd(Reason::UnreadableRow, detail);
    }
    if id.as_ref().is_some_and(String::is_empty) {
        return odd(Reason::EmptyWord, "the id is empty".to_owned());
    }
    if text.trim().is_empty() {
        return odd(Reason::EmptyText, "the text is empty".to_owned());
    }
    let vector = match embedder.text(number - 1, &text) {
        Ok(vector) => vector,
        Err(error) if matches!(error.kind(), ErrorKind::InvalidArgument { .. }) => {
            return odd(Reason::UnreadableRow, error.to_string());
        }
        Err(error) => return Err(Odd::Failed(error)),
    };
    refuse_unknown(embedder.oov(), std::iter::once(&vector)).map_err(Odd::Failed)?;
    if vector.values.is_empty() {
        return odd(Reason::NoKnownWord, "the table knows none of its words".to_owned());
    }
    let word = id.unwrap_or(text).into_bytes();
    Ok(Row { word, vector: vector.values, at: At::Line(number), attributes })
}

/// Lines of parts that end anywhere.
struct Lines {
    parts: Parts,
    part: Vec<u8>,
    at: usize,
    /// The line, without its end.
    line: Vec<u8>,
    /// Counted from 1.
    number: u64,
    /// Of all parts.
    bytes: Arc<AtomicU64>,
}

impl Lines {
    fn new(parts: Parts, bytes: Arc<AtomicU64>) -> Self {
        Self { parts, part: Vec::new(), at: 0, line: Vec::new(), number: 0, bytes }
    }

    /// Reads the next line, and tells whether it fits: of one that is too long, the beginning is kept.
    /// None at the end.
    fn read(&mut self) -> Result<Option<bool>> {
        self.line.clear();
        let (mut has_begun, mut fits) = (false, true);
        loop {
            if self.at == self.part.len() {
                let Some(part) = (self.parts)()? else { break };
                // Only a count.
                self.bytes.fetch_add(part.len() as u64, Ordering::Relaxed);
                (self.part, self.at) = (part, 0);
                continue;
            }
            has_begun = true;
            let rest = &self.part[self.at..];
            let end = memchr(b'\n', rest);
            let line = &rest[..end.unwrap_or(rest.len())];
            fits &= self.line.len() + line.len() <= LINE_MAX;
            if fits {
                self.line.extend_from_slice(line);
            }
            self.at += line.len() + usize::from(end.is_some());
            if end.is_some() {
                break;
            }
        }
        if !has_begun {
            return Ok(None);
        }
        if self.line.ends_with(b"\r") {
            self.line.pop();
        }
        self.number += 1;
        if self.number == 1 {
            self.line = without_bom(&self.line).to_vec();
        }
        Ok(Some(fits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_their_bytes_come() {
        let text = b"\xef\xbb\xbfa b\r\n\nc\td\n\xc3\xa9";
        let want: [&[u8]; 4] = [b"a b", b"", b"c\td", b"\xc3\xa9"];
        for size in 1..=text.len() {
            let mut parts: VecDeque<Vec<u8>> = text.chunks(size).map(<[u8]>::to_vec).collect();
            let bytes = Arc::default();
            let mut lines = Lines::new(Box::new(move || Ok(parts.pop_front())), Arc::clone(&bytes));
            let mut got = Vec::new();
            while lines.read().unwrap().is_some() {
                got.push(lines.line.clone());
            }
            assert_eq!(got, want, "{size}");
            assert_eq!(bytes.load(Ordering::Relaxed), text.len() as u64);
        }
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory_and_is_told() {
        let mut left = 5;
        let part = move || {
            left -= 1;
            Ok((left >= 0).then(|| vec![b'a'; limits::TEXT_BYTES_MAX]))
        };
        let mut lines = Lines::new(Box::new(part), Arc::default());
        assert_eq!(lines.read().unwrap(), Some(false));
        assert!(lines.line.len() <= LINE_MAX);
        assert_eq!(lines.read().unwrap(), None);
    }
}
