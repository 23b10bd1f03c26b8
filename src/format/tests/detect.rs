//! Which format a file has, and what is refused.

use super::{binary, gzip, read, read_as, read_files, refusal};
use crate::error::ErrorKind;
use crate::format::{Format, Options};
use crate::limits;

#[test]
fn names_and_formats_belong_together() {
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()), Some(format));
    }
    assert_eq!(Format::from_name("GloVe"), None);
}

#[test]
fn a_byte_order_mark_is_let_go() {
    let plain = read("2 2\na 1 2\nb 3 4\n").unwrap();
    assert_eq!(read("\u{feff}2 2\na 1 2\nb 3 4\n").unwrap(), plain);
    let glove = read("\u{feff}a 1 2\nb 3 4\n").unwrap();
    assert_eq!((glove.format, &glove.rows), (Format::Glove, &plain.rows));
    // Some tools write two; one that stands before a word may be its own.
    for file in ["2 2\na 1 2\nb 3 4\n", "word,0,1\na,1,2\nb,3,4\n"] {
        let file = format!("\u{feff}\u{feff}{file}");
        assert_eq!(read(&file).unwrap().rows, plain.rows, "{file}");
    }
    assert_eq!(read("a 1 2\n\u{feff}b 3 4\n").unwrap().words(), ["a", "\u{feff}b"]);
}

#[test]
fn two_whole_numbers_are_a_header_unless_rows_of_one_number_follow() {
    let glove = read("5 3\nthe 1.5\nof 2\n").unwrap();
    assert_eq!((glove.format, glove.dim), (Format::Glove, 1));
    assert_eq!(glove.words(), ["5", "the", "of"]);
    for file in ["5 1\nthe 1.5\n", "5 3\nthe 1 2 3\n", "5 3 \nthe 1 2\n", "5 3\n", "5 3"] {
        assert_eq!(read(file).unwrap().format, Format::Word2vecText, "{file}");
    }
    let glove = read_as("5 1\nthe 1.5\n", Format::Glove).unwrap();
    assert_eq!(glove.words(), ["5", "the"]);
}

#[test]
fn glove_has_the_dimension_of_most_lines() {
    let spaces = "new york 1 2\n. . . 1 2\nthe 1 2\nof 1 2\nand 1 2\n";
    assert_eq!(read(spaces).unwrap().dim, 2);
    assert_eq!(read("new york 1 2\nthe 1 2\n").unwrap().dim, 2, "a tie goes to the smaller");
    assert_eq!(read("  1 2\nthe 1 2\n").unwrap().words(), [" ", "the"]);
}

#[test]
fn rows_of_the_widest_models_are_told_as_well() {
    let numbers = " -0.12345678".repeat(12_288);
    let rows: String = ["a", "b", "c"].map(|word| format!("{word}{numbers}\n")).concat();
    let glove = read(&rows).unwrap();
    assert_eq!((glove.format, glove.dim, glove.rows.len()), (Format::Glove, 12_288, 3));
    let text = read(format!("3 12288\n{rows}")).unwrap();
    assert_eq!((text.format, text.rows), (Format::Word2vecText, glove.rows));
}

#[test]
fn no_number_in_a_header_is_believed() {
    for format in [Format::Word2vecText, Format::Word2vecBinary] {
        let contents = read_as("9999999999 300\n", format).unwrap();
        assert_eq!((contents.claimed, contents.rows.len()), (Some(9_999_999_999), 0));
        assert_eq!(read_as("99999999999999999999 300", format).unwrap().claimed, Some(u64::MAX));
        assert_eq!(read_as("0 65536\n", format).unwrap().dim, limits::DIM_MAX);
        for dim in ["65537", "9999999999", "99999999999999999999"] {
            let error = read_as(format!("1 {dim}\n"), format).unwrap_err();
            let got = dim.parse().unwrap_or(u64::MAX);
            let max = limits::DIM_MAX as u64;
            assert_eq!(*error.kind(), ErrorKind::TooLarge { limit: "DIM_MAX", max, got });
        }
        let error = read_as("1 0\n", format).unwrap_err().to_string();
        assert!(error.ends_with("line 1: the header claims 0 components"), "{error}");
    }
}

#[test]
fn what_is_no_embedding_file_is_called_by_its_name() {
    let read_instead = "(--format names one of those that are read, if it was not told)";
    let known: [(&[u8], &str); 5] = [
        (b"", "the file is empty"),
        (b"\xFF\xFEa\0", "UTF-16 text"),
        (b"\x01\x02\n\x03", "this is a binary file of another kind"),
        (b"Hello, world.\n", "\"Hello, world.\" is neither a header (rows and components) nor"),
        (b"a 0,5 0,2\n", "decimals are written with a comma"),
    ];
    for (bytes, name) in known {
        let text = refusal(bytes);
        assert!(text.starts_with("not a readable embedding file: line 1: "), "{text}");
        assert!(text.contains(name), "{text}");
        assert_eq!(
            text.ends_with(read_instead),
            name.ends_with("nor") || name.contains("another"),
            "{text}"
        );
        assert_eq!(refusal(gzip(bytes)), text, "within gzip");
    }
    for name in ["x.csv", "x.tsv", "x.json", "x.jsonl"] {
        for (bytes, kind) in [
            (b"<!DOCTYPE html>\n<html>\n".as_slice(), "this is a web page"),
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n",
                "this is a pointer of Git LFS",
            ),
            (b"\xFF\xFEa\0,\x001\0\n\0", "this is UTF-16"),
        ] {
            let text = read_files(&[(name, bytes)], &Options::default()).unwrap_err().to_string();
            assert!(text.contains(kind), "{name}: {text}");
        }
    }
    let twice = refusal(gzip(&gzip(b"a 1 2\n")));
    assert!(twice.contains("compressed twice; unpack it once"), "{twice}");
}

#[test]
fn a_wanted_format_that_does_not_fit_is_refused() {
    let text = b"2 2\na 1 2\nb 3 4\n".to_vec();
    let packed = binary("2 2\n", &[(b"a", &[1.0, 2.0]), (b"b", &[3.0, 4.0])]);
    let glove = b"a 1 2\nb 3 4\n".to_vec();
    let refused = [
        (&text, Format::Word2vecBinary, "line 2: the rows are lines of text"),
        (&text, Format::Glove, "line 1: this is the header of word2vec-text"),
        (&packed, Format::Word2vecText, "line 2: what follows is not text"),
        (&packed, Format::Glove, "line 1: this is the header of word2vec-binary"),
        (&glove, Format::Word2vecText, "line 1: \"a 1 2\" is not a header"),
        (&glove, Format::Word2vecBinary, "line 1: \"a 1 2\" is not a header"),
    ];
    for (bytes, format, problem) in refused {
        let error = read_as(bytes, format).unwrap_err().to_string();
        assert!(error.starts_with(&format!("not a readable {} file: ", format.name())), "{error}");
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn text_whose_rows_are_all_wrong_is_not_taken_for_binary() {
    let contents = read("2 2\na 0,5 0,1\nb 0,5 0,1\n").unwrap();
    assert_eq!((contents.format, contents.faults.len()), (Format::Word2vecText, 2));
}
