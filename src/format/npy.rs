//! `NumPy` arrays. The words stand in another file.
//!
//! `\x93NUMPY`, version (1 to 3, then 0), the header's length (u16 in version 1, u32 later), the
//! header, then the numbers. The header is a Python dictionary of literals, padded with spaces:
//! `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }`.

use std::io::{self, Write};

use crate::error::{At, Error, Result};
use crate::format::entry::{Beside, Entry, Read, Told, Writer};
use crate::format::paired::Paired;
use crate::format::selection::{Selection, check_words, stored, unsuited};
use crate::format::source::Bytes;
use crate::format::source::bytes::Cursor;
use crate::format::source::input::BOM;
use crate::format::tensor::{Dtype, Endian, Order, Tensor};
use crate::format::whole::{Parts, Whole};
use crate::format::words::Words;
use crate::format::{malformed, spacy};
use crate::vector::Dtype as TableDtype;

pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    title: "NumPy array",
    about: "A NumPy array, with a file of words",
    suffixes: &["npy"],
    begins: |head| Told::surely(head.bytes.starts_with(MAGIC)),
    read: Read::Whole(read),
    write: Some(Writer { check, write, words: Some("words.txt"), ..Writer::DEFAULT }),
    beside: Beside { words: true, parts: spacy::is_part, ..Entry::DEFAULT.beside },
    in_folder: &["vocab/vectors", "vectors"],
    ..Entry::DEFAULT
};

const MAGIC: &[u8] = b"\x93NUMPY";
/// A header of an array of two dimensions has about 80 bytes.
const HEADER_BYTES_MAX: usize = 64 << 10;
const NAME: &str = "npy";

/// A header's dictionary.
#[derive(Debug)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

fn read(whole: &Whole<'_>) -> Result<Parts> {
    let matrix = Box::new(open(whole.bytes)?);
    match spacy::words(whole, matrix.rows)? {
        Some((words, rows, note)) => {
            let matrix = Box::new(spacy::Picked { matrix, rows });
            Ok(Parts::rows(Paired::new(words, matrix, vec![note])))
        }
        None => whole.plain(None, matrix),
    }
}

/// The matrix of a file.
pub(super) fn open(bytes: &Bytes) -> Result<Tensor> {
    let (header, data) = parse(bytes)?;
    let (dtype, endian) = number_type(&header.descr)?;
    let &[rows, dim] = header.shape.as_slice() else {
        let problem = format!(
            "the array has {} dimensions; a table of embeddings has two, words and components",
            header.shape.len()
        );
        return Err(malformed(NAME, At::Byte(0), problem));
    };
    let order = if header.fortran_order { Order::Columns } else { Order::Rows };
    Tensor { bytes: data, dtype, endian, order, rows, dim }.check(NAME, "the array")
}

/// The texts of an array of strings: an `.npz` archive may hold its words so.
pub(super) fn texts(bytes: &Bytes) -> Result<Vec<Vec<u8>>> {
    let (header, data) = parse(bytes)?;
    let wrong = || malformed(NAME, At::Byte(0), "the array of words is no list of texts");
    let &[count] = header.shape.as_slice() else { return Err(wrong()) };
    let (kind, length) = header.descr.split_at_checked(2).ok_or_else(wrong)?;
    let length: usize = length.parse().map_err(|_| wrong())?;
    let unit = if kind.ends_with('U') { 4 } else { 1 };
    let stride = length.checked_mul(unit).filter(|&stride| stride > 0).ok_or_else(wrong)?;
    if count.checked_mul(stride) != Some(data.len()) {
        return Err(wrong());
    }
    let text = |bytes: &[u8]| -> Option<Vec<u8>> {
        match kind {
            "<U" | ">U" => {
                let code = |&unit: &[u8; 4]| match kind {
                    "<U" => u32::from_le_bytes(unit),
                    _ => u32::from_be_bytes(unit),
                };
                let (units, _) = bytes.as_chunks();
                let text: Option<String> = units.iter().map(|u| char::from_u32(code(u))).collect();
                Some(text?.trim_end_matches('\0').to_owned().into_bytes())
            }
            "|S" => {
                let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                Some(bytes[..end].to_vec())
            }
            _ => None,
        }
    };
    data.chunks_exact(stride).map(|bytes| text(bytes).ok_or_else(wrong)).collect()
}

fn parse(bytes: &Bytes) -> Result<(Header, Bytes)> {
    let mut cursor = Cursor::new(bytes, NAME);
    if cursor.take(MAGIC.len(), "the beginning")? != MAGIC {
        return Err(malformed(NAME, At::Byte(0), "the file does not begin with \\x93NUMPY"));
    }
    let (major, _minor) = (cursor.u8("the version")?, cursor.u8("the version")?);
    let length = match major {
        1 => usize::from(cursor.u16("the header's length")?),
        2 | 3 => cursor.u32("the header's length")? as usize,
        _ => return Err(cursor.wrong(format!("version {major} of the format is not known"))),
    };
    if length > HEADER_BYTES_MAX {
        return Err(cursor.wrong(format!("the header claims {length} bytes")));
    }
    let text = String::from_utf8_lossy(cursor.take(length, "the header")?).into_owned();
    let header = dictionary(&text).ok_or_else(|| {
        let shown = crate::format::shown(text.trim_end().as_bytes());
        malformed(NAME, At::Byte(10), format!("\"{shown}\" is no header of one array of numbers"))
    })?;
    let data = cursor.part(cursor.left(), "the numbers")?;
    Ok((header, data))
}

/// The three entries of the dictionary, in any order.
fn dictionary(text: &str) -> Option<Header> {
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    while !rest.is_empty() {
        let (key, more) = quoted(rest)?;
        let value = more.trim_start().strip_prefix(':')?.trim_start();
        rest = match key {
            "descr" => {
                if value.starts_with('[') {
                    // Records, which have names and types for their fields.
                    descr = Some("record".to_owned());
                    &value[value.rfind(']')? + 1..]
                } else {
                    let (text, more) = quoted(value)?;
                    descr = Some(text.to_owned());
                    more
                }
            }
            "fortran_order" => {
                let (flag, more) = match value.strip_prefix("True") {
                    Some(more) => (true, more),
                    None => (false, value.strip_prefix("False")?),
                };
                fortran_order = Some(flag);
                more
            }
            "shape" => {
                let (inner, more) = value.strip_prefix('(')?.split_once(')')?;
                let sizes = inner.split(',').map(str::trim).filter(|size| !size.is_empty());
                let size = |size: &str| size.trim_end_matches('L').parse().ok();
                shape = Some(sizes.map(size).collect::<Option<Vec<usize>>>()?);
                more
            }
            _ => return None,
        };
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Some(Header { descr: descr?, fortran_order: fortran_order?, shape: shape? })
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    text[1..].split_once(quote)
}

fn number_type(descr: &str) -> Result<(Dtype, Endian)> {
    let refused = |problem: &str| -> Error { malformed(NAME, At::Byte(10), problem) };
    if descr.contains('O') {
        return Err(refused(
            "an array of objects is a Python pickle, which can run any code when it is read; save \
             numbers: numpy.save(out, numpy.stack(array).astype('float32'))",
        ));
    }
    let dtype = match descr.get(1..) {
        Some("f8") => Dtype::F64,
        Some("f4") => Dtype::F32,
        Some("f2") => Dtype::F16,
        Some("i1") => Dtype::I8,
        Some("u1") => Dtype::U8,
        Some(_) | None => {
            let shown = crate::format::shown(descr.as_bytes());
            let problem = format!(
                "numbers of type \"{shown}\" are not read; save the array with \
                 .astype('float32')"
            );
            return Err(refused(&problem));
        }
    };
    let endian = if descr.starts_with('>') { Endian::Big } else { Endian::Little };
    Ok((dtype, endian))
}

/// What an array of an archive is.
pub(super) enum Kind {
    Matrix,
    Texts,
    /// Texts, maybe, as Python objects.
    Objects,
    Other,
}

pub(super) fn kind(bytes: &Bytes) -> Result<Kind> {
    let (header, _) = parse(bytes)?;
    Ok(match header.shape.len() {
        2 => Kind::Matrix,
        1 if header.descr.contains('O') => Kind::Objects,
        1 if header.descr.contains(['U', 'S']) && !header.descr.contains('O') => Kind::Texts,
        _ => Kind::Other,
    })
}

/// Whether a list with a word a line would come back as it is.
fn check(table: &Selection<'_>) -> Result<()> {
    const WRITING: &str = "writing the words of npy";
    check_words(table, WRITING, |word| {
        let because = "ends a line, and the words stand a line each; csv can carry it";
        (word.contains(&b'\n') || word.ends_with(b"\r")).then_some(because)
    })?;
    if let Some(first) = table.rows().next().filter(|&row| table.word(row).starts_with(BOM)) {
        let because = "begins with a byte order mark, which a reader lets go";
        return Err(unsuited(table, first, WRITING, because));
    }
    let mut lines = Vec::new();
    for row in table.rows() {
        lines.extend_from_slice(table.word(row));
        lines.push(b'\n');
    }
    let read = Words::from_lines(&lines);
    let changed = table.rows().enumerate().find(|&(i, row)| read.get(i) != table.word(row));
    changed.map_or(Ok(()), |(_, row)| {
        let because = "has a number, as nearly all of them do, and would be read as a word and its \
                       count; csv can carry it";
        Err(unsuited(table, row, WRITING, because))
    })
}

/// Writes the vectors of a table; the words are another file's.
fn write(table: &Selection<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    // What NumPy has no type for is written in single precision, which holds it.
    let (dtype, descr) = match table.dtype() {
        TableDtype::F16 => (TableDtype::F16, "<f2"),
        TableDtype::F32 | TableDtype::Bf16 | TableDtype::I8 => (TableDtype::F32, "<f4"),
    };
    let dictionary = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}, {}), }}",
        table.len(),
        table.dim()
    );
    // The numbers begin at a multiple of 64 bytes, behind a newline.
    let before = MAGIC.len() + 4 + dictionary.len() + 1;
    let padding = " ".repeat(before.next_multiple_of(64) - before);
    let header = format!("{dictionary}{padding}\n");
    let length = u16::try_from(header.len()).map_err(io::Error::other)?;
    out.write_all(MAGIC)?;
    out.write_all(&[1, 0])?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    stored(table, dtype, out)
}
