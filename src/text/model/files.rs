//! Older files as tokenizer.json: BERT's vocab.txt, and vocab.json with merges.txt.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::{At, Error, ErrorKind, Result};
use crate::limits;

/// BERT's vocabulary: a token a line, numbered from 0.
pub(in crate::text) fn word_pieces(file: &[u8], cased: bool) -> Result<Vec<u8>> {
    let mut vocab = BTreeMap::new();
    let text = str::from_utf8(file).map_err(|cause| {
        malformed("vocab.txt", At::Byte(cause.valid_up_to() as u64), "not valid UTF-8")
    })?;
    for (id, line) in text.lines().enumerate() {
        if line.len() > limits::WORD_BYTES_MAX {
            return Err(malformed("vocab.txt", At::Line(id as u64 + 1), "the line is too long"));
        }
        // As the crate reads it: a token that comes twice has its last number.
        vocab.insert(line.trim_end().to_owned(), id);
    }
    if !vocab.contains_key("[UNK]") {
        let problem = "no line is [UNK], which stands for what the others do not have";
        return Err(malformed("vocab.txt", At::Line(1), problem));
    }
    let special = |token: &str| vocab.get(token).map(|id| added(token, *id));
    let added: Vec<_> =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].into_iter().filter_map(special).collect();
    let around = match (vocab.get("[CLS]"), vocab.get("[SEP]")) {
        (Some(cls), Some(sep)) => {
            json!({"type": "BertProcessing", "cls": ["[CLS]", cls], "sep": ["[SEP]", sep]})
        }
        (None, _) | (_, None) => Value::Null,
    };
    bytes(&json!({
        "version": "1.0",
        "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": !cased},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": around,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocab},
    }))
}

/// Byte pairs: a vocabulary as JSON, and a merge a line. Bytes are written as GPT-2 does if the
/// vocabulary has its sign for a space.
pub(in crate::text) fn byte_pairs(vocab: &[u8], merges: &[u8]) -> Result<Vec<u8>> {
    let vocab: BTreeMap<String, u32> = serde_json::from_slice(vocab).map_err(|cause| {
        malformed("vocab.json", At::Line(cause.line() as u64), &cause.to_string())
    })?;
    let merges = str::from_utf8(merges).map_err(|cause| {
        malformed("merges.txt", At::Byte(cause.valid_up_to() as u64), "not valid UTF-8")
    })?;
    let mut pairs = Vec::new();
    for (number, line) in (1..).zip(merges.lines()) {
        if line.is_empty() || line.starts_with("#version") {
            continue;
        }
        let pair = line.split_once(' ').filter(|(_, right)| !right.contains(' '));
        let (left, right) = pair.ok_or_else(|| {
            malformed("merges.txt", At::Line(number), "a merge is two tokens with a space between")
        })?;
        pairs.push([left, right]);
    }
    let is_byte_level = vocab.keys().any(|token| token.starts_with('\u{120}'));
    let ends_words = vocab.keys().any(|token| token.ends_with("</w>"));
    let unknown = ["<unk>", "[UNK]"].into_iter().find(|token| vocab.contains_key(*token));
    let looks_special = |token: &str| {
        token.starts_with("<|") && token.ends_with("|>")
            || ["<s>", "</s>", "<pad>", "<unk>", "<mask>", "[UNK]", "[PAD]"].contains(&token)
    };
    let special = vocab.iter().filter(|(token, _)| looks_special(token));
    let special: Vec<_> = special.map(|(token, id)| added(token, *id as usize)).collect();
    let (before, decoder) = if is_byte_level {
        let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
            "use_regex": true});
        (bytes.clone(), bytes)
    } else if ends_words {
        (json!({"type": "BertPreTokenizer"}), json!({"type": "BPEDecoder", "suffix": "</w>"}))
    } else {
        (json!({"type": "WhitespaceSplit"}), Value::Null)
    };
    bytes(&json!({
        "version": "1.0",
        "added_tokens": special,
        "pre_tokenizer": before,
        "decoder": decoder,
        "model": {"type": "BPE", "unk_token": unknown,
            "end_of_word_suffix": ends_words.then_some("</w>"),
            "vocab": vocab, "merges": pairs},
    }))
}

/// A special token for tokenizer.json.
pub(super) fn added(token: &str, id: usize) -> Value {
    json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true})
}

fn bytes(json: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec(json).map_err(|cause| Error::caused(ErrorKind::Internal, cause))
}

fn malformed(format: &'static str, at: At, problem: &str) -> Error {
    Error::new(ErrorKind::Malformed { format, at, problem: problem.to_owned() })
}
