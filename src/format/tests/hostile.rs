//! Bytes that mean harm or none at all: rows or an error, never a panic, in bounded memory.

use std::io::{Cursor, Read};

use proptest::prelude::*;

use super::vectors::fasttext;
use super::{binary, gzip, read, read_as, read_source};
use crate::error::{ErrorKind, Result};
use crate::format::Format;
use crate::limits;

/// A small good file in each format, and packed.
fn good() -> Vec<Vec<u8>> {
    let vectors: [(&[u8], &[f32]); 3] =
        [(b"the", &[0.5, -1e-7]), (b"caf\xC3\xA9", &[10.0, 8.625]), (b"<unk>", &[-3.0, 1e20])];
    let packed = binary("3 2\n", &vectors);
    let glove = b"the 0.5 -1e-7\ncaf\xC3\xA9 10.0 8.625\n<unk> -3.0 1e20\n".to_vec();
    let text = [b"3 2\n".as_slice(), &glove].concat();
    let zipped = [gzip(&text), gzip(&packed), gzip(&glove)];
    [text, packed, glove].into_iter().chain(zipped).collect()
}

/// An outcome that a caller can live with.
fn check(outcome: Result<super::Contents>) {
    if let Err(error) = outcome {
        assert!(
            matches!(error.kind(), ErrorKind::Malformed { .. } | ErrorKind::TooLarge { .. }),
            "{error}"
        );
    }
}

fn check_every_way(bytes: &[u8]) {
    check(read(bytes));
    for format in [Format::Word2vecText, Format::Word2vecBinary, Format::Glove] {
        check(read_as(bytes, format));
    }
}

#[test]
fn every_prefix_of_a_good_file() {
    for file in good() {
        for length in 0..file.len() {
            check_every_way(&file[..length]);
        }
    }
}

#[test]
fn every_flipped_bit_of_a_good_file() {
    for file in good() {
        for i in 0..file.len() {
            for bit in 0..8 {
                let mut bytes = file.clone();
                bytes[i] ^= 1 << bit;
                check_every_way(&bytes);
            }
        }
    }
}

proptest! {
    #![proptest_config(super::seeded())]

    #[test]
    fn random_bytes(
        beginning in prop::sample::select(vec!["", "3 2\n", "9999999999 65536\n", "1 1\n"]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        check_every_way(&[beginning.as_bytes(), &bytes].concat());
    }

    #[test]
    fn random_text(bytes in "([a0-9 .,e\r\n\t-]|nan|inf|\u{a0}){0,80}") {
        check_every_way(bytes.as_bytes());
    }
}

#[test]
fn a_file_without_end_is_refused_at_a_limit() {
    let beginnings: [(&str, u8); 5] =
        [("", b'a'), ("", b' '), ("", 0), ("1 65536\n", 1), ("1 2\na 1 2\n", b'7')];
    for (beginning, byte) in beginnings {
        for wanted in [None, Some(Format::Glove), Some(Format::Word2vecBinary)] {
            let endless = Cursor::new(beginning).chain(std::io::repeat(byte));
            // Far more than any limit, and soon read if only a limit's worth is looked at.
            let long = endless.take(1 << 40);
            let error = read_source(long, wanted).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Malformed { .. }), "{error}");
        }
    }
}

#[test]
fn a_word_has_its_limit() {
    let row = |length: usize| {
        let word = vec![b'a'; length];
        read_as(binary("1 1\n", &[(word.as_slice(), &[f32::MIN_POSITIVE])]), Format::Word2vecBinary)
    };
    assert_eq!(row(limits::WORD_BYTES_MAX).unwrap().rows.len(), 1);
    let error = row(limits::WORD_BYTES_MAX + 1).unwrap_err().to_string();
    assert!(error.ends_with("byte 4: no word ends within WORD_BYTES_MAX, 65536 bytes"), "{error}");
}

/// A word has as many n-grams as characters, squared, if they may be of any length.
#[test]
fn n_grams_have_their_limit() {
    let long = |length: usize| {
        let mut file = fasttext(Some(12), 1);
        let max_n = 8 + 4 * 10;
        file[max_n..max_n + 4].copy_from_slice(&i32::try_from(length).unwrap().to_le_bytes());
        read_as(file, Format::Fasttext)
    };
    assert_eq!(long(limits::N_GRAM_CHARS_MAX).unwrap().rows.len(), 3);
    let error = long(limits::N_GRAM_CHARS_MAX + 1).unwrap_err();
    assert!(error.to_string().contains("N_GRAM_CHARS_MAX"), "{error}");
    let floret = b"1 1 1 65 1 7 < >\n0 1.0\n".to_vec();
    let error = read_as(floret, Format::Floret).unwrap_err();
    assert!(error.to_string().contains("N_GRAM_CHARS_MAX"), "{error}");
}
