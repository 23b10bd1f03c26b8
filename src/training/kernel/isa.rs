//! What a kernel needs of a processor.

use super::{Line, OUTPUTS};

/// A kind of registers. Only who knows that the processor has them has a value of the type.
pub(super) trait Isa: Copy {
    /// A register of floats.
    type Register: Copy;
    /// How many floats it has; a divisor of a cache line's.
    const WIDTH: usize;
    /// How many registers there are.
    const REGISTERS: usize;

    /// The same float everywhere.
    fn splat(self, value: f32) -> Self::Register;

    /// Reads floats.
    ///
    /// # Safety
    ///
    /// There are as many at the address, which is a multiple of their bytes.
    unsafe fn load(self, from: *const f32) -> Self::Register;

    /// Writes floats.
    ///
    /// # Safety
    ///
    /// There is room for as many at the address, which is a multiple of their bytes.
    unsafe fn store(self, value: Self::Register, to: *mut f32);

    /// a + b
    fn add(self, a: Self::Register, b: Self::Register) -> Self::Register;

    /// a - b
    fn sub(self, a: Self::Register, b: Self::Register) -> Self::Register;

    /// a b
    fn mul(self, a: Self::Register, b: Self::Register) -> Self::Register;

    /// a b + c
    fn fma(self, a: Self::Register, b: Self::Register, c: Self::Register) -> Self::Register;

    /// 1 / sqrt(a), to 1e-4 of it.
    fn rsqrt(self, a: Self::Register) -> Self::Register;

    /// The sum of all floats.
    fn sum(self, value: Self::Register) -> f32;

    /// Sums each of two times eight registers, and makes of each sum `lr` times its label less its
    /// sigmoid. Beyond 20 either way the sigmoid is that of 20; of NaN it is NaN.
    fn errors(
        self,
        sums: &[[Self::Register; OUTPUTS]; 2],
        labels: &Line,
        lr: f32,
        errors: &mut Line,
    );

    /// The sums of each of two times eight registers.
    fn totals(self, sums: &[[Self::Register; OUTPUTS]; 2], totals: &mut Line);

    /// Makes of each sum `lr` times its label less its sigmoid, as [`Isa::errors`].
    fn finish(self, totals: &mut Line, labels: &Line, lr: f32);
}

/// Products beyond this have the sigmoid of this.
pub(super) const EDGE: f32 = 20.0;
/// 2 to the power r for r from -0.5 to 0.5, as (0 + 1 r) + (2 + 3 r) r^2, to 7.5e-5 of it: the cubic whose
/// largest relative error is the least.
pub(super) const EXP2: [f32; 4] = [0.999_928_07, 0.693_261, 0.242_611_12, 0.055_171_6];
