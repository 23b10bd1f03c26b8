//! Reads word2vec binary: each word with its vector as little-endian floats.

use std::io::{self, Write};

use memchr::memchr;

use crate::error::{At, Result};
use crate::format::entry::{Entry, Read, Writer};
use crate::format::lines::detect::{Layout, Lines, detect};
use crate::format::selection::{Selection, check_words, each_row};
use crate::format::source::input::Input;
use crate::format::whole::Choices;
use crate::format::{Fault, Reason, Row, RowReader, Step};
use crate::limits;

pub(in crate::format) const ENTRY: Entry = Entry {
    name: "word2vec-binary",
    title: "word2vec binary",
    about: "A line \"ROWS DIM\", then each word and its floats in binary",
    read: Read::Stream(open),
    write: Some(Writer { check, write, ..Writer::DEFAULT }),
    ..Entry::DEFAULT
};

fn open(mut input: Input, _: &Choices) -> Result<Box<dyn RowReader>> {
    let layout = detect(&mut input, Lines::Word2vecBinary)?;
    Ok(Box::new(BinaryReader::new(input, &layout)))
}

fn check(table: &Selection<'_>) -> Result<()> {
    check_words(table, "writing word2vec-binary", |word| {
        if memchr(b'\n', word).is_some() {
            Some("contains a newline, which ends a row; csv, tsv or safetensors can carry it")
        } else if memchr(b' ', word).is_some() {
            Some("contains a space, which ends a word; word2vec-text can carry it")
        } else {
            None
        }
    })
}

fn write(table: &Selection<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    writeln!(out, "{} {}", table.len(), table.dim())?;
    each_row(table, out, |row, bytes| {
        bytes.extend_from_slice(table.word(row));
        bytes.push(b' ');
        bytes.extend(table.vector(row).iter().flat_map(|value| value.to_le_bytes()));
        bytes.push(b'\n');
        Ok(())
    })
}

/// The rows of a binary file.
struct BinaryReader {
    input: Input,
    dim: usize,
    claimed: Option<u64>,
}

impl BinaryReader {
    /// Reads on from behind the header.
    fn new(mut input: Input, layout: &Layout) -> Self {
        input.consume(layout.header_bytes);
        Self { input, dim: layout.dim, claimed: layout.claimed_rows }
    }

    /// Steps over newlines: word2vec.c writes one behind each row, gensim none. False at the end of
    /// the file.
    fn find_row(&mut self) -> Result<bool> {
        loop {
            let window = self.input.window();
            let start = window.iter().position(|&byte| byte != b'\n');
            let newlines = start.unwrap_or(window.len());
            self.input.consume(newlines);
            if start.is_some() {
                return Ok(true);
            }
            if !self.input.fill()? {
                return Ok(false);
            }
        }
    }

    /// The length of the word that the window starts with; the space behind it is in the window.
    fn word(&mut self, at: At) -> Result<usize> {
        loop {
            let window = self.input.window();
            let window = &window[..window.len().min(limits::WORD_BYTES_MAX + 1)];
            if let Some(length) = memchr(b' ', window) {
                return Ok(length);
            }
            if window.len() > limits::WORD_BYTES_MAX {
                let max = limits::WORD_BYTES_MAX;
                let problem = format!("no word ends within WORD_BYTES_MAX, {max} bytes");
                return Err(self.input.malformed(at, problem));
            }
            if !self.input.fill()? {
                return Err(self.cut_off(at));
            }
        }
    }

    fn cut_off(&self, at: At) -> crate::error::Error {
        let problem = format!(
            "the file ends in the middle of the row that begins here; it is not complete, or its \
             vectors do not have the {} components of its header",
            self.dim
        );
        self.input.malformed(at, problem)
    }
}

impl RowReader for BinaryReader {
    fn dim(&self) -> usize {
        self.dim
    }

    fn claimed_rows(&self) -> Option<u64> {
        self.claimed
    }

    fn read(&mut self, row: &mut Row) -> Result<Step> {
        if !self.find_row()? {
            return Ok(Step::End);
        }
        let at = At::Byte(self.input.offset());
        let word = self.word(at)?;
        let row_bytes = word + 1 + self.dim * size_of::<f32>();
        if !self.input.fill_to(row_bytes)? {
            return Err(self.cut_off(at));
        }
        let bytes = &self.input.window()[..row_bytes];
        row.at = at;
        row.word.clear();
        row.word.extend_from_slice(&bytes[..word]);
        let (values, _) = bytes[word + 1..].as_chunks();
        row.vector.clear();
        row.vector.extend(values.iter().map(|&value| f32::from_le_bytes(value)));
        self.input.consume(row_bytes);
        if word > 0 {
            return Ok(Step::Row);
        }
        let detail = "no word stands before the vector".to_owned();
        Ok(Step::Fault(Fault { reason: Reason::EmptyWord, at, word: String::new(), detail }))
    }
}
