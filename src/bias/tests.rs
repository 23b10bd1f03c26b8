//! Probes compared with WEFE, and what is refused.

use super::clusters::{ClustersQuery, clusters};
use super::debias::{DebiasMethod, DebiasQuery, Debiaser};
use super::generate::{GenerateQuery, generate};
use super::partition::{Method, Partitions};
use super::probe::{Metric, ProbeQuery, probe};
use super::projection::{AxisMethod, ProjectQuery, project};
use super::weat::{SingleWeatQuery, WeatQuery, single_weat, weat};
use super::*;
use crate::error::{Error, ErrorKind};
use crate::query::golden::{agree, answers, answers_in, strings, table};
use crate::query::{OovPolicy, WordOptions, WordOrVector};
use crate::steps::GO;
use crate::table::builder::TableBuilder;
use crate::table::view::View;

fn query(sets: [WordSet; 4]) -> WeatQuery {
    let partitions = Partitions { drawn: 200_000, draw: false, seed: 0 };
    WeatQuery { sets, terms: Terms::default(), partitions }
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
        query.partitions.drawn = 20_000;
        let answer = weat(&table, &query, GO).unwrap();
        assert!(agree(answer.statistic, &golden["statistic"]), "{name}: {}", answer.statistic);
        assert!(agree(answer.effect_size, &golden["effect_size"]), "{name}: {answer:?}");
        for (ours, theirs) in answer.sets.iter().zip(golden["lost"].as_array().unwrap()) {
            assert_eq!(ours.lost, strings(theirs), "{name}");
        }
        let Some(partitions) = golden["partitions"].as_u64() else {
            query.partitions.draw = true;
            let drawn = weat(&table, &query, GO).unwrap().p;
            assert_eq!((drawn.method, drawn.partition_count), (Method::Drawn, 20_000), "{name}");
            assert!(answer.p.method != Method::Drawn && answer.p.error <= 2e-3, "{name}");
            // Of a share too small to be drawn, the observed one is drawn all the same.
            let far = (drawn.one_sided - answer.p.one_sided).abs();
            let chance = 4.0 * drawn.standard_error + answer.p.error + 2.0 / 20_000.0;
            assert!(drawn.standard_error > 0.0 && far <= chance, "{name}: {answer:?} {drawn:?}");
            continue;
        };
        let counted = (answer.p.method, answer.p.partition_count);
        assert_eq!(counted, (Method::Exact, partitions), "{name}");
        let share = |count: &str| golden[count].as_f64().unwrap() / partitions as f64;
        assert!((answer.p.one_sided - share("one_sided")).abs() < 1e-12, "{name}: {answer:?}");
        assert!((answer.p.two_sided - share("two_sided")).abs() < 1e-12, "{name}");
        assert!(answer.p.standard_error.abs() < 1e-15);
    }
}

/// Figures known of `GloVe` 6B 50d in lower case.
#[test]
fn career_and_family_are_parted_as_known() {
    let query = query(suites::suite("career-family").unwrap());
    let answer = weat(&table(), &query, GO).unwrap();
    assert!((answer.effect_size - 1.764).abs() < 5e-4, "{}", answer.effect_size);
    assert!((answer.effect_size_ddof1 - 1.708).abs() < 5e-4, "{}", answer.effect_size_ddof1);
    assert!((answer.p.one_sided - 1.0 / 12_870.0).abs() < 1e-15);
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
    let refused = |query: &WeatQuery| weat(&table, query, GO).unwrap_err().kind().clone();
    let ErrorKind::Unsuited { because, .. } = refused(&query) else { panic!() };
    assert!(
        because.contains("set b (b) loses 2 of its 3 words: \"zzshe\", \"zzher\""),
        "{because}"
    );
    assert!(!because.contains("zzcat"), "a fifth is borne: {because}");
    query.terms.lost_threshold = 0.7;
    let answer = weat(&table, &query, GO).unwrap();
    assert_eq!(answer.sets[0].lost, ["zzcat"]);
    assert_eq!(answer.p.partition_count, 35, "4 and 3 of 7");
    query.terms.words.oov = OovPolicy::Error;
    let words = ["zzcat", "zzshe", "zzher"].map(str::to_owned).to_vec();
    assert_eq!(refused(&query), ErrorKind::UnknownWords { words });
    query.terms.words.oov = OovPolicy::Skip;
    query.terms.lost_threshold = 1.0;
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
        let answer = project(&table, &query, GO).unwrap();
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
        project(&table, &query, GO)
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

fn golden(name: &str) -> serde_json::Value {
    answers_in("probes.json", name)
}

fn golden_set(name: &str) -> WordSet {
    WordSet { name: name.to_owned(), words: strings(&golden(name)) }
}

fn probed(metric: Metric, targets: &[&str], attributes: &[&str]) -> ProbeQuery {
    let sets = |names: &[&str]| names.iter().map(|name| golden_set(name)).collect();
    ProbeQuery {
        metric,
        targets: sets(targets),
        attributes: sets(attributes),
        unit: false,
        strictness: 1.0,
        terms: Terms::default(),
        seed: 1,
    }
}

#[test]
fn figures_agree_with_wefe_and_the_definitions() {
    let table = table();
    let gendered: &[&str] = &["male", "female"];
    let close = |ours: f64, theirs: &serde_json::Value, tolerance: f64| {
        assert!((ours - theirs.as_f64().unwrap()).abs() < tolerance, "{ours}, not {theirs}");
    };
    for (metric, name, targets, attributes) in [
        (Metric::Rnd, "rnd", gendered, &["jobs"][..]),
        (Metric::Ect, "ect", gendered, &["jobs"]),
        (Metric::Ripa, "ripa", gendered, &["jobs"]),
        (Metric::Mac, "mac", gendered, &["good", "bad"]),
        (Metric::Rnsb, "rnsb", &["people"], &["good", "bad"]),
        (Metric::DirectBias, "direct_bias", gendered, &["jobs"]),
    ] {
        let answer = probe(&table, &probed(metric, targets, attributes), GO).unwrap();
        close(answer.value.unwrap(), &golden(name), 1e-4);
        let (low, high) = answer.interval.unwrap();
        assert!(low <= high, "{name}");
        if let Some(theirs) = golden(&format!("{name}_words")).as_array() {
            for ((word, ours), theirs) in answer.words.iter().zip(theirs) {
                assert!((ours - theirs.as_f64().unwrap()).abs() < 1e-4, "{name} {word}: {ours}");
            }
        }
        if metric == Metric::DirectBias {
            close(answer.figures[0].1, &golden("explained"), 1e-5);
        }
        if metric == Metric::Rnd {
            assert!(answer.warnings.iter().any(|warning| warning.contains("hides both")));
        }
    }
    let mut query = probed(Metric::IndirectBias, gendered, &["jobs", "jobs"]);
    query.attributes[0].words = vec!["doctor".to_owned(), "nurse".to_owned()];
    query.attributes[1].words = vec!["engineer".to_owned(), "teacher".to_owned()];
    let answer = probe(&table, &query, GO).unwrap();
    for ((_, ours), theirs) in answer.words.iter().zip(golden("indirect").as_array().unwrap()) {
        close(*ours, &theirs[2], 1e-5);
    }
}

#[test]
fn odd_sets_are_refused_or_warned_of() {
    let table = table();
    let refused = |query: &ProbeQuery| probe(&table, query, GO).unwrap_err().kind().clone();
    let query = probed(Metric::Rnd, &["male"], &["jobs"]);
    assert!(matches!(refused(&query), ErrorKind::InvalidArgument { .. }));
    let query = probed(Metric::Ripa, &["male", "jobs"], &["good"]);
    assert!(probe(&table, &query, GO).is_ok(), "six words each");
    let query = probed(Metric::Ripa, &["male", "good"], &["jobs"]);
    assert!(matches!(refused(&query), ErrorKind::InvalidArgument { .. }), "six and seven");
    let query = probed(Metric::DirectBias, &["male", "male"], &["jobs"]);
    assert!(matches!(refused(&query), ErrorKind::Unsuited { .. }), "no direction");
    let mut query = probed(Metric::Ect, &["male", "female"], &["jobs"]);
    query.attributes[0].words = vec!["doctor".to_owned(), "doctor".to_owned()];
    let answer = probe(&table, &query, GO).unwrap();
    assert_eq!((answer.value, answer.interval), (None, None));
    let told = answer.warnings.join("; ");
    assert!(told.contains("more than once") && told.contains("has 2 words"), "{told}");
    query.targets[1].words.push("he".to_owned());
    let told = probe(&table, &query, GO).unwrap().warnings.join("; ");
    assert!(told.contains("sets targets[0] (male) and targets[1] (female) share \"he\""), "{told}");
    // A thousand words, many of them again and again.
    let many = (0..1_000).map(|i| golden_set("jobs").words[i % 6].clone()).collect();
    query.attributes[0].words = many;
    assert!(probe(&table, &query, GO).unwrap().value.is_some());
}

#[test]
fn single_words_lean_as_their_cosines_do() {
    let table = table();
    let query = SingleWeatQuery {
        words: set("", &["nurse", "engineer", "zzz"]),
        attributes: [golden_set("male"), golden_set("female")],
        terms: Terms { lost_threshold: 0.5, ..Terms::default() },
        partitions: Partitions { drawn: 1_000, draw: false, seed: 0 },
    };
    let answer = single_weat(&table, &query, GO).unwrap();
    let [nurse, engineer] = &answer.words[..] else { panic!("{answer:?}") };
    assert!(nurse.association < 0.0 && engineer.association > 0.0, "{answer:?}");
    assert!(nurse.p.method == Method::Exact && nurse.p.partition_count == 924);
    assert!(nurse.p.one_sided > 0.9 && nurse.p.two_sided < 0.2, "{nurse:?}");
    assert_eq!(answer.sets[0].lost, ["zzz"]);
    let (ddof0, ddof1) = nurse.effect_sizes.unwrap();
    assert!((ddof0 / ddof1 - (12.0_f64 / 11.0).sqrt()).abs() < 1e-12);
}

#[test]
fn analogies_are_drawn_along_the_direction() {
    let table = table();
    let query = GenerateQuery {
        from: golden_set("male"),
        to: golden_set("female"),
        top: 10_000,
        delta: 1.0,
        k: 20,
        terms: Terms::default(),
    };
    let answer = generate(&table, &query, &|| Ok(())).unwrap();
    let pairs: Vec<(String, String)> = answer
        .pairs
        .iter()
        .map(|pair| [&pair.from, &pair.to].map(|word| String::from_utf8(word.clone()).unwrap()))
        .map(|[from, to]| (from, to))
        .collect();
    assert!(pairs[..5].iter().any(|(from, to)| from == "he" && to == "she"), "{pairs:?}");
    assert!(answer.pairs.is_sorted_by(|a, b| a.similarity >= b.similarity));
    assert!(answer.pairs.iter().all(|pair| pair.distance <= 1.0 && pair.similarity <= 1.0));
}

fn debiased(method: DebiasMethod) -> DebiasQuery {
    DebiasQuery {
        method,
        from: golden_set("male"),
        to: golden_set("female"),
        sets: Vec::new(),
        specific: WordSet::default(),
        components: 3,
        terms: Terms::default(),
        seed: 0,
    }
}

fn made(table: &View, debiaser: &Debiaser) -> View {
    let mut builder = TableBuilder::new(table.dim()).unwrap();
    for row in table.rows() {
        builder.push(table.word(row), &debiaser.row(row, &table.vector(row))).unwrap();
    }
    builder.build().into()
}

#[test]
fn hard_debiasing_is_its_definition_and_leaves_no_direct_bias() {
    let table = table();
    let debiaser = Debiaser::new(&table, &debiased(DebiasMethod::Hard), &|| Ok(())).unwrap();
    let new = made(&table, &debiaser);
    for golden in golden("hard").as_array().unwrap() {
        let row = new.row(golden[0].as_str().unwrap().as_bytes()).unwrap();
        for (ours, theirs) in new.vector(row).iter().zip(golden[1].as_array().unwrap()) {
            assert!(agree(f64::from(*ours), theirs), "{}", golden[0]);
        }
    }
    let probe_of = |table: &View| {
        let query = probed(Metric::DirectBias, &["male", "female"], &["good"]);
        probe(table, &query, GO).unwrap().value.unwrap()
    };
    assert!(probe_of(&table) > 0.05 && probe_of(&new) < 1e-6);
    // Each word is as far from both words of a pair.
    let similarity = |word: &str| {
        let [he, she, word] = ["he", "she", word].map(|w| new.row(w.as_bytes()).unwrap());
        new.similarity(he, &new.vector(word)) - new.similarity(she, &new.vector(word))
    };
    assert!(similarity("doctor").abs() < 1e-6 && similarity("nurse").abs() < 1e-6);
}

#[test]
fn every_method_leaves_unit_vectors_with_less_bias() {
    let table = table();
    for method in [
        DebiasMethod::Hard,
        DebiasMethod::Multiclass,
        DebiasMethod::DoubleHard,
        DebiasMethod::LinearProjection,
        DebiasMethod::HalfSibling,
    ] {
        let mut query = debiased(method);
        match method {
            DebiasMethod::Multiclass => {
                query.sets = vec![set("", &["he", "she"]), set("", &["man", "woman"])];
                query.components = 1;
            }
            DebiasMethod::HalfSibling => {
                let words = [strings(&golden("male")), strings(&golden("female"))].concat();
                query.specific = WordSet { name: String::new(), words };
            }
            DebiasMethod::Hard | DebiasMethod::DoubleHard | DebiasMethod::LinearProjection => {}
        }
        let debiaser = Debiaser::new(&table, &query, &|| Ok(())).unwrap();
        let specific: Vec<_> =
            query.specific.words.iter().map(|word| table.row(word.as_bytes()).unwrap()).collect();
        let bias = |view: &View| -> f64 {
            let rows = view.rows().filter(|&row| row.index() < 120);
            // What the regression takes out is what the specific words share, not their difference.
            let predicted = |row| -> f64 {
                let cosines =
                    specific.iter().map(|&other| view.similarity(row, &table.vector(other)));
                cosines.map(f64::abs).sum()
            };
            rows.map(|row| match method {
                DebiasMethod::HalfSibling => predicted(row),
                DebiasMethod::Hard
                | DebiasMethod::Multiclass
                | DebiasMethod::DoubleHard
                | DebiasMethod::LinearProjection => debiaser.bias_of(&view.vector(row)),
            })
            .sum()
        };
        let new = made(&table, &debiaser);
        assert!(bias(&new) < 0.9 * bias(&table), "{method:?}: {} {}", bias(&new), bias(&table));
        for row in new.rows() {
            assert!((new.norm(row) - 1.0).abs() < 1e-5, "{method:?}");
        }
        let stopped = Debiaser::new(&table, &query, &|| Err(Error::new(ErrorKind::Cancelled)));
        assert!(stopped.is_err(), "{method:?} asks whether to go on");
    }
    let query = debiased(DebiasMethod::Multiclass);
    let error = Debiaser::new(&table, &query, &|| Ok(())).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument { .. }), "no sets");
}

#[test]
fn biased_words_cluster_by_side() {
    let table = table();
    let query = ClustersQuery {
        from: golden_set("male"),
        to: golden_set("female"),
        top: 50_000,
        count: 40,
        seed: 0,
        terms: Terms::default(),
    };
    let answer = clusters(&table, &table, &query, &|| Ok(())).unwrap();
    assert!((answer.accuracy - answer.original_accuracy).abs() < 1e-12);
    assert!(answer.accuracy > 0.7, "{answer:?}");
    assert_eq!((answer.counts, answer.examples[0].len()), ([40, 40], 10));
    let mut tiny = TableBuilder::new(2).unwrap();
    tiny.push(b"he", &[1.0, 0.0]).unwrap();
    tiny.push(b"she", &[0.0, 1.0]).unwrap();
    let tiny: View = tiny.build().into();
    let [from, to] = [set("", &["he"]), set("", &["she"])];
    let query = ClustersQuery { from, to, ..query };
    let error = clusters(&tiny, &tiny, &query, &|| Ok(())).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsuited { .. }), "two rows: {error}");
}
