//! `Words`: the words of a file whose vectors stand elsewhere, from whatever holds them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{At, Context as _, Error, Result};
use crate::format::source::Bytes;
use crate::format::{malformed, shown};
use crate::limits;
use crate::text::foreign::without_marks;
use crate::text::spec::{File, Kind, Spec};
use crate::text::tokenizer::Tokenizer;

/// Words by row; a row may have none.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Words {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// A number of each word, and what it is.
    numbers: Option<(&'static str, Vec<f64>)>,
    /// Whether they are a list, whose places alone say which row is whose.
    is_list: bool,
}

impl Words {
    pub(super) fn push(&mut self, word: &[u8]) {
        self.bytes.extend_from_slice(word);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The word of a row; empty if it has none.
    pub(super) fn get(&self, row: usize) -> &[u8] {
        let Some(&end) = self.ends.get(row) else { return b"" };
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start..end]
    }

    /// Words by their row, with gaps. `rows` is how many rows there are: rows far behind them are
    /// an error and no reason to make room.
    fn by_id(words: &BTreeMap<u64, Vec<u8>>, rows: usize, file: &str) -> Result<Self> {
        let mut all = Self::default();
        // A vocabulary may have a few more words than the table has rows, not a billion.
        let most = 2 * rows.max(words.len()) as u64 + 1_024;
        for (&id, word) in words {
            if id >= most {
                let problem = format!(
                    "{file}: the token \"{}\" has the number {id}, the table has {rows} rows",
                    shown(word)
                );
                return Err(malformed("vocabulary", At::Byte(0), problem));
            }
            while (all.len() as u64) < id {
                all.push(b"");
            }
            all.push(word);
        }
        Ok(all)
    }

    /// Whether nothing but their places says which row is whose.
    pub(super) fn is_list(&self) -> bool {
        self.is_list
    }

    /// The number of a row's word, and what it is.
    pub(super) fn number(&self, row: usize) -> Option<(&'static str, f64)> {
        let (name, numbers) = self.numbers.as_ref()?;
        Some((name, *numbers.get(row).filter(|number| !number.is_nan())?))
    }

    /// What the numbers of words are, if they have some.
    pub(super) fn number_name(&self) -> Option<&'static str> {
        self.numbers.as_ref().map(|&(name, _)| name)
    }

    /// A word a line; or a word and a number, as GloVe writes counts and `SentencePiece` scores, if
    /// nearly every line is so; behind the number of its line and a tab, if every line has that. An empty
    /// line is a row without a word; the last line may end or not.
    pub(super) fn from_lines(text: &[u8]) -> Self {
        let mut words = Self { is_list: true, ..Self::default() };
        let text = without_marks(text);
        if text.is_empty() {
            return words;
        }
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let mut lines: Vec<&[u8]> = text
            .split(|&byte| byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .collect();
        if let Some(words) = without_ids(&lines) {
            lines = words;
        }
        // The count stands behind the word, or before it as uniq writes it.
        let ways: [Way; 4] = [
            |line| behind(line, b'\t'),
            |line| behind(line, b' '),
            |line| behind(line, b','),
            before,
        ];
        if let Some(numbered) = ways.into_iter().find_map(|way| Self::numbered(&lines, way)) {
            return numbered;
        }
        for line in lines {
            words.push(line);
        }
        words
    }

    /// None unless nearly every line is a word and a number; one line tells nothing.
    fn numbered(lines: &[&[u8]], way: Way) -> Option<Self> {
        let mut words = Self { is_list: true, ..Self::default() };
        let (mut numbers, mut is_count, mut without) = (Vec::new(), true, 0);
        for line in lines {
            let (word, number) = match way(line) {
                Some((word, number)) => {
                    is_count &= number.iter().all(u8::is_ascii_digit) || number.contains(&b'e');
                    (word, fast_float2::parse(number).unwrap_or(f64::NAN))
                }
                None => (*line, f64::NAN),
            };
            without += usize::from(number.is_nan());
            if without * ODD_LINES > lines.len() {
                return None;
            }
            numbers.push(number);
            words.push(word);
        }
        let name = if is_count { "count" } else { "score" };
        words.numbers = Some((name, numbers));
        (words.len() > 1).then_some(words)
    }

    /// How many words hold a tab.
    pub(super) fn tab_count(&self) -> usize {
        (0..self.len()).filter(|&row| self.get(row).contains(&b'\t')).count()
    }

    /// How many words have no number where others have one.
    pub(super) fn unnumbered_count(&self) -> usize {
        let numbers = self.numbers.iter().flat_map(|(_, numbers)| numbers);
        numbers.filter(|number| number.is_nan()).count()
    }

    /// The words of a companion, told by its name and contents.
    pub(super) fn from_file(name: &str, bytes: &Bytes, rows: usize) -> Result<Self> {
        let ends = |wanted: &str| {
            name.rsplit('.').next().is_some_and(|end| end.eq_ignore_ascii_case(wanted))
        };
        // Mistral's, with a date in it where it was not renamed.
        let is_tekken = name.rsplit('/').next().is_some_and(|name| name.starts_with("tekken"));
        if ends("model") || (is_tekken && ends("json")) {
            return Self::from_model(name, bytes, rows);
        }
        let json = ends("json");
        if json { Self::from_json(name, bytes, rows) } else { Ok(Self::from_lines(bytes)) }
    }

    /// The pieces of a `SentencePiece` model, or the tokens of tiktoken's ranks or of tekken.json.
    fn from_model(name: &str, bytes: &Bytes, rows: usize) -> Result<Self> {
        let files = vec![File { name: name.to_owned(), bytes: bytes.to_vec() }];
        let spec = Spec { kind: Kind::detect(&files)?, files };
        let none = |name: &str| Err(Error::invalid("hybrid.parts", name.to_owned()));
        let model = Tokenizer::open(&spec, &none).context(|| format!("reading {name}"))?;
        let tokens =
            (0..model.ids_end().unwrap_or(0)).map(|id| model.token(id).unwrap_or_default());
        let mut words = Self::default();
        if name.rsplit('/').next() == Some(FAIRSEQ) {
            let tokens: Vec<_> = tokens.collect();
            words.push_as_fairseq(name, &tokens, rows)?;
        } else {
            tokens.for_each(|token| words.push(&token));
        }
        Ok(words)
    }

    /// XLM-R and its kin have four special tokens of their own before the pieces, of which the first
    /// three are left out, and one behind them.
    fn push_as_fairseq(&mut self, name: &str, pieces: &[Vec<u8>], rows: usize) -> Result<()> {
        if rows < pieces.len() + FAIRSEQ_ROWS || rows == pieces.len() + CAMEMBERT_ROWS {
            let problem = format!(
                "{name} has {} pieces and the table {rows} rows, not {FAIRSEQ_ROWS} more as XLM-R: put \
                 tokenizer.json in its place",
                pieces.len()
            );
            return Err(malformed("vocabulary", At::Byte(0), problem));
        }
        for token in ["<s>", "<pad>", "</s>", "<unk>"] {
            self.push(token.as_bytes());
        }
        pieces.iter().skip(FAIRSEQ_SKIPPED).for_each(|piece| self.push(piece));
        if rows == pieces.len() + FAIRSEQ_ROWS {
            self.push(b"<mask>");
        }
        Ok(())
    }

    /// `tokenizer.json`; or a map of tokens to rows, such as `vocab.json`; or a list of words.
    pub(super) fn from_json(name: &str, bytes: &Bytes, rows: usize) -> Result<Self> {
        let file: JsonWords =
            serde_json::from_slice(bytes).map_err(|error| not_json(name, &error))?;
        match file {
            JsonWords::List(words) => {
                let mut all = Self { is_list: true, ..Self::default() };
                for word in &words {
                    all.push(word.as_bytes());
                }
                Ok(all)
            }
            JsonWords::Tokenizer { model, added_tokens } => {
                let mut words = BTreeMap::new();
                match model.vocab {
                    Vocab::Map(map) => {
                        words.extend(map.into_iter().map(|(word, id)| (id, word.into_bytes())));
                    }
                    Vocab::Unigram(list) => {
                        let ids = 0_u64..;
                        words.extend(ids.zip(list.into_iter().map(|(word, _)| word.into_bytes())));
                    }
                }
                for token in added_tokens {
                    words.insert(token.id, token.content.into_bytes());
                }
                Self::by_id(&words, rows, name)
            }
            JsonWords::Map(map) => {
                let words = map.into_iter().map(|(word, id)| (id, word.into_bytes())).collect();
                Self::by_id(&words, rows, name)
            }
        }
    }
}

/// One line in so many may have no number where the others have.
const ODD_LINES: usize = 8;

/// The word and the number behind it.
fn behind(line: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let line = line.trim_ascii_end();
    let at = line.iter().rposition(|&byte| byte == separator)?;
    let word = &line[..=line[..at].iter().rposition(|&byte| byte != separator)?];
    is_number(&line[at + 1..]).then_some((word, &line[at + 1..]))
}

/// The word and the count before it.
fn before(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.trim_ascii();
    let at = line.iter().position(|byte| b" \t".contains(byte))?;
    let (number, word) = (&line[..at], line[at..].trim_ascii_start());
    number.iter().all(u8::is_ascii_digit).then_some((word, number))
}

fn is_number(field: &[u8]) -> bool {
    fast_float2::parse(field).is_ok_and(|number: f64| number.is_finite())
}

/// What stands behind a number and a tab, if all lines have these, and the numbers ascend: they are those
/// of the rows. None if what follows is a number as well: it is the count of a word.
fn without_ids<'l>(lines: &[&'l [u8]]) -> Option<Vec<&'l [u8]>> {
    let (mut words, mut last, mut has_words) = (Vec::new(), None, false);
    for line in lines {
        let tab = line.iter().position(|&byte| byte == b'\t')?;
        let id: u64 = std::str::from_utf8(&line[..tab]).ok()?.parse().ok()?;
        if last.is_some_and(|last| id <= last) {
            return None;
        }
        last = Some(id);
        has_words |= !is_number(&line[tab + 1..]);
        words.push(&line[tab + 1..]);
    }
    (has_words && words.len() > 1).then_some(words)
}

/// Parts a line into a word and a number.
type Way = fn(&[u8]) -> Option<(&[u8], &[u8])>;

/// How the models of fairseq are named whose pieces have other numbers than their rows.
const FAIRSEQ: &str = "sentencepiece.bpe.model";
/// Pieces of such a model that have no row under their own name.
const FAIRSEQ_SKIPPED: usize = 3;
/// Rows that XLM-R has more than pieces.
const FAIRSEQ_ROWS: usize = 2;
/// Rows that `CamemBERT` has more, in another order.
const CAMEMBERT_ROWS: usize = 5;

#[derive(Deserialize)]
#[serde(untagged)]
enum JsonWords {
    Tokenizer {
        model: Model,
        #[serde(default)]
        added_tokens: Vec<AddedToken>,
    },
    Map(BTreeMap<String, u64>),
    List(Vec<String>),
}

#[derive(Deserialize)]
struct Model {
    vocab: Vocab,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Vocab {
    Map(BTreeMap<String, u64>),
    Unigram(Vec<(String, f64)>),
}

#[derive(Deserialize)]
struct AddedToken {
    id: u64,
    content: String,
}

fn not_json(name: &str, error: &serde_json::Error) -> Error {
    let problem = format!("{name} is no vocabulary in JSON: {error}");
    malformed("vocabulary", At::Line(error.line() as u64), problem)
}

/// Where words are looked for beside a file, in this order; `*` stands for the file's name without
/// its suffix.
pub(super) const PLACES: &[&str] = &[
    "*.words.txt",
    "*.words",
    "*.vocab.txt",
    "*.vocab",
    "*.vocab.json",
    "*.txt",
    "words.txt",
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "tekken.json",
    "tokenizer.model",
    "spiece.model",
    FAIRSEQ,
    "sentencepiece.model",
];

/// The companion that holds the words of `main`.
pub(super) fn find<'f>(main: &str, others: &'f [(String, Bytes)]) -> Option<&'f (String, Bytes)> {
    let stem = stem(main);
    PLACES.iter().find_map(|place| {
        let wanted = place.replace('*', stem);
        let named = |(name, _): &&(String, Bytes)| *name == wanted;
        let below = |(name, _): &&(String, Bytes)| name.ends_with(&format!("/{wanted}"));
        others.iter().find(named).or_else(|| others.iter().find(below))
    })
}

/// A file's name without its last suffix and those of compression.
pub fn stem(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    let name = [".gz", ".bz2", ".zst", ".xz", ".zip"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name);
    match name.rfind('.') {
        Some(at) if at > 0 => &name[..at],
        Some(_) | None => name,
    }
}

/// Companions are read into memory to be parsed; a vocabulary has few bytes.
pub(super) fn check_size(name: &str, bytes: &Bytes) -> Result<()> {
    if bytes.len() <= limits::VOCAB_BYTES_MAX {
        return Ok(());
    }
    let (max, got) = (limits::VOCAB_BYTES_MAX as u64, bytes.len() as u64);
    let kind = crate::error::ErrorKind::TooLarge { limit: "VOCAB_BYTES_MAX", max, got };
    Err(Error::new(kind).context(format!("reading the words in {name}")))
}
