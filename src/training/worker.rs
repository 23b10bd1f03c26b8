//! `Worker`: a thread's vectors, and what it learns from a piece of the corpus.

use super::draws::{Draws, TOGETHER, high};
use super::ids::END;
use super::kernel::{Chances, Line, OUTPUTS, Step, WIDE};
use super::matrices::Matrices;
use super::plan::{Goal, Plan};
use super::rows::{Pointers, Row, Rows};
use super::settings::{Model, Reach};
use super::standing::Chance;
use crate::error::Result;
use crate::limits;
use crate::vector::random::SplitMix64;

/// Words of a sentence that are looked at together; longer ones are cut, as in word2vec.
const SENTENCE: usize = 1_000;
/// Inner nodes of a tree that every window meets sooner or later.
const CACHED: usize = 512;
/// Inputs that take turns in one step: each is multiplied by all before it.
const IN_TURN: usize = 12;
/// Every so many windows one is measured: a logarithm for each would cost more than learning.
const MEASURED: u32 = 128;

/// The vectors of a thread, and its random numbers.
pub(super) struct Worker {
    pub(super) matrices: Matrices,
    /// A mean, the same before it was changed, and a change.
    hidden: Rows,
    errors: Vec<Line>,
    exps: Vec<f32>,
    sentence: Vec<u32>,
    random: SplitMix64,
    draws: Draws,
    pub(super) meter: Meter,
}

/// The mean loss of the windows that were measured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meter {
    sum: f64,
    count: u64,
    windows: u32,
}

impl Meter {
    /// The mean loss of a prediction since this was last asked; none if nothing was measured. NaN if
    /// learning diverged.
    pub(super) fn take(&mut self) -> (f64, u64) {
        let taken = (self.sum, self.count);
        (self.sum, self.count) = (0.0, 0);
        taken
    }

    /// Whether the next window is measured.
    fn looks(&mut self) -> bool {
        self.windows = self.windows.wrapping_add(1);
        self.windows % MEASURED == 1
    }

    /// Adds the losses of errors, each `lr` times label less probability: the negative logarithms of
    /// the probabilities that the labels have.
    fn add(&mut self, errors: &[f32], lr: f32) {
        for &error in errors {
            let chance = f64::from(1.0 - (error / lr).abs());
            // Not `max`, which would make a number of NaN.
            self.sum -= if chance < 1e-9 { 1e-9 } else { chance }.ln();
        }
    }
}

impl Worker {
    /// A worker over these vectors; `stream` tells the random numbers of threads apart.
    pub(super) fn new(plan: &Plan, matrices: Matrices, stream: u64) -> Result<Self> {
        let settings = &plan.settings;
        let mut random = SplitMix64(settings.seed);
        random = SplitMix64(random.next() ^ stream.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let draws = Draws::new(&mut random);
        let exps = match plan.goal {
            Goal::Softmax => vec![0.0; matrices.outputs.len()],
            Goal::Negative(..) | Goal::Hierarchical(_) => Vec::new(),
        };
        let hidden = Rows::new(3, settings.dim)?;
        let errors = vec![Line::default(); 2 * limits::TRAIN_WINDOW_MAX.min(settings.window)];
        let (sentence, meter) = (Vec::new(), Meter::default());
        Ok(Self { matrices, hidden, errors, exps, sentence, random, draws, meter })
    }

    /// What is drawn next.
    pub(super) fn chance(&self) -> Chance {
        let Draws { lanes, drawn, at } = &self.draws;
        let (random, windows) = (self.random.0, self.meter.windows);
        Chance { random, lanes: *lanes, drawn: drawn.to_vec(), at: *at, windows }
    }

    /// Goes on with what was drawn next elsewhere.
    pub(super) fn go_on(&mut self, chance: &Chance) {
        self.random = SplitMix64(chance.random);
        self.meter.windows = chance.windows;
        self.draws.lanes = chance.lanes;
        self.draws.at = chance.at;
        for (drawn, &word) in self.draws.drawn.iter_mut().zip(&chance.drawn) {
            *drawn = word;
        }
    }

    /// Learns from numbers of a corpus.
    pub(super) fn learn(&mut self, plan: &Plan, ids: &[u32], lr: f32) {
        let hidden = self.hidden.pointers();
        let mut pass = Pass {
            plan,
            inputs: self.matrices.inputs.pointers(),
            outputs: self.matrices.outputs.pointers(),
            places: self.matrices.places.pointers(),
            hidden: [hidden.row(0), hidden.row(1), hidden.row(2)],
            errors: &mut self.errors,
            exps: &mut self.exps,
            draws: &mut self.draws,
            meter: &mut self.meter,
            lr,
        };
        let mut rest = ids;
        while !rest.is_empty() {
            rest = thin(rest, &plan.kept, &mut self.random, &mut self.sentence);
            if self.sentence.len() < 2 {
                continue;
            }
            match (plan.settings.model, &plan.parts) {
                (Model::SkipGram, None) => pass.windows(&self.sentence, &mut self.random),
                _ => pass.means(&self.sentence, &mut self.random),
            }
        }
    }
}

/// Takes a sentence of words that are kept from the front of `ids`. Words are left out before windows
/// are cut, which so reach farther.
fn thin<'i>(
    ids: &'i [u32],
    kept: &[u32],
    random: &mut SplitMix64,
    sentence: &mut Vec<u32>,
) -> &'i [u32] {
    sentence.resize(SENTENCE, 0);
    let (mut length, mut read) = (0, 0);
    // Written first and counted then: there is no branch to be guessed wrong.
    while let Some(&id) = ids.get(read) {
        read += 1;
        if id == END {
            break;
        }
        sentence[length] = id;
        length += usize::from(high(random.next()) <= kept[id as usize]);
        if length == SENTENCE {
            break;
        }
    }
    sentence.truncate(length);
    &ids[read..]
}

/// The outputs that come with a word: itself and what is drawn against it.
#[derive(Clone, Copy)]
struct Block<'a> {
    target: u32,
    rows: [Row<'a>; OUTPUTS],
}

/// The rows whose mean is an input.
#[derive(Default)]
struct Bag<'a> {
    rows: Vec<Row<'a>>,
    /// In place of them where places have weights: each with its weights.
    weighed: Vec<[Row<'a>; 2]>,
    /// Those that learn, if some are frozen.
    learns: Vec<Row<'a>>,
    is_frozen: bool,
}

impl<'a> Bag<'a> {
    fn clear(&mut self) {
        self.rows.clear();
        self.weighed.clear();
        self.learns.clear();
    }

    #[inline]
    fn add(&mut self, row: Row<'a>, place: Option<Row<'a>>) {
        match place {
            Some(weights) => self.weighed.push([row, weights]),
            None => self.rows.push(row),
        }
    }
}

/// What learning from one piece works with.
struct Pass<'a> {
    plan: &'a Plan,
    inputs: Pointers<'a>,
    outputs: Pointers<'a>,
    places: Pointers<'a>,
    hidden: [Row<'a>; 3],
    errors: &'a mut [Line],
    exps: &'a mut [f32],
    draws: &'a mut Draws,
    meter: &'a mut Meter,
    lr: f32,
}

/// Labels of a word and what was drawn against it, for two inputs.
const FIRST: Line = Line([1.0, 0., 0., 0., 0., 0., 0., 0., 1.0, 0., 0., 0., 0., 0., 0., 0.]);
/// Labels of what was drawn.
const NONE: Line = Line([0.0; 16]);

impl<'a> Pass<'a> {
    /// Skip-gram over a sentence: all words of a window predict its middle together.
    fn windows(&mut self, sentence: &[u32], random: &mut SplitMix64) {
        let window = self.plan.settings.window;
        let last = sentence.len() - 1;
        // The sentence's rows without the middle of the window: a window is one slice of them.
        let mut rows: Vec<Row<'_>> = sentence[1..].iter().map(|&id| self.inputs.row(id)).collect();
        rows.push(self.inputs.row(sentence[0]));
        let mut middle = self.inputs.row(sentence[0]);
        let mut block = self.prepare(sentence[0]);
        for at in 0..sentence.len() {
            let reach = self.reach(random);
            let (first, end) = (at.saturating_sub(reach), (at + reach).min(last));
            let now = block;
            if let Some(&next) = sentence.get(at + 1) {
                block = self.prepare(next);
                self.prefetch(sentence.get(at + window + 1));
            }
            self.predict(&rows[first..end], &now);
            if let Some(frozen) = &self.plan.frozen {
                for &id in &sentence[first..=end] {
                    if let Some(vector) = frozen.vector(id) {
                        restore(self.inputs.row(id), vector);
                    }
                }
            }
            // The middle comes back in the place of the next one.
            std::mem::swap(&mut rows[at], &mut middle);
        }
    }

    /// Models whose input is a mean of rows: CBOW, and words with sub-words.
    fn means(&mut self, sentence: &[u32], random: &mut SplitMix64) {
        let last = sentence.len() - 1;
        let is_cbow = self.plan.settings.model == Model::Cbow;
        let mut bag = Bag::default();
        let mut block = self.prepare(sentence[0]);
        for (at, &word) in sentence.iter().enumerate() {
            let reach = self.reach(random);
            let around = at.saturating_sub(reach)..=(at + reach).min(last);
            let others = around.clone().filter(|&other| other != at).map(|other| sentence[other]);
            bag.clear();
            if is_cbow {
                for other in around.clone().filter(|&other| other != at) {
                    self.add_parts(sentence[other], self.place(at, other), &mut bag);
                }
                let now = block;
                if let Some(&next) = sentence.get(at + 1) {
                    block = self.prepare(next);
                    self.prefetch(sentence.get(at + self.plan.settings.window + 1));
                }
                self.predict_by_mean(&bag, &now);
            } else {
                self.add_parts(word, None, &mut bag);
                let count = around.end() - around.start();
                let next = sentence.get(at + 1);
                self.predict_all_by_mean(&bag, (others.clone(), count), next);
            }
            if let (Some(frozen), None) = (&self.plan.frozen, &self.plan.parts) {
                let inputs = others.chain((!is_cbow).then_some(word));
                for id in inputs {
                    if let Some(vector) = frozen.vector(id) {
                        restore(self.inputs.row(id), vector);
                    }
                }
            }
        }
    }

    /// Words to either side that the next window has.
    #[inline]
    fn reach(&self, random: &mut SplitMix64) -> usize {
        let window = self.plan.settings.window;
        match self.plan.settings.reach {
            Reach::Drawn => 1 + random.index_below(window),
            Reach::Whole => window,
        }
    }

    /// Asks for the rows of a word that will be needed soon.
    #[inline]
    fn prefetch(&self, word: Option<&u32>) {
        let Some(&word) = word else { return };
        let lines = self.plan.kernels.lines();
        match &self.plan.parts {
            Some(parts) => {
                for &row in parts.of(word) {
                    self.inputs.row(row).prefetch(lines);
                }
            }
            None => self.inputs.row(word).prefetch(lines),
        }
        match &self.plan.goal {
            Goal::Negative(..) => self.outputs.row(word).prefetch(lines),
            Goal::Hierarchical(tree) => tree.prefetch(word as usize),
            Goal::Softmax => {}
        }
    }

    /// The weights of a place in the window around another, if places have weights.
    #[inline]
    fn place(&self, middle: usize, other: usize) -> Option<Row<'a>> {
        if self.places.len() == 0 {
            return None;
        }
        let before = self.plan.settings.window + other;
        // No row stands for the middle.
        let place = before - middle - usize::from(other > middle);
        u32::try_from(place).ok().map(|place| self.places.row(place))
    }

    /// Adds the rows of a word, which stands at a place that may have weights.
    #[inline]
    fn add_parts(&self, word: u32, place: Option<Row<'a>>, bag: &mut Bag<'a>) {
        let Some(parts) = &self.plan.parts else {
            bag.add(self.inputs.row(word), place);
            return;
        };
        for &row in parts.of(word) {
            bag.add(self.inputs.row(row), place);
        }
        // Others share its n-grams: only its own row learns where words are frozen, if it is not.
        if let Some(frozen) = &self.plan.frozen {
            bag.is_frozen = true;
            if frozen.vector(word).is_none() {
                bag.learns.push(self.inputs.row(word));
            }
        }
    }

    /// Draws what a word is told from and asks for the rows, which are needed one window later.
    #[inline]
    fn prepare(&mut self, target: u32) -> Block<'a> {
        let lines = self.plan.kernels.lines();
        let Goal::Negative(table, count) = &self.plan.goal else {
            if let Goal::Hierarchical(tree) = &self.plan.goal {
                // The nodes near the root, which were made last, are in the cache.
                let far = tree.words().saturating_sub(CACHED);
                for &node in tree.path(target as usize).nodes {
                    if (node as usize) < far {
                        self.outputs.row(node).prefetch(lines);
                    }
                }
            }
            // A word's number may be behind the inner nodes of a tree; row 0 is only filling.
            return Block { target, rows: [self.outputs.row(0); OUTPUTS] };
        };
        let mut rows = [self.outputs.row(target); OUTPUTS];
        let count = (*count).min(TOGETHER);
        let mut words = [target; OUTPUTS];
        self.draws.differing(&self.plan.kernels, table, &mut words, count);
        for (row, &word) in rows[1..=count].iter_mut().zip(&words[1..]) {
            *row = self.outputs.row(word);
            row.prefetch(lines);
        }
        Block { target, rows }
    }

    /// The mean of some rows predicts some words, one after the other; what it learns each of the rows learns.
    /// Meanwhile the rows of the next input are asked for, some at a time: memory takes as long to give them as
    /// the processor to learn.
    fn predict_all_by_mean(
        &mut self,
        bag: &Bag<'a>,
        (mut words, count): (impl Iterator<Item = u32>, usize),
        next: Option<&u32>,
    ) {
        let [mean, before, _] = self.hidden;
        let kernels = &self.plan.kernels;
        let parts =
            self.plan.parts.as_ref().zip(next).map_or(&[][..], |(parts, &word)| parts.of(word));
        let mut parts = parts.chunks(parts.len().div_ceil(count.max(1)).max(1));
        if bag.is_frozen {
            for word in words {
                let block = self.prepare(word);
                self.predict_by_mean(bag, &block);
            }
            return;
        }
        let Some(first) = words.next() else { return };
        let mut block = self.prepare(first);
        // SAFETY: the rows of inputs have the length that the plan's kernels are for, as `hidden` has.
        unsafe { kernels.mean(&bag.rows, [mean, before]) };
        // Where all rows learn what their mean does, it moves as they do: they are read and written once for
        // all words. A row that stands there twice moves the mean twice, and does so in the end only.
        loop {
            let next = words.next().map(|word| self.prepare(word));
            for &row in parts.next().unwrap_or_default() {
                self.inputs.row(row).prefetch(kernels.lines());
            }
            self.predict(&[mean], &block);
            let Some(next) = next else { break };
            block = next;
        }
        // SAFETY: as above.
        unsafe { kernels.spread(&bag.rows, [mean, before]) };
    }

    /// The mean of some rows predicts a word; what it learns each of them learns.
    fn predict_by_mean(&mut self, bag: &Bag<'a>, block: &Block<'a>) {
        let [mean, before, _] = self.hidden;
        let (kernels, means) = (&self.plan.kernels, [mean, before]);
        if !bag.weighed.is_empty() {
            // SAFETY: all rows have the length that the plan's kernels are for, and weights are of another
            // matrix than inputs.
            unsafe { kernels.weighed_mean(&bag.weighed, means) };
            self.predict(&[mean], block);
            // SAFETY: as above.
            unsafe { kernels.weighed_spread(&bag.weighed, means) };
            return;
        }
        if bag.rows.is_empty() {
            return;
        }
        // SAFETY: the rows of inputs have the length that the plan's kernels are for, as `hidden` has.
        unsafe { kernels.mean(&bag.rows, means) };
        self.predict(&[mean], block);
        let learns = if bag.is_frozen { &bag.learns } else { &bag.rows };
        // SAFETY: as above.
        unsafe { kernels.spread(learns, means) };
    }

    /// Some inputs predict a word, each for itself.
    #[inline]
    fn predict(&mut self, inputs: &[Row<'a>], block: &Block<'a>) {
        if inputs.is_empty() {
            return;
        }
        let measured = self.meter.looks();
        if measured {
            self.meter.count += inputs.len() as u64;
        }
        let plan = self.plan;
        match &plan.goal {
            Goal::Negative(table, count) => {
                let mut left = *count;
                let now = left.min(TOGETHER);
                self.step(inputs, &block.rows[..=now], &FIRST, measured);
                left -= now;
                while left > 0 {
                    let now = left.min(TOGETHER);
                    let mut words = [block.target; OUTPUTS];
                    self.draws.differing(&plan.kernels, table, &mut words, now);
                    let rows = words.map(|word| {
                        let row = if (word as usize) < table.len() { word } else { 0 };
                        self.outputs.row(row)
                    });
                    self.step(inputs, &rows[1..=now], &NONE, measured);
                    left -= now;
                }
            }
            Goal::Hierarchical(tree) => {
                let path = tree.path(block.target as usize);
                // As few steps as registers allow, all of about one length. Nodes near the root are in every
                // window, and words learn less where its inputs do not learn one after the other.
                let steps = path.nodes.len().div_ceil(plan.kernels.most_in_turn());
                let length = path.nodes.len().div_ceil(steps);
                for (nodes, lefts) in path.nodes.chunks(length).zip(path.lefts.chunks(length)) {
                    let mut rows = [block.rows[0]; WIDE];
                    let mut labels = NONE;
                    for (i, (&node, &left)) in nodes.iter().zip(lefts).enumerate() {
                        rows[i] = self.outputs.row(node);
                        labels.0[i] = f32::from(left);
                    }
                    for inputs in inputs.chunks(IN_TURN) {
                        self.step_in_turn(inputs, &rows[..nodes.len()], &labels, measured);
                    }
                }
            }
            Goal::Softmax => self.softmax(inputs, block.target, measured),
        }
    }

    /// One step of a kernel.
    #[inline]
    fn step(&mut self, inputs: &[Row<'a>], outputs: &[Row<'a>], labels: &Line, measured: bool) {
        let lr = self.lr;
        let mut step = Step { inputs, outputs, labels, lr, errors: self.errors };
        // SAFETY: rows of inputs, outputs and `hidden` have the length that the plan's kernels are for;
        // the outputs are nodes of one path or words that differ, and inputs are of another matrix.
        unsafe { self.plan.kernels.step(&mut step) };
        if measured {
            for input in 0..inputs.len() {
                let errors = &self.errors[input / 2].0[input % 2 * OUTPUTS..][..outputs.len()];
                self.meter.add(errors, lr);
            }
        }
    }

    /// One step of a kernel in which inputs take turns.
    #[inline]
    fn step_in_turn(
        &mut self,
        inputs: &[Row<'a>],
        outputs: &[Row<'a>],
        labels: &Line,
        measured: bool,
    ) {
        let lr = self.lr;
        let mut step = Step { inputs, outputs, labels, lr, errors: self.errors };
        // SAFETY: as of `step`.
        unsafe { self.plan.kernels.step_in_turn(&mut step) };
        if measured {
            for line in &self.errors[..inputs.len()] {
                self.meter.add(&line.0[..outputs.len()], lr);
            }
        }
    }

    fn softmax(&mut self, inputs: &[Row<'a>], target: u32, measured: bool) {
        for &input in inputs {
            let [.., change] = self.hidden;
            let (outputs, lr, exps) = (self.outputs, self.lr, &mut *self.exps);
            let mut step = Chances { input, change, outputs, target, lr, exps };
            // SAFETY: all rows have the length that the plan's kernels are for; outputs are another matrix
            // than inputs and `hidden`.
            let loss = unsafe { self.plan.kernels.softmax(&mut step) };
            if measured {
                self.meter.sum += f64::from(loss);
            }
        }
    }
}

/// Gives a frozen word its vector back.
fn restore(row: Row<'_>, vector: &[f32]) {
    // SAFETY: the row has the vector's components, and nobody else has a reference to them.
    unsafe { std::ptr::copy_nonoverlapping(vector.as_ptr(), row.at(0), vector.len()) };
}
