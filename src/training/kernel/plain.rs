//! Kernels in plain Rust: for other processors, and the oracle of the tests.

use super::isa::{EDGE, EXP2, Isa};
use super::{Line, OUTPUTS, kernels};

/// What every machine has.
#[derive(Clone, Copy)]
pub(super) struct Plain;

kernels!(Plain, fill_plain);

impl Plain {
    const PROVED: Self = Self;
}

/// Floats that are treated alike, so that the compiler makes instructions of them that do so.
const WIDTH: usize = 8;

fn each(a: [f32; WIDTH], b: [f32; WIDTH], f: impl Fn(f32, f32) -> f32) -> [f32; WIDTH] {
    let mut values = a;
    for (value, b) in values.iter_mut().zip(b) {
        *value = f(*value, b);
    }
    values
}

impl Isa for Plain {
    type Register = [f32; WIDTH];

    const WIDTH: usize = WIDTH;
    const REGISTERS: usize = 8;

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; WIDTH] {
        [value; WIDTH]
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> [f32; WIDTH] {
        // SAFETY: the caller promises so many floats.
        unsafe { from.cast::<[f32; WIDTH]>().read() }
    }

    #[inline(always)]
    unsafe fn store(self, value: [f32; WIDTH], to: *mut f32) {
        // SAFETY: the caller promises room for so many floats.
        unsafe { to.cast::<[f32; WIDTH]>().write(value) }
    }

    #[inline(always)]
    fn add(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [f32; WIDTH] {
        each(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [f32; WIDTH] {
        each(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: [f32; WIDTH], b: [f32; WIDTH]) -> [f32; WIDTH] {
        each(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn fma(self, a: [f32; WIDTH], b: [f32; WIDTH], c: [f32; WIDTH]) -> [f32; WIDTH] {
        self.add(self.mul(a, b), c)
    }

    #[inline(always)]
    fn rsqrt(self, a: [f32; WIDTH]) -> [f32; WIDTH] {
        a.map(|a| 1.0 / a.sqrt())
    }

    #[inline(always)]
    fn sum(self, value: [f32; WIDTH]) -> f32 {
        value.iter().sum()
    }

    #[inline(always)]
    fn errors(
        self,
        sums: &[[[f32; WIDTH]; OUTPUTS]; 2],
        labels: &Line,
        lr: f32,
        errors: &mut Line,
    ) {
        let values = errors.0.iter_mut().zip(labels.0).zip(sums.as_flattened());
        for ((error, label), &sum) in values {
            *error = lr * (label - sigmoid(self.sum(sum)));
        }
    }

    #[inline(always)]
    fn totals(self, sums: &[[[f32; WIDTH]; OUTPUTS]; 2], totals: &mut Line) {
        for (total, &sum) in totals.0.iter_mut().zip(sums.as_flattened()) {
            *total = self.sum(sum);
        }
    }

    #[inline(always)]
    fn finish(self, totals: &mut Line, labels: &Line, lr: f32) {
        for (total, label) in totals.0.iter_mut().zip(labels.0) {
            *total = lr * (label - sigmoid(*total));
        }
    }
}

/// As the other kinds compute it.
#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    let power = x.clamp(-EDGE, EDGE) * -std::f32::consts::LOG2_E;
    let whole = power.round_ties_even();
    let r = power - whole;
    let near = (EXP2[0] + EXP2[1] * r) + (EXP2[2] + EXP2[3] * r) * (r * r);
    #[expect(clippy::cast_possible_truncation, reason = "from -29 to 29; 0 if it is NaN")]
    let exponent = (whole as i32 + 127).cast_unsigned();
    1.0 / (1.0 + near * f32::from_bits(exponent << 23))
}

/// Draws by an alias table (Walker 1977, Vose 1991): its low halves are probabilities in 2^-32, its high ones
/// aliases. Sixteen generators (xorshift64, Marsaglia 2003) take turns, eight at once.
#[inline(always)]
pub(super) fn fill_plain(table: &[u64], lanes: &mut [[u64; 8]; 2], drawn: &mut [u32; DRAWN]) {
    for (turn, drawn) in drawn.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        for (x, drawn) in lanes[turn % 2].iter_mut().zip(drawn) {
            *x ^= *x << 13;
            *x ^= *x >> 7;
            *x ^= *x << 17;
            let low = *x & 0xffff_ffff;
            let place = ((*x >> 32) * table.len() as u64) >> 32;
            let entry = table[place as usize];
            let chosen = if low <= entry & 0xffff_ffff { place } else { entry >> 32 };
            #[expect(clippy::cast_possible_truncation, reason = "words are numbered by u32")]
            let chosen = chosen as u32;
            *drawn = chosen;
        }
    }
}
