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
//!
//! | file | responsibility |
//! | --- | --- |
//! | `mod.rs` | what a file is made of |
//! | `write.rs` | written in one pass |
//! | `read.rs` | opened from its end, and read in part |

mod read;
mod write;

use crc32fast::Hasher;

pub use read::{Container, Section, Source};
pub use write::{Sealed, Writer};

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

/// A section, as the directory tells it.
#[derive(Debug)]
struct Entry {
    name: [u8; NAME_BYTES],
    from: u64,
    length: u64,
    chunk: u32,
    checksums: Vec<u32>,
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
    use std::sync::Arc;

    use super::*;
    use crate::error::{ErrorKind, Result};

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
