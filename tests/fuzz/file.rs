//! Bytes as an embedding file of the format that the target names, or of one told by content; as
//! `words`: as the tokenizer.json beside a NumPy array.

use wordspace::format::intake::{Intake, OnInvalid, Policies};
use wordspace::format::source::{Body, Bytes, Named};
use wordspace::format::{Format, Options, Row, Step, open_files};

/// Unpacked, a small input may have billions.
const ROWS_MAX: usize = 20_000;
/// Two rows of two components.
const ARRAY: &[u8] = b"\x93NUMPY\x01\0\x3C\0\
    {'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n0123456789abcdef";

pub fn work(target: &str, bytes: &[u8]) {
    let named = |name: &str, bytes: &[u8]| Named {
        name: name.to_owned(),
        body: Body::Whole(Bytes::from(bytes.to_vec())),
    };
    let files = if target == "words" {
        [named("x.npy", ARRAY), named("tokenizer.json", bytes)]
    } else {
        [named("x", bytes), named("x.words.txt", b"the\nof\ncaf\xC3\xA9\n")]
    };
    let wanted = Format::from_name(target);
    let options = Options { wanted, ..Options::default() };
    let Ok(mut opened) = open_files(&mut Vec::from(files).into_iter(), &options) else { return };
    let dim = opened.reader.dim();
    assert!(dim > 0 && !opened.reader.dtype().is_empty());
    if let Some(subwords) = &opened.subwords {
        let _ = subwords.vector("unseen \u{3042}".as_bytes());
    }
    let policies = Policies { on_invalid: OnInvalid::Skip, rank: true, ..Policies::default() };
    let Ok(mut intake) = Intake::new(policies, opened.format.name(), (opened.reader.suits(), dim))
    else {
        return;
    };
    let mut row = Row::default();
    for _ in 0..ROWS_MAX {
        match opened.reader.read(&mut row) {
            Ok(Step::Row) => {
                assert_eq!(row.vector.len(), dim, "every row has the file's dimension");
                assert!(!row.word.is_empty(), "every row has a word");
                if intake.take(&row).is_err() {
                    return;
                }
            }
            Ok(Step::Fault(fault)) => {
                let _ = intake.fault(&fault);
            }
            Ok(Step::End) => break,
            Err(_) => return,
        }
    }
    opened.reader.notes().iter().for_each(|note| intake.note(note));
    if intake.end(opened.reader.claimed_rows(), 1).is_ok() {
        let (builder, _, _) = intake.finish();
        assert!(builder.build().is_ok(), "what was taken is a table");
    }
}
