//! Writes tables as embedding files.

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use memchr::memchr;

use crate::error::{Error, ErrorKind, Result};
use crate::format::input::{BOM, GZIP_MAGIC};
use crate::format::{Format, open, text};
use crate::limits;
use crate::table::view::View;
use crate::vector::RowId;

/// Bytes that are gathered for one write.
const BLOCK: usize = 256 << 10;
/// Digits pack badly: level 6 takes six times as long and saves an eighth.
const GZIP_LEVEL: u32 = 2;

/// Writes a table as a file that [`open`] reads back as the same rows, bit for bit. The same table
/// gives the same bytes.
///
/// Text formats get the shortest decimals that read back as the same single-precision numbers, and
/// no space at a line's end. Text words that contain spaces are written as they are, which other
/// tools, gensim among them, cannot read.
///
/// # Errors
///
/// [`ErrorKind::Unsuited`], before anything is written, if the format cannot carry a word. If `out`
/// fails; an [`Error`] inside its [`std::io::Error`] comes out as it is.
pub fn write(table: &View, format: Format, gzip: bool, out: &mut dyn Write) -> Result<()> {
    check_words(table, format)?;
    let written = if gzip {
        // No name and no time, so that the bytes depend on nothing but the table.
        let mut packed = GzBuilder::new().mtime(0).write(out, Compression::new(GZIP_LEVEL));
        write_file(table, format, &mut packed).and_then(|()| packed.finish().map(drop))
    } else {
        write_file(table, format, out)
    };
    written.map_err(|error| match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::disk(error).context("writing an embedding file"),
    })
}

fn write_file(table: &View, format: Format, out: &mut dyn Write) -> io::Result<()> {
    let mut block = Vec::with_capacity(BLOCK);
    push_beginning(table, format, &mut block)?;
    for row in table.rows() {
        push_row(table, row, format, &mut block)?;
        if block.len() >= BLOCK {
            out.write_all(&block)?;
            block.clear();
        }
    }
    out.write_all(&block)
}

/// What stands before the first row.
fn push_beginning(table: &View, format: Format, bytes: &mut Vec<u8>) -> io::Result<()> {
    match format {
        Format::Word2vecText | Format::Word2vecBinary => {
            writeln!(bytes, "{} {}", table.len(), table.dim())
        }
        Format::Glove => {
            let word = table.rows().next().map_or(&[][..], |row| table.word(row));
            if word.starts_with(BOM) || word.starts_with(GZIP_MAGIC) {
                // A byte order mark of its own keeps the word from being taken for something else.
                bytes.extend_from_slice(BOM);
            }
            Ok(())
        }
    }
}

fn push_row(table: &View, row: RowId, format: Format, bytes: &mut Vec<u8>) -> io::Result<()> {
    let (word, vector) = (table.word(row), table.vector(row));
    bytes.extend_from_slice(word);
    match format {
        Format::Word2vecText | Format::Glove => {
            for value in vector {
                // The debug form has a point or an exponent always, so that a GloVe file's first
                // line is never two whole numbers.
                write!(bytes, " {value:?}")?;
            }
        }
        Format::Word2vecBinary => {
            bytes.push(b' ');
            bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
        }
    }
    bytes.push(b'\n');
    Ok(())
}

/// Whether every word would come back as it is.
fn check_words(table: &View, format: Format) -> Result<()> {
    let (mut line, mut vector) = (Vec::new(), Vec::new());
    let mut spaces = false;
    for row in table.rows() {
        let word = table.word(row);
        if memchr(b'\n', word).is_some() {
            let because = "contains a newline, which ends a row; no file format here can carry it";
            return Err(unsuited(table, row, format, because));
        }
        if memchr(b' ', word).is_none() {
            continue;
        }
        spaces = true;
        if format == Format::Word2vecBinary {
            let because = "contains a space, which ends a word; word2vec-text can carry it";
            return Err(unsuited(table, row, format, because));
        }
        line.clear();
        push_row(table, row, format, &mut line).map_err(Error::disk)?;
        let read = text::parse(text::trim(&line), table.dim(), &mut vector);
        if !read.is_ok_and(|read| read == word) {
            let because = "ends like the numbers that would follow it, and no file format here \
                           can carry it; import the table again without it";
            return Err(unsuited(table, row, format, because));
        }
    }
    if spaces && format == Format::Glove { check_dimension(table) } else { Ok(()) }
}

/// Whether the dimension of a GloVe file could be told from its lines though words have spaces.
fn check_dimension(table: &View) -> Result<()> {
    let mut bytes = Vec::new();
    for row in table.rows() {
        push_row(table, row, Format::Glove, &mut bytes).map_err(Error::disk)?;
        // More than is looked at.
        if bytes.len() > 2 * limits::LINE_BYTES_MAX {
            break;
        }
    }
    let opened = open(Box::new(io::Cursor::new(bytes)), Some(Format::Glove));
    if opened.is_ok_and(|opened| opened.reader.dim() == table.dim()) {
        return Ok(());
    }
    let because = "too many words contain spaces, so that the file would not tell the number of \
                   components; word2vec-text can carry them";
    Err(Error::new(ErrorKind::Unsuited {
        operation: operation(Format::Glove),
        because: because.to_owned(),
    }))
}

fn unsuited(table: &View, row: RowId, format: Format, because: &str) -> Error {
    let because = format!("the word {:?} {because}", table.shown(row));
    Error::new(ErrorKind::Unsuited { operation: operation(format), because })
}

fn operation(format: Format) -> &'static str {
    match format {
        Format::Word2vecText => "writing word2vec-text",
        Format::Word2vecBinary => "writing word2vec-binary",
        Format::Glove => "writing glove",
    }
}
