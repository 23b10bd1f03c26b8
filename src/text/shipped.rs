//! tiktoken's own ranks, where they were built in (the feature `tiktoken-ranks`).

use std::borrow::Cow;

use crate::error::Result;
use crate::text::spec::{File, Kind, Pattern, Spec};

/// The same with the ranks of its encoding, if it names one and brings no file.
///
/// # Errors
///
/// `Unsupported` if the ranks are needed and were not built in.
pub fn complete(spec: &Spec) -> Result<Cow<'_, Spec>> {
    match &spec.kind {
        Kind::Tiktoken { pattern: Some(pattern), .. } if spec.files.is_empty() => {
            let name = format!("{}.tiktoken", pattern.name());
            let files = vec![File { name, bytes: ranks(*pattern)? }];
            Ok(Cow::Owned(Spec { kind: spec.kind.clone(), files }))
        }
        Kind::Tiktoken { .. }
        | Kind::Whitespace
        | Kind::Rules(_)
        | Kind::UnicodeWords
        | Kind::Characters
        | Kind::Bytes
        | Kind::Jieba(_)
        | Kind::Hybrid { .. }
        | Kind::Json
        | Kind::WordPiece { .. }
        | Kind::BytePairs
        | Kind::SentencePiece => Ok(Cow::Borrowed(spec)),
    }
}

#[cfg(not(feature = "tiktoken-ranks"))]
fn ranks(pattern: Pattern) -> Result<Vec<u8>> {
    let what = format!(
        "{} without its file of ranks (this server was built without the feature tiktoken-ranks)",
        pattern.name()
    );
    Err(crate::error::Error::new(crate::error::ErrorKind::Unsupported { what }))
}

/// The file, byte for byte as tiktoken has it.
#[cfg(feature = "tiktoken-ranks")]
fn ranks(pattern: Pattern) -> Result<Vec<u8>> {
    use crate::error::{Error, ErrorKind};

    // The number of the special token that stands between ranks.
    const HOLE: u32 = 50_256;
    let (encoding, end) = match pattern {
        Pattern::R50k => (tiktoken_rs::r50k_base(), 50_256),
        Pattern::P50k => (tiktoken_rs::p50k_base(), 50_281),
        Pattern::Cl100k => (tiktoken_rs::cl100k_base(), 100_256),
        Pattern::O200k => (tiktoken_rs::o200k_base(), 199_998),
    };
    let encoding = encoding.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
    let ids: Vec<u32> = (0..end).filter(|&id| !(pattern == Pattern::P50k && id == HOLE)).collect();
    let mut file = Vec::new();
    for (id, token) in ids.iter().zip(encoding._decode_native_and_split(ids.clone())) {
        base64(&token, &mut file);
        file.extend_from_slice(format!(" {id}\n").as_bytes());
    }
    Ok(file)
}

#[cfg(feature = "tiktoken-ranks")]
fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4_usize {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= three.len() { digit } else { b'=' });
        }
    }
}

#[cfg(all(test, feature = "tiktoken-ranks"))]
mod tests {
    use super::*;
    use sha2::{Digest as _, Sha256};
    use std::fmt::Write as _;

    /// The digests that tiktoken itself checks.
    #[test]
    fn the_files_are_those_of_tiktoken() {
        for (pattern, digest) in [
            (Pattern::R50k, "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930"),
            (Pattern::P50k, "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069"),
            (Pattern::Cl100k, "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"),
            (Pattern::O200k, "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"),
        ] {
            let mut got = String::new();
            for byte in Sha256::digest(ranks(pattern).unwrap()) {
                write!(got, "{byte:02x}").unwrap();
            }
            assert_eq!(got, digest, "{pattern:?}");
        }
    }
}
