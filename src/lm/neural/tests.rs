//! Tests of networks: gradients against finite differences, the toy corpus, and damaged files.

use parking_lot::RwLock;

use super::batch::{Batch, Places};
use super::learn::Learner;
use super::part::Part;
use super::shard::Shard;
use super::*;
use crate::container::{Kind as FileKind, Writer};
use crate::error::{Error, ErrorKind};
use crate::lm::layout::KIND;
use crate::lm::{BEGIN, END, Model, State, Words};
use crate::steps::GO;
use crate::vector::kernel::dense::{Kind, Rate};
use crate::vector::random::SplitMix64;

const NO_VECTORS: GiveVector<'static> = &|_, _| ();

fn small() -> Settings {
    Settings {
        order: 3,
        dim: 5,
        hidden: 7,
        epochs: 1,
        dropout: 0.0,
        decay: 0.0,
        ..Settings::default()
    }
}

/// The notes' corpus, as numbers of words.
fn toy() -> (Words, Vec<u32>, Vec<u64>) {
    let mut words = Words::new();
    let mut ids = Vec::new();
    let mut counts = vec![0; 3];
    for line in ["Troll 2 is great!", "Gymkata is great!"] {
        ids.push(BEGIN);
        for word in line.split(' ') {
            let word = words.add(word.as_bytes(), 1).unwrap();
            counts.resize(words.len(), 0);
            counts[word as usize] += 1;
            ids.push(word);
        }
        counts[END as usize] += 1;
        ids.push(END);
    }
    (words, ids, counts)
}

fn learned(settings: &Settings, held_out: &[u32]) -> Learned {
    let (_, ids, counts) = toy();
    let text = Text { ids: &ids, counts: &counts };
    learn(settings, (text, held_out), NO_VECTORS, &mut |_| Ok(()), GO).unwrap()
}

fn file(learned: &Learned, words: &Words) -> Vec<u8> {
    let mut out = Writer::new(Vec::new(), KIND, 0).unwrap();
    write(learned, words.clone(), &mut out, GO).unwrap();
    out.finish().unwrap().0
}

/// The loss of one case in double precision, straight from the paper.
fn loss(shape: Shape, [vectors, hidden, output]: [&[f64]; 3], context: &[u32], word: u32) -> f64 {
    let x: Vec<f64> = context
        .iter()
        .flat_map(|&word| vectors[word as usize * shape.dim..][..shape.dim].iter().copied())
        .collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let z: Vec<f64> = hidden
        .chunks(x.len() + 1)
        .map(|row| (dot(&row[..x.len()], &x) + row[x.len()]).tanh())
        .collect();
    let logit = |row: &[f64]| {
        let (direct, rest) = row.split_at(if shape.direct { x.len() } else { 0 });
        dot(direct, &x[..direct.len()]) + rest[0] + dot(&rest[1..], &z)
    };
    let logits: Vec<f64> = output.chunks(shape.output_row()).map(logit).collect();
    logits.iter().map(|logit| logit.exp()).sum::<f64>().ln() - logits[word as usize]
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for (direct, kind) in [(false, Kind::here()), (true, Kind::here()), (true, Kind::Plain)] {
        let settings = Settings { direct, seed: 5, ..small() };
        let learner = Learner::new(&settings, kind, &[1; 9], NO_VECTORS);
        let shape = learner.shape;
        // The weight of `<s>` is out of the reach of doubles' differences.
        let of = |shard: &Shard| {
            [&shard.vectors, &shard.hidden, &shard.output].map(|weight| weight.values.clone())
        };
        learner.shards[0].write().output.values
            [BEGIN as usize * shape.output_row() + shape.bias_at()] = 0.5;
        let before = of(&learner.shards[0].read());
        let (context, word) = ([5, 8], 6);
        let batch = Batch {
            contexts: context.to_vec(),
            targets: vec![word],
            candidates: (0..9).collect(),
            ends: vec![9],
            offsets: Vec::new(),
        };
        let mut part = Part::new(shape, kind, 1);
        part.learn(&batch, 0..1, &[learner.shards[0].read()], (0.0, SplitMix64(1)));
        let part = RwLock::new(part);
        let rate = Rate { rate: 1e-3, decay: 0.0 };
        let mut shard = learner.shards[0].write();
        shard.learn((shape, kind, rate), &batch, (0, 1), &[part.read()], &mut Vec::new());
        let weights = before.clone().map(|w| w.iter().map(|&w| f64::from(w)).collect::<Vec<_>>());
        let at = |weights: &[Vec<f64>; 3]| {
            loss(shape, weights.each_ref().map(Vec::as_slice), &context, word)
        };
        assert!((part.read().loss - at(&weights)).abs() < 1e-5);
        let after = [&shard.vectors, &shard.hidden, &shard.output];
        let mut moved = 0;
        for (layer, after) in after.into_iter().enumerate() {
            for (i, (&square, &value)) in after.squares.iter().zip(&after.values).enumerate() {
                // The sum of squares began with 1e-8.
                let size = (f64::from(square) - 1e-8).max(0.0).sqrt();
                let gradient = if value < before[layer][i] { size } else { -size };
                let near = |by: f64| {
                    let mut weights = weights.clone();
                    weights[layer][i] += by;
                    at(&weights)
                };
                let expected = (near(1e-4) - near(-1e-4)) / 2e-4;
                assert!(
                    (gradient - expected).abs() < 1e-5 + 1e-3 * expected.abs(),
                    "layer {layer}, weight {i}: {gradient} {expected}"
                );
                moved += usize::from(size > 1e-4);
            }
        }
        assert!(moved > shape.weights() / 3, "{moved} of {}", shape.weights());
    }
}

#[test]
fn the_toy_corpus_is_learned_and_the_same_seed_makes_the_same_bytes() {
    let settings = Settings { epochs: 300, rate: 0.1, dropout: 0.1, ..small() };
    for (threads, samples, direct) in [(1, None, false), (2, None, true), (2, Some(2), false)] {
        let settings = Settings { direct, samples, threads, ..settings };
        let one = learned(&settings, &[]);
        assert_eq!(one, Learned { epochs: one.epochs.clone(), ..learned(&settings, &[]) });
        assert_eq!((one.best, one.epochs.len()), (300, 300));
        let (words, ..) = toy();
        let model = Model::resident(&file(&one, &words), "toy".to_owned()).unwrap();
        let mut all = Vec::new();
        let mut state = model.begin_state();
        for (word, next) in [("2", "is"), ("is", "great!")] {
            state = model.after(&state, model.number(word.as_bytes())).unwrap();
            model.all(&state, &mut all, GO).unwrap();
            let sum: f64 = all.iter().map(|one| 10_f64.powf(one.log10.into())).sum();
            assert!((sum - 1.0).abs() < 1e-5, "{sum}");
            let p = 10_f64.powf(all[model.number(next.as_bytes()) as usize].log10.into());
            assert!(p > 0.8, "{threads} threads: {next} behind {word}: {p}");
        }
        assert!(all[BEGIN as usize].log10 == f32::NEG_INFINITY);
    }
}

#[test]
fn held_out_lines_say_when_it_is_enough_and_a_stop_is_heard() {
    let (words, ids, counts) = toy();
    // The other way round: the better the corpus is learned, the worse these get.
    let number = |word: &str| words.number(word.as_bytes()).unwrap();
    let held_out = [BEGIN, number("great!"), number("great!"), number("Troll"), END];
    let settings = Settings { epochs: 200, rate: 0.3, ..small() };
    let learned = learned(&settings, &held_out);
    assert!(learned.epochs.len() < 200);
    assert_eq!(learned.best + 2, learned.epochs.len());
    let best = learned.epochs[learned.best - 1].held_out.unwrap();
    assert!(learned.epochs.iter().all(|epoch| epoch.held_out.unwrap() >= best));
    for threads in [1, 2] {
        let settings = Settings { threads, ..settings };
        let mut seen = 0;
        let mut see = |_: Now| {
            seen += 1;
            if seen < 5 { Ok(()) } else { Err(Error::new(ErrorKind::Cancelled)) }
        };
        let text = Text { ids: &ids, counts: &counts };
        let stopped = learn(&settings, (text, &[]), NO_VECTORS, &mut see, GO);
        assert!(matches!(stopped.unwrap_err().kind(), ErrorKind::Cancelled));
        assert_eq!(seen, 5);
    }
    let settings = Settings { hidden: 0, ..settings };
    assert!(settings.check().unwrap_err().to_string().contains("hidden"));
}

#[test]
fn a_file_answers_as_its_network_and_refuses_every_flipped_byte_and_every_cut() {
    let (words, ids, _) = toy();
    let learned = learned(&Settings { epochs: 20, order: 4, ..small() }, &[]);
    let file = file(&learned, &words);
    let model = Model::resident(&file, "toy".to_owned()).unwrap();
    assert!(model.order() == 4 && model.ngrams().is_none());
    // Two sentences together are as each alone, and as the words one after the other.
    let sentences: Vec<u32> = ids.iter().copied().filter(|&id| id != BEGIN).collect();
    let ends: Vec<usize> = (1..=sentences.len()).filter(|&end| sentences[end - 1] == END).collect();
    let from = model.begin_state();
    let mut scored = Vec::new();
    model.score((&sentences, &ends), &from, &mut scored, GO).unwrap();
    let (mut state, mut all) = (from, Vec::new());
    for (&word, scored) in sentences.iter().zip(&scored) {
        model.all(&state, &mut all, GO).unwrap();
        let one = all[word as usize];
        assert!((one.log10 - scored.log10).abs() < 1e-5 && one.order == 4, "{one:?} {scored:?}");
        state = model.after(&state, word).unwrap();
        let told = model.told_state(&state);
        assert_eq!(model.state_told(&told), Some(state));
        assert_eq!(model.state_told(&told[1..]), None);
        if word == END {
            state = from;
        }
    }
    // Nothing before a word is not the begin of a sentence.
    model.all(&model.empty_state(), &mut all, GO).unwrap();
    let nothing = all[END as usize];
    model.all(&from, &mut all, GO).unwrap();
    assert!(nothing != all[END as usize]);
    // A state of other words than there are is no harm.
    let odd = State { words: 1, len: 1, slots: [u32::MAX - 1; 6], ..State::default() };
    model.all(&odd, &mut all, GO).unwrap();
    assert!(all.iter().skip(2).all(|one| one.log10.is_finite()));

    for length in 0..file.len() {
        assert!(Model::resident(&file[..length], "cut".to_owned()).is_err(), "{length}");
    }
    let same = |flipped: &Model| {
        let mut other = Vec::new();
        flipped.score((&sentences, &ends), &from, &mut other, GO).unwrap();
        other == scored
    };
    for at in 0..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 8);
        // What fills sections up means nothing.
        let opened = Model::resident(&flipped, "flipped".to_owned());
        assert!(opened.is_err() || opened.is_ok_and(|model| same(&model)), "byte {at}");
    }
    let other = FileKind { version: 2, ..KIND };
    let newer = Writer::new(Vec::new(), other, 0).unwrap().finish().unwrap().0;
    assert!(Model::resident(&newer, "newer".to_owned()).is_err());
}

#[test]
fn an_epoch_reads_every_place_once() {
    for len in [1, 2, 5, 64, 1_000] {
        let mut places: Vec<usize> = Places::new(len, &mut SplitMix64(3)).collect();
        assert!(len < 64 || !places.is_sorted());
        places.sort_unstable();
        assert!(places.into_iter().eq(0..len), "{len}");
    }
}

#[test]
fn memory_is_told_before_it_is_taken() {
    let settings = Settings { order: 5, dim: 60, hidden: 200, ..Settings::default() };
    let weights = settings.shape(17_905).weights() as u64;
    let bytes = settings.memory_bytes(17_905);
    // All words are compared: a logit for each of 128 cases.
    let logits = 17_905 * 128 * 4;
    assert!(bytes > 16 * weights + logits && bytes < 24 * weights + 3 * logits, "{bytes}");
    assert_eq!((settings.noise(WHOLE_MAX), settings.noise(WHOLE_MAX + 1)), (None, Some(NOISE)));
}
