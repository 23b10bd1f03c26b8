//! The kernels over any registers.

use super::isa::Isa;
use super::{Cell, Cells, Chances, LINE, Line, OUTPUTS, Step};
use crate::training::rows::Row;

/// How long rows are: known to the compiler, or not.
pub(super) trait Length {
    /// The cache lines of a row.
    fn lines(given: usize) -> usize;
}

/// As many as this.
pub(super) struct Fixed<const LINES: usize>;
/// As many as are given.
pub(super) struct Any;

impl<const LINES: usize> Length for Fixed<LINES> {
    #[inline(always)]
    fn lines(_: usize) -> usize {
        LINES
    }
}

impl Length for Any {
    #[inline(always)]
    fn lines(given: usize) -> usize {
        given
    }
}

/// See `Kernels::step`.
///
/// # Safety
///
/// The rows have so many cache lines; the step has at least `T` outputs, all different; no input is an
/// output.
#[inline(always)]
pub(super) unsafe fn step<I: Isa, L: Length, const T: usize>(
    isa: I,
    step: &mut Step<'_>,
    lines: usize,
) {
    let floats = L::lines(lines) * LINE;
    let mut outputs = [step.outputs[0]; T];
    outputs.copy_from_slice(&step.outputs[..T]);
    for (inputs, errors) in step.inputs.chunks(2).zip(step.errors.iter_mut()) {
        let sums = match *inputs {
            // Two inputs at once read each output once, if there are registers for their sums.
            [first, second] if T * 2 + 3 <= I::REGISTERS => {
                // SAFETY: the caller promises the rows' length.
                unsafe { products::<I, T, 2>(isa, [first, second], outputs, floats) }
            }
            [first, second] => {
                // SAFETY: as above.
                let [sums, _] = unsafe { products::<I, T, 1>(isa, [first], outputs, floats) };
                // SAFETY: as above.
                let [others, _] = unsafe { products::<I, T, 1>(isa, [second], outputs, floats) };
                [sums, others]
            }
            // SAFETY: as above.
            [one] => unsafe { products::<I, T, 1>(isa, [one], outputs, floats) },
            _ => [[isa.splat(0.0); OUTPUTS]; 2],
        };
        isa.errors(&sums, step.labels, step.lr, errors);
    }
    let mut at = 0;
    while at < floats {
        // Columns one behind the other: unrolled, their outputs do not fit into the registers.
        std::hint::black_box(());
        // SAFETY: the caller promises the rows' length, and different outputs.
        unsafe { change::<I, T, false>(isa, step, outputs, at) };
        at += I::WIDTH;
    }
}

/// See `Kernels::step_in_turn`.
///
/// # Safety
///
/// As of [`step`].
#[inline(always)]
pub(super) unsafe fn step_in_turn<I: Isa, L: Length, const T: usize>(
    isa: I,
    step: &mut Step<'_>,
    lines: usize,
) {
    let floats = L::lines(lines) * LINE;
    let mut outputs = [step.outputs[0]; T];
    outputs.copy_from_slice(&step.outputs[..T]);
    for (j, &input) in step.inputs.iter().enumerate() {
        let (before, now) = step.errors.split_at_mut(j);
        let Some(errors) = now.first_mut() else { return };
        // Kept in registers, which the errors' memory is not.
        let mut line = Line::default();
        // SAFETY: the caller promises the rows' length.
        let sums = unsafe { products::<I, T, 1>(isa, [input], outputs, floats) };
        isa.totals(&sums, &mut line);
        // The outputs will have learned from the inputs before: their products grow by that much.
        for (other, errors) in step.inputs.iter().zip(before.iter()) {
            // SAFETY: as above.
            let product = unsafe { product(isa, [input, *other], floats) };
            for (total, error) in line.0.iter_mut().zip(errors.0) {
                *total += product * error;
            }
        }
        isa.finish(&mut line, step.labels, step.lr);
        *errors = line;
    }
    let mut at = 0;
    while at < floats {
        // As in `step`.
        std::hint::black_box(());
        // SAFETY: the caller promises the rows' length, and different outputs.
        unsafe { change::<I, T, true>(isa, step, outputs, at) };
        at += I::WIDTH;
    }
}

/// The product of two rows.
///
/// # Safety
///
/// The rows have so many floats.
#[inline(always)]
unsafe fn product<I: Isa>(isa: I, rows: [Row<'_>; 2], floats: usize) -> f32 {
    let mut sum = isa.splat(0.0);
    let mut at = 0;
    while at < floats {
        // SAFETY: the rows have a register's floats there.
        let (a, b) = unsafe { both(isa, rows.map(|row| row.at(at))) };
        sum = isa.fma(a, b, sum);
        at += I::WIDTH;
    }
    isa.sum(sum)
}

/// The products of `P` inputs and `T` outputs, in as many parts as a register has: of two inputs one behind the
/// other, of one with many outputs all of them in order.
///
/// # Safety
///
/// The rows have so many floats.
#[inline(always)]
unsafe fn products<I: Isa, const T: usize, const P: usize>(
    isa: I,
    inputs: [Row<'_>; P],
    outputs: [Row<'_>; T],
    floats: usize,
) -> [[I::Register; OUTPUTS]; 2] {
    let mut parts = [[isa.splat(0.0); OUTPUTS]; 2];
    let mut at = 0;
    while at < floats {
        let mut x = [isa.splat(0.0); P];
        for p in 0..P {
            // SAFETY: the row has a register's floats there.
            x[p] = unsafe { isa.load(inputs[p].at(at)) };
        }
        for t in 0..T {
            // SAFETY: the row has a register's floats there.
            let w = unsafe { isa.load(outputs[t].at(at)) };
            for p in 0..P {
                let part = &mut parts[p + t / OUTPUTS][t % OUTPUTS];
                *part = isa.fma(x[p], w, *part);
            }
        }
        at += I::WIDTH;
    }
    parts
}

/// Changes a register's width of all inputs and outputs, both by what the others were before: before the step,
/// or in turn before each input.
///
/// # Safety
///
/// The rows have a register's floats there; outputs are different, and no input is one.
#[inline(always)]
unsafe fn change<I: Isa, const T: usize, const IN_TURN: bool>(
    isa: I,
    step: &Step<'_>,
    outputs: [Row<'_>; T],
    at: usize,
) {
    let mut before = [isa.splat(0.0); T];
    for t in 0..T {
        // SAFETY: the row has a register's floats there.
        before[t] = unsafe { isa.load(outputs[t].at(at)) };
    }
    let mut after = before;
    let errors = step.errors.as_ptr().cast::<f32>();
    let each = if IN_TURN { LINE } else { OUTPUTS };
    for (j, input) in step.inputs.iter().enumerate() {
        // SAFETY: the row has a register's floats there.
        let x = unsafe { isa.load(input.at(at)) };
        // SAFETY: there are lines with the errors of each input, which `Kernels::step` checked.
        let errors = unsafe { &*errors.wrapping_add(j * each).cast::<[f32; T]>() };
        // Two chains of additions, so that one need not wait for the other.
        let mut changed = [x, isa.splat(0.0)];
        for t in 0..T {
            let error = isa.splat(errors[t]);
            let w = if IN_TURN { after[t] } else { before[t] };
            changed[t % 2] = isa.fma(error, w, changed[t % 2]);
            after[t] = isa.fma(error, x, after[t]);
        }
        let changed = if T > 1 { isa.add(changed[0], changed[1]) } else { changed[0] };
        // SAFETY: as above.
        unsafe { isa.store(changed, input.at(at)) };
    }
    for t in 0..T {
        // SAFETY: as above.
        unsafe { isa.store(after[t], outputs[t].at(at)) };
    }
}

/// See `Kernels::mean`.
///
/// # Safety
///
/// The rows have so many cache lines.
#[inline(always)]
pub(super) unsafe fn mean<I: Isa>(isa: I, rows: &[Row<'_>], means: [Row<'_>; 2], lines: usize) {
    let share = isa.splat(1.0 / rows.len() as f32);
    for at in (0..lines * LINE).step_by(I::WIDTH) {
        let mut sum = isa.splat(0.0);
        for row in rows {
            // SAFETY: the row has a register's floats there.
            sum = isa.add(sum, unsafe { isa.load(row.at(at)) });
        }
        for mean in means {
            // SAFETY: as above.
            unsafe { isa.store(isa.mul(sum, share), mean.at(at)) };
        }
    }
}

/// See `Kernels::spread`.
///
/// # Safety
///
/// The rows have so many cache lines.
#[inline(always)]
pub(super) unsafe fn spread<I: Isa>(isa: I, rows: &[Row<'_>], means: [Row<'_>; 2], lines: usize) {
    for at in (0..lines * LINE).step_by(I::WIDTH) {
        // SAFETY: the row has a register's floats there.
        let now = unsafe { isa.load(means[0].at(at)) };
        // SAFETY: as above.
        let change = isa.sub(now, unsafe { isa.load(means[1].at(at)) });
        for row in rows {
            // SAFETY: as above.
            let changed = isa.add(unsafe { isa.load(row.at(at)) }, change);
            // SAFETY: as above.
            unsafe { isa.store(changed, row.at(at)) };
        }
    }
}

/// See `Kernels::weighed_mean`.
///
/// # Safety
///
/// The rows have so many cache lines.
#[inline(always)]
pub(super) unsafe fn weighed_mean<I: Isa>(
    isa: I,
    rows: &[[Row<'_>; 2]],
    means: [Row<'_>; 2],
    lines: usize,
) {
    let share = isa.splat(1.0 / rows.len() as f32);
    for at in (0..lines * LINE).step_by(I::WIDTH) {
        let mut sum = isa.splat(0.0);
        for [row, weights] in rows {
            // SAFETY: the rows have a register's floats there.
            let (x, weight) = unsafe { both(isa, [row.at(at), weights.at(at)]) };
            sum = isa.fma(x, weight, sum);
        }
        for mean in means {
            // SAFETY: as above.
            unsafe { isa.store(isa.mul(sum, share), mean.at(at)) };
        }
    }
}

/// See `Kernels::weighed_spread`.
///
/// # Safety
///
/// The rows have so many cache lines, and none of them is a row of weights.
#[inline(always)]
pub(super) unsafe fn weighed_spread<I: Isa>(
    isa: I,
    rows: &[[Row<'_>; 2]],
    means: [Row<'_>; 2],
    lines: usize,
) {
    let share = isa.splat(1.0 / rows.len() as f32);
    for at in (0..lines * LINE).step_by(I::WIDTH) {
        // SAFETY: the rows have a register's floats there.
        let (now, before) = unsafe { both(isa, means.map(|mean| mean.at(at))) };
        let change = isa.sub(now, before);
        let shared = isa.mul(change, share);
        for [row, weights] in rows {
            let at = [row.at(at), weights.at(at)];
            // SAFETY: as above.
            let (x, weight) = unsafe { both(isa, at) };
            // SAFETY: as above.
            unsafe { isa.store(isa.fma(change, weight, x), at[0]) };
            // SAFETY: as above.
            unsafe { isa.store(isa.fma(shared, x, weight), at[1]) };
        }
    }
}

/// See `Kernels::softmax`.
///
/// # Safety
///
/// The rows have so many cache lines; the input and the change are no outputs.
#[inline(always)]
pub(super) unsafe fn softmax<I: Isa>(isa: I, step: &mut Chances<'_>, lines: usize) -> f32 {
    let floats = lines * LINE;
    let mut most = f32::NEG_INFINITY;
    for (id, chance) in (0..).zip(step.exps.iter_mut()) {
        let output = step.outputs.row(id);
        let mut sum = isa.splat(0.0);
        for at in (0..floats).step_by(I::WIDTH) {
            // SAFETY: the row has a register's floats there.
            let x = unsafe { isa.load(step.input.at(at)) };
            // SAFETY: as above.
            sum = isa.fma(x, unsafe { isa.load(output.at(at)) }, sum);
        }
        *chance = isa.sum(sum);
        most = most.max(*chance);
    }
    // Without the largest product as their common factor the powers would overflow.
    let mut total = 0.0;
    for chance in step.exps.iter_mut() {
        *chance = (*chance - most).exp();
        total += *chance;
    }
    let target = step.exps[step.target as usize];
    for at in (0..floats).step_by(I::WIDTH) {
        // SAFETY: as above.
        unsafe { isa.store(isa.splat(0.0), step.change.at(at)) };
    }
    for (id, &chance) in (0..).zip(step.exps.iter()) {
        let label = if id == step.target { 1.0 } else { 0.0 };
        let error = isa.splat(step.lr * (label - chance / total));
        let output = step.outputs.row(id);
        for at in (0..floats).step_by(I::WIDTH) {
            // SAFETY: as above.
            let w = unsafe { isa.load(output.at(at)) };
            // SAFETY: as above.
            let change = isa.fma(error, w, unsafe { isa.load(step.change.at(at)) });
            // SAFETY: as above.
            unsafe { isa.store(change, step.change.at(at)) };
            // SAFETY: as above.
            let changed = isa.fma(error, unsafe { isa.load(step.input.at(at)) }, w);
            // SAFETY: as above.
            unsafe { isa.store(changed, output.at(at)) };
        }
    }
    for at in (0..floats).step_by(I::WIDTH) {
        // SAFETY: as above.
        let x = unsafe { isa.load(step.input.at(at)) };
        // SAFETY: as above.
        let changed = isa.add(x, unsafe { isa.load(step.change.at(at)) });
        // SAFETY: as above.
        unsafe { isa.store(changed, step.input.at(at)) };
    }
    total.ln() - target.ln()
}

/// Cells between asking for a row and needing it.
const AHEAD: usize = 4;

/// See `Kernels::cells`.
///
/// # Safety
///
/// A row has four times so many cache lines.
#[inline(always)]
pub(super) unsafe fn cells<I: Isa, L: Length>(isa: I, cells: &mut Cells<'_>, lines: usize) -> f64 {
    let floats = L::lines(lines) * LINE;
    let mut loss = 0.0;
    for (i, &cell) in cells.learned.iter().enumerate() {
        if let Some(next) = cells.learned.get(i + AHEAD) {
            // Cells of one row stand together: only the other word's row is new.
            cells.rows.row(next.words[1]).prefetch(4 * floats / LINE);
        }
        let [a, b] = cell.words.map(|word| cells.rows.row(word));
        // SAFETY: the rows have twice two parts of so many floats.
        loss +=
            f64::from(unsafe { pair(isa, [a.at(0), b.at(2 * floats)], cell, cells.lr, floats) });
        if cell.words[0] != cell.words[1] {
            let parts = [b.at(0), a.at(2 * floats)];
            // SAFETY: as above.
            loss += f64::from(unsafe { pair(isa, parts, cell, cells.lr, floats) });
        }
    }
    loss
}

/// Learns from a word's vector and another's context vector, behind each of which the squares of its changes
/// stand (`AdaGrad`: Duchi et al. 2011), and tells the loss before.
///
/// # Safety
///
/// There are two times so many floats at both, a multiple of a cache line's, and they begin at one.
#[inline(always)]
unsafe fn pair<I: Isa>(isa: I, at: [*mut f32; 2], cell: Cell, lr: f32, floats: usize) -> f32 {
    let [a, b] = at;
    let mut sum = isa.splat(0.0);
    for at in (0..floats).step_by(I::WIDTH) {
        // SAFETY: the caller promises the floats.
        let x = unsafe { isa.load(a.wrapping_add(at)) };
        // SAFETY: as above.
        sum = isa.fma(x, unsafe { isa.load(b.wrapping_add(at)) }, sum);
    }
    let off = isa.sum(sum) - cell.log;
    let step = isa.splat(-cell.weight * off * lr);
    for at in (0..floats).step_by(I::WIDTH) {
        // SAFETY: as above.
        let (x, y) = unsafe { both(isa, [a.wrapping_add(at), b.wrapping_add(at)]) };
        let squares = [a.wrapping_add(floats + at), b.wrapping_add(floats + at)];
        // SAFETY: as above.
        let (xx, yy) = unsafe { both(isa, squares) };
        let (dx, dy) = (isa.mul(step, y), isa.mul(step, x));
        // SAFETY: as above.
        unsafe { isa.store(isa.fma(dx, isa.rsqrt(xx), x), a.wrapping_add(at)) };
        // SAFETY: as above.
        unsafe { isa.store(isa.fma(dy, isa.rsqrt(yy), y), b.wrapping_add(at)) };
        // SAFETY: as above.
        unsafe { isa.store(isa.fma(dx, dx, xx), squares[0]) };
        // SAFETY: as above.
        unsafe { isa.store(isa.fma(dy, dy, yy), squares[1]) };
    }
    0.5 * cell.weight * off * off
}

/// Reads two registers.
///
/// # Safety
///
/// As of `Isa::load`, for both.
#[inline(always)]
unsafe fn both<I: Isa>(isa: I, from: [*mut f32; 2]) -> (I::Register, I::Register) {
    // SAFETY: the caller promises it.
    let first = unsafe { isa.load(from[0]) };
    // SAFETY: the caller promises it.
    (first, unsafe { isa.load(from[1]) })
}
