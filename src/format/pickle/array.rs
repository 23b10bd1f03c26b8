//! Arrays of `NumPy` in a pickle.

use std::borrow::Cow;

use crate::error::Result;
use crate::format::malformed;
use crate::format::pickle::value::{Id, Text, Value, Values};
use crate::format::source::Bytes;
use crate::format::tensor::{Dtype, Endian, Order, Tensor};

/// An array of numbers.
pub(super) struct Array {
    dtype: Dtype,
    endian: Endian,
    order: Order,
    pub(super) shape: Vec<usize>,
    bytes: Bytes,
}

impl Array {
    /// The array that a value is; none if it is none of numbers.
    pub(super) fn of(values: &Values, id: Id) -> Option<Self> {
        let Value::Made(made) = values.get(id) else { return None };
        let arguments = values.items(made.arguments?)?;
        let class = values.class(id)?;
        let (shape, dtype, is_columns, data) = if class.ends_with("._reconstruct") {
            let state = values.items(made.state?)?;
            let &[.., shape, dtype, is_columns, data] = state else { return None };
            (shape, dtype, values.int(is_columns) == Some(1), data)
        } else if class.ends_with("._frombuffer") {
            let &[data, dtype, shape, order] = arguments else { return None };
            (shape, dtype, values.text(order)? == "F", data)
        } else {
            return None;
        };
        let shape = values.items(shape)?.iter().map(|&size| values.size(size));
        let (dtype, endian) = dtype_of(values, dtype)?;
        let order = if is_columns { Order::Columns } else { Order::Rows };
        Some(Self {
            dtype,
            endian,
            order,
            shape: shape.collect::<Option<_>>()?,
            bytes: data_of(values, data)?,
        })
    }

    /// As a matrix.
    pub(super) fn tensor(self, format: &'static str, what: &str) -> Result<Tensor> {
        let &[rows, dim] = self.shape.as_slice() else {
            let problem = format!("{what} has {} dimensions, not two", self.shape.len());
            return Err(malformed(format, crate::error::At::Byte(0), problem));
        };
        let Self { dtype, endian, order, bytes, .. } = self;
        Tensor { bytes, dtype, endian, order, rows, dim }.check(format, what)
    }

    /// Whether it is a vector, or a matrix of one row.
    pub(super) fn is_row(&self) -> bool {
        matches!(self.shape.as_slice(), [_] | [1, _])
    }

    /// As one row of a matrix.
    pub(super) fn row(self, format: &'static str) -> Result<Tensor> {
        let dim = self.shape.iter().fold(1, |all: usize, &size| all.saturating_mul(size));
        let Self { dtype, endian, order, bytes, .. } = self;
        Tensor { bytes, dtype, endian, order, rows: 1, dim }.check(format, "a vector")
    }
}

/// Whether a class of any module has this name.
fn is_class(path: &str, name: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, last)| last == name)
}

fn dtype_of(values: &Values, id: Id) -> Option<(Dtype, Endian)> {
    let Value::Made(made) = values.get(id) else { return None };
    if !is_class(values.class(id)?, "dtype") {
        return None;
    }
    let name = values.text(*values.items(made.arguments?)?.first()?)?;
    let dtype = match name.trim_start_matches(['<', '>', '|', '=']) {
        "f8" => Dtype::F64,
        "f4" => Dtype::F32,
        "f2" => Dtype::F16,
        "i1" => Dtype::I8,
        "u1" => Dtype::U8,
        _ => return None,
    };
    let order = made.state.and_then(|state| values.text(*values.items(state)?.get(1)?));
    let endian = if order.as_deref() == Some(">") { Endian::Big } else { Endian::Little };
    Some((dtype, endian))
}

/// The bytes of an array: as they are, or as a text of Latin-1, as old protocols have them.
fn data_of(values: &Values, id: Id) -> Option<Bytes> {
    match values.get(id) {
        Value::Bytes(Text::At(range)) | Value::Text(Text::At(range)) => {
            values.bytes.slice(range.clone())
        }
        Value::Bytes(Text::Own(bytes)) | Value::Text(Text::Own(bytes)) => {
            Some(Bytes::from(bytes.clone()))
        }
        Value::Made(made) => {
            let arguments = values.items(made.arguments?)?;
            let first = *arguments.first()?;
            match values.class(id)? {
                "_codecs.encode" => {
                    let text = values.text(first)?;
                    let bytes: Option<Vec<u8>> =
                        text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
                    Some(Bytes::from(bytes?))
                }
                name if is_class(name, "bytearray") || is_class(name, "bytes") => {
                    data_of(values, first)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// A number of Python, or of `NumPy`.
#[expect(clippy::cast_possible_truncation, reason = "vectors are of single precision")]
#[expect(clippy::cast_precision_loss, reason = "vectors are of single precision")]
pub(super) fn number(values: &Values, id: Id) -> Option<f32> {
    match values.get(id) {
        Value::Float(number) => Some(*number as f32),
        Value::Int(number) => Some(*number as f32),
        Value::Made(made) if is_class(values.class(id)?, "scalar") => {
            let &[dtype, data] = values.items(made.arguments?)? else { return None };
            let (dtype, endian) = dtype_of(values, dtype)?;
            let bytes = data_of(values, data).filter(|bytes| bytes.len() == dtype.bytes())?;
            let mut number = Vec::with_capacity(1);
            let (rows, dim, order) = (1, 1, Order::Rows);
            Tensor { bytes, dtype, endian, order, rows, dim }.copy(0, &mut number);
            number.first().copied()
        }
        _ => None,
    }
}

/// A word, as it stands in a list of them: a text, or a number.
pub(super) fn word(values: &Values, id: Id) -> Option<Cow<'_, [u8]>> {
    match values.get(id) {
        Value::Int(number) => Some(Cow::Owned(number.to_string().into_bytes())),
        _ => values.bytes(id).map(Cow::Borrowed),
    }
}
