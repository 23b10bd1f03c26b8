//! Compression around a file, told by its first bytes: gzip, bzip2, zstd and xz.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

/// Memory that unpacking xz may take: its highest level takes 65 MiB.
const XZ_MEMORY_MAX: u64 = 256 << 20;

/// The bytes of a file that may be compressed by gzip, bzip2, zstd or xz, which its first bytes tell.
///
/// # Errors
///
/// If its beginning cannot be read.
pub fn unpacked(mut source: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut head = Vec::with_capacity(Compression::MAGIC_BYTES_MAX);
    source.by_ref().take(Compression::MAGIC_BYTES_MAX as u64).read_to_end(&mut head)?;
    let kind = Compression::of(&head);
    kind.unpack(BufReader::new(Cursor::new(head).chain(source)))
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip, in one member or more.
    Gzip,
    /// bzip2, in one stream or more.
    Bzip2,
    /// zstd, in one frame or more.
    Zstd,
    /// xz, in one stream or more.
    Xz,
    /// A zip archive with one member.
    Zip,
}

impl Compression {
    /// Those that can be told by their first bytes and read as a stream.
    pub(in crate::format) const STREAMS: [Self; 4] =
        [Self::Gzip, Self::Bzip2, Self::Zstd, Self::Xz];
    /// As many bytes tell.
    pub(in crate::format) const MAGIC_BYTES_MAX: usize = 6;

    /// Its name in messages; empty for none.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Zip => "zip",
        }
    }

    /// How a file that begins so is compressed; zip is not looked for.
    pub fn of(head: &[u8]) -> Self {
        let found = Self::STREAMS.into_iter().find(|kind| kind.begins(head));
        found.unwrap_or(Self::None)
    }

    fn begins(self, head: &[u8]) -> bool {
        match self {
            Self::None => false,
            Self::Gzip => head.starts_with(&[0x1F, 0x8B]),
            // The level, then the magic number of the first block or of the end.
            Self::Bzip2 => {
                matches!(head, [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', ..])
                    || matches!(head, [b'B', b'Z', b'h', b'1'..=b'9', 0x17, b'r', ..])
            }
            Self::Zstd => head.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]),
            Self::Xz => head.starts_with(b"\xFD7zXZ\0"),
            Self::Zip => head.starts_with(b"PK\x03\x04"),
        }
    }

    /// The bytes within; as they are for none and for zip.
    pub(in crate::format) fn unpack<R: BufRead + Send + 'static>(
        self,
        packed: R,
    ) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::None | Self::Zip => Box::new(packed),
            Self::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Self::Bzip2 => Box::new(MultiBzDecoder::new(packed)),
            Self::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(packed)?),
            Self::Xz => {
                let stream = Stream::new_stream_decoder(XZ_MEMORY_MAX, CONCATENATED)?;
                Box::new(XzDecoder::new_stream(packed, stream))
            }
        })
    }
}
