//! The blocks of numbers in GGUF files, as llama.cpp computes them.

use half::{bf16, f16};

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

impl Type {
    pub(super) const ALL: [Self; 8] =
        [Self::F32, Self::F16, Self::Bf16, Self::Q4_0, Self::Q8_0, Self::Q4K, Self::Q5K, Self::Q6K];

    /// The type of this number in a file.
    pub(super) fn of(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            8 => Self::Q8_0,
            12 => Self::Q4K,
            13 => Self::Q5K,
            14 => Self::Q6K,
            30 => Self::Bf16,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Q4_0 => "q4_0",
            Self::Q8_0 => "q8_0",
            Self::Q4K => "q4_k",
            Self::Q5K => "q5_k",
            Self::Q6K => "q6_k",
        }
    }

    /// Numbers of a block, and its bytes.
    pub(super) fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::Q4_0 => (32, 18),
            Self::Q8_0 => (32, 34),
            Self::Q4K => (256, 144),
            Self::Q5K => (256, 176),
            Self::Q6K => (256, 210),
        }
    }

    /// Adds the numbers of a block to a row.
    pub(super) fn push(self, block: &[u8], row: &mut Vec<f32>) {
        match (self, block) {
            (Self::F32, &[a, b, c, d]) => row.push(f32::from_le_bytes([a, b, c, d])),
            (Self::F16, &[a, b]) => row.push(half(a, b)),
            (Self::Bf16, &[a, b]) => row.push(bf16::from_le_bytes([a, b]).to_f32()),
            (Self::Q4_0, &[a, b, ref numbers @ ..]) => {
                let scale = half(a, b);
                let low = numbers.iter().map(|&byte| byte & 15);
                let high = numbers.iter().map(|&byte| byte >> 4);
                row.extend(low.chain(high).map(|four| (f32::from(four) - 8.0) * scale));
            }
            (Self::Q8_0, &[a, b, ref numbers @ ..]) => {
                let scale = half(a, b);
                row.extend(numbers.iter().map(|byte| f32::from(byte.cast_signed()) * scale));
            }
            (Self::Q4K, &[a, b, c, d, ref rest @ ..]) => {
                let (scales, numbers) = rest.split_at(12);
                with_minima(half(a, b), half(c, d), scales, numbers, &[], row);
            }
            (Self::Q5K, &[a, b, c, d, ref rest @ ..]) => {
                let (scales, rest) = rest.split_at(12);
                let (fifth, numbers) = rest.split_at(32);
                with_minima(half(a, b), half(c, d), scales, numbers, fifth, row);
            }
            (Self::Q6K, block) => six(block, row),
            // Blocks are cut to their size.
            _ => {}
        }
    }
}

fn half(a: u8, b: u8) -> f32 {
    f16::from_le_bytes([a, b]).to_f32()
}

/// `Q4_K` and `Q5_K`: eight groups of 32, each with a scale and a minimum of 6 bits; the fifth bits of
/// all groups stand apart.
fn with_minima(
    scale: f32,
    least: f32,
    scales: &[u8],
    numbers: &[u8],
    fifth: &[u8],
    row: &mut Vec<f32>,
) {
    for (pair, numbers) in numbers.chunks_exact(32).enumerate() {
        for (group, shift) in [(2 * pair, 0), (2 * pair + 1, 4)] {
            let (factor, minimum) = six_bits(group, scales);
            let (factor, minimum) = (scale * f32::from(factor), least * f32::from(minimum));
            for (i, byte) in numbers.iter().enumerate() {
                let high = fifth.get(i).map_or(0, |bits| bits >> group & 1);
                let number = byte >> shift & 15 | high << 4;
                row.push(factor * f32::from(number) - minimum);
            }
        }
    }
}

/// The scale and the minimum of a group.
fn six_bits(group: usize, scales: &[u8]) -> (u8, u8) {
    if group < 4 {
        return (scales[group] & 63, scales[group + 4] & 63);
    }
    let low = scales[group + 4];
    (low & 15 | scales[group - 4] >> 6 << 4, low >> 4 | scales[group] >> 6 << 4)
}

/// `Q6_K`: low four bits, high two bits, 16 scales, and a scale of all.
fn six(block: &[u8], row: &mut Vec<f32>) {
    let (low, rest) = block.split_at(128);
    let (high, rest) = rest.split_at(64);
    let (scales, last) = rest.split_at(16);
    let scale = half(last[0], last[1]);
    for part in 0..2 {
        let (low, high) = (&low[64 * part..], &high[32 * part..]);
        let scales = &scales[8 * part..];
        for quarter in 0..4 {
            for i in 0..32 {
                let four = low[i + 32 * (quarter % 2)] >> (4 * (quarter / 2)) & 15;
                let two = high[i] >> (2 * quarter) & 3;
                let number = f32::from(four | two << 4) - 32.0;
                let factor = f32::from(scales[2 * quarter + i / 16].cast_signed());
                row.push(scale * factor * number);
            }
        }
    }
}
