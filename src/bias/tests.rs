//! Probes compared with WEFE, and what is refused.

use super::projection::{AxisMethod, ProjectQuery, project};
use super::weat::{WeatQuery, weat};
use super::*;
use crate::error::ErrorKind;
use crate::query::golden::{agree, answers, strings, table};
use crate::query::{OovPolicy, WordOptions, WordOrVector};

fn query(sets: [WordSet; 4]) -> WeatQuery {
    WeatQuery {
        sets,
        words: WeatQuery::default_words(),
        lost_threshold: WeatQuery::LOST_THRESHOLD,
        partitions_max: WeatQuery::PARTITIONS_MAX,
        seed: 0,
    }
}

fn set(name: &str, words: &[&str]) -> WordSet {
    WordSet { name: name.to_owned(), words: words.iter().map(|&word| word.to_owned()).collect() }
}

/// WEFE's statistic and effect size; p-values counted in plain Python.
#[test]
fn the_published_tests_agree_with_wefe() {
    let table = table();
    for golden in answers("weats").as_array().unwrap() {
        let name = golden["suite"].as_str().unwrap();
        let mut query = query(suites::suite(name).unwrap());
        query.partitions_max = 20_000;
        let answer = weat(&table, &query).unwrap();
        assert!(agree(answer.statistic, &golden["statistic"]), "{name}: {}", answer.statistic);
        assert!(agree(answer.effect_size, &golden["effect_size"]), "{name}: {answer:?}");
        for (ours, theirs) in answer.sets.iter().zip(golden["lost"].as_array().unwrap()) {
            assert_eq!(ours.lost, strings(theirs), "{name}");
        }
        let Some(partitions) = golden["partitions"].as_u64() else {
            assert!(!answer.p_value_exact && answer.partition_count == 20_000, "{name}");
            assert!(answer.p_value_standard_error > 0.0, "{name}");
            continue;
        };
        assert!(answer.p_value_exact && answer.partition_count == partitions, "{name}");
        let share = |count: &str| golden[count].as_f64().unwrap() / partitions as f64;
        assert!((answer.p_value - share("one_sided")).abs() < 1e-12, "{name}: {answer:?}");
        assert!((answer.p_value_two_sided - share("two_sided")).abs() < 1e-12, "{name}");
        assert!(answer.p_value_standard_error.abs() < 1e-15);
    }
}

/// Figures known of `GloVe` 6B 50d in lower case.
#[test]
fn career_and_family_are_parted_as_known() {
    let answer = weat(&table(), &query(suites::suite("career-family").unwrap())).unwrap();
    assert!((answer.effect_size - 1.764).abs() < 5e-4, "{}", answer.effect_size);
    assert!((answer.effect_size_ddof1 - 1.708).abs() < 5e-4, "{}", answer.effect_size_ddof1);
    assert!((answer.p_value - 1.0 / 12_870.0).abs() < 1e-15);
    let [x, _, a, _] = &answer.sets;
    assert_eq!((x.name.as_str(), x.words[0].0.as_str()), ("male names", "John"));
    assert!(x.words.iter().all(|(_, association)| association.is_some()));
    assert!(a.words.iter().all(|(_, association)| association.is_none()));
    assert_eq!((&*answer.words.found[0].asked, &*answer.words.found[0].found), ("John", "john"));
}

#[test]
fn lost_words_are_named_and_too_many_are_refused() {
    let table = table();
    let x = set("pets", &["cat", "dog", "kitten", "puppy", "zzcat"]);
    let y = set("", &["king", "queen", "prince"]);
    let [a, b] = [set("", &["he", "man"]), set("b", &["she", "zzshe", "zzher"])];
    let mut query = query([x, y, a, b]);
    let refused = |query: &WeatQuery| weat(&table, query).unwrap_err().kind().clone();
    let ErrorKind::Unsuited { because, .. } = refused(&query) else { panic!() };
    assert!(
        because.contains("set b (b) loses 2 of its 3 words: \"zzshe\", \"zzher\""),
        "{because}"
    );
    assert!(!because.contains("zzcat"), "a fifth is borne: {because}");
    query.lost_threshold = 0.7;
    let answer = weat(&table, &query).unwrap();
    assert_eq!(answer.sets[0].lost, ["zzcat"]);
    assert_eq!(answer.partition_count, 35, "4 and 3 of 7");
    query.words.oov = OovPolicy::Error;
    let words = ["zzcat", "zzshe", "zzher"].map(str::to_owned).to_vec();
    assert_eq!(refused(&query), ErrorKind::UnknownWords { words });
    query.words.oov = OovPolicy::Skip;
    query.lost_threshold = 1.0;
    query.sets[2].words = vec!["zzhe".to_owned()];
    assert!(matches!(refused(&query), ErrorKind::Unsuited { .. }), "an empty set");
    query.sets = [&["cat"][..], &["cat"], &["he"], &["she"]].map(|words| set("", words));
    assert!(matches!(refused(&query), ErrorKind::Unsuited { .. }), "no effect to measure");
}

#[test]
fn words_stand_on_both_axes_where_numpy_puts_them() {
    let table = table();
    let golden = answers("projection");
    let sets =
        ["from", "to"].map(|pole| WordSet { name: pole.into(), words: strings(&golden[pole]) });
    let [from, to] = sets;
    let queries = strings(&golden["queries"]).into_iter().map(WordOrVector::Word).collect();
    let (method, words) = (AxisMethod::MeanDifference, WordOptions::default());
    let mut query = ProjectQuery { from, to, queries, method, words };
    for (method, name) in
        [(AxisMethod::MeanDifference, "mean_difference"), (AxisMethod::Pca, "pca")]
    {
        query.method = method;
        let answer = project(&table, &query).unwrap();
        for (ours, theirs) in answer.projections.iter().zip(golden[name].as_array().unwrap()) {
            assert!(agree(ours.similarity, theirs), "{name}: {ours:?}, not {theirs}");
        }
        match answer.explained_variance {
            Some(share) => assert!(agree(share, &golden["explained_variance"]), "{share}"),
            None => assert_eq!(method, AxisMethod::MeanDifference),
        }
    }
}

#[test]
fn poles_that_make_no_axis_are_refused() {
    let table = table();
    let ask = |from: &[&str], to: &[&str], method| {
        let words = WordOptions { oov: OovPolicy::Skip, ..WordOptions::default() };
        let queries = ["zzcat", "dog"].map(|word| WordOrVector::Word(word.to_owned())).to_vec();
        let query = ProjectQuery { from: set("", from), to: set("", to), queries, method, words };
        project(&table, &query)
    };
    let refused = |from: &[&str], to: &[&str], method| ask(from, to, method).unwrap_err();
    for method in [AxisMethod::MeanDifference, AxisMethod::Pca] {
        for (from, to) in [(["he"], ["he"]), (["zzhe"], ["she"]), (["he"], ["zzshe"])] {
            let error = refused(&from, &to, method);
            assert!(matches!(error.kind(), ErrorKind::Unsuited { .. }), "{error}");
        }
        // The pair without a partner is left out, and so is the unknown query.
        let answer = ask(&["he", "zzhim"], &["she", "her"], method).unwrap();
        assert_eq!(answer.projections.iter().map(|p| p.index).collect::<Vec<_>>(), [1]);
        assert_eq!(answer.words.unknown, ["zzhim", "zzcat"]);
    }
    let error = refused(&["he", "him"], &["she"], AxisMethod::Pca);
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument { .. }), "{error}");
}
