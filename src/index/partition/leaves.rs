//! `Leaves`: the centers that a question is compared with, and the rows of each leaf.

use crate::index::codes::{Codes, QueryCode};
use crate::index::pages::Pages;
use crate::vector::kernel::blocks::{self, GROUP, Group, Query, ROWS};
use crate::vector::kernel::nibbles::{BLOCK, Form, block_bytes};

/// What a center's byte of 0 is.
const ZERO: f32 = 128.0;
const CENTER_MAX: f32 = 127.0;
/// What rows of a leaf may add to its center's similarity, at a time: so many standard deviations of a
/// random direction's cosine. Measured on `GloVe` 6B 100d: leaves in that order are half as many at a
/// recall of 0.99 as in that of their centers alone.
const SPREADS: f32 = 3.0;

/// A leaf's slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// The first; a multiple of [`BLOCK`].
    pub(super) first: u32,
    /// How many rows it has.
    pub(super) rows: u32,
}

impl Leaf {
    /// Its blocks.
    pub(super) fn blocks(self) -> usize {
        (self.rows as usize).div_ceil(BLOCK)
    }
}

/// All leaves.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "leaves have no other name")]
pub(super) struct Leaves {
    /// Their centers.
    pub(super) centers: Centers,
    /// Their slots, one leaf behind the other.
    pub(super) leaves: Vec<Leaf>,
    /// For each slot its row; [`NONE`](crate::index::links::NONE) in those that fill up a block.
    pub(super) slots: Vec<u32>,
    /// For each slot its codes.
    pub(super) nibbles: Pages,
    /// How they lie.
    pub(super) form: Form,
}

impl Leaves {
    /// The codes of a leaf.
    #[inline]
    pub(super) fn codes(&self, leaf: Leaf, subspaces: usize) -> &[u8] {
        let bytes = block_bytes(subspaces);
        &self.nibbles[leaf.first as usize / BLOCK * bytes..][..leaf.blocks() * bytes]
    }

    /// The rows of a leaf.
    pub(super) fn rows(&self, leaf: u32) -> &[u32] {
        let Leaf { first, rows } = self.leaves[leaf as usize];
        &self.slots[first as usize..][..rows as usize]
    }

    /// The leaf of a slot.
    pub(super) fn leaf_of(&self, slot: u32) -> usize {
        self.leaves.partition_point(|leaf| leaf.first <= slot).saturating_sub(1)
    }

    /// Bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.centers.memory_bytes()
            + size_of_val(&self.leaves[..])
            + size_of_val(&self.slots[..])
            + self.nibbles.len()
    }
}

/// The mean direction of each leaf's rows.
#[derive(Debug)]
pub(super) struct Centers {
    /// As they are kept.
    pub(super) means: Vec<f32>,
    /// As bytes, 64 side by side, so many groups each.
    blocks: Vec<Group>,
    width: usize,
    step: f32,
    /// How much more similar than its center a leaf's rows may be; not at all where there are none.
    pub(super) spreads: Vec<f32>,
}

impl Centers {
    /// Centers of these means, turned as the codes are.
    pub(super) fn new(codes: &Codes, means: Vec<f32>, leaves: &[Leaf]) -> Self {
        let dim = codes.rotation().dim();
        let count = leaves.len();
        let largest = means.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let step = largest.max(f32::MIN_POSITIVE) / CENTER_MAX;
        let width = codes.tile_len() / GROUP;
        let mut blocks = vec![Group::of(128); count.div_ceil(ROWS) * width];
        let mut spreads = vec![f32::NEG_INFINITY; count.next_multiple_of(ROWS)];
        let deviation = SPREADS / (dim as f32).sqrt();
        for (number, (mean, leaf)) in means.chunks_exact(dim).zip(leaves).enumerate() {
            let bytes = codes.lay(mean.iter().map(|value| byte(value / step)), 128);
            let block = &mut blocks[number / ROWS * width..][..width];
            blocks::set(block, number % ROWS, bytes.as_chunks().0.iter().copied());
            let length: f32 = mean.iter().map(|value| value * value).sum();
            if leaf.rows > 0 {
                spreads[number] = deviation * (1.0 - length).max(0.0).sqrt();
            }
        }
        Self { means, blocks, width, step, spreads }
    }

    /// Compares questions, as bytes laid out as rows are, with every center: what is likely the similarity
    /// of the best of the leaf's rows, beside each question; the largest of those are told.
    pub(super) fn compare<const Q: usize>(
        &self,
        asked: [(Asking<'_>, &mut Vec<f32>); Q],
    ) -> [f32; Q] {
        let queries = asked.each_ref().map(|(asking, _)| (asking.query, asking.step * self.step));
        let scores = asked.map(|(_, scores)| {
            scores.resize(self.spreads.len(), 0.0);
            &mut scores[..]
        });
        blocks::scores((&self.blocks, self.width), &queries, &self.spreads, LEAST, scores)
    }

    fn memory_bytes(&self) -> usize {
        size_of_val(&self.means[..]) + size_of_val(&self.blocks[..])
    }
}

/// Less than any similarity.
pub(super) const LEAST: f32 = -10.0;

/// A question as the centers see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking<'a> {
    query: Query<'a>,
    step: f32,
}

impl<'a> Asking<'a> {
    /// A question of these bytes.
    pub(super) fn new(code: &QueryCode, groups: &'a [[i8; GROUP]]) -> Self {
        let sum: i32 = groups.as_flattened().iter().map(|&byte| i32::from(byte)).sum();
        Self { query: Query { groups, start: -128 * sum }, step: code.step() }
    }

    /// Compares it with rows side by side, `width` groups for each 64: the similarity for each unit of a row's
    /// step, beside what a row has extra.
    pub(super) fn compare(
        self,
        (blocks, width): (&[Group], usize),
        extras: &[f32],
        scores: &mut [f32],
    ) {
        blocks::scores((blocks, width), &[(self.query, self.step)], extras, LEAST, [scores]);
    }
}

/// The byte of so many steps.
fn byte(steps: f32) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 1 to 255, cut toward 0"
    )]
    let byte = (steps + ZERO + 0.5) as u8;
    byte
}
