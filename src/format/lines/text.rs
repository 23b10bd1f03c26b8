//! Reads word2vec text and GloVe: a line a row.

use crate::error::{At, Result};
use crate::format::lines::detect::Layout;
use crate::format::lines::line::{parse, trim};
use crate::format::source::input::{BOM, Input};
use crate::format::{Fault, Note, Reason, Row, RowReader, Step};

/// The rows of a text file.
pub(super) struct TextReader {
    input: Input,
    dim: usize,
    claimed: Option<u64>,
    /// Lines consumed.
    lines: u64,
    /// How many of the last lines were blank and are not reported yet.
    blanks: u64,
    /// The first line that begins with a byte order mark.
    mark: Option<At>,
}

impl TextReader {
    /// Reads on from behind the header.
    pub(super) fn new(mut input: Input, layout: &Layout) -> Self {
        input.consume(layout.header_bytes);
        let lines = u64::from(layout.header_bytes > 0);
        let (dim, claimed) = (layout.dim, layout.claimed_rows);
        Self { input, dim, claimed, lines, blanks: 0, mark: None }
    }

    /// The length of the next line that is not blank; 0 at the end of the file.
    fn next_line(&mut self) -> Result<usize> {
        loop {
            let length = self.input.line(self.lines + 1)?;
            if length == 0 || !trim(&self.input.window()[..length]).is_empty() {
                return Ok(length);
            }
            self.input.consume(length);
            self.lines += 1;
            self.blanks += 1;
        }
    }
}

impl RowReader for TextReader {
    fn dim(&self) -> usize {
        self.dim
    }

    fn claimed_rows(&self) -> Option<u64> {
        self.claimed
    }

    fn read(&mut self, row: &mut Row) -> Result<Step> {
        let length = self.next_line()?;
        if length == 0 {
            // Blank lines that end a file are no rows.
            return Ok(Step::End);
        }
        if self.blanks > 0 {
            let at = At::Line(self.lines - self.blanks + 1);
            self.blanks -= 1;
            let detail = "the line is blank".to_owned();
            return Ok(Step::Fault(Fault {
                reason: Reason::EmptyWord,
                at,
                word: String::new(),
                detail,
            }));
        }
        row.at = At::Line(self.lines + 1);
        let line = trim(&self.input.window()[..length]);
        let step = match parse(line, self.dim, &mut row.vector) {
            Ok(word) => {
                if word.starts_with(BOM) {
                    self.mark.get_or_insert(row.at);
                }
                row.word.clear();
                row.word.extend_from_slice(word);
                Step::Row
            }
            Err(problem) => Step::Fault(problem.at(row.at)),
        };
        self.input.consume(length);
        self.lines += 1;
        Ok(step)
    }

    fn notes(&self) -> Vec<Note> {
        let note = |&at: &At| Note {
            reason: "byte_order_mark",
            done: "kept as a part of the word",
            at,
            detail: "a word begins with it, as where files were joined".to_owned(),
        };
        self.mark.iter().map(note).collect()
    }
}
