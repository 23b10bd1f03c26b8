//! GloVe: rows of text, no header.

use std::io::{self, Cursor, Write};

use crate::error::{Error, ErrorKind, Result};
use crate::format::RowReader;
use crate::format::entry::{Entry, Read, Writer};
use crate::format::lines::detect::{Lines, detect};
use crate::format::lines::text::TextReader;
use crate::format::lines::word2vec_text::{check_words, push_row};
use crate::format::selection::{Selection, each_row};
use crate::format::source::input::Input;
use crate::format::whole::Choices;
use crate::limits;

pub(in crate::format) const ENTRY: Entry = Entry {
    name: "glove",
    title: "GloVe text",
    about: "\"word f f ... f\" lines, no header",
    read: Read::Stream(open),
    write: Some(Writer { check, write, is_bare: true, ..Writer::DEFAULT }),
    ..Entry::DEFAULT
};

const WRITING: &str = "writing glove";

fn open(mut input: Input, _: &Choices) -> Result<Box<dyn RowReader>> {
    let layout = detect(&mut input, Lines::Glove)?;
    Ok(Box::new(TextReader::new(input, &layout)))
}

fn check(table: &Selection<'_>) -> Result<()> {
    if check_words(table, WRITING)? { check_dimension(table) } else { Ok(()) }
}

/// Whether the dimension could be told from the lines though words have spaces.
fn check_dimension(table: &Selection<'_>) -> Result<()> {
    let mut bytes = Vec::new();
    for row in table.rows() {
        push_row(table, row, &mut bytes).map_err(Error::disk)?;
        // More than is looked at.
        if bytes.len() > 2 * limits::LINE_BYTES_MAX {
            break;
        }
    }
    let mut input = Input::open(Box::new(Cursor::new(bytes)))?;
    let layout = detect(&mut input, Lines::Glove);
    if layout.is_ok_and(|layout| layout.dim == table.dim()) {
        return Ok(());
    }
    let because = "too many words contain spaces, so that the file would not tell the number of \
                   components; word2vec-text can carry them";
    Err(Error::new(ErrorKind::Unsuited { operation: WRITING, because: because.to_owned() }))
}

fn write(table: &Selection<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    each_row(table, out, |row, bytes| push_row(table, row, bytes))
}
