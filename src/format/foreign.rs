//! The names of file kinds that are refused, so that the refusal can say what a file is.

use crate::format::input::GZIP_MAGIC;

/// What a file of no accepted format is, if its first bytes tell; and what to do about it.
pub(super) fn kind(bytes: &[u8]) -> Option<&'static str> {
    let known = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning));
    if let Some((_, kind)) = known {
        return Some(kind);
    }
    match bytes {
        [0x80, 2..=5, ..] => Some(
            "a Python pickle, such as a model that gensim saved; export it with gensim's \
             save_word2vec_format",
        ),
        // The length of the header, little-endian and under 16 MiB, and its JSON.
        [_, _, _, 0, 0, 0, 0, 0, b'{', ..] => Some("a safetensors file"),
        _ if bytes.get(257..262) == Some(b"ustar") => Some("a tar archive; unpack it first"),
        _ => None,
    }
}

const BEGINNINGS: &[(&[u8], &str)] = &[
    // 793712314, little-endian.
    (&[0xBA, 0x16, 0x4F, 0x2F], "a fastText .bin model; import the .vec file that goes with it"),
    (b"PK\x03\x04", "a zip archive (.zip, .npz or a PyTorch model); unpack it first"),
    (b"\x93NUMPY", "a NumPy .npy array, which has no words"),
    (b"GGUF", "a GGUF model"),
    (b"FiFu", "a finalfusion file"),
    (b"SQLite format 3\0", "an SQLite database, such as a .magnitude file"),
    (b"\x89HDF\r\n\x1A\n", "an HDF5 file"),
    (b"PAR1", "a Parquet file"),
    (b"BZh", "compressed with bzip2; unpack it first"),
    (b"\xFD7zXZ\0", "compressed with xz; unpack it first"),
    (b"\x28\xB5\x2F\xFD", "compressed with zstd; unpack it first"),
    (GZIP_MAGIC, "gzip within gzip; unpack it once"),
    (b"\xFF\xFE", "UTF-16 text; convert it to UTF-8 first"),
    (b"\xFE\xFF", "UTF-16 text; convert it to UTF-8 first"),
    (b"<!DOCTYPE", "a web page; the download went wrong"),
    (b"<!doctype", "a web page; the download went wrong"),
    (b"<html", "a web page; the download went wrong"),
];
