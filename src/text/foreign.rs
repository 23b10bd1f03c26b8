//! What a file is in place of the one that was meant: the kinds that any reader may be given, by their
//! first bytes.

/// What a file is whose first bytes are of a known kind that nothing here reads, and what to do about it.
pub(crate) fn beginning(bytes: &[u8]) -> Option<&'static str> {
    let known = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning));
    if let Some((_, kind)) = known {
        return Some(kind);
    }
    let start = without_marks(bytes).trim_ascii_start();
    let start = start[..start.len().min(16)].to_ascii_lowercase();
    let is_page = PAGES.iter().any(|beginning| start.starts_with(beginning));
    is_page.then_some("a web page, not the file: download the file itself")
}

/// A text without the byte order marks before it.
pub(crate) fn without_marks(mut bytes: &[u8]) -> &[u8] {
    while let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        bytes = rest;
    }
    bytes
}

const UTF_16: &str = "UTF-16 text; convert it to UTF-8 first: iconv -f UTF-16 -t UTF-8 IN >OUT";
const BEGINNINGS: &[(&[u8], &str)] = &[
    (
        b"version https://git-lfs",
        "a pointer of Git LFS in place of the file: run `git lfs pull` in its folder, or download the \
         file itself",
    ),
    (b"\xFF\xFE", UTF_16),
    (b"\xFE\xFF", UTF_16),
    (
        b"FEA1",
        "Feather of version 1, which is not read; write it again: \
         pandas.read_feather('IN').to_feather('OUT')",
    ),
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
