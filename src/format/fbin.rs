//! `.fbin` files of nearest-neighbor benchmarks: u32 rows, u32 components, then floats. The words
//! stand in another file.

use crate::error::Result;
use crate::format::entry::{Beside, Entry, Read};
use crate::format::source::Bytes;
use crate::format::source::bytes::Cursor;
use crate::format::tensor::{Dtype, Endian, Order, Tensor};

const NAME: &str = "fbin";

pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    title: "fbin",
    about: "Rows and components (u32), then floats, with a file of words",
    suffixes: &["fbin"],
    is_told_by_suffix: true,
    read: Read::Whole(|whole| whole.plain(None, Box::new(open(whole.bytes)?))),
    beside: Beside { words: true, ..Entry::DEFAULT.beside },
    ..Entry::DEFAULT
};

fn open(bytes: &Bytes) -> Result<Tensor> {
    let mut cursor = Cursor::new(bytes, NAME);
    let rows = cursor.u32("the header")? as usize;
    let dim = cursor.u32("the header")? as usize;
    let bytes = cursor.part(cursor.left(), "the numbers")?;
    Tensor { bytes, dtype: Dtype::F32, endian: Endian::Little, order: Order::Rows, rows, dim }
        .check(NAME, "the matrix")
}
