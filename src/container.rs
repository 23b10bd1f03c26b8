//! `Container`: the one sealed file in which everything that is kept lies: sections of bytes, each with
//! checksums, so that a file is read in part or whole and never believed where it was changed.
//!
//! Everything is little-endian.
//!
//! ```text
//! +------------------------------------------------------------+  0
//! | magic: "WSPACE", 0, 1                               8 bytes |
//! | kind, such as "vectors", zeros behind it           16 bytes |
//! | version of the kind                                     u32 |
//! | zeros                                                   u32 |
//! | owner: the generation it was written for, or 0          u64 |
//! | zeros                                              20 bytes |
//! | crc32 of the 60 bytes before                            u32 |
//! +------------------------------------------------------------+  64
//! | sections, each from a multiple of 64 on; zeros between      |
//! +------------------------------------------------------------+
//! | directory: for each section its name, 16 bytes; where it    |
//! |   begins u64; its length u64; bytes of a chunk u32; and the |
//! |   crc32 of each of its chunks, the last of which is short   |
//! +------------------------------------------------------------+
//! | where the directory begins                              u64 |
//! | bytes of the directory                                  u64 |
//! | crc32 of the first 64 bytes and of the directory        u32 |
//! | crc32 of the 20 bytes before                            u32 |
//! | magic: "WSPACEND"                                   8 bytes |
//! +------------------------------------------------------------+  the file's length
//! ```
//!
//! A file is written in one pass, so it can go to a pipe; it is opened from its end. Beside the
//! checksums, which find what a disk does to a file, a writer computes the BLAKE3 digest of the whole
//! file, by which manifests and backups know it.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use crc32fast::Hasher;

use crate::error::{Error, ErrorKind, Result};

const MAGIC: &[u8; 8] = b"WSPACE\0\x01";
const END: &[u8; 8] = b"WSPACEND";
const HEAD_BYTES: usize = 64;
const TAIL_BYTES: usize = 32;
const NAME_BYTES: usize = 16;
/// Sections begin at multiples of it: a cache line.
const ALIGNMENT: u64 = 64;
const ZEROS: [u8; 64] = [0; 64];
/// Of a directory's entry, without checksums.
const ENTRY_BYTES: usize = NAME_BYTES + 8 + 8 + 4;

/// Bytes of a chunk of a section that is read from end to end.
pub const CHUNK_BYTES: u32 = 256 << 10;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// At most 16 bytes.
    pub name: &'static str,
    /// The version that this program writes, and the only one it reads.
    pub version: u32,
    /// What to do if such a file is damaged.
    pub advice: &'static str,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Bytes of the file.
    pub bytes: u64,
    /// BLAKE3 of the file, in hexadecimal digits.
    pub blake3: String,
}

#[derive(Debug)]
struct Entry {
    name: [u8; NAME_BYTES],
    from: u64,
    length: u64,
    chunk: u32,
    checksums: Vec<u32>,
}

/// Writes a container, section by section.
pub struct Writer<W: Write> {
    out: W,
    at: u64,
    digest: blake3::Hasher,
    head: [u8; HEAD_BYTES],
    sections: Vec<Entry>,
    /// Of the chunk that is being written, and its bytes so far.
    checksum: Hasher,
    in_chunk: u32,
}

impl<W: Write> Writer<W> {
    /// Begins a file. `owner` is the generation it is written for; 0 if it belongs to none.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn new(out: W, kind: Kind, owner: u64) -> Result<Self> {
        let mut head = [0; HEAD_BYTES];
        head[..8].copy_from_slice(MAGIC);
        head[8..24].copy_from_slice(&padded(kind.name));
        head[24..28].copy_from_slice(&kind.version.to_le_bytes());
        head[32..40].copy_from_slice(&owner.to_le_bytes());
        let checksum = crc32fast::hash(&head[..60]);
        head[60..].copy_from_slice(&checksum.to_le_bytes());
        let (digest, checksum) = (blake3::Hasher::new(), Hasher::new());
        let mut writer =
            Self { out, at: 0, digest, head, sections: Vec::new(), checksum, in_chunk: 0 };
        writer.put(&head)?;
        Ok(writer)
    }

    /// Begins a section whose checksums are of `chunk` bytes each: what is read at once later.
    ///
    /// # Errors
    ///
    /// If the output fails.
    ///
    /// # Panics
    ///
    /// If a chunk has no bytes, or the name has over 16.
    pub fn section(&mut self, name: &str, chunk: u32) -> Result<()> {
        assert!(chunk > 0, "a chunk has bytes");
        self.end_section();
        let gap = usize::try_from(self.at.next_multiple_of(ALIGNMENT) - self.at).unwrap_or(0);
        self.put(&ZEROS[..gap])?;
        let (name, from) = (padded(name), self.at);
        self.sections.push(Entry { name, from, length: 0, chunk, checksums: Vec::new() });
        Ok(())
    }

    /// Writes bytes of the section that was begun last.
    ///
    /// # Errors
    ///
    /// If the output fails.
    ///
    /// # Panics
    ///
    /// If no section was begun.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let section = self.sections.last_mut().expect("a section was begun");
        section.length += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = (section.chunk - self.in_chunk) as usize;
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.checksum.update(now);
            self.in_chunk += u32::try_from(now.len()).unwrap_or(u32::MAX);
            if self.in_chunk == section.chunk {
                section.checksums.push(std::mem::take(&mut self.checksum).finalize());
                self.in_chunk = 0;
            }
            rest = later;
        }
        self.put(bytes)
    }

    /// Ends the file; the output is given back, neither flushed nor synced.
    ///
    /// # Errors
    ///
    /// If the output fails.
    pub fn finish(mut self) -> Result<(W, Sealed)> {
        self.end_section();
        let mut directory = Vec::new();
        for section in &self.sections {
            directory.extend_from_slice(&section.name);
            directory.extend_from_slice(&section.from.to_le_bytes());
            directory.extend_from_slice(&section.length.to_le_bytes());
            directory.extend_from_slice(&section.chunk.to_le_bytes());
            directory.extend(section.checksums.iter().flat_map(|checksum| checksum.to_le_bytes()));
        }
        let mut tail = Vec::with_capacity(TAIL_BYTES);
        tail.extend_from_slice(&self.at.to_le_bytes());
        tail.extend_from_slice(&(directory.len() as u64).to_le_bytes());
        tail.extend_from_slice(&checksum_of(&self.head, &directory).to_le_bytes());
        tail.extend_from_slice(&crc32fast::hash(&tail).to_le_bytes());
        tail.extend_from_slice(END);
        self.put(&directory)?;
        self.put(&tail)?;
        let blake3 = self.digest.finalize().to_hex().to_string();
        Ok((self.out, Sealed { bytes: self.at, blake3 }))
    }

    fn end_section(&mut self) {
        if self.in_chunk > 0
            && let Some(section) = self.sections.last_mut()
        {
            section.checksums.push(std::mem::take(&mut self.checksum).finalize());
            self.in_chunk = 0;
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.digest.update(bytes);
        self.at += bytes.len() as u64;
        // An error of ours comes out as it is.
        let written = self.out.write_all(bytes);
        written.map_err(|error| error.downcast().unwrap_or_else(Error::disk))
    }
}

impl<W: Write> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("at", &self.at).finish_non_exhaustive()
    }
}

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

fn padded(name: &str) -> [u8; NAME_BYTES] {
    let mut padded = [0; NAME_BYTES];
    padded[..name.len()].copy_from_slice(name.as_bytes());
    padded
}

fn checksum_of(head: &[u8], directory: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(head);
    hasher.update(directory);
    hasher.finalize()
}

/// The number at the beginning of bytes that have one.
fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |&bytes| u32::from_le_bytes(bytes))
}

fn long(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |&bytes| u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind { name: "test", version: 3, advice: "write it again" };

    fn written() -> (Vec<u8>, Sealed) {
        let mut writer = Writer::new(Vec::new(), KIND, 42).unwrap();
        writer.section("empty", 8).unwrap();
        writer.section("numbers", 8).unwrap();
        for number in 0..5_u32 {
            writer.write(&number.to_le_bytes()).unwrap();
        }
        writer.section("text", 1_000).unwrap();
        writer.write(b"some words").unwrap();
        writer.finish().unwrap()
    }

    fn opened(bytes: &[u8]) -> Result<Container> {
        Container::open(Arc::new(bytes.to_vec()), "a file".to_owned(), KIND)
    }

    fn read(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u32>, Vec<u8>)> {
        let container = opened(bytes)?;
        container.verify()?;
        let numbers = container.section("numbers")?.numbers(u32::from_le_bytes)?;
        Ok((container.section("empty")?.read()?, numbers, container.section("text")?.read()?))
    }

    #[test]
    fn what_was_written_is_read_whole_and_in_part() {
        let (bytes, sealed) = written();
        assert_eq!(sealed.bytes, bytes.len() as u64);
        assert_eq!(sealed.blake3, blake3::hash(&bytes).to_hex().to_string());
        let (empty, numbers, text) = read(&bytes).unwrap();
        assert_eq!((&empty[..], &numbers[..]), (&b""[..], &[0, 1, 2, 3, 4][..]));
        assert_eq!(text, b"some words");
        let container = opened(&bytes).unwrap();
        assert_eq!(container.owner(), 42);
        assert!(container.has("text") && !container.has("tex"));
        let numbers = container.section("numbers").unwrap();
        let mut some = Vec::new();
        for (from, to) in [(0, 20), (3, 9), (7, 8), (8, 8), (16, 20), (20, 20)] {
            numbers.at(from..to, &mut some).unwrap();
            let all: Vec<u8> = (0..5_u32).flat_map(u32::to_le_bytes).collect();
            assert_eq!(some, all[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()]);
        }
        assert!(numbers.at(19..21, &mut some).is_err());

        let mut outer = Writer::new(Vec::new(), Kind { name: "outer", ..KIND }, 0).unwrap();
        outer.section("inner", 7).unwrap();
        outer.write(&bytes).unwrap();
        let outer = Arc::new(outer.finish().unwrap().0);
        let outer = Container::open(outer, "outer".to_owned(), Kind { name: "outer", ..KIND });
        let inner = outer.unwrap().within("inner", KIND).unwrap();
        assert_eq!(inner.section("text").unwrap().read().unwrap(), b"some words");
    }

    #[test]
    fn no_changed_or_missing_byte_is_believed() {
        let (bytes, _) = written();
        let refused = |bytes: &[u8], what: String| {
            let error = read(bytes).expect_err(&what);
            let is_damage = matches!(error.kind(), ErrorKind::Corrupt { .. });
            assert!(is_damage && error.to_string().contains("a file (at byte"), "{what}: {error}");
        };
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            refused(&flipped, format!("byte {at} flipped"));
            refused(&bytes[..at], format!("cut at {at}"));
        }
        refused(&[&bytes[..], &[0]].concat(), "a byte more".to_owned());
        let other = Kind { name: "other", ..KIND };
        let error = Container::open(Arc::new(bytes.clone()), String::new(), other).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }));
        let newer = Kind { version: 4, ..KIND };
        let error = Container::open(Arc::new(bytes), String::new(), newer).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ForeignVersion { expected: 4, got: 3, .. }));
    }

    #[test]
    fn no_length_is_believed_even_under_a_right_checksum() {
        let (bytes, _) = written();
        let tail = bytes.len() - TAIL_BYTES;
        let directory = usize::try_from(long(&bytes[tail..])).unwrap();
        for at in directory..tail {
            for value in [0, 0x7f, 0xff] {
                let mut forged = bytes.clone();
                forged[at] = value;
                let checksum = checksum_of(&forged[..HEAD_BYTES], &forged[directory..tail]);
                forged[tail + 16..tail + 20].copy_from_slice(&checksum.to_le_bytes());
                let checksum = crc32fast::hash(&forged[tail..tail + 20]);
                forged[tail + 20..tail + 24].copy_from_slice(&checksum.to_le_bytes());
                // Right or refused; it must not panic, nor take memory for what is not there.
                let _ = read(&forged);
            }
        }
    }
}
