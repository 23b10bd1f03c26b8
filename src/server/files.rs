//! The files of an import's stream: chunks become files, one behind the other.

use std::io::{self, Read};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::{At, Error, ErrorKind, Result};
use crate::format::source::{Body, Files, Named};
use crate::proto as pb;
use crate::proto::import_request::Part;
use crate::server::job::Input;

/// The main file, then those that the stream begins.
pub(super) struct StreamFiles {
    parts: Arc<Mutex<Parts>>,
    /// The main file's name until it is asked for.
    main: Option<String>,
    /// Numbers files, so that a reader of an earlier one finds itself at its end.
    number: usize,
}

/// What is left of a stream.
struct Parts {
    receiver: Input<Part>,
    chunk: Vec<u8>,
    at: usize,
    /// The file that the chunks belong to.
    number: usize,
    /// Its size, if it was announced, and its bytes so far.
    size: Option<u64>,
    got: u64,
    /// The file that begins behind the current one.
    next: Option<pb::ImportFile>,
    /// What ended the stream, if it broke: told to whoever reads on, or it would look like an end.
    failed: Option<ErrorKind>,
}

impl StreamFiles {
    pub(super) fn new(receiver: Input<Part>, name: String) -> Self {
        let parts = Parts {
            receiver,
            chunk: Vec::new(),
            at: 0,
            number: 0,
            // The importer checks the main file's.
            size: None,
            got: 0,
            next: None,
            failed: None,
        };
        Self { parts: Arc::new(Mutex::new(parts)), main: Some(name), number: 0 }
    }

    fn stream(&self, name: String) -> Named {
        let reader = FileReader { parts: Arc::clone(&self.parts), number: self.number };
        Named { name, body: Body::Stream(Box::new(reader)) }
    }
}

impl Files for StreamFiles {
    fn next(&mut self) -> Result<Option<Named>> {
        if let Some(name) = self.main.take() {
            return Ok(Some(self.stream(name)));
        }
        let file = {
            let mut parts = self.parts.lock();
            while parts.fill()? {
                parts.at = parts.chunk.len();
            }
            let Some(file) = parts.next.take() else { return Ok(None) };
            parts.number += 1;
            parts.size = file.size_bytes;
            parts.got = 0;
            file
        };
        self.number += 1;
        if file.name.is_empty() || file.name.contains(['/', '\\']) {
            let problem = "a name without folders is needed: companions are found by it";
            return Err(Error::invalid("file.name", problem));
        }
        Ok(Some(self.stream(file.name)))
    }
}

impl Parts {
    /// Waits for bytes of the current file; false at its end.
    fn fill(&mut self) -> Result<bool> {
        if let Some(kind) = &self.failed {
            return Err(Error::new(kind.clone()));
        }
        let filled = self.receive();
        self.failed = filled.as_ref().err().map(|error| error.kind().clone());
        filled
    }

    fn receive(&mut self) -> Result<bool> {
        while self.at == self.chunk.len() && self.next.is_none() {
            match self.receiver.next() {
                None => {
                    self.check_size()?;
                    return Ok(false);
                }
                Some(Ok(Part::Chunk(chunk))) => {
                    self.got += chunk.len() as u64;
                    self.chunk = chunk;
                    self.at = 0;
                }
                Some(Ok(Part::File(file))) => {
                    self.check_size()?;
                    self.next = Some(file);
                }
                Some(Ok(Part::Header(_) | Part::Rows(_))) => {
                    let problem = "after the header of a file come only chunks and further files";
                    return Err(Error::invalid("part", problem));
                }
                Some(Err(error)) => return Err(error),
            }
        }
        Ok(self.at < self.chunk.len())
    }

    fn check_size(&mut self) -> Result<()> {
        let got = self.got;
        match self.size.take().filter(|&size| size != got) {
            None => Ok(()),
            Some(size) => Err(Error::new(ErrorKind::Malformed {
                format: "companion",
                at: At::Byte(got),
                problem: format!("the file has {got} bytes, {size} were announced"),
            })),
        }
    }
}

/// One file. An error of the stream comes out inside an `io::Error`.
struct FileReader {
    parts: Arc<Mutex<Parts>>,
    number: usize,
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut parts = self.parts.lock();
        if parts.number != self.number || !parts.fill().map_err(io::Error::other)? {
            return Ok(0);
        }
        let at = parts.at;
        let count = buffer.len().min(parts.chunk.len() - at);
        buffer[..count].copy_from_slice(&parts.chunk[at..at + count]);
        parts.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_broke_never_looks_like_its_end() {
        let broke = Err(Error::new(ErrorKind::Cancelled));
        let input = Input::of(vec![Ok(Part::Chunk(b"ab".to_vec())), broke]);
        let mut files = StreamFiles::new(input, "main".to_owned());
        let Some(Named { body: Body::Stream(mut main), .. }) = files.next().unwrap() else {
            unreachable!("the main file comes first")
        };
        let mut bytes = [0; 8];
        assert_eq!(main.read(&mut bytes).unwrap(), 2);
        for _ in 0..2 {
            let error = main.read(&mut bytes).unwrap_err().downcast::<Error>().unwrap();
            assert_eq!(error.kind(), &ErrorKind::Cancelled);
        }
        assert_eq!(files.next().unwrap_err().kind(), &ErrorKind::Cancelled);
    }
}
