//! GGUF: the token table of a model of llama.cpp, with its vocabulary.
//!
//! `GGUF`, u32 version (2 or 3), u64 tensors, u64 entries; each entry: its key (u64 length, bytes),
//! u32 type, value; each tensor: its name, u32 dimensions, u64 each (the fastest first), u32 type,
//! u64 offset; then from the next multiple of `general.alignment`, the tensors.

use crate::error::Result;
use crate::format::entry::{Beside, Entry, Read, Told};
use crate::format::gguf_blocks::Type;
use crate::format::source::Bytes;
use crate::format::source::bytes::Cursor;
use crate::format::tensor::{Matrix, check_dim};
use crate::format::whole::Parts;
use crate::format::words::Words;
use crate::format::{malformed, shown};

const NAME: &str = "gguf";

pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    title: "GGUF model",
    about: "A model of llama.cpp",
    suffixes: &["gguf"],
    begins: |head| Told::surely(matches!(head.bytes, [b'G', b'G', b'U', b'F', _, 0, 0, 0, ..])),
    read: Read::Whole(|whole| {
        let model = open(whole.bytes, whole.tensor())?;
        let (tokenizer, notes) = whole.tokenizer(model.words.is_some(), false)?;
        let reader = whole.paired(model.words, Box::new(model.matrix), notes, true)?;
        Ok(Parts { tokenizer, ..Parts::rows(reader) })
    }),
    beside: Beside { words: true, ..Entry::DEFAULT.beside },
    ..Entry::DEFAULT
};
const TOKENS: &str = "tokenizer.ggml.tokens";
const TABLE: &str = "token_embd.weight";
/// If the file says nothing.
const ALIGNMENT: u64 = 32;
/// Lists within lists, which no model has.
const DEPTH_MAX: usize = 4;

/// The table and the words of a file.
struct Model {
    words: Option<Words>,
    matrix: Blocks,
}

fn open(bytes: &Bytes, wanted: Option<&str>) -> Result<Model> {
    let mut cursor = Cursor::new(bytes, NAME);
    cursor.take(4, "the beginning")?;
    let version = cursor.u32("the version")?;
    if !matches!(version, 2 | 3) {
        return Err(cursor.wrong(format!("version {version} of the format is not read")));
    }
    let tensors = cursor.u64("the header")?;
    let entries = cursor.u64("the header")?;
    let entries = cursor.count(entries.into(), 13, "entries")?;
    let (mut words, mut alignment) = (None, ALIGNMENT);
    for _ in 0..entries {
        let key = text(&mut cursor)?;
        let kind = cursor.u32("an entry")?;
        if key == TOKENS.as_bytes() && kind == LIST {
            words = Some(tokens(&mut cursor)?);
        } else if key == b"general.alignment" && kind == 4 {
            alignment = u64::from(cursor.u32("the alignment")?);
        } else {
            skip(&mut cursor, kind, 0)?;
        }
    }
    let tensors = cursor.count(tensors.into(), 24, "tensors")?;
    let (mut found, mut names) = (None, Vec::new());
    let wanted = wanted.unwrap_or(TABLE);
    for _ in 0..tensors {
        let name = text(&mut cursor)?;
        let dimensions = cursor.u32("a tensor")?;
        if dimensions > 4 {
            return Err(cursor.wrong(format!("a tensor has {dimensions} dimensions")));
        }
        let mut sizes = Vec::new();
        for _ in 0..dimensions {
            sizes.push(cursor.u64("a tensor")?);
        }
        let kind = cursor.u32("a tensor")?;
        let offset = cursor.u64("a tensor")?;
        if name == wanted.as_bytes() {
            found = Some((sizes, kind, offset));
        } else if dimensions == 2 {
            names.push(shown(&name));
        }
    }
    let Some((sizes, kind, offset)) = found else {
        names.truncate(8);
        let problem = format!(
            "there is no tensor \"{}\"; --tensor NAME chooses one, such as {}",
            shown(wanted.as_bytes()),
            names.join(", ")
        );
        return Err(cursor.wrong(problem));
    };
    let begin = (cursor.offset() as u64).checked_next_multiple_of(alignment.max(1));
    let matrix = table(bytes, &sizes, kind, begin.and_then(|begin| begin.checked_add(offset)))?;
    Ok(Model { words, matrix })
}

const TEXT: u32 = 8;
const LIST: u32 = 9;

fn text(cursor: &mut Cursor) -> Result<Vec<u8>> {
    let length = cursor.u64("a text")?;
    let length = cursor.count(length.into(), 1, "bytes of a text")?;
    Ok(cursor.take(length, "a text")?.to_vec())
}

fn tokens(cursor: &mut Cursor) -> Result<Words> {
    if cursor.u32("the tokens")? != TEXT {
        return Err(cursor.wrong("the tokens are no texts"));
    }
    let count = cursor.u64("the tokens")?;
    let count = cursor.count(count.into(), 8, "tokens")?;
    let mut words = Words::default();
    for _ in 0..count {
        words.push(&text(cursor)?);
    }
    Ok(words)
}

/// Bytes of a value of a type that has a fixed size.
fn size(kind: u32) -> Option<usize> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

fn skip(cursor: &mut Cursor, kind: u32, depth: usize) -> Result<()> {
    if let Some(size) = size(kind) {
        return cursor.take(size, "an entry").map(drop);
    }
    match kind {
        TEXT => text(cursor).map(drop),
        LIST if depth < DEPTH_MAX => {
            let kind = cursor.u32("a list")?;
            let count = cursor.u64("a list")?;
            // A text has 8 bytes at least, a list 12.
            let count = cursor.count(count.into(), size(kind).unwrap_or(8), "values")?;
            if let Some(size) = size(kind) {
                return cursor.take(count * size, "a list").map(drop);
            }
            (0..count).try_for_each(|_| skip(cursor, kind, depth + 1))
        }
        _ => Err(cursor.wrong(format!("a value has the type {kind}"))),
    }
}

fn table(bytes: &Bytes, sizes: &[u64], kind: u32, begin: Option<u64>) -> Result<Blocks> {
    let wrong = |problem: String| malformed(NAME, crate::error::At::Byte(0), problem);
    let &[dim, rows] = sizes else {
        return Err(wrong(format!("the table has {} dimensions, not two", sizes.len())));
    };
    let dim = usize::try_from(dim).unwrap_or(usize::MAX);
    check_dim(dim, "the table of tokens")?;
    let Some(kind) = Type::of(kind) else {
        let read = Type::ALL.map(Type::name).join(", ");
        return Err(wrong(format!("the table's numbers are of type {kind}; read are {read}")));
    };
    let (numbers, size) = kind.block();
    if !dim.is_multiple_of(numbers) {
        return Err(wrong(format!("rows of {dim} do not make blocks of {numbers}")));
    }
    let stride = dim / numbers * size;
    let rows = usize::try_from(rows).ok();
    let length = rows.and_then(|rows| rows.checked_mul(stride));
    let begin = begin.and_then(|begin| usize::try_from(begin).ok());
    let range =
        begin.zip(length).and_then(|(begin, length)| Some(begin..begin.checked_add(length)?));
    match (rows, range.and_then(|range| bytes.slice(range))) {
        (Some(rows), Some(bytes)) => Ok(Blocks { bytes, kind, rows, dim, stride }),
        _ => Err(wrong("the table ends behind the file's end; it is not complete".to_owned())),
    }
}

/// Rows as blocks of numbers that share their scale.
struct Blocks {
    bytes: Bytes,
    kind: Type,
    rows: usize,
    dim: usize,
    /// Bytes of a row.
    stride: usize,
}

impl Matrix for Blocks {
    fn dim(&self) -> usize {
        self.dim
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn row(&mut self, row: usize, vector: &mut Vec<f32>) -> Result<()> {
        vector.clear();
        let (_, size) = self.kind.block();
        for block in self.bytes[row * self.stride..(row + 1) * self.stride].chunks_exact(size) {
            self.kind.push(block, vector);
        }
        Ok(())
    }

    fn dtype(&self) -> &'static str {
        self.kind.name()
    }
}
