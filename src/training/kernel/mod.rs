//! The loops in which training spends its time, for processors with AVX-512, with AVX2, and in plain
//! Rust: written once, over what a processor's registers can do (`isa.rs`).
//!
//! A kernel of words2vec's models takes all inputs of a window and a block of outputs at once: every
//! error comes from the vectors before the window, as in pWord2Vec (Ji et al. 2016), so each
//! vector is read once for its products and once for its change.
#![expect(clippy::inline_always, reason = "who inlines them has the processor's features")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod generic;
mod isa;
mod plain;

use serde::{Deserialize, Serialize};

use super::rows::{LINE, Pointers, Row};

/// The most outputs that a kernel takes at once.
pub(super) const OUTPUTS: usize = 8;
/// The most outputs of a step in which inputs take turns, where registers suffice.
pub(super) const WIDE: usize = 2 * OUTPUTS;
/// Numbers that are drawn at once.
pub(super) const DRAWN: usize = 512;

/// The kinds of kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Registers of 512 bits (AVX-512 F, DQ, VL).
    Avx512,
    /// Registers of 256 bits (AVX2 and FMA).
    Avx2,
    /// What the compiler makes of plain Rust.
    Plain,
}

impl Kind {
    /// Those that this machine has, the best first.
    pub fn all() -> Vec<Self> {
        #[allow(unused_mut, reason = "only this processor family has others")]
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if avx512::Avx512::new().is_some() {
                all.push(Self::Avx512);
            }
            if avx2::Avx2::new().is_some() {
                all.push(Self::Avx2);
            }
        }
        all.push(Self::Plain);
        all
    }
}

/// A cache line of floats.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Line(pub(super) [f32; LINE]);

/// What a kernel learns in one step: how probable each output is for each input.
pub(super) struct Step<'a> {
    /// Rows of one length; the same one may stand there twice.
    pub(super) inputs: &'a [Row<'a>],
    /// Rows of that length, all different: [`OUTPUTS`] of them at most, or of inputs in turn
    /// [`Kernels::most_in_turn`].
    pub(super) outputs: &'a [Row<'a>],
    /// 1 or 0 for each output; a second time behind the first [`OUTPUTS`], but of inputs in turn.
    pub(super) labels: &'a Line,
    pub(super) lr: f32,
    /// What comes out: for each input [`OUTPUTS`] numbers, `lr` times label less probability. There is
    /// one line for two inputs, and for each of inputs in turn.
    pub(super) errors: &'a mut [Line],
}

type StepKernel = unsafe fn(&mut Step<'_>, usize);
type Mean = unsafe fn(&[Row<'_>], [Row<'_>; 2], usize);
type Weighed = unsafe fn(&[[Row<'_>; 2]], [Row<'_>; 2], usize);
type Softmax = unsafe fn(&mut Chances<'_>, usize) -> f32;
type Fill = unsafe fn(&[u64], &mut [[u64; 8]; 2], &mut [u32; DRAWN]);

/// What full softmax learns in one step.
pub(super) struct Chances<'a> {
    pub(super) input: Row<'a>,
    /// As many floats, which are overwritten.
    pub(super) change: Row<'a>,
    pub(super) outputs: Pointers<'a>,
    /// The output whose chance is to grow.
    pub(super) target: u32,
    pub(super) lr: f32,
    /// One for each output, overwritten by the power of its product.
    pub(super) exps: &'a mut [f32],
}

/// What GloVe learns in one go: the logarithms of how often words stand together.
pub(super) struct Cells<'a> {
    /// Two words, how often they stand together, and how much that weighs.
    pub(super) learned: &'a [Cell],
    /// A row a word, each of four times as many cache lines as the kernels are for: its vector, the squares
    /// of that one's changes, its context vector, the squares of that one's.
    pub(super) rows: Pointers<'a>,
    pub(super) lr: f32,
}

/// How often two words stand together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) words: [u32; 2],
    /// The logarithm.
    pub(super) log: f32,
    pub(super) weight: f32,
}

type CellsKernel = unsafe fn(&mut Cells<'_>, usize) -> f64;

/// The kernels of a kind for vectors of one length.
#[derive(Clone, Copy)]
pub(super) struct Kernels {
    lines: usize,
    steps: [StepKernel; OUTPUTS],
    turns: [StepKernel; WIDE],
    most: usize,
    mean: Mean,
    spread: Mean,
    weighed_mean: Weighed,
    weighed_spread: Weighed,
    softmax: Softmax,
    fill: Fill,
    cells: CellsKernel,
}

impl Kernels {
    /// For vectors of so many components. A kind that the machine does not have becomes plain.
    pub(super) fn new(kind: Kind, dim: usize) -> Self {
        let lines = dim.div_ceil(LINE);
        let plain = || plain::kernels(plain::Plain, lines);
        match kind {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => {
                avx512::Avx512::new().map_or_else(plain, |isa| avx512::kernels(isa, lines))
            }
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => avx2::Avx2::new().map_or_else(plain, |isa| avx2::kernels(isa, lines)),
            #[cfg(not(target_arch = "x86_64"))]
            Kind::Avx512 | Kind::Avx2 => plain(),
            Kind::Plain => plain(),
        }
    }

    /// Cache lines of a row.
    pub(super) fn lines(&self) -> usize {
        self.lines
    }

    /// The most outputs of a step in which inputs take turns.
    pub(super) fn most_in_turn(&self) -> usize {
        self.most
    }

    /// Learns one step.
    ///
    /// # Safety
    ///
    /// The rows have the length that the kernels are for, the outputs are all different, and no input is
    /// an output.
    #[inline]
    pub(super) unsafe fn step(&self, step: &mut Step<'_>) {
        let outputs = step.outputs.len();
        assert!((1..=OUTPUTS).contains(&outputs), "a step has 1 to 8 outputs");
        assert!(step.errors.len() * 2 >= step.inputs.len(), "there is room for the errors");
        // SAFETY: the caller promises what the kernel asks for, which is for this machine.
        unsafe { self.steps[outputs - 1](step, self.lines) }
    }

    /// Learns one step as if every input had one of its own, in turn: each learns from what those before it left of
    /// the outputs. There is a line of errors for each input.
    ///
    /// # Safety
    ///
    /// As of [`Kernels::step`].
    #[inline]
    pub(super) unsafe fn step_in_turn(&self, step: &mut Step<'_>) {
        let outputs = step.outputs.len();
        assert!((1..=self.most).contains(&outputs), "a step has as many outputs as registers hold");
        assert!(step.errors.len() >= step.inputs.len(), "there is room for the errors");
        // SAFETY: the caller promises what the kernel asks for, which is for this machine.
        unsafe { self.turns[outputs - 1](step, self.lines) }
    }

    /// Writes the mean of some rows, at least one, into two others.
    ///
    /// # Safety
    ///
    /// The rows have the length that the kernels are for.
    #[inline]
    pub(super) unsafe fn mean(&self, rows: &[Row<'_>], means: [Row<'_>; 2]) {
        // SAFETY: the caller promises what the kernel asks for, which is for this machine.
        unsafe { (self.mean)(rows, means, self.lines) }
    }

    /// Adds to each of some rows the first less the second of two others.
    ///
    /// # Safety
    ///
    /// As of [`Kernels::mean`].
    #[inline]
    pub(super) unsafe fn spread(&self, rows: &[Row<'_>], means: [Row<'_>; 2]) {
        // SAFETY: the caller promises what the kernel asks for, which is for this machine.
        unsafe { (self.spread)(rows, means, self.lines) }
    }

    /// Writes the mean of some rows, at least one, each times the row of weights beside it, into two others.
    ///
    /// # Safety
    ///
    /// The rows have the length that the kernels are for.
    #[inline]
    pub(super) unsafe fn weighed_mean(&self, rows: &[[Row<'_>; 2]], means: [Row<'_>; 2]) {
        // SAFETY: the caller promises what the kernel asks for, which is for this machine.
        unsafe { (self.weighed_mean)(rows, means, self.lines) }
    }

    /// Adds the first less the second of two others to each of some rows, times its weights, and to the
    /// weights, times the row and a share of the rows.
    ///
    /// # Safety
    ///
    /// As of [`Kernels::weighed_mean`]; and no row is a row of weights.
    #[inline]
    pub(super) unsafe fn weighed_spread(&self, rows: &[[Row<'_>; 2]], means: [Row<'_>; 2]) {
        // SAFETY: the caller promises what the kernel asks for, which is for this machine.
        unsafe { (self.weighed_spread)(rows, means, self.lines) }
    }

    /// Learns one step of full softmax, and tells its cross-entropy before.
    ///
    /// # Safety
    ///
    /// The rows have the length that the kernels are for, and the input and the change are no outputs.
    #[inline]
    pub(super) unsafe fn softmax(&self, chances: &mut Chances<'_>) -> f32 {
        assert_eq!(chances.exps.len(), chances.outputs.len(), "each output has a chance");
        // SAFETY: the caller promises what the kernel asks for, which is for this machine.
        unsafe { (self.softmax)(chances, self.lines) }
    }

    /// Learns cells both ways, and tells the sum of their losses before.
    pub(super) fn cells(&self, cells: &mut Cells<'_>) -> f64 {
        let lines = cells.rows.stride() / LINE;
        assert_eq!(lines, self.lines * 4, "a row has four parts of the kernels' length");
        // SAFETY: the kernel is for this machine, and the rows have the length that it asks for.
        unsafe { (self.cells)(cells, self.lines) }
    }

    /// Draws from an alias table, which is not empty.
    pub(super) fn fill(&self, table: &[u64], lanes: &mut [[u64; 8]; 2], drawn: &mut [u32; DRAWN]) {
        assert!(!table.is_empty(), "nothing can be drawn from an empty table");
        // SAFETY: the kernel is for this machine, and the table is not empty.
        unsafe { (self.fill)(table, lanes, drawn) }
    }
}

/// The kernels of a kind, each compiled with the features that it may use.
macro_rules! kernels {
    ($isa:ty, $fill:path $(, $features:literal)?) => {
        use crate::training::kernel::{Cells, Chances, DRAWN, Kernels, Step, StepKernel, WIDE, generic};
        use crate::training::kernel::generic::{Any, Fixed, Length};
        use crate::training::rows::Row;

        /// The kernels for rows of so many cache lines.
        pub(super) fn kernels(_proof: $isa, lines: usize) -> Kernels {
            // The usual dimensions (100, 200, 300) have loops whose ends the compiler knows.
            match lines {
                7 => of::<Fixed<7>>(lines),
                13 => of::<Fixed<13>>(lines),
                19 => of::<Fixed<19>>(lines),
                _ => of::<Any>(lines),
            }
        }

        fn of<L: Length>(lines: usize) -> Kernels {
            let steps = [
                step::<L, 1>, step::<L, 2>, step::<L, 3>, step::<L, 4>,
                step::<L, 5>, step::<L, 6>, step::<L, 7>, step::<L, 8>,
            ];
            let few: [StepKernel; OUTPUTS] = [
                step_in_turn::<L, 1>, step_in_turn::<L, 2>, step_in_turn::<L, 3>, step_in_turn::<L, 4>,
                step_in_turn::<L, 5>, step_in_turn::<L, 6>, step_in_turn::<L, 7>, step_in_turn::<L, 8>,
            ];
            // The sums of more outputs have no room in fewer registers.
            let is_wide = <$isa as Isa>::REGISTERS > WIDE;
            let many: [StepKernel; OUTPUTS] = if is_wide {
                [
                    step_in_turn::<L, 9>, step_in_turn::<L, 10>, step_in_turn::<L, 11>, step_in_turn::<L, 12>,
                    step_in_turn::<L, 13>, step_in_turn::<L, 14>, step_in_turn::<L, 15>, step_in_turn::<L, 16>,
                ]
            } else {
                few
            };
            let mut turns = [few[0]; WIDE];
            turns[..OUTPUTS].copy_from_slice(&few);
            turns[OUTPUTS..].copy_from_slice(&many);
            let most = if is_wide { WIDE } else { OUTPUTS };
            let cells = cells::<L>;
            Kernels { lines, steps, turns, most, mean, spread, weighed_mean, weighed_spread, softmax, fill, cells }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn step<L: Length, const T: usize>(step: &mut Step<'_>, lines: usize) {
            // SAFETY: the caller promises the same.
            unsafe { generic::step::<_, L, T>(<$isa>::PROVED, step, lines) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn step_in_turn<L: Length, const T: usize>(step: &mut Step<'_>, lines: usize) {
            // SAFETY: the caller promises the same.
            unsafe { generic::step_in_turn::<_, L, T>(<$isa>::PROVED, step, lines) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn mean(rows: &[Row<'_>], means: [Row<'_>; 2], lines: usize) {
            // SAFETY: the caller promises the same.
            unsafe { generic::mean(<$isa>::PROVED, rows, means, lines) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn spread(rows: &[Row<'_>], means: [Row<'_>; 2], lines: usize) {
            // SAFETY: the caller promises the same.
            unsafe { generic::spread(<$isa>::PROVED, rows, means, lines) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn weighed_mean(rows: &[[Row<'_>; 2]], means: [Row<'_>; 2], lines: usize) {
            // SAFETY: the caller promises the same.
            unsafe { generic::weighed_mean(<$isa>::PROVED, rows, means, lines) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn weighed_spread(rows: &[[Row<'_>; 2]], means: [Row<'_>; 2], lines: usize) {
            // SAFETY: the caller promises the same.
            unsafe { generic::weighed_spread(<$isa>::PROVED, rows, means, lines) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn softmax(chances: &mut Chances<'_>, lines: usize) -> f32 {
            // SAFETY: the caller promises the same.
            unsafe { generic::softmax(<$isa>::PROVED, chances, lines) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn cells<L: Length>(cells: &mut Cells<'_>, lines: usize) -> f64 {
            // SAFETY: the caller promises the same.
            unsafe { generic::cells::<_, L>(<$isa>::PROVED, cells, lines) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn fill(table: &[u64], lanes: &mut [[u64; 8]; 2], drawn: &mut [u32; DRAWN]) {
            $fill(table, lanes, drawn);
        }
    };
}
use kernels;

#[cfg(test)]
mod tests;
