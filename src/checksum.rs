//! How many bytes a source has, and their CRC-32: by which a server and its client find that what one
//! kept is how the other's source begins.

use std::io::{self, Read};

/// Bytes that are read at once.
const BLOCK: usize = 256 << 10;

/// How many bytes a source has, and their CRC-32.
///
/// # Errors
///
/// If it cannot be read.
pub fn checksum(mut source: impl Read) -> io::Result<(u64, u32)> {
    let mut hasher = crc32fast::Hasher::new();
    let (mut block, mut bytes) = (vec![0; BLOCK], 0);
    loop {
        match source.read(&mut block) {
            Ok(0) => return Ok((bytes, hasher.finalize())),
            Ok(count) => {
                hasher.update(&block[..count]);
                bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
