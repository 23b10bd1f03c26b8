//! CSV and TSV: which column is what, and attributes both ways.

use super::{contents, open_all, read, read_as, table, written};
use crate::format::intake::{Intake, Policies};
use crate::format::write::OneFile;
use crate::format::{Compression, Format, Options, Reason, Row, Selection, Step, write};
use crate::table::attributes::{AttributeValue, Attributes};
use crate::table::view::View;
use crate::vector::{Dtype, RowId};

use AttributeValue::{Flag, Integer, List, Number, Text};

/// A file as a table, with the reasons that were told.
pub(super) fn taken(file: &[u8]) -> (View, Vec<(&'static str, String)>) {
    let mut opened = open_all(&[("file", file)], &Options::default()).unwrap();
    let mut intake =
        Intake::new(Policies::default(), "csv", (Dtype::F32, opened.reader.dim())).unwrap();
    let mut row = Row::default();
    loop {
        match opened.reader.read(&mut row).unwrap() {
            Step::Row => intake.take(&row).unwrap(),
            Step::Fault(fault) => panic!("{fault:?}"),
            Step::End => break,
        }
    }
    opened.reader.notes().iter().for_each(|note| intake.note(note));
    let (builder, attributes, reasons) = intake.finish();
    let view = View::from(builder.build()).with_attributes(attributes);
    // What every file tells of its columns: see the tests of those.
    let odd = reasons.into_iter().filter(|counted| counted.reason != "columns");
    let told = odd.map(|counted| {
        let examples: Vec<String> = counted.examples.into_iter().map(|(_, word)| word).collect();
        (counted.reason, examples.join("; "))
    });
    (view, told.collect())
}

pub(super) fn attributes(pairs: &[(&str, AttributeValue)]) -> Attributes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

pub(super) fn of(view: &View, row: u32) -> Attributes {
    view.attributes(RowId(row)).to_attributes()
}

#[test]
fn attributes_come_back_as_what_they_were() {
    let mut view = table(&[(b"a, b", &[0.5, 1.0]), (b"c", &[2.0, -1.0]), (b"d", &[1.0, 1.0])]);
    let texts = ["true", "1.5", "", " ", "a\tb,\"c\"\r\nd", "nan", "[1 2]", "2024-01-31"];
    let mut first: Vec<(String, AttributeValue)> = texts
        .iter()
        .enumerate()
        .map(|(i, text)| (format!("text{i}"), Text((*text).to_owned())))
        .collect();
    // Names that could be taken for other columns.
    first.extend(["2", "word", "vector", "a,\"b\"\t", "d0"].map(|name| (name.into(), Flag(true))));
    view.give_attributes(RowId(0), first.into_iter().collect());
    let numbers = [("count", Number(1e300)), ("d0", Number(-0.1)), ("2", Number(7.0))];
    view.give_attributes(RowId(1), attributes(&numbers));
    for format in [Format::Csv, Format::Tsv] {
        let file = written(&view, format, false).unwrap();
        let told = contents(open_all(&[("file", &file)], &Options::default()).unwrap()).unwrap();
        assert_eq!((told.format, told.dim), (format, 2));
        let (again, told) = taken(&file);
        assert_eq!(told, []);
        for row in view.rows() {
            assert_eq!(again.word(row), view.word(row));
            assert_eq!(again.vector(row), view.vector(row));
            let (again, kept) = (again.attributes(row), view.attributes(row));
            assert_eq!(again.to_attributes(), kept.to_attributes(), "{}", format.name());
        }
        assert_eq!(written(&again, format, false).unwrap(), file, "the same bytes");
    }
}

#[test]
fn a_name_that_every_row_has_is_refused_where_it_would_be_lost() {
    let mut view = table(&[(b"a", &[0.5])]);
    view.give_attributes(RowId(0), attributes(&[("text", Flag(true)), ("n", Number(0.5))]));
    for format in [Format::JsonLines, Format::Parquet, Format::Arrow] {
        let (again, told) = taken(&written(&view, format, false).unwrap());
        assert_eq!((of(&again, 0), told), (of(&view, 0), vec![]), "{}", format.name());
    }
    view.give_attributes(RowId(0), attributes(&[("vector", Flag(true))]));
    for format in [Format::JsonLines, Format::Parquet, Format::Arrow] {
        let error = written(&view, format, false).unwrap_err().to_string();
        assert!(error.contains("named \"vector\", as a field of every row; csv"), "{error}");
    }
}

#[test]
fn further_columns_of_other_tools_are_attributes() {
    // pandas, with an index; components count behind a name, or are what has a number.
    let (view, told) = taken(b",word,d0,d1,pos,seen\n7,the,0.5,1.5,DET,True\n8,of,2,3,,9\n");
    assert_eq!(told, [("extra_field", "the column 1, which has no name".to_owned())]);
    assert_eq!(*view.vector(RowId(1)), [2.0, 3.0]);
    assert_eq!(of(&view, 0), attributes(&[("pos", Text("DET".into())), ("seen", Flag(true))]));
    assert_eq!(of(&view, 1), attributes(&[("seen", Integer(9))]));
    let (view, told) = taken(b"word,x,y,pos\nthe,0.5,1.5,DET\n");
    assert_eq!(told, []);
    assert_eq!((view.dim(), of(&view, 0)), (2, attributes(&[("pos", Text("DET".into()))])));
    let (view, told) = taken(b"text,n,embedding,n\nthe,4,\"[0.5, 1.5, 2]\",5\n");
    assert_eq!(told, [("extra_field", "the column \"n\", whose name comes again".to_owned())]);
    assert_eq!((view.dim(), of(&view, 0)), (3, attributes(&[("n", Integer(4))])));
    let (view, _) = taken(b"\"word\",\"0\",\"1\",\"pos\"\n\"the\",\"0.5\",\"1.5\",\"1\"\n");
    assert_eq!((view.dim(), of(&view, 0)), (2, attributes(&[("pos", Text("1".into()))])));
}

/// Rows whose attributes are of every kind, in one kind a name.
fn kinds() -> View {
    let date = |text: &str| AttributeValue::Date(text.parse().unwrap());
    let texts = |texts: &[&str]| List(texts.iter().map(|&text| Text(text.to_owned())).collect());
    let mut view = table(&[(b"a", &[0.5, 1.0]), (b"b", &[2.0, -1.0]), (b"c", &[1.0, 1.0])]);
    let first = [
        ("id", Integer((1 << 53) + 1)),
        ("share", Number(3.0)),
        ("day", date("2024-01-31")),
        ("tags", texts(&["a,b", "\"c\"", "", "2024-01-31"])),
        ("years", List(vec![Integer(i64::MAX), Integer(-1)])),
        ("shares", List(vec![Number(0.5), Number(3.0)])),
        ("days", List(vec![date("2024-01-31T10:30:00.5Z"), date("0001-01-01")])),
        ("flags", List(vec![Flag(true), Flag(false)])),
        ("nothing", List(vec![])),
    ];
    let second = [
        ("id", Integer(i64::MIN)),
        ("share", Number(-0.0)),
        ("day", date("9999-12-31T23:59:59.999999Z")),
        ("tags", texts(&[])),
        ("years", List(vec![Integer(7)])),
    ];
    view.give_attributes(RowId(0), attributes(&first));
    view.give_attributes(RowId(1), attributes(&second));
    view
}

#[test]
fn every_kind_comes_back_from_every_format_that_has_attributes() {
    let view = kinds();
    for format in [
        Format::Csv,
        Format::Tsv,
        Format::JsonLines,
        Format::Arrow,
        Format::Parquet,
        Format::Wordspace,
    ] {
        let (again, told) = taken(&written(&view, format, false).unwrap());
        assert_eq!(told, [], "{}", format.name());
        for row in view.rows() {
            let (again, kept) = (again.attributes(row), view.attributes(row));
            assert_eq!(again.to_attributes(), kept.to_attributes(), "{}", format.name());
        }
    }
}

#[test]
fn values_of_several_kinds_are_kept_as_far_as_a_format_can() {
    let text = |text: &str| Text(text.to_owned());
    let date = AttributeValue::Date("2024-01-31".parse().unwrap());
    let mut view = table(&[(b"a", &[0.5]), (b"b", &[2.0])]);
    let first = [
        ("n", Integer(3)),
        ("big", Integer((1 << 53) + 1)),
        ("day", date.clone()),
        ("list", List(vec![Integer(1), Number(0.5)])),
    ];
    let second =
        [("n", Number(0.5)), ("big", Number(0.5)), ("day", Flag(true)), ("list", Integer(7))];
    view.give_attributes(RowId(0), attributes(&first));
    view.give_attributes(RowId(1), attributes(&second));
    for format in [Format::Csv, Format::JsonLines] {
        let (again, _) = taken(&written(&view, format, false).unwrap());
        assert_eq!((of(&again, 0), of(&again, 1)), (of(&view, 0), of(&view, 1)));
    }
    // A column has one type: that of doubles where they hold every number, or else that of texts.
    let first = [
        ("n", Number(3.0)),
        ("big", text("9007199254740993")),
        ("day", text("2024-01-31")),
        ("list", text("[1,0.5]")),
    ];
    for format in [Format::Arrow, Format::Parquet] {
        let (again, _) = taken(&written(&view, format, false).unwrap());
        assert_eq!(of(&again, 0), attributes(&first), "{}", format.name());
    }
    view.give_attributes(RowId(0), attributes(&[("note", text("[1]"))]));
    for format in [Format::Csv, Format::Tsv] {
        let error = written(&view, format, false).unwrap_err().to_string();
        assert!(error.contains("\"a\" has in \"note\" a text that reads as a list"), "{error}");
    }
}

#[test]
fn dates_and_lists_of_other_tools_are_read() {
    let date = |text: &str| AttributeValue::Date(text.parse().unwrap());
    let csv = "word,0,1,seen,tags,day\n\
               a,0.5,1,2024-01-31 10:30:00,\"[\"\"x\"\", \"\"y\"\"]\",2024-02-30\n\
               b,1,0.5,2024-01-31T10:30:00+01:00,[7],2024-02-29\n";
    let (view, _) = taken(csv.as_bytes());
    let tags = List(vec![Text("x".to_owned()), Text("y".to_owned())]);
    let wanted = [
        ("seen", date("2024-01-31T10:30:00Z")),
        ("tags", tags),
        ("day", Text("2024-02-30".to_owned())),
    ];
    assert_eq!(of(&view, 0), attributes(&wanted));
    let wanted = [
        ("seen", date("2024-01-31T09:30:00Z")),
        ("tags", List(vec![Integer(7)])),
        ("day", date("2024-02-29")),
    ];
    assert_eq!(of(&view, 1), attributes(&wanted));
    // Only what is too long, of several kinds or nested is not kept, and that is told.
    let long = vec!["1"; 257].join(",");
    let json = format!(
        "{{\"word\":\"a\",\"vector\":[1],\"long\":[{long}],\"mixed\":[1,\"a\"],\"nested\":[[1]],\
         \"at\":{{\"$date\":\"2024-01-31\"}},\"ids\":[1,2]}}\n"
    );
    let (view, told) = taken(json.as_bytes());
    let ids = List(vec![Integer(1), Integer(2)]);
    assert_eq!(of(&view, 0), attributes(&[("at", date("2024-01-31")), ("ids", ids)]));
    let wanted = [("attribute", "long; mixed".to_owned()), ("extra_field", "nested".to_owned())];
    assert_eq!(told, wanted);
}

#[test]
fn a_first_row_is_not_taken_for_a_header() {
    // Without names nothing can be an attribute: the row is wrong, and told.
    let contents = read_as("the,0.5,1.5,DET\nof,1,2,ADP\n", Format::Csv).unwrap();
    let faults: Vec<_> = contents.faults.iter().map(|fault| fault.reason).collect();
    assert_eq!((contents.dim, faults), (3, vec![Reason::UnreadableNumber; 2]));
    let (view, told) = taken(b"word,vector,pos\nthe,\"[1,2]\",DET\n");
    assert_eq!((view.len(), view.dim(), told), (1, 2, vec![]));
    let contents = read_as("the,\"[1,2]\"\nof,\"[3,4]\"\n", Format::Csv).unwrap();
    assert_eq!((contents.dim, contents.rows.len()), (2, 2));
    let contents = read("word,2,4\nthe,1,2\n").unwrap();
    assert_eq!((contents.dim, contents.rows.len()), (2, 2), "these names do not count");
    let error = read_as("word,pos\nthe,DET\n", Format::Csv).unwrap_err().to_string();
    assert!(
        error.contains("no column holds numbers: the vector; it has \"word\", \"pos\""),
        "{error}"
    );
}

#[test]
fn a_wide_file_is_told_though_the_look_ends_within_a_row() {
    let names: Vec<String> = (0..6_000).map(|n| n.to_string()).collect();
    let names = format!(",{}", names.join(","));
    let numbers = ",-0.123456789".repeat(6_000);
    let contents = read(format!("word{names}\na{numbers}\nb{numbers}\n")).unwrap();
    assert_eq!((contents.format, contents.dim, contents.rows.len()), (Format::Csv, 6_000, 2));
}

#[test]
fn what_a_spreadsheet_would_compute_is_guarded_on_request() {
    let mut view = table(&[(b"=1+1", &[-0.5]), (b"@x,y", &[1.0]), (b"plain", &[2.0])]);
    view.give_attributes(RowId(2), attributes(&[("-name", Text("+text".to_owned()))]));
    let of = |guards_formulas: bool| {
        let mut bytes = Vec::new();
        let rows = Selection { guards_formulas, ..Selection::all(&view) };
        write(&rows, Format::Csv, Compression::None, &mut OneFile(&mut bytes)).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(of(true), "word,0,\"'-name\"\n'=1+1,-0.5,\n\"'@x,y\",1.0,\nplain,2.0,\"'+text\"\n");
    assert_eq!(of(false), of(true).replace('\'', ""));
}
