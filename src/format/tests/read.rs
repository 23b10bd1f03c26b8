//! Rows as they are met in the wild.

use std::io::ErrorKind as IoErrorKind;

use super::{Breaks, Trickle, binary, gzip, own, read, read_as, read_source};
use crate::error::{At, Error, ErrorKind};
use crate::format::{Compression, Format, Reason};
use crate::limits;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/formats/", $name))
    };
}

const FIXTURES: [(&str, &[u8], Format, bool); 8] = [
    ("gensim.txt", fixture!("gensim.txt"), Format::Word2vecText, false),
    ("gensim.txt.gz", fixture!("gensim.txt.gz"), Format::Word2vecText, true),
    ("gensim.bin", fixture!("gensim.bin"), Format::Word2vecBinary, false),
    ("word2vec-c.txt", fixture!("word2vec-c.txt"), Format::Word2vecText, false),
    ("word2vec-c.bin", fixture!("word2vec-c.bin"), Format::Word2vecBinary, false),
    ("glove.txt", fixture!("glove.txt"), Format::Glove, false),
    ("glove-two-members.txt.gz", fixture!("glove-two-members.txt.gz"), Format::Glove, true),
    ("tabs-crlf.txt", fixture!("tabs-crlf.txt"), Format::Word2vecText, false),
];

#[test]
fn the_same_table_comes_out_of_every_layout() {
    let vectors = [
        [0.5, -0.25, 10.0, 0.0],
        [8.625, 10.0, -8.625, 0.015_625],
        [-1.5, 2.25, 3.0, -4.75],
        [0.125, 0.0, -0.0, 1.0],
        [-0.015_625, 64.0, -128.5, 7.0_f32],
    ];
    for (name, bytes, format, gzip) in FIXTURES {
        for wanted in [None, Some(format)] {
            for step in [1, 7, usize::MAX] {
                let contents = read_source(Trickle::of(bytes, step), wanted).unwrap();
                assert_eq!(
                    (contents.format, contents.compression == Compression::Gzip),
                    (format, gzip),
                    "{name}"
                );
                assert_eq!(contents.claimed, (format != Format::Glove).then_some(5), "{name}");
                assert_eq!(contents.faults, [], "{name}");
                let third: &[u8] = if name.starts_with("gensim") {
                    "\u{3042}\u{308a}".as_bytes()
                } else {
                    b"\xE3\x81\x82\xE3\x82"
                };
                let words = [b"</s>", "caf\u{e9}\u{a0}noir".as_bytes(), third, b"the", b"<unk>"];
                let expected: Vec<_> = words
                    .iter()
                    .zip(vectors)
                    .map(|(word, vector)| (word.to_vec(), vector.map(f32::to_bits).to_vec()))
                    .collect();
                assert_eq!(contents.rows, expected, "{name}");
            }
        }
    }
}

#[test]
fn a_header_that_claims_another_count_is_told_and_every_row_read() {
    for claimed in [1, 2, 3, u64::MAX] {
        let text = read(format!("{claimed} 2\na 1 2\nb 3 4\n")).unwrap();
        assert_eq!((text.claimed, text.words()), (Some(claimed), vec!["a".into(), "b".into()]));
        let rows: [(&[u8], &[f32]); 2] = [(b"a", &[1.0, 2.0]), (b"b", &[3.0, 4.0])];
        let packed = read(binary(&format!("{claimed} 2\n"), &rows)).unwrap();
        assert_eq!((packed.claimed, packed.rows), (Some(claimed), text.rows));
    }
}

#[test]
fn only_the_space_byte_splits() {
    let words = [
        "new york",
        " ",
        "  ",
        " a",
        "a ",
        ". . .",
        "at name@domain.com",
        "a\u{a0}b",
        "a\u{85}b",
        "a\u{2028}b",
        "a\tb",
        "a\rb",
        "1",
        "1,5",
        "nan",
        "to infinity",
        "</s>",
        "\u{feff}",
    ];
    let rows: String = words.map(|word| format!("{word} 0.25 -0.5 \n")).concat();
    let contents = read(format!("18 2\n{rows}")).unwrap();
    assert_eq!(contents.words(), words);
    assert!((0..words.len()).all(|row| contents.values(row) == [0.25, -0.5]));
}

#[test]
fn a_number_too_many_is_no_part_of_the_word_unless_it_is_shorter_than_the_others() {
    let contents =
        read("9 2\nof 1.5 2.5 3.5\non 1 2 3\nweb 2.0 0.1234 0.5678\nroute 66 0.25 0.5\n").unwrap();
    assert_eq!(contents.words(), ["web 2.0", "route 66"]);
    let wrong = Reason::WrongDimension;
    assert_eq!(contents.reasons(), [(wrong, At::Line(2)), (wrong, At::Line(3))]);
    assert_eq!(contents.faults[0].word, "of");
    assert_eq!(contents.faults[0].detail, "the row has 3 components, the file's vectors have 2");
}

#[test]
fn padded_columns_and_tabs_are_separators_too() {
    let padded = read("2 2\nthe   0.25  -0.5\nof   -0.25   0.5\n").unwrap();
    assert_eq!(padded.words(), ["the", "of"]);
    let tabs = read("the\t0.25\t-0.5\nnew\tyork\t0.25\t-0.5\nof\t1\t2\n").unwrap();
    assert_eq!(
        (tabs.format, tabs.words()),
        (Format::Glove, vec!["the".into(), "new\tyork".into(), "of".into()])
    );
}

#[test]
fn every_spelling_of_a_number_is_read_and_rounded_once() {
    let file = "a 1e-3 -2.5E+2 +7 .5 5. -0 nan -inf Infinity 1e39 1e-60\n\
                b 1.000000059604644775390625 1.0000000596046447753906251 16777217 0.1 \
                3.4028235677e38 1.17549435e-38 1e-45 7e-46 0 0 0\n";
    let contents = read(file).unwrap();
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let (infinity, a) = (f32::INFINITY, contents.values(0));
    assert!(a[6].is_nan());
    assert_eq!(bits(&a[..6]), bits(&[0.001, -250.0, 7.0, 0.5, 5.0, -0.0]));
    assert_eq!(bits(&a[7..]), bits(&[-infinity, infinity, infinity, 0.0]));
    // Halfway between two floats, just above it, and halfway again.
    let b = [1.0, 1.0 + f32::EPSILON, 16_777_216.0, 0.1, f32::MAX, f32::MIN_POSITIVE, 1e-45];
    assert_eq!(bits(&contents.values(1)[..7]), bits(&b));
}

#[test]
fn a_wrong_row_is_named_and_stepped_over() {
    let file = "8 2\na 1 2\nb 0,5 1\nc 1 x\nd 1\ne\n 1 2\n\n  \r\nf 1 1e\ng 1 2\nz\u{a0}1 2";
    let contents = read(file).unwrap();
    assert_eq!(contents.words(), ["a", "g"]);
    assert_eq!(contents.places, [At::Line(2), At::Line(11)]);
    let (number, dim, empty) =
        (Reason::UnreadableNumber, Reason::WrongDimension, Reason::EmptyWord);
    let reasons = [number, number, dim, dim, empty, empty, empty, number, dim];
    let lines = [3, 4, 5, 6, 7, 8, 9, 10, 12].map(At::Line);
    assert_eq!(contents.reasons(), reasons.into_iter().zip(lines).collect::<Vec<_>>());
    let comma = &contents.faults[0];
    assert_eq!(comma.word, "b");
    assert_eq!(
        comma.detail,
        "component 1, \"0,5\", is not a number; decimals are written with a point"
    );
}

#[test]
fn a_file_may_end_without_newline_or_with_blank_lines() {
    for end in ["", "\n", "\r\n", " \n", "\n\n", "\n \r\n\n"] {
        let contents = read(format!("2 2\r\na 1 2\r\nb 3 4{end}")).unwrap();
        assert_eq!((contents.words(), contents.faults), (vec!["a".into(), "b".into()], vec![]));
    }
}

#[test]
fn what_a_fault_shows_is_clipped() {
    let contents = read(format!("2 2\na 1 2\n{} 1 x\n", "\u{3042}".repeat(1_000))).unwrap();
    assert_eq!(contents.faults[0].word, format!("{}...", "\u{3042}".repeat(64)));
    let controls = read("2 2\na 1 2\n\x1B[2J 1 x\n").unwrap();
    assert_eq!(controls.faults[0].word, "\u{FFFD}[2J");
}

#[test]
fn a_line_has_its_limit() {
    let line = |length: usize| format!("1 2\n{} 1 2\n", "a".repeat(length - 5));
    let longest = read(line(limits::LINE_BYTES_MAX)).unwrap();
    assert_eq!(longest.rows.len(), 1);
    let error = read(line(limits::LINE_BYTES_MAX + 1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "not a readable word2vec-text file: line 2: the line is longer than LINE_BYTES_MAX, \
         2162688 bytes"
    );
}

#[test]
fn vectors_may_hold_spaces_and_newlines_as_bytes() {
    let spaces = f32::from_le_bytes(*b"    ");
    let newlines = f32::from_le_bytes(*b"\n\n\n\n");
    let rows: [(&[u8], &[f32]); 3] =
        [(b"a", &[newlines, spaces]), (b"\xFF\x00", &[spaces, newlines]), (b"b", &[0.0, -1.0])];
    let plain = binary("3 2\n", &rows);
    let mut spread = b"3 2\n".to_vec();
    for row in &rows {
        spread.extend(binary("", std::slice::from_ref(row)));
        spread.extend(b"\n");
    }
    let contents = read_as(&plain, Format::Word2vecBinary).unwrap();
    let words: Vec<_> = contents.rows.iter().map(|(word, _)| word.as_slice()).collect();
    assert_eq!(words, [b"a".as_slice(), b"\xFF\x00", b"b"]);
    assert_eq!(contents.places, [At::Byte(4), At::Byte(14), At::Byte(25)]);
    let apart = read_as(&spread, Format::Word2vecBinary).unwrap();
    assert_eq!(apart.rows, contents.rows);
    assert_eq!(apart.places, [At::Byte(4), At::Byte(15), At::Byte(27)]);
    assert_eq!(read_as(&spread[..spread.len() - 1], Format::Word2vecBinary).unwrap(), apart);
}

#[test]
fn a_binary_row_without_a_word_is_stepped_over() {
    let rows: [(&[u8], &[f32]); 3] = [(b"a", &[1.0]), (b"", &[2.0]), (b"b", &[3.0])];
    let contents = read(binary("3 1\n", &rows)).unwrap();
    assert_eq!(contents.words(), ["a", "b"]);
    assert_eq!(contents.reasons(), [(Reason::EmptyWord, At::Byte(10))]);
}

#[test]
fn a_binary_file_that_ends_within_a_row_is_cut_off() {
    let whole = binary("2 2\n", &[(b"a", &[1.0, 2.0]), (b"b", &[3.0, 4.0])]);
    for length in 15..whole.len() {
        let error = read_as(&whole[..length], Format::Word2vecBinary).unwrap_err();
        assert_eq!(
            error.to_string(),
            "not a readable word2vec-binary file: byte 14: the file ends in the middle of the row \
             that begins here; it is not complete, or its vectors do not have the 2 components of \
             its header"
        );
    }
}

#[test]
fn gzip_that_is_cut_off_or_damaged_is_never_taken_for_the_end() {
    let whole = gzip(b"a 1 2\nb 3 4\nc 5 6\n");
    for length in 2..whole.len() {
        let text = read(&whole[..length]).unwrap_err().to_string();
        assert!(text.ends_with("the gzip data is cut off; the file is not complete"), "{text}");
    }
    let mut damaged = whole.clone();
    damaged[whole.len() - 8] ^= 1;
    let text = read(&damaged).unwrap_err().to_string();
    assert_eq!(text, "not a readable embedding file: byte 18: the gzip data is damaged");
}

#[test]
fn an_error_of_ours_in_the_source_comes_out_as_it_is() {
    for packed in [false, true] {
        let bytes = if packed { gzip(b"a 1 2\n")[..20].to_vec() } else { b"a 1 2\n".to_vec() };
        let source = Breaks::after(&bytes, own(Error::new(ErrorKind::Cancelled)));
        assert_eq!(*read_source(source, None).unwrap_err().kind(), ErrorKind::Cancelled);

        let source = Breaks::after(&bytes, IoErrorKind::UnexpectedEof.into());
        let text = read_source(source, None).unwrap_err().to_string();
        assert!(text.ends_with("the source could not be read"), "{text}");
    }
    let source = Breaks::after(b"", own(Error::new(ErrorKind::Closing)));
    assert_eq!(*read_source(source, None).unwrap_err().kind(), ErrorKind::Closing);
}
