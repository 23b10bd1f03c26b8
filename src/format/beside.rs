//! The tokenizer beside a file of vectors, whose tokens are the table's words.

use crate::error::At;
use crate::format::Note;
use crate::format::source::Bytes;
use crate::limits;
use crate::text::spec::{File, Kind, Spec};

/// Files beside a model that hold no words: what it is, and the merges that belong to a vocab.json.
pub(super) const PLACES: &[&str] = &["config.json", MERGES];
const MERGES: &str = "merges.txt";
const VOCAB_JSON: &str = "vocab.json";

/// Where a tokenizer is looked for beside a model that has its words inside, the surest first.
const TOKENIZERS: &[&str] = &[
    "tokenizer.json",
    VOCAB_JSON,
    "vocab.txt",
    "tekken.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "sentencepiece.model",
];

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The name of the first file that may be a tokenizer.
pub(super) fn first(others: &[(String, Bytes)]) -> Option<&str> {
    let names = || others.iter().map(|(name, _)| name.as_str());
    TOKENIZERS.iter().find_map(|known| names().find(|name| file_name(name) == *known))
}

/// The tokenizer that a file is; none if it is a plain list of words. What is wrong is noted.
pub(super) fn tokenizer(name: &str, others: &[(String, Bytes)]) -> (Option<Spec>, Vec<Note>) {
    let find = |wanted: &str| others.iter().find(|(name, _)| name == wanted);
    let mut files: Vec<&(String, Bytes)> = find(name).into_iter().collect();
    if file_name(name) == VOCAB_JSON {
        // Only with its merges does it cut texts.
        let Some(merges) = others.iter().find(|(other, _)| file_name(other) == MERGES) else {
            return (None, Vec::new());
        };
        files.push(merges);
    }
    let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    if bytes > limits::TOKENIZER_BYTES_MAX {
        let max = limits::TOKENIZER_BYTES_MAX;
        let detail = format!("{name} has {bytes} bytes, a tokenizer {max} (TOKENIZER_BYTES_MAX)");
        return (None, vec![left(detail)]);
    }
    let file = |(name, bytes): &&(String, Bytes)| File {
        name: file_name(name).to_owned(),
        bytes: bytes.to_vec(),
    };
    let files: Vec<File> = files.iter().map(file).collect();
    let is_json = name.rsplit('.').next().is_some_and(|end| end.eq_ignore_ascii_case("json"));
    // Lists and maps of words are JSON too.
    let is_tokenizer = |name: &str| name.ends_with("tokenizer.json") || name.starts_with("tekken");
    let is_list = is_json && files.len() == 1 && !is_tokenizer(file_name(name));
    // A list of words may begin as ranks do.
    let may_be_ranks = [".model", ".tiktoken"].iter().any(|end| name.ends_with(end));
    let kind = Kind::detect(&files).ok().filter(|_| !is_list);
    let kind = kind.filter(|kind| may_be_ranks || !matches!(kind, Kind::Tiktoken { .. }));
    (kind.map(|kind| Spec { kind, files }), Vec::new())
}

/// A tokenizer that is there and is not stored.
pub(super) fn left(detail: String) -> Note {
    let (reason, done, at) = ("tokenizer_left", "not stored", At::Row(0));
    Note { reason, done, at, detail }
}
