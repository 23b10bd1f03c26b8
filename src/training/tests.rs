//! Tests of training: every model and loss, seeds, frozen words, what cannot be.

use std::borrow::Cow;
use std::sync::Arc;

use super::corpus::{Bounds, Corpus, Encoder, Keep};
use super::progress::{Go, Watch};
use super::settings::{Loss, Model, Ngrams, Settings};
use super::standing::Saved;
use super::train::{IsFrozen, Start, Trained, train};
use super::{Rows, Spill};
use crate::container::{Container, Kind, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::vector::RowId;
use crate::vector::random::SplitMix64;

pub(super) fn corpus(text: &str) -> Corpus {
    let spill: Spill = Box::new(|| Err(Error::new(ErrorKind::DiskFull)));
    let bounds = Bounds { ids_bytes: usize::MAX, words_bytes: usize::MAX, spill };
    let mut encoder = Encoder::new(bounds);
    encoder.text(&mut text.as_bytes(), 1, &|| Ok(())).unwrap();
    encoder.finish(Keep { min_count: 1, words_max: usize::MAX }).unwrap()
}

/// The notes' toy corpus.
fn toy() -> Corpus {
    corpus("Troll 2 is great !\nGymkata is great !\n")
}

/// Four kinds of words, each of which stands beside its own.
pub(super) fn kinds() -> Corpus {
    let mut random = SplitMix64(5);
    let mut words = Vec::new();
    for _ in 0..150 {
        let kind = random.below(4);
        for _ in 0..8 {
            words.push(format!("k{kind}w{}", random.below(6)));
        }
        words.push("\n".to_owned());
    }
    corpus(&words.join(" "))
}

fn small(model: Model, loss: Loss) -> Settings {
    let lr = if model == Model::Cbow { 0.2 } else { 0.1 };
    Settings { loss, dim: 16, window: 3, sample: 0.0, epochs: 5, lr, ..Settings::new(model) }
}

const NEGATIVE: Loss = Loss::Negative { count: 5, exponent: 0.75 };
const LOSSES: [Loss; 3] = [NEGATIVE, Loss::Hierarchical, Loss::Softmax];

fn run(corpus: &Corpus, settings: &Settings) -> Result<Trained> {
    train(corpus, settings, Start::default(), &mut |_| Ok(Go::On))
}

pub(super) fn row(corpus: &Corpus, word: &str) -> RowId {
    corpus.words().row(word.as_bytes()).unwrap()
}

pub(super) fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The mean similarity of words of one kind, less that of words of two.
fn contrast(corpus: &Corpus, trained: &Trained) -> f32 {
    contrast_of(corpus, |word| trained.vector(word))
}

pub(super) fn contrast_of(corpus: &Corpus, vector: impl Fn(RowId) -> Vec<f32>) -> f32 {
    let all: Vec<(char, Vec<f32>)> = (0..24)
        .map(|i| {
            let word = String::from_utf8_lossy(corpus.words().word(RowId(i))).into_owned();
            (word.chars().nth(1).unwrap(), vector(RowId(i)))
        })
        .collect();
    let (mut same, mut other) = ((0.0, 0.0), (0.0, 0.0));
    for (i, (kind, a)) in all.iter().enumerate() {
        for (other_kind, b) in &all[..i] {
            let sum = if kind == other_kind { &mut same } else { &mut other };
            *sum = (sum.0 + cosine(a, b), sum.1 + 1.0);
        }
    }
    same.0 / same.1 - other.0 / other.1
}

#[test]
fn the_films_of_the_notes_end_side_by_side() {
    let corpus = toy();
    // Both films stand beside "is"; over two words "!" has nearly the same neighbors as they have.
    // Five of six words drawn against each would leave little to tell them apart.
    let negative = Loss::Negative { count: 2, exponent: 0.75 };
    for (loss, dim) in [(negative, 8), (Loss::Softmax, 2), (Loss::Hierarchical, 8)] {
        let settings = Settings { dim, window: 1, epochs: 600, ..small(Model::SkipGram, loss) };
        let trained = run(&corpus, &settings).unwrap();
        let film = trained.vector(row(&corpus, "Gymkata"));
        let alike = |word: &&str| cosine(&film, &trained.vector(row(&corpus, word)));
        let others = ["2", "Troll", "is", "great", "!"];
        let nearest = others.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
        assert_eq!(nearest, Some(&"2"), "{loss:?}: {:?}", others.each_ref().map(alike));
        let (first, last) = (trained.losses[0], trained.losses[599]);
        assert!(last < first * 0.9, "{loss:?}: {first} {last}");
    }
}

#[test]
fn words_that_stand_together_become_alike_in_every_model() {
    let corpus = kinds();
    let ngrams = Some(Ngrams { min_n: 2, max_n: 3, buckets: 500 });
    for model in [Model::SkipGram, Model::Cbow] {
        for loss in LOSSES {
            let trained = run(&corpus, &small(model, loss)).unwrap();
            let found = contrast(&corpus, &trained);
            assert!(found > 0.4, "{model:?} {loss:?}: {found}");
            let trained = run(&corpus, &Settings { ngrams, ..small(model, loss) }).unwrap();
            assert!(contrast(&corpus, &trained) > 0.4, "{model:?} {loss:?} sub-words");
            assert!(trained.bucket(499).is_some() && trained.bucket(500).is_none());
        }
    }
    for ngrams in [None, ngrams] {
        let weighed = Settings { position_weights: true, ngrams, ..small(Model::Cbow, NEGATIVE) };
        let found = contrast(&corpus, &run(&corpus, &weighed).unwrap());
        assert!(found > 0.4, "position weights, {ngrams:?}: {found}");
    }
    let many = Loss::Negative { count: 17, exponent: 0.0 };
    let trained = run(&corpus, &small(Model::SkipGram, many)).unwrap();
    assert!(contrast(&corpus, &trained) > 0.4);
}

#[test]
fn the_same_seed_and_threads_make_the_same_bytes() {
    let corpus = kinds();
    for threads in [1, 2] {
        for loss in LOSSES {
            let settings = Settings { threads, ..small(Model::SkipGram, loss) };
            let (one, again) = (run(&corpus, &settings).unwrap(), run(&corpus, &settings).unwrap());
            let bits = |rows: &Rows| rows.floats().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert!(bits(one.inputs()) == bits(again.inputs()), "{threads} {loss:?}");
            assert!(bits(one.outputs()) == bits(again.outputs()), "{threads} {loss:?}");
            let found = contrast(&corpus, &one);
            assert!(found > 0.4, "{threads} {loss:?}: {found}");
            let other = run(&corpus, &Settings { seed: 2, ..settings }).unwrap();
            assert!(bits(one.inputs()) != bits(other.inputs()), "{threads} {loss:?}");
        }
    }
}

#[test]
fn frozen_words_keep_their_vectors_and_others_begin_with_theirs() {
    let corpus = kinds();
    let given: Vec<f32> = (0..16).map(|i| i as f32 / 10.0).collect();
    let is_given = |word: &[u8]| word == b"k0w0" || word == b"k1w0";
    let vector = |word: &[u8]| is_given(word).then_some(Cow::Borrowed(&given[..]));
    let is_frozen = |word: &[u8]| word == b"k0w0";
    for model in [Model::SkipGram, Model::Cbow] {
        let start = Start { vector: Some(&vector), frozen: Some(&is_frozen), ..Start::default() };
        let settings = small(model, NEGATIVE);
        let trained = train(&corpus, &settings, start, &mut |_| Ok(Go::On)).unwrap();
        assert!(trained.vector(row(&corpus, "k0w0")) == given);
        let moved = trained.vector(row(&corpus, "k1w0"));
        assert!(moved != given && cosine(&moved, &given) > 0.5, "{moved:?}");
        let alike = cosine(&given, &trained.vector(row(&corpus, "k0w1")));
        assert!(alike > cosine(&given, &trained.vector(row(&corpus, "k2w1"))));
    }
    let short = |_: &[u8]| Some(Cow::Borrowed(&given[..3]));
    let start = Start { vector: Some(&short), ..Start::default() };
    let settings = small(Model::SkipGram, NEGATIVE);
    let error = train(&corpus, &settings, start, &mut |_| Ok(Go::On)).unwrap_err().to_string();
    assert!(error.contains("to begin with have 3"), "{error}");
}

#[test]
fn sub_words_go_on_from_a_table_and_stay_where_they_are_frozen() {
    let ngrams = Some(Ngrams { min_n: 2, max_n: 3, buckets: 500 });
    let first = kinds();
    for model in [Model::SkipGram, Model::Cbow] {
        let settings = Settings { ngrams, ..small(model, NEGATIVE) };
        let table = run(&first, &settings).unwrap();
        let vectors: Vec<Vec<f32>> = (0..24).map(|word| table.vector(RowId(word))).collect();
        let vector = |word: &[u8]| {
            first.words().row(word).map(|row| Cow::Borrowed(&vectors[row.index()][..]))
        };
        let bucket = |bucket: u32, vector: &mut [f32]| {
            vector.copy_from_slice(table.bucket(bucket).unwrap());
            Ok(())
        };
        let is_known = |word: &[u8]| first.words().row(word).is_some();
        // Words of the table, with new ones beside those of the first kind; one has no n-grams.
        let second = corpus(&"k0w0 k0w1 new </s> k0w2 new k0w3\nk1w0 k1w1 k1w2\n".repeat(60));
        let word = |name: &str| row(&second, name);
        let mut start = Start { vector: Some(&vector), bucket: Some(&bucket), ..Start::default() };
        let moved = train(&second, &settings, start, &mut |_| Ok(Go::On)).unwrap();
        let (before, after) = (vector(b"k0w0").unwrap(), moved.vector(word("k0w0")));
        assert!(*after != *before && cosine(&after, &before) > 0.3, "{model:?}");
        assert!((0..500).any(|one| moved.bucket(one) != table.bucket(one)));
        start.frozen = Some(&is_known);
        let kept = train(&second, &settings, start, &mut |_| Ok(Go::On)).unwrap();
        assert!((0..500).all(|one| kept.bucket(one) == table.bucket(one)), "{model:?}");
        for name in ["k0w0", "k0w3", "k1w2"] {
            let (before, after) = (vector(name.as_bytes()).unwrap(), kept.vector(word(name)));
            let off = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 1e-5, "{model:?} {name}: {off}");
        }
        let new = kept.vector(word("new"));
        let alike = |name: &str| cosine(&new, &kept.vector(word(name)));
        assert!(model == Model::Cbow || alike("k0w0") > alike("k1w0"));
        // A vector that is not a mean with n-grams is the row itself.
        assert_eq!(kept.inputs().row(word("</s>").index()), kept.vector(word("</s>")));
        let weighed = Settings { position_weights: true, ..settings };
        if model == Model::Cbow {
            let error = train(&second, &weighed, start, &mut |_| Ok(Go::On)).unwrap_err();
            assert!(error.to_string().contains("position_weights: "), "{error}");
        }
    }
}

#[test]
fn the_watch_sees_progress_and_stops_it() {
    let corpus = kinds();
    for threads in [1, 2] {
        let settings = Settings { threads, ..small(Model::SkipGram, NEGATIVE) };
        let mut seen = Vec::new();
        let word = row(&corpus, "k0w0");
        train(&corpus, &settings, Start::default(), &mut |progress| {
            seen.push((progress.epoch, progress.tokens, progress.lr, progress.vector(word)));
            assert!(progress.loss > 0.0 && progress.tokens_total == 6_000, "{progress:?}");
            Ok(Go::On)
        })
        .unwrap();
        assert_eq!(seen.len(), 5);
        assert!(seen.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1 && a.2 > b.2 && a.3 != b.3));
        assert_eq!(seen[4].1, 6_000);
        let mut looks = 0;
        let stopped = train(&corpus, &settings, Start::default(), &mut |_| {
            looks += 1;
            if looks < 3 { Ok(Go::On) } else { Err(Error::new(ErrorKind::Cancelled)) }
        });
        assert!(matches!(stopped.unwrap_err().kind(), ErrorKind::Cancelled));
        assert_eq!(looks, 3);
    }
}

/// What a checkpoint is written to.
const KIND: Kind = Kind { name: "test", version: 1, advice: "" };

/// Where a training stood when its watch had seen it so often: then it is ended.
pub(super) fn stood(looks: usize, train: impl FnOnce(&mut Watch<'_>) -> Result<()>) -> Container {
    let (mut seen, mut file) = (0, None);
    let ended = train(&mut |progress| {
        seen += 1;
        if seen < looks {
            return Ok(Go::On);
        }
        let mut out = Writer::new(Vec::new(), KIND, 0)?;
        progress.write(&mut out)?;
        file = Some(out.finish()?.0);
        Err(Error::new(ErrorKind::Cancelled))
    });
    assert!(matches!(ended.unwrap_err().kind(), ErrorKind::Cancelled));
    Container::open(Arc::new(file.unwrap()), String::new(), KIND).unwrap()
}

#[test]
fn what_was_interrupted_goes_on_as_if_it_had_not_been() {
    let mut random = SplitMix64(7);
    let words: Vec<String> = (0..30_000)
        .map(|i| {
            let end = if i % 9 == 8 { "\n" } else { " " };
            format!("w{}{end}", random.below(60) * random.below(60) / 60)
        })
        .collect();
    let corpus = corpus(&words.concat());
    let ngrams = Some(Ngrams { min_n: 2, max_n: 3, buckets: 50 });
    let sample = 1e-2;
    let frozen = |word: &[u8]| word == b"w0";
    for settings in [
        Settings { sample, ..small(Model::SkipGram, NEGATIVE) },
        Settings { sample, threads: 2, ..small(Model::SkipGram, NEGATIVE) },
        small(Model::Cbow, Loss::Hierarchical),
        Settings { position_weights: true, threads: 2, ..small(Model::Cbow, NEGATIVE) },
        Settings { ngrams, ..small(Model::SkipGram, NEGATIVE) },
    ] {
        let settings = Settings { epochs: 2, ..settings };
        let kept: Option<IsFrozen<'_>> =
            if settings.ngrams.is_none() { Some(&frozen) } else { None };
        let start = Start { frozen: kept, ..Start::default() };
        let whole = train(&corpus, &settings, start, &mut |_| Ok(Go::On)).unwrap();
        for looks in [1, 2] {
            let file = stood(looks, |watch| train(&corpus, &settings, start, watch).map(drop));
            let saved = Some(Saved::new(&file));
            let start = Start { frozen: kept, saved, ..Start::default() };
            let mut first = None;
            let resumed = train(&corpus, &settings, start, &mut |progress| {
                first.get_or_insert(progress.tokens);
                Ok(Go::On)
            });
            let resumed = resumed.unwrap();
            assert!(first > Some(5_000), "it does not begin again: {first:?}");
            assert!(resumed.inputs().floats() == whole.inputs().floats(), "{settings:?} {looks}");
            assert!(resumed.outputs().floats() == whole.outputs().floats(), "{settings:?}");
            assert_eq!(resumed.losses, whole.losses);
            let other = Settings { dim: 17, ..settings };
            let error = train(&corpus, &other, start, &mut |_| Ok(Go::On)).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error}");
        }
    }
}

#[test]
fn a_watch_that_has_enough_gets_what_was_learned() {
    let corpus = kinds();
    for threads in [1, 2] {
        let settings = Settings { threads, epochs: 50, ..small(Model::SkipGram, NEGATIVE) };
        let enough = train(&corpus, &settings, Start::default(), &mut |progress| {
            Ok(if progress.epoch == 3 { Go::Enough } else { Go::On })
        });
        assert_eq!(enough.unwrap().losses.len(), 3);
    }
}

#[test]
fn what_cannot_be_trained_is_an_error_that_says_why() {
    let fails =
        |corpus: &Corpus, settings: Settings| run(corpus, &settings).unwrap_err().to_string();
    let good = small(Model::SkipGram, NEGATIVE);
    let corpus = kinds();
    let one = fails(&self::corpus("a a a a"), good);
    assert!(one.contains("two words at least; it has 1"), "{one}");
    let wrong = Settings {
        dim: 0,
        window: 101,
        epochs: 0,
        position_weights: true,
        threads: 3,
        lr: f32::NAN,
        sample: -1.0,
        loss: Loss::Negative { count: 0, exponent: 99.0 },
        ngrams: Some(Ngrams { min_n: 4, max_n: 3, buckets: 0 }),
        ..good
    };
    let error = fails(&corpus, wrong);
    for field in ["dim", "window", "epochs", "threads", "lr", "sample", "negative", "ns_exponent"] {
        assert!(error.contains(&format!("{field}: ")), "{field}: {error}");
    }
    assert!(error.contains("subwords: ") && error.contains("buckets: "), "{error}");
    assert!(error.contains("position_weights: only CBOW"), "{error}");
    let wide = fails(&corpus, Settings { dim: limits::DIM_MAX + 1, ..good });
    assert!(wide.contains("dim: from 1 to 65536"), "{wide}");
    for threads in [1, 2] {
        for loss in LOSSES {
            let settings = Settings { lr: 1e30, threads, ..small(Model::SkipGram, loss) };
            let error = fails(&corpus, settings);
            assert!(error.contains("lr: ") && error.contains("lower learning rate"), "{error}");
        }
    }
}
