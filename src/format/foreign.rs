//! The names of file kinds that are refused, so that the refusal can say what a file is and what to do.

use memchr::memchr;

use crate::format::source::unpack::Compression;

/// What a file of no accepted format is, if its first bytes tell; and what to do about it.
pub(super) fn kind(bytes: &[u8]) -> Option<&'static str> {
    let known = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning));
    if let Some((_, kind)) = known {
        return Some(kind);
    }
    let start = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    let start = start[..start.len().min(16)].to_ascii_lowercase();
    if PAGES.iter().any(|beginning| start.starts_with(beginning)) {
        return Some("a web page, not the file: download the file itself");
    }
    match bytes {
        _ if Compression::of(bytes) != Compression::None => {
            Some("compressed twice; unpack it once")
        }
        _ if memchr(b'\n', bytes).is_none() && memchr(b'\r', bytes).is_some_and(|at| at > 0) => {
            Some(
                "text whose lines end with CR alone, as on an old Macintosh; convert it: tr '\\r' \
                 '\\n' <IN >OUT",
            )
        }
        _ if has_comma_decimals(bytes) => Some(
            "text whose decimals are written with a comma; write them with a point, or put a tab or \
             a semicolon between the fields and import it as tsv or csv with --decimal ,",
        ),
        _ => None,
    }
}

/// Whether the first line is a word and numbers that have commas.
fn has_comma_decimals(bytes: &[u8]) -> bool {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or(bytes).trim_ascii_end();
    let mut fields = line.split(|byte| b" \t".contains(byte)).skip(1).peekable();
    let decimal = |field: &[u8]| {
        let digits = field.strip_prefix(b"-").unwrap_or(field);
        let mut parts = digits.splitn(2, |&byte| byte == b',');
        let mut part = || {
            parts.next().is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))
        };
        part() && part()
    };
    fields.peek().is_some() && fields.all(decimal)
}

/// The same of a zip archive with these files.
pub(super) fn archive(names: &[&str]) -> Option<&'static str> {
    let has = |wanted: &str| names.iter().any(|name| name.contains(wanted));
    if has("xl/worksheets/") {
        return Some("an Excel workbook; save its sheet as CSV");
    }
    has("word/document.xml").then_some("a Word document; save its text")
}

/// What to do about an HDF5 file that is not read.
pub(super) const CONVERT_HDF5: &str = "convert its array: python -c \"import h5py, numpy; \
    numpy.save('OUT.npy', h5py.File('IN')['train'][:])\"";

const UTF_16: &str = "UTF-16 text; convert it to UTF-8 first: iconv -f UTF-16 -t UTF-8 IN >OUT";
const BEGINNINGS: &[(&[u8], &str)] = &[
    (
        b"version https://git-lfs",
        "a pointer of Git LFS in place of the file: run `git lfs pull` in its folder, or download the \
         file itself",
    ),
    (b"\xFF\xFE", UTF_16),
    (b"\xFE\xFF", UTF_16),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\x7FELF", "a program"),
    (b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive; unpack it first"),
    (b"Rar!\x1A\x07", "a RAR archive; unpack it first"),
    (b"\x04\x22\x4D\x18", "packed with lz4; unpack it first: lz4 -d IN OUT"),
    (b"\x1F\x9D", "packed with compress; unpack it first: uncompress IN"),
    (b"lmgg", "a model of llama.cpp from before GGUF; convert it with its tools"),
    (b"tjgg", "a model of llama.cpp from before GGUF; convert it with its tools"),
    (b"MATLAB 5.0", "a MATLAB file; save its array: scipy.io.loadmat, then numpy.save"),
];

/// Beginnings of web pages, in lower case.
const PAGES: &[&[u8]] = &[b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"<!--"];
