//! Models against plain definitions of their smoothings, against each other, and against damage.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use super::arpa::{ArpaForm, ArpaOptions};
use super::*;
use crate::budget::{Budget, Share};
use crate::container::Writer;
use crate::error::Result;
use crate::steps::GO;
use crate::vector::random::SplitMix64;

fn room(bytes: u64) -> Room {
    let budget = Arc::new(Budget::new("job-memory", 1 << 30));
    let disk = Arc::new(Budget::new("spool-max", 1 << 30));
    let spill = || tempfile::tempfile().map_err(crate::error::Error::disk);
    Room::new(&budget, bytes, &disk, Box::new(spill))
}

/// Sentences of few words, of which some come often and some once.
fn text(sentences: usize, seed: u64) -> Vec<String> {
    let mut random = SplitMix64(seed);
    let mut sentence = |_| {
        let length = random.index_below(9);
        let word = |_| {
            let number = (0..3).map(|_| random.index_below(40)).product::<usize>() / 1_500;
            format!("w{number}")
        };
        (0..length).map(word).collect::<Vec<_>>().join(" ")
    };
    (0..sentences).map(&mut sentence).collect()
}

fn counted(text: &[String], order: usize, bytes: u64) -> Counts {
    let room = room(bytes);
    let mut reader = Reader::new(Reading::default(), &room).unwrap();
    for sentence in text {
        reader.sentence(plain(sentence.as_bytes())).unwrap();
    }
    Counts::new(reader.finish(&Known::default(), GO).unwrap(), order, &room, GO).unwrap()
}

fn estimation(smoothing: Smoothing, order: usize) -> Estimation {
    Estimation { smoothing, order, prune: Vec::new(), weights: vec![0.6, 0.5, 0.4, 0.3, 0.5] }
}

fn bytes(counts: &mut Counts, estimation: &Estimation) -> Vec<u8> {
    let (grams, _) = estimate(counts, estimation, true, GO).unwrap();
    let mut out = Writer::new(Vec::new(), KIND, 0).unwrap();
    grams.write(&mut out, &room(1 << 30), GO).unwrap();
    out.finish().unwrap().0
}

fn model(counts: &mut Counts, estimation: &Estimation) -> Model {
    Model::resident(&bytes(counts, estimation), "a model".to_owned()).unwrap()
}

fn log10(model: &Model, history: &[&str], word: &str) -> Scored {
    let mut state = model.begin_state();
    for word in history {
        state = model.next(&state, model.number(word.as_bytes())).unwrap().1;
    }
    model.next(&state, model.number(word.as_bytes())).unwrap().0
}

/// Counts as a child would make them, with every smoothing as its paper defines it.
struct Oracle {
    raw: BTreeMap<Vec<String>, f64>,
    vocabulary: BTreeSet<String>,
    /// For raw counts and those of Kneser-Ney: what comes behind each history, and how many n-grams of each length
    /// come so often.
    behind: [BTreeMap<Vec<String>, BTreeMap<String, f64>>; 2],
    counts_of_counts: [BTreeMap<(usize, u64), f64>; 2],
}

impl Oracle {
    fn new(text: &[String], order: usize) -> Self {
        let (mut raw, mut vocabulary) = (BTreeMap::new(), BTreeSet::new());
        for sentence in text {
            let words = sentence.split_whitespace();
            let words: Vec<String> =
                ["<s>"].into_iter().chain(words).chain(["</s>"]).map(str::to_owned).collect();
            vocabulary.extend(words.iter().cloned());
            for length in 1..=order {
                for gram in words.windows(length) {
                    *raw.entry(gram.to_vec()).or_insert(0.0) += 1.0;
                }
            }
        }
        vocabulary.remove("<s>");
        vocabulary.insert("<unk>".to_owned());
        // Kneser-Ney counts the different words before, unless there is none or the n-gram is of the highest order.
        let mut before: BTreeMap<&[String], f64> = BTreeMap::new();
        for gram in raw.keys().filter(|gram| gram.len() > 1) {
            *before.entry(&gram[1..]).or_insert(0.0) += 1.0;
        }
        let mut behind = [BTreeMap::new(), BTreeMap::new()];
        let mut counts_of_counts = [BTreeMap::new(), BTreeMap::new()];
        for (gram, &count) in raw.iter().filter(|(gram, _)| gram[..] != ["<s>"]) {
            let is_raw = gram.len() == order || gram[0] == "<s>";
            let adjusted = if is_raw { count } else { before[&gram[..]] };
            let (word, history) = gram.split_last().unwrap();
            for (kind, count) in [count, adjusted].into_iter().enumerate() {
                let history: &mut BTreeMap<String, f64> =
                    behind[kind].entry(history.to_vec()).or_default();
                history.insert(word.clone(), count);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a small count"
                )]
                let times = count as u64;
                *counts_of_counts[kind].entry((gram.len(), times)).or_insert(0.0) += 1.0;
            }
        }
        Self { raw, vocabulary, behind, counts_of_counts }
    }

    fn with(history: &[String], word: &str) -> Vec<String> {
        history.iter().cloned().chain([word.to_owned()]).collect()
    }

    #[expect(clippy::too_many_lines, reason = "a formula for each smoothing")]
    fn p(&self, smoothing: Smoothing, history: &[String], word: &str) -> f64 {
        let size = self.vocabulary.len() as f64;
        let is_kneser_ney =
            matches!(smoothing, Smoothing::KneserNey | Smoothing::ModifiedKneserNey);
        let length = history.len() + 1;
        let (kind, none) = (usize::from(is_kneser_ney), BTreeMap::new());
        let behind = self.behind[kind].get(history).unwrap_or(&none);
        let sum: f64 = behind.values().sum();
        let count = behind.get(word).copied().unwrap_or(0.0);
        let n = |times: u32| {
            let found = self.counts_of_counts[kind].get(&(length, times.into()));
            found.copied().unwrap_or(0.0)
        };
        let shorter = || {
            if history.is_empty() { 1.0 / size } else { self.p(smoothing, &history[1..], word) }
        };
        let ratio = |r: f64, katz: bool| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small count"
            )]
            let times = r as u32;
            let own = (r + 1.0) * n(times + 1) / (r * n(times));
            let most = 6.0 * n(6) / n(1);
            let value = if katz { (own - most) / (1.0 - most) } else { own };
            if r <= 5.0 && value > 0.0 && value <= 1.0 { value } else { 1.0 }
        };
        match smoothing {
            Smoothing::MaximumLikelihood if sum == 0.0 => {
                if history.is_empty() {
                    0.0
                } else {
                    shorter()
                }
            }
            Smoothing::MaximumLikelihood => count / sum,
            Smoothing::Laplace => (count + 1.0) / (sum + size),
            Smoothing::AddK(k) => (count + k) / (sum + k * size),
            Smoothing::GoodTuring => {
                if sum == 0.0 {
                    return 1.0 / size;
                }
                let seen: f64 = behind.values().map(|&c| c * ratio(c, false) / sum).sum();
                let left = (1.0 - seen).max(1e-7);
                if count > 0.0 {
                    count * ratio(count, false) / sum
                } else {
                    left / (size - behind.len() as f64).max(1.0)
                }
            }
            Smoothing::Katz => {
                let seen: f64 = behind.values().map(|&c| c * ratio(c, true) / sum).sum();
                if sum == 0.0 {
                    return shorter();
                }
                if count > 0.0 {
                    return count * ratio(count, true) / sum;
                }
                if history.is_empty() {
                    return (1.0 - seen).max(1e-7) / (size - behind.len() as f64);
                }
                let lower: f64 =
                    behind.keys().map(|word| self.p(smoothing, &history[1..], word)).sum();
                (1.0 - seen).max(1e-7) / (1.0 - lower).max(1e-7) * shorter()
            }
            _ if sum == 0.0 => shorter(),
            Smoothing::WittenBell => {
                let types = behind.len() as f64;
                (count + types * shorter()) / (sum + types)
            }
            Smoothing::JelinekMercer => {
                let weight = [0.6, 0.5, 0.4, 0.3, 0.5][length - 1];
                weight * count / sum + (1.0 - weight) * shorter()
            }
            Smoothing::AbsoluteDiscounting
            | Smoothing::KneserNey
            | Smoothing::ModifiedKneserNey => {
                let y = n(1) / (n(1) + 2.0 * n(2));
                let three = |j: u32| {
                    let all =
                        [1, 2, 3].map(|j| f64::from(j) - f64::from(j + 1) * y * n(j + 1) / n(j));
                    // Where three make no sense one is taken.
                    let is_right = (1..).zip(all).all(|(j, d)| (0.0..=f64::from(j)).contains(&d));
                    if is_right { all[j as usize - 1] } else { y }
                };
                let discount = |c: f64| {
                    if smoothing != Smoothing::ModifiedKneserNey {
                        y
                    } else if c < 1.5 {
                        three(1)
                    } else if c < 2.5 {
                        three(2)
                    } else {
                        three(3)
                    }
                };
                let off: f64 = behind.values().map(|&c| discount(c)).sum();
                let own = if count > 0.0 { count - discount(count) } else { 0.0 };
                own / sum + off / sum * shorter()
            }
        }
    }
}

fn histories(oracle: &Oracle, seed: u64) -> Vec<Vec<String>> {
    let mut random = SplitMix64(seed);
    let words: Vec<&String> = oracle.vocabulary.iter().filter(|word| *word != "</s>").collect();
    let history = |length: usize| -> Vec<String> {
        (0..length).map(|_| words[random.index_below(words.len())].clone()).collect()
    };
    [0, 0, 1, 1, 1, 2, 2, 2, 3, 4].map(history).to_vec()
}

#[test]
fn every_smoothing_is_what_its_definition_says() {
    let text = text(200, 7);
    for order in [1, 2, 3] {
        let oracle = Oracle::new(&text, order);
        let mut counts = counted(&text, order, 1 << 30);
        for smoothing in Smoothing::ALL {
            let model = model(&mut counts, &estimation(smoothing, order));
            let mut seen = 0;
            for history in histories(&oracle, 3) {
                let words: Vec<&str> = history.iter().map(String::as_str).collect();
                let full: Vec<String> =
                    ["<s>".to_owned()].into_iter().chain(history.clone()).collect();
                let full = &full[full.len() - (order - 1).min(full.len())..];
                let mut total = 0.0;
                for word in &oracle.vocabulary {
                    let expected = oracle.p(smoothing, full, word);
                    let got = log10(&model, &words, word);
                    let p = 10_f64.powf(f64::from(got.log10));
                    total += p;
                    let longest = (0..=full.len())
                        .find(|&from| oracle.raw.contains_key(&Oracle::with(&full[from..], word)));
                    let longest = longest.map_or(1, |from| full.len() - from + 1);
                    assert_eq!(usize::from(got.order), longest, "{smoothing:?} {full:?} {word}");
                    seen += usize::from(longest > 1);
                    let is_same = (p - expected).abs() <= 2.5e-4 * expected + 1e-12;
                    assert!(is_same, "{smoothing:?} {order} {full:?} {word}: {p} {expected}");
                }
                assert!((total - 1.0).abs() < 1e-3, "{smoothing:?} {full:?}: {total}");
            }
            assert!(order == 1 || seen > 50, "histories hit n-grams");
        }
    }
}

#[test]
fn a_text_has_one_likelihood_however_it_is_asked() {
    let train = text(400, 1);
    let mut held_out = text(80, 2);
    // One that is longer than what is looked up together.
    held_out.push(text(200, 3).join(" "));
    for order in [1, 2, 4, 7] {
        let mut counts = counted(&train, order, 1 << 30);
        for smoothing in [Smoothing::ModifiedKneserNey, Smoothing::AddK(0.1)] {
            let model = model(&mut counts, &estimation(smoothing, order));
            let (mut ids, mut ends) = (Vec::new(), Vec::new());
            for sentence in &held_out {
                ids.extend(plain(sentence.as_bytes()).map(|word| model.number(word)));
                ids.push(END);
                ends.push(ids.len());
            }
            let mut together = Vec::new();
            let begin = model.begin_state();
            model.score((&ids, &ends), &begin, &mut together, GO).unwrap();
            let (mut at, mut all) = (0, Vec::new());
            for &end in &ends {
                let mut state = begin;
                for &id in &ids[at..end] {
                    model.all(&state, &mut all, GO).unwrap();
                    let (one, next) = model.next(&state, id).unwrap();
                    assert_eq!((one, all[id as usize]), (together[at], together[at]));
                    (state, at) = (next, at + 1);
                }
            }
            assert_eq!(at, together.len());
        }
    }
}

#[test]
fn models_do_not_depend_on_the_memory_that_makes_them() {
    let text = text(600, 5);
    let one = bytes(&mut counted(&text, 5, 1 << 30), &estimation(Smoothing::ModifiedKneserNey, 5));
    let mut spilled = counted(&text, 5, 0);
    assert!(spilled.room.spilled() > 0 && spilled.room.peak() == 0);
    let other = bytes(&mut spilled, &estimation(Smoothing::ModifiedKneserNey, 5));
    assert!(one == other);
    let (grams, _) =
        estimate(&mut spilled, &estimation(Smoothing::ModifiedKneserNey, 5), false, GO).unwrap();
    let mut out = Writer::new(Vec::new(), KIND, 0).unwrap();
    grams.write(&mut out, &room(1 << 30), GO).unwrap();
    assert!(
        one == out.finish().unwrap().0,
        "counts that are kept make the same as those that are not"
    );
}

#[test]
fn words_that_are_many_or_long_are_packed_otherwise() {
    // Words of 24 bits leave room for four in a key: what is behind them is compared in the text.
    let mut random = SplitMix64(9);
    let sentence = |_| {
        let word = |_| format!("w{}", random.index_below(3));
        (0..12).map(word).collect::<Vec<_>>().join(" ")
    };
    let text: Vec<String> = (0..60).map(sentence).collect();
    let oracle = Oracle::new(&text, 7);
    let room = room(1 << 30);
    let mut reader = Reader::new(Reading::default(), &room).unwrap();
    for sentence in &text {
        reader.sentence(plain(sentence.as_bytes())).unwrap();
    }
    let mut corpus = reader.finish(&Known::default(), GO).unwrap();
    for word in 0..(1 << 16) {
        corpus.words.add(format!("unused{word}").as_bytes(), 0).unwrap();
    }
    let counts = Counts::new(corpus, 7, &room, GO).unwrap();
    for length in 2..=7 {
        let expected = oracle.raw.keys().filter(|gram| gram.len() == length).count();
        assert_eq!(counts.sizes()[length - 1], expected as u64, "{length}");
    }
}

fn read_arpa(file: &[u8], clamps: bool) -> Result<(Model, arpa::ArpaReport)> {
    let room = room(1 << 30);
    let budget = Arc::new(Budget::new("job-memory", 1 << 30));
    let mut source = file;
    let (grams, report) =
        arpa::read(&mut source, ArpaOptions { clamps }, &room, &mut Share::of(&budget), GO)?;
    Ok((temporary(grams, &room, GO)?, report))
}

fn written(model: &Model) -> String {
    let mut file = Vec::new();
    arpa::write(model.ngrams().unwrap(), ArpaForm::default(), &mut file, GO).unwrap();
    String::from_utf8(file).unwrap()
}

#[test]
fn a_model_that_went_through_arpa_says_the_same() {
    let (train, held_out) = (text(500, 1), text(60, 4));
    let mut counts = counted(&train, 4, 1 << 30);
    for smoothing in [Smoothing::ModifiedKneserNey, Smoothing::Katz, Smoothing::MaximumLikelihood] {
        let mut estimation = estimation(smoothing, 4);
        if smoothing == Smoothing::ModifiedKneserNey {
            estimation.prune = vec![0, 1, 2];
        }
        let model = model(&mut counts, &estimation);
        let (other, report) = read_arpa(written(&model).as_bytes(), false).unwrap();
        assert_eq!(report, arpa::ArpaReport::default());
        for sentence in &held_out {
            let words: Vec<&str> = sentence.split_whitespace().chain(["</s>"]).collect();
            for at in 0..words.len() {
                let (a, b) = (
                    log10(&model, &words[..at], words[at]),
                    log10(&other, &words[..at], words[at]),
                );
                assert_eq!(a.order, b.order, "{words:?} {at}");
                let is_same = a == b || (a.log10 - b.log10).abs() < 2e-4;
                assert!(is_same, "{smoothing:?} {words:?} {at} {a:?} {b:?}");
            }
        }
    }
    let mut counts = counted(&train, 2, 1 << 30);
    let direct = model(&mut counts, &estimation(Smoothing::Laplace, 2));
    let error = arpa::write(direct.ngrams().unwrap(), ArpaForm::default(), &mut Vec::new(), GO)
        .unwrap_err();
    assert!(error.to_string().contains("ARPA has only back-offs"), "{error}");
}

const SMALL: &str = "\\data\\\nngram 1=5\nngram 2=3\nngram 3=1\n\n\\1-grams:\n-1\t<unk>\n0\t<s>\t-0.5\n\
                     -0.7\t</s>\n-0.4\ta\t-0.3\n-0.6\tb\t-0.2\n\n\\2-grams:\n-0.2\t<s> a\t-0.1\n\
                     -0.25\ta b\t-0.15\n-0.5\tb a\n\n\\3-grams:\n-0.05\t<s> a b\n\n\\end\\\n";

#[test]
fn arpa_of_other_programs_is_read() {
    let (model, _) = read_arpa(SMALL.as_bytes(), false).unwrap();
    let near = |a: f32, b: f32| assert!((a - b).abs() < 2e-4, "{a} {b}");
    near(log10(&model, &["a"], "b").log10, -0.05);
    // b </s> backs off from <s> a b (no context), a b and b.
    near(log10(&model, &["a", "b"], "</s>").log10, -0.15 - 0.2 - 0.7);
    near(log10(&model, &["a", "c"], "b").log10, -0.6);
    assert_eq!(log10(&model, &["a", "b"], "a").order, 2);

    for (what, file) in [
        ("CRLF", SMALL.replace('\n', "\r\n")),
        ("spaces", SMALL.replace('\t', " ")),
        (
            "two spaces and a head",
            SMALL
                .replace("ngram 1=5", "made by hand\n\nngram  1=      5")
                .replace("\\data\\\nmade by hand\n\n", "made by hand\n\n\\data\\\n"),
        ),
        ("a mark", format!("\u{feff}{SMALL}")),
        ("no blank lines", SMALL.replace("\n\n", "\n")),
        ("text behind", format!("{SMALL}thank you\n")),
        ("spaces around =", SMALL.replace("ngram 1=5", "ngram 1 = 5")),
        ("capitals", SMALL.replace("<unk>", "<UNK>")),
        ("exponents", SMALL.replace("-0.05\t", "-5E-2\t")),
        ("zeros at the top", SMALL.replace("<s> a b\n", "<s> a b\t0\n")),
    ] {
        let (other, report) =
            read_arpa(file.as_bytes(), false).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(report, arpa::ArpaReport::default(), "{what}");
        assert_eq!(written(&other), written(&model), "{what}");
    }
    let odd = SMALL.replace("\tb\t-0.2", "\tb\u{a0}\u{b}\t-0.2").replace("a b", "a b\u{a0}\u{b}");
    let odd = odd.replace("\tb a\n", "\tb\u{a0}\u{b} a\n");
    near(log10(&read_arpa(odd.as_bytes(), false).unwrap().0, &["a"], "b\u{a0}\u{b}").log10, -0.05);

    let lacking = SMALL.replace("ngram 1=5", "ngram 1=4").replace("-1\t<unk>\n", "");
    let (model, report) = read_arpa(lacking.as_bytes(), false).unwrap();
    assert!(report.lacks_unknown);
    near(log10(&model, &["b"], "c").log10, -100.2);
    let clamped = SMALL.replace("-0.05\t", "0.5\t").replace("a b\n", "a b\t-7\n");
    let (model, report) = read_arpa(clamped.as_bytes(), true).unwrap();
    assert_eq!((report.clamped, report.ignored_back_offs), (1, 1));
    near(log10(&model, &["a"], "b").log10, 0.0);
    let never = SMALL.replace("-0.25\t", "-99\t");
    let (model, _) = read_arpa(never.as_bytes(), false).unwrap();
    assert!(log10(&model, &["b", "a"], "b").log10 < f32::MIN);
    // Pruned so that neither the suffix nor the context of the trigram is there.
    let pruned = SMALL.replace("ngram 2=3", "ngram 2=1").replace("-0.2\t<s> a\t-0.1\n", "");
    let pruned = pruned.replace("-0.25\ta b\t-0.15\n", "");
    let (model, report) = read_arpa(pruned.as_bytes(), false).unwrap();
    assert_eq!(report.added, 2);
    near(log10(&model, &["a"], "b").log10, -0.05);
    near(log10(&model, &["b", "a"], "b").log10, -0.3 - 0.6);
    near(log10(&model, &[], "a").log10, -0.5 - 0.4);
}

#[test]
fn arpa_that_contradicts_itself_is_refused_with_its_line() {
    for (what, file, told) in [
        ("cut", SMALL.replace("\\end\\\n", ""), "\\end\\ is missing"),
        ("too few", SMALL.replace("ngram 2=3", "ngram 2=4"), "line 18: there are 3 2-grams"),
        (
            "too many",
            SMALL.replace("ngram 2=3", "ngram 2=2"),
            "line 16: there are more 2-grams than the 2",
        ),
        ("NaN", SMALL.replace("-0.5\tb a", "nan\tb a"), "line 16: \"nan\" is no finite number"),
        (
            "unknown word",
            SMALL.replace("\tb a\n", "\tb c\n"),
            "line 16: the word \"c\" is not among",
        ),
        (
            "twice",
            SMALL.replace("-0.5\tb a", "-0.5\ta b"),
            "line 16: the same n-gram stands in line 15",
        ),
        (
            "a word twice",
            SMALL.replace("\tb\t-0.2", "\ta\t-0.2"),
            "line 11: the 1-gram \"a\" is there twice",
        ),
        ("above 0", SMALL.replace("-0.05\t", "0.5\t"), "line 19: the logarithm 0.5"),
        ("a field too many", SMALL.replace("\tb a\n", "\tb a a a\n"), "line 16: a 2-gram has"),
        ("nothing", String::new(), "there is no line \\data\\"),
        ("no counts", "\\data\\\n\\1-grams:\n".to_owned(), "tells of no n-grams"),
        ("12 zeros", SMALL.replace("ngram 3=1", "ngram 3=1000000000000"), "LM_TOKENS_MAX"),
        (
            "order 8",
            SMALL.replace(
                "ngram 3=1",
                "ngram 3=1\nngram 4=1\nngram 5=1\nngram 6=1\nngram 7=1\nngram 8=1",
            ),
            "ORDER_MAX",
        ),
    ] {
        let error = read_arpa(file.as_bytes(), false).expect_err(what).to_string();
        assert!(error.contains(told), "{what}: {error}");
    }
    for end in 0..SMALL.len() - 1 {
        assert!(read_arpa(&SMALL.as_bytes()[..end], false).is_err(), "cut at {end}");
    }
}

#[test]
fn no_changed_or_missing_byte_of_a_model_is_believed() {
    let text = text(30, 1);
    let mut counts = counted(&text, 3, 1 << 30);
    let good = bytes(&mut counts, &estimation(Smoothing::ModifiedKneserNey, 3));
    let model = Model::resident(&good, "good".to_owned()).unwrap();
    let answers = |model: &Model| -> Result<Vec<Scored>> {
        let mut scored = Vec::new();
        let (mut ids, mut ends) = (Vec::new(), Vec::new());
        for sentence in &text {
            ids.extend(plain(sentence.as_bytes()).map(|word| model.number(word)));
            ids.push(END);
            ends.push(ids.len());
        }
        model.score((&ids, &ends), &model.begin_state(), &mut scored, GO)?;
        Ok(scored)
    };
    let right = answers(&model).unwrap();
    let check = |bytes: &[u8], what: String| {
        let got = Model::resident(bytes, "bad".to_owned()).and_then(|model| answers(&model));
        match got {
            Ok(got) => assert_eq!(got, right, "{what}"),
            Err(error) => assert!(error.to_string().contains("damaged"), "{what}: {error}"),
        }
    };
    let mut random = SplitMix64(1);
    for at in (0..good.len()).filter(|at| at % 31 == 0 || good.len() - at < 300) {
        let mut flipped = good.clone();
        flipped[at] ^= 1 << random.below(8);
        check(&flipped, format!("byte {at} flipped"));
        if at % 62 == 0 {
            assert!(Model::resident(&good[..at], String::new()).is_err(), "cut at {at}");
        }
    }
}

#[test]
fn numbers_that_make_no_sense_under_right_checksums_do_no_harm() {
    let text = text(30, 1);
    let mut counts = counted(&text, 3, 1 << 30);
    let estimation = estimation(Smoothing::ModifiedKneserNey, 3);
    let fast = ["lines.2", "codes.2", "lines.3"];
    let compact = [
        "entries.2",
        "bits.2",
        "ranks.2",
        "samples.2",
        "codes.2",
        "entries.3",
        "bits.3",
        "ranks.3",
        "samples.3",
    ];
    nonsense(&bytes(&mut counts, &estimation), &fast);
    nonsense(&packed(&mut counts, &estimation), &compact);
}

fn nonsense(good: &[u8], own: &[&str]) {
    let good = Arc::new(good.to_vec());
    let container = crate::container::Container::open(good, String::new(), KIND).unwrap();
    let names = [&["arena", "starts", "hashes", "unigrams", "params"], own].concat();
    let mut random = SplitMix64(5);
    for &name in &names {
        for _ in 0..20 {
            let mut out = Writer::new(Vec::new(), KIND, 0).unwrap();
            for &section in &names {
                let mut bytes = container.section(section).unwrap().read().unwrap();
                if section == name {
                    for _ in 0..=bytes.len() / 50 {
                        let at = random.index_below(bytes.len());
                        let value = random.next().to_le_bytes()[0];
                        bytes[at] = if name == "params" { b'0' + value % 10 } else { value };
                    }
                }
                let is_lazy = section.starts_with("lines") || section.starts_with("entries");
                let chunk = if is_lazy { 64 << 10 } else { 256 << 10 };
                out.section(section, chunk).unwrap();
                out.write(&bytes).unwrap();
            }
            let bytes = out.finish().unwrap().0;
            // Right or refused; it must neither panic nor go on without end.
            let Ok(model) = Model::resident(&bytes, String::new()) else { continue };
            let state = model.begin_state();
            let _ = next_words(&model, &state, 3, NextFilter::default(), GO);
            let _ = generate(&model, state, &Drawing { tokens_max: 5, ..Drawing::default() }, GO);
            let ngrams = model.ngrams().unwrap();
            let _ = arpa::write(ngrams, ArpaForm::default(), &mut Vec::new(), GO);
        }
    }
}

#[test]
fn what_cannot_be_discounted_is_told_and_still_has_a_model() {
    for (text, order) in
        [(vec!["a"], 5), (vec!["a a a a a a"], 3), (vec!["a b", "c d"], 2), (vec!["", "x"], 1)]
    {
        let text: Vec<String> = text.into_iter().map(str::to_owned).collect();
        let mut counts = counted(&text, order, 1 << 30);
        for smoothing in Smoothing::ALL {
            let (grams, reports) =
                estimate(&mut counts, &estimation(smoothing, order), true, GO).unwrap();
            assert_eq!(reports.len(), order);
            let is_told = reports.iter().any(|report| !report.discounts.fallback.is_empty());
            let discounts = matches!(
                smoothing,
                Smoothing::KneserNey
                    | Smoothing::ModifiedKneserNey
                    | Smoothing::AbsoluteDiscounting
            );
            assert!(is_told || !discounts || order == 1, "{text:?} {smoothing:?}");
            let model = temporary(grams, &counts.room, GO).unwrap();
            let words = next_words(
                &model,
                &model.begin_state(),
                100,
                NextFilter { unknown: true, ends: true },
                GO,
            );
            let total: f64 =
                words.unwrap().0.iter().map(|next| 10_f64.powf(f64::from(next.scored.log10))).sum();
            assert!((total - 1.0).abs() < 1e-3, "{text:?} {smoothing:?} {total}");
        }
    }
    let room = room(1 << 30);
    let mut reader = Reader::new(Reading::default(), &room).unwrap();
    let error = reader.sentence(plain(b"a <s> b")).unwrap_err().to_string();
    assert!(error.contains("<s>"), "{error}");
    let empty = Reader::new(Reading::default(), &room).unwrap();
    assert!(empty.finish(&Known::default(), GO).unwrap_err().to_string().contains("no words"));
}

#[test]
fn rare_words_become_unknown_and_special_ones_are_skipped_if_asked() {
    let room = room(1 << 30);
    let reading = Reading { skips_special: true, held_out: 0.25 };
    let mut reader = Reader::new(reading, &room).unwrap();
    for sentence in ["a b", "a <s> c", "<unk> a b", "held <s> out <unk>", "d"] {
        reader.sentence(plain(sentence.as_bytes())).unwrap();
    }
    let known = Known { min_count: 2, words_max: 100, given: None };
    let corpus = reader.finish(&known, GO).unwrap();
    assert_eq!(corpus.held_out, [b"held\nout\n<unk>".to_vec()]);
    let totals = corpus.totals;
    assert_eq!((totals.tokens, totals.unknown_tokens, totals.skipped_tokens), (8, 3, 1));
    let mut counts = Counts::new(corpus, 2, &room, GO).unwrap();
    assert_eq!(counts.words().len(), 5);
    let model = model(&mut counts, &estimation(Smoothing::WittenBell, 2));
    // "a <unk>" comes once behind a, which has b twice and the unknown word once.
    let unknown = log10(&model, &["a"], "never");
    assert_eq!(unknown.order, 2);

    // Of a given vocabulary those words are known that the text has.
    let mut reader = Reader::new(Reading::default(), &room).unwrap();
    for sentence in ["a b", "a c", "b b a"] {
        reader.sentence(plain(sentence.as_bytes())).unwrap();
    }
    let given = Some(Arc::new([b"b".to_vec(), b"c".to_vec(), b"never".to_vec()].into()));
    let corpus = reader.finish(&Known { given, ..Known::default() }, GO).unwrap();
    assert_eq!(corpus.totals.unknown_tokens, 3);
    let known: Vec<&[u8]> = (3..5).map(|number| corpus.words.word(number)).collect();
    assert_eq!(known, [b"b", b"c"]);
}

#[test]
fn what_is_drawn_depends_on_the_seed_alone_and_obeys_its_bounds() {
    let text = text(300, 1);
    let model =
        model(&mut counted(&text, 3, 1 << 30), &estimation(Smoothing::ModifiedKneserNey, 3));
    let begin = model.begin_state();
    let draw = |drawing: &Drawing| generate(&model, begin, drawing, GO).unwrap();
    let drawing = Drawing::default();
    assert_eq!(draw(&drawing), draw(&drawing));
    let some: BTreeSet<Vec<u32>> = (0..20)
        .map(|seed| draw(&Drawing { seed, ..drawing }).words.iter().map(|next| next.word).collect())
        .collect();
    assert!(some.len() > 10);
    let greedy = Drawing { temperature: 0.0, ..drawing };
    assert_eq!(draw(&greedy), draw(&Drawing { top_k: 1, seed: 8, ..drawing }));
    assert_eq!(draw(&greedy), draw(&Drawing { top_p: 1e-9, seed: 9, ..drawing }));
    let first =
        next_words(&model, &begin, 1, NextFilter { ends: false, unknown: false }, GO).unwrap().0;
    assert_ne!(first[0].word, END);
    // Among 500 first words each comes about as often as its probability says.
    let all = next_words(&model, &begin, 3, NextFilter::default(), GO).unwrap().0;
    let mut seen = BTreeMap::new();
    for seed in 0..500 {
        let one = draw(&Drawing { seed, tokens_max: 1, ..drawing });
        *seen.entry(one.words.first().map_or(END, |next| next.word)).or_insert(0_u32) += 1;
    }
    for next in all {
        let share = f64::from(seen[&next.word]) / 500.0;
        assert!((share - 10_f64.powf(f64::from(next.scored.log10))).abs() < 0.08);
    }
    assert!(generate(&model, begin, &Drawing { top_p: 0.0, ..drawing }, GO).is_err());
}

#[test]
fn a_state_says_nothing_to_a_model_of_another_smoothing() {
    let mut counts = counted(&text(60, 1), 2, 1 << 30);
    let first = model(&mut counts, &estimation(Smoothing::WittenBell, 2));
    let second = model(&mut counts, &estimation(Smoothing::AbsoluteDiscounting, 2));
    assert_eq!((first.word_count(), first.bytes()), (second.word_count(), second.bytes()));
    let told = first.told_state(&first.begin_state());
    assert_eq!(first.state_told(&told), Some(first.begin_state()));
    assert_eq!(second.state_told(&told), None);
}

#[test]
fn n_grams_that_all_come_often_are_told_to_give_no_discounts() {
    let often: Vec<String> = (0..10).flat_map(|_| text(20, 1)).collect();
    for smoothing in [
        Smoothing::Katz,
        Smoothing::AbsoluteDiscounting,
        Smoothing::KneserNey,
        Smoothing::ModifiedKneserNey,
    ] {
        let mut counts = counted(&often, 3, 1 << 30);
        let (_, orders) = estimate(&mut counts, &estimation(smoothing, 3), true, GO).unwrap();
        assert!(!orders[2].discounts.fallback.is_empty(), "{smoothing:?}");
    }
}

#[test]
fn weights_of_a_mixture_are_those_that_made_the_text() {
    // Of 1,000 words 70 in 100 are as one model says, and the rest as the other does.
    let sure = |is_sure: bool| if is_sure { 0.9_f32.log10() } else { 0.1_f32.log10() };
    let first: Vec<f32> = (0..1_000).map(|word| sure(word % 10 < 7)).collect();
    let second: Vec<f32> = (0..1_000).map(|word| sure(word % 10 >= 7)).collect();
    let found = mix::weights(&[first.clone(), second.clone()], GO).unwrap();
    // The likeliest weight w has 0.1 + 0.8 w = 0.7.
    assert!(
        (found[0] - 0.75).abs() < 1e-3 && (found[0] + found[1] - 1.0).abs() < 1e-9,
        "{found:?}"
    );
    let mixed = mix::mixed(&[first.clone(), second], &found, GO).unwrap();
    assert!((10_f64.powf(mixed[0]) - 0.7).abs() < 1e-3);
    let never = vec![f32::NEG_INFINITY; 1_000];
    assert!(mix::weights(&[first, never], GO).unwrap()[1].abs() < 1e-12);
}

#[test]
fn weights_of_jelinek_mercer_make_held_out_text_likeliest() {
    let (train, held_out) = (text(300, 1), text(60, 2));
    let mut counts = counted(&train, 3, 1 << 30);
    let sentences: Vec<Vec<u8>> =
        held_out.iter().map(|s| s.replace(' ', "\n").into_bytes()).collect();
    let tuned = jelinek_mercer(&mut counts, 3, &sentences, GO).unwrap();
    let mut likelihood = |weights: &[f64]| {
        let estimation =
            Estimation { weights: weights.to_vec(), ..estimation(Smoothing::JelinekMercer, 3) };
        let model = model(&mut counts, &estimation);
        let mut sum = 0.0;
        for sentence in &held_out {
            let words: Vec<&str> = sentence.split_whitespace().chain(["</s>"]).collect();
            sum += (0..words.len())
                .map(|at| f64::from(log10(&model, &words[..at], words[at]).log10))
                .sum::<f64>();
        }
        sum
    };
    let best = likelihood(&tuned);
    for at in 0..3 {
        for step in [-0.05, 0.05] {
            let mut other = tuned.clone();
            other[at] = (other[at] + step).clamp(0.001, 0.999);
            assert!(likelihood(&other) <= best + 0.01, "{tuned:?} {at} {step}");
        }
    }
    assert!(jelinek_mercer(&mut counts, 3, &[], GO).is_err());
}

/// The bytes of the model of an ARPA file.
fn imported(file: &str) -> Vec<u8> {
    let budget = Arc::new(Budget::new("job-memory", 1 << 30));
    let (room, mut memory) = (room(1 << 30), Share::of(&budget));
    let options = ArpaOptions::default();
    let read = arpa::read(&mut file.as_bytes(), options, &room, &mut memory, GO).unwrap();
    let mut out = Writer::new(Vec::new(), KIND, 0).unwrap();
    read.0.write(&mut out, &room, GO).unwrap();
    out.finish().unwrap().0
}

#[test]
fn n_grams_chosen_so_that_they_meet_make_no_large_model() {
    // 1,024 words, and 400 bigrams that would stand in the same line of a table whose factors were known.
    let known = place::Place::new(1_024, 1_024, 61, [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93]);
    let known = known.unwrap();
    let mut chosen: Vec<(u32, u32)> = (0..1_024_u32)
        .flat_map(|context| (0..1_024).map(move |word| (context, word)))
        .filter(|&(context, word)| known.of(context, word).0 == 9 && context > 2 && word > 2)
        .collect();
    chosen.truncate(400);
    assert_eq!(chosen.len(), 400);
    let mut file = "\\data\\\nngram 1=1024\nngram 2=400\n\n\\1-grams:\n".to_owned();
    for special in ["<unk>", "<s>", "</s>"] {
        writeln!(file, "-3\t{special}\t0").unwrap();
    }
    for word in 3..1_024 {
        writeln!(file, "-3\tw{word}\t-0.1").unwrap();
    }
    file += "\n\\2-grams:\n";
    for &(context, word) in &chosen {
        writeln!(file, "-1\tw{context} w{word}").unwrap();
    }
    file += "\n\\end\\\n";
    let bytes = imported(&file);
    // Words take some 40,000 bytes, and 125 lines and the 32 behind them some 10,000.
    assert!(bytes.len() < 60_000, "{} bytes", bytes.len());
    assert_eq!(imported(&file), bytes, "the same file has the same model");
    let model = Model::resident(&bytes, String::new()).unwrap();
    for (context, word) in chosen {
        let found = log10(&model, &[&format!("w{context}")], &format!("w{word}"));
        assert_eq!((found.log10, found.order), (-1.0, 2));
    }
}

/// The same model in the compact form.
fn packed(counts: &mut Counts, estimation: &Estimation) -> Vec<u8> {
    let (grams, _) = estimate(counts, estimation, true, GO).unwrap();
    let mut out = Writer::new(Vec::new(), KIND, 0).unwrap();
    grams.write_packed(&mut out, &room(1 << 30), GO).unwrap();
    out.finish().unwrap().0
}

#[test]
fn the_compact_form_says_the_same_in_less_room() {
    let (train, other) = (text(4_000, 1), text(200, 2));
    for (smoothing, order) in [
        (Smoothing::ModifiedKneserNey, 5),
        (Smoothing::MaximumLikelihood, 3),
        (Smoothing::AddK(0.1), 2),
        (Smoothing::WittenBell, 1),
    ] {
        let mut counts = counted(&train, order, 1 << 30);
        let estimation = estimation(smoothing, order);
        let (fast, compact) = (bytes(&mut counts, &estimation), packed(&mut counts, &estimation));
        assert_eq!(compact, packed(&mut counts, &estimation), "the same text has the same file");
        let open = |bytes: &[u8]| Model::resident(bytes, "a model".to_owned()).unwrap();
        let (fast, compact) = (open(&fast), open(&compact));
        let ngrams: u64 = fast.ngrams().unwrap().sizes().iter().sum();
        assert_eq!(fast.ngrams().unwrap().sizes(), compact.ngrams().unwrap().sizes());
        if order == 5 {
            assert!(compact.bytes() * 10 < fast.bytes() * 7, "{} bytes", compact.bytes());
            assert!(compact.bytes() < 6 * ngrams, "{} bytes, {ngrams}", compact.bytes());
        }
        let (mut ids, mut ends) = (Vec::new(), Vec::new());
        for sentence in other.iter().chain(&["never w1 never".to_owned()]) {
            ids.extend(plain(sentence.as_bytes()).map(|word| fast.number(word)));
            ids.push(END);
            ends.push(ids.len());
        }
        let (mut one, mut two) = (Vec::new(), Vec::new());
        fast.score((&ids, &ends), &fast.begin_state(), &mut one, GO).unwrap();
        compact.score((&ids, &ends), &compact.begin_state(), &mut two, GO).unwrap();
        for (one, two) in one.iter().zip(&two) {
            assert_eq!(one.order, two.order);
            let is_near =
                (one.log10 - two.log10).abs() <= 2e-4 || one.log10.total_cmp(&two.log10).is_eq();
            assert!(is_near, "{one:?} {two:?}");
        }
        if !fast.ngrams().unwrap().is_direct() {
            // Each n-gram in ARPA, by its words.
            let lines = |model: &Model| -> BTreeMap<String, Vec<f64>> {
                let file = written(model);
                let fields = file.lines().filter_map(|line| {
                    let mut fields = line.split('\t');
                    let p = fields.next()?.parse().ok()?;
                    let words = fields.next()?.to_owned();
                    let rest = fields.filter_map(|field| field.parse().ok());
                    Some((words, std::iter::once(p).chain(rest).collect()))
                });
                fields.collect()
            };
            let (one, two) = (lines(&fast), lines(&compact));
            assert_eq!(one.len() as u64, ngrams);
            assert!(one.keys().eq(two.keys()));
            for (words, one) in &one {
                let far = |(a, b): (&f64, &f64)| (a - b).abs() > 2e-4;
                assert!(!one.iter().zip(&two[words]).any(far), "{words}");
            }
        }
    }
}

#[test]
fn back_offs_that_are_many_are_in_steps_and_err_no_more() {
    // More different back-offs than a list has, and a step that is as large as a float tells.
    let count = 40_000;
    let mut file =
        format!("\\data\\\nngram 1={}\nngram 2={count}\nngram 3=1\n\n\\1-grams:\n", count + 3);
    for special in ["<unk>", "<s>", "</s>"] {
        writeln!(file, "-3\t{special}\t0").unwrap();
    }
    let mut random = SplitMix64(9);
    let mut number = |from: f64| from + random.index_below(1 << 20) as f64 / f64::from(1 << 20);
    for word in 0..count {
        writeln!(file, "-{:.6}\tw{word}\t-0.1", number(4.0)).unwrap();
    }
    file += "\n\\2-grams:\n";
    for word in 0..count {
        writeln!(file, "-{:.6}\tw{word} w{}\t-{:.6}", number(1.0), word / 2, number(0.0)).unwrap();
    }
    file += "\n\\3-grams:\n-0.5\tw8 w4 w2\n\n\\end\\\n";
    let budget = Arc::new(Budget::new("job-memory", 1 << 30));
    let read = |is_packed: bool| {
        let (room, mut memory) = (room(1 << 30), Share::of(&budget));
        let options = ArpaOptions::default();
        let read = arpa::read(&mut file.as_bytes(), options, &room, &mut memory, GO).unwrap();
        let mut out = Writer::new(Vec::new(), KIND, 0).unwrap();
        if is_packed {
            read.0.write_packed(&mut out, &room, GO).unwrap();
        } else {
            read.0.write(&mut out, &room, GO).unwrap();
        }
        Model::resident(&out.finish().unwrap().0, String::new()).unwrap()
    };
    let (fast, compact) = (read(false), read(true));
    for word in (0..count).step_by(7) {
        let (history, next) =
            ([format!("w{word}"), format!("w{}", word / 2)], format!("w{}", word % 97));
        let history = history.each_ref().map(String::as_str);
        for (history, word) in [(&history[..], &next), (&history[..1], &history[1].to_owned())] {
            let (one, two) = (log10(&fast, history, word), log10(&compact, history, word));
            assert_eq!(one.order, two.order);
            assert!((one.log10 - two.log10).abs() <= 1.01e-4, "{one:?} {two:?}");
        }
    }
}

#[test]
fn no_changed_or_missing_byte_of_a_compact_model_is_believed() {
    let train = text(60, 1);
    let estimation = estimation(Smoothing::ModifiedKneserNey, 3);
    let file = packed(&mut counted(&train, 3, 1 << 30), &estimation);
    let ask = |bytes: &[u8]| {
        let model = Model::resident(bytes, "a model".to_owned())?;
        let mut scores = Vec::new();
        let mut all = Vec::new();
        for sentence in &train {
            let mut state = model.begin_state();
            for word in plain(sentence.as_bytes()) {
                let (scored, next) = model.next(&state, model.number(word))?;
                scores.push((scored.log10.to_bits(), scored.order));
                state = next;
            }
            model.all(&state, &mut all, GO)?;
        }
        Ok::<_, crate::error::Error>(scores)
    };
    let right = ask(&file).unwrap();
    for at in 0..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(ask(&flipped).is_err() || ask(&flipped).unwrap() == right, "byte {at}");
    }
    for length in 0..file.len() {
        assert!(ask(&file[..length]).is_err(), "{length}");
    }
}
