//! Questions in texts, pieces, forms and radii, each against the same question asked otherwise.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::analogy::{AnalogyMethod, AnalogyQuery, analogy};
use super::embed::{EmbedOptions, EmbedQuery, Input, Pooling, embed};
use super::frequency::{Counts, Frequencies, Weighing};
use super::golden::{Brute, agree, answers_in, strings, table};
use super::nearest::{Asked, NearestAnswer, NearestQuery, nearest};
use super::rank::{RankQuery, rank};
use super::set_similarity::{SetSimilarityQuery, set_similarity};
use super::similarity::{SimilarityQuery, similarity};
use super::tokenize::Cutting;
use super::word_movers::{WordMoversQuery, word_movers};
use super::*;
use crate::error::{Error, ErrorKind, Result};
use crate::steps::GO;
use crate::table::builder::TableBuilder;
use crate::table::view::View;
use crate::text::cutter::Cutter;
use crate::text::spec::{File, Kind, Spec};
use crate::text::tokenizer::Tokenizer;
use crate::vector::row_set::RowSet;

fn word(word: &str) -> WordOrVector {
    WordOrVector::Word(word.to_owned())
}

fn text(text: &str) -> WordOrVector {
    WordOrVector::Text(text.to_owned())
}

fn near_to(positive: &[(WordOrVector, f32)]) -> NearestQuery {
    let weighted =
        |(query, weight): &(WordOrVector, f32)| Weighted { query: query.clone(), weight: *weight };
    let positive = positive.iter().map(weighted).collect();
    NearestQuery { positive, ..NearestQuery::new(Vec::new(), 10) }
}

fn ask(table: &View, query: &NearestQuery) -> Result<NearestAnswer> {
    nearest(table, &Brute(table), Asked { query, default_ef: 10, allowed: None, go_on: GO })
}

fn names(answer: &NearestAnswer) -> Vec<String> {
    answer.neighbors.iter().map(|n| String::from_utf8(n.word.clone()).unwrap()).collect()
}

fn refused<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind().clone()
}

/// Cuts by `WordPiece`, as a table of a BERT would.
#[derive(Debug)]
struct Pieces(Tokenizer);

impl Cutter for Pieces {
    fn tokenizer(&self, name: &str) -> Result<Option<(String, Tokenizer)>> {
        match Tokenizer::named(name) {
            Some(tokenizer) => Ok(Some((name.to_owned(), tokenizer))),
            None => Ok(Some(("pieces".to_owned(), self.0.clone()))),
        }
    }
}

/// Rows for the vocabulary of a `WordPiece` tokenizer, but for `##ly`.
fn pieces() -> View {
    const VOCAB: &str = "[UNK]\nwalk\n##ing\n##ed\nslow\n##ly\nrun\nZebra";
    let mut builder = TableBuilder::new(3).unwrap();
    for (i, token) in VOCAB.lines().enumerate().filter(|(_, token)| *token != "##ly") {
        let i = i as f32;
        builder.push(token.as_bytes(), &[1.0 + i, 2.0 - i, i * i / 9.0]).unwrap();
    }
    let file = File { name: "vocab.txt".to_owned(), bytes: VOCAB.into() };
    let spec = Spec { kind: Kind::WordPiece { cased: true }, files: vec![file] };
    let none = |_: &str| Err(Error::new(ErrorKind::Internal));
    let tokenizer = Tokenizer::open(&spec, &none).unwrap();
    View::from(builder.build()).with_cutter(Some(Arc::new(Pieces(tokenizer))))
}

#[test]
fn what_stands_for_the_unknown_is_no_part_of_a_text() {
    let table = pieces();
    let (_, tokenizer) = table.cutter().unwrap().tokenizer("").unwrap().unwrap();
    let embedded = |text: &str, oov: OovPolicy| {
        let query = EmbedQuery {
            texts: vec![text.to_owned()],
            second: Vec::new(),
            cutting: Cutting::default(),
            words: WordOptions { oov, ..WordOptions::default() },
            options: EmbedOptions {
                pooling: Pooling::Mean,
                pre_normalize: false,
                post_normalize: false,
                counts: Counts::default(),
                weights: HashMap::new(),
                chunk_tokens: None,
                input: Input::Rows,
                model: String::new(),
            },
        };
        let frequencies = Arc::new(Frequencies::zipf(&table));
        let weighing = Weighing { frequencies, common: None, surprise: None };
        embed(&table, &tokenizer, &query, weighing, GO).map(|mut texts| texts.remove(0))
    };
    let known = embedded("walking", OovPolicy::Skip).unwrap();
    let mixed = embedded("walking \u{1f642}", OovPolicy::Skip).unwrap();
    assert_eq!((mixed.used_count, mixed.token_count), (2, 3));
    assert_eq!((&mixed.values, mixed.skipped), (&known.values, vec!["\u{1f642}".to_owned()]));
    assert!(embedded("\u{4e2d}", OovPolicy::Skip).unwrap().values.is_empty());
    let refused = refused(embedded("walking \u{1f642}", OovPolicy::Error));
    assert_eq!(refused, ErrorKind::UnknownWords { words: vec!["\u{1f642}".to_owned()] });
    // Its row is taken by who asks for it.
    let row = table.vector(table.row(b"[UNK]").unwrap());
    assert_eq!(embedded("\u{4e2d}", OovPolicy::Unk).unwrap().values, *row);
}

#[test]
fn a_text_is_its_words_as_often_as_they_stand_there() {
    let table = table();
    let mut query = near_to(&[(text("king and queen and qzx zzz qzx"), 2.0), (word("big"), -0.5)]);
    let by_text = ask(&table, &query).unwrap();
    // Its length is that of a mean, and the question brings it to 1.
    let words = ["king", "and", "queen"].map(|one| table.unit(table.row(one.as_bytes()).unwrap()));
    let sum: Vec<f32> = (0..50).map(|i| words[0][i] + 2.0 * words[1][i] + words[2][i]).collect();
    let mut same = near_to(&[(WordOrVector::Vector(sum), 2.0), (word("big"), -0.5)]);
    same.k = 13;
    let inputs = ["king", "and", "queen"];
    let mut by_vector = names(&ask(&table, &same).unwrap());
    by_vector.retain(|name| !inputs.contains(&name.as_str()));
    by_vector.truncate(10);
    assert_eq!(names(&by_text), by_vector);
    let used = &by_text.words.texts[0];
    assert_eq!((used.field.as_str(), used.tokenizer.as_str()), ("positive[0]", "unicode-words"));
    assert_eq!((used.token_count, used.used_count), (7, 4));
    assert_eq!(used.words.iter().map(|w| w.asked.as_str()).collect::<Vec<_>>(), inputs);
    assert_eq!(used.unknown, ["qzx", "zzz"]);
    query.exclude_inputs = false;
    assert!(names(&ask(&table, &query).unwrap()).contains(&"king".to_owned()));

    // A text of one word is that word, wherever it stands.
    let pairs = vec![(text("king"), word("queen")), (word("king"), word("queen"))];
    let query = SimilarityQuery { pairs, words: WordOptions::default() };
    let both = similarity(&table, &query, GO).unwrap().similarities;
    assert!((both[0].unwrap() - both[1].unwrap()).abs() < 1e-6);
    let place = |a| {
        let words = WordOptions::default();
        rank(&table, &RankQuery { a, b: word("queen"), k: 5, words, filter: None }, None, GO)
            .unwrap()
    };
    let (by_text, by_word) = (place(text("king")), place(word("king")));
    assert_eq!((by_text.rank, by_text.row_count), (by_word.rank, by_word.row_count));

    // Nothing known, nothing there, no such tokenizer.
    let mut query = near_to(&[(text("qzx zzz qzx"), 1.0), (word("yyy"), 1.0)]);
    let unknown = ["qzx", "zzz", "yyy"].map(str::to_owned).to_vec();
    assert_eq!(refused(ask(&table, &query)), ErrorKind::UnknownWords { words: unknown });
    query.words.oov = OovPolicy::Skip;
    assert!(matches!(refused(ask(&table, &query)), ErrorKind::Unsuited { .. }));
    let empty = refused(ask(&table, &near_to(&[(text(" \t"), 1.0)])));
    let ErrorKind::InvalidArgument { violations } = empty else { panic!("{empty:?}") };
    assert_eq!(violations[0].field, "positive[0].text");
    query.words.tokenizer = "nobody".to_owned();
    assert!(matches!(refused(ask(&table, &query)), ErrorKind::TokenizerNotFound { .. }));
}

#[test]
fn an_unknown_word_is_the_mean_of_its_pieces() {
    let table = pieces();
    let mut query = near_to(&[(word("walking"), 1.0)]);
    query.words.oov = OovPolicy::Tokenize;
    let answer = ask(&table, &query).unwrap();
    let vector = |name: &str| table.vector(table.row(name.as_bytes()).unwrap());
    let sum: Vec<f32> = vector("walk").iter().zip(&*vector("##ing")).map(|(x, y)| x + y).collect();
    let mut same = names(&ask(&table, &near_to(&[(WordOrVector::Vector(sum), 1.0)])).unwrap());
    same.retain(|name| name != "walk" && name != "##ing");
    assert_eq!(names(&answer), same, "the pieces are the question's own words");
    let made = &answer.words.made[0];
    let told: Vec<_> =
        made.pieces.iter().map(|piece| (piece.asked.as_str(), piece.row.0)).collect();
    assert_eq!((made.asked.as_str(), told), ("walking", vec![("walk", 1), ("##ing", 2)]));
    assert!(made.unknown_pieces.is_empty() && answer.words.unknown.is_empty());

    // A piece without a row is left out and told; the row of the unknown stands for nobody.
    query.positive[0].query = word("slowly");
    let made = ask(&table, &query).unwrap().words.made.remove(0);
    assert_eq!((made.pieces.len(), made.unknown_pieces), (1, vec!["##ly".to_owned()]));
    query.positive[0].query = word("qqq");
    let words = vec!["qqq".to_owned()];
    assert_eq!(refused(ask(&table, &query)), ErrorKind::UnknownWords { words });
    // A word that has a row is not cut, and a text is cut by the same tokenizer.
    query.positive[0].query = word("Zebra");
    assert!(ask(&table, &query).unwrap().words.made.is_empty());
    query.positive[0].query = text("walking slowly");
    let used = ask(&table, &query).unwrap().words.texts.remove(0);
    assert_eq!((used.tokenizer.as_str(), used.token_count, used.used_count), ("pieces", 4, 3));
    let plain = table.with_cutter(None);
    query.positive[0].query = word("walking");
    assert!(matches!(refused(ask(&plain, &query)), ErrorKind::Unsuited { .. }));
    // Two words that were made are two words.
    let texts = [vec!["walking".to_owned(), "walked".to_owned()], vec!["run".to_owned()]];
    let words = WordOptions { oov: OovPolicy::Tokenize, ..WordOptions::default() };
    let query = WordMoversQuery { texts, raw: false, relaxed: false, words };
    let moves = word_movers(&pieces(), &query, &|| Ok(())).unwrap().moves;
    assert_eq!(moves.len(), 2);
}

#[test]
fn under_all_every_form_counts() {
    let mut builder = TableBuilder::new(2).unwrap();
    for (name, vector) in
        [("Us", [1.0, 0.2]), ("us", [0.1, 3.0]), ("we", [0.2, 1.0]), ("EU", [1.0, 0.1])]
    {
        builder.push(name.as_bytes(), &vector).unwrap();
    }
    let table: View = builder.build().into();
    let lower = Preprocessor { lowercase: true, strip_accents: false };
    let preprocessors = vec![Preprocessor::default(), lower, lower];
    let all = WordOptions { preprocessors, strategy: Strategy::All, ..WordOptions::default() };
    let mut query = near_to(&[(word("Us"), 1.0), (word("Us"), 1.0)]);
    query.words = all.clone();
    let by_forms = ask(&table, &query).unwrap();
    let by_words = ask(&table, &near_to(&[(word("Us"), 1.0), (word("us"), 1.0)])).unwrap();
    assert_eq!(by_forms.neighbors, by_words.neighbors);
    let told: Vec<_> = by_forms.words.found.iter().map(|found| found.found.as_str()).collect();
    assert_eq!(told, ["Us", "us"], "each form once");

    let sets = |words: &[&str]| [words.iter().map(|one| word(one)).collect(), vec![word("we")]];
    let grown = SetSimilarityQuery { sets: sets(&["Us", "EU"]), unit: false, words: all };
    let grown = set_similarity(&table, &grown, GO).unwrap();
    let words = WordOptions::default();
    let said = SetSimilarityQuery { sets: sets(&["Us", "us", "EU"]), unit: false, words };
    let said = set_similarity(&table, &said, GO).unwrap();
    assert_eq!((grown.similarity, grown.counts), (said.similarity, [3, 1]));
}

#[test]
fn all_within_a_radius_are_found_and_counted() {
    let table = table();
    for (least, k) in [(0.6, 3), (0.6, 400), (0.2, 10), (-1.0, 5), (2.0, 5)] {
        let mut query = near_to(&[(word("king"), 1.0), (word("queen"), 1.0)]);
        (query.min_similarity, query.k) = (Some(least), k);
        let answer = ask(&table, &query).unwrap();
        (query.min_similarity, query.k) = (None, table.len());
        let mut all = ask(&table, &query).unwrap().neighbors;
        all.retain(|near| near.similarity >= least);
        assert_eq!(answer.within, Some(all.len()));
        all.truncate(k);
        assert_eq!(answer.neighbors, all, "{least} {k}");
    }
    let mut query = near_to(&[(word("king"), 1.0)]);
    (query.min_similarity, query.effort.ef_search) = (Some(0.6), Some(10));
    assert_eq!(ask(&table, &query).unwrap().within, None, "a beam may miss some");
}

#[test]
fn texts_radii_and_parts_of_the_vocabulary_are_gensims() {
    let table = table();
    let golden = |group: &str| answers_in("wordings.json", group).as_array().unwrap().clone();
    let same = |ours: &[Neighbor], theirs: &Value| {
        let theirs = theirs.as_array().unwrap();
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert_eq!(String::from_utf8_lossy(&ours.word), theirs[0].as_str().unwrap());
            assert!(agree(f64::from(ours.similarity), &theirs[1]), "{ours:?}, not {theirs}");
        }
    };
    for golden in golden("texts") {
        let asked = text(golden["text"].as_str().unwrap());
        let options = WordOptions::default();
        let (found, _) =
            resolve::resolve(&table, &options, &[&asked], &|_| String::new(), GO).unwrap();
        let mean = found[0].as_ref().unwrap().vector.iter();
        assert!(mean.zip(golden["mean"].as_array().unwrap()).all(|(&x, y)| agree(f64::from(x), y)));
        same(&ask(&table, &near_to(&[(asked, 1.0)])).unwrap().neighbors, &golden["near"]);
    }
    for golden in golden("restricted") {
        let [a, b, c] = [0, 1, 2].map(|i| word(golden[i].as_str().unwrap()));
        let top = usize::try_from(golden[3].as_u64().unwrap()).unwrap();
        let allowed = RowSet::range(0, top);
        for (method, best) in
            [(AnalogyMethod::CosMul, &golden[4]), (AnalogyMethod::CosAdd, &golden[5])]
        {
            let query = AnalogyQuery {
                a: a.clone(),
                b: b.clone(),
                c: c.clone(),
                examples: Vec::new(),
                method,
                k: 5,
                exclude_inputs: true,
                with_inputs: false,
                effort: Effort::default(),
                words: WordOptions::default(),
                filter: None,
            };
            let answer = analogy(&table, &Brute(&table), 10, &query, Some(&allowed), GO).unwrap();
            same(&answer.found.neighbors, best);
        }
    }
    for golden in golden("within") {
        let mut query = near_to(&[(word(golden[0].as_str().unwrap()), 1.0)]);
        (query.min_similarity, query.k) = (serde_json::from_value(golden[1].clone()).unwrap(), 500);
        assert_eq!(names(&ask(&table, &query).unwrap()), strings(&golden[2]));
    }
}
