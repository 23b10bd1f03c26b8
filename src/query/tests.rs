//! Questions compared with gensim, and what is refused.

use super::analogy::{AnalogyMethod, AnalogyQuery, analogy};
use super::answer_size::AnswerSize;
use super::golden::{Brute, agree, answers, strings};
use super::nearest::{self, NearestQuery, nearest};
use super::odd_one_out::{OddOneOutQuery, odd_one_out};
use super::similarity::{SimilarityQuery, similarity};
use super::tokenize::{TokenizeQuery, tokenize};
use super::words::{WordsQuery, words};
use super::*;
use crate::error::{Error, ErrorKind};
use crate::index::{Found, Index, IndexKind, SearchParams};
use crate::limits;
use crate::steps::GO;
use crate::table::builder::TableBuilder;
use crate::table::view::View;
use crate::text::tokenizer::Tokenizer;
use serde_json::Value;

fn word(word: &str) -> WordOrVector {
    WordOrVector::Word(word.to_owned())
}

fn weighted(query: WordOrVector) -> Weighted {
    Weighted { query, weight: 1.0 }
}

fn near_to(positive: Vec<WordOrVector>, negative: Vec<WordOrVector>) -> NearestQuery {
    let negative = negative.into_iter().map(weighted).collect();
    NearestQuery { negative, ..NearestQuery::new(positive, 10) }
}

fn skip() -> WordOptions {
    WordOptions { oov: OovPolicy::Skip, ..WordOptions::default() }
}

fn assert_same(ours: &[Neighbor], theirs: &Value) {
    let theirs = theirs.as_array().unwrap();
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(String::from_utf8_lossy(&ours.word), theirs[0].as_str().unwrap());
        assert!(agree(f64::from(ours.similarity), &theirs[1]), "{ours:?}, not {theirs}");
    }
}

fn asked(query: &NearestQuery, default_ef: usize) -> nearest::Asked<'_> {
    nearest::Asked { query, default_ef, allowed: None, go_on: GO }
}

#[test]
fn nearest_is_gensims_most_similar() {
    let table = golden::table();
    for question in answers("nearest").as_array().unwrap() {
        let terms = |list: &Value| -> Vec<Weighted> {
            let terms: Vec<(String, f32)> = serde_json::from_value(list.clone()).unwrap();
            terms.into_iter().map(|(w, weight)| Weighted { query: word(&w), weight }).collect()
        };
        let query = NearestQuery {
            positive: terms(&question["positive"]),
            negative: terms(&question["negative"]),
            k: 15,
            ..near_to(Vec::new(), Vec::new())
        };
        let answer = nearest(&table, &Brute(&table), asked(&query, 100)).unwrap();
        assert_same(&answer.neighbors, &question["neighbors"]);
        assert_eq!(answer.answered_by, AnsweredBy::EXACT);
    }
}

#[test]
fn analogies_are_gensims_with_and_without_inputs() {
    let table = golden::table();
    for golden in answers("analogies").as_array().unwrap() {
        let [a, b, c] = strings(&golden["question"]).try_into().unwrap();
        let mut query = AnalogyQuery {
            a: WordOrVector::Word(a),
            b: WordOrVector::Word(b),
            c: WordOrVector::Word(c),
            examples: Vec::new(),
            method: AnalogyMethod::CosAdd,
            k: 10,
            exclude_inputs: true,
            with_inputs: true,
            effort: Effort::default(),
            words: skip(),
            filter: None,
        };
        let ask =
            |query: &AnalogyQuery| analogy(&table, &Brute(&table), 100, query, None, GO).unwrap();
        let answer = ask(&query);
        assert_same(&answer.found.neighbors, &golden["cos_add"]);
        let with_inputs = answer.with_inputs.unwrap();
        assert_same(&with_inputs.neighbors, &golden["cos_add_with_inputs"]);
        query.with_inputs = false;
        assert_eq!(ask(&query).found, answer.found);
        query.exclude_inputs = false;
        assert_eq!(ask(&query).found, with_inputs);
        query.exclude_inputs = true;
        query.method = AnalogyMethod::CosMul;
        let answer = ask(&query);
        assert_same(&answer.found.neighbors, &golden["cos_mul"]);
        assert_eq!((answer.with_inputs, answer.answered_by), (None, AnsweredBy::EXACT));
    }
}

#[test]
fn odd_one_out_is_gensims_doesnt_match() {
    let table = golden::table();
    for golden in answers("odd_ones").as_array().unwrap() {
        let words = strings(&golden["words"]);
        let queries = words.iter().cloned().map(WordOrVector::Word).collect();
        let query = OddOneOutQuery { queries, words: WordOptions::default() };
        let answer = odd_one_out(&table, &query, GO).unwrap();
        assert_eq!(words[answer.odd_index], golden["odd"].as_str().unwrap());
        for (ours, theirs) in answer.ranked.iter().zip(golden["ranked"].as_array().unwrap()) {
            assert_eq!((&ours.word, &words[ours.index]), (&words[ours.index], &ours.word));
            assert_eq!(ours.word, theirs[0].as_str().unwrap());
            assert!(agree(f64::from(ours.similarity), &theirs[1]), "{ours:?}, not {theirs}");
        }
    }
}

#[test]
fn similarity_is_gensims() {
    let table = golden::table();
    let golden = answers("similarities");
    let golden = golden.as_array().unwrap();
    let pair = |pair: &Value| (word(pair[0].as_str().unwrap()), word(pair[1].as_str().unwrap()));
    let mut pairs: Vec<_> = golden.iter().map(pair).collect();
    pairs.push((word("cat"), word("no-such-word")));
    let answer = similarity(&table, &SimilarityQuery { pairs, words: skip() }, GO).unwrap();
    for (ours, theirs) in answer.similarities.iter().zip(golden) {
        assert!(agree(f64::from(ours.unwrap()), &theirs[2]), "{ours:?}, not {theirs}");
    }
    assert_eq!(answer.similarities.last(), Some(&None));
    assert_eq!(answer.words.unknown, ["no-such-word"]);
}

/// Four directions, one row of zeros, and words to look up by.
fn small() -> View {
    let mut builder = TableBuilder::new(2).unwrap();
    for (word, vector) in [
        ("east", [2.0, 0.0]),
        ("north", [0.0, 3.0]),
        ("west", [-1.0, 0.0]),
        ("south", [0.0, -1.0]),
        ("nowhere", [0.0, 0.0]),
        ("Caf\u{e9}", [1.0, 1.0]),
        ("cafe", [1.0, 2.0]),
        ("\u{ac00}", [2.0, 1.0]),
    ] {
        builder.push(word.as_bytes(), &vector).unwrap();
    }
    builder.build().into()
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind().clone()
}

#[test]
fn every_unknown_word_is_named_once_and_in_order() {
    let table = small();
    let mut query = near_to(vec![word("up"), word("east"), word("down")], vec![word("up")]);
    let ask = |query: &NearestQuery| nearest(&table, &Brute(&table), asked(query, 100));
    let words = vec!["up".to_owned(), "down".to_owned()];
    assert_eq!(refused(ask(&query)), ErrorKind::UnknownWords { words: words.clone() });
    query.words = skip();
    let answer = ask(&query).unwrap();
    assert_eq!(answer.words.unknown, words);
    let east = ResolvedWord { asked: "east".into(), found: "east".into(), row: RowId(0) };
    assert_eq!(answer.words.found, [east]);
    query.positive.remove(1);
    let ErrorKind::Unsuited { because, .. } = refused(ask(&query)) else { panic!() };
    assert_eq!(because, "none of the question's words is in the table");

    let mut query = AnalogyQuery {
        a: word("east"),
        b: word("up"),
        c: word("down"),
        examples: Vec::new(),
        method: AnalogyMethod::CosMul,
        k: 1,
        exclude_inputs: true,
        with_inputs: false,
        effort: Effort::default(),
        words: skip(),
        filter: None,
    };
    let ask = |query: &AnalogyQuery| analogy(&table, &Brute(&table), 100, query, None, GO);
    assert_eq!(refused(ask(&query)), ErrorKind::UnknownWords { words });
    (query.b, query.c) = (word("nowhere"), word("west"));
    let ErrorKind::Unsuited { because, .. } = refused(ask(&query)) else { panic!() };
    assert_eq!(because, "the vector of b is all zeros: it has no direction");
}

#[test]
fn words_are_found_by_the_first_form_that_is_known() {
    let table = small();
    let form = |lowercase, strip_accents| Preprocessor { lowercase, strip_accents };
    let found = |preprocessors: &[Preprocessor], word: &str| {
        resolve::find(&table, preprocessors, word).map(|(form, row)| (form.into_owned(), row.0))
    };
    let as_is_then_plain = [form(false, false), form(true, true)];
    assert_eq!(found(&[], "CAFE"), None);
    assert_eq!(found(&[form(true, false)], "CAFE"), Some(("cafe".into(), 6)));
    assert_eq!(found(&as_is_then_plain, "Caf\u{e9}"), Some(("Caf\u{e9}".into(), 5)));
    assert_eq!(found(&as_is_then_plain, "CAF\u{c9}"), Some(("cafe".into(), 6)));
    assert_eq!(found(&[form(true, true)], "\u{ac00}"), Some(("\u{ac00}".into(), 7)));
    assert_eq!(found(&[form(true, true)], ""), None);

    let words = WordOptions { preprocessors: as_is_then_plain.to_vec(), ..WordOptions::default() };
    let texts = vec!["EAST, caf\u{e9}".to_owned()];
    let query = TokenizeQuery { texts, words, ..TokenizeQuery::default() };
    let rules = Tokenizer::named("rules").unwrap();
    let cut = tokenize(Some(&table), &rules, &query).unwrap().remove(0);
    let told: Vec<_> = cut.tokens.iter().map(|t| (t.row, t.known, t.found.as_deref())).collect();
    let known = |row, found| (Some(RowId(row)), Some(true), Some(found));
    assert_eq!(told, [known(0, "east"), (None, Some(false), None), known(6, "cafe")]);
    assert_eq!(cut.unknown_count, 1);
    let cut = tokenize(None, &rules, &query).unwrap().remove(0);
    assert_eq!((cut.tokens[0].known, cut.unknown_count), (None, 0));
}

#[test]
fn rows_and_vectors_are_checked_against_the_table() {
    let table = small();
    let ask = |positive, negative| {
        refused(nearest(&table, &Brute(&table), asked(&near_to(positive, negative), 100)))
    };
    let vector = |values: &[f32]| WordOrVector::Vector(values.to_vec());
    assert_eq!(
        ask(vec![vector(&[1.0])], vec![]),
        ErrorKind::DimensionMismatch { expected: 2, got: 1 }
    );
    assert_eq!(
        ask(vec![], vec![word("east"), vector(&[1.0, f32::NAN])]),
        ErrorKind::NotFinite { at: "negative[1].vector.values[1]".into() }
    );
    let beyond = WordOrVector::Row(RowId(8));
    let ErrorKind::InvalidArgument { violations } = ask(vec![beyond.clone()], vec![beyond]) else {
        panic!()
    };
    let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["positive[0].row", "negative[0].row"]);
    for cancelled in [
        near_to(vec![word("east"), word("west")], vec![]),
        near_to(vec![word("north")], vec![WordOrVector::Row(RowId(1))]),
        near_to(vec![vector(&[0.0, 0.0])], vec![]),
        near_to(vec![word("nowhere")], vec![]),
    ] {
        let kind = refused(nearest(&table, &Brute(&table), asked(&cancelled, 100)));
        assert!(matches!(kind, ErrorKind::Unsuited { .. }), "{kind:?}");
    }
}

#[test]
fn a_question_leaves_out_its_own_rows_and_the_far_ones() {
    let table = small();
    let names = |query: &NearestQuery| -> Vec<String> {
        let answer = nearest(&table, &Brute(&table), asked(query, 100)).unwrap();
        answer.neighbors.iter().map(|n| String::from_utf8_lossy(&n.word).into_owned()).collect()
    };
    let mut query = near_to(vec![word("east"), WordOrVector::Row(RowId(7))], vec![]);
    query.min_similarity = Some(0.1);
    assert_eq!(names(&query), ["Caf\u{e9}", "cafe", "north"]);
    query.exclude_inputs = false;
    query.k = 3;
    assert_eq!(names(&query), ["east", "\u{ac00}", "Caf\u{e9}"]);
    // A vector of one's own is no row; huge and tiny ones have a direction like any other.
    for size in [f32::MAX, 1.0, f32::MIN_POSITIVE] {
        let mut query = near_to(vec![WordOrVector::Vector(vec![size, 0.0])], vec![]);
        query.k = 1;
        assert_eq!(names(&query), ["east"]);
    }
}

#[test]
fn it_takes_three_to_tell_which_is_odd() {
    let table = small();
    let ask = |words: &[&str]| {
        let queries = words.iter().copied().map(word).collect();
        odd_one_out(&table, &OddOneOutQuery { queries, words: skip() }, GO)
    };
    let answer = ask(&["up", "east", "south", "\u{ac00}"]).unwrap();
    assert_eq!(answer.odd_index, 2);
    let ErrorKind::Unsuited { because, .. } = refused(ask(&["up", "east", "west"])) else {
        panic!()
    };
    assert!(because.starts_with("2 of the 3 words are in the table"), "{because}");
    assert!(ask(&["east", "west", "north", "south"]).is_err());
}

/// Tells how it was asked.
#[derive(Debug)]
struct Asked(std::sync::Mutex<Vec<(usize, usize, usize)>>);

impl Index for Asked {
    fn search(&self, _: &[f32], params: &SearchParams<'_>) -> Found {
        let asked = (params.k, params.ef_search, params.exclude.len());
        self.0.lock().unwrap().push(asked);
        Found { nears: Vec::new(), by: IndexKind::Graph }
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}

#[test]
fn the_beam_that_is_told_is_the_one_searched() {
    let table = small();
    let index = Asked(std::sync::Mutex::default());
    let mut query = near_to(vec![word("east"), word("east")], vec![word("north")]);
    let mut beam = |ef_search, k| {
        query.effort.ef_search = ef_search;
        query.k = k;
        nearest(&table, &index, asked(&query, 64)).unwrap().answered_by.ef_search
    };
    assert_eq!(
        [beam(None, 10), beam(Some(20), 10), beam(Some(20), 100)],
        [Some(64), Some(20), Some(102)]
    );
    assert_eq!(*index.0.lock().unwrap(), [(10, 64, 2), (10, 20, 2), (100, 102, 2)]);
}

/// Tells whose direction it was asked for, and where to begin.
#[derive(Debug, Default)]
struct Hinted(std::sync::Mutex<Vec<Hint>>);

/// The row, and the seeds.
type Hint = (Option<RowId>, Vec<RowId>);

impl Index for Hinted {
    fn search(&self, _: &[f32], params: &SearchParams<'_>) -> Found {
        self.0.lock().unwrap().push((params.row, params.seeds.to_vec()));
        Found { nears: Vec::new(), by: IndexKind::List }
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}

#[test]
fn the_index_is_told_whose_direction_a_question_has() {
    let table = small();
    let index = Hinted::default();
    let row = |name: &str| table.row(name.as_bytes()).unwrap();
    let (east, north) = (row("east"), row("north"));
    let ask = |query: &NearestQuery| nearest(&table, &index, asked(query, 64)).unwrap();
    let east_alone = near_to(vec![word("east")], vec![]);
    assert_eq!(ask(&east_alone).answered_by.kind, IndexKind::List);
    ask(&NearestQuery { words: skip(), ..near_to(vec![word("east"), word("qing")], vec![]) });
    ask(&near_to(vec![WordOrVector::Row(east)], vec![]));
    ask(&near_to(vec![word("east"), word("north")], vec![]));
    ask(&near_to(vec![word("east")], vec![word("north")]));
    ask(&near_to(vec![], vec![word("east")]));
    let mut backward = near_to(vec![word("east")], vec![]);
    backward.positive[0].weight = -2.0;
    ask(&backward);
    ask(&near_to(vec![WordOrVector::Vector(table.vector(east).to_vec())], vec![]));
    let both = vec![east.min(north), east.max(north)];
    let want = [
        (Some(east), vec![east]),
        (Some(east), vec![east]),
        (Some(east), vec![east]),
        (None, both.clone()),
        (None, both),
        (None, vec![east]),
        (None, vec![east]),
        (None, vec![]),
    ];
    assert_eq!(*index.0.lock().unwrap(), want);
}

#[test]
fn an_answer_without_room_in_a_message_is_refused_before_it_is_made() {
    let fitting = limits::MESSAGE_BYTES_MAX / limits::WORD_BYTES_MAX;
    let mut builder = TableBuilder::new(1).unwrap();
    for i in 0..fitting + 2 {
        let mut long = vec![b'0'; limits::WORD_BYTES_MAX - 4];
        long.extend(format!("{i:04}").bytes());
        builder.push(&long, &[1.0]).unwrap();
    }
    let table: View = builder.build().into();
    let index = Brute(&table);
    let near = |k: usize| NearestQuery {
        k,
        exclude_inputs: false,
        ..near_to(vec![WordOrVector::Row(RowId(0))], Vec::new())
    };
    let refusal = |error: Error| {
        assert!(matches!(error.kind(), ErrorKind::TooLarge { limit: "MESSAGE_BYTES_MAX", .. }));
        error.to_string()
    };

    let fits = near(fitting);
    assert_eq!(nearest(&table, &index, asked(&fits, 100)).unwrap().neighbors.len(), fitting);
    let error = nearest(&table, &index, asked(&near(fitting + 1), 100)).unwrap_err();
    assert!(refusal(error).contains(&format!("room for {fitting} of these")));

    // The questions of a batch share the message.
    let half = near(fitting / 2);
    let mut size = AnswerSize::default();
    let batch = [&half, &half, &half].into_iter().map(|query| Ok(asked(query, 100)));
    let answers = nearest::nearest_batch(&table, &index, batch, &mut size);
    assert!(answers[..2].iter().all(Result::is_ok) && answers[2].is_err());
    refusal(size.check().unwrap_err());

    // Pages end where a message is full, and join to the whole list.
    let page = |page_token| {
        let query = WordsQuery { page_size: 10_000, page_token, ..WordsQuery::default() };
        words(&table, 1, &query, None, &|| Ok(())).unwrap()
    };
    let first = page(String::new());
    let second = page(first.next_page_token);
    assert_eq!((first.words.len(), second.words.len()), (fitting, 2));
    assert_eq!(second.next_page_token, "");
}
