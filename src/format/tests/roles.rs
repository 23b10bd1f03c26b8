//! Which columns are words, components and attributes, alike in every format, and that it is told.

use super::csv::{attributes, of, taken};
use super::{open_all, read, read_as, read_files};
use crate::format::{Format, Options, Reason};
use crate::table::attributes::AttributeValue::{Integer, Number, Text};
use crate::vector::RowId;

/// What a file tells of its columns.
fn told(name: &str, file: &[u8]) -> (&'static str, String) {
    let opened = open_all(&[(name, file)], &Options::default()).unwrap();
    let notes = opened.reader.notes();
    let note = notes.iter().find(|note| note.reason == "columns").expect("columns are told");
    (note.done, note.detail.clone())
}

#[test]
fn a_quote_that_nothing_closes_is_a_character() {
    let rows = "king\t0.1\t0.2\n\"\t0.4\t0.5\nqueen\t0.7\t0.8\n''\t1.0\t1.1\n\"\t1.3\t1.4\nman\t1.6\t1.7\n";
    let words = ["king", "\"", "queen", "''", "\"", "man"];
    for file in [format!("word\td0\td1\n{rows}"), rows.to_owned()] {
        let contents = read_files(&[("q.tsv", file.as_bytes())], &Options::default()).unwrap();
        assert_eq!(
            (contents.format, contents.words()),
            (Format::Tsv, words.map(str::to_owned).to_vec())
        );
        assert_eq!(contents.values(1), [0.4, 0.5]);
    }
    let one = "word\td0\nking\t0.1\n\"hello\t0.4\n\"so\" he said\t1.0";
    assert_eq!(read(one).unwrap().words(), ["king", "\"hello", "\"so\" he said"]);
    let lines = "word,d0,note\na,0.5,\"b\nc,1.5\nd\"\n\"e\nf\",2.5,\n";
    let (view, _) = taken(lines.as_bytes());
    assert_eq!((view.len(), view.word(RowId(1))), (2, b"e\nf".as_slice()));
    assert_eq!(of(&view, 0), attributes(&[("note", Text("b\nc,1.5\nd".into()))]));
}

#[test]
fn a_first_row_of_whole_numbers_is_a_row_unless_the_rows_below_are_not() {
    for file in ["cat,1,2,3\ndog,4,5,6\nrun,7,8,9\n", "cat,0,1,0\ndog,1,0,0\nrun,1,1,0\n"] {
        let contents = read_as(file, Format::Csv).unwrap();
        assert_eq!((contents.words().len(), contents.dim), (3, 3), "{file}");
        assert!(told("x.csv", file.as_bytes()).1.contains("no line names columns"));
    }
    let contents = read_as("mot,0,1\nchat,0.5,0.25\n", Format::Csv).unwrap();
    assert_eq!(contents.words(), ["chat"]);
    for header in ["word,0,1", ",0,1", "word,1,2", "word,1,0", "Unnamed: 0,0,1", "index,00,01"] {
        assert_eq!(read(format!("{header}\ncat,1,2\n")).unwrap().words(), ["cat"], "{header}");
    }
}

#[test]
fn components_are_taken_in_the_order_of_their_numbers_and_none_is_lost() {
    let sorted = "word,d0,d1,d10,d11,d2,d3,d4,d5,d6,d7,d8,d9\nw,0,1,10,11,2,3,4,5,6,7,8,9.5\n";
    let wanted = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.5, 10.0, 11.0];
    assert_eq!(read(sorted).unwrap().values(0), wanted);
    assert_eq!(told("x.csv", sorted.as_bytes()).0, "taken by their names");
    let reversed = "word,d2,d1,d0\nw,2,1,0.5\n";
    assert_eq!(read(reversed).unwrap().values(0), [0.5, 1.0, 2.0]);
    let names = ["0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"];
    let bare = |first: &str, names: &[&str]| {
        let wanted: Vec<f32> =
            (0..12_u8).filter(|n| names.contains(&&*n.to_string())).map(f32::from).collect();
        let file = format!("{first},{}\na,{}\nb,{0}\n", names.join(","), names.join(","));
        let contents = read_files(&[("x.csv", file.as_bytes())], &Options::default()).unwrap();
        assert_eq!((contents.values(0), contents.rows.len()), (wanted, 2), "{file}");
    };
    for first in ["word", "", "Unnamed: 0", "index"] {
        bare(first, &names);
        bare(first, &names[..11]);
        bare(first, &names.iter().rev().copied().collect::<Vec<_>>());
    }
    let gap = "word,d0,d1,d3,freq\nw,0.5,1,3,77\n";
    assert_eq!(read(gap).unwrap().values(0), [0.5, 1.0, 3.0]);
    let (done, detail) = told("x.csv", gap.as_bytes());
    assert!(detail.contains("3 components: \"d0\" to \"d3\", without \"d2\""), "{detail}");
    assert_eq!(done, "a guess: see that it is right");
}

#[test]
fn columns_named_for_something_else_are_no_components() {
    let (view, _) = taken(b"word,count,x,y,z\nthe,100,0.5,1.5,2.5\n");
    assert_eq!((view.dim(), of(&view, 0)), (3, attributes(&[("count", Integer(100))])));
    let wide = b"{\"word\":\"a\",\"0\":0.5,\"1\":1.5,\"freq\":0.25}\n";
    let (view, _) = taken(wide);
    assert_eq!(
        (&*view.vector(RowId(0)), of(&view, 0)),
        ([0.5, 1.5].as_slice(), attributes(&[("freq", Number(0.25))]))
    );
}

#[test]
fn the_surest_name_is_the_word_and_then_a_nameless_index() {
    let (view, _) = taken(b",0,1,label\ncat,0.5,1,animal\ndog,1,0.5,animal\n");
    assert_eq!((view.word(RowId(0)), view.len()), (b"cat".as_slice(), 2));
    assert_eq!(of(&view, 1), attributes(&[("label", Text("animal".into()))]));
    for file in ["vocabulary,0,1,label", "index,0,1,label"] {
        let file = format!("{file}\ncat,0.5,1,animal\ndog,1,0.5,animal\n");
        let read = read_files(&[("x.csv", file.as_bytes())], &Options::default()).unwrap();
        assert_eq!(read.words(), ["cat", "dog"], "{file}");
        assert_eq!(told("x.csv", file.as_bytes()).0, "a guess: see that it is right");
    }
    for file in [
        "{\"name\":\"n1\",\"word\":\"cat\",\"vector\":[1,2]}\n{\"name\":\"n2\",\"word\":\"dog\",\"vector\":[2,1]}\n",
        "name,word,d0,d1\nn1,cat,1,2\nn2,dog,2,1\n",
    ] {
        let (view, _) = taken(file.as_bytes());
        assert_eq!(
            (view.word(RowId(0)), view.word(RowId(1))),
            (b"cat".as_slice(), b"dog".as_slice())
        );
        assert_eq!(of(&view, 0), attributes(&[("name", Text("n1".into()))]));
    }
}

#[test]
fn a_first_row_that_is_wrong_is_a_row_that_is_wrong() {
    let cases: [(&str, Reason, &str); 6] = [
        ("word,x,y\ncat,,0.3\ndog,0.1,0.2\nrun,0.5,0.6\n", Reason::UnreadableNumber, "cat"),
        (
            "word,vector\ncat,nan\ndog,\"[0.3,0.4]\"\nrun,\"[0.1,0.2]\"\n",
            Reason::WrongDimension,
            "cat",
        ),
        (
            "{\"word\":\"cat\",\"vector\":null}\n{\"word\":\"dog\",\"vector\":[0.3,0.4]}\n",
            Reason::WrongDimension,
            "cat",
        ),
        (
            "{\"comment\":\"made by x\"}\n{\"word\":\"dog\",\"vector\":[0.3,0.4]}\n",
            Reason::UnreadableRow,
            "",
        ),
        (
            "{\"word\":\"cat\",\"vector\":[1]}\n{\"word\":\"dog\",\"vector\":[1,2]}\n{\"word\":\"a\",\"vector\":[1,2]}\n",
            Reason::WrongDimension,
            "cat",
        ),
        (
            "\n{\"word\":\"cat\",\"vector\":[\"x\",1]}\n{\"word\":\"dog\",\"vector\":[1,2]}\n",
            Reason::UnreadableNumber,
            "cat",
        ),
    ];
    for (file, reason, word) in cases {
        let contents = read(file).unwrap();
        assert_eq!(contents.dim, 2, "{file}");
        assert_eq!(contents.faults.len(), 1, "{file}");
        assert_eq!(
            (contents.faults[0].reason, contents.faults[0].word.as_str()),
            (reason, word),
            "{file}"
        );
    }
    let cut = "{\"word\":\"cat\",\"vector\":[1,2\n{\"word\":\"dog\",\"vector\":[1,2]}\n";
    let contents = read(cut).unwrap();
    assert_eq!((contents.words(), contents.faults.len()), (vec!["dog".to_owned()], 1));
    let empty = format!("word,x,y\n{}dog,1,2\n", "cat,,1\n".repeat(70));
    assert_eq!(read(&empty).unwrap().values(0), [1.0, 2.0]);
    let null = "{\"word\":\"cat\",\"n\":0.5,\"vector\":null}\n".repeat(70);
    assert_eq!(
        read(format!("{null}{{\"word\":\"dog\",\"n\":1,\"vector\":[1,2]}}\n")).unwrap().dim,
        2
    );
    let error = read(&null).unwrap_err().to_string();
    assert!(error.contains("\"vector\" has no value in the first rows"), "{error}");
    let nan = read(
        "{\"word\":\"cat\",\"vector\":[NaN,0.5]}\n{\"word\":\"dog\",\"vector\":[-Infinity,0.5]}\n",
    )
    .unwrap();
    assert!(nan.values(0)[0].is_nan() && nan.values(1)[0] == f32::NEG_INFINITY);
}

#[test]
fn json_is_a_line_a_row_one_array_or_one_object() {
    let rows = ["{\"word\":\"a]\",\"vector\":[1,2]}", "{\"word\":\"b\\\"\",\"vector\":[3,4.5]}"];
    let pretty = rows.map(|row| row.replace(',', ",\n  ").replace('{', "{\n  "));
    for file in [
        rows.join("\n"),
        pretty.join("\n"),
        format!("[{}]", rows.join(",")),
        format!("\u{feff}\n[\n {}\n]\n", pretty.join(",\n")),
        "[[\"a]\", [1, 2]], [\"b\\\"\", [3, 4.5]]]".to_owned(),
        "[\"a]\", [1, 2]]\n[\"b\\\"\", [3, 4.5]]\n".to_owned(),
        "[\"a]\", 1, 2]\n[\"b\\\"\", 3, 4.5]\n".to_owned(),
        "[[\"a]\", 1, 2],\n [\"b\\\"\", 3, 4.5]]".to_owned(),
        "{\"a]\":{\"0\":1,\"1\":2},\"b\\\"\":{\"0\":3,\"1\":4.5}}".to_owned(),
        "{\"a]\":{\"vector\":[1,2]},\"b\\\"\":{\"vector\":[3,4.5]}}".to_owned(),
        "{\"0\":{\"word\":\"a]\",\"x\":1.0,\"y\":2},\"1\":{\"word\":\"b\\\"\",\"x\":3.0,\"y\":4.5}}"
            .to_owned(),
        "{\"a]\": [1, 2], \"b\\\"\": [3, 4.5]}".to_owned(),
        "{\n  \"a]\": [\n 1,\n 2\n],\n  \"b\\\"\": [3, 4.5]\n}\n".to_owned(),
    ] {
        let contents = read(&file).unwrap();
        assert_eq!(
            (contents.format, contents.words()),
            (Format::JsonLines, vec!["a]".into(), "b\"".into()]),
            "{file}"
        );
        assert_eq!((contents.values(0), contents.values(1)), (vec![1.0, 2.0], vec![3.0, 4.5]));
    }
    let error = read("[{\"word\":\"a\",\"vector\":[1,2]},\n").unwrap_err().to_string();
    assert!(error.contains("it is not complete"), "{error}");
}

#[test]
fn json_with_words_and_numbers_apart_says_how_to_join_them() {
    for (file, problem) in [
        ("{\"columns\":[0,1],\"index\":[\"a\",\"b\"],\"data\":[[1,2],[3,4]]}", "orient \"split\""),
        ("{\"0\":{\"a\":1,\"b\":3,\"c\":5},\"1\":{\"a\":2,\"b\":4,\"c\":6}}", "by its columns"),
        ("{\"word\":{\"0\":\"a\",\"1\":\"b\"},\"x\":{\"0\":1,\"1\":2}}", "by its columns"),
        ("{\"x\":{\"a\":1,\"b\":3,\"c\":5},\"y\":{\"a\":2,\"b\":4,\"c\":6}}", "by its columns"),
        ("[[1,2],[3,4]]", "lists of numbers without words"),
        ("{\"words\":[\"a\",\"b\"],\"vectors\":[[1,2],[3,4]]}", "a list of words and"),
    ] {
        let files = [("x.json", file.as_bytes())];
        let error = read_files(&files, &Options::default()).unwrap_err().to_string();
        assert!(error.contains(problem), "{file}: {error}");
    }
    let page = [("x.csv", b"<html>\n<body>no, not found</body></html>\n".as_slice())];
    for wanted in [None, Some(Format::Csv), Some(Format::JsonLines)] {
        let options = Options { wanted, ..Options::default() };
        let error = read_files(&page, &options).unwrap_err().to_string();
        assert!(error.contains("this is a web page"), "{error}");
    }
}

#[test]
fn semicolons_and_decimal_commas_are_told() {
    let file = "wort;d0;d1\nkatze;0,1;0,25\nhund;0,2;0,5\n";
    let contents = read(file).unwrap();
    assert_eq!(
        (contents.format, contents.words()),
        (Format::Csv, vec!["katze".into(), "hund".into()])
    );
    assert_eq!(contents.values(0), [0.1, 0.25]);
    for file in [
        "katze;0,1;0,25\nhund;0,2;0,5\n",
        "sep=;\r\nwort;d0;d1\r\nkatze;0,1;0,25\r\n",
        "\"wort, das\";d0;d1\nkatze;0,1;0,25\n",
        "wort\td0\td1\nkatze\t0,1\t0,25\n",
        "katze\t0.1\t0.25\nhund, klein\t0.2\t0.5\n",
    ] {
        let contents = read_files(&[("x.csv", file.as_bytes())], &Options::default()).unwrap();
        assert_eq!(
            (contents.words()[0].as_str(), contents.values(0)),
            ("katze", vec![0.1, 0.25]),
            "{file}"
        );
    }
    let (_, detail) = told("x.csv", file.as_bytes());
    assert!(detail.ends_with("fields between \";\"; decimals with a comma"), "{detail}");
}

#[test]
fn numbers_that_would_be_changed_stay_texts() {
    let csv = "word,0,1,id,code,ean\ncat,0.5,1,15461306683949138220,007,1E5\ndog,1,0.5,5,10,2E10\n";
    let (view, told) = taken(csv.as_bytes());
    let text = |text: &str| Text(text.to_owned());
    let wanted =
        [("id", text("15461306683949138220")), ("code", text("007")), ("ean", text("1E5"))];
    assert_eq!(of(&view, 0), attributes(&wanted));
    assert_eq!(
        of(&view, 1),
        attributes(&[("id", text("5")), ("code", text("10")), ("ean", text("2E10"))])
    );
    assert_eq!(told, [("number_as_text", "id, code, ean".to_owned())]);
    let json = "{\"word\":\"cat\",\"vector\":[1],\"id\":9007199254740993,\"n\":123456789012345678901234,\"x\":1E2}\n";
    let (view, _) = taken(json.as_bytes());
    let wanted = [
        ("id", Integer(9_007_199_254_740_993)),
        ("n", text("123456789012345678901234")),
        ("x", Number(100.0)),
    ];
    assert_eq!(of(&view, 0), attributes(&wanted));
}

#[test]
fn a_tab_before_numbers_between_spaces_is_no_part_of_the_word() {
    let rows = "king\t0.11 0.22 0.33\nqueen\t0.12 0.21 0.31\nnew york\t-0.4 0.5 0.6\n";
    let commas = "king\t0.11,0.22,0.33\nqueen\t0.12,0.21,0.31\nnew york\t-0.4,0.5,0.6\n";
    for file in
        [rows.to_owned(), format!("3 3\n{rows}"), rows.replace('\t', "\t\t"), commas.to_owned()]
    {
        let contents = read(&file).unwrap();
        assert_eq!(
            (contents.dim, contents.words()),
            (3, ["king", "queen", "new york"].map(str::to_owned).to_vec())
        );
        assert_eq!(contents.values(1), [0.12, 0.21, 0.31]);
    }
    let error =
        read_files(&[("x.csv", commas.as_bytes())], &Options::default()).unwrap_err().to_string();
    assert!(error.contains("--format glove"), "{error}");
    let hidden = "king\u{a0}0.1 0.2\nqueen\u{a0}0.3 0.4\n";
    assert!(read(hidden).unwrap_err().to_string().contains("a no-break space"));
}
