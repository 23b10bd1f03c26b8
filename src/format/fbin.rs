//! `.fbin` files of nearest-neighbor benchmarks: u32 rows, u32 components, then floats. The words
//! stand in another file.

use crate::error::Result;
use crate::format::bytes::Cursor;
use crate::format::source::Bytes;
use crate::format::tensor::{Dtype, Endian, Order, Tensor};

const NAME: &str = "fbin";

pub(super) fn open(bytes: &Bytes) -> Result<Tensor> {
    let mut cursor = Cursor::new(bytes, NAME);
    let rows = cursor.u32("the header")? as usize;
    let dim = cursor.u32("the header")? as usize;
    let bytes = cursor.part(cursor.left(), "the numbers")?;
    Tensor { bytes, dtype: Dtype::F32, endian: Endian::Little, order: Order::Rows, rows, dim }
        .check(NAME, "the matrix")
}
