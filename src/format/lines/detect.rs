//! Which format a file has, by looking at its beginning.

use std::collections::BTreeMap;

use memchr::{memchr, memchr_iter, memrchr};

use crate::error::{At, Error, ErrorKind, Result};
use crate::format::lines::line;
use crate::format::source::input::{BOM, Input};
use crate::format::{foreign, malformed, shown};
use crate::limits;
use crate::text::foreign::without_marks;

/// Bytes that are looked at first.
const LOOK: usize = 64 << 10;
/// If they have fewer lines than this, more are looked at, up to `LINE_BYTES_MAX`.
const LOOK_LINES: usize = 4;

/// The formats of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::format) enum Lines {
    Word2vecText,
    Word2vecBinary,
    Glove,
}

impl Lines {
    /// The format's name.
    pub(in crate::format) fn name(self) -> &'static str {
        match self {
            Self::Word2vecText => "word2vec-text",
            Self::Word2vecBinary => "word2vec-binary",
            Self::Glove => "glove",
        }
    }
}

/// What must be known of a file to read its rows.
#[derive(Debug)]
pub(in crate::format) struct Layout {
    format: Lines,
    /// Components of each vector, from 1 to `DIM_MAX`.
    pub(in crate::format) dim: usize,
    /// Rows that the header claims.
    pub(in crate::format) claimed_rows: Option<u64>,
    /// Bytes before the first row.
    pub(in crate::format) header_bytes: usize,
}

/// Which format a file has; nothing is consumed.
pub(in crate::format) fn guess(input: &mut Input) -> Result<Lines> {
    let (length, whole) = look(input)?;
    let bytes = &input.window()[..length];
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    Peek { bytes, whole, wanted: None }.guess().map(|layout| layout.format)
}

/// Looks at the beginning of a file of this format. A byte order mark is consumed, nothing else.
pub(in crate::format) fn detect(input: &mut Input, wanted: Lines) -> Result<Layout> {
    input.read_as(wanted.name());
    if input.fill_to(BOM.len())? && input.window().starts_with(BOM) {
        input.consume(BOM.len());
    }
    let (length, whole) = look(input)?;
    let peek = Peek { bytes: &input.window()[..length], whole, wanted: Some(wanted) };
    match wanted {
        Lines::Word2vecText => peek.as_word2vec_text(),
        Lines::Word2vecBinary => peek.as_word2vec_binary(),
        Lines::Glove => peek.as_glove(),
    }
}

/// How many bytes are looked at, and whether they are the whole file. What a file's beginning
/// counts for does not depend on how its source cuts it up.
fn look(input: &mut Input) -> Result<(usize, bool)> {
    let mut length = LOOK;
    loop {
        // One byte more tells whether the file ends here.
        if !input.fill_to(length + 1)? {
            return Ok((input.window().len(), true));
        }
        let lines = memchr_iter(b'\n', &input.window()[..length]).count();
        if lines >= LOOK_LINES || length >= limits::LINE_BYTES_MAX {
            return Ok((length, false));
        }
        length = (2 * length).min(limits::LINE_BYTES_MAX);
    }
}

/// A file's beginning.
struct Peek<'a> {
    bytes: &'a [u8],
    whole: bool,
    wanted: Option<Lines>,
}

/// The first line of a word2vec file.
struct Header {
    rows: u64,
    dim: u64,
    bytes: usize,
}

/// What the bytes below a header look like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Below {
    /// Most lines are text rows of the header's dimension.
    Rows,
    /// Bytes that text does not have.
    Binary,
    /// Most lines are a word and one number, so that the header is such a row itself.
    Pairs,
    /// Nothing, or text that is none of the above.
    Other,
}

impl Peek<'_> {
    fn guess(&self) -> Result<Layout> {
        let Some(header) = self.header() else { return self.glove() };
        match self.below(&header) {
            Below::Rows | Below::Other => Self::word2vec(Lines::Word2vecText, &header),
            Below::Binary => Self::word2vec(Lines::Word2vecBinary, &header),
            Below::Pairs => self.glove(),
        }
    }

    fn as_word2vec_text(&self) -> Result<Layout> {
        let header = self.header().ok_or_else(|| self.no_header())?;
        if self.below(&header) == Below::Binary {
            let problem = "what follows is not text; the file looks like word2vec-binary";
            return Err(self.malformed(2, problem));
        }
        Self::word2vec(Lines::Word2vecText, &header)
    }

    fn as_word2vec_binary(&self) -> Result<Layout> {
        let header = self.header().ok_or_else(|| self.no_header())?;
        if self.below(&header) == Below::Rows && self.is_text(header.bytes) {
            let problem = "the rows are lines of text; the file looks like word2vec-text";
            return Err(self.malformed(2, problem));
        }
        Self::word2vec(Lines::Word2vecBinary, &header)
    }

    fn as_glove(&self) -> Result<Layout> {
        let header = self.header().filter(|header| header.dim != 1);
        match header.map(|header| self.below(&header)) {
            Some(Below::Rows) => Err(self.malformed(1, "this is the header of word2vec-text")),
            Some(Below::Binary) => Err(self.malformed(1, "this is the header of word2vec-binary")),
            Some(Below::Pairs | Below::Other) | None => self.glove(),
        }
    }

    fn word2vec(format: Lines, header: &Header) -> Result<Layout> {
        if header.dim == 0 {
            return Err(malformed(format.name(), At::Line(1), "the header claims 0 components"));
        }
        Ok(Layout {
            format,
            dim: dim(header.dim)?,
            claimed_rows: Some(header.rows),
            header_bytes: header.bytes,
        })
    }

    /// The dimension is that of most lines, the smaller one if two are equally frequent: spaces
    /// within words only add fields.
    fn glove(&self) -> Result<Layout> {
        let mut counts = BTreeMap::new();
        for line in self.lines(0) {
            *counts.entry(line::components(line)).or_insert(0_usize) += 1;
        }
        counts.remove(&0);
        let mut most = None;
        for (&components, &count) in &counts {
            if most.is_none_or(|(_, best)| count > best) {
                most = Some((components, count));
            }
        }
        let (components, _) = most.ok_or_else(|| self.unknown())?;
        let dim = dim(components as u64)?;
        if self.mostly(0, line::hides_number) {
            let problem = "a no-break space stands between the words and the first numbers: put a \
                           space there";
            return Err(self.malformed(1, problem));
        }
        if !self.mostly(0, |line| is_row(line, dim)) {
            return Err(self.unknown());
        }
        Ok(Layout { format: Lines::Glove, dim, claimed_rows: None, header_bytes: 0 })
    }

    fn header(&self) -> Option<Header> {
        let bytes = match memchr(b'\n', self.bytes) {
            Some(end) => end + 1,
            None if self.whole => self.bytes.len(),
            None => return None,
        };
        let line = line::trim(without_marks(&self.bytes[..bytes]));
        let mut fields = line.split(|byte| b" \t".contains(byte));
        // A line that starts with a separator is a row whose word is empty or starts so.
        let rows = whole_number(fields.next()?)?;
        let mut fields = fields.filter(|field| !field.is_empty());
        let dim = whole_number(fields.next()?)?;
        fields.next().is_none().then_some(Header { rows, dim, bytes })
    }

    fn below(&self, header: &Header) -> Below {
        let from = header.bytes;
        let fits = |dim| dim > 0 && self.mostly(from, |line| is_row(line, dim));
        if dim(header.dim).is_ok_and(fits) {
            Below::Rows
        } else if header.dim != 1 && self.mostly(from, is_pair) {
            Below::Pairs
        } else if !self.is_text(from) {
            Below::Binary
        } else {
            Below::Other
        }
    }

    /// The lines that are there as a whole, trimmed, without blank ones.
    fn lines(&self, from: usize) -> impl Iterator<Item = &[u8]> {
        let bytes = &self.bytes[from..];
        let end = if self.whole { Some(bytes.len()) } else { memrchr(b'\n', bytes) };
        let lines = bytes[..end.unwrap_or(0)].split(|&byte| byte == b'\n');
        lines.map(line::trim).filter(|line| !line.is_empty())
    }

    /// Whether there are lines, and at least half of them are so.
    fn mostly(&self, from: usize, so: impl Fn(&[u8]) -> bool) -> bool {
        let (mut lines, mut matching) = (0_usize, 0_usize);
        for line in self.lines(from) {
            lines += 1;
            matching += usize::from(so(line));
        }
        lines > 0 && 2 * matching >= lines
    }

    /// Whether the bytes are UTF-8 without control characters other than white space.
    fn is_text(&self, from: usize) -> bool {
        let bytes = &self.bytes[from..];
        if has_controls(bytes) {
            return false;
        }
        match std::str::from_utf8(bytes) {
            Ok(_) => true,
            // The peek may cut a character in two.
            Err(error) => error.error_len().is_none() && !self.whole,
        }
    }

    fn no_header(&self) -> Error {
        self.refused("is not a header: two whole numbers, the rows and the components")
    }

    fn unknown(&self) -> Error {
        self.refused("is neither a header (rows and components) nor a word and its numbers")
    }

    /// An error that says what the file is, or else what its first line is not.
    fn refused(&self, first_line: &str) -> Error {
        if self.bytes.is_empty() {
            return self.malformed(1, "the file is empty");
        }
        let problem = match foreign::kind(self.bytes) {
            Some(kind) => return self.malformed(1, &format!("this is {kind}")),
            None if has_controls(self.bytes) => "this is a binary file of another kind".to_owned(),
            None => format!("\"{}\" {first_line}", shown(self.first_line())),
        };
        let accepted = "--format names one of those that are read, if it was not told";
        self.malformed(1, &format!("{problem} ({accepted})"))
    }

    fn first_line(&self) -> &[u8] {
        let end = memchr(b'\n', self.bytes).unwrap_or(self.bytes.len());
        line::trim(&self.bytes[..end])
    }

    fn malformed(&self, line: u64, problem: &str) -> Error {
        malformed(self.wanted.map_or("embedding", Lines::name), At::Line(line), problem)
    }
}

/// A claimed dimension that is under its limit.
fn dim(claimed: u64) -> Result<usize> {
    let max = limits::DIM_MAX;
    match usize::try_from(claimed) {
        Ok(dim) if dim <= max => Ok(dim),
        Ok(_) | Err(_) => {
            let kind = ErrorKind::TooLarge { limit: "DIM_MAX", max: max as u64, got: claimed };
            Err(Error::new(kind).context("the components of the file's vectors"))
        }
    }
}

/// Whether there are control characters other than white space, which no text has.
fn has_controls(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace())
}

fn is_row(line: &[u8], dim: usize) -> bool {
    line::parse(line, dim, &mut Vec::new()).is_ok()
}

fn is_pair(line: &[u8]) -> bool {
    line::components(line) == 1 && is_row(line, 1)
}

/// Digits only; more than fit count as the largest number.
fn whole_number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        Some(number.saturating_mul(10).saturating_add(digit))
    })
}
