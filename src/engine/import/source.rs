//! What an import reads: files whose bytes are counted, and rows without a file.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::engine::digest::Digest;
use crate::engine::import::options::{Rows, WholeRow};
use crate::error::{At, Error, ErrorKind, Result};
use crate::format::source::{Body, Files, Named};
use crate::format::{self, Fault, Row, RowReader, Step};

/// Bytes read: of the main file, and of all.
#[derive(Clone, Default)]
pub(super) struct Counts {
    pub(super) main: Arc<AtomicU64>,
    pub(super) all: Arc<AtomicU64>,
    /// Of the main file; none until it is read, and when it is known.
    digest: Arc<Mutex<Option<Digest>>>,
}

impl Counts {
    /// In hexadecimal digits; empty if there was no file.
    pub(super) fn sha256(&self) -> String {
        let digest = self.digest.lock().take();
        match digest.filter(|_| self.main.load(Ordering::Relaxed) > 0) {
            Some(digest) => digest.finish(),
            None => String::new(),
        }
    }

    fn count(&self, bytes: &[u8], is_main: bool) {
        self.all.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if is_main {
            self.main.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            if let Some(digest) = &mut *self.digest.lock() {
                digest.update(bytes);
            }
        }
    }
}

/// Counts the bytes of a source.
pub(super) struct CountedFiles {
    pub(super) files: Box<dyn Files>,
    pub(super) counts: Counts,
    pub(super) begun: usize,
}

impl Files for CountedFiles {
    fn next(&mut self) -> Result<Option<Named>> {
        let Some(Named { name, body }) = self.files.next()? else { return Ok(None) };
        let is_main = self.begun == 0;
        self.begun += 1;
        if is_main {
            *self.counts.digest.lock() = Some(Digest::start()?);
        }
        let counts = self.counts.clone();
        let body = match body {
            Body::Stream(bytes) => Body::Stream(Box::new(Counted { bytes, counts, is_main })),
            Body::Whole(bytes) => {
                counts.count(&bytes, is_main);
                Body::Whole(bytes)
            }
        };
        Ok(Some(Named { name, body }))
    }
}

struct Counted {
    bytes: Box<dyn Read + Send>,
    counts: Counts,
    is_main: bool,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.counts.count(&buffer[..count], self.is_main);
        Ok(count)
    }
}

/// Rows without a file, read as if they were one; the first row tells the dimension.
pub(super) struct RowsReader {
    rows: Rows,
    first: Option<WholeRow>,
    dim: usize,
    count: u64,
}

impl RowsReader {
    pub(super) fn new(mut rows: Rows) -> Result<Self> {
        let first = rows.next().transpose()?;
        let Some((_, vector, _)) = &first else {
            let problem = "there are no rows".to_owned();
            return Err(Error::new(ErrorKind::Malformed {
                format: "rows",
                at: At::Line(1),
                problem,
            }));
        };
        Ok(Self { dim: vector.len(), rows, first, count: 0 })
    }
}

impl RowReader for RowsReader {
    fn dim(&self) -> usize {
        self.dim
    }

    fn claimed_rows(&self) -> Option<u64> {
        None
    }

    fn read(&mut self, row: &mut Row) -> Result<Step> {
        let next = match self.first.take() {
            Some(first) => Some(first),
            None => self.rows.next().transpose()?,
        };
        let Some((word, vector, attributes)) = next else { return Ok(Step::End) };
        self.count += 1;
        let at = At::Line(self.count);
        let fault = if word.is_empty() {
            Some((format::Reason::EmptyWord, "there is no word".to_owned()))
        } else if vector.len() != self.dim {
            let detail = format!("{} components, the first row has {}", vector.len(), self.dim);
            Some((format::Reason::WrongDimension, detail))
        } else {
            None
        };
        if let Some((reason, detail)) = fault {
            return Ok(Step::Fault(Fault {
                reason,
                at,
                word: String::from_utf8_lossy(&word).into_owned(),
                detail,
            }));
        }
        *row = Row { word, vector, at, attributes };
        Ok(Step::Row)
    }
}
