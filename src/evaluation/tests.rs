//! Test sets compared with plain computations and with gensim, and files that are odd.

use super::analogies::{AnalogiesQuery, AnalogyFile, Hits, analogies};
use super::categories::{CategoriesQuery, CategoryFile, categories};
use super::outliers::{OutlierFile, OutliersQuery, outliers};
use super::word_pairs::{PairFile, WordPairsQuery, word_pairs};
use super::*;
use crate::error::{Error, ErrorKind, Result};
use crate::query::analogy::{AnalogyMethod, AnalogyQuery, analogy};
use crate::query::golden::{Brute, agree, answers_in, table};
use crate::query::{Effort, WordOptions, WordOrVector};
use crate::steps::GO;
use crate::table::builder::TableBuilder;
use crate::table::view::View;
use crate::vector::scalar;

const ALL: Lookup = Lookup { restrict_vocab: 300_000, case_insensitive: true };

fn table_of<'a>(rows: impl Iterator<Item = (&'a str, &'a [f32])>) -> View {
    let mut rows = rows.peekable();
    let mut builder = TableBuilder::new(rows.peek().unwrap().1.len()).unwrap();
    for (word, vector) in rows {
        builder.push(word.as_bytes(), vector).unwrap();
    }
    builder.build().into()
}

const QUESTIONS: &str = "\
: family
king queen man woman
Man king WOMAN queen
boy girl prince princess
father mother king queen
zzz queen man woman
: capitals
france paris italy rome
england london japan tokyo
germany berlin france paris

: gram
big bigger small smaller
walk walked swim swam
";

#[test]
fn questions_are_answered_as_one_by_one() {
    let table = table();
    for (method, restrict_vocab) in [
        (AnalogyMethod::CosAdd, 300_000),
        (AnalogyMethod::CosMul, 300_000),
        (AnalogyMethod::CosAdd, 300),
    ] {
        let lookup = Lookup { restrict_vocab, ..ALL };
        let questions = AnalogyFile::read(QUESTIONS.as_bytes()).unwrap();
        let query = AnalogiesQuery { questions, method, lookup };
        let answer = analogies(&table, &query, GO).unwrap();
        let (mut right, mut asked) = ([Hits::default(); 2], 0);
        for line in QUESTIONS.lines().filter(|line| line.split(' ').count() == 4) {
            let words: Vec<String> = line.split(' ').map(str::to_lowercase).collect();
            let rows: Vec<_> = words.iter().filter_map(|word| table.row(word.as_bytes())).collect();
            if rows.len() < 4 || rows.iter().any(|row| row.index() >= restrict_vocab) {
                continue;
            }
            asked += 1;
            let word = |i: usize| WordOrVector::Word(words[i].clone());
            let query = AnalogyQuery {
                a: word(0),
                b: word(1),
                c: word(2),
                examples: Vec::new(),
                method,
                k: 5,
                exclude_inputs: true,
                with_inputs: true,
                effort: Effort::default(),
                words: WordOptions::default(),
                filter: None,
            };
            let allowed = crate::vector::row_set::RowSet::range(0, restrict_vocab);
            let one = analogy(&table, &Brute(&table), 10, &query, Some(&allowed), GO).unwrap();
            for (hits, found) in right.iter_mut().zip([one.found, one.with_inputs.unwrap()]) {
                let place = found.neighbors.iter().position(|n| n.row == rows[3]);
                hits.first += usize::from(place == Some(0));
                hits.top5 += usize::from(place.is_some());
            }
        }
        let total = &answer.total;
        assert_eq!((total.questions, total.asked), (10, asked), "{restrict_vocab}");
        assert_eq!([total.right, total.right_with_inputs], right, "{method:?}");
        assert!(restrict_vocab < 1_000 || total.asked == 9);
        assert!(answer.unknown.contains(&"zzz".to_owned()));
        let names: Vec<_> = answer.sections.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["family", "capitals", "gram"]);
    }
}

#[test]
fn pairs_ask_of_one_another() {
    let table = table();
    let file = b": gender\nman woman\nking queen/princess\nboy girl\n";
    let questions = AnalogyFile::read(file).unwrap();
    let query = AnalogiesQuery { questions, method: AnalogyMethod::CosAdd, lookup: ALL };
    let answer = analogies(&table, &query, GO).unwrap();
    assert_eq!((answer.total.questions, answer.total.asked), (6, 6));
    assert!(answer.total.right.top5 >= 4, "{answer:?}");
}

#[test]
fn pairs_correlate_as_gensim_and_scipy_say() {
    let table = table();
    let file = answers_in("evaluation.json", "pairs_file");
    let query = WordPairsQuery {
        pairs: PairFile::read(file.as_str().unwrap().as_bytes()).unwrap(),
        lookup: ALL,
    };
    let answer = word_pairs(&table, &query, GO).unwrap();
    assert!(agree(answer.pearson.unwrap(), &answers_in("evaluation.json", "pearson")));
    assert!(agree(answer.spearman.unwrap(), &answers_in("evaluation.json", "spearman")));
    assert_eq!((answer.pairs, answer.known, answer.unknown.len()), (12, 11, 1));
    assert!(answer.has_header);
    let (low, high) = answer.spearman_interval.unwrap();
    assert!(low < answer.spearman.unwrap() && answer.spearman.unwrap() < high);
    let alike = PairFile::read(b"king\tqueen\t1\ncat\tdog\t1\n").unwrap();
    let query = WordPairsQuery { pairs: alike, lookup: ALL };
    let answer = word_pairs(&table, &query, GO).unwrap();
    assert_eq!((answer.pearson, answer.spearman, answer.known), (None, None, 2));
}

#[test]
fn categories_and_outliers_are_found() {
    let table = table();
    let file =
        b": royal\nking queen prince princess royal\n: food\nbreakfast lunch dinner cereal\n\
                 : place\nparis london rome berlin tokyo zzz\n";
    let words = CategoryFile::read(file).unwrap();
    let query = CategoriesQuery { words, lookup: ALL, seed: 1 };
    let answer = categories(&table, &query, GO).unwrap();
    assert!(answer.purity > 0.9 && answer.adjusted_rand > 0.8, "{answer:?}");
    assert_eq!((answer.words, answer.known), (15, 14));
    assert!((answer.baseline - 5.0 / 14.0).abs() < 1e-12);
    assert_eq!(answer, categories(&table, &query, GO).unwrap());

    let file =
        b": food\nbreakfast\nlunch\ndinner\n\nking\nparis\ncereal\n: royal\nking\nqueen\n\nbig\n";
    let query = OutliersQuery { sets: OutlierFile::read(file).unwrap(), lookup: ALL };
    let answer = outliers(&table, &query, GO).unwrap();
    assert_eq!((answer.total.outliers, answer.total.asked), (4, 4));
    assert!(answer.total.accuracy > 0.9, "{answer:?}");
    assert!((answer.sets[0].position - 1.0).abs() < 1e-12);
}

#[test]
fn words_of_marks_are_words_and_empty_fields_are_none() {
    let file = "# a comment\n#metoo feminist 9.0\n:) happy 9.5\n:D laugh 9\n#\ncup\t\tmug\t\t3.8\nlad,,boy,1\n";
    assert_eq!(PairFile::read(file.as_bytes()).unwrap().pair_count(), 5);
    let read = AnalogyFile::read(b":faces\n:) glad :( sad\n#up #down #left #right\n").unwrap();
    assert_eq!(read.question_count(), 2);
    assert_eq!(CategoryFile::read(b"#metoo tag\n:) face\n# 1\n").unwrap().word_count(), 2);
}

#[test]
fn words_that_only_upper_case_merges_stay_apart() {
    let words = ["kir", "k\u{131}r", "ada", "Masse", "Ma\u{df}e"];
    let rows = [[1.0, 0.0], [0.0, 1.0], [0.1, 1.0], [1.0, 0.2], [0.0, 1.0]];
    let table = table_of(words.into_iter().zip(rows.iter().map(|row| &row[..])));
    let pairs = "k\u{131}r ada 9\nkir ada 1\nMA\u{df}E ada 8\nMASSE ada 2\n";
    let query = WordPairsQuery { pairs: PairFile::read(pairs.as_bytes()).unwrap(), lookup: ALL };
    let answer = word_pairs(&table, &query, GO).unwrap();
    assert_eq!((answer.known, answer.unknown.len()), (4, 0));
    assert!(answer.spearman.unwrap() > 0.79, "{answer:?}");
}

#[test]
fn outliers_of_large_sets_are_placed_as_one_by_one() {
    let table = table();
    let cosine = |a: &str, b: &str| {
        let row = |word: &str| table.vector(table.row(word.as_bytes()).unwrap());
        scalar::cosine(&row(a), &row(b))
    };
    let mut words = ["king", "queen", "king", "paris", "lunch", "dinner", "king"].to_vec();
    let file = format!("{}\n\nbig\nking\n", words.join("\n"));
    let query = OutliersQuery { sets: OutlierFile::read(file.as_bytes()).unwrap(), lookup: ALL };
    let got = outliers(&table, &query, GO).unwrap();
    let mut positions = 0.0;
    for outlier in ["big", "king"] {
        words.push(outlier);
        let sum = |i: usize| -> f64 {
            (0..words.len()).filter(|&j| j != i).map(|j| cosine(words[i], words[j])).sum()
        };
        let closer = (0..7).filter(|&i| sum(i) > sum(7) + 1e-12).count();
        positions += closer as f64 / 7.0;
        words.pop();
    }
    assert!((got.total.position - positions / 2.0).abs() < 1e-12, "{got:?}");
    // As many as the file may have end in an instant; a caller who left ends them too.
    let many = "king\n".repeat(crate::limits::OUTLIER_MEMBERS_MAX);
    let query = OutliersQuery {
        sets: OutlierFile::read(format!("{many}\nqueen\n").as_bytes()).unwrap(),
        lookup: ALL,
    };
    assert_eq!(outliers(&table, &query, GO).unwrap().total.asked, 1);
    let left = || Err(Error::new(ErrorKind::Cancelled));
    assert!(outliers(&table, &query, &left).is_err());
    let error = OutlierFile::read(format!("{many}king\n\nqueen\n").as_bytes()).unwrap_err();
    assert!(error.to_string().contains("OUTLIER_MEMBERS_MAX"), "{error}");
}

#[test]
fn odd_files_are_refused_with_their_line() {
    fn line<T: std::fmt::Debug>(read: Result<T>) -> String {
        let error = read.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Malformed { .. }), "{error}");
        error.to_string()
    }
    assert!(line(AnalogyFile::read(b": a\nx y z\n")).contains("line 2"));
    assert!(line(AnalogyFile::read(b": a\n# nothing\n")).contains("no question"));
    assert!(line(AnalogyFile::read(b"a \xff b c")).contains("byte 2"));
    assert!(line(PairFile::read(b"a\tb\t1\na\tb\n")).contains("line 2"));
    assert!(line(PairFile::read(b"a b nan\nx y inf\n")).contains("line 2"));
    assert!(line(PairFile::read(b"")).contains("no pair"));
    assert!(line(CategoryFile::read(b"cat animal\n")).contains("two categories"));
    assert!(line(CategoryFile::read(b"cat\n")).contains("line 1"));
    assert!(line(OutlierFile::read(b"a\nb\n")).contains("an outlier"));
    let long = vec![b'a'; crate::limits::EVALUATION_BYTES_MAX + 1];
    let error = PairFile::read(&long).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooLarge { .. }));
}
