//! Two files for the `TensorBoard` projector: vectors, a line each, and words.

use std::io::{self, Write};

use crate::error::{Error, ErrorKind, Result};
use crate::format::entry::{Entry, Read, Writer};
use crate::format::selection::{Selection, check_words, each_row};

pub(super) const ENTRY: Entry = Entry {
    name: "projector",
    title: "projector",
    about: "Two files of the TensorBoard projector",
    read: Read::Never(|| {
        let what = "reading the two files of the projector; tsv reads the vectors with words";
        Error::new(ErrorKind::Unsupported { what: what.to_owned() })
    }),
    write: Some(Writer { check, write, words: Some("metadata.tsv"), ..Writer::DEFAULT }),
    ..Entry::DEFAULT
};

fn check(table: &Selection<'_>) -> Result<()> {
    check_words(table, "writing for the projector", |word| {
        let because = "contains a tab or ends a line, which the projector cannot show";
        word.iter().any(|byte| b"\n\r\t".contains(byte)).then_some(because)
    })
}

fn write(table: &Selection<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    each_row(table, out, |row, bytes| {
        for (i, value) in table.vector(row).iter().enumerate() {
            let tab = if i == 0 { "" } else { "\t" };
            write!(bytes, "{tab}{value:?}")?;
        }
        bytes.push(b'\n');
        Ok(())
    })
}
