//! A network learns: gradients of batches, with a rate for each weight (`AdaGrad`), until lines that are held out
//! say that it is enough.
//!
//! Threads share a batch twice: first each has some of its cases, and finds what these would change; then each
//! has some of the weights, and changes them by what all cases say. What a thread changes nobody else reads
//! meanwhile.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use crate::error::{Error, Result};
use crate::lm::neural::batch::{Batch, Batches, Text, add_context};
use crate::lm::neural::net::Weights;
use crate::lm::neural::part::Part;
use crate::lm::neural::settings::Settings;
use crate::lm::neural::shape::{CASES, Shape};
use crate::lm::neural::shard::{Shard, Weight};
use crate::lm::numbers::single;
use crate::lm::words::BEGIN;
use crate::steps::GoOn;
use crate::vector::kernel::dense::{Kind, Rate};
use crate::vector::random::SplitMix64;

/// The bias of `<s>`, which never comes next.
const NEVER: f32 = -1e30;
/// The rate of the last batch, as a share of the first one's.
const RATE_LEAST: f64 = 0.02;
/// Epochs that may do no better on held-out text than the best one.
const PATIENCE: usize = 2;
/// How far vectors are from 0 at first, and the weights of the output.
const VECTORS_FROM: f32 = 0.1;
const OUTPUT_FROM: f32 = 0.05;

/// How far learning is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Now {
    /// The epoch that runs, from 1.
    pub epoch: usize,
    /// Words that were learned from, of all epochs.
    pub words: u64,
    /// How many there will be at most.
    pub words_max: u64,
    /// The mean loss of a word lately, in nats; if words are sampled, among those.
    pub loss: f64,
    /// The learning rate.
    pub rate: f32,
    /// The perplexity of the held-out text after the last epoch that ended.
    pub held_out: Option<f64>,
}

/// An epoch that has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// The perplexity of the held-out text; none without such text.
    pub held_out: Option<f64>,
    /// Seconds of learning.
    pub seconds: f64,
}

/// What was learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// Its layers.
    pub shape: Shape,
    /// A vector for each word.
    pub vectors: Vec<f32>,
    pub(super) hidden: Vec<f32>,
    pub(super) output: Vec<f32>,
    /// Each epoch.
    pub epochs: Vec<Epoch>,
    /// The one whose weights these are, from 1.
    pub best: usize,
}

impl Learned {
    pub(super) fn weights(&self) -> Weights<'_> {
        let Self { shape, vectors, hidden, output, .. } = self;
        Weights { shape: *shape, vectors, hidden, output }
    }

    /// The vector of a word; none of a number that has none.
    pub fn vector(&self, word: u32) -> Option<&[f32]> {
        self.vectors.chunks_exact(self.shape.dim).nth(word as usize)
    }
}

/// Gives the vector that a word has at first, or leaves it as it is.
pub type GiveVector<'a> = &'a dyn Fn(u32, &mut [f32]);
/// Sees how far learning is; an error ends it.
pub type See<'a> = &'a mut dyn FnMut(Now) -> Result<()>;

/// Learns from a text; `held_out` is as its ids.
///
/// # Errors
///
/// As [`Settings::check`]; if `see` or `go_on` says so, or if weights grow beyond all numbers.
pub fn learn(
    settings: &Settings,
    (text, held_out): (Text<'_>, &[u32]),
    vector: GiveVector<'_>,
    see: See<'_>,
    go_on: GoOn<'_>,
) -> Result<Learned> {
    settings.check()?;
    let mut learner = Learner::new(settings, Kind::here(), text.counts, vector);
    let mut best: Option<(f64, Learned)> = None;
    let mut epochs: Vec<Epoch> = Vec::new();
    for epoch in 1..=settings.epochs {
        let before = epochs.last().and_then(|epoch| epoch.held_out);
        let began = std::time::Instant::now();
        let mut see_all = |now: Now| see(Now { epoch, held_out: before, ..now });
        learner.epoch(text, epoch, &mut see_all, go_on)?;
        let seconds = began.elapsed().as_secs_f64();
        let now = learner.learned();
        let judged = judge(&now.weights(), learner.kind, held_out, settings.threads, go_on)?;
        if !judged.unwrap_or(1.0).is_finite() || now.vectors.iter().any(|value| !value.is_finite())
        {
            let problem =
                format!("weights grew beyond all numbers in epoch {epoch}: take a lower rate");
            return Err(Error::invalid("rate", problem));
        }
        epochs.push(Epoch { held_out: judged, seconds });
        // Without held-out text the last is the best.
        let loss = judged.unwrap_or(0.0);
        if best.as_ref().is_none_or(|(least, _)| loss < *least || judged.is_none()) {
            best = Some((loss, Learned { best: epoch, ..now }));
        }
        let best_epoch = best.as_ref().map_or(0, |(_, learned)| learned.best);
        if epoch - best_epoch >= PATIENCE {
            break;
        }
    }
    let learned = best.map(|(_, learned)| Learned { epochs, ..learned });
    learned.ok_or_else(|| Error::invalid("epochs", "at least 1"))
}

/// The perplexity of a text: exact, whether learning samples or not. None of no text.
fn judge(
    weights: &Weights<'_>,
    kind: Kind,
    ids: &[u32],
    threads: usize,
    go_on: GoOn<'_>,
) -> Result<Option<f64>> {
    let places: Vec<usize> = (0..ids.len()).filter(|&at| ids[at] != BEGIN).collect();
    if places.is_empty() {
        return Ok(None);
    }
    let share = places.len().div_ceil(threads).next_multiple_of(CASES);
    let one = |places: &[usize]| {
        let (mut contexts, mut words, mut logs) = (Vec::new(), Vec::new(), Vec::new());
        for &at in places {
            words.push(ids[at]);
            add_context(ids, at, weights.shape.context(), &mut contexts);
        }
        weights.score(kind, (&contexts, &words), &mut logs, go_on)?;
        Ok::<_, Error>(logs.iter().map(|&log| f64::from(log)).sum::<f64>())
    };
    let sums = std::thread::scope(|scope| {
        let one = &one;
        let parts = places.chunks(share).map(|places| scope.spawn(move || one(places)));
        let parts: Vec<_> = parts.collect();
        let broken = |_| Error::new(crate::error::ErrorKind::Internal);
        let sums = parts.into_iter().map(|part| part.join().map_err(broken)?);
        sums.collect::<Result<Vec<f64>>>()
    })?;
    Ok(Some((-sums.iter().sum::<f64>() / places.len() as f64).exp()))
}

/// A network that learns.
pub(super) struct Learner<'s> {
    settings: &'s Settings,
    pub(super) shape: Shape,
    kind: Kind,
    pub(super) shards: Vec<RwLock<Shard>>,
    random: SplitMix64,
}

impl<'s> Learner<'s> {
    pub(super) fn new(
        settings: &'s Settings,
        kind: Kind,
        counts: &[u64],
        vector: GiveVector<'_>,
    ) -> Self {
        let shape = settings.shape(counts.len());
        let mut random = SplitMix64(settings.seed);
        let count = settings.threads;
        let mut uniform = |from: f32| {
            let unit = (random.next() >> 40) as f32 / (1_u32 << 23) as f32 - 1.0;
            unit * from
        };
        let total = counts.iter().sum::<u64>().max(1) as f64;
        let (mut vectors, mut output) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        let mut row = vec![0.0; shape.dim];
        for (word, &own) in (0..).zip(counts) {
            row.fill_with(|| uniform(VECTORS_FROM));
            vector(word, &mut row);
            let shard = word as usize % count;
            vectors[shard].extend_from_slice(&row);
            let output = &mut output[shard];
            output.resize(output.len() + shape.bias_at(), 0.0);
            // So that it begins with the words' frequencies.
            let bias = single(((own as f64 + 0.5) / total).ln());
            output.push(if word == BEGIN { NEVER } else { bias });
            output.extend((0..shape.hidden).map(|_| uniform(OUTPUT_FROM)));
        }
        // Glorot and Bengio 2010.
        let from = (6.0 / (shape.hidden + shape.input()) as f32).sqrt();
        let share = shape.hidden.div_ceil(count);
        let shards = vectors.into_iter().zip(output).enumerate().map(|(at, (vectors, output))| {
            let first_hidden = (at * share).min(shape.hidden);
            let mut hidden = Vec::new();
            for _ in first_hidden..(first_hidden + share).min(shape.hidden) {
                hidden.extend((0..shape.input()).map(|_| uniform(from)));
                hidden.push(0.0);
            }
            let [vectors, output, hidden] = [vectors, output, hidden].map(Weight::new);
            RwLock::new(Shard { vectors, output, hidden, first_hidden })
        });
        let shards = shards.collect();
        Self { settings, shape, kind, shards, random }
    }

    /// The weights as they are now.
    fn learned(&self) -> Learned {
        let shards: Vec<_> = self.shards.iter().map(|shard| shard.read()).collect();
        let (shape, count) = (self.shape, shards.len());
        let mut vectors = Vec::with_capacity(shape.words * shape.dim);
        let mut output = Vec::with_capacity(shape.words * shape.output_row());
        for word in 0..shape.words {
            let (shard, at) = (&shards[word % count], word / count);
            let row = |values: &[f32], len: usize| values[at * len..][..len].to_vec();
            vectors.extend(row(&shard.vectors.values, shape.dim));
            output.extend(row(&shard.output.values, shape.output_row()));
        }
        let hidden = shards.iter().flat_map(|shard| shard.hidden.values.iter().copied()).collect();
        Learned { shape, vectors, hidden, output, epochs: Vec::new(), best: 0 }
    }

    /// Reads a text once.
    pub(super) fn epoch(
        &mut self,
        text: Text<'_>,
        epoch: usize,
        see: See<'_>,
        go_on: GoOn<'_>,
    ) -> Result<()> {
        let (settings, shape, kind) = (self.settings, self.shape, self.kind);
        let threads = self.shards.len();
        let seed = self.random.next();
        let cases = text.cases();
        let words_max = cases * settings.epochs as u64;
        let mut words = cases * (epoch as u64 - 1);
        let noise = settings.noise(shape.words);
        let mut batches = Batches::new(text, (shape, noise, threads), &mut self.random);
        let (mut first, share) = (Batch::default(), CASES.div_ceil(threads));
        batches.fill(&mut first);
        // One is learned from while the next is made.
        let pair = [RwLock::new(first), RwLock::new(Batch::default())];
        let part = |_| RwLock::new(Part::new(shape, kind, share));
        let parts: Vec<RwLock<Part>> = (0..threads).map(part).collect();
        let rate = |words: u64| {
            let left = 1.0 - words as f64 / words_max.max(1) as f64;
            let rate = single(settings.rate * left.max(RATE_LEAST));
            Rate { rate, decay: single(settings.decay) }
        };
        let shared = Shared {
            shards: &self.shards,
            parts: &parts,
            pair: &pair,
            barrier: Barrier::new(threads),
            stop: AtomicBool::new(false),
            layers: (shape, kind),
            share,
        };
        let dropout = |turn: u64, thread: usize| {
            let seed = seed ^ SplitMix64(turn << 16 | thread as u64).next();
            (single(settings.dropout), SplitMix64(seed))
        };
        let begun = words;
        std::thread::scope(|scope| {
            for thread in 1..threads {
                let (shared, rate, dropout) = (&shared, &rate, &dropout);
                scope.spawn(move || {
                    let (mut words, mut scratch) = (begun, Vec::new());
                    for turn in 0_u64.. {
                        if !shared.see(turn, thread, dropout(turn, thread)) {
                            break;
                        }
                        words += shared.batch(turn).read().targets.len() as u64;
                        shared.change(turn, thread, rate(words), &mut scratch);
                    }
                });
            }
            let (mut scratch, mut failed) = (Vec::new(), None);
            for turn in 0_u64.. {
                if !shared.see(turn, 0, dropout(turn, 0)) {
                    break;
                }
                let count = shared.batch(turn).read().targets.len();
                words += count as u64;
                let loss = parts.iter().map(|part| part.read().loss).sum::<f64>() / count as f64;
                let now =
                    Now { epoch, words, words_max, loss, rate: rate(words).rate, held_out: None };
                if let Err(error) = go_on().and_then(|()| see(now)) {
                    failed = Some(error);
                    shared.stop.store(true, Ordering::Relaxed);
                }
                batches.fill(&mut shared.batch(turn + 1).write());
                shared.change(turn, 0, rate(words), &mut scratch);
            }
            failed.map_or(Ok(()), Err)
        })
    }
}

/// What the threads of an epoch share.
struct Shared<'e> {
    shards: &'e [RwLock<Shard>],
    parts: &'e [RwLock<Part>],
    pair: &'e [RwLock<Batch>; 2],
    barrier: Barrier,
    stop: AtomicBool,
    layers: (Shape, Kind),
    /// Cases of a part.
    share: usize,
}

impl Shared<'_> {
    fn batch(&self, turn: u64) -> &RwLock<Batch> {
        &self.pair[usize::from(turn % 2 == 1)]
    }

    /// The first half of a turn; says whether there is one.
    fn see(&self, turn: u64, thread: usize, dropout: (f32, SplitMix64)) -> bool {
        {
            let batch = self.batch(turn).read();
            // It was set, if it was, before all threads met.
            if batch.targets.is_empty() || self.stop.load(Ordering::Relaxed) {
                return false;
            }
            let shards: Vec<_> = self.shards.iter().map(|shard| shard.read()).collect();
            let cases = batch.targets.len();
            let from = (thread * self.share).min(cases);
            let range = from..(from + self.share).min(cases);
            self.parts[thread].write().learn(&batch, range, &shards, dropout);
        }
        self.barrier.wait();
        true
    }

    /// The second half.
    fn change(&self, turn: u64, thread: usize, rate: Rate, scratch: &mut Vec<[f32; 16]>) {
        {
            let batch = self.batch(turn).read();
            let parts: Vec<_> = self.parts.iter().map(|part| part.read()).collect();
            let (shape, kind) = self.layers;
            let own = (thread, self.shards.len());
            self.shards[thread].write().learn((shape, kind, rate), &batch, own, &parts, scratch);
        }
        self.barrier.wait();
    }
}
