//! `Container`: one that is open, and `Section`, a part of it.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::container::{
    END, ENTRY_BYTES, Entry, HEAD_BYTES, Kind, MAGIC, TAIL_BYTES, ZEROS, checksum_of, long, number,
    padded,
};
use crate::error::{Error, ErrorKind, Result};

/// Where the bytes of a container are.
pub trait Source: Send + Sync {
    /// Bytes there are.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    fn length(&self) -> io::Result<u64>;

    /// Fills the buffer from there on.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` if there are fewer bytes; else if the disk fails.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()>;
}

impl Source for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, at)
    }

    #[cfg(windows)]
    fn read_at(&self, mut buffer: &mut [u8], mut at: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(self, buffer, at)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => (buffer, at) = (&mut buffer[count..], at + count as u64),
            }
        }
        Ok(())
    }
}

/// Bytes in memory.
impl<T: AsRef<[u8]> + Send + Sync> Source for Arc<T> {
    fn length(&self) -> io::Result<u64> {
        Ok((**self).as_ref().len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        let from = usize::try_from(at).ok();
        let bytes = from.and_then(|from| (**self).as_ref().get(from..)?.get(..buffer.len()));
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A container that is open. Bytes are read when they are asked for, and each is verified then.
pub struct Container {
    source: Arc<dyn Source>,
    /// Where it begins in the source: a container can be a section of another.
    base: u64,
    bytes: u64,
    /// For errors: which file.
    name: String,
    kind: Kind,
    owner: u64,
    sections: Vec<Entry>,
}

impl Container {
    /// Opens a container. `name` tells which file it is, for errors.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it is cut, damaged, or of another kind; `ForeignVersion`; or if the disk fails.
    pub fn open(source: impl Source + 'static, name: String, kind: Kind) -> Result<Self> {
        let bytes = source.length().map_err(|error| failed(&name, 0, kind, error))?;
        Self::opened(Arc::new(source), 0..bytes, name, kind)
    }

    fn opened(
        source: Arc<dyn Source>,
        range: Range<u64>,
        name: String,
        kind: Kind,
    ) -> Result<Self> {
        let (base, bytes) = (range.start, range.end - range.start);
        let mut container =
            Self { source, base, bytes, name, kind, owner: 0, sections: Vec::new() };
        let Some(tail_at) = bytes.checked_sub(TAIL_BYTES as u64) else {
            return Err(container.damaged(0));
        };
        let (mut head, mut tail) = ([0; HEAD_BYTES], [0; TAIL_BYTES]);
        container.fill(&mut head, 0)?;
        container.check_head(&head)?;
        container.fill(&mut tail, tail_at)?;
        let damaged = || container.damaged(tail_at);
        if tail[24..] != *END || crc32fast::hash(&tail[..20]) != number(&tail[20..]) {
            return Err(damaged());
        }
        let (at, length) = (long(&tail), long(&tail[8..]));
        if at < HEAD_BYTES as u64 || at.checked_add(length) != Some(tail_at) {
            return Err(damaged());
        }
        // As many as the file has: that is no claim.
        let mut directory = vec![0; usize::try_from(length).map_err(|_| damaged())?];
        container.fill(&mut directory, at)?;
        if checksum_of(&head, &directory) != number(&tail[16..]) {
            return Err(container.damaged(at));
        }
        container.sections = entries(&directory, at).ok_or_else(|| container.damaged(at))?;
        container.owner = long(&head[32..]);
        Ok(container)
    }

    fn check_head(&self, head: &[u8; HEAD_BYTES]) -> Result<()> {
        if head[..8] != *MAGIC || crc32fast::hash(&head[..60]) != number(&head[60..]) {
            return Err(self.damaged(0));
        }
        let got = number(&head[24..]);
        if head[8..24] != padded(self.kind.name) {
            return Err(self.damaged(8));
        }
        if got != self.kind.version {
            let (what, expected) = (self.name.clone(), self.kind.version);
            return Err(Error::new(ErrorKind::ForeignVersion { what, expected, got }));
        }
        Ok(())
    }

    /// A container that is a section of this one.
    ///
    /// # Errors
    ///
    /// As [`Container::open`], and if there is no such section.
    pub fn within(&self, section: &str, kind: Kind) -> Result<Self> {
        let entry = self.section(section)?.entry;
        let from = self.base + entry.from;
        let name = format!("{}, its part {section}", self.name);
        Self::opened(Arc::clone(&self.source), from..from + entry.length, name, kind)
    }

    /// The generation it was written for; 0 if it belongs to none.
    pub fn owner(&self) -> u64 {
        self.owner
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Which file it is, for errors.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has a section of this name.
    pub fn has(&self, section: &str) -> bool {
        self.sections.iter().any(|entry| entry.name == padded(section))
    }

    /// A section.
    ///
    /// # Errors
    ///
    /// If there is none of that name.
    pub fn section(&self, name: &str) -> Result<Section<'_>> {
        let entry = self.sections.iter().find(|entry| entry.name == padded(name));
        entry.map(|entry| Section { of: self, entry }).ok_or_else(|| self.damaged(self.bytes))
    }

    /// Reads every byte and verifies every checksum.
    ///
    /// # Errors
    ///
    /// `Corrupt` naming the first damaged place.
    pub fn verify(&self) -> Result<()> {
        let mut end = HEAD_BYTES as u64;
        for entry in &self.sections {
            self.verify_zeros(end..entry.from)?;
            Section { of: self, entry }.each_chunk(|_| Ok(()))?;
            end = entry.from + entry.length;
        }
        Ok(())
    }

    /// BLAKE3 of the file, in hexadecimal digits.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn blake3(&self) -> Result<String> {
        let (mut digest, mut block, mut at) = (blake3::Hasher::new(), vec![0; 1 << 20], 0);
        while at < self.bytes {
            let count =
                usize::try_from(self.bytes - at).map_or(block.len(), |c| c.min(block.len()));
            self.fill(&mut block[..count], at)?;
            digest.update(&block[..count]);
            at += count as u64;
        }
        Ok(digest.finalize().to_hex().to_string())
    }

    /// What stands between sections.
    fn verify_zeros(&self, range: Range<u64>) -> Result<()> {
        let mut gap = ZEROS;
        let bytes =
            range.end.checked_sub(range.start).and_then(|bytes| usize::try_from(bytes).ok());
        let gap = bytes.and_then(|bytes| gap.get_mut(..bytes));
        let gap = gap.ok_or_else(|| self.damaged(range.start))?;
        self.fill(gap, range.start)?;
        if gap.iter().all(|&byte| byte == 0) { Ok(()) } else { Err(self.damaged(range.start)) }
    }

    /// The error of a file whose bytes are verified and make no sense.
    pub fn senseless(&self) -> Error {
        self.damaged(HEAD_BYTES as u64)
    }

    fn damaged(&self, at: u64) -> Error {
        let what = format!("{} (at byte {})", self.name, self.base + at);
        Error::new(ErrorKind::Corrupt { what, advice: self.kind.advice })
    }

    fn fill(&self, buffer: &mut [u8], at: u64) -> Result<()> {
        let read = self.source.read_at(buffer, self.base + at);
        read.map_err(|error| failed(&self.name, self.base + at, self.kind, error))
    }
}

impl std::fmt::Debug for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Container")
            .field("name", &self.name)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// A section of an open container.
#[derive(Clone, Copy, Debug)]
pub struct Section<'a> {
    of: &'a Container,
    entry: &'a Entry,
}

impl Section<'_> {
    /// Its bytes.
    pub fn length(&self) -> u64 {
        self.entry.length
    }

    /// Where its bytes stand in the source, for who maps it.
    pub fn range(&self) -> Range<u64> {
        let from = self.of.base + self.entry.from;
        from..from + self.entry.length
    }

    /// Bytes of a chunk, and the crc32 of each, for who verifies chunks of a mapped section himself.
    pub fn checksums(&self) -> (u32, &[u32]) {
        (self.entry.chunk, &self.entry.checksums)
    }

    /// Shows every chunk, in order, verified.
    ///
    /// # Errors
    ///
    /// `Corrupt` at the first chunk that is damaged or missing; the error of `show`.
    pub fn each_chunk(&self, mut show: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut buffer = Vec::new();
        for chunk in 0..self.entry.checksums.len() as u64 {
            self.chunk(chunk, &mut buffer)?;
            show(&buffer)?;
        }
        Ok(())
    }

    /// All of it.
    ///
    /// # Errors
    ///
    /// As [`Section::each_chunk`].
    pub fn read(&self) -> Result<Vec<u8>> {
        // The directory was checked: there are as many bytes.
        let mut bytes = Vec::with_capacity(usize::try_from(self.entry.length).unwrap_or(0));
        self.each_chunk(|chunk| {
            bytes.extend_from_slice(chunk);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// All of it as numbers of `N` bytes each.
    ///
    /// # Errors
    ///
    /// As [`Section::each_chunk`]; `Corrupt` if its length is no multiple of `N`.
    pub fn numbers<T, const N: usize>(&self, of_bytes: impl Fn([u8; N]) -> T) -> Result<Vec<T>> {
        let size = N as u64;
        if !self.entry.length.is_multiple_of(size)
            || !u64::from(self.entry.chunk).is_multiple_of(size)
        {
            return Err(self.of.senseless());
        }
        let mut numbers =
            Vec::with_capacity(usize::try_from(self.entry.length / size).unwrap_or(0));
        self.each_chunk(|chunk| {
            numbers.extend(chunk.as_chunks::<N>().0.iter().map(|&bytes| of_bytes(bytes)));
            Ok(())
        })?;
        Ok(numbers)
    }

    /// Some of its bytes, in place of those in `buffer`; the chunks they lie in are read and verified.
    ///
    /// # Errors
    ///
    /// As [`Section::each_chunk`]; `Corrupt` if there are no such bytes.
    pub fn at(&self, range: Range<u64>, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.clear();
        if range.start > range.end || range.end > self.entry.length {
            return Err(self.of.senseless());
        }
        let size = u64::from(self.entry.chunk);
        let mut chunk = Vec::new();
        for number in range.start / size..range.end.div_ceil(size) {
            self.chunk(number, &mut chunk)?;
            let first = number * size;
            let here = |at: u64| usize::try_from(at.saturating_sub(first)).unwrap_or(usize::MAX);
            let end = here(range.end).min(chunk.len());
            buffer.extend_from_slice(&chunk[here(range.start).min(end)..end]);
        }
        Ok(())
    }

    fn chunk(&self, number: u64, buffer: &mut Vec<u8>) -> Result<()> {
        let size = u64::from(self.entry.chunk);
        let first = number * size;
        let bytes = size.min(self.entry.length - first);
        buffer.resize(usize::try_from(bytes).unwrap_or(usize::MAX), 0);
        let at = self.entry.from + first;
        self.of.fill(buffer, at)?;
        let expected = usize::try_from(number).ok().and_then(|i| self.entry.checksums.get(i));
        if expected == Some(&crc32fast::hash(buffer)) { Ok(()) } else { Err(self.of.damaged(at)) }
    }
}

/// The directory's entries; none if they contradict each other or the file's length.
fn entries(mut rest: &[u8], end: u64) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut before = HEAD_BYTES as u64;
    while !rest.is_empty() {
        let (entry, after) = rest.split_at_checked(ENTRY_BYTES)?;
        let (name, numbers) = entry.split_first_chunk()?;
        let (from, length) = (long(numbers), long(&numbers[8..]));
        let chunk = number(&numbers[16..]);
        if from < before || from.checked_add(length)? > end || chunk == 0 {
            return None;
        }
        before = from + length;
        let chunks = usize::try_from(length.div_ceil(u64::from(chunk))).ok()?;
        let (checksums, after) = after.split_at_checked(chunks.checked_mul(4)?)?;
        let checksums = checksums.as_chunks().0.iter().map(|&bytes| u32::from_le_bytes(bytes));
        let checksums = checksums.collect();
        entries.push(Entry { name: *name, from, length, chunk, checksums });
        rest = after;
    }
    Some(entries)
}

fn failed(name: &str, at: u64, kind: Kind, error: io::Error) -> Error {
    let what = format!("{name} (at byte {at})");
    if error.kind() == io::ErrorKind::UnexpectedEof {
        // It was cut.
        return Error::caused(ErrorKind::Corrupt { what, advice: kind.advice }, error);
    }
    Error::disk(error).context(format!("reading {what}"))
}
