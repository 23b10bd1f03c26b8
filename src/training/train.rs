//! Training by word2vec's models: epochs over a corpus, by one thread or by replicas.

use super::corpus::Corpus;
use super::plan::{Frozen, Goal, Plan};
use super::progress::{Go, Progress, Watch};
use super::rows::Rows;
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
/// The learning rate at the end, as a share of the first.
const LR_END: f32 = 1e-4;

/// The vector that a word has already, if it has one.
pub type Known<'a> = &'a dyn Fn(&[u8]) -> Option<&'a [f32]>;

/// Whether a word's vector stays as it is.
pub type IsFrozen<'a> = &'a dyn Fn(&[u8]) -> bool;

/// Where training begins.
#[derive(Clone, Copy, Default)]
pub struct Start<'a> {
    /// Vectors that words have already, of the settings' dimension; other words begin at random.
    pub vector: Option<Known<'a>>,
    /// The output vectors of words, for negative sampling and full softmax; others begin at 0.
    pub output: Option<Known<'a>>,
    /// The vectors of buckets, by their numbers.
    pub bucket: Option<&'a dyn Fn(u32) -> Option<&'a [f32]>>,
    /// Words whose vectors stay as they are.
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
    inputs: Rows,
    outputs: Rows,
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
        Vectors { plan: &self.plan, inputs: &self.inputs }.vector(word)
    }

    /// The rows of the words, and behind them those of the buckets.
    pub fn inputs(&self) -> &Rows {
        &self.inputs
    }

    /// The output matrix: a row a word, or one for each inner node of the tree.
    pub fn outputs(&self) -> &Rows {
        &self.outputs
    }

    /// The row of a bucket, if sub-words were trained.
    pub fn bucket(&self, bucket: u32) -> Option<&[f32]> {
        let Ngrams { buckets, .. } = self.plan.settings.ngrams?;
        (bucket < buckets).then(|| self.inputs.row(self.words + bucket as usize))
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
    let (position, inputs, outputs) = if let Some(saved) = start.saved {
        resumed(corpus, &plan, saved)?
    } else {
        let (inputs, outputs) = begin(corpus, &plan, start)?;
        (Position::first(), inputs, outputs)
    };
    if let Some(is_frozen) = start.frozen {
        if plan.parts.is_some() {
            let problem = "words with sub-words cannot be frozen: others share their n-grams";
            return Err(Error::invalid("frozen", problem));
        }
        plan.frozen = Frozen::new(corpus, &inputs, is_frozen)?;
    }
    let mut course = Course::new(corpus, &plan, &position);
    let (inputs, outputs) = match settings.threads {
        1 => course.alone((inputs, outputs), &position, watch)?,
        threads => course.together((inputs, outputs), threads, &position, watch)?,
    };
    let losses = std::mem::take(&mut course.losses);
    Ok(Trained { plan, words, inputs, outputs, losses })
}

/// Rows of the output matrix.
fn output_rows(plan: &Plan, words: usize) -> usize {
    match plan.goal {
        Goal::Hierarchical(_) => words - 1,
        Goal::Negative(..) | Goal::Softmax => words,
    }
}

/// Where a training stood, and its vectors.
fn resumed(corpus: &Corpus, plan: &Plan, saved: Saved<'_>) -> Result<(Position, Rows, Rows)> {
    let (settings, words) = (&plan.settings, corpus.words().len());
    let position = saved.position(settings.epochs, words, settings.threads)?;
    let is_within = position.at.iter().all(|&at| at <= corpus.len());
    if !is_within || position.at.len() != settings.threads {
        return Err(saved.senseless());
    }
    let inputs = saved.rows(0, settings.input_rows(words), settings.dim)?;
    let outputs = saved.rows(1, output_rows(plan, words), settings.dim)?;
    Ok((position, inputs, outputs))
}

/// The first vectors.
fn begin(corpus: &Corpus, plan: &Plan, start: Start<'_>) -> Result<(Rows, Rows)> {
    let (settings, words) = (&plan.settings, corpus.words().len());
    let mut inputs = Rows::new(settings.input_rows(words), settings.dim)?;
    let is_tree = matches!(plan.goal, Goal::Hierarchical(_));
    let mut outputs = Rows::new(output_rows(plan, words), settings.dim)?;
    // Every row draws its numbers, so that those of a word do not depend on what others begin with.
    inputs.randomize(0, SplitMix64(settings.seed).next());
    let take = |rows: &mut Rows, row: usize, vector: Option<&[f32]>| match vector {
        Some(vector) if vector.len() != settings.dim => {
            let problem =
                format!("{}, and vectors to begin with have {}", settings.dim, vector.len());
            Err(Error::invalid("dim", problem))
        }
        Some(vector) => {
            rows.row_mut(row).copy_from_slice(vector);
            Ok(())
        }
        None => Ok(()),
    };
    for word in 0..words {
        let bytes = corpus.words().word(RowId(u32::try_from(word).unwrap_or(u32::MAX)));
        take(&mut inputs, word, start.vector.and_then(|vector| vector(bytes)))?;
        if !is_tree {
            take(&mut outputs, word, start.output.and_then(|vector| vector(bytes)))?;
        }
    }
    if let (Some(bucket), Some(ngrams)) = (start.bucket, settings.ngrams) {
        for number in 0..ngrams.buckets {
            take(&mut inputs, words + number as usize, bucket(number))?;
        }
    }
    Ok((inputs, outputs))
}

/// A training on its way.
struct Course<'a> {
    corpus: &'a Corpus,
    plan: &'a Plan,
    losses: Vec<f64>,
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
        Self { corpus, plan, losses, read, epoch, loss: (f64::from_bits(sum), count) }
    }

    fn alone(
        &mut self,
        (inputs, outputs): (Rows, Rows),
        position: &Position,
        watch: &mut Watch<'_>,
    ) -> Result<(Rows, Rows)> {
        let plan = self.plan;
        let mut worker = Worker::new(plan, inputs, outputs, 0)?;
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
                if self.read / CHECKED != before / CHECKED && !is_finite(&worker) {
                    taken = (f64::NAN, 1);
                }
                let here = [(&worker, at)];
                if self.report(taken, &here, [&worker.inputs, &worker.outputs], watch)?
                    == Go::Enough
                {
                    self.end_epoch(is_finite(&worker))?;
                    return Ok((worker.inputs, worker.outputs));
                }
            }
            at = 0;
            self.end_epoch(is_finite(&worker))?;
        }
        Ok((worker.inputs, worker.outputs))
    }

    /// A replica a thread; now and then each gets the changes of all. The sum of the changes keeps what all
    /// learned, which their mean does not.
    fn together(
        &mut self,
        (mut inputs, mut outputs): (Rows, Rows),
        threads: usize,
        position: &Position,
        watch: &mut Watch<'_>,
    ) -> Result<(Rows, Rows)> {
        let mut shards = self.shards((&inputs, &outputs), threads, position)?;
        let round = (inputs.len() as u64 * 2).clamp(10_000, 100_000);
        while self.epoch <= self.plan.settings.epochs {
            while shards.iter().any(|shard| shard.at < shard.end) {
                let before = self.read;
                let read = in_parallel(&mut shards, |shard| {
                    shard.learn(self, before, threads as u64, round)
                })?;
                self.read += read.iter().sum::<u64>();
                merge(&mut inputs, &mut shards, |worker| &mut worker.inputs);
                merge(&mut outputs, &mut shards, |worker| &mut worker.outputs);
                let mut taken = (0.0, 0);
                for shard in &mut shards {
                    let (sum, count) = shard.worker.meter.take();
                    taken = (taken.0 + sum, taken.1 + count);
                }
                let here: Vec<_> = shards.iter().map(|shard| (&shard.worker, shard.at)).collect();
                if self.report(taken, &here, [&inputs, &outputs], watch)? == Go::Enough {
                    self.end_epoch(inputs.is_finite() && outputs.is_finite())?;
                    return Ok((inputs, outputs));
                }
            }
            for shard in &mut shards {
                shard.at = shard.start;
            }
            self.end_epoch(inputs.is_finite() && outputs.is_finite())?;
        }
        Ok((inputs, outputs))
    }

    /// The parts of the corpus, each with a replica.
    fn shards(
        &self,
        (inputs, outputs): (&Rows, &Rows),
        threads: usize,
        position: &Position,
    ) -> Result<Vec<Shard>> {
        let (corpus, threads) = (self.corpus, threads as u64);
        let bound = |thread| corpus.sentence_from(corpus.len() / threads * thread);
        let shard = |thread: u64| {
            let end = if thread + 1 == threads { corpus.len() } else { bound(thread + 1)? };
            let mut worker = Worker::new(self.plan, copy(inputs)?, copy(outputs)?, thread)?;
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
        matrices: [&Rows; 2],
        watch: &mut Watch<'_>,
    ) -> Result<Go> {
        if sum.is_nan() {
            return Err(self.diverged());
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
            vectors: &|word| Vectors { plan: self.plan, inputs: matrices[0] }.vector(word),
            matrices: &matrices,
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
        self.losses.push(if count == 0 { 0.0 } else { sum / count as f64 });
        self.epoch += 1;
        if is_finite { Ok(()) } else { Err(self.diverged()) }
    }

    fn diverged(&self) -> Error {
        let Settings { lr, threads, .. } = self.plan.settings;
        let other = if threads > 1 { ", or train with one thread" } else { "" };
        let problem = format!(
            "with {lr} the vectors became infinite or NaN, and nothing is kept of them: take a lower \
             learning rate{other}"
        );
        Error::invalid("lr", problem)
    }
}

fn is_finite(worker: &Worker) -> bool {
    worker.inputs.is_finite() && worker.outputs.is_finite()
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

fn copy(rows: &Rows) -> Result<Rows> {
    let mut copy = Rows::new(rows.len(), rows.dim())?;
    copy.floats_mut().copy_from_slice(rows.floats());
    Ok(copy)
}

/// Adds what each replica changed to `base`, and gives it to all, half of the rows by each of two threads.
fn merge(base: &mut Rows, shards: &mut [Shard], of: impl Fn(&mut Worker) -> &mut Rows) {
    let part = base.floats().len().div_ceil(shards.len().max(1)).max(1);
    let mut parts: Vec<(&mut [f32], Vec<&mut [f32]>)> =
        base.floats_mut().chunks_mut(part).map(|base| (base, Vec::new())).collect();
    for shard in shards {
        let replica = of(&mut shard.worker).floats_mut().chunks_mut(part);
        parts.iter_mut().zip(replica).for_each(|((_, all), part)| all.push(part));
    }
    std::thread::scope(|scope| {
        for (base, replicas) in parts {
            scope.spawn(move || merge_part(base, replicas));
        }
    });
}

fn merge_part(base: &mut [f32], mut replicas: Vec<&mut [f32]>) {
    if let [first, second] = &mut replicas[..] {
        for ((base, first), second) in base.iter_mut().zip(first.iter_mut()).zip(second.iter_mut())
        {
            let sum = *base + ((*first - *base) + (*second - *base));
            (*base, *first, *second) = (sum, sum, sum);
        }
    }
}
