//! `Writer`: a container as it is written.

use std::io::Write;

use crc32fast::Hasher;

use crate::container::{
    ALIGNMENT, END, Entry, HEAD_BYTES, Kind, MAGIC, TAIL_BYTES, ZEROS, checksum_of, padded,
};
use crate::error::{Error, Result};

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Bytes of the file.
    pub bytes: u64,
    /// BLAKE3 of the file, in hexadecimal digits.
    pub blake3: String,
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
