//! Questions about given words compared with gensim and with their definitions, and odd input.

use serde_json::Value;

use super::analogy::{AnalogyMethod, AnalogyQuery, analogy};
use super::compare::{CompareQuery, Side, compare};
use super::given::{
    CentralityQuery, GivenQuery, RelativeCosineQuery, most_similar_to_given, rank_by_centrality,
    relative_cosine,
};
use super::golden::{Brute, agree, answers_in, strings, table};
use super::nearest::{Asked, NearestQuery, nearest};
use super::rank::{RankQuery, rank};
use super::set_similarity::{SetSimilarityQuery, set_similarity};
use super::similarity_matrix::{SimilarityMatrixQuery, similarity_matrix};
use super::word_movers::{WordMoversQuery, word_movers};
use super::*;
use crate::error::{ErrorKind, Result};
use crate::steps::GO;
use crate::table::builder::TableBuilder;
use crate::table::view::View;

fn word(word: &str) -> WordOrVector {
    WordOrVector::Word(word.to_owned())
}

fn words(words: &[&str]) -> Vec<WordOrVector> {
    words.iter().map(|&one| word(one)).collect()
}

fn golden(group: &str) -> Vec<Value> {
    answers_in("questions.json", group).as_array().unwrap().clone()
}

fn of(rows: &[(&str, &[f32])]) -> View {
    let mut builder = TableBuilder::new(rows[0].1.len()).unwrap();
    for (word, vector) in rows {
        builder.push(word.as_bytes(), vector).unwrap();
    }
    builder.build().into()
}

fn unsuited<T: std::fmt::Debug>(result: Result<T>) -> String {
    let error = result.unwrap_err();
    let ErrorKind::Unsuited { because, .. } = error.kind() else { panic!("{error}") };
    because.clone()
}

fn asks(method: AnalogyMethod, pairs: &[(String, String)], c: &str) -> AnalogyQuery {
    let pair = |(a, b): &(String, String)| (word(a), word(b));
    let (a, b) = pair(&pairs[0]);
    AnalogyQuery {
        a,
        b,
        c: word(c),
        examples: pairs[1..].iter().map(pair).collect(),
        method,
        k: 10,
        exclude_inputs: true,
        with_inputs: true,
        effort: Effort::default(),
        words: WordOptions::default(),
        filter: None,
    }
}

#[test]
fn directions_and_means_of_pairs_are_their_definitions() {
    let table = table();
    let methods =
        [("pair_direction", AnalogyMethod::PairDirection), ("cos_avg", AnalogyMethod::CosAvg)];
    for (group, method) in methods {
        for golden in golden(group) {
            let pairs: Vec<(String, String)> =
                serde_json::from_value(golden["pairs"].clone()).unwrap();
            let query = asks(method, &pairs, golden["c"].as_str().unwrap());
            let answer = analogy(&table, &Brute(&table), 100, &query, None, GO).unwrap();
            let best = golden["best"].as_array().unwrap();
            for (ours, theirs) in answer.found.neighbors.iter().zip(best) {
                assert_eq!(ours.word, theirs[0].as_str().unwrap().as_bytes(), "{group}");
                assert!(agree(f64::from(ours.similarity), &theirs[1]), "{group}: {ours:?}");
            }
        }
    }
}

#[test]
fn the_parts_of_an_analogy_make_its_similarity() {
    let table = table();
    let pair = [("man".to_owned(), "king".to_owned())];
    for method in [
        AnalogyMethod::CosAdd,
        AnalogyMethod::CosMul,
        AnalogyMethod::PairDirection,
        AnalogyMethod::CosAvg,
    ] {
        let query = asks(method, &pair, "woman");
        let answer = analogy(&table, &Brute(&table), 100, &query, None, GO).unwrap();
        let lists = [answer.found, answer.with_inputs.unwrap()];
        for list in &lists {
            assert_eq!((list.neighbors.len(), list.parts.len()), (10, 10));
            for (near, parts) in list.neighbors.iter().zip(&list.parts) {
                let made = match method {
                    AnalogyMethod::CosMul => parts.b * parts.a * parts.c,
                    AnalogyMethod::CosAdd
                    | AnalogyMethod::PairDirection
                    | AnalogyMethod::CosAvg => parts.b + parts.a + parts.c,
                };
                assert!((made - near.similarity).abs() < 1e-4, "{method:?}: {near:?} {parts:?}");
            }
        }
    }
    let two = [pair[0].clone(), ("boy".to_owned(), "prince".to_owned())];
    let refused =
        analogy(&table, &Brute(&table), 100, &asks(AnalogyMethod::CosMul, &two, "he"), None, GO);
    assert!(matches!(refused.unwrap_err().kind(), ErrorKind::InvalidArgument { .. }));
    let same = [("man".to_owned(), "man".to_owned())];
    let query = asks(AnalogyMethod::PairDirection, &same, "he");
    assert!(
        unsuited(analogy(&table, &Brute(&table), 100, &query, None, GO)).contains("points nowhere")
    );
}

#[test]
fn texts_are_as_far_apart_as_gensim_says() {
    let table = table();
    for golden in golden("word_movers") {
        let text = |i: usize| -> Vec<String> {
            golden[i].as_str().unwrap().split(' ').map(str::to_owned).collect()
        };
        for (raw, theirs) in [(false, &golden[2]), (true, &golden[3])] {
            let words = WordOptions::default();
            let query = WordMoversQuery { texts: [text(0), text(1)], raw, relaxed: false, words };
            let answer = word_movers(&table, &query, &|| Ok(())).unwrap();
            let distance = answer.distance.unwrap();
            assert!(agree(distance, theirs), "{golden}: {distance}");
            assert!(answer.relaxed <= distance + 1e-9);
            let moved: f64 = answer.moves.iter().map(|one| one.weight).sum();
            assert!((moved - 1.0).abs() < 1e-9);
            let relaxed = WordMoversQuery { relaxed: true, ..query };
            let quick = word_movers(&table, &relaxed, &|| Ok(())).unwrap();
            assert_eq!((quick.distance, quick.relaxed), (None, answer.relaxed));
        }
    }
    let words = WordOptions { oov: OovPolicy::Skip, ..WordOptions::default() };
    let texts = [vec!["zzz".to_owned()], vec!["king".to_owned()]];
    let query = WordMoversQuery { texts, raw: false, relaxed: false, words };
    assert!(unsuited(word_movers(&table, &query, &|| Ok(()))).contains("no word of text a"));
}

#[test]
fn ranks_are_gensims() {
    let table = table();
    for golden in golden("ranks") {
        let [a, b] = [0, 1].map(|i| word(golden[i].as_str().unwrap()));
        let query = RankQuery { a, b, k: 10_000, words: WordOptions::default(), filter: None };
        let answer = rank(&table, &query, None, GO).unwrap();
        assert_eq!(answer.rank as u64, golden[2].as_u64().unwrap(), "{golden}");
        let mut closer: Vec<_> =
            answer.closer.iter().map(|n| String::from_utf8(n.word.clone()).unwrap()).collect();
        assert!(answer.closer.is_sorted_by(|x, y| x.similarity >= y.similarity));
        closer.sort_unstable();
        assert_eq!(closer, strings(&golden[3]));
        assert_eq!(answer.row_count, table.len() - 1);
    }
    for golden in golden("relative_cosine") {
        let [a, b] = [0, 1].map(|i| word(golden[i].as_str().unwrap()));
        let query = RelativeCosineQuery { a, b, k: 10, words: WordOptions::default() };
        let answer = relative_cosine(&table, &Brute(&table), &query, GO).unwrap();
        assert!(agree(answer.relative, &golden[2]), "{golden}: {answer:?}");
    }
}

#[test]
fn sets_and_their_centers_are_gensims() {
    let table = table();
    for golden in golden("n_similarity") {
        let sets = [0, 1].map(|i| strings(&golden[i]).iter().map(|one| word(one)).collect());
        let query = SetSimilarityQuery { sets, unit: false, words: WordOptions::default() };
        let answer = set_similarity(&table, &query, GO).unwrap();
        assert!(agree(f64::from(answer.similarity), &golden[2]), "{golden}: {answer:?}");
    }
    let central = golden("centrality");
    let names: Vec<_> = central.iter().map(|pair| pair[1].as_str().unwrap()).collect();
    let queries = words(&["breakfast", "lunch", "dinner", "cereal", "king"]);
    let query = CentralityQuery { queries, words: WordOptions::default() };
    let answer = rank_by_centrality(&table, &query, GO).unwrap();
    let ours: Vec<_> = answer.ranked.iter().map(|ranked| ranked.word.as_str()).collect();
    assert_eq!(ours, names);
    for (ours, theirs) in answer.ranked.iter().zip(&central) {
        assert!(agree(f64::from(ours.similarity), &theirs[0]), "{ours:?}");
    }
    let candidates = words(&["king", "cat", "dinner"]);
    let query = GivenQuery { query: word("kitten"), candidates, words: WordOptions::default() };
    let answer = most_similar_to_given(&table, &query, GO).unwrap();
    assert_eq!(answer.ranked[0].word, answers_in("questions.json", "given").as_str().unwrap());
    assert_eq!(answer.ranked[0].index, 1);
}

#[test]
fn a_matrix_is_made_of_its_pairs() {
    let table = table();
    let skip = WordOptions { oov: OovPolicy::Skip, ..WordOptions::default() };
    let query = SimilarityMatrixQuery {
        rows: words(&["king", "zzz", "cat"]),
        columns: words(&["queen", "dog", "king"]),
        words: skip,
    };
    let answer = similarity_matrix(&table, &query, GO).unwrap();
    assert_eq!(answer.rows, [(0, "king".to_owned()), (2, "cat".to_owned())]);
    assert_eq!((answer.columns.len(), answer.similarities.len()), (3, 6));
    assert!((answer.similarities[2] - 1.0).abs() < 1e-6);
    let square = SimilarityMatrixQuery { columns: Vec::new(), ..query };
    let answer = similarity_matrix(&table, &square, GO).unwrap();
    assert_eq!(answer.rows, answer.columns);
    assert!((answer.similarities[1] - answer.similarities[2]).abs() < 1e-7);
}

#[test]
fn diverse_neighbors_are_near_and_unlike_each_other() {
    let near = &[0.9, 0.1, 0.0][..];
    let table = of(&[
        ("q", &[1.0, 0.0, 0.0]),
        ("x1", near),
        ("x2", &[0.9, 0.101, 0.0]),
        ("x3", &[0.9, 0.099, 0.0]),
        ("y", &[0.8, 0.0, 0.6]),
        ("far", &[-1.0, 0.0, 0.1]),
    ]);
    let ask = |diversity: f32, k: usize| -> Vec<String> {
        let query = NearestQuery { diversity, ..NearestQuery::new(vec![word("q")], k) };
        let asked = Asked { query: &query, default_ef: 10, allowed: None, go_on: GO };
        let answer = nearest(&table, &Brute(&table), asked).unwrap();
        answer.neighbors.iter().map(|n| String::from_utf8(n.word.clone()).unwrap()).collect()
    };
    assert_eq!(ask(0.0, 3), ["x3", "x1", "x2"]);
    assert_eq!(ask(0.5, 2), ["x3", "y"]);
    assert_eq!(ask(1.0, 5).len(), 5, "all come if all are wanted");
}

#[test]
fn a_table_that_was_turned_is_the_same_table() {
    let first = table();
    // Every axis moved to the next, the first one reflected.
    let mut builder = TableBuilder::new(first.dim()).unwrap();
    for row in first.rows() {
        let mut vector = first.vector(row).to_vec();
        vector[0] = -vector[0];
        vector.rotate_right(1);
        builder.push(first.word(row), &vector).unwrap();
    }
    let second: View = builder.build().into();
    let query = CompareQuery {
        words: vec!["king".to_owned(), "paris".to_owned()],
        k: 5,
        anchors: 5_000,
        options: WordOptions::default(),
    };
    let (x, y) = (Brute(&first), Brute(&second));
    let sides = [Side { view: &first, index: &x }, Side { view: &second, index: &y }];
    let answer = compare(sides, &query, &|| Ok(())).unwrap();
    assert_eq!(answer.anchor_count, first.len());
    assert!((answer.aligned_anchors.unwrap().0 - 1.0).abs() < 1e-5);
    for compared in &answer.words {
        assert_eq!((compared.shared.len(), compared.overlap), (5, 1.0));
        assert!((compared.aligned_similarity.unwrap() - 1.0).abs() < 1e-5);
        assert!((compared.neighborhood_similarity.unwrap() - 1.0).abs() < 1e-6);
    }
    let narrow = of(&[("king", &[1.0, 0.5]), ("paris", &[0.0, 1.0])]);
    let z = Brute(&narrow);
    let sides = [Side { view: &first, index: &x }, Side { view: &narrow, index: &z }];
    let answer = compare(sides, &query, &|| Ok(())).unwrap();
    assert_eq!(answer.not_aligned, "the tables have 50 and 2 components");
    assert!(answer.aligned_anchors.is_none() && answer.words[0].aligned_similarity.is_none());
}
