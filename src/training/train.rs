//! Training by word2vec's models: epochs over a corpus, by one thread or by replicas.

use std::borrow::Cow;

use super::corpus::Corpus;
use super::matrices::Matrices;
use super::plan::{Frozen, Goal, Plan};
use super::progress::{Go, Progress, Watch};
use super::rows::{LINE, Rows};
use super::settings::{Ngrams, Settings};
use super::standing::{Position, Saved};
use super::worker::Worker;
use crate::error::{Error, Result};
use crate::vector::RowId;
use crate::vector::random::SplitMix64;

/// Numbers that are learned from between two looks at the watch: about a millisecond.
const PIECE: usize = 10_000;
/// Multiplications of full softmax between two looks.
const PIECE_WORK: usize = 50_000_000;
/// Numbers after which all vectors are checked.
const CHECKED: u64 = 2_000_000;
/// Predictions that must have been measured in an epoch before their mean loss is judged.
const JUDGED: u64 = 1_000;
/// So many times the loss by chance means that learning diverged.
const LOST: f64 = 1.5;
/// The learning rate at the end, as a share of the first.
const LR_END: f32 = 1e-4;

/// The vector that a word has already, if it has one.
pub type Known<'a> = &'a dyn Fn(&[u8]) -> Option<Cow<'a, [f32]>>;

/// Adds the vector of a bucket to another.
pub type GiveBucket<'a> = &'a dyn Fn(u32, &mut [f32]) -> Result<()>;

/// Whether a word's vector stays as it is.
pub type IsFrozen<'a> = &'a dyn Fn(&[u8]) -> bool;

/// Where training begins.
#[derive(Clone, Copy, Default)]
pub struct Start<'a> {
    /// Vectors that words have already, of the settings' dimension; other words begin at random.
    pub vector: Option<Known<'a>>,
    /// The output vectors of words, for negative sampling and full softmax; others begin at 0.
    pub output: Option<Known<'a>>,
    /// The vectors of buckets, by their numbers. `vector` is asked for means with them then.
    pub bucket: Option<GiveBucket<'a>>,
    /// Words whose vectors stay as they are; with sub-words all n-grams do, too.
    pub frozen: Option<IsFrozen<'a>>,
    /// Where a training of the same corpus and settings stood: it goes on there, and nothing above but
    /// `frozen` is asked.
    pub saved: Option<Saved<'a>>,
}

impl std::fmt::Debug for Start<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Start").field("continues", &self.vector.is_some()).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
struct Vectors<'a> {
    plan: &'a Plan,
    inputs: &'a Rows,
}

impl Vectors<'_> {
    fn vector(&self, word: RowId) -> Vec<f32> {
        let Some(parts) = &self.plan.parts else {
            return self.inputs.row(word.index()).to_vec();
        };
        let mut sum = vec![0.0; self.inputs.dim()];
        let rows = parts.of(word.0);
        for &row in rows {
            for (sum, value) in sum.iter_mut().zip(self.inputs.row(row as usize)) {
                *sum += value;
            }
        }
        let share = 1.0 / rows.len() as f32;
        for value in &mut sum {
            *value *= share;
        }
        sum
    }
}

/// What training made.
pub struct Trained {
    plan: Plan,
    words: usize,
    matrices: Matrices,
    /// The mean loss of a prediction in nats, in each epoch.
    pub losses: Vec<f64>,
}

impl Trained {
    /// The vector of a word of the corpus; with sub-words, the mean of its rows.
    ///
    /// # Panics
    ///
    /// If there is no such word.
    pub fn vector(&self, word: RowId) -> Vec<f32> {
        Vectors { plan: &self.plan, inputs: &self.matrices.inputs }.vector(word)
    }

    /// The rows of the words, and behind them those of the buckets.
    pub fn inputs(&self) -> &Rows {
        &self.matrices.inputs
    }

    /// The output matrix: a row a word, or one for each inner node of the tree.
    pub fn outputs(&self) -> &Rows {
        &self.matrices.outputs
    }

    /// The row of a bucket, if sub-words were trained.
    pub fn bucket(&self, bucket: u32) -> Option<&[f32]> {
        let Ngrams { buckets, .. } = self.plan.settings.ngrams?;
        (bucket < buckets).then(|| self.matrices.inputs.row(self.words + bucket as usize))
    }
}

impl std::fmt::Debug for Trained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trained").field("words", &self.words).finish_non_exhaustive()
    }
}

/// Trains the words of a corpus.
///
/// # Errors
///
/// If a setting is wrong, if there is no memory, if the corpus cannot be read again, if numbers
/// become infinite or NaN (the learning rate is too high), or if the watch says so.
pub fn train(
    corpus: &Corpus,
    settings: &Settings,
    start: Start<'_>,
    watch: &mut Watch<'_>,
) -> Result<Trained> {
    let mut plan = Plan::new(corpus, settings)?;
    let words = corpus.words().len();
    let (position, matrices) = if let Some(saved) = start.saved {
        resumed(corpus, &plan, saved)?
    } else {
        (Position::first(), begin(corpus, &plan, start)?)
    };
    if let Some(is_frozen) = start.frozen {
        if plan.parts.is_some() && settings.position_weights {
            let problem = "places have no weights where sub-words are frozen";
            return Err(Error::invalid("position_weights", problem));
        }
        plan.frozen = Some(Frozen::new(corpus, &matrices.inputs, is_frozen)?);
    }
    let mut course = Course::new(corpus, &plan, &position);
    let matrices = match settings.threads {
        1 => course.alone(matrices, &position, watch)?,
        threads => course.together(matrices, threads, &position, watch)?,
    };
    let losses = std::mem::take(&mut course.losses);
    Ok(Trained { plan, words, matrices, losses })
}

/// Rows of the output matrix.
fn output_rows(plan: &Plan, words: usize) -> usize {
    match plan.goal {
        Goal::Hierarchical(_) => words - 1,
        Goal::Negative(..) | Goal::Softmax => words,
    }
}

/// Where a training stood, and its vectors.
fn resumed(corpus: &Corpus, plan: &Plan, saved: Saved<'_>) -> Result<(Position, Matrices)> {
    let (settings, words) = (&plan.settings, corpus.words().len());
    let position = saved.position(settings.epochs, words, settings.threads)?;
    let is_within = position.at.iter().all(|&at| at <= corpus.len());
    if !is_within || position.at.len() != settings.threads {
        return Err(saved.senseless());
    }
    let inputs = saved.rows(0, settings.input_rows(words), settings.dim)?;
    let outputs = saved.rows(1, output_rows(plan, words), settings.dim)?;
    let places = match settings.weighted_places() {
        0 => Rows::new(0, settings.dim)?,
        count => saved.rows(2, count, settings.dim)?,
    };
    Ok((position, Matrices { inputs, outputs, places }))
}

/// The first vectors.
fn begin(corpus: &Corpus, plan: &Plan, start: Start<'_>) -> Result<Matrices> {
    let (settings, words) = (&plan.settings, corpus.words().len());
    let mut inputs = Rows::new(settings.input_rows(words), settings.dim)?;
    let mut outputs = Rows::new(output_rows(plan, words), settings.dim)?;
    let mut places = Rows::new(settings.weighted_places(), settings.dim)?;
    for place in 0..places.len() {
        places.row_mut(place).fill(1.0);
    }
    // Every row draws its numbers, so that those of a word do not depend on what others begin with.
    inputs.randomize(0, SplitMix64(settings.seed).next());
    if let (Some(bucket), Some(ngrams)) = (start.bucket, settings.ngrams) {
        for number in 0..ngrams.buckets {
            let row = inputs.row_mut(words + number as usize);
            row.fill(0.0);
            bucket(number, row)?;
        }
    }
    let is_tree = matches!(plan.goal, Goal::Hierarchical(_));
    for word in (0..words).filter_map(|word| RowId::try_from(word).ok()) {
        let bytes = corpus.words().word(word);
        if let Some(vector) = known(start.vector, bytes, settings.dim)? {
            match &plan.parts {
                Some(parts) => own_row(&mut inputs, parts.of(word.0), &vector),
                None => inputs.row_mut(word.index()).copy_from_slice(&vector),
            }
        }
        if !is_tree && let Some(vector) = known(start.output, bytes, settings.dim)? {
            outputs.row_mut(word.index()).copy_from_slice(&vector);
        }
    }
    Ok(Matrices { inputs, outputs, places })
}

/// The vector that a word has already, if it has one.
fn known<'a>(all: Option<Known<'a>>, word: &[u8], dim: usize) -> Result<Option<Cow<'a, [f32]>>> {
    match all.and_then(|all| all(word)) {
        Some(vector) if vector.len() != dim => {
            let problem = format!("{dim}, and vectors to begin with have {}", vector.len());
            Err(Error::invalid("dim", problem))
        }
        vector => Ok(vector),
    }
}

/// Makes the first of a word's rows such that the mean of all of them is its vector.
fn own_row(inputs: &mut Rows, rows: &[u32], vector: &[f32]) {
    let Some((&own, ngrams)) = rows.split_first() else { return };
    for (at, &value) in vector.iter().enumerate() {
        let others: f64 = ngrams.iter().map(|&row| f64::from(inputs.row(row as usize)[at])).sum();
        #[expect(clippy::cast_possible_truncation, reason = "vectors are in single precision")]
        let left = (f64::from(value) * rows.len() as f64 - others) as f32;
        inputs.row_mut(own as usize)[at] = left;
    }
}

/// A training on its way.
struct Course<'a> {
    corpus: &'a Corpus,
    plan: &'a Plan,
    losses: Vec<f64>,
    /// What a loss is that tells nothing.
    chance: f64,
    /// Numbers read, of all epochs.
    read: u64,
    /// The epoch that runs, from 1.
    epoch: usize,
    /// The losses of that one, and how many.
    loss: (f64, u64),
}

/// What a thread has learned, and where it reads on.
type Learner<'a> = (&'a Worker, u64);

impl<'a> Course<'a> {
    fn new(corpus: &'a Corpus, plan: &'a Plan, position: &Position) -> Self {
        let &Position { epoch, read, loss: (sum, count), .. } = position;
        let losses = position.losses();
        let (loss, chance) = ((f64::from_bits(sum), count), plan.loss_by_chance(corpus.counts()));
        Self { corpus, plan, losses, chance, read, epoch, loss }
    }

    fn alone(
        &mut self,
        matrices: Matrices,
        position: &Position,
        watch: &mut Watch<'_>,
    ) -> Result<Matrices> {
        let plan = self.plan;
        let mut worker = Worker::new(plan, matrices, 0)?;
        if let Some(chance) = position.chances.first() {
            worker.go_on(chance);
        }
        let (piece, mut block) = (self.piece(), Vec::new());
        let mut at = position.at.first().copied().unwrap_or(0);
        while self.epoch <= plan.settings.epochs {
            loop {
                self.corpus.read(at, piece, &mut block)?;
                if block.is_empty() {
                    break;
                }
                worker.learn(plan, &block, self.lr(self.read));
                at += block.len() as u64;
                let before = self.read;
                self.read += block.len() as u64;
                let mut taken = worker.meter.take();
                if self.read / CHECKED != before / CHECKED && !worker.matrices.is_finite() {
                    taken = (f64::NAN, 1);
                }
                let here = [(&worker, at)];
                if self.report(taken, &here, &worker.matrices, watch)? == Go::Enough {
                    self.end_epoch(worker.matrices.is_finite())?;
                    return Ok(worker.matrices);
                }
            }
            at = 0;
            self.end_epoch(worker.matrices.is_finite())?;
        }
        Ok(worker.matrices)
    }

    /// A replica a thread; now and then each gets the changes of all. The sum of the changes keeps what all
    /// learned, which their mean does not.
    fn together(
        &mut self,
        mut matrices: Matrices,
        threads: usize,
        position: &Position,
        watch: &mut Watch<'_>,
    ) -> Result<Matrices> {
        let mut shards = self.shards(&matrices, threads, position)?;
        let round = (matrices.inputs.len() as u64 * 2).clamp(10_000, 100_000);
        while self.epoch <= self.plan.settings.epochs {
            while shards.iter().any(|shard| shard.at < shard.end) {
                let before = self.read;
                let read = in_parallel(&mut shards, |shard| {
                    shard.learn(self, before, threads as u64, round)
                })?;
                self.read += read.iter().sum::<u64>();
                merge(&mut matrices, &mut shards);
                let mut taken = (0.0, 0);
                for shard in &mut shards {
                    let (sum, count) = shard.worker.meter.take();
                    taken = (taken.0 + sum, taken.1 + count);
                }
                let here: Vec<_> = shards.iter().map(|shard| (&shard.worker, shard.at)).collect();
                if self.report(taken, &here, &matrices, watch)? == Go::Enough {
                    self.end_epoch(matrices.is_finite())?;
                    return Ok(matrices);
                }
            }
            for shard in &mut shards {
                shard.at = shard.start;
            }
            self.end_epoch(matrices.is_finite())?;
        }
        Ok(matrices)
    }

    /// The parts of the corpus, each with a replica.
    fn shards(
        &self,
        matrices: &Matrices,
        threads: usize,
        position: &Position,
    ) -> Result<Vec<Shard>> {
        let (corpus, threads) = (self.corpus, threads as u64);
        let bound = |thread| corpus.sentence_from(corpus.len() / threads * thread);
        let shard = |thread: u64| {
            let end = if thread + 1 == threads { corpus.len() } else { bound(thread + 1)? };
            let mut worker = Worker::new(self.plan, matrices.copy()?, thread)?;
            let (start, place) = (bound(thread)?, usize::try_from(thread).unwrap_or(usize::MAX));
            if let Some(chance) = position.chances.get(place) {
                worker.go_on(chance);
            }
            let at = position.at.get(place).copied().unwrap_or(start);
            Ok(Shard { worker, start, end, at })
        };
        (0..threads).map(shard).collect()
    }

    /// Numbers of a piece: fewer where each takes long.
    fn piece(&self) -> usize {
        let Goal::Softmax = self.plan.goal else { return PIECE };
        let settings = &self.plan.settings;
        let each = self.corpus.words().len() * settings.dim * settings.window;
        (PIECE_WORK / each.max(1)).clamp(10, PIECE)
    }

    /// Numbers of all epochs.
    fn total(&self) -> u64 {
        self.corpus.len() * self.plan.settings.epochs as u64
    }

    fn lr(&self, read: u64) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "a share from 0 to 1")]
        let left = (1.0 - read as f64 / self.total() as f64) as f32;
        self.plan.settings.lr * left.max(LR_END)
    }

    fn report(
        &mut self,
        (sum, count): (f64, u64),
        learners: &[Learner<'_>],
        matrices: &Matrices,
        watch: &mut Watch<'_>,
    ) -> Result<Go> {
        if sum.is_nan() {
            return Err(self.diverged("the vectors became infinite or NaN"));
        }
        self.loss = (self.loss.0 + sum, self.loss.1 + count);
        let tokens_total = self.corpus.totals().tokens * self.plan.settings.epochs as u64;
        let share = self.read as f64 / self.total() as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a u64"
        )]
        let tokens = (share * tokens_total as f64) as u64;
        watch(&Progress {
            epoch: self.epoch,
            tokens,
            tokens_total,
            loss: if count == 0 { 0.0 } else { sum / count as f64 },
            lr: self.lr(self.read),
            vectors: &|word| Vectors { plan: self.plan, inputs: &matrices.inputs }.vector(word),
            matrices: &matrices.all(),
            position: &|| self.position(learners),
        })
    }

    fn position(&self, learners: &[Learner<'_>]) -> Position {
        Position {
            epoch: self.epoch,
            at: learners.iter().map(|&(_, at)| at).collect(),
            read: self.read,
            losses: self.losses.iter().map(|loss| loss.to_bits()).collect(),
            loss: (self.loss.0.to_bits(), self.loss.1),
            chances: learners.iter().map(|(worker, _)| worker.chance()).collect(),
        }
    }

    fn end_epoch(&mut self, is_finite: bool) -> Result<()> {
        let (sum, count) = std::mem::take(&mut self.loss);
        let loss = if count == 0 { 0.0 } else { sum / count as f64 };
        self.losses.push(loss);
        self.epoch += 1;
        if !is_finite {
            return Err(self.diverged("the vectors became infinite or NaN"));
        }
        if count >= JUDGED && loss > self.chance * LOST {
            let chance = self.chance;
            let what = format!("the loss came to {loss:.3}, and who guesses has {chance:.3}");
            return Err(self.diverged(&what));
        }
        Ok(())
    }

    fn diverged(&self, what: &str) -> Error {
        let Settings { lr, threads, .. } = self.plan.settings;
        let other = if threads > 1 { ", or train with one thread" } else { "" };
        let problem = format!(
            "with {lr} {what}, and nothing is kept of it: take a lower learning rate{other}"
        );
        Error::invalid("lr", problem)
    }
}

/// A part of the corpus that ends with a sentence, and who learns from it.
struct Shard {
    worker: Worker,
    start: u64,
    end: u64,
    at: u64,
}

impl Shard {
    /// Learns from about `round` numbers; how many it were.
    fn learn(&mut self, course: &Course<'_>, read: u64, threads: u64, round: u64) -> Result<u64> {
        let (begin, mut block) = (self.at, Vec::new());
        while self.at < self.end && self.at - begin < round {
            let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
            course.corpus.read(self.at, course.piece().min(left), &mut block)?;
            // The others are about as far.
            let lr = course.lr(read + (self.at - begin) * threads);
            self.worker.learn(course.plan, &block, lr);
            self.at += block.len() as u64;
        }
        Ok(self.at - begin)
    }
}

fn in_parallel<T: Send>(
    shards: &mut [Shard],
    learn: impl Fn(&mut Shard) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    std::thread::scope(|scope| {
        let (first, others) = shards.split_at_mut(1);
        let learn = &learn;
        let others: Vec<_> =
            others.iter_mut().map(|shard| scope.spawn(move || learn(shard))).collect();
        let mut done: Vec<T> = first.iter_mut().map(learn).collect::<Result<_>>()?;
        for other in others {
            let internal = |_| Err(Error::new(crate::error::ErrorKind::Internal));
            done.push(other.join().unwrap_or_else(internal)?);
        }
        Ok(done)
    })
}

/// Adds what each of two replicas changed to `base`, and gives it to both: half of every matrix by each of two
/// threads.
fn merge(base: &mut Matrices, shards: &mut [Shard]) {
    let [first, second] = shards else { return };
    let (mut here, mut there) = (Vec::new(), Vec::new());
    let [first, second] = [first, second].map(|shard| shard.worker.matrices.each_mut());
    for ((base, first), second) in base.each_mut().into_iter().zip(first).zip(second) {
        let stride = base.stride();
        let half = base.len() / 2 * stride;
        let halves = [base, first, second].map(|rows| rows.floats_mut().split_at_mut(half));
        let [a, b, c] = halves;
        here.push(([a.0, b.0, c.0], stride));
        there.push(([a.1, b.1, c.1], stride));
    }
    std::thread::scope(|scope| {
        scope.spawn(move || there.into_iter().for_each(merge_rows));
        here.into_iter().for_each(merge_rows);
    });
}

/// Merges rows of so many floats: those of the base, and those of its replicas.
fn merge_rows(([base, first, second], stride): ([&mut [f32]; 3], usize)) {
    let rows = base.chunks_exact_mut(stride).zip(first.chunks_exact_mut(stride));
    for ((base, first), second) in rows.zip(second.chunks_exact_mut(stride)) {
        // Many rows belong to words that a round did not meet: what is not written costs half.
        if is_same(base, first) && is_same(base, second) {
            continue;
        }
        for ((base, first), second) in base.iter_mut().zip(first).zip(second) {
            let sum = *base + ((*first - *base) + (*second - *base));
            (*base, *first, *second) = (sum, sum, sum);
        }
    }
}

fn is_same(a: &[f32], b: &[f32]) -> bool {
    // A whole cache line is compared without a branch.
    let differ = |(a, b): (&[f32; LINE], &[f32; LINE])| {
        a.iter().zip(b).fold(0, |odd, (a, b)| odd | (a.to_bits() ^ b.to_bits()))
    };
    a.as_chunks().0.iter().zip(b.as_chunks().0).all(|lines| differ(lines) == 0)
}
