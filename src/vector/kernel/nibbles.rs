//! Rows as codes of four bits, and the sums that they choose from tables: one instruction looks up 32 or
//! 64 codes ("fast scan": Andre, Kermarrec and Le Scouarnec 2015; Guo et al. 2020).
//!
//! A slot has one code for each of some subspaces, and a table of 16 entries for each subspace says what
//! a code is worth to a question. Slots lie side by side in blocks of 32, in one of two forms:
//!
//! ```text
//! Pairs: a line for every two subspaces          | slot 0 | slot 1 | ... | slot 31 |
//!        one byte a slot: the first subspace's code in the low half, the second one's in the high half
//! Fours: a line for every 16 slots and eight subspaces   | slot 0: 4 bytes | ... | slot 15: 4 bytes |
//!        byte j: subspace j's code in the low half, subspace j + 4's in the high half
//! ```
//!
//! `Pairs` is the form that is stored, and that AVX2 and plain Rust read; `Fours` suits AVX-512, where one
//! instruction looks up 64 bytes in a table of 64. Sums are of integers, so they are the same everywhere.

#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Slots that lie side by side.
pub const BLOCK: usize = 32;
/// Entries of a table: as many as a code has values.
pub const ENTRIES: usize = 16;
/// The largest entry.
pub const ENTRY_MAX: u8 = 127;
/// The number of subspaces is a multiple of this.
pub const SUBSPACES_STEP: usize = 8;
/// The most subspaces: sums of so many entries fit in 16 bits.
pub const SUBSPACES_MAX: usize = 256;

/// What the codes of one subspace are worth.
pub type Entries = [u8; ENTRIES];

/// How codes lie in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// See the module.
    Pairs,
    /// See the module.
    Fours,
}

impl Form {
    /// What suits this machine.
    pub fn suited() -> Self {
        #[cfg(target_arch = "x86_64")]
        if avx512::can_look_up() {
            return Self::Fours;
        }
        Self::Pairs
    }

    /// The byte of a block where a slot's code lies, and by how many bits it is shifted.
    fn place(self, subspaces: usize, slot: usize, subspace: usize) -> (usize, usize) {
        match self {
            Self::Pairs => (subspace / 2 * BLOCK + slot, subspace % 2 * 4),
            Self::Fours => {
                let (tile, group) = (slot / 16 * subspaces * 8, subspace / 8 * 64);
                (tile + group + slot % 16 * 4 + subspace % 4, subspace % 8 / 4 * 4)
            }
        }
    }

    /// Writes a slot's codes, each below 16, into a block whose bytes of that slot are zeros; slots are
    /// counted from 0.
    pub fn set(self, block: &mut [u8], slot: usize, codes: &[u8]) {
        for (subspace, &code) in codes.iter().enumerate() {
            let (byte, shift) = self.place(codes.len(), slot, subspace);
            if let Some(byte) = block.get_mut(byte) {
                *byte |= (code & 15) << shift;
            }
        }
    }

    /// A slot's codes.
    pub fn get(self, block: &[u8], slot: usize, codes: &mut [u8]) {
        let subspaces = codes.len();
        for (subspace, code) in codes.iter_mut().enumerate() {
            let (byte, shift) = self.place(subspaces, slot, subspace);
            *code = block.get(byte).map_or(0, |byte| byte >> shift & 15);
        }
    }
}

/// Bytes of a block.
pub fn block_bytes(subspaces: usize) -> usize {
    BLOCK / 2 * subspaces
}

/// Slots whose sums are above a threshold, in the order found.
#[derive(Clone, Debug, Default)]
pub struct Hits {
    pub(super) scores: Vec<i32>,
    pub(super) slots: Vec<u32>,
    pub(super) len: usize,
}

/// Kernels write so many places at once, of which they then count those that are hits.
pub(super) const SLACK: usize = 16;

impl Hits {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Their sums and slots.
    pub fn parts(&self) -> (&[i32], &[u32]) {
        (&self.scores[..self.len], &self.slots[..self.len])
    }

    /// Keeps those behind the first `from` that `keep` says, of a sum and a slot.
    pub fn retain(&mut self, from: usize, mut keep: impl FnMut(i32, u32) -> bool) {
        let mut to = from;
        for at in from..self.len {
            let (score, slot) = (self.scores[at], self.slots[at]);
            if keep(score, slot) {
                (self.scores[to], self.slots[to]) = (score, slot);
                to += 1;
            }
        }
        self.len = to.min(self.len);
    }

    /// Makes room for so many more.
    fn reserve(&mut self, count: usize) {
        let wanted = self.len + count + SLACK;
        if self.scores.len() < wanted {
            let wanted = wanted.next_power_of_two();
            self.scores.resize(wanted, 0);
            self.slots.resize(wanted, 0);
        }
    }

    #[inline]
    pub(super) fn push(&mut self, score: i32, slot: u32) {
        self.scores[self.len] = score;
        self.slots[self.len] = slot;
        self.len += 1;
    }

    /// Bytes of memory it takes.
    pub fn memory_bytes(&self) -> usize {
        (self.scores.capacity() + self.slots.capacity()) * size_of::<u32>()
    }
}

/// Slots to be summed up.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// How their codes lie.
    pub form: Form,
    /// Whole blocks.
    pub blocks: &'a [u8],
    /// Slots that count; the blocks have no fewer.
    pub count: usize,
    /// The number of the first.
    pub first: u32,
    /// What will be read next, to be fetched on the way; nothing is if there is nothing.
    pub next: &'a [u8],
}

/// Adds to the hits the slots whose sum of entries and `base` is above `threshold`.
///
/// A multiple of [`SUBSPACES_STEP`] tables, at most [`SUBSPACES_MAX`], with entries up to [`ENTRY_MAX`].
pub fn look_up(run: Run<'_>, tables: &[Entries], base: i32, threshold: i32, hits: &mut Hits) {
    let bytes = block_bytes(tables.len());
    let whole = run.blocks.len().checked_div(bytes).unwrap_or(0) * BLOCK;
    // What was read already is there: to fetch it again costs less than to fetch from nowhere.
    let next = if run.next.is_empty() { run.blocks } else { run.next };
    let run = Run { count: run.count.min(whole), next, ..run };
    hits.reserve(whole);
    match run.form {
        #[cfg(target_arch = "x86_64")]
        Form::Fours if avx512::can_look_up() => {
            // SAFETY: the processor has what the kernel asks for.
            unsafe { avx512::look_up(run, tables, base, threshold, hits) }
        }
        #[cfg(target_arch = "x86_64")]
        Form::Pairs if is_x86_feature_detected!("avx2") => {
            // SAFETY: the processor has AVX2, which is all that the kernel asks for.
            unsafe { avx2::look_up(run, tables, base, threshold, hits) }
        }
        Form::Pairs | Form::Fours => plain_look_up(run, tables, base, threshold, hits),
    }
}

/// [`look_up`] in plain Rust.
pub(super) fn plain_look_up(
    run: Run<'_>,
    tables: &[Entries],
    base: i32,
    threshold: i32,
    hits: &mut Hits,
) {
    let bytes = block_bytes(tables.len()).max(1);
    let mut codes = vec![0; tables.len()];
    for (first, block) in (0..run.count).step_by(BLOCK).zip(run.blocks.chunks_exact(bytes)) {
        for slot in first..run.count.min(first + BLOCK) {
            run.form.get(block, slot - first, &mut codes);
            let entries = tables.iter().zip(&codes);
            let sum: i32 = entries.map(|(table, &code)| i32::from(table[usize::from(code)])).sum();
            if base.saturating_add(sum) > threshold {
                let slot = u32::try_from(slot).unwrap_or(u32::MAX);
                hits.push(base.saturating_add(sum), run.first.saturating_add(slot));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::random::SplitMix64;

    type Kernel = fn(Run<'_>, &[Entries], i32, i32, &mut Hits);

    fn by_plain(run: Run<'_>, tables: &[Entries], base: i32, least: i32, hits: &mut Hits) {
        hits.reserve(run.count);
        plain_look_up(run, tables, base, least, hits);
    }

    #[test]
    fn every_form_and_kernel_finds_the_same_sums() {
        let mut random = SplitMix64(5);
        for (subspaces, count) in [(8, 1), (8, 32), (48, 33), (48, 170), (56, 64), (256, 97)] {
            let blocks = usize::div_ceil(count, BLOCK);
            let mut byte = |below: usize| random.index_below(below).to_le_bytes()[0];
            let tables: Vec<Entries> = (0..subspaces)
                .map(|i| std::array::from_fn(|_| if i % 9 == 0 { ENTRY_MAX } else { byte(128) }))
                .collect();
            let codes: Vec<Vec<u8>> =
                (0..count).map(|_| (0..subspaces).map(|_| byte(16)).collect()).collect();
            let laid = [Form::Pairs, Form::Fours].map(|form| {
                let mut laid = vec![0; blocks * block_bytes(subspaces)];
                for (slot, codes) in codes.iter().enumerate() {
                    let block = &mut laid[slot / BLOCK * block_bytes(subspaces)..];
                    form.set(block, slot % BLOCK, codes);
                    let mut again = vec![0; subspaces];
                    form.get(block, slot % BLOCK, &mut again);
                    assert_eq!(&again, codes);
                }
                (form, laid)
            });
            let sum = |codes: &Vec<u8>| -> i32 {
                let entries = tables.iter().zip(codes);
                entries.map(|(table, &code)| i32::from(table[usize::from(code)])).sum()
            };
            let mut sums: Vec<i32> = codes.iter().map(sum).collect();
            let all: Vec<(i32, u32)> = sums.iter().map(|sum| sum - 900).zip(7..).collect();
            sums.sort_unstable();
            let middle = sums[count / 2] - 900;
            for threshold in [i32::MIN, -40_000, middle - 1, middle, 40_000, i32::MAX] {
                let expected: Vec<_> =
                    all.iter().copied().filter(|&(sum, _)| sum > threshold).collect();
                for (form, laid) in &laid {
                    let run = Run { form: *form, blocks: laid, count, first: 7, next: &[] };
                    for kernel in [look_up as Kernel, by_plain] {
                        let mut hits = Hits::default();
                        kernel(run, &tables, -900, threshold, &mut hits);
                        let (scores, slots) = hits.parts();
                        let mut found: Vec<_> =
                            scores.iter().copied().zip(slots.iter().copied()).collect();
                        found.sort_unstable_by_key(|&(_, slot)| slot);
                        assert_eq!(found, expected, "{form:?} {subspaces} {count} {threshold}");
                    }
                }
            }
        }
    }

    #[test]
    fn hits_that_are_not_wanted_go() {
        let mut hits = Hits::default();
        hits.reserve(6);
        (0..6).for_each(|slot| hits.push(10 - slot, slot.cast_unsigned()));
        hits.retain(2, |score, slot| score % 2 == 0 && slot != 2);
        assert_eq!(hits.parts(), (&[10, 9, 6][..], &[0, 1, 4][..]));
        hits.clear();
        assert!(hits.is_empty());
    }
}
