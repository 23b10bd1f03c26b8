//! `Input`: a source's bytes after decompression, through a window of bounded size.

use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use memchr::memchr;

use crate::error::{At, Error, ErrorKind, Result};
use crate::format::malformed;
use crate::format::source::unpack::Compression;
use crate::limits;

/// The least room that a read is given.
const BLOCK: usize = 256 << 10;
/// A byte order mark, which stands before some text files and means nothing in UTF-8.
pub(in crate::format) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Bytes not yet consumed stand in the window. It grows only as far as a caller asks to see, and
/// callers ask for a line, a row or a word under a limit: never for a size that a file claims.
pub(in crate::format) struct Input {
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes before the window.
    passed: u64,
    ended: bool,
    /// For error messages.
    format: &'static str,
    compression: Compression,
}

impl Input {
    /// The source's bytes, unpacked if they are compressed as a stream.
    pub(in crate::format) fn open(source: Box<dyn Read + Send>) -> Result<Self> {
        let mut source = Source(source);
        let mut head = Vec::new();
        let most = Compression::MAGIC_BYTES_MAX as u64;
        let peeked = source.by_ref().take(most).read_to_end(&mut head);
        let compression = Compression::of(&head);
        let whole = Cursor::new(head).chain(source);
        let unpacked = if compression == Compression::None {
            Ok(Box::new(whole) as Box<dyn Read + Send>)
        } else {
            compression.unpack(BufReader::with_capacity(BLOCK, whole))
        };
        let (source, failed): (Box<dyn Read + Send>, _) = match unpacked {
            Ok(source) => (source, peeked.err()),
            Err(error) => (Box::new(io::empty()), Some(error)),
        };
        let input = Self {
            source,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            passed: 0,
            ended: false,
            format: "embedding",
            compression,
        };
        match failed {
            None => Ok(input),
            Some(error) => Err(input.failed(error)),
        }
    }

    /// How the source is compressed.
    pub(in crate::format) fn compression(&self) -> Compression {
        self.compression
    }

    /// Says how, for bytes that were unpacked elsewhere.
    pub(in crate::format) fn unpacked_from(&mut self, compression: Compression) {
        self.compression = compression;
    }

    /// Names the format in the errors to come.
    pub(in crate::format) fn read_as(&mut self, format: &'static str) {
        self.format = format;
    }

    /// The bytes that are there.
    pub(in crate::format) fn window(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Bytes before the window.
    pub(in crate::format) fn offset(&self) -> u64 {
        self.passed
    }

    /// Moves the window's start. `count` is at most the window's length.
    pub(in crate::format) fn consume(&mut self, count: usize) {
        self.start += count;
        self.passed += count as u64;
    }

    /// Lets byte order marks go; files that were joined have several.
    pub(in crate::format) fn pass_marks(&mut self) -> Result<()> {
        while self.fill_to(BOM.len())? && self.window().starts_with(BOM) {
            self.consume(BOM.len());
        }
        Ok(())
    }

    /// Reads once into the window; false at the end of the file.
    pub(in crate::format) fn fill(&mut self) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.buffer.len() - self.end < BLOCK {
            self.make_room();
        }
        let count = match self.source.read(&mut self.buffer[self.end..]) {
            Ok(count) => count,
            Err(error) => return Err(self.failed(error)),
        };
        self.ended = count == 0;
        self.end += count;
        Ok(!self.ended)
    }

    fn make_room(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.end < BLOCK {
            // Zeros from the system cost nothing until they are touched.
            let mut wider = vec![0; 2 * self.buffer.len().max(BLOCK)];
            wider[..self.end].copy_from_slice(&self.buffer[..self.end]);
            self.buffer = wider;
        }
    }

    /// Fills until the window has `count` bytes; false if the file ends before.
    pub(in crate::format) fn fill_to(&mut self, count: usize) -> Result<bool> {
        while self.end - self.start < count {
            if !self.fill()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The length of the line that the window starts with, its `\n` included unless the file ends
    /// before; 0 only at the end of the file. `number` is the line's, for errors.
    pub(in crate::format) fn line(&mut self, number: u64) -> Result<usize> {
        self.line_at(0, number)
    }

    /// The same for the line that begins so many bytes behind the window's start.
    pub(in crate::format) fn line_at(&mut self, from: usize, number: u64) -> Result<usize> {
        let mut searched = 0;
        let length = loop {
            if let Some(i) = memchr(b'\n', &self.window()[from + searched..]) {
                break searched + i + 1;
            }
            searched = self.window().len() - from;
            if searched > limits::LINE_BYTES_MAX || !self.fill()? {
                break searched;
            }
        };
        if length > limits::LINE_BYTES_MAX {
            let max = limits::LINE_BYTES_MAX;
            let problem = format!("the line is longer than LINE_BYTES_MAX, {max} bytes");
            return Err(self.malformed(At::Line(number), problem));
        }
        Ok(length)
    }

    /// The file is wrong there.
    pub(in crate::format) fn malformed(&self, at: At, problem: impl Into<String>) -> Error {
        malformed(self.format, at, problem)
    }

    /// An error of reading, told apart: the caller's own, the source's, or that of the packed data.
    fn failed(&self, error: io::Error) -> Error {
        let error = match error.downcast::<Error>() {
            Ok(error) => return error,
            Err(error) => error,
        };
        let packed = self.compression.name();
        let (problem, cause) = match error.downcast::<SourceError>() {
            Ok(SourceError(cause)) => ("the source could not be read".to_owned(), cause),
            Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => {
                (format!("the {packed} data is cut off; the file is not complete"), cause)
            }
            Err(cause) => (format!("the {packed} data is damaged"), cause),
        };
        let at = At::Byte(self.passed + self.window().len() as u64);
        let kind = ErrorKind::Malformed { format: self.format, at, problem };
        Error::caused(kind, cause)
    }
}

/// The caller's source, with its errors marked, so that they are not taken for faults of the packed
/// data around which they pass.
struct Source(Box<dyn Read + Send>);

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let ours = matches!(error.get_ref(), Some(inner) if inner.is::<Error>());
                    return Err(if ours { error } else { io::Error::other(SourceError(error)) });
                }
                Ok(count) => return Ok(count),
            }
        }
    }
}

#[derive(Debug)]
struct SourceError(io::Error);

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for SourceError {}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.window().is_empty() {
            self.fill().map_err(io::Error::other)?;
        }
        Ok(self.window())
    }

    fn consume(&mut self, count: usize) {
        Self::consume(self, count);
    }
}

impl Read for Input {
    /// The rest of the file, for readers that need all of it.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.window().is_empty() && !self.fill().map_err(io::Error::other)? {
            return Ok(0);
        }
        let count = buffer.len().min(self.window().len());
        buffer[..count].copy_from_slice(&self.window()[..count]);
        self.consume(count);
        Ok(count)
    }
}
