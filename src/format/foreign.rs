//! The names of file kinds that are refused, so that the refusal can say what a file is.

use crate::format::Compression;

/// What a file of no accepted format is, if its first bytes tell; and what to do about it.
pub(super) fn kind(bytes: &[u8]) -> Option<&'static str> {
    let known = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning));
    if let Some((_, kind)) = known {
        return Some(kind);
    }
    match bytes {
        [0x80, 2..=5, ..] => Some(
            "a Python pickle, such as a model that gensim saved, and could run any code when it is \
             read; convert it: python -c \"from gensim.models import KeyedVectors as K; \
             m = K.load('IN'); getattr(m, 'wv', m).save_word2vec_format('OUT', binary=True)\"",
        ),
        _ if bytes.get(257..262) == Some(b"ustar") => Some("a tar archive; unpack it first"),
        _ if Compression::of(bytes) != Compression::None => {
            Some("compressed twice; unpack it once")
        }
        _ => None,
    }
}

/// The same of a zip archive with these files.
pub(super) fn archive(names: &[&str]) -> Option<&'static str> {
    let has = |wanted: &str| names.iter().any(|name| name.contains(wanted));
    if names.iter().any(|name| name.ends_with("data.pkl")) {
        return Some(
            "a PyTorch model, a Python pickle, which can run any code when it is read; convert it: \
             safetensors.torch.save_file(torch.load(path, weights_only=True), out)",
        );
    }
    if has("xl/worksheets/") {
        return Some("an Excel workbook; save its sheet as CSV");
    }
    has("word/document.xml").then_some("a Word document; save its text")
}

/// What to do about an HDF5 file that is not read.
pub(super) const CONVERT_HDF5: &str = "convert its array: python -c \"import h5py, numpy; \
    numpy.save('OUT.npy', h5py.File('IN')['train'][:])\"";

const BEGINNINGS: &[(&[u8], &str)] = &[
    (b"\xFF\xFE", "UTF-16 text; convert it to UTF-8 first"),
    (b"\xFE\xFF", "UTF-16 text; convert it to UTF-8 first"),
    (b"<!DOCTYPE", "a web page; the download went wrong"),
    (b"<!doctype", "a web page; the download went wrong"),
    (b"<html", "a web page; the download went wrong"),
];
