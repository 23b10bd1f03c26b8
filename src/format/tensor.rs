//! `Tensor`: a matrix of numbers as it lies in a file, and its rows as single-precision numbers.

use half::{bf16, f16};

use crate::error::{At, Error, ErrorKind, Result};
use crate::format::source::Bytes;
use crate::limits;
use crate::vector::Dtype as TableDtype;

/// The rows of a matrix, by number.
pub(super) trait Matrix: Send {
    /// Components of each row.
    fn dim(&self) -> usize;

    /// How many rows.
    fn rows(&self) -> usize;

    /// How many rows, if all of their numbers are there as they are.
    fn counted_rows(&self) -> Option<usize> {
        None
    }

    /// A row that there is.
    fn row(&mut self, row: usize, vector: &mut Vec<f32>) -> Result<()>;

    /// Gives back the memory of rows that were read.
    fn forget(&self) {}

    /// Where a row begins in its file.
    fn at(&self, row: usize) -> At {
        At::Row(row as u64)
    }

    /// How the numbers are stored.
    fn dtype(&self) -> &'static str;

    /// The dtype of a table that holds the rows as they are.
    fn suits(&self) -> TableDtype {
        suiting(self.dtype())
    }
}

/// The dtype of a table that holds numbers as they are that are stored so; `f32` for all that have none of
/// their own.
pub(super) fn suiting(dtype: &str) -> TableDtype {
    match dtype {
        "f16" => TableDtype::F16,
        "bf16" => TableDtype::Bf16,
        _ => TableDtype::F32,
    }
}

/// How a number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dtype {
    F64,
    F32,
    F16,
    Bf16,
    I8,
    U8,
}

impl Dtype {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::I8 | Self::U8 => 1,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::I8 => "i8",
            Self::U8 => "u8",
        }
    }
}

/// In which order the bytes of a number stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endian {
    Little,
    Big,
}

/// Which numbers stand side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Those of a row (C).
    Rows,
    /// Those of a column (Fortran).
    Columns,
}

/// A matrix of plain numbers.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) bytes: Bytes,
    pub(super) dtype: Dtype,
    pub(super) endian: Endian,
    pub(super) order: Order,
    pub(super) rows: usize,
    pub(super) dim: usize,
}

impl Tensor {
    /// Of exactly `bytes`; `what` names it in errors.
    pub(super) fn check(self, format: &'static str, what: &str) -> Result<Self> {
        check_dim(self.dim, what)?;
        let needed = self
            .rows
            .checked_mul(self.dim)
            .and_then(|numbers| numbers.checked_mul(self.dtype.bytes()));
        if needed == Some(self.bytes.len()) {
            return Ok(self);
        }
        let problem = format!(
            "{what} of {} x {} {} does not fit its {} bytes; the file is not complete, or another \
             one stands behind it",
            self.rows,
            self.dim,
            self.dtype.name(),
            self.bytes.len()
        );
        Err(crate::format::malformed(format, At::Byte(0), problem))
    }

    /// Adds a row that there is.
    pub(super) fn add(&self, row: usize, sum: &mut [f32]) {
        for (component, value) in sum.iter_mut().enumerate() {
            *value += self.number(row * self.dim + component);
        }
    }

    fn number(&self, index: usize) -> f32 {
        let size = self.dtype.bytes();
        let mut bytes = [0_u8; 8];
        let number = &mut bytes[..size];
        number.copy_from_slice(&self.bytes[index * size..(index + 1) * size]);
        if self.endian == Endian::Big {
            number.reverse();
        }
        let [a, b, c, d, ..] = bytes;
        match self.dtype {
            #[expect(clippy::cast_possible_truncation, reason = "rounding is noted")]
            Dtype::F64 => f64::from_le_bytes(bytes) as f32,
            Dtype::F32 => f32::from_le_bytes([a, b, c, d]),
            Dtype::F16 => f16::from_le_bytes([a, b]).to_f32(),
            Dtype::Bf16 => bf16::from_le_bytes([a, b]).to_f32(),
            Dtype::I8 => f32::from(i8::from_le_bytes([a])),
            Dtype::U8 => f32::from(a),
        }
    }
}

impl Matrix for Tensor {
    fn dim(&self) -> usize {
        self.dim
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn counted_rows(&self) -> Option<usize> {
        Some(self.rows)
    }

    fn forget(&self) {
        self.bytes.forget();
    }

    fn row(&mut self, row: usize, vector: &mut Vec<f32>) -> Result<()> {
        self.copy(row, vector);
        Ok(())
    }

    fn dtype(&self) -> &'static str {
        self.dtype.name()
    }
}

impl Tensor {
    /// A row that there is.
    pub(super) fn copy(&self, row: usize, vector: &mut Vec<f32>) {
        vector.clear();
        if (self.dtype, self.endian, self.order) == (Dtype::F32, Endian::Little, Order::Rows) {
            let bytes = &self.bytes[row * self.dim * 4..(row + 1) * self.dim * 4];
            let (numbers, _) = bytes.as_chunks();
            vector.extend(numbers.iter().map(|&number| f32::from_le_bytes(number)));
            return;
        }
        match self.order {
            Order::Rows => {
                let from = row * self.dim;
                vector.extend((from..from + self.dim).map(|index| self.number(index)));
            }
            Order::Columns => {
                let numbers = (0..self.dim).map(|column| self.number(column * self.rows + row));
                vector.extend(numbers);
            }
        }
    }
}

/// Whether rows may have so many components.
pub(super) fn check_dim(dim: usize, what: &str) -> Result<()> {
    if dim == 0 {
        return Err(crate::format::malformed(
            "embedding",
            At::Byte(0),
            format!("{what} has rows of 0 components"),
        ));
    }
    let (max, got) = (limits::DIM_MAX, dim);
    if dim <= max {
        return Ok(());
    }
    let kind = ErrorKind::TooLarge { limit: "DIM_MAX", max: max as u64, got: got as u64 };
    Err(Error::new(kind).context(format!("the components of {what}")))
}
