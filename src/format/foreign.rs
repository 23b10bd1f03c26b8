//! The names of file kinds that are refused, so that the refusal can say what a file is and what to do.

use memchr::memchr;

use crate::format::source::unpack::Compression;
use crate::text::foreign::beginning;

/// What a file of no accepted format is, if its first bytes tell; and what to do about it.
pub(super) fn kind(bytes: &[u8]) -> Option<&'static str> {
    if let Some(kind) = beginning(bytes) {
        return Some(kind);
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
pub(super) const CONVERT_HDF5: &str = "list its arrays: python -c \"import h5py; \
    h5py.File('IN').visititems(print)\", then convert the one of the vectors: python -c \"import h5py, \
    numpy; numpy.save('OUT.npy', h5py.File('IN')['NAME'][:])\"";
