//! The parts of a table as sealed files, both ways: what a generation's folder and an archive hold.
//!
//! | part | file | sections |
//! | --- | --- | --- |
//! | `words` | `rows.rs` | `lengths`: bytes of each word u32; `bytes`: the words, one behind the other |
//! | `vectors` | `rows.rs` | `rows` of a table of f32, `rows-f16`, `rows-bf16` or `rows-i8` of another: [the bytes](Dtype::encode) of each row |
//! | `attributes` | `attributes.rs` | `rows`: for each row that has some its number u32 and its attributes |
//! | `subwords` | `subwords.rs` | `head`: JSON; `numbers`: each row's bucket u64, unless it is the row's number; `list`: n-grams; `rows`: f32 |
//! | `inputs` | `inputs.rs` | `head`: JSON; `positions`, `segments`, `norm`: f32 |

pub mod attributes;
mod fields;
pub mod inputs;
pub mod rows;
pub mod subwords;

pub use fields::{Fields, push_text, push_u32};

use crate::container::{CHUNK_BYTES, Kind};
use crate::vector::Dtype;

const ADVICE: &str = "`wordspace check` lists all that is damaged; restore the table from a backup, \
                      or delete it and import it again";

/// Words in row order.
pub const WORDS: Kind = Kind { name: "words", version: 1, advice: ADVICE };
/// Vectors in row order, as floats.
pub const VECTORS: Kind = Kind { name: "vectors", version: 1, advice: ADVICE };
/// The same in another dtype: a version of its own, for programs that know f32 alone.
const CODED_VECTORS: Kind = Kind { version: 2, ..VECTORS };
/// Attributes of rows.
pub const ATTRIBUTES: Kind = Kind { name: "attributes", version: 1, advice: ADVICE };
/// N-grams from which vectors of unknown words are composed.
pub const SUBWORDS: Kind = Kind { name: "subwords", version: 1, advice: ADVICE };
/// What a transformer adds to the vectors of tokens.
pub const INPUTS: Kind = Kind { name: "inputs", version: 1, advice: ADVICE };

/// Vectors of a dtype.
pub fn vectors_of(dtype: Dtype) -> Kind {
    match dtype {
        Dtype::F32 => VECTORS,
        Dtype::F16 | Dtype::Bf16 | Dtype::I8 => CODED_VECTORS,
    }
}

/// Bytes of a chunk that holds whole rows.
fn chunk_of_rows(dtype: Dtype, dim: usize) -> u32 {
    let row_bytes = u32::try_from(dtype.row_bytes(dim)).unwrap_or(CHUNK_BYTES);
    (CHUNK_BYTES / row_bytes).max(1) * row_bytes
}

/// Appends floats as they lie in a file.
fn push_floats(bytes: &mut Vec<u8>, values: &[f32]) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}
