//! zip archives. Their files are unpacked one by one, as streams, and nothing is ever written under a
//! name from the archive.

use std::io::{self, BufReader, Cursor, Read};
use std::ops::Range;

use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::error::{At, Error, ErrorKind, Result};
use crate::format::source::{self, Bytes, Spool};
use crate::format::{malformed, shown};

const NAME: &str = "zip";
pub(in crate::format) const MAGIC: &[u8] = b"PK\x03\x04";
/// Members that are listed; `PyTorch` models have thousands.
const MEMBERS_MAX: usize = 65_536;

/// A member.
struct Member {
    name: String,
    begin: usize,
    packed: usize,
    size: u64,
    crc: u32,
    deflated: bool,
}

/// An archive whose members are listed.
pub(in crate::format) struct Zip {
    bytes: Bytes,
    members: Vec<Member>,
}

impl Zip {
    pub(in crate::format) fn open(bytes: &Bytes) -> Result<Self> {
        Ok(Self { members: members(bytes)?, bytes: bytes.clone() })
    }

    /// The names of the files within.
    pub(in crate::format) fn names(&self) -> Vec<&str> {
        self.members.iter().map(|member| member.name.as_str()).collect()
    }

    /// All of a file.
    pub(in crate::format) fn keep(&self, name: &str, spool: &Spool) -> Result<Bytes> {
        let member = self.members.iter().find(|member| member.name == name);
        let member = member.ok_or_else(|| {
            let problem = format!("the archive has no file \"{}\"", shown(name.as_bytes()));
            malformed(NAME, At::Byte(0), problem)
        })?;
        let mut unpacked = BufReader::with_capacity(source::BLOCK, member.stream(&self.bytes)?);
        spool.keep(&mut unpacked)
    }

    /// Where a file's bytes stand in the archive, if they are not packed.
    pub(in crate::format) fn place(&self, name: &str) -> Option<Range<usize>> {
        let member = self.members.iter().find(|member| member.name == name && !member.deflated)?;
        Some(member.begin..member.begin.checked_add(member.packed)?)
    }

    /// The only file, with its name.
    pub(in crate::format) fn only(&self) -> Result<(String, Box<dyn Read + Send>)> {
        match self.members.as_slice() {
            [only] => Ok((only.name.clone(), only.stream(&self.bytes)?)),
            [] => Err(malformed(NAME, At::Byte(0), "the archive is empty")),
            many => {
                let names: Vec<String> =
                    many.iter().take(8).map(|member| shown(member.name.as_bytes())).collect();
                let problem = format!(
                    "the archive has {} files; unpack it and name one: {}",
                    many.len(),
                    names.join(", ")
                );
                Err(malformed(NAME, At::Byte(0), problem))
            }
        }
    }
}

fn members(bytes: &Bytes) -> Result<Vec<Member>> {
    let broken = |error: zip::result::ZipError| {
        let kind = ErrorKind::Malformed {
            format: NAME,
            at: At::Byte(0),
            problem: format!("the archive cannot be read: {error}"),
        };
        Error::new(kind)
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes.clone())).map_err(broken)?;
    if archive.len() > MEMBERS_MAX {
        return Err(malformed(NAME, At::Byte(0), "the archive has too many files"));
    }
    let mut members = Vec::new();
    for i in 0..archive.len() {
        let file = archive.by_index_raw(i).map_err(broken)?;
        let name = file.name().map_err(broken)?.into_owned();
        // What macOS adds for itself is nobody's file.
        if file.is_dir() || name.starts_with("__MACOSX/") {
            continue;
        }
        let deflated = file.compression() == CompressionMethod::Deflated;
        if !deflated && file.compression() != CompressionMethod::Stored {
            let problem = format!("\"{}\" is packed in another way", shown(name.as_bytes()));
            return Err(malformed(NAME, At::Byte(0), problem));
        }
        if file.encrypted() {
            return Err(malformed(NAME, At::Byte(0), "the archive is encrypted"));
        }
        let begin = file.data_start().and_then(|begin| usize::try_from(begin).ok());
        let packed = usize::try_from(file.compressed_size()).ok();
        let (Some(begin), Some(packed)) = (begin, packed) else {
            return Err(malformed(NAME, At::Byte(0), "the archive is not complete"));
        };
        members.push(Member {
            name,
            begin,
            packed,
            size: file.size(),
            crc: file.crc32(),
            deflated,
        });
    }
    check_places(&members)?;
    Ok(members)
}

/// The same packed bytes under many names would fill a disk.
fn check_places(members: &[Member]) -> Result<()> {
    let mut places: Vec<_> =
        members.iter().map(|member| (member.begin, member.packed, &member.name)).collect();
    places.sort_unstable();
    let overlap = places.windows(2).find(|pair| pair[1].0 - pair[0].0 < pair[0].1);
    overlap.map_or(Ok(()), |pair| {
        let [before, after] = [pair[0].2, pair[1].2].map(|name| shown(name.as_bytes()));
        let problem = format!("the files \"{before}\" and \"{after}\" overlap");
        Err(malformed(NAME, At::Byte(pair[1].0 as u64), problem))
    })
}

impl Member {
    fn stream(&self, bytes: &Bytes) -> Result<Box<dyn Read + Send>> {
        let end = self.begin.checked_add(self.packed);
        let packed = end.and_then(|end| bytes.slice(self.begin..end)).ok_or_else(|| {
            malformed(NAME, At::Byte(self.begin as u64), "the archive is not complete")
        })?;
        let source: Box<dyn Read + Send> = if self.deflated {
            Box::new(DeflateDecoder::new(packed.reader()))
        } else {
            Box::new(packed.reader())
        };
        let crc = crc32fast::Hasher::new();
        Ok(Box::new(Checked { source, crc, left: self.size, expected: self.crc }))
    }
}

/// Checks the size and the checksum of a member at its end, and never reads beyond the size.
struct Checked {
    source: Box<dyn Read + Send>,
    crc: crc32fast::Hasher,
    left: u64,
    expected: u32,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.source.read(buffer)?;
        if count == 0 {
            if self.left > 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if self.crc.clone().finalize() != self.expected {
                return Err(io::Error::other("the checksum does not fit"));
            }
            return Ok(0);
        }
        self.crc.update(&buffer[..count]);
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other("a file is longer than the archive says")),
        }
        Ok(count)
    }
}
