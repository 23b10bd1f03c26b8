//! Arrays of `NumPy`, the words that stand beside them, and archives that hold both.

use super::{contents, open_all, read, read_files, refusal};
use crate::format::words::Words;
use crate::format::{Choices, Format, Options};
use crate::table::attributes::AttributeValue;

pub(super) fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\0", length.as_slice(), header.as_bytes(), data].concat()
}

pub(super) fn le(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

#[test]
fn numpy_arrays_of_both_orders_both_byte_orders_and_every_float() {
    let words = b"a\nb\n".as_slice();
    let be: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0].iter().flat_map(|n| n.to_be_bytes()).collect();
    let doubles: Vec<u8> = [1.0_f64, 2.0, 3.0, 4.0].iter().flat_map(|n| n.to_le_bytes()).collect();
    let halves = [0x3C00_u16, 0x4000, 0x4200, 0x4400].map(u16::to_le_bytes).concat();
    let cases = [
        ("<f4", "False", le(&[1.0, 2.0, 3.0, 4.0])),
        ("<f4", "True", le(&[1.0, 3.0, 2.0, 4.0])),
        (">f4", "False", be),
        ("<f8", "False", doubles),
        ("<f2", "False", halves),
        ("|i1", "False", vec![1, 2, 3, 4]),
    ];
    for (descr, fortran, data) in cases {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': (2, 2), }}\n");
        let file = npy(&header, &data);
        let files = [("x.npy", file.as_slice()), ("x.words.txt", words)];
        let contents = read_files(&files, &Options::default()).unwrap();
        assert_eq!((contents.values(0), contents.values(1)), (vec![1.0, 2.0], vec![3.0, 4.0]));
        assert_eq!(contents.words(), ["a", "b"]);
    }
    let object = npy("{'descr': '|O', 'fortran_order': False, 'shape': (2, 2), }", b"");
    let error = read_files(&[("x.npy", &object)], &Options::default()).unwrap_err().to_string();
    assert!(error.contains("an array of objects is a Python pickle"), "{error}");
    let no_words = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }", &[0; 4]);
    let error = read_files(&[("x.npy", &no_words)], &Options::default()).unwrap_err().to_string();
    assert!(error.contains("put x.words.txt, vocab.txt"), "{error}");
    let huge =
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976, 2), }", b"");
    assert!(read_files(&[("x.npy", &huge)], &Options::default()).is_err());
}

/// `key2row` of spaCy: "apple" and "coffee" have one row, one word has none, one has no text; "number"
/// is a symbol.
fn key2row() -> Vec<u8> {
    let mut map = vec![0x85];
    let (apple, coffee, number) = (8_566_208_034_543_834_098_u64, 3_197_928_453_018_144_401, 432);
    for (key, row) in [(apple, 1), (coffee, 1), (7, 0), (8, 0xFF), (number, 0)] {
        map.push(0xCF);
        map.extend(key.to_be_bytes());
        map.push(row);
    }
    map
}

#[test]
fn vectors_of_spacy_have_the_words_whose_hashes_say_their_rows() {
    let array =
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", &le(&[1.0, 2.0]));
    let (keys, strings) = (key2row(), b"[\"apple\", \"coffee\", \"tea\"]".as_slice());
    let files = [("vectors", array.as_slice()), ("key2row", &keys), ("strings.json", strings)];
    let opened = open_all(&files, &Options::default()).unwrap();
    let told = opened.reader.notes().remove(0).detail;
    assert_eq!(
        told,
        "3 words of strings.json, by their rows in key2row; 2 of its 5 keys have no text there"
    );
    let read = contents(opened).unwrap();
    assert_eq!(read.words(), ["number", "apple", "coffee"]);
    assert_eq!((read.values(0), read.values(1)), (vec![1.0], vec![2.0]));
    let choices = Choices { words: Some("strings.json".to_owned()), ..Choices::default() };
    let options = Options { choices, ..Options::default() };
    assert_eq!(read_files(&files, &options).unwrap().words(), ["number", "apple", "coffee"]);
    let error = read_files(&[files[0], files[2]], &options).unwrap_err().to_string();
    assert!(error.contains("put key2row beside"), "{error}");
    for length in 0..keys.len() {
        let files = [files[0], ("key2row", &keys[..length]), files[2]];
        assert!(read_files(&files, &Options::default()).is_err());
    }
}

#[test]
fn a_list_of_words_may_have_numbers() {
    let words = |text: &str| {
        let words = Words::from_lines(text.as_bytes());
        let number = |row| words.number(row).map(|(_, number)| number);
        let word = |row| String::from_utf8_lossy(words.get(row)).into_owned();
        (0..words.len()).map(|row| (word(row), number(row))).collect::<Vec<_>>()
    };
    let counted = [("the".to_owned(), Some(10.0)), ("of".to_owned(), Some(9.0))];
    for text in [
        "the 10\nof 9\n",
        "the\t10\nof\t9\n",
        "the,10\nof,9",
        "the 10 \r\nof 9 \r\n",
        "the 1e1\nof 9\n",
        "  10 the\n   9 of\n",
        "0\tthe\t10\n1\tof\t9\n",
    ] {
        assert_eq!(words(text), counted, "{text}");
    }
    assert_eq!(words("0\tthe\n1\tof\n"), [("the".to_owned(), None), ("of".to_owned(), None)]);
    let most = format!("{}a b\n", "w 1\n".repeat(9));
    assert_eq!(words(&most)[8..], [("w".to_owned(), Some(1.0)), ("a b".to_owned(), None)]);
    assert_eq!(words("a 1\nb\n"), [("a 1".to_owned(), None), ("b".to_owned(), None)]);
    assert_eq!(Words::from_lines(b"the\t10\tx\nof\t9\ty\n").tab_count(), 2);
}

/// An archive of two arrays, one of them the words.
pub(super) fn npz_file() -> Vec<u8> {
    let vectors =
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", &le(&[1.0, 2.0]));
    let words: Vec<u8> = "a\0b\u{e9}".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    let words = npy("{'descr': '<U2', 'fortran_order': False, 'shape': (2,), }", &words);
    zip(&[("vectors.npy", vectors), ("words.npy", words)])
}

pub(super) fn zip(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write as _;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn an_archive_holds_arrays_and_words_or_one_file() {
    let vectors =
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", &le(&[1.0, 2.0]));
    let contents = read_files(&[("x.npz", &npz_file())], &Options::default()).unwrap();
    assert_eq!(
        (contents.format, contents.words()),
        (Format::Npz, vec!["a".to_owned(), "b\u{e9}".to_owned()])
    );
    let two = zip(&[("a.npy", vectors.clone()), ("b.npy", vectors)]);
    let error = read_files(&[("x.npz", &two)], &Options::default()).unwrap_err().to_string();
    assert!(error.contains("choose one of the arrays a, b with --tensor NAME"), "{error}");
    let many = refusal(zip(&[("a.txt", vec![0]), ("b.txt", vec![0])]));
    let mut twice = zip(&[("a.npy", vec![0; 9]), ("b.npy", vec![0; 9])]);
    // In the second entry of the directory, where its file begins.
    let entry = twice.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    twice[entry + 42..entry + 46].fill(0);
    let twice = refusal(twice);
    assert!(twice.contains("\"a.npy\" and \"b.npy\" overlap"), "{twice}");
    assert!(many.contains("2 files; unpack it and name one: a.txt, b.txt"), "{many}");
}

#[test]
fn a_tar_archive_holds_one_file() {
    let member = |name: &str, kind: u8, bytes: &[u8]| {
        let mut block = vec![0; 512 + bytes.len().next_multiple_of(512)];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        block[156] = kind;
        block[257..262].copy_from_slice(b"ustar");
        block[512..512 + bytes.len()].copy_from_slice(bytes);
        block
    };
    let end = vec![0; 1024];
    let rows = b"word,0,1\na,0.5,1\nb,2,3\n";
    let begin =
        [member("x/", b'5', b""), member("x/._a.csv", b'0', b"?"), member("x/a.csv", b'0', rows)];
    let one = [begin.concat(), end.clone()].concat();
    for file in [one.clone(), super::gzip(&one)] {
        let contents = read_files(&[("x.tar.gz", &file)], &Options::default()).unwrap();
        assert_eq!(
            (contents.format, contents.words()),
            (Format::Csv, vec!["a".into(), "b".into()])
        );
    }
    let two = [begin.concat(), member("x/b.csv", b'0', rows), end].concat();
    let error = read_files(&[("x.tar", &two)], &Options::default()).unwrap_err().to_string();
    assert!(error.contains("several files; unpack it and name one: x/a.csv, x/b.csv"), "{error}");
    for length in 1..one.len() - 1024 {
        assert!(!read(&one[..length]).is_ok_and(|read| read.rows.len() == 2), "cut to {length}");
    }
}

#[test]
fn a_list_of_words_must_fit_the_rows_and_may_have_counts() {
    let array =
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", &le(&[1.0, 2.0]));
    let read = |name: &str, words: &[u8]| {
        open_all(&[("x.npy", array.as_slice()), (name, words)], &Options::default())
    };
    for words in [b"a\n".as_slice(), b"a\nb\nc\n", b"word\tcount\na\t1\nb\t2\n"] {
        let error = read("x.words.txt", words).unwrap_err().to_string();
        assert!(error.contains("it is not the list of its words"), "{error}");
    }
    let error = read("x.vocab.json", br#"["a", "b", "c"]"#).unwrap_err().to_string();
    assert!(error.contains("x.vocab.json has 3 words and the table 2 rows"), "{error}");
    for (words, name, first) in [
        (b"the 1061396\nof 593677\n".as_slice(), "count", AttributeValue::Integer(1_061_396)),
        (b"the\t-3.5\nof\t0\n", "score", AttributeValue::Number(-3.5)),
    ] {
        let mut opened = read("x.vocab.txt", words).unwrap();
        let mut row = crate::format::Row::default();
        opened.reader.read(&mut row).unwrap();
        assert_eq!(row.word, b"the");
        assert_eq!(row.attributes.get(name), Some(&first));
    }
    let plain = contents(read("x.vocab.txt", b"route 66\nnew york\n").unwrap()).unwrap();
    assert_eq!(plain.words(), ["route 66", "new york"]);
}

#[test]
fn the_array_named_words_has_the_words() {
    let matrix =
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", &le(&[1.0, 2.0]));
    let texts = |text: &str| {
        npy("{'descr': '|S1', 'fortran_order': False, 'shape': (2,), }", text.as_bytes())
    };
    let archive = |names: [&str; 2]| {
        zip(&[("vectors.npy", matrix.clone()), (names[0], texts("ab")), (names[1], texts("xx"))])
    };
    let named = archive(["words.npy", "tags.npy"]);
    let contents = read_files(&[("w.npz", &named)], &Options::default()).unwrap();
    assert_eq!(contents.words(), ["a", "b"]);
    let error = refusal(archive(["left.npy", "tags.npy"]));
    assert!(
        error.contains("several arrays hold texts, left, tags, and none is named words"),
        "{error}"
    );
}
