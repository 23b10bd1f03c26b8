//! Some cases of a batch: how likely the network finds their words, and what it should change.

use std::ops::{Deref, Range};

use crate::lm::neural::batch::Batch;
use crate::lm::neural::net::{Cases, row_of};
use crate::lm::neural::shape::{Shape, zeros};
use crate::lm::neural::shard::Shard;
use crate::vector::kernel::dense::{self, Kind, LANES, Left, Line};
use crate::vector::random::SplitMix64;

/// Cases that a thread works on.
pub(super) struct Part {
    shape: Shape,
    kind: Kind,
    cases: Cases,
    /// How many there are.
    pub(super) count: usize,
    /// The output rows of the candidates of a batch that has not all words.
    gathered: Vec<f32>,
    /// For each candidate, with a column for each case, its logit; then by how much it is too likely.
    pub(super) logits: Vec<Line>,
    most: Vec<Line>,
    sums: Vec<Line>,
    /// By how much hidden units follow what they are made of.
    slopes: Vec<Line>,
    /// What the output sees, then what it wants of it to be less; a column for each case.
    pub(super) seen_gradients: Vec<Line>,
    input_gradients: Vec<Line>,
    /// With a row for each case: the projection and 1; what the output sees; what the projection is to be less.
    pub(super) projection: Vec<Line>,
    pub(super) seen: Vec<Line>,
    pub(super) vectors: Vec<f32>,
    /// The sum of the cases' losses.
    pub(super) loss: f64,
}

impl Part {
    pub(super) fn new(shape: Shape, kind: Kind, cases: usize) -> Self {
        Self {
            shape,
            kind,
            cases: Cases::new(shape, cases),
            count: 0,
            gathered: Vec::new(),
            logits: Vec::new(),
            most: zeros(1, cases),
            sums: zeros(1, cases),
            slopes: zeros(shape.hidden, cases),
            seen_gradients: zeros(shape.output_row(), cases),
            input_gradients: zeros(shape.input(), cases),
            projection: zeros(cases, shape.hidden_row()),
            seen: zeros(cases, shape.output_row()),
            vectors: vec![0.0; cases * shape.input()],
            loss: 0.0,
        }
    }

    /// Floats of a row that has a column for each case.
    pub(super) fn stride(&self) -> usize {
        self.cases.width * LANES
    }

    /// The gradients of hidden units, from one on.
    pub(super) fn hidden_gradients(&self, first: usize) -> &[Line] {
        &self.seen_gradients[(self.shape.bias_at() + 1 + first) * self.cases.width..]
    }

    /// Forward and back.
    pub(super) fn learn(
        &mut self,
        batch: &Batch,
        range: Range<usize>,
        shards: &[impl Deref<Target = Shard>],
        dropout: (f32, SplitMix64),
    ) {
        self.count = range.len();
        self.loss = 0.0;
        if range.is_empty() {
            return;
        }
        self.project(batch, range.clone(), shards);
        for shard in shards {
            self.cases.add_hidden(self.kind, shard.first_hidden, &shard.hidden.values);
        }
        self.drop_out(dropout);
        self.by_case();
        self.compare(batch, range, shards);
        self.go_back(batch, shards);
    }

    fn project(
        &mut self,
        batch: &Batch,
        range: Range<usize>,
        shards: &[impl Deref<Target = Shard>],
    ) {
        let (context, dim) = (self.shape.context(), self.shape.dim);
        let contexts = &batch.contexts[range.start * context..range.end * context];
        for (case, words) in contexts.chunks_exact(context).enumerate() {
            let row = row_of(&mut self.projection, self.shape.hidden_row(), case);
            for (at, &word) in words.iter().enumerate() {
                let vector =
                    shards[word as usize % shards.len()].vector(word, self.shape, shards.len());
                self.cases.place(case, at, Some(vector));
                row[at * dim..][..dim].copy_from_slice(vector);
            }
            row[self.shape.input()] = 1.0;
        }
    }

    /// Leaves some hidden units out of each case, and makes the others as much larger.
    fn drop_out(&mut self, (share, mut random): (f32, SplitMix64)) {
        /// Bits of a random number that decide about one unit.
        const BITS: usize = 16;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^16")]
        let limit = (share * (1_u32 << BITS) as f32) as u64;
        let factor = 1.0 / (1.0 - share);
        let units = self.cases.hidden_mut().iter_mut().zip(&mut self.slopes);
        for (units, slopes) in units {
            let mut bits = [0; LANES / 4];
            if limit > 0 {
                bits = bits.map(|_: u64| random.next());
            }
            for (lane, (unit, slope)) in units.iter_mut().zip(slopes).enumerate() {
                let drawn = bits[lane / 4] >> (BITS * (lane % 4)) & ((1 << BITS) - 1);
                let kept = if drawn < limit { 0.0 } else { factor };
                *slope = (1.0 - *unit * *unit) * kept;
                *unit *= kept;
            }
        }
    }

    /// Lays what the output sees out by cases.
    fn by_case(&mut self) {
        let row = self.shape.output_row();
        let stride = self.stride();
        let seen = self.cases.seen().as_flattened();
        for case in 0..self.count {
            let own = row_of(&mut self.seen, row, case);
            for (value, lanes) in own.iter_mut().zip(seen.chunks_exact(stride)) {
                *value = lanes[case];
            }
        }
    }

    /// Finds how likely each candidate is, and by how much that is too likely.
    fn compare(
        &mut self,
        batch: &Batch,
        range: Range<usize>,
        shards: &[impl Deref<Target = Shard>],
    ) {
        let (width, row, kind) = (self.cases.width, self.shape.output_row(), self.kind);
        self.logits.clear();
        if batch.offsets.is_empty() {
            self.logits.resize(batch.candidates.len() * width, [0.0; LANES]);
            for (at, shard) in shards.iter().enumerate() {
                let own = batch.of_shard(at);
                let left =
                    Left { values: &shard.output.values, rows: own.len(), by_row: row, by_term: 1 };
                let logits = &mut self.logits[own.start * width..own.end * width];
                dense::add_product(kind, left, self.cases.seen(), width, logits);
            }
        } else {
            let offsets =
                batch.offsets.iter().flat_map(|&offset| std::iter::repeat_n(offset, width));
            self.logits.extend(offsets.map(|offset| [offset; LANES]));
            self.gathered.clear();
            for &word in &batch.candidates {
                let shard = &shards[word as usize % shards.len()];
                let from = word as usize / shards.len() * row;
                self.gathered.extend_from_slice(&shard.output.values[from..from + row]);
            }
            let rows = batch.candidates.len();
            let left = Left { values: &self.gathered, rows, by_row: row, by_term: 1 };
            dense::add_product(kind, left, self.cases.seen(), width, &mut self.logits);
        }
        let (stride, targets) = (self.stride(), &batch.targets[range]);
        let of = |case: usize, target: u32| target as usize * stride + case;
        let lanes = self.logits.as_flattened();
        let own: Vec<f32> =
            targets.iter().enumerate().map(|(case, &t)| lanes[of(case, t)]).collect();
        dense::exponentials(kind, &mut self.logits, width, &mut self.most, &mut self.sums);
        // The mean of the whole batch is what is made less.
        let share = 1.0 / batch.targets.len() as f32;
        let (most, sums) = (self.most.as_flattened(), self.sums.as_flattened_mut());
        for (case, (sum, most)) in sums.iter_mut().zip(most).enumerate() {
            match own.get(case) {
                Some(own) => {
                    self.loss += f64::from(most + sum.ln() - own);
                    *sum = share / *sum;
                }
                // No case: it changes nothing.
                None => *sum = 0.0,
            }
        }
        dense::scale(kind, &mut self.logits, width, &self.sums);
        let lanes = self.logits.as_flattened_mut();
        for (case, &target) in targets.iter().enumerate() {
            lanes[of(case, target)] -= share;
        }
    }

    /// Finds what the layers below are to change.
    fn go_back(&mut self, batch: &Batch, shards: &[impl Deref<Target = Shard>]) {
        let (width, row, kind) = (self.cases.width, self.shape.output_row(), self.kind);
        self.seen_gradients.fill([0.0; LANES]);
        // What lies side by side for the layer above is a sum for the one below.
        let turned = |values, rows, by_term| Left { values, rows, by_row: 1, by_term };
        if batch.offsets.is_empty() {
            for (at, shard) in shards.iter().enumerate() {
                let own = batch.of_shard(at);
                let logits = &self.logits[own.start * width..own.end * width];
                let left = turned(&shard.output.values, row, row);
                dense::add_product(kind, left, logits, width, &mut self.seen_gradients);
            }
        } else {
            let left = turned(&self.gathered, row, row);
            dense::add_product(kind, left, &self.logits, width, &mut self.seen_gradients);
        }
        let (input, hidden_at) = (self.shape.input(), (self.shape.bias_at() + 1) * width);
        let (below, hidden) = self.seen_gradients.split_at_mut(hidden_at);
        for (gradients, slopes) in hidden.iter_mut().zip(&self.slopes) {
            gradients.iter_mut().zip(slopes).for_each(|(gradient, slope)| *gradient *= slope);
        }
        self.input_gradients.fill([0.0; LANES]);
        if self.shape.direct {
            self.input_gradients.copy_from_slice(&below[..input * width]);
        }
        for shard in shards {
            let units = shard.hidden.values.len() / self.shape.hidden_row();
            let left = turned(&shard.hidden.values, input, self.shape.hidden_row());
            let gradients = &hidden[shard.first_hidden * width..][..units * width];
            dense::add_product(kind, left, gradients, width, &mut self.input_gradients);
        }
        let stride = self.stride();
        let lanes = self.input_gradients.as_flattened();
        for case in 0..self.count {
            let own = &mut self.vectors[case * input..][..input];
            for (value, lanes) in own.iter_mut().zip(lanes.chunks_exact(stride)) {
                *value = lanes[case];
            }
        }
    }
}
