//! Streamed text becomes a corpus: parts that end anywhere become clean bytes or lines, and memory and
//! disk are taken of the budgets of jobs before they are used.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::budget::Share;
use crate::engine::Shared;
use crate::engine::digest::Digest;
use crate::error::{Context as _, Error, Result};
use crate::format::source::Spool;
use crate::limits;
use crate::text::without_bom;
use crate::training::Spill;

/// Stands for bytes that are no character.
const REPLACEMENT: &str = "\u{fffd}";
/// How packed files begin: gzip, bzip2, zstd, xz.
const PACKED: [(&[u8], &str); 4] = [
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\x00", "xz"),
];
/// Bytes that tell whether text is packed.
const BEGINNING: usize = 6;

/// Gives the next bytes of the text; none at the end.
pub(super) type Next<'a> = &'a mut dyn FnMut() -> Result<Option<Vec<u8>>>;
/// Told after each part how many bytes there were: an error ends it.
pub(super) type Told<'a> = &'a mut dyn FnMut(u64) -> Result<()>;

/// A text as it arrives.
pub(super) struct Arriving<'a> {
    next: Next<'a>,
    told: Told<'a>,
    digest: Digest,
    part: String,
    /// What of the part was read.
    at: usize,
    /// The beginning of a character, or of the text.
    rest: Vec<u8>,
    has_begun: bool,
    has_ended: bool,
    bytes: u64,
    repaired: u64,
    cuts: u64,
    /// Why a reader was told that reading failed.
    failed: Option<Error>,
}

/// What is known of a text at its end.
#[derive(Clone, Debug)]
pub(super) struct Arrived {
    /// In all.
    pub(super) bytes: u64,
    /// Places that were not UTF-8.
    pub(super) repaired: u64,
    /// Times that a line was cut, because it was too long for a text.
    pub(super) cuts: u64,
    /// In hexadecimal digits.
    pub(super) sha256: String,
}

impl<'a> Arriving<'a> {
    pub(super) fn new(next: Next<'a>, told: Told<'a>) -> Result<Self> {
        Ok(Self {
            next,
            told,
            digest: Digest::start()?,
            part: String::new(),
            at: 0,
            rest: Vec::new(),
            has_begun: false,
            has_ended: false,
            bytes: 0,
            repaired: 0,
            cuts: 0,
            failed: None,
        })
    }

    /// Why reading failed, if a reader was told so: an error of reading holds no error of ours.
    pub(super) fn failure(&mut self) -> Option<Error> {
        self.failed.take()
    }

    pub(super) fn end(self) -> Arrived {
        let Self { bytes, repaired, cuts, digest, .. } = self;
        Arrived { bytes, repaired, cuts, sha256: digest.finish() }
    }

    /// Hands out each line with its number, from 1, without its end. One that is too long for a text is
    /// cut between characters.
    pub(super) fn lines(&mut self, mut take: impl FnMut(u64, &str) -> Result<()>) -> Result<()> {
        let (mut line, mut number) = (String::new(), 1);
        while self.fill()? {
            for piece in self.part.split_inclusive('\n') {
                line.push_str(piece);
                while line.len() > limits::TEXT_BYTES_MAX {
                    let rest = line.split_off(line.floor_char_boundary(limits::TEXT_BYTES_MAX));
                    take(number, &line)?;
                    line = rest;
                    self.cuts += 1;
                }
                if line.ends_with('\n') {
                    take(number, line.trim_end_matches(['\n', '\r']))?;
                    line.clear();
                    number += 1;
                }
            }
        }
        if line.is_empty() { Ok(()) } else { take(number, &line) }
    }

    /// Takes the next part; says whether there is one. None is empty.
    fn fill(&mut self) -> Result<bool> {
        while !self.has_ended {
            let mut bytes = std::mem::take(&mut self.rest);
            match (self.next)()? {
                Some(part) => {
                    self.digest.update(&part);
                    self.bytes += part.len() as u64;
                    (self.told)(self.bytes)?;
                    if bytes.is_empty() {
                        bytes = part;
                    } else {
                        bytes.extend_from_slice(&part);
                    }
                }
                None => self.has_ended = true,
            }
            if !self.has_begun {
                if bytes.len() < BEGINNING && !self.has_ended {
                    self.rest = bytes;
                    continue;
                }
                self.has_begun = true;
                if let Some((_, name)) = PACKED.iter().find(|(magic, _)| bytes.starts_with(magic)) {
                    let problem = format!("it is packed with {name}: send it unpacked");
                    return Err(Error::invalid("text", problem));
                }
                bytes = without_bom(&bytes).to_vec();
            }
            (self.part, self.at) = (self.clean(bytes), 0);
            if !self.part.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The characters of bytes; one that may go on in the next part waits for it.
    fn clean(&mut self, bytes: Vec<u8>) -> String {
        let bytes = match String::from_utf8(bytes) {
            Ok(text) => return text,
            Err(error) => error.into_bytes(),
        };
        let mut text = String::with_capacity(bytes.len());
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let broken = chunk.invalid();
            let may_go_on = chunks.peek().is_none()
                && !self.has_ended
                && str::from_utf8(broken).is_err_and(|error| error.error_len().is_none());
            if may_go_on {
                self.rest = broken.to_vec();
            } else if !broken.is_empty() {
                self.repaired += 1;
                text.push_str(REPLACEMENT);
            }
        }
        text
    }
}

impl Read for Arriving<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.part.len() {
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                Err(error) => {
                    let told = std::io::Error::other(error.to_string());
                    self.failed = Some(error);
                    return Err(told);
                }
            }
        }
        let rest = self.part.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

/// Files without names for what has no room in memory, and their part of the disk's budget. Every clone is
/// the same.
#[derive(Clone)]
pub(super) struct Spilled(Arc<Mutex<Files>>);

struct Files {
    spool: Spool,
    made: Vec<File>,
    share: Share,
}

impl Spilled {
    pub(super) fn new(shared: &Shared) -> Self {
        let spool = Spool::new(&shared.data);
        let share = Share::of(&shared.disk);
        Self(Arc::new(Mutex::new(Files { spool, made: Vec::new(), share })))
    }

    /// Makes a file when one is needed.
    pub(super) fn spill(&self) -> Spill {
        let spilled = self.clone();
        Box::new(move || {
            let mut files = spilled.0.lock();
            let file = files.spool.file()?;
            files.made.push(file.try_clone().map_err(Error::disk)?);
            Ok(file)
        })
    }

    /// Takes what the files have grown by of the budget.
    pub(super) fn account(&self) -> Result<()> {
        let mut files = self.0.lock();
        let mut bytes = 0;
        for file in &files.made {
            bytes += file.metadata().map_err(Error::disk)?.len();
        }
        let more = bytes.saturating_sub(files.share.bytes());
        if more == 0 {
            return Ok(());
        }
        files.share.grow(more).context(|| "the text as numbers")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    fn arrive(text: &[u8], size: usize) -> (Vec<u8>, Vec<(u64, String)>, u64) {
        let parts = |text: &[u8]| text.chunks(size).map(<[u8]>::to_vec).collect::<VecDeque<_>>();
        let (mut first, mut second) = (parts(text), parts(text));
        let mut next = || Ok(first.pop_front());
        let mut told = |_| Ok(());
        let mut read = Vec::new();
        let mut arriving = Arriving::new(&mut next, &mut told).unwrap();
        arriving.read_to_end(&mut read).unwrap();
        let repaired = arriving.end().repaired;
        let mut next = || Ok(second.pop_front());
        let mut told = |_| Ok(());
        let mut lines = Vec::new();
        let mut arriving = Arriving::new(&mut next, &mut told).unwrap();
        arriving
            .lines(|number, line| {
                lines.push((number, line.to_owned()));
                Ok(())
            })
            .unwrap();
        assert_eq!(arriving.end().repaired, repaired);
        (read, lines, repaired)
    }

    #[test]
    fn text_is_the_same_however_its_bytes_come() {
        let text = b"\xef\xbb\xbfa \xc3\xa9\r\n\n\xffb\xe2\x82 c\xf0\x9f\x98\x80\nd\xe2\x82";
        let clean = "a \u{e9}\r\n\n\u{fffd}b\u{fffd} c\u{1f600}\nd\u{fffd}";
        let lines = ["a \u{e9}", "", "\u{fffd}b\u{fffd} c\u{1f600}", "d\u{fffd}"];
        let lines: Vec<_> = (1..).zip(lines.map(str::to_owned)).collect();
        for size in 1..=text.len() {
            let (read, cut, repaired) = arrive(text, size);
            assert_eq!(read, clean.as_bytes(), "{size}");
            assert_eq!((cut, repaired), (lines.clone(), 3), "{size}");
        }
        assert_eq!(arrive(b"", 1), (Vec::new(), Vec::new(), 0));
    }

    #[test]
    fn a_line_without_an_end_is_cut_and_packed_text_is_refused() {
        let long = "\u{e9}".repeat(limits::TEXT_BYTES_MAX);
        let (_, lines, _) = arrive(long.as_bytes(), 100_001);
        assert_eq!(lines.len(), 2);
        let joined: String = lines.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(joined, long);
        let mut parts = VecDeque::from([vec![0x1f], vec![0x8b; 9]]);
        let mut next = || Ok(parts.pop_front());
        let mut told = |_| Ok(());
        let mut arriving = Arriving::new(&mut next, &mut told).unwrap();
        assert!(arriving.read(&mut [0; 9]).is_err());
        let error = arriving.failure().unwrap().to_string();
        assert!(error.contains("packed with gzip"), "{error}");
    }
}
