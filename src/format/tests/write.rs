//! What is written is what is read back.

use std::io;

use proptest::prelude::*;

use super::{own, read, read_as, table, written};
use crate::error::{Error, ErrorKind};
use crate::format::write::OneFile;
use crate::format::{Compression, Format, Selection, write};
use crate::table::builder::TableBuilder;
use crate::table::view::View;
use crate::vector::RowId;

/// Formats of which any bytes but a newline may be a word.
const LINES: [Format; 3] = [Format::Word2vecText, Format::Word2vecBinary, Format::Glove];

fn three() -> View {
    table(&[(b"a", &[0.1, -0.0]), (b"new york", &[1e-7, 3.0]), (b"b", &[-1.5, f32::MAX])])
}

fn rows_of(table: &View) -> Vec<(Vec<u8>, Vec<u32>)> {
    let row = |row| {
        let row = RowId::try_from(row).unwrap();
        let bits = table.vector(row).iter().map(|value| value.to_bits()).collect();
        (table.word(row).to_vec(), bits)
    };
    (0..table.len()).map(row).collect()
}

#[test]
fn each_format_has_its_bytes() {
    let rows = "a 0.1 -0.0\nnew york 1e-7 3.0\nb -1.5 3.4028235e38\n";
    let glove = written(&three(), Format::Glove, false).unwrap();
    assert_eq!(String::from_utf8(glove).unwrap(), rows);
    let text = written(&three(), Format::Word2vecText, false).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), format!("3 2\n{rows}"));
    let two = table(&[(b"a", &[0.5]), (b"b", &[-2.0])]);
    let packed = written(&two, Format::Word2vecBinary, false).unwrap();
    assert_eq!(packed, b"2 1\na \0\0\0\x3F\nb \0\0\0\xC0\n");
}

#[test]
fn gzip_holds_no_time() {
    let packed = written(&three(), Format::Glove, true).unwrap();
    assert_eq!(packed[..8], [0x1F, 0x8B, 8, 0, 0, 0, 0, 0]);
    assert_eq!(packed, written(&three(), Format::Glove, true).unwrap());
}

#[test]
fn a_word_that_would_not_come_back_is_refused_before_anything_is_written() {
    let refused: [(&[u8], Format, &str); 5] = [
        (b"a\nb", Format::Glove, "writing glove: the word \"a\\nb\" contains a newline"),
        (b"\n", Format::Word2vecBinary, "csv, tsv or safetensors can carry it"),
        (b"a b", Format::Word2vecBinary, "contains a space, which ends a word; word2vec-text can"),
        (b"web 2.0", Format::Word2vecText, "\"web 2.0\" ends like the numbers that would follow"),
        (b"web 2.0", Format::Glove, "\"web 2.0\" ends like the numbers that would follow"),
    ];
    for (word, format, problem) in refused {
        let table = table(&[(b"good", &[0.5, 0.5]), (word, &[1.5, 1.5])]);
        let mut bytes = Vec::new();
        let error =
            write(&Selection::all(&table), format, Compression::None, &mut OneFile(&mut bytes))
                .unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsuited { .. }));
        assert!(error.to_string().contains(problem), "{error}");
        assert_eq!(bytes, b"");
    }
}

#[test]
fn glove_is_refused_when_its_lines_would_not_tell_the_dimension() {
    let table = table(&[(b"new york", &[0.5]), (b"los angeles", &[0.25])]);
    let text = written(&table, Format::Glove, false).unwrap_err().to_string();
    assert!(text.contains("too many words contain spaces"), "{text}");
    assert!(written(&table, Format::Word2vecText, false).is_ok());
}

#[test]
fn a_first_word_is_not_taken_for_something_else() {
    let words: [&[u8]; 6] =
        [b"5", b"\xEF\xBB\xBFa", b"\xEF\xBB\xBF", b"\x1F\x8B\x08", b"PK\x03\x04", b"\x80\x04"];
    for word in words {
        let table = table(&[(word, &[3.0]), (b"1", &[4.0])]);
        for format in LINES {
            let bytes = written(&table, format, false).unwrap();
            let contents = read(bytes).unwrap();
            assert_eq!((contents.format, contents.rows), (format, rows_of(&table)));
        }
    }
}

#[test]
fn a_failing_writer_is_told() {
    struct Fails;
    impl io::Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(own(Error::new(ErrorKind::Cancelled)))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for gzip in [Compression::None, Compression::Gzip] {
        let error =
            write(&Selection::all(&three()), Format::Glove, gzip, &mut OneFile(Fails)).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Cancelled);
        let full = io::ErrorKind::StorageFull;
        let error = write(&Selection::all(&three()), Format::Glove, gzip, &mut OneFile(Full(full)))
            .unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::DiskFull);
    }
}

struct Full(io::ErrorKind);

impl io::Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    let nasty = [
        " ",
        "  ",
        " a",
        "a ",
        "\t",
        "\r",
        "\0",
        "\u{a0}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "nan",
        "inf",
        "1",
        "-1.5",
        "a 1",
        "a 1.25e-30",
        "</s>",
        "new york",
        ". . .",
        "a\r",
        "5 3",
    ];
    prop_oneof![
        "[a-z]{1,6}".prop_map(String::into_bytes),
        prop::sample::select(nasty.map(|word| word.as_bytes().to_vec()).to_vec()),
        prop::collection::vec(any::<u8>().prop_filter("no newline", |&byte| byte != b'\n'), 1..9),
    ]
}

fn a_table() -> impl Strategy<Value = View> {
    let finite = any::<u32>().prop_map(f32::from_bits).prop_filter("finite", |v| v.is_finite());
    let rows = move |dim| {
        let vector = prop::collection::vec(finite.clone(), dim);
        prop::collection::vec((word(), vector), 1..9)
    };
    (1_usize..5).prop_flat_map(rows).prop_map(|rows| {
        let mut builder = TableBuilder::new(rows[0].1.len()).unwrap();
        for (word, vector) in rows {
            builder.push(&word, &vector).unwrap();
        }
        builder.build().into()
    })
}

proptest! {
    #![proptest_config(super::seeded())]

    #[test]
    fn what_is_written_is_read_back(table in a_table()) {
        let rows = rows_of(&table);
        let spaces = rows.iter().any(|(word, _)| word.contains(&b' '));
        for format in LINES {
            for gzip in [false, true] {
                let bytes = match written(&table, format, gzip) {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        prop_assert!(spaces, "{}", error);
                        let unsuited = matches!(error.kind(), ErrorKind::Unsuited { .. });
                        prop_assert!(unsuited, "{}", error);
                        continue;
                    }
                };
                let contents = read_as(&bytes, format).unwrap();
                prop_assert_eq!(contents.compression == Compression::Gzip, gzip);
                prop_assert_eq!(contents.dim, table.dim());
                prop_assert_eq!(&contents.faults, &vec![]);
                prop_assert_eq!(&contents.rows, &rows);
                // Few bytes of floats alone may look like text.
                if format != Format::Word2vecBinary {
                    prop_assert_eq!(read(&bytes).unwrap(), contents);
                }
            }
        }
    }
}
