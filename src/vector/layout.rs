//! How a row lies in memory and in files: the dtypes, and rows turned into their bytes and back.
//!
//! | dtype | bytes of a row | what a component may be |
//! | --- | --- | --- |
//! | `f32` | 4 a component | any finite number of single precision |
//! | `f16` | 2 a component | up to 65,504 |
//! | `bf16` | 2 a component | up to about 3.39e38, with 8 significant bits |
//! | `i8` | 4 for the scale, an f32, and 1 a component | the scale times -127 to 127 |
//!
//! Everything is little-endian. What a row of one of them says is a row of `f32`, bit by bit, and that
//! row has the same bytes again: rows are copied, exported and imported without becoming others.

use half::slice::HalfFloatSliceExt as _;
use half::{bf16, f16};

use crate::vector::Dtype;

/// Numbers that are turned at once: they stay in the processor's nearest cache.
const BLOCK: usize = 64;
/// Bytes of the scale before a row's components.
const SCALE_BYTES: usize = size_of::<f32>();
/// The largest step of a component that has a scale.
const STEPS_MAX: f32 = 127.0;
/// The least scale: what is less than half of it counts as 0, as what is too small for an f16 does.
const SCALE_MIN: f32 = f32::from_bits(7 << 23);
/// From here on a number is nearer to infinity than to the largest of `f16`.
const F16_END: f32 = 65_520.0;
/// The same of `bf16`, as bits.
const BF16_END: u32 = 0x7f7f_8000;

impl Dtype {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::F32, Self::F16, Self::Bf16, Self::I8];

    /// Its name, such as `bf16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::I8 => "i8",
        }
    }

    /// That of a name; none if no dtype has it.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dtype| dtype.name() == name)
    }

    /// Bytes of a row of `dim` components.
    pub fn row_bytes(self, dim: usize) -> usize {
        match self {
            Self::F32 => dim * size_of::<f32>(),
            Self::F16 | Self::Bf16 => dim * size_of::<u16>(),
            Self::I8 => SCALE_BYTES + dim,
        }
    }

    /// The first component, counted from 0, that is too large for it; none if it can hold the row, each
    /// component rounded to the nearest. Components are finite.
    pub fn too_large(self, row: &[f32]) -> Option<usize> {
        match self {
            Self::F32 => None,
            Self::F16 => row.iter().position(|value| value.abs() >= F16_END),
            Self::Bf16 => row.iter().position(|value| value.abs().to_bits() >= BF16_END),
            Self::I8 => {
                let is_held = (scale(row) * STEPS_MAX).is_finite();
                let largest = largest(row);
                (!is_held).then(|| row.iter().position(|value| value.abs() >= largest)).flatten()
            }
        }
    }

    /// Why it cannot hold a row whose component, counted from 0, is too large.
    pub fn refusal(self, row: &[f32], component: usize) -> String {
        let value = row.get(component).copied().unwrap_or_default();
        let (number, name) = (component + 1, self.name());
        format!("component {number} is {value:e}, which is too large for {name}; f32 holds it")
    }

    /// Appends the bytes of a row, each component rounded to the nearest that there is. Components are
    /// finite, and none of them [too large](Dtype::too_large).
    pub fn encode(self, row: &[f32], bytes: &mut Vec<u8>) {
        let from = bytes.len();
        bytes.resize(from + self.row_bytes(row.len()), 0);
        self.encode_into(row, &mut bytes[from..]);
    }

    /// The same over bytes that are there.
    ///
    /// # Panics
    ///
    /// If they are not as many as a row has.
    pub fn encode_into(self, row: &[f32], bytes: &mut [u8]) {
        assert_eq!(bytes.len(), self.row_bytes(row.len()), "there is room for the row");
        match self {
            Self::F32 => {
                for (place, value) in bytes.as_chunks_mut().0.iter_mut().zip(row) {
                    *place = value.to_le_bytes();
                }
            }
            Self::F16 => {
                let mut halves = [f16::ZERO; BLOCK];
                for (row, bytes) in row.chunks(BLOCK).zip(bytes.chunks_mut(2 * BLOCK)) {
                    let halves = &mut halves[..row.len()];
                    halves.convert_from_f32_slice(row);
                    for (place, half) in bytes.as_chunks_mut().0.iter_mut().zip(halves) {
                        *place = half.to_le_bytes();
                    }
                }
            }
            Self::Bf16 => {
                for (place, &value) in bytes.as_chunks_mut().0.iter_mut().zip(row) {
                    *place = bf16::from_f32(value).to_le_bytes();
                }
            }
            Self::I8 => {
                let scale = scale(row);
                let (first, steps) = bytes.split_at_mut(SCALE_BYTES);
                first.copy_from_slice(&scale.to_le_bytes());
                for (place, &value) in steps.iter_mut().zip(row) {
                    *place = steps_of(value / scale).cast_unsigned();
                }
            }
        }
    }

    /// What the bytes of a row say.
    ///
    /// # Panics
    ///
    /// If they are not as many as a row of this length has.
    pub fn decode(self, bytes: &[u8], row: &mut [f32]) {
        assert_eq!(bytes.len(), self.row_bytes(row.len()), "these are the bytes of one row");
        match self {
            Self::F32 => {
                for (value, bytes) in row.iter_mut().zip(bytes.as_chunks().0) {
                    *value = f32::from_le_bytes(*bytes);
                }
            }
            Self::F16 => {
                let mut halves = [f16::ZERO; BLOCK];
                for (row, bytes) in row.chunks_mut(BLOCK).zip(bytes.chunks(2 * BLOCK)) {
                    let halves = &mut halves[..row.len()];
                    for (half, bytes) in halves.iter_mut().zip(bytes.as_chunks().0) {
                        *half = f16::from_le_bytes(*bytes);
                    }
                    halves.convert_to_f32_slice(row);
                }
            }
            Self::Bf16 => {
                for (value, bytes) in row.iter_mut().zip(bytes.as_chunks().0) {
                    *value = f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16);
                }
            }
            Self::I8 => {
                let (scale, steps) = bytes.split_at(SCALE_BYTES);
                let scale = scale.first_chunk().map_or(0.0, |scale| f32::from_le_bytes(*scale));
                for (value, &step) in row.iter_mut().zip(steps) {
                    *value = f32::from(step.cast_signed()) * scale;
                }
            }
        }
    }
}

fn largest(row: &[f32]) -> f32 {
    row.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()))
}

/// What one step of a row stands for. It has 16 significant bits, rounded up: so the product with a step,
/// which has 7, is exact, and the row that the bytes say has the same scale again.
fn scale(row: &[f32]) -> f32 {
    let bits = (largest(row) / STEPS_MAX).to_bits().saturating_add(0xff) & !0xff;
    f32::from_bits(bits).max(SCALE_MIN)
}

fn steps_of(steps: f32) -> i8 {
    #[expect(clippy::cast_possible_truncation, reason = "from -127 to 127")]
    let steps = steps.round_ties_even().clamp(-STEPS_MAX, STEPS_MAX) as i8;
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::random::SplitMix64;

    fn turned(dtype: Dtype, row: &[f32]) -> Vec<f32> {
        let mut bytes = Vec::new();
        dtype.encode(row, &mut bytes);
        assert_eq!(bytes.len(), dtype.row_bytes(row.len()));
        let mut back = vec![f32::NAN; row.len()];
        dtype.decode(&bytes, &mut back);
        let mut again = Vec::new();
        dtype.encode(&back, &mut again);
        assert_eq!(again, bytes, "{}: what bytes say has the same bytes", dtype.name());
        back
    }

    /// The nearest of the numbers that a format with so many bits of mantissa and so least an exponent
    /// has, ties to the even one: in double precision, which holds all of them.
    fn nearest(value: f32, mantissa: i32, least: i32) -> f64 {
        let value = f64::from(value);
        if value == 0.0 {
            return 0.0;
        }
        let exponent = value.abs().log2().floor().max(f64::from(least));
        let step = (exponent - f64::from(mantissa)).exp2();
        (value / step).round_ties_even() * step
    }

    /// From -0.5 to 0.5.
    fn part(random: &mut SplitMix64) -> f32 {
        random.below(1 << 24) as f32 / 16_777_216.0 - 0.5
    }

    fn rows() -> Vec<Vec<f32>> {
        let mut random = SplitMix64(7);
        let mut rows = Vec::new();
        for dim in [1, 2, 63, 64, 65, 300] {
            for magnitude in [1.0, 1e-3, 6e4, 1e-7, 3e-39] {
                rows.push((0..dim).map(|_| part(&mut random) * magnitude).collect());
            }
            rows.push(vec![0.0; dim]);
        }
        rows
    }

    fn are_equal(value: f32, truth: f64) -> bool {
        f64::from(value).to_bits() == truth.to_bits()
    }

    #[test]
    fn halves_are_the_nearest_ones() {
        for row in rows() {
            let halves = turned(Dtype::F16, &row);
            let shorts = turned(Dtype::Bf16, &row);
            for ((&value, half), short) in row.iter().zip(halves).zip(shorts) {
                assert!(are_equal(half, nearest(value, 10, -14)), "{value}: {half}");
                assert!(are_equal(short, nearest(value, 7, -126)), "{value}: {short}");
            }
        }
    }

    #[test]
    fn steps_are_the_nearest_ones() {
        for row in rows() {
            let scale = f64::from(scale(&row));
            for (&value, back) in row.iter().zip(turned(Dtype::I8, &row)) {
                let off = (f64::from(value) - f64::from(back)).abs();
                assert!(off <= scale * 0.500_001, "{value}: {back} at {scale}");
            }
            let largest = f64::from(largest(&row));
            assert!(scale <= f64::from(SCALE_MIN) || scale * 127.0 <= largest * 1.000_1);
        }
    }

    #[test]
    fn what_is_too_large_is_told() {
        let last = [65_519.0, -65_504.0, 0.1];
        assert_eq!(Dtype::F16.too_large(&last), None);
        assert!(turned(Dtype::F16, &last) == [65_504.0, -65_504.0, 0.099_975_586]);
        assert_eq!(Dtype::F16.too_large(&[1.0, -65_520.0]), Some(1));
        let end = f32::from_bits(BF16_END);
        assert_eq!(Dtype::Bf16.too_large(&[1.0, -end, end]), Some(1));
        let below = f32::from_bits(BF16_END - 1);
        assert!(turned(Dtype::Bf16, &[below])[0].is_finite());
        assert!(bf16::from_f32(end).is_infinite(), "the limit is the limit");
        assert!(f16::from_f32(F16_END).is_infinite(), "the limit is the limit");
        assert_eq!(Dtype::I8.too_large(&[1.0, f32::MAX]), Some(1));
        assert!(turned(Dtype::I8, &[3.4e38, 0.0])[0].is_finite());
        assert_eq!(Dtype::F32.too_large(&[f32::MAX]), None);
    }

    #[test]
    fn names_come_back() {
        for dtype in Dtype::ALL {
            assert_eq!(Dtype::of_name(dtype.name()), Some(dtype));
        }
        assert_eq!(Dtype::of_name("f64"), None);
    }
}
