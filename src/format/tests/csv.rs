//! CSV and TSV: which column is what, and attributes both ways.

use super::{contents, open_all, read, read_as, table, written};
use crate::format::intake::{Intake, Policies};
use crate::format::write::OneFile;
use crate::format::{Compression, Format, Options, Reason, Row, Selection, Step, write};
use crate::table::attributes::{AttributeValue, Attributes};
use crate::table::view::View;
use crate::vector::{Dtype, RowId};

use AttributeValue::{Flag, Number, Text};

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
    let mut view = View::from(builder.build());
    for (row, kept) in attributes {
        view.give_attributes(row, kept);
    }
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
    view.attributes(RowId(row)).cloned().unwrap_or_default()
}

#[test]
fn attributes_come_back_as_what_they_were() {
    let mut view = table(&[(b"a, b", &[0.5, 1.0]), (b"c", &[2.0, -1.0]), (b"d", &[1.0, 1.0])]);
    let texts = ["true", "1.5", "", " ", "a\tb,\"c\"\r\nd", "nan", "[1 2]"];
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
            assert_eq!(again.attributes(row), view.attributes(row), "{}", format.name());
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
    assert_eq!(of(&view, 1), attributes(&[("seen", Number(9.0))]));
    let (view, told) = taken(b"word,x,y,pos\nthe,0.5,1.5,DET\n");
    assert_eq!(told, []);
    assert_eq!((view.dim(), of(&view, 0)), (2, attributes(&[("pos", Text("DET".into()))])));
    let (view, told) = taken(b"text,n,embedding,n\nthe,4,\"[0.5, 1.5, 2]\",5\n");
    assert_eq!(told, [("extra_field", "the column \"n\", whose name comes again".to_owned())]);
    assert_eq!((view.dim(), of(&view, 0)), (3, attributes(&[("n", Number(4.0))])));
    let (view, _) = taken(b"\"word\",\"0\",\"1\",\"pos\"\n\"the\",\"0.5\",\"1.5\",\"1\"\n");
    assert_eq!((view.dim(), of(&view, 0)), (2, attributes(&[("pos", Text("1".into()))])));
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
