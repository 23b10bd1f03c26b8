//! word2vec text: a header, then rows of text; fastText's `.vec` too.

use std::io::{self, Write};

use memchr::memchr;

use crate::error::{Error, Result};
use crate::format::RowReader;
use crate::format::entry::{Entry, Read, Writer};
use crate::format::lines::detect::{Lines, detect};
use crate::format::lines::line;
use crate::format::lines::text::TextReader;
use crate::format::selection::{Selection, each_row, unsuited};
use crate::format::source::input::Input;
use crate::format::whole::Choices;
use crate::vector::RowId;

pub(in crate::format) const ENTRY: Entry = Entry {
    name: "word2vec-text",
    title: "word2vec text",
    about: "A line \"ROWS DIM\", then \"word f f ... f\" lines; fastText's .vec too",
    suffixes: &["vec"],
    read: Read::Stream(open),
    write: Some(Writer { check, write, ..Writer::DEFAULT }),
    ..Entry::DEFAULT
};

fn open(mut input: Input, _: &Choices) -> Result<Box<dyn RowReader>> {
    let layout = detect(&mut input, Lines::Word2vecText)?;
    Ok(Box::new(TextReader::new(input, &layout)))
}

fn check(table: &Selection<'_>) -> Result<()> {
    check_words(table, "writing word2vec-text").map(drop)
}

/// Whether every word would come back as it is from a line; says whether any has spaces.
pub(super) fn check_words(table: &Selection<'_>, operation: &'static str) -> Result<bool> {
    let (mut line, mut vector) = (Vec::new(), Vec::new());
    let mut spaces = false;
    for row in table.rows() {
        let word = table.word(row);
        if memchr(b'\n', word).is_some() {
            let because =
                "contains a newline, which ends a row; csv, tsv or safetensors can carry it";
            return Err(unsuited(table, row, operation, because));
        }
        if memchr(b' ', word).is_none() && memchr(b'\t', word).is_none() {
            continue;
        }
        spaces = true;
        line.clear();
        push_row(table, row, &mut line).map_err(Error::disk)?;
        let read = line::parse(line::trim(&line), table.dim(), &mut vector);
        if !read.is_ok_and(|read| read == word) {
            let because = "ends like the numbers that would follow it; csv, tsv or safetensors can \
                           carry it";
            return Err(unsuited(table, row, operation, because));
        }
    }
    Ok(spaces)
}

fn write(table: &Selection<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    writeln!(out, "{} {}", table.len(), table.dim())?;
    each_row(table, out, |row, bytes| push_row(table, row, bytes))
}

pub(super) fn push_row(table: &Selection<'_>, row: RowId, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.extend_from_slice(table.word(row));
    for value in &*table.vector(row) {
        // The debug form has a point or an exponent always, so that a GloVe file's first line is
        // never two whole numbers.
        write!(bytes, " {value:?}")?;
    }
    bytes.push(b'\n');
    Ok(())
}
