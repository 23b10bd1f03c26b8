//! Bytes as the files of a tokenizer of the kind that the target names; two files have a zero between
//! them. What opens, cuts a text.

use wordspace::error::Error;
use wordspace::text::spec::{File, Kind, Pattern, Spec};
use wordspace::text::tokenizer::{CutOptions, Tokenizer};

const TEXT: &str =
    "The caf\u{e9}'s  d\u{e9}j\u{e0} vu <s> [CLS] \u{4f60}\u{597d} 3.14\n\t\u{1f600}";

pub fn kind(target: &str) -> Option<Kind> {
    Some(match target {
        "json" => Kind::Json,
        "word-pieces" => Kind::WordPiece { cased: false },
        "byte-pairs" => Kind::BytePairs,
        "tiktoken" => Kind::Tiktoken { pattern: Some(Pattern::Cl100k), specials: Vec::new() },
        "sentencepiece" => Kind::SentencePiece,
        _ => return None,
    })
}

pub fn work(kind: Kind, bytes: &[u8]) {
    let parts: Vec<&[u8]> = match kind {
        Kind::BytePairs => bytes.splitn(2, |&byte| byte == 0).collect(),
        _ => vec![bytes],
    };
    let file = |bytes: &&[u8]| File { name: "file".to_owned(), bytes: bytes.to_vec() };
    let spec = Spec { kind, files: parts.iter().map(file).collect() };
    let nothing = |_: &str| Err(Error::invalid("stored", "there is none"));
    let Ok(tokenizer) = Tokenizer::open(&spec, &nothing) else { return };
    let Ok(tokens) = tokenizer.cut(TEXT, &CutOptions::default(), None) else { return };
    let ids: Vec<u32> = tokens.iter().filter_map(|token| token.id).collect();
    let _ = tokenizer.join(&ids, false);
    for token in &tokens {
        assert!(token.bytes.end <= TEXT.len() && token.bytes.start <= token.bytes.end);
    }
}
