//! zip archives: one file within, or the arrays of an `.npz`. Members are unpacked one by one, as
//! streams, and nothing is ever written under a name from the archive.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::error::{At, Error, ErrorKind, Result};
use crate::format::source::{self, Bytes, Spool};
use crate::format::{malformed, shown};

const NAME: &str = "zip";
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";
/// Members that are listed; `PyTorch` models have thousands.
const MEMBERS_MAX: usize = 65_536;

/// What an archive is.
pub(super) enum Archive {
    /// One file.
    One(String, Box<dyn Read + Send>),
    /// Arrays of `NumPy`, by name.
    Arrays(Vec<(String, Bytes)>),
}

/// A member.
struct Member {
    name: String,
    begin: usize,
    packed: usize,
    size: u64,
    crc: u32,
    deflated: bool,
}

pub(super) fn open(bytes: &Bytes, tensor: Option<&str>, spool: &Spool) -> Result<Archive> {
    let members = members(bytes)?;
    let is_array = |member: &Member| member.name.to_ascii_lowercase().ends_with(".npy");
    if members.iter().any(|member| member.name.ends_with("data.pkl")) {
        return Err(malformed(
            NAME,
            At::Byte(0),
            "this is a PyTorch model, a Python pickle, which can run any code when it is read; \
             convert it: safetensors.torch.save_file(torch.load(path, weights_only=True), out)",
        ));
    }
    if !members.is_empty() && members.iter().all(is_array) {
        let wanted = |member: &&Member| {
            let name = member.name.trim_end_matches(".npy");
            tensor.is_none_or(|tensor| tensor == name || tensor == member.name)
        };
        let arrays = members.iter().filter(wanted).map(|member| {
            let mut unpacked = BufReader::with_capacity(source::BLOCK, member.stream(bytes)?);
            let kept = spool.keep(&mut unpacked)?;
            Ok((member.name.trim_end_matches(".npy").to_owned(), kept))
        });
        return Ok(Archive::Arrays(arrays.collect::<Result<_>>()?));
    }
    match members.as_slice() {
        [only] => Ok(Archive::One(only.name.clone(), only.stream(bytes)?)),
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
        if file.is_dir() {
            continue;
        }
        let name = file.name().map_err(broken)?.into_owned();
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
