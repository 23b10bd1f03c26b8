//! What a data set is made of: its shape, its numbers, and where they are.

use crate::error::{At, Result};
use crate::format::hdf5::NAME;
use crate::format::hdf5::chunks::{Chunked, Filter, Grid};
use crate::format::hdf5::object::{File, UNDEFINED, unread};
use crate::format::malformed;
use crate::format::source::Bytes;
use crate::format::source::bytes::Cursor;
use crate::format::tensor::{Dtype, Endian, Matrix, Order, Tensor};

const SHAPE: u16 = 0x01;
const NUMBERS: u16 = 0x03;
const EXTERNAL: u16 = 0x07;
const LAYOUT: u16 = 0x08;
const FILTERS: u16 = 0x0B;

/// An array of numbers.
pub(super) struct Dataset {
    shape: Vec<u64>,
    pub(super) dtype: Dtype,
    pub(super) endian: Endian,
    layout: Layout,
    filters: Vec<Filter>,
}

enum Layout {
    /// In the message itself.
    Here(Bytes),
    /// In one piece.
    Whole { address: u64, length: u64 },
    /// In chunks, by the address of their tree.
    Chunks { tree: u64, sizes: Vec<u32> },
}

impl Dataset {
    /// The object there; none if it is no array of numbers.
    pub(super) fn of(file: &File, address: u64) -> Result<Option<Self>> {
        let (mut shape, mut numbers, mut layout, mut filters) = (None, None, None, Vec::new());
        for message in file.messages(address)? {
            let body = || file.body(&message);
            match message.kind {
                SHAPE => shape = Some(read_shape(&mut body()?)?),
                NUMBERS => numbers = read_numbers(&mut body()?)?,
                LAYOUT => layout = Some(read_layout(&mut body()?)?),
                FILTERS => filters = Filter::list(&mut body()?)?,
                EXTERNAL => return Err(unread(&body()?, "an array in other files")),
                _ => {}
            }
        }
        let (Some(shape), Some((dtype, endian)), Some(layout)) = (shape, numbers, layout) else {
            return Ok(None);
        };
        Ok(Some(Self { shape, dtype, endian, layout, filters }))
    }

    pub(super) fn is_matrix(&self) -> bool {
        self.shape.len() == 2
    }

    /// Its rows.
    pub(super) fn matrix(self, file: &File) -> Result<Box<dyn Matrix>> {
        let size = |&size: &u64| usize::try_from(size).ok();
        let (rows, dim) = match self.shape.as_slice() {
            [rows, dim] => size(rows).zip(size(dim)),
            _ => None,
        }
        .ok_or_else(|| {
            let problem = format!(
                "the array has {} dimensions; a table of embeddings has two, words and components",
                self.shape.len()
            );
            malformed(NAME, At::Byte(0), problem)
        })?;
        let (dtype, endian) = (self.dtype, self.endian);
        let bytes = match self.layout {
            Layout::Here(bytes) => bytes,
            Layout::Whole { address: UNDEFINED, .. } => {
                return Err(malformed(NAME, At::Byte(0), "the array was never written"));
            }
            Layout::Whole { address, length } => file.part(address, length, "the array")?,
            Layout::Chunks { tree, sizes } => {
                let grid = Grid::new((rows, dim), &sizes, dtype)?;
                let numbers = (dtype, endian);
                return Ok(Box::new(Chunked::open(file, tree, grid, numbers, self.filters)?));
            }
        };
        let tensor = Tensor { bytes, dtype, endian, order: Order::Rows, rows, dim };
        Ok(Box::new(tensor.check(NAME, "the array")?))
    }
}

fn read_shape(body: &mut Cursor) -> Result<Vec<u64>> {
    let what = "the shape of an array";
    let version = body.u8(what)?;
    let rank = body.u8(what)?;
    body.take(if version == 1 { 6 } else { 2 }, what)?;
    (0..rank).map(|_| body.u64(what)).collect()
}

/// None if they are no plain numbers.
fn read_numbers(body: &mut Cursor) -> Result<Option<(Dtype, Endian)>> {
    let what = "the kind of an array's numbers";
    let class = body.u8(what)? & 0x0F;
    let bits = body.u8(what)?;
    body.take(2, what)?;
    let size = body.u32(what)?;
    let endian = if bits & 1 == 0 { Endian::Little } else { Endian::Big };
    let dtype = match (class, size) {
        (0, 1) if bits & 8 != 0 => Dtype::I8,
        (0, 1) => Dtype::U8,
        (1, _) => {
            // Where they begin, how many bits, where the exponent begins, and its bits.
            body.take(5, what)?;
            match (size, body.u8(what)?) {
                (8, 11) => Dtype::F64,
                (4, 8) => Dtype::F32,
                (2, 5) => Dtype::F16,
                (2, 8) => Dtype::Bf16,
                _ => return Ok(None),
            }
        }
        _ => return Ok(None),
    };
    Ok(Some((dtype, endian)))
}

fn read_layout(body: &mut Cursor) -> Result<Layout> {
    let what = "the layout of an array";
    let (version, class) = (body.u8(what)?, body.u8(what)?);
    match (version, class) {
        (3 | 4, 0) => {
            let length = body.u16(what)?;
            Ok(Layout::Here(body.part(length.into(), what)?))
        }
        (3 | 4, 1) => Ok(Layout::Whole { address: body.u64(what)?, length: body.u64(what)? }),
        (3, 2) => {
            let count = body.u8(what)?;
            let tree = body.u64(what)?;
            let sizes = (0..count).map(|_| body.u32(what)).collect::<Result<_>>()?;
            Ok(Layout::Chunks { tree, sizes })
        }
        (4, 2) => Err(unread(body, "an array in chunks of the new style")),
        _ => Err(unread(body, &format!("an array of layout {version}.{class}"))),
    }
}
